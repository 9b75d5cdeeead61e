//! JSON that says it is a snapshot: it is refused, or it becomes one, which says the same.

#![no_main]

use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use segno::frame::{Limits, Machine};
use segno::snapshot::{Document, Editor, Registry};

#[path = "../../tests/snapshot_programs/mod.rs"]
mod snapshot_programs;

use snapshot_programs::{Call, Root, answered, empty_cells, read, registry, roots};

fuzz_target!(|text: &[u8]| {
    thread_local!(static REGISTRY: Rc<Registry> = registry());
    let registry = REGISTRY.with(Rc::clone);
    if let Ok(document) = serde_json::from_slice(text) {
        write(&document, &registry);
    }
    empty_cells();
});

fn write(document: &Document, registry: &Rc<Registry>) {
    let editor = Editor::<Call>::new(registry);
    let bytes = match editor.write(document) {
        Ok(bytes) => bytes,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let again = editor.read(&bytes).expect("what was written can be read");
    assert_eq!(editor.write(&again).as_ref(), Ok(&bytes));
    let mut loaded = read::<Call>(&[&bytes], registry).expect("and loaded");
    for root in roots(&mut loaded).into_iter().flatten() {
        let mut machine = match root {
            Root::Machine(machine) => machine,
            Root::Continuation(_) | Root::Value(_) => continue,
        };
        run(&mut machine);
    }
}

fn run(machine: &mut Machine<Call>) {
    machine.set_limits(Limits {
        depth: 1000,
        prompts: 1000,
        sealed_frames: 10_000,
        nesting: 10,
        overrun: 1000,
        ..Limits::default()
    });
    for n in 0..5 {
        answered(machine, n);
        if machine.run_for(200, &mut ()).is_err() {
            break;
        }
    }
}
