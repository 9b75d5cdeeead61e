//! Vectors.

use segno::snapshot::Shared;

use super::arguments::{PAIR, character, count, items, reserve, vector};
use super::index::{literal, range, room};
use super::{Table, fixed, inline, optional, variadic};
use crate::condition::Fault;
use crate::primitive::Answer;
use crate::value::{Value, Vector};
use crate::world::World;

pub(super) const TABLE: Table = &[
    fixed("vector?", 1, |_, args| {
        Ok(matches!(args[0], Value::Vector(_)).into())
    }),
    optional("make-vector", 1, 2, |world, args| {
        let count = count(&args[0], "make-vector")?;
        let fill = args.get(1).unwrap_or(&Value::Unspecified);
        reserve(world, count, size_of::<Value>())?;
        Ok(Value::vector(vec![fill.clone(); count]))
    }),
    variadic("vector", 0, |_, args| Ok(Value::vector(args.to_vec()))),
    fixed("vector-length", 1, |_, args| {
        let length = length(vector(&args[0], "vector-length")?);
        Ok(crate::number::Number::from(length).into())
    }),
    fixed("vector-ref", 2, |_, args| {
        inline::vector_ref(&args[0], &args[1])
    }),
    fixed("vector-set!", 3, |_, args| {
        inline::vector_set(&args[0], &args[1], args[2].clone())?;
        Ok(Value::Unspecified)
    }),
    optional("vector->list", 1, 3, |world, args| {
        let elements = part(world, args, PAIR, "vector->list")?;
        Ok(Value::list(elements))
    }),
    fixed("list->vector", 1, |world, args| {
        let items = items(&args[0], "list->vector")?;
        reserve(world, items.len(), size_of::<Value>())?;
        Ok(Value::vector(items))
    }),
    optional("vector->string", 1, 3, |world, args| {
        let elements = part(world, args, size_of::<char>(), "vector->string")?;
        let characters = elements
            .iter()
            .map(|element| character(element, "vector->string"));
        Ok(Value::text(characters.collect::<Result<_, _>>()?))
    }),
    optional("vector-copy", 1, 3, |world, args| {
        part(world, args, size_of::<Value>(), "vector-copy").map(Value::vector)
    }),
    optional("vector-copy!", 3, 5, |world, args| copy_into(world, args)),
    variadic("vector-append", 0, |world, args| {
        let vectors = args.iter().map(|arg| vector(arg, "vector-append"));
        let vectors: Vec<_> = vectors.collect::<Result<_, _>>()?;
        let total = vectors
            .iter()
            .map(|vector| length(vector))
            .fold(0, usize::saturating_add);
        reserve(world, total, size_of::<Value>())?;
        let mut all = Vec::with_capacity(total);
        for vector in vectors {
            vector.with(|vector| all.extend_from_slice(&vector.elements));
        }
        Ok(Value::vector(all))
    }),
    optional("vector-fill!", 2, 4, |world, args| {
        let vector = vector(&args[0], "vector-fill!")?;
        let range = range(&args[2..], length(vector), "vector-fill!")?;
        world.fuel.bytes(range.len() * size_of::<Value>());
        refuse_literal(vector, "vector-fill!")?;
        vector.update(|vector| vector.elements[range].fill(args[1].clone()));
        Ok(Value::Unspecified)
    }),
];

fn length(vector: &Shared<Vector>) -> usize {
    vector.with(|vector| vector.elements.len())
}

fn refuse_literal(vector: &Shared<Vector>, by: &str) -> Result<(), Box<Fault>> {
    if vector.with(|vector| vector.literal) {
        return Err(literal(&Value::Vector(vector.clone()), by));
    }
    Ok(())
}

/// The elements that the arguments name, if there is memory for as many things of a size.
fn part(world: &World, args: &[Value], size: usize, by: &str) -> Result<Vec<Value>, Box<Fault>> {
    let vector = vector(&args[0], by)?;
    let range = range(&args[1..], length(vector), by)?;
    reserve(world, range.len(), size + size_of::<Value>())?;
    Ok(vector.with(|vector| vector.elements[range].to_vec()))
}

/// Copies from the third argument to the first, which may be the same.
fn copy_into(world: &World, args: &[Value]) -> Answer {
    let by = "vector-copy!";
    let (to, from) = (vector(&args[0], by)?, vector(&args[2], by)?);
    let range = range(&args[3..], length(from), by)?;
    world.fuel.bytes(range.len() * size_of::<Value>());
    let start = room(&args[1], range.len(), length(to), by)?;
    refuse_literal(to, by)?;
    let mut new = from.with(|from| from.elements[range].to_vec());
    let end = start + new.len();
    // What was there is dropped after the vectors are let go.
    to.update(|to| to.elements[start..end].swap_with_slice(&mut new));
    Ok(Value::Unspecified)
}
