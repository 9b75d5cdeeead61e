//! Symbols.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use segno::snapshot::Shared;

use super::arguments::{chain, reserve, string, symbol};
use super::strings::length;
use super::{Table, fixed, optional, variadic};
use crate::value::{Text, Value};

pub(super) const TABLE: Table = &[
    fixed("symbol?", 1, |_, args| {
        Ok(matches!(args[0], Value::Symbol(_)).into())
    }),
    variadic("symbol=?", 1, |_, args| {
        chain(args, "symbol=?", symbol, |a, b| a == b)
    }),
    fixed("symbol->string", 1, |world, args| {
        let name = symbol(&args[0], "symbol->string")?;
        reserve(world, name.as_str().len(), size_of::<char>())?;
        Ok(Value::String(Shared::new(Text {
            characters: name.as_str().chars().collect(),
            literal: true,
        })))
    }),
    fixed("string->symbol", 1, |world, args| {
        let text = string(&args[0], "string->symbol")?;
        // As a text, and as the name of the symbol.
        reserve(world, length(text), 2 * size_of::<char>())?;
        let name: String = text.with(|text| text.characters.iter().collect());
        Ok(Value::symbol(&name))
    }),
    optional("gensym", 0, 1, |_, _| Ok(fresh())),
    optional("generate-uninterned-symbol", 0, 1, |_, _| Ok(fresh())),
    optional("make-continuation-mark-key", 0, 1, |_, _| Ok(fresh())),
];

/// A symbol that nobody has spelled. Symbols are their spellings, in snapshots too, so that it has
/// one that differs between processes.
fn fresh() -> Value {
    thread_local! {
        static PROCESS: u64 = RandomState::new().hash_one(0);
        static NEXT: Cell<u64> = const { Cell::new(0) };
    }
    let number = NEXT.replace(NEXT.get() + 1);
    Value::symbol(&format!("g{number}.{:016x}", PROCESS.with(|id| *id)))
}
