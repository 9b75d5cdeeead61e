//! Programs at random, of a small grammar that is rich in control; and what becomes of them.

use segno::snapshot::{LoadLimits, SaveError};
use segno_scheme::interpreter::{Interpreter, Outcome, report};
use segno_scheme::value::Value;
use segno_scheme::world::Sandbox;
use segno_scheme::writer::{Style, to_text};

/// What all programs begin with. A continuation that was kept is entered some times more.
pub(crate) const BEGIN: &str = "(define kept #f) (define times 0) (define p (make-parameter 0))
(define (say x) (write (p)) (write x) (newline) x)
(define (again x) (if (and kept (< times 4)) (begin (set! times (+ times 1)) (kept x)) x))
";

/// Expressions: `e` stands for one, `v` for a variable that is bound there, `n` for a number, and
/// `x` for a new variable, which is bound in what follows it.
const FORMS: &[&str] = &[
    "n",
    "v",
    "(say e)",
    "(again e)",
    "(if e e e)",
    "(begin e e)",
    "(let ((y e)) (set! y e) (cons y e))",
    "(call/cc (lambda (x) e))",
    "(call/1cc (lambda (x) e))",
    "(begin (call/cc (lambda (x) (set! kept x))) e)",
    "(v e)",
    "(reset e)",
    "(shift x e)",
    "(shift0 x e)",
    "(control x e)",
    "(control0 x e)",
    "(call-with-composable-continuation (lambda (x) e))",
    "(call-with-continuation-prompt (lambda () e))",
    "(abort-current-continuation (default-continuation-prompt-tag) (lambda () e))",
    "(call-with-continuation-barrier (lambda () e))",
    "(dynamic-wind (lambda () (say n)) (lambda () e) (lambda () (say n)))",
    "(dynamic-wind (lambda () e) (lambda () e) (lambda () e))",
    "(guard (x (e e) ((pair? v) e)) e)",
    "(guard (x (#t e)) e)",
    "(with-exception-handler (lambda (x) e) (lambda () e))",
    "(raise e)",
    "(raise-continuable e)",
    "(parameterize ((p e)) e)",
    "(list (p) e)",
    "(with-continuation-mark 'k e e)",
    "(continuation-mark-set->list (current-continuation-marks) 'k)",
    "(call-with-fuel n (lambda () e) (lambda (x) e))",
    "(call-with-values (lambda () (values e e)) list)",
    "(map (lambda (x) e) (list e e))",
    "(apply list e (list e))",
    "(let again ((i n)) (if (> i 0) (begin e (again (- i 1))) e))",
    "(force (delay e))",
    "(car e)",
    "(cons e e)",
    "(vector e e)",
    "(+ e n)",
    "(suspend! e)",
    "(lambda (x) e)",
    "(eval 'n (interaction-environment))",
    "(string->symbol (number->string n))",
    "(call/ec (lambda (x) e))",
    "(prompt e)",
    "(prompt0 e)",
    "(reset0 e)",
    "(vector-set! e n e)",
    "(vector-ref (vector e e) n)",
    "(vector-map (lambda (x) e) (vector e e))",
    "(set-cdr! e e)",
    "(append e e)",
    "(length e)",
    "(equal? e e)",
    "(* e 99999999999999999999)",
    "(expt 2 (* n 100))",
    "(quotient e n)",
    "(/ e n)",
    "(exact->inexact e)",
    "(number->string e)",
    "(string-append e (make-string n #\\λ))",
    "(string-ref e n)",
    "(with-output-to-string (lambda () e))",
    "(call-with-output-string (lambda (x) (write e x)))",
    "(letrec ((x (lambda () e)) (x (lambda () e))) e)",
    "(let-values (((x x) e)) e)",
    "(let ((again (make-generator (lambda (x) e)))) (list (again) (again)))",
    "(make-parameter e (lambda (x) e))",
    "(parameterize ((e e)) e)",
    "(force (delay-force e))",
    "(call-with-immediate-continuation-mark 'k (lambda (x) e))",
    "(let-syntax ((m (syntax-rules () ((_ a b) (list b a))))) (m e e))",
    "(error \"odd\" e)",
    "(exit e)",
];

/// The program that these bytes choose.
pub(crate) fn program(bytes: &[u8]) -> String {
    let mut choices = Choices {
        bytes,
        text: BEGIN.to_owned(),
        variables: vec!["kept".to_owned()],
        named: 0,
    };
    for _ in 0..3 {
        choices.text += "(say ";
        choices.expression(0);
        choices.text += ")\n";
    }
    choices.text
}

