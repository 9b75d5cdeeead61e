//! One meaning, two algorithms: a random program of steps leaves the same log on the machine
//! and on a plain model, whose stack is one `Vec` that a capture copies whole.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use proptest::prelude::*;
use segno::frame::*;

mod frame_programs;

use frame_programs::*;

/// A frame of the model.
#[derive(Clone)]
enum Held {
    Script(Script),
    /// One that has no second copy: all stacks that it is in hold the same cell.
    Once(Rc<RefCell<Option<Script>>>),
    Running,
}

impl Held {
    fn new(frame: Script) -> Self {
        if frame.body.once {
            Self::Once(Rc::new(RefCell::new(Some(frame))))
        } else {
            Self::Script(frame)
        }
    }

    fn is_spent(&self) -> bool {
        matches!(self, Self::Once(cell) if cell.borrow().is_none())
    }

    fn catches(&self) -> bool {
        match self {
            Self::Script(frame) => frame.body.catches,
            Self::Once(cell) => cell.borrow().as_ref().is_some_and(Frame::catches),
            Self::Running => unreachable!(),
        }
    }
}

struct Winder {
    before: Script,
    after: Script,
}

/// What the model's stack is made of.
#[derive(Clone)]
enum Entry {
    Frame(Held, Vec<(MarkKey, Value)>),
    Prompt(PromptTag),
    HostCall(&'static str),
    /// The *before* runs above.
    Entering(Rc<Winder>, Held),
    /// The body runs above.
    Inside(Rc<Winder>),
    /// The *after* runs above, and this is what the body came to.
    Leaving(Came),
    /// A thunk runs above, on the way out or in.
    Goal(Rc<Goal>),
}

/// What frames come to. A refusal is what comes of a frame that is spent.
#[derive(Clone)]
enum Came {
    Value(Value),
    Raised(Value),
    Refused(Refusal),
}

impl From<With> for Came {
    fn from(with: With) -> Self {
        match with {
            Ok(value) => Self::Value(value),
            Err(value) => Self::Raised(value),
        }
    }
}

enum Goal {
    Leave {
        /// The index of the prompt.
        to: usize,
        keep: usize,
        then: RefCell<Option<Then>>,
    },
    /// What is still to be put on the stack; the first is the winder that is being entered.
    Enter(Vec<Entry>, With),
}

enum Then {
    Body(Operator, Script, K),
    Abort(Value),
    Replace(Vec<Entry>, With, usize),
}

enum Flow {
    Resume(Got),
    Stop(Result<Outcome<Value>, Refusal>),
}

/// What happened how often, so that it can be seen that the programs are not too tame.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    steps: usize,
    captures: usize,
    /// Of these, in place of the frame that captures; and by the only frame under the prompt.
    instead: usize,
    empty: usize,
    resumes: usize,
    replaces: usize,
    shared: usize,
    left: usize,
    entered: usize,
    raised_in_winder: usize,
    aborts: usize,
    in_winder: usize,
    settled: usize,
    settled_in: usize,
    too_deep: usize,
    barrier: usize,
    one_shot: usize,
    spent: usize,
    suspended: usize,
    ended_early: usize,
}

struct Model {
    stack: Vec<Entry>,
    world: World,
    limits: Limits,
    /// How many frames there are after each step outside of host calls.
    depths: Vec<usize>,
    counts: Counts,
    /// How many more steps it may do outside of host calls.
    fuel: u64,
    /// What it goes on with, out of fuel.
    left: Option<Got>,
    too_large: bool,
}

fn frames(entries: &[Entry]) -> usize {
    let is_frame = |entry: &&Entry| matches!(entry, Entry::Frame(..));
    entries.iter().filter(is_frame).count()
}

fn winders(entries: &[Entry]) -> Vec<&Rc<Winder>> {
    let mut found = Vec::new();
    for entry in entries {
        if let Entry::Inside(winder) = entry {
            found.push(winder);
        }
    }
    found
}

impl Host for Model {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn set_mark(&mut self, key: MarkKey, value: Value) {
        let Some(Entry::Frame(_, marks)) = self.stack.last_mut() else {
            unreachable!()
        };
        marks.retain(|mark| mark.0 != key);
        marks.push((key, value));
    }

    fn mark(&self, key: MarkKey) -> Option<Value> {
        self.marks(key, None).into_iter().next()
    }

