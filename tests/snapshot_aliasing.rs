//! What was one and the same before a snapshot is one and the same after it, wherever it hangs:
//! in frames, operands, objects, marks, what a machine waits for, winders and continuations.

use segno::frame::{Continuation, Entry, Layout, Machine, MarkKey, Outcome, PromptTag};
use segno::snapshot::Shared;

mod snapshot_programs;

use snapshot_programs::*;

const TAG: PromptTag = PromptTag::named("named");
const KEY: MarkKey = MarkKey::named("named");

fn build(entries: Vec<Entry<Call>>) -> Continuation<Call> {
    let inspector = Machine::<Call>::idle().inspector();
    inspector.build(Layout { entries }).unwrap()
}

fn entries(k: &Continuation<Call>) -> Vec<Entry<Call>> {
    let inspector = Machine::<Call>::idle().inspector();
    inspector.take_apart(k.clone()).unwrap().entries
}

/// Goes on until a machine is not within the winders of a jump; false if it is done before.
fn arrives(machine: &mut Machine<Call>) -> bool {
    while machine.continuation().is_none() {
        answered(machine, 0);
        if machine.run_for(1, &mut ()).is_err() {
            return false;
        }
    }
    true
}

/// A machine that goes on with a value, once it has entered its winders.
fn going_on(k: Continuation<Call>, value: Value) -> Option<Machine<Call>> {
    let mut machine = Machine::idle();
    machine.start_with(k, Ok(value)).unwrap();
    arrives(&mut machine).then_some(machine)
}

fn carried(mut roots: Vec<Root<Call>>) -> Vec<Root<Call>> {
    let bytes = save(&mut roots, &registry()).unwrap();
    load(&bytes, &registry()).unwrap()
}

fn suspended(machine: &mut Machine<Call>) -> Value {
    match machine.run(&mut ()) {
        Outcome::Suspended(value) => value,
        outcome => panic!("{outcome:?}"),
    }
}

fn cell_of(value: Value) -> Shared<Cell> {
    match value {
        Value::Cell(cell) => cell,
        value => panic!("{value:?} is no cell"),
    }
}

/// The numbers in a cell.
fn numbers(cell: &Shared<Cell>) -> Vec<i64> {
    let numbers = cell.with(Cell::values).into_iter();
    numbers
        .filter_map(|value| match value {
            Value::Number(n) => Some(n),
            _ => None,
        })
        .collect()
}

#[test]
fn who_changes_it_changes_it_for_all() {
    let cell = Shared::new(Cell::new(Vec::new()));
    let here = || Value::Cell(cell.clone());
    let count = || Call::Count {
        left: 0,
        block: RETURN,
        cell: cell.clone(),
    };
    let held = build(vec![Entry::frame(count())]);
    let holder = Shared::new(Cell::new(vec![here(), Value::K(held.clone())]));
    let k = build(vec![
        // Suspends with what it is resumed with, and then returns what it is answered.
        Entry::frame(Call::block(ASK, vec![here()])),
        Entry::frame(count()),
        Entry::frame(count()),
        // Before and after the body it notes that there was nothing.
        Entry::Inside {
            before: count(),
            after: count(),
        },
        Entry::Frame {
            frame: Call::block(ASK, vec![here(), Value::K(held.clone())]),
            marks: vec![(KEY, here())],
        },
        Entry::Prompt { tag: TAG, times: 1 },
        Entry::frame(count()),
    ]);
    let roots = carried(vec![
        Root::Machine(going_on(k.clone(), here()).unwrap()),
        Root::Value(here()),
        Root::Value(Value::Cell(holder)),
        Root::Continuation(held),
        Root::Continuation(k),
    ]);
    let Ok(
        [
            Root::Machine(mut machine),
            Root::Value(root),
            Root::Value(holder),
            Root::Continuation(held),
            Root::Continuation(k),
        ],
    ) = <[_; 5]>::try_from(roots)
    else {
        panic!("they were other roots")
    };
    let cell = cell_of(root);
    // By the frames of the machine, and its winder.
    assert!(cell.same(&cell_of(suspended(&mut machine))));
    assert!(answered(&mut machine, 5));
    assert!(matches!(suspended(&mut machine), Value::Number(5)));
    assert_eq!(numbers(&cell), [5, 5]);
    assert_eq!(
        cell.with(Cell::values).len(),
        4,
        "before and after the body"
    );
    assert!(answered(&mut machine, 6));
    assert!(matches!(
        machine.run(&mut ()),
        Outcome::Done(Value::Number(6))
    ));
    assert_eq!(numbers(&cell), [5, 5, 6]);
    // By continuations.
    let mut machine = going_on(held.clone(), Value::Number(7)).unwrap();
    let _ = machine.run(&mut ());
    let mut machine = going_on(k.clone(), Value::Number(8)).unwrap();
    assert!(matches!(suspended(&mut machine), Value::Number(8)));
    assert!(answered(&mut machine, 9));
    let _ = suspended(&mut machine);
    assert_eq!(numbers(&cell), [5, 5, 6, 7, 9, 9]);
    // By an object's field, and by what is in a continuation that is in it.
    let [inner, other] = <[Value; 2]>::try_from(cell_of(holder).with(Cell::values)).unwrap();
    assert!(cell.same(&cell_of(inner)));
    let Value::K(other) = other else {
        panic!("it was a continuation")
    };
    assert!(other.same(&held));
    // By the operands and the mark of a frame.
    let mut found = 0;
    for entry in entries(&k) {
        let Entry::Frame { frame, marks } = entry else {
            continue;
        };
        let operands = match frame {
            Call::Block { operands, .. } => operands,
            _ => Vec::new(),
        };
        for value in operands.into_iter().chain(marks.into_iter().map(|it| it.1)) {
            match value {
                Value::Cell(it) => {
                    assert!(it.same(&cell));
                    found += 1;
                }
                Value::K(k) => assert!(k.same(&held)),
                _ => panic!("nothing else was there"),
            }
        }
    }
    assert_eq!(found, 3);
    empty_cells();
}

