//! Replicas whose clocks are wrong, one ahead and one behind, and an API server whose clock is right.

use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::guarded::{Guarded, HOME};
use crate::load::Load;
use crate::replicas::{another_replica_leads_when_the_leader_is_gone, leader};
use crate::server::eventually;

const HALF_AN_HOUR: i64 = 1800;

/// More renewals than fit into the time after which a lease that is not renewed has run out.
const RENEWALS: usize = 6;

#[test]
fn replicas_whose_clocks_are_wrong_guard_the_cluster_and_stand_in_for_each_other() {
    let Some(mut cluster) = Guarded::prepare() else {
        return;
    };
    cluster.clocks = vec![HALF_AN_HOUR, -HALF_AN_HOUR];
    // The certificate is made by one of them, and is accepted by the API server.
    cluster.install(&json!({}));
    cluster.exempt("team", &[]);
    let load = Load::start(&cluster.api);
    one_keeps_the_lease_and_the_other_waits(&cluster);
    load.goes_on();
    let failures = load.end();
    assert!(
        failures.is_empty(),
        "{failures:#?}\n{}",
        cluster.replicas.logs()
    );
    another_replica_leads_when_the_leader_is_gone(&cluster);
    one_keeps_the_lease_and_the_other_waits(&cluster);
}

fn one_keeps_the_lease_and_the_other_waits(cluster: &Guarded) {
    let held = |lease: &Value| {
        let spec = &lease["spec"];
        (
            spec["holderIdentity"].clone(),
            spec["leaseTransitions"].clone(),
        )
    };
    let first = lease(cluster);
    assert_eq!(first["spec"]["holderIdentity"], *leader(cluster));
    let renewed: Timestamp = renewed_at(&first).parse().unwrap();
    let now = Timestamp::try_from(SystemTime::now()).unwrap();
    let wrong = renewed.duration_since(now).as_secs().abs();
    assert!(wrong > HALF_AN_HOUR / 2, "the clock of the leader is wrong");
    let mut last = first.clone();
    for _ in 0..RENEWALS {
        eventually(
            "the lease is renewed",
            || renewed_at(&lease(cluster)) != renewed_at(&last),
            || cluster.replicas.logs(),
        );
        last = lease(cluster);
    }
    assert_eq!(held(&last), held(&first), "{}", cluster.replicas.logs());
}

fn lease(cluster: &Guarded) -> Value {
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/cise");
    cluster.api.get(&path).unwrap().into_object().unwrap()
}

fn renewed_at(lease: &Value) -> &str {
    lease["spec"]["renewTime"].as_str().unwrap()
}
