//! "Specifying trusted content signers in custom policies". Everything is in the namespace that `kubectl` takes by itself.

use cise_testkit::cise::HOME;
use cise_testkit::notary::SignerKey;
use serde_json::{Value, json};

use crate::reader::{GROUP, Reader};

/// The namespace that `kubectl` takes by itself.
const HERE: &str = "default";

/// "Deployment is allowed only if the most recent signed version is signed by all the listed signers."
pub(crate) fn an_image_runs_if_all_listed_signers_signed_its_latest_version(reader: &Reader) {
    makes_a_secret(reader, "alice", "alice", &reader.stage.alice);
    makes_a_secret(reader, "bob", "bob", &reader.stage.bob);
    let (alice, both) = (&["alice"][..], &["alice", "bob"][..]);
    for (repository, signers, is_allowed) in [
        ("web", alice, true),
        // Bob has never signed it.
        ("web", both, false),
        ("pay", both, true),
        // Both signed the former version of the tag, and somebody else the latest.
        ("cart", both, false),
        ("cart", &[], true),
    ] {
        requires(reader, signers);
        let image = reader.stage.image(&format!("{repository}:1.0"));
        if is_allowed {
            let pod = reader.is_allowed(HERE, &[&image]);
            let stored = pod["spec"]["containers"][0]["image"].as_str().unwrap();
            assert!(stored.starts_with(&format!("{image}@sha256:")), "{stored}");
        } else {
            reader.is_denied(HERE, &[&image], "No valid trust data for 1.0");
        }
    }
}

/// "Container Image Security Enforcement verifies that the provided public key belongs to the signer."
pub(crate) fn the_key_must_belong_to_the_signer(reader: &Reader) {
    makes_a_secret(reader, "pretender", "alice", &reader.stage.bob);
    requires(reader, &["pretender"]);
    let image = reader.stage.image("web:1.0");
    reader.is_denied(HERE, &[&image], "No valid trust data for 1.0");
    reader.runs("kubectl delete imagepolicies --all");
}

/// The secrets that a policy of the cluster names are in CISE's own namespace, and those of other namespaces do not count.
pub(crate) fn a_policy_of_the_cluster_names_secrets_of_cises_namespace(reader: &Reader) {
    let shop = format!("{}/shop/*", reader.stage.registry.host());
    let policy = json!({
        "apiVersion": format!("{GROUP}/v1beta1"), "kind": "ClusterImagePolicy",
        "metadata": { "name": "shop" },
        "spec": { "repositories": [{
            "name": shop,
            "policy": { "trust": { "enabled": true, "signerSecrets": [{ "name": "alice" }] } },
        }] },
    });
    reader.applies(&policy.to_string());
    let image = reader.stage.image("web:1.0");
    reader.is_denied(HERE, &[&image], &format!("in namespace {HOME}: "));
    reader.runs("kubectl delete secret alice");
    let file = reader.writes("key.pub", &reader.stage.alice.public_key);
    let file = file.display();
    reader.runs(&format!(
        "kubectl -n {HOME} create secret generic alice --from-literal=name=alice --from-file=publicKey={file}"
    ));
    reader.is_allowed(HERE, &[&image]);
    reader.runs("kubectl delete clusterimagepolicy shop");
    reader.runs(&format!("kubectl -n {HOME} delete secret alice"));
}

/// Step 2.
fn makes_a_secret(reader: &Reader, secret: &str, signer: &str, key: &SignerKey) {
    let file = reader.writes("key.pub", &key.public_key);
    let file = file.display();
    reader.runs(&format!(
        "kubectl create secret generic {secret} --from-literal=name={signer} --from-file=publicKey={file}"
    ));
}

/// Step 3.
fn requires(reader: &Reader, signers: &[&str]) {
    let entry = include_str!("../../../policy/tests/seed/signer-entry.yaml");
    let mut entries: Value = serde_saphyr::from_str(entry).unwrap();
    let secrets = signers.iter().map(|secret| json!({ "name": secret }));
    entries[0]["name"] = format!("{}/shop/*", reader.stage.registry.host()).into();
    entries[0]["policy"]["trust"]["signerSecrets"] = secrets.collect();
    reader.puts_in_force(HERE, &entries);
}
