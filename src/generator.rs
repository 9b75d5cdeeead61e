//! Generators: a coroutine as an iterator.
//!
//! The body suspends with each item, from any depth of ordinary recursion. Where nobody
//! needs the items one at a time, it is not run as a coroutine at all: `for_each` and `fold`
//! on a generator that has not started call the body right here, and each item is a call
//! of the closure.

#![forbid(unsafe_code)]

use alloc::boxed::Box;
use core::cell::RefCell;
use core::fmt;
use core::iter::FusedIterator;
use core::mem;

use crate::batch::{Draining, Filling, Full, Places};
use crate::coroutine::{self, Coroutine, CoroutineResult, on_stack};
use crate::scoped::{ScopedCoroutine, ScopedCoroutineRef};
use crate::stack::{DefaultStack, Stack};

/// What the body of a generator suspends itself with. (That of a coroutine is another:
/// [`segno::Yielder`](crate::Yielder).)
pub struct Yielder<'a, T> {
    to: Taker<'a, T>,
    /// The batch in the making; it has no places unless items are taken by the batch.
    batch: RefCell<Filling<T>>,
}

/// Where items go.
#[derive(Clone, Copy)]
enum Taker<'a, T> {
    /// One by one to `next`, by a switch.
    Resumer(&'a coroutine::Yielder<(), T>),
    /// To `Buffered`, which exchanges a full batch for an empty one.
    Batches(&'a coroutine::Yielder<Places<T>, Full<T>>),
    /// To the closure of a `fold`, by a call.
    Closure(&'a RefCell<dyn FnMut(T) + 'a>),
}

impl<T> Yielder<'_, T> {
    /// Hands out `item`, and goes on when the next one is asked for.
    ///
    /// # Panics
    ///
    /// When the generator is dropped meanwhile: that is how its body is unwound.
    ///
    /// Code that catches panics and goes on should let that one pass; see
    /// [`unwind::is_forced`](crate::unwind::is_forced).
    // Nothing here lends the yielder out: in a body that is inlined, its fields are registers
    // or known to the compiler. Without optimisation they would be memory in the frames of
    // a recursion that suspends.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn suspend(&self, item: T) {
        match self.to {
            Taker::Resumer(resumer) => resumer.suspend(item),
            Taker::Batches(consumer) => {
                let Err(item) = self.batch.borrow_mut().push(item) else {
                    return;
                };
                let full = self.batch.borrow_mut().take_full();
                let mut batch = Filling::new(consumer.suspend(full));
                let _ = batch.push(item);
                self.batch.replace(batch);
            }
            Taker::Closure(closure) => (closure.borrow_mut())(item),
        }
    }
}

impl<T> fmt::Debug for Yielder<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yielder").finish_non_exhaustive()
    }
}

