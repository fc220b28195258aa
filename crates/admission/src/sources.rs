//! Where policies and secrets come from: a folder of manifests, or the API server.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use cise_advisor::exemption::Exemptions;
use cise_policy::Policies;
use cise_registry::DockerConfig;
use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretSlice};

/// Gives the policies in force.
pub trait PolicySource: Send + Sync {
    /// The current generation. It never waits: a source that is behind gives the last generation that it could read.
    fn policies(&self) -> Arc<Policies>;
}

/// Gives the exemptions in force.
pub trait ExemptionSource: Send + Sync {
    /// The current exemptions. It never waits, and gives the same `Arc` for as long as they are the same.
    fn exemptions(&self) -> Arc<Exemptions>;
}

/// Gives secrets and service accounts by name.
///
/// A source that gives the same `Arc` for as long as the content is the same spares its callers the parsing.
pub trait SecretSource: Send + Sync {
    /// The secret with this name, or nothing if there is none.
    fn secret<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<SecretData>>, SourceError>>;

    /// The `imagePullSecrets` of a service account in its order, or nothing if there is no such account.
    fn pull_secrets_of<'a>(
        &'a self,
        namespace: &'a str,
        service_account: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<[String]>>, SourceError>>;

    /// Forgets what is kept of a secret, so that it is read anew when it is asked for next: somebody was refused with what is
    /// in it. A source that keeps nothing has nothing to do.
    fn forget_secret(&self, _namespace: &str, _name: &str) {}

    /// The same for a service account.
    fn forget_service_account(&self, _namespace: &str, _name: &str) {}
}

/// A secret or service account that could not be read, which is something else than one that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reading {what} failed: {why}")]
pub struct SourceError {
    what: String,
    why: String,
}

impl SourceError {
    /// Reading `what`, such as `secret team/registry`, failed because of `why`, which must not quote the secret.
    pub fn new(what: impl Into<String>, why: impl fmt::Display) -> Self {
        Self {
            what: what.into(),
            why: why.to_string(),
        }
    }
}

/// The content of a Kubernetes Secret.
pub struct SecretData {
    namespace: String,
    name: String,
    kind: String,
    entries: BTreeMap<String, SecretSlice<u8>>,
    docker_config: OnceLock<Option<DockerConfig>>,
}

impl SecretData {
    /// The Secret `namespace/name` of this type (`kubernetes.io/dockerconfigjson`, `Opaque`, …) with these decoded entries.
    pub fn new(
        namespace: impl Into<String>,
        name: impl Into<String>,
        kind: impl Into<String>,
        entries: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            kind: kind.into(),
            entries: entries
                .into_iter()
                .map(|(key, value)| (key, value.into()))
                .collect(),
            docker_config: OnceLock::new(),
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The decoded value under this key.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.entries.get(key).map(SecretSlice::expose_secret)
    }

    /// The pull credentials in it, if it is of a type that holds them and can be read. It is parsed once.
    pub(crate) fn docker_config(&self) -> Option<&DockerConfig> {
        self.docker_config
            .get_or_init(|| self.parse_docker_config())
            .as_ref()
    }

    fn parse_docker_config(&self) -> Option<DockerConfig> {
        let origin = format!("Secret {}/{}", self.namespace, self.name);
        let parsed = match self.kind.as_str() {
            "kubernetes.io/dockerconfigjson" => {
                DockerConfig::from_config_json(&origin, self.get(".dockerconfigjson")?)
            }
            "kubernetes.io/dockercfg" => {
                DockerConfig::from_dockercfg(&origin, self.get(".dockercfg")?)
            }
            _ => return None,
        };
        parsed
            .inspect_err(|error| tracing::warn!(%error, "a pull secret is passed over"))
            .ok()
    }
}

impl fmt::Debug for SecretData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Secret {}/{} of type {}",
            self.namespace, self.name, self.kind
        )
    }
}
