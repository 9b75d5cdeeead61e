//! Trees as they are written, for people.

use std::borrow::{Cow, ToOwned};
use std::boxed::Box;
use std::collections::BTreeSet;
use std::fmt;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::limited::{Budget, DEFAULT_DEPTH, Limited};
use super::{Number, Tree, TreeError, refused};

/// One entry, whose key says what the other is.
struct Marked<T>(&'static str, T);

impl<T: Serialize> Serialize for Marked<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(1))?;
        map.serialize_entry(self.0, &self.1)?;
        map.end()
    }
}

/// Bytes, or their digits.
struct Hex<'a>(&'a [u8]);

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let byte = |pair: &[u8]| match *pair {
        [high, low] => Some((digit(high)? << 4 | digit(low)?) as u8),
        _ => None,
    };
    digits.as_bytes().chunks(2).map(byte).collect()
}

/// Whether every parser reads a number that is finite from its shortest digits as the same
/// again: those of most take a number of at most 53 bits, and multiply it once, by a power of
/// ten that a double holds exactly.
fn is_short(number: f64) -> bool {
    let text = format!("{number:e}");
    let Some((digits, exponent)) = text.split_once('e') else {
        return false;
    };
    let count = digits.bytes().filter(u8::is_ascii_digit).count() as i32;
    let is_in_range = |exponent: i32| exponent < 15 && exponent - (count - 1) >= -22;
    count <= 15 && exponent.parse().is_ok_and(is_in_range)
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let is_readable = to.is_human_readable();
        let is_plain = |number: f64| number.is_finite() && (!is_readable || is_short(number));
        match *self {
            Self::F32(number) if is_plain(Self::widened(number)) => match is_readable {
                true => to.serialize_f64(Self::widened(number)),
                false => to.serialize_f32(number),
            },
            Self::F32(number) if !number.is_nan() => {
                Marked(NUMBER, Self::F64(Self::widened(number)).to_string()).serialize(to)
            }
            Self::F64(number) if is_plain(number) => to.serialize_f64(number),
            Self::F32(_) | Self::F64(_) => Marked(NUMBER, self.to_string()).serialize(to),
            _ => match (self.integer(), self.integer()) {
                (Some(number), _) => to.serialize_i64(number),
                (None, Some(number)) => to.serialize_u64(number),
                (None, None) => Marked(NUMBER, self.to_string()).serialize(to),
            },
        }
    }
}

/// What begins a mark, and the marks.
const MARK: char = '$';
const SHARED: &str = "$shared";
const CONTINUATION: &str = "$continuation";
const NAMED: &str = "$named";
const TAG: &str = "$tag";
const KEY: &str = "$key";
const OPAQUE: &str = "$opaque";
const WITHHELD: &str = "$withheld";
const BYTES: &str = "$bytes";
const NUMBER: &str = "$number";
const SOME: &str = "$some";
const MAP: &str = "$map";

/// How `serde_json` hands over a number where it is compiled to keep all digits.
const DIGITS: &str = "$serde_json::private::Number";

/// Writes entries, whose keys are strings if they are there, as a map, or marked.
fn entries<'a, K: Serialize, S: Serializer>(
    entries: impl ExactSizeIterator<Item = (Option<Cow<'a, str>>, K, &'a Tree)> + Clone,
    to: S,
) -> Result<S::Ok, S::Error> {
    let mut known = BTreeSet::new();
    let is_single = entries.len() == 1;
    let is_plain = entries.clone().all(|(key, ..)| {
        key.is_some_and(|key| !(is_single && key.starts_with(MARK)) && known.insert(key))
    });
    if !is_plain {
        let pairs: Vec<_> = entries.map(|(_, key, value)| (key, value)).collect();
        return Marked(MAP, pairs).serialize(to);
    }
    let mut map = to.serialize_map(Some(entries.len()))?;
    for (_, key, value) in entries {
        map.serialize_entry(&key, value)?;
    }
    map.end()
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unit => to.serialize_unit(),
            Self::Bool(value) => to.serialize_bool(*value),
            Self::Number(number) => number.serialize(to),
            Self::Char(value) => to.serialize_char(*value),
            Self::Str(value) => to.serialize_str(value),
            Self::Bytes(bytes) => Marked(BYTES, Hex(bytes)).serialize(to),
            Self::None => to.serialize_none(),
            Self::Some(inner) if inner.is_null() => Marked(SOME, inner).serialize(to),
            Self::Some(inner) => inner.serialize(to),
            Self::Seq(list) | Self::Tuple(list) => to.collect_seq(list),
            Self::Map(map) => entries(map.iter().map(|(key, value)| (key.key(), key, value)), to),
            Self::Struct { fields, .. } => entries(
                fields
                    .iter()
                    .map(|(name, value)| (Some(Cow::Borrowed(&**name)), name, value)),
                to,
            ),
            Self::Variant {
                name,
                content: None,
                ..
            } => to.serialize_str(name),
            Self::Variant {
                name,
                content: Some(content),
                ..
            } => {
                let entry = (Some(Cow::Borrowed(&**name)), name, &**content);
                entries([entry].into_iter(), to)
            }
            Self::Shared(index) => Marked(SHARED, index).serialize(to),
            Self::Continuation(index) => Marked(CONTINUATION, index).serialize(to),
            Self::Named { name, revision } => Marked(NAMED, (name, revision)).serialize(to),
            Self::Tag(index) => Marked(TAG, index).serialize(to),
            Self::Key(index) => Marked(KEY, index).serialize(to),
            Self::Opaque(bytes) => Marked(OPAQUE, Hex(bytes)).serialize(to),
            Self::Withheld => Marked(WITHHELD, ()).serialize(to),
        }
    }
}

