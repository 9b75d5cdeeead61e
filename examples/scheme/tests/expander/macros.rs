//! `syntax-rules`.

use crate::{all, expands};

#[test]
fn what_is_inserted_is_not_captured() {
    let swap =
        "(define-syntax swap! (syntax-rules () ((_ a b) (let ((tmp a)) (set! a b) (set! b tmp)))))";
    let or = "(define-syntax my-or (syntax-rules () ((_) #f) ((_ e) e) \
              ((_ e r ...) (let ((t e)) (if t t (my-or r ...))))))";
    let list = "(define-syntax two (syntax-rules () ((_ x) (list x x))))";
    expands(&[
        (
            &format!("{swap} (let ((tmp 1) (other 2)) (swap! tmp other))"),
            "(let ((tmp 1) (other 2)) (let ((tmp.2 tmp)) (begin (set! tmp other) (set! other tmp.2))))",
        ),
        (
            &format!("{or} (let ((t 5)) (my-or #f t))"),
            "(let ((t 5)) (let ((t.2 #f)) (if t.2 t.2 t)))",
        ),
        (
            &format!("{or} (let ((if list)) (my-or 1 2))"),
            "(let ((if .list)) (let ((t 1)) (if t t 2)))",
        ),
        (
            &format!("{list} (let ((list 1)) (two list))"),
            "(let ((list 1)) (.list list list))",
        ),
        // A binding around the macro is what it means, whatever is bound around its use.
        (
            "(let ((x 'outer)) (let-syntax ((m (syntax-rules () ((m) x)))) (let ((x 'inner)) (m))))",
            "(let ((x 'outer)) (let ((x.2 'inner)) x))",
        ),
        (
            "(let-syntax ((given-that (syntax-rules () ((_ test stmt1 stmt2 ...) \
          (if test (begin stmt1 stmt2 ...)))))) (let ((if #t)) (given-that if (set! if 'now)) if))",
            "(let ((if #t)) (begin (if if (set! if 'now) #!void) if))",
        ),
    ]);
}

#[test]
fn report() {
    expands(&[
        (
            "(define-syntax be-like-begin (syntax-rules () ((be-like-begin name) (define-syntax name \
          (syntax-rules () ((name expr (... ...)) (begin expr (... ...)))))))) \
          (be-like-begin sequence) (sequence 1 2 3 4)",
            "(begin 1 2 3 4)",
        ),
        (
            "(letrec-syntax ((my-or (syntax-rules () ((my-or) #f) ((my-or e) e) ((my-or e1 e2 ...) \
          (let ((temp e1)) (if temp temp (my-or e2 ...))))))) (let ((x #f) (y 7) (temp 8) \
          (let odd?) (if even?)) (my-or x (let temp) (if y) y)))",
            "(let ((x #f) (y 7) (temp 8) (let .odd?) (if .even?)) (let ((temp.2 x)) (if temp.2 temp.2 \
          (let ((temp.3 (let temp))) (if temp.3 temp.3 (let ((temp.4 (if y))) (if temp.4 temp.4 y)))))))",
        ),
        (
            "(define-syntax simple-let (syntax-rules () ((_ (head ... ((x . y) val) . tail) body1 body2 ...) \
          (syntax-error \"expected an identifier but got\" (x . y))) \
          ((_ ((name val) ...) body1 body2 ...) ((lambda (name ...) body1 body2 ...) val ...)))) \
          (simple-let ((a 1) (b 2)) (+ a b))",
            "(let ((a 1) (b 2)) (.+ a b))",
        ),
        (
            "(define-syntax loop (syntax-rules () ((_ body ...) (let/cc break (let again () body ... (again)))))) \
          (let ((break 1)) (loop (f break)))",
            "(let ((break 1)) (.call-with-current-continuation (lambda (break.2) (letrec* ((again \
          (lambda () (begin (f break) (again))))) (again)))))",
        ),
        (
            "(define-syntax my-if (syntax-rules () ((_ c t e) (cond (c t) (else e))))) \
          (let ((else #f)) (my-if 1 2 3))",
            "(let ((else #f)) (if 1 2 3))",
        ),
    ]);
}

