//! What programs compute with.

use std::fmt;
use std::rc::Rc;

use num_bigint::BigInt;
use segno::frame::{Continuation, PromptTag};
use segno::snapshot::{Constant, Named, Object, Shared};
use serde::{Deserialize, Serialize};

use crate::activation::Activation;
use crate::code::Code;
use crate::environment::Environment;
use crate::number::{Complex, Number, Ratio};
use crate::port::Port;
use crate::primitive::Primitive;
use crate::rib::{Rib, Scope};
use crate::symbol::Symbol;
use crate::syntax::Alias;

/// A value. Sixteen bytes: what is larger is on the heap, counted.
///
/// Whatever a variant holds fills a whole word, and is no float. So the compiler keeps a value in
/// two registers, and never loads one from memory in other pieces than it was stored in, which
/// would take longer than all that is done with it.
///
/// New variants go to the end: they are stored by their position.
#[derive(Clone, Serialize, Deserialize)]
pub enum Value {
    /// `()`
    Null,
    /// What has nothing to say: the value of an assignment.
    Unspecified,
    /// What a variable has before its definition was evaluated. No program sees it.
    Unassigned,
    /// What a port answers at its end.
    Eof,
    /// `#t`
    True,
    /// `#f`
    False,
    /// A Unicode scalar value.
    Character(Character),
    /// An exact integer that fits 64 bits.
    Fixnum(i64),
    /// An inexact real number.
    Flonum(Flonum),
    /// An exact integer that does not fit 64 bits.
    #[serde(with = "crate::number::wire::big")]
    Big(Rc<BigInt>),
    /// An exact number that is not an integer.
    #[serde(with = "crate::number::wire::ratio")]
    Ratio(Rc<Ratio>),
    /// A symbol.
    Symbol(Symbol),
    /// An identifier that a macro has put into its expansion. Only syntax holds it.
    Alias(Shared<Alias>),
    /// A pair.
    Pair(Shared<Pair>),
    /// A string.
    String(Shared<Text>),
    /// A vector.
    Vector(Shared<Vector>),
    /// A bytevector.
    Bytes(Shared<Bytes>),
    /// A procedure of the interpreter's own, known by its name.
    Primitive(Named<Primitive>),
    /// A procedure of the program.
    Closure(Constant<Closure>),
    /// A continuation that was captured, which is applied as a procedure.
    Continuation(Constant<Captured>),
    /// A parameter object.
    Parameter(Constant<Parameter>),
    /// An instance of a record type.
    Record(Shared<Record>),
    /// A record type.
    RecordType(Constant<RecordType>),
    /// What makes, recognises, reads or changes a record.
    RecordProcedure(Constant<RecordProcedure>),
    /// A promise.
    Promise(Shared<Promise>),
    /// What `error` raises, and the interpreter itself.
    Condition(Constant<Condition>),
    /// Several values, or none. Only continuations of `call-with-values` and its like take it.
    Values(Rc<Vec<Value>>),
    /// An environment, for `eval`.
    Environment(Shared<Environment>),
    /// A port.
    Port(Shared<Port>),
    /// The name of a prompt.
    PromptTag(Constant<Tag>),
    /// The marks of a continuation: of each frame that has any, a list of pairs of key and value.
    Marks(Rc<Vec<Value>>),
    /// The values of arguments that are there already, while others are computed. No program
    /// sees it.
    Rib(Constant<Rib>),
    /// The container of a variable that is assigned to. No program sees it.
    Box(Shared<Cell>),
    /// What a prompt was aborted with. No program sees it.
    Aborted(Constant<Aborted>),
    /// What a frame that has marks is to call in its own place. No program sees it.
    Handover(Constant<Handover>),
    /// A continuation that was captured up to the default prompt, without a barrier in it. Most
    /// are.
    Full(Continuation<Activation>),
    /// A number that is not real.
    #[serde(with = "crate::number::wire::complex")]
    Complex(Rc<Complex>),
}

const _: () = assert!(size_of::<Value>() == 16);

/// A character, in a word.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "char", into = "char")]
pub struct Character(u64);

impl Character {
    /// The character.
    #[must_use]
    pub fn get(self) -> char {
        let code = u32::try_from(self.0).ok().and_then(char::from_u32);
        code.unwrap_or(char::REPLACEMENT_CHARACTER)
    }
}

impl From<char> for Character {
    fn from(c: char) -> Self {
        Self(c.into())
    }
}

impl From<Character> for char {
    fn from(c: Character) -> Self {
        c.get()
    }
}

/// A float, in a word that is none.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(from = "f64", into = "f64")]
pub struct Flonum(u64);

