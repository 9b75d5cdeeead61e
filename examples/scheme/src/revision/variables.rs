//! Which variables of a saved program those of new code are, and what they get.

use std::collections::{HashMap, HashSet};

use segno::snapshot::{Constant, Shared};

use super::path;
use crate::code::{Code, Node};
use crate::environment::Global;
use crate::symbol::Symbol;
use crate::value::{Closure, Value};

/// The variables of the new code, by their addresses, and those of the saved program that they
/// are.
#[derive(Default)]
pub(super) struct Variables {
    saved: HashMap<usize, Shared<Global>>,
    /// The addresses of the saved ones.
    known: HashSet<usize>,
}

impl Variables {
    /// Notes the variables of a form that stands in the place of another. If both say the same,
    /// they name the same ones in the same order.
    pub(super) fn pair(&mut self, new: &Code, old: &Code) {
        if path::hash(new) == path::hash(old) && new.globals.len() == old.globals.len() {
            for (new, old) in new.globals.iter().zip(&old.globals) {
                self.note(new, old);
            }
            return;
        }
        let mut by_name = HashMap::new();
        for old in &old.globals {
            by_name.entry(name(old)).or_insert(old);
        }
        for new in &new.globals {
            if let Some(old) = by_name.get(&name(new)) {
                self.note(new, old);
            }
        }
    }

    pub(super) fn note(&mut self, new: &Shared<Global>, old: &Shared<Global>) {
        if name(new) == name(old) {
            let saved = self.saved.entry(new.address());
            self.known
                .insert(saved.or_insert_with(|| old.clone()).address());
        }
    }

    pub(super) fn of(&self, global: &Shared<Global>) -> Shared<Global> {
        self.saved.get(&global.address()).unwrap_or(global).clone()
    }

    /// Whether nobody has given this variable a value as yet.
    pub(super) fn is_new(&self, global: &Shared<Global>) -> bool {
        !self.known.contains(&global.address())
            || global.with(|global| matches!(global.value, Value::Unassigned))
    }

    /// New code that names the saved variables.
    pub(super) fn linked(&self, code: &Code) -> Constant<Code> {
        let mut code = code.clone();
        for global in &mut code.globals {
            *global = self.of(global);
        }
        Constant::new(code)
    }
}

pub(super) fn name(global: &Shared<Global>) -> Symbol {
    global.with(|global| global.name.clone())
}

/// What becomes of a form that is behind: if it was added and defines only what is new, it is
/// evaluated first. Else the variables that it defines as procedures get them, where they still
/// have what a definition has left there.
pub(super) fn define(
    code: &Constant<Code>,
    is_added: bool,
    variables: &Variables,
    first: &mut Vec<Constant<Code>>,
) {
    let defined = path::definitions(code);
    let is_new = |(global, _): &(Shared<Global>, Node)| variables.is_new(global);
    if is_added && !defined.is_empty() && defined.iter().all(is_new) {
        first.push(code.clone());
        return;
    }
    for (global, value) in &defined {
        let Node::Closure { procedure, .. } = value else {
            continue;
        };
        let Some(now) = code.procedures.get(*procedure as usize) else {
            continue;
        };
        let is_its_own = global.with(|global| match &global.value {
            Value::Unassigned => true,
            Value::Closure(closure) => {
                let before = closure.code.procedures.get(closure.procedure as usize);
                closure.scope.is_none()
                    && before.is_some_and(|it| it.name == now.name && it.hash != now.hash)
            }
            _ => false,
        });
        if is_its_own {
            let closure = Value::Closure(Constant::new(Closure {
                code: code.clone(),
                procedure: *procedure,
                scope: None,
            }));
            global.update(|global| global.value = closure);
        }
    }
}
