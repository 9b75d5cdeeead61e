//! The loop, and what it does most: calls, returns and raises.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;
use core::mem::{self, ManuallyDrop};

use super::ledger::Ledger;
use super::level::{Barrier, Boundary, Levels};
use super::position::{Attached, Unsealed, push_frame};
use super::winder::{Came, Under, WinderNode};
use super::{
    Context, Continuation, Frame, Input, Interrupted, Limits, Outcome, Refusal, Stacked, Step,
};

/// So many levels or frames that a step goes through are as much work as a step.
const PASSED: usize = 1 << 6;

/// All of a machine but the frames on top, which one of them borrows while it runs.
pub(super) struct State<F: Frame> {
    pub(super) levels: Levels<F>,
    /// What belongs to the frames on top.
    pub(super) attached: Attached<F>,
    /// How many frames are below the active ones, in all levels.
    pub(super) below: usize,
    pub(super) ledger: Rc<Ledger<F>>,
    pub(super) limits: Limits,
    /// How many host calls are running.
    pub(super) nesting: usize,
    /// How many steps host calls did without fuel.
    pub(super) overrun: u64,
    /// How many levels, winders and frames the machine has gone through one by one in this step.
    pub(super) passed: Cell<usize>,
    /// How many marks and levels a frame has looked at; see [`Context::looked`].
    pub(super) looked: Cell<usize>,
    /// Where the native stack ends for frames that recurse on it, while one does.
    pub(super) native_end: Option<usize>,
}

/// What the loop does after a step.
pub(super) enum Next<F: Frame> {
    Resume(Input<F>),
    Stop(Outcome<F::Value>),
    /// Stops, since the lowest frame is missing.
    Refuse(Refusal),
}

impl<F: Frame> Next<F> {
    pub(super) fn of(done: Result<Self, Refusal>) -> Self {
        done.unwrap_or_else(|refusal| Self::Resume(refusal.into()))
    }
}

/// What the topmost frame gets next.
///
/// An input of a wide value that was just put together would be moved in other pieces than it was
/// stored in, which takes longer than the whole step. So then its parts are kept, and it is put
/// together where it is handed over.
struct Given<F: Frame> {
    value: Option<F::Value>,
    captured: Option<Continuation<F>>,
    /// If it is neither of those.
    input: Input<F>,
}

impl<F: Frame> Given<F> {
    const IS_WIDE: bool = size_of::<F::Value>() > size_of::<usize>();

    #[inline(always)]
    fn value(&mut self, value: F::Value) {
        if Self::IS_WIDE {
            self.value = Some(value);
        } else {
            self.input = Input::Value(value);
        }
    }

    #[inline(always)]
    fn captured(&mut self, continuation: Continuation<F>) {
        if Self::IS_WIDE {
            self.captured = Some(continuation);
        } else {
            self.input = Input::Continuation(continuation);
        }
    }

    /// Takes it, and leaves nothing.
    #[inline(always)]
    fn take(&mut self) -> Input<F> {
        if Self::IS_WIDE {
            if let Some(value) = self.value.take() {
                return Input::Value(value);
            }
            if let Some(captured) = self.captured.take() {
                return Input::Continuation(captured);
            }
        }
        mem::replace(&mut self.input, Input::Start)
    }
}

impl<F: Frame> State<F> {
    /// Finds the frame that an input from outside is for.
    pub(super) fn begin(&mut self, frames: &mut Vec<F>, input: Input<F>) -> Next<F> {
        match input {
            Input::Raised(error) => self.raise(frames, error),
            Input::Value(value) if frames.is_empty() => self.deliver(frames, Ok(value)),
            input if frames.is_empty() => self.take_back(frames, input),
            input => Next::Resume(input),
        }
    }

    /// Gives it to the topmost frame, which was put away.
    #[cold]
    pub(super) fn take_back(&mut self, frames: &mut Vec<F>, input: Input<F>) -> Next<F> {
        match self.unseal(frames) {
            Unsealed::Frames => Next::Resume(input),
            Unsealed::Spent(frame) => {
                let refusal = Refusal::OneShot { frame };
                self.deliver(frames, Err(Interrupted::Refused(refusal)))
            }
            Unsealed::Nothing => unreachable!("the machine runs without a frame"),
        }
    }

