//! Syntax of the interpreter's own.

use crate::{all, expands, last};

#[test]
fn expressions() {
    expands(&[
        ("'(a . b)", "'(a . b)"),
        ("(+ 1 x)", "(.+ 1 x)"),
        ("(lambda (a b . c) (a c b))", "(lambda (a b . c) (a c b))"),
        ("(lambda all all)", "(lambda (. all) all)"),
        ("(if 1 2)", "(if 1 2 #!void)"),
        (
            "(let ((x 1) (y 2)) (+ x y))",
            "(let ((x 1) (y 2)) (.+ x y))",
        ),
        ("((lambda (x) x) 1)", "(let ((x 1)) x)"),
        (
            "(let* ((x 1) (x x)) x)",
            "(let ((x 1)) (let ((x.2 x)) x.2))",
        ),
        ("(let ((x 1)) (set! x 2))", "(let ((x 1)) (set! x 2))"),
        ("(and)", "#t"),
        ("(and 1 2 3)", "(if 1 (if 2 3 #f) #f)"),
        ("(or)", "#f"),
        ("(or 1 2)", "(let ((value 1)) (if value value 2))"),
        ("(when 1 2 3)", "(if 1 (begin 2 3) #!void)"),
        ("(unless 1 2)", "(if 1 #!void 2)"),
        ("(cond (1 2) (else 3 4))", "(if 1 2 (begin 3 4))"),
        (
            "(cond (1 => f) (2))",
            "(let ((found 1)) (if found (f found) (let ((value 2)) (if value value #!void))))",
        ),
        (
            "(case 1 ((a 2) 3) (() 4) (else => f))",
            "(let ((key 1)) (if (if (.eq? key 'a) #t (.eq? key 2)) 3 (if #f 4 (f key))))",
        ),
        (
            "(case 1 ((1 2 3 4 5) 6))",
            "(let ((key 1)) (if (.memv key '(1 2 3 4 5)) 6 #!void))",
        ),
        (
            "(let loop ((i 0)) (loop i))",
            "(letrec* ((loop (lambda (i) (loop i)))) (loop 0))",
        ),
        (
            "(do ((i 0 (+ i 1)) (j 1)) ((= i 5) i) (f i j))",
            "(letrec* ((do (lambda (i j) (if (.= i 5) i (begin (f i j) (do (.+ i 1) j)))))) (do 0 1))",
        ),
        (
            "(case-lambda ((a) a) ((a . b) b))",
            "(case-lambda ((a) a) ((a.2 . b) b))",
        ),
        ("(assert 1)", "(if 1 #!void (.error \"this is not so\" 1))"),
        (
            "(cut list 1 <> <...>)",
            "(lambda (slot . slots) (.apply .list 1 slot slots))",
        ),
        (
            "(cute f (g) <>)",
            "(let ((value f) (value.2 (g))) (lambda (slot) (value value.2 slot)))",
        ),
        ("#(1 a)", "#(1 a)"),
    ]);
}

#[test]
fn values() {
    expands(&[
        (
            "(receive (a . b) (f) b)",
            "(.call-with-values (lambda () (f)) (lambda (a . b) b))",
        ),
        (
            "(let ((a 1)) (let-values (((a b) (f)) (c (g a))) (list a b c)))",
            "(let ((a 1)) (.call-with-values (lambda () (f)) (lambda (a.2 b) (.call-with-values \
          (lambda () (g a)) (lambda (. c) (.list a.2 b c))))))",
        ),
        (
            "(let*-values (((a) (f)) ((b) (g a))) b)",
            "(.call-with-values (lambda () (f)) (lambda (a) (.call-with-values (lambda () (g a)) \
          (lambda (b) b))))",
        ),
        (
            "(define-values (a . b) (f))",
            "(.call-with-values (lambda () (f)) (lambda (a . b) (begin (define a a) (define b b) #!void)))",
        ),
    ]);
}

#[test]
fn bodies() {
    expands(&[
        (
            "(let () (define a 1) (define (f) (g a)) (define (g x) x) (f))",
            "(letrec* ((a 1) (f (lambda () (g a))) (g (lambda (x) x))) (f))",
        ),
        (
            "(let () (begin (define a 1)) (display a) (define b 2) b)",
            "(letrec* ((a 1) (_ (.display a)) (b 2)) b)",
        ),
        (
            "(let () (define-values (a b) (f)) a)",
            "(letrec* ((a #!none) (b #!none) (_ (.call-with-values (lambda () (f)) (lambda (a.2 b.2) \
          (begin (set! a a.2) (set! b b.2) #!void))))) a)",
        ),
        (
            "(let () (define-record-type p (make y) p? (x px) (y py set-py!)) make)",
            "(letrec* ((p (.%make-record-type 'p '(x y))) (make (.%record-constructor p '(1) 'make)) \
          (p? (.%record-predicate p 'p?)) (px (.%record-accessor p 0 'px)) \
          (py (.%record-accessor p 1 'py)) (set-py! (.%record-modifier p 1 'set-py!))) make)",
        ),
        // What is defined later in the body is seen before.
        (
            "(define x 1) (let () (define (f) x) (define x 2) (f))",
            "(letrec* ((f (lambda () x)) (x 2)) (f))",
        ),
    ]);
}

