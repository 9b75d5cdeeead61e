//! Records. `define-record-type` expands to calls of what is here.

use std::mem;

use segno::snapshot::{Constant, Shared};

use super::arguments::{items, symbol};
use super::{Table, fixed, optional};
use crate::arity;
use crate::condition::Fault;
use crate::primitive::Answer;
use crate::symbol::Symbol;
use crate::value::{Record, RecordAction, RecordProcedure, RecordType, Value};

pub(super) const TABLE: Table = &[
    fixed("%make-record-type", 2, |_, args| {
        let name = symbol(&args[0], "%make-record-type")?.clone();
        let mut fields: Vec<Symbol> = Vec::new();
        for field in items(&args[1], "%make-record-type")? {
            let field = symbol(&field, "%make-record-type")?;
            if fields.contains(field) {
                let message = "%make-record-type: two fields of the same name";
                return Err(Fault::new(message, [Value::Symbol(field.clone())]));
            }
            fields.push(field.clone());
        }
        Ok(Value::RecordType(Constant::new(RecordType {
            name,
            fields,
        })))
    }),
    // Each has a name of its own as an optional last argument, for errors.
    optional("%record-constructor", 2, 3, |_, args| {
        let of = record_type(&args[0], "%record-constructor")?;
        let mut filled = vec![false; of.fields.len()];
        let mut order = Vec::new();
        for index in items(&args[1], "%record-constructor")? {
            let at = field(of, &index, "%record-constructor")?;
            if mem::replace(&mut filled[at as usize], true) {
                return Err(Fault::expected(
                    "fields that differ",
                    &args[1],
                    "%record-constructor",
                ));
            }
            order.push(at);
        }
        let name = format!("make-{}", of.name);
        procedure(of, args.get(2), &name, RecordAction::Make(order))
    }),
    optional("%record-predicate", 1, 2, |_, args| {
        let of = record_type(&args[0], "%record-predicate")?;
        procedure(of, args.get(1), &format!("{}?", of.name), RecordAction::Is)
    }),
    optional("%record-accessor", 2, 3, |_, args| {
        let of = record_type(&args[0], "%record-accessor")?;
        let at = field(of, &args[1], "%record-accessor")?;
        let name = format!("{}-{}", of.name, of.fields[at as usize]);
        procedure(of, args.get(2), &name, RecordAction::Get(at))
    }),
    optional("%record-modifier", 2, 3, |_, args| {
        let of = record_type(&args[0], "%record-modifier")?;
        let at = field(of, &args[1], "%record-modifier")?;
        let name = format!("set-{}-{}!", of.name, of.fields[at as usize]);
        procedure(of, args.get(2), &name, RecordAction::Set(at))
    }),
];

fn record_type<'a>(value: &'a Value, by: &str) -> Result<&'a Constant<RecordType>, Box<Fault>> {
    match value {
        Value::RecordType(of) => Ok(of),
        _ => Err(Fault::expected("a record type", value, by)),
    }
}

/// The index of a field, which there is.
fn field(of: &RecordType, index: &Value, by: &str) -> Result<u32, Box<Fault>> {
    let index = super::index::index(index, of.fields.len(), by)?;
    u32::try_from(index).map_err(|_| Fault::limit(format!("{by}: too many fields")))
}

fn procedure(
    of: &Constant<RecordType>,
    name: Option<&Value>,
    default: &str,
    does: RecordAction,
) -> Answer {
    let name = match name {
        Some(Value::Symbol(name)) => name.clone(),
        _ => Symbol::new(default),
    };
    let of = of.clone();
    Ok(Value::RecordProcedure(Constant::new(RecordProcedure {
        name,
        of,
        does,
    })))
}

/// Applies a procedure of a record type.
///
/// # Errors
///
/// Not so many arguments are wanted, or the first is no record of the type.
#[inline]
pub fn apply_record(procedure: &RecordProcedure, args: &[Value]) -> Answer {
    match (&procedure.does, args) {
        (RecordAction::Get(index), [Value::Record(record)]) => {
            let get = |record: &Record| {
                let found = record.fields.get(*index as usize).cloned();
                found.filter(|_| record.of.same(&procedure.of))
            };
            record.with(get).ok_or_else(|| wrong(procedure, args))
        }
        (RecordAction::Is, [value]) => Ok(match value {
            Value::Record(record) => record.with(|record| record.of.same(&procedure.of)),
            _ => false,
        }
        .into()),
        (RecordAction::Make(order), _) if order.len() == args.len() => {
            let mut fields = vec![Value::Unspecified; procedure.of.fields.len()];
            for (index, value) in order.iter().zip(args) {
                let field = fields.get_mut(*index as usize);
                *field.ok_or_else(|| wrong(procedure, args))? = value.clone();
            }
            let of = procedure.of.clone();
            Ok(Value::Record(Shared::new(Record { of, fields })))
        }
        (RecordAction::Set(index), [Value::Record(record), value]) => {
            let set = |record: &mut Record| {
                let of = &record.of;
                let field = record.fields.get_mut(*index as usize);
                let field = field.filter(|_| of.same(&procedure.of))?;
                Some(mem::replace(field, value.clone()))
            };
            // The old value is dropped where nobody holds the record.
            let old = record.update(set);
            old.map(|_| Value::Unspecified)
                .ok_or_else(|| wrong(procedure, args))
        }
        _ => Err(wrong(procedure, args)),
    }
}

/// What is wrong with the arguments.
#[cold]
fn wrong(procedure: &RecordProcedure, args: &[Value]) -> Box<Fault> {
    let wanted = match &procedure.does {
        RecordAction::Make(order) => order.len(),
        RecordAction::Is | RecordAction::Get(_) => 1,
        RecordAction::Set(_) => 2,
    };
    let name = &procedure.name;
    if args.len() != wanted {
        let message = arity::message(name.as_str(), &wanted.to_string(), args.len());
        return Fault::new(message, args);
    }
    let message = format!("{name}: expected a {}", procedure.of.name);
    Fault::new(message, args.get(..1).unwrap_or_default())
}
