use super::{Exemption, ExemptionSpec, Scope};

/// How far an exemption reaches, by the widest of its patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breadth {
    /// Some repositories of a registry.
    Repositories,
    /// Every image of a registry.
    Registry,
    /// Every image of whatever registry, which IBM's interface calls the scope of the account.
    Account,
}

impl ExemptionSpec {
    /// How far it reaches.
    pub fn breadth(&self) -> Breadth {
        let of_pattern = |pattern: &cise_policy::Pattern| {
            if pattern.is_of_any_registry() {
                Breadth::Account
            } else if pattern.is_whole_registry() {
                Breadth::Registry
            } else {
                Breadth::Repositories
            }
        };
        let widest = self.images.iter().map(of_pattern).max();
        widest.unwrap_or(Breadth::Repositories)
    }
}

impl Exemption {
    /// Is it for the pods of one namespace, and yet speaks of every image of whatever registry? That is for whoever may exempt for
    /// all pods to say; a cluster stores no such exemption.
    pub fn overreaches(&self) -> bool {
        matches!(self.origin().scope(), Scope::Namespace(_))
            && self.spec().breadth() == Breadth::Account
    }
}

#[cfg(test)]
mod tests {
    use cise_policy::Pattern;

    use super::*;
    use crate::exemption::{IssueId, IssueType};

    #[test]
    fn an_exemption_reaches_as_far_as_the_widest_of_its_patterns() {
        for (images, expected) in [
            (&["*"][..], Breadth::Account),
            (&["*/*"], Breadth::Account),
            (&["icr.io/team/app", "*"], Breadth::Account),
            (&["*.*/*"], Breadth::Account),
            (&["*:*/*"], Breadth::Account),
            (&["*.io/*", "icr.io/team/app"], Breadth::Account),
            (&["*/*/*"], Breadth::Account),
            (&["*/*:*.*"], Breadth::Account),
            (&["*/*@sha256:*"], Breadth::Account),
            (&["localhost/*"], Breadth::Registry),
            (&["localhost:*/*"], Breadth::Registry),
            (&["icr.io/*"], Breadth::Registry),
            (&["*.icr.io/*"], Breadth::Registry),
            (&["docker.io/*", "icr.io/team/app"], Breadth::Registry),
            (&["icr.io/team/*"], Breadth::Repositories),
            (&["icr.io/*:v1"], Breadth::Repositories),
            (&["nginx*"], Breadth::Repositories),
        ] {
            let spec = ExemptionSpec {
                issue_type: IssueType::Cve,
                issue_id: IssueId::parse("CVE-2026-10001").unwrap(),
                images: images
                    .iter()
                    .map(|one| Pattern::parse(one).unwrap())
                    .collect(),
                reason: None,
                owner: None,
                expires: None,
            };
            assert_eq!(spec.breadth(), expected, "{images:?}");
        }
    }
}
