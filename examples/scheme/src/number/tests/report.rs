//! The examples of R7RS-small, section 6.2.6, and the values that it leaves to us.

use super::*;

#[track_caller]
fn same(got: Result<Number, NumberError>, expected: &str) {
    assert_eq!(got.map(|n| n.to_string()), Ok(expected.to_owned()));
}

#[test]
fn kinds() {
    for (text, integer, finite, exact) in [
        ("3.0", true, true, false),
        ("8/4", true, true, true),
        ("32", true, true, true),
        ("32.5", false, true, false),
        ("6/10", false, true, true),
        ("-inf.0", false, false, false),
        ("+nan.0", false, false, false),
        ("#e3.0", true, true, true),
        ("3.", true, true, false),
    ] {
        let number = n(text);
        assert_eq!(
            (number.is_integer(), number.is_finite(), number.is_exact()),
            (integer, finite, exact),
            "{text}"
        );
        assert_eq!(number.is_exact_integer(), integer && exact);
    }
    assert!(n("-inf.0").is_infinite() && !n("+nan.0").is_infinite() && n("+nan.0").is_nan());
    assert_eq!(n("1.5").is_odd(), Err(NumberError::NotInteger));
    assert_eq!(n("+inf.0").is_even(), Err(NumberError::NotInteger));
    assert_eq!(
        (n("-3.0").is_odd(), n("1e300").is_odd(), n("0").is_even()),
        (Ok(true), Ok(false), Ok(true))
    );
    assert_eq!(
        (n("7").to_usize(), n("-7").to_usize(), n("7.0").to_usize()),
        (Some(7), None, None)
    );
}

#[test]
fn arithmetic() {
    same(Ok(n("3").max(&n("4"))), "4");
    same(Ok(n("3.9").max(&n("4"))), "4.0");
    same(n("3").sub(&n("4"), WIDE), "-1");
    same(n("3").div(&n("20"), WIDE), "3/20");
    same(Number::ONE.div(&n("3"), WIDE), "1/3");
    same(Ok(n("-7").abs()), "7");
    same(Ok(n("-0.0").abs()), "0.0");
    same(n("42").square(WIDE), "1764");
    same(n("2.0").square(WIDE), "4.0");
    same(n("1.0").div(&n("0.0"), WIDE), "+inf.0");
    assert_eq!(n("1.0").div(&n("0"), WIDE), Err(NumberError::DivideByZero));
    same(
        n("-9223372036854775808").div(&n("-1"), WIDE),
        "9223372036854775808",
    );
    same(
        n("-9223372036854775808").quotient(&n("-1")),
        "9223372036854775808",
    );
    same(n("-9223372036854775808").remainder(&n("-1")), "0");
    same(
        n("-9223372036854775808").gcd(&n("0"), WIDE),
        "9223372036854775808",
    );
}

#[test]
fn integer_division() {
    for (dividend, divisor, floor, truncate) in [
        ("5", "2", ["2", "1"], ["2", "1"]),
        ("-5", "2", ["-3", "1"], ["-2", "-1"]),
        ("5", "-2", ["-3", "-1"], ["-2", "1"]),
        ("-5", "-2", ["2", "-1"], ["2", "-1"]),
        ("-5.0", "2", ["-3.0", "1.0"], ["-2.0", "-1.0"]),
    ] {
        let text = |(q, r): (Number, Number)| [q.to_string(), r.to_string()];
        assert_eq!(text(n(dividend).floor_div(&n(divisor)).unwrap()), floor);
        assert_eq!(
            text(n(dividend).truncate_div(&n(divisor)).unwrap()),
            truncate
        );
    }
    assert_eq!(n("1.5").modulo(&n("1")), Err(NumberError::NotInteger));
    assert_eq!(n("1").modulo(&n("0.0")), Err(NumberError::DivideByZero));
    same(n("32").gcd(&n("-36"), WIDE), "4");
    same(n("32").lcm(&n("-36"), WIDE), "288");
    same(n("32.0").lcm(&n("-36"), WIDE), "288.0");
    same(n("6/4").numerator(), "3");
    same(n("6/4").denominator(), "2");
    same(n("0.5").denominator(), "2.0");
    assert_eq!(n("+inf.0").numerator(), Err(NumberError::NotFinite));
}

