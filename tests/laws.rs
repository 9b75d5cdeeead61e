//! One meaning, three engines: a random program of coroutine operations leaves the same
//! trace of events on this crate, on the crate corosensei, and on the plain model, in which
//! each body is a thread and a switch is a message.

#![cfg(all(unix, feature = "unwind", panic = "unwind"))]

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

type Payload = Box<dyn Any + Send>;

const SLOTS: usize = 3;

/// What a body does, one after the other.
#[derive(Clone, Debug)]
enum Op {
    Note(u8),
    Suspend(u8),
    /// Holds something until the end of the block, or until it is unwound.
    Hold(u8),
    Panic(u8),
    /// Runs a block and catches its panic; the forced one goes on unless it is swallowed.
    Catch {
        block: Vec<Op>,
        swallow: bool,
    },
    /// Makes a coroutine, and drops the one that was in the slot.
    Make {
        slot: usize,
        body: Vec<Op>,
    },
    Resume {
        slot: usize,
        input: u8,
    },
    Unwind {
        slot: usize,
    },
    Drop {
        slot: usize,
    },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let slot = || 0..SLOTS;
    let leaf = prop_oneof![
        1 => any::<u8>().prop_map(Op::Note),
        4 => any::<u8>().prop_map(Op::Suspend),
        2 => any::<u8>().prop_map(Op::Hold),
        1 => any::<u8>().prop_map(Op::Panic),
        6 => (slot(), any::<u8>()).prop_map(|(slot, input)| Op::Resume { slot, input }),
        1 => slot().prop_map(|slot| Op::Unwind { slot }),
        1 => slot().prop_map(|slot| Op::Drop { slot }),
    ];
    let op = leaf.prop_recursive(4, 80, 10, move |op| {
        let block = || proptest::collection::vec(op.clone(), 1..10);
        prop_oneof![
            1 => op.clone(),
            1 => (block(), any::<bool>())
                .prop_map(|(block, swallow)| Op::Catch { block, swallow }),
            3 => (slot(), block()).prop_map(|(slot, body)| Op::Make { slot, body }),
        ]
    });
    proptest::collection::vec(op, 0..15)
}

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, event: String) {
        self.0.lock().unwrap().push(event);
    }
}

/// What a program panics with.
struct Thrown(u8);

/// How a resume came back.
enum Answer {
    Yield(u8),
    Return(usize),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yield(n) => write!(f, "{n}"),
            Self::Return(n) => write!(f, "at the end {n}"),
        }
    }
}

/// What a program runs on.
trait Engine: Sized + 'static {
    fn make(body: Vec<Op>, log: Log) -> Self;
    fn resume(&mut self, input: u8) -> Answer;
    fn unwind(&mut self);
    fn started(&self) -> bool;
    fn done(&self) -> bool;
}

/// A coroutine in its slot. Dropped by the way, it may not answer with a panic, since the
/// program might be unwinding.
struct Kept<E: Engine>(Option<E>, Log);

impl<E: Engine> Drop for Kept<E> {
    fn drop(&mut self) {
        let coroutine = self.0.take();
        if let Err(payload) = caught(|| drop(coroutine)) {
            self.1.note(format!("a drop answers {}", name_of(&payload)));
        }
    }
}

struct Held(u8, Log);

impl Drop for Held {
    fn drop(&mut self) {
        self.1.note(format!("{} is dropped", self.0));
    }
}

fn caught<T>(f: impl FnOnce() -> T) -> Result<T, Payload> {
    catch_unwind(AssertUnwindSafe(f))
}

fn name_of(payload: &Payload) -> String {
    match payload.downcast_ref::<Thrown>() {
        Some(Thrown(n)) => format!("panic {n}"),
        None => "forced unwind".to_string(),
    }
}

/// Runs a body, and answers how many operations that took.
fn run<E: Engine>(body: &[Op], input: u8, log: &Log, suspend: &dyn Fn(u8) -> u8) -> usize {
    log.note(format!("begins with {input}"));
    let mut slots = [const { None }; SLOTS];
    block::<E>(body, &mut slots, log, suspend)
}

