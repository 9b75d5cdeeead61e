//! With what the process ends.

use std::fmt::Display;

/// A program has raised something that nobody handles, or there is none to run.
pub(super) const FAILED: u8 = 1;
/// The arguments make no sense.
pub(super) const USAGE: u8 = 2;
/// A program has suspended.
pub(super) const SUSPENDED: u8 = 3;
/// A program has met a limit.
pub(super) const LIMIT: u8 = 4;

/// Why the process ends before its time.
#[derive(Debug)]
pub(super) struct Stop {
    /// Its status.
    pub(super) status: u8,
    /// Why, for people.
    pub(super) message: String,
}

impl Stop {
    /// Something other than the program went wrong.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        let (status, message) = (FAILED, message.into());
        Self { status, message }
    }

    /// The arguments make no sense.
    pub(super) fn usage(message: impl Display) -> Self {
        Self {
            status: USAGE,
            message: format!("{message}; try --help"),
        }
    }
}
