//! The pool of stacks.
//!
//! ```text
//!   thread            thread                     each has a cache of up to 16 stacks
//!     │ take, give      │                        (cache.rs): no lock, no system call
//!     ▼                 ▼
//!   ┌──────────────────────────────┐
//!   │ idle: cut │ kept             │  Core: one lock, stacks move in batches
//!   └──────────────────────────────┘
//!   slabs:  [ … out, idle … | fresh ]  slots that were never handed out have no guard yet
//! ```
//!
//! A stack comes, in this order, from the thread's cache, from the end of the idle list,
//! from the fresh slots of the newest slab, or from a new slab. It goes back to the cache,
//! and from there to the idle list: among the *kept*, whose memory stays, while there are
//! fewer than `max_idle` of them, and else among the *cut*.
//!
//! A slab owns its pool's core, and the core its slabs. The circle is broken when the last
//! handle goes: slabs with no slot out are unmapped then, each of the others when its last
//! slot comes back. A slot that never comes back keeps its slab, and so is never reused.
//!
//! # Safety
//!
//! A stack in a list here is owned by the list: whoever gave it has nothing left of it.

#![allow(
    unsafe_code,
    reason = "reaches a slab through the stacks that it handed out"
)]

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicUsize};
use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::cache::{self, Batch};
use super::config::{GuardKind, PoolBuilder, PoolStats};
use super::default::{DefaultStack, RawStack};
use super::exhausted::{Attempt, cause};
use super::guard;
use super::slab::{Layout, Slab};
use crate::error::StackError;

/// The slots of a first slab. Each further slab doubles what there is.
const FEWEST_SLOTS: usize = 16;
/// With slabs no larger than this, a million slots take 28 of them.
const MOST_SLOTS: usize = 1 << 16;
/// No slab takes more than a small part of the address space.
const MOST_BYTES: usize = if usize::BITS >= 64 { 1 << 36 } else { 1 << 27 };

/// A pool of stacks of one size, shared by all who hold a clone of it.
///
/// Taking a stack and giving it back, which dropping it does, needs no lock and no system
/// call while the thread's cache of up to 16 stacks is neither empty nor full. Stacks may be
/// given back by any thread.
///
/// Stacks that are out stay valid when the pool is dropped; each slab is unmapped when all
/// of its stacks are back, those in the caches of other threads included. The memory of a stack that is forgotten is never used again.
///
/// The idea of page-table guards in one large reservation follows the man page of
/// `madvise(2)`; the pool as a list with bounds for what may stay resident is that of
/// wasmtime's pooling allocator.
///
/// # Examples
///
/// ```
/// use segno::stack::{Pool, Stack};
///
/// let pool = Pool::builder().slot_size(64 * 1024).build();
/// let stack = pool.take()?;
/// assert!(stack.base().get() - stack.limit().get() >= pool.stack_size());
/// # Ok::<(), segno::error::StackError>(())
/// ```
#[derive(Clone)]
pub struct Pool {
    handle: Arc<Handle>,
}

/// What the clones of a pool have in common; its end is the end of the pool.
struct Handle {
    core: Arc<Core>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.core.close();
        cache::flush(&self.core);
    }
}

impl Pool {
    /// Starts to configure a pool.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = segno::stack::Pool::builder().slot_size(128 * 1024).build();
    /// ```
    pub fn builder() -> PoolBuilder {
        PoolBuilder::new()
    }

