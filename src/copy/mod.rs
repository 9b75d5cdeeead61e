//! Copy-stack mode: frames on the native stack that can be captured all the same.

mod coop;
mod host;

pub use coop::{Away, Came, Coop, Foreign, Keep, Leave, enter, enter_keeping};
