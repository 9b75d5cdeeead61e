//! The segmented stack: what of a computation is not running.
//!
//! ```text
//!  active frames      a Vec that the machine owns: the top of the stack
//!       │ under       what happens when they are used up: nothing, or a winder's business
//!       ▼
//!  Chain ──▶ Segment  frames, marks, under     sealed: counted, shared, never changed
//!              │ below
//!              ▼
//!            Chain ──▶ Segment ...             a chain ends where its piece was cut off
//!       │ rest
//!       ▼
//!  Rest ──▶ Position ──▶ Chain ...             what the chain was put on top of
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

use super::continuation::Piece;
use super::ledger::{Ledger, Remains};
use super::winder::Under;
use super::{Frame, MarkKey, PromptTag};

/// The most frames that a Vec has room for which is kept for its capacity.
const LARGEST_SPARE: usize = 64;

/// So many segments are kept besides the one at hand.
const MOST_SPARES: usize = 7;

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
    pub(super) below: Chain<F>,
    pub(super) captured: Captured<F>,
    /// Whether a frame of it or of those below it may be one that can be resumed only once.
    pub(super) singles: bool,
    /// None while the ledger has it, to be used again.
    ledger: Option<Rc<Ledger<F>>>,
}

/// What a continuation is whose handle is on this segment.
pub(super) enum Captured<F: Frame> {
    /// There is none.
    Nothing,
    /// The chain that begins with this segment. The frequent case: what was between the
    /// capture and its prompt needs nothing else to be said of it, and no allocation.
    Chain {
        /// How many frames there are in the chain.
        size: usize,
        /// The prompt below it, if that was taken along.
        prompt: Option<PromptTag>,
    },
    /// The same of the chain below this segment, which itself is empty and in no chain: the frame
    /// that captured was the only active one, and is gone. What it has left may be a part of a
    /// segment that others hold, or nothing.
    Below {
        size: usize,
        prompt: Option<PromptTag>,
    },
    /// This; the segment itself is empty.
    Piece(Box<Piece<F>>),
}

impl<F: Frame> Captured<F> {
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        if let Self::Piece(_) | Self::Below { .. } = self {
            *self = Self::Nothing;
        }
    }
}

impl<F: Frame> Segment<F> {
    fn empty() -> Self {
        Self {
            frames: Vec::new(),
            single: None,
            marks: Vec::new(),
            under: Under::Nothing,
            below: Chain::empty(),
            captured: Captured::Nothing,
            singles: false,
            ledger: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len() + usize::from(self.single.is_some())
    }

    /// What it counts for in the ledger.
    fn weight(&self) -> usize {
        let captured = match &self.captured {
            Captured::Piece(piece) => piece.levels.len(),
            Captured::Below { .. } => 1,
            Captured::Nothing | Captured::Chain { .. } => 0,
        };
        self.len() + captured
    }

    pub(super) fn single(&self) -> Option<&Single<F>> {
        self.single.as_deref()
    }

    /// Drops what it holds, but for the room for frames.
    fn clear(&mut self) {
        self.frames.clear();
        self.single = None;
        self.marks.clear();
        if !self.under.is_nothing() {
            self.under = Under::Nothing;
        }
        self.below.clear();
        self.captured.clear();
    }
}

/// A share in a segment, or none. The last holder drops what is in the segment, and hands
/// the segment back to the ledger.
pub(super) struct Held<F: Frame>(Option<Rc<Segment<F>>>);

impl<F: Frame> Held<F> {
    /// A segment with nothing in it, which may have room for frames.
    #[inline(always)]
    pub(super) fn new(ledger: &Rc<Ledger<F>>) -> Self {
        #[inline(never)]
        fn another<F: Frame>(ledger: &Ledger<F>) -> Rc<Segment<F>> {
            let spare = ledger.spares.borrow_mut().pop();
            spare.unwrap_or_else(|| Rc::new(Segment::empty()))
        }
        let mut segment = ledger.spare.take().unwrap_or_else(|| another(ledger));
        if let Some(segment) = Rc::get_mut(&mut segment) {
            // What an assignment would drop is known to be nothing.
            mem::forget(segment.ledger.replace(ledger.clone()));
        }
        Self(Some(segment))
    }

    /// A segment that consists of these.
    #[cfg(feature = "serde")]
    pub(super) fn of(
        ledger: &Rc<Ledger<F>>,
        frames: Vec<F>,
        marks: Vec<Mark<F::Value>>,
        under: Under<F>,
        below: Chain<F>,
    ) -> Self {
        ledger.note(frames.len());
        let mut held = Self::new(ledger);
        if let Some(segment) = held.get_mut() {
            segment.frames = frames;
            segment.marks = marks;
            segment.under = under;
            segment.below = below;
        }
        held
    }

    pub(super) fn get(&self) -> Option<&Segment<F>> {
        self.0.as_deref()
    }

    /// The segment, if nobody else holds it.
    #[inline]
    pub(super) fn get_mut(&mut self) -> Option<&mut Segment<F>> {
        self.0.as_mut().and_then(Rc::get_mut)
    }

    /// A segment that says that a chain was captured, which is below it.
    #[inline(always)]
    pub(super) fn of_chain(
        ledger: &Rc<Ledger<F>>,
        chain: &Chain<F>,
        size: usize,
        prompt: Option<PromptTag>,
    ) -> Self {
        let mut held = Self::new(ledger);
        if let Some(segment) = held.get_mut() {
            segment.below.set(chain.clone());
            segment.captured = Captured::Below { size, prompt };
            ledger.note(1);
        }
        held
    }