    /// Runs until the level that is now running comes to its end, or the machine stops.
    /// Out of fuel, `left` is the input to go on with.
    pub(super) fn run(
        &mut self,
        frames: &mut Vec<F>,
        input: Input<F>,
        world: &mut F::World,
        fuel: &mut u64,
        left: &mut Input<F>,
    ) -> Result<Outcome<F::Value>, Refusal> {
        let mut cx = Context {
            state: self,
            world,
            index: 0,
            fuel: *fuel,
        };
        // What was left when a frame was last asked what it had asked for.
        let mut asked = None;
        let mut given = Given {
            value: None,
            captured: None,
            input,
        };
        loop {
            if cx.fuel == 0 {
                let state = &mut *cx.state;
                if state.nesting == 0 {
                    *fuel = 0;
                    *left = given.take();
                    return Ok(Outcome::OutOfFuel);
                }
                if state.overrun == state.limits.overrun {
                    *fuel = 0;
                    return Ok(Outcome::OutOfFuel);
                }
                state.overrun += 1;
            } else {
                cx.fuel -= 1;
            }
            let len = frames.len();
            let Some(top) = frames.last_mut() else {
                unreachable!("the machine runs without a frame")
            };
            cx.index = len - 1;
            let step = top.resume(given.take(), &mut cx);
            let state = &mut *cx.state;
            let next = match step {
                Step::Return(returned) => {
                    drop_last(frames);
                    if len - 1 > state.attached.floor {
                        given.value(returned);
                        continue;
                    }
                    state.attached.drop_marks(len - 1);
                    if len > 1 || state.return_into(frames) {
                        given.value(returned);
                        continue;
                    }
                    state.deliver(frames, Ok(returned))
                }
                Step::Call(frame) => {
                    state.push(frames, frame);
                    if state.below + len >= state.limits.depth {
                        drop_last(frames);
                        given.input = state.too_deep().into();
                    }
                    continue;
                }
                Step::TailCall(frame) => {
                    state.attached.note(&frame);
                    *top = frame;
                    if len <= state.attached.floor + 1 {
                        state.attached.drop_marks(len - 1);
                    }
                    continue;
                }
                Step::Raise(error) => {
                    drop_last(frames);
                    state.raise(frames, error)
                }
                Step::Capture {
                    tag,
                    operator,
                    place,
                    body,
                } => {
                    if state.is_near(len, tag) {
                        let body = ManuallyDrop::new(body);
                        let k = state.capture_near(frames, tag, operator, place);
                        state.push(frames, ManuallyDrop::into_inner(body));
                        given.captured(k);
                        continue;
                    }
                    push_frame(frames, body);
                    Next::of(state.capture(frames, tag, operator, place))
                }
                Step::Prompt { tag, body } => {
                    match state.may_prompt(len) {
                        Ok(()) => {
                            let body = ManuallyDrop::new(body);
                            state.seal(frames);
                            state.levels.push_prompts(tag, 1);
                            state.push(frames, ManuallyDrop::into_inner(body));
                        }
                        Err(refusal) => {
                            push_frame(frames, body);
                            drop_last(frames);
                            given.input = refusal.into();
                        }
                    }
                    continue;
                }
                Step::Abort { tag, value: with } => {
                    if state.is_nearest(tag) {
                        state.clear(frames);
                        state.pop_level();
                        if state.return_into(frames) {
                            given.value(with);
                            continue;
                        }
                        state.deliver(frames, Ok(with))
                    } else {
                        Next::of(state.abort(frames, tag, with))
                    }
                }
                Step::Resume { continuation, with } => {
                    match state.check_resume(&continuation, state.below + len, len) {
                        Err(refusal) => Next::Resume(refusal.into()),
                        Ok(()) => {
                            state.seal(frames);
                            match state.resume(frames, continuation, with) {
                                Ok(with) => {
                                    given.value(with);
                                    continue;
                                }
                                Err(next) => next,
                            }
                        }
                    }
                }
                Step::TailResume { continuation, with } => {
                    match state.check_resume(&continuation, state.below + len - 1, len - 1) {
                        Err(refusal) => Next::Resume(refusal.into()),
                        Ok(()) => {
                            state.leave_frame(frames);
                            state.seal(frames);
                            match state.resume(frames, continuation, with) {
                                Ok(with) => {
                                    given.value(with);
                                    continue;
                                }
                                Err(next) => next,
                            }
                        }
                    }
                }
                Step::Replace {
                    tag,
                    continuation,
                    with: Ok(with),
                } if state.is_replaced_near(tag, &continuation) => {
                    match state.replace_near(frames, continuation, with) {
                        Ok(with) => {
                            given.value(with);
                            continue;
                        }
                        Err(next) => next,
                    }
                }
                Step::Replace {
                    tag,
                    continuation,
                    with,
                } => Next::of(state.replace(frames, tag, continuation, with)),
                Step::Wind(wind) => Next::of(state.wind(frames, *wind)),
                Step::Suspend(value) => match state.host_call() {
                    Some(host_call) => Next::Resume(Refusal::Barrier { host_call }.into()),
                    None => Next::Stop(Outcome::Suspended(value)),
                },
                Step::Refuse(refusal) => state.refuse(frames, refusal),
                Step::Stacked(stacked) => {
                    // Every step makes this less.
                    let left = cx.fuel.wrapping_sub(state.overrun);
                    if asked == Some(left) {
                        drop(stacked);
                        Next::Resume(Refusal::NotSuspended.into())
                    } else {
                        let next = state.stack(frames, *stacked);
                        if let Next::Resume(Input::Asked(_)) = next {
                            // It only hands on what it has asked for, and has to be there
                            // for that: it need not pay.
                            cx.fuel += 1;
                            asked = Some(left);
                        }
                        next
                    }
                }
            };
            cx.fuel = cx.fuel.saturating_sub(cx.state.steps_passed());
            match next {
                Next::Resume(next) => given.input = next,
                Next::Stop(outcome) => {
                    *fuel = cx.fuel;
                    return Ok(outcome);
                }
                Next::Refuse(refusal) => {
                    *fuel = cx.fuel;
                    return Err(refusal);
                }
            }
        }
    }

