//! Procedures that do something to the continuation, or call back; and the frames that they need.

use std::rc::Rc;

use segno::frame::{
    Context, Continuation, Input, MarkKey, Operator, Place, PromptTag, Refusal, Step,
};
use segno::snapshot::{Constant, Shared};
use smallvec::smallvec;

use crate::activation::{Activation, Key, Prompt, Reception};
use crate::condition::Fault;
use crate::fuel::{self, ENGINE};
use crate::primitive::{Action, Answer};
use crate::primitives::records::apply_record;
use crate::rib::{Rib, Slots};
use crate::round::Round;
use crate::run::{self, Target};
use crate::value::{
    Aborted, Captured, CapturedKind, Cell, ConditionKind, Handover, Parameter, Promise, Tag, Value,
};
use crate::world::{Signal, World};
use crate::{arity, marks, program, writer};

/// The prompt of a whole program, which `exit` leaves for.
pub const TOP: PromptTag = PromptTag::named("top");

/// Of the prompt that operators go to where no tag is given.
pub const DEFAULT: PromptTag = PromptTag::named("default");

/// What such a procedure does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// `apply`
    Apply,
    /// `call-with-current-continuation`
    CallCc,
    /// Calls its first argument with a continuation, or with `#f` where none can be captured.
    CallCcIfAny,
    /// `call/1cc`
    CallOnce,
    /// `call-with-composable-continuation`
    CallComposable,
    /// Captures as one of the four operators, and leaves for the prompt.
    Shift,
    /// See `Shift`.
    Shift0,
    /// See `Shift`.
    Control,
    /// See `Shift`.
    Control0,
    /// `call-with-continuation-prompt`
    Prompt,
    /// `abort-current-continuation`
    Abort,
    /// `call-with-continuation-barrier`
    Barrier,
    /// `continuation-prompt-available?`
    PromptAvailable,
    /// `call-with-values`
    CallWithValues,
    /// `dynamic-wind`
    DynamicWind,
    /// `with-exception-handler`
    WithHandler,
    /// `raise`
    Raise,
    /// `raise-continuable`
    RaiseContinuable,
    /// `error`
    Error,
    /// `force`
    Force,
    /// `make-parameter`
    MakeParameter,
    /// Runs a thunk, its last argument, with parameters that have other values: the arguments
    /// before are parameters and values, in turn.
    Parameterize,
    /// `current-continuation-marks`
    CurrentMarks,
    /// `continuation-mark-set-first`
    FirstMark,
    /// `continuation-mark-set->list`
    ListOfMarks,
    /// `continuation-mark-set->list*`
    VectorsOfMarks,
    /// `call-with-immediate-continuation-mark`
    ImmediateMark,
    /// `eval`
    Eval,
    /// `load`
    Load,
    /// `environment`
    Environment,
    /// `exit`
    Exit,
    /// `emergency-exit`
    EmergencyExit,
    /// `suspend!`
    Suspend,
    /// Runs a thunk, its third argument, on so much fuel; the second is how much was used
    /// before. If that is used up, the last argument gets how much was used, and what is left.
    CallWithFuel,
}

pub(crate) const MARKS: MarkKey = MarkKey::named("marks");
const HANDLERS: MarkKey = MarkKey::named("handlers");
const PARAMETERS: MarkKey = MarkKey::named("parameters");
const BARRIER: MarkKey = MarkKey::named("barrier");

/// The keys of all marks that frames have.
pub const KEYS: [MarkKey; 5] = [MARKS, HANDLERS, PARAMETERS, BARRIER, ENGINE];

/// What an application leads to.
pub(crate) enum Applied {
    Value(Value),
    Step(Step<Activation>),
    /// Another one in its place.
    Call(Value, Slots),
}

type Cx<'a, 'b> = &'a mut Context<'b, Activation>;

/// Applies what is no closure. In tail position the frame answers what comes back.
pub(crate) fn apply(
    operator: Value,
    arguments: Slots,
    tail: bool,
    marked: bool,
    cx: Cx<'_, '_>,
) -> Result<Applied, Box<Fault>> {
    match &operator {
        Value::Primitive(primitive) => {
            if !primitive.takes(arguments.len()) {
                return Err(wrong_count(&operator, &arguments));
            }
            match primitive.action {
                Action::Plain(compute) => compute(cx.world, &arguments).map(Applied::Value),
                Action::Input(at, compute) => {
                    let port = cx.world.input.clone();
                    with_port(at, compute, arguments, &port, cx)
                }
                Action::Output(at, compute) => {
                    let port = cx.world.output.clone();
                    with_port(at, compute, arguments, &port, cx)
                }
                Action::Control(control) => perform(control, arguments, tail, marked, cx),
            }
        }
        Value::Full(continuation) => {
            let value = values(&arguments);
            Ok(Applied::Step(go_back_fully(
                continuation.clone(),
                value,
                cx,
            )))
        }
        Value::Continuation(captured) => {
            go_back(captured, values(&arguments), tail, marked, cx).map(Applied::Step)
        }
        Value::Parameter(parameter) if arguments.is_empty() => {
            Ok(Applied::Value(parameter_value(parameter, cx)))
        }
        Value::RecordProcedure(procedure) => {
            apply_record(procedure, &arguments).map(Applied::Value)
        }
        Value::Parameter(_) => Err(wrong_count(&operator, &arguments)),
        Value::Closure(_) => Ok(Applied::Call(operator, arguments)),
        other => Err(Fault::new("this is not a procedure", [other.clone()])),
    }
}

