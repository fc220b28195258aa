//! Layers with a table of contents, from which lazy runtimes build files.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::Value;

use super::sha256;
use crate::Error;
use crate::command::run;
use crate::components::CHUNKED;

/// What writes such a layer, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunked {
    /// eStargz, as converters write it: each file in gzip members of its own, of 4 KiB each.
    Estargz,
    /// eStargz around an archive that stays as it is, its end mark too; the table follows.
    EstargzKept,
    /// eStargz with several small files in one member.
    EstargzSmall,
    /// zstd:chunked, as containerd's stargz snapshotter writes it.
    ZstdStargz,
    /// zstd:chunked, as podman writes it.
    ZstdPodman,
}

/// Such a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkedLayer {
    /// The blob.
    pub content: Vec<u8>,
    /// The digest of its archive, `sha256:…`.
    pub diff_id: String,
    /// What a manifest says of it.
    pub annotations: BTreeMap<String, String>,
}

impl Chunked {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Estargz,
        Self::EstargzKept,
        Self::EstargzSmall,
        Self::ZstdStargz,
        Self::ZstdPodman,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Estargz => "estargz",
            Self::EstargzKept => "estargz-kept",
            Self::EstargzSmall => "estargz-small",
            Self::ZstdStargz => "zstd-stargz",
            Self::ZstdPodman => "zstd-podman",
        }
    }

    /// Makes a layer of an archive.
    pub fn layer(self, archive: &[u8]) -> Result<ChunkedLayer, Error> {
        let folder = crate::temporary_folder()?;
        let (input, output) = (folder.path().join("archive"), folder.path().join("blob"));
        fs::write(&input, archive).map_err(Error::writing(&input))?;
        let mut command = Command::new(CHUNKED.program()?);
        let said = run(command.arg(self.name()).args([&input, &output]), "")?;
        let said: Value = serde_json::from_str(&said).unwrap_or_default();
        let annotations = said.get("annotations").and_then(Value::as_object);
        let annotations = annotations
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let diff_id = said.get("diffID").and_then(Value::as_str);
        let diff_id = diff_id.filter(|text| !text.is_empty());
        Ok(ChunkedLayer {
            content: fs::read(&output).map_err(Error::reading(&output))?,
            diff_id: diff_id.map_or_else(|| sha256(archive), str::to_owned),
            annotations: annotations.collect(),
        })
    }
}
