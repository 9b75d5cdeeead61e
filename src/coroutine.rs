//! Coroutines: calls with a stack of their own, which can pause.
//!
//! The names and their meaning are those of the crate corosensei 0.3.4, so that its users
//! move by changing the crate's name; what goes beyond it says so.
//!
//! # Safety
//!
//! The body of a coroutine lives on its stack. So that stack is given back only when the
//! body has ended: `Drop` sees to it, and ends the program where it cannot. What may be
//! forgotten may not borrow: the safe constructors ask for `'static`, and
//! [`ScopedCoroutine`](crate::ScopedCoroutine) lends a borrowing coroutine inside a scope
//! that owns it.

#![allow(
    unsafe_code,
    reason = "the unchecked constructor, the door to other threads, and giving back a stack"
)]

use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr;

use crate::engine::{self, Core, Exit, Link};
use crate::error::StackError;
use crate::send::SendCoroutine;
use crate::stack::header::Header;
use crate::stack::{self, DefaultStack, high_water};
use crate::trap::CoroutineTrapHandler;
use crate::unwind::{self, CAN_UNWIND, EndProgram, Payload};

/// How often a coroutine may suspend while it is being unwound, before the program ends.
const MAX_SUSPENSIONS_IN_UNWIND: usize = 64;

/// What resuming a coroutine answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CoroutineResult<Yield, Return> {
    /// The coroutine suspended itself with this value.
    Yield(Yield),
    /// The coroutine's body returned this value.
    Return(Return),
}

impl<Yield, Return> CoroutineResult<Yield, Return> {
    /// The yielded value, if it is one.
    ///
    /// ```
    /// let result = segno::CoroutineResult::<_, ()>::Yield(1);
    /// assert_eq!(result.as_yield(), Some(1));
    /// ```
    pub fn as_yield(self) -> Option<Yield> {
        match self {
            Self::Yield(value) => Some(value),
            Self::Return(_) => None,
        }
    }

    /// The returned value, if it is one.
    ///
    /// ```
    /// let result = segno::CoroutineResult::<(), _>::Return("done");
    /// assert_eq!(result.as_return(), Some("done"));
    /// ```
    pub fn as_return(self) -> Option<Return> {
        match self {
            Self::Yield(_) => None,
            Self::Return(value) => Some(value),
        }
    }
}

