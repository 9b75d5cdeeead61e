//! The four operations, powers and roots, by those on real numbers.
//!
//! An exact zero as a part is no more than the absence of that part. So it takes no part in an
//! operation: `(* 2.0 +i)` is `+2.0i`, and `(* +i +inf.0)` has no NaN in it.

use super::super::{Limits, Number, NumberError};
use super::functions::root;

type Answer = Result<Number, NumberError>;

fn sum(a: &Number, b: &Number, limits: Limits) -> Answer {
    match (a, b) {
        (Number::Fixnum(0), other) | (other, Number::Fixnum(0)) => Ok(other.clone()),
        _ => a.add(b, limits),
    }
}

fn difference(a: &Number, b: &Number, limits: Limits) -> Answer {
    sum(a, &b.neg(), limits)
}

fn product(a: &Number, b: &Number, limits: Limits) -> Answer {
    match (a, b) {
        (Number::Fixnum(0), _) | (_, Number::Fixnum(0)) => Ok(Number::ZERO),
        _ => a.mul(b, limits),
    }
}

fn quotient(a: &Number, b: &Number, limits: Limits) -> Answer {
    match (a, b) {
        (_, Number::Fixnum(0)) => Err(NumberError::DivideByZero),
        (Number::Fixnum(0), _) => Ok(Number::ZERO),
        _ => a.div(b, limits),
    }
}

impl Number {
    /// The sum, where one at least is complex.
    pub(in crate::number) fn complex_add(&self, other: &Number, limits: Limits) -> Answer {
        Ok(Number::from_parts(
            sum(&self.real_part(), &other.real_part(), limits)?,
            sum(&self.imag_part(), &other.imag_part(), limits)?,
        ))
    }

    /// The difference, where one at least is complex.
    pub(in crate::number) fn complex_sub(&self, other: &Number, limits: Limits) -> Answer {
        Ok(Number::from_parts(
            difference(&self.real_part(), &other.real_part(), limits)?,
            difference(&self.imag_part(), &other.imag_part(), limits)?,
        ))
    }

    /// The product, where one at least is complex.
    pub(in crate::number) fn complex_mul(&self, other: &Number, limits: Limits) -> Answer {
        let [a, b] = [self.real_part(), self.imag_part()];
        let [c, d] = [other.real_part(), other.imag_part()];
        Ok(Number::from_parts(
            difference(&product(&a, &c, limits)?, &product(&b, &d, limits)?, limits)?,
            sum(&product(&a, &d, limits)?, &product(&b, &c, limits)?, limits)?,
        ))
    }

    /// The quotient, where one at least is complex: by Smith's method, in which nothing overflows
    /// needlessly.
    pub(in crate::number) fn complex_div(&self, other: &Number, limits: Limits) -> Answer {
        let [a, b] = [self.real_part(), self.imag_part()];
        let [c, d] = [other.real_part(), other.imag_part()];
        // Multiplied by -i, both have their parts the other way round.
        let turned = c.abs().num_cmp(&d.abs()).is_some_and(|order| order.is_lt());
        let [a, b, c, d] = if turned {
            [b, a.neg(), d, c.neg()]
        } else {
            [a, b, c, d]
        };
        let ratio = quotient(&d, &c, limits)?;
        let divisor = sum(&c, &product(&d, &ratio, limits)?, limits)?;
        let real = sum(&a, &product(&b, &ratio, limits)?, limits)?;
        let imaginary = difference(&b, &product(&a, &ratio, limits)?, limits)?;
        Ok(Number::from_parts(
            quotient(&real, &divisor, limits)?,
            quotient(&imaginary, &divisor, limits)?,
        ))
    }

    /// The square root of a complex number, whose real part is not negative: exact if the number
    /// and its root are.
    pub(in crate::number) fn complex_sqrt(&self, limits: Limits) -> Answer {
        let [x, y] = [self.real_part(), self.imag_part()];
        if self.is_exact() {
            let larger = self.magnitude(limits)?.add(&x.abs(), limits)?;
            let first = larger.div(&Number::Fixnum(2), limits)?.sqrt(limits)?;
            if first.is_exact() {
                let second = y.div(&first.add(&first, limits)?, limits)?;
                return Ok(match (x.is_negative(), y.is_negative()) {
                    (false, _) => Number::from_parts(first, second),
                    (true, false) => Number::from_parts(second, first),
                    (true, true) => Number::from_parts(second.neg(), first.neg()),
                });
            }
        }
        Ok(Number::from_point(root((x.to_f64(), y.to_f64()))))
    }

    /// A power where the base or the exponent is complex, or the base negative and the exponent no
    /// integer.
    pub(in crate::number) fn complex_power(&self, exponent: &Number, limits: Limits) -> Answer {
        match exponent {
            Number::Fixnum(exponent) => {
                let power = self.repeated(exponent.unsigned_abs(), limits)?;
                if *exponent < 0 {
                    Number::ONE.div(&power, limits)
                } else {
                    Ok(power)
                }
            }
            // The powers of `i` repeat, and of other exact numbers these are too large.
            Number::Big(_) if self.is_exact() => match self.magnitude(limits)? {
                Number::Fixnum(1) if self.real_part().is_exact_zero() => {
                    let rest = exponent.modulo(&Number::Fixnum(4))?;
                    self.repeated(rest.to_usize().unwrap_or(0) as u64, limits)
                }
                _ => Err(NumberError::TooLarge),
            },
            _ if self.is_zero() => match exponent.real_part() {
                _ if exponent.is_zero() => Ok(Number::Flonum(1.0)),
                real if real.is_positive() => {
                    Ok(Number::ZERO.inexact_if(!(self.is_exact() && exponent.is_exact())))
                }
                real if real.is_negative() && self.is_exact() => Err(NumberError::DivideByZero),
                _ => Err(NumberError::Undefined),
            },
            _ => Ok(self.log()?.mul(exponent, limits)?.exp()),
        }
    }

    /// The product of so many of the number.
    fn repeated(&self, mut count: u64, limits: Limits) -> Answer {
        let (mut power, mut square) = (Number::ONE, self.clone());
        while count > 0 {
            if count & 1 == 1 {
                power = power.mul(&square, limits)?;
            }
            count >>= 1;
            if count > 0 {
                square = square.mul(&square, limits)?;
            }
        }
        Ok(power)
    }
}
