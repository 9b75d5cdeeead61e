//! What this crate does, shown in eight parts.
//!
//! ```text
//! cargo run --example tour
//! ```
//!
//! The last part is of the features `serde` and `derive`.

use std::cell::RefCell;
use std::fmt::Debug;
use std::hint::black_box;
use std::panic::{self, AssertUnwindSafe};
use std::process::{Command, ExitCode, exit};
use std::rc::Rc;

use segno::copy::{self, Came, Coop};
use segno::frame::{Context, Describe, Frame, FrameDescriptor, Input, Machine, Outcome, Step};
use segno::generator::{Generator, Yielder};
use segno::{Coroutine, CoroutineResult, stack};

// ---- 1 ---------------------------------------------------------------------------------

/// A directory of a file system, or a file.
enum Entry {
    File(&'static str),
    Directory(&'static str, Vec<Entry>),
}

/// Says the path of each file below an entry. An ordinary recursion, but that `suspend`
/// hands the path to whoever is iterating, and pauses all calls that are under way.
fn files(entry: &Entry, above: &str, y: &Yielder<'_, String>) {
    match entry {
        Entry::File(name) => y.suspend(format!("{above}{name}")),
        Entry::Directory(name, entries) => {
            let here = format!("{above}{name}/");
            for entry in entries {
                files(entry, &here, y);
            }
        }
    }
}

fn a_recursion_as_an_iterator() {
    use Entry::{Directory, File};
    let source = vec![
        File("lib.rs"),
        Directory("stack", vec![File("pool.rs"), File("slab.rs")]),
        File("trap.rs"),
    ];
    let tree = Directory("src", source);

    let mut paths = Generator::new(move |y| files(&tree, "", y));
    println!("   the first: {}", paths.next().expect("there are files"));
    for path in paths.filter(|path| path.contains("stack")) {
        println!("   in stack:  {path}");
    }
}

// ---- 2 ---------------------------------------------------------------------------------

/// What one says to the other about a number between 1 and 100.
#[derive(Clone, Copy, Debug)]
enum Hint {
    Ready,
    Higher,
    Lower,
    Right,
}

fn two_that_talk() {
    // Yields guesses, and is resumed with hints. Where it is in its search is not in any
    // variable that outlives a call, but simply where it is.
    let mut guesser = Coroutine::new(|yielder, _ready| {
        let (mut low, mut high) = (1, 100);
        for guesses in 1.. {
            let guess = (low + high) / 2;
            match yielder.suspend(guess) {
                Hint::Higher => low = guess + 1,
                Hint::Lower => high = guess - 1,
                _ => return guesses,
            }
        }
        unreachable!("there are only so many numbers")
    });
    // Yields hints, and is resumed with guesses.
    let mut thinker = Coroutine::<i32, Hint, ()>::new(|yielder, mut guess| {
        let secret = 42;
        loop {
            guess = yielder.suspend(match guess {
                _ if guess < secret => Hint::Higher,
                _ if guess > secret => Hint::Lower,
                _ => Hint::Right,
            });
        }
    });

    let mut hint = Hint::Ready;
    loop {
        let guess = match guesser.resume(hint) {
            CoroutineResult::Yield(guess) => guess,
            CoroutineResult::Return(guesses) => {
                println!("   found with {guesses} guesses");
                break;
            }
        };
        hint = match thinker.resume(guess) {
            CoroutineResult::Yield(hint) => hint,
            CoroutineResult::Return(()) => unreachable!("never tires"),
        };
        println!("   {guess}? {hint:?}");
    }
}

// ---- 3 ---------------------------------------------------------------------------------

/// Says so when it is dropped.
struct TemporaryFile(&'static str);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        println!("   removed {}", self.0);
    }
}

fn dropped_half_way() {
    let mut download = Coroutine::new(|yielder, ()| {
        let _part = TemporaryFile("download.part");
        for percent in [10, 20, 30] {
            let _block = TemporaryFile("block.tmp");
            yielder.suspend(percent);
        }
        println!("   never printed");
    });
    if let CoroutineResult::Yield(percent) = download.resume(()) {
        println!("   {percent} percent are there; enough");
    }
    // Unwinds the stack of the coroutine, as a panic would.
    drop(download);
}

// ---- 4 ---------------------------------------------------------------------------------

fn a_panic_that_crosses() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let body_log = Rc::clone(&log);
    let mut fragile = Coroutine::<u32, (), ()>::new(move |yielder, mut divisor| {
        loop {
            body_log.borrow_mut().push(100 / divisor);
            divisor = yielder.suspend(());
        }
    });
    fragile.resume(5);

