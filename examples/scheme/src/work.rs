//! What is done at once, where nobody can stop it in between.

use crate::condition::Fault;
use crate::fuel::PRODUCTS;

/// How much was done, and may be, in products of two words. Each takes about a nanosecond.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    done: u64,
    most: u64,
}

impl Work {
    /// Without an end.
    pub const UNLIMITED: Self = Self {
        done: 0,
        most: u64::MAX,
    };

    /// As much as so much fuel is for.
    #[must_use]
    pub const fn new(fuel: u64) -> Self {
        Self {
            done: 0,
            most: fuel.saturating_mul(PRODUCTS),
        }
    }

    /// Adds so many, which are about to be done.
    ///
    /// # Errors
    ///
    /// A fault of kind `Limit`, if that is too much.
    #[inline]
    pub(crate) fn add(&mut self, products: u64) -> Result<(), Box<Fault>> {
        match self.done.saturating_add(products) {
            done if done > self.most => Err(Self::too_much()),
            done => {
                self.done = done;
                Ok(())
            }
        }
    }

    #[cold]
    pub(crate) fn too_much() -> Box<Fault> {
        Fault::limit("too large to be done at once")
    }

    /// How much it is.
    pub(crate) fn done(&self) -> u64 {
        self.done
    }
}
