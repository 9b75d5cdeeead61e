//! Safe programs that try to break what unsafe code here relies on, and fail to.
//!
//! Those that a compiler can stop are `compile_fail` examples of the types in question.

#![cfg(all(unix, feature = "unwind", panic = "unwind"))]
#![allow(unsafe_code, reason = "hands forgotten coroutines to a static")]

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::{mem, thread};

use segno::stack::{DefaultStack, Pool, Stack};
use segno::{
    Coroutine, CoroutineResult, Generator, ScopedCoroutine, SendCoroutine, Yielder, on_stack,
    unwind,
};

type Payload = Box<dyn Any + Send>;
type Unit = Coroutine<(), (), ()>;

fn caught<T>(f: impl FnOnce() -> T) -> Result<T, Payload> {
    catch_unwind(AssertUnwindSafe(f))
}

/// Something on a stack that knows whether it is whole.
struct Witness {
    words: [usize; 64],
    dropped: Rc<Cell<u32>>,
}

impl Witness {
    fn new(seed: usize, dropped: &Rc<Cell<u32>>) -> Self {
        Self {
            words: black_box([seed; 64]),
            dropped: dropped.clone(),
        }
    }

    fn is_whole(&self) -> bool {
        let words = black_box(&self.words);
        words.iter().all(|word| *word == words[0])
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        assert!(self.is_whole());
        self.dropped.set(self.dropped.get() + 1);
    }
}

/// Never drops a coroutine, and knows it for ever, since a checker for leaks would rightly
/// report what is forgotten altogether.
fn forget(coroutine: Unit) {
    static FORGOTTEN: Mutex<Vec<SendCoroutine<(), (), ()>>> = Mutex::new(Vec::new());
    // SAFETY: it is never resumed or dropped.
    let coroutine = unsafe { coroutine.assume_send() };
    FORGOTTEN.lock().unwrap().push(coroutine);
}

#[test]
fn resuming_itself() {
    let dropped = Rc::new(Cell::new(0));
    let own = Rc::new(RefCell::new(None::<Unit>));
    let (shared, count) = (own.clone(), dropped.clone());
    *own.borrow_mut() = Some(Coroutine::new(move |yielder, ()| {
        let witness = Witness::new(1, &count);
        // It is borrowed by whoever resumes it.
        assert!(shared.try_borrow_mut().is_err() && shared.try_borrow().is_err());
        let refused = caught(|| shared.borrow_mut().as_mut().unwrap().resume(()));
        assert!(refused.is_err() && witness.is_whole());
        yielder.suspend(());
        assert!(caught(|| drop(shared.borrow_mut().take())).is_err());
        assert!(witness.is_whole());
    }));
    for result in [CoroutineResult::Yield(()), CoroutineResult::Return(())] {
        assert_eq!(own.borrow_mut().as_mut().unwrap().resume(()), result);
    }
    // The body is gone, and with it the circle.
    assert_eq!((Rc::strong_count(&own), dropped.get()), (1, 1));
}

#[test]
fn taking_itself_out() {
    let dropped = Rc::new(Cell::new(0));
    let own = Rc::new(Cell::new(None::<Unit>));
    let (shared, count) = (own.clone(), dropped.clone());
    own.set(Some(Coroutine::new(move |yielder, ()| {
        let _witness = Witness::new(2, &count);
        // Whoever resumes it holds it, so that the place is empty.
        assert!(shared.take().is_none());
        // Another one in the place is that other one.
        shared.set(Some(Coroutine::new(|yielder, ()| yielder.suspend(()))));
        shared.take().unwrap().resume(());
        yielder.suspend(());
        unreachable!("it is dropped");
    })));
    let mut coroutine = own.take().unwrap();
    coroutine.resume(());
    own.set(Some(coroutine));

    // Dropped by its own destructors: they find the place empty again.
    drop(own.take());
    assert_eq!((Rc::strong_count(&own), dropped.get()), (1, 1));
}

