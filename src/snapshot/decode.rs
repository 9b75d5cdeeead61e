//! Reading values by their shapes.

use std::borrow::ToOwned;
use std::boxed::Box;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::string::String;
use std::vec::Vec;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::limited::{Budget, Exceeded, Limited};
use super::load::LoadLimits;
use super::shape::Shape;
use super::tree::{Number, Tree};

/// Why bytes could not be decoded by a shape.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// What is there was not met when the shape was made, or can be one of several.
    NotMet,
    /// The bytes are none of a value of this shape.
    Damaged,
    /// There is more than may be decoded.
    Limit {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMet => f.write_str(
                "the schema does not know a value that is there: read it with its program",
            ),
            Self::Damaged => f.write_str("a value is not what the schema says: take another copy"),
            Self::Limit { what, limit } => write!(
                f,
                "the values have more than {limit} {what}: raise the limit if they are trusted"
            ),
        }
    }
}

impl std::error::Error for Unreadable {}

impl Shape {
    /// Decodes all of these bytes.
    ///
    /// # Errors
    ///
    /// If they are none of such a value, or something was not met, or more than may be.
    pub fn decode(&self, bytes: &[u8], limits: LoadLimits) -> Result<Tree, Unreadable> {
        match self.decode_front(bytes, &Room::new(limits))? {
            (tree, []) => Ok(tree),
            _ => Err(Unreadable::Damaged),
        }
    }

    /// Decodes a value from the front, and answers what follows.
    pub(super) fn decode_front<'a>(
        &self,
        bytes: &'a [u8],
        room: &Room,
    ) -> Result<(Tree, &'a [u8]), Unreadable> {
        let mut from = postcard::Deserializer::from_bytes(bytes);
        let decode = Decode { shape: self, room };
        let tree = decode.deserialize(Limited::new(&mut from, &room.budget));
        let tree = tree.map_err(|_| room.failed())?;
        match from.finalize() {
            Ok(after) => Ok((tree, after)),
            Err(_) => Err(Unreadable::Damaged),
        }
    }
}

/// What may still be used while values are decoded by shapes.
///
/// The budget bounds what the bytes ask for, and this the memory besides: a shape that lies
/// asks for a thousand fields of no bytes at each element, with long names.
pub(super) struct Room {
    budget: Budget,
    limits: LoadLimits,
    memory: Cell<usize>,
    error: Cell<Option<Unreadable>>,
}

/// How many bytes of memory decoded values may take for each frame, object and element that
/// there may be.
const MEMORY: usize = 256;

impl Room {
    pub(super) fn new(limits: LoadLimits) -> Self {
        Self {
            budget: Budget::new(limits.depth, limits.elements),
            limits,
            memory: Cell::new(Self::memory(limits)),
            error: Cell::new(None),
        }
    }

    fn memory(limits: LoadLimits) -> usize {
        let LoadLimits {
            frames, objects, ..
        } = limits;
        let elements = usize::try_from(limits.elements).unwrap_or(usize::MAX);
        let all = elements.saturating_add(frames).saturating_add(objects);
        all.saturating_add(1).saturating_mul(MEMORY)
    }

    fn take<E: serde::de::Error>(&self, bytes: usize) -> Result<(), E> {
        match self.memory.get().checked_sub(bytes) {
            Some(left) => {
                self.memory.set(left);
                Ok(())
            }
            None => Err(self.refuse(Unreadable::Limit {
                what: "bytes of memory for its values",
                limit: Self::memory(self.limits),
            })),
        }
    }

    fn name<E: serde::de::Error>(&self, name: &str) -> Result<String, E> {
        self.take(name.len())?;
        Ok(name.to_owned())
    }

    /// A copy of a name.
    pub(super) fn text(&self, name: &str) -> Result<String, Unreadable> {
        self.name::<serde::de::value::Error>(name)
            .map_err(|_| self.failed())
    }

