//! The file of a database, as it is put together from segments of a registry and of the database in place.

use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use cise_registry::Blob;
use tempfile::NamedTempFile;

use super::error::ArtifactError;
use super::stored::Stored;
use crate::database::container::{self, PREAMBLE_BYTES};
use crate::database::hash::Hashing;
use crate::database::manifest::SegmentNote;
use crate::database::{Database, replacement};

/// How much is collected before it is written.
const BUFFER_BYTES: usize = 1 << 20;

/// A file that is not in its place yet. It is gone when this is dropped.
pub(super) struct Draft {
    file: BufWriter<NamedTempFile>,
    /// How many bytes of it stand.
    stands: u64,
}

impl Draft {
    pub(super) fn begin(output: &Path) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(BUFFER_BYTES, replacement::create(output)?);
        container::write_preamble(&mut file)?;
        Ok(Self {
            file,
            stands: PREAMBLE_BYTES,
        })
    }

    /// Takes a segment over from the database in place. Says whether it was what it should be; if not, nothing was taken.
    pub(super) async fn take_over(mut self, segment: Stored) -> io::Result<(Self, bool)> {
        let copied = tokio::task::spawn_blocking(move || {
            let note = &segment.note;
            let mut hashing = Hashing::new(&mut self.file);
            io::copy(&mut segment.read(), &mut hashing)?;
            let is_whole = hashing.finish() == (note.digest, note.bytes);
            self.settle(is_whole, note.bytes)?;
            Ok((self, is_whole))
        });
        copied.await.map_err(io::Error::other)?
    }

    /// Writes a segment as the registry sends it. Says whether it was what it should be; if not, nothing was written.
    pub(super) async fn write(
        &mut self,
        mut blob: Blob,
        note: &SegmentNote,
    ) -> Result<bool, Interrupted> {
        let mut hashing = Hashing::new(&mut self.file);
        let received = async {
            while let Some(chunk) = blob.chunk().await? {
                hashing.write_all(&chunk)?;
            }
            Ok(hashing.finish())
        };
        let received: Result<_, Interrupted> = received.await;
        let is_whole = matches!(received, Ok(found) if found == (note.digest, note.bytes));
        self.settle(is_whole, note.bytes)?;
        received.map(|_| is_whole)
    }

    /// Keeps the segment that was written, or takes it back.
    fn settle(&mut self, is_whole: bool, bytes: u64) -> io::Result<()> {
        if is_whole {
            self.stands += bytes;
            return Ok(());
        }
        self.file.flush()?;
        let file = self.file.get_mut().as_file_mut();
        file.set_len(self.stands)?;
        file.seek(SeekFrom::Start(self.stands)).map(drop)
    }

    /// Ends the file, opens it as whoever asks it will, and puts it in its place.
    pub(super) fn finish(mut self, json: &[u8], output: &Path) -> Result<u64, ArtifactError> {
        let failed = |source| ArtifactError::File {
            path: output.to_owned(),
            source,
        };
        container::write_end_as(&mut self.file, json).map_err(failed)?;
        let file = self
            .file
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        let database = Database::open(file.path())?;
        let bytes = database.status().bytes;
        replacement::settle(file, output).map_err(failed)?;
        Ok(bytes)
    }
}

/// Why a segment did not arrive.
#[derive(Debug, thiserror::Error)]
pub(super) enum Interrupted {
    #[error(transparent)]
    Registry(#[from] cise_registry::RegistryError),
    #[error(transparent)]
    File(#[from] io::Error),
}
