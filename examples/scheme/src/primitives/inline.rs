//! What the evaluator does itself instead of calling: the common cases inline, all others, and
//! what is wrong, out of line.

use std::cmp::Ordering;
use std::mem;

use super::arguments::{number, real, string, vector};
use super::index::{literal, outside};
use super::numbers::{limits, pay_product, wrong};
use crate::condition::Fault;
use crate::number::{Limits, Number, NumberError, cost};
use crate::primitive::Answer;
use crate::value::{Text, Value, Vector};
use crate::world::World;

type Operation = fn(&Number, &Number, Limits) -> Result<Number, NumberError>;

/// The operands are not of the common kinds.
#[cold]
#[inline(never)]
fn arithmetic(world: &World, a: &Value, b: &Value, by: &str, operation: Operation) -> Answer {
    let (x, y) = (number(a, by)?, number(b, by)?);
    match (&x, &y) {
        // A common denominator is found, of each part of a complex number.
        (Number::Ratio(_) | Number::Complex(_), _) | (_, Number::Ratio(_) | Number::Complex(_)) => {
            pay_product(world, &x, &y)?;
        }
        _ if by == "*" => pay_product(world, &x, &y)?,
        _ => world.pay(cost::linear(x.size_bits().max(y.size_bits())))?,
    }
    let result = operation(&x, &y, limits(world));
    result
        .map(Value::from)
        .map_err(|error| wrong(error, by, &[a.clone(), b.clone()]))
}

