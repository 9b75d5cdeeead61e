//! Walks along lists, which may be improper or lead back to themselves.

use segno::snapshot::Shared;

use crate::condition::Fault;
use crate::value::{Pair, Value};

/// The pairs of a list. Of a list that leads back to itself, some come several times.
pub(super) struct Walk {
    /// What is left.
    pub(super) rest: Value,
    /// A pair that was passed, the number of steps since, and when to take another one.
    mark: Option<Shared<Pair>>,
    since: usize,
    limit: usize,
    /// How many pairs lead back to themselves, once the walk has found out.
    pub(super) circle: Option<usize>,
}

impl Walk {
    pub(super) fn new(list: &Value) -> Self {
        Self {
            rest: list.clone(),
            mark: None,
            since: 0,
            limit: 1,
            circle: None,
        }
    }

    /// How many pairs were passed.
    pub(super) fn passed(&self) -> usize {
        self.limit - 1 + self.since
    }

    /// The end of the walk, which has to be that of a list.
    pub(super) fn finish(self, list: &Value, by: &str) -> Result<(), Box<Fault>> {
        match (self.circle, self.rest) {
            (None, Value::Null) => Ok(()),
            (Some(_), _) => Err(Fault::expected("a list that ends", list, by)),
            _ => Err(Fault::expected("a list", list, by)),
        }
    }
}

impl Iterator for Walk {
    type Item = Shared<Pair>;

    /// The mark is put down again after twice as many steps as before. So it lies in the circle
    /// some time, if there is one, and long enough for the walk to come round.
    fn next(&mut self) -> Option<Self::Item> {
        if self.circle.is_some() {
            return None;
        }
        let Value::Pair(pair) = &self.rest else {
            return None;
        };
        let pair = pair.clone();
        self.rest = pair.with(|pair| pair.cdr.clone());
        self.since += 1;
        if let (Value::Pair(next), Some(mark)) = (&self.rest, &self.mark)
            && next.same(mark)
        {
            self.circle = Some(self.since);
        } else if self.since == self.limit {
            if let Value::Pair(next) = &self.rest {
                self.mark = Some(next.clone());
            }
            self.limit *= 2;
            self.since = 0;
        }
        Some(pair)
    }
}
