//! Why a computation cannot have its place in a region now.

#![forbid(unsafe_code)]

use core::error::Error;
use core::fmt;

use crate::error::StackError;

/// Why a computation was not made, or not taken up again.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyError {
    /// This is not the thread that the region was made on.
    Thread,
    /// A running computation of the region has its bytes where those of this one belong, or
    /// has gone on to another stack, so that nobody knows how far its bytes reach.
    Busy,
    /// The region has too little room left.
    Exhausted {
        /// How many bytes are needed.
        requested: usize,
        /// How many are left.
        available: usize,
    },
    /// The computation has ended.
    Done,
}

#[cfg_attr(
    not(feature = "std"),
    allow(dead_code, reason = "nobody is refused where there is no region")
)]
impl CopyError {
    /// In a few words, for a frame of a machine.
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Thread => "this is not the thread of its region",
            Self::Busy => "its region is busy below it",
            Self::Exhausted { .. } => "its region is too small",
            Self::Done => "it has ended",
        }
    }

    /// What it means for a region that a body is too large for a stack.
    pub(super) fn of(error: StackError) -> Self {
        match error {
            StackError::TooLarge {
                requested,
                available,
            } => Self::Exhausted {
                requested,
                available,
            },
            _ => unreachable!("a stack that exists is too small at worst"),
        }
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Thread => f.write_str("a region was used on another thread than its own"),
            Self::Busy => f.write_str(
                "a running computation may be using the bytes of the region that this one needs: resume it when that has suspended, or make it in another region",
            ),
            Self::Exhausted {
                requested,
                available,
            } => write!(
                f,
                "{requested} bytes of a region are needed, and {available} are left: a body takes several times its size, so box what it captures"
            ),
            Self::Done => f.write_str("attempt to resume a completed coroutine"),
        }
    }
}

impl Error for CopyError {}

/// A refusal, and what was handed in with the request: a body, or an input.
#[derive(Clone, Copy)]
pub struct Refused<T> {
    /// Why it was refused.
    pub error: CopyError,
    /// What comes back.
    pub value: T,
}

impl<T> fmt::Debug for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Display for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<T> Error for Refused<T> {}
