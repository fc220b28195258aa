//! From a source to what a layer says: fetched, read on a thread of its own, kept.

mod layer_kind;
mod share;
mod small;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cise_reference::Digest;
use cise_registry::{Descriptor, Progress};
use futures::StreamExt as _;
use tokio::sync::mpsc;

use super::cache::LayerCache;
use super::configuration::Configuration;
use super::layer::{self, Expected, LayerError, LayerInventory, Room};
use super::limits::Limits;
use super::queue::{Busy, Load, Place, Queue, Turn};
use super::scratch::Scratch;
use super::source::{Chunks, Source, SourceError};
use super::{InventoryError, name};
use crate::Gap;
use layer_kind::LayerKind;
use share::Share;
use small::small;

/// How many chunks wait for the thread that reads them.
const CHUNKS_AHEAD: usize = 8;

/// Reads layers, so many at a time. Cloning shares what it keeps.
#[derive(Clone)]
pub(super) struct Reader {
    cache: Arc<dyn LayerCache>,
    limits: Limits,
    scratch: Option<Scratch>,
    queue: Queue,
    /// Held by the one who holds a large file.
    large: Arc<Mutex<()>>,
}

/// A layer of an image, and what its archive has to be.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) descriptor: Descriptor,
    pub(super) diff_id: Digest,
}

/// What became of a layer.
pub(super) struct Outcome {
    /// What it says, if it could be read.
    pub(super) inventory: Option<Arc<LayerInventory>>,
    /// What could not be judged.
    pub(super) gap: Option<Gap>,
}

impl Wanted {
    fn expected(&self) -> Expected {
        Expected {
            digest: self.descriptor.digest.clone(),
            size: self.descriptor.size,
            diff_id: self.diff_id.clone(),
        }
    }

    /// Whether it will be read, and is not kept.
    fn is_missing(&self, cache: &dyn LayerCache) -> bool {
        let kept = || cache.get(&self.diff_id);
        match LayerKind::of(&self.descriptor.media_type) {
            LayerKind::Encrypted | LayerKind::Unknown => false,
            LayerKind::Archive | LayerKind::Foreign => {
                !kept().is_some_and(|kept| kept.was_read_from(&self.descriptor.digest))
            }
        }
    }
}

impl Reader {
    pub(super) fn new(cache: Arc<dyn LayerCache>, limits: Limits) -> Self {
        Self {
            cache,
            limits,
            scratch: None,
            queue: Queue::new(limits.queue, limits.layers.max(1)),
            large: Arc::default(),
        }
    }

    pub(super) fn with_scratch(self, scratch: Option<Scratch>) -> Self {
        Self { scratch, ..self }
    }

    /// Takes a place in line for images with these layers, for those of them that are not kept.
    pub(super) async fn enter(
        &self,
        layers: Vec<Wanted>,
        progress: &Progress,
    ) -> Result<Place, InventoryError> {
        let missing = self.cached(move |cache| {
            let missing = layers.into_iter().filter(|layer| layer.is_missing(cache));
            missing
                .map(|layer| (layer.diff_id, layer.descriptor.size))
                .collect()
        });
        let missing = missing.await.map_err(|_| InventoryError::Lost)?;
        Ok(self.queue.enter(missing, progress)?)
    }

    /// How much there is in line.
    pub(super) fn load(&self) -> Load {
        self.queue.load()
    }

    /// What a layer says, with how far it is on the note. An error says nothing about the image.
    pub(super) async fn layer<S: Source>(
        &self,
        source: &S,
        layer: &Wanted,
        place: &Place,
        progress: &Progress,
    ) -> Result<Outcome, InventoryError> {
        let mut share = Share::of(progress, place);
        let outcome = self.outcome(source, layer, &mut share).await?;
        share.complete(layer.descriptor.size);
        Ok(outcome)
    }

