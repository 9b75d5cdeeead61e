//! A run that goes from process to process, each of which is killed, is the straight run.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::rc::Rc;
use std::{env, fs, thread};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};
use segno::frame::{Machine, Outcome};
use segno::snapshot::{LoadLimits, Loaded, Registry, Save, SaveError};

mod child;
mod frame_programs;

use frame_programs::*;

const TEST: &str = "from_process_to_process";
/// Where a child finds what there is to do.
const FOLDER: &str = "SEGNO_TEST_FOLDER";
const PROGRAMS: u64 = 300;
const SIGKILL: i32 = 9;

/// What both processes know of a program.
fn program(seed: u64) -> Program {
    let config = Config {
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    };
    let without = Without {
        once: true,
        ..Without::default()
    };
    let tree = programs(without).new_tree(&mut TestRunner::new(config));
    tree.unwrap().current()
}

fn registry() -> Rc<Registry> {
    let registry = TAGS
        .into_iter()
        .fold(Registry::new("processes", 1), Registry::tag);
    Rc::new(KEYS.into_iter().fold(registry, Registry::key))
}

/// A program that is under way, and what happened so far.
struct Run {
    machine: Machine<Script>,
    world: World,
    /// What it asks, if it does.
    question: Option<Value>,
    log: Vec<String>,
}

impl Run {
    fn new(seed: u64) -> Self {
        Self {
            machine: machine(),
            world: World::new(&program(seed)),
            question: None,
            log: Vec::new(),
        }
    }

    fn load(seed: u64, bytes: &[u8]) -> Self {
        let limits = LoadLimits::default();
        let mut loaded = Loaded::<Script>::read(bytes, &registry(), limits).unwrap();
        let mut run = Self::new(seed);
        run.machine = loaded.machine(0).unwrap();
        run.machine.set_limits(frame_programs::limits());
        run.world.slots = loaded.value(1).unwrap();
        run.question = loaded.value(2).unwrap();
        (run.world.steps, run.world.answers, run.log) = loaded.value(3).unwrap();
        run
    }

    fn save(&mut self) -> Result<Vec<u8>, SaveError> {
        let mut save = Save::<Script>::new(&registry());
        save.machine(&mut self.machine)?;
        save.value(&self.world.slots)?;
        save.value(&self.question)?;
        save.value(&(self.world.steps, self.world.answers, &self.log))?;
        save.finish()
    }

    /// Goes on to the next stop. Answers what the program came to, if that is its last.
    fn go_on(&mut self, fuel: u64) -> Option<String> {
        if let Some(question) = self.question.take() {
            let answer = self.world.answer(&question);
            self.machine.answer(answer).unwrap();
        }
        let outcome = self.machine.run_for(fuel, &mut self.world);
        let happened = self.world.log.drain(..);
        self.log.extend(happened.map(|event| format!("{event:?}")));
        match outcome {
            Ok(Outcome::OutOfFuel) => None,
            Ok(Outcome::Suspended(question)) => {
                self.question = Some(question);
                None
            }
            outcome => {
                let Ending { outcome, slots, .. } = Ending::new(&self.world, &outcome);
                Some(format!("{:#?} {outcome:?} {slots:?}", self.log))
            }
        }
    }
}

/// A file is there whole or not at all.
fn write(file: PathBuf, bytes: &[u8]) {
    let part = file.with_extension("part");
    fs::write(&part, bytes).unwrap();
    fs::rename(part, file).unwrap();
}

/// Takes each program to its next stop, and says so.
fn run_all(folder: &Path) {
    let mut out = std::io::stdout();
    for seed in 0..PROGRAMS {
        let [state, done] = ["state", "done"].map(|it| folder.join(format!("{seed}.{it}")));
        if !done.exists() {
            let mut run = match fs::read(&state) {
                Ok(bytes) => Run::load(seed, &bytes),
                Err(_) => Run::new(seed),
            };
            loop {
                // A few steps, or many.
                if let Some(end) = run.go_on(4 + (seed * 37) % 97) {
                    write(done, end.as_bytes());
                    break;
                }
                match run.save() {
                    Ok(bytes) => {
                        write(state, &bytes);
                        break;
                    }
                    // A winder is on its way: to the next stop.
                    Err(SaveError::NotSuspended | SaveError::Refused(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
        writeln!(out, "saved {seed}").unwrap();
        out.flush().unwrap();
    }
    // It does not end by itself.
    loop {
        thread::park();
    }
}

#[test]
fn from_process_to_process() {
    if let Some(folder) = env::var_os(FOLDER) {
        run_all(folder.as_ref());
    }
    let folder = env::temp_dir().join(format!("segno-processes-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let done = |seed: u64| folder.join(format!("{seed}.done"));
    let mut children = 0;
    while !(0..PROGRAMS).all(|seed| done(seed).exists()) {
        let mut command = child::command(TEST, "");
        command.env(FOLDER, &folder).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Every other one is killed amidst its work.
        let last = match children % 2 {
            0 => PROGRAMS - 1,
            _ => children * 7 % PROGRAMS,
        };
        let last = format!("saved {last}");
        let came = lines
            .map_while(Result::ok)
            .any(|line| line.ends_with(&last));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert!(came, "a child failed: {status}");
        assert_eq!(status.signal(), Some(SIGKILL));
        children += 1;
    }
    for seed in 0..PROGRAMS {
        let mut straight = Run::new(seed);
        let expected = loop {
            if let Some(end) = straight.go_on(u64::MAX) {
                break end;
            }
        };
        let found = fs::read_to_string(done(seed)).unwrap();
        assert!(
            found == expected,
            "program {seed}:\n{found}\nis not\n{expected}"
        );
    }
    fs::remove_dir_all(folder).unwrap();
    println!("{PROGRAMS} programs in {children} processes");
    assert!(children > 10);
}
