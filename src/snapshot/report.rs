//! What became of the frames of a snapshot, and where a machine restarts.

use std::borrow::ToOwned;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::string::String;
use std::vec::Vec;

use super::error::LoadError;
use super::limited::Budget;
use super::load::LoadLimits;
use super::persist::Persist;
use super::session;
use super::source::{Kind, Now, Refusable, Refused, Target, known, or_refused, value};
use super::stack::{Item, Skimmed, StoredFrame};
use super::wire::Reader;
use crate::frame::outline::{Outline, UnderOutline};
use crate::frame::{Entry, Interrupted, Layout};

/// What became of a stack that was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its frames, topmost first.
    pub frames: Vec<FrameReport>,
    /// How many winders are left by a restart, whose *after* runs.
    pub winders_left: usize,
    /// How many are left without, since their *after* cannot be decoded, or has begun.
    pub winders_lost: usize,
}

/// What became of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameReport {
    /// Its kind, as it is stored.
    pub kind: String,
    /// The version in which it is stored.
    pub version: u32,
    /// What became of it.
    pub answer: Answer,
}

/// What became of a frame that was stored.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is as it was.
    Same,
    /// It was brought up to date.
    Migrated {
        /// By which [upgrades](super::Registry::upgrade), one after the other: what each of them
        /// is for. If there is none, slots were added.
        by: Vec<(String, u32)>,
    },
    /// It is a checkpoint, and restarts.
    Restarted,
    /// It was above a checkpoint that restarts.
    Dropped,
    /// It cannot be decoded, and who runs it gets this error.
    Refused(LoadError),
}

impl fmt::Display for Report {
    /// A line for each frame.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for FrameReport {
            kind,
            version,
            answer,
        } in &self.frames
        {
            write!(f, "{kind} v{version}: ")?;
            match answer {
                Answer::Same => writeln!(f, "same")?,
                Answer::Migrated { by } => {
                    f.write_str("migrated")?;
                    for (index, (name, version)) in by.iter().enumerate() {
                        let before = if index == 0 {
                            " by the upgrade of"
                        } else {
                            ", then"
                        };
                        write!(f, "{before} {name} v{version}")?;
                    }
                    writeln!(f)?;
                }
                Answer::Restarted => writeln!(f, "restarted")?,
                Answer::Dropped => writeln!(f, "dropped")?,
                Answer::Refused(why) => writeln!(f, "refused: {why}")?,
            }
        }
        Ok(())
    }
}

impl Report {
    pub(super) fn of<F: Persist>(
        parts: &[Skimmed],
        items: &[Item],
        kinds: &[Kind<F>],
        refused: &HashMap<(u32, usize), Refused>,
        restart: Option<&Restart<F>>,
    ) -> Self {
        let mut frames = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let &Item::Frame { segment, index } = item else {
                continue;
            };
            let Some(kind) = stored(parts, segment, index).and_then(|it| kinds.get(it.kind)) else {
                continue;
            };
            let answer = match (&kind.now, refused.get(&(segment, index))) {
                (Err(why), _) | (Ok(_), Some(why)) => Answer::Refused((**why).clone()),
                (Ok(now), None) => match restart.map(|restart| place.cmp(&restart.checkpoint)) {
                    Some(Ordering::Less) => Answer::Dropped,
                    Some(Ordering::Equal) => Answer::Restarted,
                    _ => kept(kind, now),
                },
            };
            frames.push(FrameReport {
                kind: kind.name.clone(),
                version: kind.version,
                answer,
            });
        }
        Self {
            frames,
            winders_left: restart.map_or(0, |restart| restart.afters.len()),
            winders_lost: restart.map_or(0, |restart| restart.lost),
        }
    }
}

/// What became of a frame of this kind that can be decoded.
fn kept<F: Persist>(kind: &Kind<F>, now: &Now<F>) -> Answer {
    let mut by: Vec<_> = now.steps.iter().map(|step| named(step.from)).collect();
    match now.to {
        Target::Kind(kind, version) if by.is_empty() && version == F::KINDS[kind].version => {
            return Answer::Same;
        }
        Target::Kind(..) => {}
        Target::Rule(_) => by.push(match now.steps.last() {
            Some(step) => named(step.to),
            None => (kind.name.clone(), kind.version),
        }),
    }
    Answer::Migrated { by }
}

fn named((name, version): (&str, u32)) -> (String, u32) {
    (name.to_owned(), version)
}

fn stored(parts: &[Skimmed], segment: u32, index: usize) -> Option<&StoredFrame> {
    match parts.get(segment as usize) {
        Some(Outline::Segment { frames, .. }) => frames.get(index),
        _ => None,
    }
}

/// A machine that restarts.
pub(super) struct Restart<F: Persist> {
    /// The checkpoint, and what is below it.
    pub(super) layout: Layout<F>,
    /// Where the checkpoint is in the stack.
    pub(super) checkpoint: usize,
    /// The *after*s of the winders above it, innermost first.
    pub(super) afters: Vec<F>,
    /// How many more there are.
    pub(super) lost: usize,
}

