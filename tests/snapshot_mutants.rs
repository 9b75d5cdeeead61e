//! Snapshots that were changed at random: each is refused, or it is a snapshot like any other.
//!
//! So many of them as `SEGNO_MUTANTS` says. Each has a number, and is always the same one; of
//! one that fails, `SEGNO_MUTANT` is the number, and it is run alone. To look further:
//!
//! ```text
//! SEGNO_MUTANTS=10000000 cargo test --release --all-features --test snapshot_mutants -- --nocapture
//! ```
#![allow(unsafe_code, reason = "an allocator that counts")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use segno::frame::{Entry, Layout, Limits, Machine, MarkKey, Outcome, PromptTag, Refusal};
use segno::snapshot::{LoadError, Persist, Policy, Registry, Save, SaveError, Shared};

mod child;
mod counting;
mod frame_programs;
mod snapshot_programs;

use counting::{LIVE, PEAK};
use frame_programs::{KEYS, Program, Script, TAGS, Without, World};
use snapshot_programs::{
    ASK, CALLS, Call, Cell, Random, Root, Value, empty_cells, forget_cells, load, read, roots,
    save, with_policy,
};

/// Numbers at which an encoding, or a type, comes to its end.
const BOUNDARIES: [u64; 9] = [
    0,
    1,
    127,
    128,
    1 << 14,
    u32::MAX as u64,
    1 << 32,
    1 << 63,
    u64::MAX,
];

/// What is mutated.
struct Seed {
    /// What it is an increment to, without the checksums.
    bases: Vec<Vec<u8>>,
    /// Without the checksum.
    content: Vec<u8>,
    /// The program, if it is one of `frame_programs`.
    script: Option<Program>,
}

const CHECKSUM: usize = 4;

fn content(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() - CHECKSUM);
    bytes
}

fn scripts() -> Rc<Registry> {
    let registry = TAGS
        .into_iter()
        .fold(Registry::new("scripts", 1), Registry::tag);
    Rc::new(KEYS.into_iter().fold(registry, Registry::key))
}

/// Real snapshots, the smallest first.
fn seeds() -> Vec<Seed> {
    let seeds: Vec<_> = snapshot_programs::snapshots()
        .into_iter()
        .map(|it| Seed {
            bases: it.bases.into_iter().map(content).collect(),
            content: content(it.bytes),
            script: None,
        })
        .collect();
    let seeds = RefCell::new(seeds);
    let without = Without {
        once: true,
        ..Without::default()
    };
    let registry = scripts();
    frame_programs::for_all(300, without, |program, fuel| {
        let mut world = World::new(program);
        let mut machine = frame_programs::machine();
        // At its third stop, or before.
        for stop in 0.. {
            match machine.run_for(1 + fuel, &mut world) {
                Ok(Outcome::Suspended(question)) if stop < 2 => {
                    machine.answer(world.answer(&question)).unwrap();
                }
                Ok(Outcome::OutOfFuel | Outcome::Suspended(_)) => {}
                _ => return Ok(()),
            }
            if stop == 2 {
                break;
            }
        }
        let mut save = Save::<Script>::new(&registry);
        for k in world.slots.iter().flatten() {
            save.value(&frame_programs::Value::K(k.clone())).unwrap();
        }
        if save.machine(&mut machine).is_ok() {
            let bytes = save.finish().unwrap();
            seeds.borrow_mut().push(Seed {
                bases: Vec::new(),
                content: content(bytes),
                script: Some(program.clone()),
            });
        }
        Ok(())
    });
    let mut seeds = seeds.into_inner();
    seeds.sort_by_key(|seed| seed.content.len());
    seeds
}

/// Some of so many, and not more than the longest.
fn range(random: &mut Random, of: usize, longest: usize) -> Range<usize> {
    let start = random.below(of + 1);
    start..start + random.below(longest.min(of - start) + 1)
}

