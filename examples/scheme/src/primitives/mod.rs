//! The standard procedures, by topic: those that only compute.

mod arguments;
mod booleans;
mod bytevectors;
mod characters;
mod complex;
mod control;
mod equivalence;
mod exceptions;
mod files;
mod index;
pub(crate) mod inline;
mod input;
mod integers;
mod lists;
mod numbers;
mod output;
mod pairs;
mod ports;
mod procedures;
mod promises;
mod reals;
pub mod records;
mod srfi_1;
mod strings;
mod symbols;
mod system;
#[cfg(test)]
mod tests;
mod text;
mod vectors;
mod walk;

use crate::primitive::{Action, Answer, Primitive};
use crate::value::Value;
use crate::world::World;

pub use equivalence::is_equal;
pub use system::FEATURES;

/// The procedures of a topic.
pub(crate) type Table = &'static [Primitive];

/// All of them.
pub fn all() -> impl Iterator<Item = Primitive> {
    let tables: [Table; 25] = [
        booleans::TABLE,
        bytevectors::TABLE,
        characters::TABLE,
        complex::TABLE,
        control::TABLE,
        equivalence::TABLE,
        exceptions::TABLE,
        files::TABLE,
        input::TABLE,
        output::TABLE,
        ports::TABLE,
        integers::TABLE,
        lists::TABLE,
        numbers::TABLE,
        pairs::TABLE,
        procedures::TABLE,
        promises::TABLE,
        reals::TABLE,
        records::TABLE,
        srfi_1::TABLE,
        strings::TABLE,
        symbols::TABLE,
        system::TABLE,
        text::TABLE,
        vectors::TABLE,
    ];
    tables.into_iter().flatten().map(|primitive| {
        Primitive::new(
            primitive.name,
            primitive.least,
            primitive.most,
            primitive.action,
        )
    })
}

/// What a procedure that computes is written as.
pub(crate) type Compute = fn(&mut World, &[Value]) -> Answer;

/// A procedure of so many arguments.
pub(crate) const fn fixed(name: &'static str, count: usize, compute: Compute) -> Primitive {
    Primitive::new(name, count, Some(count), Action::Plain(compute))
}

/// A procedure some of whose arguments may be left out.
pub(crate) const fn optional(
    name: &'static str,
    least: usize,
    most: usize,
    compute: Compute,
) -> Primitive {
    Primitive::new(name, least, Some(most), Action::Plain(compute))
}

/// A procedure of any number of arguments from `least`.
pub(crate) const fn variadic(name: &'static str, least: usize, compute: Compute) -> Primitive {
    Primitive::new(name, least, None, Action::Plain(compute))
}
