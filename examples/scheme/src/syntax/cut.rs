//! `cut` and `cute`.

use super::Core;
use super::expand::{Expansion, apply, bind, fresh, procedure};
use super::expander::Answer;
use super::scope::Scope;
use crate::expr::Expr;
use crate::value::Value;

impl Expansion<'_> {
    pub(super) fn cut(&mut self, core: Core, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 2)?;
        let (mut slots, mut exprs, mut early) = (Vec::new(), Vec::new(), Vec::new());
        let mut rest = None;
        for (index, item) in items[1..].iter().enumerate() {
            if self.is(item, Core::Slot, scope)? {
                let slot = fresh("slot");
                exprs.push(Expr::Local(slot.clone()));
                slots.push(slot);
            } else if self.is(item, Core::Slots, scope)? {
                if index + 2 < items.len() || index == 0 {
                    return Err(self.fault("<...> has to be the last argument", form));
                }
                rest = Some(fresh("slots"));
            } else {
                let value = self.expand(item, scope)?;
                if core == Core::Cut || matches!(value, Expr::Constant(_)) {
                    exprs.push(value);
                } else {
                    // `cute` evaluates what is no slot at once.
                    let variable = fresh("value");
                    exprs.push(Expr::Local(variable.clone()));
                    early.push((variable, value));
                }
            }
        }
        let place = self.here.clone();
        let call = match &rest {
            Some(slots) => {
                exprs.push(Expr::Local(slots.clone()));
                self.call("apply", exprs)?
            }
            None => {
                let operator = exprs.remove(0);
                apply(operator, exprs, place.clone())
            }
        };
        Ok(bind(early, procedure(None, place, slots, rest, call)))
    }
}
