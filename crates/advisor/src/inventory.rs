//! What is in an image: its layers streamed, verified, and stacked as a container runtime would.
//!
//! Nothing is unpacked. Each layer is read once, from its compressed bytes to what its files say, and what it says is kept by
//! its diff id, so that a base layer that many images share is read once.

mod archive;
mod cache;
mod configuration;
mod digest;
#[doc(hidden)]
pub mod fuzzing;
mod held;
mod layer;
mod limits;
mod manifests;
mod overlay;
mod platform;
mod queue;
mod reading;
mod scratch;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use cise_reference::Digest;
use cise_registry::{Image, Index, Manifest, Progress};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use crate::detector::Mark;
use crate::{Gap, Manager, Package, Release};
use configuration::Configuration;
use held::{Handful, Hands};
use queue::Place;
use reading::{Reader, Wanted};

pub use archive::TarError;
pub use cache::{CacheError, DiskCache, FrontedCache, LayerCache, MemoryCache};
pub use layer::{LayerError, LayerInventory};
pub use limits::Limits;
pub use platform::{Platform, PlatformError};
pub use queue::{Busy, Load};
pub use scratch::{Scratch, ScratchError};
pub use source::{Chunks, Copies, Layout, LayoutError, RegistrySource, Source, SourceError};

/// What is in the image of one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The digest of its manifest.
    #[serde(with = "digest::text")]
    pub manifest: Digest,
    /// What the image is for, as its configuration says.
    pub platform: Platform,
    /// Which distribution it is made of, if it says so.
    pub release: Option<Release>,
    /// The installed packages, sorted.
    pub packages: Vec<Package>,
    /// What could not be judged.
    pub gaps: BTreeSet<Gap>,
    /// What tells an image that is made of a distribution from one that is not.
    pub contents: Contents,
}

/// What the layers of an image have, whatever later layers take away of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// What shows a distribution.
    pub marks: BTreeSet<Mark>,
    /// The package managers whose databases there are.
    pub databases: BTreeSet<Manager>,
    /// Whether this is all.
    pub reading: Reading,
}

/// How much of an image was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// Every layer, from its first byte to its last.
    #[default]
    Whole,
    /// Not every layer.
    Partial,
}

/// What is in an image, on every platform that it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventories {
    /// One for each image that may run.
    pub images: Vec<Inventory>,
    /// What could not be judged of the index, or of all of the image.
    pub gaps: BTreeSet<Gap>,
}

impl Inventories {
    /// Whether anything of the image could not be judged.
    pub(crate) fn has_gaps(&self) -> bool {
        let mut images = self.images.iter();
        !self.gaps.is_empty() || images.any(|image| !image.gaps.is_empty())
    }

    /// About how many bytes of memory they take.
    pub(crate) fn weight(&self) -> usize {
        let of_one = |image: &Inventory| {
            let packages = image.packages.iter().map(Package::weight);
            size_of::<Inventory>() + packages.sum::<usize>() + image.gaps.len() * GAP_BYTES
        };
        let images = self.images.iter().map(of_one);
        size_of::<Self>() + images.sum::<usize>() + self.gaps.len() * GAP_BYTES
    }
}

/// What a gap takes, with its texts.
const GAP_BYTES: usize = 512;

/// An image could not be read, for a reason that says nothing about it. Asking again may help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// What the image comes from does not give it.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A layer was lost on the way.
    #[error("the layer {layer} was not read: {why}")]
    Layer {
        /// Its digest in the manifest.
        layer: Digest,
        /// Why.
        why: LayerError,
    },
    /// There is too much to be read.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// What is kept could not be looked at, which is a fault of this program.
    #[error("an internal error ended the reading of the image; the log says more")]
    Lost,
}

/// The most images of one index that are judged.
const MAX_IMAGES: usize = 64;

/// Makes inventories. Cloning shares what it keeps.
#[derive(Clone)]
pub struct Indexer {
    reader: Reader,
    limits: Limits,
    hands: Hands,
    /// Held by the one who stacks layers, which takes memory.
    stacking: Arc<Mutex<()>>,
}

