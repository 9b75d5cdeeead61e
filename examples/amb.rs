//! Choices that are taken back: Pythagorean triples and eight queens, by continuations that
//! are resumed once for each choice.
//!
//! A search is written as if it always chose right. `Choose` captures the rest of the search
//! and goes on with it for each number in turn; a search that meets a dead end just returns.

use segno::frame::{
    Context, Continuation, Frame, Input, Machine, Operator, Outcome, Place, PromptTag, Step,
};

const SEARCH: PromptTag = PromptTag::named("search");

#[derive(Clone)]
enum Search {
    /// Searches up to here.
    Whole(Box<Search>),
    /// Three sides of a right triangle, the shortest first, none longer than the limit.
    Triangle { sides: Vec<u32>, limit: u32 },
    /// One queen in each row of the board, by the columns they are in.
    Queens { columns: Vec<u32>, board: u32 },
    /// Every number from the first to the last.
    Choose { first: u32, last: u32 },
    /// Goes on with each number from the first to the last.
    Each {
        rest: Option<Continuation<Search>>,
        first: u32,
        last: u32,
    },
}

impl Frame for Search {
    /// A number that was chosen, or anything where a search has ended.
    type Value = u32;
    /// What was found.
    type World = Vec<Vec<u32>>;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match (self, input) {
            (Self::Whole(search), Input::Start) => Step::Prompt {
                tag: SEARCH,
                body: (**search).clone(),
            },
            (Self::Triangle { sides, limit }, input) => {
                if let Input::Value(side) = input {
                    sides.push(side);
                }
                match sides[..] {
                    [a, b, c] => {
                        if a * a + b * b == c * c {
                            cx.world.push(sides.clone());
                        }
                        Step::Return(0)
                    }
                    _ => Step::Call(Self::Choose {
                        first: sides.last().map_or(1, |side| side + 1),
                        last: *limit,
                    }),
                }
            }
            (Self::Queens { columns, board }, input) => {
                if let Input::Value(column) = input {
                    let beats = |(row, &other): (usize, &u32)| {
                        let rows = (columns.len() - row) as u32;
                        other == column || other.abs_diff(column) == rows
                    };
                    if columns.iter().enumerate().any(beats) {
                        return Step::Return(0);
                    }
                    columns.push(column);
                }
                if columns.len() == *board as usize {
                    cx.world.push(columns.clone());
                    return Step::Return(0);
                }
                Step::Call(Self::Choose {
                    first: 1,
                    last: *board,
                })
            }
            (&mut Self::Choose { first, last }, Input::Start) => Step::Capture {
                tag: SEARCH,
                operator: Operator::Shift,
                place: Place::Prompt,
                body: Self::Each {
                    rest: None,
                    first,
                    last,
                },
            },
            (Self::Each { rest, first, last }, input) => {
                if let Input::Continuation(k) = input {
                    *rest = Some(k);
                }
                match rest {
                    Some(k) if *first <= *last => {
                        *first += 1;
                        Step::Resume {
                            continuation: k.clone(),
                            with: Ok(*first - 1),
                        }
                    }
                    _ => Step::Return(0),
                }
            }
            (Self::Choose { .. } | Self::Whole(_), Input::Value(n)) => Step::Return(n),
            (_, input) => unreachable!("no frame asked for {input:?}"),
        }
    }
}

fn solutions(search: Search) -> Vec<Vec<u32>> {
    let mut found = Vec::new();
    let outcome = Machine::new(Search::Whole(Box::new(search))).run(&mut found);
    assert!(matches!(outcome, Outcome::Done(_)));
    found
}

fn main() {
    let sides = Vec::new();
    for triangle in solutions(Search::Triangle { sides, limit: 20 }) {
        println!("a right triangle: {triangle:?}");
    }
    let columns = Vec::new();
    let found = solutions(Search::Queens { columns, board: 8 });
    println!(
        "eight queens in {} ways, such as {:?}",
        found.len(),
        found[0]
    );
}

#[test]
fn finds_all() {
    main();
    let limit = 20;
    let triangles = solutions(Search::Triangle {
        sides: Vec::new(),
        limit,
    });
    assert_eq!(triangles.len(), 6);
    assert!(triangles.contains(&vec![8, 15, 17]));
    for (board, ways) in [(4, 2), (5, 10), (6, 4), (8, 92)] {
        let columns = Vec::new();
        assert_eq!(solutions(Search::Queens { columns, board }).len(), ways);
    }
}
