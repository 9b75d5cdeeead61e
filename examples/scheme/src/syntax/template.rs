//! Templates of macros.

use segno::snapshot::Shared;
use serde::{Deserialize, Serialize};

use super::Alias;
use super::datum::{is_identifier, spelling, split};
use super::expand::Expansion;
use super::expander::Answer;
use super::matching::Matched;
use super::pattern::Compiler;
use super::scope::Scope;
use crate::value::{Value, Vector};

/// A template.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Template {
    /// What it says.
    Constant(Value),
    /// What a variable has matched.
    Variable(u32),
    /// An identifier that the macro puts in.
    Inserted(u32),
    /// A list, and what follows its last item.
    List(Vec<Item>, Box<Template>),
    /// A vector.
    Vector(Vec<Item>),
}

/// An item of a list or a vector.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) template: Template,
    /// For each ellipsis that follows, from the outermost, the variables that it goes through.
    pub(super) ellipses: Vec<Vec<u32>>,
}

/// What becomes of a template while it is compiled.
#[derive(Default)]
pub(super) struct Drafting {
    /// Identifiers that are put in.
    pub(super) inserted: Vec<Value>,
    /// The variables that were met, in order.
    used: Vec<u32>,
}

impl Compiler<'_, '_> {
    /// Compiles a template that is in so many ellipses. `escaped` tells whether an ellipsis is an
    /// identifier as any other in it.
    pub(super) fn template(
        &mut self,
        form: &Value,
        depth: u32,
        escaped: bool,
        draft: &mut Drafting,
    ) -> Answer<Template> {
        self.expansion.step(form)?;
        match form {
            Value::Symbol(_) | Value::Alias(_) => self.insert(form, depth, escaped, draft),
            Value::Pair(_) => {
                let Some((items, tail)) = split(form) else {
                    return Err(self
                        .expansion
                        .fault("this template leads back to itself", form));
                };
                if !escaped && is_identifier(&items[0]) && self.is_ellipsis(&items[0])? {
                    let ([_, template], Value::Null) = (&items[..], tail) else {
                        let message =
                            "an ellipsis at the beginning of a template wants one template";
                        return Err(self.expansion.fault(message, form));
                    };
                    return self.template(template, depth, true, draft);
                }
                let items = self.items(&items, depth, escaped, draft, form)?;
                let tail = self.template(&tail, depth, escaped, draft)?;
                Ok(Template::List(items, Box::new(tail)))
            }
            Value::Vector(vector) => {
                let items = vector.with(|vector| vector.elements.clone());
                let items = self.items(&items, depth, escaped, draft, form)?;
                Ok(Template::Vector(items))
            }
            datum => Ok(Template::Constant(datum.clone())),
        }
    }

    fn insert(
        &mut self,
        form: &Value,
        depth: u32,
        escaped: bool,
        draft: &mut Drafting,
    ) -> Answer<Template> {
        let mut variables = self.variables.iter().zip(0..);
        if let Some(((_, ellipses), slot)) = variables.find(|((known, _), _)| known.is_eq(form)) {
            if *ellipses > depth {
                let message = format!("{} wants more ellipses in this template", spelling(form));
                return Err(self.expansion.fault(message, form));
            }
            draft.used.push(slot);
            return Ok(Template::Variable(slot));
        }
        if !escaped && self.is_ellipsis(form)? {
            let message = "an ellipsis has to follow a template";
            return Err(self.expansion.fault(message, form));
        }
        let known = draft.inserted.iter().position(|known| known.is_eq(form));
        let index = known.unwrap_or_else(|| {
            draft.inserted.push(form.clone());
            draft.inserted.len() - 1
        });
        Ok(Template::Inserted(u32::try_from(index).unwrap_or(u32::MAX)))
    }

