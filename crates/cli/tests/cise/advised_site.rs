//! A cluster with CISE and its advisor as the chart runs them, and a registry with images and an advisory database.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_testkit::authority::Authority;
use cise_testkit::components::{COSIGN, REGISTRY, require};
use cise_testkit::cosign::{Attester, Form};
use cise_testkit::images::{Format, Image, sha256};
use cise_testkit::proxy::{Exchange, Proxy};
use cise_testkit::registry::Registry;
use rcgen::KeyPair;
use serde_json::{Value, json};

use crate::guarded::{Guarded, HOME, pod};
use crate::program::Folder;
use crate::server::eventually;
use crate::vulnerable;

/// The documentation's sentence about an image with issues.
pub(crate) const ISSUES: &str = "admission webhook \"va.hooks.securityenforcement.admission.cloud.ibm.com\" denied the request: \
    The Vulnerability Advisor image scan assessment found issues with the container image that are not exempted. \
    Refer to your image vulnerability report for more details by using the command `ibmcloud cr va`.";

/// What a user of the registry keeps in a docker configuration.
fn credentials(host: &str) -> String {
    let login = format!("{}:{}", Registry::USER, Registry::PASSWORD);
    json!({ "auths": { host: { "auth": STANDARD.encode(login) } } }).to_string()
}

/// A cluster with CISE and its advisor, and a registry for one user, whose requests are counted.
pub(crate) struct Site {
    pub(crate) cluster: Guarded,
    publisher: Folder,
    pub(crate) proxy: Proxy,
    registry: Registry,
    values: Value,
    /// Somebody whose key the advisor believes.
    team: Attester,
}

impl Site {
    /// What `cise status` says, whatever its exit status.
    pub(crate) fn status(&self) -> String {
        let kubeconfig = self.cluster.admin.kubeconfig().display();
        let status = format!("status --kubeconfig {kubeconfig} --namespace {HOME}");
        Folder::new(&[]).run(&status).transcript()
    }

    /// With these rules of the advisor besides what it does by default; `None` where that cannot be had here.
    pub(crate) fn start(rules: &Value) -> Option<Self> {
        let mut site = Self::prepare(rules)?;
        let values = site.values.clone();
        site.cluster.install(&values);
        // For the advisor's database.
        site.keeps_credentials(HOME);
        site.judges("team");
        Some(site)
    }

    /// The same without CISE, and without a node.
    pub(crate) fn prepare(rules: &Value) -> Option<Self> {
        if !require(&[&REGISTRY, &COSIGN]) {
            return None;
        }
        let authority = Authority::new("registry").unwrap();
        let registry = Registry::basic(&authority).unwrap();
        let proxy = Proxy::tls(registry.upstream(), &authority).unwrap();
        let key = KeyPair::generate().unwrap();
        let team = Attester::new().unwrap();
        let login = team.log_in(&credentials(&registry.host()), &authority.certificate());
        login.unwrap();
        let artifact = format!("{}/security/advisories:daily", proxy.host());
        let values = json!({
            "replicas": 1,
            "registries": [{ "host": proxy.host(), "ca": authority.certificate() }],
            "advisor": {
                "enabled": true, "registries": ["*"], "rules": rules,
                "database": { "artifact": artifact, "key": key.public_key_pem(), "credentialsSecret": "pull" },
                "vex": { "keys": { "team": team.public_key().unwrap() } },
            },
        });
        let configuration = json!({
            "registries": [{ "host": registry.host(), "caFile": "ca-of-all.pem" }], "pullCredentials": "pull.json",
        });
        let publisher = Folder::new(&[
            ("config.yaml", &configuration.to_string()),
            ("ca-of-all.pem", &authority.certificate()),
            ("key.pem", &key.serialize_pem()),
            ("pull.json", &credentials(&registry.host())),
        ]);
        Some(Self {
            cluster: Guarded::prepare()?,
            publisher,
            proxy,
            registry,
            values,
            team,
        })
    }

    /// Installs CISE, which nothing runs yet.
    pub(crate) fn installs(&self) {
        self.cluster.helm("install", &[], &self.values);
    }

    /// The entry of a policy that demands the advisor's verdict about the images of the registry.
    pub(crate) fn advised(&self) -> (String, Value) {
        let va = json!({ "va": { "enabled": true } });
        (format!("{}/*", self.proxy.host()), va)
    }

    /// How often the layer of an image was fetched.
    pub(crate) fn fetches(&self, image: &Image) -> usize {
        let layer = format!("/blobs/{}", sha256(&image.blobs()[1]));
        let exchanges = self.proxy.exchanges();
        let fetches = exchanges
            .iter()
            .filter(|one| one.method == "GET" && one.path.contains(&layer));
        fetches.count()
    }

    /// What the registry was asked.
    pub(crate) fn requests(&self) -> Vec<String> {
        let exchanges = self.proxy.exchanges();
        let line = |one: &Exchange| format!("{} {}", one.method, one.path);
        exchanges.iter().map(line).collect()
    }

    /// Has the images of the registry judged in a namespace, whose pods pull by a secret of their service account, as is usual.
    pub(crate) fn judges(&self, namespace: &str) {
        self.keeps_credentials(namespace);
        let patch = r#"{"imagePullSecrets":[{"name":"pull"}]}"#;
        self.cluster.kubectl(&format!(
            "-n {namespace} patch serviceaccount default --type=merge -p {patch}"
        ));
        let (pattern, policy) = self.advised();
        self.cluster.exempt(namespace, &[(&pattern, policy)]);
    }

