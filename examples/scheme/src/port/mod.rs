//! Ports.
//!
//! A port is data, so that it is saved and loaded with the program. What an input port has still
//! to give is in the port: a file is read whole when it is opened. Of an output port to a file
//! only its path is saved, and it goes on at the end of that file.

mod console;
mod file;
mod sandbox;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use segno::snapshot::Object;
use serde::{Deserialize, Serialize};

use crate::condition::Fault;
use crate::reader::{Cursor, Position, Source};
use crate::world::World;
pub use console::Stream;
pub use file::FileOutput;
pub use file::read_text;
pub use sandbox::NOT_ALLOWED;
pub(crate) use sandbox::{delete, exists};

/// A port.
#[derive(Serialize, Deserialize)]
pub struct Port {
    /// What is behind it.
    pub kind: Kind,
    /// Whether it was not closed yet.
    pub open: bool,
}

/// What is behind a port.
#[derive(Serialize, Deserialize)]
pub enum Kind {
    /// Characters come from it.
    TextInput(TextInput),
    /// Bytes come from it.
    BinaryInput(BinaryInput),
    /// Characters go to the console.
    Console(Stream),
    /// Characters are kept.
    TextOutput(String),
    /// Bytes are kept.
    BinaryOutput(Vec<u8>),
    /// Characters go to a file.
    TextFile(FileOutput),
    /// Bytes go to a file.
    BinaryFile(FileOutput),
}

impl Object for Port {
    const NAME: &'static str = "port";
}

impl Port {
    /// An open port.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self { kind, open: true }
    }

    /// What comes from the console, line by line.
    #[must_use]
    pub fn console_input() -> Self {
        Self::new(Kind::TextInput(TextInput {
            cursor: Cursor::new(String::new()),
            console: true,
            name: "console".into(),
            fold_case: false,
        }))
    }

    /// What goes to the console.
    #[must_use]
    pub fn console(stream: Stream) -> Self {
        Self::new(Kind::Console(stream))
    }

    /// The characters of a text, which has this name in messages.
    #[must_use]
    pub fn text_input(text: String, name: &str) -> Self {
        Self::new(Kind::TextInput(TextInput {
            cursor: Cursor::new(text),
            console: false,
            name: name.into(),
            fold_case: false,
        }))
    }

    /// Bytes.
    #[must_use]
    pub fn binary_input(bytes: Vec<u8>) -> Self {
        Self::new(Kind::BinaryInput(BinaryInput { bytes, at: 0 }))
    }

    /// The text of a file.
    ///
    /// # Errors
    ///
    /// A fault of kind `File`, if the file cannot be read, is no text, or may not be opened.
    pub fn text_file_input(path: &str, world: &World) -> Result<Self, Box<Fault>> {
        let text = String::from_utf8(file::read(path, world)?);
        let text = text.map_err(|_| file::fault("is no text in UTF-8", path))?;
        Ok(Self::text_input(text, path))
    }

    /// The bytes of a file.
    ///
    /// # Errors
    ///
    /// A fault of kind `File`, if the file cannot be read or may not be opened.
    pub fn binary_file_input(path: &str, world: &World) -> Result<Self, Box<Fault>> {
        Ok(Self::binary_input(file::read(path, world)?))
    }

    /// Whether something comes from it.
    #[must_use]
    pub fn is_input(&self) -> bool {
        matches!(self.kind, Kind::TextInput(_) | Kind::BinaryInput(_))
    }

    /// Whether it is one of bytes.
    #[must_use]
    pub fn is_binary(&self) -> bool {
        matches!(
            self.kind,
            Kind::BinaryInput(_) | Kind::BinaryOutput(_) | Kind::BinaryFile(_)
        )
    }

    /// Closes it, if it is open.
    ///
    /// # Errors
    ///
    /// A fault of kind `File`, if what was written cannot be stored.
    pub fn close(&mut self) -> Result<(), Box<Fault>> {
        let flushed = self.flush();
        self.open = false;
        match &mut self.kind {
            Kind::TextFile(file) | Kind::BinaryFile(file) => file.close(),
            // What nobody will read takes no memory.
            Kind::TextInput(input) => input.cursor = Cursor::new(String::new()),
            Kind::BinaryInput(input) => input.bytes = Vec::new(),
            _ => {}
        }
        flushed
    }

    /// Stores what was written so far.
    ///
    /// # Errors
    ///
    /// A fault of kind `File`, if it cannot be stored.
    pub fn flush(&mut self) -> Result<(), Box<Fault>> {
        match &self.kind {
            Kind::TextFile(file) | Kind::BinaryFile(file) => file.flush(),
            Kind::Console(stream) => stream.flush(),
            _ => Ok(()),
        }
    }

    /// Writes characters, if it takes them.
    pub(crate) fn write_text(&mut self, text: &str, world: &mut World) -> Option<Written> {
        Some(match &mut self.kind {
            Kind::Console(stream) => stream.write(text, world),
            Kind::TextOutput(kept) => append(text, kept, world),
            Kind::TextFile(file) => file.write(text.as_bytes(), world),
            _ => return None,
        })
    }

    /// Writes bytes, if it takes them.
    pub(crate) fn write_bytes(&mut self, bytes: &[u8], world: &mut World) -> Option<Written> {
        Some(match &mut self.kind {
            Kind::BinaryOutput(kept) => reserve(kept.len(), kept.capacity(), bytes.len(), world)
                .map(|()| kept.extend_from_slice(bytes)),
            Kind::BinaryFile(file) => file.write(bytes, world),
            _ => return None,
        })
    }
}

type Written = Result<(), Box<Fault>>;

/// Appends to a text that is kept in memory.
fn append(text: &str, kept: &mut String, world: &World) -> Written {
    reserve(kept.len(), kept.capacity(), text.len(), world)?;
    kept.push_str(text);
    Ok(())
}

/// Whether there may be so much more in what grows by doubling.
pub(crate) fn reserve(length: usize, capacity: usize, more: usize, world: &World) -> Written {
    if more <= capacity - length {
        return Ok(());
    }
    world.reserve(more.max(capacity).saturating_mul(2))
}

/// Where characters come from.
#[derive(Serialize, Deserialize)]
pub struct TextInput {
    cursor: Cursor<String>,
    /// Whether there is more from the console, where the text ends.
    console: bool,
    name: Rc<str>,
    /// Whether `read` takes upper case for lower case.
    pub(crate) fold_case: bool,
}

impl TextInput {
    /// Its name in messages.
    #[must_use]
    pub fn name(&self) -> Rc<str> {
        self.name.clone()
    }

    /// Whether a character is there, or the end, so that nobody has to wait.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.console || !self.cursor.rest().is_empty()
    }
}

impl Source for TextInput {
    fn peek(&mut self) -> Result<Option<char>, Box<Fault>> {
        match self.cursor.peek()? {
            None if self.console => {
                let line = console::line()?;
                self.cursor.refill(&line);
                self.cursor.peek()
            }
            next => Ok(next),
        }
    }

    fn advance(&mut self) {
        self.cursor.advance();
    }

    fn position(&self) -> Position {
        self.cursor.position()
    }
}

/// Where bytes come from.
#[derive(Serialize, Deserialize)]
pub struct BinaryInput {
    bytes: Vec<u8>,
    /// The index of the next.
    at: usize,
}

impl BinaryInput {
    /// What was not read yet.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        // A forged snapshot may have any index here.
        self.bytes.get(self.at..).unwrap_or(&[])
    }

    /// Passes by so many bytes of the rest.
    pub fn advance(&mut self, count: usize) {
        self.at += count;
    }
}
