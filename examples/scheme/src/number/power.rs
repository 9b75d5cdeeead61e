//! Powers and square roots; those that are not real are in `complex`.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::convert::{nearest, shift};
use super::large::square_root;
use super::{Limits, Number, NumberError};

impl Number {
    /// `expt`: the power. With an exact zero as exponent it is an exact one, unless the base is an
    /// inexact zero.
    ///
    /// # Errors
    ///
    /// [`NumberError::DivideByZero`] for a negative power of an exact zero,
    /// [`NumberError::Undefined`] for a complex power of zero whose exponent has no positive real
    /// part, and [`NumberError::TooLarge`].
    pub fn expt(&self, exponent: &Number, limits: Limits) -> Result<Number, NumberError> {
        match (self, exponent) {
            (Number::Flonum(0.0), Number::Fixnum(0)) => Ok(Number::Flonum(1.0)),
            (_, Number::Fixnum(0)) => Ok(Number::ONE),
            (_, Number::Ratio(r))
                if r.numerator().is_one() && *r.denominator() == BigInt::from(2) =>
            {
                self.sqrt(limits)
            }
            (Number::Complex(_), _) | (_, Number::Complex(_)) => {
                self.complex_power(exponent, limits)
            }
            (Number::Flonum(base), Number::Fixnum(_) | Number::Big(_)) => {
                // The sign is found apart, as the exponent may lose its last bit.
                let power = base.abs().powf(exponent.to_f64());
                let negative = base.is_sign_negative() && exponent.is_odd()?;
                Ok(Number::Flonum(if negative { -power } else { power }))
            }
            (_, Number::Fixnum(_) | Number::Big(_)) => self.integer_power(exponent, limits),
            (Number::Fixnum(0), _) if exponent.is_positive() => {
                Ok(Number::ZERO.inexact_if(!exponent.is_exact()))
            }
            (Number::Fixnum(0), _) if exponent.is_negative() => Err(NumberError::DivideByZero),
            _ if self.is_negative() && exponent.is_finite() && !exponent.is_integer() => {
                self.complex_power(exponent, limits)
            }
            _ => Ok(Number::Flonum(self.to_f64().powf(exponent.to_f64()))),
        }
    }

    /// The size of the power of an exact number with a fixnum, about, and else zero.
    pub(crate) fn power_bits(&self, exponent: &Number) -> u64 {
        let Number::Fixnum(exponent) = exponent else {
            return 0;
        };
        let parts = [self.real_part(), self.imag_part()];
        let parts = parts.iter().filter(|part| !part.is_zero());
        let fractions = parts.filter_map(Number::as_fraction);
        let bits = fractions.map(|(n, d)| log2(n.magnitude()) + log2(d.magnitude()));
        (bits.sum::<f64>() * exponent.unsigned_abs() as f64) as u64
    }

    /// The power of an exact number with an exact integer that is not zero.
    fn integer_power(&self, exponent: &Number, limits: Limits) -> Result<Number, NumberError> {
        match self {
            Number::Fixnum(0) if exponent.is_negative() => return Err(NumberError::DivideByZero),
            Number::Fixnum(0 | 1) => return Ok(self.clone()),
            Number::Fixnum(-1) => {
                return Ok(Number::Fixnum(if exponent.is_odd()? { -1 } else { 1 }));
            }
            _ => {}
        }
        let (Some((n, d)), Number::Fixnum(e)) = (self.as_fraction(), exponent) else {
            return Err(NumberError::TooLarge);
        };
        let size = self.power_bits(exponent);
        limits.check(size)?;
        let Ok(power) = u32::try_from(e.unsigned_abs()) else {
            return Err(NumberError::TooLarge);
        };
        let is_ratio = if *e > 0 {
            !d.is_one()
        } else {
            !n.magnitude().is_one()
        };
        if is_ratio {
            limits.check_reducible(size)?;
        }
        // A power of a fraction in lowest terms is in lowest terms.
        let (n, d) = (n.pow(power), d.pow(power));
        if is_ratio {
            // The estimate is less by a bit or two.
            limits.check_reducible(n.bits() + d.bits())?;
        }
        Ok(match (*e > 0, n.is_negative()) {
            (true, _) => Number::from_reduced(n, d),
            (false, false) => Number::from_reduced(d, n),
            (false, true) => Number::from_reduced(-d, -n),
        })
    }

    /// The square root whose real part is not negative: exact if the number and its root are, and
    /// otherwise, of a real number, the nearest flonum. That of a negative number has an exact zero
    /// as its real part.
    ///
    /// # Errors
    ///
    /// [`NumberError::TooLarge`] for a complex number.
    pub fn sqrt(&self, limits: Limits) -> Result<Number, NumberError> {
        if let Number::Complex(_) = self {
            return self.complex_sqrt(limits);
        }
        if self.is_negative() {
            return Ok(Number::from_parts(Number::ZERO, self.neg().sqrt(limits)?));
        }
        let Some((n, d)) = self.as_fraction() else {
            return Ok(Number::Flonum(self.to_f64().sqrt()));
        };
        let [(n_root, n_rest), (d_root, d_rest)] =
            [&n, &d].map(|part| square_root(part.magnitude()));
        if n_rest.is_zero() && d_rest.is_zero() {
            return Ok(Number::from_reduced(n_root.into(), d_root.into()));
        }
        // In units of 4^exponent the number has 126 to 129 bits, and its root half as many in units
        // of 2^exponent.
        let size = n.bits() as i64 - d.bits() as i64;
        let exponent = (size - 128).div_euclid(2);
        let (units, rest) =
            shift(n.magnitude(), -2 * exponent).div_rem(&shift(d.magnitude(), 2 * exponent));
        let root = units.sqrt();
        let more = !rest.is_zero() || &root * &root != units;
        Ok(Number::Flonum(nearest(&root, exponent, more)))
    }

    /// `exact-integer-sqrt`: the largest integer whose square is not greater, and what is left.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotExactInteger`] and [`NumberError::Negative`].
    pub fn exact_integer_sqrt(&self) -> Result<(Number, Number), NumberError> {
        let n = self.as_integer().ok_or(NumberError::NotExactInteger)?;
        if n.is_negative() {
            return Err(NumberError::Negative);
        }
        let (root, rest) = square_root(n.magnitude());
        Ok((
            Number::from(BigInt::from(root)),
            Number::from(BigInt::from(rest)),
        ))
    }
}

/// The binary logarithm of a positive integer of any size.
pub(super) fn log2(n: &num_bigint::BigUint) -> f64 {
    let excess = n.bits().saturating_sub(64);
    let leading = (n >> excess).to_u64().unwrap_or(u64::MAX);
    (leading as f64).log2() + excess as f64
}
