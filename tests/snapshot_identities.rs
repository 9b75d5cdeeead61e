//! The tags of prompts and the keys of marks, as values of frames and of others.

use std::rc::Rc;

use segno::frame::{
    Context, Describe, Frame, Input, Machine, MarkKey, Operator, Outcome, Place, PromptTag, Step,
};
use segno::snapshot::{
    Document, DocumentError, Editor, Flaw, LoadError, LoadLimits, Loaded, Object, Persist,
    Registry, Save, SaveError, Schema, Shape, Shared, Tree,
};
use serde::{Deserialize, Serialize};

const NAMED: PromptTag = PromptTag::named("named");
const LINE: MarkKey = MarkKey::named("line");

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Pair {
    tag: PromptTag,
    key: MarkKey,
}

impl Object for Pair {
    const NAME: &'static str = "pair";
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Value {
    Number(i64),
    Pair(Pair),
}

#[derive(Clone, Debug, Describe, Persist)]
enum Call {
    Prompt {
        pair: Pair,
        #[slot(shared)]
        shared: Shared<Pair>,
    },
    /// Marks itself by the key, and asks.
    Ask {
        pair: Pair,
        #[slot(shared)]
        shared: Shared<Pair>,
    },
    /// Aborts to the tag, with what is marked by the key.
    Leave { tag: PromptTag, key: MarkKey },
}

impl Frame for Call {
    type Value = Value;
    type World = ();

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match (&*self, input) {
            (Self::Prompt { pair, shared }, Input::Start) => Step::Prompt {
                tag: pair.tag,
                body: Self::Ask {
                    pair: *pair,
                    shared: shared.clone(),
                },
            },
            (Self::Ask { pair, .. }, Input::Start) => {
                cx.set_mark(pair.key, Value::Pair(*pair));
                Step::Suspend(Value::Number(0))
            }
            (Self::Ask { pair, shared }, Input::Value(Value::Pair(other))) => {
                // All four are of the same, and so is that of the owner.
                assert_eq!(*pair, shared.get());
                assert_eq!(*pair, other);
                let Pair { tag, key } = *pair;
                Step::Call(Self::Leave { tag, key })
            }
            (Self::Leave { tag, key }, Input::Start) => Step::Abort {
                tag: *tag,
                value: cx.mark(*key).unwrap(),
            },
            (_, Input::Value(value)) => Step::Return(value),
            _ => Step::Raise(Value::Number(-1)),
        }
    }
}

fn registry() -> Rc<Registry> {
    Rc::new(Registry::new("identities", 1).tag(NAMED).key(LINE))
}

fn fresh() -> Pair {
    Pair {
        tag: PromptTag::fresh("generator"),
        key: MarkKey::fresh("depth"),
    }
}

const KNOWN: Pair = Pair {
    tag: NAMED,
    key: LINE,
};

fn asking(pair: Pair) -> Machine<Call> {
    let shared = Shared::new(pair);
    let mut machine = Machine::new(Call::Prompt { pair, shared });
    let outcome = machine.run(&mut ());
    assert_eq!(outcome, Outcome::Suspended(Value::Number(0)));
    machine
}

/// A machine that asks, its continuation, and values.
fn saved(pair: Pair) -> Vec<u8> {
    let mut machine = asking(pair);
    let k = machine.continuation().unwrap();
    let mut save = Save::new(&registry());
    save.value(&Value::Pair(pair)).unwrap();
    save.machine(&mut machine).unwrap();
    save.continuation(&k).unwrap();
    save.value(&Shared::new(pair)).unwrap();
    save.finish().unwrap()
}

/// Loads it, lets both go on, and answers what the tag and the key are now.
fn gone_on(bytes: &[u8]) -> Pair {
    let limits = LoadLimits::default();
    let mut loaded = Loaded::<Call>::read(bytes, &registry(), limits).unwrap();
    let Value::Pair(pair) = loaded.value(0).unwrap() else {
        unreachable!()
    };
    let shared: Shared<Pair> = loaded.value(3).unwrap();
    assert_eq!(shared.get(), pair);
    let mut machine = loaded.machine(1).unwrap();
    machine.answer(Ok(Value::Pair(pair))).unwrap();
    assert_eq!(machine.run(&mut ()), Outcome::Done(Value::Pair(pair)));
    let k = loaded.continuation(2).unwrap();
    let mut machine = Machine::idle();
    machine.start_with(k, Ok(Value::Pair(pair))).unwrap();
    assert_eq!(machine.run(&mut ()), Outcome::Done(Value::Pair(pair)));
    pair
}

