//! What an interpreter says to the machine, and what it hears.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::{Context, Continuation, PromptTag, Refusal};

/// An activation record of an interpreter: what a call has to remember to go on.
///
/// An interpreter declares one type for all of its frames, usually an enum. The machine
/// keeps the frames and resumes the topmost one; the frame updates itself in place and
/// answers what happens next. A clone is made only where a continuation is resumed more than
/// once.
///
/// ```
/// use segno::frame::{Context, Frame, Input, Machine, Outcome, Step};
///
/// /// The sum of the numbers from `n` down to 1, by a recursion that is not a tail call.
/// #[derive(Clone)]
/// struct Sum {
///     n: u64,
/// }
///
/// impl Frame for Sum {
///     type Value = u64;
///     type World = ();
///
///     fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
///         match input {
///             Input::Start if self.n == 0 => Step::Return(0),
///             Input::Start => Step::Call(Sum { n: self.n - 1 }),
///             Input::Value(below) => Step::Return(self.n + below),
///             // A limit was met: an error of the program.
///             Input::Refused(_) => Step::Raise(0),
///             _ => unreachable!("it asks for nothing else"),
///         }
///     }
/// }
///
/// let mut machine = Machine::new(Sum { n: 1_000_000 });
/// assert_eq!(machine.run(&mut ()), Outcome::Done(500_000_500_000));
/// ```
pub trait Frame: Clone + Sized {
    /// What frames pass to each other: results, errors, marks.
    type Value: Clone;
    /// What all frames share and no continuation captures: globals, ports.
    type World;

    /// Goes on with `input`, up to the next step.
    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self>;

    /// Whether a raised value stops here. One that does not is dropped unasked.
    ///
    /// The machine asks frames that are shared by continuations too, and does not clone
    /// them for that.
    fn catches(&self) -> bool {
        false
    }

    /// Visits every value that the frame holds, for a [`Tracer`](super::Tracer). Only
    /// interpreters with a collector of their own need it; without it nothing is visited.
    fn trace(&self, visit: &mut dyn FnMut(&Self::Value)) {
        let _ = visit;
    }

    /// The name of the kind of frame, if a continuation through it can be resumed only once,
    /// because it owns something that has no second copy: a lock, a connection.
    ///
    /// The machine asks when the frame is pushed; the answer must not change after that.
    #[inline(always)]
    fn one_shot(&self) -> Option<&'static str> {
        None
    }

    /// A frame that asks for this step, whatever value it is resumed with. A refusal is not for it,
    /// but for the frames below, as it would be without it: it hands that on.
    ///
    /// It is needed where a winder's thunk captures a continuation on the way out of its body, or
    /// into it: what is left of the way is a part of that, as a frame that asks for it anew. Without
    /// it such a capture is refused: [`Refusal::InWinder`]. On the way out the step is a
    /// [`Step::Abort`], a [`Step::Replace`], or a [`Step::Capture`] whose body is
    /// [`given`](Self::given) what was captured; on the way in it is a [`Step::TailResume`].
    fn escape(step: Step<Self>) -> Option<Self> {
        let _ = step;
        None
    }

    /// A frame that, whichever continuation it starts with, does what `body` does with this one.
    /// See [`escape`](Self::escape).
    fn given(body: &Self, continuation: &Continuation<Self>) -> Option<Self> {
        let _ = (body, continuation);
        None
    }
}

/// What a frame is resumed with.
pub enum Input<F: Frame> {
    /// Nothing: the frame was just called, and knows its arguments.
    Start,
    /// What the callee returned, or the machine's owner answered.
    Value(F::Value),
    /// What the callee raised, or the machine's owner; only for frames that
    /// [catch](Frame::catches).
    Raised(F::Value),
    /// The rest of the computation, for the body of a capture.
    Continuation(Continuation<F>),
    /// The step could not be done, and has changed nothing; what the frame did before it asked
    /// stays. In a box, since it is rare, and an input is handed over with every step.
    Refused(Box<Refusal>),
    /// What this frame has asked for already, on the native stack: it answers that. Only who is
    /// [`Stacked`] gets it, and [`copy::enter`](crate::copy::enter) sees to it. To hand it on
    /// costs no fuel; who answers with [`Step::Stacked`] instead is refused
    /// ([`Refusal::NotSuspended`]).
    Asked(Box<Step<F>>),
    /// What was above is gone, and this frame starts again from its own slots. No machine
    /// gives it by itself; only where a computation is restored that has lost frames.
    Restarted,
}

