//! What does a continuation cost, against the depth of the stack?
//!
//! What is measured, and how, is told in `captures`; results are in `README.md`.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use criterion::{Criterion, criterion_group, criterion_main};

mod captures;
mod sampled;
mod workload;

use captures::shapes::{self, Shape};
use captures::uses::{self, Use};
use captures::{Task, copying};
use sampled::{configured, group, row};

fn against_depth(c: &mut Criterion) {
    for depth in [10, 1_000, 100_000, 1_000_000] {
        let mut captures = group(c, &format!("capture at depth {depth}"));
        row(&mut captures, "segno, for the first time", |n| {
            shapes::first_capture(depth, n)
        });
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

/// Prompts that are crossed, and segments that are not looked at.
fn against_shape(c: &mut Criterion) {
    let at_depth = |depth| Shape {
        depth,
        prompts: 0,
        segments: 0,
    };
    for prompts in [1, 10, 100, 1_000] {
        let shape = Shape {
            prompts,
            ..at_depth(1_000)
        };
        shaped(c, &format!("{prompts} prompts in 1000 frames"), shape);
    }
    for segments in [1, 10, 100, 1_000, 10_000] {
        let shape = Shape {
            segments,
            ..at_depth(10_000)
        };
        shaped(c, &format!("{segments} segments in 10000 frames"), shape);
    }
}

fn shaped(c: &mut Criterion, name: &str, shape: Shape) {
    let mut shaped = group(c, name);
    row(&mut shaped, "capture", |n| shapes::capture(shape, n));
    row(&mut shaped, "resume and escape", |n| {
        shapes::resume_and_escape(shape, n)
    });
    shaped.finish();
}

/// A continuation that is used once, and one that could be used again.
fn against_use(c: &mut Criterion) {
    for depth in [0, 10, 1_000] {
        let name = format!("item of a generator by capture, under {depth} frames");
        let mut items = group(c, &name);
        row(&mut items, "segno, used once", |n| {
            uses::items(depth, Use::Once, n)
        });
        row(&mut items, "segno, kept", |n| {
            uses::items(depth, Use::Kept, n)
        });
        row(&mut items, "copying", |n| uses::copying::items(depth, n));
        items.finish();
    }
    let mut queens = group(c, "eight queens in all ways");
    row(&mut queens, "segno", uses::queens);
    row(&mut queens, "copying", uses::copying::queens);
    queens.finish();
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
    targets = against_depth, against_shape, against_use, frames
}
criterion_main!(benches);
