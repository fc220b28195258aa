//! "Customizing policies", with its table.

use serde_json::{Value, json};

use crate::defaults::CLUSTER_WIDE_TEXT;
use crate::reader::{FOREIGN, NO_POLICY, Reader, UNSUPPORTED};

use Outcome::{Allowed, Denied};

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
#[derive(Clone, Copy)]
enum Outcome {
    Allowed,
    Denied(&'static str),
}

/// The table "Understanding the YAML components".
pub(crate) fn each_row_of_the_table_holds(reader: &Reader) {
    the_kind_and_the_name_are_those_of_the_template(reader);
    the_names_of_repositories_say_which_images_are_allowed(reader);
    what_the_policy_of_an_entry_enables_must_hold(reader);
}

fn the_names_of_repositories_say_which_images_are_allowed(reader: &Reader) {
    let entry = |name: &str| json!([{ "name": name }]);
    for (entries, outcome) in [
        (entry("registry.example.com/*"), Allowed),
        (entry("registry.example.com/b*"), Denied(NO_POLICY)),
        (json!([]), Denied(NO_POLICY)),
        (entry("*"), Allowed),
    ] {
        row(reader, "name", &entries, FOREIGN, outcome);
    }
}

fn what_the_policy_of_an_entry_enables_must_hold(reader: &Reader) {
    let [signed, unsigned, vulnerable] =
        ["web:1.0", "web:2.0", "old:1.0"].map(|name| reader.stage.image(name));
    let trust = |is_enabled: bool| json!({ "trust": { "enabled": is_enabled } });
    let va = |is_enabled: bool| json!({ "va": { "enabled": is_enabled } });
    let any_signer = || json!({ "trust": { "enabled": true, "signerSecrets": [] } });
    let neither = json!({ "trust": { "enabled": false }, "va": { "enabled": false } });
    let untrusted = "No valid trust data for 2.0";
    let issues = "assessment found issues with the container image";
    let shop = format!("{}/shop/*", reader.stage.registry.host());
    for (field, policy, image, outcome) in [
        ("policy", json!({}), &unsigned, Allowed),
        ("policy", neither, &unsigned, Allowed),
        ("trust/enabled", trust(true), &signed, Allowed),
        ("trust/enabled", trust(true), &unsigned, Denied(untrusted)),
        ("trust/enabled", trust(false), &unsigned, Allowed),
        ("trust/signerSecrets", any_signer(), &signed, Allowed),
        (
            "trust/signerSecrets",
            any_signer(),
            &unsigned,
            Denied(untrusted),
        ),
        ("va/enabled", va(true), &vulnerable, Denied(issues)),
        ("va/enabled", va(false), &vulnerable, Allowed),
    ] {
        let entries = json!([{ "name": shop, "policy": policy }]);
        row(reader, field, &entries, image, outcome);
    }
}

/// Puts entries in force, and looks at what becomes of an image.
fn row(reader: &Reader, field: &str, entries: &Value, image: &str, outcome: Outcome) {
    reader.puts_in_force("team", entries);
    let held = match outcome {
        Allowed => reader.comes_allowed("team", &[image]).map(drop),
        Denied(sentence) => reader.comes_denied("team", &[image], sentence),
    };
    held.unwrap_or_else(|story| panic!("{field}: {entries}: {story}"));
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
