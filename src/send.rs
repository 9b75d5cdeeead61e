//! Coroutines on their way to another thread.

#![allow(unsafe_code, reason = "says of a coroutine that it can be sent")]

use core::fmt;

use crate::coroutine::{Coroutine, Yielder};
use crate::stack::{self, DefaultStack};

/// A coroutine that can be sent to another thread, where it becomes a [`Coroutine`] again.
///
/// One that has not started holds nothing but its body, so that it can move if the body
/// can.
///
/// ```
/// use segno::{CoroutineResult, SendCoroutine};
///
/// let coroutine = SendCoroutine::<u32, u32, ()>::new(|yielder, mut x| loop {
///     x = yielder.suspend(x * 2);
/// });
/// std::thread::spawn(move || {
///     let mut coroutine = coroutine.into_inner();
///     assert_eq!(coroutine.resume(21), CoroutineResult::Yield(42));
/// })
/// .join()
/// .unwrap();
/// ```
///
/// ```compile_fail,E0277
/// let counted = std::rc::Rc::new(1);
/// segno::SendCoroutine::<(), (), ()>::new(move |_, ()| drop(counted));
/// ```
pub struct SendCoroutine<Input, Yield, Return, Stack: stack::Stack = DefaultStack> {
    inner: Coroutine<Input, Yield, Return, Stack>,
}

// SAFETY: `with_stack` takes a body that is Send, and nothing has run; the caller of
// `assume_send` promised it otherwise. The stack is Send by the bounds of both.
unsafe impl<Input, Yield, Return, Stack: stack::Stack + Send> Send
    for SendCoroutine<Input, Yield, Return, Stack>
{
}

impl<Input, Yield, Return> SendCoroutine<Input, Yield, Return> {
    /// A coroutine that will run `body`, on a stack from the default pool.
    ///
    /// # Panics
    ///
    /// If there is no stack to be had.
    pub fn new<F>(body: F) -> Self
    where
        F: FnOnce(&Yielder<Input, Yield>, Input) -> Return + Send + 'static,
        Input: 'static,
        Yield: 'static,
        Return: 'static,
    {
        Self::with_stack(DefaultStack::default(), body)
    }
}

impl<Input, Yield, Return, Stack: stack::Stack> SendCoroutine<Input, Yield, Return, Stack> {
    /// A coroutine that will run `body` on `stack`.
    ///
    /// # Panics
    ///
    /// If `body` is larger than a fifth of the stack.
    pub fn with_stack<F>(stack: Stack, body: F) -> Self
    where
        F: FnOnce(&Yielder<Input, Yield>, Input) -> Return + Send + 'static,
        Input: 'static,
        Yield: 'static,
        Return: 'static,
        Stack: Send + 'static,
    {
        Self {
            inner: Coroutine::with_stack(stack, body),
        }
    }

    /// For [`Coroutine::assume_send`], whose caller promised what it takes.
    pub(crate) fn assume(inner: Coroutine<Input, Yield, Return, Stack>) -> Self {
        Self { inner }
    }

    /// The coroutine, now of this thread.
    pub fn into_inner(self) -> Coroutine<Input, Yield, Return, Stack> {
        self.inner
    }
}

impl<Input, Yield, Return, Stack: stack::Stack> fmt::Debug
    for SendCoroutine<Input, Yield, Return, Stack>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SendCoroutine").field(&self.inner).finish()
    }
}
