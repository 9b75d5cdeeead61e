//! What deserialization accepts: only what serialization writes, so that no two representations of
//! a value exist.

use std::rc::Rc;

use num_bigint::BigInt;
use num_traits::{One, ToPrimitive};
use serde::Deserialize;

use super::gcd::gcd;
use super::{Complex, Limits, Number, Ratio};

/// A [`Number`] that nothing is known of.
#[derive(Deserialize)]
#[serde(rename = "Number")]
pub(super) enum Wire {
    Fixnum(i64),
    Big(BigInt),
    Ratio(Ratio),
    Flonum(f64),
    Complex(Complex),
}

impl TryFrom<Wire> for Number {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        match wire {
            Wire::Fixnum(n) => WireReal::Fixnum(n).try_into(),
            Wire::Big(n) => WireReal::Big(n).try_into(),
            Wire::Ratio(r) => WireReal::Ratio(r).try_into(),
            Wire::Flonum(x) => WireReal::Flonum(x).try_into(),
            Wire::Complex(z) => Ok(Number::Complex(Rc::new(z))),
        }
    }
}

/// The same of a part of a complex number. A type of its own, so that what is read does not nest.
#[derive(Deserialize)]
#[serde(rename = "Number")]
enum WireReal {
    Fixnum(i64),
    Big(BigInt),
    Ratio(Ratio),
    Flonum(f64),
}

impl TryFrom<WireReal> for Number {
    type Error = &'static str;

    fn try_from(wire: WireReal) -> Result<Self, Self::Error> {
        match wire {
            WireReal::Fixnum(n) => Ok(Number::Fixnum(n)),
            WireReal::Big(n) if n.to_i64().is_some() => Err("a bignum that is a fixnum"),
            WireReal::Big(n) => Ok(Number::Big(Rc::new(n))),
            WireReal::Ratio(r) => Ok(Number::Ratio(Rc::new(r))),
            WireReal::Flonum(x) => Ok(Number::Flonum(x)),
        }
    }
}

/// A [`Complex`] that nothing is known of.
#[derive(Deserialize)]
#[serde(rename = "Complex")]
pub(super) struct WireComplex {
    real: WireReal,
    imaginary: WireReal,
}

impl TryFrom<WireComplex> for Complex {
    type Error = &'static str;

    fn try_from(wire: WireComplex) -> Result<Self, Self::Error> {
        let (real, imaginary) = (wire.real.try_into()?, wire.imaginary.try_into()?);
        Complex::new(real, imaginary).ok_or("a complex number that is real")
    }
}

/// A [`Ratio`] that nothing is known of.
#[derive(Deserialize)]
#[serde(rename = "Ratio")]
pub(super) struct WireRatio {
    numerator: BigInt,
    denominator: BigInt,
}

impl TryFrom<WireRatio> for Ratio {
    type Error = &'static str;

    fn try_from(
        WireRatio {
            numerator,
            denominator,
        }: WireRatio,
    ) -> Result<Self, Self::Error> {
        if denominator <= BigInt::one() {
            return Err("a ratio whose denominator is less than two");
        }
        if numerator.bits() + denominator.bits() > Limits::REDUCIBLE {
            return Err("a ratio that is too large");
        }
        if !gcd(&numerator, &denominator).is_one() {
            return Err("a ratio that is not in lowest terms");
        }
        Ok(Ratio::from_reduced(numerator, denominator))
    }
}

macro_rules! variant {
    ($($(#[$doc:meta])* $module:ident: $variant:ident($type:ty);)*) => {
        $($(#[$doc])*
        pub(crate) mod $module {
            use std::rc::Rc;

            use serde::de::Error as _;
            use serde::{Deserialize, Deserializer, Serialize, Serializer};

            use crate::number::Number;

            pub(crate) fn serialize<S: Serializer>(number: &Rc<$type>, to: S) -> Result<S::Ok, S::Error> {
                Number::$variant(number.clone()).serialize(to)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Rc<$type>, D::Error> {
                match Number::deserialize(from)? {
                    Number::$variant(number) => Ok(number),
                    _ => Err(D::Error::custom("a number of another sort")),
                }
            }
        })*
    };
}

variant! {
    /// A [`Number::Big`].
    big: Big(num_bigint::BigInt);
    /// A [`Number::Ratio`].
    ratio: Ratio(crate::number::Ratio);
    /// A [`Number::Complex`].
    complex: Complex(crate::number::Complex);
}