    async fn outcome<S: Source>(
        &self,
        source: &S,
        wanted: &Wanted,
        share: &mut Share<'_>,
    ) -> Result<Outcome, InventoryError> {
        let layer = &wanted.descriptor;
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
        match self.read_once(source, wanted, share).await? {
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

    /// What is kept of a layer, else what reading it gives, which is then kept. An error of the second kind is that the image was put off.
    async fn read_once<S: Source>(
        &self,
        source: &S,
        layer: &Wanted,
        share: &mut Share<'_>,
    ) -> Result<Result<Arc<LayerInventory>, LayerError>, Busy> {
        loop {
            match self.kept(layer).await {
                Ok(Kept::Whole(kept)) => return Ok(Ok(kept)),
                Ok(Kept::InPart(_) | Kept::Not) => {}
                Err(error) => return Ok(Err(error)),
            }
            let size = layer.descriptor.size;
            let turn = share.place.turn(&layer.diff_id, size, share.progress);
            if let Turn::Read(_permit) = turn.await? {
                return Ok(self.read_now(source, layer, share).await);
            }
        }
    }

    /// Reads a layer whose turn it is, unless somebody else has done so just before.
    async fn read_now<S: Source>(
        &self,
        source: &S,
        layer: &Wanted,
        share: &mut Share<'_>,
    ) -> Result<Arc<LayerInventory>, LayerError> {
        let before = match self.kept(layer).await? {
            Kept::Whole(kept) => return Ok(kept),
            Kept::InPart(before) => Some(before),
            Kept::Not => None,
        };
        let mut inventory = self.read(source, layer, share).await?;
        if let Some(before) = before {
            inventory.take_over(&before);
        }
        let inventory = Arc::new(inventory);
        let (of, kept) = (layer.diff_id.clone(), Arc::clone(&inventory));
        self.cached(move |cache| cache.put(&of, kept)).await?;
        share.place.known(&layer.diff_id);
        Ok(inventory)
    }

    async fn kept(&self, layer: &Wanted) -> Result<Kept, LayerError> {
        let of = layer.diff_id.clone();
        let kept = self.cached(move |cache| cache.get(&of)).await?;
        Ok(match kept {
            Some(kept) if kept.was_read_from(&layer.descriptor.digest) => Kept::Whole(kept),
            Some(kept) => Kept::InPart(kept),
            None => Kept::Not,
        })
    }

    /// Asks the cache on a thread that may wait for a disk.
    async fn cached<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn LayerCache) -> T + Send + 'static,
    ) -> Result<T, LayerError> {
        let cache = Arc::clone(&self.cache);
        let asking = tokio::task::spawn_blocking(move || ask(&*cache));
        asking.await.map_err(|_| LayerError::Lost)
    }

    /// The first copy that is what it should be; else why the last one is not.
    async fn read<S: Source>(
        &self,
        source: &S,
        layer: &Wanted,
        share: &mut Share<'_>,
    ) -> Result<LayerInventory, LayerError> {
        let (layer, expected) = (&layer.descriptor, &layer.expected());
        let digest = layer.digest.clone();
        let mut failure = LayerError::Source(SourceError::NoCopy { digest });
        let mut copies = source.copies(layer);
        while let Some(copy) = copies.next().await {
            match self.read_copy(copy, expected, share).await {
                Ok(inventory) => return Ok(inventory),
                Err(error) => failure = error,
            }
            share.start_over();
        }
        Err(failure)
    }

    /// Reads one copy on a thread of its own, which ends when this is dropped: nothing more comes then.
    async fn read_copy(
        &self,
        copy: Result<Chunks, SourceError>,
        expected: &Expected,
        share: &mut Share<'_>,
    ) -> Result<LayerInventory, LayerError> {
        let mut chunks = copy?;
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        let (expected, limits, scratch) = (expected.clone(), self.limits, self.scratch.clone());
        let large = Arc::clone(&self.large);
        let read = move || {
            let room = Room::new(&limits, scratch.as_ref()).taking_turns(&large);
            layer::read(Arriving(receiver), &expected, room)
        };
        let reading = tokio::task::spawn_blocking(read);
        while let Some(chunk) = chunks.next().await {
            share.count(chunk.as_ref().map_or(0, Bytes::len));
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
}

/// What is kept of a layer.
enum Kept {
    /// All that its blob says.
    Whole(Arc<LayerInventory>),
    /// What it says, as another blob.
    InPart(Arc<LayerInventory>),
    /// Nothing.
    Not,
}

/// Chunks as they arrive; none once the other side is gone.
struct Arriving(mpsc::Receiver<Result<Bytes, SourceError>>);

impl Iterator for Arriving {
    type Item = Result<Bytes, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.blocking_recv()
    }
}
