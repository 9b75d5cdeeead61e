//! Reading what may be hostile: a deserializer around another one that counts.
//!
//! A few bytes can ask for much. Five of them make a `Vec<()>` of 8.6 billion, one byte per
//! level makes a chain that is deeper than the stack, and a length that lies makes a capacity.
//! So everything that a value is read through is wrapped in a [`Limited`], which
//!
//! - gives each level of nesting one level less than the one around it, and refuses to go
//!   below the last;
//! - takes each element of a sequence and each entry of a map from a [`Budget`], whatever its
//!   size, and refuses when that is used up;
//! - promises at most [`PROMISED`] elements in advance, so that memory is taken for what was
//!   read and not for what a length says.
//!
//! What the inner format bounds by its input anyway is passed through: strings and bytes,
//! which it has before it hands them over. The fields of a structure and of a tuple are
//! nesting, and not counted as elements, since their type bounds them.
//!
//! ```text
//!  Deserializer ──visitor──▶ Visitor ──access──▶ SeqAccess    ──seed──▶ DeserializeSeed
//!      ▲                        │                MapAccess                  │
//!      │                        │                EnumAccess, VariantAccess  │
//!      │                        └── some, newtype ──┐                       │
//!      └────────────────────────────────────────────┴───────────────────────┘
//! ```
//!
//! All of these are one type here, since all of them carry the same: what they stand around,
//! the budget, and the levels that are left.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// How deep a value may be nested where nobody says otherwise.
///
/// In a debug build of derived types a level takes 1 to 3 KiB of stack, in a release build 0.1
/// to 0.8, and the more the larger the values are that it hands up: this many fit a thread
/// that has 256 KiB.
pub(crate) const DEFAULT_DEPTH: u32 = 64;

/// How many elements a sequence or a map may make room for before it has read them.
///
/// Sequences that are not filled are those around the one that is being read, so that no more
/// room is wasted than this many times what a level's element takes, for each level.
const PROMISED: usize = 16;

/// What was used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exceeded {
    /// A value is nested deeper than allowed.
    Depth,
    /// The sequences and maps have, together, more elements than allowed.
    Elements,
}

/// What may still be used while values are read. Any number of them can share one.
#[derive(Debug)]
pub(crate) struct Budget {
    /// The levels of nesting that each value may have.
    depth: u32,
    /// The elements that are left to all of them together.
    elements: Cell<u64>,
    exceeded: Cell<Option<Exceeded>>,
}

impl Budget {
    /// Each value may have this many levels, and all together this many elements.
    pub(crate) const fn new(depth: u32, elements: u64) -> Self {
        Self {
            depth,
            elements: Cell::new(elements),
            exceeded: Cell::new(None),
        }
    }

    /// What was used up first. After an error it tells a limit from a mistake in the input,
    /// which the error itself, being the inner format's, cannot.
    pub(crate) fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded.get()
    }

    /// How many elements are left.
    pub(crate) fn elements(&self) -> u64 {
        self.elements.get()
    }

    #[inline]
    fn take_element<E: de::Error>(&self) -> Result<(), E> {
        match self.elements.get().checked_sub(1) {
            Some(left) => {
                self.elements.set(left);
                Ok(())
            }
            None => Err(self.refuse(Exceeded::Elements)),
        }
    }

    #[cold]
    #[inline(never)]
    fn refuse<E: de::Error>(&self, what: Exceeded) -> E {
        if self.exceeded.get().is_none() {
            self.exceeded.set(Some(what));
        }
        E::custom(match what {
            Exceeded::Depth => "the value is nested too deeply",
            Exceeded::Elements => "the values have too many elements",
        })
    }
}

/// A deserializer, or one of the helpers that it works with, within a [`Budget`].
///
/// `COUNTED` says of a visitor and of an access whether their sequence is one of elements, and
/// of a seed whether it is for an element.
#[derive(Debug)]
pub(crate) struct Limited<'b, T, const COUNTED: bool = true> {
    inner: T,
    budget: &'b Budget,
    /// The levels that are left. It goes down with the recursion by value, so that nothing has
    /// to be put back on the way up, by whichever way that is left.
    depth: u32,
}

impl<'b, T> Limited<'b, T> {
    /// Stands around a deserializer.
    #[inline]
    pub(crate) fn new(inner: T, budget: &'b Budget) -> Self {
        Self {
            inner,
            budget,
            depth: budget.depth,
        }
    }
}

