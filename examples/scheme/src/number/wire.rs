//! What deserialization accepts: only what serialization writes, so that no two representations of a value exist.

use std::rc::Rc;

use num_bigint::BigInt;
use num_traits::{One, ToPrimitive};
use serde::Deserialize;

use super::gcd::gcd;
use super::{Limits, Number, Ratio};

/// A [`Number`] that nothing is known of.
#[derive(Deserialize)]
#[serde(rename = "Number")]
pub(super) enum Wire {
    Fixnum(i64),
    Big(BigInt),
    Ratio(Ratio),
    Flonum(f64),
}

impl TryFrom<Wire> for Number {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        match wire {
            Wire::Fixnum(n) => Ok(Number::Fixnum(n)),
            Wire::Big(n) if n.to_i64().is_some() => Err("a bignum that is a fixnum"),
            Wire::Big(n) => Ok(Number::Big(Rc::new(n))),
            Wire::Ratio(r) => Ok(Number::Ratio(Rc::new(r))),
            Wire::Flonum(x) => Ok(Number::Flonum(x)),
        }
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
}