#[test]
fn letrec_gives_all_values_at_once() {
    expands(&[
        (
            "(letrec ((f (lambda () (g))) (g (lambda () (f)))) f)",
            "(letrec* ((f (lambda () (g))) (g (lambda () (f)))) f)",
        ),
        (
            "(letrec ((x (f)) (y (g))) x)",
            "(letrec* ((x #!none) (y #!none)) (let ((x.2 (f)) (y.2 (g))) (begin (set! x x.2) \
          (set! y y.2) x)))",
        ),
        (
            "(letrec* ((x (f)) (y (g))) x)",
            "(letrec* ((x (f)) (y (g))) x)",
        ),
    ]);
}

#[test]
fn templates() {
    expands(&[
        ("`(1 2)", "'(1 2)"),
        ("`(1 ,x)", "(.list 1 x)"),
        ("`(1 ,x 3 4)", "(.cons* 1 x '(3 4))"),
        ("`(,x . y)", "(.cons x 'y)"),
        ("`(1 . ,x)", "(.cons 1 x)"),
        ("`(,@x)", "x"),
        ("`(1 ,@x 2 ,@y)", "(.cons 1 (.append x (.list 2) y))"),
        ("`#(1 ,x)", "(.vector 1 x)"),
        ("`#(1 ,@x)", "(.list->vector (.cons 1 x))"),
        ("`#(1 2)", "#(1 2)"),
        (
            "`(1 `(2 ,(3 ,x)))",
            "(.list 1 (.list 'quasiquote (.list 2 (.list 'unquote (.list 3 x)))))",
        ),
        (
            "`(1 ```,,@,,@x)",
            "(.list 1 (.list 'quasiquote (.list 'quasiquote (.list 'quasiquote \
          (.list 'unquote (.list 'unquote-splicing (.cons 'unquote x)))))))",
        ),
        (
            "(let ((unquote 1)) `(1 ,x))",
            "(let ((unquote 1)) '(1 (unquote x)))",
        ),
        ("`,x", "x"),
    ]);
}

#[test]
fn names_can_be_bound_to_something_else() {
    expands(&[
        (
            "(let ((if list)) (if 1 2 3))",
            "(let ((if .list)) (if 1 2 3))",
        ),
        (
            "(let ((=> #f)) (cond (#t => 'ok)))",
            "(let ((=> #f)) (if #t (begin => 'ok) #!void))",
        ),
        (
            "(let ((else #f)) (cond (else 1)))",
            "(let ((else #f)) (if else 1 #!void))",
        ),
        ("(define (list . all) all) (list 1)", "(list 1)"),
    ]);
}

#[test]
fn forms_before_a_definition_see_it() {
    let program = "(define (f) (car 1)) (define (car x) x)";
    assert_eq!(all(program)[0], "(define f (lambda () (car 1)))");
    // What is only bound within a procedure stays what it is.
    let program = "(define (f) (car 1)) (define (g car) (car x))";
    assert_eq!(all(program)[0], "(define f (lambda () (.car 1)))");
    assert_eq!(
        all("(define (f) (car 1)) (begin (set! car cdr))")[1],
        "(set! car .cdr)"
    );
}

#[test]
fn records_of_the_program() {
    assert_eq!(
        last("(define-record-type <p> (make x) p? (x px))"),
        "(begin (define <p> (.%make-record-type '<p> '(x))) \
         (define make (.%record-constructor <p> '(0) 'make)) \
         (define p? (.%record-predicate <p> 'p?)) (define px (.%record-accessor <p> 0 'px)))"
    );
}

#[test]
fn cond_expand() {
    expands(&[
        (
            "(cond-expand (nothing 1) ((and r7rs (not nothing)) 2) (else 3))",
            "2",
        ),
        ("(cond-expand ((library (scheme base)) 1) (else 2))", "1"),
        ("(cond-expand ((library (no such)) 1) (else 2))", "2"),
        (
            "(let () (cond-expand (r7rs (define x 1) (define y 2))) x)",
            "(letrec* ((x 1) (y 2)) x)",
        ),
    ]);
}
