//! Input. R7RS 6.13.2.

use super::arguments::{bytes, count};
use super::index::{literal, range};
use super::ports::{free, with_open};
use super::{Compute, Table, fixed};
use crate::condition::Fault;
use crate::number::Limits;
use crate::port::{BinaryInput, Kind, TextInput, reserve};
use crate::primitive::{Action, Answer, Primitive};
use crate::reader::{Options, Reader, Source};
use crate::value::Value;
use crate::world::World;

pub(super) const TABLE: Table = &[
    input("read", 0, 1, read),
    input("read-char", 0, 1, |_, args| {
        with_text(&args[0], "read-char", |port| {
            let next = port.peek()?;
            port.advance();
            Ok(character(next))
        })
    }),
    input("peek-char", 0, 1, |_, args| {
        with_text(&args[0], "peek-char", |port| Ok(character(port.peek()?)))
    }),
    input("char-ready?", 0, 1, |_, args| {
        with_text(&args[0], "char-ready?", |port| Ok(port.is_ready().into()))
    }),
    input("read-line", 0, 1, |world, args| {
        with_text(&args[0], "read-line", |port| {
            let is_end = |c: char| c == '\n' || c == '\r';
            let line = take(port, usize::MAX, is_end, world)?;
            let end = port.peek()?;
            port.advance();
            if end == Some('\r') && port.peek()? == Some('\n') {
                port.advance();
            }
            Ok(if line.is_empty() && end.is_none() {
                Value::Eof
            } else {
                Value::text(line)
            })
        })
    }),
    input("read-string", 1, 2, |world, args| {
        let most = count(&args[0], "read-string")?;
        with_text(&args[1], "read-string", |port| {
            let text = take(port, most, |_| false, world)?;
            Ok(if text.is_empty() && most > 0 {
                Value::Eof
            } else {
                Value::text(text)
            })
        })
    }),
    input("read-u8", 0, 1, |_, args| {
        with_bytes(&args[0], "read-u8", |port| {
            let next = byte(port);
            port.advance(1.min(port.rest().len()));
            Ok(next)
        })
    }),
    input("peek-u8", 0, 1, |_, args| {
        with_bytes(&args[0], "peek-u8", |port| Ok(byte(port)))
    }),
    input("u8-ready?", 0, 1, |_, args| {
        with_bytes(&args[0], "u8-ready?", |_| Ok(true.into()))
    }),
    input("read-bytevector", 1, 2, |world, args| {
        let most = count(&args[0], "read-bytevector")?;
        with_bytes(&args[1], "read-bytevector", |port| {
            let count = most.min(port.rest().len());
            if count < most.min(1) {
                return Ok(Value::Eof);
            }
            world.reserve(count)?;
            let read = port.rest()[..count].to_vec();
            port.advance(count);
            Ok(Value::bytes(read))
        })
    }),
    input("read-bytevector!", 1, 4, read_into),
    fixed("eof-object", 0, |_, _| Ok(Value::Eof)),
    fixed("eof-object?", 1, |_, args| {
        Ok(matches!(args[0], Value::Eof).into())
    }),
];

/// A procedure whose last argument but `least` is a port, or that and a range.
const fn input(name: &'static str, least: usize, most: usize, compute: Compute) -> Primitive {
    Primitive::new(name, least, Some(most), Action::Input(least, compute))
}

fn with_text<R>(
    value: &Value,
    by: &str,
    read: impl FnOnce(&mut TextInput) -> Result<R, Box<Fault>>,
) -> Result<R, Box<Fault>> {
    with_open(value, by, |port| match &mut port.kind {
        Kind::TextInput(input) => read(input),
        _ => Err(Fault::expected("a textual input port", value, by)),
    })
}

fn with_bytes(value: &Value, by: &str, read: impl FnOnce(&mut BinaryInput) -> Answer) -> Answer {
    with_open(value, by, |port| match &mut port.kind {
        Kind::BinaryInput(input) => read(input),
        _ => Err(Fault::expected("a binary input port", value, by)),
    })
}

fn read(world: &mut World, args: &[Value]) -> Answer {
    let limit = free(world);
    let numbers = Limits::new(world.sandbox.number_bits);
    with_text(&args[0], "read", |port| {
        let (name, fold_case) = (port.name(), port.fold_case);
        let options = Options {
            literal: false,
            fold_case,
            limit,
            numbers,
            work: world.work(),
        };
        let mut reader = Reader::new(&mut *port, &name, options);
        let datum = reader.read(None);
        world.fuel.products(reader.work().done());
        port.fold_case = reader.folds_case();
        Ok(datum?.unwrap_or(Value::Eof))
    })
}

fn character(next: Option<char>) -> Value {
    next.map_or(Value::Eof, Value::from)
}

fn byte(port: &BinaryInput) -> Value {
    match port.rest() {
        [next, ..] => Value::integer((*next).into()),
        [] => Value::Eof,
    }
}

/// At most so many characters, up to one that ends them, which is left.
fn take(
    port: &mut TextInput,
    most: usize,
    ends: impl Fn(char) -> bool,
    world: &World,
) -> Result<Vec<char>, Box<Fault>> {
    let mut taken = Vec::new();
    while taken.len() < most
        && let Some(c) = port.peek()?
        && !ends(c)
    {
        let size = size_of::<char>();
        reserve(taken.len() * size, taken.capacity() * size, size, world)?;
        taken.push(c);
        port.advance();
    }
    Ok(taken)
}

fn read_into(_: &mut World, args: &[Value]) -> Answer {
    let by = "read-bytevector!";
    let to = bytes(&args[0], by)?;
    if to.with(|to| to.literal) {
        return Err(literal(&args[0], by));
    }
    let range = range(&args[2..], to.with(|to| to.bytes.len()), by)?;
    with_bytes(&args[1], by, |port| {
        let count = range.len().min(port.rest().len());
        if count < range.len().min(1) {
            return Ok(Value::Eof);
        }
        let at = range.start;
        to.update(|to| to.bytes[at..at + count].copy_from_slice(&port.rest()[..count]));
        port.advance(count);
        Ok(crate::number::Number::from(count).into())
    })
}
