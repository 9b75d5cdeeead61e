//! The price of copy-stack mode: of the protocol in a program that never captures, and of
//! captures against the depth of the stack, in each way to hold frames.
//!
//! ```text
//! copy_cost [--samples N]
//! ```
//!
//! The tables show medians, in nanoseconds, and below them stands each number in a line that a
//! program can read. The measured programs are in `benches/copies`. For numbers that mean something: a release build, on
//! one core of a quiet machine.
//!
//! ```text
//! taskset -c 0 cargo run --release --example copy_cost
//! ```

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

#[path = "../benches/copies/mod.rs"]
mod copies;
#[path = "../benches/medians/mod.rs"]
mod medians;

use copies::depth::{self, Way};
use copies::lambda::{self, Term};
use medians::{Options, median, operations_in, per_operation, warn_of_debug};

const SAMPLE: Duration = Duration::from_millis(5);
const DEPTHS: [u64; 4] = [10, 100, 1_000, 10_000];
const WAYS: [(&str, Way); 4] = [
    ("described", Way::Described),
    ("rebuild, kept", Way::Kept),
    ("rebuild, registered", Way::Registered),
    ("duplicate", Way::Duplicated),
];

/// The protocol, in each of its forms, over the plain evaluator. Answers the lines for programs.
fn protocol(samples: usize) -> Vec<String> {
    let evaluate = |evaluate: fn(&'static Term) -> i64| {
        move |n| {
            let term = lambda::program(15);
            let start = Instant::now();
            for _ in 0..n {
                assert_eq!(evaluate(black_box(term)), 610);
            }
            start.elapsed()
        }
    };
    let rows = [
        ("plain", evaluate(lambda::by_plain)),
        ("kept", evaluate(lambda::by_keeping)),
        ("registered", evaluate(lambda::by_registering)),
    ];
    let operations = rows.each_ref().map(|(_, run)| operations_in(run, SAMPLE));
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..samples {
        for ((times, (_, run)), n) in times.iter_mut().zip(&rows).zip(operations) {
            times.push(per_operation(run(n), n));
        }
    }
    let times = times.map(median);
    println!("A recursive evaluator that never captures: the 15th Fibonacci number");
    for ((name, _), time) in rows.iter().zip(times) {
        println!("  {name:24} {time:9.0}");
    }
    vec![
        format!("ratio protocol_kept {:.4}", times[1] / times[0]),
        format!("ratio protocol_registered {:.4}", times[2] / times[0]),
    ]
}

/// An operation in each way, against the depth.
fn against_depth(
    what: &str,
    name: &str,
    samples: usize,
    run: fn(Way, u64, u64) -> Duration,
    per_frame: bool,
) -> Vec<String> {
    println!("\n{what}");
    let mut lines = Vec::new();
    for (text, way) in WAYS.into_iter().filter(|(_, way)| way.is_there()) {
        let times = DEPTHS.map(|depth| {
            let run = |n| run(way, depth, n);
            let n = operations_in(run, SAMPLE);
            let times = (0..samples).map(|_| per_operation(run(n), n));
            let time = median(times.collect());
            if per_frame { time / depth as f64 } else { time }
        });
        let way = text.replace(", ", "_");
        for (depth, time) in DEPTHS.iter().zip(times) {
            lines.push(format!("ns {name}_{way}_{depth} {time:.1}"));
        }
        let times = times.map(|time| format!("{time:10.1}")).join(" ");
        println!("  {text:20} {times}");
    }
    lines
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(15)?;
    warn_of_debug();
    let mut lines = protocol(options.samples);
    let heading = DEPTHS.map(|depth| format!("{depth:10}")).join(" ");
    println!("\n  at depth             {heading}");
    let samples = options.samples.div_ceil(3);
    lines.extend(against_depth(
        "Going down and asking the owner, a frame",
        "down",
        samples,
        depth::go_down,
        true,
    ));
    lines.extend(against_depth(
        "Asking again, never captured",
        "ask",
        samples,
        depth::ask_again,
        false,
    ));
    lines.extend(against_depth(
        "Resuming what was captured, up to where it asks again",
        "resume",
        samples,
        depth::resume_captured,
        false,
    ));
    lines.extend(against_depth(
        "Resuming what was captured, to its end, a frame",
        "return",
        samples,
        depth::return_captured,
        true,
    ));
    println!();
    for line in lines {
        println!("{line}");
    }
    Ok(())
}

#[test]
fn every_way_comes_to_the_same() {
    let term = lambda::program(10);
    assert_eq!(lambda::by_plain(term), 55);
    assert_eq!(lambda::by_keeping(term), 55);
    assert_eq!(lambda::by_registering(term), 55);
    for (_, way) in WAYS.into_iter().filter(|(_, way)| way.is_there()) {
        for run in [
            depth::go_down,
            depth::ask_again,
            depth::resume_captured,
            depth::return_captured,
        ] {
            run(way, 50, 3);
        }
    }
}
