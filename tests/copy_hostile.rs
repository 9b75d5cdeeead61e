//! What safe code may try with regions, and what frames may answer by hand.

#![cfg(all(
    feature = "unwind",
    panic = "unwind",
    unix,
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
))]
#![allow(unsafe_code, reason = "the constructors are unsafe")]

use std::cell::{Cell, RefCell};
use std::fmt;
use std::hint::black_box;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use segno::copy::*;
use segno::frame::*;
use segno::{Coroutine, CoroutineResult, ScopedCoroutine, Yielder};

fn region() -> Region {
    Region::new(256 * 1024).expect("there is room for a stack")
}

/// A compact coroutine whose body keeps the promise.
fn compact<I, Y, R, F>(region: &Region, body: F) -> CompactCoroutine<I, Y, R>
where
    F: FnOnce(&Yielder<I, Y>, I) -> R + 'static,
    I: 'static,
    Y: 'static,
    R: 'static,
{
    // SAFETY: the bodies of this file give no address of their stack away.
    unsafe { CompactCoroutine::new(region, body) }
}

fn counter(region: &Region) -> CompactCoroutine<(), u32, ()> {
    compact(region, |yielder, ()| {
        let mut room = [0_u32; 100];
        for i in 0.. {
            black_box(&mut room)[i as usize % 100] = i;
            yielder.suspend(i);
            assert_eq!(black_box(&room)[i as usize % 100], i);
        }
    })
}

/// Does something when it is dropped.
struct AtDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Neither sent nor shared: each of these does not compile if a type is.
#[test]
fn nothing_goes_to_other_threads() {
    trait Not<M> {
        fn it() {}
    }
    struct IsSend;
    struct IsSync;
    impl<T: ?Sized> Not<()> for T {}
    impl<T: ?Sized + Send> Not<IsSend> for T {}
    impl<T: ?Sized + Sync> Not<IsSync> for T {}
    macro_rules! not {
        ($($type:ty),*) => { $(<$type as Not<_>>::it();)* };
    }
    not!(
        Region,
        CompactCoroutine<(), (), ()>,
        Image<Act<'static>>,
        State<'static, Act<'static>>,
        Coop<'static, 'static, Act<'static>>,
        Keep<'static, 'static, Act<'static>>,
        Foreign<'static, 'static, Act<'static>>
    );
}

/// Recurses with so many bytes more, and calls `f` there.
#[inline(never)]
fn pad<const N: usize>(f: &mut dyn FnMut()) {
    let room = black_box([N as u8; N]);
    f();
    assert_eq!(black_box(room), [N as u8; N]);
}

/// A nested one is resumed from ever deeper calls, 16 bytes at a time, until that is refused: it
/// never gets at what runs above it.
#[test]
fn a_nested_one_never_overlaps_who_resumes_it() {
    let region = region();
    let inner = region.clone();
    let mut outer = compact::<_, (), _, _>(&region, move |_, ()| {
        let mut nested = counter(&inner);
        let mut next = 0;
        let mut refused = 0;
        let pads: [fn(&mut dyn FnMut()); 16] = [
            pad::<0>, pad::<16>, pad::<32>, pad::<48>, pad::<64>, pad::<80>, pad::<96>, pad::<112>,
            pad::<128>, pad::<144>, pad::<160>, pad::<176>, pad::<192>, pad::<208>, pad::<224>,
            pad::<240>,
        ];
        fn deep(n: usize, last: fn(&mut dyn FnMut()), f: &mut dyn FnMut()) {
            if n == 0 {
                last(f);
            } else {
                pad::<64>(&mut || deep(n - 1, last, f));
            }
        }
        for n in 0..200 {
            for last in pads {
                deep(n, last, &mut || match nested.try_resume(()) {
                    Ok(result) => {
                        assert_eq!(result, CoroutineResult::Yield(next));
                        next += 1;
                    }
                    Err(no) => {
                        assert_eq!(no.error, CopyError::Busy);
                        refused += 1;
                    }
                });
            }
        }
        (next, refused)
    });
    let (resumed, refused) = outer.resume(()).as_return().expect("it returns");
    assert!(resumed > 100 && refused > 100, "{resumed} {refused}");
}

