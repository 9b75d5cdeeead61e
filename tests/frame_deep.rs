//! What is deep, by the million, is dropped and shown on a small Rust stack.

use std::fmt;
use std::thread;

use segno::frame::*;

const P: PromptTag = PromptTag::named("p");

fn on_a_small_stack(f: fn()) {
    let small = thread::Builder::new().stack_size(256 << 10);
    small.spawn(f).unwrap().join().unwrap();
}

const MILLION: usize = 1_000_000;

/// What lies between a frame and the next.
#[derive(Clone, Copy, Debug)]
enum Between {
    Nothing,
    Prompt,
    Winder,
    /// The end of a segment, and a continuation that the frame holds.
    Capture,
}

/// Goes deeper, and suspends there.
#[derive(Clone)]
enum Deep {
    Root(usize, Between),
    Frame {
        left: usize,
        between: Between,
        held: Option<Continuation<Deep>>,
    },
    Thunk,
    Take,
}

impl Frame for Deep {
    type Value = Option<Continuation<Deep>>;
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        let frame = |left, between| Self::Frame {
            left,
            between,
            held: None,
        };
        match (self, input) {
            (&mut Self::Root(left, between), Input::Start) => Step::Prompt {
                tag: P,
                body: frame(left, between),
            },
            (Self::Frame { left: 1, .. }, Input::Start) => Step::Suspend(None),
            (&mut Self::Frame { left, between, .. }, Input::Start) => {
                let body = frame(left - 1, between);
                match between {
                    Between::Nothing => Step::Call(body),
                    Between::Prompt => Step::Prompt { tag: P, body },
                    Between::Winder => Step::wind(Self::Thunk, body, Self::Thunk),
                    Between::Capture => Step::Capture {
                        tag: P,
                        operator: Operator::Control,
                        place: Place::Here,
                        body: Self::Take,
                    },
                }
            }
            (
                Self::Frame {
                    left,
                    between,
                    held,
                },
                Input::Value(Some(k)),
            ) => {
                *held = Some(k);
                Step::Call(frame(*left - 1, *between))
            }
            (Self::Take, Input::Continuation(k)) => Step::Return(Some(k)),
            _ => Step::Return(None),
        }
    }
}

impl Describe for Deep {
    fn descriptor(&self) -> &'static FrameDescriptor {
        static DEEP: FrameDescriptor = FrameDescriptor::new("deep", &[HELD]);
        &DEEP
    }

    fn slot(&self, _: usize) -> Option<&dyn fmt::Debug> {
        match self {
            Self::Frame { held, .. } => Some(held),
            _ => None,
        }
    }
}

const HELD: SlotDescriptor = SlotDescriptor::new("held", SlotKind::Copied);

/// Shows the upper end of a continuation.
fn show<F: Describe<Value: fmt::Debug>>(k: &Continuation<F>) -> String {
    Machine::<F>::idle().inspector().show(k, 4)
}

fn shown_and_dropped(between: Between) {
    let deep = || {
        let mut machine = Machine::new(Deep::Root(MILLION, between));
        assert!(matches!(machine.run(&mut ()), Outcome::Suspended(_)));
        machine
    };
    // First the frames are dropped as the machine's, then as the continuation's.
    drop(deep());
    let mut machine = deep();
    let shown = format!("{machine:?}");
    assert!(shown.starts_with("Machine { depth: 1000001, "), "{shown}");
    let k = machine.continuation().unwrap();
    drop(machine);
    let shown = format!("{k:?}");
    assert!(
        shown.starts_with("Continuation { frames: 1000001, "),
        "{shown}"
    );
    let shown = show(&k);
    assert!(shown.starts_with("deep v1: held = None\n"), "{shown}");
    assert!(shown.ends_with("\n...\n"), "{shown}");
    drop(k);
}

#[test]
fn a_million_frames() {
    on_a_small_stack(|| shown_and_dropped(Between::Nothing));
}

#[test]
fn a_million_prompts() {
    on_a_small_stack(|| shown_and_dropped(Between::Prompt));
}

#[test]
fn a_million_winders() {
    on_a_small_stack(|| shown_and_dropped(Between::Winder));
}

#[test]
fn a_million_captured_segments() {
    on_a_small_stack(|| shown_and_dropped(Between::Capture));
}

/// Captures itself again and again, with the one before in the frame.
#[derive(Clone)]
enum Chain {
    Root(usize, Option<Continuation<Chain>>),
    Hold { below: Option<Continuation<Chain>> },
    Take,
}

