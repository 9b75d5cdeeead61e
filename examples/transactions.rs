//! Undo, and transactions that are built from it.
//!
//! A snapshot carries the state that it shares, so that resuming it twice starts twice from the
//! same state; a continuation in memory shares it. So a snapshot that is taken when a
//! transaction opens is all that it takes to roll it back. [`Transactions`] runs a program in
//! that way: a transaction opens when the program is answered, and is committed when it asks
//! again; others may be nested in it. What came in from outside is journalled, for a retry to
//! see the same, and what is to go out is held until all is committed.
//!
//! The program takes an order. The prices come from outside and rise each time that somebody
//! asks, the bank may be busy, and mails cannot be called back.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::mem;
use std::rc::Rc;

use segno::frame::{Context, Describe, Frame, Input, Machine, Outcome, Step};
use segno::snapshot::{LoadLimits, Loaded, Object, Persist, Registry, Save, Shared};
use serde::{Deserialize, Serialize};

// ---- Transactions, of any program ------------------------------------------------------

/// What a program and [`Transactions`] say to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Message<T> {
    /// The program asks whoever runs it. What it did before is committed.
    Ask(T),
    /// The program asks what is outside.
    Input(T),
    /// Something is to be done outside, once all is committed.
    Effect(T),
    /// A transaction opens within the one that is open, and may be tried so many times.
    Open { attempts: u32 },
    /// The innermost one ends, and what it did belongs to the one around it.
    Commit,
    /// The innermost one ends, and it did nothing. Who raises this ends all of them.
    Fail(T),

    /// The answer to a question.
    Answer(T),
    /// The answer to an effect, to a commit, and to an opening, which may happen again.
    Done,
    /// Another answer to an opening: all that the program did since is undone.
    RolledBack(T),
}

/// What is outside of a program.
trait Outside<T> {
    /// Answers a question, or says why there is no answer now.
    fn input(&mut self, question: &T) -> Result<T, T>;
    /// Does what cannot be undone.
    fn effect(&mut self, effect: T);
}

/// How a transaction that a caller has opened came to its end.
#[derive(Debug, PartialEq, Eq)]
enum Ending<T> {
    /// It is committed, and the program asks this.
    Asks(T),
    /// It is committed, and the program is done.
    Done(T),
    /// It is rolled back: the program asks what it has asked before.
    Failed(T),
}

impl<T: fmt::Display> fmt::Display for Ending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asks(question) => question.fmt(f),
            Self::Done(result) => write!(f, "done: {result}"),
            Self::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}

/// What a retry is told of the outside.
#[derive(Clone, Copy, Debug)]
enum Inputs {
    /// What the first try was told, as far as it came.
    Replayed,
    /// What is true now. The program is restarted.
    Anew,
}

/// Runs a program in transactions. All that the program learns of the outside it has to learn
/// by asking, and with the same answers it has to do the same.
struct Transactions<F: Persist<Value = Message<T>, World = ()>, T: 'static> {
    registry: Rc<Registry>,
    /// How many times a transaction that a caller opens is tried.
    attempts: u32,
    machine: Machine<F>,
    /// The outermost first. None, if the program is done.
    open: Vec<Open<T>>,
    /// The questions that were asked outside since the outermost was opened, and the answers.
    journal: Vec<(T, Result<T, T>)>,
    /// How many of them the program has seen, this time.
    seen: usize,
    /// What is to be done outside when the outermost is committed.
    held: Vec<T>,
}

/// A transaction that is open.
struct Open<T> {
    /// The program as it was when it was opened.
    snapshot: Vec<u8>,
    /// What the program is answered whenever it is tried.
    answer: Option<Message<T>>,
    /// How many times more it may be tried.
    attempts: u32,
    /// How much was seen of the journal, and held, before.
    seen: usize,
    held: usize,
}

