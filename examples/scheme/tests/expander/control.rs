//! Syntax that is calls of control procedures.

use crate::expands;

#[test]
fn operators() {
    expands(&[
        (
            "(reset 1 (shift k (k 2)))",
            "(.call-with-continuation-prompt (lambda () (begin 1 (.%shift \
          (.default-continuation-prompt-tag) (lambda (k) (k 2))))))",
        ),
        (
            "(prompt-at t (control0-at t k k))",
            "(.call-with-continuation-prompt (lambda () (.%control0 t (lambda (k) k))) t)",
        ),
        (
            "(let/cc k 1)",
            "(.call-with-current-continuation (lambda (k) 1))",
        ),
        ("(with-continuation-mark 1 2 (f))", "(mark 1 2 (f))"),
        ("(delay 1)", "(.%make-promise (lambda () 1) #f)"),
        ("(delay-force 1)", "(.%make-promise (lambda () 1) #t)"),
        (
            "(parameterize ((p 1) (q 2)) 3)",
            "(.%parameterize p 1 q 2 (lambda () 3))",
        ),
    ]);
}

#[test]
fn guard() {
    let prompt = |body: &str, handle| {
        format!(
            "(.call-with-continuation-prompt (lambda () {body}) tag \
             (lambda ({handle}) ({handle})))"
        )
    };
    let with_else = prompt(
        "(.with-exception-handler (lambda (condition) (.abort-current-continuation tag \
         (lambda () (let ((e condition)) 1)))) (lambda () (f)))",
        "handle",
    );
    let again = prompt(
        "(return (lambda () (.raise-continuable condition)))",
        "handle",
    );
    let without = prompt(
        &format!(
            "(.with-exception-handler (lambda (condition) ((.%call/cc-if-any \
             (lambda (return) (.abort-current-continuation tag (lambda () (let ((e condition)) \
             (if e 1 (if return {again} (.raise-continuable condition))))))) tag))) \
             (lambda () (f)))"
        ),
        "handle.2",
    );
    let tag = |body: &str| format!("(let ((tag (.make-continuation-prompt-tag 'guard))) {body})");
    expands(&[
        ("(guard (e (else 1)) (f))", &tag(&with_else)),
        ("(guard (e (e 1)) (f))", &tag(&without)),
        // What the program calls by these names does not matter.
        (
            "(let ((raise-continuable 1)) (guard (e (e 1)) (f)))",
            &format!("(let ((raise-continuable 1)) {})", tag(&without)),
        ),
    ]);
}
