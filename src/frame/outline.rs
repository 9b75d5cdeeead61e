//! A part of a continuation as plain data, which names other parts by their numbers.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// A part of a continuation by itself: what several continuations may share. Other parts, the
/// tags of prompts and the keys of marks are named by their numbers; `Fs` are frames, lowest
/// first, `V` is a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outline<Fs, V> {
    /// Frames that are no longer on top.
    Segment {
        /// The frames.
        frames: Fs,
        /// The values that are attached to them, in the order of the frames.
        marks: Vec<MarkOutline<V>>,
        /// What happens when they are used up.
        under: UnderOutline<V>,
        /// What is below them.
        below: Option<ChainOutline>,
    },
    /// What chains were put on top of.
    Rest {
        /// What comes first.
        first: PositionOutline,
        /// What follows: a rest.
        next: Option<u32>,
    },
    /// What runs when control enters and leaves a body.
    Winder {
        /// Two frames: before and after.
        thunks: Fs,
    },
    /// A list of winders, innermost first.
    Winders {
        /// The innermost one: a winder.
        winder: u32,
        /// Where its thunks run.
        at: PositionOutline,
        /// The others: a list of winders.
        below: Option<u32>,
    },
    /// A winder whose *before* runs.
    Entering {
        /// The winder.
        winder: u32,
        /// One frame: what is to come.
        body: Fs,
    },
    /// A continuation.
    Continuation {
        /// What lies between its prompts, lowest first.
        levels: Vec<LevelOutline>,
    },
}

/// A value that is attached to a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarkOutline<V> {
    /// The index of the frame.
    pub frame: usize,
    /// The key.
    pub key: u32,
    /// The value.
    pub value: V,
}

/// What happens when frames are used up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnderOutline<V> {
    /// What is below goes on.
    Nothing,
    /// They were a winder's *before*: this is entered, an [`Outline::Entering`].
    Entering(u32),
    /// They were the body of this winder.
    Inside(u32),
    /// They were a winder's *after*, and its body has returned this.
    Returned(V),
    /// They were a winder's *after*, and its body has raised this.
    Raised(V),
}

/// The lowest frames of a segment, and what is below that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainOutline {
    /// The segment.
    pub segment: u32,
    /// How many of its frames.
    pub frames: usize,
}

/// A place in a stack, and what is below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionOutline {
    /// What comes first.
    pub chain: Option<ChainOutline>,
    /// What follows: a rest.
    pub rest: Option<u32>,
}

/// What lies above a prompt, or at the lower end of a continuation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelOutline {
    /// The frames.
    pub position: PositionOutline,
    /// Their winders: a list.
    pub winders: Option<u32>,
    /// The prompt below them; of all levels but the lowest there is one.
    pub prompt: Option<PromptOutline>,
}

/// Prompts with nothing between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptOutline {
    /// Their tag.
    pub tag: u32,
    /// How many there are, at least one.
    pub times: usize,
}
