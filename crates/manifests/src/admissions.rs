//! Records of what was admitted, in a folder: one file for each namespace, named by a hash.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cise_admission::{AdmissionRecord, AdmittedImages, RecordError, Recorded};
use cise_advisor::database::Sha256;
use cise_policy::Namespace;
use cise_signature::store::{Revision, Written};
use futures::future::BoxFuture;

/// The largest record that is read, in bytes: more than any that is written.
const MAX_RECORD: u64 = 1 << 20;

/// An [`AdmissionRecord`] in a folder, which several processes may share.
///
/// Writers exclude each other by a lock on a file. A record is written beside its place, synced, and moved into place, so
/// that whatever is killed at whatever moment, each record is the old one or the new one.
#[derive(Clone, Debug)]
pub struct AdmissionFolder {
    folder: Arc<Path>,
}

impl AdmissionFolder {
    /// The records in that folder, which is made if it is missing.
    pub fn open(folder: &Path) -> Result<Self, RecordError> {
        fs::create_dir_all(folder).map_err(unwritable(folder))?;
        Ok(Self {
            folder: folder.into(),
        })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, RecordError> + Send + 'static,
    ) -> Result<T, RecordError> {
        let folder = self.clone();
        let working = tokio::task::spawn_blocking(move || work(&folder));
        let lost = |_| {
            RecordError::new(
                self.folder.display().to_string(),
                "used",
                "work on it failed",
            )
        };
        working.await.map_err(lost)?
    }

    fn read(&self, namespace: &Namespace) -> Result<Option<Recorded>, RecordError> {
        let file = self.file(namespace);
        let mut bytes = Vec::new();
        let opened = match File::open(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(unreadable(&file))?,
        };
        opened
            .take(MAX_RECORD)
            .read_to_end(&mut bytes)
            .map_err(unreadable(&file))?;
        let images = AdmittedImages::from_json(&bytes, namespace)
            .map_err(|fault| RecordError::new(file.display().to_string(), "read", fault))?;
        let revision = Revision::new(Sha256::of(&bytes).to_string());
        Ok(Some(Recorded { images, revision }))
    }

    /// Writes the record if what is there is what `revision` says, or nothing where it says nothing.
    fn write(
        &self,
        revision: Option<&Revision>,
        images: &AdmittedImages,
    ) -> Result<Written, RecordError> {
        let _lock = self.lock()?;
        let current = self.read(images.namespace())?;
        if current.as_ref().map(|current| &current.revision) != revision {
            return Ok(Written::Conflict);
        }
        let file = self.file(images.namespace());
        // The lock makes this the only writer, so that what a killed one left behind is simply written over.
        let draft = file.with_extension("draft");
        let write = || {
            let mut open = File::create(&draft)?;
            open.write_all(images.to_json().as_bytes())?;
            open.sync_all()?;
            fs::rename(&draft, &file)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(unwritable(&file))?;
        Ok(Written::Done)
    }

    fn file(&self, namespace: &Namespace) -> PathBuf {
        let name = Sha256::of(namespace.as_str().as_bytes()).to_string();
        let hash = name.trim_start_matches("sha256:");
        self.folder.join(format!("{hash}.json"))
    }

    fn lock(&self) -> Result<File, RecordError> {
        let file = self.folder.join("lock");
        let locked = File::create(&file).and_then(|open| open.lock().map(|()| open));
        locked.map_err(unwritable(&file))
    }
}

impl AdmissionRecord for AdmissionFolder {
    fn load<'a>(
        &'a self,
        namespace: &'a Namespace,
    ) -> BoxFuture<'a, Result<Option<Recorded>, RecordError>> {
        let namespace = namespace.clone();
        Box::pin(self.blocking(move |folder| folder.read(&namespace)))
    }

    fn create<'a>(
        &'a self,
        images: &'a AdmittedImages,
    ) -> BoxFuture<'a, Result<Written, RecordError>> {
        let images = images.clone();
        Box::pin(self.blocking(move |folder| folder.write(None, &images)))
    }

    fn replace<'a>(
        &'a self,
        revision: &'a Revision,
        images: &'a AdmittedImages,
    ) -> BoxFuture<'a, Result<Written, RecordError>> {
        let (revision, images) = (revision.clone(), images.clone());
        Box::pin(self.blocking(move |folder| folder.write(Some(&revision), &images)))
    }
}

fn unreadable(file: &Path) -> impl Fn(io::Error) -> RecordError {
    inaccessible(file, "read")
}

fn unwritable(file: &Path) -> impl Fn(io::Error) -> RecordError {
    inaccessible(file, "written")
}

fn inaccessible(file: &Path, action: &'static str) -> impl Fn(io::Error) -> RecordError {
    let place = file.display().to_string();
    move |error| RecordError::new(place.clone(), action, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace(name: &str) -> Namespace {
        Namespace::parse(name).unwrap()
    }

    #[tokio::test]
    async fn of_two_processes_that_race_one_writes_and_the_other_has_to_look_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admitted");
        let [one, other] = [&path, &path].map(|path| AdmissionFolder::open(path).unwrap());
        let team = namespace("team");
        assert_eq!(one.load(&team).await, Ok(None));
        let empty = AdmittedImages::of(team.clone());
        assert_eq!(one.create(&empty).await, Ok(Written::Done));
        assert_eq!(other.create(&empty).await, Ok(Written::Conflict));
        let read = other.load(&team).await.unwrap().unwrap();
        assert_eq!(read.images, empty);
        assert_eq!(
            other.replace(&read.revision, &empty).await,
            Ok(Written::Done)
        );
        let stale = Revision::new("sha256:0");
        assert_eq!(one.replace(&stale, &empty).await, Ok(Written::Conflict));
        assert_eq!(one.load(&namespace("other")).await, Ok(None));
    }

    #[tokio::test]
    async fn a_record_that_is_damaged_or_of_another_namespace_is_never_taken_for_none() {
        let place = tempfile::tempdir().unwrap();
        let folder = AdmissionFolder::open(place.path()).unwrap();
        let team = namespace("team");
        let of_other = AdmittedImages::of(namespace("other")).to_json();
        for (written, why) in [
            ("", "it is no record"),
            (&*of_other, "it is the record of namespace `other`"),
        ] {
            fs::write(folder.file(&team), written).unwrap();
            let error = folder.load(&team).await.unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            let empty = AdmittedImages::of(team.clone());
            assert!(folder.create(&empty).await.is_err());
        }
    }
}