impl Indexer {
    /// One that keeps the layers that it has read in `cache`.
    pub fn new(cache: Arc<dyn LayerCache>, limits: Limits) -> Self {
        Self {
            reader: Reader::new(cache, limits),
            limits,
            hands: Hands::new(limits.held),
            stacking: Arc::default(),
        }
    }

    /// The same, with a folder for what is too large to be held in memory, up to the limit.
    #[must_use]
    pub fn with_scratch(mut self, scratch: Option<Scratch>) -> Self {
        self.reader = self.reader.with_scratch(scratch);
        self
    }

    /// The inventories of the image with that digest on these platforms; of an image that is in no index, its own. How many bytes of
    /// its layers are done is on the note.
    pub async fn inventories<S: Source>(
        &self,
        source: &S,
        image: &Digest,
        platforms: &[Platform],
        progress: &Progress,
    ) -> Result<Inventories, InventoryError> {
        let mut found = Inventories::default();
        let images = self
            .images(source, image, platforms, &mut found.gaps)
            .await?;
        let layers = images.iter().flat_map(|(_, image)| &image.layers);
        layers.for_each(|layer| progress.expect(layer.size));
        let mut plans = Vec::new();
        for image in images {
            plans.push(self.plan(source, image).await?);
        }
        let wanted = plans.iter().flat_map(Plan::layers).cloned().collect();
        let place = self.reader.enter(wanted, progress).await?;
        for plan in plans {
            let image = self.image(source, plan, &place, progress);
            found.images.push(image.await?);
        }
        Ok(found)
    }

    /// How much waits to be read, or is being read.
    pub fn load(&self) -> Load {
        self.reader.load()
    }

    /// The images that a digest names. What is below an index and is not there, or not in order, is a gap.
    async fn images<S: Source>(
        &self,
        source: &S,
        root: &Digest,
        platforms: &[Platform],
        gaps: &mut BTreeSet<Gap>,
    ) -> Result<Vec<(Digest, Image)>, InventoryError> {
        let mut images = Vec::new();
        let mut seen = BTreeSet::new();
        let mut ahead = vec![(root.clone(), 0)];
        while let Some((digest, depth)) = ahead.pop() {
            if !seen.insert(digest.clone()) {
                continue;
            }
            match source.manifest(&digest).await {
                Ok(Manifest::Image(_)) if images.len() == MAX_IMAGES => {
                    gaps.insert(Gap::ManyImages { limit: MAX_IMAGES });
                    break;
                }
                Ok(Manifest::Image(image)) => images.push((digest, image)),
                Ok(Manifest::Index(_)) if depth == manifests::MAX_DEPTH => {
                    gaps.insert(Gap::DeepIndex {
                        digest: name(&digest),
                    });
                }
                Ok(Manifest::Index(index)) => {
                    let children = children(&index, platforms, gaps);
                    ahead.extend(children.into_iter().map(|child| (child, depth + 1)));
                }
                Err(error) if !error.is_final() => return Err(error.into()),
                Err(error) if depth == 0 && error.is_absence() => return Err(error.into()),
                Err(error) => {
                    let (digest, why) = (name(&digest), error.to_string().into());
                    gaps.insert(Gap::BrokenManifest { digest, why });
                }
            }
        }
        Ok(images)
    }

    /// What is to be read of an image, which has that manifest.
    async fn plan<S: Source>(
        &self,
        source: &S,
        (manifest, image): (Digest, Image),
    ) -> Result<Plan, InventoryError> {
        let configuration = match self.reader.configuration(source, &image.config).await? {
            Ok(configuration) => configuration,
            Err(gap) => return Ok(Plan::Nothing(unread(manifest, Platform::unknown(), gap))),
        };
        let platform = configuration.platform.clone();
        if let Some(gap) = mismatch(&image, &configuration) {
            return Ok(Plan::Nothing(unread(manifest, platform, gap)));
        }
        let layers = image.layers.into_iter().zip(configuration.diff_ids);
        let wanted = |(descriptor, diff_id)| Wanted {
            descriptor,
            diff_id,
        };
        Ok(Plan::Layers(
            (manifest, platform),
            layers.map(wanted).collect(),
        ))
    }

