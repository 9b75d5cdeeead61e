//! What a snapshot says before its parts.

use std::borrow::ToOwned;
use std::rc::Rc;
use std::string::String;
use std::vec::Vec;

use super::base::BaseId;
use super::error::LoadError;
use super::load::LoadLimits;
use super::persist::Persist;
use super::registry::Registry;
use super::session::{Identity, Loading};
use super::source::{Kind, Now, Target};
use super::wire::Reader;
use super::{FORMAT, MAGIC};
use crate::frame::FrameDescriptor;

/// The bytes between the magic and the checksum, and the checksum.
pub(super) fn content(bytes: &[u8]) -> Result<(&[u8], u32), LoadError> {
    let Some(after) = bytes.strip_prefix(MAGIC) else {
        return Err(LoadError::NotASnapshot);
    };
    match after.first() {
        Some(&FORMAT) => {}
        Some(b'S') => return Err(LoadError::Sealed),
        Some(&found) => return Err(LoadError::Format { found }),
        None => return Err(LoadError::Damaged),
    }
    let Some((content, sum)) = bytes.split_last_chunk() else {
        return Err(LoadError::Damaged);
    };
    let sum = u32::from_le_bytes(*sum);
    if crc32fast::hash(content) != sum {
        return Err(LoadError::Damaged);
    }
    let content = content.get(MAGIC.len() + 1..).ok_or(LoadError::Damaged)?;
    Ok((content, sum))
}

/// Where in the content a snapshot is, once its header is read.
pub(super) struct Header {
    /// The version of the program that wrote it.
    pub(super) version: u64,
    /// Which kind of frame is the first of its own.
    pub(super) kinds_from: usize,
    /// How many parts follow, and where.
    pub(super) parts: usize,
    pub(super) parts_at: usize,
    /// The names of its tags and keys, and whether they are looked up by them.
    pub(super) tags: Vec<(String, bool)>,
    pub(super) keys: Vec<(String, bool)>,
    /// The numbers of the objects whose values follow the parts.
    pub(super) objects: Vec<u32>,
}

/// Reads the header of a snapshot.
pub(super) struct Headers<'a, F> {
    pub(super) content: &'a [u8],
    pub(super) registry: &'a Registry,
    pub(super) limits: LoadLimits,
    pub(super) kinds: Vec<Kind<F>>,
}

impl<F: Persist> Headers<'_, F> {
    /// Reads the header of a snapshot, whose base was read before.
    pub(super) fn read(
        &mut self,
        bytes: &mut Reader<'_>,
        base: Option<BaseId>,
        loading: &mut Loading,
    ) -> Result<Header, LoadError> {
        let registry = self.registry;
        let program = self.name(bytes)?;
        let version = bytes.number()?;
        if program != registry.program {
            return Err(LoadError::Program {
                found: program.to_owned(),
                expected: registry.program.clone(),
            });
        }
        let found = match bytes.number()? {
            0 => None,
            1 => Some(BaseId {
                checksum: bytes.checksum()?,
                parts: bytes.name()?,
                objects: bytes.name()?,
            }),
            _ => return Err(LoadError::Damaged),
        };
        if found != base {
            return Err(LoadError::Base {
                is_increment: found.is_some(),
            });
        }
        let (parts_before, objects_before) = base.map_or((0, 0), |it| (it.parts, it.objects));
        let kinds_from = self.kinds.len();
        for _ in 0..self.names(bytes, kinds_from)? {
            let kind = self.kind(bytes)?;
            self.kinds.push(kind);
        }
        let tags = self.identities(bytes, &mut loading.tags)?;
        let keys = self.identities(bytes, &mut loading.keys)?;
        let types_from = loading.types.len();
        for _ in 0..self.names(bytes, types_from)? {
            let name = self.name(bytes)?.to_owned();
            loading.types.push((name, bytes.name()?));
        }
        let of = |bytes: &mut Reader<'_>| {
            let of = types_from.checked_add(bytes.index()?);
            of.and_then(|of| u32::try_from(of).ok())
                .ok_or(LoadError::Damaged)
        };
        let changed = bytes.count(2)?;
        let new = bytes.count(1)?;
        self.limits.check(
            "objects",
            self.limits.objects,
            objects_before as usize + new,
        )?;
        let mut objects = Vec::new();
        for _ in 0..changed {
            let number = bytes.name()?;
            let it = loading.objects.get_mut(number as usize);
            *it.ok_or(LoadError::Invalid("there is no such object"))? = of(bytes)?;
            objects.push(number);
        }
        for _ in 0..new {
            let number = u32::try_from(loading.objects.len()).map_err(|_| LoadError::Damaged)?;
            loading.objects.push(of(bytes)?);
            objects.push(number);
        }
        let parts = bytes.count(2)?;
        self.limits
            .check("parts", self.limits.parts, parts_before as usize + parts)?;
        Ok(Header {
            version,
            kinds_from,
            tags,
            keys,
            parts,
            parts_at: bytes.range(self.content).start,
            objects,
        })
    }

    /// How many names follow, where there were so many before.
    fn names(&self, bytes: &mut Reader<'_>, before: usize) -> Result<usize, LoadError> {
        let count = bytes.count(2)?;
        self.limits
            .check("names", self.limits.names, before + count)?;
        Ok(count)
    }

    /// A name, which is not too long.
    fn name<'a>(&self, bytes: &mut Reader<'a>) -> Result<&'a str, LoadError> {
        let name = bytes.string()?;
        self.limits
            .check("bytes in a name", self.limits.name, name.len())?;
        Ok(name)
    }

    fn kind(&self, bytes: &mut Reader<'_>) -> Result<Kind<F>, LoadError> {
        let name: Rc<str> = self.name(bytes)?.into();
        let version = bytes.name()?;
        let readable = |name: &str, version| {
            if let Some(rule) = self.registry.rules.find(name, version) {
                return Some(Target::Rule(rule));
            }
            let kind = F::KINDS.iter().position(|kind| kind.name == name)?;
            let FrameDescriptor {
                reads,
                version: now,
                ..
            } = F::KINDS[kind];
            let is_read = (reads..=now).contains(&version);
            is_read.then_some(Target::Kind(kind, version))
        };
        let path = self.registry.frames.path(&name, version, readable);
        let now = path.map(|(to, steps)| Now { steps, to });
        Ok(Kind { name, version, now })
    }

    fn identities<T: Identity>(
        &self,
        bytes: &mut Reader<'_>,
        list: &mut Vec<T>,
    ) -> Result<Vec<(String, bool)>, LoadError> {
        let mut names = Vec::new();
        for _ in 0..self.names(bytes, list.len())? {
            let is_named = bytes.number()? == 1;
            let name = self.name(bytes)?;
            names.push((name.to_owned(), is_named));
            let known = T::known(self.registry).get(name).copied();
            list.push(match (known, is_named) {
                (Some(known), true) => known,
                (None, true) => {
                    return Err(LoadError::Unknown {
                        what: T::WHAT,
                        name: String::from(name),
                    });
                }
                (known, false) => T::fresh(known.map_or("loaded", T::name)),
            });
        }
        Ok(names)
    }
}
