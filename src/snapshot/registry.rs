//! What a program knows by name.

use std::any::{Any, type_name};
use std::borrow::ToOwned;
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;
use std::string::String;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::{LoadError, SaveError};
use super::upgrade::{Rule, Upgrades};
use super::{session, tree};
use crate::frame::{Frame, MarkKey, PromptTag};

/// A program, as its snapshots know it: its name and version, and what it has by name.
///
/// What is registered is stored by its name, and looked up again: built-in functions, open
/// connections, the tags of prompts. It is a value, so that two versions of a program can be
/// side by side in one process.
#[derive(Debug, Default)]
pub struct Registry {
    pub(super) program: String,
    pub(super) version: u64,
    pub(super) tags: HashMap<&'static str, PromptTag>,
    pub(super) keys: HashMap<&'static str, MarkKey>,
    values: HashMap<&'static str, Entry>,
    /// The names of values, by their addresses.
    names: HashMap<usize, &'static str>,
    pub(super) frames: Upgrades,
    pub(super) objects: Upgrades,
    pub(super) rules: Rules,
    pub(super) policy: Policy,
}

/// How stored frames become frames of any kind. Each is a [`Rule`] for some type of frames.
#[derive(Default)]
pub(super) struct Rules(HashMap<(&'static str, u32), Rc<dyn Any>>);

impl Rules {
    pub(super) fn find<F: 'static>(&self, name: &str, version: u32) -> Option<Rule<F>> {
        self.0.get(&(name, version))?.downcast_ref().cloned()
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What becomes of a machine whose frames cannot all be decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// It is refused.
    #[default]
    Refuse,
    /// It goes on at the nearest [checkpoint](crate::frame::FrameDescriptor::checkpoint) below
    /// them, if there is one: see [`Loaded::machine`](super::Loaded::machine). It is run then,
    /// and not answered. What was done since, to shared values and outside, is not undone: what a
    /// checkpoint does again has to bear that.
    Restart,
}

struct Entry {
    value: Rc<dyn Any>,
    of: &'static str,
    revision: u64,
}

impl Entry {
    fn address(&self) -> usize {
        Rc::as_ptr(&self.value).cast::<()>().addr()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at revision {}", self.of, self.revision)
    }
}

impl Registry {
    /// The registry of a program. Snapshots of another name are refused; the version is written
    /// down, for [`Loaded::program_version`](super::Loaded::program_version).
    #[must_use]
    pub fn new(program: &str, version: u64) -> Self {
        Self {
            program: program.to_owned(),
            version,
            ..Self::default()
        }
    }

    /// Registers a prompt tag by its name.
    #[must_use]
    pub fn tag(mut self, tag: PromptTag) -> Self {
        self.tags.insert(tag.name(), tag);
        self
    }

    /// Registers a mark key by its name.
    #[must_use]
    pub fn key(mut self, key: MarkKey) -> Self {
        self.keys.insert(key.name(), key);
        self
    }

    /// Registers a value by a name.
    #[must_use]
    pub fn value<T: 'static>(self, name: &'static str, value: Named<T>) -> Self {
        self.revised(name, value, 0)
    }

    /// Registers a value by a name, and at a revision that a snapshot has to have been saved
    /// with: of a file that may change, say.
    #[must_use]
    pub fn revised<T: 'static>(
        mut self,
        name: &'static str,
        value: Named<T>,
        revision: u64,
    ) -> Self {
        if let Some(other) = self.values.get(name) {
            self.names.remove(&other.address());
        }
        self.names.insert(value.address(), name);
        let entry = Entry {
            value: value.0,
            of: type_name::<T>(),
            revision,
        };
        self.values.insert(name, entry);
        self
    }

    /// Says how the slots of a frame that was stored in an older version, or under another
    /// name, become those of another: of the one that there is now, or of one that leads to it.
    /// Both are tuples of all slots in their order; of a single one it is `(T,)`.
    ///
    /// It is not asked for a version that the program reads as it is. Of two for the same version
    /// the later one counts.
    ///
    /// ```
    /// use segno::snapshot::Registry;
    ///
    /// let registry = Registry::new("quiz", 3)
    ///     // Version 1 had one number, version 2 has two.
    ///     .upgrade(("sum", 1), ("sum", 2), |(left,): (i64,)| (left, 0u32))
    ///     .upgrade(("sum", 2), ("addition", 1), |slots: (i64, u32)| slots);
    /// ```
    #[must_use]
    pub fn upgrade<Old: DeserializeOwned, New: Serialize>(
        mut self,
        from: (&'static str, u32),
        to: (&'static str, u32),
        upgrade: impl Fn(Old) -> New + 'static,
    ) -> Self {
        self.frames.add(from, to, upgrade);
        self
    }

    /// Says how the slots of a frame that was stored in this version become a frame of the
    /// program as it is now, of whichever kind: where one kind was split into several, say.
    ///
    /// ```
    /// # use segno::frame::{Context, Frame, Input, Step};
    /// use segno::snapshot::Registry;
    ///
    /// #[derive(Clone)]
    /// enum Call {
    ///     Count(u32),
    ///     Forever,
    /// }
    /// # impl Frame for Call {
    /// #     type Value = ();
    /// #     type World = ();
    /// #     fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
    /// #         Step::Return(())
    /// #     }
    /// # }
    ///
    /// let registry = Registry::new("counter", 2)
    ///     // In version 1, zero was to count without end.
    ///     .upgrade_to(("Count", 1), |(times,): (u32,)| match times {
    ///         0 => Call::Forever,
    ///         times => Call::Count(times),
    ///     });
    /// ```
    #[must_use]
    pub fn upgrade_to<Old: DeserializeOwned, F: Frame + 'static>(
        mut self,
        from: (&'static str, u32),
        upgrade: impl Fn(Old) -> F + 'static,
    ) -> Self {
        let rule: Rule<F> = Rc::new(move |bytes| bytes.value().map(&upgrade));
        self.rules.0.insert(from, Rc::new(rule));
        self
    }

    /// As [`upgrade`](Self::upgrade), for a shared value or a constant.
    #[must_use]
    pub fn upgrade_object<Old: DeserializeOwned, New: Serialize>(
        mut self,
        from: (&'static str, u32),
        to: (&'static str, u32),
        upgrade: impl Fn(Old) -> New + 'static,
    ) -> Self {
        self.objects.add(from, to, upgrade);
        self
    }

    /// Says what becomes of a machine whose frames cannot all be decoded.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    fn name_of<T: 'static>(&self, value: &Named<T>) -> Result<(&'static str, u64), SaveError> {
        let unnamed = SaveError::Unnamed {
            of: type_name::<T>(),
        };
        let name = *self.names.get(&value.address()).ok_or(unnamed.clone())?;
        let entry = self.values.get(name);
        let entry = entry.filter(|entry| entry.value.is::<T>()).ok_or(unnamed)?;
        Ok((name, entry.revision))
    }

    fn find<T: 'static>(&self, name: &str, revision: u64) -> Result<Named<T>, LoadError> {
        let unknown = || LoadError::Unknown {
            what: type_name::<T>(),
            name: name.to_owned(),
        };
        let entry = self.values.get(name).ok_or_else(unknown)?;
        let value = entry.value.clone().downcast().map_err(|_| unknown())?;
        if entry.revision != revision {
            return Err(LoadError::Revision {
                name: name.to_owned(),
                found: revision,
                expected: entry.revision,
            });
        }
        Ok(Named(value))
    }
}

/// A value that is stored by its name in the [`Registry`], and looked up again. Nothing that
/// it leads to is stored.
pub struct Named<T>(Rc<T>);

impl<T> Named<T> {
    /// A value that is to be registered.
    pub fn new(value: T) -> Self {
        Self(Rc::new(value))
    }

    fn address(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }
}

impl<T> Clone for Named<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Deref for Named<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Named<{}>", type_name::<T>())
    }
}

impl<T: 'static> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let name = session::refer(|registry, _| registry.name_of(self));
        to.serialize_newtype_struct(tree::NAMED, &name.map_err(S::Error::custom)?)
    }
}

impl<'de, T: 'static> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (name, revision): (String, u64) = tree::reference(tree::NAMED, from)?;
        session::loading(|loading| loading.registry.find(&name, revision)).map_err(D::Error::custom)
    }
}
