//! What is attached to an image, and signed by those who are believed, forgives its issues whoever asks; nothing else does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_testkit::components::{COSIGN, REFERRERS, REGISTRY, require};
use cise_testkit::cosign::{Attester, Form};
use cise_testkit::fixtures::packages;
use cise_testkit::images::{Format, Image, Layer};
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::registry::Registry;
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::advisories::{EXPLOITED, OTHER, World};
use crate::one_answer::{answers, serve};

/// A world in which one key is configured.
struct Believing {
    world: World,
    team: Attester,
}

impl Believing {
    fn at(registry: Registry) -> Self {
        let world = World::at(registry);
        let team = Attester::new().unwrap();
        world.folder.write("team.pub", team.public_key().unwrap());
        world.folder.write(
            "cise.yaml",
            configuration(&world.registry.host(), "vex: {keyFiles: [team.pub]}"),
        );
        Self { world, team }
    }

    /// Pushes an image that nobody has pushed before, with two issues, and gives its digest.
    fn push(&self, name: &str) -> String {
        let image = vulnerable("linux/amd64", name);
        self.world.push(name, &image);
        image.digest()
    }

    fn attest(&self, name: &str, document: &Value, form: Form) {
        let image = self.world.image(name);
        self.team.attest(&image, "openvex", document, form).unwrap();
    }

    /// The report of `cise va`.
    fn report(&self, name: &str) -> Value {
        let (_, mut reports) = self.world.reports(&format!("@{name}"));
        reports.remove(0)
    }
}

fn configuration(host: &str, advisor: &str) -> String {
    format!(
        "registries:\n- {{host: '{host}', plainHTTP: true, advisor: builtin}}\nadvisor: {{database: advisories.db, {advisor}}}\n"
    )
}

fn vulnerable(platform: &str, name: &str) -> Image {
    let app = Layer::new(&[("app/name.txt", name)]).unwrap();
    let layers = [packages::debian().unwrap(), app];
    Image::of_layers(Format::Oci, platform, &layers)
}

/// What says of an image that it has neither issue.
fn innocent(digest: &str) -> Value {
    let product = format!("pkg:oci/app@{}", digest.replace(':', "%3A"));
    document(
        1,
        &[EXPLOITED, OTHER].map(|name| not_affected(name, &product)),
    )
}

fn not_affected(name: &str, product: &str) -> Value {
    json!({
        "vulnerability": {"name": name},
        "products": [{"@id": product}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_in_execute_path",
    })
}

/// A document of a day in November.
fn document(day: u8, statements: &[Value]) -> Value {
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("https://example.com/vex/{day}"),
        "author": "Team <team@example.com>",
        "timestamp": format!("2025-11-{day:02}T00:00:00Z"),
        "version": 1,
        "statements": statements,
    })
}

