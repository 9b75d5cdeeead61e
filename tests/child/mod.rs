//! One case of a test in a process of its own: this test binary again, told to run one test.
//!
//! For what ends the process, or changes it for good.

#![allow(dead_code, reason = "each test that includes it uses a part")]

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

/// Set in a child to the test and the case that it is to run.
const VARIABLE: &str = "SEGNO_TEST_CASE";

/// How a child ended.
pub(crate) struct Ended {
    /// The signal that it died of.
    pub(crate) signal: Option<i32>,
    /// What it wrote to standard output, the test harness's lines included.
    pub(crate) out: String,
    /// What it wrote to standard error, an emulator's lines not included.
    pub(crate) err: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let err = text(&output.stderr);
        Self {
            signal: output.status.signal(),
            out: text(&output.stdout),
            err: err
                .lines()
                .filter(|line| !line.starts_with("qemu: "))
                .map(|line| format!("{line}\n"))
                .collect(),
        }
    }

    /// Asserts that the child came to its end, which the test harness then says.
    #[track_caller]
    pub(crate) fn assert_passed(&self) {
        let Self { signal, out, err } = self;
        assert!(
            signal.is_none() && out.contains("1 passed"),
            "{signal:?}\n{out}\n{err}"
        );
    }

    /// Asserts that the child died of `signal`, having said `words` on standard error.
    #[track_caller]
    pub(crate) fn assert_died(&self, signal: i32, words: &str) {
        let Self { out, err, .. } = self;
        assert_eq!(self.signal, Some(signal), "{out}\n{err}");
        assert!(err.contains(words), "{out}\n{err}");
    }
}

/// Runs `body`, one case of a test, in a child, and answers how that ended. In the child
/// itself there is nothing to answer.
pub(crate) fn run(test: &str, case: &str, body: impl FnOnce()) -> Option<Ended> {
    let name = format!("{test} {case}");
    if let Some(wanted) = std::env::var_os(VARIABLE) {
        if wanted == *name {
            body();
        }
        return None;
    }
    let ended = Ended::of(command(test, case).output().unwrap());
    assert!(ended.out.contains("running 1 test"), "no test {test}");
    Some(ended)
}

/// What starts the child, through the same emulator if this process runs under one.
pub(crate) fn command(test: &str, case: &str) -> Command {
    let program = std::env::current_exe().unwrap();
    let command = match emulator() {
        Some(runner) => {
            let mut command = words(&runner);
            command.arg(program);
            command
        }
        None => Command::new(program),
    };
    told(command, test, case)
}

/// The same of another build of this test binary, which a command line starts.
pub(crate) fn command_of(line: &str, test: &str, case: &str) -> Command {
    told(words(line), test, case)
}

fn words(line: &str) -> Command {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    command
}

/// Tells the child what it is to run.
fn told(mut command: Command, test: &str, case: &str) -> Command {
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(VARIABLE, format!("{test} {case}"));
    command
}

/// The qemu that emulates this process, as cargo was told of it.
pub(crate) fn emulator() -> Option<String> {
    let variable = format!("CARGO_TARGET_{}", std::env::consts::ARCH.to_uppercase());
    std::env::vars()
        .find(|(name, value)| {
            name.starts_with(&variable) && name.ends_with("_RUNNER") && value.contains("qemu")
        })
        .map(|(_, runner)| runner)
}
