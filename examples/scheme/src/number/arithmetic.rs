//! The four operations, and what is made of them. Those on complex numbers are in `complex`.
//!
//! Two fixnums and two flonums are answered inline. The rest is slow in any case, and stays out of
//! the caller's code.

use std::borrow::Cow;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::Zero;

use super::{Limits, Number, NumberError};

/// Two operands brought to a common kind: the lowest of the tower that has both, or flonums if
/// either is one. Complex numbers are left as they are.
enum Operands<'a> {
    Integers(Cow<'a, BigInt>, Cow<'a, BigInt>),
    Fractions([Cow<'a, BigInt>; 4]),
    Flonums(f64, f64),
    Complexes,
}

impl<'a> Operands<'a> {
    fn new(a: &'a Number, b: &'a Number) -> Self {
        if let (Some(a), Some(b)) = (a.as_integer(), b.as_integer()) {
            return Operands::Integers(a, b);
        }
        if !(a.is_real() && b.is_real()) {
            return Operands::Complexes;
        }
        match (a.as_fraction(), b.as_fraction()) {
            (Some((n1, d1)), Some((n2, d2))) => Operands::Fractions([n1, d1, n2, d2]),
            _ => Operands::Flonums(a.to_f64(), b.to_f64()),
        }
    }
}

impl Number {
    /// The sum.
    ///
    /// # Errors
    ///
    /// [`NumberError::TooLarge`].
    #[inline]
    pub fn add(&self, other: &Number, limits: Limits) -> Result<Number, NumberError> {
        match (self, other) {
            (Number::Fixnum(a), Number::Fixnum(b)) if let Some(sum) = a.checked_add(*b) => {
                Ok(Number::Fixnum(sum))
            }
            (Number::Flonum(a), Number::Flonum(b)) => Ok(Number::Flonum(a + b)),
            _ => self.add_slow(other, limits),
        }
    }

    #[cold]
    fn add_slow(&self, other: &Number, limits: Limits) -> Result<Number, NumberError> {
        match Operands::new(self, other) {
            Operands::Integers(a, b) => sum(&*a + &*b, limits),
            Operands::Fractions([n1, d1, n2, d2]) => {
                limits.check_reducible(self.size_bits() + other.size_bits())?;
                Number::ratio(&*n1 * &*d2 + &*n2 * &*d1, &*d1 * &*d2, limits)
            }
            Operands::Flonums(a, b) => Ok(Number::Flonum(a + b)),
            Operands::Complexes => self.complex_add(other, limits),
        }
    }

    /// The difference.
    ///
    /// # Errors
    ///
    /// [`NumberError::TooLarge`].
    #[inline]
    pub fn sub(&self, other: &Number, limits: Limits) -> Result<Number, NumberError> {
        match (self, other) {
            (Number::Fixnum(a), Number::Fixnum(b)) if let Some(sum) = a.checked_sub(*b) => {
                Ok(Number::Fixnum(sum))
            }
            (Number::Flonum(a), Number::Flonum(b)) => Ok(Number::Flonum(a - b)),
            _ => self.sub_slow(other, limits),
        }
    }

    #[cold]
    fn sub_slow(&self, other: &Number, limits: Limits) -> Result<Number, NumberError> {
        match Operands::new(self, other) {
            Operands::Integers(a, b) => sum(&*a - &*b, limits),
            Operands::Fractions([n1, d1, n2, d2]) => {
                limits.check_reducible(self.size_bits() + other.size_bits())?;
                Number::ratio(&*n1 * &*d2 - &*n2 * &*d1, &*d1 * &*d2, limits)
            }
            Operands::Flonums(a, b) => Ok(Number::Flonum(a - b)),
            Operands::Complexes => self.complex_sub(other, limits),
        }
    }

    /// The product.
    ///
    /// # Errors
    ///
    /// [`NumberError::TooLarge`].
    #[inline]
    pub fn mul(&self, other: &Number, limits: Limits) -> Result<Number, NumberError> {
        match (self, other) {
            (Number::Fixnum(a), Number::Fixnum(b)) if let Some(product) = a.checked_mul(*b) => {
                Ok(Number::Fixnum(product))
            }
            (Number::Flonum(a), Number::Flonum(b)) => Ok(Number::Flonum(a * b)),
            _ => self.mul_slow(other, limits),
        }
    }

    #[cold]
    fn mul_slow(&self, other: &Number, limits: Limits) -> Result<Number, NumberError> {
        match Operands::new(self, other) {
            Operands::Integers(a, b) => {
                // The product has this many bits or one more.
                limits.check((a.bits() + b.bits()).saturating_sub(1))?;
                Ok(Number::from(&*a * &*b))
            }
            Operands::Fractions([n1, d1, n2, d2]) => {
                limits.check_reducible(self.size_bits() + other.size_bits())?;
                Number::ratio(&*n1 * &*n2, &*d1 * &*d2, limits)
            }
            Operands::Flonums(a, b) => Ok(Number::Flonum(a * b)),
            Operands::Complexes => self.complex_mul(other, limits),
        }
    }

    /// The quotient, a ratio if need be.
    ///
    /// # Errors
    ///
    /// [`NumberError::DivideByZero`] if the divisor is an exact zero, and
    /// [`NumberError::TooLarge`].
    #[inline]
    pub fn div(&self, other: &Number, limits: Limits) -> Result<Number, NumberError> {
        match (self, other) {
            (Number::Flonum(a), Number::Flonum(b)) => Ok(Number::Flonum(a / b)),
            (Number::Fixnum(a), Number::Fixnum(b)) if a.checked_rem(*b) == Some(0) => {
                Ok(Number::Fixnum(a / b))
            }
            _ => self.div_slow(other, limits),
        }
    }

    #[cold]
    fn div_slow(&self, other: &Number, limits: Limits) -> Result<Number, NumberError> {
        if let Number::Fixnum(0) = other {
            return Err(NumberError::DivideByZero);
        }
        match Operands::new(self, other) {
            Operands::Integers(a, b) => {
                // A division without remainder is common between integers that are too large to be
                // reduced.
                if a.bits() >= b.bits() {
                    let (quotient, remainder) = a.div_rem(&b);
                    if remainder.is_zero() {
                        return Ok(Number::from(quotient));
                    }
                }
                Number::ratio(a.into_owned(), b.into_owned(), limits)
            }
            Operands::Fractions([n1, d1, n2, d2]) => {
                limits.check_reducible(self.size_bits() + other.size_bits())?;
                Number::ratio(&*n1 * &*d2, &*d1 * &*n2, limits)
            }
            Operands::Flonums(a, b) => Ok(Number::Flonum(a / b)),
            Operands::Complexes => self.complex_div(other, limits),
        }
    }

    /// The number with the other sign. A flonum zero has one too.
    #[inline]
    pub fn neg(&self) -> Number {
        match self {
            Number::Fixnum(n) if let Some(n) = n.checked_neg() => Number::Fixnum(n),
            Number::Flonum(x) => Number::Flonum(-x),
            _ => self.neg_slow(),
        }
    }

    #[cold]
    fn neg_slow(&self) -> Number {
        match self {
            Number::Fixnum(n) => Number::from(-BigInt::from(*n)),
            Number::Big(n) => Number::from(-&**n),
            Number::Ratio(r) => Number::from_reduced(-r.numerator(), r.denominator().clone()),
            Number::Flonum(x) => Number::Flonum(-x),
            Number::Complex(z) => Number::from_parts(z.real().neg(), z.imaginary().neg()),
        }
    }

    /// The magnitude of a real number; of any other it is [`Number::magnitude`].
    pub fn abs(&self) -> Number {
        match self {
            Number::Flonum(x) => Number::Flonum(x.abs()),
            Number::Complex(_) => Number::Flonum(f64::NAN),
            _ if self.is_negative() => self.neg(),
            _ => self.clone(),
        }
    }

    /// The product of the number with itself.
    ///
    /// # Errors
    ///
    /// [`NumberError::TooLarge`].
    pub fn square(&self, limits: Limits) -> Result<Number, NumberError> {
        match self {
            // The square of a fraction in lowest terms is in lowest terms.
            Number::Ratio(r) => {
                limits.check_reducible(2 * self.size_bits())?;
                Ok(Number::from_reduced(
                    r.numerator().pow(2),
                    r.denominator().pow(2),
                ))
            }
            _ => self.mul(self, limits),
        }
    }
}

fn sum(n: BigInt, limits: Limits) -> Result<Number, NumberError> {
    limits.check(n.bits())?;
    Ok(Number::from(n))
}
