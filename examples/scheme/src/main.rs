//! The interpreter as a program.

use segno_scheme::interpreter::{Interpreter, Outcome, report};
use segno_scheme::world::{Files, Sandbox};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, file, ..] = &arguments[..] else {
        eprintln!("usage: segno-scheme run FILE");
        std::process::exit(2);
    };
    assert_eq!(command, "run");
    let sandbox = Sandbox {
        files: Files::All,
        ..Sandbox::default()
    };
    let mut interpreter = Interpreter::new(sandbox).unwrap_or_else(|f| panic!("{f:?}"));
    *interpreter.world.host.sources.borrow_mut() = Files::All;
    interpreter.world.teleports = arguments.iter().any(|a| a == "--teleport");
    let text = std::fs::read_to_string(file).expect("file");
    if let Err(fault) = interpreter.load(file, &text) {
        eprintln!(
            "{}",
            report(&segno_scheme::value::Value::Condition(
                segno::snapshot::Constant::new(fault.condition())
            ))
        );
        std::process::exit(1);
    }
    loop {
        match interpreter.run(u64::MAX) {
            Outcome::Done(_) => break,
            Outcome::Captured => {
                let bytes = interpreter.save().expect("saved");
                let mut next = Interpreter::new(interpreter.world.sandbox.clone()).unwrap();
                next.world.teleports = true;
                next.restore(&bytes, segno::snapshot::LoadLimits::default())
                    .expect("restored");
                interpreter = next;
                interpreter
                    .answer(segno_scheme::value::Value::Null)
                    .unwrap();
            }
            Outcome::Uncaught(value) => {
                eprintln!("{}", report(&value));
                std::process::exit(1);
            }
            Outcome::Exited(status) => std::process::exit(status),
            other => {
                eprintln!("{other:?}");
                break;
            }
        }
    }
}
