//! Reading a snapshot.

use std::cell::Cell;
use std::fmt;
use std::format;
use std::mem;
use std::ops::Range;
use std::rc::Rc;
use std::string::String;
use std::vec::Vec;

use serde::de::DeserializeOwned;

use super::base::{Base, BaseId, Stored};
use super::changes::Changes;
use super::error::LoadError;
use super::header::{self, Header, Headers, Placed};
use super::leads::{self, NoParts};
use super::limited::{Budget, DEFAULT_DEPTH};
use super::persist::Persist;
use super::registry::{Policy, Registry};
use super::report::{Decode, Report, Restart};
use super::session::{self, Loading, Scope};
use super::source::{
    Found, Kind, Leading, Parts, Refused, Restored, Root, Source, failed, fill_objects, known,
    or_refused,
};
use super::stack::{self, Skim, Skimmed};
use super::table::Table;
use super::wire::Reader;
use crate::frame::parts::{self, Home};
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
    /// How many names there may be of each sort: of kinds of frame, tags, keys, types.
    pub names: usize,
    /// How many bytes a name may have.
    pub name: usize,
}

impl Default for LoadLimits {
    /// A gigabyte; ten million frames, parts, objects and elements; a depth of 64; a hundred
    /// thousand names, of 1,024 bytes.
    fn default() -> Self {
        Self {
            bytes: 1_000_000_000,
            frames: 10_000_000,
            parts: 10_000_000,
            objects: 10_000_000,
            depth: DEFAULT_DEPTH,
            elements: 10_000_000,
            names: 100_000,
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
    pub(super) headers: Vec<Placed>,
    kinds: Vec<Kind<F>>,
    parts: Parts<F>,
    roots: Vec<Root<F>>,
    /// Where each of them is.
    pub(super) roots_at: Vec<Range<usize>>,
    /// What a shared value could not be decoded for, which whoever refers to it does not know.
    pub(super) refused_object: Option<Refused>,
    /// Whether somebody has something that may lead to shared values.
    handed_out: Cell<bool>,
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
            registry,
            limits,
            kinds: Vec::new(),
            base: None,
        };
        let mut headers = Vec::new();
        let mut start = 0;
        for &(end, checksum) in &ends {
            let mut bytes = Reader::new(&content[start..end], &budget);
            let header = Header::read(&mut bytes, &content, limits)?;
            headers.push(reading.place(header, checksum, &mut loading)?);
            start = end;
        }
        let Some(id) = reading.base else {
            return Err(LoadError::NotASnapshot);
        };
        loading.contents = std::vec![0; loading.objects.len()];
        let kinds = reading.kinds;
        let scope = Scope::load(loading);
        let home = Home::new();
        let mut source = Source::new(
            &content,
            limits,
            &budget,
            &kinds,
            parts.clone(),
            home.clone(),
        );
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
        let (roots, roots_at, refused_object) = roots;
        Ok(Self {
            home,
            headers,
            parts,
            roots,
            roots_at,
            refused_object,
            handed_out: Cell::new(false),
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
    headers: &[Placed],
    ends: impl Iterator<Item = usize>,
) -> Result<Bodies<F>, LoadError> {
    let (content, limits, budget) = (source.content, source.limits, source.budget);
    let (mut roots, mut roots_at) = (Vec::new(), Vec::new());
    for (index, (placed, end)) in headers.iter().zip(ends).enumerate() {
        source.bytes = Reader::new(&content[placed.header.parts_at..end], budget);
        source.kinds_from = placed.kinds_from;
        for _ in 0..placed.header.parts {
            source.restore()?;
        }
        leads::begin(None)?;
        for &number in &placed.objects {
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
    let filled = {
        let parts = source.parts.borrow();
        or_refused(fill_objects(content, limits, budget, Leading::new(&parts)))?
    };
    Ok((roots, roots_at, filled.err()))
}

/// What the program asks for.
impl<F: Persist> Loaded<F> {
    /// The version of the program that wrote it.
    #[must_use]
    pub fn program_version(&self) -> u64 {
        self.headers.last().map_or(0, |it| it.header.version)
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

    /// The value that was added as root `index`. What type it is of is not stored: bytes of
    /// another one that happen to fit are not noticed.
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
        // What is decoded here stays, and counts.
        let budget = Budget::new(self.limits.depth, self.elements);
        let value = self.within(&budget, |content, _, limits, _| {
            let mut bytes = Reader::new(&content[range], &budget);
            let value = bytes.value();
            let value =
                value.map_err(|error| failed(error, &format!("root {index}"), limits, &budget));
            fill_objects(content, limits, &budget, NoParts)?;
            match bytes.is_empty() {
                true => value,
                false => value.and(Err(LoadError::Invalid("a root has more in it"))),
            }
        });
        self.elements = budget.elements();
        if value.is_ok() {
            self.handed_out.set(true);
        }
        value
    }

    /// Takes the machine that was added as root `index`.
    ///
    /// If a frame in it is refused, and the registry's [policy](Registry::policy) is to restart,
    /// the machine goes on at the nearest checkpoint below all refused frames, which is resumed
    /// with [`Input::Restarted`](crate::frame::Input::Restarted). The frames above are dropped.
    /// Of the winders that are left so, each *after* that can be decoded runs first, the
    /// innermost first, on top of the checkpoint; if one raises, that is raised in the
    /// checkpoint, and the others do not run. Until they have run, the machine cannot be saved.
    ///
    /// # Errors
    ///
    /// [`LoadError::Root`] if there is none, or it was taken. If a frame in it is refused, what
    /// that is refused for; and so whatever the root is, if a shared value is refused, since
    /// nobody knows who refers to it.
    pub fn machine(&mut self, index: usize) -> Result<Machine<F>, LoadError> {
        self.whole()?;
        let Some(Root::Machine(stack, found)) = self.roots.get_mut(index) else {
            return Err(LoadError::Root { index });
        };
        let machine = match mem::replace(found, Found::Taken) {
            Found::There(stack, waits) => Machine::restored(&self.home, stack, waits),
            Found::Refused(why) => {
                *found = Found::Refused(why.clone());
                let stack = *stack;
                let restart = self.restart(stack)?.ok_or_else(|| (*why).clone())?;
                if let Some(Root::Machine(_, found)) = self.roots.get_mut(index) {
                    *found = Found::Restarted;
                }
                Machine::restarted(&self.home, restart.stack, restart.afters)
            }
            taken => {
                *found = taken;
                return Err(LoadError::Root { index });
            }
        };
        self.handed_out.set(true);
        Ok(machine)
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
            Some(Root::Continuation(_, Ok(k))) => {
                self.handed_out.set(true);
                Ok(k.clone())
            }
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
        let (stack, why, may_restart) = match self.roots.get(index) {
            Some(Root::Machine(stack, Found::Refused(why))) => (*stack, Some(why.clone()), true),
            Some(Root::Machine(stack, Found::Restarted)) => (*stack, None, true),
            Some(Root::Continuation(stack, Err(why))) => (*stack, Some(why.clone()), false),
            Some(Root::Machine(stack, _) | Root::Continuation(stack, _)) => (*stack, None, false),
            _ => return Err(LoadError::Root { index }),
        };
        let mark = self.loading.as_ref().map_or(0, Loading::mark);
        let restart = match may_restart && self.refused_object.is_none() {
            true => or_refused(self.restart(stack))?,
            false => Ok(None),
        };
        // A restart may be refused, too.
        let (restart, why) = match restart {
            Ok(Some(restart)) => (Some(restart), None),
            Ok(None) => (None, why),
            Err(refused) => (None, Some(refused)),
        };
        let why = self.refused_object.clone().or(why);
        let parts = self.skim()?;
        let items = stack::walk(&parts, stack, self.limits)?;
        let restored = self.parts.clone();
        let budget = self.budget();
        let report = self.within(&budget, |content, kinds, limits, budget| {
            let decode = Decode {
                parts: &parts,
                restored: &restored.borrow(),
                content,
                kinds,
                limits,
                budget,
            };
            Report::of(&decode, &items, restart.as_ref(), why)
        });
        // What was decoded for it nobody gets.
        drop(restart);
        if let Some(loading) = &mut self.loading {
            loading.forget_since(mark);
        }
        report
    }

    /// What increments to this snapshot need. It may be asked for at any time: what changed
    /// since it was read has changed since.
    ///
    /// Where something was brought up to date, or refused, the first increment holds all anew.
    #[must_use]
    pub fn base(&self) -> Base<F> {
        let (mut tags, mut keys) = (Table::default(), Table::default());
        let mut parts = Table::after(self.id.parts);
        let mut objects = Table::after(self.id.objects);
        if let Some(loading) = &self.loading {
            for &tag in loading.tags.list() {
                tags.push(tag, tag);
            }
            for &key in loading.keys.list() {
                keys.push(key, key);
            }
            let is_same = |kind: &Kind<F>| kind.now.as_ref().is_ok_and(|now| now.is_same());
            let is_whole = |part: &Restored<F>| matches!(part, Restored::Part(..));
            let restored = self.parts.borrow();
            if self.refused_object.is_none()
                && loading.is_same()
                && self.kinds.iter().all(is_same)
                && restored.iter().all(is_whole)
            {
                parts = Table::default();
                for part in &*restored {
                    if let Restored::Part(part, _) = part {
                        parts.push(part.identity(), part.clone());
                    }
                }
                objects = loading.table();
            }
        }
        Base(Rc::new(Stored {
            id: self.id,
            program: self
                .headers
                .last()
                .map_or(String::new(), |it| it.header.program.clone()),
            tags: tags.end(),
            keys: keys.end(),
            objects: objects.end(),
            parts: parts.end(),
            changes: self.changes.clone(),
        }))
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
        let budget = self.budget();
        let mut parts = Vec::new();
        for Placed {
            header, kinds_from, ..
        } in &self.headers
        {
            let mut skim = Skim {
                content: &self.content,
                bytes: Reader::new(&self.content[header.parts_at..], &budget),
                kinds_from: *kinds_from,
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
        let items = stack::walk(&parts, stack, self.limits)?;
        let (restored, home) = (self.parts.clone(), self.home.clone());
        let budget = self.budget();
        self.within(&budget, |content, kinds, limits, budget| {
            let mut source = Source::new(content, limits, budget, kinds, restored.clone(), home);
            let is_checkpoint = |frame: &F| frame.descriptor().checkpoint;
            let Some(k) = parts::salvage(stack, &parts, &mut source, is_checkpoint)? else {
                return Ok(None);
            };
            let decode = Decode {
                parts: &parts,
                restored: &restored.borrow(),
                content,
                kinds,
                limits,
                budget,
            };
            let restart = Restart::of(&decode, &items, k)?;
            fill_objects(content, limits, budget, NoParts)?;
            Ok(Some(restart))
        })
    }

    /// As much as may be in a snapshot.
    fn budget(&self) -> Budget {
        Budget::new(self.limits.depth, self.limits.elements)
    }

    /// Decodes what was not decoded before. After an error nothing is left of it.
    pub(super) fn within<R>(
        &mut self,
        budget: &Budget,
        decode: impl FnOnce(&[u8], &[Kind<F>], LoadLimits, &Budget) -> Result<R, LoadError>,
    ) -> Result<R, LoadError> {
        let Some(loading) = self.loading.take() else {
            return Err(LoadError::Damaged);
        };
        let mark = loading.mark();
        let scope = Scope::load(loading);
        let decoded = decode(&self.content, &self.kinds, self.limits, budget);
        self.loading = scope.loaded();
        if let (Err(_), Some(loading)) = (&decoded, &mut self.loading) {
            loading.forget_since(mark);
        }
        decoded
    }
}

impl<F: Persist> Drop for Loaded<F> {
    fn drop(&mut self) {
        // What nobody got may lead back to itself.
        if !self.handed_out.get()
            && let Some(loading) = self.loading.take()
        {
            loading.clear();
        }
    }
}