/// A call with a stack of its own, which can pause and be taken up again.
///
/// `resume` runs the body until it suspends, with a `Yield`, or returns, with a `Return`;
/// the `Input` of the first resume is an argument of the body, later ones are what
/// [`Yielder::suspend`] answers. The body may suspend from any depth of ordinary calls.
/// Up to two words of payload travel in registers, in each direction.
///
/// ```
/// use segno::{Coroutine, CoroutineResult};
///
/// let mut running_total = Coroutine::new(|yielder, first: u32| {
///     let mut total = first;
///     while total < 100 {
///         total += yielder.suspend(total);
///     }
///     "enough"
/// });
/// assert_eq!(running_total.resume(30), CoroutineResult::Yield(30));
/// assert_eq!(running_total.resume(12), CoroutineResult::Yield(42));
/// assert_eq!(running_total.resume(58), CoroutineResult::Return("enough"));
/// assert!(running_total.done());
/// ```
///
/// # Panics cross
///
/// A panic that leaves the body goes on from the `resume` that was running it. The
/// coroutine is done then.
///
/// # Dropping
///
/// A coroutine that was suspended is unwound, as by [`force_unwind`](Self::force_unwind), so
/// that what lives on its stack is dropped. If its body answers with a panic of its own, the
/// panic goes on from the drop. Without the feature `unwind`, or under `panic=abort`, there
/// is no way to unwind, and dropping a suspended coroutine prints a message and aborts; run
/// it to its end, or promise by [`force_reset`](Self::force_reset) that nothing is lost.
///
/// # Threads
///
/// A coroutine cannot be sent to another thread, since nothing shows whether all that lives
/// on its stack could be. One that has not started can, as a
/// [`SendCoroutine`]; a suspended one by the unsafe [`assume_send`](Self::assume_send).
///
/// ```compile_fail,E0277
/// let counted = std::rc::Rc::new(1);
/// let mut coroutine = segno::Coroutine::<(), (), ()>::new(move |yielder, ()| {
///     let here = counted.clone();
///     yielder.suspend(());
///     drop(here);
/// });
/// coroutine.resume(());
/// std::thread::spawn(move || coroutine.resume(()));
/// ```
///
/// Nor may a coroutine that is suspended inside of `LocalKey::with` be resumed or dropped by
/// the destructor of a thread-local, nor one be suspended inside of a closure to which a crate
/// lends by way of a thread-local, as scoped thread-locals do: what is borrowed there may be
/// gone, and nothing tells the compiler. The [crate documentation](crate#threads-and-thread-locals)
/// says more.
///
/// # What may be forgotten may not borrow
///
/// A coroutine that is forgotten while suspended keeps its stack for ever, and never runs
/// the rest of its body. If the body could borrow, that would be unsound: a
/// `std::thread::scope` that is open on its stack would never be waited for.
///
/// ```compile_fail,E0597
/// let data = [1, 2, 3];
/// let mut coroutine = segno::Coroutine::<(), (), ()>::new(|yielder, ()| {
///     std::thread::scope(|scope| {
///         scope.spawn(|| println!("{data:?}"));
///         yielder.suspend(());
///     });
/// });
/// coroutine.resume(());
/// std::mem::forget(coroutine); // the thread would read `data` when it is gone
/// ```
///
/// Nor can a value that a coroutine owns leave it by reference:
///
/// ```compile_fail
/// let mut coroutine = segno::Coroutine::<(), &'static String, ()>::new(|yielder, ()| {
///     let local = String::from("on the coroutine's stack");
///     yielder.suspend(&local);
/// });
/// ```
///
/// A borrowed stack would be free to be used again once its coroutine was forgotten:
///
/// ```compile_fail,E0597
/// use segno::{Coroutine, stack::DefaultStack};
/// let mut stack = DefaultStack::default();
/// let coroutine = Coroutine::<(), (), (), _>::with_stack(&mut stack, |_, ()| ());
/// ```
pub struct Coroutine<Input, Yield, Return, Stack: stack::Stack = DefaultStack> {
    core: Core<Input, Yield, Return, Stack>,
    not_send: PhantomData<*mut ()>,
}

// SAFETY: what can be done through a shared reference reads the coroutine's own fields and
// the header of its stack, which no other reference writes to.
unsafe impl<Input, Yield, Return, Stack: stack::Stack + Sync> Sync
    for Coroutine<Input, Yield, Return, Stack>
{
}

impl<Input, Yield, Return> Coroutine<Input, Yield, Return> {
    /// A coroutine that will run `body`, on a stack from the default pool.
    ///
    /// In the steady state, when stacks come back about as often as they are taken, this
    /// makes no system call and takes no lock.
    ///
    /// # Panics
    ///
    /// If there is no stack to be had; see [`try_new`](Self::try_new).
    #[inline]
    pub fn new<F>(body: F) -> Self
    where
        F: FnOnce(&Yielder<Input, Yield>, Input) -> Return,
        F: 'static,
        Input: 'static,
        Yield: 'static,
        Return: 'static,
    {
        Self::with_stack(DefaultStack::default(), body)
    }

