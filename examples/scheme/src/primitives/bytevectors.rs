//! Bytevectors.

use segno::snapshot::Shared;

use super::arguments::{byte, bytes, count, reserve, string};
use super::index::{index, literal, range, room};
use super::strings::length as characters;
use super::{Table, fixed, optional, variadic};
use crate::condition::Fault;
use crate::primitive::Answer;
use crate::value::{Bytes, Value};
use crate::world::World;

pub(super) const TABLE: Table = &[
    fixed("bytevector?", 1, |_, args| {
        Ok(matches!(args[0], Value::Bytes(_)).into())
    }),
    optional("make-bytevector", 1, 2, |world, args| {
        let count = count(&args[0], "make-bytevector")?;
        let fill = match args.get(1) {
            Some(fill) => byte(fill, "make-bytevector")?,
            None => 0,
        };
        reserve(world, count, 1)?;
        Ok(Value::bytes(vec![fill; count]))
    }),
    variadic("bytevector", 0, |_, args| {
        let bytes = args.iter().map(|arg| byte(arg, "bytevector"));
        Ok(Value::bytes(bytes.collect::<Result<_, _>>()?))
    }),
    fixed("bytevector-length", 1, |_, args| {
        let length = length(bytes(&args[0], "bytevector-length")?);
        Ok(crate::number::Number::from(length).into())
    }),
    fixed("bytevector-u8-ref", 2, |_, args| {
        let bytes = bytes(&args[0], "bytevector-u8-ref")?;
        let at = index(&args[1], length(bytes), "bytevector-u8-ref")?;
        Ok(Value::integer(bytes.with(|bytes| bytes.bytes[at]).into()))
    }),
    fixed("bytevector-u8-set!", 3, |_, args| {
        let by = "bytevector-u8-set!";
        let bytes = bytes(&args[0], by)?;
        let at = index(&args[1], length(bytes), by)?;
        let new = byte(&args[2], by)?;
        refuse_literal(bytes, by)?;
        bytes.update(|bytes| bytes.bytes[at] = new);
        Ok(Value::Unspecified)
    }),
    optional("bytevector-copy", 1, 3, |world, args| {
        part(world, args, 1, "bytevector-copy").map(Value::bytes)
    }),
    optional("bytevector-copy!", 3, 5, |world, args| {
        copy_into(world, args)
    }),
    variadic("bytevector-append", 0, |world, args| {
        let parts = args.iter().map(|arg| bytes(arg, "bytevector-append"));
        let parts: Vec<_> = parts.collect::<Result<_, _>>()?;
        let total = parts
            .iter()
            .map(|bytes| length(bytes))
            .fold(0, usize::saturating_add);
        reserve(world, total, 1)?;
        let mut all = Vec::with_capacity(total);
        for bytes in parts {
            bytes.with(|bytes| all.extend_from_slice(&bytes.bytes));
        }
        Ok(Value::bytes(all))
    }),
    optional("bytevector-fill!", 2, 4, |world, args| {
        let by = "bytevector-fill!";
        let bytes = bytes(&args[0], by)?;
        let fill = byte(&args[1], by)?;
        let range = range(&args[2..], length(bytes), by)?;
        world.fuel.bytes(range.len());
        refuse_literal(bytes, by)?;
        bytes.update(|bytes| bytes.bytes[range].fill(fill));
        Ok(Value::Unspecified)
    }),
    optional("utf8->string", 1, 3, |world, args| {
        let bytes = part(world, args, 1 + size_of::<char>(), "utf8->string")?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Value::string(&text)),
            Err(_) => Err(Fault::expected("UTF-8", &args[0], "utf8->string")),
        }
    }),
    optional("string->utf8", 1, 3, |world, args| {
        let text = string(&args[0], "string->utf8")?;
        let range = range(&args[1..], characters(text), "string->utf8")?;
        reserve(world, range.len(), size_of::<char>())?;
        let utf8: String = text.with(|text| text.characters[range].iter().collect());
        Ok(Value::bytes(utf8.into_bytes()))
    }),
];

fn length(bytes: &Shared<Bytes>) -> usize {
    bytes.with(|bytes| bytes.bytes.len())
}

fn refuse_literal(bytes: &Shared<Bytes>, by: &str) -> Result<(), Box<Fault>> {
    if bytes.with(|bytes| bytes.literal) {
        return Err(literal(&Value::Bytes(bytes.clone()), by));
    }
    Ok(())
}

/// The bytes that the arguments name, if there is memory for so many of a size.
fn part(world: &World, args: &[Value], size: usize, by: &str) -> Result<Vec<u8>, Box<Fault>> {
    let bytes = bytes(&args[0], by)?;
    let range = range(&args[1..], length(bytes), by)?;
    reserve(world, range.len(), size)?;
    Ok(bytes.with(|bytes| bytes.bytes[range].to_vec()))
}

/// Copies from the third argument to the first, which may be the same.
fn copy_into(world: &World, args: &[Value]) -> Answer {
    let by = "bytevector-copy!";
    let (to, from) = (bytes(&args[0], by)?, bytes(&args[2], by)?);
    let range = range(&args[3..], length(from), by)?;
    world.fuel.bytes(range.len());
    let start = room(&args[1], range.len(), length(to), by)?;
    refuse_literal(to, by)?;
    if to.same(from) {
        to.update(|to| to.bytes.copy_within(range, start));
    } else {
        let end = start + range.len();
        from.with(|from| to.update(|to| to.bytes[start..end].copy_from_slice(&from.bytes[range])));
    }
    Ok(Value::Unspecified)
}
