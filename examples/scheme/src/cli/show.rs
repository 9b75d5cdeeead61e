//! `show`

use std::path::Path;

use segno_scheme::world::Files;

use super::arguments::Options;
use super::stop::Stop;
use super::{files, sandbox};

/// How many lines are printed.
const LINES: usize = 400;

/// Shows what is in a snapshot; as a page, too, if there is a file for that.
pub(super) fn show(snapshot: &Path, html: Option<&Path>, options: &Options) -> Result<u8, Stop> {
    let bytes = files::read(snapshot, options.heap)?;
    let interpreter = sandbox::interpreter(options, &Files::None)?;
    let document = interpreter.document(&bytes, sandbox::load_limits(options));
    let path = snapshot.display();
    let document =
        document.map_err(|error| Stop::failed(format!("{path} cannot be shown: {error}")))?;
    print!("{}", document.show(LINES));
    if let Some(html) = html {
        files::write(html, document.to_html().as_bytes())?;
    }
    Ok(0)
}
