//! Which parts of a value have labels.

use std::collections::hash_map::Entry;
use std::ptr;

use rustc_hash::FxHashMap;
use segno::snapshot::Shared;

use super::output::Output;
use crate::condition::Fault;
use crate::value::{Pair, Value};

/// The parts that have labels, by address, and their labels. They get them in the order in which
/// they are written.
#[derive(Default)]
pub(super) struct Labels {
    labels: FxHashMap<usize, Option<usize>>,
    next: usize,
}

/// The label of a part.
pub(super) enum Label {
    /// The part is to be written after the label.
    New(usize),
    /// The part was written before.
    Known(usize),
}

/// How far the search has come with a part.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// The search is in it.
    Within,
    /// The search has left it.
    Done,
}

/// What the search has still to do.
enum Task {
    Enter(Value),
    Leave(usize),
}

impl Labels {
    /// Parts that lead back to themselves: those that the search meets while it is within them.
    pub(super) fn of_cycles(value: &Value, output: &mut Output<'_>) -> Result<Self, Box<Fault>> {
        Self::search(value, output, |state| state == State::Within)
    }

    /// Parts that are met twice.
    pub(super) fn of_all_shared(
        value: &Value,
        output: &mut Output<'_>,
    ) -> Result<Self, Box<Fault>> {
        Self::search(value, output, |_| true)
    }

    /// The parts that the search meets again in a state that counts.
    fn search(
        value: &Value,
        output: &mut Output<'_>,
        counts: fn(State) -> bool,
    ) -> Result<Self, Box<Fault>> {
        const STEP: usize = size_of::<Task>() + 2 * size_of::<(usize, State)>();
        let mut labels = Self::default();
        let mut states = FxHashMap::default();
        let mut tasks = Vec::new();
        let mut taken = 0;
        tasks.push(Task::Enter(value.clone()));
        while let Some(task) = tasks.pop() {
            let value = match task {
                Task::Leave(address) => {
                    states.insert(address, State::Done);
                    continue;
                }
                Task::Enter(value) => value,
            };
            let Some(address) = address(&value) else {
                continue;
            };
            match states.entry(address) {
                Entry::Occupied(state) => {
                    if counts(*state.get()) {
                        labels.labels.insert(address, None);
                    }
                    continue;
                }
                Entry::Vacant(state) => state.insert(State::Within),
            };
            let before = tasks.len();
            tasks.push(Task::Leave(address));
            push_parts(&value, &mut tasks);
            let more = (tasks.len() - before) * STEP;
            output.take(more)?;
            taken += more;
        }
        output.free(taken);
        Ok(labels)
    }

    /// The label of a part that is about to be written.
    pub(super) fn met(&mut self, value: &Value) -> Option<Label> {
        if self.labels.is_empty() {
            return None;
        }
        let label = self.labels.get_mut(&address(value)?)?;
        Some(match label {
            Some(label) => Label::Known(*label),
            None => {
                let new = self.next;
                self.next += 1;
                *label = Some(new);
                Label::New(new)
            }
        })
    }

    /// Whether a pair has a label.
    pub(super) fn has_pair(&self, pair: &Shared<Pair>) -> bool {
        !self.labels.is_empty() && self.labels.contains_key(&pair.with(of))
    }
}

fn of<T>(part: &T) -> usize {
    ptr::from_ref(part).addr()
}

/// What tells a part from others, if it consists of others.
fn address(value: &Value) -> Option<usize> {
    match value {
        Value::Pair(pair) => Some(pair.with(of)),
        Value::Vector(vector) => Some(vector.with(of)),
        Value::Record(record) => Some(record.with(of)),
        Value::Condition(condition) => Some(of(&**condition)),
        _ => None,
    }
}

/// What a part consists of. Atoms are left out. The first comes last, so that it is met first.
fn push_parts(value: &Value, tasks: &mut Vec<Task>) {
    let enter = |tasks: &mut Vec<Task>, part: &Value| {
        if address(part).is_some() {
            tasks.push(Task::Enter(part.clone()));
        }
    };
    match value {
        Value::Pair(pair) => pair.with(|pair| {
            enter(tasks, &pair.cdr);
            enter(tasks, &pair.car);
        }),
        Value::Vector(vector) => vector.with(|vector| {
            vector
                .elements
                .iter()
                .rev()
                .for_each(|part| enter(tasks, part));
        }),
        Value::Record(record) => record.with(|record| {
            record
                .fields
                .iter()
                .rev()
                .for_each(|part| enter(tasks, part));
        }),
        Value::Condition(condition) => {
            condition
                .irritants
                .iter()
                .rev()
                .for_each(|part| enter(tasks, part));
            enter(tasks, &condition.message);
        }
        _ => {}
    }
}
