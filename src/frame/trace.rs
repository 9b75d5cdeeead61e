//! Finding every value, for interpreters with a collector of their own.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::rc::Rc;

use super::level::{Boundary, Level};
use super::machine::Pending;
use super::position::RestNode;
use super::segment::Mark;
use super::winder::{Under, Winder};
use super::winding::{Goal, Then};
use super::{Continuation, Frame, Input, Interrupted, Machine};

/// Visits every value that machines and continuations hold, and shared segments once.
///
/// The values in frames are found by [`Frame::trace`]. One tracer is for one collection,
/// during which nothing runs. Where a visited value holds a continuation, put that aside and
/// trace it afterwards, so that nothing recurses with the depth of the program:
///
/// ```
/// # use segno::frame::{Context, Continuation, Frame, Input, Machine, Step, Tracer};
/// # #[derive(Clone)]
/// # struct Held(Value);
/// #[derive(Clone)]
/// enum Value {
///     Object(usize),
///     Continuation(Continuation<Held>),
/// }
/// # impl Frame for Held {
/// #     type Value = Value;
/// #     type World = ();
/// #     fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
/// #         Step::Suspend(Value::Object(0))
/// #     }
/// #     fn trace(&self, visit: &mut dyn FnMut(&Value)) {
/// #         visit(&self.0);
/// #     }
/// # }
/// # let mut inner = Machine::new(Held(Value::Object(7)));
/// # inner.run(&mut ());
/// # let mut machine = Machine::new(Held(Value::Continuation(inner.continuation().unwrap())));
/// # machine.run(&mut ());
/// let mut objects = Vec::new();
/// let mut ahead = Vec::new();
/// let mut visit = |value: &Value, ahead: &mut Vec<Continuation<Held>>| match value {
///     Value::Object(address) => objects.push(*address),
///     Value::Continuation(k) => ahead.push(k.clone()),
/// };
/// let mut tracer = Tracer::new();
/// tracer.machine(&machine, &mut |value| visit(value, &mut ahead));
/// while let Some(k) = ahead.pop() {
///     tracer.continuation(&k, &mut |value| visit(value, &mut ahead));
/// }
/// assert_eq!(objects, [7]);
/// ```
#[derive(Debug, Default)]
pub struct Tracer {
    /// Of each segment that was met, by its address, how many frames were visited.
    segments: BTreeMap<usize, usize>,
    winders: BTreeSet<usize>,
    rests: BTreeSet<usize>,
}

impl Tracer {
    /// A tracer that has met nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Visits what a continuation holds and was not visited before.
    pub fn continuation<F: Frame>(
        &mut self,
        continuation: &Continuation<F>,
        visit: &mut dyn FnMut(&F::Value),
    ) {
        continuation.with_piece(|piece| self.levels(&piece.levels, visit));
    }

    /// Visits what a machine holds and was not visited before.
    pub fn machine<F: Frame>(&mut self, machine: &Machine<F>, visit: &mut dyn FnMut(&F::Value)) {
        let state = &machine.state;
        frames(&machine.frames, visit);
        marks(&state.attached.marks, visit);
        self.under(&state.attached.under, visit);
        if let Pending::Input(input) = &machine.pending {
            match input {
                Input::Value(value) | Input::Raised(value) => visit(value),
                Input::Continuation(k) => self.continuation(k, visit),
                // No machine stops before `Asked` is answered.
                Input::Start | Input::Refused(_) | Input::Restarted | Input::Asked(_) => {}
            }
        }
        self.levels(state.levels.from(0), visit);
    }

    fn levels<F: Frame>(&mut self, levels: &[Level<F>], visit: &mut dyn FnMut(&F::Value)) {
        for level in levels {
            self.level(level, visit);
        }
    }

    fn level<F: Frame>(&mut self, level: &Level<F>, visit: &mut dyn FnMut(&F::Value)) {
        // Goals lead to levels again, but never deep: a goal's levels have none.
        match &level.boundary {
            Boundary::Winding(goal) => self.goal(goal, visit),
            Boundary::Barrier(barrier) => marks(&barrier.attached.marks, visit),
            Boundary::Bottom | Boundary::Open | Boundary::Prompt { .. } => {}
        }
        // A rest may be in a stack again and again.
        let mut rests = core::mem::take(&mut self.rests);
        let new = |rest: &Rc<RestNode<F>>| rests.insert(Rc::as_ptr(rest).addr());
        for chain in level.position.chains_where(new) {
            for (link, segment) in chain.links() {
                let visited = self.segments.insert(link.first.address(), 0);
                let so_far = visited.unwrap_or(0);
                let now = so_far.max(link.len);
                self.segments.insert(link.first.address(), now);
                if let Some(single) = &segment.single {
                    if visited.is_none() {
                        frames(single.frame.borrow().as_slice(), visit);
                        marks(&segment.marks, visit);
                    }
                } else {
                    frames(&segment.frames[so_far..now], visit);
                    let from = segment.marks.partition_point(|mark| mark.index < so_far);
                    let to = segment.marks.partition_point(|mark| mark.index < now);
                    marks(&segment.marks[from..to], visit);
                }
                if visited.is_some() {
                    break; // What is below was visited then.
                }
                self.under(&segment.under, visit);
            }
        }
        self.rests = rests;
    }

    fn goal<F: Frame>(&mut self, goal: &Goal<F>, visit: &mut dyn FnMut(&F::Value)) {
        match goal {
            Goal::Leave { then, .. } => match then {
                Then::Body {
                    body, continuation, ..
                } => {
                    body.trace(visit);
                    self.continuation(continuation, visit);
                }
                Then::Abort(value) => visit(value),
                Then::Replace { piece, with, .. } => {
                    result(with, visit);
                    self.levels(&piece.levels, visit);
                }
            },
            #[cfg(feature = "serde")]
            Goal::Restart(afters) => afters.iter().for_each(|after| after.trace(visit)),
            Goal::Enter(entry) => {
                result(&entry.with, visit);
                self.levels(&entry.levels, visit);
                self.level(&entry.entering, visit);
            }
        }
    }

    fn under<F: Frame>(&mut self, under: &Under<F>, visit: &mut dyn FnMut(&F::Value)) {
        match under {
            Under::Nothing => {}
            Under::Entering(entering) => {
                self.winder(&entering.winder, visit);
                entering.trace(visit);
            }
            Under::Inside(winder) => self.winder(winder, visit),
            Under::Leaving(body) => match &**body {
                Ok(value) | Err(Interrupted::Raised(value)) => visit(value),
                Err(Interrupted::Refused(_)) => {}
            },
        }
    }

    fn winder<F: Frame>(&mut self, winder: &Rc<Winder<F>>, visit: &mut dyn FnMut(&F::Value)) {
        if self.winders.insert(Rc::as_ptr(winder).addr()) {
            winder.trace(visit);
        }
    }
}

fn frames<F: Frame>(frames: &[F], visit: &mut dyn FnMut(&F::Value)) {
    for frame in frames {
        frame.trace(visit);
    }
}

fn marks<V>(marks: &[Mark<V>], visit: &mut dyn FnMut(&V)) {
    for mark in marks {
        visit(&mark.value);
    }
}

fn result<V>(result: &Result<V, V>, visit: &mut dyn FnMut(&V)) {
    let (Ok(value) | Err(value)) = result;
    visit(value);
}
