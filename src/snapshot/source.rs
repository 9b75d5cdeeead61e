//! The parts of a snapshot, as they are read.

use std::borrow::ToOwned;
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::string::ToString;
use std::vec::Vec;

use super::error::LoadError;
use super::limited::{Budget, Exceeded};
use super::load::LoadLimits;
use super::persist::Persist;
use super::session::{self, Loading};
use super::upgrade::{Step, upgraded};
use super::wire::{Reader, StoredSlots};
use crate::frame::parts::{Extent, Home, Part, Restore, Waits};
use crate::frame::{Continuation, MarkKey, PromptTag};

/// What a snapshot is of.
pub(super) enum Root<F: Persist> {
    Machine(Continuation<F>, Waits<F::Value, Continuation<F>>),
    Continuation(Continuation<F>),
    /// A value, by where it is. What type it is of is not known.
    Value(Range<usize>),
    Taken,
}

pub(super) type Parts<F> = Rc<RefCell<Vec<(Part<F>, Extent)>>>;

/// What becomes of a kind of frame that was stored.
pub(super) struct Kind {
    /// The kind that it is now.
    pub(super) kind: usize,
    /// The version that it has once the steps are gone.
    pub(super) version: u32,
    pub(super) steps: Vec<Step>,
}

/// Reads the parts.
pub(super) struct Source<'a, F: Persist> {
    pub(super) content: &'a [u8],
    pub(super) bytes: Reader<'a>,
    pub(super) home: Home<F>,
    pub(super) limits: LoadLimits,
    pub(super) budget: &'a Budget,
    /// The kinds of frame, by their numbers in the snapshot.
    pub(super) kinds: Vec<Kind>,
    pub(super) parts: Parts<F>,
}

/// A frame, of all of the bytes.
#[inline]
fn frame<F: Persist>(kind: &Kind, bytes: Reader<'_>) -> postcard::Result<F> {
    let version = kind.version;
    let mut slots = StoredSlots { bytes, version };
    let frame = F::load(kind.kind, &mut slots)?;
    slots.bytes.end()?;
    Ok(frame)
}

/// What a value failed for, as far as it is known.
pub(super) fn failed(
    error: postcard::Error,
    of: &str,
    limits: LoadLimits,
    budget: &Budget,
) -> LoadError {
    let known = session::loading(|loading| Ok(loading.error.take()));
    if let Ok(Some(known)) = known {
        return known;
    }
    let (what, limit) = match budget.exceeded() {
        None => {
            return LoadError::Value {
                of: of.to_owned(),
                why: error.to_string(),
            };
        }
        Some(Exceeded::Depth) => ("levels in a value", limits.depth as usize),
        Some(Exceeded::Elements) => (
            "elements in its values",
            usize::try_from(limits.elements).unwrap_or(usize::MAX),
        ),
    };
    LoadError::Limit { what, limit }
}

fn known<R>(answer: Result<R, &'static str>) -> Result<R, LoadError> {
    answer.map_err(|_| {
        let known = session::loading(|loading| Ok(loading.error.take()));
        known.ok().flatten().unwrap_or(LoadError::Damaged)
    })
}

impl<F: Persist> Restore<F> for Source<'_, F> {
    type Error = LoadError;

    fn number(&mut self) -> Result<usize, LoadError> {
        self.bytes.index()
    }

    fn tag(&mut self) -> Result<PromptTag, LoadError> {
        let number = self.bytes.index()?;
        let tag = session::loading(|loading| Ok(loading.tags.get(number).copied()));
        known(tag)?.ok_or(LoadError::Invalid("there is no such prompt tag"))
    }

    fn key(&mut self) -> Result<MarkKey, LoadError> {
        let number = self.bytes.index()?;
        let key = session::loading(|loading| Ok(loading.keys.get(number).copied()));
        known(key)?.ok_or(LoadError::Invalid("there is no such mark key"))
    }

    fn value(&mut self) -> Result<F::Value, LoadError> {
        self.bytes
            .value()
            .map_err(|error| failed(error, "a value", self.limits, self.budget))
    }

    fn frames(&mut self) -> Result<Vec<F>, LoadError> {
        // A frame takes at least two bytes, and a Vec of them as much as they are large.
        let count = self.bytes.count(2)?;
        if count > self.limits.frames {
            let limit = self.limits.frames;
            return Err(LoadError::Limit {
                what: "frames",
                limit,
            });
        }
        let mut frames = Vec::with_capacity(count);
        for _ in 0..count {
            let kind = self.bytes.index()?;
            let Some(kind) = self.kinds.get(kind) else {
                return Err(LoadError::Invalid("there is no such kind of frame"));
            };
            let len = self.bytes.index()?;
            let slots = self.bytes.take(len)?;
            let frame = if kind.steps.is_empty() {
                frame::<F>(kind, slots)
            } else {
                let now = upgraded(slots, &kind.steps);
                now.and_then(|now| frame(kind, slots.of(&now)))
            };
            let frame: F = frame.map_err(|error| {
                let of = F::KINDS[kind.kind].name;
                failed(error, of, self.limits, self.budget)
            })?;
            if frame.one_shot().is_some() {
                return Err(LoadError::Invalid("a frame has no second copy"));
            }
            frames.push(frame);
        }
        Ok(frames)
    }

    fn part(&mut self) -> Result<(Part<F>, Extent), LoadError> {
        let number = self.bytes.index()?;
        let part = self.parts.borrow().get(number).cloned();
        part.ok_or(LoadError::Invalid(
            "a part comes before what it consists of",
        ))
    }

    fn most(&self) -> Extent {
        Extent {
            frames: self.limits.frames,
            segments: self.limits.parts,
        }
    }

    fn refuse(&mut self, why: &'static str) -> LoadError {
        LoadError::Invalid(why)
    }

    fn refuse_more(&mut self, than: Extent) -> LoadError {
        let LoadLimits { frames, parts, .. } = self.limits;
        let (what, limit) = match than.frames > frames {
            true => ("frames", frames),
            false => ("parts", parts),
        };
        LoadError::Limit { what, limit }
    }

    fn home(&self) -> &Home<F> {
        &self.home
    }
}

