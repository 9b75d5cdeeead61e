//! Whether code is what the compiler makes. What a snapshot has may be anything, and is checked
//! when it is decoded. [`run`](crate::run) takes these facts for granted:
//!
//! - Indices of nodes, constants, variables of the program and procedures are of such as there
//!   are, and lists lie within [`Code::parts`].
//! - A part comes before the node that it is a part of, and is a part of no other. Lists have
//!   together no more entries than there are. So evaluation comes to an end, and in a time that
//!   grows as the code does.
//! - What is evaluated by recursion is simple, and at most [`DEEPEST`] levels deep.
//! - Where a part is run, and not only its value wanted, it is a node and no short name.
//! - A primitive that code calls by itself computes, and gets as many arguments as it takes.
//! - A procedure that is known has one case that takes the arguments; that of a
//!   [`Node::CallCc`] is a lambda expression of one.
//! - Variables that are put in boxes are among those that are bound there.
//!
//! What scopes look like where code is run is known to no single object of a snapshot, nor is
//! where a frame is in its code. So variables, the nodes of frames, and procedures of closures
//! may be missing.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::code::{CONSTANT, Case, Code, Id, LOCAL, Node, Parts};
use crate::library::Reference;
use crate::primitive::Action;
use crate::value::Value;

/// So many levels deep simple nodes are evaluated by recursion. A deeper one takes a frame.
pub(crate) const DEEPEST: u16 = 1_000;

/// What a node has to do with a part of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// It evaluates it by recursion.
    Value,
    /// The same, and it is a node.
    Test,
    /// It waits for it: the part takes steps.
    Wait,
    /// It evaluates it or waits for it.
    Either,
    /// It becomes it.
    Run,
}

/// What is wrong with code.
type Wrong = &'static str;

const NO_NODE: Wrong = "a node that there is not";
const NO_LIST: Wrong = "a list of nodes that there is not";
const NO_CONSTANT: Wrong = "a constant that there is not";
const NO_GLOBAL: Wrong = "a variable of the program that there is not";
const NO_PROCEDURE: Wrong = "a procedure that does not take the arguments";
const NO_PRIMITIVE: Wrong = "a primitive that does not take the arguments";
const NO_VARIABLE: Wrong = "a box for a variable that there is not";
const NOT_SIMPLE: Wrong = "a node that is simple and takes steps";
const NO_TREE: Wrong = "nodes that are parts of each other";

impl Code {
    /// Calls `each` for the parts of a node.
    pub(crate) fn parts_of<E>(
        &self,
        node: Node,
        mut each: impl FnMut(Use, Id) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut all = |how, parts| {
            let mut ids = self.list(parts).iter();
            ids.try_for_each(|id| each(how, *id))
        };
        match node {
            Node::Constant(_)
            | Node::Local(_)
            | Node::Outer(_)
            | Node::Boxed(_)
            | Node::Global(_)
            | Node::Closure { .. } => Ok(()),
            Node::One { a, .. } => each(Use::Value, a),
            Node::Two { a, b, .. } => {
                each(Use::Value, a)?;
                each(Use::Value, b)
            }
            Node::Primitive { arguments, .. } | Node::Known { arguments, .. } => {
                all(Use::Value, arguments)
            }
            Node::SetBoxed { value, .. } | Node::SetGlobal { value, .. } => each(Use::Value, value),
            Node::If { test, yes, no } => {
                each(Use::Test, test)?;
                each(Use::Run, yes)?;
                each(Use::Run, no)
            }
            Node::IfWait { test, yes, no } => {
                each(Use::Wait, test)?;
                each(Use::Run, yes)?;
                each(Use::Run, no)
            }
            Node::Begin(parts) => all(Use::Run, parts),
            Node::Let { values, body } => {
                all(Use::Value, values)?;
                each(Use::Run, body)
            }
            Node::LetWait { values, body } => {
                all(Use::Either, values)?;
                each(Use::Run, body)
            }
            Node::Boxes { body, .. } => each(Use::Run, body),
            Node::Call {
                operator,
                arguments,
            } => {
                all(Use::Value, arguments)?;
                each(Use::Value, operator)
            }
            Node::CallCc(receiver) => each(Use::Test, receiver),
            Node::CallWait {
                operator,
                arguments,
            } => {
                all(Use::Either, arguments)?;
                each(Use::Value, operator)
            }
            Node::CallAllWait(parts) => all(Use::Either, parts),
            Node::KnownWait { arguments, .. } | Node::PrimitiveWait { arguments, .. } => {
                all(Use::Either, arguments)
            }
            Node::OneWait { a, .. } => each(Use::Wait, a),
            Node::TwoWait { a, b, .. } => {
                each(Use::Either, a)?;
                each(Use::Either, b)
            }
            Node::SetBoxedWait { value, .. } | Node::SetGlobalWait { value, .. } => {
                each(Use::Wait, value)
            }
            Node::Mark { key, value, body } => {
                each(Use::Value, key)?;
                each(Use::Value, value)?;
                each(Use::Run, body)
            }
        }
    }

