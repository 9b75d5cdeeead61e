//! Looking into continuations: what is shown, what is not, what can be changed.

use std::fmt;
use std::thread;

use segno::frame::{
    Context, Continuation, Describe, Entry, Frame, FrameDescriptor, Input, Inspector, Layout,
    Machine, MarkKey, Outcome, PromptTag, Refusal, SlotDescriptor, SlotKind, Step,
};

const OUTER: PromptTag = PromptTag::named("outer");
const LINE: MarkKey = MarkKey::named("line");

/// `1 + (2 + (... ask))`, with a prompt and a winder on the way.
#[derive(Clone, Debug, PartialEq)]
enum Sum {
    Add { n: i64, password: &'static str },
    Under(Box<Sum>),
    Wound(Box<Sum>),
    Ask,
    Note(&'static str),
}

const PASSWORD: &str = "swordfish";

fn add(n: i64) -> Sum {
    Sum::Add {
        n,
        password: PASSWORD,
    }
}

impl Frame for Sum {
    type Value = i64;
    type World = Vec<&'static str>;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match (&*self, input) {
            (Self::Add { n: 0, .. }, Input::Start) => Step::Call(Self::Ask),
            (Self::Add { n, .. }, Input::Start) => {
                cx.set_mark(LINE, 10 * n);
                let next = add(n - 1);
                match n {
                    2 => Step::Call(Self::Under(Box::new(next))),
                    1 => Step::Call(Self::Wound(Box::new(next))),
                    _ => Step::Call(next),
                }
            }
            (Self::Add { n, .. }, Input::Value(rest)) => Step::Return(n + rest),
            (Self::Under(body), Input::Start) => Step::Prompt {
                tag: OUTER,
                body: (**body).clone(),
            },
            (Self::Wound(body), Input::Start) => {
                Step::wind(Self::Note("in"), (**body).clone(), Self::Note("out"))
            }
            (Self::Note(note), Input::Start) => {
                cx.world.push(note);
                Step::Return(0)
            }
            (Self::Ask, Input::Start) => Step::Suspend(0),
            (_, Input::Value(value)) => Step::Return(value),
            (frame, input) => unreachable!("{frame:?} asked for no {input:?}"),
        }
    }
}

impl Describe for Sum {
    fn descriptor(&self) -> &'static FrameDescriptor {
        const COPIED: SlotKind = SlotKind::Copied;
        static ADD: FrameDescriptor = FrameDescriptor::new(
            "add",
            &[
                SlotDescriptor::new("n", COPIED),
                SlotDescriptor::new("password", COPIED).secret(),
            ],
        )
        .version(3);
        static OTHER: FrameDescriptor = FrameDescriptor::new("other", &[]);
        match self {
            Self::Add { .. } => &ADD,
            _ => &OTHER,
        }
    }

    fn slot(&self, index: usize) -> Option<&dyn fmt::Debug> {
        match (self, index) {
            (Self::Add { n, .. }, 0) => Some(n),
            (Self::Add { password, .. }, 1) => Some(password),
            _ => None,
        }
    }
}

fn asking() -> (Machine<Sum>, Continuation<Sum>) {
    let mut machine = Machine::new(add(3));
    assert_eq!(machine.run(&mut Vec::new()), Outcome::Suspended(0));
    let k = machine.continuation().unwrap();
    (machine, k)
}

fn goes_on(k: Continuation<Sum>, with: i64) -> (Outcome<i64>, Vec<&'static str>) {
    let mut world = Vec::new();
    let mut machine = Machine::idle();
    machine.start_with(k, Ok(with)).unwrap();
    (machine.run(&mut world), world)
}

#[test]
fn shown() {
    let (machine, k) = asking();
    let text = machine.inspector().show(&k, 100);
    let expected = "\
other v1
add v3: n = 0, password = (secret)
-- winder
other v1
add v3: n = 1, password = (secret) [line = 10]
== prompt outer
other v1
add v3: n = 2, password = (secret) [line = 20]
add v3: n = 3, password = (secret) [line = 30]
";
    assert_eq!(text, expected);
    let text = machine.inspector().show(&k, 2);
    assert_eq!(text.lines().last(), Some("..."));
    assert_eq!(text.lines().count(), 3);
    let (_, k) = asking();
    assert!(!format!("{k:?}{:?}", k.clone().detach().unwrap()).contains(PASSWORD));
}

