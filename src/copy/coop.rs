//! What a frame that recurses on the native stack sees of everything else.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ptr;

use super::host::Host;
use crate::frame::{Context, Continuation, Describe, Frame, Input, Interrupted, MarkKey};
use crate::frame::{PromptTag, Refusal, Stacked, Step};

/// How many bytes of the native stack frames may use before they are put away and the next
/// one begins where the first began.
const NATIVE_STACK: usize = 128 * 1024;

/// What a frame that recurses on the native stack comes to, if not to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leave<V> {
    /// It raised this. Whoever called it may go on.
    Raised(V),
    /// What it asked for was refused, and it has not gone on from there. Whoever called it may.
    Refused(Box<Refusal>),
    /// The native stack is being left. Every function hands this on at once, as `?` does; its
    /// frame is kept, and it is entered again when there is something to go on with.
    Away(Away),
}

/// That the native stack is being left. Nobody but the crate makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Away(());

impl<V> From<Refusal> for Leave<V> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl<V> From<Interrupted<V>> for Leave<V> {
    fn from(interrupted: Interrupted<V>) -> Self {
        match interrupted {
            Interrupted::Raised(error) => Self::Raised(error),
            Interrupted::Refused(refusal) => refusal.into(),
        }
    }
}

/// What a frame comes to that recurses on the native stack.
pub type Came<F> = Result<<F as Frame>::Value, Leave<<F as Frame>::Value>>;

/// What all frames of one run on the native stack share.
pub(super) struct Run<'r, F: Frame> {
    pub(super) host: Host<'r, F>,
    /// How many more frames may be called without a look at anything else: as long as fuel
    /// and depth are certain to do, and none while something is to be looked at.
    calls: u64,
    /// The fuel that is not in there.
    fuel: u64,
    /// Where the state of the lowest frame is.
    lowest: usize,
    /// The lowest address that frames may get to.
    end: usize,
    /// What the lowest frame was entered with, until it is at the point that it was left at.
    arrived: Option<Input<F>>,
    /// What it was entered with as the body of a capture.
    continuation: Option<Continuation<F>>,
    restarted: bool,
    /// Whether the stack is being left; the frames that were on it, topmost first; and what
    /// the topmost asked for.
    leaving: bool,
    frames: Vec<F>,
    asks: Option<Step<F>>,
    /// The foreign function that is running.
    foreign: Option<&'static str>,
}

impl<'r, F: Describe> Run<'r, F> {
    fn new(mut cx: Context<'r, F>, input: Input<F>, lowest: usize, end: usize) -> Self {
        let fuel = core::mem::take(cx.fuel_mut());
        let restarted = matches!(input, Input::Restarted);
        let (arrived, continuation) = match input {
            Input::Start | Input::Restarted => (None, None),
            Input::Continuation(k) => (None, Some(k)),
            input => (Some(input), None),
        };
        let mut run = Self {
            host: Host::Machine(cx),
            calls: 0,
            fuel,
            lowest,
            end,
            arrived,
            continuation,
            restarted,
            leaving: false,
            frames: Vec::new(),
            asks: None,
            foreign: None,
        };
        run.go_on();
        run
    }

    /// Sees to it that the next call takes the long way.
    fn look(&mut self) {
        self.fuel += core::mem::take(&mut self.calls);
    }

    /// The reverse, once there is nothing left to look at.
    fn go_on(&mut self) {
        if self.arrived.is_none() && !self.leaving && self.foreign.is_none() {
            self.look();
            let depth = self.host.context().depth_left();
            self.calls = self.fuel.min(u64::try_from(depth).unwrap_or(u64::MAX));
            self.fuel -= self.calls;
        }
    }

    /// What the frames that were on the native stack are for the machine.
    #[cold]
    fn stacked(&mut self) -> Step<F> {
        let mut frames = core::mem::take(&mut self.frames);
        match self.asks.take() {
            Some(asks) if frames.is_empty() => asks,
            asks => {
                frames.reverse();
                Step::Stacked(Box::new(Stacked { frames, asks }))
            }
        }
    }

    /// Leaves the native stack.
    #[cold]
    fn leave(&mut self, asks: Option<Step<F>>) -> Leave<F::Value> {
        self.leaving = true;
        self.asks = asks;
        self.look();
        Leave::Away(Away(()))
    }
}

