//! Compact coroutines: the same bodies as on stacks of their own, in turns on one.

#![cfg(all(
    feature = "unwind",
    panic = "unwind",
    unix,
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
))]
#![allow(
    unsafe_code,
    reason = "the constructor is unsafe, and some tests break its promises"
)]

mod child;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use segno::copy::{CompactCoroutine, CopyError, Region};
use segno::stack::MIN_STACK_SIZE;
use segno::{Coroutine, CoroutineResult, ScopedCoroutine, Yielder};

const KIB: usize = 1024;

fn region() -> Region {
    Region::new(512 * KIB).expect("there is room for a stack")
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

/// Counts up for ever.
fn counter(region: &Region) -> CompactCoroutine<(), u32, ()> {
    compact(region, |yielder, ()| {
        for i in 0.. {
            yielder.suspend(i);
        }
    })
}

/// Counts the drops of what it was given to.
struct Dropped(Rc<Cell<usize>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// Calls `f` at the bottom of so many calls, each with something on the stack that must be
/// the same afterwards.
#[inline(never)]
fn at_depth<T>(depth: u32, f: &mut dyn FnMut() -> T) -> T {
    let room = black_box([depth; 9]);
    let answer = if depth == 0 {
        f()
    } else {
        at_depth(depth - 1, f)
    };
    assert_eq!(black_box(room), [depth; 9]);
    answer
}

fn text(payload: &(dyn Any + Send)) -> String {
    match payload.downcast_ref::<&str>() {
        Some(text) => (*text).into(),
        None => payload.downcast_ref::<String>().expect("a text").clone(),
    }
}

/// The text of the panic that `f` ends with.
fn panic_of<T>(f: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("went on"),
        Err(payload) => text(&*payload),
    }
}

#[test]
fn suspend_and_resume() {
    let region = region();
    let mut many: Vec<_> = (0..50).map(|_| counter(&region)).collect();
    assert!(many.iter().all(|c| !c.started() && !c.done()));
    // In turns, and one several times in a row.
    for round in 0..6 {
        for c in &mut many {
            assert_eq!(c.resume(()), CoroutineResult::Yield(2 * round));
            assert_eq!(c.resume(()), CoroutineResult::Yield(2 * round + 1));
            assert!(c.started() && !c.done() && c.image_size() > 0);
        }
    }
    let debug = format!("{:?} {region:?}", many[0]);
    assert!(debug.contains("started: true") && debug.contains("busy: false"));
}

/// What is on the stack has the same address whenever it is there.
#[cfg_attr(segno_asan, ignore = "the sanitizer keeps such locals elsewhere")]
#[test]
fn same_addresses() {
    let region = region();
    let body = |yielder: &Yielder<(), usize>, ()| {
        let mut here = black_box(7usize);
        let address = &raw mut here;
        for _ in 0..3 {
            yielder.suspend(address as usize);
            // SAFETY: the variable is alive, and this is its stack.
            unsafe { *address += 1 };
        }
        here
    };
    let (mut one, mut two) = (compact(&region, body), compact(&region, body));
    for _ in 0..3 {
        let (a, b) = (one.resume(()), two.resume(()));
        assert_eq!(a, b);
    }
    assert_eq!(one.resume(()).as_return(), Some(10));
    assert_eq!(two.resume(()).as_return(), Some(10));
    assert!(one.done() && one.image_size() == 0);
}

#[test]
fn suspend_and_resume_values() {
    let region = region();
    let make = || {
        compact(&region, |yielder: &Yielder<[u64; 9], String>, mut given| {
            while given[8] > 0 {
                given = yielder.suspend(format!("{given:?}"));
            }
            vec![given[0]; 3]
        })
    };
    let mut all = [make(), make(), make()];
    for round in 1..20 {
        for (i, c) in (0..).zip(&mut all) {
            let given = [i, round, 2, 3, 4, 5, 6, 7, 8];
            assert_eq!(c.resume(given).as_yield(), Some(format!("{given:?}")));
        }
    }
    for (i, mut c) in (5..).zip(all) {
        assert_eq!(
            c.resume([i, 0, 0, 0, 0, 0, 0, 0, 0]).as_return(),
            Some(vec![i; 3])
        );
        assert!(c.done());
    }
}

#[test]
fn panics_propagated() {
    let region = region();
    let mut other = counter(&region);
    other.resume(());
    let mut c = compact(&region, |yielder: &Yielder<(), ()>, ()| {
        yielder.suspend(());
        panic!("from the body");
    });
    assert_eq!(c.resume(()), CoroutineResult::Yield(()));
    assert_eq!(other.resume(()), CoroutineResult::Yield(1));
    assert_eq!(panic_of(|| c.resume(())), "from the body");
    assert!(c.done());
    assert_eq!(
        panic_of(|| c.resume(())),
        "attempt to resume a completed coroutine"
    );
    assert_eq!(other.resume(()), CoroutineResult::Yield(2));
}

#[test]
fn drops_balance() {
    let region = region();
    let drops = Rc::new(Cell::new(0));
    let make = || {
        let captured = Dropped(drops.clone());
        let drops = drops.clone();
        compact(&region, move |yielder: &Yielder<u32, ()>, depth| {
            let _captured = captured;
            let _held = Dropped(drops.clone());
            at_depth(depth, &mut || {
                let _deep = Dropped(drops.clone());
                yielder.suspend(());
            });
        })
    };
    // Evicted and resident; fresh, suspended, done, unwound and reset.
    let mut all: Vec<_> = (0..10).map(|_| make()).collect();
    for (depth, c) in (0..).zip(&mut all[3..]) {
        c.resume(depth * 3);
    }
    assert_eq!(drops.get(), 0);
    drop(all.remove(0));
    assert_eq!(drops.get(), 1, "a fresh one has what it captured");
    assert_eq!(all[5].resume(0), CoroutineResult::Return(()));
    assert_eq!(drops.get(), 4);
    all[4].force_unwind();
    all[4].force_unwind();
    assert!(all[4].done());
    assert_eq!(drops.get(), 7);
    // SAFETY: what is on the stack is leaked, and nobody misses it.
    unsafe { all[3].force_reset() };
    assert!(all[3].done());
    drop(all);
    assert_eq!(drops.get(), 7 + 2 + 4 * 3);
    assert_eq!(Rc::strong_count(&drops), 1 + 4);
    for _ in 0..4 {
        // SAFETY: these are what was leaked.
        unsafe { Rc::decrement_strong_count(Rc::as_ptr(&drops)) };
    }
}

#[test]
fn region_outlives_its_handle() {
    let region = region();
    let mut c = counter(&region);
    let mut d = counter(&region);
    drop(region);
    assert_eq!(c.resume(()), d.resume(()));
    drop(d);
    assert_eq!(c.resume(()), CoroutineResult::Yield(1));
}

/// A tree of generators on one stack, each resumed by the one above it.
#[test]
fn nested() {
    fn walk(region: &Region, levels: u32, first: u32) -> CompactCoroutine<(), u32, u32> {
        let inner = region.clone();
        compact(region, move |yielder: &Yielder<(), u32>, ()| {
            let mut sum = 0;
            if levels > 0 {
                for half in [0, 1] {
                    let mut below = walk(&inner, levels - 1, first + half * (1 << (levels - 1)));
                    loop {
                        match below.resume(()) {
                            CoroutineResult::Yield(item) => yielder.suspend(item),
                            CoroutineResult::Return(s) => break sum += s,
                        }
                    }
                }
            } else {
                yielder.suspend(first);
                sum = first;
            }
            sum
        })
    }
    let region = region();
    let (mut one, mut two) = (walk(&region, 5, 0), walk(&region, 5, 100));
    for i in 0..32 {
        assert_eq!(one.resume(()), CoroutineResult::Yield(i));
        assert_eq!(two.resume(()), CoroutineResult::Yield(100 + i));
    }
    assert_eq!(one.resume(()), CoroutineResult::Return((0..32).sum()));
    drop(two); // in the midst of it
    let mut three = walk(&region, 3, 7);
    assert_eq!(three.resume(()), CoroutineResult::Yield(7));
}

/// One that was made inside of a running one goes on when nobody is running.
#[test]
fn nested_one_escapes() {
    let region = region();
    let inner = region.clone();
    let mut outer = compact(&region, move |yielder: &Yielder<(), _>, ()| {
        let mut fresh = counter(&inner);
        let mut begun = counter(&inner);
        assert_eq!(begun.resume(()), CoroutineResult::Yield(0));
        assert_eq!(fresh.resume(()), CoroutineResult::Yield(0));
        assert_eq!(begun.resume(()), CoroutineResult::Yield(1));
        yielder.suspend(fresh);
        yielder.suspend(begun);
    });
    let mut fresh = outer.resume(()).as_yield().expect("a coroutine");
    let mut other = counter(&region);
    assert_eq!(fresh.resume(()), CoroutineResult::Yield(1));
    assert_eq!(other.resume(()), CoroutineResult::Yield(0));
    let mut begun = outer.resume(()).as_yield().expect("a coroutine");
    assert_eq!(begun.resume(()), CoroutineResult::Yield(2));
    assert_eq!(fresh.resume(()), CoroutineResult::Yield(2));
    drop(outer);
    assert_eq!(begun.resume(()), CoroutineResult::Yield(3));
}

/// A computation that suspends itself from the stack of another one that hangs on it.
#[test]
fn suspended_from_another_stack() {
    let region = Region::new(64 * KIB).unwrap();
    let inner = region.clone();
    let body = |yielder: &Yielder<u32, u32>, first| {
        let mut sum = first;
        ScopedCoroutine::<(), (), ()>::new(|_, ()| {
            for _ in 0..3 {
                sum += yielder.suspend(sum);
            }
        })
        .scope(|mut inside| assert_eq!(inside.resume(()).as_return(), Some(())));
        sum
    };
    let (mut one, mut two) = (compact(&region, body), compact(&region, body));
    let mut around = compact(&region, move |yielder: &Yielder<u32, u32>, first| {
        let mut nested = compact(&inner, body);
        let mut given = first;
        while let CoroutineResult::Yield(sum) = nested.resume(given) {
            given = yielder.suspend(sum);
        }
        0
    });
    let mut others = [counter(&region), counter(&region)];
    for (i, sum) in [(0, 1), (1, 2), (2, 3)] {
        assert_eq!(one.resume(1), CoroutineResult::Yield(sum));
        assert_eq!(others[0].resume(()), CoroutineResult::Yield(i));
        assert_eq!(around.resume(1), CoroutineResult::Yield(sum));
        assert_eq!(two.resume(1), CoroutineResult::Yield(sum));
        assert_eq!(others[1].resume(()), CoroutineResult::Yield(i));
        assert!(one.started() && !one.done());
    }
    assert_eq!(one.resume(1), CoroutineResult::Return(4));
    drop(two);
    assert_eq!(around.resume(1), CoroutineResult::Return(0));
}

/// Moves anything anywhere.
struct Smuggled<T>(T);

// SAFETY: none; the tests show what the other thread is told.
unsafe impl<T> Send for Smuggled<T> {}

/// Runs `f` on another thread, whatever it has.
fn elsewhere<T>(f: impl FnOnce() -> T) -> T {
    let call = Smuggled(f);
    thread::scope(|scope| {
        let run = || {
            let call = call;
            Smuggled(call.0())
        };
        scope.spawn(run).join().expect("no panic").0
    })
}

#[test]
fn other_threads_are_refused() {
    let region = region();
    let drops = Rc::new(Cell::new(0));
    let make = || {
        let held = Dropped(drops.clone());
        compact(&region, move |yielder: &Yielder<String, ()>, _| {
            let _held = held;
            loop {
                yielder.suspend(());
            }
        })
    };
    let (mut resident, mut away, gone) = (make(), make(), make());
    away.resume(String::new());
    resident.resume(String::new());
    for c in [&mut resident, &mut away] {
        let refused = elsewhere(|| c.try_resume("input".into())).unwrap_err();
        assert_eq!(
            (refused.error, &*refused.value),
            (CopyError::Thread, "input")
        );
        assert_eq!(
            elsewhere(|| panic_of(|| c.resume(String::new()))),
            CopyError::Thread.to_string()
        );
        assert_eq!(
            elsewhere(|| panic_of(|| c.force_unwind())),
            CopyError::Thread.to_string()
        );
    }
    let body = Dropped(drops.clone());
    let refused = elsewhere(|| {
        // SAFETY: as in `compact`.
        unsafe {
            CompactCoroutine::<(), (), ()>::try_new(&region, move |_, ()| drop(body)).map(drop)
        }
    })
    .unwrap_err();
    assert_eq!(refused.error, CopyError::Thread);
    drop(refused.value);
    assert_eq!(drops.get(), 1);
    // Dropped there, it is leaked, which the sanitizer would notice.
    let dropped = if cfg!(segno_asan) {
        drop(gone);
        2
    } else {
        elsewhere(|| drop(gone));
        1
    };
    assert_eq!(drops.get(), dropped);
    assert_eq!(away.resume(String::new()), CoroutineResult::Yield(()));
    drop((away, resident));
    assert_eq!(drops.get(), dropped + 2);
}

#[test]
fn overlap_is_refused() {
    let region = region();
    let drops = Rc::new(Cell::new(0));
    let outside = counter(&region);
    let (inner, held) = (region.clone(), Dropped(drops.clone()));
    let mut unwanted = compact(&region, move |yielder: &Yielder<(), ()>, ()| {
        let _held = held;
        yielder.suspend(());
    });
    unwanted.resume(());
    let seen = drops.clone();
    let mut running = compact(&region, move |yielder: &Yielder<(), ()>, ()| {
        let mut outside = outside;
        let refused = outside.try_resume(()).unwrap_err();
        assert_eq!(refused.error, CopyError::Busy);
        assert_eq!(panic_of(|| outside.resume(())), CopyError::Busy.to_string());
        assert_eq!(
            panic_of(|| outside.force_unwind()),
            CopyError::Busy.to_string()
        );
        // One of those that lie below is refused where a deeper call overlaps it.
        let mut nested = counter(&inner);
        assert_eq!(nested.resume(()), CoroutineResult::Yield(0));
        let deeper = at_depth(400, &mut || nested.try_resume(()).map_err(|r| r.error));
        assert_eq!(deeper, Err(CopyError::Busy));
        assert_eq!(nested.resume(()), CoroutineResult::Yield(1));
        // And all are where the running one has gone on to another stack.
        let region = inner.clone();
        let mut elsewhere = Coroutine::<(), (), _>::new(move |_, ()| {
            let refused = nested.try_resume(()).unwrap_err().error;
            // SAFETY: as in `compact`.
            let fresh = unsafe {
                CompactCoroutine::<(), (), ()>::try_new(&region, |_, ()| ()).unwrap_err()
            };
            (refused, fresh.error, nested)
        });
        let (refused, fresh, mut nested) = elsewhere.resume(()).as_return().unwrap();
        assert_eq!((refused, fresh), (CopyError::Busy, CopyError::Busy));
        assert_eq!(nested.resume(()), CoroutineResult::Yield(2));
        // What is dropped while it has no place is unwound when the region is used next.
        drop(unwanted);
        assert_eq!(seen.get(), 0);
        yielder.suspend(());
        assert_eq!(seen.get(), 1);
        drop(outside);
    });
    assert_eq!(running.resume(()), CoroutineResult::Yield(()));
    assert_eq!(running.resume(()), CoroutineResult::Return(()));
    assert_eq!(counter(&region).resume(()), CoroutineResult::Yield(0));
}

/// Unwinding what was dropped while the region was busy may drop more of the kind, and may
/// panic.
#[test]
fn orphans() {
    let region = region();
    let drops = Rc::new(Cell::new(0));
    let mut chain: Option<CompactCoroutine<(), (), ()>> = None;
    for i in 0..1000 {
        let (held, next) = (Dropped(drops.clone()), chain.take());
        let mut c = compact(&region, move |yielder: &Yielder<(), ()>, ()| {
            let _held = held;
            let _next = next;
            yielder.suspend(());
        });
        if i % 3 != 0 {
            c.resume(());
        }
        chain = Some(c);
    }
    struct Angry;
    impl Drop for Angry {
        fn drop(&mut self) {
            if !thread::panicking() {
                std::panic::resume_unwind(Box::new("angry"));
            }
        }
    }
    let angry = compact(&region, |_: &Yielder<(), ()>, ()| ());
    let angry_body = Angry;
    let fresh = compact(&region, move |_: &Yielder<(), ()>, ()| drop(angry_body));
    let mut running = compact(&region, move |yielder: &Yielder<(), ()>, ()| {
        drop((chain, angry, fresh));
        yielder.suspend(());
    });
    assert_eq!(running.resume(()), CoroutineResult::Yield(()));
    assert_eq!(drops.get(), 0);
    // The region is used: by whoever makes one, and by the one that was running.
    drop(compact(&region, |_: &Yielder<(), ()>, ()| ()));
    assert_eq!(drops.get(), 1000);
    assert_eq!(running.resume(()), CoroutineResult::Return(()));
}

#[test]
fn exhausted() {
    let region = Region::new(MIN_STACK_SIZE * 4).unwrap();
    let size = region.size();
    let large = [1u8; 4096 * 4];
    // SAFETY: as in `compact`.
    let refused = unsafe {
        CompactCoroutine::<(), (), _>::try_new(&region, move |_, ()| large[0]).unwrap_err()
    };
    assert!(matches!(
        refused.error,
        CopyError::Exhausted { requested, available } if requested > 4096 * 20 && available <= size
    ));
    assert!(refused.to_string().contains("are left"));
    let body = refused.value;
    let larger = Region::new(4096 * 64).unwrap();
    assert_eq!(compact(&larger, body).resume(()).as_return(), Some(1));

    // Below a running one there is less room, and at last too little.
    #[inline(never)]
    fn descend(yielder: &Yielder<(), ()>, region: &Region, room: usize) -> CopyError {
        let here = black_box([0u8; 200]);
        let error = if yielder.remaining_stack() > room {
            descend(yielder, region, room)
        } else {
            // SAFETY: as in `compact`.
            let made = unsafe { CompactCoroutine::<(), (), ()>::try_new(region, |_, ()| ()) };
            made.unwrap_err().error
        };
        assert_eq!(black_box(here)[100], 0);
        error
    }
    let region = Region::new(128 * KIB).unwrap();
    let inner = region.clone();
    let room = if cfg!(debug_assertions) { 16 } else { 7 } * KIB;
    let mut c = compact(&region, move |yielder: &Yielder<(), ()>, ()| {
        let error = descend(yielder, &inner, room);
        (error, counter(&inner).resume(()))
    });
    let (error, counted) = c.resume(()).as_return().unwrap();
    assert!(matches!(
        error,
        CopyError::Exhausted { requested: MIN_STACK_SIZE, available } if available < MIN_STACK_SIZE
    ));
    assert_eq!(counted, CoroutineResult::Yield(0));
}

#[test]
fn finished_ones_are_refused() {
    let region = region();
    let mut c = compact(&region, |_: &Yielder<String, ()>, text| text);
    assert_eq!(c.resume("a".into()).as_return().as_deref(), Some("a"));
    let refused = c.try_resume("b".into()).unwrap_err();
    assert_eq!((refused.error, &*refused.value), (CopyError::Done, "b"));
    c.force_unwind();
}

/// Who writes into a suspended stack gets to know, in debug builds.
#[cfg(all(debug_assertions, not(segno_asan)))]
#[test]
fn breach_is_detected() {
    for evicted_first in [false, true] {
        let region = region();
        let mut c = compact(&region, |yielder: &Yielder<(), usize>, ()| {
            let mut here = black_box(1usize);
            let address = black_box(&raw mut here);
            yielder.suspend(address as usize);
            black_box(here)
        });
        let address = c.resume(()).as_yield().expect("an address");
        // SAFETY: none: this is the breach.
        unsafe { (address as *mut usize).write_volatile(2) };
        let mut other = evicted_first.then(|| {
            assert!(panic_of(|| counter(&region)).contains("somebody wrote"));
            counter(&region)
        });
        if let Some(other) = &mut other {
            assert_eq!(other.resume(()), CoroutineResult::Yield(0));
        } else {
            assert!(panic_of(|| c.resume(())).contains("somebody wrote"));
        }
        // It is told once; what the computation makes of it is its own affair.
        assert_eq!(c.resume(()).as_return(), Some(2));
    }
}

#[inline(never)]
fn overflow(depth: u64) -> u64 {
    let room = black_box([depth; 16]);
    if depth == u64::MAX {
        return 0;
    }
    overflow(depth + 1) + black_box(&room)[3]
}

#[cfg(target_os = "linux")]
#[cfg_attr(
    any(segno_asan, segno_tsan),
    ignore = "the sanitizer takes the fault for its own"
)]
#[test]
fn overflow_is_reported() {
    for case in ["plain", "nested"] {
        let Some(ended) = child::run("overflow_is_reported", case, || {
            segno::stack::report_overflow().unwrap();
            let region = Region::new(128 * KIB).unwrap();
            let mut first = counter(&region);
            first.resume(());
            let inner = region.clone();
            let mut c = compact(&region, move |_: &Yielder<(), ()>, ()| {
                if case == "plain" {
                    overflow(0);
                } else {
                    compact(&inner, |_: &Yielder<(), ()>, ()| overflow(0)).resume(());
                }
            });
            c.resume(());
        }) else {
            continue;
        };
        ended.assert_died(
            libc::SIGABRT,
            "segno: a coroutine overflowed its stack of 1",
        );
    }
}

