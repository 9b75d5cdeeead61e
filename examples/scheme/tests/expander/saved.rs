//! Macros and libraries are a part of what is saved.

use std::rc::Rc;

use segno::snapshot::{LoadLimits, Loaded, Named, Registry, Save, Shared};
use segno_scheme::activation::Activation;
use segno_scheme::environment::Environment;
use segno_scheme::places::Places;
use segno_scheme::syntax::{Expander, Libraries};

use crate::{Memory, read, show};

const LIBRARY: &str = "(define-library (a)
    (export count!)
    (import (only (scheme base) define define-syntax syntax-rules set! begin ...))
    (begin
      (define n 0)
      (define-syntax make
        (syntax-rules ()
          ((_ name) (define-syntax name (syntax-rules () ((_ e (... ...)) (set! n (e (... ...)))))))))
      (make count!)))";

const PROGRAM: &str =
    "(import (only (scheme base) begin define define-syntax syntax-rules let if ...))
    (define-syntax or
      (syntax-rules () ((_ e) e) ((_ e r ...) (let ((t e)) (if t t (or r ...))))))
    (define-syntax define-hidden
      (syntax-rules ()
        ((_ name) (begin (define x 1) (define-syntax name (syntax-rules () ((_) x)))))))
    (define x 2)
    (define-hidden get)";

fn expand(expander: &Expander, environment: &Shared<Environment>, text: &str) -> String {
    let form = read("test", text).forms.remove(0);
    let expr = expander.expand(&form, &Places::new("test"), environment);
    show(&expr.expect("an expression"))
}

fn host() -> Rc<Memory> {
    Rc::new(Memory {
        files: Default::default(),
        primitives: Default::default(),
    })
}

#[test]
fn macros_and_libraries_are_saved() {
    let expander = Expander::new(host(), Shared::new(Libraries::default()));
    let start = Shared::new(Environment::standard());
    let mut program = expander.program(read("test", PROGRAM), &start);
    for expr in &mut program {
        expr.expect("a form");
    }
    let environment = program.environment().clone();
    expand(&expander, &start, LIBRARY);
    let uses = [
        "(or 1 t 2)",
        "(get)",
        "x",
        "(import (a))",
        "(count! x 1)",
        "(import (prefix (a) a:))",
        "(a:count! get)",
    ];

    let registry = Rc::new(Registry::new("test", 1).value("none", Named::new(0)));
    let mut save = Save::<Activation>::new(&registry);
    save.value(&environment).expect("it can be saved");
    save.value(expander.libraries()).expect("it can be saved");
    let bytes = save.finish().expect("bytes");
    let mut loaded =
        Loaded::<Activation>::read(&bytes, &registry, LoadLimits::default()).expect("whole");
    let environment_again: Shared<Environment> = loaded.value(0).expect("an environment");
    let libraries_again: Shared<Libraries> = loaded.value(1).expect("libraries");
    let expander_again = Expander::new(host(), libraries_again);
    for text in uses {
        let before = match text {
            "(get)" => "x".to_owned(),
            text => expand(&expander, &environment, text),
        };
        assert_eq!(
            expand(&expander_again, &environment_again, text),
            before,
            "{text}"
        );
    }
}
