//! Procedures of the interpreter's own.

use std::fmt;

use crate::condition::Fault;
use crate::control::Control;
use crate::value::Value;
use crate::world::World;

/// What a primitive answers: a value, or what is wrong.
pub type Answer = Result<Value, Box<Fault>>;

/// A procedure of the interpreter's own. Snapshots know it by its name.
pub struct Primitive {
    /// Its name.
    pub name: &'static str,
    /// How many arguments it wants at least.
    pub least: usize,
    /// And at most, if there is a most.
    pub most: Option<usize>,
    /// What it does. It gets as many arguments as it wants.
    pub action: Action,
}

/// What a primitive does.
#[derive(Clone, Copy)]
pub enum Action {
    /// It computes.
    Plain(fn(&mut World, &[Value]) -> Answer),
    /// It computes; where the argument at this index, which is the last, is missing, it gets the
    /// current input port.
    Input(usize, fn(&mut World, &[Value]) -> Answer),
    /// The same with the current output port.
    Output(usize, fn(&mut World, &[Value]) -> Answer),
    /// It does something to the continuation, or calls back.
    Control(Control),
}

impl Primitive {
    /// One that computes, of `least` to `most` arguments.
    pub const fn new(
        name: &'static str,
        least: usize,
        most: Option<usize>,
        action: Action,
    ) -> Self {
        Self {
            name,
            least,
            most,
            action,
        }
    }

    /// Whether it takes so many arguments.
    #[inline]
    #[must_use]
    pub fn takes(&self, count: usize) -> bool {
        count >= self.least && self.most.is_none_or(|most| count <= most)
    }
}

impl fmt::Debug for Primitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
