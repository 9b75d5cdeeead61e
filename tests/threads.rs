//! Coroutines that change threads, and threads that change coroutines.

#![cfg(all(unix, feature = "std"))]
#![allow(unsafe_code, reason = "sends suspended coroutines")]

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;

use segno::stack::{DefaultStack, Pool};
use segno::{Coroutine, CoroutineResult, SendCoroutine, Yielder};

thread_local! {
    static NUMBER: Cell<u32> = const { Cell::new(0) };
}

/// The number of the current thread, by an access that stays where it is.
#[inline(never)]
fn number() -> u32 {
    NUMBER.get()
}

#[inline(never)]
fn set_number(number: u32) {
    NUMBER.set(number);
}

/// Runs `f` on a thread of its own, with a number.
fn on_thread<T: Send + 'static>(number: u32, f: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::spawn(move || {
        set_number(number);
        f()
    });
    thread.join().unwrap()
}

#[test]
fn fresh_ones_are_sent() {
    let words = [String::from("to"), String::from("another")];
    let coroutine = SendCoroutine::new(move |yielder: &Yielder<String, String>, first| {
        let second = yielder.suspend(format!("{first} {}", words.join(" ")));
        second + &words[0]
    });
    assert!(format!("{coroutine:?}").contains("started: false"));
    let mut coroutine = on_thread(1, move || {
        let mut coroutine = coroutine.into_inner();
        let first = coroutine.resume("sent".into()).as_yield().unwrap();
        assert_eq!(first, "sent to another");
        let second = coroutine.resume("back ".into()).as_return().unwrap();
        assert_eq!(second, "back to");
        // SAFETY: it is done.
        unsafe { coroutine.assume_send() }
    })
    .into_inner();
    assert!(coroutine.done());
    coroutine.force_unwind();

    let own = DefaultStack::new(64 * 1024).unwrap();
    let coroutine = SendCoroutine::<u32, (), u32, _>::with_stack(own, |_, x| x + number());
    let returned = on_thread(30, move || coroutine.into_inner().resume(4));
    assert_eq!(returned, CoroutineResult::Return(34));
}

#[test]
fn fresh_ones_are_dropped_elsewhere() {
    let captured = Arc::new(());
    let held = captured.clone();
    let coroutine = SendCoroutine::<(), (), ()>::new(move |_, ()| drop(held));
    on_thread(1, move || drop(coroutine));
    assert_eq!(Arc::strong_count(&captured), 1);
}

#[test]
fn suspended_ones_see_the_thread_that_resumes_them() {
    fn body(yielder: &Yielder<u32, u32>, first: u32) -> u32 {
        let mut seen = first;
        for _ in 0..20 {
            assert_eq!(seen, number());
            seen = yielder.suspend(number());
            // From calls too, and from a stack that is not the coroutine's.
            assert_eq!(yielder.on_parent_stack(number), seen);
        }
        number()
    }
    let mut coroutine = SendCoroutine::new(body);
    for turn in 1..=20 {
        coroutine = on_thread(turn, move || {
            let mut coroutine = coroutine.into_inner();
            assert_eq!(coroutine.resume(turn), CoroutineResult::Yield(turn));
            // SAFETY: nothing on its stack is bound to a thread, and each access to a
            // thread-local is in a function of its own.
            unsafe { coroutine.assume_send() }
        });
    }
    let returned = on_thread(21, move || coroutine.into_inner().resume(21));
    assert_eq!(returned, CoroutineResult::Return(21));
}

#[cfg(feature = "unwind")]
#[test]
fn suspended_ones_are_unwound_elsewhere() {
    struct Notes(Sender<u32>);
    impl Drop for Notes {
        fn drop(&mut self) {
            self.0.send(number()).unwrap();
        }
    }

    let (sender, receiver) = channel();
    let suspended = || {
        let sender = sender.clone();
        let mut coroutine = Coroutine::<(), (), ()>::new(move |yielder, ()| {
            let _notes = Notes(sender);
            yielder.suspend(());
            panic!("on thread {}", number());
        });
        coroutine.resume(());
        // SAFETY: the sender is Send, and nothing else is on its stack.
        unsafe { coroutine.assume_send() }
    };
    let coroutine = suspended();
    on_thread(7, move || drop(coroutine));
    let coroutine = suspended();
    on_thread(8, move || coroutine.into_inner().force_unwind());
    let coroutine = suspended();
    let panicked = on_thread(9, move || {
        let mut coroutine = coroutine.into_inner();
        let resumed = std::panic::AssertUnwindSafe(|| coroutine.resume(()));
        std::panic::catch_unwind(resumed).unwrap_err()
    });
    assert_eq!(*panicked.downcast::<String>().unwrap(), "on thread 9");
    drop(sender);
    assert_eq!(receiver.iter().collect::<Vec<_>>(), [7, 8, 9]);
}

