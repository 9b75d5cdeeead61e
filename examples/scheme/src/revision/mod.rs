//! What has changed in the source of a program since it was saved.
//!
//! The sources are compiled anew, and nothing of them is run. What is compared is what the
//! program can still run:
//!
//! - the procedures and the form of the program that wait in a frame;
//! - the forms that are to come, with their number and their order;
//! - the procedures that are the values of variables which any of these name, or are found in what
//!   these variables and the frames hold: in lists, in other closures, in continuations; and so
//!   on. Where `eval`, `load` or `interaction-environment` is within reach, so are all variables.
//!
//! A procedure is the same if there is one now that says the same under the same name, within
//! procedures of the same names. Comments, layout and places do not count, and neither does what
//! is behind: a form that is done, or a procedure that nobody can call any more. The value of a
//! variable that is no procedure is what the program has computed, and is not compared with its
//! definition. Nor is what `eval` has compiled, since it has no source.

mod align;
mod held;
mod path;
mod reach;
mod restart;
mod variables;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::rc::Rc;

use segno::snapshot::{Constant, Shared};

use crate::code::Code;
use crate::condition::Fault;
use crate::environment::Environment;
use crate::interpreter::Interpreter;
use crate::program::{self, Program};
use crate::syntax::{Libraries, Source};
use crate::value::Place;
use crate::world::World;
use align::{Alignment, Now};
use path::Paths;
use reach::Reach;

pub use restart::Restarted;

/// A program as its sources are now.
pub struct Revision {
    programs: Vec<Constant<Program>>,
    /// What each of them reads besides.
    parts: Vec<BTreeSet<Rc<str>>>,
    /// What names mean in them.
    environment: Shared<Environment>,
    /// By path: hashes, and where they are.
    procedures: HashMap<u64, Vec<(u64, Option<Place>)>>,
}

/// Something that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it is called.
    pub name: String,
    /// Where it was; nowhere if it is new.
    pub before: Option<Place>,
    /// Where it is; nowhere if it is gone.
    pub now: Option<Place>,
    /// What became of it.
    pub kind: ChangeKind,
}

/// What became of a part of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It says something else.
    Changed,
    /// It is gone.
    Gone,
    /// It was not there.
    New,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(place) = &self.before {
            write!(f, ", {place},")?;
        }
        match self.kind {
            ChangeKind::Changed => f.write_str(" has changed")?,
            ChangeKind::Gone => f.write_str(" is gone")?,
            ChangeKind::New => f.write_str(" is new")?,
        }
        match &self.now {
            Some(place) if self.now != self.before => write!(f, ": {place}"),
            _ => Ok(()),
        }
    }
}

/// What a comparison has found.
struct Compared {
    changes: Vec<Change>,
    /// The procedures among them, by the addresses of their code.
    procedures: HashSet<(usize, u32)>,
}

fn address(code: &Constant<Code>) -> usize {
    std::ptr::from_ref::<Code>(code).addr()
}

impl Revision {
    /// Compiles sources: those of the [origins](World::origins) of a world, in their order. The
    /// files that they include are read where the world's host finds sources.
    ///
    /// # Errors
    ///
    /// What is wrong with one of them.
    pub fn of(sources: Vec<Source>, world: &World) -> Result<Self, Box<Fault>> {
        let libraries = Shared::new(Libraries::default());
        let expander = world.expander.with_libraries(libraries);
        let mut revision = Self {
            programs: Vec::new(),
            parts: Vec::new(),
            environment: Shared::new(Environment::standard()),
            procedures: HashMap::new(),
        };
        for (index, (source, origin)) in sources.into_iter().zip(&world.origins).enumerate() {
            let environment = match &origin.environment {
                None => revision.environment.clone(),
                // What was defined there is there still, and no definition is to be added to it.
                Some(into) => Shared::new(into.get()),
            };
            world.host.read.take();
            let compiled = program::compiled(source, &environment, &expander)?;
            revision.parts.push(world.host.read.take());
            if index == 0 {
                revision.environment = compiled.environment;
            }
            let program = compiled.program;
            for code in &program.forms {
                let known = path::procedures(code);
                for (procedure, known) in code.procedures.iter().zip(known) {
                    let there = revision.procedures.entry(known.path).or_default();
                    there.push((procedure.hash, known.place));
                }
            }
            revision.programs.push(program);
        }
        Ok(revision)
    }

