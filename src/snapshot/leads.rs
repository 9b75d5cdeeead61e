//! Whether constants lead back to themselves.
//!
//! A value that is shared can be taken out again where nobody wants what was loaded, and so
//! whatever leads back to itself through one comes to an end. Of a constant it cannot, and no
//! program makes constants that lead back to themselves by themselves or through continuations.
//! So a snapshot in which they do is refused before any of them has its value.

use std::collections::HashMap;
use std::mem;
use std::ops::Range;
use std::vec::Vec;

use super::error::LoadError;
use super::object::Later;
use super::session;
use super::source::known;

/// What is decoded only once, and cannot be taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    /// A constant, by its number.
    Constant(u32),
    Part(u32),
}

/// Which of them leads to which, as they are decoded.
#[derive(Default)]
pub(super) struct Leads {
    /// What is being decoded, if it is one of them.
    from: Option<Node>,
    /// From which to which. Those from one follow each other.
    all: Vec<(Node, Node)>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ahead,
    Entered,
    Left,
}

enum Visit {
    Enter(Node),
    Leave(Node),
}

/// Notes what is decoded from now on as what this leads to, if it is anything.
#[inline]
pub(super) fn begin(from: Option<Node>) -> Result<(), LoadError> {
    known(session::loading(|loading| {
        loading.leads.begin(from);
        Ok(())
    }))
}

/// Gives constants the values that were decoded, unless one leads back to itself. `parts_of`
/// visits the parts that one consists of; what is in their values was noted.
pub(super) fn settle(
    constants: Vec<Later>,
    parts_of: impl FnMut(u32, &mut dyn FnMut(u32)),
) -> Result<(), LoadError> {
    let leads = known(session::loading(|loading| {
        Ok(mem::take(&mut loading.leads))
    }))?;
    if !constants.is_empty() && leads.are_circular(parts_of) {
        return Err(LoadError::Invalid("a constant leads back to itself"));
    }
    constants.into_iter().for_each(|settle| settle());
    Ok(())
}

impl Leads {
    /// Notes what is decoded from now on as what this leads to.
    #[inline]
    pub(super) fn begin(&mut self, from: Option<Node>) {
        self.from = from;
    }

    /// Notes that what is being decoded leads to this.
    #[inline]
    pub(super) fn note(&mut self, to: Node) {
        if let Some(from) = self.from {
            self.all.push((from, to));
        }
    }

    /// Whether a constant leads back to itself.
    fn are_circular(self, mut parts_of: impl FnMut(u32, &mut dyn FnMut(u32))) -> bool {
        let all = self.all;
        let mut nodes: HashMap<Node, (Range<usize>, State)> = HashMap::new();
        for (index, (from, _)) in all.iter().enumerate() {
            let (leads, _) = nodes.entry(*from).or_insert((index..index, State::Ahead));
            leads.end = index + 1;
        }
        let mut visits = Vec::new();
        for &(from, _) in &all {
            // A part leads back to itself through a constant only.
            if let Node::Constant(_) = from {
                visits.push(Visit::Enter(from));
            }
            while let Some(visit) = visits.pop() {
                let (Visit::Enter(node) | Visit::Leave(node)) = visit;
                let found = match node {
                    // One that leads nowhere.
                    Node::Constant(_) if !nodes.contains_key(&node) => continue,
                    _ => nodes.entry(node).or_default(),
                };
                match (visit, found.1) {
                    (Visit::Leave(_), _) => found.1 = State::Left,
                    (Visit::Enter(_), State::Left) => {}
                    (Visit::Enter(_), State::Entered) => return true,
                    (Visit::Enter(_), State::Ahead) => {
                        found.1 = State::Entered;
                        visits.push(Visit::Leave(node));
                        let leads = all[found.0.clone()].iter();
                        visits.extend(leads.map(|(_, to)| Visit::Enter(*to)));
                        if let Node::Part(number) = node {
                            parts_of(number, &mut |it| visits.push(Visit::Enter(Node::Part(it))));
                        }
                    }
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_circular(all: &[(Node, Node)], parts_of: impl FnMut(u32, &mut dyn FnMut(u32))) -> bool {
        let mut leads = Leads::default();
        for (from, to) in all {
            leads.begin(Some(*from));
            leads.note(*to);
        }
        leads.are_circular(parts_of)
    }

    #[test]
    fn who_leads_back_is_found() {
        use Node::{Constant as C, Part as P};
        let none = |_, _: &mut dyn FnMut(u32)| {};
        assert!(!are_circular(&[], none));
        assert!(are_circular(&[(C(0), C(0))], none));
        assert!(are_circular(
            &[(C(0), C(1)), (C(1), C(2)), (C(2), C(1))],
            none
        ));
        // By two ways to the same.
        let diamond = [
            (C(0), C(1)),
            (C(0), C(2)),
            (C(1), C(3)),
            (C(2), C(3)),
            (C(3), C(4)),
        ];
        assert!(!are_circular(&diamond, none));
        // Through a part, and what it consists of.
        let through = [(P(1), C(0)), (C(0), P(3))];
        assert!(!are_circular(&through, none));
        let below = |part: u32, visit: &mut dyn FnMut(u32)| (0..part).for_each(visit);
        assert!(are_circular(&through, below));
        assert!(!are_circular(&[(P(3), C(0)), (C(0), P(1))], below));
    }

    #[test]
    fn a_long_way() {
        let all: Vec<_> = (0..1_000_000u32)
            .map(|n| (Node::Constant(n), Node::Constant(n + 1)))
            .collect();
        assert!(!are_circular(&all, |_, _| {}));
        let back = (Node::Constant(1_000_000), Node::Constant(7));
        assert!(are_circular(&[all, vec![back]].concat(), |_, _| {}));
    }
}
