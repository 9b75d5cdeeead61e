//! Increments: snapshots of what has changed since another one.

use std::rc::Rc;

use segno::frame::{Context, Describe, Frame, Input, Machine, Outcome, PromptTag, Step};
use segno::snapshot::{
    Base, LoadError, LoadLimits, Loaded, Object, Persist, Registry, Save, SaveError, Shared,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Node {
    n: u64,
    next: Vec<Shared<Node>>,
}

impl Object for Node {
    const NAME: &'static str = "node";
}

/// Calls itself so often, asks, and then adds what it is told to what it shares.
#[derive(Clone, Debug, Describe, Persist)]
struct Count {
    left: u32,
    small: u32,
    #[slot(shared)]
    sum: Option<Shared<Node>>,
}

impl Count {
    fn new(left: u32) -> Self {
        let (small, sum) = (0, None);
        Self { left, small, sum }
    }
}

impl Frame for Count {
    /// To call itself so often again, or to be returned.
    type Value = Option<u32>;
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        match input {
            Input::Start if self.left == 0 => Step::Suspend(None),
            Input::Start => Step::Call(Self {
                left: self.left - 1,
                ..self.clone()
            }),
            Input::Value(Some(more)) if self.left == 0 => Step::TailCall(Self {
                left: more,
                ..self.clone()
            }),
            Input::Value(value) => {
                if let Some(sum) = &self.sum {
                    sum.update(|node| node.n += 1);
                }
                Step::Return(value)
            }
            _ => Step::Raise(None),
        }
    }
}

fn registry() -> Rc<Registry> {
    Rc::new(Registry::new("increments", 1))
}

fn suspended(depth: u32) -> Machine<Count> {
    let mut machine = Machine::new(Count::new(depth));
    assert_eq!(machine.run(&mut ()), Outcome::Suspended(None));
    machine
}

#[test]
fn an_increment_holds_what_is_new() {
    let registry = registry();
    let mut machine = suspended(100_000);
    let mut save = Save::new(&registry);
    save.machine(&mut machine).unwrap();
    let (first, base) = save.finish_as_base().unwrap();
    machine.answer(Ok(Some(10))).unwrap();
    assert_eq!(machine.run(&mut ()), Outcome::Suspended(None));
    let mut save = Save::since(&base, &registry);
    save.machine(&mut machine).unwrap();
    let second = save.finish().unwrap();
    assert!(
        second.len() * 1000 < first.len(),
        "{} of {}",
        second.len(),
        first.len()
    );

    let limits = LoadLimits::default();
    let both = [&first, &second];
    let mut loaded = Loaded::<Count>::read_increments(&both, &registry, limits).unwrap();
    let mut machine = loaded.machine(0).unwrap();
    assert_eq!(machine.depth(), 100_011);
    machine.answer(Ok(None)).unwrap();
    assert_eq!(machine.run(&mut ()), Outcome::Done(None));

    // None of them by itself, or to what it is not an increment to.
    let refused = |snapshots: &[&Vec<u8>]| {
        Loaded::<Count>::read_increments(snapshots, &registry, limits).unwrap_err()
    };
    let is_increment = LoadError::Base { is_increment: true };
    let is_none = LoadError::Base {
        is_increment: false,
    };
    assert_eq!(refused(&[&second]), is_increment);
    assert_eq!(refused(&[&second, &first]), is_increment);
    assert_eq!(refused(&[&first, &first]), is_none);
    assert_eq!(refused(&[&first, &second, &second]), is_increment);
    assert_eq!(refused(&[]), LoadError::NotASnapshot);
    let stranger = Rc::new(Registry::new("stranger", 1));
    let of = "increments".to_owned();
    let error = Save::since(&base, &stranger).finish().unwrap_err();
    assert_eq!(error, SaveError::Base { of });
    let other = Save::<Count>::new(&registry).finish().unwrap();
    assert_eq!(refused(&[&other, &second]), is_increment);
}

