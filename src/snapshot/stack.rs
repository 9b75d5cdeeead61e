//! A stack as it is stored, whether or not its frames can be decoded.

use std::ops::Range;
use std::vec::Vec;

use super::error::LoadError;
use super::grammar::{self, Take};
use super::load::LoadLimits;
use super::wire::Reader;
use crate::frame::outline::{ChainOutline, Outline, PositionOutline, PromptOutline};

/// A frame as it is stored: its kind, and where its slots are.
#[derive(Clone, Debug)]
pub(super) struct StoredFrame {
    pub(super) kind: usize,
    pub(super) slots: Range<usize>,
}

/// A part of which nothing is decoded. Of a value it is known where it is.
pub(super) type Skimmed = Outline<Vec<StoredFrame>, Range<usize>>;

/// Reads parts, but nothing of what is in them.
pub(super) struct Skim<'a> {
    pub(super) content: &'a [u8],
    pub(super) bytes: Reader<'a>,
    /// What the number of a kind in this snapshot is in all of them.
    pub(super) kinds_from: usize,
}

impl Skim<'_> {
    pub(super) fn part(&mut self) -> Result<Skimmed, LoadError> {
        grammar::take(self)
    }
}

impl Take for Skim<'_> {
    type Frames = Vec<StoredFrame>;
    type Value = Range<usize>;

    fn number(&mut self) -> Result<usize, LoadError> {
        self.bytes.index()
    }

    fn frames(&mut self) -> Result<Vec<StoredFrame>, LoadError> {
        let count = self.bytes.count(2)?;
        let mut frames = Vec::new();
        for _ in 0..count {
            let kind = self.kinds_from.saturating_add(self.bytes.index()?);
            let slots = self.value()?;
            frames.push(StoredFrame { kind, slots });
        }
        Ok(frames)
    }

    fn value(&mut self) -> Result<Range<usize>, LoadError> {
        let len = self.bytes.index()?;
        Ok(self.bytes.take(len)?.range(self.content))
    }
}

/// What there is in a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A frame of a segment, by its index.
    Frame {
        segment: u32,
        index: usize,
    },
    /// What is under the frames of a segment.
    Under {
        segment: u32,
    },
    Prompt(PromptOutline),
}

/// All that is in a continuation, topmost first; but no more than may be.
pub(super) fn walk(parts: &[Skimmed], k: u32, limits: LoadLimits) -> Result<Vec<Item>, LoadError> {
    let Some(Outline::Continuation { levels }) = parts.get(k as usize) else {
        return Err(LoadError::Invalid("there is no such continuation"));
    };
    let mut walk = Walk {
        parts,
        items: Vec::new(),
        limits,
        frames: 0,
        steps: 0,
    };
    for level in levels.iter().rev() {
        walk.position(level.position, k)?;
        if let Some(prompt) = level.prompt {
            walk.items.push(Item::Prompt(prompt));
        }
    }
    Ok(walk.items)
}

struct Walk<'a> {
    parts: &'a [Skimmed],
    items: Vec<Item>,
    limits: LoadLimits,
    frames: usize,
    steps: usize,
}

impl<'a> Walk<'a> {
    /// A part that is referred to by one that comes after it.
    fn part(&mut self, number: u32, before: u32) -> Result<&'a Skimmed, LoadError> {
        self.steps += 1;
        self.limits.check("parts", self.limits.parts, self.steps)?;
        let part = self.parts.get(number as usize).filter(|_| number < before);
        part.ok_or(LoadError::Invalid(
            "a part comes before what it consists of",
        ))
    }

    fn position(&mut self, position: PositionOutline, of: u32) -> Result<(), LoadError> {
        self.chain(position.chain, of)?;
        let mut rests: Vec<(u32, u32)> = position.rest.map(|rest| (rest, of)).into_iter().collect();
        while let Some((number, of)) = rests.pop() {
            let Outline::Rest { first, next } = self.part(number, of)? else {
                return Err(LoadError::Invalid("something is no rest of a stack"));
            };
            rests.extend(next.map(|next| (next, number)));
            rests.extend(first.rest.map(|rest| (rest, number)));
            self.chain(first.chain, number)?;
        }
        Ok(())
    }

    fn chain(&mut self, mut chain: Option<ChainOutline>, of: u32) -> Result<(), LoadError> {
        let mut before = of;
        while let Some(ChainOutline { segment, frames }) = chain {
            let Outline::Segment {
                frames: all, below, ..
            } = self.part(segment, before)?
            else {
                return Err(LoadError::Invalid("something is no segment"));
            };
            let count = frames.min(all.len());
            self.frames = self.frames.saturating_add(count);
            self.limits
                .check("frames", self.limits.frames, self.frames)?;
            let frame = |index| Item::Frame { segment, index };
            self.items.extend((0..count).rev().map(frame));
            self.items.push(Item::Under { segment });
            (before, chain) = (segment, *below);
        }
        Ok(())
    }
}
