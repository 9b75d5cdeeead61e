//! Shapes as they are stored.

use std::borrow::ToOwned;
use std::boxed::Box;
use std::collections::{BTreeMap, HashMap};
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::shape::{Shape, VariantShape};

/// Shapes as they are stored: names by number, and each node after those that it consists of.
/// So they are read by a loop, however deep they claim to be.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Packed {
    names: Vec<String>,
    nodes: Vec<Node>,
}

/// What follows a shape's parts.
#[derive(Debug, Serialize, Deserialize)]
enum Node {
    Unknown,
    Mixed,
    Unit,
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Str,
    Bytes,
    Option,
    Seq,
    /// So many elements.
    Tuple(u32),
    Map,
    /// Its name, and those of its fields.
    Struct(u32, Vec<u32>),
    /// Its name, and of each variant the index, the name, and whether it has content.
    Enum(u32, Vec<(u32, u32, bool)>),
    Shared,
    Continuation,
    Named,
    Tag,
    Key,
}

/// How deep a shape may be. A value that is read has no more levels than the limits of loading
/// say, so that a shape that is deeper is of no use.
const DEEPEST: u32 = 1_000;

/// Puts shapes into a [`Packed`].
#[derive(Default)]
pub(super) struct Packer<'a> {
    packed: Packed,
    numbers: HashMap<&'a str, u32>,
}

impl<'a> Packer<'a> {
    pub(super) fn finish(self) -> Packed {
        self.packed
    }

    /// The number of a name.
    pub(super) fn name(&mut self, name: &'a str) -> u32 {
        let names = &mut self.packed.names;
        *self.numbers.entry(name).or_insert_with(|| {
            names.push(name.to_owned());
            names.len() as u32 - 1
        })
    }

    /// Adds a shape after the others.
    pub(super) fn shape(&mut self, shape: &'a Shape) {
        let node = match shape {
            Shape::Unknown => Node::Unknown,
            Shape::Mixed => Node::Mixed,
            Shape::Unit => Node::Unit,
            Shape::Bool => Node::Bool,
            Shape::I8 => Node::I8,
            Shape::I16 => Node::I16,
            Shape::I32 => Node::I32,
            Shape::I64 => Node::I64,
            Shape::I128 => Node::I128,
            Shape::U8 => Node::U8,
            Shape::U16 => Node::U16,
            Shape::U32 => Node::U32,
            Shape::U64 => Node::U64,
            Shape::U128 => Node::U128,
            Shape::F32 => Node::F32,
            Shape::F64 => Node::F64,
            Shape::Char => Node::Char,
            Shape::Str => Node::Str,
            Shape::Bytes => Node::Bytes,
            Shape::Option(content) => {
                self.shape(content);
                Node::Option
            }
            Shape::Seq(element) => {
                self.shape(element);
                Node::Seq
            }
            Shape::Tuple(elements) => {
                elements.iter().for_each(|shape| self.shape(shape));
                Node::Tuple(elements.len() as u32)
            }
            Shape::Map(entry) => {
                self.shape(&entry.0);
                self.shape(&entry.1);
                Node::Map
            }
            Shape::Struct { name, fields } => {
                fields.iter().for_each(|(_, shape)| self.shape(shape));
                let names = fields.iter().map(|(name, _)| self.name(name)).collect();
                Node::Struct(self.name(name), names)
            }
            Shape::Enum { name, variants } => {
                let contents = variants.values().filter_map(|it| it.content.as_ref());
                contents.for_each(|shape| self.shape(shape));
                let variant = |(index, it): (&u32, &'a VariantShape)| {
                    (*index, self.name(&it.name), it.content.is_some())
                };
                let variants = variants.iter().map(variant).collect();
                Node::Enum(self.name(name), variants)
            }
            Shape::Shared => Node::Shared,
            Shape::Continuation => Node::Continuation,
            Shape::Named => Node::Named,
            Shape::Tag => Node::Tag,
            Shape::Key => Node::Key,
        };
        self.packed.nodes.push(node);
    }
}

