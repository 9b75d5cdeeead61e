//! A quiz that is written as one straight program, and is saved at each question: the process
//! ends, and another one goes on with the answer. A file may be continued twice, with other
//! answers: that makes two futures.
//!
//! ```text
//! save_and_resume                      plays by itself, each step in a process of its own
//! save_and_resume start FILE           up to the first question
//! save_and_resume answer FILE TO TEXT  goes on from FILE, up to the next question, in TO
//! ```

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::{env, fs};

use segno::frame::{Context, Describe, Frame, Input, Machine, Outcome, Step};
use segno::snapshot::{LoadLimits, Loaded, Object, Persist, Registry, Save, Shared};
use serde::{Deserialize, Serialize};

const CHAPTERS: [&[(&str, &str)]; 2] = [
    &[("What is 6 times 7?", "42"), ("And minus 2?", "40")],
    &[("Which sign says: come back to here?", "segno")],
];

/// What is played, as calls that wait for each other.
#[derive(Clone, Debug, Describe, Persist)]
enum Play {
    /// All chapters, from this one on.
    Quiz {
        chapter: usize,
        #[slot(shared)]
        score: Shared<Score>,
    },
    /// The questions of a chapter, from this one on.
    Chapter {
        chapter: usize,
        question: usize,
        #[slot(shared)]
        score: Shared<Score>,
    },
}

/// What all of them count.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Score {
    right: u32,
    asked: u32,
}

impl Object for Score {
    const NAME: &'static str = "score";
}

impl Frame for Play {
    /// Questions and answers.
    type Value = String;
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        match (self, input) {
            (Self::Quiz { chapter, score }, Input::Start | Input::Value(_)) => {
                if *chapter == CHAPTERS.len() {
                    let Score { right, asked } = score.get();
                    return Step::Return(format!("{right} of {asked}"));
                }
                *chapter += 1;
                Step::Call(Self::Chapter {
                    chapter: *chapter - 1,
                    question: 0,
                    score: score.clone(),
                })
            }
            (
                Self::Chapter {
                    chapter,
                    question,
                    score,
                },
                input,
            ) => {
                // What a file says may be anything.
                let Some(questions) = CHAPTERS.get(*chapter) else {
                    return Step::Raise("there is no such chapter".to_owned());
                };
                if let Input::Value(answer) = input
                    && let Some((_, right)) =
                        question.checked_sub(1).and_then(|at| questions.get(at))
                {
                    score.update(|score| {
                        score.asked += 1;
                        score.right += u32::from(answer.trim() == *right);
                    });
                }
                let Some((text, _)) = questions.get(*question) else {
                    return Step::Return(String::new());
                };
                *question += 1;
                Step::Suspend((*text).to_owned())
            }
            (_, input) => Step::Raise(format!("nobody asked for {input:?}")),
        }
    }
}

fn registry() -> Rc<Registry> {
    Rc::new(Registry::new("quiz", 1))
}

/// Runs up to the next question, which is saved with the program, or to the end.
fn play(mut machine: Machine<Play>, to: &Path) -> Result<String, Box<dyn Error>> {
    match machine.run(&mut ()) {
        Outcome::Suspended(question) => {
            let mut save = Save::new(&registry());
            save.machine(&mut machine)?;
            fs::write(to, save.finish()?)?;
            Ok(question)
        }
        Outcome::Done(score) => Ok(score),
        other => Err(format!("{other:?}").into()),
    }
}

fn start(to: &Path) -> Result<String, Box<dyn Error>> {
    let score = Shared::new(Score::default());
    play(Machine::new(Play::Quiz { chapter: 0, score }), to)
}

fn answer(from: &Path, to: &Path, text: String) -> Result<String, Box<dyn Error>> {
    let bytes = fs::read(from)?;
    let mut loaded = Loaded::<Play>::read(&bytes, &registry(), LoadLimits::default())?;
    let mut machine = loaded.machine(0)?;
    machine.answer(Ok(text))?;
    play(machine, to)
}

/// Does what its arguments say; without any, all of it, each step by a process that does
/// nothing else.
fn run(
    arguments: &[String],
    itself: &mut dyn FnMut(&[&str]) -> Command,
) -> Result<String, Box<dyn Error>> {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["start", to] => start(to.as_ref()),
        ["answer", from, to, text] => answer(from.as_ref(), to.as_ref(), text.to_owned()),
        [] => {
            let folder = env::temp_dir().join(format!("quiz-{}", std::process::id()));
            fs::create_dir_all(&folder)?;
            let file = |name: &str| folder.join(name).display().to_string();
            let mut told = String::new();
            let mut step = |arguments: &[&str]| -> Result<(), Box<dyn Error>> {
                let output = itself(arguments).output()?;
                if !output.status.success() {
                    return Err(String::from_utf8_lossy(&output.stderr).into());
                }
                told += &String::from_utf8(output.stdout)?;
                Ok(())
            };
            step(&["start", &file("1")])?;
            step(&["answer", &file("1"), &file("2"), "42"])?;
            step(&["answer", &file("2"), &file("3"), "41"])?;
            step(&["answer", &file("3"), &file("4"), "segno"])?;
            // Back to the second question, which is still there.
            step(&["answer", &file("2"), &file("3"), "40"])?;
            step(&["answer", &file("3"), &file("4"), "segno"])?;
            fs::remove_dir_all(&folder)?;
            Ok(told.trim_end().to_owned())
        }
        _ => Err("usage: save_and_resume [start FILE | answer FILE TO TEXT]".into()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let program = env::current_exe()?;
    let told = run(&arguments, &mut |arguments| {
        let mut command = Command::new(&program);
        command.args(arguments);
        command
    })?;
    println!("{told}");
    Ok(())
}

/// What a child process of the test finds its arguments in.
#[cfg(test)]
const ARGUMENTS: &str = "SAVE_AND_RESUME";

#[test]
fn child() {
    let Ok(arguments) = env::var(ARGUMENTS) else {
        return;
    };
    let arguments: Vec<_> = arguments.split('\n').map(str::to_owned).collect();
    let told = run(&arguments, &mut |_| unreachable!("a child has no children"));
    // Not by `println`, which the test runner takes.
    use std::io::Write;
    writeln!(std::io::stdout(), "told: {}", told.expect("plays")).expect("is heard");
}

#[test]
fn two_futures_of_one_file() {
    let program = env::current_exe().expect("is somewhere");
    let told = run(&[], &mut |arguments| {
        let mut command = Command::new(&program);
        command.args(["--exact", "child", "--nocapture", "--quiet"]);
        command.env(ARGUMENTS, arguments.join("\n"));
        command
    });
    let told = told.expect("plays");
    let told: Vec<_> = told
        .lines()
        .filter_map(|line| line.split_once("told: "))
        .collect();
    let told: Vec<_> = told.iter().map(|(_, text)| *text).collect();
    let [first, second] = [CHAPTERS[0][0].0, CHAPTERS[0][1].0];
    let third = CHAPTERS[1][0].0;
    assert_eq!(told, [first, second, third, "2 of 3", third, "3 of 3"]);
}
