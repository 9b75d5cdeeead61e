//! What a frame that recurses on the native stack sees of everything else.

#![forbid(unsafe_code)]

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::ptr;

use super::leave::{Came, Leave, is_away};
use super::run::{Linked, Node, Outside, Run};
use super::state::State;
use crate::engine;
use crate::frame::{Context, Continuation, Describe, Frame, Input, Interrupted, MarkKey};
use crate::frame::{PromptTag, Refusal, Step};

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
/// functions never look at an `Err`. Else the same program is caught at one depth, and not at
/// another. What is refused they get in any case; one that hands it on hands it to its caller,
/// and the lowest to whoever runs the machine.
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
/// is done again, and takes for its own what has come for another:
///
/// ```text
/// // Wrong: when the second has been left, the first gets its answer, and the second is asked again.
/// let sum = coop.call(first, run)? + coop.call(second, run)?;
///
/// // Right: what is done is in the state, and says how far it has come.
/// while let Some(part) = parts.get(coop.state.done.len()) {
///     let value = coop.call(part.clone(), run)?;
///     coop.state.done.push(value);
/// }
/// ```
///
/// The native stack is left by programs that ask for nothing, too: when fuel is used up, or as much
/// of the stack as the limits allow. A test sets [`Limits::native_stack`] to 0, so that each call
/// leaves it, and what is not in the state is missed at once.
///
/// [`Limits::native_stack`]: crate::frame::Limits::native_stack
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
    /// Calls `run`, a function like this one: first what frame *this* one is while that runs, then
    /// what frame *that* one begins as. `keep` is asked if the native stack is left meanwhile, and
    /// `callee` if it is left before, since fuel or room are used up.
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
    /// any other. It goes into the state at once: a frame that is entered again gets none.
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
    /// ```
    /// # use segno::copy::{Came, Coop};
    /// # use segno::frame::{Describe, Frame, Interrupted};
    /// fn sorted<F: Describe + Frame<Value = i64>>(mut coop: Coop<F>, compare: F) -> Came<F> {
    ///     let least = coop.foreign("sort", |foreign| {
    ///         let first = foreign.call(compare.clone())?;
    ///         let second = foreign.call(compare)?;
    ///         Ok::<_, Interrupted<i64>>(first.min(second))
    ///     })?;
    ///     Ok(least?)
    /// }
    /// ```
    ///
    /// Frames that `foreign` runs, run to their end. Their captures, aborts and suspensions
    /// stop at this call, and who tries to cross it is refused with its name, by
    /// [`Refusal::Barrier`]. A native
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