impl<F, T> Transactions<F, T>
where
    F: Persist<Value = Message<T>, World = ()>,
    T: Clone + PartialEq + fmt::Debug + 'static,
{
    /// Nothing of the program is run yet.
    fn new(registry: Rc<Registry>, program: F) -> Result<Self, Box<dyn Error>> {
        let mut this = Self {
            registry,
            attempts: 3,
            machine: Machine::new(program),
            open: Vec::new(),
            journal: Vec::new(),
            seen: 0,
            held: Vec::new(),
        };
        this.commit()?;
        Ok(this)
    }

    /// Opens a transaction by answering what the program asks; at first it asks nothing.
    /// Another answer than the one that has failed is another transaction.
    fn resume(
        &mut self,
        answer: Option<T>,
        outside: &mut impl Outside<T>,
    ) -> Result<Ending<T>, Box<dyn Error>> {
        let outermost = self.open.first_mut().ok_or("the program is done")?;
        outermost.answer = answer.map(Message::Answer);
        self.retry(Inputs::Anew, outside)
    }

    /// Opens the transaction once more that has failed.
    fn retry(
        &mut self,
        inputs: Inputs,
        outside: &mut impl Outside<T>,
    ) -> Result<Ending<T>, Box<dyn Error>> {
        if let Inputs::Anew = inputs {
            self.journal.clear();
        }
        self.open.truncate(1);
        let outermost = self.open.first_mut().ok_or("the program is done")?;
        outermost.attempts = self.attempts;
        self.attempt()?;
        self.run(outside)
    }

    fn run(&mut self, outside: &mut impl Outside<T>) -> Result<Ending<T>, Box<dyn Error>> {
        loop {
            let said = match self.machine.run_for(u64::MAX, &mut ())? {
                Outcome::OutOfFuel => continue,
                Outcome::Suspended(said) => said,
                Outcome::Done(Message::Answer(result)) if self.open.len() == 1 => {
                    self.open.clear();
                    for effect in mem::take(&mut self.held) {
                        outside.effect(effect);
                    }
                    return Ok(Ending::Done(result));
                }
                Outcome::Raised(Message::Fail(why)) => {
                    self.open.truncate(1);
                    return Ok(Ending::Failed(why));
                }
                other => return Err(format!("the program ends with {other:?}").into()),
            };
            let answer = match said {
                Message::Ask(question) if self.open.len() == 1 => {
                    for effect in self.commit()? {
                        outside.effect(effect);
                    }
                    return Ok(Ending::Asks(question));
                }
                Message::Input(question) => match self.input(question, outside)? {
                    Ok(answer) => Message::Answer(answer),
                    Err(_) if self.attempts_left() > 0 => {
                        self.attempt()?;
                        continue;
                    }
                    Err(why) => match self.roll_back(why)? {
                        Some(failed) => return Ok(failed),
                        None => continue,
                    },
                },
                Message::Effect(effect) => {
                    self.held.push(effect);
                    Message::Done
                }
                Message::Open { attempts } => {
                    self.open(attempts.saturating_sub(1))?;
                    Message::Done
                }
                Message::Commit if self.open.len() > 1 => {
                    self.open.pop();
                    Message::Done
                }
                Message::Fail(why) => match self.roll_back(why)? {
                    Some(failed) => return Ok(failed),
                    None => continue,
                },
                other => {
                    let depth = self.open.len();
                    return Err(format!("{other:?}, in {depth} transactions").into());
                }
            };
            self.machine.answer(Ok(answer))?;
        }
    }

    fn save(&mut self) -> Result<Vec<u8>, Box<dyn Error>> {
        let mut save = Save::new(&self.registry);
        save.machine(&mut self.machine)?;
        Ok(save.finish()?)
    }

    /// Opens a transaction within the innermost.
    fn open(&mut self, attempts: u32) -> Result<(), Box<dyn Error>> {
        let snapshot = self.save()?;
        self.open.push(Open {
            snapshot,
            answer: Some(Message::Done),
            attempts,
            seen: self.seen,
            held: self.held.len(),
        });
        Ok(())
    }

    /// From here on nothing before can be undone, and the next transaction is open. Where it has
    /// to outlive the process, the snapshot is written down here, together with what is to be
    /// done outside, which this answers.
    fn commit(&mut self) -> Result<Vec<T>, Box<dyn Error>> {
        let snapshot = self.save()?;
        self.open.clear();
        self.open.push(Open {
            snapshot,
            answer: None,
            attempts: 0,
            seen: 0,
            held: 0,
        });
        Ok(mem::take(&mut self.held))
    }

    /// The program as it was when the innermost transaction was opened. What it held is gone;
    /// what it has seen stays in the journal.
    fn reload(&mut self) -> Result<&mut Open<T>, Box<dyn Error>> {
        let innermost = self.open.last_mut().ok_or("no transaction is open")?;
        let limits = LoadLimits::default();
        self.machine = Loaded::read(&innermost.snapshot, &self.registry, limits)?.machine(0)?;
        self.held.truncate(innermost.held);
        Ok(innermost)
    }

    fn attempts_left(&self) -> u32 {
        self.open.last().map_or(0, |innermost| innermost.attempts)
    }

    /// Tries the innermost transaction, from its beginning.
    fn attempt(&mut self) -> Result<(), Box<dyn Error>> {
        let innermost = self.reload()?;
        innermost.attempts = innermost.attempts.saturating_sub(1);
        let (seen, answer) = (innermost.seen, innermost.answer.clone());
        self.seen = seen;
        if let Some(answer) = answer {
            self.machine.answer(Ok(answer))?;
        }
        Ok(())
    }

    /// Undoes the innermost transaction, and tells the program; or whoever runs it, if that was
    /// the outermost.
    fn roll_back(&mut self, why: T) -> Result<Option<Ending<T>>, Box<dyn Error>> {
        if self.open.len() == 1 {
            return Ok(Some(Ending::Failed(why)));
        }
        self.reload()?;
        self.open.pop();
        self.machine.answer(Ok(Message::RolledBack(why)))?;
        Ok(None)
    }

    /// From the journal, or from outside. A refusal is journalled where the program is to hear
    /// of it: it is an input then.
    fn input(
        &mut self,
        question: T,
        outside: &mut impl Outside<T>,
    ) -> Result<Result<T, T>, Box<dyn Error>> {
        if let Some((expected, answer)) = self.journal.get(self.seen) {
            if *expected != question {
                let both = format!("{question:?} where it was {expected:?} before");
                return Err(format!("the program does not do the same again: {both}").into());
            }
            self.seen += 1;
            return Ok(answer.clone());
        }
        let answer = outside.input(&question);
        let is_final = self.open.len() > 1 && self.attempts_left() == 0;
        if answer.is_ok() || is_final {
            self.journal.push((question, answer.clone()));
            self.seen += 1;
        }
        Ok(answer)
    }
}

