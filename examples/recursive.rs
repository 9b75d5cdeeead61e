//! An interpreter that is written by plain recursion, and can be stopped all the same: its
//! programs take choices back, pause in a walk, and are saved while they wait for an answer.
//!
//! `eval` calls itself by `coop.call`, on the native stack. When it asks the machine for
//! something, `?` leaves all calls that are under way, and their states are kept as frames; when a
//! value comes, `eval` is entered again with the state on top, and so on down. For that, a call
//! keeps in its state the values of those parts of its expression that are done.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, exit};
use std::rc::Rc;
use std::{env, fmt, fs, slice};

use segno::copy::{Came, Coop, Leave, enter};
use segno::frame::{Context, Continuation, Describe, Frame, Input, Machine, Operator, Outcome};
use segno::frame::{Place, PromptTag, Step};
use segno::snapshot::{LoadLimits, Loaded, Object, Persist, Registry, Save, Shared};
use serde::{Deserialize, Serialize};

// ---- Programs --------------------------------------------------------------------------

/// Choices and generators, made of `prompt` and `capture`. A continuation is called as a function.
const LIBRARY: &str = "
    (def (second items) (first (rest items)))
    (def (append a b) (if (empty a) b (join (first a) (append (rest a) b))))

    (def (each choices go-on)
      (if (empty choices) (list)
          (append (go-on (first choices)) (each (rest choices) go-on))))
    (def (all body)                       ; a list of what it comes to by all choices
      (prompt (fun () (list (body)))))
    (def (amb choices)                    ; goes on with each of them
      (capture (fun (go-on) (each choices go-on))))

    (def (generator body)                 ; called, it gives an item, and what to call for the
      (fun (_)                            ; next; or an empty list, at the end
        (prompt (fun () (body) (list)))))
    (def (yield item)
      (capture (fun (go-on) (list item go-on))))";

const FACTORIAL: &str = "
    (def (factorial n) (if (< n 2) 1 (* n (factorial (- n 1)))))
    (factorial 20)";

/// Which weights are 15 together? `pick` takes each or leaves it, as if it always chose right.
const PICK: &str = "
    (def (pick weights left)
      (if (= left 0) (list)
      (if (empty weights) (amb (list))    ; no: back to a choice
      (if (amb (list 1 0))
          (join (first weights) (pick (rest weights) (- left (first weights))))
          (pick (rest weights) left)))))
    (all (fun () (pick (list 3 5 6 7 9) 15)))";

/// Have two trees the same leaves? Each is walked by a recursion, and only as far as it takes.
const FRINGE: &str = "
    (def (walk tree)
      (if (is-list tree)
          (list (walk (first tree)) (walk (second tree)))
          (yield tree)))
    (def (same a b)
      (let x (a next))
      (let y (b next))
      (if (empty x) (empty y) (if (empty y) 0
      (if (= (first x) (first y)) (same (second x) (second y)) 0))))
    (def (leaves tree) (generator (fun () (walk tree))))
    (list (same (leaves (list (list 1 2) 3)) (leaves (list 1 (list 2 3))))
          (same (leaves (list (list 1 2) 3)) (leaves (list 1 (list 2 4)))))";

/// How high is a stair of a thousand steps? The question comes when all are counted.
const STAIR: &str = "
    (def (height steps)
      (if (= steps 0) (ask how-high-is-the-ground?)
          (+ 1 (height (- steps 1)))))
    (height 1000)";

// ---- The language ----------------------------------------------------------------------

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Term {
    Number(i64),
    Word(String),
    If(Code, Code, Code),
    /// Binds a name to a value, for what follows. Where nothing does, that is the keyword.
    Let(String, Code, Code),
    /// The names of a function and its parameters, and its body.
    Fun(Vec<String>, Code),
    Call(Vec<Code>),
}

/// A part of a program. A snapshot has it once, however many calls are in it.
type Code = Shared<Term>;

impl Object for Term {
    const NAME: &'static str = "term";
}

