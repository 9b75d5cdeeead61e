//! Exact integers as infinite strings of bits in two's complement.

use super::{Limits, Number, NumberError};

/// An operation on two exact integers, for fixnums and for all.
macro_rules! bitwise {
    ($($(#[$doc:meta])* $name:ident $operator:tt;)*) => {
        impl Number {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                ///
                /// [`NumberError::NotExactInteger`].
                pub fn $name(&self, other: &Number) -> Result<Number, NumberError> {
                    if let (Number::Fixnum(a), Number::Fixnum(b)) = (self, other) {
                        return Ok(Number::Fixnum(a $operator b));
                    }
                    match (self.as_integer(), other.as_integer()) {
                        (Some(a), Some(b)) => Ok(Number::from(&*a $operator &*b)),
                        _ => Err(NumberError::NotExactInteger),
                    }
                }
            )*
        }
    };
}

bitwise! {
    /// The bits that both have.
    bitwise_and &;
    /// The bits that either has.
    bitwise_or |;
    /// The bits that only one has.
    bitwise_xor ^;
}

impl Number {
    /// The bits that the integer does not have.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotExactInteger`].
    pub fn bitwise_not(&self) -> Result<Number, NumberError> {
        match self {
            Number::Fixnum(n) => Ok(Number::Fixnum(!n)),
            Number::Big(n) => Ok(Number::from(!&**n)),
            _ => Err(NumberError::NotExactInteger),
        }
    }

    /// The bits moved to the left by `count`, or to the right, as far as they do not fall off, if
    /// it is negative.
    ///
    /// # Errors
    ///
    /// [`NumberError::NotExactInteger`] and [`NumberError::TooLarge`].
    pub fn arithmetic_shift(&self, count: &Number, limits: Limits) -> Result<Number, NumberError> {
        let (Some(n), true) = (self.as_integer(), count.is_exact_integer()) else {
            return Err(NumberError::NotExactInteger);
        };
        match count {
            _ if self.is_zero() => Ok(Number::ZERO),
            Number::Fixnum(left @ 0..) => {
                limits.check(n.bits().saturating_add(left.unsigned_abs()))?;
                Ok(Number::from(&*n << *left))
            }
            Number::Fixnum(right) if right.unsigned_abs() <= n.bits() => {
                Ok(Number::from(&*n >> right.unsigned_abs()))
            }
            _ if count.is_positive() => Err(NumberError::TooLarge),
            _ => Ok(Number::Fixnum(if self.is_negative() { -1 } else { 0 })),
        }
    }
}
