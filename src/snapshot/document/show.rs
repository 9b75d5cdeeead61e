//! The document of a snapshot.

use std::mem;
use std::ops::Range;
use std::rc::Rc;
use std::string::{String, ToString};
use std::vec::Vec;

use serde::ser::{SerializeStruct, Serializer};

use super::super::error::LoadError;
use super::super::grammar::{self, Take};
use super::super::header::Placed;
use super::super::limited::Budget;
use super::super::load::{LoadLimits, Loaded};
use super::super::persist::Persist;
use super::super::session;
use super::super::source::{Kind, Target, known, or_refused, value};
use super::super::tree::{Levels, Tree, TreeError};
use super::super::wire::Reader;
use super::hide::hide;
use super::{
    Document, Editor, FrameDocument, IdentityDocument, ObjectDocument, RootDocument, WaitsDocument,
};

impl<F: Persist> Editor<F> {
    /// The document of a snapshot.
    ///
    /// # Errors
    ///
    /// As [`Loaded::read`], and if a root is not of the [type](Self::root) that it is said to
    /// have.
    pub fn read(&self, bytes: &[u8]) -> Result<Document, LoadError> {
        self.read_increments(&[bytes])
    }

    /// The document of a snapshot and increments to it, each after its base. What has come out of
    /// use meanwhile is there, too: in use is what a root leads to.
    ///
    /// # Errors
    ///
    /// As [`Loaded::read_increments`], and as [`read`](Self::read).
    pub fn read_increments(&self, snapshots: &[impl AsRef<[u8]>]) -> Result<Document, LoadError> {
        let mut loaded = Loaded::<F>::read_increments(snapshots, &self.registry, self.limits)?;
        for (index, root) in &self.roots {
            (root.fill)(&mut loaded, *index)?;
        }
        let headers = mem::take(&mut loaded.headers);
        let roots_at = mem::take(&mut loaded.roots_at);
        let unknown = loaded.refused_object.is_some();
        let budget = Budget::new(self.limits.depth, self.limits.elements);
        let (mut document, hidden) = loaded.within(&budget, |content, kinds, limits, budget| {
            let mut show = Show::<F> {
                content,
                bytes: Reader::new(content, budget),
                kinds,
                kinds_from: 0,
                limits,
                budget,
                secrets: self.secrets,
                unknown,
                hidden: Vec::new(),
            };
            let mut parts = Vec::new();
            for Placed {
                header, kinds_from, ..
            } in &headers
            {
                show.bytes = Reader::new(&content[header.parts_at..], budget);
                show.kinds_from = *kinds_from;
                for _ in 0..header.parts {
                    parts.push(grammar::take(&mut show)?);
                }
            }
            let mut roots = Vec::new();
            for (index, range) in roots_at.into_iter().enumerate() {
                show.bytes = Reader::new(&content[range], budget);
                roots.push(show.root(self, index)?);
            }
            let document = Document {
                program: self.registry.program.clone(),
                version: headers.last().map_or(0, |it| it.header.version),
                kinds: kinds_now::<F>(kinds),
                tags: headers
                    .iter()
                    .flat_map(|it| identities(&it.header.tags))
                    .collect(),
                keys: headers
                    .iter()
                    .flat_map(|it| identities(&it.header.keys))
                    .collect(),
                objects: show.objects()?,
                parts,
                roots,
            };
            Ok((document, show.hidden))
        })?;
        hide(&hidden, &mut document);
        Ok(document)
    }
}

/// Tags or keys.
pub(super) fn identities(list: &[(Rc<str>, bool)]) -> impl Iterator<Item = IdentityDocument> {
    list.iter().map(|(name, is_named)| IdentityDocument {
        name: (**name).into(),
        minted: !is_named,
    })
}

/// What the kinds of frame are now, each once.
fn kinds_now<F: Persist>(kinds: &[Kind<F>]) -> Vec<(String, u32)> {
    let mut list = Vec::new();
    for kind in kinds {
        let now = match kind.now.as_ref().map(|now| &now.to) {
            Ok(Target::Kind(kind, _)) => (F::KINDS[*kind].name.into(), F::KINDS[*kind].version),
            Ok(Target::Rule(_)) => continue,
            Err(_) => ((*kind.name).into(), kind.version),
        };
        if !list.contains(&now) {
            list.push(now);
        }
    }
    list
}

/// Reads parts and roots as people see them.
struct Show<'a, F: Persist> {
    content: &'a [u8],
    bytes: Reader<'a>,
    kinds: &'a [Kind<F>],
    kinds_from: usize,
    limits: LoadLimits,
    budget: &'a Budget,
    secrets: bool,
    /// Whether something was withheld since it could not be decoded.
    unknown: bool,
    /// What was withheld.
    hidden: Vec<Tree>,
}

/// The error for a value whose tree cannot be made.
fn shown(of: &str) -> impl Fn(TreeError) -> LoadError {
    move |error| LoadError::Value {
        of: of.into(),
        why: error.to_string(),
    }
}

