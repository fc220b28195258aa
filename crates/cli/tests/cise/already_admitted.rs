//! An image that was admitted, and of which an advisory says something worse the next day.

use std::fs;

use serde_json::Value;

use crate::advisories::World;
use crate::server::{Server, eventually};

/// The advisory about the package of the image, and the fix that it names at first and then: the next version.
const NOTICE: &str = "ALPINE-CVE-2026-10006";
const NEWER_FIX: (&str, &str) = ("1.2.3-r4", "1.2.3-r5");

/// The program with a state folder, and what it knows of the world.
fn serve(world: &World, forgives: &str) -> Server {
    let configuration = fs::read_to_string(world.folder.path().join("cise.yaml")).unwrap();
    world.folder.write(
        "serve.yaml",
        configuration.replace("advisories.db}", &format!("advisories.db{forgives}}}")),
    );
    let shared = world.folder.path().display();
    let server = Server::spawn(
        crate::program::Folder::new(&[]),
        &format!(
            "--policies {shared}/policies --config {shared}/serve.yaml --state {shared}/state"
        ),
    );
    server.wait_for("ready: reviews at https://");
    server
}

const FORGIVES: &str = ", alreadyAdmittedHours: 72";

fn pinned(world: &World, name: &str) -> String {
    let digest = world.reports(&format!("@{name}")).1[0]["id"].clone();
    format!("{}@{}", world.image(name), digest.as_str().unwrap())
}

fn is_allowed(response: &Value) -> bool {
    response["allowed"] == true
}

#[test]
fn what_was_admitted_is_admitted_again_for_some_time_although_an_advisory_came_since() {
    let Some(world) = World::new() else { return };
    let (alpine, debian) = (pinned(&world, "alpine"), pinned(&world, "debian"));
    let server = serve(&world, FORGIVES);
    let ask = |image: &str| server.review_pod("/va", image);
    let admitted = ask(&alpine);
    assert!(is_allowed(&admitted), "{admitted}");
    assert_eq!(admitted["warnings"], Value::Null);
    assert!(!is_allowed(&ask(&debian)), "it was never admitted");

    world.correct(NOTICE, NEWER_FIX);
    let is_warned = || {
        ask(&alpine)["warnings"]
            .to_string()
            .contains("forgiven until 20")
    };
    eventually("the new advisory", is_warned, || server.log("cise.log"));
    let again = ask(&alpine);
    assert!(is_allowed(&again), "{again}");
    let warning = again["warnings"][0].as_str().unwrap();
    assert!(
        warning.ends_with(": 1, the worst CVE-2026-10006"),
        "{warning}"
    );
    let reasons = again["auditAnnotations"]["reasons"].as_str().unwrap();
    assert_eq!(reasons, "already-admitted");
    assert!(!is_allowed(&ask(&debian)), "it was still never admitted");

    // What advisories say is told by the commands as before.
    let (status, reports) = world.reports("@alpine");
    assert_eq!((status, &reports[0]["status"]), (1, &"FAIL".into()));

    // Its time goes on after a restart, in the state folder.
    drop(server);
    let server = serve(&world, FORGIVES);
    assert!(is_allowed(&server.review_pod("/va", &alpine)));
    drop(server);
    let server = serve(&world, "");
    let refused = server.review_pod("/va", &alpine);
    assert!(!is_allowed(&refused), "by default nothing is forgiven");
}

#[test]
fn a_dry_run_and_a_workload_are_no_admission() {
    let Some(world) = World::new() else { return };
    let alpine = pinned(&world, "alpine");
    let server = serve(&world, FORGIVES);
    let image = [("registry.test/team/app:v1", &*alpine)];
    for (hook, recording) in [
        ("/va", "pod-create-dry-run"),
        ("/workloads", "deployment-create"),
    ] {
        let response = server.review_of(hook, recording, &image);
        assert!(is_allowed(&response), "{recording}: {response}");
    }
    let recorded = fs::read_dir(world.folder.path().join("state/admitted")).unwrap();
    assert_eq!(recorded.count(), 0, "nothing was recorded");
    server.review_pod("/va", &alpine);
    let recorded = fs::read_dir(world.folder.path().join("state/admitted")).unwrap();
    assert!(recorded.count() > 0, "the pod was");
}
