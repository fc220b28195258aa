//! In a cluster: an image that was admitted, an advisory that came since, and the record of it until its namespace is deleted.

use std::cell::Cell;

use serde_json::{Value, json};

use crate::advised_site::{ISSUES, Site};
use crate::guarded::{HOME, pod};
use crate::server::eventually;

/// The version of the vulnerable package that the image has, and the next one.
const INSTALLED: &str = "1.2-3";
const NEXT: &str = "1.2-4";

#[test]
fn what_was_admitted_is_admitted_again_in_its_namespace_until_that_is_deleted() {
    let Some(site) = Site::start(&json!({ "alreadyAdmittedHours": 72 })) else {
        return;
    };
    site.cluster.kubectl("create namespace other");
    site.cluster
        .kubectl("-n other wait --for=create --timeout=60s serviceaccount/default");
    site.judges("other");
    let image = an_image_passes(&site);
    advisories_refuse_it_where_it_never_was(&site, &image);
    where_it_was_it_is_admitted_with_a_warning(&site, &image);
    the_record_goes_with_its_namespace(&site, &image);
}

fn an_image_passes(site: &Site) -> String {
    site.publishes_a_database();
    site.corrects_the_database((NEXT, INSTALLED));
    let image = site.vulnerable("running");
    site.makes("first", &image);
    eventually(
        "it is recorded",
        || is_recorded(site),
        || site.cluster.replicas.logs(),
    );
    image
}

fn advisories_refuse_it_where_it_never_was(site: &Site, image: &str) {
    site.corrects_the_database((INSTALLED, NEXT));
    site.restarts_the_advisor();
    // With the first answer by the new database, those by the old one count no more: until then each try is another image.
    let tries = Cell::new(0);
    let ask_of_another = || {
        tries.set(tries.get() + 1);
        let another = site.vulnerable(&format!("another{}", tries.get()));
        site.cluster.ask("other", &another)
    };
    let ask = || site.cluster.ask("other", image);
    refuses(site, ask_of_another);
    refuses(site, ask);
}

fn refuses(site: &Site, ask: impl Fn() -> Result<Value, String>) {
    eventually(
        "the new advisory",
        || ask().is_err_and(|said| said.contains(ISSUES)),
        || site.cluster.replicas.logs(),
    );
}

fn where_it_was_it_is_admitted_with_a_warning(site: &Site, image: &str) {
    let (admitted, warnings) = make(site, &pod("again", "team", image));
    assert!(admitted.is_ok(), "{admitted:?}");
    let [warning] = &warnings[..] else {
        panic!("{warnings:?}")
    };
    assert!(warning.contains("forgiven until 20"), "{warning}");
    let (refused, _) = make(site, &pod("again", "other", image));
    assert!(refused.is_err_and(|said| said.contains(ISSUES)));
}

/// CISE may not delete it: the garbage collector does.
fn the_record_goes_with_its_namespace(site: &Site, image: &str) {
    // Nothing of this cluster ends its pods.
    site.cluster
        .kubectl("-n team delete pods --all --force --grace-period=0");
    site.cluster.kubectl("delete namespace team --timeout=120s");
    eventually("the record is gone", || !is_recorded(site), || record(site));
    site.cluster.kubectl("create namespace team");
    site.cluster
        .kubectl("-n team wait --for=create --timeout=60s serviceaccount/default");
    site.judges("team");
    site.eventually_refuses(image, ISSUES);
}

fn make(site: &Site, pod: &Value) -> (Result<Value, String>, Vec<String>) {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap();
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    let answer = site.cluster.api.post(&path, pod).unwrap();
    let warnings = answer.warnings.clone();
    (answer.into_object(), warnings)
}

fn record(site: &Site) -> String {
    let get = "get configmap cise-admitted-team --ignore-not-found -o json";
    site.cluster.kubectl(&format!("-n {HOME} {get}"))
}

fn is_recorded(site: &Site) -> bool {
    !record(site).is_empty()
}