impl<F: Frame> From<Refusal> for Input<F> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl<F: Frame> fmt::Debug for Input<F>
where
    F::Value: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("Start"),
            Self::Value(value) => f.debug_tuple("Value").field(value).finish(),
            Self::Raised(value) => f.debug_tuple("Raised").field(value).finish(),
            Self::Continuation(k) => f.debug_tuple("Continuation").field(k).finish(),
            Self::Refused(refusal) => f.debug_tuple("Refused").field(refusal).finish(),
            Self::Asked(step) => f.debug_tuple("Asked").field(step).finish(),
            Self::Restarted => f.write_str("Restarted"),
        }
    }
}

/// What happens next.
#[must_use = "a step does nothing by itself"]
pub enum Step<F: Frame> {
    /// This frame is done; the one below gets the value.
    Return(F::Value),
    /// This frame is done, and so is every one below it up to one that
    /// [catches](Frame::catches).
    Raise(F::Value),
    /// The other frame runs; this one gets what it returns.
    Call(F),
    /// The other frame runs in place of this one, whose marks are gone.
    TailCall(F),
    /// The body runs under a prompt; this frame gets what it returns, or what it is aborted
    /// with.
    Prompt {
        /// The name of the prompt.
        tag: PromptTag,
        /// What runs under it.
        body: F,
    },
    /// Takes the rest of the computation up to a prompt, this frame included unless the
    /// [place](Place) says otherwise, and runs `body` with it. `call/cc` is
    /// [`Operator::Control`] at [`Place::Here`], and in tail position at [`Place::Instead`]; its
    /// continuations are applied by [`Replace`](Self::Replace).
    Capture {
        /// The name of the prompt.
        tag: PromptTag,
        /// What becomes of the prompt.
        operator: Operator,
        /// Where the body runs.
        place: Place,
        /// Gets the continuation as its first input.
        body: F,
    },
    /// Leaves for the frame that installed the prompt, and keeps nothing.
    Abort {
        /// The name of the prompt.
        tag: PromptTag,
        /// What that frame gets.
        value: F::Value,
    },
    /// Puts the continuation on top of this frame, which gets what it returns.
    Resume {
        /// What goes on.
        continuation: Continuation<F>,
        /// What it goes on with: a value, or an error that is raised there.
        with: Result<F::Value, F::Value>,
    },
    /// The same in place of this frame.
    TailResume {
        /// What goes on.
        continuation: Continuation<F>,
        /// What it goes on with: a value, or an error that is raised there.
        with: Result<F::Value, F::Value>,
    },
    /// Leaves for the prompt, which stays, and puts the continuation there: `call/cc`'s
    /// continuations are used so. Winders that both sides share are neither left nor
    /// entered.
    Replace {
        /// The name of the prompt.
        tag: PromptTag,
        /// What goes on.
        continuation: Continuation<F>,
        /// What it goes on with: a value, or an error that is raised there.
        with: Result<F::Value, F::Value>,
    },
    /// Runs a body between two others; see [`Step::wind`].
    Wind(Box<Wind<F>>),
    /// Stops the machine, whose owner gets the value and answers with another.
    Suspend(F::Value),
    /// This frame is done, since it could not go on: the one below gets
    /// [`Input::Refused`]. Where there is none, `Machine::run_for` answers the refusal, and `run` panics.
    Refuse(Box<Refusal>),
    /// Several calls at once, of a frame that has recursed on the native stack: see
    /// [`Stacked`].
    Stacked(Box<Stacked<F>>),
}

