//! What is left of a program, for people.

use std::convert::Infallible;

use segno::frame::{Continuation, Describe, Entry, Inspector};
use segno::snapshot::Constant;

use crate::activation::Activation;
use crate::code::{Code, Id, Node};
use crate::program::Program;
use crate::rib::{Rib, Scope};
use crate::symbol::Symbol;
use crate::syntax::is_own;
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

    /// Whether it is of the interpreter's own libraries.
    #[must_use]
    pub fn is_own(&self) -> bool {
        let place = self.place.as_ref();
        place.is_some_and(|place| is_own(&place.source))
    }

    /// The call of a frame that runs code; none if that was left by a tail call. In a library of
    /// the interpreter's own its name is that of the procedure that the library has.
    pub(crate) fn of(code: &Code, at: Id, part: u16) -> Option<Self> {
        code.nodes.get(at as usize)?;
        let mut index = code.procedure_of(at);
        let place = code.place(part_of(code, at, part).unwrap_or(at));
        let place = place.or_else(|| code.place(at)).cloned();
        let within = |index: usize| Some(code.procedures.get(index)?.within as usize);
        if place.as_ref().is_some_and(|place| is_own(&place.source)) {
            // Each is within one that comes before it.
            while let Some(around) = within(index).filter(|around| (1..index).contains(around)) {
                index = around;
            }
        }
        let procedure = code.procedures.get(index);
        Some(Self {
            procedure: procedure.and_then(|procedure| procedure.name.clone()),
            is_form: index == 0,
            place,
        })
    }

    /// The form of a program that is under way, if one is.
    fn of_program(program: &Program, next: u32) -> Option<Self> {
        let form = program.forms.get((next as usize).checked_sub(1)?)?;
        Some(Self {
            procedure: None,
            is_form: true,
            place: form.procedures.first()?.place.clone(),
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
    let mut calls: Vec<Call> = Vec::new();
    // The node that the frame above runs.
    let mut above: Option<(Constant<Code>, Id)> = None;
    inspector.frames(continuation, |frame| {
        match frame {
            Activation::Run { code, at, part, .. } => {
                let waits = part_of(code, *at, *part);
                // An expression in a call may have a frame of its own, which tells more.
                let is_same = above.take().is_some_and(|(above, inner)| {
                    above.same(code) && waits.is_some_and(|waits| is_within(code, waits, inner))
                });
                if !is_same {
                    calls.extend(Call::of(code, *at, *part));
                }
                above = Some((code.clone(), *at));
            }
            Activation::Failed { code, at, .. } => {
                calls.extend(Call::of(code, *at, 0));
                above = Some((code.clone(), *at));
            }
            Activation::Program { program, next } => {
                let form = Call::of_program(program, *next);
                match calls.last_mut() {
                    // The form itself has a frame, which may have no place.
                    Some(call) if call.is_form => {
                        call.place = call.place.take().or_else(|| form?.place);
                    }
                    _ => calls.extend(form),
                }
            }
            _ => {}
        }
        calls.len() < limit
    });
    calls
}

/// Whether a node is a part of another, or of a part of it, or is that.
fn is_within(code: &Code, whole: Id, node: Id) -> bool {
    let mut waiting = vec![whole];
    while let Some(id) = waiting.pop() {
        if id == node {
            return true;
        }
        // Parts come before what they are parts of.
        if id > node
            && let Some(parent) = code.nodes.get(id as usize)
        {
            let each = |_, part| {
                waiting.push(part);
                Ok::<_, Infallible>(())
            };
            let Ok(()) = code.parts_of(*parent, each);
        }
    }
    false
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
            lines.push(match rest {
                0 => "the program, at its last form".to_owned(),
                1 => "the program, 1 form of which is to come".to_owned(),
                rest => format!("the program, {rest} forms of which are to come"),
            });
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
