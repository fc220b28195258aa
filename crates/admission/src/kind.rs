//! The kinds of objects that name images, and the subresources under which they come.

/// A kind whose objects name images: pods, and everything that carries a template of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "the names are those of the Kubernetes API, which defines them"
)]
pub enum Kind {
    Pod,
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    ReplicationController,
    Job,
    CronJob,
}

/// What a request asks of an object, as far as its images are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The request carries the object itself, so it may bring images.
    Images(Kind),
    /// The request cannot change an image.
    NoImages,
}

/// Group, version and resource of every kind, with the subresources that carry no image or cannot change one.
///
/// `resize` and `ephemeralcontainers` carry the whole pod and are judged like an update of it.
const TABLE: [Row; 8] = [
    Row {
        kind: Kind::Pod,
        group: "",
        resource: "pods",
        imageless: POD_IMAGELESS,
    },
    Row {
        kind: Kind::Deployment,
        group: "apps",
        resource: "deployments",
        imageless: &["status", "scale"],
    },
    Row {
        kind: Kind::ReplicaSet,
        group: "apps",
        resource: "replicasets",
        imageless: &["status", "scale"],
    },
    Row {
        kind: Kind::StatefulSet,
        group: "apps",
        resource: "statefulsets",
        imageless: &["status", "scale"],
    },
    Row {
        kind: Kind::DaemonSet,
        group: "apps",
        resource: "daemonsets",
        imageless: &["status"],
    },
    Row {
        kind: Kind::ReplicationController,
        group: "",
        resource: "replicationcontrollers",
        imageless: &["status", "scale"],
    },
    Row {
        kind: Kind::Job,
        group: "batch",
        resource: "jobs",
        imageless: &["status"],
    },
    Row {
        kind: Kind::CronJob,
        group: "batch",
        resource: "cronjobs",
        imageless: &["status"],
    },
];

const POD_IMAGELESS: &[&str] = &[
    "status",
    "binding",
    "eviction",
    "exec",
    "attach",
    "portforward",
    "proxy",
    "log",
];

/// The only version that Kubernetes serves of any of these groups since 1.25.
const VERSION: &str = "v1";

struct Row {
    kind: Kind,
    group: &'static str,
    resource: &'static str,
    imageless: &'static [&'static str],
}

impl Kind {
    /// The kind with this group, version and name, if its objects name images.
    pub fn find(group: &str, version: &str, kind: &str) -> Option<Self> {
        TABLE
            .iter()
            .find(|row| row.group == group && version == VERSION && row.kind.as_str() == kind)
            .map(|row| row.kind)
    }

    /// The kind as the Kubernetes API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::Deployment => "Deployment",
            Self::ReplicaSet => "ReplicaSet",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::ReplicationController => "ReplicationController",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
        }
    }

    /// The JSON pointer of the pod specification inside an object of this kind.
    ///
    /// It consists of known names only, so nothing in it needs the escapes of RFC 6901.
    pub(crate) fn pod_spec_pointer(self) -> &'static str {
        match self {
            Self::Pod => "/spec",
            Self::CronJob => "/spec/jobTemplate/spec/template/spec",
            _ => "/spec/template/spec",
        }
    }
}

/// What a request on this resource and subresource means for images, or nothing if the pair is unknown.
pub(crate) fn reach(
    group: &str,
    version: &str,
    resource: &str,
    subresource: &str,
) -> Option<Reach> {
    let row = TABLE
        .iter()
        .find(|row| row.group == group && row.resource == resource && version == VERSION)?;
    match subresource {
        "" => Some(Reach::Images(row.kind)),
        "ephemeralcontainers" | "resize" if row.kind == Kind::Pod => Some(Reach::Images(row.kind)),
        other => row.imageless.contains(&other).then_some(Reach::NoImages),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_resource_and_subresource_is_judged_untouched_or_unknown() {
        use Reach::{Images, NoImages};
        for (group, version, resource, subresource, expected) in [
            ("", "v1", "pods", "", Some(Images(Kind::Pod))),
            (
                "",
                "v1",
                "pods",
                "ephemeralcontainers",
                Some(Images(Kind::Pod)),
            ),
            ("", "v1", "pods", "resize", Some(Images(Kind::Pod))),
            ("", "v1", "pods", "status", Some(NoImages)),
            ("", "v1", "pods", "binding", Some(NoImages)),
            ("", "v1", "pods", "eviction", Some(NoImages)),
            ("", "v1", "pods", "exec", Some(NoImages)),
            ("", "v1", "pods", "scale", None),
            ("", "v1", "pods", "somethingnew", None),
            ("", "v2", "pods", "", None),
            ("apps", "v1", "pods", "", None),
            (
                "apps",
                "v1",
                "deployments",
                "",
                Some(Images(Kind::Deployment)),
            ),
            ("apps", "v1", "deployments", "scale", Some(NoImages)),
            ("apps", "v1", "deployments", "ephemeralcontainers", None),
            ("apps", "v1beta1", "deployments", "", None),
            ("extensions", "v1beta1", "deployments", "", None),
            ("apps", "v1", "daemonsets", "scale", None),
            ("batch", "v1", "cronjobs", "", Some(Images(Kind::CronJob))),
            ("batch", "v1beta1", "cronjobs", "", None),
            ("", "v1", "configmaps", "", None),
        ] {
            assert_eq!(
                reach(group, version, resource, subresource),
                expected,
                "{group}/{version} {resource}/{subresource}"
            );
        }
    }

    #[test]
    fn a_kind_is_found_in_its_own_group_only() {
        assert_eq!(
            Kind::find("apps", "v1", "Deployment"),
            Some(Kind::Deployment)
        );
        assert_eq!(
            Kind::find("", "v1", "ReplicationController"),
            Some(Kind::ReplicationController)
        );
        for (group, version, kind) in [
            ("example.com", "v1", "Deployment"),
            ("", "v1", "Deployment"),
            ("", "v1", "pod"),
            ("apps", "v2", "ReplicaSet"),
        ] {
            assert_eq!(
                Kind::find(group, version, kind),
                None,
                "{group}/{version} {kind}"
            );
        }
    }
}