/// A host call on the way to the frame that prints.
#[derive(Clone, Debug)]
enum Nested {
    Prompt,
    Call,
    Host,
    Print,
}

impl Frame for Nested {
    type Value = i64;
    type World = (Inspector, String);

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match (&self, input) {
            (Self::Prompt, Input::Start) => Step::Prompt {
                tag: OUTER,
                body: Self::Call,
            },
            (Self::Call, Input::Start) => {
                cx.set_mark(LINE, 1);
                Step::Call(Self::Host)
            }
            (Self::Host, Input::Start) => {
                cx.set_mark(LINE, 2);
                Step::Return(cx.barrier("sort", Self::Print).unwrap())
            }
            (Self::Print, Input::Start) => {
                cx.set_mark(LINE, 3);
                cx.world.1 = cx.world.0.show_running(cx, 100);
                Step::Return(7)
            }
            (_, Input::Value(value)) => Step::Return(value),
            (frame, input) => unreachable!("{frame:?} asked for no {input:?}"),
        }
    }
}

impl Describe for Nested {
    fn descriptor(&self) -> &'static FrameDescriptor {
        static NESTED: FrameDescriptor = FrameDescriptor::new("nested", &[]);
        &NESTED
    }

    fn slot(&self, _: usize) -> Option<&dyn fmt::Debug> {
        None
    }
}

#[test]
fn shown_while_it_runs() {
    let mut machine = Machine::new(Nested::Prompt);
    let mut world = (machine.inspector(), String::new());
    assert_eq!(machine.run(&mut world), Outcome::Done(7));
    let expected = "\
(1 at work) [line = 3]
== host call sort
(2 at work) [line = 2] [line = 1]
== prompt outer
nested v1
";
    assert_eq!(world.1, expected);
}

#[test]
fn the_machine_goes_on_as_if_nothing_had_been() {
    let (mut machine, k) = asking();
    let mut world = Vec::new();
    machine.answer(Ok(100)).unwrap();
    assert_eq!(machine.run(&mut world), Outcome::Done(106));
    assert_eq!(world, ["out"]);
    // And so does the copy, which enters the winder again.
    assert_eq!(
        goes_on(k.clone(), 200),
        (Outcome::Done(206), vec!["in", "out"])
    );
    assert_eq!(goes_on(k, 300), (Outcome::Done(306), vec!["in", "out"]));
}

#[test]
fn edited() {
    let (machine, k) = asking();
    let inspector = machine.inspector();
    let mut layout = inspector.take_apart(k.clone()).unwrap();
    for entry in &mut layout.entries {
        if let Entry::Frame { frame, .. } = entry
            && *frame == add(2)
        {
            *frame = add(2000);
        }
    }
    layout
        .entries
        .retain(|entry| !matches!(entry, Entry::Inside { .. }));
    layout.entries.push(Entry::frame(add(70_000)));
    let edited = inspector.build(layout).unwrap();
    assert_eq!(goes_on(edited, 100), (Outcome::Done(72_104), vec![]));
    assert_eq!(goes_on(k, 100), (Outcome::Done(106), vec!["in", "out"]));
}

#[test]
fn made_of_nothing() {
    let inspector = Machine::<Sum>::idle().inspector();
    let k = inspector.build_from_frames([add(1), add(2)]).unwrap();
    assert_eq!(goes_on(k, 10), (Outcome::Done(13), vec![]));
    let nothing = Layout::<Sum> {
        entries: vec![Entry::Prompt {
            tag: OUTER,
            times: 1,
        }],
    };
    assert_eq!(inspector.build(nothing).unwrap_err(), Refusal::NoFrames);
}

#[test]
fn laid_out_and_built_it_is_the_same() {
    let (machine, k) = asking();
    let inspector = machine.inspector();
    let before = inspector.show(&k, 100);
    let layout = inspector.take_apart(k).unwrap();
    let k = inspector.build(layout).unwrap();
    assert_eq!(inspector.show(&k, 100), before);
    let mut frames = 0;
    inspector.frames(&k, |_| {
        frames += 1;
        true
    });
    assert_eq!((frames, k.len()), (7, 7));
}

#[test]
fn detached_it_goes_on_elsewhere() {
    let (_, k) = asking();
    let detached = k.detach().unwrap();
    let thread = thread::spawn(move || goes_on(detached.attach(), 1));
    assert_eq!(
        thread.join().unwrap(),
        (Outcome::Done(7), vec!["in", "out"])
    );
}
