//! From a file into a registry.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use cise_reference::{Digest, Repository, Tag};
use cise_registry::{Caller, Registry};

use super::error::ArtifactError;
use super::layout;
use super::signature::Signer;
use super::signed::Place;
use super::stored::{Stored, are_whole};
use super::{Carried, Progress, Transfer};
use crate::database::container::{self, Contents};
use crate::database::manifest::Manifest;
use crate::database::{DatabaseError, DatabaseFault, SegmentName, Sha256};

/// What is pushed, and where to.
#[derive(Clone, Copy)]
pub struct Push<'a> {
    /// The file of the database.
    pub database: &'a Path,
    /// The client of registries.
    pub registry: &'a Registry,
    /// The repository.
    pub repository: &'a Repository,
    /// The tag.
    pub tag: &'a Tag,
    /// The key that signs.
    pub signer: Option<&'a Signer>,
    /// On whose behalf, and until when.
    pub caller: &'a Caller<'a>,
}

/// What a push did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The digest of the artifact, by which it can be pulled.
    pub digest: Digest,
    /// The hash that names the database.
    pub database: Sha256,
    /// How much was carried.
    pub carried: Carried,
}

/// Pushes a database. Each segment is checked before it leaves; those that the registry has stay where they are. The tag is
/// moved last, when all that it leads to is there, its signature included.
pub async fn push(push: &Push<'_>, progress: &mut Progress<'_>) -> Result<Pushed, ArtifactError> {
    let (file, contents) = open(push.database)?;
    let place = Place {
        registry: push.registry,
        repository: push.repository,
        caller: push.caller,
    };
    let image = layout::compose(&contents).map_err(|why| ArtifactError::Unfit {
        repository: push.repository.clone(),
        digest: contents.digest.digest(),
        why,
    })?;
    let json = image.json();
    let digest = Sha256::of(&json).digest();
    let carried = push.segments(&file, &contents.manifest, progress).await?;
    place.put(contents.json.into()).await?;
    if let Some(signer) = push.signer {
        place.sign(&digest, signer).await?;
    }
    let tagged = push
        .registry
        .push_manifest(push.repository, push.tag, json, push.caller);
    tagged.await?;
    Ok(Pushed {
        digest,
        database: contents.digest,
        carried,
    })
}

fn open(path: &Path) -> Result<(Arc<File>, Contents), DatabaseError> {
    let failed = |fault| DatabaseError {
        path: path.to_owned(),
        fault,
    };
    let file = File::open(path)
        .map_err(DatabaseFault::from)
        .map_err(failed)?;
    let contents = container::read(&file).map_err(failed)?;
    Ok((Arc::new(file), contents))
}

impl Push<'_> {
    async fn segments(
        &self,
        file: &Arc<File>,
        manifest: &Manifest,
        progress: &mut Progress<'_>,
    ) -> Result<Carried, ArtifactError> {
        let of = manifest.segments.iter().map(|note| note.bytes).sum();
        let (mut done, mut carried) = (0, Carried::default());
        for stored in Stored::all(file, manifest) {
            let (segment, bytes) = (layout::title(&stored.note), stored.note.bytes);
            progress(Transfer { segment, done, of });
            if self.segment(&stored).await? {
                carried.segments += 1;
                carried.bytes += bytes;
            } else {
                carried.kept += 1;
            }
            done += bytes;
        }
        Ok(carried)
    }

    /// Whether the segment had to be carried.
    async fn segment(&self, stored: &Stored) -> Result<bool, ArtifactError> {
        let &Self {
            registry,
            repository,
            caller,
            ..
        } = self;
        let digest = stored.note.digest.digest();
        if registry.has_blob(repository, &digest, caller).await? {
            return Ok(false);
        }
        let is_whole = are_whole(vec![stored.clone()]).await;
        let is_whole = is_whole.map_err(|source| ArtifactError::File {
            path: self.database.to_owned(),
            source,
        })?;
        if !is_whole {
            return Err(ArtifactError::Damaged {
                path: self.database.to_owned(),
                segment: SegmentName::from(&stored.note.holds),
            });
        }
        let content = stored.content();
        registry
            .push_blob(repository, &digest, &content, caller)
            .await?;
        Ok(true)
    }
}
