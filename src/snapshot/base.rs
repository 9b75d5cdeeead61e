//! What a snapshot is an increment to.

use std::fmt;
use std::rc::Rc;
use std::string::String;

use super::changes::Changes;
use super::object::AnyObject;
use super::persist::Persist;
use super::table::Table;
use crate::frame::parts::Part;
use crate::frame::{MarkKey, PromptTag};

/// A snapshot that was saved or loaded, for [increments](super::Save::since) to it. It keeps
/// what it has stored: the segments and the shared values.
///
/// What was stored and has changed since is stored again if it is [`Shared`](super::Shared) and
/// was changed by its methods. Of other cells, in frames or within shared values, nobody knows
/// that they have changed. As long as there is a base, its thread notes which shared values
/// change, and an increment looks at all that have changed since its base.
pub struct Base<F: Persist>(pub(super) Rc<Stored<F>>);

/// What is stored in a snapshot and those before it.
pub(super) struct Stored<F: Persist> {
    pub(super) id: BaseId,
    pub(super) program: String,
    pub(super) tags: Rc<Table<PromptTag>>,
    pub(super) keys: Rc<Table<MarkKey>>,
    pub(super) objects: Rc<ObjectTable>,
    pub(super) parts: Rc<PartTable<F>>,
    /// What has changed since.
    pub(super) changes: Rc<Changes>,
}

/// Shared values, by their addresses. What was loaded and nobody has referred to is not there.
pub(super) type ObjectTable = Table<usize, Option<Rc<dyn AnyObject>>>;

/// Parts, by their identities. They are kept, since their addresses are those.
pub(super) type PartTable<F> = Table<(usize, usize), Part<F>>;

/// By what an increment knows its base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BaseId {
    pub(super) checksum: u32,
    /// How many there are, with those of its own bases.
    pub(super) parts: u32,
    pub(super) objects: u32,
}

impl<F: Persist> Clone for Base<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: Persist> fmt::Debug for Base<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Base")
            .field("parts", &self.0.id.parts)
            .field("objects", &self.0.id.objects)
            .finish_non_exhaustive()
    }
}
