use num_traits::Num;

use super::super::large::{from_digits, square_root};
use super::*;

/// Integers of up to about 200,000 bits, with long runs of zeros and of ones in some.
fn any_large() -> impl Strategy<Value = BigUint> {
    let run = prop_oneof![Just(0), Just(u32::MAX), any::<u32>()];
    let runs = proptest::collection::vec((run, 1usize..400), 1..32);
    runs.prop_map(|runs| {
        let digits = runs.into_iter();
        let digits = digits.flat_map(|(digit, times)| std::iter::repeat_n(digit, times));
        BigUint::new(digits.collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES / 8))]

    #[test]
    fn square_roots(n in any_large(), near in 0u32..3) {
        let (root, rest) = square_root(&n);
        prop_assert_eq!(&root * &root + &rest, n.clone());
        prop_assert!(rest <= &root * 2u32);
        // Around a square, where the root changes.
        let beside = (&n + 1u32).pow(2) + near - 1u32;
        let (root, rest) = square_root(&beside);
        prop_assert_eq!(&root * &root + &rest, beside);
        prop_assert!(rest <= &root * 2u32);
    }

    #[test]
    fn digits_of_every_radix(n in any_large(), radix in 2u32..37, zeros in 0usize..20) {
        let digits = n.to_str_radix(radix);
        prop_assert_eq!(&from_digits(&digits, radix), &n);
        let more = format!("{}{digits}{}", "0".repeat(zeros), "0".repeat(zeros));
        prop_assert_eq!(from_digits(&more, radix), BigUint::from_str_radix(&more, radix).unwrap());
    }
}
