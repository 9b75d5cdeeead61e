//! Syntax that chooses: `if`, `cond`, `case`, `and`, `or`, `when`, `unless`.

use std::rc::Rc;

use super::Core;
use super::datum::strip;
use super::expand::{Expansion, bind, choose, fresh};
use super::expander::Answer;
use super::scope::Scope;
use crate::expr::{Expr, Variable};
use crate::value::Value;

/// A clause of `cond`, by what it does if all before it do not.
enum Clause {
    /// `(test => receiver)`
    Receive(Expr, Expr),
    /// `(test)`
    Test(Expr),
    /// `(test expression …)`
    Choose(Expr, Expr),
}

impl Expansion<'_> {
    pub(super) fn if_(&mut self, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 3)?;
        let (test, yes, no) = match &items[..] {
            [_, test, yes] => (test, yes, None),
            [_, test, yes, no] => (test, yes, Some(no)),
            _ => return Err(self.malformed(form)),
        };
        let test = self.expand(test, scope)?;
        let yes = self.expand(yes, scope)?;
        let no = match no {
            Some(no) => self.expand(no, scope)?,
            None => Expr::Constant(Value::Unspecified),
        };
        Ok(choose(test, yes, no))
    }

    pub(super) fn when(&mut self, core: Core, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 3)?;
        let test = self.expand(&items[1], scope)?;
        let body = self.all(&items[2..], scope)?;
        let nothing = Expr::Constant(Value::Unspecified);
        Ok(match core {
            Core::When => choose(test, body, nothing),
            _ => choose(test, nothing, body),
        })
    }

    /// The expressions of a form, each one level deeper than the one before it.
    fn nested(&mut self, form: &Value, scope: &Scope) -> Answer<Vec<Expr>> {
        let items = self.items(form, 1)?;
        let depth = self.depth;
        let mut exprs = Vec::with_capacity(items.len() - 1);
        for item in &items[1..] {
            self.deeper(form)?;
            exprs.push(self.expand(item, scope)?);
        }
        self.depth = depth;
        Ok(exprs)
    }

    pub(super) fn and(&mut self, form: &Value, scope: &Scope) -> Answer {
        let mut exprs = self.nested(form, scope)?;
        let Some(last) = exprs.pop() else {
            return Ok(Expr::Constant(true.into()));
        };
        let nest = |rest, test| choose(test, rest, Expr::Constant(false.into()));
        Ok(exprs.into_iter().rev().fold(last, nest))
    }

    pub(super) fn or(&mut self, form: &Value, scope: &Scope) -> Answer {
        let mut exprs = self.nested(form, scope)?;
        let Some(last) = exprs.pop() else {
            return Ok(Expr::Constant(false.into()));
        };
        Ok(exprs.into_iter().rev().fold(last, either))
    }

    pub(super) fn cond(&mut self, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 2)?;
        let nothing = Expr::Constant(Value::Unspecified);
        self.clauses(&items[1..], nothing, form, scope)
    }

    /// The clauses of `cond` or `guard`, where `otherwise` is for when there is no `else`.
    pub(super) fn clauses(
        &mut self,
        clauses: &[Value],
        otherwise: Expr,
        form: &Value,
        scope: &Scope,
    ) -> Answer {
        let depth = self.depth;
        let (mut done, mut last) = (Vec::with_capacity(clauses.len()), otherwise);
        for (index, clause) in clauses.iter().enumerate() {
            self.deeper(form)?;
            let outer = self.go(clause);
            let items = self.list(clause, form)?;
            let [test, rest @ ..] = &items[..] else {
                return Err(self.fault("this clause is empty", form));
            };
            if self.is(test, Core::Else, scope)? {
                if index + 1 < clauses.len() || rest.is_empty() {
                    return Err(self.fault("else wants expressions, and to be last", clause));
                }
                last = self.all(rest, scope)?;
                self.here = outer;
                break;
            }
            let test = self.expand(test, scope)?;
            done.push(match rest {
                [] => Clause::Test(test),
                [arrow, rest @ ..] if self.is(arrow, Core::Arrow, scope)? => {
                    let [receiver] = rest else {
                        return Err(self.fault("=> wants one expression", clause));
                    };
                    Clause::Receive(test, self.expand(receiver, scope)?)
                }
                _ => Clause::Choose(test, self.all(rest, scope)?),
            });
            self.here = outer;
        }
        self.depth = depth;
        let place = self.here.clone();
        let nest = |rest, clause| match clause {
            Clause::Test(test) => either(rest, test),
            Clause::Choose(test, yes) => choose(test, yes, rest),
            Clause::Receive(test, receiver) => {
                let found = fresh("found");
                let arguments = vec![Expr::Local(found.clone())];
                let yes = super::expand::apply(receiver, arguments, place.clone());
                let body = choose(Expr::Local(found.clone()), yes, rest);
                bind(vec![(found, test)], body)
            }
        };
        Ok(done.into_iter().rev().fold(last, nest))
    }

    pub(super) fn case(&mut self, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 3)?;
        let value = self.expand(&items[1], scope)?;
        let key = fresh("key");
        let depth = self.depth;
        let (mut done, mut last) = (Vec::new(), Expr::Constant(Value::Unspecified));
        let clauses = &items[2..];
        for (index, clause) in clauses.iter().enumerate() {
            self.deeper(form)?;
            let outer = self.go(clause);
            let items = self.list(clause, form)?;
            let [data, body @ ..] = &items[..] else {
                return Err(self.fault("this clause is empty", form));
            };
            if self.is(data, Core::Else, scope)? {
                if index + 1 < clauses.len() {
                    return Err(self.fault("else has to be last", clause));
                }
                last = self.case_body(body, &key, clause, scope)?;
                self.here = outer;
                break;
            }
            let data = self.list(data, clause)?;
            let test = self.one_of(&key, &data)?;
            done.push((test, self.case_body(body, &key, clause, scope)?));
            self.here = outer;
        }
        self.depth = depth;
        let nest = |rest, (test, body)| choose(test, body, rest);
        let body = done.into_iter().rev().fold(last, nest);
        Ok(bind(vec![(key, value)], body))
    }

    fn case_body(
        &mut self,
        body: &[Value],
        key: &Rc<Variable>,
        clause: &Value,
        scope: &Scope,
    ) -> Answer {
        let Some(first) = body.first() else {
            return Err(self.fault("this clause has no expression", clause));
        };
        if !self.is(first, Core::Arrow, scope)? {
            return self.all(body, scope);
        }
        let [_, receiver] = body else {
            return Err(self.fault("=> wants one expression", clause));
        };
        let receiver = self.expand(receiver, scope)?;
        let place = self.here.clone();
        let arguments = vec![Expr::Local(key.clone())];
        Ok(super::expand::apply(receiver, arguments, place))
    }

    /// Whether the key is one of these data.
    fn one_of(&self, key: &Rc<Variable>, data: &[Value]) -> Answer {
        let key = || Expr::Local(key.clone());
        // Few are compared one by one, which the compiler knows how to do; many by a search.
        if data.len() > 4 {
            let list = Value::list(data.iter().map(strip));
            return self.call("memv", vec![key(), Expr::Constant(list)]);
        }
        let mut tests = Vec::new();
        for datum in data {
            let same = match datum {
                Value::Fixnum(_) | Value::Character(_) => "eq?",
                Value::Symbol(_) | Value::Alias(_) | Value::True | Value::False | Value::Null => {
                    "eq?"
                }
                _ => "eqv?",
            };
            let datum = Expr::Constant(strip(datum));
            tests.push(self.call(same, vec![key(), datum])?);
        }
        let Some(last) = tests.pop() else {
            return Ok(Expr::Constant(false.into()));
        };
        let nest = |rest, test| choose(test, Expr::Constant(true.into()), rest);
        Ok(tests.into_iter().rev().fold(last, nest))
    }
}

/// The value of a test if it counts as true, and else something else.
fn either(rest: Expr, test: Expr) -> Expr {
    let value = fresh("value");
    let body = choose(Expr::Local(value.clone()), Expr::Local(value.clone()), rest);
    bind(vec![(value, test)], body)
}
