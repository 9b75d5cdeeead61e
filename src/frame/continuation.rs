//! The rest of a computation, as a value.

use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;

use super::ledger::Ledger;
use super::level::{Boundary, Level};
use super::position::RestNode;
use super::segment::{Captured, Chain, Held, Segment};
use super::winder::{Under, depth};
use super::{Frame, PromptTag, Refusal};

/// Levels that were cut out of a stack. The lowest one has, at its lower end, the prompt
/// that the capture went to, or nothing.
pub(super) struct Piece<F: Frame> {
    /// Lowest first; at least one.
    pub(super) levels: Vec<Level<F>>,
    /// How many frames these are.
    pub(super) size: usize,
    /// How many winders there are to be entered.
    pub(super) winders: usize,
    /// Whether a frame among them may be one that can be resumed only once.
    pub(super) singles: bool,
    /// How many levels end with prompts.
    prompts: usize,
}

impl<F: Frame> Piece<F> {
    pub(super) fn new(levels: Vec<Level<F>>) -> Self {
        let is_prompt = |level: &&Level<F>| matches!(level.boundary, Boundary::Prompt { .. });
        Self {
            prompts: levels.iter().filter(is_prompt).count(),
            singles: levels.iter().any(|level| level.position.singles()),
            size: levels.iter().map(|level| level.position.size).sum(),
            winders: levels.iter().map(|level| depth(&level.winders)).sum(),
            levels,
        }
    }

    /// Another that shares all frames with this one.
    pub(super) fn share(&self) -> Self {
        Self {
            levels: self.levels.iter().map(Level::share).collect(),
            size: self.size,
            winders: self.winders,
            singles: self.singles,
            prompts: self.prompts,
        }
    }

    /// Refuses if a frame that can be resumed once was. What is in it again and again is looked
    /// at once.
    pub(super) fn check_singles(&self) -> Result<(), Refusal> {
        let (mut rests, mut segments) = (BTreeSet::new(), BTreeSet::new());
        for level in self.levels.iter().filter(|level| level.position.singles()) {
            let want = |rest: &Rc<RestNode<F>>| rest.singles && rests.insert(Rc::as_ptr(rest));
            for (link, segment) in level.position.chains_where(want).flat_map(Chain::links) {
                if !segment.singles || !segments.insert(link.first.address()) {
                    continue;
                }
                if let Some(single) = &segment.single
                    && single.frame.borrow().is_none()
                {
                    return Err(Refusal::OneShot { frame: single.kind });
                }
                if let Under::Entering(entering) = &segment.under
                    && let Some(frame) = entering.spent()
                {
                    return Err(Refusal::OneShot { frame });
                }
            }
        }
        Ok(())
    }

    /// Refuses if a frame that can be resumed once is held by others too.
    pub(super) fn check_sole(&self) -> Result<(), Refusal> {
        let levels = self.levels.iter().filter(|level| level.position.singles());
        let mut positions: Vec<_> = levels.map(|level| (&level.position, false)).collect();
        let (mut ahead, mut seen) = (Vec::new(), BTreeSet::new());
        loop {
            while let Some((position, mut shared)) = positions.pop() {
                ahead.extend(position.rest.as_ref().map(|rest| (rest, shared)));
                for (link, segment) in position.chain.links().take_while(|(_, s)| s.singles) {
                    shared |= link.first.is_shared();
                    let single = match (&segment.single, &segment.under) {
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
                }
            }
            let Some((rest, mut shared)) = ahead.pop() else {
                return Ok(());
            };
            // Who is met twice is shared.
            shared |= Rc::strong_count(rest) > 1;
            if rest.singles && seen.insert(Rc::as_ptr(rest)) {
                ahead.extend(rest.next.as_ref().map(|next| (next, shared)));
                positions.push((&rest.first, shared));
            }
        }
    }
}

/// The rest of a computation, from a frame up to a prompt.
///
/// It may be kept, cloned and resumed any number of times. A clone counts a reference; the
/// frames are shared, and cloned only as far as they are returned into more than once. It
/// belongs to its thread; [`detach`](Self::detach) makes a form that may move.
///
/// ```compile_fail,E0277
/// use segno::frame::{Context, Continuation, Frame, Input, Step};
///
/// #[derive(Clone)]
/// struct Number(u32);
///
/// impl Frame for Number {
///     type Value = u32;
///     type World = ();
///
///     fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
///         Step::Return(self.0)
///     }
/// }
///
/// fn go_on(k: Continuation<Number>) {
///     std::thread::spawn(move || k.len()); // Its counts are not atomic.
/// }
/// ```
pub struct Continuation<F: Frame> {
    /// The segment that says what was captured.
    head: Held<F>,
}

impl<F: Frame> Continuation<F> {
    pub(super) fn new(piece: Piece<F>, ledger: &Rc<Ledger<F>>) -> Self {
        Self {
            head: Held::of_piece(ledger, piece),
        }
    }

