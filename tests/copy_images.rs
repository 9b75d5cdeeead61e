//! What images own, and what they are refused.

#![cfg(all(
    feature = "unwind",
    panic = "unwind",
    unix,
    any(target_arch = "x86_64", target_arch = "aarch64"),
))]

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use segno::copy::{Came, Coop, Image, Leave, Region, enter};
use segno::frame::*;

mod owned;

use owned::Owned;

type Run = for<'c, 'r> fn(Coop<'c, 'r, Act>) -> Came<Act>;

/// A frame that a function of a test runs.
#[derive(Clone)]
struct Own {
    run: Run,
    n: i64,
    items: Vec<i64>,
    /// The step to which it has got.
    point: u32,
    catches: bool,
    /// What a clone of it does meanwhile.
    cloned: Cloned,
    _owned: Owned,
}

/// Does something where it is cloned.
struct Cloned(Option<Rc<dyn Fn()>>);

impl Clone for Cloned {
    fn clone(&self) -> Self {
        if let Some(does) = &self.0 {
            does();
        }
        Self(self.0.clone())
    }
}

fn own(run: Run, n: i64) -> Own {
    Own {
        run,
        n,
        items: vec![n; 4],
        point: 0,
        catches: false,
        cloned: Cloned(None),
        _owned: Owned::new(),
    }
}

/// A frame, or some of them on the native stack.
#[derive(Clone)]
enum Act {
    Own(Own),
    Image(Image<Self>),
}

impl Act {
    fn own(&mut self) -> &mut Own {
        match self {
            Self::Own(own) => own,
            Self::Image(_) => unreachable!("an image is no state"),
        }
    }
}

fn call(run: Run, n: i64) -> Act {
    Act::Own(own(run, n))
}

impl From<Image<Self>> for Act {
    fn from(image: Image<Self>) -> Self {
        Self::Image(image)
    }
}

impl Describe for Act {
    fn descriptor(&self) -> &'static FrameDescriptor {
        static ACT: FrameDescriptor = FrameDescriptor::new("act", &[]);
        &ACT
    }

    fn slot(&self, _: usize) -> Option<&dyn fmt::Debug> {
        None
    }
}

impl Frame for Act {
    type Value = i64;
    type World = World;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match self {
            Self::Image(image) => image.resume(input, cx),
            Self::Own(_) => enter(self, input, cx, act),
        }
    }

    fn catches(&self) -> bool {
        match self {
            Self::Image(image) => image.catches(),
            Self::Own(own) => own.catches,
        }
    }
}

#[derive(Default)]
struct World {
    log: Vec<i64>,
}

/// Runs what the state says.
fn act(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    let run = coop.state.own().run;
    run(coop)
}

#[allow(unsafe_code, reason = "promises what is in the functions below")]
fn image(region: &Region, own: Own) -> Act {
    // SAFETY: they keep numbers in their variables while they ask.
    Act::Image(unsafe { Image::new(region, Act::Own(own), act) })
}

fn region() -> Region {
    Region::new(256 * 1024).unwrap()
}

const TAG: PromptTag = PromptTag::named("image");

fn capture(run: Run) -> Step<Act> {
    Step::Capture {
        tag: TAG,
        operator: Operator::Control,
        place: Place::Here,
        body: call(run, 0),
    }
}

/// Asks for its answer, and counts in what it owns.
fn counts(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    let mut sum = coop.state.own().n;
    for _ in 0..3 {
        sum += coop.suspend(sum)?;
        let items = &mut coop.state.own().items;
        items[0] += 1;
        sum += 100 * items[0];
    }
    Ok(sum)
}

/// Goes on with what was suspended, so many times, with these answers; the results.
fn go_on(machine: &mut Machine<Act>, times: usize) -> Vec<Outcome<i64>> {
    let k = machine.continuation().unwrap();
    (0..times)
        .map(|_| {
            let mut other = machine.beside();
            other.start_with(k.clone(), Ok(1)).unwrap();
            let mut outcome = other.run(&mut World::default());
            while let Outcome::Suspended(_) = outcome {
                other.answer(Ok(1)).unwrap();
                outcome = other.run(&mut World::default());
            }
            outcome
        })
        .collect()
}

