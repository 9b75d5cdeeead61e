//! Libraries and imports.

use segno::snapshot::Shared;
use segno_scheme::environment::Environment;
use segno_scheme::places::Places;

use crate::{all_with, expander, expands, read, show, with_stack};

const COUNTER: (&str, &str) = (
    "my/counter.sld",
    "(define-library (my counter)
       (export next! (rename value current) twice)
       (import (scheme base))
       (begin
         (define value 0)
         (define (next!) (set! value (+ value 1)) (helper))
         (define (helper) value)
         (define-syntax twice (syntax-rules () ((_ e) (begin (helper) e))))))",
);

fn last(files: &[(&'static str, &'static str)], text: &str) -> String {
    all_with(files, text)
        .expect("a program")
        .pop()
        .expect("a form")
}

#[test]
fn a_library_is_a_file() {
    let program = "(import (scheme base) (my counter)) (twice (next!))";
    let forms = all_with(&[COUNTER], program).expect("a program");
    assert_eq!(
        forms[0],
        "(begin (define value 0) (define next! (lambda () (begin (set! value (.+ value 1)) (helper)))) \
         (define helper (lambda () value)) #!void)"
    );
    assert_eq!(forms[1], "(begin (helper) (next!))");
}

#[test]
fn its_body_runs_once() {
    let forms = all_with(
        &[COUNTER],
        "(import (my counter)) (import (prefix (my counter) c:)) c:current",
    );
    assert_eq!(forms.expect("a program")[1..], ["#!void", "value"]);
}

#[test]
fn a_program_sees_what_it_imports() {
    let text = "(import (only (scheme base) car cdr) (rename (prefix (scheme base) b:) (b:+ plus) (b:- minus))) \
                (b:list (car 1) (cons 1) (plus 1) (b:let ((x 1)) x))";
    assert_eq!(
        last(&[], text),
        "(.list (.car 1) (cons 1) (.+ 1) (let ((x 1)) x))"
    );
    assert_eq!(
        last(&[], "(import (except (scheme base) car)) (car cdr)"),
        "(car .cdr)"
    );
    assert!(all_with(&[], "(import (only (scheme base) no-such))").is_err());
    assert!(all_with(&[], "(import (no such))").is_err());
}

#[test]
fn in_the_program_itself() {
    expands(&[
        (
            "(define-library (a) (export x) (import (scheme base)) (begin (define x 1))) \
          (import (rename (a) (x y))) y",
            "x",
        ),
        (
            "(define-library (a) (export f) (import (scheme base)) (cond-expand (r7rs (begin (define (f) (g)))) \
          (else)) (begin (define (g) 1))) (import (scheme base) (a)) (define (f) 2) (f)",
            "(f)",
        ),
    ]);
}

#[test]
fn included_files() {
    let files = [("defs.scm", "(define a 1) (define b 2)")];
    assert_eq!(
        last(&files, "(let () (include \"defs.scm\") b)"),
        "(letrec* ((a 1) (b 2)) b)"
    );
    assert_eq!(
        last(&files, "(include \"defs.scm\")"),
        "(begin (define a 1) (define b 2))"
    );
    with_stack(|| {
        let files = [("self.scm", "(include \"self.scm\")")];
        assert!(all_with(&files, "(include \"self.scm\")").is_err());
        assert!(all_with(&files, "(lambda () (include \"self.scm\"))").is_err());
    });
}

#[test]
fn libraries_beside_the_program_or_each_other() {
    let one = "(define-library (lib a) (export x) (import (scheme base) (lib b)) \
               (begin (define x y)))";
    let other = "(define-library (lib b) (export y) (import (scheme base)) (begin (define y 1)))";
    let program = "(import (scheme base) (lib a)) x";
    for beside in ["lib/b.sld", "lib/lib/b.sld"] {
        let files = [("lib/a.sld", one), (beside, other)];
        assert!(all_with(&files, program).is_ok(), "{beside}");
    }
    assert!(all_with(&[("lib/a.sld", one)], program).is_err());
}

