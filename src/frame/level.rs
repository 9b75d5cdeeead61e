//! What lies between two boundaries of a stack.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

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

/// The levels of a stack, lowest first. One is running, and there is always one.
///
/// Those above it are empty. They are filled where they lie, since a level that was just
/// written is not moved for nothing.
pub(super) struct Levels<F: Frame> {
    list: Vec<Level<F>>,
    /// The index of the level that is running.
    running: usize,
}

impl<F: Frame> Levels<F> {
    pub(super) fn new(bottom: Level<F>) -> Self {
        Self {
            list: alloc::vec![bottom],
            running: 0,
        }
    }

    /// These, lowest first, of which there is at least one.
    #[cfg(feature = "serde")]
    pub(super) fn of(list: Vec<Level<F>>) -> Self {
        let running = list.len() - 1;
        Self { list, running }
    }

    /// The level that is running.
    #[inline(always)]
    pub(super) fn top(&self) -> &Level<F> {
        &self.list[self.running]
    }

    /// The level that is running.
    #[inline(always)]
    pub(super) fn top_mut(&mut self) -> &mut Level<F> {
        &mut self.list[self.running]
    }

    /// The index of the level that is running.
    pub(super) fn last(&self) -> usize {
        self.running
    }

    #[inline(always)]
    pub(super) fn push(&mut self, boundary: Boundary<F>) {
        *self.push_open() = boundary;
    }

    /// Pushes a level, and answers where its boundary is, which is open.
    #[inline(always)]
    fn push_open(&mut self) -> &mut Boundary<F> {
        #[cold]
        fn make_room<F: Frame>(list: &mut Vec<Level<F>>) {
            list.push(Level::empty(Boundary::Open));
        }
        self.running += 1;
        if self.running == self.list.len() {
            make_room(&mut self.list);
        }
        &mut self.top_mut().boundary
    }

    /// Prompts with nothing between them are counted, so that a loop that resumes in tail
    /// position needs no more and more of them.
    #[inline(always)]
    pub(super) fn push_prompts(&mut self, tag: PromptTag, times: usize) {
        let top = self.top_mut();
        if let Boundary::Prompt {
            tag: here,
            times: so_far,
        } = &mut top.boundary
            && top.position.is_empty()
            && *here == tag
        {
            *so_far = so_far.saturating_add(times);
        } else {
            let boundary = self.push_open();
            // What an assignment would drop is known to be nothing.
            mem::forget(mem::replace(boundary, Boundary::Prompt { tag, times }));
        }
    }

    /// Drops what is in the level that is running. The one below is running then, if there is
    /// one.
    #[inline(always)]
    pub(super) fn pop(&mut self) {
        let top = &mut self.list[self.running];
        top.position.clear();
        if top.winders.is_some() {
            top.winders = None;
        }
        if self.running > 0 {
            top.boundary = Boundary::Open;
            self.running -= 1;
        }
    }

    /// The levels from this index up, lowest first.
    pub(super) fn from(&self, index: usize) -> &[Level<F>] {
        &self.list[index..=self.running]
    }

    /// Takes the levels from this index up, which is not the lowest.
    pub(super) fn take_from(&mut self, index: usize) -> Vec<Level<F>> {
        self.list.truncate(self.running + 1);
        self.running = index - 1;
        self.list.split_off(index)
    }
}