    fn marks(&self, key: MarkKey, to: Option<PromptTag>) -> Vec<Value> {
        let mut found = Vec::new();
        for entry in self.stack.iter().rev() {
            match entry {
                Entry::Frame(_, marks) => {
                    let of_key = marks.iter().filter(|mark| mark.0 == key);
                    found.extend(of_key.map(|mark| mark.1.clone()));
                }
                Entry::Prompt(tag) if Some(*tag) == to => break,
                _ => {}
            }
        }
        found
    }

    fn capturable(&self, tag: PromptTag) -> Result<(), Refusal> {
        self.locate(tag, true).map(|_| ())
    }

    fn barrier(
        &mut self,
        host_call: &'static str,
        frame: Script,
    ) -> Result<Value, Interrupted<Value>> {
        let nested = |entry: &&Entry| matches!(entry, Entry::HostCall(_));
        let limit = self.limits.nesting;
        if self.stack.iter().filter(nested).count() >= limit {
            return Err(Interrupted::Refused(Refusal::Nesting { limit }));
        }
        self.check_depth(0).map_err(Interrupted::Refused)?;
        let at = self.stack.len();
        self.stack.push(Entry::HostCall(host_call));
        let flow = self.call(frame);
        let came = self.run(flow);
        self.stack.truncate(at);
        match came {
            Ok(Outcome::Done(value)) => Ok(value),
            Ok(Outcome::Raised(error)) => Err(Interrupted::Raised(error)),
            Ok(_) => unreachable!(),
            Err(refusal) => Err(Interrupted::Refused(refusal)),
        }
    }
}

impl Model {
    fn new(program: &Program) -> Self {
        Self {
            stack: Vec::new(),
            world: World::new(program),
            limits: limits(),
            depths: Vec::new(),
            counts: Counts::default(),
            fuel: u64::MAX,
            left: None,
            too_large: false,
        }
    }

    fn run(&mut self, mut flow: Flow) -> Result<Outcome<Value>, Refusal> {
        loop {
            let input = match flow {
                Flow::Resume(input) => input,
                Flow::Stop(outcome) => return outcome,
            };
            if self.world.nesting == 0 {
                if self.fuel == 0 {
                    self.left = Some(input);
                    return Ok(Outcome::OutOfFuel);
                }
                self.fuel -= 1;
            }
            self.too_large |= self.stack.len() > ENTRIES;
            if self.too_large {
                return Ok(Outcome::Done(Value::Number(0)));
            }
            let Some(Entry::Frame(held, _)) = self.stack.last_mut() else {
                unreachable!()
            };
            let mut frame = match std::mem::replace(held, Held::Running) {
                Held::Script(frame) => frame,
                Held::Once(cell) => cell.take().unwrap(),
                Held::Running => unreachable!(),
            };
            let does = interpret(&mut frame, input, self);
            let Some(Entry::Frame(held, _)) = self.stack.last_mut() else {
                unreachable!()
            };
            *held = Held::new(frame);
            flow = match self.act(does) {
                Ok(flow) => flow,
                Err(refusal) => {
                    match refusal {
                        Refusal::InWinder => self.counts.in_winder += 1,
                        Refusal::Depth { .. } => self.counts.too_deep += 1,
                        Refusal::Barrier { .. } => self.counts.barrier += 1,
                        Refusal::OneShot { .. } => self.counts.one_shot += 1,
                        _ => {}
                    }
                    Flow::Resume(Got::Refused(refusal))
                }
            };
            if self.world.nesting == 0 {
                self.depths.push(frames(&self.stack));
            }
        }
    }

    fn call(&mut self, frame: Script) -> Flow {
        self.stack.push(Entry::Frame(Held::new(frame), Vec::new()));
        Flow::Resume(Got::Start)
    }

    fn check_depth(&self, more: usize) -> Result<(), Refusal> {
        let limit = self.limits.depth;
        if frames(&self.stack) + more >= limit {
            return Err(Refusal::Depth { limit });
        }
        Ok(())
    }

    fn check(&self, k: &[Entry], on: usize) -> Result<(), Refusal> {
        let limit = self.limits.depth;
        if on + frames(k) > limit {
            return Err(Refusal::Depth { limit });
        }
        let is_spent = |entry: &Entry| match entry {
            Entry::Frame(held, _) | Entry::Entering(_, held) => held.is_spent(),
            _ => false,
        };
        if k.iter().any(is_spent) {
            return Err(Refusal::OneShot { frame: LOCK });
        }
        Ok(())
    }

