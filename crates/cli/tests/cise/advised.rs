//! The Vulnerability Advisor as the chart runs it: a pod of its own, asked through its Service, with an outage, a restart, a
//! crowd, and the loss of everything.

use std::thread;

use cise_testkit::images::{Format, Image, sha256};
use cise_testkit::registry::Registry;
use serde_json::{Value, json};

use crate::advised_site::{ISSUES, Site};
use crate::guarded::{FOREIGN, HOME};
use crate::server::eventually;
use crate::vulnerable;

/// How many new images come at once, and how many pods run each.
const NEW_IMAGES: usize = 10;
const PODS_OF_EACH: usize = 10;

#[test]
fn the_advisor_of_the_chart_answers_recovers_and_takes_a_crowd() {
    let Some(mut site) = Site::start(&json!({})) else {
        return;
    };
    without_a_database_images_are_denied_with_that_reason(&site);
    with_one_they_are_judged_as_documented(&site);
    images_are_judged_for_the_platforms_of_the_nodes(&site);
    an_exemption_of_the_namespace_admits_until_it_is_gone(&site);
    what_a_believed_key_has_signed_of_an_image_admits_it(&site);
    a_restart_goes_unnoticed(&site);
    while_the_advisor_is_gone_what_it_said_counts_and_nothing_else_is_said(&site);
    with_everything_gone_everything_comes_back_by_itself(&mut site);
    a_crowd_of_new_images_is_indexed_once_each(&site);
    no_credential_is_in_any_log(&site);
}

fn without_a_database_images_are_denied_with_that_reason(site: &Site) {
    let image = site.vulnerable("before");
    site.eventually_refuses(&image, "no advisory database");
    let told = site.status();
    assert!(told.contains("no advisory database yet"), "{told}");
    let said = site.ask(&image).unwrap_err();
    assert!(
        said.contains("Vulnerability Advisor is not available"),
        "{said}"
    );
}

fn with_one_they_are_judged_as_documented(site: &Site) {
    site.publishes_a_database();
    let image = site.vulnerable("old");
    site.eventually_refuses(&image, ISSUES);
    let said = site.ask(&image).unwrap_err();
    assert!(said.contains("CVE-2026-9001"), "{said}");
    // It holds one file, and nothing of a distribution.
    site.eventually_admits(&site.push("tool", &[("app/content.txt", "tool")]));
    site.rolled_out("cise-advisor");
    let told = site.status();
    assert!(
        told.contains("1 of 1 ready (Deployment cise-advisor); database "),
        "{told}"
    );
    assert!(told.contains(" h old; no image is being read"), "{told}");
}

/// With the first node of another platform, what was said without a look at that platform counts no more.
fn images_are_judged_for_the_platforms_of_the_nodes(site: &Site) {
    let files = [("app/content.txt", "app")];
    let parts = [
        Image::for_platform(Format::Oci, "linux/amd64", &files),
        Image::for_platform(Format::Oci, "linux/arm64", &vulnerable::DEBIAN),
    ];
    let image = Image::index(Format::Oci, &parts.map(Result::unwrap));
    site.put("both", &image);
    let both = site.image("both");
    site.eventually_admits(&both);
    site.cluster.apply(&json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": { "name": "other", "labels": { "kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64" } },
    }));
    site.eventually_refuses(&both, ISSUES);
    site.cluster.kubectl("delete node other");
    site.eventually_admits(&both);
}

fn an_exemption_of_the_namespace_admits_until_it_is_gone(site: &Site) {
    let image = site.vulnerable("old");
    site.cluster.apply(&json!({
        "apiVersion": "securityenforcement.admission.cloud.ibm.com/v1beta1", "kind": "ImageExemption",
        "metadata": { "name": "reviewed", "namespace": "team" },
        "spec": { "issueType": "cve", "issueID": "CVE-2026-9001", "images": [format!("{}/team/*", site.proxy.host())] },
    }));
    site.eventually_admits(&image);
    site.cluster
        .kubectl("-n team delete imageexemption reviewed");
    site.eventually_refuses(&image, ISSUES);
}

/// The webhooks know no key: the advisor does, and reads with the pull secret of the pod.
fn what_a_believed_key_has_signed_of_an_image_admits_it(site: &Site) {
    let files = [&vulnerable::DEBIAN[..], &[("name", "forgiven")]].concat();
    let image = Image::new(Format::Oci, &files).unwrap();
    site.put("forgiven", &image);
    site.eventually_refuses(&site.image("forgiven"), ISSUES);
    let document = json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex/1",
        "author": "Team <team@example.com>",
        "timestamp": "2025-11-20T00:00:00Z",
        "version": 1,
        "statements": [{
            "vulnerability": { "name": "CVE-2026-9001" },
            "products": [{ "hashes": { "sha-256": image.digest().replace("sha256:", "") } }],
            "status": "not_affected",
            "impact_statement": "the program never calls it",
        }],
    });
    site.attests("forgiven", &document);
    site.eventually_admits(&site.image("forgiven"));
}

fn a_restart_goes_unnoticed(site: &Site) {
    site.restarts_the_advisor();
    site.eventually_refuses(&site.vulnerable("restarted"), ISSUES);
}

