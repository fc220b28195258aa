//! `helm test`, whose pod looks at the installation from inside.

use cise_testkit::components::{Component, HELM3, HELM4, require};
use cise_testkit::helm::Helm;
use serde_json::json;

use crate::guarded::{Guarded, HOME};

#[test]
fn helm_test_succeeds_while_pods_are_judged_and_fails_when_they_are_not() {
    if !require(&[&HELM3, &HELM4]) {
        return;
    }
    let Some(cluster) = Guarded::start(&json!({})) else {
        return;
    };
    for helm in [&HELM3, &HELM4] {
        let said = tested(&cluster, helm);
        let said = said.unwrap_or_else(|said| panic!("{said}\n{}", cluster.replicas.logs()));
        assert!(said.contains("TEST SUITE:     cise-test"), "{said}");
        assert!(said.contains("Phase:          Succeeded"), "{said}");
        nothing_of_the_test_is_left(&cluster);
    }
    for kind in [
        "mutatingwebhookconfiguration",
        "validatingwebhookconfiguration",
    ] {
        cluster.kubectl(&format!("delete {kind} image-admission-config"));
    }
    for helm in [&HELM3, &HELM4] {
        let said = tested(&cluster, helm).unwrap_err();
        assert!(said.contains("cise-test"), "{said}");
        let status = cluster.replica("cise-test").lock().unwrap().audit();
        assert!(status.contains("are NOT judged"), "{status}");
    }
}

fn tested(cluster: &Guarded, helm: &Component) -> Result<String, String> {
    let helm = Helm::new(helm).unwrap().in_cluster(&cluster.admin);
    let said = helm.run(&["test", "cise", "--timeout", "180s"]);
    said.map_err(|error| error.to_string())
}

/// Nobody keeps the rights of the test.
fn nothing_of_the_test_is_left(cluster: &Guarded) {
    let left = cluster.kubectl(&format!(
        "-n {HOME} get pods,serviceaccounts,roles,rolebindings -o name"
    ));
    assert!(!left.contains("cise-test"), "{left}");
    let left = cluster.kubectl("get clusterroles,clusterrolebindings -o name");
    assert!(!left.contains("cise-test"), "{left}");
}