    /// What takes the place of a goal.
    fn instead(&self, goal: &Goal) -> Option<Entry> {
        let of_model = |k: &[Entry]| K::Model(frames(k), Rc::new(k.to_vec()));
        match goal {
            Goal::Leave { to, then, .. } => {
                let Entry::Prompt(tag) = self.stack[*to] else {
                    unreachable!()
                };
                let frame = Script::escaping(match then.borrow().as_ref()? {
                    Then::Body(_, body, _) if body.body.once => return None,
                    Then::Body(operator, body, k) => {
                        let body = Script::escaping(Escape::Given(body.clone(), k.clone()))?;
                        Escape::Capture(tag, *operator, body)
                    }
                    Then::Abort(value) => Escape::Abort(tag, value.clone()),
                    Then::Replace(k, with, _) => Escape::Replace(tag, of_model(k), with.clone()),
                })?;
                Some(Entry::Frame(Held::new(frame), Vec::new()))
            }
            Goal::Enter(rest, with) => {
                let [Entry::Inside(winder), rest @ ..] = &rest[..] else {
                    unreachable!()
                };
                let is_prompt = |entry: &&Entry| matches!(entry, Entry::Prompt(_));
                let mut copied = rest.iter().take_while(|entry| !is_prompt(entry));
                if copied.any(|entry| matches!(entry, Entry::Frame(Held::Once(_), _))) {
                    return None;
                }
                let body = Script::escaping(Escape::Resume(of_model(rest), with.clone()))?;
                Some(Entry::Entering(winder.clone(), Held::new(body)))
            }
        }
    }

    /// Puts something in the places of goals above an entry.
    fn settle(&mut self, at: usize) {
        for index in at..self.stack.len() {
            if let Entry::Goal(goal) = &self.stack[index] {
                let instead = self.instead(goal).unwrap();
                match instead {
                    Entry::Frame(..) => self.counts.settled += 1,
                    _ => self.counts.settled_in += 1,
                }
                self.stack[index] = instead;
            }
        }
    }

    /// How many frames will take the place of goals.
    fn escapes(&self, at: usize) -> usize {
        let leaves = |entry: &&Entry| matches!(entry, Entry::Goal(goal) if matches!(**goal, Goal::Leave { .. }));
        self.stack[at..].iter().filter(leaves).count()
    }

    fn locate(&self, tag: PromptTag, captures: bool) -> Result<usize, Refusal> {
        for (index, entry) in self.stack.iter().enumerate().rev() {
            match entry {
                Entry::Prompt(found) if *found == tag => return Ok(index),
                Entry::HostCall(host_call) => return Err(Refusal::Barrier { host_call }),
                Entry::Goal(goal) if captures && self.instead(goal).is_none() => {
                    return Err(Refusal::InWinder);
                }
                _ => {}
            }
        }
        Err(Refusal::NoSuchPrompt(tag))
    }

