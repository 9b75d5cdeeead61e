//! The tree of a value.

use std::borrow::ToOwned;
use std::boxed::Box;
use std::string::String;
use std::vec::Vec;

use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};
use serde::{Serialize, Serializer};

use super::{CONTINUATION, KEY, NAMED, Number, SHARED, TAG, Tree, TreeError, refused};

/// Makes a tree of a value. A level is what it is to
/// [`Limited`](super::super::limited::Limited).
#[derive(Clone, Copy)]
pub(in super::super) struct Levels {
    limit: u32,
    left: u32,
}

impl Levels {
    pub(in super::super) fn new(limit: u32) -> Self {
        Self { limit, left: limit }
    }

    /// For the fields of something that is no level itself.
    pub(in super::super) fn around(limit: u32) -> Self {
        Self {
            limit,
            left: limit.saturating_add(1),
        }
    }

    fn below(self) -> Result<Self, TreeError> {
        match self.left.checked_sub(1) {
            Some(left) => Ok(Self { left, ..self }),
            None => Err(TreeError::Depth { limit: self.limit }),
        }
    }

    fn list(self, of: fn(Vec<Tree>) -> Tree, head: Option<Head>) -> Result<List, TreeError> {
        Ok(List {
            levels: self.below()?,
            of,
            head,
            list: Vec::new(),
        })
    }

    fn fields(self, name: &'static str, head: Option<Head>) -> Result<Fields, TreeError> {
        Ok(Fields {
            levels: self.below()?,
            name,
            head,
            fields: Vec::new(),
        })
    }
}

/// Of a variant, what its content is not.
struct Head {
    of: &'static str,
    index: u32,
    name: &'static str,
}

impl Head {
    fn with(self, content: Option<Tree>) -> Tree {
        Tree::Variant {
            of: self.of.to_owned(),
            index: self.index,
            name: self.name.to_owned(),
            content: content.map(Box::new),
        }
    }

    /// The content itself where it is of no variant.
    fn around(head: Option<Self>, content: Tree) -> Tree {
        match head {
            Some(head) => head.with(Some(content)),
            None => content,
        }
    }
}

/// A list that is not complete.
pub(in super::super) struct List {
    levels: Levels,
    of: fn(Vec<Tree>) -> Tree,
    head: Option<Head>,
    list: Vec<Tree>,
}

/// Fields that are not complete.
pub(in super::super) struct Fields {
    levels: Levels,
    name: &'static str,
    head: Option<Head>,
    fields: Vec<(String, Tree)>,
}

/// A map that is not complete.
pub(in super::super) struct Entries {
    levels: Levels,
    key: Option<Tree>,
    entries: Vec<(Tree, Tree)>,
}

macro_rules! numbers {
    ($($method:ident $number:ident $type:ty),*) => {$(
        fn $method(self, number: $type) -> Result<Tree, TreeError> {
            Ok(Tree::Number(Number::$number(number)))
        }
    )*};
}

impl Serializer for Levels {
    type Ok = Tree;
    type Error = TreeError;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Entries;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    numbers! {
        serialize_i8 I8 i8, serialize_i16 I16 i16, serialize_i32 I32 i32, serialize_i64 I64 i64,
        serialize_i128 I128 i128, serialize_u8 U8 u8, serialize_u16 U16 u16,
        serialize_u32 U32 u32, serialize_u64 U64 u64, serialize_u128 U128 u128,
        serialize_f32 F32 f32, serialize_f64 F64 f64
    }

    fn serialize_bool(self, value: bool) -> Result<Tree, TreeError> {
        Ok(Tree::Bool(value))
    }

    fn serialize_char(self, value: char) -> Result<Tree, TreeError> {
        Ok(Tree::Char(value))
    }

    fn serialize_str(self, value: &str) -> Result<Tree, TreeError> {
        Ok(Tree::Str(value.to_owned()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Tree, TreeError> {
        Ok(Tree::Bytes(value.to_vec()))
    }

    fn serialize_none(self) -> Result<Tree, TreeError> {
        Ok(Tree::None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, TreeError> {
        let inner = value.serialize(self.below()?)?;
        Ok(Tree::Some(Box::new(inner)))
    }

    fn serialize_unit(self) -> Result<Tree, TreeError> {
        Ok(Tree::Unit)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Tree, TreeError> {
        Ok(Tree::Unit)
    }

    fn serialize_unit_variant(
        self,
        of: &'static str,
        index: u32,
        name: &'static str,
    ) -> Result<Tree, TreeError> {
        self.below()?;
        Ok(Head { of, index, name }.with(None))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Tree, TreeError> {
        let held = value.serialize(self.below()?)?;
        Ok(match name {
            SHARED => Tree::Shared(held.read()?),
            CONTINUATION => Tree::Continuation(held.read()?),
            TAG => Tree::Tag(held.read()?),
            KEY => Tree::Key(held.read()?),
            NAMED => {
                let (name, revision) = held.read()?;
                Tree::Named { name, revision }
            }
            _ => held,
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        of: &'static str,
        index: u32,
        name: &'static str,
        value: &T,
    ) -> Result<Tree, TreeError> {
        let content = value.serialize(self.below()?)?;
        Ok(Head { of, index, name }.with(Some(content)))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, TreeError> {
        self.list(Tree::Seq, None)
    }

    fn serialize_tuple(self, _: usize) -> Result<List, TreeError> {
        self.list(Tree::Tuple, None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, TreeError> {
        self.list(Tree::Tuple, None)
    }

    fn serialize_tuple_variant(
        self,
        of: &'static str,
        index: u32,
        name: &'static str,
        _: usize,
    ) -> Result<List, TreeError> {
        self.list(Tree::Tuple, Some(Head { of, index, name }))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, TreeError> {
        Ok(Entries {
            levels: self.below()?,
            key: None,
            entries: Vec::new(),
        })
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Fields, TreeError> {
        self.fields(name, None)
    }

    fn serialize_struct_variant(
        self,
        of: &'static str,
        index: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Fields, TreeError> {
        self.fields(name, Some(Head { of, index, name }))
    }
}

macro_rules! lists {
    ($($trait:ident $method:ident),*) => {$(
        impl $trait for List {
            type Ok = Tree;
            type Error = TreeError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TreeError> {
                self.list.push(value.serialize(self.levels)?);
                Ok(())
            }

            fn end(self) -> Result<Tree, TreeError> {
                Ok(Head::around(self.head, (self.of)(self.list)))
            }
        }
    )*};
}

lists! {
    SerializeSeq serialize_element, SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field
}

macro_rules! fields {
    ($($trait:ident),*) => {$(
        impl $trait for Fields {
            type Ok = Tree;
            type Error = TreeError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), TreeError> {
                let value = value.serialize(self.levels)?;
                self.fields.push((name.to_owned(), value));
                Ok(())
            }

            fn end(self) -> Result<Tree, TreeError> {
                let name = self.name.to_owned();
                let fields = self.fields;
                Ok(Head::around(self.head, Tree::Struct { name, fields }))
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Entries {
    type Ok = Tree;
    type Error = TreeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), TreeError> {
        self.key = Some(key.serialize(self.levels)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TreeError> {
        let key = self.key.take();
        let key = key.ok_or_else(|| refused("a value of a map has no key"))?;
        self.entries.push((key, value.serialize(self.levels)?));
        Ok(())
    }

    fn end(self) -> Result<Tree, TreeError> {
        Ok(Tree::Map(self.entries))
    }
}
