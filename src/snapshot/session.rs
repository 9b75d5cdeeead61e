//! What a value finds when it is encoded or decoded in the middle of a snapshot.
//!
//! Serde hands nothing down to the values but the format. A value that is shared, or named, or
//! a continuation, stands in the bytes for something that is elsewhere in the snapshot; where,
//! it learns here. One thread encodes or decodes one snapshot at a time, in a scope that ends
//! by a panic too.

use std::any::Any;
use std::borrow::ToOwned;
use std::boxed::Box;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::format;
use std::mem;
use std::rc::Rc;
use std::thread_local;
use std::vec::Vec;

use super::base::ObjectTable;
use super::error::{LoadError, SaveError};
use super::leads::{Leads, Node};
use super::object::AnyObject;
use super::registry::Registry;
use super::table::Table;
use super::upgrade::Step;
use crate::frame::{MarkKey, PromptTag};

/// A snapshot that is being written.
pub(super) struct Saving {
    pub(super) registry: Rc<Registry>,
    pub(super) tags: Table<PromptTag>,
    pub(super) keys: Table<MarkKey>,
    pub(super) objects: ObjectTable,
    /// The numbers of the continuations that were met and are stored, by their addresses.
    pub(super) continuations: HashMap<usize, u32>,
    /// Continuations that were met and are not.
    pub(super) pending: Vec<Box<dyn Any>>,
    pub(super) error: Option<SaveError>,
}

impl Saving {
    pub(super) fn new(registry: Rc<Registry>) -> Self {
        Self {
            registry,
            tags: Table::default(),
            keys: Table::default(),
            objects: Table::default(),
            continuations: HashMap::new(),
            pending: Vec::new(),
            error: None,
        }
    }

    /// Forgets all parts and objects but so many. What it held is for the caller to drop, since
    /// that may come back here.
    pub(super) fn forget(&mut self, parts: u32, objects: u32) -> impl Sized + use<> {
        self.continuations.retain(|_, number| *number < parts);
        let pending = mem::take(&mut self.pending);
        (pending, self.objects.truncate(objects))
    }
}

/// An object that was referred to.
#[derive(Clone)]
pub(super) struct Referred {
    pub(super) cell: Rc<dyn AnyObject>,
    /// How many were met before it.
    pub(super) place: u32,
    /// How its value becomes what it is now, if it is another.
    pub(super) steps: Option<Rc<[Step]>>,
}

/// A snapshot that is being read.
pub(super) struct Loading {
    pub(super) registry: Rc<Registry>,
    pub(super) tags: Table<PromptTag>,
    pub(super) keys: Table<MarkKey>,
    /// The types of the objects, by their names and versions.
    pub(super) types: Vec<(Rc<str>, u32)>,
    /// The type of each object. There may be as many as there are bytes, so that little is kept
    /// of each.
    pub(super) objects: Vec<u32>,
    /// Those that were referred to.
    referred: HashMap<u32, Referred>,
    /// Their numbers, in the order in which they were.
    order: Vec<u32>,
    /// Where each object's value begins, with its length.
    pub(super) contents: Vec<u32>,
    /// Those that an increment has stored again.
    pub(super) changed: HashSet<u32>,
    /// What constants lead to.
    pub(super) leads: Leads,
    /// The numbers of objects that were referred to and are not decoded.
    pub(super) ahead: Vec<u32>,
    /// The numbers of objects and continuations that were referred to, by their addresses.
    pub(super) numbers: HashMap<usize, u32>,
    /// The parts that are restored, of the type of frames that only the reader knows.
    pub(super) parts: Rc<dyn Any>,
    pub(super) error: Option<LoadError>,
}

impl Loading {
    pub(super) fn new(registry: Rc<Registry>, parts: Rc<dyn Any>) -> Self {
        Self {
            registry,
            tags: Table::default(),
            keys: Table::default(),
            types: Vec::new(),
            objects: Vec::new(),
            referred: HashMap::new(),
            order: Vec::new(),
            contents: Vec::new(),
            changed: HashSet::new(),
            leads: Leads::default(),
            ahead: Vec::new(),
            numbers: HashMap::new(),
            parts,
            error: None,
        }
    }

