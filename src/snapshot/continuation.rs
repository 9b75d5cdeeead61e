//! Continuations within values.

use std::boxed::Box;
use std::cell::RefCell;
use std::vec::Vec;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::LoadError;
use super::leads::Node;
use super::persist::Persist;
use super::source::Restored;
use super::{session, tree};
use crate::frame::Continuation;

/// Within a snapshot, where what it refers to is stored once.
impl<F: Persist> Serialize for Continuation<F> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let address = self.address();
        let number = session::refer(|_, reference| {
            reference.number(address, |saving| {
                let number = saving.continuations.get(&address).copied();
                number.unwrap_or_else(|| {
                    saving.pending.push(Box::new(self.clone()));
                    0
                })
            })
        });
        to.serialize_newtype_struct(tree::CONTINUATION, &number.map_err(S::Error::custom)?)
    }
}

impl<'de, F: Persist> Deserialize<'de> for Continuation<F> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number: u32 = tree::reference(tree::CONTINUATION, from)?;
        let k = session::loading(|loading| {
            let parts = loading.parts.downcast_ref::<RefCell<Vec<Restored<F>>>>();
            let parts = parts.ok_or(LoadError::Invalid("a continuation is of other frames"))?;
            let parts = parts.borrow();
            let k = match parts.get(number as usize) {
                Some(Restored::Part(part, _)) => part.as_continuation(),
                Some(Restored::Refused { why, .. }) => return Err((**why).clone()),
                None => None,
            };
            let k = k.ok_or(LoadError::Invalid("there is no such continuation"))?;
            loading.numbers.insert(k.address(), number);
            loading.leads.note(Node::Part(number));
            Ok(k.clone())
        });
        k.map_err(D::Error::custom)
    }
}
