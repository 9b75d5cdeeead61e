//! Engines: computations that run on so much fuel, after Haynes and Friedman.
//!
//! A unit of fuel is a step of the machine: a call that pushes a frame, its return, a jump. Calls
//! in tail position are paid in lots. A procedure of the interpreter's own that does much at once
//! pays for it by what it goes through; where that is much more than its arguments are, before it
//! begins, and what would take too long at once is refused. The same program uses the same fuel,
//! wherever it was saved in between.
//!
//! An engine runs under a prompt of its own, whose frame has a mark that says when it began and
//! on how much. When that is used up, the frame that was to start next captures all up to the
//! prompt, as `control0` does; the frame at the prompt then calls the program's procedure in its
//! own place.
//!
//! Engines can be nested. The clock of each counts what was used in it alone, and goes on where
//! its rest goes on. An engine tells its own beginning by the clock of the engine around it. So
//! nothing in a continuation has to change while it waits.

use std::cell::Cell;

use num_bigint::Sign;
use segno::frame::{Context, Continuation, MarkKey, Operator, Place, PromptTag, Step};
use segno::snapshot::Constant;
use serde::{Deserialize, Serialize};

use crate::activation::{Activation, Prompt, Reception};
use crate::condition::Fault;
use crate::value::{Aborted, Captured, CapturedKind, Tag, Value};

/// Marks the frame of an engine.
pub(crate) const ENGINE: MarkKey = MarkKey::named("engine");

/// An engine that cannot be left, since a winder runs, is asked again after so much.
const LATER: u64 = 64;

/// So many bytes that are gone through are as much work as a step.
const BYTES: usize = 1 << 14;

/// And so many pairs.
pub(crate) const PAIRS: usize = 1 << 8;

/// And so many products of two words, in the arithmetic of large numbers.
pub(crate) const PRODUCTS: u64 = 1 << 12;

/// More than anybody can use, and still a fixnum.
const MOST: u64 = 1 << 62;

/// What was used, and when to look at the engines.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fuel {
    /// How much may be used before somebody looks. If no engine runs, more than anybody can use.
    left: Cell<u64>,
    /// How much will have been used then, since the beginning.
    until: Cell<u64>,
    /// Whether there was ever an engine.
    engines: bool,
    /// What the machine has not been told yet.
    #[serde(skip)]
    owed: Cell<u64>,
    /// What it was told, and had not been given.
    #[serde(skip)]
    debt: u64,
}

impl Default for Fuel {
    fn default() -> Self {
        Self {
            left: Cell::new(u64::MAX),
            until: Cell::new(u64::MAX),
            engines: false,
            owed: Cell::new(0),
            debt: 0,
        }
    }
}

impl Fuel {
    /// Uses a unit, and says whether it is time to look.
    #[inline(always)]
    pub(crate) fn is_up(&mut self) -> bool {
        let left = self.left.get_mut();
        *left = left.saturating_sub(1);
        *left == 0
    }

    /// Whether somebody has to look at the next call, be it one in tail position.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.left.get() == 0
    }

    /// Uses so much at once.
    pub(crate) fn charge(&mut self, units: u64) {
        let left = self.left.get_mut();
        *left = left.saturating_sub(units);
    }

    /// Pays for so many bytes that are gone through.
    #[inline]
    pub(crate) fn bytes(&self, count: usize) {
        if count >= BYTES {
            self.work((count / BYTES) as u64);
        }
    }

    /// Pays for so many pairs.
    #[inline]
    pub(crate) fn pairs(&self, count: usize) {
        if count >= PAIRS {
            self.work((count / PAIRS) as u64);
        }
    }

    /// Pays for so many products of two words.
    #[inline]
    pub(crate) fn products(&self, count: u64) {
        if count >= PRODUCTS {
            self.work(count / PRODUCTS);
        }
    }

    /// Uses so much within a step, and has the machine told at the next.
    #[cold]
    fn work(&self, units: u64) {
        self.owed.set(self.owed.get().saturating_add(units));
        let used = self.now().saturating_add(units).saturating_add(1);
        self.left.set(1);
        self.until.set(used);
    }

    /// What the machine has not been told yet: it was done within this step.
    pub(crate) fn owed(&self) -> u64 {
        self.owed.get()
    }

    /// Forgets what a program owes that is given up.
    pub(crate) fn forgive(&mut self) {
        self.owed.take();
        self.debt = 0;
    }

    /// What was done beyond what the machine was given, since somebody last asked.
    pub(crate) fn debt(&mut self) -> u64 {
        std::mem::take(&mut self.debt)
    }

    /// Whether a step has done enough, so that the next call in tail position is one.
    #[inline(always)]
    pub(crate) fn owes_much(&self) -> bool {
        self.owed.get() > 0
    }

    /// Gives a unit back, of a step that only a machine takes which is being saved.
    pub(crate) fn refund(&mut self) {
        let left = self.left.get_mut();
        *left = left.saturating_add(1);
    }

    /// Looks at the next call: other engines may be running from now on.
    pub(crate) fn look(&mut self) {
        if self.engines {
            self.wait(1);
        }
    }

    fn now(&self) -> u64 {
        self.until.get().saturating_sub(self.left.get())
    }

    fn wait(&self, units: u64) {
        let now = self.now();
        let left = units.min(u64::MAX - now).max(1);
        self.left.set(left);
        self.until.set(now.saturating_add(left));
    }
}

/// An engine that runs.
struct Engine {
    /// What the clock around it said when it began.
    began: u64,
    /// What its own clock said then.
    used: u64,
    /// On how much fuel it runs.
    fuel: u64,
    tag: Constant<Tag>,
}

