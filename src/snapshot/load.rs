//! Reading a snapshot.

use std::borrow::ToOwned;
use std::fmt;
use std::rc::Rc;
use std::vec::Vec;

use serde::de::DeserializeOwned;

use super::error::LoadError;
use super::limited::{Budget, DEFAULT_DEPTH};
use super::persist::Persist;
use super::registry::Registry;
use super::session::{Identity, Loading, Scope};
use super::source::{Kind, Parts, Root, Source, failed, fill_objects};
use super::wire::Reader;
use super::{FORMAT, MAGIC};
use crate::frame::parts::Home;
use crate::frame::{Continuation, FrameDescriptor, Machine};

/// How much may be in a snapshot that is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadLimits {
    /// How many frames a stack may have, as the program would find them.
    pub frames: usize,
    /// How many parts there may be: segments of stacks, winders, continuations; objects that
    /// are shared; roots. And of how many segments a stack may consist, as the program would
    /// find them.
    pub parts: usize,
    /// How many levels deep a value may be nested. Each takes some of the Rust stack: in a
    /// debug build one to three KiB.
    pub depth: u32,
    /// How many elements the sequences and maps of all values may have together.
    pub elements: u64,
}

impl Default for LoadLimits {
    /// Ten million of each, and a depth of 64.
    fn default() -> Self {
        Self {
            frames: 10_000_000,
            parts: 10_000_000,
            depth: DEFAULT_DEPTH,
            elements: 10_000_000,
        }
    }
}

/// A snapshot that was read.
pub struct Loaded<F: Persist> {
    home: Home<F>,
    roots: Vec<Root<F>>,
    /// What the values find that are asked for later.
    loading: Option<Loading>,
    content: Vec<u8>,
    limits: LoadLimits,
    /// How many are left of the limit's.
    elements: u64,
}

fn identities<T: Identity>(
    bytes: &mut Reader<'_>,
    registry: &Registry,
) -> Result<Vec<T>, LoadError> {
    let count = bytes.count(2)?;
    let mut list = Vec::new();
    for _ in 0..count {
        let is_named = bytes.number()? == 1;
        let name = bytes.string()?;
        let known = T::known(registry).get(name).copied();
        list.push(match (known, is_named) {
            (Some(known), true) => known,
            (None, true) => {
                return Err(LoadError::Unknown {
                    what: T::WHAT,
                    name: name.to_owned(),
                });
            }
            (known, false) => T::fresh(known.map_or("loaded", T::name)),
        });
    }
    Ok(list)
}

impl<F: Persist> fmt::Debug for Loaded<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("roots", &self.roots.len())
            .finish_non_exhaustive()
    }
}

impl<F: Persist> Loaded<F> {
    /// Reads a snapshot of this program.
    ///
    /// # Errors
    ///
    /// If it is none, or damaged, or of another program, or larger than may be.
    pub fn read(
        bytes: &[u8],
        registry: &Rc<Registry>,
        limits: LoadLimits,
    ) -> Result<Self, LoadError> {
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
        if crc32fast::hash(content) != u32::from_le_bytes(*sum) {
            return Err(LoadError::Damaged);
        }
        let Some(content) = content.get(MAGIC.len() + 1..) else {
            return Err(LoadError::Damaged);
        };
        let budget = Budget::new(limits.depth, limits.elements);
        let mut bytes = Reader::new(content, &budget);
        let program = bytes.string()?;
        let _version = bytes.number()?;
        if program != registry.program {
            return Err(LoadError::Program {
                found: program.to_owned(),
                expected: registry.program.clone(),
            });
        }
        let mut kinds = Vec::new();
        for _ in 0..bytes.count(2)? {
            let name = bytes.string()?;
            let version = bytes.number()?.try_into().map_err(|_| LoadError::Damaged)?;
            let readable = |name: &str, version| {
                let kind = F::KINDS.iter().position(|kind| kind.name == name)?;
                let FrameDescriptor {
                    reads,
                    version: now,
                    ..
                } = F::KINDS[kind];
                (reads..=now).contains(&version).then_some((kind, version))
            };
            let path = registry.frames.path(name, version, readable);
            let ((kind, version), steps) = path.ok_or_else(|| LoadError::Kind {
                name: name.to_owned(),
                version,
            })?;
            kinds.push(Kind {
                kind,
                version,
                steps,
            });
        }
        let tags = identities(&mut bytes, registry)?;
        let keys = identities(&mut bytes, registry)?;
        let mut types = Vec::new();
        for _ in 0..bytes.count(2)? {
            let name = bytes.string()?.to_owned();
            let version = bytes.number()?.try_into().map_err(|_| LoadError::Damaged)?;
            types.push((name, version));
        }
        let parts = Parts::<F>::default();
        let loading = Loading::new(registry.clone(), tags, keys, types, parts.clone());
        let scope = Scope::load(loading);
        let mut source = Source {
            content,
            bytes,
            home: Home::new(),
            limits,
            budget: &budget,
            kinds,
            parts,
        };
        let roots = match source.body() {
            Ok(roots) => roots,
            Err(error) => {
                let loading = scope.loaded();
                drop(source);
                if let Some(loading) = loading {
                    loading.clear();
                }
                return Err(error);
            }
        };
        Ok(Self {
            home: source.home,
            roots,
            loading: scope.loaded(),
            content: content.to_vec(),
            limits,
            elements: budget.elements(),
        })
    }

    /// The value that was added as root `index`.
    ///
    /// # Errors
    ///
    /// [`LoadError::Root`] if there is none, and if it is of another type what that comes to.
    pub fn value<T: DeserializeOwned>(&mut self, index: usize) -> Result<T, LoadError> {
        let Some(Root::Value(range)) = self.roots.get(index) else {
            return Err(LoadError::Root { index });
        };
        let Some(loading) = self.loading.take() else {
            return Err(LoadError::Root { index });
        };
        let scope = Scope::load(loading);
        let (limits, budget) = (self.limits, Budget::new(self.limits.depth, self.elements));
        let mut bytes = Reader::new(&self.content[range.clone()], &budget);
        let value = bytes.value();
        let value = value.map_err(|error| failed(error, "a root", limits, &budget));
        let filled = fill_objects(&self.content, limits, &budget);
        self.loading = scope.loaded();
        self.elements = budget.elements();
        filled?;
        match bytes.is_empty() {
            true => value,
            false => value.and(Err(LoadError::Invalid("a root has more in it"))),
        }
    }

    /// How many roots there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.roots.len()
    }

    /// Whether there is no root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// Takes the machine that was added as root `index`.
    ///
    /// # Errors
    ///
    /// [`LoadError::Root`] if there is none, or it was taken.
    pub fn machine(&mut self, index: usize) -> Result<Machine<F>, LoadError> {
        match self.roots.get_mut(index) {
            Some(root @ Root::Machine(..)) => match std::mem::replace(root, Root::Taken) {
                Root::Machine(stack, waits) => Ok(Machine::restored(&self.home, stack, waits)),
                _ => Err(LoadError::Root { index }),
            },
            _ => Err(LoadError::Root { index }),
        }
    }

    /// The continuation that was added as root `index`.
    ///
    /// # Errors
    ///
    /// [`LoadError::Root`] if there is none.
    pub fn continuation(&self, index: usize) -> Result<Continuation<F>, LoadError> {
        match self.roots.get(index) {
            Some(Root::Continuation(k)) => Ok(k.clone()),
            _ => Err(LoadError::Root { index }),
        }
    }
}