/// How many levels a text takes for each level of a value: a map with other keys than strings
/// is a mark, the list in it, and each of its pairs.
const TEXT_LEVELS: u32 = 3;

/// From any format that describes itself. The text may be as deep as that of a value may be;
/// each level takes some of the Rust stack, in a debug build up to five KiB.
impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let budget = Budget::new(TEXT_LEVELS * DEFAULT_DEPTH, u64::MAX);
        Any.deserialize(Limited::new(from, &budget))
    }
}

/// Reads whatever there is.
#[derive(Clone, Copy)]
struct Any;

impl<'de> DeserializeSeed<'de> for Any {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Tree, D::Error> {
        from.deserialize_any(self)
    }
}

macro_rules! visit {
    ($($method:ident($value:ident: $type:ty) $tree:expr;)*) => {$(
        fn $method<E: serde::de::Error>(self, $value: $type) -> Result<Tree, E> {
            Ok($tree)
        }
    )*};
}

impl<'de> Visitor<'de> for Any {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    visit! {
        visit_bool(value: bool) Tree::Bool(value);
        visit_i8(number: i8) Tree::Number(Number::I8(number));
        visit_i16(number: i16) Tree::Number(Number::I16(number));
        visit_i32(number: i32) Tree::Number(Number::I32(number));
        visit_i64(number: i64) Tree::Number(Number::I64(number));
        visit_i128(number: i128) Tree::Number(Number::I128(number));
        visit_u8(number: u8) Tree::Number(Number::U8(number));
        visit_u16(number: u16) Tree::Number(Number::U16(number));
        visit_u32(number: u32) Tree::Number(Number::U32(number));
        visit_u64(number: u64) Tree::Number(Number::U64(number));
        visit_u128(number: u128) Tree::Number(Number::U128(number));
        visit_f32(number: f32) Tree::Number(Number::F32(number));
        visit_f64(number: f64) Tree::Number(Number::F64(number));
        visit_char(value: char) Tree::Char(value);
        visit_str(value: &str) Tree::Str(value.to_owned());
        visit_string(value: String) Tree::Str(value);
        visit_bytes(value: &[u8]) Tree::Bytes(value.to_vec());
        visit_byte_buf(value: Vec<u8>) Tree::Bytes(value);
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::None)
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Unit)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Tree, D::Error> {
        let inner = self.deserialize(inner)?;
        Ok(Tree::Some(Box::new(inner)))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, held: D) -> Result<Tree, D::Error> {
        self.deserialize(held)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = from.next_element_seed(self)? {
            list.push(value);
        }
        Ok(Tree::Seq(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = from.next_entry_seed(self, self)? {
            entries.push(entry);
        }
        match &mut *entries {
            [(Tree::Str(mark), value)] if mark.starts_with(MARK) => {
                let meant = unmarked(mark, std::mem::replace(value, Tree::Unit));
                meant.map_err(A::Error::custom)
            }
            _ => Ok(Tree::Map(entries)),
        }
    }
}

/// What a mark and a value mean.
fn unmarked(mark: &str, value: Tree) -> Result<Tree, TreeError> {
    let text = || match &value {
        Tree::Str(text) => Ok(&**text),
        _ => Err(refused(format!("{mark} is of a string"))),
    };
    let bytes = || {
        let wrong = || refused(format!("{mark} is of an even number of digits, 0 to f"));
        from_hex(text()?).ok_or_else(wrong)
    };
    Ok(match mark {
        SHARED => Tree::Shared(value.read()?),
        CONTINUATION => Tree::Continuation(value.read()?),
        NAMED => {
            let (name, revision) = value.read()?;
            Tree::Named { name, revision }
        }
        TAG => Tree::Tag(value.read()?),
        KEY => Tree::Key(value.read()?),
        OPAQUE => Tree::Opaque(bytes()?),
        WITHHELD => value.read().map(|()| Tree::Withheld)?,
        BYTES => Tree::Bytes(bytes()?),
        NUMBER | DIGITS => {
            let text = text()?;
            let number = Number::parse(text);
            let wrong = || refused(format!("`{text}` is no number"));
            Tree::Number(number.ok_or_else(wrong)?)
        }
        SOME => Tree::Some(Box::new(value)),
        MAP => {
            let wrong = || refused(format!("{mark} is of a list of pairs"));
            let pair = |pair| match pair {
                Tree::Seq(pair) => <[Tree; 2]>::try_from(pair).ok().map(|[k, v]| (k, v)),
                _ => None,
            };
            let Tree::Seq(pairs) = value else {
                return Err(wrong());
            };
            let entries: Option<_> = pairs.into_iter().map(pair).collect();
            Tree::Map(entries.ok_or_else(wrong)?)
        }
        _ => {
            return Err(refused(format!(
                "there is no mark {mark}: write a map that is meant as {{\"{MAP}\": [[\"{mark}\", …]]}}"
            )));
        }
    })
}