impl Flonum {
    /// The float.
    #[inline(always)]
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl From<f64> for Flonum {
    #[inline(always)]
    fn from(x: f64) -> Self {
        Self(x.to_bits())
    }
}

impl From<Flonum> for f64 {
    fn from(x: Flonum) -> Self {
        x.get()
    }
}

/// A pair.
#[derive(Clone, Serialize, Deserialize)]
pub struct Pair {
    /// Its first half.
    pub car: Value,
    /// Its second half.
    pub cdr: Value,
}

/// A string. Characters have all the same size here, so that each is found at once.
#[derive(Clone, Serialize, Deserialize)]
pub struct Text {
    /// What it consists of.
    #[serde(with = "crate::text")]
    pub characters: Vec<char>,
    /// Whether it is a literal, which must not be changed.
    pub literal: bool,
}

/// A vector.
#[derive(Clone, Serialize, Deserialize)]
pub struct Vector {
    /// What it consists of.
    pub elements: Vec<Value>,
    /// Whether it is a literal, which must not be changed.
    pub literal: bool,
}

/// A bytevector.
#[derive(Clone, Serialize, Deserialize)]
pub struct Bytes {
    /// What it consists of.
    pub bytes: Vec<u8>,
    /// Whether it is a literal, which must not be changed.
    pub literal: bool,
}

/// A variable that is assigned to.
#[derive(Clone, Serialize, Deserialize)]
pub struct Cell(pub Value);

/// Code, and the variables that it was closed over.
#[derive(Clone, Serialize, Deserialize)]
pub struct Closure {
    /// The code of the form that the procedure is in.
    pub code: Constant<Code>,
    /// Which of its procedures.
    pub procedure: u32,
    /// The variables.
    pub scope: Scope,
}

/// A continuation that was captured.
#[derive(Clone, Serialize, Deserialize)]
pub struct Captured {
    /// The frames.
    pub continuation: Continuation<Activation>,
    /// How it is applied.
    pub kind: CapturedKind,
    /// The barriers in it.
    pub barriers: Vec<Value>,
}

/// How a continuation is applied.
#[derive(Clone, Serialize, Deserialize)]
pub enum CapturedKind {
    /// In place of the current one up to the prompt with this tag.
    Full(PromptTag),
    /// The same, once only: whether it was used.
    Once(PromptTag, Shared<Cell>),
    /// On top of the current one.
    Composable,
}

/// What a prompt was aborted with.
#[derive(Clone, Serialize, Deserialize)]
pub struct Aborted {
    /// The tag of the prompt.
    pub tag: PromptTag,
    /// For its handler.
    pub values: Vec<Value>,
}

/// A procedure that a frame is to call in its own place.
#[derive(Clone, Serialize, Deserialize)]
pub struct Handover {
    /// The procedure.
    pub receiver: Value,
    /// Its argument, or several values: a continuation that begins with that frame, or what a
    /// prompt above that was aborted with.
    pub arguments: Value,
}

/// A parameter object.
#[derive(Clone, Serialize, Deserialize)]
pub struct Parameter {
    /// What it has where nothing was said; already converted.
    pub value: Value,
    /// What `parameterize` gives its values to, or `#f`.
    pub converter: Value,
}

/// An instance of a record type.
#[derive(Clone, Serialize, Deserialize)]
pub struct Record {
    /// Its type.
    pub of: Constant<RecordType>,
    /// Its fields, in the order of the type's.
    pub fields: Vec<Value>,
}

/// A record type.
#[derive(Clone, Serialize, Deserialize)]
pub struct RecordType {
    /// Its name.
    pub name: Symbol,
    /// The names of its fields.
    pub fields: Vec<Symbol>,
}

/// A procedure that belongs to a record type.
#[derive(Clone, Serialize, Deserialize)]
pub struct RecordProcedure {
    /// Its name.
    pub name: Symbol,
    /// The type.
    pub of: Constant<RecordType>,
    /// What it does.
    pub does: RecordAction,
}

/// What a procedure of a record type does.
#[derive(Clone, Serialize, Deserialize)]
pub enum RecordAction {
    /// Makes an instance: its arguments are the values of these fields.
    Make(Vec<u32>),
    /// Tells whether its argument is an instance.
    Is,
    /// Answers a field.
    Get(u32),
    /// Changes a field.
    Set(u32),
}

/// A promise. One that stands for another leads to that.
#[derive(Clone, Serialize, Deserialize)]
pub enum Promise {
    /// It has its value.
    Done(Value),
    /// It is what this thunk answers: a value, or for `delay-force` another promise.
    Delayed {
        /// The thunk.
        thunk: Value,
        /// Whether the thunk answers a promise.
        forces: bool,
    },
    /// It is what another promise is.
    Same(Shared<Promise>),
}

/// An error, as a value: what `error` raises, and what the interpreter itself raises.
#[derive(Clone, Serialize, Deserialize)]
pub struct Condition {
    /// What sort of error.
    pub kind: ConditionKind,
    /// What is wrong, in words.
    pub message: Value,
    /// What it is about.
    pub irritants: Vec<Value>,
    /// Where in the source, if that is known.
    pub place: Option<Place>,
}

/// What sort of error a condition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionKind {
    /// Raised by `error`.
    User,
    /// A mistake that the interpreter has found.
    Program,
    /// A file could not be opened: `file-error?`.
    File,
    /// What was read is no datum: `read-error?`.
    Read,
    /// The source is not a program.
    Syntax,
    /// A limit of the sandbox was met.
    Limit,
}

