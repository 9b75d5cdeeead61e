//! One stack, on which many computations take turns.
//!
//! ```text
//!                 base → +---------------+
//!                        | one tenant    |  running, or suspended where it stood
//! its stack pointer  →   +---------------+
//!                        | (gap)         |
//!    a nested one's base +---------------+  only while it runs on behalf of the one above
//!                        | nested tenant |
//!                        +---------------+
//!                        | free          |
//!                limit → +---------------+
//! ```
//!
//! A *tenant* is a computation with a base of its own in the region. While it is suspended,
//! its bytes, from its stack pointer up to its base, lie in their place or on the heap. One
//! tenant at most is suspended in its place, the *resident*: it stays there until another
//! one needs the bytes. What comes back comes back to the same addresses.
//!
//! While a tenant is running, it may make and resume others of the same region, which lie
//! below its stack pointer. Their bytes must not be in their place while code still runs on
//! the stack above them, since a call that it makes, or a signal, would write there. So it
//! steps aside: the copying, and the resume, are done on the stack from which the running
//! one was resumed, where nobody is below. A nested tenant that suspends is evicted at
//! once.
//!
//! # Safety
//!
//! Only [`Inner::state`] says whose bytes lie in place. A tenant's memory on the heap is
//! reached through raw pointers, from here and from its handle; it stays while it is
//! resident or running.

#![allow(unsafe_code, reason = "says whose the bytes of a stack are")]

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::error::CopyError;
use super::slice::Slice;
use super::watch::Watch;
use crate::engine;
use crate::error::StackError;
use crate::sanitize;
use crate::stack::{DefaultStack, MIN_STACK_SIZE, STACK_ALIGNMENT, Stack, StackPointer};
use crate::switch::{self, RETURNED};

/// A stack on which many computations take turns, each at the same addresses every time.
///
/// It is a handle: clones stand for the same stack, which is given back when the last of
/// them is gone, and the last computation. It belongs to the thread that made it.
///
/// ```
/// use segno::copy::{CompactCoroutine, Region};
///
/// let region = Region::new(256 * 1024)?;
/// let body = |yielder: &segno::Yielder<(), u32>, ()| {
///     for i in 0.. {
///         yielder.suspend(i);
///     }
/// };
/// // SAFETY: nobody but the body uses its variables.
/// let mut many: Vec<_> = (0..100).map(|_| unsafe { CompactCoroutine::<_, _, ()>::new(&region, body) }).collect();
/// for round in 0..3 {
///     for coroutine in &mut many {
///         assert_eq!(coroutine.resume(()).as_yield(), Some(round));
///     }
/// }
/// # Ok::<(), segno::error::StackError>(())
/// ```
#[derive(Clone)]
pub struct Region {
    inner: Rc<Inner>,
}

struct Inner {
    /// 0, or the address of the resident tenant, or that of the innermost running one with
    /// [`RUNNING`] added.
    state: Cell<usize>,
    /// The thread's number.
    thread: usize,
    /// Whether there are `orphans` and nobody is seeing to them.
    orphaned: Cell<bool>,
    caring: Cell<bool>,
    /// Tenants that were dropped while the region was busy.
    orphans: RefCell<Vec<NonNull<Tenant>>>,
    /// The lowest usable address.
    limit: usize,
    stack: DefaultStack,
}

/// Marks the tenant as running; an address of a tenant is even.
const RUNNING: usize = 1;

/// How many bytes below its stack pointer a running computation may use on its way to the
/// stack that it steps aside to.
const STEP_ROOM: usize = 1024;

/// How far below its maker a nested computation begins, apart from what its payloads take:
/// it can be resumed from calls that are that much deeper.
const NESTED_GAP: usize = 4096;

std::thread_local! {
    /// 0 in a thread that has made no region.
    static THREAD: Cell<usize> = const { Cell::new(0) };
}

/// The calling thread's number, which no other thread ever has.
#[cold]
#[inline(never)]
fn number_this_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    if THREAD.get() == 0 {
        THREAD.set(NEXT.fetch_add(1, Ordering::Relaxed));
    }
    THREAD.get()
}

/// What a region knows of a computation. It begins what a handle owns on the heap.
#[repr(C)]
pub(super) struct Tenant {
    pub(super) region: Region,
    /// The highest address of its bytes.
    base: StackPointer,
    kind: &'static Kind,
    pub(super) slice: Slice,
    watch: Watch,
}

/// What differs between tenants.
pub(super) struct Kind {
    /// Its stack pointer, or [`RETURNED`] once it has ended.
    pub(super) stack_pointer: unsafe fn(NonNull<Tenant>) -> usize,
    /// Drops it for good; it is suspended, and its region is free.
    pub(super) drop: unsafe fn(NonNull<Tenant>),
}

