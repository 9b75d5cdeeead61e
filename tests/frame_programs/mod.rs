//! Random programs of steps, and the machine that runs them.

#![allow(dead_code, reason = "each test that includes it uses a part")]

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::env;
use std::rc::Rc;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestError, TestRunner};
use segno::frame::*;

pub(crate) mod recurse;
#[cfg(all(feature = "serde", feature = "derive"))]
pub(crate) mod saved;

pub(crate) const TAGS: [PromptTag; 3] = [
    PromptTag::named("p"),
    PromptTag::named("q"),
    PromptTag::named("r"),
];
pub(crate) const KEYS: [MarkKey; 2] = [MarkKey::named("line"), MarkKey::named("name")];
pub(crate) const SLOTS: usize = 3;
pub(crate) const BLOCKS: usize = 7;
/// The kind of the frames that can be resumed once.
pub(crate) const LOCK: &str = "lock";

/// After so many steps every frame returns at once, so that each program comes to an end.
pub(crate) const STEPS: usize = 150;
/// Continuations that are resumed in themselves double the stack each time.
pub(crate) const DEPTH: usize = 40;
/// What the depth does not bound: prompts. The rare program with so many is passed over.
pub(crate) const ENTRIES: usize = 2000;

/// A frame that is to be made.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    all(feature = "serde", feature = "derive"),
    derive(serde::Serialize, serde::Deserialize)
)]
pub(crate) struct Body {
    #[cfg_attr(
        all(feature = "serde", feature = "derive"),
        serde(deserialize_with = "a_block")
    )]
    pub(crate) block: usize,
    pub(crate) catches: bool,
    pub(crate) once: bool,
}

