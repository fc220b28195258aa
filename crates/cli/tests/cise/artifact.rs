//! The advisory database on its way from one machine to another.

use std::fs;

use cise_testkit::components::{REGISTRY, require};
use cise_testkit::registry::Registry;
use rcgen::KeyPair;

use crate::program::{Folder, Run};

/// Two advisories as facts, and one that Tuesday brings.
const ADVISORIES: [(&str, &str); 3] = [
    ("DEBIAN-CVE-2024-1", "openssl"),
    ("DEBIAN-CVE-2024-2", "zlib"),
    ("DEBIAN-CVE-2024-3", "curl"),
];

fn advisory(folder: &Folder, (id, package): (&str, &str)) {
    let record = format!(
        r#"{{"schema_version":"1.7.0","id":"{id}","modified":"2026-11-20T00:00:00Z","affected":[{{
        "package":{{"ecosystem":"Debian:12","name":"{package}"}},
        "ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"9.9"}}]}}]}}]}}"#
    );
    folder.write(&format!("records/{id}.json"), record);
}

/// A folder with a database of Monday, keys, and a configuration for this registry.
fn folder(registry: &Registry) -> Folder {
    let key = KeyPair::generate().unwrap();
    let other = KeyPair::generate().unwrap();
    let configuration = format!(
        "registries:\n- host: {}\n  plainHTTP: true\n",
        registry.host()
    );
    let folder = Folder::new(&[
        ("key.pem", &key.serialize_pem()),
        ("key.pub", &key.public_key_pem()),
        ("other.pub", &other.public_key_pem()),
        ("cise.yaml", &configuration),
    ]);
    for one in &ADVISORIES[..2] {
        advisory(&folder, *one);
    }
    build(&folder, "2026-11-23T00:00:00Z");
    folder
}

fn build(folder: &Folder, as_of: &str) {
    let run = folder.run(&format!(
        "db build -o built.db --covers Debian --as-of {as_of} records"
    ));
    assert_eq!(run.status, 0, "{}", run.stderr);
}

fn done(run: &Run) -> &str {
    assert_eq!(run.status, 0, "{}", run.stderr);
    &run.stdout
}

/// The `sha256:…` after the first `@`.
fn digest(line: &str) -> String {
    let (_, digest) = line.split_once('@').unwrap();
    digest.chars().take("sha256:".len() + 64).collect()
}

#[test]
fn a_database_is_pushed_signed_and_pulled_where_the_key_is_known() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let registry = Registry::open().unwrap();
    let folder = folder(&registry);
    let image = format!("{}/team/advisories:v1", registry.host());
    let push = format!("db push --config cise.yaml --db built.db --sign-key key.pem {image}");
    let pull = format!("db pull --config cise.yaml -o pulled.db --key key.pub {image}");
    let same = || {
        let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
        read("built.db") == read("pulled.db")
    };

    let run = folder.run(&push);
    let pushed = done(&run);
    assert!(
        pushed.contains("2 parts carried") && pushed.contains("0 there already"),
        "{pushed}"
    );
    let monday = digest(pushed);
    let run = folder.run(&pull);
    assert!(
        done(&run).starts_with("wrote pulled.db: 1 feeds, "),
        "{}",
        run.stdout
    );
    assert!(same());
    assert!(done(&folder.run(&pull)).starts_with("unchanged: pulled.db: "));

    // Tuesday: a later database replaces it; Monday's does not come back unless it is forced.
    advisory(&folder, ADVISORIES[2]);
    build(&folder, "2026-11-24T00:00:00Z");
    done(&folder.run(&push));
    assert!(!same());
    done(&folder.run(&pull));
    assert!(same());
    let back = format!("db pull --config cise.yaml -o pulled.db {image}@{monday}");
    let refused = folder.run(&back);
    assert_eq!(refused.status, 2);
    assert_eq!(
        refused.stderr,
        "error: the database in place is not replaced: Debian:12 is older: of 2026-11-23T00:00:00Z instead of \
         2026-11-24T00:00:00Z; Debian:12 has shrunk from 3 to 2 records\nhint: if it is meant, --force replaces it\n"
    );
    assert!(same());
    done(&folder.run(&back.replace("pull ", "pull --force ")));
    assert!(!same());
}

#[test]
fn what_cannot_be_trusted_is_not_pulled_and_the_reason_is_told() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let registry = Registry::open().unwrap();
    let folder = folder(&registry);
    let image = format!("{}/team/advisories", registry.host());
    let pushed = folder.run(&format!("db push --config cise.yaml --db built.db {image}"));
    let digest = digest(done(&pushed));
    assert!(
        pushed.stderr.starts_with("hint: it is not signed"),
        "{}",
        pushed.stderr
    );
    let pull = |rest: &str| {
        let run = folder.run(&format!("db pull --config cise.yaml -o pulled.db {rest}"));
        assert_eq!(run.status, 2);
        assert!(!folder.path().join("pulled.db").exists());
        run.stderr
    };
    assert_eq!(
        pull(&image),
        format!(
            "error: {image}: there is no reason to trust what the registry sends: whoever can exchange the database for an empty \
             one lets every image pass\nhint: name the key that has signed it with --key, or its digest as in \
             IMAGE@sha256:…, which `cise db push` prints\n"
        )
    );
    assert_eq!(
        pull(&format!("--key key.pub {image}")),
        format!(
            "error: {image}@{digest} is not signed by the given key: it has 0 other signatures\n"
        )
    );
    done(&folder.run(&format!(
        "db push --config cise.yaml --db built.db --sign-key key.pem {image}"
    )));
    assert_eq!(
        pull(&format!("--key other.pub {image}")),
        format!(
            "error: {image}@{digest} is not signed by the given key: it has 1 other signatures\n"
        )
    );
    let wrong_kind = pull(&format!("--key key.pem {image}"));
    assert!(
        wrong_kind.starts_with("error: key.pem: expected a public key"),
        "{wrong_kind}"
    );
    let wrong_kind = folder.run(&format!(
        "db push --config cise.yaml --db built.db --sign-key key.pub {image}"
    ));
    assert!(
        wrong_kind
            .stderr
            .starts_with("error: key.pub: expected a private key"),
        "{}",
        wrong_kind.stderr
    );
}
