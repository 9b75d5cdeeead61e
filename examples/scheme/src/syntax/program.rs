//! Programs: forms that are expanded one after the other.

use std::collections::{BTreeMap, HashSet};

use segno::snapshot::Shared;

use super::Core;
use super::datum::{address, split, walk};
use super::expand::Expansion;
use super::expander::{Expander, Source};
use super::scope::Scope;
use crate::condition::Fault;
use crate::environment::Environment;
use crate::expr::Expr;
use crate::places::Places;
use crate::symbol::Symbol;
use crate::value::Value;

/// A program, as an iterator of expressions: each form is expanded when it is asked for, and sees
/// what those before it define.
pub struct Program {
    expander: Expander,
    forms: std::vec::IntoIter<Value>,
    places: Places,
    environment: Shared<Environment>,
    /// Whether the imports at its beginning are behind.
    prepared: bool,
}

impl Program {
    pub(super) fn new(
        expander: &Expander,
        source: Source,
        environment: &Shared<Environment>,
    ) -> Self {
        let mut heads = source.forms.iter().map(keyword);
        let first = heads.find(|head| *head != Some(Core::DefineLibrary));
        let environment = if first == Some(Some(Core::Import)) {
            Shared::new(Environment::default())
        } else {
            environment.clone()
        };
        Self {
            expander: expander.clone(),
            forms: source.forms.into_iter(),
            places: source.places,
            environment,
            prepared: false,
        }
    }

    /// What names mean in it.
    #[must_use]
    pub fn environment(&self) -> &Shared<Environment> {
        &self.environment
    }

    /// What expands it.
    #[must_use]
    pub fn expander(&self) -> &Expander {
        &self.expander
    }

    /// The forms that are still to come.
    #[must_use]
    pub fn rest(&self) -> &[Value] {
        self.forms.as_slice()
    }

    /// Where its forms are.
    #[must_use]
    pub fn places(&self) -> &Places {
        &self.places
    }
}

impl Iterator for Program {
    type Item = Result<Expr, Box<Fault>>;

    fn next(&mut self) -> Option<Self::Item> {
        let forms = self.forms.as_slice();
        let first = forms.first()?;
        let mut expansion = Expansion::new(&self.expander, &self.places);
        if !self.prepared && keyword(first).is_none() {
            expansion.prepare(forms, &self.environment);
            self.prepared = true;
        }
        let form = self.forms.next()?;
        let expr = expansion.toplevel(&form, &Scope::new(self.environment.clone()));
        Some(expr.map(|expr| expansion.finish(expr)))
    }
}

/// Whether a form is an import or a library, by its spelling.
pub(super) fn keyword(form: &Value) -> Option<Core> {
    let Some((Value::Symbol(head), _)) = form.as_pair() else {
        return None;
    };
    let mut known = [Core::Import, Core::DefineLibrary].into_iter();
    known.find(|core| core.name() == head.as_str())
}

/// The names that forms seem to define outside of all procedures, or to assign to: whether the
/// former.
pub(super) fn changed(forms: &[Value]) -> BTreeMap<Symbol, bool> {
    let mut names = BTreeMap::new();
    for form in forms {
        walk(form, |part| {
            if let Some((Value::Symbol(head), rest)) = part.as_pair()
                && head.as_str() == Core::Set.name()
                && let Some((Value::Symbol(name), _)) = rest.as_pair()
            {
                names.entry(name).or_insert(false);
            }
        });
    }
    let mut waiting: Vec<_> = forms.to_vec();
    let mut seen = HashSet::new();
    while let Some(form) = waiting.pop() {
        let Value::Pair(pair) = &form else {
            continue;
        };
        if !seen.insert(address(pair)) {
            continue;
        }
        let Some((items, Value::Null)) = split(&form) else {
            continue;
        };
        let [Value::Symbol(head), rest @ ..] = &items[..] else {
            continue;
        };
        let mut define = |name: &Value| {
            if let Value::Symbol(name) = name {
                names.insert(name.clone(), true);
            }
        };
        match (head.as_str(), rest) {
            ("begin", rest) => waiting.extend_from_slice(rest),
            ("define", [target, ..]) => match target.as_pair() {
                Some((name, _)) => define(&name),
                None => define(target),
            },
            ("define-values", [formals, ..]) => {
                if let Some((items, rest)) = split(formals) {
                    items.iter().chain([&rest]).for_each(define);
                }
            }
            ("define-record-type", [name, constructor, predicate, fields @ ..]) => {
                define(name);
                define(predicate);
                match constructor.as_pair() {
                    Some((name, _)) => define(&name),
                    None => define(constructor),
                }
                for field in fields {
                    if let Some((items, _)) = split(field) {
                        items.iter().skip(1).for_each(&mut define);
                    }
                }
            }
            _ => {}
        }
    }
    names
}
