//! Layers of images, honest ones and others.

use std::io::{self, Write};

use aws_lc_rs::digest::{Context, SHA256};
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use super::sha256;
use crate::Error;

const MEBIBYTE: usize = 1024 * 1024;

/// A layer as a registry keeps it, and what the image's configuration says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its bytes, an archive compressed by gzip.
    pub content: Vec<u8>,
    /// The digest of the archive, `sha256:…`.
    pub diff_id: String,
}

impl Layer {
    /// A layer of these files (path and content). The same files make the same layer.
    pub fn new<C: AsRef<[u8]>>(files: &[(&str, C)]) -> Result<Self, Error> {
        let mut archive = Archive::new();
        for (path, content) in files {
            let content = content.as_ref();
            archive.file(path, content.len(), content)?;
        }
        archive.finish()
    }

    /// A layer that unpacks to a file of more than so many mebibytes, a thousandth of that in a registry. Nobody has ever
    /// unpacked it: it has neither an end nor a true diff id.
    pub fn bomb(mebibytes: usize) -> Result<Self, Error> {
        let zeros = vec![0; MEBIBYTE];
        let mut header = tar::Header::new_ustar();
        header.set_path("zeros").map_err(Error::Layer)?;
        header.set_size(u64::MAX >> 31);
        header.set_cksum();
        let mut compressed = GzBuilder::new().write(Vec::new(), Compression::best());
        let mut lengths = Vec::new();
        // What is flushed ends with a byte, and the second mebibyte of zeros follows one, as does each one after it.
        for bytes in [header.as_bytes().as_slice(), &zeros, &zeros] {
            compressed.write_all(bytes).map_err(Error::Layer)?;
            compressed.flush().map_err(Error::Layer)?;
            lengths.push(compressed.get_ref().len());
        }
        let mut content = compressed.get_ref().clone();
        let again = lengths.get(1).map_or(0, |length| *length)..content.len();
        let again = content.get(again).unwrap_or_default().repeat(mebibytes);
        content.extend(again);
        let diff_id = sha256(&content);
        Ok(Self { content, diff_id })
    }

    /// A layer of that many empty files.
    pub fn of_many(files: usize) -> Result<Self, Error> {
        let mut archive = Archive::new();
        for number in 0..files {
            archive.file(&format!("many/{number}"), 0, io::empty())?;
        }
        archive.finish()
    }

    /// The layer without its last bytes; a registry takes it, because its digest is that of what is left.
    #[must_use]
    pub fn truncated(mut self, bytes: usize) -> Self {
        self.content
            .truncate(self.content.len().saturating_sub(bytes));
        self
    }

    /// The layer with other bytes that are said to unpack to the same.
    #[must_use]
    pub fn replaced(self, content: Vec<u8>) -> Self {
        Self { content, ..self }
    }
}

/// An archive that is compressed while it is made.
struct Archive(tar::Builder<Hashed>);

impl Archive {
    fn new() -> Self {
        Self(tar::Builder::new(Hashed {
            hash: Context::new(&SHA256),
            compressed: GzBuilder::new().write(Vec::new(), Compression::default()),
        }))
    }

    fn file(&mut self, path: &str, size: usize, content: impl io::Read) -> Result<(), Error> {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        header.set_size(size);
        let content = content.take(size);
        self.0
            .append_data(&mut header, path, content)
            .map_err(Error::Layer)
    }

    fn finish(self) -> Result<Layer, Error> {
        let written = self.0.into_inner().map_err(Error::Layer)?;
        let content = written.compressed.finish().map_err(Error::Layer)?;
        let diff_id = format!("sha256:{}", crate::hex(written.hash.finish().as_ref()));
        Ok(Layer { content, diff_id })
    }
}

/// What an archive is written to: its bytes are hashed, and compressed.
struct Hashed {
    hash: Context,
    compressed: GzEncoder<Vec<u8>>,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.compressed.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.compressed.flush()
    }
}
