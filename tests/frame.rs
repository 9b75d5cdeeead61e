//! The rules of the operators, and the classic terms that tell them apart.

use std::rc::Rc;

use segno::frame::*;

/// Terms of a small language, to write the rules of the operators down in.
#[derive(Clone, Debug)]
enum Term {
    Number(i64),
    Binary(fn(i64, i64) -> i64, Box<Term>, Box<Term>),
    Lambda(&'static str, Rc<Term>),
    /// Of a function, or of a continuation.
    Apply(Box<Term>, Box<Term>),
    Reset(PromptTag, Box<Term>),
    /// The body is a function of the continuation, which is bound to the name.
    Capture(PromptTag, Operator, Place, &'static str, Box<Term>),
    Var(&'static str),
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
    Lambda(&'static str, Rc<Term>, Env),
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
            Input::Restarted | Input::Asked(_) => unreachable!(),
        }
        let seen = self.seen.len();
        match &self.term {
            Term::Number(n) => Step::Return(Value::Number(*n)),
            Term::Var(name) => {
                let found = self.env.iter().rev().find(|(n, _)| n == name).unwrap();
                Step::Return(found.1.clone())
            }
            Term::Lambda(name, body) => {
                Step::Return(Value::Lambda(name, body.clone(), self.env.clone()))
            }
            Term::Binary(of, a, b) => match (seen, &self.seen[..]) {
                (0, _) => self.sub(a),
                (1, _) => self.sub(b),
                (_, [Value::Number(a), Value::Number(b)]) => {
                    Step::Return(Value::Number(of(*a, *b)))
                }
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
            Term::Apply(f, v) => match (seen, &self.seen[..]) {
                (0, _) => self.sub(f),
                (1, _) => self.sub(v),
                (2, [Value::K(k), v]) => Step::Resume {
                    continuation: k.clone(),
                    with: Ok(v.clone()),
                },
                (2, [Value::Lambda(name, body, env), v]) => {
                    let mut env = env.clone();
                    env.push((name, v.clone()));
                    Step::TailCall(Self::new((**body).clone(), &env))
                }
                (_, seen) => Step::Return(seen[2].clone()),
            },
            Term::Replace(tag, k, v) => match (seen, &self.seen[..]) {
                (0, _) => self.sub(k),
                (1, _) => self.sub(v),
                (_, [Value::K(k), v]) => Step::Replace {
                    tag: *tag,
                    continuation: k.clone(),
                    with: Ok(v.clone()),
                },
                other => panic!("{other:?}"),
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
                None => self.sub(v),
                Some(value) => Step::Abort { tag: *tag, value },
            },
            Term::Raise(v) => match self.seen.pop() {
                None => self.sub(v),
                Some(value) => Step::Raise(value),
            },
            Term::Catch(body) => match self.seen.pop() {
                None => self.sub(body),
                Some(value) => Step::Return(value),
            },
        }
    }
}

const ALL: [Operator; 4] = [
    Operator::Shift,
    Operator::Control,
    Operator::Shift0,
    Operator::Control0,
];

const P: PromptTag = PromptTag::named("p");
const Q: PromptTag = PromptTag::named("q");

fn n(n: i64) -> Box<Term> {
    Box::new(Term::Number(n))
}
fn add(a: Box<Term>, b: Box<Term>) -> Box<Term> {
    Box::new(Term::Binary(|a, b| a + b, a, b))
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
fn apply(f: Box<Term>, v: Box<Term>) -> Box<Term> {
    Box::new(Term::Apply(f, v))
}
fn lambda(name: &'static str, body: Box<Term>) -> Box<Term> {
    Box::new(Term::Lambda(name, Rc::from(body)))
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
    let body = apply(var("k"), apply(var("k"), n(100)));
    let term = add(n(1), reset(add(n(10), capture(Operator::Shift, "k", body))));
    assert_eq!(number(term), 121);
}

#[test]
fn winders_run_on_the_way() {
    let wind = |name, body| Box::new(Term::Wind(name, body));
    let twice = add(apply(var("k"), n(1)), apply(var("k"), n(2)));
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

/// What a term came to, to be compared.
fn shown(term: Box<Term>) -> String {
    format!("{:?}", eval(term).0)
}

type Around = fn(Operator, Box<Term>) -> Box<Term>;

/// Evaluation contexts without a prompt.
const CONTEXTS: [Around; 7] = [
    |_, x| x,
    |_, x| add(n(1), x),
    |_, x| add(x, n(10)),
    |_, x| apply(lambda("y", add(var("y"), var("y"))), x),
    |_, x| Box::new(Term::Reset(Q, x)),
    // What captures again once there is a value, and keeps the rest or not.
    |op, x| add(x, capture(op, "j", add(n(100), apply(var("j"), n(5))))),
    |op, x| add(add(n(1), x), capture(op, "j", n(100))),
];

/// Bodies of a capture, in which `k` is its continuation.
const BODIES: [fn(Operator) -> Box<Term>; 7] = [
    |_| n(7),
    |_| apply(var("k"), n(7)),
    |_| add(n(1000), apply(var("k"), n(7))),
    |_| apply(var("k"), apply(var("k"), n(7))),
    |_| add(apply(var("k"), n(1)), apply(var("k"), n(2))),
    |op| capture(op, "l", apply(var("k"), n(7))),
    |op| apply(var("k"), capture(op, "l", apply(var("l"), n(7)))),
];

/// The rule of an operator: what `reset(E[capture k. e])` is equal to.
fn reduced(
    operator: Operator,
    context: &dyn Fn(Box<Term>) -> Box<Term>,
    e: Box<Term>,
) -> Box<Term> {
    let piece = match operator.takes_prompt() {
        true => reset(context(var("x"))),
        false => context(var("x")),
    };
    // e[k := λx. piece]
    let e = apply(lambda("k", e), lambda("x", piece));
    match operator.keeps_prompt() {
        true => reset(e),
        false => e,
    }
}

/// Danvy and Filinski's rule for shift, Felleisen's for control, and those of the variants
/// with a zero, as Dybvig, Peyton Jones and Sabry write them down (*A Monadic Framework for
/// Delimited Continuations*, JFP 2007):
///
/// ```text
/// reset(v)               =  v
/// reset(E[shift k. e])   =  reset(e[k := λx. reset(E[x])])
/// reset(E[control k. e]) =  reset(e[k := λx. E[x]])
/// reset(E[shift0 k. e])  =  e[k := λx. reset(E[x])]
/// reset(E[control0 k. e]) = e[k := λx. E[x]]
/// ```
#[test]
fn the_rules_of_the_operators() {
    assert_eq!(number(reset(n(7))), 7);
    // What captures once more finds one of these.
    let around = |term| reset(add(n(20_000), reset(add(n(10_000), term))));
    let broken = |operator, rule| {
        let mut broken = Vec::new();
        for other in ALL {
            for (i, context) in CONTEXTS.into_iter().enumerate() {
                for (j, body) in BODIES.into_iter().enumerate() {
                    let context = |x| context(other, x);
                    let left = around(reset(context(capture(operator, "k", body(other)))));
                    let right = around(reduced(rule, &context, body(other)));
                    if shown(left) != shown(right) {
                        broken.push((other, i, j));
                    }
                }
            }
        }
        broken
    };
    for operator in ALL {
        for rule in ALL {
            let broken = broken(operator, rule);
            let own = operator == rule;
            assert_eq!(
                own,
                broken.is_empty(),
                "{operator:?} by {rule:?}'s: {broken:?}"
            );
        }
    }
}

/// Where nothing is left the prompt stays, and so does the rest, whether the frame that captures
/// returns what the body does or is gone:
///
/// ```text
/// reset(E[capture k. e])  =  reset(E[e[k := λx. E[x]]]), or λx. reset(E[x])
/// ```
#[test]
fn the_rule_of_captures_that_leave_nothing() {
    let around = |term| reset(add(n(20_000), reset(add(n(10_000), term))));
    for (operator, other) in ALL.into_iter().flat_map(|a| ALL.map(|b| (a, b))) {
        for (i, context) in CONTEXTS.into_iter().enumerate() {
            for (j, body) in BODIES.into_iter().enumerate() {
                let piece = match operator.takes_prompt() {
                    true => reset(context(other, var("x"))),
                    false => context(other, var("x")),
                };
                let e = apply(lambda("k", body(other)), lambda("x", piece));
                let right = shown(around(reset(context(other, e))));
                for place in [Place::Here, Place::Instead] {
                    let term = Term::Capture(P, operator, place, "k", body(other));
                    let left = shown(around(reset(context(other, Box::new(term)))));
                    assert_eq!(left, right, "{operator:?} {place:?} {other:?} {i} {j}");
                }
            }
        }
    }
}

/// Terms that tell the four operators apart.
#[test]
fn operators_differ() {
    let outer = |term| reset(add(n(1000), reset(term)));
    // The second capture finds the prompt of the continuation, or the one that stayed, or
    // none but the outer one.
    let resumed = |operator| {
        let first = capture(operator, "j", add(n(1), apply(var("j"), n(10))));
        number(outer(add(first, capture(operator, "k", n(100)))))
    };
    // The second capture is in the body of the first.
    let twice = |operator| {
        let second = capture(operator, "k", n(7));
        number(outer(add(n(1), capture(operator, "j", second))))
    };
    let answers = [ALL.map(resumed), ALL.map(twice)];
    assert_eq!(answers, [[1101, 1100, 1101, 100], [1007, 1007, 7, 7]]);
    for i in 0..ALL.len() {
        for j in 0..i {
            let differ = answers.iter().any(|of| of[i] != of[j]);
            assert!(differ, "{:?} and {:?}", ALL[i], ALL[j]);
        }
    }
}

/// Before a list: a number whose last digit is the first of its elements.
fn cons(first: Box<Term>, rest: Box<Term>) -> Box<Term> {
    Box::new(Term::Binary(|first, rest| 10 * rest + first, first, rest))
}

/// A list is visited, and each visit says `capture k. first :: k(rest)`: shift copies the
/// list and control reverses it (Biernacki, Danvy and Millikin, *A Dynamic Continuation-
/// Passing Style for Dynamic Delimited Continuations*, 2005).
#[test]
fn shift_copies_a_list_and_control_reverses_it() {
    let traversed = |operator| {
        let visit = |rest, first| {
            let visited = capture(operator, "k", cons(n(first), apply(var("k"), n(0))));
            apply(lambda("_", rest), visited)
        };
        let nothing = n(0);
        let whole = [3, 2, 1].into_iter().fold(nothing, visit);
        // As many prompts as control0 takes away.
        number(reset(reset(reset(whole))))
    };
    assert_eq!(ALL.map(traversed), [321, 123, 321, 123]);
}

/// Two of them reach the second prompt, and put the contexts back in any order.
#[test]
fn shift0_reaches_the_prompts_further_out() {
    let both = |inner: &'static str, outer: &'static str| {
        let body = apply(var(inner), apply(var(outer), n(0)));
        let twice = capture(Operator::Shift0, "j", capture(Operator::Shift0, "k", body));
        number(reset(cons(n(1), reset(cons(n(2), twice)))))
    };
    assert_eq!(both("k", "j"), 21);
    assert_eq!(both("j", "k"), 12);
    // Shift's bodies stay within the prompt.
    let body = apply(var("j"), apply(var("k"), n(0)));
    let twice = capture(Operator::Shift, "j", capture(Operator::Shift, "k", body));
    assert_eq!(number(reset(cons(n(1), reset(cons(n(2), twice))))), 21);
}

/// A continuation that consists of two, put on top of a third stack.
#[test]
fn pieces_of_pieces() {
    let control = |name, plus| {
        let body = add(n(plus), apply(var(name), n(plus + 1)));
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
    for place in [Place::Here, Place::Instead] {
        let body = add(n(1000), replace.clone());
        let call_cc = Term::Capture(P, Operator::Control, place, "k", body);
        let call_cc = Box::new(call_cc);
        assert_eq!(number(add(n(1), reset(add(n(10), call_cc)))), 16);
    }
}
