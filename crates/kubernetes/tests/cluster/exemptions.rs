//! Exemptions, as people write them and as the webhooks hear of them.

use std::sync::Arc;

use cise_admission::ExemptionSource as _;
use cise_advisor::exemption::{IssueType, Subject, TagBinding};
use cise_kubernetes::ExemptionWatch;
use cise_policy::Namespace;
use cise_reference::{Digest, Reference};
use jiff::Timestamp;

use crate::environment::{Environment, eventually};

fn exemption(kind: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"
    )
}

/// Whether an issue is exempted for an image in that namespace, as the watch knows it.
fn exempts(watch: &ExemptionWatch, namespace: &str, issue: &str) -> bool {
    let digest = Digest::parse(&format!("sha256:{}", "0".repeat(64))).unwrap();
    let reference = Reference::parse("icr.io/team/app:1").unwrap();
    let subject = Subject::new(&reference, &digest, TagBinding::Unproven).unwrap();
    let subject = subject.in_namespace(Namespace::parse(namespace).unwrap());
    let exemptions = watch.exemptions();
    let applying = exemptions.applying_to(&subject, Timestamp::now());
    applying.find(IssueType::Cve, issue).is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exemption_counts_as_soon_as_it_is_written_in_its_scope_and_until_it_is_deleted() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    environment.namespace("exempted");
    let watch = Arc::new(ExemptionWatch::new(environment.cluster().await));
    let following = Arc::clone(&watch);
    tokio::spawn(async move { following.follow().await });

    let issue =
        "{issueType: cve, issueID: CVE-2026-0001, images: ['icr.io/*'], expires: 2999-12-31}";
    let own = exemption("ImageExemption", "own", issue);
    environment
        .try_kubectl(&["-n", "exempted", "create", "-f", "-"], &own)
        .unwrap();
    eventually("it counts", || exempts(&watch, "exempted", "CVE-2026-0001")).await;
    assert!(!exempts(&watch, "default", "CVE-2026-0001"));

    let of_all = issue.replace("0001", "0002");
    let of_all = exemption("ClusterImageExemption", "of-all", &of_all);
    environment
        .try_kubectl(&["apply", "--server-side", "-f", "-"], &of_all)
        .unwrap();
    eventually("it counts", || exempts(&watch, "default", "CVE-2026-0002")).await;
    assert!(exempts(&watch, "exempted", "CVE-2026-0002"));

    let shown = environment.kubectl(&["-n", "exempted", "get", "imageexemptions"]);
    assert!(shown.contains("CVE-2026-0001"), "{shown}");
    environment.kubectl(&["-n", "exempted", "delete", "imageexemption", "own"]);
    eventually("it is over", || {
        !exempts(&watch, "exempted", "CVE-2026-0001")
    })
    .await;
}

/// The end of an exemption must not be lost by a typing error.
#[tokio::test(flavor = "multi_thread")]
async fn an_exemption_with_a_field_that_is_not_known_exempts_nothing() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    environment.namespace("misspelt");
    let watch = Arc::new(ExemptionWatch::new(environment.cluster().await));
    let following = Arc::clone(&watch);
    tokio::spawn(async move { following.follow().await });
    let create = ["-n", "misspelt", "create", "--validate=false", "-f", "-"];
    let misspelt =
        "{issueType: cve, issueID: CVE-2026-0003, images: ['icr.io/*'], expire: 2020-01-01}";
    for (name, spec) in [
        ("misspelt", misspelt),
        (
            "in-order",
            &misspelt
                .replace("0003", "0004")
                .replace(", expire: 2020-01-01", ""),
        ),
    ] {
        environment
            .try_kubectl(&create, &exemption("ImageExemption", name, spec))
            .unwrap();
    }
    eventually("the one in order counts", || {
        exempts(&watch, "misspelt", "CVE-2026-0004")
    })
    .await;
    assert!(!exempts(&watch, "misspelt", "CVE-2026-0003"));
}
