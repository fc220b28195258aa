//! The policies of the cluster, followed as they change.

mod known;
mod stored;
mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use cise_admission::PolicySource;
use cise_policy::{Policies, Unreadable};
use futures::future::join_all;
use tokio::sync::{mpsc, watch as state};

use crate::{Cluster, PolicyResource};
use known::{Change, Known};

/// How long changes are gathered before they are compiled together.
const GATHERS_FOR: Duration = Duration::from_millis(50);

/// The longest pause between two generations. A change is in force within this time and what compiling takes.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A pause is this many times as long as what was just spent on compiling, so that a stream of changes never takes more
/// than a part of one processor.
const PAUSE_PER_WORK: u32 = 4;

/// How many changes may wait to be gathered. Past it, the watches wait.
const WAITING_CHANGES: usize = 1024;

/// The policies of all namespaces and of the cluster, in both API groups, always at hand.
///
/// A generation is compiled of all that is known and comes into force in full. There is none before every resource was listed
/// in full once, or is known not to exist in this cluster; then the last one stays in force whatever becomes of the API
/// server. Without a generation, everything is denied.
pub struct PolicyWatch {
    cluster: Cluster,
    none: Arc<Policies>,
    current: state::Sender<Option<Arc<Policies>>>,
    status: state::Sender<Arc<Status>>,
}

/// What is known, and since when it may be out of date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The number of the generation in force: 1 at first, 0 if there is none yet.
    pub generation: u64,
    /// How it is with each resource.
    pub resources: Vec<ResourceStatus>,
    /// The policies that exist and cannot be read; the scope of each denies everything.
    pub unreadable: Vec<Unreadable>,
}

/// How it is with one of the resources that policies are stored as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceStatus {
    /// Which one.
    pub resource: PolicyResource,
    /// What the API server said of it last.
    pub listing: Listing,
    /// Why nothing more is heard of it now.
    pub failing: Option<Failing>,
}

/// What is known of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Nothing yet.
    Awaited,
    /// The cluster has no such resource, and so no policy in it.
    Absent,
    /// It was listed in full, and is followed since.
    Listed {
        /// How many policies there are.
        policies: usize,
    },
}

/// A resource that cannot be followed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// Since when.
    pub since: Instant,
    /// Why.
    pub why: String,
}

impl PolicyWatch {
    /// A watch that has not begun: [`follow`](Self::follow) it.
    pub fn new(cluster: Cluster) -> Self {
        Self {
            cluster,
            none: Arc::default(),
            current: state::Sender::new(None),
            status: state::Sender::new(Arc::new(Status::of_nothing())),
        }
    }

    /// Follows the policies, forever. What the API server does not answer is asked again.
    ///
    /// # Panics
    /// If compiling does.
    pub async fn follow(&self) {
        let (changes, gathered) = mpsc::channel(WAITING_CHANGES);
        let watches = PolicyResource::ALL
            .map(|resource| watch::follow(self.cluster.client(), resource, changes.clone()));
        drop(changes);
        tokio::join!(join_all(watches), self.publish(gathered));
    }

    /// Waits for the first generation.
    pub async fn ready(&self) {
        let mut current = self.current.subscribe();
        // It fails only when this watch, which holds the sender, is gone.
        let _ = current.wait_for(Option::is_some).await;
    }

    /// Whether there is a generation.
    pub fn is_ready(&self) -> bool {
        self.current.borrow().is_some()
    }

    /// The generations, from the current one on. A slow reader misses some and always finds the last.
    pub fn generations(&self) -> state::Receiver<Option<Arc<Policies>>> {
        self.current.subscribe()
    }

    /// What is known, and what is not and why.
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status.borrow())
    }

    async fn publish(&self, mut changes: mpsc::Receiver<Change>) {
        let mut known = Known::default();
        while let Some(change) = changes.recv().await {
            known.apply(change);
            tokio::time::sleep(GATHERS_FOR).await;
            while let Ok(change) = changes.try_recv() {
                known.apply(change);
            }
            let started = Instant::now();
            known = self.renew(known).await;
            let pause = started.elapsed().saturating_mul(PAUSE_PER_WORK);
            tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
        }
    }

    /// Compiles what is known, if it is complete and has changed, and says how it is.
    async fn renew(&self, mut known: Known) -> Known {
        let generation = self.status().generation;
        let mut compiled = None;
        if known.is_complete() && known.take_changed() {
            let (back, policies) = compile(known, self.policies()).await;
            known = back;
            compiled = Some(Arc::new(policies));
        }
        let status = Status {
            generation: generation + u64::from(compiled.is_some()),
            resources: known.resources(),
            unreadable: known.unreadable().cloned().collect(),
        };
        self.put_in_force(status, compiled);
        known
    }

    /// The status comes first, so that whoever waits for the first generation finds it.
    fn put_in_force(&self, status: Status, compiled: Option<Arc<Policies>>) {
        let status = Arc::new(status);
        self.status.send_replace(Arc::clone(&status));
        if compiled.is_some() {
            announce(&status);
            self.current.send_replace(compiled);
        }
    }
}

impl PolicySource for PolicyWatch {
    fn policies(&self) -> Arc<Policies> {
        Arc::clone(self.current.borrow().as_ref().unwrap_or(&self.none))
    }
}

impl Status {
    fn of_nothing() -> Self {
        Self {
            generation: 0,
            resources: Known::default().resources(),
            unreadable: Vec::new(),
        }
    }

    /// For how long what is in force may have been out of date: zero while all resources are followed.
    pub fn age(&self) -> Duration {
        let failing = self.resources.iter().filter_map(|one| one.failing.as_ref());
        let ages = failing.map(|failing| failing.since.elapsed());
        ages.max().unwrap_or_default()
    }
}

/// Compiling thousands of entries takes its time, which requests must not wait for.
async fn compile(known: Known, before: Arc<Policies>) -> (Known, Policies) {
    let work = tokio::task::spawn_blocking(move || {
        let policies = known.compile(&before);
        (known, policies)
    });
    match work.await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}

fn announce(status: &Status) {
    let generation = status.generation;
    tracing::info!(generation, "policies are in force");
    for Unreadable { origin, reason } in &status.unreadable {
        tracing::error!(
            generation,
            "{origin} cannot be read, its scope denies: {reason}"
        );
    }
}
