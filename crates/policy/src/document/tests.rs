mod seed;

use std::fmt::Write;

use serde_json::{Value, json};

use super::*;
use crate::{
    MAX_ENTRIES, Mode, Pinning, Requirements, Scope, SecretName, Trust, TrustServer, Vulnerability,
};

const GROUPS: [ApiGroup; 2] = [ApiGroup::V1Beta1, ApiGroup::PortierisV1];

/// A policy `team/web` with the given list of repositories, in YAML, from line 7.
fn yaml(group: ApiGroup, repositories: &str) -> String {
    let api_version = group.api_version();
    format!(
        "apiVersion: {api_version}\nkind: ImagePolicy\nmetadata:\n  name: web\nspec:\n  repositories:\n{repositories}\n"
    )
}

fn json(group: ApiGroup, repository: &Value) -> Vec<u8> {
    let policy = json!({
        "apiVersion": group.api_version(), "kind": "ImagePolicy",
        "metadata": {"name": "web"}, "spec": {"repositories": [repository]},
    });
    policy.to_string().into_bytes()
}

/// What one entry with the given `policy`, in YAML's flow style, requires.
fn entry(group: ApiGroup, policy: &str) -> Entry {
    let text = yaml(group, &format!("  - name: app\n    policy: {policy}"));
    match from_yaml(&text, "team") {
        Ok(policy) => policy.entries().first().cloned().unwrap(),
        Err(error) => panic!("{policy}: {error}"),
    }
}

fn requirements(group: ApiGroup, policy: &str) -> Requirements {
    entry(group, policy).requirements
}

fn fault(text: &str) -> String {
    from_yaml(text, "team").unwrap_err().to_string()
}

#[test]
fn null_is_the_same_as_absent() {
    for group in GROUPS {
        for policy in [
            "null",
            "~",
            "",
            "{}",
            "{trust: null, simple: null, vulnerability: null, mutateImage: null}",
        ] {
            let entry = entry(group, policy);
            assert!(entry.requirements.is_empty(), "{policy}");
            assert_eq!((entry.pinning, entry.mode), (Pinning::Pin, Mode::Enforce));
        }
        assert_eq!(
            requirements(
                group,
                "{trust: {enabled: true, signerSecrets: null, trustServer: null}}"
            )
            .trust,
            Some(Trust::default())
        );
        for list in ["null", "[]", ""] {
            let text = yaml(group, "").replace("repositories:", &format!("repositories: {list}"));
            assert_eq!(from_yaml(&text, "team").unwrap().entries(), []);
        }
        let text = yaml(group, "").replace("  repositories:", "  {}");
        assert_eq!(from_yaml(&text, "team").unwrap().entries(), []);
    }
    let own = "{va: null, cosign: null, notation: null, mode: null}";
    assert!(requirements(ApiGroup::V1Beta1, own).is_empty());
}

#[test]
fn the_misspelt_policies_is_accepted_with_nothing_in_it() {
    for policies in ["", "null", "~"] {
        let text = yaml(
            ApiGroup::V1Beta1,
            &format!("  - name: app\n    policies: {policies}"),
        );
        assert!(
            from_yaml(&text, "team").unwrap().entries()[0]
                .requirements
                .is_empty()
        );
    }
    for policies in ["{}", "[]", "''", "{trust: {enabled: true}}"] {
        let text = yaml(
            ApiGroup::V1Beta1,
            &format!("  - name: app\n    policies: {policies}"),
        );
        assert_eq!(
            fault(&text),
            "ImagePolicy team/web cannot be read: spec.repositories[0].policies: expected null; the field that holds requirements is `policy` (line 8, column 15)"
        );
    }
    let text = yaml(ApiGroup::PortierisV1, "  - name: app\n    policies:");
    assert!(fault(&text).contains("unknown field `policies`"));
}

