//! How a program goes on with a changed source.
//!
//! The outermost frame that runs a changed procedure, or holds one that it may call, is dropped
//! with all above it. The expression in the frame below that waits for it is evaluated again, by
//! its own variables: the call is made again, with what its arguments come to now. Where that
//! frame is the program itself, the form begins again. The *after*s of the `dynamic-wind`s that
//! are left run first, the innermost first.
//!
//! ```text
//!  suspend! ─┐
//!  step      │ dropped: changed, or above
//!  run-all ◀─┘ waits for (step x), which is evaluated again
//!  program     goes on with the new forms
//! ```
//!
//! From then on, the forms that are to come are the new ones. A variable that has a procedure as
//! its definition has left it there gets the new one. Of the forms that are behind, those that
//! define only variables which are new are evaluated first. Everything else that is behind is
//! behind. A procedure that is held elsewhere, in a list for instance, or by a continuation that
//! was captured, stays as it was; and where such a continuation is entered from within a
//! `dynamic-wind` that was open at the restart, that is left and entered even if it is the same.

use std::collections::HashMap;
use std::ptr;

use segno::frame::{Entry, Layout};
use segno::snapshot::{Constant, Shared};

use super::align::{Alignment, Now};
use super::held::Changed;
use super::path;
use super::reach::Reach;
use super::variables::{Variables, define, name};
use super::{Revision, under_way};
use crate::activation::Activation;
use crate::compile::compile;
use crate::condition::Fault;
use crate::environment::{Binding, Environment, Global};
use crate::expr::{Case, Expr, LambdaExpr, Variable};
use crate::interpreter::Interpreter;
use crate::program::{self, Program};
use crate::rib::Rib;
use crate::symbol::Symbol;
use crate::trace::{self, Call};
use crate::value::{Cell, Closure, Place, Value};

/// How a program was restarted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restarted {
    /// No frame was dropped: it goes on where it was, with the answer.
    GoesOn,
    /// It goes on with what is evaluated again.
    Again {
        /// The procedure that this is in, or the form that it is.
        name: String,
        /// Where.
        place: Option<Place>,
    },
}

/// A program that was changed while it was under way.
struct Replaced {
    old: Constant<Program>,
    new: Constant<Program>,
    alignment: Alignment,
}

impl Interpreter {
    /// Goes on with the program as its sources are now, of which something has
    /// [changed](Self::changes). Where it was suspended, and no frame of it has to begin again,
    /// this is what `suspend!` answers.
    ///
    /// # Errors
    ///
    /// If it was not suspended and no frame of it has to begin again: there is no telling where
    /// it would go on.
    pub fn restart(&mut self, now: &Revision, answer: Value) -> Result<Restarted, Box<Fault>> {
        let refused = || Fault::new("the program cannot be restarted where it was stopped", []);
        let continuation = self.machine.continuation().ok_or_else(refused)?;
        let reach = Reach::of(continuation.clone(), &self.world)?;
        let compared = now.compare(&reach, &self.world);
        let layout = self.world.inspector.take_apart(continuation);
        let mut entries = layout.map_err(|_| refused())?.entries;

        let changed = Changed(compared.procedures);
        let outermost = entries.iter().rposition(|entry| changed.is_in(entry));
        if outermost.is_none() && !self.is_suspended() {
            let message = "its source has changed, and it was not stopped by suspend!; \
                           it can go on with --changed keep";
            return Err(Fault::new(message, []));
        }

        let mut variables = self.variables(now, &entries);
        let replaced = replace(now, &entries, &mut variables);
        let mut afters = Vec::new();
        let (mut restarted, mut again) = (Restarted::GoesOn, None);
        if let Some(outermost) = outermost {
            let below = entries.split_off(outermost + 1);
            leave(entries, &mut afters);
            let waits = below.iter().position(begins_again).ok_or_else(refused)?;
            entries = below;
            let rest = entries.split_off(waits);
            leave(entries, &mut afters);
            entries = rest;
            (restarted, again) = begin_again(&entries[0]);
        }
        let is_form = outermost.is_some() && again.is_none();
        let mut first = Vec::new();
        for (index, entry) in entries.iter_mut().enumerate() {
            if let Entry::Frame { frame, .. } = entry
                && let Activation::Program { program, next } = frame
                && let Some(replaced) = replaced.iter().find(|it| same(&it.old, program))
            {
                let at = replaced.next(*next as usize, is_form && index == 0);
                let added = replaced.alignment.added(at);
                let forms = replaced.new.forms.iter().take(at).enumerate();
                for (index, code) in forms {
                    define(code, added.contains(&index), &variables, &mut first);
                }
                if is_form
                    && index == 0
                    && let Some(form) = replaced.new.forms.get(at)
                {
                    let (name, place) = (path::name(form, &[], 0), path::place(form));
                    restarted = Restarted::Again { name, place };
                }
                *next = u32::try_from(at).unwrap_or(u32::MAX);
                *program = replaced.new.clone();
            }
        }
        for program in &now.programs {
            // Those that are done.
            if !replaced.iter().any(|it| it.new.source == program.source) {
                for code in &program.forms {
                    define(&variables.linked(code), true, &variables, &mut first);
                }
            }
        }
        self.adopt(now);

        for entry in &mut entries {
            if let Entry::Inside { before, .. } = entry {
                inside_already(before)?;
            }
        }
        let mut top: Vec<Entry<Activation>> = Vec::new();
        if !first.is_empty() {
            let (source, forms) = ("restart".into(), first);
            let program = Constant::new(Program { source, forms });
            top.push(Entry::frame(Activation::Program { program, next: 0 }));
        }
        top.extend(afters.into_iter().map(Entry::frame));
        top.extend(again.map(Entry::frame));
        let goes_on = restarted == Restarted::GoesOn;
        if goes_on && !top.is_empty() {
            // What `suspend!` answers comes after what runs first.
            let code = compile(&Expr::Constant(answer.clone()))?;
            let operator = program::thunk(Constant::new(code));
            let arguments = Constant::new(Rib::of([], None));
            top.push(Entry::frame(Activation::Apply {
                operator,
                arguments,
            }));
        }
        top.append(&mut entries);
        let continuation = self.world.inspector.build(Layout { entries: top });
        let continuation = continuation.map_err(|_| refused())?;
        let mut machine = self.machine.beside();
        machine
            .start_with(continuation, Ok(answer))
            .map_err(|refusal| Fault::new(refusal.to_string(), []))?;
        self.machine = machine;
        Ok(restarted)
    }