/// Frames on top of the one that answers with them, each called by the one before, and the
/// step that the topmost of them asks for.
#[derive(Debug)]
pub struct Stacked<F: Frame> {
    /// The frames, lowest first.
    pub frames: Vec<F>,
    /// What the topmost one asks for. Without it, that one is resumed with
    /// [`Input::Start`].
    pub asks: Option<Step<F>>,
}

/// A body, and what is run whenever control enters and leaves it.
#[derive(Clone, Debug)]
pub struct Wind<F> {
    /// Runs before the body, and again on every re-entry.
    pub before: F,
    /// What this frame gets the result of.
    pub body: F,
    /// Runs when the body is left: by a return, a raise, an abort or a capture.
    pub after: F,
}

impl<F: Frame> fmt::Debug for Step<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Return(_) => "Return",
            Self::Raise(_) => "Raise",
            Self::Call(_) => "Call",
            Self::TailCall(_) => "TailCall",
            Self::Prompt { .. } => "Prompt",
            Self::Capture { .. } => "Capture",
            Self::Abort { .. } => "Abort",
            Self::Resume { .. } => "Resume",
            Self::TailResume { .. } => "TailResume",
            Self::Replace { .. } => "Replace",
            Self::Wind(_) => "Wind",
            Self::Suspend(_) => "Suspend",
            Self::Refuse(_) => "Refuse",
            Self::Stacked(_) => "Stacked",
        })
    }
}

impl<F: Frame> Step<F> {
    /// Runs `before`, then `body`, then `after`, and gives this frame what the body
    /// returned: Scheme's `dynamic-wind`.
    ///
    /// Leaving the body in whatever way runs `after`; entering it again, by a continuation
    /// that was captured inside, runs `before` again. Both run outside of the body, each time
    /// as a fresh clone. What they return is ignored; what they raise goes on from there.
    pub fn wind(before: F, body: F, after: F) -> Self {
        Self::Wind(Box::new(Wind {
            before,
            body,
            after,
        }))
    }
}

/// What a capture does with the prompt.
///
/// | operator | the prompt stays while the body runs | the continuation includes it |
/// |---|---|---|
/// | shift | yes | yes |
/// | shift0 | no | yes |
/// | control | yes | no |
/// | control0 | no | no |
///
/// Shift and reset are Danvy and Filinski's (LFP 1990), control and prompt Felleisen's
/// (POPL 1988); the variants with a zero take the prompt away with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// The prompt stays, and the continuation has one of its own.
    Shift,
    /// The prompt goes with the continuation.
    Shift0,
    /// The prompt stays, and the continuation has none.
    Control,
    /// The prompt is gone.
    Control0,
}

impl Operator {
    /// Whether the prompt stays while the body runs.
    #[must_use]
    pub const fn keeps_prompt(self) -> bool {
        matches!(self, Self::Shift | Self::Control)
    }

    /// Whether the continuation includes the prompt.
    #[must_use]
    pub const fn takes_prompt(self) -> bool {
        matches!(self, Self::Shift | Self::Shift0)
    }
}

/// Where the body of a capture runs.
///
/// | place | runs on top of | the continuation begins with |
/// |---|---|---|
/// | prompt | the prompt, or what is below it | the frame that captures |
/// | here | the frame that captures | that frame |
/// | instead | the frame below that | the frame below |
///
/// At the last two the rest of the computation stays where it is, and so does the prompt, whatever
/// the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// At the prompt: the computation up to there is left.
    Prompt,
    /// On top of the frame that captures, which gets what the body returns. That is how `call/cc`
    /// calls its argument.
    Here,
    /// In place of the frame that captures, which is gone, and its marks with it, as by a
    /// [tail call](Step::TailCall): so a loop by `call/cc` in tail position does not grow. Where
    /// that was the only frame under the prompt, the continuation is
    /// [empty](Continuation::is_empty).
    Instead,
}

/// Why a machine stopped.
#[must_use = "the machine may not be done"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<V> {
    /// The last frame returned.
    Done(V),
    /// No frame caught this. The frames are gone.
    Raised(V),
    /// A frame asked the machine's owner; answer with
    /// [`Machine::answer`](super::Machine::answer).
    Suspended(V),
    /// The fuel is used up; run again to go on.
    OutOfFuel,
}
