//! A batch of items between a generator that runs ahead and its consumer.
//!
//! # Safety
//!
//! The places from `first` up to `end` hold items, and no others do.

#![allow(
    unsafe_code,
    reason = "places that may hold nothing, without a word to say so"
)]

use alloc::boxed::Box;
use core::mem::MaybeUninit;
use core::ptr;

/// A queue that is filled once, up to its size, and emptied once.
pub(crate) struct Batch<T> {
    places: Box<[MaybeUninit<T>]>,
    first: usize,
    end: usize,
}

impl<T> Batch<T> {
    /// An empty batch with places for `size` items; none for 0.
    pub(crate) fn new(size: usize) -> Self {
        Self {
            places: Box::new_uninit_slice(size),
            first: 0,
            end: 0,
        }
    }

    /// Appends `item`, or gives it back if there is no place.
    #[inline(always)]
    pub(crate) fn push(&mut self, item: T) -> Result<(), T> {
        match self.places.get_mut(self.end) {
            Some(place) => {
                place.write(item);
                self.end += 1;
                Ok(())
            }
            None => Err(item),
        }
    }

    /// Takes the first item; makes an empty batch ready to be filled again.
    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.first == self.end {
            return None;
        }
        // SAFETY: the place holds an item, which from then on it does not.
        let item = unsafe { self.places.get_unchecked(self.first).assume_init_read() };
        self.first += 1;
        Some(item)
    }

    /// Whether there is nothing to pop.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.first == self.end
    }

    /// The same places, to be filled again.
    pub(crate) fn recycle(mut self) -> Self {
        while self.pop().is_some() {}
        (self.first, self.end) = (0, 0);
        self
    }
}

impl<T> Drop for Batch<T> {
    fn drop(&mut self) {
        if core::mem::needs_drop::<T>() {
            let (first, end) = (self.first, self.end);
            // A panic while items are dropped must not find them here again.
            self.first = end;
            // SAFETY: these places hold items.
            unsafe {
                let items = ptr::from_mut(&mut self.places[first..end]);
                ptr::drop_in_place(items as *mut [T]);
            }
        }
    }
}