    /// Which variables of the saved program those of the new code are.
    fn variables(&self, now: &Revision, entries: &[Entry<Activation>]) -> Variables {
        let mut variables = Variables::default();
        // Where forms are the same, there is no doubt.
        for (old, new) in programs(now, entries) {
            for operation in Alignment::of(&old.forms, &new.forms).operations() {
                let pairs = operation.old_range().zip(operation.new_range());
                for (old_index, new_index) in pairs {
                    variables.pair(&new.forms[new_index], &old.forms[old_index]);
                }
            }
        }
        // Else the name has to tell. What the programs themselves say comes before libraries.
        let mut by_name: HashMap<Symbol, Shared<Global>> = HashMap::new();
        let bindings = |environment: &Environment| {
            let bindings = environment.bindings.values();
            let variables = bindings.filter_map(|binding| match binding {
                Binding::Variable(global) | Binding::Imported(global) => Some(global.clone()),
                _ => None,
            });
            variables.collect::<Vec<_>>()
        };
        let mut known = self.world.environment.with(bindings);
        for (old, _) in programs(now, entries) {
            let forms = old.forms.iter().rev();
            known.extend(forms.flat_map(|form| form.globals.clone()));
        }
        for global in known {
            by_name.entry(name(&global)).or_insert(global);
        }
        for program in &now.programs {
            for global in program.forms.iter().flat_map(|form| &form.globals) {
                if let Some(saved) = by_name.get(&name(global)) {
                    variables.note(global, saved);
                }
            }
        }
        variables
    }

    /// Makes what is new in the environment known to `eval`, and notes what was read.
    fn adopt(&mut self, now: &Revision) {
        let added = now.environment.with(|environment| {
            let bindings = environment.bindings.iter();
            let variables = bindings.filter(|(_, it)| matches!(it, Binding::Variable(_)));
            let variables = variables.map(|(name, binding)| (name.clone(), binding.clone()));
            variables.collect::<Vec<_>>()
        });
        self.world.environment.update(|environment| {
            for (name, binding) in added {
                environment.bindings.entry(name).or_insert(binding);
            }
        });
        for (origin, parts) in self.world.origins.iter_mut().zip(&now.parts) {
            origin.parts.extend(parts.iter().cloned());
        }
    }
}

