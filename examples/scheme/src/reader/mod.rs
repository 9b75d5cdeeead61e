//! The reader: from characters to data.
//!
//! Data that are not complete yet are on a stack of the reader's own, so that they may be nested
//! as deep as the memory goes:
//!
//! ```text
//! source            stack                       values
//! (a #(b 'c         List      begins at 0       a
//!          ^        Vector    begins at 1       b
//!                   Abbreviation  quote
//! ```
//!
//! A list or a vector right after a label is made before its elements are read, so that they can
//! refer to it.

use std::collections::HashMap;
use std::rc::Rc;

use segno::snapshot::Shared;

mod finish;
pub(crate) mod lexeme;
mod quoted;
mod source;
#[cfg(test)]
mod tests;
mod token;

use crate::condition::Fault;
use crate::number::Limits;
use crate::places::Places;
use crate::symbol::Symbol;
use crate::value::{Pair, Value, Vector};
use crate::work::Work;
pub use source::{Cursor, Position, Source};
use token::{Lexer, Token};

/// How to read.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether strings, vectors and bytevectors are literals, which must not be changed.
    pub literal: bool,
    /// Whether upper case in identifiers and names of characters counts as lower case. The
    /// source may say otherwise from some place on.
    pub fold_case: bool,
    /// About how many bytes of memory may be taken.
    pub limit: usize,
    /// How large numbers may be.
    pub numbers: Limits,
    /// How much work it may be.
    pub work: Work,
}

impl Default for Options {
    /// Data of any size.
    fn default() -> Self {
        Self {
            literal: false,
            fold_case: false,
            limit: usize::MAX,
            numbers: Limits::default(),
            work: Work::UNLIMITED,
        }
    }
}

/// Why there is no datum.
#[derive(Debug)]
pub enum ReadError {
    /// The source ends within one.
    Incomplete(Box<Fault>),
    /// There is something else, or reading failed.
    Fault(Box<Fault>),
}

impl From<ReadError> for Box<Fault> {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Incomplete(fault) | ReadError::Fault(fault) => fault,
        }
    }
}

/// Reads data, one after the other.
pub struct Reader<S> {
    lexer: Lexer<S>,
    /// Data that are not complete yet, the innermost last.
    stack: Vec<Frame>,
    /// The elements of lists and vectors that are not complete yet, and where they begin.
    values: Vec<(Value, Position)>,
    /// What labels stand for; none for a label whose datum has not begun.
    labels: HashMap<u64, Option<Value>>,
}

/// A datum that is not complete yet.
struct Frame {
    kind: Kind,
    /// Where it begins.
    at: Position,
}

enum Kind {
    List {
        /// Where its elements begin among the values.
        start: usize,
        /// Its first pair, if a label stands for it.
        first: Option<Shared<Pair>>,
        tail: Tail,
    },
    Vector {
        /// Where its elements begin among the values.
        start: usize,
        /// Itself, if a label stands for it.
        made: Option<Shared<Vector>>,
    },
    /// A bytevector.
    Bytes(Vec<u8>),
    Abbreviation {
        symbol: &'static str,
        /// Its first pair, if a label stands for it.
        first: Option<Shared<Pair>>,
    },
    /// A label whose datum follows.
    Label(u64),
    /// A datum that counts for nothing follows.
    Comment,
}

/// What follows after the elements of a list.
enum Tail {
    /// No dot as yet.
    None,
    /// A dot.
    Dot,
    /// A dot and a datum.
    Datum(Value),
}

/// Reads all data of a program, as literals.
///
/// # Errors
///
/// [`ReadError`].
pub fn read_program(text: &str, name: &str, places: &mut Places) -> Result<Vec<Value>, ReadError> {
    let options = Options {
        literal: true,
        ..Options::default()
    };
    let mut reader = Reader::new(Cursor::new(text), name, options);
    let mut data = Vec::new();
    while let Some(datum) = reader.read(Some(places))? {
        data.push(datum);
    }
    Ok(data)
}

impl<S: Source> Reader<S> {
    /// A reader of a source, which has this name in messages.
    pub fn new(source: S, name: &str, options: Options) -> Self {
        let name = Rc::from(name);
        Self {
            lexer: Lexer {
                source,
                name,
                options,
            },
            stack: Vec::new(),
            values: Vec::new(),
            labels: HashMap::new(),
        }
    }

    /// How much work it was.
    #[must_use]
    pub fn work(&self) -> Work {
        self.lexer.options.work
    }

    /// Whether upper case counts as lower case by now.
    #[must_use]
    pub fn folds_case(&self) -> bool {
        self.lexer.options.fold_case
    }

