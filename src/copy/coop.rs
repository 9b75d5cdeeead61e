//! What a frame that recurses on the native stack sees of everything else.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::ptr;

use super::state::State;
use crate::engine;
use crate::frame::{Context, Continuation, Describe, Frame, Input, Interrupted, MarkKey};
use crate::frame::{PromptTag, Refusal, Stacked, Step};

/// What a frame that recurses on the native stack comes to, if not to a value.
#[derive(Debug, PartialEq, Eq)]
pub enum Leave<V> {
    /// It raised this. Whoever called it may go on.
    Raised(V),
    /// What it asked for was refused, and it has not gone on from there. Whoever called it may.
    Refused(Refusal),
    /// The native stack is being left. Every function hands this on at once, as `?` does; its
    /// frame is kept, and it is entered again when there is something to go on with.
    Away(Away),
}

/// That the native stack is being left. Nobody but the crate makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Away(());

impl<V> From<Refusal> for Box<Leave<V>> {
    fn from(refusal: Refusal) -> Self {
        Self::new(Leave::Refused(refusal))
    }
}

impl<V> From<Interrupted<V>> for Box<Leave<V>> {
    fn from(interrupted: Interrupted<V>) -> Self {
        match interrupted {
            Interrupted::Raised(error) => Self::new(Leave::Raised(error)),
            Interrupted::Refused(refusal) => refusal.into(),
        }
    }
}

/// What a frame comes to that recurses on the native stack. In a box what is rare, so that a
/// value is handed back as a plain recursion hands it back.
pub type Came<F> = Result<<F as Frame>::Value, Box<Leave<<F as Frame>::Value>>>;

/// Raises: what a function answers for that.
///
/// # Errors
///
/// Always [`Leave::Raised`].
#[cold]
pub fn raise<T, V>(error: V) -> Result<T, Box<Leave<V>>> {
    Err(Box::new(Leave::Raised(error)))
}

/// What a callee has come to, a raised value too, for a function that goes on then: `try`. A frame
/// that does that [catches](Frame::catches).
///
/// ```
/// # use segno::copy::{Came, caught, raise};
/// # use segno::frame::Frame;
/// # fn half<F: Frame<Value = i64>>(n: i64) -> Came<F> {
/// #     if n % 2 == 0 { Ok(n / 2) } else { raise(n) }
/// # }
/// fn half_or_none<F: Frame<Value = i64>>(n: i64) -> Came<F> {
///     match caught(half::<F>(n))? {
///         Ok(half) => Ok(half),
///         Err(_odd) => Ok(0),
///     }
/// }
/// ```
///
/// # Errors
///
/// What is not to be caught: a refusal, and [`Leave::Away`].
pub fn caught<V>(came: Result<V, Box<Leave<V>>>) -> Result<Result<V, V>, Box<Leave<V>>> {
    match came.map_err(|leave| *leave) {
        Ok(value) => Ok(Ok(value)),
        Err(Leave::Raised(error)) => Ok(Err(error)),
        Err(leave) => Err(Box::new(leave)),
    }
}

pub(super) fn is_away<F: Frame>(came: &Came<F>) -> bool {
    came.as_ref()
        .is_err_and(|leave| matches!(**leave, Leave::Away(_)))
}

#[cold]
fn away<F: Frame>() -> Box<Leave<F::Value>> {
    Box::new(Leave::Away(Away(())))
}

