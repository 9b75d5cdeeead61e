//! Programs that mean harm. Each ends in an error within its limits, and the host lives on.

use std::alloc::System;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cap::Cap;
use segno::snapshot::LoadLimits;
use segno_scheme::interpreter::{Interpreter, Outcome, report};
use segno_scheme::world::{Heap, Sandbox};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// Memory is counted for the whole process, so the tests take turns.
static TURN: Mutex<()> = Mutex::new(());

/// How much memory a program gets.
const HEAP: usize = 64 << 20;

/// How many steps a program gets. A call in tail position is a small part of one.
const FUEL: u64 = 300_000;

/// How long one may take: far longer than it should, for slow machines.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test alone, with as much stack as a main thread has.
fn alone(test: fn()) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(test);
    thread.expect("a thread").join().expect("no panic");
}

/// An interpreter with little memory, and not many frames.
fn sandboxed() -> Interpreter {
    let heap = Heap {
        limit: MEMORY.allocated() + HEAP,
        used: || MEMORY.allocated(),
    };
    let sandbox = Sandbox {
        heap: Some(heap),
        number_bits: 1 << 20,
        ..Sandbox::default()
    };
    let mut interpreter = Interpreter::new(sandbox).expect("its library compiles");
    interpreter.set_depth(100_000);
    interpreter.world.transcript = Some(String::new());
    interpreter
}

/// What became of a program, in words.
fn outcome(interpreter: &mut Interpreter, text: &str, fuel: u64) -> String {
    if let Err(fault) = interpreter.load("hostile", text) {
        return fault.message;
    }
    match interpreter.run(fuel) {
        Outcome::Uncaught(value) => report(&value),
        Outcome::Done(value) => format!("done: {value:?}"),
        other => format!("{other:?}"),
    }
}

/// Asserts that each program comes to an end that has one of these words in it; and that the
/// interpreter runs other programs after it.
#[track_caller]
fn ends(programs: &[&str], words: &[&str]) {
    for text in programs {
        let start = Instant::now();
        let mut interpreter = sandboxed();
        let outcome = outcome(&mut interpreter, text, FUEL);
        let known = words.iter().any(|word| outcome.contains(word));
        assert!(known, "{text}: {outcome}");
        assert!(start.elapsed() < PATIENCE, "{text}: {:?}", start.elapsed());
        interpreter.reset();
        interpreter.world.transcript = Some(String::new());
        let after = self::outcome(&mut interpreter, "(+ 1 2)", 1000);
        // What the program has defined may still take all of the memory.
        assert!(after == "done: 3" || after.contains("memory"), "{after}");
    }
}

const LIMITS: &[&str] = &[
    "memory",
    "frames",
    "too large",
    "OutOfFuel",
    "deep",
    "limit",
];

#[test]
fn deep_recursion() {
    alone(|| {
        ends(
            &[
                "(define (f n) (+ 1 (f n))) (f 0)",
                "(define (f n) (dynamic-wind (lambda () n) (lambda () (f n)) (lambda () n))) (f 0)",
                "(define (f n) (+ 1 (call/cc (lambda (k) (f k))))) (f 0)",
                "(define (f n) (+ 1 (call-with-continuation-prompt (lambda () (f n))))) (f 0)",
                "(define (f n) (guard (e ((begin (f n) #f) 1)) (f n))) (f 0)",
                "(define (f n) (with-exception-handler f (lambda () (+ 1 (raise n))))) (f 0)",
                "(define (f n) (map f (list n))) (f 0)",
                "(define p (make-parameter 0)) (define (f) (parameterize ((p 1)) (f))) (f)",
                "(define (f n) (+ 1 (eval `(f ,n) (interaction-environment)))) (f 0)",
                "(define (f n) (with-continuation-mark 'k n (+ 1 (f n)))) (f 0)",
            ],
            &["frames", "memory", "deep", "depth"],
        );
    });
}

