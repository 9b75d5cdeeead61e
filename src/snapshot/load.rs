//! Reading a snapshot.

use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::ops::Range;
use std::rc::Rc;
use std::vec::Vec;

use serde::de::DeserializeOwned;

use super::base::{Base, BaseId, Stored};
use super::changes::Changes;
use super::error::LoadError;
use super::header::{self, Header, Headers};
use super::limited::{Budget, DEFAULT_DEPTH};
use super::persist::Persist;
use super::registry::{Policy, Registry};
use super::report::{Report, Restart};
use super::session::{self, Loading, Scope};
use super::source::{
    Kind, Parts, Refused, Restored, Root, Source, Waiting, failed, fill_objects, known, or_refused,
};
use super::stack::{self, Skim, Skimmed};
use super::table::Table;
use super::wire::Reader;
use crate::frame::parts::Home;
use crate::frame::{Continuation, Machine};

/// How much may be in a snapshot that is loaded, with those that it is an increment to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadLimits {
    /// How many bytes there may be.
    pub bytes: usize,
    /// How many frames a stack may have, as the program would find them.
    pub frames: usize,
    /// How many parts there may be: segments of stacks, winders, continuations; roots. And of
    /// how many segments a stack may consist, as the program would find them.
    pub parts: usize,
    /// How many objects there may be that are shared.
    pub objects: usize,
    /// How many levels deep a value may be nested. Each takes some of the Rust stack: in a
    /// debug build one to three KiB.
    pub depth: u32,
    /// How many elements the sequences and maps of all values may have together.
    pub elements: u64,
    /// How many bytes a name may have: of the program, a kind of frame, a tag, a type.
    pub name: usize,
}

impl Default for LoadLimits {
    /// A gigabyte; ten million frames, parts, objects and elements; a depth of 64; names of
    /// 1,024 bytes.
    fn default() -> Self {
        Self {
            bytes: 1_000_000_000,
            frames: 10_000_000,
            parts: 10_000_000,
            objects: 10_000_000,
            depth: DEFAULT_DEPTH,
            elements: 10_000_000,
            name: 1024,
        }
    }
}

impl LoadLimits {
    pub(super) fn check(
        &self,
        what: &'static str,
        limit: usize,
        count: usize,
    ) -> Result<(), LoadError> {
        match count > limit {
            true => Err(LoadError::Limit { what, limit }),
            false => Ok(()),
        }
    }
}

/// A snapshot that was read.
pub struct Loaded<F: Persist> {
    home: Home<F>,
    pub(super) headers: Vec<Header>,
    kinds: Vec<Kind<F>>,
    parts: Parts<F>,
    roots: Vec<Root<F>>,
    /// Where each of them is.
    pub(super) roots_at: Vec<Range<usize>>,
    /// Frames that could not be decoded.
    refused: HashMap<(u32, usize), Refused>,
    /// What a shared value could not be decoded for, which whoever refers to it does not know.
    pub(super) refused_object: Option<Refused>,
    /// What the values find that are asked for later.
    loading: Option<Loading>,
    changes: Rc<Changes>,
    id: BaseId,
    content: Vec<u8>,
    limits: LoadLimits,
    /// How many are left of the limit's.
    elements: u64,
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
    /// A frame whose kind or slots the program cannot read is *refused*: all else may be looked
    /// at, [`report`](Self::report) says which, and only who asks for the machine or the
    /// continuation that it is in gets the error.
    ///
    /// # Errors
    ///
    /// If it is none, or damaged, or of another program, or larger than may be.
    pub fn read(
        bytes: &[u8],
        registry: &Rc<Registry>,
        limits: LoadLimits,
    ) -> Result<Self, LoadError> {
        Self::read_increments(&[bytes], registry, limits)
    }

    /// Reads a snapshot and increments to it, each after its base. The roots are those of the
    /// last one.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and if one is not an increment to the one before.
    pub fn read_increments(
        snapshots: &[impl AsRef<[u8]>],
        registry: &Rc<Registry>,
        limits: LoadLimits,
    ) -> Result<Self, LoadError> {
        Self::read_into(snapshots, registry, limits, Parts::default())
    }