/// Applies anything, not in tail position: answers the value, or the step that leads to it.
pub(crate) fn call(
    operator: Value,
    arguments: Slots,
    marked: bool,
    cx: Cx<'_, '_>,
) -> Result<Result<Value, Step<Activation>>, Box<Fault>> {
    let (mut operator, mut arguments) = (operator, arguments);
    loop {
        match run::target(operator, arguments)? {
            Target::Enter(code, at, scope) => {
                return Ok(Err(Step::Call(Activation::run(code, at, scope))));
            }
            Target::Other(other, slots) => match apply(other, slots, false, marked, cx)? {
                Applied::Value(value) => return Ok(Ok(value)),
                Applied::Step(step) => return Ok(Err(step)),
                Applied::Call(next, slots) => (operator, arguments) = (next, slots),
            },
        }
    }
}

/// Applies anything in place of a frame.
fn become_call(
    frame: &mut Activation,
    operator: Value,
    arguments: Slots,
    cx: Cx<'_, '_>,
) -> Step<Activation> {
    become_marked_call(frame, operator, arguments, false, cx)
}

/// The same of a frame that may have marks, which stay.
fn become_marked_call(
    frame: &mut Activation,
    operator: Value,
    arguments: Slots,
    marked: bool,
    cx: Cx<'_, '_>,
) -> Step<Activation> {
    let (mut operator, mut arguments) = (operator, arguments);
    loop {
        let next = match run::target(operator, arguments) {
            Ok(Target::Enter(code, at, scope)) => {
                *frame = Activation::Run {
                    code,
                    scope: scope.into(),
                    at,
                    part: 0,
                    marked,
                    partial: Value::Null,
                };
                return run::resume(frame, None, cx);
            }
            Ok(Target::Other(other, slots)) => apply(other, slots, true, marked, cx),
            Err(fault) => Err(fault),
        };
        match next {
            Ok(Applied::Value(value)) => return Step::Return(value),
            Ok(Applied::Step(step)) => {
                *frame = Activation::Pass {};
                return step;
            }
            Ok(Applied::Call(next, slots)) => (operator, arguments) = (next, slots),
            Err(fault) => {
                *frame = Activation::Pass {};
                return fail(fault, cx);
            }
        }
    }
}

/// What a frame does that is to call a procedure in its own place.
#[cold]
pub(crate) fn take_over(
    frame: &mut Activation,
    handover: &Handover,
    cx: Cx<'_, '_>,
) -> Step<Activation> {
    let arguments = spread(handover.arguments.clone());
    become_marked_call(frame, handover.receiver.clone(), arguments, true, cx)
}

/// Applies anything, for a frame that waits for the value, and goes on with it.
fn call_for(
    frame: &mut Activation,
    operator: Value,
    arguments: Slots,
    cx: Cx<'_, '_>,
) -> Step<Activation> {
    match call(operator, arguments, false, cx) {
        Ok(Ok(value)) => resume(frame, Input::Value(value), cx),
        Ok(Err(step)) => step,
        Err(fault) => fail(fault, cx),
    }
}

/// A frame that runs in place of another in tail position, if it has no marks.
fn go(frame: Activation, tail: bool, marked: bool) -> Applied {
    Applied::Step(if tail && !marked {
        Step::TailCall(frame)
    } else {
        Step::Call(frame)
    })
}

fn with_port(
    at: usize,
    compute: fn(&mut World, &[Value]) -> Answer,
    mut arguments: Slots,
    port: &Constant<Parameter>,
    cx: Cx<'_, '_>,
) -> Result<Applied, Box<Fault>> {
    if arguments.len() == at {
        arguments.push(parameter_value(port, cx));
    }
    compute(cx.world, &arguments).map(Applied::Value)
}

/// The value that a parameter has here.
fn parameter_value(parameter: &Constant<Parameter>, cx: &Context<'_, Activation>) -> Value {
    if cx.world.parameterized {
        let bindings = cx.mark(PARAMETERS).unwrap_or(Value::Null);
        let is_it = |found: &Value| matches!(found, Value::Parameter(it) if it.same(parameter));
        let mut looked = cx.looked();
        let look = |found: &Value, value: &Value| is_it(found).then(|| value.clone());
        let found = marks::find(&bindings, look, &mut looked);
        cx.world.fuel.pairs(looked);
        if let Some(value) = found {
            return value;
        }
    }
    parameter.value.clone()
}

/// What several values are to a continuation that takes one.
pub(crate) fn values(arguments: &[Value]) -> Value {
    match arguments {
        [only] => only.clone(),
        several => Value::Values(Rc::new(several.to_vec())),
    }
}

/// The values that a value stands for.
fn spread(value: Value) -> Slots {
    match value {
        Value::Values(values) => values.iter().cloned().collect(),
        value => smallvec![value],
    }
}

/// The fault of a call with too many or too few arguments.
#[cold]
pub(crate) fn wrong_count(operator: &Value, arguments: &[Value]) -> Box<Fault> {
    Fault::new(arity::wrong(operator, arguments.len()), arguments)
}

