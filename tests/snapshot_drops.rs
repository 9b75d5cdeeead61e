//! How objects are dropped that lead to one another.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use segno::snapshot::{Constant, Object, Shared};
use serde::{Deserialize, Serialize};

thread_local!(static LIVE: Cell<usize> = const { Cell::new(0) });

/// Counts how many of it there are, and panics where it is told to.
#[derive(Serialize, Deserialize)]
struct Live {
    panics: bool,
}

impl Live {
    fn new(panics: bool) -> Self {
        LIVE.set(LIVE.get() + 1);
        Self { panics }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        LIVE.set(LIVE.get() - 1);
        if self.panics {
            panic!("told to");
        }
    }
}

#[derive(Serialize, Deserialize)]
enum Next {
    End,
    Constant(Constant<Node>),
    Shared(Shared<Node>),
}

#[derive(Serialize, Deserialize)]
struct Node {
    live: Live,
    next: [Next; 2],
}

impl Object for Node {
    const NAME: &'static str = "node";
}

/// So many nodes, each of which leads to the next one; one of them panics.
fn chain(len: usize, panics: Option<usize>) -> Next {
    (0..len).rev().fold(Next::End, |next, at| {
        let node = Node {
            live: Live::new(panics == Some(at)),
            next: [next, Next::End],
        };
        match at % 2 {
            0 => Next::Constant(Constant::new(node)),
            _ => Next::Shared(Shared::new(node)),
        }
    })
}

/// A tree with so many levels below it.
fn tree(levels: usize) -> Next {
    if levels == 0 {
        return Next::End;
    }
    Next::Constant(Constant::new(Node {
        live: Live::new(false),
        next: [tree(levels - 1), tree(levels - 1)],
    }))
}

#[test]
fn however_deep() {
    drop(chain(1_000_000, None));
    assert_eq!(LIVE.get(), 0);
    drop(tree(15));
    assert_eq!(LIVE.get(), 0);
}

/// What lay too deep is dropped at once, not with whatever comes next.
#[test]
fn a_panic_leaves_nothing_behind() {
    for at in [0, 1, 15, 16, 17, 40, 999] {
        let next = chain(1_000, Some(at));
        assert!(catch_unwind(AssertUnwindSafe(|| drop(next))).is_err());
        assert_eq!(LIVE.get(), 0, "the panic is in node {at}");
        drop(chain(1_000, None));
        assert_eq!(LIVE.get(), 0, "after a panic in node {at}");
    }
}

/// What an object holds may be the last to hold others, when a panic drops them.
#[test]
fn a_panic_in_between() {
    let next = chain(100_000, None);
    let _ = catch_unwind(AssertUnwindSafe(move || {
        let _next = next;
        panic!("here");
    }));
    assert_eq!(LIVE.get(), 0);
}