/// A step that goes through many prompts, winders or frames pays for each of them.
#[test]
fn steps_that_go_through_much() {
    alone(|| {
        let nested = |times: usize, how: &str, what: &str| {
            format!("(define (nest n) (if (= n 0) {what} (+ 0 {how}))) (nest {times})")
        };
        let prompt = "(call-with-continuation-prompt (lambda () (nest (- n 1))) \
                      (make-continuation-prompt-tag))";
        let winder = "(dynamic-wind (lambda () #f) (lambda () (nest (- n 1))) (lambda () #f))";
        let capture = "(let loop () (call/cc (lambda (k) (k 1))) (loop))";
        let compose = "(let loop () ((call-with-composable-continuation (lambda (k) k)) \
                       (lambda (v) v)) (loop))";
        let inwards = "(let ((k #f) (again #f)) (dynamic-wind \
                       (lambda () (when again (call/cc (lambda (c) (k 1))))) \
                       (lambda () (call/cc (lambda (c) (set! k c)))) (lambda () #f)) \
                       (set! again #t) (k 1))";
        ends(
            &[
                &nested(20_000, prompt, capture),
                &nested(5_000, prompt, compose),
                &nested(20_000, winder, capture),
                &nested(50_000, "(nest (- n 1))", inwards),
            ],
            LIMITS,
        );
    });
}

/// What is not nested in the source may be deep where it is evaluated.
#[test]
fn deep_code() {
    alone(|| {
        let all = |part: fn(usize) -> String| (0..30_000).map(part).collect::<String>();
        let definitions = all(|n| format!("(define a{} (list {n}))", n + 1));
        let parameters = all(|_| "(p 1)".to_owned());
        for (text, expected) in [
            (
                format!("(define (f) {definitions} a30000) (+ 1 (car (f)))"),
                "done: 30000",
            ),
            (
                format!("(define p (make-parameter 1 list)) (parameterize ({parameters}) (p))"),
                "done: (1)",
            ),
        ] {
            assert_eq!(outcome(&mut sandboxed(), &text, FUEL), expected);
        }
    });
}

#[test]
fn loops_without_end() {
    alone(|| {
        ends(
            &[
                "(let loop () (loop))",
                "(let loop ((n 0)) (loop (+ n 1)))",
                "(do () (#f))",
                "(let ((k #f)) (call/cc (lambda (c) (set! k c))) (k 1))",
                "((lambda (x) (x x)) (lambda (x) (x x)))",
                "(define (f) (call/cc (lambda (k) (f)))) (f)",
                "(define (f) (dynamic-wind (lambda () 1) (lambda () 2) (lambda () 3)) (f)) (f)",
                "(let loop () (guard (e (#t (loop))) (raise 'again)))",
                "(define p (delay-force p)) (force p)",
                "(let loop () (apply loop '()))",
                "(let loop () (call-with-values (lambda () 1) (lambda (x) (loop))))",
                "(let loop () (with-continuation-mark 'k 1 (loop)))",
                "(let loop () (eval '1 (interaction-environment)) (loop))",
            ],
            &["OutOfFuel"],
        );
    });
}

#[test]
fn winders_that_are_entered_again() {
    alone(|| {
        ends(
            &[
                "(define k #f) (dynamic-wind (lambda () (call/cc (lambda (c) (set! k c)))) \
                 (lambda () 1) (lambda () 2)) (k 1)",
                "(define k #f) (dynamic-wind (lambda () 1) (lambda () (call/cc (lambda (c) \
                 (set! k c)))) (lambda () 2)) (k 1)",
                "(define k #f) (dynamic-wind (lambda () 1) (lambda () (call/cc (lambda (c) \
                 (set! k c)))) (lambda () (if k (k 1)))) (k 1)",
                "(define a #f) (define b #f) (dynamic-wind (lambda () (if b (b 1))) (lambda () \
                 (call/cc (lambda (c) (set! a c)))) (lambda () (call/cc (lambda (c) (set! b c))))) \
                 (a 1)",
                "(call/cc (lambda (out) (dynamic-wind (lambda () 1) (lambda () 2) (lambda () \
                 (out 1))))) (let loop () (loop))",
                "(dynamic-wind (lambda () 1) (lambda () 2) (lambda () (raise 'limit)))",
                "(dynamic-wind (lambda () (raise 'limit)) (lambda () 2) (lambda () 3))",
                "(dynamic-wind (lambda () 1) (lambda () (raise 'limit)) (lambda () (let l () (l))))",
            ],
            &[
                "OutOfFuel",
                "limit",
                "done",
                "winder",
                "memory",
                "frames",
                "captured",
            ],
        );
    });
}