/// A tag that is minted has the same identity in both.
#[test]
fn what_was_minted_stays_the_same() {
    #[derive(Clone, Debug, Describe, Persist)]
    enum Under {
        Prompt,
        Ask,
        Abort,
    }

    thread_local!(static TAG: PromptTag = PromptTag::fresh("minted"));

    impl Frame for Under {
        type Value = u8;
        type World = PromptTag;

        fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
            let tag = *cx.world;
            match (&self, input) {
                (Self::Prompt, Input::Start) => Step::Prompt {
                    tag,
                    body: Self::Ask,
                },
                (Self::Ask, Input::Start) => Step::Suspend(0),
                (Self::Ask, Input::Value(0)) => Step::Call(Self::Ask),
                (Self::Ask, Input::Value(_)) => Step::Call(Self::Abort),
                (Self::Abort, _) => Step::Abort { tag, value: 7 },
                (Self::Prompt, Input::Value(value)) => Step::Return(value + 1),
                _ => Step::Raise(9),
            }
        }
    }
    let mut tag = TAG.with(|tag| *tag);
    // Once it is registered, it is known where it is loaded, too.
    let registry = Rc::new(Registry::new("increments", 1).tag(tag));
    let mut machine = Machine::new(Under::Prompt);
    assert_eq!(machine.run(&mut tag), Outcome::Suspended(0));
    let mut save = Save::new(&registry);
    save.machine(&mut machine).unwrap();
    let (first, base) = save.finish_as_base().unwrap();
    machine.answer(Ok(0)).unwrap();
    assert_eq!(machine.run(&mut tag), Outcome::Suspended(0));
    let mut save = Save::since(&base, &registry);
    save.machine(&mut machine).unwrap();
    let second = save.finish().unwrap();
    let limits = LoadLimits::default();
    let mut loaded = Loaded::<Under>::read_increments(&[first, second], &registry, limits).unwrap();
    let mut machine = loaded.machine(0).unwrap();
    machine.answer(Ok(1)).unwrap();
    assert_eq!(machine.run(&mut tag), Outcome::Done(8));
}

/// Which node leads to which, and what is in them, from the roots on.
fn shape(roots: &[Shared<Node>]) -> Vec<(u64, Vec<usize>)> {
    let mut seen: Vec<Shared<Node>> = Vec::new();
    let index = |node: &Shared<Node>, seen: &mut Vec<Shared<Node>>| {
        let known = seen.iter().position(|other| other.same(node));
        known.unwrap_or_else(|| {
            seen.push(node.clone());
            seen.len() - 1
        })
    };
    let mut shape = vec![(0, roots.iter().map(|root| index(root, &mut seen)).collect())];
    let mut next = 0;
    while let Some(node) = seen.get(next).cloned() {
        let it = node.get();
        let to = it.next.iter().map(|node| index(node, &mut seen)).collect();
        shape.push((it.n, to));
        next += 1;
    }
    shape
}

/// Small numbers, always the same.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