    /// Takes note of so many levels or frames that are gone through.
    pub(super) fn pass(&self, count: usize) {
        self.passed.set(self.passed.get().saturating_add(count));
    }

    /// How many steps that is the work of, beyond the one that did it.
    #[inline(always)]
    fn steps_passed(&self) -> u64 {
        match self.passed.take() / PASSED {
            0 => 0,
            steps => u64::try_from(steps).unwrap_or(u64::MAX),
        }
    }

    /// Makes a frame active.
    #[inline(always)]
    pub(super) fn push(&mut self, frames: &mut Vec<F>, frame: F) {
        push_frame(frames, frame);
        if let Some(frame) = frames.last() {
            self.attached.note(frame);
        }
    }

    /// Makes all of them active, or none, and lets the topmost say what it asks for.
    #[cold]
    fn stack(&mut self, frames: &mut Vec<F>, stacked: Stacked<F>) -> Next<F> {
        let (mut called, mut asks) = (stacked.frames, stacked.asks);
        while let Some(Step::Stacked(more)) = asks {
            called.extend(more.frames);
            asks = more.asks;
        }
        if self.below + frames.len() + called.len() > self.limits.depth {
            return Next::Resume(self.too_deep().into());
        }
        for frame in called {
            self.push(frames, frame);
        }
        Next::Resume(match asks {
            Some(step) => Input::Asked(Box::new(step)),
            None => Input::Start,
        })
    }

    /// Drops the topmost frame, which could not go on; the one below hears why.
    #[cold]
    fn refuse(&mut self, frames: &mut Vec<F>, refusal: Box<Refusal>) -> Next<F> {
        drop_last(frames);
        self.attached.drop_marks(frames.len());
        if frames.is_empty() {
            self.deliver(frames, Err(Interrupted::Refused(*refusal)))
        } else {
            Next::Resume(Input::Refused(refusal))
        }
    }

