//! What does an item cost, in a `for` loop?
//!
//! What is measured, and how, is told in `workload`; results are in `README.md`.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use std::time::Duration;

use ::generator::{Gn, done};

mod sampled;
mod workload;

use sampled::{configured, group, row};
use workload::{corosensei, drain, generator as ours, warm_up};

/// `n` items by generator-rs.
fn generator_rs(n: u64) -> Duration {
    let items = Gn::new_scoped(move |mut scope| {
        for i in 0..warm_up(n) + n {
            scope.yield_(i);
        }
        done!()
    });
    drain(warm_up(n), items)
}

/// `n` items by an iterator as one writes it by hand, with its place in a loop in a field.
fn by_hand(n: u64) -> Duration {
    struct Counter {
        next: u64,
        end: u64,
    }
    impl Iterator for Counter {
        type Item = u64;

        fn next(&mut self) -> Option<u64> {
            let item = self.next;
            (item < self.end).then(|| {
                self.next += 1;
                item
            })
        }
    }
    let (next, end) = (0, warm_up(n) + n);
    drain(warm_up(n), Counter { next, end })
}

fn generator(c: &mut Criterion) {
    let mut items = group(c, "item in a for loop");
    row(&mut items, "segno", ours::items);
    row(&mut items, "segno, buffered(64)", |n| ours::buffered(64, n));
    row(&mut items, "segno, buffered(1024)", |n| {
        ours::buffered(1024, n)
    });
    row(&mut items, "segno, for_each", ours::for_each);
    row(
        &mut items,
        "corosensei, coroutine in a loop",
        corosensei::items,
    );
    row(&mut items, "generator-rs", generator_rs);
    row(&mut items, "iterator by hand", by_hand);
    items.finish();
}

criterion_group! {
    name = benches;
    config = configured();
    targets = generator
}
criterion_main!(benches);
