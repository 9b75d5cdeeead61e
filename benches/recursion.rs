//! What does an item cost that comes from the depth of a recursion?
//!
//! What is measured, and how, is told in `workload`; results are in `README.md`.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use std::time::Duration;

use ::generator::{Gn, Scope, done};

mod sampled;
mod workload;

use sampled::{configured, group, row};
use workload::{NODES, TREE, Tree, corosensei, drain, generator as ours, of_whole_walks, segno};

/// `n` items by generator-rs.
fn generator_rs(n: u64) -> Duration {
    fn walk(tree: &Option<Box<Tree>>, scope: &mut Scope<'_, 'static, (), u64>) {
        if let Some(node) = tree {
            walk(&node.left, scope);
            scope.yield_(node.value);
            walk(&node.right, scope);
        }
    }
    of_whole_walks(n, |walks| {
        let items = Gn::new_scoped(move |mut scope| {
            for _ in 0..1 + walks {
                walk(&TREE, &mut scope);
            }
            done!()
        });
        drain(NODES, items)
    })
}

/// `n` items by an iterator as one writes it by hand, with a stack of its own making.
fn by_hand(n: u64) -> Duration {
    #[derive(Default)]
    struct InOrder<'a> {
        path: Vec<&'a Tree>,
    }
    impl<'a> InOrder<'a> {
        fn descend(&mut self, mut tree: &'a Option<Box<Tree>>) {
            while let Some(node) = tree {
                self.path.push(node);
                tree = &node.left;
            }
        }
    }
    impl Iterator for InOrder<'_> {
        type Item = u64;

        fn next(&mut self) -> Option<u64> {
            let node = self.path.pop()?;
            self.descend(&node.right);
            Some(node.value)
        }
    }
    of_whole_walks(n, |walks| {
        let items = (0..1 + walks).flat_map(|_| {
            let mut walk = InOrder::default();
            walk.descend(&TREE);
            walk
        });
        drain(NODES, items)
    })
}

fn recursion(c: &mut Criterion) {
    let mut items = group(c, "item from a recursion");
    row(&mut items, "segno, generator", ours::recursion);
    row(&mut items, "segno, buffered(64)", |n| {
        ours::recursion_buffered(64, n)
    });
    row(&mut items, "segno, for_each", ours::recursion_for_each);
    row(&mut items, "segno, coroutine in a loop", segno::recursion);
    row(
        &mut items,
        "corosensei, coroutine in a loop",
        corosensei::recursion,
    );
    row(&mut items, "generator-rs", generator_rs);
    row(&mut items, "iterator by hand", by_hand);
    items.finish();
}

criterion_group! {
    name = benches;
    config = configured();
    targets = recursion
}
criterion_main!(benches);
