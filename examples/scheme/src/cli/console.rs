//! What the process itself prints. If nobody reads it, nobody wants it.

use std::io::{self, Write};

use segno_scheme::port::Stream;
use segno_scheme::world::World;

/// Prints to standard output.
pub(super) fn print(text: &str) {
    drop(io::stdout().write_all(text.as_bytes()));
}

/// Prints to standard error; what was printed to standard output before comes first.
pub(super) fn complain(text: &str) {
    flush();
    drop(io::stderr().write_all(text.as_bytes()));
}

/// The same, of a program: it does not begin in the middle of a line that the program has printed.
pub(super) fn say(world: &mut World, text: &str) {
    let in_the_way = match world.mid_line {
        Some(Stream::Error) => true,
        Some(Stream::Output) => is_one(),
        None => false,
    };
    if in_the_way {
        world.mid_line = None;
        complain("\n");
    }
    complain(text);
}

/// Whether standard output and standard error are the same terminal, file or pipe.
#[cfg(unix)]
fn is_one() -> bool {
    use std::fs::File;
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    let identity = |stream: &dyn AsFd| {
        let file = File::from(stream.as_fd().try_clone_to_owned()?);
        let found = file.metadata()?;
        io::Result::Ok((found.dev(), found.ino()))
    };
    match (identity(&io::stdout()), identity(&io::stderr())) {
        (Ok(output), Ok(error)) => output == error,
        _ => false,
    }
}

/// Whether standard output and standard error are the same terminal, as far as anybody can tell.
#[cfg(not(unix))]
fn is_one() -> bool {
    use std::io::IsTerminal;
    io::stdout().is_terminal() && io::stderr().is_terminal()
}

/// Shows what was printed to standard output.
pub(super) fn flush() {
    drop(io::stdout().flush());
}