/// One of those that there are and are known.
#[cfg(all(feature = "serde", feature = "derive"))]
fn a_block<'de, D: serde::Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    let block = serde::Deserialize::deserialize(from)?;
    if block < BLOCKS && block != UNKNOWN.get() {
        Ok(block)
    } else {
        Err(serde::de::Error::custom("there is no such block"))
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    Number(i64),
    /// What the frame got so far.
    Sum,
    /// The continuation in a slot, or its number.
    Slot(usize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
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
pub(crate) struct Use {
    pub(crate) slot: usize,
    /// Whether the slot is empty after that.
    pub(crate) take: bool,
    pub(crate) raises: bool,
    pub(crate) what: What,
}

/// What a family of programs does without.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Without {
    /// More than one use of a continuation, and captures that leave nothing.
    pub(crate) sharing: bool,
    pub(crate) once: bool,
}

/// Small choices out of a number, for a block.
pub(crate) struct Choices(pub(crate) u64, pub(crate) usize);

impl Choices {
    pub(crate) fn below(&mut self, n: u64) -> usize {
        let chosen = self.0 % n;
        self.0 /= n;
        usize::try_from(chosen).unwrap()
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        // A number that shrinks to zero shrinks to the simpler choice.
        self.below(n) == 1
    }

    pub(crate) fn tag(&mut self) -> PromptTag {
        TAGS[[0, 0, 0, 1, 1, 2][self.below(6)]]
    }

    pub(crate) fn body(&mut self, without: Without) -> Body {
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

    pub(crate) fn thunk(&mut self, without: Without) -> Body {
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

    pub(crate) fn what(&mut self, without: Without) -> What {
        match self.below(6) {
            0 | 1 => What::Number(1 + i64::try_from(self.below(9)).unwrap()),
            2..=4 => What::Sum,
            _ if without.sharing => What::Sum,
            _ => What::Slot(self.below(SLOTS as u64)),
        }
    }

    pub(crate) fn r#use(&mut self, without: Without) -> Use {
        Use {
            slot: self.slot(),
            take: self.one_in(3) || without.sharing,
            raises: self.one_in(7),
            what: self.what(without),
        }
    }

    pub(crate) fn slot(&mut self) -> usize {
        [0, 0, 1, 2][self.below(4)]
    }
}

impl Op {
    pub(crate) fn new(kind: u32, mut choose: Choices, without: Without) -> Self {
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
                let place = match choose.below(5) {
                    1 if !without.sharing => Place::Here,
                    2 if !without.sharing => Place::Instead,
                    _ => Place::Prompt,
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

pub(crate) type Program = Vec<Vec<Op>>;

pub(crate) fn programs(without: Without) -> impl Strategy<Value = Program> {
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
#[cfg_attr(
    all(feature = "serde", feature = "derive"),
    derive(serde::Serialize, serde::Deserialize)
)]
pub(crate) enum K {
    Machine(Continuation<Script>),
    #[cfg_attr(all(feature = "serde", feature = "derive"), serde(skip))]
    /// How many frames there are in it, and what the model knows of it.
    Model(usize, Rc<dyn Any>),
}

#[derive(Clone)]
#[cfg_attr(
    all(feature = "serde", feature = "derive"),
    derive(serde::Serialize, serde::Deserialize)
)]
pub(crate) enum Value {
    Number(i64),
    K(K),
}

impl Value {
    pub(crate) fn show(&self) -> Shown {
        match self {
            Self::Number(n) => Shown::Number(*n),
            Self::K(K::Machine(k)) => Shown::K(k.len()),
            Self::K(K::Model(frames, _)) => Shown::K(*frames),
        }
    }
}

/// What can be told of a value, whatever its engine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shown {
    Number(i64),
    /// How many frames there are in it.
    K(usize),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    Start,
    Value(Shown),
    Raised(Shown),
    K(usize),
    Refused(Refusal),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
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
pub(crate) struct World {
    pub(crate) program: Rc<Program>,
    pub(crate) log: Vec<Event>,
    pub(crate) slots: [Option<K>; SLOTS],
    pub(crate) steps: usize,
    pub(crate) answers: i64,
    /// What the last frame that ran outside of any host call was resumed with.
    pub(crate) last: Option<Result<Value, Value>>,
    pub(crate) nesting: usize,
}

impl World {
    pub(crate) fn new(program: &Program) -> Self {
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
    pub(crate) fn answer(&mut self, question: &Value) -> Result<Value, Value> {
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
    pub(crate) static CLONES: Cell<usize> = const { Cell::new(0) };
    /// How often the machine has resumed a frame.
    pub(crate) static RESUMES: Cell<usize> = const { Cell::new(0) };
    /// How frames recurse on the native stack, if they do.
    pub(crate) static RECURSES: Cell<Option<recurse::Style>> = const { Cell::new(None) };
    /// The block that the program that loads a snapshot does not have.
    pub(crate) static UNKNOWN: Cell<usize> = const { Cell::new(BLOCKS) };
    /// What the frames that stand for an escape ask for, if there are such frames.
    pub(crate) static ESCAPES: RefCell<Option<Vec<Escape>>> = const { RefCell::new(None) };
}

/// How far a frame is that stands for an escape.
const ESCAPE: usize = usize::MAX;

/// What such a frame asks for.
#[derive(Clone)]
pub(crate) enum Escape {
    Abort(PromptTag, Value),
    Replace(PromptTag, K, With),
    Capture(PromptTag, Operator, Script),
    Resume(K, With),
    /// Does what another frame does that gets a continuation.
    Given(Script, K),
}

/// Runs something where captures may cross an escape.
pub(crate) fn with_escapes<T>(run: impl FnOnce() -> T) -> T {
    ESCAPES.set(Some(Vec::new()));
    let came = run();
    ESCAPES.set(None);
    came
}

/// Forgets what is known of escapes, the continuations in it too.
pub(crate) fn clear_escapes() {
    if ESCAPES.with_borrow(Option::is_some) {
        drop(ESCAPES.replace(Some(Vec::new())));
    }
}

/// A frame: a block, and how far it is.
#[cfg_attr(
    all(feature = "serde", feature = "derive"),
    derive(Debug, Describe, segno::snapshot::Persist),
    frame(checkpoint)
)]
pub(crate) struct Script {
    pub(crate) body: Body,
    pub(crate) op: usize,
    pub(crate) sum: i64,
    /// Where a capture's body puts the continuation.
    pub(crate) slot: usize,
    /// Whether it is a winder's, which the machine clones for each run.
    pub(crate) thunk: bool,
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
    pub(crate) fn new(body: Body) -> Self {
        Self {
            body,
            op: 0,
            sum: 0,
            slot: 0,
            thunk: false,
        }
    }

    pub(crate) fn thunk(body: Body) -> Self {
        Self {
            thunk: true,
            ..Self::new(body)
        }
    }

    /// A frame that stands for an escape.
    pub(crate) fn escaping(escape: Escape) -> Option<Self> {
        let body = Body {
            block: BLOCKS,
            catches: false,
            once: false,
        };
        ESCAPES.with_borrow_mut(|all| {
            let all = all.as_mut()?;
            all.push(escape);
            Some(Self {
                op: ESCAPE,
                slot: all.len() - 1,
                ..Self::new(body)
            })
        })
    }
}

#[cfg(not(all(feature = "serde", feature = "derive")))]
impl Describe for Script {
    fn descriptor(&self) -> &'static FrameDescriptor {
        static SCRIPT: FrameDescriptor = FrameDescriptor::new("script", &[]);
        &SCRIPT
    }

    fn slot(&self, _: usize) -> Option<&dyn std::fmt::Debug> {
        None
    }
}

/// [`Input`], for both engines.
pub(crate) enum Got {
    Start,
    Value(Value),
    Raised(Value),
    K(K),
    Refused(Refusal),
}

impl Got {
    pub(crate) fn show(&self) -> Heard {
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

pub(crate) type With = Result<Value, Value>;

/// [`Step`], for both engines.
pub(crate) enum Does {
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
pub(crate) trait Host {
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
pub(crate) fn interpret(frame: &mut Script, input: Got, host: &mut impl Host) -> Does {
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
    if frame.op == ESCAPE {
        let escape = ESCAPES.with_borrow(|all| all.as_ref().unwrap()[frame.slot].clone());
        return match escape {
            Escape::Abort(tag, value) => Does::Abort(tag, value),
            Escape::Replace(tag, k, with) => Does::Replace(tag, k, with),
            Escape::Capture(tag, operator, body) => {
                Does::Capture(tag, operator, Place::Prompt, body)
            }
            Escape::Resume(k, with) => Does::TailResume(k, with),
            Escape::Given(body, k) => {
                *frame = body;
                interpret(frame, Got::K(k), host)
            }
        };
    }
    match input {
        Got::Value(value) | Got::Raised(value) => {
            let n = match value {
                Value::Number(n) => n,
                Value::K(k) => {
                    world.slots[frame.slot % SLOTS] = Some(k);
                    1
                }
            };
            frame.sum = frame.sum.wrapping_mul(3).wrapping_add(n);
        }
        Got::K(k) => world.slots[frame.slot % SLOTS] = Some(k),
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
        let marks = Context::marks(self, key, to);
        // In parts, those down to the nearest such prompt are the same.
        let mut parts = self.marks_by_prompt(key, None);
        let ends = |part: &(_, Option<PromptTag>)| to.is_some() && part.1 == to;
        if let Some(last) = parts.iter().position(ends) {
            parts.truncate(last + 1);
        }
        let in_parts = parts.iter().flat_map(|(part, _)| part);
        assert!(in_parts.map(Value::show).eq(marks.iter().map(Value::show)));
        marks
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
        RESUMES.set(RESUMES.get() + 1);
        if let Some(style) = RECURSES.get() {
            return recurse::resume(self, input, cx, style);
        }
        let input = match input {
            Input::Start => Got::Start,
            Input::Value(value) => Got::Value(value),
            Input::Raised(value) => Got::Raised(value),
            Input::Continuation(k) => Got::K(K::Machine(k)),
            Input::Refused(refusal) => Got::Refused(*refusal),
            // Only a snapshot that was tampered with asks for that.
            Input::Restarted => Got::Start,
            Input::Asked(_) => unreachable!(),
        };
        recurse::step(interpret(self, input, cx))
    }

    fn catches(&self) -> bool {
        self.body.catches
    }

    fn one_shot(&self) -> Option<&'static str> {
        self.body.once.then_some(LOCK)
    }

    fn escape(step: Step<Self>) -> Option<Self> {
        Self::escaping(match step {
            Step::Abort { tag, value } => Escape::Abort(tag, value),
            Step::Replace {
                tag,
                continuation,
                with,
            } => Escape::Replace(tag, K::Machine(continuation), with),
            Step::Capture {
                tag,
                operator,
                place: Place::Prompt,
                body,
            } => Escape::Capture(tag, operator, body),
            Step::TailResume { continuation, with } => {
                Escape::Resume(K::Machine(continuation), with)
            }
            _ => return None,
        })
    }

    fn given(body: &Self, continuation: &Continuation<Self>) -> Option<Self> {
        ESCAPES.with_borrow(Option::is_some).then(|| {
            let given = Escape::Given(body.clone(), K::Machine(continuation.clone()));
            Self::escaping(given)
        })?
    }
}

/// What a program came to.
#[derive(Debug, PartialEq)]
pub(crate) struct Ending {
    pub(crate) log: Vec<Event>,
    pub(crate) outcome: Result<Outcome<Shown>, Refusal>,
    pub(crate) slots: Vec<Option<Shown>>,
}

impl Ending {
    pub(crate) fn new(world: &World, outcome: &Result<Outcome<Value>, Refusal>) -> Self {
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

pub(crate) fn root() -> Script {
    Script::new(Body {
        block: 0,
        catches: false,
        once: false,
    })
}

pub(crate) fn machine() -> Machine<Script> {
    limited_machine(limits())
}

pub(crate) fn limited_machine(limits: Limits) -> Machine<Script> {
    let mut machine = Machine::new(root());
    machine.set_limits(limits);
    machine
}

pub(crate) fn limits() -> Limits {
    Limits {
        depth: DEPTH,
        ..Limits::default()
    }
}

/// Runs a machine to its end, so many steps at a time. Nothing is left of it.
pub(crate) fn by_machine(mut machine: Machine<Script>, mut world: World, fuel: u64) -> Ending {
    let ending = finish(&mut machine, &mut world, fuel);
    world.slots = [const { None }; SLOTS];
    world.last = None;
    clear_escapes();
    assert_eq!(machine.depth(), 0);
    assert_eq!(machine.sealed_frames(), 0, "frames are left over");
    ending
}

pub(crate) fn finish(machine: &mut Machine<Script>, world: &mut World, fuel: u64) -> Ending {
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
pub(crate) fn same(found: &Ending, expected: &Ending) -> Result<(), TestCaseError> {
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
pub(crate) fn for_all(
    cases: u32,
    without: Without,
    law: impl Fn(&Program, u64) -> Result<(), TestCaseError>,
) {
    let number = |name| {
        env::var(name)
            .ok()
            .and_then(|text: String| text.parse().ok())
    };
    let seed = number("PROPTEST_RNG_SEED").unwrap_or(1);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: number("PROPTEST_CASES").map_or(cases, |n| u32::try_from(n).unwrap()),
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    });
    let cases = (programs(without), 0u64..STEPS as u64);
    match runner.run(&cases, |(program, number)| law(&program, number)) {
        Ok(()) => {}
        Err(TestError::Fail(reason, (program, number))) => {
            let blocks: String = program.iter().map(|ops| format!("{ops:?}\n")).collect();
            panic!("{reason}\nfrom seed {seed}, with {number} and the program\n{blocks}");
        }
        Err(error) => panic!("{error}"),
    }
}
