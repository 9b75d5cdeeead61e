//! What a program that waits can still run: what waits in its frames, what is to come, and what
//! is named from there.

use std::collections::HashSet;
use std::ptr;

use segno::frame::{Continuation, Entry};
use segno::snapshot::{Constant, Shared};

use super::path::{self, Named};
use crate::activation::Activation;
use crate::code::Code;
use crate::condition::Fault;
use crate::environment::{Binding, Environment};
use crate::program::Program;
use crate::rib::Scope;
use crate::value::{CapturedKind, Promise, Value};
use crate::world::World;

/// So many frames are looked at, those of each continuation by themselves.
const FRAMES: usize = 20_000_000;

/// By these all that is defined can be reached.
const REFLECTIVE: [&str; 3] = ["eval", "load", "interaction-environment"];

/// What was found.
pub(super) struct Reach<'a> {
    world: &'a World,
    /// Procedures, once each.
    pub(super) procedures: Vec<(Constant<Code>, u32)>,
    /// Programs that are under way, and which form is the next.
    pub(super) programs: Vec<(Constant<Program>, u32)>,
    /// The addresses of what was met, by kind.
    procedures_seen: HashSet<(usize, u32)>,
    programs_seen: HashSet<(usize, u32)>,
    seen: HashSet<usize>,
    waiting: Vec<Value>,
    scopes: Vec<Scope>,
    codes: Vec<(Constant<Code>, u32)>,
    frames_left: usize,
}

fn address<T: ?Sized>(value: &T) -> usize {
    ptr::from_ref(value).cast::<()>().addr()
}

impl<'a> Reach<'a> {
    /// All that a continuation leads to.
    ///
    /// # Errors
    ///
    /// If there is too much of it.
    pub(super) fn of(
        continuation: Continuation<Activation>,
        world: &'a World,
    ) -> Result<Self, Box<Fault>> {
        let mut reach = Self {
            world,
            procedures: Vec::new(),
            programs: Vec::new(),
            procedures_seen: HashSet::new(),
            programs_seen: HashSet::new(),
            seen: HashSet::new(),
            waiting: Vec::new(),
            scopes: Vec::new(),
            codes: Vec::new(),
            frames_left: FRAMES,
        };
        reach.continuation(continuation)?;
        loop {
            if let Some((code, procedure)) = reach.codes.pop() {
                reach.procedure(&code, procedure);
            } else if let Some(scope) = reach.scopes.pop() {
                reach.scope(scope);
            } else if let Some(value) = reach.waiting.pop() {
                reach.value(value)?;
            } else {
                return Ok(reach);
            }
        }
    }

    fn is_new(&mut self, address: usize) -> bool {
        self.seen.insert(address)
    }

    fn continuation(&mut self, continuation: Continuation<Activation>) -> Result<(), Box<Fault>> {
        let left = self.frames_left.checked_sub(continuation.len());
        self.frames_left = left.ok_or_else(|| {
            let message = "its continuations are too large to be compared with the source";
            Fault::new(message, [])
        })?;
        // What goes through a frame that is spent cannot run.
        let Ok(layout) = self.world.inspector.take_apart(continuation) else {
            return Ok(());
        };
        for entry in layout.entries {
            match entry {
                Entry::Frame { frame, marks } => {
                    self.frame(&frame);
                    self.waiting.extend(marks.into_iter().map(|(_, mark)| mark));
                }
                Entry::Prompt { .. } => {}
                Entry::Inside { before, after } => {
                    self.frame(&before);
                    self.frame(&after);
                }
                Entry::Entering {
                    before,
                    body,
                    after,
                } => [before, body, after].iter().for_each(|it| self.frame(it)),
                Entry::Leaving(Ok(value)) => self.waiting.push(value),
                Entry::Leaving(Err(_)) => {}
            }
        }
        Ok(())
    }

    fn program(&mut self, program: &Constant<Program>, next: u32) {
        if self.programs_seen.insert((address(&**program), next)) {
            let rest = program.forms.get(next as usize..).unwrap_or_default();
            self.codes.extend(rest.iter().map(|form| (form.clone(), 0)));
            self.programs.push((program.clone(), next));
        }
    }

    fn node(&mut self, code: &Constant<Code>, scope: &Scope, at: u32) {
        if let Ok(procedure) = u32::try_from(code.procedure_of(at)) {
            self.codes.push((code.clone(), procedure));
        }
        self.scopes.push(scope.clone());
    }

