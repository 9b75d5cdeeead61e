//! Computations that are saved, and go on elsewhere.

use std::rc::Rc;
use std::thread;

use segno::frame::{
    Context, Continuation, Describe, Frame, Input, Limits, Machine, MarkKey, Outcome, PromptTag,
    Step,
};
use segno::snapshot::{
    Link, LoadError, LoadLimits, Loaded, Named, Object, Persist, Registry, Save, SaveError, Shared,
};
use serde::{Deserialize, Serialize};

const P: PromptTag = PromptTag::named("p");
const LINE: MarkKey = MarkKey::named("line");

/// A value that leads to others.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Cell {
    n: i64,
    next: Option<Shared<Cell>>,
}

impl Object for Cell {
    const NAME: &'static str = "cell";
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Value {
    Number(i64),
    Cell(Shared<Cell>),
    K(Continuation<Call>),
}

#[derive(Clone, Debug, Describe, Persist)]
enum Call {
    /// Calls itself so many times; the last one asks. Each adds to a cell.
    Count {
        left: u32,
        #[slot(shared)]
        cell: Shared<Cell>,
    },
    Prompt(PromptName, u32, #[slot(shared)] Shared<Cell>),
    Apply(#[slot(named)] Named<fn(i64) -> i64>),
    Hold(Option<Continuation<Call>>),
    #[frame(one_shot)]
    Lock,
    Ask,
}

/// Whose name is its identity, or not.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum PromptName {
    Named,
}

impl Frame for Call {
    type Value = Value;
    type World = ();

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match (&mut *self, input) {
            (Self::Count { left: 0, .. }, Input::Start) => Step::Call(Self::Ask),
            (Self::Count { left, cell }, Input::Start) => {
                cx.set_mark(LINE, Value::Number((*left).into()));
                let (left, cell) = (*left - 1, cell.clone());
                Step::Call(Self::Count { left, cell })
            }
            (Self::Count { cell, .. }, Input::Value(Value::Number(n))) => {
                cell.update(|cell| cell.n += n);
                Step::Return(Value::Number(n))
            }
            (Self::Prompt(_, left, cell), Input::Start) => Step::Prompt {
                tag: P,
                body: Self::Count {
                    left: *left,
                    cell: cell.clone(),
                },
            },
            (Self::Apply(function), Input::Value(Value::Number(n))) => {
                Step::Return(Value::Number(function(n)))
            }
            (Self::Ask, Input::Start) => Step::Suspend(Value::Number(0)),
            (Self::Apply(_) | Self::Hold(_) | Self::Lock, Input::Start) => Step::Call(Self::Ask),
            (_, Input::Value(value)) => Step::Return(value),
            // Bytes that were tampered with.
            _ => Step::Raise(Value::Number(-1)),
        }
    }

    fn one_shot(&self) -> Option<&'static str> {
        self.one_shot_kind()
    }
}

fn double(n: i64) -> i64 {
    2 * n
}

fn registry() -> Rc<Registry> {
    Rc::new(Registry::new("test", 1).tag(P).key(LINE))
}

/// A machine that runs until it asks.
fn asking(frame: Call) -> Machine<Call> {
    let mut machine = Machine::new(frame);
    assert!(matches!(machine.run(&mut ()), Outcome::Suspended(_)));
    machine
}

fn answered(machine: &mut Machine<Call>, n: i64) -> i64 {
    machine.answer(Ok(Value::Number(n))).unwrap();
    match machine.run(&mut ()) {
        Outcome::Done(Value::Number(n)) => n,
        outcome => panic!("{outcome:?}"),
    }
}

fn load(bytes: &[u8], registry: &Rc<Registry>) -> Result<Loaded<Call>, LoadError> {
    Loaded::read(bytes, registry, LoadLimits::default())
}