/// The step that applies a continuation that was captured up to the default prompt, without a
/// barrier in it.
#[inline(always)]
pub(crate) fn go_back_fully(
    continuation: Continuation<Activation>,
    value: Value,
    cx: Cx<'_, '_>,
) -> Step<Activation> {
    cx.world.fuel.look();
    Step::Replace {
        tag: DEFAULT,
        continuation,
        with: Ok(value),
    }
}

/// The step that applies another continuation.
pub(crate) fn go_back(
    captured: &Constant<Captured>,
    value: Value,
    tail: bool,
    marked: bool,
    cx: Cx<'_, '_>,
) -> Result<Step<Activation>, Box<Fault>> {
    cx.world.fuel.look();
    let tag = match &captured.kind {
        CapturedKind::Composable => {
            let (continuation, with) = (captured.continuation.clone(), Ok(value));
            if !tail {
                return Ok(Step::Resume { continuation, with });
            }
            if !marked {
                return Ok(Step::TailResume { continuation, with });
            }
            return Ok(match marks::merge(&continuation, cx) {
                Some(continuation) => Step::TailResume { continuation, with },
                None => Step::Resume { continuation, with },
            });
        }
        CapturedKind::Full(tag) => *tag,
        CapturedKind::Once(tag, used) => {
            if used.with(|used| used.0.is_true()) {
                let message = "a continuation that can be used once was used already";
                return Err(Fault::new(message, []));
            }
            used.set(Cell(Value::True));
            *tag
        }
    };
    if cx.world.barriers {
        let here = cx.marks(BARRIER, Some(tag));
        marks::pay(cx);
        let is_here = |barrier: &Value| here.iter().any(|other| other.is_eq(barrier));
        if !captured.barriers.iter().all(is_here) {
            return Err(Fault::new(
                "a barrier stands between here and the continuation",
                [],
            ));
        }
    }
    Ok(Step::Replace {
        tag,
        continuation: captured.continuation.clone(),
        with: Ok(value),
    })
}

/// A frame that asks for this step, in a continuation that a winder captures which stands in the
/// way of the step.
pub(crate) fn escape(step: Step<Activation>) -> Option<Activation> {
    let apply = |continuation, kind, value| {
        let barriers = Vec::new();
        let operator = Value::Continuation(Constant::new(Captured {
            continuation,
            kind,
            barriers,
        }));
        let arguments = Constant::new(Rib::of(spread(value), None));
        Activation::Apply {
            operator,
            arguments,
        }
    };
    match step {
        Step::Abort { value, .. } => Some(Activation::Escape { value }),
        Step::Replace {
            tag,
            continuation,
            with: Ok(value),
        } => Some(apply(continuation, CapturedKind::Full(tag), value)),
        Step::TailResume {
            continuation,
            with: Ok(value),
        } => Some(apply(continuation, CapturedKind::Composable, value)),
        Step::Capture {
            operator,
            body:
                Activation::Given {
                    receiver,
                    continuation,
                    tag,
                    ..
                },
            ..
        } => Some(Activation::Given {
            receiver,
            continuation,
            tag,
            leaves: Some(operator.into()),
        }),
        _ => None,
    }
}

/// A frame that does what one does that gets this continuation.
pub(crate) fn given(
    body: &Activation,
    continuation: &Continuation<Activation>,
) -> Option<Activation> {
    match body {
        Activation::Receive {
            receiver,
            tag,
            kind: Reception::Composable,
            ..
        } => Some(Activation::Given {
            receiver: receiver.clone(),
            continuation: value_of(continuation.clone(), CapturedKind::Composable, Vec::new()),
            tag: tag.clone(),
            leaves: None,
        }),
        // It has one already.
        Activation::Given { leaves: None, .. } => Some(body.clone()),
        _ => None,
    }
}

/// The step that captures a continuation up to the default prompt, which `body` gets.
#[inline(always)]
pub(crate) fn capture(body: Activation, place: Place) -> Step<Activation> {
    Step::Capture {
        tag: DEFAULT,
        operator: Operator::Control,
        place,
        body,
    }
}

/// A continuation that was captured up to the default prompt, as a value.
#[inline(always)]
pub(crate) fn captured(continuation: Continuation<Activation>, cx: Cx<'_, '_>) -> Value {
    let barriers = match cx.world.barriers {
        true => cx.marks(BARRIER, Some(DEFAULT)),
        false => Vec::new(),
    };
    marks::pay(cx);
    value_of(continuation, CapturedKind::Full(DEFAULT), barriers)
}

/// A continuation as a value.
#[inline(always)]
fn value_of(
    continuation: Continuation<Activation>,
    kind: CapturedKind,
    barriers: Vec<Value>,
) -> Value {
    let goes_to_default = matches!(kind, CapturedKind::Full(tag) if tag == DEFAULT);
    if goes_to_default && barriers.is_empty() {
        return Value::Full(continuation);
    }
    Value::Continuation(Constant::new(Captured {
        continuation,
        kind,
        barriers,
    }))
}

/// The step that captures a continuation for a procedure which the frame is to call in its own
/// place: it has marks, which the continuation has too.
#[cold]
pub(crate) fn capture_marked(receiver: Value, cx: Cx<'_, '_>) -> Step<Activation> {
    let body = Activation::Receive {
        receiver,
        tag: cx.world.default_tag.clone(),
        kind: Reception::Full,
        hands_over: true,
    };
    capture(body, Place::Here)
}

