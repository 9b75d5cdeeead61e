//! Which frames have to do with a changed procedure.

use std::collections::HashSet;

use segno::frame::Entry;
use segno::snapshot::Constant;

use super::address;
use crate::activation::Activation;
use crate::code::Code;
use crate::rib::{Rib, Scope};
use crate::value::Value;

/// Procedures that have changed, by the addresses of their code.
pub(super) struct Changed(pub(super) HashSet<(usize, u32)>);

impl Changed {
    /// Whether it runs one, or holds one that it may call.
    pub(super) fn is_in(&self, entry: &Entry<Activation>) -> bool {
        match entry {
            Entry::Frame { frame, .. } => self.is_in_frame(frame),
            Entry::Inside { before, after } => self.is_in_frame(before) || self.is_in_frame(after),
            Entry::Entering {
                before,
                body,
                after,
            } => [before, body, after].iter().any(|it| self.is_in_frame(it)),
            Entry::Prompt { .. } | Entry::Leaving(_) => false,
        }
    }

    fn is_in_frame(&self, frame: &Activation) -> bool {
        match frame {
            Activation::Run {
                code,
                scope,
                at,
                partial,
                ..
            } => self.is_run(code, scope, *at) || self.is_value(partial),
            Activation::Remark {
                code, scope, at, ..
            }
            | Activation::Failed {
                code, scope, at, ..
            } => self.is_run(code, scope, *at),
            Activation::Apply {
                operator,
                arguments,
            } => self.is_value(operator) || self.is_in_slots(arguments),
            Activation::Receive { receiver: held, .. }
            | Activation::Deliver { receiver: held, .. }
            | Activation::Given { receiver: held, .. }
            | Activation::Marked { thunk: held, .. }
            | Activation::Consume { consumer: held, .. } => self.is_value(held),
            Activation::Prompting { prompt }
            | Activation::Prompted { prompt }
            | Activation::Fueled { prompt, .. } => {
                self.is_value(&prompt.operator)
                    || self.is_value(&prompt.handler)
                    || prompt.arguments.iter().any(|it| self.is_value(it))
            }
            _ => false,
        }
    }

    fn is_run(&self, code: &Constant<Code>, scope: &Scope, at: u32) -> bool {
        let index = u32::try_from(code.procedure_of(at));
        let is_changed = index.is_ok_and(|index| self.0.contains(&(address(code), index)));
        let ribs = std::iter::successors(scope.as_ref(), |rib| rib.parent.as_ref());
        is_changed || ribs.into_iter().any(|rib| self.is_in_slots(rib))
    }

    fn is_in_slots(&self, rib: &Rib) -> bool {
        rib.iter().any(|value| self.is_value(value))
    }

    fn is_value(&self, value: &Value) -> bool {
        match value {
            Value::Closure(closure) => self
                .0
                .contains(&(address(&closure.code), closure.procedure)),
            Value::Rib(rib) => self.is_in_slots(rib),
            Value::Box(cell) => cell.with(|cell| match &cell.0 {
                closure @ Value::Closure(_) => self.is_value(closure),
                _ => false,
            }),
            _ => false,
        }
    }
}
