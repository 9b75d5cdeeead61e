//! Promises, but for `force`.

use segno::snapshot::Shared;

use super::{Table, fixed};
use crate::value::{Promise, Value};

pub(super) const TABLE: Table = &[
    fixed("promise?", 1, |_, args| {
        Ok(matches!(args[0], Value::Promise(_)).into())
    }),
    fixed("make-promise", 1, |_, args| match &args[0] {
        promise @ Value::Promise(_) => Ok(promise.clone()),
        value => Ok(Value::Promise(Shared::new(Promise::Done(value.clone())))),
    }),
    fixed("%make-promise", 2, |_, args| {
        Ok(Value::Promise(Shared::new(Promise::Delayed {
            thunk: args[0].clone(),
            forces: args[1].is_true(),
        })))
    }),
];
