//! What is no program.

use segno_scheme::value::Value;

use crate::{expander, last, show, with_stack, wrong};

#[test]
fn messages_and_places() {
    let cases = [
        ("(f)\n(if)", "this if is malformed", 2),
        ("(lambda (x x) x)", "x is bound twice", 1),
        (
            "(let ((x 1)\n (y)) x)",
            "a binding should be a name and an expression",
            2,
        ),
        (
            "(lambda (x)\n  (define y 1))",
            "this body has no expression at its end",
            1,
        ),
        (
            "(let () (define x 1) (define x 2) x)",
            "x is defined twice in this body",
            1,
        ),
        (
            "(f\n (define x 1))",
            "a definition stands where an expression should",
            2,
        ),
        ("()", "() is not an expression: quote it", 0),
        ("(f . 1)", "this form is not a proper list", 1),
        ("(f\n (else))", "else means nothing here", 2),
        ("(f if)", "this is syntax, and has no value", 1),
        ("(set! if 1)", "set! of syntax, which is no variable", 1),
        (
            "(define-syntax m (syntax-rules () ((_ a) a)))\n(m)",
            "no rule of m matches this use of it",
            2,
        ),
        (
            "(define-syntax m\n (syntax-rules () ((_ a a) a)))",
            "a is twice in this pattern",
            2,
        ),
        (
            "(define-syntax m (syntax-rules () ((_ a ...) a)))",
            "a wants more ellipses in this template",
            1,
        ),
        (
            "(define-syntax m (syntax-rules () ((_ a ... b ...) 1)))",
            "a list has one ellipsis at most",
            1,
        ),
        (
            "(define-syntax m (syntax-rules () ((_ a) (a ...))))",
            "no variable tells how often this is repeated",
            1,
        ),
        (
            "(define-syntax m (syntax-rules () ((_ (a ...) (b ...)) '((a b) ...))))\n(m (1) (2 3))",
            "what goes with an ellipsis in this macro is not of the same length",
            2,
        ),
        (
            "(define-syntax m 1)",
            "syntax has to be defined by syntax-rules",
            1,
        ),
        (
            "(cond (else 1) (2 3))",
            "else wants expressions, and to be last",
            1,
        ),
        ("(syntax-error \"no\" 1)", "no", 1),
        ("`(1 . ,@x)", "unquote-splicing stands where no list is", 1),
        (
            "(define-record-type p (make z) p? (x px))",
            "the constructor wants each of the type's fields once at most",
            1,
        ),
        // What a macro makes is where it is used.
        (
            "(define-syntax m (syntax-rules () ((_ a) (if))))\n\n(f (m\n 1))",
            "this if is malformed",
            3,
        ),
    ];
    for (text, message, line) in cases {
        let fault = wrong(text);
        assert_eq!(fault.message, message, "{text}");
        assert_eq!(fault.place.map_or(0, |place| place.line), line, "{text}");
    }
}

