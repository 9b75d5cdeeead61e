//! Coroutines: what goes in and comes out, and what a switch leaves as it was.

#![cfg(all(unix, feature = "std"))]

use std::cell::Cell;
use std::fmt::Debug;
use std::hint::black_box;
use std::rc::Rc;
use std::thread;

use segno::error::StackError;
use segno::stack::{DefaultStack, Pool, Stack};
use segno::{Coroutine, CoroutineResult, ScopedCoroutine, Yielder, on_stack};

const KIB: usize = 1024;

thread_local! {
    /// The number of [`Counted`] values that this thread has.
    static ALIVE: Cell<isize> = const { Cell::new(0) };
}

/// A value as large as a P, each of which is counted.
#[derive(Debug)]
struct Counted<P>(P);

impl<P> Counted<P> {
    fn new(value: P) -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Self(value)
    }
}

impl<P> Drop for Counted<P> {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(64))]
struct Aligned<T>(T);

fn is_aligned<T>(value: &T) -> bool {
    black_box(&raw const *value)
        .addr()
        .is_multiple_of(align_of::<T>())
}

/// Answers what `f` panics with, if it is a text.
#[cfg(feature = "unwind")]
fn panic_of<T>(f: impl FnOnce() -> T) -> String {
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f))
        .err()
        .expect("no panic");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast::<&str>().expect("no text").to_string(),
    }
}

#[test]
fn smoke() {
    let coroutine = Coroutine::<(), (), ()>::new(|_, ()| ());
    assert!(!coroutine.started() && !coroutine.done());
    drop(coroutine);

    let mut coroutine = Coroutine::<(), (), _>::new(|_, ()| 42);
    assert_eq!(coroutine.resume(()), CoroutineResult::Return(42));
    assert!(coroutine.started() && coroutine.done());
}

#[test]
fn suspend_and_resume() {
    let steps = Rc::new(Cell::new(0));
    let seen = steps.clone();
    let mut coroutine = Coroutine::new(move |yielder, ()| {
        for step in 1..=1000 {
            seen.set(step);
            yielder.suspend(());
        }
    });
    for step in 1..=1000 {
        assert_eq!(coroutine.resume(()), CoroutineResult::Yield(()));
        assert_eq!(steps.get(), step);
        assert!(coroutine.started() && !coroutine.done());
    }
    assert_eq!(coroutine.resume(()), CoroutineResult::Return(()));
    assert!(coroutine.done());
    assert_eq!(Rc::strong_count(&steps), 1);
}

#[test]
fn suspend_and_resume_values() {
    let mut coroutine = Coroutine::new(|yielder: &Yielder<i32, String>, first| {
        let second = yielder.suspend(format!("got {first}"));
        let third = yielder.suspend(format!("got {second}"));
        vec![first, second, third]
    });
    assert_eq!(coroutine.resume(1).as_yield().unwrap(), "got 1");
    assert_eq!(coroutine.resume(-2).as_yield().unwrap(), "got -2");
    assert_eq!(coroutine.resume(3).as_return().unwrap(), [1, -2, 3]);
}

/// Sends values of a type both ways, some of which are never received.
fn payloads_of<P: Copy + Debug + PartialEq + 'static>(values: [P; 4]) {
    let [a, b, c, d] = values;
    let body = move |yielder: &Yielder<Counted<P>, Counted<P>>, first: Counted<P>| {
        assert!(first.0 == a && is_aligned(&first));
        let second = yielder.suspend(Counted::new(b));
        assert!(second.0 == c && is_aligned(&second));
        assert!(first.0 == a, "overwritten by the second");
        let third = yielder.suspend(second);
        assert!(third.0 == a && is_aligned(&third));
        drop(first);
        Counted::new(d)
    };
    let mut coroutine = Coroutine::new(body);
    let first = coroutine.resume(Counted::new(a)).as_yield().unwrap();
    assert!(first.0 == b && is_aligned(&first));
    let second = coroutine.resume(Counted::new(c)).as_yield().unwrap();
    assert!(second.0 == c && is_aligned(&second));
    assert!(first.0 == b, "overwritten by the second");
    assert_eq!(ALIVE.get(), 3);
    let third = coroutine.resume(Counted::new(a)).as_return().unwrap();
    assert!(third.0 == d && is_aligned(&third));
    assert_eq!(ALIVE.get(), 3);
    drop((first, second, third));
    assert_eq!(ALIVE.get(), 0);

    #[cfg(feature = "unwind")]
    {
        // Not taken, since nobody takes any more.
        assert!(panic_of(|| coroutine.resume(Counted::new(a))).contains("completed"));
        assert_eq!(ALIVE.get(), 0);

        // Left on the stack at each point of the body.
        for resumes in 0..3 {
            let mut coroutine = Coroutine::new(body);
            for input in [a, c].into_iter().take(resumes) {
                drop(coroutine.resume(Counted::new(input)));
            }
            drop(coroutine);
            assert_eq!(ALIVE.get(), 0, "dropped after {resumes} resumes");
        }
    }
}

