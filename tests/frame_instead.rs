//! Captures in place of the frame that captures: `call/cc` in tail position.

use std::rc::Rc;

use segno::frame::*;

const P: PromptTag = PromptTag::named("p");
const LINE: MarkKey = MarkKey::named("line");

const OPERATORS: [Operator; 4] = [
    Operator::Shift,
    Operator::Shift0,
    Operator::Control,
    Operator::Control0,
];

#[derive(Clone, Debug)]
enum Got {
    Number(i64),
    K(Continuation<Does>),
}
use Got::Number;

type Body = dyn Fn(Input<Does>, &mut Context<'_, Does>) -> Step<Does>;

/// A frame that is a function.
#[derive(Clone)]
struct Does {
    body: Rc<Body>,
    kind: Option<&'static str>,
}

impl Frame for Does {
    type Value = Got;
    /// What is noted.
    type World = Vec<&'static str>;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        let body = self.body.clone();
        body(input, cx)
    }

    fn one_shot(&self) -> Option<&'static str> {
        self.kind
    }
}

fn does(body: impl Fn(Input<Does>, &mut Context<'_, Does>) -> Step<Does> + 'static) -> Does {
    let body = Rc::new(body);
    Does { body, kind: None }
}

/// Does one step, and returns what comes of it.
fn step(first: impl Fn() -> Step<Does> + 'static) -> Does {
    does(move |input, _| match input {
        Input::Start => first(),
        Input::Value(value) => Step::Return(value),
        other => panic!("{other:?}"),
    })
}

fn prompt(body: Does) -> Does {
    step(move || Step::Prompt {
        tag: P,
        body: body.clone(),
    })
}

/// Adds to what the other returns.
fn plus(n: i64, body: Does) -> Does {
    does(move |input, _| match input {
        Input::Start => Step::Call(body.clone()),
        Input::Value(Number(m)) => Step::Return(Number(n + m)),
        other => panic!("{other:?}"),
    })
}

fn note(text: &'static str) -> Does {
    does(move |_, cx| {
        cx.world.push(text);
        Step::Return(Number(0))
    })
}

fn capture(operator: Operator, body: Does) -> Step<Does> {
    Step::Capture {
        tag: P,
        operator,
        place: Place::Instead,
        body,
    }
}

fn with_k(then: impl Fn(Continuation<Does>) -> Step<Does> + 'static) -> Does {
    does(move |input, _| match input {
        Input::Continuation(k) => then(k),
        Input::Value(value) => Step::Return(value),
        other => panic!("{other:?}"),
    })
}

/// Captures, and ends with the continuation.
fn captures(operator: Operator) -> Does {
    step(move || {
        let body = with_k(|k| Step::Abort {
            tag: P,
            value: Got::K(k),
        });
        capture(operator, body)
    })
}

fn run(machine: &mut Machine<Does>, world: &mut Vec<&'static str>) -> Got {
    match machine.run_for(u64::MAX, world) {
        Ok(Outcome::Done(got)) => got,
        other => panic!("{other:?}"),
    }
}

fn number(frame: Does) -> i64 {
    let mut machine = Machine::new(frame);
    match run(&mut machine, &mut Vec::new()) {
        Number(n) => {
            assert_eq!((machine.depth(), machine.sealed_frames()), (0, 0));
            n
        }
        got => panic!("{got:?}"),
    }
}

fn continuation(frame: Does) -> Continuation<Does> {
    match run(&mut Machine::new(frame), &mut Vec::new()) {
        Got::K(k) => k,
        got => panic!("{got:?}"),
    }
}

type Use = fn(Continuation<Does>, Result<Got, Got>) -> Step<Does>;

/// Uses it in every way, under a prompt that adds 1000 to what it comes to.
fn uses(k: &Continuation<Does>) -> [Does; 3] {
    let with = || Ok(Number(7));
    let uses: [Use; 3] = [
        |continuation, with| Step::Resume { continuation, with },
        |continuation, with| Step::TailResume { continuation, with },
        |continuation, with| Step::Replace {
            tag: P,
            continuation,
            with,
        },
    ];
    uses.map(|using| {
        let k = k.clone();
        plus(1000, prompt(step(move || using(k.clone(), with()))))
    })
}

/// The continuation begins with the frame below the one that captured.
#[test]
fn it_is_not_in_its_continuation() {
    for operator in OPERATORS {
        let k = continuation(prompt(plus(10, plus(100, captures(operator)))));
        assert_eq!(k.len(), 2);
        assert_eq!(uses(&k).map(number), [1117; 3]);
        // It is shared, and what it is resumed with twice it is resumed with once more.
        assert_eq!(uses(&k).map(number), [1117; 3]);
        let k = k.detach().unwrap().attach();
        assert_eq!(uses(&k).map(number), [1117; 3]);
    }
}

/// Where it was the only frame under the prompt, nothing is left.
#[test]
fn a_continuation_of_nothing() {
    for operator in OPERATORS {
        let k = continuation(prompt(captures(operator)));
        assert!(k.is_empty());
        assert_eq!(uses(&k).map(number), [1007; 3]);
        assert_eq!(uses(&k).map(number), [1007; 3]);
        // An error that is raised there is raised by who resumes.
        let raises = {
            let k = k.clone();
            step(move || Step::Resume {
                continuation: k.clone(),
                with: Err(Number(5)),
            })
        };
        let outcome = Machine::new(prompt(raises)).run(&mut Vec::new());
        assert!(matches!(outcome, Outcome::Raised(Number(5))), "{outcome:?}");
        let mut machine = Machine::idle();
        let refused = machine.start_with(k, Ok(Number(7)));
        assert_eq!(refused, Err(Refusal::NoFrames));
    }
}

/// Each continuation of nothing counts, so that a program cannot keep them without a limit.
#[test]
fn continuations_of_nothing_are_counted() {
    fn again(kept: Vec<Continuation<Does>>) -> Does {
        does(move |input, _| match input {
            Input::Start => {
                let kept = kept.clone();
                let next = move |k| {
                    let mut kept = kept.clone();
                    kept.push(k);
                    Step::TailCall(again(kept))
                };
                capture(Operator::Control, with_k(next))
            }
            Input::Refused(_) => Step::Return(Number(kept.len() as i64)),
            other => panic!("{other:?}"),
        })
    }
    let mut machine = Machine::new(prompt(again(Vec::new())));
    let limits = Limits {
        sealed_frames: 20,
        ..Limits::default()
    };
    machine.set_limits(limits);
    match run(&mut machine, &mut Vec::new()) {
        // The frame that installed the prompt is the other one.
        Number(kept) => assert_eq!(kept, 19),
        got => panic!("{got:?}"),
    }
    assert_eq!(machine.sealed_frames(), 0);
}

/// The frame is gone before the body runs, and so are its marks; where the capture is refused
/// both are there.
#[test]
fn the_frame_is_gone_with_its_marks() {
    let marks = |cx: &Context<'_, Does>| -> Vec<i64> {
        let number = |got| match got {
            Number(n) => n,
            Got::K(_) => unreachable!(),
        };
        cx.marks(LINE, None).into_iter().map(number).collect()
    };
    let held = Rc::new(());
    let here = {
        let held = held.clone();
        does(move |input, cx| match input {
            Input::Start => {
                cx.set_mark(LINE, Number(2));
                let seen = Rc::downgrade(&held);
                let body = does(move |input, cx| {
                    assert!(matches!(input, Input::Continuation(_)));
                    assert_eq!(seen.strong_count(), 1);
                    assert_eq!(marks(cx), [1]);
                    cx.set_mark(LINE, Number(3));
                    assert_eq!(marks(cx), [3, 1]);
                    Step::Return(Number(7))
                });
                let tag = PromptTag::named("nowhere");
                Step::Capture {
                    tag,
                    operator: Operator::Shift,
                    place: Place::Instead,
                    body,
                }
            }
            Input::Refused(refusal) => {
                assert!(matches!(*refusal, Refusal::NoSuchPrompt(_)));
                assert_eq!(marks(cx), [2, 1]);
                let seen = Rc::downgrade(&held);
                let body = does(move |_, cx| {
                    assert_eq!(seen.strong_count(), 1);
                    assert_eq!(marks(cx), [1]);
                    Step::Return(Number(7))
                });
                capture(Operator::Shift, body)
            }
            other => panic!("{other:?}"),
        })
    };
    // Taken once, so that nobody but the machine has it.
    let here = std::cell::Cell::new(Some(here));
    let below = does(move |input, cx| match input {
        Input::Start => {
            cx.set_mark(LINE, Number(1));
            Step::Call(here.take().unwrap())
        }
        Input::Value(value) => Step::Return(value),
        other => panic!("{other:?}"),
    });
    assert_eq!(number(prompt(below)), 7);
}

