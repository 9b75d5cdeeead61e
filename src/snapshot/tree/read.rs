//! The value of a tree.

use std::format;

use serde::de::value::{
    BorrowedStrDeserializer, MapDeserializer, SeqAccessDeserializer, SeqDeserializer,
};
use serde::de::{
    DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde::{Deserialize, Deserializer};

use super::{CONTINUATION, KEY, NAMED, Number, SHARED, TAG, Tree, TreeError, refused};

impl Tree {
    /// The error for what is not what is wanted.
    fn wrong(&self, wanted: &dyn serde::de::Expected) -> TreeError {
        let found = match self {
            Self::Unit => Unexpected::Unit,
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Number(number) => return number.wrong(wanted),
            Self::Char(value) => Unexpected::Char(*value),
            Self::Str(value) => Unexpected::Str(value),
            Self::Bytes(bytes) => Unexpected::Bytes(bytes),
            Self::None | Self::Some(_) => Unexpected::Option,
            Self::Seq(_) | Self::Tuple(_) => Unexpected::Seq,
            Self::Map(_) | Self::Struct { .. } => Unexpected::Map,
            Self::Variant { .. } => Unexpected::Enum,
            Self::Shared(_) => Unexpected::Other("a shared object"),
            Self::Continuation(_) => Unexpected::Other("a continuation"),
            Self::Named { .. } => Unexpected::Other("something named"),
            Self::Tag(_) => Unexpected::Other("a prompt tag"),
            Self::Key(_) => Unexpected::Other("a mark key"),
            Self::Opaque(_) => Unexpected::Other("bytes whose type is not known"),
            Self::Withheld => Unexpected::Other("what is withheld"),
        };
        TreeError::invalid_type(found, wanted)
    }

    fn list<'de, V: Visitor<'de>>(&'de self, visitor: V) -> Result<V::Value, TreeError> {
        match self {
            Self::Seq(list) | Self::Tuple(list) => {
                SeqDeserializer::new(list.iter()).deserialize_any(visitor)
            }
            _ => Err(self.wrong(&visitor)),
        }
    }

    fn entries<'de, V: Visitor<'de>>(&'de self, visitor: V) -> Result<V::Value, TreeError> {
        match self {
            Self::Map(map) => {
                let entries = map.iter().map(|(key, value)| (key, value));
                MapDeserializer::new(entries).deserialize_any(visitor)
            }
            Self::Struct { fields, .. } => {
                let entries = fields.iter().map(|(name, value)| (&**name, value));
                MapDeserializer::new(entries).deserialize_any(visitor)
            }
            _ => Err(self.wrong(&visitor)),
        }
    }
}

impl Number {
    fn wrong(self, wanted: &dyn serde::de::Expected) -> TreeError {
        let text;
        let found = match (self, self.integer(), self.integer()) {
            (Self::F32(_) | Self::F64(_), ..) => Unexpected::Float(self.double()),
            (_, Some(number), _) => Unexpected::Signed(number),
            (_, _, Some(number)) => Unexpected::Unsigned(number),
            _ => {
                text = format!("integer `{self}`");
                Unexpected::Other(&text)
            }
        };
        TreeError::invalid_value(found, wanted)
    }
}

impl<'de> IntoDeserializer<'de, TreeError> for &'de Tree {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
            match self {
                Tree::Number(number) => match number.integer() {
                    Some(number) => visitor.$visit(number),
                    None => Err(number.wrong(&visitor)),
                },
                _ => Err(self.wrong(&visitor)),
            }
        }
    )*};
}

