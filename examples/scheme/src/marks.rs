//! Marks that programs attach to frames.
//!
//! All those of a frame are one list of pairs of key and value, which the machine keeps under one
//! key of its own.

use segno::frame::{Context, Continuation, Entry, Layout};

use crate::activation::Activation;
use crate::condition::Fault;
use crate::control::MARKS;
use crate::round::Round;
use crate::value::Value;
use crate::world::World;

/// Attaches a mark to the running frame.
pub(crate) fn mark(key: Value, value: Value, marked: bool, cx: &mut Context<'_, Activation>) {
    let others = of_frame(marked, cx).and_then(|marks| marks.as_list());
    let others = others.unwrap_or_default().into_iter();
    let others = others.filter(|mark| !mark.as_pair().is_some_and(|(other, _)| other.is_eq(&key)));
    let others: Vec<_> = others.collect();
    let marks = Value::cons(Value::cons(key, value), Value::list(others));
    cx.set_mark(MARKS, marks);
}

/// The marks of the running frame.
pub(crate) fn of_frame(marked: bool, cx: &Context<'_, Activation>) -> Option<Value> {
    marked.then(|| cx.mark(MARKS)).flatten()
}

/// What an association list has for a key.
pub(crate) fn lookup(list: &Value, key: &Value) -> Option<Value> {
    find(list, |found, value| found.is_eq(key).then(|| value.clone()))
}

/// What comes first of all that `look` finds in the keys and values of an association list.
pub(crate) fn find<T>(list: &Value, look: impl Fn(&Value, &Value) -> Option<T>) -> Option<T> {
    let (mut list, mut round) = (list.clone(), Round::new());
    while let Value::Pair(pair) = &list {
        if round.closes(pair.address()) {
            return None;
        }
        let (binding, rest) = pair.with(|pair| (pair.car.clone(), pair.cdr.clone()));
        if let Value::Pair(binding) = binding
            && let Some(found) = binding.with(|binding| look(&binding.car, &binding.cdr))
        {
            return Some(found);
        }
        list = rest;
    }
    None
}

/// The marks in a continuation, topmost first.
///
/// # Errors
///
/// If it has frames that can be resumed once, and were.
pub(crate) fn of_continuation(
    captured: &Continuation<Activation>,
    world: &World,
) -> Result<Vec<Value>, Box<Fault>> {
    let layout = take_apart(captured, world)?;
    Ok(layout.entries.iter().filter_map(of_entry).collect())
}

fn take_apart(
    captured: &Continuation<Activation>,
    world: &World,
) -> Result<Layout<Activation>, Box<Fault>> {
    let continuation = captured.clone();
    let layout = world.inspector.take_apart(continuation);
    layout.map_err(|refusal| Fault::new(refusal.to_string(), []))
}

fn of_entry(entry: &Entry<Activation>) -> Option<Value> {
    let Entry::Frame { marks, .. } = entry else {
        return None;
    };
    let found = marks.iter().find(|(key, _)| *key == MARKS);
    found.map(|(_, marks)| marks.clone())
}

/// Drops marks of the running frame where the lowest frame of a continuation has others under the
/// same keys. The two are one frame where the continuation is applied in tail position.
pub(crate) fn give_way(captured: &Continuation<Activation>, cx: &mut Context<'_, Activation>) {
    let Ok(layout) = take_apart(captured, cx.world) else {
        return;
    };
    let Some(theirs) = layout.entries.last().and_then(of_entry) else {
        return;
    };
    let marks = of_frame(true, cx).and_then(|marks| marks.as_list());
    let is_ours = |mark: &Value| {
        let key = mark.as_pair().map(|(key, _)| key);
        key.is_some_and(|key| lookup(&theirs, &key).is_none())
    };
    let ours: Vec<_> = marks.into_iter().flatten().filter(is_ours).collect();
    cx.set_mark(MARKS, Value::list(ours));
}
