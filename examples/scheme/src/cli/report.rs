//! What is said of an error.

use segno_scheme::interpreter::{self, Interpreter};
use segno_scheme::syntax::{exporter, is_own};
use segno_scheme::trace::Call;
use segno_scheme::value::Value;

use super::hint::hint;
use super::source::Sources;

/// How many calls are shown.
const CALLS: usize = 10;

/// What a program has raised, the line of the source where it was, the calls that were under way,
/// and what might help.
pub(super) fn report(raised: &Value, interpreter: &mut Interpreter, sources: &Sources) -> String {
    let mut calls = interpreter.backtrace(CALLS + 1);
    let more = calls.len() > CALLS;
    calls.truncate(CALLS);
    let place = match raised {
        Value::Condition(condition) => condition.place.clone(),
        _ => None,
    };
    if let (Some(first), Some(place)) = (calls.first_mut(), &place) {
        // It is better known where in it.
        first.place = Some(place.clone());
    }
    // What is wrong in a library of the interpreter's own is wrong with the call of that.
    let of_program = place.clone().filter(|place| !is_own(&place.source));
    let mut callers = calls.iter().filter(|call| !call.is_own());
    let place = of_program
        .or_else(|| callers.find_map(|call| call.place.clone()))
        .or(place);
    let mut text = interpreter::message(raised) + "\n";
    if let Some(place) = place {
        text = format!("{place}: {text}{}", sources.excerpt(&place));
    }
    calls.retain(|call| !is_internal(call));
    // The form alone is what is shown already.
    if !calls.iter().all(|call| call.is_form) {
        for call in &calls {
            let place = call.place.as_ref().map(|place| format!(", {place}"));
            text += &format!("  in {}{}\n", call.name(), place.unwrap_or_default());
        }
        if more {
            text += "  ...\n";
        }
    }
    text + &hint(raised, interpreter).unwrap_or_default()
}

/// Whether a procedure is of those that no program sees.
fn is_internal(call: &Call) -> bool {
    call.is_own() && exporter(call.name()).is_none()
}
