//! What does a continuation cost, against the depth of the stack?
//!
//! What is measured, and how, is told in `captures`; results are in `README.md`.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use criterion::{Criterion, criterion_group, criterion_main};

mod captures;
mod sampled;
mod workload;

use captures::{Task, copying};
use sampled::{configured, group, row};

fn against_depth(c: &mut Criterion) {
    for depth in [10, 1_000, 100_000] {
        let mut captures = group(c, &format!("capture at depth {depth}"));
        row(&mut captures, "segno", |n| captures::capture(depth, n));
        row(&mut captures, "copying", |n| copying::capture(depth, n));
        captures.finish();
        let mut resumptions = group(c, &format!("resume and escape at depth {depth}"));
        row(&mut resumptions, "segno", |n| {
            captures::resume_and_escape(depth, n)
        });
        row(&mut resumptions, "copying", |n| {
            copying::resume_and_escape(depth, n)
        });
        resumptions.finish();
    }
}

fn frames(c: &mut Criterion) {
    let mut through = group(c, "a frame that is left");
    let tasks = [
        ("by a return", Task::Return),
        (
            "by the first return after a capture",
            Task::CaptureAndReturn,
        ),
        ("by a raise", Task::Raise),
        ("by an abort", Task::Abort),
    ];
    for (name, task) in tasks {
        row(&mut through, name, |n| captures::through(n, task));
    }
    through.finish();
    let mut calls = group(c, "a call and its return");
    row(&mut calls, "segno", |n| {
        captures::calls(1000, n.div_ceil(1000))
    });
    row(&mut calls, "bare Vec", |n| {
        copying::calls(1000, n.div_ceil(1000))
    });
    calls.finish();
    let mut items = group(c, "item of a generator by capture");
    row(&mut items, "segno", captures::items);
    items.finish();
}

criterion_group! {
    name = benches;
    config = configured();
    targets = against_depth, frames
}
criterion_main!(benches);
