//! Who says whether an image is safe: the advisor in this process.
//!
//! An image is indexed once and matched at each question, so that a new advisory database needs nothing of a registry.

mod error;
mod kept;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use cise_policy::Namespace;
use cise_reference::{Digest, Reference, Repository};
use cise_registry::{
    Caller, Deadline, Fingerprint, FlightBounds, FlightError, Flights, Keyring, Party, Registry,
    RegistryError,
};
use futures::future::BoxFuture;
use jiff::Timestamp;
use moka::sync::Cache;

use crate::assessment::{Assessment, Examination, Rules, examine};
use crate::database::Database;
use crate::exemption::{Exemptions, TagBinding};
use crate::inventory::{
    Indexer, Inventories, InventoryError, LayerCache, Limits, Platform, RegistrySource, Source,
};
use kept::{Basis, Examinations};

pub use error::Unadvised;
pub(crate) use kept::{Verdicts, age};

/// Says whether images are safe.
pub trait Advise: Send + Sync {
    /// The assessment of one image.
    fn advise<'a>(
        &'a self,
        question: Question<'a>,
    ) -> BoxFuture<'a, Result<Arc<Assessment>, Unadvised>>;
}

/// What is asked about one image.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The image, as it was asked for.
    pub image: &'a Reference,
    /// What would run.
    pub digest: &'a Digest,
    /// Whether the image's tag is known to stand for that digest.
    pub tag: TagBinding,
    /// The namespace whose pods it is for; none where it is asked about outside of any.
    pub namespace: Option<&'a Namespace>,
    /// On whose behalf, with which credentials, and until when.
    pub caller: Caller<'a>,
    /// What is exempted.
    pub exemptions: &'a Arc<Exemptions>,
    /// What counts.
    pub rules: &'a Rules,
    /// The time of the assessment.
    pub now: Timestamp,
}

/// An image that is to be examined, whatever is exempted.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// Where it is.
    pub repository: &'a Repository,
    /// What would run.
    pub digest: &'a Digest,
    /// The platforms whose images are judged.
    pub platforms: &'a Arc<[Platform]>,
    /// On whose behalf, with which credentials, and until when.
    pub caller: Caller<'a>,
    /// What counts.
    pub rules: &'a Rules,
    /// The time of the examination.
    pub now: Timestamp,
}

impl<'a> Question<'a> {
    /// What has to be examined before it can be answered.
    pub fn sample(&self, platforms: &'a Arc<[Platform]>) -> Sample<'a> {
        Sample {
            repository: self.image.repository(),
            digest: self.digest,
            platforms,
            caller: self.caller,
            rules: self.rules,
            now: self.now,
        }
    }
}

/// How much the advisor does and keeps at once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The platforms whose images are judged.
    pub platforms: Vec<Platform>,
    /// What is read of each layer at most.
    pub limits: Limits,
    /// How much indexing may be under way, and for how long.
    pub flights: FlightBounds,
    /// How many images are kept that have been indexed.
    pub kept_images: u64,
    /// How many assessments are kept.
    pub kept_assessments: u64,
}

/// For how long an examination is kept, and a verdict, as long as nothing changes that it rests on.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(600);

/// The advisor in this process. Cloning shares what it keeps.
#[derive(Clone)]
pub struct Advisor {
    registry: Registry,
    indexer: Indexer,
    database: Arc<ArcSwapOption<Database>>,
    platforms: Arc<[Platform]>,
    indexed: Cache<ImageKey, Arc<Inventories>>,
    flights: Flights<ImageKey, Result<Arc<Inventories>, InventoryError>>,
    examined: Examinations,
    verdicts: Verdicts,
}

/// An image as somebody may see it: nobody is shown what was fetched with another's credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ImageKey {
    repository: Repository,
    digest: Digest,
    platforms: Arc<[Platform]>,
    credentials: Fingerprint,
}

impl ImageKey {
    pub(crate) fn of(sample: &Sample<'_>) -> Self {
        let candidates = sample.caller.keyring.candidates(sample.repository);
        Self {
            repository: sample.repository.clone(),
            digest: sample.digest.clone(),
            platforms: Arc::clone(sample.platforms),
            credentials: candidates.fingerprint(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            platforms: ["amd64", "arm64"]
                .map(|architecture| Platform::new("linux", architecture, ""))
                .to_vec(),
            limits: Limits::default(),
            flights: FlightBounds {
                per_host: 16,
                per_namespace: 4,
                longest: Duration::from_secs(600),
            },
            kept_images: 1_000,
            kept_assessments: 10_000,
        }
    }
}

impl Advisor {
    /// One that has no advisory database yet. What is read of layers goes into `layers`.
    pub fn new(registry: Registry, layers: Arc<dyn LayerCache>, settings: Settings) -> Self {
        Self {
            registry,
            indexer: Indexer::new(layers, settings.limits),
            database: Arc::default(),
            platforms: settings.platforms.into(),
            indexed: Cache::new(settings.kept_images),
            flights: Flights::new(settings.flights),
            examined: Examinations::new(settings.kept_assessments, KEPT_FOR),
            verdicts: Verdicts::new(settings.kept_assessments, KEPT_FOR),
        }
    }

