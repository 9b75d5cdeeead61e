//! Syntax that binds variables: `lambda`, `let` and its kin, `do`.

use std::rc::Rc;

use super::Core;
use super::datum::{is_identifier, spelling, split};
use super::expand::{Expansion, bind, choose, fresh, procedure, sequence};
use super::expander::Answer;
use super::scope::{Contour, Scope};
use crate::expr::{Case, Expr, LambdaExpr, Variable};
use crate::symbol::Symbol;
use crate::value::Value;

/// The variables of a list of formal arguments, and the scope that has them.
pub(super) struct Formals {
    pub(super) required: Vec<Rc<Variable>>,
    pub(super) rest: Option<Rc<Variable>>,
    pub(super) scope: Scope,
}

impl Expansion<'_> {
    /// Binds a fresh variable, which must not be bound there already.
    pub(super) fn variable(
        &mut self,
        identifier: &Value,
        contour: &Contour,
        form: &Value,
    ) -> Answer<Rc<Variable>> {
        self.step(form)?;
        if !is_identifier(identifier) {
            return Err(self.fault("the name of a variable is expected", form));
        }
        contour.variable(identifier).ok_or_else(|| {
            let message = format!("{} is bound twice", spelling(identifier));
            self.fault(message, form)
        })
    }

    pub(super) fn formals(
        &mut self,
        formals: &Value,
        scope: &Scope,
        form: &Value,
    ) -> Answer<Formals> {
        let (scope, contour) = scope.within();
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
        Ok(Formals {
            required,
            rest,
            scope,
        })
    }

    /// A procedure of one case.
    pub(super) fn lambda_of(
        &mut self,
        formals: &Value,
        body: &[Value],
        scope: &Scope,
        name: Option<&Symbol>,
        form: &Value,
    ) -> Answer {
        let formals = self.formals(formals, scope, form)?;
        let place = self.here.clone();
        let body = self.body(body, &formals.scope, form)?;
        let Formals { required, rest, .. } = formals;
        Ok(procedure(name, place, required, rest, body))
    }

    pub(super) fn lambda(&mut self, form: &Value, scope: &Scope, name: Option<&Symbol>) -> Answer {
        let items = self.items(form, 3)?;
        self.lambda_of(&items[1], &items[2..], scope, name, form)
    }

    pub(super) fn case_lambda(
        &mut self,
        form: &Value,
        scope: &Scope,
        name: Option<&Symbol>,
    ) -> Answer {
        let clauses = self.items(form, 1)?;
        let mut cases = Vec::with_capacity(clauses.len() - 1);
        for clause in &clauses[1..] {
            let clause = self.list(clause, form)?;
            let [formals, body @ ..] = &clause[..] else {
                return Err(self.malformed(form));
            };
            let formals = self.formals(formals, scope, form)?;
            let body = self.body(body, &formals.scope, form)?;
            let Formals { required, rest, .. } = formals;
            cases.push(Case {
                required,
                rest,
                body,
            });
        }
        Ok(Expr::Lambda(Box::new(LambdaExpr {
            name: name.cloned(),
            place: self.here.clone(),
            cases,
        })))
    }

    /// The names and forms of a list of bindings.
    fn bindings(&self, list: &Value, form: &Value) -> Answer<Vec<(Value, Value)>> {
        let list = self.list(list, form)?;
        let pairs = list.iter().map(|binding| {
            match split(binding)
                .as_ref()
                .map(|(items, rest)| (&items[..], rest))
            {
                Some(([name, value], Value::Null)) => Ok((name.clone(), value.clone())),
                _ => Err(self.fault("a binding should be a name and an expression", binding)),
            }
        });
        pairs.collect()
    }

    pub(super) fn let_(&mut self, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 3)?;
        if is_identifier(&items[1]) {
            return self.named_let(&items, form, scope);
        }
        let (inner, contour) = scope.within();
        let mut bound = Vec::new();
        for (name, value) in self.bindings(&items[1], form)? {
            let variable = self.variable(&name, &contour, form)?;
            let value = self.expand_named(&value, scope, Some(&variable.name))?;
            bound.push((variable, value));
        }
        Ok(bind(bound, self.body(&items[2..], &inner, form)?))
    }

    fn named_let(&mut self, items: &[Value], form: &Value, scope: &Scope) -> Answer {
        let [_, name, list, body @ ..] = items else {
            return Err(self.malformed(form));
        };
        if body.is_empty() {
            return Err(self.malformed(form));
        }
        let (outer, contour) = scope.within();
        let procedure = self.variable(name, &contour, form)?;
        let (names, values): (Vec<_>, Vec<_>) = self.bindings(list, form)?.into_iter().unzip();
        // The variable of the loop is bound around its values too, but they do not see it.
        let values = values.iter().map(|value| self.expand(value, scope));
        let values = values.collect::<Result<_, _>>()?;
        let names = Value::list(names);
        let lambda = self.lambda_of(&names, body, &outer, Some(&procedure.name), form)?;
        let operator = Box::new(Expr::Local(procedure.clone()));
        let call = Expr::Call(operator, values, self.here.clone());
        Ok(Expr::Letrec(vec![(procedure, lambda)], Box::new(call)))
    }

    pub(super) fn let_star(&mut self, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 3)?;
        let (mut scope, mut bound) = (scope.clone(), Vec::new());
        let depth = self.depth;
        for (name, value) in self.bindings(&items[1], form)? {
            self.deeper(form)?;
            let (inner, contour) = scope.within();
            let variable = self.variable(&name, &contour, form)?;
            let value = self.expand_named(&value, &scope, Some(&variable.name))?;
            bound.push((variable, value));
            scope = inner;
        }
        let body = self.body(&items[2..], &scope, form)?;
        self.depth = depth;
        let nest = |body, binding| bind(vec![binding], body);
        Ok(bound.into_iter().rev().fold(body, nest))
    }

    pub(super) fn letrec(&mut self, core: Core, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 3)?;
        let (inner, contour) = scope.within();
        let mut variables = Vec::new();
        let bindings = self.bindings(&items[1], form)?;
        for (name, _) in &bindings {
            variables.push(self.variable(name, &contour, form)?);
        }
        let mut bound = Vec::new();
        for (variable, (_, value)) in variables.into_iter().zip(&bindings) {
            let value = self.expand_named(value, &inner, Some(&variable.name))?;
            bound.push((variable, value));
        }
        let body = self.body(&items[2..], &inner, form)?;
        if bound.is_empty() {
            return Ok(body);
        }
        if core == Core::Letrec {
            return Ok(together(bound, body));
        }
        Ok(Expr::Letrec(bound, Box::new(body)))
    }

    pub(super) fn do_(&mut self, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 3)?;
        let end = self.list(&items[2], form)?;
        let [test, results @ ..] = &end[..] else {
            return Err(self.malformed(form));
        };
        let (inner, contour) = scope.within();
        let (mut variables, mut values, mut steps) = (Vec::new(), Vec::new(), Vec::new());
        for binding in self.list(&items[1], form)? {
            let parts = self.list(&binding, form)?;
            let (name, value, step) = match &parts[..] {
                [name, value] => (name, value, name),
                [name, value, step] => (name, value, step),
                _ => return Err(self.malformed(form)),
            };
            let variable = self.variable(name, &contour, form)?;
            values.push(self.expand_named(value, scope, Some(&variable.name))?);
            variables.push(variable);
            steps.push(step.clone());
        }
        let place = self.here.clone();
        let test = self.expand(test, &inner)?;
        let results = self.all(results, &inner)?;
        let mut again = Vec::new();
        for command in &items[3..] {
            again.push(self.expand(command, &inner)?);
        }
        let steps = steps.iter().map(|step| self.expand(step, &inner));
        let steps = steps.collect::<Result<_, _>>()?;
        let turn = fresh("do");
        let operator = || Box::new(Expr::Local(turn.clone()));
        again.push(Expr::Call(operator(), steps, place.clone()));
        let body = choose(test, results, sequence(again));
        let lambda = procedure(Some(&turn.name), place.clone(), variables, None, body);
        let call = Expr::Call(operator(), values, place);
        Ok(Expr::Letrec(vec![(turn, lambda)], Box::new(call)))
    }

    pub(super) fn let_syntax(&mut self, core: Core, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 3)?;
        let (inner, contour) = scope.within();
        let seen = if core == Core::LetSyntax {
            scope
        } else {
            &inner
        };
        for (name, rules) in self.bindings(&items[1], form)? {
            if !is_identifier(&name) {
                return Err(self.malformed(form));
            }
            let meaning = self.transformer(&name, &rules, seen)?;
            if !contour.bind(&name, meaning) {
                let message = format!("{} is bound twice", spelling(&name));
                return Err(self.fault(message, form));
            }
        }
        self.clear_later(&contour);
        self.body(&items[2..], &inner, form)
    }
}

/// `letrec`, whose values are all there before the first variable gets its own: so a
/// continuation that one of them captured does not see what was assigned since.
fn together(bound: Vec<(Rc<Variable>, Expr)>, body: Expr) -> Expr {
    let simple = |value: &Expr| matches!(value, Expr::Lambda(_) | Expr::Constant(_));
    let others = bound.iter().filter(|(_, value)| !simple(value)).count();
    if others < 2 {
        return Expr::Letrec(bound, Box::new(body));
    }
    let (mut variables, mut values, mut body_of) = (Vec::new(), Vec::new(), Vec::new());
    for (variable, value) in bound {
        if simple(&value) {
            variables.push((variable, value));
            continue;
        }
        variable.assigned.set(true);
        let holder = Variable::new(variable.name.clone());
        let set = Expr::Local(holder.clone());
        body_of.push(Expr::SetLocal(variable.clone(), Box::new(set)));
        values.push((holder, value));
        variables.push((variable, Expr::Constant(Value::Unassigned)));
    }
    body_of.push(body);
    let body = bind(values, sequence(body_of));
    Expr::Letrec(variables, Box::new(body))
}
