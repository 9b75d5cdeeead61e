//! Programs that mean no good: what they hold and how long a step takes stays within what they
//! were given.

#![allow(unsafe_code, reason = "counts what is allocated")]

use std::thread;

use segno::frame::*;

mod counting;

use counting::{ALLOCATIONS, LIVE, PEAK};

const P: PromptTag = PromptTag::named("p");
const Q: PromptTag = PromptTag::named("q");
const R: PromptTag = PromptTag::named("r");

/// What the frame that runs does.
#[derive(Clone, Copy, Debug)]
enum Op {
    Prompt(PromptTag),
    Call,
    /// Calls a frame that can be resumed once.
    CallOnce,
    Wind,
    Return,
    Suspend,
    Abort(PromptTag),
    /// Into a slot.
    Capture(PromptTag, Operator, usize),
    Here(PromptTag, usize),
    /// Out of a slot, where it stays.
    Resume(usize),
    TailResume(usize),
    Replace(PromptTag, usize),
}
use Op::*;
use Operator::{Control, Shift};

/// All frames follow one script: whichever runs does what is next.
struct Script {
    ops: Vec<Op>,
    /// After the last one it goes on here.
    again: Option<usize>,
    next: usize,
    slots: [Option<Continuation<Actor>>; 3],
    /// Where a capture's body puts the continuation.
    slot: usize,
    refusals: Vec<Refusal>,
}

impl Script {
    fn new(ops: impl Into<Vec<Op>>) -> Self {
        Self {
            ops: ops.into(),
            again: None,
            next: 0,
            slots: [const { None }; 3],
            slot: 0,
            refusals: Vec::new(),
        }
    }

    /// The last so many over and over.
    fn looping(mut self, last: usize) -> Self {
        self.again = Some(self.ops.len() - last);
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Actor {
    Plain,
    Once,
    Thunk,
}

impl Frame for Actor {
    type Value = ();
    type World = Script;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        if *self == Self::Thunk {
            return Step::Return(());
        }
        let script = &mut *cx.world;
        match input {
            Input::Continuation(k) => script.slots[script.slot] = Some(k),
            Input::Refused(refusal) => script.refusals.push(*refusal),
            _ => {}
        }
        if script.next == script.ops.len() {
            match script.again {
                Some(again) => script.next = again,
                None => return Step::Return(()),
            }
        }
        let op = script.ops[script.next];
        script.next += 1;
        let body = Self::Plain;
        let mut capture = |tag, operator, place, slot| {
            script.slot = slot;
            Step::Capture {
                tag,
                operator,
                place,
                body,
            }
        };
        match op {
            Capture(tag, operator, slot) => capture(tag, operator, Place::Prompt, slot),
            Here(tag, slot) => capture(tag, Control, Place::Here, slot),
            Prompt(tag) => Step::Prompt { tag, body },
            Call => Step::Call(body),
            CallOnce => Step::Call(Self::Once),
            Wind => Step::wind(Self::Thunk, body, Self::Thunk),
            Return => Step::Return(()),
            Suspend => Step::Suspend(()),
            Abort(tag) => Step::Abort { tag, value: () },
            Resume(slot) | TailResume(slot) | Replace(_, slot) => {
                let continuation = script.slots[slot].clone().unwrap();
                let with = Ok(());
                match op {
                    Replace(tag, _) => Step::Replace {
                        tag,
                        continuation,
                        with,
                    },
                    TailResume(_) => Step::TailResume { continuation, with },
                    _ => Step::Resume { continuation, with },
                }
            }
        }
    }

    fn one_shot(&self) -> Option<&'static str> {
        (*self == Self::Once).then_some("once")
    }
}

fn machine(limits: Limits) -> Machine<Actor> {
    let mut machine = Machine::new(Actor::Plain);
    machine.set_limits(limits);
    machine
}

