//! Images: frames on the native stack that are cloned with it.
//!
//! ```text
//! Image → Head +-----------------------+
//!              | tenant ───────────────┼─→ what the region knows; its bytes, while they are
//!              +-----------------------+   not in place
//!              | life, core            |  not begun; or the stack pointer, link, and the
//!              | top ──────────────────┼─→ state on top, an address in the region
//!              +-----------------------+
//!
//!  the bytes:  | states, each below    |  root first; each holds the address of the one
//!              | the frame that it     |  before, so that they are found in the region and,
//!              | is of                 |  by their distance, in a copy
//! ```
//!
//! # Safety
//!
//! A copy of the bytes owns what the states in it own, once each of them has been cloned in
//! place; what lies between them was promised to own nothing. The bytes are dropped state by
//! state, and never run then. Where a state is read, the body stands still.

#![allow(
    unsafe_code,
    reason = "clones and drops states inside of copied stacks"
)]

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop, offset_of};
use core::ops::Deref;
use core::ptr::{self, NonNull};

use super::coop::{Coop, stay};
use super::error::CopyError;
use super::leave::{Came, Leave};
use super::region::{Lease, Region, Tenant, Turn};
use super::run::{Node, Outside};
use crate::engine::{Core, Exit, Link};
use crate::frame::{Context, Describe, Frame, Input, Refusal, Step, Wind};
use crate::sanitize;
use crate::stack::Stack;
use crate::unwind;

/// How many bytes of the region frames leave to what else runs on it: the last function, and what
/// it calls. A frame is moved on its way into a step, many times in debug builds.
const fn reserve<F>() -> usize {
    let moves = size_of::<F>().saturating_mul(64);
    if moves > 16 * 1024 { moves } else { 16 * 1024 }
}

/// A function that frames of a type are entered by.
type Run<F> = for<'c, 'r> fn(Coop<'c, 'r, F>) -> Came<F>;

/// What an image is resumed with.
struct Message<F: Frame> {
    /// A `Context` of the step that is running.
    cx: NonNull<()>,
    input: Option<Input<F>>,
}

/// What it suspends with.
struct Request<F: Frame> {
    step: Option<Step<F>>,
    top: *const Node<F>,
    ends: bool,
}

type Body<F> = Core<NonNull<Message<F>>, NonNull<Request<F>>, Came<F>, Lease>;