    fn act(&mut self, does: Does) -> Result<Flow, Refusal> {
        let of_model = |k| match k {
            K::Model(_, k) => k.downcast::<Vec<Entry>>().unwrap(),
            K::Machine(_) => unreachable!(),
        };
        Ok(match does {
            Does::Return(value) => {
                self.stack.pop();
                self.deliver(Came::Value(value))
            }
            Does::Raise(value) => {
                self.stack.pop();
                self.deliver(Came::Raised(value))
            }
            Does::Call(frame) => {
                self.check_depth(0)?;
                self.call(frame)
            }
            Does::TailCall(frame) => {
                self.stack.pop();
                self.call(frame)
            }
            Does::Prompt(tag, body) => {
                self.check_depth(0)?;
                self.stack.push(Entry::Prompt(tag));
                self.call(body)
            }
            Does::Capture(tag, operator, place, body) => {
                let at = self.locate(tag, true)?;
                match (place, self.escapes(at)) {
                    (Place::Here, escapes) => self.check_depth(escapes)?,
                    (_, 0) => {}
                    (_, escapes) => self.check_depth(escapes - 1)?,
                }
                self.counts.captures += 1;
                if place == Place::Instead {
                    self.counts.instead += 1;
                    self.stack.pop();
                    let is_frame = |entry: &Entry| matches!(entry, Entry::Frame(..));
                    self.counts.empty += usize::from(!self.stack[at..].iter().any(is_frame));
                }
                self.settle(at);
                let first = if operator.takes_prompt() { at } else { at + 1 };
                let entries = self.stack[first..].to_vec();
                let k = K::Model(frames(&entries), Rc::new(entries));
                match place {
                    Place::Here | Place::Instead => {
                        self.call(body);
                        Flow::Resume(Got::K(k))
                    }
                    Place::Prompt => self.leave(at, 0, Then::Body(operator, body, k)),
                }
            }
            Does::Abort(tag, value) => {
                let at = self.locate(tag, false)?;
                self.counts.aborts += 1;
                self.leave(at, 0, Then::Abort(value))
            }
            Does::Resume(k, with) => {
                let k = of_model(k);
                self.check(&k, frames(&self.stack))?;
                self.counts.resumes += 1;
                self.enter(k.to_vec(), with, 0)
            }
            Does::TailResume(k, with) => {
                let k = of_model(k);
                self.check(&k, frames(&self.stack) - 1)?;
                self.counts.resumes += 1;
                self.stack.pop();
                self.enter(k.to_vec(), with, 0)
            }
            Does::Replace(tag, k, with) => {
                let k = of_model(k);
                let at = self.locate(tag, false)?;
                self.check(&k, frames(&self.stack[..at]))?;
                let shared = winders(&self.stack[at..])
                    .iter()
                    .zip(winders(&k))
                    .take_while(|(a, b)| Rc::ptr_eq(a, b))
                    .count();
                self.counts.replaces += 1;
                self.counts.shared += shared;
                self.leave(at, shared, Then::Replace(k.to_vec(), with, shared))
            }
            Does::Wind(before, body, after) => {
                self.check_depth(0)?;
                if before.body.once || after.body.once {
                    return Err(Refusal::OneShot { frame: LOCK });
                }
                let winder = Rc::new(Winder {
                    before: before.clone(),
                    after,
                });
                self.stack.push(Entry::Entering(winder, Held::new(body)));
                self.call(before)
            }
            Does::Suspend(value) => {
                let host_call = |entry: &Entry| match entry {
                    Entry::HostCall(host_call) => Some(*host_call),
                    _ => None,
                };
                if let Some(host_call) = self.stack.iter().rev().find_map(host_call) {
                    return Err(Refusal::Barrier { host_call });
                }
                self.counts.suspended += 1;
                Flow::Stop(Ok(Outcome::Suspended(value)))
            }
        })
    }

    /// Gives what the frames above came to, to what is on top of the stack.
    fn deliver(&mut self, mut came: Came) -> Flow {
        loop {
            match self.stack.pop() {
                None => break,
                Some(host_call @ Entry::HostCall(_)) => {
                    self.stack.push(host_call);
                    break;
                }
                Some(Entry::Frame(held, marks)) => match came {
                    Came::Raised(_) if !held.catches() => {}
                    _ if held.is_spent() => {
                        self.counts.spent += 1;
                        came = Came::Refused(Refusal::OneShot { frame: LOCK });
                    }
                    came => {
                        self.stack.push(Entry::Frame(held, marks));
                        return Flow::Resume(match came {
                            Came::Value(value) => Got::Value(value),
                            Came::Raised(error) => Got::Raised(error),
                            Came::Refused(refusal) => Got::Refused(refusal),
                        });
                    }
                },
                Some(Entry::Prompt(_)) => {}
                Some(Entry::Entering(winder, body)) => {
                    if let Came::Value(_) = came {
                        if !body.is_spent() {
                            self.stack.push(Entry::Inside(winder));
                            self.stack.push(Entry::Frame(body, Vec::new()));
                            return Flow::Resume(Got::Start);
                        }
                        self.counts.spent += 1;
                        came = Came::Refused(Refusal::OneShot { frame: LOCK });
                    }
                }
                Some(Entry::Inside(winder)) => {
                    self.stack.push(Entry::Leaving(came));
                    return self.call(winder.after.clone());
                }
                Some(Entry::Leaving(body)) => {
                    if let Came::Value(_) = came {
                        came = body;
                    }
                }
                Some(Entry::Goal(goal)) => {
                    if let Came::Value(_) = came {
                        return match Rc::into_inner(goal).unwrap() {
                            Goal::Leave { to, keep, then } => {
                                self.leave(to, keep, then.take().unwrap())
                            }
                            Goal::Enter(mut rest, with) => {
                                self.stack.push(rest.remove(0));
                                self.enter(rest, with, 0)
                            }
                        };
                    }
                    self.counts.raised_in_winder += 1;
                }
            }
        }
        Flow::Stop(match came {
            Came::Value(value) => Ok(Outcome::Done(value)),
            Came::Raised(error) => Ok(Outcome::Raised(error)),
            Came::Refused(refusal) => Err(refusal),
        })
    }

