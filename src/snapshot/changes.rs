//! Which shared values have changed, for those who have stored them.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::{Rc, Weak};
use std::thread_local;
use std::vec::Vec;

/// What has changed from one moment to the next, and what after that. Who stores values begins
/// a new list, and keeps it as long as somebody may ask.
///
/// ```text
///  base ──▶ Changes ──next──▶ Changes ──next──▶ Changes ◀── the thread
///                                ▲
///                       a later base
/// ```
pub(super) struct Changes {
    /// The addresses of values, each once.
    changed: RefCell<Vec<usize>>,
    next: OnceCell<Rc<Self>>,
}

/// When a value was last entered in a list of changes.
#[derive(Default)]
pub(super) struct Stamp(Cell<u64>);

/// That of a value that nobody has stored.
const NEVER_STORED: u64 = 0;

struct Now {
    /// Raised with each new list, so that a value knows whether it is in it.
    time: u64,
    list: Weak<Changes>,
}

thread_local! {
    static NOW: RefCell<Now> = const {
        RefCell::new(Now {
            time: NEVER_STORED + 1,
            list: Weak::new(),
        })
    };
}

impl Changes {
    /// Begins a list; or goes on with one in which there is nothing yet.
    pub(super) fn begin() -> Rc<Self> {
        NOW.with_borrow_mut(|now| {
            let before = now.list.upgrade();
            if let Some(empty) = before.as_ref().filter(|it| it.changed.borrow().is_empty()) {
                return empty.clone();
            }
            let begun = Rc::new(Self {
                changed: RefCell::default(),
                next: OnceCell::new(),
            });
            now.time += 1;
            now.list = Rc::downgrade(&begun);
            if let Some(before) = before {
                // Where there is a next one, it is not the thread's.
                let _ = before.next.set(begun.clone());
            }
            begun
        })
    }

    /// The addresses of what has changed since this list was begun, in order.
    pub(super) fn since(self: &Rc<Self>) -> Vec<usize> {
        let mut all = Vec::new();
        let mut next = Some(self);
        while let Some(list) = next {
            all.extend_from_slice(&list.changed.borrow());
            next = list.next.get();
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        // By a loop: there may be many.
        let mut next = self.next.take();
        while let Some(mut list) = next.and_then(Rc::into_inner) {
            next = list.next.take();
        }
    }
}

impl Stamp {
    /// From now on, a change is entered.
    pub(super) fn store(&self) {
        if self.0.get() == NEVER_STORED {
            self.0.set(NEVER_STORED + 1);
        }
    }

    /// Enters a change of the value at this address.
    #[inline]
    pub(super) fn change(&self, address: usize) {
        if self.0.get() != NEVER_STORED {
            self.enter(address);
        }
    }

    #[cold]
    fn enter(&self, address: usize) {
        // At the end of a thread there may be nobody to ask any more.
        let _ = NOW.try_with(|now| {
            let now = now.borrow();
            if self.0.replace(now.time) != now.time
                && let Some(list) = now.list.upgrade()
            {
                list.changed.borrow_mut().push(address);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_changed_since() {
        let stamps: Vec<_> = (0..3).map(|_| Stamp::default()).collect();
        let first = Changes::begin();
        stamps[0].change(0);
        stamps.iter().for_each(Stamp::store);
        for _ in 0..2 {
            stamps[1].change(1);
        }
        let second = Changes::begin();
        stamps[1].change(1);
        stamps[2].change(2);
        assert_eq!(first.since(), [1, 2]);
        assert_eq!(second.since(), [1, 2]);
        let third = Changes::begin();
        assert!(third.since().is_empty());
        drop(first);
        stamps[0].change(0);
        assert_eq!(second.since(), [0, 1, 2]);
        assert_eq!(third.since(), [0]);
        // Nobody asks, and nobody is told.
        drop((second, third));
        stamps[0].change(0);
        assert!(Changes::begin().since().is_empty());
    }

    #[test]
    fn many_lists() {
        let first = Changes::begin();
        let stamp = Stamp::default();
        stamp.store();
        for _ in 0..1_000_000 {
            stamp.change(0);
            assert!(Changes::begin().since().is_empty());
        }
        // It leads to all of them.
        drop(first);
    }
}