macro_rules! arithmetic {
    ($($(#[$doc:meta])* $name:ident, $by:literal, $checked:ident, $operator:tt;)*) => {
        $($(#[$doc])*
        #[inline]
        pub(crate) fn $name(world: &World, a: &Value, b: &Value) -> Answer {
            match (a, b) {
                (Value::Fixnum(x), Value::Fixnum(y)) => {
                    if let Some(result) = x.$checked(*y) {
                        return Ok(Value::integer(result));
                    }
                }
                (Value::Flonum(x), Value::Flonum(y)) => {
                    return Ok(Value::Flonum((x.get() $operator y.get()).into()));
                }
                _ => {}
            }
            arithmetic(world, a, b, $by, Number::$name)
        })*
    };
}

arithmetic! {
    /// `+` of two.
    add, "+", checked_add, +;
    /// `-` of two.
    sub, "-", checked_sub, -;
    /// `*` of two.
    mul, "*", checked_mul, *;
}

#[cold]
#[inline(never)]
fn compare(
    a: &Value,
    b: &Value,
    by: &str,
    holds: fn(Ordering) -> bool,
) -> Result<bool, Box<Fault>> {
    Ok(real(a, by)?.num_cmp(&real(b, by)?).is_some_and(holds))
}

/// The same of `=`, which complex numbers may be, too.
#[cold]
#[inline(never)]
fn equal(a: &Value, b: &Value, by: &str) -> Result<bool, Box<Fault>> {
    Ok(number(a, by)?.num_eq(&number(b, by)?))
}

macro_rules! comparison {
    ($($(#[$doc:meta])* $name:ident, $by:literal, $operator:tt, $slow:expr;)*) => {
        $($(#[$doc])*
        #[inline]
        pub(crate) fn $name(a: &Value, b: &Value) -> Result<bool, Box<Fault>> {
            match (a, b) {
                (Value::Fixnum(a), Value::Fixnum(b)) => {
                    Ok(a $operator b)
                }
                (Value::Flonum(a), Value::Flonum(b)) => {
                    Ok(a.get() $operator b.get())
                }
                _ => {
                    let slow: fn(&Value, &Value, &str) -> Result<bool, Box<Fault>> = $slow;
                    slow(a, b, $by)
                }
            }
        })*
    };
}

comparison! {
    /// `=` of two.
    num_eq, "=", ==, equal;
    /// `<` of two.
    less, "<", <, |a, b, by| compare(a, b, by, Ordering::is_lt);
    /// `>` of two.
    greater, ">", >, |a, b, by| compare(a, b, by, Ordering::is_gt);
    /// `<=` of two.
    at_most, "<=", <=, |a, b, by| compare(a, b, by, Ordering::is_le);
    /// `>=` of two.
    at_least, ">=", >=, |a, b, by| compare(a, b, by, Ordering::is_ge);
}

/// `zero?`
#[inline]
pub(crate) fn is_zero(value: &Value) -> Result<bool, Box<Fault>> {
    Ok(number(value, "zero?")?.is_zero())
}

/// `eq?`, which is `eqv?`.
#[inline]
pub(crate) fn is_eq(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Symbol(a), Value::Symbol(b)) => a == b,
        (Value::Fixnum(a), Value::Fixnum(b)) => a == b,
        (Value::Null, Value::Null) => true,
        _ => a.is_eq(b),
    }
}

/// `not`
#[inline]
pub(crate) fn not(value: &Value) -> bool {
    !value.is_true()
}

/// `null?`
#[inline]
pub(crate) fn is_null(value: &Value) -> bool {
    matches!(value, Value::Null)
}

/// `pair?`
#[inline]
pub(crate) fn is_pair(value: &Value) -> bool {
    matches!(value, Value::Pair(_))
}

/// `cons`
#[inline]
pub(crate) fn cons(car: Value, cdr: Value) -> Value {
    Value::cons(car, cdr)
}

/// `car`
#[inline]
pub(crate) fn car(value: &Value) -> Answer {
    match value {
        Value::Pair(pair) => Ok(pair.with(|pair| pair.car.clone())),
        _ => Err(Fault::expected("a pair", value, "car")),
    }
}

/// `cdr`
#[inline]
pub(crate) fn cdr(value: &Value) -> Answer {
    match value {
        Value::Pair(pair) => Ok(pair.with(|pair| pair.cdr.clone())),
        _ => Err(Fault::expected("a pair", value, "cdr")),
    }
}

/// A small index.
#[inline]
fn small(index: &Value) -> Option<usize> {
    match index {
        Value::Fixnum(index) => usize::try_from(*index).ok(),
        _ => None,
    }
}

/// `vector-ref`
#[inline]
pub(crate) fn vector_ref(vector: &Value, index: &Value) -> Answer {
    if let (Value::Vector(vector), Some(index)) = (vector, small(index))
        && let Some(element) = vector.with(|vector| vector.elements.get(index).cloned())
    {
        return Ok(element);
    }
    Err(vector_fault(vector, index, "vector-ref"))
}

/// `vector-set!`
#[inline]
pub(crate) fn vector_set(vector: &Value, index: &Value, new: Value) -> Result<(), Box<Fault>> {
    if let (Value::Vector(vector), Some(index)) = (vector, small(index)) {
        let set = |vector: &mut Vector| match vector.elements.get_mut(index) {
            Some(element) if !vector.literal => Some(mem::replace(element, new)),
            _ => None,
        };
        // The old element is dropped here, where nobody holds the vector.
        if vector.update(set).is_some() {
            return Ok(());
        }
    }
    Err(vector_fault(vector, index, "vector-set!"))
}

#[cold]
#[inline(never)]
fn vector_fault(value: &Value, index: &Value, by: &str) -> Box<Fault> {
    let length = |vector: &Vector| vector.elements.len();
    match vector(value, by) {
        Err(fault) => fault,
        Ok(vector) => at_fault(value, index, vector.with(length), by),
    }
}

/// `string-ref`
#[inline]
pub(crate) fn string_ref(string: &Value, index: &Value) -> Answer {
    if let (Value::String(string), Some(index)) = (string, small(index))
        && let Some(character) = string.with(|string| string.characters.get(index).copied())
    {
        return Ok(character.into());
    }
    Err(string_fault(string, index, "string-ref"))
}

/// `string-set!`
#[inline]
pub(crate) fn string_set(string: &Value, index: &Value, new: char) -> Result<(), Box<Fault>> {
    if let (Value::String(string), Some(index)) = (string, small(index)) {
        let set = |string: &mut Text| match string.characters.get_mut(index) {
            Some(character) if !string.literal => {
                *character = new;
                true
            }
            _ => false,
        };
        if string.update(set) {
            return Ok(());
        }
    }
    Err(string_fault(string, index, "string-set!"))
}

#[cold]
#[inline(never)]
fn string_fault(value: &Value, index: &Value, by: &str) -> Box<Fault> {
    match string(value, by) {
        Err(fault) => fault,
        Ok(text) => at_fault(value, index, text.with(|text| text.characters.len()), by),
    }
}

/// What is wrong is the index, or else that the thing is a literal.
#[cold]
pub(super) fn at_fault(value: &Value, index: &Value, length: usize, by: &str) -> Box<Fault> {
    match small(index) {
        Some(index) if index < length => literal(value, by),
        _ => outside(index, length, by),
    }
}
