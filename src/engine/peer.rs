//! The engine on the crate corosensei, for targets without an arch file of ours.
//!
//! Panics and forced unwinding are this crate's own here too: the body's root catches the
//! panic, and a message says what a resume means. So its features can stay off, and a
//! coroutine behaves as it does on `native`, only slower.
//!
//! # Safety
//!
//! A stack is lent on under the same promises, less the header at its base. A body is laid
//! out without the `'static` bounds, which the callers of [`Core::new`] answer for.

#![allow(unsafe_code, reason = "lends stacks on to another engine")]

use alloc::boxed::Box;
use core::cell::Cell;
use core::mem::{align_of, size_of};

use corosensei as peer;

pub(crate) use super::address_of_a_variable as stack_pointer;
use super::{Exit, check_size};
use crate::error::StackError;
use crate::stack::header::{Header, MAX_NAME};
use crate::stack::{Stack, StackPointer};
use crate::unwind::{self, Payload};

pub use corosensei::trap::TrapHandlerRegs;

/// The largest body that corosensei lays out on a stack, with room for what goes with it.
const LARGEST_BODY: usize = 512;

/// What a resume means.
enum Message<I> {
    Continue(I),
    Unwind,
}

/// How a body ended; no value if it was told to unwind before it began.
type Ending<R> = Result<Option<R>, Payload>;

/// An ending in a box. A pointer, for it can be copied, and only then can corosensei's trap
/// handlers be, which are as much `Copy` as what they return.
struct Sent<R>(*mut Ending<R>);

impl<R> Clone for Sent<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Sent<R> {}

impl<R> Sent<R> {
    fn new(ending: Ending<R>) -> Self {
        Self(Box::into_raw(Box::new(ending)))
    }

    /// # Safety
    ///
    /// Called once for what came from `new`.
    unsafe fn receive(self) -> Ending<R> {
        // SAFETY: the caller says so.
        *unsafe { Box::from_raw(self.0) }
    }
}

/// A stack without its header and the longest name.
struct Lent<S>(S);

// SAFETY: what is cut off leaves the rest as `Stack` promises it, except that the usable
// size may fall short of the minimum by less than a page, which `new` makes up for by
// refusing bodies that need it.
unsafe impl<S: Stack> peer::stack::Stack for Lent<S> {
    fn base(&self) -> StackPointer {
        let lowered = Header::of(self.0.base()) as usize - MAX_NAME;
        StackPointer::new(lowered).unwrap_or(StackPointer::MIN)
    }

    fn limit(&self) -> StackPointer {
        self.0.limit()
    }
}

pub(crate) struct Link<I, Y> {
    /// Lives on the coroutine's stack, above the body that borrows this link.
    yielder: *const peer::Yielder<Message<I>, Y>,
    base: StackPointer,
    limit: usize,
}

impl<I, Y> core::fmt::Debug for Link<I, Y> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Link")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl<I, Y> Link<I, Y> {
    fn yielder(&self) -> &peer::Yielder<Message<I>, Y> {
        // SAFETY: see the field.
        unsafe { &*self.yielder }
    }

    pub(crate) fn suspend(&self, value: Y) -> I {
        // SAFETY: the header was written before the body was laid out.
        unsafe { (*Header::of(self.base)).check_before_suspend() };
        match self.yielder().suspend(value) {
            Message::Continue(input) => input,
            Message::Unwind => unwind::force(self.base.get()),
        }
    }

    pub(crate) fn on_parent_stack<R>(&self, f: impl FnOnce() -> R + Send) -> R {
        /// A result that the parent's stack, of the same thread, hands over.
        struct Carried<T>(T);
        let result = self
            .yielder()
            .on_parent_stack(move || Carried(unwind::catch(f)));
        match result.0 {
            Ok(value) => value,
            Err(payload) => unwind::rethrow(payload),
        }
    }

    pub(crate) fn remaining_stack(&self) -> usize {
        let here = Cell::new(0u8);
        let here = here.as_ptr() as usize;
        if here < self.base.get() {
            here.saturating_sub(self.limit)
        } else {
            0
        }
    }
}

pub(crate) struct Core<I, Y, R, S: Stack> {
    inner: peer::Coroutine<Message<I>, Y, Sent<R>, Lent<S>>,
    // The stack has moved into `inner`, which does not show it.
    base: StackPointer,
    limit: usize,
}

impl<I, Y, R, S: Stack> Core<I, Y, R, S> {
    /// Lays `body` out on `stack` under `name`, to be entered by the first resume.
    ///
    pub(crate) fn check<F>(stack: &S) -> Result<(), StackError> {
        check_size::<F>(stack.limit().get() + stack.guard_size(), stack.base())
    }

