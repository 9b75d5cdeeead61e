//! Marks that programs attach to frames.
//!
//! All those of a frame are one list of pairs of key and value, which the machine keeps under one
//! key of its own. A set of marks has the lists of all frames, topmost first, and the tags of the
//! prompts between them.

use segno::frame::{Context, Continuation, Entry, Layout, PromptTag, Refusal};
use segno::snapshot::Constant;

use crate::activation::Activation;
use crate::condition::Fault;
use crate::control::MARKS;
use crate::fuel::Fuel;
use crate::round::Round;
use crate::value::{Tag, Value};
use crate::world::World;

/// Attaches a mark to the running frame.
pub(crate) fn mark(key: Value, value: Value, marked: bool, cx: &mut Context<'_, Activation>) {
    let others = of_frame(marked, cx).and_then(|marks| marks.as_list());
    let others = others.unwrap_or_default().into_iter();
    let others = others.filter(|mark| !mark.as_pair().is_some_and(|(other, _)| other.is_eq(&key)));
    let others: Vec<_> = others.collect();
    cx.world.fuel.pairs(others.len());
    let marks = Value::cons(Value::cons(key, value), Value::list(others));
    cx.set_mark(MARKS, marks);
}

/// The marks of the running frame.
pub(crate) fn of_frame(marked: bool, cx: &Context<'_, Activation>) -> Option<Value> {
    marked.then(|| cx.mark(MARKS)).flatten()
}

/// What an association list has for a key.
fn lookup(list: &Value, key: &Value, looked: &mut usize) -> Option<Value> {
    let is_it = |found: &Value, value: &Value| found.is_eq(key).then(|| value.clone());
    find(list, is_it, looked)
}

