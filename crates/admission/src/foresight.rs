//! What is found out before anybody asks: whether the advisor knows the images of pods that run already.
//!
//! It goes the way of a review as far as the facts. No decision is made of them, and nothing is recorded.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use cise_advisor::Unadvised;
use cise_registry::Freshness;

use crate::decide::{Duty, Standing};
use crate::facts::Inquiry;
use crate::hook::Hook;
use crate::kind::Kind;
use crate::messages::{self, About};
use crate::reason::Reason;
use crate::request::Request;
use crate::requirement::Requirement;
use crate::subject::Subject;
use crate::text::shown;
use crate::verdict::Enforcement;
use crate::workload::{Workload, WorkloadError};

/// What a workload's pods would be judged by, all of it, where a refusal weighs nothing: nobody waits for the answer.
pub(crate) const DUTY: Duty = Duty {
    hook: Hook::Workloads,
    enforcement: Enforcement::Warn,
};

/// What is kept of an answer does not tell that whoever gave it still knows the image.
pub(crate) const ADVICE: Freshness = Freshness::Fresh;

/// How much of an image is shown.
const MAX_IMAGE: usize = 200;

/// An image that a pod names, as the pod would pull it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prospect {
    namespace: Arc<str>,
    image: Box<str>,
    pull_secrets: Arc<[Box<str>]>,
    service_account: Option<Arc<str>>,
}

/// What became of the question about a [`Prospect`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Foreseen {
    /// Nobody is asked: no policy in force demands a verdict about it, or nobody gives one about its registry.
    Unasked,
    /// The advisor knows it: the next pod of it gets an answer at once, whichever that is.
    Known,
    /// It is being found out, or too much else is: to be asked again.
    Pending,
    /// The advisor is not there, or has nothing to judge by: to be asked again when that may have changed. Why, in one line.
    Unattended(String),
    /// It cannot be found out, as the next pod of it will be told. Why, in one line.
    Failed(String),
}

impl Prospect {
    /// The distinct images of a pod, which is JSON as the API server has it. A pod that a node runs from a file there has none,
    /// since none of its images is judged.
    pub fn all_of(pod: &str) -> Result<BTreeSet<Self>, WorkloadError> {
        let workload = Workload::read(Kind::Pod, pod)?;
        let (Some(namespace), None) = (workload.namespace.as_deref(), &workload.mirror_of) else {
            return Ok(BTreeSet::new());
        };
        let namespace: Arc<str> = namespace.into();
        let pull_secrets = workload.pull_secrets.iter().map(|name| Box::from(&**name));
        let pull_secrets: Arc<[Box<str>]> = pull_secrets.collect();
        let service_account: Option<Arc<str>> = workload.service_account.as_deref().map(Into::into);
        let images = workload
            .images
            .iter()
            .filter_map(|place| place.image.as_deref());
        let prospects = images.map(|image| Self {
            namespace: Arc::clone(&namespace),
            image: image.into(),
            pull_secrets: Arc::clone(&pull_secrets),
            service_account: service_account.clone(),
        });
        Ok(prospects.collect())
    }

    /// A pod with this image alone, without side effects.
    pub(crate) fn request(&self) -> Request<'_> {
        let secrets = self.pull_secrets.iter().map(|name| &**name);
        Request::of_images(&self.namespace, [&*self.image])
            .pulling_with(secrets, self.service_account.as_deref())
    }
}

impl fmt::Display for Prospect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (image, namespace) = (
            shown(&self.image, MAX_IMAGE),
            shown(&self.namespace, MAX_IMAGE),
        );
        write!(f, "{image} of namespace {namespace}")
    }
}

/// Has the advisor asked about the one image of this request, if somebody demands it.
pub(crate) async fn foresee(inquiry: &Inquiry<'_>) -> Foreseen {
    let subjects = Subject::all_of(inquiry.request);
    let Some(subject) = subjects.first() else {
        return Foreseen::Unasked;
    };
    let standing = subject.standing(inquiry.generation.policies(), inquiry.request.namespace());
    if !demands_verdict(&standing) {
        return Foreseen::Unasked;
    }
    let about = About {
        image: subject.image,
        namespace: inquiry.request.namespace(),
    };
    Foreseen::from_standing(&inquiry.complete(standing).await, about)
}

fn demands_verdict(standing: &Standing<'_>) -> bool {
    let Standing::Matched(matched) = standing else {
        return false;
    };
    let mut entries = matched.entries.iter();
    entries.any(|one| !one.entry.requirements.vulnerability.is_empty())
}

impl Foreseen {
    /// This program failed on the image.
    pub(crate) fn faulted() -> Self {
        Self::Failed(messages::FAULT_FOUND.to_owned())
    }

    /// What was found about the verdict. Where several entries demand one, whatever is missing counts.
    fn from_standing(standing: &Standing<'_>, about: About<'_>) -> Self {
        let Standing::Matched(matched) = standing else {
            return Self::Unasked;
        };
        let findings = matched.entries.iter().flat_map(|one| &one.findings);
        let verdicts = findings.filter(|one| one.requirement == Requirement::Vulnerability);
        let mut foreseen = verdicts.map(|one| match &one.result {
            Ok(_) => Self::Known,
            Err(reason) => Self::without(reason, about),
        });
        foreseen
            .find(|one| *one != Self::Known)
            .unwrap_or(Self::Known)
    }

