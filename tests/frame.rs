//! The described leg: frames, operators, winders, marks, barriers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;

use segno::frame::*;

/// Terms of a small language, to write the rules of the operators down in.
#[derive(Clone, Debug)]
enum Term {
    Number(i64),
    Add(Box<Term>, Box<Term>),
    Reset(PromptTag, Box<Term>),
    /// The body is a function of the continuation, which is bound to the name.
    Capture(PromptTag, Operator, Place, &'static str, Box<Term>),
    Var(&'static str),
    Resume(Box<Term>, Box<Term>),
    Log(String, Box<Term>),
    Wind(&'static str, Box<Term>),
    Abort(PromptTag, Box<Term>),
    Replace(PromptTag, Box<Term>, Box<Term>),
    Raise(Box<Term>),
    Catch(Box<Term>),
}

#[derive(Clone, Debug)]
enum Value {
    Number(i64),
    K(Continuation<Eval>),
    Refused(Refusal),
}

type Env = Vec<(&'static str, Value)>;

#[derive(Clone, Debug)]
struct Eval {
    term: Term,
    env: Env,
    seen: Vec<Value>,
}

impl Eval {
    fn new(term: Term, env: &Env) -> Self {
        Self {
            term,
            env: env.clone(),
            seen: Vec::new(),
        }
    }

    fn sub(&self, term: &Term) -> Step<Self> {
        Step::Call(Self::new(term.clone(), &self.env))
    }
}

impl Frame for Eval {
    type Value = Value;
    type World = Vec<String>;

    fn catches(&self) -> bool {
        matches!(self.term, Term::Catch(_))
    }

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match input {
            Input::Start => {}
            Input::Value(value) => self.seen.push(value),
            Input::Continuation(k) => {
                if let Term::Capture(_, _, _, name, body) = &self.term {
                    let mut env = self.env.clone();
                    env.push((name, Value::K(k)));
                    return Step::TailCall(Self::new((**body).clone(), &env));
                }
            }
            Input::Raised(value) => return Step::Return(value),
            Input::Refused(refusal) => return Step::Raise(Value::Refused(*refusal)),
            Input::Restarted => unreachable!(),
        }
        let seen = self.seen.len();
        match &self.term {
            Term::Number(n) => Step::Return(Value::Number(*n)),
            Term::Var(name) => {
                let found = self.env.iter().rev().find(|(n, _)| n == name).unwrap();
                Step::Return(found.1.clone())
            }
            Term::Add(a, b) => match (seen, &self.seen[..]) {
                (0, _) => self.sub(&a.clone()),
                (1, _) => self.sub(&b.clone()),
                (_, [Value::Number(a), Value::Number(b)]) => Step::Return(Value::Number(a + b)),
                other => panic!("{other:?}"),
            },
            Term::Reset(tag, body) => match self.seen.pop() {
                None => Step::Prompt {
                    tag: *tag,
                    body: Self::new((**body).clone(), &self.env),
                },
                Some(value) => Step::Return(value),
            },
            Term::Capture(tag, operator, place, ..) => match self.seen.pop() {
                None => Step::Capture {
                    tag: *tag,
                    operator: *operator,
                    place: *place,
                    body: self.clone(),
                },
                Some(value) => Step::Return(value),
            },
            Term::Resume(k, v) => match seen {
                0 => self.sub(&k.clone()),
                1 => self.sub(&v.clone()),
                2 => {
                    let v = self.seen[1].clone();
                    let Value::K(k) = self.seen[0].clone() else {
                        panic!()
                    };
                    Step::Resume {
                        continuation: k,
                        with: Ok(v),
                    }
                }
                _ => Step::Return(self.seen[2].clone()),
            },
            Term::Replace(tag, k, v) => match seen {
                0 => self.sub(&k.clone()),
                1 => self.sub(&v.clone()),
                _ => {
                    let v = self.seen[1].clone();
                    let Value::K(k) = self.seen[0].clone() else {
                        panic!()
                    };
                    Step::Replace {
                        tag: *tag,
                        continuation: k,
                        with: Ok(v),
                    }
                }
            },
            Term::Log(text, then) => {
                cx.world.push(text.clone());
                Step::TailCall(Self::new((**then).clone(), &self.env))
            }
            Term::Wind(name, body) => match self.seen.pop() {
                None => {
                    let thunk = |text: String| {
                        Self::new(Term::Log(text, Box::new(Term::Number(0))), &Vec::new())
                    };
                    Step::wind(
                        thunk(format!("in {name}")),
                        Self::new((**body).clone(), &self.env),
                        thunk(format!("out {name}")),
                    )
                }
                Some(value) => Step::Return(value),
            },
            Term::Abort(tag, v) => match self.seen.pop() {
                None => self.sub(&v.clone()),
                Some(value) => Step::Abort { tag: *tag, value },
            },
            Term::Raise(v) => match self.seen.pop() {
                None => self.sub(&v.clone()),
                Some(value) => Step::Raise(value),
            },
            Term::Catch(body) => match self.seen.pop() {
                None => self.sub(&body.clone()),
                Some(value) => Step::Return(value),
            },
        }
    }
}

const P: PromptTag = PromptTag::named("p");

fn n(n: i64) -> Box<Term> {
    Box::new(Term::Number(n))
}
fn add(a: Box<Term>, b: Box<Term>) -> Box<Term> {
    Box::new(Term::Add(a, b))
}
fn reset(body: Box<Term>) -> Box<Term> {
    Box::new(Term::Reset(P, body))
}
fn capture(operator: Operator, name: &'static str, body: Box<Term>) -> Box<Term> {
    Box::new(Term::Capture(P, operator, Place::Prompt, name, body))
}
fn var(name: &'static str) -> Box<Term> {
    Box::new(Term::Var(name))
}
fn resume(k: Box<Term>, v: Box<Term>) -> Box<Term> {
    Box::new(Term::Resume(k, v))
}

fn eval(term: impl AsRef<Term>) -> (Outcome<Value>, Vec<String>) {
    let mut log = Vec::new();
    let term = term.as_ref().clone();
    let outcome = Machine::new(Eval::new(term, &Vec::new())).run(&mut log);
    (outcome, log)
}

#[track_caller]
fn number(term: Box<Term>) -> i64 {
    match eval(term).0 {
        Outcome::Done(Value::Number(n)) => n,
        other => panic!("{other:?}"),
    }
}

#[test]
fn multi_shot() {
    // 1 + reset(10 + shift k. k (k 100)) = 1 + 10 + 10 + 100
    let body = resume(var("k"), resume(var("k"), n(100)));
    let term = add(n(1), reset(add(n(10), capture(Operator::Shift, "k", body))));
    assert_eq!(number(term), 121);
}

#[test]
fn winders_run_on_the_way() {
    let wind = |name, body| Box::new(Term::Wind(name, body));
    let twice = add(resume(var("k"), n(1)), resume(var("k"), n(2)));
    let term = reset(wind(
        "a",
        wind("b", add(n(10), capture(Operator::Shift, "k", twice))),
    ));
    let (outcome, log) = eval(term);
    assert!(
        matches!(outcome, Outcome::Done(Value::Number(23))),
        "{outcome:?}"
    );
    let once = ["in a", "in b", "out b", "out a"];
    assert_eq!(log, [once, once, once].concat());
}

const ALL: [Operator; 4] = [
    Operator::Shift,
    Operator::Control,
    Operator::Shift0,
    Operator::Control0,
];

/// Two terms that tell the four operators apart.
#[test]
fn operators_differ() {
    let outer = |term| reset(add(n(1000), reset(term)));
    // The second capture finds the prompt of the continuation, or the one that stayed, or
    // none but the outer one.
    let resumed = |operator| {
        let first = capture(operator, "j", add(n(1), resume(var("j"), n(10))));
        number(outer(add(first, capture(operator, "k", n(100)))))
    };
    assert_eq!(ALL.map(resumed), [1101, 1100, 1101, 100]);
    // The second capture is in the body of the first.
    let twice = |operator| {
        let second = capture(operator, "k", n(7));
        number(outer(add(n(1), capture(operator, "j", second))))
    };
    assert_eq!(ALL.map(twice), [1007, 1007, 7, 7]);
}

/// A continuation that consists of two, put on top of a third stack.
#[test]
fn pieces_of_pieces() {
    let control = |name, plus| {
        let body = add(n(plus), resume(var(name), n(plus + 1)));
        capture(Operator::Control, name, body)
    };
    // 1000 + (100 + (101 + 1001)), and so on.
    let two = add(control("j", 100), control("k", 1000));
    assert_eq!(number(reset(two)), 1000 + 100 + 101 + 1001);
    let four = add(
        add(control("j", 100), control("k", 1000)),
        add(control("l", 10_000), control("m", 100_000)),
    );
    assert_eq!(number(reset(four)), 2 * 111_100 + 4);
}

fn catch(body: Box<Term>) -> Box<Term> {
    Box::new(Term::Catch(body))
}
fn raise(value: Box<Term>) -> Box<Term> {
    Box::new(Term::Raise(value))
}

#[test]
fn raises_and_refusals_are_caught() {
    assert_eq!(number(catch(add(n(1), raise(n(5))))), 5);
    assert_eq!(number(add(n(1), catch(reset(add(n(1), raise(n(5))))))), 6);
    let (outcome, _) = eval(catch(capture(Operator::Shift, "k", n(1))));
    match outcome {
        Outcome::Done(Value::Refused(refusal)) => assert_eq!(refusal, Refusal::NoSuchPrompt(P)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn abort_and_replace() {
    let abort = Box::new(Term::Abort(P, n(5)));
    assert_eq!(number(add(n(1), reset(add(n(10), abort)))), 6);
    // call/cc: the continuation is reinstated at the prompt, whatever is between.
    let replace = Box::new(Term::Replace(P, var("k"), n(5)));
    let call_cc = Box::new(Term::Capture(
        P,
        Operator::Control,
        Place::Here,
        "k",
        add(n(1000), replace),
    ));
    assert_eq!(number(add(n(1), reset(add(n(10), call_cc)))), 16);
}

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
    type World = Vec<String>;

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

/// A frame that does one step, and returns what it hears of it.
fn step(first: impl Fn() -> Step<Does> + 'static) -> Does {
    does(move |input, cx| match input {
        Input::Start => first(),
        Input::Value(value) => Step::Return(value),
        Input::Continuation(k) => Step::Return(Got::K(k)),
        other => {
            cx.world.push(format!("{other:?}"));
            Step::Return(Got::Number(-1))
        }
    })
}

fn log(text: &'static str) -> Does {
    does(move |_, cx| {
        cx.world.push(text.to_string());
        Step::Return(Got::Number(0))
    })
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
fn continuation_of(body: Does, world: &mut Vec<String>) -> Continuation<Does> {
    let mut machine = Machine::new(step(move || Step::Prompt {
        tag: P,
        body: body.clone(),
    }));
    match machine.run(world) {
        Outcome::Done(Got::K(k)) => k,
        other => panic!("{other:?}"),
    }
}

#[test]
fn refusals() {
    let mut world = Vec::new();
    let mut refused = |frame, limits| {
        world.clear();
        let mut machine = Machine::new(frame);
        machine.set_limits(limits);
        let n = number_of(machine.run_for(u64::MAX, &mut world));
        (n, world.join(", "))
    };
    let free = Limits::default();

    assert_eq!(
        refused(step(|| capture_to(P)), free),
        (-1, "Refused(NoSuchPrompt(PromptTag(p)))".to_string())
    );

    let host_call = does(|_, cx| match cx.barrier("sort", step(|| capture_to(P))) {
        Ok(value) => Step::Return(value),
        Err(error) => panic!("{error:?}"),
    });
    let prompt = step(move || Step::Prompt {
        tag: P,
        body: host_call.clone(),
    });
    assert_eq!(
        refused(prompt, free),
        (-1, "Refused(Barrier { host_call: \"sort\" })".to_string())
    );

    fn deeper() -> Does {
        step(|| Step::Call(deeper()))
    }
    let limits = Limits { depth: 5, ..free };
    assert_eq!(
        refused(deeper(), limits),
        (-1, "Refused(Depth { limit: 5 })".to_string())
    );

    let mut machine = Machine::new(log("runs"));
    let mut world = Vec::new();
    assert_eq!(machine.run_for(0, &mut world).unwrap_err(), Refusal::NoFuel);
    assert_eq!(number_of(machine.run_for(1, &mut world)), 0);
    assert_eq!(
        machine.run_for(1, &mut world).unwrap_err(),
        Refusal::NoFrames
    );
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
    assert_eq!(resume().unwrap_err(), Refusal::OneShot { frame: "lock" });
}

/// What is resumed inside of itself, before its one-shot frame is back: this frame, then one
/// that resumes what it gets, then the one that captured.
fn lock_and_again(world: &mut Vec<String>, around: fn(Does) -> Does) -> Continuation<Does> {
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
    let told = "Refused(OneShot { frame: \"lock\" })";
    assert_eq!(*world, ["in", "in", "out", "out", told]);
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
    assert_eq!(*world, ["body", "after"]);
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
    assert_eq!(*world, ["runs"]);

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

fn on_a_small_stack(f: fn()) {
    let small = thread::Builder::new().stack_size(256 << 10);
    small.spawn(f).unwrap().join().unwrap();
}

const MILLION: usize = 1_000_000;

/// Goes deeper by calls, or by prompts, and suspends there.
#[derive(Clone)]
struct Deep {
    left: usize,
    prompts: bool,
}

impl Frame for Deep {
    type Value = ();
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        let body = Self {
            left: self.left.saturating_sub(1),
            ..*self
        };
        match input {
            Input::Start if self.left == 0 => Step::Suspend(()),
            Input::Start if self.prompts => Step::Prompt { tag: P, body },
            Input::Start => Step::Call(body),
            _ => Step::Return(()),
        }
    }
}

#[test]
fn a_million_frames_and_segments_are_dropped() {
    on_a_small_stack(|| {
        for prompts in [false, true] {
            for captured in [false, true] {
                let left = MILLION;
                let mut machine = Machine::new(Deep { left, prompts });
                assert_eq!(machine.run(&mut ()), Outcome::Suspended(()));
                let k = captured.then(|| machine.continuation().unwrap());
                drop(machine);
                if let Some(k) = k {
                    assert_eq!(k.len(), MILLION + 1);
                }
            }
        }
    });
}

/// Captures itself again and again, with the one before in the frame.
#[derive(Clone)]
enum Chain {
    Root(usize, Option<Continuation<Chain>>),
    Hold { _below: Option<Continuation<Chain>> },
    Take,
}

impl Frame for Chain {
    type Value = Option<Continuation<Chain>>;
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        match (self, input) {
            (Self::Root(left, k), input) => {
                if let Input::Value(value) = input {
                    *k = value;
                    *left -= 1;
                }
                if *left == 0 {
                    return Step::Return(k.take());
                }
                Step::Prompt {
                    tag: P,
                    body: Self::Hold { _below: k.take() },
                }
            }
            (Self::Hold { .. }, _) => Step::Capture {
                tag: P,
                operator: Operator::Control,
                place: Place::Prompt,
                body: Self::Take,
            },
            (Self::Take, Input::Continuation(k)) => Step::Return(Some(k)),
            (Self::Take, _) => unreachable!(),
        }
    }
}

#[test]
fn a_million_continuations_in_each_other_are_dropped() {
    on_a_small_stack(|| {
        let mut machine = Machine::new(Chain::Root(MILLION, None));
        let Outcome::Done(Some(k)) = machine.run(&mut ()) else {
            panic!()
        };
        assert_eq!(machine.sealed_frames(), MILLION);
        drop(k);
        assert_eq!(machine.sealed_frames(), 0);
    });
}

/// Captures a continuation, resumes it on top of a frame, captures that, and so on.
#[derive(Clone)]
enum Tower {
    Root,
    Grow(usize, Option<Continuation<Tower>>),
    Take(usize),
}

impl Frame for Tower {
    type Value = usize;
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        let capture = |left| Step::Capture {
            tag: P,
            operator: Operator::Control,
            place: Place::Prompt,
            body: Self::Take(left),
        };
        match (self, input) {
            (Self::Root, Input::Start) => Step::Prompt {
                tag: P,
                body: Self::Grow(MILLION, None),
            },
            (Self::Root, Input::Value(n)) => Step::Return(n),
            (Self::Grow(left, k), Input::Start) => match k.take() {
                None => capture(*left),
                Some(continuation) => Step::Resume {
                    continuation,
                    with: Ok(*left),
                },
            },
            // Only the topmost frame hears of more than nothing on the way up.
            (Self::Grow(MILLION, _), Input::Value(left)) if left > 0 => capture(left - 1),
            (Self::Grow(..), Input::Value(n)) => Step::Return(n + 1),
            (Self::Take(left), Input::Continuation(k)) => {
                Step::TailCall(Self::Grow(*left, Some(k)))
            }
            _ => unreachable!(),
        }
    }
}

#[test]
fn a_tower_of_a_million_pieces() {
    on_a_small_stack(|| {
        let mut machine = Machine::new(Tower::Root);
        assert_eq!(machine.run(&mut ()), Outcome::Done(MILLION + 2));
    });
}

/// The same as [`Chain`], but it is a winder that has the one before.
#[derive(Clone)]
enum WinderChain {
    Root(usize, Option<Continuation<WinderChain>>),
    Outer(Option<Continuation<WinderChain>>),
    Thunk {
        _below: Option<Continuation<WinderChain>>,
    },
    Hold,
    Take,
}

impl Frame for WinderChain {
    type Value = Option<Continuation<WinderChain>>;
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        match (self, input) {
            (Self::Root(left, k), input) => {
                if let Input::Value(value) = input {
                    *k = value;
                    *left -= 1;
                }
                if *left == 0 {
                    return Step::Return(k.take());
                }
                Step::Prompt {
                    tag: P,
                    body: Self::Outer(k.take()),
                }
            }
            (Self::Outer(k), _) => {
                let after = Self::Thunk { _below: k.take() };
                Step::wind(Self::Thunk { _below: None }, Self::Hold, after)
            }
            (Self::Thunk { .. }, _) => Step::Return(None),
            (Self::Hold, _) => Step::Capture {
                tag: P,
                operator: Operator::Control,
                place: Place::Prompt,
                body: Self::Take,
            },
            (Self::Take, Input::Continuation(k)) => Step::Return(Some(k)),
            (Self::Take, _) => unreachable!(),
        }
    }
}

#[test]
fn a_chain_of_winders_is_dropped() {
    on_a_small_stack(|| {
        let mut machine = Machine::new(WinderChain::Root(100_000, None));
        let Outcome::Done(Some(k)) = machine.run(&mut ()) else {
            panic!()
        };
        drop(k);
        assert_eq!(machine.sealed_frames(), 0);
    });
}