#[test]
fn payloads_of_every_size() {
    payloads_of([(); 4]);
    payloads_of([1u8, 2, 255, 0]);
    payloads_of([[1u8, 2, 3], [4, 5, 6], [7, 8, 9], [0, 255, 0]]);
    payloads_of([1usize, usize::MAX, 0, 3]);
    payloads_of([1.5f64, -0.0, f64::MAX, f64::MIN_POSITIVE]);
    payloads_of([(1u64, 2u64), (3, 4), (5, 6), (u64::MAX, 0)]);
    payloads_of([(1u8, 2u64), (3, 4), (5, 6), (255, 0)]);
    payloads_of([1u128, u128::MAX, 1 << 64, 0]);
    payloads_of([[1u64, 2, 3], [4, 5, 6], [7, 8, 9], [0; 3]]);
    payloads_of([[1u64; 8], [2; 8], [3; 8], [4; 8]]);
    payloads_of([[1u8; 4096], [2; 4096], [3; 4096], [4; 4096]]);
    payloads_of([Aligned(1u8), Aligned(2), Aligned(3), Aligned(4)]);
    payloads_of([
        Aligned([1u64; 40]),
        Aligned([2; 40]),
        Aligned([3; 40]),
        Aligned([4; 40]),
    ]);
    payloads_of([Aligned(()), Aligned(()), Aligned(()), Aligned(())]);
    payloads_of([Some(1u8), None, Some(0), None]);
    payloads_of(["a", "text", "of", ""]);
}

#[test]
fn payloads_of_different_sizes() {
    let mut coroutine = Coroutine::new(|yielder: &Yielder<u8, [u64; 5]>, first| {
        let second = yielder.suspend([u64::from(first); 5]);
        (first, second)
    });
    assert_eq!(coroutine.resume(7), CoroutineResult::Yield([7; 5]));
    assert_eq!(coroutine.resume(8), CoroutineResult::Return((7, 8)));

    let mut coroutine = Coroutine::new(|yielder: &Yielder<[u64; 5], ()>, first| {
        let second = yielder.suspend(());
        first.iter().chain(&second).sum::<u64>()
    });
    assert_eq!(coroutine.resume([1; 5]), CoroutineResult::Yield(()));
    assert_eq!(coroutine.resume([2; 5]), CoroutineResult::Return(15));
}

/// Runs `f` on a thread with a large stack, since debug builds move values about on theirs.
fn with_room(f: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(64 << 20).spawn(f);
    thread.unwrap().join().unwrap();
}

#[test]
fn large_bodies() {
    with_room(|| {
        // As much as a default stack takes without optimisation, with copies on the way.
        let data: [u8; 150 * KIB] = std::array::from_fn(|i| i as u8);
        let mut coroutine = Coroutine::new(move |yielder, ()| {
            yielder.suspend(data[300]);
            data[150 * KIB - 1]
        });
        assert_eq!(coroutine.resume(()), CoroutineResult::Yield(44));
        assert_eq!(coroutine.resume(()), CoroutineResult::Return(255));
    });
}

