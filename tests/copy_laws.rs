//! One meaning, two ways to hold frames: a random program leaves the same log where its frames
//! are data and where they recurse on the native stack.

mod frame_programs;

use frame_programs::*;

/// The same by frames that recurse.
fn recursing<T>(run: impl FnOnce() -> T) -> T {
    RECURSES.set(true);
    let came = run();
    RECURSES.set(false);
    came
}

#[test]
fn one_meaning_as_data_and_on_the_native_stack() {
    for_all(20_000, Without::default(), |program, _| {
        let expected = by_machine(machine(), World::new(program), u64::MAX);
        let found = recursing(|| by_machine(machine(), World::new(program), u64::MAX));
        same(&found, &expected)
    });
}

#[test]
fn a_run_in_portions_is_the_same_run() {
    for_all(5_000, Without::default(), |program, number| {
        let expected = by_machine(machine(), World::new(program), u64::MAX);
        let portion = 1 + number % 7;
        let found = recursing(|| by_machine(machine(), World::new(program), portion));
        same(&found, &expected)
    });
}
