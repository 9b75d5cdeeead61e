//! The loop that computes code.
//!
//! Simple nodes are evaluated by recursion. For every other one the frame says what it waits for
//! before it calls: `at` is the node, `part` which of its parts, `partial` what was computed of
//! those before. A call in tail position does not leave the frame, which takes on the callee's
//! code; so its marks stay, as they should.

use std::ops::Deref;

use segno::frame::{Context, Continuation, Place, Step};
use segno::snapshot::{Constant, Shared};

use crate::activation::Activation;
use crate::code::{Address, CONSTANT, Case, Code, Id, LOCAL, Node, One, Parts, Two};
use crate::condition::{Fault, UNDEFINED};
use crate::control::{self, Applied};
use crate::marks;
use crate::primitive::Action;
use crate::rib::{FEW, Rib, Scope, Slots};
use crate::value::{Cell, Closure, Value};
use crate::world::World;

/// Stands for a node that answers what it gets: of a frame that has nothing left to do.
pub const PASS: Id = Id::MAX;

/// After so many calls in tail position the machine gets its turn, which counts fuel.
const TURN: u32 = 64;

/// Code that is run, and the share in it that closures and frames take.
#[derive(Clone, Copy)]
pub(crate) struct Unit<'a> {
    code: &'a Code,
    shared: &'a Constant<Code>,
}

impl<'a> Unit<'a> {
    fn of(shared: &'a Constant<Code>) -> Self {
        let code = shared;
        Self { code, shared }
    }
}

impl Deref for Unit<'_> {
    type Target = Code;

    #[inline(always)]
    fn deref(&self) -> &Code {
        self.code
    }
}

/// Where a call leads.
pub(crate) enum Target {
    Enter(Constant<Code>, Id, Scope),
    /// Whatever is applied otherwise.
    Other(Value, Slots),
}

/// The same, of a call in code.
enum Callee {
    Enter(Constant<Closure>, Id, Scope),
    /// Whatever is applied otherwise.
    Other(Value, Slots),
}

