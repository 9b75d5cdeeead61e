//! A value that becomes a tree, and a text, and a tree again, is the same value.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use segno::snapshot::{Number, Tree, TreeError};
use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Floating numbers are the same if their bits are.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Single(f32);

impl PartialEq for Single {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Double(f64);

impl PartialEq for Double {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

/// Bytes that say that they are.
#[derive(Clone, Debug, PartialEq)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        from.deserialize_byte_buf(Any)
    }
}

/// A reference, as the snapshot's are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "segno::Shared")]
struct ToObject(u32);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "segno::Continuation")]
struct ToContinuation(u32);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "segno::Named")]
struct ByName((String, u64));

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Colour {
    Red,
    #[serde(rename = "$green")]
    Green,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Nothing;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct NoFields {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Fields {
    first: Option<Box<Thing>>,
    r#type: (Single, Double),
}

/// What could be taken for a mark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LikeAMark {
    #[serde(rename = "$shared")]
    shared: u32,
}

/// Everything that serde knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Thing {
    Unit,
    Newtype(Box<Thing>),
    Pair(Box<Thing>, i8),
    Struct {
        left: Box<Thing>,
        right: u8,
    },
    Empty(),
    EmptyStruct {},
    #[serde(rename = "$some")]
    LikeSome(Box<Thing>),
    #[serde(rename = "$map")]
    LikeMap {
        map: Vec<Thing>,
    },
    Bool(bool),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    F32(Single),
    F64(Double),
    Char(char),
    Str(String),
    Bytes(Bytes),
    Maybe(Option<Option<Option<()>>>),
    Perhaps(Option<Option<Box<Thing>>>),
    MaybeNothing(Option<Nothing>),
    Seq(Vec<Thing>),
    Units(Vec<()>),
    Array([u8; 0], [Colour; 2]),
    ByString(BTreeMap<String, Thing>),
    ByNumber(BTreeMap<i64, Thing>),
    ByWide(BTreeMap<u128, ()>),
    ByChar(BTreeMap<char, u8>),
    ByColour(BTreeMap<Colour, u8>),
    ByPair(BTreeMap<(u8, bool), String>),
    ByMaybe(BTreeMap<Option<String>, u8>),
    Nothing(Nothing),
    NoFields(NoFields),
    Fields(Fields),
    LikeAMark(LikeAMark),
    Result(Result<u8, Box<Thing>>),
    Object(ToObject),
    Continuation(ToContinuation),
    Named(Option<ByName>),
}

fn single() -> impl Strategy<Value = Single> {
    prop_oneof![
        any::<u32>().prop_map(f32::from_bits),
        any::<i16>().prop_map(|n| f32::from(n) / 10.0),
        Just(f32::NAN),
        Just(f32::NEG_INFINITY),
        Just(-0.0),
    ]
    .prop_map(Single)
}

fn double() -> impl Strategy<Value = Double> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        any::<i32>().prop_map(|n| f64::from(n) / 1000.0),
        (any::<i64>(), -30..30).prop_map(|(n, e)| format!("{n}e{e}").parse().unwrap()),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(-0.0),
    ]
    .prop_map(Double)
}

fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        Just("$shared".to_owned()),
        Just("$map".to_owned()),
        Just("$".to_owned()),
    ]
}

fn wide() -> impl Strategy<Value = u128> {
    prop_oneof![any::<u128>(), any::<u64>().prop_map(u128::from)]
}

