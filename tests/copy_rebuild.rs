//! Frames that recurse on the native stack: that they do, what they are refused, and that
//! nothing of them is lost or kept.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;

use segno::copy::{Came, Coop, Keep, Leave, enter, enter_keeping, raise};
use segno::frame::*;

const P: PromptTag = PromptTag::named("p");
const LINE: MarkKey = MarkKey::named("line");

#[derive(Clone, Debug)]
enum Value {
    Number(i64),
    K(Continuation<Eval>),
}
use Value::Number;

impl Value {
    #[track_caller]
    fn number(self) -> i64 {
        match self {
            Number(n) => n,
            Value::K(k) => panic!("{k:?}"),
        }
    }
}

/// What frames share.
#[derive(Default)]
struct World {
    /// How often the machine has resumed a frame.
    resumes: usize,
    log: Vec<i64>,
    refused: Vec<Refusal>,
}

/// What a function does.
type Way = fn(&mut Coop<'_, '_, Eval>) -> Came<Eval>;
type Body = dyn Fn(&mut Coop<'_, '_, Eval>) -> Came<Eval>;

/// What a frame is to find the value of.
enum Expr {
    Number(i64),
    Add(Rc<Expr>, Rc<Expr>),
    /// What the machine's owner answers to this.
    Ask(i64),
    /// One of both, each at its time.
    Amb(i64, i64),
    /// Goes on with both, for the frame that chooses.
    Both(i64, i64),
    /// The sum over all choices.
    All(Rc<Expr>),
    /// The frame's own number, by so many frames on top of each other.
    Down,
    Does(Rc<Body>),
}

fn number(n: i64) -> Rc<Expr> {
    Rc::new(Expr::Number(n))
}

fn add(left: Rc<Expr>, right: Rc<Expr>) -> Rc<Expr> {
    Rc::new(Expr::Add(left, right))
}

fn ask(n: i64) -> Rc<Expr> {
    Rc::new(Expr::Ask(n))
}

fn does(body: impl Fn(&mut Coop<'_, '_, Eval>) -> Came<Eval> + 'static) -> Rc<Expr> {
    Rc::new(Expr::Does(Rc::new(body)))
}

thread_local! {
    /// How many frames were made or cloned, and not dropped.
    static ALIVE: Cell<isize> = const { Cell::new(0) };
    static CLONES: Cell<usize> = const { Cell::new(0) };
}

struct Eval {
    expr: Rc<Expr>,
    point: i64,
    sum: i64,
    k: Option<Continuation<Eval>>,
}

impl Eval {
    fn new(expr: Rc<Expr>) -> Self {
        Self::at(0, expr)
    }

    fn at(point: i64, expr: Rc<Expr>) -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Self {
            expr,
            point,
            sum: 0,
            k: None,
        }
    }

    fn down(n: i64) -> Self {
        Self::at(n, Rc::new(Expr::Down))
    }
}

impl Clone for Eval {
    fn clone(&self) -> Self {
        ALIVE.set(ALIVE.get() + 1);
        CLONES.set(CLONES.get() + 1);
        Self {
            expr: self.expr.clone(),
            k: self.k.clone(),
            ..*self
        }
    }
}

impl Drop for Eval {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

fn eval(mut coop: Coop<'_, '_, Eval>) -> Came<Eval> {
    let expr = coop.state.expr.clone();
    match &*expr {
        Expr::Number(n) => Ok(Number(*n)),
        Expr::Add(left, right) => {
            if coop.state.point == 0 {
                coop.state.sum = coop.call(Eval::new(left.clone()), eval)?.number();
                coop.state.point = 1;
            }
            let right = coop.call(Eval::new(right.clone()), eval)?.number();
            Ok(Number(coop.state.sum + right))
        }
        Expr::Ask(n) => coop.suspend(Number(*n)),
        Expr::Amb(one, other) => coop.ask(Step::Capture {
            tag: P,
            operator: Operator::Shift,
            place: Place::Prompt,
            body: Eval::new(Rc::new(Expr::Both(*one, *other))),
        }),
        Expr::Both(one, other) => {
            if let Some(k) = coop.continuation() {
                coop.state.k = Some(k);
            }
            while coop.state.point < 2 {
                let with = [*one, *other][usize::try_from(coop.state.point).unwrap()];
                let continuation = coop.state.k.clone().unwrap();
                let with = Ok(Number(with));
                let came = coop.ask(Step::Resume { continuation, with })?;
                coop.state.sum += came.number();
                coop.state.point += 1;
            }
            Ok(Number(coop.state.sum))
        }
        Expr::All(expr) => coop.ask(Step::Prompt {
            tag: P,
            body: Eval::new(expr.clone()),
        }),
        Expr::Down => match coop.state.point {
            0 => Ok(Number(0)),
            n => Ok(Number(1 + coop.call(Eval::down(n - 1), eval)?.number())),
        },
        Expr::Does(body) => body(&mut coop),
    }
}

impl Frame for Eval {
    type Value = Value;
    type World = World;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        cx.world.resumes += 1;
        enter(self, input, cx, eval)
    }

    fn catches(&self) -> bool {
        true
    }
}

impl Describe for Eval {
    fn descriptor(&self) -> &'static FrameDescriptor {
        static EVAL: FrameDescriptor = FrameDescriptor::new("eval", &[]);
        static DOES: FrameDescriptor = FrameDescriptor::new("does", &[]);
        match *self.expr {
            Expr::Does(_) => &DOES,
            _ => &EVAL,
        }
    }

    fn slot(&self, _: usize) -> Option<&dyn fmt::Debug> {
        None
    }
}