fn block<E: Engine>(
    ops: &[Op],
    slots: &mut [Option<Kept<E>>; SLOTS],
    log: &Log,
    suspend: &dyn Fn(u8) -> u8,
) -> usize {
    let mut held = Vec::new();
    let mut steps = 0;
    for op in ops {
        steps += 1;
        match op {
            Op::Note(n) => log.note(format!("notes {n}")),
            Op::Suspend(n) => {
                let input = suspend(*n);
                log.note(format!("goes on with {input}"));
            }
            Op::Hold(n) => held.push(Held(*n, log.clone())),
            Op::Panic(n) => resume_unwind(Box::new(Thrown(*n))),
            Op::Catch {
                block: ops,
                swallow,
            } => match caught(|| block(ops, slots, log, suspend)) {
                Ok(inner) => steps += inner,
                Err(payload) => {
                    log.note(format!("catches a {}", name_of(&payload)));
                    if !payload.is::<Thrown>() && !swallow {
                        resume_unwind(payload);
                    }
                }
            },
            Op::Make { slot, body } => {
                let made = E::make(body.clone(), log.clone());
                slots[*slot] = Some(Kept(Some(made), log.clone()));
            }
            Op::Resume { slot, input } => {
                if let Some(Kept(Some(coroutine), log)) = &mut slots[*slot] {
                    if coroutine.done() {
                        log.note("is done".to_string());
                    } else {
                        let answer = coroutine.resume(*input);
                        log.note(format!("gets {answer}, done: {}", coroutine.done()));
                    }
                }
            }
            Op::Unwind { slot } => {
                if let Some(Kept(Some(coroutine), log)) = &mut slots[*slot] {
                    log.note(format!("unwinds one, started: {}", coroutine.started()));
                    coroutine.unwind();
                    assert!(coroutine.done());
                }
            }
            Op::Drop { slot } => {
                if let Some(mut kept) = slots[*slot].take() {
                    log.note("drops one".to_string());
                    // Without the net of `Kept`.
                    drop(kept.0.take());
                }
            }
        }
    }
    steps
}

/// What a program leaves, resumed up to `resumes` times and then dropped or unwound.
fn trace<E: Engine>(program: &[Op], resumes: u8, by_drop: bool) -> Vec<String> {
    let log = Log::default();
    let mut root = E::make(program.to_vec(), log.clone());
    for input in 0..resumes {
        if !root.done() {
            match caught(|| root.resume(input)) {
                Ok(answer) => log.note(format!("the root answers {answer}")),
                Err(payload) => log.note(format!("the root answers {}", name_of(&payload))),
            }
        }
    }
    log.note(format!("the end, done: {}", root.done()));
    let ended = if by_drop {
        caught(|| drop(root))
    } else {
        caught(|| root.unwind())
    };
    if let Err(payload) = ended {
        log.note(format!("the end answers {}", name_of(&payload)));
    }
    let events = log.0.lock().unwrap();
    events.clone()
}

macro_rules! engine {
    ($name:ident, $library:ident) => {
        struct $name($library::Coroutine<u8, u8, usize>);

        impl Engine for $name {
            fn make(body: Vec<Op>, log: Log) -> Self {
                Self($library::Coroutine::new(move |yielder, input| {
                    run::<Self>(&body, input, &log, &|n| yielder.suspend(n))
                }))
            }

            fn resume(&mut self, input: u8) -> Answer {
                match self.0.resume(input) {
                    $library::CoroutineResult::Yield(n) => Answer::Yield(n),
                    $library::CoroutineResult::Return(n) => Answer::Return(n),
                }
            }

            fn unwind(&mut self) {
                self.0.force_unwind();
            }

            fn started(&self) -> bool {
                self.0.started()
            }

            fn done(&self) -> bool {
                self.0.done()
            }
        }
    };
}

engine!(Segno, segno);
engine!(Corosensei, corosensei);

/// It tells the sanitizers of no switch, so that it cannot run under them.
const WITH_COROSENSEI: bool = !cfg!(any(segno_asan, segno_tsan));

// Its own drop aborts where a body answers with a panic, and `force_unwind` does not.
impl Drop for Corosensei {
    fn drop(&mut self) {
        self.0.force_unwind();
    }
}

/// The plain model.
struct Model {
    to: SyncSender<Option<u8>>,
    from: Receiver<Event>,
    thread: Option<JoinHandle<()>>,
    started: bool,
}

enum Event {
    Suspended(u8),
    Ended(Result<usize, Payload>),
}

/// What the model unwinds a body with.
struct Forced;