#[test]
fn giant_allocations() {
    alone(|| {
        ends(
            &[
                "(make-vector 1000000000 0)",
                "(make-vector 9223372036854775807 0)",
                "(make-string 1000000000000 #\\a)",
                "(make-bytevector 100000000 1)",
                "(make-list 1000000000 1)",
                "(let loop ((s \"ab\")) (loop (string-append s s)))",
                "(let loop ((s (vector 1 2))) (loop (vector-append s s)))",
                "(let loop ((s '(1 2))) (loop (append s s)))",
                "(let loop ((s (bytevector 1 2))) (loop (bytevector-append s s)))",
                "(let loop ((l '())) (loop (cons 1 l)))",
                "(define l '()) (let loop () (set! l (cons (lambda () l) l)) (loop))",
                "(define l '()) (let loop () (call/cc (lambda (k) (set! l (cons k l)))) (loop))",
                "(let loop ((p (delay 1))) (loop (let ((q p)) (delay (force q)))))",
                "(let loop ((n 0)) (string->symbol (number->string n)) (loop (+ n 1)))",
                "(define o (open-output-string)) (let loop () (write-string (make-string 1000 #\\a) o) \
                 (loop))",
                "(let loop () (write 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) (loop))",
                "(apply list (make-list 10000000 1))",
                "(let loop ((v (vector))) (loop (vector v v)))",
            ],
            LIMITS,
        );
    });
}

#[test]
fn huge_numbers() {
    alone(|| {
        ends(
            &[
                "(let loop ((n 10)) (loop (* n n)))",
                "(expt 10 1000000000)",
                "(expt 3/2 1000000000)",
                "(expt 10 -1000000000)",
                "(exact 1e308) (let loop ((n 1/3)) (loop (* n n)))",
                "(string->number \"1e1000000000\") (exact (string->number \"#e1e1000000000\"))",
                "(let loop ((n 3)) (number->string n) (loop (* n n)))",
                "(let loop ((n 3)) (exact-integer-sqrt n) (gcd n (+ n 1)) (loop (* n n)))",
                "(arithmetic-shift 1 100000000000)",
                "(let loop ((n 1)) (loop (lcm (+ n 1) (* n n))))",
            ],
            &[
                "too large",
                "memory",
                "OutOfFuel",
                "limit",
                "is not defined",
            ],
        );
    });
}

#[test]
fn data_that_lead_back_to_themselves() {
    alone(|| {
        let ring = "(define c (list 1 2 3)) (set-cdr! (cddr c) c) (define d (list 1 2 3)) \
                    (set-cdr! (cddr d) d) (define v (vector 1)) (vector-set! v 0 v) ";
        let many = "(define (dag n x) (if (= n 0) x (dag (- n 1) (cons x x)))) \
                    (define a (dag 60 '())) (define b (dag 60 '())) ";
        let short = [
            "(write c)",
            "(display v)",
            "(write-shared (list c v))",
            "(equal? c d)",
            "(list? c)",
            "(equal? v (vector v))",
            "(raise c)",
            "(error \"x\" c v)",
            "(c)",
            "(length c)",
            "(list-copy c)",
            "(append c c)",
            "(list->vector c)",
            "(apply + c)",
            "(map + c)",
            "(for-each + c)",
            "(list->string c)",
            "(member 4 c)",
            "(assoc 4 c)",
            "(memq 4 c)",
            "(write-simple c)",
            "(reverse c)",
            "(list-tail c 1000000000000)",
            "(eval c)",
            "(eval (list 'quote c))",
            "(eval `(lambda ,c 1))",
            "(eval `(let ,c 1))",
            "(assq 4 c)",
            "(length+ c)",
            "(list-ref c 1000000000)",
            "(string-append c)",
            "(vector-map + v v)",
            "(suspend! c)",
            "(exit c)",
            "(write-simple v)",
            "c",
        ];
        for program in short {
            let mut interpreter = sandboxed();
            let start = Instant::now();
            let outcome = outcome(&mut interpreter, &format!("{ring}{program}"), FUEL);
            assert!(outcome.len() < 1 << 18, "{program}: {}", outcome.len());
            assert!(start.elapsed() < PATIENCE, "{program}");
        }
        for program in [
            "(write a)",
            "(equal? a b)",
            "(write-shared a)",
            "(raise a)",
            "a",
            "(eval a)",
            "(eval `',a)",
            "(display (list a b))",
            "(string->symbol a)",
            "(car (list a a) 1)",
        ] {
            let mut interpreter = sandboxed();
            let start = Instant::now();
            let outcome = outcome(&mut interpreter, &format!("{many}{program}"), FUEL);
            assert!(outcome.len() < 1 << 18, "{program}: {}", outcome.len());
            assert!(start.elapsed() < PATIENCE, "{program}");
        }
    });
}

