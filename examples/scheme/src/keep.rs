//! Which calls in tail position keep the frame of their caller.
//!
//! A call in tail position takes the place of its caller, of which nothing is left then. Of a
//! procedure of the interpreter's own that finds something wrong, the call is what its user wants
//! to see. Where such a procedure calls what it gets, but never in tail position, a program gains
//! nothing by a proper tail call of it: what it calls back runs above a frame of its own anyway.
//! So the caller's frame stays too, and waits for the value.

use std::collections::HashSet;

use segno::snapshot::{Constant, Shared};

use crate::environment::Binding;
use crate::expr::{Expr, Variable};
use crate::symbol::Symbol;
use crate::syntax::{Libraries, Library, is_own};
use crate::value::{Closure, Value};

/// The standard procedures that call nothing in tail position which they get.
const STANDARD: [&str; 15] = [
    "assoc",
    "call-with-input-file",
    "call-with-output-file",
    "call-with-output-string",
    "call-with-port",
    "for-each",
    "map",
    "member",
    "string-for-each",
    "string-map",
    "vector-for-each",
    "vector-map",
    "with-input-from-file",
    "with-output-to-file",
    "with-output-to-string",
];

/// A library whose procedures do so, too.
const LISTS: &str = "(srfi 1)";

/// But not these of them.
const NOT: [&str; 4] = ["any", "every", "lset<=", "lset="];

/// The procedures whose callers stay.
pub(crate) struct Keep {
    /// The variables of libraries that have them, by their addresses.
    variables: HashSet<usize>,
}

impl Keep {
    /// Those of a program that has these libraries.
    pub(crate) fn of(libraries: &Shared<Libraries>) -> Self {
        let variables = libraries.with(|libraries| match libraries.0.get(LISTS) {
            Some(Library::Loaded {
                environment,
                exports,
            }) => environment.with(|environment| {
                let names = exports.values();
                let names = names.filter(|name| !NOT.contains(&name.as_str()));
                let kept = names.filter_map(|name| match environment.bindings.get(name)? {
                    Binding::Variable(global) => Some(global.address()),
                    _ => None,
                });
                kept.collect()
            }),
            _ => HashSet::new(),
        });
        Self { variables }
    }

    fn is_of(&self, operator: &Expr) -> bool {
        match operator {
            Expr::Constant(Value::Closure(closure)) => is_standard(closure),
            Expr::Global(global, _) => self.variables.contains(&global.address()),
            _ => false,
        }
    }

    /// Keeps the callers in an expression, which is in tail position or not.
    pub(crate) fn callers(&self, expression: &mut Expr, tail: bool) {
        match expression {
            Expr::Constant(_) | Expr::Local(_) | Expr::Global(..) => {}
            Expr::SetLocal(_, value) | Expr::SetGlobal(_, value, _) | Expr::Define(_, value) => {
                self.callers(value, false);
            }
            Expr::If(parts) => {
                let [test, yes, no] = &mut **parts;
                self.callers(test, false);
                self.callers(yes, tail);
                self.callers(no, tail);
            }
            Expr::Lambda(lambda) => {
                for case in &mut lambda.cases {
                    self.callers(&mut case.body, true);
                }
            }
            Expr::Begin(all) => {
                let last = all.len().saturating_sub(1);
                for (index, part) in all.iter_mut().enumerate() {
                    self.callers(part, tail && index == last);
                }
            }
            Expr::Let(bindings, body) | Expr::Letrec(bindings, body) => {
                for (_, value) in bindings {
                    self.callers(value, false);
                }
                self.callers(body, tail);
            }
            Expr::Call(operator, arguments, _) => {
                // The body of a lambda expression that is called is where the call is.
                match &mut **operator {
                    Expr::Lambda(lambda) => {
                        for case in &mut lambda.cases {
                            self.callers(&mut case.body, tail);
                        }
                    }
                    operator => self.callers(operator, false),
                }
                for argument in &mut *arguments {
                    self.callers(argument, false);
                }
                if tail && self.is_of(operator) {
                    let call = std::mem::replace(expression, Expr::Constant(Value::Unspecified));
                    let value = Variable::new(Symbol::new("value"));
                    let answer = Expr::Local(value.clone());
                    *expression = Expr::Let(vec![(value, call)], Box::new(answer));
                }
            }
            Expr::Mark(parts) => {
                let [key, value, body] = &mut **parts;
                self.callers(key, false);
                self.callers(value, false);
                self.callers(body, tail);
            }
        }
    }
}

fn is_standard(closure: &Constant<Closure>) -> bool {
    let procedure = closure.code.procedures.get(closure.procedure as usize);
    procedure.is_some_and(|procedure| {
        let name = procedure.name.as_ref().map_or("", Symbol::as_str);
        let place = procedure.place.as_ref();
        STANDARD.binary_search(&name).is_ok() && place.is_some_and(|place| is_own(&place.source))
    })
}
