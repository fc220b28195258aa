//! Two replicas, which share the work and stand in for each other.

use serde_json::{Value, json};

use crate::cluster::Peers;
use crate::guarded::{Guarded, HOME, pod};
use crate::load::Load;
use crate::server::eventually;

#[test]
fn replicas_share_the_work_and_stand_in_for_each_other() {
    if !Peers::require() {
        return;
    }
    let peers = Peers::start();
    let Some(cluster) = Guarded::start(&peers.values()) else {
        return;
    };
    let repository = peers.repository();
    cluster.exempt(
        "team",
        &[(&repository, json!({ "trust": { "enabled": true } }))],
    );
    what_one_replica_pins_another_admits(&cluster, &peers);
    a_replica_that_is_told_to_end_loses_no_request(&cluster);
    what_a_killed_replica_had_in_its_hands_is_answered_by_the_other_when_it_is_asked_again(
        &cluster,
    );
    an_eviction_waits_for_the_other_replica(&cluster);
    another_replica_leads_when_the_leader_is_gone(&cluster);
    when_the_leader_is_told_to_end_another_one_leads(&cluster);
}

/// Each webhook has connections of its own, and connections go to the replicas in turns.
fn what_one_replica_pins_another_admits(cluster: &Guarded, peers: &Peers) {
    let image = format!("{}:signed", peers.repository());
    let made = cluster.make("", &pod("shared", "team", &image)).unwrap();
    let pinned = format!("{image}@{}", peers.signed.digest());
    assert_eq!(made["spec"]["containers"][0]["image"], pinned);
    let judged = || {
        cluster
            .pods()
            .into_iter()
            .map(|pod| hooks_that_judged(cluster, &pod, "shared"))
    };
    let judged: Vec<Vec<String>> = judged().collect();
    assert!(judged.iter().all(|hooks| !hooks.is_empty()), "{judged:?}");
    let mut all = judged.concat();
    all.sort();
    assert_eq!(all, ["/trust", "/trust/validate", "/va"]);
}

/// What the process of this pod has written to its audit log: which hook judged the pod of that name.
fn hooks_that_judged(cluster: &Guarded, replica: &str, name: &str) -> Vec<String> {
    let audit = cluster.replica(replica).lock().unwrap().audit();
    let lines = audit
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &Value| line["name"] == name)
        .map(|line| line["hook"].as_str().unwrap().to_owned())
        .collect()
}

fn a_replica_that_is_told_to_end_loses_no_request(cluster: &Guarded) {
    let load = Load::start(&cluster.api);
    for ending in cluster.pods() {
        cluster.kubectl(&format!("-n {HOME} delete pod {ending} --timeout=120s"));
        load.goes_on();
        cluster.kubectl(&format!(
            "-n {HOME} rollout status deployment/cise --timeout=120s"
        ));
        let server = cluster.replica(&ending);
        let log = server.lock().unwrap().log();
        assert!(log.contains("shutting down"), "{log}");
    }
    let failures = load.end();
    assert!(
        failures.is_empty(),
        "{failures:#?}\n{}",
        cluster.replicas.logs()
    );
}

fn what_a_killed_replica_had_in_its_hands_is_answered_by_the_other_when_it_is_asked_again(
    cluster: &Guarded,
) {
    let load = Load::start(&cluster.api);
    let killed = &cluster.pods()[0];
    let dead = cluster.replica(killed);
    dead.lock().unwrap().kill();
    eventually(
        "the killed one is replaced in its pod",
        || cluster.replica(killed).lock().unwrap().is_running(),
        || cluster.replicas.logs(),
    );
    cluster.kubectl(&format!(
        "-n {HOME} wait --for=condition=Ready pod/{killed} --timeout=120s"
    ));
    load.goes_on();
    let before = load.failures();
    load.goes_on();
    let failures = load.end();
    assert_eq!(
        failures, before,
        "all is well when the killed one is known to be gone"
    );
    for failure in failures {
        assert!(failure.contains("failed calling webhook"), "{failure}");
    }
}

/// As when a node is drained.
fn an_eviction_waits_for_the_other_replica(cluster: &Guarded) {
    let pods = cluster.pods();
    let evict = |pod: &str| {
        let path = format!("/api/v1/namespaces/{HOME}/pods/{pod}/eviction");
        let eviction = json!({
            "apiVersion": "policy/v1", "kind": "Eviction",
            "metadata": { "name": pod, "namespace": HOME },
        });
        cluster.api.post(&path, &eviction).unwrap().into_object()
    };
    eventually(
        "one may go",
        || evict(&pods[0]).is_ok(),
        || cluster.replicas.logs(),
    );
    let said = evict(&pods[1]).unwrap_err();
    assert!(said.contains("disruption budget"), "{said}");
    eventually(
        "the other one may go when there are two again",
        || evict(&pods[1]).is_ok(),
        || cluster.replicas.logs(),
    );
    cluster.kubectl(&format!(
        "-n {HOME} rollout status deployment/cise --timeout=120s"
    ));
}

pub(crate) fn another_replica_leads_when_the_leader_is_gone(cluster: &Guarded) {
    let leader = leader(cluster);
    cluster.kubectl(&format!(
        "-n {HOME} delete pod {leader} --force --grace-period=0"
    ));
    leads_another_than(cluster, &leader);
    cluster.kubectl(&format!(
        "-n {HOME} rollout status deployment/cise --timeout=120s"
    ));
}

fn when_the_leader_is_told_to_end_another_one_leads(cluster: &Guarded) {
    let leader = leader(cluster);
    cluster.kubectl(&format!("-n {HOME} delete pod {leader} --timeout=120s"));
    leads_another_than(cluster, &leader);
}

pub(crate) fn leader(cluster: &Guarded) -> String {
    cluster.kubectl(&format!(
        "-n {HOME} get lease cise -o jsonpath={{.spec.holderIdentity}}"
    ))
}

/// One leads who is there, and does what only the leader does.
fn leads_another_than(cluster: &Guarded, former: &str) {
    let configuration = "validatingwebhookconfiguration image-admission-config";
    let hooks = || {
        cluster.kubectl(&format!(
            "get {configuration} -o jsonpath={{.webhooks[*].name}}"
        ))
    };
    let before = hooks();
    eventually(
        "another one leads",
        || {
            let now = leader(cluster);
            now != former && cluster.pods().contains(&now)
        },
        || format!("{}\n{}", leader(cluster), cluster.replicas.logs()),
    );
    let remove = r#"[{"op":"remove","path":"/webhooks/0"}]"#;
    cluster.kubectl(&format!("patch {configuration} --type=json -p {remove}"));
    eventually(
        "what was taken away is put back",
        || hooks() == before,
        || cluster.replicas.logs(),
    );
}