#[test]
fn macros_that_expand_for_ever() {
    alone(|| {
        ends(
            &[
                "(define-syntax m (syntax-rules () ((_ x ...) (m x ... x ...)))) (m 1)",
                "(define-syntax m (syntax-rules () ((_ x) (m (x))))) (m 1)",
                "(define-syntax m (syntax-rules () ((_) (m)))) (m)",
                "(define-syntax m (syntax-rules () ((_ x) (+ 1 (m x))))) (m 1)",
                "(define-syntax m (syntax-rules () ((_ x) (begin (m x) (m x))))) (m 1)",
                "(define-syntax m (syntax-rules () ((_ x) (let ((x 1)) (m x))))) (m y)",
                "(define-syntax a (syntax-rules () ((_) (b)))) \
                 (define-syntax b (syntax-rules () ((_) (a)))) (a)",
                "(define-syntax m (syntax-rules () ((_ x) (define-syntax x (m x))))) (m y)",
                // A template and a pattern whose parts are the same data again and again.
                "(define (tree n) (if (= n 0) 'a (let ((part (tree (- n 1)))) (list part part)))) \
                 (define (define-m rule) (eval `(define-syntax m (syntax-rules () ,rule)) \
                 (interaction-environment))) (define-m `((_ x) ,(tree 60)))",
                "(define (tree n) (if (= n 0) 1 (let ((part (tree (- n 1)))) (list part part)))) \
                 (define (define-m rule) (eval `(define-syntax m (syntax-rules () ,rule)) \
                 (interaction-environment))) (define-m `((_ ,(tree 60)) 1))",
                "(define-syntax m (syntax-rules () ((_ (a ...) ...) '((a ... ...) (a ... ...))))) \
                 (define-syntax n (syntax-rules () ((_ x) (n (x x))))) (n 1)",
            ],
            &[
                "expan", "memory", "deep", "large", "limit", "syntax", "nested",
            ],
        );
    });
}

#[test]
fn deep_nesting() {
    alone(|| {
        let wrap = |open: &str, middle: &str, close: &str, times: usize| {
            format!("{}{middle}{}", open.repeat(times), close.repeat(times))
        };
        for times in [1_000, 100_000] {
            let sources = [
                wrap("(", "", ")", times),
                wrap("(", "", "", times),
                wrap("'", "a", "", times),
                wrap("`", "a", "", times),
                wrap("`(,", "a", ")", times),
                wrap("#(", "", ")", times),
                wrap("#;", "a b", "", times),
                wrap("#|", "", "|#", times),
                format!("'{}", wrap("(", "", ")", times)),
                wrap("(+ 1 ", "1", ")", times),
                wrap("(+ 1 (car (list ", "1", ")))", times),
                wrap("(lambda () ", "1", ")", times),
                wrap("((lambda (x) ", "1", ") 1)", times),
                wrap("(let ((x 1)) ", "1", ")", times),
                wrap("(let ((x ", "1", ")) x)", times),
                wrap("(if 1 ", "1", ")", times),
                wrap("(begin ", "1", ")", times),
                wrap("(define-values (x) ", "1", ")", times),
                wrap("(cond (#f 1) (else ", "1", "))", times),
                wrap("(let-syntax () ", "1", ")", times),
                wrap("(guard (e (#t ", "1", ")) 1)", times),
                wrap("(case 1 ((1) ", "1", "))", times),
                wrap("(define (f) ", "1", ")", times),
                format!(
                    "(define-syntax m (syntax-rules () ((_ {} ) 1)))",
                    wrap("(", "x ...", ")", times)
                ),
            ];
            for source in sources {
                let start = Instant::now();
                let mut interpreter = sandboxed();
                let outcome = outcome(&mut interpreter, &source, 10 * FUEL);
                let shown: String = source.chars().take(30).collect();
                assert!(outcome.len() < 1 << 18, "{shown}: {}", outcome.len());
                assert!(start.elapsed() < PATIENCE, "{shown}");
            }
        }
        let deep = "(define (deep n x wrap) (if (= n 0) x (deep (- n 1) (wrap x) wrap))) ";
        for wrap in [
            "list",
            "vector",
            "(lambda (x) (lambda () x))",
            "(lambda (x) (delay x))",
            "(lambda (x) (make-parameter x))",
            "(lambda (x) (cons x 1))",
            "(lambda (x) (call/cc (lambda (k) (cons k x))))",
            "(lambda (x) (delay-force x))",
        ] {
            for use_it in [
                "(begin x 1)",
                "(equal? x y)",
                "(write x)",
                "(raise x)",
                "(suspend! (cons x y))",
                "(eval x)",
                "(eval (list 'quote x))",
            ] {
                let source = format!(
                    "{deep}(define x (deep 100000 1 {wrap})) \
                                      (define y (deep 100000 1 {wrap})) {use_it}"
                );
                let mut interpreter = sandboxed();
                let outcome = outcome(&mut interpreter, &source, 10 * FUEL);
                assert!(outcome.len() < 1 << 20, "{source}: {}", outcome.len());
                // The data are the same whatever is done with them.
                if use_it == "(raise x)"
                    && let Ok(bytes) = interpreter.save()
                {
                    let mut next = sandboxed();
                    drop(next.restore(&bytes, LoadLimits::default()));
                }
            }
        }
    });
}

