//! What is there of procedures and several values where nothing is called.

use super::arguments::values;
use super::{Table, fixed, variadic};
use crate::condition::Fault;
use crate::value::Value;

pub(super) const TABLE: Table = &[
    fixed("procedure?", 1, |_, args| Ok(args[0].is_procedure().into())),
    fixed("environment?", 1, |_, args| {
        Ok(matches!(args[0], Value::Environment(_)).into())
    }),
    variadic("void", 0, |_, _| Ok(Value::Unspecified)),
    variadic("values", 0, |_, args| {
        // Several values in several values would nest without a bound.
        match args.iter().find(|arg| matches!(arg, Value::Values(_))) {
            Some(several) => Err(Fault::expected("one value", several, "values")),
            None => Ok(values(args.to_vec())),
        }
    }),
];
