//! Rounding, functions, exactness, and how numbers are written.

use super::arguments::{number, real, reserve, string};
use super::numbers::{answer, limits, pay_whole, wrong};
use super::{Table, fixed, optional};
use crate::condition::Fault;
use crate::number::{Number, NumberError, cost, parse};
use crate::primitive::Answer;
use crate::value::Value;
use crate::world::World;

/// A function that has a value everywhere.
macro_rules! total {
    ($name:literal, $function:ident, $operand:ident) => {
        fixed($name, 1, |world, args| {
            pay_whole(world, args)?;
            Ok($operand(&args[0], $name)?.$function().into())
        })
    };
}

/// A function that may have no value.
macro_rules! partial {
    ($name:literal, $function:ident) => {
        fixed($name, 1, |world, args| {
            pay_whole(world, args)?;
            answer(number(&args[0], $name)?.$function(), $name, args)
        })
    };
}

/// A function whose second argument may be left out.
macro_rules! one_or_two {
    ($name:literal, $one:expr, $two:ident) => {
        optional($name, 1, 2, |world, args| {
            pay_whole(world, args)?;
            let one: fn(&Number) -> Result<Number, NumberError> = $one;
            let first = number(&args[0], $name)?;
            let result = match args.get(1) {
                None => one(&first),
                Some(second) => first.$two(&number(second, $name)?),
            };
            answer(result, $name, args)
        })
    };
}

pub(super) const TABLE: Table = &[
    total!("floor", floor, real),
    total!("ceiling", ceiling, real),
    total!("truncate", truncate, real),
    total!("round", round, real),
    partial!("numerator", numerator),
    partial!("denominator", denominator),
    fixed("rationalize", 2, |world, args| {
        let by = "rationalize";
        let (x, tolerance) = (number(&args[0], by)?, number(&args[1], by)?);
        // It takes longer than to reduce a ratio of that size, and not that many bits.
        world.pay(4 * cost::divisor(x.size_bits(), tolerance.size_bits()))?;
        answer(x.rationalize(&tolerance, limits(world)), by, args)
    }),
    total!("exp", exp, number),
    one_or_two!("log", Number::log, log_base),
    total!("sin", sin, number),
    total!("cos", cos, number),
    total!("tan", tan, number),
    total!("asin", asin, number),
    total!("acos", acos, number),
    one_or_two!("atan", |x| Ok(x.atan()), atan2),
    fixed("sqrt", 1, |world, args| {
        let number = number(&args[0], "sqrt")?;
        pay_root(world, &number)?;
        answer(number.sqrt(limits(world)), "sqrt", args)
    }),
    fixed("expt", 2, |world, args| {
        let (base, exponent) = (number(&args[0], "expt")?, number(&args[1], "expt")?);
        let limits = limits(world);
        match exponent {
            Number::Ratio(_) => pay_root(world, &base)?,
            _ => {
                // What is larger is refused for that.
                let bits = base.power_bits(&exponent).min(limits.bits());
                world.pay(cost::product(bits, bits))?;
            }
        }
        answer(base.expt(&exponent, limits), "expt", args)
    }),
    partial!("exact", exact),
    partial!("inexact->exact", exact),
    total!("inexact", inexact, number),
    total!("exact->inexact", inexact, number),
    optional("number->string", 1, 2, |world, args| {
        let number = number(&args[0], "number->string")?;
        let radix = radix(args, "number->string")?;
        world.pay(cost::writing(number.size_bits()))?;
        // Each digit tells so many bits at least, and takes four bytes, after one in between.
        let digits = number.size_bits() / u64::from(radix.ilog2());
        reserve(world, usize::try_from(digits).unwrap_or(usize::MAX), 5)?;
        match number.to_text(radix) {
            Ok(text) => Ok(Value::string(&text)),
            Err(error) => Err(wrong(error, "number->string", args)),
        }
    }),
    optional("string->number", 1, 2, string_to_number),
];

/// Pays for a square root. That of a complex number is found by its magnitude.
pub(super) fn pay_root(world: &World, number: &Number) -> Result<(), Box<Fault>> {
    let squares = match number.is_real() {
        true => 0,
        false => cost::operation(number, number),
    };
    world.pay(squares + cost::root(number.size_bits()))
}

fn string_to_number(world: &mut World, args: &[Value]) -> Answer {
    let text = string(&args[0], "string->number")?;
    let text: String = text.with(|text| text.characters.iter().collect());
    let radix = radix(args, "string->number")?;
    let limits = limits(world);
    world.pay(cost::reading(&text, radix, limits))?;
    match parse(&text, radix, limits) {
        Ok(number) => Ok(number.map_or(Value::False, Value::from)),
        Err(error) => Err(wrong(error, "string->number", args)),
    }
}

/// The second argument, or ten.
fn radix(args: &[Value], by: &str) -> Result<u32, Box<Fault>> {
    let Some(value) = args.get(1) else {
        return Ok(10);
    };
    match value {
        Value::Fixnum(radix @ 2..=36) => Ok(*radix as u32),
        _ => Err(Fault::expected("a radix from 2 to 36", value, by)),
    }
}
