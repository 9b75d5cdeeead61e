use super::*;

proptest! {
    #[test]
    fn saved_and_restored(number in any_complex()) {
        let bytes = postcard::to_stdvec(&number).unwrap();
        prop_assert_eq!(postcard::from_bytes::<Number>(&bytes).unwrap(), number.clone());
        if number.is_exact() {
            let text = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(serde_json::from_str::<Number>(&text).unwrap(), number);
        }
    }

    /// Whatever bytes come, what is read from them is canonical.
    #[test]
    fn hostile_bytes(kind in 0u8..6, bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let bytes: Vec<u8> = std::iter::once(kind).chain(bytes).collect();
        if let Ok(number) = postcard::from_bytes::<Number>(&bytes) {
            assert_canonical(&number);
        }
    }

    /// The same with integers that are well formed, small enough to have divisors in common.
    #[test]
    fn hostile_fractions(numerator in any_big(), denominator in any_big(), small: (i8, i8)) {
        for (numerator, denominator) in [(numerator, denominator), (small.0.into(), small.1.into())] {
            let bytes = postcard::to_stdvec(&(2u8, &numerator, &denominator)).unwrap();
            let read = postcard::from_bytes::<Number>(&bytes);
            let canonical = denominator > BigInt::from(1)
                && num_integer::Integer::gcd(&numerator, &denominator) == BigInt::from(1);
            prop_assert_eq!(read.is_ok(), canonical);
        }
    }
}

#[test]
fn refused() {
    let bytes = postcard::to_stdvec(&(1u8, BigInt::from(5))).unwrap();
    assert!(
        postcard::from_bytes::<Number>(&bytes).is_err(),
        "a bignum that is a fixnum"
    );
    // A length without the digits: no memory is taken for it.
    assert!(
        postcard::from_bytes::<Number>(&[1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])
            .is_err()
    );
    // A ratio that would take long to check.
    let large = (BigInt::from(1) << Limits::REDUCIBLE) + 1;
    let bytes = postcard::to_stdvec(&(2u8, large, BigInt::from(2))).unwrap();
    assert!(postcard::from_bytes::<Number>(&bytes).is_err());
}
