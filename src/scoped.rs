//! Coroutines that borrow, lent inside a scope that owns them.
//!
//! # Safety
//!
//! A body that borrows must have ended before what it borrows is gone. The scope owns the
//! coroutine and drops it at its end, come what may; inside, there is only a reference to
//! it, which cannot be exchanged for that of another scope, as each has a lifetime of its
//! own. A coroutine that is forgotten before its scope began has run nothing.

#![allow(
    unsafe_code,
    reason = "borrows behind the back of the `'static` bounds"
)]

use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;

use crate::coroutine::{Coroutine, CoroutineResult, Yielder};
use crate::stack::{self, DefaultStack};
use crate::trap::CoroutineTrapHandler;

/// A [`Coroutine`] whose body, payloads and stack may borrow.
///
/// It can be used only within [`scope`](Self::scope), at the end of which it is dropped.
///
/// ```
/// use segno::ScopedCoroutine;
///
/// let words = ["solfa", "segno"];
/// let mut lengths = Vec::new();
/// let mut stack = segno::stack::DefaultStack::new(64 * 1024)?;
/// ScopedCoroutine::with_stack(&mut stack, |yielder, ()| {
///     for word in &words {
///         lengths.push(word.len());
///         yielder.suspend(*word);
///     }
/// })
/// .scope(|mut coroutine| {
///     assert_eq!(coroutine.resume(()).as_yield(), Some("solfa"));
/// });
/// assert_eq!(lengths, [5]);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// What was borrowed cannot be touched while the coroutine is there:
///
/// ```compile_fail,E0499
/// let mut total = 0;
/// let coroutine = segno::ScopedCoroutine::<(), (), ()>::new(|yielder, ()| {
///     total += 1;
///     yielder.suspend(());
///     total += 1;
/// });
/// coroutine.scope(|mut coroutine| {
///     coroutine.resume(());
///     total += 10;
///     std::mem::forget(coroutine);
/// });
/// ```
///
/// Nor can it be gone before the coroutine is, even if that never runs:
///
/// ```compile_fail,E0597
/// struct Shout<'a>(&'a str);
/// impl Drop for Shout<'_> {
///     fn drop(&mut self) {
///         println!("{}", self.0);
///     }
/// }
/// let coroutine;
/// let text = String::from("gone when the coroutine drops its body");
/// let shout = Shout(&text);
/// coroutine = segno::ScopedCoroutine::<(), (), ()>::new(move |_, ()| drop(shout));
/// ```
///
/// A handle cannot leave its scope, nor be swapped for that of another:
///
/// ```compile_fail
/// use segno::ScopedCoroutine;
/// let coroutine = ScopedCoroutine::<(), (), ()>::new(|_, ()| ());
/// let escaped = coroutine.scope(|coroutine| coroutine);
/// ```
///
/// ```compile_fail
/// use segno::ScopedCoroutine;
/// let outer = ScopedCoroutine::<(), (), ()>::new(|_, ()| ());
/// let inner = ScopedCoroutine::<(), (), ()>::new(|_, ()| ());
/// outer.scope(|mut a| {
///     inner.scope(|mut b| std::mem::swap(&mut a, &mut b));
///     a.resume(()); // would be `inner`, which is gone
/// });
/// ```
pub struct ScopedCoroutine<'a, Input, Yield, Return, Stack: stack::Stack = DefaultStack> {
    inner: Coroutine<Input, Yield, Return, Stack>,
    // As if the body were a field: dropping the coroutine drops it, so what it borrows must
    // still be there then.
    body: PhantomData<Box<dyn FnOnce() + 'a>>,
}

impl<'a, Input, Yield, Return> ScopedCoroutine<'a, Input, Yield, Return> {
    /// A coroutine that will run `body`, on a stack from the default pool.
    ///
    /// # Panics
    ///
    /// If there is no stack to be had.
    pub fn new<F>(body: F) -> Self
    where
        F: FnOnce(&Yielder<Input, Yield>, Input) -> Return + 'a,
    {
        Self::with_stack(DefaultStack::default(), body)
    }
}

impl<'a, Input, Yield, Return, Stack: stack::Stack>
    ScopedCoroutine<'a, Input, Yield, Return, Stack>
{
    /// A coroutine that will run `body` on `stack`.
    ///
    /// # Panics
    ///
    /// If `body` is larger than a fifth of the stack.
    pub fn with_stack<F>(stack: Stack, body: F) -> Self
    where
        F: FnOnce(&Yielder<Input, Yield>, Input) -> Return + 'a,
    {
        Self {
            // SAFETY: it runs within `scope` only, which drops it while `'a` lasts.
            inner: unsafe { Coroutine::with_stack_unchecked(stack, body) },
            body: PhantomData,
        }
    }

    /// The stack of a coroutine that is done, to be used again.
    ///
    /// # Panics
    ///
    /// If the coroutine is not done, which outside of its scope it never is.
    pub fn into_stack(self) -> Stack {
        self.inner.into_stack()
    }

    /// Lends the coroutine to `f`, and drops it afterwards; answers what `f` does.
    pub fn scope<F, T>(mut self, f: F) -> T
    where
        F: FnOnce(ScopedCoroutineRef<'_, Input, Yield, Return, Stack>) -> T,
    {
        f(ScopedCoroutineRef {
            inner: &mut self.inner,
        })
    }
}

impl<Input, Yield, Return, Stack: stack::Stack> fmt::Debug
    for ScopedCoroutine<'_, Input, Yield, Return, Stack>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScopedCoroutine").field(&self.inner).finish()
    }
}

/// A [`ScopedCoroutine`] within its scope. The methods are those of [`Coroutine`].
pub struct ScopedCoroutineRef<'a, Input, Yield, Return, Stack: stack::Stack> {
    inner: &'a mut Coroutine<Input, Yield, Return, Stack>,
}

impl<Input, Yield, Return, Stack: stack::Stack>
    ScopedCoroutineRef<'_, Input, Yield, Return, Stack>
{
    /// A shorter borrow of the same coroutine, to pass on by value and still have this one.
    pub fn as_mut(&mut self) -> ScopedCoroutineRef<'_, Input, Yield, Return, Stack> {
        ScopedCoroutineRef { inner: self.inner }
    }

    /// See [`Coroutine::resume`].
    #[inline]
    pub fn resume(&mut self, value: Input) -> CoroutineResult<Yield, Return> {
        self.inner.resume(value)
    }

    /// See [`Coroutine::started`].
    pub fn started(&self) -> bool {
        self.inner.started()
    }

    /// See [`Coroutine::done`].
    #[inline]
    pub fn done(&self) -> bool {
        self.inner.done()
    }

    /// See [`Coroutine::force_reset`].
    ///
    /// # Safety
    ///
    /// As there.
    pub unsafe fn force_reset(&mut self) {
        // SAFETY: the caller promises it.
        unsafe { self.inner.force_reset() };
    }

    /// See [`Coroutine::force_unwind`].
    pub fn force_unwind(&mut self) {
        self.inner.force_unwind();
    }

    /// See [`Coroutine::trap_handler`].
    pub fn trap_handler(&self) -> CoroutineTrapHandler<Return> {
        self.inner.trap_handler()
    }
}

impl<Input, Yield, Return, Stack: stack::Stack> fmt::Debug
    for ScopedCoroutineRef<'_, Input, Yield, Return, Stack>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScopedCoroutineRef")
            .field(&self.inner)
            .finish()
    }
}