/// A place in a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The name of the file, or what stands for it.
    pub source: Rc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source, self.line, self.column)
    }
}

/// The tag of a prompt.
#[derive(Clone, Serialize, Deserialize)]
pub struct Tag {
    /// The machine's.
    pub tag: PromptTag,
    /// Its name, for people.
    pub name: Value,
}

macro_rules! objects {
    ($($type:ty, $name:literal;)*) => {
        $(impl Object for $type {
            const NAME: &'static str = $name;
        })*
    };
}

objects! {
    Pair, "pair";
    Text, "string";
    Vector, "vector";
    Bytes, "bytevector";
    Cell, "variable";
    Closure, "closure";
    Captured, "continuation";
    Aborted, "aborted";
    Handover, "handover";
    Parameter, "parameter";
    Record, "record";
    RecordType, "record type";
    RecordProcedure, "record procedure";
    Promise, "promise";
    Condition, "condition";
    Tag, "prompt tag";
}

impl Value {
    /// A pair.
    #[must_use]
    pub fn cons(car: Self, cdr: Self) -> Self {
        Self::Pair(Shared::new(Pair { car, cdr }))
    }

    /// A list that ends with `rest`.
    pub fn list_with<I>(items: I, rest: Self) -> Self
    where
        I: IntoIterator<Item = Self, IntoIter: DoubleEndedIterator>,
    {
        let items = items.into_iter().rev();
        items.fold(rest, |rest, item| Self::cons(item, rest))
    }

    /// A list.
    pub fn list<I>(items: I) -> Self
    where
        I: IntoIterator<Item = Self, IntoIter: DoubleEndedIterator>,
    {
        Self::list_with(items, Self::Null)
    }

