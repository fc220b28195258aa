use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use tokio::sync::{Mutex, watch};

use crate::Cluster;
use crate::cluster::answer;
use crate::error::{explain, is};

/// How long a leader counts as one who has not renewed its lease, in seconds.
const LEASE_SECONDS: i32 = 15;

/// How often the lease is looked at, and renewed by its holder.
const LOOKS_EVERY: Duration = Duration::from_secs(3);

/// How long one goes on leading who can no longer renew: less than it takes until another may take over.
const LEADS_UNRENEWED: Duration = Duration::from_secs(10);

/// Which one of the replicas does what only one should do: a `Lease` of `coordination.k8s.io/v1`, as Kubernetes' own
/// controllers hold them.
///
/// Nobody's clock is compared with another's. A lease has run out when it has not changed for its length, as seen from here.
pub struct Leadership {
    api: Api<Lease>,
    name: String,
    me: String,
    leads: watch::Sender<bool>,
    seen: Mutex<Seen>,
}

/// What was seen of the lease so far.
#[derive(Default)]
struct Seen {
    lease: Option<Lease>,
    /// When it was seen to be different from before.
    changed: Option<Instant>,
    /// When this one made or renewed it.
    renewed: Option<Instant>,
}

/// What is to be done about a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Make,
    Renew,
    Take,
    Wait,
}

impl Leadership {
    /// A candidate for the lease of this name in this program's namespace. `me` is different for each replica: the pod's name.
    pub fn new(cluster: &Cluster, name: impl Into<String>, me: impl Into<String>) -> Self {
        Self {
            api: Api::namespaced(cluster.client(), cluster.namespace()),
            name: name.into(),
            me: me.into(),
            leads: watch::Sender::new(false),
            seen: Mutex::default(),
        }
    }

    /// Whether this one leads, from now on.
    pub fn leads(&self) -> watch::Receiver<bool> {
        self.leads.subscribe()
    }

    /// Seeks the lease and holds it, forever.
    pub async fn follow(&self) {
        let mut looks = tokio::time::interval(LOOKS_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            self.look().await;
        }
    }

    /// Gives the lease up, if this one holds it, so that another need not wait until it has run out.
    pub async fn resign(&self) {
        let mut seen = self.seen.lock().await;
        self.announce(false);
        if let Some(lease) = seen
            .lease
            .take()
            .filter(|lease| holder(lease) == Some(&self.me))
        {
            let given_up = lease_of(Some(&lease), "", Timestamp::now());
            let written = self
                .api
                .replace(&self.name, &PostParams::default(), &given_up)
                .await;
            if let Err(error) = written {
                let why = explain(&error);
                tracing::info!("the lease {} could not be given up: {why}", self.name);
            }
        }
    }

    async fn look(&self) {
        let mut seen = self.seen.lock().await;
        if let Err(error) = self.step(&mut seen).await {
            let why = explain(&error);
            tracing::warn!("the lease {} cannot be read or renewed: {why}", self.name);
        }
        let renewed = seen
            .renewed
            .is_some_and(|at| at.elapsed() < LEADS_UNRENEWED);
        self.announce(renewed);
    }

