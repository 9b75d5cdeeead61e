//! The snapshot of a document.

use std::format;
use std::marker::PhantomData;
use std::mem;
use std::rc::Rc;
use std::string::{String, ToString};
use std::vec::Vec;

use serde::Deserialize;

use super::super::error::LoadError;
use super::super::grammar::{self, Put};
use super::super::identity::Identity;
use super::super::leads::{self, NoParts, Node};
use super::super::load::{LoadLimits, Loaded};
use super::super::persist::{Persist, Slots};
use super::super::session::{self, Loading, Scope};
use super::super::sink::put_length;
use super::super::source::{Parts, Restored};
use super::super::table::Table;
use super::super::tree::{Tree, TreeError};
use super::super::whole::Whole;
use super::super::wire;
use super::{
    Document, DocumentError, Editor, Encode, Flaw, FrameDocument, IdentityDocument, RootDocument,
    WaitsDocument,
};
use crate::frame::Layout;
use crate::frame::outline::Outline;
use crate::frame::parts::{Extent, Home, Part};

const NO_CONTINUATION: LoadError = LoadError::Invalid("there is no such continuation");

impl<F: Persist> Editor<F> {
    /// The snapshot of a document. It is one that can be loaded.
    ///
    /// # Errors
    ///
    /// If something in it is not of the type that is wanted there, or is withheld; and as
    /// [`Loaded::read`].
    pub fn write(&self, document: &Document) -> Result<Vec<u8>, DocumentError> {
        if document.program != self.registry.program {
            return Err(DocumentError::Load(LoadError::Program {
                found: document.program.clone(),
                expected: self.registry.program.clone(),
            }));
        }
        let home = Home::new();
        let parts = Parts::<F>::default();
        let stand_in = |part: &Outline<_, _>| match part {
            // Values hold it and hand it on; what is in it nobody asks.
            Outline::Continuation { .. } => {
                let entries = Vec::new();
                let k = home.continuation(Layout { entries });
                Restored::Part(Part::of_continuation(k), Extent::default())
            }
            _ => Restored::Refused {
                why: Rc::new(NO_CONTINUATION),
                lowest: None,
            },
        };
        parts.replace(document.parts.iter().map(stand_in).collect());
        let mut loading = Loading::new(self.registry.clone(), parts);
        for (number, object) in (0u32..).zip(&document.objects) {
            loading
                .types
                .push((object.of.as_str().into(), object.version));
            loading.objects.push(number);
        }
        let names = |list: &[IdentityDocument]| -> Vec<_> {
            let name = |it: &IdentityDocument| (it.name.as_str().into(), !it.minted);
            list.iter().map(name).collect()
        };
        let found = Identity::find(&self.registry, &names(&document.tags), &mut loading.tags);
        found.map_err(DocumentError::Load)?;
        let found = Identity::find(&self.registry, &names(&document.keys), &mut loading.keys);
        found.map_err(DocumentError::Load)?;
        let scope = Scope::load(loading);
        let encoded = self.encode(document);
        if let Some(loading) = scope.loaded() {
            loading.clear();
        }
        let bytes = encoded?;
        let parts = Parts::<F>::default();
        match Loaded::read_into(&[&bytes], &self.registry, self.limits, parts.clone()) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(match parts.borrow().len() {
                restored if restored < document.parts.len() => DocumentError::At {
                    place: format!("part {restored}"),
                    flaw: Flaw::Reference(error),
                },
                _ => DocumentError::Load(error),
            }),
        }
    }

    fn encode(&self, document: &Document) -> Result<Vec<u8>, DocumentError> {
        // A value may look at what it refers to while it is encoded. So all are read before.
        let mut read = Written::<F>::new(document, self.limits, true);
        self.parts_and_roots(&mut read)?;
        read.read_objects()?;
        let has_opaque = read.has_opaque;
        let mut written = Written::<F>::new(document, self.limits, false);
        let (parts, roots) = self.parts_and_roots(&mut written)?;
        let (types, directory, values) = written.objects(has_opaque)?;
        let whole = Whole {
            program: &self.registry.program,
            version: self.registry.version,
            base: None,
            kinds: versions(&written.kinds),
            tags: identities(&document.tags),
            keys: identities(&document.keys),
            types: versions(&types),
            changed: 0,
            objects: document.objects.len(),
            directory: &directory,
            values: &values,
            parts: document.parts.len(),
            parts_bytes: &parts,
            roots: document.roots.len(),
            roots_bytes: &roots,
        };
        Ok(whole.bytes().0)
    }

    fn parts_and_roots(
        &self,
        written: &mut Written<'_, F>,
    ) -> Result<(Vec<u8>, Vec<u8>), DocumentError> {
        let document = written.document;
        for (number, part) in document.parts.iter().enumerate() {
            written.place = format!("part {number}");
            grammar::put(part, written)?;
        }
        let parts = mem::take(&mut written.bytes);
        let mut roots = Vec::new();
        for (index, root) in document.roots.iter().enumerate() {
            written.place = format!("root {index}");
            let encode = self.roots.get(&index).map(|root| root.encode);
            written.root(root, encode)?;
            wire::number(written.bytes.len() as u64, &mut roots);
            roots.append(&mut written.bytes);
        }
        Ok((parts, roots))
    }
}

