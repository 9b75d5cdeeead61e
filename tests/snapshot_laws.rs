//! A run that is saved and loaded wherever it stops is the straight run: of random programs,
//! at every suspension and wherever the fuel ends; by whole snapshots, and by increments.

use std::cell::Cell;
use std::rc::Rc;

use proptest::prelude::*;
use segno::frame::*;
use segno::snapshot::{
    Answer, Base, FrameReport, LoadError, LoadLimits, Loaded, Policy, Registry, Save, SaveError,
};

mod frame_programs;

use frame_programs::*;

fn registry() -> Rc<Registry> {
    registry_that(Policy::Refuse)
}

fn registry_that(policy: Policy) -> Rc<Registry> {
    let registry = Registry::new("laws", 1).policy(policy);
    let registry = TAGS.into_iter().fold(registry, Registry::tag);
    Rc::new(KEYS.into_iter().fold(registry, Registry::key))
}

/// What a run is saved in.
struct Shelf {
    registry: Rc<Registry>,
    /// A snapshot, and increments to it.
    snapshots: Vec<Vec<u8>>,
    base: Option<Base<Script>>,
}

impl Shelf {
    fn new(registry: &Rc<Registry>) -> Self {
        Self {
            registry: registry.clone(),
            snapshots: Vec::new(),
            base: None,
        }
    }

    /// Saves a machine and what the program has put into the slots: as an increment, if there
    /// is something that it can be one to.
    fn save(&mut self, machine: &mut Machine<Script>, world: &World) -> Result<(), SaveError> {
        let mut save = match &self.base {
            Some(base) => Save::since(base, &self.registry),
            None => Save::new(&self.registry),
        };
        save.machine(machine)?;
        save.value(&world.slots)?;
        let (bytes, base) = save.finish_as_base()?;
        if self.base.replace(base).is_none() {
            self.snapshots.clear();
        }
        self.snapshots.push(bytes);
        Ok(())
    }

    fn load(&mut self, world: &mut World) -> Result<Machine<Script>, LoadError> {
        let (all, limits) = (&self.snapshots, LoadLimits::default());
        let mut loaded = Loaded::<Script>::read_increments(all, &self.registry, limits)?;
        self.base = Some(loaded.base());
        world.slots = loaded.value(1)?;
        let mut machine = loaded.machine(0)?;
        machine.set_limits(frame_programs::limits());
        Ok(machine)
    }
}

/// What happens wherever a run stops.
#[derive(Clone, Copy)]
enum Stop {
    /// It goes on from a snapshot.
    Saved,
    /// It goes on from an increment to what it went on from before.
    Increment,
    /// It is saved as an increment, and goes on from that, or as it is.
    Now(u64),
}

/// That runs come to the same, whatever happens where they stop.
fn stops_are_not_noticed(cases: u32, stop: Stop) {
    let [carries, refused] = [Cell::new(0), Cell::new(0)];
    let without = Without {
        once: true,
        ..Without::default()
    };
    let registry = registry();
    for_all(cases, without, |program, fuel| {
        let mut world = World::new(program);
        let expected = finish(&mut machine(), &mut world, u64::MAX);
        let mut world = World::new(program);
        let mut here = machine();
        let mut shelf = Shelf::new(&registry);
        let fuel = 1 + fuel;
        let mut stops = fuel;
        let found = loop {
            let outcome = here.run_for(fuel, &mut world);
            match &outcome {
                Ok(Outcome::Suspended(_) | Outcome::OutOfFuel) => {}
                outcome => break Ending::new(&world, outcome),
            }
            let goes_on = match stop {
                Stop::Saved => {
                    shelf.base = None;
                    false
                }
                Stop::Increment => false,
                Stop::Now(odds) => {
                    stops = stops
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    stops >> 33 & 3 < odds
                }
            };
            match shelf.save(&mut here, &world) {
                Ok(()) if goes_on => {}
                Ok(()) => {
                    carries.set(carries.get() + 1);
                    let there = shelf.load(&mut world);
                    here = there.map_err(|error| TestCaseError::fail(error.to_string()))?;
                }
                Err(SaveError::NotSuspended | SaveError::Refused(_)) => {
                    refused.set(refused.get() + 1);
                }
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            }
            if let Ok(Outcome::Suspended(question)) = outcome {
                here.answer(world.answer(&question)).unwrap();
            }
        };
        same(&found, &expected)
    });
    println!("{} carried, {} not", carries.get(), refused.get());
}

#[test]
fn a_run_that_is_carried_at_every_stop_is_the_same_run() {
    stops_are_not_noticed(5_000, Stop::Saved);
}

#[test]
fn a_run_that_is_carried_by_increments_is_the_same_run() {
    stops_are_not_noticed(3_000, Stop::Increment);
}

#[test]
fn increments_to_a_run_that_goes_on_are_the_same_run() {
    for odds in [2, 3] {
        stops_are_not_noticed(1_500, Stop::Now(odds));
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
