//! Exponential, logarithm, and the functions of the circle. The result is inexact, but where the
//! argument is exact and the value known, as the sine of an exact zero.

use std::f64::consts::{LN_2, PI};

use super::complex::{Point, functions};
use super::power::log2;
use super::{Limits, Number, NumberError};

impl Number {
    /// The function's value, which at the exact integer `at` is the exact integer `known`.
    fn elementary(
        &self,
        (at, known): (i64, i64),
        function: fn(f64) -> f64,
        complex: fn(Point) -> Point,
    ) -> Number {
        match self {
            Number::Fixnum(n) if *n == at => Number::Fixnum(known),
            Number::Complex(z) => z.map(complex),
            _ => Number::Flonum(function(self.to_f64())),
        }
    }

    /// The natural exponential.
    pub fn exp(&self) -> Number {
        self.elementary((0, 1), f64::exp, functions::exp)
    }

    /// The sine.
    pub fn sin(&self) -> Number {
        self.elementary((0, 0), f64::sin, functions::sin)
    }

    /// The cosine.
    pub fn cos(&self) -> Number {
        self.elementary((0, 1), f64::cos, functions::cos)
    }

    /// The tangent.
    pub fn tan(&self) -> Number {
        self.elementary((0, 0), f64::tan, functions::tan)
    }

    /// The arc sine. Outside of -1 to 1 it is complex.
    pub fn asin(&self) -> Number {
        match self.beyond_one() {
            Some(point) => Number::from_point(functions::asin(point)),
            None => self.elementary((0, 0), f64::asin, functions::asin),
        }
    }

    /// The arc cosine. Outside of -1 to 1 it is complex.
    pub fn acos(&self) -> Number {
        match self.beyond_one() {
            Some(point) => Number::from_point(functions::acos(point)),
            None => self.elementary((1, 0), f64::acos, functions::acos),
        }
    }

    /// A real number outside of -1 to 1, on the side of its branch cut that the functions are
    /// continuous with.
    fn beyond_one(&self) -> Option<Point> {
        let beyond = self
            .abs()
            .num_cmp(&Number::ONE)
            .is_some_and(|order| order.is_gt());
        let x = self.to_f64();
        beyond.then(|| (x, 0f64.copysign(-x)))
    }

    /// The arc tangent.
    pub fn atan(&self) -> Number {
        self.elementary((0, 0), f64::atan, functions::atan)
    }

    /// `(atan y x)`: the angle of the point with these coordinates, this number being its `y`.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotReal`], and [`NumberError::Undefined`] if both are exact zeros.
    pub fn atan2(&self, x: &Number) -> Result<Number, NumberError> {
        match (self, x) {
            (Number::Complex(_), _) | (_, Number::Complex(_)) => Err(NumberError::NotReal),
            (Number::Fixnum(0), Number::Fixnum(0)) => Err(NumberError::Undefined),
            (Number::Fixnum(0), _) if x.is_exact() && x.is_positive() => Ok(Number::ZERO),
            _ => Ok(Number::Flonum(self.to_f64().atan2(x.to_f64()))),
        }
    }

    /// The natural logarithm. That of a negative number is complex.
    ///
    /// # Errors
    ///
    /// [`NumberError::Undefined`] for an exact zero.
    pub fn log(&self) -> Result<Number, NumberError> {
        match self {
            Number::Complex(z) => Ok(z.log()),
            Number::Fixnum(0) => Err(NumberError::Undefined),
            Number::Fixnum(1) => Ok(Number::ZERO),
            _ => {
                let log = Number::Flonum(self.abs().logarithm(f64::ln, LN_2));
                Ok(if self.is_negative() {
                    Number::from_parts(log, Number::Flonum(PI))
                } else {
                    log
                })
            }
        }
    }

    /// `(log z base)`.
    ///
    /// # Errors
    ///
    /// [`NumberError::Undefined`] if either is an exact zero or the base an exact one.
    pub fn log_base(&self, base: &Number) -> Result<Number, NumberError> {
        let (numerator, denominator) = (self.log()?, base.log()?);
        match (self, base) {
            (_, Number::Fixnum(1)) => Err(NumberError::Undefined),
            (Number::Fixnum(1), _) => Ok(Number::ZERO),
            // These two are right where the logarithm is an integer.
            (_, Number::Fixnum(2)) if numerator.is_real() => {
                Ok(Number::Flonum(self.logarithm(f64::log2, 1.0)))
            }
            (_, Number::Fixnum(10)) if numerator.is_real() => {
                Ok(Number::Flonum(self.logarithm(f64::log10, 2f64.log10())))
            }
            // Flonums have no limit.
            _ => numerator.div(&denominator, Limits::default()),
        }
    }

    /// A logarithm of a number that is not negative, `of_two` being that of 2. Exact numbers may be
    /// too large for a flonum, or too small.
    fn logarithm(&self, function: fn(f64) -> f64, of_two: f64) -> f64 {
        let x = self.to_f64();
        match self.as_fraction() {
            Some((n, d)) if !x.is_normal() => (log2(n.magnitude()) - log2(d.magnitude())) * of_two,
            _ => function(x),
        }
    }
}
