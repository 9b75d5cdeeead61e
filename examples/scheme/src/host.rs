//! What the expander finds outside: procedures by name, and sources.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
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
    /// The standard procedures.
    pub procedures: RefCell<HashMap<String, Value>>,
    /// The names of those that the program has asked for and that are written in Scheme. They
    /// belong to it from then on, and are saved with it: what it compares them with later has to
    /// be the same.
    pub asked: RefCell<BTreeSet<String>>,
    /// Where sources may be read from.
    pub sources: RefCell<Files>,
    /// The names of those that were included or imported since somebody has taken them.
    pub read: RefCell<BTreeSet<Rc<str>>>,
}

impl Host {
    /// What is [asked](Self::asked), by name.
    pub(crate) fn asked_procedures(&self) -> BTreeMap<String, Value> {
        let (asked, procedures) = (self.asked.borrow(), self.procedures.borrow());
        let found = |name: &String| Some((name.clone(), procedures.get(name)?.clone()));
        asked.iter().filter_map(found).collect()
    }

    /// Gives their names to the ports of a program.
    pub(crate) fn set_ports(&self, ports: &[Constant<Parameter>; 3]) {
        let names = [
            "current-input-port",
            "current-output-port",
            "current-error-port",
        ];
        let ports = names.into_iter().zip(ports);
        let ports = ports.map(|(name, port)| (name.to_owned(), Value::Parameter(port.clone())));
        self.procedures.borrow_mut().extend(ports);
    }

    /// Takes on what another program has asked for.
    pub(crate) fn set_asked(&self, asked: BTreeMap<String, Value>) {
        *self.asked.borrow_mut() = asked.keys().cloned().collect();
        self.procedures.borrow_mut().extend(asked);
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
        let found = self.procedures.borrow().get(name).cloned();
        if let Some(Value::Closure(_)) = found {
            self.asked.borrow_mut().insert(name.to_owned());
        }
        found
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
