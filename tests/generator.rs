//! Generators: however the items are taken, they are those of the direct recursion.

#![cfg(all(unix, feature = "std"))]

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::iter::FusedIterator;
use std::rc::Rc;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use segno::Generator;
use segno::generator::Yielder;
use segno::stack::{DefaultStack, Stack};

/// A recursion that yields on its way.
#[derive(Clone, Debug)]
enum Step {
    Yield(u16),
    Call(Vec<Step>),
}

/// Runs the recursion, and answers how many calls that took.
fn walk(steps: &[Step], out: &mut dyn FnMut(u16)) -> usize {
    let mut calls = 1;
    for step in steps {
        match step {
            Step::Yield(item) => out(*item),
            Step::Call(steps) => calls += walk(steps, out),
        }
    }
    calls
}

/// The same with a yielder.
fn walk_with(steps: &[Step], y: &Yielder<'_, Item>) -> usize {
    let mut calls = 1;
    for step in steps {
        match step {
            Step::Yield(item) => y.suspend(Item::new(*item)),
            Step::Call(steps) => calls += walk_with(steps, y),
        }
    }
    calls
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = any::<u16>().prop_map(Step::Yield);
    let step = step.prop_recursive(6, 200, 12, |step| {
        proptest::collection::vec(step, 0..12).prop_map(Step::Call)
    });
    proptest::collection::vec(step, 0..30)
}

thread_local! {
    /// The number of items that this thread has.
    static ALIVE: Cell<isize> = const { Cell::new(0) };
}

/// An item that is counted, and on the heap, where a checker sees it freed twice.
#[derive(Debug)]
struct Item(Box<u16>);

