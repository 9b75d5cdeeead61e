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
    let known = place.is_some();
    if let (Some(first), Some(place)) = (calls.first_mut(), &place) {
        // It is better known where in it.
        first.place = Some(place.clone());
    }
    let place = place.or_else(|| calls.iter().find_map(|call| call.place.clone()));
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
