//! The same image, judged by `cise va`, by `cise check` and by the webhook, gets one answer.

use serde_json::Value;

use crate::advisories::{EXPLOITED, OTHER, World, unvaried};
use crate::server::Server;

const IMAGES: [&str; 7] = [
    "debian",
    "alpine",
    "old-alpine",
    "almalinux",
    "bare",
    "covered-up",
    "both",
];

/// The first line of the denial of an image with issues, as the product's documentation has it.
const SENTENCE: &str = "The Vulnerability Advisor image scan assessment found issues with the container image that are not exempted. \
    Refer to your image vulnerability report for more details by using the command `ibmcloud cr va`.";

/// What the three say of one image.
pub(crate) struct Answers {
    /// The report of `cise va`, and whether it exits as for an image that is admitted.
    pub(crate) report: Value,
    pub(crate) is_admitted: bool,
    /// What `cise check` says.
    check: Value,
    /// The response of the hook.
    pub(crate) response: Value,
}

pub(crate) fn answers(world: &World, server: &Server, name: &str) -> Answers {
    let (status, mut reports) = world.reports(&format!("--policies policies -n team @{name}"));
    let check = world.run(&format!(
        "check --config cise.yaml --policies policies -n team -o json @{name}"
    ));
    let check: Value = serde_json::from_str(&check.stdout).unwrap();
    let report = reports.remove(0);
    // As the hook that pins images has left it.
    let pinned = format!("{}@{}", world.image(name), report["id"].as_str().unwrap());
    Answers {
        report,
        is_admitted: status == 0,
        check: check[0].clone(),
        response: server.review_pod("/va", &pinned),
    }
}

impl Answers {
    pub(crate) fn agree(&self, name: &str) {
        let admitted = Value::from(self.is_admitted);
        assert_eq!(self.check["allowed"], admitted, "{name}: {}", self.check);
        assert_eq!(
            self.response["allowed"], admitted,
            "{name}: {}",
            self.response
        );
        if self.is_admitted {
            assert_eq!(self.check["digest"], self.report["id"], "{name}");
            let evidence = self.check["evidence"].as_array().unwrap().iter();
            let assessment = evidence.rev().find(|one| one["kind"] == "assessment");
            assert_eq!(
                assessment.unwrap()["status"],
                self.report["status"],
                "{name}"
            );
            self.warnings_agree(name);
        } else {
            self.reasons_agree(name);
        }
    }

    fn warnings_agree(&self, name: &str) {
        let told = self.response["warnings"].to_string();
        for warning in texts(&self.report["warnings"], "message") {
            assert!(told.contains(&warning), "{name}: {warning} in {told}");
        }
    }

    fn reasons_agree(&self, name: &str) {
        let message = self.response["status"]["message"].as_str().unwrap();
        let [reason] = self.check["reasons"].as_array().unwrap().as_slice() else {
            panic!("one reason: {}", self.check);
        };
        assert_eq!(message.lines().next(), reason["message"].as_str(), "{name}");
        let found = reason["found"].as_str().unwrap();
        assert!(message.contains(found), "{name}: {found} in {message}");
        let reported = match self.report["status"].as_str() {
            Some("FAIL") => self.active(),
            _ => texts(&self.report["gaps"], "message"),
        };
        assert!(!reported.is_empty(), "{name}: a refusal has a reason");
        for one in reported {
            assert!(found.contains(&one), "{name}: {one} in {found}");
        }
    }

    fn active(&self) -> Vec<String> {
        let all = self.report["vulnerabilities"].as_array().unwrap().iter();
        let active = all.filter(|one| one["exempt_status"] != "exempt");
        active
            .map(|one| one["cve_id"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn texts(list: &Value, field: &str) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one[field].as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn serve(world: &World) -> Server {
    let mut files = Vec::new();
    for name in ["policies/scanned.yaml", "policies/exemptions.yaml"] {
        let text = std::fs::read_to_string(world.folder.path().join(name));
        files.extend(text.ok().map(|text| (name, text)));
    }
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let folder = crate::program::Folder::new(&files);
    let of_world = world.folder.path().display();
    let server = Server::spawn(
        folder,
        &format!("--policies policies --config {of_world}/cise.yaml"),
    );
    server.wait_for("ready: reviews at https://");
    server
}

#[test]
fn the_three_agree_on_every_image() {
    let Some(world) = World::new() else { return };
    let server = serve(&world);
    for name in IMAGES {
        answers(&world, &server, name).agree(name);
    }
}

#[test]
fn the_three_agree_on_what_is_exempted() {
    let Some(world) = World::new() else { return };
    world.exempt("cve", EXPLOITED, "");
    let server = serve(&world);
    let some = answers(&world, &server, "debian");
    some.agree("debian");
    assert_eq!(some.active(), [OTHER]);
    drop(server);

    world.exempted_until("cve", OTHER, "2026-01-01");
    let server = serve(&world);
    let ended = answers(&world, &server, "debian");
    ended.agree("debian");
    assert!(!ended.is_admitted);
    drop(server);

    world.exempt("sn", "DEBIAN-CVE-2026-10002", "--expires 2099-12-31");
    let server = serve(&world);
    let all = answers(&world, &server, "debian");
    all.agree("debian");
    assert_eq!(
        (all.is_admitted, &all.report["status"]),
        (true, &"WARN".into())
    );
    assert!(!answers(&world, &server, "almalinux").is_admitted);
}

#[test]
fn the_hook_says_the_sentence_of_the_documentation_and_what_it_found() {
    let Some(world) = World::new() else { return };
    let server = serve(&world);
    let message = |name| {
        let response = server.review_pod("/va", &world.image(name));
        response["status"]["message"].as_str().unwrap().to_owned()
    };
    let refused = message("debian");
    assert_eq!(refused.lines().next(), Some(SENTENCE));
    let all = [
        refused,
        message("old-alpine"),
        message("covered-up"),
        message("none"),
    ];
    let admitted = answers(&world, &server, "bare").response;
    assert_eq!(admitted["allowed"], true);
    let warnings = serde_json::to_string_pretty(&admitted["warnings"]).unwrap();
    unvaried(|| insta::assert_snapshot!(format!("{}\n\nwarnings: {warnings}", all.join("\n\n"))));
}
