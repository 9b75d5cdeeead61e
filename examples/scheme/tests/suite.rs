//! The programs of the suite: run as they are, and teleported. That is, at captures of
//! continuations, or where they suspend, they are saved, dropped, and go on in an interpreter
//! that knows of them only what is in the bytes.

mod carrying;

use std::collections::BTreeSet;
use std::fs;

use carrying::{Run, folder, with_stack};

/// How many tests of a file pass at least.
const PASSED: &[(&str, usize)] = &[
    ("control", 76),
    ("control-fuel", 9),
    ("control-loops", 7),
    ("control-marks", 63),
    ("control-puzzles", 40),
    ("control-winders", 49),
    ("errors", 164),
    ("identity", 50),
    ("r7rs-02-lexical", 75),
    ("r7rs-04-expressions", 186),
    ("r7rs-04-macros", 82),
    ("r7rs-05-programs", 62),
    ("r7rs-06-01-equivalence", 97),
    ("r7rs-06-02-complex", 117),
    ("r7rs-06-02-number-syntax", 325),
    ("r7rs-06-02-numbers", 269),
    ("r7rs-06-04-lists", 113),
    ("r7rs-06-06-characters", 48),
    ("r7rs-06-07-strings", 90),
    ("r7rs-06-08-vectors", 78),
    ("r7rs-06-10-control", 83),
    ("r7rs-06-11-exceptions", 47),
    ("r7rs-06-12-eval", 31),
    ("r7rs-06-13-files", 14),
    ("r7rs-06-13-ports", 107),
    ("r7rs-07-derived", 28),
    ("srfi", 71),
    ("srfi-158", 27),
];

/// What captures a million continuations is not saved at each.
const LOOPS: &str = "control-loops";

/// What is included by others.
const INCLUDED: &[&str] = &["harness", "included", "included-ci"];

/// The names of the programs in a folder.
fn programs(path: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder(path)).expect("a folder");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let names = names.filter_map(|name| name.strip_suffix(".scm").map(str::to_owned));
    names.collect()
}

#[test]
fn every_file_is_tested() {
    let mut tested: BTreeSet<_> = PASSED.iter().map(|(name, _)| (*name).to_owned()).collect();
    tested.extend(INCLUDED.iter().map(|&name| name.to_owned()));
    assert_eq!(programs("suite"), tested);
}

/// Runs the files whose names begin so.
fn suite(prefix: &'static str) {
    with_stack(move || {
        for (name, passed) in PASSED.iter().filter(|(name, _)| name.starts_with(prefix)) {
            let straight = Run::new(&format!("suite/{name}")).straight();
            let last = straight.output.lines().last().unwrap_or_default();
            let count = last.strip_suffix(" passed, 0 failed");
            let count = count.and_then(|count| count.parse::<usize>().ok());
            let enough = count.is_some_and(|count| count >= *passed);
            assert!(enough, "{name}:\n{}{:?}", straight.output, straight.end);
            if *name == LOOPS {
                continue;
            }
            let teleported = Run::new(&format!("suite/{name}")).teleported();
            assert_eq!(teleported.output, straight.output, "{name} teleported");
            assert_eq!(teleported.end, straight.end, "{name} teleported");
        }
    });
}

#[test]
fn chapter_2_lexical_conventions() {
    suite("r7rs-02");
}

#[test]
fn chapter_4_expressions() {
    suite("r7rs-04");
}

#[test]
fn chapter_5_programs() {
    suite("r7rs-05");
}

#[test]
fn chapter_6_equivalence_and_numbers() {
    suite("r7rs-06-01");
    suite("r7rs-06-02");
}

#[test]
fn chapter_6_data() {
    suite("r7rs-06-04");
    suite("r7rs-06-06");
    suite("r7rs-06-07");
    suite("r7rs-06-08");
}

#[test]
fn chapter_6_control_and_exceptions() {
    suite("r7rs-06-10");
    suite("r7rs-06-11");
}

#[test]
fn chapter_6_environments_and_input() {
    suite("r7rs-06-12");
    suite("r7rs-06-13");
}

#[test]
fn chapter_7_derived_forms() {
    suite("r7rs-07");
}

#[test]
fn control() {
    suite("control");
}

#[test]
fn errors() {
    suite("errors");
}

#[test]
fn identity() {
    suite("identity");
}

#[test]
fn libraries() {
    suite("srfi");
}

/// The lines of a file that goes with a program; none if there is no such file.
fn lines(name: &str, extension: &str) -> Vec<String> {
    let path = folder(&format!("suite/programs/{name}.{extension}"));
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Asserts that each program prints what it should, however it is run.
fn programs_print(how: fn(Run) -> carrying::Ran) {
    for name in programs("suite/programs") {
        let mut run = Run::new(&format!("suite/programs/{name}"));
        run.answers = lines(&name, "answers");
        let ran = how(run);
        let printed: Vec<_> = ran.output.lines().map(str::to_owned).collect();
        assert_eq!(printed, lines(&name, "out"), "{name}: {:?}", ran.end);
        assert_eq!(ran.values, lines(&name, "values"), "{name}");
    }
}

#[test]
fn programs_print_what_they_should() {
    with_stack(|| programs_print(Run::straight));
}

#[test]
fn programs_go_on_elsewhere_where_they_suspend() {
    with_stack(|| programs_print(Run::resumed));
}

#[test]
fn programs_go_on_elsewhere_where_they_capture() {
    with_stack(|| programs_print(Run::teleported));
}
