//! What copy-stack mode costs, in each way to hold frames; and a plain evaluator beside it.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};

mod copies;
mod sampled;
mod workload;

use copies::depth::{self, Way};
use copies::lambda;
use sampled::{configured, group, row};

const WAYS: [(&str, Way); 4] = [
    ("described", Way::Described),
    ("kept", Way::Kept),
    ("registered", Way::Registered),
    ("duplicate", Way::Duplicated),
];

fn evaluators(c: &mut Criterion) {
    let mut group = group(c, "a Fibonacci number");
    let rows = [
        ("plain", lambda::by_plain as fn(_) -> _),
        ("kept", lambda::by_keeping),
        ("registered", lambda::by_registering),
    ];
    for (name, evaluate) in rows {
        let term = lambda::program(15);
        row(&mut group, name, |n| {
            let start = Instant::now();
            for _ in 0..n {
                black_box(evaluate(black_box(term)));
            }
            start.elapsed()
        });
    }
    group.finish();
}

fn depths(c: &mut Criterion) {
    for (question, run) in [
        ("asking again", depth::ask_again as fn(_, _, _) -> _),
        ("resuming what was captured", depth::resume_captured),
        ("the same, to its end", depth::return_captured),
        ("going down and asking", depth::go_down),
    ] {
        let mut group = group(c, question);
        for (name, way) in WAYS.into_iter().filter(|(_, way)| way.is_there()) {
            for depth in [10, 1_000] {
                let name = format!("{name}, {depth} frames deep");
                row(&mut group, &name, |n| run(way, depth, n));
            }
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = configured();
    targets = evaluators, depths
}
criterion_main!(benches);
