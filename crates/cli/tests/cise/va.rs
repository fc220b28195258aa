//! `cise va` and `cise db`: packages that real package managers recorded, held against advisories.

use std::fs;

use cise_testkit::fixtures::packages;
use cise_testkit::images::layout::blob;
use cise_testkit::images::{Format, Image};
use serde_json::Value;

use crate::advisories::{self, EXPLOITED, OTHER, World, build_as_of, unvaried};
use crate::server::{Server, eventually};

fn told(world: &World, all: &[&str]) -> String {
    let transcripts: Vec<_> = all
        .iter()
        .map(|arguments| world.transcript(arguments))
        .collect();
    transcripts.join("\n")
}

#[test]
fn an_image_is_told_with_its_issues_and_their_fixes() {
    let Some(world) = World::new() else { return };
    let told = told(
        &world,
        &[
            "va --config cise.yaml @debian",
            "va --config cise.yaml -e @debian",
            "va --config cise.yaml -v @debian",
            "va --config cise.yaml -c @debian",
            "va --config cise.yaml @almalinux @both",
            "va --config cise.yaml -e @almalinux",
        ],
    );
    unvaried(|| insta::assert_snapshot!(told));
}

#[test]
fn an_image_without_issues_is_told_to_have_none_and_one_that_was_not_judged_is_not() {
    let Some(world) = World::new() else { return };
    let told = told(
        &world,
        &[
            "va --config cise.yaml @alpine",
            "va --config cise.yaml @bare",
            "va --config cise.yaml @old-alpine",
            "va --config cise.yaml @covered-up",
            "va --config cise.yaml @alpine @bare @debian",
        ],
    );
    unvaried(|| insta::assert_snapshot!(told));
}

#[test]
fn exempted_issues_are_told_to_be_and_ended_exemptions_count_no_more() {
    let Some(world) = World::new() else { return };
    world.exempt("cve", EXPLOITED, "--owner team-app --expires 2099-12-31");
    let some = world.transcript("va --config cise.yaml --policies policies -n team @debian");
    world.exempted_until("cve", OTHER, "2026-01-01");
    let ended = world.run("va --config cise.yaml --policies policies -n team @debian");
    assert_eq!(ended.status, 1, "an exemption has ended");
    world.exempt("sn", "DEBIAN-CVE-2026-10002", "");
    let all = world.transcript("va --config cise.yaml --policies policies -n team @debian");
    let elsewhere = world.run("va --config cise.yaml --policies policies -n other @debian");
    assert_eq!(
        elsewhere.status, 1,
        "the exemptions are for the pods of another namespace"
    );
    unvaried(|| insta::assert_snapshot!([some, all].join("\n")));
}

#[test]
fn what_cannot_be_looked_at_is_told_with_what_to_do() {
    let Some(world) = World::new() else { return };
    world.folder.write(
        "nobody.yaml",
        "registries: [{host: 'localhost:1'}]\nadvisor: {database: advisories.db}\n",
    );
    let told = told(
        &world,
        &[
            "va --config cise.yaml @none",
            "va --config cise.yaml @alpine @none",
            "va localhost:1/team/app:v1",
            "va --config nobody.yaml localhost:1/team/app:v1",
            "va --config cise.yaml @alpine nginx:",
            "va --config cise.yaml --db none.db @debian",
            "va oci:none",
            "va oci-archive:cise.yaml",
        ],
    );
    unvaried(|| insta::assert_snapshot!(told));
}

#[test]
fn each_image_has_an_object_in_json_whatever_keeps_it_from_being_looked_at() {
    let Some(world) = World::new() else { return };
    for (arguments, statuses, reason) in [
        (
            "@alpine @bare:not:a:tag",
            vec!["OK", "UNSCANNED"],
            "is no image",
        ),
        (
            "--db none.db @alpine:not:a:tag @bare",
            vec!["UNSCANNED", "UNSCANNED"],
            "none.db",
        ),
        (
            "--policies none.yaml @alpine",
            vec!["UNSCANNED"],
            "none.yaml: cannot be read",
        ),
        (
            "--config none.yaml @alpine",
            vec!["UNSCANNED"],
            "none.yaml: cannot be read",
        ),
    ] {
        let config = if arguments.contains("--config") {
            ""
        } else {
            "--config cise.yaml"
        };
        let run = world.run(&format!("va -o json {config} {arguments}"));
        assert_eq!(run.status, 2, "{}", run.transcript());
        let reports: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
        let found: Vec<_> = reports
            .iter()
            .map(|report| report["status"].as_str().unwrap())
            .collect();
        assert_eq!(found, statuses, "{arguments}");
        let last = reports.last().unwrap();
        let gap = last["gaps"][0]["message"].as_str().unwrap();
        assert!(gap.contains(reason), "{gap}");
        assert!(run.stderr.contains(reason), "{}", run.stderr);
        assert_eq!(last["vulnerabilities"], serde_json::json!([]));
    }
}

