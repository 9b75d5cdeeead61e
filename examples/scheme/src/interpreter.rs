//! The interpreter, as a host sees it.

use std::collections::BTreeMap;
use std::rc::Rc;

use segno::frame::{self, Inspector, Machine, Refusal};
use segno::snapshot::{
    Constant, Document, DocumentError, Editor, LoadError, LoadLimits, Loaded, Save, SaveError,
    Shared,
};
use serde::{Deserialize, Serialize};

use crate::activation::Activation;
use crate::condition::Fault;
use crate::control::{DEFAULT, TOP};
use crate::environment::Environment;
use crate::fuel::Fuel;
use crate::host::{self, Host};
use crate::origin::Origin;
use crate::places::Places;
use crate::port::{Port, Stream};

use crate::program::{self, Compiled, Program};
use crate::rib::Ribs;
use crate::standard::Standard;
use crate::syntax::{Expander, Libraries, Names, Source};
use crate::trace::{self, Call};
use crate::value::{ConditionKind, Parameter, Tag, Value};
use crate::world::{Sandbox, Signal, World};
use crate::writer;

/// After so many steps memory is looked at.
const SLICE: u64 = 1 << 12;

/// Why a program has stopped.
#[derive(Debug)]
pub enum Outcome {
    /// It is done.
    Done(Value),
    /// It has called `exit`, with this status.
    Exited(i32),
    /// It has called `suspend!`, and waits for an [answer](Interpreter::answer).
    Suspended(Value),
    /// It has captured a continuation, and goes on with any answer: see
    /// [`World::teleports`](crate::world::World::teleports).
    Captured,
    /// It has raised something that nobody handles. Its frames are still there to be looked at.
    Uncaught(Value),
    /// It has used up its fuel, and can go on.
    OutOfFuel,
}

/// A program that runs, and its world.
///
/// When it is dropped, or [restored](Self::restore), its variables lose their values: what the
/// host still holds of them is there, but its procedures find nothing that they name.
pub struct Interpreter {
    pub(crate) machine: Machine<Activation>,
    /// What all of its frames share.
    pub world: World,
    standard: Rc<Standard>,
    steps: u64,
}

/// A program that was [set aside](Interpreter::set_aside).
pub struct Paused(Machine<Activation>);

/// What is stored of a world.
#[derive(Serialize, Deserialize)]
struct Stored {
    environment: Shared<Environment>,
    libraries: Shared<Libraries>,
    ports: [Constant<Parameter>; 3],
    default_tag: Constant<Tag>,
    parameterized: bool,
    barriers: bool,
    fuel: Fuel,
    arguments: Vec<Rc<str>>,
    origins: Vec<Origin>,
}

impl Stored {
    /// A world in which nothing has happened.
    fn new() -> Self {
        let port = |port| {
            Constant::new(Parameter {
                value: Value::Port(Shared::new(port)),
                converter: Value::False,
            })
        };
        Self {
            environment: Shared::new(Environment::standard()),
            libraries: Shared::new(Libraries::default()),
            ports: [
                port(Port::console_input()),
                port(Port::console(Stream::Output)),
                port(Port::console(Stream::Error)),
            ],
            default_tag: Constant::new(Tag {
                tag: DEFAULT,
                name: Value::symbol("default"),
            }),
            parameterized: false,
            barriers: false,
            fuel: Fuel::default(),
            arguments: Vec::new(),
            origins: Vec::new(),
        }
    }
}

impl World {
    /// A world without standard procedures.
    #[cfg(test)]
    pub(crate) fn bare(sandbox: Sandbox) -> Self {
        let host = Host::new(Rc::default());
        let names = Rc::new(Names::new(|_| None));
        let inspector = Machine::<Activation>::idle().inspector();
        world(Stored::new(), Rc::new(host), names, sandbox, inspector)
    }
}

impl Interpreter {
    /// An interpreter with nothing to run.
    ///
    /// # Errors
    ///
    /// If what it has in Scheme does not compile.
    pub fn new(sandbox: Sandbox) -> Result<Self, Box<Fault>> {
        Ok(Self::of(Standard::shared()?, sandbox))
    }

    /// An interpreter with these standard procedures, and ports of its own.
    pub(crate) fn of(standard: Rc<Standard>, sandbox: Sandbox) -> Self {
        let host = Rc::new(Host::new(standard.procedures.clone()));
        let stored = Stored::new();
        host.set_ports(&stored.ports);
        let machine = Machine::idle();
        let inspector = machine.inspector();
        Self {
            machine,
            world: world(stored, host, standard.names.clone(), sandbox, inspector),
            standard,
            steps: 0,
        }
    }

    /// Says how many frames there may be, at any time and in continuations.
    pub fn set_depth(&mut self, frames: usize) {
        let limits = frame::Limits {
            depth: frames,
            sealed_frames: frames.saturating_mul(2),
            ..self.machine.limits()
        };
        self.machine.set_limits(limits);
    }

    /// Compiles a program, to be run next. If it begins with an import, its names become those of
    /// the [world](World::environment).
    ///
    /// # Errors
    ///
    /// If it is no program, or another is running.
    pub fn load(&mut self, name: &str, text: &str) -> Result<(), Box<Fault>> {
        let source = host::parse(name, text, false)?;
        self.load_source(source)
    }

