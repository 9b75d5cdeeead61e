//! Winders: what is run on the way out of a body, and on the way into it again.
//!
//! A way leads to a *goal*. It is gone step by step: the stack is cut to where the next
//! winder is, its thunk runs on a level of its own, whose boundary remembers the goal, and
//! when it returns the next step is taken. So a thunk may do what any frame may; if it leaves
//! for good, the goal is forgotten.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::mem;

use super::continuation::Piece;
use super::level::{Boundary, Level};
use super::position::Position;
use super::run::{Next, State};
use super::winder::{Entering, Under, Winder, WinderNode, Winders, depth};
use super::{Continuation, Frame, Input, Interrupted, Operator, Refusal, Wind};

/// What is to be done once winders have run.
pub(super) enum Goal<F: Frame> {
    Leave {
        /// The index of the level whose boundary is the prompt.
        to: usize,
        /// How many of the winders above it are not left.
        keep: usize,
        then: Then<F>,
    },
    Enter(Entry<F>),
}

/// What follows when all winders are left.
pub(super) enum Then<F: Frame> {
    Body {
        operator: Operator,
        body: F,
        continuation: Continuation<F>,
    },
    Abort(F::Value),
    Replace {
        piece: Piece<F>,
        with: Result<F::Value, F::Value>,
        /// How many winders both sides share.
        shared: usize,
    },
}

/// A continuation on its way in.
pub(super) struct Entry<F: Frame> {
    /// The levels that are to come, topmost first.
    pub(super) levels: Vec<Level<F>>,
    /// The level that is being entered.
    pub(super) entering: Level<F>,
    /// What it is put on top of.
    base: Position<F>,
    /// Its winders that are not entered, innermost first.
    ahead: Vec<Rc<WinderNode<F>>>,
    /// Its winders that are, as they are from now on.
    entered: Winders<F>,
    /// How many are entered without being run.
    shared: usize,
    pub(super) with: Result<F::Value, F::Value>,
}

impl<F: Frame> Entry<F> {
    fn new(levels: Vec<Level<F>>, shared: usize, with: Result<F::Value, F::Value>) -> Self {
        Self {
            levels,
            entering: Level::empty(Boundary::Open),
            base: Position::empty(),
            ahead: Vec::new(),
            entered: None,
            shared,
            with,
        }
    }
}

impl<F: Frame> State<F> {
    pub(super) fn wind(&mut self, frames: &mut Vec<F>, wind: Wind<F>) -> Result<Next<F>, Refusal> {
        if self.below + frames.len() >= self.limits.depth {
            return Err(self.too_deep());
        }
        self.may_seal(frames.len())?;
        let Wind {
            before,
            body,
            after,
        } = wind;
        for frame in [&before, &after] {
            if let Some(frame) = frame.one_shot() {
                return Err(Refusal::OneShot { frame });
            }
        }
        self.seal(frames);
        if body.one_shot().is_some() {
            self.ledger.note_singles();
        }
        self.push(frames, before.clone());
        let winder = Winder::new(before, after, &self.ledger);
        self.attached.under = Under::Entering(Entering::new(winder, body));
        Ok(Next::Resume(Input::Start))
    }

    /// How many winders there are above a level's boundary.
    pub(super) fn winders_above(&self, at: usize) -> usize {
        let levels = self.levels.from(at).iter();
        levels.map(|level| depth(&level.winders)).sum()
    }

    /// How many of the outermost winders above a level's boundary are the outermost ones of
    /// a piece.
    pub(super) fn shared_winders(&self, at: usize, piece: &Piece<F>) -> usize {
        fn outermost_first<F: Frame>(levels: &[Level<F>]) -> Vec<&Rc<Winder<F>>> {
            let mut all = Vec::new();
            for level in levels {
                let first = all.len();
                let mut next = level.winders.as_ref();
                while let Some(node) = next {
                    all.push(&node.winder);
                    next = node.below.as_ref();
                }
                all[first..].reverse();
            }
            all
        }
        if piece.winders == 0 || self.winders_above(at) == 0 {
            return 0;
        }
        let here = outermost_first(self.levels.from(at));
        let there = outermost_first(&piece.levels);
        here.iter()
            .zip(&there)
            .take_while(|(a, b)| Rc::ptr_eq(a, b))
            .count()
    }

