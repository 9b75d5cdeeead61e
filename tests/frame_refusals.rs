//! What the machine refuses: bad use, and what goes beyond a limit. Whoever asked is told,
//! and everything goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use segno::frame::*;

const P: PromptTag = PromptTag::named("p");
const Q: PromptTag = PromptTag::named("q");

/// What frames note.
#[derive(Debug, PartialEq)]
enum Event {
    Log(&'static str),
    Refused(Refusal),
}
use Event::{Log, Refused};

#[derive(Clone, Debug)]
enum Got {
    Number(i64),
    K(Continuation<Does>),
}

type Body = dyn Fn(Input<Does>, &mut Context<'_, Does>) -> Step<Does>;

/// A frame that is a function.
#[derive(Clone)]
struct Does {
    body: Rc<Body>,
    catches: bool,
    kind: Option<&'static str>,
}

impl Frame for Does {
    type Value = Got;
    type World = Vec<Event>;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        let body = self.body.clone();
        body(input, cx)
    }

    fn catches(&self) -> bool {
        self.catches
    }

    fn one_shot(&self) -> Option<&'static str> {
        self.kind
    }
}

fn does(body: impl Fn(Input<Does>, &mut Context<'_, Does>) -> Step<Does> + 'static) -> Does {
    Does {
        body: Rc::new(body),
        catches: false,
        kind: None,
    }
}

/// A frame that does one step, and returns what it hears of it; a refusal is noted.
fn step(first: impl Fn() -> Step<Does> + 'static) -> Does {
    does(move |input, cx| match input {
        Input::Start => first(),
        Input::Value(value) => Step::Return(value),
        Input::Continuation(k) => Step::Return(Got::K(k)),
        Input::Refused(refusal) => {
            cx.world.push(Refused(*refusal));
            Step::Return(Got::Number(-1))
        }
        other => panic!("{other:?}"),
    })
}

fn log(text: &'static str) -> Does {
    does(move |_, cx| {
        cx.world.push(Log(text));
        Step::Return(Got::Number(0))
    })
}

fn quiet() -> Does {
    does(|_, _| Step::Return(Got::Number(0)))
}

fn number_of(outcome: Result<Outcome<Got>, Refusal>) -> i64 {
    match outcome {
        Ok(Outcome::Done(Got::Number(n))) => n,
        other => panic!("{other:?}"),
    }
}

fn capture_to(tag: PromptTag) -> Step<Does> {
    Step::Capture {
        tag,
        operator: Operator::Control,
        place: Place::Prompt,
        body: step(|| unreachable!()),
    }
}

/// The continuation of a computation that captures somewhere inside.
fn continuation_of(body: Does, world: &mut Vec<Event>) -> Continuation<Does> {
    let mut machine = Machine::new(step(move || Step::Prompt {
        tag: P,
        body: body.clone(),
    }));
    match machine.run(world) {
        Outcome::Done(Got::K(k)) => k,
        other => panic!("{other:?}"),
    }
}

fn prompt(tag: PromptTag, body: Does) -> Does {
    step(move || Step::Prompt {
        tag,
        body: body.clone(),
    })
}

fn call(body: Does) -> Does {
    step(move || Step::Call(body.clone()))
}

fn wind(body: Does) -> Does {
    step(move || Step::wind(log("in"), body.clone(), log("out")))
}

/// A frame that runs another within a host call, and returns what that returns.
fn host_call(body: Does) -> Does {
    does(move |_, cx| match cx.barrier("sort", body.clone()) {
        Ok(value) => Step::Return(value),
        Err(Interrupted::Refused(refusal)) => {
            cx.world.push(Refused(refusal));
            Step::Return(Got::Number(-1))
        }
        Err(error) => panic!("{error:?}"),
    })
}

/// Every way to use a continuation.
fn uses(k: &Continuation<Does>) -> [Does; 3] {
    let steps: [fn(Continuation<Does>) -> Step<Does>; 3] = [
        |continuation| Step::Resume {
            continuation,
            with: Ok(Got::Number(7)),
        },
        |continuation| Step::TailResume {
            continuation,
            with: Ok(Got::Number(7)),
        },
        |continuation| Step::Replace {
            tag: P,
            continuation,
            with: Ok(Got::Number(7)),
        },
    ];
    steps.map(|use_it| {
        let k = k.clone();
        step(move || use_it(k.clone()))
    })
}

/// Every way to leave for a prompt.
fn leaves(tag: PromptTag) -> [Does; 7] {
    let capture = |operator, place| {
        step(move || Step::Capture {
            tag,
            operator,
            place,
            body: log("body"),
        })
    };
    [
        capture(Operator::Shift, Place::Prompt),
        capture(Operator::Shift0, Place::Prompt),
        capture(Operator::Control, Place::Prompt),
        capture(Operator::Control0, Place::Prompt),
        capture(Operator::Control, Place::Here),
        capture(Operator::Control, Place::Instead),
        step(move || Step::Abort {
            tag,
            value: Got::Number(1),
        }),
    ]
}

const FREE: Limits = Limits {
    depth: usize::MAX,
    prompts: usize::MAX,
    sealed_frames: usize::MAX,
    nesting: usize::MAX,
    overrun: u64::MAX,
    native_stack: 128 * 1024,
};

/// Something in the frame is refused, and nothing else happens. The program goes on and comes
/// to its end, and then the machine runs another.
#[track_caller]
fn is_refused(frame: Does, limits: Limits, refusal: Refusal) {
    let world = &mut Vec::new();
    let mut machine = Machine::new(frame);
    machine.set_limits(limits);
    assert_eq!(number_of(machine.run_for(u64::MAX, world)), -1);
    assert_eq!(*world, [Refused(refusal)]);
    goes_on(&mut machine);
}

/// A machine that is done does something else.
#[track_caller]
fn goes_on(machine: &mut Machine<Does>) {
    let world = &mut Vec::new();
    machine.set_limits(FREE);
    let capture = step(|| Step::Capture {
        tag: P,
        operator: Operator::Shift,
        place: Place::Prompt,
        body: does(|input, _| match input {
            Input::Continuation(k) => Step::Call(uses(&k)[0].clone()),
            Input::Value(value) => Step::Return(value),
            other => panic!("{other:?}"),
        }),
    });
    machine.start(prompt(P, wind(capture))).unwrap();
    assert_eq!(number_of(machine.run_for(u64::MAX, world)), 7);
    let notes = ["in", "out", "in", "out"].map(Log);
    assert_eq!(*world, notes);
    assert_eq!((machine.depth(), machine.sealed_frames()), (0, 0));
}

/// A continuation of so many frames, without its prompt.
fn frames(n: usize) -> Continuation<Does> {
    let body = (1..n).fold(step(|| capture_to(P)), |body, _| call(body));
    let k = continuation_of(body, &mut Vec::new());
    assert_eq!(k.len(), n);
    k
}

#[test]
fn no_such_prompt() {
    let refusal = Refusal::NoSuchPrompt(P);
    for leave in leaves(P) {
        is_refused(leave.clone(), FREE, refusal);
        is_refused(prompt(Q, call(leave)), FREE, refusal);
    }
    let [.., replace] = uses(&frames(3));
    is_refused(prompt(Q, replace), FREE, refusal);
}

/// A piece that was captured without its prompt goes on where there is none.
#[test]
fn a_piece_without_its_prompt() {
    for operator in [Operator::Control, Operator::Control0] {
        for leave in leaves(P) {
            let first = does(move |input, _| match input {
                Input::Start => Step::Capture {
                    tag: P,
                    operator,
                    place: Place::Prompt,
                    body: step(|| unreachable!()),
                },
                _ => Step::TailCall(leave.clone()),
            });
            let k = continuation_of(first, &mut Vec::new());
            let [resume, tail_resume, _] = uses(&k);
            is_refused(resume, FREE, Refusal::NoSuchPrompt(P));
            is_refused(prompt(Q, tail_resume), FREE, Refusal::NoSuchPrompt(P));
        }
    }
}

#[test]
fn across_a_host_call() {
    let refusal = Refusal::Barrier { host_call: "sort" };
    let [.., replace] = uses(&frames(3));
    let suspend = step(|| Step::Suspend(Got::Number(0)));
    for leave in leaves(P).into_iter().chain([replace, suspend]) {
        is_refused(prompt(P, host_call(leave.clone())), FREE, refusal);
        // It stands there whether there is a prompt or not.
        is_refused(host_call(prompt(Q, leave)), FREE, refusal);
    }
}

/// On the way out of a winder only an abort may go further out.
#[test]
fn out_of_a_winder_of_an_escape() {
    let out_of = |after: Does| {
        let abort = step(|| Step::Abort {
            tag: Q,
            value: Got::Number(-1),
        });
        let body = step(move || Step::wind(quiet(), abort.clone(), after.clone()));
        prompt(Q, body)
    };
    let [captures @ .., abort] = leaves(P);
    for capture in captures {
        is_refused(prompt(P, out_of(capture)), FREE, Refusal::InWinder);
    }
    let mut machine = Machine::new(prompt(P, out_of(abort)));
    assert_eq!(number_of(machine.run_for(u64::MAX, &mut Vec::new())), 1);
    goes_on(&mut machine);
}

#[test]
fn too_deep() {
    let k = frames(3);
    let limits = |depth| Limits { depth, ..FREE };
    let here = step(|| Step::Capture {
        tag: P,
        operator: Operator::Control,
        place: Place::Here,
        body: log("body"),
    });
    let [resume, tail_resume, replace] = uses(&k);
    for (depth, frame) in [
        (1, call(log("callee"))),
        (1, prompt(P, log("body"))),
        (1, wind(log("body"))),
        (1, host_call(log("nested"))),
        (2, prompt(P, here)),
        (3, resume),
        (2, tail_resume),
        // It leaves two frames; the one that installed the prompt stays.
        (3, prompt(P, call(replace))),
    ] {
        is_refused(frame, limits(depth), Refusal::Depth { limit: depth });
    }

    let mut machine = Machine::idle();
    machine.set_limits(limits(2));
    let start = machine.start_with(k.clone(), Ok(Got::Number(7)));
    assert_eq!(start.unwrap_err(), Refusal::Depth { limit: 2 });
    goes_on(&mut machine);
    machine.set_limits(limits(0));
    let start = machine.start(log("runs"));
    assert_eq!(start.unwrap_err(), Refusal::Depth { limit: 0 });
    machine.set_limits(limits(3));
    machine.start_with(k, Ok(Got::Number(7))).unwrap();
    assert_eq!(number_of(machine.run_for(u64::MAX, &mut Vec::new())), 7);
}

/// What fits goes as deep as the limit says.
#[test]
fn as_deep_as_may_be() {
    let deep = (1..5).fold(log("runs"), |body, _| call(body));
    let mut machine = Machine::new(deep.clone());
    machine.set_limits(Limits { depth: 5, ..FREE });
    let world = &mut Vec::new();
    assert_eq!(number_of(machine.run_for(u64::MAX, world)), 0);
    assert_eq!(*world, [Log("runs")]);
    is_refused(
        call(deep),
        Limits { depth: 5, ..FREE },
        Refusal::Depth { limit: 5 },
    );
}

#[test]
fn too_many_frames_that_wait() {
    let limits = Limits {
        sealed_frames: 0,
        ..FREE
    };
    let [resume, tail_resume, _] = uses(&frames(3));
    let frames = [
        prompt(P, log("body")),
        wind(log("body")),
        resume,
        call(tail_resume),
    ];
    for frame in frames {
        is_refused(frame, limits, Refusal::SealedFrames { limit: 0 });
    }
}

#[test]
fn too_many_captured_frames() {
    // Under the prompt waits one, and the piece would have two.
    let [captures @ .., _abort] = leaves(P);
    for capture in captures {
        let frame = prompt(P, call(capture));
        let limits = |sealed_frames| Limits {
            sealed_frames,
            ..FREE
        };
        is_refused(frame.clone(), limits(2), Refusal::SealedFrames { limit: 2 });
        let mut machine = Machine::new(frame);
        machine.set_limits(limits(3));
        assert_eq!(number_of(machine.run_for(u64::MAX, &mut Vec::new())), 0);
        goes_on(&mut machine);
    }
}

#[test]
fn host_calls_too_deep() {
    fn nested(deep: usize) -> Does {
        match deep {
            0 => log("innermost"),
            _ => host_call(nested(deep - 1)),
        }
    }
    let limits = |nesting| Limits { nesting, ..FREE };
    is_refused(nested(3), limits(2), Refusal::Nesting { limit: 2 });
    is_refused(nested(1), limits(0), Refusal::Nesting { limit: 0 });
    is_refused(
        nested(101),
        Limits::default(),
        Refusal::Nesting { limit: 100 },
    );
    let mut machine = Machine::new(nested(2));
    machine.set_limits(limits(2));
    assert_eq!(number_of(machine.run_for(u64::MAX, &mut Vec::new())), 0);
}

/// A host call cannot pause: it overdraws the fuel, and is cut short if that is too much.
#[test]
fn fuel_that_is_left() {
    let world = &mut Vec::new();
    let mut machine = Machine::new(call(quiet()));
    assert_eq!(number_of(machine.run_for(10, world)), 0);
    // The caller twice, and the callee.
    assert_eq!(machine.fuel_left(), 7);
    machine.start(call(quiet())).unwrap();
    assert!(matches!(machine.run_for(2, world), Ok(Outcome::OutOfFuel)));
    assert_eq!(machine.fuel_left(), 0);
}

/// A step that does the work of many pays for them, as far as there is fuel.
#[test]
fn a_step_that_pays_for_more() {
    let world = &mut Vec::new();
    let pays = |steps| {
        let charge = move |cx: &mut Context<'_, Does>| i64::try_from(cx.charge(steps)).unwrap();
        call(does(move |_, cx| Step::Return(Got::Number(charge(cx)))))
    };
    let mut machine = Machine::new(pays(4));
    assert_eq!(number_of(machine.run_for(10, world)), 0);
    assert_eq!(machine.fuel_left(), 3);
    // One more is left for the caller, which hears what is owed.
    machine.start(pays(9)).unwrap();
    assert!(matches!(machine.run_for(3, world), Ok(Outcome::OutOfFuel)));
    assert_eq!(number_of(machine.run_for(1, world)), 8);
}

#[test]
fn out_of_fuel_in_a_host_call() {
    for (overrun, ends) in [(4, true), (3, false), (0, false)] {
        let five_steps = call(call(quiet()));
        let mut machine = Machine::new(host_call(five_steps));
        machine.set_limits(Limits { overrun, ..FREE });
        let world = &mut Vec::new();
        // Two are paid for: that of the host call, and the first in it.
        let n = number_of(machine.run_for(2, world));
        if ends {
            assert_eq!((n, world.len()), (0, 0));
        } else {
            assert_eq!((n, &world[..]), (-1, &[Refused(Refusal::NoFuel)][..]));
        }
        goes_on(&mut machine);
    }
    // What is cut short is gone; the program pauses as soon as it can.
    let forever = does(|_, _| Step::Call(quiet()));
    let mut machine = Machine::new(call(host_call(forever)));
    machine.set_limits(Limits { overrun: 9, ..FREE });
    let world = &mut Vec::new();
    assert!(matches!(machine.run_for(2, world), Ok(Outcome::OutOfFuel)));
    assert_eq!(*world, [Refused(Refusal::NoFuel)]);
    assert_eq!(machine.depth(), 1);
    assert_eq!(number_of(machine.run_for(1, world)), -1);
    goes_on(&mut machine);
}

/// What the machine's owner asks at the wrong time.
#[test]
fn a_machine_in_another_state() {
    let world = &mut Vec::new();
    let k = frames(1);
    let other = Refusal::NotSuspended;
    let number = || Ok(Got::Number(7));

    let suspend = step(|| Step::Suspend(Got::Number(3)));
    let mut machine = Machine::new(call(suspend));
    // It is about to run.
    assert_eq!(machine.run_for(0, world).unwrap_err(), Refusal::NoFuel);
    assert_eq!(machine.start(log("no")).unwrap_err(), other);
    assert_eq!(machine.start_with(k.clone(), number()).unwrap_err(), other);
    assert_eq!(machine.answer(number()).unwrap_err(), other);
    // It is paused.
    assert!(matches!(machine.run_for(1, world), Ok(Outcome::OutOfFuel)));
    assert_eq!(machine.run_for(0, world).unwrap_err(), Refusal::NoFuel);
    assert_eq!(machine.start(log("no")).unwrap_err(), other);
    assert_eq!(machine.start_with(k.clone(), number()).unwrap_err(), other);
    assert_eq!(machine.answer(number()).unwrap_err(), other);
    // It waits for an answer.
    assert!(matches!(
        machine.run_for(9, world),
        Ok(Outcome::Suspended(Got::Number(3)))
    ));
    assert_eq!(machine.run_for(0, world).unwrap_err(), Refusal::NoFuel);
    assert_eq!(machine.run_for(9, world).unwrap_err(), other);
    assert_eq!(machine.start(log("no")).unwrap_err(), other);
    assert_eq!(machine.start_with(k.clone(), number()).unwrap_err(), other);
    machine.answer(number()).unwrap();
    // It was answered.
    assert_eq!(machine.answer(number()).unwrap_err(), other);
    assert_eq!(number_of(machine.run_for(9, world)), 7);
    // It is done.
    assert_eq!(machine.run_for(9, world).unwrap_err(), Refusal::NoFrames);
    assert_eq!(machine.answer(number()).unwrap_err(), other);
    assert!(machine.continuation().is_none());
    goes_on(&mut machine);
    machine.start_with(k, number()).unwrap();
    assert_eq!(number_of(machine.run_for(9, world)), 7);
    assert_eq!(*world, []);
}

/// The rest of a machine whose frames were all dropped by a raise.
fn nothing() -> Continuation<Does> {
    let mut machine = Machine::idle();
    machine.start_with(frames(3), Err(Got::Number(1))).unwrap();
    let k = machine.continuation().unwrap();
    assert!(k.is_empty());
    k
}

#[test]
fn a_continuation_without_frames() {
    let mut machine = Machine::idle();
    let start = machine.start_with(nothing(), Ok(Got::Number(7)));
    assert_eq!(start.unwrap_err(), Refusal::NoFrames);
    goes_on(&mut machine);
    let inspector = machine.inspector();
    let built = inspector.build_from_frames::<Does>([]);
    assert_eq!(built.unwrap_err(), Refusal::NoFrames);
    let taken_apart = inspector.take_apart(nothing()).unwrap();
    assert_eq!(inspector.build(taken_apart).unwrap_err(), Refusal::NoFrames);
    // Within a program it answers what it is resumed with.
    for resume in uses(&nothing()) {
        let mut machine = Machine::new(prompt(P, resume));
        assert_eq!(number_of(machine.run_for(u64::MAX, &mut Vec::new())), 7);
        goes_on(&mut machine);
    }
}

#[test]
fn a_panic_in_a_host_call() {
    let mut world = Vec::new();
    let panics = step(|| Step::Call(does(|_, _| panic!("on purpose"))));
    let host = does(move |input, cx| match input {
        Input::Start => {
            let body = panics.clone();
            let under = step(move || Step::Prompt {
                tag: P,
                body: body.clone(),
            });
            let call = AssertUnwindSafe(|| cx.barrier("risky", under.clone()));
            assert!(catch_unwind(call).is_err());
            // No host call stands in the way any more, and no other prompt.
            Step::Capture {
                tag: P,
                operator: Operator::Control,
                place: Place::Here,
                body: does(|_, _| Step::Return(Got::Number(7))),
            }
        }
        Input::Value(value) => Step::Return(value),
        other => panic!("{other:?}"),
    });
    let mut machine = Machine::new(step(move || Step::Prompt {
        tag: P,
        body: host.clone(),
    }));
    assert_eq!(number_of(machine.run_for(u64::MAX, &mut world)), 7);
    assert_eq!((machine.depth(), machine.sealed_frames()), (0, 0));

    let mut machine = Machine::new(does(|_, _| panic!("on purpose")));
    assert!(catch_unwind(AssertUnwindSafe(|| machine.run(&mut world))).is_err());
    assert!(machine.continuation().is_none());
    let wants_nothing = Err(Refusal::NotSuspended);
    assert_eq!(machine.answer(Ok(Got::Number(0))), wants_nothing);
    assert_eq!(machine.start(log("")), wants_nothing);
    assert_eq!(
        machine.run_for(1, &mut world).unwrap_err(),
        Refusal::NotSuspended
    );
}

fn lock(body: Does) -> Does {
    Does {
        kind: Some("lock"),
        ..body
    }
}

#[test]
fn one_shot_frames() {
    let world = &mut Vec::new();
    let k = continuation_of(lock(step(|| capture_to(P))), world);
    let mut resume = || {
        let mut machine = Machine::idle();
        machine.start_with(k.clone(), Ok(Got::Number(5)))?;
        machine.run_for(u64::MAX, world)
    };
    assert_eq!(number_of(resume()), 5);
    let refusal = Refusal::OneShot { frame: "lock" };
    assert_eq!(resume().unwrap_err(), refusal);
    for used in uses(&k) {
        is_refused(prompt(P, used), FREE, refusal);
    }
    // Winders are run more than once.
    for (before, after) in [(lock(log("in")), log("out")), (log("in"), lock(log("out")))] {
        let frame = step(move || Step::wind(before.clone(), log("body"), after.clone()));
        is_refused(frame, FREE, refusal);
    }
}

/// What is resumed inside of itself, before its one-shot frame is back: this frame, then one
/// that resumes what it gets, then the one that captured.
fn lock_and_again(world: &mut Vec<Event>, around: fn(Does) -> Does) -> Continuation<Does> {
    let again = does(|input, _| match input {
        Input::Start => Step::Call(step(|| capture_to(P))),
        Input::Value(Got::K(k)) => Step::Resume {
            continuation: k,
            with: Ok(Got::Number(7)),
        },
        Input::Value(value) => Step::Return(value),
        other => panic!("{other:?}"),
    });
    continuation_of(around(lock(step(move || Step::Call(again.clone())))), world)
}

/// The frame below the missing one is told, and a winder between the two runs.
#[test]
fn a_missing_frame_below_a_winder() {
    let world = &mut Vec::new();
    let k = lock_and_again(world, |lock| {
        step(move || Step::wind(log("in"), lock.clone(), log("out")))
    });
    world.clear();
    let mut machine = Machine::idle();
    machine.start_with(k.clone(), Ok(Got::K(k))).unwrap();
    assert_eq!(number_of(machine.run_for(u64::MAX, world)), -1);
    let told = Refused(Refusal::OneShot { frame: "lock" });
    assert_eq!(*world, [Log("in"), Log("in"), Log("out"), Log("out"), told]);
}

/// Where no frame is below the missing one, the host is told: one that called back, or the
/// machine's owner.
#[test]
fn a_missing_frame_at_the_bottom() {
    let world = &mut Vec::new();
    let refusal = Refusal::OneShot { frame: "lock" };
    let k = lock_and_again(world, |lock| lock);
    let mut machine = Machine::new(does(move |_, cx| {
        let k = k.clone();
        let frame = step(move || Step::TailResume {
            continuation: k.clone(),
            with: Ok(Got::K(k.clone())),
        });
        match cx.barrier("sort", frame) {
            Err(Interrupted::Refused(told)) => assert_eq!(told, refusal),
            other => panic!("{other:?}"),
        }
        Step::Return(Got::Number(1))
    }));
    assert_eq!(number_of(machine.run_for(u64::MAX, world)), 1);

    let k = lock_and_again(world, |lock| lock);
    let mut machine = Machine::idle();
    machine.start_with(k.clone(), Ok(Got::K(k))).unwrap();
    assert_eq!(machine.run_for(u64::MAX, world).unwrap_err(), refusal);
    assert!(machine.continuation().is_none());
    machine.start(log("goes on")).unwrap();
    assert_eq!(number_of(machine.run_for(u64::MAX, world)), 0);
}

/// A winder's body waits while *before* runs, and a continuation of that holds it too.
#[test]
fn a_one_shot_body_waits_for_its_winder() {
    let world = &mut Vec::new();
    let before = step(|| capture_to(P));
    let k = continuation_of(
        step(move || Step::wind(before.clone(), lock(log("body")), log("after"))),
        world,
    );
    let mut resume = || {
        let mut machine = Machine::idle();
        machine.start_with(k.clone(), Ok(Got::Number(5)))?;
        machine.run_for(u64::MAX, world)
    };
    assert_eq!(number_of(resume()), 0);
    assert_eq!(resume().unwrap_err(), Refusal::OneShot { frame: "lock" });
    assert_eq!(*world, [Log("body"), Log("after")]);
}

/// A machine's continuation is a second holder of what is in it.
#[test]
fn the_continuation_of_a_machine() {
    let world = &mut Vec::new();
    // Paused before the frame runs at all.
    let mut machine = Machine::new(step(|| Step::Call(log("runs"))));
    assert!(matches!(machine.run_for(1, world), Ok(Outcome::OutOfFuel)));
    let k = machine.continuation().unwrap();
    assert_eq!(k.len(), 2);
    let k = k.detach().unwrap().attach();
    assert_eq!(k.len(), 2);
    assert_eq!(number_of(machine.run_for(9, world)), 0);
    assert_eq!(*world, [Log("runs")]);

    // The machine has the one copy.
    let mut machine = Machine::new(lock(step(|| Step::Suspend(Got::Number(3)))));
    assert!(matches!(machine.run(world), Outcome::Suspended(_)));
    let k = machine.continuation().unwrap();
    assert_eq!(
        k.clone().detach().unwrap_err(),
        Refusal::OneShot { frame: "lock" }
    );
    drop(machine);
    let k = k.detach().unwrap().attach();
    let mut machine = Machine::idle();
    machine.start_with(k, Ok(Got::Number(4))).unwrap();
    assert_eq!(number_of(machine.run_for(9, world)), 4);

    // What comes after the winder has no second copy.
    let body = step(|| Step::Abort {
        tag: P,
        value: Got::Number(6),
    });
    let after = step(|| Step::Suspend(Got::Number(5)));
    let wind = step(move || Step::wind(log("in"), body.clone(), after.clone()));
    let mut machine = Machine::new(step(move || Step::Prompt {
        tag: P,
        body: wind.clone(),
    }));
    assert!(matches!(machine.run(world), Outcome::Suspended(_)));
    assert!(machine.continuation().is_none());
    machine.answer(Ok(Got::Number(0))).unwrap();
    assert_eq!(number_of(machine.run_for(9, world)), 6);
}