#[test]
fn dropping_itself_while_it_is_dropped() {
    struct Dropper(Rc<RefCell<Option<Unit>>>, Rc<Cell<u32>>);

    impl Drop for Dropper {
        fn drop(&mut self) {
            match self.0.try_borrow_mut() {
                Ok(mut own) => drop(own.take()),
                Err(_) => self.1.set(self.1.get() + 1),
            }
        }
    }

    let refused = Rc::new(Cell::new(0));
    let own = Rc::new(RefCell::new(None::<Unit>));
    let dropper = Dropper(own.clone(), refused.clone());
    *own.borrow_mut() = Some(Coroutine::new(move |yielder, ()| {
        let _dropper = dropper;
        yielder.suspend(());
    }));
    own.borrow_mut().as_mut().unwrap().resume(());
    // The assignment drops it while the cell is borrowed.
    *own.borrow_mut() = None;
    assert_eq!((refused.get(), Rc::strong_count(&own)), (1, 1));

    // Taken out first, the cell is open and empty.
    let dropper = Dropper(own.clone(), refused.clone());
    *own.borrow_mut() = Some(Coroutine::new(move |yielder, ()| {
        let _dropper = dropper;
        yielder.suspend(());
    }));
    own.borrow_mut().as_mut().unwrap().resume(());
    let taken = own.take();
    drop(taken);
    assert_eq!((refused.get(), Rc::strong_count(&own)), (1, 1));
}

#[test]
fn dropping_each_other() {
    // The body of each holds the other, so that dropping one unwinds both.
    let dropped = Rc::new(Cell::new(0));
    let second_place = Rc::new(RefCell::new(None::<Unit>));
    let (place, count) = (second_place.clone(), dropped.clone());
    let mut first = Unit::new(move |yielder, ()| {
        let _witness = Witness::new(3, &count);
        let _second = place.take();
        yielder.suspend(());
    });
    let first_place = Rc::new(RefCell::new(None::<Unit>));
    let (place, count) = (first_place.clone(), dropped.clone());
    *second_place.borrow_mut() = Some(Unit::new(move |yielder, ()| {
        let _witness = Witness::new(4, &count);
        yielder.suspend(());
        drop(place.take());
    }));
    second_place.borrow_mut().as_mut().unwrap().resume(());
    first.resume(());
    *first_place.borrow_mut() = Some(first);
    drop(first_place.take());
    assert_eq!(dropped.get(), 2);
}

#[test]
fn forgotten_stacks_are_not_used_again() {
    fn body(yielder: &Yielder<(), ()>, (): ()) {
        let words = black_box([0x5e67usize; 64]);
        WATCHED.store(words.as_ptr() as u64, Ordering::Relaxed);
        yielder.suspend(());
        black_box(words);
    }
    static WATCHED: AtomicU64 = AtomicU64::new(0);

    let pool = Pool::builder().slot_size(128 * 1024).max_idle(4).build();
    let take = || -> Unit {
        let builder = Coroutine::builder().pool(&pool);
        builder.build(body).unwrap()
    };
    let mut first = take();
    first.resume(());
    let words = WATCHED.load(Ordering::Relaxed) as *const usize;
    forget(first);
    for _ in 0..100 {
        let mut others: Vec<_> = (0..5).map(|_| take()).collect();
        for other in &mut others {
            other.resume(());
            assert_ne!(WATCHED.load(Ordering::Relaxed), words as u64);
            other.resume(());
        }
    }
    pool.trim();
    drop(pool);
    let _churn: Vec<_> = (0..20).map(|_| DefaultStack::default()).collect();
    for i in 0..64 {
        // SAFETY: the forgotten coroutine's stack is never given back.
        assert_eq!(unsafe { words.add(i).read_volatile() }, 0x5e67);
    }
}