fn read(text: &str) -> Result<Code, &'static str> {
    let lines = text.lines().filter_map(|line| line.split(';').next());
    let text = lines.collect::<Vec<_>>().join(" ");
    let text = text.replace('(', " ( ").replace(')', " ) ");
    let mut open = vec![Vec::new()];
    for token in text.split_whitespace() {
        let term = match token {
            "(" => {
                open.push(Vec::new());
                continue;
            }
            ")" => bracket(&open.pop().unwrap_or_default())?,
            _ => match token.parse() {
                Ok(number) => Term::Number(number),
                Err(_) => Term::Word(token.to_owned()),
            },
        };
        let around = open.last_mut();
        around
            .ok_or("there is a ) too many")?
            .push(Shared::new(term));
    }
    match (open.pop(), open.is_empty()) {
        (Some(program), true) => sequence(&program),
        _ => Err("there is a ) too few"),
    }
}

fn bracket(terms: &[Code]) -> Result<Term, &'static str> {
    let got: Vec<_> = terms.iter().map(Shared::get).collect();
    Ok(match (&got[..], terms) {
        ([Term::Word(of), ..], [_, test, yes, no]) if of == "if" => {
            Term::If(test.clone(), yes.clone(), no.clone())
        }
        ([Term::Word(of), Term::Word(name), _], [end, _, value]) if of == "let" => {
            Term::Let(name.clone(), value.clone(), end.clone())
        }
        ([Term::Word(of), Term::Call(names), ..], [own, _, steps @ ..]) if of == "fun" => {
            let names = [slice::from_ref(own), names].concat();
            Term::Fun(words(&names)?, sequence(steps)?)
        }
        ([Term::Word(of), Term::Call(names), ..], [end, _, steps @ ..]) if of == "def" => {
            let names = words(names)?;
            let own = names.first().ok_or("a definition has a name")?.clone();
            let function = Shared::new(Term::Fun(names, sequence(steps)?));
            Term::Let(own, function, end.clone())
        }
        _ => Term::Call(terms.to_vec()),
    })
}

fn words(terms: &[Code]) -> Result<Vec<String>, &'static str> {
    let words = terms.iter().map(|term| match term.get() {
        Term::Word(word) => Ok(word),
        _ => Err("a name is a word"),
    });
    words.collect()
}

/// One step after the other. What is bound is bound for those that follow.
fn sequence(steps: &[Code]) -> Result<Code, &'static str> {
    let (last, steps) = steps.split_last().ok_or("there is nothing to do")?;
    let then = |rest, step: &Code| {
        Shared::new(match step.get() {
            Term::Let(name, value, _) => Term::Let(name, value, rest),
            _ => Term::Let("_".to_owned(), step.clone(), rest),
        })
    };
    Ok(steps.iter().rfold(last.clone(), then))
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Value {
    Number(i64),
    /// What a word means that nothing is bound to: itself.
    Word(String),
    List(Vec<Value>),
    /// A function, and what the words in it mean.
    Function(Code, Scope),
    Continuation(Continuation<Eval>),
}

/// What words mean, the innermost first.
type Scope = Option<Shared<Binding>>;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Binding(String, Value, Scope);

impl Object for Binding {
    const NAME: &'static str = "binding";
}

fn bind(name: String, value: Value, outer: Scope) -> Scope {
    Some(Shared::new(Binding(name, value, outer)))
}

fn meaning(word: String, mut scope: Scope) -> Value {
    while let Some(binding) = scope {
        let Binding(name, value, outer) = binding.get();
        if name == word {
            return value;
        }
        scope = outer;
    }
    Value::Word(word)
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => n.fmt(f),
            Self::Word(word) => f.write_str(word),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::to_string).collect();
                write!(f, "({})", items.join(" "))
            }
            Self::Function(..) | Self::Continuation(_) => f.write_str("a function"),
        }
    }
}

// ---- The interpreter -------------------------------------------------------------------

/// The evaluation of an expression, as far as it has come.
#[derive(Clone, Debug, Describe, Persist)]
struct Eval {
    #[slot(shared)]
    code: Code,
    #[slot(shared)]
    scope: Scope,
    /// The values of its parts that are done.
    done: Vec<Value>,
}

impl Frame for Eval {
    type Value = Value;
    type World = ();

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        enter(self, input, cx, eval)
    }

    fn catches(&self) -> bool {
        true
    }
}

fn evaluation(code: Code, scope: Scope) -> Eval {
    let done = Vec::new();
    Eval { code, scope, done }
}

/// Why there is no value: an error, a refusal, or that the native stack is being left.
type Left = Box<Leave<Value>>;

