//! What lies between the frames of a winder's body and those below it.

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::cell::RefCell;
use core::mem;

use super::ledger::{Ledger, Remains};
use super::position::Position;
use super::{Frame, Interrupted, Refusal};

/// What frames came to.
pub(super) type Came<V> = Result<V, Interrupted<V>>;

/// What happens when the frames above are used up, before the frame below gets the result.
pub(super) enum Under<F: Frame> {
    Nothing,
    /// The frames above are a winder's *before*.
    Entering(Rc<Entering<F>>),
    /// The frames above are a winder's body.
    Inside(Rc<Winder<F>>),
    /// The frames above are a winder's *after*; this is what the body came to.
    Leaving(Box<Came<F::Value>>),
}

/// A winder that is about to be entered, and its body.
pub(super) struct Entering<F: Frame> {
    pub(super) winder: Rc<Winder<F>>,
    /// None once it was taken, which happens to a frame that can be resumed once.
    body: RefCell<Option<F>>,
    /// The kind of such a frame.
    single: Option<&'static str>,
}

impl<F: Frame> Entering<F> {
    pub(super) fn new(winder: Rc<Winder<F>>, body: F) -> Rc<Self> {
        let single = body.one_shot();
        Rc::new(Self {
            winder,
            body: RefCell::new(Some(body)),
            single,
        })
    }

    pub(super) fn trace(&self, visit: &mut dyn FnMut(&F::Value)) {
        if let Some(body) = &*self.body.borrow() {
            body.trace(visit);
        }
    }

    #[cfg(feature = "serde")]
    pub(super) fn with_body<R>(&self, look: impl FnOnce(&Option<F>) -> R) -> R {
        look(&self.body.borrow())
    }

    /// The kind of the body, if it can be resumed once.
    pub(super) fn single(&self) -> Option<&'static str> {
        self.single
    }

    /// The kind of the body, if it was taken.
    pub(super) fn spent(&self) -> Option<&'static str> {
        self.single.filter(|_| self.body.borrow().is_none())
    }

    /// The winder and its body, moved if this is the only holder or there is no second copy.
    pub(super) fn open(self: Rc<Self>) -> (Rc<Winder<F>>, Result<F, Refusal>) {
        let (winder, body, single) = match Rc::try_unwrap(self) {
            Ok(entering) => (entering.winder, entering.body.into_inner(), entering.single),
            Err(shared) => {
                let body = match shared.single {
                    Some(_) => shared.body.borrow_mut().take(),
                    None => shared.body.borrow().clone(),
                };
                (shared.winder.clone(), body, shared.single)
            }
        };
        let frame = single.unwrap_or_default();
        (winder, body.ok_or(Refusal::OneShot { frame }))
    }
}

impl<F: Frame> Clone for Under<F> {
    fn clone(&self) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::Entering(entering) => Self::Entering(entering.clone()),
            Self::Inside(winder) => Self::Inside(winder.clone()),
            Self::Leaving(result) => Self::Leaving(result.clone()),
        }
    }
}

impl<F: Frame> Under<F> {
    pub(super) fn take(&mut self) -> Self {
        mem::replace(self, Self::Nothing)
    }

    /// The kind of the body that is to come, if it can be resumed once.
    pub(super) fn single(&self) -> Option<&'static str> {
        match self {
            Self::Entering(entering) => entering.single(),
            _ => None,
        }
    }

    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

/// What is run whenever control enters and leaves a body.
pub(super) struct Winder<F: Frame> {
    /// Before and after; none once they are moved out.
    thunks: Option<(F, F)>,
    ledger: Rc<Ledger<F>>,
}

impl<F: Frame> Winder<F> {
    pub(super) fn new(before: F, after: F, ledger: &Rc<Ledger<F>>) -> Rc<Self> {
        Rc::new(Self {
            thunks: Some((before, after)),
            ledger: ledger.clone(),
        })
    }

    /// Before and after.
    pub(super) fn thunks(&self) -> &(F, F) {
        let Some(thunks) = &self.thunks else {
            unreachable!("the thunks are moved out of a winder that is not shared")
        };
        thunks
    }

    pub(super) fn trace(&self, visit: &mut dyn FnMut(&F::Value)) {
        let (before, after) = self.thunks();
        before.trace(visit);
        after.trace(visit);
    }

    pub(super) fn before(&self) -> F {
        self.thunks().0.clone()
    }

    pub(super) fn after(&self) -> F {
        self.thunks().1.clone()
    }

    /// Both, moved if this is the only holder.
    pub(super) fn open(mut self: Rc<Self>) -> (F, F) {
        match Rc::get_mut(&mut self).and_then(|winder| winder.thunks.take()) {
            Some(thunks) => thunks,
            None => self.thunks().clone(),
        }
    }
}

impl<F: Frame> Drop for Winder<F> {
    fn drop(&mut self) {
        // They may hold continuations that go through winders, and so on.
        if let Some(thunks) = self.thunks.take() {
            match self.ledger.begin() {
                None => self.ledger.remain(Remains::Winder { _thunks: thunks }),
                Some(burial) => {
                    drop(thunks);
                    drop(burial);
                }
            }
        }
    }
}

/// The winders between here and the next boundary, innermost first.
pub(super) type Winders<F> = Option<Rc<WinderNode<F>>>;

pub(super) struct WinderNode<F: Frame> {
    pub(super) winder: Rc<Winder<F>>,
    /// Where the winder's frame is: its thunks run on top of that.
    pub(super) at: Position<F>,
    pub(super) below: Winders<F>,
    /// How many winders these are.
    pub(super) depth: usize,
}

impl<F: Frame> WinderNode<F> {
    pub(super) fn new(winder: Rc<Winder<F>>, at: Position<F>, below: Winders<F>) -> Rc<Self> {
        let depth = depth(&below) + 1;
        Rc::new(Self {
            winder,
            at,
            below,
            depth,
        })
    }
}

impl<F: Frame> Drop for WinderNode<F> {
    fn drop(&mut self) {
        let mut next = self.below.take();
        while let Some(mut node) = next.and_then(Rc::into_inner) {
            next = node.below.take();
        }
    }
}

pub(super) fn depth<F: Frame>(winders: &Winders<F>) -> usize {
    winders.as_ref().map_or(0, |node| node.depth)
}
