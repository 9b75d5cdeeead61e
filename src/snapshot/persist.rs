//! What a type of frames does to be stored.

use serde::de::{Deserialize, DeserializeOwned};
use serde::ser::{Serialize, SerializeStruct};

use crate::frame::{Describe, FrameDescriptor};

/// A type of frames that can be stored. `derive(Persist)` writes it.
///
/// Each frame is stored under the name and the version of its kind, slot by slot, in the order
/// of its descriptor: by position, so that another order or another type of a slot wants another
/// version.
pub trait Persist: Describe<Value: Serialize + DeserializeOwned + 'static> + 'static {
    /// All kinds of frame.
    const KINDS: &'static [FrameDescriptor];

    /// The index of this frame's kind.
    fn kind(&self) -> usize;

    /// Hands out the slots, in order.
    ///
    /// # Errors
    ///
    /// What the receiver or a slot answers.
    fn store<S: SerializeStruct>(&self, to: &mut S) -> Result<(), S::Error>;

    /// A frame of this kind, of slots that are given in order.
    ///
    /// # Errors
    ///
    /// What the giver answers.
    fn load<'de, S: Slots<'de>>(kind: usize, from: &mut S) -> Result<Self, S::Error>;
}

/// Gives the slots of a frame, in order.
pub trait Slots<'de> {
    /// Why there is no slot, or not of this type.
    type Error;

    /// The version in which the frame was stored.
    fn version(&self) -> u32;

    /// The next slot.
    ///
    /// # Errors
    ///
    /// If there is none, or it is of another type.
    fn slot<T: Deserialize<'de>>(&mut self, name: &'static str) -> Result<T, Self::Error>;

    /// The error for a kind of frame that does not exist.
    fn no_such_kind(&self) -> Self::Error;
}
