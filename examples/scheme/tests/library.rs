//! The standard procedures that call back, the libraries that are written in Scheme, and engines.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use segno::snapshot::LoadLimits;
use segno_scheme::interpreter::{Interpreter, Outcome, report};
use segno_scheme::syntax::{Contents, Core, Host, LIBRARIES};
use segno_scheme::value::Value;
use segno_scheme::world::Sandbox;

fn interpreter() -> Interpreter {
    let mut interpreter = Interpreter::new(Sandbox::default()).unwrap();
    interpreter.world.transcript = Some(String::new());
    interpreter
}

/// What a program prints, and then what becomes of it if it is not just done. At the first so
/// many captures of a continuation it is saved, and goes on in another interpreter.
fn run(text: &str, saves: usize) -> String {
    let mut saves = saves;
    let mut interpreter = interpreter();
    interpreter.world.teleports = saves > 0;
    if let Err(fault) = interpreter.load("test", text) {
        return format!("{fault:?}");
    }
    let end = loop {
        match interpreter.run(2_000_000) {
            Outcome::Done(_) => break String::new(),
            Outcome::Exited(status) => break format!(" exit {status}"),
            Outcome::Uncaught(value) => break format!(" error: {}", report(&value)),
            Outcome::Captured => {
                let bytes = interpreter.save().unwrap();
                let mut next = self::interpreter();
                saves -= 1;
                next.world.teleports = saves > 0;
                next.world.transcript = interpreter.world.transcript.take();
                next.restore(&bytes, LoadLimits::default()).unwrap();
                next.answer(Value::Null).unwrap();
                interpreter = next;
            }
            Outcome::Suspended(_) => break " suspended".to_owned(),
            Outcome::OutOfFuel => break " and so on".to_owned(),
        }
    };
    interpreter.world.transcript.take().unwrap_or_default() + &end
}

