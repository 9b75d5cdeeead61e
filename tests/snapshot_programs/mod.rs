//! An interpreter whose snapshots may say anything, and programs of it that together use every
//! part of the format.

#![allow(dead_code, reason = "each test that includes it uses a part")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::LazyLock;

use segno::frame::{
    Context, Continuation, Describe, Entry, Frame, Input, Layout, Machine, MarkKey, Operator,
    Outcome, Place, PromptTag, Step,
};
use segno::snapshot::{
    LoadError, LoadLimits, Loaded, Named, Object, Persist, Policy, Registry, Save, SaveError,
    Shared,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) type Function = fn(i64) -> i64;

/// Whatever a frame may hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Value {
    Nil,
    Number(i64),
    Float(f64),
    Char(char),
    Text(String),
    Units(Vec<()>),
    List(Vec<Value>),
    Table(BTreeMap<String, Value>),
    Boxed(Option<Box<Value>>),
    Even(Even),
    Cell(Shared<Cell>),
    K(Continuation<Call>),
    Named(Named<Function>),
}

/// A number that is even: bytes that say otherwise are refused.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "u32")]
pub(crate) struct Even(u32);

impl TryFrom<u32> for Even {
    type Error = &'static str;

    fn try_from(n: u32) -> Result<Self, Self::Error> {
        match n % 2 {
            0 => Ok(Self(n)),
            _ => Err("odd"),
        }
    }
}

/// What several refer to. Its contents can be taken out from outside, so that nothing is left
/// behind that leads back to itself.
#[derive(Clone, Debug)]
pub(crate) struct Cell(Rc<RefCell<Vec<Value>>>);

thread_local! {
    static CELLS: RefCell<Vec<Cell>> = const { RefCell::new(Vec::new()) };
}

impl Cell {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        let cell = Self(Rc::new(RefCell::new(values)));
        CELLS.with_borrow_mut(|cells| cells.push(cell.clone()));
        cell
    }

    pub(crate) fn push(&self, value: Value) {
        self.0.borrow_mut().push(value);
    }

    pub(crate) fn take(&self) -> Vec<Value> {
        self.0.take()
    }

    pub(crate) fn values(&self) -> Vec<Value> {
        self.0.borrow().clone()
    }
}

/// Forgets the cells of this thread: those that lead back to themselves stay behind.
pub(crate) fn forget_cells() {
    drop(CELLS.take());
}

/// Empties all cells of this thread.
pub(crate) fn empty_cells() {
    let cells = CELLS.take();
    let values: Vec<_> = cells.iter().map(|cell| cell.0.take()).collect();
    drop(values);
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.borrow().serialize(to)
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::deserialize(from).map(Self::new)
    }
}

impl Object for Cell {
    const NAME: &'static str = "cell";
}

#[derive(Clone, Debug, Describe, Persist)]
pub(crate) enum Call {
    /// Runs a block of operations, from one of them on.
    Block {
        block: u32,
        at: u32,
        even: Even,
        operands: Vec<Value>,
    },
    /// Calls itself so many times, and then a block. Each puts what it gets into the cell.
    #[frame(checkpoint)]
    Count {
        left: u32,
        block: u32,
        #[slot(shared)]
        cell: Shared<Cell>,
    },
    /// Applies a function to what a block returns.
    Apply {
        block: u32,
        #[slot(named)]
        function: Named<Function>,
    },
}

/// A step of a block. What it needs it takes from the operands; what it gets is put there.
#[derive(Clone, Copy, Debug)]
enum Op {
    Number(i64),
    Call(u32),
    TailCall(u32),
    Prompt(Tag, u32),
    Capture(Tag, Operator, Place, u32),
    /// These use the first continuation of the operands, if there is one.
    Resume,
    TailResume,
    Throw,
    Replace(Tag),
    Wind([u32; 3]),
    Suspend,
    Raise,
    Return,
    Abort(Tag),
    Mark(Key),
    /// How many there are.
    Marks(Key),
    Barrier(u32),
}

