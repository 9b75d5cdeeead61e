//! Computations as bytes: saved, carried to another process, and continued there.
//!
//! It wants two features:
//!
//! ```toml
//! segno = { version = "0.1", features = ["derive", "serde"] }
//! ```
//!
//! A [`Save`] takes any number of roots: machines that are paused or suspended, continuations,
//! plain values. [`Loaded`] gives them back, to another process, on another architecture. What
//! they shared before they share after: segments of stacks, winders, [`Shared`] values.
//!
//! - A frame is stored by its kind's name and version, slot by slot; `derive(Persist)` writes
//!   how. Values are encoded by serde, and *by position*: neither the names of fields and variants
//!   are stored nor their types. So whoever reorders them, or takes another type, raises the
//!   version of the frame or the object; of [`Frame::Value`](crate::frame::Frame::Value), which
//!   has none, variants may only be appended.
//! - What a machine has suspended with is not stored, since its owner has it already: who wants to
//!   ask the same again adds it as a value.
//! - What is [`Shared`] is stored once, whoever refers to it, and may lead back to itself. So is a
//!   [`Constant`], which never changes, and costs less to look at.
//! - A segment of a stack is stored whole as long as anything of it is in use; so frames that
//!   have returned may be in a snapshot while a continuation could still return into them.
//! - What was stored by an earlier version of a program is read by a later one: slots that were
//!   added say since when, and for every other change the [`Registry`] knows an
//!   [upgrade](Registry::upgrade). A [`Fingerprint`] tells what has changed since a release.
//! - What cannot be read any more is refused frame by frame: a [`Report`] says what became of
//!   each. By the registry's [`Policy`] a machine with such frames is an error for who wants to
//!   run it, or restarts from the nearest checkpoint below them.
//! - Whoever saves the same computation again and again stores [increments](Save::since), which
//!   hold and cost what is new and what has changed.
//! - For people, an [`Editor`] makes a [`Document`] of a snapshot: plain data, which goes out as
//!   JSON and comes back in, and is [shown](Document::show) as text or as a
//!   [page](Document::to_html). A snapshot that has its [schema](Editor::with_schema) in it can
//!   be [looked at](Document::read) without its program.
//! - What is [`Named`] is stored by its name in the [`Registry`] and looked up again, and
//!   nothing that it leads to is stored. So are the [tags](crate::frame::PromptTag) of prompts and
//!   the [keys](crate::frame::MarkKey) of marks, in values too; one without such a name is minted
//!   anew, once for all that is loaded together.
//! - What a stranger keeps meanwhile, in a form or a cookie, is encrypted and authenticated by
//!   `Seal`, of the feature `seal`, and expires.
//!
//! ```
//! # #[cfg(feature = "derive")] {
//! use segno::frame::{Context, Describe, Frame, Input, Machine, Outcome, Step};
//! use segno::snapshot::{LoadLimits, Loaded, Persist, Registry, Save};
//! use std::rc::Rc;
//!
//! /// The sum of the answers to so many questions.
//! #[derive(Clone, Describe, Persist)]
//! struct Quiz {
//!     left: u32,
//!     sum: i64,
//! }
//!
//! impl Frame for Quiz {
//!     type Value = i64;
//!     type World = ();
//!
//!     fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
//!         if let Input::Value(answer) = input {
//!             self.sum += answer;
//!         }
//!         match self.left {
//!             0 => Step::Return(self.sum),
//!             _ => {
//!                 self.left -= 1;
//!                 Step::Suspend(i64::from(self.left))
//!             }
//!         }
//!     }
//! }
//!
//! let registry = Rc::new(Registry::new("quiz", 1));
//! let mut machine = Machine::new(Quiz { left: 2, sum: 0 });
//! assert_eq!(machine.run(&mut ()), Outcome::Suspended(1));
//!
//! let mut save = Save::new(&registry);
//! save.machine(&mut machine)?;
//! let bytes = save.finish()?;
//!
//! // Perhaps elsewhere, and perhaps twice, with other answers.
//! for answer in [10, 20] {
//!     let mut loaded = Loaded::<Quiz>::read(&bytes, &registry, LoadLimits::default())?;
//!     let mut machine = loaded.machine(0)?;
//!     machine.answer(Ok(answer))?;
//!     assert_eq!(machine.run(&mut ()), Outcome::Suspended(0));
//!     machine.answer(Ok(3))?;
//!     assert_eq!(machine.run(&mut ()), Outcome::Done(answer + 3));
//! }
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The format
//!
//! Version 1. A *number* is seven bits a byte, the least significant first; all of its bytes
//! but the last have the eighth bit set. A *string* is its length in bytes, and UTF-8. A
//! *list* is how many there are, and then those. Values are in the format of postcard 1.
//!
//! | what | how |
//! |---|---|
//! | magic, format | the bytes `segno`, and 1 |
//! | program | its name, a string; its version, a number |
//! | base | 0; or, in an increment, 1, the base's checksum, and how many parts and how many objects it has, with those of its own bases |
//! | kinds of frame | a list: name, a string; version, a number |
//! | prompt tags | a list: a byte, 1 where it is looked up by its name and 0 where it is minted anew; name, a string |
//! | mark keys | as prompt tags |
//! | types of objects | a list: name, a string; version, a number |
//! | objects | how many of the base's have changed, and how many are new; of each that has changed its index and that of its type, of each new one that of its type |
//! | parts | a list, each after those that it refers to by index: see below |
//! | objects' values | for each object, in the order above: its length in bytes; the value |
//! | roots | a list: its length in bytes; 0 and a value, or 1, a continuation and what the machine waits for, or 2 and a continuation |
//! | schema | its length in bytes, which is 0 if there is none; the schema: see below |
//! | checksum | CRC-32 of all before, four bytes, the least significant first |
//!
//! A part begins with its kind, a number. *Frames* are a list, the lowest first: the index of
//! the kind, the length in bytes, the slots, each a value. A *payload* is the length in bytes,
//! and a value. An *optional* part is 0, or 1 and its index. A *chain* is 0, or 1, the index of
//! a segment, and how many of its frames. A *position* is a chain, and an optional rest.
//!
//! An increment goes on where its base ends: its tags, keys, objects and parts have the numbers
//! that follow; kinds of frame and types of objects begin again. A part never changes; an object
//! has the value that was stored last.
//!
//! | kind | part | what follows |
//! |---|---|---|
//! | 0 | segment | frames; marks, a list: the index of the frame, that of the key, a payload; what is under the frames; the chain below |
//! | 1 | rest | a position; the optional rest after it |
//! | 2 | winder | frames, two: before and after |
//! | 3 | list of winders | the index of the winder; the position that it is at; the optional list below |
//! | 4 | entry of a winder | the index of the winder; frames, one: the body that is to come |
//! | 5 | continuation | a list of levels, lowest first: a position; an optional list of winders; how many prompts there are below it, and their tag if there are any |
//!
//! What is under frames: 0 for nothing; 1 and the entry of a winder, whose *before* they are;
//! 2 and the winder whose body they are; 3 or 4 and the payload that the body of a winder
//! returned or raised, whose *after* they are. What a machine waits for: 0 for an answer, 1 to
//! start its topmost frame, 2 to restart it, 3 or 4 to go on with a payload or a raised one, 5
//! to go on with a continuation. A continuation, where it is in a value, is the index of its
//! part; a shared object that of the object; a named value its name and its revision; the tag of a
//! prompt or the key of a mark its index in the list of those.
//!
//! A *schema* is one value in the format of postcard; whoever has the types may skip it. It
//! consists of names, a list of strings; *nodes*, a list; kinds of frame, a list: name, version,
//! and the slots, a list: name, and 1 where the slot is secret; types of objects, a list: name,
//! version; and roots, a list: the index of one that is a value. Names are indices in the first
//! list. The nodes are those of the values of frames first, then of the slots, the objects and
//! the roots in this order, of each its *shape*: the nodes that it consists of, and then a
//! number, after which some have more. 0 is what was not met, and 1 what cannot be told; 2 unit,
//! 3 a bool; 4 to 8 signed and 9 to 13 unsigned integers of 8, 16, 32, 64 and 128 bits; 14 and
//! 15 floats of 32 and 64; 16 a char, 17 a string, 18 bytes; 19 an option, 20 a sequence, 21 a
//! tuple, with how many elements, 22 a map; 23 a struct, with its name and the list of its
//! fields'; 24 an enum, with its name and its variants, a list: index, name, and 1 where it has
//! content; 25 a shared object, 26 a continuation, 27 a named value, 28 the tag of a prompt,
//! 29 the key of marks.
//!
//! # Where what is
//!
//! `save` and `load` are what a user sees. `sink` and `source` write and read the parts of a
//! stack by one `grammar`, `header` reads what comes before them, `whole` puts all together;
//! `wire` is numbers and values, `limited` what may be hostile. `session` is what a value finds
//! `registry`, `continuation`; `leads` finds constants that lead back to themselves. `persist` is
//! `shape` is what stands for a type there, `decode` reads values by it, and `pack` stores it.
//! `tree` is what people see of a value, and `document` of a snapshot; `paper` writes the one as
//! increment is one to: `table` numbers what is stored, `changes` lists what has changed since.
//! noticed; `stack` and `report` are what is known of frames that cannot be decoded. `base` is
//! noticed; `stack` and `report` are what is known of frames that cannot be decoded. `base` is what an
//! one as text, `show` and `html` the other. `schema` is what a snapshot is read by without its
//! program: `shape` is what stands for a type there, `decode` reads values by it, and `pack`
//! since. `tree` is what people see of a value, and `document` of a snapshot; `paper` writes the
//! stores it.
//! text, `show` and `html` the other. `schema` is what a snapshot is read by without its program:
//! there that refers to another: `shared` and `constant`, which are an `object` both,
//! there that refers to another: `shared`, `registry`, `continuation`, `identity`. `persist` is
//! what a type of frames does, `upgrade` what becomes of an earlier one, `fingerprint` how that is
//! what an increment is one to: `table` numbers what is stored, `changes` lists what has changed

