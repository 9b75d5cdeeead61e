//! What the highest bytes of a stack in use say about it.
//!
//! ```text
//! base →  +---------------+  highest address, `Stack::base`
//!         | sanitizer     |  only in builds under a sanitizer
//!         +---------------+
//!         | name          |  NAME_TAG, whether the stack is painted, length of the name
//!         +---------------+
//!         | limit         |  lowest usable address, above the guard
//!         +---------------+
//!         | entry         |  where execution begins, later only a place in backtraces
//!         +---------------+
//!         | link          |  parent link: the stack pointer of whoever resumed us
//! link →  +---------------+  ← the frame pointer of the root frame
//!         | name bytes    |  `length` bytes, then padding down to 16
//!         +---------------+
//!         | the body      |  the closure that the stack was given, and frames below it
//! ```
//!
//! The name is on the stack itself so that the overflow report, which has nothing but a
//! fault address, can find it without a lock and without touching the heap.

#![allow(
    unsafe_code,
    reason = "the header is read and written through addresses"
)]

use core::cell::Cell;
use core::mem::size_of;

use super::{STACK_ALIGNMENT, StackPointer};
use crate::sanitize;

/// Marks the name word of a live header. The low byte is the length, the next bit says that
/// the stack was painted.
const NAME_TAG: usize = 0x5e67_6e00;
const LENGTH: usize = 0xff;
const PAINTED: usize = 0x100;

/// The longest name that is kept, in bytes.
pub(crate) const MAX_NAME: usize = 128;

/// The control words at the base of a stack in use, lowest address first.
#[repr(C, align(16))]
#[derive(Debug)]
pub(crate) struct Header {
    /// The stack pointer of the resumer; written by every resume.
    pub(crate) link: Cell<usize>,
    /// The address that the arch file jumps to on the first resume.
    pub(crate) entry: Cell<usize>,
    /// The lowest usable address, the guard not counted.
    pub(crate) limit: usize,
    name: usize,
    /// The resumer's stack as the sanitizer knows it.
    parent: Cell<sanitize::Context>,
    /// Whether the thread was panicking already when it resumed this stack.
    #[cfg(all(debug_assertions, feature = "unwind"))]
    resumed_in_panic: Cell<bool>,
}

impl Header {
    /// The stack to announce when this one is left.
    #[inline(always)]
    pub(crate) fn parent(&self) -> sanitize::Context {
        self.parent.get()
    }

    /// Notes what stack this one was resumed from.
    #[inline(always)]
    pub(crate) fn set_parent(&self, parent: sanitize::Context) {
        self.parent.set(parent);
    }

    /// Notes, in debug builds, what [`check_before_suspend`](Self::check_before_suspend)
    /// compares with.
    ///
    /// # Safety
    ///
    /// `header` was written, and its stack stands still.
    #[inline(always)]
    pub(crate) unsafe fn note_before_resume(header: *mut Header) {
        let _ = header;
        #[cfg(all(debug_assertions, feature = "unwind"))]
        // SAFETY: the caller says so.
        unsafe {
            (&raw mut (*header).resumed_in_panic).write(Cell::new(std::thread::panicking()));
        }
    }

    /// Panics, in debug builds, if the running body is being unwound by a panic of its own.
    #[inline(always)]
    pub(crate) fn check_before_suspend(&self) {
        #[cfg(all(debug_assertions, feature = "unwind"))]
        assert!(
            self.resumed_in_panic.get() || !std::thread::panicking(),
            "a coroutine suspended while it was panicking"
        );
    }

    /// The header of the stack with this `base`.
    pub(crate) fn of(base: StackPointer) -> *mut Header {
        (base.get() - size_of::<Header>()) as *mut Header
    }

    /// Writes a header and the name below it; answers the highest address below both,
    /// a multiple of [`STACK_ALIGNMENT`].
    ///
    /// A name longer than [`MAX_NAME`] bytes is cut at the last character that fits.
    ///
    /// # Safety
    ///
    /// `base` is the base of a stack that nobody is using, with the usable bytes beginning
    /// at `limit`.
    #[inline(always)]
    pub(crate) unsafe fn write(base: StackPointer, limit: usize, name: &str) -> usize {
        let kept = if name.is_empty() {
            0
        } else {
            name.floor_char_boundary(MAX_NAME)
        };
        let header = Header::of(base);
        let top = header as usize - kept.next_multiple_of(STACK_ALIGNMENT);
        // SAFETY: the caller owns the memory; a stack has MIN_STACK_SIZE bytes, which is
        // more than a header and the longest name.
        unsafe {
            (&raw mut (*header).limit).write(limit);
            (&raw mut (*header).name).write(NAME_TAG | kept);
            if kept > 0 {
                core::ptr::copy_nonoverlapping(
                    name.as_ptr(),
                    (header as usize - kept) as *mut u8,
                    kept,
                );
            }
        }
        top
    }

    /// The name kept under the header at `base`, if a header is there and has one.
    ///
    /// # Safety
    ///
    /// The memory from `base - 512` up to `base` can be read, and nobody writes to it. What
    /// lies there may be anything.
    pub(crate) unsafe fn name<'a>(base: StackPointer) -> Option<&'a [u8]> {
        let header = Header::of(base);
        // SAFETY: the caller says that it can be read.
        let word = unsafe { (&raw const (*header).name).read_volatile() };
        let len = word & LENGTH;
        if word & !(LENGTH | PAINTED) != NAME_TAG || len == 0 || len > MAX_NAME {
            return None;
        }
        // SAFETY: MAX_NAME and the header are less than 512 bytes.
        Some(unsafe { core::slice::from_raw_parts((header as usize - len) as *const u8, len) })
    }

    /// Notes that the stack was painted before this header was written.
    ///
    /// # Safety
    ///
    /// The header at `base` was written, and its stack stands still.
    #[cfg(feature = "std")]
    pub(crate) unsafe fn set_painted(base: StackPointer) {
        // SAFETY: the caller says so.
        unsafe { (*Header::of(base)).name |= PAINTED };
    }

    /// Whether the stack was painted.
    ///
    /// # Safety
    ///
    /// The header at `base` was written, and its stack stands still.
    pub(crate) unsafe fn is_painted(base: StackPointer) -> bool {
        // SAFETY: the caller says so.
        unsafe { (&raw const (*Header::of(base)).name).read() & PAINTED != 0 }
    }
}
