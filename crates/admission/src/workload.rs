//! Which images an object names, where in it, and with which credentials its pods would pull them.

use serde::Deserialize;

use crate::image_at::ImageAt;
use crate::json::{self, JsonError, Map};
use crate::kind::Kind;
use crate::pod::{PodMetadata, PodSpec};
use crate::text::{Text, shown};

/// The most images that one object may name. No pod that a kubelet would start comes near it.
pub const MAX_IMAGES: usize = 1000;

/// What of an object matters for its images.
#[derive(Debug)]
pub struct Workload<'a> {
    /// Kind of the object.
    pub kind: Kind,
    /// Namespace that the object itself names.
    pub namespace: Option<Text<'a>>,
    /// Every place of the object that names an image, or should.
    pub images: Vec<ImageAt<'a>>,
    /// Names of the secrets that the pod pulls with.
    pub pull_secrets: Vec<Text<'a>>,
    /// Name of the pod's service account.
    pub service_account: Option<Text<'a>>,
    /// The node that claims to run the pod already, if this is a mirror pod.
    pub mirror_of: Option<Mirror<'a>>,
}

/// A pod that says that a kubelet runs it already, from a file on its node.
#[derive(Clone, Debug)]
pub struct Mirror<'a> {
    /// The node that the pod is bound to.
    pub node: Text<'a>,
}

/// Why an object could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkloadError {
    /// A field has another type than the API gives it.
    #[error("the {} cannot be read: {error}", .kind.as_str())]
    Malformed {
        /// Kind of the object.
        kind: Kind,
        /// The field, and what is wrong with it.
        error: JsonError,
    },
    /// The object says that it is of another kind than the request.
    #[error("the request is for {}, its object is {found}", .kind.as_str())]
    OtherKind {
        /// Kind that the request names.
        kind: Kind,
        /// Version and kind that the object names.
        found: String,
    },
    /// The object names more than [`MAX_IMAGES`] images.
    #[error("the {} names {count} images; at most {MAX_IMAGES} are judged", .kind.as_str())]
    TooMany {
        /// Kind of the object.
        kind: Kind,
        /// How many images the object names.
        count: usize,
    },
}

impl<'a> Workload<'a> {
    /// Reads an object of this kind.
    pub fn read(kind: Kind, object: &'a str) -> Result<Self, WorkloadError> {
        let parts = match kind {
            Kind::Pod => Parts::read(object, |spec| Some(Map(spec))),
            Kind::CronJob => Parts::read(object, CronJobSpec::pod_spec),
            _ => Parts::read(object, TemplateSpec::pod_spec),
        }
        .map_err(|error| WorkloadError::Malformed { kind, error })?;
        parts.check_kind(kind)?;
        parts.into_workload(kind)
    }

    /// A pod of which nothing is known but its images.
    pub(crate) fn of_images(images: Vec<ImageAt<'a>>) -> Self {
        Self {
            kind: Kind::Pod,
            namespace: None,
            images,
            pull_secrets: Vec::new(),
            service_account: None,
            mirror_of: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a, S> {
    #[serde(borrow, default)]
    api_version: Option<Text<'a>>,
    #[serde(borrow, default)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    metadata: Map<PodMetadata<'a>>,
    spec: Option<Map<S>>,
}

#[derive(Deserialize)]
struct TemplateSpec<'a> {
    // A ReplicationController may go without.
    #[serde(borrow, default)]
    template: Option<Map<Template<'a>>>,
}

#[derive(Deserialize)]
struct Template<'a> {
    #[serde(borrow, default)]
    spec: Option<Map<PodSpec<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CronJobSpec<'a> {
    #[serde(borrow, default)]
    job_template: Option<Map<JobTemplate<'a>>>,
}

#[derive(Deserialize)]
struct JobTemplate<'a> {
    #[serde(borrow, default)]
    spec: Option<Map<TemplateSpec<'a>>>,
}

/// An object with the way to its pod specification behind it.
struct Parts<'a> {
    api_version: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    metadata: PodMetadata<'a>,
    spec: PodSpec<'a>,
}

impl<'a> TemplateSpec<'a> {
    fn pod_spec(self) -> Option<Map<PodSpec<'a>>> {
        self.template?.0.spec
    }
}

impl<'a> CronJobSpec<'a> {
    fn pod_spec(self) -> Option<Map<PodSpec<'a>>> {
        self.job_template?.0.spec?.0.pod_spec()
    }
}

impl<'a> Parts<'a> {
    fn read<S: Deserialize<'a>>(
        object: &'a str,
        pod_spec: impl FnOnce(S) -> Option<Map<PodSpec<'a>>>,
    ) -> Result<Self, JsonError> {
        let object: Object<'a, S> = json::read(object.as_bytes())?;
        let spec = object.spec.and_then(|Map(spec)| pod_spec(spec));
        Ok(Self {
            api_version: object.api_version,
            kind: object.kind,
            metadata: object.metadata.0,
            spec: spec.unwrap_or_default().0,
        })
    }

    /// The images are read where the request's kind keeps them, so an object of another kind would go unread.
    fn check_kind(&self, kind: Kind) -> Result<(), WorkloadError> {
        let (Some(version), Some(name)) = (&self.api_version, &self.kind) else {
            return Ok(());
        };
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        if Kind::find(group, version, name) == Some(kind) {
            return Ok(());
        }
        let found = format!("{group}/{version} {}", &**name);
        let found = shown(found.trim_start_matches('/'), 100).to_string();
        Err(WorkloadError::OtherKind { kind, found })
    }

    fn into_workload(self, kind: Kind) -> Result<Workload<'a>, WorkloadError> {
        let Self { metadata, spec, .. } = self;
        let count = spec.count_images();
        if count > MAX_IMAGES {
            return Err(WorkloadError::TooMany { kind, count });
        }
        let is_mirror = kind == Kind::Pod && metadata.is_mirror();
        Ok(Workload {
            kind,
            namespace: metadata.namespace(),
            mirror_of: is_mirror.then(|| Mirror { node: spec.node() }),
            service_account: spec.service_account(),
            pull_secrets: spec.pull_secrets(),
            images: spec.into_images(),
        })
    }
}
