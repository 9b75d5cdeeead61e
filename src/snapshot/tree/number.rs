//! Numbers of any width.

use std::fmt;
use std::string::ToString;

/// A number, with its width.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is named for its type")]
pub enum Number {
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    F32(f32),
    F64(f64),
}

impl Number {
    /// As a number of another type that can hold it. A floating one has to be whole, and so
    /// small that nothing was rounded before it came here.
    pub(super) fn integer<T: TryFrom<i128> + TryFrom<u128>>(self) -> Option<T> {
        const EXACT: f64 = (1u64 << f64::MANTISSA_DIGITS) as f64;
        let number = match self {
            Self::I8(number) => number.into(),
            Self::I16(number) => number.into(),
            Self::I32(number) => number.into(),
            Self::I64(number) => number.into(),
            Self::I128(number) => number,
            Self::U8(number) => number.into(),
            Self::U16(number) => number.into(),
            Self::U32(number) => number.into(),
            Self::U64(number) => number.into(),
            Self::U128(number) => return number.try_into().ok(),
            Self::F32(_) | Self::F64(_) => {
                let number = self.double();
                let is_exact = number.fract() == 0.0 && number.abs() <= EXACT;
                return is_exact.then_some(number as i128)?.try_into().ok();
            }
        };
        number.try_into().ok()
    }

    pub(super) fn double(self) -> f64 {
        match self {
            Self::F32(number) if number.to_bits() == f32::NAN.to_bits() => f64::NAN,
            Self::F32(number) => number.into(),
            Self::F64(number) => number,
            Self::U128(number) => number as f64,
            _ => self
                .integer::<i128>()
                .map_or(f64::NAN, |number| number as f64),
        }
    }

    /// Rounded, but not to infinity.
    pub(super) fn single(self) -> Option<f32> {
        let number = match self {
            Self::F32(number) => return Some(number),
            Self::F64(number) if number.to_bits() == f64::NAN.to_bits() => return Some(f32::NAN),
            Self::F64(number) => number as f32,
            Self::U128(number) => number as f32,
            _ => self
                .integer::<i128>()
                .map_or(f32::NAN, |number| number as f32),
        };
        (number.is_finite() || !self.double().is_finite()).then_some(number)
    }

    /// What it is where only doubles are written: if it is an `f32`, a double that becomes the
    /// same again, with few digits if possible.
    pub(super) fn widened(number: f32) -> f64 {
        match number.to_string().parse() {
            Ok(short) if short as f32 == number => short,
            _ => number.into(),
        }
    }

    /// The number that a text says.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok(number) = text.parse() {
            return Some(Self::I64(number));
        }
        if let Ok(number) = text.parse() {
            return Some(Self::U64(number));
        }
        if let Ok(number) = text.parse() {
            return Some(Self::I128(number));
        }
        if let Ok(number) = text.parse() {
            return Some(Self::U128(number));
        }
        let bits = text
            .strip_prefix("NaN(")
            .and_then(|bits| bits.strip_suffix(')'));
        if let Some(bits) = bits {
            let number = match bits.len() {
                8 => Self::F32(f32::from_bits(u32::from_str_radix(bits, 16).ok()?)),
                _ => Self::F64(f64::from_bits(u64::from_str_radix(bits, 16).ok()?)),
            };
            return number.double().is_nan().then_some(number);
        }
        let number: f64 = text.parse().ok()?;
        let is_meant = number.is_finite() || !text.contains(|c: char| c.is_ascii_digit());
        is_meant.then_some(Self::F64(number))
    }
}

/// In full: what it shows can be read again.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::I8(number) => number.fmt(f),
            Self::I16(number) => number.fmt(f),
            Self::I32(number) => number.fmt(f),
            Self::I64(number) => number.fmt(f),
            Self::I128(number) => number.fmt(f),
            Self::U8(number) => number.fmt(f),
            Self::U16(number) => number.fmt(f),
            Self::U32(number) => number.fmt(f),
            Self::U64(number) => number.fmt(f),
            Self::U128(number) => number.fmt(f),
            Self::F32(number) => match number.to_bits() {
                bits if number.is_nan() && bits != f32::NAN.to_bits() => {
                    write!(f, "NaN({bits:08x})")
                }
                _ => fmt::Debug::fmt(number, f),
            },
            Self::F64(number) => match number.to_bits() {
                bits if number.is_nan() && bits != f64::NAN.to_bits() => {
                    write!(f, "NaN({bits:016x})")
                }
                _ => fmt::Debug::fmt(number, f),
            },
        }
    }
}
