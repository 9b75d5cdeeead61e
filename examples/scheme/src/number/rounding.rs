//! The nearest integer in each direction, and the simplest number nearby.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Zero};

use super::{Limits, Number, NumberError, Ratio};

impl Number {
    fn round_with(&self, flonum: fn(f64) -> f64, ratio: fn(&Ratio) -> BigInt) -> Number {
        match self {
            Number::Fixnum(_) | Number::Big(_) => self.clone(),
            Number::Ratio(r) => Number::from(ratio(r)),
            Number::Flonum(x) => Number::Flonum(flonum(*x)),
            Number::Complex(_) => Number::Flonum(f64::NAN),
        }
    }

    /// The greatest integer that is not greater.
    pub fn floor(&self) -> Number {
        self.round_with(f64::floor, floor)
    }

    /// The least integer that is not less.
    pub fn ceiling(&self) -> Number {
        self.round_with(f64::ceil, |r| floor(r) + 1)
    }

    /// The integer nearest to it that is not farther from zero.
    pub fn truncate(&self) -> Number {
        self.round_with(f64::trunc, |r| r.numerator() / r.denominator())
    }

    /// The nearest integer, the even one of two.
    pub fn round(&self) -> Number {
        self.round_with(f64::round_ties_even, |r| {
            let (below, rest) = r.numerator().div_mod_floor(r.denominator());
            match (rest * 2u32).cmp(r.denominator()) {
                Ordering::Less => below,
                Ordering::Equal if below.is_even() => below,
                _ => below + 1,
            }
        })
    }

    /// `rationalize`: the simplest rational number that differs by at most `tolerance`, the one
    /// whose numerator and denominator are the least.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotReal`], and [`NumberError::TooLarge`]: the search takes quadratic time,
    /// and operands are limited to an eighth of [`Limits::REDUCIBLE`] together.
    pub fn rationalize(&self, tolerance: &Number, limits: Limits) -> Result<Number, NumberError> {
        if !(self.is_real() && tolerance.is_real()) {
            return Err(NumberError::NotReal);
        }
        if !(self.is_finite() && tolerance.is_finite()) {
            // What an infinite interval around a finite number has is zero.
            let nan = self.is_nan()
                || tolerance.is_nan()
                || self.is_infinite() && tolerance.is_infinite();
            let x = if self.is_infinite() {
                self.to_f64()
            } else {
                0.0
            };
            return Ok(Number::Flonum(if nan { f64::NAN } else { x }));
        }
        limits.check_reducible(8 * (self.size_bits() + tolerance.size_bits()))?;
        let (x, y) = (self.exact()?, tolerance.exact()?.abs());
        // A flonum's exact value may be larger than the flonum, by no more than the least limit.
        let wide = Limits::default();
        let (low, high) = (x.sub(&y, wide)?, x.add(&y, wide)?);
        let simplest = if low.is_positive() {
            simplest_between(&low, &high)
        } else if high.is_negative() {
            simplest_between(&high.neg(), &low.neg()).neg()
        } else {
            Number::ZERO
        };
        Ok(simplest.inexact_if(!(self.is_exact() && tolerance.is_exact())))
    }
}

fn floor(r: &Ratio) -> BigInt {
    r.numerator().div_floor(r.denominator())
}

/// The simplest number of an interval of positive exact numbers.
///
/// Its continued fraction has the terms that those of the two ends have in common, and then the
/// least integer of what is left of the interval.
fn simplest_between(low: &Number, high: &Number) -> Number {
    let (Some((n1, d1)), Some((n2, d2))) = (low.as_fraction(), high.as_fraction()) else {
        unreachable!("both are exact")
    };
    let [mut n1, mut d1, mut n2, mut d2] = [n1, d1, n2, d2].map(|n| n.into_owned());
    // The convergent of the terms so far, and the one before it.
    let (mut p, mut q) = (BigInt::one(), BigInt::zero());
    let (mut previous_p, mut previous_q) = (BigInt::zero(), BigInt::one());
    loop {
        let (term, rest1) = n1.div_rem(&d1);
        let (term2, rest2) = n2.div_rem(&d2);
        let last = rest1.is_zero() || term != term2;
        let term = if last && !rest1.is_zero() {
            term + 1
        } else {
            term
        };
        let next_p = &p * &term + &previous_p;
        let next_q = &q * &term + &previous_q;
        (previous_p, p) = (p, next_p);
        (previous_q, q) = (q, next_q);
        if last {
            // Convergents are in lowest terms.
            return Number::from_reduced(p, q);
        }
        // The reciprocals of what is left change the ends' order.
        (n1, d1, n2, d2) = (d2, rest2, d1, rest1);
    }
}
