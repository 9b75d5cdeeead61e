//! Numbers that are given once.

use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;
use std::vec::Vec;

/// What is numbered in the order in which it is met, by keys.
///
/// A table goes on where another has ended, and leaves that as it is. Where many have been put
/// on top of each other they are few: one that has no more in it than the next is merged with
/// that, so that looking something up takes the logarithm of all that was put on.
pub(super) struct Table<K, T = K> {
    below: Option<Rc<Self>>,
    /// How many things are below.
    first: u32,
    list: Vec<T>,
    numbers: HashMap<K, u32>,
}

impl<K, T> Default for Table<K, T> {
    fn default() -> Self {
        Self {
            below: None,
            first: 0,
            list: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<K: Clone + Eq + Hash, T: Clone> Table<K, T> {
    /// One that goes on where `below` ends.
    pub(super) fn over(below: &Rc<Self>) -> Self {
        Self {
            first: below.len(),
            below: Some(below.clone()),
            ..Self::default()
        }
    }

    /// One that begins after so many that nobody can ask for.
    pub(super) fn after(count: u32) -> Self {
        Self {
            first: count,
            ..Self::default()
        }
    }

    /// The number of what has this key, if it has one.
    #[inline]
    pub(super) fn get(&self, key: &K) -> Option<u32> {
        let mut table = self;
        loop {
            if let Some(number) = table.numbers.get(key) {
                return Some(*number);
            }
            table = table.below.as_deref()?;
        }
    }

    /// The number of what has this key.
    pub(super) fn number(&mut self, key: K, what: impl FnOnce() -> T) -> u32 {
        match self.get(&key) {
            Some(number) => number,
            None => self.push(key, what()),
        }
    }

    /// Gives something the next number.
    pub(super) fn push(&mut self, key: K, what: T) -> u32 {
        let number = self.len();
        self.list.push(what);
        self.numbers.insert(key, number);
        number
    }

    /// Gives a number to what nobody can ask for.
    pub(super) fn skip(&mut self, what: T) {
        self.list.push(what);
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        self.first + self.list.len() as u32
    }

    /// What was numbered here, and not below.
    pub(super) fn list(&self) -> &[T] {
        &self.list
    }

    /// What has this number.
    pub(super) fn at(&self, number: u32) -> Option<&T> {
        let mut table = self;
        while number < table.first {
            table = table.below.as_deref()?;
        }
        table.list.get((number - table.first) as usize)
    }

    /// Forgets all but so many, and no less than what is below.
    pub(super) fn truncate(&mut self, len: u32) -> Vec<T> {
        self.numbers.retain(|_, number| *number < len);
        let left = len.saturating_sub(self.first) as usize;
        self.list.split_off(left.min(self.list.len()))
    }

    /// Ends here, for others to go on.
    pub(super) fn end(mut self) -> Rc<Self> {
        // Those that have nothing in them would never be merged.
        if let Some(below) = self.below.take_if(|_| self.list.is_empty()) {
            return below;
        }
        while let Some(below) = self.below.take_if(|it| it.list.len() < 2 * self.list.len()) {
            let numbers = below
                .numbers
                .iter()
                .map(|(key, number)| (key.clone(), *number));
            self.numbers.extend(numbers);
            self.list.splice(..0, below.list.iter().cloned());
            self.first = below.first;
            self.below = below.below.clone();
        }
        Rc::new(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Many small tables on top of each other are as one.
    #[test]
    fn one_on_top_of_the_other() {
        let mut base = Rc::new(Table::<u32, u32>::default());
        for round in 0..1000 {
            let mut table = Table::over(&base);
            for key in [2 * round, 2 * round + 1, round / 2] {
                table.number(key, || key);
            }
            let other = table.push(1_000_000, 0);
            assert_eq!(table.truncate(other), [0]);
            assert_eq!(table.get(&1_000_000), None);
            base = table.end();
        }
        // And those with nothing in them are none.
        for _ in 0..1000 {
            base = Table::over(&base).end();
        }
        assert_eq!(base.len(), 2000);
        let mut layers = 1;
        let mut table = &base;
        while let Some(below) = &table.below {
            layers += 1;
            table = below;
        }
        assert!(layers <= 11, "{layers}");
        for key in 0..2000 {
            assert_eq!(base.get(&key), Some(key));
            assert_eq!(base.at(key), Some(&key));
        }
        assert_eq!(base.at(2000), None);
    }
}
