//! Who says whether an image is safe: the advisor in this process.
//!
//! An image is indexed once and matched at each question, so that a new advisory database has no layer read again.

mod error;
mod indexed;
mod kept;
mod question;
mod settings;
mod standing;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use cise_registry::{
    Caller, Deadline, FlightBounds, FlightError, Flights, Keyring, Party, Progress, Registry,
};
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use crate::assessment::{Assessment, Examination, Rules, examine};
use crate::database::{Database, DatabaseError};
use crate::inventory::{
    Indexer, Inventories, InventoryError, LayerCache, Platform, RegistrySource, Source,
};
use crate::memory;
use crate::vex::{self, VexKeys};
use indexed::Indexed;
use kept::{Basis, Examinations};

pub use error::Unadvised;
pub(crate) use indexed::ImageKey;
pub(crate) use kept::{Verdicts, age};
pub use question::{Question, Sample, Urgency};
pub use settings::Settings;
pub use standing::{Standing, Stock};

/// Says whether images are safe.
pub trait Advise: Send + Sync {
    /// The assessment of one image.
    fn advise<'a>(
        &'a self,
        question: Question<'a>,
    ) -> BoxFuture<'a, Result<Arc<Assessment>, Unadvised>>;
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
    indexed: Indexed,
    flights: Flights<ImageKey, Result<Arc<Inventories>, InventoryError>>,
    bounds: FlightBounds,
    patience: Duration,
    /// Matching takes memory and a thread: as many at a time as there are threads.
    matching: Arc<Semaphore>,
    examined: Examinations,
    verdicts: Verdicts,
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
            indexed: indexed::within(settings.shares.images),
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
