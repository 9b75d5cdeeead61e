//! Continuations that were taken apart, and put together in any other way: they are shown,
//! saved, loaded, and go on.

#![no_main]

use std::rc::Rc;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use segno::frame::{
    Continuation, Entry, Interrupted, Limits, Machine, MarkKey, PromptTag, Refusal,
};
use segno::snapshot::Registry;

#[path = "../../tests/snapshot_programs/mod.rs"]
mod snapshot_programs;

use snapshot_programs::{Call, FILMS, Root, Value, answered, empty_cells, load, registry, save};

#[derive(Arbitrary, Debug)]
struct Case {
    /// Where it begins: a program, and how many steps of it were done.
    program: u8,
    steps: u8,
    edits: Vec<Edit>,
    /// Whether it is resumed by another one, more than once.
    twice: bool,
}

#[derive(Arbitrary, Debug)]
enum Edit {
    Insert(u8, Thing),
    Remove(u8),
    Swap(u8, u8),
    Repeat(u8),
    /// Put together, and taken apart again.
    Rebuild,
    /// The same while another one holds it too.
    RebuildShared,
}

#[derive(Arbitrary, Debug)]
enum Thing {
    Frame(Block, Vec<(bool, i64)>),
    Prompt(bool, u8),
    Inside(Block, Block),
    Entering(Block, Block, Block),
    Leaving(Came),
}

#[derive(Arbitrary, Debug)]
struct Block(u8, Option<i64>);

#[derive(Arbitrary, Debug)]
enum Came {
    Returned(i64),
    Raised(i64),
    Refused,
}

impl Block {
    fn call(&self) -> Call {
        let operands = self.1.map(Value::Number).into_iter().collect();
        Call::block(u32::from(self.0) % 32, operands)
    }
}

impl Thing {
    fn entry(&self) -> Entry<Call> {
        let keys = [MarkKey::named("named"), MarkKey::fresh("loaded")];
        match self {
            Self::Frame(block, marks) => Entry::Frame {
                frame: block.call(),
                marks: marks
                    .iter()
                    .map(|(key, n)| (keys[usize::from(*key)], Value::Number(*n)))
                    .collect(),
            },
            Self::Prompt(other, times) => Entry::Prompt {
                tag: match other {
                    true => PromptTag::fresh("loaded"),
                    false => PromptTag::named("named"),
                },
                times: (*times).into(),
            },
            Self::Inside(before, after) => Entry::Inside {
                before: before.call(),
                after: after.call(),
            },
            Self::Entering(before, body, after) => Entry::Entering {
                before: before.call(),
                body: body.call(),
                after: after.call(),
            },
            Self::Leaving(came) => Entry::Leaving(match came {
                Came::Returned(n) => Ok(Value::Number(*n)),
                Came::Raised(n) => Err(Interrupted::Raised(Value::Number(*n))),
                Came::Refused => Err(Interrupted::Refused(Refusal::NoFuel)),
            }),
        }
    }
}

fuzz_target!(|case: Case| {
    let _ = edit(&case);
    empty_cells();
});

fn edit(case: &Case) -> Option<()> {
    thread_local!(static REGISTRY: Rc<Registry> = registry());
    let registry = REGISTRY.with(Rc::clone);
    let (_, block) = FILMS[usize::from(case.program) % FILMS.len()];
    let mut machine = Machine::new(Call::block(block, Vec::new()));
    for n in 0..case.steps {
        answered(&mut machine, n.into());
        let _ = machine.run_for(1, &mut ()).ok()?;
    }
    let inspector = machine.inspector();
    let mut layout = inspector.take_apart(machine.continuation()?).ok()?;
    for edit in case.edits.iter().take(100) {
        let entries = &mut layout.entries;
        let places = entries.len() + 1;
        let place = |at: &u8| usize::from(*at) % places;
        match edit {
            Edit::Insert(at, thing) => entries.insert(place(at), thing.entry()),
            Edit::Remove(at) if place(at) + 1 < places => drop(entries.remove(place(at))),
            Edit::Swap(a, b) if place(a).max(place(b)) + 1 < places => {
                entries.swap(place(a), place(b));
            }
            Edit::Repeat(at) if place(at) + 1 < places => {
                entries.push(entries[place(at)].clone());
            }
            Edit::Remove(_) | Edit::Swap(..) | Edit::Repeat(_) => {}
            Edit::Rebuild | Edit::RebuildShared => {
                let shared = matches!(edit, Edit::RebuildShared);
                let k = inspector.build(layout).ok()?;
                let held = shared.then(|| k.clone());
                layout = inspector.take_apart(k).expect("nothing in it was spent");
                drop(held);
            }
        }
    }
    let frames = |layout: &[Entry<Call>]| {
        let frames = layout.iter().filter(|it| matches!(it, Entry::Frame { .. }));
        frames.count()
    };
    let expected = frames(&layout.entries);
    let k = inspector.build(layout).ok()?;
    assert_eq!(k.len(), expected);
    assert!(!inspector.show(&k, 1000).is_empty());
    let mut again = vec![Root::Continuation(k.clone())];
    if let Ok(bytes) = save(&mut again, &registry) {
        let mut loaded = load::<Call>(&bytes, &registry).expect("what was saved can be loaded");
        assert_eq!(save(&mut loaded, &registry).as_ref(), Ok(&bytes));
        if let Some(Root::Continuation(loaded)) = loaded.pop() {
            // One is resumed like the other.
            assert_eq!(run(loaded, case.twice), run(k, case.twice));
        }
    } else {
        run(k, case.twice);
    }
    Some(())
}

/// What came of it.
fn run(k: Continuation<Call>, twice: bool) -> Vec<String> {
    let mut machine = Machine::idle();
    machine.set_limits(Limits {
        depth: 1000,
        prompts: 1000,
        sealed_frames: 10_000,
        nesting: 10,
        overrun: 1000,
        ..Limits::default()
    });
    let mut told = Vec::new();
    let mut with = vec![Value::Number(1)];
    if twice {
        // Who gets it may resume it, and so on.
        with.push(Value::K(k.clone()));
    }
    for value in with {
        if machine.start_with(k.clone(), Ok(value)).is_err() {
            continue;
        }
        for n in 0..5 {
            answered(&mut machine, n);
            let came = machine.run_for(100, &mut ());
            told.push(format!("{came:?}"));
            if came.is_err() {
                break;
            }
        }
    }
    told
}
