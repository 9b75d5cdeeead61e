//! Between exact numbers and flonums: exactly one way, to the nearest flonum the other way, ties to
//! even.

use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use super::{Number, NumberError};

/// The exponent of the least positive flonum.
const LEAST_EXPONENT: i64 = -1074;

impl Number {
    /// The nearest flonum, or complex number of flonums.
    #[inline]
    pub fn inexact(&self) -> Number {
        match self {
            Number::Complex(z) => Number::from_parts(z.real().inexact(), z.imaginary().inexact()),
            _ => Number::Flonum(self.to_f64()),
        }
    }

    /// The nearest flonum, an infinity if the number is beyond the largest, and a NaN if it is not
    /// real.
    #[inline]
    pub fn to_f64(&self) -> f64 {
        match self {
            Number::Fixnum(n) => *n as f64,
            Number::Flonum(x) => *x,
            Number::Big(n) => n.to_f64().unwrap_or(f64::NAN),
            Number::Ratio(r) => quotient(r.numerator(), r.denominator()),
            Number::Complex(_) => f64::NAN,
        }
    }

    /// The exact number of the same value.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotFinite`].
    pub fn exact(&self) -> Result<Number, NumberError> {
        match self {
            Number::Flonum(x) if x.is_finite() => Ok(exact_value(*x)),
            Number::Flonum(_) => Err(NumberError::NotFinite),
            Number::Complex(z) => Ok(Number::from_parts(
                z.real().exact()?,
                z.imaginary().exact()?,
            )),
            _ => Ok(self.clone()),
        }
    }

    /// The number, as a flonum if `inexact`: how an operation that is done exactly answers inexact
    /// operands.
    pub(super) fn inexact_if(self, inexact: bool) -> Number {
        if inexact { self.inexact() } else { self }
    }
}

fn exact_value(x: f64) -> Number {
    // The bounds of `i64` are powers of two, so they are compared exactly.
    if x.fract() == 0.0 && (-(2f64.powi(63))..2f64.powi(63)).contains(&x) {
        return Number::Fixnum(x as i64);
    }
    let bits = x.abs().to_bits();
    let (field, fraction) = ((bits >> 52) as i64, bits & ((1 << 52) - 1));
    let (mantissa, exponent) = if field == 0 {
        (fraction, LEAST_EXPONENT)
    } else {
        (fraction | 1 << 52, field - 1 + LEAST_EXPONENT)
    };
    // An odd mantissa has no divisor in common with a power of two.
    let zeros = mantissa.trailing_zeros();
    let (mantissa, exponent) = (BigInt::from(mantissa >> zeros), exponent + i64::from(zeros));
    let mantissa = if x < 0.0 { -mantissa } else { mantissa };
    if exponent >= 0 {
        Number::from(mantissa << exponent)
    } else {
        Number::from_reduced(mantissa, BigInt::from(1) << -exponent)
    }
}

/// The flonum nearest to a fraction with a positive denominator.
fn quotient(numerator: &BigInt, denominator: &BigInt) -> f64 {
    let (n, d) = (numerator.magnitude(), denominator.magnitude());
    // The quotient is between 2^(size - 1) and 2^(size + 1). It is taken in units of 2^exponent, 63
    // to 65 bits of it.
    let size = n.bits() as i64 - d.bits() as i64;
    let exponent = (size - 64).clamp(LEAST_EXPONENT - 64, 1024);
    let (units, rest) = shift(n, -exponent).div_rem(&shift(d, exponent));
    let magnitude = nearest(&units, exponent, !rest.is_zero());
    if numerator.is_negative() {
        -magnitude
    } else {
        magnitude
    }
}

/// `n` times 2^`left` if that is positive, and `n` otherwise.
pub(super) fn shift(n: &BigUint, left: i64) -> BigUint {
    n << left.max(0)
}

/// The flonum nearest to `units` times 2^`exponent`, plus less than one unit if `more`.
///
/// With `more` there are enough units that the last one is below half of the flonum's last bit.
pub(super) fn nearest(units: &BigUint, exponent: i64, more: bool) -> f64 {
    let size = units.bits() as i64;
    if size + exponent > 1024 {
        return f64::INFINITY;
    }
    // How many of the last bits a flonum of this size has no place for.
    let excess = (size - 53).max(LEAST_EXPONENT - exponent);
    if excess <= 0 {
        // The mantissa fits, and so does the exponent of what is no larger than the largest flonum.
        return units.to_u64().map_or(f64::NAN, |m| scale(m, exponent));
    }
    if excess > size {
        return 0.0;
    }
    let Some(mantissa) = (units >> excess).to_u64() else {
        unreachable!("at most 53 bits are left")
    };
    let half = units.bit(excess as u64 - 1);
    let beyond = more
        || units
            .trailing_zeros()
            .is_some_and(|zeros| zeros < excess as u64 - 1);
    let up = half && (beyond || mantissa & 1 == 1);
    scale(mantissa + u64::from(up), exponent + excess)
}

/// `mantissa` times 2^`exponent`, which is a flonum or beyond the largest.
fn scale(mantissa: u64, exponent: i64) -> f64 {
    // A flonum has every power of two that comes in here, and no product but the last is rounded,
    // to an infinity.
    let low = exponent.min(971);
    mantissa as f64 * power_of_two(low) * power_of_two(exponent - low)
}

fn power_of_two(exponent: i64) -> f64 {
    if exponent >= -1022 {
        f64::from_bits(((exponent + 1023) as u64) << 52)
    } else {
        f64::from_bits(1 << (exponent - LEAST_EXPONENT))
    }
}
