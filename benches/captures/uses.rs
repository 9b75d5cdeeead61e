//! Continuations that are used once and many times: generators that are suspended in a
//! recursion, and eight queens.

use std::hint::black_box;
use std::time::{Duration, Instant};

use segno::frame::{
    Context, Continuation, Frame, Input, Machine, Operator, Outcome, Place, PromptTag, Step,
};

/// Whether who resumes a continuation keeps it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Use {
    /// No: it is used once, and its frames are moved.
    Once,
    /// Yes: it could be resumed again, and the frames that run are cloned.
    Kept,
}

const WALK: PromptTag = PromptTag::named("walk");

#[derive(Clone)]
enum Walk {
    /// Takes so many items.
    Take(u64, Use, Option<Continuation<Walk>>),
    /// So many frames more.
    Descend(u64),
    /// Hands out items, one for each resumption.
    Items,
    Yield,
}

#[derive(Clone)]
enum Item {
    Nothing,
    Rest(Continuation<Walk>),
}

struct Probe {
    depth: u64,
    begun: Option<Instant>,
    taken: Duration,
}

impl Frame for Walk {
    type Value = Item;
    type World = Probe;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match (self, input) {
            (Self::Take(..), Input::Start) => Step::Prompt {
                tag: WALK,
                body: Self::Descend(cx.world.depth),
            },
            (&mut Self::Descend(left), Input::Start) => Step::Call(match left {
                0 => Self::Items,
                _ => Self::Descend(left - 1),
            }),
            (Self::Items, _) => Step::Capture {
                tag: WALK,
                operator: Operator::Shift0,
                place: Place::Prompt,
                body: Self::Yield,
            },
            (Self::Yield, Input::Continuation(rest)) => Step::Return(Item::Rest(rest)),
            (Self::Take(left, how, kept), Input::Value(Item::Rest(continuation))) => {
                let begun = *cx.world.begun.get_or_insert_with(Instant::now);
                if *left == 0 {
                    cx.world.taken = begun.elapsed();
                    return Step::Return(Item::Nothing);
                }
                *left -= 1;
                *kept = (*how == Use::Kept).then(|| continuation.clone());
                Step::Resume {
                    continuation,
                    with: Ok(Item::Nothing),
                }
            }
            _ => Step::Return(Item::Nothing),
        }
    }
}

/// `n` items of a generator that is suspended under so many frames each time.
pub(crate) fn items(depth: u64, how: Use, n: u64) -> Duration {
    let mut probe = Probe {
        depth,
        begun: None,
        taken: Duration::ZERO,
    };
    let outcome = Machine::new(Walk::Take(n, how, None)).run(&mut probe);
    assert!(matches!(outcome, Outcome::Done(_)));
    probe.taken
}

/// A board with a queen in each row so far.
#[derive(Clone, Copy)]
struct Board {
    size: u32,
    row: u32,
    /// Columns that are taken, and diagonals that are, as seen from this row.
    columns: u32,
    left: u32,
    right: u32,
}

impl Board {
    const fn new(size: u32) -> Self {
        Self {
            size,
            row: 0,
            columns: 0,
            left: 0,
            right: 0,
        }
    }

    /// With one more queen, unless another beats it.
    fn with(self, column: u32) -> Option<Self> {
        let queen = 1 << column;
        ((self.columns | self.left | self.right) & queen == 0).then_some(Self {
            size: self.size,
            row: self.row + 1,
            columns: self.columns | queen,
            left: (self.left | queen) << 1,
            right: (self.right | queen) >> 1,
        })
    }
}

const SEARCH: PromptTag = PromptTag::named("search");

/// A search that is written as if it always chose right: a call for each row.
#[derive(Clone)]
enum Search {
    Whole(Board),
    Row(Board),
    /// Goes on with each column.
    Choose(u32),
    Each(Option<Continuation<Search>>, u32),
}

impl Frame for Search {
    type Value = u32;
    /// How many solutions there are.
    type World = u64;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match (self, input) {
            (&mut Self::Whole(board), Input::Start) => Step::Prompt {
                tag: SEARCH,
                body: Self::Row(board),
            },
            (Self::Row(board), Input::Start) => {
                if board.row == board.size {
                    *cx.world += 1;
                    return Step::Return(0);
                }
                Step::Call(Self::Choose(board.size))
            }
            (Self::Row(board), Input::Value(column)) => match board.with(column) {
                // The frame of a row waits for the rows after it.
                Some(next) if board.row < board.size => {
                    board.row = board.size;
                    Step::Call(Self::Row(next))
                }
                _ => Step::Return(0),
            },
            (&mut Self::Choose(size), Input::Start) => Step::Capture {
                tag: SEARCH,
                operator: Operator::Shift,
                place: Place::Prompt,
                body: Self::Each(None, size),
            },
            (Self::Each(rest, left), input) => {
                if let Input::Continuation(k) = input {
                    *rest = Some(k);
                }
                match rest {
                    Some(k) if *left > 0 => {
                        *left -= 1;
                        Step::Resume {
                            continuation: k.clone(),
                            with: Ok(*left),
                        }
                    }
                    _ => Step::Return(0),
                }
            }
            (_, Input::Value(value)) => Step::Return(value),
            (_, input) => unreachable!("no frame asked for {input:?}"),
        }
    }
}

/// `n` times: all ways to put eight queens on a board.
pub(crate) fn queens(n: u64) -> Duration {
    let begun = Instant::now();
    for _ in 0..n {
        let mut found = 0;
        let outcome = Machine::new(Search::Whole(Board::new(black_box(8)))).run(&mut found);
        assert!(matches!(outcome, Outcome::Done(_)));
        assert_eq!(found, 92);
    }
    begun.elapsed()
}

/// The naive way: the stack is a `Vec`, and a continuation is a copy of it.
pub(crate) mod copying {
    use super::*;

    /// `n` items of a generator that is suspended under so many frames each time.
    pub(crate) fn items(depth: u64, n: u64) -> Duration {
        let mut stack: Vec<_> = (0..=depth).map(Walk::Descend).collect();
        stack.push(Walk::Items);
        let begun = Instant::now();
        for _ in 0..n {
            let rest = black_box(&stack).clone();
            stack.clear();
            stack.extend_from_slice(black_box(&rest));
        }
        begun.elapsed()
    }

    /// `n` times: all ways to put eight queens on a board.
    pub(crate) fn queens(n: u64) -> Duration {
        fn search(rest: &[Board], found: &mut u64) {
            let Some(board) = rest.last() else { return };
            if board.row == board.size {
                *found += 1;
                return;
            }
            for column in (0..board.size).rev() {
                let mut stack = rest.to_vec();
                if let Some(next) = board.with(column) {
                    stack.push(next);
                    search(&stack, found);
                }
            }
        }

        let begun = Instant::now();
        for _ in 0..n {
            let mut found = 0;
            search(&[Board::new(black_box(8))], &mut found);
            assert_eq!(found, 92);
        }
        begun.elapsed()
    }
}