/// Whatever is found from the roots, with a number for each cell and each continuation: two
/// that have the same pattern share the same.
#[derive(Default)]
struct Pattern {
    text: String,
    cells: Vec<Shared<Cell>>,
    ks: Vec<Continuation<Call>>,
}

impl Pattern {
    fn of(roots: &mut [Root<Call>]) -> Self {
        let mut pattern = Self::default();
        for root in roots {
            pattern.text += "\nroot ";
            match root {
                Root::Machine(machine) => match machine.continuation() {
                    Some(k) => pattern.stack(&k),
                    None => pattern.text += "done",
                },
                Root::Continuation(k) => pattern.value(&Value::K(k.clone())),
                Root::Value(value) => pattern.value(value),
            }
        }
        pattern
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Cell(cell) => {
                let known = self.cells.iter().position(|it| it.same(cell));
                let number = known.unwrap_or(self.cells.len());
                self.text += &format!("cell {number} ");
                if known.is_none() {
                    self.cells.push(cell.clone());
                    self.values(&cell.with(Cell::values));
                }
            }
            Value::K(k) => {
                let known = self.ks.iter().position(|it| it.same(k));
                let number = known.unwrap_or(self.ks.len());
                self.text += &format!("k {number} ");
                if known.is_none() {
                    self.ks.push(k.clone());
                    self.stack(k);
                }
            }
            Value::List(values) => self.values(values),
            Value::Boxed(Some(value)) => self.value(value),
            value => self.text += &format!("{value:?} "),
        }
    }

    fn values(&mut self, values: &[Value]) {
        self.text += "[";
        for value in values {
            self.value(value);
        }
        self.text += "] ";
    }

    fn stack(&mut self, k: &Continuation<Call>) {
        for entry in entries(k) {
            self.text += "\n  ";
            match entry {
                Entry::Frame { frame, marks } => {
                    self.frame(&frame);
                    for (key, value) in marks {
                        self.text += &format!("{key}: ");
                        self.value(&value);
                    }
                }
                Entry::Prompt { tag, times } => self.text += &format!("{tag} {times}"),
                Entry::Inside { before, after } => {
                    self.text += "inside ";
                    self.frame(&before);
                    self.frame(&after);
                }
                Entry::Entering {
                    before,
                    body,
                    after,
                } => {
                    self.text += "entering ";
                    self.frame(&before);
                    self.frame(&body);
                    self.frame(&after);
                }
                Entry::Leaving(Ok(value)) => {
                    self.text += "leaving ";
                    self.value(&value);
                }
                Entry::Leaving(Err(_)) => self.text += "leaving otherwise",
            }
        }
    }

    fn frame(&mut self, frame: &Call) {
        match frame {
            Call::Block {
                block,
                at,
                operands,
                ..
            } => {
                self.text += &format!("block {block} at {at} ");
                self.values(operands);
            }
            Call::Count { left, block, cell } => {
                self.text += &format!("count {left} {block} ");
                self.value(&Value::Cell(cell.clone()));
            }
            Call::Apply { block, .. } => self.text += &format!("apply {block} "),
        }
    }
}

/// Cells and continuations that lead to each other at random.
struct Graph {
    random: Random,
    cells: Vec<Shared<Cell>>,
    ks: Vec<Continuation<Call>>,
}

