//! The credentials with which the pods of a request would pull their images.

use std::sync::Arc;

use cise_registry::{Deadline, Keyring};
use futures::future::try_join_all;
use tokio::sync::OnceCell;

use crate::reason::{Reason, Step};
use crate::request::Request;
use crate::sources::{SecretData, SecretSource, SourceError};

/// The service account of a pod that names none.
const DEFAULT_SERVICE_ACCOUNT: &str = "default";
/// The most pull secrets of one pod that are read.
const MAX_PULL_SECRETS: usize = 50;

/// The credentials of one request. They are read when they are first asked for, and then once.
pub(crate) struct Credentials<'r> {
    request: &'r Request<'r>,
    secrets: &'r dyn SecretSource,
    /// What is tried after the credentials of the pod.
    fallback: &'r Keyring,
    deadline: Deadline,
    keyring: OnceCell<Result<Keyring, Reason>>,
}

impl<'r> Credentials<'r> {
    pub(crate) fn new(
        request: &'r Request<'r>,
        secrets: &'r dyn SecretSource,
        fallback: &'r Keyring,
        deadline: Deadline,
    ) -> Self {
        Self {
            request,
            secrets,
            fallback,
            deadline,
            keyring: OnceCell::new(),
        }
    }

    /// The credentials, in the order in which they are tried.
    pub(crate) async fn keyring(&self) -> Result<&Keyring, Reason> {
        self.keyring
            .get_or_init(|| self.read_in_time())
            .await
            .as_ref()
            .map_err(Clone::clone)
    }

    async fn read_in_time(&self) -> Result<Keyring, Reason> {
        let read = self.deadline.bound(self.read()).await;
        read.map_err(|_| Reason::Late {
            step: Step::Secrets,
            place: self.request.namespace().into(),
        })?
        .map_err(Reason::SecretsUnreadable)
    }

    async fn read(&self) -> Result<Keyring, SourceError> {
        let workload = self.request.workload();
        let secrets = if workload.pull_secrets.is_empty() {
            let account = workload
                .service_account
                .as_deref()
                .unwrap_or(DEFAULT_SERVICE_ACCOUNT);
            let names = self
                .secrets
                .pull_secrets_of(self.request.namespace(), account)
                .await?
                .unwrap_or_default();
            self.secrets_named(names.iter().map(AsRef::as_ref)).await?
        } else {
            self.secrets_named(workload.pull_secrets.iter().map(|name| &**name))
                .await?
        };
        // The kubelet too passes over secrets that are missing, or hold no credentials.
        Ok(Keyring::new(
            secrets
                .iter()
                .flatten()
                .filter_map(|secret| secret.docker_config()),
        )
        .followed_by(self.fallback))
    }

    async fn secrets_named(
        &self,
        names: impl Iterator<Item = &str>,
    ) -> Result<Vec<Option<Arc<SecretData>>>, SourceError> {
        let namespace = self.request.namespace();
        try_join_all(
            names
                .take(MAX_PULL_SECRETS)
                .map(|name| self.secrets.secret(namespace, name)),
        )
        .await
    }
}
