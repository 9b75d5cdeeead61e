//! What a value was encoded as, without the value.
//!
//! The bytes of a value do not say what they are: its type does. A shape says it in the type's
//! stead, to whoever does not have the program. It is found by looking at values, so it knows
//! what was met and no more: of an enum the variants that occurred, of a sequence that was
//! always empty not what could be in it. That is enough to read those values again.

use std::boxed::Box;
use std::collections::BTreeMap;
use std::fmt;
use std::format;
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

use super::tree::{Number, Tree};

/// What values were encoded as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// None was met.
    #[default]
    Unknown,
    /// They were encoded in ways that differ, so that their bytes alone do not tell them.
    Mixed,
    /// Nothing.
    Unit,
    /// A truth value.
    Bool,
    /// A number of 8 bits, with a sign.
    I8,
    /// A number of 16 bits, with a sign.
    I16,
    /// A number of 32 bits, with a sign.
    I32,
    /// A number of 64 bits, with a sign.
    I64,
    /// A number of 128 bits, with a sign.
    I128,
    /// A number of 8 bits.
    U8,
    /// A number of 16 bits.
    U16,
    /// A number of 32 bits.
    U32,
    /// A number of 64 bits.
    U64,
    /// A number of 128 bits.
    U128,
    /// A floating-point number of 32 bits.
    F32,
    /// A floating-point number of 64 bits.
    F64,
    /// A character.
    Char,
    /// A string.
    Str,
    /// Bytes.
    Bytes,
    /// This, or none.
    Option(Box<Shape>),
    /// Any number of these.
    Seq(Box<Shape>),
    /// One of each.
    Tuple(Vec<Shape>),
    /// Any number of keys, each with a value.
    Map(Box<(Shape, Shape)>),
    /// One of each, by name.
    Struct {
        /// The name of the type.
        name: Arc<str>,
        /// The fields, in order.
        fields: Vec<(Arc<str>, Shape)>,
    },
    /// One of several.
    Enum {
        /// The name of the type.
        name: Arc<str>,
        /// The variants that were met, by their indices.
        variants: BTreeMap<u32, VariantShape>,
    },
    /// A reference to a shared object.
    Shared,
    /// A reference to a continuation.
    Continuation,
    /// A reference by name.
    Named,
    /// The tag of a prompt.
    Tag,
    /// The key of marks.
    Key,
}

/// A variant of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariantShape {
    /// Its name.
    pub name: Arc<str>,
    /// What is in it, if there is anything.
    pub content: Option<Shape>,
}

/// Two values in one place were encoded in ways that cannot be told apart by their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What was met before.
    pub known: String,
    /// What was met now.
    pub met: String,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { known, met } = self;
        write!(
            f,
            "one place held {known} and {met}: encode both as variants of one enum"
        )
    }
}

impl std::error::Error for Conflict {}