    /// The chain below its segment, which is taken out if nobody else holds that.
    pub(super) fn into_below(mut self) -> Chain<F> {
        match self.get_mut() {
            Some(segment) => segment.below.take(),
            None => self.get().map_or(Chain::empty(), |it| it.below.clone()),
        }
    }

    /// A segment that says that this was captured.
    pub(super) fn of_piece(ledger: &Rc<Ledger<F>>, piece: Piece<F>) -> Self {
        ledger.note(piece.levels.len());
        let mut held = Self::new(ledger);
        if let Some(segment) = held.get_mut() {
            segment.captured = Captured::Piece(Box::new(piece));
        }
        held
    }

    /// What was captured, if nobody else holds the segment that says so.
    pub(super) fn take_piece(&mut self) -> Option<Piece<F>> {
        let segment = self.get_mut()?;
        match mem::replace(&mut segment.captured, Captured::Nothing) {
            Captured::Piece(piece) => {
                if let Some(ledger) = &segment.ledger {
                    ledger.forget(piece.levels.len());
                }
                Some(*piece)
            }
            other => {
                segment.captured = other;
                None
            }
        }
    }

    /// What its segment and others are counted by.
    pub(super) fn ledger(&self) -> Option<&Rc<Ledger<F>>> {
        self.0.as_ref().and_then(|segment| segment.ledger.as_ref())
    }

    pub(super) fn is_shared(&self) -> bool {
        self.0.as_ref().is_some_and(|rc| Rc::strong_count(rc) > 1)
    }

    pub(super) fn address(&self) -> usize {
        self.0.as_ref().map_or(0, |rc| Rc::as_ptr(rc).addr())
    }
}

impl<F: Frame> Clone for Held<F> {
    #[inline]
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: Frame> Drop for Held<F> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(segment) = self.0.take() {
            release(segment);
        }
    }
}

/// Keeps a segment with nothing in it for its room, unless there is much.
#[inline(always)]
fn keep<F: Frame>(ledger: &Ledger<F>, segment: Rc<Segment<F>>) {
    let other = if segment.frames.capacity() <= LARGEST_SPARE {
        ledger.spare.replace(Some(segment))
    } else {
        Some(segment)
    };
    if let Some(other) = other {
        put_by(ledger, other);
    }
}

/// The same, of one that is not to be at hand.
#[inline(never)]
fn put_by<F: Frame>(ledger: &Ledger<F>, segment: Rc<Segment<F>>) {
    let mut spares = ledger.spares.borrow_mut();
    if segment.frames.capacity() <= LARGEST_SPARE && spares.len() < MOST_SPARES {
        spares.push(segment);
    }
}

/// Drops a share in a segment.
///
/// Out of line, so that what drops an input or a step stays small where there is nothing.
#[inline(never)]
fn release<F: Frame>(mut segment: Rc<Segment<F>>) {
    if Rc::get_mut(&mut segment).is_some() {
        bury(segment);
    }
}

/// Drops what a segment holds; what other segments hold that this drops, too.
#[inline(never)]
fn bury<F: Frame>(mut segment: Rc<Segment<F>>) {
    let Some(contents) = Rc::get_mut(&mut segment) else {
        return;
    };
    let Some(ledger) = contents.ledger.take() else {
        return;
    };
    ledger.forget(contents.weight());
    let Some(burial) = ledger.begin() else {
        ledger.remain(Remains::Segment { _contents: segment });
        return;
    };
    contents.clear();
    drop(burial);
    keep(&ledger, segment);
}

/// The first `len` frames of a segment, and all that is below it; or nothing.
pub(super) struct Chain<F: Frame> {
    pub(super) first: Held<F>,
    pub(super) len: usize,
}

impl<F: Frame> Chain<F> {
    pub(super) const fn empty() -> Self {
        Self {
            first: Held(None),
            len: 0,
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.first.0.is_none()
    }

    /// Whether a frame in it may be one that can be resumed only once.
    #[inline]
    pub(super) fn singles(&self) -> bool {
        self.first.get().is_some_and(|segment| segment.singles)
    }

    #[inline]
    pub(super) fn take(&mut self) -> Self {
        mem::replace(self, Self::empty())
    }

    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.len = 0;
        match self.first.0.take() {
            Some(segment) if Rc::strong_count(&segment) > 1 => drop(segment),
            Some(segment) => release(segment),
            None => {}
        }
    }

    /// Becomes `chain`, where it is empty.
    #[inline(always)]
    pub(super) fn set(&mut self, chain: Self) {
        // What an assignment would drop is known to be nothing.
        mem::forget(mem::replace(self, chain));
    }

    /// Goes on to what is below, where nobody else holds the segment, which had so many
    /// frames and has nothing any more.
    #[inline(always)]
    pub(super) fn step_down(&mut self, frames: usize) {
        if let Some(mut segment) = self.first.0.take()
            && let Some(contents) = Rc::get_mut(&mut segment)
            && let Some(ledger) = contents.ledger.take()
        {
            mem::swap(self, &mut contents.below);
            ledger.forget(frames);
            keep(&ledger, segment);
        }
    }

    /// This chain and what it is of, then those below, from the top down.
    pub(super) fn links(&self) -> impl Iterator<Item = (&Self, &Segment<F>)> {
        let mut next = self;
        core::iter::from_fn(move || {
            let this = next;
            let segment = this.first.get()?;
            next = &segment.below;
            Some((this, segment))
        })
    }
}

impl<F: Frame> Clone for Chain<F> {
    #[inline]
    fn clone(&self) -> Self {
        Self {
            first: self.first.clone(),
            len: self.len,
        }
    }
}