fn flat() -> impl Strategy<Value = Thing> {
    let colour = || prop_oneof![Just(Colour::Red), Just(Colour::Green)];
    let numbers = prop_oneof![
        any::<i16>().prop_map(Thing::I16),
        any::<i32>().prop_map(Thing::I32),
        any::<i64>().prop_map(Thing::I64),
        wide().prop_map(|n| Thing::I128(n as i128)),
        any::<u16>().prop_map(Thing::U16),
        any::<u32>().prop_map(Thing::U32),
        any::<u64>().prop_map(Thing::U64),
        wide().prop_map(Thing::U128),
        single().prop_map(Thing::F32),
        double().prop_map(Thing::F64),
    ];
    let maps = prop_oneof![
        prop::collection::btree_map(wide(), Just(()), 0..3).prop_map(Thing::ByWide),
        prop::collection::btree_map(any::<char>(), any::<u8>(), 0..3).prop_map(Thing::ByChar),
        prop::collection::btree_map(colour(), any::<u8>(), 0..3).prop_map(Thing::ByColour),
        prop::collection::btree_map(any::<(u8, bool)>(), string(), 0..3).prop_map(Thing::ByPair),
        prop::collection::btree_map(prop::option::of(string()), any::<u8>(), 0..3)
            .prop_map(Thing::ByMaybe),
    ];
    prop_oneof![
        numbers,
        maps,
        Just(Thing::Unit),
        Just(Thing::Empty()),
        Just(Thing::EmptyStruct {}),
        any::<bool>().prop_map(Thing::Bool),
        any::<char>().prop_map(Thing::Char),
        string().prop_map(Thing::Str),
        any::<Vec<u8>>().prop_map(|bytes| Thing::Bytes(Bytes(bytes))),
        any::<Option<Option<Option<()>>>>().prop_map(Thing::Maybe),
        any::<bool>().prop_map(|it| Thing::MaybeNothing(it.then_some(Nothing))),
        (0..3usize).prop_map(|len| Thing::Units(vec![(); len])),
        [colour(), colour()].prop_map(|colours| Thing::Array([], colours)),
        Just(Thing::Nothing(Nothing)),
        Just(Thing::NoFields(NoFields {})),
        any::<u32>().prop_map(|shared| Thing::LikeAMark(LikeAMark { shared })),
        any::<u32>().prop_map(|number| Thing::Object(ToObject(number))),
        any::<u32>().prop_map(|number| Thing::Continuation(ToContinuation(number))),
        prop::option::of((string(), any::<u64>()))
            .prop_map(|named| Thing::Named(named.map(ByName))),
    ]
}

fn thing() -> impl Strategy<Value = Thing> {
    flat().prop_recursive(6, 40, 4, |thing| {
        let boxed = thing.clone().prop_map(Box::new);
        let list = prop::collection::vec(thing.clone(), 0..4);
        prop_oneof![
            boxed.clone().prop_map(Thing::Newtype),
            (boxed.clone(), any::<i8>()).prop_map(|(it, n)| Thing::Pair(it, n)),
            (boxed.clone(), any::<u8>()).prop_map(|(left, right)| Thing::Struct { left, right }),
            boxed.clone().prop_map(Thing::LikeSome),
            list.clone().prop_map(|map| Thing::LikeMap { map }),
            prop::option::of(prop::option::of(boxed.clone())).prop_map(Thing::Perhaps),
            list.prop_map(Thing::Seq),
            prop::collection::btree_map(string(), thing.clone(), 0..3).prop_map(Thing::ByString),
            prop::collection::btree_map(any::<i64>(), thing, 0..3).prop_map(Thing::ByNumber),
            (prop::option::of(boxed.clone()), single(), double()).prop_map(
                |(first, single, double)| {
                    let r#type = (single, double);
                    Thing::Fields(Fields { first, r#type })
                }
            ),
            prop::result::maybe_ok(any::<u8>(), boxed).prop_map(Thing::Result),
        ]
    })
}

fn cbor(tree: &Tree) -> Tree {
    let mut bytes = Vec::new();
    ciborium::into_writer(tree, &mut bytes).unwrap();
    ciborium::from_reader(&*bytes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 1000 },
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_value_comes_back(value in thing()) {
        let tree = Tree::of(&value).unwrap();
        prop_assert_eq!(tree.read::<Thing>().unwrap(), value.clone());

        let text = serde_json::to_string_pretty(&tree).unwrap();
        let again: Tree = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(again.read::<Thing>(), Ok(value.clone()), "{}", text);
        // Whatever holds JSON holds it.
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_value(&tree).unwrap(), json.clone());
        let again: Tree = serde_json::from_value(json).unwrap();
        prop_assert_eq!(again.read::<Thing>(), Ok(value.clone()), "{}", text);

        prop_assert_eq!(cbor(&tree).read::<Thing>(), Ok(value));
    }

    #[test]
    fn a_tree_that_came_from_text_is_the_same_text(value in thing()) {
        let text = serde_json::to_string(&Tree::of(&value).unwrap()).unwrap();
        let again: Tree = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&again).unwrap(), text);
    }

    #[test]
    fn a_number_that_is_read_is_the_one_that_was_written(number in wide(), is_negative: bool) {
        fn at<T: DeserializeOwned + TryFrom<i128> + PartialEq + fmt::Debug>(tree: &Tree, number: i128) {
            match T::try_from(number) {
                Ok(number) => assert_eq!(tree.read::<T>(), Ok(number)),
                Err(_) => assert!(matches!(tree.read::<T>(), Err(TreeError::Value(_)))),
            }
        }
        let number = (number >> 1) as i128;
        for number in [number, number >> 60, number >> 100] {
            let number = if is_negative { -number } else { number };
            let tree = Tree::of(&number).unwrap();
            for tree in [cbor(&tree), tree] {
                at::<i8>(&tree, number);
                at::<u8>(&tree, number);
                at::<i16>(&tree, number);
                at::<u16>(&tree, number);
                at::<i32>(&tree, number);
                at::<u32>(&tree, number);
                at::<i64>(&tree, number);
                at::<u64>(&tree, number);
                at::<i128>(&tree, number);
                at::<u128>(&tree, number);
            }
        }
    }
}

