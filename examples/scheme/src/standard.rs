//! The standard procedures. All interpreters of a thread share them: nothing in them changes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use segno::snapshot::{Named, Registry, Shared};

use crate::condition::Fault;
use crate::control::{DEFAULT, KEYS, TOP};
use crate::environment::{Binding, Environment, forget};
use crate::interpreter::{Interpreter, Outcome};
use crate::primitive::Primitive;
use crate::primitives;
use crate::symbol::Symbol;
use crate::value::Value;
use crate::world::Sandbox;
use crate::{host, program, syntax};

/// The standard procedures.
pub(crate) struct Standard {
    /// By name.
    pub(crate) procedures: HashMap<String, Value>,
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
        let mut standard = Rc::new(Self::primitives());
        let defined = defined(
            &standard,
            syntax::BASE_SOURCE,
            include_str!("library/base.scm"),
        )?;
        // The interpreter that has defined them is gone.
        if let Some(standard) = Rc::get_mut(&mut standard) {
            standard.procedures.extend(defined);
        }
        Ok(standard)
    }

    /// Those that are written in Rust.
    fn primitives() -> Self {
        let mut registry = Registry::new("segno-scheme", 1).tag(DEFAULT).tag(TOP);
        for key in KEYS {
            registry = registry.key(key);
        }
        let mut procedures = HashMap::new();
        for primitive in primitives::all().map(Named::<Primitive>::new) {
            registry = registry.value(primitive.name, primitive.clone());
            procedures.insert(primitive.name.to_owned(), Value::Primitive(primitive));
        }
        Self {
            procedures,
            registry: Rc::new(registry),
        }
    }
}

impl Drop for Standard {
    fn drop(&mut self) {
        forget(self.procedures.values());
    }
}

/// What a source in Scheme defines.
fn defined(
    standard: &Rc<Standard>,
    name: &str,
    text: &str,
) -> Result<Vec<(String, Value)>, Box<Fault>> {
    let mut interpreter = Interpreter::of(standard.clone(), Sandbox::default());
    let source = host::parse(name, text, false)?;
    let environment = Shared::new(Environment::standard());
    // No program sees those that are for the expander and for what is defined here.
    let known = standard.procedures.iter().map(|(name, value)| {
        let binding = Binding::Constant(value.clone());
        (Symbol::new(name), binding)
    });
    environment.update(|environment| environment.bindings.extend(known));
    let program = program::program(source, &environment, &interpreter.world)?;
    interpreter.start(program)?;
    match interpreter.run(u64::MAX) {
        Outcome::Done(_) => {}
        other => return Err(Fault::new(format!("{name}: {other:?}"), [])),
    }
    let bindings = environment.with(|environment| environment.bindings.clone());
    let values = bindings.into_iter().filter_map(|(name, binding)| {
        let Binding::Variable(global) = binding else {
            return None;
        };
        let value = global.with(|global| global.value.clone());
        Some((name.as_str().to_owned(), value))
    });
    Ok(values.collect())
}