// ---- The program -----------------------------------------------------------------------

type Word = Message<String>;

/// How an order is taken, as calls that wait for each other.
#[derive(Clone, Debug, Describe, Persist)]
enum Order {
    /// Takes lines, and then the payment.
    Take {
        /// How far it has come; so in the others.
        at: u8,
        sum: u32,
        #[slot(shared)]
        stock: Shared<Stock>,
    },
    /// So many of something.
    Line {
        at: u8,
        count: u32,
        item: String,
        #[slot(shared)]
        stock: Shared<Stock>,
    },
    /// A box, a gift in it, and the payment.
    Pay {
        at: u8,
        sum: u32,
        #[slot(shared)]
        stock: Shared<Stock>,
    },
    /// Wraps a gift, or does not: a transaction of its own.
    Gift {
        at: u8,
        #[slot(shared)]
        stock: Shared<Stock>,
    },
    /// What is done in it.
    Wrap {
        at: u8,
        #[slot(shared)]
        stock: Shared<Stock>,
    },
}

/// How many there are of what. What is owed to customers is below zero.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stock(BTreeMap<String, i64>);

impl Object for Stock {
    const NAME: &'static str = "stock";
}

impl Stock {
    fn new() -> Shared<Self> {
        let items = [("box", 3), ("cup", 4), ("ribbon", 1), ("tea", 5)];
        let items = items.map(|(item, count)| (item.to_owned(), count));
        Shared::new(Self(items.into()))
    }

    /// Takes first, and looks then: it is for a transaction to undo it.
    fn take(stock: &Shared<Self>, count: u32, item: &str) -> Result<(), Step<Order>> {
        let left = stock.update(|Stock(items)| {
            let left = items.get_mut(item)?;
            *left = left.saturating_sub(count.into());
            Some(*left)
        });
        match left {
            Some(0..) => Ok(()),
            Some(left) => Err(fail(format!("{} too few of {item}", left.unsigned_abs()))),
            None => Err(fail(format!("there is no {item}"))),
        }
    }
}

