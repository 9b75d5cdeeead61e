//! Values that several frames refer to, and that stay the same for all of them.

use std::any::Any;
use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::thread_local;
use std::vec::Vec;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::changes::Stamp;
use super::tree::{Tree, TreeError};
use super::wire;
use super::{session, tree};
use crate::frame::SharedSlot;

/// A type of values that can be [shared](Shared).
///
/// ```
/// use segno::snapshot::{Object, Shared};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Scores(Vec<i64>);
///
/// impl Object for Scores {
///     const NAME: &'static str = "scores";
/// }
///
/// let mine = Shared::new(Scores(vec![1]));
/// let yours = mine.clone();
/// yours.update(|scores| scores.0.push(2));
/// assert_eq!(mine.with(|scores| scores.0.len()), 2);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no name in snapshots, so that it cannot be `Shared`",
    note = "wrap it in a type of your own, and `impl Object` for that, with a `NAME`"
)]
pub trait Object: Serialize + DeserializeOwned + 'static {
    /// Its name in snapshots.
    const NAME: &'static str;
    /// Raised whenever its encoding changes, or what it means.
    const VERSION: u32 = 1;
}

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

    fn address(&self) -> usize {
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
        thread_local!(static WITHIN: Cell<bool> = const { Cell::new(false) });
        struct Outermost;
        impl Drop for Outermost {
            fn drop(&mut self) {
                WITHIN.set(false);
            }
        }
        if WITHIN.replace(true) {
            return write!(f, "Shared<{}>", T::NAME);
        }
        let _outermost = Outermost;
        match self.0.value.try_borrow() {
            Ok(value) => match &*value {
                Some(value) => f.debug_tuple("Shared").field(value).finish(),
                None => f.write_str("Shared(to be loaded)"),
            },
            Err(_) => f.write_str("Shared(being changed)"),
        }
    }
}

/// A value may lead to a million others, one by the other. The outermost drop drops them all,
/// one after the other.
impl<T: Object> Drop for Shared<T> {
    fn drop(&mut self) {
        thread_local! {
            static DROPPING: Cell<bool> = const { Cell::new(false) };
            // It has no destructor, so that it is there for all that a thread drops at its end.
            static REMAINS: ManuallyDrop<RefCell<Vec<Box<dyn Any>>>> =
                const { ManuallyDrop::new(RefCell::new(Vec::new())) };
        }
        struct Outermost;
        impl Drop for Outermost {
            /// After a panic too.
            fn drop(&mut self) {
                loop {
                    let next = REMAINS.with(|remains| remains.borrow_mut().pop());
                    match next {
                        Some(next) => drop(next),
                        None => break,
                    }
                }
                drop(REMAINS.with(|remains| remains.take()));
                DROPPING.set(false);
            }
        }
        let Some(cell) = Rc::get_mut(&mut self.0) else {
            return;
        };
        let Some(value) = cell.value.get_mut().take() else {
            return;
        };
        if DROPPING.replace(true) {
            REMAINS.with(|remains| remains.borrow_mut().push(Box::new(value)));
        } else {
            let _outermost = Outermost;
            drop(value);
        }
    }
}

/// A shared value, whatever its type.
pub(super) trait AnyObject: Any {
    fn name(&self) -> &'static str;
    fn version(&self) -> u32;
    fn stamp(&self) -> &Stamp;
    /// Encodes the value.
    fn store(&self, to: &mut Vec<u8>) -> postcard::Result<()>;
    /// Decodes the value.
    fn fill(&self, from: &mut wire::Reader<'_>) -> postcard::Result<()>;
    /// Takes the value out.
    fn clear(&self);
    /// The tree of the value, if there is one.
    fn tree(&self, depth: u32) -> Option<Result<Tree, TreeError>>;
    /// Takes the value of a tree.
    fn read(&self, tree: &Tree, depth: u32) -> Result<(), TreeError>;
}

impl<T: Object> AnyObject for ObjectCell<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn version(&self) -> u32 {
        T::VERSION
    }

    fn stamp(&self) -> &Stamp {
        &self.stamp
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

    fn fill(&self, from: &mut wire::Reader<'_>) -> postcard::Result<()> {
        let value = from.value::<T>()?;
        *self.value.borrow_mut() = Some(value);
        Ok(())
    }

    fn clear(&self) {
        drop(self.value.take());
    }

    fn tree(&self, depth: u32) -> Option<Result<Tree, TreeError>> {
        let value = self.value.try_borrow().ok()?;
        value.as_ref().map(|value| Tree::within(value, depth))
    }

    fn read(&self, tree: &Tree, depth: u32) -> Result<(), TreeError> {
        let value: T = tree.read_within(depth)?;
        *self.value.borrow_mut() = Some(value);
        Ok(())
    }
}

impl<T: Object> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let address = self.address();
        let id = session::refer(|_, reference| {
            let object = || -> Option<Rc<dyn AnyObject>> { Some(self.0.clone()) };
            reference.number(address, |saving| saving.objects.number(address, object))
        });
        to.serialize_newtype_struct(tree::SHARED, &id.map_err(S::Error::custom)?)
    }
}

impl<'de, T: Object> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let id: u32 = tree::reference(tree::SHARED, from)?;
        let empty = || -> Rc<dyn AnyObject> {
            let cell = ObjectCell::<T> {
                value: RefCell::new(None),
                stamp: Stamp::default(),
            };
            cell.stamp.store();
            Rc::new(cell)
        };
        let cell = session::loading(|loading| {
            let cell: Rc<dyn Any> = loading.object(id, T::NAME, T::VERSION, empty)?;
            cell.downcast()
                .map_err(|_| loading.other_type(id, T::NAME, T::VERSION))
        });
        cell.map(Self).map_err(D::Error::custom)
    }
}