#[test]
fn it_is_the_same_wherever_it_is_met() {
    assert_eq!(gone_on(&saved(KNOWN)), KNOWN);
    let pair = fresh();
    let bytes = saved(pair);
    let [one, other] = [gone_on(&bytes), gone_on(&bytes)];
    // Each load has its own.
    assert_ne!(one.tag, other.tag);
    assert_ne!(one.key, other.key);
    assert_ne!(one.tag, pair.tag);
    assert_ne!(one.key, pair.key);
}

#[test]
fn those_that_differ_differ_still() {
    let [one, other] = [fresh(), fresh()];
    let mut save = Save::<Call>::new(&registry());
    save.value(&[one, other, one, KNOWN]).unwrap();
    let bytes = save.finish().unwrap();
    let limits = LoadLimits::default();
    let mut loaded = Loaded::<Call>::read(&bytes, &registry(), limits).unwrap();
    let [a, b, c, known]: [Pair; 4] = loaded.value(0).unwrap();
    assert_eq!(a, c);
    assert_ne!(a.tag, b.tag);
    assert_ne!(a.key, b.key);
    assert_eq!(known, KNOWN);
}

/// A name that nobody could look up is refused where it is met, and so is one that is not known
/// where it is loaded.
#[test]
fn a_name_has_to_be_registered() {
    let tag = PromptTag::named("nobody's");
    let key = MarkKey::named("nobody's");
    let mut save = Save::<Call>::new(&registry());
    assert_eq!(save.value(&tag), Err(SaveError::UnknownTag(tag)));
    assert_eq!(save.value(&key), Err(SaveError::UnknownKey(key)));
    save.value(&NAMED).unwrap();
    let bytes = save.finish().unwrap();
    let other = Rc::new(Registry::new("identities", 1));
    let loaded = Loaded::<Call>::read(&bytes, &other, LoadLimits::default());
    let (what, name) = ("prompt tag", "named".into());
    assert_eq!(loaded.unwrap_err(), LoadError::Unknown { what, name });
}

#[test]
fn outside_of_a_snapshot_they_are_not_encoded() {
    assert!(serde_json::to_string(&NAMED).is_err());
    assert!(serde_json::from_str::<PromptTag>("0").is_err());
    assert!(postcard::to_stdvec(&LINE).is_err());
    assert!(postcard::from_bytes::<MarkKey>(&[0]).is_err());
    assert!(Tree::of(&KNOWN).is_err());
}

/// In increments they keep their numbers, whoever has saved the base.
#[test]
fn increments() {
    let registry = registry();
    let limits = LoadLimits::default();
    let [pair, later, last] = [fresh(), fresh(), fresh()];
    let cell = Shared::new(pair);
    let mut machine = asking(pair);
    let mut save = Save::<Call>::new(&registry);
    save.value(&cell).unwrap();
    save.machine(&mut machine).unwrap();
    let (first, base) = save.finish_as_base().unwrap();
    // What was met before is met again, and a shared value comes to hold something new.
    cell.set(later);
    let mut save = Save::since(&base, &registry);
    save.value(&[pair, KNOWN, later]).unwrap();
    save.value(&cell).unwrap();
    save.machine(&mut machine).unwrap();
    let second = save.finish().unwrap();

    let both = [first, second];
    let mut loaded = Loaded::<Call>::read_increments(&both, &registry, limits).unwrap();
    let [pair, known, later]: [Pair; 3] = loaded.value(0).unwrap();
    assert_eq!(known, KNOWN);
    assert_ne!(pair.tag, later.tag);
    let cell: Shared<Pair> = loaded.value(1).unwrap();
    assert_eq!(cell.get(), later);
    let mut machine = loaded.machine(2).unwrap();

    let base = loaded.base();
    let mut save = Save::since(&base, &registry);
    save.value(&[last, pair, later]).unwrap();
    save.machine(&mut machine).unwrap();
    let third = save.finish().unwrap();
    let [first, second] = both;
    let all = [first, second, third];
    let mut loaded = Loaded::<Call>::read_increments(&all, &registry, limits).unwrap();
    let [last, pair, later]: [Pair; 3] = loaded.value(0).unwrap();
    assert_ne!(last.tag, pair.tag);
    assert_ne!(last.tag, later.tag);
    let mut machine = loaded.machine(1).unwrap();
    machine.answer(Ok(Value::Pair(pair))).unwrap();
    assert_eq!(machine.run(&mut ()), Outcome::Done(Value::Pair(pair)));
}

