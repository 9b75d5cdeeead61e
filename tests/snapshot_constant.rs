//! Constants: what never changes is one and the same before and after, and stays so.

use std::cell::Cell;
use std::rc::Rc;
use std::{mem, thread};

use segno::frame::{Context, Continuation, Describe, Frame, Input, Machine, Outcome, Step};
use segno::snapshot::{
    Base, Constant, Document, DocumentError, Editor, Flaw, LoadError, LoadLimits, Loaded, Object,
    Persist, Registry, Save, Shared, Tree,
};
use serde::{Deserialize, Serialize};

thread_local!(static LIVE: Cell<usize> = const { Cell::new(0) });

/// Counts how many of it there are.
#[derive(Debug, Serialize, Deserialize)]
#[serde(from = "()", into = "()")]
struct Live;

impl From<()> for Live {
    fn from((): ()) -> Self {
        LIVE.set(LIVE.get() + 1);
        Self
    }
}

impl From<Live> for () {
    fn from(_: Live) {}
}

impl Clone for Live {
    fn clone(&self) -> Self {
        ().into()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        LIVE.set(LIVE.get() - 1);
    }
}

/// The same program with nodes that change, and with nodes that never do: each can read what the
/// other has stored, and only the first one can make nodes that lead back to themselves.
macro_rules! program {
    ($name:ident, $Node:ident) => {
        mod $name {
            use super::*;

            #[derive(Clone, Debug, Serialize, Deserialize)]
            pub(super) struct Node {
                pub(super) n: u64,
                pub(super) live: Live,
                pub(super) next: Vec<Link>,
            }

            impl Object for Node {
                const NAME: &'static str = "node";
            }

            /// What can be assigned to, in both.
            #[derive(Clone, Debug, Serialize, Deserialize)]
            pub(super) struct Variable(pub(super) Live, pub(super) Vec<Link>);

            impl Object for Variable {
                const NAME: &'static str = "variable";
            }

            #[derive(Clone, Debug, Serialize, Deserialize)]
            pub(super) enum Link {
                Nothing,
                Node($Node<Node>),
                Variable(Shared<Variable>),
                K(Continuation<Hold>),
            }

            #[derive(Clone, Debug, Describe, Persist)]
            pub(super) struct Hold {
                #[slot(shared)]
                pub(super) node: Option<$Node<Node>>,
                pub(super) link: Link,
                #[slot(secret)]
                pub(super) secret: Link,
            }

            /// Suspends with all that it has.
            impl Frame for Hold {
                type Value = Vec<Link>;
                type World = ();

                fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
                    let node = self.node.clone().map(Link::Node);
                    Step::Suspend(node.into_iter().chain([self.link.clone()]).collect())
                }
            }

            pub(super) fn node(n: u64, next: impl IntoIterator<Item = Link>) -> $Node<Node> {
                let next = next.into_iter().collect();
                let live = ().into();
                $Node::new(Node { n, live, next })
            }

            pub(super) fn variable() -> Shared<Variable> {
                Shared::new(Variable(().into(), Vec::new()))
            }

            pub(super) fn machine(node: Option<$Node<Node>>, link: Link) -> Machine<Hold> {
                let secret = Link::Nothing;
                let mut machine = Machine::new(Hold { node, link, secret });
                assert!(matches!(machine.run(&mut ()), Outcome::Suspended(_)));
                machine
            }

            pub(super) fn saved(node: &$Node<Node>) -> Vec<u8> {
                let mut save = Save::<Hold>::new(&registry());
                save.value(node).unwrap();
                save.finish().unwrap()
            }
        }
    };
}

program!(constants, Constant);
program!(variables, Shared);

use constants::{Hold, Link, Node, node, saved, variable};

fn registry() -> Rc<Registry> {
    Rc::new(Registry::new("constants", 1))
}

fn read(bytes: &[u8]) -> Result<Loaded<Hold>, LoadError> {
    Loaded::read(bytes, &registry(), LoadLimits::default())
}

fn node_of(link: &Link) -> &Constant<Node> {
    match link {
        Link::Node(node) => node,
        link => panic!("{link:?} is no node"),
    }
}

const CIRCULAR: LoadError = LoadError::Invalid("a constant leads back to itself");

