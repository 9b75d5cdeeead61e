//! Whether constants lead back to themselves.
//!
//! A value that is shared can be taken out again where nobody wants what was loaded, so that
//! nothing is left of what leads back to itself through one. A constant's cannot. No program
//! makes constants that lead back to themselves by themselves or through continuations; a
//! snapshot in which they do is refused before any of them has its value.

use std::mem;
use std::vec;
use std::vec::Vec;

use super::error::LoadError;
use super::object::Later;
use super::session;
use super::source::known;

/// What nothing can be taken out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A constant, by its place among all objects in the order in which they were met.
    Constant(u32),
    /// A part, by its number.
    Part(u32),
}

/// Which of them leads to which, as they are decoded.
#[derive(Default)]
pub(super) struct Leads {
    /// The objects that were met before this one have their values, and lead to no later ones.
    settled: u32,
    /// What is being decoded, if it is one of them.
    from: Option<Node>,
    /// Those that lead anywhere, with where in `to` that begins.
    leading: Vec<(Node, usize)>,
    to: Vec<Node>,
}

/// The parts that may lead to what is decoded.
pub(super) trait Parts {
    fn count(&self) -> usize;
    /// Visits those that one of them consists of. What is in values was noted.
    fn parts_of(&mut self, number: u32, visit: &mut dyn FnMut(u32));
}

/// None do.
pub(super) struct NoParts;

impl Parts for NoParts {
    fn count(&self) -> usize {
        0
    }

    fn parts_of(&mut self, _: u32, _: &mut dyn FnMut(u32)) {}
}

/// Notes what is decoded from now on as what this leads to, if it is anything.
#[inline]
pub(super) fn begin(from: Option<Node>) -> Result<(), LoadError> {
    known(session::loading(|loading| {
        loading.leads.begin(from);
        Ok(())
    }))
}

/// Gives constants the values that were decoded, unless one leads back to itself.
pub(super) fn settle(constants: Vec<Later>, parts: impl Parts) -> Result<(), LoadError> {
    let (leads, met) = known(session::loading(|loading| {
        let met = loading.mark() as u32;
        Ok((mem::replace(&mut loading.leads, Leads::after(met)), met))
    }))?;
    if !constants.is_empty() && leads.are_circular(met, parts) {
        return Err(LoadError::Invalid("a constant leads back to itself"));
    }
    constants.into_iter().for_each(|settle| settle());
    Ok(())
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ahead,
    Entered,
    Left,
}

enum Visit {
    Enter(usize),
    Leave(usize),
}

impl Leads {
    /// What is noted after so many objects have their values.
    fn after(settled: u32) -> Self {
        Self {
            settled,
            ..Self::default()
        }
    }

    /// Forgets what was noted, and all objects but so many.
    pub(super) fn forget_since(&mut self, met: u32) {
        *self = Self::after(self.settled.min(met));
    }

    #[inline]
    pub(super) fn begin(&mut self, from: Option<Node>) {
        self.from = from;
    }

    /// Notes that what is being decoded leads to this.
    #[inline]
    pub(super) fn note(&mut self, to: Node) {
        if let Some(from) = self.from {
            if self.leading.last().is_none_or(|(last, _)| *last != from) {
                self.leading.push((from, self.to.len()));
            }
            self.to.push(to);
        }
    }