    /// The same of a source that was read.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_source(&mut self, source: Source) -> Result<(), Box<Fault>> {
        let Compiled {
            program,
            environment,
        } = program::program_of(source, None, &mut self.world)?;
        self.start(program)?;
        self.world.see(environment);
        Ok(())
    }

    /// Compiles a form of a program, to be run next. What it defines or imports is there for those
    /// after it.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_form(&mut self, form: &Value, places: &Places) -> Result<(), Box<Fault>> {
        let world = &self.world;
        let expression = world.expander.expand(form, places, &world.environment)?;
        let code = program::form(expression, places.of(form), world.expander.libraries())?;
        let forms = vec![Constant::new(code)];
        let source = places.source().clone();
        self.start(Constant::new(Program { source, forms }))
    }

    pub(crate) fn start(&mut self, program: Constant<Program>) -> Result<(), Box<Fault>> {
        let refused = |refusal: Refusal| Fault::new(refusal.to_string(), []);
        self.machine
            .start(Activation::Top { program })
            .map_err(refused)
    }

    /// Gives up what is running.
    pub fn reset(&mut self) {
        self.world.fuel.forgive();
        drop(self.set_aside());
    }

    /// Stops what is running, so that something else can run in the same world.
    pub fn set_aside(&mut self) -> Paused {
        let idle = self.machine.beside();
        Paused(std::mem::replace(&mut self.machine, idle))
    }

    /// Puts what was set aside in place of what is there.
    pub fn take_up(&mut self, paused: Paused) {
        let limits = self.machine.limits();
        self.machine = paused.0;
        self.machine.set_limits(limits);
    }

    /// Whether the program waits for an [answer](Self::answer).
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.machine.is_suspended()
    }

    /// Whether there is a program that is not done.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.machine.depth() > 0
    }

    /// How many steps have been run so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Runs for at most so many steps.
    pub fn run(&mut self, steps: u64) -> Outcome {
        let mut left = steps;
        while left > 0 {
            let slice = left.min(SLICE);
            let outcome = match self.machine.run_for(slice, &mut self.world) {
                Ok(outcome) => outcome,
                Err(refusal) => return self.fail(*Fault::new(refusal.to_string(), [])),
            };
            let done = slice - self.machine.fuel_left();
            let done = done.saturating_add(self.world.fuel.debt());
            self.steps = self.steps.saturating_add(done);
            left = left.saturating_sub(done);
            match outcome {
                frame::Outcome::OutOfFuel => {
                    if let Err(fault) = self.world.reserve(0) {
                        return self.fail(*fault);
                    }
                }
                frame::Outcome::Suspended(value) => {
                    return match self.world.signal {
                        Signal::Suspended => Outcome::Suspended(value),
                        Signal::Uncaught => Outcome::Uncaught(value),
                        Signal::Captured => Outcome::Captured,
                        Signal::Exited => {
                            self.reset();
                            Outcome::Exited(status(Some(&value)))
                        }
                    };
                }
                frame::Outcome::Done(Value::Aborted(aborted)) => {
                    return Outcome::Exited(status(aborted.values.first()));
                }
                frame::Outcome::Done(value) => return Outcome::Done(value),
                frame::Outcome::Raised(value) => return Outcome::Uncaught(value),
            }
        }
        Outcome::OutOfFuel
    }

    fn fail(&mut self, fault: Fault) -> Outcome {
        Outcome::Uncaught(Value::from(fault))
    }

    /// Answers a program that has suspended.
    ///
    /// # Errors
    ///
    /// If it has not.
    pub fn answer(&mut self, value: Value) -> Result<(), Refusal> {
        self.machine.answer(Ok(value))
    }

    /// Saves the program, if there is one that is not done, and its world.
    ///
    /// # Errors
    ///
    /// If something in it has no place in a snapshot.
    pub fn save(&mut self) -> Result<Vec<u8>, SaveError> {
        let mut save = Save::new(&self.standard.registry);
        if self.is_running() {
            save.machine(&mut self.machine)?;
        }
        let world = &self.world;
        save.value(&Stored {
            environment: world.environment.clone(),
            libraries: world.expander.libraries().clone(),
            ports: [
                world.input.clone(),
                world.output.clone(),
                world.error.clone(),
            ],
            default_tag: world.default_tag.clone(),
            parameterized: world.parameterized,
            barriers: world.barriers,
            fuel: world.fuel.clone(),
            arguments: world.arguments.clone(),
            origins: world.origins.clone(),
        })?;
        save.finish()
    }

    /// Puts what was saved in place of what is there. The procedures that are written in Rust are
    /// this interpreter's.
    ///
    /// # Errors
    ///
    /// If it is no snapshot, or one of another program.
    pub fn restore(&mut self, bytes: &[u8], limits: LoadLimits) -> Result<(), LoadError> {
        let mut loaded = Loaded::<Activation>::read(bytes, &self.standard.registry, limits)?;
        let mut machine = match loaded.len() {
            2 => loaded.machine(0)?,
            _ => self.machine.beside(),
        };
        let stored: Stored = loaded.value(loaded.len().saturating_sub(1))?;
        machine.set_limits(self.machine.limits());
        self.machine = machine;
        self.forget();
        self.world.host.set_ports(&stored.ports);
        let host = self.world.host.clone();
        let names = self.standard.names.clone();
        let inspector = self.machine.inspector();
        let new = world(stored, host, names, Sandbox::default(), inspector);
        let old = std::mem::replace(&mut self.world, new);
        self.world.sandbox = old.sandbox;
        self.world.teleports = old.teleports;
        self.world.transcript = old.transcript;
        Ok(())
    }

    /// Takes their values from all variables of the program and of its libraries. A closure that
    /// sees the variable that has it would be there for ever else.
    fn forget(&mut self) {
        let world = &self.world;
        let libraries = world.expander.libraries();
        let mut environments = libraries.with(Libraries::environments);
        environments.push(world.environment.clone());
        environments.extend(world.programs.values().cloned());
        environments.extend(world.former.iter().cloned());
        let loaded = world.origins.iter();
        environments.extend(loaded.filter_map(|origin| origin.environment.clone()));
        for environment in &environments {
            Environment::forget(environment);
        }
    }

    /// What is in a snapshot, to be shown.
    ///
    /// # Errors
    ///
    /// As [`restore`](Self::restore).
    pub fn document(&self, bytes: &[u8], limits: LoadLimits) -> Result<Document, LoadError> {
        let roots = Loaded::<Activation>::read(bytes, &self.standard.registry, limits)?.len();
        self.editor(roots, limits).read(bytes)
    }

    /// The snapshot that a document shows.
    ///
    /// # Errors
    ///
    /// If something in it is not what is wanted there.
    pub fn snapshot(
        &self,
        document: &Document,
        limits: LoadLimits,
    ) -> Result<Vec<u8>, DocumentError> {
        self.editor(document.roots.len(), limits).write(document)
    }

    /// The last root is the world.
    fn editor(&self, roots: usize, limits: LoadLimits) -> Editor<Activation> {
        let editor = Editor::new(&self.standard.registry).limits(limits);
        editor.root::<Stored>(roots.saturating_sub(1))
    }

    /// The calls that are under way, the innermost first; at most so many. Those that were left
    /// by a tail call are not among them.
    pub fn backtrace(&mut self, limit: usize) -> Vec<Call> {
        let continuation = self.machine.continuation();
        continuation.map_or_else(Vec::new, |continuation| {
            trace::calls(&continuation, &self.machine.inspector(), limit)
        })
    }

    /// What is left of the program, for people; of at most so many lines.
    pub fn trace(&mut self, limit: usize) -> Option<String> {
        let continuation = self.machine.continuation()?;
        let inspector = self.machine.inspector();
        Some(trace::show(continuation, &inspector, limit))
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        self.reset();
        self.forget();
    }
}

