use std::fmt::Debug;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::api::PostParams;
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cluster::answer;
use crate::error::{explain, is};
use crate::registration::CONFIGURATION;
use crate::{Cluster, Error};

/// What no policy can allow: an image that is no reference is refused by whoever looks at it.
const UNHEARD_OF: &str = "cise-status://is-anybody-there";

/// How the webhooks call themselves, whichever of them it is.
const OUR_WEBHOOKS: &str = ".hooks.securityenforcement.admission.cloud.ibm.com";

/// How an installation stands, as its cluster tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The `MutatingWebhookConfiguration`.
    pub mutating: Configured,
    /// The `ValidatingWebhookConfiguration`.
    pub validating: Configured,
    /// The pods that answer; nothing, if there is no such Deployment.
    pub replicas: Option<Replicas>,
    /// The pod that acts for all; nothing, if there is none.
    pub leader: Option<String>,
}

/// Whether a webhook configuration has anything called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Configured {
    /// There is no such configuration: somebody has turned the enforcement off, or it was never on.
    Missing,
    /// It is there, and has not been filled in yet.
    Empty,
    /// It names this many webhooks.
    Webhooks(usize),
}

/// Pods of a Deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replicas {
    /// How many are ready.
    pub ready: i32,
    /// How many there should be.
    pub wanted: i32,
}

/// What becomes of a pod that nothing can allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// This program refuses it.
    Guarded,
    /// It would be made: nobody is asked about pods of that namespace.
    Unguarded,
    /// The API server asks and gets no answer.
    Unanswered(String),
    /// Somebody else refuses it first, so that nothing is known.
    Unknown(String),
}

impl Overview {
    /// Asks the cluster about the Deployment and the Lease of these names.
    pub async fn of(cluster: &Cluster, deployment: &str, lease: &str) -> Result<Self, Error> {
        let (client, namespace) = (cluster.client(), cluster.namespace());
        let mutating = configured::<MutatingWebhookConfiguration>(Api::all(client.clone()));
        let validating = configured::<ValidatingWebhookConfiguration>(Api::all(client.clone()));
        let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
        let leases: Api<Lease> = Api::namespaced(client, namespace);
        let (mutating, validating, deployment, lease) = tokio::try_join!(
            mutating,
            validating,
            found(&deployments, deployment),
            found(&leases, lease),
        )?;
        let holder = lease.and_then(|lease| lease.spec?.holder_identity);
        Ok(Self {
            mutating,
            validating,
            replicas: deployment.as_ref().map(Replicas::of),
            leader: holder.filter(|holder| !holder.is_empty()),
        })
    }
}

impl Configured {
    /// Whether the API server is told to call any webhook in either pass.
    pub async fn anywhere(cluster: &Cluster) -> Result<bool, Error> {
        let client = cluster.client();
        let (mutating, validating) = tokio::try_join!(
            configured::<MutatingWebhookConfiguration>(Api::all(client.clone())),
            configured::<ValidatingWebhookConfiguration>(Api::all(client)),
        )?;
        let is_filled = |one| matches!(one, Self::Webhooks(_));
        Ok(is_filled(mutating) || is_filled(validating))
    }
}

impl Probe {
    /// Has the API server judge, without making it, a pod in `namespace` whose image is none.
    pub async fn of(cluster: &Cluster, namespace: &str) -> Result<Self, Error> {
        let pods: Api<Pod> = Api::namespaced(cluster.client(), namespace);
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let pod = probe_pod().map_err(|error| Error::Unusable {
            what: "the pod of the probe".to_owned(),
            why: error.to_string(),
        })?;
        match answer(pods.create(&dry_run, &pod)).await {
            Ok(_) => Ok(Self::Unguarded),
            Err(error @ kube::Error::Api(_)) => Ok(Self::told_by(explain(&error))),
            Err(error) => Err(Error::request(
                "trying",
                format!("a pod in {namespace}"),
                &error,
            )),
        }
    }

    fn told_by(said: String) -> Self {
        match (
            said.contains(OUR_WEBHOOKS),
            said.contains("failed calling webhook"),
        ) {
            (true, true) => Self::Unanswered(said),
            (true, false) => Self::Guarded,
            (false, _) => Self::Unknown(said),
        }
    }
}

impl Replicas {
    pub(crate) fn of(deployment: &Deployment) -> Self {
        let status = deployment.status.as_ref();
        let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas);
        Self {
            ready: status.and_then(|status| status.ready_replicas).unwrap_or(0),
            wanted: wanted.unwrap_or(1),
        }
    }
}

async fn configured<K>(api: Api<K>) -> Result<Configured, Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Serialize,
{
    let Some(configuration) = found(&api, CONFIGURATION).await? else {
        return Ok(Configured::Missing);
    };
    let configuration = serde_json::to_value(&configuration).unwrap_or_default();
    let webhooks = configuration.get("webhooks").and_then(Value::as_array);
    Ok(match webhooks.map_or(0, Vec::len) {
        0 => Configured::Empty,
        count => Configured::Webhooks(count),
    })
}

async fn found<K>(api: &Api<K>, name: &str) -> Result<Option<K>, Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    match answer(api.get_opt(name)).await {
        Err(error) if is(&error, 404) => Ok(None),
        found => found
            .map_err(|error| Error::request("reading", format!("{} {name}", K::kind(&())), &error)),
    }
}

/// It keeps to the `restricted` Pod Security Standard, so that nobody has another reason to refuse it.
fn probe_pod() -> Result<Pod, serde_json::Error> {
    serde_json::from_value(json!({
        "metadata": { "generateName": "cise-status-" },
        "spec": {
            "automountServiceAccountToken": false,
            "securityContext": { "runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": { "type": "RuntimeDefault" } },
            "containers": [{
                "name": "probe",
                "image": UNHEARD_OF,
                "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
            }],
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_server_says_tells_a_refusal_from_an_outage_and_from_somebody_elses_rule() {
        let ours = "admission webhook \"trust.hooks.securityenforcement.admission.cloud.ibm.com\" denied the request: Deny, …";
        let down = "Internal error occurred: failed calling webhook \"trust.hooks.securityenforcement.admission.cloud.ibm.com\": no endpoints";
        let theirs = "admission webhook \"quota.example.com\" denied the request: no";
        assert_eq!(Probe::told_by(ours.to_owned()), Probe::Guarded);
        assert!(matches!(
            Probe::told_by(down.to_owned()),
            Probe::Unanswered(_)
        ));
        assert!(matches!(
            Probe::told_by(theirs.to_owned()),
            Probe::Unknown(_)
        ));
    }

    #[test]
    fn no_policy_can_allow_the_image_of_the_probe() {
        assert!(cise_reference::Reference::parse(UNHEARD_OF).is_err());
        assert_eq!(probe_pod().unwrap().spec.unwrap().containers.len(), 1);
    }
}