#[test]
fn why_an_image_could_not_be_looked_at_is_told_once() {
    let Some(world) = World::new() else { return };
    let run = world.run("va --config cise.yaml @none");
    let said = run.stdout + &run.stderr;
    assert_eq!(said.matches("team/none").count(), 3, "{said}");
    assert!(!said.contains("error:"), "{said}");
}

#[test]
fn without_a_database_the_command_that_makes_one_is_told() {
    let Some(world) = World::new() else { return };
    let host = world.registry.host();
    world.folder.write(
        "cise.yaml",
        format!("registries:\n- {{host: '{host}', plainHTTP: true, advisor: builtin}}\n"),
    );
    let told = told(
        &world,
        &[
            "va --config cise.yaml @debian",
            "check --config cise.yaml --policies policies -n team @debian",
        ],
    );
    unvaried(|| insta::assert_snapshot!(told));
}

#[test]
fn the_exit_status_tells_what_is_admitted_from_what_is_not() {
    let Some(world) = World::new() else { return };
    for (images, exit, statuses) in [
        ("@alpine", 0, vec!["OK"]),
        ("@bare", 0, vec!["UNSUPPORTED"]),
        ("@debian", 1, vec!["FAIL"]),
        ("@almalinux", 1, vec!["FAIL"]),
        ("@both", 1, vec!["FAIL"]),
        ("@old-alpine", 1, vec!["INCOMPLETE"]),
        ("@covered-up", 1, vec!["INCOMPLETE"]),
        ("@none", 2, vec!["UNSCANNED"]),
        ("@alpine @bare", 0, vec!["OK", "UNSUPPORTED"]),
        ("@alpine @debian", 1, vec!["OK", "FAIL"]),
        ("@debian @none @alpine", 2, vec!["FAIL", "UNSCANNED", "OK"]),
    ] {
        let (status, reports) = world.reports(images);
        let found: Vec<_> = reports
            .iter()
            .map(|report| report["status"].as_str().unwrap())
            .collect();
        assert_eq!((status, found), (exit, statuses), "{images}");
    }
}

/// The fields of IBM's report.
const FIELDS: [&str; 7] = [
    "id",
    "image",
    "scan_time",
    "status",
    "vulnerabilities",
    "configuration_issues",
    "os_distribution",
];

#[test]
fn json_has_every_field_whatever_the_outcome() {
    let Some(world) = World::new() else { return };
    let (_, reports) = world.reports("@alpine @bare @debian @old-alpine @none");
    for report in &reports {
        for field in FIELDS {
            assert!(report.get(field).is_some(), "{field} in {report}");
        }
    }
    let debian = serde_json::to_string_pretty(&reports[2]).unwrap();
    unvaried(|| insta::assert_snapshot!(debian));
}

#[test]
fn an_image_on_disk_is_judged_like_the_same_one_in_a_registry() {
    let Some(world) = World::new() else { return };
    let image = Image::of_layers(
        Format::Docker,
        "linux/amd64",
        &[packages::debian().unwrap()],
    );
    world.push("same", &image);
    image
        .save(&world.folder.path().join("layout"), "v1")
        .unwrap();
    let (_, reports) = world.reports("@same oci:layout oci:layout:v1");
    let without_name = |report: &Value| {
        let mut report = report.clone();
        report["image"] = Value::Null;
        report
    };
    assert_eq!(reports[0]["id"], image.digest());
    assert_eq!(without_name(&reports[1]), without_name(&reports[0]));
    assert_eq!(without_name(&reports[2]), without_name(&reports[0]));

    let absent = world.run("va --config cise.yaml oci:layout:v2");
    assert_eq!(absent.status, 2);
    let manifest = blob(&world.folder.path().join("layout"), &image.digest());
    fs::remove_file(manifest).unwrap();
    let damaged = world.run("va --config cise.yaml oci:layout");
    assert_eq!(damaged.status, 2);
    let missing = format!("blobs/{}", image.digest().replace(':', "/"));
    assert!(damaged.stdout.contains(&missing), "{}", damaged.stdout);
}

#[test]
fn a_database_is_built_from_facts_and_tells_what_it_has() {
    let folder = advisories::folder();
    let built = advisories::build(&folder).transcript();
    let again = advisories::build(&folder).status;
    let status = folder.run("db status --db advisories.db").transcript();
    assert_eq!(again, 0);
    unvaried(|| insta::assert_snapshot!(format!("{built}\n{status}")));
}