#[test]
fn it_is_the_same_before_and_after() {
    /// A slot of it may be copied, too.
    #[derive(Clone, Describe, Persist)]
    struct Plain {
        node: Constant<Node>,
        other: Option<Constant<Node>>,
        #[slot(shared)]
        shared: Constant<Node>,
    }

    impl Frame for Plain {
        type Value = Vec<Constant<Node>>;
        type World = ();

        fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
            let mut all = vec![self.node.clone(), self.shared.clone()];
            all.extend(self.other.clone());
            match input {
                Input::Start if self.other.is_some() => Step::Call(Self {
                    other: None,
                    ..self.clone()
                }),
                Input::Start => Step::Suspend(all),
                Input::Value(value) => Step::Return([all, value].concat()),
                _ => Step::Raise(all),
            }
        }
    }

    let leaf = node(7, []);
    let both = node(1, [Link::Node(leaf.clone()), Link::Node(leaf.clone())]);
    let mut machine = Machine::new(Plain {
        node: both.clone(),
        other: Some(leaf.clone()),
        shared: both.clone(),
    });
    assert!(matches!(machine.run(&mut ()), Outcome::Suspended(_)));
    let mut save = Save::new(&registry());
    save.machine(&mut machine).unwrap();
    save.value(&(&leaf, &both)).unwrap();
    let bytes = save.finish().unwrap();
    let document = Editor::<Plain>::new(&registry()).read(&bytes).unwrap();
    assert_eq!(document.objects.len(), 2);

    let mut loaded = Loaded::<Plain>::read(&bytes, &registry(), LoadLimits::default()).unwrap();
    let (leaf, both): (Constant<Node>, Constant<Node>) = loaded.value(1).unwrap();
    assert_eq!((leaf.n, both.n, both.next.len()), (7, 1, 2));
    assert!(both.next.iter().all(|next| node_of(next).same(&leaf)));
    let mut machine = loaded.machine(0).unwrap();
    machine.answer(Ok(vec![leaf.clone()])).unwrap();
    let Outcome::Done(all) = machine.run(&mut ()) else {
        panic!("it returns");
    };
    let all: Vec<_> = all.iter().map(|it| it.same(&leaf)).collect();
    assert_eq!(all, [false, false, true, false, false, true]);
}

#[test]
fn a_million_deep() {
    let small = thread::Builder::new().stack_size(256 << 10);
    let thread = small.spawn(|| {
        const DEPTH: u64 = 1_000_000;
        let chain = |depth| {
            (1..depth).fold(node(0, []), |next, n| {
                // Values that are shared may be in between.
                let link = match n % 10 {
                    0 => {
                        let between = variable();
                        between.update(|it| it.1.push(Link::Node(next)));
                        Link::Variable(between)
                    }
                    _ => Link::Node(next),
                };
                node(n, [link])
            })
        };
        let first = chain(DEPTH);
        let mut save = Save::<Hold>::new(&registry());
        save.value(&first).unwrap();
        let (bytes, base) = save.finish_as_base().unwrap();
        assert!(format!("{first:?}").len() < 100);
        drop(first);
        drop(base);
        assert_eq!(LIVE.get(), 0);
        let mut loaded = read(&bytes).unwrap();
        let first: Constant<Node> = loaded.value(0).unwrap();
        drop(loaded);
        let mut at = Some(first.clone());
        let mut found = 0;
        while let Some(node) = at {
            found += 1;
            assert_eq!(node.n, DEPTH - found);
            at = node.next.first().map(|next| match next {
                Link::Variable(between) => between.with(|it| node_of(&it.1[0]).clone()),
                next => node_of(next).clone(),
            });
        }
        assert_eq!(found, DEPTH);
        drop(first);
        assert_eq!(LIVE.get(), 0);
        // What nobody asks for.
        let mut save = Save::new(&registry());
        save.machine(&mut constants::machine(
            Some(chain(DEPTH / 10)),
            Link::Nothing,
        ))
        .unwrap();
        let bytes = save.finish().unwrap();
        drop(read(&bytes).unwrap());
        let limits = LoadLimits {
            elements: DEPTH / 20,
            ..LoadLimits::default()
        };
        let error = Loaded::<Hold>::read(&bytes, &registry(), limits).unwrap_err();
        assert!(matches!(error, LoadError::Limit { .. }), "{error}");
        assert_eq!(LIVE.get(), 0);
    });
    thread.unwrap().join().unwrap();
}

