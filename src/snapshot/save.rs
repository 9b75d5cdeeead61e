//! Writing a snapshot.

use std::borrow::ToOwned;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::string::String;
use std::string::ToString;
use std::vec;
use std::vec::Vec;

use serde::Serialize;

use super::error::SaveError;
use super::persist::Persist;
use super::registry::Registry;
use super::session::{self, Identity, Saving, Scope, Table};
use super::wire;
use super::{FORMAT, MAGIC};
use crate::frame::parts::{Part, Store, Unstorable, Waits};
use crate::frame::{Continuation, Machine, MarkKey, PromptTag};

/// Writes a snapshot.
pub struct Save<F: Persist> {
    /// None while it is lent to the values.
    saving: Option<Saving>,
    body: Body<F>,
    roots: Vec<u8>,
    root_count: u64,
}

/// What is written of the frames so far.
struct Body<F: Persist> {
    kinds: Kinds,
    parts: Vec<u8>,
    part_numbers: HashMap<(usize, usize), u32>,
    /// All of them, since their addresses are their identities.
    alive: Vec<Part<F>>,
}

/// The kinds of frame that were met, by their indices.
struct Kinds {
    list: Vec<usize>,
    /// The number of each kind that was met.
    numbers: Vec<Option<u32>>,
}

impl Kinds {
    #[inline]
    fn number(&mut self, kind: usize) -> u32 {
        match self.numbers[kind] {
            Some(number) => number,
            None => {
                let number = self.list.len() as u32;
                self.list.push(kind);
                self.numbers[kind] = Some(number);
                number
            }
        }
    }
}

/// A part that is being looked at.
enum Visit<F: Persist> {
    /// What it consists of comes before it.
    Enter(Part<F>),
    Leave(Part<F>),
}

