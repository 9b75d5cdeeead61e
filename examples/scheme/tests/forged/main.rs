//! Snapshots that somebody has forged: each is refused, or it is a program that runs within its
//! limits, and the host lives on.
//!
//! So many of them as `SEGNO_MUTANTS` says, from the number `SEGNO_MUTANT` on. A number always
//! stands for the same one; the thread that one is tried in has it for a name. To look further:
//!
//! ```text
//! SEGNO_MUTANTS=1000000 cargo test --release -p segno-scheme --test forged -- --nocapture
//! ```

use std::alloc::System;
use std::collections::BTreeMap;
use std::env;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use cap::Cap;
use segno::snapshot::{LoadError, LoadLimits};
use segno_scheme::environment::Binding;
use segno_scheme::interpreter::{Interpreter, Outcome, report};
use segno_scheme::places::Places;
use segno_scheme::value::Value;
use segno_scheme::world::{Heap, Sandbox};
use segno_scheme::writer::brief;

mod crafted;
mod mutants;
mod seeds;

use mutants::Random;
use seeds::{Seed, forms};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// More than this nobody gets for one mutant. What leads back to itself is not given back, so it
/// is counted from what there is.
const MOST: usize = 256 << 20;

/// How much memory a program gets.
const HEAP: usize = 32 << 20;

/// How many steps a program gets each time.
const FUEL: u64 = 2_000;

/// How long one may take: far longer than it should, for slow machines.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many there are where nobody says otherwise.
const MUTANTS: u64 = 2_000;

const LIMITS: LoadLimits = LoadLimits {
    bytes: HEAP,
    frames: 20_000,
    parts: 1 << 16,
    objects: 1 << 18,
    depth: 64,
    elements: 1 << 20,
    names: 1 << 12,
    name: 1 << 10,
};

/// An interpreter with little memory, and not many frames.
fn interpreter() -> Interpreter {
    let heap = Heap {
        limit: MEMORY.allocated() + HEAP,
        used: || MEMORY.allocated(),
    };
    let sandbox = Sandbox {
        heap: Some(heap),
        number_bits: 1 << 16,
        ..Sandbox::default()
    };
    let mut interpreter = Interpreter::new(sandbox).expect("its library compiles");
    interpreter.set_depth(20_000);
    interpreter.world.transcript = Some(String::new());
    interpreter
}

/// What came of mutants, and how often.
type Tally = BTreeMap<&'static str, u64>;

/// The test runs in a process of its own, which has nothing to read.
#[test]
fn forged_snapshots_are_refused_or_run_within_their_limits() {
    const CHILD: &str = "SEGNO_FORGED_CHILD";
    if env::var_os(CHILD).is_some() {
        return all();
    }
    let mut child = Command::new(env::current_exe().expect("a path"));
    let arguments = ["forged_snapshots", "--nocapture"];
    let child = child.args(arguments).env(CHILD, "").stdin(Stdio::null());
    let status = child.status().expect("it starts");
    assert!(status.success(), "{status}");
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn all() {
    let first = number("SEGNO_MUTANT", 0);
    let count = number("SEGNO_MUTANTS", MUTANTS);
    let mut tally = Tally::new();
    let mut slowest = (Duration::ZERO, 0);
    let (of_seeds, seeds) = mpsc::channel();
    in_time("seeds", move || {
        of_seeds.send(seeds::seeds()).expect("somebody waits");
    });
    let seeds: Arc<Vec<Seed>> = Arc::new(seeds.recv().expect("seeds"));
    for index in first..first + count {
        let (of_outcome, outcome) = mpsc::channel();
        let seeds = seeds.clone();
        let began = Instant::now();
        in_time(&format!("mutant {index}"), move || {
            of_outcome
                .send(attempt(&seeds, index))
                .expect("somebody waits");
        });
        slowest = slowest.max((began.elapsed(), index));
        for what in outcome.recv().expect("an outcome") {
            *tally.entry(what).or_default() += 1;
        }
        if (index + 1) % 10_000 == 0 {
            println!("{index}: {tally:?}, slowest {slowest:?}");
        }
    }
    println!("of {count} mutants: {tally:?}, slowest {slowest:?}");
    // The test would show nothing if all were refused, or none were changed.
    let (refused, loaded) = (tally.get("refused"), tally.get("loaded"));
    assert!(refused.is_some() && loaded.is_some(), "{tally:?}");
}

/// Runs something in a thread with as much stack as the main one has. It must not panic, and
/// come to an end.
fn in_time(name: &str, run: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel::<()>();
    let thread = thread::Builder::new().name(name.to_owned());
    let thread = thread.stack_size(8 << 20).spawn(move || {
        run();
        drop(done);
    });
    let thread = thread.expect("a thread");
    if let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(PATIENCE) {
        panic!("{name} does not come to an end");
    }
    assert!(thread.join().is_ok(), "{name} panics");
}

/// Tries a mutant. Answers what came of it.
fn attempt(seeds: &[Seed], index: u64) -> Vec<&'static str> {
    let mut random = Random(index);
    // The first is the session, which has most.
    let which = random.below(seeds.len() * 4 / 3);
    let seed = seeds.get(which).unwrap_or(&seeds[0]);
    let most = MEMORY.set_limit(MEMORY.allocated() + MOST);
    most.expect("it is more than there is");
    let mut interpreter = interpreter();
    let bytes = match random.below(3) {
        0 => mutants::bytes(seeds, seed, &mut random),
        _ => {
            let document = mutants::document(seed, &mut random);
            match interpreter.snapshot(&document, LIMITS) {
                Ok(bytes) => bytes,
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    return vec!["refused", "refused as a document"];
                }
            }
        }
    };
    let mut outcomes = Vec::new();
    if random.below(8) == 0
        && let Ok(document) = interpreter.document(&bytes, LIMITS)
    {
        outcomes.push("on a page");
        assert!(!document.to_html().is_empty());
    }
    if let Err(error) = interpreter.restore(&bytes, LIMITS) {
        assert!(!error.to_string().is_empty());
        outcomes.extend(["refused", name(&error)]);
    } else {
        outcomes.push("loaded");
        run(&mut interpreter, seed, &mut outcomes);
    }
    drop(interpreter);
    if index.is_multiple_of(16) {
        afterwards();
    }
    outcomes
}