    /// Runs the winders' *after*s down to a level, but for the outermost `keep`.
    pub(super) fn leave(
        &mut self,
        frames: &mut Vec<F>,
        to: usize,
        keep: usize,
        then: Then<F>,
    ) -> Next<F> {
        while self.winders_above(to) > keep {
            let Some(node) = self.levels.top().winders.clone() else {
                self.pop_level();
                continue;
            };
            self.cut(&node.at, node.below.clone());
            self.levels
                .push(Boundary::Winding(Box::new(Goal::Leave { to, keep, then })));
            self.push(frames, node.winder.after());
            return Next::Resume(Input::Start);
        }
        while self.levels.last() > to {
            self.pop_level();
        }
        self.cut(&Position::empty(), None);
        match then {
            Then::Body {
                operator,
                body,
                continuation,
            } => {
                let boundary = mem::replace(&mut self.levels.top_mut().boundary, Boundary::Open);
                self.keep_prompt(boundary, operator);
                self.push(frames, body);
                Next::Resume(Input::Continuation(continuation))
            }
            Then::Abort(value) => {
                let boundary = mem::replace(&mut self.levels.top_mut().boundary, Boundary::Open);
                self.keep_prompt(boundary, Operator::Control0);
                self.deliver(frames, Ok(value))
            }
            Then::Replace {
                piece,
                with,
                shared,
            } => self.enter(frames, piece, with, shared),
        }
    }

    /// Cuts the running level down.
    pub(super) fn cut(&mut self, to: &Position<F>, winders: Winders<F>) {
        let level = self.levels.top_mut();
        self.below -= level.position.size;
        level.position = to.clone();
        level.winders = winders;
        self.below += level.position.size;
    }

    /// Puts a piece on top of the running level, whose frames are sealed, and goes on there.
    /// The outermost `shared` winders are entered without being run.
    pub(super) fn enter(
        &mut self,
        frames: &mut Vec<F>,
        piece: Piece<F>,
        with: Result<F::Value, F::Value>,
        shared: usize,
    ) -> Next<F> {
        self.attached.batch = 1;
        if piece.singles {
            self.ledger.note_singles();
        }
        let mut levels = piece.levels;
        if piece.winders == 0 {
            for level in levels {
                self.put(level);
            }
            return self.go_on(frames, with);
        }
        levels.reverse();
        let Some(first) = levels.pop() else {
            unreachable!("a piece has at least one level")
        };
        self.enter_level(frames, Entry::new(levels, shared, with), first)
    }

    pub(super) fn go_on(
        &mut self,
        frames: &mut Vec<F>,
        with: Result<F::Value, F::Value>,
    ) -> Next<F> {
        self.deliver(frames, with.map_err(Interrupted::Raised))
    }

    /// Begins to enter the winders of a level.
    pub(super) fn enter_level(
        &mut self,
        frames: &mut Vec<F>,
        mut entry: Entry<F>,
        mut level: Level<F>,
    ) -> Next<F> {
        let mut next = level.winders.take();
        while let Some(node) = next {
            next = node.below.clone();
            entry.ahead.push(node);
        }
        let position = level.position.take();
        // The boundary, with nothing above it.
        self.put(level);
        entry.base = self.levels.top_mut().position.clone();
        entry.entered = self.levels.top_mut().winders.clone();
        entry.entering = Level {
            position,
            winders: None,
            boundary: Boundary::Open,
        };
        self.enter_next(frames, entry)
    }

    /// Enters the next winder, or else the frames.
    pub(super) fn enter_next(&mut self, frames: &mut Vec<F>, mut entry: Entry<F>) -> Next<F> {
        while let Some(node) = entry.ahead.pop() {
            let in_place = entry.base.is_empty()
                && match (&node.below, &entry.entered) {
                    (None, None) => true,
                    (Some(below), Some(entered)) => Rc::ptr_eq(below, entered),
                    _ => false,
                };
            let at = node.at.clone().on(entry.base.clone());
            if entry.shared == 0 {
                self.cut(&at, entry.entered.clone());
            }
            let winder = node.winder.clone();
            entry.entered = Some(if in_place {
                node
            } else {
                WinderNode::new(winder.clone(), at, entry.entered.take())
            });
            if entry.shared > 0 {
                entry.shared -= 1;
                continue;
            }
            self.levels
                .push(Boundary::Winding(Box::new(Goal::Enter(entry))));
            self.push(frames, winder.before());
            return Next::Resume(Input::Start);
        }
        let Entry {
            mut levels,
            entering,
            base,
            ahead: _,
            entered,
            shared,
            with,
        } = entry;
        let level = self.levels.top_mut();
        self.below -= level.position.size;
        level.position = Position::empty();
        level.position = entering.position.on(base);
        level.winders = entered;
        self.below += level.position.size;
        match levels.pop() {
            None => self.go_on(frames, with),
            Some(level) => self.enter_level(frames, Entry::new(levels, shared, with), level),
        }
    }

    /// Goes on towards a goal, now that a winder's thunk has returned.
    pub(super) fn pursue(&mut self, frames: &mut Vec<F>, goal: Goal<F>) -> Next<F> {
        match goal {
            Goal::Leave { to, keep, then } => self.leave(frames, to, keep, then),
            Goal::Enter(entry) => self.enter_next(frames, entry),
        }
    }
}
