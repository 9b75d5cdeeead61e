//! Whether a form matches a pattern.

use super::datum::{is_identifier, split};
use super::expand::Expansion;
use super::expander::Answer;
use super::pattern::{ListPattern, Pattern};
use super::scope::Scope;
use crate::value::Value;

/// What a variable of a pattern has matched.
#[derive(Clone)]
pub(super) enum Matched {
    /// A form.
    One(Value),
    /// As many as the ellipsis stands for.
    Many(Vec<Matched>),
}

/// Matches a form against patterns.
pub(super) struct Matcher<'a, 'b> {
    pub(super) expansion: &'a mut Expansion<'b>,
    /// Where the macro was defined.
    pub(super) defined: &'a Scope,
    /// Where it is used.
    pub(super) used: &'a Scope,
    /// What the variables have matched.
    pub(super) slots: Vec<Matched>,
}

impl Matcher<'_, '_> {
    pub(super) fn matches(&mut self, pattern: &Pattern, form: &Value) -> Answer<bool> {
        match pattern {
            Pattern::Any => Ok(true),
            Pattern::Variable(slot) => {
                self.slots[*slot as usize] = Matched::One(form.clone());
                Ok(true)
            }
            Pattern::Literal(literal) => {
                if !is_identifier(form) {
                    return Ok(false);
                }
                let found = self.expansion.meaning(form, self.used)?;
                let wanted = self.expansion.meaning(literal, self.defined)?;
                Ok(found.is(&wanted))
            }
            Pattern::Datum(datum) => Ok(is_same(datum, form)),
            Pattern::List(list) => self.matches_list(list, form),
            Pattern::Vector(list) => match form {
                Value::Vector(vector) => {
                    let items = vector.with(|vector| vector.elements.clone());
                    self.matches_items(list, &items, &Value::Null)
                }
                _ => Ok(false),
            },
        }
    }

    fn matches_list(&mut self, list: &ListPattern, form: &Value) -> Answer<bool> {
        if list.repeated.is_some() {
            let Some((items, tail)) = split(form) else {
                return Ok(false);
            };
            return self.matches_items(list, &items, &tail);
        }
        let mut rest = form.clone();
        for pattern in &list.before {
            let Some((item, tail)) = rest.as_pair() else {
                return Ok(false);
            };
            if !self.matches(pattern, &item)? {
                return Ok(false);
            }
            rest = tail;
        }
        self.matches(&list.tail, &rest)
    }

    fn matches_items(&mut self, list: &ListPattern, items: &[Value], tail: &Value) -> Answer<bool> {
        let fixed = list.before.len() + list.after.len();
        let Some(extra) = items.len().checked_sub(fixed) else {
            return Ok(false);
        };
        if extra > 0 && list.repeated.is_none() {
            return Ok(false);
        }
        let (before, items) = items.split_at(list.before.len());
        let (many, after) = items.split_at(extra);
        if !self.matches_each(&list.before, before)? || !self.matches_each(&list.after, after)? {
            return Ok(false);
        }
        if let Some(repeated) = &list.repeated {
            let slots = repeated.slots.start as usize..repeated.slots.end as usize;
            let mut found: Vec<_> = slots.clone().map(|_| Vec::with_capacity(extra)).collect();
            for item in many {
                self.expansion.step(item)?;
                if !self.matches(&repeated.pattern, item)? {
                    return Ok(false);
                }
                for (found, slot) in found.iter_mut().zip(slots.clone()) {
                    let none = Matched::Many(Vec::new());
                    found.push(std::mem::replace(&mut self.slots[slot], none));
                }
            }
            for (found, slot) in found.into_iter().zip(slots) {
                self.slots[slot] = Matched::Many(found);
            }
        }
        self.matches(&list.tail, tail)
    }

    fn matches_each(&mut self, patterns: &[Pattern], items: &[Value]) -> Answer<bool> {
        for (pattern, item) in patterns.iter().zip(items) {
            if !self.matches(pattern, item)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// `equal?` of data that have no parts which are data.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => {
            a.with(|a| b.with(|b| a.characters == b.characters))
        }
        (Value::Bytes(a), Value::Bytes(b)) => a.with(|a| b.with(|b| a.bytes == b.bytes)),
        (a, b) => a.is_eq(b),
    }
}
