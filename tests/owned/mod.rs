//! Something that is owned, by exactly one.

#![allow(dead_code, reason = "not every test uses all of it")]

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::thread;

thread_local! {
    static LIVE: RefCell<HashSet<u64>> = RefCell::new(HashSet::new());
    static NEXT: Cell<u64> = const { Cell::new(0) };
    /// How many clones, and how many drops, go well before one panics.
    pub(crate) static CLONES: Cell<u64> = const { Cell::new(u64::MAX) };
    pub(crate) static DROPS: Cell<u64> = const { Cell::new(u64::MAX) };
}

/// Has a name of its own on the heap, and is dropped once.
#[derive(Debug)]
pub(crate) struct Owned(Box<u64>);

impl Owned {
    pub(crate) fn new() -> Self {
        let name = NEXT.replace(NEXT.get() + 1);
        assert!(LIVE.with_borrow_mut(|live| live.insert(name)));
        Self(Box::new(name))
    }
}

impl Clone for Owned {
    fn clone(&self) -> Self {
        let is_live = LIVE.with_borrow(|live| live.contains(&self.0));
        assert!(is_live, "what is cloned was dropped");
        burns_down(&CLONES);
        Self::new()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let was_live = LIVE.with_borrow_mut(|live| live.remove(&self.0));
        if !thread::panicking() {
            assert!(was_live, "what is dropped was dropped before");
            burns_down(&DROPS);
        }
    }
}

/// One less; and a panic, once, when none is left.
fn burns_down(left: &'static thread::LocalKey<Cell<u64>>) {
    match left.get() {
        u64::MAX => {}
        0 => {
            left.set(u64::MAX);
            std::panic::resume_unwind(Box::new("on purpose"));
        }
        n => left.set(n - 1),
    }
}

/// Everything was dropped.
#[track_caller]
pub(crate) fn none_left() {
    assert_eq!(LIVE.take(), HashSet::new(), "they are left over");
}

/// How many there are.
pub(crate) fn left() -> usize {
    LIVE.with_borrow(HashSet::len)
}
