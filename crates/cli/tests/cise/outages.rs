//! The API server is away, or CISE is.

use cise_testkit::cise::Cise;
use serde_json::json;

use crate::guarded::{EXEMPT, FOREIGN, Guarded};
use crate::server::eventually;

#[test]
fn what_was_in_force_stays_in_force_and_what_changed_meanwhile_comes_into_force() {
    let Some(mut cluster) = Guarded::start(&json!({})) else {
        return;
    };
    cluster.exempt("team", &[]);
    the_api_server_may_be_restarted(&mut cluster);
    what_changed_unseen_comes_into_force_even_if_nobody_remembers_it(&mut cluster);
    without_cise_workloads_are_made_and_pods_are_not(&mut cluster);
}

fn the_api_server_may_be_restarted(cluster: &mut Guarded) {
    let pods = cluster.pods();
    let replicas = cluster.replicas.clone();
    let age = |pod: &String| age_of_policies(&replicas.of(pod).unwrap().lock().unwrap());
    let meanwhile = || {
        eventually(
            "the age of the policies is shown",
            || pods.iter().all(|pod| age(pod) > 0.0),
            || replicas.logs(),
        );
        for pod in &pods {
            assert_eq!(
                replicas.of(pod).unwrap().lock().unwrap().admin("/readyz").0,
                200
            );
        }
    };
    cluster.plane.restart_api_server(meanwhile).unwrap();
    assert!(cluster.ask("team", EXEMPT).is_ok());
    let said = cluster.ask("team", FOREIGN).unwrap_err();
    assert!(said.contains("denied the request: "), "{said}");
    eventually(
        "the policies are followed again",
        || pods.iter().all(|pod| age(pod) == 0.0),
        || replicas.logs(),
    );
    cluster.exempt("team", &[("registry.example.com/team/*", json!(null))]);
    is_admitted(cluster, "registry.example.com/team/more:v1");
}

/// For how long nothing was heard of them, in seconds.
fn age_of_policies(server: &Cise) -> f64 {
    let metrics = server.admin("/metrics").1;
    let age = metrics.split("\ncise_policies_age_seconds ").nth(1);
    age.unwrap().split('\n').next().unwrap().parse().unwrap()
}

/// A restarted API server knows no changes of the time before, so that a watch cannot be taken up again.
fn what_changed_unseen_comes_into_force_even_if_nobody_remembers_it(cluster: &mut Guarded) {
    let entry = "registry.example.com/brief/*";
    cluster.allow("team", "brief", &[(entry, json!(null))]);
    let image = "registry.example.com/brief/app:v1";
    is_admitted(cluster, image);
    cluster.way.cut();
    cluster.kubectl("-n team delete imagepolicy brief");
    cluster.plane.restart_api_server(|| {}).unwrap();
    assert!(
        cluster.ask("team", image).is_ok(),
        "what is known is in force"
    );
    cluster.way.heal();
    let answer = || cluster.ask("team", image);
    let sentence = "Deny, no image policies or cluster polices for ";
    eventually(
        "the policy is no longer in force",
        || answer().is_err_and(|said| said.contains(sentence)),
        || format!("{:?}\n{}", answer(), cluster.replicas.logs()),
    );
    assert!(cluster.ask("team", EXEMPT).is_ok());
}

fn is_admitted(cluster: &Guarded, image: &str) {
    let answer = || cluster.ask("team", image);
    eventually(
        "the policy is in force",
        || answer().is_ok(),
        || format!("{:?}\n{}", answer(), cluster.replicas.logs()),
    );
}

fn without_cise_workloads_are_made_and_pods_are_not(cluster: &mut Guarded) {
    cluster.node_goes();
    cluster.kubectl(&format!("-n team create deployment web --image={FOREIGN}"));
    let events = || cluster.kubectl("-n team get events -o jsonpath={.items[*].message}");
    eventually(
        "the controller cannot make its pods",
        || events().contains("failed calling webhook"),
        events,
    );
    assert_eq!(cluster.kubectl("-n team get pods -l app=web -o name"), "");
    cluster.node_comes();
    cluster.answers();
}