/// Goes on with code; with a value, if one has come.
pub(crate) fn resume(
    frame: &mut Activation,
    value: Option<Value>,
    cx: &mut Context<'_, Activation>,
) -> Step<Activation> {
    let mut got = match value {
        Some(Value::Aborted(aborted)) => return control::aborted(&aborted, cx),
        // It was to start, and its engine ran out of fuel.
        Some(Value::Unassigned) => None,
        value => value,
    };
    let Activation::Run {
        code: shared,
        scope,
        at,
        part,
        marked,
        partial,
    } = frame
    else {
        unreachable!("the frame runs code")
    };
    let scope: &mut Scope = scope;
    if *at == PASS {
        if let Some(Value::Handover(handover)) = got {
            return control::take_over(frame, &handover, cx);
        }
        return Step::Return(got.unwrap_or(Value::Unspecified));
    }
    let mut turn = if cx.world.fuel.is_empty() { 1 } else { TURN };
    // In tail position: where the call leads, or the node that has failed.
    let failed = 'run: loop {
        let here = *at;
        let code = Unit::of(shared);
        macro_rules! attempt {
            ($result:expr) => {
                match $result {
                    Some(value) => value,
                    None => break 'run code.locate(here, cx.world.failure()),
                }
            };
        }
        macro_rules! check {
            ($result:expr) => {
                match $result {
                    Ok(value) => value,
                    Err(fault) => break 'run code.locate(here, fault),
                }
            };
        }
        // The value of a part that takes steps: it is there, or the frame waits for it.
        macro_rules! wait {
            ($id:expr) => {
                match got.take() {
                    Some(value) => value,
                    None => match begin(code, here, $id, scope, *marked, cx) {
                        Step::Return(value) => value,
                        step => return step,
                    },
                }
            };
        }
        // The values of parts of which some take steps.
        macro_rules! gather {
            ($parts:expr) => {
                loop {
                    match gather(code, $parts, scope, part, partial, got.take(), cx.world) {
                        Gathered::All(rib) => break rib,
                        Gathered::Failed => break 'run code.locate(here, cx.world.failure()),
                        Gathered::Waits(id) => got = Some(wait!(id)),
                    }
                }
            };
        }
        // Answers, and gives up the variables.
        macro_rules! answer {
            ($value:expr) => {{
                let value = $value;
                cx.world.ribs.give(scope.take());
                return Step::Return(value);
            }};
        }
        // Goes on with a closure.
        macro_rules! enter {
            ($closure:expr, $entry:expr, $inner:expr) => {{
                let (closure, entry, inner) = ($closure, $entry, $inner);
                if !shared.same(&closure.code) {
                    *shared = closure.code.clone();
                }
                cx.world.ribs.give(std::mem::replace(scope, inner));
                *at = entry;
                *part = 0;
                turn -= 1;
                if turn > 0 && !cx.world.fuel.owes_much() {
                    continue;
                }
                return take_turn(frame, cx);
            }};
        }
        // Goes on with a procedure that is known.
        macro_rules! known {
            ($rib:expr, $procedure:expr, $depth:expr) => {{
                let rib = $rib;
                let case = &code.procedures[$procedure as usize].cases[0];
                let parent = outer(scope, $depth).clone();
                let (entry, inner) = known(case, rib, parent);
                cx.world.ribs.give(std::mem::replace(scope, inner));
                *at = entry;
                turn -= 1;
                if turn > 0 && !cx.world.fuel.owes_much() {
                    continue;
                }
                return take_turn(frame, cx);
            }};
        }
        let Some(node) = code.nodes.get(here as usize) else {
            break forged();
        };
        let callee = match *node {
            Node::If { test, yes, no } => {
                *at = match attempt!(holds(code, test, scope, cx.world)) {
                    true => yes,
                    false => no,
                };
                continue;
            }
            Node::IfWait { test, yes, no } => {
                let test = wait!(test);
                *at = if test.is_true() { yes } else { no };
                continue;
            }
            Node::Begin(parts) => {
                let Some((last, before)) = code.list(parts).split_last() else {
                    return Step::Return(Value::Unspecified);
                };
                if got.take().is_some() {
                    *part = part.saturating_add(1);
                }
                while let Some(&id) = before.get(usize::from(*part)) {
                    if code.is_simple(id) {
                        attempt!(eval(code, id, scope, cx.world));
                    } else {
                        match begin(code, here, id, scope, *marked, cx) {
                            Step::Return(_) => {}
                            step => return step,
                        }
                    }
                    *part += 1;
                }
                *part = 0;
                *at = *last;
                continue;
            }
            Node::Let { values, body } => {
                let rib = attempt!(fill(code, values, scope, cx.world));
                *scope = bind(&code, values, rib, scope.take());
                *at = body;
                continue;
            }
            Node::LetWait { values, body } => {
                let rib = gather!(values);
                *scope = bind(&code, values, Some(rib), scope.take());
                *at = body;
                continue;
            }
            Node::Boxes { count, body } => {
                let boxes = (0..count).map(|_| Value::Unassigned.in_box());
                *scope = Some(Constant::new(Rib::of(boxes, scope.take())));
                *at = body;
                continue;
            }
            Node::SetBoxedWait { to, value } => {
                let value = wait!(value);
                set_boxed(scope, to, value);
                answer!(Value::Unspecified)
            }
            Node::SetGlobalWait {
                global,
                value,
                define,
            } => {
                let value = wait!(value);
                check!(set_global(&code, global, value, define));
                answer!(Value::Unspecified)
            }
            Node::Call {
                operator,
                arguments,
            } => match attempt!(operator_at(code, operator, scope, cx.world)) {
                Value::Closure(closure) => match only(&closure, arguments.count) {
                    Some(case) => {
                        let rib = attempt!(fill(code, arguments, scope, cx.world));
                        let (entry, inner) = known(case, rib, closure.scope.clone());
                        enter!(closure, entry, inner)
                    }
                    None => {
                        let slots = attempt!(slots(code, arguments, scope, cx.world));
                        check!(choose(Value::Closure(closure), slots))
                    }
                },
                Value::Full(continuation) if arguments.count == 1 => {
                    let id = code.list(arguments)[0];
                    let value = attempt!(operand(code, id, scope, cx.world));
                    cx.world.ribs.give(scope.take());
                    *at = PASS;
                    return control::go_back_fully(continuation, value, cx);
                }
                other => Callee::Other(other, attempt!(slots(code, arguments, scope, cx.world))),
            },
            Node::CallCc(receiver) => {
                *at = PASS;
                if *marked {
                    let receiver = attempt!(eval(code, receiver, scope, cx.world));
                    return control::capture_marked(receiver, cx);
                }
                let body = Activation::run(shared.clone(), receiver, scope.take());
                return control::capture(body, Place::Instead);
            }
            Node::CallWait {
                operator,
                arguments,
            } => {
                let rib = gather!(arguments);
                let operator = attempt!(operator_at(code, operator, scope, cx.world));
                check!(call_with(operator, rib))
            }
            Node::CallAllWait(parts) => {
                let mut slots = slots_of(gather!(parts), cx.world);
                match slots.is_empty() {
                    true => Callee::Other(Value::Unassigned, slots),
                    false => check!(choose(slots.remove(0), slots)),
                }
            }
            Node::Known {
                procedure,
                depth,
                arguments,
            } => {
                let rib = attempt!(fill(code, arguments, scope, cx.world));
                known!(rib, procedure, depth)
            }
            Node::KnownWait {
                procedure,
                depth,
                arguments,
            } => known!(Some(gather!(arguments)), procedure, depth),
            Node::OneWait { op, a, primitive } => {
                let a = wait!(a);
                answer!(attempt!(one(code, here, op, &a, primitive, cx.world)))
            }
            Node::TwoWait {
                op,
                a,
                b,
                primitive,
            } => {
                // Part 0 is the first argument, part 1 the second.
                if *part == 0 {
                    let a = match got.take() {
                        Some(value) => value,
                        None if code.is_simple(a) => attempt!(eval(code, a, scope, cx.world)),
                        None => wait!(a),
                    };
                    std::mem::replace(partial, a).discard();
                    *part = 1;
                }
                let b = match got.take() {
                    Some(value) => value,
                    None if code.is_simple(b) => attempt!(eval(code, b, scope, cx.world)),
                    None => wait!(b),
                };
                let value = attempt!(two(code, here, op, partial, &b, primitive, cx.world));
                b.discard();
                answer!(value)
            }
            Node::PrimitiveWait {
                primitive,
                arguments,
            } => {
                let slots = slots_of(gather!(arguments), cx.world);
                if slots.len() != usize::from(arguments.count) {
                    break forged();
                }
                answer!(attempt!(plain(code, here, primitive, &slots, cx.world)))
            }
            Node::Mark { key, value, body } => {
                let key = attempt!(eval(code, key, scope, cx.world));
                let value = attempt!(eval(code, value, scope, cx.world));
                marks::mark(key, value, *marked, cx);
                *marked = true;
                *at = body;
                continue;
            }
            _ => answer!(attempt!(eval(code, here, scope, cx.world))),
        };
        match callee {
            Callee::Enter(closure, entry, inner) => enter!(closure, entry, inner),
            Callee::Other(operator, arguments) => {
                let (mut operator, mut arguments) = (operator, arguments);
                loop {
                    match control::apply(operator, arguments, true, *marked, cx) {
                        Err(fault) => return control::fail(code.locate(here, fault), cx),
                        Ok(Applied::Value(value)) => return Step::Return(value),
                        Ok(Applied::Step(step)) => {
                            *at = PASS;
                            *scope = None;
                            return step;
                        }
                        Ok(Applied::Call(next, slots)) => match self::target(next, slots) {
                            Err(fault) => return control::fail(code.locate(here, fault), cx),
                            Ok(Target::Enter(callee, entry, inner)) => {
                                *shared = callee;
                                *scope = inner;
                                *at = entry;
                                *part = 0;
                                break;
                            }
                            Ok(Target::Other(next, slots)) => {
                                (operator, arguments) = (next, slots);
                            }
                        },
                    }
                }
                turn = turn.saturating_sub(1);
                if turn == 0 || cx.world.fuel.owes_much() {
                    return take_turn(frame, cx);
                }
            }
        }
    };
    control::fail(failed, cx)
}

