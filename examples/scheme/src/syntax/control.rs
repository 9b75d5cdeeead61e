//! Syntax that is a call of a procedure with thunks: promises, parameters, and the operators of
//! delimited control.

use super::Core;
use super::expand::{Expansion, procedure, thunk};
use super::expander::Answer;
use super::scope::Scope;
use crate::expr::Expr;
use crate::value::Value;

impl Expansion<'_> {
    pub(super) fn delay(&mut self, core: Core, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 2)?;
        let [_, expression] = &items[..] else {
            return Err(self.malformed(form));
        };
        let expression = self.expand(expression, scope)?;
        let thunk = thunk(self.here.clone(), expression);
        let forces = Expr::Constant((core == Core::DelayForce).into());
        self.call("%make-promise", vec![thunk, forces])
    }

    pub(super) fn parameterize(&mut self, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 3)?;
        let mut arguments = Vec::new();
        for binding in self.list(&items[1], form)? {
            let binding = self.list(&binding, form)?;
            let [parameter, value] = &binding[..] else {
                return Err(self.malformed(form));
            };
            arguments.push(self.expand(parameter, scope)?);
            arguments.push(self.expand(value, scope)?);
        }
        let body = self.body(&items[2..], scope, form)?;
        arguments.push(thunk(self.here.clone(), body));
        self.call("%parameterize", arguments)
    }

    pub(super) fn mark(&mut self, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 4)?;
        let [_, key, value, body] = &items[..] else {
            return Err(self.malformed(form));
        };
        let key = self.expand(key, scope)?;
        let value = self.expand(value, scope)?;
        let body = self.expand(body, scope)?;
        Ok(Expr::Mark(Box::new([key, value, body])))
    }

    pub(super) fn reset(&mut self, core: Core, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 2)?;
        let (tag, body) = match (core, &items[1..]) {
            (Core::ResetAt, [tag, body @ ..]) => (Some(tag), body),
            (_, body) => (None, body),
        };
        let tag = tag.map(|tag| self.expand(tag, scope)).transpose()?;
        let body = self.body(body, scope, form)?;
        let mut arguments = vec![thunk(self.here.clone(), body)];
        arguments.extend(tag);
        self.call("call-with-continuation-prompt", arguments)
    }

    pub(super) fn shift(&mut self, core: Core, form: &Value, scope: &Scope) -> Answer {
        let (name, at) = match core {
            Core::ShiftAt => ("%shift", true),
            Core::Shift0 => ("%shift0", false),
            Core::Shift0At => ("%shift0", true),
            Core::Control => ("%control", false),
            Core::ControlAt => ("%control", true),
            Core::Control0 => ("%control0", false),
            Core::Control0At => ("%control0", true),
            _ => ("%shift", false),
        };
        let items = self.items(form, if at { 4 } else { 3 })?;
        let (tag, rest) = if at {
            (self.expand(&items[1], scope)?, &items[2..])
        } else {
            let tag = self.call("default-continuation-prompt-tag", Vec::new())?;
            (tag, &items[1..])
        };
        let receiver = self.receiver(&rest[0], &rest[1..], form, scope)?;
        self.call(name, vec![tag, receiver])
    }

    pub(super) fn let_cc(&mut self, core: Core, form: &Value, scope: &Scope) -> Answer {
        let name = match core {
            Core::LetEc => "call-with-escape-continuation",
            _ => "call-with-current-continuation",
        };
        let items = self.items(form, 3)?;
        let receiver = self.receiver(&items[1], &items[2..], form, scope)?;
        self.call(name, vec![receiver])
    }

    /// A procedure that is given a continuation.
    fn receiver(&mut self, name: &Value, body: &[Value], form: &Value, scope: &Scope) -> Answer {
        let (inner, contour) = scope.within();
        let variable = self.variable(name, &contour, form)?;
        let body = self.body(body, &inner, form)?;
        let place = self.here.clone();
        Ok(procedure(None, place, vec![variable], None, body))
    }
}