impl Tenant {
    pub(super) fn new(place: &Place, kind: &'static Kind) -> Self {
        Self {
            region: place.region.clone(),
            base: place.base,
            kind,
            slice: Slice::EMPTY,
            watch: Watch::NONE,
        }
    }

    /// The lowest address of the bytes of a suspended tenant. One that suspended itself from
    /// another stack, which hangs on its own, does not say how far down its bytes reach.
    unsafe fn lowest(this: NonNull<Self>) -> usize {
        // SAFETY: the caller has a tenant.
        unsafe {
            let sp = (this.as_ref().kind.stack_pointer)(this);
            let limit = this.as_ref().region.inner.limit;
            if (limit..this.as_ref().base.get()).contains(&sp) {
                sp
            } else {
                limit
            }
        }
    }

    /// How many bytes it has.
    ///
    /// # Safety
    ///
    /// It is suspended.
    pub(super) unsafe fn size(this: NonNull<Self>) -> usize {
        // SAFETY: the caller has a tenant.
        unsafe { this.as_ref().base.get() - Self::lowest(this) }
    }

    /// A copy of its bytes, which begin at `from` now and belong at `sp`.
    ///
    /// # Safety
    ///
    /// It is suspended at `sp`.
    pub(super) unsafe fn copy(&self, from: usize, sp: usize) -> Slice {
        let mut slice = Slice::EMPTY;
        // SAFETY: its bytes stand still.
        unsafe { slice.save(from, from + (self.base.get() - sp)) };
        slice
    }

    /// Where the word is now that belongs at `sp`, the stack pointer, if that is its own
    /// stack's.
    pub(super) fn find(&self, sp: usize) -> Option<usize> {
        let inner = &*self.region.inner;
        if !(inner.limit..self.base.get()).contains(&sp) {
            None
        } else if inner.state.get() == core::ptr::from_ref(self) as usize {
            Some(sp)
        } else {
            Some(self.slice.address())
        }
    }

    /// Notes what its bytes are, now that it is suspended in its place.
    #[inline(always)]
    unsafe fn note(this: NonNull<Self>) {
        let _ = this;
        #[cfg(debug_assertions)]
        // SAFETY: its bytes stand still.
        unsafe {
            let tenant = this.as_ptr();
            (*tenant)
                .watch
                .note(Self::lowest(this), (*tenant).base.get());
        }
    }

    /// Panics, in debug builds, if its bytes, which are in place, were changed.
    #[inline(always)]
    unsafe fn check(this: NonNull<Self>) {
        let _ = this;
        #[cfg(debug_assertions)]
        // SAFETY: its bytes stand still.
        unsafe {
            let tenant = this.as_ptr();
            (*tenant)
                .watch
                .check(Self::lowest(this), (*tenant).base.get());
        }
    }

    /// Copies its bytes to the heap.
    #[inline]
    unsafe fn save(this: NonNull<Self>) {
        // SAFETY: it is suspended in its place.
        unsafe {
            let lowest = Self::lowest(this);
            let tenant = this.as_ptr();
            (*tenant).slice.save(lowest, (*tenant).base.get());
        }
    }

    /// Copies its bytes back to their place.
    #[inline]
    unsafe fn restore(this: NonNull<Self>) {
        // SAFETY: it was saved, and nobody is using what lies below its base.
        unsafe {
            let lowest = Self::lowest(this);
            let tenant = this.as_ref();
            let base = tenant.base.get();
            sanitize::forget_stack(tenant.region.inner.limit, base);
            tenant.slice.restore(lowest, base);
            Self::check(this);
        }
    }
}

/// Where a new tenant is to be laid out.
pub(super) struct Place {
    region: Region,
    base: StackPointer,
    /// Whether it lies below a running one.
    nested: bool,
}

/// Where a tenant may run now.
pub(super) enum Turn {
    /// It is the resident.
    Here,
    /// Below a running one, if anywhere: [`Region::nested`] knows.
    Nested,
}

/// The stack of one tenant, lent as long as its turn lasts.
#[derive(Debug)]
pub(super) struct Lease {
    limit: StackPointer,
    base: StackPointer,
}

// SAFETY: the region sees to it that one tenant at a time uses the bytes; its guard lies
// below the limit.
unsafe impl Stack for Lease {
    #[inline(always)]
    fn base(&self) -> StackPointer {
        self.base
    }

    #[inline(always)]
    fn limit(&self) -> StackPointer {
        self.limit
    }
}

impl Place {
    pub(super) fn is_nested(&self) -> bool {
        self.nested
    }