/// Runs a frame on the native stack, for its [`Frame::resume`]; `run` is the function that its
/// kind of state is [called](Coop::call) with.
///
/// Frames that `run` calls stay on the native stack until one of them asks the machine for
/// something, or that stack is used up; then they become frames of the machine, each with the
/// state that it has reached, and are entered again one by one, the topmost first, as values
/// come back to them.
///
/// A frame that is entered again gets what was raised too: so its [`Frame::catches`] answers
/// that it does.
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
    let here = ptr::from_ref(&input) as usize;
    let outermost = cx.native_end_mut().is_none();
    let end = *cx
        .native_end_mut()
        .get_or_insert(here.saturating_sub(NATIVE_STACK));
    let lowest = ptr::from_ref(&*state) as usize;
    let mut at = Run::new(cx.reborrow(), input, lowest, end);
    let came = run(Coop {
        state: &mut *state,
        run: &mut at,
    });
    let fuel = at.fuel + at.calls;
    let frame = state.descriptor().name;
    let step = if at.arrived.is_some() {
        Step::Refuse(Box::new(Refusal::Missed { frame }))
    } else if at.leaving != matches!(came, Err(Leave::Away(_))) {
        Step::Refuse(Box::new(Refusal::Stayed { frame }))
    } else {
        match came {
            Ok(value) => Step::Return(value),
            Err(Leave::Raised(error)) => Step::Raise(error),
            Err(Leave::Refused(refusal)) => Step::Refuse(refusal),
            Err(Leave::Away(_)) => at.stacked(),
        }
    };
    *cx.fuel_mut() = fuel;
    if outermost {
        *cx.native_end_mut() = None;
    }
    step
}

/// What a frame that recurses on the native stack sees: its own state, and the operators.
///
/// Whatever has to survive a capture is in the state; so is the point that the frame has
/// reached, *before* it asks for anything. A frame that is entered again finds its state as
/// it was, and goes straight to that point: what it asks for there is not done again, but
/// answers what has come meanwhile.
///
/// The state is reached through here, and not by a reference beside it, so that nothing
/// borrows from it while something is asked for: what a capture copies is what the frame has
/// written.
pub struct Coop<'c, 'r, F: Frame> {
    /// The state of this frame.
    pub state: &'c mut F,
    run: &'c mut Run<'r, F>,
}

