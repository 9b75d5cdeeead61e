//! Where in a source the pairs of a program were read.

use std::ptr;
use std::rc::Rc;

use rustc_hash::FxHashMap;
use segno::snapshot::Shared;

use crate::value::{Pair, Place, Value};

/// The places of the pairs of one source. The first pair of a list is where its parenthesis is;
/// each of the others, where its first half is.
pub struct Places {
    source: Rc<str>,
    /// By address. A pair that is kept here keeps its address to itself.
    pairs: FxHashMap<usize, (Shared<Pair>, u32, u32)>,
}

impl Places {
    /// No places as yet, of the source of this name.
    #[must_use]
    pub fn new(source: &str) -> Self {
        Self {
            source: source.into(),
            pairs: FxHashMap::default(),
        }
    }

    /// The name of the source.
    #[must_use]
    pub fn source(&self) -> &Rc<str> {
        &self.source
    }

    /// Notes where a pair was read. Of what is no pair, nothing is noted.
    pub fn note(&mut self, pair: &Value, line: u32, column: u32) {
        if let Value::Pair(pair) = pair {
            let noted = (pair.clone(), line, column);
            self.pairs.insert(address(pair), noted);
        }
    }

    /// Where a pair was read, if it was.
    #[must_use]
    pub fn of(&self, pair: &Value) -> Option<Place> {
        let Value::Pair(pair) = pair else {
            return None;
        };
        let (_, line, column) = self.pairs.get(&address(pair))?;
        Some(Place {
            source: self.source.clone(),
            line: *line,
            column: *column,
        })
    }
}

fn address(pair: &Shared<Pair>) -> usize {
    pair.with(|pair| ptr::from_ref(pair).addr())
}