/// Stops before a procedure gets a continuation, so that the machine is saved.
#[cold]
pub(crate) fn pause(
    frame: &mut Activation,
    receiver: Value,
    continuation: Value,
    hands_over: bool,
    cx: Cx<'_, '_>,
) -> Step<Activation> {
    cx.world.signal = Signal::Captured;
    cx.world.fuel.refund();
    *frame = Activation::Deliver {
        receiver,
        continuation,
        hands_over,
    };
    Step::Suspend(Value::Unspecified)
}

fn tag_of(
    value: Option<&Value>,
    cx: &Context<'_, Activation>,
) -> Result<Constant<Tag>, Box<Fault>> {
    match value {
        None => Ok(cx.world.default_tag.clone()),
        Some(Value::PromptTag(tag)) => Ok(tag.clone()),
        Some(other) => Err(Fault::new("expected a prompt tag", [other.clone()])),
    }
}

fn perform(
    control: Control,
    mut arguments: Slots,
    tail: bool,
    marked: bool,
    cx: Cx<'_, '_>,
) -> Result<Applied, Box<Fault>> {
    let capture = |receiver: Value, tag: Constant<Tag>, kind, operator, place| {
        Applied::Step(Step::Capture {
            tag: tag.tag,
            operator,
            place,
            body: Activation::Receive {
                receiver,
                tag,
                kind,
                hands_over: place == Place::Here && tail,
            },
        })
    };
    let here = if tail && !marked {
        Place::Instead
    } else {
        Place::Here
    };
    Ok(match control {
        Control::Apply => {
            let last = arguments.pop().unwrap_or(Value::Null);
            let mut all = arguments;
            let operator = all.remove(0);
            let Some(rest) = last.as_list() else {
                return Err(Fault::expected("a list", &last, "apply"));
            };
            cx.world.fuel.pairs(rest.len());
            all.extend(rest);
            Applied::Call(operator, all)
        }
        Control::CallCc | Control::CallCcIfAny | Control::CallOnce | Control::CallComposable => {
            let tag = tag_of(arguments.get(1), cx)?;
            if control == Control::CallCcIfAny && cx.capturable(tag.tag).is_err() {
                let receiver = arguments.swap_remove(0);
                return Ok(Applied::Call(receiver, smallvec![Value::False]));
            }
            let kind = match control {
                Control::CallCc | Control::CallCcIfAny => Reception::Full,
                Control::CallOnce => Reception::Once,
                _ => Reception::Composable,
            };
            let receiver = arguments.swap_remove(0);
            capture(receiver, tag, kind, Operator::Control, here)
        }
        Control::Shift | Control::Shift0 | Control::Control | Control::Control0 => {
            let operator = match control {
                Control::Shift => Operator::Shift,
                Control::Shift0 => Operator::Shift0,
                Control::Control => Operator::Control,
                _ => Operator::Control0,
            };
            let tag = tag_of(arguments.first(), cx)?;
            let receiver = arguments.swap_remove(1);
            capture(
                receiver,
                tag,
                Reception::Composable,
                operator,
                Place::Prompt,
            )
        }
        Control::Prompt => {
            let tag = tag_of(arguments.get(1), cx)?;
            let prompt = Prompt {
                tag,
                operator: arguments[0].clone(),
                handler: arguments.get(2).cloned().unwrap_or(Value::False),
                arguments: arguments.iter().skip(3).cloned().collect(),
                hands_over: tail && marked,
            };
            let prompt = Constant::new(prompt);
            go(Activation::Prompting { prompt }, tail, marked)
        }
        Control::Abort => {
            let tag = tag_of(arguments.first(), cx)?.tag;
            let values = arguments[1..].to_vec();
            let value = Value::Aborted(Constant::new(Aborted { tag, values }));
            Applied::Step(Step::Abort { tag, value })
        }
        Control::Barrier => {
            cx.world.barriers = true;
            let frame = Activation::Marked {
                key: Key::Barrier,
                mark: Value::Box(Shared::new(Cell(Value::Null))),
                thunk: arguments.swap_remove(0),
            };
            Applied::Step(Step::Call(frame))
        }
        Control::PromptAvailable => {
            let tag = tag_of(arguments.first(), cx)?.tag;
            let is_there = cx.capturable(tag).is_ok();
            marks::pay(cx);
            Applied::Value(Value::from(is_there))
        }
        Control::CallWithValues => {
            let consumer = arguments.swap_remove(1);
            let producer = arguments.swap_remove(0);
            go(Activation::Consume { producer, consumer }, tail, marked)
        }
        Control::DynamicWind => {
            let [before, body, after] = [0, 1, 2].map(|at| arguments[at].clone());
            let [before, body, after] = [before, body, after].map(thunk);
            Applied::Step(Step::wind(before, body, after))
        }
        Control::WithHandler => {
            let handlers = cx.mark(HANDLERS).unwrap_or(Value::Null);
            let frame = Activation::Marked {
                key: Key::Handlers,
                mark: Value::cons(arguments[0].clone(), handlers),
                thunk: arguments[1].clone(),
            };
            go(frame, tail, marked)
        }
        // As a fault it is found in its frame, like any other.
        Control::Raise => return Err(Fault::raised(arguments.swap_remove(0))),
        Control::RaiseContinuable => Applied::Step(raise(arguments.swap_remove(0), true, cx)),
        Control::Error => {
            let message: String = match &arguments[0] {
                Value::String(text) => text.with(|text| text.characters.iter().collect()),
                other => writer::brief(other),
            };
            let irritants = arguments[1..].to_vec();
            return Err(Fault::of(ConditionKind::User, message, irritants));
        }
        Control::Force => match &arguments[0] {
            Value::Promise(promise) => match promise_value(promise) {
                Ok(value) => Applied::Value(value),
                Err(promise) => {
                    let promise = Value::Promise(promise);
                    go(Activation::Force { promise }, tail, marked)
                }
            },
            other => Applied::Value(other.clone()),
        },
        Control::MakeParameter => {
            let value = arguments[0].clone();
            match arguments.get(1) {
                None => {
                    let converter = Value::False;
                    Applied::Value(Value::Parameter(Constant::new(Parameter {
                        value,
                        converter,
                    })))
                }
                Some(converter) => {
                    let converter = converter.clone();
                    go(Activation::Parameter { value, converter }, tail, marked)
                }
            }
        }
        Control::Parameterize => {
            cx.world.parameterized = true;
            let frame = Activation::Parameterize {
                arguments: Constant::new(Rib::of(arguments, None)),
                at: 0,
                bindings: cx.mark(PARAMETERS).unwrap_or(Value::Null),
            };
            go(frame, tail, marked)
        }
        Control::CurrentMarks => {
            let tag = tag_of(arguments.first(), cx)?.tag;
            Applied::Value(Value::Marks(Rc::new(marks::here(tag, cx)?)))
        }
        Control::FirstMark => {
            let tag = tag_of(arguments.get(3), cx)?.tag;
            let set = marks::set(&arguments[0], tag, cx)?;
            let key = &arguments[1];
            let found = marks::first(&set, key, &cx.world.fuel);
            let missing = arguments.get(2).cloned();
            Applied::Value(found.or(missing).unwrap_or(Value::False))
        }
        Control::ListOfMarks => {
            let tag = tag_of(arguments.get(2), cx)?.tag;
            let set = marks::set(&arguments[0], tag, cx)?;
            Applied::Value(marks::list(&set, &arguments[1], &cx.world.fuel))
        }
        Control::VectorsOfMarks => {
            let tag = tag_of(arguments.get(3), cx)?.tag;
            let set = marks::set(&arguments[0], tag, cx)?;
            let missing = arguments.get(2).unwrap_or(&Value::False);
            marks::vectors(&set, &arguments[1], missing, &cx.world.fuel).map(Applied::Value)?
        }
        Control::ImmediateMark => {
            let marks = marks::of_frame(tail && marked, cx);
            let marks = marks.as_slice();
            let found = marks::first(marks, &arguments[0], &cx.world.fuel);
            let missing = arguments.get(2).cloned();
            let mark = found.or(missing).unwrap_or(Value::False);
            Applied::Call(arguments.swap_remove(1), smallvec![mark])
        }
        Control::Eval => {
            let environment = match arguments.get(1) {
                None => cx.world.environment.clone(),
                Some(Value::Environment(environment)) => environment.clone(),
                Some(other) => return Err(Fault::expected("an environment", other, "eval")),
            };
            let closure = program::eval(&arguments[0], &environment, cx.world);
            cx.world.pay_for_expansion();
            Applied::Call(closure?, Slots::new())
        }
        Control::Load => {
            let program = program::load(&arguments[0], arguments.get(1), cx.world);
            cx.world.pay_for_expansion();
            let program = program?;
            go(Activation::Program { program, next: 0 }, tail, marked)
        }
        Control::Environment => {
            let imported = program::environment(&arguments, cx.world);
            cx.world.pay_for_expansion();
            Applied::Call(imported?, Slots::new())
        }
        Control::Exit => {
            let values = arguments.to_vec();
            let tag = TOP;
            let value = Value::Aborted(Constant::new(Aborted { tag, values }));
            Applied::Step(Step::Abort { tag, value })
        }
        Control::EmergencyExit => {
            cx.world.signal = Signal::Exited;
            Applied::Step(Step::Suspend(arguments.pop().unwrap_or(true.into())))
        }
        Control::Suspend => {
            cx.world.signal = Signal::Suspended;
            Applied::Step(Step::Suspend(values(&arguments)))
        }
        Control::CallWithFuel => go(fuel::engine(&arguments)?, tail, marked),
    })
}