/// A body that is given where its items go, and places for a first batch; answers the last
/// batch too.
///
/// The yielder is made inside, where the compiler sees both it and the body.
type Body<T, R> = Box<dyn FnOnce(Taker<'_, T>, Places<T>) -> (R, Filling<T>)>;

fn boxed<T, R>(body: impl FnOnce(&Yielder<'_, T>) -> R + 'static) -> Body<T, R> {
    Box::new(move |to, places| {
        let batch = RefCell::new(Filling::new(places));
        let yielder = Yielder { to, batch };
        let returned = body(&yielder);
        (returned, yielder.batch.into_inner())
    })
}

/// An iterator whose items are what a body of ordinary code suspends itself with.
///
/// ```
/// use segno::generator::{Generator, Yielder};
///
/// enum Tree {
///     Leaf,
///     Node(Box<Tree>, u32, Box<Tree>),
/// }
///
/// fn in_order(tree: &Tree, y: &Yielder<u32>) {
///     if let Tree::Node(left, value, right) = tree {
///         in_order(left, y);
///         y.suspend(*value);
///         in_order(right, y);
///     }
/// }
///
/// let node = |l, v, r| Box::new(Tree::Node(l, v, r));
/// let leaf = || Box::new(Tree::Leaf);
/// let tree = node(node(leaf(), 1, leaf()), 2, node(leaf(), 3, leaf()));
/// let values: Vec<u32> = Generator::new(move |y| in_order(&tree, y)).collect();
/// assert_eq!(values, [1, 2, 3]);
/// ```
///
/// What the body returns is kept for after the loop:
///
/// ```
/// let mut lines = segno::Generator::new(|y| {
///     let text = "one\ntwo\nthree";
///     for line in text.lines() {
///         y.suspend(line);
///     }
///     text.len()
/// });
/// for line in &mut lines {
///     assert!(!line.is_empty());
/// }
/// assert_eq!(lines.into_return(), Some(13));
/// ```
///
/// A generator takes a stack, from the default pool, when its first item is asked for; one
/// that is consumed whole by `for_each`, `sum` or `fold` before that runs on the caller's.
/// It stays on its thread. To send one elsewhere, send what makes it.
/// Dropping it unwinds the body, as with a [`Coroutine`]; a panic of the body goes on from
/// `next`, and ends the iteration.
///
/// The body is `'static`, since a generator can be forgotten with a `thread::scope` open on
/// its stack; [`Generator::scope`] lends one that borrows.
///
/// ```compile_fail,E0373
/// let data = vec![1, 2, 3];
/// let sums = segno::Generator::new(|y| {
///     for x in &data {
///         y.suspend(*x);
///     }
/// });
/// ```
pub struct Generator<T, R = (), S: Stack = DefaultStack> {
    state: State<T, R, S>,
}

/// What has become of the body.
enum State<T, R, S: Stack> {
    /// It waits for the first call of `next`, which gets it a stack.
    Fresh(Body<T, R>, Supply<S>),
    /// It runs as a coroutine; done only if it panicked.
    Running(Coroutine<(), T, R, S>),
    /// It returned; or is on its way from one state to another.
    Ended(Option<R>),
}

/// Where the stack comes from.
enum Supply<S> {
    AtHand(S),
    Later(fn() -> S),
}

impl<S> Supply<S> {
    fn stack(self) -> S {
        match self {
            Self::AtHand(stack) => stack,
            Self::Later(make) => make(),
        }
    }
}

impl<T, R> Generator<T, R> {
    /// An iterator over what `body` suspends itself with.
    ///
    /// The first `next` panics if there is no stack to be had then.
    pub fn new(body: impl FnOnce(&Yielder<'_, T>) -> R + 'static) -> Self {
        Self {
            state: State::Fresh(boxed(body), Supply::Later(DefaultStack::default)),
        }
    }

    /// Lends `f` a generator whose body may borrow; answers what `f` does.
    ///
    /// ```
    /// use segno::Generator;
    ///
    /// let numbers = vec![3, 1, 2];
    /// let sum = Generator::scope(
    ///     |y| numbers.iter().for_each(|n| y.suspend(n)),
    ///     |items| items.take(2).sum::<i32>(),
    /// );
    /// assert_eq!(sum, 4);
    /// ```
    ///
    /// The items stay in the scope:
    ///
    /// ```compile_fail
    /// let numbers = vec![3, 1, 2];
    /// let escaped = segno::Generator::scope(
    ///     |y| numbers.iter().for_each(|n| y.suspend(n)),
    ///     |items| items,
    /// );
    /// ```
    ///
    /// # Panics
    ///
    /// If there is no stack to be had; or with the panic that leaves `body` or `f`.
    pub fn scope<U>(
        body: impl FnOnce(&Yielder<'_, T>) -> R,
        f: impl FnOnce(Items<'_, T, R>) -> U,
    ) -> U {
        ScopedCoroutine::new(|resumer, ()| {
            let to = Taker::Resumer(resumer);
            body(&Yielder {
                to,
                batch: RefCell::new(Filling::new(Places::new(0))),
            })
        })
        .scope(|coroutine| {
            f(Items {
                coroutine,
                returned: None,
            })
        })
    }
}

impl<T, R, S: Stack> Generator<T, R, S> {
    /// Like [`new`](Self::new), on a stack at hand.
    pub fn with_stack(stack: S, body: impl FnOnce(&Yielder<'_, T>) -> R + 'static) -> Self {
        Self {
            state: State::Fresh(boxed(body), Supply::AtHand(stack)),
        }
    }

    /// What the body returned, once the iteration has ended.
    pub fn return_value(&self) -> Option<&R> {
        match &self.state {
            State::Ended(value) => value.as_ref(),
            _ => None,
        }
    }

    /// What the body returned, if the iteration has ended.
    pub fn into_return(self) -> Option<R> {
        match self.state {
            State::Ended(value) => value,
            _ => None,
        }
    }
}

impl<T: 'static, R: 'static, S: Stack + 'static> Generator<T, R, S> {
    /// The same items, of which the body computes up to `n` ahead of demand.
    ///
    /// That pays one switch for `n` items instead of one for each. It is another program if
    /// the body has effects that its consumer can see between two items. Items that were
    /// computed and not asked for are dropped with the iterator; if the body panics, those
    /// before the panic are lost.
    ///
    /// ```
    /// let squares = segno::Generator::new(|y| (0u64..).for_each(|n| y.suspend(n * n)));
    /// assert_eq!(squares.buffered(64).take(1000).last(), Some(998_001));
    /// ```
    ///
    /// # Panics
    ///
    /// If `n` is 0, or the generator has started.
    pub fn buffered(self, n: usize) -> Buffered<T, R, S> {
        assert!(n > 0, "a buffer for no items");
        let State::Fresh(body, supply) = self.state else {
            panic!("a generator can be buffered only before it has started");
        };
        let run =
            |consumer: &coroutine::Yielder<_, _>, places| body(Taker::Batches(consumer), places);
        let coroutine = Coroutine::with_stack(supply.stack(), run);
        Buffered {
            batch: Draining::empty(Places::new(n)),
            source: Box::new(Source {
                coroutine,
                returned: None,
            }),
        }
    }

    #[cold]
    fn start(&mut self) -> Option<T> {
        match mem::replace(&mut self.state, State::Ended(None)) {
            State::Fresh(body, supply) => {
                let run = |resumer: &coroutine::Yielder<_, _>, ()| {
                    body(Taker::Resumer(resumer), Places::new(0)).0
                };
                self.state = State::Running(Coroutine::with_stack(supply.stack(), run));
                self.next()
            }
            ended => {
                self.state = ended;
                None
            }
        }
    }
}

impl<T: 'static, R: 'static, S: Stack + 'static> Iterator for Generator<T, R, S> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        let State::Running(coroutine) = &mut self.state else {
            return self.start();
        };
        if coroutine.done() {
            return None;
        }
        match coroutine.resume(()) {
            CoroutineResult::Yield(item) => Some(item),
            CoroutineResult::Return(value) => {
                self.state = State::Ended(Some(value));
                None
            }
        }
    }

    /// Folds all items. On a generator that has not started, the body runs on the caller's
    /// stack, or the one that it was given, without a switch for each item.
    ///
    /// `for_each`, `sum`, `count`, `last` and the like come here; `collect` into a `Vec`,
    /// `extend` and whatever goes by reference do not.
    fn fold<B, F: FnMut(B, T) -> B>(self, init: B, mut f: F) -> B {
        let mut folded = Some(init);
        let mut step = |item| {
            let so_far = folded
                .take()
                .expect("the closure of a fold panicked before");
            folded = Some(f(so_far, item));
        };
        match self.state {
            State::Fresh(body, Supply::Later(_)) => {
                body(Taker::Closure(&RefCell::new(step)), Places::new(0));
            }
            // The caller knows why the body gets this stack.
            State::Fresh(body, Supply::AtHand(stack)) => {
                on_stack(stack, || {
                    body(Taker::Closure(&RefCell::new(step)), Places::new(0));
                });
            }
            _ => {
                for item in self {
                    step(item);
                }
            }
        }
        folded.expect("the closure of a fold panicked, and the body caught it")
    }
}

impl<T: 'static, R: 'static, S: Stack + 'static> FusedIterator for Generator<T, R, S> {}

impl<T, R, S: Stack> fmt::Debug for Generator<T, R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.state {
            State::Fresh(..) => "Generator(fresh)",
            State::Running(coroutine) if coroutine.done() => "Generator(panicked)",
            State::Running(_) => "Generator(running)",
            State::Ended(_) => "Generator(ended)",
        })
    }
}