fn eval(mut coop: Coop<Eval>) -> Came<Eval> {
    // The argument of the function that a capture calls.
    if let Some(k) = coop.continuation() {
        coop.state.done.push(Value::Continuation(k));
    }
    loop {
        let scope = coop.state.scope.clone();
        *coop.state = match coop.state.code.get() {
            Term::Number(n) => return Ok(Value::Number(n)),
            Term::Word(word) => return Ok(meaning(word, scope)),
            Term::Fun(..) => return Ok(Value::Function(coop.state.code.clone(), scope)),
            // What comes last is done in place of the whole.
            Term::If(test, yes, no) => match values(&mut coop, &[test])?[..] {
                [Value::Number(0)] => evaluation(no, scope),
                _ => evaluation(yes, scope),
            },
            Term::Let(name, value, rest) => {
                let value = values(&mut coop, &[value])?.remove(0);
                evaluation(rest, bind(name, value, scope))
            }
            Term::Call(parts) => match &values(&mut coop, &parts)?[..] {
                [Value::Word(name), arguments @ ..] => return primitive(coop, name, arguments),
                [Value::Continuation(k), with] => {
                    let (continuation, with) = (k.clone(), Ok(with.clone()));
                    return coop.ask(Step::Resume { continuation, with });
                }
                [function, arguments @ ..] => apply(function, arguments)?,
                [] => return Err(wrong("there is nothing to call")),
            },
        };
    }
}

/// The values of parts of an expression. Those that are done are not done again: so a call that
/// is entered again goes straight to where it was.
fn values(coop: &mut Coop<Eval>, parts: &[Code]) -> Result<Vec<Value>, Left> {
    while let Some(part) = parts.get(coop.state.done.len()) {
        let part = evaluation(part.clone(), coop.state.scope.clone());
        let value = coop.call(part, eval)?;
        coop.state.done.push(value);
    }
    Ok(coop.state.done.clone())
}

fn apply(function: &Value, arguments: &[Value]) -> Result<Eval, Left> {
    if let Value::Function(code, scope) = function
        && let Term::Fun(names, body) = code.get()
        && names.len() == arguments.len() + 1
    {
        let values = slice::from_ref(function).iter().chain(arguments).cloned();
        let bind = |scope, (name, value)| bind(name, value, scope);
        let scope = names.into_iter().zip(values).fold(scope.clone(), bind);
        return Ok(evaluation(body, scope));
    }
    Err(wrong("a function with so many parameters is called"))
}

fn wrong(what: &str) -> Left {
    Box::new(Leave::Raised(Value::Word(what.to_owned())))
}

const PROMPT: PromptTag = PromptTag::named("prompt");

/// What words do that nothing is bound to.
fn primitive(mut coop: Coop<Eval>, name: &str, arguments: &[Value]) -> Came<Eval> {
    use Value::{List, Number};
    let is_so = |is_so| Ok(Number(i64::from(is_so)));
    let number = |n: Option<i64>| n.map(Number).ok_or_else(|| wrong("a number is too large"));
    match (name, arguments) {
        ("+", [Number(a), Number(b)]) => number(a.checked_add(*b)),
        ("-", [Number(a), Number(b)]) => number(a.checked_sub(*b)),
        ("*", [Number(a), Number(b)]) => number(a.checked_mul(*b)),
        ("<", [Number(a), Number(b)]) => is_so(a < b),
        ("=", [Number(a), Number(b)]) => is_so(a == b),
        ("list", items) => Ok(List(items.to_vec())),
        ("is-list", [value]) => is_so(matches!(value, List(_))),
        ("empty", [List(items)]) => is_so(items.is_empty()),
        ("first", [List(items)]) if !items.is_empty() => Ok(items[0].clone()),
        ("rest", [List(items)]) if !items.is_empty() => Ok(List(items[1..].to_vec())),
        ("join", [first, List(rest)]) => Ok(List([slice::from_ref(first), rest].concat())),
        ("ask", [question]) => coop.suspend(question.clone()),
        ("prompt", [body]) => coop.ask(Step::Prompt {
            tag: PROMPT,
            body: apply(body, &[])?,
        }),
        ("capture", [body]) => coop.ask(Step::Capture {
            tag: PROMPT,
            operator: Operator::Shift0,
            place: Place::Prompt,
            body: Eval {
                code: Shared::new(Term::Call(vec![coop.state.code.clone(); 2])),
                scope: None,
                // The other is the continuation.
                done: vec![body.clone()],
            },
        }),
        // Nobody can enter the loop of the iterator again: what the function asks for is refused.
        ("map", [function, List(items)]) => {
            let mapped = coop.foreign("map", |foreign| {
                let call = |item| Ok(foreign.call(apply(function, slice::from_ref(item))?)?);
                items.iter().map(call).collect::<Result<_, Left>>()
            })?;
            Ok(List(mapped?))
        }
        _ => Err(wrong(&format!("{name} cannot be called with this"))),
    }
}

