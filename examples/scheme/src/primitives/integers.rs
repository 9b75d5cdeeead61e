//! Integers: division with remainder, divisors, roots and bits.

use super::arguments::{number, values};
use super::numbers::{answer, limits, pay_whole, wrong};
use super::{Table, fixed, variadic};
use crate::condition::Fault;
use crate::number::{Number, NumberError, cost};
use crate::primitive::Answer;
use crate::value::Value;
use crate::world::World;

/// A division with one result.
macro_rules! divide {
    ($name:literal, $function:ident) => {
        fixed($name, 2, |world, args| {
            let (a, b) = (number(&args[0], $name)?, number(&args[1], $name)?);
            pay_division(world, &a, &b)?;
            answer(a.$function(&b), $name, args)
        })
    };
}

fn pay_division(world: &World, a: &Number, b: &Number) -> Result<(), Box<Fault>> {
    world.pay(cost::division(a.size_bits(), b.size_bits()))
}

/// What an operation on the bits of two integers costs.
fn longer(a: u64, b: u64) -> u64 {
    cost::linear(a.max(b))
}

/// An operation with two results.
fn two(result: Result<(Number, Number), NumberError>, by: &str, args: &[Value]) -> Answer {
    match result {
        Ok((a, b)) => Ok(values(vec![a.into(), b.into()])),
        Err(error) => Err(wrong(error, by, args)),
    }
}

/// An operation on any number of integers that have to be integers even if they are one.
macro_rules! fold {
    ($name:literal, $none:literal, $cost:expr, $function:expr) => {
        variadic($name, 0, |world, args| {
            let limits = limits(world);
            let function: fn(&Number, &Number, _) -> Result<Number, NumberError> = $function;
            let mut found = Number::Fixnum($none);
            for arg in args {
                let arg = number(arg, $name)?;
                world.pay($cost(found.size_bits(), arg.size_bits()))?;
                found =
                    function(&found, &arg, limits).map_err(|error| wrong(error, $name, args))?;
            }
            Ok(found.into())
        })
    };
}

pub(super) const TABLE: Table = &[
    fixed("floor/", 2, |world, args| {
        let (a, b) = (number(&args[0], "floor/")?, number(&args[1], "floor/")?);
        pay_division(world, &a, &b)?;
        two(a.floor_div(&b), "floor/", args)
    }),
    fixed("truncate/", 2, |world, args| {
        let (a, b) = (
            number(&args[0], "truncate/")?,
            number(&args[1], "truncate/")?,
        );
        pay_division(world, &a, &b)?;
        two(a.truncate_div(&b), "truncate/", args)
    }),
    divide!("floor-quotient", floor_quotient),
    divide!("floor-remainder", modulo),
    divide!("truncate-quotient", quotient),
    divide!("truncate-remainder", remainder),
    divide!("quotient", quotient),
    divide!("remainder", remainder),
    divide!("modulo", modulo),
    fold!("gcd", 0, cost::divisor, Number::gcd),
    fold!("lcm", 1, cost::divisor, Number::lcm),
    fixed("exact-integer-sqrt", 1, |world, args| {
        let number = number(&args[0], "exact-integer-sqrt")?;
        world.pay(cost::root(number.size_bits()))?;
        two(number.exact_integer_sqrt(), "exact-integer-sqrt", args)
    }),
    fold!("bitwise-and", -1, longer, |a, b, _| a.bitwise_and(b)),
    fold!("bitwise-ior", 0, longer, |a, b, _| a.bitwise_or(b)),
    fold!("bitwise-xor", 0, longer, |a, b, _| a.bitwise_xor(b)),
    fixed("bitwise-not", 1, |world, args| {
        pay_whole(world, args)?;
        let not = number(&args[0], "bitwise-not")?.bitwise_not();
        answer(not, "bitwise-not", args)
    }),
    fixed("arithmetic-shift", 2, |world, args| {
        let by = "arithmetic-shift";
        let (n, count) = (number(&args[0], by)?, number(&args[1], by)?);
        let moved = count.to_usize().unwrap_or(0) as u64;
        let limits = limits(world);
        world.pay(cost::linear(
            n.size_bits().saturating_add(moved).min(limits.bits()),
        ))?;
        answer(n.arithmetic_shift(&count, limits), by, args)
    }),
];