    /// Like [`new`](Self::new), with an error where there is no stack to be had.
    ///
    /// ```
    /// let mut coroutine = segno::Coroutine::<(), (), _>::try_new(|_, ()| 42)?;
    /// assert_eq!(coroutine.resume(()).as_return(), Some(42));
    /// # Ok::<(), segno::error::StackError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What ran out: address space, mappings or memory; or the body is larger than a fifth
    /// of the stack.
    #[inline]
    pub fn try_new<F>(body: F) -> Result<Self, StackError>
    where
        F: FnOnce(&Yielder<Input, Yield>, Input) -> Return,
        F: 'static,
        Input: 'static,
        Yield: 'static,
        Return: 'static,
    {
        // SAFETY: nothing is borrowed.
        unsafe { Self::try_lay_out(DefaultStack::try_default()?, "", body) }
    }
}

impl<Input, Yield, Return, Stack: stack::Stack> Coroutine<Input, Yield, Return, Stack> {
    /// A coroutine that will run `body` on `stack`.
    ///
    /// # Panics
    ///
    /// If `body` is larger than a fifth of the stack.
    #[inline]
    pub fn with_stack<F>(stack: Stack, body: F) -> Self
    where
        F: FnOnce(&Yielder<Input, Yield>, Input) -> Return,
        F: 'static,
        Input: 'static,
        Yield: 'static,
        Return: 'static,
        Stack: 'static,
    {
        // SAFETY: nothing is borrowed.
        unsafe { Self::with_stack_unchecked(stack, body) }
    }

    /// Like [`with_stack`](Self::with_stack), for a body that may borrow.
    ///
    /// # Safety
    ///
    /// What `body`, the stack and the values that pass through borrow stays valid until the
    /// coroutine is done or dropped; if it is forgotten, for ever.
    ///
    /// # Panics
    ///
    /// If `body` is larger than a fifth of the stack.
    #[inline]
    pub unsafe fn with_stack_unchecked<F>(stack: Stack, body: F) -> Self
    where
        F: FnOnce(&Yielder<Input, Yield>, Input) -> Return,
    {
        // Not by way of `try_lay_out`: the compiler moves the words of a `Result` in pieces,
        // and the processor cannot forward two pieces that were stored to one load.
        if let Err(error) = Core::<Input, Yield, Return, Stack>::check::<F>(&stack) {
            panic!("{error}");
        }
        // SAFETY: the caller promises it, and the stack was checked.
        unsafe { Self::lay_out(stack, "", body) }
    }

    /// # Safety
    ///
    /// See [`with_stack_unchecked`](Self::with_stack_unchecked).
    #[inline(always)]
    pub(crate) unsafe fn try_lay_out<F>(
        stack: Stack,
        name: &str,
        body: F,
    ) -> Result<Self, StackError>
    where
        F: FnOnce(&Yielder<Input, Yield>, Input) -> Return,
    {
        Core::<Input, Yield, Return, Stack>::check::<F>(&stack)?;
        // SAFETY: the caller promises it, and the stack was checked.
        Ok(unsafe { Self::lay_out(stack, name, body) })
    }

    /// # Safety
    ///
    /// See [`with_stack_unchecked`](Self::with_stack_unchecked); and the stack passed the
    /// check for this body.
    #[inline(always)]
    pub(crate) unsafe fn lay_out<F>(stack: Stack, name: &str, body: F) -> Self
    where
        F: FnOnce(&Yielder<Input, Yield>, Input) -> Return,
    {
        let body = move |link: &Link<Input, Yield>, input| body(Yielder::of(link), input);
        // SAFETY: the caller promises it.
        let core = unsafe { Core::new(stack, name, body) };
        Self {
            core,
            not_send: PhantomData,
        }
    }

    /// Runs the body until it suspends or returns.
    ///
    /// # Panics
    ///
    /// If the coroutine is done; or with the panic that leaves the body.
    #[inline]
    #[track_caller]
    pub fn resume(&mut self, value: Input) -> CoroutineResult<Yield, Return> {
        assert!(!self.core.done(), "attempt to resume a completed coroutine");
        match self.core.resume(value) {
            Exit::Yield(value) => CoroutineResult::Yield(value),
            Exit::Return(value) => CoroutineResult::Return(value),
            Exit::Panic(payload) => unwind::rethrow(payload),
        }
    }

