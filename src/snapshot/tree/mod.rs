//! Values of any type as a tree: to be shown, written in any format, edited, and read back.
//!
//! ```text
//!           Tree::of                   Serialize
//!  a value ──────────▶ a Tree, edited ───────────▶ JSON, or another format that describes itself
//!          ◀──────────                ◀───────────
//!           Tree::read                 Deserialize
//! ```
//!
//! What comes back from a format is not the same tree: a width is lost, a tuple is a sequence,
//! a variant is a string or a map. But the type that is read from it knows what it wants, so
//! that it is the same value.

mod number;
mod of;
mod read;
mod text;

use std::borrow::Cow;
use std::boxed::Box;
use std::fmt;
use std::marker::PhantomData;
use std::string::{String, ToString};
use std::vec::Vec;

use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::limited::{Budget, DEFAULT_DEPTH, Exceeded, Limited};
use super::wire;
pub(super) use of::Levels;

pub use number::Number;

/// A value of any type: what it tells serde of itself, as data.
///
/// It is written as `serde_json` would write the value: a variant as its name, or as a map from
/// its name to what is in it, and a structure as a map. What that cannot hold is a map with one
/// entry, whose key begins with `$`:
///
/// | mark | what it is |
/// |---|---|
/// | `{"$shared": 3}` | a shared object, by its index |
/// | `{"$continuation": 2}` | a continuation, by the index of its part |
/// | `{"$named": ["double", 0]}` | what is named, by its name and revision |
/// | `{"$tag": 0}` | the tag of a prompt, by its index |
/// | `{"$key": 1}` | the key of marks, by its index |
/// | `{"$opaque": "0aff"}` | bytes whose type is not known |
/// | `{"$withheld": null}` | what may not be shown |
/// | `{"$bytes": "0aff"}` | bytes |
/// | `{"$number": "-inf"}` | a number that is not finite, has more than 64 bits, or needs more digits than every parser reads exactly |
/// | `{"$some": null}` | an option that holds what would be null |
/// | `{"$map": [[1, "one"]]}` | a map with other keys than strings, or with one that is a mark |
///
/// A text that is read may use each of them anywhere. A sequence may stand for a structure, a
/// number for one of another width that can hold it.
///
/// It is dropped, cloned and written level by level: one that is made by hand should not be
/// much deeper than [`LoadLimits::depth`](super::LoadLimits::depth).
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// `()`, or a structure without fields.
    Unit,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A character.
    Char(char),
    /// A string.
    Str(String),
    /// Bytes, of a type that says that they are.
    Bytes(Vec<u8>),
    /// An option that holds nothing.
    None,
    /// An option that holds something.
    Some(Box<Tree>),
    /// A sequence.
    Seq(Vec<Tree>),
    /// A tuple, an array, or a structure whose fields have no names.
    Tuple(Vec<Tree>),
    /// A map.
    Map(Vec<(Tree, Tree)>),
    /// A structure.
    Struct {
        /// The name of its type.
        name: String,
        /// Its fields, in order.
        fields: Vec<(String, Tree)>,
    },
    /// A variant of an enum.
    Variant {
        /// The name of the enum.
        of: String,
        /// Its index. The name is what counts where it is read.
        index: u32,
        /// Its name.
        name: String,
        /// What is in it, if it is not a unit variant.
        content: Option<Box<Tree>>,
    },
    /// A shared object of the snapshot, by its index.
    Shared(u32),
    /// A continuation of the snapshot, by the index of its part.
    Continuation(u32),
    /// What is looked up in the registry.
    Named {
        /// Its name.
        name: String,
        /// The revision that it is expected to have.
        revision: u64,
    },
    /// The tag of a prompt, by its index in the snapshot.
    Tag(u32),
    /// The key of marks, by its index in the snapshot.
    Key(u32),
    /// Bytes whose type is not known.
    Opaque(Vec<u8>),
    /// What may not be shown.
    Withheld,
}

/// Why a value is no tree, or a tree no value of the type that is wanted.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeError {
    /// It is nested deeper than so many levels.
    Depth {
        /// The levels that it may have.
        limit: u32,
    },
    /// Its own `Serialize` or `Deserialize` refuses it.
    Value(String),
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Depth { limit } => write!(
                f,
                "the value is nested more than {limit} levels deep: raise the limit if it is \
                 trusted"
            ),
            Self::Value(why) => write!(f, "{why}: write a value of the type that is wanted"),
        }
    }
}

