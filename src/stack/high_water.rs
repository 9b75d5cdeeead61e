//! How much of a stack was ever used: paint it first, look later what of the paint is left.

#![allow(unsafe_code, reason = "writes and reads a stack as words")]

#[cfg(feature = "std")]
use super::Stack;
use super::StackPointer;
use crate::sanitize;

/// What an unused word holds.
const PAINT: usize = 0xa5a5_a5a5;

/// Paints all of a stack, which makes all of it resident.
///
/// # Safety
///
/// Nobody is using the stack.
#[cfg(feature = "std")]
pub(crate) unsafe fn paint(stack: &impl Stack) {
    let limit = (stack.limit().get() + stack.guard_size()) as *mut usize;
    let words = (stack.base().get() - limit as usize) / size_of::<usize>();
    for i in 0..words {
        // SAFETY: the words lie between the guard and the base.
        unsafe { limit.add(i).write(PAINT) };
    }
}

/// The bytes from the base down to the lowest word that lost its paint.
///
/// # Safety
///
/// The stack was painted and stands still.
pub(crate) unsafe fn mark(limit: usize, base: StackPointer) -> usize {
    // SAFETY: the words lie on the stack; volatile, since its frames own them.
    let painted = |word: &usize| unsafe { (*word as *const usize).read_volatile() } == PAINT;
    let words = (limit..base.get()).step_by(size_of::<usize>());
    let unused = sanitize::unwatched(|| words.take_while(painted).count());
    base.get() - limit - unused * size_of::<usize>()
}
