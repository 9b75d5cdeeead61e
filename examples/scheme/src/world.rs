//! What all frames of a machine share, and no continuation captures.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use segno::frame::Inspector;
use segno::snapshot::{Constant, Shared};

use crate::condition::Fault;
use crate::environment::Environment;
use crate::fuel::{Fuel, PAIRS};
use crate::host::Host;
use crate::origin::Origin;
use crate::port::Stream;
use crate::rib::Ribs;
use crate::syntax::Expander;
use crate::value::{Parameter, Tag};
use crate::work::Work;

/// What a program may use.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// The bytes that may be in use, and who counts them.
    pub heap: Option<Heap>,
    /// The folder that files may be opened in; all files if there is no sandbox at all.
    pub files: Files,
    /// Exact integers may be so many bits long.
    pub number_bits: u64,
    /// So much fuel a call of a procedure of the interpreter's own may take. Nobody can stop it
    /// in between, so what would take more is refused before it begins.
    pub fuel_at_once: u64,
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
            // About a second.
            fuel_at_once: 1 << 19,
        }
    }
}

/// Why a machine has stopped, that is suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The program said so.
    Suspended,
    /// It has raised something that nobody handles.
    Uncaught,
    /// It has captured a continuation.
    Captured,
    /// It has called `emergency-exit`.
    Exited,
}

/// What all frames share.
pub struct World {
    /// What the program may use.
    pub sandbox: Sandbox,
    /// Room for variables.
    pub ribs: Ribs,
    /// Why code has no value. See [`fail`](Self::fail).
    pub(crate) fault: Option<Box<Fault>>,
    /// What names mean in the program: where definitions go, and what `eval` sees in
    /// `(interaction-environment)`.
    pub environment: Shared<Environment>,
    /// `current-input-port`, `current-output-port` and `current-error-port`.
    pub input: Constant<Parameter>,
    /// See `input`.
    pub output: Constant<Parameter>,
    /// See `input`.
    pub error: Constant<Parameter>,
    /// The words after the program's name.
    pub arguments: Vec<Rc<str>>,
    /// Where the programs came from that were loaded.
    pub origins: Vec<Origin>,
    /// What names mean in programs that were loaded and begin with an import, by their sources.
    pub(crate) programs: BTreeMap<Rc<str>, Shared<Environment>>,
    /// What the environment was before other programs.
    pub(crate) former: Vec<Shared<Environment>>,
    /// The prompt that operators go to where no tag is given.
    pub default_tag: Constant<Tag>,
    /// The prompt of a whole program.
    pub top: Constant<Tag>,
    /// Compiles.
    pub expander: Expander,
    /// The right to look into continuations.
    pub inspector: Inspector,
    /// Standard procedures, and sources.
    pub host: Rc<Host>,
    /// Why the machine has stopped, if it has.
    pub signal: Signal,
    /// Whether it stops at each capture of a continuation.
    pub teleports: bool,
    /// Whether any parameter was ever given another value.
    pub parameterized: bool,
    /// Whether there was ever a barrier.
    pub barriers: bool,
    /// What engines run on.
    pub fuel: Fuel,
    /// What the console gets is kept here instead, if somebody wants it.
    pub transcript: Option<String>,
    /// Where the console has got a part of a line, if it has.
    pub mid_line: Option<Stream>,
}

impl World {
    /// Takes this for what names mean in the program.
    pub(crate) fn see(&mut self, environment: Shared<Environment>) {
        if environment.same(&self.environment) {
            return;
        }
        let former = std::mem::replace(&mut self.environment, environment);
        if former.with(|former| !former.bindings.is_empty()) {
            self.former.push(former);
        }
    }

    /// Says why code has no value.
    #[cold]
    pub(crate) fn fail<T>(&mut self, fault: Box<Fault>) -> Option<T> {
        self.fault = Some(fault);
        None
    }

    /// Why code has no value, once.
    #[cold]
    pub(crate) fn failure(&mut self) -> Box<Fault> {
        let fault = self.fault.take();
        fault.unwrap_or_else(|| Fault::new("there is no value", []))
    }

    /// What a procedure of the interpreter's own may do at once.
    pub(crate) fn work(&self) -> Work {
        Work::new(self.sandbox.fuel_at_once)
    }

    /// Pays for so many products of two words, before they are computed.
    ///
    /// # Errors
    ///
    /// A fault of the program, if that is more than may be done at once.
    pub(crate) fn pay(&self, products: u64) -> Result<(), Box<Fault>> {
        let mut work = self.work();
        work.add(products)?;
        self.fuel.products(work.done());
        Ok(())
    }

    /// Pays for what was compiled, in vain or not.
    pub(crate) fn pay_for_expansion(&self) {
        /// Each step of the expander takes as long as so many pairs that are gone through.
        const EACH: usize = PAIRS / 4;
        self.fuel.pairs(self.expander.taken().saturating_mul(EACH));
    }

    /// Whether no more was done within this step than may be done at once.
    ///
    /// # Errors
    ///
    /// A fault of the program, if more was.
    pub(crate) fn is_enough(&self) -> Result<(), Box<Fault>> {
        match self.fuel.owed() > self.sandbox.fuel_at_once {
            true => Err(Work::too_much()),
            false => Ok(()),
        }
    }

    /// So many pairs may be gone through at once.
    pub(crate) fn pairs_at_once(&self) -> usize {
        let fuel = usize::try_from(self.sandbox.fuel_at_once).unwrap_or(usize::MAX);
        // One more, so that it is too much.
        fuel.saturating_add(1).saturating_mul(PAIRS)
    }

    /// Whether so many more bytes may be taken. It costs fuel to fill them.
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
            _ => {
                self.fuel.bytes(bytes);
                Ok(())
            }
        }
    }
}
