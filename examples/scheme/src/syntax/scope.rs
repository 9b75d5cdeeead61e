//! What identifiers mean.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use segno::snapshot::{Object, Shared};
use serde::{Deserialize, Serialize};

use super::datum::{address, spelling};
use super::{Core, Macro};
use crate::environment::{Binding, Environment, Global};
use crate::expr::Variable;
use crate::round::Round;
use crate::symbol::Symbol;
use crate::value::Value;

/// An identifier that a macro has put into its expansion: it means what it means where the macro
/// was defined, unless the expansion itself binds it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Alias {
    /// What it is spelled as: a symbol, or an alias again.
    pub of: Value,
    /// Where the macro was defined.
    pub scope: Scope,
    /// What it was defined as outside of all procedures. No symbol means that.
    pub defined: Option<Binding>,
}

impl Object for Alias {
    const NAME: &'static str = "alias";
}

/// A place in a program, as far as the meaning of names goes.
#[derive(Clone, Serialize, Deserialize)]
pub struct Scope {
    /// What names mean outside of all procedures.
    pub environment: Shared<Environment>,
    /// What is bound around the place. What is stored is outside of all procedures.
    #[serde(skip)]
    pub(super) local: Option<Rc<Contour>>,
}

/// Identifiers that are bound together.
pub(super) struct Contour {
    names: RefCell<HashMap<Identifier, Meaning>>,
    outer: Option<Rc<Contour>>,
}

/// A symbol or an alias, which is told by its identity.
#[derive(Clone)]
pub(super) struct Identifier(pub(super) Value);

impl Hash for Identifier {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Value::Symbol(symbol) => symbol.hash(state),
            Value::Alias(alias) => address(alias).hash(state),
            _ => {}
        }
    }
}

impl PartialEq for Identifier {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_eq(&other.0)
    }
}

impl Eq for Identifier {}

/// What an identifier means.
#[derive(Clone)]
pub(super) enum Meaning {
    /// A local variable.
    Variable(Rc<Variable>),
    /// A macro.
    Macro(Shared<Macro>),
    /// Syntax of the interpreter's own.
    Core(Core),
    /// A standard procedure.
    Constant(Value),
    /// A variable of the program.
    Global(Shared<Global>),
    /// A variable of a library.
    Imported(Shared<Global>),
    /// Nothing as yet.
    Unbound(Symbol),
}

impl Meaning {
    /// Whether a literal matches: both mean the same, or nothing under the same name. Auxiliary
    /// syntax that was not imported is taken for itself.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Variable(a), Self::Variable(b)) => Rc::ptr_eq(a, b),
            (Self::Macro(a), Self::Macro(b)) => a.same(b),
            (Self::Core(a), Self::Core(b)) => a == b,
            (Self::Constant(a), Self::Constant(b)) => a.is_eq(b),
            (Self::Global(a) | Self::Imported(a), Self::Global(b) | Self::Imported(b)) => a.same(b),
            (Self::Unbound(a), Self::Unbound(b)) => a == b,
            (Self::Core(core), Self::Unbound(name)) | (Self::Unbound(name), Self::Core(core)) => {
                core.name() == name.as_str()
            }
            _ => false,
        }
    }
}

impl From<Binding> for Meaning {
    fn from(binding: Binding) -> Self {
        match binding {
            Binding::Variable(global) => Self::Global(global),
            Binding::Constant(value) => Self::Constant(value),
            Binding::Macro(rules) => Self::Macro(rules),
            Binding::Core(core) => Self::Core(core),
            Binding::Imported(global) => Self::Imported(global),
        }
    }
}

impl Contour {
    /// Binds an identifier. Whether it was not bound here already.
    pub(super) fn bind(&self, identifier: &Value, meaning: Meaning) -> bool {
        let identifier = Identifier(identifier.clone());
        self.names
            .borrow_mut()
            .insert(identifier, meaning)
            .is_none()
    }

    /// Binds an identifier to a fresh variable, unless it is bound here already.
    pub(super) fn variable(&self, identifier: &Value) -> Option<Rc<Variable>> {
        let variable = Variable::new(spelling(identifier));
        self.bind(identifier, Meaning::Variable(variable.clone()))
            .then_some(variable)
    }

    /// Forgets all, so that macros that see it do not keep it.
    pub(super) fn clear(&self) {
        self.names.borrow_mut().clear();
    }
}

/// Where an identifier leads that is not bound locally.
pub(super) enum Outermost {
    /// To an alias that was defined.
    Defined(Binding),
    /// To a name of an environment.
    Name(Shared<Environment>, Symbol),
}

impl Scope {
    /// Outside of all procedures.
    #[must_use]
    pub fn new(environment: Shared<Environment>) -> Self {
        Self {
            environment,
            local: None,
        }
    }

    /// Within it, identifiers that are bound together.
    pub(super) fn within(&self) -> (Self, Rc<Contour>) {
        let contour = Rc::new(Contour {
            names: RefCell::default(),
            outer: self.local.clone(),
        });
        let scope = Self {
            environment: self.environment.clone(),
            local: Some(contour.clone()),
        };
        (scope, contour)
    }

    fn local(&self, identifier: &Identifier) -> Option<Meaning> {
        let mut at = self.local.as_ref();
        while let Some(contour) = at {
            if let Some(meaning) = contour.names.borrow().get(identifier) {
                return Some(meaning.clone());
            }
            at = contour.outer.as_ref();
        }
        None
    }

    /// What an identifier is bound to locally, or where else it leads.
    pub(super) fn find(&self, identifier: &Value) -> Result<Meaning, Outermost> {
        let mut identifier = Identifier(identifier.clone());
        let (mut scope, mut round) = (self.clone(), Round::new());
        loop {
            if let Some(meaning) = scope.local(&identifier) {
                return Ok(meaning);
            }
            let alias = match identifier.0 {
                Value::Alias(alias) if !round.closes(alias.address()) => alias.get(),
                Value::Symbol(symbol) => return Err(Outermost::Name(scope.environment, symbol)),
                _ => return Err(Outermost::Name(scope.environment, Symbol::new(""))),
            };
            if let Some(binding) = alias.defined {
                return Err(Outermost::Defined(binding));
            }
            identifier = Identifier(alias.of);
            scope = alias.scope;
        }
    }
}
