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
    read: OnceCell<Result<Read, Reason>>,
    renewed: OnceCell<Option<Read>>,
}

/// Credentials, and the secrets that they are from.
struct Read {
    keyring: Keyring,
    secrets: Vec<Arc<SecretData>>,
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
            read: OnceCell::new(),
            renewed: OnceCell::new(),
        }
    }

    /// The credentials, in the order in which they are tried.
    pub(crate) async fn keyring(&self) -> Result<&Keyring, Reason> {
        let read = self.read.get_or_init(|| self.read_in_time()).await;
        read.as_ref()
            .map(|read| &read.keyring)
            .map_err(Clone::clone)
    }

    /// The credentials as they are now, if somebody has replaced those that [`Credentials::keyring`] gave: a source may keep
    /// secrets for a while, and a refusal must not rest on that.
    pub(crate) async fn renewed(&self) -> Option<&Keyring> {
        let renewed = self.renewed.get_or_init(|| self.read_anew()).await;
        renewed.as_ref().map(|read| &read.keyring)
    }

    async fn read_anew(&self) -> Option<Read> {
        let before = self.read.get()?.as_ref().ok()?;
        let namespace = self.request.namespace();
        for secret in &before.secrets {
            self.secrets.forget_secret(namespace, secret.name());
        }
        if self.request.workload().pull_secrets.is_empty() {
            self.secrets
                .forget_service_account(namespace, self.service_account());
        }
        let now = self.read_in_time().await.ok()?;
        (!now.is_of_the_same_secrets(before)).then_some(now)
    }

    async fn read_in_time(&self) -> Result<Read, Reason> {
        let read = self.deadline.bound(self.read()).await;
        read.map_err(|_| Reason::Late {
            step: Step::Secrets,
            place: self.request.namespace().into(),
        })?
        .map_err(Reason::SecretsUnreadable)
    }

    async fn read(&self) -> Result<Read, SourceError> {
        let own = &self.request.workload().pull_secrets;
        let secrets = if own.is_empty() {
            let account = self.service_account();
            let names = self
                .secrets
                .pull_secrets_of(self.request.namespace(), account)
                .await?
                .unwrap_or_default();
            self.secrets_named(names.iter().map(AsRef::as_ref)).await?
        } else {
            self.secrets_named(own.iter().map(|name| &**name)).await?
        };
        // The kubelet too passes over secrets that are missing, or hold no credentials.
        let secrets: Vec<_> = secrets.into_iter().flatten().collect();
        let configs = secrets.iter().filter_map(|secret| secret.docker_config());
        Ok(Read {
            keyring: Keyring::new(configs).followed_by(self.fallback),
            secrets,
        })
    }

    fn service_account(&self) -> &str {
        let named = self.request.workload().service_account.as_deref();
        named.unwrap_or(DEFAULT_SERVICE_ACCOUNT)
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

impl Read {
    /// A source gives the same `Arc` for as long as nobody writes a secret.
    fn is_of_the_same_secrets(&self, other: &Self) -> bool {
        self.secrets.len() == other.secrets.len()
            && std::iter::zip(&self.secrets, &other.secrets).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}