#[derive(Clone, Copy, Debug)]
enum Tag {
    Named,
    /// It is registered.
    Minted,
    /// It is not, so that a loaded stack has a prompt that nobody else can name; what it is
    /// called then, it is called here too.
    Lost,
}

#[derive(Clone, Copy, Debug)]
enum Key {
    Named,
    Lost,
}

static MINTED: LazyLock<PromptTag> = LazyLock::new(|| PromptTag::fresh("minted"));
static LOST: LazyLock<PromptTag> = LazyLock::new(|| PromptTag::fresh("loaded"));
static LOST_KEY: LazyLock<MarkKey> = LazyLock::new(|| MarkKey::fresh("loaded"));

impl Tag {
    fn get(self) -> PromptTag {
        match self {
            Self::Named => PromptTag::named("named"),
            Self::Minted => *MINTED,
            Self::Lost => *LOST,
        }
    }
}

impl Key {
    fn get(self) -> MarkKey {
        match self {
            Self::Named => MarkKey::named("named"),
            Self::Lost => *LOST_KEY,
        }
    }
}

pub(crate) fn registry() -> Rc<Registry> {
    with_policy(Policy::Refuse)
}

pub(crate) fn with_policy(policy: Policy) -> Rc<Registry> {
    Rc::new(
        Registry::new("programs", 1)
            .tag(Tag::Named.get())
            .tag(Tag::Minted.get())
            .key(Key::Named.get())
            .revised("double", double(), 7)
            .policy(policy),
    )
}

pub(crate) fn double() -> Named<Function> {
    thread_local!(static DOUBLE: Named<Function> = Named::new(|n| n.wrapping_mul(2)));
    DOUBLE.with(Named::clone)
}

pub(crate) const ASK: u32 = 0;
pub(crate) const RETURN: u32 = 25;
const THUNK: u32 = 1;
pub(crate) const CALLS: u32 = 2;
pub(crate) const WINDS: u32 = 4;
const CATCHES: u32 = 8;
pub(crate) const SHIFTS: u32 = 11;
const RESUMES: u32 = 19;
const ASKS: u32 = 20;

/// The programs. A block that is not there returns at once.
static BLOCKS: [&[Op]; 26] = {
    use Op::*;
    use Operator::*;
    use Tag::*;
    [
        &[Suspend, Return],
        // What a winder does before and after, with a call in it.
        &[Call(ASK), Return],
        &[
            Mark(Key::Named),
            Call(3),
            Mark(Key::Lost),
            Call(ASK),
            Return,
        ],
        &[
            Mark(Key::Named),
            Marks(Key::Named),
            Barrier(RETURN),
            TailCall(ASK),
        ],
        // Winders: entered, left, captured, entered again.
        &[Prompt(Named, 5), Suspend, Return],
        &[Mark(Key::Named), Wind([THUNK, 6, THUNK]), Return],
        &[Wind([THUNK, 7, THUNK]), Return],
        &[
            Capture(Named, Control, Place::Here, RETURN),
            Suspend,
            Replace(Named),
            Return,
        ],
        // What is raised and aborted, through winders.
        &[Prompt(Minted, 9), Call(10), Return],
        &[Wind([THUNK, 10, THUNK]), Abort(Minted), Return],
        &[Suspend, Number(3), Raise],
        // Each operator, and what is captured is used twice, below frames and below none.
        &[Prompt(Named, 12), Prompt(Named, 13), Call(14), Return],
        &[Call(15), Return],
        &[Call(16), Return],
        &[Prompt(Minted, 17), Prompt(Minted, 18), Return],
        &[
            Mark(Key::Named),
            Capture(Named, Shift, Place::Prompt, RESUMES),
            Suspend,
            Return,
        ],
        &[
            Mark(Key::Lost),
            Capture(Named, Control, Place::Prompt, RESUMES),
            Suspend,
            Return,
        ],
        &[Prompt(Lost, 21), Return],
        &[Prompt(Lost, 22), Return],
        &[Resume, Call(ASKS), Suspend, TailResume],
        &[Suspend, Call(ASK), Return],
        &[
            Capture(Minted, Shift0, Place::Prompt, 23),
            Call(ASK),
            Return,
        ],
        &[
            Capture(Minted, Control0, Place::Prompt, 24),
            Call(ASK),
            Return,
        ],
        &[Prompt(Minted, RESUMES), Call(RESUMES), Return],
        &[Resume, Throw, Return],
        // Returns what it was given.
        &[Return],
    ]
};

