//! The interpreter as a program.

#![forbid(unsafe_code)]

mod cli;

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// Counts the bytes that are in use, which `--heap` limits. It never refuses any.
#[global_allocator]
static MEMORY: cap::Cap<MiMalloc> = cap::Cap::new(MiMalloc, usize::MAX);

fn main() -> ExitCode {
    cli::main()
}
