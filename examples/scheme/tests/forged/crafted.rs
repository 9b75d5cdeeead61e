//! Forgeries that mutants hit seldom, or never: each made by hand, for one fact.

use segno::snapshot::{Constant, Document, Number, Shared, Tree};
use segno_scheme::environment::{Binding, Environment, Global};
use segno_scheme::interpreter::{Interpreter, Outcome, report};
use segno_scheme::symbol::Symbol;
use segno_scheme::syntax::{Alias, Scope};
use segno_scheme::value::{Parameter, Promise, Value};
use segno_scheme::writer::brief;

use super::{FUEL, LIMITS, in_time, interpreter};

/// Defines a variable, whatever it has.
fn define(interpreter: &Interpreter, name: &str, value: Value) {
    let name = Symbol::new(name);
    let global = Global {
        name: name.clone(),
        value,
    };
    let binding = Binding::Variable(Shared::new(global));
    let environment = &interpreter.world.environment;
    environment.update(|environment| environment.bindings.insert(name, binding));
}

/// What a program comes to after it was carried to another interpreter.
fn carried(mut from: Interpreter, text: &str) -> String {
    let bytes = from.save().expect("it can be saved");
    let mut to = interpreter();
    to.restore(&bytes, LIMITS).expect("it can be loaded");
    if let Err(fault) = to.load("crafted", text) {
        return fault.message;
    }
    match to.run(FUEL * 1000) {
        Outcome::Done(value) => brief(&value),
        Outcome::Uncaught(value) => report(&value),
        other => format!("{other:?}"),
    }
}

fn promise(content: Promise) -> Shared<Promise> {
    Shared::new(content)
}

/// Promises that stand for each other are never done.
#[test]
fn promises_in_a_ring() {
    in_time("promises in a ring", || {
        let interpreter = interpreter();
        let first = promise(Promise::Done(Value::Null));
        let mut last = first.clone();
        for _ in 0..5 {
            last = promise(Promise::Same(last));
        }
        first.set(Promise::Same(last));
        define(&interpreter, "p", Value::Promise(first));
        let said = carried(interpreter, "(force p)");
        assert!(said.contains("not a procedure"), "{said}");
    });
}

/// Each promise of a chain is answered by one step of the next: no program can have that.
#[test]
fn promises_that_are_answered_at_once() {
    in_time("promises that are answered at once", || {
        let interpreter = interpreter();
        let mut chain = promise(Promise::Done(Value::integer(7)));
        for _ in 0..100_000 {
            let thunk = Value::Parameter(Constant::new(Parameter {
                value: Value::Promise(chain),
                converter: Value::False,
            }));
            let forces = true;
            chain = promise(Promise::Delayed { thunk, forces });
        }
        define(&interpreter, "p", Value::Promise(chain));
        assert_eq!(carried(interpreter, "(force p)"), "7");
    });
}

/// An identifier that is an alias of itself means nothing.
#[test]
fn aliases_in_a_ring() {
    in_time("aliases in a ring", || {
        let interpreter = interpreter();
        let scope = Scope::new(Shared::new(Environment::standard()));
        let alias = Shared::new(Alias {
            of: Value::Null,
            scope,
            defined: None,
        });
        alias.update(|content| content.of = Value::Alias(alias.clone()));
        define(&interpreter, "a", Value::Alias(alias));
        let said = carried(
            interpreter,
            "(write a) (eval (list 'quote a)) (eval (list 'list a))",
        );
        assert!(said.contains("not defined"), "{said}");
    });
}

