//! Snapshots that no program has written: their checksums are right, and what they say fits
//! nothing.

use std::cell::RefCell;
use std::rc::Rc;

use segno::frame::{
    Context, Continuation, Describe, Frame, Input, Machine, Operator, Outcome, Place, PromptTag,
    Step,
};
use segno::snapshot::{
    LoadError, LoadLimits, Loaded, Named, Object, Persist, Registry, Save, SaveError, Shared,
};
use serde::{Deserialize, Serialize};

const P: PromptTag = PromptTag::named("p");

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Value {
    Number(u32),
    List(Shared<List>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct List(Vec<u8>);

impl Object for List {
    const NAME: &'static str = "list";
}

#[derive(Clone, Debug, Describe, Persist)]
enum Call {
    Ask,
    /// Captures up to a prompt, or asks.
    Tag(u8),
    /// Where a program has put a continuation by itself.
    Own(Own),
}

#[derive(Clone, Debug, Default)]
struct Own(Rc<RefCell<Option<Continuation<Call>>>>);

impl Serialize for Own {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.borrow().serialize(to)
    }
}

impl<'de> Deserialize<'de> for Own {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(Rc::new(RefCell::new(Option::deserialize(from)?))))
    }
}

thread_local! {
    /// The tag that `Call::Tag` uses.
    static TAG: PromptTag = PromptTag::fresh("minted");
}

impl Frame for Call {
    type Value = Value;
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        let tag = TAG.with(|tag| *tag);
        match (&mut *self, input) {
            (Self::Tag(state @ 0), Input::Start) => {
                *state = 1;
                let body = Self::Tag(2);
                Step::Prompt { tag, body }
            }
            (Self::Tag(2), Input::Value(_)) => Step::Capture {
                tag,
                operator: Operator::Control,
                place: Place::Prompt,
                body: Self::Tag(3),
            },
            (Self::Tag(3), Input::Continuation(_)) => Step::Return(Value::Number(42)),
            (Self::Tag(1), Input::Value(value)) => Step::Return(value),
            (_, Input::Start) => Step::Suspend(Value::Number(0)),
            (_, Input::Value(value)) => Step::Return(value),
            _ => Step::Raise(Value::Number(1)),
        }
    }
}

/// What a snapshot is made of, as numbers of one byte each.
#[derive(Default)]
struct Forged {
    objects: Vec<Vec<u8>>,
    parts: Vec<Vec<u8>>,
    roots: Vec<Vec<u8>>,
}

impl Forged {
    fn part(&mut self, part: &[u8]) -> u8 {
        self.parts.push(part.to_vec());
        u8::try_from(self.parts.len() - 1).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        fn list(items: &[Vec<u8>], with_length: bool, to: &mut Vec<u8>) {
            for item in items {
                if with_length {
                    to.push(u8::try_from(item.len()).unwrap());
                }
                to.extend(item);
            }
        }
        let len = |items: &[Vec<u8>]| u8::try_from(items.len()).unwrap();
        let mut to = b"segno\x01".to_vec();
        to.extend(b"\x06forged\x01"); // the program
        to.push(0); // the base
        to.extend(b"\x01\x03Ask\x01"); // the kinds of frame
        to.extend(b"\x01\x01\x01p"); // the tags
        to.push(0); // the keys
        to.extend(b"\x01\x04list\x01"); // the types of objects
        to.push(0); // the objects that have changed
        to.push(len(&self.objects));
        to.extend(self.objects.iter().map(|_| 0));
        to.push(len(&self.parts));
        list(&self.parts, false, &mut to);
        list(&self.objects, true, &mut to);
        to.push(len(&self.roots));
        list(&self.roots, true, &mut to);
        to.push(0); // the schema
        let sum = crc32fast::hash(&to);
        to.extend(sum.to_le_bytes());
        to
    }
}

fn registry() -> Rc<Registry> {
    Rc::new(Registry::new("forged", 1).tag(P))
}

fn load(forged: &Forged) -> Result<Loaded<Call>, LoadError> {
    Loaded::read(&forged.bytes(), &registry(), LoadLimits::default())
}

/// One frame.
const SEGMENT: &[u8] = &[0, 1, 0, 0, 0, 0, 0];
const WINDER: &[u8] = &[2, 2, 0, 0, 0, 0];

#[test]
fn a_machine_that_starts_has_a_frame_on_top() {
    for waits in [1, 2] {
        // Under a prompt with nothing above it.
        let mut forged = Forged::default();
        let segment = forged.part(SEGMENT);
        let k = forged.part(&[5, 2, 1, segment, 1, 0, 0, 0, 0, 0, 0, 1, 0]);
        forged.roots.push(vec![1, k, waits]);
        assert!(matches!(load(&forged), Err(LoadError::Invalid(_))));
        // In a winder whose body has none.
        let mut forged = Forged::default();
        let segment = forged.part(SEGMENT);
        let winder = forged.part(WINDER);
        let top = forged.part(&[0, 0, 0, 2, winder, 1, segment, 1]);
        let k = forged.part(&[5, 1, 1, top, 0, 0, 0, 0]);
        forged.roots.push(vec![1, k, waits]);
        assert!(matches!(load(&forged), Err(LoadError::Invalid(_))));
        // In what is put on top of something.
        let mut forged = Forged::default();
        let segment = forged.part(SEGMENT);
        let rest = forged.part(&[1, 1, segment, 1, 0, 0]);
        let k = forged.part(&[5, 1, 0, 1, rest, 0, 0]);
        forged.roots.push(vec![1, k, waits]);
        assert!(matches!(load(&forged), Err(LoadError::Invalid(_))));
    }
    // As it should be.
    let mut forged = Forged::default();
    let segment = forged.part(SEGMENT);
    let k = forged.part(&[5, 1, 1, segment, 1, 0, 0, 0]);
    forged.roots.push(vec![1, k, 1]);
    let mut machine = load(&forged).unwrap().machine(0).unwrap();
    assert!(matches!(machine.run(&mut ()), Outcome::Suspended(_)));
}