/// Frames on the stack of a [`Region`], as one frame of a machine.
///
/// The machine clones it where a continuation is resumed more than once: its bytes are
/// copied, and in the copy each state is cloned in its place. So it can be resumed any number of
/// times, and no function is entered again for that.
///
/// It belongs to the thread of its region, and runs while nothing else does there: else its frame is
/// refused, with [`Refusal::Image`]. To a machine it is one frame, with one frame's marks; so a
/// machine's limit of the depth is one of its images, each of which has as many frames as the limit
/// leaves and the region has room for.
///
/// # The contract
///
/// [`new`](Self::new) is unsafe for what functions may not do while they ask. These do it:
///
/// ```no_run
/// # use segno::copy::{Came, Coop, Image};
/// # use segno::frame::*;
/// # #[derive(Clone)]
/// # enum Act { Frame { items: Vec<i64>, first: *const i64 }, Image(Image<Act>) }
/// # impl Act {
/// #     fn items(&mut self) -> &mut Vec<i64> {
/// #         match self { Act::Frame { items, .. } => items, Act::Image(_) => unreachable!() }
/// #     }
/// # }
/// # impl Frame for Act {
/// #     type Value = i64;
/// #     type World = Vec<*mut i64>;
/// #     fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> { Step::Return(0) }
/// # }
/// # impl Describe for Act {
/// #     fn descriptor(&self) -> &'static FrameDescriptor {
/// #         static ACT: FrameDescriptor = FrameDescriptor::new("act", &[]);
/// #         &ACT
/// #     }
/// #     fn slot(&self, _: usize) -> Option<&dyn std::fmt::Debug> { None }
/// # }
/// // Owns something that is in no state. Each copy frees the same string; one that is dropped
/// // while it is suspended frees none.
/// fn owns(mut coop: Coop<Act>) -> Came<Act> {
///     let name = String::from("segno");
///     let answer = coop.suspend(1)?;
///     Ok(answer + i64::from(name.is_empty()))
/// }
///
/// // Holds a pointer into a state. A copy has a vector of its own there, and this one reads the
/// // original's, which may be gone. (With a reference it does not compile.)
/// fn points_into_a_state(mut coop: Coop<Act>) -> Came<Act> {
///     let items = coop.state.items().as_ptr();
///     let answer = coop.suspend(1)?;
///     Ok(answer + unsafe { *items })
/// }
///
/// // Gives an address of the stack away. Whoever writes there while this is suspended writes
/// // into another image, or into what is on nobody's stack any more.
/// fn gives_an_address_away(mut coop: Coop<Act>) -> Came<Act> {
///     let mut buffer = 0;
///     coop.world().push(&raw mut buffer);
///     coop.suspend(buffer)
/// }
///
/// // Has caught a panic, and asks before it has dropped what that has left: it owns that.
/// fn keeps_a_panic(mut coop: Coop<Act>) -> Came<Act> {
///     let caught = std::panic::catch_unwind(|| panic!("no"));
///     coop.suspend(i64::from(caught.is_err()))
/// }
///
/// // A state that points into itself. States are cloned and moved as all Rust values are; while
/// // an image is suspended they lie on the heap.
/// fn points_into_itself(mut coop: Coop<Act>) -> Came<Act> {
///     if let Act::Frame { items, first } = &mut *coop.state {
///         *first = items.as_ptr();
///     }
///     coop.suspend(1)
/// }
/// ```
///
/// In each of them it is the *asking* that is wrong. Between two of these a function does what it
/// likes, and so does what it calls that does not ask.
pub struct Image<F: Describe> {
    head: NonNull<Head<F>>,
    owns: PhantomData<Head<F>>,
}

struct Head<F: Describe> {
    /// It is owned.
    tenant: NonNull<Tenant>,
    run: Run<F>,
    wrap: fn(Image<F>) -> F,
    /// What its first frame answers to [`Frame::one_shot`].
    one_shot: Option<&'static str>,
    life: Life<F>,
    /// Whether its states are being read.
    looked_at: Cell<bool>,
}

enum Life<F: Describe> {
    /// It has not begun: this is its first frame.
    Fresh(F),
    /// It runs, or has asked for something.
    Begun {
        core: Body<F>,
        top: *const Node<F>,
        /// Whether the topmost frame ends by what it has asked for.
        ends: bool,
    },
    /// It has ended.
    Gone,
}

impl<F: Describe> Head<F> {
    fn tenant(&self) -> &Tenant {
        // SAFETY: it is freed after the head, and nobody runs it meanwhile.
        unsafe { self.tenant.as_ref() }
    }

    fn region(&self) -> &Region {
        self.tenant().region()
    }
}

impl<F: Describe + From<Image<F>>> Image<F> {
    /// An image of a frame that has not begun, and that `run` enters, for a machine of which
    /// it is to be the first frame, say. The frames that it has [called](Coop::call) are in it,
    /// too; what it has asked for is done by frames that are images of their own.
    ///
    /// # Safety
    ///
    /// `run`, and every function that it calls and that is active when something is asked for:
    ///
    /// - has nothing in its variables that needs to be dropped, or that says where it lies, but
    ///   what is in a state: they are copied byte by byte, and forgotten byte by byte;
    /// - holds no reference to a state, nor into one, while it asks;
    /// - gives no address of the stack to anybody outside, as
    ///   [`CompactCoroutine::new`](super::CompactCoroutine::new) says;
    /// - asks on the stack that it was entered on;
    /// - has dropped what it has caught of a panic before it asks.
    ///
    /// [The contract](Self#the-contract) has an example of each breach.
    ///
    /// # Panics
    ///
    /// Under AddressSanitizer with `detect_stack_use_after_return`, which keeps variables beside
    /// the stack.
    #[must_use]
    pub unsafe fn new(region: &Region, frame: F, run: Run<F>) -> Self {
        Self::fresh(region, frame, run, F::from)
    }
}