/// Frames that are gone at the end, all of them.
fn balanced(test: impl FnOnce()) {
    let before = ALIVE.get();
    test();
    assert_eq!(ALIVE.get(), before, "frames are left over");
}

fn on_a_stack_of(size: usize, f: fn()) {
    let small = thread::Builder::new().stack_size(size);
    small.spawn(f).unwrap().join().unwrap();
}

fn machine(expr: Rc<Expr>) -> Machine<Eval> {
    Machine::new(Eval::new(expr))
}

/// Runs it to its end, with ten times each question for an answer.
#[track_caller]
fn run(machine: &mut Machine<Eval>, world: &mut World) -> Result<i64, Refusal> {
    loop {
        match machine.run_for(u64::MAX, world)? {
            Outcome::Done(value) => return Ok(value.number()),
            Outcome::Suspended(value) => {
                let answer = 10 * value.number();
                machine.answer(Ok(Number(answer))).unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
}

/// That the machine goes on with whatever comes next.
#[track_caller]
fn is_usable(machine: &mut Machine<Eval>) {
    assert_eq!(machine.depth(), 0);
    assert_eq!(machine.sealed_frames(), 0);
    machine.start(Eval::new(add(number(1), ask(2)))).unwrap();
    assert_eq!(run(machine, &mut World::default()), Ok(21));
}

/// What a program comes to, after which its machine is as good as new.
#[track_caller]
fn came(expr: Rc<Expr>, world: &mut World) -> Result<i64, Refusal> {
    let mut machine = machine(expr);
    let came = run(&mut machine, world);
    is_usable(&mut machine);
    came
}

/// A frame that notes what its callee is refused, and is not put off by it.
fn notes_refusal(callee: Rc<Expr>) -> Rc<Expr> {
    does(move |coop| {
        let came = coop.call(Eval::new(callee.clone()), eval);
        if let Some(refusal) = refusal_of(&came) {
            coop.world().refused.push(refusal);
            return Ok(Number(-1));
        }
        came
    })
}

fn refusal_of(came: &Came<Eval>) -> Option<Refusal> {
    match came.as_ref().map_err(|leave| &**leave) {
        Err(Leave::Refused(refusal)) => Some(*refusal),
        _ => None,
    }
}

fn is_away(came: &Came<Eval>) -> bool {
    matches!(came.as_ref().map_err(|leave| &**leave), Err(Leave::Away(_)))
}

fn prompt(expr: Rc<Expr>) -> Rc<Expr> {
    Rc::new(Expr::All(expr))
}

// Recursion.

#[test]
fn a_program_that_asks_for_nothing_is_one_step() {
    fn tree(depth: u32, addresses: &Rc<RefCell<Vec<usize>>>) -> Rc<Expr> {
        if depth == 0 {
            let addresses = addresses.clone();
            return does(move |coop| {
                addresses.borrow_mut().push(&raw const *coop.state as usize);
                Ok(Number(1))
            });
        }
        add(number(0), add(tree(depth - 1, addresses), number(1)))
    }

    balanced(|| {
        let addresses = Rc::default();
        let leaves: Vec<_> = (0..20).map(|depth| tree(depth, &addresses)).collect();
        let all = leaves.into_iter().reduce(add).unwrap();
        let mut world = World::default();
        let mut machine = machine(all);
        let before = CLONES.get();
        assert_eq!(run(&mut machine, &mut world), Ok((1..=20).sum()));
        assert_eq!((world.resumes, CLONES.get()), (1, before));
        // Each leaf is another number of native frames deep.
        let mut addresses = addresses.take();
        addresses.sort_unstable();
        addresses.dedup();
        assert!(addresses.len() > 10, "{addresses:x?}");
        is_usable(&mut machine);
    });
}

#[test]
fn frames_are_entered_again_one_by_one() {
    balanced(|| {
        let one_more = |inner: Rc<Expr>| {
            does(move |coop| {
                let came = coop.call(Eval::new(inner.clone()), eval)?;
                Ok(Number(1 + came.number()))
            })
        };
        let mut machine = machine((0..5).fold(ask(1), |inner, _| one_more(inner)));
        let mut world = World::default();
        let outcome = machine.run(&mut world);
        assert!(
            matches!(outcome, Outcome::Suspended(Number(1))),
            "{outcome:?}"
        );
        // The topmost has said once more what it asks.
        assert_eq!((machine.depth(), world.resumes), (6, 2));
        machine.answer(Ok(Number(100))).unwrap();
        for depth in (1..6).rev() {
            let outcome = machine.run_for(1, &mut world).unwrap();
            assert!(matches!(outcome, Outcome::OutOfFuel), "{outcome:?}");
            assert_eq!(machine.depth(), depth);
        }
        assert_eq!(run(&mut machine, &mut world), Ok(105));
        assert_eq!(world.resumes, 8);
        is_usable(&mut machine);
    });
}

#[test]
fn a_million_frames_deep_on_a_small_stack() {
    on_a_stack_of(256 << 10, || {
        balanced(|| {
            let mut world = World::default();
            let mut machine = Machine::new(Eval::down(1_000_000));
            assert_eq!(run(&mut machine, &mut world), Ok(1_000_000));
            // Many of them are on the native stack at a time, and most are entered again.
            let resumes = world.resumes;
            assert!((999_000..1_100_000).contains(&resumes), "{resumes}");
            is_usable(&mut machine);
        });
    });
}

// Limits.

#[test]
fn as_much_of_the_native_stack_as_is_said() {
    on_a_stack_of(2 << 20, || {
        balanced(|| {
            let resumes = [0, 10_000, 100_000, 1_000_000].map(|native_stack| {
                let mut machine = Machine::new(Eval::down(10_000));
                machine.set_limits(Limits {
                    native_stack,
                    ..Limits::default()
                });
                let mut world = World::default();
                assert_eq!(run(&mut machine, &mut world), Ok(10_000));
                is_usable(&mut machine);
                world.resumes
            });
            // Without any, each frame is begun and entered again by the machine.
            assert_eq!(resumes[0], 20_001);
            assert!(
                resumes.is_sorted_by(|more, fewer| more > fewer),
                "{resumes:?}"
            );
        });
    });
}

#[test]
fn fuel_ends_amid_a_recursion() {
    balanced(|| {
        for portion in [1, 2, 3, 7, 100, 1000] {
            let mut world = World::default();
            let mut machine = Machine::new(Eval::down(300));
            let mut portions = 0;
            let value = loop {
                portions += 1;
                match machine.run_for(portion, &mut world).unwrap() {
                    Outcome::Done(value) => break value.number(),
                    Outcome::OutOfFuel => {
                        let calls = 1 + portion * portions;
                        if calls <= 301 {
                            assert_eq!(machine.depth() as u64, calls);
                        }
                    }
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(value, 300);
            // A call costs one; so does a frame that is entered again.
            assert!(portions * portion >= 301);
            is_usable(&mut machine);
        }
    });
}

#[test]
fn as_many_frames_as_there_may_be() {
    balanced(|| {
        for limit in [1, 2, 10, 500] {
            let limits = Limits {
                depth: limit,
                ..Limits::default()
            };
            let frames = i64::try_from(limit).unwrap();
            let mut machine = Machine::new(Eval::down(frames - 1));
            machine.set_limits(limits);
            let mut world = World::default();
            assert_eq!(run(&mut machine, &mut world), Ok(frames - 1));
            machine.start(Eval::down(frames)).unwrap();
            let refusal = run(&mut machine, &mut world);
            assert_eq!(refusal, Err(Refusal::Depth { limit }));
            machine.set_limits(Limits::default());
            is_usable(&mut machine);
        }
    });
}

/// Only frames that are there at the same time count.
#[test]
fn calls_that_have_returned_are_no_depth() {
    balanced(|| {
        let calls = does(|coop| {
            while coop.state.point < 1000 {
                let came = coop.call(Eval::down(3), eval)?;
                coop.state.sum += came.number();
                coop.state.point += 1;
            }
            Ok(Number(coop.state.sum))
        });
        let mut machine = machine(add(number(0), calls));
        let limits = |depth| Limits {
            depth,
            ..Limits::default()
        };
        machine.set_limits(limits(6));
        assert_eq!(run(&mut machine, &mut World::default()), Ok(3000));
        is_usable(&mut machine);
    });
}

/// Foreign functions in each other, a recursion between each and the next.
#[test]
fn foreign_functions_are_nested_so_deep() {
    fn nests(coop: &mut Coop<'_, '_, Eval>) -> Came<Eval> {
        if coop.state.point > 0 {
            let n = coop.state.point - 1;
            return coop.call(Eval::at(n, does(nests)), eval);
        }
        coop.world().log.push(1);
        let callee = Eval::at(300, does(nests));
        match coop.foreign("sort", |foreign| foreign.call(callee))? {
            Err(Interrupted::Refused(refusal)) => {
                coop.world().refused.push(refusal);
                Ok(Number(7))
            }
            came => Ok(came?),
        }
    }

    on_a_stack_of(8 << 20, || {
        balanced(|| {
            let mut world = World::default();
            assert_eq!(came(does(nests), &mut world), Ok(7));
            assert_eq!(world.refused, [Refusal::Nesting { limit: 100 }]);
            assert_eq!(world.log.len(), 101);
        });
    });
}

// Foreign functions.

/// A step that leaves.
type Leaves = fn() -> Step<Eval>;

const LEAVES: [Leaves; 4] = [
    || Step::Suspend(Number(0)),
    || Step::Abort {
        tag: P,
        value: Number(0),
    },
    || Step::Capture {
        tag: P,
        operator: Operator::Control,
        place: Place::Prompt,
        body: Eval::new(number(0)),
    },
    || Step::Capture {
        tag: P,
        operator: Operator::Shift0,
        place: Place::Here,
        body: Eval::new(number(0)),
    },
];

#[test]
fn nothing_leaves_through_a_foreign_function() {
    balanced(|| {
        for leaves in LEAVES {
            // By the frame that it runs, and by one above that.
            for above in 0..2 {
                let inner = does(move |coop| {
                    let host_call = "sort";
                    assert_eq!(coop.capturable(P), Err(Refusal::Barrier { host_call }));
                    coop.ask(leaves())
                });
                let inner = (0..above).fold(inner, |inner, _| add(inner, number(0)));
                let calls = does(move |coop| {
                    let inner = Eval::new(inner.clone());
                    let came = coop.foreign("sort", |foreign| foreign.call(inner))?;
                    let Err(Interrupted::Refused(refusal)) = came else {
                        panic!("{came:?}");
                    };
                    coop.world().refused.push(refusal);
                    // Nothing has happened to this frame, which goes on.
                    assert_eq!(coop.capturable(P), Ok(()));
                    let sum = Eval::new(add(number(3), prompt(number(4))));
                    Ok(coop.foreign("sum", |foreign| foreign.call(sum))??)
                });
                let mut world = World::default();
                let program = prompt(add(number(10), add(calls, number(20))));
                assert_eq!(came(program, &mut world), Ok(37));
                let host_call = "sort";
                assert_eq!(world.refused, [Refusal::Barrier { host_call }]);
            }
        }
    });
}

#[test]
fn a_frame_that_has_called_a_foreign_function_can_be_captured() {
    balanced(|| {
        let reads = does(|coop| {
            if coop.state.point == 0 {
                coop.state.sum = coop.foreign("read", |_| 5)?;
                coop.state.point = 1;
            }
            let came = coop.call(Eval::new(Rc::new(Expr::Amb(1, 2))), eval)?;
            Ok(Number(came.number() * coop.state.sum))
        });
        assert_eq!(came(prompt(reads), &mut World::default()), Ok(15));
    });
}

/// Everything, foreign functions and machine and all, is suspended by a coroutine.
#[cfg(all(unix, feature = "std"))]
#[test]
fn a_native_suspension_crosses_a_foreign_function() {
    use segno::{Coroutine, CoroutineResult, Yielder};

    /// The sum of so many numbers from a socket.
    #[derive(Clone)]
    struct Reads<'y> {
        socket: &'y Yielder<i64, i64>,
        left: i64,
    }

    fn reads<'y>(mut coop: Coop<'_, '_, Reads<'y>>) -> Came<Reads<'y>> {
        let Reads { socket, left } = *coop.state;
        if left == 0 {
            return Ok(0);
        }
        let read = coop.foreign("read", |_| socket.suspend(left))?;
        let left = left - 1;
        Ok(read + coop.call(Reads { socket, left }, reads)?)
    }

    impl Frame for Reads<'_> {
        type Value = i64;
        type World = usize;

        fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
            *cx.world += 1;
            enter(self, input, cx, reads)
        }
    }

    impl Describe for Reads<'_> {
        fn descriptor(&self) -> &'static FrameDescriptor {
            static READS: FrameDescriptor = FrameDescriptor::new("reads", &[]);
            &READS
        }

        fn slot(&self, _: usize) -> Option<&dyn fmt::Debug> {
            None
        }
    }

    let mut coroutine = Coroutine::<i64, i64, (i64, usize)>::new(|socket, left| {
        let mut resumes = 0;
        match Machine::new(Reads { socket, left }).run(&mut resumes) {
            Outcome::Done(sum) => (sum, resumes),
            other => panic!("{other:?}"),
        }
    });
    let mut with = 10;
    for left in (1..=10).rev() {
        assert_eq!(coroutine.resume(with), CoroutineResult::Yield(left));
        with = left * left;
    }
    assert_eq!(coroutine.resume(with), CoroutineResult::Return((385, 1)));
}

