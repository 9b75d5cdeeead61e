//! Coroutines that are small while they are idle.
//!
//! ```text
//! CompactCoroutine → Head +-----------------------+
//!                         | Tenant: region, base, |  what the region knows
//!                         |         slice ────────┼─→ bytes, while they are not in place
//!                         +-----------------------+
//!                         | Coroutine on a Lease  |  stack pointer, link
//!                         +-----------------------+
//! ```
//!
//! # Safety
//!
//! A head is on the heap at one address for as long as its handle lives, and longer if the
//! region has taken it over. The coroutine in it is run only while its bytes are in place:
//! it is the resident, or `Region::nested` has brought it there. A resume between the two
//! has nothing else in it.

#![allow(
    unsafe_code,
    reason = "runs coroutines whose stacks come and go, and hands out their heads"
)]

use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use super::error::{CopyError, Refused};
use super::region::{Kind, Lease, Region, Tenant, Turn};
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
/// // SAFETY: nobody outside has an address of what is on its stack.
/// let mut greeter = unsafe {
///     CompactCoroutine::new(&region, |yielder, mut name: String| {
///         while !name.is_empty() {
///             name = yielder.suspend(format!("hello, {name}"));
///         }
///     })
/// };
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
/// now, since the region is busy, the region keeps it and unwinds it as soon as nothing is
/// running there; if it answers with a panic then, the payload is dropped. On another thread
/// than the region's, it is leaked.
///
/// # Debug builds
///
/// keep a checksum of what is suspended, and panic where it has changed.
pub struct CompactCoroutine<Input, Yield, Return> {
    head: NonNull<Head<Input, Yield, Return>>,
    owns: PhantomData<Head<Input, Yield, Return>>,
}

#[repr(C)]
struct Head<I, Y, R> {
    tenant: Tenant,
    coroutine: ManuallyDrop<Coroutine<I, Y, R, Lease>>,
}

impl<I, Y, R> Head<I, Y, R> {
    const KIND: Kind = Kind {
        stack_pointer: Self::stack_pointer,
        drop: Self::drop_unwanted,
    };

    unsafe fn stack_pointer(tenant: NonNull<Tenant>) -> usize {
        // SAFETY: the tenant begins a head of this type, since it has this kind.
        unsafe { (*tenant.cast::<Self>().as_ptr()).coroutine.core().sp() }
    }

    unsafe fn drop_unwanted(tenant: NonNull<Tenant>) {
        let head = tenant.cast::<Self>();
        // SAFETY: as above; the handle is gone.
        if let Ok(Err(payload)) = unsafe { Self::unwind(head) } {
            // Dropping it could be another panic: that one stays.
            let _kept = unwind::catch(|| drop(payload)).map_err(ManuallyDrop::new);
        }
        // SAFETY: it has ended, and nobody else knows it.
        drop(unsafe { Box::from_raw(head.as_ptr()) });
    }

