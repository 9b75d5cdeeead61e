//! Why a step was refused.

use core::fmt;

use super::PromptTag;

/// Why the machine refused a step, or a call from outside.
///
/// A refused step changes nothing: the frame that asked gets an
/// [`Input::Refused`](super::Input::Refused) and goes on from there.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No prompt with this tag is below the frame.
    NoSuchPrompt(PromptTag),
    /// A host call that re-entered the machine lies between the frame and the prompt, if
    /// there is one.
    Barrier {
        /// The name that the host call gave itself.
        host_call: &'static str,
    },
    /// A winder that is running on the way of an escape or of a continuation lies between the frame
    /// and the prompt, if there is one, and no frame [asks for](super::Frame::escape) what is left
    /// of that way. So it is too where a frame that can be resumed once is still to come.
    InWinder,
    /// The stack would be deeper than the machine allows.
    Depth {
        /// How many frames it may have.
        limit: usize,
    },
    /// More prompts would be installed than the machine allows.
    Prompts {
        /// How many there may be.
        limit: usize,
    },
    /// More frames would be held in sealed segments than the machine allows.
    SealedFrames {
        /// How many there may be.
        limit: usize,
    },
    /// Host calls would be nested deeper than the machine allows.
    Nesting {
        /// How deep they may be.
        limit: usize,
    },
    /// The continuation goes through a frame that can be resumed once, and was.
    OneShot {
        /// The kind of the frame.
        frame: &'static str,
    },
    /// A frame that was entered again returned, or called a foreign function, before it had
    /// reached the point that it was left at. Or one that was not entered again wanted to have
    /// received something.
    Missed {
        /// The kind of the frame.
        frame: &'static str,
    },
    /// A frame that is an image cannot do that.
    Image {
        /// Why not.
        why: &'static str,
    },
    /// A frame went on although the native stack was being left: it has kept a
    /// [`Leave::Away`](crate::copy::Leave::Away) to itself.
    Stayed {
        /// The kind of the lowest frame on that stack.
        frame: &'static str,
    },
    /// A run was given no fuel.
    NoFuel,
    /// The machine has nothing to run, or a continuation has no frames to return into.
    NoFrames,
    /// The machine is in another state than the call is for: it waits for nothing, or for
    /// something else.
    NotSuspended,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchPrompt(tag) => write!(f, "no prompt has the tag {tag}"),
            Self::Barrier { host_call } => {
                write!(
                    f,
                    "the host call `{host_call}` runs what it calls to the end, and nothing is captured or suspended across it"
                )
            }
            Self::InWinder => f.write_str(
                "a winder stands between here and the prompt, on a way that cannot be captured",
            ),
            Self::Depth { limit } => write!(f, "the stack may have {limit} frames"),
            Self::Prompts { limit } => write!(f, "there may be {limit} prompts"),
            Self::SealedFrames { limit } => {
                write!(f, "continuations may hold {limit} frames")
            }
            Self::Nesting { limit } => write!(f, "host calls may be {limit} deep"),
            Self::OneShot { frame } => {
                write!(f, "a frame of the kind {frame} can be resumed once")
            }
            Self::Missed { frame } => write!(
                f,
                "a frame of the kind {frame} is not at the point that it was left at, or was not left at all: its state has to say, before it asks, how far it has come"
            ),
            Self::Image { why } => write!(f, "an image cannot do that: {why}"),
            Self::Stayed { frame } => write!(
                f,
                "above a frame of the kind {frame} one went on although the stack was being left: hand on `Leave::Away`, as `?` does"
            ),
            Self::NoFuel => f.write_str("a run needs fuel"),
            Self::NoFrames => f.write_str("there is no frame to return into"),
            Self::NotSuspended => f.write_str("the machine does not wait for that"),
        }
    }
}

impl core::error::Error for Refusal {}