    /// How many levels deep a node is evaluated by recursion, if it is simple. `depths` are
    /// those of the nodes before it; none of one that takes steps.
    pub(crate) fn depth(&self, node: Node, depths: &[Option<u16>]) -> Option<u16> {
        let takes_steps = matches!(
            node,
            Node::IfWait { .. }
                | Node::LetWait { .. }
                | Node::Boxes { .. }
                | Node::Call { .. }
                | Node::CallCc(_)
                | Node::CallWait { .. }
                | Node::CallAllWait(_)
                | Node::Known { .. }
                | Node::KnownWait { .. }
                | Node::PrimitiveWait { .. }
                | Node::OneWait { .. }
                | Node::TwoWait { .. }
                | Node::SetBoxedWait { .. }
                | Node::SetGlobalWait { .. }
                | Node::Mark { .. }
        );
        if takes_steps {
            return None;
        }
        let mut deepest = 0;
        let all = self.parts_of(node, |_, id| {
            let depth = match id < CONSTANT {
                true => depths.get(id as usize).copied().flatten().ok_or(())?,
                false => 0,
            };
            deepest = deepest.max(depth + 1);
            Ok::<_, ()>(())
        });
        all.ok()?;
        (deepest <= DEEPEST).then_some(deepest)
    }
}

/// Code that is being checked.
struct Check<'a> {
    code: &'a Code,
    /// Of the nodes so far, as [`Code::depth`] says.
    depths: Vec<Option<u16>>,
    /// Whether each node is a part of another.
    used: Vec<bool>,
    /// How many entries lists may still have.
    entries: usize,
}

fn check(code: &Code) -> Result<(), Wrong> {
    if code.nodes.len() > CONSTANT as usize || code.simple.len() != code.nodes.len() {
        return Err(NO_NODE);
    }
    let mut check = Check {
        code,
        depths: Vec::with_capacity(code.nodes.len()),
        used: vec![false; code.nodes.len()],
        entries: code.parts.len(),
    };
    for (node, simple) in code.nodes.iter().zip(&code.simple) {
        check.lists(*node)?;
        check.names(*node)?;
        code.parts_of(*node, |how, id| check.part(how, id))?;
        let depth = code.depth(*node, &check.depths);
        require(*simple == depth.is_some(), NOT_SIMPLE)?;
        check.depths.push(depth);
    }
    let cases = code.procedures.iter().flat_map(|of| &of.cases);
    cases.into_iter().try_for_each(|case| check.case(case))
}

fn require(holds: bool, wrong: Wrong) -> Result<(), Wrong> {
    if holds { Ok(()) } else { Err(wrong) }
}

