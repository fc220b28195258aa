//! Trust records in a folder: one file for each pin, named by a hash and never by text of a stranger.

use std::fs::{self, DirEntry, File};
use std::io::{self, Read as _, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::oneshot;

use super::{Revision, StoreError, Stored, TrustState, TrustStore, Written};
use crate::PinKey;
use crate::pin::hex;

/// The largest record that is read, in bytes; a root is at most half of it.
const MAX_RECORD: u64 = 2 << 20;

/// A [`TrustStore`] in a folder, which several processes may share.
///
/// Writers exclude each other by a lock on a file, which ends with the process that holds it. A record is written
/// beside its place, synced, and moved into place, so that whatever is killed at whatever moment, each record is the old one
/// or the new one.
#[derive(Debug, Clone)]
pub struct FolderStore {
    folder: Arc<Folder>,
    worker: Sender<Job>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    most: usize,
}

/// Work on the folder that may block.
type Job = Box<dyn FnOnce(&Folder) + Send>;

impl FolderStore {
    /// The store in that folder, which is made if it is missing. At most `most` repositories are recorded.
    pub fn open(path: impl Into<PathBuf>, most: usize) -> Result<Self, StoreError> {
        let path = path.into();
        fs::create_dir_all(&path).map_err(unwritable(&path))?;
        let folder = Arc::new(Folder { path, most });
        let worker = worker(&folder).map_err(unreadable(&folder.path))?;
        Ok(Self { folder, worker })
    }

    /// All records, by pin; for one that cannot be read, why. Blocks.
    pub fn list(&self) -> Result<Vec<Result<TrustState, StoreError>>, StoreError> {
        let mut records = self
            .folder
            .files()?
            .iter()
            .filter_map(|file| self.folder.read(file).transpose())
            .map(|record| record.map(|stored| stored.state))
            .collect::<Vec<_>>();
        records.sort_by(|a, b| {
            a.as_ref()
                .ok()
                .map(TrustState::pin)
                .cmp(&b.as_ref().ok().map(TrustState::pin))
        });
        Ok(records)
    }

    /// The record of a pin. Blocks.
    pub fn show(&self, pin: &PinKey) -> Result<Option<TrustState>, StoreError> {
        Ok(self.folder.load(pin)?.map(|stored| stored.state))
    }

    /// Removes the record of a pin, even a damaged one, so that the next root seen is trusted. Says whether there
    /// was one. Blocks.
    pub fn forget(&self, pin: &PinKey) -> Result<bool, StoreError> {
        let _lock = self.folder.lock()?;
        let file = self.folder.file(pin);
        match fs::remove_file(&file) {
            Ok(()) => self.folder.sync().map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(unwritable(&file)(error)),
        }
    }

    fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> Result<T, StoreError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        let (tell, told) = oneshot::channel();
        // Nobody may wait for it any more when it is done.
        let job = move |folder: &Folder| drop(tell.send(work(folder)));
        // Without a worker the job is dropped, and with it `tell`.
        let _ = self.worker.send(Box::new(job));
        let place = self.folder.path.clone();
        async move {
            let lost = || unreadable(&place)(io::Error::other("the work on it failed"));
            told.await.unwrap_or_else(|_| Err(lost()))
        }
        .boxed()
    }
}

/// The one thread that works on a folder for everybody. Writers exclude each other anyway, and in a pool every thread that
/// waits for its turn would have memory of its own.
fn worker(folder: &Arc<Folder>) -> io::Result<Sender<Job>> {
    let (sender, jobs) = mpsc::channel::<Job>();
    let folder = Arc::clone(folder);
    let work = move || {
        for job in jobs {
            // The panic is reported where it happens; who waits for the job learns that it is lost.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| job(&folder)));
        }
    };
    thread::Builder::new()
        .name("trust-records".to_owned())
        .spawn(work)?;
    Ok(sender)
}

impl TrustStore for FolderStore {
    fn load<'a>(&'a self, pin: &'a PinKey) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        let pin = pin.clone();
        self.blocking(move |folder| folder.load(&pin))
    }

    fn create<'a>(
        &'a self,
        pin: &'a PinKey,
        state: &'a TrustState,
    ) -> BoxFuture<'a, Result<Written, StoreError>> {
        let (pin, json) = (pin.clone(), state.to_json());
        self.blocking(move |folder| folder.create(&pin, &json))
    }

    fn replace<'a>(
        &'a self,
        pin: &'a PinKey,
        revision: &'a Revision,
        state: &'a TrustState,
    ) -> BoxFuture<'a, Result<Written, StoreError>> {
        let (pin, revision, json) = (pin.clone(), revision.clone(), state.to_json());
        self.blocking(move |folder| folder.replace(&pin, &revision, &json))
    }
}

