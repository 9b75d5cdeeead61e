//! A computation that is saved by one version of a program and goes on in the next, in both ways
//! that there are: frame by frame, by upgrades; or again from a checkpoint, where there is
//! nothing left to bring up to date.
//!
//! ```text
//! upgrade                       plays by itself, each step in a process of its own
//! upgrade 1 save FILE           version 1 runs until it asks, and is saved
//! upgrade 2 changes             what version 2 has changed
//! upgrade 2 upgrade FILE GRAMS  version 2 goes on with the answer
//! upgrade 2 restart FILE        version 2 goes on from the checkpoint
//! ```

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::{env, fs};

use segno::frame::{Context, Describe, Frame, Input, Machine, Outcome, Step};
use segno::snapshot::{Fingerprint, LoadLimits, Loaded, Persist, Policy, Registry, Save};

/// The program as it was shipped first.
mod version_1 {
    use super::*;

    /// How a parcel is sent.
    #[derive(Clone, Debug, Describe, Persist)]
    pub(super) enum Parcel {
        /// From the order to the postage. From here it can be done again.
        #[frame(checkpoint)]
        Send { to: String, items: u32 },
        /// What it weighs, packed.
        Weigh { box_grams: u32 },
        /// Somebody reads the scale.
        Scale { parcels: u32 },
    }

    impl Frame for Parcel {
        /// Questions, and answers in grams.
        type Value = Result<u32, String>;
        type World = ();

        fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
            match (&*self, input) {
                (Self::Send { .. }, Input::Start | Input::Restarted) => {
                    Step::Call(Self::Weigh { box_grams: 200 })
                }
                (Self::Weigh { .. }, Input::Start) => Step::Call(Self::Scale { parcels: 1 }),
                (Self::Scale { .. }, Input::Start) => {
                    Step::Suspend(Err("What does the scale say?".to_owned()))
                }
                (Self::Weigh { box_grams }, Input::Value(Ok(grams))) => {
                    Step::Return(Ok(grams + box_grams))
                }
                (Self::Send { to, .. }, Input::Value(Ok(grams))) => {
                    Step::Return(Err(format!("to {to}: {} stamps", grams / 500 + 1)))
                }
                (Self::Scale { .. }, Input::Value(grams)) => Step::Return(grams),
                (_, input) => Step::Raise(Err(format!("nobody asked for {input:?}"))),
            }
        }
    }

    pub(super) fn registry() -> Rc<Registry> {
        Rc::new(Registry::new("parcels", 1))
    }
}

/// A year later: parcels have a service, boxes are counted in kilograms, and there is a scale
/// that needs nobody.
mod version_2 {
    use super::*;

    #[derive(Clone, Debug, Describe, Persist)]
    pub(super) enum Parcel {
        #[frame(checkpoint, version = 2)]
        Send {
            to: String,
            items: u32,
            /// What was sent before is sent by the plain one.
            #[slot(since = 2)]
            express: bool,
        },
        #[frame(version = 2)]
        Weigh { box_kilograms: f64 },
        /// What takes the place of the one who read the scale.
        Sensor,
    }

    impl Frame for Parcel {
        type Value = Result<u32, String>;
        type World = ();

        fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
            match (&*self, input) {
                (Self::Send { .. }, Input::Start | Input::Restarted) => {
                    Step::Call(Self::Weigh { box_kilograms: 0.2 })
                }
                (Self::Weigh { .. }, Input::Start) => Step::Call(Self::Sensor),
                (Self::Sensor, Input::Start) => Step::Return(Ok(2_400)),
                (Self::Weigh { box_kilograms }, Input::Value(Ok(grams))) => {
                    Step::Return(Ok(grams + (box_kilograms * 1000.0) as u32))
                }
                (Self::Send { to, express, .. }, Input::Value(Ok(grams))) => {
                    let stamps = grams / 500 + 1 + u32::from(*express);
                    Step::Return(Err(format!("to {to}: {stamps} stamps")))
                }
                (Self::Sensor, Input::Value(grams)) => Step::Return(grams),
                (_, input) => Step::Raise(Err(format!("nobody asked for {input:?}"))),
            }
        }
    }

    /// What is known of version 1: of `Scale` only if its frames are to be brought up to date.
    pub(super) fn registry(with_scale: bool) -> Rc<Registry> {
        let registry =
            Registry::new("parcels", 2).upgrade(("Weigh", 1), ("Weigh", 2), |(grams,): (u32,)| {
                (f64::from(grams) / 1000.0,)
            });
        Rc::new(match with_scale {
            true => registry.upgrade_to(("Scale", 1), |_: (u32,)| Parcel::Sensor),
            false => registry.policy(Policy::Restart),
        })
    }
}