impl<F: Persist> Body<F> {
    /// Stores a part, and before it all that it consists of.
    fn store(&mut self, part: Part<F>) -> Result<(), SaveError> {
        let mut visits = vec![Visit::Enter(part)];
        while let Some(visit) = visits.pop() {
            let (Visit::Enter(part) | Visit::Leave(part)) = &visit;
            let identity = part.identity();
            if self.part_numbers.contains_key(&identity) {
                continue;
            }
            match visit {
                Visit::Enter(part) => {
                    let at = visits.len();
                    part.parts(&mut |part| visits.push(Visit::Enter(part)));
                    visits.insert(at, Visit::Leave(part));
                }
                Visit::Leave(part) => {
                    let start = self.parts.len();
                    wire::number(identity.0 as u64, &mut self.parts);
                    if let Err(error) = part.store(self) {
                        self.parts.truncate(start);
                        return Err(error);
                    }
                    let before = visits.len();
                    if !self.met(&mut visits)? {
                        let number = self.alive.len() as u32;
                        self.part_numbers.insert(identity, number);
                        if let Some(k) = part.as_continuation() {
                            let address = k.address();
                            known(session::saving(|saving| {
                                saving.continuations.insert(address, number);
                                Ok(())
                            }))?;
                        }
                        self.alive.push(part);
                    } else {
                        // It holds continuations that have to come first; then it is stored
                        // again.
                        self.parts.truncate(start);
                        visits.insert(before, Visit::Leave(part));
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether continuations were met in values that are not stored.
    fn met(&mut self, visits: &mut Vec<Visit<F>>) -> Result<bool, SaveError> {
        let pending = known(session::saving(|saving| {
            Ok(std::mem::take(&mut saving.pending))
        }))?;
        let met = !pending.is_empty();
        for k in pending {
            let Ok(k) = k.downcast::<Continuation<F>>() else {
                let other = "a continuation of another type of frames";
                return Err(SaveError::Value(other.to_owned()));
            };
            visits.push(Visit::Enter(Part::of_continuation(*k)));
        }
        Ok(met)
    }

    /// Encodes something with values in it, again if it held continuations that have to come
    /// first.
    fn encode(
        &mut self,
        to: &mut Vec<u8>,
        mut encode: impl FnMut(&mut Vec<u8>) -> postcard::Result<()>,
    ) -> Result<(), SaveError> {
        let start = to.len();
        loop {
            encode(to).map_err(failed)?;
            let mut visits = Vec::new();
            if !self.met(&mut visits)? {
                return Ok(());
            }
            to.truncate(start);
            for visit in visits {
                let (Visit::Enter(part) | Visit::Leave(part)) = visit;
                self.store(part)?;
            }
        }
    }
}

/// What the session answers while there is one.
fn known<R>(answer: Result<R, &'static str>) -> Result<R, SaveError> {
    answer.map_err(|why| failed_with(why.to_owned()))
}

/// What a value failed for, as far as it is known.
fn failed(error: postcard::Error) -> SaveError {
    failed_with(error.to_string())
}

fn failed_with(why: String) -> SaveError {
    let known = session::saving(|saving| Ok(saving.error.take()));
    known.ok().flatten().unwrap_or(SaveError::Value(why))
}

impl<F: Persist> Store<F> for Body<F> {
    type Error = SaveError;

    fn number(&mut self, number: usize) {
        wire::number(number as u64, &mut self.parts);
    }

    fn tag(&mut self, tag: PromptTag) -> Result<(), SaveError> {
        let number = known(session::saving(|saving| {
            saving.identity(tag)?;
            Ok(saving.tags.number(tag))
        }))?;
        self.number(number as usize);
        Ok(())
    }

    fn key(&mut self, key: MarkKey) -> Result<(), SaveError> {
        let number = known(session::saving(|saving| {
            saving.identity(key)?;
            Ok(saving.keys.number(key))
        }))?;
        self.number(number as usize);
        Ok(())
    }

    fn value(&mut self, value: &F::Value) -> Result<(), SaveError> {
        wire::value(value, &mut self.parts).map_err(failed)
    }

    fn frames(&mut self, frames: &[F]) -> Result<(), SaveError> {
        self.number(frames.len());
        for frame in frames {
            if let Some(kind) = frame.one_shot() {
                return Err(SaveError::OneShot { frame: kind });
            }
            let kind = self.kinds.number(frame.kind());
            self.number(kind as usize);
            // The length comes first; most take one byte.
            let at = self.parts.len();
            self.parts.push(0);
            wire::slots(frame, &mut self.parts).map_err(failed)?;
            let len = self.parts.len() - (at + 1);
            if len < 0x80 {
                self.parts[at] = len as u8;
            } else {
                let mut bytes = Vec::new();
                wire::number(len as u64, &mut bytes);
                self.parts.splice(at..=at, bytes);
            }
        }
        Ok(())
    }

    fn part(&mut self, part: Part<F>) -> Result<(), SaveError> {
        let number = self.part_numbers.get(&part.identity());
        let Some(&number) = number else {
            unreachable!("a part is stored after those that it consists of")
        };
        self.number(number as usize);
        Ok(())
    }

    fn refuse(&mut self, why: Unstorable) -> SaveError {
        match why {
            Unstorable::OneShot(frame) => SaveError::OneShot { frame },
            Unstorable::Refused(refusal) => SaveError::Refused(refusal),
        }
    }
}

impl<F: Persist> fmt::Debug for Save<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Save")
            .field("roots", &self.root_count)
            .field("parts", &self.body.alive.len())
            .finish_non_exhaustive()
    }
}

impl<F: Persist> Save<F> {
    /// A snapshot of this program, with nothing in it.
    #[must_use]
    pub fn new(registry: &Rc<Registry>) -> Self {
        Self {
            saving: Some(Saving::new(registry.clone())),
            body: Body {
                kinds: Kinds {
                    list: Vec::new(),
                    numbers: vec![None; F::KINDS.len()],
                },
                parts: Vec::new(),
                part_numbers: HashMap::new(),
                alive: Vec::new(),
            },
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
                Some(value) => save.body.encode(to, |to| wire::value(value, to)),
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
            save.body.encode(to, |to| wire::value(value, to))
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
            let written = write(save, &mut bytes);
            // What an error left is of no root.
            known(session::saving(|saving| {
                saving.pending.clear();
                Ok(())
            }))?;
            written?;
            wire::number(bytes.len() as u64, &mut save.roots);
            save.roots.extend(bytes);
            save.root_count += 1;
            Ok(())
        })
    }

    fn continuation_into(&mut self, k: Continuation<F>, to: &mut Vec<u8>) -> Result<(), SaveError> {
        let part = Part::of_continuation(k);
        self.body.store(part.clone())?;
        let number = self.body.part_numbers.get(&part.identity());
        wire::number(number.copied().unwrap_or_default().into(), to);
        Ok(())
    }

    /// The bytes.
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
                save.body.encode(&mut bytes, |to| object.store(to))?;
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
        wire::number(self.body.kinds.list.len() as u64, &mut to);
        for &kind in &self.body.kinds.list {
            let kind = &F::KINDS[kind];
            wire::string(kind.name, &mut to);
            wire::number(kind.version.into(), &mut to);
        }
        identities(&saving.tags, &mut to);
        identities(&saving.keys, &mut to);
        wire::number(types.list.len() as u64, &mut to);
        for (name, version) in types.list {
            wire::string(name, &mut to);
            wire::number(version.into(), &mut to);
        }
        wire::number(done as u64, &mut to);
        to.extend(directory);
        wire::number(self.body.alive.len() as u64, &mut to);
        to.extend(self.body.parts);
        to.extend(objects);
        wire::number(self.root_count, &mut to);
        to.extend(self.roots);
        let sum = crc32fast::hash(&to);
        to.extend(sum.to_le_bytes());
        Ok(to)
    }
}

fn identities<T: Identity>(table: &Table<T>, to: &mut Vec<u8>) {
    wire::number(table.list.len() as u64, to);
    for it in &table.list {
        to.push(it.is_named().into());
        wire::string(it.name(), to);
    }
}
