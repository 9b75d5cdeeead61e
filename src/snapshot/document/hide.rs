//! What only secrets lead to.

use std::collections::HashSet;
use std::vec::Vec;

use super::{Document, FrameDocument, RootDocument, WaitsDocument};
use crate::frame::outline::{ChainOutline, Outline, PositionOutline, UnderOutline};
use crate::snapshot::tree::Tree;

/// What is referred to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Node {
    Part(u32),
    Object(u32),
}

/// Withholds what the hidden trees lead to, and the roots do not.
pub(super) fn hide(hidden: &[Tree], document: &mut Document) {
    let mut ahead = Vec::new();
    hidden.iter().for_each(|tree| of_tree(tree, &mut ahead));
    if ahead.is_empty() {
        return;
    }
    let secret = reached(document, ahead);
    let mut ahead = Vec::new();
    for root in &document.roots {
        match root {
            RootDocument::Value(value) => of_tree(value, &mut ahead),
            RootDocument::Continuation(k) => ahead.push(Node::Part(*k)),
            RootDocument::Machine { stack, waits } => {
                ahead.push(Node::Part(*stack));
                match waits {
                    WaitsDocument::Value(value) | WaitsDocument::Raised(value) => {
                        of_tree(value, &mut ahead);
                    }
                    WaitsDocument::Continuation(k) => ahead.push(Node::Part(*k)),
                    _ => {}
                }
            }
        }
    }
    let shown = reached(document, ahead);
    for node in secret.difference(&shown) {
        match *node {
            Node::Object(number) => {
                if let Some(object) = document.objects.get_mut(number as usize) {
                    object.value = Tree::Withheld;
                }
            }
            Node::Part(number) => {
                if let Some(part) = document.parts.get_mut(number as usize) {
                    withhold(part);
                }
            }
        }
    }
}

fn withhold(part: &mut Outline<Vec<FrameDocument>, Tree>) {
    match part {
        Outline::Segment {
            frames,
            marks,
            under,
            ..
        } => {
            frames.iter_mut().for_each(|it| it.slots = Tree::Withheld);
            marks.iter_mut().for_each(|it| it.value = Tree::Withheld);
            if let UnderOutline::Returned(value) | UnderOutline::Raised(value) = under {
                *value = Tree::Withheld;
            }
        }
        Outline::Winder { thunks: frames } | Outline::Entering { body: frames, .. } => {
            frames.iter_mut().for_each(|it| it.slots = Tree::Withheld);
        }
        Outline::Rest { .. } | Outline::Winders { .. } | Outline::Continuation { .. } => {}
    }
}

/// All that these lead to, and they themselves.
fn reached(document: &Document, mut ahead: Vec<Node>) -> HashSet<Node> {
    let mut reached = HashSet::new();
    while let Some(node) = ahead.pop() {
        if !reached.insert(node) {
            continue;
        }
        match node {
            Node::Object(number) => {
                if let Some(object) = document.objects.get(number as usize) {
                    of_tree(&object.value, &mut ahead);
                }
            }
            Node::Part(number) => {
                if let Some(part) = document.parts.get(number as usize) {
                    of_part(part, &mut ahead);
                }
            }
        }
    }
    reached
}

fn of_tree(tree: &Tree, to: &mut Vec<Node>) {
    tree.visit(&mut |tree| match tree {
        Tree::Shared(number) => to.push(Node::Object(*number)),
        Tree::Continuation(number) => to.push(Node::Part(*number)),
        _ => {}
    });
}

fn of_part(part: &Outline<Vec<FrameDocument>, Tree>, to: &mut Vec<Node>) {
    fn of_frames(frames: &[FrameDocument], to: &mut Vec<Node>) {
        frames.iter().for_each(|frame| of_tree(&frame.slots, to));
    }
    fn of_position(position: &PositionOutline, to: &mut Vec<Node>) {
        let segment = position.chain.map(|ChainOutline { segment, .. }| segment);
        to.extend(segment.into_iter().chain(position.rest).map(Node::Part));
    }
    match part {
        Outline::Segment {
            frames,
            marks,
            under,
            below,
        } => {
            of_frames(frames, to);
            marks.iter().for_each(|mark| of_tree(&mark.value, to));
            match under {
                UnderOutline::Nothing => {}
                UnderOutline::Entering(part) | UnderOutline::Inside(part) => {
                    to.push(Node::Part(*part));
                }
                UnderOutline::Returned(value) | UnderOutline::Raised(value) => of_tree(value, to),
            }
            to.extend(below.map(|below| Node::Part(below.segment)));
        }
        Outline::Rest { first, next } => {
            of_position(first, to);
            to.extend(next.map(Node::Part));
        }
        Outline::Winder { thunks } => of_frames(thunks, to),
        Outline::Winders { winder, at, below } => {
            to.push(Node::Part(*winder));
            of_position(at, to);
            to.extend(below.map(Node::Part));
        }
        Outline::Entering { winder, body } => {
            to.push(Node::Part(*winder));
            of_frames(body, to);
        }
        Outline::Continuation { levels } => {
            for level in levels {
                of_position(&level.position, to);
                to.extend(level.winders.map(Node::Part));
            }
        }
    }
}
