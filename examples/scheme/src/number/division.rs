//! Division of integers with a remainder, and what rests on divisibility. Integers may be inexact;
//! the result is then inexact too, and exactly computed.

use std::borrow::Cow;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::Zero;

use super::gcd::gcd;
use super::{Limits, Number, NumberError};

/// The integer that a number of any exactness is.
fn integer(n: &Number) -> Result<Cow<'_, BigInt>, NumberError> {
    match n {
        Number::Flonum(_) if n.is_integer() => Ok(Cow::Owned(
            n.exact()?
                .as_integer()
                .ok_or(NumberError::NotInteger)?
                .into_owned(),
        )),
        _ => n.as_integer().ok_or(NumberError::NotInteger),
    }
}

/// Two integers, the second of them a divisor.
fn dividend_and_divisor<'a>(
    n: &'a Number,
    d: &'a Number,
) -> Result<(Cow<'a, BigInt>, Cow<'a, BigInt>), NumberError> {
    let (n, d) = (integer(n)?, integer(d)?);
    if d.is_zero() {
        Err(NumberError::DivideByZero)
    } else {
        Ok((n, d))
    }
}

impl Number {
    /// Whether the result of an operation on the two is inexact.
    fn contagion(&self, other: &Number) -> bool {
        !(self.is_exact() && other.is_exact())
    }

    /// `truncate/`: the quotient rounded towards zero, and the remainder, which has the dividend's
    /// sign.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotInteger`] and [`NumberError::DivideByZero`].
    pub fn truncate_div(&self, divisor: &Number) -> Result<(Number, Number), NumberError> {
        if let (Number::Fixnum(n), Number::Fixnum(d)) = (self, divisor)
            && let Some(quotient) = n.checked_div(*d)
        {
            return Ok((Number::Fixnum(quotient), Number::Fixnum(n % d)));
        }
        let inexact = self.contagion(divisor);
        let (n, d) = dividend_and_divisor(self, divisor)?;
        let (quotient, remainder) = n.div_rem(&d);
        Ok((
            Number::from(quotient).inexact_if(inexact),
            Number::from(remainder).inexact_if(inexact),
        ))
    }

    /// `floor/`: the quotient rounded down, and the remainder, which has the divisor's sign.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotInteger`] and [`NumberError::DivideByZero`].
    pub fn floor_div(&self, divisor: &Number) -> Result<(Number, Number), NumberError> {
        if let (Number::Fixnum(n), Number::Fixnum(d)) = (self, divisor)
            && n.checked_div(*d).is_some()
        {
            let (quotient, remainder) = n.div_mod_floor(d);
            return Ok((Number::Fixnum(quotient), Number::Fixnum(remainder)));
        }
        let inexact = self.contagion(divisor);
        let (n, d) = dividend_and_divisor(self, divisor)?;
        let (quotient, remainder) = n.div_mod_floor(&d);
        Ok((
            Number::from(quotient).inexact_if(inexact),
            Number::from(remainder).inexact_if(inexact),
        ))
    }

    /// `quotient`, which is `truncate-quotient`.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotInteger`] and [`NumberError::DivideByZero`].
    #[inline]
    pub fn quotient(&self, divisor: &Number) -> Result<Number, NumberError> {
        match (self, divisor) {
            (Number::Fixnum(n), Number::Fixnum(d)) if let Some(q) = n.checked_div(*d) => {
                Ok(Number::Fixnum(q))
            }
            _ => Ok(self.truncate_div(divisor)?.0),
        }
    }

    /// `remainder`, which is `truncate-remainder`.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotInteger`] and [`NumberError::DivideByZero`].
    #[inline]
    pub fn remainder(&self, divisor: &Number) -> Result<Number, NumberError> {
        match (self, divisor) {
            (Number::Fixnum(n), Number::Fixnum(d)) if let Some(r) = n.checked_rem(*d) => {
                Ok(Number::Fixnum(r))
            }
            _ => Ok(self.truncate_div(divisor)?.1),
        }
    }

    /// `modulo`, which is `floor-remainder`.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotInteger`] and [`NumberError::DivideByZero`].
    #[inline]
    pub fn modulo(&self, divisor: &Number) -> Result<Number, NumberError> {
        match (self, divisor) {
            (Number::Fixnum(n), Number::Fixnum(d)) if let Some(r) = n.checked_rem(*d) => {
                Ok(Number::Fixnum(if r != 0 && (r < 0) != (*d < 0) {
                    r + d
                } else {
                    r
                }))
            }
            _ => Ok(self.floor_div(divisor)?.1),
        }
    }

    /// `floor-quotient`.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotInteger`] and [`NumberError::DivideByZero`].
    pub fn floor_quotient(&self, divisor: &Number) -> Result<Number, NumberError> {
        Ok(self.floor_div(divisor)?.0)
    }

    /// The greatest common divisor, not negative; of two zeros, zero.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotInteger`], and [`NumberError::TooLarge`] if the integers together exceed
    /// the limit of what is reduced.
    pub fn gcd(&self, other: &Number, limits: Limits) -> Result<Number, NumberError> {
        if let (Number::Fixnum(a), Number::Fixnum(b)) = (self, other) {
            return Ok(a.unsigned_abs().gcd(&b.unsigned_abs()).into());
        }
        let (a, b) = (integer(self)?, integer(other)?);
        limits.check_reducible(a.bits() + b.bits())?;
        Ok(Number::from(gcd(&a, &b)).inexact_if(self.contagion(other)))
    }

    /// The least common multiple, not negative; zero if either is.
    ///
    /// # Errors
    ///
    /// As [`Number::gcd`].
    pub fn lcm(&self, other: &Number, limits: Limits) -> Result<Number, NumberError> {
        let (a, b) = (integer(self)?, integer(other)?);
        let multiple = if a.is_zero() || b.is_zero() {
            Number::ZERO
        } else {
            limits.check_reducible(a.bits() + b.bits())?;
            Number::from(&*a / gcd(&a, &b) * &*b).abs()
        };
        Ok(multiple.inexact_if(self.contagion(other)))
    }

    /// The numerator of the number in lowest terms.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotFinite`] and [`NumberError::NotReal`].
    pub fn numerator(&self) -> Result<Number, NumberError> {
        match self {
            Number::Fixnum(_) | Number::Big(_) => Ok(self.clone()),
            Number::Ratio(r) => Ok(Number::from(r.numerator().clone())),
            Number::Flonum(_) => Ok(self.exact()?.numerator()?.inexact()),
            Number::Complex(_) => Err(NumberError::NotReal),
        }
    }

    /// The denominator of the number in lowest terms, at least one.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotFinite`] and [`NumberError::NotReal`].
    pub fn denominator(&self) -> Result<Number, NumberError> {
        match self {
            Number::Fixnum(_) | Number::Big(_) => Ok(Number::ONE),
            Number::Ratio(r) => Ok(Number::from(r.denominator().clone())),
            Number::Flonum(_) => Ok(self.exact()?.denominator()?.inexact()),
            Number::Complex(_) => Err(NumberError::NotReal),
        }
    }
}
