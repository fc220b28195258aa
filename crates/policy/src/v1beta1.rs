//! The resources of `securityenforcement.admission.cloud.ibm.com/v1beta1`, as they are written.
//!
//! `ImagePolicy` and `ClusterImagePolicy` have the same `spec`. Unknown fields are refused; null is the same as absent, where
//! a field may be absent.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::schema::{for_kubernetes, opaque_list, opaque_object};
use crate::{Entry, Mode, Opaque, Pattern, Pinning, Requirements, SecretName, TrustServer};

/// What is required of the images in a namespace, or in all namespaces that have no policy of their own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = for_kubernetes)]
pub struct PolicySpec {
    /// The repositories whose images may run, and what is required of them. An image that no entry matches is denied, so an
    /// empty list denies all images. Of several entries that match, the most specific one applies: the one with the most
    /// characters that are not `*`. All that tie apply, in this policy and in all others of the same namespace.
    #[schemars(length(max = crate::MAX_ENTRIES))]
    pub repositories: Option<Vec<Repository>>,
}

/// One entry of the list: some images, and what is required of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = for_kubernetes)]
pub struct Repository {
    /// Which images: `[host/]path[:tag][@digest]`, where `*` stands for any characters. `*` alone is every image; without a
    /// host, the repository is on Docker Hub; without tag and digest, all of them are meant.
    pub name: Pattern,
    /// What is required of the images. If it is left out, they are admitted without any verification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<RepositoryPolicy>,
    /// A misspelling of `policy` that must be empty. It means nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies: Option<Nothing>,
}

/// What a field that must be null has: there is no such value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Nothing {}

/// What is required of the images of an entry. All requirements must hold, for one and the same digest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = for_kubernetes)]
pub struct RepositoryPolicy {
    /// Whether the tag of an admitted image is pinned to the digest that was verified. The default is true. If false, a
    /// registry can serve another image later under the same tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutate_image: Option<bool>,
    /// What becomes of an image that does not meet the requirements: `enforce` denies it, `warn` admits it with a warning to
    /// the requester, `audit` admits it and records that. The default is enforce.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<EnforcementMode>,
    /// Docker Content Trust: the image must be signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
    /// Vulnerability Advisor: the image must pass, under the advisor's default rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub va: Option<VulnerabilityAdvisor>,
    /// Vulnerability Advisor: the image must pass, under rules of its own (thresholds, grace, sources, exemptions), or, with
    /// ICCRVA, under the default rules with the exemptions of an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vulnerability: Option<Vulnerability>,
    /// Simple signing with GPG keys: the image must meet all of the listed requirements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "opaque_object")]
    pub simple: Option<Opaque>,
    /// Sigstore: the image must have the listed signatures and attestations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "opaque_list")]
    pub cosign: Option<Opaque>,
    /// Notary Project: the image must be signed by a trusted identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "opaque_object")]
    pub notation: Option<Opaque>,
}

/// What becomes of an image that does not meet an entry's requirements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EnforcementMode {
    /// It is denied.
    Enforce,
    /// It is admitted, and the requester is warned.
    Warn,
    /// It is admitted, and recorded.
    Audit,
}

/// Docker Content Trust (Notary v1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = for_kubernetes)]
pub struct Trust {
    /// Whether images must be signed. If false, signatures are ignored.
    pub enabled: bool,
    /// The address of the trust server, `https://…`. The default is the one that is configured for the image's registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_server: Option<TrustServer>,
    /// Who must have signed the most recent signed version of the image: all of the listed signers. The default is anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer_secrets: Option<Vec<SignerSecret>>,
}

/// A signer who is required.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = for_kubernetes)]
pub struct SignerSecret {
    /// The name of a Secret with the signer's `name` and `publicKey`. It is in the policy's namespace, or in
    /// that of the enforcement itself if the policy is for the cluster.
    pub name: SecretName,
}

/// The Vulnerability Advisor, under its default rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = for_kubernetes)]
pub struct VulnerabilityAdvisor {
    /// Whether images must pass. If false, vulnerabilities are ignored.
    pub enabled: bool,
}

/// The Vulnerability Advisor, under an entry's own rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(transform = for_kubernetes)]
pub struct Vulnerability {
    /// The default rules, with the exemptions of an account.
    #[serde(rename = "ICCRVA", skip_serializing_if = "Option::is_none")]
    pub iccrva: Option<Iccrva>,
    /// The rules, which the advisor interprets.
    #[serde(flatten)]
    #[schemars(skip)]
    pub rules: Map<String, Value>,
}