/// A foreign function may go on with the frames on a stack of its own.
#[cfg(all(unix, feature = "std"))]
#[test]
fn a_foreign_function_on_another_stack() {
    use segno::on_stack;
    use segno::stack::DefaultStack;

    balanced(|| {
        let calls = does(|coop| {
            if coop.state.point == 0 {
                coop.state.sum = coop.foreign("elsewhere", |foreign| {
                    on_stack(DefaultStack::default(), || {
                        let refused = foreign.call(Eval::new(between(&ask(1))));
                        let host_call = "elsewhere";
                        assert!(matches!(
                            refused,
                            Err(Interrupted::Refused(refusal))
                                if refusal == Refusal::Barrier { host_call }
                        ));
                        foreign.call(Eval::down(10_000)).unwrap().number()
                    })
                })?;
                coop.state.point = 1;
            }
            let asked = coop.suspend(Number(3))?.number();
            Ok(Number(coop.state.sum + asked))
        });
        let program = between(&calls);
        assert_eq!(came(program, &mut World::default()), Ok(10_032));
    });
}

// Functions that do not keep to it.

/// What frames below it hear, on the native stack and as frames of the machine; and what the
/// owner hears if there is none.
#[track_caller]
fn is_refused(program: &Rc<Expr>, refusal: Refusal) {
    balanced(|| {
        let mut world = World::default();
        assert_eq!(came(program.clone(), &mut world), Err(refusal));
        assert!(world.refused.is_empty());
        // The prompt ends the native stack below.
        let below = add(number(1), notes_refusal(prompt(program.clone())));
        assert_eq!(came(below, &mut world), Ok(0));
        assert_eq!(world.refused, [refusal]);
    });
}

