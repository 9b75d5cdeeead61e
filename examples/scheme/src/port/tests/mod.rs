//! Ports, by the procedures that programs have.

mod files;

use proptest::prelude::*;
use segno::snapshot::Shared;

use super::Port;
use crate::condition::Fault;
use crate::primitive::Action;
use crate::primitives;
use crate::reader::{Cursor, Options, Reader};
use crate::value::{ConditionKind, Value};
use crate::world::{Files, Heap, Sandbox, World};
use crate::writer::{Style, to_text};

fn world(files: Files) -> World {
    let sandbox = Sandbox {
        files,
        ..Sandbox::default()
    };
    World {
        transcript: Some(String::new()),
        ..World::bare(sandbox)
    }
}

/// Calls a procedure; where the port is left out, it gets that of the console.
fn try_call(world: &mut World, name: &str, args: &[Value]) -> Result<Value, Box<Fault>> {
    let primitive = primitives::all().find(|primitive| primitive.name == name);
    let primitive = primitive.unwrap_or_else(|| panic!("there is no {name}"));
    assert!(primitive.takes(args.len()), "{name}");
    let mut args = args.to_vec();
    let (compute, default) = match primitive.action {
        Action::Plain(compute) => (compute, None),
        Action::Input(at, compute) => (compute, Some((at, world.input.value.clone()))),
        Action::Output(at, compute) => (compute, Some((at, world.output.value.clone()))),
        Action::Control(_) => panic!("{name} does not only compute"),
    };
    if let Some((at, port)) = default
        && args.len() == at
    {
        args.push(port);
    }
    compute(world, &args)
}

#[track_caller]
fn call(world: &mut World, name: &str, args: &[Value]) -> Value {
    try_call(world, name, args).unwrap()
}

/// What a call answers, written.
#[track_caller]
fn shown(world: &mut World, name: &str, args: &[Value]) -> String {
    let value = call(world, name, args);
    to_text(&value, Style::Write, 10_000).unwrap()
}

#[track_caller]
fn fails(world: &mut World, name: &str, args: &[Value], kind: ConditionKind) {
    match try_call(world, name, args) {
        Ok(value) => panic!("{name} answers {value:?}"),
        Err(fault) => assert_eq!(fault.kind, kind, "{fault:?}"),
    }
}

fn datum(text: &str) -> Value {
    let mut reader = Reader::new(Cursor::new(text), "", Options::default());
    reader.read(None).unwrap().unwrap()
}

fn string(text: &str) -> Value {
    Value::string(text)
}

fn n(n: i64) -> Value {
    Value::integer(n)
}

#[test]
fn text_from_strings() {
    let world = &mut world(Files::None);
    let port = call(
        world,
        "open-input-string",
        &[string("aλ (b . c) d\r\ne\rf\n\ng")],
    );
    let on = std::slice::from_ref(&port);
    assert_eq!(shown(world, "peek-char", on), "#\\a");
    assert_eq!(shown(world, "read-char", on), "#\\a");
    assert_eq!(shown(world, "read-string", &[n(1), port.clone()]), "\"λ\"");
    assert_eq!(shown(world, "read-string", &[n(0), port.clone()]), "\"\"");
    assert_eq!(shown(world, "read", on), "(b . c)");
    for line in ["\" d\"", "\"e\"", "\"f\"", "\"\""] {
        assert_eq!(shown(world, "read-line", on), line);
    }
    assert_eq!(shown(world, "char-ready?", on), "#t");
    assert_eq!(
        shown(world, "read-string", &[n(1 << 60), port.clone()]),
        "\"g\""
    );
    for name in ["read-line", "read-char", "peek-char", "read"] {
        assert_eq!(shown(world, name, on), "#<eof>", "{name}");
    }
    assert_eq!(shown(world, "read-string", &[n(1), port.clone()]), "#<eof>");
    assert_eq!(shown(world, "read-string", &[n(0), port.clone()]), "\"\"");
    assert_eq!(shown(world, "eof-object?", &[Value::Eof]), "#t");
    let empty = call(world, "open-input-string", &[string("\n")]);
    assert_eq!(shown(world, "read-line", &[empty]), "\"\"");
}

#[test]
fn reading_tells_what_is_wrong() {
    let world = &mut world(Files::None);
    for text in ["(a", ")", "#<x>"] {
        let port = call(world, "open-input-string", &[string(text)]);
        fails(world, "read", &[port], ConditionKind::Read);
    }
    // The directive lasts from one datum to the next.
    let port = call(
        world,
        "open-input-string",
        &[string("#!fold-case A B #!no-fold-case C")],
    );
    for name in ["a", "b", "C"] {
        assert_eq!(shown(world, "read", std::slice::from_ref(&port)), name);
    }
}