    pub(crate) fn keeps_credentials(&self, namespace: &str) {
        self.cluster.apply(&json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
            "metadata": { "name": "pull", "namespace": namespace },
            "stringData": { ".dockerconfigjson": credentials(&self.proxy.host()) },
        }));
    }

    /// A signed one, which the advisor has not seen yet.
    pub(crate) fn publishes_a_database(&self) {
        let program = Path::new(env!("CARGO_BIN_EXE_cise"));
        vulnerable::database(program, self.publisher.path()).unwrap();
        self.pushes_the_database();
    }

    /// The next one, in which a record of the one before says something else.
    pub(crate) fn corrects_the_database(&self, (said, meant): (&str, &str)) {
        let record = self.publisher.path().join("advisories/DSA-9001-1.json");
        let before = fs::read_to_string(&record).unwrap();
        assert!(before.contains(said), "{said} in {before}");
        fs::write(&record, before.replace(said, meant)).unwrap();
        let as_of = jiff::Timestamp::now();
        let built = self.publisher.run(&format!(
            "db build --covers Debian --as-of {as_of} -o advisories.db advisories"
        ));
        assert_eq!(built.status, 0, "{}", built.stderr);
        self.pushes_the_database();
    }

    fn pushes_the_database(&self) {
        let pushed = self.publisher.run(&format!(
            "db push --config config.yaml --db advisories.db --sign-key key.pem {}/security/advisories:daily",
            self.registry.host()
        ));
        assert_eq!(pushed.status, 0, "{}", pushed.stderr);
    }

    /// Attaches a document to an image, signed by a key that the advisor believes.
    pub(crate) fn attests(&self, name: &str, document: &Value) {
        let reference = format!("{}/team/{name}:v1", self.registry.host());
        let attested = self
            .team
            .attest(&reference, "openvex", document, Form::Bundle);
        attested.unwrap();
    }

    pub(crate) fn image(&self, name: &str) -> String {
        format!("{}/team/{name}:v1", self.proxy.host())
    }

    pub(crate) fn put(&self, name: &str, image: &Image) {
        self.registry
            .push(image, &format!("team/{name}"), "v1")
            .unwrap();
    }

    pub(crate) fn push(&self, name: &str, files: &[(&str, &str)]) -> String {
        self.put(name, &Image::new(Format::Oci, files).unwrap());
        self.image(name)
    }

    /// An image with a published fix that it has not; each is another.
    pub(crate) fn vulnerable(&self, name: &str) -> String {
        self.push(name, &[&vulnerable::DEBIAN[..], &[("name", name)]].concat())
    }

    pub(crate) fn ask(&self, image: &str) -> Result<Value, String> {
        self.cluster.ask("team", image)
    }

    /// Makes a pod, however often it has to be asked for; gives what was said until then.
    pub(crate) fn makes(&self, name: &str, image: &str) -> Vec<String> {
        let mut refusals = Vec::new();
        eventually(
            "the pod is made",
            || match self.cluster.make("", &pod(name, "team", image)) {
                Ok(_) => true,
                Err(said) => {
                    // Meanwhile others get their turn.
                    thread::sleep(Duration::from_millis(500));
                    refusals.push(said);
                    false
                }
            },
            || self.cluster.replicas.logs(),
        );
        refusals
    }

    pub(crate) fn eventually_admits(&self, image: &str) {
        eventually(
            "it is admitted",
            || self.ask(image).is_ok(),
            || format!("{:?}\n{}", self.ask(image), self.cluster.replicas.logs()),
        );
    }

    pub(crate) fn eventually_refuses(&self, image: &str, why: &str) {
        eventually(
            why,
            || self.ask(image).is_err_and(|said| said.contains(why)),
            || format!("{:?}\n{}", self.ask(image), self.cluster.replicas.logs()),
        );
    }

    pub(crate) fn scale(&self, deployment: &str, replicas: usize) {
        self.cluster.kubectl(&format!(
            "-n {HOME} scale deployment/{deployment} --replicas={replicas}"
        ));
    }

    /// Ends the process of the advisor, which the node starts again, so that it pulls its database anew.
    pub(crate) fn restarts_the_advisor(&self) {
        let [name] = &self.pods("advisor")[..] else {
            panic!("expected one pod")
        };
        let process = || self.cluster.replica(name);
        let before = process().lock().unwrap().id();
        process().lock().unwrap().kill();
        eventually(
            "the node starts it again",
            || process().lock().unwrap().id() != before,
            || self.cluster.replicas.logs(),
        );
    }

    pub(crate) fn rolled_out(&self, deployment: &str) {
        self.cluster.kubectl(&format!(
            "-n {HOME} rollout status deployment/{deployment} --timeout=300s"
        ));
    }

    /// The names of the pods of a component that exist.
    pub(crate) fn pods(&self, component: &str) -> Vec<String> {
        let names = self.cluster.kubectl(&format!(
            "-n {HOME} get pods -l app.kubernetes.io/component={component} -o jsonpath={{.items[*].metadata.name}}"
        ));
        names.split_whitespace().map(str::to_owned).collect()
    }
}