fn number(mut n: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while n >= 0x80 {
        bytes.push(n as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
    bytes
}

/// Puts another number where one begins.
fn splice(content: &mut Vec<u8>, at: usize, n: u64) {
    let rest = &content[at..];
    let more = rest.iter().take_while(|byte| **byte >= 0x80).count();
    let end = (at + more + 1).min(content.len());
    content.splice(at..end, number(n));
}

/// How many mutants [`systematic`] makes of a seed.
fn systematic_count(seed: &Seed) -> usize {
    seed.content.len() * (8 + 1 + 1 + BOUNDARIES.len())
}

/// Each bit flipped, each length, each byte left out, each number at each boundary.
fn systematic(seed: &Seed, index: usize) -> Vec<u8> {
    let mut content = seed.content.clone();
    let len = content.len();
    let (at, how) = (index % len, index / len);
    match how {
        0..8 => content[at] ^= 1 << how,
        8 => content.truncate(at),
        9 => drop(content.remove(at)),
        _ => splice(&mut content, at, BOUNDARIES[how - 10]),
    }
    content
}

fn mutated(seeds: &[Seed], mut content: Vec<u8>, random: &mut Random) -> Vec<u8> {
    // Half of them by one change.
    let changes = [1, 1, 1, 2, 2, 4][random.below(6)];
    for _ in 0..changes {
        let at = random.below(content.len());
        let n = random.next();
        match random.below(12) {
            _ if content.is_empty() => content.push(n as u8),
            0 => content[at] ^= 1 << (n % 8),
            1 => content[at] = n as u8,
            // Most numbers are small, and most that find something are near.
            2 => splice(&mut content, at, n % 8),
            3 => content[at] = content[at].wrapping_add((n % 5) as u8).wrapping_sub(2),
            4 => splice(&mut content, at, BOUNDARIES[n as usize % BOUNDARIES.len()]),
            5 => splice(&mut content, at, n >> (n % 64)),
            6 => content.truncate(at),
            7 => drop(content.drain(range(random, content.len(), 16))),
            8 => {
                let bytes: Vec<_> = (0..random.below(8)).map(|_| random.next() as u8).collect();
                content.splice(at..at, bytes);
            }
            9 => {
                let block = content[range(random, content.len(), 64)].to_vec();
                let times = 1 << random.below(8);
                content.splice(at..at, block.repeat(times));
            }
            _ => {
                let other = &seeds[random.below(seeds.len())].content;
                let block = &other[range(random, other.len(), 64)];
                let over = match n % 2 {
                    0 => 0,
                    _ => block.len().min(content.len() - at),
                };
                content.splice(at..at + over, block.iter().copied());
            }
        }
    }
    content
}

/// A mutant by its number, out of so many: a snapshot, or one and the increments to it.
fn mutant(seeds: &[Seed], index: u64, of: u64) -> (&Seed, Vec<Vec<u8>>) {
    let mut random = Random(index);
    let mut systematically = index as usize;
    let mut so_far = 0;
    for seed in seeds {
        let count = systematic_count(seed);
        so_far += count;
        // Half of them, at most.
        if so_far as u64 > of / 2 {
            break;
        }
        if systematically < count {
            let changed = systematic(seed, systematically);
            return (seed, sealed(seed, changed, seed.bases.len(), false));
        }
        systematically -= count;
    }
    let seed = &seeds[random.below(seeds.len())];
    let which = random.below(seed.bases.len() + 1);
    let content = seed.bases.get(which).unwrap_or(&seed.content).clone();
    let content = mutated(seeds, content, &mut random);
    (seed, sealed(seed, content, which, random.below(32) == 0))
}

/// All of the seed, with that one changed. Each has its checksum, or that one has the old one;
/// and each knows that of its base.
fn sealed(seed: &Seed, changed: Vec<u8>, which: usize, stale: bool) -> Vec<Vec<u8>> {
    let sum = |content: &[u8]| crc32fast::hash(content).to_le_bytes();
    let all = seed.bases.iter().chain([&seed.content]);
    let mut sealed = Vec::new();
    // Of the one before, what its checksum was and is.
    let mut before: Option<([u8; CHECKSUM], [u8; CHECKSUM])> = None;
    for (index, original) in all.enumerate() {
        let mut content = if index == which { &changed } else { original }.clone();
        if let Some((was, is)) = before
            && let Some(at) = content.windows(CHECKSUM).position(|it| it == was)
        {
            content[at..at + CHECKSUM].copy_from_slice(&is);
        }
        let is = match index == which && stale {
            true => sum(original),
            false => sum(&content),
        };
        before = Some((sum(original), is));
        content.extend(is);
        sealed.push(content);
    }
    sealed
}

/// What came of some mutants.
#[derive(Debug, Default)]
struct Tally {
    mutants: u64,
    refused: BTreeMap<&'static str, u64>,
    loaded: u64,
    ran: u64,
    slowest: (Duration, u64),
    /// Thousandths of the memory that may be used.
    largest: (usize, u64),
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.mutants += other.mutants;
        for (why, count) in other.refused {
            *self.refused.entry(why).or_default() += count;
        }
        self.loaded += other.loaded;
        self.ran += other.ran;
        self.slowest = self.slowest.max(other.slowest);
        self.largest = self.largest.max(other.largest);
    }
}

/// How much memory loading so many bytes may take.
fn memory<F>(bytes: usize) -> usize {
    (1 << 20) + bytes * (2 + size_of::<F>().max(size_of::<Cell>()))
}

/// A thread keeps a few bytes from its first snapshot on.
fn settle() {
    assert!(load::<Call>(b"segno\x01", &snapshot_programs::registry()).is_err());
}

/// The most memory that loading took, one value after the other. What is made of the roots is
/// the caller's.
fn taken<F: Persist>(snapshots: &[Vec<u8>], registry: &Rc<Registry>) -> usize {
    let before = LIVE.get();
    PEAK.set(before);
    match read::<F>(snapshots, registry) {
        Ok(mut loaded) => {
            for index in 0..loaded.len() {
                drop(loaded.value::<F::Value>(index));
            }
        }
        // What is refused leaves nothing behind.
        Err(_) => forget_cells(),
    }
    empty_cells();
    (PEAK.get() - before).unsigned_abs()
}

/// The name of an error, which is one that says something.
fn name(error: &LoadError) -> &'static str {
    assert!(!error.to_string().is_empty());
    match error {
        LoadError::NotASnapshot => "NotASnapshot",
        LoadError::Sealed => "Sealed",
        LoadError::Format { .. } => "Format",
        LoadError::Damaged => "Damaged",
        LoadError::Program { .. } => "Program",
        LoadError::Kind { .. } => "Kind",
        LoadError::Object { .. } => "Object",
        LoadError::Unknown { .. } => "Unknown",
        LoadError::Revision { .. } => "Revision",
        LoadError::Invalid(_) => "Invalid",
        LoadError::Value { .. } => "Value",
        LoadError::Limit { .. } => "Limit",
        LoadError::Base { .. } => "Base",
        _ => "another",
    }
}

