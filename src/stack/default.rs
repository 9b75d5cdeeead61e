//! The stack that coroutines have by default: a pool's slot, or a mapping of its own.
//!
//! ```text
//! DefaultStack: base, limit, owner
//!                            │
//!                            ▼
//!              +-----------------------------+
//!              | guard                       |  the one fact that is asked often
//!              +-----------------------------+
//!              | rest of a Slab, or of an Own|  which of them, two bits of the
//!              +-----------------------------+  pointer say
//! ```
//!
//! # Safety
//!
//! A `RawStack` is the right to use a stack, though it can be copied: who passes it on keeps
//! nothing. Its owner pointer stays valid as long as that right has not gone back.

#![allow(
    unsafe_code,
    reason = "tells by pointer tags who owns a stack, and follows them"
)]

use alloc::boxed::Box;
use core::fmt;
use core::ptr::NonNull;
use std::io;

use super::live::{Extent, Registration};
use super::mapping::Mapping;
use super::pool::Pool;
use super::slab::Slab;
use super::{MIN_STACK_SIZE, Stack, StackPointer, cache};
use crate::error::StackError;
use crate::sanitize;

/// The beginning of each thing that owns stacks.
#[repr(C, align(8))]
pub(super) struct Owner {
    /// The bytes of guard at the low end of the stack.
    pub(super) guard: usize,
}

/// The stack has a mapping of its own, and its owner is an [`Own`].
const OWN: usize = 1;
/// The stack is a slot of the global pool. A slot of another pool has no tag.
const GLOBAL: usize = 2;
const TAGS: usize = OWN | GLOBAL;

/// A stack and who owns it, in three words.
#[derive(Clone, Copy)]
pub(super) struct RawStack {
    pub(super) base: StackPointer,
    pub(super) limit: StackPointer,
    /// Tagged.
    pub(super) owner: NonNull<Owner>,
}

impl RawStack {
    /// A slot of `slab`.
    pub(super) fn slot(
        base: StackPointer,
        limit: StackPointer,
        slab: NonNull<Slab>,
        global: bool,
    ) -> Self {
        let tag = if global { GLOBAL } else { 0 };
        Self {
            base,
            limit,
            owner: slab.cast().map_addr(|address| address | tag),
        }
    }

    #[inline]
    fn tag(&self) -> usize {
        self.owner.addr().get() & TAGS
    }

    #[inline]
    fn owner(&self) -> *mut Owner {
        self.owner.as_ptr().map_addr(|address| address & !TAGS)
    }

    /// The slab of a stack that is no mapping of its own.
    ///
    /// # Safety
    ///
    /// It is a slot, and it is handed out for as long as the reference lives.
    #[inline]
    pub(super) unsafe fn slab<'a>(&self) -> &'a Slab {
        debug_assert!(self.tag() != OWN);
        // SAFETY: the owner pointer was made from a slab, which lives while a slot is out.
        unsafe { &*self.owner().cast::<Slab>() }
    }

    /// The bytes of guard from the limit upwards.
    #[inline]
    fn guard(&self) -> usize {
        // SAFETY: each owner begins with an `Owner`, and lives as long as the stack.
        unsafe { (*self.owner()).guard }
    }

    /// The lowest address above the guard.
    #[inline]
    pub(super) fn lowest_usable(&self) -> usize {
        self.limit.get() + self.guard()
    }
}

/// What a stack with a mapping of its own consists of.
#[repr(C)]
struct Own {
    head: Owner,
    /// The number under which Valgrind knows it.
    valgrind: usize,
    /// Dropped before the mapping, as fields are in the order of their declaration.
    _registration: Registration,
    mapping: Mapping,
}

impl Drop for Own {
    fn drop(&mut self) {
        let map = &self.mapping;
        // SAFETY: this is the end of the stack; the number came from registering it.
        unsafe {
            sanitize::forget_stack(map.limit().get() + map.guard(), map.base().get());
            sanitize::deregister_stack(self.valgrind);
        }
    }
}

/// The stack that a coroutine has unless it is given another: 1 MiB from the global
/// [`Pool`], or whatever size in a mapping of its own.
///
/// There is one type for both, so that a coroutine's type does not tell where its stack
/// came from. It is three words, and may be used and dropped on any thread.
///
/// # Examples
///
/// ```
/// use segno::stack::{DefaultStack, Stack};
///
/// let pooled = DefaultStack::default();
/// assert!(pooled.base().get() - pooled.limit().get() > 1 << 20);
///
/// let large = DefaultStack::new(64 << 20)?;
/// assert!(large.base().get() - large.limit().get() > 64 << 20);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct DefaultStack {
    raw: RawStack,
}

// SAFETY: the memory is the value's own, and all that is reached through the owner pointer
// is either constant or behind a lock.
unsafe impl Send for DefaultStack {}
// SAFETY: a shared reference gives nothing but numbers that do not change.
unsafe impl Sync for DefaultStack {}

impl DefaultStack {
    /// The usable bytes of a stack whose size was not said, at least: 1 MiB.
    pub const SIZE: usize = 1 << 20;

