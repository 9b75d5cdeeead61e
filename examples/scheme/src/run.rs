//! The loop that computes code.
//!
//! Simple nodes are evaluated by recursion. For every other one the frame says what it waits for
//! before it calls: `at` is the node, `part` which of its parts, `partial` what was computed of
//! those before. A call in tail position does not leave the frame, which takes on the callee's
//! code; so its marks stay, as they should.

use std::ops::Deref;

use segno::frame::{Context, Input, Place, Step};
use segno::snapshot::{Constant, Shared};

use crate::activation::Activation;
use crate::code::{Address, CONSTANT, Case, Code, Id, LOCAL, Node, One, Parts, Two};
use crate::condition::Fault;
use crate::control::{self, Applied};
use crate::marks;
use crate::number::Number;
use crate::primitive::{Action, Answer};
use crate::value::{Cell, Closure, Rib, Scope, Value};
use crate::world::World;

pub use crate::value::Slots;

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
    Value(Value),
    Enter(Constant<Code>, Id, Scope),
    /// Whatever is applied otherwise.
    Other(Value, Slots),
}

/// Where a call leads whose arguments are in a rib.
enum Callee {
    Value(Value),
    Enter(Constant<Code>, Id, Scope),
    /// Whatever is applied otherwise, to these.
    Other(Value, Constant<Rib>),
}