#[test]
fn who_is_entered_again_has_to_get_there() {
    let ways: [Way; 3] = [
        |_| Ok(Number(7)),
        |_| raise(Number(7)),
        |coop| coop.foreign("clock", |_| panic!("it was called")),
    ];
    for way in ways {
        let misses = does(move |coop| match coop.entered_again() {
            true => way(coop),
            false => coop.suspend(Number(1)),
        });
        is_refused(&misses, Refusal::Missed { frame: "does" });
        // One frame does not, others above it did.
        let callee = add(ask(1), ask(2));
        let misses = does(move |coop| match coop.entered_again() {
            true => way(coop),
            false => coop.call(Eval::new(callee.clone()), eval),
        });
        is_refused(&misses, Refusal::Missed { frame: "does" });
    }
}

#[test]
fn who_was_not_entered_again_has_received_nothing() {
    is_refused(
        &does(|coop| coop.received()),
        Refusal::Missed { frame: "does" },
    );
}

/// Puts a frame on a native stack between two others.
fn between(expr: &Rc<Expr>) -> Rc<Expr> {
    add(number(1), add(expr.clone(), number(1)))
}

#[test]
fn nobody_stays_when_the_stack_is_left() {
    let leaves: [Way; 3] = [
        |coop| coop.suspend(Number(1)),
        |coop| coop.call(Eval::new(add(ask(1), ask(2))), eval),
        |coop| coop.ask(Step::Call(Eval::new(number(1)))),
    ];
    let goes_on: [Way; 7] = [
        |_| Ok(Number(7)),
        |_| raise(Number(7)),
        |_| Err(Refusal::NoFuel.into()),
        |coop| coop.suspend(Number(2)),
        |coop| coop.call(Eval::new(number(1)), eval),
        |coop| coop.foreign("sort", |_| panic!("it was called")),
        |coop| {
            coop.set_mark(LINE, Number(1))?;
            Ok(Number(7))
        },
    ];
    for leaves in leaves {
        for goes_on in goes_on {
            let stays = does(move |coop| {
                if !coop.entered_again() {
                    assert!(is_away(&leaves(coop)));
                }
                goes_on(coop)
            });
            is_refused(&stays, Refusal::Stayed { frame: "does" });
            is_refused(&between(&stays), Refusal::Stayed { frame: "eval" });
        }
    }
}

