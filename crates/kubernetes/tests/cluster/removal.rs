//! What is left when the program is removed.

use cise_kubernetes::{Access, Cluster, remove_state, remove_webhooks};

use crate::environment::{Environment, HOME};

const MADE: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: image-admission-config}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: image-admission-config}
---
apiVersion: v1
kind: Secret
metadata: {name: cise-certificates, namespace: ibm-system}
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: cise, namespace: ibm-system}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cise-defaults, namespace: ibm-system}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cise-trust-0, namespace: ibm-system, labels: {securityenforcement.admission.cloud.ibm.com/record: trust}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cise-admitted-team, namespace: ibm-system, labels: {securityenforcement.admission.cloud.ibm.com/record: admissions}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: somebody-elses, namespace: ibm-system}
";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_but_what_others_have_made() {
    let Some(environment) = Environment::bare() else {
        return;
    };
    environment.apply(MADE);
    let access = Access::Kubeconfig(environment.admin().kubeconfig().to_owned());
    let cluster = Cluster::connect(&access, Some(HOME)).await.unwrap();
    // The second time, there is nothing to remove, which is what was wanted.
    for _ in 0..2 {
        remove_webhooks(&cluster).await.unwrap();
        remove_state(&cluster, "cise-certificates", "cise")
            .await
            .unwrap();
    }
    let configurations = "mutatingwebhookconfigurations,validatingwebhookconfigurations";
    assert_eq!(
        environment.kubectl(&["get", configurations, "-o", "name"]),
        ""
    );
    let left = environment.kubectl(&["-n", HOME, "get", "secrets,leases,configmaps", "-o", "name"]);
    assert_eq!(left, "configmap/kube-root-ca.crt\nconfigmap/somebody-elses");
}
