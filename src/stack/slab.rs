//! A slab: one reservation that holds many slots.
//!
//! ```text
//! start + (n + 1) * stride →  +---------------+
//!                             | colour        |  (n mod 16) * 64 bytes, never used
//! base →                      +---------------+
//!                             | usable        |
//! limit + guard →             +---------------+
//!                             | guard         |
//! limit, start + n * stride → +---------------+
//!                             | slot n - 1    |
//!                             |  …            |
//! start →                     +---------------+  lowest address of the slab
//! ```
//!
//! A slot's guard is installed when it is handed out for the first time, and stays. So a
//! slab costs address space at first, and memory as its slots come into use.
//!
//! # Safety
//!
//! Slots are pages of the slab's own mapping. A slot is changed as a whole only while
//! nobody has it: before it is handed out, or after it was given back.

#![allow(
    unsafe_code,
    reason = "changes the protection and contents of whole slots"
)]

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::num::NonZeroUsize;
use core::ptr::NonNull;
use std::io;
use std::sync::{Mutex, PoisonError};

use memmap2::MmapRaw;

use super::config::{GuardKind, PoolBuilder};
use super::default::{Owner, RawStack};
use super::guard;
use super::live::{Extent, Registration};
use super::mapping::{discard, largest, page_size, reserve, whole_pages};
use super::pool::Core;
use super::{DefaultStack, MIN_STACK_SIZE, cache};
use crate::error::StackError;
use crate::sanitize;

const COLOURS: usize = 16;
/// A cache line, or half of one; any less and two colours would share it.
const COLOUR_STEP: usize = 64;

/// By how many bytes the base of a slot is lowered.
pub(super) fn colour(slot: usize) -> usize {
    slot % COLOURS * COLOUR_STEP
}

/// What all slots of a pool have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) stride: usize,
    pub(super) guard: usize,
    pub(super) coloured: bool,
}

impl Layout {
    /// The layout that was asked for, unless no slab can hold such a slot.
    pub(super) fn new(config: &PoolBuilder) -> Result<Self, StackError> {
        let colours = if config.colour {
            (COLOURS - 1) * COLOUR_STEP
        } else {
            0
        };
        let sizes = || {
            let guard = whole_pages(config.guard_size.max(1))?;
            let least = guard.checked_add(colours + MIN_STACK_SIZE)?;
            let asked = match config.slot_size {
                Some(bytes) => bytes,
                None => guard.checked_add(colours + DefaultStack::SIZE)?,
            };
            Some((guard, whole_pages(asked.max(least))?))
        };
        match sizes() {
            Some((guard, stride)) => Ok(Self {
                stride,
                guard,
                coloured: config.colour,
            }),
            None => Err(StackError::TooLarge {
                requested: config.slot_size.unwrap_or(0).max(config.guard_size),
                available: largest(),
            }),
        }
    }

    /// The bytes that every slot has usable, whatever its colour.
    pub(super) fn usable(&self) -> usize {
        let colours = if self.coloured {
            (COLOURS - 1) * COLOUR_STEP
        } else {
            0
        };
        self.stride - self.guard - colours
    }
}

/// A slab of a pool.
#[repr(C)]
pub(super) struct Slab {
    /// What is asked about a slot through its owner pointer; first, for that reason.
    head: Owner,
    /// The identity of the pool, beside the head for the sake of the cache.
    pool: usize,
    core: Arc<Core>,
    index: u32,
    layout: Layout,
    /// The numbers under which Valgrind knows the slots.
    valgrind: Mutex<Vec<usize>>,
    /// Dropped before the mapping, as fields are in the order of their declaration.
    _registration: Registration,
    map: MmapRaw,
}

