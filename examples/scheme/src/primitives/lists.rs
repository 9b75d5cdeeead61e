//! Lists, as far as nothing is called back. `%member` and `%assoc` compare by `equal?`.

use std::mem;

use segno::snapshot::Shared;

use super::arguments::{PAIR, count, items, reserve};
use super::equivalence::{equal, eqv};
use super::index::outside;
use super::walk::Walk;
use super::{Table, fixed, inline, optional, variadic};
use crate::condition::Fault;
use crate::number::Number;
use crate::primitive::Answer;
use crate::value::{Pair, Value};
use crate::world::World;

pub(super) const TABLE: Table = &[
    fixed("null?", 1, |_, args| Ok(inline::is_null(&args[0]).into())),
    fixed(
        "list?",
        1,
        |world, args| Ok(is_list(world, &args[0]).into()),
    ),
    optional("make-list", 1, 2, |world, args| {
        let count = count(&args[0], "make-list")?;
        let fill = args.get(1).unwrap_or(&Value::Unspecified);
        reserve(world, count, PAIR)?;
        Ok((0..count).fold(Value::Null, |rest, _| Value::cons(fill.clone(), rest)))
    }),
    variadic("list", 0, |_, args| Ok(Value::list(args.iter().cloned()))),
    fixed("length", 1, |world, args| {
        length(world, &args[0], "length").map(|n| Number::from(n).into())
    }),
    variadic("append", 0, |world, args| append(world, args, "append")),
    fixed("reverse", 1, |world, args| {
        reverse_onto(world, &args[0], Value::Null, "reverse")
    }),
    fixed("list-tail", 2, |world, args| tail(world, args, "list-tail")),
    fixed("list-ref", 2, |world, args| {
        Ok(element(world, args, "list-ref")?.with(|pair| pair.car.clone()))
    }),
    fixed("list-set!", 3, |world, args| {
        let pair = element(world, args, "list-set!")?;
        drop(pair.update(|pair| mem::replace(&mut pair.car, args[2].clone())));
        Ok(Value::Unspecified)
    }),
    fixed("memq", 2, |world, args| member(world, args, "memq", eqv)),
    fixed("memv", 2, |world, args| member(world, args, "memv", eqv)),
    fixed("%member", 2, |world, args| {
        member(world, args, "member", equal)
    }),
    fixed("assq", 2, |world, args| assoc(world, args, "assq", eqv)),
    fixed("assv", 2, |world, args| assoc(world, args, "assv", eqv)),
    fixed("%assoc", 2, |world, args| {
        assoc(world, args, "assoc", equal)
    }),
    fixed("list-copy", 1, |world, args| copy(world, &args[0])),
];

/// Whether it ends with `()`.
pub(super) fn is_list(world: &World, value: &Value) -> bool {
    let mut walk = Walk::new(value);
    walk.by_ref().for_each(drop);
    world.fuel.pairs(walk.passed());
    walk.finish(value, "list?").is_ok()
}

/// How many elements it has.
pub(super) fn length(world: &World, list: &Value, by: &str) -> Result<usize, Box<Fault>> {
    let mut walk = Walk::new(list);
    let length = walk.by_ref().count();
    world.fuel.pairs(length);
    walk.finish(list, by)?;
    Ok(length)
}

/// The elements of all lists, and then the last argument, whatever it is.
pub(super) fn append(world: &World, args: &[Value], by: &str) -> Answer {
    let Some((last, lists)) = args.split_last() else {
        return Ok(Value::Null);
    };
    let mut result = last.clone();
    for list in lists.iter().rev() {
        let items = items(list, by)?;
        reserve(world, items.len(), PAIR)?;
        result = Value::list_with(items, result);
    }
    Ok(result)
}

/// The elements of a list in reverse, and then what was there already.
pub(super) fn reverse_onto(world: &World, list: &Value, onto: Value, by: &str) -> Answer {
    reserve(world, length(world, list, by)?, PAIR)?;
    let pairs = Walk::new(list);
    Ok(pairs.fold(onto, |rest, pair| {
        Value::cons(pair.with(|pair| pair.car.clone()), rest)
    }))
}

/// What is left of a list without so many elements. The list may lead back to itself.
pub(super) fn tail(world: &World, args: &[Value], by: &str) -> Answer {
    let mut left = count(&args[1], by)?;
    let mut walk = Walk::new(&args[0]);
    while left > 0 && walk.next().is_some() {
        left -= 1;
    }
    world.fuel.pairs(walk.passed());
    if let Some(circle) = walk.circle {
        // The walk is where the circle begins to repeat itself.
        return (0..left % circle).try_fold(walk.rest, |rest, _| inline::cdr(&rest));
    }
    match (left, &walk.rest) {
        (0, _) => Ok(walk.rest),
        (_, Value::Null) => Err(outside(&args[1], length(world, &args[0], by)?, by)),
        _ => Err(Fault::expected("a list", &args[0], by)),
    }
}

/// The pair of an element.
fn element(world: &World, args: &[Value], by: &str) -> Result<Shared<Pair>, Box<Fault>> {
    match tail(world, args, by)? {
        Value::Pair(pair) => Ok(pair),
        Value::Null => Err(outside(&args[1], length(world, &args[0], by)?, by)),
        _ => Err(Fault::expected("a list", &args[0], by)),
    }
}

/// Whether two values are the same, by the one or the other procedure.
type Same = fn(&World, &Value, &Value) -> Result<bool, Box<Fault>>;

/// The rest of a list from an element on.
fn member(world: &World, args: &[Value], by: &str, same: Same) -> Answer {
    let mut walk = Walk::new(&args[1]);
    while let Some(pair) = walk.next() {
        if pair.with(|pair| same(world, &args[0], &pair.car))? {
            world.fuel.pairs(walk.passed());
            return Ok(Value::Pair(pair));
        }
    }
    world.fuel.pairs(walk.passed());
    walk.finish(&args[1], by)?;
    Ok(Value::False)
}

/// The element of a list of pairs that has this key.
fn assoc(world: &World, args: &[Value], by: &str, same: Same) -> Answer {
    let mut walk = Walk::new(&args[1]);
    while let Some(pair) = walk.next() {
        let entry = pair.with(|pair| pair.car.clone());
        let Value::Pair(association) = &entry else {
            return Err(Fault::expected("a list of pairs", &args[1], by));
        };
        if association.with(|pair| same(world, &args[0], &pair.car))? {
            world.fuel.pairs(walk.passed());
            return Ok(entry);
        }
    }
    world.fuel.pairs(walk.passed());
    walk.finish(&args[1], by)?;
    Ok(Value::False)
}

/// A list with new pairs, and the same end.
fn copy(world: &World, list: &Value) -> Answer {
    let mut walk = Walk::new(list);
    let items = walk.by_ref().map(|pair| pair.with(|pair| pair.car.clone()));
    let items: Vec<_> = items.collect();
    if walk.circle.is_some() {
        return Err(Fault::expected("a list that ends", list, "list-copy"));
    }
    reserve(world, items.len(), PAIR)?;
    Ok(Value::list_with(items, walk.rest))
}
