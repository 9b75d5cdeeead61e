//! Numbers: what sort they are of, how they compare, and the four operations.

use super::arguments::{chain, number, real};
use super::{Table, fixed, inline, variadic};
use crate::condition::Fault;
use crate::number::{Limits, Number, NumberError, cost};
use crate::primitive::Answer;
use crate::value::Value;
use crate::world::World;

/// A question that can be asked of any value.
macro_rules! sort {
    ($name:literal, $is:expr) => {
        fixed($name, 1, |_, args| {
            let is: fn(&Number) -> bool = $is;
            Ok(args[0].as_number().as_ref().is_some_and(is).into())
        })
    };
}

/// A question about a number.
macro_rules! question {
    ($name:literal, $is:ident, $operand:ident) => {
        fixed($name, 1, |_, args| {
            Ok($operand(&args[0], $name)?.$is().into())
        })
    };
}

/// A question about an integer.
macro_rules! parity {
    ($name:literal, $is:ident) => {
        fixed($name, 1, |_, args| {
            answer(number(&args[0], $name)?.$is(), $name, args)
        })
    };
}

/// A comparison of each with the next.
macro_rules! comparison {
    ($name:literal, $function:ident, $operand:ident) => {
        variadic($name, 1, |world, args| {
            pay_comparison(world, args)?;
            if let [a, b] = args {
                return inline::$function(a, b).map(Value::from);
            }
            args.iter()
                .try_for_each(|arg| $operand(arg, $name).map(drop))?;
            let holds = |a: &&Value, b: &&Value| inline::$function(a, b).is_ok_and(|is| is);
            chain(args, $name, |value, _| Ok(value), holds)
        })
    };
}

/// An operation on any number of operands, with what it answers if there are none.
macro_rules! fold {
    ($name:literal, $function:ident, $none:literal) => {
        variadic($name, 0, |world, args| match args {
            [a, b] => inline::$function(world, a, b),
            _ => {
                let none = Value::integer($none);
                args.iter()
                    .try_fold(none, |sum, next| inline::$function(world, &sum, next))
            }
        })
    };
}

/// The largest or the smallest of some numbers.
macro_rules! extreme {
    ($name:literal, $function:ident) => {
        variadic($name, 1, |world, args| {
            pay_comparison(world, args)?;
            let mut found = real(&args[0], $name)?;
            for arg in &args[1..] {
                found = found.$function(&real(arg, $name)?);
            }
            Ok(found.into())
        })
    };
}

pub(super) const TABLE: Table = &[
    sort!("number?", |_| true),
    sort!("complex?", |_| true),
    sort!("real?", Number::is_real),
    sort!("rational?", |number| number.is_real() && number.is_finite()),
    sort!("integer?", Number::is_integer),
    sort!("exact-integer?", Number::is_exact_integer),
    sort!("exact-rational?", |number| number.is_real()
        && number.is_exact()),
    question!("exact?", is_exact, number),
    fixed("inexact?", 1, |_, args| {
        Ok((!number(&args[0], "inexact?")?.is_exact()).into())
    }),
    question!("finite?", is_finite, number),
    question!("infinite?", is_infinite, number),
    question!("nan?", is_nan, number),
    fixed("zero?", 1, |_, args| {
        inline::is_zero(&args[0]).map(Value::from)
    }),
    question!("positive?", is_positive, real),
    question!("negative?", is_negative, real),
    parity!("even?", is_even),
    parity!("odd?", is_odd),
    comparison!("=", num_eq, number),
    comparison!("<", less, real),
    comparison!(">", greater, real),
    comparison!("<=", at_most, real),
    comparison!(">=", at_least, real),
    extreme!("max", max),
    extreme!("min", min),
    fold!("+", add, 0),
    fold!("*", mul, 1),
    variadic("-", 1, |world, args| match args {
        [a] => Ok(number(a, "-")?.neg().into()),
        [first, rest @ ..] => rest
            .iter()
            .try_fold(first.clone(), |sum, next| inline::sub(world, &sum, next)),
        [] => Ok(Value::integer(0)),
    }),
    variadic("/", 1, |world, args| match args {
        [a] => divide(world, &Value::integer(1), a),
        [first, rest @ ..] => rest
            .iter()
            .try_fold(first.clone(), |sum, next| divide(world, &sum, next)),
        [] => Ok(Value::integer(1)),
    }),
    fixed("abs", 1, |_, args| Ok(real(&args[0], "abs")?.abs().into())),
    fixed("square", 1, |world, args| {
        let number = number(&args[0], "square")?;
        pay_product(world, &number, &number)?;
        let square = number.square(limits(world));
        answer(square, "square", args)
    }),
];

fn divide(world: &World, a: &Value, b: &Value) -> Answer {
    let (x, y) = (number(a, "/")?, number(b, "/")?);
    world.pay(cost::quotient(&x, &y))?;
    let quotient = x.div(&y, limits(world));
    answer(quotient, "/", &[a.clone(), b.clone()])
}

/// How large exact numbers may become: as the sandbox says, and as there is memory left.
pub(super) fn limits(world: &World) -> Limits {
    let bits = world.sandbox.number_bits;
    let left = world.sandbox.heap.map_or(bits, |heap| {
        let bytes = heap.limit.saturating_sub((heap.used)());
        (bytes as u64).saturating_mul(8)
    });
    Limits::new(bits.min(left))
}

/// Pays for a product, or for a sum of what has to be brought to a common denominator.
pub(super) fn pay_product(world: &World, a: &Number, b: &Number) -> Result<(), Box<Fault>> {
    world.pay(cost::operation(a, b))
}

/// Pays for what goes through numbers, and divides ratios out.
pub(super) fn pay_whole(world: &World, args: &[Value]) -> Result<(), Box<Fault>> {
    let numbers = args.iter().filter_map(Value::as_number);
    world.pay(numbers.map(|number| cost::whole(&number)).sum())
}

/// Pays for comparing numbers, each with the next. Ratios are multiplied for it.
fn pay_comparison(world: &World, args: &[Value]) -> Result<(), Box<Fault>> {
    let numbers = args.iter().filter_map(Value::as_number);
    let costs = numbers.map(
        |number| match (number.is_exact_integer(), number.size_bits()) {
            (true, bits) => cost::linear(bits),
            (false, bits) => 2 * cost::product(bits, bits),
        },
    );
    world.pay(costs.sum())
}

/// What an operation on the arguments answers.
pub(super) fn answer<T: Into<Value>>(
    result: Result<T, NumberError>,
    by: &str,
    args: &[Value],
) -> Answer {
    match result {
        Ok(value) => Ok(value.into()),
        Err(error) => Err(wrong(error, by, args)),
    }
}

/// What is wrong with an operation on the arguments.
#[cold]
pub(super) fn wrong(error: NumberError, by: &str, args: &[Value]) -> Box<Fault> {
    let message = format!("{by}: {error}");
    match error {
        NumberError::TooLarge => Fault::limit(message),
        _ => Fault::new(message, args),
    }
}