#[test]
fn bodies_larger_than_the_stack() {
    with_room(|| {
        let data = Counted::new([1u8; 2048 * KIB]);
        let body = move |_: &Yielder<(), ()>, ()| {
            let all = &data;
            all.0[0]
        };
        let result = Coroutine::try_new(body).map(|mut coroutine| coroutine.resume(()));
        match result {
            Err(StackError::TooLarge {
                requested,
                available,
            }) => {
                assert!(requested >= 2048 * KIB && available < requested);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(ALIVE.get(), 0, "the body is dropped all the same");

        let data = [1u8; 64 * KIB];
        let built = Coroutine::<(), (), u8>::builder()
            .stack_size(32 * KIB)
            .build(move |_, ()| data[1]);
        assert!(matches!(built, Err(StackError::TooLarge { .. })));
    });
}

#[cfg(feature = "unwind")]
#[test]
fn bodies_larger_than_the_stack_panic_in_new() {
    with_room(|| {
        let data = [1u8; 2048 * KIB];
        let message = panic_of(|| Coroutine::<(), (), u8>::new(move |_, ()| data[1]));
        assert!(message.contains("what a body captures"), "{message}");
    });
}

#[test]
fn aligned_bodies() {
    #[repr(align(128))]
    struct Line(u8);

    for name in ["", "x", "a name that shifts what lies below it"] {
        let line = Line(9);
        let other = Line(10);
        let mut coroutine = Coroutine::<(), u8, u8>::builder()
            .name(name)
            .build(move |yielder, ()| {
                assert!(is_aligned(&line) && is_aligned(&other));
                yielder.suspend(line.0);
                assert!(is_aligned(&line) && is_aligned(&other));
                other.0
            })
            .unwrap();
        assert_eq!(coroutine.resume(()), CoroutineResult::Yield(9));
        assert_eq!(coroutine.resume(()), CoroutineResult::Return(10));
    }
}

#[test]
fn large_returns() {
    let mut coroutine = Coroutine::<(), (), _>::new(|_, ()| [7u64; 4096]);
    assert_eq!(coroutine.resume(()).as_return(), Some([7; 4096]));
}

#[test]
fn stacks_are_used_again() {
    let mut stack = DefaultStack::new(64 * KIB).unwrap();
    let base = stack.base();
    for round in 0..100 {
        let mut coroutine = Coroutine::with_stack(stack, move |yielder: &Yielder<u32, u32>, x| {
            yielder.suspend(x + round) * 2
        });
        assert_eq!(coroutine.resume(1), CoroutineResult::Yield(1 + round));
        assert_eq!(coroutine.resume(round), CoroutineResult::Return(round * 2));
        stack = coroutine.into_stack();
        assert_eq!(stack.base(), base);
    }
}

#[cfg(feature = "unwind")]
#[test]
fn stacks_of_the_unfinished_stay() {
    let fresh = Coroutine::<(), (), ()>::new(|_, ()| ());
    assert!(panic_of(|| fresh.into_stack()).contains("incomplete"));
    let mut suspended = Coroutine::<(), (), ()>::new(|yielder, ()| yielder.suspend(()));
    suspended.resume(());
    assert!(panic_of(|| suspended.into_stack()).contains("incomplete"));
}

#[cfg(feature = "unwind")]
#[test]
fn finished_ones_cannot_be_resumed() {
    let mut coroutine = Coroutine::<(), (), ()>::new(|_, ()| ());
    coroutine.resume(());
    for _ in 0..3 {
        assert_eq!(
            panic_of(|| coroutine.resume(())),
            "attempt to resume a completed coroutine"
        );
        assert!(coroutine.done() && coroutine.started());
    }
}

#[cfg(feature = "unwind")]
#[test]
fn panics_propagated() {
    let alive = Rc::new(());
    let captured = alive.clone();
    let mut coroutine = Coroutine::<u32, (), ()>::new(move |yielder, first| {
        let local = captured.clone();
        let second = yielder.suspend(());
        let _keep = (local, &captured);
        std::panic::panic_any([first, second, 3]);
    });
    coroutine.resume(1);
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| coroutine.resume(2)));
    assert_eq!(
        *payload.unwrap_err().downcast::<[u32; 3]>().unwrap(),
        [1, 2, 3]
    );
    assert!(coroutine.done());
    assert_eq!(Rc::strong_count(&alive), 1);
    assert!(panic_of(|| coroutine.resume(0)).contains("completed"));

    // The stack is as good as new.
    let mut next = Coroutine::<(), (), _>::with_stack(coroutine.into_stack(), |_, ()| 5);
    assert_eq!(next.resume(()).as_return(), Some(5));
}

#[cfg(feature = "unwind")]
#[test]
fn panics_cross_many_stacks() {
    fn nested(depth: u32) {
        if depth == 0 {
            panic!("from the bottom");
        }
        let mut coroutine = Coroutine::<(), (), ()>::new(move |_, ()| nested(depth - 1));
        coroutine.resume(());
    }
    assert_eq!(panic_of(|| nested(20)), "from the bottom");
}

