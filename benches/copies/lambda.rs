//! A recursive evaluator of a lambda calculus with numbers: plain, and by the protocol in both
//! of its forms. It computes Fibonacci numbers, and never captures anything.

use std::fmt;
use std::rc::Rc;

use segno::copy::{Came, Coop, Keep, Leave, enter, enter_keeping};
use segno::frame::{Context, Describe, Frame, FrameDescriptor, Input, Machine, Outcome, Step};

pub(crate) enum Term {
    Number(i64),
    /// So many binders further out.
    Variable(usize),
    /// A function that is bound itself, too: its argument is variable 0, itself variable 1.
    Function(&'static Term),
    Add(&'static Term, &'static Term),
    Sub(&'static Term, &'static Term),
    Less(&'static Term, &'static Term),
    If(&'static Term, &'static Term, &'static Term),
    Apply(&'static Term, &'static Term),
}

use Term::*;

#[derive(Clone)]
pub(crate) enum Value {
    Number(i64),
    Function(Rc<Closure>),
    /// What a frame raises.
    Failed(Failure),
}

pub(crate) struct Closure {
    body: &'static Term,
    scope: Scope,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    Unbound,
    NoNumber,
    NoFunction,
}

#[derive(Clone, Default)]
pub(crate) struct Scope(Option<Rc<Binding>>);

struct Binding {
    value: Value,
    outer: Scope,
}

impl Scope {
    fn with(&self, value: Value) -> Self {
        let outer = self.clone();
        Self(Some(Rc::new(Binding { value, outer })))
    }

    fn get(&self, index: usize) -> Result<&Value, Failure> {
        let mut scope = self;
        for _ in 0..index {
            scope = &scope.0.as_ref().ok_or(Failure::Unbound)?.outer;
        }
        Ok(&scope.0.as_ref().ok_or(Failure::Unbound)?.value)
    }
}

/// The value of a term that needs no recursion.
#[inline(always)]
fn atom(term: &'static Term, scope: &Scope) -> Result<Option<Value>, Failure> {
    Ok(Some(match term {
        Number(n) => Value::Number(*n),
        Variable(index) => scope.get(*index)?.clone(),
        Function(body) => Value::Function(Rc::new(Closure {
            body,
            scope: scope.clone(),
        })),
        _ => return Ok(None),
    }))
}

fn primitive(term: &'static Term, left: &Value, right: &Value) -> Result<Value, Failure> {
    let (Value::Number(left), Value::Number(right)) = (left, right) else {
        return Err(Failure::NoNumber);
    };
    Ok(Value::Number(match term {
        Add(..) => left.wrapping_add(*right),
        Sub(..) => left.wrapping_sub(*right),
        _ => i64::from(left < right),
    }))
}

fn applied(function: &Value, argument: Value) -> Result<(&'static Term, Scope), Failure> {
    let Value::Function(closure) = function else {
        return Err(Failure::NoFunction);
    };
    let scope = closure.scope.with(function.clone()).with(argument);
    Ok((closure.body, scope))
}

fn chosen(condition: &Value, then: &'static Term, other: &'static Term) -> &'static Term {
    match condition {
        Value::Number(0) => other,
        _ => then,
    }
}

/// The evaluator as one writes it.
pub(crate) fn plain(term: &'static Term, scope: &Scope) -> Result<Value, Failure> {
    if let Some(value) = atom(term, scope)? {
        return Ok(value);
    }
    match term {
        Add(left, right) | Sub(left, right) | Less(left, right) => {
            let left = plain(left, scope)?;
            let right = plain(right, scope)?;
            primitive(term, &left, &right)
        }
        If(condition, then, other) => {
            let condition = plain(condition, scope)?;
            plain(chosen(&condition, then, other), scope)
        }
        Apply(function, argument) => {
            let function = plain(function, scope)?;
            let argument = plain(argument, scope)?;
            let (body, scope) = applied(&function, argument)?;
            plain(body, &scope)
        }
        Number(_) | Variable(_) | Function(_) => unreachable!("an atom"),
    }
}

/// A term that is being evaluated, and the value of its first part once it is there.
#[derive(Clone)]
pub(crate) struct Part {
    /// Which of the two protocols it goes by.
    keeps: bool,
    term: &'static Term,
    scope: Scope,
    first: Option<Value>,
}

impl Part {
    fn new(keeps: bool, term: &'static Term, scope: &Scope) -> Self {
        Self {
            keeps,
            term,
            scope: scope.clone(),
            first: None,
        }
    }

    fn kept(term: &'static Term, scope: &Scope, first: Option<&Value>) -> Self {
        Self {
            first: first.cloned(),
            ..Self::new(true, term, scope)
        }
    }
}

impl Describe for Part {
    fn descriptor(&self) -> &'static FrameDescriptor {
        static TERM: FrameDescriptor = FrameDescriptor::new("term", &[]);
        &TERM
    }

    fn slot(&self, _: usize) -> Option<&dyn fmt::Debug> {
        None
    }
}

impl Frame for Part {
    type Value = Value;
    type World = ();

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        if self.keeps {
            enter_keeping(self, input, cx, |part, coop| {
                let Self {
                    term, scope, first, ..
                } = part.clone();
                kept(term, &scope, first, coop)
            })
        } else {
            enter(self, input, cx, registered)
        }
    }

    fn catches(&self) -> bool {
        true
    }
}

