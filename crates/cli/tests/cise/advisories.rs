//! A world with advisories: a folder in which `cise` knows a database of them, and images to hold against it.

use std::fs;

use cise_testkit::components::{self, REGISTRY};
use cise_testkit::fixtures::packages;
use cise_testkit::images::{Format, Image, Layer};
use cise_testkit::registry::Registry;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::program::{Folder, Run};

/// The releases that the database is complete for.
const COVERED: [&str; 3] = ["Debian:12", "Alpine:v3.20", "AlmaLinux:9"];

const CRITICAL: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
const MEDIUM: &str = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H";

/// The vulnerability that is known to be exploited.
pub(crate) const EXPLOITED: &str = "CVE-2026-10001";
/// The other one of the image of Debian that counts.
pub(crate) const OTHER: &str = "CVE-2026-10002";

/// A fact about a package, as OSV states one.
pub(crate) struct Fact {
    notice: &'static str,
    vulnerability: &'static str,
    /// The ecosystem and the name of the package in it.
    package: (&'static str, &'static str),
    fix: Option<&'static str>,
    severity: Option<&'static str>,
}

/// What is known about the packages of the fixtures. None of it is true outside of them.
pub(crate) const FACTS: [Fact; 7] = [
    Fact {
        notice: "DSA-6001-1",
        vulnerability: EXPLOITED,
        package: ("Debian:12", "plain"),
        fix: Some("1.2-3+deb12u1"),
        severity: Some(CRITICAL),
    },
    Fact {
        notice: "DEBIAN-CVE-2026-10002",
        vulnerability: OTHER,
        package: ("Debian:12", "unpacking"),
        fix: Some("3.0+dfsg-1~deb12u2"),
        severity: Some(MEDIUM),
    },
    Fact {
        notice: "DEBIAN-CVE-2026-10003",
        vulnerability: "CVE-2026-10003",
        package: ("Debian:12", "held"),
        fix: None,
        severity: None,
    },
    Fact {
        notice: "DSA-6002-1",
        vulnerability: "CVE-2026-10004",
        package: ("Debian:12", "removed"),
        fix: Some("4.1"),
        severity: Some(CRITICAL),
    },
    Fact {
        notice: "DSA-6003-1",
        vulnerability: "CVE-2026-10005",
        package: ("Debian:12", "broken"),
        fix: Some("1.9-7"),
        severity: Some(CRITICAL),
    },
    Fact {
        notice: "ALPINE-CVE-2026-10006",
        vulnerability: "CVE-2026-10006",
        package: ("Alpine:v3.20", "plain"),
        fix: Some("1.2.3-r4"),
        severity: None,
    },
    Fact {
        notice: "ALSA-2026:1007",
        vulnerability: "CVE-2026-10007",
        package: ("AlmaLinux:9", "plain"),
        fix: Some("1.2.3-5.el9"),
        severity: None,
    },
];

impl Fact {
    fn record(&self) -> Value {
        let (ecosystem, name) = self.package;
        let mut events = vec![json!({ "introduced": "0" })];
        events.extend(self.fix.map(|fix| json!({ "fixed": fix })));
        let severity = self
            .severity
            .map(|score| json!([{ "type": "CVSS_V3", "score": score }]));
        json!({
            "id": self.notice,
            "modified": "2026-11-20T12:00:00Z",
            "published": "2026-11-19T12:00:00Z",
            "upstream": [self.vulnerability],
            "severity": severity.unwrap_or_else(|| json!([])),
            "affected": [{
                "package": { "ecosystem": ecosystem, "name": name },
                "ranges": [{ "type": "ECOSYSTEM", "events": events }],
            }],
        })
    }
}

/// A folder with sources of advisories.
pub(crate) fn folder() -> Folder {
    let folder = Folder::new(&[]);
    for fact in &FACTS {
        let name = fact.notice.replace(':', "-");
        folder.write(&format!("osv/{name}.json"), fact.record().to_string());
    }
    let catalogue = json!({
        "title": "known exploited vulnerabilities",
        "catalogVersion": "2026.11.25",
        "dateReleased": "2026-11-25T12:00:00.0000Z",
        "count": 1,
        "vulnerabilities": [{
            "cveID": EXPLOITED,
            "dateAdded": "2026-11-21",
            "dueDate": "2026-12-12",
            "knownRansomwareCampaignUse": "Known",
        }],
    });
    folder.write("kev.json", catalogue.to_string());
    folder
}

/// Builds the database of what is in the folder, as it was three hours ago.
pub(crate) fn build(folder: &Folder) -> Run {
    build_as_of(folder, 3)
}

/// Builds the database of what is in the folder, as it was so many hours ago.
pub(crate) fn build_as_of(folder: &Folder, hours: i64) -> Run {
    let as_of = Timestamp::now() - SignedDuration::from_hours(hours);
    let covers = COVERED
        .map(|release| format!("--covers {release}"))
        .join(" ");
    folder.run(&format!(
        "db build -o advisories.db {covers} --as-of {as_of} osv kev.json"
    ))
}

/// Images in a real registry, and a folder in which `cise` knows it and the database.
pub(crate) struct World {
    pub(crate) folder: Folder,
    pub(crate) registry: Registry,
}

impl World {
    pub(crate) fn new() -> Option<Self> {
        if !components::require(&[&REGISTRY]) {
            return None;
        }
        let world = Self::at(Registry::open().unwrap());
        world.push_all();
        Some(world)
    }