    async fn image<S: Source>(
        &self,
        source: &S,
        plan: Plan,
        place: &Place,
        progress: &Progress,
    ) -> Result<Inventory, InventoryError> {
        match plan {
            Plan::Nothing(inventory) => Ok(inventory),
            Plan::Layers(of, layers) => {
                let handful = self.hands.take_up();
                let layers = self.layers(source, &layers, place, &handful, progress);
                self.stacked(of, layers.await?).await
            }
        }
    }

    /// What the layers say together: on a thread that may wait for its turn.
    async fn stacked(
        &self,
        (manifest, platform): (Digest, Platform),
        layers: Vec<reading::Outcome>,
    ) -> Result<Inventory, InventoryError> {
        let alone = Arc::clone(&self.stacking);
        let stacking = tokio::task::spawn_blocking(move || {
            let _alone = alone.lock().unwrap_or_else(PoisonError::into_inner);
            stacked(manifest, platform, layers)
        });
        stacking.await.map_err(|_| InventoryError::Lost)
    }

    /// The layers of an image side by side, the lowest first.
    async fn layers<S: Source>(
        &self,
        source: &S,
        layers: &[Wanted],
        place: &Place,
        handful: &Handful,
        progress: &Progress,
    ) -> Result<Vec<reading::Outcome>, InventoryError> {
        let read = async |layer| {
            let outcome = self.reader.layer(source, layer, place, progress).await?;
            let inventory = outcome.inventory.as_ref();
            let bytes = inventory.map_or(0, |inventory| inventory.weight());
            handful.hold(bytes as u64)?;
            Ok(outcome)
        };
        // Made one by one: a stream that makes them would have to make them for any lifetime.
        let reading: Vec<_> = layers.iter().map(read).collect();
        stream::iter(reading)
            .buffered(self.limits.layers.max(1))
            .try_collect()
            .await
    }
}

/// What is to be read of an image, as far as that is known before any layer is.
enum Plan {
    /// Nothing: this is all there is.
    Nothing(Inventory),
    /// These layers of the image with that manifest and for that platform, the lowest first.
    Layers((Digest, Platform), Vec<Wanted>),
}

impl Plan {
    fn layers(&self) -> &[Wanted] {
        match self {
            Self::Nothing(_) => &[],
            Self::Layers(_, layers) => layers,
        }
    }
}

fn children(index: &Index, platforms: &[Platform], gaps: &mut BTreeSet<Gap>) -> Vec<Digest> {
    let judged = manifests::judged(index, platforms);
    if judged.is_empty() {
        let platforms: Vec<_> = platforms.iter().map(Platform::to_string).collect();
        let platforms = platforms.join(" or ").into();
        gaps.insert(Gap::NoPlatform { platforms });
    }
    // What is put last comes first.
    judged
        .iter()
        .rev()
        .map(|child| child.digest.clone())
        .collect()
}

/// Why the layers of an image need not be looked at.
fn mismatch(image: &Image, configuration: &Configuration) -> Option<Gap> {
    let (layers, diff_ids) = (image.layers.len(), configuration.diff_ids.len());
    if configuration.platform.os() != "linux" {
        let platform = configuration.platform.to_string().into();
        Some(Gap::OperatingSystem { platform })
    } else if layers != diff_ids {
        Some(Gap::LayerCount { layers, diff_ids })
    } else {
        None
    }
}

fn stacked(manifest: Digest, platform: Platform, layers: Vec<reading::Outcome>) -> Inventory {
    let gaps: Vec<Gap> = layers
        .iter()
        .filter_map(|layer| layer.gap.clone())
        .collect();
    let layers: Vec<_> = layers.into_iter().map(|layer| layer.inventory).collect();
    let mut stacked = overlay::stack(&layers);
    stacked.gaps.extend(gaps);
    Inventory {
        manifest,
        platform,
        release: stacked.release,
        packages: stacked.packages,
        gaps: stacked.gaps,
        contents: stacked.contents,
    }
}

fn unread(manifest: Digest, platform: Platform, gap: Gap) -> Inventory {
    Inventory {
        manifest,
        platform,
        release: None,
        packages: Vec::new(),
        gaps: [gap].into(),
        contents: Contents {
            reading: Reading::Partial,
            ..Contents::default()
        },
    }
}

/// A digest as gaps have it.
fn name(digest: &Digest) -> Box<str> {
    digest.as_str().into()
}
