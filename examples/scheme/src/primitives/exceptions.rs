//! Errors as data.

use segno::snapshot::Constant;

use super::arguments::reserve;
use super::{Table, fixed};
use crate::condition::Fault;
use crate::primitive::Answer;
use crate::value::{Condition, Value};
use crate::world::World;
use crate::writer::{Style, write};

pub(super) const TABLE: Table = &[
    fixed("error-object?", 1, |_, args| {
        Ok(matches!(args[0], Value::Condition(_)).into())
    }),
    fixed("error-object-message", 1, |_, args| {
        Ok(condition(&args[0], "error-object-message")?.message.clone())
    }),
    fixed("error-object-irritants", 1, |_, args| {
        let condition = condition(&args[0], "error-object-irritants")?;
        Ok(Value::list(condition.irritants.iter().cloned()))
    }),
    fixed("condition/report-string", 1, report),
];

fn condition<'a>(value: &'a Value, by: &str) -> Result<&'a Constant<Condition>, Box<Fault>> {
    match value {
        Value::Condition(condition) => Ok(condition),
        _ => Err(Fault::expected("an error object", value, by)),
    }
}

/// The message for people, and what it is about as it can be read.
fn report(world: &mut World, args: &[Value]) -> Answer {
    let condition = condition(&args[0], "condition/report-string")?;
    let limit = world
        .sandbox
        .heap
        .map_or(usize::MAX, |heap| heap.limit.saturating_sub((heap.used)()));
    let mut work = world.work();
    let mut text = String::new();
    write(
        &condition.message,
        Style::Display,
        limit,
        &mut work,
        &mut text,
    )?;
    for irritant in &condition.irritants {
        text.push(' ');
        write(
            irritant,
            Style::Write,
            limit.saturating_sub(text.len()),
            &mut work,
            &mut text,
        )?;
    }
    world.fuel.products(work.done());
    reserve(world, text.len(), size_of::<char>())?;
    Ok(Value::string(&text))
}