impl Model {
    fn switch(&mut self, message: Option<u8>) -> Result<Answer, Payload> {
        self.started = true;
        self.to.send(message).unwrap();
        match self.from.recv().unwrap() {
            Event::Suspended(n) => Ok(Answer::Yield(n)),
            Event::Ended(result) => {
                self.thread.take().unwrap().join().unwrap();
                result.map(Answer::Return)
            }
        }
    }
}

impl Engine for Model {
    fn make(body: Vec<Op>, log: Log) -> Self {
        let (to, messages) = sync_channel::<Option<u8>>(0);
        let (events, from) = sync_channel(0);
        let thread = thread::spawn(move || {
            let ended = match messages.recv().unwrap() {
                None => Ok(0),
                Some(input) => caught(|| {
                    run::<Self>(&body, input, &log, &|n| {
                        events.send(Event::Suspended(n)).unwrap();
                        match messages.recv().unwrap() {
                            Some(input) => input,
                            None => resume_unwind(Box::new(Forced)),
                        }
                    })
                }),
            };
            events.send(Event::Ended(ended)).unwrap();
        });
        Self {
            to,
            from,
            thread: Some(thread),
            started: false,
        }
    }

    fn resume(&mut self, input: u8) -> Answer {
        self.switch(Some(input))
            .unwrap_or_else(|payload| resume_unwind(payload))
    }

    fn unwind(&mut self) {
        while !self.done() {
            match self.switch(None) {
                Err(payload) if !payload.is::<Forced>() => resume_unwind(payload),
                _ => {}
            }
        }
    }

    fn started(&self) -> bool {
        self.started
    }

    fn done(&self) -> bool {
        self.thread.is_none()
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.unwind();
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn one_meaning_on_three_engines(
        program in ops(),
        resumes in 0u8..20,
        by_drop in any::<bool>(),
    ) {
        let expected = trace::<Model>(&program, resumes, by_drop);
        prop_assert_eq!(&trace::<Segno>(&program, resumes, by_drop), &expected);
        if WITH_COROSENSEI {
            prop_assert_eq!(&trace::<Corosensei>(&program, resumes, by_drop), &expected);
        }
    }
}

/// The random programs are not all of the kind in which nothing happens.
#[test]
fn a_program_in_which_much_happens() {
    use Op::{Catch, Drop, Hold, Make, Note, Panic, Resume, Suspend, Unwind};

    let inner = vec![
        Hold(1),
        Catch {
            block: vec![Hold(2), Suspend(10), Suspend(11)],
            swallow: true,
        },
        Suspend(12),
        Catch {
            block: vec![Suspend(13)],
            swallow: false,
        },
        Panic(14),
    ];
    let middle = vec![
        Make {
            slot: 0,
            body: inner.clone(),
        },
        Hold(3),
        Resume { slot: 0, input: 20 },
        Resume { slot: 0, input: 21 },
        Suspend(15),
        Unwind { slot: 0 },
        Resume { slot: 0, input: 22 },
        Make {
            slot: 0,
            body: inner,
        },
        Resume { slot: 0, input: 23 },
        Suspend(16),
        Note(17),
    ];
    let program = vec![
        Make {
            slot: 1,
            body: middle.clone(),
        },
        Resume { slot: 1, input: 30 },
        Resume { slot: 1, input: 31 },
        Make {
            slot: 2,
            body: vec![
                Make {
                    slot: 0,
                    body: middle,
                },
                Resume { slot: 0, input: 32 },
                Panic(18),
            ],
        },
        Catch {
            block: vec![Resume { slot: 2, input: 33 }],
            swallow: false,
        },
        Drop { slot: 2 },
        Suspend(19),
    ];
    let expected = trace::<Model>(&program, 1, true);
    assert_eq!(trace::<Segno>(&program, 1, true), expected);
    if WITH_COROSENSEI {
        assert_eq!(trace::<Corosensei>(&program, 1, true), expected);
    }
    for event in [
        "catches a forced unwind",
        "catches a panic 18",
        "unwinds one, started: true",
        "is done",
        "1 is dropped",
        "2 is dropped",
        "goes on with 21",
        "the root answers 19",
        "the end, done: false",
    ] {
        assert!(
            expected.iter().any(|found| found == event),
            "no {event} in {expected:#?}"
        );
    }
}
