//! `show`

use std::path::Path;

use segno_scheme::environment::Binding;
use segno_scheme::world::Files;
use segno_scheme::writer::brief;

use super::arguments::Options;
use super::snapshot::refused;
use super::stop::Stop;
use super::{console, files, sandbox};

/// How many lines are printed.
const LINES: usize = 400;

/// Shows what is left of the program in a snapshot, and what it has defined. All that is in it is
/// on a page, if there is a file for that.
pub(super) fn show(snapshot: &Path, html: Option<&Path>, options: &Options) -> Result<u8, Stop> {
    let bytes = files::read(snapshot, options.heap)?;
    let mut interpreter = sandbox::interpreter(options, &Files::None)?;
    let limits = sandbox::load_limits(options);
    let failed = |error| refused(snapshot, &bytes, "shown", &error);
    if let Some(html) = html {
        let document = interpreter.document(&bytes, limits).map_err(failed)?;
        files::write(html, document.to_html().as_bytes())?;
    }
    interpreter.restore(&bytes, limits).map_err(failed)?;
    match interpreter.trace(LINES) {
        Some(trace) => console::print(&trace),
        None => console::print("a session in which nothing is paused\n"),
    }
    let environment = interpreter.world.environment.clone();
    let bindings = environment.with(|environment| environment.bindings.clone());
    for (name, binding) in bindings.into_iter().take(LINES) {
        let line = match binding {
            Binding::Variable(global) => {
                format!("{name} = {}\n", global.with(|global| brief(&global.value)))
            }
            Binding::Macro(_) => format!("{name} is a macro\n"),
            _ => continue,
        };
        console::print(&line);
    }
    Ok(0)
}
