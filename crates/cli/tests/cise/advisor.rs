//! `cise advisor` as a program of its own, asked by `cise serve`, with tokens of a real API server and a registry that wants
//! credentials.

use std::fs::{self, File};
use std::process::Child;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_testkit::authority::Authority;
use cise_testkit::caller::Caller;
use cise_testkit::components::{REGISTRY, require};
use cise_testkit::controlplane::{ControlPlane, Kubectl, User};
use cise_testkit::images::{Format, Image};
use cise_testkit::registry::Registry;
use cise_testkit::{process, recordings};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::program::Folder;
use crate::server::{Server, eventually};

/// The database of packages that the real dpkg wrote, and the release of the image that it is of.
const STATUS: &str = include_str!("../../../advisor/fixtures/detectors/dpkg/status");
const RELEASE: &str = include_str!("../../../advisor/fixtures/detectors/os-release/debian");

/// An advisory about `plain`, of which the image has 1.2-3.
const ADVISORY: &str = r#"{
    "id": "DSA-1-1", "modified": "2026-11-01T00:00:00Z", "published": "2026-11-01T00:00:00Z", "upstream": ["CVE-2026-0001"],
    "affected": [{
        "package": { "ecosystem": "Debian:12", "name": "plain" },
        "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "1.2-4" }] }]
    }]
}"#;

/// One more, which is published later.
const LATER: &str = r#"{
    "id": "DSA-2-1", "modified": "2026-11-02T00:00:00Z", "published": "2026-11-02T00:00:00Z", "upstream": ["CVE-2026-0002"],
    "affected": [{
        "package": { "ecosystem": "Debian:12", "name": "plain" },
        "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "1.2-5" }] }]
    }]
}"#;

const POLICY: &str = "\
apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1
kind: ImagePolicy
metadata: {name: web, namespace: team}
spec: {repositories: [{name: '*', policy: {va: {enabled: true}}}]}
";

/// The refusal of an image that has issues, and of one about which nobody can be asked.
const ISSUES: &str = "scan assessment found issues";
const UNREACHABLE: &str = "advisor unreachable";

#[test]
fn webhooks_ask_the_advisor_with_their_token_and_keep_its_answers_while_it_is_gone() {
    if !ControlPlane::require() || !require(&[&REGISTRY]) {
        return;
    }
    let mut stage = Stage::set();
    let [one, other, third] = [1, 2, 3].map(|number| stage.push(number));

    // Before there is a database, which appears while the advisor runs.
    let said = stage.ask(&one).unwrap_err();
    assert!(said.contains("no advisory database"), "{said}");
    stage.build_database();
    stage.eventually_refuses(&one, ISSUES);
    let said = stage.ask(&one).unwrap_err();
    assert!(said.contains("CVE-2026-0001"), "{said}");

    // An exemption is applied by the webhook alone.
    stage.exempt("CVE-2026-0001");
    stage.eventually_admits(&one);

    // Tokens of others, and for others.
    for (account, audience, status) in [
        ("other", "cise-advisor", 403),
        ("cise", "somebody-else", 401),
    ] {
        stage.show_token(account, audience);
        let said = stage.ask(&other).unwrap_err();
        let url = &stage.ground.url;
        let expected = format!("{UNREACHABLE}: {url}: it answered with status {status}");
        assert!(said.contains(&expected), "{said}");
    }
    stage.ask(&one).unwrap();
    stage.show_token("cise", "cise-advisor");

    // Another database drops what was kept, as soon as it is heard of.
    stage.home.write("osv/DSA-2-1.json", LATER);
    stage.build_database();
    stage.eventually_has_loaded(2);
    for image in [&other, &one] {
        let said = stage.ask(image).unwrap_err();
        assert!(said.contains("CVE-2026-0002"), "{said}");
    }

    // What is kept counts while nobody can be asked.
    stage.end_advisor();
    let said = stage.ask(&one).unwrap_err();
    assert!(said.contains(ISSUES), "{said}");
    let said = stage.ask(&third).unwrap_err();
    assert!(said.contains(UNREACHABLE), "{said}");
    stage.exempt("CVE-2026-0002");
    stage.eventually_admits(&one);

    // It is back: nothing has to be done.
    stage.start_advisor();
    stage.eventually_admits(&third);
    assert!(!stage.advisor_log().contains(Registry::PASSWORD));
    assert!(!stage.webhook.log("cise.log").contains(Registry::PASSWORD));
}

