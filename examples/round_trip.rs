//! Round trips and nothing else, for tools that count instructions.
//!
//! ```text
//! round_trip segno|corosensei COUNT
//! ```
//!
//! Resumes a coroutine COUNT times with a `usize`, which it sends back. What the program
//! takes beside the round trips does not depend on COUNT, so the difference between two
//! runs is that of their round trips:
//!
//! ```text
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null target/release/examples/round_trip segno 100000
//! ```

use std::hint::black_box;
use std::process::ExitCode;

/// The same program on either crate.
macro_rules! round_trips {
    ($krate:ident) => {{
        use $krate::Coroutine;

        #[inline(never)]
        fn drive(coroutine: &mut Coroutine<usize, usize, ()>, count: usize) {
            for i in 0..count {
                black_box(coroutine.resume(black_box(i)));
            }
        }

        |count| {
            let mut echo = Coroutine::new(|yielder, mut value| {
                loop {
                    value = yielder.suspend(value);
                }
            });
            drive(&mut echo, count);
        }
    }};
}

fn run(engine: &str, count: usize) -> Result<(), String> {
    let round_trips: fn(usize) = match engine {
        "segno" => round_trips!(segno),
        "corosensei" => round_trips!(corosensei),
        _ => return Err(format!("no such crate: {engine}")),
    };
    round_trips(count);
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match &arguments[..] {
        [engine, count] => match count.parse() {
            Ok(count) => run(engine, count),
            Err(error) => Err(format!("{count}: {error}")),
        },
        _ => Err("usage: round_trip segno|corosensei COUNT".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

#[test]
fn round_trip() {
    assert_eq!(run("segno", 1000), Ok(()));
    assert_eq!(run("corosensei", 1000), Ok(()));
    assert!(run("elsewhere", 1000).is_err());
}
