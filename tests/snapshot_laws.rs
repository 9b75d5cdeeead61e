//! A run that is saved and loaded wherever it stops is the straight run: of random programs,
//! at every suspension and wherever the fuel ends; by whole snapshots, and by increments.

use std::cell::Cell;

use proptest::prelude::*;
use segno::frame::*;
use segno::snapshot::{Answer, FrameReport, LoadLimits, Loaded, Policy, Save};

mod frame_programs;

use frame_programs::recurse::Style;
use frame_programs::saved::{Shelf, Stop, registry, registry_that, stops_are_not_noticed};
use frame_programs::*;

/// Frames do not recurse.
fn as_data(_: usize) -> Option<Style> {
    None
}

#[test]
fn a_run_that_is_carried_at_every_stop_is_the_same_run() {
    stops_are_not_noticed(5_000, Stop::Saved, as_data);
}

#[test]
fn a_run_that_is_carried_by_increments_is_the_same_run() {
    stops_are_not_noticed(3_000, Stop::Increment, as_data);
}

#[test]
fn increments_to_a_run_that_goes_on_are_the_same_run() {
    for odds in [2, 3] {
        stops_are_not_noticed(1_500, Stop::Now(odds), as_data);
    }
}

/// Runs on, and is carried wherever that stops.
fn goes_on(
    mut machine: Machine<Script>,
    mut world: World,
    fuel: u64,
) -> Result<usize, TestCaseError> {
    let registry = registry();
    let mut carries = 0;
    loop {
        let outcome = machine.run_for(fuel, &mut world);
        if !matches!(outcome, Ok(Outcome::Suspended(_) | Outcome::OutOfFuel)) {
            return Ok(carries);
        }
        let mut shelf = Shelf::new(&registry);
        if shelf.save(&mut machine, &world).is_ok() {
            let there = shelf.load(&mut world);
            machine = there.map_err(|error| TestCaseError::fail(error.to_string()))?;
            carries += 1;
        }
        if let Ok(Outcome::Suspended(question)) = outcome {
            machine.answer(world.answer(&question)).unwrap();
        }
    }
}

/// Wherever a run stops, it is loaded by a program that does not have one of its blocks.
#[test]
fn a_machine_that_has_restarted_is_as_any_other() {
    let [restarts, refused, carries] = [const { Cell::new(0) }; 3];
    let without = Without {
        once: true,
        ..Without::default()
    };
    let registry = registry_that(Policy::Restart);
    for_all(300, without, |program, number| {
        let (unknown, fuel) = (number as usize % BLOCKS, 1 + number / 4);
        let mut world = World::new(program);
        let mut here = machine();
        loop {
            let outcome = here.run_for(fuel, &mut world);
            if !matches!(outcome, Ok(Outcome::Suspended(_) | Outcome::OutOfFuel)) {
                return Ok(());
            }
            let mut save = Save::new(&registry);
            if save.machine(&mut here).is_ok() {
                let bytes = save.finish().unwrap();
                UNKNOWN.set(unknown);
                let loaded = Loaded::<Script>::read(&bytes, &registry, LoadLimits::default());
                let there = loaded.map(|mut loaded| (loaded.report(0), loaded.machine(0)));
                UNKNOWN.set(BLOCKS);
                let (report, there) =
                    there.map_err(|error| TestCaseError::fail(error.to_string()))?;
                let report = report.map_err(|error| TestCaseError::fail(error.to_string()))?;
                prop_assert_eq!(report.refused.as_deref(), there.as_ref().err());
                let is_restarted = |it: &FrameReport| it.answer == Answer::Restarted;
                match there {
                    Ok(mut there) if report.frames.iter().any(is_restarted) => {
                        restarts.set(restarts.get() + 1);
                        there.set_limits(frame_programs::limits());
                        let goes_on = goes_on(there, World::new(program), fuel)?;
                        carries.set(carries.get() + goes_on);
                    }
                    Ok(_) => {}
                    Err(_) => refused.set(refused.get() + 1),
                }
            }
            if let Ok(Outcome::Suspended(question)) = outcome {
                here.answer(world.answer(&question)).unwrap();
            }
        }
    });
    println!(
        "{} restarted, {} refused, {} carried",
        restarts.get(),
        refused.get(),
        carries.get()
    );
}
