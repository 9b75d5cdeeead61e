//! Which form of a program is which of another version.

use segno::snapshot::Constant;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::path::{self, Key};
use crate::code::Code;

/// Larger programs are not aligned: after what they have in common at the beginning, each form is
/// the one at the same distance from the end.
const MOST: usize = 100_000;

/// Where the forms of one version are in another.
pub(super) struct Alignment(Vec<DiffOp>);

/// Where a form is in another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Now {
    /// It is this one, changed or not.
    At(usize),
    /// It is gone, and would be before this one.
    Before(usize),
}

impl Alignment {
    pub(super) fn of(old: &[Constant<Code>], new: &[Constant<Code>]) -> Self {
        let keys = |forms: &[Constant<Code>]| -> Vec<Key> {
            forms.iter().map(|form| path::key(form)).collect()
        };
        let (old, new) = (keys(old), keys(new));
        Self(match old.len().max(new.len()) <= MOST {
            true => capture_diff_slices(Algorithm::Patience, &old, &new),
            false => ends(&old, &new),
        })
    }

    pub(super) fn operations(&self) -> &[DiffOp] {
        &self.0
    }

    pub(super) fn now(&self, index: usize) -> Now {
        for operation in &self.0 {
            let (old, new) = (operation.old_range(), operation.new_range());
            if old.contains(&index) {
                let at = new.start + (index - old.start);
                return match at < new.end {
                    true => Now::At(at),
                    false => Now::Before(new.end),
                };
            }
        }
        let end = self.0.last().map_or(0, |last| last.new_range().end);
        Now::Before(end)
    }

    /// The forms of the other version that are none of this one, up to one of them.
    pub(super) fn added(&self, end: usize) -> Vec<usize> {
        let mut added = Vec::new();
        for operation in &self.0 {
            let (old, new) = (operation.old_range(), operation.new_range());
            if !matches!(operation, DiffOp::Equal { .. }) {
                added.extend((new.start + old.len()).min(new.end)..new.end);
            }
        }
        added.retain(|at| *at < end);
        added
    }
}

fn ends(old: &[Key], new: &[Key]) -> Vec<DiffOp> {
    let pairs = old.iter().zip(new);
    let first = pairs.take_while(|(old, new)| old == new).count();
    let (rest, rest_now) = (&old[first..], &new[first..]);
    let pairs = rest.iter().rev().zip(rest_now.iter().rev());
    let last = pairs.take_while(|(old, new)| old == new).count();
    let (old_len, new_len) = (rest.len() - last, rest_now.len() - last);
    let same = |old_index, new_index, len| DiffOp::Equal {
        old_index,
        new_index,
        len,
    };
    let changed = DiffOp::Replace {
        old_index: first,
        old_len,
        new_index: first,
        new_len,
    };
    vec![
        same(0, 0, first),
        changed,
        same(first + old_len, first + new_len, last),
    ]
}