fn json(text: &str) -> Tree {
    serde_json::from_str(text).unwrap()
}

#[test]
fn what_people_see() {
    let value = (
        Fields {
            first: Some(Box::new(Thing::Struct {
                left: Box::new(Thing::Unit),
                right: 7,
            })),
            r#type: (Single(0.1), Double(f64::NEG_INFINITY)),
        },
        BTreeMap::from([(1, Some("one")), (2, None)]),
        (Some(()), 'x', u128::MAX, Bytes(vec![0, 255])),
        (
            ToObject(3),
            ToContinuation(2),
            ByName(("double".to_owned(), 0)),
        ),
    );
    let text = serde_json::to_string(&Tree::of(&value).unwrap()).unwrap();
    let expected = concat!(
        r#"[{"first":{"Struct":{"left":"Unit","right":7}},"type":[0.1,{"$number":"-inf"}]},"#,
        r#"{"$map":[[1,"one"],[2,null]]},"#,
        r#"[{"$some":null},"x",{"$number":"340282366920938463463374607431768211455"},"#,
        r#"{"$bytes":"00ff"}],"#,
        r#"[{"$shared":3},{"$continuation":2},{"$named":["double",0]}]]"#,
    );
    assert_eq!(text, expected);
    for tree in [Tree::Opaque(vec![1, 171]), Tree::Withheld] {
        let text = serde_json::to_string(&tree).unwrap();
        assert_eq!(json(&text), tree);
        assert!(tree.read::<Option<u8>>().is_err());
        assert!(tree.read::<Vec<u8>>().is_err());
    }
}

