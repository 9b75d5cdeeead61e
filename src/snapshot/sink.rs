//! The parts of a snapshot, as they are written.

use std::borrow::ToOwned;
use std::collections::{HashMap, HashSet};
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use super::error::SaveError;
use super::persist::Persist;
use super::session;
use super::wire;
use crate::frame::parts::{Part, Store, Unstorable};
use crate::frame::{Continuation, MarkKey, PromptTag};

/// What is written of the frames so far.
pub(super) struct Sink<F: Persist> {
    pub(super) kinds: Kinds,
    pub(super) parts: Vec<u8>,
    pub(super) part_numbers: HashMap<(usize, usize), u32>,
    /// All of them, since their addresses are their identities.
    pub(super) alive: Vec<Part<F>>,
}

/// The kinds of frame that were met, by their indices.
pub(super) struct Kinds {
    pub(super) list: Vec<usize>,
    /// The number of each kind that was met.
    pub(super) numbers: Vec<Option<u32>>,
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

/// How far a sink is.
pub(super) struct Mark {
    bytes: usize,
    parts: usize,
    objects: usize,
}

/// A part that is being looked at.
enum Visit<F: Persist> {
    /// What it consists of comes before it.
    Enter(Part<F>),
    Leave(Part<F>),
}

impl<F: Persist> Sink<F> {
    pub(super) fn new() -> Self {
        Self {
            kinds: Kinds {
                list: Vec::new(),
                numbers: vec![None; F::KINDS.len()],
            },
            parts: Vec::new(),
            part_numbers: HashMap::new(),
            alive: Vec::new(),
        }
    }

    /// Stores a part, and before it all that it consists of.
    pub(super) fn store(&mut self, part: Part<F>) -> Result<(), SaveError> {
        let mut visits = vec![Visit::Enter(part)];
        // Those that hold continuations which have to come first.
        let mut waiting = HashSet::new();
        while let Some(visit) = visits.pop() {
            let (Visit::Enter(part) | Visit::Leave(part)) = &visit;
            let identity = part.identity();
            if self.part_numbers.contains_key(&identity) {
                continue;
            }
            match visit {
                Visit::Enter(_) if waiting.contains(&identity) => {
                    return Err(SaveError::Circular);
                }
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
                        if !waiting.insert(identity) {
                            return Err(SaveError::Circular);
                        }
                        visits.insert(before, Visit::Leave(part));
                    }
                }
            }
        }
        Ok(())
    }

    /// How far it is.
    pub(super) fn mark(&self) -> Result<Mark, SaveError> {
        let objects = known(session::saving(|saving| {
            saving.error = None;
            Ok(saving.objects.len())
        }))?;
        Ok(Mark {
            bytes: self.parts.len(),
            parts: self.alive.len(),
            objects,
        })
    }

    /// Forgets what was stored since.
    pub(super) fn back_to(&mut self, mark: Mark) -> Result<(), SaveError> {
        let parts = mark.parts as u32;
        self.parts.truncate(mark.bytes);
        self.part_numbers.retain(|_, number| *number < parts);
        self.alive.truncate(mark.parts);
        let forgotten = known(session::saving(|saving| {
            Ok(saving.forget(parts, mark.objects))
        }))?;
        drop(forgotten);
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
    pub(super) fn encode(
        &mut self,
        to: &mut Vec<u8>,
        mut encode: impl FnMut(&mut Vec<u8>) -> postcard::Result<()>,
    ) -> Result<(), SaveError> {
        let start = to.len();
        for _ in 0..2 {
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
        Err(SaveError::Circular)
    }
}

/// What the session answers while there is one.
pub(super) fn known<R>(answer: Result<R, &'static str>) -> Result<R, SaveError> {
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

impl<F: Persist> Store<F> for Sink<F> {
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
