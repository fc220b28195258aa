//! The first two acts of the story: where images come from, and who signed them.

use std::error::Error;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_testkit::notary::SignerKey;

use crate::guard::Guard;
use crate::stage::Stage;
use crate::table::Table;

const DEFAULT_POLICIES: [(&str, &str); 3] = [
    (
        "cluster.yaml",
        include_str!("../../../policy/tests/seed/default-cluster-policy.yaml"),
    ),
    (
        "kube-system.yaml",
        include_str!("../../../policy/tests/seed/kube-system-policy.yaml"),
    ),
    (
        "ibm-system.yaml",
        include_str!("../../../policy/tests/seed/ibm-system-policy.yaml"),
    ),
];

/// The policies of a fresh installation: everything must be signed and scanned, and no registry is known that could prove it.
pub(crate) fn default_policies(stage: &Stage) -> Result<(), Box<dyn Error>> {
    println!(
        "\n1. The default policies. Everything must be signed and free of known vulnerabilities."
    );
    println!("   Nothing is configured yet, so everything from elsewhere is refused, and why:\n");
    let policies = DEFAULT_POLICIES.map(|(name, text)| (name, text.to_owned()));
    let guard = Guard::start(&stage.authority, &policies, "registries: []\n")?;
    let table = Table::of(&stage.registry.host());
    let web = stage.image("web:1.0");
    for (hook, namespace, policy, image) in [
        ("/trust", "default", "cluster default: trust", "nginx:1.27"),
        ("/va", "default", "cluster default: va", "nginx:1.27"),
        ("/trust", "default", "cluster default: trust", &web),
        (
            "/trust",
            "kube-system",
            "kube-system: no requirement",
            "registry.k8s.io/kube-proxy:v1.36.3",
        ),
    ] {
        table.row(image, policy, &guard.ask(hook, namespace, image)?);
    }
    Ok(())
}

/// The configuration names the registry and its Notary server; two namespaces ask for trust, one of them for signers.
pub(crate) fn content_trust(stage: &Stage) -> Result<(), Box<dyn Error>> {
    println!("\n2. The configuration names the registry and its Notary server.");
    println!(
        "   Namespace `shop` asks that its images are signed, `bank` that alice and bob both signed:\n"
    );
    let guard = Guard::start(
        &stage.authority,
        &trust_policies(stage),
        &configuration(stage),
    )?;
    let table = Table::of(&stage.registry.host());
    let by_digest = stage.image(&format!("web@{}", stage.web));
    for (namespace, image) in [
        ("shop", stage.image("web:1.0")),
        ("shop", stage.image("web:1.0")),
        ("shop", by_digest),
        ("shop", stage.image("web:2.0")),
        ("shop", stage.image("tool:1.0")),
        ("shop", stage.image("cart:1.0")),
        ("shop", "nginx:1.27".to_owned()),
        ("bank", stage.image("pay:1.0")),
        ("bank", stage.image("web:1.0")),
        ("bank", stage.image("cart:1.0")),
    ] {
        let policy = if namespace == "shop" {
            "shop: signed"
        } else {
            "bank: signed by alice and bob"
        };
        table.row(&image, policy, &guard.ask("/trust", namespace, &image)?);
    }
    Ok(())
}

fn configuration(stage: &Stage) -> String {
    let (host, trust) = (stage.registry.host(), stage.notary.trust());
    format!(
        "registries:\n- host: \"{host}\"\n  plainHTTP: true\n  trustServer: \"{}\"\n  trustServerCAFile: \"{}\"\n",
        trust.server_url,
        trust.ca_file.display(),
    )
}

fn trust_policies(stage: &Stage) -> Vec<(&'static str, String)> {
    let host = stage.registry.host();
    vec![
        (
            "shop.yaml",
            include_str!("policies/shop.yaml").replace("REGISTRY", &host),
        ),
        (
            "bank.yaml",
            include_str!("policies/bank.yaml").replace("REGISTRY", &host),
        ),
        ("alice.yaml", signer_secret(&stage.alice)),
        ("bob.yaml", signer_secret(&stage.bob)),
    ]
}

/// What `kubectl create secret generic alice --from-literal=name=alice --from-file=publicKey=alice.pub` makes.
fn signer_secret(key: &SignerKey) -> String {
    let (signer, public_key) = (&key.signer, STANDARD.encode(&key.public_key));
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {signer}\n  namespace: bank\ntype: Opaque\ndata:\n  name: {}\n  publicKey: {public_key}\n",
        STANDARD.encode(signer),
    )
}
