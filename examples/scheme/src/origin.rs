//! Where programs came from, for those who ask whether that has changed.

use std::collections::BTreeSet;
use std::rc::Rc;

use segno::snapshot::Shared;
use serde::{Deserialize, Serialize};

use crate::environment::Environment;

/// Where a program came from: the one that was run, or one that it has loaded.
#[derive(Clone, Serialize, Deserialize)]
pub struct Origin {
    /// The name of its source.
    pub name: Rc<str>,
    /// The names of the files that it includes, and of those that have the libraries it imports.
    pub parts: BTreeSet<Rc<str>>,
    /// What it was loaded into, if that was not the environment of the world.
    pub environment: Option<Shared<Environment>>,
}

impl Origin {
    /// Adds it to others. Who loads a file again and again has one origin.
    pub(crate) fn note(self, origins: &mut Vec<Self>) {
        let same = |other: &&mut Self| {
            let environments = match (&self.environment, &other.environment) {
                (None, None) => true,
                (Some(here), Some(there)) => here.same(there),
                _ => false,
            };
            environments && self.name == other.name
        };
        match origins.iter_mut().find(same) {
            Some(known) => known.parts.extend(self.parts),
            None => origins.push(self),
        }
    }
}
