//! Code: what a form of a program is compiled to.
//!
//! All procedures of a form lie in one array of nodes, so that they can name each other without
//! a cycle of references. A node names its parts by their indices.
//!
//! A node is *simple* if its value takes no step of the machine: constants, variables, closures
//! that are made, and calls of primitives that only compute, of simple parts. Simple nodes are
//! evaluated by recursion on the Rust stack, which is as deep as the source is nested; all
//! others by frames.

use std::fmt;

use segno::snapshot::{Constant, Object, Shared};
use serde::{Deserialize, Serialize};

use crate::condition::Fault;
use crate::environment::Global;
use crate::library::Part;
use crate::symbol::Symbol;
use crate::value::{Place, Value};

/// The index of a node. As a part of another, a node that is a variable of the innermost rib, or
/// a constant, is named by what it is: see [`LOCAL`] and [`CONSTANT`].
pub type Id = u32;

/// A part from here on is a variable of the innermost rib: its index is what this is less.
pub const LOCAL: Id = 1 << 31;

/// A part from here to [`LOCAL`] is a constant: its index is what this is less.
pub const CONSTANT: Id = 1 << 30;

/// A list of nodes: a run of [`Code::parts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Parts {
    /// The index of the first.
    pub first: u32,
    /// How many.
    pub count: u16,
}

/// A variable: how many ribs up, and where in that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    /// How many ribs up.
    pub depth: u16,
    /// Which slot.
    pub index: u16,
}

/// What is to be computed. Variants that wait have parts that are not simple.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Node {
    /// A constant.
    Constant(u32),
    /// A variable of the innermost rib.
    Local(u16),
    /// A variable.
    Outer(Address),
    /// A variable in a box.
    Boxed(Address),
    /// A variable of the program.
    Global(u32),
    /// A closure of a procedure, over the variables so many ribs up.
    Closure {
        /// The procedure.
        procedure: u32,
        /// How many ribs up.
        depth: u16,
    },
    /// A call of a primitive of one argument that is done here.
    One {
        /// What it does.
        op: One,
        /// The argument.
        a: Id,
        /// The constant that is the primitive, for what is rare.
        primitive: u32,
    },
    /// The same of two arguments.
    Two {
        /// What it does.
        op: Two,
        /// The first argument.
        a: Id,
        /// The second argument.
        b: Id,
        /// The constant that is the primitive, for what is rare.
        primitive: u32,
    },
    /// A call of a primitive that computes.
    Primitive {
        /// The constant that is the primitive.
        primitive: u32,
        /// The arguments.
        arguments: Parts,
    },
    /// An assignment.
    SetBoxed {
        /// The variable.
        to: Address,
        /// The value.
        value: Id,
    },
    /// The same of a variable of the program.
    SetGlobal {
        /// The variable.
        global: u32,
        /// The value.
        value: Id,
        /// Whether it is a definition.
        define: bool,
    },
    /// A choice whose test is simple.
    If {
        /// What is asked.
        test: Id,
        /// If so.
        yes: Id,
        /// If not.
        no: Id,
    },
    /// A choice whose test takes steps.
    IfWait {
        /// What is asked.
        test: Id,
        /// If so.
        yes: Id,
        /// If not.
        no: Id,
    },
    /// One after the other.
    Begin(Parts),
    /// Binds variables to the values of parts. What follows the parts is how many of them are in
    /// boxes, and which.
    Let {
        /// The values.
        values: Parts,
        /// What sees them.
        body: Id,
    },
    /// The same of values that take steps.
    LetWait {
        /// The values.
        values: Parts,
        /// What sees them.
        body: Id,
    },
    /// Binds so many variables, in boxes, without values.
    Boxes {
        /// How many.
        count: u16,
        /// What sees them.
        body: Id,
    },
    /// A call of whatever the operator is, with simple arguments.
    Call {
        /// The operator.
        operator: Id,
        /// The arguments.
        arguments: Parts,
    },
    /// A call of `call-with-current-continuation` with a lambda expression: a continuation is
    /// captured, and the procedure runs with it. No closure is made.
    CallCc(Id),
    /// A call of arguments that take steps.
    CallWait {
        /// The operator, which is simple.
        operator: Id,
        /// The arguments.
        arguments: Parts,
    },
    /// The same of an operator that takes steps: it is the first of the parts.
    CallAllWait(Parts),
    /// A call of a procedure that is known, and takes so many simple arguments.
    Known {
        /// The procedure.
        procedure: u32,
        /// How many ribs up its variables are.
        depth: u16,
        /// The arguments.
        arguments: Parts,
    },
    /// The same of arguments that take steps.
    KnownWait {
        /// The procedure.
        procedure: u32,
        /// How many ribs up its variables are.
        depth: u16,
        /// The arguments.
        arguments: Parts,
    },
    /// A call of a primitive that computes, of parts that take steps.
    PrimitiveWait {
        /// The constant that is the primitive.
        primitive: u32,
        /// The arguments.
        arguments: Parts,
    },
    /// A call of a primitive of one argument, which takes steps.
    OneWait {
        /// What it does.
        op: One,
        /// The argument.
        a: Id,
        /// The constant that is the primitive, for what is rare.
        primitive: u32,
    },
    /// A call of a primitive of two arguments, at least one of which takes steps.
    TwoWait {
        /// What it does.
        op: Two,
        /// The first argument.
        a: Id,
        /// The second argument.
        b: Id,
        /// The constant that is the primitive, for what is rare.
        primitive: u32,
    },
    /// An assignment of a value that takes steps: see `SetBoxed`.
    SetBoxedWait {
        /// The variable.
        to: Address,
        /// The value.
        value: Id,
    },
    /// See `SetGlobal`.
    SetGlobalWait {
        /// The variable.
        global: u32,
        /// The value.
        value: Id,
        /// Whether it is a definition.
        define: bool,
    },
    /// `with-continuation-mark`: the parts are the key and the value, which are simple.
    Mark {
        /// The key.
        key: Id,
        /// The value.
        value: Id,
        /// What runs with the mark.
        body: Id,
    },
}

