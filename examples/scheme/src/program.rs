//! Programs: their forms, compiled, in order.

use std::fmt;

use segno::snapshot::{Constant, Object, Shared};
use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::compile::compile;
use crate::condition::Fault;
use crate::environment::Environment;
use crate::expr::Expr;
use crate::host;
use crate::places::Places;
use crate::syntax::{Imported, Source};
use crate::value::{Closure, Value};
use crate::world::World;

/// The forms of a program.
#[derive(Clone, Serialize, Deserialize)]
pub struct Program {
    /// In order.
    pub forms: Vec<Constant<Code>>,
}

impl Object for Program {
    const NAME: &'static str = "program";
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} forms", self.forms.len())
    }
}

/// Compiles a program.
///
/// # Errors
///
/// What is wrong with a form.
pub fn program(
    source: Source,
    environment: &Shared<Environment>,
    world: &World,
) -> Result<Constant<Program>, Box<Fault>> {
    let mut forms = Vec::new();
    for expression in world.expander.program(source, environment) {
        forms.push(Constant::new(compile(&expression?)?));
    }
    Ok(Constant::new(Program { forms }))
}

/// A procedure without arguments that evaluates a form.
///
/// # Errors
///
/// What is wrong with the form.
pub fn eval(
    form: &Value,
    environment: &Shared<Environment>,
    world: &World,
) -> Result<Value, Box<Fault>> {
    let expression = world
        .expander
        .expand(form, &Places::new("eval"), environment)?;
    Ok(thunk(Constant::new(compile(&expression)?)))
}

/// A procedure without arguments that makes the environment of these import sets: it evaluates
/// the bodies of libraries that nobody has imported before, and answers the environment.
///
/// # Errors
///
/// What is wrong with an import set, or with a library.
pub fn environment(sets: &[Value], world: &World) -> Result<Value, Box<Fault>> {
    let Imported {
        environment,
        bodies,
    } = world.expander.environment(sets)?;
    let environment = Expr::Constant(Value::Environment(environment));
    let expression = Expr::Begin(vec![bodies, environment]);
    Ok(thunk(Constant::new(compile(&expression)?)))
}

/// A procedure without arguments that evaluates a form that was compiled.
#[must_use]
pub fn thunk(code: Constant<Code>) -> Value {
    Value::Closure(Constant::new(Closure {
        code,
        procedure: 0,
        scope: None,
    }))
}

/// The program in a file, for `load`.
///
/// # Errors
///
/// If the file cannot be read, may not be, or is no program.
pub fn load(
    name: &Value,
    environment: Option<&Value>,
    world: &World,
) -> Result<Constant<Program>, Box<Fault>> {
    let Value::String(text) = name else {
        return Err(Fault::expected("a string", name, "load"));
    };
    let environment = match environment {
        None => world.environment.clone(),
        Some(Value::Environment(environment)) => environment.clone(),
        Some(other) => return Err(Fault::expected("an environment", other, "load")),
    };
    let name: String = text.with(|text| text.characters.iter().collect());
    let source = host::read(&name, &world.sandbox.files, false)?;
    program(source, &environment, world)
}
