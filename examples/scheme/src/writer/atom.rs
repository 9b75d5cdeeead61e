//! Values that are written without their parts.

use super::output::Output;
use crate::condition::Fault;
use crate::reader::lexeme::{ESCAPES, NAMES, is_bare};
use crate::symbol::Symbol;
use crate::syntax::spelling;
use crate::value::Value;

type Written = Result<(), Box<Fault>>;

pub(super) fn write(value: &Value, readable: bool, output: &mut Output<'_>) -> Written {
    match value {
        Value::Null => output.push("()"),
        Value::Unspecified => output.push("#<unspecified>"),
        Value::Unassigned => output.push("#<unassigned>"),
        Value::Eof => output.push("#<eof>"),
        Value::True => output.push("#t"),
        Value::False => output.push("#f"),
        Value::Character(c) if readable => character(c.get(), output),
        Value::Character(c) => output.push_char(c.get()),
        Value::Fixnum(_)
        | Value::Flonum(_)
        | Value::Big(_)
        | Value::Ratio(_)
        | Value::Complex(_) => {
            let number = value.as_number();
            number.map_or(Ok(()), |number| output.number(&number))
        }
        Value::Symbol(name) => symbol(name, readable, output),
        Value::Alias(_) => symbol(&spelling(value), readable, output),
        Value::String(text) => text.with(|text| {
            if readable {
                quoted(text.characters.iter().copied(), '"', output)
            } else {
                text.characters
                    .iter()
                    .try_for_each(|&c| output.push_char(c))
            }
        }),
        Value::Bytes(bytes) => bytes.with(|bytes| {
            output.push("#u8(")?;
            for (index, byte) in bytes.bytes.iter().enumerate() {
                if index > 0 {
                    output.push(" ")?;
                }
                output.push(&byte.to_string())?;
            }
            output.push(")")
        }),
        Value::Primitive(_) | Value::RecordProcedure(_) | Value::Closure(_) => {
            output.push("#<procedure")?;
            if let Some(name) = procedure_name(value) {
                output.push(" ")?;
                output.push(name)?;
            }
            output.push(">")
        }
        Value::Continuation(_) | Value::Full(_) => output.push("#<continuation>"),
        Value::Parameter(_) => output.push("#<parameter>"),
        Value::RecordType(of) => {
            output.push("#<record-type ")?;
            output.push(of.name.as_str())?;
            output.push(">")
        }
        Value::Promise(_) => output.push("#<promise>"),
        Value::Values(_) => output.push("#<values>"),
        Value::Environment(_) => output.push("#<environment>"),
        Value::Port(_) => output.push("#<port>"),
        Value::PromptTag(_) => output.push("#<prompt-tag>"),
        Value::Marks(_) => output.push("#<continuation-marks>"),
        // What consists of others does not come here, and no program sees the rest.
        _ => output.push("#<internal>"),
    }
}

/// The name of a procedure, if it has one.
pub(crate) fn procedure_name(procedure: &Value) -> Option<&str> {
    match procedure {
        Value::Primitive(primitive) => Some(primitive.name),
        Value::RecordProcedure(of) => Some(of.name.as_str()),
        Value::Closure(closure) => {
            let procedures = &closure.code.procedures;
            let procedure = procedures.get(closure.procedure as usize)?;
            procedure.name.as_ref().map(Symbol::as_str)
        }
        _ => None,
    }
}

fn symbol(name: &Symbol, readable: bool, output: &mut Output<'_>) -> Written {
    if !readable || is_bare(name.as_str()) {
        output.push(name.as_str())
    } else {
        quoted(name.as_str().chars(), '|', output)
    }
}

fn character(c: char, output: &mut Output<'_>) -> Written {
    output.push("#\\")?;
    match NAMES.iter().find(|(_, named)| *named == c) {
        Some((name, _)) => output.push(name),
        None if c.is_control() || c.is_whitespace() => output.push(&format!("x{:x}", u32::from(c))),
        None => output.push_char(c),
    }
}

/// Characters between two of `mark`, which is a quotation mark or a bar.
fn quoted(characters: impl Iterator<Item = char>, mark: char, output: &mut Output<'_>) -> Written {
    output.push_char(mark)?;
    for c in characters {
        let other_mark = matches!(c, '"' | '|') && c != mark;
        match ESCAPES.iter().find(|(_, meant)| *meant == c) {
            Some((escape, _)) if !other_mark => {
                output.push_char('\\')?;
                output.push_char(*escape)?;
            }
            None if c.is_control() => output.push(&format!("\\x{:x};", u32::from(c)))?,
            _ => output.push_char(c)?,
        }
    }
    output.push_char(mark)
}
