//! The program, as a process.

#[path = "cli/messages.rs"]
mod messages;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_segno-scheme");

/// A folder that is gone when the test is done.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("segno-scheme-cli-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    /// Runs the program in the folder, with arguments that are separated by spaces.
    fn run(&self, arguments: &str) -> Said {
        self.with_input(arguments, "")
    }

    fn with_input(&self, arguments: &str, input: &str) -> Said {
        let mut child = Command::new(PROGRAM)
            .args(arguments.split_whitespace())
            .current_dir(&self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // Who ends early does not read it.
        drop(stdin.write_all(input.as_bytes()));
        drop(stdin);
        Said::of(child.wait_with_output().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[derive(Debug)]
struct Said {
    /// None if it was killed.
    status: Option<i32>,
    output: String,
    errors: String,
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            status: output.status.code(),
            output: String::from_utf8(output.stdout).unwrap(),
            errors: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

#[track_caller]
fn expect(said: &Said, status: i32, output: &str) {
    assert_eq!(said.status, Some(status), "{said:?}");
    assert_eq!(said.output, output, "{}", said.errors);
}

const ASKS: &str = "
(define count 0)
(define (ask what)
  (set! count (+ count 1))
  (let ((answer (suspend! what)))
    (write (list what answer count))
    (newline)
    answer))
(display \"begin\")
(newline)
(define name (ask 'name))
(define age (+ 1 (ask '(age of you))))
(write (list name age (command-line)))
(newline)
(exit 7)
";

#[test]
fn a_program_is_saved_and_resumed_any_number_of_times() {
    let folder = Folder::new("resume");
    folder.write("a.scm", ASKS);
    let first = folder.run("a.scm one two --save 1 -- --three");
    expect(&first, 3, "begin\n");
    assert_eq!(first.errors, "suspended: name\n");
    // Nothing else is needed.
    fs::remove_file(folder.at("a.scm")).unwrap();
    let ann = folder.run("resume 1 Ann --save 2");
    expect(&ann, 3, "(name Ann 1)\n");
    assert_eq!(ann.errors, "suspended: (age of you)\n");
    expect(
        &folder.run("resume 1 \"Bob\" --save 3"),
        3,
        "(name \"Bob\" 1)\n",
    );
    for _ in 0..2 {
        let bob = folder.run("resume 3 7");
        let all =
            "((age of you) 7 2)\n(\"Bob\" 8 (\"segno-scheme\" \"one\" \"two\" \"--three\"))\n";
        expect(&bob, 7, all);
    }
    let ann = folder.run("resume 2 --save 4 41");
    assert_eq!(ann.status, Some(7));
    assert!(ann.errors.contains("was not written"), "{ann:?}");
    assert!(!folder.at("4").exists());
    // What was answered is raised where it makes no sense, and the line is not there any more.
    let wrong = folder.run("resume 2 x");
    expect(&wrong, 1, "((age of you) x 2)\n");
    assert!(wrong.errors.starts_with("a.scm:12:13: "), "{wrong:?}");
}

#[test]
fn a_snapshot_is_shown() {
    let folder = Folder::new("show");
    folder.write("a.scm", ASKS);
    folder.run("run a.scm --save 1");
    let said = folder.run("show 1 --html 1.html");
    assert_eq!(said.status, Some(0));
    let shown = "\
ask, a.scm:5:17
  variables: name
the program, a.scm:11:14
== prompt default
the program, 4 forms of which are to come
== prompt top
age = #<unassigned>
ask = #<procedure ask>
count = 1
name = #<unassigned>
";
    assert_eq!(said.output, shown);
    let page = fs::read_to_string(folder.at("1.html")).unwrap();
    assert!(page.ends_with("</html>\n") && page.contains("ask"));
}

const IMPORTS: &str = "
(import (scheme base) (scheme eval) (scheme repl) (scheme write) (segno control))
(define count 1)
(define (ask what)
  (set! count (+ count 1))
  (suspend! what))
(write (eval '(+ count 5) (interaction-environment)))
(write (ask 'name))
(write (list count (eval '(+ count 5) (interaction-environment))))
";

#[test]
fn what_a_program_with_imports_defines_is_seen() {
    let folder = Folder::new("imports");
    folder.write("a.scm", IMPORTS);
    expect(&folder.run("a.scm --save 1"), 3, "6");
    let shown = folder.run("show 1").output;
    let defined = "\nask = #<procedure ask>\ncount = 2\n";
    assert!(shown.ends_with(defined), "{shown}");
    expect(&folder.run("resume 1 Ann"), 0, "Ann(2 7)");
    let input = "
,load 1
(set! count (* 10 count))
(define more 5)
,continue Bob
(list count more)
(vector-length #(1))
(exact->inexact 1)
(import (scheme r5rs))
(exact->inexact 1)
";
    let said = folder.with_input("", input);
    expect(&said, 0, "Bob(20 25)\n(20 5)\n1\n1.0\n");
    let hint = "exact->inexact is in (scheme r5rs)";
    assert!(said.errors.contains(hint), "{said:?}");
}

#[test]
fn a_file_that_is_written_goes_on_at_its_end() {
    let folder = Folder::new("append");
    let text = "
(define port (open-output-file \"out\"))
(display \"one \" port)
(display (suspend! 'what) port)
(close-port port)
";
    folder.write("a.scm", text);
    let written = || fs::read_to_string(folder.at("out")).unwrap();
    expect(&folder.run("a.scm --save 1 --allow-files ."), 3, "");
    assert_eq!(written(), "one ");
    expect(&folder.run("resume 1 two --allow-files ."), 0, "");
    expect(&folder.run("resume 1 three --allow-files ."), 0, "");
    assert_eq!(written(), "one twothree");
    // What is gone begins anew.
    fs::remove_file(folder.at("out")).unwrap();
    expect(&folder.run("resume 1 four --allow-files ."), 0, "");
    assert_eq!(written(), "four");
    let refused = folder.run("resume 1 five");
    expect(&refused, 1, "");
    assert!(refused.errors.contains("--allow-files"), "{refused:?}");
    assert_eq!(written(), "four");
}

#[test]
fn the_status_tells_how_it_ended() {
    let folder = Folder::new("status");
    for (text, status) in [
        ("1", 0),
        ("(exit)", 0),
        ("(exit 42)", 42),
        ("(exit #f)", 1),
        ("(car 1)", 1),
        ("(if)", 1),
        ("(raise 'it)", 1),
        ("(", 1),
        ("(suspend!)", 3),
    ] {
        folder.write("a.scm", text);
        expect(&folder.run("a.scm"), status, "");
    }
    let missing = folder.run("there-is-no.scm");
    expect(&missing, 1, "");
    assert!(missing.errors.contains("there-is-no.scm"), "{missing:?}");
    for usage in ["run", "--what", "a.scm --fuel much", "resume", "resume a )"] {
        let said = folder.run(usage);
        expect(&said, 2, "");
        assert!(said.errors.contains("--help"), "{said:?}");
    }
    let help = folder.run("--help");
    assert_eq!(help.status, Some(0));
    assert!(help.output.contains("Exit statuses"));
}

#[test]
fn errors_show_the_line_and_the_calls() {
    let folder = Folder::new("errors");
    let text = "(define (inner x)\n\t(+ 1 (car x)))\n(define (outer x)\n  (* 2 (inner x)))\n(list (outer 5))\n";
    folder.write("a.scm", text);
    let said = folder.run("a.scm");
    expect(&said, 1, "");
    let lines: Vec<_> = said.errors.lines().collect();
    assert!(lines[0].starts_with("a.scm:2:7: car"), "{said:?}");
    assert_eq!(
        lines[1..3],
        ["    2 | \t(+ 1 (car x)))", "      | \t     ^"]
    );
    assert!(lines[3].starts_with("  in inner, a.scm:2"), "{said:?}");
    assert_eq!(lines[4], "  in outer, a.scm:4:8");
    assert_eq!(lines[5], "  in the program, a.scm:5:7");

    folder.write(
        "a.scm",
        "(define (deep n) (+ 1 (if (= n 0) (raise 'no) (deep (- n 1)))))\n(deep 100)",
    );
    let said = folder.run("a.scm");
    let calls = said.errors.matches("  in deep").count();
    assert_eq!(calls, 10, "{said:?}");
    assert!(said.errors.starts_with("a.scm:1:"), "{said:?}");
    assert!(said.errors.ends_with("  ...\n"), "{said:?}");

    folder.write("a.scm", "(display 1)\n  (let ((x)) x)");
    let said = folder.run("a.scm");
    assert!(said.errors.starts_with("a.scm:2:"), "{said:?}");
}

#[test]
fn hostile_programs_end_within_limits() {
    let folder = Folder::new("hostile");
    for (text, options) in [
        ("(let loop () (loop))", "--fuel 100000"),
        ("(define (f n) (+ 1 (f n))) (f 1)", "--depth 10000"),
        ("(define (f n) (+ 1 (f n))) (f 1)", "--heap 50M"),
        ("(let loop ((l '())) (loop (cons l l)))", "--heap 50M"),
        ("(let loop ((l '())) (loop (cons l '())))", "--heap 50M"),
        ("(make-vector 100000000 0)", "--heap 50M"),
        ("(make-string 100000000 #\\a)", "--heap 50M"),
        (
            "(let loop ((s \"a\")) (loop (string-append s s)))",
            "--heap 50M",
        ),
        ("(let loop ((n 3)) (loop (* n n)))", "--heap 4M"),
        ("(expt 7 (expt 7 77))", "--heap 50M"),
        (
            "(let loop ((k 0)) (loop (call/cc (lambda (c) (cons c k)))))",
            "--heap 50M",
        ),
    ] {
        folder.write("a.scm", text);
        let said = folder.run(&format!("a.scm {options}"));
        expect(&said, 4, "");
        assert!(said.errors.len() < 2000, "{text}: {said:?}");
    }
}

#[test]
fn a_program_without_fuel_goes_on_with_more() {
    let folder = Folder::new("fuel");
    let text = "(define (f n) (if (= n 0) 0 (+ 1 (f (- n 1))))) (write (f 100000)) (newline)";
    folder.write("a.scm", text);
    let mut said = folder.run("a.scm --fuel 30000 --save 1");
    let mut times = 0;
    while said.status == Some(4) {
        assert_eq!(said.output, "");
        times += 1;
        said = folder.run("resume 1 --fuel 30000 --save 1");
    }
    expect(&said, 0, "100000\n");
    assert!(times > 1);
    assert_eq!(folder.run("resume 1 answer").status, Some(2));
}

#[test]
fn files_are_out_of_reach_but_for_one_folder() {
    let folder = Folder::new("files");
    fs::create_dir(folder.at("in")).unwrap();
    folder.write("secret", "s");
    folder.write("part.scm", "(define part 5)");
    folder.write(
        "a.scm",
        "(include \"part.scm\") (write part) (open-input-file \"secret\")",
    );
    let said = folder.run("a.scm");
    expect(&said, 1, "5");
    assert!(said.errors.contains("may not be used"), "{said:?}");
    assert_eq!(folder.run("a.scm --allow-files in").status, Some(1));
    expect(&folder.run("a.scm --allow-files ."), 0, "5");
    folder.write(
        "b.scm",
        "(call-with-output-file \"in/x\" (lambda (p) (write 'x p)))",
    );
    assert_eq!(folder.run("b.scm").status, Some(1));
    expect(&folder.run("b.scm --allow-files in"), 0, "");
    assert_eq!(fs::read_to_string(folder.at("in/x")).unwrap(), "x");
}

#[test]
fn what_is_no_snapshot_is_refused() {
    let folder = Folder::new("malformed");
    folder.write("a.scm", ASKS);
    folder.run("a.scm --save 1");
    let bytes = fs::read(folder.at("1")).unwrap();
    let mut others = vec![
        Vec::new(),
        b"no".to_vec(),
        bytes[..bytes.len() / 2].to_vec(),
    ];
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    others.push(changed);
    for other in others {
        fs::write(folder.at("2"), other).unwrap();
        for command in ["resume 2", "show 2"] {
            let said = folder.run(command);
            expect(&said, 1, "");
            assert_eq!(said.errors.lines().count(), 1, "{said:?}");
        }
    }
    assert_eq!(folder.run("resume 1 --heap 100").status, Some(1));
}

const GENERATOR: &str = "
(define (tree->generator tree)
  (define return #f)
  (define (next)
    (call/cc (lambda (r)
      (set! return r)
      (resume #f))))
  (define (resume ignored)
    (let walk ((tree tree))
      (cond ((null? tree) 'skip)
            ((pair? tree) (walk (car tree)) (walk (cdr tree)))
            (else (call/cc (lambda (rest)
                    (set! resume rest)
                    (return tree))))))
    (return 'end))
  next)
(define next (tree->generator '(1 (2 3) ((4)))))
(dynamic-wind
  (lambda () (display \"[\"))
  (lambda ()
    (let loop ((x (next)))
      (display x) (newline)
      (if (not (eq? x 'end)) (loop (next)))))
  (lambda () (display \"]\")))
(newline)
";

#[test]
fn a_program_that_teleports_prints_the_same() {
    let folder = Folder::new("teleport");
    folder.write("a.scm", GENERATOR);
    let straight = folder.run("a.scm");
    expect(&straight, 0, "[1\n2\n3\n4\nend\n]\n");
    expect(&folder.run("a.scm --teleport"), 0, &straight.output);
    expect(
        &folder.run("a.scm --teleport --every 3"),
        0,
        &straight.output,
    );
}

/// Each process is killed once its program is saved, and a fresh one goes on.
#[cfg(unix)]
#[test]
fn a_program_outlives_the_processes_that_run_it() {
    use std::os::unix::process::ExitStatusExt;

    let folder = Folder::new("kill");
    folder.write("a.scm", GENERATOR);
    let straight = folder.run("a.scm").output;
    for every in [1, 4] {
        let (mut output, mut kills) = (String::new(), 0);
        let mut command = "run a.scm";
        loop {
            let said = Command::new(PROGRAM)
                .args(command.split_whitespace())
                .args(["--teleport-to", "t", "--every", &every.to_string()])
                .current_dir(&folder.0)
                .output()
                .unwrap();
            output += std::str::from_utf8(&said.stdout).unwrap();
            if said.status.signal() != Some(9) {
                assert!(said.status.success(), "{said:?}");
                break;
            }
            kills += 1;
            command = "resume t";
        }
        assert_eq!(output, straight);
        assert!(kills > 1);
    }
    // No half of a file is left.
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 2);
}

#[test]
fn the_repl_prints_values_and_lives_on() {
    let folder = Folder::new("repl");
    let input = "
(define (f x)
  (* x
     2))
(f 21) \"a\\nb\"
(if #f #f) (values 1 'two)
(car 'x)
(f
  3)
nowhere
(define-syntax twice (syntax-rules () ((_ x) (begin x x))))
(twice (display 'hi))
(newline)
)
(begin (display 'no-end) 7)
(string->symbol \"A b\")
,what
,continue
(exit 5)
(display 'never)
";
    let said = folder.with_input("", input);
    expect(
        &said,
        5,
        "42\n\"a\\nb\"\n1\ntwo\n6\nhihi\nno-end\n7\n|A b|\n",
    );
    let errors = &said.errors;
    assert!(errors.contains("    1 | (car 'x)\n      | ^\n"), "{errors}");
    assert!(
        errors.contains("nowhere") && errors.contains(",what"),
        "{errors}"
    );
    assert!(errors.contains("nothing is paused"), "{errors}");
    // The end of the input ends it too, even within a datum.
    let said = folder.with_input("", "(+ 1 2)\n(list 1");
    expect(&said, 0, "3\n");
    assert!(said.errors.contains("ends in the list"), "{said:?}");
}

#[test]
fn the_repl_survives_hostile_programs() {
    let folder = Folder::new("repl-hostile");
    let input = "
(define (deep n) (+ 1 (deep n)))
(deep 1)
(let loop ((l '())) (loop (cons l l)))
(make-vector 1000000000)
(expt 7 (expt 7 77))
(let loop () (loop))
,continue
,drop
(+ 1 1)
";
    let said = folder.with_input("--heap 60M --depth 50000 --fuel 100000", input);
    expect(&said, 0, "2\n");
    assert_eq!(said.errors.matches("out of fuel").count(), 2, "{said:?}");
    assert!(said.errors.contains("50000 frames"), "{said:?}");
    assert_eq!(
        said.errors.matches("more memory was wanted").count(),
        2,
        "{said:?}"
    );
}

#[test]
fn a_session_is_saved_and_taken_up_again() {
    let folder = Folder::new("session");
    let input = "
(define count 10)
(define (bump!) (set! count (+ count 1)) count)
(define-syntax swap! (syntax-rules () ((_ a b) (let ((t a)) (set! a b) (set! b t)))))
(define k #f)
(+ 100 (call/cc (lambda (c) (set! k c) 1)))
(define parts (list 1 2))
(bump!)
(* 2 (suspend! 'how-many))
(bump!)
,save s
(bump!)
";
    let said = folder.with_input("", input);
    expect(&said, 0, "101\n11\n12\n13\n");
    assert!(said.errors.starts_with("suspended: how-many"), "{said:?}");
    for _ in 0..2 {
        let again = "
,load s
(bump!)
(define t 1)
(define u 2)
(swap! t u)
(list t u parts)
,continue 21
(k 5)
,continue
";
        let said = folder.with_input("", again);
        expect(&said, 0, "13\n(2 1 (1 2))\n42\n105\n");
        assert!(said.errors.contains("nothing is paused"), "{said:?}");
    }
    // A session in which nothing is paused.
    folder.with_input("", "(define x 5)\n,save t\n");
    expect(&folder.with_input("", ",load t\nx\n"), 0, "5\n");
    let said = folder.run("resume t");
    expect(&said, 1, "");
    assert!(said.errors.contains("session"), "{said:?}");
    // What cannot be loaded changes nothing.
    folder.write("no", "no");
    let said = folder.with_input("", "(define x 5)\n,load no\n,load\n,load nowhere\nx\n");
    expect(&said, 0, "5\n");
}

#[test]
fn the_repl_shows_what_was_left_to_do() {
    let folder = Folder::new("trace");
    let input = "
(define (f x) (+ 1 (g x)))
(define (g x) (* 2 (car x)))
,trace
(f 1)
,trace
(+ 1 (suspend! 'here))
,trace
";
    let said = folder.with_input("", input);
    assert_eq!(said.status, Some(0));
    let (error, paused) = said
        .output
        .split_at(said.output.rfind("prompt top").unwrap() / 2);
    assert!(error.find('g') < error.find('f'), "{said:?}");
    assert!(paused.contains("prompt default"), "{said:?}");
    assert!(said.errors.contains("there was no error"), "{said:?}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_program_goes_on() {
    use std::io::{BufRead, BufReader};

    let mut child = Command::new(PROGRAM)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut say = |text: &str| {
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    };
    let interrupt = || {
        let id = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &id])
                .status()
                .unwrap()
                .success()
        );
    };
    say(
        "(define go #t)\n(begin (display 'on) (newline) (let loop ((n 0)) (if go (loop (+ n 1)) 'off)))\n",
    );
    assert_eq!(lines.next().unwrap().unwrap(), "on");
    interrupt();
    assert!(errors.next().unwrap().unwrap().starts_with("interrupted"));
    // The others of the session are at hand meanwhile.
    say("'here\n,continue\n");
    assert_eq!(lines.next().unwrap().unwrap(), "here");
    std::thread::sleep(std::time::Duration::from_millis(200));
    interrupt();
    assert!(errors.next().unwrap().unwrap().starts_with("interrupted"));
    say("(set! go #f)\n,continue\n,quit\n");
    assert_eq!(lines.next().unwrap().unwrap(), "off");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_file_of_the_name_of_a_command_can_be_run() {
    let folder = Folder::new("named");
    folder.write("show", "(display 1)");
    expect(&folder.run("run show"), 0, "1");
    assert!(Path::new(&folder.0).join("show").exists());
}
