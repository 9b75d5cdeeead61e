//! The REPL: what is read is evaluated, and its value printed.

mod commands;
mod lines;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use segno_scheme::interpreter::{Interpreter, Outcome, Paused};
use segno_scheme::places::Places;
use segno_scheme::reader::{Cursor, Options as Reading, Reader};
use segno_scheme::value::Value;
use segno_scheme::world::Files;
use segno_scheme::writer::{self, Style};

use super::arguments::Options;
use super::source::Sources;
use super::stop::Stop;
use super::{console, report, sandbox};
use lines::{Input, Lines};

/// After so many steps it is asked whether somebody has pressed Ctrl-C.
const SLICE: u64 = 1 << 14;

/// How many lines of a trace are shown.
const TRACE: usize = 60;

/// How many bytes a value may take that is printed.
const PRINTED: usize = 1 << 24;

/// Whether there is more to read.
enum Flow {
    /// There is.
    More,
    /// The rest of what was read is not evaluated.
    Stopped,
    /// The process ends, with this status.
    End(u8),
}

struct Repl<'a> {
    interpreter: Interpreter,
    options: &'a Options,
    sources: Sources,
    /// A program that was stopped, and can go on.
    paused: Option<Paused>,
    /// What was left to do at the last error, if that was after the program was paused.
    failed: Option<String>,
    /// Whether somebody has pressed Ctrl-C.
    interrupted: Arc<AtomicBool>,
    /// How many inputs there were.
    inputs: u64,
}

/// Reads and evaluates until the end of the input.
pub(super) fn run(options: &Options) -> Result<u8, Stop> {
    let here = Files::Within(Path::new(".").to_owned());
    let mut repl = Repl {
        interpreter: sandbox::interpreter(options, &here)?,
        options,
        sources: Sources::among(&here),
        paused: None,
        failed: None,
        interrupted: interrupts()?,
        inputs: 0,
    };
    let mut lines = Lines::new()?;
    let is_terminal = lines.is_terminal();
    if is_terminal {
        let version = env!("CARGO_PKG_VERSION");
        console::print(&format!("segno-scheme {version}; ,help for help\n"));
    }
    loop {
        let text = match lines.next()? {
            Input::Text(text) => text,
            Input::End => return Ok(0),
        };
        let flow = match text.trim_start().strip_prefix(',') {
            Some(command) => repl.command(command),
            None => repl.evaluate(&text),
        };
        if is_terminal {
            // The editor would begin with what is on the line.
            repl.fresh_line();
        }
        console::flush();
        if let Flow::End(status) = flow {
            return Ok(status);
        }
    }
}

/// Becomes true where somebody presses Ctrl-C. Who presses it once more before anybody has seen
/// that ends the process.
fn interrupts() -> Result<Arc<AtomicBool>, Stop> {
    use signal_hook::consts::SIGINT;
    let flag = Arc::new(AtomicBool::new(false));
    let registered = signal_hook::flag::register_conditional_shutdown(SIGINT, 130, flag.clone())
        .and_then(|_| signal_hook::flag::register(SIGINT, flag.clone()));
    match registered {
        Ok(_) => Ok(flag),
        Err(error) => Err(Stop::failed(format!("Ctrl-C cannot be caught: {error}"))),
    }
}

impl Repl<'_> {
    /// Evaluates what was read, form by form.
    fn evaluate(&mut self, text: &str) -> Flow {
        self.inputs += 1;
        let name = format!("input-{}", self.inputs);
        self.sources.add(&name, text);
        let reading = Reading {
            literal: true,
            ..Reading::default()
        };
        let mut reader = Reader::new(Cursor::new(text), &name, reading);
        loop {
            let mut places = Places::new(&name);
            let loaded = match reader.read(Some(&mut places)) {
                Ok(None) => return Flow::More,
                Ok(Some(form)) => self.interpreter.load_form(&form, &places),
                Err(error) => Err(error.into()),
            };
            if let Err(fault) = loaded {
                self.fail(&Value::from(*fault));
                return Flow::Stopped;
            }
            match self.go_on() {
                Flow::More => {}
                flow => return flow,
            }
        }
    }

    /// Runs what is there.
    fn go_on(&mut self) -> Flow {
        self.interrupted.store(false, Ordering::Relaxed);
        let end = self.interpreter.steps().saturating_add(self.options.fuel);
        loop {
            let left = end - self.interpreter.steps();
            match self.interpreter.run(left.min(SLICE)) {
                Outcome::Done(value) => {
                    self.print_values(&value);
                    return Flow::More;
                }
                Outcome::Exited(status) => {
                    return Flow::End(u8::try_from(status & 0xff).unwrap_or(1));
                }
                Outcome::Suspended(value) => {
                    return self.pause(&format!("suspended: {}", writer::brief(&value)));
                }
                Outcome::Uncaught(raised) => {
                    self.fail(&raised);
                    return Flow::Stopped;
                }
                Outcome::Captured => {
                    if self.interpreter.answer(Value::Unspecified).is_err() {
                        return Flow::Stopped;
                    }
                }
                Outcome::OutOfFuel => {
                    if self.interrupted.load(Ordering::Relaxed) {
                        return self.pause("interrupted");
                    }
                    if self.interpreter.steps() >= end {
                        return self.pause("out of fuel");
                    }
                }
            }
        }
    }

    /// Ends the line that the program has begun, if it has.
    fn fresh_line(&mut self) {
        if self.interpreter.world.mid_line.take().is_some() {
            console::print("\n");
        }
    }

    fn print_values(&mut self, value: &Value) {
        match value {
            Value::Unspecified => {}
            Value::Values(values) => {
                self.fresh_line();
                values.iter().for_each(print);
            }
            value => {
                self.fresh_line();
                print(value);
            }
        }
    }

    /// Keeps what runs, to go on later.
    fn pause(&mut self, why: &str) -> Flow {
        let world = &mut self.interpreter.world;
        console::say(
            world,
            &format!("{why}; ,continue goes on, ,drop gives it up\n"),
        );
        if self.paused.is_some() {
            console::complain("the program that was paused before is given up\n");
        }
        self.paused = Some(self.interpreter.set_aside());
        self.failed = None;
        Flow::Stopped
    }

    /// Says what was raised, and gives up what runs.
    fn fail(&mut self, raised: &Value) {
        let report = report::report(raised, &mut self.interpreter, &self.sources);
        console::say(&mut self.interpreter.world, &report);
        // The frames themselves may take all memory that there is.
        self.failed = self.interpreter.trace(TRACE);
        self.interpreter.reset();
    }
}

fn print(value: &Value) {
    let text = writer::to_text(value, Style::Write, PRINTED);
    console::print(&text.unwrap_or_else(|_| writer::brief(value)));
    console::print("\n");
}
