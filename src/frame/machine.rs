//! Keeps the frames, resumes the topmost one, and does what it asks for.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;
use core::mem;

use super::continuation::Piece;
use super::segment::{
    Active, Barrier, Boundary, Came, Entering, Ledger, Level, Mark, Position, Under, Unsealed,
    Winder, WinderNode, Winders, depth,
};
use super::{
    Context, Continuation, Frame, Input, Interrupted, Operator, Outcome, Place, PromptTag, Refusal,
    Step,
};

/// What a program may use. Nothing is limited unless it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many frames deep the stack may be.
    pub depth: usize,
    /// How many frames may be alive in sealed segments: those of captured continuations, and
    /// those that wait under a prompt or a winder. What several continuations share counts
    /// once.
    pub sealed_frames: usize,
    /// How deep host calls may be nested that re-enter the machine; each takes some of the
    /// Rust stack.
    pub nesting: usize,
    /// How many steps a host call's frames may do after the fuel is used up, since a host
    /// call cannot pause.
    pub overrun: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: usize::MAX,
            sealed_frames: usize::MAX,
            nesting: 100,
            overrun: u64::MAX,
        }
    }
}

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
    fuel: u64,
    /// How many steps host calls did without.
    overrun: u64,
}

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

/// What the loop does after a step.
enum Next<F: Frame> {
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
    fn of(done: Result<Self, Refusal>) -> Self {
        done.unwrap_or_else(|refusal| Self::Resume(Input::Refused(refusal)))
    }
}

/// What a machine is waiting for.
pub(super) enum Pending<F: Frame> {
    /// To run the topmost frame.
    Input(Input<F>),
    /// For [`Machine::answer`].
    Answer,
    /// For [`Machine::start`].
    Frame,
}

/// Runs frames.
///
/// See the [module documentation](super) for a guide.
pub struct Machine<F: Frame> {
    pub(super) active: Active<F>,
    pub(super) state: State<F>,
    pub(super) pending: Pending<F>,
}

impl<F: Frame> Machine<F> {
    /// A machine that will run `frame`.
    pub fn new(frame: F) -> Self {
        let mut machine = Self::idle();
        machine.active.push(frame);
        machine.pending = Pending::Input(Input::Start);
        machine
    }

    /// A machine that has nothing to do.
    #[must_use]
    pub fn idle() -> Self {
        Self {
            active: Active::new(),
            state: State {
                level: Level::empty(Boundary::Bottom),
                levels: Vec::new(),
                below: 0,
                ledger: Ledger::new(),
                limits: Limits::default(),
                nesting: 0,
                fuel: 0,
                overrun: 0,
            },
            pending: Pending::Frame,
        }
    }