    fn finish(&mut self, mut flow: Flow) -> Ending {
        loop {
            match self.run(flow) {
                Ok(Outcome::Suspended(question)) => {
                    let answer = self.world.answer(&question);
                    flow = self.deliver(answer.into());
                }
                outcome => return Ending::new(&self.world, &outcome),
            }
        }
    }

    /// The whole stack, for elsewhere: its winders are others there. There is none on the
    /// way to a goal.
    fn detached(&self) -> Option<Vec<Entry>> {
        fn other(known: &mut Vec<(Rc<Winder>, Rc<Winder>)>, winder: &Rc<Winder>) -> Rc<Winder> {
            if let Some((_, other)) = known.iter().find(|(one, _)| Rc::ptr_eq(one, winder)) {
                return other.clone();
            }
            let other = Rc::new(Winder {
                before: winder.before.clone(),
                after: winder.after.clone(),
            });
            known.push((winder.clone(), other.clone()));
            other
        }

        let mut known = Vec::new();
        let entry = |entry: &Entry| match entry {
            Entry::Inside(winder) => Some(Entry::Inside(other(&mut known, winder))),
            Entry::Entering(winder, body) => {
                Some(Entry::Entering(other(&mut known, winder), body.clone()))
            }
            Entry::Goal(_) => None,
            entry => Some(entry.clone()),
        };
        self.stack.iter().map(entry).collect()
    }

    /// Runs the *after*s above the prompt, innermost first, but for so many.
    fn leave(&mut self, to: usize, keep: usize, then: Then) -> Flow {
        if winders(&self.stack[to..]).len() > keep {
            loop {
                if let Some(Entry::Inside(winder)) = self.stack.pop() {
                    let then = RefCell::new(Some(then));
                    self.counts.left += 1;
                    self.stack
                        .push(Entry::Goal(Rc::new(Goal::Leave { to, keep, then })));
                    return self.call(winder.after.clone());
                }
            }
        }
        self.stack.truncate(to + 1);
        match then {
            Then::Body(operator, body, k) => {
                if !operator.keeps_prompt() {
                    self.stack.pop();
                }
                self.call(body);
                Flow::Resume(Got::K(k))
            }
            Then::Abort(value) => {
                self.stack.pop();
                self.deliver(Came::Value(value))
            }
            Then::Replace(k, with, shared) => self.enter(k, with, shared),
        }
    }

    /// Puts a continuation on top, and runs the *before*s on the way, but for so many.
    fn enter(&mut self, entries: Vec<Entry>, with: With, mut shared: usize) -> Flow {
        let mut rest = entries.into_iter();
        while let Some(entry) = rest.next() {
            if let Entry::Inside(winder) = &entry {
                if shared == 0 {
                    let before = winder.before.clone();
                    let rest = [entry].into_iter().chain(rest).collect();
                    self.counts.entered += 1;
                    self.stack
                        .push(Entry::Goal(Rc::new(Goal::Enter(rest, with))));
                    return self.call(before);
                }
                shared -= 1;
            }
            self.stack.push(entry);
        }
        self.deliver(with.into())
    }
}

fn by_model(program: &Program) -> (Ending, Model) {
    by_limited_model(program, limits())
}

fn by_limited_model(program: &Program, limits: Limits) -> (Ending, Model) {
    let mut model = Model::new(program);
    model.limits = limits;
    let flow = model.call(root());
    let ending = model.finish(flow);
    model.counts.steps = model.world.steps;
    model.counts.ended_early = usize::from(model.world.steps <= STEPS);
    (ending, model)
}

#[test]
fn one_meaning_on_machine_and_model() {
    let total = RefCell::new(Vec::<Counts>::new());
    for_all(20_000, Without::default(), |program, _| {
        let (expected, model) = by_model(program);
        if model.too_large {
            return Ok(());
        }
        total.borrow_mut().push(model.counts);
        let straight = by_machine(machine(), World::new(program), u64::MAX);
        same(&straight, &expected)
    });
    let sum = |of: fn(&Counts) -> usize| {
        let sum = total.borrow().iter().map(of).sum::<usize>();
        assert!(sum > 0 || total.borrow().len() < 1_000, "too tame");
        sum
    };
    println!(
        "{} programs, {} steps, {} ended of themselves; {} captures, {} in \
         place, {} of nothing, {} resumes, {} replaces, \
         {} shared winders, {} left, {} entered, {} raised in one, {} aborts; refused: {} in a \
         winder, {} too deep, {} barrier, {} one-shot; {} spent; {} suspended",
        total.borrow().len(),
        sum(|c| c.steps),
        sum(|c| c.ended_early),
        sum(|c| c.captures),
        sum(|c| c.instead),
        sum(|c| c.empty),
        sum(|c| c.resumes),
        sum(|c| c.replaces),
        sum(|c| c.shared),
        sum(|c| c.left),
        sum(|c| c.entered),
        sum(|c| c.raised_in_winder),
        sum(|c| c.aborts),
        sum(|c| c.in_winder),
        sum(|c| c.too_deep),
        sum(|c| c.barrier),
        sum(|c| c.one_shot),
        sum(|c| c.spent),
        sum(|c| c.suspended),
    );
}

