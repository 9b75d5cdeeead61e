//! The document of a snapshot for whoever does not have the program.

use std::borrow::ToOwned;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;
use std::string::{String, ToString};
use std::vec::Vec;

use super::super::decode::{Room, Unreadable};
use super::super::error::LoadError;
use super::super::grammar::{self, Take};
use super::super::header::{self, Header};
use super::super::limited::Budget;
use super::super::load::LoadLimits;
use super::super::persist::Persist;
use super::super::schema::Schema;
use super::super::shape::{Conflict, Shape};
use super::super::stack::Skim;
use super::super::tree::Tree;
use super::super::wire::{self, Reader};
use super::super::{FORMAT, MAGIC};
use super::hide::hide;
use super::show::identities;
use super::{
    Document, Editor, FrameDocument, ObjectDocument, RootDocument, RootType, WaitsDocument,
};
use crate::frame::outline::{Outline, UnderOutline};

/// Why a snapshot could not be read without its program.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UntypedError {
    /// It cannot be read at all.
    Load(LoadError),
    /// There is no schema in it.
    NoSchema,
}

impl fmt::Display for UntypedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(error) => error.fmt(f),
            Self::NoSchema => f.write_str(
                "there is no schema in the snapshot: save it with one, or read it with its program",
            ),
        }
    }
}

impl std::error::Error for UntypedError {}

impl From<LoadError> for UntypedError {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl Document {
    /// The document of a snapshot, by the schema that is in it: of any program, without that.
    ///
    /// What is secret, and what only that leads to, is withheld; so is what the schema does not
    /// know, of which nobody knows whether it is secret.
    ///
    /// # Errors
    ///
    /// [`UntypedError::NoSchema`] if there is no schema in it, and otherwise if it is no
    /// snapshot, or damaged, or an increment, or larger than may be.
    pub fn read(bytes: &[u8], limits: LoadLimits) -> Result<Self, UntypedError> {
        limits.check("bytes", limits.bytes.min(u32::MAX as usize), bytes.len())?;
        let budget = Budget::new(limits.depth, limits.elements);
        let found = Found::read(bytes, limits, &budget)?;
        let schema = found.content[found.schema.clone()].to_vec();
        if schema.is_empty() {
            return Err(UntypedError::NoSchema);
        }
        let mut schema = Reader::new(&schema, &budget);
        let unfit = |error: postcard::Error| LoadError::Value {
            of: "the schema".to_owned(),
            why: error.to_string(),
        };
        let known: Schema = schema.value().map_err(unfit)?;
        schema.end().map_err(unfit)?;
        Ok(found.document(&known, limits, &budget)?)
    }
}

impl Schema {
    /// Notes all values of a document in which nothing is withheld. Of each slot of a kind of
    /// frame `is_secret` says whether it is secret.
    ///
    /// # Errors
    ///
    /// As [`note_frame`](Self::note_frame), for the first such place; all is noted.
    pub fn note_document(
        &mut self,
        document: &Document,
        mut is_secret: impl FnMut(&str, &str) -> bool,
    ) -> Result<(), Conflict> {
        let mut noted = Ok(());
        let mut note = |noting: Result<(), Conflict>| {
            if noted.is_ok() {
                noted = noting;
            }
        };
        let mut frame = |schema: &mut Self, frame: &FrameDocument| match &frame.slots {
            Tree::Struct { fields, .. } => {
                let slots: Vec<_> = fields
                    .iter()
                    .map(|(name, value)| (&**name, is_secret(&frame.kind, name), value))
                    .collect();
                schema.note_frame(&frame.kind, frame.version, slots)
            }
            // Without types nothing can be said of it.
            _ => Ok(()),
        };
        for part in &document.parts {
            match part {
                Outline::Segment {
                    frames,
                    marks,
                    under,
                    ..
                } => {
                    frames.iter().for_each(|it| note(frame(self, it)));
                    for mark in marks {
                        note(self.note_value(&mark.value));
                    }
                    if let UnderOutline::Returned(value) | UnderOutline::Raised(value) = under {
                        note(self.note_value(value));
                    }
                }
                Outline::Winder { thunks: frames } | Outline::Entering { body: frames, .. } => {
                    frames.iter().for_each(|it| note(frame(self, it)));
                }
                Outline::Rest { .. } | Outline::Winders { .. } | Outline::Continuation { .. } => {}
            }
        }
        for object in &document.objects {
            note(self.note_object(&object.of, object.version, &object.value));
        }
        for (index, root) in (0u32..).zip(&document.roots) {
            match root {
                RootDocument::Value(value) => note(self.note_root(index, value)),
                RootDocument::Machine {
                    waits: WaitsDocument::Value(value) | WaitsDocument::Raised(value),
                    ..
                } => note(self.note_value(value)),
                _ => {}
            }
        }
        noted
    }