    /// Sets what the program may use from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.state.limits = limits;
    }

    /// What the program may use.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.state.limits
    }

    /// How many frames deep the stack is.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.state.below + self.active.frames.len()
    }

    /// How many frames are alive in sealed segments; see [`Limits::sealed_frames`].
    #[must_use]
    pub fn sealed_frames(&self) -> usize {
        self.state.ledger.sealed()
    }

    /// Gives a machine that is done something new to run.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotSuspended`] if it is not done.
    pub fn start(&mut self, frame: F) -> Result<(), Refusal> {
        match self.pending {
            Pending::Frame => {
                self.active.push(frame);
                self.pending = Pending::Input(Input::Start);
                Ok(())
            }
            _ => Err(Refusal::NotSuspended),
        }
    }

    /// Gives a machine that is done a continuation to go on with, and what it goes on with: a
    /// value, or an error that is raised there.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotSuspended`] if it is not done, [`Refusal::NoFrames`] if there is nothing
    /// in the continuation to return into, or what else a resume is refused for.
    pub fn start_with(
        &mut self,
        continuation: Continuation<F>,
        with: Result<F::Value, F::Value>,
    ) -> Result<(), Refusal> {
        if !matches!(self.pending, Pending::Frame) {
            return Err(Refusal::NotSuspended);
        }
        if continuation.is_empty() {
            return Err(Refusal::NoFrames);
        }
        self.state.check_resume(&continuation, 0)?;
        let next = self
            .state
            .enter(&mut self.active, continuation.into_piece(), with, 0);
        self.pending = match next {
            Next::Resume(input) => Pending::Input(input),
            // What is raised may not be caught.
            Next::Stop(outcome) => Pending::Input(match outcome {
                Outcome::Done(value) => Input::Value(value),
                Outcome::Raised(value) | Outcome::Suspended(value) => Input::Raised(value),
                Outcome::OutOfFuel => Input::Restarted,
            }),
            Next::Refuse(refusal) => return Err(refusal),
        };
        Ok(())
    }

    /// Answers a machine that suspended: with a value, or with an error that is raised in the
    /// frame that suspended, as if a callee had raised it.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotSuspended`] if it did not suspend.
    pub fn answer(&mut self, with: Result<F::Value, F::Value>) -> Result<(), Refusal> {
        match self.pending {
            Pending::Answer => {
                self.pending = Pending::Input(match with {
                    Ok(value) => Input::Value(value),
                    Err(error) => Input::Raised(error),
                });
                Ok(())
            }
            _ => Err(Refusal::NotSuspended),
        }
    }

    /// Runs until the program is done, raises or suspends.
    ///
    /// # Panics
    ///
    /// If there is nothing to run: the machine is done, or waits for an answer.
    pub fn run(&mut self, world: &mut F::World) -> Outcome<F::Value> {
        match self.run_for(u64::MAX, world) {
            Ok(outcome) => outcome,
            Err(refusal) => panic!("{refusal}"),
        }
    }

    /// Runs for at most so many steps. A step is one call of [`Frame::resume`].
    ///
    /// # Errors
    ///
    /// [`Refusal::NoFuel`] if `steps` is zero, [`Refusal::NoFrames`] if the machine is done,
    /// [`Refusal::NotSuspended`] if it waits for an answer. [`Refusal::OneShot`] if the lowest
    /// frame can be resumed once, and was by another machine; this one is done then.
    pub fn run_for(
        &mut self,
        steps: u64,
        world: &mut F::World,
    ) -> Result<Outcome<F::Value>, Refusal> {
        if steps == 0 {
            return Err(Refusal::NoFuel);
        }
        let input = match mem::replace(&mut self.pending, Pending::Answer) {
            Pending::Input(input) => input,
            Pending::Answer => return Err(Refusal::NotSuspended),
            Pending::Frame => {
                self.pending = Pending::Frame;
                return Err(Refusal::NoFrames);
            }
        };
        self.state.fuel = steps;
        self.state.overrun = 0;
        // A frame that panics leaves a machine that waits for an answer; it may be dropped.
        let outcome = match self.state.begin(&mut self.active, input) {
            Next::Resume(input) => {
                let mut left = Input::Restarted;
                let outcome = self.state.run(&mut self.active, input, world, &mut left);
                if let Ok(Outcome::OutOfFuel) = outcome {
                    self.pending = Pending::Input(left);
                }
                outcome
            }
            Next::Stop(outcome) => Ok(outcome),
            Next::Refuse(refusal) => Err(refusal),
        };
        if let Ok(Outcome::Done(_) | Outcome::Raised(_)) | Err(_) = outcome {
            self.pending = Pending::Frame;
        }
        outcome
    }

    /// The whole computation, of a machine that is paused or suspended; none if it is done, or
    /// if a winder of an escape is running. The machine goes on as if nothing had been.
    pub fn continuation(&mut self) -> Option<Continuation<F>> {
        if let Pending::Frame = self.pending {
            return None;
        }
        let state = &mut self.state;
        let is_winding = |level: &Level<F>| matches!(level.boundary, Boundary::Winding(_));
        if is_winding(&state.level) || state.levels.iter().any(is_winding) {
            return None; // What the winder is on the way to has no second copy.
        }
        state.seal(&mut self.active);
        Some(Continuation::new(Piece::new(
            state.levels.iter().map(|level| level.share(None)).collect(),
            state.level.share(None),
            state.has_singles(),
        )))
    }
}

impl<F: Frame> fmt::Debug for Machine<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits_for = match self.pending {
            Pending::Input(_) => "fuel",
            Pending::Answer => "an answer",
            Pending::Frame => "a frame",
        };
        f.debug_struct("Machine")
            .field("depth", &self.depth())
            .field("sealed_frames", &self.sealed_frames())
            .field("waits_for", &waits_for)
            .finish_non_exhaustive()
    }
}

