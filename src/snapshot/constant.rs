//! Values that several frames refer to, and that never change.

use std::boxed::Box;
use std::cell::OnceCell;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;
use std::vec::Vec;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::object::{self, AnyObject, Filled, Object};
use super::tree::{Tree, TreeError};
use super::wire;
use crate::frame::SharedSlot;

/// A value that all clones refer to and that never changes: the code of a function, a closure,
/// an environment. To look at it costs next to nothing.
///
/// It is stored as a [`Shared`](super::Shared) value is: once, and loaded once, so that what was
/// the same before is the same after. An [increment](super::Save::since) names what its base has
/// stored. What was stored as a shared value may be loaded as a constant, unless an increment has
/// changed it; but no object is both at once. A slot of it may be `#[slot(shared)]` or not, which
/// comes to the same.
///
/// It may lead back to itself through a shared value. Where it does so through a cell in it that
/// is none, the snapshot is refused when it is loaded: make that cell a shared value.
///
/// ```
/// use segno::snapshot::{Constant, Object};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Code(Vec<u8>);
///
/// impl Object for Code {
///     const NAME: &'static str = "code";
/// }
///
/// let mine = Constant::new(Code(vec![1, 2]));
/// let mut yours = mine.clone();
/// assert_eq!(yours.0.len(), 2);
/// assert!(yours.same(&mine));
///
/// // Who changes it gets another one, unless nobody else has it.
/// yours.make_mut().0.push(3);
/// assert_eq!((mine.0.len(), yours.0.len()), (2, 3));
/// assert!(!yours.same(&mine));
/// ```
pub struct Constant<T: Object>(Rc<ConstantCell<T>>);

struct ConstantCell<T> {
    /// Empty until all of its snapshot is decoded.
    value: OnceCell<T>,
}

#[cold]
fn not_loaded() -> ! {
    panic!("a constant was looked at before it was loaded")
}

impl<T: Object> Constant<T> {
    /// A value that nobody else refers to yet.
    pub fn new(value: T) -> Self {
        let value = OnceCell::from(value);
        Self(Rc::new(ConstantCell { value }))
    }

    /// Whether both are the same.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// The value, to be changed, if nobody else refers to it: no other clone, no
    /// [`Base`](super::Base) that has stored it, and nothing that is saving or has loaded it.
    #[must_use]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        Rc::get_mut(&mut self.0)?.value.get_mut()
    }

    /// The value, to be changed. If somebody else refers to it, as [`get_mut`](Self::get_mut)
    /// says, this becomes another constant, with a copy of the value.
    ///
    /// # Panics
    ///
    /// In a `Deserialize` that looks at what is not loaded yet.
    #[must_use]
    pub fn make_mut(&mut self) -> &mut T
    where
        T: Clone,
    {
        // What is stored is held by who has stored it, so that its identity is not taken.
        if Rc::get_mut(&mut self.0).is_none() {
            *self = Self::new(T::clone(self));
        }
        self.get_mut().unwrap_or_else(|| not_loaded())
    }
}

/// # Panics
///
/// In a `Deserialize` and in an upgrade that look at what is not loaded yet.
impl<T: Object> Deref for Constant<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self.0.value.get() {
            Some(value) => value,
            None => not_loaded(),
        }
    }
}

impl<T: Object> Clone for Constant<T> {
    #[inline]
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Object> SharedSlot for Constant<T> {}

#[cfg(feature = "derive")]
impl<T: Object> crate::frame::__check::Unchanging for Constant<T> {}

/// Shows the value; but within it, of what is shared or constant, only that it is, as
/// [`Shared`](super::Shared) does.
impl<T: Object + fmt::Debug> fmt::Debug for Constant<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        object::fmt::<T>(f, "Constant", |f| match self.0.value.get() {
            Some(value) => f.debug_tuple("Constant").field(value).finish(),
            None => f.write_str("Constant(to be loaded)"),
        })
    }
}

impl<T: Object> Drop for Constant<T> {
    #[inline(always)]
    fn drop(&mut self) {
        object::release(&mut self.0, |cell| drop(cell.value.take()));
    }
}

impl<T: Object> ConstantCell<T> {
    fn later(self: Rc<Self>, value: T) -> Filled {
        Some(Box::new(move || {
            // It is filled once.
            let _ = self.value.set(value);
        }))
    }
}

impl<T: Object> AnyObject for ConstantCell<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn version(&self) -> u32 {
        T::VERSION
    }

    fn is_constant(&self) -> bool {
        true
    }

    fn stored(&self) {}

    fn store(&self, to: &mut Vec<u8>) -> postcard::Result<()> {
        match self.value.get() {
            Some(value) => wire::value(value, to),
            None => Err(postcard::Error::SerdeSerCustom),
        }
    }

    fn fill(self: Rc<Self>, from: &mut wire::Reader<'_>) -> postcard::Result<Filled> {
        let value = from.value()?;
        Ok(self.later(value))
    }

    /// Where constants lead back to themselves, that is through what can be cleared.
    fn clear(&self) {}

    fn tree(&self, depth: u32) -> Option<Result<Tree, TreeError>> {
        let value = self.value.get();
        value.map(|value| Tree::within(value, depth))
    }

    fn read(self: Rc<Self>, tree: &Tree, depth: u32) -> Result<Filled, TreeError> {
        let value = tree.read_within(depth)?;
        Ok(self.later(value))
    }
}

impl<T: Object> Serialize for Constant<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object::serialize(&self.0, to)
    }
}

impl<'de, T: Object> Deserialize<'de> for Constant<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let empty = || {
            let value = OnceCell::new();
            Rc::new(ConstantCell::<T> { value })
        };
        object::deserialize::<T, _, D>(from, true, empty).map(Self)
    }
}
