//! Booleans.

use super::arguments::{boolean, chain};
use super::{Table, fixed, inline, variadic};
use crate::value::Value;

pub(super) const TABLE: Table = &[
    fixed("not", 1, |_, args| Ok(inline::not(&args[0]).into())),
    fixed("boolean?", 1, |_, args| {
        Ok(matches!(args[0], Value::True | Value::False).into())
    }),
    variadic("boolean=?", 1, |_, args| {
        chain(args, "boolean=?", boolean, |a, b| a == b)
    }),
];
