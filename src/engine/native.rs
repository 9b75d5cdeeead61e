//! The engine on our own switch.
//!
//! # Safety
//!
//! This room turns addresses and words back into values. A value crosses in the two words
//! of a switch if it fits, else by the address of the sender's variable, which stays alive
//! until the receiver has read it: a sender that suspends is standing still, and a sender
//! that finished left a stack that nobody reuses before `resume` has returned. What was
//! sent is owned by the receiver from then on.

#![allow(unsafe_code, reason = "the engine room: values to words and back")]

use core::marker::PhantomData;
use core::mem::{ManuallyDrop, MaybeUninit, align_of, size_of};
use core::ptr;

use super::{Exit, SMALL_BODY, check_size};
use crate::error::StackError;
use crate::sanitize;
use crate::stack::header::Header;
use crate::stack::{STACK_ALIGNMENT, Stack, StackPointer};
use crate::switch::{self, CONTINUE, PANICKED, RETURNED, UNWIND, Words};
use crate::unwind::{self, Payload};

pub use crate::switch::TrapHandlerRegs;
pub(crate) use crate::switch::stack_pointer;

/// Moves `value` out, into words. It stays where it is if it does not fit.
#[inline(always)]
unsafe fn to_words<T>(value: &mut ManuallyDrop<T>) -> Words {
    let mut words = [MaybeUninit::uninit(); 2];
    let from = ptr::from_mut(value);
    // SAFETY: the words have room for a T or for an address, byte for byte.
    unsafe {
        if size_of::<T>() <= size_of::<Words>() {
            words
                .as_mut_ptr()
                .cast::<ManuallyDrop<T>>()
                .write_unaligned(from.read());
        } else {
            words
                .as_mut_ptr()
                .cast::<*mut ManuallyDrop<T>>()
                .write(from);
        }
    }
    words
}

/// The reverse of `to_words`, done once.
#[inline(always)]
unsafe fn from_words<T>(words: Words) -> T {
    // SAFETY: `to_words` of the same T made the words, and this is the only reader.
    unsafe {
        if size_of::<T>() <= size_of::<Words>() {
            words.as_ptr().cast::<T>().read_unaligned()
        } else {
            words.as_ptr().cast::<*const T>().read().read()
        }
    }
}

const EMPTY: Words = [MaybeUninit::uninit(); 2];

/// What a running body holds of its resumer: the header of its stack.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct Link<I, Y> {
    header: Header,
    marker: PhantomData<fn(Y) -> I>,
}

impl<I, Y> Link<I, Y> {
    /// That of the stack with this `base`.
    ///
    /// # Safety
    ///
    /// A body is running there, at least as long as the reference lives.
    #[cfg(feature = "std")]
    pub(crate) unsafe fn of<'a>(base: StackPointer) -> &'a Self {
        // SAFETY: a transparent wrapper of the header, which is there.
        unsafe { &*Header::of(base).cast() }
    }

    fn address(&self) -> *mut usize {
        self.header.link.as_ptr()
    }

    /// Gives `value` to the resumer and stands still until the next resume.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn suspend(&self, value: Y) -> I {
        self.header.check_before_suspend();
        let mut value = ManuallyDrop::new(value);
        // SAFETY: the header is that of a running stack, since only its body has the link;
        // `Core` receives a Y and sends an I unless it sends a signal.
        unsafe {
            let left = sanitize::leave(self.header.parent(), false);
            let (signal, words) = switch::suspend(self.address(), to_words(&mut value));
            self.header.set_parent(sanitize::arrive(left));
            if signal != CONTINUE {
                unwind::force(self.address() as usize);
            }
            from_words(words)
        }
    }

    /// Runs `f` on the resumer's stack.
    #[inline]
    pub(crate) fn on_parent_stack<R>(&self, f: impl FnOnce() -> R) -> R {
        // The parent stands still inside `resume`, below whose stack pointer there is
        // nothing: an `asm!` block that may push has no red zone.
        let base = self.header.link.get() & !(STACK_ALIGNMENT - 1);
        // SAFETY: so nobody is using the memory below.
        let result = unsafe {
            sanitize::forget_stack(base - sanitize::RED_ZONE, base);
            call_on(base, self.header.parent(), f)
        };
        match result {
            Ok(result) => result,
            Err(payload) => unwind::rethrow(payload),
        }
    }

    /// How many bytes are left below this frame.
    #[inline]
    pub(crate) fn remaining_stack(&self) -> usize {
        let here = switch::stack_pointer();
        let base = ptr::from_ref(&self.header) as usize;
        if here < base {
            here.saturating_sub(self.header.limit)
        } else {
            0
        }
    }
}

