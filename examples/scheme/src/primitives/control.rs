//! Procedures that do something to the continuation, or call back, by name.

use std::rc::Rc;

use segno::frame::PromptTag;
use segno::snapshot::Constant;

use crate::condition::Fault;
use crate::control::Control;
use crate::marks;
use crate::primitive::{Action, Answer, Primitive};
use crate::value::{Tag, Value};
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
    Primitive::new(
        "continuation-mark-set->list",
        2,
        Some(3),
        Action::Plain(marks_to_list),
    ),
    Primitive::new(
        "continuation-mark-set->list*",
        2,
        Some(4),
        Action::Plain(marks_to_vectors),
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
    match &arguments[0] {
        Value::Continuation(captured) => marks::of_continuation(&captured.continuation, world),
        Value::Full(continuation) => marks::of_continuation(continuation, world),
        other => {
            let by = "continuation-marks";
            return Err(Fault::expected("a continuation", other, by));
        }
    }
    .map(|marks| Value::Marks(Rc::new(marks)))
}

fn marks_of(value: &Value, by: &str) -> Result<Rc<Vec<Value>>, Box<Fault>> {
    match value {
        Value::Marks(marks) => Ok(marks.clone()),
        other => Err(Fault::expected("a set of marks", other, by)),
    }
}

fn marks_to_list(_: &mut World, arguments: &[Value]) -> Answer {
    let marks = marks_of(&arguments[0], "continuation-mark-set->list")?;
    let found: Vec<_> = marks
        .iter()
        .filter_map(|marks| marks::lookup(marks, &arguments[1]))
        .collect();
    Ok(Value::list(found))
}

/// For each frame that has a mark under one of the keys, a vector of what it has under each.
fn marks_to_vectors(_: &mut World, arguments: &[Value]) -> Answer {
    let by = "continuation-mark-set->list*";
    let marks = marks_of(&arguments[0], by)?;
    let Some(keys) = arguments[1].as_list() else {
        return Err(Fault::expected("a list", &arguments[1], by));
    };
    let missing = arguments.get(2).cloned().unwrap_or(Value::False);
    let of_frame = |marks: &Value| {
        let found: Vec<_> = keys.iter().map(|key| marks::lookup(marks, key)).collect();
        found.iter().any(Option::is_some).then(|| {
            let values = found
                .into_iter()
                .map(|value| value.unwrap_or(missing.clone()));
            Value::vector(values.collect())
        })
    };
    Ok(Value::list(
        marks.iter().filter_map(of_frame).collect::<Vec<_>>(),
    ))
}

fn interaction(world: &mut World, _: &[Value]) -> Answer {
    Ok(Value::Environment(world.environment.clone()))
}
