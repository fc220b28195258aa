//! Who says whether an image is safe: the advisor in this process.
//!
//! An image is indexed once and matched at each question, so that a new advisory database has no layer read again.

mod error;
mod kept;
mod standing;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use cise_policy::Namespace;
use cise_reference::{Digest, Reference, Repository};
use cise_registry::{
    Caller, Deadline, Fingerprint, FlightBounds, FlightError, Flights, Freshness, Keyring, Party,
    Progress, Registry,
};
use futures::future::BoxFuture;
use jiff::Timestamp;
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::assessment::{Assessment, Examination, Rules, examine};
use crate::database::{Database, DatabaseError};
use crate::exemption::{Exemptions, TagBinding};
use crate::inventory::{
    Indexer, Inventories, InventoryError, LayerCache, Limits, Platform, RegistrySource, Scratch,
    Source,
};
use crate::memory::{self, Memory, Shares};
use crate::vex::{self, VexKeys};
use kept::{Basis, Examinations};

pub use error::Unadvised;
pub(crate) use kept::{Verdicts, age, weight};
pub use standing::{Standing, Stock};

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
    /// Whether somebody waits for the answer.
    pub urgency: Urgency,
    /// Whether an answer that was kept for others will do, where nobody is refused by it. In this process none is.
    pub freshness: Freshness,
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
    /// Whether somebody waits for the answer.
    pub urgency: Urgency,
    /// The time of the examination.
    pub now: Timestamp,
}

/// Whether somebody waits for an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// Something does not happen before there is one.
    #[default]
    Waited,
    /// It is found out ahead of time: indexing gives way to that which somebody waits for.
    Ahead,
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
            urgency: self.urgency,
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
    /// Where there is room for what is too large to be held in memory, up to the limit.
    pub scratch: Option<Scratch>,
    /// How many images may be indexed or wait for it, and for how long. How much of them is read, is bounded by the limits.
    pub flights: FlightBounds,
    /// For how long one layer is read at most.
    pub patience: Duration,
    /// How much memory is for what. What reading a layer takes, is bounded by the limits.
    pub shares: Shares,
    /// Whose VEX counts that is attached to images.
    pub vex: VexKeys,
}

/// For how long an examination is kept, and a verdict, as long as nothing changes that it rests on.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(600);

/// The advisor in this process. Cloning shares what it keeps.
#[derive(Clone)]
pub struct Advisor {
    registry: Registry,
    indexer: Indexer,
    database: Arc<ArcSwapOption<Database>>,
    /// What is kept in memory of a database.
    database_bytes: u64,
    platforms: Arc<[Platform]>,
    vex: VexKeys,
    indexed: Cache<ImageKey, Arc<Inventories>>,
    flights: Flights<ImageKey, Result<Arc<Inventories>, InventoryError>>,
    bounds: FlightBounds,
    patience: Duration,
    /// Matching takes memory and a thread: as many at a time as there are threads.
    matching: Arc<Semaphore>,
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

impl Settings {
    /// Has what is too large to be held in memory put on a disk, up to so many bytes for all layers that are read at the same time.
    pub fn use_scratch(&mut self, scratch: Scratch, bytes: u64) {
        self.limits.scratch = bytes / self.shares.readers.max(1);
        self.scratch = Some(scratch);
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::within(Memory::default())
    }
}

impl Settings {
    /// Those of an advisor that has so much memory, on this machine.
    pub fn within(memory: Memory) -> Self {
        let shares = memory.shares(memory::threads());
        Self {
            platforms: ["amd64", "arm64"]
                .map(|architecture| Platform::new("linux", architecture, ""))
                .to_vec(),
            limits: shares.limits(),
            scratch: None,
            vex: VexKeys::default(),
            flights: FlightBounds {
                per_host: 1024,
                per_namespace: 64,
                // Most of it is waiting for others.
                longest: Duration::from_secs(3600),
            },
            // At the speed of one core, well over 50 GB.
            patience: Duration::from_secs(600),
            shares,
        }
    }
}

impl Advisor {
    /// One that has no advisory database yet. What is read of layers goes into `layers`.
    pub fn new(registry: Registry, layers: Arc<dyn LayerCache>, settings: Settings) -> Self {
        Self {
            registry,
            indexer: Indexer::new(layers, settings.limits).with_scratch(settings.scratch),
            database: Arc::default(),
            database_bytes: settings.shares.database,
            platforms: settings.platforms.into(),
            vex: settings.vex,
            indexed: Cache::builder()
                .weigher(|_, indexed: &Arc<Inventories>| weight(indexed.weight()))
                .max_capacity(settings.shares.images)
                .build(),
            flights: Flights::new(settings.flights),
            bounds: settings.flights,
            patience: settings.patience,
            matching: Arc::new(Semaphore::new(memory::threads())),
            examined: Examinations::new(settings.shares.examinations, KEPT_FOR),
            verdicts: Verdicts::new(settings.shares.verdicts, KEPT_FOR),
        }
    }