#[test]
fn what_is_written_is_what_is_required() {
    for group in GROUPS {
        let trust = requirements(
            group,
            "{trust: {enabled: true, trustServer: 'https://notary.example.com', signerSecrets: [{name: alice}, {name: bob}]}}",
        )
        .trust
        .unwrap();
        assert_eq!(
            trust.server,
            Some(TrustServer::parse("https://notary.example.com").unwrap())
        );
        let signers: Vec<&str> = trust
            .signer_secrets
            .iter()
            .map(SecretName::as_str)
            .collect();
        assert_eq!(signers, ["alice", "bob"]);
        assert_eq!(
            entry(group, "{mutateImage: false}").pinning,
            Pinning::KeepTag
        );
        assert_eq!(entry(group, "{mutateImage: true}").pinning, Pinning::Pin);
        assert_eq!(
            requirements(
                group,
                "{vulnerability: {ICCRVA: {enabled: true, account: abc}}}"
            )
            .vulnerability,
            [Vulnerability::Standard {
                account: Some("abc".into())
            }]
        );
        assert!(requirements(group, "{vulnerability: {ICCRVA: {enabled: false}}}").is_empty());
        assert!(
            requirements(
                group,
                "{trust: {enabled: false, signerSecrets: [{name: alice}]}}"
            )
            .is_empty()
        );
    }
    for (mode, expected) in [
        ("enforce", Mode::Enforce),
        ("warn", Mode::Warn),
        ("audit", Mode::Audit),
    ] {
        assert_eq!(
            entry(ApiGroup::V1Beta1, &format!("{{mode: {mode}}}")).mode,
            expected
        );
    }
}