#[cfg(feature = "unwind")]
#[test]
fn panics_caught_inside_stay_inside() {
    let mut coroutine = Coroutine::new(|yielder: &Yielder<(), String>, ()| {
        let caught = panic_of(|| panic!("inside {}", 1));
        yielder.suspend(caught);
        // While an outer catch is active there are switches.
        panic_of(|| {
            yielder.suspend("between".into());
            panic!("inside {}", 2)
        })
    });
    assert_eq!(coroutine.resume(()).as_yield().unwrap(), "inside 1");
    let outside = panic_of(|| panic!("outside {}", coroutine.resume(()).as_yield().unwrap()));
    assert_eq!(outside, "outside between");
    assert_eq!(coroutine.resume(()).as_return().unwrap(), "inside 2");
}

#[test]
fn nested() {
    /// Counts the levels, each time it is resumed with a different start.
    fn level(depth: u64) -> Coroutine<u64, u64, u64> {
        Coroutine::new(move |yielder, mut input| {
            if depth == 0 {
                input = yielder.suspend(input);
                return yielder.suspend(input);
            }
            let mut inner = level(depth - 1);
            loop {
                match inner.resume(input + 1) {
                    CoroutineResult::Yield(value) => input = yielder.suspend(value),
                    CoroutineResult::Return(value) => return value + 1,
                }
            }
        })
    }
    let mut outermost = level(100);
    assert_eq!(outermost.resume(0), CoroutineResult::Yield(100));
    assert_eq!(outermost.resume(1000), CoroutineResult::Yield(1100));
    assert_eq!(outermost.resume(7), CoroutineResult::Return(207));
}

#[test]
fn suspending_through_an_inner_coroutine() {
    let mut outer = Coroutine::new(|outer: &Yielder<u32, u32>, first| {
        let inner = ScopedCoroutine::new(|inner: &Yielder<u32, u32>, x: u32| {
            // Leaves both.
            let y = outer.suspend(x + 1);
            // Leaves the inner one.
            let z = inner.suspend(y + 1);
            outer.suspend(z + 1) + 1
        });
        inner.scope(|mut inner| {
            let y = inner.resume(first + 10).as_yield().unwrap();
            let z = outer.suspend(y + 100);
            inner.resume(z).as_return().unwrap()
        })
    });
    assert_eq!(outer.resume(0), CoroutineResult::Yield(11));
    assert_eq!(outer.resume(20), CoroutineResult::Yield(121));
    assert_eq!(outer.resume(30), CoroutineResult::Yield(31));
    assert_eq!(outer.resume(40), CoroutineResult::Return(41));
}

#[test]
fn resumed_from_different_places() {
    #[inline(never)]
    fn deeper(depth: u32, f: &mut dyn FnMut()) {
        let room = black_box([depth; 32]);
        if depth == 0 {
            f()
        } else {
            deeper(depth - 1, f)
        }
        black_box(room);
    }
    let mut sums = Coroutine::new(|yielder: &Yielder<u32, u32>, mut input| {
        let mut sum = 0;
        while input != 0 {
            sum += input;
            // The depth at which it suspends is not the one at which it was resumed either.
            deeper(sum % 7, &mut || input = yielder.suspend(sum));
        }
        sum
    });
    let mut expected = 0;
    for input in 1..50 {
        expected += input;
        deeper(input * 5 % 11, &mut || {
            assert_eq!(sums.resume(input), CoroutineResult::Yield(expected));
        });
    }
    // And by a coroutine that is gone when the next one resumes it.
    let sums = Rc::new(Cell::new(Some(sums)));
    for input in 50..60 {
        expected += input;
        let shared = sums.clone();
        let mut by = Coroutine::<(), (), u32>::new(move |_, ()| {
            let mut sums = shared.take().unwrap();
            let sum = sums.resume(input).as_yield().unwrap();
            shared.set(Some(sums));
            sum
        });
        assert_eq!(by.resume(()).as_return(), Some(expected));
    }
    assert_eq!(
        sums.take().unwrap().resume(0),
        CoroutineResult::Return(expected)
    );
}

/// An address in the frame of the caller, or a little below.
#[inline(never)]
fn stack_address() -> usize {
    let local = 0u8;
    black_box(&raw const local).addr()
}