impl fmt::Display for Stock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = self.0.iter().map(|(item, count)| format!("{count} {item}"));
        f.write_str(&items.collect::<Vec<_>>().join(", "))
    }
}

fn question(sum: u32, stock: &Stock) -> String {
    format!("what else, at {sum}? [{stock}]")
}

fn fail(why: impl Into<String>) -> Step<Order> {
    Step::Raise(Message::Fail(why.into()))
}

fn number(text: &str) -> Result<u32, Step<Order>> {
    text.parse()
        .map_err(|_| fail(format!("{text:?} is no number")))
}

fn plus(sum: u32, cost: u32) -> Result<u32, Step<Order>> {
    let sum = sum.checked_add(cost);
    sum.ok_or_else(|| fail("nobody is that rich"))
}

impl Frame for Order {
    type Value = Word;
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        let input = match input {
            Input::Start => None,
            Input::Value(value) => Some(value),
            // Only a gift catches.
            Input::Raised(Message::Fail(why)) => return Step::Suspend(Message::Fail(why)),
            other => return fail(format!("nobody asked for {other:?}")),
        };
        self.go_on(input).unwrap_or_else(|failed| failed)
    }

    fn catches(&self) -> bool {
        matches!(self, Self::Gift { at: 2, .. })
    }
}

impl Order {
    /// The next step, or the one of a failure.
    fn go_on(&mut self, input: Option<Word>) -> Result<Step<Self>, Step<Self>> {
        use Message::{Answer, Ask, Commit, Done, Effect, Input, Open, RolledBack};
        // Where it is now, and that it goes on from after it.
        let next = |at: &mut u8| mem::replace(at, at.saturating_add(1));
        let unasked = |input| fail(format!("nobody asked for {input:?}"));
        Ok(match self {
            Self::Take { at, sum, stock } => match (next(at), input) {
                (0, None) => Step::Suspend(Ask(stock.with(|stock| question(*sum, stock)))),
                (1, Some(Answer(line))) => {
                    let (first, item) = line.split_once(' ').unwrap_or((&line, ""));
                    let (at, sum, stock) = (0, *sum, stock.clone());
                    if first == "pay" {
                        return Ok(Step::TailCall(Self::Pay { at, sum, stock }));
                    }
                    let (count, item) = (number(first)?, item.to_owned());
                    Step::Call(Self::Line {
                        at,
                        count,
                        item,
                        stock,
                    })
                }
                (2, Some(Answer(cost))) => {
                    *at = 1;
                    *sum = plus(*sum, number(&cost)?)?;
                    Step::Suspend(Ask(stock.with(|stock| question(*sum, stock))))
                }
                (_, input) => unasked(input),
            },
            Self::Line {
                at,
                count,
                item,
                stock,
            } => match (next(at), input) {
                (0, None) => {
                    let text = format!("to the store: set {count} {item} aside");
                    Step::Suspend(Effect(text))
                }
                (1, Some(Done)) => Step::Suspend(Input(format!("the price of {item}"))),
                (2, Some(Answer(price))) => {
                    let cost = number(&price)?.checked_mul(*count);
                    let cost = cost.ok_or_else(|| fail("nobody is that rich"))?;
                    Stock::take(stock, *count, item)?;
                    Step::Return(Answer(cost.to_string()))
                }
                (_, input) => unasked(input),
            },
            Self::Pay { at, sum, stock } => match (next(at), input) {
                (0, None) => {
                    Stock::take(stock, 1, "box")?;
                    Step::Suspend(Input("the price of box".to_owned()))
                }
                (1, Some(Answer(price))) => {
                    *sum = plus(*sum, number(&price)?)?;
                    let (at, stock) = (0, stock.clone());
                    Step::Call(Self::Gift { at, stock })
                }
                (2, Some(Done | RolledBack(_))) => {
                    Step::Suspend(Input(format!("the payment of {sum}")))
                }
                (3, Some(Answer(_))) => {
                    let text = format!("to the customer: a receipt for {sum}");
                    Step::Suspend(Effect(text))
                }
                (4, Some(Done)) => Step::Return(Answer(stock.with(Stock::to_string))),
                (_, input) => unasked(input),
            },
            Self::Gift { at, stock } => match (next(at), input) {
                (0, None) => Step::Suspend(Open { attempts: 2 }),
                (1, Some(Done)) => {
                    let (at, stock) = (0, stock.clone());
                    Step::Call(Self::Wrap { at, stock })
                }
                (1, Some(RolledBack(why))) => Step::Return(RolledBack(why)),
                (2, Some(Done)) => Step::Suspend(Commit),
                (3, Some(Done)) => Step::Return(Done),
                (_, input) => unasked(input),
            },
            Self::Wrap { at, stock } => match (next(at), input) {
                (0, None) => {
                    Stock::take(stock, 1, "ribbon")?;
                    Step::Suspend(Effect("to the store: wrap a gift".to_owned()))
                }
                (1, Some(Done)) => Step::Suspend(Input("a courier".to_owned())),
                (2, Some(Answer(_))) => Step::Return(Done),
                (_, input) => unasked(input),
            },
        })
    }
}