#[test]
fn procedures_that_take_long() {
    alone(|| {
        let around = [
            ("(expt 3 600000)", "(exact-integer-sqrt x)"),
            ("(expt 3 600000)", "(number->string x)"),
            (
                "(expt 3 600000)",
                "(quotient x 1234567890123456789012345678901234567890)",
            ),
            ("(expt 3 600000)", "(< x x)"),
            ("(expt 3/5 100000)", "(+ x 1/7)"),
            ("(make-string 200000 #\\1)", "(string->number x)"),
            ("(make-string 5000000 #\\a)", "(string=? x x)"),
            ("(make-string 5000000 #\\a)", "(string-fill! x #\\b)"),
            ("(make-vector 1000000 0)", "(vector-fill! x 1)"),
            ("(make-bytevector 20000000 0)", "(bytevector-copy x)"),
            ("(make-list 200000 1)", "(length x)"),
            ("(make-list 200000 1)", "(memv 2 x)"),
            ("(make-list 200000 1)", "(append x '())"),
            ("(make-list 200000 1)", "(apply + x)"),
            ("(make-list 200000 1)", "(equal? x (list-copy x))"),
            ("0", "(make-vector 1000000 0)"),
            (
                "`(list . ,(make-list 20000 1))",
                "(eval x (interaction-environment))",
            ),
        ];
        for (value, call) in around {
            let text = format!("(define x {value}) (let loop () {call} (loop))");
            ends(&[&text], &["OutOfFuel"]);
            // Something is left for who waits for an engine.
            let engine = format!(
                "(define x {value}) (call-with-fuel 1000 (lambda () (let loop () {call} (loop))) \
                 (lambda (rest) 'limit))"
            );
            ends(&[&engine], &["limit"]);
        }
    });
}

/// What goes through the marks, prompts and frames of a deep continuation pays for them.
#[test]
fn looks_at_deep_continuations() {
    alone(|| {
        // Each puts the rest of itself around what is done again and again.
        let deep = |around: &str, again: &str| {
            format!(
                "(define tag (make-continuation-prompt-tag)) \
                 (define p (make-parameter 0)) (define q (make-parameter 0)) \
                 (define (deep n) (if (= n 0) (let loop () {again} (loop)) \
                 (+ 1 {around}))) (deep 15000)"
            )
        };
        let parameters = "(parameterize ((p n)) (deep (- n 1)))";
        let marks = "(with-continuation-mark 'a n (deep (- n 1)))";
        let prompts = "(call-with-continuation-prompt (lambda () (deep (- n 1))) tag)";
        let programs = [
            deep(parameters, "(q)"),
            deep(marks, "(continuation-mark-set-first #f 'b)"),
            deep(
                marks,
                "(continuation-mark-set->list (current-continuation-marks) 'b)",
            ),
            deep(prompts, "(call/cc (lambda (k) (k 1)))"),
            deep(
                prompts,
                "(continuation-prompt-available? (default-continuation-prompt-tag))",
            ),
            deep(
                "(call-with-fuel 1000000000 (lambda () (deep (- n 1))) list)",
                "(make-vector 20000 1)",
            ),
            // A winder that is on the way into many frames captures them each time.
            "(define k #f) (define again #f) \
             (define (deep n) (if (= n 0) (call/cc (lambda (c) (set! k c) 0)) \
             (+ 1 (deep (- n 1))))) \
             (define (before) (if again (begin (call/cc (lambda (c) c)) (again 0)))) \
             (define (main) (dynamic-wind before (lambda () (deep 40000)) (lambda () 1)) \
             (call/cc (lambda (c) (set! again c))) (k 1)) (main)"
                .to_owned(),
        ];
        for program in &programs {
            ends(&[program], &["OutOfFuel"]);
        }
    });
}

