use cise_policy::ApiGroup;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DynamicObject, ObjectMeta, PostParams};
use kube::core::ApiResource;
use kube::{Api, Client};

use crate::cluster::answer;
use crate::error::is;
use crate::{Cluster, Error, PolicyKind, PolicyResource};

/// The default policies: docs, "Default policies".
const CLUSTER: &str = include_str!("defaults/cluster.yaml");
const KUBE_SYSTEM: &str = include_str!("defaults/kube-system.yaml");
const OWN: &str = include_str!("defaults/ibm-system.yaml");

/// The `ConfigMap` that tells that they were made.
pub(crate) const MARKER: &str = "cise-defaults";

/// What became of the default policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defaults {
    /// They were made now.
    Made,
    /// They were made at some time before. Whatever has become of them since is somebody's will.
    MadeBefore,
}

/// Makes the default policies, once in the life of an installation: one for the cluster, one for `kube-system` and one for
/// this program's own namespace. A policy that exists already is left as it is.
///
/// Fails where their definitions, or a namespace, are not there yet; then it is to be tried again.
pub async fn make_default_policies(cluster: &Cluster) -> Result<Defaults, Error> {
    if default_policies_were_made(cluster).await? {
        return Ok(Defaults::MadeBefore);
    }
    make(cluster.client(), PolicyKind::Cluster, CLUSTER, None).await?;
    make(
        cluster.client(),
        PolicyKind::Namespace,
        KUBE_SYSTEM,
        Some("kube-system"),
    )
    .await?;
    make(
        cluster.client(),
        PolicyKind::Namespace,
        OWN,
        Some(cluster.namespace()),
    )
    .await?;
    let marker = ConfigMap {
        metadata: ObjectMeta {
            name: Some(MARKER.to_owned()),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    };
    let made = answer(markers(cluster).create(&PostParams::default(), &marker)).await;
    unless_there(made)
        .map_err(|error| Error::request("writing", place_of_marker(cluster), &error))?;
    Ok(Defaults::Made)
}

/// Whether one of the replicas has made all of the default policies, at some time.
pub async fn default_policies_were_made(cluster: &Cluster) -> Result<bool, Error> {
    let marker = answer(markers(cluster).get_opt(MARKER)).await;
    let marker =
        marker.map_err(|error| Error::request("reading", place_of_marker(cluster), &error))?;
    Ok(marker.is_some())
}

fn markers(cluster: &Cluster) -> Api<ConfigMap> {
    Api::namespaced(cluster.client(), cluster.namespace())
}

fn place_of_marker(cluster: &Cluster) -> String {
    format!("ConfigMap {}/{MARKER}", cluster.namespace())
}

async fn make(
    client: Client,
    kind: PolicyKind,
    text: &str,
    namespace: Option<&str>,
) -> Result<(), Error> {
    let resource = api_resource(PolicyResource::new(ApiGroup::V1Beta1, kind));
    let mut policy: DynamicObject =
        serde_saphyr::from_str(text).map_err(|error| Error::Unusable {
            what: "a default policy".to_owned(),
            why: error.to_string(),
        })?;
    policy.metadata.namespace = namespace.map(str::to_owned);
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    };
    let made = answer(api.create(&PostParams::default(), &policy)).await;
    let name = policy.metadata.name.unwrap_or_default();
    let place = format!("{} {name}", kind.name());
    unless_there(made).map_err(|error| Error::request("writing", place, &error))
}

fn unless_there<T>(made: kube::Result<T>) -> kube::Result<()> {
    match made {
        Err(error) if is(&error, 409) => Ok(()),
        other => other.map(drop),
    }
}

fn api_resource(resource: PolicyResource) -> ApiResource {
    let group = resource.group();
    ApiResource {
        group: group.name().to_owned(),
        version: resource.version().to_owned(),
        api_version: group.api_version().to_owned(),
        kind: resource.kind().name().to_owned(),
        plural: resource.kind().plural().to_owned(),
    }
}