fn versions(table: &Table<(String, u32)>) -> Vec<(&str, u32)> {
    let list = table.list().iter();
    list.map(|(name, version)| (&**name, *version)).collect()
}

fn identities(list: &[IdentityDocument]) -> Vec<(&str, bool)> {
    list.iter().map(|it| (&*it.name, !it.minted)).collect()
}

/// What is written of a document so far.
struct Written<'a, F> {
    document: &'a Document,
    limits: LoadLimits,
    /// Whether nothing is encoded, and all is read.
    only_reads: bool,
    kinds: Table<(String, u32)>,
    bytes: Vec<u8>,
    /// Whether there is something that may refer to more than is known.
    has_opaque: bool,
    /// What is being written.
    place: String,
    frames: PhantomData<F>,
}

/// The types of the objects, which of them each has, and their values.
type Objects = (Table<(String, u32)>, Vec<u8>, Vec<u8>);

/// What a value was refused for, as far as it is known.
fn flaw(error: TreeError) -> Flaw {
    let known = session::loading(|loading| Ok(loading.error.take()));
    match known {
        Ok(Some(known)) => Flaw::Reference(known),
        _ => Flaw::Value(error),
    }
}

impl<'a, F: Persist> Written<'a, F> {
    fn new(document: &'a Document, limits: LoadLimits, only_reads: bool) -> Self {
        let mut kinds = Table::default();
        for kind in &document.kinds {
            kinds.number(kind.clone(), || kind.clone());
        }
        Self {
            document,
            limits,
            only_reads,
            kinds,
            bytes: Vec::new(),
            has_opaque: false,
            place: String::new(),
            frames: PhantomData,
        }
    }

    fn at(&self, within: &str, flaw: Flaw) -> DocumentError {
        let place = format!("{}{within}", self.place);
        DocumentError::At { place, flaw }
    }

    /// Appends the value of a tree, of a type that is known.
    fn tree(&mut self, tree: &Tree, encode: Option<Encode>) -> Result<(), DocumentError> {
        let encoded = match (tree, encode) {
            (Tree::Withheld, _) => Err(Flaw::Withheld),
            (Tree::Opaque(bytes), _) => {
                self.has_opaque = true;
                self.bytes.extend_from_slice(bytes);
                Ok(())
            }
            (_, Some(encode)) => {
                let to = (!self.only_reads).then_some(&mut self.bytes);
                encode(tree, self.limits.depth, to).map_err(flaw)
            }
            (_, None) => Err(Flaw::Untyped),
        };
        encoded.map_err(|flaw| self.at("", flaw))
    }