#[test]
fn what_was_shared_is_shared() {
    let registry = registry();
    let cell = Shared::new(Cell::default());
    let count = |left| Call::Prompt(PromptName::Named, left, cell.clone());
    let mut one = asking(count(10));
    let mut other = asking(count(5));
    let k = one.continuation().unwrap();
    let mut save = Save::new(&registry);
    save.machine(&mut one).unwrap();
    save.machine(&mut other).unwrap();
    save.continuation(&k).unwrap();
    save.value(&Value::Cell(cell)).unwrap();
    let bytes = save.finish().unwrap();

    let mut loaded = load(&bytes, &registry).unwrap();
    let Value::Cell(cell) = loaded.value(3).unwrap() else {
        panic!("it was a cell")
    };
    let mut one = loaded.machine(0).unwrap();
    assert_eq!(answered(&mut one, 7), 7);
    assert_eq!(cell.get().n, 7 * 11);
    let mut other = loaded.machine(1).unwrap();
    assert_eq!(answered(&mut other, 100), 100);
    assert_eq!(cell.get().n, 7 * 11 + 100 * 6);
    // The continuation is that of the first machine.
    let mut again = Machine::idle();
    let k = loaded.continuation(2).unwrap();
    again.start_with(k, Ok(Value::Number(1))).unwrap();
    assert!(matches!(
        again.run(&mut ()),
        Outcome::Done(Value::Number(1))
    ));
    assert_eq!(cell.get().n, 7 * 11 + 100 * 6 + 11);
    assert_eq!(loaded.machine(0).unwrap_err(), LoadError::Root { index: 0 });
    // Once more, from where it was saved.
    let mut loaded = load(&bytes, &registry).unwrap();
    let mut one = loaded.machine(0).unwrap();
    assert_eq!(answered(&mut one, 1), 1);
    let Value::Cell(cell) = loaded.value(3).unwrap() else {
        panic!("it was a cell")
    };
    assert_eq!(cell.get().n, 11);
}

#[test]
fn who_is_resumed_twice_is_stored_once() {
    let registry = registry();
    let mut machine = asking(Call::Count {
        left: 1000,
        cell: Shared::new(Cell::default()),
    });
    let k = machine.continuation().unwrap();
    let size = |times: usize| {
        let mut save = Save::new(&registry);
        for _ in 0..times {
            save.continuation(&k).unwrap();
        }
        save.finish().unwrap().len()
    };
    assert!(size(10) < size(1) + 100);
}

#[test]
fn nothing_takes_little() {
    let registry = registry();
    let mut machine = asking(Call::Ask);
    let mut save = Save::new(&registry);
    save.continuation(&machine.continuation().unwrap()).unwrap();
    let bytes = save.finish().unwrap();
    assert!(bytes.len() <= 64, "{}", bytes.len());
}

#[test]
fn named_values_are_looked_up() {
    let function = Named::new(double as fn(i64) -> i64);
    let known = |value: &Named<fn(i64) -> i64>, revision| {
        let registry = Registry::new("test", 1);
        Rc::new(registry.revised("double", value.clone(), revision))
    };
    let saved = known(&function, 3);
    let mut save = Save::new(&saved);
    let mut machine = asking(Call::Apply(function));
    save.machine(&mut machine).unwrap();
    let bytes = save.finish().unwrap();

    // In another process it is another address.
    let there = known(&Named::new(|n| n + 1), 3);
    let mut machine = load(&bytes, &there).unwrap().machine(0).unwrap();
    assert_eq!(answered(&mut machine, 41), 42);

    let refused = |registry| load(&bytes, &registry).unwrap().machine(0).unwrap_err();
    let error = refused(Rc::new(Registry::new("test", 1)));
    assert!(matches!(error, LoadError::Unknown { .. }), "{error}");
    let other_type = Registry::new("test", 1).revised("double", Named::new(1u8), 3);
    let error = refused(Rc::new(other_type));
    assert!(matches!(error, LoadError::Unknown { .. }), "{error}");
    let error = refused(known(&Named::new(double), 4));
    assert!(
        matches!(
            error,
            LoadError::Revision {
                found: 3,
                expected: 4,
                ..
            }
        ),
        "{error}"
    );

    let mut save = Save::new(&registry());
    assert!(matches!(
        save.machine(&mut machine),
        Err(SaveError::NotSuspended)
    ));
    let mut machine = asking(Call::Apply(Named::new(double)));
    let error = save.machine(&mut machine).unwrap_err();
    assert!(matches!(error, SaveError::Unnamed { .. }), "{error}");
    // Nothing is lost: the machine goes on, and so does the snapshot.
    assert_eq!(answered(&mut machine, 4), 8);
    let cell = Shared::new(Cell::default());
    let mut count = asking(Call::Count { left: 3, cell });
    save.machine(&mut count).unwrap();
    let k = asking(Call::Apply(Named::new(double))).continuation();
    let mut holds = asking(Call::Hold(k));
    assert!(save.machine(&mut holds).is_err());
    save.value(&Value::Number(1)).unwrap();
    let bytes = save.finish().unwrap();
    let mut loaded = load(&bytes, &registry()).unwrap();
    assert_eq!(loaded.len(), 2);
    assert_eq!(answered(&mut loaded.machine(0).unwrap(), 3), 3);
    assert!(matches!(loaded.value(1), Ok(Value::Number(1))));
}