/// A frame that can be resumed once may capture so: it is in no continuation.
#[test]
fn a_one_shot_frame_is_gone() {
    for operator in OPERATORS {
        let lock = Does {
            kind: Some("lock"),
            ..captures(operator)
        };
        let k = continuation(prompt(plus(10, lock)));
        assert_eq!(k.len(), 1);
        assert_eq!(uses(&k).map(number), [1017; 3]);
    }
}

/// It needs no more room than there is.
#[test]
fn at_the_limit_of_depth() {
    let of = |place| {
        let body = with_k(|_| Step::Return(Number(7)));
        let capture = does(move |input, _| match input {
            Input::Start => Step::Capture {
                tag: P,
                operator: Operator::Control,
                place,
                body: body.clone(),
            },
            Input::Value(value) => Step::Return(value),
            Input::Refused(_) => Step::Return(Number(-1)),
            other => panic!("{other:?}"),
        });
        let mut machine = Machine::new(prompt(plus(10, capture)));
        machine.set_limits(Limits {
            depth: 3,
            ..Limits::default()
        });
        match run(&mut machine, &mut Vec::new()) {
            Number(n) => n,
            got => panic!("{got:?}"),
        }
    };
    assert_eq!([Place::Here, Place::Instead].map(of), [9, 17]);
}

