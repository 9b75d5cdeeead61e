//! Classic programs, each as one would write it.

#![cfg(all(unix, feature = "std"))]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use segno::generator::{self, Generator};
use segno::stack::Pool;
use segno::{Coroutine, CoroutineResult, Yielder};

/// A binary tree with letters in its leaves.
#[derive(Clone)]
enum Tree {
    Leaf(char),
    Fork(Rc<Tree>, Rc<Tree>),
}

fn leaf(letter: char) -> Tree {
    Tree::Leaf(letter)
}

fn fork(left: Tree, right: Tree) -> Tree {
    Tree::Fork(Rc::new(left), Rc::new(right))
}

fn fringe(tree: Tree) -> Generator<char> {
    fn walk(tree: &Tree, y: &generator::Yielder<'_, char>) {
        match tree {
            Tree::Leaf(letter) => y.suspend(*letter),
            Tree::Fork(left, right) => {
                walk(left, y);
                walk(right, y);
            }
        }
    }
    Generator::new(move |y| walk(&tree, y))
}

#[test]
fn same_fringe() {
    let left = "solfege".chars().map(leaf).reduce(fork).unwrap();
    let right = "solfege"
        .chars()
        .rev()
        .map(leaf)
        .reduce(|later, earlier| fork(earlier, later));
    assert!(fringe(left.clone()).eq(fringe(right.unwrap())));

    // What comes after the first difference is not looked at.
    let looked_at = Rc::new(Cell::new(0));
    let counter = looked_at.clone();
    let other = fringe(fork(leaf('s'), fork(leaf('x'), leaf('y'))));
    let counted = fringe(left).inspect(move |_| counter.set(counter.get() + 1));
    #[cfg(feature = "unwind")]
    {
        assert!(counted.ne(other));
        assert_eq!(looked_at.get(), 2);
    }
    #[cfg(not(feature = "unwind"))]
    assert!(counted.count() == 7 && other.count() == 3 && looked_at.get() == 7);
}

#[test]
fn eight_queens() {
    fn place(queens: &mut Vec<i32>, size: i32, y: &generator::Yielder<'_, Vec<i32>>) {
        let row = queens.len() as i32;
        if row == size {
            return y.suspend(queens.clone());
        }
        for column in 0..size {
            let attacked = (0..row)
                .zip(queens.iter())
                .any(|(r, &c)| c == column || row - r == (column - c).abs());
            if !attacked {
                queens.push(column);
                place(queens, size, y);
                queens.pop();
            }
        }
    }
    let queens = |size| Generator::new(move |y| place(&mut Vec::new(), size, y));

    let mut all = queens(8);
    assert_eq!(all.next(), Some(vec![0, 4, 7, 5, 2, 6, 1, 3]));
    assert_eq!(all.by_ref().count(), 91);
    assert_eq!(queens(6).buffered(3).last(), Some(vec![4, 2, 0, 5, 3, 1]));
    assert_eq!(queens(3).next(), None);
}

#[test]
fn pipeline() {
    // Each stage pulls from the one before it, by recursion on its own stack.
    fn numbers(limit: u32) -> Generator<u32> {
        Generator::new(move |y| (1..limit).for_each(|n| y.suspend(n)))
    }
    fn collatz(starts: impl Iterator<Item = u32> + 'static) -> Generator<(u32, u32)> {
        Generator::new(move |y| {
            for start in starts {
                let (mut n, mut steps) = (start, 0);
                while n != 1 {
                    n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
                    steps += 1;
                }
                y.suspend((start, steps));
            }
        })
    }
    fn records(lengths: impl Iterator<Item = (u32, u32)> + 'static) -> Generator<u32> {
        Generator::new(move |y| {
            let mut longest = None;
            for (start, steps) in lengths {
                if longest < Some(steps) {
                    longest = Some(steps);
                    y.suspend(start);
                }
            }
        })
    }
    let found: Vec<_> = records(collatz(numbers(100).buffered(8))).collect();
    assert_eq!(found, [1, 2, 3, 6, 7, 9, 18, 25, 27, 54, 73, 97]);
}

#[test]
fn producer_and_consumer() {
    // The consumer is a coroutine too: it is pushed to, and decides by itself when to add up.
    let mut consumer = Coroutine::new(|yielder: &Yielder<Option<u32>, usize>, mut input| {
        let mut sums = Vec::new();
        let mut batch = Vec::new();
        while let Some(item) = input {
            batch.push(item);
            if item % 4 == 0 {
                sums.push(batch.drain(..).sum::<u32>());
            }
            input = yielder.suspend(sums.len());
        }
        sums
    });
    let mut producer = Coroutine::<(), u32, ()>::new(|yielder, ()| {
        for n in 1..=12 {
            yielder.suspend(n);
        }
    });
    let mut batches = 0;
    while let CoroutineResult::Yield(item) = producer.resume(()) {
        batches = consumer.resume(Some(item)).as_yield().unwrap();
    }
    assert_eq!(batches, 3);
    assert_eq!(consumer.resume(None).as_return().unwrap(), [10, 26, 42]);
}

/// What a task asks of the scheduler.
enum Request {
    Pause,
    Spawn(Task),
    Wait(Queue),
}

type Queue = Rc<RefCell<VecDeque<u64>>>;
type Task = Coroutine<(), Request, ()>;

