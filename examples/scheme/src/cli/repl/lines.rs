//! Where the REPL reads from: a terminal, with a history, or anything else.

use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Config, Editor, Helper};
use segno_scheme::places::Places;
use segno_scheme::reader::{self, ReadError};

use crate::cli::stop::Stop;

/// What was read.
pub(super) enum Input {
    /// Whole data, or a command.
    Text(String),
    /// There is no more.
    End,
}

/// Where the REPL reads from.
pub(super) enum Lines {
    /// A terminal, and where its history is kept.
    Terminal(Box<Editor<Whole, FileHistory>>, Option<PathBuf>),
    /// Anything else.
    Pipe,
}

impl Lines {
    /// Standard input.
    pub(super) fn new() -> Result<Self, Stop> {
        if !io::stdin().is_terminal() {
            return Ok(Self::Pipe);
        }
        let config = Config::builder().auto_add_history(true).build();
        let mut editor = Editor::with_config(config).map_err(failed)?;
        editor.set_helper(Some(Whole));
        let folder = dirs::data_dir().filter(|folder| folder.is_dir());
        let history = folder.map(|folder| folder.join("segno-scheme-history"));
        if let Some(history) = &history {
            // The first time there is none.
            drop(editor.load_history(history));
        }
        Ok(Self::Terminal(Box::new(editor), history))
    }

    /// Whether somebody sits in front of it.
    pub(super) fn is_terminal(&self) -> bool {
        matches!(self, Self::Terminal(..))
    }

    /// What comes next: lines, until data are whole.
    pub(super) fn next(&mut self) -> Result<Input, Stop> {
        match self {
            Self::Pipe => piped(),
            Self::Terminal(editor, history) => loop {
                match editor.readline("> ") {
                    Ok(text) => {
                        if let Some(history) = history {
                            // It is a convenience only.
                            drop(editor.append_history(history));
                        }
                        return Ok(Input::Text(text));
                    }
                    // Ctrl-C gives up a line.
                    Err(ReadlineError::Interrupted) => {}
                    Err(ReadlineError::Eof) => return Ok(Input::End),
                    Err(error) => return Err(failed(error)),
                }
            },
        }
    }
}

fn piped() -> Result<Input, Stop> {
    let mut text = String::new();
    loop {
        // A program may read from there too, so that nothing is kept here.
        let read = io::stdin().lock().read_line(&mut text).map_err(failed)?;
        if read == 0 && text.is_empty() {
            return Ok(Input::End);
        }
        if read == 0 || is_whole(&text) {
            return Ok(Input::Text(text));
        }
    }
}

/// Whether no datum is cut off at the end.
fn is_whole(text: &str) -> bool {
    text.trim_start().starts_with(',')
        || !matches!(
            reader::read_program(text, "", &mut Places::new("")),
            Err(ReadError::Incomplete(_))
        )
}

fn failed(error: impl std::fmt::Display) -> Stop {
    Stop::failed(format!("standard input cannot be read: {error}"))
}

/// Tells the editor where an input ends.
pub(super) struct Whole;

impl Validator for Whole {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match is_whole(context.input()) {
            true => ValidationResult::Valid(None),
            false => ValidationResult::Incomplete,
        })
    }
}

impl Completer for Whole {
    type Candidate = String;
}

impl Hinter for Whole {
    type Hint = String;
}

impl Highlighter for Whole {}

impl Helper for Whole {}
