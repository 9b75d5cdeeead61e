//! Data: forms that are taken as they are.

use std::collections::{HashMap, HashSet};
use std::ptr;

use segno::snapshot::{Object, Shared};

use crate::round::Round;
use crate::symbol::Symbol;
use crate::value::{Value, Vector};

/// Where a value is, while it is kept.
pub(super) fn address<T: Object>(shared: &Shared<T>) -> usize {
    shared.with(|value| ptr::from_ref(value).addr())
}

/// Whether it is a symbol or an alias.
pub(super) fn is_identifier(form: &Value) -> bool {
    matches!(form, Value::Symbol(_) | Value::Alias(_))
}

/// The symbol that an identifier is spelled as.
pub(crate) fn spelling(identifier: &Value) -> Symbol {
    let (mut identifier, mut round) = (identifier.clone(), Round::new());
    loop {
        identifier = match identifier {
            Value::Symbol(symbol) => return symbol,
            Value::Alias(alias) if !round.closes(alias.address()) => {
                alias.with(|alias| alias.of.clone())
            }
            _ => return Symbol::new(""),
        }
    }
}

/// The items of a list and what follows them, which is `()` in a proper list; none if the list
/// leads back to itself.
pub(super) fn split(form: &Value) -> Option<(Vec<Value>, Value)> {
    let (mut items, mut rest) = (Vec::new(), form.clone());
    let mut tortoise = form.clone();
    while let Some((car, cdr)) = rest.as_pair() {
        items.push(car);
        rest = cdr;
        if items.len() % 2 == 0 {
            tortoise = tortoise.as_pair().map_or(Value::Null, |(_, cdr)| cdr);
            if matches!(rest, Value::Pair(_)) && rest.is_eq(&tortoise) {
                return None;
            }
        }
    }
    Some((items, rest))
}

/// The parts of a pair or a vector; none of anything else.
fn parts(form: &Value) -> Option<(usize, Vec<Value>)> {
    match form {
        Value::Pair(pair) => {
            let parts = pair.with(|pair| vec![pair.cdr.clone(), pair.car.clone()]);
            Some((address(pair), parts))
        }
        Value::Vector(vector) => {
            let parts = vector.with(|vector| vector.elements.clone());
            Some((address(vector), parts))
        }
        _ => None,
    }
}

/// Calls `visit` for all that a form consists of, once each. The form may be of any depth, and
/// lead back to itself.
pub(super) fn walk(form: &Value, mut visit: impl FnMut(&Value)) {
    let mut seen = HashSet::new();
    let mut waiting = vec![form.clone()];
    while let Some(form) = waiting.pop() {
        if let Some((address, parts)) = parts(&form) {
            if !seen.insert(address) {
                continue;
            }
            waiting.extend(parts);
        }
        visit(&form);
    }
}

/// A form with all aliases replaced by what they are spelled as. It is the same form if there
/// are none.
pub(super) fn strip(form: &Value) -> Value {
    match form {
        Value::Pair(_) | Value::Vector(_) => {}
        Value::Alias(_) => return Value::Symbol(spelling(form)),
        _ => return form.clone(),
    }
    let mut renamed = false;
    walk(form, |part| renamed |= matches!(part, Value::Alias(_)));
    if renamed { copy(form) } else { form.clone() }
}

/// Copies pairs and vectors first, and then what is in them, so that those that lead back to
/// themselves do so in the copy.
fn copy(form: &Value) -> Value {
    let mut copies: HashMap<usize, Value> = HashMap::new();
    let mut waiting = Vec::new();
    let mut copy = |part: &Value, waiting: &mut Vec<(Value, Value)>| match part {
        Value::Alias(_) => Value::Symbol(spelling(part)),
        Value::Pair(pair) => {
            let entry = copies.entry(address(pair)).or_insert_with(|| {
                let copy = Value::cons(Value::Null, Value::Null);
                waiting.push((part.clone(), copy.clone()));
                copy
            });
            entry.clone()
        }
        Value::Vector(vector) => {
            let entry = copies.entry(address(vector)).or_insert_with(|| {
                let literal = vector.with(|vector| vector.literal);
                let copy = Value::Vector(Shared::new(Vector {
                    elements: Vec::new(),
                    literal,
                }));
                waiting.push((part.clone(), copy.clone()));
                copy
            });
            entry.clone()
        }
        other => other.clone(),
    };
    let result = copy(form, &mut waiting);
    while let Some((from, to)) = waiting.pop() {
        match (&from, &to) {
            (Value::Pair(from), Value::Pair(to)) => {
                let (car, cdr) = from.with(|pair| (pair.car.clone(), pair.cdr.clone()));
                let (car, cdr) = (copy(&car, &mut waiting), copy(&cdr, &mut waiting));
                to.update(|pair| (pair.car, pair.cdr) = (car, cdr));
            }
            (Value::Vector(from), Value::Vector(to)) => {
                let elements = from.with(|vector| vector.elements.clone());
                let elements = elements.iter().map(|part| copy(part, &mut waiting));
                let elements = elements.collect();
                to.update(|vector| vector.elements = elements);
            }
            _ => {}
        }
    }
    result
}
