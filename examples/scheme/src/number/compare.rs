//! Numerical order, `eqv?`, and the extremes.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use num_bigint::BigInt;
use num_traits::FromPrimitive;

use super::Number;

impl Number {
    /// Compares the numbers' values, exactly also between exact numbers and flonums, so that the
    /// order is transitive. A NaN has no place in it, and a complex number has none.
    #[inline]
    pub fn num_cmp(&self, other: &Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Fixnum(a), Number::Fixnum(b)) => Some(a.cmp(b)),
            (Number::Flonum(a), Number::Flonum(b)) => a.partial_cmp(b),
            (Number::Complex(_), _) | (_, Number::Complex(_)) => None,
            (Number::Flonum(a), _) => cmp_flonum(other, *a).map(Ordering::reverse),
            (_, Number::Flonum(b)) => cmp_flonum(self, *b),
            _ => Some(cmp_exact(self, other)),
        }
    }

    /// Whether the numbers have the same value, as `=` asks.
    #[inline]
    pub fn num_eq(&self, other: &Number) -> bool {
        match (self, other) {
            (Number::Complex(_), _) | (_, Number::Complex(_)) => {
                self.real_part().num_eq(&other.real_part())
                    && self.imag_part().num_eq(&other.imag_part())
            }
            _ => self.num_cmp(other) == Some(Ordering::Equal),
        }
    }

    /// Whether `eqv?` holds between the numbers.
    #[inline]
    pub fn eqv(&self, other: &Number) -> bool {
        match (self, other) {
            (Number::Fixnum(a), Number::Fixnum(b)) => a == b,
            (Number::Big(a), Number::Big(b)) => a == b,
            (Number::Ratio(a), Number::Ratio(b)) => a == b,
            (Number::Flonum(a), Number::Flonum(b)) => identity(*a) == identity(*b),
            (Number::Complex(a), Number::Complex(b)) => a == b,
            _ => false,
        }
    }

    /// The greater of the two; inexact if either is, and a NaN if either is.
    pub fn max(&self, other: &Number) -> Number {
        self.extreme(other, Ordering::Greater)
    }

    /// The lesser of the two; inexact if either is, and a NaN if either is.
    pub fn min(&self, other: &Number) -> Number {
        self.extreme(other, Ordering::Less)
    }

    fn extreme(&self, other: &Number, wanted: Ordering) -> Number {
        let chosen = match self.num_cmp(other) {
            Some(order) if order == wanted => self,
            Some(_) => other,
            None => return Number::Flonum(f64::NAN),
        };
        if self.is_exact() && other.is_exact() {
            chosen.clone()
        } else {
            chosen.inexact()
        }
    }
}

/// Integers by themselves, fractions by their cross products.
#[cold]
fn cmp_exact(a: &Number, b: &Number) -> Ordering {
    if let (Some(a), Some(b)) = (a.as_integer(), b.as_integer()) {
        return a.cmp(&b);
    }
    match (a.as_fraction(), b.as_fraction()) {
        (Some((n1, d1)), Some((n2, d2))) => (&*n1 * &*d2).cmp(&(&*n2 * &*d1)),
        _ => unreachable!("both are exact"),
    }
}

#[cold]
fn cmp_flonum(exact: &Number, x: f64) -> Option<Ordering> {
    if x.is_nan() {
        return None;
    }
    if x.is_infinite() {
        return Some(if x > 0.0 {
            Ordering::Less
        } else {
            Ordering::Greater
        });
    }
    match exact {
        // Integers up to here are flonums.
        Number::Fixnum(n) if n.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS => {
            (*n as f64).partial_cmp(&x)
        }
        Number::Fixnum(_) | Number::Big(_) => {
            let (Some(n), Some(whole)) = (exact.as_integer(), BigInt::from_f64(x.trunc())) else {
                unreachable!("both are finite")
            };
            // Towards zero from `x` lies its whole part, and between them no integer but it.
            match n.as_ref().cmp(&whole) {
                Ordering::Equal => 0.0.partial_cmp(&x.fract()),
                order => Some(order),
            }
        }
        _ => match Number::Flonum(x).exact() {
            Ok(y) => Some(cmp_exact(exact, &y)),
            Err(_) => unreachable!("it is finite"),
        },
    }
}

/// The bits of a flonum, the same for all NaNs.
fn identity(x: f64) -> u64 {
    if x.is_nan() {
        f64::NAN.to_bits()
    } else {
        x.to_bits()
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.eqv(other)
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Number::Fixnum(n) => n.hash(state),
            Number::Big(n) => n.hash(state),
            Number::Ratio(r) => r.hash(state),
            Number::Flonum(x) => identity(*x).hash(state),
            Number::Complex(z) => z.hash(state),
        }
    }
}
