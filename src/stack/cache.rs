//! The stacks that a thread holds ready for itself.
//!
//! ```text
//! Caches, one per thread
//!   way 0   global pool   [ s s s s s . . . . . . . . . . . ]  up to 16 stacks,
//!   way 1   some pool     [ s s . . . . . . . . . . . . . . ]  last in, first out
//!   way 2   another pool  [ . . . . . . . . . . . . . . . . ]
//!   way 3   nobody
//! ```
//!
//! Taking and giving in the steady state is a few loads and stores in thread-local memory.
//! An empty or full way exchanges half of its stacks with the shared pool. A pool without a
//! way takes one from another pool, in turns; the global pool's is never taken.
//!
//! The memory has no destructor, so that its use asks nothing but how many stacks there
//! are. A second thread-local has one: it is touched when a way is assigned, gives
//! everything back at the thread's end, and leaves behind ways that can hold nothing, so
//! that stacks dropped after it go straight to the shared pool.
//!
//! # Safety
//!
//! The first `len` stacks of a way belong to the cache: they were given to it and are out
//! of the shared pool, so that their slabs are alive.

#![allow(
    unsafe_code,
    reason = "hands out and takes back the right to use a stack"
)]

use alloc::sync::Arc;
use core::cell::Cell;
use core::hint;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

use super::StackPointer;
use super::default::{Owner, RawStack};
use super::pool::Core;
use crate::error::StackError;

/// The identity of the global pool.
pub(super) const GLOBAL: usize = 1;
const NOBODY: usize = 0;

/// Where thread-locals are made of keys, memory without a destructor goes when its key does,
/// which may be too early for [`AtExit`]: nothing is cached there.
const KEYED_THREAD_LOCALS: bool = cfg!(any(
    target_os = "android",
    target_os = "haiku",
    target_os = "illumos",
    target_os = "openbsd",
    target_os = "solaris",
));

const WAYS: usize = 4;
const DEPTH: usize = 16;

struct Caches {
    ways: [Way; WAYS],
    /// The way that was reassigned last.
    turn: Cell<usize>,
}

struct Way {
    /// How many stacks there are.
    len: Cell<usize>,
    /// How many there may be: `DEPTH`, or what the pool allows, or zero.
    capacity: Cell<usize>,
    /// The identity of the pool that they belong to.
    pool: Cell<usize>,
    stacks: Stacks,
}

/// An array of stacks, word by word. Were the words of one stack neighbours, the compiler
/// would join two of them to write it and two others to read it, and the processor cannot
/// forward what was written to a load that straddles two stores.
struct Stacks {
    bases: [Cell<MaybeUninit<StackPointer>>; DEPTH],
    limits: [Cell<MaybeUninit<StackPointer>>; DEPTH],
    owners: [Cell<MaybeUninit<NonNull<Owner>>>; DEPTH],
}

impl Stacks {
    const fn new() -> Self {
        Self {
            bases: [const { Cell::new(MaybeUninit::uninit()) }; DEPTH],
            limits: [const { Cell::new(MaybeUninit::uninit()) }; DEPTH],
            owners: [const { Cell::new(MaybeUninit::uninit()) }; DEPTH],
        }
    }

    /// # Safety
    ///
    /// `place` is less than `DEPTH`, and was written.
    #[inline(always)]
    unsafe fn get(&self, place: usize) -> RawStack {
        // SAFETY: the caller says so.
        unsafe {
            RawStack {
                base: self.bases.get_unchecked(place).get().assume_init(),
                limit: self.limits.get_unchecked(place).get().assume_init(),
                owner: self.owners.get_unchecked(place).get().assume_init(),
            }
        }
    }

    /// # Safety
    ///
    /// `place` is less than `DEPTH`.
    #[inline(always)]
    unsafe fn set(&self, place: usize, stack: RawStack) {
        // SAFETY: the caller says so.
        unsafe {
            self.bases
                .get_unchecked(place)
                .set(MaybeUninit::new(stack.base));
            self.limits
                .get_unchecked(place)
                .set(MaybeUninit::new(stack.limit));
            self.owners
                .get_unchecked(place)
                .set(MaybeUninit::new(stack.owner));
        }
    }
}

