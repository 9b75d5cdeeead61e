//! A program that runs, as its owner sees it.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;
use core::mem;

use super::continuation::Piece;
use super::escaping::frames_of;
use super::ledger::Ledger;
use super::level::{Boundary, Level, Levels};
use super::position::Attached;
use super::run::{Next, State};
use super::{Continuation, Frame, Input, Outcome, Refusal};

/// What a program may use. Little is limited unless it is said, by `Machine::set_limits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many frames deep the stack may be; at most half of what a `usize` can count.
    pub depth: usize,
    /// How many prompts may be installed. Those with nothing between them count once; so do
    /// host calls and winders of an escape that are running.
    pub prompts: usize,
    /// How many frames may be alive in sealed segments: those of captured continuations, and
    /// those that wait under a prompt or a winder. What several continuations share counts
    /// once; what a continuation has for itself, of each prompt that it goes through, counts
    /// as a frame.
    pub sealed_frames: usize,
    /// How deep host calls may be nested that re-enter the machine; each takes some of the
    /// Rust stack.
    pub nesting: usize,
    /// How many steps a host call's frames may do after the fuel is used up, since a host
    /// call cannot pause.
    pub overrun: u64,
    /// How many bytes of the native stack frames may take that [recurse](crate::copy::enter) on
    /// it, before they are put away as if they had asked for something. With 0 each call is put
    /// away: a test of whether frames can be entered again.
    pub native_stack: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: usize::MAX / 2,
            prompts: usize::MAX,
            sealed_frames: usize::MAX,
            nesting: 100,
            overrun: u64::MAX,
            native_stack: 128 * 1024,
        }
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
    /// For nothing: it runs. Or a frame panicked, and nobody knows where it is.
    Step,
}

/// Runs frames.
///
/// See the [module documentation](super) for a guide.
pub struct Machine<F: Frame> {
    /// The frames on top of the stack.
    pub(super) frames: Vec<F>,
    pub(super) state: State<F>,
    pub(super) pending: Pending<F>,
    fuel_left: u64,
}

impl<F: Frame> Machine<F> {
    /// A machine that will run `frame`.
    pub fn new(frame: F) -> Self {
        let mut machine = Self::idle();
        machine.push(frame);
        machine
    }

    /// A machine that has nothing to do, and no limits.
    #[must_use]
    pub fn idle() -> Self {
        Self::of(Ledger::new())
    }

    /// Another that has nothing to do, with the same limits. Their captured frames are counted
    /// together, and dropped together: where a frame of one machine holds a continuation of
    /// another, and so on, that takes some of the Rust stack for each if the machines are not
    /// beside each other.
    #[must_use]
    pub fn beside(&self) -> Self {
        let mut machine = Self::of(self.state.ledger.clone());
        machine.state.limits = self.state.limits;
        machine
    }

    fn of(ledger: Rc<Ledger<F>>) -> Self {
        Self {
            frames: Vec::new(),
            state: State {
                levels: Levels::new(Level::empty(Boundary::Bottom)),
                attached: Attached::new(),
                below: 0,
                ledger,
                limits: Limits::default(),
                nesting: 0,
                overrun: 0,
                passed: Cell::new(0),
                looked: Cell::new(0),
                native_end: None,
            },
            pending: Pending::Frame,
            fuel_left: 0,
        }
    }

    fn push(&mut self, frame: F) {
        self.state.push(&mut self.frames, frame);
        self.pending = Pending::Input(Input::Start);
    }

