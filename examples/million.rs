//! A million coroutines, all of them suspended at once.
//!
//! ```text
//! million [COUNT]
//! ```
//!
//! Each has a stack of its own from one pool, 64 KiB with its guard. The program prints what that takes in
//! memory, in mappings and in time, and shows of every stack that its guard is one: the
//! kernel, asked to write there, must answer `EFAULT`.
//!
//! ```text
//! cargo run --release --example million
//! ```

#![allow(
    unsafe_code,
    reason = "has the kernel try to write into the guards of stacks"
)]

use std::error::Error;
use std::fs::{self, File};
use std::io::{IsTerminal, Write, stdout};
use std::os::fd::AsRawFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use segno::Coroutine;
use segno::stack::{Pool, Stack};

/// Counts its resumes, and tells the count.
type Counter = Coroutine<(), u32, ()>;

fn run(count: usize) -> Result<(), Box<dyn Error>> {
    let pool = Pool::builder().slot_size(64 * 1024).build();
    // The program's own tables come first, so that they are not taken for coroutines.
    let mut guards = vec![(1, 1); count];
    let mut coroutines: Vec<Option<Counter>> = Vec::new();
    coroutines.resize_with(count, || None);
    let before = Usage::now()?;

    let spawn = timed("spawning", count, |i| {
        let stack = pool.take()?;
        guards[i] = (stack.limit().get(), stack.guard_size());
        coroutines[i] = Some(Coroutine::with_stack(stack, |yielder, ()| {
            for resumes in 1.. {
                yielder.suspend(resumes);
            }
        }));
        Ok(())
    });
    let spawn = spawn.map_err(|error| {
        let made = pool.stats().in_use;
        format!("after {made} of {count} coroutines: {error}")
    })?;
    let mut resume_all = |what, expected| {
        timed(what, count, |i| {
            let answer = coroutines[i].as_mut().and_then(|c| c.resume(()).as_yield());
            match answer {
                Some(resumes) if resumes == expected => Ok(()),
                other => Err(format!("coroutine {i} answered {other:?}").into()),
            }
        })
    };
    let first_resume = resume_all("resuming", 1)?;
    let during = Usage::now()?;
    let second_resume = resume_all("resuming again", 2)?;

    let zeros = File::open("/dev/zero")?;
    timed("checking guards", count, |i| {
        let (start, size) = guards[i];
        for address in [start, start + size - 1] {
            if !faults(&zeros, address) {
                return Err(
                    format!("the guard of stack {i} let a write pass at {address:#x}").into(),
                );
            }
        }
        Ok(())
    })?;
    let third_resume = resume_all("resuming once more", 3)?;

    let drop_each = timed("dropping", count, |i| {
        coroutines[i] = None;
        Ok(())
    })?;

    let each = |bytes: usize| bytes as f64 / count as f64;
    println!(
        "{count} coroutines were suspended at once, each on {} KiB of stack above a guard.",
        pool.stack_size() / 1024
    );
    println!();
    println!(
        "resident memory, each     {:9.2} KiB",
        each(during.resident.saturating_sub(before.resident)) / 1024.0
    );
    println!(
        "page tables, each         {:9.0} bytes, beside that",
        each(during.page_tables.saturating_sub(before.page_tables))
    );
    println!(
        "mappings, all together    {:9}",
        during.mappings.saturating_sub(before.mappings)
    );
    println!(
        "guards                    {:9?} each; all {count} were tried, and fault",
        pool.stats().guard
    );
    println!();
    let line = |what, time: Duration| {
        println!(
            "{what:25} {:9.0} ns each",
            time.as_nanos() as f64 / count as f64
        );
    };
    line("spawn", spawn);
    line("first resume", first_resume);
    line("resume over all again", second_resume);
    line("and once more", third_resume);
    line("drop, which unwinds", drop_each);
    Ok(())
}

/// Does `step` for each of `count`, tells on a terminal how far it is, and answers the time.
fn timed(
    what: &str,
    count: usize,
    mut step: impl FnMut(usize) -> Result<(), Box<dyn Error>>,
) -> Result<Duration, Box<dyn Error>> {
    let terminal = stdout().is_terminal();
    let mut taken = Duration::ZERO;
    for first in (0..count).step_by(10_000) {
        let some = first..count.min(first + 10_000);
        let start = Instant::now();
        let done = some.clone().try_for_each(&mut step);
        taken += start.elapsed();
        if terminal {
            let end = if done.is_ok() && some.end < count {
                ""
            } else {
                "\r\x1b[K"
            };
            print!("\r{what}: {} of {count}{end}", some.end);
            stdout().flush()?;
        }
        done?;
    }
    Ok(taken)
}

/// Whether a write by the kernel to this address is refused as a bad address.
fn faults(zeros: &File, address: usize) -> bool {
    // SAFETY: what the kernel writes, one byte at most, is in the guard of a live stack.
    // That is nobody's memory, even if, against all promises, it can be written.
    let read = unsafe { libc::read(zeros.as_raw_fd(), address as *mut libc::c_void, 1) };
    read == -1 && std::io::Error::last_os_error().raw_os_error() == Some(libc::EFAULT)
}

/// What the process uses.
struct Usage {
    resident: usize,
    page_tables: usize,
    mappings: usize,
}

impl Usage {
    fn now() -> Result<Self, Box<dyn Error>> {
        let status = fs::read_to_string("/proc/self/status")?;
        let bytes = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            let kilobytes =
                line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
            kilobytes.map_or(0, |kilobytes| kilobytes * 1024)
        };
        Ok(Self {
            resident: bytes("VmRSS:"),
            page_tables: bytes("VmPTE:"),
            mappings: fs::read_to_string("/proc/self/maps")?.lines().count(),
        })
    }
}

fn main() -> ExitCode {
    let outcome = match std::env::args().nth(1).map(|count| count.parse()) {
        None => run(1_000_000),
        Some(Ok(count)) if count > 0 => run(count),
        Some(_) => Err("usage: million [COUNT]".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("million: {error}");
            ExitCode::FAILURE
        }
    }
}

#[test]
fn million() {
    run(1000).expect("a thousand are possible anywhere");
}
