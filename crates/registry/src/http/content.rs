//! What is sent to a server.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream;

/// How much of a file is in memory while it is sent.
const CHUNK_BYTES: u64 = 256 * 1024;

/// What is sent to a server. It can be sent again. Cloning is cheap.
#[derive(Clone, Debug)]
pub enum Content {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A part of a file, read piece by piece as it is sent.
    Part {
        /// The file.
        file: Arc<File>,
        /// The first byte of the part.
        offset: u64,
        /// How many bytes it has.
        bytes: u64,
    },
}

impl Content {
    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Part { bytes, .. } => *bytes,
        }
    }

    pub(crate) fn body(&self) -> reqwest::Body {
        match self {
            Self::Bytes(bytes) => bytes.clone().into(),
            Self::Part {
                file,
                offset,
                bytes,
            } => {
                let left = Left {
                    file: Arc::clone(file),
                    offset: *offset,
                    bytes: *bytes,
                };
                reqwest::Body::wrap_stream(stream::try_unfold(left, Left::next))
            }
        }
    }
}

/// What of a part is still to be sent.
struct Left {
    file: Arc<File>,
    offset: u64,
    bytes: u64,
}

impl Left {
    async fn next(self) -> io::Result<Option<(Bytes, Self)>> {
        let length = self.bytes.min(CHUNK_BYTES);
        if length == 0 {
            return Ok(None);
        }
        let read = tokio::task::spawn_blocking(move || {
            let mut chunk = vec![0; usize::try_from(length).unwrap_or(0)];
            self.file.read_exact_at(&mut chunk, self.offset)?;
            let left = Self {
                offset: self.offset + length,
                bytes: self.bytes - length,
                ..self
            };
            Ok(Some((chunk.into(), left)))
        });
        read.await.map_err(io::Error::other)?
    }
}
