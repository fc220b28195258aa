//! What is done in the cluster, and which reviews of it are kept.

use cise_testkit::recordings::Hook;

/// One command, and the reviews that it leads to.
pub(crate) struct Step {
    pub(crate) by: Person,
    /// The arguments of `kubectl`, with a space between them. What follows `-f` is one of the manifests.
    pub(crate) run: &'static str,
    pub(crate) ends: End,
    pub(crate) keep: &'static [Keep],
}

/// Who runs the command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Person {
    /// A developer.
    Alice,
    /// The kubelet of the node `n1`.
    Kubelet,
}

/// How the command ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The API server does what it was asked.
    Done,
    /// The API server refuses it, or cannot do it, after it has asked the webhook.
    Refused,
}

/// A review that is kept: the first that fits after the command was begun.
#[derive(Clone, Copy)]
pub(crate) struct Keep {
    /// The name of the recording.
    pub(crate) name: &'static str,
    pub(crate) hook: Hook,
    /// Operation and resource.
    pub(crate) asks: &'static str,
    /// How the name of the object begins.
    pub(crate) of: &'static str,
    /// The controller of this name asks, not the one who runs the command.
    pub(crate) controller: Option<&'static str>,
}

const fn alice(run: &'static str, keep: &'static [Keep]) -> Step {
    Step {
        by: Person::Alice,
        run,
        ends: End::Done,
        keep,
    }
}

const fn kubelet(run: &'static str, keep: &'static [Keep]) -> Step {
    Step {
        by: Person::Kubelet,
        run,
        ends: End::Done,
        keep,
    }
}

const fn refused(run: &'static str, keep: &'static [Keep]) -> Step {
    Step {
        by: Person::Alice,
        run,
        ends: End::Refused,
        keep,
    }
}

const fn mutating(name: &'static str, asks: &'static str, of: &'static str) -> Keep {
    Keep {
        name,
        hook: Hook::Mutating,
        asks,
        of,
        controller: None,
    }
}

const fn validating(name: &'static str, asks: &'static str, of: &'static str) -> Keep {
    Keep {
        name,
        hook: Hook::Validating,
        asks,
        of,
        controller: None,
    }
}

const fn policy(name: &'static str, asks: &'static str, of: &'static str) -> Keep {
    Keep {
        name,
        hook: Hook::Policies,
        asks,
        of,
        controller: None,
    }
}

const fn by(controller: &'static str, keep: Keep) -> Keep {
    Keep {
        controller: Some(controller),
        ..keep
    }
}

/// Everything, in its order.
pub(crate) const STEPS: &[&[Step]] = &[
    PODS,
    POD_UPDATES,
    POD_SUBRESOURCES,
    DEPLOYMENTS,
    REPLICAS,
    DAEMONS,
    JOBS,
    POLICIES,
    EXEMPTIONS,
];