    fn program(&self, source: &str) -> Option<&Constant<Program>> {
        let mut programs = self.programs.iter();
        programs.find(|program| &*program.source == source)
    }

    fn compare(&self, reach: &Reach<'_>, world: &World) -> Compared {
        let mut compared = Compared {
            changes: Vec::new(),
            procedures: HashSet::new(),
        };
        let mut to_come = HashSet::new();
        for (program, next) in &reach.programs {
            if let Some(now) = self.program(&program.source) {
                let rest = program.forms.get(*next as usize..).unwrap_or_default();
                to_come.extend(rest.iter().map(address));
                compare_forms(program, *next as usize, now, &mut compared.changes);
            }
        }
        let mut sources: HashSet<&str> = HashSet::new();
        for origin in &world.origins {
            sources.insert(&origin.name);
            sources.extend(origin.parts.iter().map(|part| &**part));
        }
        let mut paths = Paths::default();
        for (code, index) in &reach.procedures {
            let (known, at) = (paths.of(code), *index as usize);
            let place = known.get(at).and_then(|known| known.place.as_ref());
            let is_of_a_file = place.is_some_and(|place| sources.contains(&*place.source));
            if !is_of_a_file || to_come.contains(&address(code)) {
                continue;
            }
            let there = self.procedures.get(&known[at].path);
            let there = there.map_or(&[][..], |there| there);
            let hash = code.procedures[at].hash;
            if there.iter().any(|(other, _)| *other == hash) {
                continue;
            }
            compared.procedures.insert((address(code), *index));
            // Of several that have no name nobody knows which one it is.
            let now = match there {
                [(_, now)] => now.clone(),
                _ => None,
            };
            compared.changes.push(Change {
                name: path::name(code, known, at),
                before: place.cloned(),
                now,
                kind: match there {
                    [] => ChangeKind::Gone,
                    _ => ChangeKind::Changed,
                },
            });
        }
        let place = |change: &Change| {
            let place = change.before.clone().or_else(|| change.now.clone());
            place.map(|place| (place.source, place.line, place.column))
        };
        compared.changes.sort_by_key(place);
        compared.changes.dedup();
        compared
    }
}

/// The form of a program that is under way, if one is.
fn under_way(next: usize) -> Option<usize> {
    next.checked_sub(1)
}

/// Compares the forms that are to come.
fn compare_forms(old: &Program, next: usize, new: &Program, changes: &mut Vec<Change>) {
    let from = match under_way(next) {
        None => 0,
        Some(current) => match Alignment::of(&old.forms, &new.forms).now(current) {
            Now::At(at) => at + 1,
            Now::Before(at) => at,
        },
    };
    let old = old.forms.get(next..).unwrap_or_default();
    let new = new.forms.get(from..).unwrap_or_default();
    let alignment = Alignment::of(old, new);
    let name = |code: &Code| path::name(code, &[], 0);
    for (index, code) in old.iter().enumerate() {
        let now = match alignment.now(index) {
            Now::At(at) => new.get(at),
            Now::Before(_) => None,
        };
        if now.is_some_and(|now| path::hash(now) == path::hash(code)) {
            continue;
        }
        changes.push(Change {
            name: name(code),
            before: path::place(code),
            now: now.and_then(|now| path::place(now)),
            kind: match now {
                Some(_) => ChangeKind::Changed,
                None => ChangeKind::Gone,
            },
        });
    }
    for at in alignment.added(new.len()) {
        changes.push(Change {
            name: name(&new[at]),
            before: None,
            now: path::place(&new[at]),
            kind: ChangeKind::New,
        });
    }
}

impl Interpreter {
    /// What has changed of what the program can still run.
    ///
    /// # Errors
    ///
    /// If there is too much to be compared.
    pub fn changes(&mut self, now: &Revision) -> Result<Vec<Change>, Box<Fault>> {
        let Some(continuation) = self.machine.continuation() else {
            return Ok(Vec::new());
        };
        let reach = Reach::of(continuation, &self.world)?;
        Ok(now.compare(&reach, &self.world).changes)
    }
}