#[test]
fn libraries_that_import_themselves() {
    let files = [
        ("a.sld", "(define-library (a) (import (b)))"),
        ("b.sld", "(define-library (b) (import (a)))"),
    ];
    let fault = all_with(&files, "(import (a))").expect_err("a fault");
    assert_eq!(fault.message, "the library (a) imports itself");
}

#[test]
fn imported_variables_are_not_assigned_to() {
    let fault = all_with(
        &[COUNTER],
        "(import (scheme base) (my counter)) (set! next! 1)",
    );
    assert_eq!(
        fault.expect_err("a fault").message,
        "set! of a variable that was imported"
    );
}

#[test]
fn libraries_in_scheme() {
    let rec = "(letrec* ((f (lambda (x) (f x)))) f)";
    assert_eq!(
        last(&[], "(import (only (srfi 31) rec)) (rec (f x) (f x))"),
        rec
    );
    // A program that imports nothing has its names too, unless it defines them.
    assert_eq!(last(&[], "(rec (f x) (f x))"), rec);
    assert_eq!(
        last(&[], "(define (g) (rec 1)) (define (rec x) x) (rec 1)"),
        "(rec 1)"
    );
    assert_eq!(
        all_with(&[], "(define (g) (rec 1)) (define (rec x) x)").expect("a program")[0],
        "(define g (lambda () (rec 1)))"
    );
}

#[test]
fn environments() {
    let expander = expander(&[COUNTER]);
    let sets = read("test", "(only (scheme base) + if set! define) (my counter)").forms;
    let first = expander.environment(&sets).expect("an environment");
    assert!(show(&first.bodies).starts_with("(begin (define value 0)"));
    let again = expander.environment(&sets).expect("an environment");
    assert_eq!(show(&again.bodies), "#!void");
    let places = Places::new("test");
    let expand = |text| {
        let form = read("test", text).forms.remove(0);
        expander.expand(&form, &places, &again.environment)
    };
    let shown = |text| show(&expand(text).expect("an expression"));
    assert_eq!(
        shown("(if (+ 1 2) (next!) (car 1))"),
        "(if (.+ 1 2) (next!) (car 1))"
    );
    for text in ["(define x 1)", "(set! + 1)", "(import (scheme base))"] {
        assert!(
            expand(text).is_err() || text.starts_with("(define"),
            "{text}"
        );
    }
}

/// A REPL goes form by form, and keeps what was expanded before as it was.
#[test]
fn form_by_form() {
    let expander = expander(&[]);
    let environment = Shared::new(Environment::standard());
    let places = Places::new("test");
    let shown = |text| {
        let form = read("test", text).forms.remove(0);
        let expr = expander.expand(&form, &places, &environment);
        show(&expr.expect("an expression"))
    };
    assert_eq!(shown("(car 1)"), "(.car 1)");
    assert_eq!(
        shown("(define car (let ((old car)) old))"),
        "(define car (let ((old car)) old))"
    );
    assert_eq!(shown("(car 1)"), "(car 1)");
    assert_eq!(
        shown("(define-syntax twice (syntax-rules () ((_ e) (list e e))))"),
        "#!void"
    );
    assert_eq!(shown("(twice (later))"), "(.list (later) (later))");
    assert_eq!(shown("(define (later) 1)"), "(define later (lambda () 1))");
}

/// Where a form is at fault, nothing of it runs: what it imported is imported again.
#[test]
fn a_fault_undoes_imports() {
    let expander = expander(&[COUNTER]);
    let environment = Shared::new(Environment::standard());
    let places = Places::new("test");
    let expand = |text| {
        let form = read("test", text).forms.remove(0);
        let expr = expander.expand(&form, &places, &environment);
        expr.map(|expr| show(&expr)).map_err(|fault| fault.message)
    };
    let missing = "there is no such library; it is looked for in the file no/such.sld:";
    let missing = Err(missing.to_owned());
    assert_eq!(expand("(import (my counter) (no such))"), missing);
    assert_eq!(expand("(next!)"), Ok("(next!)".to_owned()));
    let again = expand("(import (my counter))").expect("an expression");
    assert!(again.starts_with("(begin (define value 0)"), "{again}");
}