#[test]
fn text_to_strings() {
    let world = &mut world(Files::None);
    let port = call(world, "open-output-string", &[]);
    let value = datum("(a \"b\" #\\c)");
    for name in ["write", "display", "write-shared", "write-simple"] {
        call(world, name, &[value.clone(), port.clone()]);
        call(world, "newline", std::slice::from_ref(&port));
    }
    call(world, "write-char", &[Value::from('λ'), port.clone()]);
    call(world, "write-string", &[string("abcd"), port.clone()]);
    call(world, "write-string", &[string("abcd"), port.clone(), n(1)]);
    call(
        world,
        "write-string",
        &[string("abcd"), port.clone(), n(1), n(3)],
    );
    let outside = [string("abcd"), port.clone(), n(3), n(5)];
    fails(world, "write-string", &outside, ConditionKind::Program);
    let text = call(world, "get-output-string", &[port]);
    let expected = "(a \"b\" #\\c)\n(a b c)\n(a \"b\" #\\c)\n(a \"b\" #\\c)\nλabcdbcdbc";
    assert_eq!(to_text(&text, Style::Display, 1000).unwrap(), expected);
}

#[test]
fn bytes_in_and_out() {
    let world = &mut world(Files::None);
    let port = call(world, "open-output-bytevector", &[]);
    call(world, "write-u8", &[n(1), port.clone()]);
    let bytes = datum("#u8(2 3 4)");
    call(world, "write-bytevector", &[bytes.clone(), port.clone()]);
    call(
        world,
        "write-bytevector",
        &[bytes, port.clone(), n(1), n(2)],
    );
    let written = call(world, "get-output-bytevector", &[port]);
    assert_eq!(
        to_text(&written, Style::Write, 1000).unwrap(),
        "#u8(1 2 3 4 3)"
    );
    let port = call(world, "open-input-bytevector", &[written]);
    let on = std::slice::from_ref(&port);
    assert_eq!(shown(world, "peek-u8", on), "1");
    assert_eq!(shown(world, "read-u8", on), "1");
    assert_eq!(shown(world, "u8-ready?", on), "#t");
    assert_eq!(
        shown(world, "read-bytevector", &[n(2), port.clone()]),
        "#u8(2 3)"
    );
    let into = datum("#u8(0 0 0 0)");
    let into_middle = [into.clone(), port.clone(), n(1), n(2)];
    assert_eq!(shown(world, "read-bytevector!", &into_middle), "1");
    assert_eq!(
        shown(
            world,
            "read-bytevector!",
            &[into.clone(), port.clone(), n(2)]
        ),
        "1"
    );
    assert_eq!(to_text(&into, Style::Write, 100).unwrap(), "#u8(0 4 3 0)");
    assert_eq!(
        shown(world, "read-bytevector!", &[into.clone(), port.clone()]),
        "#<eof>"
    );
    assert_eq!(
        shown(world, "read-bytevector!", &[into, port.clone(), n(4)]),
        "0"
    );
    assert_eq!(
        shown(world, "read-bytevector", &[n(0), port.clone()]),
        "#u8()"
    );
    assert_eq!(
        shown(world, "read-bytevector", &[n(1), port.clone()]),
        "#<eof>"
    );
    assert_eq!(shown(world, "read-u8", on), "#<eof>");
    assert_eq!(shown(world, "peek-u8", on), "#<eof>");
}

#[test]
fn kinds_of_ports() {
    let world = &mut world(Files::None);
    let ports = [
        call(world, "open-input-string", &[string("")]),
        call(world, "open-output-string", &[]),
        call(world, "open-input-bytevector", &[datum("#u8()")]),
        call(world, "open-output-bytevector", &[]),
        world.input.value.clone(),
        world.output.value.clone(),
        Value::Null,
    ];
    for (question, answers) in [
        ("port?", "ttttttf"),
        ("input-port?", "tftftff"),
        ("output-port?", "ftftftf"),
        ("textual-port?", "ttffttf"),
        ("binary-port?", "ffttfff"),
    ] {
        for (port, answer) in ports.iter().zip(answers.chars()) {
            let answered = shown(world, question, std::slice::from_ref(port));
            assert_eq!(answered, format!("#{answer}"), "{question}");
        }
    }
    // Each procedure wants its kind.
    for (index, good) in [
        (
            0,
            ["read", "read-char", "peek-char", "read-line", "char-ready?"].as_slice(),
        ),
        (
            1,
            ["newline", "flush-output-port", "get-output-string"].as_slice(),
        ),
        (2, ["read-u8", "peek-u8", "u8-ready?"].as_slice()),
        (3, ["get-output-bytevector", "flush-output-port"].as_slice()),
    ] {
        for name in good {
            assert!(
                try_call(world, name, &ports[index..=index]).is_ok(),
                "{name}"
            );
            for bad in (0..4).chain([6]).filter(|bad| *bad != index) {
                if *name != "flush-output-port" || bad % 2 == 0 {
                    fails(world, name, &ports[bad..=bad], ConditionKind::Program);
                }
            }
        }
    }
}

