//! Captures by the winders of an escape, where frames stand for the escape.

use std::rc::Rc;

use segno::frame::{
    Context, Continuation, Frame, Input, Machine, Operator, Outcome, Place, PromptTag, Refusal,
    Step,
};

const P: PromptTag = PromptTag::named("p");

#[derive(Default)]
struct World {
    kept: Vec<Continuation<Does>>,
    trail: Vec<i64>,
}

type Act = dyn Fn(Input<Does>, &mut World) -> Step<Does>;

/// A frame that is a function.
#[derive(Clone)]
struct Does(Rc<Act>);

impl Frame for Does {
    type Value = i64;
    type World = World;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        (self.0.clone())(input, cx.world)
    }

    fn escape(step: Step<Self>) -> Option<Self> {
        match step {
            Step::Abort { tag, value } => Some(does(move |_, _| Step::Abort { tag, value })),
            Step::Replace {
                tag,
                continuation,
                with,
            } => Some(does(move |_, _| Step::Replace {
                tag,
                continuation: continuation.clone(),
                with,
            })),
            _ => None,
        }
    }
}

fn does(act: impl Fn(Input<Does>, &mut World) -> Step<Does> + 'static) -> Does {
    Does(Rc::new(act))
}

/// A frame that asks for a step, and returns what that comes to.
fn then_return(step: impl Fn() -> Step<Does> + 'static) -> Does {
    does(move |input, _| match input {
        Input::Start => step(),
        Input::Value(value) => Step::Return(value),
        Input::Refused(refusal) => Step::Refuse(refusal),
        _ => unreachable!("it asks for nothing else"),
    })
}

fn noting(mark: i64) -> Does {
    does(move |_, world| {
        world.trail.push(mark);
        Step::Return(0)
    })
}

/// Captures up to `P`, keeps that, and notes a mark whenever it is gone on with.
fn captures(place: Place, mark: i64) -> Does {
    does(move |input, world| match input {
        Input::Start => Step::Capture {
            tag: P,
            operator: Operator::Shift,
            place,
            body: does(|input, world| match input {
                Input::Continuation(k) => {
                    world.kept.push(k);
                    Step::Return(0)
                }
                _ => unreachable!("it is given a continuation"),
            }),
        },
        Input::Refused(refusal) => Step::Refuse(refusal),
        _ => {
            world.trail.push(mark);
            Step::Return(0)
        }
    })
}

fn prompt(body: Does) -> Does {
    then_return(move || Step::Prompt {
        tag: P,
        body: body.clone(),
    })
}

fn wind(before: Does, body: Does, after: Does) -> Does {
    then_return(move || Step::wind(before.clone(), body.clone(), after.clone()))
}

fn run(frame: Does, world: &mut World) -> i64 {
    match Machine::new(frame).run(world) {
        Outcome::Done(value) => value,
        _ => panic!("it neither raises nor suspends"),
    }
}

fn resumed(k: &Continuation<Does>) -> Does {
    let k = k.clone();
    then_return(move || Step::Resume {
        continuation: k.clone(),
        with: Ok(0),
    })
}

/// Aborts with `value` out of a winder that captures, in winders that note 1 to 4.
fn aborting(place: Place, value: i64) -> Does {
    let leave = then_return(move || Step::Abort { tag: P, value });
    let inner = wind(noting(3), captures(place, 5), noting(4));
    wind(noting(1), wind(noting(0), leave, inner), noting(2))
}

#[test]
fn an_abort_goes_on_wherever_it_is_resumed() {
    let mut world = World::default();
    assert_eq!(run(prompt(aborting(Place::Here, 7)), &mut world), 7);
    assert_eq!(world.trail, [1, 0, 3, 5, 4, 2]);
    let k = world.kept[0].clone();
    for _ in 0..3 {
        world.trail.clear();
        let around = wind(noting(8), resumed(&k), noting(9));
        assert_eq!(run(prompt(around), &mut world), 7);
        // It has brought its prompt along, and the value is what was resumed comes to.
        assert_eq!(world.trail, [8, 1, 3, 5, 4, 2, 9]);
    }
}

#[test]
fn a_capture_that_leaves_takes_the_escape_along() {
    let mut world = World::default();
    assert_eq!(run(prompt(aborting(Place::Prompt, 7)), &mut world), 0);
    assert_eq!(world.trail, [1, 0, 3, 4, 2]);
    world.trail.clear();
    let k = world.kept[0].clone();
    assert_eq!(run(prompt(resumed(&k)), &mut world), 7);
    assert_eq!(world.trail, [1, 3, 5, 4, 2]);
}

#[test]
fn an_escape_out_of_an_escape() {
    let mut world = World::default();
    let leave = |value| then_return(move || Step::Abort { tag: P, value });
    let second = wind(noting(0), leave(2), captures(Place::Here, 5));
    let first = wind(noting(0), leave(1), second);
    assert_eq!(run(prompt(first), &mut world), 2);
    let k = world.kept[0].clone();
    assert_eq!(run(prompt(resumed(&k)), &mut world), 2);
    assert_eq!(world.trail, [0, 0, 5, 5]);
}

#[test]
fn a_replacement_goes_on() {
    let mut world = World::default();
    // The continuation of the whole body, which adds one.
    let target = does(|input, world| match input {
        Input::Start => Step::Call(captures(Place::Here, 6)),
        _ => {
            world.trail.push(-1);
            Step::Return(i64::try_from(world.trail.len()).unwrap())
        }
    });
    run(prompt(target), &mut world);
    let continuation = world.kept.pop().unwrap();
    world.trail.clear();
    let leave = then_return(move || Step::Replace {
        tag: P,
        continuation: continuation.clone(),
        with: Ok(0),
    });
    let body = wind(noting(0), leave, captures(Place::Here, 5));
    assert_eq!(run(prompt(body), &mut world), 4);
    assert_eq!(world.trail, [0, 5, 6, -1]);
    let k = world.kept[0].clone();
    world.trail.clear();
    assert_eq!(run(prompt(resumed(&k)), &mut world), 3);
    assert_eq!(world.trail, [5, 6, -1]);
}

/// What is on its way in has no second copy.
#[test]
fn the_way_in_is_not_captured() {
    let mut world = World::default();
    let before = does(|input, world| match (input, world.kept.is_empty()) {
        (Input::Start, false) => Step::Call(captures(Place::Here, 5)),
        (Input::Refused(refusal), _) => Step::Refuse(refusal),
        _ => Step::Return(0),
    });
    run(
        prompt(wind(before, captures(Place::Here, 6), noting(2))),
        &mut world,
    );
    let k = world.kept[0].clone();
    let mut machine = Machine::new(prompt(resumed(&k)));
    assert_eq!(
        machine.run_for(u64::MAX, &mut world).err(),
        Some(Refusal::InWinder)
    );
}
