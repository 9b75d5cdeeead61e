//! Reading a snapshot.

use std::borrow::ToOwned;
use std::boxed::Box;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::string::ToString;
use std::vec::Vec;

use std::ops::Range;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::LoadError;
use super::limited::{Budget, DEFAULT_DEPTH, Exceeded};
use super::persist::Persist;
use super::registry::Registry;
use super::session::{self, Identity, Loading, Scope};
use super::upgrade::{Step, upgraded};
use super::wire::{Reader, StoredSlots};
use super::{FORMAT, MAGIC};
use crate::frame::parts::{Extent, Home, Part, Restore, Waits};
use crate::frame::{Continuation, FrameDescriptor, Machine, MarkKey, PromptTag};

/// How much may be in a snapshot that is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadLimits {
    /// How many frames a stack may have, as the program would find them.
    pub frames: usize,
    /// How many parts a stack may consist of.
    pub segments: usize,
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
            segments: 10_000_000,
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

/// What a snapshot is of.
enum Root<F: Persist> {
    Machine(Continuation<F>, Waits<F::Value, Continuation<F>>),
    Continuation(Continuation<F>),
    /// A value, by where it is. What type it is of is not known.
    Value(Range<usize>),
    Taken,
}

type Parts<F> = Rc<RefCell<Vec<(Part<F>, Extent)>>>;

/// What becomes of a kind of frame that was stored.
struct Kind {
    /// The kind that it is now.
    kind: usize,
    /// The version that it has once the steps are gone.
    version: u32,
    steps: Vec<Step>,
}

/// Reads the parts.
struct Source<'a, F: Persist> {
    content: &'a [u8],
    bytes: Reader<'a>,
    home: Home<F>,
    limits: LoadLimits,
    budget: &'a Budget,
    /// The kinds of frame, by their numbers in the snapshot.
    kinds: Vec<Kind>,
    parts: Parts<F>,
}

/// A frame, of all of the bytes.
#[inline]
fn frame<F: Persist>(kind: &Kind, bytes: Reader<'_>) -> postcard::Result<F> {
    let version = kind.version;
    let mut slots = StoredSlots { bytes, version };
    let frame = F::load(kind.kind, &mut slots)?;
    slots.bytes.end()?;
    Ok(frame)
}

/// What a value failed for, as far as it is known.
fn failed(error: postcard::Error, of: &str, limits: LoadLimits, budget: &Budget) -> LoadError {
    let known = session::loading(|loading| Ok(loading.error.take()));
    if let Ok(Some(known)) = known {
        return known;
    }
    let (what, limit) = match budget.exceeded() {
        None => {
            return LoadError::Value {
                of: of.to_owned(),
                why: error.to_string(),
            };
        }
        Some(Exceeded::Depth) => ("levels in a value", limits.depth as usize),
        Some(Exceeded::Elements) => (
            "elements in its values",
            usize::try_from(limits.elements).unwrap_or(usize::MAX),
        ),
    };
    LoadError::Limit { what, limit }
}

fn known<R>(answer: Result<R, &'static str>) -> Result<R, LoadError> {
    answer.map_err(|_| {
        let known = session::loading(|loading| Ok(loading.error.take()));
        known.ok().flatten().unwrap_or(LoadError::Damaged)
    })
}

impl<F: Persist> Restore<F> for Source<'_, F> {
    type Error = LoadError;

    fn number(&mut self) -> Result<usize, LoadError> {
        self.bytes.index()
    }

    fn tag(&mut self) -> Result<PromptTag, LoadError> {
        let number = self.bytes.index()?;
        let tag = session::loading(|loading| Ok(loading.tags.get(number).copied()));
        known(tag)?.ok_or(LoadError::Invalid("there is no such prompt tag"))
    }

    fn key(&mut self) -> Result<MarkKey, LoadError> {
        let number = self.bytes.index()?;
        let key = session::loading(|loading| Ok(loading.keys.get(number).copied()));
        known(key)?.ok_or(LoadError::Invalid("there is no such mark key"))
    }

    fn value(&mut self) -> Result<F::Value, LoadError> {
        self.bytes
            .value()
            .map_err(|error| failed(error, "a value", self.limits, self.budget))
    }

    fn frames(&mut self) -> Result<Vec<F>, LoadError> {
        // A frame takes at least two bytes, and a Vec of them as much as they are large.
        let count = self.bytes.count(2)?;
        if count > self.limits.frames {
            let limit = self.limits.frames;
            return Err(LoadError::Limit {
                what: "frames",
                limit,
            });
        }
        let mut frames = Vec::with_capacity(count);
        for _ in 0..count {
            let kind = self.bytes.index()?;
            let Some(kind) = self.kinds.get(kind) else {
                return Err(LoadError::Invalid("there is no such kind of frame"));
            };
            let len = self.bytes.index()?;
            let slots = self.bytes.take(len)?;
            let frame = if kind.steps.is_empty() {
                frame::<F>(kind, slots)
            } else {
                let now = upgraded(slots, &kind.steps);
                now.and_then(|now| frame(kind, slots.of(&now)))
            };
            let frame: F = frame.map_err(|error| {
                let of = F::KINDS[kind.kind].name;
                failed(error, of, self.limits, self.budget)
            })?;
            if frame.one_shot().is_some() {
                return Err(LoadError::Invalid("a frame has no second copy"));
            }
            frames.push(frame);
        }
        Ok(frames)
    }

    fn part(&mut self) -> Result<(Part<F>, Extent), LoadError> {
        let number = self.bytes.index()?;
        let part = self.parts.borrow().get(number).cloned();
        part.ok_or(LoadError::Invalid(
            "a part comes before what it consists of",
        ))
    }

    fn most(&self) -> Extent {
        Extent {
            frames: self.limits.frames,
            segments: self.limits.segments,
        }
    }

    fn refuse(&mut self, why: &'static str) -> LoadError {
        LoadError::Invalid(why)
    }

    fn home(&self) -> &Home<F> {
        &self.home
    }
}

