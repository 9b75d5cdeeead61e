//! What is left of interpreters that are gone.

use std::alloc::System;
use std::sync::{Mutex, PoisonError};

use cap::Cap;
use segno::snapshot::LoadLimits;
use segno_scheme::interpreter::{Interpreter, Outcome};
use segno_scheme::value::Value;
use segno_scheme::world::Sandbox;
use segno_scheme::writer::brief;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// Its variables have what leads back to them: closures, macros, a continuation, an environment.
const PROGRAM: &str = "
(define (even n) (if (= n 0) #t (odd (- n 1))))
(define (odd n) (if (= n 0) #f (even (- n 1))))
(define-syntax twice (syntax-rules () ((_ e) (begin e e))))
(define here (interaction-environment))
(define k (call/cc (lambda (k) k)))
(define-record-type point (make-point x y) point? (x point-x) (y point-y))
(define p (make-point even here))
(suspend! (list (twice (even 10)) (map even '(1 2)) (fold cons '() '(1 2))))";

/// The same where names are imported, and with a library of its own.
const IMPORTS: &str = "
(define-library (mine) (export f) (import (scheme base))
  (begin (define (f n) (if (= n 0) g (f (- n 1)))) (define (g) (f 1))))
(import (scheme base) (segno control) (mine))
(define (h) (list f h))
(suspend! (h))";

fn interpreter() -> Interpreter {
    let mut interpreter = Interpreter::new(Sandbox::default()).expect("its library compiles");
    interpreter.world.transcript = Some(String::new());
    interpreter
}

fn suspended(interpreter: &mut Interpreter, text: &str) -> Value {
    interpreter.load("dropped", text).expect("a program");
    match interpreter.run(1_000_000) {
        Outcome::Suspended(value) => value,
        other => panic!("{other:?}"),
    }
}

/// Memory is counted for the whole process, so the tests take turns.
static TURN: Mutex<()> = Mutex::new(());

/// What a round leaves, after some that fill what is kept for good.
fn left(rounds: usize, mut round: impl FnMut()) -> usize {
    (0..3).for_each(|_| round());
    let before = MEMORY.allocated();
    (0..rounds).for_each(|_| round());
    MEMORY.allocated().saturating_sub(before)
}

#[test]
fn an_interpreter_that_is_dropped_leaves_nothing() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let blank = left(1_000, || drop(interpreter()));
    assert!(blank < 10_000, "{blank} bytes are left of blank ones");
    // The others share the standard procedures of this one.
    let _first = interpreter();
    let blank = left(1_000, || drop(interpreter()));
    assert!(
        blank < 10_000,
        "{blank} bytes are left of blank ones beside another"
    );
    for text in [PROGRAM, IMPORTS] {
        let left = left(100, || drop(suspended(&mut interpreter(), text)));
        assert!(left < 10_000, "{left} bytes are left of {text}");
    }
    let carried = left(50, || {
        let mut from = interpreter();
        suspended(&mut from, PROGRAM);
        let bytes = from.save().expect("it can be saved");
        drop(from);
        let mut to = interpreter();
        for _ in 0..2 {
            let restored = to.restore(&bytes, LoadLimits::default());
            restored.expect("it was saved just now");
        }
        to.answer(Value::Null).expect("it waits");
        assert!(matches!(to.run(1_000_000), Outcome::Done(_)));
    });
    assert!(carried < 10_000, "{carried} bytes are left of carried ones");
}

#[test]
fn an_interpreter_beside_another_takes_little() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let _first = interpreter();
    let before = MEMORY.allocated();
    let _second = interpreter();
    let taken = MEMORY.allocated() - before;
    assert!(taken < 8_192, "{taken} bytes");
}

#[test]
fn values_outlive_their_interpreter() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut first = interpreter();
    let value = suspended(&mut first, PROGRAM);
    drop(first);
    assert_eq!(brief(&value), "(#t (#f #t) (2 1))");
}

#[test]
fn interpreters_do_not_see_each_other() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut first = interpreter();
    let mut second = interpreter();
    suspended(
        &mut first,
        "(define map 1) (define car 2) (suspend! (list map car))",
    );
    let text = "(close-port (current-output-port)) (suspend! 1)";
    first.reset();
    suspended(&mut first, text);
    let text = "(write 1) (suspend! (list (map car '((1) (2)))
        (with-output-to-string (lambda () (display 'inside)))))";
    let value = suspended(&mut second, text);
    assert_eq!(brief(&value), r#"((1 2) "inside")"#);
    drop(first);
    second.reset();
    assert_eq!(brief(&suspended(&mut second, text)), brief(&value));
    assert_eq!(second.world.transcript.as_deref(), Some("11"));
}
