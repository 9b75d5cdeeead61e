//! Threads that take turns, whether they like it or not.
//!
//! Each thread is a machine. A turn is so many steps; a thread that has more to do is paused
//! in the middle, wherever that is, and goes on at its next turn. One that waits for a
//! message suspends, and is passed over until there is one.

use std::collections::VecDeque;

use segno::frame::{Context, Frame, Input, Machine, Outcome, Refusal, Step};

/// How many steps a turn has.
const TURN: u64 = 50;

#[derive(Clone)]
enum Call {
    /// Computes a Fibonacci number, in a number of steps that grows as it does.
    Fibonacci { n: u64, left: Option<u64> },
    /// Sends the result of a computation to the printer.
    Send(&'static str, Box<Call>),
    /// Prints so many messages.
    Print(usize),
}
use Call::{Fibonacci, Print, Send};

/// The mailbox of the printer, and what it has printed.
#[derive(Default)]
struct World {
    mail: VecDeque<String>,
    printed: Vec<String>,
}

impl Frame for Call {
    /// A number; or nothing of interest, where a message has come.
    type Value = u64;
    type World = World;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match (self, input) {
            (&mut Fibonacci { n: n @ 0..=1, .. }, _) => Step::Return(n),
            (&mut Fibonacci { n, .. }, Input::Start) => Step::Call(Fibonacci {
                n: n - 1,
                left: None,
            }),
            (Fibonacci { n, left }, Input::Value(value)) => match *left {
                None => {
                    *left = Some(value);
                    Step::Call(Fibonacci {
                        n: *n - 2,
                        left: None,
                    })
                }
                Some(left) => Step::Return(left + value),
            },
            (Send(_, call), Input::Start) => Step::Call((**call).clone()),
            (Send(name, _), Input::Value(value)) => {
                cx.world.mail.push_back(format!("{name} is {value}"));
                Step::Return(value)
            }
            (Print(0), _) => Step::Return(0),
            (Print(left), _) => match cx.world.mail.pop_front() {
                Some(message) => {
                    cx.world.printed.push(message);
                    *left -= 1;
                    Step::TailCall(Print(*left))
                }
                None => Step::Suspend(0),
            },
            (_, input) => unreachable!("no frame asked for {input:?}"),
        }
    }
}

/// Runs the threads by turns; answers how many turns that took.
fn run(threads: impl IntoIterator<Item = Call>, world: &mut World) -> Result<usize, Refusal> {
    let mut ready: VecDeque<_> = threads.into_iter().map(Machine::new).collect();
    let mut waiting = Vec::new();
    let mut turns = 0;
    while let Some(mut thread) = ready.pop_front() {
        turns += 1;
        match thread.run_for(TURN, world)? {
            Outcome::Done(_) | Outcome::Raised(_) => {}
            Outcome::OutOfFuel => ready.push_back(thread),
            Outcome::Suspended(_) => waiting.push(thread),
        }
        if !world.mail.is_empty() {
            for mut thread in waiting.drain(..) {
                thread.answer(Ok(0))?;
                ready.push_back(thread);
            }
        }
    }
    Ok(turns)
}

fn main() -> Result<(), Refusal> {
    let fibonacci = |name, n| Send(name, Box::new(Fibonacci { n, left: None }));
    let threads = [
        Print(3),
        fibonacci("the 16th", 16),
        fibonacci("the 4th", 4),
        fibonacci("the 10th", 10),
    ];
    let mut world = World::default();
    let turns = run(threads, &mut world)?;
    for line in &world.printed {
        println!("{line}");
    }
    println!("after {turns} turns");
    assert_eq!(
        world.printed,
        ["the 4th is 3", "the 10th is 55", "the 16th is 987"]
    );
    Ok(())
}

#[test]
fn the_short_ones_come_first() {
    main().unwrap();
}
