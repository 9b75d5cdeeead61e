//! The expander: from data to expressions.

use segno::snapshot::{Object, Shared};
use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::symbol::Symbol;
use crate::value::Value;

/// An identifier that a macro has put into its expansion: it means what it means where the macro
/// was defined, unless the expansion itself binds it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Alias {
    /// What it is spelled as: a symbol, or an alias again.
    pub of: Value,
    /// Where the macro was defined.
    pub environment: Shared<Environment>,
}

/// Syntax of the interpreter's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Core {
    /// `quote`
    Quote,
}

/// A macro.
#[derive(Clone, Serialize, Deserialize)]
pub struct Macro {
    /// Its name.
    pub name: Symbol,
}

impl Object for Macro {
    const NAME: &'static str = "macro";
}