    /// The same, where `parts` are those that were restored, after an error too.
    pub(super) fn read_into(
        snapshots: &[impl AsRef<[u8]>],
        registry: &Rc<Registry>,
        limits: LoadLimits,
        parts: Parts<F>,
    ) -> Result<Self, LoadError> {
        let changes = Changes::begin();
        let mut all = 0usize;
        let mut content = Vec::new();
        let mut ends = Vec::new();
        for bytes in snapshots {
            let bytes = bytes.as_ref();
            all = all.saturating_add(bytes.len());
            limits.check("bytes", limits.bytes.min(u32::MAX as usize), all)?;
            let (of_one, checksum) = header::content(bytes)?;
            content.extend_from_slice(of_one);
            ends.push((content.len(), checksum));
        }
        let budget = Budget::new(limits.depth, limits.elements);
        let mut loading = Loading::new(registry.clone(), parts.clone());
        let mut reading = Headers {
            content: &content,
            registry,
            limits,
            kinds: Vec::new(),
        };
        let mut headers: Vec<Header> = Vec::new();
        let mut base = None;
        let mut start = 0;
        for &(end, checksum) in &ends {
            let mut bytes = Reader::new(&content[start..end], &budget);
            let header = reading.read(&mut bytes, base, &mut loading)?;
            let parts = headers.iter().map(|header| header.parts).sum::<usize>() + header.parts;
            base = Some(BaseId {
                checksum,
                parts: u32::try_from(parts).map_err(|_| LoadError::Damaged)?,
                objects: loading.objects.len() as u32,
            });
            headers.push(header);
            start = end;
        }
        let Some(id) = base else {
            return Err(LoadError::NotASnapshot);
        };
        loading.contents = std::vec![0; loading.objects.len()];
        let kinds = reading.kinds;
        let scope = Scope::load(loading);
        let mut source = Source::new(&content, limits, &budget, &kinds, parts.clone());
        let ends = ends.iter().map(|(end, _)| *end);
        let roots = match bodies(&mut source, &headers, ends) {
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
        let Source { home, refused, .. } = source;
        let (roots, roots_at, refused_object) = roots;
        Ok(Self {
            home,
            headers,
            parts,
            roots,
            roots_at,
            refused,
            refused_object,
            loading: scope.loaded(),
            changes,
            id,
            limits,
            elements: budget.elements(),
            kinds,
            content,
        })
    }
}

/// The roots, where they are, and what a shared value could not be decoded for.
type Bodies<F> = (Vec<Root<F>>, Vec<Range<usize>>, Option<Refused>);

/// The parts of all snapshots, the roots of the last, and what is shared.
fn bodies<F: Persist>(
    source: &mut Source<'_, F>,
    headers: &[Header],
    ends: impl Iterator<Item = usize>,
) -> Result<Bodies<F>, LoadError> {
    let (content, limits, budget) = (source.content, source.limits, source.budget);
    let (mut roots, mut roots_at) = (Vec::new(), Vec::new());
    for (index, (header, end)) in headers.iter().zip(ends).enumerate() {
        source.bytes = Reader::new(&content[header.parts_at..end], budget);
        source.kinds_from = header.kinds_from;
        for _ in 0..header.parts {
            source.restore()?;
        }
        for &number in &header.objects {
            let start = source.bytes.range(content).start as u32;
            let len = source.bytes.index()?;
            source.bytes.take(len)?;
            known(session::loading(|loading| {
                loading.contents[number as usize] = start;
                Ok(())
            }))?;
        }
        let count = source.bytes.count(2)?;
        limits.check("parts", limits.parts, count)?;
        for _ in 0..count {
            let len = source.bytes.index()?;
            let root = source.bytes.take(len)?;
            if index + 1 == headers.len() {
                roots_at.push(root.range(content));
                let after = mem::replace(&mut source.bytes, root);
                roots.push(source.root()?);
                source.bytes = after;
            }
        }
        let schema = source.bytes.index()?;
        source.bytes.take(schema)?;
        if !source.bytes.is_empty() {
            return Err(LoadError::Invalid("there is more after the schema"));
        }
    }
    let filled = or_refused(fill_objects(content, limits, budget))?;
    Ok((roots, roots_at, filled.err()))
}

/// What the program asks for.
impl<F: Persist> Loaded<F> {
    /// The version of the program that wrote it.
    #[must_use]
    pub fn program_version(&self) -> u64 {
        self.headers.last().map_or(0, |header| header.version)
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

    /// The value that was added as root `index`.
    ///
    /// # Errors
    ///
    /// [`LoadError::Root`] if there is none, and if it is of another type what that comes to.
    pub fn value<T: DeserializeOwned>(&mut self, index: usize) -> Result<T, LoadError> {
        self.whole()?;
        let Some(Root::Value(range)) = self.roots.get(index) else {
            return Err(LoadError::Root { index });
        };
        let range = range.clone();
        self.within(|content, _, limits, budget| {
            let mut bytes = Reader::new(&content[range], budget);
            let value = bytes.value();
            let value = value.map_err(|error| failed(error, "a root", limits, budget));
            fill_objects(content, limits, budget)?;
            match bytes.is_empty() {
                true => value,
                false => value.and(Err(LoadError::Invalid("a root has more in it"))),
            }
        })
    }

    /// Takes the machine that was added as root `index`.
    ///
    /// If a frame in it is refused, and the registry's [policy](Registry::policy) is to restart,
    /// the machine goes on at the nearest checkpoint below all refused frames, which is resumed
    /// with [`Input::Restarted`](crate::frame::Input::Restarted). The frames above are dropped;
    /// of the winders that are left so, each *after* that can be decoded runs first, the
    /// innermost first, on top of the checkpoint.
    ///
    /// # Errors
    ///
    /// [`LoadError::Root`] if there is none, or it was taken. If a frame in it is refused, what
    /// that is refused for.
    pub fn machine(&mut self, index: usize) -> Result<Machine<F>, LoadError> {
        self.whole()?;
        match self.roots.get_mut(index) {
            Some(Root::Machine(_, Ok(waiting))) => match mem::replace(waiting, Waiting::Taken) {
                Waiting::There(stack, waits) => Ok(Machine::restored(&self.home, stack, waits)),
                Waiting::Taken => Err(LoadError::Root { index }),
            },
            Some(Root::Machine(stack, Err(why))) => {
                let (stack, why) = (*stack, why.clone());
                let restart = self.restart(stack)?;
                let Restart { layout, afters, .. } = restart.ok_or_else(|| (*why).clone())?;
                let stack = self.home.continuation(layout);
                Ok(Machine::restarted(&self.home, stack, afters))
            }
            _ => Err(LoadError::Root { index }),
        }
    }

    /// The continuation that was added as root `index`.
    ///
    /// # Errors
    ///
    /// [`LoadError::Root`] if there is none. If a frame in it is refused, what that is refused
    /// for: it would be resumed with a value that its checkpoint has not asked for.
    pub fn continuation(&self, index: usize) -> Result<Continuation<F>, LoadError> {
        self.whole()?;
        match self.roots.get(index) {
            Some(Root::Continuation(_, Ok(k))) => Ok(k.clone()),
            Some(Root::Continuation(_, Err(why))) => Err((**why).clone()),
            _ => Err(LoadError::Root { index }),
        }
    }

    /// What became of each frame of the machine or the continuation that was added as root
    /// `index`.
    ///
    /// # Errors
    ///
    /// [`LoadError::Root`] if there is none.
    pub fn report(&mut self, index: usize) -> Result<Report, LoadError> {
        let (stack, restart) = match self.roots.get(index) {
            Some(Root::Machine(stack, Err(_))) => {
                let stack = *stack;
                (stack, self.restart(stack)?)
            }
            Some(Root::Machine(stack, _) | Root::Continuation(stack, _)) => (*stack, None),
            _ => return Err(LoadError::Root { index }),
        };
        let parts = self.skim()?;
        let items = stack::walk(&parts, stack, self.most())?;
        Ok(Report::of(
            &parts,
            &items,
            &self.kinds,
            &self.refused,
            restart.as_ref(),
        ))
    }

    /// What increments to this snapshot need. It may be asked for at any time: what changed
    /// since it was read has changed since.
    ///
    /// # Errors
    ///
    /// If a frame is refused, what for: there is nothing that could stay as it is.
    pub fn base(&self) -> Result<Base<F>, LoadError> {
        self.whole()?;
        let Some(loading) = &self.loading else {
            return Err(LoadError::Damaged);
        };
        let mut parts = Table::default();
        for part in &*self.parts.borrow() {
            match part {
                Restored::Part(part, _) => parts.push(part.identity(), part.clone()),
                Restored::Refused(why) => return Err((**why).clone()),
            };
        }
        let (mut tags, mut keys) = (Table::default(), Table::default());
        for &tag in &loading.tags {
            tags.push(tag, tag);
        }
        for &key in &loading.keys {
            keys.push(key, key);
        }
        Ok(Base(Rc::new(Stored {
            id: self.id,
            tags: tags.end(),
            keys: keys.end(),
            objects: loading.table().end(),
            parts: parts.end(),
            changes: self.changes.clone(),
        })))
    }

    /// How much may be in a stack that is walked through.
    fn most(&self) -> usize {
        self.limits.frames.saturating_add(self.limits.parts)
    }

    /// Refuses what may refer to a shared value that could not be decoded.
    fn whole(&self) -> Result<(), LoadError> {
        match &self.refused_object {
            None => Ok(()),
            Some(why) => Err((**why).clone()),
        }
    }

    /// All parts, of which nothing is decoded.
    fn skim(&self) -> Result<Vec<Skimmed>, LoadError> {
        let budget = Budget::new(self.limits.depth, self.elements);
        let mut parts = Vec::new();
        for header in &self.headers {
            let mut skim = Skim {
                content: &self.content,
                bytes: Reader::new(&self.content[header.parts_at..], &budget),
                kinds_from: header.kinds_from,
            };
            for _ in 0..header.parts {
                parts.push(skim.part()?);
            }
        }
        Ok(parts)
    }

    /// How a machine with this stack restarts, if it may and there is a checkpoint.
    fn restart(&mut self, stack: u32) -> Result<Option<Restart<F>>, LoadError> {
        let is_restarted = |loading: &Loading| loading.registry.policy == Policy::Restart;
        if !self.loading.as_ref().is_some_and(is_restarted) {
            return Ok(None);
        }
        let parts = self.skim()?;
        let items = stack::walk(&parts, stack, self.most())?;
        self.within(|content, kinds, limits, budget| {
            Restart::of(&parts, &items, content, kinds, limits, budget)
        })
    }

    /// Decodes what was not decoded before.
    pub(super) fn within<R>(
        &mut self,
        decode: impl FnOnce(&[u8], &[Kind<F>], LoadLimits, &Budget) -> Result<R, LoadError>,
    ) -> Result<R, LoadError> {
        let Some(loading) = self.loading.take() else {
            return Err(LoadError::Damaged);
        };
        let scope = Scope::load(loading);
        let budget = Budget::new(self.limits.depth, self.elements);
        let decoded = decode(&self.content, &self.kinds, self.limits, &budget);
        self.loading = scope.loaded();
        self.elements = budget.elements();
        decoded
    }
}

impl<F: Persist> Drop for Loaded<F> {
    fn drop(&mut self) {
        // What nobody got may lead back to itself.
        if self.refused_object.is_some()
            && let Some(loading) = self.loading.take()
        {
            loading.clear();
        }
    }
}