impl Shape {
    /// The shape of one value.
    #[must_use]
    pub fn of(tree: &Tree) -> Self {
        match tree {
            Tree::Unit => Self::Unit,
            Tree::Bool(_) => Self::Bool,
            Tree::Number(number) => match number {
                Number::I8(_) => Self::I8,
                Number::I16(_) => Self::I16,
                Number::I32(_) => Self::I32,
                Number::I64(_) => Self::I64,
                Number::I128(_) => Self::I128,
                Number::U8(_) => Self::U8,
                Number::U16(_) => Self::U16,
                Number::U32(_) => Self::U32,
                Number::U64(_) => Self::U64,
                Number::U128(_) => Self::U128,
                Number::F32(_) => Self::F32,
                Number::F64(_) => Self::F64,
            },
            Tree::Char(_) => Self::Char,
            Tree::Str(_) => Self::Str,
            Tree::Bytes(_) => Self::Bytes,
            Tree::None => Self::Option(Box::default()),
            Tree::Some(content) => Self::Option(Box::new(Self::of(content))),
            Tree::Seq(elements) => Self::Seq(Box::new(Self::of_all(elements))),
            Tree::Tuple(elements) => Self::Tuple(elements.iter().map(Self::of).collect()),
            Tree::Map(entries) => {
                let keys = Self::of_all(entries.iter().map(|(key, _)| key));
                let values = Self::of_all(entries.iter().map(|(_, value)| value));
                Self::Map(Box::new((keys, values)))
            }
            Tree::Struct { name, fields } => {
                let field =
                    |(name, value): &(String, Tree)| (name.as_str().into(), Self::of(value));
                Self::Struct {
                    name: name.as_str().into(),
                    fields: fields.iter().map(field).collect(),
                }
            }
            Tree::Variant {
                of,
                index,
                name,
                content,
            } => {
                let variant = VariantShape {
                    name: name.as_str().into(),
                    content: content.as_deref().map(Self::of),
                };
                Self::Enum {
                    name: of.as_str().into(),
                    variants: BTreeMap::from([(*index, variant)]),
                }
            }
            Tree::Shared(_) => Self::Shared,
            Tree::Continuation(_) => Self::Continuation,
            Tree::Named { .. } => Self::Named,
            Tree::Tag(_) => Self::Tag,
            Tree::Key(_) => Self::Key,
            Tree::Opaque(_) | Tree::Withheld => Self::Unknown,
        }
    }