/// The Vulnerability Advisor under its default rules, with the exemptions of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = for_kubernetes)]
pub struct Iccrva {
    /// Whether images must pass. If false, vulnerabilities are ignored.
    pub enabled: bool,
    /// The account whose exemptions apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Box<str>>,
}

impl From<PolicySpec> for Vec<Entry> {
    fn from(spec: PolicySpec) -> Self {
        let repositories = spec.repositories.unwrap_or_default();
        repositories.into_iter().map(Entry::from).collect()
    }
}

impl From<Repository> for Entry {
    fn from(repository: Repository) -> Self {
        let policy = repository.policy.unwrap_or_default();
        Self {
            pattern: repository.name,
            pinning: pinning(policy.mutate_image),
            mode: policy.mode.map(Mode::from).unwrap_or_default(),
            requirements: Requirements {
                trust: policy.trust.and_then(Trust::requirement),
                vulnerability: vulnerability(policy.va, policy.vulnerability),
                simple: policy.simple,
                cosign: policy.cosign,
                notation: policy.notation,
            },
        }
    }
}

impl From<EnforcementMode> for Mode {
    fn from(mode: EnforcementMode) -> Self {
        match mode {
            EnforcementMode::Enforce => Self::Enforce,
            EnforcementMode::Warn => Self::Warn,
            EnforcementMode::Audit => Self::Audit,
        }
    }
}

impl Trust {
    pub(crate) fn requirement(self) -> Option<crate::Trust> {
        let signers = self.signer_secrets.unwrap_or_default();
        self.enabled.then(|| crate::Trust {
            server: self.trust_server,
            signer_secrets: signers.into_iter().map(|signer| signer.name).collect(),
        })
    }
}

impl Vulnerability {
    /// The rules count even if there are none in it: the entry asks for the advisor. Only ICCRVA alone can say that it does
    /// not.
    fn requirements(self) -> impl Iterator<Item = crate::Vulnerability> {
        let asks_for_rules = self.iccrva.is_none() || !self.rules.is_empty();
        let custom = asks_for_rules.then(|| crate::Vulnerability::Custom(self.rules.into()));
        self.iccrva
            .and_then(Iccrva::requirement)
            .into_iter()
            .chain(custom)
    }
}

impl Iccrva {
    pub(crate) fn requirement(self) -> Option<crate::Vulnerability> {
        self.enabled.then_some(crate::Vulnerability::Standard {
            account: self.account,
        })
    }
}

/// Both groups name the same default and the same field.
pub(crate) fn pinning(mutate_image: Option<bool>) -> Pinning {
    match mutate_image {
        None | Some(true) => Pinning::Pin,
        Some(false) => Pinning::KeepTag,
    }
}

fn vulnerability(
    va: Option<VulnerabilityAdvisor>,
    full: Option<Vulnerability>,
) -> Vec<crate::Vulnerability> {
    let standard = va
        .is_some_and(|va| va.enabled)
        .then_some(crate::Vulnerability::Standard { account: None });
    let full = full.into_iter().flat_map(Vulnerability::requirements);
    standard.into_iter().chain(full).collect()
}

/// A derived schema would be a choice of schemas, which is not structural.
impl JsonSchema for EnforcementMode {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "EnforcementMode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": ["enforce", "warn", "audit"]})
    }
}

impl<'de> Deserialize<'de> for Vulnerability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

/// Reads ICCRVA by its type and every other member as it stands; a derived `flatten` would lose the path to an error.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vulnerability;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of rules, or `ICCRVA`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Vulnerability, A::Error> {
        let mut vulnerability = Vulnerability::default();
        while let Some(key) = members.next_key::<String>()? {
            if key == "ICCRVA" && vulnerability.iccrva.is_none() {
                vulnerability.iccrva = Some(members.next_value()?);
            } else if key == "ICCRVA" || vulnerability.rules.contains_key(&key) {
                return Err(de::Error::custom(format_args!("duplicate field `{key}`")));
            } else {
                let value = members.next_value::<Opaque>()?.into_value();
                vulnerability.rules.insert(key, value);
            }
        }
        Ok(vulnerability)
    }
}

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom(
            "expected null; the field that holds requirements is `policy`",
        ))
    }
}

impl JsonSchema for Nothing {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Nothing".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "maxProperties": 0,
            "x-kubernetes-preserve-unknown-fields": true,
        })
    }
}
