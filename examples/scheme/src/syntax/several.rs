//! Several values: `let-values` and its kin.

use std::rc::Rc;

use segno::snapshot::Shared;

use super::Core;
use super::binding::Formals;
use super::datum::split;
use super::expand::{Expansion, procedure, thunk};
use super::expander::Answer;
use super::scope::Scope;
use crate::environment::Global;
use crate::expr::{Expr, Variable};
use crate::value::Value;

/// What several values are assigned to.
pub(super) enum Target {
    /// A local variable.
    Local(Rc<Variable>),
    /// A variable of the program, which is defined.
    Global(Shared<Global>),
}

impl Expansion<'_> {
    /// Calls a procedure of these arguments with the values of an expression.
    fn with_values(
        &self,
        values: Expr,
        required: Vec<Rc<Variable>>,
        rest: Option<Rc<Variable>>,
        body: Expr,
    ) -> Answer {
        let place = self.here.clone();
        let producer = thunk(place.clone(), values);
        let consumer = procedure(None, place, required, rest, body);
        self.call("call-with-values", vec![producer, consumer])
    }

    pub(super) fn receive(&mut self, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 4)?;
        let formals = self.formals(&items[1], scope, form)?;
        let values = self.expand(&items[2], scope)?;
        let body = self.body(&items[3..], &formals.scope, form)?;
        self.with_values(values, formals.required, formals.rest, body)
    }

    pub(super) fn let_values(&mut self, core: Core, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 3)?;
        // All variables of `let-values` are bound together; each list of `let*-values` by itself.
        let (mut inner, contour) = scope.within();
        let mut bound = Vec::new();
        let depth = self.depth;
        for binding in self.list(&items[1], form)? {
            // Each becomes a call and a procedure.
            self.deeper(form)?;
            self.deeper(form)?;
            let binding = self.list(&binding, form)?;
            let [formals, values] = &binding[..] else {
                return Err(self.malformed(form));
            };
            if core == Core::LetStarValues {
                let values = self.expand(values, &inner)?;
                let formals = self.formals(formals, &inner, form)?;
                inner = formals.scope;
                bound.push((values, formals.required, formals.rest));
                continue;
            }
            let values = self.expand(values, scope)?;
            let Some((names, rest)) = split(formals) else {
                return Err(self.malformed(form));
            };
            let names = names.iter();
            let required = names.map(|name| self.variable(name, &contour, form));
            let required = required.collect::<Result<_, _>>()?;
            let rest = match rest {
                Value::Null => None,
                rest => Some(self.variable(&rest, &contour, form)?),
            };
            bound.push((values, required, rest));
        }
        let body = self.body(&items[2..], &inner, form)?;
        self.depth = depth;
        let mut bound = bound.into_iter().rev();
        bound.try_fold(body, |body, (values, required, rest)| {
            self.with_values(values, required, rest, body)
        })
    }

    /// Gives several values to variables that are there: the last of them, if `rest`, has a list
    /// of all that remain.
    pub(super) fn assign_values(&self, values: Expr, targets: Vec<Target>, rest: bool) -> Answer {
        let (mut holders, mut body) = (Vec::new(), Vec::new());
        for target in targets {
            let name = match &target {
                Target::Local(variable) => variable.name.clone(),
                Target::Global(global) => global.with(|global| global.name.clone()),
            };
            let holder = Variable::new(name);
            let value = Box::new(Expr::Local(holder.clone()));
            holders.push(holder);
            body.push(match target {
                Target::Local(variable) => Expr::SetLocal(variable, value),
                Target::Global(global) => Expr::Define(global, value),
            });
        }
        body.push(Expr::Constant(Value::Unspecified));
        let rest = if rest { holders.pop() } else { None };
        self.with_values(values, holders, rest, super::expand::sequence(body))
    }

    /// The names of the variables of `define-values`, and whether the last has all that remain.
    pub(super) fn targets(
        &mut self,
        formals: &Value,
        scope: &Scope,
        form: &Value,
    ) -> Answer<(Vec<Value>, bool)> {
        // What is wrong with them is told as of any formal arguments.
        let Formals { rest, .. } = self.formals(formals, scope, form)?;
        let Some((mut names, last)) = split(formals) else {
            return Err(self.malformed(form));
        };
        if rest.is_some() {
            names.push(last);
        }
        Ok((names, rest.is_some()))
    }
}
