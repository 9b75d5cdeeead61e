//! The state of a frame, as its function reaches it.
//!
//! # Safety
//!
//! While a function stands still, in an image, its state is read and cloned where it lies; and in
//! a copy of the image another one lies there when the function goes on. A `&mut F` that the
//! function holds would tell the compiler that nobody does that, and what was read of the state
//! before would be kept in registers. So it holds a pointer, which is a reference for as long as
//! it is used.

#![allow(unsafe_code, reason = "a state changes behind a function's back")]

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

/// The state of a frame, lent to its function: it is used like a `&mut F`.
pub struct State<'c, F> {
    at: NonNull<F>,
    lent: PhantomData<&'c mut F>,
}

impl<'c, F> State<'c, F> {
    #[inline(always)]
    pub(super) fn new(state: &'c mut F) -> Self {
        Self {
            at: NonNull::from(state),
            lent: PhantomData,
        }
    }
}

impl<F> Deref for State<'_, F> {
    type Target = F;

    #[inline(always)]
    fn deref(&self) -> &F {
        // SAFETY: it is lent to this alone, but while the function stands still.
        unsafe { self.at.as_ref() }
    }
}

impl<F> DerefMut for State<'_, F> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut F {
        // SAFETY: the same.
        unsafe { self.at.as_mut() }
    }
}

impl<F: fmt::Debug> fmt::Debug for State<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
