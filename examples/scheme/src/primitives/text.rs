//! Strings as wholes: parts, copies, conversions, cases.

use segno::snapshot::Shared;

use super::arguments::{PAIR, character, items, reserve, string};
use super::index::{literal, range, room};
use super::strings::{foldcase, length};
use super::{Table, fixed, optional, variadic};
use crate::condition::Fault;
use crate::primitive::Answer;
use crate::value::{Text, Value};
use crate::world::World;

pub(super) const TABLE: Table = &[
    fixed("string-upcase", 1, |world, args| {
        map(world, args, "string-upcase", |text| {
            text.iter().collect::<String>().to_uppercase()
        })
    }),
    fixed("string-downcase", 1, |world, args| {
        // A whole at once, since a final sigma is another one.
        map(world, args, "string-downcase", |text| {
            text.iter().collect::<String>().to_lowercase()
        })
    }),
    fixed("string-foldcase", 1, |world, args| {
        map(world, args, "string-foldcase", foldcase)
    }),
    variadic("string-append", 0, |world, args| {
        concatenate(world, args, &[], "string-append")
    }),
    optional("string-join", 1, 2, |world, args| {
        let by = "string-join";
        let delimiter = match args.get(1) {
            Some(delimiter) => string(delimiter, by)?.with(|text| text.characters.clone()),
            None => vec![' '],
        };
        concatenate(world, &items(&args[0], by)?, &delimiter, by)
    }),
    fixed("substring", 3, |world, args| {
        part(world, args, 0, "substring").map(Value::text)
    }),
    optional("string-copy", 1, 3, |world, args| {
        part(world, args, 0, "string-copy").map(Value::text)
    }),
    optional("string->list", 1, 3, |world, args| {
        let characters = part(world, args, PAIR, "string->list")?;
        Ok(Value::list(characters.into_iter().map(Value::from)))
    }),
    fixed("list->string", 1, |world, args| {
        let items = items(&args[0], "list->string")?;
        reserve(world, items.len(), size_of::<char>())?;
        let characters = items.iter().map(|item| character(item, "list->string"));
        Ok(Value::text(characters.collect::<Result<_, _>>()?))
    }),
    optional("string->vector", 1, 3, |world, args| {
        let characters = part(world, args, size_of::<Value>(), "string->vector")?;
        let elements = characters.into_iter().map(Value::from);
        Ok(Value::vector(elements.collect()))
    }),
    optional("string-copy!", 3, 5, |world, args| copy_into(world, args)),
    optional("string-fill!", 2, 4, |world, args| {
        let by = "string-fill!";
        let text = string(&args[0], by)?;
        let fill = character(&args[1], by)?;
        let range = range(&args[2..], length(text), by)?;
        world.fuel.bytes(range.len() * size_of::<char>());
        refuse_literal(text, by)?;
        text.update(|text| text.characters[range].fill(fill));
        Ok(Value::Unspecified)
    }),
];

fn refuse_literal(text: &Shared<Text>, by: &str) -> Result<(), Box<Fault>> {
    if text.with(|text| text.literal) {
        return Err(literal(&Value::String(text.clone()), by));
    }
    Ok(())
}

/// A text made of another.
fn map(world: &World, args: &[Value], by: &str, map: fn(&[char]) -> String) -> Answer {
    /// A character becomes three at most, and each is there as UTF-8 too.
    const GROWTH: usize = 3 * 2;
    let text = string(&args[0], by)?;
    reserve(world, length(text), GROWTH * size_of::<char>())?;
    let mapped = text.with(|text| map(&text.characters));
    Ok(Value::string(&mapped))
}

/// All texts, with a delimiter between.
fn concatenate(world: &World, texts: &[Value], delimiter: &[char], by: &str) -> Answer {
    let mut total = 0_usize;
    for text in texts {
        total = total.saturating_add(length(string(text, by)?) + delimiter.len());
    }
    reserve(world, total, size_of::<char>())?;
    let mut all = Vec::with_capacity(total);
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            all.extend_from_slice(delimiter);
        }
        string(text, by)?.with(|text| all.extend_from_slice(&text.characters));
    }
    Ok(Value::text(all))
}

/// The characters that the arguments name, if there is memory for as many things of a size more.
fn part(world: &World, args: &[Value], size: usize, by: &str) -> Result<Vec<char>, Box<Fault>> {
    let text = string(&args[0], by)?;
    let range = range(&args[1..], length(text), by)?;
    reserve(world, range.len(), size + size_of::<char>())?;
    Ok(text.with(|text| text.characters[range].to_vec()))
}

/// Copies from the third argument to the first, which may be the same.
fn copy_into(world: &World, args: &[Value]) -> Answer {
    let by = "string-copy!";
    let (to, from) = (string(&args[0], by)?, string(&args[2], by)?);
    let range = range(&args[3..], length(from), by)?;
    world.fuel.bytes(range.len() * size_of::<char>());
    let start = room(&args[1], range.len(), length(to), by)?;
    refuse_literal(to, by)?;
    if to.same(from) {
        to.update(|text| text.characters.copy_within(range, start));
    } else {
        let end = start + range.len();
        from.with(|from| {
            to.update(|to| to.characters[start..end].copy_from_slice(&from.characters[range]));
        });
    }
    Ok(Value::Unspecified)
}