fn registry() -> Rc<Registry> {
    Rc::new(Registry::new("order", 1))
}

fn order() -> Order {
    let stock = Stock::new();
    let (at, sum) = (0, 0);
    Order::Take { at, sum, stock }
}

// ---- What is outside of it -------------------------------------------------------------

/// Notes what happens.
#[derive(Debug, Default)]
struct Town {
    /// Rises whenever somebody asks for one.
    price: u32,
    /// How many times more the bank is busy, and there is no courier.
    busy: u32,
    no_courier: u32,
    notes: Vec<String>,
}

impl Outside<String> for Town {
    fn input(&mut self, question: &String) -> Result<String, String> {
        let turned_down = |times: &mut u32| {
            let is = *times > 0;
            *times = times.saturating_sub(1);
            is
        };
        let answer = match question.as_str() {
            "a courier" if turned_down(&mut self.no_courier) => Err("nobody is there"),
            payment if payment.starts_with("the payment") && turned_down(&mut self.busy) => {
                Err("it is busy")
            }
            price if price.starts_with("the price") => {
                self.price += 1;
                Ok(self.price.to_string())
            }
            _ => Ok("yes".to_owned()),
        };
        let (Ok(said) | Err(said)) = answer.as_deref().map_err(|why| *why);
        self.notes.push(format!("{question}? {said}"));
        answer.map_err(str::to_owned)
    }

    fn effect(&mut self, mail: String) {
        self.notes.push(format!("mail {mail}"));
    }
}

// ---- Undo ------------------------------------------------------------------------------

/// Runs it until it asks the customer again, outside of any transaction.
fn until_it_asks(machine: &mut Machine<Order>, town: &mut Town) -> Result<String, Box<dyn Error>> {
    loop {
        let answer = match machine.run(&mut ()) {
            Outcome::Suspended(Message::Ask(question)) => return Ok(question),
            Outcome::Suspended(Message::Input(question)) => Message::Answer(town.input(&question)?),
            Outcome::Suspended(Message::Effect(_)) => Message::Done,
            other => return Err(format!("{other:?}").into()),
        };
        machine.answer(Ok(answer))?;
    }
}

/// Goes on twice from the same question, with the same answer: from a continuation, and from a
/// snapshot.
fn undo() -> Result<[[String; 2]; 2], Box<dyn Error>> {
    let mut machine = Machine::new(order());
    until_it_asks(&mut machine, &mut Town::default())?;
    let k = machine.continuation().ok_or("it is done")?;
    let mut save = Save::new(&registry());
    save.machine(&mut machine)?;
    let snapshot = save.finish()?;

    let answer = || Message::Answer("2 tea".to_owned());
    let by_continuation = || {
        let mut machine = Machine::idle();
        machine.start_with(k.clone(), Ok(answer()))?;
        until_it_asks(&mut machine, &mut Town::default())
    };
    let by_snapshot = || {
        let limits = LoadLimits::default();
        let mut machine = Loaded::read(&snapshot, &registry(), limits)?.machine(0)?;
        machine.answer(Ok(answer()))?;
        until_it_asks(&mut machine, &mut Town::default())
    };
    Ok([
        [by_continuation()?, by_continuation()?],
        [by_snapshot()?, by_snapshot()?],
    ])
}

// ---- All of it -------------------------------------------------------------------------

