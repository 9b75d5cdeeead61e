//! The mistakes that an operation on numbers can answer.

use std::fmt;

/// Why an operation on numbers has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NumberError {
    /// The divisor is zero.
    DivideByZero,
    /// An operand must be an integer.
    NotInteger,
    /// An operand must be an exact integer.
    NotExactInteger,
    /// An operand must be finite: infinities and NaNs have no exact value.
    NotFinite,
    /// An operand must not be negative.
    Negative,
    /// An operand must be a real number.
    NotReal,
    /// The function has no value at its argument, as the logarithm of an exact zero.
    Undefined,
    /// The value is larger than the limit, or takes too long to find.
    TooLarge,
    /// The radix is not one that the number can be written in.
    BadRadix,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NumberError::DivideByZero => "division by zero",
            NumberError::NotInteger => "not an integer",
            NumberError::NotExactInteger => "not an exact integer",
            NumberError::NotFinite => "not a finite number",
            NumberError::Negative => "negative number",
            NumberError::NotReal => "not a real number",
            NumberError::Undefined => "the function has no value there",
            NumberError::TooLarge => "number too large",
            NumberError::BadRadix => "no such radix for this number",
        })
    }
}

impl std::error::Error for NumberError {}
