//! The derives of [segno](https://docs.rs/segno); its feature `derive` brings them, as
//! `segno::frame::Describe` and `segno::snapshot::Persist`.
//!
//! `model` reads what a type of frames says of itself, and refuses what makes no sense;
//! `describe` and `persist` write the implementations from that.

#![forbid(unsafe_code)]

mod describe;
mod model;
mod persist;

use proc_macro::TokenStream;
use syn::{Error, parse_macro_input};

/// Writes `Describe` for a type of frames: an enum, each of whose variants is a kind of
/// frame, or a struct, which is one kind.
///
/// ```
/// use segno::frame::{Context, Describe, Frame, Input, Machine, Step};
/// use std::{cell::Cell, rc::Rc};
///
/// #[derive(Clone, Describe)]
/// enum Call {
///     #[frame(name = "sum", version = 2, checkpoint)]
///     Sum {
///         left: i64,
///         #[slot(shared)]
///         count: Rc<Cell<u32>>,
///     },
///     #[frame(name = "print")]
///     Print(#[slot(named, name = "function")] fn(i64), #[slot(secret)] String),
/// }
///
/// impl Frame for Call {
///     type Value = i64;
///     type World = ();
///
///     fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
///         match (self, input) {
///             (Self::Sum { left, count }, Input::Value(right)) => {
///                 count.update(|n| n + 1);
///                 Step::Return(*left + right)
///             }
///             (Self::Print(function, _), Input::Value(value)) => {
///                 function(value);
///                 Step::Return(value)
///             }
///             _ => Step::Suspend(0),
///         }
///     }
/// }
///
/// let sum = Call::Sum { left: 1, count: Rc::new(Cell::new(5)) };
/// assert_eq!(sum.descriptor().version, 2);
///
/// let mut machine = Machine::new(sum);
/// let _ = machine.run(&mut ());
/// let k = machine.continuation().unwrap();
/// let text = machine.inspector().show(&k, 10);
/// assert_eq!(text, "sum v2: left = 1, count = Cell { value: 5 }\n");
/// ```
///
/// # What is said of a frame
///
/// `#[frame(…)]` is written on a variant, or on the struct:
///
/// - `name = "…"`: its name; else that of the variant or the struct, as it is written. No two
///   kinds of a type have the same.
/// - `version = 2`: its version; else 1.
/// - `reads = 1`: the first version in which it may be stored and still be read. Else that is
///   its version; or 1, if a slot says since when it is there.
/// - `checkpoint`: it can start again from its own slots when those above it are lost.
/// - `one_shot`: a continuation through it can be resumed only once. The machine asks
///   `Frame::one_shot`, which this does not write: let that answer `self.one_shot_kind()`, or
///   the word alone does nothing.
///
/// # What is said of a slot
///
/// Each field is a slot. `#[slot(…)]` is written on it:
///
/// - `copied`, `shared` or `named`: its kind; else it is copied. The type of a shared slot
///   implements `SharedSlot`, that of a copied one does not.
/// - `secret`: no view may show it. Then it need not be `Debug`, as others must be, and
///   `Describe::slot` does not find it.
/// - `since = 2`: the version of the frame that has added it. In a frame that was stored before
///   it is what `Default` says.
/// - `name = "…"`: its name; else that of the field, or its number.
///
/// Of a bare type parameter it cannot be known that it stands for a shared type, so that a
/// copied slot of it is not refused.
///
/// # Where segno has another name
///
/// On the type, `#[frame(crate = path)]` says where segno is found if not at `::segno`.
///
/// # What does not compile
///
/// A shared slot whose type is not shared:
///
/// ```compile_fail,E0277
/// # use segno::frame::{Context, Describe, Frame, Input, Step};
/// #[derive(Clone, Describe)]
/// struct Sum {
///     #[slot(shared)]
///     left: i64,
/// }
/// # impl Frame for Sum {
/// #     type Value = i64;
/// #     type World = ();
/// #     fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
/// #         Step::Return(0)
/// #     }
/// # }
/// ```
///
/// A copied slot whose type is shared:
///
/// ```compile_fail,E0277
/// # use segno::frame::{Context, Describe, Frame, Input, Step};
/// # use std::{cell::Cell, rc::Rc};
/// #[derive(Clone, Describe)]
/// struct Sum {
///     left: Option<Rc<Cell<i64>>>,
/// }
/// # impl Frame for Sum {
/// #     type Value = i64;
/// #     type World = ();
/// #     fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
/// #         Step::Return(0)
/// #     }
/// # }
/// ```
///
/// A word that says nothing:
///
/// ```compile_fail
/// # use segno::frame::{Context, Describe, Frame, Input, Step};
/// #[derive(Clone, Describe)]
/// struct Sum {
///     #[slot(hidden)]
///     left: i64,
/// }
/// # impl Frame for Sum {
/// #     type Value = i64;
/// #     type World = ();
/// #     fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
/// #         Step::Return(0)
/// #     }
/// # }
/// ```
///
/// Two kinds of one name:
///
/// ```compile_fail
/// # use segno::frame::{Context, Describe, Frame, Input, Step};
/// #[derive(Clone, Describe)]
/// enum Sum {
///     Left(i64),
///     #[frame(name = "Left")]
///     Right(i64),
/// }
/// # impl Frame for Sum {
/// #     type Value = i64;
/// #     type World = ();
/// #     fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
/// #         Step::Return(0)
/// #     }
/// # }
/// ```
#[proc_macro_derive(Describe, attributes(frame, slot))]
pub fn derive_describe(input: TokenStream) -> TokenStream {
    model::Model::of(parse_macro_input!(input))
        .map(|model| describe::describe(&model))
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

/// Writes `Persist` for a type of frames that derives `Describe` too, by what is said for that.
/// Every slot implements serde's `Serialize` and `Deserialize`; so does what frames pass to each
/// other.
///
/// ```
/// use segno::frame::{Context, Describe, Frame, Input, Step};
/// use segno::snapshot::Persist;
///
/// #[derive(Clone, Describe, Persist)]
/// enum Call {
///     #[frame(name = "sum", version = 2)]
///     Sum { left: i64 },
///     Ask(String),
/// }
///
/// impl Frame for Call {
///     type Value = i64;
///     type World = ();
///
///     fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
///         Step::Suspend(0)
///     }
/// }
///
/// assert_eq!(Call::KINDS[0].version, 2);
/// assert_eq!(Call::Ask("why".to_owned()).kind(), 1);
/// ```
#[proc_macro_derive(Persist, attributes(frame, slot))]
pub fn derive_persist(input: TokenStream) -> TokenStream {
    model::Model::of(parse_macro_input!(input))
        .map(|model| persist::persist(&model))
        .unwrap_or_else(Error::into_compile_error)
        .into()
}
