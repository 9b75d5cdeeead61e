//! What holds for all data.

use std::collections::HashSet;

use proptest::prelude::*;

use super::{call, value, world};
use crate::number::{Limits, Number};
use crate::primitives::{all, inline, is_equal};
use crate::value::Value;

fn list() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(any::<i64>(), 0..20)
}

fn scheme_list(items: &[i64]) -> Value {
    Value::list(items.iter().copied().map(Value::integer))
}

fn index(at: usize) -> Value {
    Number::from(at).into()
}

proptest! {
    #[test]
    fn append_is_associative(a in list(), b in list(), c in list()) {
        let [x, y, z] = [&a, &b, &c].map(|items| scheme_list(items));
        let left = value("append", &[value("append", &[x.clone(), y.clone()]), z.clone()]);
        let right = value("append", &[x.clone(), value("append", &[y.clone(), z.clone()])]);
        prop_assert!(is_equal(&left, &scheme_list(&[a, b, c].concat())));
        prop_assert!(is_equal(&left, &right));
        prop_assert!(is_equal(&left, &value("append!", &[x, y, z])));
    }

    #[test]
    fn reverse_and_reverse(items in list(), more in list()) {
        let back: Vec<i64> = items.iter().rev().copied().collect();
        for name in ["reverse", "reverse!"] {
            prop_assert!(is_equal(&value(name, &[scheme_list(&items)]), &scheme_list(&back)));
        }
        let both = scheme_list(&[&back[..], &more].concat());
        for name in ["append-reverse", "append-reverse!"] {
            let found = value(name, &[scheme_list(&items), scheme_list(&more)]);
            prop_assert!(is_equal(&found, &both));
        }
    }

    #[test]
    fn parts_of_lists(items in list(), at in 0..25_usize) {
        let list = scheme_list(&items);
        let args = [list.clone(), index(at)];
        if at <= items.len() {
            let parts = [value("take", &args), value("drop", &args)];
            prop_assert!(is_equal(&parts[0], &scheme_list(&items[..at])));
            prop_assert!(is_equal(&parts[1], &scheme_list(&items[at..])));
            let right = [list.clone(), index(items.len() - at)];
            prop_assert!(is_equal(&parts[0], &value("drop-right", &right)));
            prop_assert!(is_equal(&parts[1], &value("take-right", &right)));
        } else {
            for name in ["take", "drop", "take-right", "drop-right", "list-tail", "split-at"] {
                prop_assert!(call(name, &args).is_err());
            }
        }
        prop_assert_eq!(call("list-ref", &args).is_ok(), at < items.len());
    }

    #[test]
    fn text_there_and_back(text: String) {
        let string = Value::string(&text);
        for (there, back) in [
            ("string->list", "list->string"),
            ("string->vector", "vector->string"),
            ("string->utf8", "utf8->string"),
            ("string->symbol", "symbol->string"),
        ] {
            let other = value(there, std::slice::from_ref(&string));
            prop_assert!(is_equal(&value(back, &[other]), &string), "{}", there);
        }
        let vector = value("string->vector", std::slice::from_ref(&string));
        let list = value("vector->list", std::slice::from_ref(&vector));
        prop_assert!(is_equal(&value("list->vector", &[list]), &vector));
    }

    #[test]
    fn folded_text_is_the_same_in_all_cases(text: String) {
        let string = Value::string(&text);
        let folded = value("string-foldcase", std::slice::from_ref(&string));
        prop_assert!(is_equal(&value("string-foldcase", std::slice::from_ref(&folded)), &folded));
        prop_assert!(value("string-ci=?", &[string, folded]).is_true());
    }

    /// Copies within one thing are as if it was two.
    #[test]
    fn copies_that_overlap(items in prop::collection::vec(0..128_u8, 0..12), at in 0..14_usize, from in 0..14_usize, to in 0..14_usize) {
        let fits = from <= to && to <= items.len() && at + (to - from) <= items.len();
        let mut expected = items.clone();
        if fits {
            expected.copy_within(from..to, at);
        }
        type Make = fn(&[u8]) -> Value;
        let make: [(&str, Make); 3] = [
            ("string-copy!", |bytes| Value::text(bytes.iter().map(|byte| char::from(*byte)).collect())),
            ("vector-copy!", |bytes| Value::vector(bytes.iter().map(|byte| Value::integer((*byte).into())).collect())),
            ("bytevector-copy!", |bytes| Value::bytes(bytes.to_vec())),
        ];
        for (name, make) in make {
            let it = make(&items);
            let done = call(name, &[it.clone(), index(at), it.clone(), index(from), index(to)]);
            prop_assert_eq!(done.is_ok(), fits, "{}", name);
            prop_assert!(is_equal(&it, &make(&expected)), "{}", name);
        }
    }

    /// The short way leads where the long way leads.
    #[test]
    fn inline_arithmetic(a in numbers(), b in numbers()) {
        let limits = Limits::default();
        let (x, y) = (Value::from(a.clone()), Value::from(b.clone()));
        let world = world();
        for (short, long) in [
            (inline::add(&world, &x, &y), a.add(&b, limits)),
            (inline::sub(&world, &x, &y), a.sub(&b, limits)),
            (inline::mul(&world, &x, &y), a.mul(&b, limits)),
        ] {
            prop_assert!(short.unwrap().is_eq(&Value::from(long.unwrap())));
        }
        let order = a.num_cmp(&b);
        prop_assert_eq!(inline::num_eq(&x, &y).unwrap(), a.num_eq(&b));
        let ordered = a.is_real() && b.is_real();
        prop_assert_eq!(inline::less(&x, &y).ok(), ordered.then(|| order.is_some_and(|o| o.is_lt())));
        prop_assert_eq!(inline::greater(&x, &y).ok(), ordered.then(|| order.is_some_and(|o| o.is_gt())));
        prop_assert_eq!(inline::at_most(&x, &y).ok(), ordered.then(|| order.is_some_and(|o| o.is_le())));
        prop_assert_eq!(inline::at_least(&x, &y).ok(), ordered.then(|| order.is_some_and(|o| o.is_ge())));
    }

    #[test]
    fn numbers_there_and_back(number in numbers(), radix in 2..=36_i64) {
        let number = Value::from(number);
        let radix = match value("exact?", std::slice::from_ref(&number)).is_true() {
            true => Value::integer(radix),
            false => Value::integer(10),
        };
        let text = value("number->string", &[number.clone(), radix.clone()]);
        prop_assert!(value("string->number", &[text, radix]).is_eq(&number));
    }
}

