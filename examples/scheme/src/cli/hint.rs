//! What might help with an error.

use segno_scheme::condition::UNDEFINED;
use segno_scheme::interpreter::Interpreter;
use segno_scheme::port::NOT_ALLOWED;
use segno_scheme::syntax::exporter;
use segno_scheme::value::{Condition, Value};

/// A line that says what might help, if anything is known.
pub(super) fn hint(raised: &Value, interpreter: &Interpreter) -> Option<String> {
    let Value::Condition(condition) = raised else {
        return None;
    };
    if says(condition, UNDEFINED) {
        return import(condition, interpreter);
    }
    // What a source includes lies beside it, whatever is allowed.
    if says(condition, NOT_ALLOWED) && interpreter.is_running() {
        return Some("  --allow-files DIR allows the files in a folder\n".to_owned());
    }
    None
}

fn says(condition: &Condition, message: &str) -> bool {
    let Value::String(text) = &condition.message else {
        return false;
    };
    text.with(|text| text.characters.iter().copied().eq(message.chars()))
}

/// Which library has the name that nobody has defined.
fn import(condition: &Condition, interpreter: &Interpreter) -> Option<String> {
    let [Value::Symbol(name)] = &condition.irritants[..] else {
        return None;
    };
    // Who imports nothing sees all of them, so that it is something else.
    if interpreter.world.environment.with(|it| it.standard) {
        return None;
    }
    let library = exporter(name.as_str())?;
    Some(format!("  {name} is in {library}: (import {library})\n"))
}