fn thunk(operator: Value) -> Activation {
    Activation::Apply {
        operator,
        arguments: Constant::new(Rib::of([], None)),
    }
}

/// Raises what was found wrong.
#[cold]
#[expect(
    clippy::boxed_local,
    reason = "faults are in boxes wherever they come from"
)]
pub(crate) fn fail(fault: Box<Fault>, cx: Cx<'_, '_>) -> Step<Activation> {
    fail_with((*fault).into(), cx)
}

/// The step that raises what a fault became.
fn fail_with(condition: Value, cx: Cx<'_, '_>) -> Step<Activation> {
    match &condition {
        // There may be no room for a handler.
        Value::Condition(fault) if fault.kind == ConditionKind::Limit => uncaught(condition, cx),
        _ => raise(condition, false, cx),
    }
}

fn raise(payload: Value, continuable: bool, cx: Cx<'_, '_>) -> Step<Activation> {
    match cx.mark(HANDLERS) {
        Some(handlers @ Value::Pair(_)) => Step::Call(Activation::Handle {
            payload,
            handlers,
            continuable,
        }),
        _ => uncaught(payload, cx),
    }
}

/// Stops, so that the host can look at the frames.
fn uncaught(payload: Value, cx: Cx<'_, '_>) -> Step<Activation> {
    cx.world.signal = Signal::Uncaught;
    Step::Suspend(payload)
}

