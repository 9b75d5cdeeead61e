//! Frames on the native stack that are cloned with it: the same meaning once more, and what is
//! refused.

#![cfg(all(
    feature = "std",
    unix,
    any(target_arch = "x86_64", target_arch = "aarch64"),
))]

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use segno::copy::{Image, Region, enter};
use segno::frame::*;

mod frame_programs;
mod owned;

use frame_programs::recurse::{Recursive, recurse};
use frame_programs::*;
use owned::Owned;

/// A script, or some of them on the native stack.
#[derive(Clone)]
enum Imaged {
    Script(Script, #[expect(dead_code, reason = "is dropped")] Owned),
    Image(Image<Self>),
}

impl From<Image<Self>> for Imaged {
    fn from(image: Image<Self>) -> Self {
        Self::Image(image)
    }
}

impl Describe for Imaged {
    fn descriptor(&self) -> &'static FrameDescriptor {
        static SCRIPT: FrameDescriptor = FrameDescriptor::new("script", &[]);
        static IMAGE: FrameDescriptor = FrameDescriptor::new("image", &[]);
        match self {
            Self::Script(..) => &SCRIPT,
            Self::Image(_) => &IMAGE,
        }
    }

    fn slot(&self, _: usize) -> Option<&dyn fmt::Debug> {
        None
    }
}

impl Frame for Imaged {
    type Value = Value;
    type World = World;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match self {
            Self::Image(image) => image.resume(input, cx),
            Self::Script(..) => enter(self, input, cx, recurse),
        }
    }

    fn catches(&self) -> bool {
        match self {
            Self::Image(image) => image.catches(),
            Self::Script(script, _) => script.catches(),
        }
    }

    fn one_shot(&self) -> Option<&'static str> {
        match self {
            Self::Image(image) => image.one_shot(),
            Self::Script(script, _) => script.one_shot(),
        }
    }
}

impl Recursive for Imaged {
    fn of(script: Script) -> Self {
        Self::Script(script, Owned::new())
    }

    fn script(&mut self) -> &mut Script {
        match self {
            Self::Script(script, _) => script,
            Self::Image(_) => unreachable!("an image is no state"),
        }
    }

    fn held(k: Continuation<Self>) -> K {
        K::Model(0, Rc::new(k))
    }

    fn taken(k: K) -> Continuation<Self> {
        match k {
            K::Model(_, k) => (*k.downcast::<Continuation<Self>>().unwrap()).clone(),
            K::Machine(_) => unreachable!(),
        }
    }
}

/// A machine of which all frames are images in `region`.
#[allow(unsafe_code, reason = "promises what is in the frames")]
fn imaged(region: &Region) -> Machine<Imaged> {
    // SAFETY: when `recurse` asks, it has given away what it had, but for numbers.
    let image = unsafe { Image::new(region, Imaged::of(root()), recurse) };
    Machine::new(Imaged::Image(image))
}

/// An ending in which continuations are continuations, whatever their sizes: an image is one
/// frame.
fn without_sizes(mut ending: Ending) -> Ending {
    let shown = |shown: &mut Shown| {
        if let Shown::K(size) = shown {
            *size = 0;
        }
    };
    for event in &mut ending.log {
        match event {
            Event::Resumed { with, .. } => match with {
                Heard::Value(value) | Heard::Raised(value) => shown(value),
                Heard::K(size) => *size = 0,
                _ => {}
            },
            Event::Mark(Some(value)) | Event::Answered(value) => shown(value),
            Event::Marks(values) => values.iter_mut().for_each(shown),
            Event::HostCall(Ok(value) | Err(Interrupted::Raised(value))) => shown(value),
            _ => {}
        }
    }
    ending.slots.iter_mut().flatten().for_each(shown);
    if let Ok(Outcome::Done(value) | Outcome::Raised(value)) = &mut ending.outcome {
        shown(value);
    }
    ending
}

/// Runs a program by images; a machine that has suspended goes on as another, or as itself.
fn by_images(
    program: &Program,
    region: &Region,
    fuel: u64,
    goes_on: impl Fn(Machine<Imaged>, Result<Value, Value>) -> Machine<Imaged>,
) -> Ending {
    let (mut machine, mut world) = (imaged(region), World::new(program));
    let ending = loop {
        match machine.run_for(fuel, &mut world) {
            Ok(Outcome::Suspended(question)) => {
                machine = goes_on(machine, world.answer(&question));
            }
            Ok(Outcome::OutOfFuel) => {}
            outcome => break Ending::new(&world, &outcome),
        }
    };
    world.slots = [const { None }; SLOTS];
    world.last = None;
    assert_eq!(machine.sealed_frames(), 0, "frames are left over");
    ending
}

fn answered(mut machine: Machine<Imaged>, with: Result<Value, Value>) -> Machine<Imaged> {
    machine.answer(with).unwrap();
    machine
}

fn without(program: &Program, is_left_out: impl Fn(&Op) -> bool) -> Program {
    let mut program = program.clone();
    for block in &mut program {
        block.retain(|op| !is_left_out(op));
    }
    program
}

