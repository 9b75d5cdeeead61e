//! Machines whose later program has no frame of some kind: where they restart, what of them is
//! still shared, and that they are saved and loaded after that as any other.

use std::cell::Cell;
use std::rc::Rc;

use segno::frame::{
    Context, Describe, Frame, Input, Machine, MarkKey, Operator, Outcome, Place, PromptTag, Step,
};
use segno::snapshot::{
    Answer, FrameReport, LoadError, LoadLimits, Loaded, Object, Persist, Policy, Registry, Report,
    Save, Shared,
};
use serde::{Deserialize, Deserializer, Serialize};

const P: PromptTag = PromptTag::named("p");
const KEY: MarkKey = MarkKey::named("key");

/// What happened, in order.
type Log = Vec<String>;

thread_local! {
    static DECODED: Cell<usize> = const { Cell::new(0) };
    static ALIVE: Cell<usize> = const { Cell::new(0) };
    static IS_REFUSED: Cell<bool> = const { Cell::new(false) };
}

/// How often it was decoded is counted.
#[derive(Clone, Debug, Default, Serialize)]
struct Counted;

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <()>::deserialize(from)?;
        DECODED.set(DECODED.get() + 1);
        Ok(Self)
    }
}

/// How many there are is counted.
#[derive(Debug)]
struct Alive;

impl Default for Alive {
    fn default() -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Self
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

/// Decoded only while it is not refused.
#[derive(Debug, Default, Serialize)]
struct Picky(bool);

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match bool::deserialize(from)? {
            true if IS_REFUSED.get() => Err(serde::de::Error::custom("it is refused")),
            is_picky => Ok(Self(is_picky)),
        }
    }
}

/// A variable.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Times {
    n: u32,
    picky: Picky,
    next: Vec<Shared<Times>>,
    #[serde(skip)]
    _alive: Alive,
}

impl Object for Times {
    const NAME: &'static str = "times";
}

fn times() -> Shared<Times> {
    Shared::new(Times::default())
}

/// A version of the program, by the name of the frames that the other does not have, the type
/// of its values, and the mark that it sets.
macro_rules! version {
    ($version:ident, $gone:literal, $value:ty, $mark:literal) => {
        mod $version {
            use super::*;

            /// What a frame does one after the other: a letter for each.
            type Plan = Vec<char>;

            #[derive(Clone, Debug, Describe, Persist)]
            pub(super) enum Call {
                Run {
                    plan: Plan,
                    #[slot(shared)]
                    times: Shared<Times>,
                    counted: Counted,
                },
                #[frame(checkpoint)]
                Check {
                    plan: Plan,
                    #[slot(shared)]
                    times: Shared<Times>,
                    catches: bool,
                },
                #[frame(name = $gone)]
                Gone {
                    plan: Plan,
                    #[slot(shared)]
                    times: Shared<Times>,
                },
                Log {
                    line: u32,
                    #[slot(shared)]
                    times: Shared<Times>,
                    counted: Counted,
                },
                Fail,
                Double,
            }

            impl Call {
                fn next(&mut self, cx: &mut Context<'_, Self>) -> Step<Self> {
                    let (Self::Run { plan, times, .. }
                    | Self::Check { plan, times, .. }
                    | Self::Gone { plan, times }) = self
                    else {
                        return Step::Raise(9);
                    };
                    let log = |line, times: &Shared<Times>| Self::Log {
                        line,
                        times: times.clone(),
                        counted: Counted,
                    };
                    let letter = (!plan.is_empty()).then(|| plan.remove(0));
                    // What another does, unless it goes on with it itself, or asks in the end.
                    let plan = match letter {
                        Some('d' | 's') | None => Plan::new(),
                        Some('a') => std::mem::replace(plan, vec!['s']),
                        _ => std::mem::take(plan),
                    };
                    let times = times.clone();
                    let run = |plan, times| Self::Run {
                        plan,
                        times,
                        counted: Counted,
                    };
                    match letter {
                        Some('r' | 'a') => Step::Call(run(plan, times)),
                        Some(letter @ ('c' | 'k')) => {
                            let catches = letter == 'k';
                            Step::Call(Self::Check {
                                plan,
                                times,
                                catches,
                            })
                        }
                        Some('g') => Step::Call(Self::Gone { plan, times }),
                        Some('p') => Step::Prompt {
                            tag: P,
                            body: run(plan, times),
                        },
                        Some('m') => {
                            cx.set_mark(KEY, $mark);
                            Step::Call(run(plan, times))
                        }
                        // Winders: that is logged, whose *after* raises, whose *before* is gone,
                        // and with what nobody else has.
                        Some('w') => {
                            Step::wind(log(1, &times), run(plan, times.clone()), log(2, &times))
                        }
                        Some('f') => Step::wind(log(3, &times), run(plan, times), Self::Fail),
                        Some('b') => {
                            let gone = Self::Gone {
                                plan: vec!['.'],
                                times: times.clone(),
                            };
                            Step::wind(gone, run(plan, times), log(4, &super::times()))
                        }
                        Some('d') => Step::Capture {
                            tag: P,
                            operator: Operator::Control,
                            place: Place::Here,
                            body: Self::Double,
                        },
                        Some('.') => Step::Return(0),
                        _ => Step::Suspend(0),
                    }
                }
            }

            impl Frame for Call {
                type Value = $value;
                type World = Log;

                fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
                    match (&mut *self, input) {
                        (Self::Log { line, times, .. }, Input::Start) => {
                            times.update(|times| times.n += 1);
                            cx.world.push(format!("line {line}"));
                            Step::Return(0)
                        }
                        (Self::Fail, Input::Start) => {
                            cx.world.push("fails".into());
                            Step::Raise(7)
                        }
                        (Self::Double, Input::Continuation(continuation)) => Step::TailResume {
                            continuation,
                            with: Ok(0),
                        },
                        (Self::Check { .. }, Input::Restarted) => {
                            cx.world.push("restarts".into());
                            Step::Suspend(1)
                        }
                        (Self::Check { .. }, Input::Raised(value)) => {
                            cx.world.push(format!("catches {value}"));
                            Step::Suspend(2)
                        }
                        (_, Input::Start) => self.next(cx),
                        (Self::Run { plan, .. } | Self::Gone { plan, .. }, Input::Value(_))
                            if !plan.is_empty() =>
                        {
                            self.next(cx)
                        }
                        (_, Input::Value(value)) => Step::Return(value),
                        (_, Input::Raised(value)) => Step::Raise(value),
                        _ => Step::Raise(9),
                    }
                }

                fn catches(&self) -> bool {
                    matches!(self, Self::Check { catches: true, .. })
                }
            }
        }
    };
}