#[rustfmt::skip]
const PODS: &[Step] = &[
    alice("create -f pod-one-image.yaml --dry-run=server", &[mutating("pod-create-dry-run", "CREATE pods", "one-image")]),
    alice("create -f pod-one-image.yaml", &[
        mutating("pod-create-one-image", "CREATE pods", "one-image"),
        validating("pod-create-one-image-validating", "CREATE pods", "one-image"),
    ]),
    alice("create -f pod-three-containers.yaml", &[
        mutating("pod-create-three-containers", "CREATE pods", "three-containers"),
        validating("pod-create-three-containers-validating", "CREATE pods", "three-containers"),
    ]),
    alice("apply -f pod-typical.yaml", &[mutating("pod-create-typical", "CREATE pods", "typical")]),
    alice("run short-name --image=nginx", &[mutating("pod-create-short-name", "CREATE pods", "short-name")]),
    alice("create -f pod-digest.yaml", &[mutating("pod-create-digest", "CREATE pods", "digest")]),
    alice("create -f pod-tag-and-digest.yaml", &[
        mutating("pod-create-tag-and-digest", "CREATE pods", "tag-and-digest"),
    ]),
    alice("create -f pod-many-registries.yaml", &[
        mutating("pod-create-many-registries", "CREATE pods", "many-registries"),
    ]),
    alice("create -f pod-init-containers.yaml", &[
        mutating("pod-create-init-containers", "CREATE pods", "init-containers"),
    ]),
    alice("create -f pod-image-volume.yaml", &[
        mutating("pod-create-image-volume", "CREATE pods", "image-volume"),
    ]),
    alice("create -f pod-pull-secrets.yaml", &[
        mutating("pod-create-pull-secrets", "CREATE pods", "pull-secrets"),
    ]),
    alice("create -f pod-service-account.yaml", &[
        mutating("pod-create-service-account", "CREATE pods", "service-account"),
    ]),
    alice("create -f pod-generate-name.yaml", &[
        mutating("pod-create-generate-name", "CREATE pods", "generated-"),
        validating("pod-create-generate-name-validating", "CREATE pods", "generated-"),
    ]),
    alice("create -f pod-invented-owner.yaml", &[
        mutating("pod-create-invented-owner", "CREATE pods", "invented-owner"),
    ]),
    alice("create -f pod-mirror-by-user.yaml", &[
        mutating("pod-create-mirror-by-user", "CREATE pods", "mirror-by-user"),
    ]),
    kubelet("create -f pod-mirror.yaml", &[
        mutating("pod-create-mirror", "CREATE pods", "mirror-n1"),
        validating("pod-create-mirror-validating", "CREATE pods", "mirror-n1"),
    ]),
    refused("create -f pod-image-empty.yaml", &[mutating("pod-create-image-empty", "CREATE pods", "image-empty")]),
    refused("create -f pod-image-missing.yaml", &[
        mutating("pod-create-image-missing", "CREATE pods", "image-missing"),
    ]),
];

#[rustfmt::skip]
const POD_UPDATES: &[Step] = &[
    alice("label pod one-image tier=web", &[
        mutating("pod-update-label", "UPDATE pods", "one-image"),
        validating("pod-update-label-validating", "UPDATE pods", "one-image"),
    ]),
    alice("set image pod/one-image app=registry.test/team/app:v2", &[
        mutating("pod-update-image", "UPDATE pods", "one-image"),
        validating("pod-update-image-validating", "UPDATE pods", "one-image"),
    ]),
    alice("set image pod/typical cache=registry.test/team/cache:v2", &[
        mutating("pod-update-image-typical", "UPDATE pods", "typical"),
    ]),
    alice(r#"patch pod one-image --type=merge -p {"metadata":{"finalizers":["example.com/hold"]}}"#, &[
        mutating("pod-update-finalizer-added", "UPDATE pods", "one-image"),
    ]),
    alice("create -f pod-finalizer.yaml", &[]),
    alice("delete pod finalizer --wait=false", &[mutating("pod-delete", "DELETE pods", "finalizer")]),
    alice("label pod finalizer tier=web", &[mutating("pod-update-terminating-label", "UPDATE pods", "finalizer")]),
    alice("set image pod/finalizer app=registry.test/team/app:v2", &[
        mutating("pod-update-terminating-image", "UPDATE pods", "finalizer"),
    ]),
    alice(r#"patch pod finalizer --type=merge -p {"metadata":{"finalizers":null}}"#, &[
        mutating("pod-update-terminating-finalizer-removed", "UPDATE pods", "finalizer"),
    ]),
];