/// Numbers of all sorts, often where fixnums end.
fn numbers() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::Fixnum),
        (-9..9_i64).prop_map(Number::Fixnum),
        (0..3_i64).prop_map(|n| Number::Fixnum(i64::MAX - n)),
        (0..3_i64).prop_map(|n| Number::Fixnum(i64::MIN + n)),
        any::<u64>().prop_map(Number::from),
        any::<f64>().prop_map(Number::Flonum),
        (any::<i64>(), 1..100_i64).prop_map(|(n, d)| {
            let limits = Limits::default();
            Number::Fixnum(n).div(&Number::Fixnum(d), limits).unwrap()
        }),
        (any::<i64>(), any::<f64>())
            .prop_map(|(x, y)| Number::rectangular(x.into(), y.into()).unwrap()),
    ]
}

/// Digits come in rows from zero to nine. Beyond, there are only ideographs and what has no case.
#[test]
fn digits_of_all_scripts() {
    let mut zeros = 0;
    let mut before = None;
    for c in '\0'..='\u{1FFFF}' {
        let digit = match value("digit-value", &[Value::from(c)]) {
            digit @ Value::Fixnum(_) => digit.as_number().unwrap().to_usize(),
            _ => None,
        };
        let follows = match digit {
            None | Some(0) => matches!(before, None | Some(9)),
            Some(digit) => before == Some(digit - 1),
        };
        assert!(follows, "{c}");
        zeros += usize::from(digit == Some(0));
        before = digit;
    }
    // Dozens of scripts have them.
    assert!(zeros > 50, "{zeros}");
}

/// What is the same but for its case is folded to the same.
#[test]
fn cases_of_all_characters() {
    for c in '\0'..='\u{1FFFF}' {
        let of = |name| value(name, &[Value::from(c)]);
        let folded = of("char-foldcase");
        assert!(
            value("char-foldcase", std::slice::from_ref(&folded)).is_eq(&folded),
            "{c}"
        );
        // Of the letters of Turkish, the one without a dot is folded to itself.
        if !matches!(c, 'ı' | 'İ') {
            for case in ["char-upcase", "char-downcase"] {
                assert!(
                    value("char-ci=?", &[of(case), Value::from(c)]).is_true(),
                    "{c}"
                );
            }
        }
    }
}

#[test]
fn names_are_told_once() {
    let mut names = HashSet::new();
    for primitive in all() {
        assert!(names.insert(primitive.name), "{}", primitive.name);
    }
}