    /// Puts an advisory database in the place of the one before. Images are not indexed anew.
    pub fn load(&self, database: Database) {
        self.database.store(Some(Arc::new(database)));
    }

    /// The advisory database, once there is one.
    pub fn database(&self) -> Option<Arc<Database>> {
        self.database.load_full()
    }

    /// The assessment of an image that comes from elsewhere than its registry, such as a layout on disk.
    pub async fn advise_from<S: Source>(
        &self,
        source: &S,
        question: Question<'_>,
    ) -> Result<Arc<Assessment>, Unadvised> {
        let database = self.database().ok_or(Unadvised::NoDatabase)?;
        let inventories = self
            .indexer
            .inventories(source, question.digest, &self.platforms)
            .await
            .map_err(Unadvised::Inventory)?;
        let basis = Basis {
            inventories: Arc::new(inventories),
            database,
        };
        let examination = examine_apart(basis, question.rules.clone(), question.now).await?;
        self.verdicts.draw(&examination, &question)
    }

    /// The platforms whose images are judged, unless somebody asks about others.
    pub fn platforms(&self) -> &Arc<[Platform]> {
        &self.platforms
    }

    /// What is wrong with an image, whatever is exempted: what is kept, if it rests on the same, else what is found out now.
    pub async fn examine(&self, sample: &Sample<'_>) -> Result<Arc<Examination>, Unadvised> {
        let database = self.database().ok_or(Unadvised::NoDatabase)?;
        let image = ImageKey::of(sample);
        let basis = Basis {
            inventories: self.inventories(&image, &sample.caller).await?,
            database,
        };
        let of = (image, sample.rules.clone());
        if let Some(kept) = self.examined.find(&of, &basis, sample.now) {
            return Ok(kept);
        }
        let examination = examine_apart(basis.clone(), of.1.clone(), sample.now).await?;
        self.examined.keep(of, basis, &examination);
        Ok(examination)
    }

    /// Has the registry show, now, that the caller may see the image.
    pub async fn prove_access(&self, sample: &Sample<'_>) -> Result<(), RegistryError> {
        let caller = &sample.caller;
        let proven = self
            .registry
            .manifest_now(sample.repository, sample.digest, caller);
        proven.await.map(drop)
    }

    async fn assess(&self, question: Question<'_>) -> Result<Arc<Assessment>, Unadvised> {
        let examination = self.examine(&question.sample(&self.platforms)).await?;
        self.verdicts.draw(&examination, &question)
    }

    /// What is in the image: indexed now, by whoever asks first, or known already.
    async fn inventories(
        &self,
        image: &ImageKey,
        caller: &Caller<'_>,
    ) -> Result<Arc<Inventories>, Unadvised> {
        if let Some(kept) = self.indexed.get(image) {
            return Ok(kept);
        }
        let party = Party::new(&image.repository.host().to_string(), caller.namespace);
        let (advisor, keyring) = (self.clone(), caller.keyring.clone());
        let (wanted, namespace) = (image.clone(), caller.namespace.to_owned());
        let flight = self
            .flights
            .join(image.clone(), &party, move |_| async move {
                advisor.index(wanted, &keyring, &namespace).await
            })?;
        match flight.by(caller.deadline).await {
            Ok(indexed) => indexed.map_err(Unadvised::Inventory),
            Err(FlightError::Late(_)) => Err(Unadvised::Indexing),
            Err(error) => Err(error.into()),
        }
    }

    async fn index(
        &self,
        key: ImageKey,
        keyring: &Keyring,
        namespace: &str,
    ) -> Result<Arc<Inventories>, InventoryError> {
        let caller = Caller {
            keyring,
            namespace,
            deadline: Deadline::after(INDEXED_WITHIN),
        };
        let source = RegistrySource::new(&self.registry, &key.repository, caller);
        let inventories = self
            .indexer
            .inventories(&source, &key.digest, &key.platforms)
            .await?;
        let inventories = Arc::new(inventories);
        self.indexed.insert(key, Arc::clone(&inventories));
        Ok(inventories)
    }
}

/// How long an image may take: at the speed of one core, well over 50 GB.
const INDEXED_WITHIN: Duration = Duration::from_secs(600);

impl Advise for Advisor {
    fn advise<'a>(
        &'a self,
        question: Question<'a>,
    ) -> BoxFuture<'a, Result<Arc<Assessment>, Unadvised>> {
        Box::pin(self.assess(question))
    }
}

/// Matching reads the disk and counts for milliseconds, which no other request should wait for.
async fn examine_apart(
    basis: Basis,
    rules: Rules,
    now: Timestamp,
) -> Result<Arc<Examination>, Unadvised> {
    let matching = tokio::task::spawn_blocking(move || {
        Arc::new(examine(&basis.inventories, &*basis.database, &rules, now))
    });
    matching.await.map_err(|_| Unadvised::Lost)
}