/// What a forgotten body lent to a scoped thread stays where it is.
#[cfg_attr(segno_asan, ignore = "nobody frees what the forgotten scope owns")]
#[test]
fn forgotten_with_a_scope_open() {
    static GO: AtomicBool = AtomicBool::new(false);
    static SUM: AtomicU64 = AtomicU64::new(0);

    let mut coroutine = Unit::new(|yielder, ()| {
        let data = black_box([7u64; 100]);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !GO.load(Ordering::Acquire) {
                    thread::yield_now();
                }
                SUM.store(black_box(&data).iter().sum(), Ordering::Release);
            });
            yielder.suspend(());
        });
    });
    coroutine.resume(());
    forget(coroutine);
    for _ in 0..100 {
        let mut other = Unit::new(|_, ()| _ = black_box([1u64; 1000]));
        other.resume(());
    }
    GO.store(true, Ordering::Release);
    while SUM.load(Ordering::Acquire) == 0 {
        thread::yield_now();
    }
    assert_eq!(SUM.load(Ordering::Acquire), 700);
}

#[test]
fn scoped_ones_forgotten_before_their_scope() {
    let mut stack = DefaultStack::new(64 * 1024).unwrap();
    let base = stack.base();
    let mut touched = 0;
    {
        let forgotten = ScopedCoroutine::<(), (), (), _>::with_stack(&mut stack, |yielder, ()| {
            touched += 1;
            yielder.suspend(());
        });
        // It has run nothing, so nothing is lost with it.
        mem::forget(forgotten);
    }
    touched += 10;
    let coroutine = ScopedCoroutine::<(), (), (), _>::with_stack(&mut stack, |yielder, ()| {
        touched += 100;
        yielder.suspend(());
        touched += 1000;
    });
    coroutine.scope(|mut coroutine| {
        coroutine.resume(());
        coroutine.resume(());
        assert!(coroutine.done());
    });
    assert_eq!(touched, 1110);
    assert_eq!(on_stack(&mut stack, || touched), 1110);
    assert_eq!(stack.base(), base);
}

#[test]
fn handles_forgotten_inside_of_their_scope() {
    let dropped = Rc::new(Cell::new(0));
    let mut touched = 0;
    let coroutine = ScopedCoroutine::<(), (), ()>::new(|yielder, ()| {
        let _witness = Witness::new(5, &dropped);
        touched += 1;
        yielder.suspend(());
    });
    coroutine.scope(|mut coroutine| {
        coroutine.resume(());
        let _forgotten = mem::ManuallyDrop::new(coroutine);
    });
    // The handle is forgotten, the coroutine is not.
    touched += 1;
    assert_eq!((touched, dropped.get()), (2, 1));

    let items = Generator::scope(
        |y| {
            let _witness = Witness::new(6, &dropped);
            (0..10).for_each(|n| y.suspend(n));
        },
        |mut items| {
            let first = items.next();
            let _forgotten = mem::ManuallyDrop::new(items);
            first
        },
    );
    assert_eq!((items, dropped.get()), (Some(0), 2));
}

#[test]
fn panics_while_something_is_borrowed() {
    let data = Rc::new(RefCell::new(vec![1, 2, 3]));
    let shared = data.clone();
    let mut coroutine = Unit::new(move |yielder, ()| {
        let mut borrowed = shared.borrow_mut();
        borrowed.push(4);
        yielder.suspend(());
        panic!("while it is borrowed");
    });
    coroutine.resume(());
    assert!(data.try_borrow().is_err());
    assert!(caught(|| coroutine.resume(())).is_err());
    assert_eq!(*data.borrow(), [1, 2, 3, 4]);
    assert_eq!(Rc::strong_count(&data), 1);

    let shared = data.clone();
    let mut coroutine = Unit::new(move |yielder, ()| {
        let _borrowed = shared.borrow_mut();
        yielder.suspend(());
    });
    coroutine.resume(());
    assert!(data.try_borrow().is_err());
    drop(coroutine);
    assert!(data.try_borrow_mut().is_ok());

    // A lock is poisoned by a panic, and by being unwound too.
    let lock = Rc::new(Mutex::new(5));
    let shared = lock.clone();
    let mut coroutine = Unit::new(move |yielder, ()| {
        let _locked = shared.lock().unwrap();
        yielder.suspend(());
    });
    coroutine.resume(());
    assert!(lock.try_lock().is_err());
    drop(coroutine);
    assert!(lock.is_poisoned());
    assert_eq!(
        *lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner()),
        5
    );
}

