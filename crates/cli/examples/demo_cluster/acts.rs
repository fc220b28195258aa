//! The story, as the product's documentation tells it.

use std::error::Error;

use jiff::{SignedDuration, Timestamp};

use crate::shell::Shell;

type Told = Result<(), Box<dyn Error>>;

/// By Helm, with the registry of the story and its Notary server.
pub(crate) fn install(shell: &Shell) -> Told {
    println!(
        "\n1. Install. The values name a registry, its Notary server, and the volume with the advisory database."
    );
    shell.writes("values.yaml", &values(shell))?;
    shell.does(&format!("helm repo add iks-charts {}", shell.repository()))?;
    shell.does("helm install cise iks-charts/ibmcloud-image-enforcement --values values.yaml")?;
    shell.does("kubectl -n ibm-system rollout status deployment/cise --timeout=300s")?;
    shell.does("kubectl -n ibm-system rollout status deployment/cise-advisor --timeout=300s")?;
    println!("\nOne of the replicas makes the default policies:");
    shell.waits_until(
        "kubectl -n ibm-system get imagepolicies",
        "ibmcloud-image-policy",
    )?;
    shell.does("kubectl get clusterimagepolicies")?;
    shell.does("kubectl get imagepolicies --all-namespaces")
}

/// Nobody vouches for what comes from elsewhere.
pub(crate) fn default_policies(shell: &Shell) -> Told {
    println!(
        "\n2. The default policies: everything must be signed and free of known vulnerabilities, but for the system's own pods."
    );
    let proxy = "registry.k8s.io/kube-proxy:v1.36.3";
    shell.waits_for("kube-system", proxy)?;
    shell.is_refused("kubectl run nginx --image=nginx --dry-run=server")?;
    shell.does(&format!(
        "kubectl -n kube-system run proxy --image={proxy} --dry-run=server"
    ))
}

/// A namespace whose images must be signed.
pub(crate) fn content_trust(shell: &Shell) -> Told {
    println!(
        "\n3. Content trust: in the namespace `shop`, images of the registry must be signed, by anybody."
    );
    shell.does("kubectl create namespace shop")?;
    shell.writes(
        "shop.yaml",
        &policy("shop", shell, "trust: {enabled: true}"),
    )?;
    shell.does("kubectl apply -f shop.yaml")?;
    let (signed, unsigned) = (shell.stage.image("web:1.0"), shell.stage.image("web:2.0"));
    shell.waits_for("shop", &signed)?;
    shell.does(&format!(
        "kubectl -n shop create deployment web --image={signed}"
    ))?;
    shell.does("kubectl -n shop rollout status deployment/web --timeout=120s")?;
    println!("\nThe pod runs the very image that was signed:");
    shell.does("kubectl -n shop get pods -o custom-columns=POD:.metadata.name,IMAGE:.spec.containers[0].image")?;
    println!(
        "\nThe second edition is not signed. The Deployment is created with a warning; its ReplicaSet cannot scale up:"
    );
    shell.does(&format!(
        "kubectl -n shop create deployment draft --image={unsigned}"
    ))?;
    shell.waits_until(
        "kubectl -n shop describe rs -l app=draft",
        "denied the request",
    )?;
    shell.does("kubectl -n shop describe deployment draft")?;
    shell.does("kubectl -n shop describe rs -l app=draft")
}

/// A namespace whose images two people must have signed.
pub(crate) fn signers(shell: &Shell) -> Told {
    println!(
        "\n4. Signers: in the namespace `bank`, alice and bob must both have signed the latest version."
    );
    shell.does("kubectl create namespace bank")?;
    for key in [&shell.stage.alice, &shell.stage.bob] {
        let name = &key.signer;
        shell.writes(&format!("{name}.pub"), &key.public_key)?;
        shell.does(&format!(
            "kubectl -n bank create secret generic {name} --from-literal=name={name} --from-file=publicKey={name}.pub"
        ))?;
    }
    let both = "trust: {enabled: true, signerSecrets: [{name: alice}, {name: bob}]}";
    shell.writes("bank.yaml", &policy("bank", shell, both))?;
    shell.does("kubectl apply -f bank.yaml")?;
    let [pay, cart] = ["pay:1.0", "cart:1.0"].map(|name| shell.stage.image(name));
    shell.waits_for("bank", &pay)?;
    shell.does(&format!("kubectl -n bank run pay --image={pay}"))?;
    println!(
        "\nThey signed the cart too, but carol has released another image under its tag since:"
    );
    shell.is_refused(&format!("kubectl -n bank run cart --image={cart}"))
}