fn nested(open: &str, close: &str, depth: usize) -> String {
    format!("{}1{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn deep_nesting() {
    with_stack(|| {
        let opens = [
            ("(f ", ")"),
            ("(lambda () ", ")"),
            ("(let ((x 1)) ", ")"),
            ("(let () (define x 1) ", ")"),
            ("(cond (1 ", "))"),
            ("(case 1 ((1) ", "))"),
            ("(guard (e (1 2)) ", ")"),
            ("(begin ", ")"),
            ("(let-syntax () ", ")"),
            ("(cond-expand (r7rs ", "))"),
            ("(or 1 ", ")"),
            ("`(1 ,", ")"),
        ];
        for (open, close) in opens {
            let text = nested(open, close, 100);
            assert!(crate::all_with(&[], &text).is_ok(), "{open}");
            let fault = wrong(&nested(open, close, 1_100));
            assert_eq!(fault.message, "expressions are nested too deeply", "{open}");
        }
        let mut list = Value::Null;
        for _ in 0..100_000 {
            list = Value::list([list]);
        }
        let deep = |keyword| Value::list([Value::symbol(keyword), list.clone()]);
        let environment = segno::snapshot::Shared::new(crate::Environment::standard());
        let expand = |form: &Value| {
            let places = segno_scheme::places::Places::new("deep");
            expander(&[]).expand(form, &places, &environment)
        };
        assert!(expand(&deep("quote")).is_ok());
        assert!(expand(&deep("quasiquote")).is_err());
        assert!(expand(&list).is_err());
        let definition = "(define-syntax q (syntax-rules () ((_ x y) '(y x z))))";
        let source = crate::read("test", definition);
        assert!(expand(&source.forms[0]).is_ok());
        let usage = Value::list([Value::symbol("q"), list.clone(), Value::Null]);
        assert!(expand(&usage).is_ok());
    });
}

#[test]
fn length_is_no_depth() {
    let many = |open: &str, item: &str| format!("{open}{})", item.repeat(20_000));
    assert!(last(&many("(begin ", "(f) ")).len() > 20_000);
    assert!(last(&many("(lambda () ", "(f) ")).len() > 20_000);
    assert!(last(&many("(list ", "1 ")).len() > 20_000);
    assert!(last(&many("'(", "1 ")).len() > 20_000);
    assert!(last(&many("`(", "1 ,x ,@y ")).len() > 20_000);
    let defines: String = (0..5_000)
        .map(|n| format!("(define (f{n}) (f{}))", n / 2))
        .collect();
    assert!(last(&format!("(let () {defines} 1)")).len() > 20_000);
}

#[test]
fn expansions_without_end() {
    let texts = [
        "(define-syntax m (syntax-rules () ((_) (m)))) (m)",
        "(define-syntax m (syntax-rules () ((_ x ...) (m x ... x ... 1)))) (m 1)",
        "(define-syntax m (syntax-rules () ((_ x) (m (x x))))) (m 1)",
        "(define-syntax m (syntax-rules () ((_) (begin (m) (m))))) (let () (m) 1)",
    ];
    for text in texts {
        let fault = wrong(text);
        assert!(
            fault.message.contains("does not come to an end"),
            "{}",
            fault.message
        );
    }
    with_stack(|| {
        wrong("(define-syntax m (syntax-rules () ((_) (f (m))))) (m)");
        wrong("(define-syntax m (syntax-rules () ((_) (let () (m) 1)))) (m)");
    });
}

#[test]
fn forms_that_lead_back_to_themselves() {
    with_stack(|| {
        let environment = segno::snapshot::Shared::new(crate::Environment::standard());
        let heads = [
            "begin",
            "f",
            "quote",
            "quasiquote",
            "if",
            "let",
            "lambda",
            "cond",
            "define-syntax",
            "import",
            "define-library",
            "and",
            "guard",
        ];
        for head in heads {
            for turn in 0..3 {
                let form = Value::list([Value::symbol(head), Value::Null, Value::integer(1)]);
                let Value::Pair(first) = &form else { continue };
                let second = first.with(|pair| pair.cdr.clone());
                let Value::Pair(second) = second else {
                    continue;
                };
                match turn {
                    0 => second.update(|pair| pair.car = form.clone()),
                    1 => second.update(|pair| pair.cdr = form.clone()),
                    _ => first.update(|pair| pair.cdr = form.clone()),
                }
                let source = crate::Source {
                    forms: vec![form.clone()],
                    places: segno_scheme::places::Places::new("cycle"),
                };
                for expr in expander(&[]).program(source, &environment) {
                    drop(expr.map(|expr| matches!(head, "f").then(|| show(&expr))));
                }
                second.update(|pair| (pair.car, pair.cdr) = (Value::Null, Value::Null));
                first.update(|pair| pair.cdr = Value::Null);
            }
        }
    });
}
