//! What does it cost to resume a coroutine that suspends again?
//!
//! What is measured, and how, is told in `workload`; results are in `README.md`.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use criterion::{Criterion, criterion_group, criterion_main};

mod sampled;
mod workload;

use sampled::{configured, group, row};
use workload::{corosensei, segno};

fn round_trip(c: &mut Criterion) {
    let mut unit = group(c, "round trip, ()");
    row(&mut unit, "segno", |n| segno::round_trip((), n));
    row(&mut unit, "corosensei", |n| corosensei::round_trip((), n));
    unit.finish();

    let mut word = group(c, "round trip, usize");
    row(&mut word, "segno", |n| segno::round_trip(1usize, n));
    row(&mut word, "corosensei", |n| {
        corosensei::round_trip(1usize, n)
    });
    word.finish();

    let mut pair = group(c, "round trip, 16 bytes");
    row(&mut pair, "segno", |n| segno::round_trip((1u64, 2u64), n));
    row(&mut pair, "corosensei", |n| {
        corosensei::round_trip((1u64, 2u64), n)
    });
    pair.finish();

    let mut large = group(c, "round trip, 64 bytes");
    row(&mut large, "segno", |n| segno::round_trip([1u64; 8], n));
    row(&mut large, "corosensei", |n| {
        corosensei::round_trip([1u64; 8], n)
    });
    large.finish();
}

criterion_group! {
    name = benches;
    config = configured();
    targets = round_trip
}
criterion_main!(benches);
