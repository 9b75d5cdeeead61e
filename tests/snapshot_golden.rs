//! Snapshots that are kept as files: what is saved now is the same, byte for byte, on every
//! architecture, and what was saved once goes on.
//!
//! After a change of the format, which is to be one on purpose:
//!
//! ```text
//! SEGNO_GOLDEN=write cargo test --all-features --test snapshot_golden what_is_saved
//! ```

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{env, fs};

use segno::frame::Outcome;

mod snapshot_programs;

use snapshot_programs::*;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn golden(name: &str) -> Vec<u8> {
    let file = folder().join(format!("v1-{name}.segno"));
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn what_is_saved_is_what_was_saved() {
    let snapshots = snapshots();
    if env::var("SEGNO_GOLDEN").is_ok_and(|what| what == "write") {
        fs::create_dir_all(folder()).unwrap();
        for Snapshot { name, bytes, .. } in &snapshots {
            fs::write(folder().join(format!("v1-{name}.segno")), bytes).unwrap();
        }
    }
    for Snapshot { name, bytes, bases } in &snapshots {
        let golden = golden(name);
        let at = golden.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        assert!(golden == *bytes, "{name} is another one from byte {at} on");
        if bases.is_empty() {
            // And again after it was loaded.
            let mut roots = load::<Call>(&golden, &registry()).unwrap();
            assert!(
                save(&mut roots, &registry()).unwrap() == golden,
                "{name} is another one once it was loaded"
            );
        }
    }
    let names = snapshots.iter().map(|it| format!("v1-{}.segno", it.name));
    let files = fs::read_dir(folder()).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.collect::<BTreeSet<_>>(), names.collect());
    empty_cells();
}

#[test]
fn what_was_saved_goes_on() {
    for (name, block) in FILMS {
        let film = film(block);
        let roots = load::<Call>(&golden(name), &registry()).unwrap();
        assert_eq!(roots.len(), film.answers.len());
        for (root, answers) in roots.into_iter().zip(film.answers) {
            let Root::Machine(mut machine) = root else {
                panic!("it was a machine")
            };
            let end = to_the_end(&mut machine, answers);
            assert_eq!(format!("{end:?}"), format!("{:?}", film.end), "{name}");
        }
    }
    let roots = load::<Call>(&golden("shared"), &registry()).unwrap();
    let Ok(
        [
            Root::Machine(mut one),
            Root::Machine(mut other),
            _,
            Root::Value(Value::Cell(cell)),
            Root::Machine(mut applies),
        ],
    ) = <[_; 5]>::try_from(roots)
    else {
        panic!("they were other roots")
    };
    let before = cell.with(Cell::values).len();
    let _ = to_the_end(&mut one, 0);
    assert_eq!(cell.with(Cell::values).len(), before + 6);
    let _ = to_the_end(&mut other, 0);
    assert_eq!(cell.with(Cell::values).len(), before + 9);
    let end = to_the_end(&mut applies, 20);
    assert!(matches!(end, Outcome::Done(Value::Number(42))), "{end:?}");
    // With what was done since then.
    let both = ["shared", "increment", "increment-2"].map(golden);
    let mut loaded = read::<Call>(&both, &registry()).unwrap();
    let mut machine = loaded.machine(0).unwrap();
    let Value::Cell(cell) = loaded.value(3).unwrap() else {
        panic!("it was a cell")
    };
    let before = cell.with(Cell::values).len();
    let _ = to_the_end(&mut machine, 0);
    let after = cell.with(Cell::values).len();
    assert_eq!((before, after), (4, 7));
    let mut machine = load::<Call>(&golden("restarted"), &registry()).unwrap();
    let Some(Root::Machine(machine)) = machine.first_mut() else {
        panic!("it was a machine")
    };
    let end = to_the_end(machine, 40);
    assert!(matches!(end, Outcome::Done(Value::Number(_))), "{end:?}");
    empty_cells();
}