#[test]
fn malformed_records_are_named_and_fail_the_build_past_their_bound() {
    let folder = advisories::folder();
    folder.write("osv/A.json", r#"{"id": "DSA-1-1", "affected": {}}"#);
    folder.write("osv/B.json", "no JSON");
    let tolerated = advisories::build(&folder);
    assert_eq!(tolerated.status, 0, "{}", tolerated.transcript());
    let refused = folder.run("db build -o other.db --max-rejected 1 osv");
    assert_eq!(refused.status, 2);
    assert!(
        !folder.path().join("other.db").exists(),
        "the file appears whole or not at all"
    );
    let transcripts = [tolerated.transcript(), refused.transcript()].join("\n");
    unvaried(|| insta::assert_snapshot!(transcripts));
}

#[test]
fn advisories_that_age_are_told_and_old_ones_are_not_judged_by() {
    let Some(world) = World::new() else { return };
    let mut transcripts = Vec::new();
    for (hours, exit) in [(50, 0), (15 * 24, 1)] {
        assert_eq!(build_as_of(&world.folder, hours).status, 0);
        let run = world.run("va --config cise.yaml @alpine");
        assert_eq!(run.status, exit, "after {hours} hours");
        transcripts.push(run.transcript());
        transcripts.push(world.transcript("db status --db advisories.db"));
    }
    unvaried(|| insta::assert_snapshot!(transcripts.join("\n")));
}

#[test]
fn an_ended_release_is_told_by_name_and_date_and_refused_where_the_configuration_says_so() {
    let Some(world) = World::new() else { return };
    let cycle = serde_json::json!({"name": "3.20", "isEol": true, "eolFrom": "2020-01-01", "eoesFrom": null});
    let result = serde_json::json!({"name": "alpine-linux", "releases": [cycle]});
    let list = serde_json::json!({"schema_version": "1.2.0", "result": result});
    world.folder.write("ends.json", list.to_string());
    let now = jiff::Timestamp::now();
    let built = world.run(&format!(
        "db build -o advisories.db --covers Alpine:v3.20 --as-of {now} osv ends.json"
    ));
    assert_eq!(built.status, 0, "{}", built.transcript());
    let (status, reports) = world.reports("@alpine");
    assert_eq!((status, &reports[0]["status"]), (0, &"OK".into()));
    let warning = reports[0]["warnings"][0]["message"].as_str().unwrap();
    assert_eq!(
        warning,
        "the release of the image has ended: alpine 3.20.3 gets no fixes since 2020-01-01"
    );
    let configuration = world.folder.path().join("cise.yaml");
    let text = fs::read_to_string(&configuration).unwrap();
    let denying = text.replace("advisories.db}", "advisories.db, endOfLife: deny}");
    fs::write(&configuration, denying).unwrap();
    let (status, reports) = world.reports("@alpine");
    assert_eq!((status, &reports[0]["status"]), (1, &"OK".into()));
}

#[test]
fn a_damaged_database_is_refused_by_name() {
    let Some(world) = World::new() else { return };
    let path = world.folder.path().join("advisories.db");
    let whole = fs::read(&path).unwrap();
    for (what, content) in [
        ("truncated", &whole[..whole.len() / 2]),
        ("empty", &[]),
        ("something else", b"{\"id\": \"no database\"}".as_slice()),
    ] {
        world.folder.write("damaged.db", content);
        let run = world.run("va --config cise.yaml --db damaged.db @alpine");
        assert_eq!(run.status, 2, "{what}");
        assert!(run.stderr.contains("damaged.db"), "{what}: {}", run.stderr);
    }
}

#[test]
fn a_replaced_database_takes_effect_and_a_truncated_one_leaves_the_last_in_use() {
    let Some(mut world) = World::new() else {
        return;
    };
    let digest = world.reports("@almalinux").1[0]["id"].clone();
    let image = format!("{}@{}", world.image("almalinux"), digest.as_str().unwrap());
    let server = Server::spawn(
        std::mem::replace(&mut world.folder, advisories::folder()),
        "--policies policies --config cise.yaml",
    );
    server.wait_for("ready: reviews at https://");
    let is_allowed = || server.review_pod("/va", &image)["allowed"] == true;
    eventually("refused", || !is_allowed(), || server.log("cise.log"));

    world.correct("ALSA-2026-1007", ("1.2.3-5.el9", "1.2.3-4.el9"));
    let whole = fs::read(world.folder.path().join("advisories.db")).unwrap();
    let replace = |content: &[u8]| {
        server.folder.write("next.db", content);
        let folder = server.folder.path();
        fs::rename(folder.join("next.db"), folder.join("advisories.db")).unwrap();
    };
    replace(&whole);
    eventually("allowed", is_allowed, || server.log("cise.log"));

    replace(&whole[..whole.len() / 2]);
    server.wait_for("the last advisory database stays in use");
    assert!(is_allowed());
    assert_eq!(server.admin("/readyz").0, 200);
}
