//! The parts of a snapshot, as they are written.

use std::borrow::ToOwned;
use std::collections::HashSet;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use super::base::PartTable;
use super::error::SaveError;
use super::grammar::{self, Put};
use super::identity::Identity;
use super::persist::Persist;
use super::session;
use super::wire;
use crate::frame::parts::{Names, Part, Unstorable};
use crate::frame::{Continuation, MarkKey, PromptTag};

/// What is written of the frames so far.
pub(super) struct Sink<F: Persist> {
    pub(super) kinds: Kinds,
    pub(super) parts: PartTable<F>,
    pub(super) bytes: Vec<u8>,
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
    parts: u32,
    objects: u32,
}

/// A part that is being looked at.
enum Visit<F: Persist> {
    /// What it consists of comes before it.
    Enter(Part<F>),
    Leave(Part<F>),
}

impl<F: Persist> Sink<F> {
    /// One whose parts go on where others have ended.
    pub(super) fn over(parts: PartTable<F>) -> Self {
        Self {
            kinds: Kinds {
                list: Vec::new(),
                numbers: vec![None; F::KINDS.len()],
            },
            parts,
            bytes: Vec::new(),
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
            if let Some(number) = self.parts.get(&identity) {
                tell(part, number)?;
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
                    let start = self.bytes.len();
                    let put = part.with_outline(self, |sink, outline| grammar::put(outline, sink));
                    if let Err(error) = put {
                        self.bytes.truncate(start);
                        return Err(error);
                    }
                    let before = visits.len();
                    if !self.met(&mut visits)? {
                        tell(&part, self.parts.len())?;
                        self.parts.push(identity, part);
                    } else {
                        // It holds continuations that have to come first; then it is stored
                        // again.
                        self.bytes.truncate(start);
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
            bytes: self.bytes.len(),
            parts: self.parts.len(),
            objects,
        })
    }

    /// Forgets what was stored since.
    pub(super) fn back_to(&mut self, mark: Mark) -> Result<(), SaveError> {
        self.bytes.truncate(mark.bytes);
        let forgotten = self.parts.truncate(mark.parts);
        let also = known(session::saving(|saving| {
            Ok(saving.forget(mark.parts, mark.objects))
        }))?;
        drop((forgotten, also));
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

/// Tells the values which number a continuation has.
fn tell<F: Persist>(part: &Part<F>, number: u32) -> Result<(), SaveError> {
    let Some(k) = part.as_continuation() else {
        return Ok(());
    };
    known(session::saving(|saving| {
        saving.continuations.insert(k.address(), number);
        Ok(())
    }))
}

/// Puts the length of what was written since `at` before it, where a byte was left for it.
pub(super) fn put_length(bytes: &mut Vec<u8>, at: usize) {
    let len = bytes.len() - (at + 1);
    if len < 0x80 {
        bytes[at] = len as u8;
    } else {
        let mut length = Vec::new();
        wire::number(len as u64, &mut length);
        bytes.splice(at..=at, length);
    }
}

impl<F: Persist> Names<F> for Sink<F> {
    type Error = SaveError;

    fn tag(&mut self, tag: PromptTag) -> Result<u32, SaveError> {
        known(session::saving(|saving| tag.number(saving)))
    }

    fn key(&mut self, key: MarkKey) -> Result<u32, SaveError> {
        known(session::saving(|saving| key.number(saving)))
    }

    fn part(&mut self, part: Part<F>) -> u32 {
        let Some(number) = self.parts.get(&part.identity()) else {
            unreachable!("a part is stored after those that it consists of")
        };
        number
    }

    fn refuse(&mut self, why: Unstorable) -> SaveError {
        match why {
            Unstorable::OneShot(frame) => SaveError::OneShot { frame },
            Unstorable::Refused(refusal) => SaveError::Refused(refusal),
        }
    }
}

impl<F: Persist> Put<&[F], &F::Value> for Sink<F> {
    type Error = SaveError;

    fn number(&mut self, number: usize) {
        wire::number(number as u64, &mut self.bytes);
    }

    fn frames(&mut self, frames: &&[F]) -> Result<(), SaveError> {
        wire::number(frames.len() as u64, &mut self.bytes);
        for frame in *frames {
            if let Some(kind) = frame.one_shot() {
                return Err(SaveError::OneShot { frame: kind });
            }
            let kind = self.kinds.number(frame.kind());
            wire::number(kind.into(), &mut self.bytes);
            let at = self.bytes.len();
            self.bytes.push(0);
            wire::slots(frame, &mut self.bytes).map_err(failed)?;
            put_length(&mut self.bytes, at);
        }
        Ok(())
    }

    fn value(&mut self, value: &&F::Value) -> Result<(), SaveError> {
        let at = self.bytes.len();
        self.bytes.push(0);
        wire::value(*value, &mut self.bytes).map_err(failed)?;
        put_length(&mut self.bytes, at);
        Ok(())
    }
}