#[test]
fn what_an_image_has_read_of_a_state_is_not_of_another() {
    let region = region();
    let mut machine = Machine::new(image(&region, own(counts, 7)));
    let mut world = World::default();
    assert_eq!(machine.run(&mut world), Outcome::Suspended(7));
    let outcomes = go_on(&mut machine, 3);
    assert_eq!(outcomes, vec![Outcome::Done(7 + 3 + 100 * (8 + 9 + 10)); 3]);
    // And once it has begun to use what it has.
    machine.answer(Ok(1)).unwrap();
    assert_ne!(machine.run(&mut world), Outcome::Done(0));
    let outcomes = go_on(&mut machine, 3);
    assert_eq!(outcomes, vec![Outcome::Done(7 + 3 + 100 * (8 + 9 + 10)); 3]);
    drop((machine, region));
    owned::none_left();
}

/// The body of a capture, which asks before it takes the continuation.
fn asks_first(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    let answer = coop.suspend(1)?;
    assert!(coop.continuation().is_none(), "it asked for something");
    coop.suspend(2)?;
    Ok(answer)
}

fn captures(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    coop.ask(capture(asks_first))
}

fn prompts(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    coop.ask(Step::Prompt {
        tag: TAG,
        body: call(captures, 0),
    })
}

#[test]
fn a_continuation_that_no_image_takes_is_dropped_once() {
    let region = region();
    let mut machine = Machine::new(image(&region, own(prompts, 0)));
    assert_eq!(machine.run(&mut World::default()), Outcome::Suspended(1));
    assert_eq!(go_on(&mut machine, 3), vec![Outcome::Done(1); 3]);
    drop(machine);
    owned::none_left();
}

/// Is gone with its capture, and hears nothing of it.
fn captures_instead(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    let came = coop.ask(Step::Capture {
        tag: TAG,
        operator: Operator::Control,
        place: Place::Instead,
        body: call(resumes, 0),
    });
    assert!(came.is_err(), "it has ended");
    came
}

fn resumes(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    let continuation = coop.continuation().unwrap();
    let with = Ok(5);
    coop.ask(Step::TailResume { continuation, with })
}

fn adds(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    Ok(10 + coop.call(call(captures_instead, 0), act)?)
}

fn prompts_adds(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    coop.ask(Step::Prompt {
        tag: TAG,
        body: call(adds, 0),
    })
}

#[test]
fn a_capture_in_place_ends_the_frame_of_an_image() {
    let region = region();
    for first in [
        |own, _: &Region| Act::Own(own),
        |own, region: &Region| image(region, own),
    ] {
        let mut machine = Machine::new(first(own(prompts_adds, 0), &region));
        let outcome = machine.run_for(100, &mut World::default());
        // The continuation is of the frame that adds, which goes on twice.
        assert_eq!(outcome, Ok(Outcome::Done(25)));
    }
    owned::none_left();
}

fn calls_counts(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    coop.call(call(counts, 7), act)
}

/// Three frames, of which a clone runs an image of the same region.
fn busy_when_cloned(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    let mut callee = own(calls_counts, 0);
    callee.cloned = coop.state.own().cloned.clone();
    coop.call(Act::Own(callee), act)
}

#[test]
fn a_clone_that_runs_another_image() {
    let region = region();
    let (ran, refused) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let mut first = own(busy_when_cloned, 0);
    let (in_clone, of_ran, of_refused) = (region.clone(), ran.clone(), refused.clone());
    first.cloned = Cloned(Some(Rc::new(move || {
        let mut other = Machine::new(image(&in_clone, own(counts, 50)));
        match other.run_for(100, &mut World::default()) {
            Ok(Outcome::Suspended(50)) => of_ran.set(of_ran.get() + 1),
            Err(Refusal::Image { .. }) => of_refused.set(of_refused.get() + 1),
            other => panic!("{other:?}"),
        }
    })));
    let mut machine = Machine::new(image(&region, first));
    assert_eq!(machine.run(&mut World::default()), Outcome::Suspended(7));
    let expected = vec![Outcome::Done(7 + 3 + 100 * (8 + 9 + 10)); 3];
    assert_eq!(go_on(&mut machine, 3), expected);
    // While other bytes are in place, too.
    let mut other = Machine::new(image(&region, own(counts, 50)));
    assert_eq!(other.run(&mut World::default()), Outcome::Suspended(50));
    assert_eq!(go_on(&mut machine, 3), expected);
    assert!(ran.get() + refused.get() > 0);
    drop((machine, other));
    owned::none_left();
}

