//! Libraries: `define-library`.

use std::collections::BTreeMap;

use segno::snapshot::{Object, Shared};
use serde::{Deserialize, Serialize};

use super::Core;
use super::datum::{is_identifier, spelling, split, strip};
use super::define::put;
use super::expand::Expansion;
use super::expander::Answer;
use super::features::beside;
use super::scope::Scope;
use super::standard::{self, Contents};
use crate::environment::{Binding, Environment};
use crate::expr::Expr;
use crate::symbol::Symbol;
use crate::value::Value;

/// The libraries of a program, by their names as they are written.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Libraries(pub BTreeMap<String, Library>);

impl Object for Libraries {
    const NAME: &'static str = "libraries";
}

impl Libraries {
    /// What names mean in those that were imported.
    pub(crate) fn environments(&self) -> Vec<Shared<Environment>> {
        let libraries = self.0.values();
        let loaded = libraries.filter_map(|library| match library {
            Library::Loaded { environment, .. } => Some(environment.clone()),
            _ => None,
        });
        loaded.collect()
    }
}

/// A library of a program.
#[derive(Clone, Serialize, Deserialize)]
pub enum Library {
    /// It was defined, and nobody has imported it.
    Defined(Value),
    /// It is being imported.
    Loading,
    /// It was imported.
    Loaded {
        /// What names mean in it.
        environment: Shared<Environment>,
        /// What it calls within what it exports.
        exports: BTreeMap<Symbol, Symbol>,
    },
}

/// What names of a library mean to those who import it.
pub(super) type Exports = BTreeMap<Symbol, Binding>;

/// What a library says of itself.
#[derive(Default)]
struct Declared {
    imports: Vec<Value>,
    exports: BTreeMap<Symbol, Symbol>,
    body: Vec<Value>,
}

/// The file that a library of a program is in, beside who imports it; none if it can be in none.
fn library_path(name: &str) -> Option<String> {
    let path = name.trim_matches(['(', ')']).replace(' ', "/");
    let mut parts = path.split('/');
    let wrong = parts.any(|part| part.is_empty() || part.starts_with('.'));
    (!wrong).then(|| format!("{path}.sld"))
}