/// Somebody orders two teas, nine cups, one cup, and pays. Meanwhile there are too few cups, no
/// courier for the gift, and a bank that is busy at first.
fn shopping() -> Result<Vec<String>, Box<dyn Error>> {
    let mut town = Town {
        busy: 4,
        no_courier: 2,
        ..Town::default()
    };
    let mut transactions = Transactions::new(registry(), order())?;
    let mut ending = transactions.resume(None, &mut town)?;
    for said in ["2 tea", "9 cup", "1 cup", "pay", "once more"] {
        town.notes.push(ending.to_string());
        town.notes.push(format!("> {said}"));
        ending = match said {
            "once more" => transactions.retry(Inputs::Replayed, &mut town)?,
            answer => transactions.resume(Some(answer.to_owned()), &mut town)?,
        };
    }
    town.notes.push(ending.to_string());
    Ok(town.notes)
}

fn main() -> Result<(), Box<dyn Error>> {
    for (what, twice) in ["continuation", "snapshot"].into_iter().zip(undo()?) {
        println!("The same {what} twice, each time with the answer \"2 tea\":");
        for question in twice {
            println!("    {question}");
        }
    }
    println!("An order in transactions:");
    for note in shopping()? {
        println!("    {note}");
    }
    Ok(())
}

#[test]
fn a_continuation_shares_what_a_snapshot_carries() {
    let left = |tea| format!("what else, at 2? [3 box, 4 cup, 1 ribbon, {tea} tea]");
    let expected = [[left(3), left(1)], [left(3), left(3)]];
    assert_eq!(undo().expect("runs"), expected);
}

#[test]
fn an_order() {
    let expected = "\
        what else, at 0? [3 box, 4 cup, 1 ribbon, 5 tea]\n\
        > 2 tea\n\
        the price of tea? 1\n\
        mail to the store: set 2 tea aside\n\
        what else, at 2? [3 box, 4 cup, 1 ribbon, 3 tea]\n\
        > 9 cup\n\
        the price of cup? 2\n\
        failed: 5 too few of cup\n\
        > 1 cup\n\
        the price of cup? 3\n\
        mail to the store: set 1 cup aside\n\
        what else, at 5? [3 box, 3 cup, 1 ribbon, 3 tea]\n\
        > pay\n\
        the price of box? 4\n\
        a courier? nobody is there\n\
        a courier? nobody is there\n\
        the payment of 9? it is busy\n\
        the payment of 9? it is busy\n\
        the payment of 9? it is busy\n\
        failed: it is busy\n\
        > once more\n\
        the payment of 9? it is busy\n\
        the payment of 9? yes\n\
        mail to the customer: a receipt for 9\n\
        done: 2 box, 3 cup, 1 ribbon, 3 tea";
    assert_eq!(shopping().expect("runs").join("\n"), expected);
}

#[test]
fn a_retry_sees_the_same_or_is_a_new_start() {
    for (inputs, expected) in [
        (
            Inputs::Replayed,
            ["the payment of 1? yes", "mail to the store: wrap a gift"],
        ),
        (Inputs::Anew, ["the price of box? 2", "a courier? yes"]),
    ] {
        let mut town = Town {
            busy: 1,
            ..Town::default()
        };
        let mut transactions = Transactions::new(registry(), order()).expect("is saved");
        transactions.attempts = 1;
        transactions.resume(None, &mut town).expect("asks");
        let pay = Some("pay".to_owned());
        let failed = transactions.resume(pay, &mut town).expect("runs");
        assert_eq!(failed, Ending::Failed("it is busy".to_owned()));
        town.notes.clear();
        let done = transactions.retry(inputs, &mut town).expect("runs");
        let left = "2 box, 4 cup, 0 ribbon, 5 tea".to_owned();
        assert_eq!(done, Ending::Done(left));
        assert_eq!(town.notes[..2], expected);
    }
}

/// Laws of [`Transactions`], of random programs.
#[cfg(test)]
mod laws {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    /// At most so many inputs are refused that are not always.
    const REFUSALS: usize = 12;
    /// And so something is tried more often.
    const ATTEMPTS: u32 = 14;

