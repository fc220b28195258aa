//! What reading an image costs, who is shown what was read, and what is said while it is being read.

use std::fs;
use std::time::Duration;

use cise_testkit::caller::Caller;
use cise_testkit::fixtures::packages;
use cise_testkit::images::sha256;
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::recordings;
use hyper::StatusCode;
use serde_json::Value;

use crate::advisories::{EXPLOITED, World};
use crate::program::{Folder, Run};
use crate::server::{Server, eventually};

/// A world whose registry is reached through a proxy that counts, and spoils.
struct Watched {
    world: World,
    proxy: Proxy,
}

impl Watched {
    fn new() -> Option<Self> {
        let world = World::new()?;
        let proxy = Proxy::plain(world.registry.upstream()).unwrap();
        let host = proxy.host();
        world.folder.write(
            "cise.yaml",
            format!(
                "registries:\n- {{host: '{host}', plainHTTP: true, advisor: builtin}}\nadvisor: {{database: advisories.db}}\n"
            ),
        );
        world.folder.write("policies/scanned.yaml", policy(&host));
        Some(Self { world, proxy })
    }

    fn image(&self, name: &str) -> String {
        format!("{}/team/{name}:v1", self.proxy.host())
    }

    /// Runs `cise va`, and tells how often the registry was asked for manifests and for layers of Debian.
    fn va(&self, arguments: &str) -> (Run, usize, usize) {
        self.proxy.forget();
        let image = self.image("debian");
        let run = self
            .world
            .folder
            .run(&format!("va --config cise.yaml {arguments} {image}"));
        (run, self.asked("/manifests/"), self.asked(&layer()))
    }

    fn asked(&self, path: &str) -> usize {
        let exchanges = self.proxy.exchanges();
        exchanges
            .iter()
            .filter(|exchange| exchange.path.contains(path))
            .count()
    }

    /// A webhook in the folder of the world, which judges images itself.
    fn serve(&mut self, arguments: &str) -> Server {
        let folder = std::mem::replace(&mut self.world.folder, Folder::new(&[]));
        let arguments = format!("--policies policies --config cise.yaml {arguments}");
        let server = Server::spawn(folder, &arguments);
        server.wait_for("ready: reviews at https://");
        server
    }
}

fn policy(host: &str) -> String {
    format!(
        "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ImagePolicy\n\
         metadata: {{name: scanned, namespace: team}}\n\
         spec: {{repositories: [{{name: '{host}/*', policy: {{mutateImage: false, va: {{enabled: true}}}}}}]}}\n"
    )
}

/// The path of the layer that has the packages of Debian.
fn layer() -> String {
    format!("/blobs/{}", sha256(&packages::debian().unwrap().content))
}

/// What a hook says of the recorded object with this image, which is asked to answer within a time such as `2s`.
fn ask(server: &Server, hook: &str, recording: &str, image: &str, timeout: &str) -> Value {
    let ca = fs::read_to_string(server.folder.path().join("ca.pem")).unwrap();
    let recorded = recordings::get(recording).unwrap();
    let body = recorded.body_with(&[("registry.test/team/app:v1", image)]);
    let url = format!("{}{hook}?timeout={timeout}", server.url());
    let reply = Caller::trusting(&ca).unwrap().post(&url, body).unwrap();
    let review: Value = serde_json::from_slice(&reply.body).unwrap();
    review["response"].clone()
}

fn pod(server: &Server, image: &str, timeout: &str) -> String {
    let response = ask(server, "/va", "pod-create-one-image", image, timeout);
    response["status"]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn refuses() -> Fault {
    Fault::change(|answer| answer.status = StatusCode::FORBIDDEN)
}

#[test]
fn after_a_restart_an_image_is_judged_without_its_layers_being_fetched_again() {
    let Some(watched) = Watched::new() else {
        return;
    };
    let (first, _, layers) = watched.va("--cache kept");
    assert_eq!((first.status, layers), (1, 1), "{}", first.transcript());
    let (again, manifests, layers) = watched.va("--cache kept");
    assert_eq!((again.status, layers), (1, 0), "{}", again.transcript());
    assert!(manifests > 0);
    assert!(again.stdout.contains(EXPLOITED), "{}", again.stdout);

    // The configuration may name the folder, and a bound that is smaller than any layer.
    let configuration = fs::read_to_string(watched.world.folder.path().join("cise.yaml")).unwrap();
    let named = configuration.replace(
        "advisor: {database",
        "advisor: {cache: {folder: kept}, database",
    );
    watched.world.folder.write("cise.yaml", named);
    let (_, _, layers) = watched.va("");
    assert_eq!(layers, 0, "what the configuration names is used");
    let (_, _, layers) = watched.va("--cache another");
    assert_eq!(layers, 1, "the command line comes before it");
}

#[test]
fn a_cache_that_is_damaged_or_cannot_be_used_costs_time_and_no_answer() {
    let Some(watched) = Watched::new() else {
        return;
    };
    let (whole, _, _) = watched.va("--cache kept");
    let folder = watched.world.folder.path().join("kept");
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let content = fs::read(&path).unwrap();
        fs::write(&path, &content[..content.len() - 1]).unwrap();
    }
    let (damaged, _, layers) = watched.va("--cache kept");
    assert_eq!((damaged.status, layers), (1, 1));
    assert_eq!(damaged.stdout.lines().nth(3), whole.stdout.lines().nth(3));
    let (mended, _, layers) = watched.va("--cache kept");
    assert_eq!((mended.status, layers), (1, 0));

    let (without, _, layers) = watched.va("--cache cise.yaml/kept");
    assert_eq!((without.status, layers), (1, 1));
    let told = "warning: the folder cise.yaml/kept cannot be used to keep what layers say";
    assert!(without.stderr.contains(told), "{}", without.stderr);
}

