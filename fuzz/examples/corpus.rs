//! Writes what the fuzzer begins with into a folder: the golden snapshots as JSON, and the forms of
//! the tests of Scheme.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use segno::snapshot::Editor;

#[path = "../../tests/snapshot_programs/mod.rs"]
mod snapshot_programs;

use snapshot_programs::{Call, registry, snapshots};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("usage: corpus FOLDER")?;
    json(&Path::new(&folder).join("json_in"))?;
    forms(Path::new(&folder))
}

fn json(folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    for snapshot in snapshots() {
        // An increment is nothing by itself.
        if let Ok(document) = Editor::<Call>::new(&registry()).read(&snapshot.bytes) {
            fs::write(folder.join(snapshot.name), serde_json::to_vec(&document)?)?;
        }
    }
    Ok(())
}

/// The text of each form, as it stands. Long ones would slow all down.
fn forms(folder: &Path) -> Result<(), Box<dyn Error>> {
    const LONG: usize = 300;
    let suite = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/scheme/tests/suite"
    );
    let (read, run) = (folder.join("scheme_read"), folder.join("scheme_run"));
    fs::create_dir_all(&read)?;
    fs::create_dir_all(&run)?;
    for file in fs::read_dir(suite)? {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != "scm") {
            continue;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(&path)?;
        for (index, rest) in text.split("\n(").skip(1).enumerate() {
            if rest.len() > LONG {
                continue;
            }
            let file = format!("{name}-{index}");
            fs::write(read.join(&file), format!("({rest}"))?;
            // The first byte says that it is a text.
            fs::write(run.join(&file), format!("\0({rest}"))?;
        }
    }
    Ok(())
}
