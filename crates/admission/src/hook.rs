//! The webhooks that the API server calls, and what each of them checks.

/// A webhook together with the pass of admission that calls it.
///
/// The API server does not say in its request which pass it is in, and it refuses a patch in the answer of a validating
/// webhook. Each pass therefore has a path of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hook {
    /// Verifies signatures, resolves tags and pins them.
    Trust,
    /// Verifies signatures of what is about to be stored; never patches.
    TrustValidate,
    /// Asks the Vulnerability Advisor about what is about to be stored.
    VulnerabilityAdvisor,
    /// Judges the pod templates of workloads.
    Workloads,
    /// Judges the pod templates of workloads, and pins their images.
    WorkloadsMutate,
    /// Everything in one mutating webhook, for configurations made for Portieris.
    Admit,
}

/// The phase of admission in which a webhook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pass {
    /// The answer may carry a patch; other webhooks may still change the object afterwards.
    Mutating,
    /// The object is final.
    Validating,
}

const NAME_SUFFIX: &str = ".hooks.securityenforcement.admission.cloud.ibm.com";

impl Hook {
    /// All webhooks, in the order in which documentation lists them.
    pub const ALL: [Self; 6] = [
        Self::Trust,
        Self::TrustValidate,
        Self::VulnerabilityAdvisor,
        Self::Workloads,
        Self::WorkloadsMutate,
        Self::Admit,
    ];

    /// The path under which the webhook is served.
    pub fn path(self) -> &'static str {
        match self {
            Self::Trust => "/trust",
            Self::TrustValidate => "/trust/validate",
            Self::VulnerabilityAdvisor => "/va",
            Self::Workloads => "/workloads",
            Self::WorkloadsMutate => "/workloads/mutate",
            Self::Admit => "/admit",
        }
    }

    /// The webhook that is served under exactly this path.
    pub fn from_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.path() == path)
    }

    /// The first label of the webhook's name, which also labels logs and metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Trust | Self::TrustValidate => "trust",
            Self::VulnerabilityAdvisor => "va",
            Self::Workloads | Self::WorkloadsMutate => "workloads",
            Self::Admit => "admit",
        }
    }

    /// The name under which the webhook is registered, and which `kubectl` prints with a denial.
    pub fn name(self) -> String {
        format!("{}{NAME_SUFFIX}", self.label())
    }

    /// The phase of admission that calls this path.
    pub fn pass(self) -> Pass {
        match self {
            Self::Trust | Self::WorkloadsMutate | Self::Admit => Pass::Mutating,
            Self::TrustValidate | Self::VulnerabilityAdvisor | Self::Workloads => Pass::Validating,
        }
    }

    /// Whether the webhook verifies signatures.
    pub fn verifies_signatures(self) -> bool {
        self != Self::VulnerabilityAdvisor
    }

    /// Whether the webhook asks the Vulnerability Advisor.
    pub fn asks_advisor(self) -> bool {
        !matches!(self, Self::Trust | Self::TrustValidate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hook_is_found_by_its_path_and_by_no_other() {
        for hook in Hook::ALL {
            assert_eq!(Hook::from_path(hook.path()), Some(hook));
        }
        for path in [
            "",
            "/",
            "/trust/",
            "/TRUST",
            "trust",
            "/trust/validate/x",
            "/policies",
        ] {
            assert_eq!(Hook::from_path(path), None, "{path}");
        }
    }

    #[test]
    fn every_requirement_is_checked_in_a_validating_pass() {
        let validating = || {
            Hook::ALL
                .into_iter()
                .filter(|hook| hook.pass() == Pass::Validating)
        };
        assert!(validating().any(Hook::verifies_signatures));
        assert!(validating().any(Hook::asks_advisor));
    }

    #[test]
    fn names_are_those_of_the_product() {
        assert_eq!(
            Hook::Trust.name(),
            "trust.hooks.securityenforcement.admission.cloud.ibm.com"
        );
        assert_eq!(
            Hook::VulnerabilityAdvisor.name(),
            "va.hooks.securityenforcement.admission.cloud.ibm.com"
        );
    }
}
