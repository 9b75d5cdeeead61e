//! The rest of a computation, as a value.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;

use super::segment::{Boundary, Level, Under, depth};
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
                        next = tail.segment.below.as_ref();
                    }
                }
            }
        }
        Ok(())
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

    /// Makes a form that may move to another thread: frames that nobody else holds are
    /// moved, the others cloned. What was shared with other continuations is not shared any
    /// more.
    ///
    /// # Errors
    ///
    /// If it goes through a frame that can be resumed once and that others hold too.
    pub fn detach(self) -> Result<Detached<F>, Refusal> {
        let piece = self.into_piece();
        piece.check_singles()?;
        detach::detach(piece)
    }
}

pub use detach::Detached;

mod detach {
    use super::*;
    use crate::frame::PromptTag;
    use crate::frame::segment::{
        Active, Ledger, Mark, Position, Unsealed, Winder, WinderNode, Winders,
    };

    /// What lies under the frames of a part.
    enum Below<F: Frame> {
        Nothing,
        Entering(F, usize),
        Inside(usize),
        Leaving(Result<F::Value, F::Value>),
        /// The end of a level.
        Prompt(PromptTag, usize),
        Open,
    }

    struct Part<F: Frame> {
        frames: Vec<F>,
        marks: Vec<Mark<F::Value>>,
        below: Below<F>,
    }

    /// A [`Continuation`](super::Continuation) that is not shared with anything, and may move
    /// to another thread if its frames may.
    pub struct Detached<F: Frame> {
        /// Topmost first.
        parts: Vec<Part<F>>,
        /// Before and after, by the numbers that the parts know them by.
        winders: Vec<(F, F)>,
        singles: bool,
    }

    impl<F: Frame> fmt::Debug for Detached<F> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let frames: usize = self.parts.iter().map(|part| part.frames.len()).sum();
            f.debug_struct("Detached")
                .field("frames", &frames)
                .finish_non_exhaustive()
        }
    }

    pub(super) fn detach<F: Frame>(piece: Piece<F>) -> Result<Detached<F>, Refusal> {
        let mut parts = Vec::new();
        let mut known: Vec<Rc<Winder<F>>> = Vec::new();
        let mut number = |winder: Rc<Winder<F>>| {
            // Searched from the end, where the neighbours are.
            known
                .iter()
                .rposition(|one| Rc::ptr_eq(one, &winder))
                .unwrap_or_else(|| {
                    known.push(winder);
                    known.len() - 1
                })
        };
        let mut levels = piece.lower;
        levels.push(piece.top);
        while let Some(Level {
            mut position,
            winders,
            boundary,
        }) = levels.pop()
        {
            drop(winders); // They hold the frames below them.
            let mut active = Active::new();
            loop {
                active.batch = usize::MAX;
                match position.unseal(&mut active) {
                    Unsealed::Nothing => {
                        if !position.next_chain() {
                            break;
                        }
                        continue;
                    }
                    Unsealed::Spent(frame) => return Err(Refusal::OneShot { frame }),
                    Unsealed::Frames => {}
                }
                let below = match active.under.take() {
                    Under::Nothing => Below::Nothing,
                    Under::Entering(entering) => {
                        let (winder, body) = *entering;
                        Below::Entering(body, number(winder))
                    }
                    Under::Inside(winder) => Below::Inside(number(winder)),
                    Under::Leaving(result) => Below::Leaving(*result),
                };
                parts.push(Part {
                    frames: core::mem::take(&mut active.frames),
                    marks: core::mem::take(&mut active.marks),
                    below,
                });
            }
            parts.push(Part {
                frames: Vec::new(),
                marks: Vec::new(),
                below: match boundary {
                    Boundary::Prompt { tag, times } => Below::Prompt(tag, times),
                    _ => Below::Open,
                },
            });
        }
        let winders = known
            .into_iter()
            .map(|winder| match Rc::try_unwrap(winder) {
                Ok(winder) => (winder.before, winder.after),
                Err(winder) => (winder.before.clone(), winder.after.clone()),
            })
            .collect();
        Ok(Detached {
            parts,
            winders,
            singles: piece.singles,
        })
    }

    impl<F: Frame> Detached<F> {
        /// The continuation, for the thread that calls.
        #[must_use]
        pub fn attach(self) -> Continuation<F> {
            let ledger = Ledger::new();
            let winders: Vec<_> = self
                .winders
                .into_iter()
                .map(|(before, after)| Rc::new(Winder { before, after }))
                .collect();
            let mut lower: Vec<Level<F>> = Vec::new();
            let mut position = Position::empty();
            let mut within: Winders<F> = None;
            for part in self.parts.into_iter().rev() {
                let under = match part.below {
                    Below::Prompt(tag, times) => {
                        begin(&mut lower, &mut position, &mut within);
                        lower.push(Level::empty(Boundary::Prompt { tag, times }));
                        continue;
                    }
                    Below::Open => {
                        begin(&mut lower, &mut position, &mut within);
                        lower.push(Level::empty(Boundary::Open));
                        continue;
                    }
                    Below::Nothing => Under::Nothing,
                    Below::Entering(body, number) => {
                        Under::Entering((winders[number].clone(), body).into())
                    }
                    Below::Inside(number) => {
                        let winder = winders[number].clone();
                        let node = WinderNode::new(winder.clone(), position.clone(), within.take());
                        within = Some(node);
                        Under::Inside(winder)
                    }
                    Below::Leaving(result) => Under::Leaving(result.into()),
                };
                let mut active = Active::new();
                for frame in part.frames {
                    active.push(frame);
                }
                active.marks = part.marks;
                active.under = under;
                position.seal(&mut active, &ledger);
            }
            begin(&mut lower, &mut position, &mut within);
            let top = lower.pop().unwrap_or(Level::empty(Boundary::Open));
            Continuation::new(Piece::new(lower, top, self.singles))
        }
    }

    /// Ends the level that was being filled.
    fn begin<F: Frame>(
        levels: &mut [Level<F>],
        position: &mut Position<F>,
        winders: &mut Winders<F>,
    ) {
        if let Some(level) = levels.last_mut() {
            level.position = position.take();
            level.winders = winders.take();
        }
    }
}