/// Enters the procedure of a [`Node::CallCc`], which the frame is at.
pub(crate) fn receive(
    frame: &mut Activation,
    continuation: Continuation<Activation>,
    cx: &mut Context<'_, Activation>,
) -> Step<Activation> {
    let continuation = control::captured(continuation, cx);
    if cx.world.teleports {
        return control::pause(frame, receiver(frame), continuation, false, cx);
    }
    let Activation::Run {
        code, scope, at, ..
    } = frame
    else {
        unreachable!("the frame runs code")
    };
    let Some((case, depth)) = receiver_of(code, *at) else {
        *at = PASS;
        return resume(frame, None, cx);
    };
    let parent = match depth {
        0 => scope.take(),
        _ => outer(scope, depth).clone(),
    };
    let mut rib = cx.world.ribs.take();
    push(&mut rib, continuation);
    (*at, **scope) = known(case, Some(rib), parent);
    resume(frame, None, cx)
}

/// The procedure of a [`Node::CallCc`], which the frame is at.
fn receiver(frame: &Activation) -> Value {
    let Activation::Run {
        code, scope, at, ..
    } = frame
    else {
        unreachable!("the frame runs code")
    };
    match code.nodes.get(*at as usize) {
        Some(Node::Closure { procedure, depth }) => {
            closure(Unit::of(code), *procedure, *depth, scope)
        }
        // The frame was forged.
        _ => Value::Null,
    }
}

/// The case of the procedure of a [`Node::CallCc`], and how many ribs up its variables are; none
/// if the frame was forged.
#[inline(always)]
fn receiver_of(code: &Code, at: Id) -> Option<(&Case, u16)> {
    let Node::Closure { procedure, depth } = *code.nodes.get(at as usize)? else {
        return None;
    };
    let procedure = code.procedures.get(procedure as usize)?;
    Some((procedure.cases.first()?, depth))
}

