//! Digests as JSON has them.

use cise_reference::Digest;
use serde::{Deserialize as _, Deserializer, Serializer, de};

pub(in crate::inventory) fn serialize<S: Serializer>(
    digest: &Digest,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(digest.as_str())
}

pub(in crate::inventory) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Digest, D::Error> {
    let text = String::deserialize(deserializer)?;
    Digest::parse(&text).map_err(de::Error::custom)
}
