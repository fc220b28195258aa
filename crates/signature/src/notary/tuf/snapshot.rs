//! The snapshot, which says what files belong together, and the timestamp, which says which snapshot is the newest.

use super::document::Content;
use super::hashes::FileMeta;
use super::role::RoleName;
use super::shape::{At, BadShape};

/// How many files a snapshot may list: one for each role.
const MAX_FILES: usize = 4096;

/// The content of a timestamp.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Timestamp {
    snapshot: FileMeta,
}

impl Content for Timestamp {
    const TYPE: &'static str = "Timestamp";

    fn read(signed: &At<'_>, _: &RoleName) -> Result<Self, BadShape> {
        Ok(Self {
            snapshot: FileMeta::read(&signed.required("meta")?.required("snapshot")?)?,
        })
    }
}

impl Timestamp {
    /// The newest snapshot.
    pub(crate) fn snapshot(&self) -> &FileMeta {
        &self.snapshot
    }
}

/// The content of a snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    files: Vec<(Box<str>, FileMeta)>,
}

impl Content for Snapshot {
    const TYPE: &'static str = "Snapshot";

    fn read(signed: &At<'_>, _: &RoleName) -> Result<Self, BadShape> {
        let meta = signed.required("meta")?;
        meta.required("root")?;
        meta.required("targets")?;
        let file = |(name, at): (&str, At<'_>)| Ok((name.into(), FileMeta::read(&at)?));
        // Members come sorted, so that `file` can search.
        Ok(Self {
            files: meta
                .members(MAX_FILES)?
                .map(file)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Snapshot {
    /// The file of `role`, if there is one.
    pub(crate) fn file(&self, role: &RoleName) -> Option<&FileMeta> {
        let found = self
            .files
            .binary_search_by(|(name, _)| name.as_bytes().cmp(role.as_str().as_bytes()));
        found
            .ok()
            .and_then(|index| self.files.get(index))
            .map(|(_, meta)| meta)
    }
}
