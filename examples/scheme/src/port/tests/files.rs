//! Files and who may open them; ports that are saved.

use std::fs;
use std::path::{Path, PathBuf};

use segno::snapshot::Shared;

use super::{call, datum, fails, n, shown, string, try_call, world};
use crate::value::{ConditionKind, Value};
use crate::world::{Files, World};

/// A folder for a test, which is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = format!("segno-scheme-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder.canonicalize().unwrap())
    }

    fn path(&self, name: &str) -> Value {
        string(self.0.join(name).to_str().unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn files_in_and_out() {
    let folder = Folder::new("files");
    for files in [Files::All, Files::Within(folder.0.clone())] {
        let world = &mut world(files);
        let path = folder.path("a");
        let on = std::slice::from_ref(&path);
        assert_eq!(shown(world, "file-exists?", on), "#f");
        fails(world, "open-input-file", on, ConditionKind::File);
        fails(world, "delete-file", on, ConditionKind::File);
        let port = call(world, "open-output-file", on);
        call(world, "write", &[datum("(a \"λ\")"), port.clone()]);
        call(world, "flush-output-port", std::slice::from_ref(&port));
        let read = call(world, "open-input-file", on);
        assert_eq!(
            shown(world, "read", std::slice::from_ref(&read)),
            "(a \"λ\")"
        );
        call(world, "newline", std::slice::from_ref(&port));
        call(world, "close-port", &[port]);
        assert_eq!(
            fs::read_to_string(folder.0.join("a")).unwrap(),
            "(a \"λ\")\n"
        );
        let port = call(world, "open-binary-output-file", on);
        call(world, "write-u8", &[n(0xff), port.clone()]);
        call(world, "close-output-port", &[port]);
        fails(world, "open-input-file", on, ConditionKind::File);
        let port = call(world, "open-binary-input-file", on);
        assert_eq!(shown(world, "read-bytevector", &[n(9), port]), "#u8(255)");
        call(world, "delete-file", on);
        assert_eq!(shown(world, "file-exists?", on), "#f");
    }
}

#[test]
fn a_folder_is_not_left() {
    let outside = Folder::new("outside");
    fs::write(outside.0.join("secret"), "secret").unwrap();
    let inside = outside.0.join("inside");
    fs::create_dir_all(inside.join("sub")).unwrap();
    fs::create_dir_all(outside.0.join("inside-too")).unwrap();
    fs::write(inside.join("mine"), "mine").unwrap();
    #[cfg(unix)]
    for (link, to) in [
        ("file", "../secret"),
        ("folder", ".."),
        ("nowhere", "../new"),
        ("own", "mine"),
    ] {
        std::os::unix::fs::symlink(to, inside.join(link)).unwrap();
    }
    let every = |world: &mut World, path: &Path, works: bool| {
        let path = string(path.to_str().unwrap());
        for name in [
            "file-exists?",
            "open-input-file",
            "open-binary-input-file",
            "open-output-file",
            "open-binary-output-file",
            "delete-file",
        ] {
            if works {
                call(world, name, std::slice::from_ref(&path));
            } else {
                fails(
                    world,
                    name,
                    std::slice::from_ref(&path),
                    ConditionKind::File,
                );
            }
        }
    };
    let mut within = world(Files::Within(inside.clone()));
    for bad in [
        "../secret",
        "../new",
        "..",
        "sub/../../secret",
        "missing/../../secret",
        "missing/../mine",
        "../inside-too/new",
        "/etc/passwd",
    ] {
        every(&mut within, &inside.join(bad), false);
    }
    #[cfg(unix)]
    for bad in [
        "file",
        "folder/secret",
        "folder/new",
        "nowhere",
        "folder/missing/new",
    ] {
        every(&mut within, &inside.join(bad), false);
    }
    fails(
        &mut within,
        "open-input-file",
        &[string("Cargo.toml")],
        ConditionKind::File,
    );
    fails(
        &mut within,
        "open-input-file",
        &[string("a\0b")],
        ConditionKind::File,
    );
    every(&mut world(Files::None), &inside.join("mine"), false);
    assert_eq!(
        fs::read_to_string(outside.0.join("secret")).unwrap(),
        "secret"
    );
    assert!(!outside.0.join("new").exists());
    every(&mut within, &inside.join("sub/../mine"), true);
    fs::write(inside.join("mine"), "mine").unwrap();
    #[cfg(unix)]
    every(&mut within, &inside.join("own"), true);
    // A folder is no file to open.
    let sub = string(inside.join("sub").to_str().unwrap());
    fails(&mut within, "open-input-file", &[sub], ConditionKind::File);
}

/// As in a snapshot.
fn carried(port: &Value) -> Value {
    let Value::Port(port) = port else {
        panic!("no port");
    };
    let bytes = port.with(postcard::to_stdvec).unwrap();
    Value::Port(Shared::new(postcard::from_bytes(&bytes).unwrap()))
}

#[test]
fn ports_are_carried() {
    let folder = Folder::new("carried");
    let world = &mut world(Files::Within(folder.0.clone()));
    let file = folder.path("a");
    let port = call(world, "open-output-file", std::slice::from_ref(&file));
    call(world, "display", &[string("one "), port.clone()]);
    let again = carried(&port);
    call(world, "display", &[string("two "), again.clone()]);
    call(world, "close-port", std::slice::from_ref(&again));
    drop(port);
    assert_eq!(fs::read_to_string(folder.0.join("a")).unwrap(), "one two ");
    let closed = carried(&again);
    assert_eq!(shown(world, "output-port-open?", &[closed]), "#f");

    // Who loads a port must be allowed to open its file.
    let open = call(world, "open-output-file", &[file]);
    let loaded = carried(&open);
    world.sandbox.files = Files::None;
    fails(world, "newline", &[loaded], ConditionKind::File);

    let port = call(world, "open-input-string", &[string("a\n  (b) )")]);
    call(world, "read", std::slice::from_ref(&port));
    let again = carried(&port);
    assert_eq!(shown(world, "read", std::slice::from_ref(&again)), "(b)");
    let fault = try_call(world, "read", &[again]).unwrap_err();
    assert_eq!(fault.place.unwrap().to_string(), "string:2:7");

    let port = call(world, "open-input-bytevector", &[datum("#u8(1 2)")]);
    call(world, "read-u8", std::slice::from_ref(&port));
    assert_eq!(shown(world, "read-u8", &[carried(&port)]), "2");
    let console = carried(&world.output.value);
    call(world, "display", &[string("x"), console]);
    assert_eq!(world.transcript.as_deref(), Some("x"));
}