#[test]
fn an_old_word_that_the_stack_is_left_means_nothing() {
    let kept = Rc::new(RefCell::new(Vec::new()));
    let keeps = {
        let kept = kept.clone();
        does(move |coop| {
            let came = coop.suspend(Number(1));
            if is_away(&came) {
                kept.borrow_mut().push(came);
            }
            coop.suspend(Number(1))
        })
    };
    let stale = {
        let kept = kept.clone();
        does(move |_| kept.borrow_mut().pop().unwrap())
    };
    // Each is good for one time.
    let is_refused = |stale: &Rc<Expr>, refusal| {
        is_refused(&keeps, Refusal::Stayed { frame: "does" });
        assert_eq!(kept.borrow().len(), 2);
        is_refused(stale, refusal);
        assert!(kept.borrow().is_empty());
    };
    is_refused(&stale, Refusal::Stayed { frame: "does" });
    is_refused(&between(&stale), Refusal::Stayed { frame: "eval" });
    // Who does not hand it on has lost nothing, unless the stack is left after that.
    let ignores = |then: Rc<Expr>| {
        let stale = stale.clone();
        does(move |coop| {
            if !coop.entered_again() {
                assert!(is_away(&coop.call(Eval::new(stale.clone()), eval)));
            }
            coop.call(Eval::new(then.clone()), eval)
        })
    };
    is_refused(&ignores(ask(3)), Refusal::Stayed { frame: "does" });
    balanced(|| {
        assert!(came(keeps.clone(), &mut World::default()).is_err());
        let program = ignores(number(3));
        assert_eq!(came(program, &mut World::default()), Ok(3));
        assert!(kept.borrow().is_empty());
    });
}

// Refusals.

#[test]
fn a_refusal_goes_to_the_frame_below() {
    const REFUSAL: Refusal = Refusal::SealedFrames { limit: 3 };
    let refuses: [Way; 3] = [
        |_| Err(REFUSAL.into()),
        |coop| coop.ask(Step::Refuse(Box::new(REFUSAL))),
        // After it was entered again.
        |coop| {
            coop.suspend(Number(1))?;
            Err(REFUSAL.into())
        },
    ];
    for refuses in refuses {
        is_refused(&does(refuses), REFUSAL);
        is_refused(&between(&does(refuses)), REFUSAL);
        balanced(|| {
            let below = add(number(1), notes_refusal(between(&does(refuses))));
            let mut world = World::default();
            assert_eq!(came(below, &mut world), Ok(0));
            assert_eq!(world.refused, [REFUSAL]);
        });
    }
}

fn log(n: i64) -> Rc<Expr> {
    does(move |coop| {
        coop.world().log.push(n);
        Ok(Number(n))
    })
}

#[test]
fn a_refusal_runs_winders() {
    const REFUSAL: Refusal = Refusal::Prompts { limit: 3 };
    let wind = |body: Rc<Expr>| {
        does(move |coop| {
            coop.ask(Step::wind(
                Eval::new(log(1)),
                Eval::new(body.clone()),
                Eval::new(log(2)),
            ))
        })
    };
    let refuses = || does(|_| Err(REFUSAL.into()));
    balanced(|| {
        let mut world = World::default();
        let body = wind(between(&refuses()));
        assert_eq!(came(body.clone(), &mut world), Err(REFUSAL));
        let below = add(number(1), notes_refusal(wind(body)));
        assert_eq!(came(below, &mut world), Ok(0));
        assert_eq!(world.refused, [REFUSAL]);
        assert_eq!(world.log, [1, 2, 1, 1, 2, 2]);
        // An *after* that is refused itself, at the end of its body and on the way of an abort.
        let winds = |body: Rc<Expr>| {
            does(move |coop| {
                let after = does(|_| Err(REFUSAL.into()));
                coop.ask(Step::wind(
                    Eval::new(log(3)),
                    Eval::new(body.clone()),
                    Eval::new(after),
                ))
            })
        };
        let aborts = does(|coop| {
            let value = Number(4);
            coop.ask(Step::Abort { tag: P, value })
        });
        is_refused(&winds(number(1)), REFUSAL);
        is_refused(&prompt(winds(aborts)), REFUSAL);
    });
}

// Marks.