/// Prompts with nothing between them, twice as many after each round.
fn prompts_that_double(tags: &[PromptTag], rounds: usize) -> Vec<Op> {
    let mut ops = Vec::new();
    for (slot, &tag) in tags.iter().enumerate() {
        ops.extend([Prompt(tag), Capture(tag, Shift, slot)]);
    }
    ops.push(Prompt(Q));
    ops.extend((0..tags.len()).map(TailResume));
    ops.push(Capture(Q, Control, 2));
    for _ in 0..rounds {
        ops.extend([TailResume(2), TailResume(2), Capture(Q, Control, 2)]);
    }
    ops
}

#[test]
fn prompts_without_end_are_left_at_once() {
    let mut ops = prompts_that_double(&[P], 100);
    ops.extend([TailResume(2), Return, Suspend]);
    let mut script = Script::new(ops);
    let mut machine = machine(Limits::default());
    assert_eq!(machine.run(&mut script), Outcome::Suspended(()));
    assert_eq!(script.refusals, []);
    assert!(format!("{:?}", script.slots[2]).contains("prompts: 184"));
}

#[test]
fn prompts_are_limited() {
    let limits = Limits {
        prompts: 100,
        ..Limits::default()
    };
    let refusal = Refusal::Prompts { limit: 100 };
    // By resuming them.
    let mut script = Script::new(prompts_that_double(&[P, R], 30));
    let mut doubles = machine(limits);
    assert_eq!(doubles.run(&mut script), Outcome::Done(()));
    assert!(script.refusals.contains(&refusal));
    // One after the other.
    let mut script = Script::new(vec![Prompt(P); 101]);
    let mut nests = machine(limits);
    assert_eq!(nests.run(&mut script), Outcome::Done(()));
    assert_eq!(script.refusals, [refusal]);
}

#[test]
fn what_a_capture_has_for_itself_is_counted() {
    let mut ops = vec![Prompt(Q)];
    ops.extend([Prompt(P); 100]);
    ops.extend([Here(Q, 0), Call, Here(Q, 1), Call, Here(Q, 2), Suspend]);
    let mut script = Script::new(ops);
    let mut machine = machine(Limits::default());
    assert_eq!(machine.run(&mut script), Outcome::Suspended(()));
    // Three times a hundred prompts and one, and the frames that wait.
    assert!(machine.sealed_frames() > 3 * 101 + 100);
    machine.answer(Ok(())).unwrap();
    assert_eq!(machine.run(&mut script), Outcome::Done(()));
    script.slots = [const { None }; 3];
    assert_eq!(machine.sealed_frames(), 0);
}

#[test]
fn a_stack_cannot_be_deeper_than_can_be_counted() {
    let mut ops = vec![Prompt(P), Call, Capture(P, Control, 0)];
    for _ in 0..100 {
        ops.extend([Resume(0), Resume(0), Capture(P, Control, 0)]);
    }
    let mut script = Script::new(ops);
    let mut machine = machine(Limits::default());
    let _ = machine.run_for(1000, &mut script);
    let limit = usize::MAX / 2;
    assert_eq!(script.refusals[0], Refusal::Depth { limit });
    // To find a lock in it, or every value, takes no longer for that.
    let k = script.slots[0].take().unwrap();
    assert!(k.len() > limit / 4);
    Tracer::new().continuation(&k, &mut |()| unreachable!());
}

#[test]
fn a_lock_below_a_stack_without_end() {
    let mut ops = vec![CallOnce, Prompt(P), Call, Capture(P, Control, 0)];
    for _ in 0..50 {
        ops.extend([Resume(0), Resume(0), Capture(P, Control, 0)]);
    }
    ops.push(Suspend);
    let mut script = Script::new(ops);
    let mut machine = machine(Limits::default());
    assert_eq!(machine.run(&mut script), Outcome::Suspended(()));
    assert_eq!(script.refusals, []);
}

