//! What is measured: the same programs on either crate, from one macro.
//!
//! A *round trip* is a resume and the suspend that answers it. Each function does `n`
//! operations and answers how long they took; what it takes to set them up and to clear
//! them away is not in the time. The measured loop is a function of its own, so that what
//! surrounds it does not change how it is compiled, and reaches its coroutine as a program
//! would. Inputs and results are hidden from the compiler.
//!
//! The benchmarks and `examples/yield_cost.rs` share this module.

#![allow(dead_code, reason = "each program that includes it measures a part")]

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Does that many operations, and answers how long they took.
pub(crate) type Run = fn(u64) -> Duration;

/// How many places on its stack a measurement is repeated at.
pub(crate) const PLACES: usize = 32;

/// Calls `f` at one of [`PLACES`] places of this thread's stack, some 128 bytes apart.
///
/// A load that follows a store to an address equal in the lower 12 bits may be held up until
/// the processor has seen that they differ. Whether the frames of a resumer and those of its
/// coroutine meet that way is a matter of luck. A median over all distances is not.
#[inline(never)]
pub(crate) fn at_place<T>(place: usize, f: impl FnOnce() -> T) -> T {
    let room = black_box([0u8; 112]);
    let answer = if place.is_multiple_of(PLACES) {
        f()
    } else {
        // Not generic over ever new closures, and not a tail call.
        let mut f = Some(f);
        let mut answer = None;
        deeper(place % PLACES, &mut || answer = f.take().map(|f| f()));
        answer.expect("was called")
    };
    black_box(room);
    answer
}

#[inline(never)]
fn deeper(levels: usize, f: &mut dyn FnMut()) {
    let room = black_box([0u8; 64]);
    if levels == 0 {
        f();
    } else {
        deeper(levels - 1, f);
    }
    black_box(room);
}

/// Operations that are done before the time is taken.
pub(crate) fn warm_up(n: u64) -> u64 {
    1 + n / 10
}

/// A binary tree, to be walked in order.
pub(crate) struct Tree {
    pub(crate) left: Option<Box<Tree>>,
    pub(crate) value: u64,
    pub(crate) right: Option<Box<Tree>>,
}

impl Tree {
    /// A full tree of that many levels, whose values are counted from `first`.
    fn full(levels: u32, first: u64) -> Option<Box<Self>> {
        let value = first + (1 << levels.checked_sub(1)?) - 1;
        Some(Box::new(Self {
            left: Self::full(levels - 1, first),
            value,
            right: Self::full(levels - 1, value + 1),
        }))
    }
}

/// Ten levels of nodes, small enough for the nearest cache.
pub(crate) static TREE: LazyLock<Option<Box<Tree>>> = LazyLock::new(|| Tree::full(10, 0));

/// How many nodes that is.
pub(crate) const NODES: u64 = 1023;

/// The time for `n` nodes, given what it takes to walk the tree a number of times.
pub(crate) fn of_whole_walks(n: u64, walk: impl FnOnce(u64) -> Duration) -> Duration {
    let walks = n.div_ceil(NODES);
    walk(walks).mul_f64(n as f64 / (walks * NODES) as f64)
}