impl Call {
    pub(crate) fn block(block: u32, operands: Vec<Value>) -> Self {
        Self::Block {
            block,
            at: 0,
            even: Even(0),
            operands,
        }
    }
}

impl Frame for Call {
    type Value = Value;
    type World = ();

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        let came = match input {
            Input::Start | Input::Restarted => None,
            Input::Value(value) | Input::Raised(value) => Some(value),
            Input::Continuation(k) => Some(Value::K(k)),
            Input::Refused(_) => return Step::Raise(Value::Nil),
            Input::Asked(_) => unreachable!(),
        };
        match self {
            Self::Block {
                block,
                at,
                even,
                operands,
            } => {
                assert!(even.0 % 2 == 0, "a slot is not what its type says");
                even.0 = even.0.wrapping_add(2);
                operands.extend(came);
                run(*block, at, operands, cx)
            }
            Self::Count { left, block, cell } => match came {
                Some(value) => {
                    cell.update(|cell| cell.push(value.clone()));
                    Step::Return(value)
                }
                None => Step::Call(match left.checked_sub(1) {
                    Some(left) => Self::Count {
                        left,
                        block: *block,
                        cell: cell.clone(),
                    },
                    None => Self::block(*block, Vec::new()),
                }),
            },
            Self::Apply { block, function } => match came {
                Some(Value::Number(n)) => Step::Return(Value::Number(function(n))),
                Some(value) => Step::Return(value),
                None => Step::Call(Self::block(*block, Vec::new())),
            },
        }
    }

    fn catches(&self) -> bool {
        matches!(self, Self::Block { block: CATCHES, .. })
    }
}

/// Up to the next step of a block.
fn run(
    block: u32,
    at: &mut u32,
    operands: &mut Vec<Value>,
    cx: &mut Context<'_, Call>,
) -> Step<Call> {
    let call = |block| Call::block(block, Vec::new());
    loop {
        let mut pop = || operands.pop().unwrap_or(Value::Nil);
        let ops = BLOCKS.get(block as usize);
        let Some(op) = ops.and_then(|ops| ops.get(*at as usize)) else {
            return Step::Return(pop());
        };
        *at += 1;
        match *op {
            Op::Number(n) => operands.push(Value::Number(n)),
            Op::Call(block) => return Step::Call(call(block)),
            Op::TailCall(block) => return Step::TailCall(call(block)),
            Op::Prompt(tag, body) => {
                let (tag, body) = (tag.get(), call(body));
                return Step::Prompt { tag, body };
            }
            Op::Capture(tag, operator, place, body) => {
                return Step::Capture {
                    tag: tag.get(),
                    operator,
                    place,
                    body: call(body),
                };
            }
            Op::Resume | Op::TailResume | Op::Throw | Op::Replace(_) => {
                let continuation = operands.iter().find_map(|value| match value {
                    Value::K(k) => Some(k.clone()),
                    _ => None,
                });
                let Some(continuation) = continuation else {
                    continue;
                };
                let with = match operands.pop() {
                    Some(Value::K(_)) | None => Value::Number(1),
                    Some(value) => value,
                };
                return match *op {
                    Op::TailResume => Step::TailResume {
                        continuation,
                        with: Ok(with),
                    },
                    Op::Replace(tag) => Step::Replace {
                        tag: tag.get(),
                        continuation,
                        with: Ok(with),
                    },
                    Op::Throw => Step::Resume {
                        continuation,
                        with: Err(with),
                    },
                    _ => Step::Resume {
                        continuation,
                        with: Ok(with),
                    },
                };
            }
            Op::Wind([before, body, after]) => {
                return Step::wind(call(before), call(body), call(after));
            }
            Op::Suspend => return Step::Suspend(pop()),
            Op::Raise => return Step::Raise(pop()),
            Op::Return => return Step::Return(pop()),
            Op::Abort(tag) => {
                let (tag, value) = (tag.get(), pop());
                return Step::Abort { tag, value };
            }
            Op::Mark(key) => {
                let value = operands.last().cloned().unwrap_or(Value::Nil);
                cx.set_mark(key.get(), value);
            }
            Op::Marks(key) => {
                let marks = cx.marks(key.get(), None).len();
                operands.push(Value::Number(marks as i64));
            }
            Op::Barrier(block) => operands.push(match cx.barrier("a host call", call(block)) {
                Ok(value) => value,
                Err(_) => Value::Nil,
            }),
        }
    }
}

