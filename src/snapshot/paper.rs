//! What is in a snapshot as text: values, frames, and what is between frames.

use std::fmt;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::document::{Document, FrameDocument, IdentityDocument, WaitsDocument};
use super::tree::Tree;
use crate::frame::outline::{ChainOutline, MarkOutline, Outline, PromptOutline, UnderOutline};

/// What a value can refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reference {
    Object(u32),
    Continuation(u32),
    Winder(u32),
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(number) => write!(f, "#{number}"),
            Self::Continuation(number) => write!(f, "continuation {number}"),
            Self::Winder(number) => write!(f, "winder {number}"),
        }
    }
}

/// What values are written on.
pub(super) trait Paper {
    fn text(&mut self, text: &str);
    fn refer(&mut self, to: Reference);
    /// Whether there is no room for more.
    fn is_full(&self) -> bool {
        false
    }
}

/// A name as it can be printed: it may be anything.
pub(super) fn plain(name: &str) -> String {
    name.escape_debug().to_string()
}

/// How deep a value is written. The snapshot may have been made by hand, and be deeper than
/// what is loaded.
const DEEPEST: u32 = 200;

/// Writes a value as `Debug` would write it.
pub(super) fn write(document: &Document, tree: &Tree, on: &mut impl Paper) {
    write_below(document, tree, DEEPEST, on);
}

fn write_below(document: &Document, tree: &Tree, depth: u32, on: &mut impl Paper) {
    let Some(depth) = depth.checked_sub(1) else {
        return on.text("...");
    };
    match tree {
        Tree::Unit => on.text("()"),
        Tree::Bool(value) => on.text(if *value { "true" } else { "false" }),
        Tree::Number(number) => on.text(&number.to_string()),
        Tree::Char(char) => on.text(&format!("{char:?}")),
        Tree::Str(text) => on.text(&format!("{text:?}")),
        Tree::Bytes(bytes) => write_bytes("bytes", bytes, on),
        Tree::None => on.text("None"),
        Tree::Some(content) => {
            on.text("Some(");
            write_below(document, content, depth, on);
            on.text(")");
        }
        Tree::Seq(elements) => write_all(document, elements, ["[", "]"], depth, on),
        Tree::Tuple(elements) => write_all(document, elements, ["(", ")"], depth, on),
        Tree::Map(entries) => {
            on.text("{");
            for (index, (key, value)) in entries.iter().enumerate() {
                if separate(index, on) {
                    break;
                }
                write_below(document, key, depth, on);
                on.text(": ");
                write_below(document, value, depth, on);
            }
            on.text("}");
        }
        Tree::Struct { name, fields } => write_struct(document, name, fields, depth, on),
        Tree::Variant { name, content, .. } => match content.as_deref() {
            None => on.text(&plain(name)),
            // Fields of the variant itself, and not those of a structure in it.
            Some(Tree::Struct { name: of, fields }) if of == name => {
                write_struct(document, name, fields, depth, on);
            }
            Some(Tree::Tuple(elements)) => {
                on.text(&plain(name));
                write_all(document, elements, ["(", ")"], depth, on);
            }
            Some(content) => {
                on.text(&plain(name));
                on.text("(");
                write_below(document, content, depth, on);
                on.text(")");
            }
        },
        Tree::Shared(number) => on.refer(Reference::Object(*number)),
        Tree::Continuation(number) => on.refer(Reference::Continuation(*number)),
        Tree::Named { name, revision: 0 } => on.text(&plain(name)),
        Tree::Named { name, revision } => {
            on.text(&format!("{} (revision {revision})", plain(name)));
        }
        Tree::Tag(number) => on.text(&format!("tag {}", tag(document, *number))),
        Tree::Key(number) => on.text(&format!("key {}", key(document, *number))),
        Tree::Opaque(bytes) => write_bytes("unknown", bytes, on),
        Tree::Withheld => on.text("(secret)"),
    }
}

/// Writes what comes before an element. Answers whether there is no room for it.
fn separate(index: usize, on: &mut impl Paper) -> bool {
    if index > 0 {
        on.text(", ");
    }
    let is_full = on.is_full();
    if is_full {
        on.text("...");
    }
    is_full
}

fn write_all(
    document: &Document,
    elements: &[Tree],
    around: [&str; 2],
    depth: u32,
    on: &mut impl Paper,
) {
    on.text(around[0]);
    for (index, element) in elements.iter().enumerate() {
        if separate(index, on) {
            break;
        }
        write_below(document, element, depth, on);
    }
    on.text(around[1]);
}

fn write_struct(
    document: &Document,
    name: &str,
    fields: &[(String, Tree)],
    depth: u32,
    on: &mut impl Paper,
) {
    on.text(&plain(name));
    if fields.is_empty() {
        return;
    }
    on.text(" { ");
    for (index, (name, value)) in fields.iter().enumerate() {
        if separate(index, on) {
            break;
        }
        on.text(&plain(name));
        on.text(": ");
        write_below(document, value, depth, on);
    }
    on.text(" }");
}