    /// The pool that the default constructors take from, whose stacks have 1 MiB usable.
    ///
    /// # Examples
    ///
    /// ```
    /// use segno::stack::Pool;
    ///
    /// assert!(Pool::global().stack_size() >= 1 << 20);
    /// ```
    pub fn global() -> &'static Self {
        static GLOBAL: OnceLock<Pool> = OnceLock::new();
        GLOBAL.get_or_init(|| Self::new(&PoolBuilder::new(), cache::GLOBAL))
    }

    pub(super) fn with_config(config: &PoolBuilder) -> Self {
        // Identities are not addresses, since those are used again.
        static NEXT: AtomicUsize = AtomicUsize::new(cache::GLOBAL + 1);
        let id = NEXT.fetch_add(1, Relaxed);
        assert!(id > cache::GLOBAL, "more pools than there are numbers");
        Self::new(config, id)
    }

    fn new(config: &PoolBuilder, id: usize) -> Self {
        let core = Arc::new(Core {
            id,
            layout: Layout::new(config),
            max_idle: config.max_idle,
            keep_resident: config.keep_resident,
            guard: config.guard,
            closed: AtomicBool::new(false),
            state: Mutex::new(State {
                slabs: Vec::new(),
                newest: None,
                slots: 0,
                out: 0,
                idle: Vec::new(),
                cut: 0,
            }),
        });
        Self {
            handle: Arc::new(Handle { core }),
        }
    }

    fn core(&self) -> &Arc<Core> {
        &self.handle.core
    }

    /// Takes a stack, which goes back to the pool when it is dropped.
    ///
    /// Its contents are anything: an earlier user's, or zeros.
    ///
    /// # Errors
    ///
    /// `TooLarge` if a slot of this size cannot be, and otherwise what the system ran out
    /// of. After an error the pool works on, and stacks that come back can be taken again.
    ///
    /// # Examples
    ///
    /// ```
    /// use segno::stack::Pool;
    ///
    /// let stack = Pool::global().take()?;
    /// # Ok::<(), segno::error::StackError>(())
    /// ```
    #[inline]
    pub fn take(&self) -> Result<DefaultStack, StackError> {
        let core = self.core();
        let stack = match cache::take(core.id) {
            Some(stack) => stack,
            None => cache::refill(core)?,
        };
        // SAFETY: it left the pool, so it is nobody else's.
        Ok(unsafe { DefaultStack::from_raw(stack) })
    }

    /// What [`take`](Self::take) does when the thread holds no stack.
    #[cold]
    pub(super) fn take_shared(&self) -> Result<RawStack, StackError> {
        cache::refill(self.core())
    }

    /// The usable bytes of each stack, at least: guard and colour are not counted. Zero if
    /// slots of the size asked for cannot be.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = segno::stack::Pool::builder().slot_size(1 << 20).build();
    /// assert!(pool.stack_size() < 1 << 20);
    /// ```
    pub fn stack_size(&self) -> usize {
        self.core().layout.as_ref().map_or(0, Layout::usable)
    }

    /// The bytes of guard below each stack. Zero if slots of the size asked for cannot be.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = segno::stack::Pool::builder().guard_size(64 * 1024).build();
    /// assert_eq!(pool.guard_size(), 64 * 1024);
    /// ```
    pub fn guard_size(&self) -> usize {
        self.core().layout.as_ref().map_or(0, |layout| layout.guard)
    }

    /// Gives the memory of all idle stacks back to the system, and answers how many slots
    /// that were.
    ///
    /// Slabs with no slot out are unmapped; idle slots of the others lose their contents,
    /// [`keep_resident`](PoolBuilder::keep_resident) bytes included. The stacks that the
    /// calling thread holds ready are among them; those of other threads are not.
    ///
    /// # Examples
    ///
    /// ```
    /// use segno::stack::Pool;
    ///
    /// let pool = Pool::builder().build();
    /// drop(pool.take()?);
    /// assert_eq!(pool.trim(), 1);
    /// assert_eq!(pool.stats().reserved, 0);
    /// # Ok::<(), segno::error::StackError>(())
    /// ```
    pub fn trim(&self) -> usize {
        cache::flush(self.core());
        self.core().trim()
    }

    /// What the pool holds now. Where other threads take and give at the same time, the
    /// numbers are of one moment nevertheless.
    ///
    /// # Examples
    ///
    /// ```
    /// use segno::stack::Pool;
    ///
    /// let pool = Pool::builder().build();
    /// let stacks = [pool.take()?, pool.take()?];
    /// assert_eq!(pool.stats().in_use, 2);
    /// # Ok::<(), segno::error::StackError>(())
    /// ```
    pub fn stats(&self) -> PoolStats {
        let core = self.core();
        let ready = cache::ready(core.id);
        let state = core.lock();
        PoolStats {
            in_use: state.out - ready,
            idle: state.idle.len() + ready,
            slabs: state.mapped().count(),
            reserved: state.mapped().map(|entry| entry.slab.bytes()).sum(),
            guard: core.guard_kind(),
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("stack_size", &self.stack_size())
            .field("stats", &self.stats())
            .finish()
    }
}