    /// Maps a stack of its own with at least `size` usable bytes, [`MIN_STACK_SIZE`] at the
    /// least, above a guard of one page.
    ///
    /// # Errors
    ///
    /// A [`StackError`] inside an [`io::Error`]: the size is larger than a mapping can be,
    /// or what ran out.
    ///
    /// # Examples
    ///
    /// ```
    /// use segno::stack::DefaultStack;
    ///
    /// let stack = DefaultStack::new(256 * 1024)?;
    /// assert!(DefaultStack::new(usize::MAX).is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(size: usize) -> io::Result<Self> {
        Ok(Self::with_guard(size, 0)?)
    }

    /// Maps a stack of its own as [`new`](Self::new) does, with a guard of at least `guard`
    /// bytes, one page at the least.
    ///
    /// # Errors
    ///
    /// `TooLarge` if no mapping can have both sizes, otherwise what ran out.
    ///
    /// # Examples
    ///
    /// ```
    /// use segno::stack::{DefaultStack, Stack};
    ///
    /// let stack = DefaultStack::with_guard(256 * 1024, 64 * 1024)?;
    /// assert_eq!(stack.guard_size(), 64 * 1024);
    /// # Ok::<(), segno::error::StackError>(())
    /// ```
    pub fn with_guard(size: usize, guard: usize) -> Result<Self, StackError> {
        let mapping = Mapping::new(size.max(MIN_STACK_SIZE), guard)?;
        let (base, limit, guard) = (mapping.base(), mapping.limit(), mapping.guard());
        let len = base.get() - limit.get();
        let own = Box::new(Own {
            head: Owner { guard },
            // SAFETY: from now on these bytes are a stack's.
            valgrind: unsafe { sanitize::register_stack(limit.get() + guard, base.get()) },
            _registration: Registration::new(&Extent {
                start: limit.get(),
                len,
                stride: len,
                guard,
                coloured: false,
            }),
            mapping,
        });
        let owner = NonNull::from(Box::leak(own))
            .cast()
            .map_addr(|address| address | OWN);
        Ok(Self {
            raw: RawStack { base, limit, owner },
        })
    }

    /// Takes a stack from the [global pool](Pool::global), as `default` does, but answers
    /// an error where that panics.
    ///
    /// # Errors
    ///
    /// What the system ran out of.
    ///
    /// # Examples
    ///
    /// ```
    /// let stack = segno::stack::DefaultStack::try_default()?;
    /// # Ok::<(), segno::error::StackError>(())
    /// ```
    #[inline]
    pub fn try_default() -> Result<Self, StackError> {
        match cache::take_global() {
            Some(raw) => Ok(Self { raw }),
            None => {
                // Word by word, so that the likely branch can stay in registers.
                let RawStack { base, limit, owner } = Pool::global().take_shared()?;
                Ok(Self {
                    raw: RawStack { base, limit, owner },
                })
            }
        }
    }

    /// The stack that `raw` is.
    ///
    /// # Safety
    ///
    /// The caller had the right to it, and keeps nothing of it.
    #[inline]
    pub(super) unsafe fn from_raw(raw: RawStack) -> Self {
        Self { raw }
    }

    /// Gives back what is no slot of the global pool. Takes the words one by one, so that
    /// the caller may have them in registers.
    ///
    /// # Safety
    ///
    /// They are those of a stack, of which the caller has nothing left.
    #[inline(never)]
    unsafe fn release(base: StackPointer, limit: StackPointer, owner: NonNull<Owner>) {
        let raw = RawStack { base, limit, owner };
        if raw.tag() == OWN {
            // SAFETY: the pointer is that of a leaked box, and this is the stack's end.
            drop(unsafe { Box::from_raw(raw.owner().cast::<Own>()) });
        } else {
            // SAFETY: a slot, and this is its end as a stack of the caller.
            unsafe { cache::give(raw) };
        }
    }
}

impl Default for DefaultStack {
    /// Takes a stack from the [global pool](Pool::global).
    ///
    /// # Panics
    ///
    /// With the text of the [`StackError`] if there is none;
    /// [`try_default`](DefaultStack::try_default) answers it instead.
    #[inline]
    fn default() -> Self {
        // Not by way of `try_default`, whose `Result` would not be moved word by word.
        match cache::take_global() {
            Some(raw) => Self { raw },
            None => {
                let RawStack { base, limit, owner } = shared_or_panic();
                Self {
                    raw: RawStack { base, limit, owner },
                }
            }
        }
    }
}

#[cold]
#[inline(never)]
fn shared_or_panic() -> RawStack {
    match Pool::global().take_shared() {
        Ok(raw) => raw,
        Err(error) => panic!("{error}"),
    }
}

impl Drop for DefaultStack {
    #[inline]
    fn drop(&mut self) {
        let RawStack { base, limit, owner } = self.raw;
        let raw = RawStack { base, limit, owner };
        // SAFETY: nobody uses the stack any more, and this is its end as a stack of ours.
        unsafe {
            if raw.tag() == GLOBAL {
                cache::give_global(raw);
            } else {
                Self::release(base, limit, owner);
            }
        }
    }
}

impl fmt::Debug for DefaultStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultStack")
            .field("base", &format_args!("{:#x}", self.raw.base))
            .field("limit", &format_args!("{:#x}", self.raw.limit))
            .field("guard_size", &self.raw.guard())
            .field("pooled", &(self.raw.tag() != OWN))
            .finish()
    }
}

// SAFETY: slots do not overlap, and neither do mappings; each belongs to one value until
// that is dropped. Both have a guard at the low end, and at least MIN_STACK_SIZE bytes
// above it, by `Layout::new` and `with_guard`. Pages and colours are multiples of 16.
unsafe impl Stack for DefaultStack {
    #[inline]
    fn base(&self) -> StackPointer {
        self.raw.base
    }

    #[inline]
    fn limit(&self) -> StackPointer {
        self.raw.limit
    }

    #[inline]
    fn guard_size(&self) -> usize {
        self.raw.guard()
    }
}
