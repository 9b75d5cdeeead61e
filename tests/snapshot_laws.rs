//! A run that is saved and loaded wherever it stops is the straight run: of random programs,
//! at every suspension and wherever the fuel ends.

use std::cell::Cell;
use std::rc::Rc;

use proptest::prelude::*;
use segno::frame::*;
use segno::snapshot::{LoadLimits, Loaded, Registry, Save, SaveError};

mod frame_programs;

use frame_programs::*;

fn registry() -> Rc<Registry> {
    let registry = TAGS
        .into_iter()
        .fold(Registry::new("laws", 1), Registry::tag);
    Rc::new(KEYS.into_iter().fold(registry, Registry::key))
}

/// Saves a machine and what the program has put into the slots, and loads both.
fn carried(
    machine: &mut Machine<Script>,
    world: &mut World,
    registry: &Rc<Registry>,
) -> Result<Machine<Script>, SaveError> {
    let mut save = Save::<Script>::new(registry);
    save.machine(machine)?;
    save.value(&world.slots)?;
    let bytes = save.finish()?;
    let mut loaded = Loaded::<Script>::read(&bytes, registry, LoadLimits::default()).unwrap();
    world.slots = loaded.value(1).unwrap();
    let mut machine = loaded.machine(0).unwrap();
    machine.set_limits(limits());
    Ok(machine)
}

#[test]
fn a_run_that_is_carried_at_every_stop_is_the_same_run() {
    let [carries, refused] = [Cell::new(0), Cell::new(0)];
    let without = Without {
        once: true,
        ..Without::default()
    };
    let registry = registry();
    for_all(5_000, without, |program, fuel| {
        let mut world = World::new(program);
        let expected = finish(&mut machine(), &mut world, u64::MAX);
        let mut world = World::new(program);
        let mut here = machine();
        let fuel = 1 + fuel;
        let found = loop {
            let stop = here.run_for(fuel, &mut world);
            match &stop {
                Ok(Outcome::Suspended(_) | Outcome::OutOfFuel) => {}
                outcome => break Ending::new(&world, outcome),
            }
            match carried(&mut here, &mut world, &registry) {
                Ok(there) => {
                    carries.set(carries.get() + 1);
                    here = there;
                }
                Err(SaveError::NotSuspended | SaveError::Refused(_)) => {
                    refused.set(refused.get() + 1);
                }
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            }
            if let Ok(Outcome::Suspended(question)) = stop {
                here.answer(world.answer(&question)).unwrap();
            }
        };
        same(&found, &expected)
    });
    println!("{} carried, {} not", carries.get(), refused.get());
}
