//! A text that grows up to a limit.

use crate::condition::Fault;

/// A text, and how much more memory may be taken for it and for what the writer has to remember.
pub(super) struct Output<'a> {
    text: &'a mut String,
    left: usize,
}

impl<'a> Output<'a> {
    pub(super) fn new(text: &'a mut String, limit: usize) -> Self {
        Self { text, left: limit }
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
