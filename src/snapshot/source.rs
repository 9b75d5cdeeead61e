//! The parts of a snapshot, as they are read.

use std::borrow::ToOwned;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::string::ToString;
use std::vec::Vec;

use super::error::LoadError;
use super::grammar::{self, Take};
use super::identity::Identity;
use super::leads::{self, Node};
use super::limited::{Budget, Exceeded};
use super::load::LoadLimits;
use super::object::Later;
use super::persist::Persist;
use super::session::{self, Loading};
use super::upgrade::{self, Rule, Step};
use super::wire::{Reader, StoredSlots};
use crate::frame::outline::{MarkOutline, Outline, UnderOutline};
use crate::frame::parts::{Extent, Home, Known, Part, Waits};
use crate::frame::{Continuation, MarkKey, PromptTag};

/// Why something is not there, though the snapshot may be looked at.
pub(super) type Refused = Rc<LoadError>;

/// What a snapshot is of.
pub(super) enum Root<F: Persist> {
    /// By the number of its stack.
    Machine(u32, Found<F>),
    Continuation(u32, Result<Continuation<F>, Refused>),
    /// A value, by where it is. What type it is of is not known.
    Value(Range<usize>),
}

/// A machine.
pub(super) enum Found<F: Persist> {
    /// Its stack, and what it waits for.
    There(Continuation<F>, Waits<F::Value, Continuation<F>>),
    Taken,
    Refused(Refused),
    /// It was refused, and taken from a checkpoint on.
    Restarted,
}

/// A part, or why there is none.
pub(super) enum Restored<F: Persist> {
    Part(Part<F>, Extent),
    Refused {
        why: Refused,
        /// Of a segment, one of its lowest frames, if these are there.
        lowest: Option<(Part<F>, Extent)>,
    },
}

pub(super) type Parts<F> = Rc<RefCell<Vec<Restored<F>>>>;

/// A kind of frame that is stored.
pub(super) struct Kind<F> {
    pub(super) name: Rc<str>,
    pub(super) version: u32,
    /// What it is now, or why all frames of it are refused.
    pub(super) now: Result<Now<F>, Refused>,
}

/// What becomes of a kind of frame that was stored.
pub(super) struct Now<F> {
    pub(super) steps: Vec<Step>,
    /// What the steps lead to.
    pub(super) to: Target<F>,
}

/// How a frame is made of slots.
pub(super) enum Target<F> {
    /// By its kind, in this version.
    Kind(usize, u32),
    /// By what the program says.
    Rule(Rule<F>),
}

/// Reads the parts.
pub(super) struct Source<'a, F: Persist> {
    pub(super) content: &'a [u8],
    pub(super) bytes: Reader<'a>,
    pub(super) home: Home<F>,
    pub(super) limits: LoadLimits,
    pub(super) budget: &'a Budget,
    /// The kinds of frame.
    pub(super) kinds: &'a [Kind<F>],
    /// Which of them is the first of the snapshot that is being read.
    pub(super) kinds_from: usize,
    pub(super) parts: Parts<F>,
    /// Why the part that is being restored is refused.
    why: Option<Refused>,
}

impl<F: Persist> Kind<F> {
    /// The frame that was stored with these slots.
    #[inline(always)]
    pub(super) fn frame(
        &self,
        slots: Reader<'_>,
        limits: LoadLimits,
        budget: &Budget,
    ) -> Result<F, Refusable> {
        let frame = match &self.now {
            Ok(Now {
                steps,
                to: Target::Kind(kind, version),
            }) if steps.is_empty() => load(*kind, *version, slots),
            Ok(now) => now.brought_up_to_date(slots),
            Err(unknown) => return Err(Refusable::Refused(unknown.clone())),
        };
        match frame {
            Ok(frame) if frame.one_shot().is_none() => Ok(frame),
            other => Err(self.problem(other.err(), limits, budget)),
        }
    }

    /// Why there is no frame, or none that can be used.
    #[cold]
    fn problem(
        &self,
        error: Option<postcard::Error>,
        limits: LoadLimits,
        budget: &Budget,
    ) -> Refusable {
        match error {
            Some(error) => failed(error, &self.name, limits, budget).into(),
            None => LoadError::Invalid("a frame has no second copy").into(),
        }
    }
}

impl<F: Persist> Now<F> {
    /// Whether it is what it was.
    pub(super) fn is_same(&self) -> bool {
        match self.to {
            Target::Kind(kind, version) => {
                self.steps.is_empty() && version == F::KINDS[kind].version
            }
            Target::Rule(_) => false,
        }
    }

