//! What is written is read again as the same; labels; values without end.

use std::collections::HashMap;
use std::ptr;

use proptest::prelude::*;
use segno::snapshot::{Constant, Shared};

use super::{Style, to_text};
use crate::number::Number;
use crate::reader::{Cursor, Options, Reader};
use crate::symbol::Symbol;
use crate::value::{Condition, ConditionKind, Pair, Record, RecordType, Value};

fn read(text: &str) -> Value {
    Reader::new(Cursor::new(text), "", Options::default())
        .read(None)
        .unwrap()
        .unwrap()
}

fn written(value: &Value, style: Style) -> String {
    to_text(value, style, usize::MAX).unwrap()
}

/// Whether two values have the same shape: which parts are shared counts only if `sharing`.
fn same(a: &Value, b: &Value, sharing: bool) -> bool {
    let address = |value: &Value| match value {
        Value::Pair(pair) => Some(pair.with(|pair| ptr::from_ref(pair).addr())),
        Value::Vector(vector) => Some(vector.with(|vector| ptr::from_ref(vector).addr())),
        _ => None,
    };
    let (mut there, mut back) = (HashMap::new(), HashMap::new());
    let mut seen = std::collections::HashSet::new();
    let mut pairs = vec![(a.clone(), b.clone())];
    while let Some((a, b)) = pairs.pop() {
        if let (Some(x), Some(y)) = (address(&a), address(&b)) {
            if sharing && (*there.entry(x).or_insert(y) != y || *back.entry(y).or_insert(x) != x) {
                return false;
            }
            if !seen.insert((x, y)) {
                continue;
            }
        }
        match (&a, &b) {
            (Value::Pair(_), Value::Pair(_)) => {
                let ((a_car, a_cdr), (b_car, b_cdr)) = (a.as_pair().unwrap(), b.as_pair().unwrap());
                pairs.extend([(a_car, b_car), (a_cdr, b_cdr)]);
            }
            (Value::Vector(a), Value::Vector(b)) => {
                let (a, b) = (a.get().elements, b.get().elements);
                if a.len() != b.len() {
                    return false;
                }
                pairs.extend(a.into_iter().zip(b));
            }
            (Value::String(a), Value::String(b)) => {
                if a.get().characters != b.get().characters {
                    return false;
                }
            }
            (Value::Bytes(a), Value::Bytes(b)) => {
                if a.get().bytes != b.get().bytes {
                    return false;
                }
            }
            (a, b) if a.is_eq(b) => {}
            _ => return false,
        }
    }
    true
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z!$%&*/:<=>?^_~+.@0-9-]{0,6}",
        any::<String>(),
        proptest::collection::vec(any::<char>(), 0..4).prop_map(|c| c.into_iter().collect()),
        "[\\x00-\\x7f]{0,4}",
    ]
}

fn any_atom() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<char>().prop_map(Value::from),
        (0..0x100_u32).prop_map(|c| Value::from(char::from_u32(c).unwrap())),
        any::<i64>().prop_map(Value::integer),
        any::<f64>().prop_map(|x| Number::Flonum(x).into()),
        any_name().prop_map(|name| Value::symbol(&name)),
        any_name().prop_map(|text| Value::string(&text)),
        proptest::collection::vec(any::<u8>(), 0..4).prop_map(Value::bytes),
    ]
}

fn any_tree() -> impl Strategy<Value = Value> {
    any_atom().prop_recursive(6, 60, 5, |part| {
        prop_oneof![
            (part.clone(), part.clone()).prop_map(|(car, cdr)| Value::cons(car, cdr)),
            proptest::collection::vec(part.clone(), 0..5).prop_map(Value::list),
            proptest::collection::vec(part, 0..5).prop_map(Value::vector),
        ]
    })
}

