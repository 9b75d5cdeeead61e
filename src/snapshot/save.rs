//! Writing a snapshot.

use std::borrow::ToOwned;
use std::fmt;
use std::rc::Rc;
use std::vec::Vec;

use serde::Serialize;

use super::error::SaveError;
use super::persist::Persist;
use super::registry::Registry;
use super::session::{self, Identity, Saving, Scope, Table};
use super::sink::{Sink, known};
use super::wire;
use super::{FORMAT, MAGIC};
use crate::frame::parts::{Part, Waits};
use crate::frame::{Continuation, Machine};

/// Writes a snapshot.
pub struct Save<F: Persist> {
    /// None while it is lent to the values.
    saving: Option<Saving>,
    sink: Sink<F>,
    roots: Vec<u8>,
    root_count: u64,
}

impl<F: Persist> fmt::Debug for Save<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Save")
            .field("roots", &self.root_count)
            .field("parts", &self.sink.alive.len())
            .finish_non_exhaustive()
    }
}

impl<F: Persist> Save<F> {
    /// A snapshot of this program, with nothing in it.
    #[must_use]
    pub fn new(registry: &Rc<Registry>) -> Self {
        Self {
            saving: Some(Saving::new(registry.clone())),
            sink: Sink::new(),
            roots: Vec::new(),
            root_count: 0,
        }
    }

    /// Within a session.
    fn within<R>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<R, SaveError>,
    ) -> Result<R, SaveError> {
        let Some(saving) = self.saving.take() else {
            return Err(SaveError::Value("an earlier value panicked".to_owned()));
        };
        let scope = Scope::save(saving);
        let done = act(self);
        self.saving = scope.saved();
        done
    }

    /// Adds a machine that is paused or suspended. It goes on as if nothing had been.
    ///
    /// # Errors
    ///
    /// If it holds what cannot be stored. The snapshot is as it was then.
    pub fn machine(&mut self, machine: &mut Machine<F>) -> Result<(), SaveError> {
        let k = machine.continuation().ok_or(SaveError::NotSuspended)?;
        let waits = machine.waits().ok_or(SaveError::NotSuspended)?;
        self.root(1, |save, to| {
            save.continuation_into(k, to)?;
            let (number, value) = match waits {
                Waits::Answer => (0, None),
                Waits::Start => (1, None),
                Waits::Restarted => (2, None),
                Waits::Value(value) => (3, Some(value)),
                Waits::Raised(error) => (4, Some(error)),
                Waits::Continuation(k) => {
                    wire::number(5, to);
                    return save.continuation_into(k.clone(), to);
                }
                Waits::Refused(refusal) => return Err(SaveError::Refused(refusal)),
            };
            wire::number(number, to);
            match value {
                Some(value) => save.sink.encode(to, |to| wire::value(value, to)),
                None => Ok(()),
            }
        })
    }

    /// Adds a continuation.
    ///
    /// # Errors
    ///
    /// If it holds what cannot be stored. The snapshot is as it was then.
    pub fn continuation(&mut self, k: &Continuation<F>) -> Result<(), SaveError> {
        self.root(2, |save, to| save.continuation_into(k.clone(), to))
    }

    /// Adds a value.
    ///
    /// # Errors
    ///
    /// If it holds what cannot be stored. The snapshot is as it was then.
    pub fn value<T: Serialize>(&mut self, value: &T) -> Result<(), SaveError> {
        self.root(0, |save, to| {
            save.sink.encode(to, |to| wire::value(value, to))
        })
    }

    fn root(
        &mut self,
        sort: u64,
        write: impl FnOnce(&mut Self, &mut Vec<u8>) -> Result<(), SaveError>,
    ) -> Result<(), SaveError> {
        self.within(|save| {
            let mut bytes = Vec::new();
            wire::number(sort, &mut bytes);
            let before = save.sink.mark()?;
            if let Err(error) = write(save, &mut bytes) {
                // What it left is of no root.
                save.sink.back_to(before)?;
                return Err(error);
            }
            wire::number(bytes.len() as u64, &mut save.roots);
            save.roots.extend(bytes);
            save.root_count += 1;
            Ok(())
        })
    }

    fn continuation_into(&mut self, k: Continuation<F>, to: &mut Vec<u8>) -> Result<(), SaveError> {
        let part = Part::of_continuation(k);
        self.sink.store(part.clone())?;
        let number = self.sink.part_numbers.get(&part.identity());
        wire::number(number.copied().unwrap_or_default().into(), to);
        Ok(())
    }

    /// The bytes. What is shared is stored as it is now, and what refers to it as it was when it
    /// was added.
    ///
    /// # Errors
    ///
    /// If a shared object holds what cannot be stored.
    pub fn finish(mut self) -> Result<Vec<u8>, SaveError> {
        let (mut directory, mut objects) = (Vec::new(), Vec::new());
        let mut types = Table::new();
        let mut done = 0;
        self.within(|save| {
            while let Some(object) = known(session::saving(|saving| {
                Ok(saving.objects.get(done).cloned())
            }))? {
                let number = types.number((object.name(), object.version()));
                wire::number(number.into(), &mut directory);
                let mut bytes = Vec::new();
                save.sink.encode(&mut bytes, |to| object.store(to))?;
                wire::number(bytes.len() as u64, &mut objects);
                objects.extend(bytes);
                done += 1;
            }
            Ok(())
        })?;
        let Some(saving) = self.saving else {
            return Err(SaveError::NotSuspended);
        };
        let mut to = MAGIC.to_vec();
        to.push(FORMAT);
        wire::string(&saving.registry.program, &mut to);
        wire::number(saving.registry.version, &mut to);
        wire::number(self.sink.kinds.list.len() as u64, &mut to);
        for &kind in &self.sink.kinds.list {
            let kind = &F::KINDS[kind];
            wire::string(kind.name, &mut to);
            wire::number(kind.version.into(), &mut to);
        }
        identities(&saving.tags, &saving.registry, &mut to);
        identities(&saving.keys, &saving.registry, &mut to);
        wire::number(types.list.len() as u64, &mut to);
        for (name, version) in types.list {
            wire::string(name, &mut to);
            wire::number(version.into(), &mut to);
        }
        wire::number(done as u64, &mut to);
        to.extend(directory);
        wire::number(self.sink.alive.len() as u64, &mut to);
        to.extend(self.sink.parts);
        to.extend(objects);
        wire::number(self.root_count, &mut to);
        to.extend(self.roots);
        let sum = crc32fast::hash(&to);
        to.extend(sum.to_le_bytes());
        Ok(to)
    }
}

fn identities<T: Identity>(table: &Table<T>, registry: &Registry, to: &mut Vec<u8>) {
    wire::number(table.list.len() as u64, to);
    for it in &table.list {
        to.push(it.is_known(registry).into());
        wire::string(it.name(), to);
    }
}