#[test]
fn an_image_is_not_judged_for_whom_the_registry_does_not_show_it_to() {
    if !ControlPlane::require() || !require(&[&REGISTRY]) {
        return;
    }
    let stage = Stage::set();
    stage.build_database();
    let image = stage.push(1);
    stage.eventually_refuses(&image, ISSUES);
    let stranger = stage.ground.webhook("wrong");
    let said = ask(&stranger, &image).unwrap_err();
    assert!(!said.contains("CVE-2026-0001"), "{said}");
    assert!(said.contains("401"), "{said}");
}

/// A control plane, a registry for one user, and where the advisor is.
struct Ground {
    _plane: ControlPlane,
    admin: Kubectl,
    delegate: Kubectl,
    authority: Authority,
    registry: Registry,
    port: u16,
    url: String,
}

/// An advisor that knows no credential, and a webhook that does.
struct Stage {
    ground: Ground,
    home: Folder,
    advisor: Option<Child>,
    webhook: Server,
}

impl Ground {
    fn lay() -> Self {
        let plane = ControlPlane::start().unwrap();
        let admin = plane.kubectl(&User::admin()).unwrap();
        for command in [
            "create namespace ibm-system",
            "-n ibm-system create serviceaccount cise",
            "-n ibm-system create serviceaccount other",
            "create clusterrolebinding advisor --clusterrole=system:auth-delegator --user=advisor",
        ] {
            let arguments: Vec<&str> = command.split(' ').collect();
            admin.run(&arguments).unwrap();
        }
        let authority = Authority::new("test servers").unwrap();
        let port = process::free_port().unwrap().port();
        Self {
            delegate: plane.kubectl(&User::new("advisor", "programs")).unwrap(),
            registry: Registry::basic(&authority).unwrap(),
            url: format!("https://localhost:{port}"),
            _plane: plane,
            admin,
            authority,
            port,
        }
    }

    fn token(&self, account: &str, audience: &str) -> String {
        let audience = format!("--audience={audience}");
        let command = ["-n", "ibm-system", "create", "token", account, &audience];
        self.admin.run(&command).unwrap()
    }

    /// A webhook that asks the advisor, and has this password for the registry.
    fn webhook(&self, password: &str) -> Server {
        let login = STANDARD.encode(format!("{}:{password}", Registry::USER));
        let pull = json!({ "auths": { self.registry.host(): { "auth": login } } });
        let configuration = format!(
            "{}pullCredentials: pull.json\nadvisor:\n  registries: ['*']\n  service: {{url: '{}', caFile: ca-of-all.pem, \
             tokenFile: token}}\n",
            self.registries(),
            self.url
        );
        let folder = Folder::new(&[
            ("policies/policy.yaml", POLICY),
            ("ca-of-all.pem", &self.authority.certificate()),
            ("token", &self.token("cise", "cise-advisor")),
            ("pull.json", &pull.to_string()),
            ("config.yaml", &configuration),
        ]);
        let server = Server::spawn(folder, "--config config.yaml --policies policies");
        server.wait_for("ready: reviews at https://");
        server
    }

    fn registries(&self) -> String {
        let host = self.registry.host();
        format!("registries: [{{host: '{host}', caFile: ca-of-all.pem}}]\n")
    }
}

impl Stage {
    fn set() -> Self {
        let ground = Ground::lay();
        let identity = ground.authority.server(&["localhost"]).unwrap();
        let home = Folder::new(&[
            ("tls.crt", &identity.certificate),
            ("tls.key", &identity.key),
            ("osv/DSA-1-1.json", ADVISORY),
            ("ca-of-all.pem", &ground.authority.certificate()),
            ("config.yaml", &ground.registries()),
        ]);
        let mut stage = Self {
            webhook: ground.webhook(Registry::PASSWORD),
            ground,
            home,
            advisor: None,
        };
        stage.start_advisor();
        stage
    }

