//! Programs: their forms, compiled, in order.

use std::fmt;
use std::rc::Rc;

use segno::snapshot::{Constant, Object, Shared};
use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::compile::compile;
use crate::condition::Fault;
use crate::environment::Environment;
use crate::expr::Expr;
use crate::host;
use crate::origin::Origin;
use crate::places::Places;
use crate::syntax::{self, Expander, Imported, Source};
use crate::value::{Closure, Value};
use crate::world::World;

/// The forms of a program.
#[derive(Clone, Serialize, Deserialize)]
pub struct Program {
    /// The name of its source.
    pub source: Rc<str>,
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
    compiled(source, environment, &world.expander)
}

/// The same by any expander.
///
/// # Errors
///
/// As [`program`].
pub fn compiled(
    source: Source,
    environment: &Shared<Environment>,
    expander: &Expander,
) -> Result<Constant<Program>, Box<Fault>> {
    all(expander.program(source, environment))
}

fn all(program: syntax::Program) -> Result<Constant<Program>, Box<Fault>> {
    let (name, mut forms) = (program.places().source().clone(), Vec::new());
    for expression in program {
        forms.push(Constant::new(compile(&expression?)?));
    }
    Ok(Constant::new(Program {
        source: name,
        forms,
    }))
}

/// Compiles a program whose source is a file, and notes that it came from there. It is loaded into
/// this environment, if not into that of the world.
///
/// # Errors
///
/// As [`program`].
pub fn program_of(
    source: Source,
    environment: Option<&Shared<Environment>>,
    world: &mut World,
) -> Result<Constant<Program>, Box<Fault>> {
    world.host.read.take();
    let into = environment.unwrap_or(&world.environment);
    let program = world.expander.program(source, into);
    if !program.environment().same(into) {
        let sees = program.environment().clone();
        let name = program.places().source().clone();
        world.programs.insert(name, sees);
    }
    let program = all(program)?;
    let origin = Origin {
        name: program.source.clone(),
        parts: world.host.read.take(),
        environment: environment.cloned(),
    };
    origin.note(&mut world.origins);
    Ok(program)
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
    world: &mut World,
) -> Result<Constant<Program>, Box<Fault>> {
    let Value::String(text) = name else {
        return Err(Fault::expected("a string", name, "load"));
    };
    let environment = match environment {
        None => None,
        Some(Value::Environment(environment)) => Some(environment),
        Some(other) => return Err(Fault::expected("an environment", other, "load")),
    };
    let name: String = text.with(|text| text.characters.iter().collect());
    let source = host::read(&name, &world.sandbox.files, false)?;
    program_of(source, environment, world)
}
