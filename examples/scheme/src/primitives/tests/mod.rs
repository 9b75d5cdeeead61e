//! Procedures are called through the table, as programs call them.

mod hostile;
mod laws;
mod report;
mod sameness;

use std::cell::RefCell;
use std::collections::HashMap;
use std::thread_local;

use segno::snapshot::Shared;

use super::all;
use crate::condition::Fault;
use crate::number::{Limits, parse};
use crate::primitive::{Action, Answer, Primitive};
use crate::value::{Text, Value, Vector};
use crate::world::{Heap, Sandbox, World};

/// A world in which a mebibyte may be allocated at a time.
pub(super) fn world() -> World {
    let sandbox = Sandbox {
        heap: Some(Heap {
            limit: 1 << 20,
            used: || 0,
        }),
        ..Sandbox::default()
    };
    World {
        arguments: vec!["one".into(), "two".into()],
        ..World::bare(sandbox)
    }
}

/// Calls a procedure.
pub(super) fn call(name: &str, args: &[Value]) -> Answer {
    thread_local!(static WORLD: RefCell<World> = RefCell::new(world()));
    thread_local!(static TABLE: HashMap<&'static str, Primitive> =
        all().map(|primitive| (primitive.name, primitive)).collect());
    TABLE.with(|table| {
        let Some(primitive) = table.get(name) else {
            panic!("there is no {name}");
        };
        assert!(primitive.takes(args.len()), "{name} takes other arguments");
        match primitive.action {
            Action::Plain(compute) => WORLD.with_borrow_mut(|world| compute(world, args)),
            _ => panic!("{name} does not only compute"),
        }
    })
}

/// Calls a procedure that has a value for these arguments.
pub(super) fn value(name: &str, args: &[Value]) -> Value {
    call(name, args).unwrap_or_else(|fault| panic!("{name}: {fault:?}"))
}

/// Evaluates an expression of calls and quotations.
pub(super) fn eval(source: &str) -> Answer {
    evaluate(&read(source))
}

fn evaluate(form: &Value) -> Answer {
    let Some((Value::Symbol(name), args)) = form.as_pair() else {
        return Ok(form.clone());
    };
    let args = args.as_list().unwrap();
    if name.as_str() == "quote" {
        return Ok(args[0].clone());
    }
    let args: Result<Vec<_>, Box<Fault>> = args.iter().map(evaluate).collect();
    call(name.as_str(), &args?)
}

/// As much of a reader as the tests need.
pub(super) fn read(source: &str) -> Value {
    let mut rest = source;
    let datum = datum(&mut rest);
    assert_eq!(rest.trim(), "", "{source}");
    datum
}

fn datum(rest: &mut &str) -> Value {
    *rest = rest.trim_start();
    let mut take = |prefix: &str| {
        let after = rest.strip_prefix(prefix);
        *rest = after.unwrap_or(rest);
        after.is_some()
    };
    if take("'") {
        Value::list([Value::symbol("quote"), datum(rest)])
    } else if take("(") {
        let (items, end) = sequence(rest);
        Value::list_with(items, end)
    } else if take("#(") {
        let elements = sequence(rest).0;
        let literal = true;
        Value::Vector(Shared::new(Vector { elements, literal }))
    } else if take("#u8(") {
        value("bytevector", &sequence(rest).0)
    } else if take("\"") {
        let (text, after) = rest.split_once('"').unwrap();
        *rest = after;
        let (characters, literal) = (text.chars().collect(), true);
        Value::String(Shared::new(Text {
            characters,
            literal,
        }))
    } else if take("#\\") {
        let name = token(rest);
        let mut characters = name.chars();
        Value::from(match (name, characters.next(), characters.next()) {
            ("space", ..) => ' ',
            ("newline", ..) => '\n',
            (_, Some(c), None) => c,
            // A delimiter is the character itself.
            ("", ..) => {
                let c = rest.chars().next().unwrap();
                *rest = &rest[c.len_utf8()..];
                c
            }
            _ => panic!("{name} names no character"),
        })
    } else {
        match token(rest) {
            "#t" => Value::True,
            "#f" => Value::False,
            name => match parse(name, 10, Limits::default()).unwrap() {
                Some(number) => number.into(),
                None => Value::symbol(name),
            },
        }
    }
}

fn token<'a>(rest: &mut &'a str) -> &'a str {
    let end = rest.find([' ', '\n', '(', ')', '"']).unwrap_or(rest.len());
    let (token, after) = rest.split_at(end);
    *rest = after;
    token
}

/// The data up to a parenthesis, and what comes after a dot.
fn sequence(rest: &mut &str) -> (Vec<Value>, Value) {
    let (mut items, mut end) = (Vec::new(), Value::Null);
    loop {
        *rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(')') {
            *rest = after;
            return (items, end);
        } else if let Some(after) = rest.strip_prefix(". ") {
            *rest = after;
            end = datum(rest);
        } else {
            items.push(datum(rest));
        }
    }
}
