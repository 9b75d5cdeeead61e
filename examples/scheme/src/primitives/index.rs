//! Positions in strings, vectors and bytevectors.

use std::ops::Range;

use super::arguments::count;
use crate::condition::Fault;
use crate::value::Value;

/// A position is outside.
#[cold]
pub(super) fn outside(index: &Value, length: usize, by: &str) -> Box<Fault> {
    let message = match index {
        value if value.as_number().is_some() => {
            format!("{by}: index out of range for length {length}:")
        }
        _ => return Fault::expected("an exact nonnegative integer", index, by),
    };
    Fault::new(message, [index.clone()])
}

/// Somebody wants to change a literal.
#[cold]
pub(super) fn literal(value: &Value, by: &str) -> Box<Fault> {
    Fault::new(
        format!("{by}: a literal cannot be changed"),
        [value.clone()],
    )
}

/// The position of an element.
pub(super) fn index(value: &Value, length: usize, by: &str) -> Result<usize, Box<Fault>> {
    match count(value, by) {
        Ok(index) if index < length => Ok(index),
        _ => Err(outside(value, length, by)),
    }
}

/// The position of an element, or that after the last.
fn bound(value: &Value, length: usize, by: &str) -> Result<usize, Box<Fault>> {
    match count(value, by) {
        Ok(index) if index <= length => Ok(index),
        _ => Err(outside(value, length, by)),
    }
}

/// The range that optional arguments name: its start, and its end.
pub(super) fn range(bounds: &[Value], length: usize, by: &str) -> Result<Range<usize>, Box<Fault>> {
    let start = bounds.first().map_or(Ok(0), |at| bound(at, length, by))?;
    let end = bounds
        .get(1)
        .map_or(Ok(length), |at| bound(at, length, by))?;
    if start > end {
        let message = format!("{by}: the range ends before its start, for length {length}");
        return Err(Fault::new(message, bounds));
    }
    Ok(start..end)
}

/// Where so many elements go to.
pub(super) fn room(
    at: &Value,
    elements: usize,
    length: usize,
    by: &str,
) -> Result<usize, Box<Fault>> {
    let start = bound(at, length, by)?;
    if elements > length - start {
        let message = format!("{by}: no room for {elements} elements, for length {length}");
        return Err(Fault::new(message, [at.clone()]));
    }
    Ok(start)
}
