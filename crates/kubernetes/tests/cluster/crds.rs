//! The definitions, and what the API server makes of policies with them.

use std::time::{Duration, Instant};

use cise_policy::{ApiGroup, Origin, Policy, PolicyError, Scope};

use crate::environment::Environment;

const SEED: [&str; 3] = [
    include_str!("../../../policy/tests/seed/default-cluster-policy.yaml"),
    include_str!("../../../policy/tests/seed/kube-system-policy.yaml"),
    include_str!("../../../policy/tests/seed/ibm-system-policy.yaml"),
];

/// How people write policies. The last asks for no validation by the client or of unknown fields.
const WAYS: [&[&str]; 4] = [
    &["create", "-f", "-"],
    &["apply", "-f", "-"],
    &["apply", "--server-side", "-f", "-"],
    &["create", "--validate=false", "-f", "-"],
];

fn policy(repositories: &str) -> String {
    format!(
        "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ImagePolicy\nmetadata: {{name: p}}\nspec:\n  repositories:\n{repositories}\n"
    )
}

/// Writes the policy, and reads it as it was stored. An error is what the API server said against it.
fn stored(
    environment: &Environment,
    namespace: &str,
    way: &[&str],
    manifest: &str,
) -> Result<Result<Policy, PolicyError>, String> {
    let in_namespace = ["-n", namespace];
    environment.try_kubectl(&[&in_namespace, way].concat(), manifest)?;
    let get = ["get", "imagepolicy", "p", "-o", "json"];
    let json = environment.kubectl(&[&in_namespace[..], &get].concat());
    environment.kubectl(&[&in_namespace[..], &["delete", "imagepolicy", "p"]].concat());
    Ok(cise_policy::from_json(json.as_bytes(), ""))
}

/// The policy as the API server has it.
fn get(environment: &Environment, origin: &Origin) -> String {
    let kind = origin.scope().kind();
    let namespace = match origin.scope() {
        Scope::Cluster => "default",
        Scope::Namespace(namespace) => namespace,
    };
    environment.kubectl(&["-n", namespace, "get", kind, origin.name(), "-o", "json"])
}

#[test]
fn the_policies_of_the_documentation_are_stored_as_they_are_written() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    for way in WAYS {
        for manifest in SEED {
            let said = environment.try_kubectl(way, manifest).unwrap();
            assert!(said.contains("ibmcloud-"), "{said}");
            let written = cise_policy::from_yaml(manifest, "").unwrap();
            let json = get(&environment, written.origin());
            let stored = cise_policy::from_json(json.as_bytes(), "").unwrap();
            assert_eq!(stored, written, "{way:?}");
            environment
                .try_kubectl(&["delete", "-f", "-"], manifest)
                .unwrap();
        }
    }
}

#[test]
fn a_section_that_is_left_empty_is_absent_however_it_is_written() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    environment.namespace("nulls");
    let open = "  - name: a\n";
    let signed = "  - name: a\n    policy: {trust: {enabled: true}}\n";
    for (repositories, same_as) in [
        ("  - name: a\n    policy:\n", open),
        ("  - name: a\n    policies:\n", open),
        (
            "  - name: a\n    policy: {trust: null, va: null, mutateImage: null}\n",
            open,
        ),
        (
            "  - name: a\n    policy: {simple: null, cosign: null, notation: null, vulnerability: null}\n",
            open,
        ),
        (
            "  - name: a\n    policy: {trust: {enabled: true, signerSecrets: null, trustServer: null}}\n",
            signed,
        ),
    ] {
        for way in WAYS {
            let found = stored(&environment, "nulls", way, &policy(repositories));
            let expected = cise_policy::from_yaml(&policy(same_as), "nulls").unwrap();
            assert_eq!(found.unwrap().unwrap(), expected, "{way:?} {repositories}");
        }
    }
    for way in WAYS {
        let found = stored(&environment, "nulls", way, &policy(""))
            .unwrap()
            .unwrap();
        assert_eq!(found.entries(), []);
    }
}

