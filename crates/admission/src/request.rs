//! What is judged: somebody wants an object with these images in a namespace.

use cise_signature::SideEffects;

use crate::image_at::{ImageAt, List};
use crate::kind::{self, Kind, Reach};
use crate::review::{Operation, Review, UserInfo};
use crate::text::{Text, shown};
use crate::workload::{Workload, WorkloadError};

/// An object that somebody wants to create or change.
#[derive(Debug)]
pub struct Request<'a> {
    namespace: Text<'a>,
    workload: Workload<'a>,
    old_images: Vec<ImageAt<'a>>,
    mirror: Option<Text<'a>>,
    side_effects: SideEffects,
}

/// What a review asks for.
#[derive(Debug)]
pub enum Asked<'a> {
    /// The images of an object have to be judged.
    Judgement(Box<Request<'a>>),
    /// The request cannot bring or change an image.
    Nothing,
}

/// Why a request is refused before any of its images is looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The resource, or its subresource, is none that this program knows.
    #[error("{operation} of {resource} is unknown: nobody has said which images it names")]
    Unknown {
        /// What is done.
        operation: Operation,
        /// Group, version, resource and subresource.
        resource: String,
    },
    /// The kind of the object does not belong to the resource.
    #[error("the request is for {resource}, its object is of kind {kind}")]
    OtherKind {
        /// Resource of the request.
        resource: String,
        /// Kind in the request.
        kind: String,
    },
    /// Objects of these kinds live in namespaces.
    #[error("the request for a {} names no namespace", .kind.as_str())]
    NoNamespace {
        /// Kind of the object.
        kind: Kind,
    },
    /// The object says that it belongs elsewhere.
    #[error("the request is for namespace {request}, its object is of namespace {object}")]
    OtherNamespace {
        /// Namespace of the request.
        request: String,
        /// Namespace in the object.
        object: String,
    },
    /// There is nothing to judge.
    #[error("the request for a {} carries no object", .kind.as_str())]
    NoObject {
        /// Kind of the object.
        kind: Kind,
    },
    /// The object cannot be judged.
    #[error("object: {0}")]
    Object(#[source] WorkloadError),
    /// The object's former state cannot be read.
    #[error("oldObject: {0}")]
    OldObject(#[source] WorkloadError),
}

impl<'a> Asked<'a> {
    /// Finds out what a review asks for.
    pub fn by(review: &Review<'a>) -> Result<Self, RequestError> {
        let resource = &review.resource;
        let subresource = review.sub_resource.as_deref().unwrap_or_default();
        match (
            kind::reach(
                &resource.group,
                &resource.version,
                &resource.resource,
                subresource,
            ),
            review.operation,
        ) {
            (Some(Reach::Images(kind)), Operation::Create | Operation::Update) => {
                Request::of_review(kind, review).map(|request| Self::Judgement(Box::new(request)))
            }
            // A deletion starts nothing, and refusing it would only keep what is unwanted.
            (Some(Reach::NoImages), _) | (Some(Reach::Images(_)), Operation::Delete) => {
                Ok(Self::Nothing)
            }
            _ => Err(RequestError::Unknown {
                operation: review.operation,
                resource: resource_path(review),
            }),
        }
    }
}

impl<'a> Request<'a> {
    /// The creation of this object (in JSON) in a namespace, without side effects.
    pub fn create(kind: Kind, namespace: &'a str, object: &'a str) -> Result<Self, RequestError> {
        let workload = Workload::read(kind, object).map_err(RequestError::Object)?;
        Self {
            mirror: None,
            ..Self::new(namespace.into(), workload)
        }
        .in_its_namespace()
    }

    /// A pod in a namespace that would run these images, without side effects.
    pub fn of_images(namespace: &'a str, images: impl IntoIterator<Item = &'a str>) -> Self {
        let place = |(index, image): (usize, &'a str)| ImageAt {
            list: List::Containers,
            index,
            name: Text::default(),
            image: Some(image.into()),
        };
        let images = images.into_iter().enumerate().map(place).collect();
        Self::new(namespace.into(), Workload::of_images(images))
    }

    /// The same, whose images are pulled with these secrets, or else with those of this service account.
    #[must_use]
    pub(crate) fn pulling_with(
        mut self,
        secrets: impl Iterator<Item = &'a str>,
        service_account: Option<&'a str>,
    ) -> Self {
        self.workload.pull_secrets = secrets.map(Text::from).collect();
        self.workload.service_account = service_account.map(Text::from);
        self
    }

    /// Lets the judging of this request leave traces, such as a pinned trust root.
    #[must_use]
    pub fn with_side_effects(self) -> Self {
        Self {
            side_effects: SideEffects::Allowed,
            ..self
        }
    }

    /// The namespace that the object is, or will be, in.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The object.
    pub fn workload(&self) -> &Workload<'a> {
        &self.workload
    }

    /// The node that runs this pod already, if the request comes from that very node.
    pub(crate) fn mirror_of(&self) -> Option<&str> {
        self.mirror.as_deref()
    }

    pub(crate) fn side_effects(&self) -> SideEffects {
        self.side_effects
    }

    /// Whether the object had this image at the same place before.
    pub(crate) fn had(&self, image: &ImageAt<'_>) -> bool {
        self.old_images
            .iter()
            .any(|old| image.is_unchanged_from(old))
    }

    fn new(namespace: Text<'a>, workload: Workload<'a>) -> Self {
        Self {
            namespace,
            workload,
            old_images: Vec::new(),
            mirror: None,
            side_effects: SideEffects::Forbidden,
        }
    }

    fn of_review(kind: Kind, review: &Review<'a>) -> Result<Self, RequestError> {
        check_kind(kind, review)?;
        let namespace = review
            .namespace
            .clone()
            .filter(|namespace| !namespace.is_empty());
        let namespace = namespace.ok_or(RequestError::NoNamespace { kind })?;
        let object = review.object.ok_or(RequestError::NoObject { kind })?;
        let workload = Workload::read(kind, object.get()).map_err(RequestError::Object)?;
        let mirror = mirror_node(review, &workload);
        let request = Self {
            old_images: old_images(kind, review)?,
            mirror,
            ..Self::new(namespace, workload)
        };
        let request = request.in_its_namespace()?;
        Ok(match review.side_effects() {
            SideEffects::Forbidden => request,
            SideEffects::Allowed => request.with_side_effects(),
        })
    }

    fn in_its_namespace(self) -> Result<Self, RequestError> {
        match &self.workload.namespace {
            Some(object) if *object != self.namespace => Err(RequestError::OtherNamespace {
                request: shown(&self.namespace, 80).to_string(),
                object: shown(object, 80).to_string(),
            }),
            _ => Ok(self),
        }
    }
}

