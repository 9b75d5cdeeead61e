//! Programs after expansion: what is left of all syntax, with variables resolved.

use std::cell::Cell;
use std::rc::Rc;

use segno::snapshot::Shared;

use crate::environment::Global;
use crate::symbol::Symbol;
use crate::value::{Place, Value};

/// A local variable.
#[derive(Debug)]
pub struct Variable {
    /// Its name, for people.
    pub name: Symbol,
    /// Whether anybody assigns to it.
    pub assigned: Cell<bool>,
}

impl Variable {
    /// A variable that nobody assigns to as yet.
    #[must_use]
    pub fn new(name: Symbol) -> Rc<Self> {
        Rc::new(Self {
            name,
            assigned: Cell::new(false),
        })
    }
}

/// An expression.
pub enum Expr {
    /// A constant, or the value of a standard procedure.
    Constant(Value),
    /// The value of a local variable.
    Local(Rc<Variable>),
    /// The value of a variable of the program, and where it is named.
    Global(Shared<Global>, Option<Place>),
    /// Assigns to a local variable, which is marked as assigned.
    SetLocal(Rc<Variable>, Box<Expr>),
    /// Assigns to a variable of the program, which has to be defined.
    SetGlobal(Shared<Global>, Box<Expr>, Option<Place>),
    /// Defines a variable of the program.
    Define(Shared<Global>, Box<Expr>),
    /// A choice.
    If(Box<[Expr; 3]>),
    /// A procedure of one or, for `case-lambda`, several cases.
    Lambda(Box<LambdaExpr>),
    /// One after the other; never empty. The value is that of the last.
    Begin(Vec<Expr>),
    /// Variables that are bound together, and none of whose values sees them.
    Let(Vec<(Rc<Variable>, Expr)>, Box<Expr>),
    /// Variables that are bound one after the other, and whose values see all of them:
    /// `letrec*`, and what internal definitions are.
    Letrec(Vec<(Rc<Variable>, Expr)>, Box<Expr>),
    /// A call.
    Call(Box<Expr>, Vec<Expr>, Option<Place>),
    /// `with-continuation-mark`: key, value, body.
    Mark(Box<[Expr; 3]>),
}

/// A procedure.
pub struct LambdaExpr {
    /// Its name, if it has one.
    pub name: Option<Symbol>,
    /// Where in the source.
    pub place: Option<Place>,
    /// Its cases, in order. A plain `lambda` has one.
    pub cases: Vec<Case>,
}

/// A case of a procedure.
pub struct Case {
    /// The variables of its arguments.
    pub required: Vec<Rc<Variable>>,
    /// That of the list of all others.
    pub rest: Option<Rc<Variable>>,
    /// What it computes.
    pub body: Expr,
}