/// A value that is brought up to date: the upgrade is given what there is now, and what it makes
/// of it is encoded again.
#[test]
fn what_was_read_is_written_again() {
    let bytes = {
        let mut save = Save::<Call>::new(&registry());
        save.value(&Shared::new(fresh())).unwrap();
        save.value(&fresh()).unwrap();
        save.finish().unwrap()
    };
    #[derive(Clone, Serialize, Deserialize)]
    struct Later(MarkKey, PromptTag);
    impl Object for Later {
        const NAME: &'static str = "later";
    }
    let swap = |pair: Pair| Later(pair.key, pair.tag);
    let later = Registry::new("identities", 1).tag(NAMED).key(LINE);
    let later = later.upgrade_object(("pair", Pair::VERSION), ("later", Later::VERSION), swap);
    let limits = LoadLimits::default();
    let mut loaded = Loaded::<Call>::read(&bytes, &Rc::new(later), limits).unwrap();
    let cell: Shared<Later> = loaded.value(0).unwrap();
    let Later(key, tag) = cell.get();
    assert_eq!((key.name(), tag.name()), ("loaded", "loaded"));
    let other: Pair = loaded.value(1).unwrap();
    assert_ne!((tag, key), (other.tag, other.key));

    // One that was not in it has no number.
    let swap = |_: Pair| Later(LINE, NAMED);
    let later = Registry::new("identities", 1).tag(NAMED).key(LINE);
    let later = later.upgrade_object(("pair", Pair::VERSION), ("later", Later::VERSION), swap);
    let mut loaded = Loaded::<Call>::read(&bytes, &Rc::new(later), limits).unwrap();
    assert!(loaded.value::<Shared<Later>>(0).is_err());
}