    // The panic begins in the coroutine, unwinds it, and goes on from `resume`.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|info| {
        println!("   {}", info.to_string().replace('\n', " "))
    }));
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| fragile.resume(0)));
    panic::set_hook(hook);

    println!("   its resumer caught a panic: {}", outcome.is_err());
    println!("   what it did before is there: {:?}", log.borrow());
    println!("   it is done: {}", fragile.done());
}

// ---- 5 ---------------------------------------------------------------------------------

/// Tells a child process that it is to overflow a stack.
const OVERFLOW: &str = "SEGNO_TOUR_OVERFLOW";

fn an_overflow_with_a_name() {
    let child = std::env::current_exe()
        .and_then(|program| Command::new(program).env(OVERFLOW, "1").output());
    match child {
        // What a shell says of a program that it cannot start, some emulators say too: this
        // one runs inside them, but starts no second one.
        Ok(child) if child.status.code() == Some(127) => {
            println!("   not shown: this program cannot start itself here");
        }
        Ok(child) => {
            let said = String::from_utf8_lossy(&child.stderr);
            for line in said.lines().filter(|line| line.starts_with("segno: ")) {
                println!("   {line}");
            }
            println!("   and the child ended: {}", child.status);
            assert!(said.contains("coroutine 'bottomless' overflowed its stack"));
        }
        Err(error) => println!("   not shown: {error}"),
    }
}

fn overflow() -> ! {
    fn bottomless(depth: u64) -> u64 {
        match depth {
            u64::MAX => depth, // no stack is that deep
            _ => 1 + black_box(bottomless(depth + 1)),
        }
    }
    if let Err(error) = stack::report_overflow() {
        eprintln!("segno: no report: {error}");
    }
    let coroutine = Coroutine::<u64, (), u64>::builder()
        .name("bottomless")
        .stack_size(64 * 1024)
        .build(|_, depth| bottomless(depth));
    match coroutine {
        Ok(mut coroutine) => println!("{:?}", coroutine.resume(0)),
        Err(error) => eprintln!("segno: {error}"),
    }
    exit(1);
}

// ---- 6 ---------------------------------------------------------------------------------

