//! What a build of a program stores, to be compared with another build.

use std::borrow::ToOwned;
use std::fmt;
use std::format;
use std::string::String;
use std::vec::Vec;

use serde::{Deserialize, Serialize};

use super::persist::Persist;
use crate::frame::FrameDescriptor;

/// The kinds of frame of a build of a program, and what is in them. Kept with a release, it
/// tells the next one which snapshots will need upgrades, and which kind was changed without a
/// new version. It sees the types of slots as they are written, and not what is in them; nor
/// the types of shared values, nor [`Frame::Value`](crate::frame::Frame::Value).
///
/// ```
/// # #[cfg(feature = "derive")] {
/// # use segno::frame::{Context, Describe, Frame, Input, Step};
/// # macro_rules! frame { ($name:ident) => {
/// #     impl Frame for $name {
/// #         type Value = ();
/// #         type World = ();
/// #         fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
/// #             Step::Return(())
/// #         }
/// #     }
/// # } }
/// use segno::snapshot::{Fingerprint, Persist};
///
/// #[derive(Clone, Describe, Persist)]
/// #[frame(name = "sum")]
/// struct Before {
///     left: i32,
/// }
///
/// #[derive(Clone, Describe, Persist)]
/// #[frame(name = "sum")]
/// struct Now {
///     left: i64,
/// }
/// # frame!(Before);
/// # frame!(Now);
///
/// let changes = Fingerprint::of::<Now>().changes_since(&Fingerprint::of::<Before>());
/// assert_eq!(
///     changes[0].to_string(),
///     "sum v1 has other slots (left: i64; it was left: i32): give it a new version"
/// );
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    kinds: Vec<KindPrint>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KindPrint {
    name: String,
    version: u32,
    reads: u32,
    /// The names of the slots and their types.
    slots: Vec<(String, String)>,
}

impl KindPrint {
    fn of(kind: &FrameDescriptor) -> Self {
        let slots = kind.slots.iter();
        Self {
            name: kind.name.to_owned(),
            version: kind.version,
            reads: kind.reads,
            slots: slots
                .map(|slot| (slot.name.to_owned(), slot.of.to_owned()))
                .collect(),
        }
    }

    fn slots(&self) -> String {
        let slots = self.slots.iter().map(|(name, of)| format!("{name}: {of}"));
        slots.collect::<Vec<_>>().join(", ")
    }
}

/// How a kind of frame differs from what it was in another build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindChange {
    /// The kind of frame.
    pub kind: String,
    /// What became of it.
    pub change: Change,
}

/// What became of a kind of frame.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// There was none.
    Added,
    /// There is none any more: snapshots that hold it want an upgrade of this version.
    Removed {
        /// The version.
        version: u32,
    },
    /// It has another version.
    Version {
        /// What it was.
        from: u32,
        /// What it is.
        to: u32,
        /// Whether the new one reads the old one by itself. If not, snapshots that hold it want
        /// an upgrade.
        is_read: bool,
    },
    /// It has other slots under the same version, so that they are decoded as what they are
    /// not.
    Slots {
        /// The version.
        version: u32,
        /// What they were.
        from: String,
        /// What they are.
        to: String,
    },
}

impl Fingerprint {
    /// That of the program that has these frames.
    #[must_use]
    pub fn of<F: Persist>() -> Self {
        Self {
            kinds: F::KINDS.iter().map(KindPrint::of).collect(),
        }
    }

    /// How this build differs from an earlier one.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<KindChange> {
        let find = |list: &'_ Self, name: &str| {
            let found = list.kinds.iter().find(|kind| kind.name == name);
            found.cloned()
        };
        let of_now = self.kinds.iter().filter_map(|now| {
            let change = match find(before, &now.name) {
                None => Change::Added,
                Some(was) if was.version != now.version => Change::Version {
                    from: was.version,
                    to: now.version,
                    is_read: (now.reads..=now.version).contains(&was.version),
                },
                Some(was) if was.slots != now.slots => Change::Slots {
                    version: now.version,
                    from: was.slots(),
                    to: now.slots(),
                },
                Some(_) => return None,
            };
            let kind = now.name.clone();
            Some(KindChange { kind, change })
        });
        let gone = before.kinds.iter();
        let gone = gone.filter(|was| find(self, &was.name).is_none());
        let gone = gone.map(|was| KindChange {
            kind: was.name.clone(),
            change: Change::Removed {
                version: was.version,
            },
        });
        of_now.chain(gone).collect()
    }
}

impl fmt::Display for KindChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = &self.kind;
        match &self.change {
            Change::Added => write!(f, "{kind} is new"),
            Change::Removed { version } => {
                write!(f, "{kind} is gone: add an upgrade of {kind} v{version}")
            }
            Change::Version {
                from,
                to,
                is_read: true,
            } => write!(f, "{kind} v{from} is read by v{to}"),
            Change::Version { from, to, .. } => {
                write!(
                    f,
                    "{kind} v{from} is now v{to}: add an upgrade of {kind} v{from}"
                )
            }
            Change::Slots { version, from, to } => write!(
                f,
                "{kind} v{version} has other slots ({to}; it was {from}): give it a new version"
            ),
        }
    }
}