    /// The object with this number.
    pub(super) fn object(
        &mut self,
        number: u32,
        name: &'static str,
        version: u32,
        is_constant: bool,
        empty: impl Fn() -> Rc<dyn AnyObject>,
    ) -> Result<Rc<dyn AnyObject>, LoadError> {
        if let Some(referred) = self.referred.get(&number) {
            if is_constant {
                self.leads.note(Node::Constant(referred.place));
            }
            return Ok(referred.cell.clone());
        }
        if is_constant && self.changed.contains(&number) {
            return Err(LoadError::Invalid("a constant has changed"));
        }
        let Some(&of) = self.objects.get(number as usize) else {
            return Err(LoadError::Invalid("there is no such object"));
        };
        let wanted = |found: &str, at| (found == name && at == version).then_some(());
        let path = self.types.get(of as usize).and_then(|(found, at)| {
            let upgrades = &self.registry.objects;
            upgrades.path(found, *at, wanted)
        });
        let Some(((), steps)) = path else {
            return Err(self.other_type(number, name, version));
        };
        let cell = empty();
        let place = self.order.len() as u32;
        if is_constant {
            self.leads.note(Node::Constant(place));
        }
        let referred = Referred {
            cell: cell.clone(),
            place,
            steps: (!steps.is_empty()).then(|| steps.into()),
        };
        self.referred.insert(number, referred);
        self.order.push(number);
        self.ahead.push(number);
        let address = Rc::as_ptr(&cell).cast::<()>().addr();
        self.numbers.insert(address, number);
        Ok(cell)
    }

    /// The next object that was referred to and is not decoded, and where its value begins,
    /// with its length.
    pub(super) fn next(&mut self) -> Result<Option<(Referred, usize)>, LoadError> {
        self.leads.begin(None);
        let Some(number) = self.ahead.pop() else {
            return Ok(None);
        };
        let referred = self.referred.get(&number).cloned();
        let start = self.contents.get(number as usize);
        Ok(referred
            .zip(start)
            .map(|(referred, start)| (referred, *start as usize)))
    }

    /// The object with this number, if it was referred to.
    pub(super) fn referred(&self, number: u32) -> Option<Referred> {
        self.referred.get(&number).cloned()
    }

    /// Whether all that was referred to is as it was stored.
    pub(super) fn is_same(&self) -> bool {
        self.referred.values().all(|it| it.steps.is_none())
    }

    /// The objects.
    pub(super) fn table(&self) -> ObjectTable {
        let mut table = Table::default();
        for number in 0..self.objects.len() as u32 {
            match self.referred.get(&number) {
                Some(Referred { cell, .. }) => {
                    let address = Rc::as_ptr(cell).cast::<()>().addr();
                    table.push(address, Some(cell.clone()));
                }
                None => table.skip(None),
            }
        }
        table
    }

    /// Takes the values of all shared objects out, so that nothing leads back to itself.
    pub(super) fn clear(self) {
        for referred in self.referred.values() {
            referred.cell.clear();
        }
    }

    /// How many objects were referred to.
    pub(super) fn mark(&self) -> usize {
        self.order.len()
    }

    /// Forgets those that were referred to since, of which nobody has any.
    pub(super) fn forget_since(&mut self, mark: usize) {
        for number in self.order.split_off(mark.min(self.order.len())) {
            if let Some(Referred { cell, .. }) = self.referred.remove(&number) {
                let address = Rc::as_ptr(&cell).cast::<()>().addr();
                self.numbers.remove(&address);
                // It may lead back to itself.
                cell.clear();
            }
        }
        self.ahead
            .retain(|number| self.referred.contains_key(number));
        self.leads.forget_since(mark as u32);
    }