impl Item {
    fn new(value: u16) -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Self(Box::new(value))
    }

    fn value(self) -> u16 {
        *self.0
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

/// A way to take what is left.
type Way = fn(Generator<Item, usize>) -> Vec<u16>;

fn generator(steps: &[Step]) -> Generator<Item, usize> {
    let steps = steps.to_vec();
    Generator::new(move |y| walk_with(&steps, y))
}

fn values(items: impl Iterator<Item = Item>) -> Vec<u16> {
    items.map(Item::value).collect()
}

/// The first `count` items of the program 0, 1, 2 …, which ends in a return or a panic.
#[cfg(feature = "unwind")]
fn counting(count: u16, panics: bool) -> Generator<Item, &'static str> {
    Generator::new(move |y| {
        for n in 0..count {
            y.suspend(Item::new(n));
        }
        assert!(!panics, "after the last item");
        "returned"
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_way_gives_the_same_items(steps in steps(), k in 0usize..40) {
        let mut expected = Vec::new();
        let calls = walk(&steps, &mut |item| expected.push(item));

        let mut plain = Vec::new();
        let mut items = generator(&steps);
        for item in &mut items {
            prop_assert!(items_is_open(&item));
            plain.push(item.value());
        }
        prop_assert_eq!(&plain, &expected);
        prop_assert_eq!(items.return_value(), Some(&calls));
        prop_assert!(items.next().is_none() && items.next().is_none());
        prop_assert_eq!(items.into_return(), Some(calls));

        for n in [1, 2, 3, 7, 64, 1000] {
            let mut items = generator(&steps).buffered(n);
            prop_assert_eq!(&values(&mut items), &expected, "by {}", n);
            prop_assert!(items.next().is_none());
            prop_assert_eq!(items.return_value(), Some(&calls));
            prop_assert_eq!(items.into_return(), Some(calls));
        }

        let folded = generator(&steps).fold(Vec::new(), |mut all, item| {
            all.push(item.value());
            all
        });
        prop_assert_eq!(&folded, &expected);
        let mut each = Vec::new();
        generator(&steps).for_each(|item| each.push(item.value()));
        prop_assert_eq!(&each, &expected);
        prop_assert_eq!(generator(&steps).count(), expected.len());
        prop_assert_eq!(generator(&steps).last().map(Item::value), expected.last().copied());

        let lent = Generator::scope(
            |y| walk_with(&steps, y),
            |mut items| (values(&mut items), items.next().is_none(), items.into_return()),
        );
        prop_assert_eq!(lent, (expected.clone(), true, Some(calls)));

        prop_assert_eq!(ALIVE.get(), 0);

        // A part, and then the rest in another way.
        let ways: [Way; 3] = [
            |items| values(items),
            |items| items.fold(Vec::new(), |mut all, item| { all.push(item.value()); all }),
            |items| values(items.step_by(1)),
        ];
        for way in ways {
            let mut items = generator(&steps);
            let mut found = values(items.by_ref().take(k));
            prop_assert_eq!(found.len(), k.min(expected.len()));
            found.extend(way(items));
            prop_assert_eq!(&found, &expected);
        }
        let mut items = generator(&steps).buffered(5);
        let mut found = values(items.by_ref().take(k));
        items.for_each(|item| found.push(item.value()));
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(ALIVE.get(), 0);
    }

    #[cfg(feature = "unwind")]
    #[test]
    fn what_is_not_taken_is_dropped(count in 0u16..50, taken in 0usize..60, n in 1usize..20) {
        drop(values(counting(count, false).take(taken)));
        prop_assert_eq!(ALIVE.get(), 0);

        let mut items = counting(count, false).buffered(n);
        let found = values(items.by_ref().take(taken));
        prop_assert_eq!(found, (0..count).take(taken).collect::<Vec<_>>());
        let ended = taken > count.into();
        // The return value shows itself when all items were taken, not before. It may do so
        // with the last item, since the body had to run to its end for it.
        prop_assert!(!ended || items.return_value().is_some());
        prop_assert!(taken >= count.into() || items.return_value().is_none());
        if taken < count.into() && n % 2 == 0 {
            prop_assert_eq!(items.into_return(), None);
        } else {
            drop(items);
        }
        prop_assert_eq!(ALIVE.get(), 0);

        let rest = Generator::scope(
            |y| (0..count).for_each(|n| y.suspend(Item::new(n))),
            |items| values(items.take(taken)).len(),
        );
        prop_assert_eq!(rest, taken.min(count.into()));
        prop_assert_eq!(ALIVE.get(), 0);
    }
}

/// An item is owned by whoever took it, and good until dropped.
fn items_is_open(item: &Item) -> bool {
    ALIVE.get() == 1 && *item.0 == black_box(*item.0)
}

#[test]
fn fused() {
    fn is_fused(_: &impl FusedIterator) {}
    let mut items = Generator::new(|y| y.suspend(1));
    is_fused(&items);
    assert_eq!(
        (items.next(), items.next(), items.next(), items.next()),
        (Some(1), None, None, None)
    );
    let mut items = Generator::new(|y| y.suspend(1)).buffered(3);
    is_fused(&items);
    assert_eq!(
        (items.next(), items.next(), items.next(), items.next()),
        (Some(1), None, None, None)
    );
    Generator::scope(
        |y| y.suspend(1),
        |mut items| {
            is_fused(&items);
            assert_eq!(
                (items.next(), items.next(), items.next()),
                (Some(1), None, None)
            );
        },
    );
}

#[test]
fn without_items() {
    assert_eq!(Generator::<u8>::new(|_| ()).next(), None);
    assert_eq!(Generator::<u8, _>::new(|_| 3).buffered(4).next(), None);
    let mut items = Generator::<u8, _>::new(|_| 3);
    assert_eq!(items.return_value(), None);
    assert_eq!(items.next(), None);
    assert_eq!(items.return_value(), Some(&3));
    assert_eq!(Generator::<u8, _>::new(|_| 3).into_return(), None);
    assert_eq!(Generator::<u8>::new(|_| ()).fold(7, |_, _| 8), 7);
}

#[test]
fn items_of_every_size() {
    fn of<T: Clone + PartialEq + std::fmt::Debug + 'static>(items: [T; 5]) {
        let generator = || {
            let items = items.clone();
            Generator::new(move |y| items.into_iter().for_each(|item| y.suspend(item)))
        };
        assert_eq!(generator().collect::<Vec<_>>(), items);
        let mut one_by_one = Vec::new();
        for item in generator() {
            one_by_one.push(item);
        }
        assert_eq!(one_by_one, items);
        for n in 1..8 {
            assert_eq!(generator().buffered(n).collect::<Vec<_>>(), items);
        }
    }
    of([(); 5]);
    of([1u8, 2, 3, 4, 5]);
    of([1u128, 2, 3, 4, 5]);
    of(["a", "b", "c", "d", "e"].map(String::from));
    of([[1u64; 100], [2; 100], [3; 100], [4; 100], [5; 100]]);
}

/// The address of a local of the caller, or a little below.
#[inline(never)]
fn stack_address() -> usize {
    let local = 0u8;
    black_box(&raw const local).addr()
}

#[cfg_attr(segno_asan, ignore = "the sanitizer keeps such locals elsewhere")]
#[test]
fn folding_a_fresh_one_stays_on_this_stack() {
    let near = |address: usize| address.abs_diff(stack_address()) < 256 * 1024;
    let addresses = || Generator::new(|y| (0..3).for_each(|_| y.suspend(stack_address())));
    addresses().for_each(|inside| assert!(near(inside)));
    let sum = addresses().fold(0, |count, inside| count + i32::from(near(inside)));
    assert_eq!(sum, 3);
    assert!(addresses().collect::<Vec<_>>().len() == 3);

    // One that has started stays where it is, on a stack of its own.
    let stack = DefaultStack::new(256 * 1024).unwrap();
    let own = stack.limit().get()..stack.base().get();
    let mut items =
        Generator::with_stack(stack, |y| (0..3).for_each(|_| y.suspend(stack_address())));
    assert!(own.contains(&items.next().unwrap()));
    items.for_each(|inside| assert!(own.contains(&inside)));
}

#[test]
fn nothing_runs_before_the_first_item() {
    let ran = Rc::new(Cell::new(false));
    let flag = ran.clone();
    let generator = move |flag: Rc<Cell<bool>>| {
        Generator::new(move |y| {
            flag.set(true);
            y.suspend(1);
        })
    };
    let items = generator(flag.clone());
    assert_eq!(format!("{items:?}"), "Generator(fresh)");
    drop(items);
    let items = generator(flag).buffered(4);
    assert!(format!("{items:?}").contains("source_ended: false"));
    drop(items);
    assert!(!ran.get());
    assert_eq!(Rc::strong_count(&ran), 1);
}

#[test]
fn bodies_run_ahead_by_the_buffer_and_no_more() {
    let made = Rc::new(Cell::new(0));
    let counter = made.clone();
    let mut items = Generator::new(move |y| {
        for n in 0..10 {
            counter.set(n + 1);
            y.suspend(n);
        }
    })
    .buffered(4);
    for n in 0..10 {
        assert_eq!(items.next(), Some(n));
        // One more than asked for is being handed out when the body stands still.
        assert!(
            made.get() > n && made.get() <= (n / 4 + 1) * 4 + 1,
            "{n} of {}",
            made.get()
        );
    }
    assert_eq!(items.next(), None);
}

#[test]
fn generators_nest() {
    fn primes_below(limit: u32) -> Generator<u32> {
        Generator::new(move |y| {
            for n in 2..limit {
                let root = (1..).find(|r| r * r > n).unwrap();
                // By short-circuit, so that the inner one is dropped early.
                if n < 4 || primes_up_to(root).all(|p| p >= n || n % p != 0) {
                    y.suspend(n);
                }
            }
        })
    }
    fn primes_up_to(root: u32) -> Box<dyn Iterator<Item = u32>> {
        Box::new(primes_below(root + 1).collect::<Vec<_>>().into_iter())
    }
    let expected = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    assert_eq!(primes_below(40).collect::<Vec<_>>(), expected);
    assert_eq!(primes_below(40).buffered(5).collect::<Vec<_>>(), expected);

    let squares = Generator::new(|y| {
        let mut inner = Generator::new(|y| (0..5).for_each(|n| y.suspend(n)));
        for n in &mut inner {
            y.suspend(n * n);
        }
        inner.into_return()
    });
    assert_eq!(squares.collect::<Vec<_>>(), [0, 1, 4, 9, 16]);
}

#[test]
fn scopes_lend() {
    let words = vec![
        String::from("one"),
        String::from("three"),
        String::from("two"),
    ];
    let mut longest = 0;
    let seen = RefCell::new(Vec::new());
    let answer = Generator::scope(
        |y| {
            for word in &words {
                longest = longest.max(word.len());
                y.suspend(&**word);
            }
            words.len()
        },
        |mut items| {
            assert_eq!(items.return_value(), None);
            seen.borrow_mut().extend(items.by_ref());
            assert_eq!(items.return_value(), Some(&3));
            items.into_return()
        },
    );
    assert_eq!((answer, longest), (Some(3), 5));
    assert_eq!(seen.into_inner(), words);
}

#[test]
fn yielders_and_items_show_themselves() {
    let mut items = Generator::new(|y| y.suspend(format!("{y:?}")));
    assert_eq!(items.next().unwrap(), "Yielder { .. }");
    assert_eq!(format!("{items:?}"), "Generator(running)");
    assert_eq!(items.next(), None);
    assert_eq!(format!("{items:?}"), "Generator(ended)");
}

#[cfg(feature = "unwind")]
mod unwinding {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    fn text_of<T>(f: impl FnOnce() -> T) -> String {
        let payload = catch_unwind(AssertUnwindSafe(f)).err().expect("no panic");
        match payload.downcast::<String>() {
            Ok(text) => *text,
            Err(payload) => payload.downcast::<&str>().expect("no text").to_string(),
        }
    }

    #[test]
    fn panics_end_the_iteration() {
        let mut items = counting(3, true);
        assert_eq!(values(items.by_ref().take(3)), [0, 1, 2]);
        assert_eq!(text_of(|| items.next()), "after the last item");
        assert!(items.next().is_none() && items.next().is_none());
        assert_eq!(items.return_value(), None);
        assert_eq!(items.into_return(), None);

        // What was computed before the panic and not handed out is lost.
        let mut items = counting(5, true).buffered(3);
        assert_eq!(values(items.by_ref().take(3)), [0, 1, 2]);
        assert_eq!(text_of(|| items.next()), "after the last item");
        assert!(items.next().is_none() && items.next().is_none());
        assert_eq!(ALIVE.get(), 0);
        assert_eq!(items.into_return(), None);

        let message = text_of(|| counting(2, true).for_each(drop));
        assert_eq!(message, "after the last item");
        let message = text_of(|| {
            Generator::scope(
                |y| {
                    y.suspend(Item::new(1));
                    panic!("in the body");
                },
                |mut items: segno::generator::Items<'_, Item>| {
                    drop(items.next());
                    assert_eq!(text_of(|| items.next()), "in the body");
                    assert!(items.next().is_none());
                    panic!("in the scope");
                },
            )
        });
        assert_eq!(message, "in the scope");
        assert_eq!(ALIVE.get(), 0);
    }

    #[test]
    fn panics_of_a_fold_go_through_the_body() {
        let dropped = Rc::new(());
        let held = dropped.clone();
        let items = Generator::new(move |y| {
            let _local = held;
            (0..10).for_each(|n| y.suspend(Item::new(n)));
        });
        let message = text_of(|| {
            items.fold(0, |sum, item| {
                assert!(item.value() < 4, "too many");
                sum + 1
            })
        });
        assert_eq!(message, "too many");
        assert_eq!((Rc::strong_count(&dropped), ALIVE.get()), (1, 0));

        fn at_once(sum: i32, item: i32) -> i32 {
            assert!(item == 0, "at once");
            sum
        }
        // A body that catches the panic has no one to give items to.
        let items = Generator::new(|y| {
            let first = text_of(|| y.suspend(1));
            let second = text_of(|| y.suspend(2));
            assert_eq!(first, "at once");
            panic!("{second}");
        });
        let message = text_of(|| items.fold(0, at_once));
        assert_eq!(message, "the closure of a fold panicked before");
        let items = Generator::new(|y| drop(text_of(|| y.suspend(1))));
        let message = text_of(|| items.fold(0, at_once));
        assert!(
            message.starts_with("the closure of a fold panicked"),
            "{message}"
        );
    }

    #[test]
    fn dropped_early_unwinds() {
        for n in [0, 1, 3, 64] {
            let dropped = Rc::new(());
            let held = dropped.clone();
            let items = Generator::new(move |y| {
                let _local = held;
                for n in 0.. {
                    y.suspend(Item::new(n));
                }
            });
            let some: Vec<_> = match n {
                0 => items.take(2).collect(),
                n => items.buffered(n).take(2).collect(),
            };
            // The items outlive the generator.
            assert_eq!((Rc::strong_count(&dropped), ALIVE.get()), (1, 2));
            assert_eq!(
                some.into_iter().map(Item::value).collect::<Vec<_>>(),
                [0, 1]
            );
        }
    }

    #[test]
    fn items_of_the_unwinding_are_dropped() {
        for n in [0, 1, 2, 8] {
            let turns = Rc::new(Cell::new(0));
            let counter = turns.clone();
            let items = Generator::new(move |y| {
                for n in 0..40 {
                    let _ = catch_unwind(AssertUnwindSafe(|| y.suspend(Item::new(n))));
                    counter.set(n);
                }
            });
            match n {
                0 => drop(items.take(3).count()),
                n => drop(items.buffered(n).take(3).count()),
            }
            assert_eq!((turns.get(), ALIVE.get()), (39, 0), "buffered {n}");
        }
    }

    #[test]
    fn started_ones_cannot_be_buffered() {
        let mut items = counting(3, false);
        drop(items.next());
        assert!(text_of(|| items.buffered(2)).contains("before it has started"));
        assert!(text_of(|| counting(3, false).buffered(0)).contains("no items"));
        assert_eq!(ALIVE.get(), 0);
    }

    #[test]
    fn answers_to_a_drop() {
        let mut items = Generator::new(|y| {
            let _ = catch_unwind(AssertUnwindSafe(|| y.suspend(1)));
            panic!("instead");
        });
        assert_eq!(items.next(), Some(1));
        assert_eq!(text_of(|| drop(items)), "instead");
    }
}

#[test]
fn folding_uses_the_stack_at_hand() {
    fn depth(n: u64) -> u64 {
        let room = black_box([n; 128]);
        if n == 0 {
            0
        } else {
            1 + depth(n - 1) + (room[5] - n)
        }
    }
    // Deeper than a thread's own stack has room for.
    let stack = DefaultStack::new(64 << 20).unwrap();
    let count = Generator::with_stack(stack, |y| y.suspend(depth(20_000))).sum::<u64>();
    assert_eq!(count, 20_000);
}
