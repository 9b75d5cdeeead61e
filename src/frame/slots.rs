//! Which types a slot can be of.

use alloc::rc::Rc;
#[cfg(target_has_atomic = "ptr")]
use alloc::sync::Arc;

/// A type whose clones all refer to the same thing, so that a slot of it is
/// [shared](super::SlotKind::Shared).
///
/// A frame is cloned where a continuation is resumed more than once. What is assigned to a
/// variable afterwards, all copies of the frame have to see; what one of them computes, none
/// of the others. It is the type of a slot that decides this, and a descriptor that says
/// otherwise is wrong: so `derive(Describe)`, of the feature `derive`, refuses a shared slot
/// whose type is not shared, and a copied one whose type is. It does not matter whether
/// anything is assigned: an `Rc` of what never changes is shared too.
///
/// Implement it for types of your own that hold a reference:
///
/// ```
/// use segno::frame::SharedSlot;
/// use std::{cell::Cell, rc::Rc};
///
/// #[derive(Clone)]
/// struct Variable(Rc<Cell<i64>>);
///
/// impl SharedSlot for Variable {}
/// ```
#[diagnostic::on_unimplemented(
    message = "a slot of type `{Self}` is not shared: each copy of the frame has its own",
    label = "its clones are not known to refer to the same thing",
    note = "hold it in an `Rc`, leave out `shared`, or implement `SharedSlot` for its type"
)]
pub trait SharedSlot {}

impl<T: ?Sized> SharedSlot for Rc<T> {}

#[cfg(target_has_atomic = "ptr")]
impl<T: ?Sized> SharedSlot for Arc<T> {}

impl<T: SharedSlot> SharedSlot for Option<T> {}

/// What `derive(Describe)` asks of the types of slots.
///
/// That a type does not implement a trait is no bound. But what a type has by itself goes
/// before what it has by a trait: so `Of::<T>::IS` is `Shared` where `T` is known to be, and
/// else it is `Other`.
#[cfg(feature = "derive")]
#[doc(hidden)]
pub mod check {
    use core::marker::PhantomData;

    use super::SharedSlot;

    #[derive(Debug)]
    pub struct Of<T: ?Sized>(PhantomData<T>);

    #[derive(Debug)]
    pub struct Shared;

    #[derive(Debug)]
    pub struct Other;

    impl<T: SharedSlot + ?Sized> Of<T> {
        pub const IS: Shared = Shared;
    }

    pub trait Otherwise {
        const IS: Other = Other;
    }

    impl<T: ?Sized> Otherwise for Of<T> {}

    #[diagnostic::on_unimplemented(
        message = "a slot of type `{T}` is not copied: all copies of the frame refer to the same",
        label = "its clones refer to the same thing",
        note = "say `#[slot(shared)]`, or `#[slot(named)]` if it is looked up by its name"
    )]
    pub trait NotShared<T: ?Sized> {}

    impl<T: ?Sized> NotShared<T> for Other {}

    impl<T: Unchanging + ?Sized> NotShared<T> for Shared {}

    /// A shared type whose values never change, so that a slot of it may be copied, too.
    #[diagnostic::on_unimplemented(
        message = "a slot of type `{Self}` is not copied: all copies of the frame refer to the same",
        label = "its clones refer to the same thing",
        note = "say `#[slot(shared)]`, or `#[slot(named)]` if it is looked up by its name"
    )]
    pub trait Unchanging: SharedSlot {}

    impl<T: Unchanging> Unchanging for Option<T> {}

    pub fn copied<T: ?Sized, Is: NotShared<T>>(_: Is) {}

    pub fn shared<T: SharedSlot + ?Sized>() {}
}
