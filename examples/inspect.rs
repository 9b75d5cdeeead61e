//! Shows what is in a snapshot, of whatever program, without that program: what it needs is
//! the schema that is in it.
//!
//! ```text
//! inspect                    makes a snapshot of its own, and shows it
//! inspect FILE               shows a snapshot
//! inspect FILE --html OUT    shows it, and writes a page for a browser
//! ```

use std::error::Error;
use std::path::Path;
use std::rc::Rc;
use std::{env, fs};

use segno::frame::{
    Context, Continuation, Describe, Frame, Input, Machine, MarkKey, Operator, Outcome, Place,
    PromptTag, Step,
};
use segno::snapshot::{Document, Editor, LoadLimits, Object, Persist, Registry, Save, Shared};
use serde::{Deserialize, Serialize};

/// How many lines are printed.
const LINES: usize = 200;

const DAY: PromptTag = PromptTag::named("day");
const HEIGHT: MarkKey = MarkKey::named("height");

/// A climb that is saved on its way, with the way so far to come back to.
#[derive(Clone, Debug, Describe, Persist)]
enum Climb {
    /// A day on the mountain.
    Day {
        #[slot(shared)]
        steps: Shared<Steps>,
    },
    /// A night in a tent, and what is done on that day.
    Camp {
        #[slot(shared)]
        steps: Shared<Steps>,
    },
    Tent {
        pitch: bool,
    },
    /// So many stages, each on top of the one before.
    Ascent {
        stages: u32,
        #[slot(shared)]
        steps: Shared<Steps>,
    },
    /// Somebody who remembers the way, and has a secret.
    Break {
        way: Option<Continuation<Climb>>,
        #[slot(secret)]
        wish: String,
    },
}

/// What all count.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Steps {
    taken: u64,
    friends: Vec<Shared<Steps>>,
}

impl Object for Steps {
    const NAME: &'static str = "steps";
}

impl Frame for Climb {
    type Value = i64;
    type World = ();

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match (self, input) {
            (Self::Day { steps }, Input::Start) => Step::Prompt {
                tag: DAY,
                body: Self::Camp {
                    steps: steps.clone(),
                },
            },
            (Self::Camp { steps }, Input::Start) => {
                let [before, after] = [true, false].map(|pitch| Self::Tent { pitch });
                let steps = steps.clone();
                Step::wind(before, Self::Ascent { stages: 2, steps }, after)
            }
            (Self::Ascent { stages: 0, .. }, Input::Start) => Step::Capture {
                tag: DAY,
                operator: Operator::Control,
                place: Place::Here,
                body: Self::Break {
                    way: None,
                    wish: "soup".to_owned(),
                },
            },
            (Self::Ascent { stages, steps }, Input::Start) => {
                cx.set_mark(HEIGHT, 3000 - 500 * i64::from(*stages));
                steps.update(|steps| steps.taken += 1);
                Step::Call(Self::Ascent {
                    stages: *stages - 1,
                    steps: steps.clone(),
                })
            }
            (Self::Break { way, .. }, Input::Continuation(k)) => {
                *way = Some(k);
                Step::Suspend(0)
            }
            (_, Input::Value(value)) => Step::Return(value),
            (_, _) => Step::Return(0),
        }
    }
}

/// A snapshot of a climb, with its schema.
fn snapshot() -> Result<Vec<u8>, Box<dyn Error>> {
    let registry = Rc::new(Registry::new("climb", 1).tag(DAY).key(HEIGHT));
    let steps = Shared::new(Steps::default());
    // Each is a friend of the other.
    let friend = Shared::new(Steps {
        taken: 7,
        friends: vec![steps.clone()],
    });
    steps.update(|steps| steps.friends.push(friend.clone()));
    let mut machine = Machine::new(Climb::Day { steps });
    match machine.run(&mut ()) {
        Outcome::Suspended(_) => {}
        outcome => return Err(format!("the climb ended at once: {outcome:?}").into()),
    }
    let mut save = Save::new(&registry);
    save.machine(&mut machine)?;
    save.value(&friend)?;
    let bytes = save.finish()?;
    let editor = Editor::<Climb>::new(&registry).root::<Shared<Steps>>(1);
    Ok(editor.with_schema(&bytes)?)
}

