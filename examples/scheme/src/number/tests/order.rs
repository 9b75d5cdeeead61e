use std::cmp::Ordering;
use std::hash::{BuildHasher, RandomState};

use super::*;

/// Numbers that lie close together: an exact number, its flonum, the neighbours of both.
fn neighbours() -> impl Strategy<Value = Vec<Number>> {
    let beside = |x: f64| [x.next_down(), x, x.next_up()];
    let exact = any_exact().prop_map(move |x| {
        let mut all = vec![
            x.add(&Number::ONE, WIDE).unwrap(),
            x.sub(&Number::ONE, WIDE).unwrap(),
            x.clone(),
        ];
        all.extend(beside(x.to_f64()).map(Number::Flonum));
        all
    });
    let flonum = any_finite().prop_map(move |x| {
        let mut all: Vec<_> = beside(x).into_iter().map(Number::Flonum).collect();
        all.extend(
            beside(x)
                .into_iter()
                .filter_map(|x| Number::Flonum(x).exact().ok()),
        );
        all
    });
    prop_oneof![exact, flonum]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    /// The order is total but for NaN: reversed it is the other, and it is transitive, equality
    /// included.
    #[test]
    fn order_is_total(mut all in neighbours(), others in proptest::collection::vec(any_number(), 0..5)) {
        all.extend(others);
        for x in &all {
            for y in &all {
                let order = x.num_cmp(y);
                prop_assert_eq!(order.is_none(), x.is_nan() || y.is_nan());
                prop_assert_eq!(order, y.num_cmp(x).map(Ordering::reverse));
                for z in all.iter().filter(|_| order.is_some_and(Ordering::is_le)) {
                    if let Some(after) = y.num_cmp(z).filter(|order| order.is_le()) {
                        prop_assert_eq!(x.num_cmp(z), Some(order.unwrap().then(after)));
                    }
                }
            }
        }
    }

    /// What `eqv?` says is what the exact values say, and equal numbers have equal hashes.
    #[test]
    fn eqv_and_hash(all in neighbours()) {
        let hashes = RandomState::new();
        for x in &all {
            for y in &all {
                prop_assert_eq!(x == y, x.is_exact() == y.is_exact() && x.num_eq(y) && x.to_string() == y.to_string());
                prop_assert!(x != y || hashes.hash_one(x) == hashes.hash_one(y));
            }
        }
    }

    #[test]
    fn extremes(x in any_number(), y in any_number()) {
        let (max, min) = (x.max(&y), x.min(&y));
        if x.is_nan() || y.is_nan() {
            prop_assert!(max.is_nan() && min.is_nan());
        } else {
            let (low, high) = if x.num_cmp(&y).unwrap().is_lt() { (&x, &y) } else { (&y, &x) };
            prop_assert_eq!(max.is_exact() && min.is_exact(), x.is_exact() && y.is_exact());
            prop_assert!(max.num_eq(high) || max.num_eq(&high.inexact()));
            prop_assert!(min.num_eq(low) || min.num_eq(&low.inexact()));
        }
    }
}

#[test]
fn zeros_and_nans() {
    let (zero, minus_zero, nan) = (
        Number::Flonum(0.0),
        Number::Flonum(-0.0),
        Number::Flonum(f64::NAN),
    );
    assert!(zero.num_eq(&minus_zero) && zero.num_eq(&Number::ZERO));
    assert!(!zero.eqv(&minus_zero) && !zero.eqv(&Number::ZERO));
    assert!(nan.eqv(&Number::Flonum(-f64::NAN)) && !nan.num_eq(&nan));
}

/// The flonum nearest to an exact number is not the number, and does not equal it.
#[test]
fn comparison_is_exact() {
    for (less, greater) in [
        ("9007199254740992.0", "9007199254740993"),
        ("9223372036854775807", "9223372036854775808.0"),
        ("1/3", "0.33333333333333337"),
        ("0.3333333333333333", "1/3"),
        // The nearest flonum to 10^23 is below it.
        ("1e23", "100000000000000000000000"),
        ("-2.5", "-2"),
        ("-3", "-2.5"),
        ("-inf.0", "-1000000000000000000000000000000"),
    ] {
        assert_eq!(
            n(less).num_cmp(&n(greater)),
            Some(Ordering::Less),
            "{less} {greater}"
        );
    }
}
