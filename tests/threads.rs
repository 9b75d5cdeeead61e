//! Coroutines and stacks on more than one thread.

#![cfg(feature = "unwind")]
#![allow(unsafe_code, reason = "moves suspended coroutines, which it may")]

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use segno::stack::{DefaultStack, Pool};
use segno::{Coroutine, CoroutineResult, SendCoroutine};

thread_local! {
    static NAME: Cell<usize> = const { Cell::new(0) };
}

#[inline(never)]
fn name_of_this_thread() -> usize {
    NAME.get()
}

#[test]
fn a_fresh_coroutine_moves() {
    let text = String::from("moved");
    let coroutine = SendCoroutine::<(), usize, String>::new(move |yielder, ()| {
        yielder.suspend(text.len());
        text
    });
    let returned = thread::spawn(move || {
        let mut coroutine = coroutine.into_inner();
        assert_eq!(coroutine.resume(()), CoroutineResult::Yield(5));
        coroutine.resume(()).as_return().unwrap()
    });
    assert_eq!(returned.join().unwrap(), "moved");
}

#[test]
fn a_fresh_coroutine_is_dropped_elsewhere() {
    let shared = Arc::new(());
    let clone = Arc::clone(&shared);
    let coroutine = SendCoroutine::<(), (), ()>::new(move |_, ()| drop(clone));
    thread::spawn(move || drop(coroutine)).join().unwrap();
    assert_eq!(Arc::strong_count(&shared), 1);
}

#[test]
fn a_suspended_coroutine_sees_the_thread_it_is_on() {
    let mut coroutine = Coroutine::<(), usize, ()>::new(|yielder, ()| {
        loop {
            yielder.suspend(name_of_this_thread());
        }
    });
    for name in 1..5 {
        // SAFETY: no value on its stack is bound to a thread, and the thread-local is read
        // in a function of its own.
        let sent = unsafe { coroutine.assume_send() };
        coroutine = thread::spawn(move || {
            NAME.set(name);
            let mut coroutine = sent.into_inner();
            assert_eq!(coroutine.resume(()), CoroutineResult::Yield(name));
            // SAFETY: as above.
            unsafe { coroutine.assume_send() }
        })
        .join()
        .unwrap()
        .into_inner();
    }
}

/// Stacks come from a cache of the thread. A body that takes and gives them on both sides of
/// a suspension, and moves meanwhile, must get to the cache of the thread it is on.
#[test]
fn a_body_that_makes_coroutines_moves_between_threads() {
    let mut coroutine = Coroutine::<(), usize, ()>::new(|yielder, ()| {
        let mut sum = 0;
        loop {
            let mut inner = Coroutine::<usize, (), usize>::new(|_, n| n + 1);
            sum += inner.resume(1).as_return().unwrap();
            drop(inner);
            let mut across = Coroutine::<(), usize, ()>::new(|yielder, ()| yielder.suspend(1));
            yielder.suspend(sum);
            sum += across.resume(()).as_yield().unwrap();
        }
    });
    let barrier = Arc::new(Barrier::new(2));
    for round in 0..20 {
        // SAFETY: no value on its stack is bound to a thread; the crate looks up its cache
        // anew each time.
        let sent = unsafe { coroutine.assume_send() };
        let start = Arc::clone(&barrier);
        let mover = thread::spawn(move || {
            start.wait();
            let mut coroutine = sent.into_inner();
            let sum = coroutine.resume(()).as_yield().unwrap();
            assert_eq!(sum, 2 + 3 * round);
            // SAFETY: as above.
            unsafe { coroutine.assume_send() }
        });
        barrier.wait();
        // This thread uses its cache at the same time.
        for i in 0..100 {
            let mut mine = Coroutine::<usize, (), usize>::new(|_, n| n);
            assert_eq!(mine.resume(i), CoroutineResult::Return(i));
        }
        coroutine = mover.join().unwrap().into_inner();
    }
}

#[test]
fn stacks_come_back_from_other_threads() {
    let pool = Pool::builder().slot_size(64 * 1024).build();
    let (sender, receiver) = mpsc::channel::<SendCoroutine<usize, usize, ()>>();
    let consumer = thread::spawn(move || {
        let mut sum = 0;
        for coroutine in receiver {
            let mut coroutine = coroutine.into_inner();
            sum += coroutine.resume(1).as_yield().unwrap();
        }
        sum
    });
    for i in 0..500 {
        let stack = pool.take().unwrap();
        let coroutine = SendCoroutine::with_stack(stack, move |yielder, n| {
            yielder.suspend(n + i);
        });
        sender.send(coroutine).unwrap();
    }
    drop(sender);
    assert_eq!(consumer.join().unwrap(), (0..500).map(|i| i + 1).sum());
    assert_eq!(pool.stats().in_use, 0);
}

#[test]
fn many_threads_make_and_drop_coroutines() {
    const THREADS: usize = 8;
    const EACH: usize = 200;
    let dropped = Arc::new(AtomicUsize::new(0));
    struct CountDrop(Arc<AtomicUsize>);
    impl Drop for CountDrop {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    thread::scope(|scope| {
        for t in 0..THREADS {
            let dropped = &dropped;
            scope.spawn(move || {
                let mut live = Vec::new();
                for i in 0..EACH {
                    let count = CountDrop(Arc::clone(dropped));
                    let mut coroutine =
                        Coroutine::<usize, usize, ()>::new(move |yielder, mut n| {
                            let _count = count;
                            loop {
                                n = yielder.suspend(n + t);
                            }
                        });
                    assert_eq!(coroutine.resume(i).as_yield(), Some(i + t));
                    live.push(coroutine);
                    if i % 3 == 0 {
                        live.swap_remove(i % live.len());
                    }
                }
            });
        }
    });
    assert_eq!(dropped.load(Ordering::Relaxed), THREADS * EACH);
}

#[test]
fn a_stack_outlives_the_thread_that_took_it() {
    let stack = thread::spawn(DefaultStack::default).join().unwrap();
    let mut coroutine = Coroutine::<(), (), u8>::with_stack(stack, |_, ()| 1);
    assert_eq!(coroutine.resume(()).as_return(), Some(1));
}
