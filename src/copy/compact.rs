//! Coroutines that are small while they are idle.
//!
//! ```text
//! CompactCoroutine: a Coroutine on a Lease
//!                                   │
//!                                   ▼
//!              +--------------------------------+
//!              | Tenant: region, base, sp, slice ──→ bytes, while they are not in place
//!              +--------------------------------+
//! ```
//!
//! The coroutine's words are in the handle itself, not behind a pointer that a resume would
//! have to follow before it can switch.
//!
//! # Safety
//!
//! The handle owns the tenant, a record that the region knows by its address, and passes it
//! on to the region with itself or frees it when its coroutine has ended. The coroutine is run
//! only while its bytes are in place: it is the resident, or `Region::nested` has brought it
//! there.

#![allow(
    unsafe_code,
    reason = "runs coroutines whose stacks come and go, and hands out their heads"
)]

use alloc::boxed::Box;
use core::fmt;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr::NonNull;

use super::error::{CopyError, Refused};
use super::region::{Lease, Orphan, Region, Tenant, Turn};
use crate::coroutine::{Coroutine, CoroutineResult, Yielder};
use crate::engine::{Core, Exit};
use crate::switch;
use crate::unwind::{self, CAN_UNWIND, Payload};

/// A coroutine that takes turns with others on the stack of a [`Region`], and is as small
/// as its frames while it is idle.
///
/// It is used like a [`Coroutine`], and its body is written like one. While it is suspended,
/// only the bytes between its stack pointer and its base are kept: some hundred for a body
/// that does little. They stay where they are until another computation needs the place,
/// and come back to the same addresses. So to resume the coroutine that was suspended last
/// costs about what a switch costs, to resume another one two copies of such bytes more.
///
/// ```
/// use segno::CoroutineResult;
/// use segno::copy::{CompactCoroutine, Region};
///
/// let region = Region::new(256 * 1024)?;
/// let body = |yielder: &segno::Yielder<String, String>, mut name: String| {
///     while !name.is_empty() {
///         name = yielder.suspend(format!("hello, {name}"));
///     }
/// };
/// // SAFETY: nobody outside has an address of what is on its stack.
/// let mut greeter = unsafe { CompactCoroutine::new(&region, body) };
/// assert_eq!(greeter.resume("solfa".into()), CoroutineResult::Yield("hello, solfa".into()));
/// assert_eq!(greeter.resume(String::new()), CoroutineResult::Return(()));
/// # Ok::<(), segno::error::StackError>(())
/// ```
///
/// # Nesting
///
/// The body may make and resume other compact coroutines of its region. They begin some KiB
/// below the call that makes them, and always run there: one can be resumed by that call, by
/// its callers as long as they run, by calls that are a little deeper, and by whoever
/// resumes it while nothing is running in the region. Where it would overlap a running one
/// the answer is [`CopyError::Busy`]; also while the running one is on another stack, in a
/// [`Coroutine`] that it resumes, for instance.
///
/// # Dropping
///
/// A suspended one is unwound, as a [`Coroutine`] is. Where its bytes cannot be brought back
/// now, since the region is busy, the region keeps it and unwinds it when it is used next and
/// nothing is running there; if it answers with a panic then, the payload is dropped. On another thread
/// than the region's, it is leaked.
///
/// # Threads
///
/// It is neither `Send` nor `Sync`. Where unsafe code has moved it to another thread all the same,
/// it is refused with [`CopyError::Thread`].
///
/// # Debug builds
///
/// In debug builds a checksum is kept of what is suspended, and who resumes it or evicts it
/// gets a panic if somebody has written there. (Not under AddressSanitizer.)
pub struct CompactCoroutine<Input, Yield, Return> {
    coroutine: ManuallyDrop<Coroutine<Input, Yield, Return, Lease>>,
}

