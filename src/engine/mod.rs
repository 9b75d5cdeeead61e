//! What runs a coroutine: chosen by target here, and nowhere else.
//!
//! An engine offers one vocabulary, on which everything above it is written:
//!
//! - `Core<I, Y, R, S>`: a body on a stack; `check`, `new`, `resume`, `unwind`, and questions.
//! - `Link<I, Y>`: what the body holds of its resumer; `suspend`, `on_parent_stack`.
//! - `Trap<R>`: how a trap handler makes a coroutine leave.
//! - `on_stack`: a call on another stack. `stack_pointer`: where this one has got to, about.
//!
//! [`Core::resume`] answers an [`Exit`]. Three engines exist: `native`, on our own switch;
//! `peer`, on the crate corosensei, for targets without an arch file of ours; and `none`,
//! which answers `Unsupported` so that a program still compiles.

use core::mem::{align_of, size_of};

use crate::error::StackError;
use crate::stack::{MIN_STACK_SIZE, StackPointer};
use crate::unwind::Payload;

cfg_if::cfg_if! {
    if #[cfg(all(
        unix,
        any(target_arch = "x86_64", target_arch = "aarch64"),
        target_pointer_width = "64",
        not(any(target_os = "cygwin", target_os = "fuchsia")),
    ))] {
        mod native;
        use native as chosen;
    } else if #[cfg(all(unix, any(
        target_arch = "arm",
        target_arch = "x86",
        target_arch = "riscv32",
        target_arch = "riscv64",
        target_arch = "loongarch64",
    )))] {
        mod peer;
        use peer as chosen;
    } else {
        mod none;
        use none as chosen;
    }
}

pub use chosen::TrapHandlerRegs;
pub(crate) use chosen::{Core, Link, Trap, on_stack, stack_pointer};

/// How control came back from a coroutine.
pub(crate) enum Exit<Y, R> {
    /// It suspended.
    Yield(Y),
    /// Its body returned.
    Return(R),
    /// Its body was left by a panic.
    Panic(Payload),
}

/// Where the stack has got to, for engines that cannot say more than where a variable is.
#[allow(dead_code, reason = "an engine may know better")]
#[inline(always)]
pub(crate) fn address_of_a_variable() -> usize {
    let here = 0_u8;
    core::ptr::from_ref(&here).addr()
}

/// A body that fits on every stack, its alignment included; a larger one is measured against
/// its stack.
const SMALL_BODY: usize = 1024;

/// Whether a body fits on the stack with this lowest usable address and this base.
#[inline(always)]
fn check_size<F>(lowest: usize, base: StackPointer) -> Result<(), StackError> {
    if size_of::<F>() + align_of::<F>() <= SMALL_BODY {
        return Ok(());
    }
    let available = (base.get() - lowest).saturating_sub(MIN_STACK_SIZE - SMALL_BODY);
    // The body is moved on its way into its own call, several times in debug builds.
    let requested = size_of::<F>()
        .saturating_mul(5)
        .saturating_add(align_of::<F>());
    if requested > available {
        return Err(StackError::TooLarge {
            requested,
            available,
        });
    }
    Ok(())
}