    /// # Safety
    ///
    /// What `body` borrows outlives the run, even if the core is forgotten. The stack passed
    /// the [`check`](Self::check).
    pub(crate) unsafe fn new<F>(stack: S, name: &str, body: F) -> Self
    where
        F: FnOnce(&Link<I, Y>, I) -> R,
    {
        // SAFETY: as here.
        unsafe {
            if size_of::<F>() + align_of::<F>() > LARGEST_BODY {
                let body = Box::new(body);
                let body = move |link: &Link<I, Y>, input| body(link, input);
                Self::lay_out(stack, name, body)
            } else {
                Self::lay_out(stack, name, body)
            }
        }
    }

    /// # Safety
    ///
    /// See [`new`](Self::new).
    unsafe fn lay_out<F>(stack: S, name: &str, body: F) -> Self
    where
        F: FnOnce(&Link<I, Y>, I) -> R,
    {
        let base = stack.base();
        let limit = stack.limit().get() + stack.guard_size();
        // SAFETY: the stack is ours and idle; the caller answers for what the body borrows.
        let inner = unsafe {
            Header::write(base, limit, name);
            peer::Coroutine::with_stack_unchecked(
                Lent(stack),
                move |yielder: &peer::Yielder<Message<I>, Y>, first| {
                    Sent::new(match first {
                        Message::Unwind => unwind::catch(|| drop(body)).map(|()| None),
                        Message::Continue(input) => {
                            let link = Link {
                                yielder,
                                base,
                                limit,
                            };
                            unwind::catch(|| body(&link, input)).map(Some)
                        }
                    })
                },
            )
        };
        Self { inner, base, limit }
    }

    fn exchange(&mut self, message: Message<I>) -> Option<Exit<Y, R>> {
        // SAFETY: `new` wrote the header, and the coroutine stands still.
        unsafe { Header::note_before_resume(Header::of(self.base)) };
        match self.inner.resume(message) {
            peer::CoroutineResult::Yield(value) => Some(Exit::Yield(value)),
            // SAFETY: the body sent it, and ends once.
            peer::CoroutineResult::Return(sent) => match unsafe { sent.receive() } {
                Ok(value) => value.map(Exit::Return),
                Err(payload) => Some(Exit::Panic(payload)),
            },
        }
    }

    pub(crate) fn resume(&mut self, input: I) -> Exit<Y, R> {
        match self.exchange(Message::Continue(input)) {
            Some(exit) => exit,
            None => unreachable!("a body that was not told to unwind ended without a value"),
        }
    }

    pub(crate) fn signal_unwind(&mut self) -> Option<Exit<Y, R>> {
        self.exchange(Message::Unwind)
    }

    pub(crate) fn started(&self) -> bool {
        self.inner.started()
    }

    pub(crate) fn done(&self) -> bool {
        self.inner.done()
    }

    /// Takes the body for ended.
    ///
    /// # Safety
    ///
    /// Nothing on the stack needs to be dropped.
    pub(crate) unsafe fn force_reset(&mut self) {
        // SAFETY: the caller says so.
        unsafe { self.inner.force_reset() };
    }

    pub(crate) fn token(&self) -> usize {
        self.base.get()
    }

    /// The lowest usable and the highest address of the stack.
    pub(crate) fn bounds(&self) -> (usize, StackPointer) {
        (self.limit, self.base)
    }

    /// The stack of a body that has ended.
    pub(crate) fn into_stack(self) -> S {
        self.inner.into_stack().0
    }

    pub(crate) fn trap(&self) -> Trap<R> {
        Trap {
            inner: self.inner.trap_handler(),
        }
    }
}

pub(crate) fn on_stack<S: Stack, R>(stack: S, f: impl FnOnce() -> R) -> R {
    // SAFETY: the stack is ours and idle.
    unsafe { Header::write(stack.base(), stack.limit().get() + stack.guard_size(), "") };
    match peer::on_stack(Lent(stack), || unwind::catch(f)) {
        Ok(value) => value,
        Err(payload) => unwind::rethrow(payload),
    }
}

pub(crate) struct Trap<R> {
    inner: peer::trap::CoroutineTrapHandler<Sent<R>>,
}

impl<R> Clone for Trap<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Trap<R> {}

impl<R> Trap<R> {
    pub(crate) fn contains(&self, stack_ptr: usize) -> bool {
        self.inner.stack_ptr_in_bounds(stack_ptr)
    }

    /// # Safety
    ///
    /// See `CoroutineTrapHandler::setup_trap_handler`.
    pub(crate) unsafe fn set_up<F: FnOnce() -> R + 'static>(&self, f: F) -> TrapHandlerRegs {
        // SAFETY: the caller promises what corosensei asks for.
        unsafe {
            self.inner
                .setup_trap_handler(move || Sent::new(unwind::catch(f).map(Some)))
        }
    }
}
