//! What lies between two boundaries of a stack.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::position::Position;
use super::segment::Mark;
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
    /// A host call that re-entered the machine, and the marks of the frames that wait for it.
    Barrier(Box<Barrier<F>>),
    /// The frames above are a winder's, on the way to a goal.
    Winding(Box<super::winding::Goal<F>>),
}

pub(super) struct Barrier<F: Frame> {
    pub(super) host_call: &'static str,
    pub(super) marks: Vec<Mark<F::Value>>,
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

    /// A copy for a continuation, with another boundary where one is given.
    pub(super) fn share(&self, boundary: Option<Boundary<F>>) -> Self {
        Self {
            position: self.position.clone(),
            winders: self.winders.clone(),
            boundary: boundary.unwrap_or(match self.boundary {
                Boundary::Prompt { tag, times } => Boundary::Prompt { tag, times },
                _ => Boundary::Open,
            }),
        }
    }
}