impl std::error::Error for TreeError {}

impl serde::ser::Error for TreeError {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self::Value(why.to_string())
    }
}

impl serde::de::Error for TreeError {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self::Value(why.to_string())
    }
}

fn refused(why: impl Into<String>) -> TreeError {
    TreeError::Value(why.into())
}

impl Tree {
    /// The tree of a value.
    ///
    /// # Errors
    ///
    /// If the value refuses, or is nested deeper than 64 levels. What is shared, named, a
    /// continuation, a tag or a key refuses outside of a snapshot.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, TreeError> {
        Self::within(value, DEFAULT_DEPTH)
    }

    /// The tree of a value of at most so many levels.
    pub(super) fn within<T: Serialize + ?Sized>(value: &T, limit: u32) -> Result<Self, TreeError> {
        value.serialize(Levels::new(limit))
    }

    /// The value that this is the tree of.
    ///
    /// # Errors
    ///
    /// If it is of another type, or nested deeper than 64 levels.
    pub fn read<'de, T: Deserialize<'de>>(&'de self) -> Result<T, TreeError> {
        self.read_within(DEFAULT_DEPTH)
    }

    /// The value, of at most so many levels.
    pub(super) fn read_within<'de, T: Deserialize<'de>>(
        &'de self,
        limit: u32,
    ) -> Result<T, TreeError> {
        let budget = Budget::new(limit, u64::MAX);
        T::deserialize(Limited::new(self, &budget)).map_err(|error| match budget.exceeded() {
            Some(Exceeded::Depth) => TreeError::Depth { limit },
            _ => error,
        })
    }

    /// Encodes the value, of at most so many levels, for a snapshot; or only reads it.
    pub(super) fn encode<T: Serialize + DeserializeOwned>(
        &self,
        limit: u32,
        to: Option<&mut Vec<u8>>,
    ) -> Result<(), TreeError> {
        let value: T = self.read_within(limit)?;
        to.map_or(Ok(()), |to| wire::value(&value, to))
            .map_err(|error| refused(error.to_string()))
    }

    /// Visits it, and all that is in it.
    pub(super) fn visit(&self, visit: &mut dyn FnMut(&Self)) {
        visit(self);
        match self {
            Self::Some(inner) => inner.visit(visit),
            Self::Seq(list) | Self::Tuple(list) => list.iter().for_each(|it| it.visit(visit)),
            Self::Map(map) => map.iter().for_each(|(key, value)| {
                key.visit(visit);
                value.visit(visit);
            }),
            Self::Struct { fields, .. } => fields.iter().for_each(|(_, it)| it.visit(visit)),
            Self::Variant {
                content: Some(content),
                ..
            } => content.visit(visit),
            _ => {}
        }
    }

    /// Whether it is written as null, unless that is marked.
    fn is_null(&self) -> bool {
        match self {
            Self::Unit | Self::None => true,
            Self::Some(inner) => inner.is_null(),
            _ => false,
        }
    }

    /// The string that it is written as where it is a key, if it is one.
    fn key(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Str(key) => Some(key.into()),
            Self::Char(key) => Some(key.to_string().into()),
            Self::Some(inner) => inner.key(),
            Self::Variant {
                name,
                content: None,
                ..
            } => Some(name.into()),
            _ => None,
        }
    }
}

/// As what a reference makes itself known to the tree that it becomes. To the format of
/// snapshots it is what is in it.
pub(super) const SHARED: &str = "segno::Shared";
pub(super) const CONTINUATION: &str = "segno::Continuation";
pub(super) const NAMED: &str = "segno::Named";
pub(super) const TAG: &str = "segno::PromptTag";
pub(super) const KEY: &str = "segno::MarkKey";

/// Reads what a reference holds that makes itself known by this name.
pub(super) fn reference<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    name: &'static str,
    from: D,
) -> Result<T, D::Error> {
    struct Held<T>(&'static str, PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Held<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, held: D) -> Result<T, D::Error> {
            T::deserialize(held)
        }
    }
    from.deserialize_newtype_struct(name, Held(name, PhantomData))
}
