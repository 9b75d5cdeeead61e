//! Images: frames on the native stack that are cloned with it.
//!
//! ```text
//! Image → Head +-----------------------+
//!              | Tenant: region, base, |  what the region knows
//!              |         slice ────────┼─→ bytes, while they are not in place
//!              +-----------------------+
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
use core::mem;
use core::ptr::{self, NonNull};

use super::coop::{Came, Coop, Leave, Node, Outside, stay};
use super::error::CopyError;
use super::region::{Kind, Lease, Region, Tenant, Turn};
use crate::engine::{Core, Exit, Link};
use crate::frame::{Context, Describe, Frame, Input, Refusal, Step, Wind};
use crate::stack::Stack;
use crate::unwind;

/// How many bytes of the region frames leave to what else runs on it.
const RESERVE: usize = 16 * 1024;

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
}

type Body<F> = Core<NonNull<Message<F>>, NonNull<Request<F>>, Came<F>, Lease>;

/// Frames on the stack of a [`Region`], as one frame of a machine.
///
/// The machine clones it where a continuation is resumed more than once: its bytes are
/// copied, and in the copy each state is cloned in its place. So it can be resumed any number of
/// times, and no function is entered again for that.
pub struct Image<F: Describe> {
    head: NonNull<Head<F>>,
    owns: PhantomData<Head<F>>,
}

#[repr(C)]
struct Head<F: Describe> {
    tenant: Tenant,
    run: Run<F>,
    wrap: fn(Image<F>) -> F,
    /// What its first frame answers to [`Frame::one_shot`].
    one_shot: Option<&'static str>,
    life: Life<F>,
}

enum Life<F: Describe> {
    /// It has not begun: this is its first frame.
    Fresh(F),
    /// It runs, or has asked for something.
    Begun { core: Body<F>, top: *const Node<F> },
    /// It has ended.
    Gone,
}

impl<F: Describe> Head<F> {
    const KIND: Kind = Kind {
        stack_pointer: Self::stack_pointer,
        drop: Self::drop_unwanted,
    };

    unsafe fn stack_pointer(tenant: NonNull<Tenant>) -> usize {
        // SAFETY: the tenant begins a head of this type, since it has this kind.
        match unsafe { &(*tenant.cast::<Self>().as_ptr()).life } {
            Life::Begun { core, .. } => core.sp(),
            Life::Fresh(_) | Life::Gone => 0,
        }
    }

