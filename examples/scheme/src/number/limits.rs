//! How large an exact number may become.

use super::{Number, NumberError};

/// The largest size of an exact number that an operation may make, in bits.
///
/// It bounds the time of one operation too: at the default limit the slowest, which writes decimal
/// digits, takes some tenths of a second. Reducing a ratio would take many times that, so it has a
/// lower limit of its own, [`Limits::REDUCIBLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    bits: u64,
}

impl Limits {
    /// The most bits that the two operands of a greatest common divisor may have together, whatever
    /// the limit is. So it is the largest size of a ratio: one that is deserialized is checked to
    /// be reduced, before any limit is known.
    pub const REDUCIBLE: u64 = 1 << 20;

    /// A limit of `bits`, which is not less than a flonum's exact value may need.
    pub const fn new(bits: u64) -> Self {
        let least = 1 << 12;
        Limits {
            bits: if bits < least { least } else { bits },
        }
    }

    /// The limit in bits.
    pub const fn bits(self) -> u64 {
        self.bits
    }

    /// Whether a number of so many bits may be made.
    ///
    /// # Errors
    ///
    /// [`NumberError::TooLarge`].
    #[inline]
    pub fn check(self, bits: u64) -> Result<(), NumberError> {
        if bits <= self.bits {
            Ok(())
        } else {
            Err(NumberError::TooLarge)
        }
    }

    /// Whether two integers of so many bits together may be divided by their greatest common
    /// divisor.
    pub(super) fn check_reducible(self, bits: u64) -> Result<(), NumberError> {
        self.check(bits)?;
        if bits <= Self::REDUCIBLE {
            Ok(())
        } else {
            Err(NumberError::TooLarge)
        }
    }
}

impl Default for Limits {
    /// Four million bits, about 1,260,000 decimal digits.
    fn default() -> Self {
        Limits::new(1 << 22)
    }
}

impl Number {
    /// The size that a limit is compared with: the bits of an integer's magnitude, or of numerator
    /// and denominator together. A fixnum and a flonum count 64. A complex number has the sum of
    /// its parts' sizes, which are limited each by itself.
    pub fn size_bits(&self) -> u64 {
        match self {
            Number::Fixnum(_) | Number::Flonum(_) => 64,
            Number::Big(n) => n.bits(),
            Number::Ratio(r) => r.numerator().bits() + r.denominator().bits(),
            Number::Complex(z) => z.parts().iter().map(|part| part.size_bits()).sum(),
        }
    }
}
