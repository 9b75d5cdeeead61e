//! The tags of prompts and the keys of marks: in the tables of a snapshot, and in its values.

use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;
use std::string::String;
use std::vec::Vec;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::{LoadError, SaveError};
use super::registry::Registry;
use super::session::{self, Loading, Reference, Saving};
use super::table::Table;
use super::tree;
use crate::frame::{MarkKey, PromptTag};

/// Tags and keys have the same tables.
pub(super) trait Identity: Copy + Eq + Hash + 'static {
    const WHAT: &'static str;
    /// The error for a number that is not in the table.
    const MISSING: LoadError;
    fn name(self) -> &'static str;
    fn is_named(self) -> bool;
    fn fresh(name: &'static str) -> Self;
    fn known(registry: &Registry) -> &HashMap<&'static str, Self>;
    fn unknown(self) -> SaveError;
    fn saved(saving: &mut Saving) -> &mut Table<Self>;
    fn loaded(loading: &Loading) -> &Table<Self>;

    /// Whether it is the one that is looked up by its name.
    fn is_known(self, registry: &Registry) -> bool {
        Self::known(registry).get(self.name()) == Some(&self)
    }

    /// Its number in the snapshot that is being written. One whose name is its identity is
    /// refused if nobody could look it up.
    fn number(self, saving: &mut Saving) -> Result<u32, SaveError> {
        if self.is_named() && !self.is_known(&saving.registry) {
            return Err(self.unknown());
        }
        Ok(Self::saved(saving).number(self, || self))
    }

    /// The one with this number in the snapshot that is being read.
    fn at(number: u32, loading: &Loading) -> Result<Self, LoadError> {
        let known = Self::loaded(loading).at(number).copied();
        known.ok_or(Self::MISSING)
    }

    /// Puts those with these names, each of which may be looked up by it, into a table: as this
    /// program has them.
    fn find(
        registry: &Registry,
        names: &[(Rc<str>, bool)],
        table: &mut Table<Self>,
    ) -> Result<(), LoadError> {
        for (name, is_named) in names {
            let known = Self::known(registry).get(&**name).copied();
            let it = match (known, is_named) {
                (Some(known), true) => known,
                (None, true) => {
                    return Err(LoadError::Unknown {
                        what: Self::WHAT,
                        name: String::from(&**name),
                    });
                }
                (known, false) => Self::fresh(known.map_or("loaded", Self::name)),
            };
            table.push(it, it);
        }
        Ok(())
    }
}

/// The names, and whether each is looked up by it.
pub(super) fn names<T: Identity>(list: &[T], registry: &Registry) -> Vec<(&'static str, bool)> {
    let identity = |it: &T| (it.name(), it.is_known(registry));
    list.iter().map(identity).collect()
}

macro_rules! identity {
    ($name:ident, $what:literal, $table:ident, $unknown:ident, $mark:ident) => {
        impl Identity for $name {
            const WHAT: &'static str = $what;
            const MISSING: LoadError = LoadError::Invalid(concat!("there is no such ", $what));
            fn name(self) -> &'static str {
                $name::name(&self)
            }
            fn is_named(self) -> bool {
                $name::is_named(&self)
            }
            fn fresh(name: &'static str) -> Self {
                $name::fresh(name)
            }
            fn known(registry: &Registry) -> &HashMap<&'static str, Self> {
                &registry.$table
            }
            fn unknown(self) -> SaveError {
                SaveError::$unknown(self)
            }
            fn saved(saving: &mut Saving) -> &mut Table<Self> {
                &mut saving.$table
            }
            fn loaded(loading: &Loading) -> &Table<Self> {
                &loading.$table
            }
        }

        /// Within a snapshot: by its number in the table that the snapshot has, so that it is the
        /// same wherever it is met.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let number = session::refer(|_, reference| reference.identity(*self));
                to.serialize_newtype_struct(tree::$mark, &number.map_err(S::Error::custom)?)
            }
        }

        /// Within a snapshot: the registered one of its name, or one that was minted for all that
        /// is loaded together.
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let number: u32 = tree::reference(tree::$mark, from)?;
                session::loading(|loading| Self::at(number, loading)).map_err(D::Error::custom)
            }
        }
    };
}

identity!(PromptTag, "prompt tag", tags, UnknownTag, TAG);
identity!(MarkKey, "mark key", keys, UnknownKey, KEY);

impl Reference<'_> {
    fn identity<T: Identity>(self, it: T) -> Result<u32, SaveError> {
        match self {
            Self::Saving(saving) => it.number(saving),
            Self::Loading(loading) => {
                let number = T::loaded(loading).get(&it);
                number.ok_or_else(|| SaveError::Value("it is new".into()))
            }
        }
    }
}