    fn frame(&mut self, frame: &FrameDocument, within: &str) -> Result<(), DocumentError> {
        let FrameDocument {
            kind: name,
            version,
            slots,
        } = frame;
        let mut kind = (name.clone(), *version);
        let mut bytes = Vec::new();
        match slots {
            Tree::Withheld => return Err(self.at(within, Flaw::Withheld)),
            Tree::Opaque(opaque) => {
                self.has_opaque = true;
                bytes.extend_from_slice(opaque);
            }
            _ => {
                let found = F::KINDS.iter().position(|kind| kind.name == name);
                let is_readable = |it: &usize| {
                    let kind = &F::KINDS[*it];
                    (kind.reads..=kind.version).contains(version)
                };
                let Some(found) = found.filter(is_readable) else {
                    let (name, version) = kind;
                    return Err(self.at(within, Flaw::Kind { name, version }));
                };
                kind.1 = F::KINDS[found].version;
                let to = (!self.only_reads).then_some(&mut bytes);
                let encoded = encode_slots::<F>(found, frame, self.limits.depth, to);
                encoded.map_err(|(slot, flaw)| match slot {
                    Some(slot) => self.at(&format!("{within} ({name}), slot {slot}"), flaw),
                    None => self.at(&format!("{within} ({name})"), flaw),
                })?;
            }
        }
        let number = self.kinds.number(kind.clone(), || kind);
        wire::number(number.into(), &mut self.bytes);
        wire::number(bytes.len() as u64, &mut self.bytes);
        self.bytes.extend(bytes);
        Ok(())
    }

    fn continuation(&mut self, number: u32) -> Result<(), DocumentError> {
        match self.document.parts.get(number as usize) {
            Some(Outline::Continuation { .. }) => {
                self.number(number as usize);
                Ok(())
            }
            _ => Err(self.at("", Flaw::Reference(NO_CONTINUATION))),
        }
    }

    fn root(&mut self, root: &RootDocument, encode: Option<Encode>) -> Result<(), DocumentError> {
        match root {
            RootDocument::Value(value) => {
                self.number(0);
                self.tree(value, encode)
            }
            RootDocument::Machine { stack, waits } => {
                self.number(1);
                self.continuation(*stack)?;
                match waits {
                    WaitsDocument::Answer => self.number(0),
                    WaitsDocument::Start => self.number(1),
                    WaitsDocument::Restarted => self.number(2),
                    WaitsDocument::Value(value) => {
                        self.number(3);
                        self.value(value)?;
                    }
                    WaitsDocument::Raised(error) => {
                        self.number(4);
                        self.value(error)?;
                    }
                    WaitsDocument::Continuation(k) => {
                        self.number(5);
                        self.continuation(*k)?;
                    }
                }
                Ok(())
            }
            RootDocument::Continuation(k) => {
                self.number(2);
                self.continuation(*k)
            }
        }
    }

    /// Reads the objects that are referred to, which have a type, and may refer to more.
    fn read_objects(&mut self) -> Result<(), DocumentError> {
        let mut constants = Vec::new();
        while let Ok(Some(number)) = session::loading(|loading| Ok(loading.ahead.pop())) {
            let referred = session::loading(|loading| Ok(loading.referred(number)));
            let object = self.document.objects.get(number as usize);
            let (Ok(Some(referred)), Some(object)) = (referred, object) else {
                continue;
            };
            let (cell, place) = (referred.cell, referred.place);
            self.place = format!("object {number} ({})", object.of);
            let from = cell.is_constant().then_some(Node::Constant(place));
            leads::begin(from).map_err(DocumentError::Load)?;
            let read = match &object.value {
                Tree::Withheld => Err(Flaw::Withheld),
                Tree::Opaque(_) => {
                    self.has_opaque = true;
                    Ok(None)
                }
                value if (&*object.of, object.version) == (cell.name(), cell.version()) => {
                    cell.read(value, self.limits.depth).map_err(flaw)
                }
                _ => Err(Flaw::Reference(LoadError::Object {
                    found: format!("{} v{}", object.of, object.version),
                    expected: std::format!("{} v{}", cell.name(), cell.version()),
                })),
            };
            constants.extend(read.map_err(|flaw| self.at("", flaw))?);
        }
        // The parts are stand-ins, which lead to nothing.
        leads::settle(constants, NoParts).map_err(DocumentError::Load)
    }

