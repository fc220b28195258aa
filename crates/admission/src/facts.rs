//! Gathering what the decision needs to know about an image: asks trust servers and registries.

use std::sync::Arc;

use cise_policy::{Scope, SecretName, Trust};
use cise_reference::{Reference, Repository, Tag};
use cise_registry::{Caller, Deadline, Freshness, Keyring, Registry};
use cise_signature::notary::{self, Notary, SignerError, SignerSecret};
use futures::future::{join, join_all, try_join_all};
use jiff::Timestamp;

use crate::counsel::Counsel;
use crate::credentials::Credentials;
use crate::decide::{Duty, Finding, Matched, MatchedEntry, Standing};
use crate::generation::Generation;
use crate::reason::{Reason, Step};
use crate::request::Request;
use crate::requirement::Requirement;
use crate::settings::Settings;
use crate::sources::{SecretData, SecretSource};
use crate::verdict::Evidence;

/// Asks about the images of one request.
pub(crate) struct Inquiry<'r> {
    pub(crate) request: &'r Request<'r>,
    pub(crate) generation: &'r Generation,
    pub(crate) settings: &'r Settings,
    pub(crate) secrets: &'r dyn SecretSource,
    pub(crate) credentials: Credentials<'r>,
    pub(crate) notary: &'r Notary,
    pub(crate) registry: &'r Registry,
    pub(crate) counsel: Option<&'r Counsel>,
    pub(crate) duty: Duty,
    /// Whether advice that is kept will do.
    pub(crate) advice: Freshness,
    pub(crate) now: Timestamp,
    pub(crate) deadline: Deadline,
}