    /// What it means that there is no verdict that admits.
    fn without(reason: &Reason, about: About<'_>) -> Self {
        let why = || messages::found(reason, about);
        match reason {
            Reason::Vulnerable { .. } => Self::Known,
            Reason::AdvisorNotConfigured { .. } | Reason::AdvisorElsewhere { .. } => Self::Unasked,
            Reason::Unadvised(
                Unadvised::Indexing(_) | Unadvised::Busy(_) | Unadvised::Flight(_),
            ) => Self::Pending,
            Reason::Unadvised(
                Unadvised::NoDatabase | Unadvised::NoPlatforms | Unadvised::Unreachable { .. },
            ) => Self::Unattended(why()),
            _ => Self::Failed(why()),
        }
    }
}

#[cfg(test)]
mod tests {
    use cise_registry::FlightError;

    use super::*;

    const POD: &str = r#"{
        "metadata": { "name": "a", "namespace": "team" },
        "spec": {
            "serviceAccountName": "robot",
            "imagePullSecrets": [{ "name": "one" }, { "name": "two" }],
            "initContainers": [{ "name": "i", "image": "icr.io/init" }],
            "containers": [{ "name": "c", "image": "icr.io/app" }, { "name": "d", "image": "icr.io/init" }, { "name": "e" }],
            "volumes": [{ "name": "v", "image": { "reference": "icr.io/data" } }, { "name": "w", "emptyDir": {} }]
        }
    }"#;

    #[test]
    fn each_image_of_a_pod_is_there_once_with_the_credentials_of_the_pod() {
        let prospects = Prospect::all_of(POD).unwrap();
        let images: Vec<&str> = prospects.iter().map(|one| &*one.image).collect();
        assert_eq!(images, ["icr.io/app", "icr.io/data", "icr.io/init"]);
        for prospect in &prospects {
            let request = prospect.request();
            let workload = request.workload();
            let secrets: Vec<&str> = workload.pull_secrets.iter().map(|name| &**name).collect();
            assert_eq!(request.namespace(), "team");
            assert_eq!(workload.images.len(), 1);
            assert_eq!(secrets, ["one", "two"]);
            assert_eq!(workload.service_account.as_deref(), Some("robot"));
        }
    }

    #[test]
    fn of_what_no_review_would_judge_there_is_nothing() {
        let mirror = r#"{"metadata": {"namespace": "kube-system", "annotations": {"kubernetes.io/config.mirror": "1"}},
            "spec": {"containers": [{"image": "icr.io/a"}]}}"#;
        let nowhere = r#"{"metadata": {}, "spec": {"containers": [{"image": "icr.io/a"}]}}"#;
        for pod in [mirror, nowhere, r#"{"metadata": {"namespace": "team"}}"#] {
            assert_eq!(Prospect::all_of(pod).unwrap(), BTreeSet::new(), "{pod}");
        }
        for broken in [
            "",
            "[]",
            r#"{"metadata": {"namespace": "team"}, "spec": []}"#,
        ] {
            assert!(Prospect::all_of(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn what_may_pass_is_asked_again_and_what_will_not_is_not() {
        let host = || "icr.io".into();
        let registry = || cise_reference::Host::parse("icr.io").unwrap();
        let unreachable = Unadvised::Unreachable {
            service: "https://advisor".into(),
            why: "refused".to_owned(),
        };
        let about = About {
            image: "icr.io/a",
            namespace: "team",
        };
        let kind = |reason: &Reason| match Foreseen::without(reason, about) {
            Foreseen::Unattended(why) => {
                assert!(!why.is_empty());
                "unattended"
            }
            Foreseen::Failed(why) => {
                assert!(!why.is_empty());
                "failed"
            }
            Foreseen::Unasked => "unasked",
            Foreseen::Known => "known",
            Foreseen::Pending => "pending",
        };
        for (reason, expected) in [
            (Reason::Unadvised(Unadvised::Indexing(None)), "pending"),
            (
                Reason::Unadvised(Unadvised::Busy("busy".to_owned())),
                "pending",
            ),
            (
                Reason::Unadvised(FlightError::HostBusy { host: host() }.into()),
                "pending",
            ),
            (Reason::Unadvised(FlightError::Late(None).into()), "pending"),
            (Reason::Unadvised(unreachable), "unattended"),
            (Reason::Unadvised(Unadvised::NoDatabase), "unattended"),
            (Reason::Unadvised(Unadvised::NoPlatforms), "unattended"),
            (
                Reason::AdvisorNotConfigured {
                    registry: registry(),
                },
                "unasked",
            ),
            (
                Reason::AdvisorElsewhere {
                    registry: registry(),
                },
                "unasked",
            ),
            (
                Reason::Unadvised(Unadvised::Declined("no".to_owned())),
                "failed",
            ),
            (
                Reason::Unadvised(Unadvised::Unseen("denied".to_owned())),
                "failed",
            ),
            (Reason::DigestUnknown, "failed"),
            (Reason::Internal, "failed"),
        ] {
            assert_eq!(kind(&reason), expected, "{reason:?}");
        }
    }
}
