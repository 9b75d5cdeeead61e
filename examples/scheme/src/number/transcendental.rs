//! Exponential, logarithm, and the functions of the circle. The result is inexact, but where the argument is exact and
//! the value known, as the sine of an exact zero.

use std::f64::consts::LN_2;

use super::power::log2;
use super::{Number, NumberError};

impl Number {
    /// The function's value, which at the exact integer `at` is the exact integer `known`.
    fn elementary(&self, at: i64, known: i64, function: fn(f64) -> f64) -> Number {
        match self {
            Number::Fixnum(n) if *n == at => Number::Fixnum(known),
            _ => Number::Flonum(function(self.to_f64())),
        }
    }

    /// The natural exponential.
    pub fn exp(&self) -> Number {
        self.elementary(0, 1, f64::exp)
    }

    /// The sine.
    pub fn sin(&self) -> Number {
        self.elementary(0, 0, f64::sin)
    }

    /// The cosine.
    pub fn cos(&self) -> Number {
        self.elementary(0, 1, f64::cos)
    }

    /// The tangent.
    pub fn tan(&self) -> Number {
        self.elementary(0, 0, f64::tan)
    }

    /// The arc sine.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotReal`] outside of -1 to 1.
    pub fn asin(&self) -> Result<Number, NumberError> {
        self.within_one()?;
        Ok(self.elementary(0, 0, f64::asin))
    }

    /// The arc cosine.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotReal`] outside of -1 to 1.
    pub fn acos(&self) -> Result<Number, NumberError> {
        self.within_one()?;
        Ok(self.elementary(1, 0, f64::acos))
    }

    fn within_one(&self) -> Result<(), NumberError> {
        let one = Number::ONE;
        if self.abs().num_cmp(&one).is_some_and(|order| order.is_gt()) {
            Err(NumberError::NotReal)
        } else {
            Ok(())
        }
    }

    /// The arc tangent.
    pub fn atan(&self) -> Number {
        self.elementary(0, 0, f64::atan)
    }

    /// `(atan y x)`: the angle of the point with these coordinates, this number being its `y`.
    ///
    /// # Errors
    ///
    /// [`NumberError::Undefined`] if both are exact zeros.
    pub fn atan2(&self, x: &Number) -> Result<Number, NumberError> {
        match (self, x) {
            (Number::Fixnum(0), Number::Fixnum(0)) => Err(NumberError::Undefined),
            (Number::Fixnum(0), _) if x.is_exact() && x.is_positive() => Ok(Number::ZERO),
            _ => Ok(Number::Flonum(self.to_f64().atan2(x.to_f64()))),
        }
    }

    /// The natural logarithm.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotReal`] for a negative number, and [`NumberError::Undefined`] for an exact zero.
    pub fn log(&self) -> Result<Number, NumberError> {
        match self {
            _ if self.is_negative() => Err(NumberError::NotReal),
            Number::Fixnum(0) => Err(NumberError::Undefined),
            Number::Fixnum(1) => Ok(Number::ZERO),
            _ => Ok(Number::Flonum(self.logarithm(f64::ln, LN_2))),
        }
    }

    /// `(log z base)`.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotReal`] if either is negative, and [`NumberError::Undefined`] if either is an exact zero or the
    /// base an exact one.
    pub fn log_base(&self, base: &Number) -> Result<Number, NumberError> {
        let (numerator, denominator) = (self.log()?, base.log()?);
        match (self, base) {
            (_, Number::Fixnum(1)) => Err(NumberError::Undefined),
            (Number::Fixnum(1), _) => Ok(Number::ZERO),
            // These two are right where the logarithm is an integer.
            (_, Number::Fixnum(2)) => Ok(Number::Flonum(self.logarithm(f64::log2, 1.0))),
            (_, Number::Fixnum(10)) => Ok(Number::Flonum(self.logarithm(f64::log10, 2f64.log10()))),
            _ => Ok(Number::Flonum(numerator.to_f64() / denominator.to_f64())),
        }
    }

    /// A logarithm of a number that is not negative, `of_two` being that of 2. Exact numbers may be too large for a
    /// flonum, or too small.
    fn logarithm(&self, function: fn(f64) -> f64, of_two: f64) -> f64 {
        let x = self.to_f64();
        match self.as_fraction() {
            Some((n, d)) if !x.is_normal() => (log2(n.magnitude()) - log2(d.magnitude())) * of_two,
            _ => function(x),
        }
    }
}
