use std::fmt::Debug;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::DeleteParams;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use crate::cluster::answer;
use crate::defaults::MARKER;
use crate::error::is;
use crate::records::{Kind, page_after};
use crate::registration::CONFIGURATION;
use crate::{Cluster, Error};

/// Deletes both webhook configurations, which turns the enforcement off.
pub async fn remove_webhooks(cluster: &Cluster) -> Result<(), Error> {
    let mutating: Api<MutatingWebhookConfiguration> = Api::all(cluster.client());
    let validating: Api<ValidatingWebhookConfiguration> = Api::all(cluster.client());
    remove(&mutating, CONFIGURATION).await?;
    remove(&validating, CONFIGURATION).await
}

/// Deletes what this program has made for itself in its namespace: the Secret of its certificates and the Lease, by these
/// names, the records of trust and of admissions, and the mark that the default policies were made.
pub async fn remove_state(cluster: &Cluster, certificates: &str, lease: &str) -> Result<(), Error> {
    let (client, namespace) = (cluster.client(), cluster.namespace());
    remove(&Api::<Lease>::namespaced(client.clone(), namespace), lease).await?;
    remove(
        &Api::<Secret>::namespaced(client.clone(), namespace),
        certificates,
    )
    .await?;
    let records: Api<ConfigMap> = Api::namespaced(client, namespace);
    remove(&records, MARKER).await?;
    for kind in Kind::ALL {
        remove_records(&records, kind).await?;
    }
    Ok(())
}

async fn remove_records(records: &Api<ConfigMap>, kind: Kind) -> Result<(), Error> {
    let mut page = Some(kind.first_page());
    while let Some(asked) = page {
        let listed = answer(records.list_metadata(&asked)).await;
        let listed = listed.map_err(|error| Error::request("listing", "records", &error))?;
        for record in &listed.items {
            let name = record.metadata.name.as_deref().unwrap_or_default();
            remove(records, name).await?;
        }
        page = page_after(asked, listed.metadata.continue_);
    }
    Ok(())
}

async fn remove<K>(api: &Api<K>, name: &str) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    match answer(api.delete(name, &DeleteParams::default())).await {
        Err(error) if !is(&error, 404) => Err(Error::request(
            "deleting",
            format!("{} {name}", K::kind(&())),
            &error,
        )),
        _ => Ok(()),
    }
}