/// What is outside of the native stack: the machine that a frame was resumed by.
pub(super) trait Outside<F: Frame> {
    fn see(&self, look: &mut dyn FnMut(&Context<'_, F>));

    fn change(&mut self, change: &mut dyn FnMut(&mut Context<'_, F>));

    fn world(&mut self) -> &mut F::World;

    /// Has a step done while the native stack stands still, and answers what comes; or gives
    /// it back, since the native stack has to be left first. The frame of `top` may end by that.
    fn ask(&mut self, step: Step<F>, top: *const Node<F>, ends: bool) -> Result<Input<F>, Step<F>>;
}

impl<F: Frame> Outside<F> for Context<'_, F> {
    fn see(&self, look: &mut dyn FnMut(&Context<'_, F>)) {
        look(self);
    }

    fn change(&mut self, change: &mut dyn FnMut(&mut Context<'_, F>)) {
        change(self);
    }

    fn world(&mut self) -> &mut F::World {
        self.world
    }

    fn ask(&mut self, step: Step<F>, _: *const Node<F>, _: bool) -> Result<Input<F>, Step<F>> {
        Err(step)
    }
}

/// What all frames of one run on the native stack share.
pub(super) struct Run<'r, F: Frame> {
    outside: &'r mut dyn Outside<F>,
    /// How many more frames may be called without a look at anything else: as long as fuel
    /// and depth are certain to do, and none while something is to be looked at.
    calls: u64,
    /// Whether any was called since the lowest frame was entered.
    called: bool,
    /// The fuel that is not in there.
    fuel: u64,
    /// The lowest address that frames may get to, and how far above it they may be.
    end: usize,
    room: usize,
    /// What the lowest frame was entered with, until it is at the point that it was left at.
    arrived: Option<Input<F>>,
    /// What it was entered with as the body of a capture.
    continuation: Option<Continuation<F>>,
    restarted: bool,
    /// The lowest state, where the native stack is there again when there is something to go on
    /// with: then it is not left.
    root: *const Node<F>,
    /// What the frame has come to that has just ended, if it was ended by a step.
    done: Option<Came<F>>,
    /// The state on top, of those that were registered, and so on.
    top: *const Node<F>,
    /// The kind of the lowest frame.
    kind: &'static str,
    /// Whether the stack is being left; the frames that were on it, topmost first; and what
    /// the topmost asked for.
    leaving: bool,
    frames: Vec<F>,
    /// Whether a frame went on meanwhile.
    stayed: bool,
    asks: Option<Step<F>>,
}

impl<'r, F: Frame> Run<'r, F> {
    pub(super) fn new(
        outside: &'r mut dyn Outside<F>,
        input: Input<F>,
        kind: &'static str,
        (end, room): (usize, usize),
    ) -> Self {
        let restarted = matches!(input, Input::Restarted);
        let (arrived, continuation) = match input {
            Input::Start | Input::Restarted => (None, None),
            Input::Continuation(k) => (None, Some(k)),
            input => (Some(input), None),
        };
        let mut run = Self {
            outside,
            calls: 0,
            called: false,
            fuel: 0,
            end,
            room,
            arrived,
            continuation,
            restarted,
            root: ptr::null(),
            done: None,
            top: ptr::null(),
            kind,
            leaving: false,
            frames: Vec::new(),
            stayed: false,
            asks: None,
        };
        run.take_fuel();
        run.go_on();
        run
    }

    fn see<T>(&self, look: impl FnOnce(&Context<'_, F>) -> T) -> T {
        let (mut look, mut seen) = (Some(look), None);
        self.outside
            .see(&mut |cx| seen = look.take().map(|look| look(cx)));
        seen.unwrap_or_else(|| unreachable!("a look is one call"))
    }

    fn change<T>(&mut self, change: impl FnOnce(&mut Context<'_, F>) -> T) -> T {
        let (mut change, mut came) = (Some(change), None);
        self.outside
            .change(&mut |cx| came = change.take().map(|change| change(cx)));
        came.unwrap_or_else(|| unreachable!("a change is one call"))
    }

    fn take_fuel(&mut self) {
        self.fuel = self.change(|cx| mem::take(cx.fuel_mut()));
    }

    /// Gives the machine back what is left of its fuel.
    pub(super) fn return_fuel(&mut self) {
        self.look();
        let fuel = mem::take(&mut self.fuel);
        // It has none but what a panic has left there.
        self.change(|cx| *cx.fuel_mut() += fuel);
    }

    /// Whether a frame may be called on the native stack.
    #[inline(always)]
    fn has_room(&self) -> bool {
        engine::stack_pointer().wrapping_sub(self.end) <= self.room
    }

    /// Sees to it that the next call takes the long way.
    fn look(&mut self) {
        self.fuel += mem::take(&mut self.calls);
    }

    /// The reverse, once there is nothing left to look at.
    fn go_on(&mut self) {
        if self.arrived.is_none() && !self.leaving {
            self.look();
            let depth = self.see(|cx| cx.depth_left());
            self.calls = self.fuel.min(u64::try_from(depth).unwrap_or(u64::MAX));
            self.fuel -= self.calls;
        }
    }

    #[cold]
    fn received(&mut self) -> Came<F> {
        let came = match self.arrived.take() {
            Some(Input::Value(value)) => Ok(value),
            Some(Input::Raised(error)) => Err(Box::new(Leave::Raised(error))),
            Some(Input::Refused(refusal)) => Err(Box::new(Leave::Refused(*refusal))),
            _ => Err(Refusal::Missed { frame: self.kind }.into()),
        };
        self.go_on();
        came
    }

    /// Has a step done: here, or once the native stack is left.
    fn ask(&mut self, step: Step<F>) -> Came<F> {
        // An image is copied with this in it: while it stands still, nothing is owned here.
        self.continuation = None;
        if self.done.take().is_some() {
            return Err(self.stayed());
        }
        // What ends a frame ends the one that asks, not all that stay here.
        let ends = self.stays_here() && self.top != self.root;
        let (step, ends) = match step {
            Step::Return(value) if ends => return self.ended(Ok(value)),
            Step::Raise(error) if ends => return self.ended(raise(error)),
            Step::Refuse(refusal) if ends => return self.ended(Err((*refusal).into())),
            Step::TailCall(frame) if ends => (Step::Call(frame), true),
            Step::TailResume { continuation, with } if ends => {
                (Step::Resume { continuation, with }, true)
            }
            step => (step, false),
        };
        self.return_fuel();
        let answer = self.outside.ask(step, self.top, ends);
        self.take_fuel();
        match answer {
            Ok(input) => {
                self.arrived = Some(input);
                let came = self.received();
                match came.as_ref().map_err(|leave| &**leave) {
                    Ok(_) | Err(Leave::Raised(_)) if ends => self.ended(came),
                    _ => came,
                }
            }
            Err(step) => Err(self.leave(Some(step))),
        }
    }

    /// Whether the native stack is never left.
    fn stays_here(&self) -> bool {
        !self.root.is_null()
    }

    /// What the frame is answered that a step has ended, where the native stack is not left.
    #[cold]
    fn ended(&mut self, came: Came<F>) -> Came<F> {
        self.done = Some(came);
        Err(away::<F>())
    }

    #[cold]
    fn stayed(&self) -> Box<Leave<F::Value>> {
        Refusal::Stayed { frame: self.kind }.into()
    }

    /// What a frame has come to that has answered [`Leave::Away`].
    #[cold]
    pub(super) fn left(&mut self, state: F) -> Came<F> {
        match self.done.take() {
            Some(done) => done,
            None if self.stays_here() => Err(self.stayed()),
            None => {
                self.frames.push(state);
                Err(away::<F>())
            }
        }
    }

    fn set_mark(
        &mut self,
        key: MarkKey,
        value: F::Value,
        is_lowest: bool,
    ) -> Result<(), Box<Leave<F::Value>>> {
        if self.leaving {
            return Err(self.stays());
        }
        if !is_lowest {
            if self.stays_here() {
                let why = "its lowest frame alone has marks";
                return Err(Refusal::Image { why }.into());
            }
            return Err(self.leave(None));
        }
        self.change(|cx| cx.set_mark(key, value));
        Ok(())
    }

    /// Leaves the native stack.
    #[cold]
    fn leave(&mut self, asks: Option<Step<F>>) -> Box<Leave<F::Value>> {
        self.leaving = true;
        // A frame that is there has said that the stack is being left when it was not.
        self.stayed = !self.frames.is_empty();
        self.asks = asks;
        self.look();
        away::<F>()
    }

    /// What a frame is answered that asks for something while the stack is being left, and so
    /// has not handed that on at once.
    #[cold]
    fn stays(&mut self) -> Box<Leave<F::Value>> {
        self.stayed = true;
        away::<F>()
    }

    /// What the frames that were on the native stack are for the machine.
    #[cold]
    fn stacked(&mut self) -> Step<F> {
        let mut frames = mem::take(&mut self.frames);
        match self.asks.take() {
            Some(asks) if frames.is_empty() => asks,
            asks => {
                frames.reverse();
                Step::Stacked(Box::new(Stacked { frames, asks }))
            }
        }
    }
}

/// A state that is registered: it lies on the native stack, below the frame that it is of.
pub(super) struct Node<F> {
    pub(super) state: F,
    pub(super) below: *const Node<F>,
}

/// Runs `run` in a run of its own, and says what has become of that.
fn entered<F, R>(
    kind: &'static str,
    input: Input<F>,
    cx: &mut Context<'_, F>,
    run: R,
    leave: impl FnOnce(&mut Run<'_, F>) -> Option<Step<F>>,
) -> Step<F>
where
    F: Describe,
    R: FnOnce(&mut Run<'_, F>) -> Came<F>,
{
    let input = match input {
        Input::Asked(step) => return *step,
        input => input,
    };
    let outermost = cx.native_end_mut().is_none();
    let room = cx.native_stack();
    let end = engine::stack_pointer().saturating_sub(room);
    let end = *cx.native_end_mut().get_or_insert(end);
    let mut inside = cx.reborrow();
    let mut at = Run::new(&mut inside, input, kind, (end, room));
    let came = run(&mut at);
    let step = if at.arrived.is_some() {
        Step::Refuse(Box::new(Refusal::Missed { frame: kind }))
    } else if at.stayed || at.leaving != is_away::<F>(&came) {
        Step::Refuse(Box::new(Refusal::Stayed { frame: kind }))
    } else {
        match came.map_err(|leave| *leave) {
            Ok(value) => Step::Return(value),
            Err(Leave::Raised(error)) => Step::Raise(error),
            Err(Leave::Refused(refusal)) => Step::Refuse(Box::new(refusal)),
            Err(Leave::Away(_)) => {
                leave(&mut at).unwrap_or(Step::Refuse(Box::new(Refusal::Stayed { frame: kind })))
            }
        }
    };
    at.return_fuel();
    let fuel = mem::take(inside.fuel_mut());
    *cx.fuel_mut() = fuel;
    if outermost {
        *cx.native_end_mut() = None;
    }
    step
}

/// Runs a frame on the native stack, for its [`Frame::resume`]; `run` is the function that its
/// kind of state is [called](Coop::call) with.
///
/// Frames that `run` calls stay on the native stack until one of them asks the machine for
/// something, or that stack is used up; then they become frames of the machine, each with the
/// state that it has reached, and are entered again one by one, the topmost first, as values
/// come back to them.
///
/// # What is raised
///
/// On the native stack it goes to the caller, as an `Err`. A frame of the machine gets it only if
/// it [catches](Frame::catches): so frames that recurse answer that they do, unless their
/// functions never look at an `Err`.
///
/// # How much stack it takes
///
/// As much as [`Limits::native_stack`](crate::frame::Limits::native_stack) says, and what the last
/// function takes, and the machine. What runs it, a coroutine say, has to have more than that. A
/// host call that runs frames takes no more of it, but for its own.
///
/// ```
/// # use segno::copy::{Came, Coop, enter};
/// # use segno::frame::*;
/// /// The sum of the numbers from `n` down to 1, which asks its owner for each.
/// #[derive(Clone)]
/// struct Sum {
///     n: i64,
///     /// What was asked for, once it is there.
///     summand: Option<i64>,
/// }
///
/// fn sum(mut coop: Coop<Sum>) -> Came<Sum> {
///     let n = coop.state.n;
///     if n == 0 {
///         return Ok(0);
///     }
///     let summand = match coop.state.summand {
///         Some(summand) => summand,
///         None => {
///             let summand = coop.suspend(n)?;
///             *coop.state.summand.insert(summand)
///         }
///     };
///     Ok(summand + coop.call(Sum { n: n - 1, summand: None }, sum)?)
/// }
///
/// impl Frame for Sum {
///     type Value = i64;
///     type World = ();
///
///     fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
///         enter(self, input, cx, sum)
///     }
///
///     fn catches(&self) -> bool {
///         true
///     }
/// }
/// # impl Describe for Sum {
/// #     fn descriptor(&self) -> &'static FrameDescriptor {
/// #         static SUM: FrameDescriptor = FrameDescriptor::new("sum", &[]);
/// #         &SUM
/// #     }
/// #     fn slot(&self, _: usize) -> Option<&dyn std::fmt::Debug> {
/// #         None
/// #     }
/// # }
///
/// let mut machine = Machine::new(Sum { n: 3, summand: None });
/// for answer in [30, 20, 10] {
///     assert_eq!(machine.run(&mut ()), Outcome::Suspended(answer / 10));
///     machine.answer(Ok(answer)).unwrap();
/// }
/// assert_eq!(machine.run(&mut ()), Outcome::Done(60));
/// ```
pub fn enter<F, R>(state: &mut F, input: Input<F>, cx: &mut Context<'_, F>, run: R) -> Step<F>
where
    F: Describe,
    R: FnOnce(Coop<'_, '_, F>) -> Came<F>,
{
    let kind = state.descriptor().name;
    let state = State::new(state);
    let run = |at: &mut Run<'_, F>| run(Coop { state, run: at });
    entered(kind, input, cx, run, |at| Some(at.stacked()))
}

/// The same for a function that keeps what has to survive in variables of its own, and says it
/// only when the native stack is being left: see [`Keep`].
///
/// It gets the frame that it is to go on with, and may take it to pieces.
///
/// ```
/// # use segno::copy::{Came, Keep, enter_keeping};
/// # use segno::frame::*;
/// /// The sum of the numbers from `n` down to 1, which asks its owner for each.
/// #[derive(Clone)]
/// enum Sum {
///     From(i64),
///     /// Waits for the answer.
///     Asked(i64),
///     /// Waits for the sum of the others.
///     Plus(i64),
/// }
///
/// fn sum(n: i64, mut coop: Keep<Sum>) -> Came<Sum> {
///     if n == 0 {
///         return Ok(0);
///     }
///     let summand = coop.suspend(n, || Sum::Asked(n))?;
///     plus(summand, n - 1, coop)
/// }
///
/// fn plus(summand: i64, n: i64, mut coop: Keep<Sum>) -> Came<Sum> {
///     let others = coop.call(
///         || Sum::Plus(summand),
///         || Sum::From(n),
///         |coop| sum(n, coop),
///     )?;
///     Ok(summand + others)
/// }
///
/// impl Frame for Sum {
///     type Value = i64;
///     type World = ();
///
///     fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
///         enter_keeping(self, input, cx, |state, mut coop| match *state {
///             Sum::From(n) => sum(n, coop),
///             Sum::Asked(n) => plus(coop.received()?, n - 1, coop),
///             Sum::Plus(summand) => Ok(summand + coop.received()?),
///         })
///     }
///
///     fn catches(&self) -> bool {
///         true
///     }
/// }
/// # impl Describe for Sum {
/// #     fn descriptor(&self) -> &'static FrameDescriptor {
/// #         static SUM: FrameDescriptor = FrameDescriptor::new("sum", &[]);
/// #         &SUM
/// #     }
/// #     fn slot(&self, _: usize) -> Option<&dyn std::fmt::Debug> {
/// #         None
/// #     }
/// # }
///
/// let mut machine = Machine::new(Sum::From(3));
/// for answer in [30, 20, 10] {
///     assert_eq!(machine.run(&mut ()), Outcome::Suspended(answer / 10));
///     machine.answer(Ok(answer)).unwrap();
/// }
/// assert_eq!(machine.run(&mut ()), Outcome::Done(60));
/// ```
pub fn enter_keeping<F, R>(
    state: &mut F,
    input: Input<F>,
    cx: &mut Context<'_, F>,
    run: R,
) -> Step<F>
where
    F: Describe,
    R: FnOnce(&mut F, Keep<'_, '_, F>) -> Came<F>,
{
    let kind = state.descriptor().name;
    let lowest = &mut *state;
    let run = |at: &mut Run<'_, F>| run(lowest, Coop { state: (), run: at });
    let mut kept = None;
    let step = entered(kind, input, cx, run, |at| {
        // The lowest frame is this one, as it is now.
        kept = Some(at.frames.pop()?);
        Some(at.stacked())
    });
    if let Some(kept) = kept {
        *state = kept;
    }
    step
}

/// What a frame that recurses on the native stack sees: its own state, and the operators.
///
/// Whatever has to survive a capture is in the state; so is the point that the frame has
/// reached, *before* it asks for anything. A frame that is entered again finds its state as
/// it was, and goes straight to that point: what it asks for there is not done again, but
/// answers what has come meanwhile. What stands before that point, and is not in the state,
/// is done again:
///
/// ```text
/// coop.world().log("asking");          // wrong: logs again when the answer is there
/// let answer = coop.suspend(question)?;
/// ```
///
/// The state is reached through here, and not by a reference beside it, so that nothing
/// borrows from it while something is asked for: what a capture copies is what the frame has
/// written.
pub struct Coop<'c, 'r, F: Frame, S = State<'c, F>> {
    /// The state of this frame.
    pub state: S,
    run: &'c mut Run<'r, F>,
}

/// The operators, for a function that keeps what has to survive in variables of its own. With
/// all that it calls or asks for it says what frame it is until that is done: it is asked for
/// that only if the native stack is left meanwhile, so that a recursion that asks for nothing
/// costs little more than it does without segno. (In Pettyjohn and others, *Continuations from
/// Generalized Stack Inspection*, ICFP 2005, an exception handler around each call does that.)
pub type Keep<'c, 'r, F> = Coop<'c, 'r, F, ()>;

/// Runs a frame in a run whose native stack is never left.
#[allow(dead_code, reason = "images are not to be had everywhere")]
pub(super) fn stay<F, R>(
    state: F,
    input: Input<F>,
    outside: &mut dyn Outside<F>,
    bounds: (usize, usize),
    run: R,
) -> Came<F>
where
    F: Describe,
    R: FnOnce(Coop<'_, '_, F>) -> Came<F>,
{
    let kind = state.descriptor().name;
    let mut node = Node {
        state,
        below: ptr::null(),
    };
    let mut at = Run::new(outside, input, kind, bounds);
    at.root = &raw const node;
    at.top = at.root;
    let came = run(Coop {
        state: State::new(&mut node.state),
        run: &mut at,
    });
    at.return_fuel();
    let came = match at.done.take() {
        Some(done) if is_away::<F>(&came) => done,
        None if !is_away::<F>(&came) => came,
        _ => Err(at.stayed()),
    };
    if at.arrived.is_some() {
        return Err(Refusal::Missed { frame: kind }.into());
    }
    came
}

impl<'r, F: Frame> Coop<'_, 'r, F> {
    /// Calls `run` with a state of its own: a frame on top of this one.
    ///
    /// `run` has to be what [`Frame::resume`] gives to [`enter`] for such a state, since that
    /// is how it is entered again.
    ///
    /// # Errors
    ///
    /// What the frame came to if not to a value; or why it could not be called.
    #[inline]
    pub fn call<R>(&mut self, state: F, run: R) -> Came<F>
    where
        R: FnOnce(Coop<'_, 'r, F>) -> Came<F>,
    {
        let at = &mut *self.run;
        let mut node = Node {
            state,
            below: at.top,
        };
        if at.calls == 0 || !at.has_room() || node.state.one_shot().is_some() {
            return self.ask(Step::Call(node.state));
        }
        at.calls -= 1;
        at.called = true;
        let linked = Linked {
            below: node.below,
            run: &mut *at,
        };
        linked.run.top = &raw const node;
        let came = run(Coop {
            state: State::new(&mut node.state),
            run: &mut *linked.run,
        });
        drop(linked);
        if is_away::<F>(&came) {
            return at.left(node.state);
        }
        came
    }

    /// Asks the machine for a step, and answers what this frame is resumed with.
    ///
    /// Where the frame was entered again, this is the point that it was left at: the step is
    /// not done, and what has come is answered.
    ///
    /// A step that ends a frame ends this one.
    ///
    /// # Errors
    ///
    /// What was raised or refused; or that the native stack is being left, for the machine to
    /// do the step.
    pub fn ask(&mut self, step: Step<F>) -> Came<F> {
        if self.run.arrived.is_some() {
            return self.received();
        }
        if self.run.leaving {
            return Err(self.run.stays());
        }
        self.run.ask(step)
    }

    /// Suspends the machine, and answers what its owner answers.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn suspend(&mut self, value: F::Value) -> Came<F> {
        self.ask(Step::Suspend(value))
    }

    /// Attaches a value to this frame: [`Context::set_mark`]. The native stack may be left for
    /// that, so that this is a point to which the frame goes when it is entered again.
    ///
    /// # Errors
    ///
    /// That the native stack is being left.
    pub fn set_mark(&mut self, key: MarkKey, value: F::Value) -> Result<(), Box<Leave<F::Value>>> {
        let is_lowest = self.run.top == self.run.root;
        self.run.set_mark(key, value, is_lowest)
    }
}

impl<'r, F: Frame> Keep<'_, 'r, F> {
    /// Calls `run`, a function like this one. If the native stack is left meanwhile, `keep`
    /// says what frame this one is until the call comes to a value. If it is left before, since
    /// fuel or room are used up, `callee` says what frame the called one begins as.
    ///
    /// # Errors
    ///
    /// What the function came to if not to a value; or why it could not be called.
    #[inline]
    pub fn call<R>(
        &mut self,
        keep: impl FnOnce() -> F,
        callee: impl FnOnce() -> F,
        run: R,
    ) -> Came<F>
    where
        R: FnOnce(Keep<'_, 'r, F>) -> Came<F>,
    {
        let at = &mut *self.run;
        if at.calls == 0 || !at.has_room() {
            return self.ask(Step::Call(callee()), keep);
        }
        at.calls -= 1;
        at.called = true;
        let came = run(Coop {
            state: (),
            run: &mut *at,
        });
        if is_away::<F>(&came) {
            at.frames.push(keep());
        }
        came
    }

    /// Asks the machine for a step, and answers what the frame that this one is then is
    /// resumed with.
    ///
    /// Where the frame was entered again, this is the point that it was left at: the step is
    /// not done, and what has come is answered.
    ///
    /// # Errors
    ///
    /// What was raised or refused; or that the native stack is being left, for the machine to
    /// do the step.
    pub fn ask(&mut self, step: Step<F>, keep: impl FnOnce() -> F) -> Came<F> {
        if self.run.arrived.is_some() {
            return self.received();
        }
        if self.run.leaving {
            return Err(self.run.stays());
        }
        let leave = self.run.leave(Some(step));
        self.run.frames.push(keep());
        Err(leave)
    }

    /// Suspends the machine, and answers what its owner answers.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn suspend(&mut self, value: F::Value, keep: impl FnOnce() -> F) -> Came<F> {
        self.ask(Step::Suspend(value), keep)
    }

    /// Attaches a value to this frame: [`Context::set_mark`]. The native stack may be left for
    /// that, so that this is a point to which the frame goes when it is entered again.
    ///
    /// # Errors
    ///
    /// That the native stack is being left.
    pub fn set_mark(
        &mut self,
        key: MarkKey,
        value: F::Value,
        keep: impl FnOnce() -> F,
    ) -> Result<(), Box<Leave<F::Value>>> {
        let was_leaving = self.run.leaving;
        let came = self.run.set_mark(key, value, !self.run.called);
        if came.is_err() && !was_leaving {
            self.run.frames.push(keep());
        }
        came
    }
}

impl<'r, F: Frame, S> Coop<'_, 'r, F, S> {
    /// What a frame that was entered again goes on with: for one that does not want to say
    /// again what it had asked for.
    ///
    /// # Errors
    ///
    /// What was raised or refused; [`Refusal::Missed`] if nothing has come, since the frame
    /// was not entered again.
    pub fn received(&mut self) -> Came<F> {
        self.run.received()
    }

    /// Whether this frame was entered again, and has not received yet what came meanwhile.
    #[must_use]
    pub fn entered_again(&self) -> bool {
        self.run.arrived.is_some()
    }

    /// The continuation, of a frame that is the body of a capture; once, and before it calls
    /// any other.
    pub fn continuation(&mut self) -> Option<Continuation<F>> {
        if self.run.called {
            return None;
        }
        self.run.continuation.take()
    }

    /// Whether what was above this frame is gone, and it starts again from its own slots:
    /// [`Input::Restarted`]. It says so until it calls another.
    #[must_use]
    pub fn restarted(&self) -> bool {
        self.run.restarted && !self.run.called
    }

    /// Calls a function that promises nothing: between the frames that it runs and this one
    /// lie Rust frames that nobody can enter again. Such a call is no point that a frame can
    /// be left at.
    ///
    /// Frames that `foreign` runs, run to their end. Their captures, aborts and suspensions
    /// stop at this call, and who tries to cross it is refused with its name. A native
    /// suspension of everything, by the [`Yielder`](crate::Yielder) of a coroutine that the
    /// machine runs in, crosses it as it crosses everything. Frames that are on the native stack
    /// are not counted in the [depth](crate::frame::Limits::depth) of those.
    ///
    /// # Errors
    ///
    /// [`Refusal::Missed`] if this frame was entered again and has not reached the point that
    /// it was left at, and [`Leave::Away`] if the stack is being left: `foreign` is not called
    /// then.
    pub fn foreign<T>(
        &mut self,
        name: &'static str,
        foreign: impl FnOnce(&mut Foreign<'_, 'r, F>) -> T,
    ) -> Result<T, Box<Leave<F::Value>>> {
        let run = &mut *self.run;
        if run.leaving {
            return Err(run.stays());
        }
        if run.arrived.is_some() {
            return Err(Refusal::Missed { frame: run.kind }.into());
        }
        Ok(foreign(&mut Foreign { name, run }))
    }

    /// What all frames share.
    pub fn world(&mut self) -> &mut F::World {
        self.run.outside.world()
    }

    /// The value of the nearest mark: [`Context::mark`].
    #[must_use]
    pub fn mark(&self, key: MarkKey) -> Option<F::Value> {
        self.run.see(|cx| cx.mark(key))
    }

    /// The values of all marks: [`Context::marks`].
    #[must_use]
    pub fn marks(&self, key: MarkKey, to: Option<PromptTag>) -> Vec<F::Value> {
        self.run.see(|cx| cx.marks(key, to))
    }

    /// Whether a capture would succeed from here: [`Context::capturable`].
    ///
    /// # Errors
    ///
    /// What it would be refused for.
    pub fn capturable(&self, tag: PromptTag) -> Result<(), Refusal> {
        self.run.see(|cx| cx.capturable(tag))
    }
}

impl<F: Frame, S> fmt::Debug for Coop<'_, '_, F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coop")
            .field("entered", &self.run.kind)
            .finish_non_exhaustive()
    }
}

/// What a foreign function sees: frames that it runs to their end.
pub struct Foreign<'f, 'r, F: Frame> {
    name: &'static str,
    run: &'f mut Run<'r, F>,
}

impl<F: Frame> Foreign<'_, '_, F> {
    /// Runs `frame` to its end: [`Context::barrier`].
    ///
    /// # Errors
    ///
    /// What it raised; or why it could not run, or not to the end.
    pub fn call(&mut self, frame: F) -> Result<F::Value, Interrupted<F::Value>> {
        let run = &mut *self.run;
        run.return_fuel();
        let came = run.change(|cx| cx.barrier(self.name, frame));
        run.take_fuel();
        run.go_on();
        came
    }

    /// What all frames share.
    pub fn world(&mut self) -> &mut F::World {
        self.run.outside.world()
    }
}

impl<F: Frame> fmt::Debug for Foreign<'_, '_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Foreign")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A state that is registered as long as its frame runs, however that ends.
struct Linked<'f, 'r, F: Frame> {
    below: *const Node<F>,
    run: &'f mut Run<'r, F>,
}

impl<F: Frame> Drop for Linked<'_, '_, F> {
    #[inline]
    fn drop(&mut self) {
        self.run.top = self.below;
    }
}