    /// Drops the active frames.
    #[inline]
    pub(super) fn clear(&mut self, frames: &mut Vec<F>) {
        frames.clear();
        self.attached.clear();
    }

    #[cold]
    pub(super) fn too_many_prompts(&self) -> Refusal {
        Refusal::Prompts {
            limit: self.limits.prompts,
        }
    }

    #[cold]
    pub(super) fn too_deep(&self) -> Refusal {
        Refusal::Depth {
            limit: self.limits.depth,
        }
    }

    /// The innermost host call that re-entered the machine.
    pub(super) fn host_call(&self) -> Option<&'static str> {
        if self.nesting == 0 {
            return None;
        }
        let mut levels = self.levels.from(0).iter().rev();
        levels.find_map(|level| match level.boundary {
            Boundary::Barrier(ref barrier) => Some(barrier.host_call),
            _ => None,
        })
    }

    /// Puts the active frames away.
    #[inline(always)]
    pub(super) fn seal(&mut self, frames: &mut Vec<F>) {
        self.below += frames.len();
        let position = &mut self.levels.top_mut().position;
        position.seal(frames, &mut self.attached, &self.ledger);
        self.attached.batch = 1;
    }

    /// Takes frames back, where none is active.
    #[inline(always)]
    fn unseal(&mut self, frames: &mut Vec<F>) -> Unsealed {
        let position = &mut self.levels.top_mut().position;
        let before = position.size;
        let unsealed = position.unseal(frames, &mut self.attached);
        self.below -= before - position.size;
        unsealed
    }

    /// Drops what is left of the level that is running, and goes on in the one below.
    #[inline(always)]
    pub(super) fn pop_level(&mut self) {
        self.below -= self.levels.top().position.size;
        self.levels.pop();
    }

    /// Makes the frames of the next segment active, if there is nothing to do before. The
    /// short way of `deliver`.
    #[inline(always)]
    pub(super) fn return_into(&mut self, frames: &mut Vec<F>) -> bool {
        let position = &mut self.levels.top_mut().position;
        let chain = &position.chain;
        let is_plain = chain
            .first
            .get()
            .is_some_and(|segment| segment.single.is_none() && chain.len > 0);
        if !is_plain || !self.attached.under.is_nothing() {
            return false;
        }
        let before = position.size;
        position.unseal_some(frames, &mut self.attached);
        self.below -= before - position.size;
        true
    }

    /// Runs what is under the active frames, now that they are used up, with what they came
    /// to.
    pub(super) fn deliver(&mut self, frames: &mut Vec<F>, mut result: Came<F::Value>) -> Next<F> {
        loop {
            match self.attached.under.take() {
                Under::Nothing => {}
                Under::Entering(entering) => {
                    if result.is_ok() {
                        match entering.open() {
                            (winder, Ok(body)) => {
                                let level = self.levels.top_mut();
                                level.winders = Some(WinderNode::new(
                                    winder.clone(),
                                    level.position.clone(),
                                    level.winders.take(),
                                ));
                                self.attached.under = Under::Inside(winder);
                                self.push(frames, body);
                                return Next::Resume(Input::Start);
                            }
                            (_, Err(refusal)) => result = Err(Interrupted::Refused(refusal)),
                        }
                    }
                }
                Under::Inside(winder) => {
                    self.levels.top_mut().winders =
                        match self.levels.top_mut().winders.take().map(Rc::try_unwrap) {
                            Some(Ok(mut node)) => node.below.take(),
                            Some(Err(node)) => node.below.clone(),
                            None => None,
                        };
                    self.attached.under = Under::Leaving(Box::new(result));
                    self.push(frames, winder.after());
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
                    let position = &mut self.levels.top_mut().position;
                    !position.chain.is_empty() && {
                        let before = position.size;
                        let found = position.drop_to_catching(&mut self.attached);
                        self.below -= before - position.size;
                        if !found {
                            continue;
                        }
                        true
                    }
                }
            };
            let unsealed = if found {
                self.unseal(frames)
            } else {
                Unsealed::Nothing
            };
            match unsealed {
                Unsealed::Frames => {
                    if frames.is_empty() {
                        continue; // A segment may be nothing but what is under it.
                    }
                    return Next::Resume(match result {
                        Ok(value) => Input::Value(value),
                        Err(Interrupted::Raised(error)) => Input::Raised(error),
                        Err(Interrupted::Refused(refusal)) => refusal.into(),
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
            if self.levels.top_mut().position.next_chain() {
                continue;
            }
            match mem::replace(&mut self.levels.top_mut().boundary, Boundary::Open) {
                // However many: nothing is between them.
                Boundary::Prompt { .. } | Boundary::Open => self.pop_level(),
                Boundary::Winding(goal) => {
                    self.pop_level();
                    if result.is_ok() {
                        return self.pursue(frames, *goal);
                    }
                }
                boundary @ (Boundary::Bottom | Boundary::Barrier(_)) => {
                    self.levels.top_mut().boundary = boundary;
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
    pub(super) fn raise(&mut self, frames: &mut Vec<F>, error: F::Value) -> Next<F> {
        while let Some(frame) = frames.last() {
            if frame.catches() {
                self.attached.drop_marks(frames.len());
                return Next::Resume(Input::Raised(error));
            }
            frames.pop();
        }
        self.attached.drop_marks(0);
        self.deliver(frames, Err(Interrupted::Raised(error)))
    }

    /// Runs `frame` to its end, for a host call that a frame makes on top of so many active
    /// ones.
    pub(super) fn nested(
        &mut self,
        host_call: &'static str,
        waiting: usize,
        frame: F,
        world: &mut F::World,
        fuel: &mut u64,
    ) -> Result<Outcome<F::Value>, Refusal> {
        if self.nesting >= self.limits.nesting {
            let limit = self.limits.nesting;
            return Err(Refusal::Nesting { limit });
        }
        if self.below + waiting >= self.limits.depth {
            return Err(self.too_deep());
        }
        let barrier = Barrier {
            host_call,
            waiting,
            attached: mem::replace(&mut self.attached, Attached::new()),
        };
        self.levels.push(Boundary::Barrier(Box::new(barrier)));
        let host_call = HostCall {
            at: self.levels.last(),
            below: self.below,
            native_end: self.native_end,
            state: self,
        };
        let state = &mut *host_call.state;
        state.below += waiting;
        state.nesting += 1;
        let mut frames = Vec::new();
        state.push(&mut frames, frame);
        let mut left = Input::Restarted;
        state.run(&mut frames, Input::Start, world, fuel, &mut left)
    }
}

/// A host call that is running. Its end, which may be a panic, leaves the machine as it was.
struct HostCall<'a, F: Frame> {
    state: &'a mut State<F>,
    /// The index of the level that it has begun.
    at: usize,
    /// How many frames were below the active ones.
    below: usize,
    native_end: Option<usize>,
}

impl<F: Frame> Drop for HostCall<'_, F> {
    fn drop(&mut self) {
        let state = &mut *self.state;
        // What is left is dropped last, since that may panic. After a return nothing is.
        let above = match state.levels.last() {
            last if last > self.at => state.levels.take_from(self.at + 1),
            _ => Vec::new(),
        };
        let level = state.levels.top_mut();
        let boundary = mem::replace(&mut level.boundary, Boundary::Open);
        let position = level.position.take();
        let winders = level.winders.take();
        state.levels.pop();
        state.nesting -= 1;
        state.below = self.below;
        state.native_end = self.native_end;
        if let Boundary::Barrier(barrier) = boundary {
            let attached = mem::replace(&mut state.attached, barrier.attached);
            drop((attached, position, winders, above));
        }
    }
}

/// Drops the topmost frame where it lies: to move one that was just written costs more.
#[inline(always)]
pub(super) fn drop_last<F>(frames: &mut Vec<F>) {
    let len = frames.len();
    if len > 0 {
        frames.truncate(len - 1);
    }
}
