use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn print_and_parse(number in any_number().boxed().prop_union(any_complex().boxed()), radix in 2u32..=36) {
        prop_assert_eq!(&n(&number.to_string()), &number);
        prop_assert_eq!(number.to_text(10).unwrap(), number.to_string());
        if !number.is_real() && radix > 18 {
            prop_assert_eq!(number.to_text(radix), Err(NumberError::BadRadix));
        } else if let Ok(text) = number.to_text(radix) {
            prop_assert_eq!(&parse(&text, radix, WIDE).unwrap().unwrap(), &number);
            prop_assert_eq!(parse(&text.to_uppercase(), radix, WIDE).unwrap().unwrap(), number);
        } else {
            prop_assert!(radix != 10 && !number.is_exact());
            prop_assert_eq!(number.to_text(radix), Err(NumberError::BadRadix));
        }
    }

    /// Text near the syntax of numbers is one or none, without a panic, and a number prints as
    /// itself.
    #[test]
    fn noise(text in "[-+#.eEiIxX/01 9a∞@]{0,12}", radix in 2u32..=36) {
        if let Ok(Some(number)) = parse(&text, radix, Limits::new(0)) {
            assert_canonical(&number);
            prop_assert_eq!(n(&number.to_string()), number);
        }
    }
}

#[test]
fn accepted() {
    for (text, printed) in [
        ("0", "0"),
        ("-0", "0"),
        ("+5", "5"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775808", "9223372036854775808"),
        ("0000000000000000000000000000012", "12"),
        ("6/4", "3/2"),
        ("-6/3", "-2"),
        ("0/5", "0"),
        ("#xFf", "255"),
        ("#X-ff/2", "-255/2"),
        ("#b101", "5"),
        ("#o777", "511"),
        ("#d10", "10"),
        ("#xe1", "225"),
        ("#e1.5", "3/2"),
        ("#e1.5e3", "1500"),
        ("#E-1.25E-2", "-1/80"),
        ("#e1e20", "100000000000000000000"),
        ("#i1/3", "0.3333333333333333"),
        ("#i#x10", "16.0"),
        ("#x#i10", "16.0"),
        ("#d#e1.0", "1"),
        ("#e#d1.0", "1"),
        ("#i1180591620717411303424", "1.1805916207174113e21"),
        (".5", "0.5"),
        ("5.", "5.0"),
        ("-.5e1", "-5.0"),
        ("1e3", "1000.0"),
        ("1E+3", "1000.0"),
        ("-0.0", "-0.0"),
        ("1.7976931348623157e308", "1.7976931348623157e308"),
        ("1.7976931348623159e308", "+inf.0"),
        ("3e-324", "5e-324"),
        ("2e-324", "0.0"),
        ("+inf.0", "+inf.0"),
        ("-INF.0", "-inf.0"),
        ("+NaN.0", "+nan.0"),
        ("-nan.0", "+nan.0"),
        ("#x+inf.0", "+inf.0"),
        ("#i+inf.0", "+inf.0"),
    ] {
        assert_eq!(n(text).to_string(), printed, "{text}");
    }
}

#[test]
fn refused() {
    for text in [
        "",
        "+",
        "-",
        "...",
        "1+",
        "-1-",
        "--1",
        "+-1",
        ".",
        "+.",
        "-.e1",
        "e1",
        "1e",
        "1e+",
        "1.2.3",
        "1e1.5",
        "1e2e3",
        "1/",
        "/2",
        "1/0",
        "1/-2",
        "1/2/3",
        "1.5/2",
        "1/2e3",
        "#",
        "#x",
        "#xg",
        "#b2",
        "#x1.5",
        "#x#x1",
        "#e#i1",
        "#e",
        "#e+inf.0",
        "#e-nan.0",
        "inf.0",
        "nan.0",
        "+inf",
        "+inf.",
        "+inf.00",
        "+nan.1",
        "1_000",
        " 1",
        "1 ",
        "1i",
        "٣",
        "#٣",
        "1e٣",
        "0x10",
        "infinity",
        "+infinity",
        "nan",
        "#ee1",
    ] {
        assert_eq!(parse(text, 10, WIDE), Ok(None), "{text}");
    }
}

#[test]
fn flonums_in_print() {
    for (x, printed) in [
        (1.0, "1.0"),
        (100.0, "100.0"),
        (-0.5, "-0.5"),
        (0.1, "0.1"),
        (123456789.125, "123456789.125"),
        (1e20, "100000000000000000000.0"),
        (1e21, "1e21"),
        (1.5e300, "1.5e300"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (-1.25e-10, "-1.25e-10"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e308"),
    ] {
        assert_eq!(Number::Flonum(x).to_string(), printed);
    }
}

#[test]
fn radixes() {
    assert_eq!(n("-255").to_text(16).unwrap(), "-ff");
    assert_eq!(n("1/255").to_text(2).unwrap(), "1/11111111");
    for radix in [0, 1, 37, u32::MAX] {
        assert_eq!(n("1").to_text(radix), Err(NumberError::BadRadix));
        assert_eq!(parse("1", radix, WIDE), Err(NumberError::BadRadix));
    }
}
