//! The rest of a computation, as a value.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;

use super::level::{Boundary, Level};
use super::winder::{Under, depth};
use super::{Frame, Refusal};

/// Levels that were cut out of a stack. The lowest one has, at its lower end, the prompt
/// that the capture went to, or nothing.
pub(super) struct Piece<F: Frame> {
    /// All levels but the topmost, lowest first.
    pub(super) lower: Vec<Level<F>>,
    pub(super) top: Level<F>,
    /// How many frames these are.
    pub(super) size: usize,
    /// How many winders there are to be entered.
    pub(super) winders: usize,
    /// Whether a frame among them may be one that can be resumed only once.
    pub(super) singles: bool,
}

impl<F: Frame> Piece<F> {
    pub(super) fn new(lower: Vec<Level<F>>, top: Level<F>, singles: bool) -> Self {
        let levels = || lower.iter().chain([&top]);
        let size = levels().map(|level| level.position.size).sum();
        let winders = levels().map(|level| depth(&level.winders)).sum();
        Self {
            lower,
            top,
            size,
            winders,
            singles,
        }
    }

    #[inline]
    pub(super) fn of_one(top: Level<F>, singles: bool) -> Self {
        Self {
            lower: Vec::new(),
            size: top.position.size,
            winders: depth(&top.winders),
            top,
            singles,
        }
    }

    pub(super) fn levels(&self) -> impl DoubleEndedIterator<Item = &Level<F>> {
        self.lower.iter().chain([&self.top])
    }

    /// Refuses if a frame that can be resumed once was.
    pub(super) fn check_singles(&self) -> Result<(), Refusal> {
        if self.singles {
            for level in self.levels() {
                for tail in level.position.chains() {
                    let mut next = Some(tail);
                    while let Some(tail) = next {
                        if let Some(single) = &tail.segment.single
                            && single.frame.borrow().is_none()
                        {
                            return Err(Refusal::OneShot { frame: single.kind });
                        }
                        if let Under::Entering(entering) = &tail.segment.under
                            && let Some(frame) = entering.spent()
                        {
                            return Err(Refusal::OneShot { frame });
                        }
                        next = tail.segment.below.as_ref();
                    }
                }
            }
        }
        Ok(())
    }

    /// Refuses if a frame that can be resumed once is held by others too.
    pub(super) fn check_sole(&self) -> Result<(), Refusal> {
        if !self.singles {
            return Ok(());
        }
        let mut positions: Vec<_> = self.levels().map(|l| (&l.position, false)).collect();
        let mut rests = Vec::new();
        loop {
            while let Some((position, mut shared)) = positions.pop() {
                rests.extend(position.rest.as_ref().map(|rest| (rest, shared)));
                let mut next = position.chain.as_ref();
                while let Some(tail) = next {
                    shared |= Rc::strong_count(&tail.segment) > 1;
                    let single = match (&tail.segment.single, &tail.segment.under) {
                        (Some(single), _) if shared => Some(single.kind),
                        (_, Under::Entering(entering))
                            if shared || Rc::strong_count(entering) > 1 =>
                        {
                            entering.single()
                        }
                        _ => None,
                    };
                    if let Some(frame) = single {
                        return Err(Refusal::OneShot { frame });
                    }
                    next = tail.segment.below.as_ref();
                }
            }
            let Some((node, mut shared)) = rests.pop() else {
                return Ok(());
            };
            shared |= Rc::strong_count(node) > 1;
            rests.extend(node.next.as_ref().map(|rest| (rest, shared)));
            positions.push((&node.first, shared));
        }
    }
}

/// The rest of a computation, from a frame up to a prompt.
///
/// It may be kept, cloned and resumed any number of times. A clone counts a reference; the
/// frames are shared, and cloned only as far as they are returned into more than once. It
/// belongs to its thread; [`detach`](Self::detach) makes a form that may move.
pub struct Continuation<F: Frame> {
    pub(super) piece: Rc<Piece<F>>,
}

impl<F: Frame> Continuation<F> {
    pub(super) fn new(piece: Piece<F>) -> Self {
        Self {
            piece: Rc::new(piece),
        }
    }

    /// How many frames there are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.piece.size
    }

    /// Whether there is no frame in it: resuming it answers what it is resumed with.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.piece.size == 0
    }

    /// Whether both are the same capture.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.piece, &other.piece)
    }

    /// The piece, moved out if this is its only holder.
    pub(super) fn into_piece(self) -> Piece<F> {
        match Rc::try_unwrap(self.piece) {
            Ok(piece) => piece,
            Err(piece) => Piece {
                lower: piece.lower.iter().map(|level| level.share(None)).collect(),
                top: piece.top.share(None),
                size: piece.size,
                winders: piece.winders,
                singles: piece.singles,
            },
        }
    }
}

impl<F: Frame> Clone for Continuation<F> {
    fn clone(&self) -> Self {
        Self {
            piece: self.piece.clone(),
        }
    }
}

impl<F: Frame> fmt::Debug for Continuation<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Continuation")
            .field("frames", &self.piece.size)
            .field("prompts", &self.prompts())
            .field("winders", &self.piece.winders)
            .finish_non_exhaustive()
    }
}

impl<F: Frame> Continuation<F> {
    fn prompts(&self) -> usize {
        let times = |level: &Level<F>| match level.boundary {
            Boundary::Prompt { times, .. } => times,
            _ => 0,
        };
        self.piece.levels().map(times).sum()
    }
}
