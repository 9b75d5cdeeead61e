//! Runs that are saved and loaded wherever they stop.

use std::cell::Cell;
use std::rc::Rc;

use proptest::prelude::*;
use segno::frame::*;
use segno::snapshot::{Base, LoadError, LoadLimits, Loaded, Policy, Registry, Save, SaveError};

use super::recurse::{Style, recursing};
use super::*;

pub(crate) fn registry() -> Rc<Registry> {
    registry_that(Policy::Refuse)
}

pub(crate) fn registry_that(policy: Policy) -> Rc<Registry> {
    let registry = Registry::new("laws", 1).policy(policy);
    let registry = TAGS.into_iter().fold(registry, Registry::tag);
    Rc::new(KEYS.into_iter().fold(registry, Registry::key))
}

/// What a run is saved in.
pub(crate) struct Shelf {
    registry: Rc<Registry>,
    /// A snapshot, and increments to it.
    snapshots: Vec<Vec<u8>>,
    pub(crate) base: Option<Base<Script>>,
}

impl Shelf {
    pub(crate) fn new(registry: &Rc<Registry>) -> Self {
        Self {
            registry: registry.clone(),
            snapshots: Vec::new(),
            base: None,
        }
    }

    /// Saves a machine and what the program has put into the slots: as an increment, if there
    /// is something that it can be one to.
    pub(crate) fn save(
        &mut self,
        machine: &mut Machine<Script>,
        world: &World,
    ) -> Result<(), SaveError> {
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

    pub(crate) fn load(&mut self, world: &mut World) -> Result<Machine<Script>, LoadError> {
        let (all, limits) = (&self.snapshots, LoadLimits::default());
        let mut loaded = Loaded::<Script>::read_increments(all, &self.registry, limits)?;
        self.base = Some(loaded.base());
        world.slots = loaded.value(1)?;
        let mut machine = loaded.machine(0)?;
        machine.set_limits(super::limits());
        Ok(machine)
    }
}

/// What happens wherever a run stops.
#[derive(Clone, Copy)]
pub(crate) enum Stop {
    /// It goes on from a snapshot.
    Saved,
    /// It goes on from an increment to what it went on from before.
    Increment,
    /// It is saved as an increment, and goes on from that, or as it is.
    Now(u64),
}

/// That runs come to what the straight run of frames that are data comes to, whatever happens
/// where they stop; and in whatever style frames recurse after each of the stops, if they do.
pub(crate) fn stops_are_not_noticed(cases: u32, stop: Stop, style: fn(usize) -> Option<Style>) {
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
        let mut random = fuel;
        let mut stops = 0;
        let found = loop {
            let outcome = recursing(style(stops), || here.run_for(fuel, &mut world));
            stops += 1;
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
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    random >> 33 & 3 < odds
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