fn unheeded(report: &Value) -> Vec<String> {
    let list = report["unheeded_vex"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    list.iter()
        .map(|one| one["message"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_a_configured_key_has_signed_admits_in_every_form_and_a_later_word_refuses_again() {
    if !require(&[&COSIGN, &REGISTRY, &REFERRERS]) {
        return;
    }
    for registry in [Registry::open().unwrap(), Registry::referrers().unwrap()] {
        let site = Believing::at(registry);
        let server = serve(&site.world);
        for (form, name) in [(Form::Tag, "by-tag"), (Form::Bundle, "by-bundle")] {
            let digest = site.push(name);
            let before = answers(&site.world, &server, name);
            before.agree(name);
            assert!(!before.is_admitted, "{name}");
            assert_eq!(unheeded(&before.report), [""; 0], "{name}");

            site.attest(name, &innocent(&digest), form);
            let after = answers(&site.world, &server, name);
            after.agree(name);
            assert!(after.is_admitted, "{name}: {}", after.report);
            assert_eq!(after.report["status"], "WARN", "{name}");
            let told = after.response["warnings"].to_string();
            assert!(
                told.contains("forgiven by a VEX that is attached to it: 2"),
                "{told}"
            );
            let issue = &after.report["vulnerabilities"][0];
            let vex = &issue["security_notices"][0]["vulnerable_packages"][0]["vex"][0];
            assert_eq!(vex["author"], "Team <team@example.com>", "{issue}");
            assert_eq!(vex["document"], "https://example.com/vex/1");
            assert_eq!(vex["justification"], "vulnerable_code_not_in_execute_path");
            assert!(
                vex["key"]
                    .as_str()
                    .unwrap()
                    .starts_with("team.pub (sha256:"),
                "{vex}"
            );

            let affected = json!({"vulnerability": {"name": OTHER}, "status": "affected", "action_statement": "upgrade"});
            site.attest(name, &document(2, &[affected]), form);
            let again = answers(&site.world, &server, name);
            again.agree(name);
            assert!(!again.is_admitted, "{name}");
            assert_eq!(again.report["vulnerabilities"][0]["cve_id"], OTHER);
            let why = "the latest VEX of CVE-2026-10002 says `affected`; document https://example.com/vex/2";
            assert_eq!(unheeded(&again.report), [why], "{name}");
            let said = again.response["status"]["message"].as_str().unwrap();
            assert!(said.contains(why), "{said}");
        }
    }
}

/// What is attached to an image, and a part of why it does not count.
type Forgery = (&'static str, fn(&Believing, &str), &'static str);

const FORGERIES: [Forgery; 3] = [
    (
        "another-key",
        by_another_key,
        "is not signed with the configured key",
    ),
    (
        "another-image",
        of_another_image,
        "it is signed for another image",
    ),
    (
        "tampered",
        tampered_with,
        "is not signed with the configured key",
    ),
];

/// What is changed in statements that would be good, and a part of why they do not count.
const CHANGES: [(&str, &str, &str); 6] = [
    (
        "no-product",
        r#"{"products": []}"#,
        "its statement has no product",
    ),
    (
        "other-version",
        r#"{"products": [{"@id": "pkg:deb/debian/plain@0.1-1"}]}"#,
        "pkg:deb/debian/plain@0.1-1 is not this image by digest, nor a package of it in the installed version",
    ),
    (
        "fixed",
        r#"{"status": "fixed"}"#,
        "`fixed` has to name the package",
    ),
    (
        "unjustified",
        r#"{"justification": "we_think_so"}"#,
        "`not_affected` needs a justification",
    ),
    (
        "investigated",
        r#"{"status": "under_investigation"}"#,
        "says `under_investigation`",
    ),
    (
        "misspelled",
        r#"{"subcomponents": []}"#,
        "unknown field `subcomponents`",
    ),
];

fn by_another_key(site: &Believing, name: &str) {
    let digest = site.push(name);
    let stranger = Attester::new().unwrap();
    let image = site.world.image(name);
    stranger
        .attest(&image, "openvex", &innocent(&digest), Form::Tag)
        .unwrap();
}

fn of_another_image(site: &Believing, name: &str) {
    let digest = site.push(name);
    site.push("copied-from");
    site.attest("copied-from", &innocent(&digest), Form::Tag);
    let envelope = site
        .team
        .envelopes(&site.world.image("copied-from"))
        .unwrap();
    site.team
        .attach(&site.world.image(name), &envelope)
        .unwrap();
}

/// The payload is exchanged for one about this image, and the signature stays.
fn tampered_with(site: &Believing, name: &str) {
    let digest = site.push(name);
    let other = site.push("signed");
    site.attest("signed", &innocent(&other), Form::Tag);
    let envelope = site.team.envelopes(&site.world.image("signed")).unwrap();
    let mut envelope: Value = serde_json::from_str(&envelope).unwrap();
    let payload = STANDARD
        .decode(envelope["payload"].as_str().unwrap())
        .unwrap();
    let hex = |digest: &str| digest.strip_prefix("sha256:").unwrap().to_owned();
    let payload = String::from_utf8(payload)
        .unwrap()
        .replace(&hex(&other), &hex(&digest));
    envelope["payload"] = STANDARD.encode(payload).into();
    site.team
        .attach(&site.world.image(name), &envelope.to_string())
        .unwrap();
}

/// Attests of an image what would be good, but for a change to each statement.
fn attest_with(site: &Believing, name: &str, change: &str) {
    let change: Value = serde_json::from_str(change).unwrap();
    let mut document = innocent(&site.push(name));
    for statement in document["statements"].as_array_mut().unwrap() {
        let fields = change.as_object().unwrap().clone();
        statement.as_object_mut().unwrap().extend(fields);
    }
    site.attest(name, &document, Form::Bundle);
}

#[test]
fn nothing_else_admits_and_the_refusal_says_why() {
    if !require(&[&COSIGN, &REGISTRY]) {
        return;
    }
    let site = Believing::at(Registry::open().unwrap());
    let server = serve(&site.world);
    let refuses = |name: &str, why: &str| {
        let answers = answers(&site.world, &server, name);
        answers.agree(name);
        assert!(!answers.is_admitted, "{name}");
        assert_eq!(answers.report["status"], "FAIL", "{name}");
        let told = unheeded(&answers.report);
        assert!(
            told.iter().any(|line| line.contains(why)),
            "{name}: {told:?}"
        );
        let message = answers.response["status"]["message"].as_str().unwrap();
        assert!(message.contains(why), "{name}: {message}");
    };
    for (name, attach, why) in FORGERIES {
        attach(&site, name);
        refuses(name, why);
    }
    for (name, change, why) in CHANGES {
        attest_with(&site, name, change);
        refuses(name, why);
    }
}

#[test]
fn a_package_is_forgiven_by_its_url_and_version_and_each_image_of_an_index_by_itself() {
    if !require(&[&COSIGN, &REGISTRY]) {
        return;
    }
    let site = Believing::at(Registry::open().unwrap());
    site.push("by-package");
    let report = site.report("by-package");
    let each = |list: &Value, field: &str| list[field].as_array().unwrap().clone();
    let mut statements = Vec::new();
    for issue in each(&report, "vulnerabilities") {
        for notice in each(&issue, "security_notices") {
            for package in each(&notice, "vulnerable_packages") {
                let (name, package) = (issue["cve_id"].as_str(), package["purl"].as_str());
                statements.push(not_affected(name.unwrap(), package.unwrap()));
            }
        }
    }
    site.attest("by-package", &document(1, &statements), Form::Bundle);
    let report = site.report("by-package");
    assert_eq!(report["status"], "WARN", "{report}");

    let images = ["linux/amd64", "linux/arm64"].map(|platform| vulnerable(platform, platform));
    site.world.push("both", &Image::index(Format::Oci, &images));
    for (image, status) in images.iter().zip(["FAIL", "WARN"]) {
        let digest = image.digest();
        let reference = site
            .world
            .image("both")
            .replace(":v1", &format!("@{digest}"));
        site.team
            .attest(&reference, "openvex", &innocent(&digest), Form::Tag)
            .unwrap();
        assert_eq!(site.report("both")["status"], status, "{digest}");
    }
}

#[test]
fn what_is_attached_is_asked_for_only_where_it_may_count_and_a_failure_forgives_nothing() {
    if !require(&[&COSIGN, &REGISTRY]) {
        return;
    }
    let site = Believing::at(Registry::open().unwrap());
    let digest = site.push("app");
    let plain = Image::of_layers(
        Format::Oci,
        "linux/amd64",
        &[packages::alpine("3.20.0").unwrap()],
    );
    site.world.push("clean", &plain);
    site.attest("app", &innocent(&digest), Form::Tag);
    let proxy = Proxy::plain(site.world.registry.upstream()).unwrap();
    let folder = &site.world.folder;
    folder.write("without.yaml", configuration(&proxy.host(), ""));
    folder.write(
        "with.yaml",
        configuration(&proxy.host(), "vex: {keyFiles: [team.pub]}"),
    );
    let judged = |configuration: &str, name: &str| {
        proxy.forget();
        let image = format!("{}/team/{name}:v1", proxy.host());
        let run = folder.run(&format!("va --config {configuration} -o json {image}"));
        let reports: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
        let paths = proxy.exchanges().into_iter().map(|exchange| exchange.path);
        let asked = paths.filter(|path| path.contains("sha256-") || path.contains("referrers"));
        (reports[0].clone(), asked.count())
    };
    let (report, asked) = judged("without.yaml", "app");
    assert_eq!((&report["status"], asked), (&"FAIL".into(), 0));
    let (report, asked) = judged("with.yaml", "clean");
    assert_ne!(report["status"], "FAIL", "{report}");
    assert_eq!(asked, 0, "it has no issues");
    let (report, asked) = judged("with.yaml", "app");
    assert_eq!(report["status"], "WARN", "{report}");
    assert!(asked >= 3, "{asked}");

    for path in ["/referrers/", "manifests/sha256-"] {
        proxy.heal();
        proxy.on(path, Fault::status(StatusCode::INTERNAL_SERVER_ERROR));
        let (report, _) = judged("with.yaml", "app");
        assert_eq!(report["status"], "FAIL", "{path}");
        let told = unheeded(&report);
        let why = "no VEX counts: what is attached to the image was not read: ";
        assert!(
            told.iter().any(|line| line.starts_with(why)),
            "{path}: {told:?}"
        );
    }
}
