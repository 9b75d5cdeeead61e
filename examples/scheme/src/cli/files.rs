//! Files that the user has named.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::stop::Stop;

/// The bytes of a file, if they are no more than so many.
pub(super) fn read(path: &Path, most: usize) -> Result<Vec<u8>, Stop> {
    let failed = |error| Stop::failed(format!("{} cannot be read: {error}", path.display()));
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    let mut part = file.take(limit.saturating_add(1));
    part.read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() > most {
        true => Err(Stop::failed(format!("{} is too large", path.display()))),
        false => Ok(bytes),
    }
}

/// The folder that a file is in.
pub(super) fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Puts bytes into a file, in place of what was there. Whoever reads it finds all of them, or
/// what was there before.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Stop> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        // It may not be there at all.
        drop(fs::remove_file(&beside));
        Stop::failed(format!("{} cannot be written: {error}", path.display()))
    })
}
