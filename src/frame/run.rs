//! The loop, and what it does most: calls, returns and raises.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::mem;

use super::ledger::Ledger;
use super::level::{Barrier, Boundary, Level};
use super::position::{Active, Unsealed};
use super::segment::Mark;
use super::winder::{Came, Under, WinderNode};
use super::{Context, Frame, Input, Interrupted, Limits, Outcome, Refusal, Step};

/// All of a machine but the frames on top, which one of them borrows while it runs.
pub(super) struct State<F: Frame> {
    /// The level that is running: what is below the active frames.
    pub(super) level: Level<F>,
    /// The levels below, lowest first.
    pub(super) levels: Vec<Level<F>>,
    /// How many frames are below the active ones, in all levels.
    pub(super) below: usize,
    pub(super) ledger: Rc<Ledger<F>>,
    pub(super) limits: Limits,
    /// How many host calls are running.
    pub(super) nesting: usize,
    /// How many more steps are paid for.
    pub(super) fuel: u64,
    /// How many steps host calls did without.
    pub(super) overrun: u64,
}

/// What the loop does after a step.
pub(super) enum Next<F: Frame> {
    Resume(Input<F>),
    Stop(Outcome<F::Value>),
    /// Stops, since the lowest frame is missing.
    Refuse(Refusal),
}

/// The frequent inputs, in a form that the compiler keeps in registers.
enum Go<V> {
    Start,
    Value(V),
    /// The input is elsewhere.
    Other,
}

impl<V> Go<V> {
    #[inline(always)]
    fn input<F: Frame<Value = V>>(self, other: &mut Input<F>) -> Input<F> {
        match self {
            Self::Start => Input::Start,
            Self::Value(value) => Input::Value(value),
            Self::Other => mem::replace(other, Input::Start),
        }
    }
}

impl<F: Frame> Next<F> {
    pub(super) fn of(done: Result<Self, Refusal>) -> Self {
        done.unwrap_or_else(|refusal| Self::Resume(Input::Refused(refusal)))
    }
}

impl<F: Frame> State<F> {
    /// Finds the frame that an input from outside is for.
    pub(super) fn begin(&mut self, active: &mut Active<F>, input: Input<F>) -> Next<F> {
        match input {
            Input::Raised(error) => self.raise(active, error),
            Input::Value(value) if active.frames.is_empty() => self.deliver(active, Ok(value)),
            input if active.frames.is_empty() => self.take_back(active, input),
            input => Next::Resume(input),
        }
    }

    /// The same where the frame was put away for a continuation meanwhile.
    #[cold]
    pub(super) fn take_back(&mut self, active: &mut Active<F>, input: Input<F>) -> Next<F> {
        match self.unseal(active) {
            Unsealed::Frames => Next::Resume(input),
            Unsealed::Spent(frame) => self.deliver(
                active,
                Err(Interrupted::Refused(Refusal::OneShot { frame })),
            ),
            Unsealed::Nothing => unreachable!("the machine runs without a frame"),
        }
    }