#[test]
fn ellipses() {
    expands(&[
        (
            "(define-syntax my-let* (syntax-rules () ((_ () b ...) (let () b ...)) \
          ((_ ((n v) r ...) b ...) (let ((n v)) (my-let* (r ...) b ...))))) \
          (my-let* ((a 1) (b a)) b)",
            "(let ((a 1)) (let ((b a)) b))",
        ),
        (
            "(define-syntax m (syntax-rules () ((_ (a b ...) ...) '((a ... (b ... a) ...) ((b ...) ...))))) \
          (m (1 2 3) (4) (5 6))",
            "'((1 4 5 (2 3 1) (4) (6 5)) ((2 3) () (6)))",
        ),
        (
            "(define-syntax m (syntax-rules () ((_ (a ...) ...) '(a ... ...)))) (m (1 2) () (3))",
            "'(1 2 3)",
        ),
        (
            "(define-syntax m (syntax-rules () ((_ a ... b c) '(c b a ...)))) (m 1 2 3 4)",
            "'(4 3 1 2)",
        ),
        (
            "(define-syntax m (syntax-rules () ((_ a ... b . c) '(c b a ...)))) (m 1 2 . 3)",
            "'(3 2 1)",
        ),
        (
            "(define-syntax m (syntax-rules () ((_ . a) 'a))) (m 1 2 . 3)",
            "'(1 2 . 3)",
        ),
        (
            "(define-syntax m (syntax-rules () ((_ #(a b ... c)) '#(c b ... a)))) (m #(1 2 3 4))",
            "#(4 2 3 1)",
        ),
        (
            "(define-syntax m (syntax-rules ::: () ((_ a :::) '(a ::: ...)))) (m 1 2)",
            "'(1 2 ...)",
        ),
        (
            "(define-syntax m (syntax-rules () ((_ a) '(a (... ...) (... (a ...)))))) (m 1)",
            "'(1 ... (1 ...))",
        ),
        (
            "(define-syntax m (syntax-rules (...) ((_ a ...) '(a)))) (m 1 ...)",
            "'(1)",
        ),
        (
            "(define-syntax m (syntax-rules () ((_ _ x _) x))) (m 1 2 3)",
            "2",
        ),
        (
            "(define-syntax m (syntax-rules () ((_ \"a\" x) 'one) ((_ 1 x) 'two) ((_ #t x) 'three))) \
          (list (m \"a\" 0) (m 1 0) (m #t 0))",
            "(.list 'one 'two 'three)",
        ),
    ]);
}

#[test]
fn literals_are_told_by_what_they_mean() {
    let m = "(define-syntax m (syntax-rules (in =>) ((_ in) 'in) ((_ =>) 'arrow) ((_ x) 'other)))";
    expands(&[
        (&format!("{m} (m in)"), "'in"),
        (&format!("{m} (m =>)"), "'arrow"),
        (
            &format!("{m} (let ((in 1)) (m in))"),
            "(let ((in 1)) 'other)",
        ),
        (
            &format!("{m} (let ((=> 1)) (m =>))"),
            "(let ((=> 1)) 'other)",
        ),
        (
            "(define-syntax m (syntax-rules (_) ((m _) 'blank) ((m x) 'other))) (list (m _) (m 1))",
            "(.list 'blank 'other)",
        ),
    ]);
}

#[test]
fn definitions_that_macros_make() {
    // A name that the user gave is defined; one that the macro made up is a variable of its own.
    let forms = all(
        "(define-syntax counter (syntax-rules () ((_ name) (begin (define n 0) \
                     (define (name) (set! n 1) n))))) (define n 5) (counter a) (a) n",
    );
    assert_eq!(
        forms[2],
        "(begin (define n 0) (define a (lambda () (begin (set! n 1) n))))"
    );
    let environment = segno::snapshot::Shared::new(crate::Environment::standard());
    let text =
        "(define-syntax hide (syntax-rules () ((_) (begin (define n 0) n)))) (define n 5) (hide) n";
    let program = crate::expander(&[]).program(crate::read("test", text), &environment);
    let exprs: Vec<_> = program.map(|expr| expr.expect("a form")).collect();
    let globals = |expr: &segno_scheme::expr::Expr| match expr {
        segno_scheme::expr::Expr::Global(global, _) => global.clone(),
        segno_scheme::expr::Expr::Begin(parts) => match &parts[..] {
            [
                segno_scheme::expr::Expr::Define(global, _),
                segno_scheme::expr::Expr::Global(used, _),
            ] => {
                assert!(global.same(used));
                global.clone()
            }
            _ => panic!("a definition and a variable"),
        },
        _ => panic!("a variable"),
    };
    assert!(!globals(&exprs[2]).same(&globals(&exprs[3])));
    expands(&[
        (
            "(define-syntax def (syntax-rules () ((_ n v) (define n v)))) (let () (def a 1) (def b a) b)",
            "(letrec* ((a 1) (b a)) b)",
        ),
        (
            "(define-syntax def (syntax-rules () ((_ v) (define hidden v)))) \
          (let () (def 1) (def 2) (define hidden 3) hidden)",
            "(letrec* ((hidden 1) (hidden.2 2) (hidden.3 3)) hidden.3)",
        ),
        (
            "(let () (define-syntax one (syntax-rules () ((_) 1))) (define x (one)) x)",
            "(letrec* ((x 1)) x)",
        ),
        (
            "(define-syntax jabberwocky (syntax-rules () ((_ hatter) (begin (define march-hare 42) \
          (define-syntax hatter (syntax-rules () ((_) march-hare))))))) (jabberwocky mad-hatter) \
          (mad-hatter)",
            "march-hare",
        ),
        (
            "(let ((x 1)) (let-syntax ((foo (syntax-rules () ((_ y) (let ((x 2)) y))))) (foo x)))",
            "(let ((x 1)) (let ((x.2 2)) x))",
        ),
        (
            "(letrec-syntax ((ev? (syntax-rules () ((_) #t) ((_ x . r) (od? . r)))) \
          (od? (syntax-rules () ((_) #f) ((_ x . r) (ev? . r))))) (list (ev? 1 2) (od? 1 2)))",
            "(.list #t #f)",
        ),
        ("(define-syntax mine if) (mine 1 2 3)", "(if 1 2 3)"),
        (
            "(define-record-type p (make x) p? (x px)) (define-syntax rec (syntax-rules () ((_ n) \
          (define-record-type n (mk f) #f (f n))))) 1",
            "1",
        ),
    ]);
}
