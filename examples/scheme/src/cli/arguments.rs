//! What the arguments say.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use lexopt::prelude::{Long, Short, Value};
use segno_scheme::world::Files;

use super::changed::Changed;
use super::stop::Stop;

/// What to do, and how.
#[derive(Debug)]
pub(super) struct Arguments {
    pub(super) command: Command,
    pub(super) options: Options,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Run {
        file: PathBuf,
        words: Vec<String>,
    },
    Resume {
        snapshot: PathBuf,
        datum: Option<String>,
        changed: Changed,
    },
    Show {
        snapshot: PathBuf,
        html: Option<PathBuf>,
    },
    Repl,
    Help,
    Version,
}

/// How programs are run.
#[derive(Clone, Debug)]
pub(super) struct Options {
    /// Where a program that stops is saved.
    pub(super) save: Option<PathBuf>,
    pub(super) teleport: Teleport,
    /// At each so many captures.
    pub(super) every: u64,
    /// The steps that a program may take.
    pub(super) fuel: u64,
    /// The frames that it may have.
    pub(super) depth: usize,
    /// The bytes that may be in use.
    pub(super) heap: usize,
    /// The files that it may use.
    pub(super) files: Files,
}

/// What is done where a continuation is captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Teleport {
    /// Nothing.
    No,
    /// The program goes on in another interpreter.
    Here,
    /// The program is saved, and the process ends.
    To(PathBuf),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            save: None,
            teleport: Teleport::No,
            every: 1,
            fuel: u64::MAX,
            depth: 10_000_000,
            heap: usize::try_from(4_u64 << 30).unwrap_or(usize::MAX),
            files: Files::None,
        }
    }
}

fn is_negative(word: &str) -> bool {
    let number = word.strip_prefix('-');
    number.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
}

/// What the arguments of a process say.
pub(super) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Arguments, Stop> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut options = Options::default();
    let (mut html, mut changed) = (None, None);
    let mut words: Vec<OsString> = Vec::new();
    // The options that make sense for some commands only.
    let mut given = Vec::new();
    loop {
        // A number is an answer, of whatever sign.
        if let Some(mut raw) = parser.try_raw_args()
            && raw.peek().and_then(OsStr::to_str).is_some_and(is_negative)
        {
            words.extend(raw.next());
            continue;
        }
        let Some(argument) = parser.next().map_err(Stop::usage)? else {
            break;
        };
        let name = match argument {
            Value(word) => {
                words.push(word);
                continue;
            }
            Short('h') | Long("help") => return Ok(only(Command::Help)),
            Short('V') | Long("version") => return Ok(only(Command::Version)),
            Long(name) => name.to_owned(),
            other => return Err(Stop::usage(other.unexpected())),
        };
        if name == "teleport" {
            options.teleport = Teleport::Here;
            given.push(name);
            continue;
        }
        let known = [
            "save",
            "changed",
            "teleport-to",
            "every",
            "fuel",
            "depth",
            "heap",
            "allow-files",
            "html",
        ];
        if !known.contains(&&*name) {
            return Err(Stop::usage(format!("there is no option --{name}")));
        }
        let value = parser.value().map_err(Stop::usage)?;
        let bad = |value: &OsString| {
            let value = value.to_string_lossy();
            Stop::usage(format!("--{name} cannot be {value}"))
        };
        match &*name {
            "save" => options.save = Some(value.into()),
            "teleport-to" => options.teleport = Teleport::To(value.into()),
            "html" => html = Some(PathBuf::from(value)),
            "allow-files" => options.files = Files::Within(value.into()),
            "changed" => {
                changed = Some(
                    text(&value)
                        .and_then(Changed::of)
                        .ok_or_else(|| bad(&value))?,
                )
            }
            "heap" => options.heap = text(&value).and_then(bytes).ok_or_else(|| bad(&value))?,
            "depth" => options.depth = number(&value).ok_or_else(|| bad(&value))?,
            "fuel" => options.fuel = number(&value).ok_or_else(|| bad(&value))?,
            _ => {
                options.every = number(&value)
                    .filter(|n| *n > 0)
                    .ok_or_else(|| bad(&value))?
            }
        }
        given.push(name);
    }
    let command = command(words, html, changed)?;
    let refused = given.iter().find(|name| !makes_sense(name, &command));
    match refused {
        Some(name) => Err(Stop::usage(format!("--{name} makes no sense here"))),
        None => Ok(Arguments { command, options }),
    }
}

