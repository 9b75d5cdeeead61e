//! What became of the frames of a snapshot, and where a machine restarts.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;
use std::vec::Vec;

use super::error::LoadError;
use super::limited::Budget;
use super::load::LoadLimits;
use super::persist::Persist;
use super::source::{Kind, Refusable, Refused, Restored, Target, or_refused, value};
use super::stack::{Item, Skimmed, StoredFrame};
use super::wire::Reader;
use crate::frame::Continuation;
use crate::frame::outline::{Outline, UnderOutline};

/// What became of a stack that was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What is answered to who asks for it, if that is an error: what a frame is refused for, a
    /// winder or a value beside the frames, or a shared value.
    pub refused: Option<Rc<LoadError>>,
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
    pub kind: Rc<str>,
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
        by: Rc<[(Rc<str>, u32)]>,
    },
    /// It is a checkpoint, and restarts.
    Restarted,
    /// It was above a checkpoint that restarts.
    Dropped,
    /// It cannot be decoded, and who runs it gets this error.
    Refused(Rc<LoadError>),
}

impl fmt::Display for Report {
    /// A line for each frame, and one for what is answered, if that is an error.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for FrameReport {
            kind,
            version,
            answer,
        } in &self.frames
        {
            write!(f, "{} v{version}: ", kind.escape_debug())?;
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
                        write!(f, "{before} {} v{version}", name.escape_debug())?;
                    }
                    writeln!(f)?;
                }
                Answer::Restarted => writeln!(f, "restarted")?,
                Answer::Dropped => writeln!(f, "dropped")?,
                Answer::Refused(why) => writeln!(f, "refused: {why}")?,
            }
        }
        match &self.refused {
            Some(why) => writeln!(f, "refused: {why}"),
            None => Ok(()),
        }
    }
}

impl Report {
    pub(super) fn of<F: Persist>(
        decode: &Decode<'_, F>,
        items: &[Item],
        restart: Option<&Restart<F>>,
        refused: Option<Refused>,
    ) -> Result<Self, LoadError> {
        let is_frame = |item: &&Item| matches!(item, Item::Frame { .. });
        let mut above = items.iter().filter(is_frame).count();
        let mut kept_by_kind = HashMap::new();
        // A few frames may be in a stack again and again.
        let mut there = HashMap::new();
        let mut frames = Vec::with_capacity(above);
        for item in items {
            let &Item::Frame { segment, index } = item else {
                continue;
            };
            above -= 1;
            let stored = decode.stored(segment, index)?;
            let is_there = match there.entry((segment, index)) {
                Entry::Occupied(found) => found.into_mut(),
                Entry::Vacant(free) => free.insert(decode.frame_is_there(segment, index)?),
            };
            let answer = match (is_there, restart) {
                (Err(why), _) => Answer::Refused(why.clone()),
                (Ok(()), Some(restart)) if above >= restart.frames => Answer::Dropped,
                (Ok(()), Some(restart)) if above + 1 == restart.frames => Answer::Restarted,
                (Ok(()), _) => {
                    let kept = kept_by_kind.entry(stored.kind);
                    kept.or_insert_with(|| kept_as(&decode.kinds[stored.kind]))
                        .clone()
                }
            };
            let kind = &decode.kinds[stored.kind];
            frames.push(FrameReport {
                kind: kind.name.clone(),
                version: kind.version,
                answer,
            });
        }
        Ok(Self {
            refused,
            frames,
            winders_left: restart.map_or(0, |restart| restart.afters.len()),
            winders_lost: restart.map_or(0, |restart| restart.lost),
        })
    }
}

/// What became of the frames of this kind that can be decoded.
fn kept_as<F: Persist>(kind: &Kind<F>) -> Answer {
    let now = match &kind.now {
        Ok(now) if !now.is_same() => now,
        _ => return Answer::Same,
    };
    let named = |(name, version): (&str, u32)| (name.into(), version);
    let mut by: Vec<_> = now.steps.iter().map(|step| named(step.from)).collect();
    if let Target::Rule(_) = now.to {
        by.push(match now.steps.last() {
            Some(step) => named(step.to),
            None => (kind.name.clone(), kind.version),
        });
    }
    Answer::Migrated { by: by.into() }
}

/// A machine that restarts.
pub(super) struct Restart<F: Persist> {
    /// The checkpoint, and what is below it.
    pub(super) stack: Continuation<F>,
    /// How many frames that is.
    frames: usize,
    /// The *after*s of the winders above it, outermost first.
    pub(super) afters: Vec<Rc<F>>,
    /// How many more there are.
    lost: usize,
}