/// From a tree that was made of a value, or that came from a format.
impl<'de> Deserializer<'de> for &'de Tree {
    type Error = TreeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match self {
            Tree::Unit => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(*value),
            Tree::Number(number) => match *number {
                Number::I8(number) => visitor.visit_i8(number),
                Number::I16(number) => visitor.visit_i16(number),
                Number::I32(number) => visitor.visit_i32(number),
                Number::I64(number) => visitor.visit_i64(number),
                Number::I128(number) => visitor.visit_i128(number),
                Number::U8(number) => visitor.visit_u8(number),
                Number::U16(number) => visitor.visit_u16(number),
                Number::U32(number) => visitor.visit_u32(number),
                Number::U64(number) => visitor.visit_u64(number),
                Number::U128(number) => visitor.visit_u128(number),
                Number::F32(number) => visitor.visit_f32(number),
                Number::F64(number) => visitor.visit_f64(number),
            },
            Tree::Char(value) => visitor.visit_char(*value),
            Tree::Str(value) => visitor.visit_borrowed_str(value),
            Tree::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Tree::None => visitor.visit_none(),
            Tree::Some(inner) => visitor.visit_some(&**inner),
            Tree::Seq(_) | Tree::Tuple(_) => self.list(visitor),
            Tree::Map(_) | Tree::Struct { .. } => self.entries(visitor),
            Tree::Variant { name, content, .. } => match content {
                None => visitor.visit_borrowed_str(name),
                Some(content) => {
                    let entry = std::iter::once((&**name, &**content));
                    MapDeserializer::new(entry).deserialize_any(visitor)
                }
            },
            _ => Err(self.wrong(&visitor)),
        }
    }

    integers! {
        deserialize_i8 visit_i8, deserialize_i16 visit_i16, deserialize_i32 visit_i32,
        deserialize_i64 visit_i64, deserialize_i128 visit_i128, deserialize_u8 visit_u8,
        deserialize_u16 visit_u16, deserialize_u32 visit_u32, deserialize_u64 visit_u64,
        deserialize_u128 visit_u128
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match self {
            Tree::Number(number) => match number.single() {
                Some(number) => visitor.visit_f32(number),
                None => Err(number.wrong(&visitor)),
            },
            _ => Err(self.wrong(&visitor)),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match self {
            Tree::Number(number) => visitor.visit_f64(number.double()),
            _ => Err(self.wrong(&visitor)),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        let mut chars = match self {
            Tree::Char(value) => return visitor.visit_char(*value),
            Tree::Str(value) => value.chars(),
            _ => return Err(self.wrong(&visitor)),
        };
        match (chars.next(), chars.next()) {
            (Some(value), None) => visitor.visit_char(value),
            _ => Err(self.wrong(&visitor)),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match self {
            Tree::None | Tree::Unit => visitor.visit_none(),
            Tree::Some(inner) => visitor.visit_some(&**inner),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match self {
            Tree::None | Tree::Unit => visitor.visit_unit(),
            _ => Err(self.wrong(&visitor)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        match (name, self) {
            (SHARED, Tree::Shared(index))
            | (CONTINUATION, Tree::Continuation(index))
            | (TAG, Tree::Tag(index))
            | (KEY, Tree::Key(index)) => visitor.visit_newtype_struct(index.into_deserializer()),
            (NAMED, Tree::Named { name, revision }) => {
                let held = NameAndRevision(Some(name), *revision);
                visitor.visit_newtype_struct(SeqAccessDeserializer::new(held))
            }
            (SHARED | CONTINUATION | NAMED | TAG | KEY, _) => Err(self.wrong(&visitor)),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        self.list(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        self.list(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        self.list(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        self.entries(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        match self {
            Tree::Seq(_) | Tree::Tuple(_) => self.list(visitor),
            _ => self.entries(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        let (name, content) = match self {
            Tree::Variant { name, content, .. } => (name, content.as_deref()),
            Tree::Str(name) => (name, None),
            Tree::Map(map) => match &**map {
                [(Tree::Str(name), content)] => (name, Some(content)),
                _ => return Err(self.wrong(&visitor)),
            },
            _ => return Err(self.wrong(&visitor)),
        };
        visitor.visit_enum(Chosen { name, content })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool str string byte_buf identifier
    }
}

/// What a named value holds, the name as long as it was not asked for.
struct NameAndRevision<'de>(Option<&'de str>, u64);

impl<'de> SeqAccess<'de> for NameAndRevision<'de> {
    type Error = TreeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TreeError> {
        match self.0.take() {
            Some(name) => seed.deserialize(BorrowedStrDeserializer::new(name)),
            None => seed.deserialize(self.1.into_deserializer()),
        }
        .map(Some)
    }
}

/// A variant, by its name.
struct Chosen<'de> {
    name: &'de str,
    content: Option<&'de Tree>,
}

impl<'de> EnumAccess<'de> for Chosen<'de> {
    type Error = TreeError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), TreeError> {
        let name = seed.deserialize(BorrowedStrDeserializer::new(self.name))?;
        Ok((name, self))
    }
}

impl<'de> Chosen<'de> {
    fn content(&self) -> Result<&'de Tree, TreeError> {
        let nothing = || refused(format!("the variant {} has nothing in it", self.name));
        self.content.ok_or_else(nothing)
    }
}

impl<'de> VariantAccess<'de> for Chosen<'de> {
    type Error = TreeError;

    fn unit_variant(self) -> Result<(), TreeError> {
        self.content.map_or(Ok(()), <()>::deserialize)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, TreeError> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, TreeError> {
        self.content()?.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        self.content()?.deserialize_struct("", fields, visitor)
    }
}
