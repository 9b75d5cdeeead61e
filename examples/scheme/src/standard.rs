//! The standard procedures. All interpreters of a thread share them: nothing in them changes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use segno::snapshot::{Named, Registry, Shared};

use crate::condition::Fault;
use crate::control::{DEFAULT, KEYS, TOP};
use crate::environment::{Binding, Environment};
use crate::interpreter::{Interpreter, Outcome};
use crate::library::Library;
use crate::primitive::Primitive;
use crate::primitives;
use crate::symbol::Symbol;
use crate::syntax::Names;
use crate::value::Value;
use crate::world::Sandbox;
use crate::{host, program, syntax};

/// What snapshots call the code of those that are written in Scheme.
const LIBRARY: &str = "base.scm";

type Defined = (Named<Library>, Vec<(String, Value)>);

/// The standard procedures.
pub(crate) struct Standard {
    /// By name.
    pub(crate) procedures: Rc<HashMap<String, Value>>,
    /// What the names of the standard libraries mean.
    pub(crate) names: Rc<Names>,
    /// The code of those that are written in Scheme, once they are there.
    library: Option<Named<Library>>,
    /// What snapshots know by name.
    pub(crate) registry: Rc<Registry>,
}

impl Standard {
    /// Those of this thread. They are there as long as an interpreter is that has them.
    ///
    /// # Errors
    ///
    /// If what is written in Scheme does not compile.
    pub(crate) fn shared() -> Result<Rc<Self>, Box<Fault>> {
        thread_local!(static SHARED: RefCell<Weak<Standard>> = RefCell::default());
        // A thread that is at its end has lost them.
        let known = SHARED.try_with(|shared| shared.borrow().upgrade());
        if let Ok(Some(standard)) = known {
            return Ok(standard);
        }
        let standard = Self::new()?;
        let _ = SHARED.try_with(|shared| shared.replace(Rc::downgrade(&standard)));
        Ok(standard)
    }

    fn new() -> Result<Rc<Self>, Box<Fault>> {
        let mut registry = Registry::new("segno-scheme", 1).tag(DEFAULT).tag(TOP);
        for key in KEYS {
            registry = registry.key(key);
        }
        let mut procedures = HashMap::new();
        for primitive in primitives::all().map(Named::<Primitive>::new) {
            registry = registry.value(primitive.name, primitive.clone());
            procedures.insert(primitive.name.to_owned(), Value::Primitive(primitive));
        }
        // Those that are written in Rust define the others. Nothing is saved meanwhile.
        let primitives = Self::of(procedures.clone(), None, Registry::default());
        let (library, defined) = defined(&primitives, include_str!("library/base.scm"))?;
        procedures.extend(defined);
        let registry = registry.value(LIBRARY, library.clone());
        Ok(Self::of(procedures, Some(library), registry))
    }

    fn of(
        procedures: HashMap<String, Value>,
        library: Option<Named<Library>>,
        registry: Registry,
    ) -> Rc<Self> {
        Rc::new(Self {
            names: Rc::new(Names::new(|name| procedures.get(name).cloned())),
            procedures: Rc::new(procedures),
            library,
            registry: Rc::new(registry),
        })
    }
}

impl Drop for Standard {
    fn drop(&mut self) {
        if let Some(library) = &self.library {
            library.forget();
        }
    }
}

/// The library that a source in Scheme is, and what it defines.
fn defined(standard: &Rc<Standard>, text: &str) -> Result<Defined, Box<Fault>> {
    let mut interpreter = Interpreter::of(standard.clone(), Sandbox::default());
    let source = host::parse(syntax::BASE_SOURCE, text, false)?;
    let environment = Shared::new(Environment::standard());
    // No program sees those that are for the expander and for what is defined here.
    let known = standard.procedures.iter().map(|(name, value)| {
        let binding = Binding::Constant(value.clone());
        (Symbol::new(name), binding)
    });
    environment.update(|environment| environment.bindings.extend(known));
    let program = program::program(source, &environment, &interpreter.world)?;
    let (library, program) = Library::of(&program);
    interpreter.start(program)?;
    match interpreter.run(u64::MAX) {
        Outcome::Done(_) => {}
        other => return Err(Fault::new(format!("the library: {other:?}"), [])),
    }
    let bindings = environment.with(|environment| environment.bindings.clone());
    let values = bindings.into_iter().filter_map(|(name, binding)| {
        let Binding::Variable(global) = binding else {
            return None;
        };
        let value = global.with(|global| global.value.clone());
        Some((name.as_str().to_owned(), value))
    });
    Ok((library, values.collect()))
}