/// Rounds of a loop, after which as much is held as before.
fn holds_no_more(script: Script) {
    let name = format!("{:?}", script.ops);
    let mut script = script;
    let mut machine = machine(Limits::default());
    let mut held = |steps| {
        assert_eq!(
            machine.run_for(steps, &mut script),
            Ok(Outcome::OutOfFuel),
            "{name}"
        );
        PEAK.set(LIVE.get());
        (LIVE.get(), machine.depth(), machine.sealed_frames())
    };
    // Some hold their first round until the second is there.
    let before = held(1200);
    let allocations = ALLOCATIONS.get();
    assert_eq!(held(12_000), before, "{name}");
    assert!(ALLOCATIONS.get() - allocations <= 24_000, "{name}");
}

#[test]
fn resumptions_in_tail_position_hold_no_more() {
    for operator in [Control, Shift] {
        let first = [Prompt(P), Capture(P, operator, 0)];
        for between in [&[][..], &[Call], &[Call, Call], &[Wind], &[Prompt(Q), Call]] {
            let ops = [&first, between, &[TailResume(0)]].concat();
            holds_no_more(Script::new(ops).looping(1));
        }
    }
}

/// A million of what is in the way, with a step that does not cross it.
#[test]
fn a_million_prompts_or_winders_are_in_no_ones_way() {
    let way = |op, last: &[Op]| {
        let mut ops = vec![Prompt(P)];
        ops.extend(vec![op; 1_000_000]);
        ops.extend(last);
        let script = Script::new(ops).looping(last.len().min(1));
        let mut machine = machine(Limits::default());
        let mut script = script;
        let outcome = machine.run_for(2_100_000, &mut script);
        assert!(
            matches!(outcome, Ok(Outcome::OutOfFuel | Outcome::Suspended(()))),
            "{outcome:?}"
        );
        for _ in 0..10_000 {
            if machine.answer(Ok(())).is_ok() {
                let _ = machine.run(&mut script);
            } else {
                let _ = machine.run_for(1, &mut script);
            }
        }
        assert_eq!(script.refusals, []);
    };
    way(Prompt(Q), &[Suspend]);
    // All winders are shared, so none is left or entered.
    way(Wind, &[Here(P, 0), Replace(P, 0)]);
}

#[test]
fn an_abort_over_a_hundred_thousand_prompts_and_one_winder() {
    let mut ops = vec![Prompt(P), Wind];
    ops.extend(vec![Prompt(Q); 100_000]);
    ops.push(Abort(P));
    let outcome = machine(Limits::default()).run(&mut Script::new(ops));
    assert_eq!(outcome, Outcome::Done(()));
}

/// What was put on top of something again and again is returned into again and again.
#[test]
fn a_tower_is_opened_once() {
    let mut ops = vec![Prompt(P), Capture(P, Control, 0)];
    for _ in 0..100_000 {
        ops.extend([Call, Resume(0), Capture(P, Control, 0)]);
    }
    ops.extend([Resume(0), Return, Capture(P, Control, 1)]);
    let mut script = Script::new(ops).looping(3);
    let mut machine = machine(Limits::default());
    let outcome = machine.run_for(400_000, &mut script);
    assert_eq!(outcome, Ok(Outcome::OutOfFuel));
    assert_eq!(script.refusals, []);
}

/// A machine for each request, which goes on with what the one before has left.
#[test]
fn a_machine_for_each_request() {
    let requests = || {
        let mut left: Option<Continuation<Actor>> = None;
        for _ in 0..100_000 {
            let mut machine = Machine::idle();
            match left.take() {
                Some(k) => machine.start_with(k, Ok(())).unwrap(),
                None => machine.start(Actor::Plain).unwrap(),
            }
            let mut script = Script::new([Call, Suspend]);
            assert_eq!(machine.run(&mut script), Outcome::Suspended(()));
            left = machine.continuation();
        }
        assert_eq!(left.map(|k| k.len()), Some(100_001));
    };
    let thread = thread::Builder::new().stack_size(256 << 10);
    thread.spawn(requests).unwrap().join().unwrap();
}
