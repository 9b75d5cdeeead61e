//! A run that goes from process to process, each of which is killed, is the straight run: of
//! frames that are data, of frames that recurse on the native stack, and from architecture to
//! architecture.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Write, stdout};
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

use frame_programs::recurse::{STYLES, Style, recursing};
use frame_programs::*;

/// The test that a child is a process of, whoever its parent is.
const TEST: &str = "from_process_to_process";
/// Where a child finds what there is to do.
const FOLDER: &str = "SEGNO_TEST_FOLDER";
/// Set in a child whose frames recurse: to the style.
const RECURSE: &str = "SEGNO_TEST_RECURSE";
/// How to start this test on another architecture: a command line.
const PEER: &str = "SEGNO_TEST_PEER";
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
    /// The architectures that it was on, one after the other.
    route: Vec<String>,
}

impl Run {
    fn new(seed: u64) -> Self {
        Self {
            machine: machine(),
            world: World::new(&program(seed)),
            question: None,
            log: Vec::new(),
            route: Vec::new(),
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
        run.route = loaded.value(4).unwrap();
        run
    }

    fn arrive(&mut self) {
        let here = env::consts::ARCH;
        if self.route.last().is_none_or(|last| last != here) {
            self.route.push(here.to_owned());
        }
    }

    fn save(&mut self) -> Result<Vec<u8>, SaveError> {
        let mut save = Save::<Script>::new(&registry());
        save.machine(&mut self.machine)?;
        save.value(&self.world.slots)?;
        save.value(&self.question)?;
        save.value(&(self.world.steps, self.world.answers, &self.log))?;
        save.value(&self.route)?;
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
    let mut out = stdout();
    for seed in 0..PROGRAMS {
        let [state, done, route] =
            ["state", "done", "route"].map(|it| folder.join(format!("{seed}.{it}")));
        if !done.exists() {
            let mut run = match fs::read(&state) {
                Ok(bytes) => Run::load(seed, &bytes),
                Err(_) => Run::new(seed),
            };
            run.arrive();
            loop {
                // A few steps, or many.
                if let Some(end) = run.go_on(4 + (seed * 37) % 97) {
                    write(route, run.route.join(" ").as_bytes());
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

/// Takes all programs to their ends, by processes that are killed; where there is a peer, every
/// other one is of its architecture. Answers on how many ways programs went from this
/// architecture to another, and back.
fn carry_all(recurse: bool, peer: Option<&str>) -> [usize; 2] {
    let (process, is_peer) = (std::process::id(), peer.is_some());
    let folder = env::temp_dir().join(format!("segno-processes-{process}-{recurse}-{is_peer}"));
    fs::create_dir_all(&folder).unwrap();
    let file = |seed: u64, kind: &str| folder.join(format!("{seed}.{kind}"));
    let mut children = 0;
    while !(0..PROGRAMS).all(|seed| file(seed, "done").exists()) {
        let mut command = match peer {
            Some(peer) if children % 2 == 0 => child::command_of(peer, TEST, ""),
            _ => child::command(TEST, ""),
        };
        command.env(FOLDER, &folder).stdout(Stdio::piped());
        if recurse {
            let style = STYLES[children / 4 % STYLES.len()];
            command.env(RECURSE, format!("{style:?}"));
        }
        let mut child = command.spawn().unwrap();
        // Kept until the child is dead: nothing else is to end it.
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Two of four are killed amidst their work.
        let last = match children % 4 {
            0 | 1 => PROGRAMS - 1,
            _ => children as u64 * 7 % PROGRAMS,
        };
        let last = format!("saved {last}");
        let came = lines
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.ends_with(&last));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert!(came, "a child failed: {status}");
        assert_eq!(status.signal(), Some(SIGKILL));
        children += 1;
    }
    let [mut to, mut back] = [0, 0];
    for seed in 0..PROGRAMS {
        let mut straight = Run::new(seed);
        let expected = loop {
            if let Some(end) = straight.go_on(u64::MAX) {
                break end;
            }
        };
        let found = fs::read_to_string(file(seed, "done")).unwrap();
        assert!(
            found == expected,
            "program {seed}:\n{found}\nis not\n{expected}"
        );
        let route = fs::read_to_string(file(seed, "route")).unwrap();
        for arrived in route.split(' ').skip(1) {
            if arrived == env::consts::ARCH {
                back += 1;
            } else {
                to += 1;
            }
        }
    }
    fs::remove_dir_all(folder).unwrap();
    println!("{PROGRAMS} programs in {children} processes");
    assert!(children > 10);
    [to, back]
}

#[test]
fn from_process_to_process() {
    if let Some(folder) = env::var_os(FOLDER) {
        let recurses = env::var(RECURSE).ok();
        let is_said = |style: &Style| recurses == Some(format!("{style:?}"));
        let style = STYLES.into_iter().find(is_said);
        assert_eq!(style.is_some(), recurses.is_some());
        recursing(style, || run_all(folder.as_ref()));
    }
    carry_all(false, None);
}

#[test]
fn frames_that_recurse_from_process_to_process() {
    carry_all(true, None);
}

/// What one architecture has saved, the other goes on with.
#[test]
#[ignore = "wants this test built for another architecture, in SEGNO_TEST_PEER"]
fn from_architecture_to_architecture() {
    let peer = env::var(PEER).expect(PEER);
    for recurse in [false, true] {
        let [to, back] = carry_all(recurse, Some(&peer));
        let frames = if recurse { "recurse" } else { "are data" };
        let here = env::consts::ARCH;
        println!("frames that {frames}: {to} hand-overs from {here}, {back} to it");
        assert!(to > 100 && back > 100);
    }
}
