//! What begins with a comma.

use std::path::Path;

use segno_scheme::value::Value;

use super::{Flow, Repl, TRACE};
use crate::cli::snapshot::refused;
use crate::cli::stop::Stop;
use crate::cli::{console, drive, files, help, resume, sandbox};

impl Repl<'_> {
    /// Does what a command says.
    pub(super) fn command(&mut self, text: &str) -> Flow {
        let text = text.trim();
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        let done = match word {
            "continue" | "c" => return self.resume(rest),
            "quit" | "q" => return Flow::End(0),
            "drop" => self.give_up(),
            "trace" => self.show_trace(),
            "save" => self.save(Path::new(rest)),
            "load" => self.load(Path::new(rest)),
            "help" | "h" | "?" => {
                console::print(help::REPL);
                Ok(())
            }
            _ => Err(Stop::failed(format!(
                "there is no command ,{word}; ,help shows which there are"
            ))),
        };
        if let Err(stop) = done {
            console::complain(&format!("{}\n", stop.message));
        }
        Flow::More
    }

    /// Goes on with the program that is paused.
    fn resume(&mut self, datum: &str) -> Flow {
        match self.prepare(datum) {
            Ok(()) => self.go_on(),
            Err(stop) => {
                console::complain(&format!("{}\n", stop.message));
                Flow::Stopped
            }
        }
    }

    fn prepare(&mut self, datum: &str) -> Result<(), Stop> {
        let answer = match datum {
            "" => None,
            datum => match resume::read(datum) {
                Ok(answer) => Some(answer),
                Err(_) => return Err(Stop::failed(format!("{datum} is no datum"))),
            },
        };
        let Some(paused) = self.paused.take() else {
            return Err(nothing());
        };
        self.interpreter.take_up(paused);
        match (self.interpreter.is_suspended(), answer) {
            (true, answer) => {
                let answer = answer.unwrap_or(Value::Unspecified);
                drive::answer(&mut self.interpreter, answer)
            }
            (false, None) => Ok(()),
            (false, Some(_)) => {
                self.paused = Some(self.interpreter.set_aside());
                Err(Stop::failed(
                    "the program was interrupted, and wants no answer",
                ))
            }
        }
    }

    fn give_up(&mut self) -> Result<(), Stop> {
        match self.paused.take() {
            Some(_) => Ok(()),
            None => Err(nothing()),
        }
    }

    fn show_trace(&mut self) -> Result<(), Stop> {
        self.fresh_line();
        if let Some(trace) = &self.failed {
            console::print(trace);
            return Ok(());
        }
        let Some(paused) = self.paused.take() else {
            return Err(Stop::failed("there was no error, and nothing is paused"));
        };
        self.interpreter.take_up(paused);
        let trace = self.interpreter.trace(TRACE);
        self.paused = Some(self.interpreter.set_aside());
        console::print(&trace.unwrap_or_default());
        Ok(())
    }

    /// Saves all that was defined, and the program that is paused.
    fn save(&mut self, path: &Path) -> Result<(), Stop> {
        named(path)?;
        let is_paused = self.paused.is_some();
        if let Some(paused) = self.paused.take() {
            self.interpreter.take_up(paused);
        }
        let bytes = drive::bytes(&mut self.interpreter);
        if is_paused {
            self.paused = Some(self.interpreter.set_aside());
        }
        files::write(path, &bytes?)
    }

    /// Takes up what was saved, in place of what is there.
    fn load(&mut self, path: &Path) -> Result<(), Stop> {
        named(path)?;
        let bytes = files::read(path, self.options.heap)?;
        let restored = self
            .interpreter
            .restore(&bytes, sandbox::load_limits(self.options));
        restored.map_err(|error| refused(path, &bytes, "loaded", &error))?;
        (self.paused, self.failed) = (None, None);
        if self.interpreter.is_running() {
            self.paused = Some(self.interpreter.set_aside());
            console::complain("a program is paused; ,continue goes on\n");
        }
        Ok(())
    }
}

fn nothing() -> Stop {
    Stop::failed("nothing is paused")
}

fn named(path: &Path) -> Result<(), Stop> {
    match path.as_os_str().is_empty() {
        true => Err(Stop::failed("which file?")),
        false => Ok(()),
    }
}