impl Replaced {
    /// Where the new program goes on whose old one would go on with this form: after the form
    /// that is under way, or with it.
    fn next(&self, next: usize, again: bool) -> usize {
        match under_way(next).map(|current| self.alignment.now(current)) {
            None => 0,
            Some(Now::At(at)) if again => at,
            Some(Now::At(at)) => at + 1,
            Some(Now::Before(at)) => at,
        }
    }
}

fn same(one: &Constant<Program>, other: &Constant<Program>) -> bool {
    ptr::eq::<Program>(&**one, &**other)
}

/// The programs that are under way, and what they are now.
fn programs<'a>(
    now: &'a Revision,
    entries: &'a [Entry<Activation>],
) -> impl Iterator<Item = (&'a Constant<Program>, &'a Constant<Program>)> {
    entries.iter().filter_map(|entry| match entry {
        Entry::Frame {
            frame: Activation::Program { program, .. },
            ..
        } => Some((program, now.program(&program.source)?)),
        _ => None,
    })
}

fn replace(
    now: &Revision,
    entries: &[Entry<Activation>],
    variables: &mut Variables,
) -> Vec<Replaced> {
    let mut replaced: Vec<Replaced> = Vec::new();
    for (old, new) in programs(now, entries) {
        if replaced.iter().any(|it| same(&it.old, old)) {
            continue;
        }
        let forms = new.forms.iter().map(|form| variables.linked(form));
        let program = Program {
            source: new.source.clone(),
            forms: forms.collect(),
        };
        replaced.push(Replaced {
            old: old.clone(),
            new: Constant::new(program),
            alignment: Alignment::of(&old.forms, &new.forms),
        });
    }
    replaced
}

/// Whether an expression that this frame waits for can be evaluated again, or a form of it.
fn begins_again(entry: &Entry<Activation>) -> bool {
    match entry {
        Entry::Frame { frame, .. } => match frame {
            Activation::Run { code, at, part, .. } => {
                let part = trace::part_of(code, *at, *part);
                part.is_some_and(|part| code.nodes.get(part as usize).is_some())
            }
            Activation::Program { next, .. } => *next > 0,
            _ => false,
        },
        _ => false,
    }
}

/// What evaluates again what such a frame waits for, and where that is; nothing if it is a
/// program, which does so by itself.
fn begin_again(entry: &Entry<Activation>) -> (Restarted, Option<Activation>) {
    let Entry::Frame {
        frame:
            Activation::Run {
                code,
                scope,
                at,
                part,
                ..
            },
        ..
    } = entry
    else {
        let (name, place) = (String::from("the program"), None);
        return (Restarted::Again { name, place }, None);
    };
    let call = Call::of(code, *at, *part);
    let again = trace::part_of(code, *at, *part).map(|part| Activation::Remark {
        marks: Value::Null,
        code: code.clone(),
        scope: scope.clone(),
        at: part,
    });
    let restarted = Restarted::Again {
        name: call.as_ref().map_or("", Call::name).to_owned(),
        place: call.and_then(|call| call.place),
    };
    (restarted, again)
}

/// The machine goes on by entering the whole continuation, but nobody was outside of it: the
/// *before* of a `dynamic-wind` runs from the second time on.
fn inside_already(before: &mut Activation) -> Result<(), Box<Fault>> {
    let Activation::Apply { operator, .. } = before else {
        return Ok(());
    };
    let first = Variable::new(Symbol::new("first"));
    first.assigned.set(true);
    let again = Expr::Call(Box::new(Expr::Constant(operator.clone())), Vec::new(), None);
    let enter = Expr::SetLocal(first.clone(), Box::new(Expr::Constant(false.into())));
    let lambda = LambdaExpr {
        name: None,
        place: None,
        cases: vec![Case {
            required: Vec::new(),
            rest: None,
            body: Expr::If(Box::new([Expr::Local(first.clone()), enter, again])),
        }],
    };
    let lambda = Expr::Lambda(Box::new(lambda));
    let value = Expr::Constant(true.into());
    let code = compile(&Expr::Let(vec![(first, value)], Box::new(lambda)))?;
    let cell = Value::Box(Shared::new(Cell(true.into())));
    *operator = Value::Closure(Constant::new(Closure {
        code: Constant::new(code),
        // After the form itself.
        procedure: 1,
        scope: Some(Constant::new(Rib::of([cell], None))),
    }));
    Ok(())
}

/// What has to run where these are left, the innermost first.
fn leave(entries: Vec<Entry<Activation>>, afters: &mut Vec<Activation>) {
    afters.extend(entries.into_iter().filter_map(|entry| match entry {
        Entry::Inside { after, .. } => Some(after),
        _ => None,
    }));
}