    /// Encodes the objects, which were read.
    fn objects(&mut self, has_opaque: bool) -> Result<Objects, DocumentError> {
        let mut types = Table::default();
        let (mut directory, mut values) = (Vec::new(), Vec::new());
        for (number, object) in (0u32..).zip(&self.document.objects) {
            let of = (object.of.clone(), object.version);
            let of = types.number(of.clone(), || of);
            wire::number(of.into(), &mut directory);
            self.place = format!("object {number} ({})", object.of);
            let referred = session::loading(|loading| Ok(loading.referred(number)));
            let mut bytes = Vec::new();
            let encoded = match (&object.value, referred) {
                (Tree::Withheld, _) => Err(Flaw::Withheld),
                (Tree::Opaque(opaque), _) => {
                    bytes.extend_from_slice(opaque);
                    Ok(())
                }
                (_, Ok(Some(referred))) => {
                    let stored = referred.cell.store(&mut bytes);
                    stored.map_err(|error| flaw(TreeError::Value(error.to_string())))
                }
                _ if has_opaque => Err(Flaw::Untyped),
                // Nobody refers to it any more.
                _ => Ok(()),
            };
            encoded.map_err(|flaw| self.at("", flaw))?;
            wire::number(bytes.len() as u64, &mut values);
            values.extend(bytes);
        }
        Ok((types, directory, values))
    }
}

impl<F: Persist> Put<Vec<FrameDocument>, Tree> for Written<'_, F> {
    type Error = DocumentError;

    fn number(&mut self, number: usize) {
        wire::number(number as u64, &mut self.bytes);
    }

    fn frames(&mut self, frames: &Vec<FrameDocument>) -> Result<(), DocumentError> {
        wire::number(frames.len() as u64, &mut self.bytes);
        for (index, frame) in frames.iter().enumerate() {
            self.frame(frame, &format!(", frame {index}"))?;
        }
        Ok(())
    }

    fn value(&mut self, value: &Tree) -> Result<(), DocumentError> {
        let at = self.bytes.len();
        self.bytes.push(0);
        self.tree(value, Some(Tree::encode::<F::Value>))?;
        put_length(&mut self.bytes, at);
        Ok(())
    }
}

/// The slots of a frame that is a document, by their names.
struct NamedSlots<'a> {
    frame: &'a FrameDocument,
    depth: u32,
    /// Those that were asked for.
    asked: Vec<&'static str>,
}

type SlotFlaw = (Option<&'static str>, Flaw);

impl<'a> Slots<'a> for NamedSlots<'a> {
    type Error = SlotFlaw;

    fn version(&self) -> u32 {
        self.frame.version
    }

    fn slot<T: Deserialize<'a>>(&mut self, name: &'static str) -> Result<T, SlotFlaw> {
        self.asked.push(name);
        match self.frame.slot(name) {
            Some(Tree::Withheld) => Err((Some(name), Flaw::Withheld)),
            Some(slot) => {
                let value = slot.read_within(self.depth);
                value.map_err(|error| (Some(name), flaw(error)))
            }
            None => Err((None, Flaw::MissingSlot { name })),
        }
    }

    fn no_such_kind(&self) -> SlotFlaw {
        let FrameDocument { kind, version, .. } = self.frame;
        let (name, version) = (kind.clone(), *version);
        (None, Flaw::Kind { name, version })
    }
}

/// Encodes the slots of a frame of this kind, or only reads them.
fn encode_slots<F: Persist>(
    kind: usize,
    frame: &FrameDocument,
    depth: u32,
    to: Option<&mut Vec<u8>>,
) -> Result<(), SlotFlaw> {
    let names: Vec<&str> = match &frame.slots {
        Tree::Struct { fields, .. } => fields.iter().map(|(name, _)| &**name).collect(),
        Tree::Map(map) => {
            let names = map.iter().map(|(name, _)| match name {
                Tree::Str(name) => Ok(&**name),
                _ => Err((None, Flaw::NoSlots)),
            });
            names.collect::<Result<_, _>>()?
        }
        _ => return Err((None, Flaw::NoSlots)),
    };
    let mut slots = NamedSlots {
        frame,
        depth,
        asked: Vec::new(),
    };
    let loaded = F::load(kind, &mut slots)?;
    let mut asked = slots.asked;
    for name in names {
        let Some(at) = asked.iter().position(|it| *it == name) else {
            let name = name.into();
            return Err((None, Flaw::UnknownSlot { name }));
        };
        asked.swap_remove(at);
    }
    let encoded = to.map_or(Ok(()), |to| wire::slots(&loaded, to));
    encoded.map_err(|error| (None, flaw(TreeError::Value(error.to_string()))))
}