#[test]
fn a_frame_on_the_native_stack_has_marks() {
    let reads = |n: i64| {
        does(move |coop| {
            let marks = coop.marks(LINE, None);
            let marks = marks.into_iter().map(Value::number);
            let sum = marks.fold(0, |sum, mark| 10 * sum + mark);
            coop.world().log.push(n * 1000 + sum);
            Ok(Number(0))
        })
    };
    let marked = |mark: i64, body: Rc<Expr>| {
        let reads = reads(mark);
        does(move |coop| {
            if coop.state.point == 0 {
                coop.set_mark(LINE, Number(mark))?;
                coop.state.point = 1;
                assert_eq!(coop.mark(LINE).map(Value::number), Some(mark));
            }
            if coop.state.point == 1 {
                coop.call(Eval::new(reads.clone()), eval)?;
                coop.state.point = 2;
            }
            if coop.state.point == 2 {
                let came = coop.call(Eval::new(body.clone()), eval)?;
                coop.state.sum = came.number();
                coop.state.point = 3;
            }
            coop.call(Eval::new(reads.clone()), eval)?;
            Ok(Number(coop.state.sum))
        })
    };
    balanced(|| {
        let mut world = World::default();
        let inner = marked(3, add(Rc::new(Expr::Amb(4, 5)), reads(9)));
        let outer = marked(1, add(marked(2, number(1)), inner));
        let program = prompt(add(outer, reads(8)));
        assert_eq!(came(program, &mut world), Ok(11));
        let once = [1001, 2021, 2021, 3031];
        let each = [9031, 3031, 1001, 8000];
        assert_eq!(world.log, [&once[..], &each, &each].concat());
    });
}

// Continuations.

#[test]
fn a_recursion_goes_on_more_than_once() {
    balanced(|| {
        // From the left and from the right, natively and through the machine.
        let ambs = |n: i64| Rc::new(Expr::Amb(n, 10 * n));
        let left = (2..=6).fold(ambs(1), |sum, n| add(sum, ambs(n)));
        let right = (2..=6).fold(ambs(1), |sum, n| add(ambs(n), sum));
        for sum in [left, right] {
            let mut world = World::default();
            // Half of all the sums has the one number, half the other.
            let expected = 32 * 11 * (1 + 2 + 3 + 4 + 5 + 6);
            assert_eq!(came(prompt(sum), &mut world), Ok(expected));
        }
    });
}

#[test]
fn a_continuation_is_its_frames() {
    balanced(|| {
        let takes = does(|coop| Ok(Value::K(coop.continuation().unwrap())));
        let captures = does(move |coop| {
            coop.ask(Step::Capture {
                tag: P,
                operator: Operator::Control,
                place: Place::Prompt,
                body: Eval::new(takes.clone()),
            })
        });
        let depth = 40;
        let body = (0..depth).fold(captures, |inner, n| add(inner, number(n)));
        let mut machine = machine(prompt(body));
        let Outcome::Done(Value::K(k)) = machine.run(&mut World::default()) else {
            panic!("there is no continuation");
        };
        assert_eq!(k.len(), depth as usize + 1);
        let before = CLONES.get();
        for n in 0..3 {
            machine.start_with(k.clone(), Ok(Number(n))).unwrap();
            assert_eq!(
                run(&mut machine, &mut World::default()),
                Ok(n + (0..depth).sum::<i64>())
            );
        }
        assert!(CLONES.get() > before);
        // The last one is not copied, and one that is dropped neither.
        let before = CLONES.get();
        let dropped = k.clone();
        drop(dropped);
        machine.start_with(k, Ok(Number(0))).unwrap();
        assert_eq!(run(&mut machine, &mut World::default()), Ok(780));
        assert_eq!(CLONES.get(), before);
        is_usable(&mut machine);
    });
}

#[test]
fn a_continuation_is_for_the_body_of_the_capture_only() {
    balanced(|| {
        let asks_for_it = does(|coop| Ok(Number(coop.continuation().is_some().into())));
        let body = add(asks_for_it, number(10));
        let captures = does(move |coop| {
            coop.ask(Step::Capture {
                tag: P,
                operator: Operator::Shift,
                place: Place::Prompt,
                body: Eval::new(body.clone()),
            })
        });
        let program = prompt(add(number(100), captures));
        assert_eq!(came(program, &mut World::default()), Ok(10));
    });
}

#[test]
fn a_question_may_be_answered_by_an_error() {
    balanced(|| {
        let catches = does(|coop| {
            let came = coop.call(Eval::new(between(&ask(1))), eval);
            match segno::copy::caught(came)? {
                Ok(value) => Ok(value),
                Err(error) => Ok(Number(1 + error.number())),
            }
        });
        let mut machine = machine(between(&catches));
        let outcome = machine.run(&mut World::default());
        assert!(matches!(outcome, Outcome::Suspended(_)), "{outcome:?}");
        machine.answer(Err(Number(5))).unwrap();
        assert_eq!(run(&mut machine, &mut World::default()), Ok(8));
        is_usable(&mut machine);
    });
}

// Panics.

#[derive(Debug)]
struct Payload;

fn panics() -> Rc<Expr> {
    does(|_| std::panic::resume_unwind(Box::new(Payload)))
}

fn caught<T>(f: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Some(value),
        Err(payload) => {
            assert!(payload.is::<Payload>(), "another panic");
            None
        }
    }
}