#[cfg_attr(segno_asan, ignore = "the sanitizer keeps such locals elsewhere")]
#[test]
fn calls_on_another_stack() {
    let stack = DefaultStack::new(256 * KIB).unwrap();
    let range = stack.limit().get()..stack.base().get();
    let text = String::from("captured by reference");
    let mut called = 0;
    let answer = on_stack(stack, || {
        called += 1;
        assert!(range.contains(&stack_address()));
        (text.len(), text.clone())
    });
    assert_eq!(called, 1);
    assert_eq!(answer, (text.len(), text));
    assert!(!range.contains(&stack_address()));

    // A borrowed stack, twice, and large answers.
    let mut stack = DefaultStack::new(256 * KIB).unwrap();
    assert_eq!(on_stack(&mut stack, || [3u64; 1000]), [3; 1000]);
    assert_eq!(on_stack(&mut stack, || Aligned(1u8)), Aligned(1));
    on_stack(&mut stack, || ());
}

#[test]
fn calls_on_stacks_nest() {
    fn deep(levels: u32) -> u32 {
        match levels {
            0 => 0,
            _ => on_stack(DefaultStack::default(), || deep(levels - 1)) + 1,
        }
    }
    assert_eq!(deep(50), 50);
}

#[cfg_attr(segno_asan, ignore = "the sanitizer keeps such locals elsewhere")]
#[test]
fn calls_on_the_parents_stack() {
    let outside = stack_address();
    let mut coroutine = Coroutine::new(move |yielder: &Yielder<u32, u32>, first| {
        let inside = stack_address();
        let mut calls = 0;
        let parents = yielder.on_parent_stack(|| {
            calls += 1;
            stack_address()
        });
        assert!(inside.abs_diff(parents) > 4 * KIB);
        // Between the frames of this test's function and its thread's lowest page.
        assert!(parents < outside && outside - parents < 64 * KIB);
        let second = yielder.suspend(first + calls);
        let large = yielder.on_parent_stack(|| [second; 1000]);
        large.iter().sum()
    });
    assert_eq!(coroutine.resume(1), CoroutineResult::Yield(2));
    assert_eq!(coroutine.resume(5), CoroutineResult::Return(5000));
}

#[test]
fn calls_on_all_stacks_in_turn() {
    let mut outer = Coroutine::<(), u32, u32>::new(|outer, ()| {
        let inner = ScopedCoroutine::<(), u32, u32>::new(|inner, ()| {
            // On the outer one's stack, then on the stack of whoever resumed that.
            let x = inner.on_parent_stack(|| on_stack(DefaultStack::default(), || 1));
            let y = outer.on_parent_stack(|| {
                let mut third = Coroutine::<(), u32, u32>::new(|third, ()| {
                    third.suspend(2);
                    third.on_parent_stack(|| 3)
                });
                third.resume(()).as_yield().unwrap() + third.resume(()).as_return().unwrap()
            });
            inner.suspend(x + y);
            // A body may pause in the middle of a call on another stack.
            on_stack(DefaultStack::default(), || {
                inner.suspend(10);
                outer.suspend(20);
            });
            30
        });
        inner.scope(|mut inner| {
            let a = inner.resume(()).as_yield().unwrap();
            let b = inner.resume(()).as_yield().unwrap();
            let c = inner.resume(()).as_return().unwrap();
            a + b + c
        })
    });
    assert_eq!(outer.resume(()), CoroutineResult::Yield(20));
    assert_eq!(outer.resume(()), CoroutineResult::Return(6 + 10 + 30));
}

#[cfg(feature = "unwind")]
#[test]
fn panics_on_other_stacks() {
    let alive = Rc::new(());
    let stack = DefaultStack::default();
    let captured = alive.clone();
    let message = panic_of(|| {
        on_stack(stack, move || {
            let _local = captured;
            panic!("on a stack at hand");
        })
    });
    assert_eq!(message, "on a stack at hand");
    assert_eq!(Rc::strong_count(&alive), 1);

    let mut coroutine = Coroutine::new(|yielder: &Yielder<(), String>, ()| {
        let message = panic_of(|| yielder.on_parent_stack(|| panic!("on the parent's")));
        yielder.suspend(message);
        yielder.on_parent_stack(|| panic!("and out of the body"));
    });
    assert_eq!(coroutine.resume(()).as_yield().unwrap(), "on the parent's");
    assert_eq!(panic_of(|| coroutine.resume(())), "and out of the body");
    assert!(coroutine.done());
}

