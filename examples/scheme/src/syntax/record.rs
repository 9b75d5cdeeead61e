//! `define-record-type`.
//!
//! Each evaluation makes another type: the definition is of calls of procedures that make the
//! type and what belongs to it.

use super::datum::{is_identifier, spelling};
use super::expand::Expansion;
use super::expander::Answer;
use crate::expr::Expr;
use crate::value::Value;

/// The parts of a definition.
pub(super) struct RecordForm {
    /// What is defined: first the type, then those of the procedures.
    pub(super) names: Vec<Value>,
    /// The names of the fields.
    fields: Vec<Value>,
    /// What the procedures do.
    procedures: Vec<Does>,
}

enum Does {
    Make(Vec<usize>),
    Is,
    Get(usize),
    Set(usize),
}

impl Expansion<'_> {
    pub(super) fn record_form(&self, form: &Value) -> Answer<RecordForm> {
        let items = self.items(form, 4)?;
        let [_, name, constructor, predicate, specs @ ..] = &items[..] else {
            return Err(self.malformed(form));
        };
        let mut record = RecordForm {
            names: vec![name.clone()],
            fields: Vec::new(),
            procedures: Vec::new(),
        };
        let mut accessors = Vec::new();
        for spec in specs {
            let parts = match spec {
                spec if is_identifier(spec) => vec![spec.clone()],
                spec => self.list(spec, form)?,
            };
            let index = record.fields.len();
            let [field, procedures @ ..] = &parts[..] else {
                return Err(self.malformed(form));
            };
            if record.fields.iter().any(|known| known.is_eq(field)) {
                let message = format!("the field {} is there twice", spelling(field));
                return Err(self.fault(message, form));
            }
            record.fields.push(field.clone());
            match procedures {
                [] => {}
                [get] => accessors.push((get.clone(), Does::Get(index))),
                [get, set] => {
                    accessors.push((get.clone(), Does::Get(index)));
                    accessors.push((set.clone(), Does::Set(index)));
                }
                _ => return Err(self.malformed(form)),
            }
        }
        if is_identifier(constructor) {
            let all = (0..record.fields.len()).collect();
            record.add(constructor, Does::Make(all));
        } else if constructor.is_true() {
            let parts = self.list(constructor, form)?;
            let [name, fields @ ..] = &parts[..] else {
                return Err(self.malformed(form));
            };
            let mut indices = Vec::new();
            for field in fields {
                let known = record.fields.iter().position(|known| known.is_eq(field));
                match known {
                    Some(index) if !indices.contains(&index) => indices.push(index),
                    _ => {
                        let message =
                            "the constructor wants each of the type's fields once at most";
                        return Err(self.fault(message, form));
                    }
                }
            }
            record.add(name, Does::Make(indices));
        }
        if predicate.is_true() {
            record.add(predicate, Does::Is);
        }
        for (name, does) in accessors {
            record.add(&name, does);
        }
        let identifiers = record.names.iter().chain(&record.fields);
        if !identifiers.into_iter().all(is_identifier) {
            return Err(self.malformed(form));
        }
        Ok(record)
    }

    /// The values of all that is defined, where `of` is the type.
    pub(super) fn record_values(
        &self,
        record: &RecordForm,
        of: impl Fn() -> Expr,
    ) -> Answer<Vec<Expr>> {
        let symbol = |name| Expr::Constant(Value::Symbol(spelling(name)));
        let index = |index: usize| Value::integer(i64::try_from(index).unwrap_or(i64::MAX));
        let fields = record
            .fields
            .iter()
            .map(|field| Value::Symbol(spelling(field)));
        let fields = Expr::Constant(Value::list(fields));
        let name = symbol(&record.names[0]);
        let mut values = vec![self.call("%make-record-type", vec![name, fields])?];
        for (name, does) in record.names[1..].iter().zip(&record.procedures) {
            let (primitive, what) = match does {
                Does::Make(indices) => {
                    let indices = indices.iter().map(|at| index(*at));
                    ("%record-constructor", Some(Value::list(indices)))
                }
                Does::Is => ("%record-predicate", None),
                Does::Get(at) => ("%record-accessor", Some(index(*at))),
                Does::Set(at) => ("%record-modifier", Some(index(*at))),
            };
            let mut arguments = vec![of()];
            arguments.extend(what.map(Expr::Constant));
            arguments.push(symbol(name));
            values.push(self.call(primitive, arguments)?);
        }
        Ok(values)
    }
}

impl RecordForm {
    fn add(&mut self, name: &Value, does: Does) {
        self.names.push(name.clone());
        self.procedures.push(does);
    }
}