/// What the machine would not do.
#[cold]
pub(crate) fn refused(refusal: Refusal, cx: Cx<'_, '_>) -> Step<Activation> {
    let message = refusal.to_string();
    let fault = match refusal {
        Refusal::Depth { .. }
        | Refusal::Prompts { .. }
        | Refusal::SealedFrames { .. }
        | Refusal::Nesting { .. } => Fault::limit(message),
        _ => Fault::new(message, []),
    };
    fail(fault, cx)
}

/// What a frame does that gets what its prompt was aborted with, where nobody has said: it calls
/// that under the same prompt.
pub(crate) fn aborted(aborted: &Aborted, cx: Cx<'_, '_>) -> Step<Activation> {
    let name = Value::False;
    let tag = match aborted.tag == DEFAULT {
        true => cx.world.default_tag.clone(),
        false => Constant::new(Tag {
            tag: aborted.tag,
            name,
        }),
    };
    let [thunk] = &aborted.values[..] else {
        let message = "a prompt without a handler was aborted with something else than a thunk";
        return fail(Fault::new(message, aborted.values.clone()), cx);
    };
    let prompt = Constant::new(Prompt {
        tag,
        handler: Value::False,
        operator: thunk.clone(),
        arguments: Vec::new(),
        hands_over: false,
    });
    Step::Call(Activation::Prompting { prompt })
}

/// The value of a promise; or the promise that has to be forced for it. One that stands for
/// itself, which only a forged snapshot has, has to be forced, and cannot.
fn promise_value(promise: &Shared<Promise>) -> Result<Value, Shared<Promise>> {
    let (mut promise, mut round) = (promise.clone(), Round::new());
    loop {
        if round.closes(promise.address()) {
            return Err(promise);
        }
        let next = promise.with(|content| match content {
            Promise::Done(value) => Err(Ok(value.clone())),
            Promise::Delayed { .. } => Err(Err(promise.clone())),
            Promise::Same(other) => Ok(other.clone()),
        });
        match next {
            Ok(other) => promise = other,
            Err(found) => return found,
        }
    }
}

