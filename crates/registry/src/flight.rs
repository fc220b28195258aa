//! One flight per distinct piece of work, however many requests wait for it.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::deadline::Deadline;
use crate::progress::{Progress, Whereabouts};

/// On whose behalf work is done: it is counted against both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    host: Arc<str>,
    namespace: Arc<str>,
}

impl Party {
    /// Work at `host` for the Kubernetes namespace `namespace`.
    pub fn new(host: &str, namespace: &str) -> Self {
        Self {
            host: host.into(),
            namespace: namespace.into(),
        }
    }

    /// The host at which the work is done.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The Kubernetes namespace for which it is done.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The same namespace's work at another host.
    #[must_use]
    pub fn at(&self, host: &str) -> Self {
        Self {
            host: host.into(),
            namespace: Arc::clone(&self.namespace),
        }
    }
}

/// How much work may be under way at one time, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlightBounds {
    /// Flights at one host.
    pub per_host: usize,
    /// Flights for one namespace. Smaller than `per_host`, so that one namespace cannot take a whole host.
    pub per_namespace: usize,
    /// The longest time of one flight. It may be longer than a request waits: the result serves the retry.
    pub longest: Duration,
}

impl Default for FlightBounds {
    fn default() -> Self {
        Self {
            per_host: 256,
            per_namespace: 64,
            longest: Duration::from_secs(60),
        }
    }
}

/// Why a flight gave no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlightError {
    /// Too much is under way at that host.
    #[error("too many verifications are under way at {host}; try again")]
    HostBusy {
        /// The host.
        host: Arc<str>,
    },
    /// Too much is under way for that namespace.
    #[error("too many verifications are under way for namespace {namespace}; try again")]
    NamespaceBusy {
        /// The namespace.
        namespace: Arc<str>,
    },
    /// The waiter's deadline passed; the work goes on.
    #[error("the time of this request was over while {}", place(.0.as_ref()))]
    Late(Option<Whereabouts>),
    /// The work took longer than any flight may.
    #[error("given up after the longest time for one verification, while {}", place(.0.as_ref()))]
    Overdue(Option<Whereabouts>),
    /// The work ended without a result, which is a fault of this program.
    #[error(
        "the verification ended without a result because of an internal error; the log says more"
    )]
    Lost,
}

fn place(whereabouts: Option<&Whereabouts>) -> String {
    whereabouts.map_or_else(|| "starting".to_owned(), ToString::to_string)
}

/// One flight per key. Cloning shares the flights.
///
/// A key must hold everything that the result depends on, the fingerprint of the credentials included: whoever joins gets the
/// result of the work that the first one brought.
pub struct Flights<K, V> {
    airspace: Arc<Mutex<Airspace<K, V>>>,
    bounds: FlightBounds,
}

struct Airspace<K, V> {
    flying: HashMap<K, Flight<V>>,
    hosts: HashMap<Arc<str>, usize>,
    namespaces: HashMap<Arc<str>, usize>,
}

type Landing<V> = watch::Receiver<Option<Result<V, FlightError>>>;

/// A piece of work under way. Dropping it leaves the work going on.
#[must_use = "a flight gives its result only to those who wait for it"]
pub struct Flight<V> {
    landing: Landing<V>,
    progress: Progress,
}

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// No flights yet, within these bounds.
    pub fn new(bounds: FlightBounds) -> Self {
        let airspace = Airspace {
            flying: HashMap::new(),
            hosts: HashMap::new(),
            namespaces: HashMap::new(),
        };
        Self {
            airspace: Arc::new(Mutex::new(airspace)),
            bounds,
        }
    }

    /// Joins the flight of `key`, or starts it with `work`, counted against `party`.
    ///
    /// The work runs as a task of its own and goes on when nobody waits any more, so it must keep its result where the next
    /// request looks. It gets the note in which it says where it is. Must be called within a tokio runtime.
    pub fn join<W, F>(&self, key: K, party: &Party, work: W) -> Result<Flight<V>, FlightError>
    where
        W: FnOnce(Progress) -> F + Send + 'static,
        F: Future<Output = V> + Send + 'static,
    {
        let mut airspace = lock(&self.airspace);
        if let Some(flight) = airspace.flying.get(&key) {
            return Ok(flight.clone());
        }
        airspace.admit(party, self.bounds)?;
        let (announce, landing) = watch::channel(None);
        let flight = Flight {
            landing,
            progress: Progress::new(),
        };
        airspace.flying.insert(key.clone(), flight.clone());
        drop(airspace);
        let slot = Slot {
            airspace: Arc::clone(&self.airspace),
            key,
            party: party.clone(),
        };
        tokio::spawn(fly(
            slot,
            announce,
            work,
            flight.progress.clone(),
            self.bounds.longest,
        ));
        Ok(flight)
    }

    /// Where the flight of `key` is, if there is one.
    pub fn progress(&self, key: &K) -> Option<Progress> {
        let airspace = lock(&self.airspace);
        let flight = airspace.flying.get(key)?;
        Some(flight.progress.clone())
    }

    /// How many flights are under way.
    pub fn under_way(&self) -> usize {
        lock(&self.airspace).flying.len()
    }
}