    #[cold]
    fn brought_up_to_date(&self, slots: Reader<'_>) -> postcard::Result<F> {
        let upgraded;
        let mut slots = slots;
        if !self.steps.is_empty() {
            upgraded = upgrade::upgraded(slots, &self.steps)?;
            slots = slots.of(&upgraded);
        }
        match &self.to {
            Target::Kind(kind, version) => load(*kind, *version, slots),
            Target::Rule(rule) => {
                let frame = rule(&mut slots)?;
                slots.end()?;
                Ok(frame)
            }
        }
    }
}

/// A frame, of all of the bytes.
#[inline(always)]
fn load<F: Persist>(kind: usize, version: u32, bytes: Reader<'_>) -> postcard::Result<F> {
    let mut slots = StoredSlots { bytes, version };
    let frame = F::load(kind, &mut slots)?;
    slots.bytes.end()?;
    Ok(frame)
}

/// A value, of all of the bytes.
pub(super) fn value<F: Persist>(
    mut bytes: Reader<'_>,
    limits: LoadLimits,
    budget: &Budget,
) -> Result<F::Value, LoadError> {
    let value = bytes.value();
    let value = value.and_then(|value| bytes.end().map(|()| value));
    value.map_err(|error| failed(error, "a value", limits, budget))
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

pub(super) fn known<R>(answer: Result<R, &'static str>) -> Result<R, LoadError> {
    answer.map_err(|_| {
        let known = session::loading(|loading| Ok(loading.error.take()));
        known.ok().flatten().unwrap_or(LoadError::Damaged)
    })
}

/// What is refused is for whoever wants to run it; every other error is of the whole snapshot.
pub(super) enum Refusable {
    Refused(Refused),
    Error(LoadError),
}

impl From<LoadError> for Refusable {
    fn from(error: LoadError) -> Self {
        match error.is_refusal() {
            true => Self::Refused(Rc::new(error)),
            false => Self::Error(error),
        }
    }
}

/// Takes apart what is refused, and what is an error of the whole snapshot.
pub(super) fn or_refused<T>(
    result: Result<T, impl Into<Refusable>>,
) -> Result<Result<T, Refused>, LoadError> {
    match result.map_err(Into::into) {
        Ok(there) => Ok(Ok(there)),
        Err(Refusable::Refused(why)) => Ok(Err(why)),
        Err(Refusable::Error(error)) => Err(error),
    }
}

/// Frames, up to the first that cannot be decoded.
pub(super) struct Frames<F> {
    lowest: Vec<F>,
    refused: Option<Refused>,
}

impl<F> Frames<F> {
    /// All of them.
    fn whole(self) -> Result<Vec<F>, Refused> {
        self.refused.map_or(Ok(self.lowest), Err)
    }
}

impl<F: Persist> Take for Source<'_, F> {
    type Frames = Frames<F>;
    type Value = Result<F::Value, Refused>;

    fn number(&mut self) -> Result<usize, LoadError> {
        self.bytes.index()
    }

    fn frames(&mut self) -> Result<Self::Frames, LoadError> {
        // A frame takes at least two bytes, and a Vec of them as much as they are large.
        let count = self.bytes.count(2)?;
        if count > self.limits.frames {
            let limit = self.limits.frames;
            return Err(LoadError::Limit {
                what: "frames",
                limit,
            });
        }
        let kinds = &self.kinds[self.kinds_from..];
        let mut frames = Vec::with_capacity(count);
        let mut refused = None;
        let mut bytes = self.bytes;
        for _ in 0..count {
            let Some(kind) = kinds.get(bytes.index()?) else {
                return Err(LoadError::Invalid("there is no such kind of frame"));
            };
            let len = bytes.index()?;
            let slots = bytes.take(len)?;
            if refused.is_some() {
                continue; // Nobody gets to those that are above it.
            }
            match kind.frame(slots, self.limits, self.budget) {
                Ok(frame) => frames.push(frame),
                Err(Refusable::Refused(why)) => refused = Some(why),
                Err(Refusable::Error(error)) => return Err(error),
            }
        }
        self.bytes = bytes;
        let lowest = frames;
        Ok(Frames { lowest, refused })
    }

    fn value(&mut self) -> Result<Self::Value, LoadError> {
        let len = self.bytes.index()?;
        let bytes = self.bytes.take(len)?;
        or_refused(value::<F>(bytes, self.limits, self.budget))
    }
}