#[test]
fn remaining_stack_falls_with_depth() {
    #[inline(never)]
    fn depths(yielder: &Yielder<(), ()>, levels: usize, found: &mut Vec<usize>) {
        let room = black_box([0u8; 1000]);
        found.push(yielder.remaining_stack());
        if levels > 1 {
            depths(yielder, levels - 1, found);
        }
        black_box(room);
    }
    let mut coroutine = Coroutine::<(), (), _>::builder()
        .stack_size(256 * KIB)
        .build(|yielder, ()| {
            let mut found = Vec::with_capacity(20);
            found.push(yielder.remaining_stack());
            depths(yielder, 20, &mut found);
            found.push(yielder.on_parent_stack(|| 0));
            found.push(on_stack(DefaultStack::default(), || {
                yielder.remaining_stack()
            }));
            found
        })
        .unwrap();
    let found = coroutine.resume(()).as_return().unwrap();
    let (falling, elsewhere) = found.split_at(21);
    assert!(
        falling[0] <= 256 * KIB && falling[0] > 200 * KIB,
        "{found:?}"
    );
    assert!(
        falling.windows(2).all(|pair| pair[0] >= pair[1]),
        "{found:?}"
    );
    // AddressSanitizer keeps the arrays elsewhere.
    #[cfg(not(segno_asan))]
    assert!(
        falling
            .windows(2)
            .skip(1)
            .all(|pair| pair[0] >= pair[1] + 1000),
        "{found:?}"
    );
    assert_eq!(elsewhere, [0, 0]);
}

#[test]
fn names() {
    let build = |name: &str| {
        let builder = Coroutine::<(), (), ()>::builder().name(name.to_string());
        builder.build(|_, ()| ()).unwrap()
    };
    assert_eq!(Coroutine::<(), (), ()>::new(|_, ()| ()).name(), None);
    assert_eq!(build("").name(), None);
    for length in [1, 15, 16, 17, 127, 128] {
        let name = "n".repeat(length);
        assert_eq!(build(&name).name(), Some(&*name));
    }
    assert_eq!(build(&"n".repeat(1000)).name(), Some(&*"n".repeat(128)));
    // Cut between two characters, never within one.
    assert_eq!(build(&"é".repeat(100)).name(), Some(&*"é".repeat(64)));
    assert_eq!(
        build(&format!("x{}", "é".repeat(100)))
            .name()
            .unwrap()
            .len(),
        127
    );

    let mut named = build("kept while it runs");
    named.resume(());
    assert_eq!(named.name(), Some("kept while it runs"));
    // The name does not stay on the stack for the next one.
    let next = Coroutine::<(), (), ()>::with_stack(named.into_stack(), |_, ()| ());
    assert_eq!(next.name(), None);
}

#[test]
fn debug_output() {
    let mut coroutine = Coroutine::<(), String, ()>::builder()
        .name("walker")
        .build(|yielder, ()| {
            yielder.suspend(format!("{yielder:?}"));
        })
        .unwrap();
    let shown = format!("{coroutine:?}");
    assert!(
        shown.contains("\"walker\"") && shown.contains("started: false"),
        "{shown}"
    );
    let yielder = coroutine.resume(()).as_yield().unwrap();
    assert!(yielder.contains("remaining_stack: "), "{yielder}");
    let shown = format!("{coroutine:?}");
    assert!(shown.contains("started: true, done: false"), "{shown}");
    coroutine.resume(());
    assert!(format!("{coroutine:?}").contains("done: true"));
    let shown = format!(
        "{:?}",
        Coroutine::<(), (), ()>::builder().name("b").stack_size(77)
    );
    assert!(shown.contains("\"b\"") && shown.contains("77"), "{shown}");
    ScopedCoroutine::<(), (), ()>::new(|_, ()| ()).scope(|coroutine| {
        assert!(format!("{coroutine:?}").contains("started: false"));
    });
}

#[test]
fn scoped_coroutines() {
    let mut total = 0;
    let words = vec![String::from("one"), String::from("two")];
    let coroutine = ScopedCoroutine::new(|yielder: &Yielder<(), &str>, ()| {
        for word in &words {
            total += word.len();
            yielder.suspend(word);
        }
        total
    });
    let returned = coroutine.scope(|mut coroutine| {
        assert!(!coroutine.started());
        assert_eq!(coroutine.as_mut().resume(()).as_yield(), Some("one"));
        assert!(coroutine.started());
        assert_eq!(coroutine.resume(()).as_yield(), Some("two"));
        assert!(!coroutine.done());
        let returned = coroutine.resume(()).as_return();
        assert!(coroutine.done());
        returned
    });
    assert_eq!((returned, total), (Some(6), 6));
}

