//! What a review of a policy or an exemption asks for.

use std::collections::BTreeMap;

use cise_advisor::assessment::Rules;
use cise_advisor::exemption::{self, Exemption, ExemptionError};
use cise_policy::{ApiGroup, Fault, Namespace, Policy, PolicyError, Scope, Vulnerability};
use serde_json::value::RawValue;

use super::object::{StoredObject, Wanted};
use super::refusal::PolicyRefusal;
use crate::json;
use crate::request::resource_path;
use crate::review::{Operation, Review};
use crate::text::shown;

/// What a review asks for.
#[derive(Debug)]
pub(super) enum Asked {
    /// Something is to be stored that is new, or that says something else than before.
    ToStore(Wanted),
    /// What is stored and cannot be read is to be changed in its metadata or status alone. It counts for as little as before,
    /// and refusing it would only keep its labels and finalizers from being changed.
    ToLeaveUnreadable {
        /// Which one.
        object: StoredObject,
        /// Why it cannot be read.
        why: String,
    },
    /// Nothing that could change what is said.
    Nothing,
}

/// A request that is refused, and what it is about, where that is known.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) object: Option<StoredObject>,
    pub(super) why: PolicyRefusal,
}

/// Where a request says that its object is.
struct Place<'a> {
    kind: PlaceKind,
    /// Nothing for what is of the cluster.
    namespace: Option<&'a str>,
    /// Empty if the request does not say.
    name: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PlaceKind {
    Policy(ApiGroup),
    Exemption,
}

/// An object that cannot be read.
struct Unread {
    object: Option<StoredObject>,
    kind: PlaceKind,
    fault: Fault,
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
        let unread = match place.read(object) {
            Ok(_) if is_same => return Ok(Self::Nothing),
            Ok(wanted) => return place.admit(wanted).map(Self::ToStore),
            Err(unread) => unread,
        };
        let was_unreadable = old.is_some_and(|old| place.read(old).is_err());
        match &unread.object {
            Some(object) if is_same && was_unreadable => Ok(Self::ToLeaveUnreadable {
                object: object.clone(),
                why: unread.fault.to_string(),
            }),
            _ => Err(unread.into()),
        }
    }
}

impl<'a> Place<'a> {
    fn of(review: &'a Review<'_>) -> Option<Self> {
        let resource = &review.resource;
        let api_version = format!("{}/{}", &*resource.group, &*resource.version);
        let group = ApiGroup::of_api_version(&api_version)?;
        let namespace = review.namespace.as_deref().filter(|name| !name.is_empty());
        let (kind, is_of_namespace) = match (&*resource.resource, group) {
            ("imagepolicies", group) => (PlaceKind::Policy(group), true),
            ("clusterimagepolicies", group) => (PlaceKind::Policy(group), false),
            ("imageexemptions", ApiGroup::V1Beta1) => (PlaceKind::Exemption, true),
            ("clusterimageexemptions", ApiGroup::V1Beta1) => (PlaceKind::Exemption, false),
            _ => return None,
        };
        (is_of_namespace == namespace.is_some()).then(|| Self {
            kind,
            namespace,
            name: review.name.as_deref().unwrap_or_default(),
        })
    }

    fn read(&self, object: &RawValue) -> Result<Wanted, Unread> {
        let (bytes, namespace) = (object.get().as_bytes(), self.namespace.unwrap_or_default());
        match self.kind {
            PlaceKind::Policy(_) => cise_policy::from_json(bytes, namespace)
                .map(Wanted::Policy)
                .map_err(|error| self.unread_policy(&error)),
            PlaceKind::Exemption => exemption::from_json(bytes, namespace)
                .map(Wanted::Exemption)
                .map_err(|error| self.unread_exemption(&error)),
        }
    }

    fn unread_policy(&self, error: &PolicyError) -> Unread {
        Unread {
            object: error.origin().cloned().map(StoredObject::Policy),
            kind: self.kind,
            fault: fault_of_policy(error),
        }
    }

    /// A document of which nothing could be read is called what the request calls it.
    fn unread_exemption(&self, error: &ExemptionError) -> Unread {
        let origin = match error {
            ExemptionError::Content { origin, .. } => Some(origin.clone()),
            _ => self.exemption(),
        };
        Unread {
            object: origin.map(StoredObject::Exemption),
            kind: self.kind,
            fault: fault_of_exemption(error),
        }
    }

    fn exemption(&self) -> Option<exemption::Origin> {
        let scope = match self.namespace {
            None => exemption::Scope::Cluster,
            Some(namespace) => exemption::Scope::Namespace(Namespace::parse(namespace).ok()?),
        };
        exemption::Origin::new(scope, self.name).ok()
    }

    /// The object must be the one that the request is about, and what it says must be able to hold there.
    fn admit(&self, wanted: Wanted) -> Result<Wanted, Refused> {
        let (is_here, unusable) = match &wanted {
            Wanted::Policy(policy) => (self.is_of(policy), unusable_rules(policy)),
            Wanted::Exemption(exemption) => {
                let overreaches = exemption.overreaches();
                (
                    self.has(exemption),
                    overreaches.then_some(PolicyRefusal::AccountScope),
                )
            }
        };
        let why = match unusable {
            _ if !is_here => PolicyRefusal::Elsewhere {
                object: wanted.object().to_string(),
            },
            Some(why) => why,
            None => return Ok(wanted),
        };
        Err(Refused {
            object: is_here.then(|| wanted.object()),
            why,
        })
    }

    fn is_of(&self, policy: &Policy) -> bool {
        let origin = policy.origin();
        let own = match origin.scope() {
            Scope::Cluster => None,
            Scope::Namespace(own) => Some(&**own),
        };
        own == self.namespace && PlaceKind::Policy(origin.group()) == self.kind
    }

    fn has(&self, exemption: &Exemption) -> bool {
        let own = match exemption.origin().scope() {
            exemption::Scope::Cluster => None,
            exemption::Scope::Namespace(own) => Some(own.as_str()),
        };
        own == self.namespace
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

impl From<Unread> for Refused {
    fn from(unread: Unread) -> Self {
        let field = String::from(unread.fault.path);
        let why = shown(&unread.fault.message, MAX_DETAIL).to_string();
        Self {
            object: unread.object,
            why: match unread.kind {
                PlaceKind::Policy(_) => PolicyRefusal::Unreadable { field, why },
                PlaceKind::Exemption => PolicyRefusal::ExemptionUnreadable { field, why },
            },
        }
    }
}

impl From<PolicyRefusal> for Refused {
    fn from(why: PolicyRefusal) -> Self {
        Self { object: None, why }
    }
}

/// What is wrong and where. Line and column are left out: they are those of a text that nobody has seen.
fn fault_of_policy(error: &PolicyError) -> Fault {
    let (path, message) = match error {
        PolicyError::Header(fault) | PolicyError::Content { fault, .. } => {
            (fault.path.clone(), fault.message.clone())
        }
        PolicyError::TooManyEntries { .. } => {
            ("spec.repositories".into(), error.to_string().into())
        }
        other => ("".into(), other.to_string().into()),
    };
    without_position(path, message)
}

fn fault_of_exemption(error: &ExemptionError) -> Fault {
    let (path, message) = match error {
        ExemptionError::Document(fault) | ExemptionError::Content { fault, .. } => {
            (fault.path.clone(), fault.message.clone())
        }
        other => ("".into(), other.to_string().into()),
    };
    without_position(path, message)
}

fn without_position(path: Box<str>, message: Box<str>) -> Fault {
    Fault {
        path,
        position: None,
        message,
    }
}