#[test]
fn what_has_no_second_copy_is_not_saved() {
    let mut save = Save::new(&registry());
    let error = save.machine(&mut asking(Call::Lock)).unwrap_err();
    assert_eq!(error, SaveError::OneShot { frame: "Lock" });
    let unknown = Rc::new(Registry::new("test", 1));
    let mut save = Save::new(&unknown);
    let cell = Shared::new(Cell::default());
    let mut under = asking(Call::Prompt(PromptName::Named, 0, cell));
    assert_eq!(save.machine(&mut under), Err(SaveError::UnknownTag(P)));
}

/// Later versions of the program.
mod later {
    use super::*;

    /// One that has nothing for what was there before.
    #[derive(Clone, Debug, Describe, Persist)]
    pub(super) enum Stranger {
        #[frame(name = "Ask", version = 2)]
        Ask,
    }

    impl Frame for Stranger {
        type Value = i64;
        type World = ();

        fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
            Step::Return(0)
        }
    }

    /// One in which a kind has another name and its slots another order, another has a slot
    /// more, and a shared value another shape.
    #[derive(Clone, Debug, Describe, Persist)]
    pub(super) enum Heir {
        #[frame(version = 4)]
        Tally {
            #[slot(shared)]
            cell: Shared<Sum>,
            left: u64,
        },
        #[frame(version = 2)]
        Ask {
            #[slot(since = 2)]
            times: u32,
        },
    }

    #[derive(Clone, Debug, Default, Serialize, Deserialize)]
    pub(super) struct Sum {
        pub(super) total: i64,
        pub(super) next: Option<Shared<Sum>>,
    }

    impl Object for Sum {
        const NAME: &'static str = "sum";
        const VERSION: u32 = 2;
    }

    impl Frame for Heir {
        type Value = Number;
        type World = Vec<String>;

        fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
            cx.world.push(format!("{self:?}"));
            match (self, input) {
                (Self::Tally { cell, .. }, Input::Value(Number::Number(n))) => {
                    cell.update(|cell| cell.total += n);
                    Step::Return(Number::Number(n))
                }
                (_, Input::Value(value)) => Step::Return(value),
                _ => Step::Suspend(Number::Number(0)),
            }
        }
    }

    /// The first of the values that there were.
    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub(super) enum Number {
        Number(i64),
    }
}