    /// What a program does, one after the other.
    #[derive(Clone, Debug, Serialize, Deserialize)]
    enum Act {
        Note,
        Ask,
        Input,
        /// An input that is always refused.
        Never,
        Effect,
        Fail,
        Nested(Vec<Act>),
    }

    #[derive(Clone, Debug, Describe, Persist)]
    enum Play {
        Acts {
            at: usize,
            acts: Vec<Act>,
            #[slot(shared)]
            notes: Shared<Notes>,
        },
        Nested {
            at: u8,
            acts: Vec<Act>,
            #[slot(shared)]
            notes: Shared<Notes>,
        },
    }

    /// What has become of them.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Notes(Vec<String>);

    impl Object for Notes {
        const NAME: &'static str = "notes";
    }

    fn note(notes: &Shared<Notes>, what: &str) {
        notes.update(|Notes(notes)| notes.push(what.to_owned()));
    }

    impl Frame for Play {
        type Value = Word;
        type World = ();

        fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
            use Message::{Answer, Done, RolledBack};
            match (self, input) {
                (Self::Acts { at, acts, notes }, input) => {
                    if let Input::Value(Answer(said) | RolledBack(said)) = input {
                        note(notes, &said);
                    }
                    let Some(act) = acts.get(*at) else {
                        let all = notes.with(|Notes(notes)| notes.join(" "));
                        return Step::Return(Answer(all));
                    };
                    *at += 1;
                    match act {
                        Act::Note => {
                            note(notes, "note");
                            let (at, acts, notes) = (*at, acts.clone(), notes.clone());
                            Step::TailCall(Self::Acts { at, acts, notes })
                        }
                        Act::Ask => Step::Suspend(Message::Ask("?".to_owned())),
                        Act::Input => Step::Suspend(Message::Input(at.to_string())),
                        Act::Never => Step::Suspend(Message::Input("never".to_owned())),
                        Act::Effect => {
                            let all = notes.with(|Notes(notes)| notes.join(" "));
                            Step::Suspend(Message::Effect(all))
                        }
                        Act::Fail => Step::Raise(Message::Fail("failed".to_owned())),
                        Act::Nested(acts) => {
                            let (at, acts, notes) = (0, acts.clone(), notes.clone());
                            Step::Call(Self::Nested { at, acts, notes })
                        }
                    }
                }
                (Self::Nested { at: at @ 0, .. }, Input::Start) => {
                    *at = 1;
                    Step::Suspend(Message::Open { attempts: ATTEMPTS })
                }
                (
                    Self::Nested {
                        at: at @ 1,
                        acts,
                        notes,
                    },
                    Input::Value(Done),
                ) => {
                    *at = 2;
                    let (at, acts, notes) = (0, acts.clone(), notes.clone());
                    Step::Call(Self::Acts { at, acts, notes })
                }
                (Self::Nested { at: at @ 2, .. }, Input::Value(_)) => {
                    *at = 3;
                    Step::Suspend(Message::Commit)
                }
                (Self::Nested { at: 2, .. }, Input::Raised(why)) => Step::Suspend(why),
                (Self::Nested { .. }, Input::Value(value)) => Step::Return(value),
                (here, input) => panic!("{here:?} did not ask for {input:?}"),
            }
        }