    /// Unwinds the body, or says why it cannot be brought to its place.
    ///
    /// # Safety
    ///
    /// It is suspended.
    #[cold]
    #[inline(never)]
    unsafe fn unwind(this: NonNull<Self>) -> Result<Result<(), Payload>, CopyError> {
        let tenant = this.cast::<Tenant>();
        // SAFETY: the head lives, and the coroutine is in its place where it is run.
        unsafe {
            let region = &(*this.as_ptr()).tenant.region;
            let coroutine = &raw mut (*this.as_ptr()).coroutine;
            match region.admit(tenant)? {
                Turn::Here => {
                    region.begin(tenant);
                    let outcome = (*coroutine).unwind_to_the_end();
                    region.ended(tenant);
                    Ok(outcome)
                }
                Turn::Nested => {
                    let mut outcome = Ok(());
                    region.nested(tenant, &mut || outcome = (*coroutine).unwind_to_the_end())?;
                    Ok(outcome)
                }
            }
        }
    }
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
        let lease = place.lease();
        if let Err(error) = Core::<Input, Yield, Return, Lease>::check::<F>(&lease) {
            let error = CopyError::of(error);
            return Err(Refused { error, value: body });
        }
        let head = NonNull::from(Box::leak(Box::<Head<Input, Yield, Return>>::new_uninit()));
        let head = head.cast::<Head<Input, Yield, Return>>();
        let fields = head.as_ptr();
        // SAFETY: both fields of the head are written. The stack was checked, and the region
        // lends it to this coroutine whenever it runs.
        unsafe {
            (&raw mut (*fields).tenant)
                .write(Tenant::new(&place, &Head::<Input, Yield, Return>::KIND));
            place.take(head.cast(), move || {
                let coroutine = Coroutine::lay_out(lease, "", body);
                (&raw mut (*fields).coroutine).write(ManuallyDrop::new(coroutine));
            });
        }
        Ok(Self {
            head,
            owns: PhantomData,
        })
    }

    #[inline(always)]
    fn tenant(&self) -> NonNull<Tenant> {
        self.head.cast()
    }

    #[inline(always)]
    fn region(&self) -> &Region {
        // SAFETY: the head lives as long as the handle, and the field never changes.
        unsafe { &(*self.head.as_ptr()).tenant.region }
    }

    #[inline(always)]
    fn coroutine(&self) -> &Coroutine<Input, Yield, Return, Lease> {
        // SAFETY: the head lives, and the coroutine runs only while the handle is borrowed.
        unsafe { &(*self.head.as_ptr()).coroutine }
    }

    /// Runs the body until it suspends or returns.
    ///
    /// # Panics
    ///
    /// Where [`try_resume`](Self::try_resume) refuses; or with the panic that leaves the
    /// body.
    #[inline]
    #[track_caller]
    pub fn resume(&mut self, value: Input) -> CoroutineResult<Yield, Return> {
        if !self.region().is_resident(self.tenant()) {
            match self.admit() {
                Ok(Turn::Here) => {}
                Ok(Turn::Nested) => match self.run_nested(value) {
                    Ok(exit) => return Self::result(exit),
                    Err(refused) => panic!("{refused}"),
                },
                Err(error) => panic!("{error}"),
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
                Ok(Turn::Nested) => return self.run_nested(value).map(Self::result),
                Err(error) => return Err(Refused { error, value }),
            }
        }
        // SAFETY: it is the resident.
        Ok(Self::result(unsafe { self.run(value) }))
    }

    /// Brings the coroutine to its place.
    #[inline]
    fn admit(&self) -> Result<Turn, CopyError> {
        if self.done() {
            return Err(CopyError::Done);
        }
        // SAFETY: it is suspended, since the handle is not borrowed elsewhere.
        unsafe { self.region().admit(self.tenant()) }
    }

    /// # Safety
    ///
    /// It is the resident.
    #[inline(always)]
    unsafe fn run(&mut self, value: Input) -> Exit<Yield, Return> {
        let (region, tenant) = (self.region(), self.tenant());
        // SAFETY: its bytes are in place.
        unsafe {
            region.begin(tenant);
            let exit = (*self.head.as_ptr()).coroutine.core_mut().resume(value);
            match exit {
                Exit::Yield(_) => region.suspended(tenant),
                _ => region.ended(tenant),
            }
            exit
        }
    }

    #[cold]
    #[inline(never)]
    fn run_nested(&mut self, value: Input) -> Result<Exit<Yield, Return>, Refused<Input>> {
        let (mut input, mut exit) = (Some(value), None);
        let coroutine = self.head.as_ptr();
        // SAFETY: the region has said that its turn is a nested one, and brings it to its
        // place before it calls the closure.
        let admitted = unsafe {
            self.region().nested(self.tenant(), &mut || {
                if let Some(input) = input.take() {
                    exit = Some((*coroutine).coroutine.core_mut().resume(input));
                }
            })
        };
        match (admitted, exit, input) {
            (Ok(()), Some(exit), _) => Ok(exit),
            (Err(error), _, Some(value)) => Err(Refused { error, value }),
            _ => unreachable!("the closure is called once, or not at all"),
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
        let sp = self.coroutine().core().sp();
        // SAFETY: the first word of a suspended stack tells, wherever it lies. One whose
        // stack pointer is on another stack got there by running.
        unsafe {
            let tenant = &(*self.head.as_ptr()).tenant;
            match tenant.find(sp) {
                Some(address) => !switch::is_fresh(address),
                None => true,
            }
        }
    }

    /// Whether the body has ended: by returning, by a panic, by being unwound, or because
    /// the coroutine was reset. A coroutine that is done cannot be resumed.
    #[inline]
    pub fn done(&self) -> bool {
        self.coroutine().done()
    }

    /// How many bytes of its stack are kept while it is suspended; 0 once it is done.
    pub fn image_size(&self) -> usize {
        if self.done() {
            return 0;
        }
        // SAFETY: the head lives.
        unsafe { Tenant::size(self.tenant()) }
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
        // SAFETY: it is suspended.
        match unsafe { Head::unwind(self.head) } {
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
                (*self.head.as_ptr()).coroutine.force_reset();
                self.region().ended(self.tenant());
            }
        }
    }

    /// The end of a handle whose coroutine is suspended, or which is on another thread.
    /// Answers whether the head can be freed.
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
        // SAFETY: it is suspended.
        match unsafe { Head::unwind(self.head) } {
            Ok(outcome) => outcome.map(|()| true),
            Err(_) => {
                self.region().adopt(self.tenant());
                Ok(false)
            }
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
            // SAFETY: it has ended, and this is the only handle.
            drop(unsafe { Box::from_raw(self.head.as_ptr()) });
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
