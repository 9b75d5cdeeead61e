//! Pairs.

use std::mem;

use super::{Table, fixed, inline};
use crate::condition::Fault;
use crate::primitive::Answer;
use crate::value::{Pair, Value};

/// Halves of halves: which ones, the name says.
macro_rules! path {
    ($name:literal) => {
        fixed($name, 1, |_, args| path(&args[0], $name))
    };
}

pub(super) const TABLE: Table = &[
    fixed("pair?", 1, |_, args| Ok(inline::is_pair(&args[0]).into())),
    fixed("cons", 2, |_, args| {
        Ok(inline::cons(args[0].clone(), args[1].clone()))
    }),
    fixed("set-car!", 2, |_, args| {
        change(&args[0], &args[1], "set-car!", |pair| &mut pair.car)
    }),
    fixed("set-cdr!", 2, |_, args| {
        change(&args[0], &args[1], "set-cdr!", |pair| &mut pair.cdr)
    }),
    fixed("car", 1, |_, args| inline::car(&args[0])),
    fixed("cdr", 1, |_, args| inline::cdr(&args[0])),
    path!("caar"),
    path!("cadr"),
    path!("cdar"),
    path!("cddr"),
    path!("caaar"),
    path!("caadr"),
    path!("cadar"),
    path!("caddr"),
    path!("cdaar"),
    path!("cdadr"),
    path!("cddar"),
    path!("cdddr"),
    path!("caaaar"),
    path!("caaadr"),
    path!("caadar"),
    path!("caaddr"),
    path!("cadaar"),
    path!("cadadr"),
    path!("caddar"),
    path!("cadddr"),
    path!("cdaaar"),
    path!("cdaadr"),
    path!("cdadar"),
    path!("cdaddr"),
    path!("cddaar"),
    path!("cddadr"),
    path!("cdddar"),
    path!("cddddr"),
];

/// What is found by the letters of a name, from the last to the first.
fn path(value: &Value, name: &str) -> Answer {
    let mut found = value.clone();
    for letter in name.bytes().rev() {
        let next = match (&found, letter) {
            (Value::Pair(pair), b'a') => pair.with(|pair| pair.car.clone()),
            (Value::Pair(pair), b'd') => pair.with(|pair| pair.cdr.clone()),
            (_, b'a' | b'd') => return Err(Fault::expected("a pair", value, name)),
            // The frame of the name.
            _ => continue,
        };
        found = next;
    }
    Ok(found)
}

/// Changes a half.
fn change(to: &Value, new: &Value, by: &str, half: fn(&mut Pair) -> &mut Value) -> Answer {
    let Value::Pair(pair) = to else {
        return Err(Fault::expected("a pair", to, by));
    };
    // The old half is dropped where nobody holds the pair.
    drop(pair.update(|pair| mem::replace(half(pair), new.clone())));
    Ok(Value::Unspecified)
}