/// What comes first of all that `look` finds in the keys and values of an association list. Adds
/// to `looked` how many it has gone through.
pub(crate) fn find<T>(
    list: &Value,
    look: impl Fn(&Value, &Value) -> Option<T>,
    looked: &mut usize,
) -> Option<T> {
    let (mut list, mut round) = (list.clone(), Round::new());
    while let Value::Pair(pair) = &list {
        *looked += 1;
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

/// The marks down to the nearest prompt with a tag.
///
/// # Errors
///
/// If there is no such prompt.
pub(crate) fn here(tag: PromptTag, cx: &Context<'_, Activation>) -> Result<Vec<Value>, Box<Fault>> {
    if let Err(refusal @ Refusal::NoSuchPrompt(_)) = cx.capturable(tag) {
        return Err(Fault::new(refusal.to_string(), []));
    }
    let parts = cx.marks_by_prompt(MARKS, Some(tag)).into_iter();
    pay(cx);
    Ok(parts
        .flat_map(|(part, prompt)| part.into_iter().chain(prompt.map(tag_value)))
        .collect())
}

/// Pays for what was looked at on the stack.
pub(crate) fn pay(cx: &Context<'_, Activation>) {
    cx.world.fuel.pairs(cx.looked());
}

fn tag_value(tag: PromptTag) -> Value {
    let name = Value::False;
    Value::PromptTag(Constant::new(Tag { tag, name }))
}

/// What a program looks at that gives a set of marks, or `#f` for those that are here: the marks
/// down to the nearest prompt with a tag.
pub(crate) fn set(
    value: &Value,
    tag: PromptTag,
    cx: &Context<'_, Activation>,
) -> Result<Vec<Value>, Box<Fault>> {
    let ends = |entry: &&Value| matches!(entry, Value::PromptTag(it) if it.tag == tag);
    match value {
        Value::Marks(marks) => {
            cx.world.fuel.pairs(marks.len());
            Ok(marks.iter().take_while(|it| !ends(it)).cloned().collect())
        }
        Value::False => here(tag, cx),
        other => Err(Fault::new("expected a set of marks", [other.clone()])),
    }
}

/// The first that a set has under a key.
pub(crate) fn first(set: &[Value], key: &Value, fuel: &Fuel) -> Option<Value> {
    let mut looked = 0;
    let mut marks = set.iter();
    let found = marks.find_map(|marks| lookup(marks, key, &mut looked));
    fuel.pairs(looked);
    found
}

/// What a set has under a key, frame by frame.
pub(crate) fn list(set: &[Value], key: &Value, fuel: &Fuel) -> Value {
    let mut looked = 0;
    let found = set.iter();
    let found = found.filter_map(|marks| lookup(marks, key, &mut looked));
    let found = Value::list(found.collect::<Vec<_>>());
    fuel.pairs(looked);
    found
}

/// For each frame that has a mark under one of the keys, a vector of what it has under each.
pub(crate) fn vectors(
    set: &[Value],
    keys: &Value,
    missing: &Value,
    fuel: &Fuel,
) -> Result<Value, Box<Fault>> {
    let Some(keys) = keys.as_list() else {
        let by = "continuation-mark-set->list*";
        return Err(Fault::expected("a list", keys, by));
    };
    let mut looked = 0;
    let of_frame = |marks: &Value| {
        looked += keys.len();
        let found = keys.iter().map(|key| lookup(marks, key, &mut looked));
        let found: Vec<_> = found.collect();
        found.iter().any(Option::is_some).then(|| {
            let values = found.into_iter();
            let values = values.map(|value| value.unwrap_or_else(|| missing.clone()));
            Value::vector(values.collect())
        })
    };
    let vectors = set.iter().filter_map(of_frame).collect::<Vec<_>>();
    fuel.pairs(looked);
    Ok(Value::list(vectors))
}

/// The marks in a continuation, topmost first: down to the nearest prompt with the tag, if one is
/// given. `of` is the tag of the prompt below the continuation, if that is known.
///
/// # Errors
///
/// If there is no such prompt, or the continuation has frames that can be resumed once, and were.
pub(crate) fn of_continuation(
    captured: &Continuation<Activation>,
    of: Option<PromptTag>,
    tag: Option<PromptTag>,
    world: &World,
) -> Result<Vec<Value>, Box<Fault>> {
    let mut entries = take_apart(captured, world)?.entries;
    world.fuel.pairs(entries.len());
    if let Some(tag) = tag {
        let is_prompt =
            |entry: &Entry<_>| matches!(entry, Entry::Prompt { tag: it, .. } if *it == tag);
        match entries.iter().position(is_prompt) {
            Some(at) => entries.truncate(at),
            None if of.is_some_and(|of| of != tag) => {
                let refusal = Refusal::NoSuchPrompt(tag);
                return Err(Fault::new(refusal.to_string(), []));
            }
            None => {}
        }
    }
    Ok(entries.iter().filter_map(of_entry).collect())
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
    match entry {
        Entry::Frame { marks, .. } => {
            let found = marks.iter().find(|(key, _)| *key == MARKS);
            found.map(|(_, marks)| marks.clone())
        }
        Entry::Prompt { tag, .. } => Some(tag_value(*tag)),
        _ => None,
    }
}

/// A continuation that is applied in tail position, for a running frame with marks: its lowest
/// frame takes the place of that, and has the marks too under whose keys it has none. None where it
/// cannot have them; then those that it has others for are dropped, and the running frame stays.
pub(crate) fn merge(
    captured: &Continuation<Activation>,
    cx: &mut Context<'_, Activation>,
) -> Option<Continuation<Activation>> {
    let mut layout = take_apart(captured, cx.world).ok()?;
    // Winders that were built anew would not be known as those that they are.
    let is_winder =
        |entry: &Entry<_>| matches!(entry, Entry::Inside { .. } | Entry::Entering { .. });
    let winders = layout.entries.iter().any(is_winder);
    let entries = layout.entries.len();
    let Some(Entry::Frame { frame, marks }) = layout.entries.last_mut() else {
        return None;
    };
    let at = marks.iter().position(|(key, _)| *key == MARKS);
    let theirs = at.map_or(Value::Null, |at| marks.swap_remove(at).1);
    let ours = of_frame(true, cx).and_then(|marks| marks.as_list());
    let mut looked = entries;
    let is_ours = |mark: &Value| {
        let key = mark.as_pair().map(|(key, _)| key);
        key.is_some_and(|key| lookup(&theirs, &key, &mut looked).is_none())
    };
    let ours: Vec<_> = ours.into_iter().flatten().filter(is_ours).collect();
    cx.world.fuel.pairs(looked);
    if !winders && let Activation::Run { marked, .. } = frame {
        *marked = true;
        let all = theirs.as_list().into_iter().flatten().chain(ours);
        marks.push((MARKS, Value::list(all.collect::<Vec<_>>())));
        return cx.world.inspector.build(layout).ok();
    }
    cx.set_mark(MARKS, Value::list(ours));
    None
}
