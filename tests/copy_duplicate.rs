//! Frames on the native stack that are cloned with it: the same meaning once more, and what is
//! refused.

#![cfg(all(
    feature = "std",
    unix,
    any(target_arch = "x86_64", target_arch = "aarch64"),
))]

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use segno::copy::{Image, Region, enter};
use segno::frame::*;

mod frame_programs;

use frame_programs::recurse::{Recursive, recurse};
use frame_programs::*;

/// A script, or some of them on the native stack.
#[derive(Clone)]
enum Imaged {
    Script(Script),
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
            Self::Script(_) => &SCRIPT,
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
            Self::Script(_) => enter(self, input, cx, recurse),
        }
    }

    fn catches(&self) -> bool {
        match self {
            Self::Image(image) => image.catches(),
            Self::Script(script) => script.catches(),
        }
    }

    fn one_shot(&self) -> Option<&'static str> {
        match self {
            Self::Image(image) => image.one_shot(),
            Self::Script(script) => script.one_shot(),
        }
    }
}

impl Recursive for Imaged {
    fn of(script: Script) -> Self {
        Self::Script(script)
    }

    fn script(&mut self) -> &mut Script {
        match self {
            Self::Script(script) => script,
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
    let image = unsafe { Image::new(region, Imaged::Script(root()), recurse) };
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
    match &mut ending.outcome {
        Ok(Outcome::Done(value) | Outcome::Raised(value)) => shown(value),
        _ => {}
    }
    ending
}

fn by_images(program: &Program, region: &Region, fuel: u64) -> Ending {
    let (mut machine, mut world) = (imaged(region), World::new(program));
    let ending = loop {
        match machine.run_for(fuel, &mut world) {
            Ok(Outcome::Suspended(question)) => {
                machine.answer(world.answer(&question)).unwrap();
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

#[test]
fn one_meaning_as_data_and_as_images() {
    let region = Region::new(256 * 1024).unwrap();
    let passed = Cell::new(0);
    for_all(10_000, Without::default(), |program, number| {
        let mut program = program.clone();
        for block in &mut program {
            // What a host call does with images is told apart.
            block.retain(|op| !matches!(op, Op::Barrier(_)));
        }
        let expected = by_machine(machine(), World::new(&program), u64::MAX);
        let meets_limit = |event: &Event| {
            matches!(
                event,
                Event::Resumed {
                    with: Heard::Refused(Refusal::Depth { .. }),
                    ..
                }
            )
        };
        if expected.log.iter().any(meets_limit) {
            passed.set(passed.get() + 1);
            return Ok(());
        }
        let fuel = if number % 2 == 0 {
            u64::MAX
        } else {
            1 + number % 7
        };
        let found = by_images(&program, &region, fuel);
        same(&without_sizes(found), &without_sizes(expected))
    });
    println!("{} programs passed over", passed.get());
}
