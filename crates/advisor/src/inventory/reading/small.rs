//! Blobs that are held as a whole.

use cise_registry::Descriptor;
use futures::StreamExt as _;

use crate::inventory::configuration;
use crate::inventory::digest::sha;
use crate::inventory::source::{Chunks, Source, SourceError};

/// A blob small enough to be held, from the first copy that is what it should be; else what is wrong with the last one.
pub(super) async fn small<S: Source>(
    source: &S,
    blob: &Descriptor,
) -> Result<Result<Vec<u8>, String>, SourceError> {
    if blob.size > configuration::MAX_BYTES {
        let limit = configuration::MAX_BYTES;
        return Ok(Err(format!(
            "it has more than the {limit} bytes that are read"
        )));
    }
    let digest = blob.digest.clone();
    let mut result = Err(SourceError::NoCopy { digest });
    let mut copies = source.copies(blob);
    while let Some(copy) = copies.next().await {
        result = match copy {
            Ok(chunks) => collect(chunks, blob.size).await,
            Err(error) => Err(error),
        }
        .map(|bytes| verified(bytes, blob));
        if matches!(result, Ok(Ok(_))) {
            return result;
        }
    }
    result
}

fn verified(bytes: Vec<u8>, blob: &Descriptor) -> Result<Vec<u8>, String> {
    let found = sha(blob.digest.algorithm(), &bytes);
    if found == blob.digest {
        Ok(bytes)
    } else {
        Err(format!("its content has the digest {found}"))
    }
}

/// All bytes of a copy; what goes on past the size is cut off, and has another digest.
async fn collect(mut chunks: Chunks, size: u64) -> Result<Vec<u8>, SourceError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk?);
        if bytes.len() as u64 > size {
            break;
        }
    }
    Ok(bytes)
}