/// Old shared state is changed between increments, some of which are taken since older ones, or
/// since what was loaded: whatever is loaded is what there was.
#[test]
fn what_was_changed_since_is_stored_again() {
    let registry = registry();
    let mut random = Random(7);
    let mut changes = 0;
    for _ in 0..200 {
        // What can be gone on from: how it is loaded, and what it was.
        type Stand = (Vec<Vec<u8>>, Base<Count>, Vec<Shared<Node>>);
        let mut stands: Vec<Stand> = Vec::new();
        let mut roots: Vec<Shared<Node>> = (0..4).map(|_| Shared::new(Node::default())).collect();
        for _ in 0..20 {
            for _ in 0..random.below(6) {
                let mut node = roots[random.below(4)].clone();
                for _ in 0..random.below(4) {
                    let next = node.with(|it| it.next.get(random.below(3)).cloned());
                    node = next.unwrap_or(node);
                }
                changes += 1;
                match random.below(5) {
                    0 => node.update(|it| it.n += 1),
                    1 => node.set(Node::default()),
                    2 => node.update(|it| it.next.push(Shared::new(Node::default()))),
                    3 => {
                        let other = roots[random.below(4)].clone();
                        node.update(|it| it.next.push(other));
                    }
                    _ => roots[random.below(4)] = node,
                }
            }
            // An increment to what these roots come from; else a whole snapshot.
            let from = stands.iter().rposition(|(_, _, other)| {
                other
                    .iter()
                    .any(|root| roots.iter().any(|it| it.same(root)))
            });
            let from = from.filter(|_| random.below(5) > 0);
            let mut save = match from {
                Some(from) => Save::since(&stands[from].1, &registry),
                None => Save::new(&registry),
            };
            save.value(&roots).unwrap();
            let (bytes, base) = save.finish_as_base().unwrap();
            let mut all = from.map_or(Vec::new(), |from| stands[from].0.clone());
            all.push(bytes);
            let limits = LoadLimits::default();
            let mut loaded = Loaded::<Count>::read_increments(&all, &registry, limits).unwrap();
            let found: Vec<Shared<Node>> = loaded.value(0).unwrap();
            assert_eq!(shape(&found), shape(&roots));
            match random.below(3) {
                // As it is.
                0 => stands.push((all, base, roots.clone())),
                // Later, since an earlier one.
                1 => {}
                // From what was loaded, which may have changed already.
                _ => {
                    roots = found;
                    if random.below(2) == 0 {
                        roots[0].update(|it| it.n += 1);
                    }
                    stands.push((all, loaded.base(), roots.clone()));
                }
            }
        }
        // What leads back to itself is let go.
        let mut next = roots;
        next.extend(stands.into_iter().flat_map(|(_, _, roots)| roots));
        while let Some(node) = next.pop() {
            next.extend(node.update(|it| std::mem::take(&mut it.next)));
        }
    }
    assert!(changes > 5_000, "{changes}");
}

/// What is not in an increment is not looked at.
#[test]
fn an_increment_costs_what_is_new() {
    let registry = registry();
    let cells: Vec<_> = (0..100_000).map(|_| Shared::new(Node::default())).collect();
    let mut save = Save::<Count>::new(&registry);
    save.value(&cells).unwrap();
    let (first, mut base) = save.finish_as_base().unwrap();
    let mut all = vec![first];
    for cell in &cells[..100] {
        cell.update(|node| node.n += 1);
        let mut save = Save::since(&base, &registry);
        save.value(cell).unwrap();
        let (bytes, next) = save.finish_as_base().unwrap();
        assert!(bytes.len() < 64, "{}", bytes.len());
        all.push(bytes);
        base = next;
    }
    let limits = LoadLimits::default();
    let mut loaded = Loaded::<Count>::read_increments(&all, &registry, limits).unwrap();
    let last: Shared<Node> = loaded.value(0).unwrap();
    assert_eq!(last.with(|node| node.n), 1);
}

/// What an upgrade has made was not stored before.
#[test]
fn what_was_brought_up_to_date_is_stored_anew() {
    /// Tells how often it was answered.
    #[derive(Clone, Debug, Describe, Persist)]
    #[frame(name = "Count", version = 2)]
    struct Answers {
        #[slot(shared)]
        count: Shared<Node>,
    }

    impl Frame for Answers {
        type Value = Option<u32>;
        type World = ();

        fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
            self.count.update(|node| node.n += 1);
            let count = self.count.with(|node| node.n);
            Step::Suspend(u32::try_from(count).ok())
        }
    }

    type Slots = (u32, u32, Option<Shared<Node>>);
    let upgraded = Registry::new("increments", 2).upgrade_to(("Count", 1), |_: Slots| Answers {
        count: Shared::new(Node::default()),
    });
    let upgraded = Rc::new(upgraded);
    let mut save = Save::new(&registry());
    save.machine(&mut suspended(0)).unwrap();
    let mut all = vec![save.finish().unwrap()];
    let limits = LoadLimits::default();
    for count in 1..5 {
        let mut loaded = Loaded::<Answers>::read_increments(&all, &upgraded, limits).unwrap();
        let base = loaded.base();
        let mut machine = loaded.machine(0).unwrap();
        machine.answer(Ok(None)).unwrap();
        assert_eq!(machine.run(&mut ()), Outcome::Suspended(Some(count)));
        let mut save = Save::since(&base, &upgraded);
        save.machine(&mut machine).unwrap();
        all.push(save.finish().unwrap());
    }
}
