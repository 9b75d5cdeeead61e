//! Ports: what they are, how they are opened and closed. R7RS 6.13.1.

use segno::snapshot::Shared;

use super::arguments::{bytes, string};
use super::{Table, fixed};
use crate::condition::Fault;
use crate::port::{FileOutput, Kind, Port, reserve};
use crate::primitive::Answer;
use crate::value::Value;
use crate::world::World;

pub(super) const TABLE: Table = &[
    fixed("%current-input-port", 0, |world, _| {
        Ok(Value::Parameter(world.input.clone()))
    }),
    fixed("%current-output-port", 0, |world, _| {
        Ok(Value::Parameter(world.output.clone()))
    }),
    fixed("port?", 1, |_, args| asks(&args[0], |_| true)),
    fixed("input-port?", 1, |_, args| asks(&args[0], Port::is_input)),
    fixed("output-port?", 1, |_, args| {
        asks(&args[0], |port| !port.is_input())
    }),
    fixed("textual-port?", 1, |_, args| {
        asks(&args[0], |port| !port.is_binary())
    }),
    fixed("binary-port?", 1, |_, args| asks(&args[0], Port::is_binary)),
    fixed("input-port-open?", 1, |_, args| {
        let port = directed(&args[0], true, "input-port-open?")?;
        Ok(port.with(|port| port.open).into())
    }),
    fixed("output-port-open?", 1, |_, args| {
        let port = directed(&args[0], false, "output-port-open?")?;
        Ok(port.with(|port| port.open).into())
    }),
    fixed("close-port", 1, |_, args| {
        close(port(&args[0], "close-port")?)
    }),
    fixed("close-input-port", 1, |_, args| {
        close(directed(&args[0], true, "close-input-port")?)
    }),
    fixed("close-output-port", 1, |_, args| {
        close(directed(&args[0], false, "close-output-port")?)
    }),
    fixed("open-input-string", 1, |world, args| {
        let text = string(&args[0], "open-input-string")?;
        let text: String = text.with(|text| {
            world.reserve(text.characters.len().saturating_mul(4))?;
            Ok::<_, Box<Fault>>(text.characters.iter().collect())
        })?;
        made(Port::text_input(text, "string"))
    }),
    fixed("open-output-string", 0, |_, _| {
        made(Port::new(Kind::TextOutput(String::new())))
    }),
    fixed("get-output-string", 1, |world, args| {
        let by = "get-output-string";
        port(&args[0], by)?.with(|port| match &port.kind {
            Kind::TextOutput(text) => {
                world.reserve(text.len().saturating_mul(4))?;
                Ok(Value::string(text))
            }
            _ => Err(Fault::expected("a string output port", &args[0], by)),
        })
    }),
    fixed("open-input-bytevector", 1, |world, args| {
        let bytes = bytes(&args[0], "open-input-bytevector")?;
        let bytes = bytes.with(|bytes| {
            world.reserve(bytes.bytes.len())?;
            Ok::<_, Box<Fault>>(bytes.bytes.clone())
        })?;
        made(Port::binary_input(bytes))
    }),
    fixed("open-output-bytevector", 0, |_, _| {
        made(Port::new(Kind::BinaryOutput(Vec::new())))
    }),
    fixed("get-output-bytevector", 1, |world, args| {
        let by = "get-output-bytevector";
        port(&args[0], by)?.with(|port| match &port.kind {
            Kind::BinaryOutput(bytes) => {
                reserve(0, 0, bytes.len(), world)?;
                Ok(Value::bytes(bytes.clone()))
            }
            _ => Err(Fault::expected("a bytevector output port", &args[0], by)),
        })
    }),
    fixed("open-input-file", 1, |world, args| {
        made(Port::text_file_input(
            &path(&args[0], "open-input-file")?,
            world,
        )?)
    }),
    fixed("open-binary-input-file", 1, |world, args| {
        let path = path(&args[0], "open-binary-input-file")?;
        made(Port::binary_file_input(&path, world)?)
    }),
    fixed("open-output-file", 1, |world, args| {
        let path = path(&args[0], "open-output-file")?;
        made(Port::new(Kind::TextFile(FileOutput::create(&path, world)?)))
    }),
    fixed("open-binary-output-file", 1, |world, args| {
        let path = path(&args[0], "open-binary-output-file")?;
        made(Port::new(Kind::BinaryFile(FileOutput::create(
            &path, world,
        )?)))
    }),
];

fn made(port: Port) -> Answer {
    Ok(Value::Port(Shared::new(port)))
}

fn asks(value: &Value, question: impl FnOnce(&Port) -> bool) -> Answer {
    Ok(match value {
        Value::Port(port) => port.with(question).into(),
        _ => false.into(),
    })
}

/// A port.
pub(super) fn port<'a>(value: &'a Value, by: &str) -> Result<&'a Shared<Port>, Box<Fault>> {
    match value {
        Value::Port(port) => Ok(port),
        _ => Err(Fault::expected("a port", value, by)),
    }
}

/// An input port, or an output port.
fn directed<'a>(value: &'a Value, input: bool, by: &str) -> Result<&'a Shared<Port>, Box<Fault>> {
    let what = if input {
        "an input port"
    } else {
        "an output port"
    };
    match value {
        Value::Port(port) if port.with(Port::is_input) == input => Ok(port),
        _ => Err(Fault::expected(what, value, by)),
    }
}

/// A port that is not closed, and may be changed.
pub(super) fn with_open<R>(
    value: &Value,
    by: &str,
    change: impl FnOnce(&mut Port) -> Result<R, Box<Fault>>,
) -> Result<R, Box<Fault>> {
    port(value, by)?.update(|port| {
        if port.open {
            change(port)
        } else {
            Err(Fault::new(
                format!("{by}: the port is closed"),
                [value.clone()],
            ))
        }
    })
}

fn close(port: &Shared<Port>) -> Answer {
    port.update(Port::close)?;
    Ok(Value::Unspecified)
}

/// The name of a file.
pub(super) fn path(value: &Value, by: &str) -> Result<String, Box<Fault>> {
    let name = string(value, by)?;
    Ok(name.with(|name| name.characters.iter().collect()))
}

/// How many bytes the program may still take.
pub(super) fn free(world: &World) -> usize {
    match world.sandbox.heap {
        Some(heap) => heap.limit.saturating_sub((heap.used)()),
        None => usize::MAX,
    }
}