    fn values<'v>(&mut self, values: impl IntoIterator<Item = &'v Value>) {
        self.waiting.extend(values.into_iter().cloned());
    }

    fn frame(&mut self, frame: &Activation) {
        match frame {
            Activation::Run {
                code,
                scope,
                at,
                partial,
                ..
            } => {
                self.node(code, scope, *at);
                self.values([partial]);
            }
            Activation::Remark {
                marks: value,
                code,
                scope,
                at,
            }
            | Activation::Failed {
                condition: value,
                code,
                scope,
                at,
            } => {
                self.node(code, scope, *at);
                self.values([value]);
            }
            Activation::Pass {} => {}
            Activation::Apply {
                operator,
                arguments,
            } => {
                self.values([operator]);
                self.scopes.push(Some(arguments.clone()));
            }
            Activation::Receive { receiver, .. } => self.values([receiver]),
            Activation::Deliver {
                receiver,
                continuation,
                ..
            }
            | Activation::Given {
                receiver,
                continuation,
                ..
            } => self.values([receiver, continuation]),
            Activation::Prompting { prompt }
            | Activation::Prompted { prompt }
            | Activation::Fueled { prompt, .. } => {
                self.values(&prompt.arguments);
                self.values([&prompt.handler]);
                // That of a prompt that waits was called, and is in its own frame.
                if !matches!(frame, Activation::Prompted { .. }) {
                    self.values([&prompt.operator]);
                }
            }
            Activation::Marked { mark, thunk, .. } => self.values([mark, thunk]),
            Activation::Handle {
                payload, handlers, ..
            } => self.values([payload, handlers]),
            Activation::Handled { payload: value, .. } | Activation::Escape { value } => {
                self.values([value]);
            }
            Activation::Consume { producer, consumer } => self.values([producer, consumer]),
            Activation::Force { promise } => self.values([promise]),
            Activation::Parameter { value, converter } => self.values([value, converter]),
            Activation::Parameterize {
                arguments,
                bindings,
                ..
            } => {
                self.scopes.push(Some(arguments.clone()));
                self.values([bindings]);
            }
            Activation::Top { program } => self.program(program, 0),
            Activation::Program { program, next } => self.program(program, *next),
        }
    }

    fn scope(&mut self, scope: Scope) {
        let mut next = scope;
        while let Some(rib) = next
            && self.is_new(address(&*rib))
        {
            self.values(rib.iter());
            next = rib.parent.clone();
        }
    }

    fn procedure(&mut self, code: &Constant<Code>, index: u32) {
        let Some(procedure) = code.procedures.get(index as usize) else {
            return;
        };
        if !self.procedures_seen.insert((address(&**code), index)) {
            return;
        }
        self.procedures.push((code.clone(), index));
        for node in path::nodes(code, procedure) {
            match path::named(node) {
                Named::Nothing => {}
                Named::Procedure(inner) => self.codes.push((code.clone(), inner)),
                Named::Global(global) => {
                    if let Some(global) = code.globals.get(global as usize)
                        && self.is_new(global.address())
                    {
                        let value = global.with(|global| global.value.clone());
                        self.waiting.push(value);
                    }
                }
            }
        }
        if self.is_new(address(&code.constants)) {
            self.values(&code.constants);
        }
    }

    fn environment(&mut self, environment: &Shared<Environment>) {
        if !self.is_new(environment.address()) {
            return;
        }
        environment.with(|environment| {
            for binding in environment.bindings.values() {
                match binding {
                    Binding::Variable(global) | Binding::Imported(global) => {
                        global.with(|global| self.values([&global.value]));
                    }
                    Binding::Constant(value) => self.values([value]),
                    Binding::Macro(_) | Binding::Core(_) => {}
                }
            }
        });
    }

    fn value(&mut self, value: Value) -> Result<(), Box<Fault>> {
        match &value {
            Value::Pair(pair) if self.is_new(pair.address()) => {
                pair.with(|pair| self.values([&pair.car, &pair.cdr]));
            }
            Value::Vector(vector) if self.is_new(vector.address()) => {
                vector.with(|vector| self.values(&vector.elements));
            }
            Value::Primitive(primitive) if REFLECTIVE.contains(&primitive.name) => {
                self.environment(&self.world.environment);
            }
            Value::Closure(closure) => {
                self.codes.push((closure.code.clone(), closure.procedure));
                self.scopes.push(closure.scope.clone());
            }
            Value::Continuation(captured) if self.is_new(address(&**captured)) => {
                self.values(&captured.barriers);
                let spent = match &captured.kind {
                    CapturedKind::Once(_, used) => used.with(|used| used.0.is_true()),
                    _ => false,
                };
                if !spent {
                    self.continuation(captured.continuation.clone())?;
                }
            }
            Value::Full(continuation) if self.is_new(continuation.address()) => {
                self.continuation(continuation.clone())?;
            }
            Value::Parameter(parameter) if self.is_new(address(&**parameter)) => {
                self.values([&parameter.value, &parameter.converter]);
            }
            Value::Record(record) if self.is_new(record.address()) => {
                record.with(|record| self.values(&record.fields));
            }
            Value::Promise(promise) => self.promise(promise),
            Value::Condition(condition) if self.is_new(address(&**condition)) => {
                self.values(&condition.irritants);
                self.values([&condition.message]);
            }
            Value::Values(values) | Value::Marks(values)
                if self.is_new(address(values.as_slice())) =>
            {
                self.values(values.iter());
            }
            Value::Environment(environment) => self.environment(environment),
            Value::Rib(rib) => self.scopes.push(Some(rib.clone())),
            Value::Box(cell) if self.is_new(cell.address()) => {
                cell.with(|cell| self.values([&cell.0]));
            }
            Value::Aborted(aborted) => self.values(&aborted.values),
            Value::Handover(handover) => self.values([&handover.receiver, &handover.arguments]),
            // They hold no procedure, or were met before.
            _ => {}
        }
        Ok(())
    }

    fn promise(&mut self, promise: &Shared<Promise>) {
        let mut next = Some(promise.clone());
        while let Some(promise) = next.take()
            && self.is_new(promise.address())
        {
            next = promise.with(|promise| match promise {
                Promise::Done(value) | Promise::Delayed { thunk: value, .. } => {
                    self.values([value]);
                    None
                }
                Promise::Same(other) => Some(other.clone()),
            });
        }
    }
}