#[test]
fn closed_ports() {
    let world = &mut world(Files::None);
    for (open, argument, asks, closes, other) in [
        (
            "open-input-string",
            Some("\"a\""),
            "input-port-open?",
            "close-input-port",
            "close-output-port",
        ),
        (
            "open-input-bytevector",
            Some("#u8(1)"),
            "input-port-open?",
            "close-port",
            "close-output-port",
        ),
        (
            "open-output-string",
            None,
            "output-port-open?",
            "close-output-port",
            "close-input-port",
        ),
        (
            "open-output-bytevector",
            None,
            "output-port-open?",
            "close-port",
            "close-input-port",
        ),
    ] {
        let argument: Vec<_> = argument.iter().map(|text| datum(text)).collect();
        let port = call(world, open, &argument);
        let on = std::slice::from_ref(&port);
        assert_eq!(shown(world, asks, on), "#t");
        fails(world, other, on, ConditionKind::Program);
        for _ in 0..2 {
            call(world, closes, on);
            assert_eq!(shown(world, asks, on), "#f");
        }
        assert_eq!(shown(world, "port?", on), "#t");
        for name in [
            "read-char",
            "read-u8",
            "read",
            "newline",
            "flush-output-port",
        ] {
            fails(world, name, on, ConditionKind::Program);
        }
    }
}

#[test]
fn the_console_goes_to_the_transcript() {
    let world = &mut world(Files::None);
    call(world, "write", &[string("a")]);
    call(world, "newline", &[]);
    let error = world.error.value.clone();
    call(world, "display", &[string("b"), error]);
    assert_eq!(world.transcript.as_deref(), Some("\"a\"\nb"));
}

#[test]
fn memory_is_limited() {
    let world = &mut world(Files::None);
    world.sandbox.heap = Some(Heap {
        limit: 1_000_000,
        used: || 900_000,
    });
    let endless = datum("#0=(a . #0#)");
    let port = call(world, "open-output-string", &[]);
    fails(
        world,
        "write-simple",
        &[endless.clone(), port.clone()],
        ConditionKind::Limit,
    );
    assert_eq!(
        shown(world, "get-output-string", std::slice::from_ref(&port)),
        "\"\""
    );
    call(world, "write", &[endless, port.clone()]);
    let long = string(&"a".repeat(20_000));
    let fill = |world: &mut World, port: &Value| {
        (0..100).find_map(|_| try_call(world, "display", &[long.clone(), port.clone()]).err())
    };
    assert_eq!(fill(world, &port).unwrap().kind, ConditionKind::Limit);
    let console = world.output.value.clone();
    assert_eq!(fill(world, &console).unwrap().kind, ConditionKind::Limit);
    let text = string(&"(".repeat(20_000));
    let port = call(world, "open-input-string", &[text]);
    fails(world, "read", &[port], ConditionKind::Limit);
}

proptest! {
    /// A port that somebody has forged is a port, or none: it does no harm.
    #[test]
    fn forged_ports_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(port) = postcard::from_bytes::<Port>(&bytes) {
            let is_console = port.is_input() && bytes.contains(&1);
            let port = Value::Port(Shared::new(port));
            let world = &mut world(Files::None);
            for name in ["read", "read-char", "read-line", "read-u8", "newline", "close-port"] {
                // It might wait for the console.
                if !is_console || name == "newline" {
                    drop(try_call(world, name, std::slice::from_ref(&port)));
                }
            }
        }
    }

    /// What is written to a port and read from it is the same, however it is read.
    #[test]
    fn text_goes_through(text in any::<String>(), parts in proptest::collection::vec(1..9_i64, 0..9)) {
        let world = &mut world(Files::None);
        let out = call(world, "open-output-string", &[]);
        call(world, "write-string", &[string(&text), out.clone()]);
        let written = call(world, "get-output-string", &[out]);
        let port = call(world, "open-input-string", &[written]);
        let again = call(world, "open-output-string", &[]);
        for part in parts.into_iter().chain([i64::MAX]) {
            let read = call(world, "read-string", &[n(part), port.clone()]);
            if matches!(read, Value::String(_)) {
                call(world, "display", &[read, again.clone()]);
            }
        }
        let again = call(world, "get-output-string", &[again]);
        prop_assert_eq!(to_text(&again, Style::Display, 1 << 20).unwrap(), text);
    }
}
