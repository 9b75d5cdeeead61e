//! `cond-expand` and `include`.

use std::path::{Path, PathBuf};

use super::Core;
use super::datum::{is_identifier, spelling};
use super::expand::Expansion;
use super::expander::Answer;
use crate::primitives::FEATURES;
use crate::value::Value;

/// The path of a file that is beside a source.
pub(super) fn beside(source: &str, name: &str) -> PathBuf {
    let folder = Path::new(source).parent();
    folder.map_or_else(|| name.into(), |folder| folder.join(name))
}

impl Expansion<'_> {
    /// The forms of the first clause of a `cond-expand` whose requirement is met.
    pub(super) fn cond_expand(&mut self, form: &Value) -> Answer<Vec<Value>> {
        let clauses = self.items(form, 1)?;
        for clause in &clauses[1..] {
            let mut items = self.list(clause, form)?;
            if items.is_empty() {
                return Err(self.fault("this clause is empty", form));
            }
            let forms = items.split_off(1);
            if self.is_met(&items[0], form)? {
                return Ok(forms);
            }
        }
        Ok(Vec::new())
    }

    /// Whether a requirement is met. Its words are told by their spelling.
    fn is_met(&mut self, requirement: &Value, form: &Value) -> Answer<bool> {
        if is_identifier(requirement) {
            let name = spelling(requirement);
            return Ok(name.as_str() == "else" || FEATURES.contains(&name.as_str()));
        }
        let items = self.list(requirement, form)?;
        let [word, rest @ ..] = &items[..] else {
            return Err(self.malformed(form));
        };
        if !is_identifier(word) {
            return Err(self.malformed(form));
        }
        self.deeper(form)?;
        let met = match (spelling(word).as_str(), rest) {
            ("and", rest) => {
                let mut all = true;
                for requirement in rest {
                    all = all && self.is_met(requirement, form)?;
                }
                all
            }
            ("or", rest) => {
                let mut any = false;
                for requirement in rest {
                    any = any || self.is_met(requirement, form)?;
                }
                any
            }
            ("not", [requirement]) => !self.is_met(requirement, form)?,
            ("library", [name]) => {
                let name = self.library_name(name)?;
                self.has_library(&name)?
            }
            _ => return Err(self.fault("this is no requirement of cond-expand", requirement)),
        };
        self.depth -= 1;
        Ok(met)
    }

    /// The forms of the files that an `include` names.
    pub(super) fn include(&mut self, core: Core, form: &Value) -> Answer<Vec<Value>> {
        let names = self.items(form, 2)?;
        let mut forms = Vec::new();
        for name in &names[1..] {
            let Value::String(name) = name else {
                return Err(self.malformed(form));
            };
            let name: String = name.with(|name| name.characters.iter().collect());
            let path = self.path(&name);
            let found = self.file(&path, core == Core::IncludeCi, form)?;
            let Some(found) = found else {
                return Err(self.fault(format!("there is no file {}", path.display()), form));
            };
            forms.extend(found);
        }
        Ok(forms)
    }

    /// The path of a file that is named here: it is beside the source.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        let from = self.here.as_ref().map(|place| &*place.source);
        from.map_or_else(|| name.into(), |from| beside(from, name))
    }

    /// The forms of a file, if there is one.
    pub(super) fn file(
        &mut self,
        path: &Path,
        fold: bool,
        form: &Value,
    ) -> Answer<Option<Vec<Value>>> {
        // A file that includes itself is met here.
        if self.included.len() >= self.expander.limits.depth as usize {
            return Err(self.fault("too many files are included", form));
        }
        let found = self.expander.host.file(path, fold)?;
        Ok(found.map(|source| {
            self.included.push(source.places);
            source.forms
        }))
    }
}
