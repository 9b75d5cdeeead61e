//! Symbols: names that are the same if they are spelled the same.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A symbol. Two of the same spelling are the same pointer, so that comparing costs nothing.
#[derive(Clone)]
pub struct Symbol(Rc<Box<str>>);

/// Interned: what the table looks up by its spelling.
struct Interned(Symbol);

impl Hash for Interned {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

impl PartialEq for Interned {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Interned {}

impl std::borrow::Borrow<str> for Interned {
    fn borrow(&self) -> &str {
        self.0.as_str()
    }
}

/// All symbols of a thread. What nobody uses any more is swept out when the table would grow.
#[derive(Default)]
struct Table(HashSet<Interned>);

impl Table {
    fn intern(&mut self, name: &str) -> Symbol {
        if let Some(found) = self.0.get(name) {
            return found.0.clone();
        }
        if self.0.len() == self.0.capacity() {
            self.0
                .retain(|interned| Rc::strong_count(&interned.0.0) > 1);
        }
        let symbol = Symbol(Rc::new(name.into()));
        self.0.insert(Interned(symbol.clone()));
        symbol
    }
}

impl Symbol {
    /// The symbol that is spelled so.
    #[must_use]
    pub fn new(name: &str) -> Self {
        thread_local!(static TABLE: RefCell<Table> = RefCell::default());
        TABLE.with(|table| table.borrow_mut().intern(name))
    }

    /// Its spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Symbol {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Symbol {}

impl Hash for Symbol {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Rc::as_ptr(&self.0).hash(state);
    }
}

impl PartialOrd for Symbol {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Symbol {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Symbol {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Symbol {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|name| Self::new(&name))
    }
}