version!(first, "gone", u32, 300);
// Where a mark has one byte, and all other values are as they were.
version!(second, "come", u8, 30);

fn registry(policy: Policy) -> Rc<Registry> {
    Rc::new(Registry::new("plans", 1).tag(P).key(KEY).policy(policy))
}

/// A machine of the first version that has gone so far.
fn suspended(plan: &str, times: &Shared<Times>) -> Machine<first::Call> {
    let mut machine = Machine::new(first::Call::Run {
        plan: plan.chars().collect(),
        times: times.clone(),
        counted: Counted,
    });
    assert_eq!(machine.run(&mut Log::new()), Outcome::Suspended(0));
    machine
}

fn saved(plan: &str) -> Vec<u8> {
    let mut save = Save::new(&registry(Policy::Refuse));
    save.machine(&mut suspended(plan, &times())).unwrap();
    save.finish().unwrap()
}

fn load(bytes: &[u8], policy: Policy, limits: LoadLimits) -> Loaded<second::Call> {
    Loaded::read(bytes, &registry(policy), limits).unwrap()
}

fn restarted(plan: &str) -> Machine<second::Call> {
    let mut loaded = load(&saved(plan), Policy::Restart, LoadLimits::default());
    loaded.machine(0).unwrap()
}

/// The machine, from another snapshot.
fn carried(machine: &mut Machine<second::Call>) -> Machine<second::Call> {
    let registry = registry(Policy::Refuse);
    let mut save = Save::new(&registry);
    save.machine(machine).unwrap();
    let bytes = save.finish().unwrap();
    let mut loaded = Loaded::read(&bytes, &registry, LoadLimits::default()).unwrap();
    loaded.machine(0).unwrap()
}

fn kinds_of(report: &Report) -> Vec<(&str, &'static str)> {
    let name = |answer: &Answer| match answer {
        Answer::Same => "same",
        Answer::Restarted => "restarted",
        Answer::Dropped => "dropped",
        Answer::Refused(_) => "refused",
        _ => "other",
    };
    let frames = report.frames.iter();
    frames.map(|it| (&*it.kind, name(&it.answer))).collect()
}

