//! What is in a snapshot, for whoever does not have the program's types.

use std::collections::BTreeMap;
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::decode::{Room, Unreadable};
use super::load::LoadLimits;
use super::pack::{Packed, Packer};
use super::shape::{Conflict, Shape};
use super::tree::Tree;

/// The shapes of all values in a snapshot, or in several of one program: with it, and without
/// the program, they can be read.
///
/// It is noted value by value, as they are saved. What is secret is noted too, since what
/// follows it could not be found otherwise; but it is withheld when it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// The slots of each kind of frame, by its name and its version.
    frames: Versions<Vec<SlotShape>>,
    /// The values that frames pass to each other, those of marks among them.
    value: Shape,
    /// The types of shared objects, by their names and versions.
    objects: Versions<Shape>,
    /// The roots that are values, by their indices.
    roots: BTreeMap<u32, Shape>,
}

/// What goes by a name and a version.
type Versions<T> = BTreeMap<Arc<str>, BTreeMap<u32, T>>;

/// A slot of a kind of frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotShape {
    /// Its name.
    pub name: Arc<str>,
    /// Whether it is withheld.
    pub secret: bool,
    /// The values that were met in it.
    pub shape: Shape,
}

fn find<'a, T>(versions: &'a Versions<T>, name: &str, version: u32) -> Option<&'a T> {
    versions.get(name)?.get(&version)
}

/// The entry of this name and version; a new one is empty.
fn entry<'a, T: Default>(versions: &'a mut Versions<T>, name: &str, version: u32) -> &'a mut T {
    if !versions.contains_key(name) {
        versions.insert(name.into(), BTreeMap::new());
    }
    let versions = versions.get_mut(name);
    // It is there: it was put there just now.
    let versions = versions.unwrap_or_else(|| unreachable!("a name is gone"));
    versions.entry(version).or_default()
}

impl Schema {
    /// One that nothing was noted in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes the slots of a frame, in order: the name, whether it is secret, and the value.
    ///
    /// # Errors
    ///
    /// If values of one slot could not be told apart by their bytes. All is noted; only that
    /// slot cannot be read, nor what follows it.
    pub fn note_frame<'a>(
        &mut self,
        kind: &str,
        version: u32,
        slots: impl IntoIterator<Item = (&'a str, bool, &'a Tree)>,
    ) -> Result<(), Conflict> {
        let known = entry(&mut self.frames, kind, version);
        let mut noted = Ok(());
        for (index, (name, secret, value)) in slots.into_iter().enumerate() {
            match known.get_mut(index) {
                Some(slot) => {
                    slot.secret |= secret;
                    noted = noted.and(slot.shape.note(value));
                }
                None => known.push(SlotShape {
                    name: name.into(),
                    secret,
                    shape: Shape::of(value),
                }),
            }
        }
        noted
    }

    /// Notes a value that frames pass to each other.
    ///
    /// # Errors
    ///
    /// As [`note_frame`](Self::note_frame).
    pub fn note_value(&mut self, value: &Tree) -> Result<(), Conflict> {
        self.value.note(value)
    }

    /// Notes the value of a shared object of this type.
    ///
    /// # Errors
    ///
    /// As [`note_frame`](Self::note_frame).
    pub fn note_object(&mut self, of: &str, version: u32, value: &Tree) -> Result<(), Conflict> {
        entry(&mut self.objects, of, version).note(value)
    }

    /// Notes a root that is a value.
    ///
    /// # Errors
    ///
    /// As [`note_frame`](Self::note_frame).
    pub fn note_root(&mut self, index: u32, value: &Tree) -> Result<(), Conflict> {
        self.roots.entry(index).or_default().note(value)
    }

    /// The slots of a kind of frame, in order.
    #[must_use]
    pub fn frame(&self, kind: &str, version: u32) -> Option<&[SlotShape]> {
        find(&self.frames, kind, version).map(Vec::as_slice)
    }

    /// The values that frames pass to each other.
    #[must_use]
    pub fn value(&self) -> &Shape {
        &self.value
    }

    /// The values of the shared objects of a type.
    #[must_use]
    pub fn object(&self, of: &str, version: u32) -> Option<&Shape> {
        find(&self.objects, of, version)
    }

    /// A root that is a value.
    #[must_use]
    pub fn root(&self, index: u32) -> Option<&Shape> {
        self.roots.get(&index)
    }

    /// Decodes the slots of a frame, of all of these bytes. Those that are secret are withheld.
    ///
    /// # Errors
    ///
    /// [`Unreadable::NotMet`] if the kind of frame or something in it was not met, and
    /// otherwise as [`Shape::decode`].
    pub fn decode_frame(
        &self,
        kind: &str,
        version: u32,
        bytes: &[u8],
        limits: LoadLimits,
    ) -> Result<Vec<(String, Tree)>, Unreadable> {
        self.frame_in(kind, version, bytes, &Room::new(limits), &mut Vec::new())
    }

    /// The same, where several frames share what may be used. What is withheld is in `hidden`.
    pub(super) fn frame_in(
        &self,
        kind: &str,
        version: u32,
        mut bytes: &[u8],
        room: &Room,
        hidden: &mut Vec<Tree>,
    ) -> Result<Vec<(String, Tree)>, Unreadable> {
        let shapes = self.frame(kind, version).ok_or(Unreadable::NotMet)?;
        let mut slots = Vec::new();
        for slot in shapes {
            let (value, after) = slot.shape.decode_front(bytes, room)?;
            bytes = after;
            let value = match slot.secret {
                true => {
                    hidden.push(value);
                    Tree::Withheld
                }
                false => value,
            };
            slots.push((room.text(&slot.name)?, value));
        }
        match bytes {
            [] => Ok(slots),
            _ => Err(Unreadable::Damaged),
        }
    }
}