impl<F: Persist> Restart<F> {
    /// What is above `stack`, which is the lower end of all that there is.
    pub(super) fn of(
        decode: &Decode<'_, F>,
        items: &[Item],
        stack: Continuation<F>,
    ) -> Result<Self, LoadError> {
        let frames = stack.len();
        let is_frame = |item: &&Item| matches!(item, Item::Frame { .. });
        let mut above = items.iter().filter(is_frame).count().saturating_sub(frames);
        let (mut afters, mut lost) = (Vec::new(), 0);
        // A few winders may be in a stack again and again.
        let mut by_winder = HashMap::new();
        for item in items {
            match *item {
                Item::Frame { .. } if above == 0 => break,
                Item::Frame { .. } => above -= 1,
                Item::Under { segment } => match decode.under(segment) {
                    Some(UnderOutline::Inside(winder)) => {
                        let after = match by_winder.entry(*winder) {
                            Entry::Occupied(found) => found.into_mut(),
                            Entry::Vacant(free) => free.insert(decode.after(*winder)?.map(Rc::new)),
                        };
                        match after {
                            Some(after) => afters.push(after.clone()),
                            None => lost += 1,
                        }
                    }
                    Some(UnderOutline::Returned(_) | UnderOutline::Raised(_)) => lost += 1,
                    _ => {}
                },
                Item::Prompt(_) => {}
            }
        }
        afters.reverse();
        Ok(Self {
            stack,
            frames,
            afters,
            lost,
        })
    }
}

/// Decodes what was skimmed.
pub(super) struct Decode<'a, F: Persist> {
    pub(super) parts: &'a [Skimmed],
    pub(super) restored: &'a [Restored<F>],
    pub(super) content: &'a [u8],
    pub(super) kinds: &'a [Kind<F>],
    pub(super) limits: LoadLimits,
    pub(super) budget: &'a Budget,
}

impl<F: Persist> Decode<'_, F> {
    fn stored(&self, segment: u32, index: usize) -> Result<&StoredFrame, LoadError> {
        let frame = match self.parts.get(segment as usize) {
            Some(Outline::Segment { frames, .. }) => frames.get(index),
            _ => None,
        };
        let frame = frame.filter(|frame| frame.kind < self.kinds.len());
        frame.ok_or(LoadError::Invalid("there is no such frame"))
    }

    fn frame(&self, stored: &StoredFrame) -> Result<F, Refusable> {
        let kind = self.kinds.get(stored.kind);
        let kind = kind.ok_or(LoadError::Invalid("there is no such kind of frame"))?;
        let slots = Reader::new(&self.content[stored.slots.clone()], self.budget);
        kind.frame(slots, self.limits, self.budget)
    }

    /// Whether a frame can be decoded, with its marks.
    fn frame_is_there(&self, segment: u32, index: usize) -> Result<Result<(), Refused>, LoadError> {
        if let Some(Restored::Part(..)) = self.restored.get(segment as usize) {
            return Ok(Ok(()));
        }
        if let Err(why) = or_refused(self.frame(self.stored(segment, index)?))? {
            return Ok(Err(why));
        }
        let Some(Outline::Segment { marks, .. }) = self.parts.get(segment as usize) else {
            return Ok(Ok(()));
        };
        let from = marks.partition_point(|mark| mark.frame < index);
        for mark in marks[from..].iter().take_while(|mark| mark.frame == index) {
            let bytes = Reader::new(&self.content[mark.value.clone()], self.budget);
            if let Err(why) = or_refused(value::<F>(bytes, self.limits, self.budget))? {
                return Ok(Err(why));
            }
        }
        Ok(Ok(()))
    }

    fn under(&self, segment: u32) -> Option<&UnderOutline<Range<usize>>> {
        match self.parts.get(segment as usize) {
            Some(Outline::Segment { under, .. }) => Some(under),
            _ => None,
        }
    }

    /// The *after* of a winder, whether or not its *before* can be decoded.
    fn after(&self, winder: u32) -> Result<Option<F>, LoadError> {
        match self.parts.get(winder as usize) {
            Some(Outline::Winder { thunks }) => match thunks.get(1) {
                Some(after) => Ok(or_refused(self.frame(after))?.ok()),
                None => Err(LoadError::Invalid("a winder has two thunks")),
            },
            _ => Err(LoadError::Invalid("something is no winder")),
        }
    }
}