        fn catches(&self) -> bool {
            matches!(self, Self::Nested { at: 2, .. })
        }
    }

    /// What the same acts come to where the state is copied when a transaction opens.
    #[derive(Clone, Default)]
    struct Copied {
        notes: Vec<String>,
        held: Vec<String>,
    }

    impl Copied {
        fn run(
            &mut self,
            acts: &[Act],
            inputs: &mut u32,
            done: &mut Vec<String>,
        ) -> Result<(), String> {
            for act in acts {
                match act {
                    Act::Note => self.notes.push("note".to_owned()),
                    Act::Ask => {
                        done.append(&mut self.held);
                        self.notes.push("answer".to_owned());
                    }
                    Act::Input => {
                        *inputs += 1;
                        self.notes.push(inputs.to_string());
                    }
                    Act::Effect => self.held.push(self.notes.join(" ")),
                    Act::Never => return Err("never".to_owned()),
                    Act::Fail => return Err("failed".to_owned()),
                    Act::Nested(acts) => {
                        let before = self.clone();
                        if let Err(why) = self.run(acts, inputs, done) {
                            *self = before;
                            self.notes.push(why);
                        }
                    }
                }
            }
            Ok(())
        }
    }

    /// Refuses whenever the next of these says so.
    struct Moody {
        refusals: Vec<bool>,
        inputs: u32,
        done: Vec<String>,
    }

    impl Outside<String> for Moody {
        fn input(&mut self, question: &String) -> Result<String, String> {
            if question == "never" {
                return Err(question.clone());
            }
            if self.refusals.pop() == Some(true) {
                return Err("refused".to_owned());
            }
            self.inputs += 1;
            Ok(self.inputs.to_string())
        }

        fn effect(&mut self, effect: String) {
            self.done.push(effect);
        }
    }

    fn transactions(acts: Vec<Act>) -> Transactions<Play, String> {
        let notes = Shared::new(Notes::default());
        Transactions::new(registry(), Play::Acts { at: 0, acts, notes }).unwrap()
    }

    fn act() -> impl Strategy<Value = Act> {
        let leaf = prop_oneof![
            3 => Just(Act::Note),
            3 => Just(Act::Input),
            3 => Just(Act::Effect),
            1 => Just(Act::Never),
            1 => Just(Act::Fail),
        ];
        leaf.prop_recursive(4, 30, 6, |act| {
            prop::collection::vec(act, 0..6).prop_map(Act::Nested)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(1),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// Whatever is refused meanwhile, a program comes to what it comes to where the state is
        /// copied: what was rolled back has left nothing, and each effect of the rest happens
        /// once, in order.
        #[test]
        fn they_are_copies_of_the_state(
            acts in prop::collection::vec(prop_oneof![1 => Just(Act::Ask), 4 => act()], 0..12),
            refusals in prop::collection::vec(any::<bool>(), 0..REFUSALS),
        ) {
            let (mut copied, mut inputs, mut done) = (Copied::default(), 0, Vec::new());
            let expected = copied.run(&acts, &mut inputs, &mut done);
            if expected.is_ok() {
                done.append(&mut copied.held);
            }

            let mut outside = Moody { refusals, inputs: 0, done: Vec::new() };
            let mut transactions = transactions(acts);
            transactions.attempts = ATTEMPTS;
            let mut ending = transactions.resume(None, &mut outside).unwrap();
            while let Ending::Asks(_) = ending {
                ending = transactions.resume(Some("answer".to_owned()), &mut outside).unwrap();
            }
            prop_assert_eq!(outside.inputs, inputs);
            prop_assert_eq!(&outside.done, &done);
            match expected {
                Ok(()) => prop_assert_eq!(ending, Ending::Done(copied.notes.join(" "))),
                Err(why) => prop_assert_eq!(ending, Ending::Failed(why)),
            }
        }
    }

    #[test]
    fn misuse_is_an_error() {
        let mut outside = Moody {
            refusals: Vec::new(),
            inputs: 0,
            done: Vec::new(),
        };
        let answer = || Some("answer".to_owned());

        // A question commits all, and so has no place in a part.
        let mut nested = transactions(vec![Act::Effect, Act::Nested(vec![Act::Ask])]);
        assert!(nested.resume(None, &mut outside).is_err());
        assert!(nested.retry(Inputs::Replayed, &mut outside).is_err());
        assert!(outside.done.is_empty());

        // Nor is it another program that is replayed.
        let mut other = transactions(vec![Act::Input, Act::Never]);
        let failed = other.resume(None, &mut outside).unwrap();
        assert_eq!(failed, Ending::Failed("never".to_owned()));
        other.journal[0].0 = "another question".to_owned();
        assert!(other.retry(Inputs::Replayed, &mut outside).is_err());

        let mut asks = transactions(vec![Act::Ask]);
        assert!(asks.resume(answer(), &mut outside).is_err());
        assert!(matches!(
            asks.resume(None, &mut outside),
            Ok(Ending::Asks(_))
        ));
        assert!(asks.retry(Inputs::Replayed, &mut outside).is_err());
        assert!(asks.resume(None, &mut outside).is_err());
        // And harms nothing.
        let done = Ending::Done("answer".to_owned());
        assert_eq!(asks.resume(answer(), &mut outside).unwrap(), done);
        assert!(asks.resume(answer(), &mut outside).is_err());
    }
}
