//! Files.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};

use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};

use super::Written;
use super::sandbox::resolve;
use crate::condition::Fault;
use crate::value::{ConditionKind, Value};
use crate::world::{Files, World};

/// What is written to a file. It is kept for a while, until there is more of it.
#[derive(Deserialize)]
pub struct FileOutput {
    path: String,
    /// None if it was just loaded, or closed.
    #[serde(skip)]
    file: RefCell<Option<BufWriter<File>>>,
}

/// What is saved is in the file: else who goes on and who is loaded would both write it.
impl Serialize for FileOutput {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.flush()
            .map_err(|fault| S::Error::custom(fault.message))?;
        #[derive(Serialize)]
        #[serde(rename = "FileOutput")]
        struct Saved<'a> {
            path: &'a str,
        }
        Saved { path: &self.path }.serialize(to)
    }
}

impl FileOutput {
    /// A new file, in place of what was there.
    ///
    /// # Errors
    ///
    /// A fault of kind `File`, if it cannot be made, or may not be used.
    pub fn create(path: &str, world: &World) -> Result<Self, Box<Fault>> {
        let found = resolve(path, &world.sandbox.files)?;
        let file = File::create(&found).map_err(|error| failed(&error, path))?;
        Ok(Self {
            // Who loads it may be somewhere else.
            path: found.to_str().unwrap_or(path).to_owned(),
            file: RefCell::new(Some(BufWriter::new(file))),
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8], world: &World) -> Written {
        let file = self.file.get_mut();
        if file.is_none() {
            let found = resolve(&self.path, &world.sandbox.files)?;
            let opened = OpenOptions::new().append(true).create(true).open(found);
            let opened = opened.map_err(|error| failed(&error, &self.path))?;
            *file = Some(BufWriter::new(opened));
        }
        match file {
            Some(file) => file
                .write_all(bytes)
                .map_err(|error| failed(&error, &self.path)),
            None => Ok(()),
        }
    }

    pub(super) fn flush(&self) -> Written {
        match &mut *self.file.borrow_mut() {
            Some(file) => file.flush().map_err(|error| failed(&error, &self.path)),
            None => Ok(()),
        }
    }

    pub(super) fn close(&mut self) {
        self.file = RefCell::new(None);
    }
}

/// The bytes of a file.
pub(super) fn read(path: &str, world: &World) -> Result<Vec<u8>, Box<Fault>> {
    const PART: u64 = 1 << 20;
    let found = resolve(path, &world.sandbox.files)?;
    let file = File::open(found).map_err(|error| failed(&error, path))?;
    let mut bytes = Vec::new();
    loop {
        super::reserve(bytes.len(), bytes.capacity(), PART as usize, world)?;
        let part = (&file).take(PART).read_to_end(&mut bytes);
        if part.map_err(|error| failed(&error, path))? == 0 {
            return Ok(bytes);
        }
    }
}

/// What the system has said of a file.
pub(super) fn failed(error: &io::Error, path: &str) -> Box<Fault> {
    fault(&format!("cannot be used: {error}"), path)
}

/// What is wrong with a file.
pub(super) fn fault(what: &str, path: &str) -> Box<Fault> {
    let message = format!("a file {what}");
    Fault::of(ConditionKind::File, message, [Value::string(path)])
}

/// The text of a source, which is among these files.
///
/// # Errors
///
/// A fault of kind `File`, if it cannot be read, is no text, or is not among them.
pub fn read_text(path: &str, files: &Files) -> Result<String, Box<Fault>> {
    let found = resolve(path, files)?;
    std::fs::read_to_string(found).map_err(|error| failed(&error, path))
}
