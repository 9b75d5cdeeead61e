//! To be replaced.
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Object;
use crate::frame::SharedSlot;

/// An immutable shared value.
pub struct Constant<T: Object>(Rc<T>);

impl<T: Object> Constant<T> {
    /// New.
    pub fn new(value: T) -> Self {
        Self(Rc::new(value))
    }
    /// Same.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
    /// Unique.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        Rc::get_mut(&mut self.0)
    }
    /// Copy on write.
    pub fn make_mut(&mut self) -> &mut T
    where
        T: Clone,
    {
        Rc::make_mut(&mut self.0)
    }
}
impl<T: Object> Deref for Constant<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}
impl<T: Object> Clone for Constant<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
impl<T: Object> SharedSlot for Constant<T> {}
impl<T: Object> fmt::Debug for Constant<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Constant")
    }
}
impl<T: Object> Serialize for Constant<T> {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("later"))
    }
}
impl<'de, T: Object> Deserialize<'de> for Constant<T> {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("later"))
    }
}
