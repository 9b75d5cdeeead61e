//! The code of the interpreter's own procedures that are written in Scheme. Snapshots have it by
//! name, and a hash that tells whether it is the code that they were saved with.

use std::hash::{DefaultHasher, Hash, Hasher};

use segno::snapshot::{Constant, Named};
use serde::{Deserialize, Serialize};

use crate::code::{Code, Node};
use crate::environment::Global;
use crate::program::Program;

/// The forms that define them.
pub struct Library {
    forms: Vec<Form>,
}

struct Form {
    /// What it defines.
    name: String,
    hash: u64,
    /// Its code, which is not marked as a part of the library.
    code: Code,
}

/// Which code of the library it is.
#[derive(Clone)]
pub struct Part {
    library: Named<Library>,
    index: usize,
}

/// The same in a snapshot.
#[derive(Serialize, Deserialize)]
pub(crate) struct Reference {
    library: Named<Library>,
    name: String,
    hash: u64,
}

impl Library {
    /// The library that a program defines, and the program as a part of it.
    pub(crate) fn of(program: &Program) -> (Named<Self>, Constant<Program>) {
        let forms = program.forms.iter().map(|code| Form {
            name: defined(code),
            hash: hash(code),
            code: Code::clone(code),
        });
        let library = Named::new(Self {
            forms: forms.collect(),
        });
        let forms = 0..library.forms.len();
        let forms = forms.map(|index| Constant::new(code(&library, index)));
        let program = Program {
            source: program.source.clone(),
            forms: forms.collect(),
        };
        (library, Constant::new(program))
    }

    /// Takes their values from all variables that are named in it. Procedures that see the
    /// variables that have them would be there for ever else.
    pub(crate) fn forget(&self) {
        let globals = self.forms.iter().flat_map(|form| &form.code.globals);
        globals.for_each(Global::forget);
    }
}

impl Part {
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.index == other.index
    }

    pub(crate) fn reference(&self) -> Reference {
        let form = &self.library.forms[self.index];
        Reference {
            library: self.library.clone(),
            name: form.name.clone(),
            hash: form.hash,
        }
    }
}

impl Reference {
    /// The code, if it is still the same.
    pub(crate) fn code(self) -> Result<Code, String> {
        let Self {
            library,
            name,
            hash,
        } = self;
        let index = library.forms.iter().position(|form| form.name == name);
        match index {
            Some(index) if library.forms[index].hash == hash => Ok(code(&library, index)),
            Some(_) => Err(format!("{name} of the standard library has changed")),
            None => Err(format!("the standard library has no {name}")),
        }
    }
}

fn code(library: &Named<Library>, index: usize) -> Code {
    let part = Part {
        library: library.clone(),
        index,
    };
    Code {
        part: Some(part),
        ..library.forms[index].code.clone()
    }
}

/// The name that a form defines.
fn defined(code: &Code) -> String {
    let global = code.nodes.iter().find_map(|node| match node {
        Node::SetGlobal { global, .. } | Node::SetGlobalWait { global, .. } => Some(*global),
        _ => None,
    });
    let global = global.and_then(|global| code.globals.get(global as usize));
    global.map_or_else(String::new, |global| {
        global.with(|global| global.name.to_string())
    })
}

/// Tells whether what a snapshot says of code holds of this: it says the same, and has the same
/// nodes, of which frames know the indices.
fn hash(code: &Code) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&code.nodes, &code.parts).hash(&mut hasher);
    for procedure in &code.procedures {
        procedure.hash.hash(&mut hasher);
        for case in &procedure.cases {
            (case.required, case.rest, case.entry, &case.boxed).hash(&mut hasher);
        }
    }
    hasher.finish()
}