/// What a frame or a closure of a forged snapshot has come to, which fits no code.
#[cold]
fn forged() -> Box<Fault> {
    Fault::new(
        "a snapshot was forged: what it has does not fit its code",
        [],
    )
}

/// Lets the machine count: the frame is called again in its own place.
#[cold]
fn take_turn(frame: &mut Activation, cx: &mut Context<'_, Activation>) -> Step<Activation> {
    cx.world.fuel.charge(u64::from(TURN));
    let Activation::Run { marked, .. } = frame else {
        unreachable!("the frame runs code")
    };
    let marks = marks::of_frame(*marked, cx);
    match (marks, std::mem::replace(frame, Activation::Pass {})) {
        (
            Some(marks),
            Activation::Run {
                code, scope, at, ..
            },
        ) => Step::TailCall(Activation::Remark {
            marks,
            code,
            scope,
            at,
        }),
        (_, again) => Step::TailCall(again),
    }
}

/// Begins a part that is not in tail position: returns its value, or what step leads to it.
fn begin(
    code: Unit<'_>,
    here: Id,
    id: Id,
    scope: &Scope,
    marked: bool,
    cx: &mut Context<'_, Activation>,
) -> Step<Activation> {
    macro_rules! check {
        ($result:expr) => {
            match $result {
                Ok(value) => value,
                Err(fault) => {
                    let fault = code.locate(here, code.locate(id, fault));
                    return control::fail(fault, cx);
                }
            }
        };
    }
    macro_rules! attempt {
        ($result:expr) => {
            match $result {
                Some(value) => value,
                None => check!(Err(cx.world.failure())),
            }
        };
    }
    let Some(node) = code.nodes.get(id as usize) else {
        // What waits for a variable or a constant.
        return control::fail(forged(), cx);
    };
    let (callee, entry, inner) = match *node {
        Node::Call {
            operator,
            arguments,
        } => match attempt!(operator_at(code, operator, scope, cx.world)) {
            Value::Closure(closure) => {
                let (entry, inner) = match only(&closure, arguments.count) {
                    Some(case) => {
                        let rib = attempt!(fill(code, arguments, scope, cx.world));
                        known(case, rib, closure.scope.clone())
                    }
                    None => {
                        let slots = attempt!(slots(code, arguments, scope, cx.world));
                        check!(fit(&closure, slots))
                    }
                };
                (closure.code.clone(), entry, inner)
            }
            Value::Full(continuation) if arguments.count == 1 => {
                let argument = code.list(arguments)[0];
                let value = attempt!(operand(code, argument, scope, cx.world));
                return control::go_back_fully(continuation, value, cx);
            }
            other => {
                let slots = attempt!(slots(code, arguments, scope, cx.world));
                return match check!(control::call(other, slots, marked, cx)) {
                    Ok(value) => Step::Return(value),
                    Err(step) => step,
                };
            }
        },
        Node::Known {
            procedure,
            depth,
            arguments,
        } => {
            let rib = attempt!(fill(code, arguments, scope, cx.world));
            let case = &code.procedures[procedure as usize].cases[0];
            let (entry, inner) = known(case, rib, outer(scope, depth).clone());
            (code.shared.clone(), entry, inner)
        }
        Node::CallCc(receiver) => {
            let body = Activation::run(code.shared.clone(), receiver, scope.clone());
            return control::capture(body, Place::Here);
        }
        _ => (code.shared.clone(), id, scope.clone()),
    };
    // A procedure takes no frame that comes to a simple node, or to a capture, by choices alone.
    let body = Unit::of(&callee);
    let mut at = entry;
    loop {
        let node = body.nodes[at as usize];
        if let Node::If { test, yes, no } = node {
            at = match holds(body, test, &inner, cx.world) {
                Some(true) => yes,
                Some(false) => no,
                None => break,
            };
        } else if let Node::CallCc(receiver) = node {
            // Its frame would be left at once.
            let body = Activation::run(callee, receiver, inner);
            return control::capture(body, Place::Here);
        } else if body.simple[at as usize] {
            match eval(body, at, &inner, cx.world) {
                Some(value) => {
                    cx.world.ribs.give(inner);
                    return Step::Return(value);
                }
                None => break,
            }
        } else {
            return Step::Call(Activation::run(callee, at, inner));
        }
    }
    Step::Call(Activation::Failed {
        condition: (*body.locate(at, cx.world.failure())).into(),
        code: callee,
        scope: inner.into(),
        at,
    })
}

