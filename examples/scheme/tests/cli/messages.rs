//! What is said of errors, and where.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use super::{Folder, PROGRAM, expect};

/// What is said of a program that fails.
#[track_caller]
fn complaint(folder: &Folder, text: &str) -> String {
    folder.write("a.scm", text);
    let said = folder.run("a.scm");
    assert_eq!(said.status, Some(1), "{said:?}");
    said.errors
}

#[test]
fn a_call_is_listed_once() {
    let folder = Folder::new("once");
    let text = "
(define (f x) (+ 1 (* 2 (if (g x) 1 (- 3)))))
(define (g x) (let ((y (vector (car x)))) y))
(list 1 2 (+ 3 (f 5)))";
    let errors = complaint(&folder, text);
    let calls: Vec<_> = errors.lines().skip(3).collect();
    let expected = [
        "  in g, a.scm:3:32",
        "  in f, a.scm:2:29",
        "  in the program, a.scm:4:16",
    ];
    assert_eq!(calls, expected, "{errors}");
    // Calls of a procedure by itself are several, even from the same place.
    let text = "(define (f n) (if (= n 0) (car 1) (+ 1 (f (- n (abs 1))))))\n(+ 1 (f 3))";
    let errors = complaint(&folder, text);
    assert_eq!(errors.matches("in f, a.scm:1:40").count(), 3, "{errors}");
    assert_eq!(errors.matches("in f").count(), 4, "{errors}");
}

#[test]
fn an_error_in_a_library_names_the_call_of_it() {
    let folder = Folder::new("callers");
    for (text, place) in [
        ("(for-each car 5)", "a.scm:1:1: for-each: "),
        ("(list (map car 5))", "a.scm:1:7: map: "),
        // In tail position.
        ("(define (f x)\n  (map car x))\n(f 5)", "a.scm:2:3: map: "),
        (
            "(define (f x)\n  (if x (let ((y x)) (vector-map car y)) 1))\n(f 5)",
            "a.scm:2:22: vector-map: ",
        ),
        (
            "(define (f x)\n  (with-output-to-string (lambda () (for-each display x))))\n(f 5)",
            "a.scm:2:37: for-each: ",
        ),
        (
            "(import (scheme base) (srfi 1))\n(define (f x) (reduce + 0 x))\n(f 5)",
            "a.scm:2:15: reduce: ",
        ),
        (
            "(define (f x)\n  (delete-duplicates x))\n(list (f 5))",
            "a.scm:2:3: delete-duplicates: ",
        ),
        // Of a procedure that calls others in tail position, only who waits for it is known.
        (
            "(define (f x) (call/ec 5))\n(list (f 5))",
            "a.scm:2:7: this is not a procedure",
        ),
    ] {
        let errors = complaint(&folder, text);
        assert!(errors.starts_with(place), "{text}: {errors}");
        assert!(!errors.contains('%'), "{errors}");
    }
    // Who calls back is listed with its caller.
    let errors = complaint(&folder, "(define (f x) (map car x))\n(f '(1))");
    assert!(errors.contains("\n  in map, base:"), "{errors}");
    assert!(errors.contains("\n  in f, a.scm:1:15\n"), "{errors}");
}

#[test]
fn what_is_raised_has_a_place() {
    let folder = Folder::new("raise");
    for (text, place) in [
        ("(raise 'x)", "a.scm:1:1: raised: x\n"),
        (
            "(define (f x)\n  (raise (list x)))\n(f 1)",
            "a.scm:2:3: raised: (1)\n",
        ),
        ("(+ 1 (raise 'x))", "a.scm:1:6: raised: x\n"),
        (
            "(define (f)\n  (raise 'x))\n(with-exception-handler (lambda (e) 1) f)",
            "a.scm:2:3: a handler has returned",
        ),
        (
            "(guard (e ((number? e) 1))\n  (list (raise 'x)))",
            "a.scm:2:9: raised: x\n",
        ),
        // An error that was caught is still where it was.
        (
            "(raise (guard (e (#t e))\n  (car 1)))",
            "a.scm:2:3: car: expected",
        ),
    ] {
        let errors = complaint(&folder, text);
        assert!(errors.starts_with(place), "{text}: {errors}");
    }
}