#[test]
fn what_people_write() {
    // In another order, and as a list.
    let fields = r#"{"type": [1, 2], "first": null}"#;
    let expected = Fields {
        first: None,
        r#type: (Single(1.0), Double(2.0)),
    };
    assert_eq!(json(fields).read(), Ok(expected.clone()));
    assert_eq!(json("[null, [1.0, 2.0]]").read(), Ok(expected));
    assert_eq!(json("3.0").read(), Ok(3u8));
    assert_eq!(json(r#"{"$number": "3"}"#).read(), Ok(3u8));
    assert_eq!(
        json(r#"{"$serde_json::private::Number": "3"}"#).read(),
        Ok(3u8)
    );
    assert_eq!(json(r#"{"Unit": null}"#).read(), Ok(Thing::Unit));
    assert_eq!(
        json(r#"{"$map": [["a", 1]]}"#).read(),
        Ok(BTreeMap::from([("a", 1)]))
    );
    assert_eq!(
        json(r#"{"$shared": 1, "$map": 2}"#).read(),
        Ok(BTreeMap::from([("$shared", 1), ("$map", 2)]))
    );
}

#[test]
fn what_is_refused() {
    let marks = [
        r#"{"$shared": -1}"#,
        r#"{"$shared": 4294967296}"#,
        r#"{"$shared": {"$shared": 1}}"#,
        r#"{"$continuation": null}"#,
        r#"{"$named": "double"}"#,
        r#"{"$named": ["double"]}"#,
        r#"{"$named": ["double", 0, 0]}"#,
        r#"{"$bytes": "0"}"#,
        r#"{"$bytes": "0g"}"#,
        r#"{"$bytes": "é"}"#,
        r#"{"$opaque": [1]}"#,
        r#"{"$withheld": 1}"#,
        r#"{"$number": "one"}"#,
        r#"{"$number": "1e999"}"#,
        r#"{"$number": "NaN(00000000)"}"#,
        r#"{"$number": 1}"#,
        r#"{"$map": {}}"#,
        r#"{"$map": [[1]]}"#,
        r#"{"$map": [[1, 2, 3]]}"#,
        r#"{"$maps": []}"#,
        r#"{"$": null}"#,
    ];
    for text in marks {
        assert!(serde_json::from_str::<Tree>(text).is_err(), "{text}");
    }
    let things = [
        "null",
        "\"Unknown\"",
        "\"Newtype\"",
        "\"Pair\"",
        "\"Struct\"",
        r#"{"Unit": 1}"#,
        r#"{"Unit": null, "Empty": []}"#,
        r#"{"Pair": ["Unit"]}"#,
        r#"{"Pair": ["Unit", 1, 2]}"#,
        r#"{"Pair": ["Unit", 128]}"#,
        r#"{"Struct": {"left": "Unit"}}"#,
        r#"{"Struct": {"left": "Unit", "right": 1.5}}"#,
        r#"{"Object": 3}"#,
        r#"{"Object": {"$continuation": 3}}"#,
        r#"{"Continuation": {"$shared": 3}}"#,
        r#"{"Named": {"$shared": 3}}"#,
        r#"{"U32": {"$shared": 3}}"#,
        r#"{"U32": {"$withheld": null}}"#,
        r#"{"U128": 100000000000000000000000}"#,
        r#"{"F32": 1e300}"#,
        r#"{"Char": "ab"}"#,
        r#"{"Char": ""}"#,
        r#"{"Seq": {}}"#,
        r#"{"ByString": []}"#,
        r#"{"Bool": 1}"#,
    ];
    for text in things {
        let read = json(text).read::<Thing>();
        assert!(matches!(read, Err(TreeError::Value(_))), "{text}: {read:?}");
    }
}

#[derive(Serialize, Deserialize)]
struct Chain(Option<Box<Chain>>);

#[test]
fn depth_is_bounded() {
    let mut chain = Chain(None);
    for _ in 0..100 {
        chain = Chain(Some(Box::new(chain)));
    }
    assert_eq!(Tree::of(&chain), Err(TreeError::Depth { limit: 64 }));
    // A tree without an end to its type.
    assert!(matches!(
        Tree::Bool(true).read::<Chain>(),
        Err(TreeError::Depth { limit: 64 })
    ));
    let mut deep = Tree::Unit;
    for _ in 0..65 {
        deep = Tree::Seq(vec![deep]);
    }
    #[derive(Deserialize)]
    struct Nest(#[expect(dead_code, reason = "it is read for its depth")] Vec<Nest>);
    assert!(matches!(deep.read::<Nest>(), Err(TreeError::Depth { .. })));

    // As a text: the parser of CBOR has a limit that is higher than ours.
    for open in [b"\x81".to_vec(), b"\xa1\x61a".to_vec()] {
        let bytes = [open.repeat(250), b"\x00".to_vec()].concat();
        let read: Result<Tree, _> = ciborium::from_reader(&*bytes);
        let error = read.unwrap_err().to_string();
        assert!(error.contains("nested too deeply"), "{error}");
    }
}

#[test]
fn what_is_as_deep_as_may_be_comes_back() {
    let mut value = Thing::Unit;
    for level in 0..21 {
        value = match level % 3 {
            0 => Thing::ByNumber(BTreeMap::from([(level, value)])),
            1 => Thing::Newtype(Box::new(Thing::Perhaps(Some(Some(Box::new(value)))))),
            _ => Thing::Struct {
                left: Box::new(value),
                right: 0,
            },
        };
    }
    let tree = Tree::of(&value).unwrap();
    assert_eq!(tree.read(), Ok(value.clone()));
    let text = serde_json::to_string(&tree).unwrap();
    assert_eq!(json(&text).read(), Ok(value));
}

#[test]
fn numbers_say_all_of_themselves() {
    let numbers = [
        Number::U128(u128::MAX),
        Number::I128(i128::MIN),
        Number::F32(f32::from_bits(0x7f80_0001)),
        Number::F64(f64::from_bits(0xfff8_0000_0000_0001)),
        Number::F64(-0.0),
        Number::F32(0.1),
    ];
    let said: HashSet<_> = numbers.iter().map(Number::to_string).collect();
    let expected = [
        "340282366920938463463374607431768211455",
        "-170141183460469231731687303715884105728",
        "NaN(7f800001)",
        "NaN(fff8000000000001)",
        "-0.0",
        "0.1",
    ];
    assert_eq!(said, expected.map(str::to_owned).into());
}