    /// The error is for serde; the real one is kept here.
    fn refuse<E: serde::de::Error>(&self, why: Unreadable) -> E {
        self.error.set(Some(why));
        E::custom("it cannot be decoded by its shape")
    }

    /// What a value failed for.
    fn failed(&self) -> Unreadable {
        let limits = self.limits;
        match (self.error.take(), self.budget.exceeded()) {
            (Some(error), _) => error,
            (None, None) => Unreadable::Damaged,
            (None, Some(Exceeded::Depth)) => Unreadable::Limit {
                what: "levels",
                limit: limits.depth as usize,
            },
            (None, Some(Exceeded::Elements)) => Unreadable::Limit {
                what: "elements",
                limit: usize::try_from(limits.elements).unwrap_or(usize::MAX),
            },
        }
    }
}

/// Decodes a value of a shape.
#[derive(Clone, Copy)]
struct Decode<'a> {
    shape: &'a Shape,
    room: &'a Room,
}

impl<'a> Decode<'a> {
    fn of(self, shape: &'a Shape) -> Self {
        Self { shape, ..self }
    }

    fn next<'de, A: SeqAccess<'de>>(
        self,
        shape: &'a Shape,
        from: &mut A,
    ) -> Result<Tree, A::Error> {
        let element = from.next_element_seed(self.of(shape))?;
        element.ok_or_else(|| self.room.refuse(Unreadable::Damaged))
    }
}

impl<'de> DeserializeSeed<'de> for Decode<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Tree, D::Error> {
        self.room.take(size_of::<Tree>())?;
        match self.shape {
            Shape::Unknown | Shape::Mixed => Err(self.room.refuse(Unreadable::NotMet)),
            Shape::Unit => from.deserialize_unit(self),
            Shape::Bool => from.deserialize_bool(self),
            Shape::I8 => from.deserialize_i8(self),
            Shape::I16 => from.deserialize_i16(self),
            Shape::I32 => from.deserialize_i32(self),
            Shape::I64 => from.deserialize_i64(self),
            Shape::I128 => from.deserialize_i128(self),
            Shape::U8 => from.deserialize_u8(self),
            Shape::U16 => from.deserialize_u16(self),
            Shape::U32 | Shape::Shared | Shape::Continuation | Shape::Tag | Shape::Key => {
                from.deserialize_u32(self)
            }
            Shape::U64 => from.deserialize_u64(self),
            Shape::U128 => from.deserialize_u128(self),
            Shape::F32 => from.deserialize_f32(self),
            Shape::F64 => from.deserialize_f64(self),
            Shape::Char => from.deserialize_char(self),
            Shape::Str => from.deserialize_str(self),
            Shape::Bytes => from.deserialize_bytes(self),
            Shape::Option(_) => from.deserialize_option(self),
            Shape::Seq(_) => from.deserialize_seq(self),
            Shape::Tuple(elements) => from.deserialize_tuple(elements.len(), self),
            Shape::Map(_) => from.deserialize_map(self),
            Shape::Struct { fields, .. } => from.deserialize_tuple(fields.len(), self),
            Shape::Enum { .. } => from.deserialize_enum("", &[], self),
            Shape::Named => from.deserialize_tuple(2, self),
        }
    }
}

/// Methods that are given a number of one type.
macro_rules! visit_numbers {
    ($($method:ident($type:ty) $number:ident)*) => {$(
        fn $method<E>(self, value: $type) -> Result<Tree, E> {
            Ok(Tree::Number(Number::$number(value)))
        }
    )*};
}

