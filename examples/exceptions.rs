//! Exceptions whose handler decides how it goes on: where the error was, or here.
//!
//! The reader of a list of numbers signals what it cannot read. The signal captures the rest
//! of the reading, and the handler, which runs at its prompt, either goes on with it, as if
//! the reader had read what the handler says, or drops it and answers instead. Common Lisp
//! calls that *restarts*.

use segno::frame::{Context, Frame, Input, Machine, Operator, Outcome, Place, PromptTag, Step};

const HANDLER: PromptTag = PromptTag::named("handler");

/// What a handler does about a word that is no number.
#[derive(Clone, Copy)]
enum Policy {
    /// It counts as this.
    Use(i64),
    /// The sum is this, whatever was read.
    GiveUp(i64),
    /// It is an error for somebody further out.
    Decline,
}

#[derive(Clone)]
enum Call {
    /// Reads under a handler.
    Handled(Policy, &'static str),
    /// The sum of the words that are left, and of those that were read.
    Sum(&'static str, i64),
    /// Answers a signal.
    Answer(Policy),
}
use Call::{Answer, Handled, Sum};

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Number(i64),
    Unreadable(&'static str),
}

/// The handlers that are in force, innermost last, and what was said about them.
#[derive(Default)]
struct World {
    policies: Vec<Policy>,
    log: Vec<String>,
}

impl Frame for Call {
    type Value = Value;
    type World = World;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match (&mut *self, input) {
            (&mut Handled(policy, words), Input::Start) => {
                cx.world.policies.push(policy);
                Step::Prompt {
                    tag: HANDLER,
                    body: Sum(words, 0),
                }
            }
            (Handled(..), Input::Value(sum)) => {
                cx.world.policies.pop();
                Step::Return(sum)
            }
            (Sum(words, so_far), input) => {
                if let Input::Value(Value::Number(used)) = input {
                    *so_far += used;
                }
                let Some(word) = words.split_whitespace().next() else {
                    return Step::Return(Value::Number(*so_far));
                };
                *words = &words.trim_start()[word.len()..];
                if let Ok(n) = word.parse::<i64>() {
                    *so_far += n;
                    return Step::TailCall(self.clone());
                }
                cx.world.log.push(format!("cannot read {word}"));
                match cx.world.policies.last() {
                    Some(Policy::Decline) | None => Step::Raise(Value::Unreadable(word)),
                    Some(&policy) => Step::Capture {
                        tag: HANDLER,
                        operator: Operator::Shift,
                        place: Place::Prompt,
                        body: Answer(policy),
                    },
                }
            }
            (&mut Answer(policy), Input::Continuation(reading)) => match policy {
                Policy::Use(n) => Step::TailResume {
                    continuation: reading,
                    with: Ok(Value::Number(n)),
                },
                Policy::GiveUp(n) => Step::Return(Value::Number(n)),
                Policy::Decline => unreachable!("it does not ask"),
            },
            (_, input) => unreachable!("no frame asked for {input:?}"),
        }
    }
}

fn sum(policy: Policy, words: &'static str) -> (Outcome<Value>, Vec<String>) {
    let mut world = World::default();
    let outcome = Machine::new(Handled(policy, words)).run(&mut world);
    (outcome, world.log)
}

fn main() {
    let words = "1 2 three 4 five";
    println!("to be summed up: {words}");
    for (policy, text) in [
        (Policy::Use(100), "use 100"),
        (Policy::GiveUp(-1), "give up with -1"),
        (Policy::Decline, "decline"),
    ] {
        println!("{text}: {:?}", sum(policy, words));
    }
}

#[test]
fn handlers_decide() {
    main();
    let done = |n| Outcome::Done(Value::Number(n));
    assert_eq!(sum(Policy::Use(100), "1 x 2 y").0, done(203));
    assert_eq!(sum(Policy::Use(100), "1 x 2 y").1.len(), 2);
    assert_eq!(sum(Policy::GiveUp(-1), "1 x 2 y").0, done(-1));
    assert_eq!(sum(Policy::GiveUp(-1), "1 x 2 y").1, ["cannot read x"]);
    let (outcome, _) = sum(Policy::Decline, "1 x");
    assert_eq!(outcome, Outcome::Raised(Value::Unreadable("x")));
    assert_eq!(sum(Policy::Decline, "1 2").0, done(3));
}