#[rustfmt::skip]
const POD_SUBRESOURCES: &[Step] = &[
    alice("debug typical --image=registry.test/team/debug:v1 -c debugger --target=app --profile=general --attach=false", &[
        mutating("pod-ephemeralcontainers-update", "UPDATE pods/ephemeralcontainers", "typical"),
        validating("pod-ephemeralcontainers-update-validating", "UPDATE pods/ephemeralcontainers", "typical"),
    ]),
    alice("debug typical --image=registry.test/team/debug:v2 -c debugger-2 --target=app --profile=general --attach=false", &[
        mutating("pod-ephemeralcontainers-update-second", "UPDATE pods/ephemeralcontainers", "typical"),
    ]),
    alice("create -f pod-subresources.yaml", &[]),
    alice(r#"patch pod subresources --subresource=status --type=merge -p {"status":{"message":"waiting"}}"#, &[
        mutating("pod-status-update", "UPDATE pods/status", "subresources"),
    ]),
    alice(r#"patch pod subresources --subresource=resize -p {"spec":{"containers":[{"name":"app","resources":{"requests":{"cpu":"20m"}}}]}}"#, &[
        mutating("pod-resize-update", "UPDATE pods/resize", "subresources"),
    ]),
    refused("exec subresources -- true", &[
        mutating("pod-exec-connect", "CONNECT pods/exec", "subresources"),
        validating("pod-exec-connect-validating", "CONNECT pods/exec", "subresources"),
    ]),
    refused("attach subresources", &[mutating("pod-attach-connect", "CONNECT pods/attach", "subresources")]),
    alice("create --raw /api/v1/namespaces/team/pods/subresources/binding -f binding.json", &[
        mutating("pod-binding-create", "CREATE pods/binding", "subresources"),
    ]),
    alice("create --raw /api/v1/namespaces/team/pods/subresources/eviction -f eviction.json", &[
        mutating("pod-eviction-create", "CREATE pods/eviction", "subresources"),
    ]),
];

#[rustfmt::skip]
const DEPLOYMENTS: &[Step] = &[
    alice("create -f deployment.yaml --dry-run=server", &[
        mutating("deployment-create-dry-run", "CREATE deployments", "deployment"),
    ]),
    alice("create -f deployment.yaml", &[
        mutating("deployment-create", "CREATE deployments", "deployment"),
        validating("deployment-create-validating", "CREATE deployments", "deployment"),
        by("deployment-controller", mutating("replicaset-create-by-deployment", "CREATE replicasets", "deployment-")),
        by("replicaset-controller", mutating("pod-create-by-replicaset", "CREATE pods", "deployment-")),
        by("replicaset-controller", validating("pod-create-by-replicaset-validating", "CREATE pods", "deployment-")),
        by("deployment-controller", mutating("deployment-status-update", "UPDATE deployments/status", "deployment")),
    ]),
    alice("label deployment deployment tier=web", &[
        mutating("deployment-update-label", "UPDATE deployments", "deployment"),
    ]),
    alice("set image deployment/deployment app=registry.test/team/app:v2", &[
        mutating("deployment-update-image", "UPDATE deployments", "deployment"),
        validating("deployment-update-image-validating", "UPDATE deployments", "deployment"),
    ]),
    alice("scale deployment deployment --replicas=2", &[
        mutating("deployment-scale-update", "UPDATE deployments/scale", "deployment"),
    ]),
    alice("delete deployment deployment --wait=false", &[
        mutating("deployment-delete", "DELETE deployments", "deployment"),
    ]),
    alice("apply -f deployment-typical.yaml", &[
        mutating("deployment-create-typical", "CREATE deployments", "typical"),
    ]),
    alice("apply -f deployment-typical-scaled-down-other-image.yaml", &[
        mutating("deployment-update-scaled-down-other-image", "UPDATE deployments", "typical"),
    ]),
    refused("create -f deployment-image-empty.yaml", &[
        mutating("deployment-create-image-empty", "CREATE deployments", "image-empty"),
    ]),
];

