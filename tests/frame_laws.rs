//! One meaning, two algorithms: a random program of steps leaves the same log on the machine
//! and on a plain model, whose stack is one `Vec` that a capture copies whole.

use std::cell::{Cell, RefCell};
use std::env;
use std::rc::Rc;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestError, TestRunner};
use segno::frame::*;

const TAGS: [PromptTag; 3] = [
    PromptTag::named("p"),
    PromptTag::named("q"),
    PromptTag::named("r"),
];
const KEYS: [MarkKey; 2] = [MarkKey::named("line"), MarkKey::named("name")];
const SLOTS: usize = 3;
const BLOCKS: usize = 7;
/// The kind of the frames that can be resumed once.
const LOCK: &str = "lock";

/// After so many steps every frame returns at once, so that each program comes to an end.
const STEPS: usize = 150;
/// Continuations that are resumed in themselves double the stack each time.
const DEPTH: usize = 40;
/// What the depth does not bound: prompts. The rare program with so many is passed over.
const ENTRIES: usize = 2000;

/// A frame that is to be made.
#[derive(Clone, Copy, Debug)]
struct Body {
    block: usize,
    catches: bool,
    once: bool,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Number(i64),
    /// What the frame got so far.
    Sum,
    /// The continuation in a slot, or its number.
    Slot(usize),
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Call(Body),
    Prompt(PromptTag, Body),
    Capture {
        tag: PromptTag,
        operator: Operator,
        place: Place,
        /// Puts the continuation into the slot.
        body: Body,
        slot: usize,
    },
    Resume(Use),
    TailResume(Use),
    Replace(PromptTag, Use),
    Wind {
        before: Body,
        body: Body,
        after: Body,
    },
    SetMark(MarkKey, What),
    Mark(MarkKey),
    Marks(MarkKey, Option<PromptTag>),
    Capturable(PromptTag),
    Suspend(What),
    Barrier(Body),
    TailCall(Body),
    Raise(What),
    Abort(PromptTag, What),
    Return(What),
}

/// How a continuation is resumed.
#[derive(Clone, Copy, Debug)]
struct Use {
    slot: usize,
    /// Whether the slot is empty after that.
    take: bool,
    raises: bool,
    what: What,
}

/// What a family of programs does without.
#[derive(Clone, Copy, Debug, Default)]
struct Without {
    /// More than one use of a continuation, and captures in place.
    sharing: bool,
    once: bool,
}

/// Small choices out of a number, for a block.
struct Choices(u64, usize);

impl Choices {
    fn below(&mut self, n: u64) -> usize {
        let chosen = self.0 % n;
        self.0 /= n;
        usize::try_from(chosen).unwrap()
    }

    fn one_in(&mut self, n: u64) -> bool {
        // A number that shrinks to zero shrinks to the simpler choice.
        self.below(n) == 1
    }

    fn tag(&mut self) -> PromptTag {
        TAGS[[0, 0, 0, 1, 1, 2][self.below(6)]]
    }

    fn body(&mut self, without: Without) -> Body {
        // Forwards for the most part, so that not every program is a loop.
        let block = if self.one_in(6) {
            self.below(BLOCKS as u64)
        } else {
            (self.1 + 1 + self.below(3)).min(BLOCKS - 1)
        };
        Body {
            block,
            catches: self.one_in(4),
            once: self.one_in(12) && !without.once,
        }
    }

    fn thunk(&mut self, without: Without) -> Body {
        // The last blocks are those of the thunks, for the most part.
        let block = if self.one_in(6) {
            self.below(BLOCKS as u64)
        } else {
            BLOCKS - 1 - self.below(2)
        };
        Body {
            block,
            catches: self.one_in(4),
            once: self.one_in(64) && !without.once,
        }
    }

    fn what(&mut self, without: Without) -> What {
        match self.below(6) {
            0 | 1 => What::Number(1 + i64::try_from(self.below(9)).unwrap()),
            2..=4 => What::Sum,
            _ if without.sharing => What::Sum,
            _ => What::Slot(self.below(SLOTS as u64)),
        }
    }

