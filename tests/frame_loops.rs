//! Loops that capture, leave and are resumed a million times: in constant memory, and the
//! last round costs what the first did.

#![allow(unsafe_code, reason = "counts what is allocated")]

use std::cell::Cell;

use segno::frame::*;

mod counting;

use counting::{ALLOCATIONS, LIVE, PEAK};

thread_local! {
    /// How many frames were cloned that are not the thunks of a winder.
    static CLONES: Cell<usize> = const { Cell::new(0) };
}

/// A loop, by what is captured and how it is resumed.
#[derive(Clone, Copy, Debug)]
struct Loop {
    operator: Operator,
    driver: Driver,
    /// Whether all of it runs under another prompt.
    outer: bool,
    /// Whether each round leaves a winder, and enters it again.
    wound: bool,
}

/// Who resumes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Driver {
    /// The body of the capture, in its own place.
    Tail,
    /// The frame that has installed the prompt.
    Below,
    /// The same, under a fresh prompt each time.
    UnderPrompt,
    /// The body of the capture, on top of all, for whose place it is put back: `call/cc`.
    Replace,
    /// Nobody: the body of the capture, in the place of who captured, goes on with the next
    /// round. That is `call/cc` in tail position.
    Nobody,
}

#[derive(Clone)]
enum Kind {
    Outer,
    Drive,
    Wound,
    Wait,
    Thunk,
    Generate,
    Take,
    GoOn(Continuation<Call>),
}
use Kind::{Drive, Generate, GoOn, Outer, Take, Thunk, Wait, Wound};

struct Call {
    of: Loop,
    kind: Kind,
}

impl Clone for Call {
    fn clone(&self) -> Self {
        if !matches!(self.kind, Thunk) {
            CLONES.set(CLONES.get() + 1);
        }
        Self {
            of: self.of,
            kind: self.kind.clone(),
        }
    }
}

#[derive(Clone)]
enum Value {
    Nothing,
    Stop,
    K(Continuation<Call>),
}

#[derive(Default)]
struct World {
    rounds: usize,
    /// Suspends after so many.
    until: usize,
    steps: usize,
}

const OUTER: PromptTag = PromptTag::named("outer");
const LOOP: PromptTag = PromptTag::named("loop");

impl Frame for Call {
    type Value = Value;
    type World = World;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        cx.world.steps += 1;
        let of = self.of;
        let call = |kind| Self { of, kind };
        let with = Ok(Value::Nothing);
        match (&self.kind, input) {
            (Outer, Input::Start) => Step::Prompt {
                tag: OUTER,
                body: call(Drive),
            },
            (Drive, Input::Start) => Step::Prompt {
                tag: LOOP,
                body: call(match of.driver {
                    _ if of.wound => Wound,
                    Driver::Nobody => Wait,
                    _ => Generate,
                }),
            },
            (Wait, Input::Start) => Step::Call(call(Generate)),
            (Wound, Input::Start) => Step::wind(call(Thunk), call(Generate), call(Thunk)),
            (Generate, Input::Start | Input::Value(Value::Nothing)) => {
                if cx.world.rounds == cx.world.until {
                    return Step::Suspend(Value::Nothing);
                }
                cx.world.rounds += 1;
                Step::Capture {
                    tag: LOOP,
                    operator: of.operator,
                    place: match of.driver {
                        Driver::Replace => Place::Here,
                        Driver::Nobody => Place::Instead,
                        _ => Place::Prompt,
                    },
                    body: call(Take),
                }
            }
            (Take, Input::Continuation(continuation)) => match of.driver {
                Driver::Tail => Step::TailResume { continuation, with },
                Driver::Replace => Step::Replace {
                    tag: LOOP,
                    continuation,
                    with,
                },
                Driver::Nobody => Step::TailCall(call(Generate)),
                _ => Step::Return(Value::K(continuation)),
            },
            (Drive, Input::Value(Value::K(continuation))) => match of.driver {
                Driver::Below => Step::Resume { continuation, with },
                _ => Step::Prompt {
                    tag: LOOP,
                    body: call(GoOn(continuation)),
                },
            },
            (GoOn(_), Input::Start) => match std::mem::replace(&mut self.kind, Thunk) {
                GoOn(continuation) => Step::TailResume { continuation, with },
                _ => unreachable!(),
            },
            (_, Input::Start | Input::Value(_)) => Step::Return(Value::Nothing),
            _ => unreachable!("no step was refused"),
        }
    }
}

