//! What forms are expanded to.

mod show;

mod control;
mod core;
mod errors;
mod libraries;
mod macros;
mod saved;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use segno::snapshot::{Named, Shared};
use segno_scheme::condition::Fault;
use segno_scheme::control::Control;
use segno_scheme::environment::Environment;
use segno_scheme::host;
use segno_scheme::primitive::{Action, Primitive};
use segno_scheme::syntax::{Contents, Expander, Host, LIBRARIES, Libraries, Source};
use segno_scheme::value::Value;

use show::show;

/// A host that has all standard procedures, and some files.
struct Memory {
    files: HashMap<&'static str, &'static str>,
    primitives: RefCell<HashMap<String, Value>>,
}

impl Host for Memory {
    fn primitive(&self, name: &str) -> Option<Value> {
        let listed = LIBRARIES.iter().any(|(_, contents)| match contents {
            Contents::Names(names) => names.split_whitespace().any(|known| known == name),
            Contents::Source { .. } => false,
        });
        if !listed && !name.starts_with('%') {
            return None;
        }
        let mut primitives = self.primitives.borrow_mut();
        let value = primitives.entry(name.to_owned()).or_insert_with(|| {
            let name = name.to_owned().leak();
            let action = Action::Control(Control::Apply);
            Value::Primitive(Named::new(Primitive::new(name, 0, None, action)))
        });
        Some(value.clone())
    }

    fn file(&self, path: &Path, _: bool) -> Result<Option<Source>, Box<Fault>> {
        let name = path.to_str().unwrap_or_default();
        Ok(self.files.get(name).map(|text| read(name, text)))
    }

    fn text(&self, name: &str, text: &str) -> Result<Source, Box<Fault>> {
        Ok(read(name, text))
    }
}

/// The forms of a source.
fn read(name: &str, text: &str) -> Source {
    host::parse(name, text, false).expect("data")
}

fn expander(files: &[(&'static str, &'static str)]) -> Expander {
    let host = Memory {
        files: files.iter().copied().collect(),
        primitives: RefCell::default(),
    };
    Expander::new(Rc::new(host), Shared::new(Libraries::default()))
}

fn all_with(files: &[(&'static str, &'static str)], text: &str) -> Result<Vec<String>, Box<Fault>> {
    let environment = Shared::new(Environment::standard());
    let program = expander(files).program(read("test", text), &environment);
    program.map(|expr| expr.map(|expr| show(&expr))).collect()
}

/// The expressions that the forms of a program become.
fn all(text: &str) -> Vec<String> {
    all_with(&[], text).expect("a program")
}

/// The last of them.
fn last(text: &str) -> String {
    all(text).pop().expect("a form")
}

/// What is wrong with a program.
fn wrong(text: &str) -> Box<Fault> {
    match all_with(&[], text) {
        Ok(exprs) => panic!("this is no fault: {exprs:?}"),
        Err(fault) => fault,
    }
}

/// Asserts what the last form of each program becomes.
fn expands(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(last(text), *expected, "{text}");
    }
}

/// In a thread with as much stack as the main one has.
fn with_stack(test: fn()) {
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(test);
    thread.expect("a thread").join().expect("no panic");
}