#[test]
fn results() {
    let yielded = CoroutineResult::<u8, &str>::Yield(1);
    let returned = CoroutineResult::<u8, &str>::Return("r");
    assert_eq!((yielded.as_yield(), yielded.as_return()), (Some(1), None));
    assert_eq!(
        (returned.as_yield(), returned.as_return()),
        (None, Some("r"))
    );
    assert_ne!(yielded, returned);
    assert_eq!(
        format!("{yielded:?} {returned:?}"),
        "Yield(1) Return(\"r\")"
    );
}

#[test]
fn builder_sizes() {
    let stack_of = |builder: segno::Builder<(), (), ()>| {
        let mut coroutine = builder.build(|_, ()| ()).unwrap();
        coroutine.resume(());
        let stack = coroutine.into_stack();
        let guard = stack.guard_size();
        (stack.base().get() - stack.limit().get() - guard, guard)
    };
    let (usable, guard) = stack_of(Coroutine::builder());
    assert!(usable >= DefaultStack::SIZE && guard > 0);
    let (usable, _) = stack_of(Coroutine::builder().stack_size(200 * KIB));
    assert!((200 * KIB..300 * KIB).contains(&usable));
    let (usable, guard) = stack_of(Coroutine::builder().guard_size(200 * KIB));
    assert!(usable >= DefaultStack::SIZE && guard >= 200 * KIB);
    assert!(
        Coroutine::<(), (), ()>::builder()
            .stack_size(usize::MAX)
            .build(|_, ()| ())
            .is_err()
    );
}

