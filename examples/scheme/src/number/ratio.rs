//! Ratios, and every exact number seen as a fraction.

use std::borrow::Cow;
use std::rc::Rc;

use num_bigint::BigInt;
use num_traits::{One, Zero};
use serde::{Deserialize, Serialize};

use super::gcd::reduce;
use super::{Limits, Number, NumberError, wire};

/// An exact number that is not an integer: a fraction in lowest terms, whose denominator is at
/// least 2.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "wire::WireRatio")]
pub struct Ratio {
    numerator: BigInt,
    denominator: BigInt,
}

impl Ratio {
    /// The numerator, which has the sign.
    pub fn numerator(&self) -> &BigInt {
        &self.numerator
    }

    /// The denominator, at least 2.
    pub fn denominator(&self) -> &BigInt {
        &self.denominator
    }

    /// The ratio of integers that are known to fulfil the invariant.
    pub(super) fn from_reduced(numerator: BigInt, denominator: BigInt) -> Self {
        debug_assert!(denominator > BigInt::one());
        Ratio {
            numerator,
            denominator,
        }
    }
}

impl Number {
    /// The exact quotient of two integers.
    ///
    /// # Errors
    ///
    /// [`NumberError::DivideByZero`], and [`NumberError::TooLarge`] if the integers together exceed
    /// the limit before they are reduced.
    pub fn ratio(
        numerator: BigInt,
        denominator: BigInt,
        limits: Limits,
    ) -> Result<Number, NumberError> {
        if denominator.is_zero() {
            return Err(NumberError::DivideByZero);
        }
        limits.check_reducible(numerator.bits() + denominator.bits())?;
        let (numerator, denominator) = reduce(numerator, denominator);
        Ok(Number::from_reduced(numerator, denominator))
    }

    /// The quotient of two integers that have no common divisor, the second of them positive.
    pub(super) fn from_reduced(numerator: BigInt, denominator: BigInt) -> Number {
        if denominator.is_one() {
            Number::from(numerator)
        } else {
            Number::Ratio(Rc::new(Ratio::from_reduced(numerator, denominator)))
        }
    }

    /// The value of an exact integer.
    pub(super) fn as_integer(&self) -> Option<Cow<'_, BigInt>> {
        match self {
            Number::Fixnum(n) => Some(Cow::Owned((*n).into())),
            Number::Big(n) => Some(Cow::Borrowed(n)),
            _ => None,
        }
    }

    /// Numerator and denominator of an exact number.
    pub(super) fn as_fraction(&self) -> Option<(Cow<'_, BigInt>, Cow<'_, BigInt>)> {
        match self {
            Number::Ratio(r) => Some((Cow::Borrowed(&r.numerator), Cow::Borrowed(&r.denominator))),
            _ => Some((self.as_integer()?, Cow::Owned(BigInt::one()))),
        }
    }
}