#[rustfmt::skip]
const REPLICAS: &[Step] = &[
    alice("create -f replicaset.yaml", &[
        mutating("replicaset-create", "CREATE replicasets", "replicaset"),
        by("replicaset-controller", mutating("replicaset-status-update", "UPDATE replicasets/status", "replicaset")),
    ]),
    alice("set image replicaset/replicaset app=registry.test/team/app:v2", &[
        mutating("replicaset-update-image", "UPDATE replicasets", "replicaset"),
    ]),
    alice("scale replicaset replicaset --replicas=2", &[
        mutating("replicaset-scale-update", "UPDATE replicasets/scale", "replicaset"),
    ]),
    alice("create -f statefulset.yaml", &[
        mutating("statefulset-create", "CREATE statefulsets", "statefulset"),
        by("statefulset-controller", mutating("pod-create-by-statefulset", "CREATE pods", "statefulset-0")),
        by("statefulset-controller", mutating("statefulset-status-update", "UPDATE statefulsets/status", "statefulset")),
    ]),
    alice("set image statefulset/statefulset app=registry.test/team/app:v2", &[
        mutating("statefulset-update-image", "UPDATE statefulsets", "statefulset"),
    ]),
    alice("scale statefulset statefulset --replicas=2", &[
        mutating("statefulset-scale-update", "UPDATE statefulsets/scale", "statefulset"),
    ]),
    alice("create -f replicationcontroller.yaml", &[
        mutating("replicationcontroller-create", "CREATE replicationcontrollers", "replicationcontroller"),
        by("replication-controller", mutating("pod-create-by-replicationcontroller", "CREATE pods", "replicationcontroller-")),
        by("replication-controller", mutating(
            "replicationcontroller-status-update", "UPDATE replicationcontrollers/status", "replicationcontroller",
        )),
    ]),
    alice("set image replicationcontroller/replicationcontroller app=registry.test/team/app:v2", &[
        mutating("replicationcontroller-update-image", "UPDATE replicationcontrollers", "replicationcontroller"),
    ]),
    alice("scale replicationcontroller replicationcontroller --replicas=2", &[
        mutating("replicationcontroller-scale-update", "UPDATE replicationcontrollers/scale", "replicationcontroller"),
    ]),
    refused("create -f replicationcontroller-no-template.yaml", &[
        mutating("replicationcontroller-create-no-template", "CREATE replicationcontrollers", "no-template"),
    ]),
];

#[rustfmt::skip]
const DAEMONS: &[Step] = &[
    alice("create -f daemonset.yaml", &[
        mutating("daemonset-create", "CREATE daemonsets", "daemonset"),
        by("daemon-set-controller", mutating("pod-create-by-daemonset", "CREATE pods", "daemonset-")),
        by("daemon-set-controller", mutating("daemonset-status-update", "UPDATE daemonsets/status", "daemonset")),
    ]),
    alice("set image daemonset/daemonset app=registry.test/team/app:v2", &[
        mutating("daemonset-update-image", "UPDATE daemonsets", "daemonset"),
    ]),
];

#[rustfmt::skip]
const JOBS: &[Step] = &[
    alice("create -f job.yaml", &[
        mutating("job-create", "CREATE jobs", "job"),
        by("job-controller", mutating("pod-create-by-job", "CREATE pods", "job-")),
        by("job-controller", mutating("job-status-update", "UPDATE jobs/status", "job")),
    ]),
    alice("label job job tier=batch", &[mutating("job-update-label", "UPDATE jobs", "job")]),
    alice(r#"patch job job --type=merge -p {"spec":{"suspend":true}}"#, &[
        mutating("job-update-suspended", "UPDATE jobs", "job"),
    ]),
    alice("create -f cronjob.yaml", &[mutating("cronjob-create", "CREATE cronjobs", "cronjob")]),
    alice("set image cronjob/cronjob app=registry.test/team/app:v2", &[
        mutating("cronjob-update-image", "UPDATE cronjobs", "cronjob"),
    ]),
    alice(r#"patch cronjob cronjob --subresource=status --type=merge -p {"status":{"lastScheduleTime":"2026-01-01T03:00:00Z"}}"#, &[
        mutating("cronjob-status-update", "UPDATE cronjobs/status", "cronjob"),
    ]),
    alice("create job from-cronjob --from=cronjob/cronjob", &[
        mutating("job-create-from-cronjob", "CREATE jobs", "from-cronjob"),
    ]),
];