/// What is left of a winder is under the frame, and stays: who captures is all of its body, its
/// *before* or its *after*.
#[test]
fn winders_are_under_the_frame() {
    for operator in OPERATORS {
        // Inside.
        let body = with_k(|k| Step::Resume {
            continuation: k,
            with: Ok(Number(1)),
        });
        let wound = step(move || {
            let body = body.clone();
            Step::wind(
                note("in"),
                step(move || capture(operator, body.clone())),
                note("out"),
            )
        });
        let mut world = Vec::new();
        let got = run(&mut Machine::new(prompt(wound)), &mut world);
        assert!(matches!(got, Number(1)), "{got:?}");
        assert_eq!(world, ["in", "in", "out", "out"], "{operator:?}");

        // Entering: who resumes it enters the body, and leaves it.
        let wound = step(move || Step::wind(captures(operator), note("body"), note("out")));
        let k = continuation(prompt(wound));
        assert_eq!(k.len(), 1);
        let mut world = Vec::new();
        let frame = uses(&k)[0].clone();
        let got = run(&mut Machine::new(frame), &mut world);
        assert!(matches!(got, Number(1000)), "{got:?}");
        assert_eq!(world, ["body", "out"], "{operator:?}");

        // Leaving: what the body came to is there.
        let wound = step(move || Step::wind(note("in"), plus(5, note("body")), captures(operator)));
        let k = continuation(prompt(wound));
        assert_eq!(uses(&k).map(number), [1005; 3]);
    }
}
