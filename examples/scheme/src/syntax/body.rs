//! Bodies: internal definitions, and the expressions after them.

use std::collections::VecDeque;
use std::rc::Rc;

use super::Core;
use super::datum::{is_identifier, spelling};
use super::define::Definition;
use super::expand::{Expansion, fresh, sequence};
use super::expander::Answer;
use super::record::RecordForm;
use super::scope::{Contour, Scope};
use super::several::Target;
use crate::expr::{Expr, Variable};
use crate::value::{Place, Value};

/// A form of a body whose expressions are expanded once all names of the body are known.
enum Item {
    Definition(Rc<Variable>, Definition),
    Values(Vec<Rc<Variable>>, bool, Value),
    Record(Vec<Rc<Variable>>, RecordForm),
    Expression(Value),
}

impl Expansion<'_> {
    /// A body, whose definitions are bound in a scope of its own.
    pub(super) fn body(&mut self, forms: &[Value], scope: &Scope, form: &Value) -> Answer {
        let (inner, contour) = scope.within();
        let items = self.scan(forms, &inner, &contour)?;
        let definitions = items
            .iter()
            .rposition(|(item, _)| !matches!(item, Item::Expression(_)))
            .map_or(0, |last| last + 1);
        if definitions == items.len() {
            return Err(self.fault("this body has no expression at its end", form));
        }
        let (mut bound, mut expressions) = (Vec::new(), Vec::new());
        for (index, (item, place)) in items.into_iter().enumerate() {
            let outer = std::mem::replace(&mut self.here, place);
            match item {
                Item::Expression(form) => {
                    let expr = self.expand(&form, &inner)?;
                    if index < definitions {
                        bound.push((fresh("_"), expr));
                    } else {
                        expressions.push(expr);
                    }
                }
                item => self.bind_item(item, &inner, &mut bound)?,
            }
            self.here = outer;
        }
        let body = sequence(expressions);
        if bound.is_empty() {
            return Ok(body);
        }
        Ok(Expr::Letrec(bound, Box::new(body)))
    }

    /// The forms of a body after their macros, with those that are spliced in, and their places.
    fn scan(
        &mut self,
        forms: &[Value],
        scope: &Scope,
        contour: &Rc<Contour>,
    ) -> Answer<Vec<(Item, Option<Place>)>> {
        let here = self.here.clone();
        let forms = forms.iter().map(|form| (form.clone(), here.clone()));
        let mut waiting: VecDeque<_> = forms.collect();
        let mut items = Vec::new();
        while let Some((form, place)) = waiting.pop_front() {
            self.here = place;
            self.go(&form);
            let (core, form) = self.head(&form, scope)?;
            let item = match core {
                Some(core @ (Core::Begin | Core::Include | Core::IncludeCi | Core::CondExpand)) => {
                    let forms = self.forms_of(core, &form)?;
                    self.splice(&forms, &mut waiting);
                    continue;
                }
                Some(Core::DefineSyntax) => {
                    let (name, rules) = self.syntax_definition(&form)?;
                    let meaning = self.transformer(&name, &rules, scope)?;
                    if !contour.bind(&name, meaning) {
                        return Err(self.twice(&name, &form));
                    }
                    self.clear_later(contour);
                    continue;
                }
                Some(Core::Define) => {
                    let (name, definition) = self.definition(&form)?;
                    Item::Definition(self.internal(&name, contour, &form)?, definition)
                }
                Some(Core::DefineValues) => {
                    let parts = self.items(&form, 3)?;
                    let [_, formals, values] = &parts[..] else {
                        return Err(self.malformed(&form));
                    };
                    let (names, rest) = self.targets(formals, scope, &form)?;
                    let names = names.iter();
                    let variables = names.map(|name| self.internal(name, contour, &form));
                    Item::Values(variables.collect::<Result<_, _>>()?, rest, values.clone())
                }
                Some(Core::DefineRecordType) => {
                    let record = self.record_form(&form)?;
                    let names = record.names.iter();
                    let variables = names.map(|name| self.internal(name, contour, &form));
                    Item::Record(variables.collect::<Result<_, _>>()?, record)
                }
                _ => Item::Expression(form),
            };
            items.push((item, self.here.clone()));
        }
        self.here = here;
        Ok(items)
    }

    /// Puts forms in front of those that wait.
    fn splice(&self, forms: &[Value], waiting: &mut VecDeque<(Value, Option<Place>)>) {
        for form in forms.iter().rev() {
            waiting.push_front((form.clone(), self.here.clone()));
        }
    }

    fn internal(&self, name: &Value, contour: &Contour, form: &Value) -> Answer<Rc<Variable>> {
        if !is_identifier(name) {
            return Err(self.malformed(form));
        }
        contour.variable(name).ok_or_else(|| self.twice(name, form))
    }

    fn twice(&self, name: &Value, form: &Value) -> Box<crate::condition::Fault> {
        self.fault(
            format!("{} is defined twice in this body", spelling(name)),
            form,
        )
    }

    /// The variables of a definition, and their values.
    fn bind_item(
        &mut self,
        item: Item,
        scope: &Scope,
        bound: &mut Vec<(Rc<Variable>, Expr)>,
    ) -> Answer<()> {
        match item {
            Item::Definition(variable, definition) => {
                let value = self.value_of(definition, scope, &variable.name)?;
                bound.push((variable, value));
            }
            Item::Values(variables, rest, values) => {
                let values = self.expand(&values, scope)?;
                let targets = variables.iter().map(|variable| {
                    variable.assigned.set(true);
                    Target::Local(variable.clone())
                });
                let assign = self.assign_values(values, targets.collect(), rest)?;
                let unassigned = || Expr::Constant(Value::Unassigned);
                bound.extend(
                    variables
                        .into_iter()
                        .map(|variable| (variable, unassigned())),
                );
                bound.push((fresh("_"), assign));
            }
            Item::Record(variables, record) => {
                let of = || Expr::Local(variables[0].clone());
                let values = self.record_values(&record, of)?;
                bound.extend(variables.into_iter().zip(values));
            }
            Item::Expression(_) => {}
        }
        Ok(())
    }
}