impl<F: Frame> State<F> {
    /// Finds the frame that an input from outside is for.
    fn begin(&mut self, active: &mut Active<F>, input: Input<F>) -> Next<F> {
        match input {
            Input::Raised(error) => self.raise(active, error),
            Input::Value(value) if active.frames.is_empty() => self.deliver(active, Ok(value)),
            input if active.frames.is_empty() => self.take_back(active, input),
            input => Next::Resume(input),
        }
    }

    /// The same where the frame was put away for a continuation meanwhile.
    #[cold]
    fn take_back(&mut self, active: &mut Active<F>, input: Input<F>) -> Next<F> {
        let before = self.level.position.size;
        let unsealed = self.level.position.unseal(active);
        self.below -= before - self.level.position.size;
        match unsealed {
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

    fn too_deep(&self) -> Refusal {
        Refusal::Depth {
            limit: self.limits.depth,
        }
    }

    /// The innermost host call that re-entered the machine.
    fn host_call(&self) -> Option<&'static str> {
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
    fn seal(&mut self, active: &mut Active<F>) {
        let before = self.level.position.size;
        self.level.position.seal(active, &self.ledger);
        self.below += self.level.position.size - before;
        active.batch = 1;
    }

    #[inline]
    fn push_level(&mut self, level: Level<F>) {
        self.below += level.position.size;
        self.levels.push(mem::replace(&mut self.level, level));
    }

    /// Drops what is left of the level that is running, and goes on in the one below.
    fn pop_level(&mut self) {
        if let Some(level) = self.levels.pop() {
            self.below -= self.level.position.size;
            self.level = level;
        }
    }

    /// Whether the prompt is that of the running level, and no winder is in between.
    #[inline(always)]
    fn is_nearest(&self, tag: PromptTag) -> bool {
        matches!(self.level.boundary, Boundary::Prompt { tag: here, times: 1 } if here == tag)
            && self.level.winders.is_none()
    }

    /// Puts a continuation on top of the running level, whose frames are sealed, and goes on
    /// there.
    #[inline]
    fn resume(
        &mut self,
        active: &mut Active<F>,
        continuation: Continuation<F>,
        with: Result<F::Value, F::Value>,
    ) -> Next<F> {
        let piece = &*continuation.piece;
        if !piece.lower.is_empty() || piece.winders > 0 || piece.singles {
            return self.enter(active, continuation.into_piece(), with, 0);
        }
        active.batch = 1;
        let level = match Rc::try_unwrap(continuation.piece) {
            Ok(piece) => piece.top,
            Err(piece) => piece.top.share(None),
        };
        self.put(level);
        match with {
            Ok(value) if self.return_into(active) => Next::Resume(Input::Value(value)),
            with => self.deliver(active, with.map_err(Interrupted::Raised)),
        }
    }

    /// Whether a capture goes to the prompt of the running level, which stays, and has
    /// nothing else in its way: the frequent case.
    #[inline(always)]
    fn is_near(
        &self,
        active: &Active<F>,
        tag: PromptTag,
        operator: Operator,
        place: Place,
    ) -> bool {
        let frames = active.frames.len();
        matches!(self.level.boundary, Boundary::Prompt { tag: here, .. } if here == tag)
            && (place == Place::Here || self.level.winders.is_none() && operator.keeps_prompt())
            && !active.singles
            && self.below + frames < self.limits.depth
            && self.ledger.sealed().saturating_add(frames) <= self.limits.sealed_frames
    }

    #[inline(always)]
    fn capture_near(
        &mut self,
        active: &mut Active<F>,
        tag: PromptTag,
        operator: Operator,
        place: Place,
    ) -> Continuation<F> {
        self.seal(active);
        let boundary = if operator.takes_prompt() {
            Boundary::Prompt { tag, times: 1 }
        } else {
            Boundary::Open
        };
        let level = &mut self.level;
        let (position, winders) = match place {
            Place::Here => (level.position.clone(), level.winders.clone()),
            Place::Prompt => {
                self.below -= level.position.size;
                (level.position.take(), None)
            }
        };
        let top = Level {
            position,
            winders,
            boundary,
        };
        Continuation::new(Piece::of_one(top, self.ledger.singles()))
    }

    /// Makes the frames of the next segment active, if there is nothing to do before. The
    /// short way of `deliver`.
    #[inline]
    fn return_into(&mut self, active: &mut Active<F>) -> bool {
        let position = &mut self.level.position;
        let plain = |tail: &super::segment::Tail<F>| tail.segment.single.is_none() && tail.len > 0;
        if !active.under.is_nothing() || !position.chain.as_ref().is_some_and(plain) {
            return false;
        }
        let before = position.size;
        position.unseal(active);
        self.below -= before - position.size;
        true
    }

    /// Runs what is under the active frames, now that they are used up, with what they came
    /// to.
    fn deliver(&mut self, active: &mut Active<F>, mut result: Came<F::Value>) -> Next<F> {
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
            let before = self.level.position.size;
            let unsealed = if found {
                self.level.position.unseal(active)
            } else {
                Unsealed::Nothing
            };
            self.below -= before - self.level.position.size;
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
    fn raise(&mut self, active: &mut Active<F>, error: F::Value) -> Next<F> {
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

    fn wind(&mut self, active: &mut Active<F>, wind: super::Wind<F>) -> Result<Next<F>, Refusal> {
        if self.below + active.frames.len() >= self.limits.depth {
            return Err(self.too_deep());
        }
        let super::Wind {
            before,
            body,
            after,
        } = wind;
        for frame in [&before, &after] {
            if let Some(frame) = frame.one_shot() {
                return Err(Refusal::OneShot { frame });
            }
        }
        self.seal(active);
        if body.one_shot().is_some() {
            self.ledger.note_singles();
        }
        active.push(before.clone());
        let winder = Winder::new(before, after, &self.ledger);
        active.under = Under::Entering(Entering::new(winder, body));
        Ok(Next::Resume(Input::Start))
    }

    /// The index of the innermost level whose boundary is a prompt with this tag; that of
    /// the running level is one past the last.
    pub(super) fn locate(&self, tag: PromptTag, captures: bool) -> Result<usize, Refusal> {
        let check = |level: &Level<F>| match level.boundary {
            Boundary::Prompt { tag: found, .. } if found == tag => Ok(true),
            Boundary::Barrier(ref barrier) => Err(Refusal::Barrier {
                host_call: barrier.host_call,
            }),
            Boundary::Winding(_) if captures => Err(Refusal::InWinder),
            _ => Ok(false),
        };
        if check(&self.level)? {
            return Ok(self.levels.len());
        }
        for (index, level) in self.levels.iter().enumerate().rev() {
            if check(level)? {
                return Ok(index);
            }
        }
        Err(Refusal::NoSuchPrompt(tag))
    }

    fn capture(
        &mut self,
        active: &mut Active<F>,
        tag: PromptTag,
        operator: Operator,
        place: Place,
        body: F,
    ) -> Result<Next<F>, Refusal> {
        let at = self.locate(tag, true)?;
        let limit = self.limits.sealed_frames;
        if self.ledger.sealed().saturating_add(active.frames.len()) > limit {
            return Err(Refusal::SealedFrames { limit });
        }
        if place == Place::Here && self.below + active.frames.len() >= self.limits.depth {
            return Err(self.too_deep());
        }
        self.seal(active);
        let lowest = || {
            if operator.takes_prompt() {
                Boundary::Prompt { tag, times: 1 }
            } else {
                Boundary::Open
            }
        };
        let winders = self.winders_above(at);
        if place == Place::Prompt && winders == 0 {
            // Moved: nobody else has these levels.
            let mut lower = self.levels.split_off(at);
            let kept = Level::empty(Boundary::Open);
            let mut top = mem::replace(&mut self.level, kept);
            let cut = lower.first_mut().unwrap_or(&mut top);
            let boundary = mem::replace(&mut cut.boundary, lowest());
            let piece = Piece::new(lower, top, self.has_singles());
            self.below -= piece.size;
            self.keep_prompt(boundary, operator);
            active.push(body);
            return Ok(Next::Resume(Input::Continuation(Continuation::new(piece))));
        }
        let mut lower: Vec<_> = self.levels[at..]
            .iter()
            .map(|level| level.share(None))
            .collect();
        let mut top = self.level.share(None);
        lower.first_mut().unwrap_or(&mut top).boundary = lowest();
        let continuation = Continuation::new(Piece::new(lower, top, self.has_singles()));
        Ok(match place {
            Place::Here => {
                active.push(body);
                Next::Resume(Input::Continuation(continuation))
            }
            Place::Prompt => self.leave(
                active,
                at,
                0,
                Then::Body {
                    operator,
                    body,
                    continuation,
                },
            ),
        })
    }

    /// What becomes of the boundary that a capture went to, with nothing left above it.
    fn keep_prompt(&mut self, boundary: Boundary<F>, operator: Operator) {
        match boundary {
            boundary if operator.keeps_prompt() => self.level.boundary = boundary,
            Boundary::Prompt { tag, times } if times > 1 => {
                let times = times - 1;
                self.level.boundary = Boundary::Prompt { tag, times };
            }
            _ => self.pop_level(),
        }
    }

    fn abort(
        &mut self,
        active: &mut Active<F>,
        tag: PromptTag,
        value: F::Value,
    ) -> Result<Next<F>, Refusal> {
        let to = self.locate(tag, false)?;
        active.clear();
        Ok(self.leave(active, to, 0, Then::Abort(value)))
    }

    fn replace(
        &mut self,
        active: &mut Active<F>,
        tag: PromptTag,
        continuation: Continuation<F>,
        with: Result<F::Value, F::Value>,
    ) -> Result<Next<F>, Refusal> {
        let to = self.locate(tag, false)?;
        let above: usize = self.levels[to..]
            .iter()
            .chain([&self.level])
            .map(|level| level.position.size)
            .sum();
        self.check_resume(&continuation, self.below - above)?;
        let shared = self.shared_winders(to, &continuation.piece);
        active.clear();
        Ok(self.leave(
            active,
            to,
            shared,
            Then::Replace {
                piece: continuation.into_piece(),
                with,
                shared,
            },
        ))
    }

    /// How many winders there are above a level's boundary.
    fn winders_above(&self, at: usize) -> usize {
        self.levels[at..]
            .iter()
            .chain([&self.level])
            .map(|level| depth(&level.winders))
            .sum()
    }

    /// How many of the outermost winders above a level's boundary are the outermost ones of
    /// a piece.
    fn shared_winders(&self, at: usize, piece: &Piece<F>) -> usize {
        fn outermost_first<'a, F: Frame>(
            levels: impl Iterator<Item = &'a Level<F>>,
        ) -> Vec<&'a Rc<Winder<F>>> {
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
        let here = outermost_first(self.levels[at..].iter().chain([&self.level]));
        let there = outermost_first(piece.levels());
        here.iter()
            .zip(&there)
            .take_while(|(a, b)| Rc::ptr_eq(a, b))
            .count()
    }

    /// Runs the winders' *after*s down to a level, but for the outermost `keep`.
    fn leave(&mut self, active: &mut Active<F>, to: usize, keep: usize, then: Then<F>) -> Next<F> {
        while self.winders_above(to) > keep {
            let Some(node) = self.level.winders.clone() else {
                self.pop_level();
                continue;
            };
            self.cut(&node.at, node.below.clone());
            self.push_level(Level::empty(Boundary::Winding(Box::new(Goal::Leave {
                to,
                keep,
                then,
            }))));
            active.push(node.winder.after());
            return Next::Resume(Input::Start);
        }
        while self.levels.len() > to {
            self.pop_level();
        }
        self.cut(&Position::empty(), None);
        match then {
            Then::Body {
                operator,
                body,
                continuation,
            } => {
                let boundary = mem::replace(&mut self.level.boundary, Boundary::Open);
                self.keep_prompt(boundary, operator);
                active.push(body);
                Next::Resume(Input::Continuation(continuation))
            }
            Then::Abort(value) => {
                let boundary = mem::replace(&mut self.level.boundary, Boundary::Open);
                self.keep_prompt(boundary, Operator::Control0);
                self.deliver(active, Ok(value))
            }
            Then::Replace {
                piece,
                with,
                shared,
            } => self.enter(active, piece, with, shared),
        }
    }

    /// Cuts the running level down.
    fn cut(&mut self, to: &Position<F>, winders: Winders<F>) {
        self.below -= self.level.position.size;
        self.level.position = to.clone();
        self.level.winders = winders;
        self.below += self.level.position.size;
    }

    /// Whether a continuation can be put on top of so many frames.
    fn check_resume(&self, continuation: &Continuation<F>, depth: usize) -> Result<(), Refusal> {
        let piece = &continuation.piece;
        if depth.saturating_add(piece.size) > self.limits.depth {
            return Err(self.too_deep());
        }
        piece.check_singles()
    }

    /// Puts a piece on top of the running level, whose frames are sealed, and goes on there.
    /// The outermost `shared` winders are entered without being run.
    fn enter(
        &mut self,
        active: &mut Active<F>,
        piece: Piece<F>,
        with: Result<F::Value, F::Value>,
        shared: usize,
    ) -> Next<F> {
        active.batch = 1;
        if piece.singles {
            self.ledger.note_singles();
        }
        let mut levels = piece.lower;
        if piece.winders == 0 {
            levels.push(piece.top);
            for level in levels {
                self.put(level);
            }
            return self.go_on(active, with);
        }
        levels.push(piece.top);
        levels.reverse();
        let Some(first) = levels.pop() else {
            unreachable!("a piece has at least one level")
        };
        let entry = Entry {
            levels,
            entering: Level::empty(Boundary::Open),
            base: Position::empty(),
            ahead: Vec::new(),
            entered: None,
            shared,
            with,
        };
        self.enter_level(active, entry, first)
    }

    fn go_on(&mut self, active: &mut Active<F>, with: Result<F::Value, F::Value>) -> Next<F> {
        self.deliver(active, with.map_err(Interrupted::Raised))
    }

    /// Puts a level without winders on top.
    #[inline]
    fn put(&mut self, level: Level<F>) {
        match level.boundary {
            Boundary::Prompt { tag, times } => {
                if let Boundary::Prompt {
                    tag: here,
                    times: so_far,
                } = &mut self.level.boundary
                    && *here == tag
                    && self.level.position.is_empty()
                {
                    // Prompts with nothing between them are counted, so that a loop that
                    // resumes in tail position needs no more and more of them.
                    *so_far += times;
                    self.below += level.position.size;
                    self.level.position = level.position;
                } else {
                    self.push_level(level);
                }
            }
            _ => {
                self.below += level.position.size;
                let base = self.level.position.take();
                self.level.position = level.position.on(base);
            }
        }
    }

    /// Begins to enter the winders of a level.
    fn enter_level(
        &mut self,
        active: &mut Active<F>,
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
        entry.base = self.level.position.clone();
        entry.entered = self.level.winders.clone();
        entry.entering = Level {
            position,
            winders: None,
            boundary: Boundary::Open,
        };
        self.enter_next(active, entry)
    }

    /// Enters the next winder, or else the frames.
    fn enter_next(&mut self, active: &mut Active<F>, mut entry: Entry<F>) -> Next<F> {
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
            self.push_level(Level::empty(Boundary::Winding(Box::new(Goal::Enter(
                entry,
            )))));
            active.push(winder.before());
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
        self.below -= self.level.position.size;
        self.level.position = Position::empty();
        self.level.position = entering.position.on(base);
        self.level.winders = entered;
        self.below += self.level.position.size;
        match levels.pop() {
            None => self.go_on(active, with),
            Some(level) => {
                let entry = Entry {
                    levels,
                    entering: Level::empty(Boundary::Open),
                    base: Position::empty(),
                    ahead: Vec::new(),
                    entered: None,
                    shared,
                    with,
                };
                self.enter_level(active, entry, level)
            }
        }
    }

    /// Goes on towards a goal, now that a winder's thunk has returned.
    fn pursue(&mut self, active: &mut Active<F>, goal: Goal<F>) -> Next<F> {
        match goal {
            Goal::Leave { to, keep, then } => self.leave(active, to, keep, then),
            Goal::Enter(entry) => self.enter_next(active, entry),
        }
    }

    /// Whether a segment may hold a frame that can be resumed only once.
    fn has_singles(&self) -> bool {
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