/// A rib with the values of simple nodes; none if there are none.
#[inline(always)]
fn fill(code: Unit<'_>, parts: Parts, scope: &Scope, world: &mut World) -> Option<Scope> {
    let ids = code.list(parts);
    if ids.is_empty() {
        return Some(None);
    }
    let mut rib = world.ribs.take();
    if let Some(content) = rib.get_mut() {
        for (slot, id) in content.few.iter_mut().zip(ids) {
            std::mem::replace(slot, operand(code, *id, scope, world)?).discard();
        }
        content.len = ids.len().min(FEW);
        if ids.len() > FEW {
            fill_more(content, code, &ids[FEW..], scope, world)?;
        }
    }
    Some(Some(rib))
}

#[cold]
#[inline(never)]
fn fill_more(
    rib: &mut Rib,
    code: Unit<'_>,
    ids: &[Id],
    scope: &Scope,
    world: &mut World,
) -> Option<()> {
    for id in ids {
        rib.push(operand(code, *id, scope, world)?);
    }
    Some(())
}

/// The values of simple nodes, as arguments.
#[inline(always)]
fn slots(code: Unit<'_>, parts: Parts, scope: &Scope, world: &mut World) -> Option<Slots> {
    let mut slots = Slots::new();
    for id in code.list(parts) {
        slots.push(operand(code, *id, scope, world)?);
    }
    Some(slots)
}

/// The value of a simple node that is an argument.
#[inline(always)]
fn operand(code: Unit<'_>, id: Id, scope: &Scope, world: &mut World) -> Option<Value> {
    match peek(code, id, scope) {
        Some(value) => Some(value.copy()),
        None => match quick(code, id, scope) {
            Some(sum) => Some(Value::integer(sum)),
            None => eval(code, id, scope, world),
        },
    }
}

/// How far parts have come of which some take steps.
enum Gathered {
    /// All values are there.
    All(Constant<Rib>),
    /// The frame has to wait for this part.
    Waits(Id),
    /// One of them has none.
    Failed,
}

/// Computes parts, of which some take steps, one after the other; what has come is the value of
/// the one that was waited for.
fn gather(
    code: Unit<'_>,
    parts: Parts,
    scope: &Scope,
    part: &mut u16,
    partial: &mut Value,
    got: Option<Value>,
    world: &mut World,
) -> Gathered {
    let ids = code.list(parts);
    if let [id] = ids {
        let Some(value) = got else {
            return Gathered::Waits(*id);
        };
        let mut rib = world.ribs.take();
        push(&mut rib, value);
        return Gathered::All(rib);
    }
    let mut rib = match std::mem::replace(partial, Value::Null) {
        Value::Rib(rib) => rib,
        _ => world.ribs.take(),
    };
    if rib.get_mut().is_none() {
        // Of a frame that others hold too, so they keep theirs.
        let theirs = std::mem::replace(&mut rib, world.ribs.take());
        for value in theirs.iter() {
            push(&mut rib, value.clone());
        }
    }
    if let Some(value) = got {
        push(&mut rib, value);
        *part = part.saturating_add(1);
    }
    while let Some(&id) = ids.get(usize::from(*part)) {
        if !code.is_simple(id) {
            *partial = Value::Rib(rib);
            return Gathered::Waits(id);
        }
        match operand(code, id, scope, world) {
            Some(value) => push(&mut rib, value),
            None => return Gathered::Failed,
        }
        *part = part.saturating_add(1);
    }
    *part = 0;
    Gathered::All(rib)
}

/// Adds to a rib that nobody else holds.
#[inline(always)]
fn push(rib: &mut Constant<Rib>, value: Value) {
    if let Some(rib) = rib.get_mut() {
        rib.push(value);
    }
}

/// The values in a rib that nobody else will hold.
fn slots_of(rib: Constant<Rib>, world: &mut World) -> Slots {
    let slots = rib.iter().cloned().collect();
    world.ribs.give(Some(rib));
    slots
}

/// The variables of a `let`.
#[inline(always)]
fn bind(code: &Code, values: Parts, rib: Scope, parent: Scope) -> Scope {
    let Some(mut rib) = rib else {
        return parent;
    };
    if let Some(rib) = rib.get_mut() {
        for index in code.boxed(values) {
            rib.put_in_box(*index as usize);
        }
        rib.parent = parent;
    }
    Some(rib)
}

/// The entry of a case that takes these arguments, and its variables.
#[inline(always)]
fn known(case: &Case, rib: Scope, parent: Scope) -> (Id, Scope) {
    let Some(mut rib) = rib else {
        return (case.entry, parent);
    };
    if let Some(rib) = rib.get_mut() {
        for index in &case.boxed {
            rib.put_in_box(usize::from(*index));
        }
        rib.parent = parent;
    }
    (case.entry, Some(rib))
}

/// The variables so many ribs up.
#[inline(always)]
fn outer(scope: &Scope, depth: u16) -> &Scope {
    let mut scope = scope;
    for _ in 0..depth {
        match scope {
            Some(rib) => scope = &rib.parent,
            None => break,
        }
    }
    scope
}