impl<V: Clone> Flight<V> {
    /// Where the work is, and how much of it is done.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Waits for the result until `deadline`.
    pub async fn by(mut self, deadline: Deadline) -> Result<V, FlightError> {
        let landed = deadline.bound(self.landing.wait_for(Option::is_some)).await;
        match landed {
            Err(_) => Err(FlightError::Late(self.progress.whereabouts())),
            Ok(Err(_)) => Err(FlightError::Lost),
            Ok(Ok(result)) => result.clone().unwrap_or(Err(FlightError::Lost)),
        }
    }
}

impl<V> Clone for Flight<V> {
    fn clone(&self) -> Self {
        Self {
            landing: self.landing.clone(),
            progress: self.progress.clone(),
        }
    }
}

impl<K, V> Clone for Flights<K, V> {
    fn clone(&self) -> Self {
        Self {
            airspace: Arc::clone(&self.airspace),
            bounds: self.bounds,
        }
    }
}

impl<K, V> Airspace<K, V> {
    fn admit(&mut self, party: &Party, bounds: FlightBounds) -> Result<(), FlightError> {
        if self
            .hosts
            .get(&party.host)
            .is_some_and(|count| *count >= bounds.per_host)
        {
            return Err(FlightError::HostBusy {
                host: Arc::clone(&party.host),
            });
        }
        if self
            .namespaces
            .get(&party.namespace)
            .is_some_and(|count| *count >= bounds.per_namespace)
        {
            return Err(FlightError::NamespaceBusy {
                namespace: Arc::clone(&party.namespace),
            });
        }
        *self.hosts.entry(Arc::clone(&party.host)).or_default() += 1;
        *self
            .namespaces
            .entry(Arc::clone(&party.namespace))
            .or_default() += 1;
        Ok(())
    }

    fn release(&mut self, party: &Party) {
        release(&mut self.hosts, &party.host);
        release(&mut self.namespaces, &party.namespace);
    }
}

fn release(counts: &mut HashMap<Arc<str>, usize>, name: &Arc<str>) {
    if let Some(count) = counts.get_mut(name) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(name);
        }
    }
}

/// The place that a flight holds until it lands; its drop frees the place however the work ends.
struct Slot<K: Eq + Hash, V> {
    airspace: Arc<Mutex<Airspace<K, V>>>,
    key: K,
    party: Party,
}

impl<K: Eq + Hash, V> Drop for Slot<K, V> {
    fn drop(&mut self) {
        let mut airspace = lock(&self.airspace);
        airspace.flying.remove(&self.key);
        airspace.release(&self.party);
    }
}

