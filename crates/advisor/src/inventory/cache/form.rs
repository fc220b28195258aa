//! What a layer says, as a file has it: a line with the hash of what follows, then JSON.

use cise_reference::{Algorithm, Digest};

use super::LayerInventory;
use super::version::DETECTORS;
use crate::inventory::digest::{Hash, sha};
use crate::inventory::limits::Limits;

/// How the first line begins.
const MAGIC: &str = "cise layer ";

/// What a file is of: a layer, as this version of the detectors reads it within these limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Title(String);

impl Title {
    /// That of the layer with this diff id.
    pub(super) fn new(diff_id: &Digest, limits: &Limits) -> Self {
        Self::of_version(DETECTORS, diff_id, limits)
    }

    fn of_version(version: u32, diff_id: &Digest, limits: &Limits) -> Self {
        let (held, put) = (limits.file, limits.scratch);
        Self(format!(
            "{diff_id} version {version} files {held} scratch {put}"
        ))
    }

    /// A name for the file, which has nothing of what came from outside in it.
    pub(super) fn file_name(&self) -> String {
        let hash = sha(Algorithm::Sha256, self.0.as_bytes());
        format!("{}{SUFFIX}", hash.hex())
    }

    /// The content of the file.
    pub(super) fn encode(&self, layer: &LayerInventory) -> serde_json::Result<Vec<u8>> {
        let json = serde_json::to_vec(layer)?;
        let mut file = self.first_line(&json).into_bytes();
        file.extend_from_slice(&json);
        Ok(file)
    }

    /// What the file says; nothing, if it is not just as it was written, or of something else.
    pub(super) fn decode(&self, file: &[u8]) -> Option<LayerInventory> {
        let end = memchr::memchr(b'\n', file)?;
        let (line, json) = file.split_at_checked(end + 1)?;
        if line != self.first_line(json).as_bytes() {
            return None;
        }
        serde_json::from_slice(json).ok()
    }

    fn first_line(&self, json: &[u8]) -> String {
        let mut hash = Hash::new(Algorithm::Sha256);
        hash.update(self.0.as_bytes());
        hash.update(b"\n");
        hash.update(json);
        format!("{MAGIC}{}\n", hash.finish())
    }
}

/// How names of such files end.
const SUFFIX: &str = ".layer";

/// Whether a file has such a name, so that it may be taken away.
pub(super) fn is_file_name(name: &str) -> bool {
    let stem = name.strip_suffix(SUFFIX).unwrap_or_default();
    stem.len() == 64 && stem.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
pub(super) mod tests {
    use bytes::Bytes;
    use cise_testkit::fixtures::packages;
    use cise_testkit::images::{self, Layer};

    use super::*;
    use crate::inventory::layer::{self, Expected, Room};

    /// What a layer says.
    pub(in crate::inventory::cache) fn read(layer: &Layer) -> LayerInventory {
        let digest = |text: &str| Digest::parse(text).expect("a digest");
        let expected = Expected {
            digest: digest(&images::sha256(&layer.content)),
            size: layer.content.len() as u64,
            diff_id: digest(&layer.diff_id),
        };
        let chunks = std::iter::once(Ok(Bytes::from(layer.content.clone())));
        layer::read(chunks, &expected, Room::new(&Limits::default(), None)).expect("a layer")
    }

    fn title(number: u8) -> Title {
        Title::new(&Digest::sha256([number; 32]), &Limits::default())
    }

    #[test]
    fn what_is_written_is_read() {
        for layer in [
            packages::debian(),
            packages::alpine("3.20.3"),
            packages::almalinux(),
        ] {
            let inventory = read(&layer.expect("a layer"));
            let file = title(1).encode(&inventory).expect("a file");
            assert_eq!(title(1).decode(&file), Some(inventory));
        }
    }

    #[test]
    fn what_is_damaged_is_not_read() {
        let inventory = read(&packages::alpine("3.20.3").expect("a layer"));
        let file = title(1).encode(&inventory).expect("a file");
        for bytes in 0..file.len() {
            assert_eq!(title(1).decode(&file[..bytes]), None, "{bytes}");
        }
        for at in (0..file.len()).step_by(17) {
            let mut file = file.clone();
            file[at] ^= 1;
            assert_eq!(title(1).decode(&file), None, "{at}");
        }
        let longer = [&*file, b" "].concat();
        assert_eq!(title(1).decode(&longer), None);
    }

    #[test]
    fn what_is_of_another_layer_another_version_or_other_limits_is_not_read() {
        let file = title(1).encode(&LayerInventory::default()).expect("a file");
        let (layer, limits) = (Digest::sha256([1; 32]), Limits::default());
        let more = Limits {
            file: limits.file + 1,
            ..limits
        };
        let disk = Limits {
            scratch: 1,
            ..limits
        };
        let others = [
            title(2),
            Title::of_version(DETECTORS + 1, &layer, &limits),
            Title::new(&layer, &more),
            Title::new(&layer, &disk),
        ];
        for other in others {
            assert_eq!(other.decode(&file), None, "{other:?}");
            assert_ne!(other.file_name(), title(1).file_name());
        }
        assert!(title(1).decode(&file).is_some());
    }

    #[test]
    fn a_name_tells_a_file_from_what_somebody_else_put_there() {
        assert!(is_file_name(&title(1).file_name()));
        for name in ["", ".layer", "notes.layer", "a.db", "../../x.layer"] {
            assert!(!is_file_name(name), "{name}");
        }
    }
}