impl<F: Persist> Restart<F> {
    /// Where a stack restarts, if there is a checkpoint below all that is refused.
    pub(super) fn of(
        parts: &[Skimmed],
        items: &[Item],
        content: &[u8],
        kinds: &[Kind<F>],
        limits: LoadLimits,
        budget: &Budget,
    ) -> Result<Option<Self>, LoadError> {
        let decode = Decode {
            parts,
            content,
            kinds,
            limits,
            budget,
        };
        // From the bottom up, as far as everything can be decoded.
        let mut entries = Vec::new();
        let mut checkpoint = None;
        for (place, item) in items.iter().enumerate().rev() {
            let Ok(entry) = or_refused(decode.entry(item))? else {
                break;
            };
            if let Some(entry) = entry {
                let is_checkpoint = match &entry {
                    Entry::Frame { frame, .. } => frame.descriptor().checkpoint,
                    _ => false,
                };
                entries.push(entry);
                if is_checkpoint {
                    checkpoint = Some((place, entries.len()));
                }
            }
        }
        let Some((checkpoint, len)) = checkpoint else {
            return Ok(None);
        };
        entries.truncate(len);
        entries.reverse();
        let (mut afters, mut lost) = (Vec::new(), 0);
        for item in &items[..checkpoint] {
            let &Item::Under { segment } = item else {
                continue;
            };
            match decode.under(segment) {
                Some(UnderOutline::Inside(winder)) => match or_refused(decode.thunks(*winder))? {
                    Ok((_, after)) => afters.push(after),
                    Err(_) => lost += 1,
                },
                Some(UnderOutline::Returned(_) | UnderOutline::Raised(_)) => lost += 1,
                _ => {}
            }
        }
        Ok(Some(Self {
            layout: Layout { entries },
            checkpoint,
            afters,
            lost,
        }))
    }
}

/// Decodes what was skimmed.
struct Decode<'a, F> {
    parts: &'a [Skimmed],
    content: &'a [u8],
    kinds: &'a [Kind<F>],
    limits: LoadLimits,
    budget: &'a Budget,
}

impl<'a, F: Persist> Decode<'a, F> {
    fn frame(&self, stored: Option<&StoredFrame>) -> Result<F, Refusable> {
        let kind = stored.and_then(|stored| self.kinds.get(stored.kind));
        let (Some(stored), Some(kind)) = (stored, kind) else {
            return Err(LoadError::Invalid("there is no such frame").into());
        };
        let slots = Reader::new(&self.content[stored.slots.clone()], self.budget);
        kind.frame(slots, self.limits, self.budget)
    }

    fn value(&self, at: &Range<usize>) -> Result<F::Value, LoadError> {
        let bytes = Reader::new(&self.content[at.clone()], self.budget);
        value::<F>(bytes, self.limits, self.budget)
    }

    /// The *before* and the *after* of a winder.
    fn thunks(&self, winder: u32) -> Result<(F, F), Refusable> {
        match self.parts.get(winder as usize) {
            Some(Outline::Winder { thunks }) => {
                Ok((self.frame(thunks.first())?, self.frame(thunks.get(1))?))
            }
            _ => Err(LoadError::Invalid("something is no winder").into()),
        }
    }

    fn under(&self, segment: u32) -> Option<&'a UnderOutline<Range<usize>>> {
        match self.parts.get(segment as usize) {
            Some(Outline::Segment { under, .. }) => Some(under),
            _ => None,
        }
    }

    fn entry(&self, item: &Item) -> Result<Option<Entry<F>>, Refusable> {
        Ok(Some(match *item {
            Item::Frame { segment, index } => {
                let frame = self.frame(stored(self.parts, segment, index))?;
                let mut marks = Vec::new();
                if let Some(Outline::Segment { marks: all, .. }) = self.parts.get(segment as usize)
                {
                    let from = all.partition_point(|mark| mark.frame < index);
                    for mark in all[from..].iter().take_while(|mark| mark.frame == index) {
                        let key = known(session::loading(|loading| {
                            Ok(loading.keys.get(mark.key as usize).copied())
                        }))?;
                        let key = key.ok_or(LoadError::Invalid("there is no such mark key"))?;
                        marks.push((key, self.value(&mark.value)?));
                    }
                }
                Entry::Frame { frame, marks }
            }
            Item::Prompt(prompt) => {
                let tag = known(session::loading(|loading| {
                    Ok(loading.tags.get(prompt.tag as usize).copied())
                }))?;
                let tag = tag.ok_or(LoadError::Invalid("there is no such prompt tag"))?;
                let times = prompt.times;
                Entry::Prompt { tag, times }
            }
            Item::Under { segment } => match self.under(segment) {
                None | Some(UnderOutline::Nothing) => return Ok(None),
                Some(UnderOutline::Inside(winder)) => {
                    let (before, after) = self.thunks(*winder)?;
                    Entry::Inside { before, after }
                }
                Some(UnderOutline::Entering(entering)) => {
                    match self.parts.get(*entering as usize) {
                        Some(Outline::Entering { winder, body }) => {
                            let (before, after) = self.thunks(*winder)?;
                            Entry::Entering {
                                before,
                                body: self.frame(body.first())?,
                                after,
                            }
                        }
                        _ => {
                            let why = "something is no winder's entry";
                            return Err(LoadError::Invalid(why).into());
                        }
                    }
                }
                Some(UnderOutline::Returned(at)) => Entry::Leaving(Ok(self.value(at)?)),
                Some(UnderOutline::Raised(at)) => {
                    let error = self.value(at)?;
                    Entry::Leaving(Err(Interrupted::Raised(error)))
                }
            },
        }))
    }
}
