//! The segmented stack: what of a computation is not running.
//!
//! ```text
//!  active frames      a Vec that the machine owns: the top of the stack
//!       │ under       what happens when they are used up: nothing, or a winder's business
//!       ▼
//!  Tail ──▶ Segment   frames, marks, under     sealed: counted, shared, never changed
//!             │ below
//!             ▼
//!           Tail ──▶ Segment ...               a chain ends where its piece was cut off
//!       │ rest
//!       ▼
//!  Rest ──▶ Position ──▶ Tail ...              what the chain was put on top of
//!       │ boundary    a prompt, a host call, a winder of an escape, or the end
//!       ▼
//!  the next level, with a position and a boundary of its own
//! ```
//!
//! Sealing moves the active frames whole into a segment. Popping into a segment takes the
//! frames back whole if nobody else holds it, and clones some of them if somebody does, in
//! batches that double: who leaves again soon pays for one frame, who returns through all of
//! them for little more than the clones.
//!
//! A chain and its rest are a stack that can be put on top of another in constant time, a
//! catenable list: the one below becomes the last element of the rest of the one above.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::mem;

use super::ledger::{Ledger, Remains};
use super::winder::Under;
use super::{Frame, MarkKey};

/// The most frames that a Vec has room for which is kept for its capacity.
const LARGEST_SPARE: usize = 64;

/// A value that is attached to a frame, by its index among the frames beside it.
#[derive(Clone)]
pub(super) struct Mark<V> {
    pub(super) index: usize,
    pub(super) key: MarkKey,
    pub(super) value: V,
}

/// A frame that can be resumed once, taken out by the first who returns into it.
pub(super) struct Single<F> {
    pub(super) kind: &'static str,
    pub(super) frame: RefCell<Option<F>>,
}

/// Frames that are no longer on top. Nothing in a segment changes while it is shared, but
/// that its single frame is taken.
pub(super) struct Segment<F: Frame> {
    pub(super) frames: Vec<F>,
    /// In place of the frames, one that can be resumed only once.
    pub(super) single: Option<Box<Single<F>>>,
    pub(super) marks: Vec<Mark<F::Value>>,
    pub(super) under: Under<F>,
    pub(super) below: Option<Tail<F>>,
    pub(super) ledger: Rc<Ledger<F>>,
}

impl<F: Frame> Segment<F> {
    pub(super) fn empty(ledger: &Rc<Ledger<F>>, frames: Vec<F>) -> Self {
        Self {
            frames,
            single: None,
            marks: Vec::new(),
            under: Under::Nothing,
            below: None,
            ledger: ledger.clone(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len() + usize::from(self.single.is_some())
    }
}

impl<F: Frame> Drop for Segment<F> {
    #[inline]
    fn drop(&mut self) {
        if self.len() > 0 || self.below.is_some() || !self.under.is_nothing() {
            self.bury();
        }
    }
}

impl<F: Frame> Segment<F> {
    /// Drops what the segment holds; what other segments hold that this drops, too.
    #[inline(never)]
    fn bury(&mut self) {
        let ledger = &*self.ledger;
        ledger.forget(self.frames.len() + usize::from(self.single.is_some()));
        let Some(burial) = ledger.begin() else {
            ledger.remains.borrow_mut().push(Remains::Segment {
                _frames: mem::take(&mut self.frames),
                _single: self.single.take(),
                _marks: mem::take(&mut self.marks),
                _under: self.under.take(),
                _below: self.below.take(),
            });
            return;
        };
        self.frames.clear();
        self.single = None;
        self.marks.clear();
        self.under = Under::Nothing;
        self.below = None;
        burial.end();
        if (1..=LARGEST_SPARE).contains(&self.frames.capacity()) {
            ledger.spare.set(mem::take(&mut self.frames));
        }
    }
}

/// The first `len` frames of a segment, and all that is below it.
pub(super) struct Tail<F: Frame> {
    pub(super) segment: Rc<Segment<F>>,
    pub(super) len: usize,
}

impl<F: Frame> Clone for Tail<F> {
    fn clone(&self) -> Self {
        Self {
            segment: self.segment.clone(),
            len: self.len,
        }
    }
}