impl Frame for Chain {
    type Value = Option<Continuation<Chain>>;
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        match (self, input) {
            (Self::Root(left, k), input) => {
                if let Input::Value(value) = input {
                    *k = value;
                    *left -= 1;
                }
                if *left == 0 {
                    return Step::Return(k.take());
                }
                Step::Prompt {
                    tag: P,
                    body: Self::Hold { below: k.take() },
                }
            }
            (Self::Hold { .. }, _) => Step::Capture {
                tag: P,
                operator: Operator::Control,
                place: Place::Prompt,
                body: Self::Take,
            },
            (Self::Take, Input::Continuation(k)) => Step::Return(Some(k)),
            (Self::Take, _) => unreachable!(),
        }
    }
}

impl Describe for Chain {
    fn descriptor(&self) -> &'static FrameDescriptor {
        static CHAIN: FrameDescriptor = FrameDescriptor::new("chain", &[HELD]);
        &CHAIN
    }

    fn slot(&self, _: usize) -> Option<&dyn fmt::Debug> {
        match self {
            Self::Hold { below } => Some(below),
            _ => None,
        }
    }
}

#[test]
fn a_million_continuations_in_each_other() {
    on_a_small_stack(|| {
        let mut machine = Machine::new(Chain::Root(MILLION, None));
        let Outcome::Done(Some(k)) = machine.run(&mut ()) else {
            panic!()
        };
        assert_eq!(machine.sealed_frames(), MILLION);
        let one = "Continuation { frames: 1, prompts: 0, winders: 0, .. }";
        assert_eq!(format!("{k:?}"), one);
        assert_eq!(show(&k), format!("chain v1: held = Some({one})\n"));
        drop(k);
        assert_eq!(machine.sealed_frames(), 0);
    });
}

/// Captures a continuation, resumes it on top of a frame, captures that, and so on.
#[derive(Clone)]
enum Tower {
    Root,
    Grow(usize, Option<Continuation<Tower>>),
    Take(usize),
}

impl Frame for Tower {
    type Value = usize;
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        let capture = |left| Step::Capture {
            tag: P,
            operator: Operator::Control,
            place: Place::Prompt,
            body: Self::Take(left),
        };
        match (self, input) {
            (Self::Root, Input::Start) => Step::Prompt {
                tag: P,
                body: Self::Grow(MILLION, None),
            },
            (Self::Root, Input::Value(n)) => Step::Return(n),
            (Self::Grow(left, k), Input::Start) => match k.take() {
                None => capture(*left),
                Some(continuation) => Step::Resume {
                    continuation,
                    with: Ok(*left),
                },
            },
            // Only the topmost frame hears of more than nothing on the way up.
            (Self::Grow(MILLION, _), Input::Value(left)) if left > 0 => capture(left - 1),
            (Self::Grow(..), Input::Value(n)) => Step::Return(n + 1),
            (Self::Take(left), Input::Continuation(k)) => {
                Step::TailCall(Self::Grow(*left, Some(k)))
            }
            _ => unreachable!(),
        }
    }
}

#[test]
fn a_tower_of_a_million_pieces() {
    on_a_small_stack(|| {
        let mut machine = Machine::new(Tower::Root);
        assert_eq!(machine.run(&mut ()), Outcome::Done(MILLION + 2));
    });
}

/// The same as [`Chain`], but it is a winder that has the one before.
#[derive(Clone)]
enum WinderChain {
    Root(usize, Option<Continuation<WinderChain>>),
    Outer(Option<Continuation<WinderChain>>),
    Thunk {
        _below: Option<Continuation<WinderChain>>,
    },
    Hold,
    Take,
}

impl Frame for WinderChain {
    type Value = Option<Continuation<WinderChain>>;
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        match (self, input) {
            (Self::Root(left, k), input) => {
                if let Input::Value(value) = input {
                    *k = value;
                    *left -= 1;
                }
                if *left == 0 {
                    return Step::Return(k.take());
                }
                Step::Prompt {
                    tag: P,
                    body: Self::Outer(k.take()),
                }
            }
            (Self::Outer(k), _) => {
                let after = Self::Thunk { _below: k.take() };
                Step::wind(Self::Thunk { _below: None }, Self::Hold, after)
            }
            (Self::Thunk { .. }, _) => Step::Return(None),
            (Self::Hold, _) => Step::Capture {
                tag: P,
                operator: Operator::Control,
                place: Place::Prompt,
                body: Self::Take,
            },
            (Self::Take, Input::Continuation(k)) => Step::Return(Some(k)),
            (Self::Take, _) => unreachable!(),
        }
    }
}

#[test]
fn a_chain_of_winders_is_dropped() {
    on_a_small_stack(|| {
        let mut machine = Machine::new(WinderChain::Root(100_000, None));
        let Outcome::Done(Some(k)) = machine.run(&mut ()) else {
            panic!()
        };
        drop(k);
        assert_eq!(machine.sealed_frames(), 0);
    });
}