    /// A string that may be changed.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self::text(text.chars().collect())
    }

    /// The same of its characters.
    #[must_use]
    pub fn text(characters: Vec<char>) -> Self {
        Self::String(Shared::new(Text {
            characters,
            literal: false,
        }))
    }

    /// A vector that may be changed.
    #[must_use]
    pub fn vector(elements: Vec<Self>) -> Self {
        Self::Vector(Shared::new(Vector {
            elements,
            literal: false,
        }))
    }

    /// A bytevector that may be changed.
    #[must_use]
    pub fn bytes(bytes: Vec<u8>) -> Self {
        Self::Bytes(Shared::new(Bytes {
            bytes,
            literal: false,
        }))
    }

    /// The symbol of this spelling.
    #[must_use]
    pub fn symbol(name: &str) -> Self {
        Self::Symbol(Symbol::new(name))
    }

    /// An exact integer.
    #[must_use]
    pub fn integer(n: i64) -> Self {
        Self::Fixnum(n)
    }

    /// Whether it counts as true: everything but `#f`.
    #[inline(always)]
    #[must_use]
    pub fn is_true(&self) -> bool {
        !matches!(self, Self::False)
    }

    /// A clone. Of a small integer, which is the frequent case, it takes no call.
    #[inline(always)]
    pub(crate) fn copy(&self) -> Self {
        match self {
            Self::Fixnum(n) => Self::Fixnum(*n),
            other => other.clone(),
        }
    }

    /// Drops it. Of what is not on the heap it takes no call.
    #[inline(always)]
    pub(crate) fn discard(self) {
        match self {
            Self::Fixnum(_)
            | Self::Null
            | Self::Unspecified
            | Self::Unassigned
            | Self::True
            | Self::False => std::mem::forget(self),
            other => drop(other),
        }
    }

    /// The container of a variable that has this value.
    pub(crate) fn in_box(self) -> Self {
        Self::Box(Shared::new(Cell(self)))
    }

    /// The number that it is.
    #[must_use]
    pub fn as_number(&self) -> Option<Number> {
        Some(match self {
            Self::Fixnum(n) => Number::Fixnum(*n),
            Self::Flonum(x) => Number::Flonum(x.get()),
            Self::Big(n) => Number::Big(n.clone()),
            Self::Ratio(q) => Number::Ratio(q.clone()),
            Self::Complex(z) => Number::Complex(z.clone()),
            _ => return None,
        })
    }

    /// The halves of a pair.
    #[must_use]
    pub fn as_pair(&self) -> Option<(Self, Self)> {
        match self {
            Self::Pair(pair) => Some(pair.with(|pair| (pair.car.clone(), pair.cdr.clone()))),
            _ => None,
        }
    }

    /// The elements of a proper list; none if it is something else, or leads back to itself.
    #[must_use]
    pub fn as_list(&self) -> Option<Vec<Self>> {
        let (mut items, mut rest) = (Vec::new(), self.clone());
        // The tortoise moves half as fast: who meets it has gone round.
        let mut tortoise = self.clone();
        while let Some((car, cdr)) = rest.as_pair() {
            items.push(car);
            rest = cdr;
            if items.len() % 2 == 0 {
                tortoise = tortoise.as_pair().map_or(Self::Null, |(_, cdr)| cdr);
                if rest.is_eq(&tortoise) && !matches!(rest, Self::Null) {
                    return None;
                }
            }
        }
        matches!(rest, Self::Null).then_some(items)
    }

    /// Whether it can be applied.
    #[must_use]
    pub fn is_procedure(&self) -> bool {
        matches!(
            self,
            Self::Primitive(_)
                | Self::Closure(_)
                | Self::Continuation(_)
                | Self::Full(_)
                | Self::Parameter(_)
                | Self::RecordProcedure(_)
        )
    }

    /// `eqv?`, which `eq?` is too.
    #[must_use]
    pub fn is_eq(&self, other: &Self) -> bool {
        use Value::*;
        match (self, other) {
            (Null, Null) | (Unspecified, Unspecified) | (Unassigned, Unassigned) | (Eof, Eof) => {
                true
            }
            (True, True) | (False, False) => true,
            (Character(a), Character(b)) => a == b,
            (Fixnum(a), Fixnum(b)) => a == b,
            (Flonum(_), Flonum(_))
            | (Big(_), Big(_))
            | (Ratio(_), Ratio(_))
            | (Complex(_), Complex(_)) => match (self.as_number(), other.as_number()) {
                (Some(a), Some(b)) => a.eqv(&b),
                _ => false,
            },
            (Symbol(a), Symbol(b)) => a == b,
            (Alias(a), Alias(b)) => a.same(b),
            (Pair(a), Pair(b)) => a.same(b),
            (String(a), String(b)) => a.same(b),
            (Vector(a), Vector(b)) => a.same(b),
            (Bytes(a), Bytes(b)) => a.same(b),
            (Primitive(a), Primitive(b)) => a.name == b.name,
            // A closure that is bound by a definition is made anew wherever it is named.
            (Closure(a), Closure(b)) => {
                a.same(b)
                    || a.procedure == b.procedure
                        && Code::is(&a.code, &b.code)
                        && match (&a.scope, &b.scope) {
                            (Some(a), Some(b)) => a.same(b),
                            (None, None) => true,
                            _ => false,
                        }
            }
            (Continuation(a), Continuation(b)) => a.same(b),
            (Full(a), Full(b)) => a.same(b),
            (Parameter(a), Parameter(b)) => a.same(b),
            (Record(a), Record(b)) => a.same(b),
            (RecordType(a), RecordType(b)) => a.same(b),
            (RecordProcedure(a), RecordProcedure(b)) => a.same(b),
            (Promise(a), Promise(b)) => a.same(b),
            (Condition(a), Condition(b)) => a.same(b),
            (Values(a), Values(b)) => Rc::ptr_eq(a, b),
            (Environment(a), Environment(b)) => a.same(b),
            (Port(a), Port(b)) => a.same(b),
            (PromptTag(a), PromptTag(b)) => a.same(b),
            (Marks(a), Marks(b)) => Rc::ptr_eq(a, b),
            (Box(a), Box(b)) => a.same(b),
            _ => false,
        }
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        match number {
            Number::Fixnum(n) => Self::Fixnum(n),
            Number::Flonum(x) => Self::Flonum(x.into()),
            Number::Big(n) => Self::Big(n),
            Number::Ratio(q) => Self::Ratio(q),
            Number::Complex(z) => Self::Complex(z),
        }
    }
}

impl From<char> for Value {
    fn from(c: char) -> Self {
        Self::Character(c.into())
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        if truth { Self::True } else { Self::False }
    }
}

/// As `write` would, but not much of it.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::writer::brief(self))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}