    /// Never called: images are dropped where they are.
    unsafe fn drop_unwanted(_: NonNull<Tenant>) {}
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
    /// - does not catch the unwinding of what it calls.
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
        Self::of(Head {
            tenant: Tenant::new(&region.bottom(), &Head::<F>::KIND),
            run,
            wrap,
            one_shot: frame.one_shot(),
            life: Life::Fresh(frame),
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
        self.head.cast()
    }

    /// Goes on: for [`Frame::resume`].
    pub fn resume(&mut self, input: Input<F>, cx: &mut Context<'_, F>) -> Step<F> {
        match self.go_on(input, cx) {
            Ok(step) => step,
            Err(error) => Step::Refuse(Box::new(Refusal::Image { why: error.why() })),
        }
    }

    fn go_on(&mut self, input: Input<F>, cx: &mut Context<'_, F>) -> Result<Step<F>, CopyError> {
        let region = self.head().tenant.region.clone();
        let tenant = self.tenant();
        if !region.is_here() {
            return Err(CopyError::Thread);
        }
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
        let (end, _) = bounds(&region.bottom().lease());
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
                    if let Life::Begun { top, .. } = &mut self.head_mut().life {
                        *top = request.top;
                    }
                    request.step.take()
                };
                // SAFETY: it has suspended itself in its place.
                unsafe { region.suspended(tenant) };
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
        let (run, lease) = (self.head().run, place.lease());
        Body::<F>::check::<(F, Run<F>, [usize; 2])>(&lease).map_err(CopyError::of)?;
        let Life::Fresh(frame) = mem::replace(&mut self.head_mut().life, Life::Gone) else {
            unreachable!("it has not begun");
        };
        let bounds = bounds(&lease);
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
            place.take(self.tenant(), || {
                let core = Body::<F>::new(lease, "", body);
                let top = ptr::null();
                (*head).life = Life::Begun { core, top };
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
            Life::Begun { core, top } => {
                let nodes = self.nodes(core, *top);
                // SAFETY: the body stands still.
                nodes
                    .into_iter()
                    .any(|node| unsafe { (*node).state.catches() })
            }
            Life::Gone => false,
        }
    }

    /// Its states, the lowest first: frames that, entered again one by one, go on as it would.
    #[must_use]
    pub fn states(&self) -> Vec<F> {
        match &self.head().life {
            Life::Fresh(frame) => Vec::from([frame.clone()]),
            Life::Begun { core, top } => {
                let mut states: Vec<F> = self
                    .nodes(core, *top)
                    .into_iter()
                    // SAFETY: the body stands still.
                    .map(|node| unsafe { (*node).state.clone() })
                    .collect();
                states.reverse();
                states
            }
            Life::Gone => Vec::new(),
        }
    }

    /// Where its states are now, the topmost first.
    fn nodes(&self, core: &Body<F>, top: *const Node<F>) -> Vec<*mut Node<F>> {
        let away = self.away(core);
        let mut nodes = Vec::new();
        let mut next = top;
        while !next.is_null() {
            let node = next.addr().wrapping_add(away);
            let node = ptr::with_exposed_provenance_mut::<Node<F>>(node);
            nodes.push(node);
            // SAFETY: a state that was registered, in the region or in the slice.
            next = unsafe { (*node).below };
        }
        nodes
    }

    /// How far its bytes are from their place.
    fn away(&self, core: &Body<F>) -> usize {
        let sp = core.sp();
        match self.head().tenant.find(sp) {
            Some(address) => address.wrapping_sub(sp),
            None => unreachable!("an image suspends itself on its own stack"),
        }
    }
}

/// The lowest address that frames of an image may get to, and how far they are above it.
fn bounds(lease: &Lease) -> (usize, usize) {
    let end = lease.limit().get() + RESERVE;
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
        let region = &head.tenant.region;
        assert!(region.is_here(), "{}", CopyError::Thread);
        let (life, slice) = match &head.life {
            Life::Fresh(frame) => (Life::Fresh(frame.clone()), None),
            Life::Gone => panic!("an image is cloned that has ended"),
            Life::Begun { core, top } => {
                let nodes = self.nodes(core, *top);
                // All clones are made before anything is copied, so that one that panics
                // leaves nothing behind.
                // SAFETY: the body stands still.
                let clones = nodes.iter().map(|&node| unsafe { (*node).state.clone() });
                let clones: Vec<F> = clones.collect();
                let sp = core.sp();
                let from = sp.wrapping_add(self.away(core));
                // SAFETY: the bytes of a suspended stack, wherever they are; the states in
                // the copy are overwritten by what it is to own.
                unsafe {
                    let slice = head.tenant.copy(from, sp);
                    for (node, clone) in nodes.into_iter().zip(clones) {
                        let place = slice.address().wrapping_add(node as usize - from);
                        let place = ptr::with_exposed_provenance_mut::<Node<F>>(place);
                        (&raw mut (*place).state).write(clone);
                    }
                    let core = core.duplicate(region.bottom().lease());
                    (Life::Begun { core, top: *top }, Some(slice))
                }
            }
        };
        let mut tenant = Tenant::new(&region.bottom(), &Head::<F>::KIND);
        if let Some(slice) = slice {
            tenant.slice = slice;
        }
        Self::of(Head {
            tenant,
            run: head.run,
            wrap: head.wrap,
            one_shot: head.one_shot,
            life,
        })
    }
}

impl<F: Describe> Drop for Image<F> {
    fn drop(&mut self) {
        let region = self.head().tenant.region.clone();
        let life = mem::replace(&mut self.head_mut().life, Life::Gone);
        if !region.is_here() {
            // Neither its states nor its place are this thread's: they are leaked.
            mem::forget((life, region));
            return;
        }
        let mut states = Vec::new();
        let mut fresh = None;
        match life {
            Life::Begun { mut core, top } => {
                // SAFETY: the body stands still, and will not run any more: what its states
                // own is moved out of the bytes, which are given up.
                unsafe {
                    for node in self.nodes(&core, top) {
                        states.push((&raw const (*node).state).read());
                    }
                    core.force_reset();
                    region.ended(self.tenant());
                }
            }
            Life::Fresh(frame) => fresh = Some(frame),
            Life::Gone => {}
        }
        // SAFETY: nobody else knows the head.
        drop(unsafe { Box::from_raw(self.head.as_ptr()) });
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

    fn ask(&mut self, step: Step<F>, top: *const Node<F>) -> Result<Input<F>, Step<F>> {
        let mut request = Request {
            step: Some(step),
            top,
        };
        let message = self.link.suspend(NonNull::from(&mut request));
        Ok(self.hear(message))
    }
}
