//! What layers say, kept on a disk.

use std::fs::{self, DirEntry, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use cise_reference::Digest;

use super::form::{Title, is_file_name};
use super::shelf::Shelf;
use super::{LayerCache, LayerInventory};
use crate::inventory::limits::Limits;

/// The most bytes of one file: the largest layers that are read stay below it.
const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// How names of files begin that are being written.
const UNFINISHED: &str = ".writing-";

/// After so long, whoever was writing a file has ended without it.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);

/// Keeps layers in the files of a folder, those that were used last.
///
/// A file is believed by the hash in it, which also covers the layer's diff id and the version of the detectors: one that is damaged,
/// cut off or from elsewhere is a miss, and is taken away. Files appear whole or not at all. Several programs may share a folder; each
/// keeps to its own bound. A disk that takes nothing more is told of once in the log, and worked without.
///
/// Whoever may write into the folder decides what is found in images, as with the advisory database.
#[derive(Debug)]
pub struct DiskCache {
    folder: PathBuf,
    limits: Limits,
    shelf: Mutex<Shelf>,
    is_failing: AtomicBool,
}

/// A folder cannot be used to keep layers in.
#[derive(Debug, thiserror::Error)]
#[error("the folder {} cannot be used to keep what layers say: {why}", folder.display())]
pub struct CacheError {
    folder: PathBuf,
    why: io::Error,
}

impl DiskCache {
    /// One in that folder, which is made if it is missing, for up to so many bytes of layers that are read within these limits.
    pub fn open(folder: &Path, room: u64, limits: Limits) -> Result<Self, CacheError> {
        let failed = |why| CacheError {
            folder: folder.to_owned(),
            why,
        };
        fs::create_dir_all(folder).map_err(failed)?;
        let cache = Self {
            folder: folder.to_owned(),
            limits,
            shelf: Mutex::new(Shelf::new(room)),
            is_failing: AtomicBool::new(false),
        };
        cache.take_stock().map_err(failed)?;
        Ok(cache)
    }

    /// Puts on the shelf what is there, in the order in which it was used.
    fn take_stock(&self) -> io::Result<()> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            match Found::of(&entry) {
                Some(Found::Layer { name, bytes, used }) => found.push((used, name, bytes)),
                Some(Found::Abandoned) => self.remove(&entry.path()),
                None => {}
            }
        }
        found.sort_unstable();
        for (_, name, bytes) in found {
            self.shelve(&name, bytes);
        }
        Ok(())
    }

    fn shelve(&self, name: &str, bytes: u64) {
        let gone = self.shelf().put(name, bytes);
        for name in gone {
            self.remove(&self.folder.join(&*name));
        }
    }

    /// What is gone already is as good.
    fn remove(&self, path: &Path) {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => self.complain(&error),
            _ => {}
        }
    }

    fn read(&self, title: &Title) -> io::Result<Option<LayerInventory>> {
        let name = title.file_name();
        let path = self.folder.join(&name);
        let file = File::open(&path)?;
        let mut content = Vec::new();
        (&file).take(MAX_FILE_BYTES).read_to_end(&mut content)?;
        let layer = title.decode(&content);
        if layer.is_some() {
            // By it the next program knows what was used last. That it cannot be set changes nothing else.
            let _ = file.set_modified(SystemTime::now());
            self.shelve(&name, content.len() as u64);
        } else {
            self.shelf().lose(&name);
            self.remove(&path);
        }
        Ok(layer)
    }

    fn write(&self, title: &Title, layer: &LayerInventory) -> io::Result<()> {
        let content = title.encode(layer)?;
        let bytes = content.len() as u64;
        if bytes > MAX_FILE_BYTES || !self.shelf().fits(bytes) {
            return Ok(());
        }
        let name = title.file_name();
        self.shelve(&name, bytes);
        let written = self.write_whole(&name, &content);
        if written.is_err() {
            self.shelf().lose(&name);
        }
        written
    }

    fn write_whole(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(&self.folder)?;
        file.write_all(content)?;
        file.persist(self.folder.join(name))?;
        Ok(())
    }

    fn complain(&self, error: &io::Error) {
        if !self.is_failing.swap(true, Ordering::Relaxed) {
            let folder = self.folder.display();
            tracing::warn!("what layers say is not kept in {folder} any more: {error}");
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LayerCache for DiskCache {
    fn get(&self, diff_id: &Digest) -> Option<Arc<LayerInventory>> {
        match self.read(&Title::new(diff_id, &self.limits)) {
            Ok(layer) => layer.map(Arc::new),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                self.complain(&error);
                None
            }
        }
    }

    fn put(&self, diff_id: &Digest, layer: Arc<LayerInventory>) {
        match self.write(&Title::new(diff_id, &self.limits), &layer) {
            Ok(()) => self.is_failing.store(false, Ordering::Relaxed),
            Err(error) => self.complain(&error),
        }
    }
}

/// What is of interest in the folder.
enum Found {
    Layer {
        name: String,
        bytes: u64,
        used: SystemTime,
    },
    Abandoned,
}

impl Found {
    /// What cannot be looked at is left alone, as is what somebody else has put there.
    fn of(entry: &DirEntry) -> Option<Self> {
        let name = entry.file_name().into_string().ok()?;
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        let used = metadata.modified().ok()?;
        if is_file_name(&name) {
            let bytes = metadata.len();
            return Some(Self::Layer { name, bytes, used });
        }
        let is_abandoned = used.elapsed().is_ok_and(|age| age > ABANDONED_AFTER);
        (name.starts_with(UNFINISHED) && is_abandoned).then_some(Self::Abandoned)
    }
}

#[cfg(test)]
mod tests {
    use cise_testkit::fixtures::packages;
    use tempfile::TempDir;

    use super::*;
    use crate::inventory::cache::form::tests::read;

    const ROOM: u64 = 1 << 20;

    fn layer() -> Arc<LayerInventory> {
        Arc::new(read(&packages::debian().expect("a layer")))
    }

    fn open(folder: &TempDir, room: u64) -> DiskCache {
        DiskCache::open(folder.path(), room, Limits::default()).expect("a folder")
    }

    fn id(number: u8) -> Digest {
        Digest::sha256([number; 32])
    }

    fn path(cache: &DiskCache, number: u8) -> PathBuf {
        let title = Title::new(&id(number), &cache.limits);
        cache.folder.join(title.file_name())
    }

    fn files(folder: &TempDir) -> usize {
        fs::read_dir(folder.path()).expect("a folder").count()
    }

    #[test]
    fn what_is_kept_is_there_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = open(&folder, ROOM);
        assert_eq!(cache.get(&id(1)), None);
        cache.put(&id(1), layer());
        assert_eq!(cache.get(&id(1)), Some(layer()));
        let restarted = open(&folder, ROOM);
        assert_eq!(restarted.get(&id(1)), Some(layer()));
        assert_eq!(restarted.get(&id(2)), None);
        assert_eq!(files(&folder), 1, "nothing unfinished is left");
    }

    /// What is done to a file, and what it is called.
    type Spoil = (&'static str, fn(Vec<u8>) -> Vec<u8>);

    #[test]
    fn a_file_that_is_not_as_it_was_written_is_a_miss_and_is_replaced() {
        let spoils: [Spoil; 4] = [
            ("truncated", |mut content| {
                content.truncate(content.len() / 2);
                content
            }),
            ("empty", |_| Vec::new()),
            ("damaged", |mut content| {
                let last = content.len() - 3;
                content[last] ^= 1;
                content
            }),
            ("foreign", |_| b"{}".to_vec()),
        ];
        let folder = tempfile::tempdir().expect("a folder");
        let cache = open(&folder, ROOM);
        for (what, spoil) in spoils {
            cache.put(&id(1), layer());
            let path = path(&cache, 1);
            let content = fs::read(&path).expect("a file");
            fs::write(&path, spoil(content)).expect("written");
            assert_eq!(cache.get(&id(1)), None, "{what}");
            assert!(!path.exists(), "{what}");
            cache.put(&id(1), layer());
            assert_eq!(cache.get(&id(1)), Some(layer()), "{what}");
        }
    }

    #[test]
    fn a_file_under_the_name_of_another_is_a_miss() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = open(&folder, ROOM);
        cache.put(&id(1), layer());
        fs::copy(path(&cache, 1), path(&cache, 2)).expect("copied");
        assert_eq!(cache.get(&id(2)), None);
        assert_eq!(cache.get(&id(1)), Some(layer()));
    }

    #[test]
    fn what_was_used_longest_ago_makes_room_also_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let probe = open(&folder, ROOM);
        probe.put(&id(1), layer());
        let size = fs::metadata(path(&probe, 1)).expect("a file").len();
        let cache = open(&folder, 3 * size);
        for number in [2, 3] {
            cache.put(&id(number), layer());
        }
        for (number, seconds) in [(1, 1), (2, 30), (3, 20)] {
            let used = SystemTime::now() - Duration::from_secs(60 - seconds);
            let file = File::open(path(&cache, number)).expect("a file");
            file.set_modified(used).expect("set");
        }
        assert!(cache.get(&id(1)).is_some(), "it is used again");
        let restarted = open(&folder, 3 * size);
        restarted.put(&id(4), layer());
        let kept = [1, 2, 3, 4].map(|number| restarted.get(&id(number)).is_some());
        assert_eq!(kept, [true, true, false, true]);
        assert_eq!(files(&folder), 3);
        let smaller = open(&folder, size);
        assert_eq!(files(&folder), 1);
        drop(smaller);
    }

    #[test]
    fn what_others_put_into_the_folder_stays_and_what_was_abandoned_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let [notes, fresh, abandoned] =
            ["notes.layer", ".writing-new", ".writing-old"].map(|name| folder.path().join(name));
        for path in [&notes, &fresh, &abandoned] {
            fs::write(path, "content").expect("written");
        }
        let old = File::open(&abandoned).expect("a file");
        let used = SystemTime::now() - 2 * ABANDONED_AFTER;
        old.set_modified(used).expect("set");
        open(&folder, 0);
        assert!(notes.exists() && fresh.exists() && !abandoned.exists());
    }

    #[test]
    fn a_disk_that_takes_nothing_is_worked_without_until_it_does_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = folder.path().join("kept");
        let cache = DiskCache::open(&kept, ROOM, Limits::default()).expect("a folder");
        fs::remove_dir(&kept).expect("removed");
        fs::write(&kept, "no folder").expect("written");
        cache.put(&id(1), layer());
        assert!(cache.is_failing.load(Ordering::Relaxed));
        assert_eq!(cache.get(&id(1)), None);
        fs::remove_file(&kept).expect("removed");
        fs::create_dir(&kept).expect("made");
        cache.put(&id(1), layer());
        assert!(!cache.is_failing.load(Ordering::Relaxed));
        assert_eq!(cache.get(&id(1)), Some(layer()));
        let error = DiskCache::open(&kept.join("file"), ROOM, Limits::default());
        assert!(error.is_ok(), "a folder is made");
        fs::write(kept.join("text"), "").expect("written");
        let error = DiskCache::open(&kept.join("text"), ROOM, Limits::default());
        assert!(error.expect_err("no folder").to_string().contains("text"));
    }

    #[test]
    fn a_layer_that_is_larger_than_all_the_room_is_not_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = open(&folder, 100);
        cache.put(&id(1), layer());
        assert_eq!((files(&folder), cache.get(&id(1))), (0, None));
    }
}