    /// Whether a constant leads back to itself, where so many objects were met.
    fn are_circular(&self, met: u32, mut parts: impl Parts) -> bool {
        let constants = met.saturating_sub(self.settled) as usize;
        let count = constants + parts.count();
        // Constants come first. Others lead to nothing that is decoded here.
        let index = |node| match node {
            Node::Constant(at) => at.checked_sub(self.settled).map(|at| at as usize),
            Node::Part(number) => Some(constants + number as usize).filter(|it| *it < count),
        };
        // Of each its state, and where it is in `leading`, counted from one.
        let mut nodes = vec![(State::Ahead, 0u32); count];
        for (at, (node, _)) in (1..).zip(&self.leading) {
            if let Some(node) = index(*node) {
                nodes[node].1 = at;
            }
        }
        let mut visits = Vec::new();
        // Where parts lead back to themselves, that is through a constant.
        for start in 0..constants {
            visits.push(Visit::Enter(start));
            while let Some(visit) = visits.pop() {
                let (Visit::Enter(node) | Visit::Leave(node)) = visit;
                let (state, at) = nodes[node];
                match (visit, state) {
                    (Visit::Leave(_), _) => nodes[node].0 = State::Left,
                    (Visit::Enter(_), State::Left) => {}
                    (Visit::Enter(_), State::Entered) => return true,
                    (Visit::Enter(_), State::Ahead) => {
                        nodes[node].0 = State::Entered;
                        visits.push(Visit::Leave(node));
                        let to = self.of(at).iter().filter_map(|to| index(*to));
                        visits.extend(to.map(Visit::Enter));
                        if let Some(number) = node.checked_sub(constants) {
                            parts.parts_of(number as u32, &mut |to| {
                                visits.push(Visit::Enter(constants + to as usize));
                            });
                        }
                    }
                }
            }
        }
        false
    }

    /// What the one at this place in `leading` leads to.
    fn of(&self, at: u32) -> &[Node] {
        let at = at as usize;
        let Some((_, start)) = at.checked_sub(1).and_then(|at| self.leading.get(at)) else {
            return &[];
        };
        let end = self.leading.get(at).map_or(self.to.len(), |(_, end)| *end);
        &self.to[*start..end]
    }
}

#[cfg(test)]
mod tests {
    use Node::{Constant as C, Part as P};

    use super::*;

    /// As many, of which each consists of all before it.
    struct Below(usize);

    impl Parts for Below {
        fn count(&self) -> usize {
            self.0
        }

        fn parts_of(&mut self, number: u32, visit: &mut dyn FnMut(u32)) {
            (0..number).for_each(visit);
        }
    }

    fn are_circular(all: &[(Node, Node)], settled: u32, met: u32, parts: impl Parts) -> bool {
        let mut leads = Leads::after(settled);
        for (from, to) in all {
            leads.begin(Some(*from));
            leads.note(*to);
        }
        leads.begin(None);
        leads.note(C(settled));
        leads.are_circular(met, parts)
    }

    #[test]
    fn who_leads_back_is_found() {
        let alone = |all: &[_]| are_circular(all, 0, 5, NoParts);
        assert!(!alone(&[]));
        assert!(alone(&[(C(0), C(0))]));
        assert!(alone(&[(C(0), C(1)), (C(1), C(2)), (C(2), C(1))]));
        // By two ways to the same.
        let ways = [(C(0), C(1)), (C(0), C(2)), (C(1), C(3)), (C(2), C(3))];
        assert!(!alone(&ways));
        assert!(alone(&[&ways[..], &[(C(3), C(4)), (C(4), C(0))]].concat()));
        // To what was there before.
        let back = [(C(7), C(3)), (C(8), C(7)), (C(8), P(2))];
        assert!(!are_circular(&back, 7, 9, NoParts));
        // Through a part, and what it consists of.
        let through = [(P(1), C(0)), (C(0), P(3))];
        assert!(are_circular(&through, 0, 1, Below(4)));
        assert!(!are_circular(&[(P(3), C(0)), (C(0), P(1))], 0, 1, Below(4)));
    }

    #[test]
    fn a_long_way() {
        let last = 999_999;
        let mut all: Vec<_> = (0..last).map(|n| (C(n), C(n + 1))).collect();
        assert!(!are_circular(&all, 0, last + 1, NoParts));
        all.push((C(last), C(7)));
        assert!(are_circular(&all, 0, last + 1, NoParts));
    }
}
