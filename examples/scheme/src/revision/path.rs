//! The procedures of a form: what each is called, and what its code names.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use segno::snapshot::{Constant, Shared};

use crate::code::{Code, Node, Procedure};
use crate::environment::Global;
use crate::symbol::Symbol;
use crate::value::Place;

/// What code names outside of itself.
pub(super) enum Named {
    Nothing,
    /// The value of a variable of the program.
    Global(u32),
    /// A procedure of the same form.
    Procedure(u32),
}

pub(super) fn named(node: &Node) -> Named {
    match *node {
        Node::Global(global) => Named::Global(global),
        Node::Closure { procedure, .. }
        | Node::Known { procedure, .. }
        | Node::KnownWait { procedure, .. } => Named::Procedure(procedure),
        // All that they consist of are nodes of their own.
        Node::Constant(_)
        | Node::Local(_)
        | Node::Outer(_)
        | Node::Boxed(_)
        | Node::One { .. }
        | Node::Two { .. }
        | Node::Primitive { .. }
        | Node::SetBoxed { .. }
        | Node::SetGlobal { .. }
        | Node::If { .. }
        | Node::IfWait { .. }
        | Node::Begin(_)
        | Node::Let { .. }
        | Node::LetWait { .. }
        | Node::Boxes { .. }
        | Node::Call { .. }
        | Node::CallCc(_)
        | Node::CallWait { .. }
        | Node::CallAllWait(_)
        | Node::PrimitiveWait { .. }
        | Node::OneWait { .. }
        | Node::TwoWait { .. }
        | Node::SetBoxedWait { .. }
        | Node::SetGlobalWait { .. }
        | Node::Mark { .. } => Named::Nothing,
    }
}

/// The nodes of a procedure. The code may be of a snapshot that somebody has forged.
pub(super) fn nodes<'a>(code: &'a Code, procedure: &Procedure) -> &'a [Node] {
    let (from, to) = procedure.nodes;
    code.nodes.get(from as usize..to as usize).unwrap_or(&[])
}

/// A procedure of a form.
pub(super) struct Known {
    /// A hash of its name and the names of those around it.
    pub(super) path: u64,
    /// The procedure around it; the form itself has none.
    parent: Option<usize>,
    /// Where in the source it is, or something in it.
    pub(super) place: Option<Place>,
}

/// The procedures of a form, in the order of the code's.
pub(super) fn procedures(code: &Code) -> Vec<Known> {
    let mut known: Vec<Known> = Vec::with_capacity(code.procedures.len());
    for (index, procedure) in code.procedures.iter().enumerate() {
        // Before it there is only what comes before it.
        let parent = (index > 0).then_some(procedure.within as usize);
        let around = parent.and_then(|parent| known.get(parent));
        let mut hasher = DefaultHasher::new();
        around.map(|around| around.path).hash(&mut hasher);
        let name = procedure.name.as_ref().map(Symbol::as_str);
        name.hash(&mut hasher);
        let first = first_place(code, procedure);
        let place = procedure.place.clone().or(first);
        let place = place.or_else(|| around.and_then(|around| around.place.clone()));
        known.push(Known {
            path: hasher.finish(),
            parent: parent.filter(|parent| *parent < index),
            place,
        });
    }
    known
}

fn first_place(code: &Code, procedure: &Procedure) -> Option<Place> {
    let (from, to) = procedure.nodes;
    let at = code.places.partition_point(|(id, _)| *id < from);
    let (id, place) = code.places.get(at)?;
    (*id < to).then(|| place.clone())
}

/// How many names of a path are shown.
const SHOWN: usize = 8;

/// What a procedure is called, for people.
pub(super) fn name(code: &Code, known: &[Known], index: usize) -> String {
    let (mut names, mut next) = (Vec::new(), Some(index));
    while let Some(at) = next
        && let Some(procedure) = code.procedures.get(at)
        && names.len() < SHOWN
    {
        match &procedure.name {
            Some(name) => names.push(name.as_str()),
            None if at == index && at > 0 => names.push("a procedure"),
            None => {}
        }
        next = known.get(at).and_then(|known| known.parent);
    }
    names.reverse();
    match names.is_empty() {
        true => form_name(code),
        false => names.join("/"),
    }
}

/// What a form defines outside of all procedures: the variables, and the nodes of their values.
pub(super) fn definitions(code: &Code) -> Vec<(Shared<Global>, Node)> {
    let mut found = Vec::new();
    let entry = code.procedures.first().and_then(|form| form.cases.first());
    let mut waiting: Vec<u32> = entry.map(|case| case.entry).into_iter().collect();
    // A forged list may lead back to itself.
    let mut left = code.nodes.len();
    while let Some(at) = waiting.pop()
        && left > 0
    {
        left -= 1;
        match code.nodes.get(at as usize) {
            Some(Node::Begin(parts)) => {
                let first = parts.first as usize;
                let parts = code.parts.get(first..first + usize::from(parts.count));
                waiting.extend(parts.unwrap_or_default().iter().rev());
            }
            Some(
                Node::SetGlobal {
                    global,
                    value,
                    define: true,
                }
                | Node::SetGlobalWait {
                    global,
                    value,
                    define: true,
                },
            ) => {
                let global = code.globals.get(*global as usize);
                let value = code.nodes.get(*value as usize);
                if let (Some(global), Some(value)) = (global, value) {
                    found.push((global.clone(), *value));
                }
            }
            _ => {}
        }
    }
    found
}

fn form_name(code: &Code) -> String {
    let defined = definitions(code);
    match defined.first() {
        Some((global, _)) => {
            let name = global.with(|global| global.name.to_string());
            format!("the definition of {name}")
        }
        None => String::from("a form"),
    }
}

/// What tells a form from others of its program: what it defines, or else all of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Key {
    Defines(Vec<String>),
    Says(u64),
}

pub(super) fn key(code: &Code) -> Key {
    let defined = definitions(code);
    match defined.is_empty() {
        true => Key::Says(hash(code)),
        false => {
            let names = defined.iter();
            let names = names.map(|(global, _)| global.with(|global| global.name.to_string()));
            Key::Defines(names.collect())
        }
    }
}

/// A hash of all that a form says.
pub(super) fn hash(code: &Code) -> u64 {
    code.procedures.first().map_or(0, |form| form.hash)
}

/// Where a form is.
pub(super) fn place(code: &Code) -> Option<Place> {
    procedures(code).into_iter().find_map(|known| known.place)
}

/// The procedures of many forms, found out once for each.
#[derive(Default)]
pub(super) struct Paths(HashMap<usize, Vec<Known>>);

impl Paths {
    pub(super) fn of(&mut self, code: &Constant<Code>) -> &[Known] {
        let address = std::ptr::from_ref::<Code>(code).addr();
        self.0.entry(address).or_insert_with(|| procedures(code))
    }
}
