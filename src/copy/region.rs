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
//! Only [`Inner::resident`] says whose bytes lie in place, and its stack pointer whether they
//! may change. A tenant's record on the heap is reached through raw pointers, from here and from
//! its handle; it stays while it is the resident.

#![allow(unsafe_code, reason = "says whose the bytes of a stack are")]

use alloc::boxed::Box;
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
    /// The tenant whose bytes are in their place: suspended, or the innermost running one;
    /// or null.
    resident: Cell<*mut Tenant>,
    /// Its address and the thread's token, added: both are asked for at once.
    ticket: Cell<usize>,
    /// The thread's token.
    thread: usize,
    /// Whether there are `orphans` and nobody is seeing to them.
    orphaned: Cell<bool>,
    caring: Cell<bool>,
    orphans: RefCell<Vec<Orphan>>,
    /// The lowest usable address.
    limit: usize,
    stack: DefaultStack,
}

/// A computation that was dropped while the region was busy.
pub(super) struct Orphan {
    pub(super) handle: *mut (),
    /// Drops what the handle stands for, once; does not unwind.
    pub(super) drop: unsafe fn(*mut ()),
}

/// How many bytes below its stack pointer a running computation may use on its way to the
/// stack that it steps aside to.
const STEP_ROOM: usize = 1024;

/// How far below its maker a nested computation begins, apart from what its values take:
/// it can be resumed from calls that are that much deeper. Frames of debug builds are larger.
const NESTED_GAP: usize = if cfg!(debug_assertions) { 16384 } else { 4096 };

/// The stack pointer of a tenant that runs: no stack pointer, and not [`RETURNED`].
const RUNNING: usize = 2;

std::thread_local! {
    /// 0 in a thread that has made no region.
    static THREAD: Cell<usize> = const { Cell::new(0) };
}

/// A token of the calling thread, which no other thread ever has. Addresses have no more than
/// 48 bits, and those of tenants are multiples of 16; so the sum of a token and an address tells
/// both, for a million threads.
#[cold]
#[inline(never)]
fn token_of_this_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    if THREAD.get() == 0 {
        THREAD.set(NEXT.fetch_add(1, Ordering::Relaxed).rotate_right(16));
    }
    THREAD.get()
}

/// What a region knows of a computation: a record on the heap, owned by its handle.
#[derive(Debug)]
#[repr(align(16))]
pub(super) struct Tenant {
    region: Region,
    /// The highest address of its bytes.
    base: StackPointer,
    /// Its stack pointer, while it is suspended; [`RUNNING`], or [`RETURNED`] once it has ended.
    sp: usize,
    slice: Slice,
    watch: Watch,
}

impl Tenant {
    /// The lowest address of the bytes of a suspended tenant. One that suspended itself from
    /// another stack, which hangs on its own, does not say how far down its bytes reach.
    #[inline]
    fn lowest(&self) -> usize {
        let limit = self.region.inner.limit;
        if (limit..self.base.get()).contains(&self.sp) {
            self.sp
        } else {
            limit
        }
    }

    /// How many bytes it has while it is suspended.
    pub(super) fn size(&self) -> usize {
        match self.sp {
            RETURNED => 0,
            _ => self.base.get() - self.lowest(),
        }
    }

    /// The region whose tenant it is.
    #[inline(always)]
    pub(super) fn region(&self) -> &Region {
        &self.region
    }

    /// Where the word is now that belongs at the stack pointer, if that is its own stack's.
    pub(super) fn top(&self) -> Option<usize> {
        let inner = &*self.region.inner;
        if !(inner.limit..self.base.get()).contains(&self.sp) {
            None
        } else if inner.resident.get().cast_const() == core::ptr::from_ref(self) {
            Some(self.sp)
        } else {
            Some(self.slice.address())
        }
    }

