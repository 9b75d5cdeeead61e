//! Programs in Scheme end within their limits, and run the same straight as in slices, from one
//! interpreter to the next.

#![no_main]

use std::alloc::System;
use std::mem::ManuallyDrop;

use cap::Cap;
use libfuzzer_sys::fuzz_target;
use segno_scheme::interpreter::Interpreter;
use segno_scheme::world::{Heap, Sandbox};

#[path = "../../examples/scheme/tests/random/mod.rs"]
mod random;

use random::{BEGIN, Place, program, run};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

thread_local! {
    /// As long as it is there, others are made at little cost.
    static FIRST: ManuallyDrop<Interpreter> = ManuallyDrop::new(new());
}

/// The tests of the suite are programs with this.
const TEST: &str = "(define-syntax test (syntax-rules () ((_ a e ...) (say (begin e ...)))))\n";

fn new() -> Interpreter {
    let used = || MEMORY.allocated();
    random::interpreter(Sandbox {
        heap: Some(Heap {
            limit: used() + (64 << 20),
            used,
        }),
        number_bits: 1 << 14,
        ..Sandbox::default()
    })
}

// The first byte tells whether the others are a program as it stands, and how long slices are.
fuzz_target!(|bytes: &[u8]| {
    FIRST.with(|_| ());
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    let slice = 1 + u64::from(kind / 4);
    if kind % 4 == 0 {
        let text = format!("{BEGIN}{TEST}{}", String::from_utf8_lossy(bytes));
        // The clock may tell two runs apart.
        run(&text, 2_000, 8 * slice, Place::Anew(2), new);
        return;
    }
    let text = program(bytes);
    let straight = run(&text, 500, u64::MAX, Place::Here, new);
    let carried = run(&text, 500, slice, Place::Anew(3), new);
    assert_eq!(straight, carried, "another run of {text}");
});