impl<'r, F: Describe> Coop<'_, 'r, F> {
    /// Calls `run` with a state of its own: a frame on top of this one.
    ///
    /// `run` has to be what [`Frame::resume`] gives to [`enter`](super::enter) for such a
    /// state, since that is how it is entered again.
    ///
    /// # Errors
    ///
    /// What the frame came to if not to a value; or why it could not be called.
    #[inline]
    pub fn call<R>(&mut self, state: F, run: R) -> Came<F>
    where
        R: FnOnce(Coop<'_, 'r, F>) -> Came<F>,
    {
        let mut state = state;
        let at = &mut *self.run;
        let here = ptr::from_ref(&state) as usize;
        if at.calls == 0 || here.wrapping_sub(at.end) > NATIVE_STACK {
            return self.ask(Step::Call(state));
        }
        at.calls -= 1;
        let came = run(Coop {
            state: &mut state,
            run: &mut *at,
        });
        if let Err(Leave::Away(_)) = came {
            at.frames.push(state);
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
        let run = &mut *self.run;
        if run.leaving {
            return Err(Leave::Away(Away(())));
        }
        match (run.foreign, step) {
            (_, Step::Raise(error)) => Err(Leave::Raised(error)),
            (_, Step::Refuse(refusal)) => Err(Leave::Refused(refusal)),
            (Some(name), Step::Call(frame)) => self.nested(name, frame),
            (Some(host_call), _) => Err(Refusal::Barrier { host_call }.into()),
            (None, step) => Err(run.leave(Some(step))),
        }
    }

    /// Suspends the machine, and answers what its owner answers.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn suspend(&mut self, value: F::Value) -> Came<F> {
        self.ask(Step::Suspend(value))
    }

    /// What a frame that was entered again goes on with: for one that does not want to say
    /// again what it had asked for.
    ///
    /// # Errors
    ///
    /// What was raised or refused; [`Refusal::Missed`] if nothing has come, since the frame
    /// was not entered again.
    pub fn received(&mut self) -> Came<F> {
        let frame = self.kind();
        let run = &mut *self.run;
        let came = match run.arrived.take() {
            Some(Input::Value(value)) => Ok(value),
            Some(Input::Raised(error)) => Err(Leave::Raised(error)),
            Some(Input::Refused(refusal)) => Err(Leave::Refused(refusal)),
            _ => Err(Refusal::Missed { frame }.into()),
        };
        run.go_on();
        came
    }

    /// Whether this frame was entered again, and has not received yet what came meanwhile.
    #[must_use]
    pub fn entered_again(&self) -> bool {
        self.run.arrived.is_some()
    }

    /// The continuation, of a frame that is the body of a capture; once.
    pub fn continuation(&mut self) -> Option<Continuation<F>> {
        self.run.continuation.take()
    }

    /// Whether what was above this frame is gone, and it starts again from its own slots:
    /// [`Input::Restarted`].
    #[must_use]
    pub fn restarted(&self) -> bool {
        self.run.restarted && self.is_lowest()
    }

    /// Calls a function that promises nothing: between the frames that it calls and this one
    /// lie Rust frames that nobody can enter again. Such a call is no point that a frame can
    /// be left at.
    ///
    /// Frames that `foreign` calls run to their end. Their captures, aborts and suspensions
    /// stop at this call, and who tries to cross it is refused with its name. A native
    /// suspension of everything, by the [`Yielder`](crate::Yielder) of a coroutine that the
    /// machine runs in, crosses it as it crosses everything.
    ///
    /// # Errors
    ///
    /// [`Refusal::Missed`] if this frame was entered again and has not reached the point that
    /// it was left at, and [`Leave::Away`] if the stack is being left: `foreign` is not called
    /// then.
    pub fn foreign<T>(
        &mut self,
        name: &'static str,
        foreign: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, Leave<F::Value>> {
        if self.run.leaving {
            return Err(Leave::Away(Away(())));
        }
        if self.run.arrived.is_some() {
            let frame = self.kind();
            return Err(Refusal::Missed { frame }.into());
        }
        let outer = self.run.foreign.replace(name);
        self.run.look();
        let inside = Foreign { coop: self, outer };
        Ok(foreign(&mut *inside.coop))
    }

    /// Runs `frame` to its end, by itself: [`Context::barrier`]. The native stack may be left
    /// for that, so that this is a point to which the frame goes when it is entered again.
    ///
    /// # Errors
    ///
    /// What it raised; why it could not run, or not to the end; or that the native stack is
    /// being left.
    pub fn barrier(&mut self, host_call: &'static str, frame: F) -> Came<F> {
        let lowest = self.is_lowest();
        let run = &mut *self.run;
        if run.leaving {
            return Err(Leave::Away(Away(())));
        }
        if run.arrived.is_some() {
            let frame = self.kind();
            return Err(Refusal::Missed { frame }.into());
        }
        if !lowest && run.foreign.is_none() {
            return Err(run.leave(None));
        }
        self.nested(host_call, frame)
    }

    /// Runs `frame` to its end. The frames that are on the native stack now are not counted in
    /// its depth.
    fn nested(&mut self, host_call: &'static str, frame: F) -> Came<F> {
        let run = &mut *self.run;
        run.look();
        let cx = run.host.context_mut();
        *cx.fuel_mut() = run.fuel;
        let came = cx.barrier(host_call, frame);
        run.fuel = core::mem::take(cx.fuel_mut());
        run.go_on();
        came.map_err(Leave::from)
    }

    /// What all frames share.
    pub fn world(&mut self) -> &mut F::World {
        self.run.host.context_mut().world
    }

    /// Attaches a value to this frame: [`Context::set_mark`]. The native stack may be left for
    /// that, so that this is a point to which the frame goes when it is entered again.
    ///
    /// # Errors
    ///
    /// That the native stack is being left.
    pub fn set_mark(&mut self, key: MarkKey, value: F::Value) -> Result<(), Leave<F::Value>> {
        let lowest = self.is_lowest();
        let run = &mut *self.run;
        if run.leaving {
            return Err(Leave::Away(Away(())));
        }
        if !lowest {
            return Err(run.leave(None));
        }
        run.host.context_mut().set_mark(key, value);
        Ok(())
    }

    /// The value of the nearest mark: [`Context::mark`].
    #[must_use]
    pub fn mark(&self, key: MarkKey) -> Option<F::Value> {
        self.run.host.context().mark(key)
    }

    /// The values of all marks: [`Context::marks`].
    #[must_use]
    pub fn marks(&self, key: MarkKey, to: Option<PromptTag>) -> Vec<F::Value> {
        self.run.host.context().marks(key, to)
    }

    /// Whether a capture would succeed from here: [`Context::capturable`].
    ///
    /// # Errors
    ///
    /// What it would be refused for.
    pub fn capturable(&self, tag: PromptTag) -> Result<(), Refusal> {
        if let Some(host_call) = self.run.foreign {
            return Err(Refusal::Barrier { host_call });
        }
        self.run.host.context().capturable(tag)
    }

    /// Whether this frame is the one that the machine has resumed.
    fn is_lowest(&self) -> bool {
        ptr::from_ref(&*self.state) as usize == self.run.lowest
    }

    /// The kind of this frame.
    fn kind(&self) -> &'static str {
        self.state.descriptor().name
    }
}

impl<F: Describe> fmt::Debug for Coop<'_, '_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coop")
            .field("state", &self.kind())
            .field("is_lowest", &self.is_lowest())
            .finish_non_exhaustive()
    }
}

/// A foreign function that is running. Its end, which may be a panic, leaves the run as it
/// was.
struct Foreign<'f, 'c, 'r, F: Describe> {
    coop: &'f mut Coop<'c, 'r, F>,
    outer: Option<&'static str>,
}

impl<F: Describe> Drop for Foreign<'_, '_, '_, F> {
    fn drop(&mut self) {
        self.coop.run.foreign = self.outer;
        self.coop.run.go_on();
    }
}