#[test]
fn remaining_stack() {
    let region = region();
    let inner = region.clone();
    let mut c = compact(&region, move |yielder: &Yielder<(), ()>, ()| {
        let mine = yielder.remaining_stack();
        yielder.suspend(());
        let body = |yielder: &Yielder<(), ()>, ()| yielder.remaining_stack();
        let below = compact(&inner, body).resume(()).as_return().unwrap();
        (mine, yielder.remaining_stack(), below)
    });
    c.resume(());
    counter(&region).resume(());
    let (mine, again, below) = c.resume(()).as_return().unwrap();
    assert_eq!(mine, again);
    assert!(mine > 400 * KIB && mine < region.size());
    assert!(below < mine - 4 * KIB && below > 300 * KIB);
}

/// A backtrace that is taken inside leads through the whole chain of resumers.
#[inline(never)]
fn host_of_backtraces(region: &Region) -> String {
    let inner = region.clone();
    let mut c = compact(region, move |yielder: &Yielder<(), ()>, ()| {
        yielder.suspend(());
        let body = |yielder: &Yielder<(), ()>, ()| {
            yielder.suspend(());
            std::backtrace::Backtrace::force_capture().to_string()
        };
        let mut nested = compact(&inner, body);
        nested.resume(());
        nested_resumer(&mut nested)
    });
    c.resume(());
    counter(region).resume(());
    black_box(c.resume(()).as_return().unwrap())
}