#[test]
fn a_typing_error_is_refused_or_kept_for_whoever_reads_the_policy_and_never_pruned() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    environment.namespace("errors");
    for repositories in [
        "  - name: a\n    polcy: {trust: {enabled: true}}\n",
        "  - name: a\n    policy: {trsut: {enabled: true}}\n",
        "  - name: a\n    policy: {trust: {enabled: true, signerSecret: [{name: b}]}}\n",
        "  - name: a\n    policy: {trust: {enabled: true, signerSecrets: [{name: b, key: c}]}}\n",
        "  - name: a\n    policy: {va: {enabled: true, strict: true}}\n",
        "  - name: a\n  repository:\n  - name: b\n",
        "  - name: a\npolicy: {trust: {enabled: true}}\n",
        "  - name: a\n    policy: {vulnerability: {ICCRVA: {enabled: true, acount: b}}}\n",
    ] {
        for way in WAYS {
            let found = stored(&environment, "errors", way, &policy(repositories));
            let error = found.unwrap().unwrap_err().to_string();
            assert!(
                error.contains("unknown field"),
                "{way:?} {repositories} {error}"
            );
        }
    }
}

#[test]
fn what_the_schema_rules_out_is_refused_at_once_with_the_field_and_the_reason() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    environment.namespace("refused");
    for (repositories, expected) in [
        (
            "  - name: https://icr.io/a\n",
            "expected an image without a scheme",
        ),
        ("  - name: 'icr.io/a b'\n", "expected no blanks"),
        ("  - name: ''\n", "spec.repositories[0].name"),
        (
            "  - policy: {}\n",
            "spec.repositories[0].name: Required value",
        ),
        (
            "  - name: a\n    policy: {trust: {}}\n",
            "spec.repositories[0].policy.trust.enabled: Required value",
        ),
        (
            "  - name: a\n    policy: {trust: {signerSecrets: [{name: b}]}}\n",
            "trust.enabled: Required value",
        ),
        (
            "  - name: a\n    policy: {trust: {enabled: 'yes'}}\n",
            "spec.repositories[0].policy.trust.enabled",
        ),
        (
            "  - name: a\n    policy: {trust: {enabled: true, trustServer: 'http://a'}}\n",
            "trustServer",
        ),
        (
            "  - name: a\n    policy: {mode: off}\n",
            "spec.repositories[0].policy.mode",
        ),
        (
            "  - name: a\n    policies: {trust: {enabled: true}}\n",
            "spec.repositories[0].policies",
        ),
    ] {
        for way in WAYS {
            let said = stored(&environment, "refused", way, &policy(repositories)).unwrap_err();
            assert!(said.contains(expected), "{way:?} {repositories} {said}");
        }
    }
    let without = policy("").replace("spec:", "spce:");
    for way in WAYS {
        let said = stored(&environment, "refused", way, &without).unwrap_err();
        assert!(
            said.contains("spec: Required value") || said.contains("spce"),
            "{said}"
        );
    }
}

#[test]
fn people_are_told_what_a_policy_is_and_shown_what_it_allows() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    environment.namespace("shown");
    let explain = |field| explained(&environment, field);
    assert!(explain("imagepolicy").contains("Which images may run in a namespace"));
    assert!(
        explain("clusterimagepolicy.spec.repositories").contains("the most specific one applies")
    );
    let trust = explain("imagepolicy.spec.repositories.policy.trust");
    for told in [
        "Docker Content Trust",
        "signerSecrets",
        "Who must have signed",
        "-required-",
    ] {
        assert!(trust.contains(told), "{trust}");
    }
    let both = policy("  - name: icr.io/a\n  - name: icr.io/b\n");
    environment
        .try_kubectl(&["-n", "shown", "apply", "-f", "-"], &both)
        .unwrap();
    let shown = environment.kubectl(&["-n", "shown", "get", "imagepolicies"]);
    assert!(
        shown.contains("IMAGES") && shown.contains("icr.io/a"),
        "{shown}"
    );
}

/// What `kubectl explain` prints. A new definition is published some time after it is established.
fn explained(environment: &Environment, field: &str) -> String {
    let explain = || environment.try_kubectl(&["explain", field], "");
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match explain() {
            Ok(text) => return text,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    }
}

#[test]
fn both_groups_are_defined_side_by_side_and_defined_again_without_harm() {
    let Some(environment) = Environment::bare() else {
        return;
    };
    for group in [ApiGroup::PortierisV1, ApiGroup::V1Beta1, ApiGroup::V1Beta1] {
        environment.define(group);
    }
    let both = SEED[0];
    let successor = both.replace(
        "securityenforcement.admission.cloud.ibm.com/v1beta1",
        "portieris.cloud.ibm.com/v1",
    );
    environment.apply(&successor.replace("        va:\n          enabled: true\n", ""));
    environment.apply(both);
    let stored = environment.kubectl(&[
        "get",
        "clusterimagepolicies.portieris.cloud.ibm.com",
        "-o",
        "name",
    ]);
    assert!(
        stored.contains("ibmcloud-default-cluster-image-policy"),
        "{stored}"
    );
}