// ---- What it is good for ---------------------------------------------------------------

fn load(program: &str) -> Result<Machine<Eval>, Box<dyn Error>> {
    let program = read(&(LIBRARY.to_owned() + program))?;
    Ok(Machine::new(evaluation(program, None)))
}

/// Runs a program, and says what it comes to.
fn told(machine: &mut Machine<Eval>) -> String {
    match machine.run_for(u64::MAX, &mut ()) {
        Ok(Outcome::Done(value)) => value.to_string(),
        Ok(Outcome::Raised(error)) => format!("error: {error}"),
        Ok(Outcome::Suspended(question)) => format!("it asks {question}"),
        Ok(Outcome::OutOfFuel) => "it takes too long".to_owned(),
        Err(refusal) => format!("refused, since {refusal}"),
    }
}

/// Names the file to a process of its own, and the answer if there is one.
const FILE: &str = "RECURSIVE_FILE";
const ANSWER: &str = "RECURSIVE_ANSWER";

/// Saves a program at its question, or goes on from there with the answer.
fn process(file: &Path) -> Result<String, Box<dyn Error>> {
    let registry = Rc::new(Registry::new("recursive", 1).tag(PROMPT));
    if let Ok(answer) = env::var(ANSWER) {
        let bytes = fs::read(file)?;
        let mut loaded = Loaded::<Eval>::read(&bytes, &registry, LoadLimits::default())?;
        let mut machine = loaded.machine(0)?;
        machine.answer(Ok(Value::Number(answer.parse()?)))?;
        return Ok(format!("with {answer} it is {}", told(&mut machine)));
    }
    let mut machine = load(STAIR)?;
    let (told, depth) = (told(&mut machine), machine.depth());
    let mut save = Save::new(&registry);
    save.machine(&mut machine)?;
    fs::write(file, save.finish()?)?;
    Ok(format!("{told}, {depth} calls deep, and is saved"))
}

fn show() -> Result<String, Box<dyn Error>> {
    if let Some(file) = env::var_os(FILE) {
        // Not to stdout, where a test says things of its own.
        write!(io::stderr(), "{}", process(file.as_ref())?)?;
        exit(0);
    }
    let mut lines = Vec::new();
    for (what, program) in [
        ("the factorial of 20:", FACTORIAL),
        ("weights that are 15 together:", PICK),
        ("have they the same leaves?", FRINGE),
        ("three squares:", "(map (fun (n) (* n n)) (list 1 2 3))"),
        ("three prices:", "(map (fun (n) (ask price?)) (list 1 2 3))"),
    ] {
        lines.push(format!("{what} {}", told(&mut load(program)?)));
    }
    let file = env::temp_dir().join(format!("recursive-{}", std::process::id()));
    for answer in [None, Some("100"), Some("2000")] {
        let mut child = Command::new(env::current_exe()?);
        child.env(FILE, &file);
        child.envs(answer.map(|answer| (ANSWER, answer)));
        let said = String::from_utf8(child.output()?.stderr)?;
        lines.push(format!("a process of its own: {said}"));
    }
    fs::remove_file(&file)?;
    Ok(lines.join("\n"))
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", show()?);
    Ok(())
}

#[test]
fn shows_all() {
    let expected = [
        "the factorial of 20: 2432902008176640000",
        "weights that are 15 together: ((3 5 7) (6 9))",
        "have they the same leaves? (1 0)",
        "three squares: (1 4 9)",
        "three prices: refused, since the host call `map` runs what it calls to the end, and nothing is captured or suspended across it",
        "a process of its own: it asks how-high-is-the-ground?, 1001 calls deep, and is saved",
        "a process of its own: with 100 it is 1100",
        "a process of its own: with 2000 it is 3000",
    ];
    assert_eq!(show().expect("is shown"), expected.join("\n"));
}
