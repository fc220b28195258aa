use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::discovery::v1::EndpointSlice;

use crate::endpoints::Endpoints;
use crate::{Cluster, Error};

/// How long after an endpoint is ready every node leads connections to it. Nothing tells when they do.
const LEADS_WITHIN: Duration = Duration::from_secs(2);

/// Whether a Service of this program's namespace leads to anybody.
///
/// A webhook that is registered before its Service leads anywhere refuses every pod of the cluster until it does. What was seen
/// once is not asked again: later on, that nobody answers is an outage, in which the webhooks stay.
pub(super) struct Reachable {
    endpoints: Endpoints,
    /// Since when an endpoint has been ready.
    ready: Mutex<Option<Instant>>,
}

impl Reachable {
    pub(super) fn new(cluster: &Cluster, service: &str) -> Self {
        Self {
            endpoints: Endpoints::of(cluster, service),
            ready: Mutex::default(),
        }
    }

    /// Do connections to the Service lead to a pod that is ready, or did they ever?
    pub(super) async fn holds(&self) -> Result<bool, Error> {
        if self.has_been_ready() {
            return Ok(true);
        }
        let slices = self.endpoints.slices().await?;
        let is_ready = slices.iter().any(has_ready);
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        *ready = is_ready.then(|| ready.unwrap_or_else(Instant::now));
        Ok(false)
    }

    fn has_been_ready(&self) -> bool {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.is_some_and(|since| since.elapsed() >= LEADS_WITHIN)
    }
}

/// An endpoint that does not say whether it is ready counts as ready: `EndpointConditions` of `discovery.k8s.io/v1`.
fn has_ready(slice: &EndpointSlice) -> bool {
    slice.endpoints.iter().any(|endpoint| {
        let conditions = endpoint.conditions.as_ref();
        conditions.and_then(|conditions| conditions.ready) != Some(false)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_ready_endpoint_is_enough_and_one_that_does_not_say_counts() {
        for (endpoints, expected) in [
            (json!([]), false),
            (
                json!([{ "addresses": ["10.0.0.1"], "conditions": { "ready": false } }]),
                false,
            ),
            (
                json!([{ "addresses": ["10.0.0.1"], "conditions": { "ready": true } }]),
                true,
            ),
            (json!([{ "addresses": ["10.0.0.1"] }]), true),
            (
                json!([
                    { "addresses": ["10.0.0.1"], "conditions": { "ready": false } },
                    { "addresses": ["10.0.0.2"], "conditions": { "ready": true } },
                ]),
                true,
            ),
        ] {
            let slice = json!({ "addressType": "IPv4", "metadata": {}, "endpoints": endpoints });
            let slice: EndpointSlice = serde_json::from_value(slice).unwrap();
            assert_eq!(has_ready(&slice), expected, "{endpoints}");
        }
    }
}
