//! The suite in real processes. Each is killed where it has written a snapshot, and another one
//! goes on, with what the file says.
//!
//! Where `SEGNO_TEST_PEER` names the program as it was built for another machine (with the emulator
//! before it, if it needs one), the two take turns. An emulator is slow: each program has one run
//! then.

#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How many processes a program may take.
const PROCESSES: usize = 60;

/// How the process ends that has suspended.
const SUSPENDED: i32 = 3;

/// Programs of the suite that take too long on an emulator.
const LONG: [&str; 3] = ["control-loops", "control-marks", "r7rs-02-lexical"];

const ENDED: &str = "snap was not written: the program has ended\n";

/// What has become of a program.
#[derive(Debug, PartialEq, Eq)]
struct Ran {
    output: String,
    errors: String,
    status: Option<i32>,
}

/// A folder for a program's files, that is gone when the test is done.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("segno-teleport-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The words that start the program, in turn.
fn programs() -> Vec<Vec<String>> {
    let mut programs = vec![vec![env!("CARGO_BIN_EXE_segno-scheme").to_owned()]];
    if let Ok(peer) = std::env::var("SEGNO_TEST_PEER") {
        programs.push(peer.split_whitespace().map(str::to_owned).collect());
    }
    programs
}

/// At every how manyth capture the processes are killed, run by run.
fn everies(all: &[usize]) -> &[usize] {
    match programs().len() {
        1 => all,
        _ => &all[..1],
    }
}

fn process(turn: usize, folder: &Folder, arguments: &[&str]) -> Ran {
    let programs = programs();
    let program = &programs[turn % programs.len()];
    let output = Command::new(&program[0])
        .args(&program[1..])
        .args(arguments)
        .args(["--allow-files", "."])
        .current_dir(&folder.0)
        .stdin(Stdio::null())
        .output()
        .expect("a process");
    Ran {
        output: String::from_utf8(output.stdout).expect("text"),
        errors: String::from_utf8(output.stderr).expect("text"),
        status: output.status.code(),
    }
}

/// Runs a program in one process.
fn straight(file: &str, folder: &Folder) -> Ran {
    process(0, folder, &["run", file])
}

/// Runs it in many. The first ones are killed at every `every`-th capture, later ones more and
/// more rarely, since there are programs that capture a million times.
fn killed(file: &str, answers: &[String], every: usize, folder: &Folder) -> (Ran, usize) {
    let mut all = Ran {
        output: String::new(),
        errors: String::new(),
        status: None,
    };
    let mut answers = answers.iter();
    let mut arguments = vec!["run", file];
    for turn in 0..PROCESSES {
        let every = (every << (turn / 2).saturating_sub(2)).to_string();
        arguments.extend(["--teleport-to", "snap", "--every", &every, "--save", "snap"]);
        let ran = process(turn, folder, &arguments);
        all.output += &ran.output;
        // The last process has nothing to save.
        all.errors += &ran.errors.replace(ENDED, "");
        arguments = vec!["resume", "snap"];
        match ran.status {
            None => {}
            Some(SUSPENDED) => {
                all.errors.clear();
                arguments.extend(answers.next().map(String::as_str));
            }
            status => {
                all.status = status;
                return (all, turn + 1);
            }
        }
    }
    panic!("{file} goes on and on: {all:?}");
}

/// How often a program was handed over in so many processes: from here to another machine, and
/// back.
fn hand_overs(turns: usize) -> [usize; 2] {
    let all = turns.saturating_sub(1);
    match programs().len() {
        1 => [0, 0],
        _ => [all.div_ceil(2), all / 2],
    }
}

/// Says how it went, and that both took part if there are two.
fn tell(what: &str, processes: usize, [to, back]: [usize; 2]) {
    println!("{what}: {processes} processes");
    if programs().len() > 1 {
        let here = std::env::consts::ARCH;
        println!("{what}: {to} hand-overs from {here}, {back} to it");
        assert!(to > 0 && back > 0);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<_> = names
        .filter_map(|name| name.strip_suffix(".scm").map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite")
}

#[test]
fn killed_processes_go_on() {
    let folder = Folder::new("suite");
    let (mut processes, mut handed) = (0, [0, 0]);
    for name in names(&suite()) {
        // Those are included by others; a file that is open has no place in a snapshot.
        if ["harness", "included", "included-ci", "r7rs-06-13-files"].contains(&&*name) {
            continue;
        }
        if programs().len() > 1 && LONG.contains(&&*name) {
            continue;
        }
        let file = suite().join(format!("{name}.scm")).display().to_string();
        let expected = straight(&file, &folder);
        for &every in everies(&[1, 7]) {
            let (ran, turns) = killed(&file, &[], every, &folder);
            assert_eq!(ran, expected, "{name}, every {every}");
            processes += turns;
            let more = hand_overs(turns);
            handed = [handed[0] + more[0], handed[1] + more[1]];
        }
    }
    tell("the suite", processes, handed);
}

#[test]
fn killed_processes_that_suspend_go_on() {
    let folder = Folder::new("programs");
    let programs = suite().join("programs");
    let (mut processes, mut handed) = (0, [0, 0]);
    for name in names(&programs) {
        let read = |extension: &str| {
            let path = programs.join(format!("{name}.{extension}"));
            fs::read_to_string(path).unwrap_or_default()
        };
        let answers: Vec<_> = read("answers").lines().map(str::to_owned).collect();
        let file = programs.join(format!("{name}.scm")).display().to_string();
        for &every in everies(&[1, 3]) {
            let (ran, turns) = killed(&file, &answers, every, &folder);
            assert_eq!(ran.output, read("out"), "{name}, every {every}");
            processes += turns;
            let more = hand_overs(turns);
            handed = [handed[0] + more[0], handed[1] + more[1]];
        }
    }
    tell("programs that suspend", processes, handed);
}
