//! `resume`

use std::path::Path;

use segno_scheme::reader::{Cursor, Options as Reading, Reader};
use segno_scheme::value::Value;

use super::arguments::Options;
use super::changed::Changed;
use super::snapshot::refused;
use super::source::Sources;
use super::stop::Stop;
use super::{drive, files, sandbox};

/// Goes on with the program in a snapshot.
pub(super) fn resume(
    snapshot: &Path,
    datum: Option<&str>,
    changed: Changed,
    options: &Options,
) -> Result<u8, Stop> {
    let answer = datum.map(read).transpose()?;
    let bytes = files::read(snapshot, options.heap)?;
    // Its sources are wherever it was saved. What it reads here, it was allowed.
    let mut interpreter = sandbox::interpreter(options, &options.files)?;
    let restored = interpreter.restore(&bytes, sandbox::load_limits(options));
    restored.map_err(|error| refused(snapshot, &bytes, "resumed", &error))?;
    let path = snapshot.display();
    drop(bytes);
    if !interpreter.is_running() {
        let message = format!("{path} has no program that waits: it is a session, for `,load`");
        return Err(Stop::failed(message));
    }
    let answered = changed.apply(&mut interpreter, answer.as_ref(), options)?;
    match (interpreter.is_suspended(), answer) {
        _ if answered => {}
        (true, answer) => drive::answer(&mut interpreter, answer.unwrap_or(Value::Unspecified))?,
        (false, None) => {}
        (false, Some(_)) => {
            let message = format!("the program in {path} was out of fuel, and wants no answer");
            return Err(Stop::usage(message));
        }
    }
    let sources = Sources::among(&options.files);
    drive::drive(interpreter, options, &options.files, &sources)
}

/// The datum in an argument.
pub(super) fn read(text: &str) -> Result<Value, Stop> {
    let mut reader = Reader::new(Cursor::new(text), "the answer", Reading::default());
    let no_datum = || Stop::usage(format!("{text} is no datum"));
    let datum = reader.read(None).map_err(|_| no_datum())?;
    match reader.read(None) {
        Ok(None) => datum.ok_or_else(no_datum),
        _ => Err(no_datum()),
    }
}