/// Raises by a step.
fn asks_to_raise(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    coop.ask(Step::Raise(5))
}

fn asks_to_be_refused(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    coop.ask(Step::Refuse(Box::new(Refusal::NoFuel)))
}

fn hears(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    let mut came = Vec::new();
    for (point, run) in [asks_to_raise as Run, asks_to_be_refused]
        .into_iter()
        .enumerate()
    {
        if coop.state.own().point as usize > point {
            continue;
        }
        let heard = match coop.call(call(run, 0), act).map_err(|leave| *leave) {
            Err(Leave::Raised(error)) => error,
            Err(Leave::Refused(Refusal::NoFuel)) => 6,
            Err(leave) => return Err(Box::new(leave)),
            Ok(value) => panic!("{value}"),
        };
        came.push(heard);
        coop.state.own().point += 1;
    }
    coop.world().log.extend(came);
    Ok(0)
}

#[test]
fn what_a_callee_in_an_image_asks_to_raise_its_caller_hears() {
    let region = region();
    for first in [
        |own, _: &Region| Act::Own(own),
        |own, region: &Region| image(region, own),
    ] {
        let mut hearer = own(hears, 0);
        hearer.catches = true;
        let mut machine = Machine::new(first(hearer, &region));
        let mut world = World::default();
        assert_eq!(machine.run_for(100, &mut world), Ok(Outcome::Done(0)));
        assert_eq!(world.log.last(), Some(&6));
    }
    owned::none_left();
}

thread_local! {
    static KEPT: RefCell<Option<Box<Leave<i64>>>> = const { RefCell::new(None) };
}

fn ends_by_a_tail_call(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    let left = coop.ask(Step::TailCall(call(one, 1)));
    KEPT.set(Some(left.unwrap_err()));
    Ok(3)
}

fn one(_: Coop<'_, '_, Act>) -> Came<Act> {
    Ok(1)
}

fn leaves_falsely(_: Coop<'_, '_, Act>) -> Came<Act> {
    KEPT.take().map_or(Ok(0), Err)
}

fn asks_after_stayed(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    let _kept = coop.call(call(ends_by_a_tail_call, 0), act).is_ok();
    let _refused = coop.suspend(1).is_ok();
    let _left = coop.call(call(leaves_falsely, 0), act).is_ok();
    coop.suspend(2)?;
    coop.suspend(3)
}

#[test]
fn an_image_that_keeps_a_word_that_it_is_left() {
    let region = region();
    let mut machine = Machine::new(image(&region, own(asks_after_stayed, 0)));
    let mut world = World::default();
    while let Ok(Outcome::Suspended(_)) = machine.run_for(100, &mut world) {
        for _ in 0..2 {
            let mut other = machine.beside();
            other
                .start_with(machine.continuation().unwrap(), Ok(1))
                .unwrap();
            let _ended = other.run_for(100, &mut world);
        }
        machine.answer(Ok(1)).unwrap();
    }
    drop(machine);
    owned::none_left();
}

/// One of the others, and what is below it.
fn sum_to(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    let n = coop.state.own().n;
    if n == 0 {
        return coop.suspend(0);
    }
    Ok(n + coop.call(call(sum_to, n - 1), act)?)
}

#[test]
fn a_recursion_that_outgrows_its_region_is_many_images() {
    let region = Region::new(64 * 1024).unwrap();
    let depth = 100_000;
    for fuel in [u64::MAX, 1000] {
        let mut machine = Machine::new(image(&region, own(sum_to, depth)));
        let mut world = World::default();
        loop {
            match machine.run_for(fuel, &mut world).unwrap() {
                Outcome::OutOfFuel => {}
                Outcome::Suspended(0) => break,
                outcome => panic!("{outcome:?}"),
            }
        }
        let images = machine.depth();
        assert!((10..10_000).contains(&images), "{images} images");
        let sum = depth * (depth + 1) / 2;
        assert_eq!(go_on(&mut machine, 2), vec![Outcome::Done(sum + 1); 2]);
    }
    owned::none_left();
}

