//! Two versions of one program, side by side: what the first has saved the second brings up to
//! date, restarts, or refuses, and says so of each frame.

use std::rc::Rc;

use segno::frame::{Context, Describe, Frame, Input, Machine, MarkKey, Outcome, PromptTag, Step};
use segno::snapshot::{
    Answer, Change, Fingerprint, FrameReport, LoadError, LoadLimits, Loaded, Persist, Policy,
    Registry, Report, Save,
};

const P: PromptTag = PromptTag::named("p");
const LINE: MarkKey = MarkKey::named("line");

/// What happened, in order.
type Log = Vec<String>;

mod first {
    use super::*;

    /// A shop: a session sells orders, and each is filled in a body that is wound by thunks.
    #[derive(Clone, Debug, Describe, Persist)]
    pub(super) enum Shop {
        #[frame(checkpoint)]
        Session {
            sold: u32,
        },
        #[frame(name = "order")]
        Order {
            item: u32,
        },
        Wound {
            thunk: bool,
        },
        Log {
            line: u32,
        },
        Gone,
        Ask,
    }

    impl Frame for Shop {
        type Value = u32;
        type World = Log;

        fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
            match (&mut *self, input) {
                (Self::Session { sold }, Input::Start) => {
                    *sold += 1;
                    cx.set_mark(LINE, 7);
                    Step::Prompt {
                        tag: P,
                        body: Self::Order { item: 3 },
                    }
                }
                (Self::Order { .. }, Input::Start) => Step::Call(Self::Wound { thunk: true }),
                (Self::Wound { thunk: true }, Input::Start) => Step::wind(
                    Self::Log { line: 1 },
                    Self::Wound { thunk: false },
                    Self::Log { line: 2 },
                ),
                (Self::Wound { thunk: false }, Input::Start) => {
                    Step::wind(Self::Log { line: 3 }, Self::Gone, Self::Log { line: 4 })
                }
                (Self::Gone, Input::Start) => {
                    Step::wind(Self::Log { line: 5 }, Self::Ask, Self::Gone)
                }
                (Self::Log { line }, Input::Start) => {
                    cx.world.push(format!("line {line}"));
                    Step::Return(0)
                }
                (Self::Ask, Input::Start) => Step::Suspend(0),
                (_, Input::Value(value)) => Step::Return(value),
                _ => Step::Raise(0),
            }
        }
    }
}

mod second {
    use super::*;

    /// The same, without `Gone`; and an order is a sale or a gift.
    #[derive(Clone, Debug, Describe, Persist)]
    pub(super) enum Shop {
        #[frame(checkpoint, version = 2)]
        Session {
            sold: u32,
            #[slot(since = 2)]
            bonus: Option<u32>,
        },
        Sale {
            item: u64,
        },
        Gift,
        Wound {
            thunk: bool,
        },
        Log {
            line: u32,
        },
        Ask,
    }

    impl Frame for Shop {
        type Value = u32;
        type World = Log;

        fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
            cx.world.push(format!("{self:?} gets {input:?}"));
            match input {
                Input::Restarted => Step::Suspend(1),
                Input::Value(value) => Step::Return(value),
                _ => Step::Return(0),
            }
        }
    }
}

/// A session that waits in the middle of an order.
fn saved() -> Vec<u8> {
    let registry = Rc::new(Registry::new("shop", 1).tag(P).key(LINE));
    let mut machine = Machine::new(first::Shop::Session { sold: 4 });
    let mut log = Log::new();
    assert_eq!(machine.run(&mut log), Outcome::Suspended(0));
    assert_eq!(log, ["line 1", "line 3", "line 5"]);
    let mut save = Save::new(&registry);
    save.machine(&mut machine).unwrap();
    save.continuation(&machine.continuation().unwrap()).unwrap();
    save.value(&42u32).unwrap();
    save.finish().unwrap()
}

fn registry() -> Registry {
    Registry::new("shop", 2)
        .tag(P)
        .key(LINE)
        .upgrade(("order", 1), ("order", 2), |(item,): (u32,)| {
            (u64::from(item),)
        })
        .upgrade_to(("order", 2), |(item,): (u64,)| match item {
            0 => second::Shop::Gift,
            item => second::Shop::Sale { item },
        })
}

fn load(registry: Registry) -> Loaded<second::Shop> {
    Loaded::read(&saved(), &Rc::new(registry), LoadLimits::default()).unwrap()
}

fn answers(report: &Report) -> Vec<(&str, Answer)> {
    let frames = report.frames.iter();
    frames.map(|it| (&*it.kind, it.answer.clone())).collect()
}

fn unknown(name: &str) -> LoadError {
    let (name, version) = (name.to_owned(), 1);
    LoadError::Kind { name, version }
}

fn migrated(by: &[(&str, u32)]) -> Answer {
    let by = by.iter().map(|(name, version)| ((*name).into(), *version));
    Answer::Migrated { by: by.collect() }
}

