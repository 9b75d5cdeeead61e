//! `quasiquote`.

use super::Core;
use super::datum::{split, strip};
use super::expand::Expansion;
use super::expander::Answer;
use super::scope::Scope;
use crate::expr::Expr;
use crate::value::Value;

/// A part of a template.
enum Part {
    /// It is as it is written.
    Datum(Value),
    /// It is computed.
    Computed(Expr),
    /// A list is computed, whose items stand in its place.
    Spliced(Expr),
}

impl Part {
    fn expr(self) -> Expr {
        match self {
            Self::Datum(datum) => Expr::Constant(strip(&datum)),
            Self::Computed(expr) | Self::Spliced(expr) => expr,
        }
    }
}

impl Expansion<'_> {
    pub(super) fn quasiquote(&mut self, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 2)?;
        let [_, template] = &items[..] else {
            return Err(self.malformed(form));
        };
        match self.quasi(template, 0, scope)? {
            Part::Spliced(_) => Err(self.fault("unquote-splicing stands where no list is", form)),
            part => Ok(part.expr()),
        }
    }

    /// A template within so many others.
    fn quasi(&mut self, template: &Value, level: u32, scope: &Scope) -> Answer<Part> {
        match template {
            Value::Pair(_) => {}
            Value::Vector(vector) => {
                let elements = vector.with(|vector| vector.elements.clone());
                return self.quasi_vector(template, &elements, level, scope);
            }
            _ => return Ok(Part::Datum(template.clone())),
        }
        self.deeper(template)?;
        self.step(template)?;
        let outer = self.go(template);
        let part = self.quasi_list(template, level, scope)?;
        self.here = outer;
        self.depth -= 1;
        Ok(part)
    }

    /// The syntax of a list of two items that begins with `quasiquote` or its kin.
    fn quasi_keyword(
        &mut self,
        items: &[Value],
        rest: &Value,
        scope: &Scope,
    ) -> Answer<Option<Core>> {
        let ([keyword, _], Value::Null) = (items, rest) else {
            return Ok(None);
        };
        for core in [Core::Unquote, Core::UnquoteSplicing, Core::Quasiquote] {
            if self.is(keyword, core, scope)? {
                return Ok(Some(core));
            }
        }
        Ok(None)
    }

    fn quasi_list(&mut self, template: &Value, level: u32, scope: &Scope) -> Answer<Part> {
        let Some((mut items, mut rest)) = split(template) else {
            // It leads back to itself, so that nothing in it can be computed.
            return Ok(Part::Datum(template.clone()));
        };
        match self.quasi_keyword(&items, &rest, scope)? {
            Some(Core::Unquote) if level == 0 => {
                return Ok(Part::Computed(self.expand(&items[1], scope)?));
            }
            Some(Core::UnquoteSplicing) if level == 0 => {
                let expr = self.expand(&items[1], scope)?;
                return Ok(Part::Spliced(expr));
            }
            Some(core) => {
                let level = match core {
                    Core::Quasiquote => level + 1,
                    _ => level - 1,
                };
                let inner = self.quasi_items(&items[1..], level, scope)?;
                let parts = std::iter::once(Part::Datum(items[0].clone())).chain(inner);
                return self.join(template, parts.collect(), Part::Datum(Value::Null));
            }
            None => {}
        }
        // `(a . ,b)` reads as `(a unquote b)`.
        if let Some(at) = items.len().checked_sub(2)
            && at > 0
            && self.quasi_keyword(&items[at..], &rest, scope)?.is_some()
        {
            rest = Value::list(items.split_off(at));
        }
        let parts = self.quasi_items(&items, level, scope)?;
        let rest = self.quasi(&rest, level, scope)?;
        self.join(template, parts, rest)
    }

    fn quasi_items(&mut self, items: &[Value], level: u32, scope: &Scope) -> Answer<Vec<Part>> {
        let parts = items.iter().map(|item| self.quasi(item, level, scope));
        parts.collect()
    }

    fn quasi_vector(
        &mut self,
        template: &Value,
        elements: &[Value],
        level: u32,
        scope: &Scope,
    ) -> Answer<Part> {
        self.deeper(template)?;
        let parts = self.quasi_items(elements, level, scope)?;
        self.depth -= 1;
        if parts.iter().all(|part| matches!(part, Part::Datum(_))) {
            return Ok(Part::Datum(template.clone()));
        }
        if parts.iter().any(|part| matches!(part, Part::Spliced(_))) {
            let list = self.join(template, parts, Part::Datum(Value::Null))?;
            return Ok(Part::Computed(
                self.call("list->vector", vec![list.expr()])?,
            ));
        }
        let elements = parts.into_iter().map(Part::expr).collect();
        Ok(Part::Computed(self.call("vector", elements)?))
    }

    /// A list of parts. What ends it as it is written is not made anew.
    fn join(&mut self, template: &Value, mut parts: Vec<Part>, rest: Part) -> Answer<Part> {
        let mut rest = match rest {
            Part::Datum(mut datum) => {
                let mut whole = true;
                while let Some(part) = parts.pop() {
                    match part {
                        Part::Datum(item) => datum = Value::cons(item, datum),
                        part => {
                            parts.push(part);
                            whole = false;
                            break;
                        }
                    }
                }
                if whole {
                    return Ok(Part::Datum(template.clone()));
                }
                Part::Datum(datum)
            }
            Part::Spliced(_) => {
                return Err(self.fault("unquote-splicing stands where no list is", template));
            }
            rest => rest,
        };
        // From the end: runs of items that are not spliced become one list each.
        let mut run = Vec::new();
        while let Some(part) = parts.pop() {
            match part {
                Part::Spliced(list) => {
                    rest = self.prefix(&mut run, rest)?;
                    rest = Part::Computed(match rest {
                        Part::Datum(Value::Null) => list,
                        rest => self.append(list, rest.expr())?,
                    });
                }
                part => run.push(part.expr()),
            }
        }
        if matches!((run.len(), &rest), (0, _) | (_, Part::Datum(Value::Null))) {
            return self.prefix(&mut run, rest);
        }
        let mut items: Vec<_> = run.into_iter().rev().collect();
        let name = if items.len() == 1 { "cons" } else { "cons*" };
        items.push(rest.expr());
        Ok(Part::Computed(self.call(name, items)?))
    }

    /// A run of items, the last of which is the first, before the rest.
    fn prefix(&mut self, run: &mut Vec<Expr>, rest: Part) -> Answer<Part> {
        let items: Vec<_> = run.drain(..).rev().collect();
        Ok(Part::Computed(match (items.len(), rest) {
            (0, rest) => return Ok(rest),
            (_, Part::Datum(Value::Null)) => self.call("list", items)?,
            (_, rest) => {
                let list = self.call("list", items)?;
                self.append(list, rest.expr())?
            }
        }))
    }

    /// Appends to a list; another call that does the same takes it as one more argument.
    fn append(&mut self, list: Expr, rest: Expr) -> Answer {
        let Expr::Constant(append) = self.primitive("append")? else {
            return self.call("append", vec![list, rest]);
        };
        match rest {
            Expr::Call(operator, mut arguments, place)
                if matches!(&*operator, Expr::Constant(found) if found.is_eq(&append))
                    && arguments.len() < 1_000 =>
            {
                arguments.insert(0, list);
                Ok(Expr::Call(operator, arguments, place))
            }
            rest => self.call("append", vec![list, rest]),
        }
    }
}
