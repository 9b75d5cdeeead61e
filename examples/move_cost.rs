//! The price of a resume where stacks are moved, beside that of a coroutine with a stack of
//! its own, in a quarter of a minute.
//!
//! ```text
//! move_cost [--samples N]
//! ```
//!
//! A round trip is a resume and the suspend that answers it. A *hit* finds the bytes of the
//! coroutine in their place; a *miss* finds those of another one there: two coroutines of
//! one region take turns, so that each resume copies the stack of one away, and that of the
//! other back. The three kinds are measured by turns, at many places on the stack. Each size has a
//! body of its own: how the compiler aligns its loop may take a cycle.
//!
//! For numbers that mean something: a release build, on one core of a quiet machine.
//!
//! ```text
//! taskset -c 0 cargo run --release --example move_cost
//! ```

#![allow(
    unsafe_code,
    reason = "promises that the bodies give no address of their stack away"
)]

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use segno::copy::{CompactCoroutine, Region};
use segno::{Coroutine, Yielder};

#[allow(dead_code, reason = "shared with examples that draw")]
#[path = "../benches/medians/mod.rs"]
mod medians;
#[path = "../benches/workload/mod.rs"]
mod workload;

use medians::{Options, median, operations_in, per_operation, warn_of_debug};
use workload::{PLACES, at_place, warm_up};

/// How long a sample takes, about.
const SAMPLE: Duration = Duration::from_millis(1);

/// The bytes of stack that a body has, about.
const SIZES: &[usize] = &[256, 512, 1024, 4 << 10, 16 << 10, 64 << 10];

/// An echo with `SIZE` bytes of its own on the stack.
fn echo<const SIZE: usize>(yielder: &Yielder<usize, usize>, mut value: usize) {
    let mut room = [0u8; SIZE];
    black_box(&mut room);
    loop {
        value = yielder.suspend(value);
    }
}

/// What `$make` makes of the body with about so many bytes. (Some 200 are there in any case.)
macro_rules! of_size {
    ($size:expr, $make:expr; $($known:literal)*) => {
        match $size {
            $($known => $make(echo::<{ $known - 176 }>),)*
            other => unreachable!("no body of {other} bytes"),
        }
    };
    ($size:expr, $make:expr) => {
        of_size!($size, $make; 256 512 1024 4096 16384 65536)
    };
}

/// A compact coroutine with about so many bytes to move.
fn compact(region: &Region, size: usize) -> CompactCoroutine<usize, usize, ()> {
    // SAFETY: what the bodies have on their stack stays with them.
    let mut made = of_size!(size, |body| unsafe { CompactCoroutine::new(region, body) });
    made.resume(0);
    made
}

/// `n` round trips of a coroutine with a stack of its own.
fn own_stack(size: usize, n: u64) -> Duration {
    #[inline(never)]
    fn drive(c: &mut Coroutine<usize, usize, ()>, n: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..n {
            black_box(c.resume(black_box(1)));
        }
        start.elapsed()
    }
    let mut c = of_size!(size, Coroutine::new);
    drive(&mut c, warm_up(n));
    drive(&mut c, n)
}

/// `n` round trips of one compact coroutine.
fn hit(size: usize, n: u64) -> Duration {
    #[inline(never)]
    fn drive(c: &mut CompactCoroutine<usize, usize, ()>, n: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..n {
            black_box(c.resume(black_box(1)));
        }
        start.elapsed()
    }
    let region = Region::new(256 << 10).expect("there is room for a stack");
    let mut c = compact(&region, size);
    drive(&mut c, warm_up(n));
    drive(&mut c, n)
}

/// `n` round trips, of two compact coroutines by turns.
fn miss(size: usize, n: u64) -> Duration {
    #[inline(never)]
    fn drive(both: &mut [CompactCoroutine<usize, usize, ()>; 2], n: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..n.div_ceil(2) {
            black_box(both[0].resume(black_box(1)));
            black_box(both[1].resume(black_box(1)));
        }
        start.elapsed()
    }
    let region = Region::new(256 << 10).expect("there is room for a stack");
    let mut both = [compact(&region, size), compact(&region, size)];
    drive(&mut both, warm_up(n));
    drive(&mut both, n)
}

fn run(options: &Options, sample: Duration) -> Result<(), Box<dyn Error>> {
    println!(
        "A round trip is a resume and a suspend. Nanoseconds, medians of {}.",
        options.samples
    );
    warn_of_debug();
    println!();
    println!(
        "{:>12} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "bytes moved", "own stack", "hit", "ratio", "miss", "ratio"
    );
    let (mut lines, mut hits) = (Vec::new(), Vec::new());
    for &size in SIZES {
        let region = Region::new(256 << 10)?;
        let bytes = compact(&region, size).image_size();
        let runs: [&dyn Fn(u64) -> Duration; 3] =
            [&|n| own_stack(size, n), &|n| hit(size, n), &|n| {
                miss(size, n)
            }];
        let counts = runs.map(|run| operations_in(run, sample));
        let mut times = [const { Vec::new() }; 3];
        for i in 0..options.samples {
            for which in [i % 3, (i + 1) % 3, (i + 2) % 3] {
                let taken = at_place(i, || runs[which](counts[which]));
                times[which].push(per_operation(taken, counts[which]));
            }
        }
        let [own, hit, miss] = times.map(median);
        println!(
            "{bytes:12} {own:10.2} {hit:10.2} {:10.4} {miss:10.2} {:10.4}",
            hit / own,
            miss / own
        );
        hits.push(hit / own);
        lines.push(format!("ratio hit_{size} {:.4}", hit / own));
        lines.push(format!("ratio miss_{size} {:.4}", miss / own));
        lines.push(format!("ns miss_{size} {miss:.2}"));
    }
    // How the compiler aligns the loop of a body is a cycle more or less, on either side.
    lines.push(format!("ratio hit {:.4}", median(hits)));
    println!();
    for line in lines {
        println!("{line}");
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    run(&Options::parse(4 * PLACES)?, SAMPLE)
}

#[test]
fn move_cost() {
    if Region::new(64 * 1024).is_err_and(|error| error == segno::error::StackError::Unsupported) {
        return; // There are no regions on this target.
    }
    let options = Options {
        samples: 2,
        svg: None,
    };
    run(&options, Duration::from_micros(20)).expect("measures");
}
