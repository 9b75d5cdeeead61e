//! Coroutines with more said about them than the constructors take.

#![allow(unsafe_code, reason = "paints a stack, and lays a body out on it")]

use core::fmt;
use core::marker::PhantomData;
use std::borrow::Cow;

use crate::coroutine::{Coroutine, Yielder};
use crate::error::StackError;
use crate::stack::header::Header;
use crate::stack::{DefaultStack, Pool, Stack, high_water};

impl<Input, Yield, Return> Coroutine<Input, Yield, Return> {
    /// A coroutine of which more is to be said than [`new`](Self::new) takes.
    ///
    /// ```
    /// let mut coroutine = segno::Coroutine::builder()
    ///     .name("walker")
    ///     .stack_size(64 * 1024)
    ///     .build(|yielder, depth: u32| yielder.suspend(depth + 1))?;
    /// assert_eq!(coroutine.name(), Some("walker"));
    /// assert_eq!(coroutine.resume(1).as_yield(), Some(2));
    /// # Ok::<(), segno::error::StackError>(())
    /// ```
    pub fn builder() -> Builder<Input, Yield, Return> {
        Builder {
            name: Cow::Borrowed(""),
            stack_size: None,
            guard_size: None,
            pool: None,
            watch: false,
            marker: PhantomData,
        }
    }
}

/// What is to be known of a coroutine before it is made; see [`Coroutine::builder`].
#[must_use]
pub struct Builder<Input, Yield, Return> {
    name: Cow<'static, str>,
    stack_size: Option<usize>,
    guard_size: Option<usize>,
    pool: Option<Pool>,
    watch: bool,
    marker: PhantomData<fn(Input) -> (Yield, Return)>,
}

impl<Input, Yield, Return> Builder<Input, Yield, Return> {
    /// A name for the overflow report and for debuggers, kept on the stack itself; cut to
    /// the first 128 bytes.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// At least so many usable bytes of stack. To be unwound, as when it is dropped while
    /// suspended, a coroutine needs 8 KiB at the least.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// At least so many bytes of guard below the stack, a page unless more is said. A
    /// function whose frame is larger than the guard is still stopped where the compiler
    /// probes the stack, as it does for Rust code on x86, x86_64 and aarch64.
    pub fn guard_size(mut self, bytes: usize) -> Self {
        self.guard_size = Some(bytes);
        self
    }

    /// Takes the stack from `pool`.
    pub fn pool(mut self, pool: &Pool) -> Self {
        self.pool = Some(pool.clone());
        self
    }

    /// Whether [`Coroutine::high_water_mark`] will answer. The stack is painted first, which
    /// takes time and makes all of it resident: for debugging.
    pub fn watch_high_water(mut self, watch: bool) -> Self {
        self.watch = watch;
        self
    }

    /// The coroutine that will run `body`.
    ///
    /// Without a pool, a stack or guard size asks for a mapping of the coroutine's own;
    /// with neither, the stack comes from the default pool.
    ///
    /// # Errors
    ///
    /// What ran out, or what is larger than the pool's stacks or guards.
    pub fn build<F>(self, body: F) -> Result<Coroutine<Input, Yield, Return>, StackError>
    where
        F: FnOnce(&Yielder<Input, Yield>, Input) -> Return + 'static,
        Input: 'static,
        Yield: 'static,
        Return: 'static,
    {
        let stack = self.stack()?;
        let base = stack.base();
        // SAFETY: nobody uses the stack yet, and nothing is borrowed.
        unsafe {
            if self.watch {
                high_water::paint(&stack);
            }
            let coroutine = Coroutine::try_lay_out(stack, &self.name, body)?;
            if self.watch {
                Header::set_painted(base);
            }
            Ok(coroutine)
        }
    }

    fn stack(&self) -> Result<DefaultStack, StackError> {
        let fits = |requested: Option<usize>, available| match requested {
            Some(requested) if requested > available => Err(StackError::TooLarge {
                requested,
                available,
            }),
            _ => Ok(()),
        };
        match &self.pool {
            Some(pool) => {
                fits(self.stack_size, pool.stack_size())?;
                fits(self.guard_size, pool.guard_size())?;
                pool.take()
            }
            None if self.stack_size.is_none() && self.guard_size.is_none() => {
                DefaultStack::try_default()
            }
            None => DefaultStack::with_guard(
                self.stack_size.unwrap_or(DefaultStack::SIZE),
                self.guard_size.unwrap_or(0),
            ),
        }
    }
}

impl<Input, Yield, Return> fmt::Debug for Builder<Input, Yield, Return> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("stack_size", &self.stack_size)
            .field("guard_size", &self.guard_size)
            .field("pool", &self.pool)
            .field("watch_high_water", &self.watch)
            .finish()
    }
}