#![forbid(unsafe_code)]

mod base;
mod changes;
mod constant;
mod continuation;
mod decode;
mod document;
mod error;
mod fingerprint;
mod grammar;
mod header;
mod html;
mod identity;
mod leads;
mod limited;
mod load;
mod object;
mod pack;
mod paper;
mod persist;
mod registry;
mod report;
mod save;
mod schema;
#[cfg(feature = "seal")]
mod seal;
mod session;
mod shape;
mod shared;
mod show;
mod sink;
mod source;
mod stack;
mod table;
mod tree;
mod upgrade;
mod whole;
mod wire;

pub use crate::frame::outline::{
    ChainOutline, LevelOutline, MarkOutline, Outline, PositionOutline, PromptOutline, UnderOutline,
};
pub use base::Base;
pub use constant::Constant;
pub use decode::Unreadable;
pub use document::{
    Document, DocumentError, Editor, Flaw, FrameDocument, IdentityDocument, ObjectDocument,
    RootDocument, UntypedError, WaitsDocument,
};
pub use error::{LoadError, SaveError};
pub use fingerprint::{Change, Fingerprint, KindChange};
pub use load::{LoadLimits, Loaded};
pub use object::Object;
pub use persist::{Persist, Slots};
pub use registry::{Named, Policy, Registry};
pub use report::{Answer, FrameReport, Report};
pub use save::Save;
pub use schema::{Schema, SlotShape};
#[cfg(feature = "seal")]
pub use seal::{Refused, Seal, SealError, SealKey};
#[cfg(feature = "derive")]
pub use segno_derive::Persist;
#[doc(hidden)]
pub use serde as __serde;
pub use shape::{Conflict, Shape, VariantShape};
pub use shared::Shared;
pub use tree::{Number, Tree, TreeError};
pub use upgrade::Link;

/// What every snapshot begins with.
const MAGIC: &[u8] = b"segno";

/// The version of the format, which follows.
const FORMAT: u8 = 1;