/// Loads, saves, loads again, goes on, and saves what has changed. Answers what share of the
/// memory was used, and how many machines ran, or why there were none.
fn attempt<F: Persist>(
    snapshots: &[Vec<u8>],
    registry: &Rc<Registry>,
    mut run: impl FnMut(&mut Machine<F>) -> Result<(), Refusal>,
    value: impl Fn() -> F::Value,
) -> (usize, Result<u64, &'static str>) {
    let bytes = snapshots.iter().map(Vec::len).sum();
    let (taken, may) = (taken::<F>(snapshots, registry), memory::<F>(bytes));
    let share = taken * 1000 / may;
    assert!(
        taken <= may,
        "it takes {taken} bytes of memory, and may {may}"
    );
    let mut loaded = match read::<F>(snapshots, registry) {
        Ok(loaded) => loaded,
        Err(error) => return (share, Err(name(&error))),
    };
    for index in 0..loaded.len() {
        match loaded.report(index) {
            Ok(report) => assert!(report.frames.is_empty() || !report.to_string().is_empty()),
            Err(error) => drop(name(&error)),
        }
    }
    let mut roots = match roots(&mut loaded) {
        Ok(roots) => roots,
        Err(error) => return (share, Err(name(&error))),
    };
    let again = save(&mut roots, registry).expect("what was loaded can be saved");
    let mut twice = load::<F>(&again, registry).expect("what was saved can be loaded");
    assert!(
        save(&mut twice, registry).expect("and saved again") == again,
        "what was saved is not what was loaded"
    );
    drop(twice);
    let mut since = Save::since(&loaded.base(), registry);
    let mut ran = 0;
    for root in roots {
        let mut machine = match root {
            Root::Machine(machine) => machine,
            Root::Continuation(k) => {
                let mut machine = Machine::idle();
                if machine.start_with(k, Ok(value())).is_err() {
                    continue;
                }
                machine
            }
            Root::Value(_) => continue,
        };
        machine.set_limits(Limits {
            depth: 1000,
            prompts: 1000,
            sealed_frames: 10_000,
            nesting: 10,
            overrun: 1000,
            ..Limits::default()
        });
        ran += 1;
        for _ in 0..5 {
            let _ = machine.answer(Ok(value()));
            if run(&mut machine).is_err() {
                break;
            }
        }
        match since.machine(&mut machine) {
            Ok(()) | Err(SaveError::NotSuspended | SaveError::Refused(_)) => {}
            Err(error) => panic!("what was loaded cannot be saved: {error}"),
        }
    }
    let increment = since.finish().expect("what has changed can be saved");
    let mut all = snapshots.to_vec();
    all.push(increment);
    // Winders and frames that were forged need not fit, which may come out later.
    match read::<F>(&all, registry) {
        Ok(mut loaded) => drop(snapshot_programs::roots(&mut loaded).expect("all its roots")),
        Err(LoadError::Invalid(_)) => {}
        Err(error) => panic!("an increment is refused: {error}"),
    }
    (share, Ok(ran))
}

