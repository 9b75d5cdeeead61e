//! A snapshot, put together.

use std::vec::Vec;

use super::base::BaseId;
use super::wire;
use super::{FORMAT, MAGIC};

/// All that a snapshot consists of.
pub(super) struct Whole<'a> {
    pub(super) program: &'a str,
    pub(super) version: u64,
    pub(super) base: Option<BaseId>,
    /// The kinds of frame, with their versions.
    pub(super) kinds: Vec<(&'a str, u32)>,
    /// The tags of prompts, and whether each is looked up by its name.
    pub(super) tags: Vec<(&'a str, bool)>,
    pub(super) keys: Vec<(&'a str, bool)>,
    /// The types of objects, with their versions.
    pub(super) types: Vec<(&'a str, u32)>,
    /// How many objects of the base have changed, how many are new, which type each has, and
    /// what is in them.
    pub(super) changed: usize,
    pub(super) objects: usize,
    pub(super) directory: &'a [u8],
    pub(super) values: &'a [u8],
    /// How many parts there are.
    pub(super) parts: usize,
    pub(super) parts_bytes: &'a [u8],
    /// How many roots there are.
    pub(super) roots: usize,
    pub(super) roots_bytes: &'a [u8],
}

impl Whole<'_> {
    /// The bytes, and their checksum.
    pub(super) fn bytes(&self) -> (Vec<u8>, u32) {
        let mut to = MAGIC.to_vec();
        to.push(FORMAT);
        wire::string(self.program, &mut to);
        wire::number(self.version, &mut to);
        wire::number(self.base.is_some().into(), &mut to);
        if let Some(base) = &self.base {
            to.extend(base.checksum.to_le_bytes());
            wire::number(base.parts.into(), &mut to);
            wire::number(base.objects.into(), &mut to);
        }
        versions(&self.kinds, &mut to);
        identities(&self.tags, &mut to);
        identities(&self.keys, &mut to);
        versions(&self.types, &mut to);
        wire::number(self.changed as u64, &mut to);
        wire::number(self.objects as u64, &mut to);
        to.extend(self.directory);
        wire::number(self.parts as u64, &mut to);
        to.extend(self.parts_bytes);
        to.extend(self.values);
        wire::number(self.roots as u64, &mut to);
        to.extend(self.roots_bytes);
        wire::number(0, &mut to); // no schema
        let checksum = crc32fast::hash(&to);
        to.extend(checksum.to_le_bytes());
        (to, checksum)
    }
}

fn versions(list: &[(&str, u32)], to: &mut Vec<u8>) {
    wire::number(list.len() as u64, to);
    for (name, version) in list {
        wire::string(name, to);
        wire::number((*version).into(), to);
    }
}

fn identities(list: &[(&str, bool)], to: &mut Vec<u8>) {
    wire::number(list.len() as u64, to);
    for (name, is_named) in list {
        to.push((*is_named).into());
        wire::string(name, to);
    }
}