#[test]
fn builder_pools() {
    let pool = Pool::builder().slot_size(256 * KIB).build();
    let builder = || Coroutine::<(), (), ()>::builder().pool(&pool);
    let coroutine = builder().build(|_, ()| ()).unwrap();
    assert_eq!(pool.stats().in_use, 1);
    drop(coroutine);
    assert_eq!(pool.stats().in_use, 0);
    drop(
        builder()
            .stack_size(pool.stack_size())
            .build(|_, ()| ())
            .unwrap(),
    );
    drop(
        builder()
            .guard_size(pool.guard_size())
            .build(|_, ()| ())
            .unwrap(),
    );
    for refused in [
        builder()
            .stack_size(pool.stack_size() + 1)
            .build(|_, ()| ()),
        builder()
            .guard_size(pool.guard_size() + 1)
            .build(|_, ()| ()),
    ] {
        assert!(
            matches!(refused, Err(StackError::TooLarge { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(pool.stats().in_use, 0);
}

#[test]
fn high_water() {
    #[inline(never)]
    fn use_stack(bytes: usize) {
        let room = black_box([1u8; 1000]);
        if bytes > 1000 {
            use_stack(bytes - 1000);
        }
        black_box(room);
    }
    let mut coroutine = Coroutine::<usize, (), ()>::builder()
        .stack_size(512 * KIB)
        .watch_high_water(true)
        .build(|yielder, mut bytes| {
            loop {
                use_stack(bytes);
                bytes = yielder.suspend(());
                if bytes == 0 {
                    break;
                }
            }
        })
        .unwrap();
    let mark = |coroutine: &Coroutine<_, _, _>| coroutine.high_water_mark().unwrap();
    let fresh = mark(&coroutine);
    assert!(fresh < 4 * KIB, "{fresh}");
    coroutine.resume(1000);
    let little = mark(&coroutine);
    assert!(
        little > fresh + 1000 && little < 64 * KIB,
        "{fresh} {little}"
    );
    coroutine.resume(100_000);
    let much = mark(&coroutine);
    assert!(
        much > little + 90_000 && much <= 512 * KIB,
        "{little} {much}"
    );
    coroutine.resume(1000);
    assert_eq!(mark(&coroutine), much, "the mark does not fall");
    coroutine.resume(0);
    assert_eq!(mark(&coroutine), much);

    let unwatched = Coroutine::<(), (), ()>::with_stack(coroutine.into_stack(), |_, ()| ());
    assert_eq!(unwatched.high_water_mark(), None);
}

/// Computes with more live values than there are registers, of all kinds, and calls `pause`
/// in the middle of each round.
#[inline(always)]
fn churn(seed: u64, rounds: u64, mut pause: impl FnMut(u64)) -> ([u64; 16], [f64; 16], [f32; 32]) {
    let mut whole: [u64; 16] = std::array::from_fn(|i| seed.wrapping_mul(i as u64 + 3) ^ 0x9e37);
    let mut real: [f64; 16] = std::array::from_fn(|i| seed as f64 / (i as f64 + 1.5));
    let mut lanes: [f32; 32] = std::array::from_fn(|i| seed as f32 + i as f32);
    for round in 0..rounds {
        for i in 0..16 {
            whole[i] = whole[i]
                .rotate_left(7)
                .wrapping_mul(0x9e37_79b9)
                .wrapping_add(whole[(i + 5) % 16]);
            real[i] = real[i] * 0.75 + real[(i + 3) % 16] * 0.125 + 1.0;
        }
        pause(round);
        for (lane, i) in lanes.iter_mut().zip(0u8..) {
            *lane = *lane * 0.5 + f32::from(i) * 0.25;
        }
    }
    (whole, real, lanes)
}

#[test]
fn registers_survive() {
    const ROUNDS: u64 = 50;
    let [inside, outside] = [11, 77].map(|seed| churn(black_box(seed), ROUNDS, |_| ()));

    let mut coroutine = Coroutine::new(|yielder: &Yielder<u64, u64>, first| {
        assert_eq!(first, 0);
        churn(black_box(11), ROUNDS, |round| {
            assert_eq!(yielder.suspend(round), round + 1);
        })
    });
    let found = churn(black_box(77), ROUNDS, |round| {
        assert_eq!(coroutine.resume(round), CoroutineResult::Yield(round));
    });
    assert_eq!(found, outside);
    assert_eq!(coroutine.resume(ROUNDS), CoroutineResult::Return(inside));
}

/// Over-aligned locals make the compiler address a frame by the frame pointer; other frames
/// do without one where it is free for general use.
#[test]
fn frames_of_both_kinds() {
    #[inline(never)]
    fn with_frame_pointer(seed: u64, pause: &dyn Fn(u64)) -> u64 {
        let first = black_box(Aligned([seed; 8]));
        pause(seed);
        assert!(is_aligned(&first));
        let second = black_box(Aligned([first.0[3] + 1; 8]));
        pause(second.0[7]);
        assert!(is_aligned(&first) && is_aligned(&second));
        first.0.iter().chain(&second.0).sum()
    }
    #[inline(never)]
    fn without(seed: u64, pause: &dyn Fn(u64)) -> u64 {
        let (a, b, c, d, e) = black_box((seed, seed + 1, seed + 2, seed + 3, seed + 4));
        pause(a);
        let f = with_frame_pointer(b, pause);
        pause(c);
        a + b * 2 + c * 3 + d * 4 + e * 5 + f
    }
    let alone = without(5, &|_| ());
    let mut coroutine = Coroutine::<(), u64, u64>::new(|yielder, ()| {
        without(5, &|value| yielder.suspend(value))
            + with_frame_pointer(9, &|value| yielder.suspend(value))
    });
    let seen = std::cell::RefCell::new(Vec::new());
    let ended = Cell::new(None);
    let coroutine = std::cell::RefCell::new(&mut coroutine);
    let step = |_| match coroutine.borrow_mut().resume(()) {
        CoroutineResult::Yield(value) => seen.borrow_mut().push(value),
        CoroutineResult::Return(value) => ended.set(Some(value)),
    };
    assert_eq!(without(5, &step), alone);
    assert_eq!(with_frame_pointer(9, &step), 152);
    step(0);
    assert_eq!(*seen.borrow(), [5, 6, 7, 7, 9, 10]);
    assert_eq!(ended.get(), Some(alone + 152));
}

#[test]
fn many_at_once() {
    let mut coroutines: Vec<_> = (0..2000u64)
        .map(|i| {
            Coroutine::new(move |yielder: &Yielder<u64, u64>, mut x| {
                for _ in 0..4 {
                    x = yielder.suspend(x + i);
                }
                i
            })
        })
        .collect();
    for round in 0..4 {
        for (i, coroutine) in (0..).zip(&mut coroutines) {
            assert_eq!(coroutine.resume(round), CoroutineResult::Yield(round + i));
        }
    }
    for (i, coroutine) in (0..2000u32).zip(&mut coroutines).rev() {
        assert_eq!(coroutine.resume(0), CoroutineResult::Return(i.into()));
    }
}