/// A handle that is forgotten leaks its bytes, wherever they are, and harms nobody.
#[test]
#[cfg_attr(segno_asan, ignore = "what is forgotten is leaked")]
fn forgotten_handles() {
    let region = region();
    for _ in 0..3 {
        let mut resident = counter(&region);
        resident.resume(());
        mem::forget(resident);
        let mut other = counter(&region);
        for i in 0..3 {
            assert_eq!(other.resume(()), CoroutineResult::Yield(i));
        }
        mem::forget(counter(&region));
        assert_eq!(other.resume(()), CoroutineResult::Yield(3));
        let mut evicted = counter(&region);
        evicted.resume(());
        assert_eq!(other.resume(()), CoroutineResult::Yield(4));
        mem::forget(evicted);
    }
    // One that is forgotten inside of a running one, and the region with it.
    let inner = region.clone();
    let mut outer = compact(&region, move |yielder: &Yielder<(), ()>, ()| {
        let mut nested = counter(&inner);
        nested.resume(());
        mem::forget((nested, inner));
        yielder.suspend(());
    });
    outer.resume(());
    drop(region);
    outer.resume(());
    mem::forget(outer);
}

/// What was yielded while a coroutine is unwound is dropped while its region is busy.
#[test]
#[cfg_attr(segno_asan, ignore = "what is forgotten is leaked")]
fn what_is_yielded_in_an_unwinding_uses_the_region() {
    thread_local! {
        static SEEN: RefCell<Vec<CopyError>> = const { RefCell::new(Vec::new()) };
        static OTHER: RefCell<Option<CompactCoroutine<(), u32, ()>>> = const { RefCell::new(None) };
    }
    type Thing = Box<dyn std::any::Any>;
    fn body(region: Region) -> impl FnOnce(&Yielder<(), Thing>, ()) {
        move |yielder, ()| {
            for _ in 0..5 {
                let region = region.clone();
                let thing = AtDrop(move || {
                    // SAFETY: the same.
                    let made =
                        unsafe { CompactCoroutine::<(), (), ()>::try_new(&region, |_, ()| ()) };
                    SEEN.with_borrow_mut(|seen| seen.extend(made.err().map(|no| no.error)));
                    OTHER.with_borrow_mut(|other| {
                        if let Some(Err(no)) = other.as_mut().map(|other| other.try_resume(())) {
                            SEEN.with_borrow_mut(|seen| seen.push(no.error));
                        }
                    });
                    panic!("on purpose");
                });
                let result = catch_unwind(AssertUnwindSafe(|| yielder.suspend(Box::new(thing))));
                black_box(result).ok();
            }
        }
    }
    let region = region();
    OTHER.set(Some(counter(&region)));
    let mut one = compact(&region, body(region.clone()));
    let first = one.resume(()).as_yield();
    mem::forget(first);
    assert!(catch_unwind(AssertUnwindSafe(|| one.force_unwind())).is_err());
    assert!(one.done());
    assert_eq!(SEEN.take(), [CopyError::Busy; 8]);

    // And of a nested one.
    let inner = region.clone();
    let mut outer = compact::<_, (), _, _>(&region, move |_, ()| {
        let mut one = compact(&inner, body(inner.clone()));
        let first = one.resume(()).as_yield();
        mem::forget(first);
        let unwound = catch_unwind(AssertUnwindSafe(|| one.force_unwind()));
        assert!(unwound.is_err() && one.done());
        counter(&inner).resume(())
    });
    assert_eq!(
        outer.resume(()),
        CoroutineResult::Return(CoroutineResult::Yield(0))
    );
    assert_eq!(SEEN.take(), [CopyError::Busy; 8]);
    OTHER.set(None);
    assert_eq!(counter(&region).resume(()), CoroutineResult::Yield(0));
}

