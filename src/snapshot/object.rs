//! Values that are stored once, whoever refers to them.

use std::any::Any;
use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem::{ManuallyDrop, needs_drop};
use std::rc::Rc;
use std::thread_local;
use std::vec::Vec;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserializer, Serialize, Serializer};

use crate::frame::drop_all;

use super::tree::{Tree, TreeError};
use super::wire;
use super::{session, tree};

/// A type of values that can be [`Shared`](super::Shared) or [`Constant`](super::Constant).
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
    message = "`{Self}` has no name in snapshots, so that it cannot be `Shared` or `Constant`",
    note = "wrap it in a type of your own, and `impl Object` for that, with a `NAME`"
)]
pub trait Object: Serialize + DeserializeOwned + 'static {
    /// Its name in snapshots.
    const NAME: &'static str;
    /// Raised whenever its encoding changes, or what it means.
    const VERSION: u32 = 1;
}

/// A value that is stored once, whatever its type.
pub(super) trait AnyObject: Any {
    fn name(&self) -> &'static str;
    fn version(&self) -> u32;
    /// Whether it never changes.
    fn is_constant(&self) -> bool;
    /// That it is stored, and changes are entered from now on.
    fn stored(&self);
    /// Encodes the value.
    fn store(&self, to: &mut Vec<u8>) -> postcard::Result<()>;
    /// Decodes the value.
    fn fill(self: Rc<Self>, from: &mut wire::Reader<'_>) -> postcard::Result<Filled>;
    /// Takes the value out, if it can be changed.
    fn clear(&self);
    /// The tree of the value, if there is one.
    fn tree(&self, depth: u32) -> Option<Result<Tree, TreeError>>;
    /// Takes the value of a tree.
    fn read(self: Rc<Self>, tree: &Tree, depth: u32) -> Result<Filled, TreeError>;
}

/// What is left to do, if anything is.
pub(super) type Filled = Option<Later>;

/// Gives a constant its value, once all is decoded: nobody can take it out again.
pub(super) type Later = Box<dyn FnOnce()>;

/// Writes the number of an object.
pub(super) fn serialize<C: AnyObject, S: Serializer>(
    cell: &Rc<C>,
    to: S,
) -> Result<S::Ok, S::Error> {
    let address = Rc::as_ptr(cell).addr();
    let id = session::refer(|_, reference| {
        let object = || -> Option<Rc<dyn AnyObject>> { Some(cell.clone()) };
        reference.number(address, |saving| saving.objects.number(address, object))
    });
    to.serialize_newtype_struct(tree::SHARED, &id.map_err(S::Error::custom)?)
}

/// Reads the number of an object; of one that was not met, `empty` is where its value will be.
pub(super) fn deserialize<'de, T: Object, C: AnyObject, D: Deserializer<'de>>(
    from: D,
    is_constant: bool,
    empty: fn() -> Rc<C>,
) -> Result<Rc<C>, D::Error> {
    let id: u32 = tree::reference(tree::SHARED, from)?;
    let cell = session::loading(|loading| {
        let empty = || -> Rc<dyn AnyObject> { empty() };
        let cell: Rc<dyn Any> = loading.object(id, T::NAME, T::VERSION, is_constant, empty)?;
        cell.downcast()
            .map_err(|_| loading.other_type(id, T::NAME, T::VERSION))
    });
    cell.map_err(D::Error::custom)
}

/// Drops the value of an object that nobody else holds, by `clear`. It may lead to a million
/// others, one by the other: those that lie deep are dropped by the outermost drop, one after the
/// other.
#[inline(always)]
pub(super) fn release<C: Any>(cell: &mut Rc<C>, clear: impl FnOnce(&mut C)) {
    if needs_drop::<C>() && Rc::strong_count(cell) == 1 {
        release_last(cell, clear);
    }
}

/// How many drops there may be one inside the other.
const DEEPEST: u32 = 16;

/// The drops of a thread that are under way.
struct Drops {
    depth: Cell<u32>,
    /// What lay too deep. It has no destructor, so that it is there for all that a thread drops
    /// at its end.
    remains: ManuallyDrop<RefCell<Vec<Rc<dyn Any>>>>,
}

thread_local! {
    static DROPS: Drops = const {
        Drops {
            depth: Cell::new(0),
            remains: ManuallyDrop::new(RefCell::new(Vec::new())),
        }
    };
}

/// A drop that is under way.
struct Dropping<'a> {
    drops: &'a Drops,
    /// How many others it is inside of.
    depth: u32,
}

impl Drop for Dropping<'_> {
    /// After a panic too.
    #[inline(always)]
    fn drop(&mut self) {
        if self.depth == 0 && self.drops.remains.borrow().capacity() > 0 {
            self.drops.drain();
        }
        self.drops.depth.set(self.depth);
    }
}

impl Drops {
    /// Drops what lay too deep. Nothing is under way then.
    fn drain(&self) {
        let drop_next = || {
            let next = self.remains.borrow_mut().pop();
            next.is_some()
        };
        drop_all(drop_next, || {
            drop(self.remains.take());
            self.depth.set(0);
        });
    }
}

/// Out of line, so that what drops a value that may hold an object stays small.
#[inline(never)]
fn release_last<C: Any>(cell: &mut Rc<C>, clear: impl FnOnce(&mut C)) {
    if Rc::get_mut(cell).is_none() {
        return;
    }
    DROPS.with(|drops| {
        let depth = drops.depth.get();
        if depth == DEEPEST {
            drops.remains.borrow_mut().push(cell.clone());
        } else if let Some(unique) = Rc::get_mut(cell) {
            drops.depth.set(depth + 1);
            let _dropping = Dropping { drops, depth };
            clear(unique);
        }
    });
}

/// Shows an object; but within one only its type. So it comes to an end where a value leads back
/// to itself, and does not recurse.
pub(super) fn fmt<T: Object>(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    show: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    thread_local!(static WITHIN: Cell<bool> = const { Cell::new(false) });
    struct Outermost;
    impl Drop for Outermost {
        fn drop(&mut self) {
            WITHIN.set(false);
        }
    }
    if WITHIN.replace(true) {
        return write!(f, "{what}<{}>", T::NAME);
    }
    let _outermost = Outermost;
    show(f)
}
