//! Generators over trees without a stack of their own: do two trees have the same leaves?
//!
//! A generator is a walk under a prompt. To yield, it captures the rest of the walk and
//! leaves with it; who asked keeps it, and resumes it for the next leaf. As many walks as
//! there is memory for may be under way at once, each as large as its tree is deep.

use std::rc::Rc;

use segno::frame::{
    Context, Continuation, Frame, Input, Machine, Operator, Outcome, Place, PromptTag, Step,
};

const WALK: PromptTag = PromptTag::named("walk");

enum Tree {
    Leaf(u32),
    Fork(Rc<Tree>, Rc<Tree>),
}

fn fork(left: &Rc<Tree>, right: &Rc<Tree>) -> Rc<Tree> {
    Rc::new(Tree::Fork(left.clone(), right.clone()))
}

/// A walk: not begun, or paused.
#[derive(Clone)]
enum Walk {
    Of(Rc<Tree>),
    Paused(Continuation<Call>),
}

#[derive(Clone)]
enum Value {
    /// The next leaf, and the rest of the walk.
    Leaf(u32, Walk),
    /// The walk, or a part of it, has ended.
    End,
    Same(bool),
}

#[derive(Clone)]
enum Call {
    Visit(Rc<Tree>),
    /// The left side is being walked, and this is the right one.
    Then(Rc<Tree>),
    /// Goes back to who asked for a leaf.
    Give(u32),
    /// The next leaf of a walk.
    Next(Walk),
    /// Compares two walks.
    Compare(Walk, Walk),
    /// The first walk has answered; the second is asked.
    Against(Option<(u32, Walk)>),
}
use Call::{Against, Compare, Give, Next, Then, Visit};

impl Frame for Call {
    type Value = Value;
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        match (&mut *self, input) {
            (Visit(tree), Input::Start) => match &*tree.clone() {
                Tree::Leaf(n) => Step::Capture {
                    tag: WALK,
                    operator: Operator::Shift0,
                    place: Place::Prompt,
                    body: Give(*n),
                },
                Tree::Fork(left, right) => {
                    *self = Then(right.clone());
                    Step::Call(Visit(left.clone()))
                }
            },
            (Then(tree), Input::Value(_)) => Step::TailCall(Visit(tree.clone())),
            // The leaf was taken.
            (Visit(_), Input::Value(_)) => Step::Return(Value::End),
            (Give(n), Input::Continuation(rest)) => {
                Step::Return(Value::Leaf(*n, Walk::Paused(rest)))
            }
            (Next(Walk::Of(tree)), Input::Start) => Step::Prompt {
                tag: WALK,
                body: Visit(tree.clone()),
            },
            (Next(Walk::Paused(rest)), Input::Start) => Step::TailResume {
                continuation: rest.clone(),
                with: Ok(Value::End),
            },
            (Next(_), Input::Value(value)) => Step::Return(value),
            (Compare(first, second), Input::Start) => {
                let first = first.clone();
                *self = Compare(Walk::clone(&first), second.clone());
                Step::Call(Next(first))
            }
            (Compare(_, second), Input::Value(first)) => {
                let second = second.clone();
                *self = Against(match first {
                    Value::Leaf(n, rest) => Some((n, rest)),
                    _ => None,
                });
                Step::Call(Next(second))
            }
            (Against(first), Input::Value(second)) => match (first.take(), second) {
                (Some((n, first)), Value::Leaf(m, second)) if n == m => {
                    Step::TailCall(Compare(first, second))
                }
                (None, Value::End) => Step::Return(Value::Same(true)),
                _ => Step::Return(Value::Same(false)),
            },
            (_, input) => {
                let asked = match input {
                    Input::Value(_) => "value",
                    Input::Refused(_) => "refusal",
                    _ => "input",
                };
                unreachable!("no frame asked for this {asked}")
            }
        }
    }
}

fn same_fringe(one: &Rc<Tree>, other: &Rc<Tree>) -> bool {
    let walks = Compare(Walk::Of(one.clone()), Walk::Of(other.clone()));
    matches!(
        Machine::new(walks).run(&mut ()),
        Outcome::Done(Value::Same(true))
    )
}

fn main() {
    let leaf = |n| Rc::new(Tree::Leaf(n));
    let to_the_left = fork(&fork(&leaf(1), &leaf(2)), &leaf(3));
    let to_the_right = fork(&leaf(1), &fork(&leaf(2), &leaf(3)));
    let another = fork(&leaf(1), &fork(&leaf(2), &leaf(4)));
    println!(
        "((1 2) 3) and (1 (2 3)): {}",
        same_fringe(&to_the_left, &to_the_right)
    );
    println!(
        "((1 2) 3) and (1 (2 4)): {}",
        same_fringe(&to_the_left, &another)
    );
}

#[test]
fn compares() {
    main();
    let leaves: Vec<_> = (0..100).map(|n| Rc::new(Tree::Leaf(n))).collect();
    let to_the_left = leaves[1..]
        .iter()
        .fold(leaves[0].clone(), |tree, leaf| fork(&tree, leaf));
    let (last, others) = leaves.split_last().unwrap();
    let to_the_right = others
        .iter()
        .rev()
        .fold(last.clone(), |tree, leaf| fork(leaf, &tree));
    assert!(same_fringe(&to_the_left, &to_the_right));
    assert!(!same_fringe(&to_the_left, &fork(&leaves[0], &to_the_right)));
    assert!(!same_fringe(&to_the_left, &others[0].clone()));
}