/// What happens to policies.
#[rustfmt::skip]
pub(crate) const POLICIES: &[Step] = &[
    alice("create -f policy.yaml --dry-run=server", &[policy("imagepolicy-create-dry-run", "CREATE imagepolicies", "web")]),
    alice("apply -f policy.yaml", &[policy("imagepolicy-create", "CREATE imagepolicies", "web")]),
    alice("label imagepolicies.securityenforcement.admission.cloud.ibm.com web tier=web", &[
        policy("imagepolicy-update-label", "UPDATE imagepolicies", "web"),
    ]),
    alice("apply -f policy-stricter.yaml", &[policy("imagepolicy-update", "UPDATE imagepolicies", "web")]),
    alice("delete imagepolicies.securityenforcement.admission.cloud.ibm.com web", &[
        policy("imagepolicy-delete", "DELETE imagepolicies", "web"),
    ]),
    alice("create -f policy-generate-name.yaml", &[
        policy("imagepolicy-create-generate-name", "CREATE imagepolicies", "generated-"),
    ]),
    alice("create --validate=false -f policy-misspelt.yaml", &[
        policy("imagepolicy-create-misspelt", "CREATE imagepolicies", "misspelt"),
    ]),
    alice("create --validate=false -f policy-misplaced.yaml", &[
        policy("imagepolicy-create-misplaced", "CREATE imagepolicies", "misplaced"),
    ]),
    alice("delete imagepolicies.securityenforcement.admission.cloud.ibm.com misspelt --wait=false", &[]),
    alice(r#"patch imagepolicies.securityenforcement.admission.cloud.ibm.com misspelt --type=merge -p {"metadata":{"finalizers":null}}"#, &[
        policy("imagepolicy-update-misspelt-finalizer-removed", "UPDATE imagepolicies", "misspelt"),
    ]),
    alice("create -f cluster-policy.yaml", &[policy("clusterimagepolicy-create", "CREATE clusterimagepolicies", "cluster")]),
    alice(r#"patch clusterimagepolicies.securityenforcement.admission.cloud.ibm.com cluster --type=merge -p {"spec":{"repositories":[]}}"#, &[
        policy("clusterimagepolicy-update", "UPDATE clusterimagepolicies", "cluster"),
    ]),
    alice("create -f policy-portieris.yaml", &[
        policy("imagepolicy-create-portieris", "CREATE imagepolicies", "successor"),
    ]),
    alice("create -f cluster-policy-portieris.yaml", &[
        policy("clusterimagepolicy-create-portieris", "CREATE clusterimagepolicies", "successor"),
    ]),
];

/// What happens to exemptions.
#[rustfmt::skip]
pub(crate) const EXEMPTIONS: &[Step] = &[
    alice("create -f exemption.yaml --dry-run=server", &[
        policy("imageexemption-create-dry-run", "CREATE imageexemptions", "reviewed"),
    ]),
    alice("apply -f exemption.yaml", &[policy("imageexemption-create", "CREATE imageexemptions", "reviewed")]),
    alice("label imageexemption reviewed tier=web", &[
        policy("imageexemption-update-label", "UPDATE imageexemptions", "reviewed"),
    ]),
    alice("apply -f exemption-longer.yaml", &[policy("imageexemption-update", "UPDATE imageexemptions", "reviewed")]),
    alice("delete imageexemption reviewed", &[policy("imageexemption-delete", "DELETE imageexemptions", "reviewed")]),
    alice("create --validate=false -f exemption-misspelt.yaml", &[
        policy("imageexemption-create-misspelt", "CREATE imageexemptions", "misspelt"),
    ]),
    alice("delete imageexemption misspelt --wait=false", &[]),
    alice(r#"patch imageexemption misspelt --type=merge -p {"metadata":{"finalizers":null}}"#, &[
        policy("imageexemption-update-misspelt-finalizer-removed", "UPDATE imageexemptions", "misspelt"),
    ]),
    alice("create --validate=false -f exemption-misplaced.yaml", &[
        policy("imageexemption-create-misplaced", "CREATE imageexemptions", "misplaced"),
    ]),
    alice("create -f exemption-of-account.yaml", &[
        policy("imageexemption-create-of-account", "CREATE imageexemptions", "of-account"),
    ]),
    alice("create -f cluster-exemption.yaml", &[
        policy("clusterimageexemption-create", "CREATE clusterimageexemptions", "notice"),
    ]),
];
