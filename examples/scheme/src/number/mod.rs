//! The numeric tower: fixnums, bignums, exact ratios, flonums, and complex numbers that are pairs
//! of these, with R7RS-small's operations on them.
//!
//! ```text
//!                        Number               16 bytes
//!              ┌───────────┴──────────┐
//!            real                  Complex    two reals, the second of them not an exact zero
//!        ┌─────┴───────────┐
//!      exact            inexact
//!   ┌────┴─────┐           │
//! integer    Ratio      Flonum(f64)
//!  ┌─┴───┐   a reduced fraction whose denominator is at least 2
//! Fixnum Big
//! i64    any other integer
//! ```
//!
//! Every exact value has one representation, so `eqv?` compares representations.
//!
//! An operation that is one on real numbers alone answers [`NumberError::NotReal`] to a complex
//! one. Where it cannot fail, it takes a complex number for a NaN, which is in no order.
//!
//! An operation whose result can be much larger than its operands takes a [`Limits`] and answers
//! [`NumberError::TooLarge`] before it takes the memory.

#![forbid(unsafe_code)]

use std::rc::Rc;

use num_bigint::BigInt;
use num_traits::ToPrimitive;
use serde::{Deserialize, Serialize};

mod arithmetic;
mod bitwise;
mod compare;
mod complex;
mod convert;
pub(crate) mod cost;
mod division;
mod error;
mod gcd;
mod large;
mod limits;
mod parse;
mod power;
mod print;
mod ratio;
mod rounding;
#[cfg(test)]
mod tests;
mod transcendental;
pub(crate) mod wire;

pub use complex::Complex;
pub use error::NumberError;
pub use limits::Limits;
pub use parse::parse;
pub use ratio::Ratio;

/// A number of the tower.
///
/// `==` and the hash are those of `eqv?`: exact and inexact numbers differ, and so do the two
/// flonum zeros, and a NaN equals a NaN. Numerical equality is [`Number::num_eq`].
///
/// A value made by hand must keep the invariants written at the variants; the constructors, the
/// operations and deserialization do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "wire::Wire")]
pub enum Number {
    /// An exact integer that fits 64 bits.
    Fixnum(i64),
    /// An exact integer that does not fit 64 bits.
    Big(Rc<BigInt>),
    /// An exact number that is not an integer.
    Ratio(Rc<Ratio>),
    /// An inexact real number.
    Flonum(f64),
    /// A number that is not real, exact if both of its parts are.
    Complex(Rc<Complex>),
}

const _: () = assert!(size_of::<Number>() == 16 && size_of::<Result<Number, NumberError>>() == 16);

impl Number {
    /// The exact zero.
    pub const ZERO: Number = Number::Fixnum(0);
    /// The exact one.
    pub const ONE: Number = Number::Fixnum(1);

    /// Whether the number is exact.
    #[inline]
    pub fn is_exact(&self) -> bool {
        match self {
            Number::Flonum(_) => false,
            Number::Complex(z) => z.parts().iter().all(|part| part.is_exact()),
            _ => true,
        }
    }

    /// Whether the number is an exact integer.
    #[inline]
    pub fn is_exact_integer(&self) -> bool {
        matches!(self, Number::Fixnum(_) | Number::Big(_))
    }

    /// Whether the number is an integer, exact or not.
    pub fn is_integer(&self) -> bool {
        match self {
            Number::Fixnum(_) | Number::Big(_) => true,
            Number::Ratio(_) | Number::Complex(_) => false,
            // The fraction of an infinity or of a NaN is a NaN.
            Number::Flonum(x) => x.fract() == 0.0,
        }
    }

    /// Whether the number is finite: both parts of a complex one. `rational?` asks the same of real
    /// numbers.
    pub fn is_finite(&self) -> bool {
        match self {
            Number::Flonum(x) => x.is_finite(),
            Number::Complex(z) => z.parts().iter().all(|part| part.is_finite()),
            _ => true,
        }
    }

    /// Whether the number is an infinity, or a part of it.
    pub fn is_infinite(&self) -> bool {
        match self {
            Number::Flonum(x) => x.is_infinite(),
            Number::Complex(z) => z.parts().iter().any(|part| part.is_infinite()),
            _ => false,
        }
    }

    /// Whether the number is a NaN, or a part of it.
    pub fn is_nan(&self) -> bool {
        match self {
            Number::Flonum(x) => x.is_nan(),
            Number::Complex(z) => z.parts().iter().any(|part| part.is_nan()),
            _ => false,
        }
    }

    /// Whether the number is zero.
    #[inline]
    pub fn is_zero(&self) -> bool {
        match self {
            Number::Fixnum(n) => *n == 0,
            Number::Big(_) | Number::Ratio(_) => false,
            Number::Flonum(x) => *x == 0.0,
            Number::Complex(z) => z.parts().iter().all(|part| part.is_zero()),
        }
    }

    /// Whether the number is greater than zero.
    #[inline]
    pub fn is_positive(&self) -> bool {
        match self {
            Number::Fixnum(n) => *n > 0,
            Number::Big(n) => n.sign() == num_bigint::Sign::Plus,
            Number::Ratio(r) => r.numerator().sign() == num_bigint::Sign::Plus,
            Number::Flonum(x) => *x > 0.0,
            Number::Complex(_) => false,
        }
    }

    /// Whether the number is less than zero.
    #[inline]
    pub fn is_negative(&self) -> bool {
        match self {
            Number::Fixnum(n) => *n < 0,
            Number::Big(n) => n.sign() == num_bigint::Sign::Minus,
            Number::Ratio(r) => r.numerator().sign() == num_bigint::Sign::Minus,
            Number::Flonum(x) => *x < 0.0,
            Number::Complex(_) => false,
        }
    }

    /// Whether the integer is even.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotInteger`].
    pub fn is_even(&self) -> Result<bool, NumberError> {
        match self {
            Number::Fixnum(n) => Ok(n & 1 == 0),
            Number::Big(n) => Ok(!n.bit(0)),
            Number::Flonum(x) if self.is_integer() => Ok(x % 2.0 == 0.0),
            _ => Err(NumberError::NotInteger),
        }
    }

    /// Whether the integer is odd.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotInteger`].
    pub fn is_odd(&self) -> Result<bool, NumberError> {
        self.is_even().map(|even| !even)
    }

    /// The value as an index or a count, if the number is an exact integer that is one.
    #[inline]
    pub fn to_usize(&self) -> Option<usize> {
        match self {
            Number::Fixnum(n) => usize::try_from(*n).ok(),
            _ => None,
        }
    }
}

impl From<i64> for Number {
    #[inline]
    fn from(n: i64) -> Self {
        Number::Fixnum(n)
    }
}

impl From<i32> for Number {
    #[inline]
    fn from(n: i32) -> Self {
        Number::Fixnum(n.into())
    }
}

impl From<u64> for Number {
    fn from(n: u64) -> Self {
        match i64::try_from(n) {
            Ok(n) => Number::Fixnum(n),
            Err(_) => Number::Big(Rc::new(n.into())),
        }
    }
}

impl From<usize> for Number {
    fn from(n: usize) -> Self {
        Number::from(n as u64)
    }
}

impl From<BigInt> for Number {
    fn from(n: BigInt) -> Self {
        match n.to_i64() {
            Some(n) => Number::Fixnum(n),
            None => Number::Big(Rc::new(n)),
        }
    }
}

impl From<f64> for Number {
    #[inline]
    fn from(x: f64) -> Self {
        Number::Flonum(x)
    }
}
