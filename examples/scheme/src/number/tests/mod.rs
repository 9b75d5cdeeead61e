//! Tests of the tower: laws, the report's examples, syntax, limits, and hostile bytes.

use num_bigint::{BigInt, BigUint, Sign};
use proptest::prelude::*;

use super::{Limits, Number, NumberError, parse};

mod complex;
mod conversions;
mod large;
mod laws;
mod limits;
mod order;
mod report;
mod syntax;
mod wire;

/// How often each law is tried.
const CASES: u32 = 512;

/// The default limit.
const WIDE: Limits = Limits::new(1 << 22);

/// The number that the text denotes.
fn n(text: &str) -> Number {
    parse(text, 10, WIDE)
        .unwrap()
        .unwrap_or_else(|| panic!("{text} is no number"))
}

fn big(sign: bool, digits: &[u32]) -> BigInt {
    BigInt::from_biguint(
        if sign { Sign::Plus } else { Sign::Minus },
        BigUint::from_slice(digits),
    )
}

fn any_big() -> impl Strategy<Value = BigInt> {
    prop_oneof![
        (-20i64..20).prop_map(BigInt::from),
        any::<i64>().prop_map(BigInt::from),
        // Around the powers of two, where representations change.
        (any::<bool>(), 0u32..200, -2i32..3).prop_map(|(sign, power, off)| {
            let n = (BigInt::from(1) << power) + off;
            if sign { n } else { -n }
        }),
        (
            any::<bool>(),
            proptest::collection::vec(any::<u32>(), 0..20)
        )
            .prop_map(|(sign, digits)| big(sign, &digits)),
    ]
}

fn any_integer() -> impl Strategy<Value = Number> {
    any_big().prop_map(Number::from)
}

fn any_exact() -> impl Strategy<Value = Number> {
    let ratio = (
        any_big(),
        any_big().prop_filter("zero", |d| *d != BigInt::ZERO),
    )
        .prop_map(|(n, d)| Number::ratio(n, d, WIDE).unwrap());
    prop_oneof![any_integer(), ratio]
}

fn any_finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-20i32..20).prop_map(|n| f64::from(n) / 2.0),
        any::<i64>().prop_map(|n| n as f64),
        any::<u64>()
            .prop_map(f64::from_bits)
            .prop_filter("finite", |x| x.is_finite()),
    ]
}

fn any_number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any_exact(),
        any_finite().prop_map(Number::Flonum),
        proptest::sample::select(vec![f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -0.0])
            .prop_map(Number::Flonum),
    ]
}

/// A real number or, mostly, a complex one.
fn any_complex() -> impl Strategy<Value = Number> {
    (any_number(), any_number()).prop_map(|(x, y)| Number::rectangular(x, y).unwrap())
}

fn any_exact_complex() -> impl Strategy<Value = Number> {
    (any_exact(), any_exact()).prop_map(|(x, y)| Number::rectangular(x, y).unwrap())
}

/// Fails if the number breaks the invariants of its variant.
fn assert_canonical(number: &Number) {
    match number {
        Number::Big(n) => assert!(i64::try_from(&**n).is_err(), "{n} is a fixnum"),
        Number::Ratio(r) => {
            assert!(*r.denominator() > BigInt::from(1));
            assert_eq!(
                num_integer::Integer::gcd(r.numerator(), r.denominator()),
                BigInt::from(1)
            );
        }
        Number::Complex(z) => {
            assert!(*z.imaginary() != Number::ZERO);
            for part in [z.real(), z.imaginary()] {
                assert!(part.is_real());
                assert_canonical(part);
            }
        }
        _ => {}
    }
}
