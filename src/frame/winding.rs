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
        /// How many winders are yet to be left, innermost first.
        left: usize,
        then: Then<F>,
    },
    Enter(Entry<F>),
    /// The topmost frame restarts, once copies of these have run, the last one first.
    #[cfg(feature = "serde")]
    Restart(Vec<Rc<F>>),
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
    pub(super) ahead: Vec<Rc<WinderNode<F>>>,
    /// Its winders that are, as they are from now on.
    pub(super) entered: Winders<F>,
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
        /// Outermost first, but for so many.
        fn winders<F: Frame>(levels: &[Level<F>], but: usize) -> Vec<&Rc<Winder<F>>> {
            let mut all = Vec::new();
            for (index, level) in levels.iter().enumerate() {
                let first = all.len();
                let mut next = level.winders.as_ref();
                while let Some(node) = next {
                    if index == 0 && node.depth <= but {
                        break;
                    }
                    all.push(&node.winder);
                    next = node.below.as_ref();
                }
                all[first..].reverse();
            }
            all
        }
        if piece.winders == 0 {
            return 0;
        }
        let (here, there) = (self.levels.from(at), &piece.levels);
        // What both have as it is need not be gone through.
        let mut shared = 0;
        for (index, (a, b)) in here.iter().zip(there).enumerate() {
            let same = common(&a.winders, &b.winders);
            shared += same;
            if same < depth(&a.winders) || same < depth(&b.winders) {
                let (here, there) = (
                    winders(&here[index..], same),
                    winders(&there[index..], same),
                );
                self.pass(here.len() + there.len());
                let both = here.iter().zip(&there);
                return shared + both.take_while(|(a, b)| Rc::ptr_eq(a, b)).count();
            }
        }
        shared
    }

    /// Runs the *after*s of so many winders, innermost first, and then leaves for a level.
    pub(super) fn leave(
        &mut self,
        frames: &mut Vec<F>,
        to: usize,
        left: usize,
        then: Then<F>,
    ) -> Next<F> {
        if left > 0 {
            while self.levels.top().winders.is_none() && self.levels.last() > to {
                self.pop_level();
            }
            if let Some(node) = self.levels.top().winders.clone() {
                self.cut(&node.at, node.below.clone());
                let left = left - 1;
                self.levels
                    .push(Boundary::Winding(Box::new(Goal::Leave { to, left, then })));
                self.push(frames, node.winder.after());
                return Next::Resume(Input::Start);
            }
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
        let mut levels = piece.levels;
        self.pass(levels.len());
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
        let position = level.position.take();
        // The boundary, with nothing above it.
        self.put(level);
        entry.base = self.levels.top().position.clone();
        entry.entered = self.levels.top().winders.clone();
        let is_bare = entry.base.is_empty() && entry.entered.is_none();
        while let Some(node) = next {
            if is_bare && node.depth <= entry.shared {
                // These are as they were, with nothing below them.
                entry.shared -= node.depth;
                entry.entered = Some(node);
                break;
            }
            next = node.below.clone();
            entry.ahead.push(node);
        }
        self.pass(entry.ahead.len());
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
            Goal::Leave { to, left, then } => self.leave(frames, to, left, then),
            Goal::Enter(entry) => self.enter_next(frames, entry),
            #[cfg(feature = "serde")]
            Goal::Restart(afters) => self.restart(frames, afters),
        }
    }

    /// Runs copies of these, the last one first, and then restarts the topmost frame.
    #[cfg(feature = "serde")]
    pub(super) fn restart(&mut self, frames: &mut Vec<F>, mut afters: Vec<Rc<F>>) -> Next<F> {
        let Some(after) = afters.pop() else {
            return self.take_back(frames, Input::Restarted);
        };
        let goal = Goal::Restart(afters);
        self.levels.push(Boundary::Winding(Box::new(goal)));
        self.push(frames, F::clone(&after));
        Next::Resume(Input::Start)
    }
}

/// How many winders are below the first place that two lists have in common.
fn common<F: Frame>(a: &Winders<F>, b: &Winders<F>) -> usize {
    let (mut a, mut b) = (a.as_ref(), b.as_ref());
    while let (Some(x), Some(y)) = (a, b) {
        if Rc::ptr_eq(x, y) {
            return x.depth;
        }
        if x.depth >= y.depth {
            a = x.below.as_ref();
        }
        if y.depth >= x.depth {
            b = y.below.as_ref();
        }
    }
    0
}