/// Orphans whose destructors make orphans, resume others, drop the last handle of the region, and
/// panic; looked after by a drop in the middle of a panic.
#[test]
fn orphans_of_orphans() {
    thread_local!(static DROPS: Cell<u32> = const { Cell::new(0) });
    fn one(region: &Region, generations: u32) -> CompactCoroutine<(), (), ()> {
        let mine = region.clone();
        let mut made = compact(region, move |yielder: &Yielder<(), ()>, ()| {
            let mut children = Vec::new();
            if generations > 0 {
                for _ in 0..3 {
                    children.push(one(&mine, generations - 1));
                }
            }
            let _at_drop = AtDrop(move || {
                DROPS.set(DROPS.get() + 1);
                let mut nested = counter(&mine);
                nested.resume(());
                // Dropped where the place may not be free.
                children.clear();
                nested.resume(());
            });
            yielder.suspend(());
            unreachable!("it is only dropped");
        });
        made.resume(());
        made
    }
    let region = region();
    let mut all: Vec<_> = (0..3).map(|_| one(&region, 2)).collect();
    // A running one drops them all: they cannot be brought to their place.
    let mut last = compact(&region, move |yielder: &Yielder<(), ()>, ()| {
        all.clear();
        assert_eq!(DROPS.get(), 0);
        yielder.suspend(());
    });
    last.resume(());
    drop(region);
    let payload = catch_unwind(AssertUnwindSafe(|| {
        let _last = last;
        panic!("on purpose");
    }));
    assert!(payload.is_err());
    assert_eq!(DROPS.get(), 3 * (1 + 3 + 9));
}

/// An orphan that panics, where a resume looks after it: the resume is not harmed.
#[test]
#[cfg_attr(
    segno_asan,
    ignore = "a payload that panics when it is dropped is kept"
)]
fn orphans_that_panic() {
    let region = region();
    let mut bad: Vec<_> = (0..3)
        .map(|_| {
            let mut bad = compact(&region, |yielder: &Yielder<(), ()>, ()| {
                let went = catch_unwind(AssertUnwindSafe(|| yielder.suspend(())));
                assert!(went.is_err());
                std::panic::resume_unwind(Box::new(AtDrop(|| panic!("a payload, too"))));
            });
            bad.resume(());
            bad
        })
        .collect();
    let mut other = counter(&region);
    other.resume(());
    compact::<_, (), _, _>(&region, move |_, ()| bad.clear()).resume(());
    for i in 1..4 {
        assert_eq!(other.resume(()), CoroutineResult::Yield(i));
    }
}

/// The last handles of a region go where one of its computations, or another region's, runs.
#[test]
fn the_last_handle_of_a_region() {
    let (first, second) = (region(), region());
    let mut done = compact::<_, (), _, _>(&first, |_, ()| ());
    done.resume(());
    let mut suspended = counter(&first);
    suspended.resume(());
    drop(first);
    let mine = second.clone();
    let mut outer = compact(&second, move |yielder: &Yielder<(), ()>, ()| {
        drop((done, suspended, mine));
        yielder.suspend(());
    });
    drop(second);
    outer.resume(());
    outer.resume(());
    drop(outer);

    // A done one is dropped while another runs, the only one that holds the region besides.
    let region = region();
    let mut done = compact::<_, (), _, _>(&region, |_, ()| ());
    done.resume(());
    let mut outer = compact::<_, (), _, _>(&region, move |_, ()| drop(done));
    drop(region);
    outer.resume(());
}

/// A body that suspends from the stack of a scoped coroutine inside of it is evicted, comes back,
/// and is dropped.
#[test]
#[cfg_attr(segno_asan, ignore = "what is forgotten is leaked")]
fn suspended_from_within_a_scope_and_dropped() {
    let region = region();
    let body = |yielder: &Yielder<(), u32>, ()| {
        let there = 42;
        let scoped = ScopedCoroutine::<(), (), ()>::new(|inner, ()| {
            for i in 0.. {
                yielder.suspend(black_box(there) + i);
                inner.suspend(());
            }
        });
        scoped.scope(|mut scoped| while scoped.resume(()) == CoroutineResult::Yield(()) {});
    };
    let mut many: Vec<_> = (0..4).map(|_| compact(&region, body)).collect();
    for round in 0..3 {
        for one in &mut many {
            assert_eq!(one.resume(()), CoroutineResult::Yield(42 + round));
        }
    }
    mem::forget(many.pop());
    let mut outer = compact::<_, (), _, _>(&region, move |_, ()| drop(many));
    outer.resume(());
    assert_eq!(counter(&region).resume(()), CoroutineResult::Yield(0));
}