    /// Whether the coroutine was resumed at least once, or is done.
    pub fn started(&self) -> bool {
        self.core.started()
    }

    /// Whether the body has ended: by returning, by a panic, by being unwound, or because
    /// the coroutine was reset. A coroutine that is done cannot be resumed.
    #[inline]
    pub fn done(&self) -> bool {
        self.core.done()
    }

    /// Takes the coroutine for done, whatever is on its stack.
    ///
    /// # Safety
    ///
    /// Like a `longjmp` out of the body: nothing on the stack may rely on being dropped.
    /// In particular nobody else may hold a reference into it.
    pub unsafe fn force_reset(&mut self) {
        // SAFETY: the caller promises it.
        unsafe { self.core.force_reset() };
    }

    /// Unwinds a suspended body, which drops what lives on its stack. Does nothing if the
    /// coroutine is done; drops the body if it has not started.
    ///
    /// The unwinding is a panic that starts in [`Yielder::suspend`], with a payload that
    /// [`unwind::is_forced`](crate::unwind::is_forced) recognises. It may be caught, but not
    /// escaped: when the body suspends again, it is unwound again.
    ///
    /// # Panics
    ///
    /// With the panic that the body answers with; or, the coroutine still suspended, in a
    /// build that cannot unwind.
    ///
    /// # Aborts
    ///
    /// If the body catches the unwinding and suspends again 64 times; or if a destructor
    /// panics while the stack is unwound, as anywhere in Rust.
    pub fn force_unwind(&mut self) {
        if !self.core.done() {
            assert!(
                CAN_UNWIND || !self.core.started(),
                "a suspended coroutine cannot be unwound without the feature `unwind` and panic=unwind"
            );
            if let Err(payload) = self.unwind_to_the_end() {
                unwind::rethrow(payload);
            }
        }
    }

    /// For [`copy`](crate::copy), which sees to it that the stack is there when it runs.
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(crate) fn core(&self) -> &Core<Input, Yield, Return, Stack> {
        &self.core
    }

    #[cfg(feature = "std")]
    #[inline(always)]
    pub(crate) fn core_mut(&mut self) -> &mut Core<Input, Yield, Return, Stack> {
        &mut self.core
    }

    /// Signals the body until it has ended; with the first panic that is not the forced one.
    #[cold]
    #[inline(never)]
    pub(crate) fn unwind_to_the_end(&mut self) -> Result<(), Payload> {
        let token = self.core.token();
        let mut outcome = Ok(());
        for _ in 0..MAX_SUSPENSIONS_IN_UNWIND {
            let (dropped, ended) = match self.core.signal_unwind() {
                None => (Ok(()), true),
                Some(Exit::Yield(value)) => (unwind::catch(|| drop(value)), false),
                Some(Exit::Return(value)) => (unwind::catch(|| drop(value)), true),
                Some(Exit::Panic(payload)) if unwind::is_force_of(&payload, token) => {
                    (Ok(()), true)
                }
                Some(Exit::Panic(payload)) => (Err(payload), true),
            };
            match dropped {
                // Dropping a second payload could be a third panic, and so on: that one stays.
                Err(second) if outcome.is_err() => {
                    let drop_it = move || {
                        let _second = second;
                    };
                    let _kept = unwind::catch(drop_it).map_err(ManuallyDrop::new);
                }
                Err(first) => outcome = Err(first),
                Ok(()) => {}
            }
            if ended {
                return outcome;
            }
        }
        unwind::end_program("a coroutine keeps suspending while it is being unwound")
    }

    /// The stack of a coroutine that is done, to be used again.
    ///
    /// # Panics
    ///
    /// If the coroutine is not done.
    #[inline]
    #[track_caller]
    pub fn into_stack(self) -> Stack {
        assert!(
            self.core.done(),
            "cannot take the stack of an incomplete coroutine"
        );
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is neither used nor dropped after that.
        let core = unsafe { ptr::read(&this.core) };
        core.into_stack()
    }

