//! What a review of a policy asks for.

use std::collections::BTreeMap;

use cise_advisor::assessment::Rules;
use cise_policy::{ApiGroup, Fault, Origin, Policy, PolicyError, Scope, Vulnerability};
use serde_json::value::RawValue;

use super::PolicyRefusal;
use crate::json;
use crate::request::resource_path;
use crate::review::{Operation, Review};
use crate::text::shown;

/// What a review asks for.
#[derive(Debug)]
pub(super) enum Asked {
    /// A policy is to be stored that is new, or that says something else than before.
    ToStore(Policy),
    /// A stored policy that cannot be read is to be changed in its metadata or status alone. It denies as before, and
    /// refusing it would only keep its labels and finalizers from being changed.
    ToLeaveUnreadable {
        /// Which one.
        policy: Origin,
        /// Why it cannot be read.
        why: String,
    },
    /// Nothing that could change what a policy says.
    Nothing,
}

/// A request that is refused, and the policy that it is about, where that is known.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) policy: Option<Origin>,
    pub(super) why: PolicyRefusal,
}

/// Where a request says that its policy is.
struct Place<'a> {
    group: ApiGroup,
    /// Nothing for a policy of the cluster.
    namespace: Option<&'a str>,
}

/// How much is shown of what a parser says.
const MAX_DETAIL: usize = 600;

impl Asked {
    /// Finds out what a review asks for.
    pub(super) fn by(review: &Review<'_>) -> Result<Self, Refused> {
        let unknown = || PolicyRefusal::NoPolicy {
            operation: review.operation,
            resource: resource_path(review),
        };
        let place = Place::of(review).ok_or_else(unknown)?;
        let subresource = review.sub_resource.as_deref().unwrap_or_default();
        match (subresource, review.operation) {
            ("", Operation::Create | Operation::Update) => Self::of_object(review, &place),
            // A deletion takes nothing in, and a status says nothing that counts.
            ("", Operation::Delete) | ("status", _) => Ok(Self::Nothing),
            _ => Err(unknown().into()),
        }
    }

    fn of_object(review: &Review<'_>, place: &Place<'_>) -> Result<Self, Refused> {
        let object = review.object.ok_or(PolicyRefusal::NoObject)?;
        let old = review
            .old_object
            .filter(|_| review.operation == Operation::Update);
        let is_same = old.is_some_and(|old| have_same_content(object, old));
        let error = match place.read(object) {
            Ok(_) if is_same => return Ok(Self::Nothing),
            Ok(policy) => return place.admit(policy),
            Err(error) => error,
        };
        let was_unreadable = old.is_some_and(|old| place.read(old).is_err());
        match error.origin() {
            Some(policy) if is_same && was_unreadable => Ok(Self::ToLeaveUnreadable {
                policy: policy.clone(),
                why: fault(&error).to_string(),
            }),
            _ => Err(Refused::unreadable(&error)),
        }
    }
}

impl<'a> Place<'a> {
    fn of(review: &'a Review<'_>) -> Option<Self> {
        let resource = &review.resource;
        let api_version = format!("{}/{}", &*resource.group, &*resource.version);
        let group = ApiGroup::of_api_version(&api_version)?;
        let namespace = review.namespace.as_deref().unwrap_or_default();
        match (&*resource.resource, namespace) {
            ("imagepolicies", namespace) if !namespace.is_empty() => Some(Self {
                group,
                namespace: Some(namespace),
            }),
            ("clusterimagepolicies", "") => Some(Self {
                group,
                namespace: None,
            }),
            _ => None,
        }
    }

    fn read(&self, object: &RawValue) -> Result<Policy, PolicyError> {
        cise_policy::from_json(object.get().as_bytes(), self.namespace.unwrap_or_default())
    }

    /// The policy must be the one that the request is about.
    fn admit(&self, policy: Policy) -> Result<Asked, Refused> {
        let origin = policy.origin();
        let is_here = match (origin.scope(), self.namespace) {
            (Scope::Cluster, None) => true,
            (Scope::Namespace(own), Some(namespace)) => **own == *namespace,
            _ => false,
        };
        if is_here && origin.group() == self.group {
            return match unusable_rules(&policy) {
                None => Ok(Asked::ToStore(policy)),
                Some(why) => Err(Refused {
                    policy: Some(policy.origin().clone()),
                    why,
                }),
            };
        }
        let why = PolicyRefusal::Elsewhere {
            policy: origin.to_string(),
        };
        Err(why.into())
    }
}

/// Why an entry's own rules for the Vulnerability Advisor would deny everything that they are about.
fn unusable_rules(policy: &Policy) -> Option<PolicyRefusal> {
    policy
        .entries()
        .iter()
        .enumerate()
        .find_map(|(index, entry)| {
            let mut own = entry.requirements.vulnerability.iter();
            let error = own.find_map(|one| match one {
                Vulnerability::Custom(rules) => Rules::default().amended(rules.value()).err(),
                Vulnerability::Standard { .. } => None,
            })?;
            Some(PolicyRefusal::Unreadable {
                field: format!("spec.repositories[{index}].policy"),
                why: shown(&error.to_string(), MAX_DETAIL).to_string(),
            })
        })
}

/// Have both objects the same fields, but for their metadata and status?
///
/// The API server writes both in the same way, so that equal content is equal text. Whatever cannot be told is not the same.
fn have_same_content(object: &RawValue, old: &RawValue) -> bool {
    let [object, old] = [object, old].map(content);
    object.is_some() && object == old
}

fn content(object: &RawValue) -> Option<BTreeMap<String, &str>> {
    let fields: BTreeMap<String, &RawValue> = json::read(object.get().as_bytes()).ok()?;
    let content = fields.into_iter().map(|(name, value)| (name, value.get()));
    Some(
        content
            .filter(|(name, _)| name != "metadata" && name != "status")
            .collect(),
    )
}

impl Refused {
    fn unreadable(error: &PolicyError) -> Self {
        let Fault { path, message, .. } = fault(error);
        Self {
            policy: error.origin().cloned(),
            why: PolicyRefusal::Unreadable {
                field: path.into(),
                why: shown(&message, MAX_DETAIL).to_string(),
            },
        }
    }
}

impl From<PolicyRefusal> for Refused {
    fn from(why: PolicyRefusal) -> Self {
        Self { policy: None, why }
    }
}

/// What is wrong and where. Line and column are left out: they are those of a text that nobody has seen.
fn fault(error: &PolicyError) -> Fault {
    let (path, message) = match error {
        PolicyError::Header(fault) | PolicyError::Content { fault, .. } => {
            (fault.path.clone(), fault.message.clone())
        }
        PolicyError::TooManyEntries { .. } => {
            ("spec.repositories".into(), error.to_string().into())
        }
        other => ("".into(), other.to_string().into()),
    };
    Fault {
        path,
        position: None,
        message,
    }
}