/// Panics cross nested ones, and leave the region to the others.
#[test]
fn panics_through_nested_ones() {
    fn nest(region: &Region, levels: u32) -> CompactCoroutine<(), (), ()> {
        let mine = region.clone();
        compact(region, move |yielder: &Yielder<(), ()>, ()| {
            let mut other = counter(&mine);
            other.resume(());
            if levels == 0 {
                yielder.suspend(());
                panic!("on purpose");
            }
            let mut inner = nest(&mine, levels - 1);
            inner.resume(());
            yielder.suspend(());
            let went = catch_unwind(AssertUnwindSafe(|| inner.resume(())));
            assert!(went.is_err() && inner.done());
            assert_eq!(inner.try_resume(()).unwrap_err().error, CopyError::Done);
            assert_eq!(other.resume(()), CoroutineResult::Yield(1));
            panic!("again");
        })
    }
    let region = region();
    let mut one = nest(&region, 3);
    one.resume(());
    let mut other = counter(&region);
    other.resume(());
    assert!(catch_unwind(AssertUnwindSafe(|| one.resume(()))).is_err());
    assert!(one.done());
    assert_eq!(other.resume(()), CoroutineResult::Yield(1));
}

/// From the stack of its resumer a body gets at nothing of its region, by way of a thread-local.
#[test]
fn on_the_parents_stack_the_region_is_busy() {
    thread_local! {
        static REGION: RefCell<Option<Region>> = const { RefCell::new(None) };
        static OTHER: RefCell<Option<CompactCoroutine<(), u32, ()>>> = const { RefCell::new(None) };
    }
    let region = region();
    REGION.set(Some(region.clone()));
    OTHER.set(Some(counter(&region)));
    OTHER.with_borrow_mut(|other| other.as_mut().map(|other| other.resume(())));
    let mut one = compact(&region, |yielder: &Yielder<(), ()>, ()| {
        yielder.on_parent_stack(|| {
            let region = REGION.take().expect("it is there");
            // SAFETY: the same.
            let made = unsafe { CompactCoroutine::<(), (), ()>::try_new(&region, |_, ()| ()) };
            assert_eq!(made.unwrap_err().error, CopyError::Busy);
            let mut other = OTHER.take().expect("it is there");
            assert_eq!(other.try_resume(()).unwrap_err().error, CopyError::Busy);
        });
    });
    one.resume(());
    assert_eq!(counter(&region).resume(()), CoroutineResult::Yield(0));
}

// Frames.

thread_local!(static RESUMES: Cell<u32> = const { Cell::new(0) });

type Way = for<'w, 'c, 'r> fn(&mut Coop<'c, 'r, Act<'w>>) -> Came<Act<'w>>;

#[derive(Clone)]
struct Native<'w> {
    way: Way,
    n: i64,
    answer: Option<i64>,
    lent: std::marker::PhantomData<World<'w>>,
}

type Answers<'w> = for<'i, 'c> fn(Input<Act<'w>>, &'i mut Context<'c, Act<'w>>) -> Step<Act<'w>>;

#[derive(Clone)]
enum Act<'w> {
    Native(Native<'w>),
    Image(Image<Act<'w>>),
    /// A frame that answers by hand.
    By(Answers<'w>),
}

#[derive(Default, Clone)]
struct World<'w> {
    yielder: Option<&'w Yielder<i64, i64>>,
    seen: Vec<i64>,
    others: Rc<RefCell<Vec<CompactCoroutine<(), u32, ()>>>>,
    region: Option<Region>,
}

impl<'w> From<Image<Act<'w>>> for Act<'w> {
    fn from(image: Image<Self>) -> Self {
        Self::Image(image)
    }
}

impl Describe for Act<'_> {
    fn descriptor(&self) -> &'static FrameDescriptor {
        static ACT: FrameDescriptor = FrameDescriptor::new("act", &[]);
        &ACT
    }
    fn slot(&self, _: usize) -> Option<&dyn fmt::Debug> {
        None
    }
}

impl<'w> Frame for Act<'w> {
    type Value = i64;
    type World = World<'w>;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match self {
            Self::Image(image) => image.resume(input, cx),
            Self::Native(_) => {
                RESUMES.set(RESUMES.get() + 1);
                enter(self, input, cx, act)
            }
            Self::By(answers) => answers(input, cx),
        }
    }

    fn catches(&self) -> bool {
        match self {
            Self::Image(image) => image.catches(),
            Self::Native(_) => true,
            Self::By(_) => false,
        }
    }
}