/// The pool itself.
pub(super) struct Core {
    id: usize,
    layout: Result<Layout, StackError>,
    max_idle: usize,
    keep_resident: usize,
    guard: GuardKind,
    /// Whether all handles are gone. The state has the last word; without the lock this is
    /// a hint that keeps a cache from holding what nobody can take.
    closed: AtomicBool,
    state: Mutex<State>,
}

struct State {
    slabs: Vec<Option<SlabEntry>>,
    /// The only slab that has fresh slots.
    newest: Option<u32>,
    /// How many slots all slabs have.
    slots: usize,
    /// How many slots are handed out, to a cache or beyond.
    out: usize,
    /// The idle slots: `cut` ones that were cut back, then those that kept their memory.
    idle: Vec<SlotId>,
    cut: usize,
}

struct SlabEntry {
    slab: Arc<Slab>,
    /// The number of slots that were ever handed out; those above are fresh.
    used: usize,
    out: usize,
}

#[derive(Clone, Copy)]
struct SlotId {
    slab: u32,
    slot: u32,
}

impl State {
    fn mapped(&self) -> impl Iterator<Item = &SlabEntry> {
        self.slabs.iter().flatten()
    }

    fn entry(&mut self, slab: u32) -> &mut SlabEntry {
        self.slabs[slab as usize]
            .as_mut()
            .expect("a slab with slots out stays mapped")
    }

    fn hand_out(&mut self, id: SlotId) -> RawStack {
        self.out += 1;
        let entry = self.entry(id.slab);
        entry.out += 1;
        entry.slab.stack(id.slot as usize)
    }

    /// The idle slot that was given back last, one that kept its memory if possible.
    fn take_idle(&mut self) -> Option<RawStack> {
        let id = self.idle.pop()?;
        self.cut = self.cut.min(self.idle.len());
        Some(self.hand_out(id))
    }

    /// Notes that a stack is back; answers its slot.
    ///
    /// # Safety
    ///
    /// The stack was handed out by this pool.
    unsafe fn take_back(&mut self, stack: &RawStack) -> SlotId {
        // SAFETY: a slab with a slot out is mapped and alive.
        let slab = unsafe { stack.slab() };
        let id = SlotId {
            slab: slab.index(),
            slot: slab.slot_of(stack) as u32,
        };
        self.out -= 1;
        self.entry(id.slab).out -= 1;
        id
    }

    /// Takes out the slabs that have no slot out. They are unmapped when the caller drops
    /// them, which must not be under the lock: the last one may take the pool with it.
    fn remove_idle_slabs(&mut self) -> Vec<SlabEntry> {
        let unused = |entry: &mut SlabEntry| entry.out == 0;
        let gone: Vec<_> = self
            .slabs
            .iter_mut()
            .filter_map(|place| place.take_if(unused))
            .collect();
        self.slots -= gone.iter().map(|entry| entry.slab.slots()).sum::<usize>();
        if self
            .newest
            .is_some_and(|newest| self.slabs[newest as usize].is_none())
        {
            self.newest = None;
        }
        let (slabs, mut place, mut cut) = (&self.slabs, 0, self.cut);
        self.idle.retain(|id| {
            let stays = slabs[id.slab as usize].is_some();
            if !stays && place < self.cut {
                cut -= 1;
            }
            place += 1;
            stays
        });
        self.cut = cut;
        gone
    }
}

impl Core {
    /// The pool's identity, never used again.
    pub(super) fn id(&self) -> usize {
        self.id
    }

    /// Whether all handles are gone, so that nobody can take a stack any more.
    pub(super) fn closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    /// How many stacks a thread may hold ready.
    pub(super) fn cache_depth(&self) -> usize {
        self.max_idle
    }

