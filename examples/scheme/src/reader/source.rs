//! Where characters come from.

use serde::{Deserialize, Serialize};

use crate::condition::Fault;

/// A position in a text, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// Where characters come from, one after the other.
pub trait Source {
    /// The next character, which stays the next; none at the end.
    ///
    /// # Errors
    ///
    /// A fault, if there is no telling.
    fn peek(&mut self) -> Result<Option<char>, Box<Fault>>;

    /// Passes by the character that was peeked at.
    fn advance(&mut self);

    /// The position of the next character.
    fn position(&self) -> Position;
}

impl<S: Source> Source for &mut S {
    fn peek(&mut self) -> Result<Option<char>, Box<Fault>> {
        (**self).peek()
    }

    fn advance(&mut self) {
        (**self).advance();
    }

    fn position(&self) -> Position {
        (**self).position()
    }
}

/// A text, and how far it was read.
#[derive(Clone, Serialize, Deserialize)]
pub struct Cursor<T> {
    text: T,
    /// The index of the next byte.
    at: usize,
    position: Position,
    /// Whether the last character was a return, which a newline would belong to.
    after_return: bool,
}

impl<T: AsRef<str>> Cursor<T> {
    /// A text that is to be read from its beginning.
    pub fn new(text: T) -> Self {
        Self {
            text,
            at: 0,
            position: Position { line: 1, column: 1 },
            after_return: false,
        }
    }

    /// What was not read yet.
    #[must_use]
    pub fn rest(&self) -> &str {
        // A forged snapshot may have any index here.
        self.text.as_ref().get(self.at..).unwrap_or("")
    }
}

impl Cursor<String> {
    /// Adds to the end, and forgets what was read.
    pub fn refill(&mut self, more: &str) {
        let mut text = self.rest().to_owned();
        text.push_str(more);
        (self.text, self.at) = (text, 0);
    }
}

impl<T: AsRef<str>> Source for Cursor<T> {
    fn peek(&mut self) -> Result<Option<char>, Box<Fault>> {
        Ok(self.rest().chars().next())
    }

    fn advance(&mut self) {
        let Some(c) = self.rest().chars().next() else {
            return;
        };
        self.at += c.len_utf8();
        let position = &mut self.position;
        match c {
            '\n' if self.after_return => {}
            '\n' | '\r' => {
                position.line = position.line.saturating_add(1);
                position.column = 1;
            }
            _ => position.column = position.column.saturating_add(1),
        }
        self.after_return = c == '\r';
    }

    fn position(&self) -> Position {
        self.position
    }
}
