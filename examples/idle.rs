//! Five million coroutines, all of them idle at once.
//!
//! ```text
//! idle [COUNT]
//! ```
//!
//! They take turns on one stack. The program prints what each takes in memory, its handle
//! included, and resumes them all afterwards.
//!
//! ```text
//! cargo run --release --example idle
//! ```

#![allow(
    unsafe_code,
    reason = "promises that the bodies give no address of their stack away"
)]

use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use segno::copy::{CompactCoroutine, Region};
#[cfg(test)]
use segno::error::StackError;

/// Adds what it is given to a sum of its own, and tells the sum.
type Adder = CompactCoroutine<u64, u64, u64>;

fn adder(region: &Region, first: u64) -> Result<Adder, Box<dyn Error>> {
    // SAFETY: what the body has on its stack stays with it.
    let made = unsafe {
        CompactCoroutine::try_new(region, move |yielder, given: u64| {
            let mut sum = first + given;
            for _ in 0..2 {
                sum += yielder.suspend(sum);
            }
            sum
        })
    };
    made.map_err(|refused| refused.error.into())
}

fn run(count: usize) -> Result<(), Box<dyn Error>> {
    let region = Region::new(64 * 1024)?;
    let before = resident()?;
    let start = Instant::now();
    let mut adders = Vec::with_capacity(count);
    for i in 0..count {
        let mut adder = adder(&region, i as u64)?;
        if adder.resume(1).as_yield() != Some(i as u64 + 1) {
            return Err(format!("coroutine {i} cannot add").into());
        }
        adders.push(adder);
    }
    let spawn = start.elapsed();
    let during = resident()?;
    let image = adders.last().map_or(0, CompactCoroutine::image_size);

    let start = Instant::now();
    for (i, adder) in adders.iter_mut().enumerate() {
        if adder.resume(2).as_yield() != Some(i as u64 + 3) {
            return Err(format!("coroutine {i} came back different").into());
        }
    }
    let resume = start.elapsed();
    let last = adders.iter_mut().map(|adder| adder.resume(3).as_return());
    let sum: u64 = last.flatten().sum();
    let n = count as u64;
    if sum != n * (n - 1) / 2 + 6 * n {
        return Err(format!("all together they came to {sum}").into());
    }

    let each = |total: f64| total / count as f64;
    println!("{count} coroutines were idle at once, and all came back with the right sum.");
    println!();
    println!(
        "resident memory, each     {:7.1} bytes",
        each(during.saturating_sub(before) as f64)
    );
    println!("of them the stack         {image:7} bytes");
    println!(
        "create and resume once    {:7.1} ns each",
        each(spawn.as_nanos() as f64)
    );
    println!(
        "resume over all again     {:7.1} ns each",
        each(resume.as_nanos() as f64)
    );
    Ok(())
}

/// The resident memory of the process, in bytes.
fn resident() -> Result<usize, Box<dyn Error>> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(1).ok_or("no second field in statm")?;
    // SAFETY: always allowed.
    let page_size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Ok(pages.parse::<usize>()? * usize::try_from(page_size)?)
}

fn main() -> ExitCode {
    let outcome = match std::env::args().nth(1).map(|count| count.parse()) {
        None => run(5_000_000),
        Some(Ok(count)) if count > 0 => run(count),
        Some(_) => Err("usage: idle [COUNT]".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("idle: {error}");
            ExitCode::FAILURE
        }
    }
}

#[test]
fn idle() {
    if Region::new(64 * 1024).is_err_and(|error| error == StackError::Unsupported) {
        return; // There are no regions on this target.
    }
    run(10_000).expect("ten thousand are possible anywhere");
}
