//! Medians of samples, and what the examples that print them are told.
//!
//! `examples/yield_cost.rs`, `examples/capture_cost.rs`, `examples/snapshot_cost.rs`,
//! `examples/copy_cost.rs` and `examples/move_cost.rs` share this module.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) struct Options {
    pub(crate) samples: usize,
    pub(crate) svg: Option<PathBuf>,
}

impl Options {
    /// Of the command line; unless it says otherwise, with so many samples.
    pub(crate) fn parse(samples: usize) -> Result<Self, Box<dyn Error>> {
        let mut arguments = std::env::args().skip(1);
        let mut options = Self { samples, svg: None };
        while let Some(option) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{option} what?"));
            match &*option {
                "--samples" => options.samples = value()?.parse()?,
                "--svg" => options.svg = Some(value()?.into()),
                _ => return Err("the options are --samples N and --svg FILE".into()),
            }
        }
        if options.samples == 0 {
            return Err("at least one sample".into());
        }
        Ok(options)
    }
}

pub(crate) fn warn_of_debug() {
    if cfg!(debug_assertions) {
        println!("This is a debug build, whose numbers mean little: use --release.");
    }
}

/// In nanoseconds.
pub(crate) fn per_operation(taken: Duration, n: u64) -> f64 {
    taken.as_nanos() as f64 / n as f64
}

/// How many operations take about as long as a sample should.
pub(crate) fn operations_in(run: impl Fn(u64) -> Duration, sample: Duration) -> u64 {
    let mut n = 1;
    loop {
        let taken = run(n);
        if taken * 4 >= sample {
            return 1 + (sample.as_nanos() as f64 / per_operation(taken, n)) as u64;
        }
        n *= 2;
    }
}

pub(crate) fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    if times.len() % 2 == 1 {
        times[middle]
    } else {
        (times[middle - 1] + times[middle]) / 2.0
    }
}
