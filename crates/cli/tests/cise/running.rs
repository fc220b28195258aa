//! Images that run before CISE comes: the advisor knows them before anybody waits for them.

use cise_testkit::images::{Format, Image};
use cise_testkit::registry::Registry;
use serde_json::{Value, json};

use crate::advised_site::{ISSUES, Site};
use crate::guarded::{FOREIGN, HOME, pod};
use crate::server::eventually;
use crate::vulnerable;

/// The images that run, of which no policy demands a verdict about the last one.
struct Images {
    old: Image,
    tool: Image,
    open: Image,
}

#[test]
fn what_runs_before_cise_comes_is_known_before_its_next_pod_comes() {
    let Some(mut site) = Site::prepare(&json!({})) else {
        return;
    };
    let images = pods_run_that_nobody_has_judged(&site);
    site.cluster.node_comes();
    the_advisor_reads_their_images_by_itself(&site, &images);
    a_pod_of_such_an_image_is_answered_at_once(&site);
    another_pod_of_the_advisor_reads_them_again(&site, &images);
    it_is_told_how_far_it_is(&site);
    pods_are_listed_and_nothing_else_is_done_to_them(&site);
}

/// The chart is installed, but nothing of it runs: what comes is let in, as before any installation.
fn pods_run_that_nobody_has_judged(site: &Site) -> Images {
    site.publishes_a_database();
    site.installs();
    for namespace in ["team", "default", HOME] {
        site.keeps_credentials(namespace);
    }
    site.cluster
        .kubectl("wait --for=condition=Established --timeout=60s crd --all");
    let (pattern, policy) = site.advised();
    site.cluster.allow("team", "ours", &[(&pattern, policy)]);
    site.cluster
        .allow("default", "ours", &[(&pattern, Value::Null)]);
    let of = |files: &[(&str, &str)]| Image::new(Format::Oci, files).unwrap();
    let images = Images {
        old: of(&vulnerable::DEBIAN),
        tool: of(&[("app/content.txt", "tool")]),
        open: of(&[("app/content.txt", "open")]),
    };
    for (name, namespace, image) in [
        ("old", "team", &images.old),
        ("tool", "team", &images.tool),
        ("open", "default", &images.open),
    ] {
        site.put(name, image);
        site.cluster
            .make("", &of_team(name, namespace, site))
            .unwrap();
    }
    site.proxy.forget();
    images
}

/// A pod that pulls with a secret of its own.
fn of_team(name: &str, namespace: &str, site: &Site) -> Value {
    let mut pod = pod(name, namespace, &site.image(name));
    pod["spec"]["imagePullSecrets"] = json!([{ "name": "pull" }]);
    pod
}

fn the_advisor_reads_their_images_by_itself(site: &Site, images: &Images) {
    eventually(
        "the images are looked at",
        || {
            site.cluster
                .replicas
                .logs()
                .contains("have been looked at: 2 known to the advisor, 0 not")
        },
        || site.cluster.replicas.logs(),
    );
    for (image, fetches) in [(&images.old, 1), (&images.tool, 1), (&images.open, 0)] {
        assert_eq!(site.fetches(image), fetches, "{:#?}", site.requests());
    }
    for replica in site.cluster.pods() {
        let audit = site.cluster.replica(&replica).lock().unwrap().audit();
        assert!(!audit.contains(&site.proxy.host()), "a review: {audit}");
    }
}

fn a_pod_of_such_an_image_is_answered_at_once(site: &Site) {
    site.cluster.answers();
    let foreign = || site.ask(FOREIGN);
    eventually(
        "the namespace is guarded",
        || foreign().is_err(),
        || format!("{:?}", foreign()),
    );
    let ask = |name: &str| site.cluster.make("?dryRun=All", &again(name, site));
    let said = ask("old").unwrap_err();
    assert!(said.contains(ISSUES), "{said}");
    ask("tool").unwrap();
}

fn again(name: &str, site: &Site) -> Value {
    let mut pod = of_team(name, "team", site);
    pod["metadata"]["name"] = "again".into();
    pod
}

/// What it had read is gone with the pod before. That the webhooks remember an answer makes no difference.
fn another_pod_of_the_advisor_reads_them_again(site: &Site, images: &Images) {
    let before = site.pods("advisor");
    site.cluster
        .kubectl(&format!("-n {HOME} delete pod {}", before.join(" ")));
    eventually(
        "they are read again",
        || [&images.old, &images.tool].map(|image| site.fetches(image)) == [2, 2],
        || format!("{:#?}\n{}", site.requests(), site.cluster.replicas.logs()),
    );
    assert_eq!(site.fetches(&images.open), 0);
}

fn it_is_told_how_far_it_is(site: &Site) {
    let metrics = || {
        let pages = site.cluster.pods().into_iter().map(|replica| {
            let replica = site.cluster.replica(&replica);
            replica.lock().unwrap().admin("/metrics").1
        });
        pages.collect::<String>()
    };
    for line in [
        r#"cise_running_images_total{result="known"} 4"#,
        "cise_running_images_under_way 0",
    ] {
        eventually(line, || metrics().contains(line), metrics);
    }
    assert!(!site.cluster.replicas.logs().contains(Registry::PASSWORD));
}

fn pods_are_listed_and_nothing_else_is_done_to_them(site: &Site) {
    let asked = site.cluster.plane.requests_of(HOME, "cise").unwrap();
    let of_pods = asked.iter().filter(|one| one.resource.starts_with("pods"));
    let done: Vec<(&str, u64)> = of_pods.map(|one| (&*one.verb, one.status)).collect();
    assert!(!done.is_empty());
    assert!(done.iter().all(|one| *one == ("list", 200)), "{done:?}");
}