/// A program in which escapes are frequent, and winders that capture.
fn escaping(program: &Program, number: u64) -> Program {
    let mut program = program.clone();
    let mut choose = Choices(number.wrapping_mul(0x9e37_79b9_7f4a_7c15), 0);
    let body = |block| Body {
        block,
        catches: false,
        once: false,
    };
    let capture = |choose: &mut Choices, place| Op::Capture {
        tag: choose.tag(),
        operator: [Operator::Shift, Operator::Control0][choose.below(2)],
        place,
        body: body(BLOCKS - 3),
        slot: choose.slot(),
    };
    let places = [Place::Here, Place::Instead, Place::Prompt];
    for block in [BLOCKS - 2, BLOCKS - 1] {
        let place = places[choose.below(3)];
        let op = capture(&mut choose, place);
        program[block].insert(0, op);
    }
    let leaves = match choose.below(2) {
        0 => Op::Abort(choose.tag(), What::Sum),
        _ => Op::Replace(choose.tag(), choose.r#use(Without::default())),
    };
    program[4].insert(0, leaves);
    for block in [2, 3] {
        let thunk = |choose: &mut Choices| body(BLOCKS - 1 - choose.below(2));
        let wind = Op::Wind {
            before: thunk(&mut choose),
            body: body(block + 1 + choose.below(2)),
            after: thunk(&mut choose),
        };
        program[block].insert(0, wind);
    }
    program[2].insert(0, capture(&mut choose, Place::Here));
    program
}

/// Among so many programs some capture an escape.
const MANY: u32 = 1_000;

/// The same where captures cross escapes, and the limit of depth is met.
#[test]
fn one_meaning_of_captures_by_escapes() {
    let (programs, settled, entering) = (Cell::new(0), Cell::new(0), Cell::new(0));
    for_all(10_000, Without::default(), |program, number| {
        programs.set(programs.get() + 1);
        with_escapes(|| {
            let program = escaping(program, number);
            let depth = match usize::try_from(number).unwrap() {
                odd if odd % 2 == 1 => DEPTH,
                even => 4 + even % 16,
            };
            let limits = Limits { depth, ..limits() };
            let (expected, model) = by_limited_model(&program, limits);
            if model.too_large {
                return Ok(());
            }
            settled.set(settled.get() + model.counts.settled);
            entering.set(entering.get() + model.counts.settled_in);
            for fuel in [u64::MAX, 1] {
                let found = by_machine(limited_machine(limits), World::new(&program), fuel);
                same(&found, &expected)?;
            }
            Ok(())
        })
    });
    println!(
        "{} escapes captured, {} entries",
        settled.get(),
        entering.get()
    );
    assert!(settled.get() > 0 && entering.get() > 0 || programs.get() < MANY);
}

/// Whoever asks for the whole computation changes nothing: not on the way of an escape either, but
/// that a frame takes the place of it.
#[test]
fn who_looks_at_an_escape_changes_nothing() {
    let (programs, looked) = (Cell::new(0), Cell::new(0));
    for_all(5_000, Without::default(), |program, number| {
        programs.set(programs.get() + 1);
        with_escapes(|| {
            let program = escaping(program, number);
            let (mut expected, model) = by_limited_model(&program, limits());
            let is_early = |steps: usize| steps * 2 < STEPS;
            if model.too_large || model.counts.too_deep > 0 || !is_early(model.world.steps) {
                return Ok(());
            }
            drop(model);
            let (mut machine, mut world) = (machine(), World::new(&program));
            let outcome = loop {
                let outcome = machine.run_for(1, &mut world);
                let len = machine.continuation().map(|k| k.len());
                prop_assert!(len.is_none_or(|len| len == machine.depth()));
                match outcome {
                    Ok(Outcome::Suspended(question)) => {
                        machine.answer(world.answer(&question)).unwrap();
                    }
                    Ok(Outcome::OutOfFuel) => {}
                    outcome => break outcome,
                }
            };
            let mut found = Ending::new(&world, &outcome);
            let len = found.log.len();
            for ending in [&mut found, &mut expected] {
                let is_escape = |event: &Event| matches!(event, Event::Resumed { block, .. } if *block == BLOCKS);
                ending.log.retain(|event| !is_escape(event));
            }
            looked.set(looked.get() + len - found.log.len());
            same(&found, &expected)?;
            drop((world, outcome));
            clear_escapes();
            prop_assert_eq!((machine.depth(), machine.sealed_frames()), (0, 0));
            Ok(())
        })
    });
    println!("{} escapes looked at", looked.get());
    assert!(looked.get() > 0 || programs.get() < MANY);
}

#[test]
fn a_run_in_portions_is_the_same_run() {
    for_all(3_000, Without::default(), |program, _| {
        let (expected, model) = by_model(program);
        if model.too_large {
            return Ok(());
        }
        for fuel in [2, 3, 7] {
            let found = by_machine(machine(), World::new(program), fuel);
            same(&found, &expected)?;
        }
        let mut machine = machine();
        let mut world = World::new(program);
        let mut depths = Vec::new();
        let outcome = loop {
            let outcome = machine.run_for(1, &mut world);
            depths.push(machine.depth());
            match outcome {
                Ok(Outcome::Suspended(question)) => {
                    machine.answer(world.answer(&question)).unwrap();
                }
                Ok(Outcome::OutOfFuel) => {}
                outcome => break outcome,
            }
        };
        same(&Ending::new(&world, &outcome), &expected)?;
        // The answer to the last question may be an end without a step.
        depths.truncate(model.depths.len());
        prop_assert_eq!(depths, model.depths);
        Ok(())
    });
}

/// The whole rest of a computation goes on elsewhere, and the machine that it was taken from
/// goes on too.
#[test]
fn a_detached_continuation_goes_on_elsewhere() {
    let moved = Cell::new(0);
    for_all(5_000, Without::default(), |program, pause| {
        let (expected, model) = by_model(program);
        if model.too_large {
            return Ok(());
        }
        let mut model = Model::new(program);
        let mut flow = model.call(root());
        let mut here = machine();
        let mut world = World::new(program);
        let mut steps = 0;
        // Both stop after the same step, and get the same answer if they ask.
        let answer = loop {
            steps += 1;
            model.fuel = 1;
            let by_model = model.run(flow);
            let by_machine = here.run_for(1, &mut world);
            match (by_machine, by_model) {
                (Ok(Outcome::Suspended(question)), Ok(Outcome::Suspended(same))) => {
                    let _ = model.world.answer(&same);
                    let answer = world.answer(&question);
                    if steps > pause {
                        break Some(answer);
                    }
                    flow = model.deliver(answer.clone().into());
                    here.answer(answer).unwrap();
                    if let Flow::Stop(_) = flow {
                        return Ok(());
                    }
                }
                (Ok(Outcome::OutOfFuel), Ok(Outcome::OutOfFuel)) => {
                    // Only with a result in hand can it go on elsewhere; but the machine must
                    // go on in any case.
                    let result = matches!(model.left, Some(Got::Value(_) | Got::Raised(_)));
                    if steps > pause && (result || pause % 4 == 0) {
                        break None;
                    }
                    flow = Flow::Resume(model.left.take().unwrap());
                }
                (outcome, _) => return same(&Ending::new(&world, &outcome), &expected),
            }
        };
        let entries = model.detached();
        let continuation = here.continuation();
        prop_assert_eq!(
            continuation.as_ref().map(Continuation::len),
            entries.as_deref().map(frames)
        );
        let detached = continuation.map(Continuation::detach);
        let mut elsewhere = world.clone();
        // The model goes on too: it may take frames that the other copy cannot have then.
        let mut stays = Model {
            stack: std::mem::take(&mut model.stack),
            world: model.world.clone(),
            ..Model::new(program)
        };
        let mut ended = None;
        let flow;
        let with = if let Some(answer) = answer {
            here.answer(answer.clone()).unwrap();
            flow = stays.deliver(answer.clone().into());
            Some((answer.clone(), answer))
        } else {
            // What a machine goes on with is its secret, but the next frame tells.
            let outcome = here.run_for(1, &mut world);
            let with = world.last.take();
            match outcome {
                Ok(Outcome::Suspended(question)) => {
                    here.answer(world.answer(&question)).unwrap();
                }
                Ok(Outcome::OutOfFuel) => {}
                outcome => ended = Some(Ending::new(&world, &outcome)),
            }
            let left = model.left.take().unwrap();
            let of_model = match &left {
                Got::Value(value) => Some(Ok(value.clone())),
                Got::Raised(value) => Some(Err(value.clone())),
                _ => None,
            };
            flow = Flow::Resume(left);
            with.zip(of_model)
        };
        let ended = ended.unwrap_or_else(|| finish(&mut here, &mut world, u64::MAX));
        same(&ended, &expected)?;
        same(&stays.finish(flow), &expected)?;

        if let (Some(k), Some(entries), Some((with, of_model))) = (detached, entries, with) {
            let is_once = |entry: &Entry| {
                matches!(
                    entry,
                    Entry::Frame(Held::Once(_), _) | Entry::Entering(_, Held::Once(_))
                )
            };
            if entries.iter().any(is_once) {
                // The machine has it.
                prop_assert_eq!(k.unwrap_err(), Refusal::OneShot { frame: LOCK });
                return Ok(());
            }
            let k = k.unwrap().attach();
            prop_assert_eq!(k.len(), frames(&entries));
            moved.set(moved.get() + 1);
            let mut there = Machine::idle();
            there.set_limits(limits());
            there.start_with(k, with).unwrap();
            let found = finish(&mut there, &mut elsewhere, u64::MAX);
            let mut model = Model {
                stack: Vec::new(),
                fuel: u64::MAX,
                ..model
            };
            let flow = model.enter(entries, of_model, 0);
            same(&found, &model.finish(flow))?;
        }
        Ok(())
    });
    println!("{} continuations moved", moved.get());
}

#[test]
fn who_resumes_once_clones_nothing() {
    let resumed = Cell::new(0);
    let without = Without {
        sharing: true,
        once: true,
    };
    for_all(5_000, without, |program, _| {
        let before = CLONES.get();
        let mut world = World::new(program);
        let _ = finish(&mut machine(), &mut world, u64::MAX);
        prop_assert_eq!(CLONES.get(), before);
        resumed.set(resumed.get() + by_model(program).1.counts.resumes);
        Ok(())
    });
    println!("{} resumed", resumed.get());
}

/// What the machine and the model count alike.
#[test]
fn limits_of_depth_and_nesting_are_the_same() {
    for_all(5_000, Without::default(), |program, number| {
        let limits = Limits {
            depth: 1 + (number / 3) as usize % 10,
            nesting: number as usize % 3,
            ..limits()
        };
        let (expected, model) = by_limited_model(program, limits);
        if model.too_large {
            return Ok(());
        }
        let found = by_machine(limited_machine(limits), World::new(program), u64::MAX);
        same(&found, &expected)
    });
}

/// How frames are sealed is the machine's business, and so is where its fuel ends; but until
/// something is refused for that, it goes as if there were no limit.
#[test]
fn a_limit_changes_nothing_before_it_is_met() {
    let [met, total] = [Cell::new(0), Cell::new(0)];
    for_all(5_000, Without::default(), |program, number| {
        let (mut expected, model) = by_model(program);
        if model.too_large {
            return Ok(());
        }
        let limits = Limits {
            sealed_frames: (number / 3) as usize % 20,
            overrun: number % 3,
            ..limits()
        };
        let fuel = 1 + number % 5;
        let mut found = by_machine(limited_machine(limits), World::new(program), fuel);
        let is_limit = |event: &Event| match event {
            Event::Resumed {
                with: Heard::Refused(refusal),
                ..
            }
            | Event::HostCall(Err(Interrupted::Refused(refusal))) => {
                matches!(refusal, Refusal::SealedFrames { .. } | Refusal::NoFuel)
            }
            _ => false,
        };
        total.set(total.get() + 1);
        if let Some(at) = found.log.iter().position(is_limit) {
            met.set(met.get() + 1);
            found.log.truncate(at);
            expected.log.truncate(at);
            prop_assert_eq!(found.log, expected.log);
            return Ok(());
        }
        same(&found, &expected)
    });
    let [met, total] = [met.get(), total.get()];
    println!("{met} of {total} programs have met a limit");
    assert!(met > 0 && met < total || total < 1_000, "too tame");
}