/// A generator whose body runs ahead; see [`Generator::buffered`].
pub struct Buffered<T, R = (), S: Stack = DefaultStack> {
    /// What was computed and not asked for.
    batch: Draining<T>,
    // Elsewhere, and given the places by value: in a loop that is inlined, the batch is
    // registers.
    source: Box<Source<T, R, S>>,
}

/// Where batches come from.
struct Source<T, R, S: Stack> {
    coroutine: Coroutine<Places<T>, Full<T>, (R, Filling<T>), S>,
    returned: Option<R>,
}

impl<T, R, S: Stack> Source<T, R, S> {
    /// Lets the body fill the places. Items stay out if the body has ended.
    #[inline]
    fn refill(&mut self, places: Places<T>) -> Draining<T> {
        if self.coroutine.done() {
            return Draining::empty(places);
        }
        match self.coroutine.resume(places) {
            CoroutineResult::Yield(full) => Draining::full(full),
            CoroutineResult::Return((value, part)) => {
                self.returned = Some(value);
                Draining::part(part)
            }
        }
    }
}

impl<T, R, S: Stack> Buffered<T, R, S> {
    /// What the body returned, once all items were taken.
    pub fn return_value(&self) -> Option<&R> {
        self.source
            .returned
            .as_ref()
            .filter(|_| self.batch.is_empty())
    }

