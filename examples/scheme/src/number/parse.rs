//! The syntax of numbers, R7RS section 7.1.1.

use num_bigint::BigInt;
use num_traits::Zero;

use super::large::from_digits;
use super::{Limits, Number, NumberError};

/// What an exponent begins with. All flonums have the same precision here, whatever the letter.
const EXPONENT_MARKERS: [char; 10] = ['e', 's', 'f', 'd', 'l', 'E', 'S', 'F', 'D', 'L'];

/// The greatest radix in which `i` is no digit. Complex numbers are written in no greater one.
pub(super) const IMAGINARY_RADIX: u32 = 18;

#[derive(Clone, Copy, PartialEq)]
enum Exactness {
    Exact,
    Inexact,
}

/// The number that a text denotes, in the radix if it has no prefix of its own; `None` if it
/// denotes none, like `+`, `...` and `1/0`.
///
/// # Errors
///
/// [`NumberError::TooLarge`] if the text is a number beyond the limit, and
/// [`NumberError::BadRadix`] if the radix is not 2 to 36.
pub fn parse(text: &str, radix: u32, limits: Limits) -> Result<Option<Number>, NumberError> {
    if !(2..=36).contains(&radix) {
        return Err(NumberError::BadRadix);
    }
    let Some((radix, exactness, text)) = prefixes(text, radix) else {
        return Ok(None);
    };
    match real(text, radix, exactness, limits)? {
        Some(number) => Ok(Some(number)),
        None => complex(text, radix, exactness, limits),
    }
}

/// A number that is no real one: two parts, or magnitude and angle.
fn complex(
    text: &str,
    radix: u32,
    exactness: Option<Exactness>,
    limits: Limits,
) -> Result<Option<Number>, NumberError> {
    // What is inexact is so as a whole: an imaginary part of an exact zero is none.
    let inexact = exactness == Some(Exactness::Inexact);
    let part = |text| real(text, radix, exactness.filter(|_| !inexact), limits);
    let number = if let Some((magnitude, angle)) = text.split_once('@') {
        let (Some(magnitude), Some(angle)) = (part(magnitude)?, part(angle)?) else {
            return Ok(None);
        };
        let number = Number::polar(&magnitude, &angle, limits)?;
        match exactness {
            // The parts are finite, unless the magnitude is larger than any flonum.
            Some(Exactness::Exact) => number.exact().map_err(|_| NumberError::TooLarge)?,
            _ => number,
        }
    } else {
        let Some((real, imaginary)) = imaginary(text, radix) else {
            return Ok(None);
        };
        let real = if real.is_empty() {
            Some(Number::ZERO)
        } else {
            part(real)?
        };
        let imaginary = match imaginary {
            "+" => Some(Number::ONE),
            "-" => Some(Number::ONE.neg()),
            _ => part(imaginary)?,
        };
        let (Some(real), Some(imaginary)) = (real, imaginary) else {
            return Ok(None);
        };
        Number::from_parts(real, imaginary)
    };
    Ok(Some(number.inexact_if(inexact)))
}

/// The real part, which may be missing, and the imaginary part, which begins with a sign.
fn imaginary(text: &str, radix: u32) -> Option<(&str, &str)> {
    let parts = text
        .strip_suffix(['i', 'I'])
        .filter(|_| radix <= IMAGINARY_RADIX)?;
    // A sign may also be that of an exponent.
    let begins = |at: &usize| radix != 10 || !parts[..*at].ends_with(EXPONENT_MARKERS);
    let mut signs = parts.rmatch_indices(['+', '-']).map(|(at, _)| at);
    signs.find(begins).map(|at| parts.split_at(at))
}

/// The real number that a text without prefixes denotes.
fn real(
    real: &str,
    radix: u32,
    exactness: Option<Exactness>,
    limits: Limits,
) -> Result<Option<Number>, NumberError> {
    let (negative, signed, magnitude) = match real.strip_prefix(['+', '-']) {
        Some(magnitude) => (real.starts_with('-'), true, magnitude),
        None => (false, false, real),
    };
    if signed && let Some(x) = special(magnitude) {
        // No exact number is infinite.
        let x = if negative { -x } else { x };
        return Ok((exactness != Some(Exactness::Exact)).then_some(Number::Flonum(x)));
    }
    let number = if are_digits(magnitude, radix) {
        Some(Number::from(integer(magnitude, radix, limits)?))
    } else if let Some((numerator, denominator)) = magnitude.split_once('/') {
        ratio(numerator, denominator, radix, limits)?
    } else if radix == 10
        && let Some(decimal) = Decimal::parse(magnitude)
    {
        // What is inexact is made so at once: its exact value may be large.
        Some(if exactness == Some(Exactness::Exact) {
            decimal.exact(limits)?
        } else {
            Number::Flonum(decimal.nearest())
        })
    } else {
        None
    };
    // The sign is last, as a flonum zero has it too.
    Ok(number.map(|number| {
        let number = number.inexact_if(exactness == Some(Exactness::Inexact));
        if negative { number.neg() } else { number }
    }))
}