/// As it is stored. Names are numbers here; the shapes are, in this order, that of the value,
/// those of the slots, of the objects, and of the roots.
#[derive(Serialize, Deserialize)]
struct Stored {
    shapes: Packed,
    frames: Vec<StoredFrame>,
    objects: Vec<(u32, u32)>,
    roots: Vec<u32>,
}

/// The name and version of a kind of frame; of its slots the names, and whether they are secret.
type StoredFrame = (u32, u32, Vec<(u32, bool)>);

/// All, with the names and versions that they go by.
fn each<T>(versions: &Versions<T>) -> impl Iterator<Item = (&str, u32, &T)> {
    let versions = versions.iter();
    versions.flat_map(|(name, of)| of.iter().map(move |(version, it)| (&**name, *version, it)))
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut packer = Packer::default();
        packer.shape(&self.value);
        let mut frames = Vec::new();
        for (name, version, slots) in each(&self.frames) {
            let name = packer.name(name);
            let mut stored = Vec::new();
            for slot in slots {
                packer.shape(&slot.shape);
                stored.push((packer.name(&slot.name), slot.secret));
            }
            frames.push((name, version, stored));
        }
        let mut objects = Vec::new();
        for (name, version, shape) in each(&self.objects) {
            packer.shape(shape);
            objects.push((packer.name(name), version));
        }
        let roots = self.roots.iter().map(|(index, shape)| {
            packer.shape(shape);
            *index
        });
        let roots = roots.collect();
        let shapes = packer.finish();
        let stored = Stored {
            shapes,
            frames,
            objects,
            roots,
        };
        stored.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(from)?;
        stored.schema().map_err(D::Error::custom)
    }
}