impl Slab {
    /// Maps `slots` slots. `index` is the slab's place in its pool.
    pub(super) fn new(
        core: &Arc<Core>,
        index: u32,
        layout: Layout,
        slots: usize,
    ) -> io::Result<Self> {
        let map = reserve(slots * layout.stride)?;
        // A huge page under a stack would make it resident as a whole, and all its
        // neighbours with it.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        // SAFETY: the mapping is ours. A kernel without huge pages refuses; so be it.
        unsafe {
            libc::madvise(map.as_mut_ptr().cast(), map.len(), libc::MADV_NOHUGEPAGE);
        }
        let registration = Registration::new(&Extent {
            start: map.as_mut_ptr().expose_provenance(),
            len: map.len(),
            stride: layout.stride,
            guard: layout.guard,
            coloured: layout.coloured,
        });
        Ok(Self {
            head: Owner {
                guard: layout.guard,
            },
            pool: core.id(),
            core: Arc::clone(core),
            index,
            layout,
            valgrind: Mutex::new(Vec::new()),
            _registration: registration,
            map,
        })
    }

    /// The pool that the slab belongs to.
    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// The identity of that pool.
    #[inline]
    pub(super) fn pool(&self) -> usize {
        self.pool
    }

    /// The slab's place in its pool.
    pub(super) fn index(&self) -> u32 {
        self.index
    }

    /// The address space that it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.map.len()
    }

    /// How many slots it has.
    pub(super) fn slots(&self) -> usize {
        self.map.len() / self.layout.stride
    }

    /// The lowest address of a slot.
    fn limit(&self, slot: usize) -> *mut u8 {
        debug_assert!(slot < self.slots());
        self.map
            .as_mut_ptr()
            .wrapping_add(slot * self.layout.stride)
    }

    /// Makes a slot ready that was never handed out.
    pub(super) fn prepare(&self, slot: usize, kind: GuardKind) -> Result<(), StackError> {
        // SAFETY: the lowest pages of a slot of ours, which nobody has yet.
        unsafe { guard::install(kind, self.limit(slot), self.layout.guard) }?;
        let stack = self.stack(slot);
        // SAFETY: from now on these bytes are a stack's.
        let id = unsafe { sanitize::register_stack(stack.lowest_usable(), stack.base.get()) };
        if id != 0 {
            self.valgrind
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(id);
        }
        Ok(())
    }

    /// A slot as a stack.
    pub(super) fn stack(&self, slot: usize) -> RawStack {
        let limit = self.limit(slot).expose_provenance();
        let lowered = if self.layout.coloured {
            colour(slot)
        } else {
            0
        };
        let base = limit + self.layout.stride - lowered;
        RawStack::slot(
            NonZeroUsize::new(base).expect("a mapping does not end at zero"),
            NonZeroUsize::new(limit).expect("a mapping does not start at zero"),
            NonNull::from(self),
            self.pool == cache::GLOBAL,
        )
    }

    /// The slot that a stack of this slab is.
    pub(super) fn slot_of(&self, stack: &RawStack) -> usize {
        (stack.limit.get() - self.map.as_mut_ptr().addr()) / self.layout.stride
    }

    /// Gives the memory of a slot back to the system, but for `keep` bytes at its base.
    ///
    /// # Safety
    ///
    /// Nobody has the slot.
    pub(super) unsafe fn cut_back(&self, slot: usize, keep: usize) {
        let usable = self.layout.stride - self.layout.guard;
        let kept = keep
            .checked_next_multiple_of(page_size())
            .unwrap_or(usable)
            .min(usable);
        if kept < usable {
            // SAFETY: pages of a slot that nobody has, the guard not among them.
            unsafe { discard(self.limit(slot).add(self.layout.guard), usable - kept) };
        }
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        let start = self.map.as_mut_ptr().addr();
        // SAFETY: nobody has a slot any more.
        unsafe { sanitize::forget_stack(start, start + self.map.len()) };
        let ids = self
            .valgrind
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        for id in ids.drain(..) {
            // SAFETY: it came from registering a slot, and is forgotten here.
            unsafe { sanitize::deregister_stack(id) };
        }
    }
}