#[test]
fn the_depth_of_images_is_limited() {
    let region = region();
    let mut machine = Machine::new(image(&region, own(sum_to, 100_000)));
    machine.set_limits(Limits {
        depth: 100,
        ..Limits::default()
    });
    let refused = machine.run_for(u64::MAX, &mut World::default());
    assert_eq!(refused, Err(Refusal::Depth { limit: 100 }));
    drop(machine);
    owned::none_left();
}

#[test]
fn no_fuel_is_lost_in_images() {
    let region = region();
    for fuel in 1..100 {
        let mut machine = Machine::new(image(&region, own(sum_to, 30)));
        let mut world = World::default();
        let mut used = 0;
        loop {
            let outcome = machine.run_for(fuel, &mut world).unwrap();
            used += fuel - machine.fuel_left();
            match outcome {
                Outcome::OutOfFuel => {}
                Outcome::Suspended(0) => machine.answer(Ok(0)).unwrap(),
                outcome => break assert_eq!(outcome, Outcome::Done(465)),
            }
        }
        // Each call is a step, each answer is one, and so is what is heard across images.
        assert!(
            (32..=31 + 31 + 1).contains(&used),
            "{used} steps in portions of {fuel}"
        );
    }
}

#[test]
fn two_machines_of_images_take_turns() {
    let region = region();
    let mut machines = [1000, 2000].map(|n| {
        let mut machine = Machine::new(image(&region, own(counts, n)));
        let suspended = machine.run(&mut World::default());
        assert_eq!(suspended, Outcome::Suspended(n));
        machine
    });
    for answer in [1, 10] {
        for machine in &mut machines {
            machine.answer(Ok(answer)).unwrap();
            let outcome = machine.run(&mut World::default());
            assert!(matches!(outcome, Outcome::Suspended(_)));
        }
    }
    let [first, second] = &mut machines;
    let ends = |n: i64| Outcome::Done(n + 11 + 1 + 100 * (3 * n + 6));
    assert_eq!(go_on(second, 2), vec![ends(2000); 2]);
    assert_eq!(go_on(first, 2), vec![ends(1000); 2]);
}

/// Runs images and others from within a function that promises nothing.
fn foreigner(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    let came = coop.foreign("foreign", |foreign| {
        let region = REGION.with_borrow(|region| region.clone().unwrap());
        let below = foreign.call(image(&region, own(counts, 1)));
        let is_busy = |refusal| matches!(refusal, Refusal::Image { why } if why.contains("busy"));
        assert!(matches!(below, Err(Interrupted::Refused(refusal)) if is_busy(refusal)));
        let mut other = Machine::new(image(&region, own(counts, 1)));
        assert!(is_busy(
            other.run_for(9, &mut World::default()).unwrap_err()
        ));
        // Of another region.
        let other = self::region();
        let mut machine = Machine::new(image(&other, own(counts, 1)));
        assert_eq!(machine.run(&mut World::default()), Outcome::Suspended(1));
        assert_eq!(go_on(&mut machine, 2), vec![Outcome::Done(1 + 3 + 900); 2]);
        // No images: here, and in a machine of its own.
        let mut machine = Machine::new(call(sum_to, 10));
        assert_eq!(machine.run(&mut World::default()), Outcome::Suspended(0));
        assert_eq!(go_on(&mut machine, 2), vec![Outcome::Done(56); 2]);
        foreign.call(call(many_calls, 100_000))
    })?;
    let came = came.unwrap();
    Ok(came + coop.suspend(came)?)
}

/// As deep as it is told.
fn many_calls(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    let n = coop.state.own().n;
    if n == 0 {
        return Ok(0);
    }
    Ok(1 + coop.call(call(many_calls, n - 1), act)?)
}

thread_local! {
    static REGION: RefCell<Option<Region>> = const { RefCell::new(None) };
}

#[test]
fn a_foreign_call_of_an_image() {
    let region = region();
    REGION.set(Some(region.clone()));
    let mut machine = Machine::new(image(&region, own(foreigner, 0)));
    let mut world = World::default();
    assert_eq!(machine.run(&mut world), Outcome::Suspended(100_000));
    assert_eq!(go_on(&mut machine, 2), vec![Outcome::Done(100_001); 2]);
    REGION.set(None);
    drop(machine);
    owned::none_left();
}

