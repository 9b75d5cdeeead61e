//! A text that grows up to a limit.

use crate::condition::Fault;
use crate::number::{Number, cost};
use crate::work::Work;

/// What a byte costs. What is written is walked through twice, and is more work by the byte than
/// most.
const BYTE: u64 = 4;

/// A text, and how much more memory may be taken for it and for what the writer has to remember.
pub(super) struct Output<'a> {
    text: &'a mut String,
    left: usize,
    work: &'a mut Work,
}

impl<'a> Output<'a> {
    pub(super) fn new(text: &'a mut String, limit: usize, work: &'a mut Work) -> Self {
        Self {
            text,
            left: limit,
            work,
        }
    }

    /// Appends a number.
    pub(super) fn number(&mut self, number: &Number) -> Result<(), Box<Fault>> {
        let bits = number.size_bits();
        // Whether there is room for its digits, at more than three bits each, is known before
        // they are computed.
        let digits = usize::try_from(bits / 4).unwrap_or(usize::MAX);
        self.take(digits)?;
        self.free(digits);
        self.work.add(cost::writing(bits))?;
        self.push(&number.to_string())
    }

    /// Appends.
    pub(super) fn push(&mut self, text: &str) -> Result<(), Box<Fault>> {
        self.take(text.len())?;
        self.text.push_str(text);
        Ok(())
    }

    /// Appends a character.
    pub(super) fn push_char(&mut self, c: char) -> Result<(), Box<Fault>> {
        self.take(c.len_utf8())?;
        self.text.push(c);
        Ok(())
    }

    /// Takes memory for something else.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), Box<Fault>> {
        self.work.add(BYTE * bytes as u64)?;
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Fault::limit(
                "what is written takes more memory than is allowed",
            )),
        }
    }

    /// Gives back what was taken.
    pub(super) fn free(&mut self, bytes: usize) {
        self.left += bytes;
    }
}