/// Goes on with code.
pub fn resume(
    frame: &mut Activation,
    input: Input<Activation>,
    cx: &mut Context<'_, Activation>,
) -> Step<Activation> {
    let mut got = match input {
        Input::Start => None,
        Input::Value(Value::Aborted(aborted)) => return control::aborted(&aborted, cx),
        // It was to start, and its engine ran out of fuel.
        Input::Value(Value::Unassigned) => None,
        Input::Value(value) => Some(value),
        Input::Refused(refusal) => return control::refused(*refusal, cx),
        Input::Continuation(continuation) => {
            let continuation = control::captured(continuation, cx);
            if cx.world.teleports {
                return control::pause(frame, receiver(frame), continuation, false, cx);
            }
            receive(frame, continuation, cx.world);
            None
        }
        _ => None,
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
                        Ok(value) => value,
                        Err(step) => return step,
                    },
                }
            };
        }
        // The values of parts of which some take steps.
        macro_rules! gather {
            ($parts:expr) => {
                match gather(
                    code,
                    here,
                    $parts,
                    scope,
                    part,
                    partial,
                    got.take(),
                    *marked,
                    cx,
                ) {
                    Ok(rib) => rib,
                    Err(step) => return step,
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
        // Goes on with a procedure that is known.
        macro_rules! known {
            ($rib:expr, $procedure:expr, $depth:expr) => {{
                let rib = $rib;
                let case = &code.procedures[$procedure as usize].cases[0];
                let parent = outer(scope, $depth).clone();
                let (entry, inner) = known(case, rib, parent, cx.world);
                cx.world.ribs.give(std::mem::replace(scope, inner));
                *at = entry;
                turn -= 1;
                if turn > 0 {
                    continue;
                }
                return take_turn(frame, cx);
            }};
        }
        let callee = match code.nodes[here as usize] {
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
                    *part += 1;
                }
                while let Some(&id) = before.get(usize::from(*part)) {
                    if code.is_simple(id) {
                        attempt!(eval(code, id, scope, cx.world));
                    } else if let Err(step) = begin(code, here, id, scope, *marked, cx) {
                        return step;
                    }
                    *part += 1;
                }
                *part = 0;
                *at = *last;
                continue;
            }
            Node::Let { values, body } => {
                let rib = attempt!(fill(code, values, scope, cx.world));
                *scope = Some(bind(&code, values, rib, scope.take()));
                *at = body;
                continue;
            }
            Node::LetWait { values, body } => {
                let rib = gather!(values);
                *scope = Some(bind(&code, values, rib, scope.take()));
                *at = body;
                continue;
            }
            Node::Boxes { count, body } => {
                let empty = || Value::Box(Shared::new(Cell(Value::Unassigned)));
                let slots = (0..count).map(|_| empty()).collect();
                let parent = scope.take();
                *scope = Some(Constant::new(Rib { slots, parent }));
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
                attempt!(set_global(&code, global, value, define));
                answer!(Value::Unspecified)
            }
            Node::Call {
                operator,
                arguments,
            } => {
                let rib = attempt!(fill(code, arguments, scope, cx.world));
                attempt!(call(code, operator, rib, scope, cx.world))
            }
            Node::CallCc(receiver) => {
                *at = PASS;
                if *marked {
                    let receiver = attempt!(eval(code, receiver, scope, cx.world));
                    return control::capture_marked(receiver, cx);
                }
                let body = Activation::run(shared.clone(), receiver, scope.take());
                return control::capture(body, Place::Instead, cx);
            }
            Node::CallWait {
                operator,
                arguments,
            } => {
                let rib = gather!(arguments);
                attempt!(call(code, operator, rib, scope, cx.world))
            }
            Node::CallAllWait(parts) => {
                let mut rib = gather!(parts);
                let operator = match rib.get_mut() {
                    Some(rib) => rib.slots.remove(0),
                    None => Value::Null,
                };
                attempt!(other(operator, rib, cx.world))
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
            } => known!(gather!(arguments), procedure, depth),
            Node::OneWait { op, a, primitive } => {
                let a = wait!(a);
                answer!(attempt!(one(&code, op, &a, primitive, cx.world)))
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
                let value = attempt!(two(&code, op, partial, &b, primitive, cx.world));
                b.discard();
                answer!(value)
            }
            Node::PrimitiveWait {
                primitive,
                arguments,
            } => {
                let rib = gather!(arguments);
                let value = attempt!(plain(&code, primitive, &rib.slots, cx.world));
                cx.world.ribs.give(Some(rib));
                answer!(value)
            }
            Node::Mark { key, value, body } => {
                let key = attempt!(eval(code, key, scope, cx.world));
                let value = attempt!(eval(code, value, scope, cx.world));
                marks::mark(key, value, *marked, cx);
                *marked = true;
                *at = body;
                continue;
            }
            _ => match eval(code, here, scope, cx.world) {
                Ok(value) => answer!(value),
                Err(fault) => break 'run fault,
            },
        };
        match callee {
            Callee::Value(value) => answer!(value),
            Callee::Enter(callee, entry, inner) => {
                if !shared.same(&callee) {
                    *shared = callee;
                }
                cx.world.ribs.give(std::mem::replace(scope, inner));
                *at = entry;
                *part = 0;
                turn -= 1;
                if turn == 0 {
                    return take_turn(frame, cx);
                }
            }
            Callee::Other(Value::Continuation(captured), rib) => {
                let step = attempt!(control::go_back(&captured, &rib.slots, true, *marked, cx));
                cx.world.ribs.give(Some(rib));
                cx.world.ribs.give(scope.take());
                *at = PASS;
                return step;
            }
            Callee::Other(operator, rib) => {
                let (mut operator, mut arguments) = (operator, slots_of(rib, cx.world));
                loop {
                    match control::apply(operator, arguments, true, *marked, cx) {
                        Err(fault) => return control::fail(code.locate(here, fault), cx),
                        Ok(Applied::Value(value)) => return Step::Return(value),
                        Ok(Applied::Step(step)) => {
                            *at = PASS;
                            *scope = None;
                            return step;
                        }
                        Ok(Applied::Call(next, slots)) => match self::target(next, slots, cx.world)
                        {
                            Err(fault) => return control::fail(code.locate(here, fault), cx),
                            Ok(Target::Value(value)) => return Step::Return(value),
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
                if turn == 0 {
                    return take_turn(frame, cx);
                }
            }
        }
    };
    control::fail(failed, cx)
}

/// Enters the procedure of a [`Node::CallCc`], which the frame is at.
#[inline(always)]
fn receive(frame: &mut Activation, continuation: Value, world: &mut World) {
    let Activation::Run {
        code, scope, at, ..
    } = frame
    else {
        unreachable!("the frame runs code")
    };
    let Node::Closure { procedure, depth } = code.nodes[*at as usize] else {
        unreachable!("the node is a lambda expression")
    };
    let mut rib = world.ribs.take();
    push_all(&mut rib, [continuation]);
    let case = &code.procedures[procedure as usize].cases[0];
    let parent = outer(scope, depth).clone();
    (*at, *scope) = known(case, rib, parent, world);
}

/// The procedure of a [`Node::CallCc`], which the frame is at.
pub(crate) fn receiver(frame: &Activation) -> Value {
    let Activation::Run {
        code, scope, at, ..
    } = frame
    else {
        unreachable!("the frame runs code")
    };
    match code.nodes[*at as usize] {
        Node::Closure { procedure, depth } => closure(Unit::of(code), procedure, depth, scope),
        _ => unreachable!("the node is a lambda expression"),
    }
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

/// Begins a part that is not in tail position: its value, or the step that leads to it.
fn begin(
    code: Unit<'_>,
    here: Id,
    id: Id,
    scope: &Scope,
    marked: bool,
    cx: &mut Context<'_, Activation>,
) -> Result<Value, Step<Activation>> {
    macro_rules! attempt {
        ($result:expr) => {
            match $result {
                Ok(value) => value,
                Err(fault) => {
                    let fault = code.locate(here, code.locate(id, fault));
                    return Err(control::fail(fault, cx));
                }
            }
        };
    }
    let callee = match code.nodes[id as usize] {
        Node::Call {
            operator,
            arguments,
        } => {
            let rib = attempt!(fill(code, arguments, scope, cx.world));
            attempt!(call(code, operator, rib, scope, cx.world))
        }
        Node::Known {
            procedure,
            depth,
            arguments,
        } => {
            let rib = attempt!(fill(code, arguments, scope, cx.world));
            let case = &code.procedures[procedure as usize].cases[0];
            let parent = outer(scope, depth).clone();
            let (entry, inner) = known(case, rib, parent, cx.world);
            Callee::Enter(code.shared.clone(), entry, inner)
        }
        Node::CallCc(receiver) => {
            let body = Activation::run(code.shared.clone(), receiver, scope.clone());
            return Err(control::capture(body, Place::Here, cx));
        }
        _ => Callee::Enter(code.shared.clone(), id, scope.clone()),
    };
    match callee {
        Callee::Value(value) => Ok(value),
        Callee::Enter(callee, entry, inner) => {
            // A procedure that comes to a simple node by choices alone takes no frame.
            let body = Unit::of(&callee);
            let mut at = entry;
            let fault = loop {
                if let Node::If { test, yes, no } = body.nodes[at as usize] {
                    at = match holds(body, test, &inner, cx.world) {
                        Ok(true) => yes,
                        Ok(false) => no,
                        Err(fault) => break fault,
                    };
                } else if body.simple[at as usize] {
                    match eval(body, at, &inner, cx.world) {
                        Ok(value) => {
                            cx.world.ribs.give(inner);
                            return Ok(value);
                        }
                        Err(fault) => break fault,
                    }
                } else {
                    return Err(Step::Call(Activation::run(callee, at, inner)));
                }
            };
            Err(Step::Call(Activation::Failed {
                condition: (*body.locate(at, fault)).into(),
                code: callee,
                scope: inner,
                at,
            }))
        }
        Callee::Other(Value::Continuation(captured), rib) => {
            let step = attempt!(control::go_back(&captured, &rib.slots, false, marked, cx));
            cx.world.ribs.give(Some(rib));
            Err(step)
        }
        Callee::Other(operator, rib) => {
            let arguments = slots_of(rib, cx.world);
            match attempt!(control::call(operator, arguments, marked, cx)) {
                Ok(value) => Ok(value),
                Err(step) => Err(step),
            }
        }
    }
}

/// The values of simple nodes.
#[inline(always)]
fn fill(
    code: Unit<'_>,
    parts: Parts,
    scope: &Scope,
    world: &mut World,
) -> Result<Constant<Rib>, Box<Fault>> {
    let mut rib = world.ribs.take();
    if let Some(content) = rib.get_mut() {
        for id in code.list(parts) {
            let value = match peek(code, *id, scope) {
                Some(value) => value.copy(),
                None => match quick(code, *id, scope) {
                    Some(sum) => Value::integer(sum),
                    None => eval(code, *id, scope, world)?,
                },
            };
            content.slots.push(value);
        }
    }
    Ok(rib)
}

/// Computes parts, of which some take steps, one after the other. Answers the step that has to be
/// taken first, or all of them.
#[expect(clippy::too_many_arguments, reason = "they are the parts of a frame")]
fn gather(
    code: Unit<'_>,
    here: Id,
    parts: Parts,
    scope: &Scope,
    part: &mut u16,
    partial: &mut Value,
    got: Option<Value>,
    marked: bool,
    cx: &mut Context<'_, Activation>,
) -> Result<Constant<Rib>, Step<Activation>> {
    let mut rib = match std::mem::replace(partial, Value::Null) {
        Value::Rib(rib) => rib,
        _ => cx.world.ribs.take(),
    };
    if rib.get_mut().is_none() {
        // Of a frame that others hold too, so they keep theirs.
        let theirs = std::mem::replace(&mut rib, cx.world.ribs.take());
        push_all(&mut rib, theirs.slots.iter().cloned());
    }
    let mut next = got;
    let ids = code.list(parts);
    loop {
        if let Some(value) = next.take() {
            push_all(&mut rib, [value]);
            *part += 1;
        }
        let Some(&id) = ids.get(usize::from(*part)) else {
            *part = 0;
            return Ok(rib);
        };
        let value = if code.is_simple(id) {
            eval(code, id, scope, cx.world)
                .map_err(|fault| control::fail(code.locate(here, fault), cx))
        } else {
            begin(code, here, id, scope, marked, cx)
        };
        match value {
            Ok(value) => next = Some(value),
            Err(step) => {
                *partial = Value::Rib(rib);
                return Err(step);
            }
        }
    }
}

/// Adds to a rib that nobody else holds.
#[inline(always)]
fn push_all(rib: &mut Constant<Rib>, values: impl IntoIterator<Item = Value>) {
    if let Some(rib) = rib.get_mut() {
        for value in values {
            rib.slots.push(value);
        }
    }
}

/// The values in a rib that nobody else holds, and will hold.
fn slots_of(mut rib: Constant<Rib>, world: &mut World) -> Slots {
    let slots = match rib.get_mut() {
        Some(rib) => std::mem::take(&mut rib.slots),
        None => rib.slots.clone(),
    };
    world.ribs.give(Some(rib));
    slots
}

/// The variables of a `let`.
#[inline(always)]
fn bind(code: &Code, values: Parts, mut rib: Constant<Rib>, parent: Scope) -> Constant<Rib> {
    if let Some(rib) = rib.get_mut() {
        for index in code.boxed(values) {
            put_in_box(&mut rib.slots[*index as usize]);
        }
        rib.parent = parent;
    }
    rib
}

fn put_in_box(slot: &mut Value) {
    let value = std::mem::replace(slot, Value::Null);
    *slot = Value::Box(Shared::new(Cell(value)));
}

/// The entry of a case that takes these arguments, and its variables.
#[inline(always)]
fn known(case: &Case, mut rib: Constant<Rib>, parent: Scope, world: &mut World) -> (Id, Scope) {
    let is_empty = match rib.get_mut() {
        Some(rib) if !rib.slots.is_empty() => {
            for index in &case.boxed {
                put_in_box(&mut rib.slots[usize::from(*index)]);
            }
            rib.parent = parent.clone();
            false
        }
        _ => true,
    };
    if is_empty {
        world.ribs.give(Some(rib));
        return (case.entry, parent);
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
    match outer(scope, address.depth) {
        Some(rib) => &rib.slots[usize::from(address.index)],
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
    Fault::new("this variable is not defined:", [Value::Symbol(name)])
}

/// Where a call leads: the operator is simple, the arguments are in a rib.
#[inline(always)]
fn call(
    code: Unit<'_>,
    operator: Id,
    rib: Constant<Rib>,
    scope: &Scope,
    world: &mut World,
) -> Result<Callee, Box<Fault>> {
    // The usual case: a procedure of the program, which is not cloned.
    if operator < CONSTANT
        && let Node::Global(index) = code.nodes[operator as usize]
    {
        let mut rib = Some(rib);
        let entered =
            code.globals[index as usize].with(|global| match (&global.value, rib.take()) {
                (Value::Closure(closure), Some(rib)) => Some(enter(closure, rib, world)),
                (_, back) => {
                    rib = back;
                    None
                }
            });
        if let Some(callee) = entered {
            return callee;
        }
        let operator = eval(code, operator, scope, world)?;
        let rib = rib.unwrap_or_else(|| world.ribs.take());
        return other(operator, rib, world);
    }
    if let Some(Value::Closure(closure)) = peek(code, operator, scope) {
        return enter(closure, rib, world);
    }
    let operator = eval(code, operator, scope, world)?;
    other(operator, rib, world)
}

/// Where a call of this leads.
fn other(operator: Value, rib: Constant<Rib>, world: &mut World) -> Result<Callee, Box<Fault>> {
    match operator {
        Value::Closure(closure) => enter(&closure, rib, world),
        Value::Primitive(primitive) => match primitive.action {
            Action::Plain(compute) if primitive.takes(rib.slots.len()) => {
                let value = compute(world, &rib.slots)?;
                world.ribs.give(Some(rib));
                Ok(Callee::Value(value))
            }
            _ => Ok(Callee::Other(Value::Primitive(primitive), rib)),
        },
        other => Ok(Callee::Other(other, rib)),
    }
}

/// What a procedure runs.
#[inline(always)]
fn enter(
    closure: &Constant<Closure>,
    rib: Constant<Rib>,
    world: &mut World,
) -> Result<Callee, Box<Fault>> {
    let of = &**closure;
    let procedure = &of.code.procedures[of.procedure as usize];
    let (entry, scope) = match &procedure.cases[..] {
        [case] if !case.rest && usize::from(case.required) == rib.slots.len() => {
            known(case, rib, of.scope.clone(), world)
        }
        _ => choose(closure, rib, world)?,
    };
    Ok(Callee::Enter(of.code.clone(), entry, scope))
}

/// Where a call of this leads.
pub(crate) fn target(
    operator: Value,
    slots: Slots,
    world: &mut World,
) -> Result<Target, Box<Fault>> {
    let mut rib = world.ribs.take();
    if let Some(rib) = rib.get_mut() {
        rib.slots = slots;
    }
    Ok(match other(operator, rib, world)? {
        Callee::Value(value) => Target::Value(value),
        Callee::Enter(code, entry, scope) => Target::Enter(code, entry, scope),
        Callee::Other(operator, rib) => Target::Other(operator, slots_of(rib, world)),
    })
}

/// The case of a procedure that takes these arguments.
#[inline(never)]
fn choose(
    closure: &Constant<Closure>,
    mut rib: Constant<Rib>,
    world: &mut World,
) -> Result<(Id, Scope), Box<Fault>> {
    let procedure = &closure.code.procedures[closure.procedure as usize];
    let count = rib.slots.len();
    let fits = |case: &&Case| {
        let required = usize::from(case.required);
        required == count || case.rest && required < count
    };
    let Some(case) = procedure.cases.iter().find(fits) else {
        let operator = Value::Closure(closure.clone());
        return Err(control::wrong_count(&operator, &rib.slots));
    };
    if case.rest
        && let Some(rib) = rib.get_mut()
    {
        let rest = Value::list(rib.slots.drain(usize::from(case.required)..));
        rib.slots.push(rest);
    }
    Ok(known(case, rib, closure.scope.clone(), world))
}

/// Names the value of a simple node, which is not cloned if it lies somewhere.
macro_rules! operand {
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
        return match scope {
            Some(rib) => Some(&rib.slots[usize::from(id as u16)]),
            None => None,
        };
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
    let (Value::Number(Number::Fixnum(a)), Value::Number(Number::Fixnum(b))) = (a, b) else {
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
fn holds(code: Unit<'_>, id: Id, scope: &Scope, world: &mut World) -> Result<bool, Box<Fault>> {
    match code.nodes[id as usize] {
        Node::Two { op, a, b, .. } => {
            operand!(a, code, scope, world);
            operand!(b, code, scope, world);
            if let (Value::Number(Number::Fixnum(a)), Value::Number(Number::Fixnum(b))) = (a, b) {
                match op {
                    Two::Equal | Two::IsEq => return Ok(a == b),
                    Two::Less => return Ok(a < b),
                    Two::Greater => return Ok(a > b),
                    Two::AtMost => return Ok(a <= b),
                    Two::AtLeast => return Ok(a >= b),
                    _ => {}
                }
            }
        }
        Node::One { op, a, .. } => {
            operand!(a, code, scope, world);
            match op {
                One::IsNull => return Ok(matches!(a, Value::Null)),
                One::IsPair => return Ok(matches!(a, Value::Pair(_))),
                One::Not => return Ok(!a.is_true()),
                _ => {}
            }
        }
        _ => {}
    }
    eval(code, id, scope, world).map(|value| value.is_true())
}

/// Evaluates a simple node.
pub(crate) fn eval(code: Unit<'_>, id: Id, scope: &Scope, world: &mut World) -> Answer {
    if id >= CONSTANT {
        return Ok(peek(code, id, scope).map_or(Value::Unassigned, Value::copy));
    }
    Ok(match code.nodes[id as usize] {
        Node::Local(index) => match scope {
            Some(rib) => rib.slots[usize::from(index)].copy(),
            None => Value::Unassigned,
        },
        Node::Constant(index) => code.constants[index as usize].clone(),
        Node::Outer(address) => slot(scope, address).clone(),
        Node::Boxed(address) => {
            let value = match slot(scope, address) {
                Value::Box(cell) => cell.with(|cell| cell.0.clone()),
                other => other.clone(),
            };
            if let Value::Unassigned = value {
                let fault = Fault::new("a variable is used before its definition", []);
                return Err(code.locate(id, fault));
            }
            value
        }
        Node::Global(index) => {
            let global = &code.globals[index as usize];
            let value = global.with(|global| global.value.clone());
            if let Value::Unassigned = value {
                return Err(code.locate(id, unbound(global)));
            }
            value
        }
        Node::Closure { procedure, depth } => closure(code, procedure, depth, scope),
        Node::One { op, a, primitive } => {
            operand!(a, code, scope, world);
            return one(&code, op, a, primitive, world).map_err(|fault| code.locate(id, fault));
        }
        Node::Two {
            op,
            a,
            b,
            primitive,
        } => {
            operand!(a, code, scope, world);
            operand!(b, code, scope, world);
            return two(&code, op, a, b, primitive, world).map_err(|fault| code.locate(id, fault));
        }
        Node::Primitive {
            primitive,
            arguments,
        } => {
            let rib = fill(code, arguments, scope, world)?;
            let value = plain(&code, primitive, &rib.slots, world);
            world.ribs.give(Some(rib));
            return value.map_err(|fault| code.locate(id, fault));
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
            let inner = Some(bind(&code, values, rib, scope.clone()));
            let value = eval(code, body, &inner, world);
            world.ribs.give(inner);
            return value;
        }
        Node::SetBoxed { to, value } => {
            let value = eval(code, value, scope, world)?;
            set_boxed(scope, to, value);
            Value::Unspecified
        }
        Node::SetGlobal {
            global,
            value,
            define,
        } => {
            let value = eval(code, value, scope, world)?;
            set_global(&code, global, value, define).map_err(|fault| code.locate(id, fault))?;
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

fn plain(code: &Code, primitive: u32, arguments: &[Value], world: &mut World) -> Answer {
    match &code.constants[primitive as usize] {
        Value::Primitive(primitive) => match primitive.action {
            Action::Plain(compute) => compute(world, arguments),
            _ => Err(Fault::new("the primitive does not compute", [])),
        },
        _ => Err(Fault::new("the constant is no primitive", [])),
    }
}

#[inline(always)]
fn one(code: &Code, op: One, a: &Value, primitive: u32, world: &mut World) -> Answer {
    Ok(match (op, a) {
        (One::Car, Value::Pair(pair)) => pair.with(|pair| pair.car.clone()),
        (One::Cdr, Value::Pair(pair)) => pair.with(|pair| pair.cdr.clone()),
        (One::IsNull, a) => Value::Boolean(matches!(a, Value::Null)),
        (One::IsPair, a) => Value::Boolean(matches!(a, Value::Pair(_))),
        (One::Not, a) => Value::Boolean(!a.is_true()),
        (One::IsZero, Value::Number(Number::Fixnum(n))) => Value::Boolean(*n == 0),
        _ => return plain(code, primitive, std::slice::from_ref(a), world),
    })
}

#[inline(always)]
fn two(code: &Code, op: Two, a: &Value, b: &Value, primitive: u32, world: &mut World) -> Answer {
    use Number::{Fixnum, Flonum};
    if let (Value::Number(Fixnum(a)), Value::Number(Fixnum(b))) = (a, b) {
        let sum = match op {
            Two::Add => a.checked_add(*b),
            Two::Subtract => a.checked_sub(*b),
            Two::Multiply => a.checked_mul(*b),
            Two::Equal | Two::IsEq => return Ok(Value::Boolean(a == b)),
            Two::Less => return Ok(Value::Boolean(a < b)),
            Two::Greater => return Ok(Value::Boolean(a > b)),
            Two::AtMost => return Ok(Value::Boolean(a <= b)),
            Two::AtLeast => return Ok(Value::Boolean(a >= b)),
            Two::Cons | Two::VectorRef => None,
        };
        if let Some(sum) = sum {
            return Ok(Value::Number(Fixnum(sum)));
        }
    }
    Ok(match (op, a, b) {
        (Two::Cons, a, b) => Value::cons(a.clone(), b.clone()),
        (Two::IsEq, a, b) => Value::Boolean(a.is_eq(b)),
        (_, Value::Number(Flonum(x)), Value::Number(Flonum(y))) => match op {
            Two::Add => Value::Number(Flonum(x + y)),
            Two::Subtract => Value::Number(Flonum(x - y)),
            Two::Multiply => Value::Number(Flonum(x * y)),
            Two::Equal => Value::Boolean(x == y),
            Two::Less => Value::Boolean(x < y),
            Two::Greater => Value::Boolean(x > y),
            Two::AtMost => Value::Boolean(x <= y),
            Two::AtLeast => Value::Boolean(x >= y),
            _ => return plain(code, primitive, &[a.clone(), b.clone()], world),
        },
        (Two::VectorRef, Value::Vector(vector), Value::Number(Fixnum(index))) => {
            let element = vector.with(|vector| {
                let index = usize::try_from(*index).ok()?;
                vector.elements.get(index).cloned()
            });
            match element {
                Some(element) => element,
                None => return plain(code, primitive, &[a.clone(), b.clone()], world),
            }
        }
        _ => return plain(code, primitive, &[a.clone(), b.clone()], world),
    })
}
