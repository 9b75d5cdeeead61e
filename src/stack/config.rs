//! What a pool can be told, and what it tells.

#![forbid(unsafe_code)]

use super::Pool;

/// How the guard of a slot is made.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GuardKind {
    /// A mark in the page tables (`MADV_GUARD_INSTALL`, Linux 6.13 and later). The slab
    /// stays one mapping however many stacks it holds.
    Region,
    /// Pages that `mprotect` took away. Each stack takes up to two of the mappings that a
    /// process may have, so that the default of Linux, 65,530, ends at some 32,700 stacks.
    Mprotect,
}

/// Configures a [`Pool`]; from [`Pool::builder`].
///
/// # Examples
///
/// ```
/// use segno::stack::Pool;
///
/// let pool = Pool::builder()
///     .slot_size(64 * 1024)
///     .max_idle(100)
///     .keep_resident(4096)
///     .build();
/// # #[cfg(all(unix, feature = "std"))]
/// assert!(pool.stack_size() > 32 * 1024);
/// ```
#[must_use]
#[derive(Clone, Debug)]
#[cfg_attr(
    not(all(unix, feature = "std")),
    allow(dead_code, reason = "where there are no stacks, nobody asks how large")
)]
pub struct PoolBuilder {
    /// The whole slot; without one, what 1 MiB usable takes.
    pub(super) slot_size: Option<usize>,
    pub(super) guard_size: usize,
    pub(super) max_idle: usize,
    pub(super) keep_resident: usize,
    pub(super) colour: bool,
    pub(super) guard: GuardKind,
}

impl PoolBuilder {
    pub(super) const fn new() -> Self {
        Self {
            slot_size: None,
            guard_size: 1,
            max_idle: 1024,
            keep_resident: 1,
            colour: true,
            guard: GuardKind::Region,
        }
    }

    /// Sets the size of a slot in bytes, guard and colour included; rounded up to whole
    /// pages, and to what [`MIN_STACK_SIZE`](super::MIN_STACK_SIZE) usable bytes take.
    ///
    /// Without it a slot has 1 MiB of usable bytes. A size that no slab can hold is
    /// reported by [`Pool::take`].
    pub fn slot_size(mut self, bytes: usize) -> Self {
        self.slot_size = Some(bytes);
        self
    }

    /// Sets the size of the guard in bytes, one page if not said; rounded up to whole
    /// pages, one at the least.
    ///
    /// On x86, x86_64 and aarch64 Rust touches every page of a large frame in order, so that
    /// one page stops it; on other targets a frame larger than the guard may jump over it. Code
    /// of other languages on the stack may step over a small guard.
    pub fn guard_size(mut self, bytes: usize) -> Self {
        self.guard_size = bytes;
        self
    }

    /// Sets how many idle stacks keep all the memory that they touched, 1024 if not said.
    ///
    /// A stack given back beyond that number is cut back to
    /// [`keep_resident`](Self::keep_resident) bytes. Not counted are the stacks that a
    /// thread holds ready for itself, up to 16 and not more than this number; zero
    /// therefore means that every stack is cut back.
    pub fn max_idle(mut self, stacks: usize) -> Self {
        self.max_idle = stacks;
        self
    }

    /// Sets how many bytes a stack that is cut back keeps at its base, one page if not
    /// said; rounded up to whole pages, and zero is possible.
    pub fn keep_resident(mut self, bytes: usize) -> Self {
        self.keep_resident = bytes;
        self
    }

    /// Sets whether bases are coloured, true if not said.
    ///
    /// Slots lie at equal distances, so without colours the busiest words of all stacks
    /// would compete for the same few sets of the cache. A colour lowers the base of slot
    /// *n* by (*n* mod 16) × 64 bytes.
    pub fn colour(mut self, colour: bool) -> Self {
        self.colour = colour;
        self
    }

    /// Sets how guards are made, for measuring and for kernels whose guard regions
    /// misbehave. `Region`, the default, still means [`GuardKind::Mprotect`] where guard
    /// regions are not proved to work.
    pub fn guard(mut self, kind: GuardKind) -> Self {
        self.guard = kind;
        self
    }

    /// Makes the pool. It maps nothing until a stack is taken.
    pub fn build(self) -> Pool {
        Pool::with_config(&self)
    }
}

/// What a pool holds at one moment, from [`Pool::stats`].
///
/// # Examples
///
/// ```
/// # #[cfg(all(unix, feature = "std"))] {
/// use segno::stack::Pool;
///
/// let pool = Pool::builder().build();
/// let stack = pool.take()?;
/// assert_eq!((pool.stats().in_use, pool.stats().idle), (1, 0));
/// drop(stack);
/// assert_eq!((pool.stats().in_use, pool.stats().idle), (0, 1));
/// # }
/// # Ok::<(), segno::error::StackError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolStats {
    /// Slots that are handed out, those included that other threads hold ready for
    /// themselves.
    pub in_use: usize,
    /// Slots that were handed out before and are back, those included that the calling
    /// thread holds ready.
    pub idle: usize,
    /// Slabs that are mapped.
    pub slabs: usize,
    /// The address space of those slabs, in bytes.
    pub reserved: usize,
    /// How the guards of this pool are made.
    pub guard: GuardKind,
}
