//! Captures by winders on the way of an escape, or of a continuation, where frames stand for what is
//! left of the way.

use std::rc::Rc;

use segno::frame::{
    Context, Continuation, Frame, Input, Machine, Operator, Outcome, Place, PromptTag, Step,
};

const P: PromptTag = PromptTag::named("p");

#[derive(Default)]
struct World {
    kept: Vec<Continuation<Does>>,
    trail: Vec<i64>,
    /// What `replaces` goes to.
    jump: Option<Continuation<Does>>,
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
            Step::TailResume { continuation, with } => Some(does(move |_, _| Step::TailResume {
                continuation: continuation.clone(),
                with,
            })),
            Step::Capture {
                tag,
                operator,
                place,
                body,
            } => Some(does(move |_, _| Step::Capture {
                tag,
                operator,
                place,
                body: body.clone(),
            })),
            _ => None,
        }
    }

    /// The bodies here do no more than one step.
    fn given(body: &Self, continuation: &Continuation<Self>) -> Option<Self> {
        let (body, k) = (body.0.clone(), continuation.clone());
        Some(does(move |_, world| {
            body(Input::Continuation(k.clone()), world)
        }))
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

/// Captures at the second entry, and notes a mark at each.
fn captures_again(place: Place, mark: i64) -> Does {
    does(move |input, world| match input {
        Input::Start if world.kept.len() == 1 => Step::Call(captures(place, 5)),
        Input::Refused(refusal) => Step::Refuse(refusal),
        _ => {
            world.trail.push(mark);
            Step::Return(0)
        }
    })
}

/// Captures, and then goes to where it is told, if it is.
fn replaces() -> Does {
    does(|input, world| match (input, world.jump.take()) {
        (Input::Start, _) => Step::Call(captures(Place::Here, 6)),
        (_, None) => Step::Return(0),
        (_, Some(continuation)) => Step::Replace {
            tag: P,
            continuation,
            with: Ok(0),
        },
    })
}

/// Two winders, the inner or the outer one of which captures when it is entered again, and a body
/// that was captured within both.
fn entered(is_outer: bool, place: Place, world: &mut World) -> Continuation<Does> {
    let [outer, inner] = if is_outer {
        [captures_again(place, 1), noting(3)]
    } else {
        [noting(1), captures_again(place, 3)]
    };
    let inner = wind(inner, replaces(), noting(4));
    assert_eq!(run(prompt(wind(outer, inner, noting(2))), world), 0);
    assert_eq!(world.trail, [1, 3, 6, 4, 2]);
    world.trail.clear();
    world.kept[0].clone()
}

/// What is noted on the way in, and out again, if the capture is gone on with.
fn way(is_outer: bool) -> &'static [i64] {
    if is_outer {
        &[5, 1, 3, 6, 4, 2]
    } else {
        &[1, 5, 3, 6, 4, 2]
    }
}

#[test]
fn the_way_in_goes_on_wherever_it_is_resumed() {
    for is_outer in [true, false] {
        let mut world = World::default();
        let k = entered(is_outer, Place::Here, &mut world);
        assert_eq!(run(prompt(resumed(&k)), &mut world), 0);
        assert_eq!(world.trail, way(is_outer));
        let on_the_way = world.kept[1].clone();
        for _ in 0..3 {
            world.trail.clear();
            let around = wind(noting(8), resumed(&on_the_way), noting(9));
            assert_eq!(run(prompt(around), &mut world), 0);
            let expected = [&[8], way(is_outer), &[9]].concat();
            assert_eq!(world.trail, expected);
        }
    }
}

#[test]
fn a_capture_that_leaves_takes_the_way_in_along() {
    for is_outer in [true, false] {
        let mut world = World::default();
        let k = entered(is_outer, Place::Prompt, &mut world);
        assert_eq!(run(prompt(resumed(&k)), &mut world), 0);
        let entered: &[i64] = if is_outer { &[] } else { &[1, 2] };
        assert_eq!(world.trail, entered);
        world.trail.clear();
        let on_the_way = world.kept[1].clone();
        assert_eq!(run(prompt(resumed(&on_the_way)), &mut world), 0);
        assert_eq!(world.trail, way(is_outer));
    }
}

/// The winders that are entered so are the same as ever: who goes back to where it was captured
/// within both passes neither.
#[test]
fn the_way_in_leads_into_the_same_winders() {
    for is_outer in [true, false] {
        let mut world = World::default();
        let k = entered(is_outer, Place::Here, &mut world);
        for at in [0, 1] {
            world.jump = Some(k.clone());
            let through = world.kept[at].clone();
            assert_eq!(run(prompt(resumed(&through)), &mut world), 0);
            let (before, after) = way(is_outer).split_at(4);
            assert_eq!(world.trail, [before, &[6], after].concat());
            world.trail.clear();
        }
    }
}

/// A winder that runs because a capture leaves may capture: the rest of that capture is a part of
/// the continuation.
#[test]
fn a_capture_goes_on() {
    for place in [Place::Here, Place::Prompt] {
        let mut world = World::default();
        let after = wind(noting(3), captures(place, 5), noting(4));
        let body = wind(noting(1), captures(Place::Prompt, 6), after);
        assert_eq!(run(prompt(body), &mut world), 0);
        if place == Place::Prompt {
            // It is not gone on with as yet.
            assert_eq!(world.trail, [1, 3, 4]);
        } else {
            assert_eq!(world.trail, [1, 3, 5, 4]);
        }
        let rest = world.kept[0].clone();
        for _ in 0..2 {
            world.trail.clear();
            assert_eq!(run(prompt(resumed(&rest)), &mut world), 0);
            assert_eq!(world.trail, [3, 5, 4]);
        }
        // What was captured first is handed over each time.
        let kept = &world.kept[1..];
        assert!(kept.iter().all(|k| k.same(&kept[0])));
        assert_eq!(kept.len(), if place == Place::Prompt { 2 } else { 3 });
        world.trail.clear();
        let first = kept[0].clone();
        assert_eq!(run(prompt(resumed(&first)), &mut world), 0);
        assert_eq!(world.trail[..2], [1, 6]);
    }
}