/// Does with a program that was loaded all that can be done with one.
fn run(interpreter: &mut Interpreter, seed: &Seed, outcomes: &mut Vec<&'static str>) {
    look(interpreter);
    let again = interpreter.save().expect("what was loaded can be saved");
    let restored = interpreter.restore(&again, LIMITS);
    restored.expect("what was saved can be loaded");
    for answer in 0..6 {
        if interpreter.is_suspended() {
            let answered = interpreter.answer(Value::integer(answer));
            answered.expect("it waits");
        }
        let outcome = interpreter.run(FUEL);
        look(interpreter);
        outcomes.push(match outcome {
            Outcome::Suspended(value) => {
                drop(brief(&value));
                "suspended"
            }
            Outcome::Uncaught(value) => {
                drop(report(&value));
                "raised"
            }
            Outcome::Done(value) => {
                drop(brief(&value));
                "done"
            }
            Outcome::OutOfFuel => "out of fuel",
            Outcome::Captured | Outcome::Exited(_) => "left",
        });
        if !interpreter.is_running() {
            break;
        }
    }
    if let Ok(bytes) = interpreter.save() {
        match interpreter.restore(&bytes, LIMITS) {
            Ok(()) => outcomes.push("saved again"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    for form in forms("uses", seed.forms) {
        interpreter.reset();
        if interpreter.load_form(&form, &Places::new("uses")).is_ok() {
            interpreter.run(FUEL);
        }
    }
    look(interpreter);
}

/// Shows what is left of a program, and what it has defined.
fn look(interpreter: &mut Interpreter) {
    interpreter.trace(50);
    interpreter.backtrace(50);
    let environment = interpreter.world.environment.clone();
    let bindings = environment.with(|environment| environment.bindings.clone());
    for binding in bindings.values() {
        if let Binding::Variable(global) | Binding::Imported(global) = binding {
            global.with(|global| brief(&global.value));
        }
    }
}

/// Another interpreter works as if nothing had happened.
fn afterwards() {
    let mut interpreter = interpreter();
    interpreter
        .load("after", "(+ 1 (call/cc (lambda (k) (k 2))))")
        .expect("a program");
    let outcome = interpreter.run(FUEL);
    let is_three = matches!(&outcome, Outcome::Done(value) if brief(value) == "3");
    assert!(is_three, "{outcome:?}");
}

fn name(error: &LoadError) -> &'static str {
    match error {
        LoadError::NotASnapshot => "not a snapshot",
        LoadError::Format { .. } => "format",
        LoadError::Damaged => "damaged",
        LoadError::Program { .. } => "program",
        LoadError::Kind { .. } => "kind",
        LoadError::Object { .. } => "object",
        LoadError::Unknown { .. } => "unknown",
        LoadError::Revision { .. } => "revision",
        LoadError::Invalid(_) => "invalid",
        LoadError::Value { .. } => "value",
        LoadError::Limit { .. } => "limit",
        _ => "another",
    }
}
