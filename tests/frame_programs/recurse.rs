//! The same programs, by frames that recurse on the native stack.

use segno::copy::{Came, Coop, Keep, Leave, enter, enter_keeping, raise};
use segno::frame::*;

use super::*;

/// How frames recurse.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Style {
    /// Each with a state that it keeps up to date.
    State,
    /// Each saying what it is when the native stack is left.
    Keep,
}

pub(crate) const STYLES: [Style; 2] = [Style::State, Style::Keep];

/// Lets frames recurse meanwhile, if that is what is wanted.
pub(crate) fn recursing<T>(style: impl Into<Option<Style>>, run: impl FnOnce() -> T) -> T {
    /// What a failed law is looked into with begins as data again.
    struct AsData;

    impl Drop for AsData {
        fn drop(&mut self) {
            RECURSES.set(None);
        }
    }

    RECURSES.set(style.into());
    let _as_data = AsData;
    run()
}

pub(crate) fn resume(
    frame: &mut Script,
    input: Input<Script>,
    cx: &mut Context<'_, Script>,
    style: Style,
) -> Step<Script> {
    match style {
        Style::State => enter(frame, input, cx, recurse),
        Style::Keep => enter_keeping(frame, input, cx, |frame, coop| keep(same(frame), coop)),
    }
}

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

/// What a script does, as a step.
pub(crate) fn step<F: Recursive>(does: Does) -> Step<F> {
    match does {
        Does::Return(value) => Step::Return(value),
        Does::Raise(value) => Step::Raise(value),
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
    }
}

/// Not a clone: there is one frame, which is here meanwhile.
fn same(frame: &Script) -> Script {
    Script { ..*frame }
}

/// Runs a frame until it is done: where a described frame answers a step, this one calls, or
/// asks for it.
pub(crate) fn recurse<F: Recursive>(mut coop: Coop<'_, '_, F>) -> Came<F> {
    let catches = coop.state.script().body.catches;
    let mut input = first(&mut coop, catches)?;
    loop {
        let mut frame = same(coop.state.script());
        let does = interpret(&mut frame, input, &mut coop);
        *coop.state.script() = frame;
        let came = match does {
            Does::Return(value) => return Ok(value),
            Does::Raise(value) => return raise(value),
            Does::Call(frame) if !is_lowest(&frame, coop.world()) => {
                coop.call(F::of(frame), recurse)
            }
            does => coop.ask(step(does)),
        };
        input = got::<F>(came, catches)?;
    }
}

/// The same, by a function that has the frame to itself.
fn keep(mut frame: Script, mut coop: Keep<'_, '_, Script>) -> Came<Script> {
    let catches = frame.body.catches;
    let mut input = first(&mut coop, catches)?;
    loop {
        let does = interpret(&mut frame, input, &mut coop);
        let came = match does {
            Does::Return(value) => return Ok(value),
            Does::Raise(value) => return raise(value),
            Does::Call(callee)
                if !is_lowest(&callee, coop.world()) && !is_lowest(&frame, coop.world()) =>
            {
                let again = same(&callee);
                coop.call(|| same(&frame), || again, |coop| keep(callee, coop))
            }
            does => coop.ask(step(does), || same(&frame)),
        };
        input = got::<Script>(came, catches)?;
    }
}

/// A frame that sets marks or calls the host is the lowest on its native stack, since it does
/// that without having noted the point; if it keeps, it is the only one.
fn is_lowest(frame: &Script, world: &World) -> bool {
    let ops = &world.program[frame.body.block];
    ops.iter()
        .any(|op| matches!(op, Op::SetMark(..) | Op::Barrier(_)))
}

/// What the frame begins with, or goes on with.
fn first<F: Recursive, S>(
    coop: &mut Coop<'_, '_, F, S>,
    catches: bool,
) -> Result<Got, Box<Leave<Value>>> {
    if let Some(k) = coop.continuation() {
        Ok(Got::K(F::held(k)))
    } else if coop.entered_again() {
        got::<F>(coop.received(), catches)
    } else {
        Ok(Got::Start)
    }
}

/// What the frame hears of it, unless it has to hand it on.
fn got<F: Recursive>(came: Came<F>, catches: bool) -> Result<Got, Box<Leave<Value>>> {
    match came.map_err(|leave| *leave) {
        Ok(value) => Ok(Got::Value(value)),
        Err(Leave::Raised(error)) if catches => Ok(Got::Raised(error)),
        Err(Leave::Refused(refusal)) => Ok(Got::Refused(refusal)),
        Err(leave) => Err(Box::new(leave)),
    }
}

/// What the two styles do differently.
trait SetMark {
    fn set(&mut self, key: MarkKey, value: Value) -> Result<(), Box<Leave<Value>>>;
}

impl<F: Recursive> SetMark for Coop<'_, '_, F> {
    fn set(&mut self, key: MarkKey, value: Value) -> Result<(), Box<Leave<Value>>> {
        self.set_mark(key, value)
    }
}

impl SetMark for Keep<'_, '_, Script> {
    fn set(&mut self, key: MarkKey, value: Value) -> Result<(), Box<Leave<Value>>> {
        self.set_mark(key, value, || unreachable!())
    }
}

impl<F: Recursive, S> Host for Coop<'_, '_, F, S>
where
    Self: SetMark,
{
    fn world(&mut self) -> &mut World {
        Coop::world(self)
    }

    fn set_mark(&mut self, key: MarkKey, value: Value) {
        assert!(self.set(key, value).is_ok());
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
