//! The writer: from values to characters.
//!
//! What is still to be written is on a stack of the writer's own, so that values may be nested as
//! deep as the memory goes.

mod atom;
mod labels;
mod output;
#[cfg(test)]
mod tests;

use segno::snapshot::{Constant, Shared};

use crate::condition::Fault;
use crate::value::{Condition, Record, Value, Vector};
use crate::work::Work;
pub(crate) use atom::procedure_name;
use labels::{Label, Labels};
use output::Output;

/// How to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `write`: so that it can be read again. Labels stand for what leads back to itself.
    Write,
    /// `write-shared`: the same, and labels stand for all that is met twice.
    Shared,
    /// `write-simple`: without labels, so that a value that leads back to itself has no end.
    Simple,
    /// `display`: for people. Labels as in `Write`.
    Display,
}

/// Appends a value to a text. About as many bytes as `limit` are taken in doing so.
///
/// # Errors
///
/// A fault of kind `Limit`, if that is not enough, or it would be too much work. What was written
/// until then is in the text.
pub fn write(
    value: &Value,
    style: Style,
    limit: usize,
    work: &mut Work,
    to: &mut String,
) -> Result<(), Box<Fault>> {
    let mut output = Output::new(to, limit, work);
    let labels = match style {
        Style::Simple => Labels::default(),
        Style::Write | Style::Display => Labels::of_cycles(value, &mut output)?,
        Style::Shared => Labels::of_all_shared(value, &mut output)?,
    };
    let mut writer = Writer {
        readable: style != Style::Display,
        labels,
        output,
        stack: Vec::new(),
    };
    writer.value(value)?;
    while let Some(rest) = writer.stack.pop() {
        writer.output.free(size_of::<Rest>());
        writer.rest(rest)?;
    }
    Ok(())
}

/// A value as a text.
///
/// # Errors
///
/// As [`write`](write()).
pub fn to_text(value: &Value, style: Style, limit: usize) -> Result<String, Box<Fault>> {
    let (mut text, mut work) = (String::new(), Work::UNLIMITED);
    write(value, style, limit, &mut work, &mut text)?;
    Ok(text)
}

/// The beginning of a value, as `write` shows it, for people: a few lines at most.
#[must_use]
pub fn brief(value: &Value) -> String {
    let mut text = String::new();
    let mut work = Work::UNLIMITED;
    if write(value, Style::Write, 1 << 16, &mut work, &mut text).is_err() && text.is_empty() {
        // It is too large to look for cycles.
        let simple = write(value, Style::Simple, 1 << 12, &mut work, &mut text);
        drop(simple);
    }
    if let Some((end, _)) = text.char_indices().nth(400) {
        text.truncate(end);
        text.push('…');
    }
    text
}

struct Writer<'a> {
    /// Whether strings and characters are written as the reader reads them.
    readable: bool,
    labels: Labels,
    output: Output<'a>,
    stack: Vec<Rest>,
}

/// What is to be written after what is written now.
enum Rest {
    /// The rest of a list whose first elements are written.
    List(Value),
    /// The elements of a vector from this index on.
    Vector(Shared<Vector>, usize),
    /// The fields of a record from this index on.
    Record(Shared<Record>, usize),
    /// The irritants of a condition from this index on.
    Condition(Constant<Condition>, usize),
    /// A value.
    Value(Value),
    /// A parenthesis.
    Close,
}

impl Writer<'_> {
    fn later(&mut self, rest: Rest) -> Result<(), Box<Fault>> {
        self.output.take(size_of::<Rest>())?;
        self.stack.push(rest);
        Ok(())
    }

    fn value(&mut self, value: &Value) -> Result<(), Box<Fault>> {
        match self.labels.met(value) {
            Some(Label::New(label)) => self.output.push(&format!("#{label}="))?,
            Some(Label::Known(label)) => return self.output.push(&format!("#{label}#")),
            None => {}
        }
        match value {
            Value::Pair(pair) => {
                self.output.push("(")?;
                let (car, cdr) = pair.with(|pair| (pair.car.clone(), pair.cdr.clone()));
                self.later(Rest::List(cdr))?;
                self.later(Rest::Value(car))
            }
            Value::Vector(vector) => {
                self.output.push("#(")?;
                self.later(Rest::Vector(vector.clone(), 0))
            }
            Value::Record(record) => {
                let name = record.with(|record| record.of.name.clone());
                let name = name.as_str();
                // `<point>` is a usual name of a type of points.
                let bare = name
                    .strip_prefix('<')
                    .and_then(|name| name.strip_suffix('>'));
                self.output.push("#<")?;
                self.output.push(bare.unwrap_or(name))?;
                self.later(Rest::Record(record.clone(), 0))
            }
            Value::Condition(condition) => {
                self.output.push("#<condition ")?;
                self.later(Rest::Condition(condition.clone(), 0))?;
                self.later(Rest::Value(condition.message.clone()))
            }
            atom => atom::write(atom, self.readable, &mut self.output),
        }
    }

    fn rest(&mut self, rest: Rest) -> Result<(), Box<Fault>> {
        match rest {
            Rest::Close => self.output.push(")"),
            Rest::Value(value) => self.value(&value),
            Rest::List(Value::Null) => self.output.push(")"),
            Rest::List(Value::Pair(pair)) if !self.labels.has_pair(&pair) => {
                self.output.push(" ")?;
                let (car, cdr) = pair.with(|pair| (pair.car.clone(), pair.cdr.clone()));
                self.later(Rest::List(cdr))?;
                self.later(Rest::Value(car))
            }
            Rest::List(tail) => {
                self.output.push(" . ")?;
                self.later(Rest::Close)?;
                self.later(Rest::Value(tail))
            }
            Rest::Vector(vector, index) => {
                let element = vector.with(|vector| vector.elements.get(index).cloned());
                let Some(element) = element else {
                    return self.output.push(")");
                };
                if index > 0 {
                    self.output.push(" ")?;
                }
                self.later(Rest::Vector(vector, index + 1))?;
                self.later(Rest::Value(element))
            }
            Rest::Record(record, index) => {
                let field = record.with(|record| {
                    let name = record.of.fields.get(index)?;
                    Some((name.clone(), record.fields.get(index)?.clone()))
                });
                let Some((name, field)) = field else {
                    return self.output.push(">");
                };
                self.output.push(" ")?;
                self.output.push(name.as_str())?;
                self.output.push(": ")?;
                self.later(Rest::Record(record, index + 1))?;
                self.later(Rest::Value(field))
            }
            Rest::Condition(condition, index) => {
                let Some(irritant) = condition.irritants.get(index).cloned() else {
                    return self.output.push(">");
                };
                self.output.push(" ")?;
                self.later(Rest::Condition(condition, index + 1))?;
                self.later(Rest::Value(irritant))
            }
        }
    }
}
