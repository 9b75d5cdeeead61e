//! What is said of an error.

use segno_scheme::interpreter::{self, Interpreter};
use segno_scheme::value::Value;

use super::source::Sources;

/// How many calls are shown.
const CALLS: usize = 10;

/// What a program has raised, the line of the source where it was, and the calls that were under
/// way.
pub(super) fn report(raised: &Value, interpreter: &mut Interpreter, sources: &Sources) -> String {
    let mut calls = interpreter.backtrace(CALLS + 1);
    let more = calls.len() > CALLS;
    calls.truncate(CALLS);
    let mut text = interpreter::report(raised) + "\n";
    let place = match raised {
        Value::Condition(condition) => condition.place.clone(),
        _ => None,
    };
    let mut known = place.is_some();
    if let (Some(first), Some(place)) = (calls.first_mut(), &place) {
        // It is better known where in it.
        first.place = Some(place.clone());
    }
    let mut places = calls.iter().filter_map(|call| call.place.as_ref());
    let place = match place {
        // In a procedure of the interpreter's own: the call of that says more.
        Some(own) if sources.excerpt(&own).is_empty() => {
            let callers = places.find(|place| !sources.excerpt(place).is_empty());
            if callers.is_some() {
                text = text.replacen(&format!("{own}: "), "", 1);
                known = false;
            }
            callers.cloned().or(Some(own))
        }
        None => places.next().cloned(),
        known => known,
    };
    if let Some(place) = place {
        if !known {
            text.insert_str(0, &format!("{place}: "));
        }
        text += &sources.excerpt(&place);
    }
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
    text
}