#[test]
fn a_winder_is_in_its_stack() {
    let mut forged = Forged::default();
    let segment = forged.part(SEGMENT);
    let mut rest = forged.part(&[1, 1, segment, 1, 0, 0]);
    for _ in 0..20 {
        rest = forged.part(&[1, 0, 1, rest, 1, rest]);
    }
    let winder = forged.part(WINDER);
    let wound = forged.part(&[3, winder, 0, 1, rest, 0]);
    forged.part(&[5, 1, 1, segment, 1, 0, 1, wound, 0]);
    assert!(matches!(load(&forged), Err(LoadError::Invalid(_))));
}

#[test]
fn a_stack_without_end_is_too_large() {
    let mut forged = Forged::default();
    let segment = forged.part(SEGMENT);
    let mut rest = forged.part(&[1, 1, segment, 1, 0, 0]);
    for _ in 0..60 {
        rest = forged.part(&[1, 0, 1, rest, 1, rest]);
    }
    assert!(matches!(load(&forged), Err(LoadError::Limit { .. })));
}

#[test]
fn what_could_not_be_decoded_is_not_found_later() {
    let mut forged = Forged::default();
    forged.objects.push(vec![9]);
    forged.roots.push(vec![0, 1, 0]);
    let mut loaded = load(&forged).unwrap();
    for _ in 0..3 {
        let error = loaded.value::<Value>(0).unwrap_err();
        assert!(matches!(error, LoadError::Value { .. }), "{error}");
    }
}

#[test]
fn a_continuation_in_itself() {
    let own = Own::default();
    let mut machine = Machine::new(Call::Own(own.clone()));
    assert!(matches!(machine.run(&mut ()), Outcome::Suspended(_)));
    *own.0.borrow_mut() = machine.continuation();
    let mut save = Save::new(&registry());
    assert_eq!(save.machine(&mut machine), Err(SaveError::Circular));
    own.0.take();
    save.machine(&mut machine).unwrap();
}

#[test]
fn who_is_registered_keeps_its_identity() {
    let minted = TAG.with(|tag| *tag);
    let registry = Rc::new(Registry::new("forged", 1).tag(minted));
    let mut machine = Machine::new(Call::Tag(0));
    assert!(matches!(machine.run(&mut ()), Outcome::Suspended(_)));
    let mut save = Save::new(&registry);
    save.machine(&mut machine).unwrap();
    let bytes = save.finish().unwrap();
    let mut loaded = Loaded::<Call>::read(&bytes, &registry, LoadLimits::default()).unwrap();
    let mut machine = loaded.machine(0).unwrap();
    machine.answer(Ok(Value::Number(0))).unwrap();
    assert!(matches!(
        machine.run(&mut ()),
        Outcome::Done(Value::Number(42))
    ));
    // Another of the same name is not the one that is registered.
    let other = Registry::new("forged", 1).tag(PromptTag::named("minted"));
    let mut machine = Machine::new(Call::Tag(0));
    assert!(matches!(machine.run(&mut ()), Outcome::Suspended(_)));
    let mut save = Save::new(&Rc::new(other));
    save.machine(&mut machine).unwrap();
    let bytes = save.finish().unwrap();
    let loaded = Loaded::<Call>::read(&bytes, &registry, LoadLimits::default());
    assert!(loaded.is_ok(), "what was minted is minted anew");
}

#[test]
fn a_name_is_of_what_was_registered_last() {
    let registry = Registry::new("forged", 1)
        .value("x", Named::new(1u64))
        .value("x", Named::new(2u64));
    let registry = Rc::new(registry);
    // Some of these lie where the first one was.
    for other in (0..1000).map(|_| Named::new(7u64)).collect::<Vec<_>>() {
        assert!(Save::<Call>::new(&registry).value(&other).is_err());
    }
}

/// In a type whose parameter has the name that a derive might use.
#[derive(Clone, Debug, Describe, Persist)]
struct Generic<S: Clone + std::fmt::Debug + Serialize + for<'a> Deserialize<'a> + 'static> {
    slot: S,
}

impl<S: Clone + std::fmt::Debug + Serialize + for<'a> Deserialize<'a> + 'static> Frame
    for Generic<S>
{
    type Value = u8;
    type World = ();

    fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        Step::Suspend(0)
    }
}

#[test]
fn a_generic_frame() {
    let mut machine = Machine::new(Generic { slot: 7u16 });
    let _ = machine.run(&mut ());
    let mut save = Save::new(&registry());
    save.machine(&mut machine).unwrap();
    let bytes = save.finish().unwrap();
    let limits = LoadLimits::default();
    let mut loaded = Loaded::<Generic<u16>>::read(&bytes, &registry(), limits).unwrap();
    let k = loaded.machine(0).unwrap().continuation().unwrap();
    let mut slots = Vec::new();
    machine.inspector().frames(&k, |frame| {
        slots.push(frame.slot);
        true
    });
    assert_eq!(slots, [7]);
}
