use std::collections::BTreeSet;

use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Api;
use kube::api::ListParams;

use crate::cluster::answer;
use crate::{Cluster, Error};

/// The label by which a slice says whose endpoints it has.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// Where a Service of this program's namespace leads.
#[derive(Clone)]
pub struct Endpoints {
    slices: Api<EndpointSlice>,
    own: ListParams,
    place: String,
}

impl Endpoints {
    /// The endpoints of the Service of this name.
    pub fn of(cluster: &Cluster, service: &str) -> Self {
        Self {
            slices: Api::namespaced(cluster.client(), cluster.namespace()),
            own: ListParams::default().labels(&format!("{SERVICE_NAME}={service}")),
            place: format!("the endpoints of Service {}/{service}", cluster.namespace()),
        }
    }

    /// The identities of the pods that it leads to, ready or not. One that takes the place of another has another one.
    pub async fn pods(&self) -> Result<BTreeSet<String>, Error> {
        let slices = self.slices().await?;
        Ok(slices.iter().flat_map(identities).collect())
    }

    pub(crate) async fn slices(&self) -> Result<Vec<EndpointSlice>, Error> {
        let slices = answer(self.slices.list(&self.own)).await;
        let slices = slices.map_err(|error| Error::request("reading", &self.place, &error))?;
        Ok(slices.items)
    }
}

fn identities(slice: &EndpointSlice) -> impl Iterator<Item = String> {
    let targets = slice.endpoints.iter().map(|one| one.target_ref.as_ref());
    targets.filter_map(|target| target?.uid.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_is_known_by_its_uid_and_an_address_without_a_pod_by_nothing() {
        let slice = json!({ "addressType": "IPv4", "metadata": {}, "endpoints": [
            { "addresses": ["10.0.0.1"], "targetRef": { "kind": "Pod", "name": "a", "uid": "1" } },
            { "addresses": ["10.0.0.2"], "conditions": { "ready": false }, "targetRef": { "kind": "Pod", "uid": "2" } },
            { "addresses": ["10.0.0.3"] },
        ] });
        let slice: EndpointSlice = serde_json::from_value(slice).unwrap();
        assert_eq!(identities(&slice).collect::<Vec<_>>(), ["1", "2"]);
    }
}