/// With its checksum right, whatever the bytes.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let content = bytes.len() - 4;
    let sum = crc32fast::hash(&bytes[..content]);
    bytes[content..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn a_number_that_is_not_there() {
    let refused = |bytes: &[u8]| {
        let mut save = Save::<Call>::new(&registry());
        save.value(&KNOWN).unwrap();
        let mut forged = save.finish().unwrap();
        // Before the checksum is the length of the schema, and before that the value.
        let at = forged.len() - 5 - bytes.len();
        forged[at..at + bytes.len()].copy_from_slice(bytes);
        let forged = resealed(forged);
        let loaded = Loaded::<Call>::read(&forged, &registry(), LoadLimits::default());
        loaded.unwrap().value::<Pair>(0)
    };
    assert_eq!(refused(&[0, 0]), Ok(KNOWN));
    let missing = |what| Err(LoadError::Invalid(what));
    assert_eq!(refused(&[1, 0]), missing("there is no such prompt tag"));
    assert_eq!(refused(&[0, 1]), missing("there is no such mark key"));
    assert_eq!(refused(&[0x7f, 0]), missing("there is no such prompt tag"));
}

fn editor() -> Editor<Call> {
    let editor = Editor::new(&registry()).root::<Value>(0);
    editor.root::<Shared<Pair>>(3)
}

#[test]
fn through_text() {
    for pair in [KNOWN, fresh()] {
        let document = editor().read(&saved(pair)).unwrap();
        let text = serde_json::to_string(&document).unwrap();
        assert!(
            text.contains(r#"{"tag":{"$tag":0},"key":{"$key":0}}"#),
            "{text}"
        );
        let again: Document = serde_json::from_str(&text).unwrap();
        let now = gone_on(&editor().write(&again).unwrap());
        assert_eq!(now == KNOWN, pair == KNOWN);

        let shown = document.show(usize::MAX);
        let [tag, key] = match pair == KNOWN {
            true => ["tag = tag named", "key = key line"],
            false => ["tag = tag generator", "key = key depth"],
        };
        let [tag, key] = [tag, key].map(|it| it.replace(" = ", ": "));
        assert!(shown.contains(&tag) && shown.contains(&key), "{shown}");
        assert!(document.to_html().contains(&tag));

        // What is not in the lists is refused, and can be shown.
        for (known, wrong) in [
            (r#""$tag":0"#, r#""$tag":1"#),
            (r#""$key":0"#, r#""$key":9"#),
        ] {
            let text = text.replace(known, wrong);
            let wrong: Document = serde_json::from_str(&text).unwrap();
            let error = editor().write(&wrong).unwrap_err();
            let is_refused = |flaw: &Flaw| {
                let missing = ["there is no such prompt tag", "there is no such mark key"];
                let mut missing = missing.into_iter();
                missing.any(|why| *flaw == Flaw::Reference(LoadError::Invalid(why)))
            };
            assert!(
                matches!(&error, DocumentError::At { flaw, .. } if is_refused(flaw)),
                "{error:?}"
            );
            assert!(wrong.show(usize::MAX).contains("(unknown)"));
        }
        // A tag is no key, and no number is either.
        for wrong in [r#"{"$key":0}"#, "0", r#""named""#] {
            let text = text.replace(r#"{"$tag":0}"#, wrong);
            let wrong: Document = serde_json::from_str(&text).unwrap();
            assert!(editor().write(&wrong).is_err());
        }
    }
}

/// Who does not have the program finds them in the schema.
#[test]
fn without_the_program() {
    let bytes = saved(fresh());
    let document = editor().read(&bytes).unwrap();
    let mut schema = Schema::new();
    schema.note_document(&document, |_, _| false).unwrap();
    let fields = [("tag", Shape::Tag), ("key", Shape::Key)];
    let fields = fields.map(|(name, shape)| (name.into(), shape)).into();
    let name = "Pair".into();
    let pair = Shape::Struct { name, fields };
    assert_eq!(schema.object("pair", 1), Some(&pair));
    let slots = schema.frame("Ask", 1).unwrap();
    assert_eq!([&slots[0].shape, &slots[1].shape], [&pair, &Shape::Shared]);
    let bytes = schema.embed(&bytes).unwrap();
    let untyped = Document::read(&bytes, LoadLimits::default()).unwrap();
    assert_eq!(untyped, document);
    // One is not the other.
    let conflict = Shape::Tag.union(Shape::Key).unwrap_err();
    assert_eq!(conflict.met, "a mark key");
}

/// A continuation of nothing, and one whose topmost frame has captured in its place.
#[test]
fn what_was_captured_in_place_goes_on() {
    use segno::frame::Continuation;

    #[derive(Clone, Debug, Describe, Persist)]
    enum Tail {
        Prompt { below: u32 },
        Below { left: u32 },
        Capture,
        Body { k: Option<Continuation<Tail>> },
        Use { k: Continuation<Tail> },
    }

    impl Frame for Tail {
        type Value = i64;
        type World = ();

        fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
            match (&mut *self, input) {
                (Self::Prompt { below: left }, Input::Start) => Step::Prompt {
                    tag: NAMED,
                    body: Self::Below { left: *left },
                },
                (Self::Below { left: 0 }, Input::Start) => Step::TailCall(Self::Capture),
                (Self::Below { left }, Input::Start) => Step::Call(Self::Below { left: *left - 1 }),
                (Self::Below { .. }, Input::Value(n)) => Step::Return(n + 1),
                (Self::Capture, Input::Start) => Step::Capture {
                    tag: NAMED,
                    operator: Operator::Control,
                    place: Place::Instead,
                    body: Self::Body { k: None },
                },
                (Self::Body { k }, Input::Continuation(captured)) => {
                    *k = Some(captured);
                    Step::Suspend(0)
                }
                (Self::Body { k }, Input::Value(_)) => Step::TailCall(Self::Use {
                    k: k.take().unwrap(),
                }),
                (Self::Use { k }, Input::Start) => Step::Resume {
                    continuation: k.clone(),
                    with: Ok(100),
                },
                (_, Input::Value(n)) => Step::Return(n),
                _ => unreachable!(),
            }
        }
    }

    for below in [0, 1, 10] {
        let mut machine = Machine::new(Tail::Prompt { below });
        assert_eq!(machine.run(&mut ()), Outcome::Suspended(0));
        let mut save = Save::new(&registry());
        save.machine(&mut machine).unwrap();
        let bytes = save.finish().unwrap();
        let limits = LoadLimits::default();
        let mut loaded = Loaded::<Tail>::read(&bytes, &registry(), limits).unwrap();
        for mut machine in [machine, loaded.machine(0).unwrap()] {
            machine.answer(Ok(1)).unwrap();
            let expected = 100 + 2 * i64::from(below);
            assert_eq!(machine.run(&mut ()), Outcome::Done(expected));
        }
    }
}
