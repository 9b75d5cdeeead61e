//! What names mean outside of all procedures.

use std::collections::BTreeMap;
use std::mem;

use segno::snapshot::{Object, Shared};
use serde::{Deserialize, Serialize};

use crate::symbol::Symbol;
use crate::syntax::{Core, Macro};
use crate::value::Value;

/// A variable of a program, outside of all procedures.
#[derive(Clone, Serialize, Deserialize)]
pub struct Global {
    /// Its name.
    pub name: Symbol,
    /// What it has: [`Value::Unassigned`] before its definition.
    pub value: Value,
}

impl Object for Global {
    const NAME: &'static str = "global";
}

impl Global {
    /// Takes its value from it.
    pub(crate) fn forget(global: &Shared<Self>) {
        // The value is dropped when nobody looks at the variable any more.
        drop(global.update(|global| mem::replace(&mut global.value, Value::Unassigned)));
    }
}

/// What a name means.
#[derive(Clone, Serialize, Deserialize)]
pub enum Binding {
    /// A variable of the program.
    Variable(Shared<Global>),
    /// A standard procedure. Whoever defines the name gets a variable in its place.
    Constant(Value),
    /// A macro.
    Macro(Shared<Macro>),
    /// Syntax of the interpreter's own.
    Core(Core),
    /// A variable of a library. It is not assigned to from here; whoever defines the name gets
    /// another variable in its place.
    Imported(Shared<Global>),
}

/// What names mean.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Environment {
    /// By name.
    pub bindings: BTreeMap<Symbol, Binding>,
    /// Whether all names that are not among them mean what they mean in the standard libraries.
    pub standard: bool,
    /// Whether definitions are refused: of a library that was imported for `eval`.
    pub sealed: bool,
}

impl Object for Environment {
    const NAME: &'static str = "environment";
}

impl Environment {
    /// Takes all names from it, and their values from its variables.
    pub(crate) fn forget(environment: &Shared<Self>) {
        let bindings = environment.update(|environment| mem::take(&mut environment.bindings));
        for binding in bindings.into_values() {
            if let Binding::Variable(global) = binding {
                Global::forget(&global);
            }
        }
    }

    /// Where every name of the standard libraries means what it means there.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            standard: true,
            ..Self::default()
        }
    }
}
