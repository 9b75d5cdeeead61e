//! Which files a program may use.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf, absolute};

use super::file::failed;
use crate::condition::Fault;
use crate::value::{ConditionKind, Value};
use crate::world::{Files, World};

/// The message of what a program gets that must not use a file.
pub const NOT_ALLOWED: &str = "a file may not be used by this program";

/// The file that a path names, to be opened, if the program may use it.
pub(super) fn resolve(path: &str, files: &Files) -> Result<PathBuf, Box<Fault>> {
    let found = locate(path, files)?;
    // Opening a pipe might take for ever.
    let special = fs::metadata(&found).is_ok_and(|found| !found.is_file());
    if special && *files != Files::All {
        return Err(refused(path));
    }
    Ok(found)
}

/// What a path names, if the program may use it. A folder that it may not leave is left neither
/// by `..` nor by a symbolic link; the links are those at the time of asking.
fn locate(path: &str, files: &Files) -> Result<PathBuf, Box<Fault>> {
    match files {
        Files::All => absolute(path).map_err(|error| failed(&error, path)),
        Files::None => Err(refused(path)),
        Files::Within(folder) => {
            let folder = folder.canonicalize();
            let folder = folder.map_err(|_| refused(path))?;
            let asked = absolute(path).map_err(|_| refused(path))?;
            let found = without_links(&asked).ok_or_else(|| refused(path))?;
            if !found.starts_with(&folder) {
                return Err(refused(path));
            }
            Ok(found)
        }
    }
}

/// The path without links: that of the longest part that exists, and then the rest, which must
/// consist of names only.
fn without_links(path: &Path) -> Option<PathBuf> {
    let mut rest: Vec<OsString> = Vec::new();
    for known in path.ancestors() {
        if let Ok(mut found) = known.canonicalize() {
            found.extend(rest.iter().rev());
            return Some(found);
        }
        // A link that leads nowhere might lead somewhere once the file is there.
        if fs::symlink_metadata(known).is_ok() {
            return None;
        }
        match known.components().next_back()? {
            Component::Normal(name) => rest.push(name.to_owned()),
            _ => return None,
        }
    }
    None
}

/// Whether there is a file at a path.
pub(crate) fn exists(path: &str, world: &World) -> Result<bool, Box<Fault>> {
    Ok(locate(path, &world.sandbox.files)?.exists())
}

/// Removes a file. Of a symbolic link, the file that it leads to is removed if there is a folder
/// that may not be left; else the link.
pub(crate) fn delete(path: &str, world: &World) -> Result<(), Box<Fault>> {
    let found = locate(path, &world.sandbox.files)?;
    fs::remove_file(found).map_err(|error| failed(&error, path))
}

fn refused(path: &str) -> Box<Fault> {
    Fault::of(ConditionKind::File, NOT_ALLOWED, [Value::string(path)])
}