impl<Input, Yield, Return> CompactCoroutine<Input, Yield, Return> {
    /// A coroutine that will run `body` in `region`.
    ///
    /// # Safety
    ///
    /// From one resume to the next, what lies on the coroutine's stack is not there. Until it
    /// is dropped or done, whenever it is suspended:
    ///
    /// - Nobody outside of it uses an address inside its stack: no thread that borrows from
    ///   it (`std::thread::scope`), no list of which a node lies there, no buffer that the
    ///   system is to fill, no pointer in a thread-local, none that it has yielded.
    /// - It is not suspended from within a computation that runs nested in its region, by a
    ///   [`Yielder`] smuggled there.
    ///
    /// Nothing that the body owns on the heap is concerned, nor what it does between two
    /// suspensions.
    ///
    /// # Panics
    ///
    /// Where [`try_new`](Self::try_new) refuses.
    #[inline]
    #[track_caller]
    pub unsafe fn new<F>(region: &Region, body: F) -> Self
    where
        F: FnOnce(&Yielder<Input, Yield>, Input) -> Return,
        F: 'static,
        Input: 'static,
        Yield: 'static,
        Return: 'static,
    {
        // SAFETY: the caller promises it.
        match unsafe { Self::try_new(region, body) } {
            Ok(coroutine) => coroutine,
            Err(refused) => panic!("{refused}"),
        }
    }

    /// Like [`new`](Self::new), with the body back where there is no place for it.
    ///
    /// # Errors
    ///
    /// [`CopyError::Exhausted`] if the room that is left in the region is too small, for any
    /// body or for this one, of which it takes five times the size; [`CopyError::Busy`] if
    /// the region has a running computation that is on another stack;
    /// [`CopyError::Thread`].
    ///
    /// # Safety
    ///
    /// See [`new`](Self::new).
    #[inline]
    pub unsafe fn try_new<F>(region: &Region, body: F) -> Result<Self, Refused<F>>
    where
        F: FnOnce(&Yielder<Input, Yield>, Input) -> Return,
        F: 'static,
        Input: 'static,
        Yield: 'static,
        Return: 'static,
    {
        let sizes = size_of::<F>() + size_of::<Input>() + size_of::<Yield>() + size_of::<Return>();
        let place = match region.place(sizes) {
            Ok(place) => place,
            Err(error) => return Err(Refused { error, value: body }),
        };
        let lease = place.tenant();
        let tenant = lease.tenant;
        if let Err(error) = Core::<Input, Yield, Return, Lease>::check::<F>(&lease) {
            // SAFETY: nobody else knows it.
            drop(unsafe { Box::from_raw(tenant.as_ptr()) });
            let error = CopyError::of(error);
            return Err(Refused { error, value: body });
        }
        let mut coroutine = MaybeUninit::uninit();
        // SAFETY: the stack was checked, and the region lends it to this coroutine whenever
        // it runs.
        let coroutine = unsafe {
            place.take(tenant, || {
                let laid_out = Coroutine::lay_out(lease, "", body);
                coroutine.write(laid_out).core().sp()
            });
            coroutine.assume_init()
        };
        Ok(Self {
            coroutine: ManuallyDrop::new(coroutine),
        })
    }

    #[inline(always)]
    fn tenant(&self) -> NonNull<Tenant> {
        self.coroutine.core().stack().tenant
    }

    #[inline(always)]
    fn region(&self) -> &Region {
        // SAFETY: the tenant lives as long as the handle, and the region writes to it only
        // what is not its region.
        unsafe { (*self.tenant().as_ptr()).region() }
    }

    /// Runs the body until it suspends or returns.
    ///
    /// # Panics
    ///
    /// Where [`try_resume`](Self::try_resume) refuses; or with the panic that leaves the
    /// body.
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[track_caller]
    pub fn resume(&mut self, value: Input) -> CoroutineResult<Yield, Return> {
        if !self.region().is_resident(self.tenant()) {
            match self.admit() {
                Ok(Turn::Here) => {}
                turn => match self.run_elsewhere(turn, value) {
                    Ok(result) => return result,
                    Err(refused) => panic!("{refused}"),
                },
            }
        }
        // SAFETY: it is the resident.
        Self::result(unsafe { self.run(value) })
    }

    /// Like [`resume`](Self::resume), with the input back where the coroutine cannot be
    /// resumed now.
    ///
    /// ```
    /// use segno::copy::{CompactCoroutine, CopyError, Region};
    ///
    /// let region = Region::new(64 * 1024)?;
    /// // SAFETY: nothing of its stack is known to others.
    /// let mut once = unsafe { CompactCoroutine::<_, (), _>::new(&region, |_, text: String| text.len()) };
    /// assert_eq!(once.try_resume("segno".into()).unwrap().as_return(), Some(5));
    ///
    /// let refused = once.try_resume("again".into()).unwrap_err();
    /// assert_eq!((refused.error, &*refused.value), (CopyError::Done, "again"));
    /// # Ok::<(), segno::error::StackError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CopyError::Busy`], see [nesting](Self#nesting); [`CopyError::Thread`];
    /// [`CopyError::Done`]. Nothing has happened then.
    ///
    /// # Panics
    ///
    /// With the panic that leaves the body.
    #[inline]
    pub fn try_resume(
        &mut self,
        value: Input,
    ) -> Result<CoroutineResult<Yield, Return>, Refused<Input>> {
        if !self.region().is_resident(self.tenant()) {
            match self.admit() {
                Ok(Turn::Here) => {}
                turn => return self.run_elsewhere(turn, value),
            }
        }
        // SAFETY: it is the resident.
        Ok(Self::result(unsafe { self.run(value) }))
    }