#[cold]
fn failed(failure: Failure) -> Box<Leave<Value>> {
    Box::new(Leave::Raised(Value::Failed(failure)))
}

/// The same by the protocol that says on the way out what frame there is.
#[inline]
fn evaluate(term: &'static Term, scope: &Scope, coop: Keep<'_, '_, Part>) -> Came<Part> {
    match atom(term, scope).map_err(failed)? {
        Some(value) => Ok(value),
        None => kept(term, scope, None, coop),
    }
}

fn kept(
    term: &'static Term,
    scope: &Scope,
    first: Option<Value>,
    mut coop: Keep<'_, '_, Part>,
) -> Came<Part> {
    let first_term = match term {
        Add(part, _) | Sub(part, _) | Less(part, _) | If(part, ..) | Apply(part, _) => part,
        Number(_) | Variable(_) | Function(_) => {
            let value = atom(term, scope).map_err(failed)?;
            return Ok(value.unwrap_or_else(|| unreachable!("an atom")));
        }
    };
    let first = match first {
        Some(first) => first,
        None => {
            let new = || Part::kept(term, scope, None);
            let part = || Part::kept(first_term, scope, None);
            coop.call(new, part, |coop| evaluate(first_term, scope, coop))?
        }
    };
    let after = || Part::kept(term, scope, Some(&first));
    match term {
        If(_, then, other) => {
            let next = chosen(&first, then, other);
            let part = || Part::kept(next, scope, None);
            coop.call(after, part, |coop| evaluate(next, scope, coop))
        }
        Apply(_, argument) => {
            let part = || Part::kept(argument, scope, None);
            let argument = coop.call(after, part, |coop| evaluate(argument, scope, coop))?;
            let (body, scope) = applied(&first, argument).map_err(failed)?;
            // What is left of this frame is that of the body.
            match atom(body, &scope).map_err(failed)? {
                Some(value) => Ok(value),
                None => kept(body, &scope, None, coop),
            }
        }
        Add(_, right) | Sub(_, right) | Less(_, right) => {
            let part = || Part::kept(right, scope, None);
            let right = coop.call(after, part, |coop| evaluate(right, scope, coop))?;
            primitive(term, &first, &right).map_err(failed)
        }
        Number(_) | Variable(_) | Function(_) => unreachable!("an atom"),
    }
}

/// The same by the protocol that has a state registered for each call.
fn registered(mut coop: Coop<'_, '_, Part>) -> Came<Part> {
    #[inline(always)]
    fn part(coop: &mut Coop<'_, '_, Part>, term: &'static Term) -> Came<Part> {
        if !coop.entered_again()
            && let Some(value) = atom(term, &coop.state.scope).map_err(failed)?
        {
            return Ok(value);
        }
        let frame = Part::new(false, term, &coop.state.scope);
        coop.call(frame, registered)
    }

    let term = coop.state.term;
    let first_term = match term {
        Add(first, _) | Sub(first, _) | Less(first, _) | If(first, ..) | Apply(first, _) => first,
        Number(_) | Variable(_) | Function(_) => {
            let value = atom(term, &coop.state.scope).map_err(failed)?;
            return Ok(value.unwrap_or_else(|| unreachable!("an atom")));
        }
    };
    if coop.state.first.is_none() {
        let first = part(&mut coop, first_term)?;
        coop.state.first = Some(first);
    }
    let Some(first) = coop.state.first.clone() else {
        unreachable!("it was put there");
    };
    match term {
        If(_, then, other) => part(&mut coop, chosen(&first, then, other)),
        Apply(_, argument) => {
            let argument = part(&mut coop, argument)?;
            let (body, scope) = applied(&first, argument).map_err(failed)?;
            *coop.state = Part::new(false, body, &scope);
            registered(coop)
        }
        Add(_, right) | Sub(_, right) | Less(_, right) => {
            let right = part(&mut coop, right)?;
            primitive(term, &first, &right).map_err(failed)
        }
        Number(_) | Variable(_) | Function(_) => unreachable!("an atom"),
    }
}

fn put(term: Term) -> &'static Term {
    Box::leak(Box::new(term))
}

/// A Fibonacci number.
pub(crate) fn program(n: i64) -> &'static Term {
    let (n_is, itself) = (put(Variable(0)), put(Variable(1)));
    let before = |by| put(Apply(itself, put(Sub(n_is, put(Number(by))))));
    let sum = put(Add(before(1), before(2)));
    let body = put(If(put(Less(n_is, put(Number(2)))), n_is, sum));
    put(Apply(put(Function(body)), put(Number(n))))
}

fn number(value: Value) -> i64 {
    match value {
        Value::Number(n) => n,
        Value::Function(_) | Value::Failed(_) => panic!("no number"),
    }
}

pub(crate) fn by_plain(term: &'static Term) -> i64 {
    number(plain(term, &Scope::default()).unwrap_or_else(|failure| panic!("{failure:?}")))
}

fn by_machine(keeps: bool, term: &'static Term) -> i64 {
    match Machine::new(Part::new(keeps, term, &Scope::default())).run(&mut ()) {
        Outcome::Done(value) => number(value),
        Outcome::Raised(Value::Failed(failure)) => panic!("{failure:?}"),
        _ => unreachable!("it asks for nothing"),
    }
}

pub(crate) fn by_keeping(term: &'static Term) -> i64 {
    by_machine(true, term)
}

pub(crate) fn by_registering(term: &'static Term) -> i64 {
    by_machine(false, term)
}
