//! Complex numbers that are not real: their parts, and how they are made of parts or of magnitude
//! and angle.
//!
//! Each part is exact or inexact by itself, as it was written. So `+2.0i` has an exact zero as its
//! real part, and an operation on parts is that on real numbers, with its limits. An exact zero
//! imaginary part makes a real number.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{Limits, Number, NumberError, wire};

pub(super) use functions::Point;

mod arithmetic;
pub(super) mod functions;

/// A complex number that is not known to be real: its imaginary part is not an exact zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "wire::WireComplex")]
pub struct Complex {
    real: Number,
    imaginary: Number,
}

impl Complex {
    /// The number with these parts, which are real, if it is not real itself.
    pub(super) fn new(real: Number, imaginary: Number) -> Option<Self> {
        debug_assert!(real.is_real() && imaginary.is_real());
        (!imaginary.is_exact_zero()).then_some(Complex { real, imaginary })
    }

    /// The real part, which is a real number.
    pub fn real(&self) -> &Number {
        &self.real
    }

    /// The imaginary part, which is a real number, and no exact zero.
    pub fn imaginary(&self) -> &Number {
        &self.imaginary
    }

    /// The two together.
    pub(super) fn parts(&self) -> [&Number; 2] {
        [&self.real, &self.imaginary]
    }

    /// Flonums in the proportion of the parts, and the logarithm of what they are to be multiplied
    /// by, which is zero but where a part is too large for a flonum, or both are too small.
    fn scaled(&self) -> (f64, f64, f64) {
        let [x, y] = self.parts().map(Number::to_f64);
        let fits = x.is_finite() && y.is_finite() && x.hypot(y).is_normal();
        if fits || !self.parts().iter().all(|part| part.is_exact()) {
            return (0.0, x, y);
        }
        let [x, y] = self.parts().map(|part| match part.abs().log() {
            Ok(log) => log.to_f64(),
            // Of an exact zero.
            Err(_) => f64::NEG_INFINITY,
        });
        let most = x.max(y);
        let [x, y] = [(x, &self.real), (y, &self.imaginary)].map(|(log, part)| {
            let size = (log - most).exp();
            if part.is_negative() { -size } else { size }
        });
        (most, x, y)
    }
}

impl Number {
    /// Whether the number is real. One with an inexact zero as its imaginary part is not.
    #[inline]
    pub fn is_real(&self) -> bool {
        !matches!(self, Number::Complex(_))
    }

    /// The real part.
    pub fn real_part(&self) -> Number {
        match self {
            Number::Complex(z) => z.real.clone(),
            _ => self.clone(),
        }
    }

    /// The imaginary part: of a real number, an exact zero.
    pub fn imag_part(&self) -> Number {
        match self {
            Number::Complex(z) => z.imaginary.clone(),
            _ => Number::ZERO,
        }
    }

    /// `make-rectangular`: the number that has these parts.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotReal`] if a part is not real.
    pub fn rectangular(real: Number, imaginary: Number) -> Result<Number, NumberError> {
        if real.is_real() && imaginary.is_real() {
            Ok(Number::from_parts(real, imaginary))
        } else {
            Err(NumberError::NotReal)
        }
    }

    /// The number that has these real numbers as its parts.
    pub(super) fn from_parts(real: Number, imaginary: Number) -> Number {
        match Complex::new(real.clone(), imaginary) {
            Some(z) => Number::Complex(Rc::new(z)),
            None => real,
        }
    }

    /// `make-polar`: the number of this magnitude and this angle.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotReal`] if one of them is not real, and [`NumberError::TooLarge`].
    pub fn polar(
        magnitude: &Number,
        angle: &Number,
        limits: Limits,
    ) -> Result<Number, NumberError> {
        if !(magnitude.is_real() && angle.is_real()) {
            return Err(NumberError::NotReal);
        }
        if magnitude.is_exact_zero() {
            return Ok(Number::ZERO);
        }
        // The sine and the cosine of an exact zero are exact.
        Ok(Number::from_parts(
            magnitude.mul(&angle.cos(), limits)?,
            match angle.sin() {
                Number::Fixnum(0) => Number::ZERO,
                sine => magnitude.mul(&sine, limits)?,
            },
        ))
    }

    /// The distance from zero: exact if the parts are and it is rational.
    ///
    /// # Errors
    ///
    /// [`NumberError::TooLarge`].
    pub fn magnitude(&self, limits: Limits) -> Result<Number, NumberError> {
        match self {
            Number::Complex(z) if z.real.is_exact_zero() => Ok(z.imaginary.abs()),
            Number::Complex(z) if self.is_exact() => {
                let squares = z
                    .real
                    .square(limits)?
                    .add(&z.imaginary.square(limits)?, limits)?;
                squares.sqrt(limits)
            }
            Number::Complex(z) => {
                let [x, y] = z.parts().map(Number::to_f64);
                Ok(Number::Flonum(x.hypot(y)))
            }
            _ => Ok(self.abs()),
        }
    }

    /// The angle from the positive half of the real line: more than -π, at most π.
    pub fn angle(&self) -> Number {
        match self {
            Number::Complex(z) => {
                let (_, x, y) = z.scaled();
                Number::Flonum(y.atan2(x))
            }
            _ if self.is_negative() => Number::Flonum(std::f64::consts::PI),
            Number::Flonum(x) => Number::Flonum(0f64.atan2(*x)),
            _ => Number::ZERO,
        }
    }

    /// The complex number of two flonums.
    pub(super) fn from_point((x, y): Point) -> Number {
        Number::from_parts(Number::Flonum(x), Number::Flonum(y))
    }

    pub(super) fn is_exact_zero(&self) -> bool {
        matches!(self, Number::Fixnum(0))
    }
}