#[test]
fn an_after_that_raises_leaves_no_winders() {
    // The checkpoint catches, in a winder that is not left; or somebody below it, out of that.
    for (plan, expected, depth, winders) in [
        ("wkwfg", ["fails", "catches 7"].as_slice(), 3, 1),
        ("kwcwfg", &["fails", "line 2", "catches 7"], 2, 0),
    ] {
        let mut machine = restarted(plan);
        let mut log = Log::new();
        assert_eq!(machine.run(&mut log), Outcome::Suspended(2));
        assert_eq!(log, expected);
        assert_eq!(machine.depth(), depth);
        let k = machine.continuation().unwrap();
        assert!(format!("{k:?}").contains(&format!("winders: {winders}")));
        // Those that are left have run no second time.
        let mut machine = carried(&mut machine);
        machine.answer(Ok(5)).unwrap();
        let mut log = Log::new();
        assert_eq!(machine.run(&mut log), Outcome::Done(5));
        assert_eq!(log, vec!["line 2"; winders]);
    }
}

#[test]
fn what_has_returned_is_not_missed() {
    // The gone frame returns after the first snapshot; the segment that it was in is the same.
    for policy in [Policy::Refuse, Policy::Restart] {
        let registry = registry(policy);
        let mut machine = suspended("craaag", &times());
        let mut save = Save::new(&registry);
        save.machine(&mut machine).unwrap();
        let (first, base) = save.finish_as_base().unwrap();
        machine.answer(Ok(3)).unwrap();
        assert_eq!(machine.run(&mut Log::new()), Outcome::Suspended(0));
        let mut save = Save::since(&base, &registry);
        save.machine(&mut machine).unwrap();
        let all = [first, save.finish().unwrap()];
        let mut loaded =
            Loaded::<second::Call>::read_increments(&all, &registry, LoadLimits::default())
                .unwrap();
        let report = loaded.report(0).unwrap();
        assert_eq!(report.refused, None);
        assert!(report.frames.iter().all(|it| it.answer == Answer::Same));
        let mut there = loaded.machine(0).unwrap();
        assert_eq!(there.depth(), machine.depth());
        loop {
            let (mut ours, mut theirs) = (Log::new(), Log::new());
            machine.answer(Ok(3)).unwrap();
            there.answer(Ok(3)).unwrap();
            let (here, there) = (machine.run(&mut ours), there.run(&mut theirs));
            assert_eq!(format!("{here:?}"), format!("{there:?}"));
            assert_eq!(ours, theirs);
            if here == Outcome::Done(3) {
                break;
            }
        }
    }
}

#[test]
fn what_is_refused_is_said() {
    // A frame; a winder, beside the frames; a mark.
    for (plan, kind) in [("cg", Some("gone")), ("cbr", None), ("crmr", Some("Run"))] {
        let bytes = saved(plan);
        let mut loaded = load(&bytes, Policy::Refuse, LoadLimits::default());
        let report = loaded.report(0).unwrap();
        let error = loaded.machine(0).unwrap_err();
        assert_eq!(report.refused.as_deref(), Some(&error), "{plan}");
        assert!(report.to_string().contains(&format!("refused: {error}")));
        let refused = kinds_of(&report)
            .into_iter()
            .find(|(_, it)| *it == "refused");
        assert_eq!(refused.map(|(kind, _)| kind), kind, "{plan}");
        // It restarts nevertheless.
        let mut loaded = load(&bytes, Policy::Restart, LoadLimits::default());
        let report = loaded.report(0).unwrap();
        assert_eq!(report.refused, None);
        let checkpoint = report.frames.iter().rev().nth(1).unwrap();
        assert_eq!(checkpoint.answer, Answer::Restarted, "{plan}");
        let mut log = Log::new();
        let mut machine = loaded.machine(0).unwrap();
        assert_eq!(machine.run(&mut log), Outcome::Suspended(1));
        assert_eq!(machine.depth(), 2);
        assert_eq!(carried(&mut machine).depth(), 2);
    }
}