/// Pods are read from where the kind keeps them, so the kind must be that of the resource.
fn check_kind(kind: Kind, review: &Review<'_>) -> Result<(), RequestError> {
    let named = &review.kind;
    if Kind::find(&named.group, &named.version, &named.kind) == Some(kind) {
        return Ok(());
    }
    let named = format!("{}/{} {}", &*named.group, &*named.version, &*named.kind);
    Err(RequestError::OtherKind {
        resource: resource_path(review),
        kind: shown(&named, 100).to_string(),
    })
}

/// Only an update has a former state that counts: whatever else carries one is judged as if it were new.
fn old_images<'a>(kind: Kind, review: &Review<'a>) -> Result<Vec<ImageAt<'a>>, RequestError> {
    match (review.operation, review.old_object) {
        (Operation::Update, Some(old)) => Workload::read(kind, old.get())
            .map(|old| old.images)
            .map_err(RequestError::OldObject),
        _ => Ok(Vec::new()),
    }
}

/// The node whose kubelet reports a pod that it runs already. Anyone may set the annotation that says so; only the node
/// itself is believed.
fn mirror_node<'a>(review: &Review<'a>, workload: &Workload<'a>) -> Option<Text<'a>> {
    let node = &workload.mirror_of.as_ref()?.node;
    let is_new = review.operation == Operation::Create
        && review
            .sub_resource
            .as_deref()
            .unwrap_or_default()
            .is_empty();
    (is_new && !node.is_empty() && review.user_info.is_node(node)).then(|| node.clone())
}

impl UserInfo<'_> {
    fn is_node(&self, node: &str) -> bool {
        self.username.strip_prefix("system:node:") == Some(node)
            && self
                .groups
                .iter()
                .flatten()
                .any(|group| &**group == "system:nodes")
    }
}

pub(crate) fn resource_path(review: &Review<'_>) -> String {
    let resource = &review.resource;
    let mut path = format!(
        "{}/{} {}",
        &*resource.group, &*resource.version, &*resource.resource
    );
    if let Some(subresource) = review
        .sub_resource
        .as_deref()
        .filter(|subresource| !subresource.is_empty())
    {
        path.push('/');
        path.push_str(subresource);
    }
    shown(path.trim_start_matches('/'), 120).to_string()
}
