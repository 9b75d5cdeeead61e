//! What the segments of a machine have in common, and how they are dropped.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use super::Frame;
use super::segment::Segment;

/// What is dropped later.
pub(super) enum Remains<F: Frame> {
    Segment { _contents: Rc<Segment<F>> },
    Winder { _thunks: (F, F) },
}

/// What the segments of a machine have in common.
///
/// A frame may hold a continuation whose frames hold continuations, and so on. Dropping them
/// one inside the other would need a Rust stack as deep. So a segment or a winder hands what
/// it held to a queue, which the outermost drop empties.
pub(super) struct Ledger<F: Frame> {
    /// How many frames are in segments.
    sealed: Cell<usize>,
    burying: Cell<bool>,
    remains: RefCell<Vec<Remains<F>>>,
    /// A segment with nothing in it, to be used again. Others are below it.
    pub(super) spare: Cell<Option<Rc<Segment<F>>>>,
    /// How many there are.
    pub(super) spares: Cell<usize>,
}

impl<F: Frame> Ledger<F> {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            sealed: Cell::new(0),
            burying: Cell::new(false),
            remains: RefCell::new(Vec::new()),
            spare: Cell::new(None),
            spares: Cell::new(0),
        })
    }

    pub(super) fn sealed(&self) -> usize {
        self.sealed.get()
    }

    pub(super) fn note(&self, frames: usize) {
        self.sealed.set(self.sealed.get() + frames);
    }

    pub(super) fn forget(&self, frames: usize) {
        self.sealed.set(self.sealed.get() - frames);
    }

    /// Begins to drop what may hold segments and winders, unless that is under way.
    pub(super) fn begin(&self) -> Option<Burial<'_, F>> {
        (!self.burying.replace(true)).then(|| Burial(self))
    }

    /// Leaves something for the drop that is under way.
    pub(super) fn remain(&self, remains: Remains<F>) {
        self.remains.borrow_mut().push(remains);
    }
}

/// The outermost drop, by which all others are done.
pub(super) struct Burial<'a, F: Frame>(&'a Ledger<F>);

impl<F: Frame> Drop for Burial<'_, F> {
    /// Drops what was left meanwhile; after a panic, too.
    fn drop(&mut self) {
        loop {
            let next = self.0.remains.borrow_mut().pop();
            match next {
                Some(remains) => drop(remains),
                None => break,
            }
        }
        self.0.burying.set(false);
    }
}
