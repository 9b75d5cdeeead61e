//! What lies between two boundaries of a stack.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::position::{Attached, Position};
use super::winder::Winders;
use super::{Frame, PromptTag};

/// What lies between a level and the one below it.
pub(super) enum Boundary<F: Frame> {
    /// Nothing is below.
    Bottom,
    /// Nothing: the level is a part of a continuation, to be put on top of another.
    Open,
    /// So many prompts with this tag, with nothing between them.
    Prompt { tag: PromptTag, times: usize },
    /// A host call that re-entered the machine, and what is attached to the frames that wait
    /// for it.
    Barrier(Box<Barrier<F>>),
    /// The frames above are a winder's, on the way to a goal.
    Winding(Box<super::winding::Goal<F>>),
}

pub(super) struct Barrier<F: Frame> {
    pub(super) host_call: &'static str,
    /// How many active frames wait for it.
    pub(super) waiting: usize,
    pub(super) attached: Attached<F>,
}

/// What lies between two boundaries, and the lower one of them.
pub(super) struct Level<F: Frame> {
    pub(super) position: Position<F>,
    pub(super) winders: Winders<F>,
    pub(super) boundary: Boundary<F>,
}

impl<F: Frame> Level<F> {
    pub(super) fn empty(boundary: Boundary<F>) -> Self {
        Self {
            position: Position::empty(),
            winders: None,
            boundary,
        }
    }

    pub(super) fn prompt(tag: PromptTag) -> Self {
        Self::empty(Boundary::Prompt { tag, times: 1 })
    }

    /// A copy for a continuation.
    pub(super) fn share(&self) -> Self {
        Self {
            position: self.position.clone(),
            winders: self.winders.clone(),
            boundary: match self.boundary {
                Boundary::Prompt { tag, times } => Boundary::Prompt { tag, times },
                _ => Boundary::Open,
            },
        }
    }
}

/// The levels of a stack, lowest first. The last one is running, and there is always one.
pub(super) struct Levels<F: Frame>(Vec<Level<F>>);

impl<F: Frame> Levels<F> {
    pub(super) fn new(bottom: Level<F>) -> Self {
        Self(alloc::vec![bottom])
    }

    /// The level that is running.
    #[inline(always)]
    pub(super) fn top(&self) -> &Level<F> {
        let Some(top) = self.0.last() else {
            unreachable!("the lowest level is never dropped")
        };
        top
    }

    /// The level that is running.
    #[inline(always)]
    pub(super) fn top_mut(&mut self) -> &mut Level<F> {
        let Some(top) = self.0.last_mut() else {
            unreachable!("the lowest level is never dropped")
        };
        top
    }

    /// The index of the level that is running.
    pub(super) fn last(&self) -> usize {
        self.0.len() - 1
    }

    #[inline(always)]
    pub(super) fn push(&mut self, level: Level<F>) {
        self.0.push(level);
    }

    /// Drops the level that is running, unless it is the lowest.
    #[inline(always)]
    pub(super) fn pop(&mut self) {
        let len = self.0.len();
        if len > 1 {
            self.0.truncate(len - 1);
        }
    }

    /// The levels from this index up, lowest first.
    pub(super) fn from(&self, index: usize) -> &[Level<F>] {
        &self.0[index..]
    }

    /// Takes the levels from this index up. One is to be pushed if none is left.
    pub(super) fn take_from(&mut self, index: usize) -> Vec<Level<F>> {
        self.0.split_off(index)
    }
}