impl Folder {
    fn load(&self, pin: &PinKey) -> Result<Option<Stored>, StoreError> {
        let file = self.file(pin);
        let Some(stored) = self.read(&file)? else {
            return Ok(None);
        };
        stored
            .state
            .belongs_to(pin)
            .map_err(|why| damaged(&file, why.to_string()))?;
        Ok(Some(stored))
    }

    fn create(&self, pin: &PinKey, json: &str) -> Result<Written, StoreError> {
        let _lock = self.lock()?;
        let file = self.file(pin);
        if fs::symlink_metadata(&file).is_ok() {
            return Ok(Written::Conflict);
        }
        if self.is_full()? {
            return Err(StoreError::Full { most: self.most });
        }
        self.write(&file, json)
    }

    fn is_full(&self) -> Result<bool, StoreError> {
        let count = self
            .entries()?
            .try_fold(0, |count, entry| entry.map(|_| count + 1))?;
        Ok(count >= self.most)
    }

    fn replace(
        &self,
        pin: &PinKey,
        revision: &Revision,
        json: &str,
    ) -> Result<Written, StoreError> {
        let _lock = self.lock()?;
        match self.load(pin)? {
            Some(current) if current.revision == *revision => self.write(&self.file(pin), json),
            _ => Ok(Written::Conflict),
        }
    }

    fn file(&self, pin: &PinKey) -> PathBuf {
        self.path.join(format!("{}.json", pin.record_name()))
    }

    fn files(&self) -> Result<Vec<PathBuf>, StoreError> {
        self.entries()?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect()
    }

    /// The records, one at a time: a full folder is long, and each new record has it counted.
    fn entries(&self) -> Result<impl Iterator<Item = Result<DirEntry, StoreError>>, StoreError> {
        let entries = fs::read_dir(&self.path).map_err(unreadable(&self.path))?;
        let is_record = |entry: &io::Result<DirEntry>| {
            entry.as_ref().map_or(true, |entry| {
                entry.file_name().as_encoded_bytes().ends_with(b".json")
            })
        };
        Ok(entries
            .filter(is_record)
            .map(|entry| entry.map_err(unreadable(&self.path))))
    }

    /// Nothing where there is no such file; but a folder that is gone holds no pin that could be missed.
    fn read(&self, file: &Path) -> Result<Option<Stored>, StoreError> {
        let opened = match File::open(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.path.is_dir() => {
                return Ok(None);
            }
            other => other.map_err(unreadable(file))?,
        };
        let mut bytes = Vec::new();
        opened
            .take(MAX_RECORD + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable(file))?;
        if bytes.len() as u64 > MAX_RECORD {
            return Err(damaged(
                file,
                format!("it is larger than {MAX_RECORD} bytes"),
            ));
        }
        let state =
            TrustState::from_json(&bytes).map_err(|error| damaged(file, error.to_string()))?;
        Ok(Some(Stored {
            state,
            revision: Revision::new(hex(&bytes)),
        }))
    }

    fn write(&self, file: &Path, json: &str) -> Result<Written, StoreError> {
        // The lock makes this the only writer, so that what a killed one left behind is simply written over.
        let draft = file.with_extension("draft");
        let write = || {
            let mut open = File::create(&draft)?;
            open.write_all(json.as_bytes())?;
            open.sync_all()?;
            fs::rename(&draft, file)
        };
        write().map_err(unwritable(file))?;
        self.sync()?;
        Ok(Written::Done)
    }

    fn lock(&self) -> Result<File, StoreError> {
        let file = self.path.join("lock");
        let locked = File::create(&file).and_then(|open| open.lock().map(|()| open));
        locked.map_err(unwritable(&file))
    }

    fn sync(&self) -> Result<(), StoreError> {
        File::open(&self.path)
            .and_then(|folder| folder.sync_all())
            .map_err(unwritable(&self.path))
    }
}

fn unreadable(place: &Path) -> impl Fn(io::Error) -> StoreError {
    inaccessible(place, "read")
}

fn unwritable(place: &Path) -> impl Fn(io::Error) -> StoreError {
    inaccessible(place, "written")
}

fn inaccessible(place: &Path, action: &'static str) -> impl Fn(io::Error) -> StoreError {
    let place = place.display().to_string();
    move |error| StoreError::Inaccessible {
        place: place.clone(),
        action,
        why: error.to_string(),
    }
}

fn damaged(file: &Path, why: String) -> StoreError {
    StoreError::Damaged {
        place: file.display().to_string(),
        why,
    }
}