/// What there is after some rounds, and what they took.
#[derive(Clone, Copy, Debug)]
struct Sample {
    live: isize,
    peak: isize,
    depth: usize,
    sealed_frames: usize,
    allocations: usize,
    steps: usize,
}

fn rounds(machine: &mut Machine<Call>, world: &mut World, until: usize) -> Sample {
    world.until = until;
    if world.rounds > 0 {
        machine.answer(Ok(Value::Nothing)).unwrap();
    }
    assert!(matches!(machine.run(world), Outcome::Suspended(_)));
    Sample {
        live: LIVE.get(),
        peak: PEAK.get(),
        depth: machine.depth(),
        sealed_frames: machine.sealed_frames(),
        allocations: ALLOCATIONS.get(),
        steps: world.steps,
    }
}

const MILLION: usize = 1_000_000;

fn is_constant(of: Loop, end: usize) {
    PEAK.set(LIVE.get());
    CLONES.set(0);
    let kind = if of.outer { Outer } else { Drive };
    let mut machine = Machine::new(Call { of, kind });
    let mut world = World::default();
    let [first, second, before_last, last] =
        [10, 1_010, end - 1_000, end].map(|until| rounds(&mut machine, &mut world, until));
    let held = |sample: Sample| (sample.depth, sample.sealed_frames, sample.live, sample.peak);
    assert_eq!(held(last), held(second), "{of:?}");
    let cost =
        |from: Sample, to: Sample| (to.allocations - from.allocations, to.steps - from.steps);
    assert_eq!(cost(before_last, last), cost(first, second), "{of:?}");
    assert_eq!(CLONES.get(), 0, "{of:?}");
    machine.answer(Ok(Value::Stop)).unwrap();
    assert!(matches!(machine.run(&mut world), Outcome::Done(_)));
    assert_eq!((machine.depth(), machine.sealed_frames()), (0, 0));
}

/// The loop by itself; and, not as often, under an outer prompt and in a winder.
fn are_constant(driver: Driver, operators: &[Operator]) {
    for &operator in operators {
        for (around, end) in [(false, MILLION), (true, MILLION / 10)] {
            let of = Loop {
                operator,
                driver,
                outer: around,
                wound: around,
            };
            is_constant(of, end);
        }
    }
}

/// Not control0: it takes the prompt away, and who puts another there is not in tail
/// position.
#[test]
fn a_million_rounds_by_tail_resumption() {
    use Operator::{Control, Shift, Shift0};
    are_constant(Driver::Tail, &[Shift, Shift0, Control]);
}

/// Only shift0's continuations have a prompt where the driver has none any more.
#[test]
fn a_million_rounds_by_resumption() {
    are_constant(Driver::Below, &[Operator::Shift0]);
}

#[test]
fn a_million_rounds_under_fresh_prompts() {
    use Operator::{Control, Control0, Shift, Shift0};
    are_constant(Driver::UnderPrompt, &[Shift, Shift0, Control, Control0]);
}

#[test]
fn a_million_rounds_by_call_cc() {
    are_constant(Driver::Replace, &[Operator::Control]);
}

#[test]
fn a_million_rounds_by_call_cc_in_tail_position() {
    use Operator::{Control, Control0, Shift, Shift0};
    are_constant(Driver::Nobody, &[Shift, Shift0, Control, Control0]);
}