fn write_bytes(what: &str, bytes: &[u8], on: &mut impl Paper) {
    on.text(what);
    on.text("(");
    for byte in bytes {
        if on.is_full() {
            on.text("...");
            break;
        }
        on.text(&format!("{byte:02x}"));
    }
    on.text(")");
}

/// The slots of a frame, with their names as they can be printed.
pub(super) fn slots(frame: &FrameDocument) -> Vec<(String, &Tree)> {
    match &frame.slots {
        Tree::Struct { fields, .. } => {
            let fields = fields.iter();
            fields.map(|(name, value)| (plain(name), value)).collect()
        }
        Tree::Map(entries) => {
            let name = |key: &Tree| match key {
                Tree::Str(name) => plain(name),
                // No slot has such a name.
                _ => "(unknown)".into(),
            };
            let entries = entries.iter();
            entries.map(|(key, value)| (name(key), value)).collect()
        }
        Tree::Unit => Vec::new(),
        other => std::vec![("slots".into(), other)],
    }
}

/// What a machine waits for.
pub(super) fn write_waits(document: &Document, waits: &WaitsDocument, on: &mut impl Paper) {
    match waits {
        WaitsDocument::Answer => on.text("a machine that waits for an answer"),
        WaitsDocument::Start => on.text("a machine that is about to start its topmost frame"),
        WaitsDocument::Restarted => on.text("a machine that is about to restart its topmost frame"),
        WaitsDocument::Value(value) => {
            on.text("a machine that is about to go on with ");
            write(document, value, on);
        }
        WaitsDocument::Raised(error) => {
            on.text("a machine that is about to raise ");
            write(document, error, on);
        }
        WaitsDocument::Continuation(k) => {
            on.text("a machine that is about to go on with ");
            on.refer(Reference::Continuation(*k));
        }
    }
}

/// What is below the frames of a segment, if that is anything to be told.
pub(super) fn write_under(
    document: &Document,
    under: &UnderOutline<Tree>,
    on: &mut impl Paper,
) -> bool {
    match under {
        UnderOutline::Nothing => return false,
        UnderOutline::Entering(entry) => {
            if let Some(Outline::Entering { winder, .. }) = document.part(*entry) {
                on.refer(Reference::Winder(*winder));
            } else {
                on.text("winder");
            }
            on.text(", being entered");
        }
        UnderOutline::Inside(winder) => on.refer(Reference::Winder(*winder)),
        UnderOutline::Returned(value) => {
            on.text("winder, being left, whose body has returned ");
            write(document, value, on);
        }
        UnderOutline::Raised(error) => {
            on.text("winder, being left, whose body has raised ");
            write(document, error, on);
        }
    }
    true
}

pub(super) fn prompt(document: &Document, prompt: PromptOutline) -> String {
    let tag = tag(document, prompt.tag);
    match prompt.times {
        1 => format!("prompt {tag}"),
        times => format!("prompt {tag}, {times} times"),
    }
}

fn tag(document: &Document, tag: u32) -> String {
    name(&document.tags, tag)
}

pub(super) fn key(document: &Document, key: u32) -> String {
    name(&document.keys, key)
}

fn name(list: &[IdentityDocument], number: u32) -> String {
    let it = list.get(number as usize);
    it.map_or_else(|| "(unknown)".into(), |it| plain(&it.name))
}

impl Document {
    pub(super) fn part(&self, number: u32) -> Option<&Outline<Vec<FrameDocument>, Tree>> {
        self.parts.get(number as usize)
    }
}

/// A segment of a stack.
pub(super) struct Segment<'a> {
    pub(super) frames: &'a [FrameDocument],
    pub(super) marks: &'a [MarkOutline<Tree>],
    pub(super) under: &'a UnderOutline<Tree>,
    pub(super) below: Option<ChainOutline>,
}

impl<'a> Segment<'a> {
    /// The marks of a frame.
    pub(super) fn marks_of(&self, index: usize) -> &'a [MarkOutline<Tree>] {
        let from = self.marks.partition_point(|mark| mark.frame < index);
        let to = self.marks.partition_point(|mark| mark.frame <= index);
        // They are in order, or else it does not matter.
        self.marks.get(from..to).unwrap_or_default()
    }
}

pub(super) fn write_frame(document: &Document, frame: &FrameDocument, on: &mut impl Paper) {
    on.text(&format!("{} v{}", plain(&frame.kind), frame.version));
    for (index, (name, value)) in slots(frame).into_iter().enumerate() {
        on.text(if index == 0 { ": " } else { ", " });
        on.text(&format!("{name} = "));
        write(document, value, on);
    }
}