async fn fly<K: Eq + Hash, V, W, F>(
    slot: Slot<K, V>,
    announce: watch::Sender<Option<Result<V, FlightError>>>,
    work: W,
    progress: Progress,
    longest: Duration,
) where
    W: FnOnce(Progress) -> F,
    F: Future<Output = V>,
{
    // A parameter is dropped after every local: when the work panics, the slot is free before the waiters learn of it.
    let slot = slot;
    let result = Deadline::after(longest).bound(work(progress.clone())).await;
    drop(slot);
    announce.send_replace(Some(
        result.map_err(|_| FlightError::Overdue(progress.whereabouts())),
    ));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::sleep;

    use super::*;
    use crate::progress::Step;

    const SECOND: Duration = Duration::from_secs(1);

    fn bounds(per_host: usize, per_namespace: usize) -> FlightBounds {
        FlightBounds {
            per_host,
            per_namespace,
            longest: 60 * SECOND,
        }
    }

    fn soon() -> Deadline {
        Deadline::after(10 * SECOND)
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_requests_for_one_key_cost_one_piece_of_work() {
        let flights = Flights::new(bounds(1, 1));
        let runs = Arc::new(AtomicUsize::new(0));
        let waiters = (0..1000).map(|_| {
            let runs = Arc::clone(&runs);
            let work = move |_| async move {
                sleep(SECOND).await;
                runs.fetch_add(1, Ordering::Relaxed)
            };
            let flight = flights
                .join("key", &Party::new("host", "team"), work)
                .expect("one flight fits");
            flight.by(soon())
        });
        let results = futures::future::join_all(waiters).await;
        assert!(results.iter().all(|result| *result == Ok(0)));
        assert_eq!(runs.load(Ordering::Relaxed), 1);
        assert_eq!(flights.under_way(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn work_goes_on_when_its_waiter_has_left() {
        let flights = Flights::new(bounds(1, 1));
        let kept = Arc::new(AtomicUsize::new(0));
        let cache = Arc::clone(&kept);
        let work = move |progress: Progress| async move {
            progress.reached(Step::Token, "auth.example.com");
            sleep(5 * SECOND).await;
            cache.store(7, Ordering::Relaxed);
        };
        let flight = flights
            .join("key", &Party::new("host", "team"), work)
            .expect("one flight fits");
        let error = flight
            .by(Deadline::after(SECOND))
            .await
            .expect_err("too slow");
        assert_eq!(
            error.to_string(),
            "the time of this request was over while fetching a token from auth.example.com"
        );
        sleep(5 * SECOND).await;
        assert_eq!(kept.load(Ordering::Relaxed), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn past_the_bound_of_a_host_or_a_namespace_the_answer_is_busy() {
        let flights = Flights::new(bounds(3, 2));
        let join = |key: &'static str, host, namespace| {
            flights
                .join(key, &Party::new(host, namespace), |_| sleep(SECOND))
                .map(|flight| flight.by(soon()))
        };
        let first = join("a", "one", "team").expect("free");
        let second = join("b", "one", "team").expect("free");
        assert_eq!(
            join("c", "two", "team").err(),
            Some(FlightError::NamespaceBusy {
                namespace: "team".into()
            })
        );
        let third = join("c", "one", "other").expect("another namespace is free");
        assert_eq!(
            join("d", "one", "third").err(),
            Some(FlightError::HostBusy { host: "one".into() })
        );
        let _same = join("a", "one", "third").expect("joining costs nothing");
        let _elsewhere = join("d", "two", "third").expect("another host is free");
        let _ = tokio::join!(first, second, third);
        assert!(join("e", "one", "team").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_in_the_work_is_an_error_for_its_waiters_and_frees_the_place() {
        let flights: Flights<_, ()> = Flights::new(bounds(1, 1));
        let party = Party::new("host", "team");
        let flight = flights
            .join("key", &party, |_| async { panic!("on purpose") })
            .expect("free");
        assert_eq!(flight.by(soon()).await, Err(FlightError::Lost));
        let flight = flights
            .join("key", &party, |_| async {})
            .expect("free again");
        assert_eq!(flight.by(soon()).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_never_ends_is_ended() {
        let flights: Flights<_, ()> = Flights::new(bounds(1, 1));
        let flight = flights
            .join("key", &Party::new("host", "team"), |_| {
                std::future::pending()
            })
            .expect("free");
        assert_eq!(
            flight.by(Deadline::after(120 * SECOND)).await,
            Err(FlightError::Overdue(None))
        );
        assert_eq!(flights.under_way(), 0);
    }
}
