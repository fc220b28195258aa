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
};
use futures::future::BoxFuture;
use jiff::Timestamp;
use moka::sync::Cache;

use crate::assessment::{Assessment, Rules, assess};
use crate::database::Database;
use crate::exemption::{Exemptions, Subject, TagBinding};
use crate::inventory::{
    Indexer, Inventories, InventoryError, LayerCache, Limits, Platform, RegistrySource, Source,
};
use kept::{Kept, Verdicts};

pub use error::Unadvised;

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

/// For how long an assessment is kept, as long as nothing changes that it rests on.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// The advisor in this process. Cloning shares what it keeps.
#[derive(Clone)]
pub struct Advisor {
    registry: Registry,
    indexer: Indexer,
    database: Arc<ArcSwapOption<Database>>,
    platforms: Arc<[Platform]>,
    indexed: Cache<ImageKey, Arc<Inventories>>,
    flights: Flights<ImageKey, Result<Arc<Inventories>, InventoryError>>,
    verdicts: Verdicts,
}

/// An image as somebody may see it: nobody is shown what was fetched with another's credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ImageKey {
    repository: Repository,
    digest: Digest,
    credentials: Fingerprint,
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
        self.match_with(question, database, Arc::new(inventories))
            .await
    }

    async fn assess(&self, question: Question<'_>) -> Result<Arc<Assessment>, Unadvised> {
        let database = self.database().ok_or(Unadvised::NoDatabase)?;
        let inventories = self.inventories(&question).await?;
        self.match_with(question, database, inventories).await
    }

    /// What is kept, if it rests on the same, else what is found out now.
    async fn match_with(
        &self,
        question: Question<'_>,
        database: Arc<Database>,
        inventories: Arc<Inventories>,
    ) -> Result<Arc<Assessment>, Unadvised> {
        let subject = Subject::new(question.image, question.digest, question.tag)
            .map_err(|error| Unadvised::Reference(error.to_string()))?;
        let subject = match question.namespace {
            Some(namespace) => subject.in_namespace(namespace.clone()),
            None => subject,
        };
        let kept = Kept {
            inventories,
            database,
            exemptions: Arc::clone(question.exemptions),
            rules: question.rules.clone(),
        };
        if let Some(assessment) = self.verdicts.find(&subject, &kept, question.now) {
            return Ok(assessment);
        }
        self.match_anew(subject, kept, question.now).await
    }

    /// Matching reads the disk and counts for milliseconds, which no other request should wait for.
    async fn match_anew(
        &self,
        subject: Subject,
        kept: Kept,
        now: Timestamp,
    ) -> Result<Arc<Assessment>, Unadvised> {
        let verdicts = self.verdicts.clone();
        let matching = tokio::task::spawn_blocking(move || {
            let exemptions = kept.exemptions.applying_to(&subject, now);
            let (inventories, database) = (&kept.inventories, &*kept.database);
            let assessment = Arc::new(assess(inventories, database, exemptions, &kept.rules, now));
            verdicts.keep(&subject, kept, Arc::clone(&assessment));
            assessment
        });
        matching.await.map_err(|_| Unadvised::Lost)
    }

    /// What is in the image: indexed now, by whoever asks first, or known already.
    async fn inventories(&self, question: &Question<'_>) -> Result<Arc<Inventories>, Unadvised> {
        let repository = question.image.repository();
        let key = ImageKey {
            repository: repository.clone(),
            digest: question.digest.clone(),
            credentials: question.caller.keyring.candidates(repository).fingerprint(),
        };
        if let Some(kept) = self.indexed.get(&key) {
            return Ok(kept);
        }
        let party = Party::new(&repository.host().to_string(), question.caller.namespace);
        let (advisor, keyring) = (self.clone(), question.caller.keyring.clone());
        let (wanted, namespace) = (key.clone(), question.caller.namespace.to_owned());
        let flight = self.flights.join(key, &party, move |_| async move {
            advisor.index(wanted, &keyring, &namespace).await
        })?;
        match flight.by(question.caller.deadline).await {
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
            .inventories(&source, &key.digest, &self.platforms)
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