/// Goes on with a frame that is no code.
pub(crate) fn resume(
    frame: &mut Activation,
    input: Input<Activation>,
    cx: Cx<'_, '_>,
) -> Step<Activation> {
    let got = match input {
        Input::Start | Input::Restarted | Input::Asked(_) | Input::Raised(_) => None,
        // It was to start, and its engine ran out of fuel.
        Input::Value(Value::Unassigned) => None,
        Input::Value(value) => Some(value),
        Input::Refused(refusal) => return refused(*refusal, cx),
        Input::Continuation(continuation) => return receive(frame, continuation, cx),
    };
    if let Some(Value::Aborted(abort)) = &got
        && !matches!(
            frame,
            Activation::Prompted { .. } | Activation::Fueled { .. }
        )
    {
        return aborted(abort, cx);
    }
    if let (Activation::Failed { condition, .. }, None) = (&*frame, &got) {
        // The frame stays as it is, for who asks where it was.
        return fail_with(condition.clone(), cx);
    }
    match (std::mem::replace(frame, Activation::Pass {}), got) {
        (Activation::Pass {}, Some(Value::Handover(handover))) => take_over(frame, &handover, cx),
        (Activation::Run { .. } | Activation::Failed { .. } | Activation::Pass {}, got) => {
            Step::Return(got.unwrap_or(Value::Unspecified))
        }
        (
            Activation::Remark {
                marks,
                code,
                scope,
                at,
            },
            _,
        ) => {
            cx.set_mark(MARKS, marks);
            *frame = Activation::Run {
                code,
                scope,
                at,
                part: 0,
                marked: true,
                partial: Value::Null,
            };
            run::resume(frame, None, cx)
        }
        (
            Activation::Apply {
                operator,
                arguments,
            },
            _,
        ) => become_call(frame, operator, arguments.iter().cloned().collect(), cx),
        (Activation::Escape { value }, _) => match &value {
            Value::Aborted(aborted) => Step::Abort {
                tag: aborted.tag,
                value: value.clone(),
            },
            _ => Step::Return(value),
        },
        (Activation::Receive { receiver, .. }, _) => {
            fail(Fault::new("no continuation was received", [receiver]), cx)
        }
        (
            Activation::Deliver {
                receiver,
                continuation,
                hands_over,
            },
            _,
        ) => deliver(frame, receiver, continuation, hands_over, cx),
        (
            Activation::Given {
                receiver,
                continuation,
                tag,
                leaves,
            },
            _,
        ) => {
            let Some(leaves) = leaves else {
                return fail(Fault::new("no continuation was received", [receiver]), cx);
            };
            Step::Capture {
                tag: tag.tag,
                operator: leaves.into(),
                place: Place::Prompt,
                body: Activation::Given {
                    receiver,
                    continuation,
                    tag,
                    leaves: None,
                },
            }
        }
        (Activation::Prompting { prompt }, _) => {
            let operator = prompt.operator.clone();
            let arguments: Slots = prompt.arguments.iter().cloned().collect();
            let tag = prompt.tag.tag;
            *frame = Activation::Prompted { prompt };
            let body = match run::target(operator, arguments) {
                Ok(Target::Enter(code, at, scope)) => Activation::run(code, at, scope),
                Ok(Target::Other(operator, slots)) => Activation::Apply {
                    operator,
                    arguments: Constant::new(Rib::of(slots, None)),
                },
                Err(fault) => return fail(fault, cx),
            };
            Step::Prompt { tag, body }
        }
        (Activation::Prompted { prompt }, Some(Value::Aborted(abort))) => {
            if abort.tag == TOP {
                return Step::Return(Value::Aborted(abort));
            }
            match (&prompt.handler, &abort.values[..]) {
                (Value::False, [_]) => {
                    let mut again = (*prompt).clone();
                    again.operator = abort.values[0].clone();
                    again.arguments.clear();
                    let prompt = Constant::new(again);
                    *frame = Activation::Prompting { prompt };
                    resume(frame, Input::Start, cx)
                }
                (Value::False, _) => aborted(&abort, cx),
                (handler, several) if prompt.hands_over => {
                    Step::Return(Value::Handover(Constant::new(Handover {
                        receiver: handler.clone(),
                        arguments: values(several),
                    })))
                }
                (handler, values) => {
                    become_call(frame, handler.clone(), values.iter().cloned().collect(), cx)
                }
            }
        }
        (Activation::Prompted { .. }, got) => Step::Return(got.unwrap_or(Value::Unspecified)),
        (Activation::Marked { key, mark, thunk }, _) => {
            let key = match key {
                Key::Handlers => HANDLERS,
                Key::Parameters => PARAMETERS,
                Key::Barrier => BARRIER,
            };
            cx.set_mark(key, mark);
            call_for(frame, thunk, Slots::new(), cx)
        }
        (
            Activation::Handle {
                payload,
                handlers,
                continuable,
            },
            _,
        ) => {
            let (handler, others) = handlers.as_pair().unwrap_or((Value::Null, Value::Null));
            cx.set_mark(HANDLERS, others);
            let raised = payload.clone();
            *frame = Activation::Handled {
                payload,
                continuable,
            };
            call_for(frame, handler, smallvec![raised], cx)
        }
        (
            Activation::Handled {
                payload,
                continuable,
            },
            got,
        ) => {
            if continuable {
                return Step::Return(got.unwrap_or(Value::Unspecified));
            }
            let message = "a handler has returned from what cannot be continued";
            let fault = Fault::new(message, [payload]);
            fail(fault, cx)
        }
        (Activation::Consume { producer, consumer }, None) => {
            *frame = Activation::Consume {
                producer: Value::False,
                consumer,
            };
            call_for(frame, producer, Slots::new(), cx)
        }
        (Activation::Consume { consumer, .. }, Some(value)) => {
            become_call(frame, consumer, spread(value), cx)
        }
        (Activation::Force { promise }, got) => force(frame, promise, got, cx),
        (Activation::Parameter { value, converter }, None) => {
            *frame = Activation::Parameter {
                value: Value::False,
                converter: converter.clone(),
            };
            call_for(frame, converter, smallvec![value], cx)
        }
        (Activation::Parameter { converter, .. }, Some(value)) => {
            Step::Return(Value::Parameter(Constant::new(Parameter {
                value,
                converter,
            })))
        }
        (
            Activation::Parameterize {
                arguments,
                at,
                bindings,
            },
            got,
        ) => parameterize(frame, arguments, at, bindings, got, cx),
        (Activation::Fueled { prompt, fuel, used }, None) => {
            let tag = prompt.tag.clone();
            let body = Activation::Apply {
                operator: prompt.operator.clone(),
                arguments: Constant::new(Rib::of(prompt.arguments.iter().cloned(), None)),
            };
            *frame = Activation::Fueled { prompt, fuel, used };
            fuel::start(&tag, fuel, used, cx);
            Step::Prompt { tag: tag.tag, body }
        }
        (Activation::Fueled { prompt, .. }, Some(Value::Aborted(rest))) => {
            // A call in tail position that takes the mark away.
            Step::TailCall(Activation::Apply {
                operator: prompt.handler.clone(),
                arguments: Constant::new(Rib::of(rest.values.iter().cloned(), None)),
            })
        }
        (Activation::Fueled { .. }, Some(value)) => Step::Return(value),
        (Activation::Top { program }, _) => {
            let prompt = Constant::new(Prompt {
                tag: cx.world.top.clone(),
                handler: Value::False,
                operator: Value::False,
                arguments: Vec::new(),
                hands_over: false,
            });
            *frame = Activation::Prompted { prompt };
            let body = Activation::Program { program, next: 0 };
            Step::Prompt { tag: TOP, body }
        }
        (Activation::Program { program, next }, got) => {
            let Some(form) = program.forms.get(next as usize) else {
                return Step::Return(got.unwrap_or(Value::Unspecified));
            };
            let closure = program::thunk(form.clone());
            *frame = Activation::Program {
                program,
                next: next + 1,
            };
            let prompt = Constant::new(Prompt {
                tag: cx.world.default_tag.clone(),
                handler: Value::False,
                operator: closure,
                arguments: Vec::new(),
                hands_over: false,
            });
            Step::Call(Activation::Prompting { prompt })
        }
    }
}

