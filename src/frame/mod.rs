//! The described leg: interpreters whose activation records are data.
//!
//! A machine frame belongs to the compiler. A frame that an interpreter declares itself can
//! be shared, cloned, looked at and kept: so a continuation made of such frames may be
//! resumed any number of times, is captured in constant time at any depth, and the Rust
//! stack does not grow with the interpreted program. Nothing here is unsafe, and nothing
//! here uses the native leg.
//!
//! # Your interpreter on segno
//!
//! **1. One type for the frames.** An interpreter that recurses on the Rust stack remembers,
//! in each call, where it is and what it has computed. That is what a frame holds.
//!
//! **2. Its step.** The machine calls the topmost frame with an [`Input`]; the frame updates
//! itself in place and answers a [`Step`]. Where a recursive interpreter calls itself, the
//! frame answers [`Step::Call`], and what the callee returns is its next input. A call in
//! tail position is [`Step::TailCall`], and keeps the stack flat.
//!
//! **3. A machine.** [`Machine::new`] takes the first frame, [`Machine::run`] goes on until
//! the program is done, raises what nobody catches, or suspends; [`Machine::run_for`] also
//! until the fuel is used up, and after the last two it goes on where it was. What all
//! frames share, and no continuation captures, is the *world*, which the caller lends.
//!
//! Here they are for sums in which a summand may be a *choice* of two. Every choice is taken,
//! one after the other, with the same rest of the sum: that rest is a continuation, which is
//! resumed twice.
//!
//! ```
//! use segno::frame::{Context, Continuation, Frame, Input, Machine, Operator, Outcome};
//! use segno::frame::{Place, PromptTag, Step};
//!
//! enum Term {
//!     Number(i64),
//!     Add(&'static Term, &'static Term),
//!     Choose(&'static Term, &'static Term),
//! }
//!
//! // 1
//! #[derive(Clone)]
//! enum Call {
//!     /// Takes every choice in a term.
//!     All(&'static Term),
//!     /// Notes the value of a term.
//!     Note(&'static Term),
//!     Eval(&'static Term),
//!     /// The left summand is being computed; the right one is to come.
//!     Left(&'static Term),
//!     /// The left summand is there, and the right one is being computed.
//!     Right(i64),
//!     /// Goes on with both terms, one after the other.
//!     Both(&'static Term, &'static Term),
//!     /// Has gone on with one term; the other is to come.
//!     Then(Continuation<Call>, &'static Term),
//!     /// Goes on with the value of a term.
//!     GoOn(Continuation<Call>, &'static Term),
//! }
//! use Call::*;
//!
//! const ALL: PromptTag = PromptTag::named("all");
//!
//! // 2
//! impl Frame for Call {
//!     type Value = i64;
//!     /// The values that were noted.
//!     type World = Vec<i64>;
//!
//!     fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
//!         match (&*self, input) {
//!             (&All(term), Input::Start) => Step::Prompt { tag: ALL, body: Note(term) },
//!             (&Note(term), Input::Start) => Step::Call(Eval(term)),
//!             (Note(_), Input::Value(n)) => {
//!                 cx.world.push(n);
//!                 Step::Return(n)
//!             }
//!             (Eval(Term::Number(n)), Input::Start) => Step::Return(*n),
//!             (Eval(Term::Add(left, right)), Input::Start) => {
//!                 *self = Left(right);
//!                 Step::Call(Eval(left))
//!             }
//!             (&Left(right), Input::Value(left)) => {
//!                 *self = Right(left);
//!                 Step::Call(Eval(right))
//!             }
//!             (Right(left), Input::Value(right)) => Step::Return(left + right),
//!             // The rest of the sum, this frame included, becomes a value.
//!             (Eval(Term::Choose(one, other)), Input::Start) => Step::Capture {
//!                 tag: ALL,
//!                 operator: Operator::Shift,
//!                 place: Place::Prompt,
//!                 body: Both(one, other),
//!             },
//!             (&Both(one, other), Input::Continuation(k)) => {
//!                 *self = Then(k.clone(), other);
//!                 Step::Call(GoOn(k, one))
//!             }
//!             (Then(k, other), Input::Value(_)) => Step::TailCall(GoOn(k.clone(), other)),
//!             (&GoOn(_, term), Input::Start) => Step::Call(Eval(term)),
//!             (GoOn(k, _), Input::Value(n)) => Step::TailResume {
//!                 continuation: k.clone(),
//!                 with: Ok(n),
//!             },
//!             // The choice, told what was chosen; or the end of all.
//!             (Eval(_) | All(_), Input::Value(n)) => Step::Return(n),
//!             // A limit was met, say: an error of the program.
//!             (_, Input::Refused(_)) => Step::Raise(-1),
//!             _ => unreachable!("no frame asked for that"),
//!         }
//!     }
//! }
//!
//! // 3
//! use Term::{Add, Choose, Number};
//! static SUM: Term = Add(
//!     &Choose(&Number(1), &Number(2)),
//!     &Choose(&Number(10), &Number(20)),
//! );
//! let mut noted = Vec::new();
//! let outcome = Machine::new(All(&SUM)).run(&mut noted);
//! assert_eq!(noted, [11, 21, 12, 22]);
//! assert_eq!(outcome, Outcome::Done(22));
//! ```
//!
//! A frame that asks for a step has to have moved on before, as `*self = Left(right)` does, or
//! `mem::replace` where there is something to be taken out of it: the next input finds it as it
//! has left itself.
//!
//! **4. What the program may do.** Errors are [`Step::Raise`] and [`Frame::catches`];
//! generators, threads and backtracking are [`Step::Prompt`], [`Step::Capture`] and
//! [`Step::Resume`]; `call/cc` is a capture by [`Operator::Control`] at [`Place::Here`], or
//! in tail position at [`Place::Instead`], and who applies its continuation answers
//! [`Step::Replace`]; `finally` and `dynamic-wind` are
//! [`Step::wind`]. What a step cannot do is not an error of the machine: the frame that asked
//! gets [`Input::Refused`], and usually raises it. Under limits that may happen to each call,
//! prompt, capture, resumption and winder, so that every frame has an answer for it.
//!
//! **5. What the host may do.** [`Limits`] bound the depth, the prompts, the captured frames and
//! the nesting of host calls, and what those may overdraw; fuel pauses a program and does not
//! kill it. A host function that calls back runs frames by [`Context::barrier`].
//!
//! **6. What a frame says of itself.** [`Describe`] names each kind of frame, its version and
//! its slots, and an [`Inspector`] then prints a continuation: of a machine that is suspended,
//! say. A raise takes the frames with it; so for a trace of an error either let the frame that
//! would raise it suspend, for the host to look and to answer with the error, or set a
//! [mark](Context::set_mark) in each frame and collect them first. With the feature `derive`,
//! `#[derive(Describe)]` writes it, and sees to it that the type of a slot fits its
//! [kind](SlotKind).
//!
//! # What it costs
//!
//! Calls and returns push and pop a `Vec`. Capturing moves that `Vec` into a segment, which
//! is shared from then on, whatever its depth. Returning into a segment takes it back whole
//! if nobody else holds it, so that a continuation that is used once clones nothing; else it
//! clones frames in batches that double from 1 to 64. A capture costs the number of prompts
//! that it crosses, leaving and entering costs the winders that are really left and entered.
//!
//! # Where what is
//!
//! `step` is what an interpreter says and hears, `machine` what a machine's owner sees. `run`
//! is the loop; `operators` and `winding` do what it rarely needs. Below them lies the stack:
//! `segment` draws it, `ledger` counts and drops segments, `position` puts frames into them
//! and takes them back, `winder` and `level` are what lies between frames. `continuation`
//! is a piece of it as a value, `layout` the same laid out flat, `parts` what several of
//! them share, to be stored, and `outline` those as plain data. `describe`, `slots`, `inspect` and `trace` look at all of it from
//! outside.
//!
//! The segments are an idea of Hieb, Dybvig and Bruggeman's (*Representing Control in the
//! Presence of First-Class Continuations*, PLDI 1990); a list of delimited stacks under them
//! is Racket's metacontinuation (Flatt and Dybvig, *Compiler and Runtime Support for
//! Continuation Marks*, PLDI 2020).

#![forbid(unsafe_code)]

mod context;
mod continuation;
mod describe;
mod error;
mod escaping;
mod inspect;
mod layout;
mod ledger;
mod level;
mod machine;
mod operators;
#[cfg(feature = "serde")]
pub(crate) mod outline;
#[cfg(feature = "serde")]
pub(crate) mod parts;
mod position;
mod run;
mod segment;
mod slots;
mod step;
mod tag;
mod trace;
mod winder;
mod winding;

pub use context::{Context, Interrupted};
pub use continuation::Continuation;
pub use describe::{Describe, FrameDescriptor, SlotDescriptor, SlotKind};
pub use error::Refusal;
pub use inspect::Inspector;
pub use layout::{Detached, Entry, Layout};
#[cfg(feature = "serde")]
pub(crate) use ledger::drop_all;
pub use machine::{Limits, Machine};
#[cfg(feature = "derive")]
pub use segno_derive::Describe;
pub use slots::SharedSlot;
#[cfg(feature = "derive")]
#[doc(hidden)]
pub use slots::check as __check;
pub use step::{Frame, Input, Operator, Outcome, Place, Stacked, Step, Wind};
pub use tag::{MarkKey, PromptTag};
pub use trace::Tracer;
