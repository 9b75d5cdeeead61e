//! The loop that computes code.
//!
//! Simple nodes are evaluated by recursion. For every other one the frame says what it waits for
//! before it calls: `at` is the node, `part` which of its parts, `partial` what was computed of
//! those before. A call in tail position does not leave the frame, which takes on the callee's
//! code; so its marks stay, as they should.

use std::ops::Deref;

use segno::frame::{Context, Input, Step};
use segno::snapshot::{Constant, Shared};

use crate::activation::Activation;
use crate::code::{Address, Case, Code, Id, Node, One, Parts, Two};
use crate::condition::Fault;
use crate::control::{self, Applied};
use crate::marks;
use crate::number::Number;
use crate::primitive::{Action, Answer};
use crate::value::{Cell, Closure, Rib, Scope, Value};
use crate::world::World;

/// Arguments.
pub type Slots = smallvec::SmallVec<[Value; 4]>;

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

/// What became of a part that takes steps.
enum Begun {
    Value(Value),
    Step(Step<Activation>),
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
                    None => match attempt!(begin(code, $id, scope, *marked, cx)) {
                        Begun::Value(value) => value,
                        Begun::Step(step) => return step,
                    },
                }
            };
        }
        let target = match code.nodes[here as usize] {
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
                    if code.simple[id as usize] {
                        attempt!(eval(code, id, scope, cx.world));
                    } else {
                        match attempt!(begin(code, id, scope, *marked, cx)) {
                            Begun::Value(_) => {}
                            Begun::Step(step) => return step,
                        }
                    }
                    *part += 1;
                }
                *part = 0;
                *at = *last;
                continue;
            }
            Node::Let { values, body } => {
                let mut slots = Slots::new();
                for id in code.list(values) {
                    slots.push(attempt!(eval(code, *id, scope, cx.world)));
                }
                *scope = Some(bind(&code, values, slots, scope.take()));
                *at = body;
                continue;
            }
            Node::LetWait { values, body } => {
                match attempt!(gather(
                    code,
                    values,
                    scope,
                    part,
                    partial,
                    got.take(),
                    *marked,
                    cx
                )) {
                    Ok(slots) => {
                        *scope = Some(bind(&code, values, slots, scope.take()));
                        *at = body;
                        continue;
                    }
                    Err(step) => return step,
                }
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
                return Step::Return(Value::Unspecified);
            }
            Node::SetGlobalWait {
                global,
                value,
                define,
            } => {
                let value = wait!(value);
                attempt!(set_global(&code, global, value, define));
                return Step::Return(Value::Unspecified);
            }
            Node::Call {
                operator,
                arguments,
            } => attempt!(call(code, operator, arguments, scope, cx.world)),
            Node::CallWait(parts) => {
                match attempt!(gather(
                    code,
                    parts,
                    scope,
                    part,
                    partial,
                    got.take(),
                    *marked,
                    cx
                )) {
                    Ok(mut slots) => {
                        let operator = slots.remove(0);
                        attempt!(target(operator, slots, cx.world))
                    }
                    Err(step) => return step,
                }
            }
            Node::Known {
                procedure,
                depth,
                arguments,
            } => {
                let mut slots = Slots::new();
                for id in code.list(arguments) {
                    slots.push(attempt!(eval(code, *id, scope, cx.world)));
                }
                let case = &code.procedures[procedure as usize].cases[0];
                let (entry, inner) = known(case, slots, outer(scope, depth).clone());
                *scope = inner;
                *at = entry;
                turn -= 1;
                if turn > 0 {
                    continue;
                }
                return take_turn(frame, cx);
            }
            Node::KnownWait {
                procedure,
                depth,
                arguments,
            } => {
                match attempt!(gather(
                    code,
                    arguments,
                    scope,
                    part,
                    partial,
                    got.take(),
                    *marked,
                    cx
                )) {
                    Ok(slots) => {
                        let case = &code.procedures[procedure as usize].cases[0];
                        let (entry, inner) = known(case, slots, outer(scope, depth).clone());
                        *scope = inner;
                        *at = entry;
                        turn -= 1;
                        if turn > 0 {
                            continue;
                        }
                        return take_turn(frame, cx);
                    }
                    Err(step) => return step,
                }
            }
            Node::OneWait { op, a, primitive } => {
                let a = wait!(a);
                return match one(&code, op, &a, primitive, cx.world) {
                    Ok(value) => Step::Return(value),
                    Err(fault) => break 'run code.locate(here, fault),
                };
            }
            Node::TwoWait {
                op,
                a,
                b,
                primitive,
            } => {
                // Part 0 is the first argument, part 1 the second.
                if *part == 0 {
                    *partial = if code.simple[a as usize] {
                        attempt!(eval(code, a, scope, cx.world))
                    } else {
                        wait!(a)
                    };
                    *part = 1;
                }
                let b = if code.simple[b as usize] {
                    attempt!(eval(code, b, scope, cx.world))
                } else {
                    wait!(b)
                };
                return match two(&code, op, partial, &b, primitive, cx.world) {
                    Ok(value) => Step::Return(value),
                    Err(fault) => break 'run code.locate(here, fault),
                };
            }
            Node::PrimitiveWait {
                primitive,
                arguments,
            } => {
                match attempt!(gather(
                    code,
                    arguments,
                    scope,
                    part,
                    partial,
                    got.take(),
                    *marked,
                    cx
                )) {
                    Ok(slots) => {
                        return match plain(&code, primitive, &slots, cx.world) {
                            Ok(value) => Step::Return(value),
                            Err(fault) => break 'run code.locate(here, fault),
                        };
                    }
                    Err(step) => return step,
                }
            }
            Node::Mark { key, value, body } => {
                let key = attempt!(eval(code, key, scope, cx.world));
                let value = attempt!(eval(code, value, scope, cx.world));
                marks::mark(key, value, *marked, cx);
                *marked = true;
                *at = body;
                continue;
            }
            _ => {
                return match eval(code, here, scope, cx.world) {
                    Ok(value) => Step::Return(value),
                    Err(fault) => break 'run fault,
                };
            }
        };
        match target {
            Target::Value(value) => return Step::Return(value),
            Target::Enter(callee, entry, inner) => {
                if !shared.same(&callee) {
                    *shared = callee;
                }
                *scope = inner;
                *at = entry;
                *part = 0;
                turn -= 1;
                if turn == 0 {
                    return take_turn(frame, cx);
                }
            }
            Target::Other(operator, arguments) => {
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

/// Begins a part that is not in tail position.
#[inline(always)]
fn begin(
    code: Unit<'_>,
    id: Id,
    scope: &Scope,
    marked: bool,
    cx: &mut Context<'_, Activation>,
) -> Result<Begun, Box<Fault>> {
    let target = match code.nodes[id as usize] {
        Node::Call {
            operator,
            arguments,
        } => call(code, operator, arguments, scope, cx.world).map_err(|f| code.locate(id, f))?,
        Node::Known {
            procedure,
            depth,
            arguments,
        } => {
            let mut slots = Slots::new();
            for id in code.list(arguments) {
                slots.push(eval(code, *id, scope, cx.world)?);
            }
            let case = &code.procedures[procedure as usize].cases[0];
            let (entry, inner) = known(case, slots, outer(scope, depth).clone());
            let callee = Activation::run(code.shared.clone(), entry, inner);
            return Ok(Begun::Step(Step::Call(callee)));
        }
        _ => {
            let part = Activation::run(code.shared.clone(), id, scope.clone());
            return Ok(Begun::Step(Step::Call(part)));
        }
    };
    match target {
        Target::Value(value) => Ok(Begun::Value(value)),
        Target::Enter(code, entry, scope) => {
            Ok(Begun::Step(Step::Call(Activation::run(code, entry, scope))))
        }
        Target::Other(operator, arguments) => control::call(operator, arguments, marked, cx)
            .map(|done| match done {
                Ok(value) => Begun::Value(value),
                Err(step) => Begun::Step(step),
            })
            .map_err(|fault| code.locate(id, fault)),
    }
}

/// Computes parts, of which some take steps, one after the other. Answers the step that has to be
/// taken first, or all of them.
#[expect(clippy::too_many_arguments, reason = "they are the parts of a frame")]
fn gather(
    code: Unit<'_>,
    parts: Parts,
    scope: &Scope,
    part: &mut u16,
    partial: &mut Value,
    got: Option<Value>,
    marked: bool,
    cx: &mut Context<'_, Activation>,
) -> Result<Result<Slots, Step<Activation>>, Box<Fault>> {
    let mut slots = match std::mem::replace(partial, Value::Null) {
        // Of a frame that others hold too, so they keep theirs.
        Value::Rib(mut rib) => match rib.get_mut() {
            Some(rib) => std::mem::take(&mut rib.slots),
            None => rib.slots.clone(),
        },
        _ => Slots::new(),
    };
    if let Some(value) = got {
        slots.push(value);
        *part += 1;
    }
    let ids = code.list(parts);
    while let Some(&id) = ids.get(usize::from(*part)) {
        let value = if code.simple[id as usize] {
            eval(code, id, scope, cx.world)?
        } else {
            match begin(code, id, scope, marked, cx)? {
                Begun::Value(value) => value,
                Begun::Step(step) => {
                    if !slots.is_empty() {
                        let parent = None;
                        *partial = Value::Rib(Constant::new(Rib { slots, parent }));
                    }
                    return Ok(Err(step));
                }
            }
        };
        slots.push(value);
        *part += 1;
    }
    *part = 0;
    Ok(Ok(slots))
}

/// The variables of a `let`.
#[inline(always)]
fn bind(code: &Code, values: Parts, mut slots: Slots, parent: Scope) -> Constant<Rib> {
    for index in code.boxed(values) {
        put_in_box(&mut slots[*index as usize]);
    }
    Constant::new(Rib { slots, parent })
}

fn put_in_box(slot: &mut Value) {
    let value = std::mem::replace(slot, Value::Null);
    *slot = Value::Box(Shared::new(Cell(value)));
}

/// The entry of a case that takes these arguments, and its variables.
#[inline(always)]
fn known(case: &Case, mut slots: Slots, parent: Scope) -> (Id, Scope) {
    for index in &case.boxed {
        put_in_box(&mut slots[usize::from(*index)]);
    }
    let scope = match slots.is_empty() {
        true => parent,
        false => Some(Constant::new(Rib { slots, parent })),
    };
    (case.entry, scope)
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

#[inline(always)]
fn call(
    code: Unit<'_>,
    operator: Id,
    arguments: Parts,
    scope: &Scope,
    world: &mut World,
) -> Result<Target, Box<Fault>> {
    let mut slots = Slots::new();
    for id in code.list(arguments) {
        slots.push(eval(code, *id, scope, world)?);
    }
    // The usual case: a procedure of the program, which is not cloned.
    if let Node::Global(index) = code.nodes[operator as usize] {
        let callee = code.globals[index as usize].with(|global| match &global.value {
            Value::Closure(closure) => Some(closure.clone()),
            _ => None,
        });
        if let Some(closure) = callee {
            return enter(&closure, slots);
        }
    } else if let Some(Value::Closure(closure)) = peek(code, operator, scope) {
        return enter(closure, slots);
    }
    let operator = eval(code, operator, scope, world)?;
    target(operator, slots, world)
}

/// What a procedure runs.
#[inline(always)]
fn enter(closure: &Constant<Closure>, slots: Slots) -> Result<Target, Box<Fault>> {
    let of = &**closure;
    let procedure = &of.code.procedures[of.procedure as usize];
    let (entry, scope) = match &procedure.cases[..] {
        [case] if !case.rest && usize::from(case.required) == slots.len() => {
            known(case, slots, of.scope.clone())
        }
        _ => choose(closure, slots)?,
    };
    Ok(Target::Enter(of.code.clone(), entry, scope))
}

/// Where a call of this leads.
#[inline(always)]
pub(crate) fn target(
    operator: Value,
    slots: Slots,
    world: &mut World,
) -> Result<Target, Box<Fault>> {
    match operator {
        Value::Closure(closure) => enter(&closure, slots),
        Value::Primitive(primitive) => match primitive.action {
            Action::Plain(compute) if primitive.takes(slots.len()) => {
                compute(world, &slots).map(Target::Value)
            }
            _ => Ok(Target::Other(Value::Primitive(primitive), slots)),
        },
        other => Ok(Target::Other(other, slots)),
    }
}

/// The case of a procedure that takes these arguments.
fn choose(closure: &Constant<Closure>, mut slots: Slots) -> Result<(Id, Scope), Box<Fault>> {
    let procedure = &closure.code.procedures[closure.procedure as usize];
    let fits = |case: &&Case| {
        let required = usize::from(case.required);
        required == slots.len() || case.rest && required < slots.len()
    };
    let Some(case) = procedure.cases.iter().find(fits) else {
        let operator = Value::Closure(closure.clone());
        return Err(control::wrong_count(&operator, &slots));
    };
    if case.rest {
        let rest = Value::list(slots.drain(usize::from(case.required)..));
        slots.push(rest);
    }
    Ok(known(case, slots, closure.scope.clone()))
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
    match code.nodes[id as usize] {
        Node::Local(index) => match scope {
            Some(rib) => Some(&rib.slots[usize::from(index)]),
            None => None,
        },
        Node::Constant(index) => Some(&code.code.constants[index as usize]),
        Node::Outer(address) => Some(slot(scope, address)),
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
    Ok(match code.nodes[id as usize] {
        Node::Local(index) => match scope {
            Some(rib) => rib.slots[usize::from(index)].clone(),
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
            let mut slots = Slots::new();
            for id in code.list(arguments) {
                slots.push(eval(code, *id, scope, world)?);
            }
            return plain(&code, primitive, &slots, world).map_err(|fault| code.locate(id, fault));
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
            let mut slots = Slots::new();
            for id in code.list(values) {
                slots.push(eval(code, *id, scope, world)?);
            }
            let scope = Some(bind(&code, values, slots, scope.clone()));
            return eval(code, body, &scope, world);
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
