//! Policies of the cluster: listed at first, then followed.

use std::sync::Arc;
use std::time::SystemTime;

use cise_kubernetes::{ExemptionWatch, Listing, PolicyWatch, ResourceStatus, Status};
use cise_server::{Condition, Metrics};

use crate::listening::POLL_INTERVAL;

/// Waits until the policies were listed in full. Until then, the server is not ready and says what it waits for.
pub(super) async fn first(watch: &PolicyWatch, ready: &Condition) {
    let mut looks = tokio::time::interval(POLL_INTERVAL);
    loop {
        tokio::select! {
            () = watch.ready() => return,
            _ = looks.tick() => ready.missing(awaited(&watch.status())),
        }
    }
}

/// Follows the policies and exemptions for ever, and shows in the metrics which policies are in force.
pub(super) async fn follow(
    watch: Arc<PolicyWatch>,
    exemptions: Arc<ExemptionWatch>,
    metrics: Arc<Metrics>,
) {
    let asked = Arc::clone(&watch);
    metrics.policies_age(move || asked.status().age());
    let mut generations = watch.generations();
    let show = async {
        // It fails only when the watch is gone.
        while generations.changed().await.is_ok() {
            let status = watch.status();
            metrics.policies_loaded(status.generation, SystemTime::now());
            metrics.policies_unreadable(status.unreadable.len());
        }
    };
    tokio::join!(watch.follow(), exemptions.follow(), show);
}

fn awaited(status: &Status) -> String {
    let awaited = status
        .resources
        .iter()
        .filter(|one| one.listing == Listing::Awaited);
    awaited.map(why_awaited).collect::<Vec<_>>().join("; ")
}

fn why_awaited(one: &ResourceStatus) -> String {
    match &one.failing {
        None => format!("{} are being listed", one.resource),
        Some(failing) => format!("{} cannot be listed: {}", one.resource, failing.why),
    }
}
