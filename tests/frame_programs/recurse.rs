//! The same programs, by frames that recurse on the native stack.

use segno::copy::{Came, Coop, Leave};
use segno::frame::*;

use super::*;

/// Runs a frame until it is done: where a described frame answers a step, this one calls, or
/// asks for it.
pub(crate) fn recurse(mut coop: Coop<'_, '_, Script>) -> Came<Script> {
    let mut input = if let Some(k) = coop.continuation() {
        Got::K(K::Machine(k))
    } else if coop.entered_again() {
        let came = coop.received();
        got(came, &coop)?
    } else {
        Got::Start
    };
    let of_machine = |k| match k {
        K::Machine(k) => k,
        K::Model(..) => unreachable!(),
    };
    loop {
        // Not a clone: there is one frame, which is here meanwhile.
        let mut frame = Script { ..*coop.state };
        let does = interpret(&mut frame, input, &mut coop);
        *coop.state = frame;
        let step = match does {
            Does::Return(value) => return Ok(value),
            Does::Raise(value) => return Err(Box::new(Leave::Raised(value))),
            Does::Call(frame) if is_called_natively(&frame, coop.world()) => {
                let came = coop.call(frame, recurse);
                input = got(came, &coop)?;
                continue;
            }
            Does::Call(frame) => Step::Call(frame),
            Does::TailCall(frame) => Step::TailCall(frame),
            Does::Prompt(tag, body) => Step::Prompt { tag, body },
            Does::Capture(tag, operator, place, body) => Step::Capture {
                tag,
                operator,
                place,
                body,
            },
            Does::Abort(tag, value) => Step::Abort { tag, value },
            Does::Resume(k, with) => Step::Resume {
                continuation: of_machine(k),
                with,
            },
            Does::TailResume(k, with) => Step::TailResume {
                continuation: of_machine(k),
                with,
            },
            Does::Replace(tag, k, with) => Step::Replace {
                tag,
                continuation: of_machine(k),
                with,
            },
            Does::Wind(before, body, after) => Step::wind(before, body, after),
            Does::Suspend(value) => Step::Suspend(value),
        };
        let came = coop.ask(step);
        input = got(came, &coop)?;
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
fn got(came: Came<Script>, coop: &Coop<'_, '_, Script>) -> Result<Got, Box<Leave<Value>>> {
    match came.map_err(|leave| *leave) {
        Ok(value) => Ok(Got::Value(value)),
        Err(Leave::Raised(error)) if coop.state.body.catches => Ok(Got::Raised(error)),
        Err(Leave::Refused(refusal)) => Ok(Got::Refused(refusal)),
        Err(leave) => Err(Box::new(leave)),
    }
}

impl Host for Coop<'_, '_, Script> {
    fn world(&mut self) -> &mut World {
        Coop::world(self)
    }

    fn set_mark(&mut self, key: MarkKey, value: Value) {
        assert!(Coop::<Script>::set_mark(self, key, value).is_ok());
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
        let came = self.foreign(host_call, |foreign| foreign.call(frame));
        came.unwrap_or_else(|_| unreachable!())
    }
}
