//! Strings: their characters, and how they compare.

use segno::snapshot::Shared;

use super::arguments::{chain, character, count, reserve, string};
use super::{Table, characters, fixed, inline, optional, variadic};
use crate::condition::Fault;
use crate::value::{Text, Value};
use crate::world::World;

macro_rules! comparison {
    ($name:literal, $operator:tt) => {
        variadic($name, 1, |world, args| {
            chain(args, $name, |value, by| paid(world, value, by), |a, b| {
                a.with(|a| b.with(|b| a.characters $operator b.characters))
            })
        })
    };
}

macro_rules! folded {
    ($name:literal, $operator:tt) => {
        variadic($name, 1, |world, args| {
            chain(args, $name, |value, by| folded(world, value, by), |a, b| a $operator b)
        })
    };
}

pub(super) const TABLE: Table = &[
    fixed("string?", 1, |_, args| {
        Ok(matches!(args[0], Value::String(_)).into())
    }),
    optional("make-string", 1, 2, |world, args| {
        let count = count(&args[0], "make-string")?;
        let fill = match args.get(1) {
            Some(fill) => character(fill, "make-string")?,
            None => ' ',
        };
        reserve(world, count, size_of::<char>())?;
        Ok(Value::text(vec![fill; count]))
    }),
    variadic("string", 0, |_, args| {
        let characters = args.iter().map(|arg| character(arg, "string"));
        Ok(Value::text(characters.collect::<Result<_, _>>()?))
    }),
    fixed("string-length", 1, |_, args| {
        let length = length(string(&args[0], "string-length")?);
        Ok(crate::number::Number::from(length).into())
    }),
    fixed("string-null?", 1, |_, args| {
        Ok((length(string(&args[0], "string-null?")?) == 0).into())
    }),
    fixed("string-ref", 2, |_, args| {
        inline::string_ref(&args[0], &args[1])
    }),
    fixed("string-set!", 3, |_, args| {
        let new = character(&args[2], "string-set!")?;
        inline::string_set(&args[0], &args[1], new)?;
        Ok(Value::Unspecified)
    }),
    comparison!("string=?", ==),
    comparison!("string<?", <),
    comparison!("string>?", >),
    comparison!("string<=?", <=),
    comparison!("string>=?", >=),
    folded!("string-ci=?", ==),
    folded!("string-ci<?", <),
    folded!("string-ci>?", >),
    folded!("string-ci<=?", <=),
    folded!("string-ci>=?", >=),
];

pub(super) fn length(string: &Shared<Text>) -> usize {
    string.with(|string| string.characters.len())
}

/// A string, which the program pays for going through.
fn paid<'a>(world: &World, value: &'a Value, by: &str) -> Result<&'a Shared<Text>, Box<Fault>> {
    let string = string(value, by)?;
    world.fuel.bytes(length(string) * size_of::<char>());
    Ok(string)
}

/// The bytes in UTF-8 of what a character becomes in another case: three characters at most.
const FOLDED: usize = 12;

/// What it is in Unicode's full case folding. As UTF-8 it is ordered as its characters are.
fn folded(world: &World, value: &Value, by: &str) -> Result<String, Box<Fault>> {
    let string = string(value, by)?;
    reserve(world, length(string), FOLDED)?;
    Ok(string.with(|string| foldcase(&string.characters)))
}

/// Unicode's full case folding.
pub(super) fn foldcase(characters: &[char]) -> String {
    characters
        .iter()
        .flat_map(|c| characters::folded(*c))
        .collect()
}