/// A program in a very small language.
enum Term {
    Number(i64),
    Add(&'static Term, &'static Term),
    Times(&'static Term, &'static Term),
    /// A question to whoever runs the program.
    Ask(&'static str),
}

/// What the interpreter of that language remembers of a call.
#[derive(Clone)]
enum Call {
    Eval(&'static Term),
    /// One side is being computed; then come the operator and the other side.
    Left(fn(i64, i64) -> i64, &'static Term),
    /// One side is there, the other is being computed.
    Right(fn(i64, i64) -> i64, i64),
}

impl Frame for Call {
    type Value = i64;
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        let (operator, left, right): (fn(i64, i64) -> i64, _, _) = match (&*self, input) {
            (Call::Eval(Term::Number(n)), _) => return Step::Return(*n),
            (Call::Eval(Term::Ask(question)), Input::Start) => {
                println!("   the program asks: {question}?");
                return Step::Suspend(0);
            }
            (Call::Eval(_), Input::Value(answer)) => return Step::Return(answer),
            (&Call::Left(operator, right), Input::Value(left)) => {
                *self = Call::Right(operator, left);
                return Step::Call(Call::Eval(right));
            }
            (Call::Right(operator, left), Input::Value(right)) => {
                return Step::Return(operator(*left, right));
            }
            (Call::Eval(Term::Add(left, right)), _) => (|a, b| a + b, *left, *right),
            (Call::Eval(Term::Times(left, right)), _) => (|a, b| a * b, *left, *right),
            (_, input) => unreachable!("no call asked for {input:?}"),
        };
        *self = Call::Left(operator, right);
        Step::Call(Call::Eval(left))
    }
}

/// Three times the price, and 5.
static BILL: Term = {
    use Term::{Add, Ask, Number, Times};
    Add(&Times(&Number(3), &Ask("the price")), &Number(5))
};

fn goes_on_three_times<F: Frame<Value = i64, World = ()>>(program: F) {
    let mut machine = Machine::new(program);
    assert_eq!(machine.run(&mut ()), Outcome::Suspended(0));
    let rest = machine.continuation().expect("the program is not done");
    println!(
        "   what is left of it: {} calls, kept as a value",
        rest.len()
    );
    for price in [10, 20, 30] {
        let mut machine = Machine::idle();
        let started = machine.start_with(rest.clone(), Ok(price));
        started.expect("nothing forbids it");
        if let Outcome::Done(bill) = machine.run(&mut ()) {
            println!("   at {price} the bill is {bill}");
            assert_eq!(bill, 3 * price + 5);
        }
    }
}

// ---- 7 ---------------------------------------------------------------------------------

/// What another interpreter remembers of a call: one that recurses.
#[derive(Clone)]
struct Eval {
    term: &'static Term,
    /// One side, once it is there.
    left: Option<i64>,
}

impl Eval {
    fn new(term: &'static Term) -> Self {
        let left = None;
        Self { term, left }
    }
}

/// A plain recursion, by way of `call`. If it asks, all calls are left by `?`, and each is kept
/// as what its state says; whatever is there already, it does not do again.
fn eval(mut coop: Coop<Eval>) -> Came<Eval> {
    let (operator, left, right): (fn(i64, i64) -> i64, _, _) = match coop.state.term {
        Term::Number(n) => return Ok(*n),
        Term::Ask(_) => return coop.suspend(0),
        Term::Add(left, right) => (|a, b| a + b, left, right),
        Term::Times(left, right) => (|a, b| a * b, left, right),
    };
    if coop.state.left.is_none() {
        coop.state.left = Some(coop.call(Eval::new(left), eval)?);
    }
    let right = coop.call(Eval::new(right), eval)?;
    Ok(operator(coop.state.left.unwrap_or_default(), right))
}

impl Frame for Eval {
    type Value = i64;
    type World = ();

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        copy::enter(self, input, cx, eval)
    }

    fn catches(&self) -> bool {
        true
    }
}

/// What the feature `derive` writes.
impl Describe for Eval {
    fn descriptor(&self) -> &'static FrameDescriptor {
        static EVAL: FrameDescriptor = FrameDescriptor::new("eval", &[]);
        &EVAL
    }

    fn slot(&self, _: usize) -> Option<&dyn Debug> {
        None
    }
}

// ---- 8 ---------------------------------------------------------------------------------

#[cfg(all(feature = "serde", feature = "derive"))]
mod saved {
    use std::error::Error;
    use std::io::{self, Read, Write};
    use std::process::{Command, Stdio, exit};
    use std::rc::Rc;

    use segno::frame::{Context, Describe, Frame, Input, Machine, Outcome, Step};
    use segno::snapshot::{LoadLimits, Loaded, Persist, Registry, Save};

    /// Asks for so many prices, and returns their sum.
    #[derive(Clone, Describe, Persist)]
    struct Bill {
        left: u32,
        /// The price of one, while a call of its own asks for the rest.
        price: Option<i64>,
    }

    impl Frame for Bill {
        type Value = i64;
        type World = ();

        fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
            match (input, self.price) {
                (Input::Start, _) if self.left == 0 => Step::Return(0),
                (Input::Start, _) => Step::Suspend(0),
                (Input::Value(price), None) => {
                    self.price = Some(price);
                    let (left, price) = (self.left.saturating_sub(1), None);
                    Step::Call(Self { left, price })
                }
                (Input::Value(rest), Some(price)) => Step::Return(price.saturating_add(rest)),
                _ => Step::Raise(-1),
            }
        }
    }

    /// Tells a child process that it is to go on with what it reads.
    const GO_ON: &str = "SEGNO_TOUR_GO_ON";
    /// What the child says begins with this.
    const SAYS: &str = "   the child process: ";

    pub(super) fn a_program_goes_on_elsewhere() -> Result<(), Box<dyn Error>> {
        let registry = Rc::new(Registry::new("tour", 1));
        let (left, price) = (3, None);
        let mut machine = Machine::new(Bill { left, price });
        for price in [10, 20] {
            assert_eq!(machine.run(&mut ()), Outcome::Suspended(0));
            machine.answer(Ok(price))?;
            println!("   this process: a price is {price}");
        }
        assert_eq!(machine.run(&mut ()), Outcome::Suspended(0));
        let depth = machine.depth();
        let mut save = Save::new(&registry);
        save.machine(&mut machine)?;
        let bytes = save.finish()?;
        println!(
            "   what is left of it: {depth} calls, {} bytes",
            bytes.len()
        );

        let mut child = Command::new(std::env::current_exe()?)
            .env(GO_ON, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let to = child.stdin.take();
        to.ok_or("the child does not listen")?.write_all(&bytes)?;
        let output = child.wait_with_output()?;
        if output.status.code() == Some(127) {
            return Err("this program cannot start itself here".into());
        }
        let said = String::from_utf8_lossy(&output.stdout);
        for line in said.lines().filter(|line| line.starts_with(SAYS)) {
            println!("{line}");
        }
        assert!(said.contains("the sum is 60"));
        Ok(())
    }

    /// Does so, in the child process.
    pub(super) fn go_on_if_told() {
        if std::env::var_os(GO_ON).is_none() {
            return;
        }
        let go_on = || -> Result<_, Box<dyn Error>> {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes)?;
            let registry = Rc::new(Registry::new("tour", 1));
            let mut loaded = Loaded::<Bill>::read(&bytes, &registry, LoadLimits::default())?;
            let mut machine = loaded.machine(0)?;
            machine.answer(Ok(30))?;
            let Outcome::Done(sum) = machine.run(&mut ()) else {
                return Err("the bill is not done".into());
            };
            // Not by `println`, which a test would keep to itself.
            writeln!(io::stdout(), "{SAYS}a price is 30")?;
            Ok(writeln!(io::stdout(), "{SAYS}the sum is {sum}")?)
        };
        if let Err(error) = go_on() {
            eprintln!("{error}");
            exit(1);
        }
        exit(0);
    }
}

#[cfg(not(all(feature = "serde", feature = "derive")))]
mod saved {
    pub(super) fn a_program_goes_on_elsewhere() -> Result<(), Box<dyn std::error::Error>> {
        Err("it takes cargo run --features serde,derive --example tour".into())
    }

    pub(super) fn go_on_if_told() {}
}

fn main() -> ExitCode {
    if std::env::var_os(OVERFLOW).is_some() {
        overflow();
    }
    saved::go_on_if_told();
    println!("1. A recursion as an iterator: it pauses at each file, however deep.");
    a_recursion_as_an_iterator();
    println!("2. Two that talk: one guesses, the other one thought of a number.");
    two_that_talk();
    println!("3. Dropped half way: what it held is cleaned up, innermost first.");
    dropped_half_way();
    println!("4. A panic crosses from a coroutine to whoever resumed it.");
    a_panic_that_crosses();
    println!("5. An overflow, in a child process: the guard stops it, the report names it.");
    an_overflow_with_a_name();
    println!("6. A program of a small interpreter is stopped, and goes on three times.");
    goes_on_three_times(Call::Eval(&BILL));
    println!("7. So is one of an interpreter that recurses: its calls leave the native stack.");
    goes_on_three_times(Eval::new(&BILL));
    println!("8. A program is saved, and a child process goes on with it.");
    if let Err(error) = saved::a_program_goes_on_elsewhere() {
        println!("   not shown: {error}");
    }
    ExitCode::SUCCESS
}

#[test]
fn tour() {
    main();
}
