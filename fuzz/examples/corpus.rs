//! Writes what the fuzzer begins with into a folder: the golden snapshots as JSON.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use segno::snapshot::Editor;

#[path = "../../tests/snapshot_programs/mod.rs"]
mod snapshot_programs;

use snapshot_programs::{Call, registry, snapshots};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("usage: corpus FOLDER")?;
    fs::create_dir_all(&folder)?;
    for snapshot in snapshots() {
        // An increment is nothing by itself.
        if let Ok(document) = Editor::<Call>::new(&registry()).read(&snapshot.bytes) {
            let file = Path::new(&folder).join(snapshot.name);
            fs::write(file, serde_json::to_vec(&document)?)?;
        }
    }
    Ok(())
}
