//! A program that runs to its end, or until it stops.

use segno_scheme::interpreter::{Interpreter, Outcome};
use segno_scheme::value::Value;
use segno_scheme::world::Files;
use segno_scheme::writer::brief;

use super::arguments::{Options, Teleport};
use super::source::Sources;
use super::stop::{FAILED, LIMIT, SUSPENDED, Stop};
use super::{console, files, report, sandbox};

/// Runs what is there. Answers the status of the process.
pub(super) fn drive(
    mut interpreter: Interpreter,
    options: &Options,
    files: &Files,
    sources: &Sources,
) -> Result<u8, Stop> {
    let (mut fuel, mut captures) = (options.fuel, 0_u64);
    loop {
        let before = interpreter.steps();
        let outcome = interpreter.run(fuel);
        if fuel != u64::MAX {
            fuel = fuel.saturating_sub(interpreter.steps() - before);
        }
        match outcome {
            Outcome::Captured => {
                captures += 1;
                if captures % options.every == 0 {
                    interpreter = teleport(interpreter, options, files)?;
                }
                answer(&mut interpreter, Value::Unspecified)?;
            }
            Outcome::Done(_) => return Ok(not_saved(0, options)),
            Outcome::Exited(status) => {
                return Ok(not_saved(u8::try_from(status & 0xff).unwrap_or(1), options));
            }
            Outcome::Suspended(value) => {
                let what = format!("suspended: {}\n", brief(&value));
                return save(&mut interpreter, options, &what, SUSPENDED);
            }
            Outcome::OutOfFuel => {
                let what = format!("out of fuel after {} steps\n", options.fuel);
                return save(&mut interpreter, options, &what, LIMIT);
            }
            Outcome::Uncaught(raised) => {
                let is_limit = sandbox::is_limit(&raised);
                let report = report::report(&raised, &mut interpreter, sources);
                console::say(&mut interpreter.world, &report);
                return Ok(not_saved(if is_limit { LIMIT } else { FAILED }, options));
            }
        }
    }
}

/// Answers a program that has suspended.
pub(super) fn answer(interpreter: &mut Interpreter, value: Value) -> Result<(), Stop> {
    let answered = interpreter.answer(value);
    answered.map_err(|refusal| Stop::failed(format!("the program does not go on: {refusal}")))
}

/// The bytes of a program and its world.
pub(super) fn bytes(interpreter: &mut Interpreter) -> Result<Vec<u8>, Stop> {
    // What was printed belongs to what is saved.
    console::flush();
    let saved = interpreter.save();
    saved.map_err(|error| Stop::failed(format!("this cannot be saved: {error}")))
}

/// Saves a program where the user has said, and says why it has stopped: in this order, since it
/// is saved even if nobody reads that.
fn save(
    interpreter: &mut Interpreter,
    options: &Options,
    why: &str,
    status: u8,
) -> Result<u8, Stop> {
    let saved = match &options.save {
        Some(path) => bytes(interpreter).and_then(|bytes| files::write(path, &bytes)),
        None => Ok(()),
    };
    console::say(&mut interpreter.world, why);
    saved.map(|()| status)
}

/// Says that there is nothing to save, if the user has said where to.
fn not_saved(status: u8, options: &Options) -> u8 {
    if let Some(path) = &options.save {
        let path = path.display();
        console::complain(&format!("{path} was not written: the program has ended\n"));
    }
    status
}

fn teleport(
    mut interpreter: Interpreter,
    options: &Options,
    files: &Files,
) -> Result<Interpreter, Stop> {
    let bytes = bytes(&mut interpreter)?;
    if let Teleport::To(path) = &options.teleport {
        files::write(path, &bytes)?;
        die();
    }
    drop(interpreter);
    let mut next = sandbox::interpreter(options, files)?;
    let restored = next.restore(&bytes, sandbox::load_limits(options));
    restored.map_err(|error| Stop::failed(format!("what was saved cannot be loaded: {error}")))?;
    Ok(next)
}

/// Ends the process at once, as if somebody had killed it.
fn die() -> ! {
    #[cfg(unix)]
    drop(signal_hook::low_level::raise(signal_hook::consts::SIGKILL));
    std::process::abort()
}