    /// The snapshot with this schema in it, in place of another if there is one.
    ///
    /// It is another snapshot to its increments: put the schema in before one is made.
    ///
    /// # Errors
    ///
    /// If it is no snapshot, or damaged, or an increment.
    pub fn embed(&self, bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
        let limits = LoadLimits::default();
        let budget = Budget::new(limits.depth, limits.elements);
        let found = Found::read(bytes, limits, &budget)?;
        let mut schema = Vec::new();
        wire::value(self, &mut schema).map_err(|error| LoadError::Value {
            of: "the schema".to_owned(),
            why: error.to_string(),
        })?;
        let mut to = MAGIC.to_vec();
        to.push(FORMAT);
        to.extend(&found.content[..found.schema_at]);
        wire::number(schema.len() as u64, &mut to);
        to.extend(schema);
        let checksum = crc32fast::hash(&to);
        to.extend(checksum.to_le_bytes());
        Ok(to)
    }
}

impl<F: Persist> Editor<F> {
    /// The snapshot with its schema in it, so that [`Document::read`] can read it. Of roots that
    /// are values the editor has to know the [type](Self::root); the others are withheld there.
    ///
    /// It is another snapshot to its increments: put the schema in before one is made. A frame
    /// that is not of the version that there is now is withheld there.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and if it is an increment.
    pub fn with_schema(&self, bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
        let root = |(index, root): (&usize, &RootType<F>)| {
            let RootType { fill, show, encode } = *root;
            (*index, RootType { fill, show, encode })
        };
        let all = Self {
            registry: self.registry.clone(),
            limits: self.limits,
            secrets: true,
            roots: self.roots.iter().map(root).collect(),
        };
        let is_secret = |kind: &str, slot: &str| {
            let kind = F::KINDS.iter().find(|it| it.name == kind);
            let mut slots = kind.into_iter().flat_map(|kind| kind.slots);
            slots.any(|it| it.name == slot && it.secret)
        };
        let mut schema = Schema::new();
        // What is in conflict is withheld.
        let _ = schema.note_document(&all.read(bytes)?, is_secret);
        schema.embed(bytes)
    }
}

/// What of a snapshot is found without any type.
struct Found<'a> {
    content: &'a [u8],
    header: Header,
    /// Where the values of the objects are.
    objects: Vec<Range<usize>>,
    roots: Vec<Range<usize>>,
    /// Where the schema is, with its length and without.
    schema_at: usize,
    schema: Range<usize>,
}

impl<'a> Found<'a> {
    fn read(bytes: &'a [u8], limits: LoadLimits, budget: &'a Budget) -> Result<Self, LoadError> {
        let (content, _) = header::content(bytes)?;
        let mut bytes = Reader::new(content, budget);
        let header = Header::read(&mut bytes, content, limits)?;
        if header.base.is_some() {
            return Err(LoadError::Base { is_increment: true });
        }
        if !header.changed.is_empty() {
            return Err(LoadError::Invalid("there is no such object"));
        }
        let mut skim = Skim {
            content,
            bytes,
            kinds_from: 0,
        };
        for _ in 0..header.parts {
            skim.part()?;
        }
        let Skim { mut bytes, .. } = skim;
        let range = |bytes: &mut Reader<'a>| -> Result<_, LoadError> {
            let len = bytes.index()?;
            Ok(bytes.take(len)?.range(content))
        };
        let mut objects = Vec::new();
        for _ in &header.new {
            objects.push(range(&mut bytes)?);
        }
        let count = bytes.count(2)?;
        limits.check("parts", limits.parts, count)?;
        let mut roots = Vec::new();
        for _ in 0..count {
            roots.push(range(&mut bytes)?);
        }
        let schema_at = bytes.range(content).start;
        let schema = range(&mut bytes)?;
        if !bytes.is_empty() {
            return Err(LoadError::Invalid("there is more after the schema"));
        }
        Ok(Self {
            content,
            header,
            objects,
            roots,
            schema_at,
            schema,
        })
    }

    fn document(
        self,
        schema: &Schema,
        limits: LoadLimits,
        budget: &Budget,
    ) -> Result<Document, LoadError> {
        let room = Room::new(limits);
        let (content, header) = (self.content, self.header);
        let mut untyped = Untyped {
            content,
            bytes: Reader::new(&content[header.parts_at..], budget),
            kinds: &header.kinds,
            schema,
            room: &room,
            hidden: Vec::new(),
            is_complete: true,
        };
        let mut parts = Vec::new();
        for _ in 0..header.parts {
            parts.push(grammar::take(&mut untyped)?);
        }
        let mut objects = Vec::new();
        for (of, range) in header.new.iter().zip(self.objects) {
            let of = header.types.get(*of as usize);
            let (of, version) = of.ok_or(LoadError::Invalid("there is no such type"))?;
            let shape = schema.object(of, *version).unwrap_or(&Shape::Unknown);
            objects.push(ObjectDocument {
                of: untyped.text(of)?,
                version: *version,
                value: untyped.tree(shape, of, &content[range])?,
            });
        }
        let mut roots = Vec::new();
        for (index, range) in (0u32..).zip(self.roots) {
            untyped.bytes = Reader::new(&content[range.clone()], budget);
            roots.push(untyped.root(index)?);
            if !untyped.bytes.is_empty() {
                return Err(LoadError::Invalid("a root has more in it"));
            }
        }
        let Untyped {
            mut hidden,
            is_complete,
            ..
        } = untyped;
        let versioned = |(name, version): &(Rc<str>, u32)| ((**name).into(), *version);
        let mut document = Document {
            kinds: header.kinds.iter().map(versioned).collect(),
            tags: identities(&header.tags).collect(),
            keys: identities(&header.keys).collect(),
            program: header.program,
            version: header.version,
            objects,
            parts,
            roots,
        };
        if !is_complete {
            // What cannot be read may be secret, and may lead anywhere.
            hidden.extend((0..document.objects.len() as u32).map(Tree::Shared));
            hidden.extend((0..document.parts.len() as u32).map(Tree::Continuation));
        }
        hide(&hidden, &mut document);
        Ok(document)
    }
}

