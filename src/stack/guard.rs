//! The guards of slots: page-table markers where they work, protected pages elsewhere.
//!
//! A page that `mprotect` takes away becomes a mapping of its own and splits the one around
//! it, and a process may have only so many (65,530 by default on Linux). Since Linux 6.13
//! `madvise` can mark pages in the page tables instead, and a slab of any size stays one
//! mapping. Neither the kernel's version nor the answer of the call tells whether that
//! works here: backports have it, and emulators answer success to any advice and do
//! nothing. So it is tried once, and the proof is a fault.
//!
//! # Safety
//!
//! As in [`mapping`](super::mapping): the pages are the caller's, and nothing lives in them.

#![allow(unsafe_code, reason = "changes what may be done with whole pages")]

use super::config::GuardKind;
use super::mapping::protect;
use crate::error::StackError;

cfg_if::cfg_if! {
    if #[cfg(any(target_os = "linux", target_os = "android"))] {
        use core::sync::atomic::{AtomicU8, Ordering::Relaxed};
        use std::io;

        use super::mapping::{page_size, reserve};

        /// The advice that installs a guard region; libc does not name it yet.
        const MADV_GUARD_INSTALL: libc::c_int = 102;

        /// Marks the pages as guard; answers whether the kernel says that it did.
        ///
        /// # Safety
        ///
        /// As [`install`].
        unsafe fn install_region(start: *mut u8, bytes: usize) -> bool {
            // SAFETY: the caller gives the pages away.
            unsafe { libc::madvise(start.cast(), bytes, MADV_GUARD_INSTALL) == 0 }
        }

        /// The kind of guard that is known to work in this process.
        pub(super) fn proved() -> GuardKind {
            const UNKNOWN: u8 = 0;
            const REGION: u8 = 1;
            const MPROTECT: u8 = 2;
            static PROVED: AtomicU8 = AtomicU8::new(UNKNOWN);

            match PROVED.load(Relaxed) {
                REGION => GuardKind::Region,
                MPROTECT => GuardKind::Mprotect,
                _ => match try_region() {
                    Some(true) => {
                        PROVED.store(REGION, Relaxed);
                        GuardKind::Region
                    }
                    Some(false) => {
                        PROVED.store(MPROTECT, Relaxed);
                        GuardKind::Mprotect
                    }
                    // Without a page to try it on nothing is known; ask again next time.
                    None => GuardKind::Mprotect,
                },
            }
        }

        /// Whether a system call that writes to a guarded page fails, and one that writes
        /// to the page above succeeds. `uname` is one that always enters the kernel.
        fn try_region() -> Option<bool> {
            let page = page_size();
            let map = reserve(2 * page).ok()?;
            let guarded = map.as_mut_ptr();
            // SAFETY: both pages are ours, nothing lives in them, and a `utsname` is
            // smaller than a page.
            unsafe {
                Some(
                    install_region(guarded, page)
                        && libc::uname(guarded.cast()) == -1
                        && io::Error::last_os_error().raw_os_error() == Some(libc::EFAULT)
                        && libc::uname(guarded.add(page).cast()) == 0,
                )
            }
        }
    } else {
        /// Other kernels have no guard regions.
        unsafe fn install_region(_start: *mut u8, _bytes: usize) -> bool {
            false
        }

        /// The kind of guard that is known to work in this process.
        pub(super) fn proved() -> GuardKind {
            GuardKind::Mprotect
        }
    }
}

/// The largest guard in bytes that is made a region: each of its pages takes a word of page
/// table, of which a protected mapping needs none.
const LARGEST_REGION: usize = 4 << 20;

/// Makes every access to these pages fault.
///
/// `kind` may only be `Region` if that is [`proved`]. The kernel can still refuse it for
/// one mapping, a locked one for example; then the pages are protected instead.
///
/// # Safety
///
/// The pages belong to a mapping of the caller, and nothing lives in them.
pub(super) unsafe fn install(
    kind: GuardKind,
    start: *mut u8,
    bytes: usize,
) -> Result<(), StackError> {
    // SAFETY: the caller gives the pages away.
    unsafe {
        if kind == GuardKind::Region && bytes <= LARGEST_REGION && install_region(start, bytes) {
            return Ok(());
        }
        protect(start, bytes)
    }
}
