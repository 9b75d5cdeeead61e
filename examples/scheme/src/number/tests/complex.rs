use super::*;

/// Whether the parts differ by no more than rounding, relative to the magnitude.
fn near(got: &Number, want: &Number) -> bool {
    let point = |z: &Number| [z.real_part().to_f64(), z.imag_part().to_f64()];
    let ([a, b], [c, d]) = (point(got), point(want));
    (a - c).hypot(b - d) <= 1e-14 * c.hypot(d)
}

/// Numbers whose functions are neither huge nor tiny.
fn any_moderate() -> impl Strategy<Value = Number> {
    let part = || (-5f64..5.0).prop_map(Number::Flonum);
    (part(), part()).prop_map(|(x, y)| Number::rectangular(x, y).unwrap())
}

fn binary(
    operation: fn(&Number, &Number, Limits) -> Result<Number, NumberError>,
) -> impl Fn(&Number, &Number) -> Number {
    move |x, y| {
        let result = operation(x, y, WIDE).unwrap();
        assert_canonical(&result);
        result
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    /// Exact complex numbers are a field.
    #[test]
    fn field(x in any_exact_complex(), y in any_exact_complex(), z in any_exact_complex()) {
        let (add, sub, mul, div) = (binary(Number::add), binary(Number::sub), binary(Number::mul), binary(Number::div));
        prop_assert_eq!(add(&x, &y), add(&y, &x));
        prop_assert_eq!(add(&add(&x, &y), &z), add(&x, &add(&y, &z)));
        prop_assert_eq!(mul(&x, &y), mul(&y, &x));
        prop_assert_eq!(mul(&mul(&x, &y), &z), mul(&x, &mul(&y, &z)));
        prop_assert_eq!(mul(&x, &add(&y, &z)), add(&mul(&x, &y), &mul(&x, &z)));
        prop_assert_eq!(sub(&add(&x, &y), &y), x.clone());
        prop_assert_eq!(add(&x, &x.neg()), Number::ZERO);
        if y.is_zero() {
            prop_assert_eq!(x.div(&y, WIDE), Err(NumberError::DivideByZero));
        } else {
            prop_assert_eq!(mul(&div(&x, &y), &y), x);
        }
    }

    /// The imaginary unit is the square root of -1.
    #[test]
    fn parts(x in any_exact(), y in any_exact()) {
        let z = Number::rectangular(x.clone(), y.clone()).unwrap();
        prop_assert_eq!((z.real_part(), z.imag_part()), (x.clone(), y.clone()));
        prop_assert_eq!(binary(Number::add)(&x, &binary(Number::mul)(&y, &n("+i"))), z.clone());
        prop_assert_eq!(z.is_real(), y.is_zero());
        prop_assert!(z.is_exact() && z.num_eq(&z) && z.eqv(&z));
    }

    /// The square of a number's root is the number; a root of a square is exact.
    #[test]
    fn roots(z in any_exact_complex(), w in any_moderate()) {
        let square = z.square(WIDE).unwrap();
        let root = square.sqrt(WIDE).unwrap();
        assert_canonical(&root);
        prop_assert!(!root.real_part().is_negative());
        prop_assert!(root == z || root == z.neg());
        let root = w.sqrt(WIDE).unwrap();
        prop_assert!(!root.real_part().is_negative());
        prop_assert!(near(&root.square(WIDE).unwrap(), &w));
    }

    #[test]
    fn powers_add(z in (-9i64..9, -9i64..9), a in -9i64..9, b in -9i64..9) {
        let z = Number::rectangular(z.0.into(), z.1.into()).unwrap();
        if !z.is_zero() {
            let power = |e: i64| z.expt(&e.into(), WIDE).unwrap();
            prop_assert_eq!(binary(Number::mul)(&power(a), &power(b)), power(a + b));
        }
    }

    /// Each function inverts its inverse, and magnitude and angle make the number again.
    #[test]
    fn inverses(z in any_moderate()) {
        let close = |got: Number| {
            let difference = got.sub(&z, WIDE).unwrap().magnitude(WIDE).unwrap().to_f64();
            difference < 1e-12 * (1.0 + z.magnitude(WIDE).unwrap().to_f64())
        };
        prop_assert!(close(z.log().unwrap().exp()));
        prop_assert!(close(z.asin().sin()));
        prop_assert!(close(z.acos().cos()));
        prop_assert!(close(z.atan().tan()));
        prop_assert!(close(Number::polar(&z.magnitude(WIDE).unwrap(), &z.angle(), WIDE).unwrap()));
    }

    /// On the real line the functions are those of real numbers.
    #[test]
    fn real_line(x in -0.99f64..0.99) {
        let z = Number::rectangular(x.into(), 0.0.into()).unwrap();
        let x = Number::Flonum(x);
        let functions: [fn(&Number) -> Number; 7] =
            [Number::exp, Number::sin, Number::cos, Number::tan, Number::asin, Number::acos, Number::atan];
        for function in functions {
            prop_assert!(near(&function(&z), &function(&x)));
        }
    }
}

#[test]
fn syntax() {
    for (text, printed) in [
        ("1+2i", "1+2i"),
        ("1-2I", "1-2i"),
        ("+i", "+i"),
        ("-i", "-i"),
        ("+1i", "+i"),
        ("0+2i", "+2i"),
        ("1/2-3/4i", "1/2-3/4i"),
        ("1+i", "1+i"),
        ("1e2-1e-2i", "100.0-0.01i"),
        ("+inf.0i", "+inf.0i"),
        ("-inf.0-nan.0i", "-inf.0+nan.0i"),
        ("+inf.0+inf.0i", "+inf.0+inf.0i"),
        ("1-inf.0i", "1-inf.0i"),
        ("1+2.0i", "1+2.0i"),
        ("1.0+2i", "1.0+2i"),
        ("0.0+i", "0.0+i"),
        ("+.5i", "+0.5i"),
        ("1-0.0i", "1-0.0i"),
        ("-2.5+0i", "-2.5"),
        ("-2.5+0.0i", "-2.5+0.0i"),
        ("1@0", "1"),
        ("0@1", "0"),
        ("1@2", "-0.4161468365471424+0.9092974268256817i"),
        ("-1@2", "0.4161468365471424-0.9092974268256817i"),
        ("1@-2", "-0.4161468365471424-0.9092974268256817i"),
        ("#e1+2i", "1+2i"),
        ("#e1.5+2e1i", "3/2+20i"),
        ("#i1+2i", "1.0+2.0i"),
        ("#i+i", "0.0+1.0i"),
        ("#i1+0i", "1.0"),
        ("#e2@0", "2"),
        ("#x1+ai", "1+10i"),
        ("#x-a/f-Ai", "-2/3-10i"),
        ("#x1e+2i", "30+2i"),
        ("#b101+11i", "5+3i"),
        ("#x+inf.0i", "+inf.0i"),
        ("#e#x1+ai", "1+10i"),
    ] {
        assert_eq!(n(text).to_string(), printed, "{text}");
    }
    for text in [
        "i",
        "1i",
        "1+",
        "1+2",
        "1+2j",
        "+ii",
        "1++2i",
        "1+2i+3i",
        "1+2ii",
        "1e+3i",
        "@",
        "1@",
        "@1",
        "1@2@3",
        "1@2i",
        "1+i@2",
        "1/0+i",
        "1+1/0i",
        "1+1/2/3i",
        "#e+inf.0i",
        "#e1+nan.0i",
        "#x1.5+i",
        "+inf.i",
        "infi",
        "1 +i",
    ] {
        assert_eq!(parse(text, 10, WIDE), Ok(None), "{text}");
    }
    assert_eq!(parse("+i", 19, WIDE), Ok(Some(18.into())));
    assert_eq!(parse("1+2i", 19, WIDE), Ok(None));
    assert_eq!(parse("#e1e400@1", 10, WIDE), Err(NumberError::TooLarge));
}

#[test]
fn exact_values() {
    let same = |got: Result<Number, NumberError>, want: &str| assert_eq!(got.unwrap(), n(want));
    same(n("1+2i").add(&n("3-2i"), WIDE), "4");
    same(n("1+2i").mul(&n("1-2i"), WIDE), "5");
    same(n("1").div(&n("1+i"), WIDE), "1/2-1/2i");
    same(n("2.0").mul(&n("+i"), WIDE), "+2.0i");
    same(n("+i").mul(&n("+inf.0"), WIDE), "+inf.0i");
    same(n("1.0").div(&n("+i"), WIDE), "-1.0i");
    same(n("1e300+1e300i").div(&n("1e300+1e300i"), WIDE), "1.0+0.0i");
    same(n("-1").sqrt(WIDE), "+i");
    same(n("-1.0").sqrt(WIDE), "+1.0i");
    same(n("-2").sqrt(WIDE), "+1.4142135623730951i");
    same(n("-4/9").sqrt(WIDE), "+2/3i");
    same(n("-3+4i").sqrt(WIDE), "1+2i");
    same(n("-3-4i").sqrt(WIDE), "1-2i");
    same(n("-3.0+4.0i").sqrt(WIDE), "1.0+2.0i");
    same(n("+2i").sqrt(WIDE), "1+i");
    same(n("-1").expt(&n("1/2"), WIDE), "+i");
    same(n("1+i").expt(&n("10"), WIDE), "+32i");
    same(n("1+i").expt(&n("-2"), WIDE), "-1/2i");
    same(
        n("+i").expt(&n("100000000000000000000000000001"), WIDE),
        "+i",
    );
    same(n("1.5+2.0i").expt(&n("0"), WIDE), "1");
    same(n("0").expt(&n("1+i"), WIDE), "0");
    assert_eq!(n("0").expt(&n("+i"), WIDE), Err(NumberError::Undefined));
    assert_eq!(
        n("0").expt(&n("-1+i"), WIDE),
        Err(NumberError::DivideByZero)
    );
    same(n("3+4i").magnitude(WIDE), "5");
    same(n("-2.5i").magnitude(WIDE), "2.5");
    same(n("1.5+2.5i").exact(), "3/2+5/2i");
    same(Ok(n("1+2i").inexact()), "1.0+2.0i");
    assert_eq!(n("1+inf.0i").exact(), Err(NumberError::NotFinite));
    assert_eq!(n("1+i").floor_div(&n("2")), Err(NumberError::NotInteger));
    assert_eq!(n("1+i").numerator(), Err(NumberError::NotReal));
    assert_eq!(n("1+i").num_cmp(&n("1+i")), None);
    assert!(n("1+0.0i").num_eq(&n("1")) && n("1.0+2i").num_eq(&n("1+2.0i")));
    assert!(!n("1.0+2i").eqv(&n("1+2.0i")) && !n("1+2i").num_eq(&n("1+3i")));
}

/// What other systems answer too.
#[test]
fn functions() {
    for (got, want) in [
        (n("1+i").exp(), "1.4686939399158851+2.2873552871788423i"),
        (n("1+i").sin(), "1.2984575814159773+0.6349639147847361i"),
        (n("1+i").cos(), "0.8337300251311491-0.9888977057628651i"),
        (n("1+i").tan(), "0.27175258531951174+1.0839233273386946i"),
        (n("1+i").asin(), "0.6662394324925153+1.0612750619050357i"),
        (n("1+i").acos(), "0.9045568943023814-1.0612750619050357i"),
        (n("1+i").atan(), "1.0172219678978514+0.40235947810852507i"),
        (n("2").asin(), "1.5707963267948966-1.3169578969248166i"),
        (n("-2").asin(), "-1.5707963267948966+1.3169578969248166i"),
        (n("2").acos(), "0.0+1.3169578969248166i"),
        (n("-2").acos(), "3.141592653589793-1.3169578969248166i"),
        (n("+2i").atan(), "1.5707963267948966+0.5493061443340549i"),
        (n("-2i").atan(), "-1.5707963267948966-0.5493061443340549i"),
        (n("+1/2i").atan(), "0.0+0.5493061443340549i"),
        (n("-1").log().unwrap(), "0.0+3.141592653589793i"),
        (n("+i").log().unwrap(), "0.0+1.5707963267948966i"),
        (
            n("8").log_base(&n("-2")).unwrap(),
            "0.1392609706362244-0.6311808726237906i",
        ),
        (
            n("-8").expt(&n("1/3"), WIDE).unwrap(),
            "1.0+1.732050807568877i",
        ),
        (
            n("+i").expt(&n("+i"), WIDE).unwrap(),
            "0.20787957635076193+0.0i",
        ),
        (
            n("2").expt(&n("+i"), WIDE).unwrap(),
            "0.7692389013639721+0.6389612763136348i",
        ),
        (
            n("1+i").sqrt(WIDE).unwrap(),
            "1.09868411346781+0.45508986056222733i",
        ),
        (n("1+i").angle(), "0.7853981633974483"),
    ] {
        assert!(near(&got, &n(want)), "{got} {want}");
    }
}

/// Far from the unit circle no digit is lost, and nothing overflows that need not.
#[test]
fn far_away() {
    for (got, want) in [
        (
            n("1e10+1e-10i").asin(),
            "1.5707963267948966+23.718998110500402i",
        ),
        (n("1+1e300i").tan(), "0.0+1.0i"),
        (
            n("1e308+1e308i").sqrt(WIDE).unwrap(),
            "1.09868411346781e154+4.5508986056222733e153i",
        ),
        (n("1e-12+1e-12i").atan(), "1e-12+1e-12i"),
        (n("1+1e-10i").log().unwrap(), "5e-21+1e-10i"),
    ] {
        assert!(near(&got, &n(want)), "{got} {want}");
    }
    let huge = n(&format!("1{0}+1{0}i", "0".repeat(400)));
    assert!(near(&huge.angle(), &n("0.7853981633974483")));
    assert!(near(
        &huge.log().unwrap(),
        &n("921.3806107878983+0.7853981633974483i")
    ));
}

/// A program that multiplies complex numbers in a loop comes to an end, soon.
#[test]
fn limits() {
    let limits = Limits::new(10_000);
    let large = Err(NumberError::TooLarge);
    for base in ["2+i", "1/2-i", "3/5+4/5i"] {
        for exponent in ["100000000", "-100000000", "99999999999999999999"] {
            assert_eq!(n(base).expt(&n(exponent), limits), large);
        }
    }
    let wide = n("1+2i").expt(&n("8000"), limits).unwrap();
    assert_eq!(wide.square(limits), large);
    assert_eq!(wide.magnitude(limits), large);
    assert_eq!(wide.sqrt(limits), large);
    let start = std::time::Instant::now();
    assert_eq!(n("1/7-i").expt(&n("1000000000"), WIDE), large);
    println!("{:?}", start.elapsed());
}

#[test]
fn only_what_is_canonical_is_restored() {
    // A fixnum is written as its kind and its value, here of zigzag.
    for (bytes, number) in [
        (vec![4, 0, 2, 0, 4], Some("1+2i")),
        (vec![4, 0, 2, 0, 0], None),
        (vec![4, 4, 0, 2, 0, 4, 0, 2], None),
        (vec![4, 0, 2, 4, 0, 2, 0, 4], None),
    ] {
        assert_eq!(
            postcard::from_bytes::<Number>(&bytes).ok(),
            number.map(n),
            "{bytes:?}"
        );
    }
    // However deep it nests, it is refused at once.
    assert!(postcard::from_bytes::<Number>(&[4; 1 << 20]).is_err());
}