fn only(command: Command) -> Arguments {
    let options = Options::default();
    Arguments { command, options }
}

fn makes_sense(option: &str, command: &Command) -> bool {
    match option {
        "save" | "teleport" | "teleport-to" | "every" => {
            matches!(command, Command::Run { .. } | Command::Resume { .. })
        }
        "changed" => matches!(command, Command::Resume { .. }),
        "html" => matches!(command, Command::Show { .. }),
        "fuel" | "allow-files" => !matches!(command, Command::Show { .. }),
        _ => true,
    }
}

/// What the words say that are no options.
fn command(
    words: Vec<OsString>,
    html: Option<PathBuf>,
    changed: Option<Changed>,
) -> Result<Command, Stop> {
    let mut words = words.into_iter().peekable();
    let Some(first) = words.peek().cloned() else {
        return Ok(Command::Repl);
    };
    let command = first
        .to_str()
        .filter(|it| ["run", "resume", "show"].contains(it));
    if command.is_some() {
        words.next();
    }
    let Some(file) = words.next().map(PathBuf::from) else {
        let command = command.unwrap_or("this");
        return Err(Stop::usage(format!("{command} wants a file")));
    };
    let words: Option<Vec<String>> = words.map(|word| word.into_string().ok()).collect();
    let words = words.ok_or_else(|| Stop::usage("an argument is no text"))?;
    match (command, &words[..]) {
        (Some("resume"), [] | [_]) => Ok(Command::Resume {
            snapshot: file,
            datum: words.into_iter().next(),
            changed: changed.unwrap_or_default(),
        }),
        (Some("show"), []) => {
            let snapshot = file;
            Ok(Command::Show { snapshot, html })
        }
        (Some("resume" | "show"), _) => Err(Stop::usage("there are too many arguments")),
        _ => Ok(Command::Run { file, words }),
    }
}

fn text(value: &OsString) -> Option<&str> {
    value.to_str()
}

fn number<T: std::str::FromStr>(value: &OsString) -> Option<T> {
    value.to_str()?.parse().ok()
}

/// A number of bytes.
fn bytes(text: &str) -> Option<usize> {
    let (digits, unit) = match text.char_indices().next_back()? {
        (at, 'k' | 'K') => (&text[..at], 1 << 10),
        (at, 'm' | 'M') => (&text[..at], 1 << 20),
        (at, 'g' | 'G') => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    digits.parse::<usize>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &str) -> Result<Arguments, Stop> {
        parse(words.split_whitespace().map(OsString::from))
    }

    #[test]
    fn a_file_is_run_with_its_arguments() {
        for words in ["run a.scm x -- --save y", "a.scm x -- --save y"] {
            let Command::Run { file, words } = parsed(words).unwrap().command else {
                panic!("{words}");
            };
            assert_eq!(file, PathBuf::from("a.scm"));
            assert_eq!(words, ["x", "--save", "y"]);
        }
    }

    #[test]
    fn options_may_be_anywhere() {
        let parsed = parsed("--heap 2k resume --save=b a 7 --every 3 --teleport").unwrap();
        assert_eq!((parsed.options.heap, parsed.options.every), (2048, 3));
        assert_eq!(parsed.options.save, Some("b".into()));
        assert_eq!(parsed.options.teleport, Teleport::Here);
        let Command::Resume { datum, .. } = parsed.command else {
            panic!("{parsed:?}");
        };
        assert_eq!(datum.as_deref(), Some("7"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [
            "run",
            "--save a",
            "--wrong",
            "-x",
            "run a --html b",
            "run a --heap",
            "run a --heap 1T",
            "run a --heap 99999999999999999999",
            "run a --every 0",
            "run a --fuel -1",
            "show a b",
            "resume a 1 2",
            "resume a --changed perhaps",
        ] {
            let status = parsed(words)
                .map(|parsed| parsed.command)
                .unwrap_err()
                .status;
            assert_eq!(status, crate::cli::stop::USAGE, "{words}");
        }
    }
}