#[inline(always)]
fn slot(scope: &Scope, address: Address) -> &Value {
    slot_of(outer(scope, address.depth), address.index)
}

/// A variable of the innermost rib.
#[inline(always)]
fn slot_of(scope: &Scope, index: u16) -> &Value {
    match scope {
        Some(rib) => rib.get(usize::from(index)),
        None => &Value::Unassigned,
    }
}

fn set_boxed(scope: &Scope, to: Address, value: Value) {
    if let Value::Box(cell) = slot(scope, to) {
        cell.set(Cell(value));
    }
}

fn set_global(code: &Code, global: u32, value: Value, define: bool) -> Result<(), Box<Fault>> {
    let global = &code.globals[global as usize];
    if !define && global.with(|global| matches!(global.value, Value::Unassigned)) {
        return Err(unbound(global));
    }
    drop(global.update(|global| std::mem::replace(&mut global.value, value)));
    Ok(())
}

#[cold]
fn unbound(global: &Shared<crate::environment::Global>) -> Box<Fault> {
    let name = global.with(|global| global.name.clone());
    Fault::new(UNDEFINED, [Value::Symbol(name)])
}

/// The value of a node that is called.
#[inline(always)]
fn operator_at(code: Unit<'_>, id: Id, scope: &Scope, world: &mut World) -> Option<Value> {
    let shared = |value: &Value| match value {
        Value::Closure(closure) => Some(Value::Closure(closure.clone())),
        Value::Full(continuation) => Some(Value::Full(continuation.clone())),
        _ => None,
    };
    let found = match peek(code, id, scope) {
        Some(value) => shared(value),
        None => match code.nodes[id as usize] {
            Node::Global(index) => {
                code.globals[index as usize].with(|global| shared(&global.value))
            }
            Node::Boxed(address) => match slot(scope, address) {
                Value::Box(cell) => cell.with(|cell| shared(&cell.0)),
                _ => None,
            },
            _ => None,
        },
    };
    match found {
        Some(value) => Some(value),
        None => eval(code, id, scope, world),
    }
}

/// Where a call leads, of arguments that are there already.
#[inline(always)]
fn call_with(operator: Value, rib: Constant<Rib>) -> Result<Callee, Box<Fault>> {
    if let Value::Closure(closure) = operator {
        let count = u16::try_from(rib.len()).ok();
        if let Some(case) = count.and_then(|count| only(&closure, count)) {
            let (entry, scope) = known(case, Some(rib), closure.scope.clone());
            return Ok(Callee::Enter(closure, entry, scope));
        }
        return choose(Value::Closure(closure), rib.iter().cloned().collect());
    }
    Ok(Callee::Other(operator, rib.iter().cloned().collect()))
}

/// The case of a procedure that has only one, if that takes so many arguments and no others.
#[inline(always)]
fn only(closure: &Constant<Closure>, arguments: u16) -> Option<&Case> {
    let closure = &**closure;
    let procedure = closure.code.procedures.get(closure.procedure as usize)?;
    match &procedure.cases[..] {
        [case] if !case.rest && case.required == arguments => Some(case),
        _ => None,
    }
}

/// Where a call of this leads.
pub(crate) fn target(operator: Value, slots: Slots) -> Result<Target, Box<Fault>> {
    Ok(match choose(operator, slots)? {
        Callee::Enter(closure, entry, scope) => Target::Enter(closure.code.clone(), entry, scope),
        Callee::Other(operator, slots) => Target::Other(operator, slots),
    })
}

/// Where a call of this leads.
fn choose(operator: Value, slots: Slots) -> Result<Callee, Box<Fault>> {
    match operator {
        Value::Closure(closure) => {
            let (entry, scope) = fit(&closure, slots)?;
            Ok(Callee::Enter(closure, entry, scope))
        }
        other => Ok(Callee::Other(other, slots)),
    }
}

/// The entry of the case of a procedure that takes these arguments, and its variables.
#[inline(never)]
fn fit(closure: &Constant<Closure>, mut slots: Slots) -> Result<(Id, Scope), Box<Fault>> {
    let Some(procedure) = closure.code.procedures.get(closure.procedure as usize) else {
        return Err(forged());
    };
    let count = slots.len();
    let fits = |case: &&Case| {
        let required = usize::from(case.required);
        required == count || case.rest && required < count
    };
    let Some(case) = procedure.cases.iter().find(fits) else {
        let operator = Value::Closure(closure.clone());
        return Err(control::wrong_count(&operator, &slots));
    };
    if case.rest {
        let rest = Value::list(slots.drain(usize::from(case.required)..));
        slots.push(rest);
    }
    let rib = match slots.is_empty() {
        true => None,
        false => Some(Constant::new(Rib::of(slots, None))),
    };
    Ok(known(case, rib, closure.scope.clone()))
}

