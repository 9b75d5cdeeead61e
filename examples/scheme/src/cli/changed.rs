//! What to do if the source of a saved program has changed.

use segno_scheme::interpreter::Interpreter;

use super::stop::Stop;

/// What to do if the source has changed since a program was saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Changed {
    /// The program is not resumed.
    Refuse,
    /// It goes on with the code that it was saved with.
    #[default]
    Keep,
    /// What has changed begins again.
    Restart,
}

impl Changed {
    /// The policy of this name.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "refuse" => Some(Self::Refuse),
            "keep" => Some(Self::Keep),
            "restart" => Some(Self::Restart),
            _ => None,
        }
    }

    /// Looks at the sources of a program that was just restored, and does what is to be done.
    ///
    /// # Errors
    ///
    /// If the program is not to be resumed.
    pub(super) fn apply(self, _: &mut Interpreter) -> Result<(), Stop> {
        match self {
            Self::Keep => Ok(()),
            Self::Refuse | Self::Restart => Err(Stop::failed(
                "only `--changed keep` is known to this version",
            )),
        }
    }
}
