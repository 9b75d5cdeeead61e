//! Snapshots as documents: what is written again is the same snapshot, and a person may change
//! what is in between.

use std::rc::Rc;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use segno::frame::*;
use segno::snapshot::*;
use serde::{Deserialize, Serialize};

mod frame_programs;

use frame_programs::{Ending, K, KEYS, SLOTS, Script, TAGS, Without, World};

fn through_text(document: &Document) -> Document {
    let text = serde_json::to_string_pretty(document).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_run_that_goes_through_documents_is_the_same_run() {
    let registry = TAGS
        .into_iter()
        .fold(Registry::new("laws", 1), Registry::tag);
    let registry = Rc::new(KEYS.into_iter().fold(registry, Registry::key));
    let editor = Editor::<Script>::new(&registry).root::<[Option<K>; SLOTS]>(1);
    let without = Without {
        once: true,
        ..Without::default()
    };
    frame_programs::for_all(1_500, without, |program, fuel| {
        let mut world = World::new(program);
        let expected = frame_programs::finish(&mut frame_programs::machine(), &mut world, u64::MAX);
        let mut world = World::new(program);
        let mut here = frame_programs::machine();
        // Wherever it suspends, and at some of the other stops.
        let fuel = 1 + 4 * fuel;
        let found = loop {
            let outcome = here.run_for(fuel, &mut world);
            match &outcome {
                Ok(Outcome::Suspended(_) | Outcome::OutOfFuel) => {}
                outcome => break Ending::new(&world, outcome),
            }
            let mut save = Save::<Script>::new(&registry);
            if save.machine(&mut here).is_ok() {
                save.value(&world.slots).unwrap();
                let bytes = save.finish().unwrap();
                let document = editor.read(&bytes).unwrap();
                let again = editor.write(&through_text(&document)).unwrap();
                prop_assert_eq!(&again, &bytes);
                let limits = LoadLimits::default();
                let mut loaded = Loaded::<Script>::read(&again, &registry, limits).unwrap();
                world.slots = loaded.value(1).unwrap();
                here = loaded.machine(0).unwrap();
                here.set_limits(frame_programs::limits());
            }
            if let Ok(Outcome::Suspended(question)) = outcome {
                here.answer(world.answer(&question)).unwrap();
            }
        };
        frame_programs::same(&found, &expected)
    });
}

const P: PromptTag = PromptTag::named("p");
const LINE: MarkKey = MarkKey::named("line");

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Cell {
    n: i64,
    next: Option<Shared<Cell>>,
}

impl Object for Cell {
    const NAME: &'static str = "cell";
    const VERSION: u32 = 2;
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Value {
    Number(i64),
    K(Continuation<Call>),
}

#[derive(Clone, Describe, Persist)]
enum Call {
    #[frame(name = "add", version = 3, reads = 2)]
    Add {
        n: i64,
        #[slot(shared)]
        cell: Shared<Cell>,
        #[slot(since = 3)]
        times: u32,
    },
    Apply(#[slot(named)] Named<fn(i64) -> i64>),
    Login {
        user: String,
        #[slot(secret, shared)]
        key: Option<Shared<Cell>>,
        #[slot(secret)]
        k: Option<Continuation<Call>>,
    },
    /// Whether it has asked.
    Prompt(bool),
    Ask,
}

impl Frame for Call {
    type Value = Value;
    type World = ();

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match (&mut *self, input) {
            (Self::Prompt(asked @ false), Input::Value(_)) => {
                *asked = true;
                Step::Prompt {
                    tag: P,
                    body: Self::Ask,
                }
            }
            (Self::Ask, Input::Start) => {
                cx.set_mark(LINE, Value::Number(7));
                Step::Suspend(Value::Number(0))
            }
            (Self::Add { n, cell, times }, Input::Value(Value::Number(m))) => {
                // Whoever edits them may write any number.
                let each = n.wrapping_add(cell.with(|cell| cell.n));
                let times = i64::from(*times).wrapping_add(1);
                let sum = m.wrapping_add(each.wrapping_mul(times));
                Step::Return(Value::Number(sum))
            }
            (Self::Apply(function), Input::Value(Value::Number(n))) => {
                Step::Return(Value::Number(function(n)))
            }
            (_, Input::Value(value)) => Step::Return(value),
            _ => Step::Raise(Value::Number(-1)),
        }
    }
}

fn double(n: i64) -> i64 {
    n.wrapping_mul(2)
}

struct Program {
    registry: Rc<Registry>,
    double: Named<fn(i64) -> i64>,
}

impl Program {
    fn new() -> Self {
        let double = Named::new(double as fn(i64) -> i64);
        let registry = Registry::new("sums", 1).tag(P).key(LINE).upgrade_object(
            ("cell", 1),
            ("cell", 2),
            |cell: (i64, Option<Link>)| cell,
        );
        Self {
            registry: Rc::new(registry.value("double", double.clone())),
            double,
        }
    }

    fn editor(&self) -> Editor<Call> {
        Editor::new(&self.registry)
    }

    /// A snapshot of a machine with these frames, topmost first, that waits for an answer.
    fn saved(&self, frames: Vec<Call>) -> Vec<u8> {
        let mut save = Save::new(&self.registry);
        save.machine(&mut asking(frames)).unwrap();
        save.finish().unwrap()
    }

    fn answered(&self, bytes: &[u8], n: i64) -> i64 {
        let mut loaded =
            Loaded::<Call>::read(bytes, &self.registry, LoadLimits::default()).unwrap();
        let mut machine = loaded.machine(0).unwrap();
        machine.answer(Ok(Value::Number(n))).unwrap();
        match machine.run(&mut ()) {
            Outcome::Done(Value::Number(n)) => n,
            outcome => panic!("{outcome:?}"),
        }
    }
}

/// A machine with these frames below one that asks, topmost first.
fn asking(mut frames: Vec<Call>) -> Machine<Call> {
    frames.insert(0, Call::Prompt(false));
    let mut machine = Machine::idle();
    let k = machine.inspector().build_from_frames(frames).unwrap();
    machine.start_with(k, Ok(Value::Number(0))).unwrap();
    assert!(matches!(machine.run(&mut ()), Outcome::Suspended(_)));
    machine
}

/// A cell that leads to itself.
fn cell(n: i64) -> Shared<Cell> {
    let cell = Shared::new(Cell { n, next: None });
    let again = cell.clone();
    cell.update(|cell| cell.next = Some(again));
    cell
}

fn add(n: i64, cell: &Shared<Cell>) -> Call {
    let cell = cell.clone();
    Call::Add { n, cell, times: 0 }
}

/// All frames of a document.
fn frames(document: &mut Document) -> Vec<&mut FrameDocument> {
    let frames = document.parts.iter_mut().flat_map(|part| match part {
        Outline::Segment { frames, .. } => frames.iter_mut(),
        Outline::Winder { thunks: frames } | Outline::Entering { body: frames, .. } => {
            frames.iter_mut()
        }
        _ => [].iter_mut(),
    });
    frames.collect()
}

fn frame<'a>(document: &'a mut Document, kind: &str) -> &'a mut FrameDocument {
    let mut frames = frames(document).into_iter();
    frames.find(|frame| frame.kind == kind).unwrap()
}

