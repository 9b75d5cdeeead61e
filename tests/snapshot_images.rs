//! Frames on the native stack, saved as their states.

#![cfg(all(
    feature = "serde",
    feature = "derive",
    unix,
    any(target_arch = "x86_64", target_arch = "aarch64"),
))]

use std::fmt;
use std::rc::Rc;

use segno::copy::{Came, Coop, Image, Region, enter};
use segno::frame::*;
use segno::snapshot::{LoadLimits, Loaded, Persist, Registry, Save};

const TAG: PromptTag = PromptTag::named("images");

/// The sum of the answers to so many questions, from the last one.
#[derive(Clone, Describe, Persist)]
struct Sum {
    n: u32,
    answer: Option<i64>,
}

/// A frame that is a sum, whatever it is apart from that.
trait Sums: Describe + Frame<Value = i64, World = ()> {
    fn of(sum: Sum) -> Self;

    fn sum(&mut self) -> &mut Sum;
}

fn sum<F: Sums>(mut coop: Coop<'_, '_, F>) -> Came<F> {
    let n = coop.state.sum().n;
    if n == 0 {
        return Ok(0);
    }
    let answer = match coop.state.sum().answer {
        Some(answer) => answer,
        None => {
            let answer = coop.suspend(n.into())?;
            *coop.state.sum().answer.insert(answer)
        }
    };
    let others = F::of(Sum {
        n: n - 1,
        answer: None,
    });
    // Each third one has a prompt below it, and is an image of its own.
    let others = if n.is_multiple_of(3) {
        coop.ask(Step::Prompt {
            tag: TAG,
            body: others,
        })?
    } else {
        coop.call(others, sum)?
    };
    Ok(answer + others)
}

impl Frame for Sum {
    type Value = i64;
    type World = ();

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        enter(self, input, cx, sum)
    }
}

impl Sums for Sum {
    fn of(sum: Sum) -> Self {
        sum
    }

    fn sum(&mut self) -> &mut Sum {
        self
    }
}

#[derive(Clone)]
enum Imaged {
    Sum(Sum),
    Image(Image<Self>),
}

impl From<Image<Self>> for Imaged {
    fn from(image: Image<Self>) -> Self {
        Self::Image(image)
    }
}

impl Describe for Imaged {
    fn descriptor(&self) -> &'static FrameDescriptor {
        static IMAGED: FrameDescriptor = FrameDescriptor::new("imaged", &[]);
        &IMAGED
    }

    fn slot(&self, _: usize) -> Option<&dyn fmt::Debug> {
        None
    }
}

impl Frame for Imaged {
    type Value = i64;
    type World = ();

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match self {
            Self::Image(image) => image.resume(input, cx),
            Self::Sum(_) => enter(self, input, cx, sum),
        }
    }
}

impl Sums for Imaged {
    fn of(sum: Sum) -> Self {
        Self::Sum(sum)
    }

    fn sum(&mut self) -> &mut Sum {
        match self {
            Self::Sum(sum) => sum,
            Self::Image(_) => unreachable!("an image is no state"),
        }
    }
}

/// What is suspended, of plain states.
fn by_states(machine: &mut Machine<Imaged>) -> Continuation<Sum> {
    let inspector = machine.inspector();
    let k = machine.continuation().unwrap();
    let mut entries = Vec::new();
    for entry in inspector.take_apart(k).unwrap().entries {
        match entry {
            Entry::Frame {
                frame: Imaged::Image(image),
                ..
            } => {
                let states = image.states().into_iter().rev();
                entries.extend(states.map(|mut state| Entry::frame(state.sum().clone())));
            }
            Entry::Prompt { tag, times } => entries.push(Entry::Prompt { tag, times }),
            _ => unreachable!("there is nothing else"),
        }
    }
    inspector.build(Layout { entries }).unwrap()
}

/// Answers every question by twice what is asked for.
fn finish<F: Frame<Value = i64, World = ()>>(mut machine: Machine<F>) -> i64 {
    loop {
        match machine.run(&mut ()) {
            Outcome::Suspended(n) => machine.answer(Ok(2 * n)).unwrap(),
            outcome => match outcome {
                Outcome::Done(sum) => break sum,
                _ => panic!("it raises nothing"),
            },
        }
    }
}

#[test]
#[allow(unsafe_code, reason = "promises what is in `sum`")]
fn images_are_saved_as_their_states() {
    let registry = Rc::new(Registry::new("images", 1).tag(TAG));
    let region = Region::new(64 * 1024).unwrap();
    let first = Sum {
        n: 20,
        answer: None,
    };
    // SAFETY: when it asks, it has numbers in its variables, and frames that were given away.
    let image = unsafe { Image::new(&region, Imaged::Sum(first), sum) };
    let mut machine = Machine::new(Imaged::Image(image));
    for n in (1..=20).rev() {
        assert_eq!(machine.run(&mut ()), Outcome::Suspended(n));
        let states = by_states(&mut machine);
        assert_eq!(states.len(), usize::try_from(21 - n).unwrap());

        let mut save = Save::new(&registry);
        save.continuation(&states).unwrap();
        let bytes = save.finish().unwrap();
        let loaded = Loaded::<Sum>::read(&bytes, &registry, LoadLimits::default()).unwrap();
        let loaded = loaded.continuation(0).unwrap();

        for k in [states, loaded] {
            let mut other = Machine::idle();
            other.start_with(k, Ok(2 * n)).unwrap();
            assert_eq!(finish(other), 420);
        }
        machine.answer(Ok(2 * n)).unwrap();
    }
    assert_eq!(finish(machine), 420);
}