#[inline(never)]
fn nested_resumer(c: &mut CompactCoroutine<(), (), String>) -> String {
    black_box(c.resume(()).as_return().unwrap())
}

#[test]
fn backtrace_traces_to_host() {
    let trace = host_of_backtraces(&region());
    for name in ["nested_resumer", "host_of_backtraces"] {
        assert!(trace.contains(name), "{name} is not in {trace}");
    }
}

// The law: random programs leave the same trace on either kind of coroutine.

type Big = [u64; 5];

/// What a body does, one after the other.
#[derive(Clone, Debug)]
enum Op {
    /// From the bottom of so many calls.
    Suspend {
        depth: u32,
        value: u64,
    },
    /// Holds something until the end, or until it is unwound.
    Hold(u8),
    Panic(u8),
    /// Makes another one, resumes it so often, and drops it or gives it away.
    Nest {
        depth: u32,
        body: Vec<Op>,
        resumes: u32,
        give: bool,
    },
}

/// What the host does with its coroutines.
#[derive(Clone, Debug)]
enum Act {
    Make(usize, Vec<Op>),
    Resume(usize, u64),
    Unwind(usize),
    Drop(usize),
    /// Takes over the latest that was given away.
    Take(usize),
}

const SLOTS: usize = 5;

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let leaf = prop_oneof![
        6 => (0u32..30, any::<u64>()).prop_map(|(depth, value)| Op::Suspend { depth, value }),
        2 => any::<u8>().prop_map(Op::Hold),
        1 => any::<u8>().prop_map(Op::Panic),
    ];
    let op = leaf.prop_recursive(3, 24, 6, |op| {
        let body = proptest::collection::vec(op.clone(), 1..6);
        prop_oneof![
            3 => op,
            2 => (0u32..10, body, 0u32..6, any::<bool>()).prop_map(
                |(depth, body, resumes, give)| Op::Nest { depth, body, resumes, give }
            ),
        ]
    });
    proptest::collection::vec(op, 0..8)
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let slot = || 0..SLOTS;
    let act = prop_oneof![
        4 => (slot(), ops()).prop_map(|(slot, body)| Act::Make(slot, body)),
        20 => (slot(), any::<u64>()).prop_map(|(slot, input)| Act::Resume(slot, input)),
        1 => slot().prop_map(Act::Unwind),
        1 => slot().prop_map(Act::Drop),
        2 => slot().prop_map(Act::Take),
    ];
    proptest::collection::vec(act, 0..60)
}