fn name(names: &[Arc<str>], number: u32) -> Result<Arc<str>, &'static str> {
    let name = names.get(number as usize).cloned();
    name.ok_or("a shape has a name that is not there")
}

impl Packed {
    /// The names and the shapes that were added, or why they do not fit together.
    pub(super) fn unpack(self) -> Result<(Vec<Arc<str>>, Vec<Shape>), &'static str> {
        let names: Vec<Arc<str>> = self.names.into_iter().map(Arc::from).collect();
        // Those that are part of no other yet, and how deep they are.
        let mut shapes: Vec<(Shape, u32)> = Vec::new();
        for node in self.nodes {
            let parts = match &node {
                Node::Option | Node::Seq => 1,
                Node::Map => 2,
                Node::Tuple(len) => *len as usize,
                Node::Struct(_, fields) => fields.len(),
                Node::Enum(_, variants) => variants.iter().filter(|it| it.2).count(),
                _ => 0,
            };
            let first = shapes.len().checked_sub(parts);
            let first = first.ok_or("a shape comes before what it consists of")?;
            let deepest = shapes[first..].iter().map(|(_, depth)| *depth).max();
            let depth = deepest.map_or(0, |depth| depth + 1);
            if depth > DEEPEST {
                return Err("a shape is too deep");
            }
            let mut parts = shapes.split_off(first).into_iter().map(|(shape, _)| shape);
            let mut part = || parts.next().ok_or("a shape has too few parts");
            let shape = match node {
                Node::Unknown => Shape::Unknown,
                Node::Mixed => Shape::Mixed,
                Node::Unit => Shape::Unit,
                Node::Bool => Shape::Bool,
                Node::I8 => Shape::I8,
                Node::I16 => Shape::I16,
                Node::I32 => Shape::I32,
                Node::I64 => Shape::I64,
                Node::I128 => Shape::I128,
                Node::U8 => Shape::U8,
                Node::U16 => Shape::U16,
                Node::U32 => Shape::U32,
                Node::U64 => Shape::U64,
                Node::U128 => Shape::U128,
                Node::F32 => Shape::F32,
                Node::F64 => Shape::F64,
                Node::Char => Shape::Char,
                Node::Str => Shape::Str,
                Node::Bytes => Shape::Bytes,
                Node::Option => Shape::Option(Box::new(part()?)),
                Node::Seq => Shape::Seq(Box::new(part()?)),
                Node::Tuple(_) => Shape::Tuple(parts.collect()),
                Node::Map => Shape::Map(Box::new((part()?, part()?))),
                Node::Struct(of, fields) => {
                    let mut field = |number| Ok((name(&names, number)?, part()?));
                    Shape::Struct {
                        name: name(&names, of)?,
                        fields: fields
                            .into_iter()
                            .map(&mut field)
                            .collect::<Result<_, &str>>()?,
                    }
                }
                Node::Enum(of, list) => {
                    let mut variants = BTreeMap::new();
                    for (index, number, has_content) in list {
                        let variant = VariantShape {
                            name: name(&names, number)?,
                            content: has_content.then(&mut part).transpose()?,
                        };
                        if variants.insert(index, variant).is_some() {
                            return Err("a shape has a variant twice");
                        }
                    }
                    let name = name(&names, of)?;
                    Shape::Enum { name, variants }
                }
                Node::Shared => Shape::Shared,
                Node::Continuation => Shape::Continuation,
                Node::Named => Shape::Named,
                Node::Tag => Shape::Tag,
                Node::Key => Shape::Key,
            };
            shapes.push((shape, depth));
        }
        let shapes = shapes.into_iter().map(|(shape, _)| shape).collect();
        Ok((names, shapes))
    }
}

impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut packer = Packer::default();
        packer.shape(self);
        packer.finish().serialize(to)
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let unpacked = Packed::deserialize(from)?.unpack();
        let (_, shapes) = unpacked.map_err(D::Error::custom)?;
        let shapes = <[Self; 1]>::try_from(shapes);
        match shapes {
            Ok([shape]) => Ok(shape),
            Err(_) => Err(D::Error::custom("there is not one shape")),
        }
    }
}
