//! What is measured of the described leg: the same programs on the machine, and on a plain
//! `Vec` of frames, which captures by copying all of it.
//!
//! Each function answers how long what it names took, without what it takes to get there.
//! The benchmarks and `examples/capture_cost.rs` share this module.

#![allow(dead_code, reason = "each program that includes it measures a part")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use segno::frame::{
    Context, Continuation, Frame, Input, Machine, Operator, Outcome, Place, PromptTag, Step,
};

pub(crate) mod shapes;
pub(crate) mod uses;

const WHOLE: PromptTag = PromptTag::named("whole");
const ESCAPE: PromptTag = PromptTag::named("escape");

/// What is done on top of a stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Task {
    /// Captures the whole stack so many times, each time in place of the capture before.
    Capture(u64),
    /// The same in tail position: each time in place of the frame that captures.
    Instead(u64),
    /// Captures it once and returns, through all of it.
    CaptureAndReturn,
    /// Returns through all of it.
    Return,
    /// Raises an error that nobody on it catches.
    Raise,
    /// Aborts to below it.
    Abort,
    /// Captures it once; whenever it is resumed there, it escapes at once.
    Escape,
}

/// The frames of all programs.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// Runs its callee under a prompt, for the result or an error.
    Prompt(PromptTag, Option<Box<Call>>),
    /// So many frames more, and the task on top of them.
    Descend(u64, Task),
    Do(Task),
    /// Keeps the continuation.
    Keep,
    /// Resumes what was kept so many times.
    Resume(u64),
    Again,
    /// Calls itself so many times, one call inside the other.
    Count(u64),
    /// The same by tail calls.
    Loop(u64),
    /// Hands out items, one for each resumption.
    Items(u64),
    Yield(u64),
    /// Takes items.
    Take(u64),
}
use Call::*;

/// What the programs measure with.
#[derive(Default)]
pub(crate) struct Probe {
    kept: Option<Continuation<Call>>,
    begun: Option<Instant>,
    taken: Duration,
    sum: u64,
}

impl Probe {
    fn begin(&mut self) {
        if self.begun.is_none() {
            self.begun = Some(Instant::now());
        }
    }

    fn end(&mut self) {
        if let Some(begun) = self.begun {
            self.taken = begun.elapsed();
        }
    }
}

impl Frame for Call {
    type Value = u64;
    type World = Probe;

    fn catches(&self) -> bool {
        matches!(self, Prompt(..))
    }

    #[inline]
    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        self.step(input, cx.world)
    }
}

impl Call {
    #[inline(always)]
    fn step(&mut self, input: Input<Self>, world: &mut Probe) -> Step<Self> {
        let capture = |body| Step::Capture {
            tag: WHOLE,
            operator: Operator::Control,
            place: Place::Here,
            body,
        };
        match self {
            Count(n) => match input {
                Input::Start if *n > 0 => Step::Call(Count(*n - 1)),
                _ => Step::Return(*n),
            },
            Loop(0) => Step::Return(0),
            Loop(n) => Step::TailCall(Loop(*n - 1)),
            Descend(n, task) => match input {
                Input::Start if *n > 0 => Step::Call(Descend(*n - 1, *task)),
                Input::Start => Step::Call(Do(*task)),
                _ => Step::Return(0),
            },
            Prompt(tag, body) => match body.take() {
                Some(body) => Step::Prompt {
                    tag: *tag,
                    body: *body,
                },
                None => {
                    world.end();
                    Step::Return(0)
                }
            },
            Do(task) => match task {
                Task::Capture(0) => {
                    world.end();
                    world.begun = None;
                    Step::Abort {
                        tag: WHOLE,
                        value: 0,
                    }
                }
                Task::Capture(left) => {
                    world.begin();
                    *left -= 1;
                    capture(Keep)
                }
                Task::Instead(0) => {
                    world.end();
                    world.begun = None;
                    Step::Abort {
                        tag: WHOLE,
                        value: 0,
                    }
                }
                Task::Instead(left) => match input {
                    Input::Continuation(k) => {
                        world.kept = Some(k);
                        Step::TailCall(Do(Task::Instead(*left - 1)))
                    }
                    _ => {
                        world.begin();
                        Step::Capture {
                            tag: WHOLE,
                            operator: Operator::Control,
                            place: Place::Instead,
                            body: Do(*task),
                        }
                    }
                },
                Task::CaptureAndReturn => match input {
                    Input::Start => capture(Keep),
                    _ => {
                        world.begin();
                        Step::Return(0)
                    }
                },
                Task::Escape => match input {
                    Input::Start => {
                        *task = Task::Abort;
                        capture(Keep)
                    }
                    _ => unreachable!("it has escaped"),
                },
                Task::Return => {
                    world.begin();
                    Step::Return(0)
                }
                Task::Raise => {
                    world.begin();
                    Step::Raise(0)
                }
                Task::Abort => {
                    world.begin();
                    Step::Abort {
                        tag: ESCAPE,
                        value: 0,
                    }
                }
            },
            Keep => {
                if let Input::Continuation(k) = input {
                    world.kept = Some(k);
                }
                Step::Return(0)
            }
            Resume(0) => {
                world.end();
                Step::Return(0)
            }
            Resume(left) => {
                world.begin();
                *left -= 1;
                Step::Prompt {
                    tag: ESCAPE,
                    body: Again,
                }
            }
            Again => match &world.kept {
                Some(k) => Step::TailResume {
                    continuation: k.clone(),
                    with: Ok(0),
                },
                None => Step::Return(0),
            },
            Items(n) => {
                *n += 1;
                Step::Capture {
                    tag: WHOLE,
                    operator: Operator::Shift0,
                    place: Place::Prompt,
                    body: Yield(*n),
                }
            }
            Yield(n) => {
                if let Input::Continuation(k) = input {
                    world.kept = Some(k);
                }
                Step::Return(*n)
            }
            Take(left) => {
                if let Input::Value(n) = input {
                    world.sum += n;
                }
                if *left == 0 {
                    world.end();
                    return Step::Return(0);
                }
                *left -= 1;
                match world.kept.take() {
                    Some(continuation) => Step::Resume {
                        continuation,
                        with: Ok(0),
                    },
                    None => {
                        world.begin();
                        Step::Prompt {
                            tag: WHOLE,
                            body: Items(0),
                        }
                    }
                }
            }
        }
    }
}

