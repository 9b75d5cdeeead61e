//! Leaving a coroutine from a trap handler.
//!
//! A program that runs code it does not trust to stay within its stack, JIT-compiled code
//! for one, can catch the signal and make the coroutine that was interrupted return a value
//! to its resumer, as if its body had. Everything that lay on its stack is lost.

#![allow(
    unsafe_code,
    reason = "a trap handler can promise little to the compiler"
)]

use core::fmt;

use crate::engine::Trap;

pub use crate::engine::TrapHandlerRegs;

/// What a trap handler needs to make one coroutine leave; from
/// [`Coroutine::trap_handler`](crate::Coroutine::trap_handler).
///
/// It has no lifetime, so that it can be put where a signal handler finds it. It means
/// nothing once its coroutine is gone.
pub struct CoroutineTrapHandler<Return> {
    trap: Trap<Return>,
}

impl<Return> CoroutineTrapHandler<Return> {
    pub(crate) fn new(trap: Trap<Return>) -> Self {
        Self { trap }
    }

    /// Whether `stack_ptr`, the stack pointer at the trap, lies on the coroutine's stack, the
    /// guard included: whether the coroutine was interrupted, after an overflow too.
    pub fn stack_ptr_in_bounds(&self, stack_ptr: usize) -> bool {
        self.trap.contains(stack_ptr)
    }

    /// Arranges that the interrupted coroutine, once the trap handler returns, calls `f` and
    /// ends with its answer, or with its panic.
    ///
    /// The trap handler must set *all* the registers of the answer in the context that was
    /// interrupted. `f` has the whole stack to itself.
    ///
    /// # Safety
    ///
    /// - The coroutine exists, was interrupted while it was running, on its own stack: see
    ///   [`stack_ptr_in_bounds`](Self::stack_ptr_in_bounds).
    /// - What was on its stack needs no drop, and nobody refers to it. What the interrupted
    ///   code was writing to elsewhere may be half written: it may write to memory outside of
    ///   its stack only by volatile operations or from assembly.
    /// - The registers are set as said; the floating-point control state is Rust's, and the
    ///   x87 stack empty.
    pub unsafe fn setup_trap_handler<F>(&self, f: F) -> TrapHandlerRegs
    where
        F: FnOnce() -> Return,
        F: 'static,
    {
        // SAFETY: the caller promises it.
        unsafe { self.trap.set_up(f) }
    }
}

impl<Return> Clone for CoroutineTrapHandler<Return> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Return> Copy for CoroutineTrapHandler<Return> {}

impl<Return> fmt::Debug for CoroutineTrapHandler<Return> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoroutineTrapHandler")
            .finish_non_exhaustive()
    }
}