impl<F: Describe> Image<F> {
    fn of(head: Head<F>) -> Self {
        Self {
            head: NonNull::from(Box::leak(Box::new(head))),
            owns: PhantomData,
        }
    }

    fn fresh(region: &Region, frame: F, run: Run<F>, wrap: fn(Self) -> F) -> Self {
        assert!(
            !sanitize::has_fake_stacks(),
            "images need AddressSanitizer's option detect_stack_use_after_return=0"
        );
        Self::of(Head {
            tenant: region.bottom().tenant().tenant,
            run,
            wrap,
            one_shot: frame.one_shot(),
            life: Life::Fresh(frame),
            looked_at: Cell::new(false),
        })
    }

    fn head(&self) -> &Head<F> {
        // SAFETY: the head lives as long as the handle.
        unsafe { self.head.as_ref() }
    }

    fn head_mut(&mut self) -> &mut Head<F> {
        // SAFETY: the same; and nobody runs it but through the handle.
        unsafe { self.head.as_mut() }
    }

    fn tenant(&self) -> NonNull<Tenant> {
        self.head().tenant
    }

    /// Goes on: for [`Frame::resume`].
    pub fn resume(&mut self, input: Input<F>, cx: &mut Context<'_, F>) -> Step<F> {
        match self.go_on(input, cx) {
            Ok(step) => step,
            Err(error) => Step::Refuse(Box::new(Refusal::Image { why: error.why() })),
        }
    }

    fn go_on(&mut self, input: Input<F>, cx: &mut Context<'_, F>) -> Result<Step<F>, CopyError> {
        let tenant = self.tenant();
        if !self.head().region().is_here() {
            return Err(CopyError::Thread);
        }
        let region = self.head().region().clone();
        let (run, wrap) = (self.head().run, self.head().wrap);
        match self.head().life {
            Life::Fresh(_) => self.lay_out(&region)?,
            // SAFETY: it is suspended.
            Life::Begun { .. } => match unsafe { region.admit(tenant)? } {
                Turn::Here => {}
                Turn::Nested => return Err(CopyError::Busy),
            },
            Life::Gone => return Err(CopyError::Done),
        }
        let (end, _) = bounds::<F>(&Lease { tenant });
        let outer_end = cx.native_end_mut().replace(end);
        let mut message = Message {
            cx: NonNull::from(&mut *cx).cast(),
            input: Some(input),
        };
        // SAFETY: its bytes are in place. The message stays until it suspends again, and the
        // request until it is resumed.
        let exit = unsafe {
            region.begin(tenant);
            match &mut (*self.head.as_ptr()).life {
                Life::Begun { core, .. } => core.resume(NonNull::from(&mut message)),
                Life::Fresh(_) | Life::Gone => unreachable!("it was laid out"),
            }
        };
        *cx.native_end_mut() = outer_end;
        match exit {
            Exit::Yield(mut request) => {
                // SAFETY: as said.
                let step = unsafe {
                    let request = request.as_mut();
                    if let Life::Begun { top, ends, .. } = &mut self.head_mut().life {
                        (*top, *ends) = (request.top, request.ends);
                    }
                    request.step.take()
                };
                let sp = match &self.head().life {
                    Life::Begun { core, .. } => core.sp(),
                    Life::Fresh(_) | Life::Gone => unreachable!("it was laid out"),
                };
                // SAFETY: it has suspended itself in its place.
                unsafe { region.suspended(tenant, sp) };
                let image = |frame| wrap(Self::fresh(&region, frame, run, wrap));
                Ok(step.map_or_else(
                    || unreachable!("it asks for a step"),
                    |step| imaged(step, image),
                ))
            }
            Exit::Return(came) => {
                // SAFETY: it has ended.
                unsafe { region.ended(tenant) };
                self.head_mut().life = Life::Gone;
                Ok(match came.map_err(|leave| *leave) {
                    Ok(value) => Step::Return(value),
                    Err(Leave::Raised(error)) => Step::Raise(error),
                    Err(Leave::Refused(refusal)) => Step::Refuse(Box::new(refusal)),
                    Err(Leave::Away(_)) => unreachable!("it stays"),
                })
            }
            Exit::Panic(payload) => {
                // SAFETY: it has ended.
                unsafe { region.ended(tenant) };
                self.head_mut().life = Life::Gone;
                unwind::rethrow(payload)
            }
        }
    }

