//! Memory from the system: reservations, and one guarded mapping.
//!
//! ```text
//! base →           +---------------+  highest address
//!                  | usable        |  read and write, zero until touched
//! limit + guard →  +---------------+
//!                  | guard         |  any access faults
//! limit →          +---------------+  lowest address
//! ```
//!
//! # Safety
//!
//! The calls here change what may be done with whole pages. Each caller passes pages of a
//! mapping that it owns, and nothing lives in those that become a guard or are discarded.

#![allow(
    unsafe_code,
    reason = "changes the protection and contents of whole pages"
)]

use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::io;

use memmap2::{MmapOptions, MmapRaw};

use super::StackPointer;
use super::exhausted::{Attempt, cause};
use crate::error::StackError;

/// The size in bytes of a page, asked for once: an aarch64 kernel may use 4, 16 or 64 KiB.
#[inline]
pub(super) fn page_size() -> usize {
    static PAGE: AtomicUsize = AtomicUsize::new(0);

    match PAGE.load(Relaxed) {
        0 => {
            // SAFETY: asking for a configuration value has no precondition.
            let answer = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
            let page = usize::try_from(answer)
                .ok()
                .filter(|page| page.is_power_of_two());
            let page = page.expect("the page size is a power of two");
            PAGE.store(page, Relaxed);
            page
        }
        page => page,
    }
}

/// `bytes` rounded up to whole pages, unless no mapping can be that large.
pub(super) fn whole_pages(bytes: usize) -> Option<usize> {
    bytes
        .checked_next_multiple_of(page_size())
        .filter(|&bytes| bytes <= largest())
}

/// The most bytes that a mapping can have, a multiple of the page size.
pub(super) fn largest() -> usize {
    isize::MAX as usize & !(page_size() - 1)
}

/// Maps `bytes` bytes of address space that take memory only where they are touched.
pub(super) fn reserve(bytes: usize) -> io::Result<MmapRaw> {
    let mut options = MmapOptions::new();
    options.len(bytes).no_reserve_swap();
    // FreeBSD's stacks grow by themselves, and its mprotect passes over what has not grown.
    #[cfg(not(target_os = "freebsd"))]
    options.stack();
    Ok(options.map_anon()?.into())
}

/// Makes every access to these pages fault, at the price of up to two mappings more.
///
/// # Safety
///
/// The pages belong to a mapping of the caller, and nothing lives in them.
pub(super) unsafe fn protect(start: *mut u8, bytes: usize) -> Result<(), StackError> {
    // SAFETY: the caller gives the pages away.
    if unsafe { libc::mprotect(start.cast(), bytes, libc::PROT_NONE) } == 0 {
        Ok(())
    } else {
        Err(cause(&io::Error::last_os_error(), Attempt::Guard, bytes))
    }
}

/// Tells the system that the contents of these pages are no longer needed. A refusal, as
/// for locked memory, is no error: the pages then stay resident.
///
/// # Safety
///
/// The pages belong to a mapping of the caller, and nothing lives in them.
pub(super) unsafe fn discard(start: *mut u8, bytes: usize) {
    cfg_if::cfg_if! {
        if #[cfg(any(target_os = "linux", target_os = "android"))] {
            let advice = libc::MADV_DONTNEED;
        } else {
            // Elsewhere MADV_DONTNEED is a hint about speed that keeps the memory.
            let advice = libc::MADV_FREE;
        }
    }
    // SAFETY: the caller does not need the contents.
    unsafe { libc::madvise(start.cast(), bytes, advice) };
}

/// One mapping with a guard at its low end.
#[derive(Debug)]
pub(super) struct Mapping {
    map: MmapRaw,
    guard: usize,
}

impl Mapping {
    /// Maps at least `usable` bytes above a guard of at least `guard` bytes, one page at
    /// the least.
    pub(super) fn new(usable: usize, guard: usize) -> Result<Self, StackError> {
        let guard_pages = whole_pages(guard.max(1));
        let total = guard_pages
            .zip(whole_pages(usable))
            .and_then(|(guard, usable)| whole_pages(guard.checked_add(usable)?));
        let (Some(guard), Some(total)) = (guard_pages, total) else {
            let available = largest().saturating_sub(guard);
            return Err(StackError::TooLarge {
                requested: usable,
                available,
            });
        };
        let map = reserve(total).map_err(|error| cause(&error, Attempt::Map, total))?;
        // SAFETY: the mapping is new, so nothing lives in its lowest pages.
        unsafe { protect(map.as_mut_ptr(), guard) }?;
        Ok(Self { map, guard })
    }

    /// The highest address, one past the last byte.
    pub(super) fn base(&self) -> StackPointer {
        let end = self.map.as_mut_ptr().wrapping_add(self.map.len());
        NonZeroUsize::new(end.expose_provenance()).expect("a mapping does not end at zero")
    }

    /// The lowest address, the guard included.
    pub(super) fn limit(&self) -> StackPointer {
        let start = self.map.as_mut_ptr().expose_provenance();
        NonZeroUsize::new(start).expect("a mapping does not start at zero")
    }

    /// How many bytes from the limit upwards are guard.
    pub(super) fn guard(&self) -> usize {
        self.guard
    }
}
