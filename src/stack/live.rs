//! The table of live mappings: which stack does an address belong to?
//!
//! ```text
//! FIRST chunk            second chunk           …
//! +-------------------+  +-------------------+
//! | entry 0           |  | entry 0           |   an entry: version, start, len,
//! |  …                |  |  …                |             stride, guard, coloured
//! | entry 63          |  | entry 63          |
//! | next ─────────────┼─→| next ─────────────┼─→ …
//! +-------------------+  +-------------------+
//! ```
//!
//! The reader is a signal handler, so it takes no lock and reads nothing but atomics. Those
//! who write take a lock among themselves, which costs little beside the system call that
//! made the mapping, and find a free entry in a list, so that ten thousand mappings cost no
//! more each than ten. Chunks are never freed.
//!
//! A reader may meet an entry that is being rewritten. It notices by the version, which is
//! odd meanwhile and different afterwards, and passes over that entry; the one that covers
//! the address of a fault on a live stack stands still.

#![forbid(unsafe_code)]

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroUsize;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicUsize, fence};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::StackPointer;
use super::slab::colour;

const ENTRIES: usize = 64;

struct Chunk {
    entries: [Entry; ENTRIES],
    next: OnceLock<Box<Chunk>>,
}

impl Chunk {
    const fn new() -> Self {
        Self {
            entries: [const { Entry::new() }; ENTRIES],
            next: OnceLock::new(),
        }
    }
}

struct Entry {
    version: AtomicUsize,
    /// Zero in a free entry.
    start: AtomicUsize,
    len: AtomicUsize,
    stride: AtomicUsize,
    guard: AtomicUsize,
    coloured: AtomicBool,
}

impl Entry {
    const fn new() -> Self {
        Self {
            version: AtomicUsize::new(0),
            start: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            stride: AtomicUsize::new(0),
            guard: AtomicUsize::new(0),
            coloured: AtomicBool::new(false),
        }
    }

    /// Replaces what the entry says. Only one thread at a time writes to an entry: the one
    /// that took it from the free list.
    fn write(&self, extent: &Extent) {
        let version = self.version.load(Relaxed);
        self.version.store(version.wrapping_add(1), Relaxed);
        fence(Release);
        self.start.store(extent.start, Relaxed);
        self.len.store(extent.len, Relaxed);
        self.stride.store(extent.stride, Relaxed);
        self.guard.store(extent.guard, Relaxed);
        self.coloured.store(extent.coloured, Relaxed);
        self.version.store(version.wrapping_add(2), Release);
    }

    /// What the entry says, if nobody is rewriting it.
    fn read(&self) -> Option<Extent> {
        let version = self.version.load(Acquire);
        let extent = Extent {
            start: self.start.load(Relaxed),
            len: self.len.load(Relaxed),
            stride: self.stride.load(Relaxed),
            guard: self.guard.load(Relaxed),
            coloured: self.coloured.load(Relaxed),
        };
        fence(Acquire);
        let still = self.version.load(Relaxed);
        (version & 1 == 0 && version == still && extent.start != 0).then_some(extent)
    }
}

/// A mapping that holds stacks, one after the other.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    /// The lowest address.
    pub(super) start: usize,
    /// Its length in bytes, a multiple of the stride.
    pub(super) len: usize,
    /// From one stack to the next, in bytes.
    pub(super) stride: usize,
    /// The bytes of guard at the low end of each stack.
    pub(super) guard: usize,
    /// Whether the bases are coloured.
    pub(super) coloured: bool,
}

impl Extent {
    const FREE: Self = Self {
        start: 0,
        len: 0,
        stride: 0,
        guard: 0,
        coloured: false,
    };
}

/// The place of one mapping in the table, given back on drop; that must come before the
/// mapping goes.
pub(super) struct Registration {
    entry: &'static Entry,
}

struct Writers {
    free: Vec<&'static Entry>,
    /// The last chunk, and how many of its entries were ever used.
    last: &'static Chunk,
    used: usize,
}

static FIRST: Chunk = Chunk::new();

static WRITERS: Mutex<Writers> = Mutex::new(Writers {
    free: Vec::new(),
    last: &FIRST,
    used: 0,
});

impl Registration {
    /// Enters a mapping.
    pub(super) fn new(extent: &Extent) -> Self {
        let mut writers = WRITERS.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = writers.free.pop().unwrap_or_else(|| {
            if writers.used == ENTRIES {
                writers.last = writers.last.next.get_or_init(|| Box::new(Chunk::new()));
                writers.used = 0;
            }
            writers.used += 1;
            &writers.last.entries[writers.used - 1]
        });
        entry.write(extent);
        Self { entry }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut writers = WRITERS.lock().unwrap_or_else(PoisonError::into_inner);
        self.entry.write(&Extent::FREE);
        writers.free.push(self.entry);
    }
}

/// A stack found by an address in it.
pub(super) struct Found {
    /// Its lowest address, the guard included.
    pub(super) limit: usize,
    /// How many bytes from the limit upwards are guard.
    pub(super) guard: usize,
    /// Its highest address.
    pub(super) base: StackPointer,
}

/// The live stack that `address` lies in. Async-signal-safe; takes time in proportion to
/// the number of live mappings.
pub(super) fn find(address: usize) -> Option<Found> {
    let mut chunk = Some(&FIRST);
    while let Some(current) = chunk {
        for entry in &current.entries {
            let Some(extent) = entry.read() else { continue };
            let offset = address.wrapping_sub(extent.start);
            if offset < extent.len {
                let slot = offset.checked_div(extent.stride)?;
                let limit = extent.start + slot * extent.stride;
                let lowered = if extent.coloured { colour(slot) } else { 0 };
                let base = NonZeroUsize::new(limit + extent.stride - lowered)?;
                return Some(Found {
                    limit,
                    guard: extent.guard,
                    base,
                });
            }
        }
        chunk = current.next.get().map(|next| &**next);
    }
    None
}