impl Graph {
    fn new(seed: u64) -> Self {
        let mut graph = Self {
            random: Random(seed),
            cells: Vec::new(),
            ks: Vec::new(),
        };
        for n in 0..1 + graph.random.below(6) {
            let cell = Cell::new(vec![Value::Number(n as i64)]);
            graph.cells.push(Shared::new(cell));
        }
        for _ in 0..graph.random.below(4) {
            let k = graph.stack();
            graph.ks.push(k);
        }
        // Now all of them may be in all of them.
        for cell in graph.cells.clone() {
            for _ in 0..graph.random.below(3) {
                let value = graph.value();
                cell.update(|cell| cell.push(value));
            }
        }
        graph
    }

    fn cell(&mut self) -> Shared<Cell> {
        self.cells[self.random.below(self.cells.len())].clone()
    }

    fn value(&mut self) -> Value {
        match self.random.below(8) {
            0 => Value::List((0..self.random.below(3)).map(|_| self.value()).collect()),
            1 => Value::Boxed(Some(self.value().into())),
            2 => Value::Nil,
            3 | 4 if !self.ks.is_empty() => {
                Value::K(self.ks[self.random.below(self.ks.len())].clone())
            }
            _ => Value::Cell(self.cell()),
        }
    }

    fn frame(&mut self) -> Call {
        let block = [ASK, RETURN, CALLS, WINDS][self.random.below(4)];
        match self.random.below(2) {
            0 => Call::Count {
                left: self.random.below(3) as u32,
                block,
                cell: self.cell(),
            },
            _ => {
                let operands = (0..self.random.below(3)).map(|_| self.value()).collect();
                Call::block(block, operands)
            }
        }
    }

    fn entry(&mut self) -> Entry<Call> {
        match self.random.below(10) {
            0 => Entry::Prompt { tag: TAG, times: 1 },
            1 => Entry::Inside {
                before: self.frame(),
                after: self.frame(),
            },
            2 => Entry::Entering {
                before: self.frame(),
                body: self.frame(),
                after: self.frame(),
            },
            3 => Entry::Leaving(Ok(self.value())),
            _ => Entry::Frame {
                frame: self.frame(),
                marks: match self.random.below(3) {
                    0 => vec![(KEY, self.value())],
                    _ => Vec::new(),
                },
            },
        }
    }

    fn stack(&mut self) -> Continuation<Call> {
        let mut entries = vec![Entry::frame(self.frame())];
        entries.extend((0..self.random.below(8)).map(|_| self.entry()));
        entries.push(Entry::frame(self.frame()));
        build(entries)
    }

    fn roots(&mut self) -> Vec<Root<Call>> {
        let root = |graph: &mut Self| match graph.random.below(3) {
            0 => Root::Value(graph.value()),
            1 => Root::Continuation(graph.stack()),
            _ => {
                let (k, value) = (graph.stack(), graph.value());
                match going_on(k, value.clone()) {
                    Some(machine) => Root::Machine(machine),
                    None => Root::Value(value),
                }
            }
        };
        (0..1 + self.random.below(4)).map(|_| root(self)).collect()
    }
}

/// Some steps of each machine. What it came to is a root, too.
fn go_on(roots: Vec<Root<Call>>, steps: u64) -> Vec<Root<Call>> {
    let mut after = Vec::new();
    for root in roots {
        let Root::Machine(mut machine) = root else {
            after.push(root);
            continue;
        };
        answered(&mut machine, 1);
        if let Ok(Outcome::Done(value) | Outcome::Raised(value) | Outcome::Suspended(value)) =
            machine.run_for(steps, &mut ())
        {
            after.push(Root::Value(value));
        }
        if arrives(&mut machine) {
            after.push(Root::Machine(machine));
        }
    }
    after
}

#[test]
fn a_graph_keeps_its_shape() {
    let mut shared = 0;
    for seed in 0..if cfg!(debug_assertions) {
        1_000
    } else {
        10_000
    } {
        let mut graph = Graph::new(seed);
        let mut here = graph.roots();
        let bytes = save(&mut here, &registry()).unwrap();
        let mut there = load::<Call>(&bytes, &registry()).unwrap();
        for steps in [1, 3, 50] {
            here = go_on(here, steps);
            there = go_on(there, steps);
            let [before, after] = [&mut here, &mut there].map(|roots| Pattern::of(roots));
            assert_eq!(after.text, before.text, "of the seed {seed}");
            shared += before.cells.len();
            // What is changed in one is changed wherever it is, and nowhere else.
            for (n, cells) in before.cells.iter().zip(&after.cells).enumerate() {
                let value = Value::Number(1000 + n as i64);
                cells.0.update(|cell| cell.push(value.clone()));
                cells.1.update(|cell| cell.push(value));
            }
            // And again.
            there = carried(there);
        }
        drop((here, there, graph));
        empty_cells();
    }
    assert!(shared > 1000);
}