/// What a snapshot is of.
#[allow(
    clippy::large_enum_variant,
    reason = "there are few of them, and not for long"
)]
pub(crate) enum Root<F: Persist> {
    Machine(Machine<F>),
    Continuation(Continuation<F>),
    Value(F::Value),
}

pub(crate) fn save<F: Persist>(
    roots: &mut [Root<F>],
    registry: &Rc<Registry>,
) -> Result<Vec<u8>, SaveError> {
    let mut save = Save::new(registry);
    add(roots, &mut save)?;
    save.finish()
}

pub(crate) fn add<F: Persist>(roots: &mut [Root<F>], to: &mut Save<F>) -> Result<(), SaveError> {
    for root in roots {
        match root {
            Root::Machine(machine) => to.machine(machine)?,
            Root::Continuation(k) => to.continuation(k)?,
            Root::Value(value) => to.value(value)?,
        }
    }
    Ok(())
}

/// Reads a snapshot, or one and the increments to it.
pub(crate) fn read<F: Persist>(
    snapshots: &[impl AsRef<[u8]>],
    registry: &Rc<Registry>,
) -> Result<Loaded<F>, LoadError> {
    Loaded::read_increments(snapshots, registry, LoadLimits::default())
}

/// Takes all roots, up to the first that is refused.
pub(crate) fn roots<F: Persist>(loaded: &mut Loaded<F>) -> Result<Vec<Root<F>>, LoadError> {
    let mut roots = Vec::new();
    for index in 0..loaded.len() {
        let is_another = LoadError::Root { index };
        roots.push(match loaded.machine(index) {
            Ok(machine) => Root::Machine(machine),
            Err(error) if error != is_another => return Err(error),
            Err(_) => match loaded.continuation(index) {
                Ok(k) => Root::Continuation(k),
                Err(error) if error != is_another => return Err(error),
                Err(_) => Root::Value(loaded.value(index)?),
            },
        });
    }
    Ok(roots)
}

pub(crate) fn load<F: Persist>(
    bytes: &[u8],
    registry: &Rc<Registry>,
) -> Result<Vec<Root<F>>, LoadError> {
    roots(&mut read(&[bytes], registry)?)
}

/// Goes on to the end. Each question is answered with how many there were so far.
pub(crate) fn to_the_end(machine: &mut Machine<Call>, mut answers: i64) -> Outcome<Value> {
    loop {
        if answered(machine, answers + 1) {
            answers += 1;
        }
        match machine.run(&mut ()) {
            Outcome::Suspended(_) => {}
            outcome => return outcome,
        }
    }
}