    fn items(
        &mut self,
        items: &[Value],
        depth: u32,
        escaped: bool,
        draft: &mut Drafting,
        form: &Value,
    ) -> Answer<Vec<Item>> {
        self.expansion.deeper(form)?;
        let (mut done, mut at) = (Vec::new(), 0);
        while let Some(item) = items.get(at) {
            at += 1;
            let first = at;
            while let Some(next) = items.get(at)
                && !escaped
                && is_identifier(next)
                && self.is_ellipsis(next)?
            {
                at += 1;
            }
            let count = u32::try_from(at - first).unwrap_or(u32::MAX);
            let before = draft.used.len();
            let template = self.template(item, depth.saturating_add(count), escaped, draft)?;
            let mut ellipses = Vec::new();
            for level in depth + 1..=depth.saturating_add(count) {
                // A variable that is in fewer ellipses goes with the outer ones.
                let slots = draft.used[before..].iter().copied();
                let slots = slots.filter(|slot| self.variables[*slot as usize].1 >= level);
                let mut slots: Vec<_> = slots.collect();
                slots.sort_unstable();
                slots.dedup();
                if slots.is_empty() {
                    let message = "no variable tells how often this is repeated";
                    return Err(self.expansion.fault(message, item));
                }
                ellipses.push(slots);
            }
            done.push(Item { template, ellipses });
        }
        self.expansion.depth -= 1;
        Ok(done)
    }
}

/// Makes forms of templates.
pub(super) struct Maker<'a, 'b> {
    pub(super) expansion: &'a mut Expansion<'b>,
    /// Where the macro was defined.
    pub(super) defined: &'a Scope,
    /// The use of the macro.
    pub(super) form: &'a Value,
    /// What the variables stand for.
    pub(super) slots: Vec<&'a Matched>,
    /// The identifiers that are put in, and their aliases in this expansion.
    pub(super) inserted: &'a [Value],
    pub(super) aliases: Vec<Option<Value>>,
}

impl Maker<'_, '_> {
    pub(super) fn make(&mut self, template: &Template) -> Answer<Value> {
        self.expansion.step(self.form)?;
        match template {
            Template::Constant(value) => Ok(value.clone()),
            Template::Variable(slot) => match self.slots[*slot as usize] {
                Matched::One(form) => Ok(form.clone()),
                Matched::Many(_) => Err(self.uneven()),
            },
            Template::Inserted(index) => Ok(self.alias(*index as usize)),
            Template::List(items, tail) => {
                let tail = self.make(tail)?;
                Ok(Value::list_with(self.row(items)?, tail))
            }
            Template::Vector(items) => {
                let vector = Vector {
                    elements: self.row(items)?,
                    literal: true,
                };
                Ok(Value::Vector(Shared::new(vector)))
            }
        }
    }

    fn uneven(&self) -> Box<crate::condition::Fault> {
        let message = "what goes with an ellipsis in this macro is not of the same length";
        self.expansion.fault(message, self.form)
    }

    fn alias(&mut self, index: usize) -> Value {
        let alias = self.aliases[index].get_or_insert_with(|| {
            Value::Alias(Shared::new(Alias {
                of: self.inserted[index].clone(),
                scope: self.defined.clone(),
                defined: None,
            }))
        });
        alias.clone()
    }

    fn row(&mut self, items: &[Item]) -> Answer<Vec<Value>> {
        let mut done = Vec::with_capacity(items.len());
        for item in items {
            self.repeat(item, &item.ellipses, &mut done)?;
        }
        Ok(done)
    }

    fn repeat(&mut self, item: &Item, ellipses: &[Vec<u32>], done: &mut Vec<Value>) -> Answer<()> {
        let [slots, inner @ ..] = ellipses else {
            done.push(self.make(&item.template)?);
            return Ok(());
        };
        let mut goes = Vec::with_capacity(slots.len());
        for slot in slots {
            match self.slots[*slot as usize] {
                Matched::Many(many) => goes.push((*slot as usize, many)),
                Matched::One(_) => return Err(self.uneven()),
            }
        }
        let count = goes.first().map_or(0, |(_, many)| many.len());
        if goes.iter().any(|(_, many)| many.len() != count) {
            return Err(self.uneven());
        }
        let kept: Vec<_> = goes.iter().map(|(slot, _)| self.slots[*slot]).collect();
        for turn in 0..count {
            self.expansion.step(self.form)?;
            for (slot, many) in &goes {
                self.slots[*slot] = &many[turn];
            }
            self.repeat(item, inner, done)?;
        }
        for ((slot, _), kept) in goes.iter().zip(kept) {
            self.slots[*slot] = kept;
        }
        Ok(())
    }
}