    async fn step(&self, seen: &mut Seen) -> kube::Result<()> {
        let lease = answer(self.api.get_opt(&self.name)).await?;
        let unchanged = seen.look_at(lease);
        let step = step(seen.lease.as_ref(), &self.me, unchanged);
        if step == Step::Wait {
            seen.renewed = None;
            return Ok(());
        }
        let now = Instant::now();
        let wanted = lease_of(seen.lease.as_ref(), &self.me, Timestamp::now());
        match self.write(step, wanted).await {
            Ok(lease) => {
                seen.look_at(Some(lease));
                seen.renewed = Some(now);
                Ok(())
            }
            // Another one was faster.
            Err(error) if is(&error, 409) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn write(&self, step: Step, mut lease: Lease) -> kube::Result<Lease> {
        lease.metadata.name = Some(self.name.clone());
        let parameters = PostParams::default();
        if step == Step::Make {
            answer(self.api.create(&parameters, &lease)).await
        } else {
            answer(self.api.replace(&self.name, &parameters, &lease)).await
        }
    }

    fn announce(&self, leads: bool) {
        let changed = self
            .leads
            .send_if_modified(|current| std::mem::replace(current, leads) != leads);
        if changed {
            tracing::info!(leads, "the lease {} has changed hands", self.name);
        }
    }
}

impl Seen {
    /// Takes the lease as it is now, and says for how long it has not changed.
    fn look_at(&mut self, lease: Option<Lease>) -> Duration {
        let version = |lease: &Option<Lease>| lease.as_ref()?.metadata.resource_version.clone();
        if version(&lease) != version(&self.lease) {
            self.changed = None;
        }
        self.lease = lease;
        self.changed.get_or_insert_with(Instant::now).elapsed()
    }
}

fn step(lease: Option<&Lease>, me: &str, unchanged: Duration) -> Step {
    let Some(lease) = lease else {
        return Step::Make;
    };
    let seconds = lease
        .spec
        .as_ref()
        .and_then(|spec| spec.lease_duration_seconds);
    let seconds = u64::try_from(seconds.unwrap_or(LEASE_SECONDS)).unwrap_or_default();
    match holder(lease) {
        Some(holder) if holder == me => Step::Renew,
        Some(_) if unchanged < Duration::from_secs(seconds) => Step::Wait,
        _ => Step::Take,
    }
}

fn holder(lease: &Lease) -> Option<&str> {
    let holder = lease.spec.as_ref()?.holder_identity.as_deref()?;
    Some(holder).filter(|holder| !holder.is_empty())
}

/// The lease as it becomes when `new` holds it. It is written only over the very writing that was read.
fn lease_of(before: Option<&Lease>, new: &str, now: Timestamp) -> Lease {
    let spec = before
        .and_then(|lease| lease.spec.clone())
        .unwrap_or_default();
    let stays = before.and_then(holder) == Some(new);
    Lease {
        metadata: before.map_or_else(ObjectMeta::default, |lease| lease.metadata.clone()),
        spec: Some(LeaseSpec {
            holder_identity: Some(new.to_owned()),
            lease_duration_seconds: Some(LEASE_SECONDS),
            renew_time: Some(MicroTime(now)),
            acquire_time: spec.acquire_time.filter(|_| stays).or(Some(MicroTime(now))),
            lease_transitions: Some(spec.lease_transitions.unwrap_or(0) + i32::from(!stays)),
            ..LeaseSpec::default()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held_by(holder: &str) -> Lease {
        lease_of(None, holder, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_lease_is_renewed_by_its_holder_and_taken_when_it_is_free_or_has_run_out() {
        let (fresh, old) = (Duration::from_secs(14), Duration::from_secs(15));
        for (lease, unchanged, expected) in [
            (None, fresh, Step::Make),
            (Some(held_by("me")), fresh, Step::Renew),
            (Some(held_by("me")), old, Step::Renew),
            (Some(held_by("other")), fresh, Step::Wait),
            (Some(held_by("other")), old, Step::Take),
            (Some(held_by("")), Duration::ZERO, Step::Take),
            (Some(Lease::default()), Duration::ZERO, Step::Take),
        ] {
            assert_eq!(
                step(lease.as_ref(), "me", unchanged),
                expected,
                "{lease:?} {unchanged:?}"
            );
        }
    }

    #[test]
    fn one_who_cannot_renew_stops_leading_before_another_begins() {
        assert!(
            LEADS_UNRENEWED + LOOKS_EVERY
                < Duration::from_secs(LEASE_SECONDS.unsigned_abs().into())
        );
    }

    #[test]
    fn a_lease_tells_who_holds_it_since_when_and_how_often_it_changed_hands() {
        let later = "2026-11-25T12:00:00Z".parse().unwrap();
        let renewed = lease_of(Some(&held_by("a")), "a", later).spec.unwrap();
        assert_eq!(renewed.acquire_time, Some(MicroTime(Timestamp::UNIX_EPOCH)));
        assert_eq!(
            (renewed.renew_time, renewed.lease_transitions),
            (Some(MicroTime(later)), Some(1))
        );
        let taken = lease_of(Some(&held_by("a")), "b", later).spec.unwrap();
        assert_eq!(
            (taken.acquire_time, taken.lease_transitions),
            (Some(MicroTime(later)), Some(2))
        );
        assert_eq!(taken.holder_identity.as_deref(), Some("b"));
    }
}