fn save(to: &Path) -> Result<String, Box<dyn Error>> {
    let (to_whom, items) = ("Ada".to_owned(), 2);
    let mut machine = Machine::new(version_1::Parcel::Send { to: to_whom, items });
    match machine.run(&mut ()) {
        Outcome::Suspended(Err(question)) => {
            let mut save = Save::new(&version_1::registry());
            save.machine(&mut machine)?;
            fs::write(to, save.finish()?)?;
            Ok(question)
        }
        other => Err(format!("{other:?}").into()),
    }
}

/// Goes on in version 2: with an answer, or from the checkpoint.
fn go_on(from: &Path, grams: Option<u32>) -> Result<String, Box<dyn Error>> {
    let registry = version_2::registry(grams.is_some());
    let bytes = fs::read(from)?;
    let mut loaded = Loaded::<version_2::Parcel>::read(&bytes, &registry, LoadLimits::default())?;
    let report = loaded.report(0)?;
    let mut machine = loaded.machine(0)?;
    if let Some(grams) = grams {
        machine.answer(Ok(Ok(grams)))?;
    }
    match machine.run(&mut ()) {
        Outcome::Done(Err(told)) => Ok(format!("{report}{told}")),
        other => Err(format!("{other:?}").into()),
    }
}

fn changes() -> String {
    let before = Fingerprint::of::<version_1::Parcel>();
    let changes = Fingerprint::of::<version_2::Parcel>().changes_since(&before);
    let lines: Vec<_> = changes.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Does what its arguments say; without any, all of it, each step by a process that does
/// nothing else.
fn run(
    arguments: &[String],
    itself: &mut dyn FnMut(&[&str]) -> Command,
) -> Result<String, Box<dyn Error>> {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["1", "save", to] => save(to.as_ref()),
        ["2", "changes"] => Ok(changes()),
        ["2", "upgrade", from, grams] => go_on(from.as_ref(), Some(grams.parse()?)),
        ["2", "restart", from] => go_on(from.as_ref(), None),
        [] => {
            let file = env::temp_dir().join(format!("parcel-{}", std::process::id()));
            let name = file.display().to_string();
            let mut told = String::new();
            for arguments in [
                &["1", "save", &name][..],
                &["2", "changes"],
                &["2", "upgrade", &name, "1500"],
                &["2", "restart", &name],
            ] {
                let output = itself(arguments).output()?;
                if !output.status.success() {
                    return Err(String::from_utf8_lossy(&output.stderr).into());
                }
                told += &String::from_utf8(output.stdout)?;
                told.push('\n');
            }
            fs::remove_file(&file)?;
            Ok(told.trim_end().to_owned())
        }
        _ => Err(
            "usage: upgrade [1 save FILE | 2 changes | 2 upgrade FILE GRAMS | 2 restart FILE]"
                .into(),
        ),
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
const ARGUMENTS: &str = "UPGRADE";

#[test]
fn child() {
    let Ok(arguments) = env::var(ARGUMENTS) else {
        return;
    };
    let arguments: Vec<_> = arguments.split('\n').map(str::to_owned).collect();
    let told = run(&arguments, &mut |_| unreachable!("a child has no children"));
    // Not by `println`, which the test runner takes.
    use std::io::Write;
    let told = told.expect("goes on").replace('\n', "\ntold: ");
    writeln!(std::io::stdout(), "\ntold: {told}").expect("is heard");
}

#[test]
fn both_ways() {
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
        .filter_map(|line| line.strip_prefix("told: "))
        .collect();
    assert_eq!(
        told,
        [
            "What does the scale say?",
            "Send v1 is read by v2",
            "Weigh v1 is now v2: add an upgrade of Weigh v1",
            "Sensor is new",
            "Scale is gone: add an upgrade of Scale v1",
            "Scale v1: migrated by the upgrade of Scale v1",
            "Weigh v1: migrated by the upgrade of Weigh v1",
            "Send v1: migrated",
            "to Ada: 4 stamps",
            "Scale v1: refused: the program has no frame of the kind Scale in version 1: add an \
             upgrade for it that leads to what there is, or load it with the program that has it",
            "Weigh v1: dropped",
            "Send v1: restarted",
            "to Ada: 6 stamps",
        ]
    );
}