impl Check<'_> {
    fn case(&self, case: &Case) -> Result<(), Wrong> {
        require((case.entry as usize) < self.code.nodes.len(), NO_NODE)?;
        let count = usize::from(case.required) + usize::from(case.rest);
        let mut boxed = case.boxed.iter();
        require(boxed.all(|index| usize::from(*index) < count), NO_VARIABLE)
    }

    /// That the lists of a node are there.
    fn lists(&mut self, node: Node) -> Result<(), Wrong> {
        let (parts, bound) = match node {
            Node::Let { values, .. } | Node::LetWait { values, .. } => (values, true),
            Node::Primitive { arguments, .. }
            | Node::Call { arguments, .. }
            | Node::CallWait { arguments, .. }
            | Node::Known { arguments, .. }
            | Node::KnownWait { arguments, .. }
            | Node::PrimitiveWait { arguments, .. } => (arguments, false),
            Node::Begin(parts) | Node::CallAllWait(parts) => (parts, false),
            _ => return Ok(()),
        };
        let after = self.list(parts.first as usize, usize::from(parts.count))?;
        if !bound {
            return Ok(());
        }
        let count = *self.code.parts.get(after).ok_or(NO_LIST)? as usize;
        self.list(after, 1)?;
        self.list(after + 1, count)?;
        let mut boxed = self.code.boxed(parts).iter();
        let is_bound = |index: &u32| *index < u32::from(parts.count);
        require(boxed.all(is_bound), NO_VARIABLE)
    }

    /// That there are so many entries; answers the index of what follows them.
    fn list(&mut self, first: usize, count: usize) -> Result<usize, Wrong> {
        let end = first.checked_add(count).ok_or(NO_LIST)?;
        require(end <= self.code.parts.len(), NO_LIST)?;
        self.entries = self.entries.checked_sub(count).ok_or(NO_LIST)?;
        Ok(end)
    }

    /// That what a node names besides its parts is there.
    fn names(&self, node: Node) -> Result<(), Wrong> {
        let code = self.code;
        match node {
            Node::Constant(index) => self.constant(index).map(drop),
            Node::Global(global)
            | Node::SetGlobal { global, .. }
            | Node::SetGlobalWait { global, .. } => {
                require((global as usize) < code.globals.len(), NO_GLOBAL)
            }
            Node::Closure { procedure, .. } => {
                require((procedure as usize) < code.procedures.len(), NO_PROCEDURE)
            }
            Node::One { primitive, .. } | Node::OneWait { primitive, .. } => {
                self.primitive(primitive, 1)
            }
            Node::Two { primitive, .. } | Node::TwoWait { primitive, .. } => {
                self.primitive(primitive, 2)
            }
            Node::Primitive {
                primitive,
                arguments,
            }
            | Node::PrimitiveWait {
                primitive,
                arguments,
            } => self.primitive(primitive, arguments.count),
            Node::Known {
                procedure,
                arguments: Parts { count, .. },
                ..
            }
            | Node::KnownWait {
                procedure,
                arguments: Parts { count, .. },
                ..
            } => self.known(procedure, count),
            Node::CallCc(receiver) => match code.nodes.get(receiver as usize) {
                Some(Node::Closure { procedure, .. }) => self.known(*procedure, 1),
                _ => Err(NO_PROCEDURE),
            },
            Node::CallAllWait(parts) => require(parts.count > 0, NO_LIST),
            _ => Ok(()),
        }
    }

    fn constant(&self, index: u32) -> Result<&Value, Wrong> {
        self.code.constants.get(index as usize).ok_or(NO_CONSTANT)
    }

    fn primitive(&self, index: u32, count: u16) -> Result<(), Wrong> {
        let takes = match self.constant(index)? {
            Value::Primitive(primitive) => {
                matches!(primitive.action, Action::Plain(_)) && primitive.takes(count.into())
            }
            _ => false,
        };
        require(takes, NO_PRIMITIVE)
    }

    fn known(&self, procedure: u32, count: u16) -> Result<(), Wrong> {
        let procedure = self.code.procedures.get(procedure as usize);
        let takes = procedure.is_some_and(|procedure| {
            matches!(&procedure.cases[..], [case] if !case.rest && case.required == count)
        });
        require(takes, NO_PROCEDURE)
    }

    /// That a part of the next node may be one.
    fn part(&mut self, how: Use, id: Id) -> Result<(), Wrong> {
        if id >= CONSTANT {
            require(matches!(how, Use::Value | Use::Either), NO_NODE)?;
            return match id < LOCAL {
                true => self.constant(id - CONSTANT).map(drop),
                false => Ok(()),
            };
        }
        let depth = *self.depths.get(id as usize).ok_or(NO_TREE)?;
        match how {
            Use::Value | Use::Test => require(depth.is_some(), NOT_SIMPLE)?,
            Use::Wait => require(depth.is_none(), NOT_SIMPLE)?,
            Use::Either | Use::Run => {}
        }
        let used = self.used.get_mut(id as usize).ok_or(NO_NODE)?;
        require(!std::mem::replace(used, true), NO_TREE)
    }
}

/// What of code is in a snapshot.
#[derive(Serialize)]
#[serde(rename = "Stored")]
enum Storing<'a> {
    Own(#[serde(serialize_with = "own")] &'a Code),
    Library(Reference),
}

/// The same, decoded.
#[derive(Deserialize)]
enum Stored {
    Own(#[serde(deserialize_with = "Code::deserialize")] Code),
    Library(Reference),
}

fn own<S: Serializer>(code: &&Code, to: S) -> Result<S::Ok, S::Error> {
    Code::serialize(code, to)
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let stored = match &self.part {
            Some(part) => Storing::Library(part.reference()),
            None => Storing::Own(self),
        };
        stored.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Stored::deserialize(from)? {
            Stored::Library(reference) => reference.code().map_err(de::Error::custom),
            Stored::Own(code) => match check(&code) {
                Ok(()) => Ok(code),
                Err(wrong) => Err(de::Error::custom(format_args!("code has {wrong}"))),
            },
        }
    }
}