impl<'b, T, const COUNTED: bool> Limited<'b, T, COUNTED> {
    /// The same limits around something else.
    #[inline]
    fn around<U, const ELEMENTS: bool>(&self, inner: U, depth: u32) -> Limited<'b, U, ELEMENTS> {
        Limited {
            inner,
            budget: self.budget,
            depth,
        }
    }

    /// The levels that are left to what is inside of this one.
    #[inline]
    fn below<E: de::Error>(&self) -> Result<u32, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(depth),
            None => Err(self.budget.refuse(Exceeded::Depth)),
        }
    }
}

/// Methods that hand a limited visitor to the method of the same name. `counted` are those that
/// a format may answer with any number of elements, `fixed` those where the type has the number.
macro_rules! forward {
    (counted: $($method:ident($($arg:ident: $type:ty),*))*) => {
        $(forward!(@ true $method($($arg: $type),*));)*
    };
    (fixed: $($method:ident($($arg:ident: $type:ty),*))*) => {
        $(forward!(@ false $method($($arg: $type),*));)*
    };
    (@ $counted:literal $method:ident($($arg:ident: $type:ty),*)) => {
        #[inline]
        fn $method<V: Visitor<'de>>(
            self,
            $($arg: $type,)*
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            let visitor = self.around::<V, $counted>(visitor, self.depth);
            self.inner.$method($($arg,)* visitor)
        }
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Limited<'_, D> {
    type Error = D::Error;

    forward! { counted:
        deserialize_any()
        deserialize_bool()
        deserialize_i8()
        deserialize_i16()
        deserialize_i32()
        deserialize_i64()
        deserialize_i128()
        deserialize_u8()
        deserialize_u16()
        deserialize_u32()
        deserialize_u64()
        deserialize_u128()
        deserialize_f32()
        deserialize_f64()
        deserialize_char()
        deserialize_str()
        deserialize_string()
        deserialize_bytes()
        deserialize_byte_buf()
        deserialize_option()
        deserialize_unit()
        deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str)
        deserialize_seq()
        deserialize_map()
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
        deserialize_identifier()
        deserialize_ignored_any()
    }

    forward! { fixed:
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// Methods that hand a value without parts to the method of the same name.
macro_rules! forward_visit {
    ($($method:ident($($value:ident: $type:ty)?))*) => {$(
        #[inline]
        fn $method<E: de::Error>(self, $($value: $type)?) -> Result<Self::Value, E> {
            self.inner.$method($($value)?)
        }
    )*};
}

impl<'de, V: Visitor<'de>, const COUNTED: bool> Visitor<'de> for Limited<'_, V, COUNTED> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    forward_visit! {
        visit_bool(value: bool)
        visit_i8(value: i8)
        visit_i16(value: i16)
        visit_i32(value: i32)
        visit_i64(value: i64)
        visit_i128(value: i128)
        visit_u8(value: u8)
        visit_u16(value: u16)
        visit_u32(value: u32)
        visit_u64(value: u64)
        visit_u128(value: u128)
        visit_f32(value: f32)
        visit_f64(value: f64)
        visit_char(value: char)
        visit_str(value: &str)
        visit_borrowed_str(value: &'de str)
        visit_string(value: String)
        visit_bytes(value: &[u8])
        visit_borrowed_bytes(value: &'de [u8])
        visit_byte_buf(value: Vec<u8>)
        visit_none()
        visit_unit()
    }

    // Levels are taken here and not where the type asks for them, since a format that describes
    // itself may answer any question with any of these.

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
        let inner = self.around::<D, true>(inner, self.below()?);
        self.inner.visit_some(inner)
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
        let inner = self.around::<D, true>(inner, self.below()?);
        self.inner.visit_newtype_struct(inner)
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
        let access = self.around::<A, COUNTED>(access, self.below()?);
        self.inner.visit_seq(access)
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
        let access = self.around::<A, COUNTED>(access, self.below()?);
        self.inner.visit_map(access)
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
        let access = self.around::<A, false>(access, self.below()?);
        self.inner.visit_enum(access)
    }
}

impl<'de, S: DeserializeSeed<'de>, const COUNTED: bool> DeserializeSeed<'de>
    for Limited<'_, S, COUNTED>
{
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        if COUNTED {
            self.budget.take_element()?;
        }
        let inner = self.around::<D, true>(inner, self.depth);
        self.inner.deserialize(inner)
    }
}

