//! What is said of a file that is no snapshot which can be used.

use std::path::Path;

use segno::snapshot::LoadError;

use super::stop::Stop;

/// How many bytes of a file are shown.
const SHOWN: usize = 24;

/// A file with these bytes cannot be `done`.
pub(super) fn refused(path: &Path, bytes: &[u8], done: &str, error: &LoadError) -> Stop {
    let path = path.display();
    Stop::failed(match error {
        LoadError::NotASnapshot if bytes.is_empty() => {
            format!("{path} cannot be {done}: the file is empty")
        }
        LoadError::NotASnapshot => {
            let (all, begin) = (bytes.len(), bytes.get(..SHOWN).unwrap_or(bytes));
            let begin = String::from_utf8_lossy(begin);
            let begin = begin.escape_debug();
            format!(
                "{path} cannot be {done}: it is no snapshot; it has {all} bytes, and begins with \
                 \"{begin}\""
            )
        }
        error => format!("{path} cannot be {done}: {error}"),
    })
}
