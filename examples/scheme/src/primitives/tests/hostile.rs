//! Arguments that would hurt.

use proptest::prelude::*;

use super::{call, read, value, world};
use crate::primitive::Action;
use crate::primitives::all;
use crate::value::{ConditionKind, Value};

/// Pairs, some of which lead back to the one at an index.
fn circular(before: i64, circle: i64) -> Value {
    let around = Value::list((0..circle).map(|n| Value::integer(before + n)));
    let list = Value::list_with((0..before).map(Value::integer), around.clone());
    value("append!", &[around.clone(), around]);
    list
}

#[test]
fn sizes_are_limited() {
    let huge = Value::integer(1 << 50);
    for name in [
        "make-vector",
        "make-string",
        "make-list",
        "make-bytevector",
        "iota",
    ] {
        let fault = call(name, std::slice::from_ref(&huge)).err().unwrap();
        assert_eq!(fault.kind, ConditionKind::Limit, "{name}");
    }
    for (name, a, b) in [
        ("expt", 2, 1 << 40),
        ("expt", 3, 1 << 62),
        ("arithmetic-shift", 1, 1 << 40),
    ] {
        let fault = call(name, &[Value::integer(a), Value::integer(b)])
            .err()
            .unwrap();
        assert_eq!(fault.kind, ConditionKind::Limit, "{name}");
    }
    let text = value("make-string", &[Value::integer(200_000)]);
    let elements = value("make-vector", &[Value::integer(50_000)]);
    for (name, of) in [("string-append", &text), ("vector-append", &elements)] {
        let fault = call(name, &[of.clone(), of.clone()]).err().unwrap();
        assert_eq!(fault.kind, ConditionKind::Limit, "{name}");
    }
    for name in ["string->list", "string-upcase"] {
        let fault = call(name, std::slice::from_ref(&text)).err().unwrap();
        assert_eq!(fault.kind, ConditionKind::Limit, "{name}");
    }
}

/// Where nothing is limited, there is still an end to what the system has.
#[test]
fn sizes_without_a_sandbox() {
    let mut world = world();
    world.sandbox.heap = None;
    for primitive in all() {
        let sizes = ["make-vector", "make-string", "make-list", "make-bytevector"];
        if let Action::Plain(compute) = primitive.action
            && sizes.contains(&primitive.name)
        {
            for size in [i64::MAX, 1 << 60] {
                assert!(compute(&mut world, &[Value::integer(size)]).is_err());
            }
        }
    }
}

#[test]
fn circular_lists_are_no_lists() {
    for (before, circle) in [(0, 1), (0, 2), (1, 1), (3, 5), (100, 7), (7, 100)] {
        let list = || circular(before, circle);
        for name in [
            "length",
            "reverse",
            "list-copy",
            "list->vector",
            "last-pair",
            "last",
            "reverse!",
            "concatenate",
            "string-join",
            "list->string",
        ] {
            assert!(call(name, &[list()]).is_err(), "{name}");
        }
        for name in ["memq", "memv", "%member", "assq", "assv", "%assoc"] {
            assert!(call(name, &[read("absent"), list()]).is_err(), "{name}");
        }
        for name in ["append", "append!", "append-reverse", "append-reverse!"] {
            assert!(call(name, &[list(), Value::Null]).is_err(), "{name}");
        }
        assert!(!value("list?", &[list()]).is_true());
        assert!(!value("length+", &[list()]).is_true());
        assert!(value("circular-list?", &[list()]).is_true());
        assert!(!value("dotted-list?", &[list()]).is_true());
    }
}

proptest! {
    /// In a list that leads back to itself, there is a place for each index.
    #[test]
    fn places_of_circular_lists(before in 0..50_i64, circle in 1..50_i64, index: u32, more in 0..1_i64 << 61) {
        let list = circular(before, circle);
        for index in [i64::from(index % 200), i64::from(index), more] {
            let place = index.min(before + (index - before).rem_euclid(circle));
            let found = value("list-ref", &[list.clone(), Value::integer(index)]);
            prop_assert!(found.is_eq(&Value::integer(place)));
        }
        let taken = value("take", &[list.clone(), Value::integer(300)]);
        prop_assert!(value("length", &[taken]).is_eq(&Value::integer(300)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Whatever they are called with, they answer, be it a fault.
    #[test]
    fn nothing_panics(picks in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let odd = [
            "0", "1", "2", "-1", "5", "10", "1/2", "0.0", "-0.5", "1e300", "+nan.0", "+inf.0",
            "9223372036854775807", "-9223372036854775808", "123456789012345678901234567890",
            "#t", "#f", "a", "()", "(1 2 3)", "(a . b)", "((a . 1) (b . 2))", "#(1 2 3)", "#()",
            "\"\"", "\"abc\"", "#u8(1 200 3)", "#u8()", "#\\a", "#\\ß", "(#\\a #\\b)",
            "(\"a\" \"b\")", "#(#\\a #\\b)", "70000", "4000000000000000000",
        ];
        let values: Vec<Value> = odd.iter().map(|source| read(source)).collect();
        let mut made = values.clone();
        made.push(circular(2, 3));
        made.push(circular(0, 1));
        made.extend([
            Value::Unspecified,
            value("string-copy", &[read("\"mutable\"")]),
            value("make-vector", &[Value::integer(4)]),
            value("current-jiffy", &[]),
            value("values", &[]),
            value("make-promise", &[Value::Null]),
            value("%make-record-type", &[read("point"), read("(x y)")]),
        ]);
        let args: Vec<Value> = picks.iter().map(|pick| pick.get(&made).clone()).collect();
        let mut world = world();
        world.sandbox.number_bits = 1 << 12;
        for primitive in all() {
            if let Action::Plain(compute) = primitive.action
                && primitive.takes(args.len())
            {
                drop(compute(&mut world, &args));
            }
        }
    }
}

/// What waits on the Rust stack does not grow with the data.
#[test]
fn long_lists() {
    let mut world = world();
    world.sandbox.heap = None;
    let mut call = |name: &str, args: &[Value]| {
        let primitive = all().find(|primitive| primitive.name == name).unwrap();
        let Action::Plain(compute) = primitive.action else {
            panic!("{name} does not only compute");
        };
        compute(&mut world, args).unwrap()
    };
    let count = Value::integer(300_000);
    let mut list = call("iota", std::slice::from_ref(&count));
    for name in ["list-copy", "reverse", "reverse!", "append", "list->vector"] {
        list = call(name, &[list]);
    }
    let list = call("vector->list", &[list]);
    assert!(call("length", std::slice::from_ref(&list)).is_eq(&count));
    assert!(call("last", &[list]).is_eq(&Value::integer(299_999)));
}