fn while_the_advisor_is_gone_what_it_said_counts_and_nothing_else_is_said(site: &Site) {
    let [old, tool] = ["old", "tool"].map(|name| site.image(name));
    site.eventually_admits(&tool);
    site.eventually_refuses(&old, ISSUES);
    site.scale("cise-advisor", 0);
    eventually(
        "the advisor is gone",
        || site.pods("advisor").is_empty(),
        || site.pods("advisor").join(" "),
    );
    let said = site.ask(&site.vulnerable("new")).unwrap_err();
    assert!(said.contains("advisor unreachable"), "{said}");
    site.ask(&tool).unwrap();
    let said = site.ask(&old).unwrap_err();
    assert!(said.contains(ISSUES), "{said}");
    site.scale("cise-advisor", 1);
    site.eventually_refuses(&site.image("new"), ISSUES);
}

/// CISE's namespace is guarded as any other, so that nothing but what its pods run lets them in.
fn with_everything_gone_everything_comes_back_by_itself(site: &mut Site) {
    site.scale("cise", 2);
    site.rolled_out("cise");
    site.cluster
        .kubectl(&format!("-n {HOME} delete imagepolicies --all"));
    let guarded = |site: &Site| site.cluster.ask(HOME, FOREIGN);
    eventually(
        "CISE's namespace is guarded",
        || guarded(site).is_err_and(|said| said.contains("Trust is not supported")),
        || format!("{:?}", guarded(site)),
    );
    let own = own_pod(site);
    site.cluster.node_goes();
    let made = || ["server", "advisor"].map(|component| site.pods(component).len());
    eventually(
        "the controllers make all pods",
        || made() == [2, 1],
        || format!("{:?}", made()),
    );
    site.cluster
        .kubectl("-n team create serviceaccount cise-advisor");
    let admitted = site.cluster.make("?dryRun=All", &own);
    assert!(admitted.is_ok(), "the very pod: {admitted:?}");
    for (place, other) in [
        ("/spec/containers/0/image", "icr.io/ibm/other:1"),
        ("/spec/serviceAccountName", "default"),
        ("/metadata/namespace", "team"),
    ] {
        let mut pretender = own.clone();
        *pretender.pointer_mut(place).unwrap() = other.into();
        let said = site.cluster.make("?dryRun=All", &pretender).unwrap_err();
        assert!(said.contains("failed calling webhook"), "{place}: {said}");
    }
    site.cluster.node_comes();
    site.cluster.answers();
    site.rolled_out("cise-advisor");
    site.eventually_refuses(&site.image("old"), ISSUES);
    site.eventually_admits(&site.image("tool"));
}

/// What the controller asks for as the advisor's pod, as somebody else would ask for it.
fn own_pod(site: &Site) -> Value {
    let path = format!("/apis/apps/v1/namespaces/{HOME}/deployments/cise-advisor");
    let deployment = site.cluster.api.get(&path).unwrap().into_object().unwrap();
    let mut pod = deployment["spec"]["template"].clone();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = "pretender".into();
    pod["metadata"]["namespace"] = HOME.into();
    pod
}

fn a_crowd_of_new_images_is_indexed_once_each(site: &Site) {
    let images: Vec<(String, Image)> = (0..NEW_IMAGES)
        .map(|number| {
            let name = format!("crowd{number}");
            let image = Image::new(Format::Oci, &[("app/number.txt", &name)]).unwrap();
            site.put(&name, &image);
            (site.image(&name), image)
        })
        .collect();
    site.proxy.forget();
    let refusals: Vec<String> = thread::scope(|scope| {
        let images = images.iter().enumerate();
        let pods = images.flat_map(|(number, (image, _))| {
            (0..PODS_OF_EACH).map(move |pod| (format!("crowd-{number}-{pod}"), image))
        });
        let making: Vec<_> = pods
            .map(|(name, image)| scope.spawn(move || site.makes(&name, image)))
            .collect();
        let made = making.into_iter().map(|thread| thread.join().unwrap());
        made.flatten().collect()
    });
    // Whoever was refused was told to come again, and was let in then.
    for said in &refusals {
        assert!(said.contains("try again"), "{said}");
    }
    let pods = site.cluster.kubectl("-n team get pods -o name");
    let crowd = pods.lines().filter(|name| name.starts_with("pod/crowd-"));
    assert_eq!(crowd.count(), NEW_IMAGES * PODS_OF_EACH);
    let exchanges = site.proxy.exchanges();
    for (name, image) in &images {
        let layer = sha256(&image.blobs()[1]);
        let fetches = exchanges
            .iter()
            .filter(|one| one.method == "GET" && one.path.contains(&format!("/blobs/{layer}")));
        let paths = || {
            exchanges
                .iter()
                .map(|one| format!("{} {}", one.method, one.path))
        };
        assert_eq!(
            fetches.count(),
            1,
            "{name}: {:#?}",
            paths().collect::<Vec<_>>()
        );
    }
}

fn no_credential_is_in_any_log(site: &Site) {
    assert!(!site.cluster.replicas.logs().contains(Registry::PASSWORD));
}
