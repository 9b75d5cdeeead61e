//! What is done if the source of a saved program has changed.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A folder that is gone when the test is done.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[derive(Debug)]
struct Said {
    status: Option<i32>,
    output: String,
    errors: String,
}

impl Folder {
    /// A folder with a program that has run until it suspended.
    fn saved(name: &str, program: &str) -> Self {
        let folder = Self::new(name);
        folder.save(program);
        folder
    }

    fn new(name: &str) -> Self {
        let name = format!("segno-scheme-changed-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn save(&self, program: &str) {
        self.write("a.scm", program);
        let said = self.run("run a.scm --allow-files . --save snap");
        assert_eq!(said.status, Some(3), "{said:?}");
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn run(&self, arguments: &str) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_segno-scheme"))
            .args(arguments.split_whitespace())
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Said {
            status: output.status.code(),
            output: String::from_utf8(output.stdout).unwrap(),
            errors: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn resume(&self, policy: &str) -> Said {
        self.run(&format!(
            "resume snap 5 --allow-files . --changed {policy} --save next"
        ))
    }

    /// With this source the program goes on as if nothing were.
    #[track_caller]
    fn is_same(&self, program: &str) {
        self.write("a.scm", program);
        let kept = self.resume("keep");
        for policy in ["refuse", "restart"] {
            let said = self.resume(policy);
            assert_eq!(said.status, kept.status, "{said:?}");
            assert_eq!(said.output, kept.output, "{said:?}");
            assert_eq!(said.errors, kept.errors, "{said:?}");
        }
    }

    /// With this one it is refused, for these reasons.
    #[track_caller]
    fn is_refused(&self, program: &str, reasons: &[&str]) {
        self.write("a.scm", program);
        let said = self.resume("refuse");
        assert_eq!((said.status, &*said.output), (Some(1), ""), "{said:?}");
        let mut lines = said.errors.lines();
        let first = lines.next().unwrap_or_default();
        assert!(first.contains("source has changed"), "{said:?}");
        let lines: Vec<_> = lines.map(str::trim).collect();
        assert_eq!(lines, reasons, "{said:?}");
    }

    /// With this one it restarts, and prints this.
    #[track_caller]
    fn restarts(&self, program: &str, output: &str) -> Said {
        self.write("a.scm", program);
        let said = self.resume("restart");
        assert_eq!((said.status, &*said.output), (Some(0), output), "{said:?}");
        said
    }
}

const PROGRAM: &str = "\
(define (show . all) (for-each display all) (newline))
(define (prepare) 1)
(define start (prepare))
(define (ask what) (+ start (suspend! what)))
(define (twice x) (* 2 x))
(define (work)
  (let ((got (ask 'number)))
    (show \"got \" got)
    (twice got)))
(define result (work))
(show \"result \" result)
";

#[test]
fn comments_and_layout_are_no_change() {
    let folder = Folder::saved("layout", PROGRAM);
    folder.is_same(PROGRAM);
    let said = folder.resume("refuse");
    assert_eq!(
        (said.status, &*said.output),
        (Some(0), "got 6\nresult 12\n")
    );
    let other = PROGRAM.replace("(define", "; of something\n\n  (define  ");
    folder.is_same(&other.replace("(* 2 x)", "#|two|# (* 2\nx #;(no))"));
}

#[test]
fn what_is_behind_is_no_change() {
    let folder = Folder::saved("behind", PROGRAM);
    // Nobody calls it any more.
    folder.is_same(&PROGRAM.replace("(define (prepare) 1)", "(define (prepare) 2)"));
    folder.is_same(&PROGRAM.replace("(define (prepare) 1)\n", ""));
    folder.is_same(&PROGRAM.replace("(define start (prepare))", "(define start 7)"));
    let more = "(define (unused) (display 'unused))\n(display \"more\")\n";
    folder.is_same(&format!("{more}{PROGRAM}"));
}

#[test]
fn a_change_in_a_frame_that_waits() {
    let folder = Folder::saved("frame", PROGRAM);
    let other = PROGRAM.replace("\"got \" got", "\"had \" got");
    folder.is_refused(&other, &["work, a.scm:6:1, has changed"]);
    // The form began the call, and does so again.
    folder.write("a.scm", &other);
    let said = folder.resume("restart");
    assert_eq!((said.status, &*said.output), (Some(3), ""), "{said:?}");
    assert!(
        said.errors
            .contains("begins again: the program, a.scm:10:16")
            && said.errors.contains("the answer is not used"),
        "{said:?}"
    );
    let said = folder.run("resume next 5");
    assert_eq!(
        (said.status, &*said.output),
        (Some(0), "had 6\nresult 12\n")
    );

    // The outermost procedure that has changed is called again, by those around it.
    let other = PROGRAM.replace("(+ start (suspend! what))", "(begin what 30)");
    folder.is_refused(&other, &["ask, a.scm:4:1, has changed"]);
    let said = folder.restarts(&other, "got 30\nresult 60\n");
    assert!(
        said.errors.contains("begins again: work, a.scm:7:14"),
        "{said:?}"
    );
    // A procedure that is gone is no more.
    let other = PROGRAM.replace("(define (ask what) (+ start (suspend! what)))\n", "");
    folder.is_refused(&other, &["ask, a.scm:4:1, is gone"]);
}

#[test]
fn a_change_of_what_is_still_to_be_called() {
    let folder = Folder::saved("later", PROGRAM);
    let other = PROGRAM.replace("(* 2 x)", "(* (factor) x)");
    let other = other.replace("(define (twice", "(define (factor) 100)\n(define (twice");
    folder.is_refused(&other, &["twice, a.scm:5:1, has changed: a.scm:6:1"]);
    // No frame has to begin again.
    folder.restarts(&other, "got 6\nresult 600\n");
    // What is new is there, and what was computed before stays.
    let other = other.replace(
        "(factor) 100",
        "factor (begin (display \"new\") (* start 3))",
    );
    let other = other.replace("(factor)", "factor");
    folder.restarts(&other, "newgot 6\nresult 18\n");
}

#[test]
fn a_change_of_what_is_to_come() {
    let folder = Folder::saved("ahead", PROGRAM);
    let last = "(show \"result \" result)\n";
    let other = PROGRAM.replace(last, "(show \"the end \" result)\n");
    folder.is_refused(&other, &["a form, a.scm:11:1, has changed"]);
    folder.restarts(&other, "got 6\nthe end 12\n");
    let other = PROGRAM.replace(last, "");
    folder.is_refused(&other, &["a form, a.scm:11:1, is gone"]);
    folder.restarts(&other, "got 6\n");
    let other = format!("{PROGRAM}(define (more) (show \"more\"))\n(more)\n");
    let new = [
        "the definition of more is new: a.scm:12:1",
        "a form is new: a.scm:13:1",
    ];
    folder.is_refused(&other, &new);
    folder.restarts(&other, "got 6\nresult 12\nmore\n");
    // Behind and ahead at once.
    let other = format!(
        "(show \"never\")\n{}",
        PROGRAM.replace(last, "(show start)")
    );
    folder.restarts(&other, "got 6\n1\n");
}

#[test]
fn what_is_held_counts_too() {
    let program = "\
(define (double x) (* 2 x))
(define table (list (cons 'double double)))
(define (helper x) (+ x 1))
(define (lonely x) x)
(define k (lambda (x) (helper x)))
(let ((n (suspend! 'n)))
  (display ((cdr (assq 'double table)) (k n))))
";
    let folder = Folder::saved("held", program);
    folder.is_same(&program.replace("(lonely x) x", "(lonely x) 1"));
    folder.is_refused(
        &program.replace("(* 2 x)", "(* 3 x)"),
        &["double, a.scm:1:1, has changed"],
    );
    let other = program.replace("(+ x 1)", "(+ x 10)");
    folder.is_refused(&other, &["helper, a.scm:3:1, has changed"]);
    folder.restarts(&other, "30");
    // By `eval` all can be called.
    let by_eval = program.replace("(define table", "(define (e x) (eval x))\n(define table");
    let by_eval = format!("{by_eval}(display (e '(lonely 1)))");
    folder.save(&by_eval);
    folder.is_refused(
        &by_eval.replace("(lonely x) x", "(lonely x) 1"),
        &["lonely, a.scm:5:1, has changed"],
    );
}

#[test]
fn what_is_passed_on_begins_again() {
    let program = "\
(define (step x) (display (list x (suspend! x))))
(define (run) (for-each step '(1 2)) (display \"done\"))
(dynamic-wind (lambda () (display \"[\")) (lambda () (run) #t) (lambda () (display \"]\")))
";
    let folder = Folder::saved("passed", program);
    // `for-each` holds the old one.
    let other = program.replace("(list x (suspend! x))", "(list 'new x)");
    let said = folder.restarts(&other, "(new 1)(new 2)done]");
    assert!(
        said.errors.contains("begins again: run, a.scm:2:"),
        "{said:?}"
    );
    // A winder that is left runs its last thunk.
    let other = other.replace("(run) #t", "(run) #f");
    folder.restarts(&other, "][(new 1)(new 2)done]");
}

#[test]
fn who_is_inside_does_not_come_in_again() {
    let program = "\
(define k #f)
(define (wind)
  (dynamic-wind
    (lambda () (display \"[\"))
    (lambda () (call/cc (lambda (c) (set! k c))) (display (suspend! 1)))
    (lambda () (display \"]\"))))
(wind)
(display \"end\")
";
    let folder = Folder::saved("inside", program);
    let other = program.replace(
        "(display \"end\")",
        "(if k (let ((c k)) (set! k #f) (c 1)))",
    );
    folder.write("a.scm", &other);
    let said = folder.resume("restart");
    assert_eq!((said.status, &*said.output), (Some(3), "5]["), "{said:?}");
    assert_eq!(folder.run("resume next 6").output, "6]");
    // The same where the program comes and goes by itself.
    let program = program.replace(
        "\n(wind)\n",
        "\n(begin (wind) (if k (let ((c k)) (set! k #f) (c 1))))\n",
    );
    folder.save(&program);
    folder.write("a.scm", &program.replace("\"end\"", "\"END\""));
    let said = folder.resume("restart");
    assert_eq!((said.status, &*said.output), (Some(3), "5]["), "{said:?}");
    assert_eq!(folder.run("resume next 6").output, "6]END");
}

#[test]
fn macros_and_inner_procedures() {
    let program = "\
(define-syntax plus (syntax-rules () ((_ a b) (+ a b))))
(define (f x)
  (define (inner y) (plus y (suspend! y)))
  (let loop ((i 0))
    (if (< i 1) (begin (display (inner x)) (loop (+ i 1))))))
(f 1)
";
    let folder = Folder::saved("macros", program);
    // Its loop has left `f` by a tail call.
    folder.is_refused(
        &program.replace("(+ a b)", "(- a b)"),
        &["f/inner, a.scm:3:3, has changed"],
    );
    let other = program.replace("(define-syntax plus", "(define-syntax minus");
    let other = other.replace("(plus y", "(+ y");
    folder.is_same(&other);
    // By the name alone nobody can tell `map` from `for-each`.
    let program = "(suspend! 1)\n(map display '(1))\n";
    folder.save(program);
    folder.is_refused(
        &program.replace("map", "for-each"),
        &["a form, a.scm:2:1, has changed"],
    );
}

#[test]
fn files_that_are_included_imported_and_loaded() {
    let folder = Folder::new("files");
    let library = "\
(define-library (tools)
  (export inc twice)
  (import (scheme base))
  (begin
    (define (helper x) (+ x 1))
    (define (inc x) (helper x))
    (define (twice x) (* 2 x))))
";
    let part = "(define (part x) (list 'part x))";
    let loaded = "(define (loaded x) (list 'loaded x))\n(define (other) 1)";
    folder.write("tools.sld", library);
    folder.write("part.scm", part);
    folder.write("loaded.scm", loaded);
    let program = "\
(define first 1)
(import (tools))
(include \"part.scm\")
(load \"loaded.scm\")
(define (helper x) (* x 1000))
(let ((n (suspend! 0)))
  (write (loaded (part (inc n)))))
";
    folder.save(program);
    folder.is_same(program);
    let refused = |file: &str, text: &str, reasons: &[&str]| {
        let before = fs::read_to_string(folder.0.join(file)).unwrap();
        folder.write(file, text);
        folder.is_refused(program, reasons);
        let said = folder.resume("restart");
        folder.write(file, &before);
        assert_eq!(said.status, Some(0), "{said:?}");
        said.output
    };
    let printed = refused(
        "tools.sld",
        &library.replace("(+ x 1)", "(+ x 2)"),
        &["helper, tools.sld:5:5, has changed"],
    );
    assert_eq!(printed, "(loaded (part 7))");
    let printed = refused(
        "part.scm",
        &part.replace("'part", "'piece"),
        &["part, part.scm:1:1, has changed"],
    );
    assert_eq!(printed, "(loaded (piece 6))");
    let printed = refused(
        "loaded.scm",
        &format!("\n{}", loaded.replace("'loaded", "'read")),
        &["loaded, loaded.scm:1:1, has changed: loaded.scm:2:1"],
    );
    assert_eq!(printed, "(read (part 6))");
    // What nobody calls any more does not count in them either.
    folder.write("tools.sld", &library.replace("(* 2 x)", "(* 3 x)"));
    folder.write("loaded.scm", &loaded.replace("(other) 1", "(other) 2"));
    folder.is_same(program);
    // Who may not read it cannot tell.
    let said = folder.run("resume snap 5 --changed refuse");
    assert_eq!(said.status, Some(1));
    assert!(said.errors.contains("loaded.scm"), "{said:?}");
}

/// What such a program loads is defined where it is.
#[test]
fn files_that_a_program_with_imports_loads() {
    let folder = Folder::new("imports");
    let loaded = "(define (helper x) (list 'helped x))";
    folder.write("loaded.scm", loaded);
    let program = "\
(import (scheme base) (scheme load) (scheme write) (segno control))
(load \"loaded.scm\")
(define (ask) (suspend! 'what))
(define answer (ask))
(write (helper answer))
";
    folder.save(program);
    folder.is_same(program);
    let with_more = program.replace("(write (helper", "(define more 7)\n(write (list more");
    folder.is_refused(
        &with_more,
        &["a form, a.scm:5:1, has changed", "a form is new: a.scm:6:1"],
    );
    assert_eq!(folder.resume("restart").output, "(7 5)");
    folder.write("a.scm", program);
    folder.write("loaded.scm", &loaded.replace("'helped", "'saved"));
    folder.is_refused(program, &["helper, loaded.scm:1:1, has changed"]);
    assert_eq!(folder.resume("restart").output, "(saved 5)");
    assert_eq!(folder.resume("keep").output, "(helped 5)");
}

#[test]
fn a_source_that_cannot_be_compared() {
    let folder = Folder::saved("missing", PROGRAM);
    folder.write("a.scm", "(define (show\n");
    let straight = "got 6\nresult 12\n";
    for says in ["a.scm:1:9: ", "no file a.scm"] {
        for policy in ["refuse", "restart"] {
            let said = folder.resume(policy);
            assert_eq!((said.status, &*said.output), (Some(1), ""), "{said:?}");
            assert!(
                said.errors.contains(says) && said.errors.contains("--changed keep"),
                "{said:?}"
            );
        }
        let said = folder.resume("keep");
        assert_eq!((said.status, &*said.output), (Some(0), straight));
        drop(fs::remove_file(folder.0.join("a.scm")));
    }
}

#[test]
fn a_program_out_of_fuel() {
    let folder = Folder::new("fuel");
    let program = "(define (f n) (if (= n 0) 0 (+ 1 (f (- n 1)))))\n(display (f 1000))\n";
    folder.write("a.scm", program);
    let said = folder.run("a.scm --fuel 1000 --save snap");
    assert_eq!(said.status, Some(4), "{said:?}");
    let resume = |policy: &str| folder.run(&format!("resume snap --changed {policy}"));
    assert_eq!(resume("refuse").output, "1000");
    // A frame begins again.
    folder.write("a.scm", &program.replace("(+ 1 ", "(+ 2 "));
    assert_eq!(resume("refuse").status, Some(1));
    assert_eq!(resume("restart").output, "2000");
    // None does, and what it was about to do is not known.
    folder.write("a.scm", &format!("{program}(display 'end)"));
    let said = resume("restart");
    assert_eq!((said.status, &*said.output), (Some(1), ""), "{said:?}");
    assert!(said.errors.contains("--changed keep"), "{said:?}");
}

#[test]
fn what_was_restarted_is_saved_and_compared_again() {
    let folder = Folder::saved("again", PROGRAM);
    let other = PROGRAM.replace("(suspend! what)", "(suspend! (list what))");
    folder.write("a.scm", &other);
    let said = folder.resume("restart");
    assert_eq!(said.status, Some(3), "{said:?}");
    assert!(said.errors.contains("suspended: (number)"), "{said:?}");
    fs::rename(folder.0.join("next"), folder.0.join("snap")).unwrap();
    folder.is_same(&other);
    folder.is_refused(PROGRAM, &["ask, a.scm:4:1, has changed"]);
    assert_eq!(folder.resume("keep").output, "got 6\nresult 12\n");
}