impl<F: Persist> Show<'_, F> {
    /// What cannot be decoded.
    fn opaque(&mut self, range: Range<usize>) -> Tree {
        if !self.secrets {
            self.unknown = true;
            return Tree::Withheld;
        }
        Tree::Opaque(self.content[range].to_vec())
    }

    fn frame(&mut self, kind: &Kind<F>, slots: Reader<'_>) -> Result<FrameDocument, LoadError> {
        let Ok(frame) = or_refused(kind.frame(slots, self.limits, self.budget))? else {
            return Ok(FrameDocument {
                kind: (*kind.name).into(),
                version: kind.version,
                slots: self.opaque(slots.range(self.content)),
            });
        };
        let descriptor = &F::KINDS[frame.kind()];
        let levels = Levels::around(self.limits.depth);
        let tree = levels
            .serialize_struct(descriptor.name, 0)
            .and_then(|mut fields| {
                frame.store(&mut fields)?;
                fields.end()
            });
        let mut slots = tree.map_err(shown(descriptor.name))?;
        if let (false, Tree::Struct { fields, .. }) = (self.secrets, &mut slots) {
            for (index, (name, value)) in fields.iter_mut().enumerate() {
                // Who has written `store` by hand may have mixed up one or the other.
                let of = |(at, slot): (usize, &crate::frame::SlotDescriptor)| {
                    slot.secret && (at == index || slot.name == name)
                };
                if descriptor.slots.iter().enumerate().any(of) {
                    self.hidden.push(mem::replace(value, Tree::Withheld));
                }
            }
        }
        Ok(FrameDocument {
            kind: descriptor.name.into(),
            version: descriptor.version,
            slots,
        })
    }

    /// The next root, which is all of the bytes.
    fn root(&mut self, editor: &Editor<F>, index: usize) -> Result<RootDocument, LoadError> {
        Ok(match self.bytes.index()? {
            0 => RootDocument::Value(match editor.roots.get(&index) {
                Some(root) => {
                    let tree = (root.show)(&mut self.bytes, self.limits.depth);
                    tree.map_err(shown("a root"))?
                }
                None => Tree::Opaque(self.content[self.bytes.range(self.content)].to_vec()),
            }),
            1 => RootDocument::Machine {
                stack: self.name()?,
                waits: match self.bytes.index()? {
                    0 => WaitsDocument::Answer,
                    1 => WaitsDocument::Start,
                    2 => WaitsDocument::Restarted,
                    3 => WaitsDocument::Value(self.value()?),
                    4 => WaitsDocument::Raised(self.value()?),
                    _ => WaitsDocument::Continuation(self.name()?),
                },
            },
            _ => RootDocument::Continuation(self.name()?),
        })
    }

    fn objects(&mut self) -> Result<Vec<ObjectDocument>, LoadError> {
        let mut objects = Vec::new();
        let count = known(session::loading(|loading| Ok(loading.objects.len())))?;
        for number in 0..count {
            let (of, cell, start) = known(session::loading(|loading| {
                let of = loading.types.get(loading.objects[number] as usize).cloned();
                let cell = loading.referred(number as u32).map(|it| it.cell);
                Ok((of, cell, loading.contents[number] as usize))
            }))?;
            let tree = cell.as_ref().and_then(|cell| cell.tree(self.limits.depth));
            objects.push(match (cell, tree) {
                (Some(cell), Some(tree)) => ObjectDocument {
                    of: cell.name().into(),
                    version: cell.version(),
                    value: tree.map_err(shown(cell.name()))?,
                },
                _ => {
                    let (of, version) = of.ok_or(LoadError::Invalid("there is no such type"))?;
                    let mut bytes = Reader::new(&self.content[start..], self.budget);
                    let len = bytes.index()?;
                    let range = bytes.take(len)?.range(self.content);
                    let value = match self.unknown {
                        true => self.opaque(range),
                        false => Tree::Opaque(self.content[range].to_vec()),
                    };
                    let of = of.to_string();
                    ObjectDocument { of, version, value }
                }
            });
        }
        Ok(objects)
    }
}

impl<F: Persist> Take for Show<'_, F> {
    type Frames = Vec<FrameDocument>;
    type Value = Tree;

    fn number(&mut self) -> Result<usize, LoadError> {
        self.bytes.index()
    }

    fn frames(&mut self) -> Result<Vec<FrameDocument>, LoadError> {
        let count = self.bytes.count(2)?;
        let mut frames = Vec::new();
        for _ in 0..count {
            let kind = self.kinds_from.saturating_add(self.bytes.index()?);
            let len = self.bytes.index()?;
            let slots = self.bytes.take(len)?;
            let kind = self.kinds.get(kind);
            let kind = kind.ok_or(LoadError::Invalid("there is no such kind of frame"))?;
            frames.push(self.frame(kind, slots)?);
        }
        Ok(frames)
    }

    fn value(&mut self) -> Result<Tree, LoadError> {
        let len = self.bytes.index()?;
        let bytes = self.bytes.take(len)?;
        match or_refused(value::<F>(bytes, self.limits, self.budget))? {
            Ok(value) => Tree::within(&value, self.limits.depth).map_err(shown("a value")),
            Err(_) => Ok(self.opaque(bytes.range(self.content))),
        }
    }
}
