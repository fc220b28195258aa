//! Policies, followed as they change.

use std::sync::Arc;
use std::time::Instant;

use cise_admission::PolicySource as _;
use cise_kubernetes::{Access, Cluster, Listing, PolicyKind, PolicyResource, PolicyWatch};
use cise_policy::{ApiGroup, Resolution};
use cise_reference::Reference;
use tokio::task::JoinHandle;

use crate::environment::{Environment, HOME, eventually};
use crate::relay::ApiRelay;

fn follow(cluster: Cluster) -> (Arc<PolicyWatch>, JoinHandle<()>) {
    let watch = Arc::new(PolicyWatch::new(cluster));
    let following = Arc::clone(&watch);
    let task = tokio::spawn(async move { following.follow().await });
    (watch, task)
}

fn policy(group: ApiGroup, kind: &str, name: &str, repositories: &str) -> String {
    format!(
        "apiVersion: {}\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{repositories: {repositories}}}\n---\n",
        group.api_version()
    )
}

fn own(name: &str, repositories: &str) -> String {
    policy(ApiGroup::V1Beta1, "ImagePolicy", name, repositories)
}

/// What is in force in a namespace, in words.
fn in_force(watch: &PolicyWatch, namespace: &str) -> String {
    let policies = watch.policies();
    match policies.resolve(namespace, &Reference::parse("icr.io/team/app:1").unwrap()) {
        Resolution::NoPolicies => "no policies".to_owned(),
        Resolution::NoMatch => "no match".to_owned(),
        Resolution::Unreadable(unreadable) => format!("unreadable: {}", unreadable[0].reason),
        Resolution::Matched(matched) => matched
            .iter()
            .map(|applied| applied.origin.to_string())
            .collect::<Vec<_>>()
            .join(", "),
    }
}