    /// Runs until the level that is now running comes to its end, or the machine stops.
    /// Out of fuel, `left` is the input to go on with.
    pub(super) fn run(
        &mut self,
        active: &mut Active<F>,
        input: Input<F>,
        world: &mut F::World,
        left: &mut Input<F>,
    ) -> Result<Outcome<F::Value>, Refusal> {
        let mut go = Go::Other;
        let mut other = input;
        loop {
            if self.fuel == 0 {
                if self.nesting == 0 {
                    *left = go.input(&mut other);
                    return Ok(Outcome::OutOfFuel);
                }
                if self.overrun == self.limits.overrun {
                    return Ok(Outcome::OutOfFuel);
                }
                self.overrun += 1;
            } else {
                self.fuel -= 1;
            }
            let len = active.frames.len();
            let Some(top) = active.frames.last_mut() else {
                unreachable!("the machine runs without a frame")
            };
            let mut cx = Context {
                state: self,
                marks: &mut active.marks,
                floor: &mut active.floor,
                index: len - 1,
                world,
            };
            let next = match top.resume(go.input(&mut other), &mut cx) {
                Step::Return(value) => {
                    // In place: to move a frame that was just written costs more than to drop it.
                    active.frames.truncate(len - 1);
                    if len - 1 > active.floor {
                        go = Go::Value(value);
                        continue;
                    }
                    active.drop_marks();
                    if !active.frames.is_empty() || self.return_into(active) {
                        go = Go::Value(value);
                        continue;
                    }
                    self.deliver(active, Ok(value))
                }
                Step::Call(frame) => {
                    if self.below + len < self.limits.depth {
                        active.push(frame);
                        go = Go::Start;
                    } else {
                        go = Go::Other;
                        other = Input::Refused(self.too_deep());
                    }
                    continue;
                }
                Step::TailCall(frame) => {
                    if frame.one_shot().is_some() {
                        active.singles = true;
                    }
                    *top = frame;
                    if len <= active.floor + 1 {
                        while active.marks.pop_if(|mark| mark.index + 1 >= len).is_some() {}
                        active.refloor();
                    }
                    go = Go::Start;
                    continue;
                }
                Step::Raise(error) => {
                    active.frames.pop();
                    active.drop_marks();
                    self.raise(active, error)
                }
                Step::Capture {
                    tag,
                    operator,
                    place,
                    body,
                } => {
                    if self.is_near(active, tag, operator, place) {
                        let k = self.capture_near(active, tag, operator, place);
                        active.push(body);
                        go = Go::Other;
                        other = Input::Continuation(k);
                        continue;
                    }
                    Next::of(self.capture(active, tag, operator, place, body))
                }
                Step::Prompt { tag, body } => {
                    if self.below + len < self.limits.depth {
                        self.seal(active);
                        self.push_level(Level::prompt(tag));
                        active.push(body);
                        go = Go::Start;
                    } else {
                        go = Go::Other;
                        other = Input::Refused(self.too_deep());
                    }
                    continue;
                }
                Step::Abort { tag, value } => {
                    if self.is_nearest(tag) {
                        active.clear();
                        self.pop_level();
                        if self.return_into(active) {
                            go = Go::Value(value);
                            continue;
                        }
                        self.deliver(active, Ok(value))
                    } else {
                        Next::of(self.abort(active, tag, value))
                    }
                }
                Step::Resume { continuation, with } => {
                    match self.check_resume(&continuation, self.below + len) {
                        Err(refusal) => Next::Resume(Input::Refused(refusal)),
                        Ok(()) => {
                            self.seal(active);
                            self.resume(active, continuation, with)
                        }
                    }
                }
                Step::TailResume { continuation, with } => {
                    match self.check_resume(&continuation, self.below + len - 1) {
                        Err(refusal) => Next::Resume(Input::Refused(refusal)),
                        Ok(()) => {
                            active.frames.pop();
                            active.drop_marks();
                            self.seal(active);
                            self.resume(active, continuation, with)
                        }
                    }
                }
                Step::Replace {
                    tag,
                    continuation,
                    with,
                } => Next::of(self.replace(active, tag, continuation, with)),
                Step::Wind(wind) => Next::of(self.wind(active, *wind)),
                Step::Suspend(value) => match self.host_call() {
                    Some(host_call) => Next::Resume(Input::Refused(Refusal::Barrier { host_call })),
                    None => Next::Stop(Outcome::Suspended(value)),
                },
            };
            match next {
                Next::Resume(Input::Start) => go = Go::Start,
                Next::Resume(Input::Value(value)) => go = Go::Value(value),
                Next::Resume(next) => {
                    go = Go::Other;
                    other = next;
                }
                Next::Stop(outcome) => return Ok(outcome),
                Next::Refuse(refusal) => return Err(refusal),
            }
        }
    }

    pub(super) fn too_deep(&self) -> Refusal {
        Refusal::Depth {
            limit: self.limits.depth,
        }
    }