    /// Another, that is suspended where this one is, with a copy of its bytes; the caller owns it.
    ///
    /// # Safety
    ///
    /// This one is suspended. What the bytes own, each has for itself.
    pub(super) unsafe fn duplicate(&self) -> NonNull<Self> {
        let mut slice = Slice::EMPTY;
        if let Some(from) = self.top() {
            // SAFETY: its bytes stand still, here or on the heap.
            unsafe { slice.save(from, from + self.size()) };
        }
        NonNull::from(Box::leak(Box::new(Self {
            region: self.region.clone(),
            base: self.base,
            sp: self.sp,
            slice,
            watch: Watch::NONE,
        })))
    }

    /// Lets its bytes change without a word from debug builds, up to its next suspension.
    pub(super) fn unwatch(&mut self) {
        self.watch = Watch::NONE;
    }

    /// Notes what its bytes are.
    ///
    /// # Safety
    ///
    /// It is suspended, in its place.
    #[inline(always)]
    unsafe fn note(&mut self) {
        // SAFETY: so its bytes stand still.
        unsafe {
            self.watch.note(self.lowest(), self.base.get());
        }
    }

    /// Panics, in debug builds, if its bytes were changed.
    ///
    /// # Safety
    ///
    /// It is suspended, in its place.
    #[inline(always)]
    unsafe fn check(&mut self) {
        // SAFETY: so its bytes stand still.
        unsafe {
            self.watch.check(self.lowest(), self.base.get());
        }
    }

    /// Copies its bytes to the heap.
    ///
    /// # Safety
    ///
    /// It is suspended, in its place.
    #[inline]
    unsafe fn save(&mut self) {
        // SAFETY: so its bytes stand still.
        unsafe { self.slice.save(self.lowest(), self.base.get()) };
    }

