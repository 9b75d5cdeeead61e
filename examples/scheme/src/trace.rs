//! What is left of a program, for people.

use segno::frame::{Continuation, Describe, Entry, Inspector};

use crate::activation::Activation;
use crate::code::{Code, Id, Node};
use crate::rib::{Rib, Scope};
use crate::symbol::Symbol;
use crate::value::{Place, Value};
use crate::writer::brief;

/// A call that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The name of the procedure, if it has one.
    pub procedure: Option<Symbol>,
    /// Whether it is a form of the program, and no procedure.
    pub is_form: bool,
    /// Where in the source it is, if that is known.
    pub place: Option<Place>,
}

impl Call {
    /// What is called, in words.
    #[must_use]
    pub fn name(&self) -> &str {
        match (&self.procedure, self.is_form) {
            (Some(name), _) => name.as_str(),
            (None, true) => "the program",
            (None, false) => "a procedure",
        }
    }

    /// The call of a frame that runs code; none if that was left by a tail call.
    pub(crate) fn of(code: &Code, at: Id, part: u16) -> Option<Self> {
        code.nodes.get(at as usize)?;
        let index = code.procedure_of(at);
        let procedure = code.procedures.get(index);
        let place = code.place(part_of(code, at, part).unwrap_or(at));
        Some(Self {
            procedure: procedure.and_then(|procedure| procedure.name.clone()),
            is_form: index == 0,
            place: place.or_else(|| code.place(at)).cloned(),
        })
    }
}

/// The part of a node that its frame is at.
pub(crate) fn part_of(code: &Code, at: Id, part: u16) -> Option<Id> {
    let part = usize::from(part);
    // The code may be of a snapshot that somebody has forged.
    match *code.nodes.get(at as usize)? {
        Node::Begin(parts) | Node::CallAllWait(parts) => code.list(parts).get(part).copied(),
        Node::LetWait { values: parts, .. }
        | Node::CallWait {
            arguments: parts, ..
        }
        | Node::KnownWait {
            arguments: parts, ..
        }
        | Node::PrimitiveWait {
            arguments: parts, ..
        } => code.list(parts).get(part).copied(),
        Node::IfWait { test: part, .. }
        | Node::OneWait { a: part, .. }
        | Node::SetBoxedWait { value: part, .. }
        | Node::SetGlobalWait { value: part, .. } => Some(part),
        Node::TwoWait { a, b, .. } => Some(if part == 0 { a } else { b }),
        _ => None,
    }
}

/// The calls of a continuation, the innermost first; at most so many.
pub(crate) fn calls(
    continuation: &Continuation<Activation>,
    inspector: &Inspector,
    limit: usize,
) -> Vec<Call> {
    let mut calls = Vec::new();
    inspector.frames(continuation, |frame| {
        match frame {
            Activation::Run { code, at, part, .. } => calls.extend(Call::of(code, *at, *part)),
            Activation::Failed { code, at, .. } => calls.extend(Call::of(code, *at, 0)),
            _ => {}
        }
        calls.len() < limit
    });
    calls
}

/// A larger continuation is shown without its prompts and winders, since it is not copied for
/// that.
const COPIED: usize = 10_000;

/// How many characters of a line are shown.
const WIDTH: usize = 120;

/// A continuation, the innermost frame first; at most so many lines of it, and `...` if there
/// are more.
pub(crate) fn show(
    continuation: Continuation<Activation>,
    inspector: &Inspector,
    limit: usize,
) -> String {
    let mut lines = Vec::new();
    if continuation.len() > COPIED {
        inspector.frames(&continuation, |frame| {
            show_frame(frame, &mut lines);
            lines.len() <= limit
        });
    } else if let Ok(layout) = inspector.take_apart(continuation) {
        for entry in layout.entries {
            show_entry(&entry, &mut lines);
            if lines.len() > limit {
                break;
            }
        }
    }
    let more = lines.len() > limit;
    lines.truncate(limit);
    let mut text = String::new();
    for line in lines {
        match line.char_indices().nth(WIDTH) {
            Some((end, _)) => text += &format!("{}…\n", &line[..end]),
            None => text += &format!("{line}\n"),
        }
    }
    if more {
        text += "...\n";
    }
    text
}

fn show_entry(entry: &Entry<Activation>, lines: &mut Vec<String>) {
    match entry {
        Entry::Frame { frame, marks } => {
            show_frame(frame, lines);
            for (key, value) in marks {
                lines.push(format!("  mark {key}: {}", brief(value)));
            }
        }
        Entry::Prompt { tag, times: 0 | 1 } => lines.push(format!("== prompt {tag}")),
        Entry::Prompt { tag, times } => lines.push(format!("== prompt {tag}, {times} times")),
        Entry::Inside { .. } => lines.push("-- dynamic-wind".to_owned()),
        Entry::Entering { .. } => lines.push("-- dynamic-wind, being entered".to_owned()),
        Entry::Leaving(_) => lines.push("-- dynamic-wind, being left".to_owned()),
    }
}

fn show_call(code: &Code, scope: &Scope, at: Id, part: u16, lines: &mut Vec<String>) {
    let Some(call) = Call::of(code, at, part) else {
        return;
    };
    let place = call.place.as_ref().map(|place| format!(", {place}"));
    lines.push(format!("{}{}", call.name(), place.unwrap_or_default()));
    let ribs = std::iter::successors(scope.as_ref(), |rib| rib.parent.as_ref());
    // Those further out are many, and not of this call.
    lines.extend(ribs.take(2).filter_map(|rib| variables(rib)));
}

fn show_frame(frame: &Activation, lines: &mut Vec<String>) {
    match frame {
        Activation::Run {
            code,
            scope,
            at,
            part,
            ..
        } => show_call(code, scope, *at, *part, lines),
        Activation::Failed {
            code, scope, at, ..
        } => show_call(code, scope, *at, 0, lines),
        Activation::Handled { payload, .. } => {
            lines.push(format!("a handler of {}", brief(payload)));
        }
        Activation::Consume { consumer, .. } => {
            lines.push(format!("call-with-values, for {}", brief(consumer)));
        }
        Activation::Program { program, next } => {
            let rest = program.forms.len().saturating_sub(*next as usize);
            lines.push(format!("the program, {rest} forms of which are to come"));
        }
        // Their prompts are shown.
        Activation::Prompting { .. } | Activation::Prompted { .. } | Activation::Pass {} => {}
        other => lines.push(format!("({})", other.descriptor().name.to_lowercase())),
    }
}

/// The variables of a rib.
fn variables(rib: &Rib) -> Option<String> {
    let shown = |value: &Value| match value {
        Value::Box(cell) => cell.with(|cell| brief(&cell.0)),
        value => brief(value),
    };
    let values: Vec<_> = rib.iter().take(8).map(shown).collect();
    (!values.is_empty()).then(|| format!("  variables: {}", values.join(" ")))
}
