//! How a part of a stack is written, and read again.

use std::vec::Vec;

use super::error::LoadError;
use crate::frame::outline::{
    ChainOutline, LevelOutline, MarkOutline, Outline, PositionOutline, PromptOutline, UnderOutline,
};

const SEGMENT: usize = 0;
const REST: usize = 1;
const WINDER: usize = 2;
const WINDERS: usize = 3;
const ENTERING: usize = 4;
const CONTINUATION: usize = 5;

const NOTHING: usize = 0;
const ENTRY: usize = 1;
const INSIDE: usize = 2;
const RETURNED: usize = 3;
const RAISED: usize = 4;

/// Writes what a part consists of.
pub(super) trait Put<Fs: ?Sized, V: ?Sized> {
    type Error;
    fn number(&mut self, number: usize);
    fn frames(&mut self, frames: &Fs) -> Result<(), Self::Error>;
    fn value(&mut self, value: &V) -> Result<(), Self::Error>;
}

/// Writes a part.
pub(super) fn put<Fs, V, S: Put<Fs, V>>(
    outline: &Outline<Fs, V>,
    to: &mut S,
) -> Result<(), S::Error> {
    match outline {
        Outline::Segment {
            frames,
            marks,
            under,
            below,
        } => {
            to.number(SEGMENT);
            to.frames(frames)?;
            to.number(marks.len());
            for MarkOutline { frame, key, value } in marks {
                to.number(*frame);
                to.number(*key as usize);
                to.value(value)?;
            }
            match under {
                UnderOutline::Nothing => to.number(NOTHING),
                UnderOutline::Entering(entering) => {
                    to.number(ENTRY);
                    to.number(*entering as usize);
                }
                UnderOutline::Inside(winder) => {
                    to.number(INSIDE);
                    to.number(*winder as usize);
                }
                UnderOutline::Returned(value) => {
                    to.number(RETURNED);
                    to.value(value)?;
                }
                UnderOutline::Raised(error) => {
                    to.number(RAISED);
                    to.value(error)?;
                }
            }
            put_chain(*below, to);
        }
        Outline::Rest { first, next } => {
            to.number(REST);
            put_position(first, to);
            put_option(*next, to);
        }
        Outline::Winder { thunks } => {
            to.number(WINDER);
            to.frames(thunks)?;
        }
        Outline::Winders { winder, at, below } => {
            to.number(WINDERS);
            to.number(*winder as usize);
            put_position(at, to);
            put_option(*below, to);
        }
        Outline::Entering { winder, body } => {
            to.number(ENTERING);
            to.number(*winder as usize);
            to.frames(body)?;
        }
        Outline::Continuation { levels } => {
            to.number(CONTINUATION);
            to.number(levels.len());
            for level in levels {
                put_position(&level.position, to);
                put_option(level.winders, to);
                match level.prompt {
                    None => to.number(0),
                    Some(PromptOutline { tag, times }) => {
                        to.number(times);
                        to.number(tag as usize);
                    }
                }
            }
        }
    }
    Ok(())
}

fn put_option<Fs, V, S: Put<Fs, V>>(part: Option<u32>, to: &mut S) {
    to.number(part.is_some().into());
    if let Some(part) = part {
        to.number(part as usize);
    }
}

fn put_chain<Fs, V, S: Put<Fs, V>>(chain: Option<ChainOutline>, to: &mut S) {
    put_option(chain.map(|chain| chain.segment), to);
    if let Some(chain) = chain {
        to.number(chain.frames);
    }
}

fn put_position<Fs, V, S: Put<Fs, V>>(position: &PositionOutline, to: &mut S) {
    put_chain(position.chain, to);
    put_option(position.rest, to);
}

/// Reads what a part consists of.
pub(super) trait Take {
    type Frames;
    type Value;
    fn number(&mut self) -> Result<usize, LoadError>;
    fn frames(&mut self) -> Result<Self::Frames, LoadError>;
    fn value(&mut self) -> Result<Self::Value, LoadError>;

    /// A number that names something.
    fn name(&mut self) -> Result<u32, LoadError> {
        self.number()?.try_into().map_err(|_| LoadError::Damaged)
    }
}

/// Reads a part.
pub(super) fn take<S: Take>(from: &mut S) -> Result<Outline<S::Frames, S::Value>, LoadError> {
    Ok(match from.number()? {
        SEGMENT => {
            let frames = from.frames()?;
            let mut marks = Vec::new();
            for _ in 0..from.number()? {
                marks.push(MarkOutline {
                    frame: from.number()?,
                    key: from.name()?,
                    value: from.value()?,
                });
            }
            let under = match from.number()? {
                NOTHING => UnderOutline::Nothing,
                ENTRY => UnderOutline::Entering(from.name()?),
                INSIDE => UnderOutline::Inside(from.name()?),
                RETURNED => UnderOutline::Returned(from.value()?),
                RAISED => UnderOutline::Raised(from.value()?),
                _ => {
                    let why = "nothing is known of what is under frames";
                    return Err(LoadError::Invalid(why));
                }
            };
            Outline::Segment {
                frames,
                marks,
                under,
                below: take_chain(from)?,
            }
        }
        REST => Outline::Rest {
            first: take_position(from)?,
            next: take_option(from)?,
        },
        WINDER => Outline::Winder {
            thunks: from.frames()?,
        },
        WINDERS => Outline::Winders {
            winder: from.name()?,
            at: take_position(from)?,
            below: take_option(from)?,
        },
        ENTERING => Outline::Entering {
            winder: from.name()?,
            body: from.frames()?,
        },
        CONTINUATION => {
            let mut levels = Vec::new();
            for _ in 0..from.number()? {
                levels.push(LevelOutline {
                    position: take_position(from)?,
                    winders: take_option(from)?,
                    prompt: match from.number()? {
                        0 => None,
                        times => Some(PromptOutline {
                            times,
                            tag: from.name()?,
                        }),
                    },
                });
            }
            Outline::Continuation { levels }
        }
        _ => return Err(LoadError::Invalid("there is no such kind of part")),
    })
}

fn take_option(from: &mut impl Take) -> Result<Option<u32>, LoadError> {
    match from.number()? {
        0 => Ok(None),
        1 => from.name().map(Some),
        _ => Err(LoadError::Invalid("something is neither there nor not")),
    }
}

fn take_chain(from: &mut impl Take) -> Result<Option<ChainOutline>, LoadError> {
    let Some(segment) = take_option(from)? else {
        return Ok(None);
    };
    let frames = from.number()?;
    Ok(Some(ChainOutline { segment, frames }))
}

fn take_position(from: &mut impl Take) -> Result<PositionOutline, LoadError> {
    Ok(PositionOutline {
        chain: take_chain(from)?,
        rest: take_option(from)?,
    })
}