impl<'de, A: SeqAccess<'de>, const COUNTED: bool> SeqAccess<'de> for Limited<'_, A, COUNTED> {
    type Error = A::Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let seed = self.around::<S, COUNTED>(seed, self.depth);
        self.inner.next_element_seed(seed)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        promise(self.inner.size_hint())
    }
}

impl<'de, A: MapAccess<'de>, const COUNTED: bool> MapAccess<'de> for Limited<'_, A, COUNTED> {
    type Error = A::Error;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        key: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let key = self.around::<K, COUNTED>(key, self.depth);
        self.inner.next_key_seed(key)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, value: V) -> Result<V::Value, A::Error> {
        let value = self.around::<V, false>(value, self.depth);
        self.inner.next_value_seed(value)
    }

    #[inline]
    fn next_entry_seed<K: DeserializeSeed<'de>, V: DeserializeSeed<'de>>(
        &mut self,
        key: K,
        value: V,
    ) -> Result<Option<(K::Value, V::Value)>, A::Error> {
        let key = self.around::<K, COUNTED>(key, self.depth);
        let value = self.around::<V, false>(value, self.depth);
        self.inner.next_entry_seed(key, value)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        promise(self.inner.size_hint())
    }
}

impl<'de, 'b, A: EnumAccess<'de>> EnumAccess<'de> for Limited<'b, A, false> {
    type Error = A::Error;
    type Variant = Limited<'b, A::Variant, false>;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (budget, depth) = (self.budget, self.depth);
        let seed = self.around::<S, false>(seed, depth);
        let (value, inner) = self.inner.variant_seed(seed)?;
        Ok((
            value,
            Limited {
                inner,
                budget,
                depth,
            },
        ))
    }
}

/// An enum has taken its level already. That its fields are a sequence or a map of their own to
/// the visitor is no further one, hence the `+ 1`, which gives back what was taken.
impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Limited<'_, A, false> {
    type Error = A::Error;

    #[inline]
    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.around::<S, false>(seed, self.depth);
        self.inner.newtype_variant_seed(seed)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = self.around::<V, false>(visitor, self.depth + 1);
        self.inner.tuple_variant(len, visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = self.around::<V, false>(visitor, self.depth + 1);
        self.inner.struct_variant(fields, visitor)
    }
}

/// What a sequence or a map says of its length, as far as it is believed.
#[inline]
fn promise(hint: Option<usize>) -> Option<usize> {
    hint.map(|hint| hint.min(PROMISED))
}

#[cfg(test)]
mod tests {
    use std::boxed::Box;
    use std::collections::BTreeMap;
    use std::string::ToString;
    use std::{format, thread, vec};

    use proptest::prelude::*;
    use serde::de::IgnoredAny;
    use serde::de::value::{MapDeserializer, SeqDeserializer};
    use serde::{Deserialize, Serialize};

    use super::*;

    const AMPLE: u64 = 1_000_000;

    fn from_postcard<'de, T: Deserialize<'de>>(
        bytes: &'de [u8],
        budget: &Budget,
    ) -> postcard::Result<T> {
        T::deserialize(Limited::new(
            &mut postcard::Deserializer::from_bytes(bytes),
            budget,
        ))
    }