const _: () = assert!(size_of::<Node>() <= 20);

/// Primitives of one argument that code does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the primitive of that name")]
pub enum One {
    Car,
    Cdr,
    IsNull,
    IsPair,
    Not,
    IsZero,
}

/// Primitives of two arguments that code does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the primitive of that name")]
pub enum Two {
    Add,
    Subtract,
    Multiply,
    Equal,
    Less,
    Greater,
    AtMost,
    AtLeast,
    Cons,
    IsEq,
    VectorRef,
}

/// A procedure.
#[derive(Clone, Serialize, Deserialize)]
pub struct Procedure {
    /// Its name, if it has one.
    pub name: Option<Symbol>,
    /// Where in the source.
    pub place: Option<Place>,
    /// The procedure around it, which comes before it; that of the form is itself.
    pub within: u32,
    /// A hash of its source, which tells whether it has changed.
    pub hash: u64,
    /// Its cases, in order.
    pub cases: Vec<Case>,
    /// Its nodes are the first of these, and those up to the second.
    pub nodes: (Id, Id),
}

/// A case of a procedure: its arguments are a rib, unless it has none.
#[derive(Clone, Serialize, Deserialize)]
pub struct Case {
    /// How many arguments it wants.
    pub required: u16,
    /// Whether it takes a list of all others.
    pub rest: bool,
    /// What it computes.
    pub entry: Id,
    /// Which of its variables are in boxes.
    pub boxed: Vec<u16>,
}

/// The code of a form. What is decoded of it is checked. That of the library is stored by name.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Code {
    /// What there is to be computed.
    pub nodes: Vec<Node>,
    /// Whether each of them is simple.
    pub simple: Vec<bool>,
    /// Lists of nodes.
    pub parts: Vec<u32>,
    /// Constants.
    pub constants: Vec<Value>,
    /// Variables of the program.
    pub globals: Vec<Shared<Global>>,
    /// Procedures. The first one is the form itself, which takes no arguments.
    pub procedures: Vec<Procedure>,
    /// Where in the source nodes are, in order.
    pub places: Vec<(Id, Place)>,
    /// Which code of the library it is, if it is of that.
    #[serde(skip)]
    pub(crate) part: Option<Part>,
}

impl Object for Code {
    const NAME: &'static str = "code";
}

impl Code {
    /// Whether both are the same. Code of the library is there again for each time that it is
    /// loaded.
    #[must_use]
    pub fn is(a: &Constant<Self>, b: &Constant<Self>) -> bool {
        a.same(b)
            || match (&a.part, &b.part) {
                (Some(a), Some(b)) => a.is(b),
                _ => false,
            }
    }

    /// A node.
    #[inline(always)]
    #[must_use]
    pub fn node(&self, id: Id) -> Node {
        if id < CONSTANT {
            self.nodes[id as usize]
        } else if id < LOCAL {
            Node::Constant(id - CONSTANT)
        } else {
            Node::Local(id as u16)
        }
    }

    /// Whether a node is simple.
    #[inline(always)]
    #[must_use]
    pub fn is_simple(&self, id: Id) -> bool {
        id >= CONSTANT || self.simple[id as usize]
    }

    /// The name of a node as a part of another.
    #[must_use]
    pub fn part(&self, id: Id) -> Id {
        match self.node(id) {
            Node::Local(index) => LOCAL + Id::from(index),
            Node::Constant(index) => CONSTANT + index,
            _ => id,
        }
    }

    /// A list of nodes.
    #[inline(always)]
    #[must_use]
    pub fn list(&self, parts: Parts) -> &[u32] {
        let first = parts.first as usize;
        &self.parts[first..first + usize::from(parts.count)]
    }

    /// Which of the variables of a `let` are in boxes.
    #[inline(always)]
    #[must_use]
    pub fn boxed(&self, values: Parts) -> &[u32] {
        let at = values.first as usize + usize::from(values.count);
        let count = self.parts[at] as usize;
        &self.parts[at + 1..at + 1 + count]
    }

    /// Where a node is.
    #[must_use]
    pub fn place(&self, at: Id) -> Option<&Place> {
        let found = self.places.binary_search_by_key(&at, |(id, _)| *id).ok()?;
        self.places.get(found).map(|(_, place)| place)
    }

    /// Adds to a fault where it was found.
    #[cold]
    pub fn locate(&self, at: Id, mut fault: Box<Fault>) -> Box<Fault> {
        if fault.place.is_none() {
            fault.place = self.place(at).cloned();
        }
        fault
    }

    /// The index of the procedure that a node belongs to.
    #[must_use]
    pub fn procedure_of(&self, at: Id) -> usize {
        let is_of = |procedure: &Procedure| procedure.nodes.0 <= at && at < procedure.nodes.1;
        self.procedures.iter().position(is_of).unwrap_or(0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code of {} procedures", self.procedures.len())
    }
}