    /// Brings the coroutine to its place.
    #[inline(always)]
    fn admit(&self) -> Result<Turn, CopyError> {
        // SAFETY: the handle is borrowed, so that the coroutine is not running.
        unsafe { self.region().admit(self.tenant()) }
    }

    /// # Safety
    ///
    /// It is the resident.
    #[inline(always)]
    unsafe fn run(&mut self, value: Input) -> Exit<Yield, Return> {
        let tenant = self.tenant();
        // SAFETY: its bytes are in place.
        unsafe {
            self.region().begin(tenant);
            let exit = self.coroutine.core_mut().resume(value);
            match exit {
                Exit::Yield(_) => self.region().suspended(tenant, self.coroutine.core().sp()),
                _ => self.region().ended(tenant),
            }
            exit
        }
    }

    /// Runs it below the running one, if its turn is such.
    #[inline(always)]
    fn run_elsewhere(
        &mut self,
        turn: Result<Turn, CopyError>,
        value: Input,
    ) -> Result<CoroutineResult<Yield, Return>, Refused<Input>> {
        if let Err(error) = turn {
            return Err(Refused { error, value });
        }
        let tenant = self.tenant();
        let core = self.coroutine.core_mut();
        // Moved there and back, so that nobody else knows the handle: then, in a loop of hits, the
        // compiler keeps the stack pointer in a register.
        // SAFETY: the other takes its place, and nothing unwinds until it is back.
        unsafe {
            let mut other = core.moved();
            let exit = Self::run_nested(&mut other, tenant, value);
            core.move_back(other);
            exit.map(Self::result)
        }
    }

    /// # Safety
    ///
    /// Its turn is a nested one.
    #[cold]
    #[inline(never)]
    unsafe fn run_nested(
        core: &mut Core<Input, Yield, Return, Lease>,
        tenant: NonNull<Tenant>,
        value: Input,
    ) -> Result<Exit<Yield, Return>, Refused<Input>> {
        let (mut input, mut exit) = (Some(value), None);
        // SAFETY: the region brings it to its place before it calls the closure; the tenant
        // lives as long as the handle.
        let admitted = unsafe {
            (*tenant.as_ptr()).region().nested(tenant, &mut || {
                if let Some(input) = input.take() {
                    exit = Some(core.resume(input));
                }
                core.sp()
            })
        };
        match (admitted, exit, input) {
            (Ok(()), Some(exit), _) => Ok(exit),
            (Err(error), _, Some(value)) => Err(Refused { error, value }),
            _ => unreachable!("the closure is called once, or not at all"),
        }
    }

    /// Unwinds the body, or says why it cannot be brought to its place.
    #[cold]
    #[inline(never)]
    fn unwind(&mut self) -> Result<Result<(), Payload>, CopyError> {
        let tenant = self.tenant();
        let region: *const Region = self.region();
        let turn = self.admit()?;
        // SAFETY: the tenant and its region live as long as the handle, and the coroutine is
        // in its place where it is run.
        unsafe {
            match turn {
                Turn::Here => {
                    (*region).begin(tenant);
                    let outcome = self.coroutine.unwind_to_the_end();
                    (*region).ended(tenant);
                    Ok(outcome)
                }
                Turn::Nested => {
                    let mut outcome = Ok(());
                    (*region).nested(tenant, &mut || {
                        outcome = self.coroutine.unwind_to_the_end();
                        self.coroutine.core().sp()
                    })?;
                    Ok(outcome)
                }
            }
        }
    }

    #[inline(always)]
    #[track_caller]
    fn result(exit: Exit<Yield, Return>) -> CoroutineResult<Yield, Return> {
        match exit {
            Exit::Yield(value) => CoroutineResult::Yield(value),
            Exit::Return(value) => CoroutineResult::Return(value),
            Exit::Panic(payload) => unwind::rethrow(payload),
        }
    }

