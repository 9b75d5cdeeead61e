use std::cmp::Ordering;

use super::*;

/// Whether the flonum is the nearest to the positive exact number, the even one of two. The halfway
/// points beside it are found exactly, and `square` compares their squares instead.
fn is_nearest(x: f64, exact: &Number, square: bool) -> bool {
    let value = |x: f64| Number::Flonum(x).exact().unwrap();
    // Beyond the largest flonum comes what would be the next one.
    let above = if x == f64::MAX {
        n("#e2e0").expt(&1024.into(), WIDE).unwrap()
    } else {
        value(x.next_up())
    };
    let halfway = |other: Number| {
        let middle = value(x)
            .add(&other, WIDE)
            .unwrap()
            .div(&2.into(), WIDE)
            .unwrap();
        if square {
            middle.square(WIDE).unwrap()
        } else {
            middle
        }
    };
    let even = x.to_bits().is_multiple_of(2);
    let inside = |order: Option<Ordering>, side| {
        order == Some(side) || even && order == Some(Ordering::Equal)
    };
    inside(halfway(above).num_cmp(exact), Ordering::Greater)
        && (x == 0.0 || inside(halfway(value(x.next_down())).num_cmp(exact), Ordering::Less))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn exact_and_back(x in any_finite()) {
        let exact = Number::Flonum(x).exact().unwrap();
        assert_canonical(&exact);
        prop_assert_eq!(exact.to_f64(), x);
    }

    #[test]
    fn inexact_is_nearest(x in any_exact()) {
        prop_assert!(is_nearest(x.abs().to_f64(), &x.abs(), false));
        prop_assert_eq!(x.to_f64(), -x.neg().to_f64());
    }

    /// Halfway between two flonums, and the least bit beside it, down to the subnormals.
    #[test]
    fn ties(x in any_finite(), off in -1i32..=1, far in 1100u32..1300) {
        let (x, next) = (x.abs().min(1e300), x.abs().min(1e300).next_up());
        let sum = Number::Flonum(x).exact().unwrap().add(&Number::Flonum(next).exact().unwrap(), WIDE).unwrap();
        let least = Number::ratio(off.into(), BigInt::from(1) << far, WIDE).unwrap();
        let tie = sum.div(&2.into(), WIDE).unwrap().add(&least, WIDE).unwrap();
        let even = if x.to_bits().is_multiple_of(2) { x } else { next };
        prop_assert_eq!(tie.to_f64(), match off { -1 => x, 0 => even, _ => next });
    }

    /// The nearest flonum to a decimal is the same by the exact fraction and by the decimal
    /// conversion.
    #[test]
    fn decimals(digits in "[0-9]{1,25}", point in 0usize..25, exponent in -345i32..310) {
        let (whole, fraction) = digits.split_at(point.min(digits.len()));
        let text = format!("{whole}.{fraction}e{exponent}");
        let flonum: f64 = text.parse().unwrap();
        prop_assert_eq!(n(&text), Number::Flonum(flonum));
        prop_assert_eq!(n(&format!("#e{text}")).to_f64(), flonum);
        prop_assert_eq!(n(&format!("#i{}", n(&format!("#e{text}")))), Number::Flonum(flonum));
    }

    /// A root that is not exact is the nearest flonum.
    #[test]
    fn sqrt_is_nearest(x in any_exact(), y in any_exact(), power in -2000i64..2000) {
        let scaled = n("4").expt(&(power / 4).into(), WIDE).unwrap();
        for x in [x.abs(), x.abs().mul(&scaled, WIDE).unwrap(), x.mul(&y, WIDE).unwrap().abs()] {
            match x.sqrt(WIDE).unwrap() {
                Number::Flonum(root) => prop_assert!(is_nearest(root, &x, true), "{x} {root}"),
                exact => prop_assert_eq!(exact.square(WIDE).unwrap(), x),
            }
        }
    }
}

#[test]
fn hard_cases() {
    let power = |base: i64, exponent: i64| Number::from(base).expt(&exponent.into(), WIDE).unwrap();
    // Half of the last place above the largest flonum is where infinity begins.
    let limit = power(2, 1024).sub(&power(2, 970), WIDE).unwrap();
    assert_eq!(limit.to_f64(), f64::INFINITY);
    assert_eq!(limit.sub(&Number::ONE, WIDE).unwrap().to_f64(), f64::MAX);
    // Half of the least flonum is a tie with zero.
    assert_eq!(power(2, -1075).to_f64(), 0.0);
    assert_eq!(
        n("3/2").mul(&power(2, -1075), WIDE).unwrap().to_f64(),
        f64::from_bits(1)
    );
    assert_eq!(
        n("3/2").mul(&power(2, -1074), WIDE).unwrap().to_f64(),
        f64::from_bits(2)
    );
    assert_eq!(
        n("2.2250738585072011e-308").to_f64().to_bits(),
        0x000f_ffff_ffff_ffff
    );
    assert_eq!(n("9007199254740993").to_f64(), 9007199254740992.0);
    assert_eq!(
        n("9007199254740993000000001").to_f64(),
        9007199254740993000000001.0
    );
    // Numerator and denominator alone are beyond the flonums.
    let quotient = power(10, 400).div(&power(3, 800), WIDE).unwrap();
    assert!(is_nearest(quotient.to_f64(), &quotient, false));
    assert_eq!(
        power(10, -5000).add(&Number::ONE, WIDE).unwrap().to_f64(),
        1.0
    );
    assert_eq!(power(10, -5000).to_f64(), 0.0);
}

/// Exponents of any size, and zeros of any number.
#[test]
fn long_decimals() {
    let zeros = "0".repeat(700_000);
    assert_eq!(n(&format!("0.{zeros}1e700001")), Number::Flonum(1.0));
    assert_eq!(n(&format!("1{zeros}e-700000")), Number::Flonum(1.0));
    assert_eq!(n(&format!("1{zeros}.0")), Number::Flonum(f64::INFINITY));
    assert_eq!(n("1e99999999999999999999"), Number::Flonum(f64::INFINITY));
    assert_eq!(n("-1e-99999999999999999999"), Number::Flonum(-0.0));
    assert_eq!(n("0e99999999999999999999"), Number::Flonum(0.0));
    assert_eq!(n("#e0e99999999999999999999"), Number::ZERO);
}

#[test]
fn large_roots_and_logarithms() {
    let huge = n("10").expt(&400.into(), WIDE).unwrap();
    let more = huge.add(&Number::ONE, WIDE).unwrap();
    assert_eq!(more.sqrt(WIDE).unwrap(), Number::Flonum(1e200));
    assert_eq!(
        Number::ONE.div(&more, WIDE).unwrap().sqrt(WIDE).unwrap(),
        Number::Flonum(1e-200)
    );
    let near = |got: Result<Number, NumberError>, expected: f64| {
        assert!((got.unwrap().to_f64() / expected - 1.0).abs() < 1e-15);
    };
    near(huge.log_base(&10.into()), 400.0);
    near(
        Number::ONE.div(&huge, WIDE).unwrap().log_base(&10.into()),
        -400.0,
    );
    near(huge.log(), 400.0 * 10f64.ln());
}