impl<'de> Visitor<'de> for Decode<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shape.summary())
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Unit)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    visit_numbers! {
        visit_i8(i8) I8
        visit_i16(i16) I16
        visit_i32(i32) I32
        visit_i64(i64) I64
        visit_i128(i128) I128
        visit_u8(u8) U8
        visit_u16(u16) U16
        visit_u64(u64) U64
        visit_u128(u128) U128
        visit_f32(f32) F32
        visit_f64(f64) F64
    }

    fn visit_u32<E>(self, value: u32) -> Result<Tree, E> {
        Ok(match self.shape {
            Shape::Shared => Tree::Shared(value),
            Shape::Continuation => Tree::Continuation(value),
            Shape::Tag => Tree::Tag(value),
            Shape::Key => Tree::Key(value),
            _ => Tree::Number(Number::U32(value)),
        })
    }

    fn visit_char<E>(self, value: char) -> Result<Tree, E> {
        Ok(Tree::Char(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Tree, E> {
        self.room.name(value).map(Tree::Str)
    }

    fn visit_bytes<E: serde::de::Error>(self, value: &[u8]) -> Result<Tree, E> {
        self.room.take(value.len())?;
        Ok(Tree::Bytes(value.to_vec()))
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Tree, D::Error> {
        let Shape::Option(content) = self.shape else {
            return Err(self.room.refuse(Unreadable::Damaged));
        };
        let content = self.of(content).deserialize(from)?;
        Ok(Tree::Some(Box::new(content)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        match self.shape {
            Shape::Seq(shape) => {
                let mut elements = Vec::new();
                while let Some(element) = from.next_element_seed(self.of(shape))? {
                    elements.push(element);
                }
                Ok(Tree::Seq(elements))
            }
            Shape::Tuple(shapes) => {
                let elements = shapes.iter().map(|shape| self.next(shape, &mut from));
                Ok(Tree::Tuple(elements.collect::<Result<_, _>>()?))
            }
            Shape::Struct { name, fields } => {
                let name = self.room.name(name)?;
                let fields = fields.iter().map(|(name, shape)| {
                    let name = self.room.name(name)?;
                    Ok((name, self.next(shape, &mut from)?))
                });
                let fields = fields.collect::<Result<_, _>>()?;
                Ok(Tree::Struct { name, fields })
            }
            Shape::Named => match (from.next_element::<&str>()?, from.next_element()?) {
                (Some(name), Some(revision)) => {
                    let name = self.room.name(name)?;
                    Ok(Tree::Named { name, revision })
                }
                _ => Err(self.room.refuse(Unreadable::Damaged)),
            },
            _ => Err(self.room.refuse(Unreadable::Damaged)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let Shape::Map(shapes) = self.shape else {
            return Err(self.room.refuse(Unreadable::Damaged));
        };
        let mut entries = Vec::new();
        while let Some(entry) = from.next_entry_seed(self.of(&shapes.0), self.of(&shapes.1))? {
            entries.push(entry);
        }
        Ok(Tree::Map(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, from: A) -> Result<Tree, A::Error> {
        let Shape::Enum { name, variants } = self.shape else {
            return Err(self.room.refuse(Unreadable::Damaged));
        };
        let (index, from) = from.variant_seed(PhantomData::<u32>)?;
        let Some(variant) = variants.get(&index) else {
            return Err(self.room.refuse(Unreadable::NotMet));
        };
        let content = match &variant.content {
            None => {
                from.unit_variant()?;
                None
            }
            Some(shape) => {
                let content = self.of(shape);
                // Fields of a variant are on its own level, as they were in its type.
                let fields = match shape {
                    Shape::Tuple(elements) => Some(elements.len()),
                    Shape::Struct { fields, .. } => Some(fields.len()),
                    _ => None,
                };
                let content = match fields {
                    Some(len) => from.tuple_variant(len, content)?,
                    None => from.newtype_variant_seed(content)?,
                };
                self.room.take(size_of::<Tree>())?;
                Some(Box::new(content))
            }
        };
        Ok(Tree::Variant {
            of: self.room.name(name)?,
            index,
            name: self.room.name(&variant.name)?,
            content,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::vec;

    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use serde::{Deserialize, Serialize, Serializer};

    use super::super::shape::VariantShape;
    use super::*;

    #[derive(Clone, Debug, Serialize)]
    struct Unit;

    #[derive(Clone, Debug, Serialize)]
    struct Meters(f64);

    #[derive(Clone, Debug, Serialize)]
    struct Point(i16, u8, f32);

    #[derive(Clone, Debug)]
    struct Bytes(Vec<u8>);

    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.serialize_bytes(&self.0)
        }
    }

    /// One variant for each thing that serde knows.
    #[derive(Clone, Debug, Serialize)]
    enum Any {
        Leaf,
        Flag(bool),
        Wide(i128, u128),
        Small(i8, u16, i32, u32),
        Letter(char),
        Text(String),
        Bytes(Bytes),
        Nothing(Unit, ()),
        Meters(Meters),
        Point(Point),
        Array([u8; 3]),
        Node {
            left: Option<Box<Any>>,
            result: Result<i64, String>,
            children: Vec<Any>,
        },
        Table(BTreeMap<String, Any>),
        Numbers(BTreeMap<u64, Vec<Option<u64>>>),
    }

    fn any_value() -> impl Strategy<Value = Any> {
        let options = prop::collection::vec(any::<Option<u64>>(), 0..3);
        let numbers = prop::collection::btree_map(any::<u64>(), options, 0..3);
        let leaf = prop_oneof![
            Just(Any::Leaf),
            Just(Any::Nothing(Unit, ())),
            any::<bool>().prop_map(Any::Flag),
            any::<(i128, u128)>().prop_map(|(a, b)| Any::Wide(a, b)),
            any::<(i8, u16, i32, u32)>().prop_map(|(a, b, c, d)| Any::Small(a, b, c, d)),
            any::<char>().prop_map(Any::Letter),
            ".{0,5}".prop_map(Any::Text),
            prop::collection::vec(any::<u8>(), 0..5).prop_map(|it| Any::Bytes(Bytes(it))),
            any::<f64>().prop_map(|length| Any::Meters(Meters(length))),
            any::<(i16, u8, f32)>().prop_map(|(a, b, c)| Any::Point(Point(a, b, c))),
            any::<[u8; 3]>().prop_map(Any::Array),
            numbers.prop_map(Any::Numbers),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            let node = (
                prop::option::of(inner.clone()),
                prop::result::maybe_ok(any::<i64>(), ".{0,5}"),
                prop::collection::vec(inner.clone(), 0..4),
            );
            prop_oneof![
                node.prop_map(|(left, result, children)| Any::Node {
                    left: left.map(Box::new),
                    result,
                    children,
                }),
                prop::collection::btree_map(".{0,5}", inner, 0..3).prop_map(Any::Table),
            ]
        })
    }

    fn any_shape() -> impl Strategy<Value = Shape> {
        let leaf = prop_oneof![
            Just(Shape::Unknown),
            Just(Shape::Mixed),
            Just(Shape::Unit),
            Just(Shape::Bool),
            Just(Shape::I128),
            Just(Shape::U8),
            Just(Shape::F64),
            Just(Shape::Char),
            Just(Shape::Str),
            Just(Shape::Bytes),
            Just(Shape::Shared),
            Just(Shape::Continuation),
            Just(Shape::Named),
            Just(Shape::Tag),
            Just(Shape::Key),
        ];
        leaf.prop_recursive(6, 40, 6, |inner| {
            let name = || "[a-z]{0,2}".prop_map(|name| name.as_str().into());
            let content = prop::option::of(inner.clone());
            let variant =
                (name(), content).prop_map(|(name, content)| VariantShape { name, content });
            prop_oneof![
                inner.clone().prop_map(|it| Shape::Option(it.into())),
                inner.clone().prop_map(|it| Shape::Seq(it.into())),
                (inner.clone(), inner.clone()).prop_map(|it| Shape::Map(it.into())),
                prop::collection::vec(inner.clone(), 0..5).prop_map(Shape::Tuple),
                (name(), prop::collection::vec((name(), inner), 0..5))
                    .prop_map(|(name, fields)| Shape::Struct { name, fields }),
                (name(), prop::collection::btree_map(0..5u32, variant, 0..5))
                    .prop_map(|(name, variants)| Shape::Enum { name, variants }),
            ]
        })
    }

    fn limits(depth: u32, elements: u64) -> LoadLimits {
        LoadLimits {
            depth,
            elements,
            frames: 0,
            objects: 0,
            ..LoadLimits::default()
        }
    }

    /// How many bytes of memory a tree takes, of what is counted.
    fn memory(tree: &Tree) -> usize {
        let inside = match tree {
            Tree::Str(text) => text.len(),
            Tree::Bytes(bytes) => bytes.len(),
            Tree::Some(content) => memory(content),
            Tree::Seq(elements) | Tree::Tuple(elements) => elements.iter().map(memory).sum(),
            Tree::Map(entries) => {
                let entry = |(key, value): &(Tree, Tree)| memory(key) + memory(value);
                entries.iter().map(entry).sum()
            }
            Tree::Struct { name, fields } => {
                let field = |(name, value): &(String, Tree)| name.len() + memory(value);
                name.len() + fields.iter().map(field).sum::<usize>()
            }
            Tree::Variant {
                of, name, content, ..
            } => of.len() + name.len() + content.as_ref().map_or(0, |content| memory(content)),
            Tree::Named { name, .. } => name.len(),
            _ => 0,
        };
        size_of::<Tree>() + inside
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 300,
            rng_seed: RngSeed::Fixed(1),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn values_are_read_by_the_shape_of_all(values in prop::collection::vec(any_value(), 1..6)) {
            let trees: Vec<_> = values.iter().map(|value| Tree::of(value).unwrap()).collect();
            let union = |shape: Shape, tree: &Tree| shape.union(Shape::of(tree)).unwrap();
            let shape = trees.iter().fold(Shape::Unknown, union);
            prop_assert_eq!(&trees.iter().rev().fold(Shape::Unknown, union), &shape);
            for tree in &trees {
                let one = Shape::of(&trees[0]);
                let both = one.clone().union(Shape::of(tree)).unwrap();
                prop_assert!(shape.covers(tree));
                prop_assert_eq!(one.covers(tree), both == one);
            }
            let stored = postcard::to_stdvec(&shape).unwrap();
            prop_assert_eq!(&postcard::from_bytes::<Shape>(&stored).unwrap(), &shape);
            for (value, tree) in values.iter().zip(&trees) {
                let bytes = postcard::to_stdvec(value).unwrap();
                let read = shape.decode(&bytes, LoadLimits::default());
                prop_assert_eq!(read.as_ref(), Ok(tree));
                for len in 0..bytes.len() {
                    prop_assert!(shape.decode(&bytes[..len], LoadLimits::default()).is_err());
                }
            }
        }

        #[test]
        fn whatever_the_shape_and_the_bytes_little_is_read(
            shape in any_shape(),
            bytes in prop::collection::vec(prop_oneof![0..5u8, any::<u8>()], 0..40),
        ) {
            let stored = postcard::to_stdvec(&shape).unwrap();
            prop_assert_eq!(&postcard::from_bytes::<Shape>(&stored).unwrap(), &shape);
            let limits = limits(5, 20);
            if let Ok((tree, _)) = shape.decode_front(&bytes, &Room::new(limits)) {
                prop_assert!(memory(&tree) <= Room::memory(limits));
            }
            let _ = shape.decode(&bytes, limits);
        }

        #[test]
        fn shapes_of_any_bytes_are_read_or_refused(
            shape in any_shape(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0..40u8), 0..4),
        ) {
            let mut stored = postcard::to_stdvec(&shape).unwrap();
            for (at, byte) in changes {
                let at = at.index(stored.len());
                stored[at] = byte;
            }
            if let Ok(shape) = postcard::from_bytes::<Shape>(&stored) {
                let again = postcard::to_stdvec(&shape).unwrap();
                prop_assert_eq!(postcard::from_bytes::<Shape>(&again).unwrap(), shape);
            }
        }
    }

    #[test]
    fn each_limit_is_told() {
        let empty = Shape::Seq(Shape::Tuple(vec![Shape::Unit; 100]).into());
        let billions = [0xff, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(
            empty.decode(&billions, limits(5, 20)),
            Err(Unreadable::Limit {
                what: "bytes of memory for its values",
                limit: 21 * MEMORY,
            })
        );
        assert_eq!(
            Shape::Seq(Shape::Unit.into()).decode(&billions, limits(5, 20)),
            Err(Unreadable::Limit {
                what: "elements",
                limit: 20
            })
        );
        let deep = (0..6).fold(Shape::U8, |shape, _| Shape::Option(shape.into()));
        assert!(deep.decode(&[1, 1, 1, 1, 1, 1, 7], limits(6, 5)).is_ok());
        assert_eq!(
            deep.decode(&[1, 1, 1, 1, 1, 1, 7], limits(5, 5)),
            Err(Unreadable::Limit {
                what: "levels",
                limit: 5
            })
        );
        // What is too deep to be of use is not made either.
        let deep = (0..2_000).fold(Shape::U8, |shape, _| Shape::Option(shape.into()));
        let stored = postcard::to_stdvec(&deep).unwrap();
        assert!(postcard::from_bytes::<Shape>(&stored).is_err());
    }

    #[test]
    fn what_was_not_met_is_told_from_what_is_damaged() {
        #[derive(Serialize, Deserialize)]
        enum Light {
            Red,
            Green,
        }

        let some = Tree::of(&Some(Light::Green)).unwrap();
        let shape = Shape::of(&some);
        let limits = LoadLimits::default();
        assert_eq!(shape.decode(&[1, 1], limits), Ok(some));
        assert_eq!(shape.decode(&[0], limits), Ok(Tree::None));
        let red = postcard::to_stdvec(&Some(Light::Red)).unwrap();
        assert_eq!(shape.decode(&red, limits), Err(Unreadable::NotMet));
        assert_eq!(shape.decode(&[2], limits), Err(Unreadable::Damaged));
        assert_eq!(shape.decode(&[1], limits), Err(Unreadable::Damaged));
        assert_eq!(shape.decode(&[1, 1, 0], limits), Err(Unreadable::Damaged));
        let never = Shape::of(&Tree::Seq(Vec::new()));
        assert_eq!(never.decode(&[0], limits), Ok(Tree::Seq(Vec::new())));
        assert_eq!(never.decode(&[1], limits), Err(Unreadable::NotMet));
    }

    #[test]
    fn a_conflict_stays_where_it_is() {
        let number = |n| Tree::Number(Number::U8(n));
        let one = Tree::Tuple(vec![number(1), number(2), number(3)]);
        let other = Tree::Tuple(vec![number(1), Tree::Str("two".into()), number(3)]);
        let mut shape = Shape::of(&one);
        let conflict = shape.add(Shape::of(&other)).unwrap_err();
        assert_eq!((&*conflict.known, &*conflict.met), ("u8", "str"));
        let parts = vec![Shape::U8, Shape::Mixed, Shape::U8];
        assert_eq!(shape, Shape::Tuple(parts));
        assert_eq!(shape.add(Shape::of(&one)), Ok(()));
        assert_eq!(Shape::of(&one).union(Shape::of(&other)), Err(conflict));
        let mixed = Shape::of(&Tree::Seq(vec![one, other]));
        assert_eq!(mixed, Shape::Seq(shape.into()));
    }
}