fn act<'w>(mut coop: Coop<'_, '_, Act<'w>>) -> Came<Act<'w>> {
    match &*coop.state {
        Act::Native(native) => (native.way)(&mut coop),
        _ => unreachable!("no native frame"),
    }
}

fn native<'w>(way: Way, n: i64) -> Act<'w> {
    Act::Native(Native {
        way,
        n,
        answer: None,
        lent: std::marker::PhantomData,
    })
}

fn number(coop: &Coop<'_, '_, Act<'_>>) -> i64 {
    match &*coop.state {
        Act::Native(native) => native.n,
        _ => 0,
    }
}

fn image<'w>(region: &Region, way: Way, n: i64) -> Act<'w> {
    // SAFETY: nothing is owned or pointed to by the functions of this file.
    Act::Image(unsafe { Image::new(region, native(way, n), act) })
}

/// Suspends the coroutine that everything runs in, and then itself.
fn suspends_natively<'w>(coop: &mut Coop<'_, '_, Act<'w>>) -> Came<Act<'w>> {
    let n = number(coop);
    if n > 0 {
        return coop.call(native(suspends_natively, n - 1), act);
    }
    if !coop.entered_again() {
        let yielder = coop.world().yielder;
        let answer = yielder.map_or(0, |yielder| yielder.suspend(1));
        coop.world().seen.push(answer);
    }
    coop.suspend(2)
}

/// The coroutine that an image runs in is suspended amid it, and forgotten or dropped: the region
/// is busy, or free again.
#[test]
#[cfg_attr(segno_asan, ignore = "what is forgotten is leaked")]
fn the_coroutine_below_an_image_is_forgotten() {
    for forgets in [false, true] {
        let region = region();
        let mine = region.clone();
        let mut coroutine = Coroutine::<i64, i64, ()>::new(move |yielder, _| {
            let mut machine = Machine::new(image(&mine, suspends_natively, 3));
            let mut world = World {
                yielder: Some(yielder),
                ..World::default()
            };
            while let Outcome::Suspended(n) = machine.run(&mut world) {
                yielder.suspend(n);
                machine.answer(Ok(0)).expect("it has suspended");
            }
        });
        let mut other = counter(&region);
        other.resume(());
        let mut early = Machine::new(image(&region, suspends_natively, 1));
        assert_eq!(early.run(&mut World::default()), Outcome::Suspended(2));
        let copy = early.continuation();
        assert_eq!(coroutine.resume(0), CoroutineResult::Yield(1));
        assert_eq!(other.try_resume(()).unwrap_err().error, CopyError::Busy);
        early.answer(Ok(5)).expect("it has suspended");
        let refused = early.run_for(1, &mut World::default());
        assert!(matches!(refused, Err(Refusal::Image { .. })), "{refused:?}");
        drop((copy, early));
        let mut late = Machine::new(image(&region, suspends_natively, 0));
        assert!(late.run_for(9, &mut World::default()).is_err());
        if forgets {
            mem::forget(coroutine);
            assert_eq!(other.try_resume(()).unwrap_err().error, CopyError::Busy);
        } else {
            drop(coroutine);
            assert_eq!(other.resume(()), CoroutineResult::Yield(1));
        }
    }
}

/// An image makes, resumes and drops compact coroutines of its own region, and captures.
fn hosts<'w>(coop: &mut Coop<'_, '_, Act<'w>>) -> Came<Act<'w>> {
    let n = number(coop);
    if n > 0 {
        return coop.call(native(hosts, n - 1), act);
    }
    fn step(world: &mut World<'_>) -> i64 {
        let region = world.region.clone().expect("it is there");
        let mut others = world.others.borrow_mut();
        if others.len() > 6 {
            others.truncate(2); // Orphans, where their places are not free.
        }
        others.push(counter(&region));
        let mut sum = 0;
        for other in others.iter_mut() {
            sum += i64::from(other.try_resume(()).is_ok());
        }
        sum
    }
    if let Act::Native(Native {
        answer: Some(answer),
        ..
    }) = &*coop.state
    {
        return Ok(*answer);
    }
    for _ in 0..20 {
        let resumed = step(coop.world());
        coop.suspend(resumed)?;
    }
    Ok(7)
}

