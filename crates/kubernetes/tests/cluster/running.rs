//! The images of the pods that run, as they are listed.

use std::collections::BTreeSet;

use cise_admission::Prospect;
use cise_kubernetes::{RunningImages, RunningPage};
use serde_json::{Value, json};

use crate::environment::Environment;

/// More pods than there are on a page.
const MANY: usize = 60;

/// How many large pods there are: more than a page takes.
const LARGE: usize = 5;

fn pod(namespace: &str, name: &str, environment: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": namespace },
        "spec": {
            "containers": [{
                "name": "a", "image": format!("registry.example.com/{name}:v1"),
                "env": [{ "name": "A", "value": environment }],
            }],
            "imagePullSecrets": [{ "name": "pull" }],
        },
    })
}

fn create(environment: &Environment, pods: &[Value]) {
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": pods });
    let created = environment.try_kubectl(&["create", "-f", "-"], &list.to_string());
    created.unwrap();
}

fn namespace(environment: &Environment, name: &str) {
    environment.namespace(name);
    let wait = ["-n", name, "wait", "--for=create", "--timeout=60s"];
    environment.kubectl(&[&wait[..], &["serviceaccount/default"]].concat());
}

/// All pages, as the program is given them.
async fn pages(environment: &Environment) -> Vec<RunningPage> {
    let mut images = RunningImages::of(&environment.cluster().await);
    let mut pages = Vec::new();
    while let Some(page) = images.next().await.unwrap() {
        assert_eq!(page.unread, 0);
        pages.push(page);
    }
    assert_eq!(images.next().await.unwrap(), None, "it has ended");
    pages
}

/// The images of this namespace that are on these pages.
fn images_in(pages: &[RunningPage], namespace: &str) -> BTreeSet<String> {
    let all: Vec<&Prospect> = pages.iter().flat_map(|page| &page.images).collect();
    let shown: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), all.len(), "none is there twice");
    let suffix = format!(" of namespace {namespace}");
    shown
        .iter()
        .filter_map(|image| image.strip_suffix(&suffix))
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_images_of_all_pods_that_have_not_ended_come_page_by_page() {
    let Some(environment) = Environment::bare() else {
        return;
    };
    for name in ["many", "few"] {
        namespace(&environment, name);
    }
    let many: Vec<String> = (0..MANY).map(|number| format!("app{number}")).collect();
    let pods = many.iter().map(|name| pod("many", name, ""));
    create(&environment, &pods.collect::<Vec<_>>());
    create(
        &environment,
        &["runs", "ended", "failed"].map(|name| pod("few", name, "")),
    );
    for (name, phase) in [
        ("ended", "Succeeded"),
        ("failed", "Failed"),
        ("runs", "Running"),
    ] {
        let status = json!({ "status": { "phase": phase } }).to_string();
        let patch = [
            "-n",
            "few",
            "patch",
            "pod",
            name,
            "--subresource=status",
            "-p",
        ];
        environment.kubectl(&[&patch[..], &[&status]].concat());
    }

    let listed = pages(&environment).await;
    assert!(listed.len() > 1);
    let pods: usize = listed.iter().map(|page| page.pods).sum();
    assert_eq!(pods, MANY + 1);
    let expected: BTreeSet<String> = many
        .iter()
        .map(|name| format!("registry.example.com/{name}:v1"))
        .collect();
    assert_eq!(images_in(&listed, "many"), expected);
    let runs = BTreeSet::from(["registry.example.com/runs:v1".to_owned()]);
    assert_eq!(images_in(&listed, "few"), runs);
    pods_that_are_too_large_for_one_page_come_on_several(&environment).await;
    whoever_may_not_list_pods_is_told_so(&environment).await;
}

async fn pods_that_are_too_large_for_one_page_come_on_several(environment: &Environment) {
    namespace(environment, "large");
    let environment_of_pod = "x".repeat(1_000_000);
    for number in 0..LARGE {
        create(
            environment,
            &[pod("large", &format!("large{number}"), &environment_of_pod)],
        );
    }
    let listed = pages(environment).await;
    let pods: usize = listed.iter().map(|page| page.pods).sum();
    assert_eq!(pods, MANY + 1 + LARGE);
    assert_eq!(images_in(&listed, "large").len(), LARGE);
}

async fn whoever_may_not_list_pods_is_told_so(environment: &Environment) {
    environment.kubectl(&["delete", "clusterrolebinding", "cise"]);
    let mut images = RunningImages::of(&environment.cluster().await);
    let told = loop {
        // The API server learns of it a little later.
        match images.next().await {
            Ok(None) => images = RunningImages::of(&environment.cluster().await),
            Ok(Some(_)) => {}
            Err(error) => break error.to_string(),
        }
    };
    let expected = "listing the pods of the cluster failed: pods is forbidden";
    assert!(told.starts_with(expected), "{told}");
}
