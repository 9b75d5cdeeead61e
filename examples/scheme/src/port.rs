//! Ports.

use segno::snapshot::Object;
use serde::{Deserialize, Serialize};

/// A port.
#[derive(Clone, Serialize, Deserialize)]
pub enum Port {
    /// To be written.
    Closed,
}

impl Object for Port {
    const NAME: &'static str = "port";
}
