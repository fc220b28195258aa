//! What an administrator decides about admission, beyond the policies.

use cise_advisor::assessment::Rules;
use cise_policy::HostPattern;
use cise_reference::Host;
use cise_registry::Keyring;

use crate::hook::Hook;
use crate::kind::Kind;
use crate::verdict::Enforcement;

/// What an administrator decides about admission.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The namespace of this program itself: secrets that a `ClusterImagePolicy` names are in it.
    pub namespace: String,
    /// What happens to workloads whose pods would be refused.
    pub workloads: Workloads,
    /// Which registries the Vulnerability Advisor covers.
    pub advisors: Advisors,
    /// What counts for the Vulnerability Advisor, where an entry has no rules of its own.
    pub rules: Rules,
    /// Credentials that are tried after those of the pod.
    pub pull_credentials: Keyring,
}

/// What happens to workloads whose pods would be refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workloads {
    /// They are created, and the requester is told at once why no pod will come of them.
    #[default]
    Warn,
    /// They are refused, and their images are pinned.
    Enforce,
    /// Nobody looks at them.
    Off,
}

/// Which registries the Vulnerability Advisor covers: the first pattern that matches a registry counts.
#[derive(Clone, Debug, Default)]
pub struct Advisors(Vec<(HostPattern, Advisor)>);

/// Who advises about the images of a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advisor {
    /// This program itself.
    Builtin,
    /// Another program, which this version cannot ask.
    Elsewhere,
    /// Nobody.
    Nobody,
}

impl Workloads {
    /// What a refused image means for a request.
    ///
    /// The setting is about workloads that come to their own webhook. Pods are always enforced, and so is whatever an
    /// administrator sends to one of the other webhooks.
    pub(crate) fn enforcement(self, hook: Hook, kind: Kind) -> Enforcement {
        match (hook, self) {
            (Hook::Workloads | Hook::WorkloadsMutate, Self::Off) if kind != Kind::Pod => {
                Enforcement::Ignore
            }
            (Hook::Workloads | Hook::WorkloadsMutate, Self::Warn) if kind != Kind::Pod => {
                Enforcement::Warn
            }
            _ => Enforcement::Refuse,
        }
    }
}

impl Advisors {
    /// The table in its order.
    pub fn new(table: impl IntoIterator<Item = (HostPattern, Advisor)>) -> Self {
        Self(table.into_iter().collect())
    }

    pub(crate) fn of(&self, registry: &Host) -> Advisor {
        self.0
            .iter()
            .find(|(pattern, _)| pattern.matches(registry))
            .map_or(Advisor::Nobody, |(_, advisor)| *advisor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_enforced_whatever_is_set_for_workloads() {
        for hook in Hook::ALL {
            for setting in [Workloads::Warn, Workloads::Enforce, Workloads::Off] {
                assert_eq!(
                    setting.enforcement(hook, Kind::Pod),
                    Enforcement::Refuse,
                    "{hook:?} {setting:?}"
                );
            }
        }
    }

    #[test]
    fn workloads_are_treated_as_set_at_their_own_webhook_and_enforced_at_others() {
        use Enforcement::{Ignore, Refuse, Warn};
        for (setting, hook, expected) in [
            (Workloads::Warn, Hook::Workloads, Warn),
            (Workloads::Warn, Hook::WorkloadsMutate, Warn),
            (Workloads::Enforce, Hook::Workloads, Refuse),
            (Workloads::Enforce, Hook::WorkloadsMutate, Refuse),
            (Workloads::Off, Hook::Workloads, Ignore),
            (Workloads::Off, Hook::Trust, Refuse),
            (Workloads::Off, Hook::Admit, Refuse),
            (Workloads::Warn, Hook::VulnerabilityAdvisor, Refuse),
        ] {
            assert_eq!(
                setting.enforcement(hook, Kind::Deployment),
                expected,
                "{setting:?} {hook:?}"
            );
        }
    }
}
