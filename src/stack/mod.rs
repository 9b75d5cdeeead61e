//! The stacks that coroutines run on.
//!
//! ```text
//! base →           +---------------+  highest address, where the stack begins to grow down
//!                  | usable        |
//! limit + guard →  +---------------+
//!                  | guard         |  any access faults
//! limit →          +---------------+  lowest address
//! ```
//!
//! Anything that owns such memory can be a stack: it implements [`Stack`]. With the feature
//! `std`, on Unix, there is [`DefaultStack`], which comes from a [`Pool`] or has a mapping
//! of its own, and [`report_overflow`], which turns the fault of a guard into a line that
//! says what happened. Elsewhere the same names answer *unsupported*.
//!
//! Those who want to change this room read on in this order: `mapping`, what is asked of
//! the system; `guard`, how a slot's low end is made to fault; `slab`, many slots in one
//! reservation; `pool` and `cache`, who has which slot; `default`, both kinds of stack in
//! one type; `live` and `overflow`, from a fault's address to a message.

use core::num::NonZeroUsize;

mod config;
pub(crate) mod header;
pub(crate) mod high_water;

pub use config::{GuardKind, PoolBuilder, PoolStats};

cfg_if::cfg_if! {
    if #[cfg(all(unix, feature = "std"))] {
        mod cache;
        mod default;
        mod exhausted;
        mod guard;
        mod live;
        mod mapping;
        mod overflow;
        mod pool;
        mod slab;

        pub use default::DefaultStack;
        pub use overflow::report_overflow;
        pub use pool::Pool;
    } else {
        mod unsupported;

        pub use unsupported::{DefaultStack, Pool, report_overflow};
    }
}

/// The address of a byte on a stack.
pub type StackPointer = NonZeroUsize;

/// The alignment in bytes that [`Stack::base`] and [`Stack::limit`] must have.
pub const STACK_ALIGNMENT: usize = 16;

/// The fewest usable bytes that a stack may have, its guard not counted.
///
/// Enough for a body that does little. To be unwound, a coroutine needs twice that.
pub const MIN_STACK_SIZE: usize = 4096;

/// Memory that a coroutine can run on, owned by the implementing type.
///
/// # Safety
///
/// From [`limit`](Stack::limit) up to [`base`](Stack::base) lies memory that nothing else
/// uses for as long as the value lives, wherever it is moved to (so it is not in a `Box` that
/// the value owns, for moving a box claims what it holds). At its low end lies a guard of at
/// least a page, which faults when it is touched and so stops an overflow, whether or not
/// [`guard_size`](Stack::guard_size) tells of it, which it may do for less, never for more. The rest, at least [`MIN_STACK_SIZE`] bytes,
/// can be read and written. The three answers never change.
#[allow(
    unsafe_code,
    reason = "an implementation makes promises that nobody can check"
)]
pub unsafe trait Stack {
    /// The highest address of the stack, one past its last byte, where it begins to grow
    /// down. A multiple of [`STACK_ALIGNMENT`].
    fn base(&self) -> StackPointer;

    /// The lowest address of the stack, its guard included. A multiple of
    /// [`STACK_ALIGNMENT`].
    fn limit(&self) -> StackPointer;

    /// How many bytes from [`limit`](Stack::limit) upwards are guard. Zero says that it is
    /// not known; then [`Yielder::remaining_stack`](crate::Yielder::remaining_stack) counts
    /// the guard as usable.
    fn guard_size(&self) -> usize {
        0
    }
}

// SAFETY: the borrowed stack keeps the promises, and the exclusive borrow keeps others away.
#[allow(unsafe_code, reason = "forwarding an unsafe trait")]
unsafe impl<S: Stack> Stack for &mut S {
    fn base(&self) -> StackPointer {
        (**self).base()
    }

    fn limit(&self) -> StackPointer {
        (**self).limit()
    }

    fn guard_size(&self) -> usize {
        (**self).guard_size()
    }
}