/// What a host call does with images is told apart.
fn is_barrier(op: &Op) -> bool {
    matches!(op, Op::Barrier(_))
}

/// Whether it gets to a limit, which images get to later.
fn meets_limit(ending: &Ending) -> bool {
    ending.log.iter().any(|event| {
        matches!(
            event,
            Event::Resumed {
                with: Heard::Refused(Refusal::Depth { .. }),
                ..
            }
        )
    })
}

/// What is resumed once as a whole, since its lowest frame can be resumed only once, is refused
/// where the frames above that could still be resumed as data. Until then all is the same.
fn until_one_is_spent(found: &mut Ending, expected: &mut Ending) -> bool {
    let is_spent = |event: &Event| {
        matches!(
            event,
            Event::Resumed {
                with: Heard::Refused(Refusal::OneShot { .. }),
                ..
            }
        )
    };
    let at = found.log.iter().position(is_spent);
    if let Some(at) = at {
        found.log.truncate(at);
        expected.log.truncate(at);
    }
    at.is_some()
}

#[test]
fn one_meaning_as_data_and_as_images() {
    let region = Region::new(256 * 1024).unwrap();
    let (passed, spent) = (Cell::new(0), Cell::new(0));
    for_all(10_000, Without::default(), |program, number| {
        let program = without(program, is_barrier);
        let expected = by_machine(machine(), World::new(&program), u64::MAX);
        if meets_limit(&expected) {
            passed.set(passed.get() + 1);
            return Ok(());
        }
        let fuel = if number % 2 == 0 {
            u64::MAX
        } else {
            1 + number % 7
        };
        let found = by_images(&program, &region, fuel, answered);
        owned::none_left();
        let (mut found, mut expected) = (without_sizes(found), without_sizes(expected));
        if until_one_is_spent(&mut found, &mut expected) {
            spent.set(spent.get() + 1);
            proptest::prop_assert_eq!(found.log, expected.log);
            return Ok(());
        }
        same(&found, &expected)
    });
    println!(
        "{} programs passed over, {} until a frame was spent",
        passed.get(),
        spent.get()
    );
}

/// The same machine, with the states of images in their place.
fn by_states(mut machine: Machine<Imaged>, with: Result<Value, Value>) -> Machine<Imaged> {
    let Some(k) = machine.continuation() else {
        return answered(machine, with);
    };
    let inspector = machine.inspector();
    let beside = machine.beside();
    drop(machine);
    let mut entries = Vec::new();
    for entry in inspector.take_apart(k).unwrap().entries {
        match entry {
            Entry::Frame { frame, marks } => {
                let mut states = states(frame);
                let lowest = states.remove(0);
                entries.extend(states.into_iter().rev().map(Entry::frame));
                entries.push(Entry::Frame {
                    frame: lowest,
                    marks,
                });
            }
            entry => entries.push(entry),
        }
    }
    let mut machine = beside;
    let k = inspector.build(Layout { entries }).unwrap();
    machine.start_with(k, with).unwrap();
    machine
}

fn states(frame: Imaged) -> Vec<Imaged> {
    match frame {
        Imaged::Image(image) => image.states(),
        script @ Imaged::Script(..) => vec![script],
    }
}

#[test]
fn images_go_on_as_their_states() {
    let region = Region::new(256 * 1024).unwrap();
    let family = Without {
        once: true,
        ..Without::default()
    };
    let replaced = Cell::new(0);
    for_all(5_000, family, |program, number| {
        // Who goes on with a continuation enters its winders.
        let program = without(program, |op| {
            is_barrier(op) || matches!(op, Op::Wind { .. })
        });
        let expected = by_machine(machine(), World::new(&program), u64::MAX);
        if meets_limit(&expected) {
            return Ok(());
        }
        let left = Cell::new(number % 3);
        let found = by_images(&program, &region, u64::MAX, |machine, with| {
            if left.replace(left.get().wrapping_sub(1)) == 0 {
                replaced.set(replaced.get() + 1);
                by_states(machine, with)
            } else {
                answered(machine, with)
            }
        });
        owned::none_left();
        same(&without_sizes(found), &without_sizes(expected))
    });
    assert!(replaced.get() > 0, "none was replaced");
}

#[test]
fn a_state_of_an_image_panics_when_it_is_cloned() {
    let region = Region::new(256 * 1024).unwrap();
    let panicked = Cell::new(0);
    for_all(5_000, Without::default(), |program, number| {
        let program = without(program, is_barrier);
        owned::CLONES.set(number % 20);
        let run = AssertUnwindSafe(|| by_images(&program, &region, u64::MAX, answered));
        let ending = catch_unwind(run);
        owned::CLONES.set(u64::MAX);
        if let Err(payload) = ending {
            if payload.downcast_ref() != Some(&"on purpose") {
                resume_unwind(payload);
            }
            panicked.set(panicked.get() + 1);
        }
        owned::none_left();
        Ok(())
    });
    assert!(panicked.get() > 0, "none panicked");
}
