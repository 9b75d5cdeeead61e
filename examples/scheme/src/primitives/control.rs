//! Procedures that do something to the continuation, or call back, by name.

use std::rc::Rc;

use segno::frame::PromptTag;
use segno::snapshot::Constant;

use crate::condition::Fault;
use crate::control::{Control, DEFAULT};
use crate::marks;
use crate::primitive::{Action, Answer, Primitive};
use crate::value::{CapturedKind, Tag, Value};
use crate::world::World;

const fn control(
    name: &'static str,
    least: usize,
    most: Option<usize>,
    control: Control,
) -> Primitive {
    Primitive::new(name, least, most, Action::Control(control))
}

pub(super) const TABLE: &[Primitive] = &[
    control("apply", 2, None, Control::Apply),
    control(
        "call-with-current-continuation",
        1,
        Some(2),
        Control::CallCc,
    ),
    control("call/cc", 1, Some(2), Control::CallCc),
    control("%call/cc-if-any", 2, Some(2), Control::CallCcIfAny),
    control("call/1cc", 1, Some(2), Control::CallOnce),
    control(
        "call-with-composable-continuation",
        1,
        Some(2),
        Control::CallComposable,
    ),
    control("%shift", 2, Some(2), Control::Shift),
    control("%shift0", 2, Some(2), Control::Shift0),
    control("%control", 2, Some(2), Control::Control),
    control("%control0", 2, Some(2), Control::Control0),
    control("call-with-continuation-prompt", 1, None, Control::Prompt),
    control("abort-current-continuation", 1, None, Control::Abort),
    control(
        "call-with-continuation-barrier",
        1,
        Some(1),
        Control::Barrier,
    ),
    control(
        "continuation-prompt-available?",
        1,
        Some(1),
        Control::PromptAvailable,
    ),
    control("call-with-values", 2, Some(2), Control::CallWithValues),
    control("dynamic-wind", 3, Some(3), Control::DynamicWind),
    control("with-exception-handler", 2, Some(2), Control::WithHandler),
    control("raise", 1, Some(1), Control::Raise),
    control("raise-continuable", 1, Some(1), Control::RaiseContinuable),
    control("error", 1, None, Control::Error),
    control("force", 1, Some(1), Control::Force),
    control("make-parameter", 1, Some(2), Control::MakeParameter),
    control("%parameterize", 1, None, Control::Parameterize),
    control(
        "current-continuation-marks",
        0,
        Some(1),
        Control::CurrentMarks,
    ),
    control(
        "continuation-mark-set-first",
        2,
        Some(4),
        Control::FirstMark,
    ),
    control(
        "call-with-immediate-continuation-mark",
        2,
        Some(3),
        Control::ImmediateMark,
    ),
    control("eval", 1, Some(2), Control::Eval),
    control("load", 1, Some(2), Control::Load),
    control("exit", 0, Some(1), Control::Exit),
    control("emergency-exit", 0, Some(1), Control::EmergencyExit),
    control("environment", 0, None, Control::Environment),
    control("suspend!", 0, None, Control::Suspend),
    control("%call-with-fuel", 4, Some(4), Control::CallWithFuel),
    Primitive::new(
        "make-continuation-prompt-tag",
        0,
        Some(1),
        Action::Plain(make_tag),
    ),
    Primitive::new(
        "default-continuation-prompt-tag",
        0,
        Some(0),
        Action::Plain(default_tag),
    ),
    Primitive::new(
        "continuation-prompt-tag?",
        1,
        Some(1),
        Action::Plain(is_tag),
    ),
    Primitive::new("continuation?", 1, Some(1), Action::Plain(is_continuation)),
    Primitive::new(
        "continuation-mark-set?",
        1,
        Some(1),
        Action::Plain(is_marks),
    ),
    Primitive::new(
        "continuation-marks",
        1,
        Some(2),
        Action::Plain(continuation_marks),
    ),
    control(
        "continuation-mark-set->list",
        2,
        Some(3),
        Control::ListOfMarks,
    ),
    control(
        "continuation-mark-set->list*",
        2,
        Some(4),
        Control::VectorsOfMarks,
    ),
    Primitive::new(
        "interaction-environment",
        0,
        Some(0),
        Action::Plain(interaction),
    ),
];

fn make_tag(_: &mut World, arguments: &[Value]) -> Answer {
    Ok(Value::PromptTag(Constant::new(Tag {
        tag: PromptTag::fresh("prompt"),
        name: arguments.first().cloned().unwrap_or(Value::False),
    })))
}

fn default_tag(world: &mut World, _: &[Value]) -> Answer {
    Ok(Value::PromptTag(world.default_tag.clone()))
}

fn is_tag(_: &mut World, arguments: &[Value]) -> Answer {
    Ok(Value::from(matches!(arguments[0], Value::PromptTag(_))))
}

fn is_continuation(_: &mut World, arguments: &[Value]) -> Answer {
    let is = matches!(arguments[0], Value::Continuation(_) | Value::Full(_));
    Ok(is.into())
}

fn is_marks(_: &mut World, arguments: &[Value]) -> Answer {
    Ok(Value::from(matches!(arguments[0], Value::Marks(_))))
}

fn continuation_marks(world: &mut World, arguments: &[Value]) -> Answer {
    let by = "continuation-marks";
    let tag = match arguments.get(1) {
        None => None,
        Some(Value::PromptTag(tag)) => Some(tag.tag),
        Some(other) => return Err(Fault::expected("a prompt tag", other, by)),
    };
    let (continuation, of) = match &arguments[0] {
        Value::Continuation(captured) => match captured.kind {
            CapturedKind::Full(of) | CapturedKind::Once(of, _) => {
                (&captured.continuation, Some(of))
            }
            CapturedKind::Composable => (&captured.continuation, None),
        },
        Value::Full(continuation) => (continuation, Some(DEFAULT)),
        other => return Err(Fault::expected("a continuation", other, by)),
    };
    let marks = marks::of_continuation(continuation, of, tag, world)?;
    Ok(Value::Marks(Rc::new(marks)))
}

fn interaction(world: &mut World, _: &[Value]) -> Answer {
    Ok(Value::Environment(world.environment.clone()))
}