    /// The innermost host call that re-entered the machine.
    pub(super) fn host_call(&self) -> Option<&'static str> {
        [&self.level]
            .into_iter()
            .chain(self.levels.iter().rev())
            .find_map(|level| match level.boundary {
                Boundary::Barrier(ref barrier) => Some(barrier.host_call),
                _ => None,
            })
    }

    /// Puts the active frames away.
    #[inline]
    pub(super) fn seal(&mut self, active: &mut Active<F>) {
        let before = self.level.position.size;
        self.level.position.seal(active, &self.ledger);
        self.below += self.level.position.size - before;
        active.batch = 1;
    }

    /// Takes frames back, where none is active.
    #[inline]
    fn unseal(&mut self, active: &mut Active<F>) -> Unsealed {
        let before = self.level.position.size;
        let unsealed = self.level.position.unseal(active);
        self.below -= before - self.level.position.size;
        unsealed
    }

    #[inline]
    pub(super) fn push_level(&mut self, level: Level<F>) {
        self.below += level.position.size;
        self.levels.push(mem::replace(&mut self.level, level));
    }

    /// Drops what is left of the level that is running, and goes on in the one below.
    pub(super) fn pop_level(&mut self) {
        if let Some(level) = self.levels.pop() {
            self.below -= self.level.position.size;
            self.level = level;
        }
    }

    /// Makes the frames of the next segment active, if there is nothing to do before. The
    /// short way of `deliver`.
    #[inline]
    pub(super) fn return_into(&mut self, active: &mut Active<F>) -> bool {
        let chain = &self.level.position.chain;
        let plain = |tail: &super::segment::Tail<F>| tail.segment.single.is_none() && tail.len > 0;
        if !active.under.is_nothing() || !chain.as_ref().is_some_and(plain) {
            return false;
        }
        self.unseal(active);
        true
    }

    /// Runs what is under the active frames, now that they are used up, with what they came
    /// to.
    pub(super) fn deliver(
        &mut self,
        active: &mut Active<F>,
        mut result: Came<F::Value>,
    ) -> Next<F> {
        loop {
            match active.under.take() {
                Under::Nothing => {}
                Under::Entering(entering) => {
                    if result.is_ok() {
                        match entering.open() {
                            (winder, Ok(body)) => {
                                let level = &mut self.level;
                                level.winders = Some(WinderNode::new(
                                    winder.clone(),
                                    level.position.clone(),
                                    level.winders.take(),
                                ));
                                active.under = Under::Inside(winder);
                                active.push(body);
                                return Next::Resume(Input::Start);
                            }
                            (_, Err(refusal)) => result = Err(Interrupted::Refused(refusal)),
                        }
                    }
                }
                Under::Inside(winder) => {
                    self.level.winders = match self.level.winders.take().map(Rc::try_unwrap) {
                        Some(Ok(mut node)) => node.below.take(),
                        Some(Err(node)) => node.below.clone(),
                        None => None,
                    };
                    active.under = Under::Leaving(Box::new(result));
                    active.push(winder.after());
                    return Next::Resume(Input::Start);
                }
                Under::Leaving(body) => {
                    if result.is_ok() {
                        result = *body;
                    }
                }
            }
            let found = match &result {
                Ok(_) | Err(Interrupted::Refused(_)) => true,
                // Frames of a shared segment are asked in place.
                Err(Interrupted::Raised(_)) => {
                    self.level.position.chain.is_some() && {
                        let before = self.level.position.size;
                        let found = self.level.position.drop_to_catching(active);
                        self.below -= before - self.level.position.size;
                        if !found {
                            continue;
                        }
                        true
                    }
                }
            };
            let unsealed = if found {
                self.unseal(active)
            } else {
                Unsealed::Nothing
            };
            match unsealed {
                Unsealed::Frames => {
                    if active.frames.is_empty() {
                        continue; // A segment may be nothing but what is under it.
                    }
                    return Next::Resume(match result {
                        Ok(value) => Input::Value(value),
                        Err(Interrupted::Raised(error)) => Input::Raised(error),
                        Err(Interrupted::Refused(refusal)) => Input::Refused(refusal),
                    });
                }
                Unsealed::Spent(frame) => {
                    if result.is_ok() {
                        result = Err(Interrupted::Refused(Refusal::OneShot { frame }));
                    }
                    continue;
                }
                Unsealed::Nothing => {}
            }
            if self.level.position.next_chain() {
                continue;
            }
            match mem::replace(&mut self.level.boundary, Boundary::Open) {
                Boundary::Prompt { tag, times } if times > 1 => {
                    let times = times - 1;
                    self.level.boundary = Boundary::Prompt { tag, times };
                }
                Boundary::Prompt { .. } | Boundary::Open => self.pop_level(),
                Boundary::Winding(goal) => {
                    self.pop_level();
                    if result.is_ok() {
                        return self.pursue(active, *goal);
                    }
                }
                boundary @ (Boundary::Bottom | Boundary::Barrier(_)) => {
                    self.level.boundary = boundary;
                    return match result {
                        Ok(value) => Next::Stop(Outcome::Done(value)),
                        Err(Interrupted::Raised(error)) => Next::Stop(Outcome::Raised(error)),
                        Err(Interrupted::Refused(refusal)) => Next::Refuse(refusal),
                    };
                }
            }
        }
    }

    /// Drops frames down to one that catches.
    pub(super) fn raise(&mut self, active: &mut Active<F>, error: F::Value) -> Next<F> {
        while let Some(frame) = active.frames.last() {
            if frame.catches() {
                active.drop_marks();
                return Next::Resume(Input::Raised(error));
            }
            active.frames.pop();
        }
        active.drop_marks();
        self.deliver(active, Err(Interrupted::Raised(error)))
    }

    /// Whether a segment may hold a frame that can be resumed only once.
    pub(super) fn has_singles(&self) -> bool {
        self.ledger.singles()
    }

    /// Runs `frame` to its end, for a host call that a frame makes with so many active frames
    /// and these marks.
    pub(super) fn nested(
        &mut self,
        host_call: &'static str,
        marks: &mut Vec<Mark<F::Value>>,
        frames: usize,
        frame: F,
        world: &mut F::World,
    ) -> Result<Outcome<F::Value>, Refusal> {
        if self.nesting >= self.limits.nesting {
            let limit = self.limits.nesting;
            return Err(Refusal::Nesting { limit });
        }
        if self.below + frames >= self.limits.depth {
            return Err(self.too_deep());
        }
        let barrier = Barrier {
            host_call,
            marks: mem::take(marks),
        };
        self.push_level(Level::empty(Boundary::Barrier(Box::new(barrier))));
        self.below += frames;
        self.nesting += 1;
        let at = self.levels.len();
        let mut active = Active::new();
        active.push(frame);
        let mut left = Input::Restarted;
        let outcome = self.run(&mut active, Input::Start, world, &mut left);
        while self.levels.len() > at {
            self.pop_level();
        }
        self.nesting -= 1;
        self.below -= frames;
        if let Boundary::Barrier(barrier) = mem::replace(&mut self.level.boundary, Boundary::Open) {
            *marks = barrier.marks;
        }
        self.pop_level();
        outcome
    }
}