/// Runs tasks in turn until all have ended, and answers how many turns that took.
fn run_all(mut ready: VecDeque<Task>) -> usize {
    let mut waiting = Vec::new();
    let mut turns = 0;
    while let Some(mut task) = ready.pop_front() {
        turns += 1;
        match task.resume(()) {
            CoroutineResult::Return(()) => {}
            CoroutineResult::Yield(Request::Pause) => ready.push_back(task),
            CoroutineResult::Yield(Request::Spawn(other)) => ready.extend([other, task]),
            CoroutineResult::Yield(Request::Wait(queue)) => waiting.push((queue, task)),
        }
        let awake = waiting.extract_if(.., |(queue, _)| !queue.borrow().is_empty());
        ready.extend(awake.map(|(_, task)| task));
    }
    assert!(waiting.is_empty(), "a deadlock");
    turns
}

#[test]
fn scheduler() {
    const TASKS: u64 = 1000;

    let pool = Pool::builder().slot_size(256 * 1024).build();
    let order = Rc::new(RefCell::new(Vec::new()));
    let tasks = (0..TASKS)
        .map(|i| {
            let order = order.clone();
            let builder = Coroutine::builder().pool(&pool);
            let task = builder.build(move |yielder: &Yielder<(), Request>, ()| {
                for round in 0..3 {
                    order.borrow_mut().push(round * TASKS + i);
                    yielder.suspend(Request::Pause);
                }
            });
            task.unwrap()
        })
        .collect();
    assert_eq!(run_all(tasks), 4 * TASKS as usize);
    assert!(order.borrow().iter().copied().eq(0..3 * TASKS));
    assert_eq!(pool.stats().in_use, 0);
}

#[test]
fn scheduler_with_queues() {
    // A sieve: each prime is a task that passes on what it does not divide.
    fn take(queue: &Queue, yielder: &Yielder<(), Request>) -> u64 {
        loop {
            if let Some(item) = queue.borrow_mut().pop_front() {
                return item;
            }
            yielder.suspend(Request::Wait(queue.clone()));
        }
    }
    fn filter(queue: Queue, primes: Rc<RefCell<Vec<u64>>>) -> Task {
        Coroutine::new(move |yielder, ()| {
            let prime = take(&queue, yielder);
            if prime == 0 {
                return;
            }
            primes.borrow_mut().push(prime);
            let next = Queue::default();
            yielder.suspend(Request::Spawn(filter(next.clone(), primes.clone())));
            loop {
                let n = take(&queue, yielder);
                if n == 0 || !n.is_multiple_of(prime) {
                    next.borrow_mut().push_back(n);
                }
                if n == 0 {
                    return;
                }
                yielder.suspend(Request::Pause);
            }
        })
    }
    let (first, primes) = (Queue::default(), Rc::default());
    first.borrow_mut().extend((2..60).chain([0]));
    run_all([filter(first, Rc::clone(&primes))].into());
    let expected = [
        2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59,
    ];
    assert_eq!(*primes.borrow(), expected);
}

/// A parser by recursive descent that knows nothing of where its input comes from, and asks
/// for more of it from the bottom of the recursion.
struct Parser<'a> {
    yielder: &'a Yielder<String, &'static str>,
    text: RefCell<VecDeque<char>>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        loop {
            if let Some(&next) = self.text.borrow().front() {
                return Some(next).filter(|&next| next != ';');
            }
            let more = self.yielder.suspend("more, please");
            self.text
                .borrow_mut()
                .extend(more.chars().filter(|c| !c.is_whitespace()));
        }
    }

    fn take(&self, wanted: impl Fn(char) -> bool) -> Option<char> {
        let next = self.peek().filter(|&next| wanted(next))?;
        self.text.borrow_mut().pop_front();
        Some(next)
    }

    fn sum(&self) -> Result<i64, String> {
        let mut value = self.product()?;
        while let Some(sign) = self.take(|c| c == '+' || c == '-') {
            let next = self.product()?;
            value += if sign == '+' { next } else { -next };
        }
        Ok(value)
    }

    fn product(&self) -> Result<i64, String> {
        let mut value = self.factor()?;
        while self.take(|c| c == '*').is_some() {
            value *= self.factor()?;
        }
        Ok(value)
    }

    fn factor(&self) -> Result<i64, String> {
        if self.take(|c| c == '(').is_some() {
            let value = self.sum()?;
            let end = self.peek();
            return self
                .take(|c| c == ')')
                .map(|_| value)
                .ok_or(format!("no ) at {end:?}"));
        }
        let mut digits = String::new();
        while let Some(digit) = self.take(|c| c.is_ascii_digit()) {
            digits.push(digit);
        }
        digits
            .parse()
            .map_err(|_| format!("no number at {:?}", self.peek()))
    }
}

/// Feeds a text in pieces of `size` characters, and answers the value and the questions.
fn evaluate(text: &str, size: usize) -> (Result<i64, String>, usize) {
    let mut parser = Coroutine::new(|yielder: &Yielder<String, &'static str>, first: String| {
        let text = RefCell::new(first.chars().collect());
        Parser { yielder, text }.sum()
    });
    let text: Vec<char> = text.chars().collect();
    let mut pieces = text.chunks(size).map(String::from_iter);
    let mut questions = 0;
    loop {
        match parser.resume(pieces.next().expect("asked for more than there is")) {
            CoroutineResult::Yield(_) => questions += 1,
            CoroutineResult::Return(value) => return (value, questions),
        }
    }
}

#[test]
fn parser_that_asks_for_more() {
    let text = "2*(3+4)*(5-(6-7))+100-1;";
    for size in 1..=text.len() {
        let (value, questions) = evaluate(text, size);
        assert_eq!((value, questions), (Ok(183), text.len().div_ceil(size) - 1));
    }
    assert_eq!(evaluate("2+;", 1), (Err("no number at None".into()), 2));
    assert_eq!(evaluate("(1*2;", 2).0, Err("no ) at None".into()));
    let deep = format!("{}1{};", "(".repeat(300), ")".repeat(300));
    assert_eq!(evaluate(&deep, 7).0, Ok(1));
}
