//! What is wrong, before it becomes a condition that a program can see.

use std::fmt;

use segno::snapshot::Constant;

use crate::value::{Condition, ConditionKind, Place, Value};

/// The message of what a program gets that uses a variable which nobody has defined.
pub const UNDEFINED: &str = "this variable is not defined:";

/// What a primitive, the reader or the compiler has found wrong.
#[derive(Clone)]
pub struct Fault {
    /// What sort of error.
    pub kind: ConditionKind,
    /// What is wrong, in words.
    pub message: String,
    /// What it is about.
    pub irritants: Vec<Value>,
    /// Where in the source, if that is known already.
    pub place: Option<Place>,
    /// What the program sees in place of a condition: `raise` takes anything.
    pub raised: Option<Value>,
}

impl Fault {
    /// A mistake of the program.
    pub fn new(message: impl Into<String>, irritants: impl Into<Vec<Value>>) -> Box<Self> {
        Self::of(ConditionKind::Program, message, irritants)
    }

    /// A fault of some kind.
    pub fn of(
        kind: ConditionKind,
        message: impl Into<String>,
        irritants: impl Into<Vec<Value>>,
    ) -> Box<Self> {
        Box::new(Self {
            kind,
            message: message.into(),
            irritants: irritants.into(),
            place: None,
            raised: None,
        })
    }

    /// What a program has raised by itself.
    pub fn raised(value: Value) -> Box<Self> {
        let mut fault = Self::of(ConditionKind::User, "raised", []);
        fault.raised = Some(value);
        fault
    }

    /// An argument is of the wrong type: `"a pair"`, say, was expected.
    #[cold]
    pub fn expected(what: &str, found: &Value, by: &str) -> Box<Self> {
        Self::new(format!("{by}: expected {what}"), [found.clone()])
    }

    /// The source is no program.
    pub fn syntax(message: impl Into<String>, form: &Value, place: Option<Place>) -> Box<Self> {
        let mut fault = Self::of(ConditionKind::Syntax, message, [form.clone()]);
        fault.place = place;
        fault
    }

    /// A limit of the sandbox was met.
    #[cold]
    pub fn limit(message: impl Into<String>) -> Box<Self> {
        Self::of(ConditionKind::Limit, message, [])
    }

    /// As the program sees it.
    #[must_use]
    pub fn condition(self) -> Condition {
        Condition {
            kind: self.kind,
            message: Value::string(&self.message),
            irritants: self.irritants,
            place: self.place,
        }
    }
}

impl From<Fault> for Value {
    fn from(mut fault: Fault) -> Self {
        let raised = fault.raised.take();
        raised.unwrap_or_else(|| Self::Condition(Constant::new(fault.condition())))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}
