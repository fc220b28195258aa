//! From a registry into a file.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use cise_reference::{Digest, Reference, Repository, Tag};
use cise_registry::{
    ByteLimit, Caller, Freshness, Registry, RegistryError, RegistryFailure, Subject,
};

use super::draft::{Draft, Interrupted};
use super::error::{ArtifactError, Unfit};
use super::signature::PublicKey;
use super::signed::Place;
use super::stored::{Stored, are_whole};
use super::{Carried, Progress, Transfer, layout, succession};
use crate::database::build::Outcome;
use crate::database::container::{self, Contents};
use crate::database::manifest::{Manifest, SegmentNote};
use crate::database::{DatabaseFault, Sha256};

/// What is pulled, and where to.
#[derive(Clone, Copy)]
pub struct Pull<'a> {
    /// The client of registries.
    pub registry: &'a Registry,
    /// The repository.
    pub repository: &'a Repository,
    /// Which artifact, and why it is trusted.
    pub trust: &'a Trust,
    /// The file of the database.
    pub output: &'a Path,
    /// Whether the database in place has a say.
    pub precedent: Precedent,
    /// What the database in use holds, where somebody has one open: it has the same say, whatever became of its file.
    pub in_use: Option<&'a Manifest>,
    /// On whose behalf, and until when.
    pub caller: &'a Caller<'a>,
}

/// Which artifact is pulled, and why it is trusted.
#[derive(Clone, Debug)]
pub enum Trust {
    /// The one with this digest.
    Digest(Digest),
    /// The one that a tag names, if it is signed.
    Tag(Tag, PublicKey),
    /// The one with this digest, if it is signed.
    Both(Digest, PublicKey),
}

/// An artifact that there is no reason to trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no reason to trust what the registry sends: whoever can exchange the database for an empty one lets every image pass"
)]
pub struct Untrusted;

/// Whether the database in place has a say in what replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedent {
    /// It is not replaced by one that falls short of it.
    Respected,
    /// It is replaced.
    Overruled,
}

/// What a pull did.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// The digest of the artifact.
    pub digest: Digest,
    /// The hash that names the database.
    pub database: Sha256,
    /// How many bytes the file has.
    pub bytes: u64,
    /// What the database holds.
    pub manifest: Manifest,
    /// How much was carried.
    pub carried: Carried,
    /// Whether the file is another than before.
    pub outcome: Outcome,
}

impl Trust {
    /// What a reference and a key make. Without either a digest or a key there is no reason to trust.
    pub fn of(reference: &Reference, key: Option<PublicKey>) -> Result<Self, Untrusted> {
        match (reference.digest(), key) {
            (Some(digest), None) => Ok(Self::Digest(digest.clone())),
            (Some(digest), Some(key)) => Ok(Self::Both(digest.clone(), key)),
            (None, Some(key)) => {
                let latest = || Tag::parse("latest").map_err(|_| Untrusted);
                let tag = reference.tag().cloned().map_or_else(latest, Ok)?;
                Ok(Self::Tag(tag, key))
            }
            (None, None) => Err(Untrusted),
        }
    }
}

/// Pulls a database. Nothing of it is read before it is known to be trusted, and the file appears whole or not at all: whoever
/// has the old one open keeps it.
pub async fn pull(pull: &Pull<'_>, progress: &mut Progress<'_>) -> Result<Pulled, ArtifactError> {
    let digest = pull.trusted().await?;
    let offer = pull.offer(&digest).await?;
    let in_place = pull.in_place()?;
    pull.compare(in_place.as_ref(), &offer.manifest)?;
    let unchanged = pull.unchanged(in_place.as_ref(), &offer).await?;
    let (bytes, carried, outcome) = if let Some(bytes) = unchanged {
        let carried = Carried {
            kept: offer.manifest.segments.len(),
            ..Carried::default()
        };
        (bytes, carried, Outcome::Unchanged)
    } else {
        let (bytes, carried) = pull.write(&offer, in_place.as_ref(), progress).await?;
        (bytes, carried, Outcome::Written)
    };
    Ok(Pulled {
        digest,
        database: offer.digest,
        bytes,
        manifest: offer.manifest,
        carried,
        outcome,
    })
}

/// What the registry has.
struct Offer {
    manifest: Manifest,
    json: bytes::Bytes,
    digest: Sha256,
}

/// The database in place.
struct InPlace {
    file: Arc<File>,
    contents: Contents,
}

