//! Why a document is no snapshot.

use std::fmt;
use std::string::String;

use super::super::error::LoadError;
use super::super::tree::TreeError;

/// Why a document could not be written as a snapshot.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentError {
    /// Something in it cannot be encoded.
    At {
        /// Where: which part, which frame, which slot.
        place: String,
        /// Why.
        flaw: Flaw,
    },
    /// All was encoded, but is no snapshot of this program.
    Load(LoadError),
}

/// Why something in a document cannot be encoded.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// There is no such kind of frame, or not in that version.
    Kind {
        /// The kind.
        name: String,
        /// The version.
        version: u32,
    },
    /// The slots of a frame are not given by their names.
    NoSlots,
    /// There is no such slot, or it is given twice.
    UnknownSlot {
        /// Its name.
        name: String,
    },
    /// A slot is missing.
    MissingSlot {
        /// Its name.
        name: &'static str,
    },
    /// It is withheld.
    Withheld,
    /// It is not known which type it has.
    Untyped,
    /// It is of another type.
    Value(TreeError),
    /// It refers to what is not there, or is something else.
    Reference(LoadError),
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At { place, flaw } => write!(f, "{place}: {flaw}"),
            Self::Load(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { name, version } => write!(
                f,
                "the program has no frame of the kind {name} in version {version}: \
                 write one that it has"
            ),
            Self::NoSlots => f.write_str("write the slots as a map from their names"),
            Self::UnknownSlot { name } => {
                write!(f, "the frame has no second slot {name}, or none: remove it")
            }
            Self::MissingSlot { name } => write!(f, "the slot {name} is missing: write it"),
            Self::Withheld => {
                f.write_str("it is withheld: read the snapshot with its secrets, or write a value")
            }
            Self::Untyped => f.write_str(
                "nothing says which type it has: tell the editor, or refer to it, or leave the \
                 bytes as they were",
            ),
            Self::Value(why) => why.fmt(f),
            Self::Reference(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for DocumentError {}
