//! A control plane with the definitions of policies, and this program as a user who may do what its role says.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use cise_kubernetes::{Access, Cluster, definitions, exemption_definitions};
use cise_policy::ApiGroup;
use cise_testkit::controlplane::{ControlPlane, Kubectl, User};

/// The namespace of the program itself.
pub(crate) const HOME: &str = "ibm-system";

/// How long something may take that comes by itself. Far more than it does: a busy machine is not a failed test.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the program may do. Everything that it asks for in these tests is allowed by this, and by nothing else.
const ROLES: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: cise}
rules:
- apiGroups: [securityenforcement.admission.cloud.ibm.com, portieris.cloud.ibm.com]
  resources: [imagepolicies, clusterimagepolicies]
  verbs: [list, watch]
- apiGroups: [securityenforcement.admission.cloud.ibm.com]
  resources: [imageexemptions, clusterimageexemptions]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [nodes]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
- apiGroups: [""]
  resources: [secrets, serviceaccounts]
  verbs: [get]
- apiGroups: [admissionregistration.k8s.io]
  resources: [mutatingwebhookconfigurations, validatingwebhookconfigurations]
  resourceNames: [image-admission-config]
  verbs: [get, patch]
- apiGroups: [securityenforcement.admission.cloud.ibm.com]
  resources: [clusterimagepolicies]
  verbs: [create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: cise}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cise}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: cise}]
---
apiVersion: v1
kind: Namespace
metadata: {name: ibm-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: cise, namespace: ibm-system}
rules:
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, create, update, delete]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, create, update]
- apiGroups: [""]
  resources: [secrets]
  verbs: [create, update]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list]
- apiGroups: [securityenforcement.admission.cloud.ibm.com]
  resources: [imagepolicies]
  verbs: [create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: cise, namespace: ibm-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: cise}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: cise}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: cise, namespace: kube-system}
rules:
- apiGroups: [securityenforcement.admission.cloud.ibm.com]
  resources: [imagepolicies]
  verbs: [create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: cise, namespace: kube-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: cise}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: cise}]
"#;

/// A control plane that tests share while they run at the same time. Each keeps to namespaces of its own.
pub(crate) struct Environment {
    plane: ControlPlane,
    admin: Kubectl,
    own: Kubectl,
}

impl Environment {
    /// The shared one, with the definitions of the first API group; `None` where no control plane can be had.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<Environment>> = Mutex::new(Weak::new());
        if !ControlPlane::require() {
            return None;
        }
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Some(running);
        }
        let fresh = Arc::new(Self::start());
        fresh.define(ApiGroup::V1Beta1);
        *shared = Arc::downgrade(&fresh);
        Some(fresh)
    }

    /// One for a test that wants the cluster for itself, without any definition.
    pub(crate) fn bare() -> Option<Self> {
        ControlPlane::require().then(Self::start)
    }

    fn start() -> Self {
        let plane = ControlPlane::start().unwrap();
        let admin = plane.kubectl(&User::admin()).unwrap();
        let own = plane.kubectl(&User::new("cise", "programs")).unwrap();
        admin.run_with(&["apply", "-f", "-"], ROLES).unwrap();
        Self { plane, admin, own }
    }

    /// Defines the policies of a group; exemptions are of the first.
    pub(crate) fn define(&self, group: ApiGroup) {
        let exemptions = match group {
            ApiGroup::V1Beta1 => exemption_definitions().to_vec(),
            ApiGroup::PortierisV1 => Vec::new(),
        };
        for definition in definitions(group).into_iter().chain(exemptions) {
            self.apply(&definition.to_string());
            let name = definition["metadata"]["name"].as_str().unwrap();
            let wait = [
                "wait",
                "--for=condition=Established",
                "--timeout=60s",
                "crd",
                name,
            ];
            self.admin.run(&wait).unwrap();
        }
    }

    pub(crate) fn namespace(&self, name: &str) {
        self.kubectl(&["create", "namespace", name]);
    }

    pub(crate) fn apply(&self, manifest: &str) {
        self.admin
            .run_with(&["apply", "-f", "-"], manifest)
            .unwrap();
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        self.admin
            .run(arguments)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// What `kubectl` says of this manifest, for good or for ill.
    pub(crate) fn try_kubectl(&self, arguments: &[&str], manifest: &str) -> Result<String, String> {
        let done = self.admin.run_with(arguments, manifest);
        done.map_err(|error| error.to_string())
    }

    pub(crate) fn plane(&self) -> &ControlPlane {
        &self.plane
    }

    pub(crate) fn admin(&self) -> &Kubectl {
        &self.admin
    }

    /// The kubeconfig of the program.
    pub(crate) fn own(&self) -> &Kubectl {
        &self.own
    }

    /// The cluster, as the program sees it.
    pub(crate) async fn cluster(&self) -> Cluster {
        let access = Access::Kubeconfig(self.own.kubeconfig().to_owned());
        Cluster::connect(&access, Some(HOME)).await.unwrap()
    }
}

/// Waits until it holds.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it never came that {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