#[test]
fn a_later_version_goes_on() {
    let cell = Shared::new(Cell { n: 5, next: None });
    cell.update(|it| it.next = Some(cell.clone()));
    let mut save = Save::new(&registry());
    let count = Call::Count {
        left: 2,
        cell: cell.clone(),
    };
    save.machine(&mut asking(count)).unwrap();
    save.value(&cell).unwrap();
    let bytes = save.finish().unwrap();
    cell.update(|it| it.next = None);

    let registry = Registry::new("test", 2)
        .key(LINE)
        .upgrade(("Count", 1), ("Tally", 2), |slots: (u32, Link)| slots)
        .upgrade(
            ("Tally", 2),
            ("Tally", 3),
            |(left, cell): (u32, Shared<later::Sum>)| (cell, left),
        )
        .upgrade(
            ("Tally", 3),
            ("Tally", 4),
            |(cell, left): (Shared<later::Sum>, u32)| (cell, u64::from(left) + 100),
        )
        .upgrade_object(
            ("cell", 1),
            ("sum", 1),
            |cell: (i64, Option<Shared<later::Sum>>)| cell,
        )
        .upgrade_object(
            ("sum", 1),
            ("sum", 2),
            |(n, next): (i64, Option<Shared<later::Sum>>)| (2 * n, next),
        );
    let registry = Rc::new(registry);
    let limits = LoadLimits::default();
    let mut loaded = Loaded::<later::Heir>::read(&bytes, &registry, limits).unwrap();
    let cell: Shared<later::Sum> = loaded.value(1).unwrap();
    assert_eq!(cell.with(|cell| cell.total), 10);
    assert!(cell.with(|it| it.next.as_ref().is_some_and(|next| next.same(&cell))));
    let mut machine = loaded.machine(0).unwrap();
    machine.answer(Ok(later::Number::Number(7))).unwrap();
    let mut seen = Vec::new();
    assert!(matches!(
        machine.run(&mut seen),
        Outcome::Done(later::Number::Number(7))
    ));
    assert_eq!(seen[0], "Ask { times: 0 }");
    assert!(seen[1].contains("left: 100"), "{seen:?}");
    assert!(seen[3].contains("left: 102"), "{seen:?}");
    assert_eq!(cell.with(|cell| cell.total), 10 + 3 * 7);
    cell.update(|cell| cell.next = None);

    // One step short of it.
    let registry = Registry::new("test", 2).key(LINE);
    let registry = registry.upgrade(("Count", 1), ("Tally", 2), |slots: (u32, u32)| slots);
    let refused = |registry| {
        let loaded = Loaded::<later::Heir>::read(&bytes, &Rc::new(registry), limits);
        loaded.unwrap().machine(0).unwrap_err()
    };
    let (name, version) = ("Count".to_owned(), 1);
    assert_eq!(refused(registry), LoadError::Kind { name, version });
    // In circles.
    let registry = Registry::new("test", 2)
        .key(LINE)
        .upgrade(("Count", 1), ("Tally", 1), |slots: (u32, u32)| slots)
        .upgrade(("Tally", 1), ("Count", 1), |slots: (u32, u32)| slots);
    let (name, version) = ("Count".to_owned(), 1);
    assert_eq!(refused(registry), LoadError::Kind { name, version });
}

#[test]
fn what_does_not_fit_is_refused() {
    let registry = registry();
    let mut save = Save::new(&registry);
    save.machine(&mut asking(Call::Ask)).unwrap();
    let bytes = save.finish().unwrap();
    let refused = |bytes: &[u8]| load(bytes, &registry).unwrap_err();
    assert_eq!(refused(b"segn"), LoadError::NotASnapshot);
    assert_eq!(refused(b"segno"), LoadError::Damaged);
    assert_eq!(refused(b"segno\x02"), LoadError::Format { found: 2 });
    for len in 6..bytes.len() {
        assert_eq!(refused(&bytes[..len]), LoadError::Damaged);
    }
    for bit in 48..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(refused(&flipped), LoadError::Damaged);
    }
    let other = Rc::new(Registry::new("other", 1));
    let error = load(&bytes, &other).unwrap_err();
    assert!(matches!(error, LoadError::Program { .. }), "{error}");
    let later = Loaded::<later::Stranger>::read(&bytes, &registry, LoadLimits::default());
    let (name, version) = ("Ask".to_owned(), 1);
    let mut later = later.unwrap();
    assert_eq!(
        later.machine(0).unwrap_err(),
        LoadError::Kind { name, version }
    );
}

