//! What does a round trip cost when many coroutines take turns?
//!
//! What is measured, and how, is told in `workload`; results are in `README.md`.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use std::cell::RefCell;

use ::segno::stack::Pool;

mod sampled;
mod workload;

use sampled::{configured, group, row};
use workload::{corosensei, segno};

/// Coroutines on stacks from a pool of their own.
fn pooled(count: usize, coloured: bool) -> segno::Turns {
    let pool = Pool::builder().colour(coloured).build();
    segno::Turns::on((0..count).map(|_| pool.take().expect("there is room for these stacks")))
}

fn many(c: &mut Criterion) {
    for count in [100, 10_000] {
        let mut rows = group(c, &format!("round trip, {count} coroutines in turn"));
        let turns = RefCell::new(pooled(count, true));
        row(&mut rows, "segno", |n| turns.borrow_mut().take(n));
        let turns = RefCell::new(pooled(count, false));
        row(&mut rows, "segno, not coloured", |n| {
            turns.borrow_mut().take(n)
        });
        let turns = RefCell::new(corosensei::Turns::on(
            (0..count).map(|_| Default::default()),
        ));
        row(&mut rows, "corosensei", |n| turns.borrow_mut().take(n));
        rows.finish();
    }
}

criterion_group! {
    name = benches;
    config = configured();
    targets = many
}
criterion_main!(benches);
