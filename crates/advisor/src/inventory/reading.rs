//! From a source to what a layer says: fetched, read on a thread of its own, kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use cise_reference::Digest;
use cise_registry::Descriptor;
use futures::StreamExt as _;
use tokio::sync::{OwnedMutexGuard, Semaphore, mpsc};

use super::cache::LayerCache;
use super::configuration::{self, Configuration};
use super::digest::sha;
use super::layer::{self, Expected, LayerError, LayerInventory};
use super::limits::Limits;
use super::source::{Chunks, Source, SourceError};
use super::{InventoryError, name};
use crate::Gap;

/// How many chunks wait for the thread that reads them.
const CHUNKS_AHEAD: usize = 8;

/// Reads layers, so many at a time. Cloning shares what it keeps.
#[derive(Clone)]
pub(super) struct Reader {
    cache: Arc<dyn LayerCache>,
    limits: Limits,
    threads: Arc<Semaphore>,
    /// One lock for each layer that is being read, so that whoever else wants it waits for it.
    reading: Arc<Mutex<HashMap<Digest, Weak<tokio::sync::Mutex<()>>>>>,
}

/// What became of a layer.
pub(super) struct Outcome {
    /// What it says, if it could be read.
    pub(super) inventory: Option<Arc<LayerInventory>>,
    /// What could not be judged.
    pub(super) gap: Option<Gap>,
}

/// What a layer's media type says, as far as it matters: its compression is seen in its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LayerKind {
    /// An archive.
    Archive,
    /// An archive that the registry may not have.
    Foreign,
    /// Encrypted.
    Encrypted,
    /// Anything else.
    Unknown,
}

impl LayerKind {
    /// The kind by OCI's and Docker's media types.
    pub(super) fn of(media_type: &str) -> Self {
        const DOCKER: &str = "application/vnd.docker.image.rootfs.";
        const OCI: &str = "application/vnd.oci.image.layer.";
        if media_type.ends_with("+encrypted") {
            return Self::Encrypted;
        }
        let plain = media_type.split('+').next().unwrap_or_default();
        let plain = plain.trim_end_matches(".gzip").trim_end_matches(".zstd");
        let kind = plain
            .strip_prefix(DOCKER)
            .or_else(|| plain.strip_prefix(OCI));
        match kind {
            Some("v1.tar" | "diff.tar") => Self::Archive,
            Some("nondistributable.v1.tar" | "foreign.diff.tar") => Self::Foreign,
            _ => Self::Unknown,
        }
    }
}

impl Reader {
    pub(super) fn new(cache: Arc<dyn LayerCache>, limits: Limits) -> Self {
        Self {
            cache,
            limits,
            threads: Arc::new(Semaphore::new(limits.layers.max(1))),
            reading: Arc::default(),
        }
    }

    /// What a layer says. An error says nothing about the image.
    pub(super) async fn layer<S: Source>(
        &self,
        source: &S,
        layer: &Descriptor,
        diff_id: &Digest,
    ) -> Result<Outcome, InventoryError> {
        let (kind, digest) = (LayerKind::of(&layer.media_type), name(&layer.digest));
        let unread = |gap| Outcome {
            inventory: None,
            gap: Some(gap),
        };
        match kind {
            LayerKind::Encrypted => return Ok(unread(Gap::EncryptedLayer { layer: digest })),
            LayerKind::Unknown => {
                let media_type = layer
                    .media_type
                    .chars()
                    .take(100)
                    .collect::<String>()
                    .into();
                return Ok(unread(Gap::UnknownLayer {
                    layer: digest,
                    media_type,
                }));
            }
            LayerKind::Archive | LayerKind::Foreign => {}
        }
        match self.read_once(source, layer, diff_id).await {
            Ok(inventory) => {
                let same = inventory.shows_the_same(&layer.digest, &layer.annotations);
                let gap = same.err().map(|why| Gap::LazyLayer { layer: digest, why });
                Ok(Outcome {
                    inventory: Some(inventory),
                    gap,
                })
            }
            Err(LayerError::Source(error)) if kind == LayerKind::Foreign && error.is_final() => {
                Ok(unread(Gap::ForeignLayer { layer: digest }))
            }
            Err(why) if why.may_pass() => Err(InventoryError::Layer {
                layer: layer.digest.clone(),
                why,
            }),
            Err(why) => {
                let why = why.to_string().into();
                Ok(unread(Gap::UnreadLayer { layer: digest, why }))
            }
        }
    }