#[test]
fn leaving_a_fold_in_every_way() {
    let dropped = Rc::new(Cell::new(0));
    let items = || {
        let count = dropped.clone();
        Generator::new(move |y| {
            let witness = Witness::new(7, &count);
            for n in 0..10 {
                y.suspend(n);
                assert!(witness.is_whole());
            }
        })
    };
    // By a panic of the closure, on this stack and on one of the generator's own.
    for started in [false, true] {
        let mut items = items();
        if started {
            items.next();
        }
        let left = caught(|| items.fold(0, |sum, n| if n == 5 { panic!() } else { sum + n }));
        assert!(left.is_err());
    }
    assert_eq!(dropped.get(), 2);

    // By suspending a coroutine in the middle of it, which is then dropped.
    for started in [false, true] {
        let mut items = items();
        let mut coroutine = Coroutine::<(), i32, ()>::new(move |yielder, ()| {
            if started {
                items.next();
            }
            items.for_each(|n| yielder.suspend(n));
        });
        assert!(coroutine.resume(()).as_yield().is_some());
        assert!(coroutine.resume(()).as_yield().is_some());
    }
    assert_eq!(dropped.get(), 4);

    // A generator that folds another over its own yielder.
    let inner = items();
    let mut outer = Generator::new(move |y| inner.for_each(|n| y.suspend(n * 2)));
    assert_eq!(outer.by_ref().take(3).collect::<Vec<_>>(), [0, 2, 4]);
    assert_eq!(outer.sum::<i32>(), 84);
    assert_eq!(dropped.get(), 5);
}

#[test]
fn forgotten_while_folding() {
    fn body(y: &segno::generator::Yielder<'_, u64>) {
        let words = black_box([9u64; 32]);
        words.iter().for_each(|word| y.suspend(*word));
        black_box(words);
    }
    static SEEN: AtomicU64 = AtomicU64::new(0);

    let mut coroutine = Unit::new(|yielder, ()| {
        let mut items = Generator::new(body);
        items.next();
        items.for_each(|item| {
            SEEN.fetch_add(item, Ordering::Relaxed);
            yielder.suspend(());
        });
    });
    for _ in 0..3 {
        coroutine.resume(());
    }
    forget(coroutine);
    for _ in 0..50 {
        assert_eq!(Generator::new(body).buffered(8).sum::<u64>(), 9 * 32);
    }
    assert_eq!(SEEN.load(Ordering::Relaxed), 27);
}

#[test]
fn stashed_payloads() {
    fn stash() -> Payload {
        let kept = Rc::new(Cell::new(None));
        let stash = kept.clone();
        let mut coroutine = Unit::new(move |yielder, ()| {
            stash.set(caught(|| yielder.suspend(())).err());
        });
        coroutine.resume(());
        drop(coroutine);
        kept.take().unwrap()
    }

    // Outside of any coroutine it is a panic like others.
    let payload = stash();
    assert!(unwind::is_forced(&payload));
    assert!(unwind::is_forced(
        &caught(|| resume_unwind(payload)).unwrap_err()
    ));

    // In another coroutine that nobody unwinds, it crosses as a panic. The stack may well be
    // the one that it came from.
    let dropped = Rc::new(Cell::new(0));
    let (payload, count) = (stash(), dropped.clone());
    let mut other = Unit::new(move |_, ()| {
        let _witness = Witness::new(8, &count);
        resume_unwind(payload)
    });
    assert!(unwind::is_forced(&caught(|| other.resume(())).unwrap_err()));
    assert!(other.done() && caught(|| other.resume(())).is_err());

    // As the answer to being unwound it ends the body at any rate, and so does the forced
    // unwinding of another one, which goes on from there.
    let (payload, count) = (stash(), dropped.clone());
    let mut other = Unit::new(move |yielder, ()| {
        let _witness = Witness::new(9, &count);
        let own = caught(|| yielder.suspend(())).unwrap_err();
        assert!(unwind::is_forced(&own));
        resume_unwind(payload)
    });
    other.resume(());
    if let Err(payload) = caught(|| other.force_unwind()) {
        assert!(unwind::is_forced(&payload));
    }
    assert!(other.done());
    assert_eq!(dropped.get(), 2);

    // On a stack of its own it is surely not the same: it must not be taken for its own.
    let payload = stash();
    let stack = DefaultStack::new(64 * 1024).unwrap();
    let mut other = Coroutine::<(), (), (), _>::with_stack(stack, move |yielder, ()| {
        drop(caught(|| yielder.suspend(())));
        resume_unwind(payload)
    });
    other.resume(());
    assert!(unwind::is_forced(
        &caught(|| other.force_unwind()).unwrap_err()
    ));
    assert!(other.done());
}

