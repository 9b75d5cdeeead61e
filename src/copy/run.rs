//! What all frames share that are on one native stack, and how that is left.

#![forbid(unsafe_code)]

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;
use core::ptr;

use super::leave::{Came, Leave, away, raise};
use crate::engine;
use crate::frame::{Context, Continuation, Frame, Input, MarkKey, Place, Refusal, Stacked, Step};

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
    pub(super) outside: &'r mut dyn Outside<F>,
    /// How many more frames may be called without a look at anything else: as long as fuel
    /// and depth are certain to do, and none while something is to be looked at.
    pub(super) calls: u64,
    /// Whether any was called since the lowest frame was entered.
    pub(super) called: bool,
    /// The fuel that is not in there.
    pub(super) fuel: u64,
    /// The lowest address that frames may get to, and how far above it they may be.
    pub(super) end: usize,
    pub(super) room: usize,
    /// What the lowest frame was entered with, until it is at the point that it was left at.
    pub(super) arrived: Option<Input<F>>,
    /// What it was entered with as the body of a capture.
    pub(super) continuation: Option<Continuation<F>>,
    pub(super) restarted: bool,
    /// The lowest state, where the native stack is there again when there is something to go on
    /// with: then it is not left.
    pub(super) root: *const Node<F>,
    /// What the frame has come to that has just ended, if it was ended by a step.
    pub(super) done: Option<Came<F>>,
    /// The state on top, of those that were registered, and so on.
    pub(super) top: *const Node<F>,
    /// The kind of the lowest frame.
    pub(super) kind: &'static str,
    /// Whether the stack is being left; the frames that were on it, topmost first; and what
    /// the topmost asked for.
    pub(super) leaving: bool,
    pub(super) frames: Vec<F>,
    /// Whether a frame went on meanwhile.
    pub(super) stayed: bool,
    pub(super) asks: Option<Step<F>>,
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

    pub(super) fn see<T>(&self, look: impl FnOnce(&Context<'_, F>) -> T) -> T {
        let (mut look, mut seen) = (Some(look), None);
        self.outside
            .see(&mut |cx| seen = look.take().map(|look| look(cx)));
        seen.unwrap_or_else(|| unreachable!("a look is one call"))
    }

    pub(super) fn change<T>(&mut self, change: impl FnOnce(&mut Context<'_, F>) -> T) -> T {
        let (mut change, mut came) = (Some(change), None);
        self.outside
            .change(&mut |cx| came = change.take().map(|change| change(cx)));
        came.unwrap_or_else(|| unreachable!("a change is one call"))
    }

    pub(super) fn take_fuel(&mut self) {
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
    pub(super) fn has_room(&self) -> bool {
        engine::stack_pointer().wrapping_sub(self.end) <= self.room
    }

    /// Sees to it that the next call takes the long way.
    pub(super) fn look(&mut self) {
        self.fuel += mem::take(&mut self.calls);
    }

    /// The reverse, once there is nothing left to look at.
    pub(super) fn go_on(&mut self) {
        if self.arrived.is_none() && !self.leaving {
            self.look();
            let depth = self.see(|cx| cx.depth_left());
            self.calls = self.fuel.min(u64::try_from(depth).unwrap_or(u64::MAX));
            self.fuel -= self.calls;
        }
    }

    #[cold]
    pub(super) fn received(&mut self) -> Came<F> {
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
    pub(super) fn ask(&mut self, step: Step<F>) -> Came<F> {
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
            Step::Capture {
                tag,
                operator,
                place: Place::Instead,
                body,
            } if ends => {
                // The image stays, and with it those that called the one that is gone.
                let here = Step::Capture {
                    tag,
                    operator,
                    place: Place::Here,
                    body,
                };
                (here, true)
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
    pub(super) fn stays_here(&self) -> bool {
        !self.root.is_null()
    }

    /// What the frame is answered that a step has ended, where the native stack is not left.
    #[cold]
    pub(super) fn ended(&mut self, came: Came<F>) -> Came<F> {
        self.done = Some(came);
        Err(away::<F>())
    }

    #[cold]
    pub(super) fn stayed(&self) -> Box<Leave<F::Value>> {
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

    pub(super) fn set_mark(
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
    pub(super) fn leave(&mut self, asks: Option<Step<F>>) -> Box<Leave<F::Value>> {
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
    pub(super) fn stays(&mut self) -> Box<Leave<F::Value>> {
        self.stayed = true;
        away::<F>()
    }

    /// What the frames that were on the native stack are for the machine.
    #[cold]
    pub(super) fn stacked(&mut self) -> Step<F> {
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

/// A state that is registered as long as its frame runs, however that ends.
pub(super) struct Linked<'f, 'r, F: Frame> {
    pub(super) below: *const Node<F>,
    pub(super) run: &'f mut Run<'r, F>,
}

impl<F: Frame> Drop for Linked<'_, '_, F> {
    #[inline]
    fn drop(&mut self) {
        self.run.top = self.below;
    }
}