async fn comes_into_force(watch: &PolicyWatch, namespace: &str, expected: &str) {
    let holds = || in_force(watch, namespace).contains(expected);
    eventually(&format!("{namespace} has {expected}"), holds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_in_force_as_soon_as_it_is_written_changed_or_deleted() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    environment.namespace("follow");
    let apply = |text: &str| {
        environment
            .try_kubectl(&["-n", "follow", "apply", "-f", "-"], text)
            .unwrap()
    };
    apply(&own("first", "[{name: '*'}]"));
    let (watch, _task) = follow(environment.cluster().await);
    assert_eq!(
        in_force(&watch, "follow"),
        "no policies",
        "nothing is known before it is ready"
    );
    watch.ready().await;
    assert_eq!(in_force(&watch, "follow"), "ImagePolicy follow/first");
    apply(&own("second", "[{name: 'icr.io/*'}]"));
    comes_into_force(&watch, "follow", "ImagePolicy follow/second").await;
    apply(&own("second", "[{name: 'quay.io/*'}]"));
    comes_into_force(&watch, "follow", "ImagePolicy follow/first").await;
    environment.kubectl(&["-n", "follow", "delete", "imagepolicies", "first", "second"]);
    eventually("its policies are gone", || {
        !in_force(&watch, "follow").contains("follow/")
    })
    .await;
    assert!(watch.status().age().is_zero());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_policy_that_cannot_be_read_denies_its_namespace_alone_and_is_named() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    environment.namespace("unread");
    environment.namespace("beside");
    let apply = |namespace, text: &str| {
        environment
            .try_kubectl(&["-n", namespace, "apply", "-f", "-"], text)
            .unwrap()
    };
    apply("beside", &own("good", "[{name: '*'}]"));
    apply("unread", &own("good", "[{name: '*'}]"));
    apply(
        "unread",
        &own("bad", "[{name: '*', polcy: {trust: {enabled: true}}}]"),
    );
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    apply(
        "unread",
        &own(
            "deep",
            &format!("[{{name: '*', policy: {{cosign: [{{a: {deep}}}]}}}}]"),
        ),
    );
    let (watch, _task) = follow(environment.cluster().await);
    watch.ready().await;
    assert!(in_force(&watch, "unread").contains("unknown field `polcy`"));
    assert_eq!(in_force(&watch, "beside"), "ImagePolicy beside/good");
    let named: Vec<String> = watch
        .status()
        .unreadable
        .iter()
        .map(|one| one.origin.to_string())
        .collect();
    for name in ["ImagePolicy unread/bad", "ImagePolicy unread/deep"] {
        assert!(named.iter().any(|one| one == name), "{named:?}");
    }
    environment.kubectl(&["-n", "unread", "delete", "imagepolicies", "bad", "deep"]);
    comes_into_force(&watch, "unread", "ImagePolicy unread/good").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_may_be_missing_at_first_and_come_and_go() {
    let Some(environment) = Environment::bare() else {
        return;
    };
    let (watch, _task) = follow(environment.cluster().await);
    watch.ready().await;
    let absent = |group| {
        let resource = PolicyResource::new(group, PolicyKind::Cluster);
        let status = watch.status();
        let found = status.resources.iter().find(|one| one.resource == resource);
        found.unwrap().listing == Listing::Absent
    };
    assert!(absent(ApiGroup::V1Beta1) && absent(ApiGroup::PortierisV1));
    assert_eq!(in_force(&watch, "default"), "no policies");
    for group in [ApiGroup::V1Beta1, ApiGroup::PortierisV1] {
        environment.define(group);
        environment.apply(&policy(group, "ClusterImagePolicy", "all", "[{name: '*'}]"));
    }
    let both = "ClusterImagePolicy all, ClusterImagePolicy all (portieris.cloud.ibm.com)";
    comes_into_force(&watch, "default", both).await;
    environment.kubectl(&[
        "delete",
        "crd",
        "clusterimagepolicies.portieris.cloud.ibm.com",
    ]);
    eventually("the definition is gone", || absent(ApiGroup::PortierisV1)).await;
    assert_eq!(in_force(&watch, "default"), "ClusterImagePolicy all");
    environment.define(ApiGroup::PortierisV1);
    environment.apply(&policy(
        ApiGroup::PortierisV1,
        "ClusterImagePolicy",
        "all",
        "[{name: '*'}]",
    ));
    comes_into_force(&watch, "default", both).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_policies_stay_in_force_while_the_api_server_is_away() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    environment.namespace("outage");
    let apply = |text: &str| {
        environment
            .try_kubectl(&["-n", "outage", "apply", "-f", "-"], text)
            .unwrap()
    };
    apply(&own("before", "[{name: '*'}]"));
    let relay = ApiRelay::start(&environment);
    let access = Access::Kubeconfig(relay.kubeconfig());
    let (watch, _task) = follow(Cluster::connect(&access, Some(HOME)).await.unwrap());
    watch.ready().await;
    assert!(watch.status().age().is_zero());
    relay.cut();
    eventually("the outage is noticed", || !watch.status().age().is_zero()).await;
    apply(&own("meanwhile", "[{name: 'icr.io/*'}]"));
    environment.kubectl(&["-n", "outage", "delete", "imagepolicy", "before"]);
    assert_eq!(in_force(&watch, "outage"), "ImagePolicy outage/before");
    assert!(watch.is_ready());
    relay.heal();
    comes_into_force(&watch, "outage", "ImagePolicy outage/meanwhile").await;
    eventually("all is followed again", || watch.status().age().is_zero()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_api_server_it_is_not_ready_and_says_why() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    let relay = ApiRelay::start(&environment);
    relay.cut();
    let access = Access::Kubeconfig(relay.kubeconfig());
    let (watch, _task) = follow(Cluster::connect(&access, Some(HOME)).await.unwrap());
    let all_fail = || {
        let status = watch.status();
        !status.resources.is_empty() && status.resources.iter().all(|one| one.failing.is_some())
    };
    eventually("every resource is known to fail", all_fail).await;
    assert!(!watch.is_ready());
    assert_eq!(in_force(&watch, "any"), "no policies");
    relay.heal();
    watch.ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_policies_are_listed_and_changed_in_few_generations() {
    let Some(environment) = Environment::bare() else {
        return;
    };
    environment.define(ApiGroup::V1Beta1);
    let (namespaces, policies) = thousand();
    environment.apply(&namespaces);
    environment
        .try_kubectl(&["create", "-f", "-"], &policies)
        .unwrap();
    let started = Instant::now();
    let (watch, _task) = follow(environment.cluster().await);
    watch.ready().await;
    println!(
        "1,000 policies were in force {:?} after the start",
        started.elapsed()
    );
    for namespace in ["n0", "n99"] {
        assert_eq!(
            in_force(&watch, namespace),
            format!("ImagePolicy {namespace}/p9")
        );
    }
    assert_eq!(watch.status().generation, 1);
    let changed = policies.replace("icr.io", "quay.io");
    environment
        .try_kubectl(&["replace", "-f", "-"], &changed)
        .unwrap();
    comes_into_force(&watch, "n99", "no match").await;
    comes_into_force(&watch, "n0", "no match").await;
    println!(
        "1,000 changes made {} generations",
        watch.status().generation - 1
    );
    assert!(
        watch.status().generation < 500,
        "changes that come together are compiled together"
    );
}

/// 100 namespaces with 10 policies each. The last policy of each is the most specific one.
fn thousand() -> (String, String) {
    use std::fmt::Write as _;
    let (mut namespaces, mut policies) = (String::new(), String::new());
    for namespace in 0..100 {
        writeln!(
            namespaces,
            "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: n{namespace}}}"
        )
        .unwrap();
        for policy in 0..10 {
            let stars = "*".repeat(10 - policy);
            let text = own(
                &format!("p{policy}, namespace: n{namespace}"),
                &format!("[{{name: 'icr.io/team/{}{stars}'}}]", &"app"[..policy / 3]),
            );
            policies.push_str(&text);
        }
    }
    (namespaces, policies)
}