#[test]
#[cfg_attr(segno_asan, ignore = "what is refused on another thread is leaked")]
fn images_belong_to_a_thread() {
    struct Carried<T>(T);
    #[allow(unsafe_code, reason = "breaks a rule")]
    // SAFETY: none; what may happen is what the test is about.
    unsafe impl<T> Send for Carried<T> {}

    impl<T> Carried<T> {
        fn get(self) -> T {
            self.0
        }
    }

    let region = region();
    let mut begun = Machine::new(image(&region, own(counts, 7)));
    assert_eq!(begun.run(&mut World::default()), Outcome::Suspended(7));
    begun.answer(Ok(1)).unwrap();
    let fresh = Machine::new(image(&region, own(counts, 7)));
    let left = std::thread::scope(|scope| {
        let machines = Carried([begun, fresh]);
        let other = scope.spawn(move || {
            let mut left = Vec::new();
            for mut machine in machines.get() {
                let refused = machine.run_for(9, &mut World::default()).unwrap_err();
                assert!(matches!(refused, Refusal::Image { why } if why.contains("thread")));
                left.push(machine);
            }
            Carried(left)
        });
        other.join().unwrap().get()
    });
    drop(left);
    // Where they were refused they were leaked.
    assert_eq!(owned::left(), 2);
}

fn panics(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    coop.suspend(0)?;
    std::panic::resume_unwind(Box::new("on purpose"))
}

fn calls_panics(mut coop: Coop<'_, '_, Act>) -> Came<Act> {
    coop.call(call(panics, 0), act)
}

#[test]
fn a_panic_leaves_an_image() {
    let region = region();
    let mut machine = Machine::new(image(&region, own(calls_panics, 0)));
    assert_eq!(machine.run(&mut World::default()), Outcome::Suspended(0));
    let k = machine.continuation().unwrap();
    for _ in 0..2 {
        let mut other = machine.beside();
        other.start_with(k.clone(), Ok(0)).unwrap();
        let run = AssertUnwindSafe(|| other.run(&mut World::default()));
        let payload = catch_unwind(run).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"on purpose"));
        drop(other);
        // The region is free again.
        let mut other = Machine::new(image(&region, own(counts, 7)));
        assert_eq!(other.run(&mut World::default()), Outcome::Suspended(7));
    }
    drop((machine, k));
    owned::none_left();
}

#[test]
fn a_state_of_an_image_panics_when_it_is_dropped() {
    let region = region();
    for n in 0..3 {
        for evicted in [false, true] {
            let mut machine = Machine::new(image(&region, own(sum_to, 2)));
            assert_eq!(machine.run(&mut World::default()), Outcome::Suspended(0));
            let other = evicted.then(|| {
                let mut other = Machine::new(image(&region, own(counts, 7)));
                assert_eq!(other.run(&mut World::default()), Outcome::Suspended(7));
                other
            });
            owned::DROPS.set(n);
            let payload = catch_unwind(AssertUnwindSafe(|| drop(machine))).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&"on purpose"));
            drop(other);
            owned::none_left();
        }
    }
    // As it returns, and as one that has not begun.
    for n in 0..4 {
        let mut machine = Machine::new(image(&region, own(many_calls, 2)));
        owned::DROPS.set(n);
        let run = AssertUnwindSafe(|| drop((machine.run(&mut World::default()), machine)));
        let _panicked = catch_unwind(run);
        owned::DROPS.set(u64::MAX);
        owned::none_left();
    }
    let fresh = Machine::new(image(&region, own(counts, 7)));
    owned::DROPS.set(0);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(fresh))).is_err());
    owned::none_left();
}

/// What images are of in a test of sizes and alignments.
#[derive(Clone)]
enum Of<P: Payload> {
    State {
        payload: P,
        point: u32,
        owned: Owned,
    },
    Image(Image<Self>),
}

trait Payload: Clone + 'static {
    fn new(n: u8) -> Self;

    /// The number, of one that is where it may be.
    fn n(&self) -> u8;
}

macro_rules! payload {
    ($name:ident, $align:literal, $size:literal) => {
        #[repr(align($align))]
        struct $name([u8; $size]);

        impl Clone for $name {
            fn clone(&self) -> Self {
                Self::new(self.n())
            }
        }

        impl Payload for $name {
            fn new(n: u8) -> Self {
                Self([n; $size])
            }

            fn n(&self) -> u8 {
                assert_eq!(
                    std::hint::black_box(&raw const *self).addr() % align_of::<Self>(),
                    0
                );
                self.0.last().copied().unwrap_or(1)
            }
        }
    };
}