    /// What a trap handler needs to make this coroutine leave; see [`trap`](crate::trap).
    pub fn trap_handler(&self) -> CoroutineTrapHandler<Return> {
        CoroutineTrapHandler::new(self.core.trap())
    }

    /// The name that the coroutine was [built](Self::builder) with, cut to 128 bytes.
    pub fn name(&self) -> Option<&str> {
        let (_, base) = self.core.bounds();
        // SAFETY: the header was written when the coroutine was made, and stays as long.
        let name = unsafe { Header::name(base) }?;
        core::str::from_utf8(name).ok()
    }

    /// The most bytes of the stack that were in use so far, if the coroutine was
    /// [built](Self::builder) to watch it.
    pub fn high_water_mark(&self) -> Option<usize> {
        let (limit, base) = self.core.bounds();
        // SAFETY: the stack stands still while the coroutine is borrowed.
        unsafe { Header::is_painted(base).then(|| high_water::mark(limit, base)) }
    }

    /// The door to other threads for a coroutine that may be suspended.
    ///
    /// For one that has not started there is [`SendCoroutine::new`], which is safe.
    ///
    /// # Safety
    ///
    /// Wherever the coroutine is resumed or dropped from then on:
    ///
    /// - No value that is bound to a thread lies on its stack, or is owned by one that does,
    ///   while it is suspended, nor on that of an inner coroutine or `on_stack` that it is
    ///   suspended from: no `Rc` that is also held elsewhere, no `MutexGuard`, no borrow of a
    ///   thread-local.
    /// - No function that is active on its stack at a suspension touches a thread-local both
    ///   before and after that suspension, unless each access sits in a function of its own
    ///   that is `#[inline(never)]` and does not answer the thread-local's address, nor
    ///   anything made from that alone: the compiler computes such an address once, and calls
    ///   a function once that has no other effect, and reuses it across the switch, where it
    ///   is another thread's. (A `black_box(())` is effect enough.) What the
    ///   standard library does behind `thread::current`, `println!`, a panic or the hashing
    ///   of `RandomState` is an access too.
    /// - It is not suspended while a panic unwinds it: the count of panics is the thread's.
    pub unsafe fn assume_send(self) -> SendCoroutine<Input, Yield, Return, Stack>
    where
        Stack: Send,
    {
        SendCoroutine::assume(self)
    }
}

impl<Input, Yield, Return, Stack: stack::Stack> Drop for Coroutine<Input, Yield, Return, Stack> {
    #[inline]
    fn drop(&mut self) {
        if !self.core.done() {
            if !CAN_UNWIND && self.core.started() {
                unwind::end_program(
                    "a suspended coroutine was dropped, which needs the feature `unwind` and panic=unwind",
                );
            }
            // The stack is given back when this returns or unwinds.
            let guard = EndProgram("a coroutine could not be unwound");
            let outcome = self.unwind_to_the_end();
            core::mem::forget(guard);
            if let Err(payload) = outcome {
                unwind::rethrow(payload);
            }
        }
    }
}

impl<Input, Yield, Return, Stack: stack::Stack> fmt::Debug
    for Coroutine<Input, Yield, Return, Stack>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coroutine")
            .field("name", &self.name())
            .field("started", &self.started())
            .field("done", &self.done())
            .finish_non_exhaustive()
    }
}

/// What the body of a coroutine suspends itself with. (That of a generator is another:
/// [`generator::Yielder`](crate::generator::Yielder).)
///
/// It lives at the base of the coroutine's stack, and is neither `Send` nor `Sync`.
#[repr(transparent)]
pub struct Yielder<Input, Yield> {
    link: Link<Input, Yield>,
    not_send: PhantomData<*mut ()>,
}