    pub(super) fn other_type(&self, number: u32, expected: &str, version: u32) -> LoadError {
        let of = self.objects.get(number as usize);
        let found = of.and_then(|of| self.types.get(*of as usize));
        let found = found.map_or("an unknown type".to_owned(), |(name, version)| {
            format!("{name} v{version}")
        });
        let expected = format!("{expected} v{version}");
        LoadError::Object { found, expected }
    }
}

enum Session {
    None,
    Saving(Box<Saving>),
    Loading(Box<Loading>),
}

thread_local!(static SESSION: RefCell<Session> = const { RefCell::new(Session::None) });

/// While it lives, values find the session.
pub(super) struct Scope {
    outer: Session,
}

impl Scope {
    pub(super) fn save(saving: Saving) -> Self {
        Self::begin(Session::Saving(Box::new(saving)))
    }

    pub(super) fn load(loading: Loading) -> Self {
        Self::begin(Session::Loading(Box::new(loading)))
    }

    fn begin(session: Session) -> Self {
        Self {
            outer: SESSION.replace(session),
        }
    }

    fn end(mut self) -> Session {
        let session = SESSION.replace(mem::replace(&mut self.outer, Session::None));
        mem::forget(self);
        session
    }

    pub(super) fn saved(self) -> Option<Saving> {
        match self.end() {
            Session::Saving(saving) => Some(*saving),
            _ => None,
        }
    }

    pub(super) fn loaded(self) -> Option<Loading> {
        match self.end() {
            Session::Loading(loading) => Some(*loading),
            _ => None,
        }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        drop(SESSION.replace(mem::replace(&mut self.outer, Session::None)));
    }
}

const OUTSIDE: &str = "this is encoded and decoded within a snapshot only";

/// Asks the snapshot that is being written. The error is for serde; the session keeps the real
/// one.
pub(super) fn saving<R>(
    ask: impl FnOnce(&mut Saving) -> Result<R, SaveError>,
) -> Result<R, &'static str> {
    SESSION.with_borrow_mut(|session| match session {
        Session::Saving(saving) => ask(saving).map_err(|error| {
            saving.error.get_or_insert(error);
            "it cannot be saved"
        }),
        _ => Err(OUTSIDE),
    })
}

/// Asks whichever it is for what a reference stands for: what was read may be written again,
/// while it is brought up to date.
pub(super) fn refer<R>(
    ask: impl FnOnce(&Registry, Reference<'_>) -> Result<R, SaveError>,
) -> Result<R, &'static str> {
    SESSION.with_borrow_mut(|session| match session {
        Session::Saving(saving) => {
            let registry = saving.registry.clone();
            ask(&registry, Reference::Saving(saving)).map_err(|error| {
                saving.error.get_or_insert(error);
                "it cannot be saved"
            })
        }
        Session::Loading(loading) => {
            let asked = ask(&loading.registry, Reference::Loading(loading));
            asked.map_err(|_| "it was not in the snapshot")
        }
        Session::None => Err(OUTSIDE),
    })
}

/// What knows the numbers of objects and continuations, tags and keys.
pub(super) enum Reference<'a> {
    Saving(&'a mut Saving),
    Loading(&'a Loading),
}

impl Reference<'_> {
    /// The number of what is at this address, which is given where it has none yet.
    pub(super) fn number(
        self,
        address: usize,
        give: impl FnOnce(&mut Saving) -> u32,
    ) -> Result<u32, SaveError> {
        match self {
            Self::Saving(saving) => Ok(give(saving)),
            Self::Loading(loading) => {
                let number = loading.numbers.get(&address).copied();
                number.ok_or_else(|| SaveError::Value("it is new".into()))
            }
        }
    }
}

/// Asks the snapshot that is being read. The error is for serde; the session keeps the real
/// one.
pub(super) fn loading<R>(
    ask: impl FnOnce(&mut Loading) -> Result<R, LoadError>,
) -> Result<R, &'static str> {
    SESSION.with_borrow_mut(|session| match session {
        Session::Loading(loading) => ask(loading).map_err(|error| {
            loading.error.get_or_insert(error);
            "it cannot be loaded"
        }),
        _ => Err(OUTSIDE),
    })
}