impl Inquiry<'_> {
    /// Finds out about every requirement of an image that this webhook checks, side by side.
    pub(crate) async fn complete<'a>(&self, standing: Standing<'a>) -> Standing<'a> {
        match standing {
            Standing::Matched(matched) => Standing::Matched(self.complete_matched(matched).await),
            settled => settled,
        }
    }

    async fn complete_matched<'a>(&self, mut matched: Matched<'a>) -> Matched<'a> {
        let reference = matched.reference;
        let resolution = async {
            if matched.needs_resolution(self.duty) {
                Some(self.resolve(reference).await)
            } else {
                None
            }
        };
        let findings = join_all(
            matched
                .entries
                .iter()
                .map(|one| self.findings(reference, one)),
        );
        let (resolved, findings) = join(resolution, findings).await;
        matched.resolved = resolved;
        for (one, findings) in matched.entries.iter_mut().zip(findings) {
            one.findings = findings;
        }
        matched
    }

    async fn findings(&self, reference: &Reference, one: &MatchedEntry<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for requirement in Requirement::all_of(&one.entry.requirements) {
            if requirement.is_checked_by(self.duty.hook) {
                let result = self.check(requirement, reference, one, &findings).await;
                findings.push(Finding {
                    requirement,
                    result,
                });
            }
        }
        findings
    }

    async fn check(
        &self,
        requirement: Requirement,
        reference: &Reference,
        one: &MatchedEntry<'_>,
        found: &[Finding],
    ) -> Result<Evidence, Reason> {
        match (requirement, &one.entry.requirements.trust) {
            (Requirement::Trust, Some(trust)) => self.verify_trust(reference, one, trust).await,
            (Requirement::Vulnerability, _) => self.ask_advisor(reference, one, found).await,
            _ => Err(Reason::NotVerifiable(requirement)),
        }
    }

    async fn verify_trust(
        &self,
        reference: &Reference,
        one: &MatchedEntry<'_>,
        trust: &Trust,
    ) -> Result<Evidence, Reason> {
        let requirement = self.compiled_trust(one, trust).await?;
        let keyring = self.credentials.keyring().await?;
        let answer = self.ask_notary(reference, &requirement, keyring).await;
        match self.renewed_after(&answer).await {
            Some(renewed) => self.ask_notary(reference, &requirement, renewed).await,
            None => answer,
        }
    }

    async fn ask_notary(
        &self,
        reference: &Reference,
        requirement: &notary::Requirement,
        keyring: &Keyring,
    ) -> Result<Evidence, Reason> {
        let question = notary::Question {
            image: reference,
            requirement,
            keyring,
            namespace: self.request.namespace(),
            now: self.now,
            deadline: self.deadline,
            side_effects: self.request.side_effects(),
        };
        self.notary
            .verify(&question)
            .await
            .map(Evidence::Signature)
            .map_err(Reason::Trust)
    }

    /// The credentials with which to ask once more, where `answer` refuses those of the request, and somebody has replaced
    /// them meanwhile.
    pub(crate) async fn renewed_after<T>(&self, answer: &Result<T, Reason>) -> Option<&Keyring> {
        match answer {
            Err(reason) if reason.is_of_credentials() => self.credentials.renewed().await,
            _ => None,
        }
    }

    /// The digest that the registry gives the tag. Before one that the image does not name denies it, the registry is asked
    /// anew, because what is kept may be older than the image.
    pub(crate) async fn resolve(&self, reference: &Reference) -> Result<Evidence, Reason> {
        let tag = reference.tag().ok_or(Reason::DigestUnknown)?;
        let kept = self
            .resolve_tag(reference.repository(), tag, Freshness::Kept)
            .await?;
        match reference.digest() {
            Some(named) if named != kept.digest() => {
                self.resolve_tag(reference.repository(), tag, Freshness::Fresh)
                    .await
            }
            _ => Ok(kept),
        }
    }

    async fn resolve_tag(
        &self,
        repository: &Repository,
        tag: &Tag,
        freshness: Freshness,
    ) -> Result<Evidence, Reason> {
        let keyring = self.credentials.keyring().await?;
        let answer = self.ask_registry(repository, tag, freshness, keyring).await;
        match self.renewed_after(&answer).await {
            Some(renewed) => {
                self.ask_registry(repository, tag, Freshness::Fresh, renewed)
                    .await
            }
            None => answer,
        }
    }

    async fn ask_registry(
        &self,
        repository: &Repository,
        tag: &Tag,
        freshness: Freshness,
        keyring: &Keyring,
    ) -> Result<Evidence, Reason> {
        let caller = Caller {
            keyring,
            namespace: self.request.namespace(),
            deadline: self.deadline,
        };
        let resolved = self
            .registry
            .resolve(repository, tag, freshness, &caller)
            .await;
        resolved
            .map(|digest| Evidence::resolution(repository, tag, digest))
            .map_err(|error| Reason::Unresolved(Box::new(error)))
    }

    async fn compiled_trust(
        &self,
        one: &MatchedEntry<'_>,
        trust: &Trust,
    ) -> Result<Arc<notary::Requirement>, Reason> {
        let namespace = match one.policy.scope() {
            Scope::Namespace(namespace) => namespace,
            Scope::Cluster => self.settings.namespace.as_str(),
        };
        let secrets = self
            .signer_secrets(namespace, &trust.signer_secrets)
            .await?;
        if let Some(kept) = self.generation.kept_trust(one.id, &secrets) {
            return Ok(kept);
        }
        let requirement = Arc::new(compile(namespace, trust, &secrets)?);
        self.generation
            .keep_trust(one.id, secrets, Arc::clone(&requirement));
        Ok(requirement)
    }

    async fn signer_secrets(
        &self,
        namespace: &str,
        names: &[SecretName],
    ) -> Result<Vec<Arc<SecretData>>, Reason> {
        let read = try_join_all(names.iter().map(|name| self.signer_secret(namespace, name)));
        let late = |_| Reason::Late {
            step: Step::Secrets,
            place: namespace.into(),
        };
        self.deadline.bound(read).await.map_err(late)?
    }

    async fn signer_secret(
        &self,
        namespace: &str,
        name: &SecretName,
    ) -> Result<Arc<SecretData>, Reason> {
        let found = self
            .secrets
            .secret(namespace, name.as_str())
            .await
            .map_err(Reason::SecretsUnreadable)?;
        found.ok_or_else(|| {
            let error = SignerError::NoSecret {
                secret: name.as_str().into(),
            };
            Reason::SignerSecret {
                namespace: namespace.to_owned(),
                error,
            }
        })
    }
}

fn compile(
    namespace: &str,
    trust: &Trust,
    secrets: &[Arc<SecretData>],
) -> Result<notary::Requirement, Reason> {
    let contents = trust
        .signer_secrets
        .iter()
        .zip(secrets)
        .map(|(name, secret)| SignerSecret {
            secret: name.as_str(),
            name: secret.get("name"),
            public_key: secret.get("publicKey"),
        });
    let contents: Vec<_> = contents.collect();
    notary::Requirement::compile(trust, &contents).map_err(|error| Reason::SignerSecret {
        namespace: namespace.to_owned(),
        error,
    })
}