#[test]
fn compact_coroutines_inside_images() {
    let region = region();
    let mut machine = Machine::new(image(&region, hosts, 2));
    let mut world = World {
        region: Some(region.clone()),
        ..World::default()
    };
    let mut rounds = 0;
    let mut copies = Vec::new();
    while let Outcome::Suspended(resumed) = machine.run(&mut world) {
        assert!(resumed > 0);
        copies.extend(machine.continuation());
        for other in world.others.borrow_mut().iter_mut() {
            assert!(other.try_resume(()).is_ok());
        }
        machine.answer(Ok(0)).expect("it has suspended");
        rounds += 1;
        assert!(rounds < 100);
    }
    assert_eq!(rounds, 20);
    for (at, k) in copies.drain(..).enumerate() {
        let mut machine = Machine::new(Act::By(|_, _| Step::Return(0)));
        let _done = machine.run(&mut World::default());
        machine.start_with(k, Ok(0)).expect("it can be resumed");
        let mut left = 20 - at - 1;
        while let Outcome::Suspended(_) = machine.run(&mut world) {
            machine.answer(Ok(0)).expect("it has suspended");
            left -= 1;
        }
        assert_eq!(left, 0);
    }
}

fn run_for<'w>(frame: Act<'w>, limits: Limits, steps: u64) -> Result<Outcome<i64>, Refusal> {
    let mut machine = Machine::new(frame);
    machine.set_limits(limits);
    machine.run_for(steps, &mut World::default())
}

fn stacked<'w>(frames: Vec<Act<'w>>, asks: Option<Step<Act<'w>>>) -> Step<Act<'w>> {
    Step::Stacked(Box::new(Stacked { frames, asks }))
}

/// Frames that stack by hand meet the limits, and the machine can be used afterwards.
#[test]
fn stacked_by_hand() {
    let unlimited = Limits::default();
    let shallow = Limits {
        depth: 5,
        ..unlimited
    };
    // Too many at once, and none is there.
    let too_many = Act::By(|input, _| match input {
        Input::Start => stacked(
            vec![Act::By(|_, _| Step::Return(1)); 5],
            Some(Step::Return(1)),
        ),
        Input::Refused(refusal) => Step::Refuse(refusal),
        _ => unreachable!("nothing comes"),
    });
    assert_eq!(
        run_for(too_many, shallow, 99),
        Err(Refusal::Depth { limit: 5 })
    );
    // One by one without end.
    fn grows<'w>(_: Input<Act<'w>>, _: &mut Context<'_, Act<'w>>) -> Step<Act<'w>> {
        stacked(vec![Act::By(grows)], None)
    }
    let limits = Limits {
        depth: 1000,
        ..unlimited
    };
    assert_eq!(run_for(Act::By(grows), limits, 100), Ok(Outcome::OutOfFuel));
    // It does not look at what it was asked.
    assert_eq!(
        run_for(
            Act::By(|input, _| match input {
                Input::Start => stacked(
                    vec![Act::By(|_, _| Step::Return(4))],
                    Some(Step::Suspend(1))
                ),
                Input::Value(value) => Step::Return(value + 1),
                _ => unreachable!("a value comes"),
            }),
            shallow,
            3
        ),
        Ok(Outcome::Done(5))
    );
    // The topmost of all is asked, however they were put together.
    fn count<'w>(_: Input<Act<'w>>, cx: &mut Context<'_, Act<'w>>) -> Step<Act<'w>> {
        cx.world.seen.push(1);
        Step::Return(7)
    }
    let mut machine = Machine::new(Act::By(|input, _| match input {
        Input::Start => {
            let more = stacked(
                vec![Act::By(count)],
                Some(stacked(vec![], Some(Step::Return(1)))),
            );
            stacked(vec![Act::By(count)], Some(more))
        }
        Input::Value(value) => Step::Return(value),
        _ => unreachable!("a value comes"),
    }));
    let mut world = World::default();
    assert_eq!(machine.run(&mut world), Outcome::Done(7));
    assert_eq!(world.seen, [1, 1]);
    // No frames: it asks itself.
    assert_eq!(
        run_for(
            Act::By(|input, _| match input {
                Input::Start => stacked(vec![], Some(Step::Suspend(1))),
                Input::Asked(step) => *step,
                _ => unreachable!("it is asked"),
            }),
            shallow,
            1
        ),
        Ok(Outcome::Suspended(1))
    );
}