#[test]
fn a_shared_value_that_is_refused_is_said() {
    let picky = times();
    picky.update(|times| times.picky = Picky(true));
    let mut save = Save::new(&registry(Policy::Refuse));
    save.machine(&mut suspended("cg", &picky)).unwrap();
    let bytes = save.finish().unwrap();
    IS_REFUSED.set(true);
    for policy in [Policy::Refuse, Policy::Restart] {
        let mut loaded = load(&bytes, policy, LoadLimits::default());
        let report = loaded.report(0).unwrap();
        let error = loaded.machine(0).unwrap_err();
        assert!(matches!(error, LoadError::Value { .. }), "{error}");
        assert_eq!(report.refused.as_deref(), Some(&error));
        assert!(report.to_string().contains(&error.to_string()));
    }
    IS_REFUSED.set(false);
}

#[test]
fn an_after_runs_whose_before_is_gone() {
    let mut loaded = load(&saved("cbr"), Policy::Restart, LoadLimits::default());
    let report = loaded.report(0).unwrap();
    assert_eq!((report.winders_left, report.winders_lost), (1, 0));
    let mut machine = loaded.machine(0).unwrap();
    let mut log = Log::new();
    // What it counts in nobody else has, so that it is decoded for this.
    assert_eq!(machine.run(&mut log), Outcome::Suspended(1));
    assert_eq!(log, ["line 4", "restarts"]);
}

/// An increment to what has refused frames holds all that goes on.
#[test]
fn increments_to_what_has_restarted() {
    let mut all = vec![saved("rcwrg")];
    let registry = registry(Policy::Restart);
    for (round, expected) in [(0, 1), (1, 1), (2, 0)] {
        let limits = LoadLimits::default();
        let mut loaded = Loaded::<second::Call>::read_increments(&all, &registry, limits).unwrap();
        let base = loaded.base();
        let mut machine = loaded.machine(0).unwrap();
        let report = loaded.report(0).unwrap();
        let is_restarted = |it: &FrameReport| it.answer == Answer::Restarted;
        assert_eq!(report.frames.iter().any(is_restarted), round == 0);
        match round {
            0 => assert_eq!(machine.run(&mut Log::new()), Outcome::Suspended(1)),
            1 => {}
            _ => {
                machine.answer(Ok(4)).unwrap();
                assert_eq!(machine.run(&mut Log::new()), Outcome::Done(4));
            }
        }
        assert_eq!(machine.depth(), 3 * expected);
        if round < 2 {
            let mut save = Save::since(&base, &registry);
            save.machine(&mut machine).unwrap();
            all.push(save.finish().unwrap());
        }
    }
}

/// What is used again and again is decoded once, and the limits are those of all other stacks.
#[test]
fn what_is_repeated_is_decoded_once() {
    let repeated = 1 << 12;
    for (plan, is_there) in [("cprwgdddddddddddds", false), ("cprwadddddddddddds", true)] {
        let mut save = Save::new(&registry(Policy::Refuse));
        save.machine(&mut suspended(plan, &times())).unwrap();
        let bytes = save.finish().unwrap();
        DECODED.set(0);
        let mut loaded = load(&bytes, Policy::Restart, LoadLimits::default());
        let report = loaded.report(0).unwrap();
        assert!(report.frames.len() > repeated);
        let frames = report.frames.iter();
        let refused = frames.filter_map(|it| match &it.answer {
            Answer::Refused(why) => Some(why),
            _ => None,
        });
        let refused: Vec<_> = refused.collect();
        assert!(refused.iter().all(|why| Rc::ptr_eq(why, refused[0])));
        if is_there {
            assert!(refused.is_empty());
        } else {
            assert_eq!((refused.len(), report.winders_left), (repeated, repeated));
        }
        let mut machine = loaded.machine(0).unwrap();
        assert!(DECODED.get() < 50, "{}", DECODED.get());
        if is_there {
            machine.answer(Ok(3)).unwrap();
        }
        let mut log = Log::new();
        let outcome = machine.run(&mut log);
        let lines = if is_there { 0 } else { repeated };
        assert_eq!(log.iter().filter(|line| *line == "line 2").count(), lines);
        assert!(matches!(outcome, Outcome::Suspended(_)), "{outcome:?}");

        let limits = LoadLimits {
            frames: repeated / 2,
            ..LoadLimits::default()
        };
        let registry = registry(Policy::Restart);
        let refused = match Loaded::<second::Call>::read(&bytes, &registry, limits) {
            Ok(mut loaded) => {
                let refused = loaded.report(0).unwrap_err();
                assert_eq!(loaded.machine(0).unwrap_err(), refused);
                refused
            }
            Err(refused) => refused,
        };
        let what = "frames";
        let limit = limits.frames;
        assert_eq!(refused, LoadError::Limit { what, limit });
    }
}

