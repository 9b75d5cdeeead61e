//! Characters: Unicode's simple mappings, of one character to one.

use caseless::Caseless;
use smallvec::{SmallVec, smallvec};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::arguments::{chain, character, count};
use super::{Table, fixed, variadic};
use crate::condition::Fault;
use crate::value::Value;

macro_rules! question {
    ($name:literal, $is:expr) => {
        fixed($name, 1, |_, args| {
            let is: fn(char) -> bool = $is;
            Ok(is(character(&args[0], $name)?).into())
        })
    };
}

macro_rules! mapping {
    ($name:literal, $map:ident) => {
        fixed($name, 1, |_, args| {
            Ok($map(character(&args[0], $name)?).into())
        })
    };
}

macro_rules! comparison {
    ($name:literal, $operator:tt) => {
        variadic($name, 1, |_, args| {
            chain(args, $name, character, |a, b| a $operator b)
        })
    };
}

macro_rules! folded {
    ($name:literal, $operator:tt) => {
        variadic($name, 1, |_, args| {
            let fold = |arg, by: &str| character(arg, by).map(foldcase);
            chain(args, $name, fold, |a, b| a $operator b)
        })
    };
}

pub(super) const TABLE: Table = &[
    fixed("char?", 1, |_, args| {
        Ok(matches!(args[0], Value::Character(_)).into())
    }),
    comparison!("char=?", ==),
    comparison!("char<?", <),
    comparison!("char>?", >),
    comparison!("char<=?", <=),
    comparison!("char>=?", >=),
    folded!("char-ci=?", ==),
    folded!("char-ci<?", <),
    folded!("char-ci>?", >),
    folded!("char-ci<=?", <=),
    folded!("char-ci>=?", >=),
    question!("char-alphabetic?", char::is_alphabetic),
    question!("char-numeric?", is_digit),
    question!("char-whitespace?", char::is_whitespace),
    question!("char-upper-case?", char::is_uppercase),
    question!("char-lower-case?", char::is_lowercase),
    fixed("digit-value", 1, |_, args| {
        let digit = digit(character(&args[0], "digit-value")?);
        Ok(digit.map_or(Value::False, Value::integer))
    }),
    fixed("char->integer", 1, |_, args| {
        let code = u32::from(character(&args[0], "char->integer")?);
        Ok(Value::integer(code.into()))
    }),
    fixed("integer->char", 1, |_, args| {
        let code = count(&args[0], "integer->char")?;
        let character = u32::try_from(code).ok().and_then(char::from_u32);
        let wrong = || Fault::expected("a Unicode scalar value", &args[0], "integer->char");
        character.map(Value::from).ok_or_else(wrong)
    }),
    mapping!("char-upcase", upcase),
    mapping!("char-downcase", downcase),
    mapping!("char-foldcase", foldcase),
];

/// Whether it is a decimal digit of any script.
fn is_digit(c: char) -> bool {
    c.general_category() == GeneralCategory::DecimalNumber
}

/// What a decimal digit counts. The digits of a script follow each other from zero on, and so do
/// several such rows.
fn digit(c: char) -> Option<i64> {
    if !is_digit(c) {
        return None;
    }
    let before = (0..u32::from(c)).rev().map(char::from_u32);
    let before = before.take_while(|c| c.is_some_and(is_digit));
    Some(before.count() as i64 % 10)
}

fn upcase(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        // Greek vowels with an iota below are in two cases, a few places apart, though the iota
        // stands beside in full.
        _ => [8, 9]
            .into_iter()
            .filter_map(|places| char::from_u32(u32::from(c) + places))
            .find(|upper| upper.to_lowercase().eq([c]))
            .unwrap_or(c),
    }
}

fn downcase(c: char) -> char {
    // Only the dotted capital I has more, which is the dot.
    c.to_lowercase().next().unwrap_or(c)
}

/// The full folding if that is one character, or else the simple one, which is the small letter.
fn foldcase(c: char) -> char {
    match folded(c)[..] {
        [folded] => folded,
        _ => {
            let mut lower = c.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(lower), None) => lower,
                _ => c,
            }
        }
    }
}

/// Unicode's full folding, of a character to one or several.
pub(super) fn folded(c: char) -> SmallVec<[char; 3]> {
    let table = |c: char| -> SmallVec<[char; 3]> { [c].into_iter().default_case_fold().collect() };
    let folded = table(c);
    let lower = downcase(c);
    // The standard library may know of letters that are too new for the table.
    if folded[..] == [c] && lower != c && table(lower)[..] == [lower] {
        return smallvec![lower];
    }
    folded
}