fn world(
    stored: Stored,
    host: Rc<Host>,
    names: Rc<Names>,
    sandbox: Sandbox,
    inspector: Inspector,
) -> World {
    let [input, output, error] = stored.ports;
    World {
        sandbox,
        ribs: Ribs::default(),
        fault: None,
        environment: stored.environment,
        input,
        output,
        error,
        arguments: stored.arguments,
        origins: stored.origins,
        programs: BTreeMap::new(),
        former: Vec::new(),
        default_tag: stored.default_tag,
        expander: Expander::sharing(names, host.clone(), stored.libraries),
        inspector,
        host,
        top: Constant::new(Tag {
            tag: TOP,
            name: Value::symbol("top"),
        }),
        signal: Signal::Suspended,
        teleports: false,
        parameterized: stored.parameterized,
        barriers: stored.barriers,
        fuel: stored.fuel,
        transcript: None,
        mid_line: None,
    }
}

/// The status of a process that exits with this.
fn status(value: Option<&Value>) -> i32 {
    match value {
        None | Some(Value::True) => 0,
        Some(Value::Fixnum(n)) => i32::try_from(*n & 0xff).unwrap_or(1),
        Some(_) => 1,
    }
}

/// What went wrong, in words.
#[must_use]
pub fn report(payload: &Value) -> String {
    match payload {
        Value::Condition(condition) => match &condition.place {
            Some(place) => format!("{place}: {}", message(payload)),
            None => message(payload),
        },
        other => message(other),
    }
}

/// The same, but not where.
#[must_use]
pub fn message(payload: &Value) -> String {
    match payload {
        Value::Condition(condition) => {
            let mut text = display(&condition.message);
            // Who calls `error` has written a colon or has not.
            let is_own = condition.kind != ConditionKind::User;
            if is_own && !condition.irritants.is_empty() && !text.ends_with(':') {
                text.push(':');
            }
            for irritant in &condition.irritants {
                text += " ";
                text += &writer::brief(irritant);
            }
            text
        }
        other => format!("raised: {}", writer::brief(other)),
    }
}

fn display(value: &Value) -> String {
    writer::to_text(value, writer::Style::Display, 1 << 16).unwrap_or_default()
}