    /// The shape of values that are in one place.
    fn of_all<'a>(trees: impl IntoIterator<Item = &'a Tree>) -> Self {
        let mut all = Self::Unknown;
        for tree in trees {
            // A conflict stays in it, as what is mixed.
            let _ = all.note(tree);
        }
        all
    }

    /// The shape of the values of both.
    ///
    /// # Errors
    ///
    /// If values of the one and of the other could have the same bytes.
    pub fn union(mut self, other: Self) -> Result<Self, Conflict> {
        self.add(other)?;
        Ok(self)
    }

    /// Makes this the shape of the other's values too. Where they cannot be told apart it is
    /// mixed from then on, and the first of these places is the error.
    pub(super) fn add(&mut self, other: Self) -> Result<(), Conflict> {
        match (&mut *self, other) {
            (Self::Mixed, _) | (_, Self::Unknown) => Ok(()),
            (_, Self::Mixed) => {
                *self = Self::Mixed;
                Ok(())
            }
            (Self::Unknown, other) => {
                *self = other;
                Ok(())
            }
            (Self::Option(known), Self::Option(met)) | (Self::Seq(known), Self::Seq(met)) => {
                known.add(*met)
            }
            (Self::Map(known), Self::Map(met)) => {
                let (keys, values) = *met;
                let added = known.0.add(keys);
                added.and(known.1.add(values))
            }
            (Self::Tuple(known), Self::Tuple(met)) if known.len() == met.len() => {
                Self::add_all(known.iter_mut().zip(met))
            }
            (
                Self::Struct { name, fields },
                Self::Struct {
                    name: met_name,
                    fields: met,
                },
            ) if *name == met_name
                && fields.len() == met.len()
                && fields.iter().zip(&met).all(|(known, met)| known.0 == met.0) =>
            {
                let fields = fields.iter_mut().map(|(_, shape)| shape);
                Self::add_all(fields.zip(met.into_iter().map(|(_, shape)| shape)))
            }
            (
                Self::Enum { name, variants },
                Self::Enum {
                    name: met_name,
                    variants: met,
                },
            ) if *name == met_name => {
                let mut added = Ok(());
                for (index, met) in met {
                    let Some(known) = variants.get_mut(&index) else {
                        variants.insert(index, met);
                        continue;
                    };
                    added = added.and(known.add(met));
                }
                added
            }
            (known, met) if *known == met => Ok(()),
            (known, met) => {
                let conflict = Conflict {
                    known: known.summary(),
                    met: met.summary(),
                };
                *self = Self::Mixed;
                Err(conflict)
            }
        }
    }

    /// Adds each to the one beside it, all of them even if there is a conflict.
    fn add_all<'a>(pairs: impl Iterator<Item = (&'a mut Self, Self)>) -> Result<(), Conflict> {
        let mut added = Ok(());
        for (known, met) in pairs {
            added = added.and(known.add(met));
        }
        added
    }

    /// Whether this is the shape of such a value already.
    #[must_use]
    pub fn covers(&self, tree: &Tree) -> bool {
        match (self, tree) {
            (Self::Mixed, _) | (_, Tree::Opaque(_) | Tree::Withheld) => true,
            (Self::Option(_), Tree::None) => true,
            (Self::Option(shape), Tree::Some(content)) => shape.covers(content),
            (Self::Seq(shape), Tree::Seq(elements)) => elements.iter().all(|it| shape.covers(it)),
            (Self::Tuple(shapes), Tree::Tuple(elements)) => {
                let mut pairs = shapes.iter().zip(elements);
                shapes.len() == elements.len() && pairs.all(|(shape, it)| shape.covers(it))
            }
            (Self::Map(shapes), Tree::Map(entries)) => {
                let mut entries = entries.iter();
                entries.all(|(key, value)| shapes.0.covers(key) && shapes.1.covers(value))
            }
            (
                Self::Struct { name, fields },
                Tree::Struct {
                    name: met_name,
                    fields: met,
                },
            ) => {
                let mut pairs = fields.iter().zip(met);
                **name == **met_name
                    && fields.len() == met.len()
                    && pairs.all(|(known, met)| *known.0 == *met.0 && known.1.covers(&met.1))
            }
            (
                Self::Enum { name, variants },
                Tree::Variant {
                    of,
                    index,
                    name: met_name,
                    content,
                },
            ) => {
                let known = variants.get(index).filter(|it| *it.name == **met_name);
                **name == **of
                    && known.is_some_and(|known| match (&known.content, content) {
                        (None, None) => true,
                        (Some(shape), Some(content)) => shape.covers(content),
                        _ => false,
                    })
            }
            // The others have no parts, or are not alike.
            (_, Tree::Seq(_) | Tree::Tuple(_) | Tree::Map(_) | Tree::None | Tree::Some(_)) => false,
            (_, Tree::Struct { .. } | Tree::Variant { .. }) => false,
            (shape, tree) => *shape == Self::of(tree),
        }
    }

    /// Makes this the shape of that value too, as [`add`](Self::add).
    pub(super) fn note(&mut self, tree: &Tree) -> Result<(), Conflict> {
        match self.covers(tree) {
            true => Ok(()),
            false => self.add(Self::of(tree)),
        }
    }

    /// What it is, in a few words.
    pub(super) fn summary(&self) -> String {
        match self {
            Self::Option(_) => "an option".into(),
            Self::Seq(_) => "a sequence".into(),
            Self::Map(_) => "a map".into(),
            Self::Tuple(elements) => format!("a tuple of {}", elements.len()),
            Self::Struct { name, fields } => {
                format!("a struct {name} of {} fields", fields.len())
            }
            Self::Enum { name, .. } => format!("an enum {name}"),
            Self::Shared => "a shared object".into(),
            Self::Named => "a name".into(),
            Self::Tag => "a prompt tag".into(),
            Self::Key => "a mark key".into(),
            other => format!("{other:?}").to_lowercase(),
        }
    }
}

impl VariantShape {
    fn add(&mut self, other: Self) -> Result<(), Conflict> {
        if self.name != other.name || self.content.is_some() != other.content.is_some() {
            let conflict = Conflict {
                known: format!("a variant {}", self.name),
                met: format!("a variant {}", other.name),
            };
            self.content = Some(Shape::Mixed);
            return Err(conflict);
        }
        match (&mut self.content, other.content) {
            (Some(known), Some(met)) => known.add(met),
            _ => Ok(()),
        }
    }
}
