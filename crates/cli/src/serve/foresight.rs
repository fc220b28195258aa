//! The images that run, looked at by the advisor before the next pod of them waits for it: gone through by the replica that leads,
//! when it begins to, and when another pod of the advisor has taken the place of the one before, whose memory is gone.

mod tally;
mod walk;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cise_admission::{Engine, Foreseen, Prospect};
use cise_kubernetes::{Cluster, Endpoints};
use cise_registry::Deadline;
use cise_server::Metrics;
use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::config::Configuration;
use tally::Tally;
use walk::Walk;

/// How many images are asked about at one time: a small part of what the advisor takes on for one namespace.
const AT_ONCE: usize = 2;

/// How often it is looked whether there is another pod of the advisor.
const LOOKS_EVERY: Duration = Duration::from_secs(10);

/// How long one question may take. What takes longer goes on, and is asked about again.
const ANSWERS_WITHIN: Duration = Duration::from_secs(25);

/// How soon it is asked again.
const PAUSE: Duration = Duration::from_secs(5);

/// How long one image is asked about: longer than its indexing may take, so that no more of them are under way than are asked about.
const LONGEST: Duration = Duration::from_secs(900);

/// Who looks at the images that run.
pub(super) struct Foresight {
    cluster: Cluster,
    engine: Arc<Engine>,
    /// The pods of the advisor, where it is in this cluster.
    advisor: Option<Endpoints>,
    metrics: Arc<Metrics>,
}

impl Foresight {
    /// One for a cluster whose advisor is a program of its own; nothing elsewhere.
    pub(super) fn of(
        configuration: &Configuration,
        cluster: Option<Cluster>,
        engine: &Arc<Engine>,
        metrics: &Arc<Metrics>,
    ) -> Option<Self> {
        let (cluster, host) = (cluster?, configuration.advisor.host()?);
        let service = service_at(host, cluster.namespace());
        Some(Self {
            advisor: service.map(|service| Endpoints::of(&cluster, service)),
            cluster,
            engine: Arc::clone(engine),
            metrics: Arc::clone(metrics),
        })
    }

    /// Goes through the images whenever that is to be done, forever.
    pub(super) async fn follow(self, mut leads: watch::Receiver<bool>) {
        let mut known_to = None;
        // It fails only when nobody seeks to lead any more.
        while leads.wait_for(|leads| *leads).await.is_ok() {
            let advisor = self.advisor().await;
            if advisor.is_some() && advisor != known_to {
                tokio::select! {
                    () = self.look() => known_to = advisor,
                    _ = leads.wait_for(|leads| !*leads) => {}
                }
            }
            tokio::time::sleep(LOOKS_EVERY).await;
        }
    }

    /// Which pods the advisor is; nothing while there are none. One that is elsewhere is always the same.
    async fn advisor(&self) -> Option<BTreeSet<String>> {
        let Some(endpoints) = &self.advisor else {
            return Some(BTreeSet::new());
        };
        match endpoints.pods().await {
            Ok(pods) => Some(pods).filter(|pods| !pods.is_empty()),
            Err(error) => {
                tracing::debug!("the pods of the advisor are not known: {error}");
                None
            }
        }
    }

    /// Goes through the images once.
    async fn look(&self) {
        tracing::info!("the images that run are looked at, ahead of their next pods");
        let _under_way = self.metrics.running_images_under_way();
        let is_told = OnceLock::new();
        let pages = stream::unfold(Walk::through(&self.cluster), |mut walk| async {
            Some((stream::iter(walk.page().await?), walk))
        });
        let asked = pages
            .flatten()
            .map(|image| self.ask(image, &is_told))
            .buffer_unordered(AT_ONCE);
        let tally = asked.fold(Tally::default(), |tally, (image, foreseen)| async move {
            tally.with(&image, &foreseen, &self.metrics)
        });
        let tally = tally.await;
        tracing::info!("the images that run have been looked at: {tally}");
    }

    /// Asks about an image until there is an answer. That nobody answers is told once.
    async fn ask(&self, image: Prospect, is_told: &OnceLock<()>) -> (Prospect, Foreseen) {
        let mut longest = Deadline::after(LONGEST);
        loop {
            let deadline = Deadline::after(ANSWERS_WITHIN);
            let foreseen = self.engine.foresee(&image, Timestamp::now(), deadline);
            match foreseen.await {
                Foreseen::Pending if !longest.has_passed() => {}
                Foreseen::Unattended(why) => {
                    longest = Deadline::after(LONGEST);
                    if is_told.set(()).is_ok() {
                        tracing::warn!(
                            "the images that run are not looked at yet, which is tried again: {why}"
                        );
                    }
                }
                foreseen => return (image, foreseen),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// The name of the Service of this namespace that a host is, if it is one: `<service>.<namespace>.svc`, as names in a cluster are.
fn service_at<'a>(host: &'a str, namespace: &str) -> Option<&'a str> {
    let mut labels = host.split('.');
    let service = labels.next().filter(|name| !name.is_empty())?;
    (labels.next() == Some(namespace) && labels.next() == Some("svc")).then_some(service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_service_of_this_namespace_or_somebody_elsewhere() {
        for (host, expected) in [
            ("cise-advisor.ibm-system.svc", Some("cise-advisor")),
            ("advisor.ibm-system.svc.cluster.local", Some("advisor")),
            ("cise-advisor.other.svc", None),
            ("cise-advisor.ibm-system.example.com", None),
            ("cise-advisor.ibm-system", None),
            ("cise-advisor", None),
            (".ibm-system.svc", None),
            ("10.0.0.1", None),
        ] {
            assert_eq!(service_at(host, "ibm-system"), expected, "{host}");
        }
    }
}