    /// Lays the first frame out in the region, to be resumed at once.
    fn lay_out(&mut self, region: &Region) -> Result<(), CopyError> {
        let place = region.place(0)?;
        if place.is_nested() {
            return Err(CopyError::Busy);
        }
        let tenant = self.tenant();
        let (run, lease) = (self.head().run, Lease { tenant });
        let available = lease.base().get() - lease.limit().get();
        let requested = reserve::<F>();
        if requested > available {
            return Err(CopyError::Exhausted {
                requested,
                available,
            });
        }
        Body::<F>::check::<(F, Run<F>, [usize; 2])>(&lease).map_err(CopyError::of)?;
        let Life::Fresh(frame) = mem::replace(&mut self.head_mut().life, Life::Gone) else {
            unreachable!("it has not begun");
        };
        let bounds = bounds::<F>(&lease);
        let body = move |link: &Link<NonNull<Message<F>>, NonNull<Request<F>>>, message| {
            let mut outside = Inside {
                link,
                cx: Cell::new(NonNull::dangling()),
            };
            let input = outside.hear(message);
            stay(frame, input, &mut outside, bounds, run)
        };
        let head = self.head.as_ptr();
        // SAFETY: the region lends the stack to this image whenever it runs. Nothing is
        // borrowed but what the frames are.
        unsafe {
            place.take(tenant, || {
                let core = Body::<F>::new(lease, "", body);
                let sp = core.sp();
                (*head).life = Life::Begun {
                    core,
                    top: ptr::null(),
                    ends: false,
                };
                sp
            });
        }
        Ok(())
    }

    /// The kind of its first frame, if that can be resumed only once: for
    /// [`Frame::one_shot`].
    pub fn one_shot(&self) -> Option<&'static str> {
        // A frame that is called later and can be resumed once is in an image of its own.
        self.head().one_shot
    }

    /// Whether one of its frames [catches](Frame::catches) what is raised: for that of the
    /// frame that it is.
    pub fn catches(&self) -> bool {
        match &self.head().life {
            Life::Fresh(frame) => frame.catches(),
            Life::Begun { core, top, .. } => {
                let caught = self.look(core, *top, F::catches);
                caught.into_iter().any(|catches| catches)
            }
            Life::Gone => false,
        }
    }

    /// Its states, the lowest first: frames that, entered again one by one, go on as it would.
    #[must_use]
    pub fn states(&self) -> Vec<F> {
        match &self.head().life {
            Life::Fresh(frame) => Vec::from([frame.clone()]),
            Life::Begun { core, top, ends } => {
                let mut states = self.look(core, *top, F::clone);
                states.reverse();
                if *ends {
                    states.pop();
                }
                states
            }
            Life::Gone => Vec::new(),
        }
    }

    /// What `look` answers for each of its states, the topmost first.
    ///
    /// That may run anything, other images of the region too. So the bytes are on the heap
    /// meanwhile, where they stay as long as this one is not resumed.
    fn look<R>(&self, core: &Body<F>, top: *const Node<F>, look: impl Fn(&F) -> R) -> Vec<R> {
        let (region, looked_at) = (self.head().region(), &self.head().looked_at);
        assert!(region.is_here(), "{}", CopyError::Thread);
        assert!(
            !looked_at.replace(true),
            "a state looks at the image that it is in"
        );
        let _looked_at = LookedAt(looked_at);
        if region.is_in_place(self.tenant()) {
            // Room for another.
            let _place = region.place(0);
        }
        // A state may change itself where it is looked at.
        // SAFETY: the tenant is owned, and stands still.
        unsafe { (*self.tenant().as_ptr()).unwatch() };
        let bytes = self.bytes();
        self.states_in(core, top)
            .into_iter()
            .map(|state| {
                // SAFETY: the body stands still.
                let state = unsafe { Taken::from(bytes.wrapping_add(state)) };
                look(&state)
            })
            .collect()
    }

    /// Where its states are in its bytes, the topmost first.
    fn states_in(&self, core: &Body<F>, top: *const Node<F>) -> Vec<usize> {
        let (sp, bytes) = (core.sp(), self.bytes());
        let mut states = Vec::new();
        let mut node = top.addr();
        while node != 0 {
            let at = node.wrapping_sub(sp);
            states.push(at + offset_of!(Node<F>, state));
            let below = at + offset_of!(Node<F>, below);
            let below = ptr::with_exposed_provenance::<*const Node<F>>(bytes + below);
            // SAFETY: a state that was registered, in the region or on the heap.
            node = unsafe { below.read_unaligned() }.addr();
        }
        states
    }

    /// Where its bytes are now.
    fn bytes(&self) -> usize {
        match self.head().tenant().top() {
            Some(address) => address,
            None => unreachable!("an image suspends itself on its own stack"),
        }
    }
}

