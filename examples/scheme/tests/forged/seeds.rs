//! Real snapshots: of programs wherever they stop, and of sessions in which nothing is paused.

use std::fs;

use segno::snapshot::Document;
use segno_scheme::host;
use segno_scheme::interpreter::{Interpreter, Outcome};
use segno_scheme::places::Places;
use segno_scheme::value::Value;

use super::{LIMITS, interpreter};

/// What is forged.
pub(crate) struct Seed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) document: Document,
    /// What a session goes on with, once it is loaded.
    pub(crate) forms: &'static str,
}

/// Definitions of all that a session can have.
const SESSION: &str = r#"
(define-record-type point (make-point x y) point? (x point-x set-point-x!) (y point-y))
(define p (make-point 1 '(2 . #(3 "four" #u8(5)))))
(define-syntax swap! (syntax-rules () ((_ a b) (let ((t a)) (set! a b) (set! b t)))))
(define-syntax my-let*
  (syntax-rules ()
    ((_ () body ...) (let () body ...))
    ((_ ((n v) more ...) body ...) (let ((n v)) (my-let* (more ...) body ...)))))
(define-syntax table
  (syntax-rules (=>) ((_ (k => v ...) ...) (list (cons 'k (list v ...)) ...)) ((_ #(a b ...)) '(b ... a))))
(define-syntax alias (syntax-rules () ((_ n) (begin (define hidden 7) (define (n) hidden)))))
(alias get-hidden)
(define-library (counter) (export next) (import (scheme base))
  (begin (define n 0) (define (next) (set! n (+ n 1)) n)))
(import (counter) (segno control) (srfi 1))
(next)
(define param (make-parameter 10 (lambda (x) (* x 2))))
(define k #f)
(define k1 #f)
(define (tree n) (if (= n 0) '() (cons (tree (- n 1)) (tree (- n 1)))))
(define later (delay (+ 1 2)))
(define stream (let loop ((i 0)) (delay-force (if (< i 5) (loop (+ i 1)) (delay i)))))
(define (opt a . rest) (if (null? rest) a (car rest)))
(define cased (case-lambda ((a) a) ((a b) (+ a b)) ((a . r) r)))
(define (count n) (let loop ((i 0) (s 0)) (if (= i n) s (loop (+ i 1) (+ s i)))))
(define (shadow x) (define y (+ x 1)) (define (z) (set! y (+ y x)) y) (z) (list x y (z)))
(define port (open-input-string "(a b) c \"d\""))
(define out (open-output-string))
(write 'begun out)
(list (+ 1 (call/cc (lambda (c) (set! k c) 1))) (call-with-composable-continuation (lambda (c) (set! k1 c) 1)))
(define marks (with-continuation-mark 'key 'value (list (current-continuation-marks))))
(define tag (make-continuation-prompt-tag 'mine))
(define big (list (expt 7 100) (/ 22 7) 1.5 -0.0 #\λ 'sym "string"))
(define ring (let ((l (list 1 2 3))) (set-cdr! (cddr l) l) l))
(define handled (guard (e (#t e)) (error "bad" 1 2)))
(define rest (call-with-fuel 20 (lambda () (count 1000)) (lambda (rest) rest)))
"#;

/// Uses of them.
const USES: &str = r#"
(point-x p) (set-point-x! p 5) (write p) (point-y (make-point 1 2))
(let ((a 1) (b 2)) (swap! a b) (list a b))
(my-let* ((a 1) (b (+ a 1))) (* a b))
(table (a => 1 2) (b => 3))
(table #(1 2 3))
(get-hidden)
(next)
(param)
(parameterize ((param 3)) (param))
(force later)
(force stream)
(list (opt 1) (opt 1 2) (cased 1) (cased 1 2) (cased 1 2 3))
(tree 3) (count 100) (shadow 4)
(read port) (read-char port)
(begin (write 'x out) (get-output-string out))
(k1 2)
(continuation-mark-set-first (car marks) 'key)
(call-with-continuation-prompt (lambda () (abort-current-continuation tag 1)) tag list)
(apply + (map (lambda (x) (if (number? x) x 0)) big))
(write ring) (write big) (write handled)
(condition/report-string handled)
(error-object-message handled)
(equal? ring ring)
(if (procedure? rest) (rest 50 list) rest)
(fold + 0 '(1 2 3))
(map (lambda (x) (* x x)) '(1 2 3))
(for-each write '(1 2))
(assoc 2.0 '((1 one) (2 two)) =)
(let-values (((a b) (floor/ 7 2))) (list a b))
(dynamic-wind (lambda () 1) (lambda () 2) (lambda () 3))
(eval '(+ 1 (count 3)) (interaction-environment))
(define-record-type point (make-point x) point? (x point-x))
(k 5)
"#;

/// A program that has most kinds of frame on its stack when it suspends.
const FRAMES: &str = r#"
(import (scheme base) (scheme lazy) (segno control))
(define param (make-parameter 1 (lambda (x) x)))
(define (ask x) (suspend! x))
(define (deep n) (if (= n 0) (ask 'bottom) (+ n (deep (- n 1)))))
(define (all)
  (with-exception-handler
    (lambda (e) (+ 1 (ask 'handler)))
    (lambda ()
      (list
        (call-with-values (lambda () (ask 'producer)) list)
        (force (delay (+ 1 (ask 'promise))))
        (parameterize ((param (ask 'value))) (let ((x (ask 'inside))) (set! x (+ x (param))) x))
        (make-parameter 1 (lambda (x) (ask 'converter)))
        (raise-continuable 'condition)
        (with-continuation-mark 'a (ask 'mark) (car (list (ask 'marked))))
        (dynamic-wind (lambda () (ask 'before)) (lambda () (ask 'during)) (lambda () (ask 'after)))
        (reset (+ 1 (shift k (k (k (ask 'shift))))))
        (call-with-fuel 1000 (lambda () (ask 'engine)) (lambda (rest) (rest 1000 list)))
        (call-with-continuation-prompt (lambda (x) (ask x)) (default-continuation-prompt-tag) list)
        (call-with-continuation-barrier (lambda () (ask 'barrier)))
        (call/1cc (lambda (k) (k (ask 'once))))
        (map (lambda (x) (ask x)) '(1 2))
        (vector-map (lambda (x y) (cons (ask x) y)) #(1 2) #(3 4))
        (let loop ((i 0) (l '())) (if (< i 3) (loop (+ i 1) (cons (ask i) l)) l))
        (string-append (begin (ask 'begin) "a") (if (ask 'if) "b" "c"))
        (letrec ((even (lambda (n) (if (= n 0) (ask 'even) (odd (- n 1)))))
                 (odd (lambda (n) (if (= n 0) (ask 'odd) (even (- n 1))))))
          (even 3))
        (deep 5)))))
(define result (all))
(define again (call/cc (lambda (k) (call/cc (lambda (k2) (list k k2 (ask 'captured)))))))
(list result again (all))
"#;

/// All of them.
pub(crate) fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let mut session = interpreter();
    for form in forms("session", SESSION) {
        session
            .load_form(&form, &Places::new("session"))
            .expect("a form");
        let outcome = session.run(1 << 20);
        assert!(matches!(outcome, Outcome::Done(_)), "{form:?}: {outcome:?}");
    }
    seeds.extend(seed(&mut session, USES));
    stops(FRAMES, false, &mut seeds);
    stops(FRAMES, true, &mut seeds);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/programs");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|it| it == "scm"))
        .collect();
    paths.sort();
    for path in paths {
        let text = fs::read_to_string(path).expect("a program");
        stops(&text, false, &mut seeds);
    }
    seeds
}

/// Snapshots of a program wherever it stops, up to a number of stops.
fn stops(text: &str, teleports: bool, seeds: &mut Vec<Seed>) {
    const STOPS: usize = 40;
    let mut interpreter = interpreter();
    interpreter.world.teleports = teleports;
    interpreter.load("seed", text).expect("a program");
    // Those that are out of fuel wait for none.
    for stop in 0..STOPS {
        let fuel = if stop % 4 == 3 {
            1 + stop as u64
        } else {
            1 << 16
        };
        match interpreter.run(fuel) {
            Outcome::Suspended(_) | Outcome::Captured => {
                seeds.extend(seed(&mut interpreter, "(+ 1 2)"));
                interpreter
                    .answer(Value::integer(stop as i64))
                    .expect("it waits");
            }
            Outcome::OutOfFuel => seeds.extend(seed(&mut interpreter, "(+ 1 2)")),
            _ => return,
        }
    }
}

/// None where it cannot be saved, at the end of its fuel or with a file that is open.
fn seed(interpreter: &mut Interpreter, forms: &'static str) -> Option<Seed> {
    let bytes = interpreter.save().ok()?;
    let document = interpreter
        .document(&bytes, LIMITS)
        .expect("it was saved just now");
    let written = interpreter.snapshot(&document, LIMITS).expect("the same");
    interpreter.document(&written, LIMITS).expect("the same");
    Some(Seed {
        bytes,
        document,
        forms,
    })
}

/// The forms of a text.
pub(crate) fn forms(name: &str, text: &str) -> Vec<Value> {
    host::parse(name, text, false).expect("a text").forms
}
