//! Writing a snapshot.

use std::borrow::ToOwned;
use std::fmt;
use std::rc::Rc;
use std::vec::Vec;

use serde::Serialize;

use super::base::{Base, BaseId, Stored};
use super::changes::Changes;
use super::error::SaveError;
use super::identity;
use super::object::AnyObject;
use super::persist::Persist;
use super::registry::Registry;
use super::session::{self, Saving, Scope};
use super::sink::{Sink, known, put_length};
use super::table::Table;
use super::whole::Whole;
use super::wire;
use crate::frame::parts::{Names, Part, Waits};
use crate::frame::{Continuation, Machine};

/// Writes a snapshot.
pub struct Save<F: Persist> {
    base: Option<Base<F>>,
    /// None while it is lent to the values.
    saving: Option<Saving>,
    sink: Sink<F>,
    roots: Vec<u8>,
    root_count: usize,
}

impl<F: Persist> fmt::Debug for Save<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Save")
            .field("roots", &self.root_count)
            .field("parts", &self.sink.parts.len())
            .finish_non_exhaustive()
    }
}

impl<F: Persist> Save<F> {
    /// A snapshot of this program, with nothing in it.
    #[must_use]
    pub fn new(registry: &Rc<Registry>) -> Self {
        Self::with(
            Saving::new(registry.clone()),
            Sink::over(Table::default()),
            None,
        )
    }

    /// An increment: a snapshot that names what `base` has stored, and stores only what is new
    /// and what is [`Shared`](super::Shared) and has changed since. It takes so much time, too.
    /// It is [loaded](super::Loaded::read_increments) together with its base.
    ///
    /// All roots are added again, as to a whole snapshot. It pays where much stays as it is: of a
    /// stack of a few frames that all change, a whole snapshot is smaller.
    ///
    /// A base keeps all that it has stored, and each increment adds to that; who has taken many
    /// begins again with a whole snapshot. A continuation is stored with all prompts that it
    /// goes through. A stored value that has changed is stored again even if nobody refers to it
    /// any more.
    #[must_use]
    pub fn since(base: &Base<F>, registry: &Rc<Registry>) -> Self {
        let mut saving = Saving::new(registry.clone());
        saving.tags = Table::over(&base.0.tags);
        saving.keys = Table::over(&base.0.keys);
        saving.objects = Table::over(&base.0.objects);
        let sink = Sink::over(Table::over(&base.0.parts));
        Self::with(saving, sink, Some(base.clone()))
    }

    fn with(saving: Saving, sink: Sink<F>, base: Option<Base<F>>) -> Self {
        Self {
            base,
            saving: Some(saving),
            sink,
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
                Some(value) => save.sink.encode(to, |to| {
                    let at = to.len();
                    to.push(0);
                    wire::value(value, to)?;
                    put_length(to, at);
                    Ok(())
                }),
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
        let number = self.sink.part(part);
        wire::number(number.into(), to);
        Ok(())
    }

    /// The bytes. What is shared is stored as it is now, and what refers to it as it was when it
    /// was added.
    ///
    /// # Errors
    ///
    /// If a shared object holds what cannot be stored.
    pub fn finish(mut self) -> Result<Vec<u8>, SaveError> {
        self.write().map(|(bytes, ..)| bytes)
    }

    /// The same, and what increments to it need.
    ///
    /// # Errors
    ///
    /// As [`finish`](Self::finish).
    pub fn finish_as_base(mut self) -> Result<(Vec<u8>, Base<F>), SaveError> {
        // What changes while it is stored has changed since.
        let changes = Changes::begin();
        let (bytes, checksum, saving) = self.write()?;
        let id = BaseId {
            checksum,
            parts: self.sink.parts.len(),
            objects: saving.objects.len(),
        };
        let base = Base(Rc::new(Stored {
            id,
            program: saving.registry.program.clone(),
            tags: saving.tags.end(),
            keys: saving.keys.end(),
            objects: saving.objects.end(),
            parts: self.sink.parts.end(),
            changes,
        }));
        Ok((bytes, base))
    }

    /// The bytes, their checksum, and what values have found.
    fn write(&mut self) -> Result<(Vec<u8>, u32, Saving), SaveError> {
        let base = self.base.as_ref().map(|base| &base.0);
        if let (Some(base), Some(saving)) = (base, &self.saving)
            && base.program != saving.registry.program
        {
            let of = base.program.clone();
            return Err(SaveError::Base { of });
        }
        let stored = base.map_or(0, |base| base.id.objects);
        let changed = base.map(|base| base.changes.since());
        let mut objects = Objects::default();
        self.within(|save| {
            for address in changed.unwrap_or_default() {
                let object = known(session::saving(|saving| {
                    let number = saving.objects.get(&address);
                    let number = number.filter(|number| *number < stored);
                    let object = number.and_then(|number| saving.objects.at(number)?.clone());
                    Ok(number.zip(object))
                }))?;
                // Values have changed, too, that others have stored, and where one was there may
                // be a constant now.
                if let Some((number, object)) = object
                    && !object.is_constant()
                {
                    objects.changed += 1;
                    wire::number(number.into(), &mut objects.directory);
                    objects.store(save, &*object)?;
                }
            }
            let mut next = 0;
            while let Some(object) = known(session::saving(|saving| {
                Ok(saving.objects.list().get(next).cloned())
            }))? {
                next += 1;
                if let Some(object) = object {
                    object.stored();
                    objects.store(save, &*object)?;
                }
            }
            Ok(())
        })?;
        let Some(saving) = self.saving.take() else {
            return Err(SaveError::NotSuspended);
        };
        let registry = &saving.registry;
        let kind = |kind: &usize| (F::KINDS[*kind].name, F::KINDS[*kind].version);
        let whole = Whole {
            program: &registry.program,
            version: registry.version,
            base: self.base.as_ref().map(|base| base.0.id),
            kinds: self.sink.kinds.list.iter().map(kind).collect(),
            tags: identity::names(saving.tags.list(), registry),
            keys: identity::names(saving.keys.list(), registry),
            types: objects.types.list().to_vec(),
            changed: objects.changed,
            objects: saving.objects.list().len(),
            directory: &objects.directory,
            values: &objects.values,
            parts: self.sink.parts.list().len(),
            parts_bytes: &self.sink.bytes,
            roots: self.root_count,
            roots_bytes: &self.roots,
        };
        let (bytes, checksum) = whole.bytes();
        Ok((bytes, checksum, saving))
    }
}

/// Shared values, as they are written.
#[derive(Default)]
struct Objects {
    types: Table<(&'static str, u32)>,
    /// How many there are that the base has, as they were.
    changed: usize,
    directory: Vec<u8>,
    values: Vec<u8>,
}

impl Objects {
    fn store<F: Persist>(
        &mut self,
        save: &mut Save<F>,
        object: &dyn AnyObject,
    ) -> Result<(), SaveError> {
        let of = (object.name(), object.version());
        let number = self.types.number(of, || of);
        wire::number(number.into(), &mut self.directory);
        let mut bytes = Vec::new();
        save.sink.encode(&mut bytes, |to| object.store(to))?;
        wire::number(bytes.len() as u64, &mut self.values);
        self.values.extend(bytes);
        Ok(())
    }
}
