//! Variables side by side, or arguments, and how room for them is used again.

use std::cell::RefCell;
use std::fmt;
use std::ops::{Deref, DerefMut};

use segno::snapshot::{Constant, Object};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use smallvec::SmallVec;

use crate::value::Value;

/// So many variables are in the rib itself: most procedures have no more.
pub(crate) const FEW: usize = 4;

/// So many ribs are kept to be filled again.
const MOST: usize = 64;

/// Arguments side by side.
pub type Slots = SmallVec<[Value; FEW]>;

/// The variables that code can see.
pub type Scope = Option<Constant<Rib>>;

/// Variables that were bound together, and what was bound around them. It never changes once a
/// closure or a frame can see it: variables that are assigned to are in
/// [boxes](crate::value::Cell).
#[derive(Clone, Deserialize)]
#[serde(from = "Stored")]
pub struct Rib {
    /// The first of them. Behind the last one they are unassigned.
    pub(crate) few: [Value; FEW],
    /// How many there are in all.
    pub(crate) len: usize,
    /// The others.
    many: Vec<Value>,
    /// Those around them.
    pub parent: Scope,
}

/// What of a rib is in a snapshot.
#[derive(Deserialize)]
struct Stored {
    slots: Vec<Value>,
    parent: Scope,
}

impl From<Stored> for Rib {
    fn from(stored: Stored) -> Self {
        Self::of(stored.slots, stored.parent)
    }
}

impl Serialize for Rib {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        struct Values<'a>(&'a Rib);
        impl Serialize for Values<'_> {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_seq(self.0.iter())
            }
        }
        let mut rib = to.serialize_struct("Rib", 2)?;
        rib.serialize_field("slots", &Values(self))?;
        rib.serialize_field("parent", &self.parent)?;
        rib.end()
    }
}

impl Object for Rib {
    const NAME: &'static str = "rib";
}

impl Rib {
    fn empty() -> Self {
        Self {
            few: [const { Value::Unassigned }; FEW],
            len: 0,
            many: Vec::new(),
            parent: None,
        }
    }

    /// These values.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = Value>, parent: Scope) -> Self {
        let mut rib = Self::empty();
        for value in values {
            rib.push(value);
        }
        rib.parent = parent;
        rib
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One of them; unassigned if there is none.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, index: usize) -> &Value {
        match self.few.get(index) {
            Some(value) => value,
            None => self.beyond(index),
        }
    }

    #[cold]
    fn beyond(&self, index: usize) -> &Value {
        let found = index
            .checked_sub(FEW)
            .and_then(|index| self.many.get(index));
        found.unwrap_or(&Value::Unassigned)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Value> {
        (0..self.len).map(|index| self.get(index))
    }

    /// Adds one.
    #[inline(always)]
    pub(crate) fn push(&mut self, value: Value) {
        match self.few.get_mut(self.len) {
            Some(slot) => std::mem::replace(slot, value).discard(),
            None => self.many.push(value),
        }
        self.len += 1;
    }

    /// Drops the values of one that has only a few; what was bound around it.
    #[inline(always)]
    fn clear(&mut self) -> Scope {
        for slot in self.few.iter_mut().take(self.len) {
            std::mem::replace(slot, Value::Unassigned).discard();
        }
        self.len = 0;
        self.parent.take()
    }

    /// Puts one into a box, since it is assigned to.
    pub(crate) fn put_in_box(&mut self, index: usize) {
        let slot = match self.few.get_mut(index) {
            Some(slot) => Some(slot),
            None => index
                .checked_sub(FEW)
                .and_then(|index| self.many.get_mut(index)),
        };
        if let Some(slot) = slot {
            let value = std::mem::replace(slot, Value::Null);
            *slot = value.in_box();
        }
    }
}

impl fmt::Debug for Rib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Ribs that nobody holds any more, kept to be filled again: most calls need one, and most of
/// those are gone when the call returns. No snapshot has them.
#[derive(Debug, Default)]
pub struct Ribs(Vec<Constant<Rib>>);

thread_local! {
    /// Those of frames that were dropped, which cannot reach the world.
    static DROPPED: RefCell<Ribs> = const { RefCell::new(Ribs(Vec::new())) };
}

impl Ribs {
    /// An empty rib.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Constant<Rib> {
        #[cold]
        #[inline(never)]
        fn another() -> Constant<Rib> {
            let dropped = DROPPED.with_borrow_mut(|dropped| dropped.0.pop());
            dropped.unwrap_or_else(|| Constant::new(Rib::empty()))
        }
        self.0.pop().unwrap_or_else(another)
    }

    /// Gives up variables, and those around them: what nobody else holds is kept.
    #[inline(always)]
    pub(crate) fn give(&mut self, scope: Scope) {
        let mut next = scope;
        while let Some(mut rib) = next {
            let Some(content) = rib.get_mut() else {
                return;
            };
            if content.len > FEW || self.0.len() == MOST {
                return;
            }
            next = content.clear();
            self.0.push(rib);
        }
    }

    /// The same, of a frame that is dropped.
    #[cold]
    #[inline(never)]
    fn give_dropped(scope: Scope) {
        let mut next = scope;
        while let Some(mut rib) = next {
            next = match rib.get_mut() {
                Some(content) if content.len <= FEW => content.clear(),
                _ => return,
            };
            // A thread that ends may have no room for it any more.
            let _ = DROPPED.try_with(|dropped| {
                let Ribs(dropped) = &mut *dropped.borrow_mut();
                if dropped.len() < MOST {
                    dropped.push(rib);
                }
            });
        }
    }
}

/// The variables of a frame, which it gives up where it is dropped.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kept(Scope);

impl From<Scope> for Kept {
    #[inline(always)]
    fn from(scope: Scope) -> Self {
        Self(scope)
    }
}

impl Deref for Kept {
    type Target = Scope;

    #[inline(always)]
    fn deref(&self) -> &Scope {
        &self.0
    }
}

impl DerefMut for Kept {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Scope {
        &mut self.0
    }
}

impl Drop for Kept {
    #[inline]
    fn drop(&mut self) {
        if self.0.is_some() {
            Ribs::give_dropped(self.0.take());
        }
    }
}