/// What is in a file, as text; and as a page, in another file.
fn show(file: &Path, html: Option<&Path>) -> Result<String, Box<dyn Error>> {
    let at = |what: &str, file: &Path, error: &dyn Error| {
        let file = file.display();
        format!("{file} cannot be {what}: {error}")
    };
    let bytes = fs::read(file).map_err(|error| at("read", file, &error))?;
    let document = Document::read(&bytes, LoadLimits::default());
    let document = document.map_err(|error| at("shown", file, &error))?;
    let mut told = document.show(LINES);
    if let Some(html) = html {
        fs::write(html, document.to_html()).map_err(|error| at("written", html, &error))?;
        told += &format!("open {} in a browser\n", html.display());
    }
    Ok(told)
}

fn run(arguments: &[String]) -> Result<String, Box<dyn Error>> {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => {
            let folder = env::temp_dir().join(format!("inspect-{}", std::process::id()));
            fs::create_dir_all(&folder)?;
            let file = folder.join("climb.segno");
            fs::write(&file, snapshot()?)?;
            show(&file, Some(&folder.join("climb.html")))
        }
        [file] if !file.starts_with("--") => show(file.as_ref(), None),
        [file, "--html", out] | ["--html", out, file] => show(file.as_ref(), Some(out.as_ref())),
        _ => Err("usage: inspect [FILE [--html OUT]]".into()),
    }
}

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match run(&arguments) {
        Ok(told) => print!("{told}"),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
}

#[cfg(test)]
fn refusal(arguments: &[&str]) -> String {
    let arguments: Vec<_> = arguments.iter().map(|it| (*it).to_owned()).collect();
    run(&arguments).expect_err("is refused").to_string()
}

#[test]
fn a_climb_is_shown() {
    let told = run(&[]).expect("is shown");
    let (told, page) = told.split_once("open ").expect("says where the page is");
    let expected = "
climb v1
root 0: a machine that waits for an answer
  Break v1: way = Some(continuation 4), wish = (secret)
    continuation 4:
      Ascent v1: stages = 0, steps = #0
        #0: steps v1 = Steps { taken: 2, friends: [#1] }
        #1: steps v1 = Steps { taken: 7, friends: [#0] }
      Ascent v1: stages = 1, steps = #0 [height = 2500]
      Ascent v1: stages = 2, steps = #0 [height = 2000]
      -- winder 1
        winder 1:
          before: Tent v1: pitch = true
          after: Tent v1: pitch = false
      Camp v1: steps = #0
  (3 frames, and what is below, as lines 5 to 14)
  == prompt day
  Day v1: steps = #0
root 1: #1
";
    assert_eq!(told, &expected[1..]);
    let page = Path::new(page.trim_end().trim_end_matches(" in a browser"));
    let text = fs::read_to_string(page).expect("was written");
    assert!(text.ends_with("</html>\n") && !text.contains("soup"));
    // The same, from the file.
    let folder = page.parent().expect("is in a folder");
    let file = folder.join("climb.segno").display().to_string();
    assert_eq!(run(&[file]).expect("is shown"), told);
    fs::remove_dir_all(folder).expect("is there");
}

#[test]
fn errors_say_what_to_do() {
    assert!(refusal(&["--help"]).starts_with("usage"));
    assert!(refusal(&["one", "two"]).starts_with("usage"));
    let missing = refusal(&["there/is/no/such.file"]);
    assert!(missing.starts_with("there/is/no/such.file cannot be read"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert!(refusal(&[source]).ends_with("this is no snapshot: check what was read"));
}