impl<Input, Yield> Yielder<Input, Yield> {
    #[inline(always)]
    fn of(link: &Link<Input, Yield>) -> &Self {
        // SAFETY: a transparent wrapper.
        unsafe { &*ptr::from_ref(link).cast() }
    }

    /// Gives `value` to the resumer, pauses, and answers the input of the next resume.
    ///
    /// The yielder of an outer coroutine may be used inside an inner one: both pause then.
    ///
    /// # Panics
    ///
    /// When the coroutine is dropped or [unwound](Coroutine::force_unwind) while it pauses:
    /// that is how it is unwound. In debug builds also if the body is being unwound by a
    /// panic of its own, since the resumer would believe that *it* is panicking; a panic
    /// there, in a destructor, ends the program unless it is caught there. Release builds do
    /// not look.
    ///
    /// Code that catches panics and goes on should let the unwinding pass; see
    /// [`unwind::is_forced`](crate::unwind::is_forced).
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn suspend(&self, value: Yield) -> Input {
        self.link.suspend(value)
    }

    /// Runs `f` on the stack of whoever resumed the coroutine.
    ///
    /// For what needs more stack than the coroutine has.
    ///
    /// ```
    /// let mut coroutine = segno::Coroutine::<(), (), _>::new(|yielder, ()| {
    ///     yielder.on_parent_stack(|| "with plenty of room")
    /// });
    /// assert_eq!(coroutine.resume(()).as_return(), Some("with plenty of room"));
    /// ```
    ///
    /// `f` must be `Send` because the yielder is not: from the parent's stack nothing must be
    /// suspended, and no other call be made on it. `Send` is as near to that as the language
    /// comes. A crate that hands references through a thread-local, or a wrapper that makes
    /// anything `Send` and looks at the thread when it is used, can smuggle a yielder in: to
    /// use one there is undefined behaviour.
    ///
    /// ```compile_fail,E0277
    /// segno::Coroutine::<(), (), ()>::new(|yielder, ()| {
    ///     yielder.on_parent_stack(|| yielder.suspend(()));
    /// });
    /// ```
    ///
    /// # Panics
    ///
    /// With the panic that leaves `f`.
    #[inline]
    pub fn on_parent_stack<F, R>(&self, f: F) -> R
    where
        F: FnOnce() -> R,
        F: Send,
    {
        self.link.on_parent_stack(f)
    }

    /// How many bytes of the coroutine's stack are left below this call, the guard not
    /// counted; 0 if this call runs on another stack.
    ///
    /// ```
    /// let mut coroutine = segno::Coroutine::<(), (), _>::new(|yielder, ()| yielder.remaining_stack());
    /// let left = coroutine.resume(()).as_return().unwrap();
    /// assert!(left > 900 * 1024 && left <= 1024 * 1024 + 64 * 1024);
    /// ```
    #[inline]
    pub fn remaining_stack(&self) -> usize {
        self.link.remaining_stack()
    }
}

impl<Input, Yield> fmt::Debug for Yielder<Input, Yield> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yielder")
            .field("remaining_stack", &self.remaining_stack())
            .finish()
    }
}

/// Runs `f` on `stack`, which is dropped afterwards.
///
/// For what needs more stack than there is here.
///
/// ```
/// use segno::{on_stack, stack::DefaultStack};
///
/// fn depth(n: u64) -> u64 {
///     if n == 0 { 0 } else { 1 + std::hint::black_box(depth(n - 1)) }
/// }
/// let stack = DefaultStack::new(64 << 20)?;
/// assert_eq!(on_stack(stack, || depth(100_000)), 100_000);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Panics
///
/// With the panic that leaves `f`.
#[inline]
pub fn on_stack<F, R>(stack: impl stack::Stack, f: F) -> R
where
    F: FnOnce() -> R,
{
    engine::on_stack(stack, f)
}