impl Pull<'_> {
    /// The digest of the artifact, which is trusted.
    async fn trusted(&self) -> Result<Digest, ArtifactError> {
        let place = Place {
            registry: self.registry,
            repository: self.repository,
            caller: self.caller,
        };
        let (digest, key) = match self.trust {
            Trust::Digest(digest) => return Ok(digest.clone()),
            Trust::Both(digest, key) => (digest.clone(), key),
            Trust::Tag(tag, key) => {
                let resolved =
                    self.registry
                        .resolve(self.repository, tag, Freshness::Fresh, self.caller);
                (resolved.await?, key)
            }
        };
        place.require_signature(&digest, key).await?;
        Ok(digest)
    }

    async fn offer(&self, digest: &Digest) -> Result<Offer, ArtifactError> {
        let unfit = |why: Unfit| ArtifactError::Unfit {
            repository: self.repository.clone(),
            digest: digest.clone(),
            why,
        };
        let manifest = self
            .registry
            .manifest(self.repository, digest, self.caller)
            .await?;
        let image = layout::recognise(manifest).map_err(unfit)?;
        let limit = ByteLimit::bytes(usize::try_from(image.config.size).unwrap_or(usize::MAX));
        let json = self
            .registry
            .blob(self.repository, &image.config.digest, limit, self.caller)
            .await?;
        Ok(Offer {
            manifest: layout::read(&image, &json).map_err(unfit)?,
            digest: Sha256::of(&json),
            json,
        })
    }

    /// The database in place, where there is one that can be read. What is something else is not overwritten unasked, nor is what
    /// cannot be read any more, unless the database in use tells what must not be lost.
    fn in_place(&self) -> Result<Option<InPlace>, ArtifactError> {
        let file = match File::open(self.output) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|error| self.failed(error))?,
        };
        match container::read(&file) {
            Ok(contents) => Ok(Some(InPlace {
                file: Arc::new(file),
                contents,
            })),
            Err(fault) if self.precedent == Precedent::Respected => {
                self.not_compared(fault).map_or(Ok(None), Err)
            }
            Err(_) => Ok(None),
        }
    }

    /// Why what is in place may not be replaced, although nobody can compare with it.
    fn not_compared(&self, fault: DatabaseFault) -> Option<ArtifactError> {
        let path = self.output.to_owned();
        match fault {
            DatabaseFault::Foreign => Some(ArtifactError::InPlace(path)),
            _ if self.in_use.is_some() => None,
            fault => Some(ArtifactError::DamagedInPlace { path, fault }),
        }
    }

    fn compare(&self, in_place: Option<&InPlace>, next: &Manifest) -> Result<(), ArtifactError> {
        if self.precedent == Precedent::Overruled {
            return Ok(());
        }
        let in_place = in_place.map(|in_place| &in_place.contents.manifest);
        let mut setbacks = Vec::new();
        for current in self.in_use.into_iter().chain(in_place) {
            for setback in succession::setbacks(current, next) {
                if !setbacks.contains(&setback) {
                    setbacks.push(setback);
                }
            }
        }
        if setbacks.is_empty() {
            Ok(())
        } else {
            Err(ArtifactError::SetBack(setbacks))
        }
    }

    /// How many bytes the database in place has, if it is the very one that is offered, and whole.
    async fn unchanged(
        &self,
        in_place: Option<&InPlace>,
        offer: &Offer,
    ) -> Result<Option<u64>, ArtifactError> {
        let Some(in_place) = in_place.filter(|found| found.contents.digest == offer.digest) else {
            return Ok(None);
        };
        let is_whole = are_whole(in_place.segments()).await;
        let is_whole = is_whole.map_err(|error| self.failed(error))?;
        Ok(is_whole.then_some(in_place.contents.bytes))
    }

    async fn write(
        &self,
        offer: &Offer,
        in_place: Option<&InPlace>,
        progress: &mut Progress<'_>,
    ) -> Result<(u64, Carried), ArtifactError> {
        let segments = &offer.manifest.segments;
        let of = segments.iter().map(|note| note.bytes).sum();
        let at_hand: HashMap<Sha256, Stored> = in_place
            .map(InPlace::segments)
            .unwrap_or_default()
            .into_iter()
            .map(|stored| (stored.note.digest, stored))
            .collect();
        let mut draft = Draft::begin(self.output).map_err(|error| self.failed(error))?;
        let (mut done, mut carried) = (0, Carried::default());
        for note in segments {
            let segment = layout::title(note);
            progress(Transfer { segment, done, of });
            let mut is_here = false;
            // A segment that claims another size is another segment.
            let stored = at_hand
                .get(&note.digest)
                .filter(|stored| stored.note.bytes == note.bytes);
            if let Some(stored) = stored {
                let taken = draft.take_over(stored.clone()).await;
                (draft, is_here) = taken.map_err(|error| self.failed(error))?;
            }
            if is_here {
                carried.kept += 1;
            } else {
                self.fetch(&mut draft, note).await?;
                carried.segments += 1;
                carried.bytes += note.bytes;
            }
            done += note.bytes;
        }
        let bytes = draft.finish(&offer.json, self.output)?;
        Ok((bytes, carried))
    }

    /// Fetches a segment from whichever source has the true one.
    async fn fetch(&self, draft: &mut Draft, note: &SegmentNote) -> Result<(), ArtifactError> {
        let digest = note.digest.digest();
        let limit = ByteLimit::bytes(usize::try_from(note.bytes).unwrap_or(usize::MAX));
        let mut copies = self
            .registry
            .blob_copies(self.repository, &digest, limit, self.caller);
        let mut failure = RegistryError {
            repository: self.repository.clone(),
            subject: Subject::Blob(digest.clone()),
            failure: RegistryFailure::NotFound,
        };
        while let Some(copy) = copies.next().await {
            let written = match copy {
                Ok(blob) => draft.write(blob, note).await,
                Err(error) => Err(error.into()),
            };
            match written {
                Ok(true) => return Ok(()),
                Ok(false) => failure.failure = RegistryFailure::Damaged,
                Err(Interrupted::Registry(error)) => failure = error,
                Err(Interrupted::File(error)) => return Err(self.failed(error)),
            }
        }
        Err(failure.into())
    }

    fn failed(&self, source: io::Error) -> ArtifactError {
        ArtifactError::File {
            path: self.output.to_owned(),
            source,
        }
    }
}

impl InPlace {
    fn segments(&self) -> Vec<Stored> {
        Stored::all(&self.file, &self.contents.manifest)
    }
}
