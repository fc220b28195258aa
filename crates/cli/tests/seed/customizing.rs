//! "Customizing policies", with its table.

use serde_json::{Value, json};

use crate::defaults::CLUSTER_WIDE_TEXT;
use crate::reader::{FOREIGN, NO_POLICY, Reader, UNSUPPORTED};

/// "You must have some policy set. Otherwise, deployments to your cluster fail."
pub(crate) fn without_any_policy_deployments_fail(reader: &Reader) {
    reader.runs("kubectl delete clusterimagepolicy ibmcloud-default-cluster-image-policy");
    reader.is_denied("default", &[FOREIGN], NO_POLICY);
    reader.applies(CLUSTER_WIDE_TEXT);
    reader.is_denied("default", &[FOREIGN], UNSUPPORTED);
}

pub(crate) fn the_policy_of_the_namespace_goes_before_that_of_the_cluster(reader: &Reader) {
    reader.puts_in_force("team", &json!([{ "name": "registry.example.com/free/*" }]));
    reader.is_allowed("team", &["registry.example.com/free/app:v1"]);
    reader.is_denied("team", &[FOREIGN], NO_POLICY);
    reader.is_denied("default", &[FOREIGN], UNSUPPORTED);
}

/// What becomes of an image.
enum Outcome {
    Allowed,
    Denied(&'static str),
}

/// Rows of the table "Understanding the YAML components": the field, entries of a policy, an image, and what becomes of it.
pub(crate) fn each_row_of_the_table_holds(reader: &Reader) {
    the_kind_and_the_name_are_those_of_the_template(reader);
    let (signed, unsigned) = (reader.stage.image("web:1.0"), reader.stage.image("web:2.0"));
    let old = reader.stage.image("old:1.0");
    let shop = format!("{}/shop/*", reader.stage.registry.host());
    let entry = |policy: Value| json!([{ "name": shop, "policy": policy }]);
    let trust = |is_enabled: bool| entry(json!({ "trust": { "enabled": is_enabled } }));
    let va = |is_enabled: bool| entry(json!({ "va": { "enabled": is_enabled } }));
    let any_signer = entry(json!({ "trust": { "enabled": true, "signerSecrets": [] } }));
    let both_off = json!({ "trust": { "enabled": false }, "va": { "enabled": false } });
    let no_trust = "No valid trust data for 2.0";
    for (field, entries, image, outcome) in [
        (
            "name",
            json!([{ "name": "registry.example.com/*" }]),
            FOREIGN,
            Outcome::Allowed,
        ),
        (
            "name",
            json!([{ "name": "registry.example.com/b*" }]),
            FOREIGN,
            Outcome::Denied(NO_POLICY),
        ),
        ("name", json!([]), FOREIGN, Outcome::Denied(NO_POLICY)),
        ("name", json!([{ "name": "*" }]), FOREIGN, Outcome::Allowed),
        ("policy", entry(json!({})), &unsigned, Outcome::Allowed),
        ("policy", entry(both_off), &unsigned, Outcome::Allowed),
        ("trust/enabled", trust(true), &signed, Outcome::Allowed),
        (
            "trust/enabled",
            trust(true),
            &unsigned,
            Outcome::Denied(no_trust),
        ),
        ("trust/enabled", trust(false), &unsigned, Outcome::Allowed),
        (
            "trust/signerSecrets/name",
            any_signer.clone(),
            &signed,
            Outcome::Allowed,
        ),
        (
            "trust/signerSecrets/name",
            any_signer,
            &unsigned,
            Outcome::Denied(no_trust),
        ),
        (
            "va/enabled",
            va(true),
            &old,
            Outcome::Denied("assessment found issues with the container image"),
        ),
        ("va/enabled", va(false), &old, Outcome::Allowed),
    ] {
        reader.puts_in_force("team", &entries);
        let held = match outcome {
            Outcome::Allowed => reader.comes_allowed("team", &[image]).map(drop),
            Outcome::Denied(sentence) => reader.comes_denied("team", &[image], sentence),
        };
        held.unwrap_or_else(|story| panic!("{field}: {entries}: {story}"));
    }
}

/// The file of step 1, filled in.
fn the_kind_and_the_name_are_those_of_the_template(reader: &Reader) {
    let template = include_str!("../../../policy/tests/seed/template.yaml");
    let filled = template
        .replace("<true_or_false>", "false")
        .replace("<crd_name>", "free")
        .replace("<secret_name>", "nobody")
        .replace("<repository_name>", "registry.example.com/*");
    let of = |kind: &str| filled.replace("<ClusterImagePolicy_or_ImagePolicy>", kind);
    for kind in ["ClusterImagePolicy", "ImagePolicy"] {
        reader.applies(&of(kind));
        reader.is_allowed("default", &[FOREIGN]);
        let kind = kind.to_lowercase();
        assert_eq!(
            reader.gets(&format!("{kind} free"))["metadata"]["name"],
            "free"
        );
        reader.runs(&format!("kubectl delete {kind} free"));
        reader.is_denied("default", &[FOREIGN], UNSUPPORTED);
    }
}