/// Answers the machine if it waits for that.
pub(crate) fn answered(machine: &mut Machine<Call>, n: i64) -> bool {
    machine.answer(Ok(Value::Number(n))).is_ok()
}

/// A snapshot of a program at each of its steps, all in one.
pub(crate) struct Film {
    pub(crate) bytes: Vec<u8>,
    /// How many answers there were at each.
    pub(crate) answers: Vec<i64>,
    /// What it comes to.
    pub(crate) end: Outcome<Value>,
}

pub(crate) fn film(block: u32) -> Film {
    let mut save = Save::new(&registry());
    let mut machine = Machine::new(Call::block(block, Vec::new()));
    let (mut answers, mut so_far) = (Vec::new(), 0);
    let end = loop {
        match save.machine(&mut machine) {
            Ok(()) => answers.push(so_far),
            Err(SaveError::NotSuspended) => {}
            Err(error) => panic!("{error}"),
        }
        if answered(&mut machine, so_far + 1) {
            so_far += 1;
        }
        match machine.run_for(1, &mut ()).unwrap() {
            Outcome::OutOfFuel | Outcome::Suspended(_) => {}
            end => break end,
        }
    };
    Film {
        bytes: save.finish().unwrap(),
        answers,
        end,
    }
}

/// One of each, some in others.
fn values() -> Vec<Root<Call>> {
    let k = |block| {
        let mut machine = Machine::new(Call::block(block, vec![Value::Char('k')]));
        assert!(matches!(machine.run(&mut ()), Outcome::Suspended(_)));
        machine.continuation().unwrap()
    };
    // On top of frames, and that on top of others.
    let inspector = Machine::<Call>::idle().inspector();
    let asks = [0; 3].map(|_| Call::block(ASKS, Vec::new()));
    let mut on_top = inspector.build_from_frames(asks).unwrap();
    for _ in 0..2 {
        let mut machine = Machine::new(Call::block(RESUMES, vec![Value::K(on_top)]));
        assert!(matches!(machine.run(&mut ()), Outcome::Suspended(_)));
        on_top = machine.continuation().unwrap();
    }
    let prompts = Layout {
        entries: vec![
            Entry::frame(Call::block(ASK, Vec::new())),
            Entry::Prompt {
                tag: Tag::Named.get(),
                times: 300,
            },
        ],
    };
    let prompts = inspector.build(prompts).unwrap();
    let boxed = (0..20).fold(Value::Nil, |value, _| Value::Boxed(Some(value.into())));
    let cell = Shared::new(Cell::new(vec![Value::Even(Even(1 << 20))]));
    cell.update(|it| it.push(Value::Cell(cell.clone())));
    cell.update(|it| it.push(Value::K(k(CALLS))));
    let table = [
        ("ä".to_owned(), Value::Number(i64::MIN)),
        ("b".to_owned(), Value::Cell(cell.clone())),
    ];
    let values = vec![
        Value::Nil,
        Value::Number(-1),
        Value::Float(-0.1),
        Value::Char('\u{10ffff}'),
        Value::Text("la la la".to_owned()),
        Value::Units(vec![(); 300]),
        Value::Table(table.into()),
        boxed,
        Value::Cell(cell),
        Value::K(k(WINDS)),
        Value::K(on_top),
        Value::K(prompts),
        Value::Named(double()),
    ];
    let roots = values.iter().cloned().map(Root::Value);
    roots
        .chain([Root::Value(Value::List(values.clone()))])
        .collect()
}