    fn r#use(&mut self, without: Without) -> Use {
        Use {
            slot: self.slot(),
            take: self.one_in(3) || without.sharing,
            raises: self.one_in(7),
            what: self.what(without),
        }
    }

    fn slot(&mut self) -> usize {
        [0, 0, 1, 2][self.below(4)]
    }
}

impl Op {
    fn new(kind: u32, mut choose: Choices, without: Without) -> Self {
        match kind {
            0..5 => Self::SetMark(KEYS[choose.below(2)], choose.what(without)),
            5..8 => Self::Mark(KEYS[choose.below(2)]),
            8..11 => {
                let key = KEYS[choose.below(2)];
                let to = (!choose.one_in(2)).then(|| choose.tag());
                Self::Marks(key, to)
            }
            11..13 => Self::Capturable(choose.tag()),
            13..17 => Self::Suspend(choose.what(without)),
            17..29 => Self::Call(choose.body(without)),
            29..42 => Self::Prompt(choose.tag(), choose.body(without)),
            42..56 => {
                let operators = [
                    Operator::Shift,
                    Operator::Shift0,
                    Operator::Control,
                    Operator::Control0,
                ];
                let operator = operators[choose.below(4)];
                let tag = choose.tag();
                let body = choose.body(without);
                let slot = choose.slot();
                let place = if choose.one_in(4) && !without.sharing {
                    Place::Here
                } else {
                    Place::Prompt
                };
                Self::Capture {
                    tag,
                    operator,
                    place,
                    body,
                    slot,
                }
            }
            56..71 => Self::Resume(choose.r#use(without)),
            71..75 => Self::TailResume(choose.r#use(without)),
            75..80 => {
                let tag = choose.tag();
                Self::Replace(tag, choose.r#use(without))
            }
            80..90 => {
                let body = choose.body(without);
                Self::Wind {
                    before: choose.thunk(without),
                    body,
                    after: choose.thunk(without),
                }
            }
            90..93 => Self::Barrier(choose.body(without)),
            93..95 => Self::TailCall(choose.body(without)),
            95..97 => Self::Raise(choose.what(without)),
            97..99 => Self::Abort(choose.tag(), choose.what(without)),
            _ => Self::Return(choose.what(without)),
        }
    }
}

type Program = Vec<Vec<Op>>;

fn programs(without: Without) -> impl Strategy<Value = Program> {
    let block = |block| {
        let op = (0u32..100, any::<u64>())
            .prop_map(move |(kind, choices)| Op::new(kind, Choices(choices, block), without));
        // Nothing is after the last block but itself.
        proptest::collection::vec(op, 0..if block < BLOCKS - 1 { 8 } else { 3 })
    };
    let blocks: Vec<_> = (0..BLOCKS).map(block).collect();
    blocks.prop_map(|mut blocks| {
        // Most captures would find no prompt, were it not for these.
        for (block, tag) in [(1, TAGS[1]), (2, TAGS[0])] {
            let body = Body {
                block,
                catches: true,
                once: false,
            };
            blocks[block - 1].insert(0, Op::Prompt(tag, body));
        }
        blocks
    })
}

/// A continuation of either engine.
#[derive(Clone)]
enum K {
    Machine(Continuation<Script>),
    Model(Rc<Vec<Entry>>),
}

#[derive(Clone)]
enum Value {
    Number(i64),
    K(K),
}

impl Value {
    fn show(&self) -> Shown {
        match self {
            Self::Number(n) => Shown::Number(*n),
            Self::K(K::Machine(k)) => Shown::K(k.len()),
            Self::K(K::Model(entries)) => Shown::K(frames(entries)),
        }
    }
}

/// What can be told of a value, whatever its engine.
#[derive(Clone, Debug, PartialEq)]
enum Shown {
    Number(i64),
    /// How many frames there are in it.
    K(usize),
}

#[derive(Clone, Debug, PartialEq)]
enum Heard {
    Start,
    Value(Shown),
    Raised(Shown),
    K(usize),
    Refused(Refusal),
}

#[derive(Clone, Debug, PartialEq)]
enum Event {
    Resumed {
        block: usize,
        op: usize,
        sum: i64,
        with: Heard,
    },
    Mark(Option<Shown>),
    Marks(Vec<Shown>),
    Capturable(Result<(), Refusal>),
    HostCall(Result<Shown, Interrupted<Shown>>),
    Answered(Shown),
}

/// What all frames share.
#[derive(Clone)]
struct World {
    program: Rc<Program>,
    log: Vec<Event>,
    slots: [Option<K>; SLOTS],
    steps: usize,
    answers: i64,
    /// What the last frame that ran outside of any host call was resumed with.
    last: Option<Result<Value, Value>>,
    nesting: usize,
}

impl World {
    fn new(program: &Program) -> Self {
        Self {
            program: Rc::new(program.clone()),
            log: Vec::new(),
            slots: [const { None }; SLOTS],
            steps: 0,
            answers: 0,
            last: None,
            nesting: 0,
        }
    }

    /// What a program that suspends is answered.
    fn answer(&mut self, question: &Value) -> Result<Value, Value> {
        self.log.push(Event::Answered(question.show()));
        self.answers += 1;
        let value = Value::Number(self.answers);
        if self.answers % 4 == 2 {
            Err(value)
        } else {
            Ok(value)
        }
    }
}

thread_local! {
    /// How many frames were cloned that are not the thunks of a winder.
    static CLONES: Cell<usize> = const { Cell::new(0) };
}

/// A frame: a block, and how far it is.
struct Script {
    body: Body,
    op: usize,
    sum: i64,
    /// Where a capture's body puts the continuation.
    slot: usize,
    /// Whether it is a winder's, which the machine clones for each run.
    thunk: bool,
}

impl Clone for Script {
    fn clone(&self) -> Self {
        assert!(!self.body.once, "a frame that has no second copy is cloned");
        if !self.thunk {
            CLONES.set(CLONES.get() + 1);
        }
        Self { ..*self }
    }
}

impl Script {
    fn new(body: Body) -> Self {
        Self {
            body,
            op: 0,
            sum: 0,
            slot: 0,
            thunk: false,
        }
    }

    fn thunk(body: Body) -> Self {
        Self {
            thunk: true,
            ..Self::new(body)
        }
    }
}

/// [`Input`], for both engines.
enum Got {
    Start,
    Value(Value),
    Raised(Value),
    K(K),
    Refused(Refusal),
}

impl Got {
    fn show(&self) -> Heard {
        match self {
            Self::Start => Heard::Start,
            Self::Value(value) => Heard::Value(value.show()),
            Self::Raised(value) => Heard::Raised(value.show()),
            Self::K(k) => match Value::K(k.clone()).show() {
                Shown::K(len) => Heard::K(len),
                Shown::Number(_) => unreachable!(),
            },
            Self::Refused(refusal) => Heard::Refused(*refusal),
        }
    }
}

type With = Result<Value, Value>;

/// [`Step`], for both engines.
enum Does {
    Return(Value),
    Raise(Value),
    Call(Script),
    TailCall(Script),
    Prompt(PromptTag, Script),
    Capture(PromptTag, Operator, Place, Script),
    Abort(PromptTag, Value),
    Resume(K, With),
    TailResume(K, With),
    Replace(PromptTag, K, With),
    Wind(Script, Script, Script),
    Suspend(Value),
}

/// [`Context`], for both engines.
trait Host {
    fn world(&mut self) -> &mut World;
    fn set_mark(&mut self, key: MarkKey, value: Value);
    fn mark(&self, key: MarkKey) -> Option<Value>;
    fn marks(&self, key: MarkKey, to: Option<PromptTag>) -> Vec<Value>;
    fn capturable(&self, tag: PromptTag) -> Result<(), Refusal>;
    fn barrier(
        &mut self,
        host_call: &'static str,
        frame: Script,
    ) -> Result<Value, Interrupted<Value>>;
}

/// Goes on with a frame up to its next step.
fn interpret(frame: &mut Script, input: Got, host: &mut impl Host) -> Does {
    let world = host.world();
    world.steps += 1;
    if world.nesting == 0 {
        world.last = match &input {
            Got::Value(value) => Some(Ok(value.clone())),
            Got::Raised(value) => Some(Err(value.clone())),
            _ => None,
        };
    }
    if world.steps > STEPS {
        return Does::Return(Value::Number(0));
    }
    world.log.push(Event::Resumed {
        block: frame.body.block,
        op: frame.op,
        sum: frame.sum,
        with: input.show(),
    });
    match input {
        Got::Value(value) | Got::Raised(value) => {
            let n = match value {
                Value::Number(n) => n,
                Value::K(k) => {
                    world.slots[frame.slot] = Some(k);
                    1
                }
            };
            frame.sum = frame.sum.wrapping_mul(3).wrapping_add(n);
        }
        Got::K(k) => world.slots[frame.slot] = Some(k),
        Got::Start | Got::Refused(_) => {}
    }
    loop {
        let world = host.world();
        let what = |world: &World, what: What| match what {
            What::Number(n) => Value::Number(n),
            What::Sum => Value::Number(frame.sum),
            What::Slot(slot) => match &world.slots[slot] {
                Some(k) => Value::K(k.clone()),
                None => Value::Number(i64::try_from(slot).unwrap()),
            },
        };
        let k = |world: &mut World, how: Use| {
            let with = what(world, how.what);
            let slot = &mut world.slots[how.slot];
            let k = if how.take { slot.take() } else { slot.clone() };
            k.map(|k| (k, if how.raises { Err(with) } else { Ok(with) }))
        };
        let Some(op) = world.program[frame.body.block].get(frame.op).copied() else {
            return Does::Return(Value::Number(frame.sum));
        };
        let does = match op {
            Op::Call(body) => Does::Call(Script::new(body)),
            Op::TailCall(body) => Does::TailCall(Script::new(body)),
            Op::Prompt(tag, body) => Does::Prompt(tag, Script::new(body)),
            Op::Capture {
                tag,
                operator,
                place,
                body,
                slot,
            } => {
                let body = Script {
                    slot,
                    ..Script::new(body)
                };
                Does::Capture(tag, operator, place, body)
            }
            Op::Resume(how) => match k(world, how) {
                Some((k, with)) => Does::Resume(k, with),
                None => Does::Call(Script::new(Body {
                    block: BLOCKS - 1,
                    catches: false,
                    once: false,
                })),
            },
            Op::TailResume(how) | Op::Replace(_, how) => {
                let Some((k, with)) = k(world, how) else {
                    frame.op += 1;
                    continue;
                };
                match op {
                    Op::Replace(tag, _) => Does::Replace(tag, k, with),
                    _ => Does::TailResume(k, with),
                }
            }
            Op::Wind {
                before,
                body,
                after,
            } => Does::Wind(
                Script::thunk(before),
                Script::new(body),
                Script::thunk(after),
            ),
            Op::Suspend(value) => Does::Suspend(what(world, value)),
            Op::Raise(value) => Does::Raise(what(world, value)),
            Op::Return(value) => Does::Return(what(world, value)),
            Op::Abort(tag, value) => Does::Abort(tag, what(world, value)),
            Op::SetMark(key, value) => {
                let value = what(world, value);
                host.set_mark(key, value);
                frame.op += 1;
                continue;
            }
            Op::Mark(key) => {
                let found = host.mark(key).as_ref().map(Value::show);
                host.world().log.push(Event::Mark(found));
                frame.op += 1;
                continue;
            }
            Op::Marks(key, to) => {
                let found = host.marks(key, to).iter().map(Value::show).collect();
                host.world().log.push(Event::Marks(found));
                frame.op += 1;
                continue;
            }
            Op::Capturable(tag) => {
                let answer = host.capturable(tag);
                host.world().log.push(Event::Capturable(answer));
                frame.op += 1;
                continue;
            }
            Op::Barrier(body) => {
                host.world().nesting += 1;
                let came = host.barrier("sort", Script::new(body));
                let world = host.world();
                world.nesting -= 1;
                world.log.push(Event::HostCall(match &came {
                    Ok(value) => Ok(value.show()),
                    Err(Interrupted::Raised(value)) => Err(Interrupted::Raised(value.show())),
                    Err(Interrupted::Refused(refusal)) => Err(Interrupted::Refused(*refusal)),
                }));
                if let Ok(Value::Number(n)) = came {
                    frame.sum = frame.sum.wrapping_add(n);
                }
                frame.op += 1;
                continue;
            }
        };
        frame.op += 1;
        return does;
    }
}

impl Host for Context<'_, Script> {
    fn world(&mut self) -> &mut World {
        self.world
    }

    fn set_mark(&mut self, key: MarkKey, value: Value) {
        Context::set_mark(self, key, value);
    }

    fn mark(&self, key: MarkKey) -> Option<Value> {
        Context::mark(self, key)
    }

    fn marks(&self, key: MarkKey, to: Option<PromptTag>) -> Vec<Value> {
        Context::marks(self, key, to)
    }

    fn capturable(&self, tag: PromptTag) -> Result<(), Refusal> {
        Context::capturable(self, tag)
    }

    fn barrier(
        &mut self,
        host_call: &'static str,
        frame: Script,
    ) -> Result<Value, Interrupted<Value>> {
        Context::barrier(self, host_call, frame)
    }
}

impl Frame for Script {
    type Value = Value;
    type World = World;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        let of_machine = |k| match k {
            K::Machine(k) => k,
            K::Model(_) => unreachable!(),
        };
        let input = match input {
            Input::Start => Got::Start,
            Input::Value(value) => Got::Value(value),
            Input::Raised(value) => Got::Raised(value),
            Input::Continuation(k) => Got::K(K::Machine(k)),
            Input::Refused(refusal) => Got::Refused(*refusal),
            Input::Restarted => unreachable!("nobody asks for that"),
        };
        match interpret(self, input, cx) {
            Does::Return(value) => Step::Return(value),
            Does::Raise(value) => Step::Raise(value),
            Does::Call(frame) => Step::Call(frame),
            Does::TailCall(frame) => Step::TailCall(frame),
            Does::Prompt(tag, body) => Step::Prompt { tag, body },
            Does::Capture(tag, operator, place, body) => Step::Capture {
                tag,
                operator,
                place,
                body,
            },
            Does::Abort(tag, value) => Step::Abort { tag, value },
            Does::Resume(k, with) => Step::Resume {
                continuation: of_machine(k),
                with,
            },
            Does::TailResume(k, with) => Step::TailResume {
                continuation: of_machine(k),
                with,
            },
            Does::Replace(tag, k, with) => Step::Replace {
                tag,
                continuation: of_machine(k),
                with,
            },
            Does::Wind(before, body, after) => Step::wind(before, body, after),
            Does::Suspend(value) => Step::Suspend(value),
        }
    }

    fn catches(&self) -> bool {
        self.body.catches
    }

    fn one_shot(&self) -> Option<&'static str> {
        self.body.once.then_some(LOCK)
    }
}

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
    resumes: usize,
    replaces: usize,
    shared: usize,
    left: usize,
    entered: usize,
    raised_in_winder: usize,
    aborts: usize,
    in_winder: usize,
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

    fn locate(&self, tag: PromptTag, captures: bool) -> Result<usize, Refusal> {
        for (index, entry) in self.stack.iter().enumerate().rev() {
            match entry {
                Entry::Prompt(found) if *found == tag => return Ok(index),
                Entry::HostCall(host_call) => return Err(Refusal::Barrier { host_call }),
                Entry::Goal(_) if captures => return Err(Refusal::InWinder),
                _ => {}
            }
        }
        Err(Refusal::NoSuchPrompt(tag))
    }

    fn act(&mut self, does: Does) -> Result<Flow, Refusal> {
        let of_model = |k| match k {
            K::Model(k) => k,
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
                if place == Place::Here {
                    self.check_depth(0)?;
                }
                self.counts.captures += 1;
                let first = if operator.takes_prompt() { at } else { at + 1 };
                let k = K::Model(Rc::new(self.stack[first..].to_vec()));
                match place {
                    Place::Here => {
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

/// What a program came to.
#[derive(Debug, PartialEq)]
struct Ending {
    log: Vec<Event>,
    outcome: Result<Outcome<Shown>, Refusal>,
    slots: Vec<Option<Shown>>,
}

impl Ending {
    fn new(world: &World, outcome: &Result<Outcome<Value>, Refusal>) -> Self {
        let show = |k: &K| Value::K(k.clone()).show();
        Self {
            log: world.log.clone(),
            outcome: match outcome {
                Ok(Outcome::Done(value)) => Ok(Outcome::Done(value.show())),
                Ok(Outcome::Raised(value)) => Ok(Outcome::Raised(value.show())),
                Ok(_) => unreachable!(),
                Err(refusal) => Err(*refusal),
            },
            slots: world.slots.iter().map(|k| k.as_ref().map(show)).collect(),
        }
    }
}

fn root() -> Script {
    Script::new(Body {
        block: 0,
        catches: false,
        once: false,
    })
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

fn machine() -> Machine<Script> {
    limited_machine(limits())
}

fn limited_machine(limits: Limits) -> Machine<Script> {
    let mut machine = Machine::new(root());
    machine.set_limits(limits);
    machine
}

fn limits() -> Limits {
    Limits {
        depth: DEPTH,
        ..Limits::default()
    }
}

/// Runs a machine to its end, so many steps at a time. Nothing is left of it.
fn by_machine(mut machine: Machine<Script>, mut world: World, fuel: u64) -> Ending {
    let ending = finish(&mut machine, &mut world, fuel);
    world.slots = [const { None }; SLOTS];
    world.last = None;
    assert_eq!(machine.depth(), 0);
    assert_eq!(machine.sealed_frames(), 0, "frames are left over");
    ending
}

fn finish(machine: &mut Machine<Script>, world: &mut World, fuel: u64) -> Ending {
    loop {
        match machine.run_for(fuel, world) {
            Ok(Outcome::Suspended(question)) => {
                machine.answer(world.answer(&question)).unwrap();
            }
            Ok(Outcome::OutOfFuel) => {}
            outcome => return Ending::new(world, &outcome),
        }
    }
}

/// Tells where two endings part.
fn same(found: &Ending, expected: &Ending) -> Result<(), TestCaseError> {
    if found == expected {
        return Ok(());
    }
    let both = found.log.iter().zip(&expected.log);
    let at = both.take_while(|(a, b)| a == b).count();
    let from = |ending: &Ending| {
        let events: Vec<_> = ending.log.iter().skip(at).take(3).cloned().collect();
        format!("{events:?} ... {:?} {:?}", ending.outcome, ending.slots)
    };
    Err(TestCaseError::fail(format!(
        "after {}\nfound    {}\nexpected {}",
        expected.log[..at]
            .iter()
            .map(|event| format!("{event:?}\n"))
            .collect::<String>(),
        from(found),
        from(expected)
    )))
}

/// Fails with the smallest program that does not hold; PROPTEST_CASES and PROPTEST_RNG_SEED
/// look further than the fixed ones.
///
/// The law gets a number, too.
fn for_all(cases: u32, without: Without, law: impl Fn(&Program, u64) -> Result<(), TestCaseError>) {
    let number = |name| {
        env::var(name)
            .ok()
            .and_then(|text: String| text.parse().ok())
    };
    let mut runner = TestRunner::new(ProptestConfig {
        cases: number("PROPTEST_CASES").map_or(cases, |n| u32::try_from(n).unwrap()),
        rng_seed: RngSeed::Fixed(number("PROPTEST_RNG_SEED").unwrap_or(1)),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    });
    let cases = (programs(without), 0u64..STEPS as u64);
    match runner.run(&cases, |(program, number)| law(&program, number)) {
        Ok(()) => {}
        Err(TestError::Fail(reason, (program, number))) => {
            let blocks: String = program.iter().map(|ops| format!("{ops:?}\n")).collect();
            panic!("{reason}\nwith {number} and the program\n{blocks}");
        }
        Err(error) => panic!("{error}"),
    }
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
        "{} programs, {} steps, {} ended of themselves; {} captures, {} resumes, {} replaces, \
         {} shared winders, {} left, {} entered, {} raised in one, {} aborts; refused: {} in a \
         winder, {} too deep, {} barrier, {} one-shot; {} spent; {} suspended",
        total.borrow().len(),
        sum(|c| c.steps),
        sum(|c| c.ended_early),
        sum(|c| c.captures),
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