    pub(super) fn lease(&self) -> Lease {
        let limit = self.region.inner.limit;
        Lease {
            limit: StackPointer::new(limit).unwrap_or(self.base),
            base: self.base,
        }
    }

    /// Lets `lay_out` lay the tenant out, and takes it in.
    ///
    /// # Safety
    ///
    /// `lay_out` makes the tenant a suspended one on this place's lease, and does not
    /// unwind.
    pub(super) unsafe fn take(self, tenant: NonNull<Tenant>, lay_out: impl FnOnce()) {
        let inner = &*self.region.inner;
        if self.nested {
            let mut lay_out = Some(lay_out);
            // SAFETY: nobody is running below the running one's stack pointer.
            unsafe {
                self.region.aside(&mut || {
                    if let Some(lay_out) = lay_out.take() {
                        lay_out();
                    }
                    Tenant::note(tenant);
                    Tenant::save(tenant);
                });
            }
        } else {
            lay_out();
            // SAFETY: it is suspended now.
            unsafe { Tenant::note(tenant) };
            inner.state.set(tenant.as_ptr() as usize);
        }
    }
}

impl Region {
    /// A region with at least `size` usable bytes, [`MIN_STACK_SIZE`] at the least, above a
    /// guard.
    ///
    /// The stack of the deepest computation has to fit, once: only what is suspended in it
    /// is ever copied. Pages that were never touched take no memory.
    ///
    /// # Errors
    ///
    /// What ran out, or that no stack can have that size.
    pub fn new(size: usize) -> Result<Self, StackError> {
        Ok(Self::with_stack(DefaultStack::with_guard(size, 0)?))
    }

    /// A region on this stack.
    pub fn with_stack(stack: DefaultStack) -> Self {
        Self {
            inner: Rc::new(Inner {
                state: Cell::new(0),
                thread: number_this_thread(),
                orphaned: Cell::new(false),
                caring: Cell::new(false),
                orphans: RefCell::new(Vec::new()),
                limit: stack.limit().get() + stack.guard_size(),
                stack,
            }),
        }
    }

    /// The usable bytes.
    pub fn size(&self) -> usize {
        self.inner.stack.base().get() - self.inner.limit
    }

    /// Whether this is the region's thread.
    #[inline(always)]
    pub(super) fn is_here(&self) -> bool {
        THREAD.get() == self.inner.thread
    }

    /// Whether the tenant is suspended in its place, and this is its thread.
    #[inline(always)]
    pub(super) fn is_resident(&self, tenant: NonNull<Tenant>) -> bool {
        self.inner.state.get() == tenant.as_ptr() as usize && self.is_here()
    }

    /// The place of whoever runs on no other's behalf. It may be taken.
    pub(super) fn bottom(&self) -> Place {
        Place {
            region: self.clone(),
            base: self.inner.stack.base(),
            nested: false,
        }
    }

    /// Where a new tenant can be laid out that has payloads of so many bytes. The resident
    /// is evicted for it.
    pub(super) fn place(&self, payloads: usize) -> Result<Place, CopyError> {
        let inner = &*self.inner;
        if !self.is_here() {
            return Err(CopyError::Thread);
        }
        let state = inner.state.get();
        if state & RUNNING == 0 {
            // SAFETY: nobody is running.
            unsafe { self.evict() };
            return Ok(self.bottom());
        }
        let here = self.inside()?;
        let gap = payloads.saturating_mul(8).saturating_add(NESTED_GAP);
        let base = here.saturating_sub(gap) & !(STACK_ALIGNMENT - 1);
        let available = base.saturating_sub(inner.limit);
        match StackPointer::new(base) {
            Some(base) if available >= MIN_STACK_SIZE => Ok(Place {
                region: self.clone(),
                base,
                nested: true,
            }),
            _ => Err(CopyError::Exhausted {
                requested: MIN_STACK_SIZE,
                available,
            }),
        }
    }

    /// The stack pointer, if it is that of the running tenant.
    #[inline(always)]
    fn inside(&self) -> Result<usize, CopyError> {
        let here = switch::stack_pointer();
        let running = (self.inner.state.get() & !RUNNING) as *const Tenant;
        // SAFETY: the state is the address of a tenant, which stays while it runs.
        let base = unsafe { (*running).base };
        if (self.inner.limit..base.get()).contains(&here) {
            Ok(here)
        } else {
            Err(CopyError::Busy)
        }
    }

    /// Copies the resident away, if there is one.
    unsafe fn evict(&self) {
        if let Some(resident) = NonNull::new(self.inner.state.get() as *mut Tenant) {
            // SAFETY: it is suspended in its place.
            unsafe {
                Tenant::check(resident);
                Tenant::save(resident);
            }
            self.inner.state.set(0);
        }
    }

