//! Values that several frames refer to, and that stay the same for all of them.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::vec::Vec;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::changes::Stamp;
use super::object::{self, AnyObject, Filled, Object};
use super::tree::{Tree, TreeError};
use super::wire;
use crate::frame::SharedSlot;

/// A value that all clones refer to: a variable that is assigned to, a list that grows.
///
/// In a snapshot it is stored once, and loaded once: what two frames shared before, they share
/// after. It may lead back to itself.
pub struct Shared<T: Object>(Rc<ObjectCell<T>>);

pub(super) struct ObjectCell<T> {
    /// None while a snapshot is being loaded, and its turn has not come.
    value: RefCell<Option<T>>,
    stamp: Stamp,
}

impl<T: Object> Shared<T> {
    /// A value that nobody else refers to yet.
    pub fn new(value: T) -> Self {
        Self(Rc::new(ObjectCell {
            value: RefCell::new(Some(value)),
            stamp: Stamp::default(),
        }))
    }

    /// Looks at the value. A cell in it that is changed meanwhile is no change to an
    /// [increment](super::Save::since): say [`update`](Self::update) for that.
    ///
    /// # Panics
    ///
    /// While it is being changed, and in a `Deserialize` that looks at what is not loaded yet.
    pub fn with<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        match &*self.0.value.borrow() {
            Some(value) => look(value),
            None => panic!("a shared value was looked at before it was loaded"),
        }
    }

    /// Changes the value.
    ///
    /// # Panics
    ///
    /// While it is being looked at or changed, and in a `Deserialize`, as
    /// [`with`](Self::with).
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        match &mut *self.0.value.borrow_mut() {
            Some(value) => {
                self.0.stamp.change(self.address());
                change(value)
            }
            None => panic!("a shared value was changed before it was loaded"),
        }
    }

    /// A copy of the value.
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with).
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// Puts another value in its place.
    ///
    /// # Panics
    ///
    /// As [`update`](Self::update).
    pub fn set(&self, value: T) {
        drop(self.update(|old| std::mem::replace(old, value)));
    }

    /// Tells it from every other that is alive: who looks things up by it keeps it alive.
    #[must_use]
    pub fn address(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }

    /// Whether both are the same.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T: Object> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Object> SharedSlot for Shared<T> {}

/// Shows the value; but within it, of what is shared, only that it is. So it comes to an end
/// where a value leads back to itself, and does not recurse.
impl<T: Object + fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        object::fmt::<T>(f, "Shared", |f| match self.0.value.try_borrow() {
            Ok(value) => match &*value {
                Some(value) => f.debug_tuple("Shared").field(value).finish(),
                None => f.write_str("Shared(to be loaded)"),
            },
            Err(_) => f.write_str("Shared(being changed)"),
        })
    }
}

impl<T: Object> Drop for Shared<T> {
    #[inline(always)]
    fn drop(&mut self) {
        object::release(&mut self.0, |cell| drop(cell.value.get_mut().take()));
    }
}

impl<T: Object> AnyObject for ObjectCell<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn version(&self) -> u32 {
        T::VERSION
    }

    fn is_constant(&self) -> bool {
        false
    }

    fn stored(&self) {
        self.stamp.store();
    }

    fn store(&self, to: &mut Vec<u8>) -> postcard::Result<()> {
        match self.value.try_borrow() {
            Ok(value) => match &*value {
                Some(value) => wire::value(value, to),
                None => Err(postcard::Error::SerdeSerCustom),
            },
            Err(_) => Err(postcard::Error::SerdeSerCustom),
        }
    }

    fn fill(self: Rc<Self>, from: &mut wire::Reader<'_>) -> postcard::Result<Filled> {
        let value = from.value::<T>()?;
        *self.value.borrow_mut() = Some(value);
        Ok(None)
    }

    fn clear(&self) {
        drop(self.value.take());
    }

    fn tree(&self, depth: u32) -> Option<Result<Tree, TreeError>> {
        let value = self.value.try_borrow().ok()?;
        value.as_ref().map(|value| Tree::within(value, depth))
    }

    fn read(self: Rc<Self>, tree: &Tree, depth: u32) -> Result<Filled, TreeError> {
        let value: T = tree.read_within(depth)?;
        *self.value.borrow_mut() = Some(value);
        Ok(None)
    }
}

impl<T: Object> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object::serialize(&self.0, to)
    }
}

impl<'de, T: Object> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let empty = || {
            let cell = ObjectCell::<T> {
                value: RefCell::new(None),
                stamp: Stamp::default(),
            };
            cell.stamp.store();
            Rc::new(cell)
        };
        object::deserialize::<T, _, D>(from, false, empty).map(Self)
    }
}