    fn from_json<'de, T: Deserialize<'de>>(
        text: &'de str,
        budget: &Budget,
    ) -> serde_json::Result<T> {
        let mut inner = serde_json::Deserializer::from_str(text);
        let value = T::deserialize(Limited::new(&mut inner, budget))?;
        inner.end()?;
        Ok(value)
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Unit;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Meters(u64);

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Point(i16, u8, f64);

    #[derive(Clone, Debug, PartialEq)]
    struct Bytes(Vec<u8>);

    impl Serialize for Bytes {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }

    impl<'de> Deserialize<'de> for Bytes {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Buffer;

            impl<'de> Visitor<'de> for Buffer {
                type Value = Bytes;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("bytes")
                }

                fn visit_bytes<E>(self, value: &[u8]) -> Result<Bytes, E> {
                    Ok(Bytes(value.to_vec()))
                }

                fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Bytes, A::Error> {
                    let mut bytes = Vec::new();
                    while let Some(byte) = access.next_element()? {
                        bytes.push(byte);
                    }
                    Ok(Bytes(bytes))
                }
            }

            deserializer.deserialize_byte_buf(Buffer)
        }
    }

    /// One variant for each thing that serde knows.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Tree {
        Leaf,
        Flag(bool),
        Wide(i128, u128),
        Small(i8, u16, i32, f32),
        Letter(char),
        Text(String),
        Bytes(Bytes),
        Unit(Unit, ()),
        Meters(Meters),
        Point(Point),
        Array([u8; 3]),
        Pair(Box<Tree>, i64),
        Node {
            left: Option<Box<Tree>>,
            result: Result<u32, String>,
            children: Vec<Tree>,
        },
        Table(BTreeMap<String, Tree>),
        Numbers(BTreeMap<u32, Vec<u64>>),
    }

    impl Tree {
        /// How many elements its sequences and maps have.
        fn elements(&self) -> u64 {
            match self {
                Tree::Pair(tree, _) => tree.elements(),
                Tree::Node { left, children, .. } => {
                    let left = left.as_ref().map_or(0, |tree| tree.elements());
                    left + children.iter().map(|tree| 1 + tree.elements()).sum::<u64>()
                }
                Tree::Table(table) => table.values().map(|tree| 1 + tree.elements()).sum(),
                Tree::Numbers(table) => {
                    let numbers = table.values().map(|numbers| 1 + numbers.len() as u64);
                    numbers.sum()
                }
                _ => 0,
            }
        }

        /// How many levels it has.
        fn depth(&self) -> u32 {
            let of_all = |trees: &mut dyn Iterator<Item = &Tree>| {
                1 + trees.map(Tree::depth).max().unwrap_or(0)
            };
            1 + match self {
                Tree::Meters(_) | Tree::Point(_) | Tree::Array(_) => 1,
                Tree::Pair(tree, _) => tree.depth(),
                Tree::Node { left, children, .. } => {
                    let left = left.as_ref().map_or(0, |tree| 1 + tree.depth());
                    // One of them is the `Result`.
                    left.max(of_all(&mut children.iter())).max(1)
                }
                Tree::Table(table) => of_all(&mut table.values()),
                Tree::Numbers(table) => 1 + u32::from(!table.is_empty()),
                _ => 0,
            }
        }
    }

    fn trees() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            Just(Tree::Leaf),
            any::<bool>().prop_map(Tree::Flag),
            any::<(i128, u128)>().prop_map(|(a, b)| Tree::Wide(a, b)),
            any::<(i8, u16, i32, i16)>().prop_map(|(a, b, c, d)| Tree::Small(a, b, c, d.into())),
            any::<char>().prop_map(Tree::Letter),
            any::<String>().prop_map(Tree::Text),
            any::<Vec<u8>>().prop_map(|bytes| Tree::Bytes(Bytes(bytes))),
            Just(Tree::Unit(Unit, ())),
            any::<u64>().prop_map(|value| Tree::Meters(Meters(value))),
            any::<(i16, u8, i32)>().prop_map(|(a, b, c)| Tree::Point(Point(a, b, c.into()))),
            any::<[u8; 3]>().prop_map(Tree::Array),
            prop::collection::btree_map(any::<u32>(), any::<Vec<u64>>(), 0..4)
                .prop_map(Tree::Numbers),
        ];
        leaf.prop_recursive(5, 40, 5, |tree| {
            prop_oneof![
                (tree.clone(), any::<i64>()).prop_map(|(tree, n)| Tree::Pair(Box::new(tree), n)),
                (
                    prop::option::of(tree.clone()),
                    any::<Result<u32, String>>(),
                    prop::collection::vec(tree.clone(), 0..40),
                )
                    .prop_map(|(left, result, children)| Tree::Node {
                        left: left.map(Box::new),
                        result,
                        children,
                    }),
                prop::collection::btree_map(any::<String>(), tree, 0..5).prop_map(Tree::Table),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn nothing_changes_within_the_limits(tree in trees()) {
            let bytes = postcard::to_allocvec(&tree).unwrap();
            let plain: Tree = postcard::from_bytes(&bytes).unwrap();
            let budget = Budget::new(DEFAULT_DEPTH, AMPLE);
            let limited: Tree = from_postcard(&bytes, &budget).unwrap();
            prop_assert_eq!(&plain, &tree);
            prop_assert_eq!(&limited, &tree);
            prop_assert_eq!(budget.exceeded(), None);

            let text = serde_json::to_string(&tree).unwrap();
            let plain: Tree = serde_json::from_str(&text).unwrap();
            let limited: Tree = from_json(&text, &budget).unwrap();
            prop_assert_eq!(&limited, &plain);
            let plain: serde_json::Value = serde_json::from_str(&text).unwrap();
            let limited: serde_json::Value = from_json(&text, &budget).unwrap();
            prop_assert_eq!(&limited, &plain);
            prop_assert_eq!(budget.exceeded(), None);
        }

        #[test]
        fn limits_are_exact(tree in trees()) {
            let bytes = postcard::to_allocvec(&tree).unwrap();
            let budget = Budget::new(tree.depth(), tree.elements());
            let limited: Tree = from_postcard(&bytes, &budget).unwrap();
            prop_assert_eq!(&limited, &tree);
            prop_assert_eq!((budget.elements(), budget.exceeded()), (0, None));

            let budget = Budget::new(tree.depth() - 1, AMPLE);
            prop_assert!(from_postcard::<Tree>(&bytes, &budget).is_err());
            prop_assert_eq!(budget.exceeded(), Some(Exceeded::Depth));

            if let Some(fewer) = tree.elements().checked_sub(1) {
                let budget = Budget::new(DEFAULT_DEPTH, fewer);
                prop_assert!(from_postcard::<Tree>(&bytes, &budget).is_err());
                prop_assert_eq!(budget.exceeded(), Some(Exceeded::Elements));
            }
        }

        #[test]
        fn mistakes_in_the_input_stay_what_they_are(
            tree in trees(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut bytes = postcard::to_allocvec(&tree).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let budget = Budget::new(DEFAULT_DEPTH, AMPLE);
            // As text, so that a float which is not a number equals itself.
            let plain = format!("{:?}", postcard::from_bytes::<Tree>(&bytes));
            let limited = format!("{:?}", from_postcard::<Tree>(&bytes, &budget));
            prop_assert_eq!(limited, plain);
            prop_assert_eq!(budget.exceeded(), None);

            let mut text = serde_json::to_string(&tree).unwrap().into_bytes();
            let at = at % text.len();
            text[at] = byte;
            if let Ok(text) = std::str::from_utf8(&text) {
                // The same message, which names what was expected, and the same place.
                let plain = serde_json::from_str::<Tree>(text).err().map(|e| e.to_string());
                let limited = from_json::<Tree>(text, &budget).err().map(|e| e.to_string());
                prop_assert_eq!(limited, plain);
            }
        }
    }

    /// Five bytes: a length of 8.6 billion, and nothing behind it.
    const BILLIONS: [u8; 5] = [0xff, 0xff, 0xff, 0xff, 0x1f];

    #[test]
    fn elements_without_a_size_are_counted() {
        let budget = Budget::new(DEFAULT_DEPTH, 1000);
        assert!(from_postcard::<Vec<()>>(&BILLIONS, &budget).is_err());
        assert_eq!(budget.exceeded(), Some(Exceeded::Elements));

        let budget = Budget::new(DEFAULT_DEPTH, 1000);
        assert!(from_postcard::<BTreeMap<(), ()>>(&BILLIONS, &budget).is_err());
        assert_eq!(budget.exceeded(), Some(Exceeded::Elements));

        let budget = Budget::new(DEFAULT_DEPTH, 1000);
        assert_eq!(
            from_postcard::<Vec<()>>(&[0xe8, 0x07], &budget)
                .unwrap()
                .len(),
            1000
        );
        assert_eq!(budget.elements(), 0);
    }

    /// Notes, at each depth, what it is promised, and whether it is a sequence or a map.
    #[derive(Debug, PartialEq)]
    struct Promises<const MAP: bool>(Vec<Option<usize>>);

    impl<'de, const MAP: bool> Deserialize<'de> for Promises<MAP> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Inside<const MAP: bool>;

            impl<'de, const MAP: bool> Visitor<'de> for Inside<MAP> {
                type Value = Promises<MAP>;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("nested containers")
                }

                fn visit_seq<A: SeqAccess<'de>>(
                    self,
                    mut access: A,
                ) -> Result<Self::Value, A::Error> {
                    let mut promises = vec![access.size_hint()];
                    if let Some(Promises(inside)) = access.next_element::<Self::Value>()? {
                        promises.extend(inside);
                    }
                    Ok(Promises(promises))
                }

                fn visit_map<A: MapAccess<'de>>(
                    self,
                    mut access: A,
                ) -> Result<Self::Value, A::Error> {
                    let mut promises = vec![access.size_hint()];
                    if let Some(((), Promises(inside))) = access.next_entry::<_, Self::Value>()? {
                        promises.extend(inside);
                    }
                    Ok(Promises(promises))
                }
            }

            if MAP {
                deserializer.deserialize_map(Inside)
            } else {
                deserializer.deserialize_seq(Inside)
            }
        }
    }

    #[test]
    fn a_length_is_not_believed() {
        let budget = Budget::new(DEFAULT_DEPTH, AMPLE);
        // A length of 100, one of 3, and an empty one; enough follows for all of them.
        let mut bytes = vec![100, 3, 0];
        bytes.resize(200, 0);
        let expected = vec![Some(PROMISED), Some(3), Some(0)];
        let sequences: Promises<false> = from_postcard(&bytes, &budget).unwrap();
        assert_eq!(sequences.0, expected);
        let maps: Promises<true> = from_postcard(&bytes, &budget).unwrap();
        assert_eq!(maps.0, expected);

        // What ends too early is a mistake in the input, and no limit.
        assert!(from_postcard::<Vec<Vec<Vec<u8>>>>(&BILLIONS.repeat(3), &budget).is_err());
        assert_eq!(budget.exceeded(), None);
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Chain {
        End,
        More(Box<Chain>),
    }

    /// Postcard writes nothing for it, so that no input at all is deep enough.
    #[derive(Debug, Deserialize)]
    struct Endless(#[allow(dead_code, reason = "it is never made")] Box<Endless>);

    #[derive(Debug, Default, Deserialize)]
    struct Wide {
        _name: String,
        _numbers: [u64; 4],
        _next: Option<Box<Wide>>,
        _children: Vec<Wide>,
        _table: BTreeMap<String, Wide>,
    }

    #[test]
    fn deep_values_need_no_deep_stack() {
        fn refused<T: for<'de> Deserialize<'de>>(bytes: &[u8]) {
            let budget = Budget::new(DEFAULT_DEPTH, AMPLE);
            assert!(from_postcard::<T>(bytes, &budget).is_err());
            assert_eq!(budget.exceeded(), Some(Exceeded::Depth));
        }

        let small = thread::Builder::new().stack_size(256 << 10);
        let outcome = small.spawn(|| {
            let ones = vec![1; 1_000_000];
            refused::<Chain>(&ones);
            refused::<Endless>(&[]);
            refused::<Option<Box<Wide>>>(&[1, 0, 0, 0, 0, 0].repeat(100_000));
            // No name, four numbers, no next one, and then a child.
            refused::<Vec<Wide>>(&[1, 0, 0, 0, 0, 0, 0].repeat(100_000));

            let budget = Budget::new(DEFAULT_DEPTH, AMPLE);
            let text = "{\"More\":".repeat(1000);
            assert!(from_json::<Chain>(&text, &budget).is_err());
            assert_eq!(budget.exceeded(), Some(Exceeded::Depth));

            let text = "[".repeat(1000);
            assert!(from_json::<Untagged>(&text, &budget).is_err());
            assert!(from_json::<serde_json::Value>(&text, &budget).is_err());

            // As deep as allowed: each link is a level, and so is the last.
            let mut deepest = vec![1; DEFAULT_DEPTH as usize];
            deepest[DEFAULT_DEPTH as usize - 1] = 0;
            let budget = Budget::new(DEFAULT_DEPTH, 0);
            assert!(from_postcard::<Chain>(&deepest, &budget).is_ok());
            let budget = Budget::new(DEFAULT_DEPTH, AMPLE);
            let deepest = DEFAULT_DEPTH as usize;
            let text = ["[".repeat(deepest), "]".repeat(deepest)].concat();
            assert!(from_json::<Untagged>(&text, &budget).is_ok());
            assert!(from_json::<serde_json::Value>(&text, &budget).is_ok());
            let text = format!("[{text}]");
            assert!(from_json::<serde_json::Value>(&text, &budget).is_err());
            assert_eq!(budget.exceeded(), Some(Exceeded::Depth));
        });
        outcome.unwrap().join().unwrap();
    }

    #[test]
    fn values_share_a_budget() {
        let budget = Budget::new(2, 10);
        let bytes = postcard::to_allocvec(&[1u32, 2, 3, 4][..]).unwrap();
        for left in [6, 2] {
            assert!(from_postcard::<Vec<u32>>(&bytes, &budget).is_ok());
            assert_eq!(budget.elements(), left);
        }
        // Levels are each value's own, and those of one that failed are given back.
        assert!(from_postcard::<Vec<Vec<()>>>(&[1, 0], &budget).is_ok());
        assert_eq!(budget.exceeded(), None);
        assert!(from_postcard::<Vec<u32>>(&bytes, &budget).is_err());
        assert_eq!(budget.exceeded(), Some(Exceeded::Elements));
        assert_eq!(
            from_postcard::<(u8, Option<u8>)>(&[1, 1, 1], &budget),
            Ok((1, Some(1)))
        );
        // What was used up first is what is told.
        assert!(from_postcard::<Option<Option<Option<u8>>>>(&[1, 1, 1, 1], &budget).is_err());
        assert_eq!(budget.exceeded(), Some(Exceeded::Elements));
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u64),
        List(Vec<Untagged>),
        Table(BTreeMap<String, Untagged>),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Circle {
            radius: u32,
            #[serde(flatten)]
            rest: BTreeMap<String, u32>,
        },
    }

    #[test]
    fn what_describes_itself_is_counted() {
        let text = "[1, [2, 3], {\"a\": [4]}]";
        let budget = Budget::new(DEFAULT_DEPTH, 7);
        let plain: Untagged = serde_json::from_str(text).unwrap();
        assert_eq!(from_json::<Untagged>(text, &budget).unwrap(), plain);
        assert_eq!(budget.elements(), 0);

        let budget = Budget::new(DEFAULT_DEPTH, 6);
        assert!(from_json::<Untagged>(text, &budget).is_err());
        assert_eq!(budget.exceeded(), Some(Exceeded::Elements));
        let budget = Budget::new(2, AMPLE);
        assert!(from_json::<Untagged>(text, &budget).is_err());
        assert_eq!(budget.exceeded(), Some(Exceeded::Depth));
        let budget = Budget::new(2, AMPLE);
        assert!(from_json::<serde_json::Value>(text, &budget).is_err());
        assert_eq!(budget.exceeded(), Some(Exceeded::Depth));

        let text = "{\"radius\": 1, \"kind\": \"Circle\", \"a\": 2, \"b\": 3}";
        let budget = Budget::new(DEFAULT_DEPTH, AMPLE);
        let plain: Tagged = serde_json::from_str(text).unwrap();
        assert_eq!(from_json::<Tagged>(text, &budget).unwrap(), plain);
        let budget = Budget::new(DEFAULT_DEPTH, 2);
        assert!(from_json::<Tagged>(text, &budget).is_err());
        assert_eq!(budget.exceeded(), Some(Exceeded::Elements));
    }

    #[test]
    fn what_is_ignored_is_counted_where_it_is_visited() {
        fn ignore<'de, D: Deserializer<'de>>(inner: D, elements: u64) -> Option<Exceeded> {
            let budget = Budget::new(DEFAULT_DEPTH, elements);
            let outcome = IgnoredAny::deserialize(Limited::new(inner, &budget));
            assert_eq!(outcome.is_err(), budget.exceeded().is_some());
            budget.exceeded()
        }

        type Error = de::value::Error;
        let list = || SeqDeserializer::<_, Error>::new([1, 2, 3].into_iter());
        assert_eq!(ignore(list(), 3), None);
        assert_eq!(ignore(list(), 2), Some(Exceeded::Elements));
        let table = || MapDeserializer::<_, Error>::new([(1, 2), (3, 4)].into_iter());
        assert_eq!(ignore(table(), 2), None);
        assert_eq!(ignore(table(), 1), Some(Exceeded::Elements));

        // The parser of JSON skips by itself, in a loop, and visits nothing of what it skips.
        let budget = Budget::new(DEFAULT_DEPTH, 2);
        assert!(from_json::<Vec<IgnoredAny>>("[[1, 2, 3], {\"a\": []}]", &budget).is_ok());
        assert_eq!(budget.elements(), 0);
    }

    #[test]
    fn readability_is_the_inner_ones() {
        let budget = Budget::new(1, 0);
        let mut json = serde_json::Deserializer::from_str("");
        assert!(Limited::new(&mut json, &budget).is_human_readable());
        let mut bytes = postcard::Deserializer::from_bytes(&[]);
        assert!(!Limited::new(&mut bytes, &budget).is_human_readable());
    }

    #[test]
    fn text_is_borrowed_from_the_input() {
        let budget = Budget::new(1, 0);
        let bytes = [2, b'h', b'i', 1, 7];
        let (text, buffer): (&str, &[u8]) = from_postcard(&bytes, &budget).unwrap();
        assert_eq!((text, buffer), ("hi", &[7][..]));
        assert!(std::ptr::eq(text.as_ptr(), &raw const bytes[1]));
    }

    /// A deserializer that does nothing but say how it was asked, and a visitor likewise.
    struct Says;

    type Said = de::value::Error;

    macro_rules! says {
        (
            asked: $($ask:ident($($arg:ident: $of:ty = $given:expr),*))*;
            visited: $($visit:ident($value:ty = $example:expr))*;
        ) => {
            impl<'de> Deserializer<'de> for Says {
                type Error = Said;

                $(fn $ask<V: Visitor<'de>>(self, $($arg: $of,)* _: V) -> Result<V::Value, Said> {
                    Err(de::Error::custom(format!("{}{:?}", stringify!($ask), ($($arg,)*))))
                })*
            }

            impl<'de> Visitor<'de> for Says {
                type Value = &'static str;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("anything")
                }

                $(fn $visit<E>(self, _: $value) -> Result<&'static str, E> {
                    Ok(stringify!($visit))
                })*
            }

            #[test]
            fn each_method_goes_to_its_like() {
                let budget = Budget::new(0, 0);
                $({
                    let said = Limited::new(Says, &budget).$ask($($given,)* Says).unwrap_err();
                    let expected = format!("{}{:?}", stringify!($ask), ($($given,)*));
                    assert_eq!(said.to_string(), expected);
                })*
                $({
                    let said = Limited::new(Says, &budget).$visit::<Said>($example);
                    assert_eq!(said, Ok(stringify!($visit)));
                })*
            }
        };
    }

    says! {
        asked:
            deserialize_any() deserialize_bool() deserialize_i8() deserialize_i16()
            deserialize_i32() deserialize_i64() deserialize_i128() deserialize_u8()
            deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
            deserialize_f32() deserialize_f64() deserialize_char() deserialize_str()
            deserialize_string() deserialize_bytes() deserialize_byte_buf()
            deserialize_option() deserialize_unit()
            deserialize_unit_struct(name: &'static str = "name")
            deserialize_newtype_struct(name: &'static str = "name")
            deserialize_seq()
            deserialize_tuple(len: usize = 3)
            deserialize_tuple_struct(name: &'static str = "name", len: usize = 3)
            deserialize_map()
            deserialize_struct(
                name: &'static str = "name",
                fields: &'static [&'static str] = &["a", "b"]
            )
            deserialize_enum(
                name: &'static str = "name",
                variants: &'static [&'static str] = &["a", "b"]
            )
            deserialize_identifier() deserialize_ignored_any();
        visited:
            visit_bool(bool = true) visit_i8(i8 = 1) visit_i16(i16 = 1) visit_i32(i32 = 1)
            visit_i64(i64 = 1) visit_i128(i128 = 1) visit_u8(u8 = 1) visit_u16(u16 = 1)
            visit_u32(u32 = 1) visit_u64(u64 = 1) visit_u128(u128 = 1) visit_f32(f32 = 1.0)
            visit_f64(f64 = 1.0) visit_char(char = 'c') visit_str(&str = "s")
            visit_borrowed_str(&'de str = "s") visit_string(String = String::new())
            visit_bytes(&[u8] = b"b") visit_borrowed_bytes(&'de [u8] = b"b")
            visit_byte_buf(Vec<u8> = Vec::new());
    }
}
