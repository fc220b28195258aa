//! The documents of the product's own manual, verbatim.

use super::*;

const CLUSTER: &str = include_str!("../../../tests/seed/default-cluster-policy.yaml");
const KUBE_SYSTEM: &str = include_str!("../../../tests/seed/kube-system-policy.yaml");
const IBM_SYSTEM: &str = include_str!("../../../tests/seed/ibm-system-policy.yaml");
const TEMPLATE: &str = include_str!("../../../tests/seed/template.yaml");
const SIGNER_ENTRY: &str = include_str!("../../../tests/seed/signer-entry.yaml");

fn read(text: &str) -> Policy {
    from_yaml(text, "unused").unwrap_or_else(|error| panic!("{error}"))
}

fn names(policy: &Policy) -> Vec<&str> {
    let entries = policy.entries().iter();
    entries.map(|entry| entry.pattern.as_written()).collect()
}

#[test]
fn the_default_cluster_policy_requires_trust_and_the_advisor_of_every_image() {
    let policy = read(CLUSTER);
    assert_eq!(
        policy.origin().to_string(),
        "ClusterImagePolicy ibmcloud-default-cluster-image-policy"
    );
    assert_eq!(names(&policy), ["*"]);
    assert_eq!(
        policy.entries()[0].requirements,
        Requirements {
            trust: Some(Trust::default()),
            vulnerability: vec![Vulnerability::Standard { account: None }],
            ..Requirements::default()
        }
    );
}

#[test]
fn the_kube_system_policy_requires_nothing() {
    let policy = read(KUBE_SYSTEM);
    assert_eq!(
        policy.origin().to_string(),
        "ImagePolicy kube-system/ibmcloud-image-policy"
    );
    assert_eq!(
        names(&policy),
        [
            "*",
            "registry*.bluemix.net/armada/*",
            "registry*.bluemix.net/armada-worker/*",
            "registry*.bluemix.net/armada-master/*"
        ]
    );
    assert!(
        policy
            .entries()
            .iter()
            .all(|entry| entry.requirements.is_empty())
    );
}

#[test]
fn the_ibm_system_policy_requires_nothing_for_all_that_it_writes_policies() {
    let policy = read(IBM_SYSTEM);
    assert_eq!(
        policy.origin().to_string(),
        "ImagePolicy ibm-system/ibmcloud-image-policy"
    );
    assert_eq!(
        names(&policy)[4..],
        [
            "registry*.bluemix.net/ibm/ibmcloud-image-enforcement",
            "registry.bluemix.net/kubectl"
        ]
    );
    assert!(
        policy
            .entries()
            .iter()
            .all(|entry| entry.requirements.is_empty())
    );
}

fn fill_in(template: &str, kind: &str, switch: &str) -> String {
    template
        .replace("<ClusterImagePolicy_or_ImagePolicy>", kind)
        .replace("<crd_name>", "web")
        .replace("<repository_name>", "icr.io/team/*")
        .replace("<true_or_false>", switch)
        .replace("<secret_name>", "alice")
}

#[test]
fn the_template_loads_for_both_kinds_and_both_switches() {
    for (kind, scope) in [
        ("ClusterImagePolicy", Scope::Cluster),
        ("ImagePolicy", Scope::Namespace("unused".into())),
    ] {
        let required = read(&fill_in(TEMPLATE, kind, "true"));
        assert_eq!(required.origin().scope(), &scope);
        let requirements = &required.entries()[0].requirements;
        let trust = requirements.trust.as_ref().unwrap();
        assert_eq!(trust.signer_secrets[0].as_str(), "alice");
        assert_eq!(requirements.vulnerability.len(), 1);
        let ignored = read(&fill_in(TEMPLATE, kind, "false"));
        assert!(ignored.entries()[0].requirements.is_empty());
    }
}

#[test]
fn the_template_does_not_load_with_its_placeholders() {
    assert!(matches!(
        from_yaml(TEMPLATE, "team"),
        Err(PolicyError::Kind { .. })
    ));
}

#[test]
fn the_entry_with_a_signer_loads_in_a_policy() {
    let entry = fill_in(SIGNER_ENTRY, "", "").replace('\n', "\n    ");
    let policy = read(&yaml(ApiGroup::V1Beta1, &format!("    {entry}")));
    assert_eq!(names(&policy), ["example"]);
    let trust = policy.entries()[0].requirements.trust.as_ref().unwrap();
    assert_eq!(trust.signer_secrets[0].as_str(), "alice");
}

#[test]
fn json_says_the_same_as_yaml() {
    for text in [CLUSTER, KUBE_SYSTEM, IBM_SYSTEM] {
        let value: Value = serde_saphyr::from_str(text).unwrap();
        let bytes = serde_json::to_vec(&value).unwrap();
        assert_eq!(from_json(&bytes, "unused").unwrap(), read(text));
    }
}