    /// Brings a suspended tenant to its place, or says why not.
    ///
    /// # Safety
    ///
    /// It is a tenant of this region, and has not ended.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn admit(&self, tenant: NonNull<Tenant>) -> Result<Turn, CopyError> {
        let inner = &*self.inner;
        if !self.is_here() {
            return Err(CopyError::Thread);
        }
        let state = inner.state.get();
        if state & RUNNING != 0 {
            return Ok(Turn::Nested);
        }
        if state != tenant.as_ptr() as usize {
            // SAFETY: nobody is running, and what is suspended and no resident was saved.
            unsafe {
                self.evict();
                Tenant::restore(tenant);
            }
            inner.state.set(tenant.as_ptr() as usize);
        }
        Ok(Turn::Here)
    }

    /// The resident begins to run.
    #[inline(always)]
    pub(super) unsafe fn begin(&self, tenant: NonNull<Tenant>) {
        // SAFETY: it is in its place.
        unsafe { Tenant::check(tenant) };
        self.inner.state.set(tenant.as_ptr() as usize | RUNNING);
    }

    /// The running tenant has suspended itself.
    #[inline(always)]
    pub(super) unsafe fn suspended(&self, tenant: NonNull<Tenant>) {
        // SAFETY: it is in its place.
        unsafe { Tenant::note(tenant) };
        self.inner.state.set(tenant.as_ptr() as usize);
        if self.inner.orphaned.get() {
            self.care_for_orphans();
        }
    }

    /// The running tenant, or the resident, has ended.
    #[inline]
    pub(super) unsafe fn ended(&self, tenant: NonNull<Tenant>) {
        // SAFETY: the caller has the tenant, and nothing is left of its bytes.
        unsafe { (*tenant.as_ptr()).slice.release() };
        if self.inner.state.get() & !RUNNING == tenant.as_ptr() as usize {
            self.inner.state.set(0);
        }
        if self.inner.orphaned.get() {
            self.care_for_orphans();
        }
    }

    /// Runs `f` while the tenant is in its place below the running one, and evicts it again;
    /// or says that the place is not free.
    ///
    /// # Safety
    ///
    /// `admit` has answered `Nested`. `f` runs the tenant, and does not unwind.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn nested(
        &self,
        tenant: NonNull<Tenant>,
        f: &mut dyn FnMut(),
    ) -> Result<(), CopyError> {
        let inner = &*self.inner;
        let outer = inner.state.get();
        // SAFETY: `aside` leaves what is below the running one to nobody.
        unsafe {
            if tenant.as_ref().base.get() + STEP_ROOM > self.inside()? {
                return Err(CopyError::Busy);
            }
            self.aside(&mut || {
                Tenant::restore(tenant);
                inner.state.set(tenant.as_ptr() as usize | RUNNING);
                f();
                if (tenant.as_ref().kind.stack_pointer)(tenant) == RETURNED {
                    (*tenant.as_ptr()).slice.release();
                } else {
                    Tenant::note(tenant);
                    Tenant::save(tenant);
                }
                inner.state.set(outer);
            });
        }
        Ok(())
    }

    /// Runs `f` on the stack that the running tenant was resumed from.
    ///
    /// # Safety
    ///
    /// The stack pointer is the running tenant's.
    unsafe fn aside(&self, f: &mut dyn FnMut()) {
        let running = (self.inner.state.get() & !RUNNING) as *const Tenant;
        // SAFETY: it runs, so that its header is there.
        unsafe { engine::Link::<(), ()>::of((*running).base) }.on_parent_stack(f);
    }

    /// Takes over a suspended tenant, to be dropped when the region is free.
    pub(super) fn adopt(&self, tenant: NonNull<Tenant>) {
        self.inner.orphans.borrow_mut().push(tenant);
        if !self.inner.caring.get() {
            self.inner.orphaned.set(true);
        }
    }

    #[cold]
    #[inline(never)]
    fn care_for_orphans(&self) {
        // The last of them may be what keeps the region.
        let region = self.clone();
        let inner = &*region.inner;
        inner.orphaned.set(false);
        inner.caring.set(true);
        loop {
            let orphan = inner.orphans.borrow_mut().pop();
            let Some(orphan) = orphan else { break };
            // SAFETY: whoever gave it up has nothing left of it.
            unsafe { (orphan.as_ref().kind.drop)(orphan) };
        }
        inner.caring.set(false);
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region")
            .field("size", &self.size())
            .field("busy", &(self.inner.state.get() & RUNNING != 0))
            .finish_non_exhaustive()
    }
}
