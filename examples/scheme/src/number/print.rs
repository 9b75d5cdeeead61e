//! Numbers as text that reads as the same number.

use std::fmt;

use super::parse::IMAGINARY_RADIX;
use super::{Number, NumberError};

impl Number {
    /// The number in the radix, 2 to 36.
    ///
    /// # Errors
    ///
    /// [`NumberError::BadRadix`], also for a finite flonum in any radix but ten, and for a complex
    /// number where `i` is a digit.
    pub fn to_text(&self, radix: u32) -> Result<String, NumberError> {
        if !(2..=36).contains(&radix) {
            return Err(NumberError::BadRadix);
        }
        match self {
            Number::Fixnum(n) if radix == 10 => Ok(n.to_string()),
            Number::Fixnum(n) => Ok(num_bigint::BigInt::from(*n).to_str_radix(radix)),
            Number::Big(n) => Ok(n.to_str_radix(radix)),
            Number::Ratio(r) => Ok(format!(
                "{}/{}",
                r.numerator().to_str_radix(radix),
                r.denominator().to_str_radix(radix)
            )),
            Number::Flonum(x) if radix == 10 || !x.is_finite() => Ok(flonum(*x)),
            Number::Flonum(_) => Err(NumberError::BadRadix),
            Number::Complex(_) if radix > IMAGINARY_RADIX => Err(NumberError::BadRadix),
            Number::Complex(z) => Ok(complex(
                &z.real().to_text(radix)?,
                &z.imaginary().to_text(radix)?,
            )),
        }
    }
}

/// The number whose parts are written so.
fn complex(real: &str, imaginary: &str) -> String {
    let real = if real == "0" { "" } else { real };
    match imaginary {
        "1" => format!("{real}+i"),
        "-1" => format!("{real}-i"),
        _ if imaginary.starts_with(['+', '-']) => format!("{real}{imaginary}i"),
        _ => format!("{real}+{imaginary}i"),
    }
}

/// The fewest digits that read as the same flonum, with a point or an exponent as the sign of
/// inexactness.
fn flonum(x: f64) -> String {
    if x.is_nan() {
        return "+nan.0".into();
    }
    if x.is_infinite() {
        return if x > 0.0 { "+inf.0" } else { "-inf.0" }.into();
    }
    if x != 0.0 && !(1e-6..1e21).contains(&x.abs()) {
        return format!("{x:e}");
    }
    let mut text = x.to_string();
    if x.fract() == 0.0 {
        text.push_str(".0");
    }
    text
}

impl fmt::Display for Number {
    /// The number in radix ten.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Fixnum(n) => n.fmt(f),
            Number::Big(n) => n.fmt(f),
            Number::Ratio(r) => f.pad(&format!("{}/{}", r.numerator(), r.denominator())),
            Number::Flonum(x) => f.pad(&flonum(*x)),
            Number::Complex(z) => {
                f.pad(&complex(&z.real().to_string(), &z.imaginary().to_string()))
            }
        }
    }
}