#[cfg(panic = "unwind")]
#[test]
fn a_panic_that_a_frame_catches() {
    let panicking = [
        panics(),
        between(&panics()),
        // By a frame that was entered again, if it may.
        add(does(|coop| coop.foreign("clock", |_| Number(1))), panics()),
        // Inside of a foreign function, inside of another.
        does(|coop| {
            let compares = does(|coop| {
                let callee = Eval::new(between(&panics()));
                Ok(coop.foreign("compare", |foreign| foreign.call(callee))??)
            });
            Ok(coop.foreign("sort", |foreign| foreign.call(Eval::new(compares)))??)
        }),
    ];
    for panicking in panicking {
        balanced(|| {
            // What comes before leaves nothing behind, and what comes after finds all in order.
            let catches = does(move |coop| {
                if coop.state.point == 0 {
                    let callee = || Eval::new(panicking.clone());
                    let came = caught(|| coop.call(callee(), eval));
                    assert!(came.is_none());
                    let came =
                        coop.foreign("sum", |foreign| caught(|| foreign.call(callee())).is_none());
                    assert!(came?);
                    coop.state.point = 1;
                }
                coop.call(Eval::new(add(ask(1), Rc::new(Expr::Amb(1, 2)))), eval)
            });
            let mut world = World::default();
            let program = prompt(between(&catches));
            assert_eq!(came(program, &mut world), Ok(27));
        });
    }
}

#[cfg(panic = "unwind")]
#[test]
fn a_panic_that_nobody_catches() {
    balanced(|| {
        let asks = add(ask(1), between(&panics()));
        for program in [between(&panics()), prompt(between(&panics())), asks.clone()] {
            let mut machine = machine(between(&program));
            let mut world = World::default();
            assert!(caught(|| run(&mut machine, &mut world)).is_none());
            drop(machine);
        }
        // Continuations of it are as they were.
        let mut machine = machine(between(&asks));
        let outcome = machine.run(&mut World::default());
        assert!(matches!(outcome, Outcome::Suspended(_)), "{outcome:?}");
        let k = machine.continuation().unwrap();
        machine.answer(Ok(Number(1))).unwrap();
        assert!(caught(|| run(&mut machine, &mut World::default())).is_none());
        drop(machine);
        let mut machine = Machine::idle();
        machine.start_with(k.clone(), Ok(Number(1))).unwrap();
        assert!(caught(|| run(&mut machine, &mut World::default())).is_none());
        drop(machine);
        drop(k);
    });
}

/// A panic while the stack is being left: who catches that has kept it from being left.
#[cfg(panic = "unwind")]
#[test]
fn a_panic_while_the_stack_is_left() {
    let panics = does(|coop| {
        let came = coop.call(Eval::new(ask(1)), eval);
        if is_away(&came) {
            std::panic::resume_unwind(Box::new(Payload));
        }
        came
    });
    let catches = does(move |coop| {
        if coop.entered_again() {
            return coop.received();
        }
        let callee = Eval::new(panics.clone());
        caught(|| coop.call(callee, eval)).unwrap_or(Ok(Number(1)))
    });
    is_refused(&catches, Refusal::Stayed { frame: "does" });
    is_refused(&between(&catches), Refusal::Stayed { frame: "eval" });
}

#[test]
fn what_is_dropped_unfinished_is_dropped_whole() {
    balanced(|| {
        let captures_all = add(Rc::new(Expr::Amb(1, 2)), between(&ask(1)));
        let mut machine = machine(prompt(between(&captures_all)));
        let outcome = machine.run(&mut World::default());
        assert!(matches!(outcome, Outcome::Suspended(_)), "{outcome:?}");
        let k = machine.continuation().unwrap();
        drop(machine);
        assert!(ALIVE.get() > 0);
        drop(k);
    });
}

// Functions that keep what has to survive in variables of their own.

/// A frame of such a function.
#[derive(Clone, Debug)]
enum Kept {
    /// The sum of the numbers from this one down.
    Sum(i64),
    /// Adds to what it gets.
    Plus(i64),
    /// Does what it is for, so often.
    Does(KeptWay, u32),
}

type KeptWay = fn(u32, Keep<'_, '_, Kept>) -> Came<Kept>;

fn sum(n: i64, mut coop: Keep<'_, '_, Kept>) -> Came<Kept> {
    if n == 0 {
        return Ok(0);
    }
    let others = coop.call(
        || Kept::Plus(n),
        || Kept::Sum(n - 1),
        |coop| sum(n - 1, coop),
    )?;
    Ok(n + others)
}

impl Frame for Kept {
    type Value = i64;
    /// How often the machine has resumed a frame.
    type World = usize;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        *cx.world += 1;
        enter_keeping(self, input, cx, |state, mut coop| match *state {
            Self::Sum(n) => sum(n, coop),
            Self::Plus(n) => Ok(n + coop.received()?),
            Self::Does(way, times) => way(times, coop),
        })
    }

    fn catches(&self) -> bool {
        true
    }
}

impl Describe for Kept {
    fn descriptor(&self) -> &'static FrameDescriptor {
        static KEPT: FrameDescriptor = FrameDescriptor::new("kept", &[]);
        static PLUS: FrameDescriptor = FrameDescriptor::new("plus", &[]);
        match self {
            Self::Plus(_) => &PLUS,
            _ => &KEPT,
        }
    }

    fn slot(&self, _: usize) -> Option<&dyn fmt::Debug> {
        None
    }
}

