//! Imports.

use segno::snapshot::Shared;

use super::datum::{is_identifier, spelling};
use super::expand::Expansion;
use super::expander::{Answer, Expander};
use super::library::Exports;
use crate::condition::Fault;
use crate::environment::{Binding, Environment};
use crate::expr::Expr;
use crate::places::Places;
use crate::symbol::Symbol;
use crate::value::Value;

/// An environment that was made of libraries.
pub struct Imported {
    /// What names mean.
    pub environment: Shared<Environment>,
    /// What has to run before anything is evaluated in it: the bodies of libraries that were not
    /// imported before.
    pub bodies: Expr,
}

impl Expander {
    /// The environment that these import sets make, which does not change.
    ///
    /// # Errors
    ///
    /// If one of them is not well-formed, or its library is wrong.
    pub fn environment(&self, sets: &[Value]) -> Result<Imported, Box<Fault>> {
        let places = Places::new("environment");
        let mut expansion = Expansion::new(self, &places);
        let environment = Shared::new(Environment::default());
        expansion.import_into(sets, &environment)?;
        environment.update(|environment| environment.sealed = true);
        Ok(Imported {
            environment,
            bodies: expansion.finish(Expr::Constant(Value::Unspecified)),
        })
    }
}

impl Expansion<'_> {
    pub(super) fn import(&mut self, form: &Value, environment: &Shared<Environment>) -> Answer {
        let sets = self.items(form, 1)?;
        if environment.with(|environment| environment.sealed) {
            return Err(self.fault("an import in an environment that does not change", form));
        }
        self.import_into(&sets[1..], environment)?;
        Ok(Expr::Constant(Value::Unspecified))
    }

    /// Binds what these import sets bind; nothing if one of them is wrong.
    pub(super) fn import_into(
        &mut self,
        sets: &[Value],
        environment: &Shared<Environment>,
    ) -> Answer<()> {
        let mut names = Exports::new();
        for set in sets {
            let outer = self.go(set);
            names.extend(self.import_set(set)?);
            self.here = outer;
        }
        environment.update(|environment| environment.bindings.extend(names));
        Ok(())
    }

    /// One name of a library.
    pub(super) fn import_one(&mut self, library: &str, name: &Symbol) -> Answer<Binding> {
        let form = Value::Symbol(name.clone());
        let exports = self.library(library, &form)?;
        exports.get(name).cloned().ok_or_else(|| {
            self.fault(
                format!("the library {library} does not export {name}"),
                &form,
            )
        })
    }

    /// What an import set binds. Its words are told by their spelling.
    fn import_set(&mut self, set: &Value) -> Answer<Exports> {
        let items = self.list(set, set)?;
        let (word, inner, rest) = match &items[..] {
            [word, inner @ (Value::Pair(_) | Value::Null), rest @ ..] if is_identifier(word) => {
                (spelling(word), inner, rest)
            }
            _ => {
                let name = self.library_name(set)?;
                return self.library(&name, set);
            }
        };
        self.deeper(set)?;
        let mut names = self.import_set(inner)?;
        let missing = |name: &Symbol| {
            let message = format!("{name} is not among what is imported here");
            self.fault(message, set)
        };
        let names = match (word.as_str(), rest) {
            ("only", rest) => {
                let mut only = Exports::new();
                for name in rest {
                    let name = self.word(name, set)?;
                    let binding = names.get(&name).ok_or_else(|| missing(&name))?;
                    only.insert(name, binding.clone());
                }
                only
            }
            ("except", rest) => {
                for name in rest {
                    let name = self.word(name, set)?;
                    names.remove(&name).ok_or_else(|| missing(&name))?;
                }
                names
            }
            ("prefix", [prefix]) => {
                let prefix = self.word(prefix, set)?;
                let rename = |(name, binding)| (Symbol::new(&format!("{prefix}{name}")), binding);
                names.into_iter().map(rename).collect()
            }
            ("rename", rest) => {
                // All at once, so that two names can change places.
                let mut renamed = Vec::new();
                for pair in rest {
                    let pair = self.list(pair, set)?;
                    let [from, to] = &pair[..] else {
                        return Err(self.malformed(set));
                    };
                    let (from, to) = (self.word(from, set)?, self.word(to, set)?);
                    let binding = names.remove(&from).ok_or_else(|| missing(&from))?;
                    renamed.push((to, binding));
                }
                names.extend(renamed);
                names
            }
            _ => return Err(self.fault("this is no import set", set)),
        };
        self.depth -= 1;
        Ok(names)
    }

    fn word(&self, form: &Value, set: &Value) -> Answer<Symbol> {
        if !is_identifier(form) {
            return Err(self.fault("an import set wants names here", set));
        }
        Ok(spelling(form))
    }
}