    fn start_advisor(&mut self) {
        let log = File::create(self.home.path().join("advisor.log")).unwrap();
        let port = self.ground.port;
        let kubeconfig = self.ground.delegate.kubeconfig().display();
        let mut command = self.home.command(&format!(
            "advisor --config config.yaml --db advisories.db --caller cise --kubeconfig {kubeconfig} --tls-cert tls.crt \
             --tls-key tls.key --listen 127.0.0.1:{port} --admin 127.0.0.1:0"
        ));
        self.advisor = Some(command.stderr(log).spawn().unwrap());
        eventually(
            "the advisor listens",
            || self.advisor_log().contains("questions at https://"),
            || self.advisor_log(),
        );
    }

    fn end_advisor(&mut self) {
        if let Some(mut advisor) = self.advisor.take() {
            advisor.kill().unwrap();
            advisor.wait().unwrap();
        }
    }

    fn advisor_log(&self) -> String {
        fs::read_to_string(self.home.path().join("advisor.log")).unwrap()
    }

    fn show_token(&self, account: &str, audience: &str) {
        self.webhook
            .folder
            .write("token", self.ground.token(account, audience));
    }

    fn build_database(&self) {
        let now = Timestamp::now();
        let built = self.home.run(&format!(
            "db build -o advisories.db --covers Debian:12 --as-of {now} osv"
        ));
        assert_eq!(built.status, 0, "{}", built.stderr);
    }

    /// Pushes an image that the advisory is about, unlike any other; gives its reference with its digest.
    fn push(&self, number: u8) -> String {
        let number = number.to_string();
        let files = [
            ("etc/os-release", RELEASE),
            ("var/lib/dpkg/status", STATUS),
            ("number", &number),
        ];
        let image = Image::new(Format::Oci, &files).unwrap();
        let repository = format!("team/app{number}");
        self.ground
            .registry
            .push(&image, &repository, "v1")
            .unwrap();
        format!(
            "{}/{repository}@{}",
            self.ground.registry.host(),
            image.digest()
        )
    }

    fn ask(&self, image: &str) -> Result<(), String> {
        ask(&self.webhook, image)
    }

    /// Writes an exemption for the namespace of the pods.
    fn exempt(&self, issue: &str) {
        let exemption = format!(
            "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ImageExemption\n\
             metadata: {{name: {}, namespace: team}}\nspec: {{issueType: cve, issueID: {issue}, images: ['{}/*']}}\n",
            issue.to_lowercase(),
            self.ground.registry.host()
        );
        let folder = &self.webhook.folder;
        folder.write(&format!("policies/{issue}.yaml"), exemption);
    }

    fn eventually_admits(&self, image: &str) {
        eventually(
            "it is admitted",
            || self.ask(image).is_ok(),
            || format!("{:?}\n{}", self.ask(image), self.advisor_log()),
        );
    }

    fn eventually_has_loaded(&self, databases: usize) {
        let told = "another advisory database is in use";
        eventually(
            "the database is in use",
            || self.advisor_log().matches(told).count() == databases,
            || self.advisor_log(),
        );
    }

    fn eventually_refuses(&self, image: &str, why: &str) {
        eventually(
            why,
            || self.ask(image).is_err_and(|said| said.contains(why)),
            || format!("{:?}\n{}", self.ask(image), self.advisor_log()),
        );
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.end_advisor();
    }
}

/// What the webhook says of a pod with this image in the namespace `team`.
fn ask(webhook: &Server, image: &str) -> Result<(), String> {
    let recorded = recordings::get("pod-create-one-image").unwrap().body;
    let mut review: Value = serde_json::from_slice(&recorded).unwrap();
    review["request"]["namespace"] = "team".into();
    review["request"]["object"]["metadata"]["namespace"] = "team".into();
    review["request"]["object"]["spec"]["containers"][0]["image"] = image.into();
    let ca = fs::read_to_string(webhook.folder.path().join("ca.pem")).unwrap();
    let url = format!("{}/va?timeout=20s", webhook.url());
    let caller = Caller::trusting(&ca).unwrap();
    let reply = caller.post(&url, review.to_string().into_bytes()).unwrap();
    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
    match answer["response"]["allowed"].as_bool() {
        Some(true) => Ok(()),
        _ => Err(answer["response"]["status"]["message"].to_string()),
    }
}