impl<F: Persist> Known<F> for Source<'_, F> {
    type Error = LoadError;

    fn tag(&mut self, number: u32) -> Result<PromptTag, LoadError> {
        let tag = session::loading(|loading| Ok(PromptTag::at(number, loading)));
        known(tag)?
    }

    fn key(&mut self, number: u32) -> Result<MarkKey, LoadError> {
        let key = session::loading(|loading| Ok(MarkKey::at(number, loading)));
        known(key)?
    }

    fn part(&mut self, number: u32) -> Result<(Part<F>, Extent), LoadError> {
        match self.parts.borrow().get(number as usize) {
            Some(Restored::Part(part, extent)) => Ok((part.clone(), *extent)),
            Some(Restored::Refused { why, .. }) => {
                self.why = Some(why.clone());
                Err((**why).clone())
            }
            None => Err(LoadError::Invalid(
                "a part comes before what it consists of",
            )),
        }
    }

    fn lowest(&self, number: u32) -> Option<(Part<F>, Extent)> {
        match self.parts.borrow().get(number as usize) {
            Some(Restored::Refused { lowest, .. }) => lowest.clone(),
            _ => None,
        }
    }

    fn most(&self) -> Extent {
        Extent {
            frames: self.limits.frames,
            segments: self.limits.parts,
            winders: self.limits.parts,
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

impl<'a, F: Persist> Source<'a, F> {
    pub(super) fn new(
        content: &'a [u8],
        limits: LoadLimits,
        budget: &'a Budget,
        kinds: &'a [Kind<F>],
        parts: Parts<F>,
        home: Home<F>,
    ) -> Self {
        Self {
            content,
            bytes: Reader::new(content, budget),
            home,
            limits,
            budget,
            kinds,
            kinds_from: 0,
            parts,
            why: None,
        }
    }

    /// The next part.
    pub(super) fn restore(&mut self) -> Result<(), LoadError> {
        leads::begin(Some(Node::Part(self.parts.borrow().len() as u32)))?;
        let outline = grammar::take(self)?;
        let (outline, refused) = lowest(outline);
        let restored = match outline.map(|outline| Part::of_outline(outline, self)) {
            None => Err(None),
            Some(Ok(part)) => Ok(part),
            Some(Err(error)) => Err(Some(self.why.take().ok_or(error)?)),
        };
        let restored = match (restored, refused) {
            (Ok((part, extent)), None) => Restored::Part(part, extent),
            (Ok(lowest), Some(why)) => Restored::Refused {
                why,
                lowest: Some(lowest),
            },
            (Err(why), refused) => Restored::Refused {
                why: why.or(refused).ok_or(LoadError::Damaged)?,
                lowest: None,
            },
        };
        self.parts.borrow_mut().push(restored);
        Ok(())
    }

    /// The continuation of a number that is read.
    fn continuation(&mut self) -> Result<(u32, Result<Continuation<F>, Refused>), LoadError> {
        let number = self.name()?;
        let k = match self.part(number) {
            Ok((part, _)) => Ok(part
                .as_continuation()
                .cloned()
                .ok_or(LoadError::Invalid("something is no continuation"))?),
            Err(error) => Err(self.why.take().ok_or(error)?),
        };
        Ok((number, k))
    }

    /// The next root, which is all of the bytes.
    pub(super) fn root(&mut self) -> Result<Root<F>, LoadError> {
        let root = match self.bytes.number()? {
            0 => {
                let nothing = self.bytes.empty();
                let rest = std::mem::replace(&mut self.bytes, nothing);
                Root::Value(rest.range(self.content))
            }
            1 => {
                let (number, stack) = self.continuation()?;
                let waits = match self.bytes.number()? {
                    0 => Ok(Waits::Answer),
                    1 => Ok(Waits::Start),
                    2 => Ok(Waits::Restarted),
                    3 => self.value()?.map(Waits::Value),
                    4 => self.value()?.map(Waits::Raised),
                    5 => self.continuation()?.1.map(Waits::Continuation),
                    _ => return Err(LoadError::Invalid("a machine waits for nothing known")),
                };
                let machine = stack.and_then(|stack| Ok((stack, waits?)));
                if let Ok((stack, waits)) = &machine {
                    let needs_top = matches!(
                        waits,
                        Waits::Start | Waits::Restarted | Waits::Continuation(_)
                    );
                    if stack.is_empty() || needs_top && !stack.has_top() {
                        return Err(LoadError::Invalid("a machine has no frame"));
                    }
                }
                let found = match machine {
                    Ok((stack, waits)) => Found::There(stack, waits),
                    Err(why) => Found::Refused(why),
                };
                Root::Machine(number, found)
            }
            2 => {
                let (number, k) = self.continuation()?;
                Root::Continuation(number, k)
            }
            _ => return Err(LoadError::Invalid("there is no such sort of root")),
        };
        match self.bytes.is_empty() {
            true => Ok(root),
            false => Err(LoadError::Invalid("a root has more in it")),
        }
    }
}

/// What of a part is there, and why that is not all. Of a segment, it is its lowest frames.
type Lowest<F, V> = (Option<Outline<Vec<F>, V>>, Option<Refused>);

fn lowest<F, V>(outline: Outline<Frames<F>, Result<V, Refused>>) -> Lowest<F, V> {
    let whole = |outline: Result<_, Refused>| match outline {
        Ok(outline) => (Some(outline), None),
        Err(why) => (None, Some(why)),
    };
    match outline {
        Outline::Segment {
            frames,
            marks: all,
            under,
            below,
        } => {
            let Frames {
                lowest: mut frames,
                mut refused,
            } = frames;
            let mut marks = Vec::with_capacity(all.len());
            for MarkOutline { frame, key, value } in all {
                match value {
                    _ if refused.is_some() && frame >= frames.len() => break,
                    Ok(value) => marks.push(MarkOutline { frame, key, value }),
                    Err(why) => {
                        frames.truncate(frame);
                        marks.retain(|mark| mark.frame < frame);
                        refused = Some(why);
                        break;
                    }
                }
            }
            let under = match under {
                UnderOutline::Nothing => UnderOutline::Nothing,
                UnderOutline::Entering(entering) => UnderOutline::Entering(entering),
                UnderOutline::Inside(winder) => UnderOutline::Inside(winder),
                UnderOutline::Returned(Ok(value)) => UnderOutline::Returned(value),
                UnderOutline::Raised(Ok(value)) => UnderOutline::Raised(value),
                UnderOutline::Returned(Err(why)) | UnderOutline::Raised(Err(why)) => {
                    return (None, Some(why));
                }
            };
            if refused.is_some() && frames.is_empty() {
                return (None, refused);
            }
            let outline = Outline::Segment {
                frames,
                marks,
                under,
                below,
            };
            (Some(outline), refused)
        }
        Outline::Rest { first, next } => (Some(Outline::Rest { first, next }), None),
        Outline::Winder { thunks } => {
            whole(thunks.whole().map(|thunks| Outline::Winder { thunks }))
        }
        Outline::Winders { winder, at, below } => {
            (Some(Outline::Winders { winder, at, below }), None)
        }
        Outline::Entering { winder, body } => {
            let entering = |body| Outline::Entering { winder, body };
            whole(body.whole().map(entering))
        }
        Outline::Continuation { levels } => (Some(Outline::Continuation { levels }), None),
    }
}

/// Decodes what was referred to, by `parts` among others.
pub(super) fn fill_objects(
    content: &[u8],
    limits: LoadLimits,
    budget: &Budget,
    parts: impl leads::Parts,
) -> Result<(), LoadError> {
    let mut constants = Vec::new();
    let filled = fill_ahead(content, limits, budget, &mut constants);
    // Where one is refused, those that were decoded before may be looked at.
    if filled.as_ref().is_err_and(|error| !error.is_refusal()) {
        constants.clear();
    }
    leads::settle(constants, parts)?;
    filled
}

fn fill_ahead(
    content: &[u8],
    limits: LoadLimits,
    budget: &Budget,
    constants: &mut Vec<Later>,
) -> Result<(), LoadError> {
    while let Some((referred, start)) = known(session::loading(Loading::next))? {
        let mut bytes = Reader::new(&content[start..], budget);
        let len = bytes.index()?;
        bytes = bytes.take(len)?;
        let failed = |error| failed(error, "a shared object", limits, budget);
        let now;
        if let Some(steps) = &referred.steps {
            now = upgrade::upgraded(bytes, steps).map_err(failed)?;
            bytes = Reader::new(&now, budget);
        }
        if referred.cell.is_constant() {
            leads::begin(Some(Node::Constant(referred.place)))?;
        }
        constants.extend(referred.cell.fill(&mut bytes).map_err(failed)?);
        bytes.end().map_err(failed)?;
    }
    Ok(())
}

/// The parts that were restored, as they lead to constants.
pub(super) struct Leading<'a, F: Persist> {
    parts: &'a [Restored<F>],
    /// The numbers of the parts, by their identities, once somebody asks.
    numbers: HashMap<(usize, usize), u32>,
}

impl<'a, F: Persist> Leading<'a, F> {
    pub(super) fn new(parts: &'a [Restored<F>]) -> Self {
        let numbers = HashMap::new();
        Self { parts, numbers }
    }
}

impl<F: Persist> leads::Parts for Leading<'_, F> {
    fn count(&self) -> usize {
        self.parts.len()
    }

    fn parts_of(&mut self, number: u32, visit: &mut dyn FnMut(u32)) {
        if self.numbers.is_empty() {
            for (number, restored) in (0u32..).zip(self.parts) {
                // To one that is refused no value leads.
                if let Restored::Part(part, _) = restored {
                    self.numbers.insert(part.identity(), number);
                }
            }
        }
        if let Some(Restored::Part(part, _)) = self.parts.get(number as usize) {
            part.parts(&mut |it| {
                if let Some(number) = self.numbers.get(&it.identity()) {
                    visit(*number);
                }
            });
        }
    }
}
