//! The resources of `portieris.cloud.ibm.com/v1`, as they are written.
//!
//! `ImagePolicy` and `ClusterImagePolicy` have the same `spec`. Unknown fields are refused; null is the same as absent, where
//! a field may be absent. Where this group's own reader takes a section without `enabled` for one that is switched off, it is
//! refused here: its schema prunes unknown fields, so that is also what remains of a misspelt `enabled`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{for_kubernetes, opaque_object};
use crate::v1beta1::pinning;
pub use crate::v1beta1::{Iccrva, SignerSecret, Trust};
use crate::{Entry, Mode, Opaque, Pattern, Requirements};

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
}

/// What is required of the images of an entry. All requirements must hold, for one and the same digest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = for_kubernetes)]
pub struct RepositoryPolicy {
    /// Whether the tag of an admitted image is pinned to the digest that was verified. The default is true. If false, a
    /// registry can serve another image later under the same tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutate_image: Option<bool>,
    /// Docker Content Trust: the image must be signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
    /// Simple signing with GPG keys: the image must meet all of the listed requirements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "opaque_object")]
    pub simple: Option<Opaque>,
    /// What the Vulnerability Advisor must say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vulnerability: Option<Vulnerability>,
}

/// What the Vulnerability Advisor must say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = for_kubernetes)]
pub struct Vulnerability {
    /// The image must pass, under the advisor's default rules with the exemptions of an account.
    #[serde(rename = "ICCRVA")]
    pub iccrva: Iccrva,
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
        let advisor = policy
            .vulnerability
            .and_then(|vulnerability| vulnerability.iccrva.requirement());
        Self {
            pattern: repository.name,
            pinning: pinning(policy.mutate_image),
            mode: Mode::Enforce,
            requirements: Requirements {
                trust: policy.trust.and_then(Trust::requirement),
                vulnerability: advisor.into_iter().collect(),
                simple: policy.simple,
                cosign: None,
                notation: None,
            },
        }
    }
}