/// With its checksum right, whatever the bytes.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let content = bytes.len() - 4;
    let sum = crc32fast::hash(&bytes[..content]);
    bytes[content..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn mutants_are_refused_or_run() {
    let registry = registry();
    let cell = Shared::new(Cell::default());
    cell.update(|it| it.next = Some(cell.clone()));
    let mut machine = asking(Call::Prompt(PromptName::Named, 3, cell));
    let k = machine.continuation().unwrap();
    let mut save = Save::new(&registry);
    save.machine(&mut machine).unwrap();
    save.machine(&mut asking(Call::Hold(Some(k)))).unwrap();
    let bytes = save.finish().unwrap();
    let mut ran = 0;
    let mut attempt = |mutant: Vec<u8>| {
        let Ok(mut loaded) = load(&resealed(mutant), &registry) else {
            return;
        };
        for root in 0..loaded.len() {
            if let Ok(mut machine) = loaded.machine(root) {
                machine.set_limits(Limits {
                    depth: 1000,
                    prompts: 1000,
                    sealed_frames: 1000,
                    ..Limits::default()
                });
                let _ = machine.answer(Ok(Value::Number(1)));
                let _ = machine.run_for(1000, &mut ());
                ran += 1;
            }
        }
    };
    for at in 6..bytes.len() - 4 {
        for byte in 0..=255 {
            let mut mutant = bytes.clone();
            mutant[at] = byte;
            attempt(mutant);
            let mut mutant = bytes.clone();
            mutant.insert(at, byte);
            attempt(mutant);
        }
        let mut mutant = bytes.clone();
        mutant.remove(at);
        attempt(mutant);
        let mut mutant = bytes[..at].to_vec();
        mutant.extend([0; 4]);
        attempt(mutant);
    }
    assert!(ran > 100);
}

/// A loop of cells, and a chain of a million; and a million continuations, each of which is
/// held by a frame of the next. On a small stack.
#[test]
fn a_million_deep() {
    let on_a_small_stack = || {
        let registry = registry();
        let last = Shared::new(Cell::default());
        let mut first = last.clone();
        for n in 1..1_000_000 {
            let next = Some(first);
            first = Shared::new(Cell { n, next });
        }
        last.update(|cell| cell.next = Some(first.clone()));
        let mut save = Save::<Call>::new(&registry);
        save.value(&first).unwrap();
        let bytes = save.finish().unwrap();
        last.update(|cell| cell.next = None);
        drop(first);
        let mut loaded = Loaded::<Call>::read(&bytes, &registry, LoadLimits::default()).unwrap();
        let first: Shared<Cell> = loaded.value(0).unwrap();
        let mut cell = first.clone();
        for n in (0..1_000_000).rev() {
            assert_eq!(cell.with(|cell| cell.n), n);
            let next = cell.with(|cell| cell.next.clone());
            cell = next.unwrap();
        }
        assert!(cell.same(&first));
        // What leads back to itself is not dropped by itself.
        cell.update(|cell| cell.next = None);

        let mut k: Option<Continuation<Call>> = None;
        let mut machine = Machine::new(Call::Hold(None));
        for _ in 0..100_000 {
            machine = machine.beside();
            machine.start(Call::Hold(k.take())).unwrap();
            assert!(matches!(machine.run(&mut ()), Outcome::Suspended(_)));
            k = machine.continuation();
        }
        let mut save = Save::new(&registry);
        save.continuation(&k.unwrap()).unwrap();
        let bytes = save.finish().unwrap();
        let loaded = load(&bytes, &registry).unwrap();
        let mut k = loaded.continuation(0).unwrap();
        assert_eq!(k.len(), 2);
        let mut machine = Machine::<Call>::idle();
        machine
            .start_with(k.clone(), Ok(Value::K(k.clone())))
            .unwrap();
        assert!(matches!(machine.run(&mut ()), Outcome::Done(Value::K(_))));
        k = loaded.continuation(0).unwrap();
        drop((k, loaded));
    };
    let thread = thread::Builder::new().stack_size(256 << 10);
    thread.spawn(on_a_small_stack).unwrap().join().unwrap();
}

#[test]
fn limits() {
    let registry = registry();
    let cell = Shared::new(Cell::default());
    let mut save = Save::new(&registry);
    save.machine(&mut asking(Call::Count { left: 100, cell }))
        .unwrap();
    let bytes = save.finish().unwrap();
    let free = LoadLimits::default();
    let limits = LoadLimits { frames: 50, ..free };
    let error = Loaded::<Call>::read(&bytes, &registry, limits).unwrap_err();
    assert!(
        matches!(error, LoadError::Limit { limit: 50, .. }),
        "{error}"
    );
    let limits = LoadLimits { parts: 1, ..free };
    let error = Loaded::<Call>::read(&bytes, &registry, limits).unwrap_err();
    assert!(
        matches!(error, LoadError::Limit { limit: 1, .. }),
        "{error}"
    );
    let limits = LoadLimits { depth: 0, ..free };
    let error = Loaded::<Call>::read(&bytes, &registry, limits).unwrap_err();
    assert!(
        matches!(error, LoadError::Limit { limit: 0, .. }),
        "{error}"
    );
}

/// Outside of a snapshot there is nothing that they could refer to.
#[test]
fn by_themselves_references_are_not_encoded() {
    let cell = Shared::new(Cell::default());
    assert!(serde_json::to_string(&cell).is_err());
    assert!(serde_json::from_str::<Shared<Cell>>("0").is_err());
    let k = asking(Call::Ask).continuation().unwrap();
    assert!(serde_json::to_string(&k).is_err());
}
