//! Numbers, strings and values as bytes.

use std::ops::Range;
use std::vec::Vec;

use postcard::ser_flavors::Flavor;
use serde::de::Deserialize;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::error::LoadError;
use super::limited::{Budget, Limited};
use super::persist::{Persist, Slots};

/// Bytes that are appended to.
struct Appended<'a>(&'a mut Vec<u8>);

impl Flavor for Appended<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Encodes a value.
#[inline]
pub(super) fn value<T: Serialize + ?Sized>(value: &T, to: &mut Vec<u8>) -> postcard::Result<()> {
    value.serialize(&mut postcard::Serializer {
        output: Appended(to),
    })
}

/// Encodes the slots of a frame.
#[inline]
pub(super) fn slots<F: Persist>(frame: &F, to: &mut Vec<u8>) -> postcard::Result<()> {
    let mut serializer = postcard::Serializer {
        output: Appended(to),
    };
    let mut slots = serializer.serialize_struct("", 0)?;
    frame.store(&mut slots)?;
    slots.end()
}

/// Encodes a number: seven bits a byte, the least significant first; all bytes but the last
/// have the eighth bit set.
#[inline]
pub(super) fn number(mut number: u64, to: &mut Vec<u8>) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

/// Encodes a string: its length, then its bytes.
pub(super) fn string(string: &str, to: &mut Vec<u8>) {
    number(string.len() as u64, to);
    to.extend_from_slice(string.as_bytes());
}

/// Reads bytes from the front.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    /// What its values may use.
    budget: &'a Budget,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], budget: &'a Budget) -> Self {
        Self { bytes, budget }
    }

    /// Other bytes, by the same budget.
    pub(super) fn of<'b>(&self, bytes: &'b [u8]) -> Reader<'b>
    where
        'a: 'b,
    {
        Reader::new(bytes, self.budget)
    }

    /// That nothing is left.
    pub(super) fn end(&self) -> postcard::Result<()> {
        match self.is_empty() {
            true => Ok(()),
            false => Err(postcard::Error::DeserializeBadEncoding),
        }
    }

    /// Nothing.
    pub(super) fn empty(&self) -> Self {
        Self::new(&[], self.budget)
    }

    /// Where in `content` the bytes are that are left, which are some of its.
    pub(super) fn range(&self, content: &[u8]) -> Range<usize> {
        let start = self.bytes.as_ptr().addr() - content.as_ptr().addr();
        start..start + self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    #[inline(always)]
    pub(super) fn number(&mut self) -> Result<u64, LoadError> {
        match self.bytes {
            // Most take one byte.
            [byte @ ..0x80, rest @ ..] => {
                self.bytes = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_number(),
        }
    }

    #[inline(never)]
    fn long_number(&mut self) -> Result<u64, LoadError> {
        let mut number = 0u64;
        for (index, &byte) in self.bytes.iter().enumerate().take(10) {
            let bits = u64::from(byte & 0x7f);
            if index == 9 && bits > 1 {
                break;
            }
            number |= bits << (7 * index);
            if byte < 0x80 {
                self.bytes = &self.bytes[index + 1..];
                return Ok(number);
            }
        }
        Err(LoadError::Damaged)
    }

    /// A number that counts or finds something here.
    #[inline]
    pub(super) fn index(&mut self) -> Result<usize, LoadError> {
        usize::try_from(self.number()?).map_err(|_| LoadError::Damaged)
    }

    /// A number that names something.
    pub(super) fn name(&mut self) -> Result<u32, LoadError> {
        self.number()?.try_into().map_err(|_| LoadError::Damaged)
    }

    /// A checksum.
    pub(super) fn checksum(&mut self) -> Result<u32, LoadError> {
        let (sum, left) = self.bytes.split_first_chunk().ok_or(LoadError::Damaged)?;
        self.bytes = left;
        Ok(u32::from_le_bytes(*sum))
    }

    /// How many things follow, each of which takes at least so many bytes.
    pub(super) fn count(&mut self, least: usize) -> Result<usize, LoadError> {
        let count = self.index()?;
        if count > self.bytes.len() / least {
            return Err(LoadError::Damaged);
        }
        Ok(count)
    }

    #[inline]
    pub(super) fn take(&mut self, len: usize) -> Result<Reader<'a>, LoadError> {
        let (taken, left) = self.bytes.split_at_checked(len).ok_or(LoadError::Damaged)?;
        self.bytes = left;
        Ok(Reader::new(taken, self.budget))
    }

    pub(super) fn string(&mut self) -> Result<&'a str, LoadError> {
        let len = self.index()?;
        let string = self.take(len)?;
        std::str::from_utf8(string.bytes).map_err(|_| LoadError::Damaged)
    }

    #[inline]
    pub(super) fn value<T: Deserialize<'a>>(&mut self) -> postcard::Result<T> {
        let mut bytes = postcard::Deserializer::from_bytes(self.bytes);
        let value = T::deserialize(Limited::new(&mut bytes, self.budget))?;
        self.bytes = bytes.finalize()?;
        Ok(value)
    }
}

/// The slots of a frame, one after the other.
pub(super) struct StoredSlots<'a> {
    pub(super) bytes: Reader<'a>,
    pub(super) version: u32,
}

impl<'a> Slots<'a> for StoredSlots<'a> {
    type Error = postcard::Error;

    fn version(&self) -> u32 {
        self.version
    }

    #[inline]
    fn slot<T: Deserialize<'a>>(&mut self, _: &'static str) -> Result<T, postcard::Error> {
        self.bytes.value()
    }

    fn no_such_kind(&self) -> postcard::Error {
        postcard::Error::DeserializeBadEnum
    }
}
