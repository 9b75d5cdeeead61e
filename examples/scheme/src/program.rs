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
use crate::keep::Keep;
use crate::origin::Origin;
use crate::places::Places;
use crate::syntax::{self, Expander, Imported, Libraries, Source};
use crate::value::{Closure, Place, Value};
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
    let compiled = compiled(source, environment, &world.expander)?;
    Ok(compiled.program)
}

/// A program that was compiled, and what names mean in it.
pub struct Compiled {
    /// The program.
    pub program: Constant<Program>,
    /// What names mean in it: what it imports and defines, if it begins with an import.
    pub environment: Shared<Environment>,
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
) -> Result<Compiled, Box<Fault>> {
    let program = expander.program(source, environment);
    let environment = program.environment().clone();
    let program = all(program)?;
    Ok(Compiled {
        program,
        environment,
    })
}

fn all(mut program: syntax::Program) -> Result<Constant<Program>, Box<Fault>> {
    let (name, mut forms) = (program.places().source().clone(), Vec::new());
    loop {
        let place = program.rest().first();
        let place = place.and_then(|form| program.places().of(form));
        let Some(expression) = program.next() else {
            break;
        };
        let libraries = program.expander().libraries();
        forms.push(Constant::new(form(expression?, place, libraries)?));
    }
    Ok(Constant::new(Program {
        source: name,
        forms,
    }))
}

/// The code of a form of a program, which is at this place and has these libraries.
///
/// # Errors
///
/// As [`compile`].
pub fn form(
    mut expression: Expr,
    place: Option<Place>,
    libraries: &Shared<Libraries>,
) -> Result<Code, Box<Fault>> {
    Keep::of(libraries).callers(&mut expression, true);
    let mut code = compile(&expression)?;
    if let Some(whole) = code.procedures.first_mut() {
        whole.place = place;
    }
    Ok(code)
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
) -> Result<Compiled, Box<Fault>> {
    world.host.read.take();
    let into = environment.unwrap_or(&world.environment);
    let compiled = compiled(source, into, &world.expander)?;
    let name = compiled.program.source.clone();
    if !compiled.environment.same(into) {
        let sees = compiled.environment.clone();
        world.programs.insert(name.clone(), sees);
    }
    let origin = Origin {
        name,
        parts: world.host.read.take(),
        environment: environment.cloned(),
    };
    origin.note(&mut world.origins);
    Ok(compiled)
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
    Ok(program_of(source, environment, world)?.program)
}