struct Choices<'a> {
    bytes: &'a [u8],
    text: String,
    /// Those that are bound here.
    variables: Vec<String>,
    named: usize,
}

impl Choices<'_> {
    /// Zero if there are no bytes left, so that all expressions end.
    fn choose(&mut self, below: usize) -> usize {
        let (first, rest) = self.bytes.split_first().unwrap_or((&0, &[]));
        self.bytes = rest;
        usize::from(*first) % below
    }

    fn expression(&mut self, depth: usize) {
        /// No deeper, so that small inputs are small programs.
        const DEEP: usize = 12;
        let chosen = self.choose(FORMS.len());
        let form = FORMS[if depth < DEEP { chosen } else { chosen % 2 }];
        let bound = self.variables.len();
        for part in form.split_inclusive([' ', '(', ')']) {
            let word = part.trim_end_matches([' ', '(', ')']);
            match word {
                "e" => self.expression(depth + 1),
                "n" => {
                    let number = self.choose(7);
                    self.text += &number.to_string();
                }
                "v" => {
                    let chosen = self.choose(self.variables.len());
                    self.text += &self.variables[chosen].clone();
                }
                "x" => {
                    // Few names, so that some are bound within others.
                    let name = format!("x{}", self.named % 3);
                    self.named += 1;
                    self.text += &name;
                    self.variables.push(name);
                }
                other => self.text += other,
            }
            self.text += &part[word.len()..];
        }
        self.variables.truncate(bound);
    }
}

/// What became of a program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    /// What it has printed.
    pub(crate) output: String,
    /// How it has ended; none if its fuel was used up before.
    pub(crate) end: Option<String>,
}

/// Where a program is from one slice to the next.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// Where it was.
    Here,
    /// In an interpreter that was made anew, from a snapshot; so many times at most.
    Anew(u32),
}

/// Runs a program for so many steps, in slices.
pub(crate) fn run(
    text: &str,
    mut steps: u64,
    slice: u64,
    mut place: Place,
    new: impl Fn() -> Interpreter,
) -> Ran {
    let mut interpreter = new();
    let mut ran = Ran {
        output: String::new(),
        end: None,
    };
    if let Err(fault) = interpreter.load("random", text) {
        ran.end = Some(fault.message);
        return ran;
    }
    let mut suspended = 0_i64;
    ran.end = loop {
        let before = interpreter.steps();
        match interpreter.run(slice.min(steps)) {
            Outcome::OutOfFuel => {}
            Outcome::Suspended(value) => {
                suspended += 1;
                let told = to_text(&value, Style::Write, 1 << 16).unwrap_or_default();
                if let Some(transcript) = &mut interpreter.world.transcript {
                    *transcript += &format!("suspended {told}\n");
                }
                let answered = interpreter.answer(Value::integer(suspended));
                answered.expect("it waits");
            }
            Outcome::Done(_) => break Some("done".to_owned()),
            Outcome::Uncaught(value) => break Some(report(&value)),
            other => break Some(format!("{other:?}")),
        }
        steps = steps.saturating_sub(interpreter.steps() - before);
        if steps == 0 {
            break None;
        }
        if let Place::Anew(left @ 1..) = &mut place {
            *left -= 1;
            interpreter = carry(interpreter, &new);
        }
    };
    ran.output = interpreter.world.transcript.take().unwrap_or_default();
    ran
}

fn carry(mut from: Interpreter, new: impl Fn() -> Interpreter) -> Interpreter {
    let bytes = match from.save() {
        Ok(bytes) => bytes,
        // A winder of an escape is running: it goes on where it is.
        Err(SaveError::NotSuspended | SaveError::Refused(_)) => return from,
        Err(error) => panic!("{error}"),
    };
    let printed = from.world.transcript.take();
    drop(from);
    let mut to = new();
    to.world.transcript = printed;
    let restored = to.restore(&bytes, LoadLimits::default());
    restored.expect("it was saved just now");
    to
}

/// An interpreter that keeps what is printed, with this sandbox.
pub(crate) fn interpreter(sandbox: Sandbox) -> Interpreter {
    let mut interpreter = Interpreter::new(sandbox).expect("its library compiles");
    interpreter.set_depth(1_000);
    interpreter.world.transcript = Some(String::new());
    interpreter
}