    /// Copies its bytes back to their place.
    ///
    /// # Safety
    ///
    /// It was saved, and nobody is using what lies below its base.
    #[inline]
    unsafe fn restore(&mut self) {
        let (lowest, base) = (self.lowest(), self.base.get());
        // SAFETY: the caller says so.
        unsafe {
            sanitize::forget_stack(self.region.inner.limit, base);
            self.slice.restore(lowest, base);
            self.check();
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

/// The stack of one tenant, lent as long as its turn lasts. It leads to the tenant.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) tenant: NonNull<Tenant>,
}

// SAFETY: the region sees to it that one tenant at a time uses the bytes; its guard lies
// below the limit. The tenant lives as long as the handle that has the lease.
unsafe impl Stack for Lease {
    #[inline(always)]
    fn base(&self) -> StackPointer {
        // SAFETY: see above.
        unsafe { self.tenant.as_ref() }.base
    }

    #[inline(always)]
    fn limit(&self) -> StackPointer {
        // SAFETY: see above.
        let limit = unsafe { self.tenant.as_ref() }.region.inner.limit;
        StackPointer::new(limit).unwrap_or(self.base())
    }
}

impl Place {
    pub(super) fn is_nested(&self) -> bool {
        self.nested
    }

    /// A tenant that is to begin there, and that the caller owns.
    pub(super) fn tenant(&self) -> Lease {
        let tenant = Box::new(Tenant {
            region: self.region.clone(),
            base: self.base,
            sp: RETURNED,
            slice: Slice::EMPTY,
            watch: Watch::NONE,
        });
        Lease {
            tenant: NonNull::from(Box::leak(tenant)),
        }
    }

    /// Lets `lay_out` lay the tenant out, which answers its stack pointer, and takes it in.
    ///
    /// # Safety
    ///
    /// The tenant was made for this place. `lay_out` makes it a suspended one, and does not
    /// unwind.
    pub(super) unsafe fn take(self, tenant: NonNull<Tenant>, lay_out: impl FnOnce() -> usize) {
        let mut lay_out = Some(lay_out);
        let mut take = || {
            // SAFETY: nobody else knows the tenant yet.
            let tenant = unsafe { &mut *tenant.as_ptr() };
            if let Some(lay_out) = lay_out.take() {
                tenant.sp = lay_out();
            }
            // SAFETY: it is suspended now.
            unsafe {
                tenant.note();
                if self.nested {
                    tenant.save();
                }
            }
        };
        if self.nested {
            // SAFETY: `place` has seen that the stack pointer is the running one's.
            unsafe { self.region.aside(&mut take) };
        } else {
            take();
            self.region.set_resident(tenant.as_ptr());
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
        Self::with_stack(DefaultStack::with_guard(size, 0)?)
    }

    /// A region on this stack.
    ///
    /// # Errors
    ///
    /// Where there are regions, none.
    pub fn with_stack(stack: DefaultStack) -> Result<Self, StackError> {
        Ok(Self {
            inner: Rc::new(Inner {
                resident: Cell::new(core::ptr::null_mut()),
                ticket: Cell::new(0),
                thread: token_of_this_thread(),
                orphaned: Cell::new(false),
                caring: Cell::new(false),
                orphans: RefCell::new(Vec::new()),
                limit: stack.limit().get() + stack.guard_size(),
                stack,
            }),
        })
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
        self.inner.ticket.get() == tenant.as_ptr().addr().wrapping_add(THREAD.get())
    }

    /// Whether the tenant's bytes are in their place.
    pub(super) fn is_in_place(&self, tenant: NonNull<Tenant>) -> bool {
        self.inner.resident.get() == tenant.as_ptr()
    }

    fn set_resident(&self, tenant: *mut Tenant) {
        self.inner.resident.set(tenant);
        // Where there are orphans the next one to resume comes by `admit`.
        let ticket = tenant.addr().wrapping_add(self.inner.thread);
        self.inner
            .ticket
            .set(if self.inner.orphaned.get() { 0 } else { ticket });
    }

    fn is_running(&self) -> bool {
        // SAFETY: a tenant stays as long as it is the resident.
        let resident = unsafe { self.inner.resident.get().as_ref() };
        resident.is_some_and(|tenant| tenant.sp == RUNNING)
    }

    /// The place of whoever runs on no other's behalf. It may be taken.
    pub(super) fn bottom(&self) -> Place {
        Place {
            region: self.clone(),
            base: self.inner.stack.base(),
            nested: false,
        }
    }

    /// Where a new tenant can be laid out whose body and payloads are so many bytes, in a
    /// place that is evicted for it.
    pub(super) fn place(&self, values: usize) -> Result<Place, CopyError> {
        let inner = &*self.inner;
        if !self.is_here() {
            return Err(CopyError::Thread);
        }
        if !self.is_running() {
            if inner.orphaned.get() {
                self.care_for_orphans();
            }
            self.evict();
            return Ok(self.bottom());
        }
        let here = self.inside()?;
        let gap = values.saturating_mul(8).saturating_add(NESTED_GAP);
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

    /// The base of the innermost running tenant.
    #[inline(always)]
    fn running_base(&self) -> StackPointer {
        // SAFETY: it stays while it runs; its handle is borrowed.
        unsafe { (*self.inner.resident.get()).base }
    }

    /// The stack pointer, if it is that of the running tenant.
    #[inline(always)]
    fn inside(&self) -> Result<usize, CopyError> {
        let here = switch::stack_pointer();
        if (self.inner.limit..self.running_base().get()).contains(&here) {
            Ok(here)
        } else {
            Err(CopyError::Busy)
        }
    }

    /// Copies the resident away, if there is one. Nobody is running.
    fn evict(&self) {
        // SAFETY: the resident's handle is not in use, and its bytes are in place.
        unsafe {
            if let Some(resident) = self.inner.resident.get().as_mut() {
                resident.check();
                resident.save();
                self.set_resident(core::ptr::null_mut());
            }
        }
    }

    /// Brings a suspended tenant to its place, or says why not.
    ///
    /// # Safety
    ///
    /// It is a tenant of this region, and its handle is borrowed.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn admit(&self, tenant: NonNull<Tenant>) -> Result<Turn, CopyError> {
        let inner = &*self.inner;
        if !self.is_here() {
            return Err(CopyError::Thread);
        }
        // SAFETY: the caller has the tenant.
        if unsafe { tenant.as_ref() }.sp == RETURNED {
            return Err(CopyError::Done);
        }
        if self.is_running() {
            return Ok(Turn::Nested);
        }
        if inner.orphaned.get() {
            self.care_for_orphans();
        }
        if inner.resident.get() != tenant.as_ptr() {
            self.evict();
            // SAFETY: nobody is running, and what is suspended and not resident was saved.
            unsafe { (*tenant.as_ptr()).restore() };
            self.set_resident(tenant.as_ptr());
        }
        Ok(Turn::Here)
    }

    /// The resident begins to run.
    ///
    /// # Safety
    ///
    /// The tenant is the resident.
    #[inline(always)]
    pub(super) unsafe fn begin(&self, tenant: NonNull<Tenant>) {
        // SAFETY: it is in its place.
        unsafe {
            (*tenant.as_ptr()).check();
            (*tenant.as_ptr()).sp = RUNNING;
        }
    }

    /// The running tenant has suspended itself, at `sp`.
    ///
    /// # Safety
    ///
    /// It has.
    #[inline(always)]
    pub(super) unsafe fn suspended(&self, tenant: NonNull<Tenant>, sp: usize) {
        // SAFETY: it is in its place.
        unsafe {
            (*tenant.as_ptr()).sp = sp;
            (*tenant.as_ptr()).note();
        }
    }

    /// The running tenant has ended.
    ///
    /// # Safety
    ///
    /// It has, and nothing is left of its bytes.
    #[inline(never)]
    pub(super) unsafe fn ended(&self, tenant: NonNull<Tenant>) {
        // SAFETY: the caller says so.
        unsafe { self.forget(tenant) };
        if self.inner.orphaned.get() {
            self.care_for_orphans();
        }
    }

    /// Lets go of a tenant of which nothing is left.
    ///
    /// # Safety
    ///
    /// It is suspended, and will not be resumed, or has ended.
    pub(super) unsafe fn forget(&self, tenant: NonNull<Tenant>) {
        // SAFETY: the caller has the tenant.
        unsafe {
            (*tenant.as_ptr()).slice.release();
            (*tenant.as_ptr()).sp = RETURNED;
        }
        if self.inner.resident.get() == tenant.as_ptr() {
            self.set_resident(core::ptr::null_mut());
        }
    }

    /// Runs `f` while the tenant is in its place below the running one, and evicts it again;
    /// or says that the place is not free. `f` answers the tenant's stack pointer.
    ///
    /// # Safety
    ///
    /// `admit` has answered `Nested`. `f` runs the tenant, and does not unwind.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn nested(
        &self,
        tenant: NonNull<Tenant>,
        f: &mut dyn FnMut() -> usize,
    ) -> Result<(), CopyError> {
        let inner = &*self.inner;
        let tenant = tenant.as_ptr();
        let outer = inner.resident.get();
        // SAFETY: `aside` leaves what is below the running one to nobody.
        unsafe {
            if (*tenant).base.get() + STEP_ROOM > self.inside()? {
                return Err(CopyError::Busy);
            }
            self.aside(&mut || {
                (*tenant).restore();
                self.set_resident(tenant);
                (*tenant).sp = RUNNING;
                (*tenant).sp = f();
                if (*tenant).sp == RETURNED {
                    (*tenant).slice.release();
                } else {
                    (*tenant).note();
                    (*tenant).save();
                }
                self.set_resident(outer);
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
        // SAFETY: it runs, so that its header is there.
        unsafe { engine::Link::<(), ()>::of(self.running_base()) }.on_parent_stack(f);
    }

    /// Takes over a suspended computation, to be dropped when the region is free.
    pub(super) fn adopt(&self, orphan: Orphan) {
        self.inner.orphans.borrow_mut().push(orphan);
        if !self.inner.caring.get() {
            self.inner.orphaned.set(true);
            self.inner.ticket.set(0);
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
            unsafe { (orphan.drop)(orphan.handle) };
        }
        inner.caring.set(false);
        region.set_resident(inner.resident.get());
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region")
            .field("size", &self.size())
            .field("busy", &self.is_running())
            .finish_non_exhaustive()
    }
}