macro_rules! workloads {
    ($krate:ident) => {
        /// The programs that both crates run.
        pub(crate) mod $krate {
            use super::*;
            use ::$krate::stack::DefaultStack;
            use ::$krate::{Coroutine, CoroutineResult, Yielder};

            /// `n` round trips with a `T` each way.
            pub(crate) fn round_trip<T: Copy + 'static>(value: T, n: u64) -> Duration {
                #[inline(never)]
                fn drive<T: Copy>(c: &mut Coroutine<T, T, ()>, value: T, n: u64) -> Duration {
                    let start = Instant::now();
                    for _ in 0..n {
                        black_box(c.resume(black_box(value)));
                    }
                    start.elapsed()
                }
                let mut echo = Coroutine::new(|yielder: &Yielder<T, T>, mut value| {
                    loop {
                        value = yielder.suspend(value);
                    }
                });
                drive(&mut echo, value, warm_up(n));
                drive(&mut echo, value, n)
            }

            /// `n` items that a coroutine yields from a loop, summed up in a loop.
            pub(crate) fn items(n: u64) -> Duration {
                drain(
                    warm_up(n),
                    Coroutine::new(move |yielder, ()| {
                        for i in 0..warm_up(n) + n {
                            yielder.suspend(i);
                        }
                    }),
                )
            }

            /// `n` items that a coroutine yields from a recursion, summed up in a loop.
            pub(crate) fn recursion(n: u64) -> Duration {
                fn walk(tree: &Option<Box<Tree>>, yielder: &Yielder<(), u64>) {
                    if let Some(node) = tree {
                        walk(&node.left, yielder);
                        yielder.suspend(node.value);
                        walk(&node.right, yielder);
                    }
                }
                of_whole_walks(n, |walks| {
                    drain(
                        NODES,
                        Coroutine::new(move |yielder, ()| {
                            for _ in 0..1 + walks {
                                walk(&TREE, yielder);
                            }
                        }),
                    )
                })
            }

            /// What it takes to sum up all items but the first `skip`.
            fn drain(skip: u64, mut items: Coroutine<(), u64, ()>) -> Duration {
                #[inline(never)]
                fn sum(mut items: Coroutine<(), u64, ()>) -> Duration {
                    let (mut sum, start) = (0, Instant::now());
                    while let CoroutineResult::Yield(item) = items.resume(()) {
                        sum += black_box(item);
                    }
                    black_box(sum);
                    start.elapsed()
                }
                for _ in 0..skip {
                    black_box(items.resume(()));
                }
                sum(items)
            }

            /// Coroutines that take turns.
            pub(crate) struct Turns(Vec<Coroutine<(), (), ()>>);

            impl Turns {
                /// A coroutine on each of the stacks, all suspended.
                pub(crate) fn on(stacks: impl Iterator<Item = DefaultStack>) -> Self {
                    let body = |yielder: &Yielder<(), ()>, ()| {
                        loop {
                            yielder.suspend(());
                        }
                    };
                    let mut turns = Self(stacks.map(|s| Coroutine::with_stack(s, body)).collect());
                    turns.take(turns.0.len() as u64);
                    turns
                }

                /// `n` round trips, one with each coroutine in turn.
                pub(crate) fn take(&mut self, n: u64) -> Duration {
                    #[inline(never)]
                    fn drive(coroutines: &mut [Coroutine<(), (), ()>]) {
                        for c in coroutines {
                            black_box(c.resume(black_box(())));
                        }
                    }
                    let count = self.0.len() as u64;
                    let start = Instant::now();
                    for _ in 0..n / count {
                        drive(&mut self.0);
                    }
                    drive(&mut self.0[..(n % count) as usize]);
                    start.elapsed()
                }

                /// The same, with new coroutines on these stacks.
                pub(crate) fn once(stacks: impl Iterator<Item = DefaultStack>, n: u64) -> Duration {
                    let mut turns = Self::on(stacks);
                    turns.take(warm_up(n));
                    turns.take(n)
                }
            }

            /// `n` coroutines, one after the other: created with the default constructor, run
            /// to the end and dropped.
            pub(crate) fn create(n: u64) -> Duration {
                #[inline(never)]
                fn drive(n: u64) -> Duration {
                    let start = Instant::now();
                    for _ in 0..n {
                        let mut c = Coroutine::new(|_: &Yielder<usize, ()>, value| value);
                        black_box(c.resume(black_box(1usize)));
                    }
                    start.elapsed()
                }
                drive(warm_up(n));
                drive(n)
            }

            /// `n` coroutines, one after the other: created on the stack at hand, run to the
            /// end and taken apart, so that the stack is at hand again.
            pub(crate) fn create_with_stack(n: u64) -> Duration {
                #[inline(never)]
                fn drive(mut stack: DefaultStack, n: u64) -> (Duration, DefaultStack) {
                    let start = Instant::now();
                    for _ in 0..n {
                        let mut c =
                            Coroutine::with_stack(stack, |_: &Yielder<usize, ()>, value| value);
                        black_box(c.resume(black_box(1usize)));
                        stack = c.into_stack();
                    }
                    (start.elapsed(), stack)
                }
                let (_, stack) = drive(DefaultStack::default(), warm_up(n));
                drive(stack, n).0
            }
        }
    };
}

workloads!(segno);
workloads!(corosensei);

/// What only this crate has: generators, plain and buffered.
pub(crate) mod generator {
    use ::segno::Generator;
    use ::segno::generator::Yielder;

    use super::*;

    /// `n` items in a `for` loop.
    pub(crate) fn items(n: u64) -> Duration {
        drain(warm_up(n), counter(warm_up(n) + n))
    }

    /// `n` items in a `for` loop, of which up to `ahead` are computed ahead of demand.
    pub(crate) fn buffered(ahead: usize, n: u64) -> Duration {
        drain(warm_up(n), counter(warm_up(n) + n).buffered(ahead))
    }

    /// `n` items that are all wanted, which takes no switch.
    pub(crate) fn for_each(n: u64) -> Duration {
        sum_for_each(counter(n))
    }

    /// `n` items from a recursion, in a `for` loop.
    pub(crate) fn recursion(n: u64) -> Duration {
        of_whole_walks(n, |walks| drain(NODES, walker(1 + walks)))
    }

    /// `n` items from a recursion, of which up to `ahead` are computed ahead of demand.
    pub(crate) fn recursion_buffered(ahead: usize, n: u64) -> Duration {
        of_whole_walks(n, |walks| drain(NODES, walker(1 + walks).buffered(ahead)))
    }

    /// `n` items from a recursion that are all wanted, which takes no switch.
    pub(crate) fn recursion_for_each(n: u64) -> Duration {
        of_whole_walks(n, |walks| sum_for_each(walker(walks)))
    }

    fn counter(n: u64) -> Generator<u64> {
        Generator::new(move |y| {
            for i in 0..n {
                y.suspend(i);
            }
        })
    }

    fn walker(walks: u64) -> Generator<u64> {
        fn walk(tree: &Option<Box<Tree>>, y: &Yielder<'_, u64>) {
            if let Some(node) = tree {
                walk(&node.left, y);
                y.suspend(node.value);
                walk(&node.right, y);
            }
        }
        Generator::new(move |y| {
            for _ in 0..walks {
                walk(&TREE, y);
            }
        })
    }

    #[inline(never)]
    fn sum_for_each(items: Generator<u64>) -> Duration {
        let (mut sum, start) = (0, Instant::now());
        items.for_each(|item| sum += black_box(item));
        black_box(sum);
        start.elapsed()
    }
}

/// What it takes to sum up all items but the first `skip`, in a `for` loop.
pub(crate) fn drain(skip: u64, mut items: impl Iterator<Item = u64>) -> Duration {
    #[inline(never)]
    fn sum(items: impl Iterator<Item = u64>) -> Duration {
        let (mut sum, start) = (0, Instant::now());
        for item in items {
            sum += black_box(item);
        }
        black_box(sum);
        start.elapsed()
    }
    for _ in 0..skip {
        black_box(items.next());
    }
    sum(items)
}
