//! Frames.
use segno::frame::{Context, Describe, Frame, Input, Step};
use segno::snapshot::Persist;

use crate::value::Value;
use crate::world::World;

/// A frame.
#[derive(Clone, Describe, Persist)]
pub struct Activation {}

impl Frame for Activation {
    type Value = Value;
    type World = World;

    fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        Step::Return(Value::Null)
    }
}
