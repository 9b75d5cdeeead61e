//! From characters to the words of the language.

use std::rc::Rc;

use super::lexeme::{NAMES, fold, is_constituent, is_delimiter, is_identifier, scalar};
use super::{Options, Position, ReadError, Source};
use crate::condition::Fault;
use crate::number::{self, Number, cost};
use crate::value::{ConditionKind, Place, Value};

/// A word of the language.
pub(super) enum Token {
    /// `(`
    Open,
    /// `#(`
    OpenVector,
    /// `#u8(`
    OpenBytes,
    /// `)`
    Close,
    /// `.`
    Dot,
    /// A datum that consists of no others.
    Datum(Value),
    /// What stands for a list of this symbol and the datum that follows.
    Abbreviation(&'static str),
    /// `#0=`
    Label(u64),
    /// `#0#`
    Reference(u64),
    /// `#;`
    Comment,
    /// The end of the source.
    End,
}

/// What a token takes of the memory that the reader may use: its place among those that wait for
/// the end of their list, and a pair.
const TOKEN: usize = 128;

pub(super) struct Lexer<S> {
    pub(super) source: S,
    pub(super) name: Rc<str>,
    pub(super) options: Options,
}

pub(super) type Read<T> = Result<T, ReadError>;

impl<S: Source> Lexer<S> {
    /// The next token, and where it begins.
    pub(super) fn next(&mut self) -> Read<(Token, Position)> {
        loop {
            let at = self.source.position();
            let Some(c) = self.peek()? else {
                return Ok((Token::End, at));
            };
            self.source.advance();
            let token = match c {
                ';' => {
                    self.line()?;
                    continue;
                }
                c if c.is_whitespace() => continue,
                '#' => match self.hash(at)? {
                    Some(token) => token,
                    None => continue,
                },
                '(' => Token::Open,
                ')' => Token::Close,
                '\'' => Token::Abbreviation("quote"),
                '`' => Token::Abbreviation("quasiquote"),
                ',' if self.passes('@')? => Token::Abbreviation("unquote-splicing"),
                ',' => Token::Abbreviation("unquote"),
                '"' => Token::Datum(self.string(at)?),
                '|' => {
                    let name: String = self.quoted('|', at)?.into_iter().collect();
                    Token::Datum(Value::symbol(&name))
                }
                c if is_constituent(c) => self.word(c, at)?,
                c => return Err(self.wrong(at, format!("unexpected character {c:?}"))),
            };
            self.charge(TOKEN)?;
            return Ok((token, at));
        }
    }

    /// What follows after `#`; none if it is a comment or a directive.
    fn hash(&mut self, at: Position) -> Read<Option<Token>> {
        let Some(c) = self.peek()? else {
            return Err(self.incomplete(at, "the source ends after `#`"));
        };
        if c.is_ascii_digit() {
            return self.label(at).map(Some);
        }
        if c.is_ascii_alphabetic() {
            return self.hash_word(at).map(Some);
        }
        self.source.advance();
        Ok(Some(match c {
            '(' => Token::OpenVector,
            ';' => Token::Comment,
            '\\' => Token::Datum(self.character(at)?),
            '|' => {
                self.block(at)?;
                return Ok(None);
            }
            '!' => {
                self.directive(at)?;
                return Ok(None);
            }
            c => return Err(self.wrong(at, format!("unexpected character {c:?} after `#`"))),
        }))
    }

    /// The rest of a line.
    fn line(&mut self) -> Read<()> {
        while self.peek()?.is_some_and(|c| c != '\n' && c != '\r') {
            self.source.advance();
        }
        Ok(())
    }

    /// The rest of a comment that may have others in it.
    fn block(&mut self, at: Position) -> Read<()> {
        let mut depth = 1_usize;
        while depth > 0 {
            let Some(c) = self.peek()? else {
                return Err(self.incomplete(at, "the source ends in the comment that begins here"));
            };
            self.source.advance();
            if c == '|' && self.passes('#')? {
                depth -= 1;
            } else if c == '#' && self.passes('|')? {
                depth += 1;
            }
        }
        Ok(())
    }

    /// What follows after `#!`.
    fn directive(&mut self, at: Position) -> Read<()> {
        // The first line of a script names its interpreter.
        let first = at == Position { line: 1, column: 1 };
        if first && self.peek()?.is_some_and(|c| c == '/' || c == ' ') {
            return self.line();
        }
        let word = self.constituents(String::new())?;
        match word.to_ascii_lowercase().as_str() {
            "fold-case" => self.options.fold_case = true,
            "no-fold-case" => self.options.fold_case = false,
            _ => return Err(self.wrong(at, format!("unknown directive #!{}", shown(&word)))),
        }
        self.delimited(at)
    }

    /// `#0=` or `#0#`.
    fn label(&mut self, at: Position) -> Read<Token> {
        let mut label = Some(0_u64);
        while let Some(digit) = self.peek()?.and_then(|c| c.to_digit(10)) {
            self.source.advance();
            label = label
                .and_then(|label| label.checked_mul(10))
                .and_then(|label| label.checked_add(digit.into()));
        }
        match (self.peek()?, label) {
            (Some('='), Some(label)) => {
                self.source.advance();
                Ok(Token::Label(label))
            }
            (Some('#'), Some(label)) => {
                self.source.advance();
                Ok(Token::Reference(label))
            }
            (_, None) => Err(self.wrong(at, "the number of a label is too large")),
            (None, _) => Err(self.incomplete(at, "the source ends in a label")),
            _ => Err(self.wrong(at, "expected `=` or `#` after the number of a label")),
        }
    }

