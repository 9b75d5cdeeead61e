use std::time::{Duration, Instant};

use super::*;

const TOO_LARGE: Result<Number, NumberError> = Err(NumberError::TooLarge);

#[test]
fn towers_of_powers() {
    let tower = n("7").expt(&n("7"), WIDE).unwrap();
    assert_eq!(
        n("7").expt(&n("7").expt(&tower, WIDE).unwrap(), WIDE),
        TOO_LARGE
    );
    for base in ["7", "-2", "1/2", "-3/2"] {
        for exponent in [
            "100000000",
            "-100000000",
            "99999999999999999999",
            "-99999999999999999999",
        ] {
            assert_eq!(
                n(base).expt(&n(exponent), WIDE),
                TOO_LARGE,
                "{base} {exponent}"
            );
        }
    }
    for exponent in ["99999999999999999999", "-99999999999999999999"] {
        assert_eq!(n("1").expt(&n(exponent), WIDE).unwrap(), n("1"));
        assert_eq!(n("-1").expt(&n(exponent), WIDE).unwrap(), n("-1"));
    }
    assert_eq!(
        n("0").expt(&n("99999999999999999999"), WIDE).unwrap(),
        n("0")
    );
}

/// What is refused is what would exceed the limit, and not much less.
#[test]
fn close_to_the_limit() {
    let limits = Limits::new(10_000);
    assert!(n("2").expt(&n("9999"), limits).is_ok());
    assert_eq!(n("2").expt(&n("10001"), limits), TOO_LARGE);
    assert!(n("1").arithmetic_shift(&n("9999"), limits).is_ok());
    assert_eq!(n("1").arithmetic_shift(&n("10000"), limits), TOO_LARGE);
    assert_eq!(
        n("1").arithmetic_shift(&n("9999999999999999999999"), limits),
        TOO_LARGE
    );
    assert_eq!(
        n("-1")
            .arithmetic_shift(&n("-9999999999999999999999"), limits)
            .unwrap(),
        n("-1")
    );
    assert_eq!(
        n("0")
            .arithmetic_shift(&n("9999999999999999999999"), limits)
            .unwrap(),
        n("0")
    );
    let half = n("2").expt(&n("5000"), limits).unwrap();
    assert_eq!(
        half.square(limits),
        TOO_LARGE.or_else(|_| half.mul(&half, limits))
    );
    let largest = n("1")
        .arithmetic_shift(&n("10000"), WIDE)
        .unwrap()
        .sub(&n("1"), WIDE)
        .unwrap();
    assert!(largest.add(&n("0"), limits).is_ok());
    for radix in 2..=36 {
        assert_eq!(
            parse(&largest.to_text(radix).unwrap(), radix, limits),
            Ok(Some(largest.clone())),
            "{radix}"
        );
    }
    assert_eq!(largest.add(&n("1"), limits), TOO_LARGE);
    assert_eq!(largest.neg().sub(&n("1"), limits), TOO_LARGE);
}

/// Integers that are too large for a ratio are still divided, where there is no remainder.
#[test]
fn ratios_have_their_own_limit() {
    let large = n("1")
        .arithmetic_shift(&Number::from(Limits::REDUCIBLE), WIDE)
        .unwrap();
    for refused in [
        large.div(&n("3"), WIDE),
        n("3").div(&large, WIDE),
        large.add(&n("1/2"), WIDE),
        large.gcd(&n("6"), WIDE),
        large.expt(&n("-1"), WIDE),
        n("2")
            .expt(&large.size_bits().into(), WIDE)
            .unwrap()
            .expt(&n("-1"), WIDE),
    ] {
        // The numbers are too long to be shown.
        assert!(refused == TOO_LARGE);
    }
    assert!(large.mul(&n("3"), WIDE).unwrap().div(&large, WIDE).unwrap() == n("3"));
}

