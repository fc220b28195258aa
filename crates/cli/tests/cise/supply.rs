//! `cise advisor`, which pulls its database by itself.

use std::process::Command;

use cise_testkit::cise::Cise;
use cise_testkit::components::{REGISTRY, require};
use cise_testkit::process;
use cise_testkit::registry::Registry;
use rcgen::KeyPair;
use serde_json::json;

use crate::program::{Folder, Run};
use crate::server::eventually;

#[test]
fn the_database_comes_by_itself_and_only_a_better_one_takes_its_place() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let mut stage = Stage::set();

    // There is nothing to pull yet. It is tried again, sooner than usual.
    stage.eventually("a pull has failed", |stage| stage.pulls("failed") > 0);
    assert_eq!(stage.advisor.admin("/readyz").0, 503);
    assert_eq!(stage.metric("cise_advisories_age_seconds"), None);

    stage.publish("2026-11-24T00:00:00Z", 30, "key.pem");
    stage.eventually("the first database is in use", |stage| {
        stage.advisor.admin("/readyz").0 == 200
    });
    assert_eq!(stage.pulls("written"), 1);
    let age = stage.age();

    // One that is older, one that has shrunk, and one that somebody else has signed: at each start it is looked for.
    for (as_of, advisories, key, why) in [
        ("2026-11-23T00:00:00Z", 30, "key.pem", "is older"),
        (
            "2026-11-25T00:00:00Z",
            3,
            "key.pem",
            "has shrunk from 30 to 3",
        ),
        (
            "2026-11-25T00:00:00Z",
            40,
            "other.pem",
            "is not signed by the given key",
        ),
    ] {
        stage.publish(as_of, advisories, key);
        stage.restart();
        stage.eventually(why, |stage| stage.advisor.log().contains(why));
        stage.eventually("the last database is in use", |stage| {
            stage.advisor.admin("/readyz").0 == 200
        });
        assert_eq!(stage.pulls("written"), 0, "{why}");
        assert!(stage.age() >= age, "{why}");
    }

    stage.publish("2026-11-25T00:00:00Z", 40, "key.pem");
    stage.eventually("the next one comes without a restart", |stage| {
        stage.pulls("written") == 1 && stage.age() < age
    });
    let [succeeded, failed] = ["succeeded", "failed"]
        .map(|what| stage.metric(&format!("cise_advisory_pull_{what}_timestamp_seconds")));
    assert!(succeeded >= failed, "{succeeded:?} {failed:?}");
}

#[test]
fn a_pull_without_a_reason_to_trust_it_is_no_configuration() {
    let folder = Folder::new(&[(
        "config.yaml",
        "advisor: {pull: {artifact: registry.example.com/advisories}}\n",
    )]);
    let run = folder.run("check --config config.yaml nginx");
    assert_eq!(run.status, 2);
    assert!(
        run.stderr
            .contains("advisor.pull.artifact: there is no reason to trust"),
        "{}",
        run.stderr
    );
}

/// A registry, somebody who publishes databases there, and an advisor that pulls them.
struct Stage {
    registry: Registry,
    folder: Folder,
    advisor: Cise,
}

impl Stage {
    fn set() -> Self {
        let registry = Registry::open().unwrap();
        let [key, other] = [KeyPair::generate().unwrap(), KeyPair::generate().unwrap()];
        let configuration = json!({
            "registries": [{ "host": registry.host(), "plainHTTP": true }],
            "advisor": { "pull": {
                "artifact": format!("{}/security/advisories:daily", registry.host()),
                "keyFile": "key.pub", "everyMinutes": 1,
            } },
        });
        // Nobody asks it anything, so that it asks no API server whose a token is.
        let nowhere = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "a",
            "contexts": [{ "name": "a", "context": { "cluster": "a", "user": "a" } }],
            "clusters": [{ "name": "a", "cluster": { "server": "http://127.0.0.1:1" } }],
            "users": [{ "name": "a", "user": {} }],
        });
        let folder = Folder::new(&[
            ("key.pem", &key.serialize_pem()),
            ("key.pub", &key.public_key_pem()),
            ("other.pem", &other.serialize_pem()),
            ("config.yaml", &configuration.to_string()),
            ("kubeconfig", &nowhere.to_string()),
        ]);
        Self {
            advisor: start(&folder),
            registry,
            folder,
        }
    }

    fn restart(&mut self) {
        self.advisor.kill();
        self.advisor = start(&self.folder);
    }

    /// Publishes a database with so many advisories.
    fn publish(&self, as_of: &str, advisories: usize, key: &str) {
        let image = format!("{}/security/advisories:daily", self.registry.host());
        let source = format!("{as_of}-{advisories}").replace(':', "-");
        for number in 0..advisories {
            let record = json!({
                "schema_version": "1.7.0", "id": format!("DEBIAN-CVE-2026-{number}"), "modified": "2026-11-20T00:00:00Z",
                "affected": [{
                    "package": { "ecosystem": "Debian:12", "name": format!("package{number}") },
                    "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "9.9" }] }],
                }],
            });
            let file = format!("{source}/DEBIAN-CVE-2026-{number}.json");
            self.folder.write(&file, record.to_string());
        }
        let build = format!("db build -o built.db --covers Debian --as-of {as_of} {source}");
        let push = format!("db push --config config.yaml --db built.db --sign-key {key} {image}");
        for command in [build, push] {
            let Run { status, stderr, .. } = self.folder.run(&command);
            assert_eq!(status, 0, "{command}: {stderr}");
        }
    }

    fn eventually(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        eventually(
            what,
            || holds(self),
            || {
                format!(
                    "{}\n{}",
                    self.advisor.log(),
                    self.advisor.admin("/metrics").1
                )
            },
        );
    }

    fn pulls(&self, result: &str) -> u64 {
        let name = format!("cise_advisory_pulls_total{{result=\"{result}\"}}");
        self.text(&name).map_or(0, |count| count.parse().unwrap())
    }

    fn age(&self) -> f64 {
        self.metric("cise_advisories_age_seconds").unwrap()
    }

    fn metric(&self, name: &str) -> Option<f64> {
        self.text(name).map(|value| value.parse().unwrap())
    }

    fn text(&self, name: &str) -> Option<String> {
        let page = self.advisor.admin("/metrics").1;
        let mut lines = page.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map(str::to_owned)
    }
}

fn start(folder: &Folder) -> Cise {
    let admin = process::free_port().unwrap();
    let mut command: Command = folder.command(&format!(
        "advisor --config config.yaml --db database/advisories.db --caller cise --kubeconfig kubeconfig --self-signed \
         --listen 127.0.0.1:0 --admin {admin}"
    ));
    Cise::start(&mut command, folder.path(), admin).unwrap()
}