#[test]
fn what_was_read_of_an_image_is_not_shown_to_whom_the_registry_does_not_show_it() {
    let Some(mut watched) = Watched::new() else {
        return;
    };
    let (seen, _, _) = watched.va("--cache kept");
    assert!(seen.stdout.contains(EXPLOITED), "{}", seen.transcript());
    let digest = digest(&watched);
    let by_digest = format!("{}/team/debian@{digest}", watched.proxy.host());

    // On the command line, with all layers kept.
    watched.proxy.on("/manifests/", refuses());
    let run = watched
        .world
        .folder
        .run(&format!("va --config cise.yaml --cache kept {by_digest}"));
    assert_eq!(run.status, 2, "{}", run.transcript());
    assert!(!run.stdout.contains(EXPLOITED), "{}", run.stdout);

    // In a webhook that has judged the image already.
    watched.proxy.heal();
    let server = watched.serve("--cache kept");
    let said = pod(&server, &by_digest, "20s");
    assert!(said.contains(EXPLOITED), "{said}");
    assert_eq!(watched.asked(&layer()), 0, "its layers were kept");
    watched.proxy.on("/manifests/", refuses());
    let said = pod(&server, &by_digest, "20s");
    assert!(said.contains("403") && !said.contains(EXPLOITED), "{said}");
    watched.proxy.heal();
    let said = pod(&server, &by_digest, "20s");
    assert!(said.contains(EXPLOITED), "{said}");
}

/// The digest of the image of Debian.
fn digest(watched: &Watched) -> String {
    let (run, _, _) = watched.va("--cache kept -o json");
    let reports: Value = serde_json::from_str(&run.stdout).unwrap();
    reports[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_image_that_is_not_read_in_time_is_refused_with_how_far_it_is_and_judged_later() {
    let Some(mut watched) = Watched::new() else {
        return;
    };
    let image = watched.image("debian");
    watched
        .proxy
        .on(&layer(), Fault::Trickle(Duration::from_millis(10)));
    let server = watched.serve("");
    let said = pod(&server, &image, "2s");
    let unscanned =
        "The Vulnerability Advisor has not scanned the container image yet. Try again later.";
    assert!(said.starts_with(unscanned), "{said}");
    assert!(said.contains("the image is being scanned, "), "{said}");
    assert!(said.contains(" bytes so far; the result"), "{said}");
    eventually(
        "the result answers the next request",
        || pod(&server, &image, "2s").contains(EXPLOITED),
        || server.log("cise.log"),
    );
    assert_eq!(watched.asked(&layer()), 1, "it was read once");
}

#[test]
fn an_image_is_read_when_a_workload_names_it_first() {
    let Some(mut watched) = Watched::new() else {
        return;
    };
    let image = watched.image("debian");
    let server = watched.serve("");
    let response = ask(&server, "/workloads", "deployment-create", &image, "20s");
    assert_eq!(response["allowed"], true, "{response}");
    let warned = response["warnings"].to_string();
    assert!(
        warned.contains(EXPLOITED) || warned.contains("found issues"),
        "{warned}"
    );
    assert_eq!(watched.asked(&layer()), 1);
    let said = pod(&server, &image, "20s");
    assert!(said.contains(EXPLOITED), "{said}");
    assert_eq!(watched.asked(&layer()), 1, "the pod found it read");
}

#[test]
fn whoever_waits_gets_the_answer_and_whoever_does_not_is_told_how_to() {
    let Some(watched) = Watched::new() else {
        return;
    };
    watched
        .proxy
        .on(&layer(), Fault::Trickle(Duration::from_secs(1)));
    let (short, _, _) = watched.va("--wait=5s");
    assert_eq!(short.status, 2, "{}", short.transcript());
    assert!(
        short.stdout.contains("could not be scanned"),
        "{}",
        short.stdout
    );
    assert!(
        short.stderr.contains("hint: --wait=TIME"),
        "{}",
        short.stderr
    );
    watched.proxy.heal();
    let (long, _, _) = watched.va("--wait");
    assert_eq!(long.status, 1, "{}", long.transcript());
    assert_eq!(long.stderr, "", "nothing but the result without a terminal");
    let mistaken = watched.world.folder.run("va --wait=soon nginx");
    assert!(
        mistaken.stderr.contains("expected a time"),
        "{}",
        mistaken.stderr
    );
}