/// A constant that a variable in it leads back to.
fn through_a_variable() -> (Constant<Node>, Shared<constants::Variable>) {
    let between = variable();
    let inner = node(2, [Link::Variable(between.clone())]);
    let outer = node(1, [Link::Node(inner)]);
    between.update(|it| it.1.push(Link::Node(outer.clone())));
    (outer, between)
}

#[test]
fn it_may_lead_back_to_itself_through_what_is_shared() {
    let (outer, between) = through_a_variable();
    assert!(format!("{outer:?}").contains("Constant<node>"));
    let bytes = saved(&outer);
    let mut machine = constants::machine(Some(outer), Link::Nothing);
    let mut save = Save::new(&registry());
    save.machine(&mut machine).unwrap();
    let in_a_frame = save.finish().unwrap();
    between.update(|it| mem::take(&mut it.1));
    drop((between, machine));
    assert_eq!(LIVE.get(), 0);

    let mut loaded = read(&bytes).unwrap();
    let outer: Constant<Node> = loaded.value(0).unwrap();
    let Link::Variable(between) = &node_of(&outer.next[0]).next[0] else {
        panic!("it leads to a variable");
    };
    assert!(between.with(|it| node_of(&it.1[0]).same(&outer)));
    let links = between.update(|it| mem::take(&mut it.1));
    drop((links, outer, loaded));
    assert_eq!(LIVE.get(), 0);

    // Nothing is left of what nobody has got, or could not be read to its end.
    for bytes in [&bytes, &in_a_frame] {
        let mut loaded = read(bytes).unwrap();
        assert!(loaded.value::<(Constant<Node>, u8)>(0).is_err());
        drop(loaded);
        assert_eq!(LIVE.get(), 0);
    }
    for elements in 0..4 {
        let limits = LoadLimits {
            elements,
            ..LoadLimits::default()
        };
        let loaded = Loaded::<Hold>::read(&in_a_frame, &registry(), limits);
        assert_eq!(loaded.is_ok(), elements >= 3);
        drop(loaded);
        assert_eq!(LIVE.get(), 0);
    }
}

/// What no program can make of constants, one that has variables in their place makes.
#[test]
fn who_leads_back_by_itself_is_refused() {
    for len in 1..4 {
        leads_back(len);
        assert_eq!(LIVE.get(), 0);
    }
}

fn leads_back(len: usize) {
    use variables::Link;
    let saved = |machine: &mut Machine<variables::Hold>| {
        let mut save = Save::new(&registry());
        save.machine(machine).unwrap();
        save.finish().unwrap()
    };
    let nodes: Vec<_> = (0..len).map(|n| variables::node(n as u64, [])).collect();
    let (first, last) = (&nodes[0], &nodes[len - 1]);
    for (node, next) in nodes.iter().zip(&nodes[1..]) {
        node.update(|it| it.next.push(Link::Node(next.clone())));
    }
    let close = |link: Link| last.update(|it| it.next = vec![Link::Nothing, link]);

    // Where it is asked for.
    close(Link::Node(first.clone()));
    let mut loaded = read(&variables::saved(first)).unwrap();
    for _ in 0..2 {
        let error = loaded.value::<Constant<Node>>(0).unwrap_err();
        assert_eq!(error, CIRCULAR);
        assert_eq!(LIVE.get(), len);
    }
    // Where a frame has it.
    let mut inner = variables::machine(Some(first.clone()), Link::Nothing);
    assert_eq!(read(&saved(&mut inner)).unwrap_err(), CIRCULAR);
    // Through a continuation that has one that has it.
    let k = inner.continuation().unwrap();
    let mut outer = variables::machine(None, Link::K(k));
    close(Link::K(outer.continuation().unwrap()));
    assert_eq!(read(&saved(&mut outer)).unwrap_err(), CIRCULAR);
    assert_eq!(LIVE.get(), len);

    // But not through another continuation, or what is shared.
    let mut other = variables::machine(None, Link::Nothing);
    close(Link::K(other.continuation().unwrap()));
    read(&saved(&mut outer)).unwrap();
    let between = variables::variable();
    between.update(|it| it.1.push(Link::Node(first.clone())));
    close(Link::Variable(between.clone()));
    read(&saved(&mut outer)).unwrap();
    assert_eq!(LIVE.get(), len + 1);
    between.update(|it| it.1.clear());
}

