//! When two values are the same.

use std::collections::HashMap;
use std::ptr;

use segno::snapshot::{Object, Shared};

use super::{Table, fixed, inline};
use crate::condition::Fault;
use crate::number::cost;
use crate::value::{Pair, Value, Vector};
use crate::world::World;

pub(super) const TABLE: Table = &[
    fixed("eq?", 2, |_, args| {
        Ok(inline::is_eq(&args[0], &args[1]).into())
    }),
    fixed("eqv?", 2, |_, args| {
        Ok(inline::is_eq(&args[0], &args[1]).into())
    }),
    fixed("equal?", 2, |world, args| {
        equal(world, &args[0], &args[1]).map(Value::from)
    }),
];

/// `equal?`: whether both unfold to the same tree, which may be infinite.
#[must_use]
pub fn is_equal(a: &Value, b: &Value) -> bool {
    Comparison::new(usize::MAX).run(a, b)
}

/// The same for a program, which pays for it.
pub(super) fn equal(world: &World, a: &Value, b: &Value) -> Result<bool, Box<Fault>> {
    let mut comparison = Comparison::new(world.pairs_at_once());
    let equal = comparison.run(a, b);
    world.fuel.pairs(comparison.steps);
    world.is_enough()?;
    Ok(equal)
}

/// `eqv?` in a loop, which pays for what is large.
pub(super) fn eqv(world: &World, a: &Value, b: &Value) -> Result<bool, Box<Fault>> {
    if let Value::Big(_) | Value::Ratio(_) | Value::Complex(_) = a {
        world.pay(a.as_number().map_or(0, |a| cost::linear(a.size_bits())))?;
        world.is_enough()?;
    }
    Ok(inline::is_eq(a, b))
}

/// What is still to be compared.
enum Task {
    Values(Value, Value),
    /// The elements from an index on.
    Vectors(Shared<Vector>, Shared<Vector>, usize),
}

/// Two graphs are compared as if they were trees at first, since most are, and small. What has
/// cycles, or shares much, needs to be remembered: which pairs are assumed to be equal already, as
/// classes, each with a representative. That is slow. So both take turns: the first for a
/// random number of steps, and the second for as long as it meets what it knows, and some steps
/// more. A cycle is met by the second some time, whatever its length.
#[derive(Default)]
struct Comparison {
    tasks: Vec<Task>,
    /// What leads from an address toward its representative.
    classes: HashMap<usize, usize>,
    /// The steps that are left of a turn of the first kind.
    trusting: u32,
    /// And of the second.
    careful: u32,
    random: u32,
    /// The tasks so far, and what strings, bytevectors and numbers were compared of, as so many.
    steps: usize,
    /// After so many it is given up.
    most: usize,
}

/// How many steps a graph is compared as a tree for, at the beginning, and how many on average.
const TRUSTING: u32 = 512;
/// How many new assumptions a turn of the other kind makes.
const CAREFUL: u32 = 64;

impl Comparison {
    fn new(most: usize) -> Self {
        Self {
            most,
            ..Self::default()
        }
    }

    fn run(&mut self, a: &Value, b: &Value) -> bool {
        self.trusting = TRUSTING;
        self.random = 1;
        if !self.values(a, b) {
            return false;
        }
        while let Some(task) = self.tasks.pop() {
            self.steps += 1;
            if self.steps > self.most {
                return false;
            }
            let same = match task {
                Task::Values(a, b) => self.values(&a, &b),
                Task::Vectors(a, b, from) => self.elements(a, b, from),
            };
            if !same {
                return false;
            }
        }
        true
    }

    /// Compares two values, but for what is in them, which becomes a task.
    fn values(&mut self, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Pair(a), Value::Pair(b)) => {
                if !a.same(b) && !self.assumed(a, b) {
                    let halves = |pair: &Shared<Pair>| {
                        pair.with(|pair| (pair.car.clone(), pair.cdr.clone()))
                    };
                    let ((car, cdr), (other_car, other_cdr)) = (halves(a), halves(b));
                    self.tasks.push(Task::Values(cdr, other_cdr));
                    self.tasks.push(Task::Values(car, other_car));
                }
                true
            }
            (Value::Vector(a), Value::Vector(b)) => {
                let length = |vector: &Shared<Vector>| vector.with(|vector| vector.elements.len());
                if length(a) != length(b) {
                    return false;
                }
                if !a.same(b) && !self.assumed(a, b) {
                    self.tasks.push(Task::Vectors(a.clone(), b.clone(), 0));
                }
                true
            }
            (Value::String(a), Value::String(b)) => {
                self.steps += a.with(|a| a.characters.len() / 8);
                a.with(|a| b.with(|b| a.characters == b.characters))
            }
            (Value::Bytes(a), Value::Bytes(b)) => {
                self.steps += a.with(|a| a.bytes.len() / 32);
                a.with(|a| b.with(|b| a.bytes == b.bytes))
            }
            (Value::Big(_) | Value::Ratio(_) | Value::Complex(_), _) => {
                let bits = a.as_number().map_or(0, |a| a.size_bits());
                self.steps += (bits / 256) as usize;
                a.is_eq(b)
            }
            _ => a.is_eq(b),
        }
    }

    /// Compares elements of two vectors of the same length, up to the first that leads elsewhere.
    fn elements(&mut self, a: Shared<Vector>, b: Shared<Vector>, from: usize) -> bool {
        let element = |vector: &Shared<Vector>, index: usize| {
            vector.with(|vector| vector.elements.get(index).cloned())
        };
        let mut index = from;
        while let (Some(x), Some(y)) = (element(&a, index), element(&b, index)) {
            index += 1;
            self.steps += 1;
            if matches!(x, Value::Pair(_) | Value::Vector(_)) {
                self.tasks.push(Task::Vectors(a, b, index));
                return self.values(&x, &y);
            }
            if !self.values(&x, &y) || self.steps > self.most {
                return false;
            }
        }
        true
    }

    /// Whether both are assumed to be equal; if not, they may be from now on.
    fn assumed<T: Object>(&mut self, a: &Shared<T>, b: &Shared<T>) -> bool {
        if self.trusting > 0 {
            self.trusting -= 1;
            if self.trusting == 0 {
                self.careful = CAREFUL;
            }
            return false;
        }
        let (a, b) = (
            self.representative(address(a)),
            self.representative(address(b)),
        );
        if a == b {
            self.careful = CAREFUL;
            return true;
        }
        self.classes.insert(a, b);
        self.careful -= 1;
        if self.careful == 0 {
            self.trusting = 1 + self.roll() % (2 * TRUSTING);
        }
        false
    }

    /// Every second step toward it is taken out on the way.
    fn representative(&mut self, mut of: usize) -> usize {
        while let Some(&next) = self.classes.get(&of) {
            match self.classes.get(&next) {
                Some(&after) => {
                    self.classes.insert(of, after);
                    of = after;
                }
                None => of = next,
            }
        }
        of
    }

    /// Marsaglia's generator of 32 bits.
    fn roll(&mut self) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random
    }
}

/// What tells a shared value from all others.
fn address<T: Object>(shared: &Shared<T>) -> usize {
    shared.with(|value| ptr::from_ref(value).addr())
}
