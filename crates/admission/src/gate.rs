//! The webhook for policies and exemptions: what becomes of one that somebody wants to store.

mod asked;
pub(crate) mod decision;
mod object;
pub(crate) mod refusal;
mod secrets;
pub(crate) mod sentences;
mod warning;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use cise_policy::{Policy, Scope};
use cise_registry::Deadline;
use cise_signature::SideEffects;
use cise_signature::notary::TrustServers;
use futures::FutureExt as _;
use futures::future::join;
use jiff::Timestamp;

use crate::answer::Answer;
use crate::coverage::Coverage;
use crate::grounds::Grounds;
use crate::review::{Rejected, Review};
use crate::sources::{PolicySource, SecretSource};
use asked::Asked;

pub use decision::PolicyDecision;
pub use object::StoredObject;
pub(crate) use object::Wanted;
pub use refusal::PolicyRefusal;
pub use warning::{PolicyWarning, SecretsUnread};

/// How long secrets are looked at for what to warn of. Nobody waits longer for a warning.
const LOOKS_FOR: Duration = Duration::from_secs(2);

/// Judges policies and exemptions before they are stored: refuses what cannot be read in full, and warns of what is risky.
pub struct PolicyGate {
    policies: Arc<dyn PolicySource>,
    secrets: Arc<dyn SecretSource>,
    coverage: Arc<dyn Coverage>,
    trust_servers: TrustServers,
    namespace: String,
}

impl PolicyGate {
    /// The path under which the webhook is served.
    pub const PATH: &str = "/policies";

    /// The name under which it is registered, and which `kubectl` prints with a denial.
    pub const NAME: &str = "policies.hooks.securityenforcement.admission.cloud.ibm.com";

    /// A gate that compares policies with those in force, and looks for the secrets and trust servers that they need.
    /// `namespace` is that of this program itself: secrets that a `ClusterImagePolicy` names are in it.
    pub fn new(
        policies: Arc<dyn PolicySource>,
        secrets: Arc<dyn SecretSource>,
        coverage: Arc<dyn Coverage>,
        trust_servers: TrustServers,
        namespace: String,
    ) -> Self {
        Self {
            policies,
            secrets,
            coverage,
            trust_servers,
            namespace,
        }
    }

    /// Answers the body of an admission request that was made at `now`.
    ///
    /// Everything that goes wrong, a panic included, becomes a denial. Only a body in which not even the request's uid can be
    /// found is an error, because no answer to it could be addressed.
    pub async fn answer(
        &self,
        body: &[u8],
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<Answer, Rejected> {
        let review = match Review::read(body) {
            Ok(review) => review,
            Err(rejected) => return Answer::unreadable(rejected),
        };
        let judging = AssertUnwindSafe(self.judge(&review, now, deadline)).catch_unwind();
        Ok(match judging.await {
            Ok(grounds) => Answer::to(&review, grounds),
            Err(_) => Answer::internal(&review),
        })
    }

    async fn judge(&self, review: &Review<'_>, now: Timestamp, deadline: Deadline) -> Grounds {
        match to_store(review) {
            Ok(Wanted::Policy(policy)) => {
                let effects = review.side_effects();
                Grounds::OfPolicy(self.decide(policy, effects, deadline).await)
            }
            Ok(wanted @ Wanted::Exemption(_)) => Grounds::OfPolicy(decided(&wanted, now)),
            Err(settled) => settled,
        }
    }

    async fn decide(
        &self,
        policy: Policy,
        effects: SideEffects,
        deadline: Deadline,
    ) -> PolicyDecision {
        let (covered, warnings) = join(
            self.cover(&policy, effects, deadline),
            self.warnings(&policy, deadline),
        )
        .await;
        PolicyDecision {
            refusal: covered.err(),
            warnings,
            ..PolicyDecision::admission(StoredObject::Policy(policy.origin().clone()))
        }
    }

    /// Sees to it that a namespace is guarded before a policy that demands something is stored in it.
    ///
    /// Webhooks are not called for a namespace whose policies admit everything. One more policy that does so by itself changes
    /// nothing about that, and any other may.
    async fn cover(
        &self,
        policy: &Policy,
        effects: SideEffects,
        deadline: Deadline,
    ) -> Result<(), PolicyRefusal> {
        let Scope::Namespace(namespace) = policy.origin().scope() else {
            return Ok(());
        };
        if policy.admits_everything() || effects == SideEffects::Forbidden {
            return Ok(());
        }
        let covered = deadline.bound(self.coverage.include(namespace)).await;
        let why = match covered {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(late) => late.to_string(),
        };
        Err(PolicyRefusal::NotCovered {
            namespace: namespace.to_string(),
            why,
        })
    }

    async fn warnings(&self, policy: &Policy, deadline: Deadline) -> Vec<PolicyWarning> {
        let shortly = Deadline::after(LOOKS_FOR.min(deadline.remaining() / 2));
        let namespace = match policy.origin().scope() {
            Scope::Namespace(namespace) => namespace,
            Scope::Cluster => self.namespace.as_str(),
        };
        let mut warnings = secrets::warnings(policy, namespace, &*self.secrets, shortly).await;
        warnings.extend(warning::of_entries(policy, &self.trust_servers));
        let in_force = self.policies.policies();
        warnings.extend(warning::beside(policy, &in_force));
        warnings
    }
}

/// What is to be stored, or the grounds on which all is decided without a look at anything else.
pub(crate) fn to_store(review: &Review<'_>) -> Result<Wanted, Grounds> {
    match Asked::by(review) {
        Ok(Asked::ToStore(wanted)) => Ok(wanted),
        Ok(Asked::Nothing) => Err(Grounds::NoImages),
        Ok(Asked::ToLeaveUnreadable { object, why }) => Err(Grounds::OfPolicy(PolicyDecision {
            warnings: vec![warning::unreadable(&object, why)],
            ..PolicyDecision::admission(object)
        })),
        Err(refused) => Err(Grounds::OfPolicy(PolicyDecision {
            object: refused.object,
            refusal: Some(refused.why),
            warnings: Vec::new(),
        })),
    }
}

/// The decision about what nothing else has a say in.
pub(crate) fn decided(wanted: &Wanted, now: Timestamp) -> PolicyDecision {
    let warnings = match wanted {
        Wanted::Policy(_) => Vec::new(),
        Wanted::Exemption(exemption) => warning::of_exemption(exemption, now),
    };
    PolicyDecision {
        warnings,
        ..PolicyDecision::admission(wanted.object())
    }
}
