use std::fmt;
use std::sync::Arc;

use crate::names::{NameError, check_name, check_namespace};

/// Which resource a policy comes from. Cheap to clone.
///
/// It is displayed as `kubectl` names it, with the API group where that is not the first one: `ImagePolicy team/web`,
/// `ClusterImagePolicy default (portieris.cloud.ibm.com)`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    scope: Scope,
    name: Arc<str>,
    group: ApiGroup,
}

/// The API groups in which policies are read, side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApiGroup {
    /// `securityenforcement.admission.cloud.ibm.com/v1beta1`.
    V1Beta1,
    /// `portieris.cloud.ibm.com/v1`, the group of the successor of the first.
    PortierisV1,
}

/// For which namespaces a policy is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Those that have no policy of their own: the policy is a `ClusterImagePolicy`.
    Cluster,
    /// One: the policy is an `ImagePolicy` in it.
    Namespace(Arc<str>),
}

impl Origin {
    /// An `ImagePolicy`.
    pub fn namespaced(group: ApiGroup, namespace: &str, name: &str) -> Result<Self, NameError> {
        check_namespace(namespace)?;
        check_name(name)?;
        Ok(Self {
            scope: Scope::Namespace(namespace.into()),
            name: name.into(),
            group,
        })
    }

    /// A `ClusterImagePolicy`.
    pub fn cluster(group: ApiGroup, name: &str) -> Result<Self, NameError> {
        check_name(name)?;
        Ok(Self {
            scope: Scope::Cluster,
            name: name.into(),
            group,
        })
    }

    /// The API group and version.
    pub fn group(&self) -> ApiGroup {
        self.group
    }

    /// For which namespaces it is.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The name of the resource.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scope.kind())?;
        match &self.scope {
            Scope::Cluster => write!(f, " {}", self.name)?,
            Scope::Namespace(namespace) => write!(f, " {namespace}/{}", self.name)?,
        }
        match self.group {
            ApiGroup::V1Beta1 => Ok(()),
            ApiGroup::PortierisV1 => write!(f, " ({})", self.group.name()),
        }
    }
}

impl ApiGroup {
    const ALL: [Self; 2] = [Self::V1Beta1, Self::PortierisV1];

    /// Which group a resource's `apiVersion` names, group and version together.
    pub fn of_api_version(api_version: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|group| group.api_version() == api_version)
    }

    /// Is `api_version` in one of the groups, whatever its version? If so, the document is meant as a policy, and one that
    /// [`from_yaml`](crate::from_yaml) cannot read is an error, never something to pass over.
    pub fn claims(api_version: &str) -> bool {
        let group = api_version.split('/').next();
        Self::ALL
            .into_iter()
            .any(|known| Some(known.name()) == group)
    }

    /// The group without its version.
    pub fn name(self) -> &'static str {
        match self {
            Self::V1Beta1 => "securityenforcement.admission.cloud.ibm.com",
            Self::PortierisV1 => "portieris.cloud.ibm.com",
        }
    }

    /// Group and version, as in a resource's `apiVersion`.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::V1Beta1 => "securityenforcement.admission.cloud.ibm.com/v1beta1",
            Self::PortierisV1 => "portieris.cloud.ibm.com/v1",
        }
    }
}

impl Scope {
    /// The kind of the resources with this scope.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Cluster => "ClusterImagePolicy",
            Self::Namespace(_) => "ImagePolicy",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_shown_kind_namespace_and_name() {
        let own = Origin::namespaced(ApiGroup::V1Beta1, "team", "web").unwrap();
        let successor = Origin::cluster(ApiGroup::PortierisV1, "default").unwrap();
        assert_eq!(own.to_string(), "ImagePolicy team/web");
        assert_eq!(
            successor.to_string(),
            "ClusterImagePolicy default (portieris.cloud.ibm.com)"
        );
    }

    #[test]
    fn a_document_in_either_group_is_meant_as_a_policy() {
        for (api_version, claimed, group) in [
            (
                "securityenforcement.admission.cloud.ibm.com/v1beta1",
                true,
                Some(ApiGroup::V1Beta1),
            ),
            (
                "portieris.cloud.ibm.com/v1",
                true,
                Some(ApiGroup::PortierisV1),
            ),
            ("securityenforcement.admission.cloud.ibm.com/v1", true, None),
            ("portieris.cloud.ibm.com", true, None),
            ("v1", false, None),
            ("apps/v1", false, None),
        ] {
            assert_eq!(
                (
                    ApiGroup::claims(api_version),
                    ApiGroup::of_api_version(api_version)
                ),
                (claimed, group),
                "{api_version}"
            );
        }
    }
}