/// Machines and a continuation that share a cell.
fn shared() -> Vec<Root<Call>> {
    let cell = Shared::new(Cell::new(Vec::new()));
    let count = |left, block| {
        let cell = cell.clone();
        let mut machine = Machine::new(Call::Count { left, block, cell });
        assert!(matches!(machine.run(&mut ()), Outcome::Suspended(_)));
        machine
    };
    let mut one = count(5, ASK);
    let k = one.continuation().unwrap();
    cell.update(|cell| cell.push(Value::K(k.clone())));
    let mut applies = Machine::new(Call::Apply {
        block: ASK,
        function: double(),
    });
    assert!(matches!(applies.run(&mut ()), Outcome::Suspended(_)));
    vec![
        Root::Machine(one),
        Root::Machine(count(2, CALLS)),
        Root::Continuation(k),
        Root::Value(Value::Cell(cell)),
        Root::Machine(applies),
    ]
}

pub(crate) const FILMS: [(&str, u32); 4] = [
    ("calls", CALLS),
    ("winders", WINDS),
    ("errors", CATCHES),
    ("operators", SHIFTS),
];

/// A machine that has lost its topmost frame, and starts again below.
fn restarted() -> Vec<Root<Call>> {
    let lies = Call::Block {
        block: ASK,
        at: 1,
        even: Even(1),
        operands: Vec::new(),
    };
    let cell = Shared::new(Cell::new(Vec::new()));
    let below = Call::Count {
        left: 1,
        block: CALLS,
        cell,
    };
    let inspector = Machine::<Call>::idle().inspector();
    let k = inspector.build_from_frames([lies, below]).unwrap();
    let mut machine = Machine::idle();
    machine.start_with(k, Ok(Value::Nil)).unwrap();
    let bytes = save(&mut [Root::Machine(machine)], &registry()).unwrap();
    let machine = load::<Call>(&bytes, &registry());
    assert!(matches!(machine, Err(LoadError::Value { .. })));
    load(&bytes, &with_policy(Policy::Restart)).unwrap()
}

/// A real snapshot.
pub(crate) struct Snapshot {
    pub(crate) name: &'static str,
    /// Those that it is an increment to, the first one first.
    pub(crate) bases: Vec<Vec<u8>>,
    pub(crate) bytes: Vec<u8>,
}

impl Snapshot {
    pub(crate) fn read(&self) -> Result<Loaded<Call>, LoadError> {
        let mut all = self.bases.clone();
        all.push(self.bytes.clone());
        read(&all, &registry())
    }
}

/// Two increments to what machines share, each after the machines did something.
fn increments(mut roots: Vec<Root<Call>>) -> [Snapshot; 3] {
    let mut bases = Vec::new();
    let mut save = Save::new(&registry());
    ["shared", "increment", "increment-2"].map(|name| {
        add(&mut roots, &mut save).unwrap();
        let new = std::mem::replace(&mut save, Save::new(&registry()));
        let (bytes, base) = new.finish_as_base().unwrap();
        save = Save::since(&base, &registry());
        let snapshot = Snapshot {
            name,
            bases: bases.clone(),
            bytes: bytes.clone(),
        };
        bases.push(bytes);
        for root in &mut roots {
            if let Root::Machine(machine) = root {
                answered(machine, 3);
                if let Outcome::Done(value) = machine.run_for(2, &mut ()).unwrap() {
                    *root = Root::Value(value);
                }
            }
        }
        roots.push(Root::Value(Value::Cell(Shared::new(Cell::new(vec![
            Value::Nil,
        ])))));
        snapshot
    })
}

/// Real snapshots, each after those that it is an increment to.
pub(crate) fn snapshots() -> Vec<Snapshot> {
    let plain = |name, bytes| Snapshot {
        name,
        bases: Vec::new(),
        bytes,
    };
    let saved = |mut roots: Vec<Root<Call>>| save(&mut roots, &registry()).unwrap();
    let films = FILMS.map(|(name, block)| plain(name, film(block).bytes));
    let others = [
        plain("nothing", saved(Vec::new())),
        plain("values", saved(values())),
        plain("restarted", saved(restarted())),
    ];
    let all = films.into_iter().chain(others).chain(increments(shared()));
    let all = all.collect();
    empty_cells();
    all
}

/// The same numbers for the same seed, everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}