#[test]
fn stashed_payloads_on_another_thread() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut coroutine = Unit::new(move |yielder, ()| {
        sender
            .send(caught(|| yielder.suspend(())).unwrap_err())
            .unwrap();
    });
    coroutine.resume(());
    drop(coroutine);
    let payload = receiver.recv().unwrap();
    let thread = thread::spawn(move || -> () { resume_unwind(payload) });
    assert!(unwind::is_forced(&thread.join().unwrap_err()));
}

#[test]
fn payloads_with_destructors_that_panic() {
    struct Bomb(Rc<Cell<u32>>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            if !thread::panicking() {
                panic!("from a destructor");
            }
        }
    }
    let dropped = Rc::new(Cell::new(0));

    // In the input of a resume that is refused.
    let mut done = Coroutine::<Option<Bomb>, (), ()>::new(|_, _| ());
    done.resume(None);
    let bomb = Some(Bomb(dropped.clone()));
    assert!(caught(|| done.resume(bomb)).is_err());
    assert_eq!(dropped.get(), 1);

    // In a return value that nobody takes.
    let count = dropped.clone();
    let mut coroutine = Coroutine::<(), (), Bomb>::new(move |yielder, ()| {
        let _ = caught(|| yielder.suspend(()));
        Bomb(count)
    });
    coroutine.resume(());
    assert!(caught(|| drop(coroutine)).is_err());
    assert_eq!(dropped.get(), 2);

    // In the middle of a batch.
    let count = dropped.clone();
    let mut items = Generator::new(move |y| {
        let witness = Witness::new(10, &count);
        (0..5).for_each(|n| y.suspend((n == 1).then(|| Bomb(count.clone()))));
        drop(witness);
    })
    .buffered(2);
    items.next();
    assert!(caught(|| drop(items)).is_err());
    assert_eq!(Rc::strong_count(&dropped), 1);
}

#[test]
fn bodies_that_resume_their_siblings() {
    // Each body resumes the next one, out of a common list, and leaves its own place empty.
    let all: Rc<Vec<Cell<Option<Unit>>>> = Rc::new((0..5).map(|_| Cell::new(None)).collect());
    let log = Rc::new(RefCell::new(Vec::new()));
    for i in 0..5 {
        let (siblings, log) = (all.clone(), log.clone());
        all[i].set(Some(Coroutine::new(move |yielder, ()| {
            for turn in 0..3 {
                log.borrow_mut().push(i * 10 + turn);
                let next = (i + 1) % 5;
                // The one in front of it is running, and so is everyone up to the first.
                if let Some(mut sibling) = siblings[next].take() {
                    if !sibling.done() {
                        sibling.resume(());
                    }
                    siblings[next].set(Some(sibling));
                }
                yielder.suspend(());
            }
        })));
    }
    for start in [0, 2, 4, 1] {
        let mut first = all[start].take().unwrap();
        if !first.done() {
            first.resume(());
        }
        all[start].set(Some(first));
    }
    let log = log.borrow();
    assert_eq!(log[..5], [0, 10, 20, 30, 40]);
    assert_eq!(log[5..10], [21, 31, 41, 1, 11]);
    assert_eq!(log.len(), 15);
    drop(log);
    // A circle of coroutines that own the list that owns them.
    all.iter().for_each(|place| drop(place.take()));
    assert_eq!(Rc::strong_count(&all), 1);
}