payload!(Zero, 1, 0);
payload!(Small, 16, 16);
payload!(Line, 64, 64);
// Not aligned to 4096: for a frame as aligned as the stack probe is wide, LLVM 22 loses the start of
// a prologue that it has moved behind a branch.
payload!(Page, 2048, 4096);
payload!(Large, 1, 3000);
payload!(Larger, 1, 20_000);

impl<P: Payload> From<Image<Self>> for Of<P> {
    fn from(image: Image<Self>) -> Self {
        Self::Image(image)
    }
}

impl<P: Payload> Describe for Of<P> {
    fn descriptor(&self) -> &'static FrameDescriptor {
        static OF: FrameDescriptor = FrameDescriptor::new("of", &[]);
        &OF
    }

    fn slot(&self, _: usize) -> Option<&dyn fmt::Debug> {
        None
    }
}

impl<P: Payload> Frame for Of<P> {
    type Value = u64;
    type World = ();

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match self {
            Self::Image(image) => image.resume(input, cx),
            Self::State { .. } => enter(self, input, cx, of),
        }
    }

    fn catches(&self) -> bool {
        match self {
            Self::Image(image) => image.catches(),
            Self::State { payload, .. } => payload.n() == 200,
        }
    }
}

impl<P: Payload> Of<P> {
    fn new(n: u8) -> Self {
        Self::State {
            payload: P::new(n),
            point: 0,
            owned: Owned::new(),
        }
    }

    fn n(&self) -> u8 {
        match self {
            Self::State { payload, .. } => payload.n(),
            Self::Image(_) => unreachable!(),
        }
    }
}

/// Ten frames, each of which suspends and says what it is.
fn of<P: Payload>(mut coop: Coop<'_, '_, Of<P>>) -> Came<Of<P>> {
    let n = coop.state.n();
    let answer = coop.suspend(u64::from(n))?;
    let Of::State { point, owned, .. } = &mut *coop.state else {
        unreachable!()
    };
    *point += 1;
    *owned = owned.clone();
    let rest = if n < 10 && size_of::<P>() > 0 {
        coop.call(Of::new(n + 1), of)?
    } else {
        0
    };
    Ok(answer + u64::from(coop.state.n()) + rest)
}

#[allow(unsafe_code, reason = "promises what is in `of`")]
fn images_of<P: Payload>(size: usize) {
    let region = Region::new(size).unwrap();
    // SAFETY: it has numbers in its variables while it asks.
    let image = unsafe { Image::new(&region, Of::<P>::new(1), of) };
    let mut machine = Machine::new(Of::Image(image));
    let mut outcome = machine.run_for(u64::MAX, &mut ());
    let mut suspended = 0;
    while let Ok(Outcome::Suspended(n)) = outcome {
        assert_eq!(n, suspended + 1);
        suspended = n;
        let k = machine.continuation().unwrap();
        let mut other = machine.beside();
        other.start_with(k, Err(0)).unwrap();
        assert_eq!(other.run(&mut ()), Outcome::Raised(0));
        machine.answer(Ok(100)).unwrap();
        outcome = machine.run_for(u64::MAX, &mut ());
    }
    match outcome {
        Ok(Outcome::Done(sum)) if size_of::<P>() == 0 => assert_eq!(sum, 101),
        Ok(outcome) => assert_eq!(outcome, Outcome::Done(10 * 100 + 55)),
        Err(refusal) => assert!(matches!(refusal, Refusal::Image { .. }), "{refusal}"),
    }
    drop(machine);
    owned::none_left();
}

#[test]
fn images_of_states_of_any_size_and_alignment() {
    images_of::<Zero>(64 * 1024);
    images_of::<Small>(64 * 1024);
    images_of::<Line>(64 * 1024);
    images_of::<Page>(1024 * 1024);
}

#[test]
fn images_of_states_that_are_too_large() {
    for size in [4, 16, 24, 32, 64, 96, 128, 256, 640, 700, 1024] {
        images_of::<Small>(size * 1024);
        images_of::<Large>(size * 1024);
        images_of::<Larger>(size * 1024);
    }
}
