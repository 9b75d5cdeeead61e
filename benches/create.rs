//! What does it cost to create a coroutine, run it to its end, and drop it?
//!
//! What is measured, and how, is told in `workload`; results are in `README.md`.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use criterion::{Criterion, criterion_group, criterion_main};

mod sampled;
mod workload;

use sampled::{configured, group, row};
use workload::{corosensei, segno};

fn create(c: &mut Criterion) {
    let mut default = group(c, "create + run + drop, default constructor");
    row(&mut default, "segno", segno::create);
    row(&mut default, "corosensei", corosensei::create);
    default.finish();

    let mut at_hand = group(c, "create + run + drop, stack at hand");
    row(&mut at_hand, "segno", segno::create_with_stack);
    row(&mut at_hand, "corosensei", corosensei::create_with_stack);
    at_hand.finish();
}

criterion_group! {
    name = benches;
    config = configured();
    targets = create
}
criterion_main!(benches);
