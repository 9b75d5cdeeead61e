//! Snapshots that are read without the program, by their schema.

use std::rc::Rc;

use proptest::prelude::*;
use segno::frame::*;
use segno::snapshot::*;
use serde::{Deserialize, Serialize};

mod frame_programs;

use frame_programs::{K, KEYS, SLOTS, Script, TAGS, Without, World};

#[test]
fn who_does_not_have_the_program_reads_the_same() {
    let registry = TAGS
        .into_iter()
        .fold(Registry::new("laws", 1), Registry::tag);
    let registry = Rc::new(KEYS.into_iter().fold(registry, Registry::key));
    let editor = Editor::<Script>::new(&registry).with_secrets();
    let editor = editor.root::<[Option<K>; SLOTS]>(1);
    let without = Without {
        once: true,
        ..Without::default()
    };
    frame_programs::for_all(500, without, |program, fuel| {
        let mut world = World::new(program);
        let mut machine = frame_programs::machine();
        let fuel = 1 + 4 * fuel;
        for _ in 0..5 {
            let outcome = machine.run_for(fuel, &mut world);
            if !matches!(outcome, Ok(Outcome::Suspended(_) | Outcome::OutOfFuel)) {
                break;
            }
            let mut save = Save::<Script>::new(&registry);
            if save.machine(&mut machine).is_ok() {
                save.value(&world.slots).unwrap();
                let bytes = save.finish().unwrap();
                let document = editor.read(&bytes).unwrap();
                let mut schema = Schema::new();
                schema.note_document(&document, |_, _| false).unwrap();
                let bytes = schema.embed(&bytes).unwrap();
                prop_assert_eq!(&schema.embed(&bytes).unwrap(), &bytes);
                prop_assert_eq!(&editor.read(&bytes).unwrap(), &document);
                let untyped = Document::read(&bytes, LoadLimits::default());
                prop_assert_eq!(untyped.as_ref(), Ok(&document));
                let lines = document.show(usize::MAX).lines().count();
                prop_assert!(lines > 1);
                prop_assert!(document.to_html().contains("</html>"));
            }
            if let Ok(Outcome::Suspended(question)) = outcome {
                machine.answer(world.answer(&question)).unwrap();
            }
        }
        Ok(())
    });
}

/// What only a secret leads to.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Note(String);

impl Object for Note {
    const NAME: &'static str = "note";
}

#[derive(Clone, Debug, Describe, Persist)]
enum Play {
    Hold {
        #[slot(shared, secret)]
        hidden: Shared<Note>,
        #[slot(shared)]
        open: Shared<Note>,
        #[slot(secret)]
        word: String,
        after: Vec<Option<u8>>,
        #[slot(named)]
        how: Named<u8>,
    },
}

impl Frame for Play {
    type Value = ();
    type World = ();

    fn resume(&mut self, _: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        Step::Suspend(())
    }
}

fn note(text: &str) -> Shared<Note> {
    Shared::new(Note(text.into()))
}

fn registry(how: &Named<u8>) -> Rc<Registry> {
    Rc::new(Registry::new("play", 7).revised("how", how.clone(), 3))
}

/// The snapshot of a frame, with a schema, and without.
fn saved() -> [Vec<u8>; 2] {
    let how = Named::new(0);
    let registry = registry(&how);
    let mut machine = Machine::new(Play::Hold {
        hidden: note("geheim"),
        open: note("offen"),
        word: "sesam".into(),
        after: vec![Some(3), None],
        how,
    });
    assert!(matches!(machine.run(&mut ()), Outcome::Suspended(())));
    let mut save = Save::new(&registry);
    save.machine(&mut machine).unwrap();
    save.value(&Some(1.5f32)).unwrap();
    let bytes = save.finish().unwrap();
    let editor = Editor::<Play>::new(&registry).root::<Option<f32>>(1);
    [editor.with_schema(&bytes).unwrap(), bytes]
}

#[test]
fn secrets_are_withheld_and_what_only_they_lead_to() {
    let [bytes, _] = saved();
    let document = Document::read(&bytes, LoadLimits::default()).unwrap();
    let expected = r#"
play v7
root 0: a machine that waits for an answer
  Hold v1: hidden = (secret), open = #1, word = (secret), after = [Some(3), None], how = how (revision 3)
    #1: note v1 = "offen"
root 1: Some(1.5)
"#;
    assert_eq!(document.show(10), expected[1..]);
    for secret in ["geheim", "sesam"] {
        assert!(!format!("{document:?}").contains(secret));
        assert!(!document.to_html().contains(secret));
    }
    let registry = registry(&Named::new(0));
    let editor = Editor::<Play>::new(&registry).root::<Option<f32>>(1);
    assert_eq!(editor.read(&bytes).unwrap(), document);
}

#[test]
fn a_snapshot_without_a_schema_says_so() {
    let [_, bytes] = saved();
    let read = Document::read(&bytes, LoadLimits::default());
    assert_eq!(read, Err(UntypedError::NoSchema));
    // One that does not know the frame does not know either what is secret there, and so of
    // nothing that the frame may lead to.
    let mut of_objects = Schema::new();
    let text = Tree::Str(String::new());
    of_objects.note_object("note", 1, &text).unwrap();
    for schema in [Schema::new(), of_objects] {
        let bytes = schema.embed(&bytes).unwrap();
        let document = Document::read(&bytes, LoadLimits::default()).unwrap();
        let all = format!("{document:?}");
        assert!(!all.contains("geheim") && !all.contains("sesam") && !all.contains("offen"));
        assert!(document.show(10).contains("Hold v1: slots = (secret)"));
    }
}

#[test]
fn whatever_the_bytes_are_they_are_read_or_refused() {
    let [bytes, _] = saved();
    let limits = LoadLimits {
        frames: 100,
        parts: 100,
        objects: 100,
        elements: 1_000,
        ..LoadLimits::default()
    };
    for at in 6..bytes.len() - 4 {
        for byte in 0..=255 {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            let content = bytes.len() - 4;
            let sum = crc32fast::hash(&bytes[..content]);
            bytes[content..].copy_from_slice(&sum.to_le_bytes());
            if let Ok(document) = Document::read(&bytes, limits) {
                let _ = document.show(1_000);
                let _ = document.to_html();
            }
        }
    }
}