    /// Opens an advisory database, with the memory that there is for it. It is not in use yet.
    pub fn open(&self, path: &Path) -> Result<Database, DatabaseError> {
        Database::with_cache(path, self.database_bytes)
    }

    /// Puts an advisory database in the place of the one before. Images are not indexed anew.
    pub fn load(&self, database: Database) {
        self.database.store(Some(Arc::new(database)));
    }

    /// The advisory database, once there is one.
    pub fn database(&self) -> Option<Arc<Database>> {
        self.database.load_full()
    }

    /// The assessment of an image that comes from elsewhere than its registry, such as a layout on disk. How far it is indexed is on
    /// the note.
    pub async fn advise_from<S: Source>(
        &self,
        source: &S,
        question: Question<'_>,
        progress: &Progress,
    ) -> Result<Arc<Assessment>, Unadvised> {
        let database = self.database().ok_or(Unadvised::NoDatabase)?;
        let inventories = self
            .indexer
            .inventories(source, question.digest, &self.platforms, progress)
            .await
            .map_err(Unadvised::Inventory)?;
        let basis = Basis {
            inventories: Arc::new(inventories),
            database,
        };
        let examination = self
            .examine_apart(basis, question.rules.clone(), question.now)
            .await?;
        self.verdicts.draw(&examination, &question)
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        Standing {
            database: self.database().map(|database| Stock::of(&database)),
            indexing: self.indexer.load(),
        }
    }

    /// The platforms whose images are judged, unless somebody asks about others.
    pub fn platforms(&self) -> &Arc<[Platform]> {
        &self.platforms
    }

    /// Where the indexing of that image is, on behalf of whoever asks; nothing, if it is not under way.
    pub fn progress(&self, sample: &Sample<'_>) -> Option<Progress> {
        self.flights.progress(&ImageKey::of(sample))
    }

    /// What is wrong with an image, whatever is exempted: what is kept, if it rests on the same, else what is found out now.
    ///
    /// Nothing is used or shown of an image before the registry has shown, now, that the caller may see it. What is attached to it is
    /// read now, too: it may have been withdrawn.
    pub async fn examine(&self, sample: &Sample<'_>) -> Result<Arc<Examination>, Unadvised> {
        let database = self.database().ok_or(Unadvised::NoDatabase)?;
        self.prove_access(sample).await?;
        let image = ImageKey::of(sample);
        let basis = Basis {
            inventories: self.inventories(&image, sample).await?,
            database,
        };
        let inventories = Arc::clone(&basis.inventories);
        let of = (image, sample.rules.clone());
        let examination = match self.examined.find(&of, &basis, sample.now) {
            Some(kept) => kept,
            None => self.examine_anew(of, basis, sample.now).await?,
        };
        self.heed(examination, inventories, sample).await
    }

    async fn examine_anew(
        &self,
        of: (ImageKey, Rules),
        basis: Basis,
        now: Timestamp,
    ) -> Result<Arc<Examination>, Unadvised> {
        let examination = self.examine_apart(basis.clone(), of.1.clone(), now).await?;
        self.examined.keep(of, &basis, &examination);
        Ok(examination)
    }

    /// Asks what is said of the issues by those whose word counts, if there are any of either.
    async fn heed(
        &self,
        examination: Arc<Examination>,
        inventories: Arc<Inventories>,
        sample: &Sample<'_>,
    ) -> Result<Arc<Examination>, Unadvised> {
        if self.vex.is_empty() || !examination.has_issues() {
            return Ok(examination);
        }
        let place = vex::Place {
            registry: &self.registry,
            repository: sample.repository,
            caller: sample.caller,
        };
        let asked = examination.subjects(sample.digest, &inventories);
        let testimony = vex::read(&place, &asked, &self.vex).await;
        let (root, now) = (sample.digest.clone(), sample.now);
        let heeding = tokio::task::spawn_blocking(move || {
            Arc::new(examination.heeding(&testimony, &root, &inventories, now))
        });
        heeding.await.map_err(|_| Unadvised::Lost)
    }

