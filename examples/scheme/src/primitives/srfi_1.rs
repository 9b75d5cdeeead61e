//! Procedures of SRFI 1 that call nothing back.

use std::mem;

use segno::snapshot::Shared;

use super::arguments::{PAIR, count, items, reserve, values};
use super::index::outside;
use super::lists::{append, is_list, length, reverse_onto, tail};
use super::walk::Walk;
use super::{Table, fixed, inline, optional, variadic};
use crate::condition::Fault;
use crate::number::Number;
use crate::primitive::Answer;
use crate::value::{Pair, Value};
use crate::world::World;

macro_rules! nth {
    ($name:literal, $index:literal) => {
        fixed($name, 1, |world, args| nth(world, &args[0], $index, $name))
    };
}

pub(super) const TABLE: Table = &[
    fixed("xcons", 2, |_, args| {
        Ok(inline::cons(args[1].clone(), args[0].clone()))
    }),
    variadic("cons*", 1, |_, args| {
        let last = args.len() - 1;
        let items = args[..last].iter().cloned();
        Ok(Value::list_with(items, args[last].clone()))
    }),
    optional("iota", 1, 3, iota),
    variadic("circular-list", 1, |world, args| {
        let list = Value::list(args.iter().cloned());
        append_in_place(world, &[list.clone(), list], "circular-list")
    }),
    fixed("proper-list?", 1, |world, args| {
        Ok(is_list(world, &args[0]).into())
    }),
    fixed("circular-list?", 1, |world, args| {
        Ok(end(world, &args[0]).is_none().into())
    }),
    fixed("dotted-list?", 1, |world, args| {
        Ok(end(world, &args[0])
            .is_some_and(|end| !inline::is_null(&end))
            .into())
    }),
    fixed("not-pair?", 1, |_, args| {
        Ok((!inline::is_pair(&args[0])).into())
    }),
    nth!("first", 0),
    nth!("second", 1),
    nth!("third", 2),
    nth!("fourth", 3),
    nth!("fifth", 4),
    nth!("sixth", 5),
    nth!("seventh", 6),
    nth!("eighth", 7),
    nth!("ninth", 8),
    nth!("tenth", 9),
    fixed("car+cdr", 1, |_, args| {
        Ok(values(vec![inline::car(&args[0])?, inline::cdr(&args[0])?]))
    }),
    fixed("take", 2, |world, args| Ok(split(world, args, "take")?.0)),
    fixed("drop", 2, |world, args| tail(world, args, "drop")),
    fixed("split-at", 2, |world, args| {
        let (taken, rest) = split(world, args, "split-at")?;
        Ok(values(vec![taken, rest]))
    }),
    fixed("take-right", 2, |world, args| {
        let kept = from_right(world, args, "take-right")?;
        tail(world, &[args[0].clone(), kept], "take-right")
    }),
    fixed("drop-right", 2, |world, args| {
        let kept = from_right(world, args, "drop-right")?;
        Ok(split(world, &[args[0].clone(), kept], "drop-right")?.0)
    }),
    fixed("last", 1, |world, args| {
        last_pair(world, &args[0], "last").map(|pair| pair.with(|pair| pair.car.clone()))
    }),
    fixed("last-pair", 1, |world, args| {
        last_pair(world, &args[0], "last-pair").map(Value::Pair)
    }),
    fixed("length+", 1, |world, args| match end(world, &args[0]) {
        None => Ok(Value::False),
        Some(_) => length(world, &args[0], "length+").map(|n| Number::from(n).into()),
    }),
    fixed("concatenate", 1, |world, args| {
        append(world, &items(&args[0], "concatenate")?, "concatenate")
    }),
    variadic("append!", 0, |world, args| {
        append_in_place(world, args, "append!")
    }),
    fixed("reverse!", 1, |world, args| {
        reverse_in_place(world, &args[0], Value::Null, "reverse!")
    }),
    fixed("append-reverse", 2, |world, args| {
        reverse_onto(world, &args[0], args[1].clone(), "append-reverse")
    }),
    fixed("append-reverse!", 2, |world, args| {
        reverse_in_place(world, &args[0], args[1].clone(), "append-reverse!")
    }),
];

