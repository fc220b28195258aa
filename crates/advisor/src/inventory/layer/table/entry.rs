//! The entries of a table, as both formats write them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::inventory::archive::is_of_overlay;

/// An entry. One with a field that is not known is refused: runtimes find fields whatever the case of their letters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Entry {
    #[serde(rename = "type")]
    pub(super) kind: Type,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) link_name: String,
    #[serde(default)]
    pub(super) size: u64,
    #[serde(default)]
    pub(super) dev_major: u64,
    #[serde(default)]
    pub(super) dev_minor: u64,
    #[serde(default)]
    pub(super) digest: String,
    /// Where in the blob a member or frame begins that leads to what is in the file.
    #[serde(default)]
    pub(super) offset: u64,
    /// How much of what comes out from there on is passed over.
    #[serde(default)]
    pub(super) inner_offset: u64,
    /// Where in the file this part begins.
    #[serde(default)]
    pub(super) chunk_offset: u64,
    /// How long this part is; zero for all that is left of the file.
    #[serde(default)]
    pub(super) chunk_size: u64,
    #[serde(default)]
    pub(super) xattrs: Option<BTreeMap<String, String>>,
    // What changes no answer.
    #[serde(default, rename = "mode")]
    _mode: IgnoredAny,
    #[serde(default, rename = "uid")]
    _uid: IgnoredAny,
    #[serde(default, rename = "gid")]
    _gid: IgnoredAny,
    #[serde(default, rename = "userName")]
    _user_name: IgnoredAny,
    #[serde(default, rename = "groupName")]
    _group_name: IgnoredAny,
    #[serde(default, rename = "modtime")]
    _modified: IgnoredAny,
    #[serde(default, rename = "accesstime")]
    _accessed: IgnoredAny,
    #[serde(default, rename = "changetime")]
    _changed: IgnoredAny,
    #[serde(default, rename = "endOffset")]
    _end_offset: IgnoredAny,
    #[serde(default, rename = "chunkDigest")]
    _chunk_digest: IgnoredAny,
    #[serde(default, rename = "chunkType")]
    _chunk_type: IgnoredAny,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Type {
    Dir,
    Reg,
    Symlink,
    Hardlink,
    Char,
    Block,
    Fifo,
    /// A further part of the regular file before it.
    Chunk,
}

impl Entry {
    /// Whether it has an attribute by which an overlay file system hides or replaces what is below.
    pub(super) fn changes_overlay(&self) -> bool {
        let mut names = self.xattrs.iter().flat_map(BTreeMap::keys);
        names.any(|name| is_of_overlay(name.as_bytes()))
    }
}
