use std::fmt;

use cise_policy::{ApiGroup, NameError, Origin};

/// One of the resources that policies are stored as: what is defined, listed and watched as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyResource {
    group: ApiGroup,
    kind: PolicyKind,
}

/// The kind of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// `ImagePolicy`, which is in a namespace.
    Namespace,
    /// `ClusterImagePolicy`.
    Cluster,
}

impl PolicyResource {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::new(ApiGroup::V1Beta1, PolicyKind::Namespace),
        Self::new(ApiGroup::V1Beta1, PolicyKind::Cluster),
        Self::new(ApiGroup::PortierisV1, PolicyKind::Namespace),
        Self::new(ApiGroup::PortierisV1, PolicyKind::Cluster),
    ];

    /// The resource for this kind of policy in this group.
    pub const fn new(group: ApiGroup, kind: PolicyKind) -> Self {
        Self { group, kind }
    }

    /// The API group, which has one version.
    pub fn group(self) -> ApiGroup {
        self.group
    }

    /// The kind of its objects.
    pub fn kind(self) -> PolicyKind {
        self.kind
    }

    /// The version, as in a URL.
    pub fn version(self) -> &'static str {
        let api_version = self.group.api_version();
        api_version.rsplit('/').next().unwrap_or(api_version)
    }

    /// The origin of a policy that is stored under this name, and in this namespace if it is in one.
    pub(crate) fn origin(self, namespace: Option<&str>, name: &str) -> Result<Origin, NameError> {
        match self.kind {
            PolicyKind::Cluster => Origin::cluster(self.group, name),
            PolicyKind::Namespace => {
                Origin::namespaced(self.group, namespace.unwrap_or_default(), name)
            }
        }
    }
}

impl PolicyKind {
    /// Its name, as in a manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespace => "ImagePolicy",
            Self::Cluster => "ClusterImagePolicy",
        }
    }

    /// The name of the resource, as in a URL or in the rule of a role.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Namespace => "imagepolicies",
            Self::Cluster => "clusterimagepolicies",
        }
    }

    /// The name of one, as `kubectl` takes it.
    pub(crate) fn singular(self) -> &'static str {
        match self {
            Self::Namespace => "imagepolicy",
            Self::Cluster => "clusterimagepolicy",
        }
    }
}

/// The name of its definition: `imagepolicies.portieris.cloud.ibm.com`.
impl fmt::Display for PolicyResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind.plural(), self.group.name())
    }
}