#[test]
fn what_is_kept_is_a_million_frames_deep() {
    on_a_stack_of(256 << 10, || {
        let mut resumes = 0;
        let few = Machine::new(Kept::Sum(100)).run(&mut resumes);
        assert_eq!((few, resumes), (Outcome::Done(5050), 1));
        let many = Machine::new(Kept::Sum(1_000_000)).run(&mut resumes);
        assert_eq!(many, Outcome::Done(500_000_500_000));
        assert!((999_000..1_100_000).contains(&resumes), "{resumes}");
    });
}

#[test]
fn limits_of_what_is_kept() {
    for portion in [1, 2, 3, 7, 100] {
        let mut machine = Machine::new(Kept::Sum(100));
        let mut portions = 1;
        let sum = loop {
            match machine.run_for(portion, &mut 0).unwrap() {
                Outcome::OutOfFuel => {}
                outcome => break outcome,
            }
            let calls = 1 + portion * portions;
            if calls <= 101 {
                assert_eq!(machine.depth() as u64, calls);
            }
            portions += 1;
        };
        assert_eq!(sum, Outcome::Done(5050));
        assert!(portions * portion >= 101);
    }
    for limit in [1, 2, 10, 500] {
        let n = i64::try_from(limit).unwrap();
        let mut machine = Machine::new(Kept::Sum(n - 1));
        machine.set_limits(Limits {
            depth: limit,
            ..Limits::default()
        });
        assert_eq!(machine.run(&mut 0), Outcome::Done(n * (n - 1) / 2));
        machine.start(Kept::Sum(n)).unwrap();
        let refusal = machine.run_for(u64::MAX, &mut 0);
        assert_eq!(refusal, Err(Refusal::Depth { limit }));
    }
}

#[test]
fn what_is_kept_does_not_keep_to_it() {
    /// Has a frame above it that suspends, whatever it comes to.
    fn leaves(coop: &mut Keep<'_, '_, Kept>, then: KeptWay) -> Came<Kept> {
        coop.call(
            || Kept::Does(then, 0),
            || unreachable!(),
            |mut coop| coop.suspend(1, || Kept::Plus(1)),
        )
    }

    fn is_away(came: &Came<Kept>) -> bool {
        matches!(came.as_ref().map_err(|leave| &**leave), Err(Leave::Away(_)))
    }

    fn came(way: KeptWay) -> Result<Outcome<i64>, Refusal> {
        let mut machine = Machine::new(Kept::Does(way, 1));
        let mut came = machine.run_for(u64::MAX, &mut 0);
        if let Ok(Outcome::Suspended(_)) = came {
            machine.answer(Ok(10)).unwrap();
            came = machine.run_for(u64::MAX, &mut 0);
        }
        assert_eq!(machine.depth(), 0);
        machine.start(Kept::Sum(4)).unwrap();
        assert_eq!(machine.run(&mut 0), Outcome::Done(10));
        came
    }

    let adds: KeptWay = |_, mut coop| Ok(100 + coop.received()?);
    let well_behaved: KeptWay = |times, mut coop| match times {
        0 => Ok(100 + coop.received()?),
        _ => leaves(&mut coop, |_, mut coop| Ok(100 + coop.received()?)),
    };
    assert_eq!(came(well_behaved), Ok(Outcome::Done(111)));
    assert_eq!(came(adds), Err(Refusal::Missed { frame: "kept" }));

    let misses: [KeptWay; 3] = [
        |_, mut coop| leaves(&mut coop, |_, _| Ok(7)),
        |_, mut coop| leaves(&mut coop, |_, _| raise(7)),
        |_, mut coop| leaves(&mut coop, |_, mut coop| coop.foreign("clock", |_| 7)),
    ];
    for misses in misses {
        assert_eq!(came(misses), Err(Refusal::Missed { frame: "kept" }));
    }

    let stays: [KeptWay; 5] = [
        |_, mut coop| {
            assert!(is_away(&leaves(&mut coop, |_, _| Ok(7))));
            Ok(7)
        },
        |_, mut coop| {
            assert!(is_away(&leaves(&mut coop, |_, _| Ok(7))));
            coop.suspend(2, || Kept::Plus(1))
        },
        |_, mut coop| {
            assert!(is_away(&leaves(&mut coop, |_, _| Ok(7))));
            coop.call(|| Kept::Plus(1), || Kept::Sum(1), |coop| sum(1, coop))
        },
        |_, mut coop| {
            assert!(is_away(&leaves(&mut coop, |_, _| Ok(7))));
            coop.foreign("clock", |_| 7)
        },
        |_, mut coop| {
            assert!(is_away(&leaves(&mut coop, |_, _| Ok(7))));
            coop.set_mark(LINE, 7, || Kept::Plus(1))?;
            Ok(7)
        },
    ];
    for stays in stays {
        assert_eq!(came(stays), Err(Refusal::Stayed { frame: "kept" }));
    }
}

#[test]
fn what_is_kept_has_marks() {
    /// Sets a mark, and calls itself on top of that; at the end the marks are its value.
    fn marks(times: u32, mut coop: Keep<'_, '_, Kept>) -> Came<Kept> {
        if times == 0 {
            let marks = coop.marks(LINE, None).into_iter();
            return Ok(marks.fold(0, |sum, mark| 10 * sum + mark));
        }
        coop.set_mark(LINE, times.into(), || Kept::Does(marks, times))?;
        let times = times - 1;
        coop.call(
            || Kept::Plus(0),
            || Kept::Does(marks, times),
            |coop| marks(times, coop),
        )
    }

    let mut machine = Machine::new(Kept::Does(marks, 4));
    assert_eq!(machine.run(&mut 0), Outcome::Done(1234));
}