/// Numbers at the same distance from each other.
fn iota(world: &mut World, args: &[Value]) -> Answer {
    let count = count(&args[0], "iota")?;
    let (zero, one) = (Value::integer(0), Value::integer(1));
    let start = args.get(1).unwrap_or(&zero);
    let step = args.get(2).unwrap_or(&one);
    reserve(world, count, PAIR)?;
    let mut list = Value::Null;
    for index in (0..count).rev() {
        // A product each, and not a sum of sums: inexact numbers would drift.
        let distance = inline::mul(world, &Number::from(index).into(), step)?;
        list = Value::cons(inline::add(world, start, &distance)?, list);
    }
    Ok(list)
}

/// What a list ends with, unless it leads back to itself.
fn end(world: &World, list: &Value) -> Option<Value> {
    let mut walk = Walk::new(list);
    walk.by_ref().for_each(drop);
    world.fuel.pairs(walk.passed());
    walk.circle.is_none().then_some(walk.rest)
}

/// The last pair of a list, which has one.
fn last_pair(world: &World, list: &Value, by: &str) -> Result<Shared<Pair>, Box<Fault>> {
    let mut walk = Walk::new(list);
    let last = walk.by_ref().last();
    world.fuel.pairs(walk.passed());
    match last {
        Some(last) if walk.circle.is_none() => Ok(last),
        _ => Err(Fault::expected("a list that is not empty", list, by)),
    }
}

/// The element at an index.
fn nth(world: &World, list: &Value, index: i64, by: &str) -> Answer {
    let rest = tail(world, &[list.clone(), Value::integer(index)], by)?;
    match rest.as_pair() {
        Some((element, _)) => Ok(element),
        None => Err(Fault::expected("a longer list", list, by)),
    }
}

/// So many elements as a list, and what is left.
fn split(world: &World, args: &[Value], by: &str) -> Result<(Value, Value), Box<Fault>> {
    let count = count(&args[1], by)?;
    // There have to be so many, though they may be the same ones again and again.
    let rest = tail(world, args, by)?;
    reserve(world, count, PAIR + size_of::<Value>())?;
    let mut items = Vec::with_capacity(count);
    let mut list = args[0].clone();
    while items.len() < count {
        let Some((item, next)) = list.as_pair() else {
            return Err(outside(&args[1], items.len(), by));
        };
        items.push(item);
        list = next;
    }
    Ok((Value::list(items), rest))
}

/// How many elements there are before the last ones, which are so many.
fn from_right(world: &World, args: &[Value], by: &str) -> Answer {
    let count = count(&args[1], by)?;
    let mut walk = Walk::new(&args[0]);
    let length = walk.by_ref().count();
    world.fuel.pairs(length);
    if walk.circle.is_some() {
        return Err(Fault::expected("a list that ends", &args[0], by));
    }
    match length.checked_sub(count) {
        Some(before) => Ok(Number::from(before).into()),
        None => Err(outside(&args[1], length, by)),
    }
}

/// Each list, but the last one, is made to end with the next.
fn append_in_place(world: &World, args: &[Value], by: &str) -> Answer {
    let Some((last, lists)) = args.split_last() else {
        return Ok(Value::Null);
    };
    let mut result = last.clone();
    for list in lists.iter().rev() {
        if inline::is_null(list) {
            continue;
        }
        let last = last_pair(world, list, by)?;
        drop(last.update(|pair| mem::replace(&mut pair.cdr, result)));
        result = list.clone();
    }
    Ok(result)
}

/// Each pair is made to lead to the one before, and the first to what was there already.
fn reverse_in_place(world: &World, list: &Value, onto: Value, by: &str) -> Answer {
    length(world, list, by)?;
    let (mut result, mut rest) = (onto, list.clone());
    while let Value::Pair(pair) = &rest {
        let pair = pair.clone();
        rest = pair.update(|pair| mem::replace(&mut pair.cdr, result));
        result = Value::Pair(pair);
    }
    Ok(result)
}
