//! Finds out what ran out when the system answers `ENOMEM`.
//!
//! One error number stands for three shortages. This is the cold path of a failure, but it
//! runs when memory may be short, so it reads with a buffer on the stack.

#![allow(unsafe_code, reason = "asks the system for its limits")]

use std::fs::File;
use std::io::{self, Read};

use super::mapping::page_size;
use crate::error::StackError;

/// What was being done when the system refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// New address space was to be mapped.
    Map,
    /// A guard was to be put into a mapping that exists.
    Guard,
}

/// The typed cause of `error`, met in an attempt that was about `bytes` bytes.
#[cold]
pub(super) fn cause(error: &io::Error, attempt: Attempt, bytes: usize) -> StackError {
    match error.raw_os_error() {
        Some(libc::ENOMEM) => shortage(attempt, bytes),
        Some(code) => StackError::System { code },
        // memmap2 refuses by itself only a length that no mapping can have.
        None => StackError::TooLarge {
            requested: bytes,
            available: isize::MAX as usize,
        },
    }
}

fn shortage(attempt: Attempt, bytes: usize) -> StackError {
    if attempt == Attempt::Map && exceeds_address_limit(bytes) {
        return StackError::AddressSpace { bytes };
    }
    if let Some(limit) = number_in("/proc/sys/vm/max_map_count") {
        // Cutting a guard out of a mapping adds two to the count, so the refusal can come
        // that early; the third is a line for a page that the kernel does not count.
        if count_lines("/proc/self/maps").is_some_and(|lines| lines + 3 >= limit) {
            return StackError::Mappings { limit };
        }
    }
    // Our mappings reserve nothing. Unless the kernel is told to count every byte (policy
    // 2), it therefore has no reason to refuse one other than a lack of room.
    match number_in("/proc/sys/vm/overcommit_memory") {
        Some(0 | 1) if attempt == Attempt::Map => StackError::AddressSpace { bytes },
        _ => StackError::Memory { bytes },
    }
}

fn exceeds_address_limit(bytes: usize) -> bool {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is there to be written to.
    let answer = unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) };
    if answer != 0 || limit.rlim_cur == libc::RLIM_INFINITY {
        return false;
    }
    let Ok(limit) = usize::try_from(limit.rlim_cur) else {
        return false;
    };
    // Where the size cannot be learned, a limit that was set is the best guess.
    number_in("/proc/self/statm")
        .and_then(|pages| pages.checked_mul(page_size())?.checked_add(bytes))
        .is_none_or(|needed| needed > limit)
}

/// The first decimal number in a small file.
fn number_in(path: &str) -> Option<usize> {
    let mut buffer = [0; 64];
    let read = File::open(path).ok()?.read(&mut buffer).ok()?;
    let digits = buffer[..read].split(|byte| !byte.is_ascii_digit()).next()?;
    core::str::from_utf8(digits).ok()?.parse().ok()
}

fn count_lines(path: &str) -> Option<usize> {
    let mut file = File::open(path).ok()?;
    let mut buffer = [0; 4096];
    let mut lines = 0;
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(lines),
            read => lines += buffer[..read].iter().filter(|&&byte| byte == b'\n').count(),
        }
    }
}