/// A ratio at the limit can be saved and restored.
#[test]
fn largest_ratio() {
    let all = Limits::REDUCIBLE as i64;
    let made = |exponent: i64| n("1/2").expt(&exponent.into(), WIDE);
    assert!(made(all - 1).is_err());
    let largest = made(all - 2).unwrap();
    assert_eq!(largest.size_bits(), Limits::REDUCIBLE);
    let bytes = postcard::to_stdvec(&largest).unwrap();
    assert!(postcard::from_bytes::<Number>(&bytes).unwrap() == largest);
}

/// A program that multiplies in a loop comes to an end.
#[test]
fn growing_loops() {
    let limits = Limits::new(10_000);
    type Operation = fn(&Number, &Number, Limits) -> Result<Number, NumberError>;
    for (start, operation) in [
        ("3", Number::mul as Operation),
        ("2/3", Number::mul),
        ("9999999999999999999", Number::add),
        ("-7/5", Number::add),
    ] {
        let (mut x, mut steps) = (n(start), 0);
        let end = loop {
            match operation(&x, &x, limits).and_then(|y| operation(&y, &n("1/7"), limits)) {
                Ok(larger) => x = larger,
                Err(error) => break error,
            }
            assert!(x.size_bits() <= limits.bits() + 1);
            steps += 1;
            assert!(steps < 20_000);
        };
        assert_eq!(end, NumberError::TooLarge);
    }
}

#[test]
fn text_beyond_the_limit() {
    let limits = Limits::new(10_000);
    let digits = "9".repeat(4000);
    for text in [
        &*digits,
        "#e1e4000",
        "#e1e-4000",
        "#e1e99999999999999999999",
        &format!("1/{digits}"),
        &format!("#x{digits}"),
    ] {
        assert_eq!(
            parse(text, 10, limits),
            Err(NumberError::TooLarge),
            "{text}"
        );
    }
    assert_eq!(
        parse(&format!("{digits}.0"), 10, limits),
        Ok(Some(Number::Flonum(f64::INFINITY)))
    );
    assert_eq!(
        parse(&format!("0{}", "0".repeat(4000)), 10, limits),
        Ok(Some(Number::ZERO))
    );
}

/// The dearest operations at the default limit come to an end soon, in a build with optimization.
#[test]
fn dearest_operations() {
    let scale = if cfg!(debug_assertions) { 16 } else { 1 };
    let power = |base: i64, bits: u64| {
        Number::from(base)
            .expt(&((bits as f64 / (base as f64).log2()) as i64).into(), WIDE)
            .unwrap()
    };
    let largest = power(7, (1 << 22) / scale);
    let (half, other) = (
        power(3, Limits::REDUCIBLE / 2 / scale),
        power(5, Limits::REDUCIBLE / 2 / scale),
    );
    // Neighbours in the Fibonacci sequence have the longest continued fraction.
    let mut neighbours = (Number::ONE, Number::ONE);
    while neighbours.0.size_bits() < Limits::REDUCIBLE / 8 / 3 / scale {
        neighbours = (
            neighbours.1.clone(),
            neighbours.0.add(&neighbours.1, WIDE).unwrap(),
        );
    }
    let golden = neighbours.1.div(&neighbours.0, WIDE).unwrap();
    let tolerance = n("2")
        .expt(&(-(neighbours.0.size_bits() as i64) + 100).into(), WIDE)
        .unwrap();
    let time = |name: &str, operation: &dyn Fn()| {
        let start = Instant::now();
        operation();
        let taken = start.elapsed();
        println!("{name}: {taken:?}");
        assert!(taken < Duration::from_secs(60), "{name}: {taken:?}");
    };
    time("print and parse", &|| {
        assert_eq!(n(&largest.to_string()), largest)
    });
    time("square root", &|| {
        drop(largest.exact_integer_sqrt().unwrap())
    });
    time("division", &|| {
        drop(largest.quotient(&power(3, (1 << 21) / scale)).unwrap())
    });
    time("reduction", &|| drop(half.gcd(&other, WIDE).unwrap()));
    time("rationalize", &|| {
        assert!(golden.rationalize(&tolerance, WIDE).unwrap().size_bits() > golden.size_bits() / 4)
    });
    time("conversion", &|| {
        assert!(half.div(&other, WIDE).unwrap().to_f64() > 0.0)
    });
}