/// Either kind of coroutine.
trait Handle {
    fn resume(&mut self, input: Big) -> CoroutineResult<Big, Big>;
    fn force_unwind(&mut self);
    fn state(&self) -> (bool, bool);
}

macro_rules! handle {
    ($kind:ident) => {
        impl Handle for $kind<Big, Big, Big> {
            fn resume(&mut self, input: Big) -> CoroutineResult<Big, Big> {
                self.resume(input)
            }
            fn force_unwind(&mut self) {
                self.force_unwind();
            }
            fn state(&self) -> (bool, bool) {
                (self.started(), self.done())
            }
        }
    };
}

handle!(Coroutine);
handle!(CompactCoroutine);

/// What all bodies of a run share.
#[derive(Clone)]
struct World {
    /// Where to make coroutines: there, or each on a stack of its own.
    region: Option<Region>,
    log: Rc<RefCell<Vec<String>>>,
    given: Rc<RefCell<Vec<Box<dyn Handle>>>>,
}

/// Notes when it is dropped.
struct Noted(World, u8);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.note(format!("drop {}", self.1));
    }
}

impl World {
    fn note(&self, event: String) {
        self.log.borrow_mut().push(event);
    }

    fn make(&self, ops: Vec<Op>) -> Box<dyn Handle> {
        let world = self.clone();
        let body = move |yielder: &Yielder<Big, Big>, input| world.body(&ops, yielder, input);
        match &self.region {
            Some(region) => Box::new(compact(region, body)),
            None => Box::new(Coroutine::new(body)),
        }
    }

