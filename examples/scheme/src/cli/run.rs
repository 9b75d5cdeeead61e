//! `run`

use std::path::Path;

use segno_scheme::value::Value;
use segno_scheme::world::Files;

use super::arguments::Options;
use super::source::Sources;
use super::stop::{FAILED, Stop};
use super::{console, drive, files, report, sandbox};

/// Runs the program in a file.
pub(super) fn run(file: &Path, words: &[String], options: &Options) -> Result<u8, Stop> {
    let text = String::from_utf8(files::read(file, options.heap)?);
    let text = text.map_err(|_| Stop::failed(format!("{} is no text in UTF-8", file.display())))?;
    let beside = Files::Within(files::folder(file).to_owned());
    let mut interpreter = sandbox::interpreter(options, &beside)?;
    interpreter.world.arguments = words.iter().map(|word| (&**word).into()).collect();
    let name = file.to_string_lossy();
    let mut sources = Sources::among(&beside);
    sources.add(&name, &text);
    if let Err(fault) = interpreter.load(&name, &text) {
        let fault = Value::from(*fault);
        console::complain(&report::report(&fault, &mut interpreter, &sources));
        return Ok(FAILED);
    }
    drop(text);
    drive::drive(interpreter, options, &beside, &sources)
}