/// A state that was taken out of the bytes of an image, which need not be aligned for it, until
/// it is put back.
struct Taken<F> {
    state: ManuallyDrop<F>,
    from: *mut F,
}

impl<F> Taken<F> {
    /// # Safety
    ///
    /// A state is there, and nobody uses it meanwhile.
    unsafe fn from(address: usize) -> Self {
        let from = ptr::with_exposed_provenance_mut::<F>(address);
        Self {
            // SAFETY: as the caller says.
            state: ManuallyDrop::new(unsafe { from.read_unaligned() }),
            from,
        }
    }
}

impl<F> Deref for Taken<F> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.state
    }
}

impl<F> Drop for Taken<F> {
    fn drop(&mut self) {
        // SAFETY: it was taken from there. It may have changed itself.
        unsafe {
            self.from
                .write_unaligned(ManuallyDrop::take(&mut self.state))
        };
    }
}

/// Says no more that an image is looked at.
struct LookedAt<'i>(&'i Cell<bool>);

impl Drop for LookedAt<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// The lowest address that frames of an image may get to, and how far they are above it.
fn bounds<F>(lease: &Lease) -> (usize, usize) {
    let end = lease.limit().get().saturating_add(reserve::<F>());
    (end, lease.base().get().saturating_sub(end))
}

/// The step, by frames that are images.
fn imaged<F: Frame>(step: Step<F>, image: impl Fn(F) -> F) -> Step<F> {
    match step {
        Step::Call(frame) => Step::Call(image(frame)),
        Step::TailCall(frame) => Step::TailCall(image(frame)),
        Step::Prompt { tag, body } => Step::Prompt {
            tag,
            body: image(body),
        },
        Step::Capture {
            tag,
            operator,
            place,
            body,
        } => Step::Capture {
            tag,
            operator,
            place,
            body: image(body),
        },
        Step::Wind(wind) => {
            let Wind {
                before,
                body,
                after,
            } = *wind;
            Step::wind(image(before), image(body), image(after))
        }
        step => step,
    }
}

impl<F: Describe> Clone for Image<F> {
    /// Copies its bytes, and clones each state in place.
    ///
    /// # Panics
    ///
    /// If a state's `clone` does; if it is running; or on another thread than its region's.
    fn clone(&self) -> Self {
        let head = self.head();
        let region = head.region();
        assert!(region.is_here(), "{}", CopyError::Thread);
        let (life, tenant) = match &head.life {
            Life::Fresh(frame) => {
                let life = Life::Fresh(frame.clone());
                (life, region.bottom().tenant().tenant)
            }
            Life::Gone => panic!("an image is cloned that has ended"),
            Life::Begun { core, top, ends } => {
                // All clones are made before anything is copied, so that one that panics
                // leaves nothing behind.
                let clones = self.look(core, *top, F::clone);
                // SAFETY: the bytes of a suspended stack, wherever they are; the states in
                // the copy are overwritten by what it is to own.
                unsafe {
                    let tenant = head.tenant().duplicate();
                    let bytes = tenant.as_ref().top();
                    let bytes = bytes.unwrap_or_else(|| unreachable!("it has a copy"));
                    for (state, clone) in self.states_in(core, *top).into_iter().zip(clones) {
                        let place = bytes.wrapping_add(state);
                        ptr::with_exposed_provenance_mut::<F>(place).write_unaligned(clone);
                    }
                    let core = core.duplicate(Lease { tenant });
                    let (top, ends) = (*top, *ends);
                    (Life::Begun { core, top, ends }, tenant)
                }
            }
        };
        Self::of(Head {
            tenant,
            run: head.run,
            wrap: head.wrap,
            one_shot: head.one_shot,
            life,
            looked_at: Cell::new(false),
        })
    }
}

