//! The described leg: frames that describe themselves.
#![forbid(unsafe_code)]

mod context;
mod continuation;
mod error;
mod machine;
mod segment;
mod step;
mod tag;

pub use context::{Context, Interrupted};
pub use continuation::{Continuation, Detached};
pub use error::Refusal;
pub use machine::{Limits, Machine};
pub use step::{Frame, Input, Operator, Outcome, Place, Step, Wind};
pub use tag::{MarkKey, PromptTag};