    /// A boolean, a number with a prefix, or the beginning of a bytevector.
    fn hash_word(&mut self, at: Position) -> Read<Token> {
        let mut word = String::from("#");
        while let Some(c) = self.peek()?.filter(|&c| is_constituent(c) || c == '#') {
            self.source.advance();
            word.push(c);
        }
        let value = match word.to_ascii_lowercase().as_str() {
            "#t" | "#true" => Value::True,
            "#f" | "#false" => Value::False,
            "#u8" if self.passes('(')? => return Ok(Token::OpenBytes),
            _ => match self.number(&word, at)? {
                Some(number) => number.into(),
                None => return Err(self.wrong(at, format!("{} is no datum", shown(&word)))),
            },
        };
        self.delimited(at)?;
        Ok(Token::Datum(value))
    }

    /// What follows after `#\`.
    fn character(&mut self, at: Position) -> Read<Value> {
        let Some(first) = self.peek()? else {
            return Err(self.incomplete(at, "the source ends in a character"));
        };
        self.source.advance();
        let mut word = String::from(first);
        while let Some(c) = self.peek()?.filter(|&c| !is_delimiter(c)) {
            self.source.advance();
            word.push(c);
        }
        let rest = &word[first.len_utf8()..];
        if rest.is_empty() {
            return Ok(first.into());
        }
        let folded = self.options.fold_case.then(|| fold(&word));
        let name = folded.as_deref().unwrap_or(&word);
        let named = NAMES.iter().find(|(known, _)| *known == name);
        let found = match named {
            Some((_, c)) => Some(*c),
            None if matches!(first, 'x' | 'X') => scalar(rest),
            None => None,
        };
        found
            .map(Value::from)
            .ok_or_else(|| self.wrong(at, format!("unknown character #\\{}", shown(&word))))
    }

    /// A number, an identifier or a dot.
    fn word(&mut self, first: char, at: Position) -> Read<Token> {
        let word = self.constituents(first.into())?;
        self.delimited(at)?;
        if word == "." {
            return Ok(Token::Dot);
        }
        if let Some(number) = self.number(&word, at)? {
            return Ok(Token::Datum(number.into()));
        }
        if !is_identifier(&word) {
            let message = format!("{} is neither a number nor a name", shown(&word));
            return Err(self.wrong(at, message));
        }
        Ok(Token::Datum(if self.options.fold_case {
            Value::symbol(&fold(&word))
        } else {
            Value::symbol(&word)
        }))
    }

    fn number(&mut self, word: &str, at: Position) -> Read<Option<Number>> {
        let Options { numbers, work, .. } = &mut self.options;
        work.add(cost::reading(word, 10, *numbers))
            .map_err(ReadError::Fault)?;
        number::parse(word, 10, self.options.numbers)
            .map_err(|error| self.wrong(at, format!("{}: {error}", shown(word))))
    }

    fn constituents(&mut self, mut word: String) -> Read<String> {
        while let Some(c) = self.peek()?.filter(|&c| is_constituent(c)) {
            self.source.advance();
            word.push(c);
        }
        Ok(word)
    }

    /// Makes sure that a word ends here. What is wrong with it is passed by, so that whoever
    /// reads on does not meet it again.
    fn delimited(&mut self, at: Position) -> Read<()> {
        match self.peek()? {
            Some(c) if !is_delimiter(c) => {
                self.source.advance();
                Err(self.wrong(at, format!("unexpected character {c:?} in a word")))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn peek(&mut self) -> Read<Option<char>> {
        self.source.peek().map_err(ReadError::Fault)
    }

    /// Passes by the next character if it is this one.
    pub(super) fn passes(&mut self, expected: char) -> Read<bool> {
        let passes = self.peek()? == Some(expected);
        if passes {
            self.source.advance();
        }
        Ok(passes)
    }

    /// Takes so much of the memory that the reader may use.
    pub(super) fn charge(&mut self, bytes: usize) -> Read<()> {
        let work = &mut self.options.work;
        work.add(bytes as u64).map_err(ReadError::Fault)?;
        match self.options.limit.checked_sub(bytes) {
            Some(rest) => {
                self.options.limit = rest;
                Ok(())
            }
            None => Err(ReadError::Fault(Fault::limit(
                "what is read takes more memory than is allowed",
            ))),
        }
    }

    pub(super) fn wrong(&self, at: Position, message: impl Into<String>) -> ReadError {
        ReadError::Fault(self.fault(at, message))
    }

    pub(super) fn incomplete(&self, at: Position, message: impl Into<String>) -> ReadError {
        ReadError::Incomplete(self.fault(at, message))
    }

    #[cold]
    fn fault(&self, at: Position, message: impl Into<String>) -> Box<Fault> {
        let mut fault = Fault::of(ConditionKind::Read, message, []);
        fault.place = Some(Place {
            source: self.name.clone(),
            line: at.line,
            column: at.column,
        });
        fault
    }
}

/// A word in a message, which may be long.
pub(super) fn shown(word: &str) -> String {
    match word.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &word[..end]),
        None => word.to_owned(),
    }
}