#[test]
fn each_form_of_the_advisor_counts() {
    let standard = || Vulnerability::Standard { account: None };
    let custom = |rules: &str| Vulnerability::Custom(serde_json::from_str(rules).unwrap());
    for (policy, expected) in [
        ("{va: {enabled: true}}", vec![standard()]),
        ("{va: {enabled: false}}", vec![]),
        ("{vulnerability: {}}", vec![custom("{}")]),
        (
            "{vulnerability: {grace: 7d}}",
            vec![custom(r#"{"grace": "7d"}"#)],
        ),
        (
            "{va: {enabled: false}, vulnerability: {grace: 7d}}",
            vec![custom(r#"{"grace": "7d"}"#)],
        ),
        (
            "{va: {enabled: true}, vulnerability: {ICCRVA: {enabled: false}, grace: 7d}}",
            vec![standard(), custom(r#"{"grace": "7d"}"#)],
        ),
    ] {
        assert_eq!(
            requirements(ApiGroup::V1Beta1, policy).vulnerability,
            expected,
            "{policy}"
        );
    }
}

#[test]
fn opaque_requirements_are_kept_as_they_stand() {
    let requirements = requirements(
        ApiGroup::V1Beta1,
        "{simple: {requirements: [{type: signedBy, keySecret: key}]}, cosign: [{threshold: 2, ratio: 0.5}], notation: {level: strict}}",
    );
    for (opaque, expected) in [
        (
            requirements.simple,
            json!({"requirements": [{"type": "signedBy", "keySecret": "key"}]}),
        ),
        (requirements.cosign, json!([{"threshold": 2, "ratio": 0.5}])),
        (requirements.notation, json!({"level": "strict"})),
    ] {
        assert_eq!(opaque.unwrap().value(), &expected);
    }
}

/// An entry with the given `policy` is refused with the given path and message, and the place.
fn check_refused(group: ApiGroup, policy: &str, expected: &str) {
    let message = fault(&yaml(
        group,
        &format!("  - name: app\n    policy: {policy}"),
    ));
    let origin = Origin::namespaced(group, "team", "web").unwrap();
    let expected = format!("{origin} cannot be read: spec.repositories[0].policy.{expected}");
    assert!(message.starts_with(&expected), "{policy}: {message}");
    assert!(message.contains("(line 8, column "), "{policy}: {message}");
}

#[test]
fn a_typing_error_never_turns_trust_off() {
    for (policy, expected) in [
        (
            "{trsut: {enabled: true}}",
            "trsut: unknown field `trsut`, expected one of ",
        ),
        (
            "{trust: {enabld: true}}",
            "trust.enabld: unknown field `enabld`, expected one of ",
        ),
        ("{trust: {}}", "trust: missing field `enabled`"),
        (
            "{trust: {signerSecrets: [{name: alice}]}}",
            "trust: missing field `enabled`",
        ),
        ("{trust: {enabled: null}}", "trust.enabled: "),
        ("{trust: {enabled: 1}}", "trust.enabled: "),
        ("{trust: true}", "trust: "),
        (
            "{trust: {enabled: true, signerSecrets: [alice]}}",
            "trust.signerSecrets[0]: ",
        ),
        (
            "{trust: {enabled: true, signerSecrets: [{name: A/../x}]}}",
            "trust.signerSecrets[0].name: `A/../x` is no name of an object",
        ),
        (
            "{trust: {enabled: true, trustServer: 'http://a'}}",
            "trust.trustServer: the trust server has the scheme `http`: expected `https`",
        ),
        ("{mutateImage: maybe}", "mutateImage: "),
    ] {
        for group in GROUPS {
            check_refused(group, policy, expected);
        }
    }
    check_refused(
        ApiGroup::V1Beta1,
        "{mode: Enforce}",
        "mode: unknown variant `Enforce`, expected one of enforce, warn, audit",
    );
    check_refused(
        ApiGroup::PortierisV1,
        "{mode: audit}",
        "mode: unknown field `mode`, expected one of ",
    );
}

#[test]
fn a_typing_error_never_turns_the_advisor_off() {
    for group in GROUPS {
        for (policy, expected) in [
            (
                "{vulnerability: {ICCRVA: {acount: x, enabled: true}}}",
                "vulnerability.ICCRVA.acount: unknown field `acount`",
            ),
            (
                "{vulnerability: {ICCRVA: {}}}",
                "vulnerability.ICCRVA: missing field `enabled`",
            ),
            ("{vulnerability: true}", "vulnerability: "),
        ] {
            check_refused(group, policy, expected);
        }
    }
    check_refused(ApiGroup::V1Beta1, "{va: {}}", "va: missing field `enabled`");
    check_refused(
        ApiGroup::PortierisV1,
        "{va: {enabled: true}}",
        "va: unknown field `va`, expected one of ",
    );
    check_refused(
        ApiGroup::PortierisV1,
        "{vulnerability: {}}",
        "vulnerability: missing field `ICCRVA`",
    );
}

#[test]
fn an_unknown_field_is_refused_at_every_level() {
    for (text, expected) in [
        (
            yaml(ApiGroup::V1Beta1, "  - name: app\n    polcy: {}"),
            "spec.repositories[0].polcy: unknown field `polcy`",
        ),
        (
            yaml(ApiGroup::V1Beta1, "").replace("  repositories:", "  repositoris: []"),
            "spec.repositoris: unknown field `repositoris`",
        ),
        (
            yaml(ApiGroup::V1Beta1, "").replace("spec:", "status: {}\nspec:"),
            "status: unknown field `status`",
        ),
        (
            yaml(
                ApiGroup::V1Beta1,
                "  - name: app\n    policy: {}\n  - policy: {}",
            ),
            "spec.repositories[1]: missing field `name`",
        ),
        (
            yaml(ApiGroup::V1Beta1, "  - name: a b"),
            "spec.repositories[0].name: no image can match `a b`: ",
        ),
    ] {
        let message = fault(&text);
        assert!(
            message.starts_with(&format!("ImagePolicy team/web cannot be read: {expected}")),
            "{message}"
        );
    }
}

#[test]
fn json_is_refused_with_path_and_place_too() {
    for (repository, expected) in [
        (
            json!({"name": "app", "polcy": {}}),
            "spec.repositories[0].polcy: unknown field `polcy`",
        ),
        (
            json!({"name": "app", "policy": {"trust": {"enabled": "true"}}}),
            "spec.repositories[0].policy.trust.enabled: invalid type",
        ),
        (
            json!({"name": "app", "policies": {}}),
            "spec.repositories[0].policies: expected null",
        ),
        (
            json!({"name": 5}),
            "spec.repositories[0].name: invalid type",
        ),
    ] {
        let error = from_json(&json(ApiGroup::V1Beta1, &repository), "team").unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.position().unwrap().line, 1);
    }
    for bytes in [&b""[..], b"{", b"[]", b"null", b"{} {}", b"\xff"] {
        let error = from_json(bytes, "team").unwrap_err();
        assert!(matches!(error, PolicyError::Header(_)), "{error}");
    }
}

#[test]
fn a_parsed_document_is_read_alike_and_has_no_positions() {
    let bytes = json(
        ApiGroup::V1Beta1,
        &json!({"name": "app", "policy": {"trust": {"enabled": true}}}),
    );
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(from_value(&value, "team"), from_json(&bytes, "team"));
    let bytes = json(ApiGroup::V1Beta1, &json!({"name": "app", "polcy": {}}));
    let error = from_value(&serde_json::from_slice(&bytes).unwrap(), "team").unwrap_err();
    assert_eq!(error.position(), None);
    assert!(error.to_string().ends_with(
        "spec.repositories[0].polcy: unknown field `polcy`, expected one of `name`, `policy`, `policies`"
    ));
}

#[test]
fn a_key_that_comes_twice_is_refused() {
    for (repository, expected) in [
        (
            "  - name: app\n    name: other",
            "spec.repositories[0]: duplicate field `name` (line 8, column 5)",
        ),
        (
            "  - name: app\n    policy: {trust: {enabled: true}, trust: {enabled: false}}",
            "spec.repositories[0].policy: duplicate field `trust`",
        ),
        (
            "  - name: app\n    policy: {cosign: [{key: a, key: b}]}",
            "spec.repositories[0].policy.cosign[0]: duplicate field `key`",
        ),
        (
            "  - name: app\n    policy: {vulnerability: {grace: 1d, grace: 9d}}",
            "spec.repositories[0].policy.vulnerability: duplicate field `grace`",
        ),
    ] {
        let message = fault(&yaml(ApiGroup::V1Beta1, repository));
        assert!(message.contains(expected), "{message}");
        assert!(message.starts_with("ImagePolicy team/web"), "{message}");
    }
    let start = r#"{"apiVersion":"securityenforcement.admission.cloud.ibm.com/v1beta1","kind":"ImagePolicy","metadata":{"name":"web"},"spec":{"repositories":[{"name":"app","policy":"#;
    for policy in [
        r#"{"trust":{"enabled":true},"trust":{"enabled":false}}"#,
        r#"{"cosign":[{"key":"a","key":"b"}]}"#,
        r#"{"vulnerability":{"ICCRVA":{"enabled":true},"ICCRVA":{"enabled":false}}}"#,
        r#"{"vulnerability":{"grace":1,"grace":9}}"#,
    ] {
        let error = from_json(format!("{start}{policy}}}]}}}}").as_bytes(), "team").unwrap_err();
        assert!(error.to_string().contains("duplicate field"), "{error}");
    }
}

#[test]
fn which_policy_it_is_is_known_even_if_its_content_is_wrong() {
    let own = |group| Origin::namespaced(group, "team", "web").unwrap();
    for group in GROUPS {
        for repositories in ["  - nonsense: 1", "  - name: app\n    name: app", "  - [[["] {
            let error = from_yaml(&yaml(group, repositories), "team").unwrap_err();
            let expected = (!repositories.contains("[[[")).then(|| own(group));
            assert_eq!(error.origin().cloned(), expected, "{error}");
        }
    }
}

#[test]
fn kind_name_and_namespace_are_checked() {
    let text = |kind: &str, metadata: &str| {
        format!(
            "apiVersion: portieris.cloud.ibm.com/v1\nkind: {kind}\nmetadata: {metadata}\nspec: {{}}\n"
        )
    };
    for (kind, metadata, expected) in [
        (
            "ImagePolicy",
            "{name: web}",
            "ImagePolicy team/web (portieris.cloud.ibm.com)",
        ),
        (
            "ImagePolicy",
            "{name: web, namespace: other, labels: {a: b}, uid: x}",
            "ImagePolicy other/web (portieris.cloud.ibm.com)",
        ),
        (
            "ClusterImagePolicy",
            "{name: web}",
            "ClusterImagePolicy web (portieris.cloud.ibm.com)",
        ),
    ] {
        let policy = from_yaml(&text(kind, metadata), "team").unwrap();
        assert_eq!(policy.origin().to_string(), expected);
    }
    for (kind, metadata, expected) in [
        (
            "ClusterImagePolicy",
            "{name: web, namespace: team}",
            "metadata.namespace: the ClusterImagePolicy `web` names the namespace `team`",
        ),
        (
            "ImagePolicy",
            "{name: Web}",
            "metadata: `Web` is no name of an object",
        ),
        (
            "ImagePolicy",
            "{name: web, namespace: a/b}",
            "metadata: `a/b` is no name of a namespace",
        ),
        (
            "ImagePolicy",
            "{generateName: web}",
            "the policy cannot be read: metadata: missing field `name`",
        ),
        (
            "ImagePolicyList",
            "{name: web}",
            "`ImagePolicyList` of `portieris.cloud.ibm.com/v1` is no policy that is known",
        ),
    ] {
        let message = fault(&text(kind, metadata));
        assert!(message.starts_with(expected), "{message}");
    }
    assert!(
        fault("apiVersion: portieris.cloud.ibm.com/v2\nkind: ImagePolicy\nmetadata: {name: a}")
            .contains("is no policy that is known")
    );
}

#[test]
fn size_and_number_are_bounded() {
    let bytes = MAX_DOCUMENT_BYTES + 1;
    let padding = " ".repeat(bytes);
    let expected = Err(PolicyError::TooLarge { bytes });
    assert_eq!(from_yaml(&padding, "team"), expected);
    assert_eq!(from_json(padding.as_bytes(), "team"), expected);
    let origin = Origin::cluster(ApiGroup::V1Beta1, "web").unwrap();
    let entries = vec![entry(ApiGroup::V1Beta1, ""); MAX_ENTRIES + 1];
    let error = Policy::new(origin.clone(), entries).unwrap_err();
    assert_eq!(error.origin(), Some(&origin));
}

#[test]
fn nesting_and_aliases_are_bounded() {
    for depth in [70, 10_000] {
        let nested = "[".repeat(depth) + &"]".repeat(depth);
        let text = yaml(
            ApiGroup::V1Beta1,
            &format!("  - name: app\n    policy: {{cosign: {nested}}}"),
        );
        assert!(from_yaml(&text, "team").is_err());
        let nested: String = json!({"name": "app", "policy": {"cosign": "X"}})
            .to_string()
            .replace("\"X\"", &nested);
        let text = String::from_utf8(json(ApiGroup::V1Beta1, &json!("X")))
            .unwrap()
            .replace("\"X\"", &nested);
        assert!(from_json(text.as_bytes(), "team").is_err());
    }
    let mut bomb = "  - name: app\n    policy: {cosign: [&a0 [x,x,x,x,x,x,x,x]".to_owned();
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        write!(bomb, ", &a{level} [{}]", vec![alias; 8].join(",")).unwrap();
    }
    assert!(from_yaml(&yaml(ApiGroup::V1Beta1, &(bomb + "]}")), "team").is_err());
}

#[test]
fn one_document_is_one_policy() {
    let text = yaml(ApiGroup::V1Beta1, "  - name: app");
    assert!(from_yaml(&format!("---\n{text}"), "team").is_ok());
    assert!(from_yaml(&format!("{text}---\n{text}"), "team").is_err());
    for text in ["", "---\n", "# nothing\n", "null", "[]", "5"] {
        assert!(
            matches!(from_yaml(text, "team"), Err(PolicyError::Header(_))),
            "{text}"
        );
    }
}