/// Names the value of a simple node, which is not cloned if it lies somewhere.
macro_rules! look {
    ($name:ident, $code:expr, $scope:expr, $world:expr) => {
        let computed;
        let $name = match peek($code, $name, $scope) {
            Some(value) => value,
            None => {
                computed = eval($code, $name, $scope, $world)?;
                &computed
            }
        };
    };
}

/// The value of a node that is a variable or a constant.
#[inline(always)]
fn peek<'a>(code: Unit<'a>, id: Id, scope: &'a Scope) -> Option<&'a Value> {
    if id >= LOCAL {
        return Some(slot_of(scope, id as u16));
    }
    if id >= CONSTANT {
        return Some(&code.code.constants[(id - CONSTANT) as usize]);
    }
    match code.nodes[id as usize] {
        Node::Outer(address) => Some(slot(scope, address)),
        _ => None,
    }
}

/// The value of a node that adds or subtracts small integers which lie somewhere.
#[inline(always)]
fn quick(code: Unit<'_>, id: Id, scope: &Scope) -> Option<i64> {
    let Some(Node::Two { op, a, b, .. }) = code.nodes.get(id as usize) else {
        return None;
    };
    let (a, b) = (peek(code, *a, scope)?, peek(code, *b, scope)?);
    let (Value::Fixnum(a), Value::Fixnum(b)) = (a, b) else {
        return None;
    };
    match op {
        Two::Add => a.checked_add(*b),
        Two::Subtract => a.checked_sub(*b),
        _ => None,
    }
}

/// Whether the value of a simple node counts as true.
#[inline(always)]
fn holds(code: Unit<'_>, id: Id, scope: &Scope, world: &mut World) -> Option<bool> {
    match code.nodes[id as usize] {
        Node::Local(index) => return Some(slot_of(scope, index).is_true()),
        Node::Two { op, a, b, .. } => {
            look!(a, code, scope, world);
            look!(b, code, scope, world);
            if let (Value::Fixnum(a), Value::Fixnum(b)) = (a, b) {
                match op {
                    Two::Equal | Two::IsEq => return Some(a == b),
                    Two::Less => return Some(a < b),
                    Two::Greater => return Some(a > b),
                    Two::AtMost => return Some(a <= b),
                    Two::AtLeast => return Some(a >= b),
                    _ => {}
                }
            }
        }
        Node::One { op, a, .. } => {
            look!(a, code, scope, world);
            match op {
                One::IsNull => return Some(matches!(a, Value::Null)),
                One::IsPair => return Some(matches!(a, Value::Pair(_))),
                One::Not => return Some(!a.is_true()),
                _ => {}
            }
        }
        _ => {}
    }
    eval(code, id, scope, world).map(|value| value.is_true())
}

/// Evaluates a simple node.
pub(crate) fn eval(code: Unit<'_>, id: Id, scope: &Scope, world: &mut World) -> Option<Value> {
    if id >= CONSTANT {
        return Some(peek(code, id, scope).map_or(Value::Unassigned, Value::copy));
    }
    Some(match code.nodes[id as usize] {
        Node::Local(index) => slot_of(scope, index).copy(),
        Node::Constant(index) => code.constants[index as usize].clone(),
        Node::Outer(address) => slot(scope, address).clone(),
        Node::Boxed(address) => {
            let value = match slot(scope, address) {
                Value::Box(cell) => cell.with(|cell| cell.0.clone()),
                other => other.clone(),
            };
            if let Value::Unassigned = value {
                let fault = Fault::new("a variable is used before its definition", []);
                return world.fail(code.locate(id, fault));
            }
            value
        }
        Node::Global(index) => {
            let global = &code.globals[index as usize];
            let value = global.with(|global| global.value.clone());
            if let Value::Unassigned = value {
                return world.fail(code.locate(id, unbound(global)));
            }
            value
        }
        Node::Closure { procedure, depth } => closure(code, procedure, depth, scope),
        Node::One { op, a, primitive } => {
            look!(a, code, scope, world);
            return one(code, id, op, a, primitive, world);
        }
        Node::Two {
            op,
            a,
            b,
            primitive,
        } => {
            look!(a, code, scope, world);
            look!(b, code, scope, world);
            return two(code, id, op, a, b, primitive, world);
        }
        Node::Primitive {
            primitive,
            arguments,
        } => {
            let slots = slots(code, arguments, scope, world)?;
            return plain(code, id, primitive, &slots, world);
        }
        Node::If { test, yes, no } => {
            let next = if holds(code, test, scope, world)? {
                yes
            } else {
                no
            };
            return eval(code, next, scope, world);
        }
        Node::Begin(parts) => {
            let mut last = Value::Unspecified;
            for id in code.list(parts) {
                last = eval(code, *id, scope, world)?;
            }
            last
        }
        Node::Let { values, body } => {
            let rib = fill(code, values, scope, world)?;
            let inner = bind(&code, values, rib, scope.clone());
            let value = eval(code, body, &inner, world);
            world.ribs.give(inner);
            return value;
        }
        Node::SetBoxed { to, value } => {
            let value = operand(code, value, scope, world)?;
            set_boxed(scope, to, value);
            Value::Unspecified
        }
        Node::SetGlobal {
            global,
            value,
            define,
        } => {
            let value = eval(code, value, scope, world)?;
            if let Err(fault) = set_global(&code, global, value, define) {
                return world.fail(code.locate(id, fault));
            }
            Value::Unspecified
        }
        _ => unreachable!("the node is simple"),
    })
}

