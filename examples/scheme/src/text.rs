//! Characters of a string, stored as UTF-8.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Stores them.
pub(crate) fn serialize<S: Serializer>(characters: &[char], to: S) -> Result<S::Ok, S::Error> {
    characters.iter().collect::<String>().serialize(to)
}

/// Reads them.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<char>, D::Error> {
    String::deserialize(from).map(|text| text.chars().collect())
}
