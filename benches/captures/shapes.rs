//! Captures and resumptions of stacks that are equally deep, and differ in what lies between
//! the frames: how many prompts, and how many segments.

use std::time::{Duration, Instant};

use segno::frame::{
    Context, Continuation, Frame, Input, Machine, Operator, Outcome, Place, PromptTag, Step,
};

use super::{ESCAPE, WHOLE};

/// What lies between the frames of a stack, evenly spread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) depth: u64,
    /// Prompts that a capture crosses, beside the one that it goes to.
    pub(crate) prompts: u64,
    /// Segments beside the topmost: each ends where a continuation begins that is kept.
    pub(crate) segments: u64,
}

/// What is done on top of the stack.
#[derive(Clone, Copy)]
enum Task {
    /// Captures all of it so many times, each time in place of the capture before.
    Capture(u64),
    /// Captures it once; whenever it is resumed there, it escapes at once.
    Escape,
}

#[derive(Clone)]
enum Call {
    /// Runs its callee under a prompt.
    Prompt(PromptTag, Option<Box<Call>>),
    /// So many frames more.
    Descend(u64),
    /// The same, now that a segment has ended here.
    Beyond(u64),
    /// What is above was called.
    Below,
    Top(Task),
    Escape,
    /// Keeps the continuation: as an end of a segment, or as the one that is resumed.
    Keep(bool),
    /// Resumes what was kept so many times.
    Resume(u64),
    Again,
}
use Call::*;

struct Probe {
    shape: Shape,
    task: Task,
    ends: Vec<Continuation<Call>>,
    kept: Option<Continuation<Call>>,
    begun: Option<Instant>,
    taken: Duration,
}

impl Probe {
    fn begin(&mut self) {
        self.begun.get_or_insert_with(Instant::now);
    }

    fn end(&mut self) {
        if let Some(begun) = self.begun.take() {
            self.taken = begun.elapsed();
        }
    }
}

/// Whether one of so many things, spread over the depth, is here.
fn is_here(left: u64, things: u64, depth: u64) -> bool {
    depth
        .checked_div(things)
        .is_some_and(|apart| left.is_multiple_of(apart))
}

impl Frame for Call {
    type Value = u64;
    type World = Probe;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        let probe = &mut *cx.world;
        let Shape {
            depth,
            prompts,
            segments,
        } = probe.shape;
        let capture = |is_end| Step::Capture {
            tag: WHOLE,
            operator: Operator::Control,
            place: Place::Here,
            body: Keep(is_end),
        };
        match self {
            Prompt(tag, body) => match body.take() {
                Some(body) => Step::Prompt {
                    tag: *tag,
                    body: *body,
                },
                None => Step::Return(0),
            },
            Descend(0) => Step::TailCall(Top(probe.task)),
            &mut Descend(left) if is_here(left, segments, depth) => {
                *self = Beyond(left);
                capture(true)
            }
            &mut (Descend(left) | Beyond(left)) => {
                *self = Below;
                let body = Descend(left - 1);
                if is_here(left, prompts, depth) {
                    Step::Prompt { tag: CROSSED, body }
                } else {
                    Step::Call(body)
                }
            }
            Below => Step::Return(0),
            Top(Task::Capture(0)) => {
                probe.end();
                Step::Abort {
                    tag: WHOLE,
                    value: 0,
                }
            }
            Top(Task::Capture(left)) => {
                probe.begin();
                *left -= 1;
                capture(false)
            }
            Top(Task::Escape) => {
                *self = Escape;
                capture(false)
            }
            Escape => Step::Abort {
                tag: ESCAPE,
                value: 0,
            },
            Keep(is_end) => {
                if let Input::Continuation(k) = input {
                    if *is_end {
                        probe.ends.push(k);
                    } else {
                        probe.kept = Some(k);
                    }
                }
                Step::Return(0)
            }
            Resume(0) => {
                probe.end();
                Step::Return(0)
            }
            Resume(left) => {
                probe.begin();
                *left -= 1;
                Step::Prompt {
                    tag: ESCAPE,
                    body: Again,
                }
            }
            Again => match &probe.kept {
                Some(k) => Step::TailResume {
                    continuation: k.clone(),
                    with: Ok(0),
                },
                None => Step::Return(0),
            },
        }
    }
}

const CROSSED: PromptTag = PromptTag::named("crossed");

fn on_top(shape: Shape, task: Task) -> Probe {
    let mut probe = Probe {
        shape,
        task,
        ends: Vec::new(),
        kept: None,
        begun: None,
        taken: Duration::ZERO,
    };
    let whole = Prompt(WHOLE, Some(Box::new(Descend(shape.depth))));
    run(Prompt(ESCAPE, Some(Box::new(whole))), &mut probe);
    probe
}

fn run(call: Call, probe: &mut Probe) {
    let outcome = Machine::new(call).run(probe);
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
}

/// `n` captures of the whole stack, each in place of the one before.
pub(crate) fn capture(shape: Shape, n: u64) -> Duration {
    on_top(shape, Task::Capture(n)).taken
}

/// `n` first captures, each of a stack that was never captured before.
pub(crate) fn first_capture(depth: u64, n: u64) -> Duration {
    let shape = Shape {
        depth,
        prompts: 0,
        segments: 0,
    };
    (0..n).map(|_| capture(shape, 1)).sum()
}

/// `n` times: resumes a continuation of the whole stack, and escapes from its top.
pub(crate) fn resume_and_escape(shape: Shape, n: u64) -> Duration {
    let mut probe = on_top(shape, Task::Escape);
    run(Resume(n), &mut probe);
    probe.taken
}