/// So many steps, each time.
const FUEL: u64 = 500;

fn run_one(seeds: &[Seed], registries: &[Rc<Registry>; 3], index: u64, of: u64, tally: &mut Tally) {
    let (seed, snapshots) = mutant(seeds, index, of);
    let live = LIVE.get();
    let run = || match &seed.script {
        None => attempt::<Call>(
            &snapshots,
            // Every third time a frame may be lost.
            &registries[usize::from(index.is_multiple_of(3))],
            |machine| machine.run_for(FUEL, &mut ()).map(drop),
            || Value::Number(1),
        ),
        Some(program) => {
            let mut world = World::new(program);
            attempt::<Script>(
                &snapshots,
                &registries[2],
                |machine| machine.run_for(FUEL, &mut world).map(drop),
                || frame_programs::Value::Number(1),
            )
        }
    };
    let timed = || {
        let began = Instant::now();
        let came = run();
        empty_cells();
        (began.elapsed(), came)
    };
    let (took, (share, came)) = timed();
    assert_eq!(LIVE.get(), live, "something is left");
    // What a debug build or an emulator takes is nobody's promise; and one that had to wait for
    // others is faster the next time.
    if !cfg!(debug_assertions) && child::emulator().is_none() {
        let is_slow = |took: Duration| took >= Duration::from_secs(1);
        assert!(
            !is_slow(took) || (0..3).any(|_| !is_slow(timed().0)),
            "it took {took:?}"
        );
    }
    tally.mutants += 1;
    tally.slowest = tally.slowest.max((took, index));
    tally.largest = tally.largest.max((share, index));
    match came {
        Ok(ran) => {
            tally.loaded += 1;
            tally.ran += ran;
        }
        Err(why) => *tally.refused.entry(why).or_default() += 1,
    }
}

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn mutants_are_refused_or_run() {
    let seeds: Vec<Seed> = seeds();
    let default = if cfg!(debug_assertions) {
        20_000
    } else {
        1_000_000
    };
    let of = environment("SEGNO_MUTANTS").unwrap_or(default);
    let one = environment("SEGNO_MUTANT");
    let registries = || {
        let [refuse, restart] = [Policy::Refuse, Policy::Restart].map(with_policy);
        [refuse, restart, scripts()]
    };
    if let Some(index) = one {
        let (_, snapshots) = mutant(&seeds, index, of);
        println!("{snapshots:?}");
        let mut tally = Tally::default();
        settle();
        run_one(&seeds, &registries(), index, of, &mut tally);
        println!("{tally:?}");
        return;
    }
    const THREADS: u64 = 2;
    let (sender, done) = mpsc::channel();
    let at: Arc<[AtomicU64; THREADS as usize]> = Arc::default();
    let seeds = Arc::new(seeds);
    for thread in 0..THREADS {
        let (sender, at, seeds) = (sender.clone(), at.clone(), seeds.clone());
        thread::spawn(move || {
            let registries = registries();
            settle();
            let mut tally = Tally::default();
            for index in (thread..of).step_by(THREADS as usize) {
                at[thread as usize].store(index, Ordering::Relaxed);
                let act = || run_one(&seeds, &registries, index, of, &mut tally);
                if catch_unwind(AssertUnwindSafe(act)).is_err() {
                    let (_, snapshots) = mutant(&seeds, index, of);
                    let _ =
                        sender.send(Err(format!("mutant {index} of {of} fails: {snapshots:?}")));
                    return;
                }
                if tally.mutants == 1000 {
                    let _ = sender.send(Ok(std::mem::take(&mut tally)));
                }
            }
            let _ = sender.send(Ok(tally));
        });
    }
    drop(sender);
    let mut tally = Tally::default();
    loop {
        // A thousand of them take seconds where they are emulated.
        match done.recv_timeout(Duration::from_secs(300)) {
            Ok(Ok(some)) => tally.add(some),
            Ok(Err(failed)) => panic!("{failed}"),
            Err(RecvTimeoutError::Timeout) => panic!("one of {at:?} does not come to an end"),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let refused: u64 = tally.refused.values().sum();
    println!(
        "{} mutants of {} seeds: {refused} refused {:?}, {} loaded; {} machines ran; \
         the slowest took {:?} (mutant {}), the largest {} ‰ of the memory that it may \
         (mutant {})",
        tally.mutants,
        seeds.len(),
        tally.refused,
        tally.loaded,
        tally.ran,
        tally.slowest.0,
        tally.slowest.1,
        tally.largest.0,
        tally.largest.1,
    );
    assert_eq!(tally.mutants, of);
    assert_eq!(tally.mutants, refused + tally.loaded);
    assert!(tally.loaded * 20 > of && refused * 20 > of, "{tally:?}");
}

/// A few bytes for each level, and a few for any number of nothings.
#[test]
fn what_is_too_deep_or_too_long_is_refused() {
    let too_deep = || {
        let deep = (0..30_000).fold(Value::Nil, |value, _| Value::Boxed(Some(value.into())));
        save(
            &mut [Root::<Call>::Value(deep)],
            &snapshot_programs::registry(),
        )
    };
    // Who saves it has a stack for it, as whoever drops it; who loads it does not.
    let thread = thread::Builder::new().stack_size(256 << 20);
    let deep = thread.spawn(too_deep).unwrap().join().unwrap().unwrap();
    let registry = snapshot_programs::registry();
    let units = Value::Units(vec![(); 20_000_000]);
    let long = save(&mut [Root::<Call>::Value(units)], &registry).unwrap();
    for bytes in [deep, long] {
        let mut loaded = read::<Call>(&[&bytes], &registry).unwrap();
        let before = LIVE.get();
        PEAK.set(before);
        let error = loaded.value::<Value>(0).unwrap_err();
        assert!(matches!(error, LoadError::Limit { .. }), "{error}");
        assert!(PEAK.get() - before < 10_000);
    }
}

/// A cell that leads back to itself is loaded, and then there is too much in another one.
#[test]
fn what_is_refused_is_not_left_behind() {
    let registry = snapshot_programs::registry();
    let circle = Shared::new(Cell::new(Vec::new()));
    circle.update(|cell| cell.push(Value::Cell(circle.clone())));
    let long = Shared::new(Cell::new(vec![Value::Units(vec![(); 20_000_000])]));
    for cells in [[&circle, &long], [&long, &circle]] {
        let operands = cells.map(|cell| Value::Cell(cell.clone()));
        let machine = Machine::new(Call::block(ASK, operands.into()));
        let bytes = save(&mut [Root::Machine(machine)], &registry).unwrap();
        forget_cells();
        settle();
        let live = LIVE.get();
        let error = read::<Call>(&[&bytes], &registry).unwrap_err();
        assert!(matches!(error, LoadError::Limit { .. }), "{error}");
        forget_cells();
        assert_eq!(LIVE.get(), live, "something is left");
    }
    circle.update(|cell| drop(cell.take()));
}

/// As many of what is small as let a list, or a table, grow to twice its size at last: what it
/// had before is there until then.
#[test]
fn the_densest_snapshots_fit() {
    dense((1 << 13) + 1);
    dense((7 << 10) + 1);
}

/// How much memory a byte may take that stands for something of the snapshot's own: for a prompt,
/// an object, a root.
const OWN: usize = 80;

/// And one that stands for a value in a list of them.
const IN_A_LIST: usize = 3 * size_of::<Value>();

fn dense(many: usize) {
    let registry = snapshot_programs::registry();
    let inspector = Machine::<Call>::idle().inspector();
    let frame = || Entry::frame(Call::block(ASK, Vec::new()));
    let asking = || {
        let mut machine = Machine::new(Call::block(ASK, Vec::new()));
        assert!(matches!(machine.run(&mut ()), Outcome::Suspended(_)));
        machine
    };
    let k = |entries| {
        vec![Root::Continuation(
            inspector.build(Layout { entries }).unwrap(),
        )]
    };
    let cell = |values| Value::Cell(Shared::new(Cell::new(values)));
    let list = |value: Value| vec![Root::Value(Value::List(vec![value; many]))];
    let tags = [PromptTag::named("named"), PromptTag::fresh("loaded")];
    let prompt = |index: usize| Entry::Prompt {
        tag: tags[index % 2],
        times: 1,
    };
    let winder = |_| Entry::Inside {
        before: Call::block(ASK, Vec::new()),
        after: Call::block(ASK, Vec::new()),
    };
    let marked = |_| Entry::Frame {
        frame: Call::block(ASK, Vec::new()),
        marks: vec![(MarkKey::named("named"), Value::Nil)],
    };
    let own_tag = |_| Entry::Prompt {
        tag: PromptTag::fresh(""),
        times: 1,
    };
    type Roots<'a> = Box<dyn Fn() -> Vec<Root<Call>> + 'a>;
    let dense: Vec<(_, usize, Roots<'_>)> = vec![
        (
            "frames",
            OWN,
            Box::new(|| k((0..many).map(|_| frame()).collect())),
        ),
        (
            "marks",
            OWN,
            Box::new(|| k((0..many).map(marked).collect())),
        ),
        (
            "prompts",
            OWN,
            Box::new(|| k((0..many).map(prompt).chain([frame()]).collect())),
        ),
        (
            "tags",
            OWN,
            Box::new(|| k((0..many).map(own_tag).chain([frame()]).collect())),
        ),
        (
            "winders",
            OWN,
            Box::new(|| k((0..many).map(winder).chain([frame()]).collect())),
        ),
        (
            "machines",
            OWN,
            Box::new(|| (0..many).map(|_| Root::Machine(asking())).collect()),
        ),
        (
            "continuations",
            OWN,
            Box::new(|| {
                let ks = (0..many).map(|_| asking().continuation().unwrap());
                ks.map(Root::Continuation).collect()
            }),
        ),
        (
            "one continuation",
            OWN,
            Box::new(|| {
                let k = asking().continuation().unwrap();
                (0..many).map(|_| Root::Continuation(k.clone())).collect()
            }),
        ),
        (
            "continuations in values",
            OWN,
            Box::new(|| {
                let ks = (0..many).map(|_| Value::K(asking().continuation().unwrap()));
                vec![Root::Value(Value::List(ks.collect()))]
            }),
        ),
        (
            "cells",
            OWN,
            Box::new(|| {
                let cells = (0..many).map(|_| cell(Vec::new()));
                vec![Root::Value(Value::List(cells.collect()))]
            }),
        ),
        (
            "a chain of cells",
            OWN,
            Box::new(|| {
                let first = cell(Vec::new());
                let chain = (0..many).fold(first, |next, _| cell(vec![next]));
                vec![Root::Value(chain)]
            }),
        ),
        (
            "roots",
            OWN,
            Box::new(|| (0..many).map(|_| Root::Value(Value::Nil)).collect()),
        ),
        ("values", IN_A_LIST, Box::new(|| list(Value::Nil))),
        (
            "lists",
            IN_A_LIST,
            Box::new(|| list(Value::List(Vec::new()))),
        ),
        (
            "short lists",
            IN_A_LIST,
            Box::new(|| list(Value::List(vec![Value::Nil]))),
        ),
        (
            "texts",
            IN_A_LIST,
            Box::new(|| list(Value::Text(String::new()))),
        ),
        (
            "short texts",
            IN_A_LIST,
            Box::new(|| list(Value::Text("a".to_owned()))),
        ),
        (
            "boxes",
            IN_A_LIST,
            Box::new(|| list(Value::Boxed(Some(Value::Nil.into())))),
        ),
        (
            "units",
            IN_A_LIST,
            Box::new(|| vec![Root::Value(Value::Units(vec![(); 9_000_000]))]),
        ),
        (
            "operands",
            IN_A_LIST,
            Box::new(|| {
                k(vec![Entry::frame(Call::block(
                    CALLS,
                    vec![Value::Nil; many],
                ))])
            }),
        ),
        (
            "table",
            IN_A_LIST,
            Box::new(|| {
                let entries = (0..many).map(|n| (n.to_string(), Value::Nil));
                vec![Root::Value(Value::Table(entries.collect()))]
            }),
        ),
    ];
    for (what, most, roots) in dense {
        let bytes = save(&mut roots(), &registry).unwrap();
        empty_cells();
        settle();
        let live = LIVE.get();
        let taken = taken::<Call>(std::slice::from_ref(&bytes), &registry);
        assert_eq!(LIVE.get(), live, "something is left of {what}");
        println!(
            "{many} {what} are {} bytes, each of which takes {}; a frame takes {}, a value {}",
            bytes.len(),
            taken / bytes.len(),
            size_of::<Call>(),
            size_of::<Value>(),
        );
        assert!(
            taken <= (1 << 14) + most * bytes.len(),
            "{what} take {taken} bytes"
        );
    }
}