/// Nothing can be stopped within a call of a procedure of the interpreter's own. So one that would
/// take too much is refused before it begins.
#[test]
fn calls_that_would_take_too_long() {
    /// Too little for what is refused here, and enough to go through some megabytes.
    const SMALL: u64 = 3_000;
    /// Without the refusal most take many times that.
    const SHORT: Duration = Duration::from_secs(10);
    alone(|| {
        let large = "(define one (arithmetic-shift 1 60000000)) (define x (- one 1)) \
                     (define y (- (arithmetic-shift 1 30000000) 1)) \
                     (define nines (make-string 1000000 #\\9)) \
                     (define r (/ (- (arithmetic-shift 1 500000) 1) (+ (arithmetic-shift 1 400000) 1)))";
        let interpreter = || {
            let mut interpreter = sandboxed();
            interpreter.world.sandbox.number_bits = Sandbox::default().number_bits;
            let defined = outcome(&mut interpreter, large, u64::MAX);
            assert!(defined.starts_with("done"), "{defined}");
            interpreter
        };
        let refused = [
            "(expt 3 40000000)",
            "(expt 3 (expt 10 9))",
            "(expt 2/3 600000)",
            "(expt (make-rectangular 3 4) 10000000)",
            "(* y y)",
            "(square y)",
            "(* y y y)",
            "(quotient x y)",
            "(modulo x y)",
            "(floor/ x (- y))",
            "(/ x y)",
            "(+ r 1/3)",
            "(gcd (numerator r) (denominator r))",
            "(< r (+ r))",
            "(sqrt x)",
            "(sqrt (make-rectangular x y))",
            "(exact-integer-sqrt x)",
            "(number->string x)",
            "(number->string y 7)",
            "(display x)",
            "(write (list 1 (vector x)))",
            "(write-shared (make-list 100 x))",
            "(string->number nines)",
            "(string->number (string-append \"#e\" nines \"e2\"))",
            "(string->number (string-append nines \"/7\"))",
            "(read (open-input-string nines))",
            "(read (open-input-string (string-append \"(1 2 \" nines \")\")))",
            "(memv (- x 1) (make-list 100000 x))",
            "(assv (- x 1) (make-list 100000 (list x)))",
            "(member (list (- x 1)) (make-list 100000 (list x)))",
            "(equal? (make-list 100000 (- one 1)) (make-list 100000 x))",
            "(equal? (make-vector 100000 (- one 1)) (make-vector 100000 x))",
            "(condition/report-string (guard (e (#t e)) (error \"x\" x)))",
        ];
        // What is as large, and takes no longer than to go through it.
        let done = [
            ("(exact? (exact->inexact r))", "done: #f"),
            ("(- x one)", "done: -1"),
            ("(< x one)", "done: #t"),
            ("(= x (floor x))", "done: #t"),
            ("(bitwise-and x 5)", "done: 5"),
            ("(remainder x 1000)", "done: 375"),
            ("(arithmetic-shift x -59999999)", "done: 1"),
            ("(string->number (make-string 4000000 #\\z))", "done: #f"),
        ];
        // What takes a second at most.
        let long = [
            (
                "(string-length (number->string (expt 7 1000000)))",
                "done: 845099",
            ),
            (
                "(- (string->number (make-string 1000000 #\\9)) (expt 10 1000000))",
                "done: -1",
            ),
            (
                "(call-with-values (lambda () (exact-integer-sqrt (+ 5 (expt 9 1000000)))) \
                 (lambda (root rest) (list (= root (expt 3 1000000)) rest)))",
                "done: (#t 5)",
            ),
        ];
        let mut interpreter = interpreter();
        interpreter.world.sandbox.fuel_at_once = SMALL;
        for call in refused {
            let start = Instant::now();
            let outcome = outcome(&mut interpreter, call, 100 * SMALL);
            assert!(outcome.contains("too large"), "{call}: {outcome:.100}");
            assert!(start.elapsed() < SHORT, "{call}: {:?}", start.elapsed());
            interpreter.reset();
        }
        for (call, expected) in done {
            assert_eq!(
                outcome(&mut interpreter, call, 100 * SMALL),
                expected,
                "{call}"
            );
        }
        interpreter.world.sandbox.fuel_at_once = Sandbox::default().fuel_at_once;
        for (call, expected) in long {
            assert_eq!(
                outcome(&mut interpreter, call, u64::MAX),
                expected,
                "{call}"
            );
        }
    });
}