/// Empties the caches when its thread ends.
struct AtExit;

std::thread_local! {
    static CACHES: Caches = const {
        Caches { ways: [const { Way::new() }; WAYS], turn: Cell::new(0) }
    };
    static AT_EXIT: AtExit = const { AtExit };
}

/// Some stacks on their way between a thread and the shared pool.
pub(super) struct Batch {
    stacks: [MaybeUninit<RawStack>; DEPTH],
    len: usize,
}

impl Batch {
    fn new() -> Self {
        Self {
            stacks: [const { MaybeUninit::uninit() }; DEPTH],
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push(&mut self, stack: RawStack) {
        self.stacks[self.len].write(stack);
        self.len += 1;
    }

    fn as_slice(&self) -> &[RawStack] {
        // SAFETY: the first `len` are written.
        unsafe { self.stacks[..self.len].assume_init_ref() }
    }
}

impl Way {
    const fn new() -> Self {
        Self {
            len: Cell::new(0),
            capacity: Cell::new(0),
            pool: Cell::new(NOBODY),
            stacks: Stacks::new(),
        }
    }

    #[inline]
    fn pop(&self) -> Option<RawStack> {
        let len = self.len.get();
        if len == 0 {
            return None;
        }
        self.len.set(len - 1);
        // SAFETY: `len` is at most DEPTH, and the first `len` are written.
        Some(unsafe { self.stacks.get(len - 1) })
    }

    /// Adds a stack if there is room.
    #[inline]
    fn push(&self, stack: RawStack) -> bool {
        let len = self.len.get();
        if len >= self.capacity.get() {
            return false;
        }
        // SAFETY: `len` is less than the capacity, which is at most DEPTH.
        unsafe { self.stacks.set(len, stack) };
        self.len.set(len + 1);
        true
    }

    /// Takes out the `count` stacks that were given longest ago.
    fn oldest(&self, count: usize) -> Batch {
        let mut batch = Batch::new();
        let len = self.len.get();
        let count = count.min(len);
        for place in 0..len {
            // SAFETY: the first `len` are written, and `len` is at most DEPTH.
            unsafe {
                let stack = self.stacks.get(place);
                match place.checked_sub(count) {
                    None => batch.push(stack),
                    Some(lower) => self.stacks.set(lower, stack),
                }
            }
        }
        self.len.set(len - count);
        batch
    }
}

impl Caches {
    #[inline]
    fn way(&self, pool: usize) -> Option<&Way> {
        self.ways.iter().find(|way| way.pool.get() == pool)
    }

    /// The way of this pool, assigned now if need be. None if the pool allows no cache, has
    /// no handle left, or the thread is about to end.
    fn assigned(&self, core: &Core) -> Option<&Way> {
        if let Some(way) = self.way(core.id()) {
            return (way.capacity.get() > 0 && !core.closed()).then_some(way);
        }
        let capacity = core.cache_depth().min(DEPTH);
        if KEYED_THREAD_LOCALS
            || capacity == 0
            || core.closed()
            || AT_EXIT.try_with(|_| ()).is_err()
        {
            return None;
        }
        let way = if core.id() == GLOBAL {
            &self.ways[0]
        } else {
            self.turn.set(self.turn.get() % (WAYS - 1) + 1);
            &self.ways[self.turn.get()]
        };
        // Emptied first: giving back can unmap, and nothing may find the way half assigned.
        give_back(&way.oldest(DEPTH));
        way.pool.set(core.id());
        way.capacity.set(capacity);
        Some(way)
    }
}

impl Drop for AtExit {
    fn drop(&mut self) {
        let _ = CACHES.try_with(|caches| {
            for way in &caches.ways {
                way.capacity.set(0);
                give_back(&way.oldest(DEPTH));
            }
        });
    }
}

/// Gives stacks that were in a way back to their pool.
fn give_back(batch: &Batch) {
    if let [first, ..] = batch.as_slice() {
        // SAFETY: the stacks of a way are slots of one pool that are handed out. The clone
        // keeps the pool for as long as it works on them.
        unsafe {
            let core = Arc::clone(first.slab().core());
            core.give(batch.as_slice());
        }
    }
}

/// Calls `f` with the calling thread's caches.
///
/// The address is asked for anew each time, behind a call that the compiler cannot see
/// through: it would compute the address once in a function that takes stacks both before
/// and after a suspension, and use another thread's caches if its coroutine has moved.
#[inline(always)]
fn with_caches<T>(f: impl FnOnce(&Caches) -> T) -> T {
    #[inline(never)]
    fn address() -> *const Caches {
        // Without the black box the function would be known to have no effect, and two calls
        // of it to be as good as one.
        hint::black_box(());
        CACHES.with(ptr::from_ref)
    }
    // SAFETY: a thread-local without a destructor is there as long as its thread, which is
    // the calling one, as `f` does not suspend.
    f(unsafe { &*address() })
}

/// Takes a stack of the global pool, if the thread holds one.
#[inline]
pub(super) fn take_global() -> Option<RawStack> {
    with_caches(|caches| caches.ways[0].pop())
}

/// Gives back a stack of the global pool.
///
/// # Safety
///
/// It is one, and the caller has nothing left of it.
#[inline]
pub(super) unsafe fn give_global(stack: RawStack) {
    if !with_caches(|caches| caches.ways[0].push(stack)) {
        // SAFETY: the caller says so.
        unsafe { spill(stack.base, stack.limit, stack.owner) };
    }
}

/// Takes a stack of this pool, if the thread holds one.
#[inline]
pub(super) fn take(pool: usize) -> Option<RawStack> {
    with_caches(|caches| caches.way(pool)?.pop())
}

/// Gives back a stack of any pool.
///
/// # Safety
///
/// It is a slot, and the caller has nothing left of it.
#[inline]
pub(super) unsafe fn give(stack: RawStack) {
    // SAFETY: the slot is handed out, until it is given away below.
    let slab = unsafe { stack.slab() };
    let push = |caches: &Caches| {
        caches
            .way(slab.pool())
            .is_some_and(|way| !slab.core().closed() && way.push(stack))
    };
    if !with_caches(push) {
        // SAFETY: the caller says so.
        unsafe { spill(stack.base, stack.limit, stack.owner) };
    }
}

/// Takes a stack from the shared pool, and some more for the next time.
#[cold]
#[inline(never)]
pub(super) fn refill(core: &Arc<Core>) -> Result<RawStack, StackError> {
    let with_way = |way: Option<&Way>| {
        let mut batch = Batch::new();
        let spare = way.map_or(0, |way| way.capacity.get() / 2);
        let stack = core.take(spare, &mut batch)?;
        if let Some(way) = way {
            // The one that was given back last is to be taken next.
            for &stack in batch.as_slice().iter().rev() {
                way.push(stack);
            }
        }
        Ok(stack)
    };
    with_caches(|caches| with_way(caches.assigned(core)))
}

/// Gives back a stack for which the thread's cache has no room. Takes the words one by one,
/// so that the caller may have them in registers.
///
/// # Safety
///
/// As [`give`].
#[cold]
#[inline(never)]
unsafe fn spill(base: StackPointer, limit: StackPointer, owner: NonNull<Owner>) {
    let stack = RawStack { base, limit, owner };
    // SAFETY: the slot is handed out, until it is given away below.
    let core = Arc::clone(unsafe { stack.slab() }.core());
    let push = |caches: &Caches| {
        let Some(way) = caches.assigned(&core) else {
            return false;
        };
        if way.len.get() == way.capacity.get() {
            give_back(&way.oldest(way.len.get().div_ceil(2)));
        }
        way.push(stack)
    };
    if !with_caches(push) {
        // SAFETY: a slot of this pool, and the caller has nothing left of it.
        unsafe { core.give(&[stack]) };
    }
}

/// Gives back what the calling thread holds of a pool.
pub(super) fn flush(core: &Core) {
    with_caches(|caches| {
        if let Some(way) = caches.way(core.id()) {
            give_back(&way.oldest(DEPTH));
        }
    });
}

/// How many stacks of a pool the calling thread holds.
pub(super) fn ready(pool: usize) -> usize {
    with_caches(|caches| caches.way(pool).map_or(0, |way| way.len.get()))
}
