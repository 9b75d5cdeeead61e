//! Why a computation could not be saved or loaded.

use std::fmt;
use std::string::String;

use crate::frame::{MarkKey, PromptTag, Refusal};

/// Why a computation could not be saved. Nothing is lost: it goes on where it is.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveError {
    /// A machine is done, or on its way out of winders to a goal: let it go on first.
    NotSuspended,
    /// A frame of this kind can be resumed only once, so that there cannot be another.
    OneShot {
        /// The kind of the frame.
        frame: &'static str,
    },
    /// A winder is being left because the machine refused to go on: let it go on first.
    Refused(Refusal),
    /// A prompt has a name that the registry does not know: register the tag.
    UnknownTag(PromptTag),
    /// A mark has a name that the registry does not know: register the key.
    UnknownKey(MarkKey),
    /// A value is named by what the registry does not know: register it.
    Unnamed {
        /// Its type.
        of: &'static str,
    },
    /// The base of an increment belongs to another program: take it since one of this program.
    Base {
        /// The program that the base belongs to.
        of: String,
    },
    /// A continuation leads back to itself, through a cell that is not `Shared`: make it one.
    Circular,
    /// A value cannot be encoded; its own `Serialize` says so, or the format cannot hold it.
    Value(String),
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSuspended => {
                f.write_str("the machine is done or leaves winders: let it run until it suspends")
            }
            Self::OneShot { frame } => write!(
                f,
                "a frame of the kind {frame} can be resumed only once and has no second copy: \
                 let it return before saving"
            ),
            Self::Refused(refusal) => {
                write!(
                    f,
                    "a winder is being left ({refusal}): let it run on before saving"
                )
            }
            Self::UnknownTag(tag) => {
                write!(
                    f,
                    "register the prompt tag {tag} with the registry before saving"
                )
            }
            Self::UnknownKey(key) => {
                write!(
                    f,
                    "register the mark key {key} with the registry before saving"
                )
            }
            Self::Unnamed { of } => {
                write!(
                    f,
                    "register the value of the type {of} with the registry before saving"
                )
            }
            Self::Base { of } => write!(
                f,
                "the base belongs to the program {of}: take the increment since one of this program"
            ),
            Self::Circular => f.write_str(
                "a continuation leads back to itself: hold it in a Shared value instead",
            ),
            Self::Value(why) => write!(f, "a value cannot be encoded ({why}): mend its Serialize"),
        }
    }
}

impl std::error::Error for SaveError {}

/// Why a snapshot could not be loaded.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// It does not begin as a snapshot does.
    NotASnapshot,
    /// It is sealed.
    Sealed,
    /// It was written in a format that this version of the crate does not know.
    Format {
        /// The version of the format.
        found: u8,
    },
    /// The bytes end too early, are too many, or were changed on the way.
    Damaged,
    /// It belongs to another program.
    Program {
        /// The program that wrote it.
        found: String,
        /// The program that reads it.
        expected: String,
    },
    /// It is an increment where a snapshot is expected, or to another one; or it is none where
    /// an increment is expected.
    Base {
        /// Whether it is an increment.
        is_increment: bool,
    },
    /// It holds a kind of frame that this program does not have, or not in that version.
    Kind {
        /// The kind of frame.
        name: String,
        /// The version in which it was stored.
        version: u32,
    },
    /// It holds a shared object of a type that is not the one that is expected there.
    Object {
        /// The type that was stored.
        found: String,
        /// The type that is expected.
        expected: String,
    },
    /// It refers to a name that the registry does not know, or knows for something else.
    Unknown {
        /// What is named: a prompt, a mark, a value.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A named value is not what it was when the snapshot was saved.
    Revision {
        /// The name.
        name: String,
        /// What the snapshot was saved with.
        found: u64,
        /// What there is now.
        expected: u64,
    },
    /// What is in it does not fit together.
    Invalid(&'static str),
    /// A value could not be decoded.
    Value {
        /// What the value was part of.
        of: String,
        /// Why.
        why: String,
    },
    /// There is more in it than may be loaded.
    Limit {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// There is no such root, or it is something else.
    Root {
        /// Its index.
        index: usize,
    },
}

impl LoadError {
    /// Whether it is of something that this program cannot decode, and not of the snapshot.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Kind { .. }
                | Self::Object { .. }
                | Self::Unknown { .. }
                | Self::Revision { .. }
                | Self::Value { .. }
        )
    }
}

/// Names come from the bytes as they are, and stay on their line.
impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASnapshot => f.write_str("this is no snapshot: check what was read"),
            Self::Sealed => f.write_str("the snapshot is sealed: open it first"),
            Self::Format { found } => {
                write!(
                    f,
                    "the snapshot has format {found}: load it with a newer segno"
                )
            }
            Self::Damaged => f.write_str("the snapshot is damaged: take another copy of it"),
            Self::Program { found, expected } => write!(
                f,
                "the snapshot belongs to the program {}, and this is {expected}: load it there",
                found.escape_debug()
            ),
            Self::Base { is_increment: true } => f.write_str(
                "the snapshot is an increment to another one: load it together with all that it \
                 was taken since, the oldest first",
            ),
            Self::Base { .. } => {
                f.write_str("the snapshot is whole and no increment: load it by itself")
            }
            Self::Kind { name, version } => write!(
                f,
                "the program has no frame of the kind {} in version {version}: add an upgrade for \
                 it that leads to what there is, or load it with the program that has it",
                name.escape_debug()
            ),
            Self::Object { found, expected } => write!(
                f,
                "a shared object is stored as {} where {expected} is expected: \
                 add an `upgrade_object` that leads from the one to the other",
                found.escape_debug()
            ),
            Self::Unknown { what, name } => {
                write!(
                    f,
                    "register the {what} {} with the registry before loading",
                    name.escape_debug()
                )
            }
            Self::Revision {
                name,
                found,
                expected,
            } => write!(
                f,
                "{} was at revision {found} when the snapshot was saved and is at \
                 {expected} now: bring that revision back, or register what may replace it",
                name.escape_debug()
            ),
            Self::Invalid(why) => write!(f, "the snapshot is no valid one ({why}): refuse it"),
            Self::Value { of, why } => {
                write!(
                    f,
                    "a value of {} cannot be decoded ({why}): its type is another one; raise its \
                     version and add an upgrade, or mend the upgrade that there is",
                    of.escape_debug()
                )
            }
            Self::Limit { what, limit } => write!(
                f,
                "the snapshot has more than {limit} {what}: raise the limit if it is trusted"
            ),
            Self::Root { index } => {
                write!(
                    f,
                    "root {index} is not there, was taken, or is of another sort: ask for what \
                     was added as that root"
                )
            }
        }
    }
}

impl std::error::Error for LoadError {}