    /// The next datum, or none at the end. The source is left right after it, and after an error
    /// where the error was noticed. The pairs of the datum are noted in `places`.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn read(&mut self, mut places: Option<&mut Places>) -> Result<Option<Value>, ReadError> {
        self.stack.clear();
        self.values.clear();
        self.labels.clear();
        loop {
            let (token, at) = self.lexer.next()?;
            let (datum, at) = match token {
                Token::Datum(datum) => (datum, at),
                Token::Reference(label) => (self.refer(label, at)?, at),
                Token::Close => self.close(at, &mut places)?,
                Token::End => match self.stack.last() {
                    None => return Ok(None),
                    Some(frame) => return Err(self.lexer.incomplete(frame.at, frame.ends())),
                },
                opening => {
                    self.open(opening, at)?;
                    continue;
                }
            };
            if let Some(datum) = self.deliver(datum, at, &mut places)? {
                return Ok(Some(datum));
            }
        }
    }

    /// What a label stands for.
    fn refer(&self, label: u64, at: Position) -> Result<Value, ReadError> {
        match self.labels.get(&label) {
            Some(Some(value)) => Ok(value.clone()),
            Some(None) => Err(self
                .lexer
                .wrong(at, format!("label {label} stands for itself"))),
            None => Err(self.lexer.wrong(at, format!("there is no label {label}"))),
        }
    }

    /// A token after which others have to follow.
    fn open(&mut self, token: Token, at: Position) -> Result<(), ReadError> {
        let start = self.values.len();
        let kind = match token {
            Token::Open => Kind::List {
                start,
                first: self.labelled_pair(),
                tail: Tail::None,
            },
            Token::OpenVector => Kind::Vector {
                start,
                made: self.labelled_vector(),
            },
            Token::OpenBytes => Kind::Bytes(Vec::new()),
            Token::Abbreviation(symbol) => Kind::Abbreviation {
                symbol,
                first: self.labelled_pair(),
            },
            Token::Label(label) => {
                self.labels.insert(label, None);
                Kind::Label(label)
            }
            Token::Comment => Kind::Comment,
            _ => return self.dot(at),
        };
        self.stack.push(Frame { kind, at });
        Ok(())
    }

    fn dot(&mut self, at: Position) -> Result<(), ReadError> {
        if let Some(frame) = self.stack.last_mut()
            && let Kind::List { start, tail, .. } = &mut frame.kind
            && matches!(tail, Tail::None)
            && *start < self.values.len()
        {
            *tail = Tail::Dot;
            return Ok(());
        }
        Err(self.lexer.wrong(at, "unexpected `.`"))
    }

    /// Gives a datum to what it is part of; answers it if that is nothing.
    fn deliver(
        &mut self,
        mut datum: Value,
        mut at: Position,
        places: &mut Option<&mut Places>,
    ) -> Result<Option<Value>, ReadError> {
        loop {
            let Some(frame) = self.stack.last_mut() else {
                return Ok(Some(datum));
            };
            match &mut frame.kind {
                Kind::List { tail, .. } => {
                    match tail {
                        Tail::None => self.values.push((datum, at)),
                        Tail::Dot => *tail = Tail::Datum(datum),
                        Tail::Datum(_) => {
                            return Err(self.lexer.wrong(at, "expected `)` after a dotted datum"));
                        }
                    }
                    return Ok(None);
                }
                Kind::Vector { .. } => {
                    self.values.push((datum, at));
                    return Ok(None);
                }
                Kind::Bytes(bytes) => {
                    let Some(byte) = byte(&datum) else {
                        return Err(self.lexer.wrong(at, "expected a byte in a bytevector"));
                    };
                    bytes.push(byte);
                    return Ok(None);
                }
                Kind::Comment => {
                    self.stack.pop();
                    return Ok(None);
                }
                Kind::Label(label) => {
                    self.labels.insert(*label, Some(datum.clone()));
                    at = frame.at;
                    self.stack.pop();
                }
                Kind::Abbreviation { symbol, first } => {
                    let symbol = Value::Symbol(Symbol::new(symbol));
                    let first = first.take();
                    let begin = frame.at;
                    self.stack.pop();
                    let rest = Value::cons(datum, Value::Null);
                    if let Some(places) = places {
                        places.note(&rest, at.line, at.column);
                    }
                    datum = finish::pair(first, symbol, rest);
                    if let Some(places) = places {
                        places.note(&datum, begin.line, begin.column);
                    }
                    at = begin;
                }
            }
        }
    }
}

/// The byte that a value is.
fn byte(value: &Value) -> Option<u8> {
    u8::try_from(value.as_number()?.to_usize()?).ok()
}

impl Frame {
    /// What is wrong if the source ends here.
    fn ends(&self) -> &'static str {
        match self.kind {
            Kind::List { .. } => "the source ends in the list that begins here",
            Kind::Vector { .. } => "the source ends in the vector that begins here",
            Kind::Bytes(_) => "the source ends in the bytevector that begins here",
            Kind::Abbreviation { .. } => "the source ends after a quotation mark",
            Kind::Label(_) => "the source ends after a label",
            Kind::Comment => "the source ends after `#;`",
        }
    }
}