fn below(document: &mut Document, more: isize) {
    for part in &mut document.parts {
        if let Outline::Continuation { levels } = part {
            let chain = levels[0].position.chain.as_mut().unwrap();
            chain.frames = chain.frames.strict_add_signed(more);
        }
    }
}

#[test]
fn a_person_edits() {
    let program = Program::new();
    let editor = program.editor();
    let cell = cell(100);
    let frames = vec![
        add(1, &cell),
        add(2, &cell),
        Call::Apply(program.double.clone()),
    ];
    let bytes = program.saved(frames);
    assert_eq!(program.answered(&bytes, 0), 2 * (101 + 102));
    let original = through_text(&editor.read(&bytes).unwrap());
    assert_eq!(original.objects.len(), 1);
    let outcome = |document: &Document| {
        let again = editor.write(document).unwrap();
        let document = editor.read(&again).unwrap();
        assert_eq!(editor.write(&document).unwrap(), again);
        program.answered(&again, 0)
    };

    let mut document = original.clone();
    *frame(&mut document, "add").slot_mut("n").unwrap() = Tree::Number(Number::I8(-100));
    let text = serde_json::to_string(&document).unwrap();
    let document = serde_json::from_str(&text.replace(r#""n":100"#, r#""n":200"#)).unwrap();
    assert_eq!(outcome(&document), 2 * (201 + 100));

    // The slot of version 3 was not there.
    let mut document = original.clone();
    let add = frame(&mut document, "add");
    let Tree::Map(slots) = &mut add.slots else {
        panic!("{add:?}");
    };
    slots.retain(|(name, _)| *name != Tree::Str("times".to_owned()));
    add.version = 2;
    assert_eq!(outcome(&document), 2 * (101 + 102));

    // A frame less, and the last that refers to the cell.
    let mut document = original.clone();
    for left in [102, 0] {
        let Some(Outline::Segment { frames, .. }) = document.parts.get_mut(1) else {
            panic!("{document:?}");
        };
        let last = frames.iter().rposition(|frame| frame.kind == "add");
        frames.remove(last.unwrap());
        below(&mut document, -1);
        assert_eq!(outcome(&document), 2 * left);
    }

    // A frame more, of a kind that was not there.
    let mut document = original;
    let login = FrameDocument {
        kind: "Login".to_owned(),
        version: 1,
        slots: Tree::of(&Login {
            user: "ada",
            key: None,
            k: None,
        })
        .unwrap(),
    };
    let Some(Outline::Segment { frames, .. }) = document.parts.get_mut(1) else {
        panic!("{document:?}");
    };
    frames.insert(2, login);
    below(&mut document, 1);
    let written = editor.write(&document).unwrap();
    assert_eq!(program.answered(&written, 0), 2 * (101 + 102));
    let document = editor.read(&written).unwrap();
    assert!(document.kinds.contains(&("Login".to_owned(), 1)));
}

#[derive(Serialize)]
struct Login {
    user: &'static str,
    key: Option<()>,
    k: Option<()>,
}

#[test]
fn secrets_are_withheld() {
    let program = Program::new();
    let shown = cell(1);
    // The one leads to what is shown, too.
    let secret = Shared::new(Cell {
        n: 123_456,
        next: Some(shown.clone()),
    });
    let k = asking(vec![add(654_321, &shown)]).continuation();
    let login = Call::Login {
        user: "ada".to_owned(),
        key: Some(secret),
        k,
    };
    let bytes = program.saved(vec![add(5, &shown), login]);

    let editor = program.editor();
    let mut document = editor.read(&bytes).unwrap();
    let text = serde_json::to_string(&document).unwrap();
    for number in ["123456", "654321"] {
        assert!(!text.contains(number), "{text}");
        assert!(!format!("{document:?}").contains(number));
    }
    let login = frame(&mut document, "Login");
    assert_eq!(login.slot("user"), Some(&Tree::Str("ada".to_owned())));
    assert_eq!(login.slot("key"), Some(&Tree::Withheld));
    assert_eq!(login.slot("k"), Some(&Tree::Withheld));
    let values: Vec<_> = document
        .objects
        .iter()
        .map(|object| &object.value)
        .collect();
    assert_eq!(values.len(), 2);
    assert_eq!(
        values
            .iter()
            .filter(|value| ***value == Tree::Withheld)
            .count(),
        1
    );
    assert_eq!(flaw(&editor.write(&document)).1, &Flaw::Withheld);

    let editor = program.editor().with_secrets();
    let document = editor.read(&bytes).unwrap();
    let text = serde_json::to_string(&document).unwrap();
    assert!(text.contains("123456") && text.contains("654321") && !text.contains("withheld"));
    assert_eq!(editor.write(&through_text(&document)).unwrap(), bytes);
}

#[track_caller]
fn flaw(written: &Result<Vec<u8>, DocumentError>) -> (&str, &Flaw) {
    match written {
        Err(DocumentError::At { place, flaw }) => (place, flaw),
        other => panic!("{other:?}"),
    }
}

#[derive(Clone, Describe, Persist)]
enum Less {
    Ask,
    Prompt(bool),
}

impl Frame for Less {
    type Value = Value;
    type World = ();

    fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        Step::Return(Value::Number(0))
    }
}

#[test]
fn what_cannot_be_decoded_stays_as_it_is() {
    let program = Program::new();
    let cell = cell(100);
    let bytes = program.saved(vec![add(1, &cell)]);
    let editor = Editor::<Less>::new(&program.registry);
    let mut document = editor.read(&bytes).unwrap();
    // Nobody knows what is secret in it.
    for frame in frames(&mut document) {
        assert_eq!(frame.slots == Tree::Withheld, frame.kind == "add");
    }
    assert_eq!(document.objects[0].value, Tree::Withheld);

    let editor = editor.with_secrets();
    let mut document = through_text(&editor.read(&bytes).unwrap());
    *frame(&mut document, "Prompt").slot_mut("0").unwrap() = Tree::Bool(false);
    assert!(matches!(frame(&mut document, "add").slots, Tree::Opaque(_)));
    assert!(matches!(document.objects[0].value, Tree::Opaque(_)));
    let edited = editor.write(&document).unwrap();
    let mut document = program.editor().read(&edited).unwrap();
    assert_eq!(
        frame(&mut document, "Prompt").slot("0"),
        Some(&Tree::Bool(false))
    );
    assert!(matches!(
        frame(&mut document, "add").slots,
        Tree::Struct { .. }
    ));
}

#[test]
fn values_have_the_type_that_the_editor_is_told() {
    let program = Program::new();
    let mut save = Save::<Call>::new(&program.registry);
    let cell = cell(3);
    save.value(&(1u8, cell.clone())).unwrap();
    save.value(&cell).unwrap();
    let bytes = save.finish().unwrap();

    let editor = program.editor();
    let mut document = through_text(&editor.read(&bytes).unwrap());
    assert!(matches!(
        document.roots[0],
        RootDocument::Value(Tree::Opaque(_))
    ));
    assert!(matches!(document.objects[0].value, Tree::Opaque(_)));
    assert_eq!(editor.write(&document).unwrap(), bytes);
    document.roots[0] = RootDocument::Value(Tree::Unit);
    assert_eq!(flaw(&editor.write(&document)), ("root 0", &Flaw::Untyped));

    let wrong = program.editor().root::<(u8, u8, u8)>(0);
    assert!(matches!(wrong.read(&bytes), Err(LoadError::Value { .. })));
    let none = program.editor().root::<u8>(2);
    assert_eq!(none.read(&bytes), Err(LoadError::Root { index: 2 }));

    // One of the two tells what is in the cell.
    let editor = editor.root::<(u8, Shared<Cell>)>(0);
    let mut document = through_text(&editor.read(&bytes).unwrap());
    assert_eq!(editor.write(&document).unwrap(), bytes);
    let text = serde_json::to_string(&document.roots[0]).unwrap();
    assert_eq!(text, r#"{"value":[1,{"$shared":0}]}"#);
    let mut untyped = document.clone();
    untyped.roots[0] = untyped.roots[1].clone();
    let written = editor.write(&untyped);
    assert_eq!(flaw(&written), ("object 0 (cell)", &Flaw::Untyped));
    document.objects[0].value = serde_json::from_str(r#"{"n": 4, "next": null}"#).unwrap();
    let bytes = editor.write(&document).unwrap();
    let limits = LoadLimits::default();
    let mut loaded = Loaded::<Call>::read(&bytes, &program.registry, limits).unwrap();
    let (_, cell) = loaded.value::<(u8, Shared<Cell>)>(0).unwrap();
    assert!(cell.same(&loaded.value(1).unwrap()));
    assert_eq!(cell.with(|cell| (cell.n, cell.next.is_none())), (4, true));
}

#[test]
fn increments_become_one_document() {
    let program = Program::new();
    let cell = cell(100);
    let mut machine = asking(vec![add(1, &cell)]);
    let mut save = Save::new(&program.registry);
    save.machine(&mut machine).unwrap();
    let (first, base) = save.finish_as_base().unwrap();
    cell.update(|cell| cell.n = 200);
    let mut save = Save::since(&base, &program.registry);
    save.machine(&mut machine).unwrap();
    let second = save.finish().unwrap();
    let editor = program.editor();
    let document = editor.read_increments(&[first, second]).unwrap();
    let whole = editor.write(&document).unwrap();
    assert_eq!(program.answered(&whole, 0), 201);
    assert_eq!(editor.read(&whole), Ok(document));
}

/// What looks at what it refers to while it is encoded.
#[derive(Clone, Debug)]
struct Looks(Shared<Cell>);

impl Serialize for Looks {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (self.0.with(|cell| cell.n), &self.0).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Looks {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (_, cell) = <(i64, _)>::deserialize(from)?;
        Ok(Self(cell))
    }
}

#[test]
fn what_is_referred_to_can_be_looked_at() {
    let program = Program::new();
    let mut save = Save::<Call>::new(&program.registry);
    save.value(&Looks(cell(3))).unwrap();
    let bytes = save.finish().unwrap();
    let editor = program.editor().root::<Looks>(0);
    let mut document = through_text(&editor.read(&bytes).unwrap());
    assert_eq!(editor.write(&document).unwrap(), bytes);
    let text = serde_json::to_string(&document.roots[0]).unwrap();
    assert_eq!(text, r#"{"value":[3,{"$shared":0}]}"#);
    document.objects[0].value = serde_json::from_str(r#"{"n": 4, "next": null}"#).unwrap();
    let document = editor.read(&editor.write(&document).unwrap()).unwrap();
    let text = serde_json::to_string(&document.roots[0]).unwrap();
    assert_eq!(text, r#"{"value":[4,{"$shared":0}]}"#);
}

/// A document with everything in it, as JSON.
fn everything() -> (Program, String) {
    let program = Program::new();
    let cell = cell(1);
    let k = asking(vec![add(1, &cell)]).continuation();
    let login = Call::Login {
        user: "ada".to_owned(),
        key: Some(cell.clone()),
        k,
    };
    let mut save = Save::new(&program.registry);
    let apply = Call::Apply(program.double.clone());
    save.machine(&mut asking(vec![login, apply, add(2, &cell)]))
        .unwrap();
    save.value(&Value::Number(1)).unwrap();
    let bytes = save.finish().unwrap();
    let document = editor(&program).read(&bytes).unwrap();
    (program, serde_json::to_string(&document).unwrap())
}

fn editor(program: &Program) -> Editor<Call> {
    program.editor().with_secrets().root::<Value>(1)
}

#[test]
fn errors_say_where() {
    let (program, json) = everything();
    #[track_caller]
    fn wrong(program: &Program, json: &str, from: &str, to: &str, expected: &str) {
        assert!(json.contains(from), "{json}");
        let document: Document = serde_json::from_str(&json.replacen(from, to, 1)).unwrap();
        let error = editor(program).write(&document).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(expected), "{said}");
    }
    let check = |from: &str, to: &str, expected: &str| wrong(&program, &json, from, to, expected);
    check(
        r#""times":0"#,
        r#""times":-1"#,
        "frame 0 (add), slot times: invalid value: integer `-1`",
    );
    check(
        r#""times":0"#,
        r#""times":"0""#,
        "(add), slot times: invalid type: string",
    );
    check(
        r#""times":0"#,
        r#""time":0"#,
        "(add): the slot times is missing: write it",
    );
    check(r#""times":0"#, r#""times":0,"n":2"#, "second slot n");
    check(
        r#""times":0"#,
        r#""times":0,"m":2"#,
        "no second slot m, or none",
    );
    check(
        r#""user":"ada""#,
        r#""user":{"$withheld":null}"#,
        "slot user: it is withheld",
    );
    check(
        r#""kind":"add","version":3"#,
        r#""kind":"add","version":1"#,
        "of the kind add in version 1",
    );
    check(
        r#""kind":"add""#,
        r#""kind":"sub""#,
        "of the kind sub in version 3",
    );
    check(
        r#"{"$shared":0}"#,
        r#"{"$shared":1}"#,
        "there is no such object",
    );
    check(
        r#"{"$shared":0}"#,
        r#"{"$continuation":0}"#,
        "invalid type: a continuation",
    );
    check(
        r#""of":"cell","version":2"#,
        r#""of":"cell","version":1"#,
        "cell v1 where cell v2 is expected",
    );
    check(
        r#"["double",0]"#,
        r#"["double",1]"#,
        "slot 0: double was at revision 1",
    );
    check(r#"["double",0]"#, r#"["triple",0]"#, "triple");
    check(
        r#""value":{"Number":7}"#,
        r#""value":{"Text":7}"#,
        "part 0: unknown variant",
    );
    check(
        r#""value":{"Number":1}"#,
        r#""value":{"K":{"$continuation":99}}"#,
        "root 1: ",
    );
    check(r#""n":1,"#, r#""n":{},"#, "object 0 (cell): ");
    check(
        r#""program":"sums""#,
        r#""program":"other""#,
        "belongs to the program other",
    );
    check(
        r#""name":"p""#,
        r#""name":"q""#,
        "register the prompt tag q",
    );
    check(r#""times":1"#, r#""times":0"#, "a level has no prompt");
    check(r#""frames":2}"#, r#""frames":9}"#, "part 3: ");
    check(r#""stack":"#, r#""stack":9"#, "root 0: ");

    // A part that names itself, or one that comes after it.
    let document: Document = serde_json::from_str(&json).unwrap();
    for number in [4, 5, u32::MAX] {
        let mut document = document.clone();
        let Some(Outline::Segment { below, .. }) = document.parts.get_mut(4) else {
            panic!("{document:?}");
        };
        *below = Some(ChainOutline {
            segment: number,
            frames: 1,
        });
        let written = editor(&program).write(&document);
        assert!(matches!(flaw(&written), ("part 4", Flaw::Reference(_))));
    }
}

#[test]
fn depth_and_size_are_bounded() {
    let (program, json) = everything();
    for (open, close) in [("[", "]"), (r#"{"$some":"#, "}"), (r#"{"K":"#, "}")] {
        let deep = [&open.repeat(100_000), "0", &close.repeat(100_000)].concat();
        let text = json.replacen(r#"{"Number":7}"#, &deep, 1);
        assert!(serde_json::from_str::<Document>(&text).is_err());
        let deep = [&open.repeat(80), "0", &close.repeat(80)].concat();
        let text = json.replacen(r#"{"Number":7}"#, &deep, 1);
        let document = serde_json::from_str(&text).unwrap();
        assert!(editor(&program).write(&document).is_err());
    }
    let document: Document = serde_json::from_str(&json).unwrap();
    let limits = LoadLimits {
        frames: 3,
        ..LoadLimits::default()
    };
    let written = editor(&program).limits(limits).write(&document);
    assert!(
        written
            .unwrap_err()
            .to_string()
            .contains("more than 3 frames")
    );
}

/// Changes something somewhere in it.
fn change(json: &mut serde_json::Value, place: &mut usize, to: &serde_json::Value) -> bool {
    if *place == 0 {
        *json = to.clone();
        return true;
    }
    *place -= 1;
    match json {
        serde_json::Value::Array(list) => list.iter_mut().any(|it| change(it, place, to)),
        serde_json::Value::Object(map) => map.values_mut().any(|it| change(it, place, to)),
        _ => false,
    }
}

/// Counts what there is to be changed.
fn count(json: &serde_json::Value) -> usize {
    1 + match json {
        serde_json::Value::Array(list) => list.iter().map(count).sum(),
        serde_json::Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

#[test]
fn what_is_changed_at_random_is_refused_or_loaded() {
    let (program, json) = everything();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let editor = editor(&program);
    let all = count(&json);
    let change_to = prop_oneof![
        (0..12i64).prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        prop::sample::select(vec![
            "null",
            "[]",
            "{}",
            "true",
            "\"\"",
            "\"nothing\"",
            "{\"inside\": 1}",
            "{\"returned\": {\"Number\": 1}}",
            "{\"$shared\": 0}",
            "{\"$continuation\": 2}",
            "{\"$opaque\": \"\"}",
            "{\"$opaque\": \"0102030405\"}",
            "{\"$withheld\": null}",
            "{\"Number\": 1}",
            "{\"K\": {\"$continuation\": 2}}",
            "{\"segment\": 1, \"frames\": 1}",
            "{\"winder\": {\"thunks\": []}}",
        ])
        .prop_map(|text| serde_json::from_str(text).unwrap()),
    ];
    let config = ProptestConfig {
        cases: 10_000,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let [tried, written] = [0, 0].map(std::cell::Cell::new);
    proptest!(config, |(changes in prop::collection::vec((0..all, change_to), 1..3))| {
        tried.set(tried.get() + 1);
        let mut json = json.clone();
        for (mut place, to) in changes {
            change(&mut json, &mut place, &to);
        }
        let document: Result<Document, _> = serde_json::from_value(json);
        if let Ok(document) = document
            && let Ok(bytes) = editor.write(&document)
        {
            written.set(written.get() + 1);
            let limits = LoadLimits::default();
            let mut loaded = Loaded::<Call>::read(&bytes, &program.registry, limits).unwrap();
            if let Ok(mut machine) = loaded.machine(0) {
                let _ = machine.answer(Ok(Value::Number(1)));
                let _ = machine.run_for(1_000, &mut ());
            }
        }
    });
    let (tried, written) = (tried.get(), written.get());
    assert!(100 * written > tried, "{written} of {tried}");
}
