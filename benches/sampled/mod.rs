//! The measured programs under criterion.

use std::cell::Cell;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};

use crate::workload::{PLACES, at_place};

/// Samples are few and short, since there are many rows: two for each place on the stack.
pub(crate) fn configured() -> Criterion {
    Criterion::default()
        .sample_size(2 * PLACES)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
}

/// A group of rows that answer one question.
pub(crate) fn group<'a>(c: &'a mut Criterion, question: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(question);
    group.throughput(Throughput::Elements(1));
    group
}

/// Adds a row. Each sample is taken at another place on the stack.
pub(crate) fn row(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    run: impl Fn(u64) -> Duration,
) {
    let place = Cell::new(0);
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|n| at_place(place.replace(place.get() + 1), || run(n)));
    });
}