    /// Has the registry show, now, that the caller may see the image.
    async fn prove_access(&self, sample: &Sample<'_>) -> Result<(), Unadvised> {
        let caller = &sample.caller;
        let proven = self
            .registry
            .manifest_now(sample.repository, sample.digest, caller);
        match proven.await {
            Ok(_) => Ok(()),
            Err(error) => Err(Unadvised::Unproven(Box::new(error))),
        }
    }

    async fn assess(&self, question: Question<'_>) -> Result<Arc<Assessment>, Unadvised> {
        let examination = self.examine(&question.sample(&self.platforms)).await?;
        self.verdicts.draw(&examination, &question)
    }

    /// What is in the image: indexed now, by whoever asks first, or known already.
    async fn inventories(
        &self,
        image: &ImageKey,
        sample: &Sample<'_>,
    ) -> Result<Arc<Inventories>, Unadvised> {
        if let Some(kept) = self.indexed.get(image) {
            return Ok(kept);
        }
        let (caller, urgency) = (&sample.caller, sample.urgency);
        let host = image.repository.host().to_string();
        if urgency == Urgency::Ahead && !self.may_begin_ahead(image) {
            let host = host.into();
            return Err(FlightError::HostBusy { host }.into());
        }
        let party = Party::new(&host, caller.namespace);
        let (advisor, keyring) = (self.clone(), caller.keyring.clone());
        let (wanted, namespace) = (image.clone(), caller.namespace.to_owned());
        let work = move |progress: Progress| async move {
            match urgency {
                Urgency::Ahead => progress.defer(&namespace),
                Urgency::Waited => progress.hurry(&namespace),
            }
            let indexing = advisor.index(wanted, &keyring, &namespace, &progress);
            indexing.await
        };
        let flight = self.flights.join(image.clone(), &party, work)?;
        let progress = flight.progress().clone();
        if urgency == Urgency::Waited {
            progress.hurry(caller.namespace);
        }
        match flight.by(caller.deadline).await {
            Ok(indexed) => indexed.map_err(Unadvised::Inventory),
            Err(FlightError::Late(_)) => Err(Unadvised::Indexing(progress.amount())),
            Err(error) => Err(error.into()),
        }
    }

    /// Matching reads the disk and counts for milliseconds, which no other request should wait for.
    async fn examine_apart(
        &self,
        basis: Basis,
        rules: Rules,
        now: Timestamp,
    ) -> Result<Arc<Examination>, Unadvised> {
        let turn = Arc::clone(&self.matching).acquire_owned().await;
        let matching = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            Arc::new(examine(&basis.inventories, &*basis.database, &rules, now))
        });
        matching.await.map_err(|_| Unadvised::Lost)
    }

    /// Work for which nobody waits takes half of the places, so that the others stay free.
    fn may_begin_ahead(&self, image: &ImageKey) -> bool {
        let is_under_way = self.flights.progress(image).is_some();
        is_under_way || self.flights.under_way() < self.bounds.per_host.div_ceil(2)
    }

    async fn index(
        &self,
        key: ImageKey,
        keyring: &Keyring,
        namespace: &str,
        progress: &Progress,
    ) -> Result<Arc<Inventories>, InventoryError> {
        let caller = Caller {
            keyring,
            namespace,
            deadline: Deadline::after(self.bounds.longest),
        };
        let source = RegistrySource::new(&self.registry, &key.repository, caller)
            .with_patience(self.patience);
        let inventories = self
            .indexer
            .inventories(&source, &key.digest, &key.platforms, progress)
            .await?;
        let inventories = Arc::new(inventories);
        self.indexed.insert(key, Arc::clone(&inventories));
        Ok(inventories)
    }
}

impl Advise for Advisor {
    fn advise<'a>(
        &'a self,
        question: Question<'a>,
    ) -> BoxFuture<'a, Result<Arc<Assessment>, Unadvised>> {
        Box::pin(self.assess(question))
    }
}
