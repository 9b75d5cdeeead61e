//! What a snapshot says before its parts.

use std::borrow::ToOwned;
use std::rc::Rc;
use std::string::String;
use std::vec::Vec;

use super::base::BaseId;
use super::error::LoadError;
use super::identity::Identity;
use super::load::LoadLimits;
use super::persist::Persist;
use super::registry::Registry;
use super::session::Loading;
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

/// What a snapshot says before its parts, as it is written.
pub(super) struct Header {
    pub(super) program: String,
    pub(super) version: u64,
    pub(super) base: Option<BaseId>,
    /// The kinds of frame, and their versions.
    pub(super) kinds: Vec<(Rc<str>, u32)>,
    /// The tags and keys, and whether each is looked up by its name.
    pub(super) tags: Vec<(Rc<str>, bool)>,
    pub(super) keys: Vec<(Rc<str>, bool)>,
    /// The types of objects, and their versions.
    pub(super) types: Vec<(Rc<str>, u32)>,
    /// The objects of the base that have changed, and the types of those and of the new ones.
    pub(super) changed: Vec<(u32, u32)>,
    pub(super) new: Vec<u32>,
    /// How many parts follow, and where.
    pub(super) parts: usize,
    pub(super) parts_at: usize,
}

impl Header {
    pub(super) fn read(
        bytes: &mut Reader<'_>,
        content: &[u8],
        limits: LoadLimits,
    ) -> Result<Self, LoadError> {
        let program = name(bytes, limits)?.to_owned();
        let version = bytes.number()?;
        let base = match bytes.number()? {
            0 => None,
            1 => Some(BaseId {
                checksum: bytes.checksum()?,
                parts: bytes.name()?,
                objects: bytes.name()?,
            }),
            _ => return Err(LoadError::Damaged),
        };
        let versioned = |bytes: &mut Reader<'_>| Ok((name(bytes, limits)?.into(), bytes.name()?));
        let identity = |bytes: &mut Reader<'_>| {
            let is_named = bytes.number()? == 1;
            Ok((name(bytes, limits)?.into(), is_named))
        };
        let kinds = names(bytes, limits, versioned)?;
        let tags = names(bytes, limits, identity)?;
        let keys = names(bytes, limits, identity)?;
        let types = names(bytes, limits, versioned)?;
        let (changed_count, new_count) = (bytes.count(2)?, bytes.count(1)?);
        limits.check("objects", limits.objects, new_count)?;
        let (mut changed, mut new) = (Vec::new(), Vec::new());
        for _ in 0..changed_count {
            changed.push((bytes.name()?, bytes.name()?));
        }
        for _ in 0..new_count {
            new.push(bytes.name()?);
        }
        let parts = bytes.count(2)?;
        limits.check("parts", limits.parts, parts)?;
        Ok(Self {
            program,
            version,
            base,
            kinds,
            tags,
            keys,
            types,
            changed,
            new,
            parts,
            parts_at: bytes.range(content).start,
        })
    }
}

/// A name, which is not too long.
fn name<'a>(bytes: &mut Reader<'a>, limits: LoadLimits) -> Result<&'a str, LoadError> {
    let name = bytes.string()?;
    limits.check("bytes in a name", limits.name, name.len())?;
    Ok(name)
}

/// A list of what has names.
fn names<T>(
    bytes: &mut Reader<'_>,
    limits: LoadLimits,
    read: impl Fn(&mut Reader<'_>) -> Result<T, LoadError>,
) -> Result<Vec<T>, LoadError> {
    let count = bytes.count(2)?;
    limits.check("names", limits.names, count)?;
    (0..count).map(|_| read(bytes)).collect()
}

/// A header, and what it is among those of other snapshots.
pub(super) struct Placed {
    pub(super) header: Header,
    /// Which kind of frame is the first of its own.
    pub(super) kinds_from: usize,
    /// The numbers of the objects whose values follow the parts.
    pub(super) objects: Vec<u32>,
}

/// Finds what headers name in a program.
pub(super) struct Headers<'a, F> {
    pub(super) registry: &'a Registry,
    pub(super) limits: LoadLimits,
    pub(super) kinds: Vec<Kind<F>>,
    /// The snapshot before, and all those before that.
    pub(super) base: Option<BaseId>,
}

impl<F: Persist> Headers<'_, F> {
    /// Places the header of the next snapshot, which has this checksum.
    pub(super) fn place(
        &mut self,
        header: Header,
        checksum: u32,
        loading: &mut Loading,
    ) -> Result<Placed, LoadError> {
        let registry = self.registry;
        if header.program != registry.program {
            return Err(LoadError::Program {
                found: header.program,
                expected: registry.program.clone(),
            });
        }
        if header.base != self.base {
            return Err(LoadError::Base {
                is_increment: header.base.is_some(),
            });
        }
        let kinds_from = self.kinds.len();
        let kinds = header.kinds.iter();
        let kinds = kinds.map(|(name, version)| kind(registry, name, *version));
        self.kinds.extend(kinds);
        Identity::find(registry, &header.tags, &mut loading.tags)?;
        Identity::find(registry, &header.keys, &mut loading.keys)?;
        let types_from = loading.types.len();
        loading.types.extend_from_slice(&header.types);
        for count in [
            self.kinds.len(),
            loading.tags.len() as usize,
            loading.keys.len() as usize,
            loading.types.len(),
        ] {
            self.limits.check("names", self.limits.names, count)?;
        }
        let of = |of: u32| {
            let of = types_from.checked_add(of as usize);
            let of = of.and_then(|of| u32::try_from(of).ok());
            of.ok_or(LoadError::Damaged)
        };
        let mut objects = Vec::with_capacity(header.changed.len() + header.new.len());
        for &(number, it) in &header.changed {
            let known = loading.objects.get_mut(number as usize);
            *known.ok_or(LoadError::Invalid("there is no such object"))? = of(it)?;
            loading.changed.insert(number);
            objects.push(number);
        }
        for &it in &header.new {
            objects.push(loading.objects.len() as u32);
            loading.objects.push(of(it)?);
        }
        let count = loading.objects.len();
        self.limits.check("objects", self.limits.objects, count)?;
        let parts = self.base.map_or(0, |base| base.parts as usize) + header.parts;
        self.limits.check("parts", self.limits.parts, parts)?;
        self.base = Some(BaseId {
            checksum,
            parts: u32::try_from(parts).map_err(|_| LoadError::Damaged)?,
            objects: u32::try_from(count).map_err(|_| LoadError::Damaged)?,
        });
        Ok(Placed {
            header,
            kinds_from,
            objects,
        })
    }
}

/// A kind of frame as this program has it.
fn kind<F: Persist>(registry: &Registry, name: &Rc<str>, version: u32) -> Kind<F> {
    let readable = |name: &str, version| {
        if let Some(rule) = registry.rules.find(name, version) {
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
    let path = registry.frames.path(name, version, readable);
    let now = path.map(|(to, steps)| Now { steps, to });
    let now = now.ok_or_else(|| {
        let name = String::from(&**name);
        Rc::new(LoadError::Kind { name, version })
    });
    let name = name.clone();
    Kind { name, version, now }
}
