//! Macros: `syntax-rules`.

use segno::snapshot::{Object, Shared};
use serde::{Deserialize, Serialize};

use super::Core;
use super::datum::{is_identifier, spelling, split};
use super::expand::Expansion;
use super::expander::Answer;
use super::matching::{Matched, Matcher};
use super::pattern::{Compiler, Pattern};
use super::scope::{Meaning, Scope};
use super::template::{Drafting, Maker, Template};
use crate::condition::Fault;
use crate::symbol::Symbol;
use crate::value::Value;

/// A macro.
#[derive(Clone, Serialize, Deserialize)]
pub struct Macro {
    /// Its name.
    pub name: Symbol,
    /// Where it was defined.
    scope: Scope,
    rules: Vec<Rule>,
}

impl Object for Macro {
    const NAME: &'static str = "macro";
}

/// What becomes of which forms. What is decoded of it is [checked](super::check).
#[derive(Clone, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct Rule {
    /// What follows the keyword.
    pub(super) pattern: Pattern,
    /// How many variables it has.
    pub(super) slots: u32,
    pub(super) template: Template,
    /// The identifiers that it puts in.
    pub(super) inserted: Vec<Value>,
}

impl Macro {
    /// The expansion of a use of it.
    pub(super) fn expand(
        &self,
        form: &Value,
        used: &Scope,
        expansion: &mut Expansion<'_>,
    ) -> Answer<Value> {
        let (_, arguments) = form.as_pair().unwrap_or((Value::Null, Value::Null));
        for rule in &self.rules {
            let mut matcher = Matcher {
                expansion,
                defined: &self.scope,
                used,
                slots: vec![Matched::Many(Vec::new()); rule.slots as usize],
            };
            if matcher.matches(&rule.pattern, &arguments)? {
                let slots = matcher.slots;
                let mut maker = Maker {
                    expansion,
                    defined: &self.scope,
                    form,
                    slots: slots.iter().collect(),
                    inserted: &rule.inserted,
                    aliases: vec![None; rule.inserted.len()],
                };
                return maker.make(&rule.template);
            }
        }
        let message = format!("no rule of {} matches this use of it", self.name);
        Err(expansion.fault(message, form))
    }
}

impl Expansion<'_> {
    /// What a name means that is bound to syntax.
    pub(super) fn transformer(
        &mut self,
        name: &Value,
        form: &Value,
        scope: &Scope,
    ) -> Answer<Meaning> {
        let outer = self.go(form);
        let (core, form) = self.head(form, scope)?;
        let meaning = match core {
            Some(Core::SyntaxRules) => self.syntax_rules(name, &form, scope).map(Meaning::Macro)?,
            None if is_identifier(&form) => match self.meaning(&form, scope)? {
                meaning @ (Meaning::Macro(_) | Meaning::Core(_)) => meaning,
                _ => return Err(self.fault("this identifier is not bound to syntax", &form)),
            },
            _ => return Err(self.fault("syntax has to be defined by syntax-rules", &form)),
        };
        self.here = outer;
        Ok(meaning)
    }

    fn syntax_rules(&mut self, name: &Value, form: &Value, scope: &Scope) -> Answer<Shared<Macro>> {
        let items = self.items(form, 2)?;
        let (ellipsis, rest) = match &items[1..] {
            [ellipsis, rest @ ..] if is_identifier(ellipsis) => (Some(ellipsis.clone()), rest),
            rest => (None, rest),
        };
        let [literals, forms @ ..] = rest else {
            return Err(self.malformed(form));
        };
        let literals = self.list(literals, form)?;
        if !literals.iter().all(is_identifier) {
            return Err(self.fault("the literals of syntax-rules have to be identifiers", form));
        }
        let mut compiler = Compiler {
            expansion: self,
            scope,
            ellipsis,
            literals,
            variables: Vec::new(),
        };
        let rules = forms.iter().map(|rule| compiler.rule(rule));
        let rules = rules.collect::<Result<_, _>>()?;
        Ok(Shared::new(Macro {
            name: spelling(name),
            scope: scope.clone(),
            rules,
        }))
    }

    /// What a program says itself is wrong.
    pub(super) fn syntax_error(&self, form: &Value) -> Box<Fault> {
        let Some((items, Value::Null)) = split(form) else {
            return self.malformed(form);
        };
        let Some(Value::String(message)) = items.get(1) else {
            return self.malformed(form);
        };
        let message: String = message.with(|message| message.characters.iter().collect());
        let mut fault = self.fault(message, form);
        fault.irritants = items[2..].iter().map(super::datum::strip).collect();
        fault
    }
}

impl Compiler<'_, '_> {
    fn rule(&mut self, rule: &Value) -> Answer<Rule> {
        let outer = self.expansion.go(rule);
        let items = self.expansion.list(rule, rule)?;
        let [pattern, template] = &items[..] else {
            let message = "a rule should be a pattern and a template";
            return Err(self.expansion.fault(message, rule));
        };
        // The keyword is matched already.
        let Some((_, pattern)) = pattern.as_pair() else {
            let message = "the pattern of a rule should be a list";
            return Err(self.expansion.fault(message, rule));
        };
        self.variables.clear();
        let pattern = self.pattern(&pattern, 0)?;
        let mut draft = Drafting::default();
        let template = self.template(template, 0, false, &mut draft)?;
        self.expansion.here = outer;
        Ok(Rule {
            pattern,
            slots: u32::try_from(self.variables.len()).unwrap_or(u32::MAX),
            template,
            inserted: draft.inserted,
        })
    }
}
