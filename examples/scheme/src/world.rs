//! What all frames of a machine share, and no continuation captures.

use std::path::PathBuf;
use std::rc::Rc;

use segno::snapshot::{Constant, Shared};

use crate::condition::Fault;
use crate::environment::Environment;
use crate::value::Parameter;

/// What a program may use.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// The bytes that may be in use, and who counts them.
    pub heap: Option<Heap>,
    /// The folder that files may be opened in; all files if there is no sandbox at all.
    pub files: Files,
    /// Exact integers may be so many bits long.
    pub number_bits: u64,
}

/// A limit of memory.
#[derive(Clone, Copy, Debug)]
pub struct Heap {
    /// How many bytes may be in use.
    pub limit: usize,
    /// How many are.
    pub used: fn() -> usize,
}

/// Which files may be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    /// All.
    All,
    /// None.
    None,
    /// Those in this folder.
    Within(PathBuf),
}

impl Default for Sandbox {
    fn default() -> Self {
        Self {
            heap: None,
            files: Files::None,
            number_bits: 1 << 26,
        }
    }
}

/// What all frames share.
pub struct World {
    /// What the program may use.
    pub sandbox: Sandbox,
    /// Where definitions go, and what `eval` sees in `(interaction-environment)`.
    pub environment: Shared<Environment>,
    /// `current-input-port`, `current-output-port` and `current-error-port`.
    pub input: Constant<Parameter>,
    /// See `input`.
    pub output: Constant<Parameter>,
    /// See `input`.
    pub error: Constant<Parameter>,
    /// The words after the program's name.
    pub arguments: Vec<Rc<str>>,
    /// What the console gets is kept here instead, if somebody wants it.
    pub transcript: Option<String>,
}

impl World {
    /// Whether so many more bytes may be taken.
    ///
    /// # Errors
    ///
    /// A fault of the program, if that would be more than it may use.
    pub fn reserve(&self, bytes: usize) -> Result<(), Box<Fault>> {
        match self.sandbox.heap {
            Some(heap) if (heap.used)().saturating_add(bytes) > heap.limit => {
                Err(Fault::limit(format!(
                    "more memory was wanted than the {} bytes allowed",
                    heap.limit
                )))
            }
            _ => Ok(()),
        }
    }
}
