//! What arguments have to be.

use std::hint::black_box;

use segno::snapshot::Shared;

use super::walk::Walk;
use crate::condition::Fault;
use crate::number::Number;
use crate::primitive::Answer;
use crate::symbol::Symbol;
use crate::value::{Bytes, Text, Value, Vector};
use crate::world::World;

/// About the bytes that a pair takes of the heap, with what counts its references.
pub(super) const PAIR: usize = 80;

macro_rules! of_type {
    ($($name:ident: $variant:ident -> $type:ty, $what:literal;)*) => {
        $(pub(super) fn $name<'a>(value: &'a Value, by: &str) -> Result<&'a $type, Box<Fault>> {
            match value {
                Value::$variant(found) => Ok(found),
                _ => Err(Fault::expected($what, value, by)),
            }
        })*
    };
}

of_type! {
    symbol: Symbol -> Symbol, "a symbol";
    string: String -> Shared<Text>, "a string";
    vector: Vector -> Shared<Vector>, "a vector";
    bytes: Bytes -> Shared<Bytes>, "a bytevector";
}

/// A number.
pub(super) fn number(value: &Value, by: &str) -> Result<Number, Box<Fault>> {
    let number = value.as_number();
    number.ok_or_else(|| Fault::expected("a number", value, by))
}

/// A real number.
pub(super) fn real(value: &Value, by: &str) -> Result<Number, Box<Fault>> {
    match number(value, by)? {
        Number::Complex(_) => Err(Fault::expected("a real number", value, by)),
        number => Ok(number),
    }
}

/// A character.
pub(super) fn character(value: &Value, by: &str) -> Result<char, Box<Fault>> {
    match value {
        Value::Character(c) => Ok(c.get()),
        _ => Err(Fault::expected("a character", value, by)),
    }
}

/// A boolean.
pub(super) fn boolean(value: &Value, by: &str) -> Result<bool, Box<Fault>> {
    match value {
        Value::True => Ok(true),
        Value::False => Ok(false),
        _ => Err(Fault::expected("a boolean", value, by)),
    }
}

/// The elements of what has to be a list.
pub(super) fn items(list: &Value, by: &str) -> Result<Vec<Value>, Box<Fault>> {
    let mut walk = Walk::new(list);
    let items = walk.by_ref().map(|pair| pair.with(|pair| pair.car.clone()));
    let items = items.collect();
    walk.finish(list, by)?;
    Ok(items)
}

/// A count that the program chooses, or a position.
pub(super) fn count(value: &Value, by: &str) -> Result<usize, Box<Fault>> {
    let count = value.as_number().and_then(|number| number.to_usize());
    count.ok_or_else(|| Fault::expected("an exact nonnegative integer", value, by))
}

/// A byte.
pub(super) fn byte(value: &Value, by: &str) -> Result<u8, Box<Fault>> {
    match value {
        Value::Fixnum(n) => u8::try_from(*n).ok(),
        _ => None,
    }
    .ok_or_else(|| Fault::expected("a byte", value, by))
}

/// Whether there is memory for so many things of a size.
pub(super) fn reserve(world: &World, count: usize, size: usize) -> Result<(), Box<Fault>> {
    /// What is smaller is there, or nothing is.
    const LARGE: usize = 1 << 20;
    let bytes = count.saturating_mul(size);
    world.reserve(bytes)?;
    if bytes >= LARGE {
        let mut probe = Vec::<u8>::new();
        let probed = probe.try_reserve_exact(bytes);
        black_box(&probe);
        probed.map_err(|_| Fault::limit("out of memory"))?;
    }
    Ok(())
}

/// Whether each argument relates to the next. All are looked at, since all have to be of the type.
pub(super) fn chain<'a, T>(
    args: &'a [Value],
    by: &str,
    get: impl Fn(&'a Value, &str) -> Result<T, Box<Fault>>,
    holds: impl Fn(&T, &T) -> bool,
) -> Answer {
    let mut all = true;
    let mut before = None;
    for arg in args {
        let next = get(arg, by)?;
        if let Some(before) = &before {
            all = all && holds(before, &next);
        }
        before = Some(next);
    }
    Ok(all.into())
}

/// Values together: themselves if it is one.
pub(super) fn values(mut values: Vec<Value>) -> Value {
    match values.pop() {
        Some(only) if values.is_empty() => only,
        last => {
            values.extend(last);
            Value::Values(values.into())
        }
    }
}
