//! What is between quotation marks or bars.

use segno::snapshot::Shared;

use super::lexeme::{ESCAPES, scalar};
use super::token::{Lexer, Read, shown};
use super::{Position, Source};
use crate::value::{Text, Value};

/// What a character takes of the memory that the reader may use: twice its size, as what holds
/// them grows by doubling.
const CHARACTER: usize = 8;

impl<S: Source> Lexer<S> {
    /// The rest of a string.
    pub(super) fn string(&mut self, at: Position) -> Read<Value> {
        let characters = self.quoted('"', at)?;
        Ok(Value::String(Shared::new(Text {
            characters,
            literal: self.options.literal,
        })))
    }

    /// The rest of a string, or of a symbol between bars.
    pub(super) fn quoted(&mut self, end: char, at: Position) -> Read<Vec<char>> {
        let mut characters = Vec::new();
        loop {
            let here = self.source.position();
            let Some(c) = self.peek()? else {
                let what = if end == '"' { "string" } else { "symbol" };
                return Err(self.incomplete(
                    at,
                    format!("the source ends in the {what} that begins here"),
                ));
            };
            self.source.advance();
            let c = match c {
                c if c == end => return Ok(characters),
                '\\' => match self.escape(at, here)? {
                    Some(c) => c,
                    None => continue,
                },
                '\r' if end == '"' => {
                    self.passes('\n')?;
                    '\n'
                }
                c => c,
            };
            self.charge(CHARACTER)?;
            characters.push(c);
        }
    }

    /// What follows after a backslash: a character, or a line end that counts for nothing.
    fn escape(&mut self, begin: Position, at: Position) -> Read<Option<char>> {
        let ends = "the source ends after a backslash";
        let Some(c) = self.peek()? else {
            return Err(self.incomplete(begin, ends));
        };
        self.source.advance();
        if let Some((_, meant)) = ESCAPES.iter().find(|(escape, _)| *escape == c) {
            return Ok(Some(*meant));
        }
        match c {
            'x' | 'X' => {
                let mut digits = String::new();
                while let Some(c) = self.peek()?.filter(char::is_ascii_hexdigit) {
                    self.source.advance();
                    digits.push(c);
                }
                if self.peek()?.is_none() {
                    return Err(self.incomplete(begin, ends));
                }
                match scalar(&digits) {
                    Some(c) if self.passes(';')? => Ok(Some(c)),
                    _ => Err(self.wrong(at, format!("\\x{} is no character", shown(&digits)))),
                }
            }
            ' ' | '\t' | '\n' | '\r' => {
                let mut last = c;
                while matches!(last, ' ' | '\t') {
                    let Some(c) = self.peek()? else {
                        return Err(self.incomplete(begin, ends));
                    };
                    if !matches!(c, ' ' | '\t' | '\n' | '\r') {
                        return Err(self.wrong(at, "a backslash before a blank"));
                    }
                    self.source.advance();
                    last = c;
                }
                if last == '\r' {
                    self.passes('\n')?;
                }
                while self.passes(' ')? || self.passes('\t')? {}
                Ok(None)
            }
            c => Err(self.wrong(at, format!("unknown escape \\{c}"))),
        }
    }
}
