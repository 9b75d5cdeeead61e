//! Numbers.
use serde::{Deserialize, Serialize};

/// A number of the tower.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Number {
    /// An exact integer of 64 bits.
    Fixnum(i64),
    /// An inexact number.
    Flonum(f64),
    /// Stands for the others.
    Other(std::rc::Rc<String>),
}

impl Number {
    /// `eqv?`
    #[must_use]
    pub fn is_eqv(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fixnum(a), Self::Fixnum(b)) => a == b,
            (Self::Flonum(a), Self::Flonum(b)) => a.to_bits() == b.to_bits(),
            _ => false,
        }
    }
}