#[test]
fn rounding() {
    for (text, [floor, ceiling, truncate, round]) in [
        ("-4.3", ["-5.0", "-4.0", "-4.0", "-4.0"]),
        ("3.5", ["3.0", "4.0", "3.0", "4.0"]),
        ("7/2", ["3", "4", "3", "4"]),
        ("5/2", ["2", "3", "2", "2"]),
        ("-5/2", ["-3", "-2", "-2", "-2"]),
        ("7", ["7", "7", "7", "7"]),
    ] {
        let x = n(text);
        let got = [x.floor(), x.ceiling(), x.truncate(), x.round()].map(|n| n.to_string());
        assert_eq!(got, [floor, ceiling, truncate, round], "{text}");
    }
    same(n("#e.3").rationalize(&n("1/10"), WIDE), "1/3");
    same(n(".3").rationalize(&n("1/10"), WIDE), "0.3333333333333333");
    same(n("-3/10").rationalize(&n("-1/10"), WIDE), "-1/3");
    same(n("3").rationalize(&n("+inf.0"), WIDE), "0.0");
    same(n("-inf.0").rationalize(&n("3"), WIDE), "-inf.0");
    same(n("+inf.0").rationalize(&n("+inf.0"), WIDE), "+nan.0");
    same(n("3").rationalize(&n("+nan.0"), WIDE), "+nan.0");
    same(
        n("3.141592653589793").rationalize(&n("1e-6"), WIDE),
        "3.1415929203539825",
    );
}

#[test]
fn roots_and_powers() {
    same(n("9").sqrt(WIDE), "3");
    same(n("2").sqrt(WIDE), "1.4142135623730951");
    same(n("9.0").sqrt(WIDE), "3.0");
    same(n("16/9").sqrt(WIDE), "4/3");
    same(n("1/2").sqrt(WIDE), "0.7071067811865476");
    same(n("-0.0").sqrt(WIDE), "-0.0");
    let parts = |text| {
        n(text)
            .exact_integer_sqrt()
            .map(|(root, rest)| [root.to_string(), rest.to_string()])
    };
    assert_eq!(parts("4"), Ok(["2".into(), "0".into()]));
    assert_eq!(parts("5"), Ok(["2".into(), "1".into()]));
    assert_eq!(parts("4.0"), Err(NumberError::NotExactInteger));
    for (base, exponent, power) in [
        ("0", "0", "1"),
        ("0.0", "0", "1.0"),
        ("0", "1", "0"),
        ("0", "1/2", "0"),
        ("0", "2.5", "0.0"),
        ("0", "0.0", "1.0"),
        ("0.0", "-1", "+inf.0"),
        ("-0.0", "-3", "-inf.0"),
        ("2", "10", "1024"),
        ("2", "-2", "1/4"),
        ("-2/3", "-3", "-27/8"),
        ("-1/2", "-3", "-8"),
        ("-2", "-3", "-1/8"),
        ("2.0", "3", "8.0"),
        ("-2.0", "3", "-8.0"),
        ("-1.0", "9007199254740993", "-1.0"),
        ("2", "0.5", "1.4142135623730951"),
        ("4", "1/2", "2"),
        ("8", "1/3", "2.0"),
        ("-8", "3.0", "-512.0"),
        ("2", "-inf.0", "0.0"),
    ] {
        same(n(base).expt(&n(exponent), WIDE), power);
    }
    assert_eq!(n("0").expt(&n("-1"), WIDE), Err(NumberError::DivideByZero));
    assert_eq!(
        n("0").expt(&n("-0.5"), WIDE),
        Err(NumberError::DivideByZero)
    );
}

#[test]
fn functions() {
    let pi = std::f64::consts::PI;
    same(Ok(n("0").exp()), "1");
    same(Ok(n("1").exp()), "2.718281828459045");
    same(n("1").log(), "0");
    same(n("0.0").log(), "-inf.0");
    same(n("8").log_base(&n("2")), "3.0");
    same(n("1000").log_base(&n("10")), "3.0");
    same(n("1/8").log_base(&n("2")), "-3.0");
    assert_eq!(n("0").log(), Err(NumberError::Undefined));
    assert_eq!(n("2").log_base(&n("1")), Err(NumberError::Undefined));
    for zero in [
        n("0").sin(),
        n("0").tan(),
        n("0").atan(),
        n("0").asin(),
        n("1").acos(),
    ] {
        assert_eq!(zero, Number::ZERO);
    }
    assert_eq!(n("0").cos(), Number::ONE);
    assert_eq!(n("1.0").acos(), Number::Flonum(0.0));
    for (y, x, angle) in [
        ("0.0", "1.0", 0.0),
        ("-0.0", "1.0", -0.0),
        ("1", "0", pi / 2.0),
        ("0.0", "-1.0", pi),
        ("-0.0", "-1.0", -pi),
        ("0", "-1", pi),
        ("-1", "0.0", -pi / 2.0),
        ("-0.0", "-0.0", -pi),
    ] {
        assert_eq!(n(y).atan2(&n(x)), Ok(Number::Flonum(angle)), "{y} {x}");
    }
    same(n("0").atan2(&n("1")), "0");
    assert_eq!(n("0").atan2(&n("0")), Err(NumberError::Undefined));
}
