//! What the expander finds outside: procedures by name, and sources.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::rc::Rc;

use segno::snapshot::Constant;

use crate::condition::Fault;
use crate::places::Places;
use crate::port;
use crate::reader::{Cursor, Options, Reader};
use crate::syntax::{self, Source};
use crate::value::{Parameter, Value};
use crate::world::Files;

/// Procedures by name, and sources.
pub struct Host {
    /// The standard procedures, which all interpreters of a thread share.
    pub procedures: Rc<HashMap<String, Value>>,
    /// The ports of the program, which are procedures too.
    pub ports: RefCell<HashMap<&'static str, Value>>,
    /// Where sources may be read from.
    pub sources: RefCell<Files>,
    /// The names of those that were included or imported since somebody has taken them.
    pub read: RefCell<BTreeSet<Rc<str>>>,
}

impl Host {
    /// A host with these standard procedures, which finds no sources.
    #[must_use]
    pub fn new(procedures: Rc<HashMap<String, Value>>) -> Self {
        Self {
            procedures,
            ports: RefCell::default(),
            sources: RefCell::new(Files::None),
            read: RefCell::default(),
        }
    }

    /// Gives their names to the ports of a program.
    pub(crate) fn set_ports(&self, ports: &[Constant<Parameter>; 3]) {
        let names = [
            "current-input-port",
            "current-output-port",
            "current-error-port",
        ];
        let ports = names.into_iter().zip(ports);
        let ports = ports.map(|(name, port)| (name, Value::Parameter(port.clone())));
        self.ports.borrow_mut().extend(ports);
    }
}

/// What is in a file, as a source.
///
/// # Errors
///
/// If it cannot be read, is not among the files, or is no Scheme.
pub fn read(path: &str, files: &Files, fold: bool) -> Result<Source, Box<Fault>> {
    parse(path, &port::read_text(path, files)?, fold)
}

/// The data of a source.
///
/// # Errors
///
/// If it is no Scheme.
pub fn parse(name: &str, text: &str, fold: bool) -> Result<Source, Box<Fault>> {
    let mut places = Places::new(name);
    let options = Options {
        literal: true,
        fold_case: fold,
        ..Options::default()
    };
    let mut reader = Reader::new(Cursor::new(text), name, options);
    let mut forms = Vec::new();
    while let Some(form) = reader.read(Some(&mut places))? {
        forms.push(form);
    }
    Ok(Source { forms, places })
}

impl syntax::Host for Host {
    fn primitive(&self, name: &str) -> Option<Value> {
        let found = self.procedures.get(name).cloned();
        found.or_else(|| self.ports.borrow().get(name).cloned())
    }

    fn file(&self, path: &Path, fold: bool) -> Result<Option<Source>, Box<Fault>> {
        if !path.exists() {
            return Ok(None);
        }
        let name = path.to_string_lossy();
        let source = read(&name, &self.sources.borrow(), fold)?;
        self.read.borrow_mut().insert((&*name).into());
        Ok(Some(source))
    }

    fn text(&self, name: &str, text: &str) -> Result<Source, Box<Fault>> {
        parse(name, text, false)
    }
}