/// Where output and errors go to the same file, an error begins a line; else it adds none.
#[test]
fn errors_begin_a_line() {
    let folder = Folder::new("line");
    for (text, all) in [
        ("(display \"ab\") (suspend! 1)", "ab\nsuspended: 1\n"),
        (
            "(display \"ab\") (newline) (suspend! 1)",
            "ab\nsuspended: 1\n",
        ),
        ("(suspend! 1)", "suspended: 1\n"),
        (
            "(display \"ab\" (current-error-port)) (suspend! 1)",
            "ab\nsuspended: 1\n",
        ),
    ] {
        folder.write("a.scm", text);
        let both = File::create(folder.at("both")).unwrap();
        let status = Command::new(PROGRAM)
            .arg("a.scm")
            .current_dir(&folder.0)
            .stdin(Stdio::null())
            .stdout(both.try_clone().unwrap())
            .stderr(both)
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(3));
        assert_eq!(fs::read_to_string(folder.at("both")).unwrap(), all);
    }
    folder.write("a.scm", "(display \"ab\") (suspend! 1)");
    let said = folder.run("a.scm");
    expect(&said, 3, "ab");
    assert_eq!(said.errors, "suspended: 1\n");
}

#[test]
fn messages_name_what_is_meant() {
    let folder = Folder::new("messages");
    for (text, message) in [
        ("(car 1 2)", "car: expected 1 argument, got 2: 1 2\n"),
        ("(define (f x) x)\n(f)", "f: expected 1 argument, got 0\n"),
        (
            "(define (f x . y) x)\n(f)",
            "f: expected at least 1 argument, got 0\n",
        ),
        (
            "(define f (case-lambda ((x) x) ((x y z) z)))\n(f 1 2)",
            "f: expected 1 or 3 arguments, got 2: 1 2\n",
        ),
        (
            "((lambda () 1) 2)",
            "a procedure: expected 0 arguments, got 1: 2\n",
        ),
        (
            "(number->string)",
            "number->string: expected 1 or 2 arguments, got 0\n",
        ),
        (
            "(define-record-type p (make-p x) p? (x p-x))\n(make-p)",
            "make-p: expected 1 argument, got 0\n",
        ),
        (
            "(import (scheme base))\n(suspend! 1)",
            "\n  suspend! is in (segno control): (import (segno control))\n",
        ),
        (
            "(import (scheme base))\n(raise fold)",
            "\n  fold is in (srfi 1): (import (srfi 1))\n",
        ),
        (
            "(import (scheme base))\n(display 1)",
            "\n  display is in (scheme write): (import (scheme write))\n",
        ),
        ("(car 5)", "car: expected a pair: 5\n"),
        ("(5 6)", "this is not a procedure: 5\n"),
        ("(if)", "this if is malformed: (if)\n"),
        ("(error \"bad\" 5)", "bad 5\n"),
        ("(error \"bad:\" 5)", "bad: 5\n"),
        (
            "(import (lib queue))",
            "it is looked for in the file lib/queue.sld: (lib queue)\n",
        ),
        ("(include \"lib/x.scm\")", "there is no file lib/x.scm"),
        (
            "(open-input-file \"a.scm\")",
            "\n  --allow-files DIR allows the files in a folder\n",
        ),
        (
            "(define (f)\n  (let ((x 1)\n  x))",
            "a.scm:1:1: the source ends in the list that begins here\n",
        ),
    ] {
        let errors = complaint(&folder, text);
        assert!(errors.contains(message), "{text}: {errors}");
    }
    folder.write("other.sld", "(define-library (lib other) (export))");
    let errors = complaint(&folder, "(import (other))");
    let message = "the file other.sld does not define the library: (other)\n";
    assert!(errors.contains(message), "{errors}");
    // Nothing is to be imported where all is there.
    let errors = complaint(&folder, "(display nowhere)");
    assert_eq!(errors.lines().count(), 3, "{errors}");
}

#[test]
fn what_is_no_snapshot_is_described() {
    let folder = Folder::new("described");
    folder.write("a.scm", "(display \"a long program\")");
    folder.write("empty", "");
    let said = folder.run("resume a.scm");
    let expected = "segno-scheme: a.scm cannot be resumed: it is no snapshot; it has 26 bytes, \
                    and begins with \"(display \\\"a long program\"\n";
    assert_eq!(said.errors, expected);
    let said = folder.run("show empty");
    assert_eq!(
        said.errors,
        "segno-scheme: empty cannot be shown: the file is empty\n"
    );
}

/// `yes`, `cat` and others end so, too.
#[cfg(unix)]
#[test]
fn who_writes_what_nobody_reads_ends_silently() {
    use std::io::Read;
    use std::os::unix::process::ExitStatusExt;

    let folder = Folder::new("pipe");
    folder.write("a.scm", "(let loop () (display \"yes\\n\") (loop))");
    let mut child = Command::new(PROGRAM)
        .arg("a.scm")
        .current_dir(&folder.0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 4];
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"yes\n");
    drop(output);
    let said = child.wait_with_output().unwrap();
    assert_eq!(said.status.signal(), Some(13), "{said:?}");
    assert!(said.stderr.is_empty(), "{said:?}");
}