    /// What the body returned, if all items were taken.
    pub fn into_return(self) -> Option<R> {
        if self.batch.is_empty() {
            self.source.returned
        } else {
            None
        }
    }
}

impl<T, R, S: Stack> Iterator for Buffered<T, R, S> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        loop {
            if let Some(item) = self.batch.pop() {
                return Some(item);
            }
            self.batch = self.source.refill(self.batch.take_places());
            if self.batch.is_empty() {
                return None;
            }
        }
    }
}

impl<T, R, S: Stack> FusedIterator for Buffered<T, R, S> {}

impl<T, R, S: Stack> fmt::Debug for Buffered<T, R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffered")
            .field("source_ended", &self.source.coroutine.done())
            .finish_non_exhaustive()
    }
}

/// A generator that borrows, within its scope; see [`Generator::scope`].
pub struct Items<'a, T, R = ()> {
    coroutine: ScopedCoroutineRef<'a, (), T, R, DefaultStack>,
    returned: Option<R>,
}

impl<T, R> Items<'_, T, R> {
    /// What the body returned, once the iteration has ended.
    pub fn return_value(&self) -> Option<&R> {
        self.returned.as_ref()
    }

    /// What the body returned, if the iteration has ended.
    pub fn into_return(self) -> Option<R> {
        self.returned
    }
}

impl<T, R> Iterator for Items<'_, T, R> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        if self.coroutine.done() {
            return None;
        }
        match self.coroutine.resume(()) {
            CoroutineResult::Yield(item) => Some(item),
            CoroutineResult::Return(value) => {
                self.returned = Some(value);
                None
            }
        }
    }
}

impl<T, R> FusedIterator for Items<'_, T, R> {}

impl<T, R> fmt::Debug for Items<'_, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("done", &self.coroutine.done())
            .finish_non_exhaustive()
    }
}
