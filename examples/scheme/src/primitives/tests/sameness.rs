//! `equal?`, on trees and on what is none.

use std::collections::HashSet;
use std::ptr;

use proptest::prelude::*;
use segno::snapshot::Object;
use segno::snapshot::Shared;

use super::super::is_equal;
use crate::value::{Pair, Value, Vector};

/// What a node of a graph is, with the indexes of nodes it leads to.
#[derive(Clone, Debug)]
enum Node {
    Leaf(u8),
    Pair(usize, usize),
    Vector(Vec<usize>),
}

fn graphs() -> impl Strategy<Value = Vec<Node>> {
    let to = 0..24_usize;
    let node = prop_oneof![
        1 => (0..2_u8).prop_map(Node::Leaf),
        4 => (to.clone(), to.clone()).prop_map(|(a, b)| Node::Pair(a, b)),
        2 => prop::collection::vec(to, 0..3).prop_map(Node::Vector),
    ];
    prop::collection::vec(node, 1..24)
}

/// The nodes of a graph as values.
fn build(graph: &[Node]) -> Vec<Value> {
    let values: Vec<Value> = graph
        .iter()
        .map(|node| match node {
            Node::Leaf(leaf) => Value::integer((*leaf).into()),
            Node::Pair(..) => Value::cons(Value::Null, Value::Null),
            Node::Vector(_) => Value::vector(Vec::new()),
        })
        .collect();
    let at = |index: &usize| values[index % values.len()].clone();
    for (node, value) in graph.iter().zip(&values) {
        match (node, value) {
            (Node::Pair(car, cdr), Value::Pair(pair)) => pair.set(Pair {
                car: at(car),
                cdr: at(cdr),
            }),
            (Node::Vector(elements), Value::Vector(vector)) => {
                vector.update(|vector| vector.elements = elements.iter().map(at).collect());
            }
            _ => {}
        }
    }
    values
}

/// Takes a graph apart, so that its cycles are freed.
fn clear(values: &[Value]) {
    for value in values {
        match value {
            Value::Pair(pair) => pair.set(Pair {
                car: Value::Null,
                cdr: Value::Null,
            }),
            Value::Vector(vector) => vector.set(Vector {
                elements: Vec::new(),
                literal: false,
            }),
            _ => {}
        }
    }
}

fn address<T: Object>(shared: &Shared<T>) -> usize {
    shared.with(|value| ptr::from_ref(value).addr())
}

/// The same by the book: two are equal unless a path leads to a difference. Paths that go on
/// where one was before need not be followed.
fn is_bisimilar(a: &Value, b: &Value, seen: &mut HashSet<(usize, usize)>) -> bool {
    match (a, b) {
        (Value::Pair(x), Value::Pair(y)) => {
            if !seen.insert((address(x), address(y))) {
                return true;
            }
            let ((a, b), (c, d)) = (a.as_pair().unwrap(), b.as_pair().unwrap());
            is_bisimilar(&a, &c, seen) && is_bisimilar(&b, &d, seen)
        }
        (Value::Vector(x), Value::Vector(y)) => {
            if !seen.insert((address(x), address(y))) {
                return true;
            }
            let (x, y) = (x.get().elements, y.get().elements);
            x.len() == y.len() && x.iter().zip(&y).all(|(x, y)| is_bisimilar(x, y, seen))
        }
        _ => a.is_eq(b),
    }
}

proptest! {
    #[test]
    fn equal_is_bisimilarity(graph in graphs()) {
        let values = build(&graph);
        for a in &values {
            for b in &values {
                let same = is_bisimilar(a, b, &mut HashSet::new());
                prop_assert_eq!(is_equal(a, b), same);
            }
        }
        clear(&values);
    }

    /// Cycles of any two lengths that say the same again and again are equal; one that differs in
    /// the last place is not.
    #[test]
    fn cycles_of_any_length(a in 1..2000_i64, b in 1..2000_i64) {
        let cycle = |length: i64, last: i64| {
            let first = Value::cons(Value::integer(last), Value::Null);
            let list = (1..length).fold(first.clone(), |list, _| Value::cons(Value::integer(0), list));
            if let Value::Pair(pair) = first {
                pair.update(|pair| pair.cdr = list.clone());
            }
            list
        };
        let (x, y, z) = (cycle(a, 0), cycle(b, 0), cycle(b, 1));
        prop_assert!(is_equal(&x, &y));
        prop_assert!(!is_equal(&x, &z));
        for list in [x, y, z] {
            if let Value::Pair(pair) = list {
                pair.update(|pair| pair.cdr = Value::Null);
            }
        }
    }
}

/// As a tree it has 2⁶⁴ leaves.
#[test]
fn shared_halves() {
    let tower = || (0..64).fold(Value::integer(0), |half, _| Value::cons(half.clone(), half));
    assert!(is_equal(&tower(), &tower()));
    assert!(!is_equal(&tower(), &Value::cons(tower(), Value::Null)));
}

#[test]
fn deep_data() {
    let deep: [fn(Value) -> Value; 3] = [
        |inner| Value::cons(inner, Value::Null),
        |inner| Value::cons(Value::Null, inner),
        |inner| Value::vector(vec![inner]),
    ];
    for wrap in deep {
        let nest = |leaf| (0..200_000).fold(Value::integer(leaf), |inner, _| wrap(inner));
        assert!(is_equal(&nest(0), &nest(0)));
        assert!(!is_equal(&nest(0), &nest(1)));
    }
}