/// Code that a program was compiled to is changed in one place, and refused.
#[test]
fn code_that_does_not_fit_itself() {
    in_time("code that does not fit itself", || {
        let mut honest = interpreter();
        let text = "(define (f x y) (let ((z (if (< x y) (list x y) (vector x)))) (set! x z) \
                    (call/cc (lambda (k) (k (g (car z) (+ x (g y))))))))";
        honest.load("honest", text).expect("a program");
        assert!(matches!(honest.run(FUEL), Outcome::Done(_)));
        let bytes = honest.save().expect("it can be saved");
        let document = honest.document(&bytes, LIMITS).expect("a snapshot");
        let code = code_of_f(&document);
        let nodes = count(field(&document.objects[code].value, "nodes"));
        let (mut refused, mut kept) = (0, 0);
        // Each number of each node, as what there cannot be.
        for at in 0..nodes {
            for number in 0..8 {
                let mut forged = document.clone();
                let nodes = field_mut(&mut forged.objects[code].value, "nodes");
                let Tree::Seq(nodes) = nodes else {
                    panic!("nodes are a list");
                };
                let mut numbers = Vec::new();
                indices(&mut nodes[at], &mut numbers);
                let Some(index) = numbers.into_iter().nth(number) else {
                    break;
                };
                match index {
                    // A node that is a part of itself, or a list that is longer than all.
                    Number::U32(index) => *index = at as u32 + (1 << 20),
                    Number::U16(count) => *count = u16::MAX,
                    other => panic!("{other:?}"),
                }
                match honest.snapshot(&forged, LIMITS) {
                    Err(error) => {
                        let said = error.to_string();
                        assert!(said.contains("code has"), "{said}");
                        refused += 1;
                    }
                    // How many ribs up a variable is, and where: that is found out later.
                    Ok(_) => kept += 1,
                }
            }
        }
        assert!(refused > 20 && kept < refused, "{refused} {kept}");
        // Simple where it is not, and the other way round.
        for at in 0..nodes {
            let mut forged = document.clone();
            let Tree::Seq(simple) = field_mut(&mut forged.objects[code].value, "simple") else {
                panic!("they are a list");
            };
            let Tree::Bool(truth) = &mut simple[at] else {
                panic!("they are truths");
            };
            *truth = !*truth;
            let error = honest.snapshot(&forged, LIMITS).expect_err("it is not so");
            assert!(error.to_string().contains("simple"), "{error}");
        }
    });
}

/// Code of the standard library goes by its name, if it is what it was.
#[test]
fn library_code_that_has_changed() {
    in_time("library code that has changed", || {
        let mut honest = interpreter();
        let text = "(map (lambda (x) (suspend! x)) '(1))";
        honest.load("honest", text).expect("a program");
        assert!(matches!(honest.run(FUEL), Outcome::Suspended(_)));
        let bytes = honest.save().expect("it can be saved");
        let document = honest.document(&bytes, LIMITS).expect("a snapshot");
        let forged = |forge: fn(&mut Tree), name: &str| {
            let mut forged = document.clone();
            let codes = forged.objects.iter_mut().filter(|it| it.of == "code");
            let names = codes.map(|it| &mut it.value);
            let mut names = names.filter(|it| format!("{it:?}").contains(r#"Str("map")"#));
            forge(field_mut(names.next().expect("that of map"), name));
            let error = honest.snapshot(&forged, LIMITS).expect_err("it is another");
            error.to_string()
        };
        let changed = forged(|hash| *hash = Tree::Number(Number::U64(7)), "hash");
        assert!(
            changed.contains("map of the standard library has changed"),
            "{changed}"
        );
        let gone = forged(|name| *name = Tree::Str("nap".to_owned()), "name");
        assert!(gone.contains("the standard library has no nap"), "{gone}");
    });
}

/// The index of the code of a procedure of two arguments.
fn code_of_f(document: &Document) -> usize {
    let is_f = |tree: &Tree| format!("{tree:?}").contains(r#"Str("f")"#);
    let objects = document.objects.iter();
    let mut found = objects
        .enumerate()
        .filter(|(_, it)| it.of == "code" && is_f(&it.value));
    found.next().expect("its code").0
}

/// A field of code.
fn field<'a>(tree: &'a Tree, name: &str) -> &'a Tree {
    let Tree::Variant {
        content: Some(code),
        ..
    } = tree
    else {
        panic!("code");
    };
    let Tree::Struct { fields, .. } = &**code else {
        panic!("a structure");
    };
    let found = fields.iter().find(|(field, _)| field == name);
    &found.expect("a field").1
}

fn field_mut<'a>(tree: &'a mut Tree, name: &str) -> &'a mut Tree {
    let Tree::Variant {
        content: Some(code),
        ..
    } = tree
    else {
        panic!("code");
    };
    let Tree::Struct { fields, .. } = &mut **code else {
        panic!("a structure");
    };
    let found = fields.iter_mut().find(|(field, _)| field == name);
    &mut found.expect("a field").1
}

fn count(tree: &Tree) -> usize {
    match tree {
        Tree::Seq(items) => items.len(),
        _ => panic!("a list"),
    }
}

/// The numbers in a node.
fn indices<'a>(tree: &'a mut Tree, found: &mut Vec<&'a mut Number>) {
    match tree {
        Tree::Number(number) => found.push(number),
        Tree::Struct { fields, .. } => {
            for (_, field) in fields {
                indices(field, found);
            }
        }
        Tree::Variant {
            content: Some(content),
            ..
        } => indices(content, found),
        _ => {}
    }
}
