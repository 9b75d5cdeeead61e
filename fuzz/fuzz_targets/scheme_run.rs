//! Programs in Scheme end within their limits, and run the same straight as in slices, from one
//! interpreter to the next.

#![no_main]

use std::alloc::System;

use cap::Cap;
use libfuzzer_sys::fuzz_target;
use segno_scheme::interpreter::Interpreter;
use segno_scheme::world::{Heap, Sandbox};

#[path = "../../examples/scheme/tests/random/mod.rs"]
mod random;

use random::{Place, program, run};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

fn new() -> Interpreter {
    let used = || MEMORY.allocated();
    random::interpreter(Sandbox {
        heap: Some(Heap {
            limit: used() + (256 << 20),
            used,
        }),
        number_bits: 1 << 14,
        ..Sandbox::default()
    })
}

// The first byte tells whether the others are a program as it stands.
fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    if kind % 4 == 0 {
        let text = String::from_utf8_lossy(bytes);
        run(&text, 2_000, u64::MAX, Place::Here, new);
        return;
    }
    let text = program(bytes);
    let straight = run(&text, 500, u64::MAX, Place::Here, new);
    let slice = 1 + u64::from(*kind);
    let carried = run(&text, 500, slice, Place::Anew, new);
    assert_eq!(straight, carried, "another run of {text}");
});