impl<F: Persist> Source<'_, F> {
    fn continuation(&mut self) -> Result<Continuation<F>, LoadError> {
        let (part, _) = self.part()?;
        let k = part.as_continuation().cloned();
        k.ok_or(LoadError::Invalid("something is no continuation"))
    }

    /// All parts, roots, and what is shared.
    fn body(&mut self) -> Result<Vec<Root<F>>, LoadError> {
        let mut objects = Vec::new();
        for _ in 0..self.bytes.count(1)? {
            let of = self.bytes.number()?;
            objects.push((of.try_into().map_err(|_| LoadError::Damaged)?, None));
        }
        let count = objects.len();
        known(session::loading(|loading| {
            loading.objects = objects;
            Ok(())
        }))?;
        for _ in 0..self.bytes.count(2)? {
            let kind = self.bytes.index()?;
            let part = Part::restore(kind, self)?;
            self.parts.borrow_mut().push(part);
        }
        for _ in 0..count {
            let len = self.bytes.index()?;
            let content = self.bytes.take(len)?.range(self.content);
            known(session::loading(|loading| {
                loading.contents.push(content);
                Ok(())
            }))?;
        }
        let mut roots = Vec::new();
        for _ in 0..self.bytes.count(1)? {
            let len = self.bytes.index()?;
            let root = self.bytes.take(len)?;
            let after = std::mem::replace(&mut self.bytes, root);
            roots.push(self.root()?);
            if !self.bytes.is_empty() {
                return Err(LoadError::Invalid("a root has more in it"));
            }
            self.bytes = after;
        }
        if !self.bytes.is_empty() {
            return Err(LoadError::Invalid("there is more after the roots"));
        }
        fill_objects(self.content, self.limits, self.budget)?;
        Ok(roots)
    }

    fn root(&mut self) -> Result<Root<F>, LoadError> {
        Ok(match self.bytes.number()? {
            0 => {
                let nothing = self.bytes.empty();
                let rest = std::mem::replace(&mut self.bytes, nothing);
                Root::Value(rest.range(self.content))
            }
            1 => {
                let stack = self.continuation()?;
                let waits = match self.bytes.number()? {
                    0 => Waits::Answer,
                    1 => Waits::Start,
                    2 => Waits::Restarted,
                    3 => Waits::Value(self.value()?),
                    4 => Waits::Raised(self.value()?),
                    5 => Waits::Continuation(self.continuation()?),
                    _ => return Err(LoadError::Invalid("a machine waits for nothing known")),
                };
                if stack.is_empty() {
                    return Err(LoadError::Invalid("a machine has no frame"));
                }
                Root::Machine(stack, waits)
            }
            2 => Root::Continuation(self.continuation()?),
            _ => return Err(LoadError::Invalid("there is no such sort of root")),
        })
    }
}

/// Decodes what was referred to.
fn fill_objects(content: &[u8], limits: LoadLimits, budget: &Budget) -> Result<(), LoadError> {
    while let Some((referred, range)) = known(session::loading(Loading::next))? {
        let mut bytes = Reader::new(&content[range], budget);
        let now;
        if !referred.steps.is_empty() {
            now = upgraded(bytes, &referred.steps)
                .map_err(|error| failed(error, "a shared object", limits, budget))?;
            bytes = Reader::new(&now, budget);
        }
        let filled = (referred.fill)(&*referred.cell, &mut bytes);
        filled.map_err(|error| failed(error, "a shared object", limits, budget))?;
        if !bytes.is_empty() {
            return Err(LoadError::Invalid("a shared object has more in it"));
        }
    }
    Ok(())
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
        let scope = Scope::load(Loading {
            registry: registry.clone(),
            tags,
            keys,
            types,
            objects: Vec::new(),
            contents: Vec::new(),
            ahead: Vec::new(),
            numbers: HashMap::new(),
            parts: parts.clone(),
            error: None,
        });
        let mut source = Source {
            content,
            bytes,
            home: Home::new(),
            limits,
            budget: &budget,
            kinds,
            parts,
        };
        let roots = source.body()?;
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

/// Within a snapshot, where what it refers to is stored once.
impl<F: Persist> Serialize for Continuation<F> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let address = self.address();
        let number = session::refer(|_, reference| {
            reference.number(address, |saving| {
                let number = saving.continuations.get(&address).copied();
                number.unwrap_or_else(|| {
                    saving.pending.push(Box::new(self.clone()));
                    0
                })
            })
        });
        number.map_err(S::Error::custom)?.serialize(to)
    }
}

impl<'de, F: Persist> Deserialize<'de> for Continuation<F> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(from)?;
        let k = session::loading(|loading| {
            let parts = loading
                .parts
                .downcast_ref::<RefCell<Vec<(Part<F>, Extent)>>>();
            let parts = parts.ok_or(LoadError::Invalid("a continuation is of other frames"))?;
            let parts = parts.borrow();
            let k = parts
                .get(number as usize)
                .and_then(|(part, _)| part.as_continuation());
            let k = k.ok_or(LoadError::Invalid("there is no such continuation"))?;
            loading.numbers.insert(k.address(), number);
            Ok(k.clone())
        });
        k.map_err(D::Error::custom)
    }
}