    fn body(&self, ops: &[Op], yielder: &Yielder<Big, Big>, input: Big) -> Big {
        self.note(format!("begin {input:?}"));
        let mut held = Vec::new();
        let mut sum = input;
        for op in ops {
            match *op {
                Op::Suspend { depth, value } => {
                    let got = at_depth(depth, &mut || yielder.suspend([value, sum[0], 2, 3, 4]));
                    self.note(format!("got {got:?}"));
                    sum[0] = sum[0].wrapping_add(got[4]);
                }
                Op::Hold(number) => held.push(Noted(self.clone(), number)),
                Op::Panic(number) => std::panic::resume_unwind(Box::new(number)),
                Op::Nest {
                    depth,
                    ref body,
                    resumes,
                    give,
                } => {
                    let mut one = at_depth(depth, &mut || {
                        let mut one = self.make(body.clone());
                        for i in 0..resumes {
                            self.resume(&mut *one, u64::from(i));
                        }
                        one
                    });
                    self.resume(&mut *one, 77);
                    if give {
                        self.given.borrow_mut().push(one);
                    }
                }
            }
        }
        sum
    }

    /// Resumes it once, and notes how it comes back.
    fn resume(&self, one: &mut dyn Handle, input: u64) {
        if one.state().1 {
            return;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| one.resume([1, 2, 3, 4, input])));
        let outcome = outcome.map_err(|payload| match payload.downcast_ref::<u8>() {
            Some(number) => *number,
            None => panic!("a panic of another kind: {}", text(&*payload)),
        });
        self.note(format!("came back {outcome:?} {:?}", one.state()));
    }

    fn run(region: Option<Region>, acts: &[Act]) -> Vec<String> {
        let world = Self {
            region,
            log: Rc::default(),
            given: Rc::default(),
        };
        let mut slots: Vec<Option<Box<dyn Handle>>> = Vec::new();
        slots.resize_with(SLOTS, || None);
        for act in acts {
            world.note(format!("{act:?}"));
            match act {
                Act::Make(slot, body) => slots[*slot] = Some(world.make(body.clone())),
                Act::Resume(slot, input) => {
                    if let Some(one) = &mut slots[*slot] {
                        world.resume(&mut **one, *input);
                    }
                }
                Act::Unwind(slot) => {
                    if let Some(one) = &mut slots[*slot] {
                        one.force_unwind();
                        world.note(format!("{:?}", one.state()));
                    }
                }
                Act::Drop(slot) => slots[*slot] = None,
                Act::Take(slot) => {
                    let given = world.given.borrow_mut().pop();
                    if let Some(given) = given {
                        slots[*slot] = Some(given);
                    }
                }
            }
        }
        drop(slots);
        while let Some(given) = { world.given.borrow_mut().pop() } {
            drop(given);
        }
        world.log.take()
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn same_as_on_stacks_of_their_own(acts in acts()) {
        let region = Region::new(1024 * KIB).unwrap();
        prop_assert_eq!(World::run(Some(region), &acts), World::run(None, &acts));
    }
}