impl Engine {
    fn mark(self) -> Value {
        let numbers = [self.began, self.used, self.fuel];
        let numbers = numbers.map(|number| Value::integer(number.cast_signed()));
        let tag = Value::PromptTag(self.tag);
        Value::list(numbers.into_iter().chain([tag]))
    }

    fn of(mark: &Value) -> Option<Self> {
        let parts = mark.as_list()?;
        let [began, used, fuel, Value::PromptTag(tag)] = &parts[..] else {
            return None;
        };
        Some(Self {
            began: units(began)?,
            used: units(used)?,
            fuel: units(fuel)?,
            tag: tag.clone(),
        })
    }

    /// How much it has used of its fuel, when the clock around it says this.
    fn elapsed(&self, clock: u64) -> u64 {
        clock.saturating_sub(self.began)
    }

    /// What its own clock says then.
    fn clock(&self, clock: u64) -> u64 {
        self.used.saturating_add(self.elapsed(clock))
    }
}

fn units(value: &Value) -> Option<u64> {
    match value {
        Value::Fixnum(n) => u64::try_from(*n).ok(),
        _ => None,
    }
}

/// The engines that run here, the outermost first.
fn engines(cx: &Context<'_, Activation>) -> Vec<Engine> {
    let marks = cx.marks(ENGINE, None);
    marks.iter().rev().filter_map(Engine::of).collect()
}

/// The frame of an engine: of fuel, how much was used before, a thunk or the rest of an engine,
/// and what is called when the fuel is used up.
///
/// # Errors
///
/// If the fuel is no exact nonnegative integer.
pub(crate) fn engine(arguments: &[Value]) -> Result<Activation, Box<Fault>> {
    let [fuel, used, operator, handler] = arguments else {
        return Err(Fault::new("an engine takes four arguments", arguments));
    };
    let given = match fuel {
        // Nobody can use so much.
        Value::Big(n) if n.sign() == Sign::Plus => Some(MOST),
        fuel => units(fuel),
    };
    let Some(given) = given else {
        let what = "an exact nonnegative integer";
        return Err(Fault::expected(what, fuel, "call-with-fuel"));
    };
    let arguments = match operator {
        // The frame that was to start is told to.
        Value::Continuation(_) => vec![Value::Unassigned],
        _ => Vec::new(),
    };
    let prompt = Constant::new(Prompt {
        tag: Constant::new(Tag {
            tag: PromptTag::fresh("engine"),
            name: Value::symbol("engine"),
        }),
        handler: handler.clone(),
        operator: operator.clone(),
        arguments,
        hands_over: false,
    });
    Ok(Activation::Fueled {
        prompt,
        fuel: given.min(MOST),
        used: units(used).unwrap_or(0),
    })
}

/// Begins an engine, whose frame is running.
pub(crate) fn start(tag: &Constant<Tag>, fuel: u64, used: u64, cx: &mut Context<'_, Activation>) {
    let now = cx.world.fuel.now();
    let around = engines(cx);
    let began = around.iter().fold(now, |clock, engine| engine.clock(clock));
    let engine = Engine {
        // What calls the procedure takes a step. So whatever little fuel there is, some of it is
        // left for what is called.
        began: began.saturating_add(1),
        used,
        fuel: fuel.max(1),
        tag: tag.clone(),
    };
    cx.set_mark(ENGINE, engine.mark());
    cx.world.fuel.engines = true;
    cx.world.fuel.look();
}

/// Tells the machine of what was done at once, and looks whether an engine is out of fuel: the
/// outermost one is left, if the frame that asks is one that was to start.
#[cold]
pub(crate) fn expire(starts: bool, cx: &mut Context<'_, Activation>) -> Option<Step<Activation>> {
    let owed = cx.world.fuel.owed.take();
    let found = starts.then(|| look(cx)).flatten();
    let looked = (cx.looked() / PAIRS) as u64;
    let unpaid = cx.charge(owed.saturating_add(looked));
    cx.world.fuel.debt += unpaid;
    found
}

/// Leaves the outermost engine that is out of fuel, if there is one.
fn look(cx: &mut Context<'_, Activation>) -> Option<Step<Activation>> {
    let (mut clock, mut next) = (cx.world.fuel.now(), u64::MAX);
    for engine in engines(cx) {
        let elapsed = engine.elapsed(clock);
        clock = engine.clock(clock);
        if elapsed < engine.fuel {
            next = next.min(engine.fuel - elapsed);
        } else if cx.capturable(engine.tag.tag).is_err() {
            next = next.min(LATER);
        } else {
            cx.world.fuel.wait(next);
            return Some(Step::Capture {
                tag: engine.tag.tag,
                operator: Operator::Control0,
                place: Place::Prompt,
                body: Activation::Receive {
                    receiver: Value::integer(clock.cast_signed()),
                    tag: engine.tag,
                    kind: Reception::Rest,
                    hands_over: false,
                },
            });
        }
    }
    cx.world.fuel.wait(next);
    None
}

/// Tells the frame of an engine what is left of it, and how much it has used.
pub(crate) fn used_up(
    used: Value,
    tag: &Tag,
    continuation: Continuation<Activation>,
) -> Step<Activation> {
    let rest = Value::Continuation(Constant::new(Captured {
        continuation,
        kind: CapturedKind::Composable,
        barriers: Vec::new(),
    }));
    Step::Return(Value::Aborted(Constant::new(Aborted {
        tag: tag.tag,
        values: vec![used, rest],
    })))
}