#[test]
fn an_increment_names_what_its_base_has() {
    let mut chain = (0..1000).fold(node(0, []), |next, n| node(n, [Link::Node(next)]));
    let mut save = Save::<Hold>::new(&registry());
    save.value(&chain).unwrap();
    let (first, base) = save.finish_as_base().unwrap();
    let before = chain.clone();
    let mut all = vec![first];
    // Nobody changes what is stored, not even who is the only one that has it beside the base.
    drop(before.clone());
    drop(before);
    assert!(chain.get_mut().is_none());
    let increment = |chain: &Constant<Node>, base: &Base<Hold>| {
        let mut save = Save::since(base, &registry());
        save.value(chain).unwrap();
        save.finish_as_base().unwrap()
    };
    let (same, _) = increment(&chain, &base);
    chain.make_mut().n = 42;
    let (bytes, next) = increment(&chain, &base);
    // One object more, which names the next one.
    assert!(bytes.len() <= same.len() + 16, "{}", bytes.len());
    assert!(same.len() < 64, "{}", same.len());
    for (last, n) in [(same, 999), (bytes.clone(), 42)] {
        let both = [&all[0], &last];
        let limits = LoadLimits::default();
        let mut loaded = Loaded::<Hold>::read_increments(&both, &registry(), limits).unwrap();
        let mut found: Constant<Node> = loaded.value(0).unwrap();
        assert_eq!((found.n, node_of(&found.next[0]).n), (n, 998));
        // The same of what was loaded.
        let base = loaded.base();
        drop(loaded);
        assert!(found.get_mut().is_none());
        found.make_mut().n += 1;
        let mut loaded = {
            let (third, _) = increment(&found, &base);
            let three = [&all[0], &last, &third];
            Loaded::<Hold>::read_increments(&three, &registry(), limits).unwrap()
        };
        assert_eq!(loaded.value::<Constant<Node>>(0).unwrap().n, n + 1);
    }
    all.push(bytes);
    // Once nobody can ask for what was stored, it may change.
    let was = &raw const *chain;
    drop(base);
    assert!(chain.get_mut().is_none());
    drop(next);
    chain.make_mut().n = 43;
    assert!(std::ptr::eq(was, &*chain));
    assert_eq!(chain.get_mut().unwrap().n, 43);
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

/// Which node leads to which, and what is in them, from the roots on.
fn shape(roots: &[Constant<Node>]) -> Vec<(u64, Vec<usize>)> {
    let mut seen: Vec<Constant<Node>> = roots.to_vec();
    let (mut shape, mut at) = (Vec::new(), 0);
    while let Some(node) = seen.get(at).cloned() {
        let next = node.next.iter().map(|next| {
            let next = node_of(next);
            let known = seen.iter().position(|it| it.same(next));
            known.unwrap_or_else(|| {
                seen.push(next.clone());
                seen.len() - 1
            })
        });
        shape.push((node.n, next.collect()));
        at += 1;
    }
    shape
}

/// Whatever is changed between increments, and whoever holds it, what is loaded is what there was.
#[test]
fn what_is_made_of_what_was_stored_is_another() {
    type Stand = (Vec<Vec<u8>>, Base<Hold>);
    let mut random = Random(7);
    let (mut in_place, mut copied) = (0, 0);
    for _ in 0..300 {
        let mut roots: Vec<_> = (0..4).map(|n| node(n, [])).collect();
        let mut stands: Vec<Stand> = Vec::new();
        for _ in 0..12 {
            for _ in 0..random.below(6) {
                let (mut it, other) = (roots.swap_remove(random.below(4)), random.below(3));
                let other = roots[other].clone();
                let was = &raw const *it;
                match random.below(3) {
                    0 => it.make_mut().n += 1,
                    1 => it.make_mut().next.push(Link::Node(other)),
                    _ => it = node(9, [Link::Node(it), Link::Node(other)]),
                }
                match std::ptr::eq(was, &*it) {
                    true => in_place += 1,
                    false => copied += 1,
                }
                roots.push(it);
            }
            let from = (!stands.is_empty()).then(|| random.below(stands.len()));
            let mut save = match from {
                Some(from) => Save::since(&stands[from].1, &registry()),
                None => Save::new(&registry()),
            };
            save.value(&roots).unwrap();
            let (bytes, base) = save.finish_as_base().unwrap();
            let mut all = from.map_or(Vec::new(), |from| stands[from].0.clone());
            all.push(bytes);
            let limits = LoadLimits::default();
            let mut loaded = Loaded::<Hold>::read_increments(&all, &registry(), limits).unwrap();
            let found: Vec<Constant<Node>> = loaded.value(0).unwrap();
            assert_eq!(shape(&found), shape(&roots));
            match random.below(4) {
                0 => stands.push((all, base)),
                // Nobody remembers what was stored.
                1 => stands.clear(),
                2 => {
                    stands.push((all, loaded.base()));
                    roots = found;
                }
                _ => {}
            }
        }
    }
    assert!(in_place > 500 && copied > 500, "{in_place} {copied}");
    assert_eq!(LIVE.get(), 0);
}

#[test]
fn an_increment_in_which_it_has_changed_is_refused() {
    let node = variables::node(1, []);
    let mut save = Save::<variables::Hold>::new(&registry());
    save.value(&node).unwrap();
    let (first, base) = save.finish_as_base().unwrap();
    node.update(|it| it.n = 2);
    let mut save = Save::since(&base, &registry());
    save.value(&node).unwrap();
    let both = [first, save.finish().unwrap()];
    let limits = LoadLimits::default();
    let mut loaded = Loaded::<Hold>::read_increments(&both, &registry(), limits).unwrap();
    let error = loaded.value::<Constant<Node>>(0).unwrap_err();
    assert_eq!(error, LoadError::Invalid("a constant has changed"));
    // It was none before.
    let mut loaded = read(&both[0]).unwrap();
    assert_eq!(loaded.value::<Constant<Node>>(0).unwrap().n, 1);
    // And never both at once.
    let error = loaded.value::<Shared<Node>>(0).unwrap_err();
    assert!(matches!(error, LoadError::Object { .. }), "{error}");
}

#[test]
fn who_changes_it_changes_a_copy() {
    let mut mine = node(1, []);
    let mut yours = mine.clone();
    assert!(mine.same(&yours));
    assert!(mine.get_mut().is_none());
    yours.make_mut().n = 2;
    assert_eq!((mine.n, yours.n), (1, 2));
    assert!(!mine.same(&yours));
    // Nobody else has it now.
    let was = &raw const *mine;
    mine.make_mut().n = 3;
    assert_eq!(mine.get_mut().unwrap().n, 3);
    assert!(std::ptr::eq(was, &*mine));
    drop((mine, yours));
    assert_eq!(LIVE.get(), 0);
}

#[test]
fn it_is_brought_up_to_date() {
    /// A node of a later version, which is named.
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Named {
        name: String,
        next: Vec<Constant<Self>>,
    }

    impl Object for Named {
        const NAME: &'static str = "node";
        const VERSION: u32 = 2;
    }

    let leaf = node(7, []);
    let both = node(1, [Link::Node(leaf.clone()), Link::Node(leaf)]);
    let bytes = saved(&both);
    type Old = (u64, (), Vec<OldLink>);
    #[derive(Deserialize)]
    enum OldLink {
        Nothing,
        Node(Constant<Named>),
    }
    let upgrade = |(n, (), next): Old| {
        let next = next.into_iter().filter_map(|it| match it {
            OldLink::Node(node) => Some(node),
            OldLink::Nothing => None,
        });
        (n.to_string(), next.collect::<Vec<_>>())
    };
    let limits = LoadLimits::default();
    let mut loaded = Loaded::<Hold>::read(&bytes, &registry(), limits).unwrap();
    let error = loaded.value::<Constant<Named>>(0).unwrap_err();
    assert!(matches!(error, LoadError::Object { .. }), "{error}");
    let upgraded = Registry::new("constants", 2);
    let upgraded = Rc::new(upgraded.upgrade_object(("node", 1), ("node", 2), upgrade));
    let mut loaded = Loaded::<Hold>::read(&bytes, &upgraded, limits).unwrap();
    let both: Constant<Named> = loaded.value(0).unwrap();
    assert_eq!((&*both.name, &*both.next[0].name), ("1", "7"));
    assert!(both.next[0].same(&both.next[1]));
    // It was not stored as it is now.
    let mut save = Save::since(&loaded.base(), &upgraded);
    save.value(&both).unwrap();
    let all = [bytes, save.finish().unwrap()];
    let mut loaded = Loaded::<Hold>::read_increments(&all, &upgraded, limits).unwrap();
    assert_eq!(loaded.value::<Constant<Named>>(0).unwrap().name, "1");
}

#[test]
fn as_a_document_and_back() {
    let (outer, between) = through_a_variable();
    let mut machine = constants::machine(Some(outer.clone()), Link::Variable(between.clone()));
    let mut save = Save::new(&registry());
    save.machine(&mut machine).unwrap();
    save.value(&outer).unwrap();
    let bytes = save.finish().unwrap();
    between.update(|it| mem::take(&mut it.1));
    drop((outer, between, machine));
    let editor = Editor::<Hold>::new(&registry()).with_secrets();
    let document = editor.read(&bytes).unwrap();
    // Of the second root it knows no type; what it leads to is in the first one, too.
    assert_eq!(document.objects.len(), 3);
    assert_eq!(LIVE.get(), 0);
    let text = serde_json::to_string(&document).unwrap();
    let again: Document = serde_json::from_str(&text).unwrap();
    assert_eq!(editor.write(&again).unwrap(), bytes);

    // A person changes the number.
    let text = text.replace(r#""n":1,"#, r#""n":41,"#);
    let edited: Document = serde_json::from_str(&text).unwrap();
    let bytes = editor.write(&edited).unwrap();
    assert_eq!(LIVE.get(), 0);
    let mut loaded = read(&bytes).unwrap();
    let outer: Constant<Node> = loaded.value(1).unwrap();
    assert_eq!(outer.n, 41);
    let Link::Variable(between) = &node_of(&outer.next[0]).next[0] else {
        panic!("it leads to a variable");
    };
    drop(between.update(|it| mem::take(&mut it.1)));
    drop((outer, loaded));
    assert_eq!(LIVE.get(), 0);

    // And makes it lead back to itself.
    let text = serde_json::to_string(&document).unwrap();
    let text = text.replace(r#"{"$shared":2}"#, r#"{"$shared":0}"#);
    let edited: Document = serde_json::from_str(&text).unwrap();
    assert_eq!(
        editor.write(&edited).unwrap_err(),
        DocumentError::Load(CIRCULAR)
    );
    assert_eq!(LIVE.get(), 0);
}

#[test]
fn what_only_a_secret_leads_to_is_withheld() {
    let (open, hidden) = (node(1, []), node(2, []));
    let mut machine = Machine::new(Hold {
        node: Some(open),
        link: Link::Nothing,
        secret: Link::Node(hidden),
    });
    let _ = machine.run(&mut ());
    let mut save = Save::new(&registry());
    save.machine(&mut machine).unwrap();
    let document = Editor::<Hold>::new(&registry());
    let document = document.read(&save.finish().unwrap()).unwrap();
    let withheld = document.objects.iter().map(|it| it.value == Tree::Withheld);
    assert_eq!(withheld.collect::<Vec<_>>(), [false, true]);
    let error = Editor::<Hold>::new(&registry()).write(&document);
    let error = error.unwrap_err();
    let DocumentError::At { flaw, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(flaw, Flaw::Withheld);
}

#[test]
#[should_panic(expected = "a constant was looked at before it was loaded")]
fn who_looks_before_it_is_loaded_panics() {
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(from = "Constant<Node>")]
    struct Hasty(u64);

    impl From<Constant<Node>> for Hasty {
        fn from(node: Constant<Node>) -> Self {
            Self(node.n)
        }
    }

    let mut loaded = read(&saved(&node(1, []))).unwrap();
    let _ = loaded.value::<Hasty>(0);
}
