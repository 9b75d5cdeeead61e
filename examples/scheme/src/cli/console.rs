//! What the process itself prints. If nobody reads it, nobody wants it.

use std::io::{self, Write};

/// Prints to standard output.
pub(super) fn print(text: &str) {
    drop(io::stdout().write_all(text.as_bytes()));
}

/// Prints to standard error; what was printed to standard output before comes first.
pub(super) fn complain(text: &str) {
    flush();
    drop(io::stderr().write_all(text.as_bytes()));
}

/// Shows what was printed to standard output.
pub(super) fn flush() {
    drop(io::stdout().flush());
}