fn receive(
    frame: &mut Activation,
    continuation: Continuation<Activation>,
    cx: Cx<'_, '_>,
) -> Step<Activation> {
    let (receiver, tag, kind, hands_over) = match std::mem::replace(frame, Activation::Pass {}) {
        Activation::Receive {
            receiver,
            tag,
            kind,
            hands_over,
        } => (receiver, tag, kind, hands_over),
        Activation::Given {
            receiver,
            continuation,
            ..
        } => return deliver(frame, receiver, continuation, false, cx),
        _ => return fail(Fault::new("nobody asked for a continuation", []), cx),
    };
    let barriers = match cx.world.barriers {
        true => cx.marks(BARRIER, Some(tag.tag)),
        false => Vec::new(),
    };
    marks::pay(cx);
    if kind == Reception::Composable && !barriers.is_empty() {
        let message = "a barrier stands between here and the prompt";
        return fail(Fault::new(message, []), cx);
    }
    let kind = match kind {
        Reception::Rest => return fuel::used_up(receiver, &tag, continuation),
        Reception::Full => CapturedKind::Full(tag.tag),
        Reception::Once => CapturedKind::Once(tag.tag, Shared::new(Cell(Value::False))),
        Reception::Composable => CapturedKind::Composable,
    };
    let continuation = value_of(continuation, kind, barriers);
    if cx.world.teleports {
        return pause(frame, receiver, continuation, hands_over, cx);
    }
    deliver(frame, receiver, continuation, hands_over, cx)
}

/// Gives a continuation to who asked for it.
fn deliver(
    frame: &mut Activation,
    receiver: Value,
    continuation: Value,
    hands_over: bool,
    cx: Cx<'_, '_>,
) -> Step<Activation> {
    if hands_over {
        return Step::Return(Value::Handover(Constant::new(Handover {
            receiver,
            arguments: continuation,
        })));
    }
    become_call(frame, receiver, smallvec![continuation], cx)
}

fn force(
    frame: &mut Activation,
    promise: Value,
    got: Option<Value>,
    cx: Cx<'_, '_>,
) -> Step<Activation> {
    let (mut promise, mut got) = (promise, got);
    loop {
        let Value::Promise(shared) = &promise else {
            return Step::Return(promise);
        };
        // What it was may have been forced meanwhile, by its own thunk.
        let pending = match promise_value(shared) {
            Ok(value) => return Step::Return(value),
            Err(pending) => pending,
        };
        let (thunk, forces) = pending.with(|content| match content {
            Promise::Delayed { thunk, forces } => (thunk.clone(), *forces),
            _ => (Value::Null, false),
        });
        let value = match got.take() {
            Some(value) => value,
            None => match call(thunk, Slots::new(), false, cx) {
                Ok(Ok(value)) => value,
                Ok(Err(step)) => {
                    *frame = Activation::Force { promise };
                    return step;
                }
                Err(fault) => {
                    *frame = Activation::Force { promise };
                    return fail(fault, cx);
                }
            },
        };
        let next = match value {
            value if !forces => Ok(value),
            Value::Promise(next) => promise_value(&next),
            value => {
                let fault = Fault::expected("a promise", &value, "delay-force");
                return fail(fault, cx);
            }
        };
        match next {
            Ok(value) => {
                pending.set(Promise::Done(value.clone()));
                return Step::Return(value);
            }
            // Both are the same promise from now on, so that a chain of any length takes no room.
            Err(next) => {
                if !next.same(&pending) {
                    let content = next.get();
                    pending.set(content);
                    next.set(Promise::Same(pending.clone()));
                }
            }
        }
        promise = Value::Promise(pending);
    }
}

fn parameterize(
    frame: &mut Activation,
    arguments: Constant<Rib>,
    at: u16,
    bindings: Value,
    got: Option<Value>,
    cx: Cx<'_, '_>,
) -> Step<Activation> {
    let (mut at, mut bindings, mut got) = (usize::from(at), bindings, got);
    while at + 1 < arguments.len() {
        let Value::Parameter(parameter) = arguments.get(at) else {
            let fault = Fault::expected("a parameter", arguments.get(at), "parameterize");
            return fail(fault, cx);
        };
        let value = arguments.get(at + 1).clone();
        let value = match (got.take(), &parameter.converter) {
            (Some(value), _) => value,
            (None, Value::False) => value,
            (None, converter) => match call(converter.clone(), smallvec![value], false, cx) {
                Ok(Ok(value)) => value,
                Ok(Err(step)) => {
                    *frame = Activation::Parameterize {
                        arguments: arguments.clone(),
                        at: u16::try_from(at).unwrap_or(u16::MAX),
                        bindings,
                    };
                    return step;
                }
                Err(fault) => return fail(fault, cx),
            },
        };
        bindings = Value::cons(Value::cons(arguments.get(at).clone(), value), bindings);
        at += 2;
    }
    cx.set_mark(PARAMETERS, bindings);
    let thunk = arguments.get(at).clone();
    *frame = Activation::Pass {};
    call_for(frame, thunk, Slots::new(), cx)
}