/// Reads parts and roots by a schema.
struct Untyped<'a> {
    content: &'a [u8],
    bytes: Reader<'a>,
    kinds: &'a [(Rc<str>, u32)],
    schema: &'a Schema,
    room: &'a Room,
    /// What was withheld.
    hidden: Vec<Tree>,
    /// Whether all was read.
    is_complete: bool,
}

fn unreadable(of: &str, why: Unreadable) -> LoadError {
    match why {
        Unreadable::Limit { what, limit } => LoadError::Limit { what, limit },
        why => LoadError::Value {
            of: of.to_owned(),
            why: why.to_string(),
        },
    }
}

impl Untyped<'_> {
    fn text(&self, text: &str) -> Result<String, LoadError> {
        let text = self.room.text(text);
        text.map_err(|why| unreadable("a name", why))
    }

    /// What was read, or withheld if it was not met.
    fn met(&mut self, of: &str, read: Result<Tree, Unreadable>) -> Result<Tree, LoadError> {
        match read {
            Ok(tree) => Ok(tree),
            Err(Unreadable::NotMet) => {
                self.is_complete = false;
                Ok(Tree::Withheld)
            }
            Err(why) => Err(unreadable(of, why)),
        }
    }

    fn tree(&mut self, shape: &Shape, of: &str, bytes: &[u8]) -> Result<Tree, LoadError> {
        let read = match shape.decode_front(bytes, self.room) {
            Ok((tree, [])) => Ok(tree),
            Ok(_) => Err(Unreadable::Damaged),
            Err(why) => Err(why),
        };
        self.met(of, read)
    }

    fn root(&mut self, index: u32) -> Result<RootDocument, LoadError> {
        Ok(match self.number()? {
            0 => {
                let rest = self.bytes.range(self.content);
                self.bytes = self.bytes.empty();
                let shape = self.schema.root(index).unwrap_or(&Shape::Unknown);
                RootDocument::Value(self.tree(shape, "a root", &self.content[rest])?)
            }
            1 => RootDocument::Machine {
                stack: self.name()?,
                waits: match self.number()? {
                    0 => WaitsDocument::Answer,
                    1 => WaitsDocument::Start,
                    2 => WaitsDocument::Restarted,
                    3 => WaitsDocument::Value(self.value()?),
                    4 => WaitsDocument::Raised(self.value()?),
                    5 => WaitsDocument::Continuation(self.name()?),
                    _ => return Err(LoadError::Invalid("a machine waits for nothing known")),
                },
            },
            2 => RootDocument::Continuation(self.name()?),
            _ => return Err(LoadError::Invalid("a root is of no known sort")),
        })
    }
}

impl Take for Untyped<'_> {
    type Frames = Vec<FrameDocument>;
    type Value = Tree;

    fn number(&mut self) -> Result<usize, LoadError> {
        self.bytes.index()
    }

    fn frames(&mut self) -> Result<Vec<FrameDocument>, LoadError> {
        let mut frames = Vec::new();
        for _ in 0..self.bytes.count(2)? {
            let kind = self.kinds.get(self.bytes.index()?);
            let (kind, version) =
                kind.ok_or(LoadError::Invalid("there is no such kind of frame"))?;
            let len = self.bytes.index()?;
            let range = self.bytes.take(len)?.range(self.content);
            let bytes = &self.content[range];
            let hidden = &mut self.hidden;
            let slots = self
                .schema
                .frame_in(kind, *version, bytes, self.room, hidden);
            let name = self.text(kind)?;
            let slots = slots.map(|fields| Tree::Struct { name, fields });
            frames.push(FrameDocument {
                kind: self.text(kind)?,
                version: *version,
                slots: self.met(kind, slots)?,
            });
        }
        Ok(frames)
    }

    fn value(&mut self) -> Result<Tree, LoadError> {
        let len = self.bytes.index()?;
        let range = self.bytes.take(len)?.range(self.content);
        self.tree(self.schema.value(), "a value", &self.content[range])
    }
}