/// A namespace whose images the Vulnerability Advisor must pass.
pub(crate) fn vulnerabilities(shell: &Shell) -> Told {
    println!(
        "\n5. Vulnerabilities: in the namespace `lab`, the Vulnerability Advisor must find nothing."
    );
    shell.does("kubectl create namespace lab")?;
    shell.writes("lab.yaml", &policy("lab", shell, "va: {enabled: true}"))?;
    shell.does("kubectl apply -f lab.yaml")?;
    shell.waits_for("lab", &shell.stage.image("web:1.0"))?;
    let old = shell.stage.image("old:1.0");
    shell.is_refused(&format!("kubectl -n lab run old --image={old}"))?;
    println!(
        "\nSomebody answers for it, until an end. What is misspelt is not stored: it would be an exemption without an end."
    );
    let exemption = exemption(shell);
    shell.writes("misspelt.yaml", &exemption.replace("expires", "expire"))?;
    shell.is_refused("kubectl apply -f misspelt.yaml")?;
    shell.writes("exemption.yaml", &exemption)?;
    shell.does("kubectl apply -f exemption.yaml")?;
    shell.waits_for("lab", &old)?;
    shell.does(&format!("kubectl -n lab run old --image={old}"))?;
    shell.does("kubectl -n lab get imageexemptions")
}

/// In the order of the documentation.
pub(crate) fn removal(shell: &Shell) -> Told {
    println!(
        "\n6. Remove: first the webhooks, from which moment everything runs; then the chart. Definitions and policies stay."
    );
    for kind in [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ] {
        shell.does(&format!(
            "kubectl delete --ignore-not-found=true {kind} image-admission-config"
        ))?;
    }
    let unsigned = shell.stage.image("web:2.0");
    shell.waits_for("shop", &unsigned)?;
    shell.does(&format!("kubectl -n shop run draft --image={unsigned}"))?;
    shell.does("helm uninstall cise")?;
    shell.does("kubectl get imagepolicies --all-namespaces")
}

fn values(shell: &Shell) -> String {
    let trust = shell.stage.notary.trust();
    let authority = trust.ca.trim_end().replace('\n', "\n    ");
    format!(
        "registries:\n- host: {}\n  plainHTTP: true\n  trustServer: {}\n  trustServerCA: |\n    {authority}\n  advisor: builtin\n\
         advisor:\n  enabled: true\n  database:\n    existingClaim: advisories\n",
        shell.stage.registry.host(),
        trust.server_url
    )
}

/// An exemption of the fault in `old`, for a month.
fn exemption(shell: &Shell) -> String {
    let end = Timestamp::now() + SignedDuration::from_hours(30 * 24);
    format!(
        "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ImageExemption\nmetadata:\n  \
         name: reviewed\n  namespace: lab\nspec:\n  issueType: cve\n  issueID: CVE-2026-9001\n  images: [\"{}/shop/old\"]\n  \
         reason: nothing calls it\n  owner: lab\n  expires: \"{end:.0}\"\n",
        shell.stage.registry.host()
    )
}

/// A policy of a namespace for all images of the registry.
fn policy(namespace: &str, shell: &Shell, requirement: &str) -> String {
    format!(
        "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ImagePolicy\nmetadata:\n  \
         name: {namespace}\n  namespace: {namespace}\nspec:\n  repositories:\n  - name: \"{}/shop/*\"\n    \
         policy:\n      {requirement}\n",
        shell.stage.registry.host()
    )
}
