//! "Removing Container Image Security Enforcement".

use cise_testkit::cise::HOME;
use cise_testkit::comes_true;

use crate::access::KEEPER;
use crate::reader::{FOREIGN, GROUP, Reader};

/// What every namespace has, whoever uses it.
const OF_EVERY_NAMESPACE: [&str; 2] = ["configmap/kube-root-ca.crt", "serviceaccount/default"];

/// What could be left in a namespace, and in the cluster.
const NAMESPACED: &str = "all,configmaps,secrets,serviceaccounts,roles,rolebindings,leases,poddisruptionbudgets,networkpolicies,jobs";
const ELSEWHERE: &str = "clusterroles,clusterrolebindings,mutatingwebhookconfigurations,validatingwebhookconfigurations";

/// Step 1.
pub(crate) fn without_its_webhooks_nothing_is_enforced(reader: &Reader) {
    for kind in [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ] {
        reader.runs(&format!(
            "kubectl delete --ignore-not-found=true {kind} image-admission-config"
        ));
    }
    reader.is_allowed("default", &[FOREIGN]);
    reader.is_allowed("team", &[&reader.stage.image("web:2.0")]);
}

/// Step 2. The flag for Helm 2 is refused by the versions of Helm that there are.
pub(crate) fn nothing_is_left_but_definitions_and_policies(reader: &Reader) {
    let notes = reader.runs("helm get notes cise");
    let said = reader.fails("helm delete --purge cise");
    assert!(said.contains("unknown flag: --purge"), "{said}");
    reader.runs("helm delete cise");
    let left = || {
        let all = reader.runs(&format!("kubectl -n {HOME} get {NAMESPACED} -o name"));
        let of_chart = "-l app.kubernetes.io/instance=cise -o name";
        let others = reader.runs(&format!("kubectl get {ELSEWHERE} {of_chart}"));
        let left = all
            .lines()
            .chain(others.lines())
            .filter(|line| line.contains('/'));
        left.filter(|line| !OF_EVERY_NAMESPACE.contains(line))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(comes_true(|| left().is_empty()), "{:?}", left());
    let policies =
        reader.runs("kubectl get imagepolicies,clusterimagepolicies --all-namespaces -o name");
    for name in ["imagepolicy", "clusterimagepolicy"] {
        assert!(
            policies.contains(&format!("{name}.{GROUP}/ibmcloud-")),
            "{policies}"
        );
    }
    reader.runs(&format!("kubectl -n team run again --image={FOREIGN}"));
    reader.runs("kubectl -n team wait --for=condition=Ready pod/again --timeout=60s");
    let delete = "kubectl delete --ignore-not-found=true CustomResourceDefinition ";
    assert!(notes.contains(delete), "{notes}");
}

/// "Users who have access to delete custom resource definitions (CRDs) can delete the resource definition for security
/// policies, which also deletes your security policies."
pub(crate) fn who_may_delete_definitions_deletes_the_policies_with_them(reader: &Reader) {
    let keeper = reader.asks_as(KEEPER);
    for kind in ["imagepolicies", "clusterimagepolicies"] {
        let name = format!("{kind}.{GROUP}");
        keeper
            .run(&["delete", "crd", &name, "--wait=false"])
            .unwrap();
        let is_gone = || {
            reader
                .site
                .run(&format!("kubectl get {name} -A"), "")
                .is_err()
        };
        assert!(comes_true(is_gone), "{name}");
    }
}
