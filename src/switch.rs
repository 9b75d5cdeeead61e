//! Picks the arch file, and states the contract that each one meets.
//!
//! A *switch* is one direction; a *round trip* is a resume and a suspend. An arch file knows
//! addresses, words and function pointers and nothing from above:
//!
//! - `init_stack(body) -> sp` lays out a fresh stack below a body; `is_fresh(sp)` tells one
//!   that was never entered. To drop what it holds, enter it with a signal.
//! - `resume(sp, link, words, signal) -> (state, words)` stores the resumer's stack pointer
//!   in the *parent link* and continues at `sp`. The state is the stack pointer to continue
//!   at next time, or what `finish` was given, which is no address: [`RETURNED`] or
//!   [`PANICKED`].
//! - `suspend(link, words) -> (signal, words)` is the reverse.
//! - `finish(link, words, state) -> !` is the last return; the stack may be reused at once.
//! - `on_stack(data, base, f)` calls a function on another stack.
//! - `stack_pointer()` tells where the stack of the caller has got to.
//! - `enter_from_trap(link, body, entry)` answers the registers with which an interrupted
//!   coroutine continues at `entry`.
//!
//! The word above the link is the entry: the function that the first resume jumps to.
//! Words are `MaybeUninit<usize>`, since payloads have padding. A signal that is not zero
//! says "unwind now". All registers, vector registers included, are clobbered by a switch,
//! except that the callee-saved ones that cannot be declared clobbered are saved by hand.
//! Thread-local storage is not touched, and floating-point control state is left as it is.

#![allow(
    unsafe_code,
    reason = "the switch is assembly; each block says what it relies on"
)]

cfg_if::cfg_if! {
    if #[cfg(target_arch = "x86_64")] {
        #[path = "../arch/x86_64.rs"]
        mod arch;
    } else if #[cfg(target_arch = "aarch64")] {
        #[path = "../arch/aarch64.rs"]
        mod arch;
    }
}

pub use arch::TrapHandlerRegs;
pub(crate) use arch::{
    Entry, Words, enter_from_trap, finish, init_stack, is_fresh, on_stack, resume, stack_pointer,
    suspend,
};

/// The state of a stack whose entry has returned.
pub(crate) const RETURNED: usize = 0;
/// The state of a stack whose entry was left by a panic; the words are its payload.
pub(crate) const PANICKED: usize = 1;

/// The signal of an ordinary resume.
pub(crate) const CONTINUE: usize = 0;
/// The signal that asks the stack to unwind.
pub(crate) const UNWIND: usize = 1;
