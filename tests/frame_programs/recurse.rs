//! The same programs, by frames that recurse on the native stack.

use segno::copy::{Came, Coop, Leave};
use segno::frame::*;

use super::*;

/// A frame that is a script, whatever it is apart from that.
pub(crate) trait Recursive: Describe + Frame<Value = Value, World = World> {
    fn of(script: Script) -> Self;

    fn script(&mut self) -> &mut Script;

    /// The continuation as a value, and the other way round.
    fn held(k: Continuation<Self>) -> K;

    fn taken(k: K) -> Continuation<Self>;
}

impl Recursive for Script {
    fn of(script: Script) -> Self {
        script
    }

    fn script(&mut self) -> &mut Script {
        self
    }

    fn held(k: Continuation<Self>) -> K {
        K::Machine(k)
    }

    fn taken(k: K) -> Continuation<Self> {
        match k {
            K::Machine(k) => k,
            K::Model(..) => unreachable!(),
        }
    }
}

/// Runs a frame until it is done: where a described frame answers a step, this one calls, or
/// asks for it.
pub(crate) fn recurse<F: Recursive>(mut coop: Coop<'_, '_, F>) -> Came<F> {
    let mut input = if let Some(k) = coop.continuation() {
        Got::K(F::held(k))
    } else if coop.entered_again() {
        let came = coop.received();
        got(came, &mut coop)?
    } else {
        Got::Start
    };
    loop {
        // Not a clone: there is one frame, which is here meanwhile.
        let mut frame = Script {
            ..*coop.state.script()
        };
        let does = interpret(&mut frame, input, &mut coop);
        *coop.state.script() = frame;
        let step = match does {
            Does::Return(value) => return Ok(value),
            Does::Raise(value) => return Err(Box::new(Leave::Raised(value))),
            Does::Call(frame) if is_called_natively(&frame, coop.world()) => {
                let came = coop.call(F::of(frame), recurse);
                input = got(came, &mut coop)?;
                continue;
            }
            Does::Call(frame) => Step::Call(F::of(frame)),
            Does::TailCall(frame) => Step::TailCall(F::of(frame)),
            Does::Prompt(tag, body) => Step::Prompt {
                tag,
                body: F::of(body),
            },
            Does::Capture(tag, operator, place, body) => Step::Capture {
                tag,
                operator,
                place,
                body: F::of(body),
            },
            Does::Abort(tag, value) => Step::Abort { tag, value },
            Does::Resume(k, with) => Step::Resume {
                continuation: F::taken(k),
                with,
            },
            Does::TailResume(k, with) => Step::TailResume {
                continuation: F::taken(k),
                with,
            },
            Does::Replace(tag, k, with) => Step::Replace {
                tag,
                continuation: F::taken(k),
                with,
            },
            Does::Wind(before, body, after) => Step::wind(F::of(before), F::of(body), F::of(after)),
            Does::Suspend(value) => Step::Suspend(value),
        };
        let came = coop.ask(step);
        input = got(came, &mut coop)?;
    }
}

/// A frame that sets marks or calls the host is the lowest on its native stack, since it does
/// that without having noted the point.
fn is_called_natively(frame: &Script, world: &World) -> bool {
    let ops = &world.program[frame.body.block];
    !ops.iter()
        .any(|op| matches!(op, Op::SetMark(..) | Op::Barrier(_)))
}

/// What the frame hears of it, unless it has to hand it on.
fn got<F: Recursive>(came: Came<F>, coop: &mut Coop<'_, '_, F>) -> Result<Got, Box<Leave<Value>>> {
    match came.map_err(|leave| *leave) {
        Ok(value) => Ok(Got::Value(value)),
        Err(Leave::Raised(error)) if coop.state.script().body.catches => Ok(Got::Raised(error)),
        Err(Leave::Refused(refusal)) => Ok(Got::Refused(refusal)),
        Err(leave) => Err(Box::new(leave)),
    }
}

impl<F: Recursive> Host for Coop<'_, '_, F> {
    fn world(&mut self) -> &mut World {
        Coop::world(self)
    }

    fn set_mark(&mut self, key: MarkKey, value: Value) {
        assert!(Coop::<F>::set_mark(self, key, value).is_ok());
    }

    fn mark(&self, key: MarkKey) -> Option<Value> {
        Coop::mark(self, key)
    }

    fn marks(&self, key: MarkKey, to: Option<PromptTag>) -> Vec<Value> {
        Coop::marks(self, key, to)
    }

    fn capturable(&self, tag: PromptTag) -> Result<(), Refusal> {
        Coop::capturable(self, tag)
    }

    fn barrier(
        &mut self,
        host_call: &'static str,
        frame: Script,
    ) -> Result<Value, Interrupted<Value>> {
        let came = self.foreign(host_call, |foreign| foreign.call(F::of(frame)));
        came.unwrap_or_else(|_| unreachable!())
    }
}