/// Whoever asks for a report takes nothing from what may be decoded.
#[test]
fn a_report_costs_nothing_of_the_limits() {
    // Each of these has one element.
    let bytes = saved("caaaaaaaaaag");
    let limits = LoadLimits {
        elements: 15,
        ..LoadLimits::default()
    };
    let mut loaded = load(&bytes, Policy::Restart, limits);
    let report = loaded.report(0).unwrap();
    for _ in 0..20 {
        assert_eq!(loaded.report(0).as_ref(), Ok(&report));
    }
    let mut machine = loaded.machine(0).unwrap();
    assert_eq!(machine.run(&mut Log::new()), Outcome::Suspended(1));
}

/// Nothing is left of what nobody got: not of a machine that is refused, nor of a value.
#[test]
fn what_nobody_got_is_dropped() {
    // Each leads back to itself; the second one, too, to what is refused.
    let both = [times(), times()];
    for times in &both {
        let me = times.clone();
        times.update(|times| times.next.push(me));
    }
    let picky = Shared::new(Times {
        picky: Picky(true),
        ..Times::default()
    });
    both[1].update(|times| times.next.push(picky));
    let mut save = Save::new(&registry(Policy::Refuse));
    save.machine(&mut suspended("cbg", &both[0])).unwrap();
    save.value(&both[1]).unwrap();
    save.value(&42u32).unwrap();
    let bytes = save.finish().unwrap();
    for times in both {
        times.update(|times| times.next.clear());
    }
    assert_eq!(ALIVE.get(), 0);

    IS_REFUSED.set(true);
    let mut loaded = load(&bytes, Policy::Refuse, LoadLimits::default());
    let alive = ALIVE.get();
    for _ in 0..2 {
        loaded.report(0).unwrap();
        loaded.machine(0).unwrap_err();
        loaded.value::<Shared<Times>>(1).unwrap_err();
        assert_eq!(ALIVE.get(), alive);
    }
    drop(loaded);
    assert_eq!(ALIVE.get(), 0);
    // What could not be decoded is in nobody's way.
    let mut loaded = load(&bytes, Policy::Restart, LoadLimits::default());
    loaded.value::<Shared<Times>>(1).unwrap_err();
    assert_eq!(loaded.value::<u32>(2), Ok(42));
    let mut machine = loaded.machine(0).unwrap();
    assert_eq!(machine.run(&mut Log::new()), Outcome::Suspended(1));
    IS_REFUSED.set(false);
    let there = loaded.value::<Shared<Times>>(1).unwrap();
    assert_eq!(there.with(|times| times.next.len()), 2);
}

/// A segment, and a variable, that another root has too.
#[test]
fn what_is_shared_is_shared_after_a_restart() {
    let registry = registry(Policy::Restart);
    let shared = times();
    let plan = "r".repeat(100) + "wcrg";
    let mut machine = suspended(&plan, &shared);
    let mut save = Save::new(&registry);
    for _ in 0..2 {
        save.machine(&mut machine).unwrap();
    }
    save.value(&shared).unwrap();
    let bytes = save.finish().unwrap();
    let mut loaded = load(&bytes, Policy::Restart, LoadLimits::default());
    let shared = loaded.value::<Shared<Times>>(2).unwrap();
    let mut both = [loaded.machine(0).unwrap(), loaded.machine(1).unwrap()];
    for machine in &mut both {
        assert_eq!(machine.run(&mut Log::new()), Outcome::Suspended(1));
        assert_eq!(machine.depth(), 103);
    }
    // Together they take little more than one of them.
    let sizes = [1, 2].map(|count| {
        let mut save = Save::new(&registry);
        for machine in &mut both[..count] {
            save.machine(machine).unwrap();
        }
        save.finish().unwrap().len()
    });
    assert!(sizes[1] < sizes[0] + 50, "{sizes:?}");
    for (index, machine) in both.iter_mut().enumerate() {
        machine.answer(Ok(5)).unwrap();
        assert_eq!(machine.run(&mut Log::new()), Outcome::Done(5));
        assert_eq!(shared.with(|times| times.n), 2 + index as u32);
    }
}