/// A body on a stack.
pub(crate) struct Core<I, Y, R, S> {
    stack: S,
    /// The parent link of the stack, kept here since `stack` may have to look it up.
    link: *mut usize,
    /// Where to continue; [`RETURNED`] once the body has ended, in whatever way.
    sp: usize,
    fiber: sanitize::Fiber,
    marker: PhantomData<fn(I) -> Exit<Y, R>>,
}

impl<I, Y, R, S: Stack> Core<I, Y, R, S> {
    /// Whether an `F` can be laid out on `stack`.
    #[inline(always)]
    pub(crate) fn check<F>(stack: &S) -> Result<(), StackError> {
        check_size::<F>(stack.limit().get() + stack.guard_size(), stack.base())
    }

    /// Lays `body` out on `stack` under `name`, to be entered by the first resume.
    ///
    /// # Safety
    ///
    /// What `body` borrows outlives the run, even if the core is forgotten. The stack passed
    /// the [`check`](Self::check).
    #[inline(always)]
    pub(crate) unsafe fn new<F>(stack: S, name: &str, body: F) -> Self
    where
        F: FnOnce(&Link<I, Y>, I) -> R,
    {
        let base = stack.base();
        let limit = stack.limit().get() + stack.guard_size();
        // SAFETY: the stack is ours and idle, and was seen to have room.
        let sp = unsafe {
            sanitize::forget_stack(limit, base.get());
            let top = Header::write(base, limit, name);
            let entry: switch::Entry = enter::<I, Y, R, F>;
            (*Header::of(base)).entry.set(entry as usize);
            let align = if align_of::<F>() > STACK_ALIGNMENT {
                align_of::<F>()
            } else {
                STACK_ALIGNMENT
            };
            let address = (top - size_of::<F>()) & !(align - 1);
            (address as *mut F).write(body);
            switch::init_stack(address)
        };
        let fiber = sanitize::Fiber::new(limit, base);
        Self {
            stack,
            link: Header::of(base).cast(),
            sp,
            fiber,
            marker: PhantomData,
        }
    }

    /// Continues the body with `input`.
    ///
    /// The body must not be [`done`](Self::done).
    #[inline(always)]
    pub(crate) fn resume(&mut self, input: I) -> Exit<Y, R> {
        let mut input = ManuallyDrop::new(input);
        // SAFETY: `enter` and `Link::suspend` read an I unless there is a signal.
        unsafe {
            let words = to_words(&mut input);
            let (state, words) = self.switch(words, CONTINUE);
            if state > PANICKED {
                self.sp = state;
                Exit::Yield(from_words(words))
            } else {
                let exit = if state == RETURNED {
                    Exit::Return(from_words(words))
                } else {
                    Exit::Panic(from_words(words))
                };
                self.ended();
                exit
            }
        }
    }

    /// Tells the body to unwind: with its exit, or with nothing if it was never entered and
    /// went quietly.
    #[cfg_attr(not(feature = "unwind"), allow(dead_code, reason = "nothing unwinds"))]
    pub(crate) fn signal_unwind(&mut self) -> Option<Exit<Y, R>> {
        let fresh = !self.started();
        // SAFETY: as in `resume`; `enter` sends no R when it was signalled.
        unsafe {
            let (state, words) = self.switch(EMPTY, UNWIND);
            if state > PANICKED {
                self.sp = state;
                return Some(Exit::Yield(from_words(words)));
            }
            let exit = match state {
                PANICKED => Some(Exit::Panic(from_words(words))),
                _ if fresh => None,
                _ => Some(Exit::Return(from_words(words))),
            };
            self.ended();
            exit
        }
    }

    /// # Safety
    ///
    /// The body is fresh or suspended, and the words are what it will read.
    #[inline(always)]
    unsafe fn switch(&mut self, words: Words, signal: usize) -> (usize, Words) {
        // SAFETY: the header is that of our stack, which is suspended at `sp`.
        unsafe {
            Header::note_before_resume(self.link.cast());
            let left = sanitize::leave(self.fiber.context(), false);
            let answer = switch::resume(self.sp, self.link, words, signal);
            self.fiber.set_context(sanitize::arrive(left));
            answer
        }
    }

