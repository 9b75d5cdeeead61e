//! The described leg: frames, operators, winders, marks, barriers.

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
    Log(&'static str, Box<Term>),
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
            Input::Refused(refusal) => return Step::Raise(Value::Refused(refusal)),
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
                cx.world.push((*text).to_string());
                Step::TailCall(Self::new((**then).clone(), &self.env))
            }
            Term::Wind(name, body) => match self.seen.pop() {
                None => {
                    let thunk = |text: String| {
                        Self::new(
                            Term::Log(text.leak(), Box::new(Term::Number(0))),
                            &Vec::new(),
                        )
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

fn eval(term: Box<Term>) -> (Outcome<Value>, Vec<String>) {
    let mut log = Vec::new();
    let outcome = Machine::new(Eval::new(*term, &Vec::new())).run(&mut log);
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
