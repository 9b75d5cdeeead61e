//! One meaning, two ways to hold frames: a random program leaves the same log where its frames
//! are data and where they recurse on the native stack.

use std::cell::Cell;

use proptest::prelude::*;
use segno::frame::*;

mod frame_programs;

use frame_programs::recurse::{STYLES, recursing};
use frame_programs::*;

#[test]
fn one_meaning_as_data_and_on_the_native_stack() {
    let [as_data, natively] = [Cell::new(0), Cell::new(0)];
    for_all(20_000, Without::default(), |program, _| {
        RESUMES.set(0);
        let run = || by_machine(machine(), World::new(program), u64::MAX);
        let expected = run();
        as_data.set(as_data.get() + RESUMES.take());
        STYLES.into_iter().try_for_each(|style| {
            let found = recursing(style, run);
            natively.set(natively.get() + RESUMES.take());
            same(&found, &expected)
        })
    });
    let [as_data, natively] = [as_data.get(), natively.get()];
    println!("{as_data} steps as data, {natively} on the native stack");
    assert!(natively < STYLES.len() * as_data);
}

#[test]
fn a_run_in_portions_is_the_same_run() {
    for_all(5_000, Without::default(), |program, number| {
        let expected = by_machine(machine(), World::new(program), u64::MAX);
        let portion = 1 + number % 7;
        STYLES.into_iter().try_for_each(|style| {
            let run = || by_machine(machine(), World::new(program), portion);
            same(&recursing(style, run), &expected)
        })
    });
}

#[test]
fn limits_of_depth_and_nesting_are_the_same() {
    for_all(5_000, Without::default(), |program, number| {
        let limits = Limits {
            depth: 1 + (number / 3) as usize % 10,
            nesting: number as usize % 3,
            ..limits()
        };
        let run = || by_machine(limited_machine(limits), World::new(program), u64::MAX);
        let expected = run();
        STYLES
            .into_iter()
            .try_for_each(|style| same(&recursing(style, run), &expected))
    });
}

#[test]
fn who_resumes_once_clones_nothing() {
    let without = Without {
        sharing: true,
        once: true,
    };
    let sealed = Cell::new(0);
    for_all(5_000, without, |program, number| {
        let before = CLONES.get();
        for style in STYLES {
            let mut machine = machine();
            let mut world = World::new(program);
            recursing(style, || {
                loop {
                    match machine.run_for(1 + number, &mut world) {
                        Ok(Outcome::Suspended(question)) => {
                            machine.answer(world.answer(&question)).unwrap();
                        }
                        Ok(Outcome::OutOfFuel) => {}
                        _ => break,
                    }
                    sealed.set(sealed.get() + machine.sealed_frames());
                }
            });
        }
        prop_assert_eq!(CLONES.get(), before);
        Ok(())
    });
    assert!(sealed.get() > 0, "too tame");
}

/// The whole rest of a computation goes on elsewhere, and the machine that it was taken from
/// goes on too: from the same question, since stops for fuel are not at the same step.
#[test]
fn a_detached_continuation_goes_on_elsewhere() {
    /// What became of the machine itself, of how many frames its continuation was, and what
    /// became of that.
    type Ends = (Ending, Option<usize>, Option<Result<Ending, Refusal>>);

    fn run(program: &Program, mut questions: u64) -> Option<Ends> {
        let mut here = machine();
        let mut world = World::new(program);
        while let Ok(Outcome::Suspended(question)) = here.run_for(u64::MAX, &mut world) {
            let answer = world.answer(&question);
            if questions > 0 {
                questions -= 1;
                here.answer(answer).unwrap();
                continue;
            }
            let k = here.continuation();
            let len = k.as_ref().map(Continuation::len);
            let k = k.map(Continuation::detach);
            let mut elsewhere = world.clone();
            here.answer(answer.clone()).unwrap();
            let ending = finish(&mut here, &mut world, u64::MAX);
            let goes_on = |k: Detached<Script>| {
                let mut there = Machine::idle();
                there.set_limits(limits());
                there.start_with(k.attach(), answer).unwrap();
                finish(&mut there, &mut elsewhere, u64::MAX)
            };
            return Some((ending, len, k.map(|k| k.map(goes_on))));
        }
        None
    }

    let moved = Cell::new(0);
    for_all(5_000, Without::default(), |program, number| {
        let questions = number % 3;
        let expected = run(program, questions);
        STYLES.into_iter().try_for_each(|style| {
            let found = recursing(style, || run(program, questions));
            if let (Some(found), Some(expected)) = (&found, &expected) {
                moved.set(moved.get() + 1);
                same(&found.0, &expected.0)?;
            }
            prop_assert_eq!(&found, &expected);
            Ok(())
        })
    });
    println!("{} continuations moved", moved.get());
    assert!(moved.get() > 0, "too tame");
}