impl Expansion<'_> {
    /// The name of a library as it is written.
    pub(super) fn library_name(&self, form: &Value) -> Answer<String> {
        let parts = self.list(form, form)?;
        let mut name = String::from("(");
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                name.push(' ');
            }
            match part {
                Value::Fixnum(number) if *number >= 0 => {
                    name.push_str(&number.to_string());
                }
                part if is_identifier(part) => name.push_str(spelling(part).as_str()),
                _ => {
                    let message = "the name of a library is a list of symbols and numbers";
                    return Err(self.fault(message, form));
                }
            }
        }
        if parts.is_empty() {
            return Err(self.fault("the name of a library is missing", form));
        }
        name.push(')');
        Ok(name)
    }

    fn known(&self, name: &str) -> Option<Library> {
        let libraries = &self.expander.libraries;
        libraries.with(|libraries| libraries.0.get(name).cloned())
    }

    fn keep(&self, name: &str, library: Library) {
        let libraries = &self.expander.libraries;
        libraries.update(|libraries| libraries.0.insert(name.to_owned(), library));
    }

    /// Whether there is such a library.
    pub(super) fn has_library(&mut self, name: &str) -> Answer<bool> {
        if self.known(name).is_some() || standard::contents(name).is_some() {
            return Ok(true);
        }
        self.find_library(name)?;
        Ok(self.known(name).is_some())
    }

    /// Looks for a library in a file, beside the program or else beside the source that asks, and
    /// notes all that the file defines. Answers whether there is the file.
    fn find_library(&mut self, name: &str) -> Answer<bool> {
        let Some(path) = library_path(name) else {
            return Ok(false);
        };
        let form = Value::symbol(name);
        for path in [beside(self.places.source(), &path), self.path(&path)] {
            if let Some(forms) = self.file(&path, false, &form)? {
                for form in forms {
                    self.define_library(&form)?;
                }
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Notes a library, which is expanded when it is imported first.
    pub(super) fn define_library(&mut self, form: &Value) -> Answer {
        let items = self.items(form, 2)?;
        let keyword = &items[0];
        if !is_identifier(keyword) || spelling(keyword).as_str() != Core::DefineLibrary.name() {
            return Err(self.fault("a library is expected", form));
        }
        let name = self.library_name(&items[1])?;
        self.keep(&name, Library::Defined(strip(form)));
        Ok(Expr::Constant(Value::Unspecified))
    }

    /// What a library exports. Its body, if nobody has imported it before, comes before the form.
    pub(super) fn library(&mut self, name: &str, form: &Value) -> Answer<Exports> {
        let mut is_file = false;
        if self.known(name).is_none() {
            match standard::contents(name) {
                Some(Contents::Names(names)) => {
                    let names = names.split_whitespace().map(Symbol::new);
                    let bound = names.filter_map(|name| {
                        let binding = self.expander.standard(&name)?;
                        Some((name, binding))
                    });
                    return Ok(bound.collect());
                }
                Some(Contents::Source { text, .. }) => {
                    let source = self.expander.host.text(name, text)?;
                    self.included.push(source.places);
                    for form in &source.forms {
                        self.define_library(form)?;
                    }
                }
                None => is_file = self.find_library(name)?,
            }
        }
        match self.known(name) {
            Some(Library::Loaded {
                environment,
                exports,
            }) => self.exports(&environment, &exports, form),
            Some(Library::Loading) => {
                Err(self.fault(format!("the library {name} imports itself"), form))
            }
            Some(Library::Defined(definition)) => {
                self.keep(name, Library::Loading);
                self.loaded.push((name.to_owned(), definition.clone()));
                self.load(name, &definition)
            }
            None => {
                let missing = match library_path(name) {
                    Some(path) => {
                        let path = beside(self.places.source(), &path);
                        let path = path.display();
                        match is_file {
                            true => format!("the file {path} does not define the library:"),
                            false => format!(
                                "there is no such library; it is looked for in the file {path}:"
                            ),
                        }
                    }
                    None => String::from("there is no such library"),
                };
                Err(self.fault(missing, form))
            }
        }
    }

    fn load(&mut self, name: &str, definition: &Value) -> Answer<Exports> {
        self.deeper(definition)?;
        let outer = self.go(definition);
        let items = self.items(definition, 2)?;
        let mut declared = Declared::default();
        for declaration in &items[2..] {
            self.declaration(declaration, &mut declared)?;
        }
        let environment = Shared::new(Environment::default());
        self.import_into(&declared.imports, &environment)?;
        self.prepare(&declared.body, &environment);
        let scope = Scope::new(environment.clone());
        for form in &declared.body {
            self.restart();
            let expr = self.toplevel(form, &scope)?;
            // Those of macros do nothing.
            if !matches!(expr, Expr::Constant(_)) {
                self.before.push(expr);
            }
        }
        let exports = declared.exports;
        let bound = self.exports(&environment, &exports, definition)?;
        let library = Library::Loaded {
            environment,
            exports,
        };
        self.keep(name, library);
        self.here = outer;
        self.depth -= 1;
        Ok(bound)
    }

    fn exports(
        &self,
        environment: &Shared<Environment>,
        exports: &BTreeMap<Symbol, Symbol>,
        form: &Value,
    ) -> Answer<Exports> {
        let bound = exports.iter().map(|(outside, inside)| {
            let found = environment.with(|environment| environment.bindings.get(inside).cloned());
            match found {
                Some(Binding::Variable(global)) => Ok((outside.clone(), Binding::Imported(global))),
                Some(binding) => Ok((outside.clone(), binding)),
                None => {
                    let message = format!("{inside} is exported, and not defined");
                    Err(self.fault(message, form))
                }
            }
        });
        bound.collect()
    }

    /// A declaration of a library. Its words are told by their spelling.
    fn declaration(&mut self, form: &Value, declared: &mut Declared) -> Answer<()> {
        self.deeper(form)?;
        let outer = self.go(form);
        let items = self.items(form, 1)?;
        let (word, rest) = (&items[0], &items[1..]);
        if !is_identifier(word) {
            return Err(self.malformed(form));
        }
        match spelling(word).as_str() {
            "export" => {
                for spec in rest {
                    let (inside, outside) = self.export(spec)?;
                    declared.exports.insert(outside, inside);
                }
            }
            "import" => declared.imports.extend_from_slice(rest),
            "begin" => declared.body.extend_from_slice(rest),
            word @ ("include" | "include-ci" | "include-library-declarations") => {
                let core = match word {
                    "include-ci" => Core::IncludeCi,
                    _ => Core::Include,
                };
                let forms = self.include(core, form)?;
                if word == "include-library-declarations" {
                    for form in forms {
                        self.declaration(&form, declared)?;
                    }
                } else {
                    declared.body.extend(forms);
                }
            }
            "cond-expand" => {
                for form in self.cond_expand(form)? {
                    self.declaration(&form, declared)?;
                }
            }
            word => {
                let message = format!("{word} is no declaration of a library");
                return Err(self.fault(message, form));
            }
        }
        self.here = outer;
        self.depth -= 1;
        Ok(())
    }

    /// What an exported name is called within, and outside.
    fn export(&self, spec: &Value) -> Answer<(Symbol, Symbol)> {
        if is_identifier(spec) {
            return Ok((spelling(spec), spelling(spec)));
        }
        let parts = split(spec).map(|(items, _)| items).unwrap_or_default();
        match &parts[..] {
            [rename, inside, outside]
                if parts.iter().all(is_identifier) && spelling(rename).as_str() == "rename" =>
            {
                Ok((spelling(inside), spelling(outside)))
            }
            _ => Err(self.fault("an export is a name or (rename within outside)", spec)),
        }
    }

    /// Makes variables of the standard names that these forms define or assign to, so that forms
    /// before the definition see them too.
    pub(super) fn prepare(&self, forms: &[Value], environment: &Shared<Environment>) {
        for (name, defined) in super::program::changed(forms) {
            let (found, all) = environment.with(|environment| {
                let found = environment.bindings.get(&name).cloned();
                (found, environment.standard)
            });
            let own = found.is_some();
            let found = found.or_else(|| {
                let all = all.then(|| self.expander.standard(&name));
                all.flatten()
            });
            let value = match found {
                Some(Binding::Constant(value)) => value,
                Some(Binding::Imported(global)) if defined => {
                    global.with(|global| global.value.clone())
                }
                Some(Binding::Core(_) | Binding::Macro(_)) if defined && !own => Value::Unassigned,
                None if defined && all && self.expander.names.elsewhere.contains_key(&name) => {
                    Value::Unassigned
                }
                _ => continue,
            };
            let global = crate::environment::Global {
                name: name.clone(),
                value,
            };
            put(environment, name, Binding::Variable(Shared::new(global)));
        }
    }
}