    /// Another with the same body, on a stack at the same addresses.
    ///
    /// # Safety
    ///
    /// One of them at a time is on that stack, with bytes of its own; and what the body owns
    /// there, each has for itself.
    #[cfg(feature = "std")]
    pub(crate) unsafe fn duplicate<T: Stack>(&self, stack: T) -> Core<I, Y, R, T> {
        let fiber = sanitize::Fiber::new(stack.limit().get() + stack.guard_size(), stack.base());
        Core {
            stack,
            link: self.link,
            sp: self.sp,
            fiber,
            marker: PhantomData,
        }
    }

    /// What it is, word by word.
    ///
    /// # Safety
    ///
    /// It takes the place of this one until it is moved back.
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(crate) unsafe fn moved(&mut self) -> ManuallyDrop<Self> {
        // SAFETY: the caller says so.
        let (stack, fiber) = unsafe { (ptr::read(&self.stack), ptr::read(&self.fiber)) };
        ManuallyDrop::new(Self {
            stack,
            link: self.link,
            sp: self.sp,
            fiber,
            marker: PhantomData,
        })
    }

    /// The reverse.
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(crate) fn move_back(&mut self, moved: ManuallyDrop<Self>) {
        self.sp = moved.sp;
        // SAFETY: what is overwritten was moved, and so is this.
        unsafe { ptr::write(&mut self.fiber, ptr::read(&moved.fiber)) };
    }

    /// The stack, which the body may be using.
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(crate) fn stack(&self) -> &S {
        &self.stack
    }

    /// Where to continue; [`RETURNED`] once the body has ended.
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(crate) fn sp(&self) -> usize {
        self.sp
    }

    #[inline(always)]
    fn ended(&mut self) {
        self.sp = RETURNED;
        self.fiber.end();
    }

    pub(crate) fn started(&self) -> bool {
        // SAFETY: `sp` is the latest stack pointer of our stack.
        self.done() || unsafe { !switch::is_fresh(self.sp) }
    }

    #[inline(always)]
    pub(crate) fn done(&self) -> bool {
        self.sp == RETURNED
    }

    /// Takes the body for ended.
    ///
    /// # Safety
    ///
    /// Nothing on the stack needs to be dropped.
    pub(crate) unsafe fn force_reset(&mut self) {
        if !self.done() {
            self.ended();
        }
    }

    /// What tells this stack's forced unwind from another's.
    pub(crate) fn token(&self) -> usize {
        self.link as usize
    }

    /// The lowest usable and the highest address of the stack.
    pub(crate) fn bounds(&self) -> (usize, StackPointer) {
        (
            self.stack.limit().get() + self.stack.guard_size(),
            self.stack.base(),
        )
    }

    /// The stack of a body that has ended.
    #[inline(always)]
    pub(crate) fn into_stack(self) -> S {
        debug_assert!(self.done());
        self.stack
    }

    pub(crate) fn trap(&self) -> Trap<R> {
        Trap {
            link: self.link as usize,
            base: self.stack.base().get(),
            limit: self.stack.limit().get(),
            marker: PhantomData,
        }
    }
}

/// The first function on a coroutine's stack.
unsafe extern "C" fn enter<I, Y, R, F>(
    word0: MaybeUninit<usize>,
    word1: MaybeUninit<usize>,
    body: *mut u8,
    link: *mut usize,
    signal: usize,
) -> !
where
    F: FnOnce(&Link<I, Y>, I) -> R,
{
    // SAFETY: `Core::new` put an F at `body`, and the header's first word is the link; both
    // stay until the stack is given up, after this function has left for ever. `resume`
    // sends an I unless it sends a signal.
    unsafe {
        let link = &*link.cast::<Link<I, Y>>();
        link.header
            .set_parent(sanitize::arrive(sanitize::Left::NONE));
        let body = body.cast::<F>();
        if signal != CONTINUE {
            leave_for_good(link, unwind::catch(|| body.drop_in_place()))
        } else {
            let input = from_words::<I>([word0, word1]);
            // Read where it is called, lest it be moved once more.
            leave_for_good(link, unwind::catch(|| body.read()(link, input)))
        }
    }
}

