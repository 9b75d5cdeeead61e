//! Output. R7RS 6.13.3.

use super::arguments::{byte, bytes, character, string};
use super::index::range;
use super::ports::{free, with_open};
use super::{Compute, Table};
use crate::condition::Fault;
use crate::primitive::{Action, Answer, Primitive};
use crate::value::Value;
use crate::world::World;
use crate::writer::{self, Style};

pub(super) const TABLE: Table = &[
    output("write", 1, 2, |world, args| {
        write(world, args, Style::Write, "write")
    }),
    output("write-shared", 1, 2, |world, args| {
        write(world, args, Style::Shared, "write-shared")
    }),
    output("write-simple", 1, 2, |world, args| {
        write(world, args, Style::Simple, "write-simple")
    }),
    output("display", 1, 2, |world, args| {
        write(world, args, Style::Display, "display")
    }),
    output("newline", 0, 1, |world, args| {
        put("\n", &args[0], world, "newline")
    }),
    output("write-char", 1, 2, |world, args| {
        let c = character(&args[0], "write-char")?;
        put(c.encode_utf8(&mut [0; 4]), &args[1], world, "write-char")
    }),
    output("write-string", 1, 4, |world, args| {
        let by = "write-string";
        let text: String = string(&args[0], by)?.with(|text| {
            let range = range(&args[2..], text.characters.len(), by)?;
            world.reserve(range.len().saturating_mul(4))?;
            Ok::<_, Box<Fault>>(text.characters[range].iter().collect())
        })?;
        put(&text, &args[1], world, by)
    }),
    output("write-u8", 1, 2, |world, args| {
        put_bytes(&[byte(&args[0], "write-u8")?], &args[1], world, "write-u8")
    }),
    output("write-bytevector", 1, 4, |world, args| {
        let by = "write-bytevector";
        bytes(&args[0], by)?.with(|bytes| {
            let range = range(&args[2..], bytes.bytes.len(), by)?;
            put_bytes(&bytes.bytes[range], &args[1], world, by)
        })
    }),
    output("flush-output-port", 0, 1, |_, args| {
        with_open(&args[0], "flush-output-port", |port| {
            if port.is_input() {
                return Err(Fault::expected(
                    "an output port",
                    &args[0],
                    "flush-output-port",
                ));
            }
            port.flush()
        })?;
        Ok(Value::Unspecified)
    }),
];

/// A procedure whose argument after the first `least` is a port, which a range may follow.
const fn output(name: &'static str, least: usize, most: usize, compute: Compute) -> Primitive {
    Primitive::new(name, least, Some(most), Action::Output(least, compute))
}

fn write(world: &mut World, args: &[Value], style: Style, by: &str) -> Answer {
    /// Where nothing else limits it.
    const MOST: usize = 1 << 28;
    let (mut text, mut work) = (String::new(), world.work());
    let limit = MOST.min(free(world) / 2);
    let written = writer::write(&args[0], style, limit, &mut work, &mut text);
    world.fuel.products(work.done());
    written?;
    put(&text, &args[1], world, by)
}

fn put(text: &str, to: &Value, world: &mut World, by: &str) -> Answer {
    with_open(to, by, |port| {
        let written = port.write_text(text, world);
        written.unwrap_or_else(|| Err(Fault::expected("a textual output port", to, by)))
    })?;
    Ok(Value::Unspecified)
}

fn put_bytes(bytes: &[u8], to: &Value, world: &mut World, by: &str) -> Answer {
    with_open(to, by, |port| {
        let written = port.write_bytes(bytes, world);
        written.unwrap_or_else(|| Err(Fault::expected("a binary output port", to, by)))
    })?;
    Ok(Value::Unspecified)
}