#[test]
fn what_is_refused_can_be_looked_at() {
    let mut loaded = load(registry());
    assert_eq!(loaded.len(), 3);
    for root in [0, 1] {
        let report = loaded.report(root).unwrap();
        let order = migrated(&[("order", 1), ("order", 2)]);
        let gone = Answer::Refused(unknown("Gone").into());
        assert_eq!(
            answers(&report),
            [
                ("Ask", Answer::Same),
                ("Gone", gone),
                ("Wound", Answer::Same),
                ("Wound", Answer::Same),
                ("order", order),
                ("Session", migrated(&[])),
            ]
        );
        assert_eq!((report.winders_left, report.winders_lost), (0, 0));
        assert_eq!(report.refused, Some(unknown("Gone").into()));
        let text = report.to_string();
        assert!(text.contains("order v1: migrated by the upgrade of order v1, then order v2\n"));
        assert!(text.contains("Gone v1: refused: the program has no frame of the kind Gone"));
    }
    // It fails when it is run, as often as that is tried.
    for _ in 0..2 {
        assert_eq!(loaded.machine(0).unwrap_err(), unknown("Gone"));
        assert_eq!(loaded.continuation(1).unwrap_err(), unknown("Gone"));
    }
    assert_eq!(loaded.value::<u32>(2), Ok(42));
    assert_eq!(loaded.report(2), Err(LoadError::Root { index: 2 }));
}

#[test]
fn a_machine_restarts_from_the_checkpoint_below() {
    let mut loaded = load(registry().policy(Policy::Restart));
    let report = loaded.report(0).unwrap();
    assert_eq!(
        answers(&report),
        [
            ("Ask", Answer::Dropped),
            ("Gone", Answer::Refused(unknown("Gone").into())),
            ("Wound", Answer::Dropped),
            ("Wound", Answer::Dropped),
            ("order", Answer::Dropped),
            ("Session", Answer::Restarted),
        ]
    );
    assert_eq!(report.refused, None);
    // The innermost winder's *after* is of a kind that is gone.
    assert_eq!((report.winders_left, report.winders_lost), (2, 1));
    let mut machine = loaded.machine(0).unwrap();
    let mut log = Log::new();
    // One step at a time: it may be paused while the winders run.
    loop {
        match machine.run_for(1, &mut log).unwrap() {
            Outcome::OutOfFuel => {}
            outcome => break assert_eq!(outcome, Outcome::Suspended(1)),
        }
    }
    assert_eq!(machine.depth(), 1);
    machine.answer(Ok(5)).unwrap();
    assert_eq!(machine.run(&mut log), Outcome::Done(5));
    assert_eq!(
        log,
        [
            "Log { line: 4 } gets Start",
            "Log { line: 2 } gets Start",
            "Session { sold: 5, bonus: None } gets Restarted",
            "Session { sold: 5, bonus: None } gets Value(5)",
        ]
    );
    // It is taken, as every machine is; what became of it can still be asked.
    assert_eq!(loaded.machine(0).unwrap_err(), LoadError::Root { index: 0 });
    assert_eq!(loaded.report(0), Ok(report));
    // A continuation would be resumed with a value that nobody asked for.
    assert_eq!(loaded.continuation(1).unwrap_err(), unknown("Gone"));
}

/// A program in which nothing is left of a session.
#[derive(Clone, Debug, Describe, Persist)]
enum Rest {
    #[frame(checkpoint)]
    Ask,
}

impl Frame for Rest {
    type Value = u32;
    type World = ();

    fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        Step::Return(0)
    }
}

#[test]
fn above_what_is_refused_there_is_no_checkpoint() {
    let registry = Registry::new("shop", 3)
        .tag(P)
        .key(LINE)
        .policy(Policy::Restart);
    let limits = LoadLimits::default();
    let mut loaded = Loaded::<Rest>::read(&saved(), &Rc::new(registry), limits).unwrap();
    assert_eq!(loaded.machine(0).unwrap_err(), unknown("Session"));
    let report = loaded.report(0).unwrap();
    assert_eq!(report.frames[0].answer, Answer::Same);
    let refused = |frame: &FrameReport| matches!(frame.answer, Answer::Refused(_));
    assert!(report.frames[1..].iter().all(refused));
}

#[test]
fn what_another_build_stores() {
    let (first, second) = (
        Fingerprint::of::<first::Shop>(),
        Fingerprint::of::<second::Shop>(),
    );
    assert_eq!(first.changes_since(&first), []);
    // As it would be kept with a release.
    let text = serde_json::to_string(&first).unwrap();
    let first: Fingerprint = serde_json::from_str(&text).unwrap();
    let changes = second.changes_since(&first);
    let changes: Vec<_> = changes
        .iter()
        .map(|it| (it.kind.as_str(), &it.change))
        .collect();
    let session = Change::Version {
        from: 1,
        to: 2,
        is_read: true,
    };
    let removed = Change::Removed { version: 1 };
    assert_eq!(
        changes,
        [
            ("Session", &session),
            ("Sale", &Change::Added),
            ("Gift", &Change::Added),
            ("order", &removed),
            ("Gone", &removed),
        ]
    );
}