/// Coroutines go round among threads, each of which resumes what it gets and passes it on.
/// Their stacks come from one thread and go back on another.
#[test]
fn round_and_round() {
    const THREADS: usize = 4;
    const COROUTINES: usize = 50;
    const TURNS: usize = 20;

    type Traveller = SendCoroutine<usize, usize, usize>;

    let pool = Pool::builder().slot_size(128 * 1024).max_idle(10).build();
    let finished = Arc::new(AtomicUsize::new(0));
    let (senders, receivers): (Vec<Sender<Traveller>>, Vec<Receiver<Traveller>>) =
        (0..THREADS).map(|_| channel()).unzip();
    for (i, sender) in senders
        .iter()
        .cycle()
        .take(THREADS * COROUTINES)
        .enumerate()
    {
        let body = move |yielder: &Yielder<usize, usize>, mut input: usize| {
            let (mut sum, mut places) = (i, vec![input; 10]);
            for _ in 0..TURNS {
                places.push(input);
                sum += input;
                input = yielder.suspend(sum);
            }
            places.iter().skip(10).sum::<usize>() + i
        };
        let coroutine = if i % 2 == 0 {
            Coroutine::new(body)
        } else {
            Coroutine::builder().pool(&pool).build(body).unwrap()
        };
        // SAFETY: it owns what it holds, and touches no thread-local.
        sender.send(unsafe { coroutine.assume_send() }).unwrap();
    }
    let threads: Vec<_> = receivers
        .into_iter()
        .enumerate()
        .map(|(thread, receiver)| {
            let next = senders[(thread + 1) % THREADS].clone();
            let finished = finished.clone();
            thread::spawn(move || {
                while finished.load(Ordering::Acquire) < THREADS * COROUTINES {
                    let Ok(coroutine) = receiver.try_recv() else {
                        thread::yield_now();
                        continue;
                    };
                    let mut coroutine = coroutine.into_inner();
                    match coroutine.resume(thread) {
                        CoroutineResult::Yield(_) => {
                            // SAFETY: as before.
                            next.send(unsafe { coroutine.assume_send() }).unwrap();
                        }
                        CoroutineResult::Return(_) => {
                            // The stack is used once more, and goes back here.
                            let stack = coroutine.into_stack();
                            let mut last =
                                Coroutine::with_stack(stack, |_: &Yielder<_, ()>, x: usize| x);
                            assert_eq!(last.resume(thread).as_return(), Some(thread));
                            finished.fetch_add(1, Ordering::Release);
                        }
                    }
                }
            })
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    // The threads have ended, and what they held ready is back.
    assert_eq!(pool.stats().in_use, 0);
}

#[test]
fn made_and_dropped_on_many_threads() {
    const THREADS: u64 = 4;

    let barrier = Arc::new(Barrier::new(THREADS as usize));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let barrier = barrier.clone();
            thread::spawn(move || {
                barrier.wait();
                let mut sum = 0;
                for round in 0..100 {
                    let mut few: Vec<_> = (0..30)
                        .map(|i| {
                            Coroutine::new(move |yielder: &Yielder<u64, u64>, x| {
                                yielder.suspend(x + i) + i
                            })
                        })
                        .collect();
                    for coroutine in &mut few {
                        sum += coroutine.resume(round).as_yield().unwrap();
                    }
                    for coroutine in &mut few {
                        sum += coroutine.resume(thread).as_return().unwrap();
                    }
                }
                sum
            })
        })
        .collect();
    for (thread, handle) in (0..THREADS).zip(threads) {
        let expected: u64 = (0..100).map(|round| 30 * (round + thread) + 2 * 435).sum();
        assert_eq!(handle.join().unwrap(), expected);
    }
}

#[test]
fn kept_for_the_end_of_the_thread() {
    thread_local! {
        // Dropped while the thread ends, perhaps after the thread's cache of stacks.
        static KEPT: Cell<Option<Coroutine<(), (), ()>>> = const { Cell::new(None) };
    }

    let (sender, receiver) = channel::<()>();
    thread::spawn(move || {
        KEPT.set(None);
        drop(Coroutine::<(), (), ()>::new(|_, ()| ()));
        KEPT.set(Some(Coroutine::new(move |_, ()| drop(sender))));
    })
    .join()
    .unwrap();
    assert!(receiver.recv().is_err(), "its body is dropped");

    let made = thread::spawn(|| {
        // The first stack of a thread, made by what its end runs.
        struct Late;
        impl Drop for Late {
            fn drop(&mut self) {
                let mut coroutine = Coroutine::<(), (), u32>::new(|_, ()| 3);
                assert_eq!(coroutine.resume(()).as_return(), Some(3));
            }
        }
        thread_local! {
            static LATE: Late = const { Late };
        }
        LATE.with(|_| ());
        drop(Coroutine::<(), (), ()>::new(|_, ()| ()));
    });
    made.join().unwrap();
}

#[test]
fn shared_references_go_anywhere() {
    let mut coroutine = Coroutine::<(), (), ()>::builder()
        .name("shared")
        .build(|yielder, ()| yielder.suspend(()))
        .unwrap();
    coroutine.resume(());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                assert!(coroutine.started() && !coroutine.done());
                assert_eq!(coroutine.name(), Some("shared"));
                assert!(format!("{coroutine:?}").contains("shared"));
            });
        }
    });
    coroutine.resume(());
}
