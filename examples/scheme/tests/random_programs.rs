//! Programs at random run the same whatever the slices of their fuel, and wherever they go on.

mod random;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use segno_scheme::world::Sandbox;

use random::{Place, Ran, interpreter, program, run};

/// How many steps a program gets.
const STEPS: u64 = 400;

/// How many steps it runs for before it is looked at.
const SLICES: [u64; 4] = [1, 2, 7, 50];

fn ran(text: &str, slice: u64, place: Place) -> Ran {
    run(
        text,
        STEPS,
        slice,
        place,
        || interpreter(Sandbox::default()),
    )
}

/// Few of them do nothing but fail: the seed is fixed, and so are their numbers.
#[test]
fn they_run_the_same_in_slices_and_elsewhere() {
    let config = Config {
        cases: 96,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..Config::default()
    };
    let (mut done, mut printed) = (0, 0);
    let mut runner = TestRunner::new(config);
    let bytes = vec(any::<u8>(), 4..80);
    let cell = std::cell::RefCell::new((&mut done, &mut printed));
    let result = runner.run(&bytes, |bytes| {
        let text = program(&bytes);
        let straight = ran(&text, u64::MAX, Place::Here);
        for slice in SLICES {
            prop_assert_eq!(&ran(&text, slice, Place::Here), &straight, "{}", text);
        }
        // The smallest slices take too long with all of them.
        let slice = SLICES[usize::from(bytes[0]) % SLICES.len()];
        prop_assert_eq!(
            &ran(&text, slice, Place::Anew(u32::MAX)),
            &straight,
            "{}",
            text
        );
        let mut counts = cell.borrow_mut();
        *counts.0 += u32::from(straight.end.as_deref() == Some("done"));
        *counts.1 += u32::from(!straight.output.is_empty());
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(done > 15 && printed > 30, "{done} done, {printed} printed");
}