    /// The same with that registry, in which there are no images yet.
    pub(crate) fn at(registry: Registry) -> Self {
        let folder = folder();
        let built = build(&folder);
        assert_eq!(built.status, 0, "{}", built.transcript());
        let host = registry.host();
        folder.write(
            "cise.yaml",
            format!(
                "registries:\n- {{host: '{host}', plainHTTP: true, advisor: builtin}}\nadvisor: {{database: advisories.db}}\n"
            ),
        );
        folder.write(
            "policies/scanned.yaml",
            format!(
                "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ImagePolicy\nmetadata: {{name: scanned, namespace: team}}\nspec: {{repositories: [{{name: '{host}/*', policy: {{va: {{enabled: true}}}}}}]}}\n"
            ),
        );
        Self { folder, registry }
    }

    fn push_all(&self) {
        let app = Layer::new(&[("app/content.txt", "an application")]).unwrap();
        let (debian, alpine) = (
            packages::debian().unwrap(),
            packages::alpine("3.20.3").unwrap(),
        );
        let (old, alma) = (
            packages::alpine("3.19.1").unwrap(),
            packages::almalinux().unwrap(),
        );
        let gone = Layer::new(&[("var/lib/dpkg/.wh.status", "")]).unwrap();
        for (name, format, layers) in [
            ("debian", Format::Docker, vec![debian.clone(), app.clone()]),
            ("alpine", Format::Oci, vec![alpine, app.clone()]),
            ("old-alpine", Format::Oci, vec![old]),
            ("almalinux", Format::Oci, vec![alma]),
            ("bare", Format::Oci, vec![app]),
            ("covered-up", Format::Docker, vec![debian.clone(), gone]),
        ] {
            let image = Image::of_layers(format, "linux/amd64", &layers);
            self.push(name, &image);
        }
        let of = |platform, layer: &Layer| {
            Image::of_layers(Format::Oci, platform, std::slice::from_ref(layer))
        };
        let other = packages::alpine("3.20.0").unwrap();
        let both = [of("linux/amd64", &other), of("linux/arm64", &debian)];
        self.push("both", &Image::index(Format::Oci, &both));
    }

    pub(crate) fn push(&self, name: &str, image: &Image) {
        self.registry
            .push(image, &format!("team/{name}"), "v1")
            .unwrap();
    }

    /// An image of the registry, as a pod would name it.
    pub(crate) fn image(&self, name: &str) -> String {
        format!("{}/team/{name}:v1", self.registry.host())
    }

    /// Runs `cise` with the configuration; `@name` stands for an image of the registry.
    pub(crate) fn run(&self, arguments: &str) -> Run {
        self.folder.run(&self.spelled(arguments))
    }

    fn spelled(&self, arguments: &str) -> String {
        let word = |word: &str| match word.strip_prefix('@') {
            Some(name) => self.image(name),
            None => word.to_owned(),
        };
        let words: Vec<_> = arguments.split_whitespace().map(word).collect();
        words.join(" ")
    }

    /// Runs `cise`, and gives what a person sees.
    pub(crate) fn transcript(&self, arguments: &str) -> String {
        format!("$ cise {arguments}\n{}", self.run(arguments).transcript())
    }

    /// What `cise va` says of images: its exit status and its reports.
    pub(crate) fn reports(&self, arguments: &str) -> (i32, Vec<Value>) {
        let run = self.run(&format!("va --config cise.yaml -o json {arguments}"));
        let reports = serde_json::from_str(&run.stdout);
        (
            run.status,
            reports.unwrap_or_else(|error| panic!("{error}: {}", run.transcript())),
        )
    }

    /// Exempts an issue of all images for the pods of the namespace `team`.
    pub(crate) fn exempt(&self, kind: &str, id: &str, more: &str) {
        let scope = format!("{}/team/*", self.registry.host());
        let run = self.run(&format!(
            "exemption add --file policies/exemptions.yaml -n team --scope {scope} --issue-type {kind} --issue-id {id} {more}"
        ));
        assert_eq!(run.status, 0, "{}", run.transcript());
    }

    /// Leaves an exemption of an issue that is over.
    pub(crate) fn exempted_until(&self, kind: &str, id: &str, end: &str) {
        const TO_COME: &str = "2998-07-06";
        self.exempt(kind, id, &format!("--expires {TO_COME}"));
        let path = self.folder.path().join("policies/exemptions.yaml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace(TO_COME, end)).unwrap();
    }

    /// Corrects what an advisory says, and builds the database anew.
    pub(crate) fn correct(&self, notice: &str, (said, meant): (&str, &str)) {
        let path = self.folder.path().join(format!("osv/{notice}.json"));
        let record = fs::read_to_string(&path).unwrap();
        assert!(record.contains(said), "{said} in {record}");
        fs::write(&path, record.replace(said, meant)).unwrap();
        let built = build(&self.folder);
        assert_eq!(built.status, 0, "{}", built.transcript());
    }
}

/// What differs between two runs is left out of snapshots.
pub(crate) fn unvaried(check: impl FnOnce()) {
    insta::with_settings!({filters => vec![
        (r"localhost:\d{2,5}", "REGISTRY"),
        // The name of an exemption has a hash of its scope, which has the registry's port.
        (r"(ImageExemption [a-z0-9/-]+)-[0-9a-f]{10}\b", "$1-HASH"),
        (r"last scanned on .*", "last scanned on TIME"),
        (r#""scan_time": \d+"#, r#""scan_time": SECONDS"#),
        (r#""20[^"]*Z""#, r#""TIME""#),
        (r"digest (sha256:)?[0-9a-f]{64}", "digest DIGEST"),
        // A database holds the times of its feeds, which compress to more or fewer bytes.
        (r"[0-9.]+ KiB", "SIZE"),
        (r"\(os error \d+\)", "(os error N)"),
    ]}, { check() });
}