    /// Sets what the program may use from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.state.limits = Limits {
            // So that the sum of two depths is no problem.
            depth: limits.depth.min(usize::MAX / 2),
            ..limits
        };
    }

    /// What the program may use.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.state.limits
    }

    /// How many frames deep the stack is.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.state.below + self.frames.len()
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
    /// [`Refusal::NotSuspended`] if it is not done, [`Refusal::Depth`] if it may have no frame.
    pub fn start(&mut self, frame: F) -> Result<(), Refusal> {
        match self.pending {
            Pending::Frame if self.state.limits.depth == 0 => Err(self.state.too_deep()),
            Pending::Frame => {
                self.push(frame);
                Ok(())
            }
            _ => Err(Refusal::NotSuspended),
        }
    }

    /// Gives a machine that is done a continuation to go on with, and what it goes on with: a
    /// value, or an error that is raised there. The limits are this machine's, whatever those
    /// were under which it was captured.
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
        self.state.check_resume(&continuation, 0, 0)?;
        // One after the other, machines may go on with what the one before has left: its
        // frames lie below theirs then, and are counted and dropped together.
        if self.state.ledger.sealed() == 0
            && let Some(ledger) = continuation.ledger()
        {
            self.state.ledger = ledger.clone();
        }
        let next = self
            .state
            .enter(&mut self.frames, continuation.into_piece(), with, 0);
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

    /// Whether it has suspended, and waits for [`answer`](Self::answer).
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        matches!(self.pending, Pending::Answer)
    }

    /// Runs until the program is done, raises or suspends.
    ///
    /// # Panics
    ///
    /// If there is nothing to run: the machine is done, or waits for an answer. Or if the lowest
    /// frame hands a refusal on, by [`Step::Refuse`](super::Step::Refuse): who runs frames that may,
    /// those of [`copy`](crate::copy) for instance, calls [`run_for`](Self::run_for), which answers
    /// it.
    pub fn run(&mut self, world: &mut F::World) -> Outcome<F::Value> {
        match self.run_for(u64::MAX, world) {
            Ok(outcome) => outcome,
            Err(refusal) => panic!("{refusal}"),
        }
    }

    /// Runs for at most so many steps. A step is one call of [`Frame::resume`]; one that goes
    /// through very many prompts, winders or frames at once counts as several.
    ///
    /// Where a frame panics, so does this; the machine can be dropped then, and nothing else.
    /// How many of the steps were not done tells [`fuel_left`](Self::fuel_left).
    ///
    /// # Errors
    ///
    /// [`Refusal::NoFuel`] if `steps` is zero, [`Refusal::NoFrames`] if the machine is done,
    /// [`Refusal::NotSuspended`] if it waits for an answer. What the lowest frame hands on by
    /// [`Step::Refuse`](super::Step::Refuse); the machine is done then. [`Refusal::OneShot`] if the lowest
    /// frame can be resumed once, and was by another machine; this one is done then.
    pub fn run_for(
        &mut self,
        steps: u64,
        world: &mut F::World,
    ) -> Result<Outcome<F::Value>, Refusal> {
        if steps == 0 {
            return Err(Refusal::NoFuel);
        }
        let input = match mem::replace(&mut self.pending, Pending::Step) {
            Pending::Input(input) => input,
            other => {
                let is_done = matches!(other, Pending::Frame);
                self.pending = other;
                return Err(if is_done {
                    Refusal::NoFrames
                } else {
                    Refusal::NotSuspended
                });
            }
        };
        let mut fuel = steps;
        self.state.overrun = 0;
        let mut left = Input::Restarted;
        let outcome = match self.state.begin(&mut self.frames, input) {
            Next::Resume(input) => {
                let frames = &mut self.frames;
                self.state.run(frames, input, world, &mut fuel, &mut left)
            }
            Next::Stop(outcome) => Ok(outcome),
            Next::Refuse(refusal) => Err(refusal),
        };
        self.fuel_left = fuel;
        self.pending = match outcome {
            Ok(Outcome::OutOfFuel) => Pending::Input(left),
            Ok(Outcome::Suspended(_)) => Pending::Answer,
            Ok(Outcome::Done(_) | Outcome::Raised(_)) | Err(_) => Pending::Frame,
        };
        outcome
    }

    /// How many of the steps that the last run was given it did not do, since the program was
    /// done or suspended before.
    #[must_use]
    pub fn fuel_left(&self) -> u64 {
        self.fuel_left
    }

    /// The whole computation, of a machine that is paused or suspended; none if it is done, or
    /// if a winder is running on a way that no frame [stands for](Frame::escape), or for whose
    /// frame there is no room. The machine goes on as if nothing had been.
    pub fn continuation(&mut self) -> Option<Continuation<F>> {
        if let Pending::Frame | Pending::Step = self.pending {
            return None;
        }
        let state = &mut self.state;
        let escapes = state.all_escapes()?;
        let more = frames_of(&escapes);
        if more > 0 && state.below + self.frames.len() + more > state.limits.depth {
            return None;
        }
        state.seal(&mut self.frames);
        state.settle(escapes);
        let levels = state.levels.from(0).iter().map(Level::share).collect();
        let piece = Piece::new(levels);
        Some(Continuation::new(piece, &state.ledger))
    }
}

impl<F: Frame> fmt::Debug for Machine<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits_for = match self.pending {
            Pending::Input(_) => "fuel",
            Pending::Answer => "an answer",
            Pending::Frame => "a frame",
            Pending::Step => "nothing",
        };
        f.debug_struct("Machine")
            .field("depth", &self.depth())
            .field("sealed_frames", &self.sealed_frames())
            .field("waits_for", &waits_for)
            .finish_non_exhaustive()
    }
}