fn run(call: Call, probe: &mut Probe) {
    match Machine::new(call).run(probe) {
        Outcome::Done(n) => probe.sum += n,
        outcome => unreachable!("{outcome:?}"),
    }
}

/// Does a task on top of so many frames, below which are both prompts.
fn on_top(depth: u64, task: Task) -> Probe {
    let mut probe = Probe::default();
    let inner = Prompt(WHOLE, Some(Box::new(Descend(depth, task))));
    run(Prompt(ESCAPE, Some(Box::new(inner))), &mut probe);
    probe
}

/// `n` captures of so many frames, each in place of the one before.
pub(crate) fn capture(depth: u64, n: u64) -> Duration {
    on_top(depth, Task::Capture(n)).taken
}

/// The same in tail position.
pub(crate) fn capture_instead(depth: u64, n: u64) -> Duration {
    on_top(depth, Task::Instead(n)).taken
}

/// `n` times: resumes a continuation of so many frames, and escapes from its top.
pub(crate) fn resume_and_escape(depth: u64, n: u64) -> Duration {
    let mut probe = on_top(depth, Task::Escape);
    probe.begun = None;
    run(Resume(n), &mut probe);
    probe.taken
}

/// A task that goes through so many frames once.
pub(crate) fn through(depth: u64, task: Task) -> Duration {
    on_top(depth, task).taken
}

/// `n` calls, one inside the other, and their returns; done `times` times.
pub(crate) fn calls(n: u64, times: u64) -> Duration {
    let mut probe = Probe::default();
    let mut machine = Machine::idle();
    let begun = Instant::now();
    for _ in 0..times {
        if machine.start(Count(n)).is_ok() {
            let _ = black_box(machine.run(&mut probe));
        }
    }
    begun.elapsed()
}

/// `n` items of a generator that captures the rest of itself for each.
pub(crate) fn items(n: u64) -> Duration {
    let mut probe = Probe::default();
    run(Take(n), &mut probe);
    black_box(probe.sum);
    probe.taken
}

/// The naive way: the stack is a `Vec`, and a continuation is a copy of it.
pub(crate) mod copying {
    use super::*;

    fn stack(depth: u64) -> Vec<Call> {
        (0..=depth).map(|n| Descend(n, Task::Return)).collect()
    }

    /// `n` captures of so many frames, each in place of the one before.
    pub(crate) fn capture(depth: u64, n: u64) -> Duration {
        let stack = stack(depth);
        let mut kept = Vec::new();
        let begun = Instant::now();
        for _ in 0..n {
            kept = black_box(&stack).clone();
            black_box(&kept);
        }
        let taken = begun.elapsed();
        drop(kept);
        taken
    }

    /// `n` times: puts a copy of so many frames on a stack, and drops it again.
    pub(crate) fn resume_and_escape(depth: u64, n: u64) -> Duration {
        let kept = stack(depth);
        let mut stack = vec![Again];
        let begun = Instant::now();
        for _ in 0..n {
            stack.extend_from_slice(black_box(&kept));
            stack.truncate(black_box(1));
        }
        begun.elapsed()
    }

    /// `n` calls, one inside the other, and their returns; done `times` times. The same frames
    /// take the same steps; only what does them is no machine.
    pub(crate) fn calls(n: u64, times: u64) -> Duration {
        let mut probe = Probe::default();
        let mut stack = Vec::new();
        let begun = Instant::now();
        for _ in 0..times {
            stack.push(Count(n));
            let mut input = Input::Start;
            while let Some(top) = stack.last_mut() {
                match top.step(input, &mut probe) {
                    Step::Call(call) => {
                        stack.push(call);
                        input = Input::Start;
                    }
                    Step::TailCall(call) => {
                        *top = call;
                        input = Input::Start;
                    }
                    Step::Return(n) => {
                        stack.pop();
                        input = Input::Value(n);
                    }
                    Step::Raise(error) => {
                        while stack.pop_if(|call| !call.catches()).is_some() {}
                        input = Input::Raised(error);
                    }
                    step => unreachable!("{step:?}"),
                }
            }
            black_box(input);
        }
        begun.elapsed()
    }

    /// The same, written for calls and returns only.
    pub(crate) fn calls_by_hand(n: u64, times: u64) -> Duration {
        enum Next {
            Call(Call),
            Return(u64),
        }
        #[inline]
        fn step(call: &mut Call, starts: bool) -> Next {
            match call {
                Count(n) if starts && *n > 0 => Next::Call(Count(*n - 1)),
                Count(n) => Next::Return(*n),
                _ => Next::Return(0),
            }
        }
        let mut stack = Vec::new();
        let begun = Instant::now();
        for _ in 0..times {
            stack.push(Count(n));
            let mut starts = true;
            while let Some(top) = stack.last_mut() {
                match step(top, starts) {
                    Next::Call(call) => {
                        stack.push(call);
                        starts = true;
                    }
                    Next::Return(n) => {
                        black_box(n);
                        stack.pop();
                        starts = false;
                    }
                }
            }
        }
        begun.elapsed()
    }
}
