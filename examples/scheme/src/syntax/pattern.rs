//! Patterns of macros.

use serde::{Deserialize, Serialize};

use super::Core;
use super::datum::{is_identifier, spelling, split};
use super::expand::Expansion;
use super::expander::Answer;
use super::scope::Scope;
use crate::value::Value;

/// A pattern.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Pattern {
    /// Matches all.
    Any,
    /// Matches all, and has its name.
    Variable(u32),
    /// Matches what means the same as this identifier.
    Literal(Value),
    /// Matches what is `equal?`.
    Datum(Value),
    /// Matches a list.
    List(Box<ListPattern>),
    /// Matches a vector.
    Vector(Box<ListPattern>),
}

/// A pattern of items in a row.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct ListPattern {
    /// The first ones.
    pub(super) before: Vec<Pattern>,
    /// What any number of them match after that.
    pub(super) repeated: Option<Repeated>,
    /// The last ones, if there is such.
    pub(super) after: Vec<Pattern>,
    /// What follows the last.
    pub(super) tail: Pattern,
}

/// A pattern with an ellipsis.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Repeated {
    pub(super) pattern: Pattern,
    /// The variables in it.
    pub(super) slots: std::ops::Range<u32>,
}

/// What macros are compiled with.
pub(super) struct Compiler<'a, 'b> {
    pub(super) expansion: &'a mut Expansion<'b>,
    pub(super) scope: &'a Scope,
    /// The identifier that is the ellipsis, if it is not the usual one.
    pub(super) ellipsis: Option<Value>,
    pub(super) literals: Vec<Value>,
    /// Variables, and in how many ellipses they are.
    pub(super) variables: Vec<(Value, u32)>,
}

impl Compiler<'_, '_> {
    pub(super) fn is_literal(&self, form: &Value) -> bool {
        self.literals.iter().any(|literal| literal.is_eq(form))
    }

    pub(super) fn is_ellipsis(&mut self, form: &Value) -> Answer<bool> {
        if self.is_literal(form) {
            return Ok(false);
        }
        match &self.ellipsis {
            Some(ellipsis) => Ok(ellipsis.is_eq(form)),
            None => self.expansion.is(form, Core::Ellipsis, self.scope),
        }
    }

    /// Compiles a pattern that is in so many ellipses.
    pub(super) fn pattern(&mut self, form: &Value, depth: u32) -> Answer<Pattern> {
        // Its parts may be the same data again and again.
        self.expansion.step(form)?;
        match form {
            Value::Symbol(_) | Value::Alias(_) => self.identifier(form, depth),
            Value::Pair(_) => {
                let Some((items, tail)) = split(form) else {
                    return Err(self
                        .expansion
                        .fault("this pattern leads back to itself", form));
                };
                let list = self.row(&items, &tail, depth, form)?;
                Ok(Pattern::List(Box::new(list)))
            }
            Value::Vector(vector) => {
                let items = vector.with(|vector| vector.elements.clone());
                let list = self.row(&items, &Value::Null, depth, form)?;
                Ok(Pattern::Vector(Box::new(list)))
            }
            datum => Ok(Pattern::Datum(datum.clone())),
        }
    }

    fn identifier(&mut self, form: &Value, depth: u32) -> Answer<Pattern> {
        if self.is_literal(form) {
            return Ok(Pattern::Literal(form.clone()));
        }
        if self.is_ellipsis(form)? {
            let message = "an ellipsis has to follow a pattern";
            return Err(self.expansion.fault(message, form));
        }
        if self.expansion.is(form, Core::Underscore, self.scope)? {
            return Ok(Pattern::Any);
        }
        if self.variables.iter().any(|(known, _)| known.is_eq(form)) {
            let message = format!("{} is twice in this pattern", spelling(form));
            return Err(self.expansion.fault(message, form));
        }
        let slot = self.slot();
        self.variables.push((form.clone(), depth));
        Ok(Pattern::Variable(slot))
    }

    fn slot(&self) -> u32 {
        u32::try_from(self.variables.len()).unwrap_or(u32::MAX)
    }

    fn row(
        &mut self,
        items: &[Value],
        tail: &Value,
        depth: u32,
        form: &Value,
    ) -> Answer<ListPattern> {
        self.expansion.deeper(form)?;
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut repeated = None;
        let mut at = 0;
        while let Some(item) = items.get(at) {
            at += 1;
            let many = match items.get(at) {
                Some(next) if is_identifier(next) => self.is_ellipsis(next)?,
                _ => false,
            };
            if many {
                at += 1;
                if repeated.is_some() {
                    let message = "a list has one ellipsis at most";
                    return Err(self.expansion.fault(message, form));
                }
                let first = self.slot();
                let pattern = self.pattern(item, depth + 1)?;
                let slots = first..self.slot();
                repeated = Some(Repeated { pattern, slots });
                continue;
            }
            let pattern = self.pattern(item, depth)?;
            match repeated {
                None => before.push(pattern),
                Some(_) => after.push(pattern),
            }
        }
        let tail = self.pattern(tail, depth)?;
        self.expansion.depth -= 1;
        Ok(ListPattern {
            before,
            repeated,
            after,
            tail,
        })
    }
}