impl<F: Describe> Drop for Image<F> {
    fn drop(&mut self) {
        if !self.head().region().is_here() {
            return; // Neither its states nor its place are this thread's: they are leaked.
        }
        let region = self.head().region().clone();
        let life = mem::replace(&mut self.head_mut().life, Life::Gone);
        let mut states = Vec::new();
        let mut fresh = None;
        match life {
            Life::Begun { mut core, top, .. } => {
                // SAFETY: the body stands still, and will not run any more: what its states
                // own is moved out of the bytes, which are given up.
                unsafe {
                    let bytes = self.bytes();
                    for state in self.states_in(&core, top) {
                        let state = bytes.wrapping_add(state);
                        let state = ptr::with_exposed_provenance::<F>(state);
                        states.push(state.read_unaligned());
                    }
                    core.force_reset();
                    region.forget(self.tenant());
                }
            }
            Life::Fresh(frame) => fresh = Some(frame),
            Life::Gone => {}
        }
        let tenant = self.tenant();
        // SAFETY: nobody else knows the head and the tenant.
        unsafe {
            drop(Box::from_raw(self.head.as_ptr()));
            drop(Box::from_raw(tenant.as_ptr()));
        }
        drop((fresh, states));
    }
}

impl<F: Describe> fmt::Debug for Image<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let life = match &self.head().life {
            Life::Fresh(_) => "fresh",
            Life::Begun { .. } => "begun",
            Life::Gone => "ended",
        };
        f.debug_struct("Image")
            .field("life", &life)
            .finish_non_exhaustive()
    }
}

/// What the frames of an image have of the machine. It lies on their stack, and is copied
/// with it.
struct Inside<'l, F: Frame> {
    link: &'l Link<NonNull<Message<F>>, NonNull<Request<F>>>,
    /// The `Context` of the step that is running.
    cx: Cell<NonNull<()>>,
}

impl<F: Frame> Inside<'_, F> {
    fn hear(&self, mut message: NonNull<Message<F>>) -> Input<F> {
        // SAFETY: whoever resumes the image waits with the message.
        let message = unsafe { message.as_mut() };
        self.cx.set(message.cx);
        let input = message.input.take();
        input.unwrap_or_else(|| unreachable!("a message has an input"))
    }
}

impl<F: Frame> Outside<F> for Inside<'_, F> {
    fn see(&self, look: &mut dyn FnMut(&Context<'_, F>)) {
        // SAFETY: the machine's step waits for the image, and has lent its context.
        look(unsafe { self.cx.get().cast::<Context<'_, F>>().as_ref() });
    }

    fn change(&mut self, change: &mut dyn FnMut(&mut Context<'_, F>)) {
        // SAFETY: the same.
        change(unsafe { self.cx.get().cast::<Context<'_, F>>().as_mut() });
    }

    fn world(&mut self) -> &mut F::World {
        // SAFETY: the same, as long as nothing is asked for.
        unsafe { self.cx.get().cast::<Context<'_, F>>().as_mut() }.world
    }

    fn ask(&mut self, step: Step<F>, top: *const Node<F>, ends: bool) -> Result<Input<F>, Step<F>> {
        let mut request = Request {
            step: Some(step),
            top,
            ends,
        };
        let message = self.link.suspend(NonNull::from(&mut request));
        Ok(self.hear(message))
    }
}