/// Nodes whose parts are any others, or atoms.
fn any_graph() -> impl Strategy<Value = Value> {
    let part = prop_oneof![any_atom().prop_map(Err), (0..12_usize).prop_map(Ok)];
    let node = (any::<bool>(), proptest::collection::vec(part, 2..4));
    proptest::collection::vec(node, 1..12).prop_map(|nodes| {
        let made: Vec<_> = nodes
            .iter()
            .map(|(is_pair, _)| match is_pair {
                true => Value::cons(Value::Null, Value::Null),
                false => Value::vector(vec![]),
            })
            .collect();
        for (node, (_, parts)) in made.iter().zip(nodes) {
            let mut parts = parts.into_iter().map(|part| match part {
                Ok(index) => made[index % made.len()].clone(),
                Err(atom) => atom,
            });
            match node {
                Value::Pair(pair) => {
                    let (car, cdr) = (parts.next().unwrap(), parts.next().unwrap());
                    pair.set(Pair { car, cdr });
                }
                Value::Vector(vector) => vector.update(|vector| vector.elements.extend(parts)),
                _ => unreachable!(),
            }
        }
        made[0].clone()
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(value in any_tree()) {
        for style in [Style::Write, Style::Shared, Style::Simple] {
            let text = written(&value, style);
            prop_assert!(same(&value, &read(&text), false), "{}", text);
        }
        prop_assert!(!written(&value, Style::Write).contains("#0="));
    }

    #[test]
    fn labels_keep_what_is_shared(value in any_graph()) {
        let text = written(&value, Style::Shared);
        let again = read(&text);
        prop_assert!(same(&value, &again, true), "{}", text);
        prop_assert_eq!(written(&again, Style::Shared), text);
    }

    /// Without cycles it can be long, so that it is limited.
    #[test]
    fn labels_keep_what_has_no_end(value in any_graph()) {
        if let Ok(text) = to_text(&value, Style::Write, 100_000) {
            prop_assert!(same(&value, &read(&text), false), "{}", text);
        }
    }
}

#[test]
fn write_labels_cycles_only() {
    let shared = read("(#0=(a) #0# #1=#(b #1# #0#) . #0#)");
    assert_eq!(
        written(&shared, Style::Write),
        "((a) (a) #0=#(b #0# (a)) a)"
    );
    assert_eq!(
        written(&shared, Style::Shared),
        "(#0=(a) #0# #1=#(b #1# #0#) . #0#)"
    );
    assert_eq!(
        written(&shared, Style::Display),
        "((a) (a) #0=#(b #0# (a)) a)"
    );
    let tail = read("(a b . #0=(c d . #0#))");
    assert_eq!(written(&tail, Style::Write), "(a b . #0=(c d . #0#))");
}

#[test]
fn display_is_for_people() {
    let value = read("(\"a\\n\" #\\b |c d| #(\"e\"))");
    assert_eq!(written(&value, Style::Display), "(a\n b c d #(e))");
}

#[test]
fn values_without_a_syntax() {
    let of = Constant::new(RecordType {
        name: Symbol::new("<point>"),
        fields: vec![Symbol::new("x"), Symbol::new("y")],
    });
    let record = Shared::new(Record {
        of: of.clone(),
        fields: vec![Value::integer(1), Value::string("a")],
    });
    let point = Value::Record(record.clone());
    assert_eq!(written(&point, Style::Write), "#<point x: 1 y: \"a\">");
    assert_eq!(written(&point, Style::Display), "#<point x: 1 y: a>");
    record.update(|record| record.fields[0] = point.clone());
    assert_eq!(written(&point, Style::Write), "#0=#<point x: #0# y: \"a\">");
    record.update(|record| record.fields.clear());
    assert_eq!(written(&point, Style::Write), "#<point>");
    assert_eq!(
        written(&Value::RecordType(of), Style::Write),
        "#<record-type <point>>"
    );
    let condition = Value::Condition(Constant::new(Condition {
        kind: ConditionKind::User,
        message: Value::string("no"),
        irritants: vec![read("#0=(#0#)"), Value::integer(1)],
        place: None,
    }));
    assert_eq!(
        written(&condition, Style::Write),
        "#<condition \"no\" #0=(#0#) 1>"
    );
    assert_eq!(
        written(&Value::list([Value::Eof]), Style::Write),
        "(#<eof>)"
    );
}

#[test]
fn what_is_long_or_deep() {
    const LENGTH: usize = 1_000_000;
    let long = Value::list((0..LENGTH).map(|_| Value::Null));
    let wide = Value::vector(vec![Value::Null; LENGTH]);
    let mut deep = Value::Null;
    for _ in 0..LENGTH {
        deep = Value::vector(vec![Value::list([deep])]);
    }
    for value in [long, wide, deep] {
        for style in [Style::Write, Style::Shared, Style::Simple, Style::Display] {
            assert!(written(&value, style).len() >= 3 * LENGTH);
        }
    }
}

#[test]
fn what_has_no_end_meets_the_limit() {
    let mut tree = Value::Null;
    for _ in 0..100 {
        tree = Value::cons(tree.clone(), tree);
    }
    let limited = |value: &Value, style| {
        let fault = to_text(value, style, 1_000_000).unwrap_err();
        assert_eq!(fault.kind, ConditionKind::Limit);
    };
    limited(&tree, Style::Write);
    limited(&tree, Style::Simple);
    assert!(written(&tree, Style::Shared).len() < 2_000);
    for endless in [
        "#0=(a . #0#)",
        "#0=(#0# . a)",
        "#0=#(#0#)",
        "#0=(#0# . #0#)",
    ] {
        limited(&read(endless), Style::Simple);
    }
    limited(&Value::string(&"a".repeat(1_000_001)), Style::Display);
    limited(&Value::list(vec![Value::Null; 300_000]), Style::Shared);
}