/// Takes off the prefixes, at most one for the radix and one for the exactness, in any order.
fn prefixes(mut text: &str, radix: u32) -> Option<(u32, Option<Exactness>, &str)> {
    let (mut own_radix, mut exactness) = (None, None);
    while let Some(rest) = text.strip_prefix('#') {
        let letter = rest.chars().next()?.to_ascii_lowercase();
        let duplicate = match letter {
            'b' => own_radix.replace(2).is_some(),
            'o' => own_radix.replace(8).is_some(),
            'd' => own_radix.replace(10).is_some(),
            'x' => own_radix.replace(16).is_some(),
            'e' => exactness.replace(Exactness::Exact).is_some(),
            'i' => exactness.replace(Exactness::Inexact).is_some(),
            _ => return None,
        };
        if duplicate {
            return None;
        }
        text = &rest[1..];
    }
    Some((own_radix.unwrap_or(radix), exactness, text))
}

fn special(text: &str) -> Option<f64> {
    if text.eq_ignore_ascii_case("inf.0") {
        Some(f64::INFINITY)
    } else if text.eq_ignore_ascii_case("nan.0") {
        Some(f64::NAN)
    } else {
        None
    }
}

fn are_digits(text: &str, radix: u32) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_digit(radix))
}

/// The value of digits.
fn integer(digits: &str, radix: u32, limits: Limits) -> Result<BigInt, NumberError> {
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(BigInt::zero());
    }
    // The first digit may be one. So this is the least size, and the true one is a few bits more at
    // most.
    limits.check(((digits.len() - 1) as f64 * f64::from(radix).log2()) as u64)?;
    let value: BigInt = match i64::from_str_radix(digits, radix) {
        Ok(n) => n.into(),
        Err(_) => from_digits(digits, radix).into(),
    };
    limits.check(value.bits())?;
    Ok(value)
}

fn ratio(
    numerator: &str,
    denominator: &str,
    radix: u32,
    limits: Limits,
) -> Result<Option<Number>, NumberError> {
    if !are_digits(numerator, radix) || !are_digits(denominator, radix) {
        return Ok(None);
    }
    let denominator = integer(denominator, radix, limits)?;
    if denominator.is_zero() {
        return Ok(None);
    }
    Number::ratio(integer(numerator, radix, limits)?, denominator, limits).map(Some)
}

/// Decimal digits, without zeros at their beginning, times a power of ten.
struct Decimal {
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Digits with a point, an exponent or both.
    fn parse(text: &str) -> Option<Decimal> {
        let (mantissa, exponent) = match text.split_once(EXPONENT_MARKERS) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if !are_digits(&digits, 10) {
            return None;
        }
        let digits = digits.trim_start_matches('0').to_owned();
        Some(Decimal {
            digits,
            exponent: exponent.saturating_sub(fraction.len() as i64),
        })
    }

    /// The nearest flonum.
    fn nearest(&self) -> f64 {
        // The value is below one times this power of ten, and not below a tenth of it.
        let power = self.exponent.saturating_add(self.digits.len() as i64);
        match power {
            _ if self.digits.is_empty() => 0.0,
            310.. => f64::INFINITY,
            ..=-330 => 0.0,
            // The library's conversion rounds correctly. It is given an exponent that it does not
            // clamp.
            _ => format!("0.{}e{power}", self.digits)
                .parse()
                .unwrap_or(f64::NAN),
        }
    }

    fn exact(&self, limits: Limits) -> Result<Number, NumberError> {
        if self.digits.is_empty() {
            return Ok(Number::ZERO);
        }
        let power = self.exponent.unsigned_abs();
        let size = ((self.digits.len() - 1) as f64 + power as f64) * 10f64.log2();
        limits.check(size as u64)?;
        let digits = integer(&self.digits, 10, limits)?;
        let Ok(power) = u32::try_from(power) else {
            return Err(NumberError::TooLarge);
        };
        if self.exponent >= 0 {
            Ok(Number::from(digits * BigInt::from(10).pow(power)))
        } else {
            limits.check_reducible(size as u64)?;
            Number::ratio(digits, BigInt::from(10).pow(power), limits)
        }
    }
}

/// The value of an exponent, clamped to what is beyond any use.
fn parse_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !are_digits(digits, 10) {
        return None;
    }
    let exponent = digits.parse().unwrap_or(i64::MAX);
    Some(if negative { -exponent } else { exponent })
}