/// Who stacks for ever pays for it.
#[test]
fn who_stacks_for_ever_runs_out_of_fuel() {
    fn for_ever<'w>(_: Input<Act<'w>>, _: &mut Context<'_, Act<'w>>) -> Step<Act<'w>> {
        stacked(vec![], None)
    }
    fn asks_for_ever<'w>(_: Input<Act<'w>>, _: &mut Context<'_, Act<'w>>) -> Step<Act<'w>> {
        stacked(vec![], Some(Step::Return(0)))
    }
    fn too_deep_for_ever<'w>(_: Input<Act<'w>>, _: &mut Context<'_, Act<'w>>) -> Step<Act<'w>> {
        stacked(vec![Act::By(asks_for_ever); 3], Some(Step::Return(0)))
    }
    fn asks_to_stack<'w>(input: Input<Act<'w>>, _: &mut Context<'_, Act<'w>>) -> Step<Act<'w>> {
        match input {
            Input::Asked(step) => *step,
            _ => stacked(vec![], Some(stacked(vec![], Some(stacked(vec![], None))))),
        }
    }
    let limits = Limits {
        depth: 2,
        overrun: 100,
        ..Limits::default()
    };
    for answers in [for_ever, asks_for_ever, too_deep_for_ever, asks_to_stack] {
        assert_eq!(
            run_for(Act::By(answers), limits, 1000),
            Ok(Outcome::OutOfFuel)
        );
    }
}

/// Recurses without end, and asks for nothing.
fn without_end<'w>(coop: &mut Coop<'_, '_, Act<'w>>) -> Came<Act<'w>> {
    coop.call(native(without_end, 0), act)
}

/// The same in breadth.
fn without_end_in_breadth<'w>(coop: &mut Coop<'_, '_, Act<'w>>) -> Came<Act<'w>> {
    loop {
        coop.call(native(one, 0), act)?;
    }
}

fn one<'w>(_: &mut Coop<'_, '_, Act<'w>>) -> Came<Act<'w>> {
    Ok(1)
}

/// A foreign call at each level.
fn without_end_and_foreign<'w>(coop: &mut Coop<'_, '_, Act<'w>>) -> Came<Act<'w>> {
    if !coop.entered_again() {
        coop.foreign("f", |f| f.call(native(one, 0)).expect("it returns"))?;
    }
    coop.call(native(without_end_and_foreign, 0), act)
}

#[test]
fn without_end_means_out_of_fuel() {
    let limits = Limits::default();
    for way in [
        without_end as Way,
        without_end_in_breadth,
        without_end_and_foreign,
    ] {
        for steps in [1, 2, 10, 1000, 10_000] {
            assert_eq!(
                run_for(native(way, 0), limits, steps),
                Ok(Outcome::OutOfFuel)
            );
        }
        let shallow = Limits {
            depth: 10,
            ..limits
        };
        let came = run_for(native(way, 0), shallow, 10_000);
        if way as usize == without_end_in_breadth as Way as usize {
            assert_eq!(came, Ok(Outcome::OutOfFuel));
        } else {
            assert_eq!(came, Err(Refusal::Depth { limit: 10 }));
        }
    }
}

/// A million foreign calls cost what they do.
fn a_million<'w>(coop: &mut Coop<'_, '_, Act<'w>>) -> Came<Act<'w>> {
    let mut sum = 0;
    for _ in 0..1_000_000 {
        sum += coop.foreign("f", |f| f.call(native(one, 0)).map_or(0, |n| n))?;
    }
    Ok(sum)
}

#[test]
fn a_million_foreign_calls() {
    let mut machine = Machine::new(native(a_million, 0));
    let outcome = machine.run_for(3_000_000, &mut World::default());
    assert_eq!(outcome, Ok(Outcome::Done(1_000_000)));
    assert_eq!(machine.fuel_left(), 3_000_000 - 1_000_001);
    let limits = Limits {
        overrun: 1000,
        ..Limits::default()
    };
    assert_eq!(
        run_for(native(a_million, 0), limits, 11),
        Ok(Outcome::Done(10 + 1000))
    );
}