    fn guard_kind(&self) -> GuardKind {
        match self.guard {
            GuardKind::Region => guard::proved(),
            GuardKind::Mprotect => GuardKind::Mprotect,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one stack, and up to `spare` more if they are idle and kept their memory.
    pub(super) fn take(
        self: &Arc<Self>,
        spare: usize,
        batch: &mut Batch,
    ) -> Result<RawStack, StackError> {
        let mut state = self.lock();
        let Some(stack) = state.take_idle() else {
            return self.take_fresh(&mut state);
        };
        while batch.len() < spare && state.idle.len() > state.cut {
            match state.take_idle() {
                Some(spare) => batch.push(spare),
                None => break,
            }
        }
        Ok(stack)
    }

    #[cold]
    fn take_fresh(self: &Arc<Self>, state: &mut State) -> Result<RawStack, StackError> {
        let slab = match state.newest {
            Some(newest) => newest,
            None => self.grow(state)?,
        };
        let entry = state.entry(slab);
        let slot = entry.used;
        entry.slab.prepare(slot, self.guard_kind())?;
        entry.used += 1;
        if entry.used == entry.slab.slots() {
            state.newest = None;
        }
        Ok(state.hand_out(SlotId {
            slab,
            slot: slot as u32,
        }))
    }

    /// Maps one more slab, as large as all others together, or as can be had.
    fn grow(self: &Arc<Self>, state: &mut State) -> Result<u32, StackError> {
        let layout = self.layout?;
        let place = state.slabs.iter().position(Option::is_none);
        let index = place.unwrap_or(state.slabs.len()) as u32;
        let most = (MOST_BYTES / layout.stride).max(1);
        let mut slots = state.slots.clamp(FEWEST_SLOTS, MOST_SLOTS).min(most);
        let slab = loop {
            match Slab::new(self, index, layout, slots) {
                Ok(slab) => break Arc::new(slab),
                Err(error) if slots > 1 && is_shortage(&error) => slots /= 2,
                Err(error) => return Err(cause(&error, Attempt::Map, slots * layout.stride)),
            }
        };
        // Room for every slot, so that giving one back never allocates. It takes memory as
        // it is filled.
        let room = state.slots + slots - state.idle.len();
        if state.idle.try_reserve(room).is_err() {
            return Err(StackError::Memory {
                bytes: room * size_of::<SlotId>(),
            });
        }
        let entry = SlabEntry {
            slab,
            used: 0,
            out: 0,
        };
        match place {
            Some(place) => state.slabs[place] = Some(entry),
            None => state.slabs.push(Some(entry)),
        }
        state.slots += slots;
        state.newest = Some(index);
        Ok(index)
    }

    /// Gives stacks back.
    ///
    /// # Safety
    ///
    /// They were handed out by this pool, and the caller has nothing left of them.
    pub(super) unsafe fn give(&self, stacks: &[RawStack]) {
        let mut state = self.lock();
        if self.closed() {
            for stack in stacks {
                // SAFETY: handed out by this pool.
                unsafe { state.take_back(stack) };
            }
            let gone = state.remove_idle_slabs();
            drop(state);
            drop(gone);
            return;
        }
        let room = self.max_idle.saturating_sub(state.idle.len() - state.cut);
        let (keep, cut) = stacks.split_at(room.min(stacks.len()));
        for stack in keep {
            // SAFETY: handed out by this pool.
            let id = unsafe { state.take_back(stack) };
            state.idle.push(id);
        }
        drop(state);
        if cut.is_empty() {
            return;
        }
        for stack in cut {
            // SAFETY: until it is taken back below, the slab is alive and the slot ours.
            unsafe {
                let slab = stack.slab();
                slab.cut_back(slab.slot_of(stack), self.keep_resident);
            }
        }
        let mut state = self.lock();
        for stack in cut {
            // SAFETY: handed out by this pool.
            let id = unsafe { state.take_back(stack) };
            let (end, boundary) = (state.idle.len(), state.cut);
            state.idle.push(id);
            state.idle.swap(boundary, end);
            state.cut += 1;
        }
        // The last handle may have gone while the lock was open.
        let gone = if self.closed() {
            state.remove_idle_slabs()
        } else {
            Vec::new()
        };
        drop(state);
        drop(gone);
    }

    fn trim(&self) -> usize {
        let mut state = self.lock();
        let trimmed = state.idle.len();
        let gone = state.remove_idle_slabs();
        for id in &state.idle {
            let entry = state.slabs[id.slab as usize].as_ref();
            let slab = &entry.expect("an idle slot's slab is mapped").slab;
            // SAFETY: the slot is in the idle list, and the lock keeps it there.
            unsafe { slab.cut_back(id.slot as usize, 0) };
        }
        state.cut = state.idle.len();
        drop(state);
        drop(gone);
        trimmed
    }

    fn close(&self) {
        let mut state = self.lock();
        self.closed.store(true, Relaxed);
        let gone = state.remove_idle_slabs();
        drop(state);
        drop(gone);
    }
}

fn is_shortage(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOMEM)
}