/// Sends the outcome of a body to the resumer, as the last thing on this stack.
#[inline(always)]
unsafe fn leave_for_good<I, Y, T>(link: &Link<I, Y>, outcome: Result<T, Payload>) -> ! {
    // SAFETY: nothing is left on the stack but the outcome, which the resumer takes over.
    unsafe {
        match outcome {
            Ok(value) => {
                let mut value = ManuallyDrop::new(value);
                sanitize::leave(link.header.parent(), true);
                switch::finish(link.address(), to_words(&mut value), RETURNED)
            }
            Err(payload) => {
                let mut payload = ManuallyDrop::new(payload);
                sanitize::leave(link.header.parent(), true);
                switch::finish(link.address(), to_words(&mut payload), PANICKED)
            }
        }
    }
}

/// Runs `f` on `stack`, and drops the stack.
#[inline]
pub(crate) fn on_stack<S: Stack, R>(stack: S, f: impl FnOnce() -> R) -> R {
    let base = stack.base();
    let limit = stack.limit().get() + stack.guard_size();
    // SAFETY: the stack is ours and idle. Its header lets the overflow report know that
    // no name is there.
    unsafe {
        sanitize::forget_stack(limit, base.get());
        let top = Header::write(base, limit, "");
        let mut fiber = sanitize::Fiber::new(limit, base);
        let result = call_on(top, fiber.context(), f);
        fiber.end();
        drop(stack);
        match result {
            Ok(result) => result,
            Err(payload) => unwind::rethrow(payload),
        }
    }
}

/// Runs `f` on the stack that begins at `base`, of which the sanitizers know as `context`.
#[inline]
unsafe fn call_on<F: FnOnce() -> R, R>(
    base: usize,
    context: sanitize::Context,
    f: F,
) -> Result<R, Payload> {
    struct Call<F, R> {
        f: Option<F>,
        result: Option<Result<R, Payload>>,
        context: sanitize::Context,
    }

    unsafe extern "C" fn run<F: FnOnce() -> R, R>(data: *mut u8) {
        // SAFETY: `call_on` passes a `Call` of these types, and waits.
        unsafe {
            let call = &mut *data.cast::<Call<F, R>>();
            let parent = sanitize::arrive_in_call(call.context);
            if let Some(f) = call.f.take() {
                call.result = Some(unwind::catch(f));
            }
            sanitize::leave(parent, true);
        }
    }

    let mut call = Call {
        f: Some(f),
        result: None,
        context,
    };
    // SAFETY: the caller lends the stack below `base`.
    unsafe {
        let left = sanitize::leave_for_call(context);
        switch::on_stack((&raw mut call).cast(), base, run::<F, R>);
        sanitize::arrive(left);
        sanitize::bury(context);
    }
    match call.result {
        Some(result) => result,
        None => unreachable!("the call on the other stack came back without a result"),
    }
}

/// How a trap handler makes a coroutine leave.
pub(crate) struct Trap<R> {
    link: usize,
    base: usize,
    limit: usize,
    marker: PhantomData<fn(R)>,
}

impl<R> Clone for Trap<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Trap<R> {}

impl<R> Trap<R> {
    pub(crate) fn contains(&self, stack_ptr: usize) -> bool {
        (self.limit..self.base).contains(&stack_ptr)
    }

    /// # Safety
    ///
    /// See `CoroutineTrapHandler::setup_trap_handler`.
    pub(crate) unsafe fn set_up<F: FnOnce() -> R + 'static>(&self, f: F) -> TrapHandlerRegs {
        unsafe extern "C" fn leave_trapped<F: FnOnce() -> R, R>(f: *mut u8, link: *mut usize) -> ! {
            // SAFETY: `set_up` put an F at `f` below the header that begins with the link.
            unsafe {
                let f = f.cast::<F>().read();
                leave_for_good(&*link.cast::<Link<(), ()>>(), unwind::catch(f))
            }
        }

        const {
            assert!(
                size_of::<F>() + align_of::<F>() <= SMALL_BODY,
                "a closure too large for every stack"
            );
        }
        let link = self.link as *mut usize;
        // SAFETY: the caller gives up what lies on the stack.
        unsafe {
            sanitize::forget_stack(self.limit, self.link);
            let align = if align_of::<F>() > STACK_ALIGNMENT {
                align_of::<F>()
            } else {
                STACK_ALIGNMENT
            };
            let body = (self.link - crate::stack::header::MAX_NAME - size_of::<F>()) & !(align - 1);
            (body as *mut F).write(f);
            switch::enter_from_trap(link, body, leave_trapped::<F, R>)
        }
    }
}