impl<F: Persist> Source<'_, F> {
    fn continuation(&mut self) -> Result<Continuation<F>, LoadError> {
        let (part, _) = self.part()?;
        let k = part.as_continuation().cloned();
        k.ok_or(LoadError::Invalid("something is no continuation"))
    }

    /// All parts, roots, and what is shared.
    pub(super) fn body(&mut self) -> Result<Vec<Root<F>>, LoadError> {
        let mut objects = Vec::new();
        for _ in 0..self.count(1)? {
            let of = self.bytes.number()?;
            objects.push(of.try_into().map_err(|_| LoadError::Damaged)?);
        }
        let count = objects.len();
        known(session::loading(|loading| {
            loading.objects = objects;
            Ok(())
        }))?;
        for _ in 0..self.count(2)? {
            let kind = self.bytes.index()?;
            let part = Part::restore(kind, self)?;
            self.parts.borrow_mut().push(part);
        }
        for _ in 0..count {
            let start = self.bytes.range(self.content).start;
            let start = start.try_into().map_err(|_| LoadError::Damaged)?;
            let len = self.bytes.index()?;
            self.bytes.take(len)?;
            known(session::loading(|loading| {
                loading.contents.push(start);
                Ok(())
            }))?;
        }
        let mut roots = Vec::new();
        for _ in 0..self.count(1)? {
            let len = self.bytes.index()?;
            let root = self.bytes.take(len)?;
            let after = std::mem::replace(&mut self.bytes, root);
            roots.push(self.root()?);
            if !self.bytes.is_empty() {
                return Err(LoadError::Invalid("a root has more in it"));
            }
            self.bytes = after;
        }
        if !self.bytes.is_empty() {
            return Err(LoadError::Invalid("there is more after the roots"));
        }
        fill_objects(self.content, self.limits, self.budget)?;
        Ok(roots)
    }

    /// How many things follow, each of which takes at least so many bytes.
    fn count(&mut self, least: usize) -> Result<usize, LoadError> {
        let count = self.bytes.count(least)?;
        let limit = self.limits.parts;
        match count > limit {
            true => Err(LoadError::Limit {
                what: "parts",
                limit,
            }),
            false => Ok(count),
        }
    }

    fn root(&mut self) -> Result<Root<F>, LoadError> {
        Ok(match self.bytes.number()? {
            0 => {
                let nothing = self.bytes.empty();
                let rest = std::mem::replace(&mut self.bytes, nothing);
                Root::Value(rest.range(self.content))
            }
            1 => {
                let stack = self.continuation()?;
                let waits = match self.bytes.number()? {
                    0 => Waits::Answer,
                    1 => Waits::Start,
                    2 => Waits::Restarted,
                    3 => Waits::Value(self.value()?),
                    4 => Waits::Raised(self.value()?),
                    5 => Waits::Continuation(self.continuation()?),
                    _ => return Err(LoadError::Invalid("a machine waits for nothing known")),
                };
                let needs_top = matches!(
                    waits,
                    Waits::Start | Waits::Restarted | Waits::Continuation(_)
                );
                if stack.is_empty() || needs_top && !stack.has_top() {
                    return Err(LoadError::Invalid("a machine has no frame"));
                }
                Root::Machine(stack, waits)
            }
            2 => Root::Continuation(self.continuation()?),
            _ => return Err(LoadError::Invalid("there is no such sort of root")),
        })
    }
}

/// Decodes what was referred to.
pub(super) fn fill_objects(
    content: &[u8],
    limits: LoadLimits,
    budget: &Budget,
) -> Result<(), LoadError> {
    while let Some((number, referred, start)) = known(session::loading(Loading::next))? {
        let fill = || -> Result<(), LoadError> {
            let mut bytes = Reader::new(&content[start..], budget);
            let len = bytes.index()?;
            bytes = bytes.take(len)?;
            let failed = |error| failed(error, "a shared object", limits, budget);
            let now;
            if let Some(steps) = &referred.steps {
                now = upgraded(bytes, steps).map_err(failed)?;
                bytes = Reader::new(&now, budget);
            }
            (referred.fill)(&*referred.cell, &mut bytes).map_err(failed)?;
            bytes.end().map_err(failed)
        };
        if let Err(error) = fill() {
            // Whoever comes next must not find it as if it were there.
            known(session::loading(|loading| {
                loading.ahead.push(number);
                Ok(())
            }))?;
            return Err(error);
        }
    }
    Ok(())
}
