//! Classic programs.

#![cfg(feature = "unwind")]

use std::collections::VecDeque;

use segno::generator::{Generator, Yielder};
use segno::{Coroutine, CoroutineResult};

#[derive(Clone, Debug)]
enum Tree {
    Leaf(u32),
    Node(Box<Tree>, Box<Tree>),
}

impl Tree {
    /// Leaves `from..to` under nodes that split at `split(from, to)`.
    fn new(from: u32, to: u32, split: fn(u32, u32) -> u32) -> Self {
        if to - from == 1 {
            return Self::Leaf(from);
        }
        let middle = split(from, to);
        let [left, right] = [(from, middle), (middle, to)].map(|(a, b)| Self::new(a, b, split));
        Self::Node(Box::new(left), Box::new(right))
    }

    fn fringe(&self, y: &Yielder<u32>) {
        match self {
            Self::Leaf(value) => y.suspend(*value),
            Self::Node(left, right) => {
                left.fringe(y);
                right.fringe(y);
            }
        }
    }

    fn leaves(self) -> Generator<u32> {
        Generator::new(move |y| self.fringe(y))
    }
}

#[test]
fn same_fringe() {
    let balanced = Tree::new(0, 200, |a, b| a + (b - a) / 2);
    let to_the_left = Tree::new(0, 200, |_, b| b - 1);
    let to_the_right = Tree::new(0, 200, |a, _| a + 1);
    let shorter = Tree::new(0, 199, |a, b| a + (b - a) / 2);
    assert!(balanced.clone().leaves().eq(to_the_left.leaves()));
    assert!(balanced.clone().leaves().eq(to_the_right.leaves()));
    assert!(!balanced.leaves().eq(shorter.leaves()));
}

#[test]
fn eight_queens() {
    fn place(queens: &mut Vec<usize>, y: &Yielder<Vec<usize>>) {
        let row = queens.len();
        if row == 8 {
            return y.suspend(queens.clone());
        }
        for column in 0..8 {
            let attacked = queens
                .iter()
                .enumerate()
                .any(|(r, &c)| c == column || c + row - r == column || column + row - r == c);
            if !attacked {
                queens.push(column);
                place(queens, y);
                queens.pop();
            }
        }
    }
    let solutions = || Generator::new(|y| place(&mut Vec::new(), y));
    assert_eq!(solutions().next(), Some(vec![0, 4, 7, 5, 2, 6, 1, 3]));
    // Counting needs no switch, buffering few; the solutions are the same.
    assert_eq!(solutions().count(), 92);
    assert!(solutions().buffered(10).eq(&mut solutions()));
}

#[test]
fn sieve_as_a_pipeline() {
    let mut numbers: Box<dyn Iterator<Item = u32>> =
        Box::new(Generator::new(|y| (2..).for_each(|n| y.suspend(n))));
    let mut primes = Vec::new();
    for _ in 0..60 {
        let prime = numbers.next().unwrap();
        primes.push(prime);
        numbers = Box::new(Generator::new(move |y| {
            for n in numbers {
                if n % prime != 0 {
                    y.suspend(n);
                }
            }
        }));
    }
    assert_eq!(primes[..5], [2, 3, 5, 7, 11]);
    assert_eq!(primes[59], 281);
}

#[test]
fn round_robin_of_a_thousand() {
    let mut ready: VecDeque<_> = (0..1000u32)
        .map(|id| {
            Coroutine::<(), u32, u32>::new(move |yielder, ()| {
                for _ in 0..id % 7 {
                    yielder.suspend(id);
                }
                id
            })
        })
        .collect();
    let (mut turns, mut finished) = (0, Vec::new());
    while let Some(mut coroutine) = ready.pop_front() {
        turns += 1;
        match coroutine.resume(()) {
            CoroutineResult::Yield(_) => ready.push_back(coroutine),
            CoroutineResult::Return(id) => finished.push(id),
        }
    }
    assert_eq!(turns, (0..1000).map(|id| id % 7 + 1).sum());
    // Those with fewer turns are done first, in their order.
    let mut expected: Vec<u32> = (0..1000).collect();
    expected.sort_by_key(|id| id % 7);
    assert_eq!(finished, expected);
}

/// A recursive-descent parser that suspends where its input ends, and is fed the rest.
#[test]
fn parser_that_asks_for_more() {
    struct Input<'a> {
        chunk: Vec<u8>,
        at: usize,
        more: &'a segno::Yielder<&'static str, ()>,
    }

    impl Input<'_> {
        fn peek(&mut self) -> u8 {
            while self.at == self.chunk.len() {
                self.chunk = self.more.suspend(()).as_bytes().to_vec();
                self.at = 0;
            }
            self.chunk[self.at]
        }

        fn sum(&mut self) -> i64 {
            let mut value = self.product();
            while self.peek() == b'+' {
                self.at += 1;
                value += self.product();
            }
            value
        }

        fn product(&mut self) -> i64 {
            let mut value = self.atom();
            while self.peek() == b'*' {
                self.at += 1;
                value *= self.atom();
            }
            value
        }

        fn atom(&mut self) -> i64 {
            if self.peek() == b'(' {
                self.at += 1;
                let value = self.sum();
                assert_eq!(self.peek(), b')');
                self.at += 1;
                return value;
            }
            let mut value = 0;
            while self.peek().is_ascii_digit() {
                value = value * 10 + i64::from(self.peek() - b'0');
                self.at += 1;
            }
            value
        }
    }

    let text = "(12+3)*(4+5*(6+1))+100;";
    for cut in 0..text.len() {
        for cut_again in cut..text.len() {
            let mut parser = Coroutine::<&'static str, (), i64>::new(|more, first| {
                let chunk = first.as_bytes().to_vec();
                Input { chunk, at: 0, more }.sum()
            });
            let mut outcome = None;
            for chunk in [&text[..cut], &text[cut..cut_again], &text[cut_again..]] {
                assert_eq!(outcome, None);
                outcome = parser.resume(chunk).as_return();
            }
            assert_eq!(outcome, Some(15 * 39 + 100));
        }
    }
}
