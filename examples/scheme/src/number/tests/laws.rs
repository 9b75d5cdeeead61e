use num_integer::Integer;
use num_traits::Signed;

use super::*;

fn fraction(number: &Number) -> (BigInt, BigInt) {
    let (n, d) = number.as_fraction().unwrap();
    (n.into_owned(), d.into_owned())
}

/// Whether the number is the quotient of the two, which need not be in lowest terms.
fn is_quotient(number: &Number, numerator: BigInt, denominator: BigInt) -> bool {
    assert_canonical(number);
    let (n, d) = fraction(number);
    n * denominator == numerator * d
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    /// The four operations on machine integers are those of 128 bits.
    #[test]
    fn fixnums_as_i128(a: i64, b: i64, narrow in 0u32..64) {
        let (a, b) = (a >> narrow, b >> (63 - narrow));
        let (x, y) = (Number::from(a), Number::from(b));
        let (wide_a, wide_b) = (i128::from(a), i128::from(b));
        let same = |got: Number, want: i128| got == Number::from(BigInt::from(want));
        prop_assert!(same(x.add(&y, WIDE).unwrap(), wide_a + wide_b));
        prop_assert!(same(x.sub(&y, WIDE).unwrap(), wide_a - wide_b));
        prop_assert!(same(x.mul(&y, WIDE).unwrap(), wide_a * wide_b));
        prop_assert!(same(x.neg(), -wide_a));
        prop_assert!(same(x.abs(), wide_a.abs()));
        if b != 0 {
            prop_assert!(same(x.quotient(&y).unwrap(), wide_a / wide_b));
            prop_assert!(same(x.remainder(&y).unwrap(), wide_a % wide_b));
            prop_assert!(same(x.modulo(&y).unwrap(), wide_a.mod_floor(&wide_b)));
            prop_assert!(same(x.floor_quotient(&y).unwrap(), Integer::div_floor(&wide_a, &wide_b)));
            prop_assert!(is_quotient(&x.div(&y, WIDE).unwrap(), a.into(), b.into()));
        }
        prop_assert!(same(x.bitwise_and(&y).unwrap(), wide_a & wide_b));
        prop_assert!(same(x.bitwise_or(&y).unwrap(), wide_a | wide_b));
        prop_assert!(same(x.bitwise_xor(&y).unwrap(), wide_a ^ wide_b));
        prop_assert!(same(x.bitwise_not().unwrap(), !wide_a));
        let count = Number::from(i64::from(narrow));
        prop_assert!(same(x.arithmetic_shift(&count, WIDE).unwrap(), wide_a << narrow));
        prop_assert!(same(x.arithmetic_shift(&count.neg(), WIDE).unwrap(), wide_a >> narrow));
    }

    /// The four operations on exact numbers are those of fractions.
    #[test]
    fn exact_as_fractions(x in any_exact(), y in any_exact()) {
        let ((n1, d1), (n2, d2)) = (fraction(&x), fraction(&y));
        prop_assert!(is_quotient(&x.add(&y, WIDE).unwrap(), &n1 * &d2 + &n2 * &d1, &d1 * &d2));
        prop_assert!(is_quotient(&x.sub(&y, WIDE).unwrap(), &n1 * &d2 - &n2 * &d1, &d1 * &d2));
        prop_assert!(is_quotient(&x.mul(&y, WIDE).unwrap(), &n1 * &n2, &d1 * &d2));
        prop_assert_eq!(x.square(WIDE).unwrap(), x.mul(&x, WIDE).unwrap());
        prop_assert!(is_quotient(&x.neg(), -&n1, d1.clone()));
        if y.is_zero() {
            prop_assert_eq!(x.div(&y, WIDE), Err(NumberError::DivideByZero));
        } else {
            prop_assert!(is_quotient(&x.div(&y, WIDE).unwrap(), n1 * d2, d1 * n2));
        }
    }

    /// An operation with a flonum is the flonums' operation.
    #[test]
    fn contagion(x in any_number(), y in any_number()) {
        if !(x.is_exact() && y.is_exact()) {
            let (a, b) = (x.to_f64(), y.to_f64());
            prop_assert_eq!(x.add(&y, WIDE).unwrap(), Number::Flonum(a + b));
            prop_assert_eq!(x.sub(&y, WIDE).unwrap(), Number::Flonum(a - b));
            prop_assert_eq!(x.mul(&y, WIDE).unwrap(), Number::Flonum(a * b));
            if y == Number::ZERO {
                prop_assert_eq!(x.div(&y, WIDE), Err(NumberError::DivideByZero));
            } else {
                prop_assert_eq!(x.div(&y, WIDE).unwrap(), Number::Flonum(a / b));
            }
        }
    }

    /// `n = d q + r`, and the remainder is smaller than the divisor and has the right sign.
    #[test]
    fn division_laws(n in any_integer(), d in any_integer()) {
        if d.is_zero() {
            prop_assert_eq!(n.floor_div(&d), Err(NumberError::DivideByZero));
            prop_assert_eq!(n.truncate_div(&d), Err(NumberError::DivideByZero));
            return Ok(());
        }
        for (floor, (q, r)) in [(true, n.floor_div(&d).unwrap()), (false, n.truncate_div(&d).unwrap())] {
            prop_assert_eq!(&d.mul(&q, WIDE).unwrap().add(&r, WIDE).unwrap(), &n);
            prop_assert!(r.abs().num_cmp(&d.abs()).unwrap().is_lt());
            let leader = if floor { &d } else { &n };
            prop_assert!(r.is_zero() || r.is_negative() == leader.is_negative());
        }
        prop_assert_eq!(n.floor_div(&d).unwrap(), (n.floor_quotient(&d).unwrap(), n.modulo(&d).unwrap()));
        prop_assert_eq!(n.truncate_div(&d).unwrap(), (n.quotient(&d).unwrap(), n.remainder(&d).unwrap()));
    }

    /// Inexact integers are divided exactly.
    #[test]
    fn division_of_flonums(a in any_finite(), b in any_finite()) {
        let (a, b) = (a.trunc(), b.trunc());
        let result = Number::Flonum(a).remainder(&Number::Flonum(b));
        if b == 0.0 {
            prop_assert_eq!(result, Err(NumberError::DivideByZero));
        } else {
            prop_assert_eq!(result.unwrap().to_f64(), a % b);
        }
    }

    #[test]
    fn gcd_as_the_librarys(a in any_big(), b in any_big(), common in any_big()) {
        let (a, b) = (a * &common, b * common);
        let expected = a.gcd(&b);
        prop_assert_eq!(super::super::gcd::gcd(&a, &b), expected.clone());
        let (x, y) = (Number::from(a.clone()), Number::from(b.clone()));
        prop_assert_eq!(x.gcd(&y, WIDE).unwrap(), Number::from(expected));
        prop_assert_eq!(x.lcm(&y, WIDE).unwrap(), Number::from(a.lcm(&b)));
    }

    /// Neighbours in the Fibonacci sequence take Euclid's algorithm the most steps, all with
    /// quotient one.
    #[test]
    fn gcd_of_long_sequences(steps in 0usize..2000, common in any_big()) {
        let (mut a, mut b) = (BigInt::from(0), BigInt::from(1));
        for _ in 0..steps {
            (a, b) = (b.clone(), a + b);
        }
        prop_assert_eq!(super::super::gcd::gcd(&(a * &common), &(b * &common)), common.abs());
    }

    #[test]
    fn exact_integer_sqrt_laws(number in any_integer()) {
        let result = number.exact_integer_sqrt();
        if number.is_negative() {
            prop_assert_eq!(result, Err(NumberError::Negative));
        } else {
            let (root, rest) = result.unwrap();
            prop_assert_eq!(&root.square(WIDE).unwrap().add(&rest, WIDE).unwrap(), &number);
            prop_assert!(!rest.is_negative());
            // The next square is 2 root + 1 farther.
            prop_assert!(rest.num_cmp(&root.add(&root, WIDE).unwrap()).unwrap().is_le());
        }
    }

    #[test]
    fn exact_roots(x in any_exact()) {
        prop_assert_eq!(x.square(WIDE).unwrap().sqrt(WIDE).unwrap(), x.abs());
    }

    #[test]
    fn powers_add(x in any_exact(), a in -9i64..9, b in -9i64..9) {
        let power = |e: i64| x.expt(&e.into(), WIDE);
        match (power(a), power(b), power(a + b)) {
            (Ok(left), Ok(right), Ok(both)) if !x.is_zero() => {
                assert_canonical(&both);
                prop_assert_eq!(left.mul(&right, WIDE).unwrap(), both);
            }
            (.., both) => {
                prop_assert!(x.is_zero());
                prop_assert_eq!(both.is_err(), a + b < 0);
            }
        }
    }

    #[test]
    fn rounding_laws(x in any_number()) {
        let [floor, ceiling, truncate, round] = [x.floor(), x.ceiling(), x.truncate(), x.round()];
        for y in [&floor, &ceiling, &truncate, &round] {
            assert_canonical(y);
            prop_assert_eq!(y.is_exact(), x.is_exact());
            prop_assert!(y.is_integer() || !x.is_finite());
        }
        if x.is_integer() {
            prop_assert!(floor == x && ceiling == x && truncate == x && round == x);
        } else if x.is_exact() {
            prop_assert_eq!(&floor.add(&Number::ONE, WIDE).unwrap(), &ceiling);
            prop_assert!(floor.num_cmp(&x).unwrap().is_lt() && x.num_cmp(&ceiling).unwrap().is_lt());
            prop_assert_eq!(&truncate, if x.is_negative() { &ceiling } else { &floor });
            let (below, above) = (x.sub(&floor, WIDE).unwrap(), ceiling.sub(&x, WIDE).unwrap());
            let expected = match below.num_cmp(&above).unwrap() {
                std::cmp::Ordering::Less => &floor,
                std::cmp::Ordering::Greater => &ceiling,
                std::cmp::Ordering::Equal if floor.is_even().unwrap() => &floor,
                std::cmp::Ordering::Equal => &ceiling,
            };
            prop_assert_eq!(&round, expected);
        }
    }

    /// The simplest number is within the tolerance, and none with a lesser denominator is.
    #[test]
    fn rationalize_laws(a in -500i64..500, b in 1i64..500, c in 0i64..500, d in 1i64..500) {
        let (x, y) = (n(&format!("{a}/{b}")), n(&format!("{c}/{d}")));
        let simplest = x.rationalize(&y, WIDE).unwrap();
        assert_canonical(&simplest);
        let (low, high) = (x.sub(&y, WIDE).unwrap(), x.add(&y, WIDE).unwrap());
        let inside = |z: &Number| low.num_cmp(z).unwrap().is_le() && z.num_cmp(&high).unwrap().is_le();
        prop_assert!(inside(&simplest));
        let (numerator, denominator) = fraction(&simplest);
        for d in 1..i64::try_from(&denominator).unwrap() {
            let scaled = low.mul(&d.into(), WIDE).unwrap().ceiling();
            prop_assert!(!inside(&scaled.div(&d.into(), WIDE).unwrap()), "{x} {y}: {simplest}");
        }
        // Of those with its denominator it is the nearest to zero.
        let nearer = Number::ratio(&numerator - numerator.signum(), denominator, WIDE).unwrap();
        prop_assert!(numerator == BigInt::ZERO || !inside(&nearer));
    }

    #[test]
    fn shifts_are_products(number in any_integer(), count in 0i64..300) {
        let power = Number::from(2).expt(&count.into(), WIDE).unwrap();
        let count = Number::from(count);
        prop_assert_eq!(number.arithmetic_shift(&count, WIDE).unwrap(), number.mul(&power, WIDE).unwrap());
        prop_assert_eq!(number.arithmetic_shift(&count.neg(), WIDE).unwrap(), number.floor_quotient(&power).unwrap());
    }

    /// Every bit of the operation on large integers is that of their bits.
    #[test]
    fn bitwise_by_bits(a in any_big(), b in any_big()) {
        let bit = |n: &Number, i: i64| n.arithmetic_shift(&(-i).into(), WIDE).unwrap().is_odd().unwrap();
        let (x, y) = (Number::from(a), Number::from(b));
        let [and, or, xor] = [x.bitwise_and(&y), x.bitwise_or(&y), x.bitwise_xor(&y)].map(Result::unwrap);
        let not = x.bitwise_not().unwrap();
        for i in (0..700).step_by(7) {
            let (p, q) = (bit(&x, i), bit(&y, i));
            prop_assert_eq!([bit(&and, i), bit(&or, i), bit(&xor, i), bit(&not, i)], [p & q, p | q, p ^ q, !p]);
        }
        [and, or, xor, not].iter().for_each(assert_canonical);
    }

    /// No operation panics, whatever its operands.
    #[test]
    fn nothing_panics(x in any_complex(), y in any_complex()) {
        let narrow = Limits::new(0);
        let _ = (x.expt(&y, narrow), x.rationalize(&y, WIDE), x.log_base(&y), x.atan2(&y), x.gcd(&y, narrow));
        let _ = (x.lcm(&y, narrow), x.floor_div(&y), x.truncate_div(&y), x.max(&y), x.min(&y), x.sqrt(narrow), x.exp());
        let _ = (x.asin(), x.acos(), x.atan(), x.sin(), x.cos(), x.tan(), x.log(), x.numerator(), x.denominator());
        let _ = (x.arithmetic_shift(&y, narrow), x.exact_integer_sqrt(), x.square(narrow), x.is_even(), x.to_usize());
        let _ = (x.mul(&y, narrow), x.add(&y, narrow), x.sub(&y, narrow), x.div(&y, narrow));
        let _ = (x.magnitude(narrow), x.angle(), Number::polar(&x, &y, narrow), x.floor(), x.round(), x.abs(), x.neg());
        let _ = (x.num_cmp(&y), x.num_eq(&y), x.exact(), x.inexact(), x.size_bits(), x.to_string(), x.to_text(16));
    }
}