#[inline(always)]
fn closure(code: Unit<'_>, procedure: u32, depth: u16, scope: &Scope) -> Value {
    Value::Closure(Constant::new(Closure {
        code: code.shared.clone(),
        procedure,
        scope: outer(scope, depth).clone(),
    }))
}

/// The value of a primitive that computes, for a node.
fn plain(
    code: Unit<'_>,
    id: Id,
    primitive: u32,
    arguments: &[Value],
    world: &mut World,
) -> Option<Value> {
    let answer = match &code.constants[primitive as usize] {
        Value::Primitive(primitive) => match primitive.action {
            Action::Plain(compute) => compute(world, arguments),
            _ => Err(Fault::new("the primitive does not compute", [])),
        },
        _ => Err(Fault::new("the constant is no primitive", [])),
    };
    match answer {
        Ok(value) => Some(value),
        Err(fault) => world.fail(code.locate(id, fault)),
    }
}

#[inline(always)]
fn one(
    code: Unit<'_>,
    id: Id,
    op: One,
    a: &Value,
    primitive: u32,
    world: &mut World,
) -> Option<Value> {
    Some(match (op, a) {
        (One::Car, Value::Pair(pair)) => pair.with(|pair| pair.car.clone()),
        (One::Cdr, Value::Pair(pair)) => pair.with(|pair| pair.cdr.clone()),
        (One::IsNull, a) => Value::from(matches!(a, Value::Null)),
        (One::IsPair, a) => Value::from(matches!(a, Value::Pair(_))),
        (One::Not, a) => Value::from(!a.is_true()),
        (One::IsZero, Value::Fixnum(n)) => Value::from(*n == 0),
        _ => return plain(code, id, primitive, std::slice::from_ref(a), world),
    })
}

#[inline(always)]
fn two(
    code: Unit<'_>,
    id: Id,
    op: Two,
    a: &Value,
    b: &Value,
    primitive: u32,
    world: &mut World,
) -> Option<Value> {
    if let (Value::Fixnum(a), Value::Fixnum(b)) = (a, b) {
        let sum = match op {
            Two::Add => a.checked_add(*b),
            Two::Subtract => a.checked_sub(*b),
            Two::Multiply => a.checked_mul(*b),
            Two::Equal | Two::IsEq => return Some(Value::from(a == b)),
            Two::Less => return Some(Value::from(a < b)),
            Two::Greater => return Some(Value::from(a > b)),
            Two::AtMost => return Some(Value::from(a <= b)),
            Two::AtLeast => return Some(Value::from(a >= b)),
            Two::Cons | Two::VectorRef => None,
        };
        if let Some(sum) = sum {
            return Some(Value::Fixnum(sum));
        }
    }
    Some(match (op, a, b) {
        (Two::Cons, a, b) => Value::cons(a.clone(), b.clone()),
        (Two::IsEq, a, b) => Value::from(a.is_eq(b)),
        (_, Value::Flonum(x), Value::Flonum(y)) => {
            let (x, y) = (x.get(), y.get());
            match op {
                Two::Add => Value::Flonum((x + y).into()),
                Two::Subtract => Value::Flonum((x - y).into()),
                Two::Multiply => Value::Flonum((x * y).into()),
                Two::Equal => Value::from(x == y),
                Two::Less => Value::from(x < y),
                Two::Greater => Value::from(x > y),
                Two::AtMost => Value::from(x <= y),
                Two::AtLeast => Value::from(x >= y),
                _ => return plain(code, id, primitive, &[a.clone(), b.clone()], world),
            }
        }
        (Two::VectorRef, Value::Vector(vector), Value::Fixnum(index)) => {
            let element = vector.with(|vector| {
                let index = usize::try_from(*index).ok()?;
                vector.elements.get(index).cloned()
            });
            match element {
                Some(element) => element,
                None => return plain(code, id, primitive, &[a.clone(), b.clone()], world),
            }
        }
        _ => return plain(code, id, primitive, &[a.clone(), b.clone()], world),
    })
}
