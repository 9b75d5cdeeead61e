//! Runs programs of the suite, and carries them from one interpreter to the next.

use std::fs;
use std::path::PathBuf;

use segno::snapshot::LoadLimits;
use segno_scheme::host;
use segno_scheme::interpreter::{Interpreter, Outcome, report};
use segno_scheme::value::Value;
use segno_scheme::world::{Files, Sandbox};
use segno_scheme::writer::{Style, to_text};

/// At so many captures, the first ones, a program is carried elsewhere each time; later rarely,
/// for there are programs that capture a million times.
const EACH: usize = 200;

/// A program to be run.
pub(crate) struct Run {
    path: String,
    /// What its suspensions are answered with, in turn.
    pub(crate) answers: Vec<String>,
    /// Whether it is carried elsewhere where it suspends.
    resumes: bool,
    /// Whether it is where it captures a continuation.
    teleports: bool,
}

/// What became of it.
pub(crate) struct Ran {
    /// What it has printed.
    pub(crate) output: String,
    /// What it has suspended with, in turn.
    pub(crate) values: Vec<String>,
    /// How it has ended.
    pub(crate) end: String,
}

impl Run {
    /// The program in this file of the tests.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            path: folder(&format!("{name}.scm")).display().to_string(),
            answers: Vec::new(),
            resumes: false,
            teleports: false,
        }
    }

    /// Runs it in one interpreter.
    pub(crate) fn straight(self) -> Ran {
        let mut interpreter = interpreter();
        let text = fs::read_to_string(&self.path).expect("a program");
        let mut ran = Ran {
            output: String::new(),
            values: Vec::new(),
            end: String::new(),
        };
        interpreter.world.teleports = self.teleports;
        if let Err(fault) = interpreter.load(&self.path, &text) {
            ran.end = format!("{fault:?}");
            return ran;
        }
        let mut answers = self.answers.iter();
        let mut captures = 0;
        ran.end = loop {
            match interpreter.run(u64::MAX) {
                Outcome::Captured => {
                    captures += 1;
                    if captures <= EACH || captures % (captures / EACH * 100) == 0 {
                        interpreter = carry(interpreter);
                    }
                    interpreter.answer(Value::Null).expect("it waits");
                }
                Outcome::Suspended(value) => {
                    ran.values.push(written(&value));
                    let Some(answer) = answers.next() else {
                        break "suspended".to_owned();
                    };
                    if self.resumes {
                        interpreter = carry(interpreter);
                    }
                    interpreter.answer(datum(answer)).expect("it waits");
                }
                Outcome::Done(_) => break "done".to_owned(),
                Outcome::Uncaught(value) => break report(&value),
                other => break format!("{other:?}"),
            }
        };
        ran.output = interpreter.world.transcript.take().unwrap_or_default();
        ran
    }

    /// Runs it, and carries it elsewhere where it suspends.
    pub(crate) fn resumed(mut self) -> Ran {
        self.resumes = true;
        self.straight()
    }

    /// The same where it captures a continuation too.
    pub(crate) fn teleported(mut self) -> Ran {
        self.teleports = true;
        self.resumed()
    }
}

/// One that may open files, and keeps what is printed.
fn interpreter() -> Interpreter {
    let sandbox = Sandbox {
        files: Files::All,
        ..Sandbox::default()
    };
    let mut interpreter = Interpreter::new(sandbox).expect("its library compiles");
    *interpreter.world.host.sources.borrow_mut() = Files::All;
    interpreter.world.transcript = Some(String::new());
    interpreter
}

/// Saves a program, drops it, and restores it in another interpreter. A program that has a file
/// open cannot be saved, and stays.
fn carry(mut from: Interpreter) -> Interpreter {
    let bytes = match from.save() {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = error.to_string();
            assert!(message.contains("file"), "{message}");
            return from;
        }
    };
    let printed = from.world.transcript.take();
    let teleports = from.world.teleports;
    drop(from);
    let mut to = interpreter();
    to.world.transcript = printed;
    to.world.teleports = teleports;
    let restored = to.restore(&bytes, LoadLimits::default());
    restored.expect("it was saved just now");
    to
}

fn written(value: &Value) -> String {
    to_text(value, Style::Write, 1 << 20).expect("it is short")
}

fn datum(text: &str) -> Value {
    let source = host::parse("answers", text, false).expect("a datum");
    source.forms.into_iter().next().expect("a datum")
}

/// A file or folder of the tests.
pub(crate) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// Runs a test in a thread with as much stack as the main one has.
pub(crate) fn with_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(test);
    thread.expect("a thread").join().expect("no panic");
}
