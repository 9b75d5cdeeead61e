//! Bytes that say they are a snapshot: they are refused, or they are one, which is saved again
//! as it is and goes on.

#![no_main]

use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use segno::frame::{Limits, Machine};
use segno::snapshot::Registry;

#[path = "../../tests/snapshot_programs/mod.rs"]
mod snapshot_programs;

use snapshot_programs::{Call, Root, Value, answered, empty_cells, load, registry, save};

fuzz_target!(|bytes: &[u8]| {
    thread_local!(static REGISTRY: Rc<Registry> = registry());
    let registry = REGISTRY.with(Rc::clone);
    // With the checksum right, whatever it was.
    let content = &bytes[..bytes.len().saturating_sub(4)];
    let sum = crc32fast::hash(content).to_le_bytes();
    decode(&[content, &sum].concat(), &registry);
    empty_cells();
});

fn decode(bytes: &[u8], registry: &Rc<Registry>) {
    let Ok(mut roots) = load::<Call>(bytes, registry) else {
        return;
    };
    let again = save(&mut roots, registry).expect("what was loaded can be saved");
    let mut twice = load::<Call>(&again, registry).expect("what was saved can be loaded");
    assert_eq!(save(&mut twice, registry).as_ref(), Ok(&again));
    for root in roots {
        let mut machine = match root {
            Root::Machine(machine) => machine,
            Root::Continuation(k) => {
                let mut machine = Machine::idle();
                if machine.start_with(k, Ok(Value::Number(1))).is_err() {
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
        for n in 0..5 {
            answered(&mut machine, n);
            if machine.run_for(200, &mut ()).is_err() {
                break;
            }
        }
    }
}