    /// What is kept of a layer, else what reading it gives, which is then kept.
    async fn read_once<S: Source>(
        &self,
        source: &S,
        layer: &Descriptor,
        diff_id: &Digest,
    ) -> Result<Arc<LayerInventory>, LayerError> {
        let _alone = self.alone(diff_id).await;
        let kept = self.cache.get(diff_id);
        if let Some(kept) = kept
            .as_ref()
            .filter(|kept| kept.was_read_from(&layer.digest))
        {
            return Ok(Arc::clone(kept));
        }
        let expected = Expected {
            digest: layer.digest.clone(),
            size: layer.size,
            diff_id: diff_id.clone(),
        };
        let permit = self.threads.acquire().await.map_err(|_| LayerError::Lost)?;
        let mut inventory = self.read(source, layer, &expected).await?;
        drop(permit);
        if let Some(kept) = kept {
            inventory.take_over(&kept);
        }
        let inventory = Arc::new(inventory);
        self.cache.put(diff_id, Arc::clone(&inventory));
        Ok(inventory)
    }

    /// The first copy that is what it should be; else why the last one is not.
    async fn read<S: Source>(
        &self,
        source: &S,
        layer: &Descriptor,
        expected: &Expected,
    ) -> Result<LayerInventory, LayerError> {
        let digest = layer.digest.clone();
        let mut failure = LayerError::Source(SourceError::NoCopy { digest });
        let mut copies = source.copies(layer);
        while let Some(copy) = copies.next().await {
            match self.read_copy(copy, expected).await {
                Ok(inventory) => return Ok(inventory),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Reads one copy on a thread of its own, which ends when this is dropped: nothing more comes then.
    async fn read_copy(
        &self,
        copy: Result<Chunks, SourceError>,
        expected: &Expected,
    ) -> Result<LayerInventory, LayerError> {
        let mut chunks = copy?;
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        let (expected, limits) = (expected.clone(), self.limits);
        let read = move || layer::read(Arriving(receiver), &expected, &limits);
        let reading = tokio::task::spawn_blocking(read);
        while let Some(chunk) = chunks.next().await {
            if sender.send(chunk).await.is_err() {
                break;
            }
        }
        drop(sender);
        reading.await.map_err(|_| LayerError::Lost)?
    }

    /// An image's configuration, or the gap that it leaves.
    pub(super) async fn configuration<S: Source>(
        &self,
        source: &S,
        config: &Descriptor,
    ) -> Result<Result<Configuration, Gap>, InventoryError> {
        let read = match small(source, config).await {
            Err(error) if !error.is_final() => return Err(error.into()),
            Err(error) => Err(error.to_string()),
            Ok(Err(why)) => Err(why),
            Ok(Ok(bytes)) => Configuration::parse(&bytes),
        };
        Ok(read.map_err(|why| Gap::BrokenConfiguration {
            digest: name(&config.digest),
            why: why.into(),
        }))
    }

    /// The lock of a layer, once nobody else has it.
    async fn alone(&self, diff_id: &Digest) -> OwnedMutexGuard<()> {
        let lock = {
            let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
            reading.retain(|_, lock| lock.strong_count() > 0);
            let lock = reading
                .get(diff_id)
                .and_then(Weak::upgrade)
                .unwrap_or_default();
            reading.insert(diff_id.clone(), Arc::downgrade(&lock));
            lock
        };
        lock.lock_owned().await
    }
}

/// A blob small enough to be held, from the first copy that is what it should be; else what is wrong with the last one.
async fn small<S: Source>(
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

/// Chunks as they arrive; none once the other side is gone.
struct Arriving(mpsc::Receiver<Result<Bytes, SourceError>>);

impl Iterator for Arriving {
    type Item = Result<Bytes, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.blocking_recv()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_what_its_type_says_whatever_its_compression() {
        use LayerKind::{Archive, Encrypted, Foreign, Unknown};
        let table = [
            ("application/vnd.oci.image.layer.v1.tar", Archive),
            ("application/vnd.oci.image.layer.v1.tar+gzip", Archive),
            ("application/vnd.oci.image.layer.v1.tar+zstd", Archive),
            ("application/vnd.docker.image.rootfs.diff.tar", Archive),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", Archive),
            ("application/vnd.docker.image.rootfs.diff.tar.zstd", Archive),
            (
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                Foreign,
            ),
            (
                "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                Foreign,
            ),
            (
                "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
                Encrypted,
            ),
            ("application/vnd.in-toto+json", Unknown),
            ("application/vnd.oci.empty.v1+json", Unknown),
            ("", Unknown),
        ];
        for (media_type, kind) in table {
            assert_eq!(LayerKind::of(media_type), kind, "{media_type}");
        }
    }
}