impl Stored {
    fn schema(self) -> Result<Schema, &'static str> {
        const UNFIT: &str = "a schema has not the shapes that it names";
        let (names, shapes) = self.shapes.unpack()?;
        let name = |number: u32| names.get(number as usize).cloned().ok_or(UNFIT);
        let mut shapes = shapes.into_iter();
        let mut next = || shapes.next().ok_or(UNFIT);
        let mut schema = Schema {
            value: next()?,
            ..Schema::default()
        };
        for (kind, version, slots) in self.frames {
            let mut known = Vec::new();
            for (slot, secret) in slots {
                known.push(SlotShape {
                    name: name(slot)?,
                    secret,
                    shape: next()?,
                });
            }
            schema
                .frames
                .entry(name(kind)?)
                .or_default()
                .insert(version, known);
        }
        for (of, version) in self.objects {
            schema
                .objects
                .entry(name(of)?)
                .or_default()
                .insert(version, next()?);
        }
        for root in self.roots {
            schema.roots.insert(root, next()?);
        }
        match next() {
            Err(_) => Ok(schema),
            Ok(_) => Err(UNFIT),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::boxed::Box;
    use std::vec;

    use super::super::tree::Number;
    use super::*;

    fn number(number: i32) -> Tree {
        Tree::Number(Number::I32(number))
    }

    /// A frame with three slots, of which the second is secret.
    fn slots(values: [&Tree; 3]) -> impl Iterator<Item = (&str, bool, &Tree)> {
        let names = ["left", "key", "rest"]
            .into_iter()
            .zip([false, true, false]);
        let slots = names.zip(values);
        slots.map(|((name, secret), value)| (name, secret, value))
    }

    fn schema() -> Schema {
        let mut schema = Schema::new();
        let (key, rest) = (Tree::Str("k".into()), Tree::Seq(vec![Tree::Shared(0)]));
        let values = [&number(1), &key, &rest];
        schema.note_frame("sum", 2, slots(values)).unwrap();
        schema.note_value(&Tree::Continuation(0)).unwrap();
        schema.note_object("cell", 1, &Tree::None).unwrap();
        let some = Tree::Some(Box::new(Tree::Shared(1)));
        schema.note_object("cell", 1, &some).unwrap();
        schema.note_object("cell", 2, &Tree::Unit).unwrap();
        schema.note_root(3, &Tree::Bool(true)).unwrap();
        schema
    }

    #[test]
    fn it_is_stored_in_few_bytes_and_read_again() {
        let schema = schema();
        let bytes = postcard::to_stdvec(&schema).unwrap();
        assert_eq!(postcard::from_bytes::<Schema>(&bytes).unwrap(), schema);
        assert!(bytes.len() < 80, "{}", bytes.len());
        for len in 0..bytes.len() {
            assert!(postcard::from_bytes::<Schema>(&bytes[..len]).is_err());
        }
        for at in 0..bytes.len() {
            for byte in 0..=255 {
                let mut bytes = bytes.clone();
                bytes[at] = byte;
                // Whatever it is then.
                let _ = postcard::from_bytes::<Schema>(&bytes);
            }
        }
    }

    #[test]
    fn frames_are_read_and_what_is_secret_is_not() {
        let schema = schema();
        let bytes = postcard::to_stdvec(&(-5i32, "geheim", [7u32, 8].as_slice())).unwrap();
        let limits = LoadLimits::default();
        let read = schema.decode_frame("sum", 2, &bytes, limits).unwrap();
        let rest = Tree::Seq(vec![Tree::Shared(7), Tree::Shared(8)]);
        let expected = [
            ("left", number(-5)),
            ("key", Tree::Withheld),
            ("rest", rest),
        ];
        assert_eq!(read, expected.map(|(name, value)| (name.into(), value)));
        let decode = |kind, version, bytes| schema.decode_frame(kind, version, bytes, limits);
        assert_eq!(decode("sum", 1, &bytes), Err(Unreadable::NotMet));
        assert_eq!(decode("product", 2, &bytes), Err(Unreadable::NotMet));
        let less = &bytes[..bytes.len() - 1];
        assert_eq!(decode("sum", 2, less), Err(Unreadable::Damaged));
        let more = [&bytes[..], &[0]].concat();
        assert_eq!(decode("sum", 2, &more), Err(Unreadable::Damaged));
    }

    #[test]
    fn each_is_found_by_its_name() {
        let schema = schema();
        let cell = Shape::Option(Box::new(Shape::Shared));
        assert_eq!(schema.object("cell", 1), Some(&cell));
        assert_eq!(schema.object("cell", 2), Some(&Shape::Unit));
        assert_eq!(schema.object("cell", 3), None);
        assert_eq!(schema.value(), &Shape::Continuation);
        assert_eq!(schema.root(3), Some(&Shape::Bool));
        assert_eq!(schema.root(0), None);
    }

    #[test]
    fn a_slot_with_a_conflict_is_no_longer_read() {
        let mut schema = schema();
        let (key, rest) = (Tree::Unit, Tree::Seq(Vec::new()));
        let noted = schema.note_frame("sum", 2, slots([&number(1), &key, &rest]));
        assert_eq!(noted.unwrap_err().met, "unit");
        let shapes = schema.frame("sum", 2).unwrap();
        assert_eq!(shapes[1].shape, Shape::Mixed);
        assert_eq!(shapes[2].shape, Shape::Seq(Box::new(Shape::Shared)));
    }
}