    /// The continuation of a chain whose topmost segment was just sealed, and which nothing
    /// lies under but a prompt, if one is given.
    #[inline(always)]
    pub(super) fn of_chain(chain: &mut Chain<F>, size: usize, prompt: Option<PromptTag>) -> Self {
        if let Some(segment) = chain.first.get_mut() {
            segment.captured = Captured::Chain { size, prompt };
        }
        Self {
            head: chain.first.clone(),
        }
    }

    /// The continuation of a whole chain, whatever its topmost segment is, and which nothing lies
    /// under but a prompt, if one is given.
    #[inline(always)]
    pub(super) fn above_chain(
        chain: &Chain<F>,
        size: usize,
        prompt: Option<PromptTag>,
        ledger: &Rc<Ledger<F>>,
    ) -> Self {
        if let Some(segment) = chain.first.get()
            && let Captured::Chain {
                size: of,
                prompt: below,
            } = segment.captured
            && (chain.len, of, below) == (segment.len(), size, prompt)
        {
            // It was captured before, and nothing has come on top of it since.
            let head = chain.first.clone();
            return Self { head };
        }
        Self {
            head: Held::of_chain(ledger, chain, size, prompt),
        }
    }

    #[inline(always)]
    pub(super) fn captured(&self) -> &Captured<F> {
        match self.head.get() {
            Some(segment) => &segment.captured,
            None => &Captured::Nothing,
        }
    }

    /// Of what is no more than a chain: how many frames there are, and the prompt below.
    #[inline(always)]
    pub(super) fn as_chain(&self) -> Option<(usize, Option<PromptTag>)> {
        match *self.captured() {
            Captured::Chain { size, prompt } | Captured::Below { size, prompt } => {
                Some((size, prompt))
            }
            _ => None,
        }
    }

    /// The chain that was captured.
    #[inline(always)]
    pub(super) fn into_chain(self) -> Chain<F> {
        if let Captured::Below { .. } = self.captured() {
            return self.head.into_below();
        }
        Chain {
            len: self.head.get().map_or(0, Segment::len),
            first: self.head,
        }
    }

    /// What was captured, moved out if this is its only holder.
    pub(super) fn into_piece(mut self) -> Piece<F> {
        if let Some((size, prompt)) = self.as_chain() {
            let mut level = Level::empty(match prompt {
                Some(tag) => Boundary::Prompt { tag, times: 1 },
                None => Boundary::Open,
            });
            level.position.put(self.into_chain(), size);
            return Piece::new(alloc::vec![level]);
        }
        if let Some(piece) = self.head.take_piece() {
            return piece;
        }
        match self.captured() {
            Captured::Piece(piece) => piece.share(),
            _ => unreachable!("a continuation is of what was captured"),
        }
    }

    /// Looks at what was captured.
    pub(super) fn with_piece<R>(&self, look: impl FnOnce(&Piece<F>) -> R) -> R {
        match self.captured() {
            Captured::Piece(piece) => look(piece),
            _ => look(&self.clone().into_piece()),
        }
    }

    /// How many levels there are in it that have prompts.
    #[inline(always)]
    pub(super) fn prompts(&self) -> usize {
        match self.captured() {
            Captured::Piece(piece) => piece.prompts,
            Captured::Chain { prompt, .. } | Captured::Below { prompt, .. } => {
                prompt.is_some().into()
            }
            Captured::Nothing => 0,
        }
    }

    /// What its frames are counted by.
    pub(super) fn ledger(&self) -> Option<&Rc<Ledger<F>>> {
        self.head.ledger()
    }

    /// Refuses if a frame that can be resumed once was.
    #[inline]
    pub(super) fn check_singles(&self) -> Result<(), Refusal> {
        match self.captured() {
            Captured::Piece(piece) if piece.singles => piece.check_singles(),
            _ => Ok(()),
        }
    }

    /// How many frames there are in it.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match self.captured() {
            Captured::Chain { size, .. } | Captured::Below { size, .. } => *size,
            Captured::Piece(piece) => piece.size,
            Captured::Nothing => 0,
        }
    }

    /// Whether there is no frame in it, as where the only one under a prompt has captured it by
    /// [`Place::Instead`](super::Place::Instead): resuming it answers what it is resumed with,
    /// after what is left of a winder.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both are the same capture.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.address() == other.address()
    }

    /// Tells it from every other that is alive: who looks things up by it keeps it alive.
    #[must_use]
    pub fn address(&self) -> usize {
        self.head.address()
    }
}

impl<F: Frame> Clone for Continuation<F> {
    #[inline]
    fn clone(&self) -> Self {
        Self {
            head: self.head.clone(),
        }
    }
}

impl<F: Frame> fmt::Debug for Continuation<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prompts = |level: &Level<F>| match level.boundary {
            Boundary::Prompt { times, .. } => times,
            _ => 0,
        };
        self.with_piece(|piece| {
            f.debug_struct("Continuation")
                .field("frames", &piece.size)
                .field(
                    "prompts",
                    &piece
                        .levels
                        .iter()
                        .map(prompts)
                        .fold(0, usize::saturating_add),
                )
                .field("winders", &piece.winders)
                .finish_non_exhaustive()
        })
    }
}
