//! What runs the frames of a native stack: the machine, whose step it is.

use crate::frame::{Context, Frame};

/// Where the operators go.
pub(super) enum Host<'r, F: Frame> {
    /// The machine, which does them once the native stack is left.
    Machine(Context<'r, F>),
}

impl<'r, F: Frame> Host<'r, F> {
    pub(super) fn context(&self) -> &Context<'r, F> {
        match self {
            Self::Machine(cx) => cx,
        }
    }

    pub(super) fn context_mut(&mut self) -> &mut Context<'r, F> {
        match self {
            Self::Machine(cx) => cx,
        }
    }
}