/// Machines inside compact coroutines, whose frames suspend these natively: frames that recurse there,
/// or images on the stack of another region. They are evicted, come back, and are dropped amid it.
#[test]
fn machines_and_images_inside_compact_coroutines() {
    let (below, above) = (region(), region());
    let host = |above: Option<Region>| {
        compact(&below, move |yielder: &Yielder<i64, i64>, _: i64| {
            let frame = match &above {
                Some(above) => image(above, suspends_natively, 5),
                None => native(suspends_natively, 5),
            };
            let mut machine = Machine::new(frame);
            let mut world = World {
                yielder: Some(yielder),
                ..World::default()
            };
            let mut seen = 0;
            loop {
                match machine.run_for(u64::MAX, &mut world) {
                    Ok(Outcome::Suspended(n)) => {
                        seen += yielder.suspend(n);
                        machine.answer(Ok(seen)).expect("it has suspended");
                    }
                    Ok(Outcome::Done(n)) => break n + world.seen.iter().sum::<i64>(),
                    _ => break -1,
                }
            }
        })
    };
    let mut natives: Vec<_> = (0..4).map(|_| host(None)).collect();
    let mut imaged = host(Some(above.clone()));
    let mut refused = host(Some(above.clone()));
    for one in natives.iter_mut().chain([&mut imaged]) {
        assert_eq!(one.resume(0), CoroutineResult::Yield(1));
    }
    // The other region is busy meanwhile, on behalf of one that is suspended.
    assert_eq!(refused.resume(0), CoroutineResult::Return(-1));
    let dropped = natives.pop();
    for one in natives.iter_mut().chain([&mut imaged]) {
        assert_eq!(one.resume(10), CoroutineResult::Yield(2));
    }
    drop(dropped);
    assert_eq!(counter(&above).resume(()), CoroutineResult::Yield(0));
    for one in natives.iter_mut().chain([&mut imaged]) {
        assert_eq!(one.resume(100), CoroutineResult::Return(110));
    }
    // Dropped where it cannot come back, amid an image.
    let mut imaged = host(Some(above.clone()));
    assert_eq!(imaged.resume(0), CoroutineResult::Yield(1));
    compact::<_, (), _, _>(&below, move |_, ()| drop(imaged)).resume(());
    assert_eq!(counter(&below).resume(()), CoroutineResult::Yield(0));
    assert_eq!(counter(&above).resume(()), CoroutineResult::Yield(0));
}

/// A thread ends, and with it those that its thread-locals hold.
#[test]
fn a_thread_ends() {
    thread_local!(static MANY: RefCell<Vec<CompactCoroutine<(), (), ()>>> = const { RefCell::new(Vec::new()) });
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        MANY.with_borrow_mut(|many| {
            let region = region();
            for i in 0..3 {
                let (sender, region) = (sender.clone(), region.clone());
                let mut one = compact(&region.clone(), move |yielder: &Yielder<(), ()>, ()| {
                    let _at_drop = AtDrop(move || {
                        counter(&region).resume(());
                        sender.send(i).expect("somebody listens");
                    });
                    yielder.suspend(());
                });
                one.resume(());
                many.push(one);
            }
        });
    });
    thread.join().expect("it ends");
    assert_eq!(receiver.iter().collect::<Vec<_>>(), [0, 1, 2]);
}

fn panics<'w>(_: &mut Coop<'_, '_, Act<'w>>) -> Came<Act<'w>> {
    panic!("on purpose")
}

fn down<'w>(coop: &mut Coop<'_, '_, Act<'w>>) -> Came<Act<'w>> {
    match number(coop) {
        0 => Ok(0),
        n => Ok(1 + coop.call(native(down, n - 1), act)?),
    }
}

/// Frames that a host call runs panic on another stack: those after them recurse on this one.
#[test]
fn after_a_panic_on_another_stack() {
    let mut machine = Machine::new(Act::By(|_, cx| {
        let panicked = segno::on_stack(segno::stack::DefaultStack::default(), || {
            catch_unwind(AssertUnwindSafe(|| cx.barrier("f", native(panics, 0))))
        });
        assert!(panicked.is_err());
        RESUMES.set(0);
        Step::Return(cx.barrier("g", native(down, 50)).unwrap_or(-1))
    }));
    assert_eq!(machine.run(&mut World::default()), Outcome::Done(50));
    assert_eq!(RESUMES.get(), 1);
}
