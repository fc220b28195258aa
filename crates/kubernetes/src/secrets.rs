use std::sync::Arc;
use std::time::Duration;

use cise_admission::{SecretData, SecretSource, SourceError};
use cise_policy::SecretName;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::api::ObjectMeta;
use kube::{Api, Client};

use crate::Cluster;
use crate::cluster::answer;
use crate::error::explain;
use crate::lookup::{Found, Key, Lookups, Writing};

/// How long a secret or account counts without being read again.
const FRESH_FOR: Duration = Duration::from_secs(5);

/// How many bytes of secrets, and how many of accounts, are kept.
const KEPT_BYTES: u64 = 16 << 20;

/// What an object takes besides its content, in bytes; roughly.
const OVERHEAD: usize = 512;

/// The secrets and service accounts of the cluster, each read by its name when it is needed.
///
/// What was read is kept for some seconds, and given as the same `Arc` for as long as nobody writes it. That there is no such
/// object is not kept.
pub struct ClusterSecrets {
    client: Client,
    secrets: Lookups<Arc<SecretData>>,
    accounts: Lookups<Arc<[String]>>,
}

impl ClusterSecrets {
    /// Secrets of that cluster. None is read yet.
    pub fn new(cluster: &Cluster) -> Self {
        Self {
            client: cluster.client(),
            secrets: Lookups::new(FRESH_FOR, KEPT_BYTES),
            accounts: Lookups::new(FRESH_FOR, KEPT_BYTES),
        }
    }
}

impl SecretSource for ClusterSecrets {
    fn secret<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<SecretData>>, SourceError>> {
        Box::pin(async move {
            let Some(key) = key(namespace, name) else {
                return Ok(None);
            };
            let client = self.client.clone();
            self.secrets.get(key, |key| read_secret(client, key)).await
        })
    }

    fn pull_secrets_of<'a>(
        &'a self,
        namespace: &'a str,
        service_account: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<[String]>>, SourceError>> {
        Box::pin(async move {
            let Some(key) = key(namespace, service_account) else {
                return Ok(None);
            };
            let client = self.client.clone();
            self.accounts
                .get(key, |key| read_account(client, key))
                .await
        })
    }

    fn forget_secret(&self, namespace: &str, name: &str) {
        if let Some(key) = key(namespace, name) {
            self.secrets.forget(&key);
        }
    }

    fn forget_service_account(&self, namespace: &str, name: &str) {
        if let Some(key) = key(namespace, name) {
            self.accounts.forget(&key);
        }
    }
}

/// The key of an object, unless no object can have that name. Names come from pods that nobody has validated yet, and they
/// become part of a URL: `../../other/secrets/theirs` must not.
fn key(namespace: &str, name: &str) -> Option<Key> {
    let is_name = |text| SecretName::parse(text).is_ok();
    (is_name(namespace) && is_name(name)).then(|| Key {
        namespace: namespace.into(),
        name: name.into(),
    })
}

async fn read_secret(
    client: Client,
    key: Key,
) -> Result<Option<Found<Arc<SecretData>>>, SourceError> {
    let api: Api<Secret> = Api::namespaced(client, &key.namespace);
    let secret = answer(api.get_opt(&key.name)).await;
    Ok(secret
        .map_err(unreadable("secret", &key))?
        .map(|secret| found_secret(secret, key)))
}

fn found_secret(secret: Secret, key: Key) -> Found<Arc<SecretData>> {
    let data = secret.data.unwrap_or_default();
    let entries = data.into_iter().map(|(key, value)| (key, value.0));
    let entries: Vec<_> = entries.collect();
    let sizes = entries.iter().map(|(key, value)| key.len() + value.len());
    let size = size(sizes.sum());
    let kind = secret.type_.unwrap_or_default();
    Found {
        value: Arc::new(SecretData::new(key.namespace, key.name, kind, entries)),
        writing: writing(secret.metadata),
        size,
    }
}

async fn read_account(
    client: Client,
    key: Key,
) -> Result<Option<Found<Arc<[String]>>>, SourceError> {
    let api: Api<ServiceAccount> = Api::namespaced(client, &key.namespace);
    let account = answer(api.get_opt(&key.name)).await;
    Ok(account
        .map_err(unreadable("service account", &key))?
        .map(found_account))
}

fn found_account(account: ServiceAccount) -> Found<Arc<[String]>> {
    let secrets = account.image_pull_secrets.unwrap_or_default();
    let names: Arc<[String]> = secrets.into_iter().map(|secret| secret.name).collect();
    Found {
        size: size(names.iter().map(String::len).sum()),
        value: names,
        writing: writing(account.metadata),
    }
}

fn writing(metadata: ObjectMeta) -> Writing {
    Writing {
        uid: metadata.uid,
        resource_version: metadata.resource_version,
    }
}

fn size(content: usize) -> u32 {
    u32::try_from(content + OVERHEAD).unwrap_or(u32::MAX)
}

fn unreadable(what: &str, key: &Key) -> impl FnOnce(kube::Error) -> SourceError {
    let what = format!("{what} {}/{}", key.namespace, key.name);
    move |error| SourceError::new(what, explain(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_never_becomes_part_of_a_url() {
        assert!(key("team", "registry.example.com").is_some());
        for (namespace, name) in [
            ("team", "../../other/secrets/theirs"),
            ("team", ".."),
            ("team", "a?watch=true"),
            ("team", "a%2Fb"),
            ("team", ""),
            ("", "a"),
            ("../kube-system", "a"),
            ("team/secrets/a", "b"),
        ] {
            assert!(key(namespace, name).is_none(), "{namespace} {name}");
        }
    }
}