/// Each program prints what is beside it.
fn check(table: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (text, expected) in table {
        for saves in [0, 20] {
            let printed = run(text, saves);
            if printed != *expected {
                wrong += &format!("{text}\n  prints   {printed}\n  and not  {expected}\n");
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Each expression has the value beside it, as `write` shows it; or it raises an error with that
/// message, after `!`.
fn values(library: &str, table: &[(&str, &str)]) {
    let programs: Vec<_> = table
        .iter()
        .map(|(expression, value)| {
            let text = match value.strip_prefix('!') {
                None => format!("(write {expression})"),
                Some(_) => format!(
                    "(write-string
                       (call/cc (lambda (k)
                         (with-exception-handler
                           (lambda (e) (k (string-append \"!\" (error-object-message e))))
                           (lambda () {expression} \"no error\")))))"
                ),
            };
            (format!("{library}{text}"), *value)
        })
        .collect();
    let programs: Vec<_> = programs.iter().map(|(text, v)| (&**text, *v)).collect();
    check(&programs);
}

#[test]
fn every_name_of_a_library_means_something() {
    let interpreter = interpreter();
    let host = &interpreter.world.host;
    let mut missing = Vec::new();
    for (library, contents) in LIBRARIES {
        let Contents::Names(names) = contents else {
            continue;
        };
        for name in names.split_whitespace() {
            if host.primitive(name).is_none() && Core::named(name).is_none() {
                missing.push((library, name));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_library_in_scheme_exports_what_is_said_of_it() {
    for (library, contents) in LIBRARIES {
        let Contents::Source { exports, .. } = contents else {
            continue;
        };
        let only = format!("(import (only {library} {exports}))");
        assert_eq!(run(&only, 0), "", "{library}");
        // Nothing else, which a program without imports would not see.
        let none = format!("(import (except {library} {exports})) (import (scheme base)) ");
        assert_eq!(run(&none, 0), "", "{library}");
    }
}

/// What syntax is expanded to calls procedures by name.
#[test]
fn the_expander_finds_all_procedures_that_it_asks_for() {
    let interpreter = interpreter();
    let host = &interpreter.world.host;
    let mut asked = BTreeSet::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/syntax");
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let words: Vec<_> = text.split('"').collect();
        for pair in words.windows(2) {
            let calls = ["call(", "primitive("]
                .iter()
                .any(|call| pair[0].ends_with(call));
            if calls || pair[1].starts_with('%') {
                asked.extend(pair[1].split_whitespace().map(str::to_owned));
            }
        }
    }
    assert!(asked.len() > 15, "{asked:?}");
    let missing: Vec<_> = asked
        .iter()
        .filter(|name| host.primitive(name).is_none())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn procedures_that_call_back() {
    values(
        "",
        &[
            ("(map + '(1 2 3) '(10 20))", "(11 22)"),
            ("(map (lambda (x) (* x x)) '())", "()"),
            ("(map list '(1 2) '(a b) '(x y z))", "((1 a x) (2 b y))"),
            ("(map car 5)", "!map: expected a list"),
            ("(map car '((1) . 2))", "!map: expected a list"),
            ("(map + '(1) 5)", "!map: expected a list"),
            ("(map + '(1) '(1) 5)", "!map: expected a list"),
            ("(length (map + (iota 100000) (iota 100000)))", "100000"),
            (
                "(let ((n 0)) (for-each (lambda (x) (set! n (+ n x))) '(1 2 3)) n)",
                "6",
            ),
            (
                "(let ((n 0)) (for-each (lambda (x y) (set! n (+ n (* x y)))) '(1 2) '(3 4 5)) n)",
                "11",
            ),
            ("(for-each car 5)", "!for-each: expected a list"),
            (
                "(for-each list '(1 . 2) '(1 2))",
                "!for-each: expected a list",
            ),
            ("(vector-map + #(1 2) #(10 20 30))", "#(11 22)"),
            ("(vector-map cdr #((1 . 2)))", "#(2)"),
            ("(vector-map + 5)", "!vector-map: expected a vector"),
            ("(vector-map + #(1) '(1))", "!vector-map: expected a vector"),
            (
                "(let ((n 0)) (vector-for-each (lambda (x) (set! n (+ n x))) #(1 2 3)) n)",
                "6",
            ),
            (
                "(vector-for-each + \"a\")",
                "!vector-for-each: expected a vector",
            ),
            ("(string-map char-upcase \"abc\")", "\"ABC\""),
            (
                "(string-map (lambda (a b) (if (char<? a b) a b)) \"adc\" \"bbbb\")",
                "\"abb\"",
            ),
            (
                "(string-map char-upcase 'a)",
                "!string-map: expected a string",
            ),
            (
                "(let ((l '())) (string-for-each (lambda (a b) (set! l (cons (list a b) l))) \"ab\" \"xyz\") l)",
                "((#\\b #\\y) (#\\a #\\x))",
            ),
            (
                "(string-for-each char-upcase 5)",
                "!string-for-each: expected a string",
            ),
            ("(member 2.0 '(1 2 3) =)", "(2 3)"),
            ("(member 4 '(1 2 3) =)", "#f"),
            ("(member 4 '(1 2 . 3) =)", "!member: expected a list"),
            ("(assoc 2.0 '((1 a) (2 b)) =)", "(2 b)"),
            ("(assoc 3 '((1 a) 2) =)", "!assoc: expected a pair"),
            (
                "(call-with-values (lambda () (values 1 2)) cons)",
                "(1 . 2)",
            ),
            (
                "(call-with-output-string (lambda (p) (write 'x p)))",
                "\"x\"",
            ),
            ("(call-with-port (open-input-string \"x y\") read)", "x"),
            (
                "(string->list (list->string (map (lambda (c) c) '(#\\a))))",
                "(#\\a)",
            ),
            ("(force (eager 1))", "1"),
            ("(promise? (force (eager (delay 1))))", "#t"),
            ("(force (delay-force (delay 3)))", "3"),
            (
                "(let loop ((n 100000) (p (delay 'done))) (if (= n 0) (force p) (loop (- n 1) (let ((q p)) (delay-force q)))))",
                "done",
            ),
        ],
    );
}

#[test]
fn complex_procedures_of_reals() {
    values(
        "",
        &[
            (
                "(list (real-part 3/2) (imag-part 1.5) (magnitude -3) (angle 3))",
                "(3/2 0 3 0)",
            ),
            ("(angle -1)", "3.141592653589793"),
            ("(angle -1.0)", "3.141592653589793"),
            ("(make-rectangular 2 0)", "2"),
            ("(make-polar 2.5 0)", "2.5"),
            ("(make-rectangular 2 1)", "2+i"),
            ("(make-polar 2.5 'x)", "!make-polar: expected a number"),
            ("(make-polar 2.5 +i)", "!make-polar: expected a real number"),
            ("(real-part 'x)", "!real-part: expected a number"),
        ],
    );
}

/// What was there when a continuation was captured is there whenever it is resumed.
#[test]
fn calls_back_are_entered_again() {
    let again = |call: &str, item: &str| {
        format!(
            "(let ((again #f) (count 0))
               (define (f x . rest)
                 (call/cc (lambda (k) (if (eqv? x {item}) (set! again k)) x)))
               (write {call})
               (if (< count 2)
                   (begin (set! count (+ count 1))
                          (again (string-ref \"XY\" (- count 1))))))"
        )
    };
    for (call, item, expected) in [
        ("(map f '(1 2 3))", "2", "(1 2 3)(1 #\\X 3)(1 #\\Y 3)"),
        (
            "(map f '(1 2 3) '(a b c))",
            "2",
            "(1 2 3)(1 #\\X 3)(1 #\\Y 3)",
        ),
        (
            "(map f '(1 2 3) '(a b c) '(a b c))",
            "2",
            "(1 2 3)(1 #\\X 3)(1 #\\Y 3)",
        ),
        (
            "(vector-map f #(1 2 3))",
            "2",
            "#(1 2 3)#(1 #\\X 3)#(1 #\\Y 3)",
        ),
        (
            "(vector-map f #(1 2 3) #(1 2 3))",
            "2",
            "#(1 2 3)#(1 #\\X 3)#(1 #\\Y 3)",
        ),
        ("(string-map f \"abc\")", "#\\b", "\"abc\"\"aXc\"\"aYc\""),
    ] {
        check(&[(&again(call, item), expected)]);
    }
}

#[test]
fn environments() {
    values(
        "",
        &[
            ("(eval '(+ 1 2) (environment '(scheme base)))", "3"),
            (
                "(eval '(a:+ 1 2) (environment '(prefix (only (scheme base) +) a:)))",
                "3",
            ),
            (
                "(eval '(if (zero? 0) 1 2) (scheme-report-environment 5))",
                "1",
            ),
            (
                "(eval '(let-values (((a b) (values 1 2))) b) (scheme-report-environment 7))",
                "2",
            ),
            ("(eval '(let ((x 1)) (if x 2 3)) (null-environment 5))", "2"),
            (
                "(eval '(car '(1)) (null-environment 5))",
                "!this variable is not defined:",
            ),
            (
                "(eval '(define x 1) (environment '(scheme base)))",
                "!a definition in an environment that does not change",
            ),
            (
                "(environment '(no such library))",
                "!there is no such library; it is looked for in the file no/such/library.sld:",
            ),
            ("(environment 5)", "!this form is malformed"),
            ("(null-environment 6)", "!null-environment: expected 5"),
        ],
    );
}

#[test]
fn exits() {
    check(&[
        ("(display 1) (exit) (display 2)", "1 exit 0"),
        ("(exit #f)", " exit 1"),
        ("(exit 3)", " exit 3"),
        ("(emergency-exit)", " exit 0"),
        ("(emergency-exit 4)", " exit 4"),
        (
            "(dynamic-wind (lambda () (display 'in))
                           (lambda () (dynamic-wind values (lambda () (exit 7)) (lambda () (display 'inner))))
                           (lambda () (display 'out)))",
            "ininnerout exit 7",
        ),
        (
            "(dynamic-wind values (lambda () (emergency-exit 7)) (lambda () (display 'out)))",
            " exit 7",
        ),
        ("(with-exception-handler (lambda (e) (exit 9)) (lambda () (car 5)))", " exit 9"),
        ("(reset (shift k (exit 2)))", " exit 2"),
        (
            "(call-with-fuel 100 (lambda () (exit 5)) (lambda (r) (display 'expired)))",
            " exit 5",
        ),
    ]);
}

#[test]
fn engines() {
    check(&[
        // One that comes to its end answers its values.
        ("(write (call-with-fuel 1000 (lambda () (+ 1 2)) (lambda (resume) 'expired)))", "3"),
        (
            "(call-with-values
               (lambda () (call-with-fuel 1000 (lambda () (values 1 2)) list))
               (lambda (a b) (write (list a b))))",
            "(1 2)",
        ),
        // A loop in tail position, a recursion, a loop through library procedures.
        ("(write (call-with-fuel 1000 (lambda () (let loop () (loop))) (lambda (r) 'expired)))", "expired"),
        (
            "(define (f n) (+ 1 (f n))) (write (call-with-fuel 1000 (lambda () (f 0)) (lambda (r) 'expired)))",
            "expired",
        ),
        (
            "(define (f) (for-each (lambda (x) (f)) '(1 2)) (f))
             (write (call-with-fuel 1000 f (lambda (r) 'expired)))",
            "expired",
        ),
        (
            "(define (f) (call/cc (lambda (k) (k 1))) (f))
             (write (call-with-fuel 1000 f (lambda (r) 'expired)))",
            "expired",
        ),
        (
            "(define (f) (dynamic-wind values values values) (f))
             (write (call-with-fuel 1000 f (lambda (r) 'expired)))",
            "expired",
        ),
        (
            "(define (f) (guard (e (#t (f))) (raise 'x)))
             (write (call-with-fuel 1000 f (lambda (r) 'expired)))",
            "expired",
        ),
        // The rest goes on, in as many slices as it takes, to the same value.
        (
            "(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
             (define slices 0)
             (define (finish run)
               (run 100 (lambda (resume) (set! slices (+ slices 1)) (finish resume))))
             (write (finish (lambda (fuel expired) (call-with-fuel fuel (lambda () (fib 12)) expired))))
             (write-char #\\space)
             (write (< 1 slices 20))",
            "144 #t",
        ),
        // What is left can be resumed again, each time from the same place.
        (
            "(define n 0)
             (define rest (call-with-fuel 50
                            (lambda () (let loop ((i 0)) (set! n (+ n 1)) (if (< i 10000) (loop (+ i 1)) i)))
                            (lambda (resume) resume)))
             (define before n)
             (define (finish) (rest 1000000 (lambda (resume) 'expired)))
             (define first (finish))
             (define once (- n before))
             (define second (finish))
             (write (list first second (= once (- n before once)) (< 0 before 10001)))",
            "(10000 10000 #t #t)",
        ),
        // The procedure is called in tail position, where no engine runs.
        (
            "(define (again n)
               (if (= n 0) 'done
                   (call-with-fuel 1 (lambda () (let loop () (loop))) (lambda (resume) (again (- n 1))))))
             (write (again 10000))",
            "done",
        ),
        // Fuel that is used up at once.
        ("(write (call-with-fuel 0 (lambda () (let loop () (loop))) (lambda (resume) 'expired)))", "expired"),
    ]);
    values(
        "",
        &[(
            "(call-with-fuel -1 values values)",
            "!call-with-fuel: expected an exact nonnegative integer",
        )],
    );
}

#[test]
fn engines_in_engines() {
    let spin = "(define (spin) (let loop () (loop)))
                (define (count n) (let loop ((i 0)) (if (< i n) (loop (+ i 1)) i)))";
    let table = [
        // The nearest deadline counts.
        (
            "(write (call-with-fuel 1000
               (lambda () (list 'outer (call-with-fuel 100 spin (lambda (r) 'inner))))
               (lambda (r) 'expired)))",
            "(outer inner)",
        ),
        (
            "(write (call-with-fuel 100
               (lambda () (call-with-fuel 1000 spin (lambda (r) 'inner)))
               (lambda (r) 'outer)))",
            "outer",
        ),
        // What the inner one uses, the outer one has used.
        (
            "(write (call-with-fuel 1000
               (lambda () (let loop ((n 0)) (call-with-fuel 100 spin (lambda (r) 'inner)) (loop (+ n 1))))
               (lambda (r) 'outer)))",
            "outer",
        ),
        // An inner one that waits in the rest of an outer one uses nothing, and then goes on to
        // its own deadline.
        (
            "(define rest
               (call-with-fuel 100
                 (lambda () (call-with-fuel 250 spin (lambda (r) 'inner)))
                 (lambda (resume) resume)))
             (count 100000)
             (write (rest 100 (lambda (resume)
               (count 100000)
               (list 'outer (resume 100 (lambda (resume) 'again))))))",
            "(outer inner)",
        ),
        // One that was left by an escape is out of force.
        (
            "(call/cc (lambda (k) (call-with-fuel 100 (lambda () (k 1)) (lambda (r) (display 'expired)))))
             (write (count 100000))",
            "100000",
        ),
        // One that is entered again is in force.
        (
            "(let ((again #f) (times 0))
               (write (call-with-fuel 1000
                 (lambda () (call/cc (lambda (k) (set! again k))) (if (> times 0) (spin)) 'done)
                 (lambda (r) 'expired)))
               (set! times (+ times 1))
               (if (= times 1) (again 1)))",
            "doneexpired",
        ),
        // Handlers, parameters and winders.
        (
            "(define p (make-parameter 1))
             (define rest
               (parameterize ((p 2))
                 (call-with-fuel 50
                   (lambda () (parameterize ((p 3)) (count 10000) (p)))
                   (lambda (resume) (write (p)) resume))))
             (write (rest 100000 list))",
            "23",
        ),
        (
            "(write (guard (e (#t (list 'caught e)))
               (call-with-fuel 10000 (lambda () (count 10) (raise 'x)) list)))",
            "(caught x)",
        ),
        (
            "(define rest
               (call-with-fuel 50
                 (lambda ()
                   (dynamic-wind (lambda () (display 'in))
                                 (lambda () (count 10000))
                                 (lambda () (display 'out))))
                 (lambda (resume) resume)))
             (write (rest 100000 list))",
            "inoutinout10000",
        ),
        // A winder that runs on the way out is cut short too, and goes on.
        (
            "(define (f)
               (call/prompt (lambda ()
                 (dynamic-wind values
                               (lambda () (abort 1))
                               (lambda () (count 5000) (display 'out)))))
               (spin))
             (define rest (call-with-fuel 20 f (lambda (rest) rest)))
             (display 'cut)
             (write (rest 100000 (lambda (rest) 'expired)))",
            "cutoutexpired",
        ),
        // Time.
        ("(write (call-with-timeout 100000 (lambda () (count 10)) list))", "10"),
        ("(write (call-with-timeout 5 spin (lambda (resume) 'expired)))", "expired"),
        (
            "(write (call-with-timeout 2 spin (lambda (resume) (resume 2 (lambda (resume) 'again)))))",
            "again",
        ),
    ];
    let programs: Vec<_> = table
        .iter()
        .map(|(text, printed)| (format!("{spin}{text}"), *printed))
        .collect();
    let programs: Vec<_> = programs
        .iter()
        .map(|(text, printed)| (&**text, *printed))
        .collect();
    check(&programs);
}

/// A scheduler of engines prints the same wherever it is saved: at any time in between.
#[test]
fn engines_are_saved() {
    let text = "
        (define (work name n)
          (lambda () (let loop ((i 0)) (if (< i n) (begin (if (= 0 (modulo i 5)) (display name)) (loop (+ i 1))) name))))
        (define (task thunk)
          (lambda (fuel expired)
            (call-with-fuel fuel (lambda () (thunk) (display '!)) expired)))
        (define (go tasks)
          (if (pair? tasks)
              (let ((rest (call/cc (lambda (k) ((car tasks) 3 (lambda (resume) (k resume))) #f))))
                (go (if rest (append (cdr tasks) (list rest)) (cdr tasks))))))
        (go (list (task (work 'a 40)) (task (work 'b 30)) (task (work 'c 90))))";
    let straight = run(text, 0);
    assert!(straight.contains("ab") && straight.len() > 30, "{straight}");
    assert_eq!(straight, run(text, 20));
    for steps in [17, 101] {
        let mut sizes = Vec::new();
        let mut interpreter = interpreter();
        interpreter.load("test", text).unwrap();
        while let Outcome::OutOfFuel = interpreter.run(steps) {
            let bytes = interpreter.save().unwrap();
            sizes.push(bytes.len());
            let transcript = interpreter.world.transcript.take();
            interpreter.restore(&bytes, LoadLimits::default()).unwrap();
            interpreter.world.transcript = transcript;
        }
        assert_eq!(interpreter.world.transcript.take().unwrap(), straight);
        // What is left does not hold on to what was left before. Numbers grow by a few bytes.
        let (early, late) = sizes.split_at(sizes.len() / 2);
        let most = |sizes: &[usize]| sizes.iter().max().copied().unwrap_or(0);
        assert!(most(late) <= most(early) + 100, "{sizes:?}");
    }
}

#[test]
fn lists() {
    values(
        "(import (scheme base) (scheme write) (srfi 1)) ",
        &[
            ("(filter odd? '(1 2 3 4 5))", "(1 3 5)"),
            ("(remove odd? '(1 2 3 4 5))", "(2 4)"),
            (
                "(call-with-values (lambda () (partition odd? '(1 2 3))) list)",
                "((1 3) (2))",
            ),
            ("(fold cons* '() '(a b c) '(1 2 3))", "(c 3 b 2 a 1)"),
            ("(fold cons 0 '(1 2))", "(2 1 . 0)"),
            ("(fold-right cons 0 '(1 2))", "(1 2 . 0)"),
            ("(fold-right cons* '() '(a b c) '(1 2 3))", "(a 1 b 2 c 3)"),
            ("(pair-fold cons '() '(a b))", "((b) (a b))"),
            ("(pair-fold-right cons '() '(a b))", "((a b) (b))"),
            (
                "(list (reduce + 0 '()) (reduce - 0 '(1 2 3)) (reduce-right - 0 '(1 2 3)))",
                "(0 2 2)",
            ),
            ("(reduce-right append '() '((1) (2) (3)))", "(1 2 3)"),
            (
                "(unfold (lambda (x) (> x 3)) (lambda (x) (* x x)) (lambda (x) (+ x 1)) 1)",
                "(1 4 9)",
            ),
            (
                "(unfold-right zero? (lambda (x) (* x x)) (lambda (x) (- x 1)) 3)",
                "(1 4 9)",
            ),
            ("(append-map (lambda (x) (list x x)) '(1 2))", "(1 1 2 2)"),
            (
                "(filter-map (lambda (x) (and (number? x) (* x x))) '(a 1 b 3))",
                "(1 9)",
            ),
            ("(find even? '(1 2 3 4))", "2"),
            ("(find-tail even? '(1 2 3 4))", "(2 3 4)"),
            ("(find even? '(1 . 2))", "!find-tail: expected a list"),
            (
                "(list (any odd? '(2 3)) (any odd? '()) (any + '(1) '(2)))",
                "(#t #f 3)",
            ),
            (
                "(list (every odd? '(1 3)) (every odd? '()) (every + '(1 5) '(2 6)))",
                "(#t #t 11)",
            ),
            (
                "(list (list-index even? '(1 3 4)) (list-index < '(1 2) '(1 3)) (list-index even? '()))",
                "(2 1 #f)",
            ),
            (
                "(list (take-while even? '(2 4 5 6)) (drop-while even? '(2 4 5 6)))",
                "((2 4) (5 6))",
            ),
            (
                "(call-with-values (lambda () (span even? '(2 4 5 6))) list)",
                "((2 4) (5 6))",
            ),
            (
                "(call-with-values (lambda () (break even? '(1 3 4 5))) list)",
                "((1 3) (4 5))",
            ),
            (
                "(list (delete 2 '(1 2 3 2)) (delete 2 '(1 2 3) <))",
                "((1 3) (1 2))",
            ),
            ("(delete-duplicates '(a b a c b))", "(a b c)"),
            (
                "(delete-duplicates '((a . 3) (b . 7) (a . 9)) (lambda (x y) (eq? (car x) (car y))))",
                "((a . 3) (b . 7))",
            ),
            (
                "(list (iota 3) (first '(1 2)) (tenth (iota 10)) (take '(1 2 3) 2) (drop '(1 2 3) 2) (last '(1 2)))",
                "((0 1 2) 1 9 (1 2) (3) 2)",
            ),
            ("(zip '(1 2) '(a b c))", "((1 a) (2 b))"),
            (
                "(call-with-values (lambda () (unzip2 '((1 a) (2 b)))) list)",
                "((1 2) (a b))",
            ),
            (
                "(list (count even? '(1 2 4)) (count < '(1 5) '(2 3)))",
                "(2 1)",
            ),
            (
                "(alist-delete 'a (alist-cons 'a 1 '((b . 2) (a . 3))))",
                "((b . 2))",
            ),
            ("(lset-adjoin eq? '(a b) 'c 'a)", "(c a b)"),
            ("(lset-union eq? '(a b) '(b c))", "(c a b)"),
            ("(lset-intersection eq? '(a b c) '(b c d) '(c b))", "(b c)"),
            ("(lset-difference eq? '(a b c) '(b) '(c))", "(a)"),
            ("(lset-xor eq? '(a b) '(b c))", "(c a)"),
            (
                "(list (lset<= eq? '(a) '(a b)) (lset= eq? '(a b) '(b a)) (lset= eq? '(a) '(a b)))",
                "(#t #t #f)",
            ),
            ("(list-tabulate 4 (lambda (x) (* x x)))", "(0 1 4 9)"),
            (
                "(list (list= eq? '(a b) '(a b)) (list= eq? '(a) '(a b)) (list= eq?))",
                "(#t #f #t)",
            ),
            ("(fold + 0 5)", "!fold: expected a list"),
            ("(filter odd? '(1 . 2))", "!filter: expected a list"),
            ("(length (filter odd? (iota 100000)))", "50000"),
        ],
    );
    // A program that imports nothing sees them too.
    check(&[("(write (fold + 0 (filter even? (iota 5))))", "6")]);
}

#[test]
fn generators() {
    values(
        "(import (scheme base) (scheme write) (srfi 158)) ",
        &[
            ("(generator->list (generator 1 2 3))", "(1 2 3)"),
            ("(generator->list (make-iota-generator 3 8 2))", "(8 10 12)"),
            ("(generator->list (make-range-generator 3) 4)", "(3 4 5 6)"),
            ("(generator->list (make-range-generator 3 8 2))", "(3 5 7)"),
            (
                "(generator->list (make-coroutine-generator (lambda (yield) (for-each yield '(1 2)) (yield 3))))",
                "(1 2 3)",
            ),
            (
                "(let ((g (make-coroutine-generator (lambda (yield) (yield 1))))) (g) (g) (eof-object? (g)))",
                "#t",
            ),
            (
                "(generator->list (vector->generator #(1 2 3 4) 1 3))",
                "(2 3)",
            ),
            (
                "(generator->list (reverse-vector->generator #(1 2 3)))",
                "(3 2 1)",
            ),
            (
                "(generator->string (string->generator \"abc\" 1))",
                "\"bc\"",
            ),
            (
                "(generator->list (gcons* 'a 'b (make-range-generator 0 2)))",
                "(a b 0 1)",
            ),
            (
                "(generator->list (gappend (generator 1) (generator) (generator 2)))",
                "(1 2)",
            ),
            (
                "(generator->list (gmap + (generator 1 2) (generator 10 20 30)))",
                "(11 22)",
            ),
            (
                "(generator->list (gfilter odd? (make-range-generator 0 6)))",
                "(1 3 5)",
            ),
            ("(generator->list (gtake (generator 1 2) 3 'x))", "(1 2 x)"),
            ("(generator->list (gdrop (generator 1 2 3) 2))", "(3)"),
            ("(generator->list (gdrop (generator 1) 2))", "()"),
            (
                "(generator->list (gtake-while odd? (generator 1 3 4 5)))",
                "(1 3)",
            ),
            (
                "(generator->list (gdrop-while odd? (generator 1 3 4 5)))",
                "(4 5)",
            ),
            (
                "(generator->list (gindex (list->generator '(a b c d)) (generator 1 3)))",
                "(b d)",
            ),
            (
                "(generator->list (gselect (generator 1 2 3) (generator #t #f #t)))",
                "(1 3)",
            ),
            ("(generator-fold + 0 (generator 1 2 3))", "6"),
            (
                "(let ((n 0)) (generator-for-each (lambda (x) (set! n (+ n x))) (generator 1 2)) n)",
                "3",
            ),
            ("(generator-find even? (generator 1 4 5))", "4"),
            (
                "(list (generator-any even? (generator 1 2)) (generator-every odd? (generator 1 2)))",
                "(#t #f)",
            ),
            (
                "(let ((a (list-accumulator))) (a 1) (a 2) (a (eof-object)))",
                "(1 2)",
            ),
            (
                "(let ((a (sum-accumulator))) (a 1) (a 2) (a (eof-object)))",
                "3",
            ),
        ],
    );
}

#[test]
fn coroutines() {
    values(
        "",
        &[
            (
                "(let ((c (make-coroutine (lambda (x) (let loop ((x x)) (if (eq? x 'stop) 'stopped (loop (yield (* x x)))))))))
                   (let* ((a (resume c 2)) (b (resume c 3)) (d (resume c 'stop))) (list a b d (coroutine-done? c))))",
                "(4 9 stopped #t)",
            ),
            (
                "(letrec ((ping (make-coroutine (lambda (n) (let loop ((n n)) (if (= n 0) 'ping (loop (transfer pong (- n 1))))))))
                          (pong (make-coroutine (lambda (n) (let loop ((n n)) (if (= n 0) 'pong (loop (transfer ping (- n 1)))))))))
                   (resume ping 10001))",
                "pong",
            ),
            ("(let ((c (make-coroutine (lambda (x) x)))) (resume c) (resume c))", "!resume: a coroutine that is not waiting"),
            ("(letrec ((c (make-coroutine (lambda (x) (resume c))))) (resume c))", "!resume: a coroutine that is not waiting"),
            ("(resume 5)", "!resume: expected a coroutine"),
            (
                "(let ((outer (make-coroutine (lambda (x)
                          (let ((inner (make-coroutine (lambda (x) (yield 'in) 'end))))
                            (yield (list x (resume inner) (resume inner)))
                            'out)))))
                   (let* ((a (resume outer 1)) (b (resume outer))) (list a b)))",
                "((1 in end) out)",
            ),
        ],
    );
}

fn saved(text: &str) -> Vec<u8> {
    let mut interpreter = interpreter();
    interpreter.load("saved", text).unwrap();
    let outcome = interpreter.run(1_000_000);
    assert!(matches!(outcome, Outcome::Suspended(_)), "{outcome:?}");
    interpreter.save().unwrap()
}

/// What a program does not use of the library is not in its snapshots, and of what it uses, and
/// is in the middle of, there is the name.
#[test]
fn snapshots_are_small() {
    let nothing = saved("(suspend! 1)").len();
    assert!(nothing < 600, "{nothing}");
    let uses = saved("(define (f x) (suspend! x)) (map f (list 1 2 (vector-map f #(1))))").len();
    assert!(uses < nothing + 600, "{uses}");
}

/// The procedures of the library are the same to a program that was carried elsewhere, and again.
#[test]
fn library_procedures_are_the_same_after() {
    let text = "(define before (list map call/ec (map (lambda (x) (suspend! map)) '(1 2))))
                (define (now name) (eval name (interaction-environment)))
                (display (map eq? (list map call/ec map map)
                                  (list (car before) (cadr before) (car (caddr before)) (now 'map))))
                (display (eqv? map for-each))";
    let mut from = interpreter();
    from.load("saved", text).unwrap();
    for _ in 0..2 {
        let Outcome::Suspended(map) = from.run(1_000_000) else {
            panic!("it suspends");
        };
        let bytes = from.save().unwrap();
        let mut to = interpreter();
        to.restore(&bytes, LoadLimits::default()).unwrap();
        // This one is that of the interpreter which it was before.
        to.answer(map).unwrap();
        from = to;
    }
    assert!(matches!(from.run(1_000_000), Outcome::Done(_)));
    assert_eq!(from.world.transcript.as_deref(), Some("(#t #t #t #t)#f"));
}
