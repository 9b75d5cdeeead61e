//! Files, and what is wrong with them. R7RS 6.11 and 6.14.

use super::ports::path;
use super::{Table, fixed};
use crate::port::{delete, exists};
use crate::primitive::Answer;
use crate::value::{ConditionKind, Value};

pub(super) const TABLE: Table = &[
    fixed("file-exists?", 1, |world, args| {
        Ok(exists(&path(&args[0], "file-exists?")?, world)?.into())
    }),
    fixed("delete-file", 1, |world, args| {
        delete(&path(&args[0], "delete-file")?, world)?;
        Ok(Value::Unspecified)
    }),
    fixed("read-error?", 1, |_, args| {
        is(&args[0], ConditionKind::Read)
    }),
    fixed("file-error?", 1, |_, args| {
        is(&args[0], ConditionKind::File)
    }),
];

fn is(value: &Value, kind: ConditionKind) -> Answer {
    Ok(match value {
        Value::Condition(condition) => (condition.kind == kind).into(),
        _ => false.into(),
    })
}
