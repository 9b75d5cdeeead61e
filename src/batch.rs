//! Batches of items between a generator that runs ahead and its consumer.
//!
//! ```text
//! Places ──fill──▶ Filling ──is full──▶ Full ──drain──▶ Draining ──is empty──▶ Places
//!           the generator's side         │          the consumer's side          │
//!                                        └── two words, so that they travel in ──┘
//!                                            registers when sides are switched
//! ```
//!
//! # Safety
//!
//! Each state says which of its places hold items. Changing the state moves the places, so
//! that no item is owned twice.

#![allow(
    unsafe_code,
    reason = "places that may hold nothing, without a word to say so"
)]

use alloc::boxed::Box;
use core::mem::{self, MaybeUninit};

/// Places for items; none holds one.
pub(crate) struct Places<T>(Box<[MaybeUninit<T>]>);

impl<T> Places<T> {
    pub(crate) fn new(count: usize) -> Self {
        Self(Box::new_uninit_slice(count))
    }
}

/// Places that hold an item each.
pub(crate) struct Full<T>(Box<[MaybeUninit<T>]>);

impl<T> Drop for Full<T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: all places hold items, and nobody sees them after this.
        unsafe { self.0.assume_init_drop() };
    }
}

/// Places of which the first `filled` hold items.
pub(crate) struct Filling<T> {
    places: Box<[MaybeUninit<T>]>,
    filled: usize,
}

impl<T> Filling<T> {
    pub(crate) fn new(places: Places<T>) -> Self {
        Self {
            places: places.0,
            filled: 0,
        }
    }

    /// Appends `item`, or gives it back if there is no place.
    #[inline(always)]
    pub(crate) fn push(&mut self, item: T) -> Result<(), T> {
        match self.places.get_mut(self.filled) {
            Some(place) => {
                place.write(item);
                self.filled += 1;
                Ok(())
            }
            None => Err(item),
        }
    }

    /// Takes out a full batch, which leaves no places.
    ///
    /// # Panics
    ///
    /// If there are places left.
    #[inline(always)]
    pub(crate) fn take_full(&mut self) -> Full<T> {
        assert!(
            self.filled == self.places.len(),
            "a batch was sent that is not full"
        );
        self.filled = 0;
        Full(mem::take(&mut self.places))
    }
}

impl<T> Drop for Filling<T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the first `filled` places hold items, and nobody sees them after this.
        unsafe { self.places[..self.filled].assume_init_drop() };
    }
}

/// Places of which those from `first` up to `end` hold items.
pub(crate) struct Draining<T> {
    places: Box<[MaybeUninit<T>]>,
    first: usize,
    end: usize,
}

impl<T> Draining<T> {
    /// No items, but places to be filled.
    pub(crate) fn empty(places: Places<T>) -> Self {
        Self {
            places: places.0,
            first: 0,
            end: 0,
        }
    }

    #[inline(always)]
    pub(crate) fn full(mut full: Full<T>) -> Self {
        let places = mem::take(&mut full.0);
        Self {
            first: 0,
            end: places.len(),
            places,
        }
    }

    pub(crate) fn part(mut part: Filling<T>) -> Self {
        Self {
            first: 0,
            end: mem::take(&mut part.filled),
            places: mem::take(&mut part.places),
        }
    }

    /// Takes the first item.
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

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.first == self.end
    }

    /// The places, for the next batch; items that are left are dropped.
    #[inline(always)]
    pub(crate) fn take_places(&mut self) -> Places<T> {
        while self.pop().is_some() {}
        (self.first, self.end) = (0, 0);
        Places(mem::take(&mut self.places))
    }
}

impl<T> Drop for Draining<T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: these places hold items, and nobody sees them after this.
        unsafe { self.places[self.first..self.end].assume_init_drop() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::rc::Rc;
    use alloc::vec::Vec;

    #[test]
    fn each_item_is_dropped_once() {
        let item = Rc::new(());
        let mut filling = Filling::new(Places::new(4));
        for _ in 0..4 {
            filling.push(item.clone()).unwrap();
        }
        assert!(filling.push(item.clone()).is_err());
        let mut draining = Draining::full(filling.take_full());
        drop((draining.pop(), draining.pop()));
        assert_eq!(Rc::strong_count(&item), 3);
        let mut filling = Filling::new(draining.take_places());
        assert_eq!(Rc::strong_count(&item), 1);
        filling.push(item.clone()).unwrap();
        let mut part = Draining::part(filling);
        assert!(part.pop().is_some() && part.pop().is_none() && part.is_empty());
        for used in 0..=4 {
            let mut filling = Filling::new(Places::new(4));
            let items: Vec<_> = (0..used).map(|_| item.clone()).collect();
            for item in items {
                filling.push(item).unwrap();
            }
            match used {
                4 => drop(filling.take_full()),
                _ => drop(Draining::part(filling)),
            }
            assert_eq!(Rc::strong_count(&item), 1);
        }
    }
}