    /// Whether the coroutine was resumed at least once, or is done.
    pub fn started(&self) -> bool {
        if self.done() {
            return true;
        }
        // SAFETY: the first word of a suspended stack tells, wherever it lies. One whose
        // stack pointer is on another stack got there by running.
        unsafe {
            self.tenant()
                .as_ref()
                .top()
                .is_none_or(|address| !switch::is_fresh(address))
        }
    }

    /// Whether the body has ended: by returning, by a panic, by being unwound, or because
    /// the coroutine was reset. A coroutine that is done cannot be resumed.
    #[inline]
    pub fn done(&self) -> bool {
        self.coroutine.done()
    }

    /// How many bytes of its stack are kept while it is suspended; 0 once it is done.
    pub fn image_size(&self) -> usize {
        // SAFETY: the tenant lives, and is not running.
        unsafe { self.tenant().as_ref() }.size()
    }

    /// Unwinds a suspended body, which drops what lives on its stack. Does nothing if the
    /// coroutine is done; drops the body if it has not started. See
    /// [`Coroutine::force_unwind`].
    ///
    /// # Panics
    ///
    /// With the panic that the body answers with; or, the coroutine still suspended, where
    /// it could not be resumed either, or in a build that cannot unwind.
    ///
    /// # Aborts
    ///
    /// As [`Coroutine::force_unwind`].
    #[track_caller]
    pub fn force_unwind(&mut self) {
        if self.done() {
            return;
        }
        assert!(
            CAN_UNWIND || !self.started(),
            "a suspended coroutine cannot be unwound without the feature `unwind` and panic=unwind"
        );
        match self.unwind() {
            Ok(Ok(())) => {}
            Ok(Err(payload)) => unwind::rethrow(payload),
            Err(error) => panic!("{error}"),
        }
    }

    /// Takes the coroutine for done, whatever is on its stack.
    ///
    /// # Panics
    ///
    /// On another thread than the region's.
    ///
    /// # Safety
    ///
    /// See [`Coroutine::force_reset`].
    #[track_caller]
    pub unsafe fn force_reset(&mut self) {
        assert!(self.region().is_here(), "{}", CopyError::Thread);
        if !self.done() {
            // SAFETY: it is suspended, and the caller gives up what it has.
            unsafe {
                self.coroutine.force_reset();
                self.region().forget(self.tenant());
            }
        }
    }

    /// The end of a handle whose coroutine is suspended, or which is on another thread.
    /// Answers whether the tenant can be freed.
    #[cold]
    #[inline(never)]
    fn give_up(&mut self) -> Result<bool, Payload> {
        if !self.region().is_here() {
            return Ok(false);
        }
        if !CAN_UNWIND && self.started() {
            unwind::end_program(
                "a suspended coroutine was dropped, which needs the feature `unwind` and panic=unwind",
            );
        }
        match self.unwind() {
            Ok(outcome) => outcome.map(|()| true),
            Err(_) => {
                // SAFETY: what is left here is not used again.
                let moved = Box::new(unsafe { core::ptr::read(self) });
                self.region().adopt(Orphan {
                    handle: Box::into_raw(moved).cast(),
                    drop: Self::drop_orphan,
                });
                Ok(false)
            }
        }
    }

    /// # Safety
    ///
    /// The handle was made by `give_up`, and this is its end.
    unsafe fn drop_orphan(handle: *mut ()) {
        // SAFETY: the caller says so.
        let orphan = unsafe { Box::from_raw(handle.cast::<Self>()) };
        if let Err(payload) = unwind::catch(|| drop(orphan)) {
            // Dropping it could be another panic: that one stays.
            let _kept = unwind::catch(|| drop(payload)).map_err(ManuallyDrop::new);
        }
    }
}

impl<Input, Yield, Return> Drop for CompactCoroutine<Input, Yield, Return> {
    #[inline]
    fn drop(&mut self) {
        let outcome = if self.done() && self.region().is_here() {
            Ok(true)
        } else {
            self.give_up()
        };
        if !matches!(outcome, Ok(false)) {
            // SAFETY: the coroutine has ended, and this is its only handle.
            drop(unsafe { Box::from_raw(self.tenant().as_ptr()) });
        }
        if let Err(payload) = outcome {
            unwind::rethrow(payload);
        }
    }
}

impl<Input, Yield, Return> fmt::Debug for CompactCoroutine<Input, Yield, Return> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompactCoroutine")
            .field("started", &self.started())
            .field("done", &self.done())
            .finish_non_exhaustive()
    }
}
