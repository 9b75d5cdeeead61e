//! What a frame says of itself.

use core::fmt;

use super::Frame;

/// What becomes of a slot when its frame is copied or stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotKind {
    /// Each copy of the frame has its own: the point reached, an evaluation stack.
    Copied,
    /// All copies of the frame refer to the same: a variable that is assigned to.
    Shared,
    /// It is looked up by its name, and never stored: a built-in function, a connection.
    Named,
}

/// A slot of a kind of frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotDescriptor {
    /// Its name, unique within the frame.
    pub name: &'static str,
    /// What becomes of it.
    pub kind: SlotKind,
    /// Whether no view may show what it holds.
    pub secret: bool,
    /// Its type as it is written in the program, if that was said: so that a change of it can
    /// be noticed.
    pub of: &'static str,
}

impl SlotDescriptor {
    /// A slot that may be shown.
    #[must_use]
    pub const fn new(name: &'static str, kind: SlotKind) -> Self {
        Self {
            name,
            kind,
            secret: false,
            of: "",
        }
    }

    /// The same, of a type that is written so.
    #[must_use]
    pub const fn of(mut self, of: &'static str) -> Self {
        self.of = of;
        self
    }

    /// The same, but no view may show what it holds.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

/// A kind of frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameDescriptor {
    /// Its name, unique within the program.
    pub name: &'static str,
    /// Raised whenever its slots, or what they mean, change.
    pub version: u32,
    /// The first version in which it may be stored and still be read: since then slots were
    /// only added, and say since when.
    pub reads: u32,
    /// Whether the frame can start again from its own slots when those above it are lost, by
    /// [`Input::Restarted`](super::Input::Restarted).
    pub checkpoint: bool,
    /// Whether a continuation through the frame can be resumed only once. The machine asks
    /// [`Frame::one_shot`], which should answer [`Describe::one_shot_kind`].
    pub one_shot: bool,
    /// Its slots, in the order of [`Describe::slot`].
    pub slots: &'static [SlotDescriptor],
}

impl FrameDescriptor {
    /// A kind of frame of version 1 that is no checkpoint and is not one-shot.
    #[must_use]
    pub const fn new(name: &'static str, slots: &'static [SlotDescriptor]) -> Self {
        Self {
            name,
            version: 1,
            reads: 1,
            checkpoint: false,
            one_shot: false,
            slots,
        }
    }

    /// The same in another version, which reads no other.
    #[must_use]
    pub const fn version(mut self, version: u32) -> Self {
        self.version = version;
        self.reads = version;
        self
    }

    /// The same, where earlier versions can be read too, from this one on.
    #[must_use]
    pub const fn reads(mut self, version: u32) -> Self {
        self.reads = version;
        self
    }

    /// The same as a checkpoint. What was done above it, to what is shared and outside, stays
    /// done when it restarts.
    #[must_use]
    pub const fn checkpoint(mut self) -> Self {
        self.checkpoint = true;
        self
    }

    /// The same as one-shot.
    #[must_use]
    pub const fn one_shot(mut self) -> Self {
        self.one_shot = true;
        self
    }
}

/// A frame that says what kind it is and what is in it.
///
/// With the feature `derive`, `#[derive(Describe)]` writes it:
///
/// ```toml
/// segno = { version = "0.1", features = ["derive"] }
/// ```
///
/// By hand:
///
/// ```
/// use segno::frame::{Context, Describe, Frame, FrameDescriptor, Input, SlotDescriptor};
/// use segno::frame::{SlotKind, Step};
/// use std::fmt;
///
/// #[derive(Clone)]
/// struct Sum {
///     left: i64,
/// }
///
/// impl Frame for Sum {
///     type Value = i64;
///     type World = ();
///
///     fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
///         match input {
///             Input::Value(right) => Step::Return(self.left + right),
///             _ => Step::Return(self.left),
///         }
///     }
/// }
///
/// impl Describe for Sum {
///     fn descriptor(&self) -> &'static FrameDescriptor {
///         static SUM: FrameDescriptor =
///             FrameDescriptor::new("sum", &[SlotDescriptor::new("left", SlotKind::Copied)]);
///         &SUM
///     }
///
///     fn slot(&self, index: usize) -> Option<&dyn fmt::Debug> {
///         match index {
///             0 => Some(&self.left),
///             _ => None,
///         }
///     }
/// }
/// ```
pub trait Describe: Frame {
    /// The kind of this frame.
    fn descriptor(&self) -> &'static FrameDescriptor;

    /// What is in a slot, by its index in the descriptor; none if there is no such slot. Of
    /// one that is secret it may be none too.
    fn slot(&self, index: usize) -> Option<&dyn fmt::Debug>;

    /// The name of this kind of frame, if it is one-shot: what [`Frame::one_shot`] answers for
    /// a frame whose descriptor says it.
    fn one_shot_kind(&self) -> Option<&'static str> {
        let descriptor = self.descriptor();
        descriptor.one_shot.then_some(descriptor.name)
    }
}
