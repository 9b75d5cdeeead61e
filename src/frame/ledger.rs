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
    /// A segment with nothing in it, to be used again.
    pub(super) spare: Cell<Option<Rc<Segment<F>>>>,
    /// More of them, for who needs several at a time.
    pub(super) spares: RefCell<Vec<Rc<Segment<F>>>>,
}

impl<F: Frame> Ledger<F> {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            sealed: Cell::new(0),
            burying: Cell::new(false),
            remains: RefCell::new(Vec::new()),
            spare: Cell::new(None),
            spares: RefCell::new(Vec::new()),
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
    #[inline]
    fn drop(&mut self) {
        let Ledger {
            burying, remains, ..
        } = self.0;
        if remains.borrow().is_empty() {
            burying.set(false);
            return;
        }
        let drop_next = || {
            let next = remains.borrow_mut().pop();
            next.is_some()
        };
        drop_all(drop_next, || burying.set(false));
    }
}

/// Drops one after the other, while there is one, and then does the rest. A panic is passed on when
/// all that is done.
#[inline(never)]
pub(crate) fn drop_all(drop_next: impl Fn() -> bool, rest: impl Fn()) {
    struct Rest<N: Fn() -> bool, R: Fn()>(N, R);
    impl<N: Fn() -> bool, R: Fn()> Drop for Rest<N, R> {
        fn drop(&mut self) {
            while (self.0)() {}
            (self.1)();
        }
    }
    let rest = Rest(drop_next, rest);
    while (rest.0)() {}
}
