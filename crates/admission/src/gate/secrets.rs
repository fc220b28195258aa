//! The secrets that a policy names, looked at before it is stored.

use std::collections::BTreeSet;

use cise_policy::{Policy, SecretName};
use cise_registry::Deadline;
use cise_signature::notary::{Signer, SignerError, SignerSecret};
use futures::future::join_all;

use super::warning::{PolicyWarning, SecretsUnread};
use crate::sources::SecretSource;

/// How many secrets of one policy are looked at.
const MAX_SECRETS: usize = 20;

/// What is wrong with the secrets that a policy names.
pub(super) async fn warnings(
    policy: &Policy,
    namespace: &str,
    secrets: &dyn SecretSource,
    deadline: Deadline,
) -> Vec<PolicyWarning> {
    let trust = policy
        .entries()
        .iter()
        .filter_map(|entry| entry.requirements.trust.as_ref());
    let names: BTreeSet<&SecretName> = trust.flat_map(|trust| &trust.signer_secrets).collect();
    let looks = names
        .into_iter()
        .take(MAX_SECRETS)
        .map(|name| look_at(namespace, name, secrets));
    match deadline.bound(join_all(looks)).await {
        Ok(found) => found.into_iter().flatten().collect(),
        Err(_) => vec![PolicyWarning::SecretsUnread(SecretsUnread::Late)],
    }
}

async fn look_at(
    namespace: &str,
    name: &SecretName,
    secrets: &dyn SecretSource,
) -> Option<PolicyWarning> {
    let found = match secrets.secret(namespace, name.as_str()).await {
        Ok(found) => found,
        Err(error) => return Some(PolicyWarning::SecretsUnread(error.into())),
    };
    let signer = match found {
        None => Err(SignerError::NoSecret {
            secret: name.as_str().into(),
        }),
        Some(secret) => Signer::from_secret(&SignerSecret {
            secret: name.as_str(),
            name: secret.get("name"),
            public_key: secret.get("publicKey"),
        }),
    };
    signer.err().map(|error| PolicyWarning::SignerSecret {
        namespace: namespace.to_owned(),
        error,
    })
}
