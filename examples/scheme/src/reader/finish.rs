//! Lists and vectors at their end, and those that labels stand for at their beginning.

use segno::snapshot::Shared;

use super::{Kind, Position, ReadError, Reader, Source, Tail};
use crate::places::Places;
use crate::value::{Bytes, Pair, Value, Vector};

/// A pair, which may have been made before.
pub(super) fn pair(made: Option<Shared<Pair>>, car: Value, cdr: Value) -> Value {
    match made {
        None => Value::cons(car, cdr),
        Some(pair) => {
            pair.set(Pair { car, cdr });
            Value::Pair(pair)
        }
    }
}

impl<S: Source> Reader<S> {
    /// The first pair of the list that begins here, if a label stands for it.
    pub(super) fn labelled_pair(&mut self) -> Option<Shared<Pair>> {
        self.is_labelled().then(|| {
            let pair = Shared::new(Pair {
                car: Value::Null,
                cdr: Value::Null,
            });
            self.stand_for(&Value::Pair(pair.clone()));
            pair
        })
    }

    /// The vector that begins here, if a label stands for it.
    pub(super) fn labelled_vector(&mut self) -> Option<Shared<Vector>> {
        self.is_labelled().then(|| {
            let vector = Shared::new(Vector {
                elements: Vec::new(),
                literal: false,
            });
            self.stand_for(&Value::Vector(vector.clone()));
            vector
        })
    }

    fn is_labelled(&self) -> bool {
        let last = self.stack.last().map(|frame| &frame.kind);
        matches!(last, Some(Kind::Label(_)))
    }

    /// The labels right before it stand for this.
    fn stand_for(&mut self, value: &Value) {
        for frame in self.stack.iter().rev() {
            let Kind::Label(label) = frame.kind else {
                break;
            };
            self.labels.insert(label, Some(value.clone()));
        }
    }

    /// What ends with a parenthesis, and where it begins.
    pub(super) fn close(
        &mut self,
        at: Position,
        places: &mut Option<&mut Places>,
    ) -> Result<(Value, Position), ReadError> {
        let literal = self.lexer.options.literal;
        let Some(frame) = self.stack.pop() else {
            return Err(self.lexer.wrong(at, "unexpected `)`"));
        };
        let datum = match frame.kind {
            Kind::List { start, first, tail } => {
                let rest = match tail {
                    Tail::None => Value::Null,
                    Tail::Datum(rest) => rest,
                    Tail::Dot => return Err(self.lexer.wrong(at, "expected a datum after `.`")),
                };
                self.list(start, first, rest, frame.at, places)
            }
            Kind::Vector { start, made } => {
                let elements = self.values.drain(start..).map(|(value, _)| value);
                let vector = Vector {
                    elements: elements.collect(),
                    literal,
                };
                Value::Vector(match made {
                    None => Shared::new(vector),
                    Some(made) => {
                        made.set(vector);
                        made
                    }
                })
            }
            Kind::Bytes(bytes) => Value::Bytes(Shared::new(Bytes { bytes, literal })),
            Kind::Abbreviation { .. } | Kind::Label(_) | Kind::Comment => {
                return Err(self.lexer.wrong(at, "expected a datum before `)`"));
            }
        };
        Ok((datum, frame.at))
    }

    /// A list of the values from `start` on.
    fn list(
        &mut self,
        start: usize,
        mut first: Option<Shared<Pair>>,
        mut rest: Value,
        at: Position,
        places: &mut Option<&mut Places>,
    ) -> Value {
        while self.values.len() > start
            && let Some((car, mut place)) = self.values.pop()
        {
            let is_first = self.values.len() == start;
            let made = if is_first { first.take() } else { None };
            if is_first {
                place = at;
            }
            rest = pair(made, car, rest);
            if let Some(places) = places {
                places.note(&rest, place.line, place.column);
            }
        }
        rest
    }
}
