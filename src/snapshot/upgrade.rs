//! How what was stored by an earlier version of a program becomes what it is now.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::wire::{self, Reader};

/// A reference to a shared value, a constant or a continuation, whatever its type: for an
/// [upgrade](super::Registry::upgrade) that hands it on as it is. An upgrade that names a type
/// names the one that there is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link(u32);

impl Serialize for Link {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        u32::deserialize(from).map(Self)
    }
}

/// From one version to the next.
#[derive(Clone)]
pub(super) struct Step {
    pub(super) from: (&'static str, u32),
    pub(super) to: (&'static str, u32),
    upgrade: Rc<Upgrade>,
}

/// From slots to a frame of any kind.
pub(super) type Rule<F> = Rc<dyn Fn(&mut Reader<'_>) -> postcard::Result<F>>;

/// What it makes of the bytes.
type Upgrade = dyn Fn(&mut Reader<'_>, &mut Vec<u8>) -> postcard::Result<()>;

/// The steps that are known, by what they lead from.
#[derive(Default)]
pub(super) struct Upgrades(HashMap<&'static str, HashMap<u32, Step>>);

impl fmt::Debug for Upgrades {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.0.iter().flat_map(|(name, versions)| {
            let step = move |(version, step): (&u32, &Step)| ((*name, *version), step.to);
            versions.iter().map(step)
        });
        f.debug_map().entries(steps).finish()
    }
}

impl Upgrades {
    pub(super) fn add<Old: DeserializeOwned, New: Serialize>(
        &mut self,
        from: (&'static str, u32),
        to: (&'static str, u32),
        upgrade: impl Fn(Old) -> New + 'static,
    ) {
        let upgrade: Rc<Upgrade> =
            Rc::new(move |bytes, to| wire::value(&upgrade(bytes.value()?), to));
        let versions = self.0.entry(from.0).or_default();
        versions.insert(from.1, Step { from, to, upgrade });
    }

    /// The steps that lead from a name and a version to one that is wanted, and what that is
    /// wanted for.
    pub(super) fn path<T>(
        &self,
        name: &str,
        version: u32,
        want: impl Fn(&str, u32) -> Option<T>,
    ) -> Option<(T, Vec<Step>)> {
        let mut at = (name, version);
        let mut steps = Vec::new();
        // No way is longer than there are steps.
        let most: usize = self.0.values().map(HashMap::len).sum();
        loop {
            if let Some(found) = want(at.0, at.1) {
                return Some((found, steps));
            }
            let step = self.0.get(at.0)?.get(&at.1)?;
            if steps.len() == most {
                return None;
            }
            steps.push(step.clone());
            at = step.to;
        }
    }
}

/// Goes all the steps.
pub(super) fn upgraded(bytes: Reader<'_>, steps: &[Step]) -> postcard::Result<Vec<u8>> {
    let mut result = Vec::new();
    let mut bytes = bytes;
    let mut before;
    for (index, step) in steps.iter().enumerate() {
        let mut after = Vec::new();
        if index == 0 {
            (step.upgrade)(&mut bytes, &mut after)?;
            bytes.end()?;
        } else {
            before = std::mem::take(&mut result);
            let mut bytes = bytes.of(&before);
            (step.upgrade)(&mut bytes, &mut after)?;
            bytes.end()?;
        }
        result = after;
    }
    Ok(result)
}
