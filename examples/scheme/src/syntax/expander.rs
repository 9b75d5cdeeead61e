//! What expanding takes, and its entrances.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use segno::snapshot::Shared;

use super::Core;
use super::expand::Expansion;
use super::library::Libraries;
use super::program::Program;
use super::scope::Scope;
use super::standard::{self, Contents};
use crate::condition::Fault;
use crate::environment::{Binding, Environment};
use crate::expr::Expr;
use crate::places::Places;
use crate::symbol::Symbol;
use crate::value::Value;

/// An expression, or what is wrong with the form.
pub(super) type Answer<T = Expr> = Result<T, Box<Fault>>;

/// The forms of a source, and where they are.
pub struct Source {
    /// The forms.
    pub forms: Vec<Value>,
    /// Where they are.
    pub places: Places,
}

/// What the expander needs from outside.
pub trait Host {
    /// The standard procedure of this name.
    fn primitive(&self, name: &str) -> Option<Value>;

    /// What is in a file, if there is one: for `include`, and for `import` of a library `(a b)`,
    /// which is looked for in `a/b.sld`, beside the program or the source that asks. `fold` says
    /// whether the file is read as if by `#!fold-case`.
    ///
    /// # Errors
    ///
    /// If the file must not be read, or is not well-formed.
    fn file(&self, path: &Path, fold: bool) -> Result<Option<Source>, Box<Fault>>;

    /// What is in a source of the interpreter's own.
    ///
    /// # Errors
    ///
    /// If it is not well-formed.
    fn text(&self, name: &str, text: &str) -> Result<Source, Box<Fault>>;
}

/// How much a form may want.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How deep expressions may be nested. Lists may be of any length.
    pub depth: u32,
    /// How many expressions a form of the program may have, and how many parts templates may put
    /// in: a macro that expands for ever meets it.
    pub steps: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 1_000,
            steps: 2_000_000,
        }
    }
}

/// Expands programs.
#[derive(Clone)]
pub struct Expander {
    pub(super) host: Rc<dyn Host>,
    pub(super) names: Rc<Names>,
    pub(super) libraries: Shared<Libraries>,
    /// How much a form may want.
    pub limits: Limits,
    /// How many steps it has taken since somebody asked.
    pub(super) taken: Rc<Cell<usize>>,
}

/// What the names of the standard libraries mean.
pub struct Names {
    /// Syntax and procedures.
    known: BTreeMap<Symbol, Binding>,
    /// What nobody knows but the host of a program: its ports.
    own: BTreeSet<Symbol>,
    /// Names that a library has which is written in Scheme: it is imported where one of them is
    /// met first.
    pub(super) elsewhere: BTreeMap<Symbol, &'static str>,
}

impl Names {
    /// Those of procedures that are found so.
    pub fn new(procedure: impl Fn(&str) -> Option<Value>) -> Self {
        let (mut known, mut own) = (BTreeMap::new(), BTreeSet::new());
        let mut elsewhere = BTreeMap::new();
        for (library, contents) in standard::LIBRARIES {
            match contents {
                Contents::Names(list) => {
                    for name in list.split_whitespace() {
                        let binding = match Core::named(name) {
                            Some(core) => Some(Binding::Core(core)),
                            None => procedure(name).map(Binding::Constant),
                        };
                        match binding {
                            Some(binding) => drop(known.insert(Symbol::new(name), binding)),
                            None => drop(own.insert(Symbol::new(name))),
                        }
                    }
                }
                Contents::Source { exports, .. } => {
                    let exports = exports.split_whitespace();
                    elsewhere.extend(exports.map(|name| (Symbol::new(name), *library)));
                }
            }
        }
        elsewhere.retain(|name, _| !known.contains_key(name));
        Self {
            known,
            own,
            elsewhere,
        }
    }
}

impl Expander {
    /// An expander that has these libraries of the program, which are a part of its state.
    #[must_use]
    pub fn new(host: Rc<dyn Host>, libraries: Shared<Libraries>) -> Self {
        let names = Rc::new(Names::new(|name| host.primitive(name)));
        Self::sharing(names, host, libraries)
    }

    /// The same, by names that others have too: to find them out takes longer than a small program.
    #[must_use]
    pub fn sharing(names: Rc<Names>, host: Rc<dyn Host>, libraries: Shared<Libraries>) -> Self {
        Self {
            host,
            names,
            libraries,
            limits: Limits::default(),
            taken: Rc::default(),
        }
    }

    /// How many expressions, and parts of macros and what they put in, it has gone through since
    /// this was last asked.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.take()
    }

    /// One with other libraries.
    #[must_use]
    pub fn with_libraries(&self, libraries: Shared<Libraries>) -> Self {
        Self {
            libraries,
            ..self.clone()
        }
    }

    /// What a name of the standard libraries means.
    pub(super) fn standard(&self, name: &Symbol) -> Option<Binding> {
        match self.names.known.get(name) {
            Some(binding) => Some(binding.clone()),
            None if self.names.own.contains(name) => {
                let found = self.host.primitive(name.as_str());
                found.map(Binding::Constant)
            }
            None => None,
        }
    }

    /// The libraries of the program.
    #[must_use]
    pub fn libraries(&self) -> &Shared<Libraries> {
        &self.libraries
    }

    /// Expands a form for `eval` or a REPL. What it defines is defined in the environment. The
    /// bodies of libraries that it imports for the first time come before it in the expression.
    ///
    /// # Errors
    ///
    /// If it is no form of a program.
    pub fn expand(
        &self,
        form: &Value,
        places: &Places,
        environment: &Shared<Environment>,
    ) -> Result<Expr, Box<Fault>> {
        let mut expansion = Expansion::new(self, places);
        let form = expansion.toplevel(form, &Scope::new(environment.clone()))?;
        Ok(expansion.finish(form))
    }

    /// A program, whose forms are expanded one after the other. If it begins with an import, it
    /// sees in an environment of its own only what it imports; else it sees `environment`.
    #[must_use]
    pub fn program(&self, source: Source, environment: &Shared<Environment>) -> Program {
        Program::new(self, source, environment)
    }
}
