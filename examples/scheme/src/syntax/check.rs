//! Whether rules of macros are what is made of a program. What a snapshot has may be anything,
//! and is checked when it is decoded: a pattern gives each variable that it is said to have its
//! form, once, and the template names variables and identifiers that there are.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::pattern::{ListPattern, Pattern};
use super::rules::Rule;
use super::template::{Item, Template};

impl Rule {
    fn is_whole(&self) -> bool {
        let mut next = 0;
        let pattern = pattern(&self.pattern, &mut next);
        pattern && next == self.slots && self.template(&self.template)
    }

    fn template(&self, template: &Template) -> bool {
        match template {
            Template::Constant(_) => true,
            Template::Variable(slot) => *slot < self.slots,
            Template::Inserted(index) => (*index as usize) < self.inserted.len(),
            Template::List(items, tail) => self.items(items) && self.template(tail),
            Template::Vector(items) => self.items(items),
        }
    }

    fn items(&self, items: &[Item]) -> bool {
        items.iter().all(|item| {
            let mut slots = item.ellipses.iter().flatten();
            slots.all(|slot| *slot < self.slots) && self.template(&item.template)
        })
    }
}

/// Whether the variables of a pattern are numbered from `next` on, in the order in which they are
/// compiled.
fn pattern(pattern: &Pattern, next: &mut u32) -> bool {
    match pattern {
        Pattern::Any | Pattern::Literal(_) | Pattern::Datum(_) => true,
        Pattern::Variable(slot) => {
            let is_next = *slot == *next;
            *next = next.saturating_add(1);
            is_next
        }
        Pattern::List(list) | Pattern::Vector(list) => row(list, next),
    }
}

fn row(list: &ListPattern, next: &mut u32) -> bool {
    let mut all = list.before.iter();
    if !all.all(|item| pattern(item, next)) {
        return false;
    }
    if let Some(repeated) = &list.repeated {
        let first = *next;
        if !pattern(&repeated.pattern, next) || repeated.slots != (first..*next) {
            return false;
        }
    }
    let mut after = list.after.iter();
    after.all(|item| pattern(item, next)) && pattern(&list.tail, next)
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, to)
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let rule = Self::deserialize(from)?;
        match rule.is_whole() {
            true => Ok(rule),
            false => Err(de::Error::custom("a rule of a macro does not fit itself")),
        }
    }
}
