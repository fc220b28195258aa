//! Pinned roots of trust, with a real trust server and a real registry.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use cise_testkit::authority::Authority;
use cise_testkit::components::{self, NOTARY, NOTARY_SERVER, REGISTRY};
use cise_testkit::images::{Format, Image};
use cise_testkit::notary::{NotaryServer, Publisher, Target};
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::registry::Registry;
use serde_json::Value;

use crate::program::Folder;
use crate::server::Server;

/// A registry with a signed image, and the folder in which `cise` knows both.
struct Stage {
    registry: Registry,
    notary: NotaryServer,
    image: Image,
    gun: String,
    folder: Folder,
    authority: Authority,
}

impl Stage {
    fn set_up() -> Option<Self> {
        if !components::require(&[&REGISTRY, &NOTARY_SERVER, &NOTARY]) {
            return None;
        }
        let authority = Authority::new("cise trust").unwrap();
        let (registry, notary) = (
            Registry::open().unwrap(),
            NotaryServer::open(&authority).unwrap(),
        );
        let image = Image::new(Format::Oci, &[("etc/motd", "hello")]).unwrap();
        registry.push(&image, "team/app", "v1").unwrap();
        let gun = format!("{}/team/app", registry.host());
        let folder = Folder::new(&[(
            "policies.yaml",
            &format!(
                "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: signed}}\nspec: {{repositories: [{{name: '{gun}', policy: {{trust: {{enabled: true}}}}}}]}}\n"
            ),
        )]);
        let stage = Self {
            registry,
            notary,
            image,
            gun,
            folder,
            authority,
        };
        stage.configure(
            &stage.notary.trust().server_url,
            &stage.notary.trust().ca_file,
        );
        Some(stage)
    }

    fn configure(&self, server: &str, ca: &Path) {
        self.configure_in("cise.yaml", server, ca);
    }

    fn configure_in(&self, file: &str, server: &str, ca: &Path) {
        let text = format!(
            "registries:\n- host: '{}'\n  plainHTTP: true\n  trustServer: '{server}'\n  trustServerCAFile: '{}'\n",
            self.registry.host(),
            ca.display()
        );
        self.folder.write(file, text);
    }

    /// Adds that the server at `url` may be spoken to.
    fn permit(&self, url: &str, ca: &Path) {
        let file = self.folder.path().join("cise.yaml");
        let text = fs::read_to_string(file).unwrap();
        let host = url.trim_start_matches("https://");
        let more = format!("- host: '{host}'\n  caFile: '{}'\n", ca.display());
        self.folder.write("cise.yaml", text + &more);
    }

    fn sign(&self, notary: &NotaryServer) {
        let owner = Publisher::new(notary, "owner").unwrap();
        owner.init(&self.gun).unwrap();
        owner
            .sign(&self.gun, &Target::new("v1", &self.image), &[])
            .unwrap();
    }

    /// Checks the image; gives the status and what is told about it.
    fn check(&self, more: &str) -> (i32, Value) {
        let run = self.folder.run(&format!(
            "check --config cise.yaml --policies policies.yaml -o json {more} {}:v1",
            self.gun
        ));
        let images: Value =
            serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
        (run.status, images[0].clone())
    }
}

#[test]
fn a_root_is_pinned_listed_shown_and_forgotten() {
    let Some(stage) = Stage::set_up() else { return };
    stage.sign(&stage.notary);

    let (status, image) = stage.check("");
    assert_eq!(
        (status, &image["digest"]),
        (0, &stage.image.digest().into()),
        "{image}"
    );
    assert_eq!(image["evidence"][0]["kind"], "contentTrust", "{image}");
    assert!(
        !stage.folder.path().join("state").exists(),
        "without --state nothing is pinned"
    );

    assert_eq!(stage.check("--state state").0, 0);
    let listed = stage.folder.run("trust list --state state");
    assert_eq!(listed.status, 0, "{}", listed.stderr);
    assert!(
        listed.stdout.starts_with(&format!("{}  root ", stage.gun)),
        "{}",
        listed.stdout
    );

    let shown = stage
        .folder
        .run(&format!("trust show --state state {}", stage.gun));
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["repository"], stage.gun);
    assert!(
        listed
            .stdout
            .contains(&format!("root {}, pinned", shown["rootVersion"])),
        "{}",
        listed.stdout
    );
    assert_eq!(shown["rootKeys"].as_array().unwrap().len(), 1);
    assert!(shown["versions"]["targets"].as_u64() > Some(0), "{shown}");

    // Somebody sets up another trust server, with another root, in the name of this repository.
    let other_authority = Authority::new("other").unwrap();
    let other = NotaryServer::open(&other_authority).unwrap();
    stage.sign(&other);
    stage.configure(&other.trust().server_url, &other.trust().ca_file);
    let (status, image) = stage.check("--state state");
    assert_eq!((status, &image["allowed"]), (1, &false.into()), "{image}");

    let forgotten = stage
        .folder
        .run(&format!("trust forget --state state {}", stage.gun));
    assert_eq!(
        (forgotten.status, forgotten.stdout),
        (0, format!("forgot {}\n", stage.gun))
    );
    assert_eq!(stage.check("--state state").0, 0);

    let unknown = stage
        .folder
        .run("trust forget --state state registry.example.com/other");
    assert_eq!(unknown.status, 2);
    assert_eq!(
        unknown.stderr,
        "error: nothing is pinned of registry.example.com/other\nhint: `cise trust list` shows what is\n"
    );
}

#[test]
fn of_two_processes_that_race_for_one_pin_one_wins_and_the_other_denies() {
    let Some(stage) = Stage::set_up() else { return };
    let other = NotaryServer::open(&stage.authority).unwrap();
    let proxies = [("own.yaml", &stage.notary), ("other.yaml", &other)].map(|(file, notary)| {
        stage.sign(notary);
        let proxy = Proxy::tls(notary.upstream(), &stage.authority).unwrap();
        // Time enough for both to look for a pin before either has seen a root.
        proxy.on("/_trust/tuf/", Fault::Delay(Duration::from_millis(300)));
        stage.configure_in(file, &proxy.url(), &notary.trust().ca_file);
        (file, proxy)
    });
    for round in 0..4 {
        let racing = proxies.each_ref().map(|(file, _)| {
            let mut command = stage.folder.command(&format!(
                "check --config {file} --policies policies.yaml --state state -o json {}:v1",
                stage.gun
            ));
            let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        });
        let ended = racing.map(|process| process.wait_with_output().unwrap());
        let mut told = ended.iter().map(told).collect::<Vec<_>>();
        told.sort();
        assert_eq!(
            told,
            [
                (Some(0), "allowed".to_owned()),
                (Some(1), "trust-root-changed".to_owned())
            ],
            "in round {round}"
        );
        let listed = stage.folder.run("trust list --state state").stdout;
        assert_eq!(listed.lines().count(), 1, "{listed}");
        let winner = ended.iter().position(|ended| ended.status.success());
        let (_, winner) = &proxies[winner.unwrap()];
        assert!(listed.contains(&winner.host()), "{listed}");
        let forget = format!("trust forget --state state {}", stage.gun);
        assert_eq!(stage.folder.run(&forget).status, 0);
    }
}

/// The status, and the code of the reason, of a check of one image.
fn told(ended: &Output) -> (Option<i32>, String) {
    let images: Value = serde_json::from_slice(&ended.stdout).unwrap_or_default();
    let told = match &images[0]["reasons"][0]["code"] {
        Value::String(code) => code.clone(),
        _ if images[0]["allowed"] == true => "allowed".to_owned(),
        _ => String::from_utf8_lossy(&ended.stderr).into_owned(),
    };
    (ended.status.code(), told)
}

#[test]
fn the_pin_of_policies_that_name_their_own_trust_server_is_listed_shown_and_forgotten_apart() {
    let Some(stage) = Stage::set_up() else { return };
    stage.sign(&stage.notary);
    let other = NotaryServer::open(&stage.authority).unwrap();
    stage.sign(&other);
    // Only a policy names it; the configuration permits the address, and knows the authority.
    let url = other.trust().server_url.replace("localhost", "127.0.0.1");
    stage.permit(&url, &other.trust().ca_file);
    let policy = format!(
        "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ImagePolicy\nmetadata: {{name: own, namespace: team}}\nspec: {{repositories: [{{name: '{}', policy: {{trust: {{enabled: true, trustServer: '{url}'}}}}}}]}}\n",
        stage.gun
    );
    stage.folder.write("own/policy.yaml", policy);

    let own = "--policies own --state state -n team";
    let (status, image) = stage.check(own);
    assert_eq!((status, &image["allowed"]), (0, &true.into()), "{image}");
    let (status, image) = stage.check("--state state");
    assert_eq!((status, &image["allowed"]), (0, &true.into()), "{image}");

    let listed = stage.folder.run("trust list --state state").stdout;
    let lines: Vec<_> = listed.lines().collect();
    assert_eq!(lines.len(), 2, "{listed}");
    assert!(
        lines[0].ends_with(&format!("from {}/", stage.notary.trust().server_url)),
        "{listed}"
    );
    assert!(
        lines[1].ends_with(&format!("from {url}/, for policies that name it")),
        "{listed}"
    );
    let named = format!("--state state --trust-server {url} {}", stage.gun);
    let shown = stage.folder.run(&format!("trust show {named}")).stdout;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["trustServerChosenBy"], "policy", "{shown}");
    let forgotten = stage.folder.run(&format!("trust forget {named}"));
    assert_eq!(
        (forgotten.status, forgotten.stdout),
        (
            0,
            format!("forgot {} for policies that name {url}/\n", stage.gun)
        )
    );
    let listed = stage.folder.run("trust list --state state").stdout;
    assert_eq!(listed.trim_end(), lines[0]);
}

#[test]
fn a_server_shows_how_much_it_keeps() {
    let Some(stage) = Stage::set_up() else { return };
    stage.sign(&stage.notary);
    let Stage {
        registry,
        notary: _notary,
        folder,
        ..
    } = stage;
    let arguments = "--config cise.yaml --policies policies.yaml --state state";
    let server = Server::spawn(folder, arguments);
    server.wait_for("ready: reviews at https://");
    let kept = || {
        let metrics = server.admin("/metrics").1;
        let lines = metrics.lines().filter_map(|line| {
            let line = line.strip_prefix("cise_kept_results{kind=")?;
            Some(line.to_owned())
        });
        lines.collect::<Vec<_>>()
    };
    let nothing = ["\"notary\"} 0", "\"tags\"} 0", "\"tokens\"} 0"];
    assert_eq!(kept(), nothing);
    let images = [("registry.test", &*registry.host())];
    let answer = server.review_of("/trust", "pod-create-one-image", &images);
    assert_eq!(answer["allowed"], true, "{answer}");
    assert_eq!(kept(), ["\"notary\"} 1", nothing[1], nothing[2]]);
}

#[test]
fn an_unsigned_image_is_denied_and_a_dead_trust_server_leaves_it_undecided() {
    let Some(stage) = Stage::set_up() else { return };
    let (status, image) = stage.check("");
    assert_eq!((status, &image["allowed"]), (1, &false.into()), "{image}");
    assert_eq!(
        image["reasons"][0]["message"],
        "Deny, failed to get content trust information: No valid trust data for v1"
    );

    // Nothing listens at this port.
    stage.configure("https://localhost:1", &stage.notary.trust().ca_file);
    let (status, image) = stage.check("");
    assert_eq!((status, &image["allowed"]), (2, &false.into()), "{image}");
    assert!(
        image["reasons"][0]["found"]
            .as_str()
            .unwrap()
            .contains("localhost:1"),
        "{image}"
    );
}

#[test]
fn a_damaged_record_is_named_and_hides_no_other() {
    let Some(stage) = Stage::set_up() else { return };
    stage.sign(&stage.notary);
    assert_eq!(stage.check("--state state").0, 0);
    let record = fs::read_dir(stage.folder.path().join("state"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let record = record
        .map(|name| name.into_string().unwrap())
        .find(|name| name.contains(".json"))
        .unwrap();
    stage.folder.write(&format!("state/{record}"), "{");
    let listed = stage.folder.run("trust list --state state");
    assert_eq!(listed.status, 2);
    assert!(
        listed.stderr.starts_with("error: ") && listed.stderr.contains(&record),
        "{}",
        listed.stderr
    );
    let (status, image) = stage.check("--state state");
    assert_eq!((status, &image["allowed"]), (2, &false.into()), "{image}");
    assert!(
        image["reasons"][0]["found"]
            .as_str()
            .unwrap()
            .contains(&record),
        "{image}"
    );
}

#[test]
fn nothing_is_listed_where_nothing_is_pinned() {
    let folder = Folder::new(&[]);
    assert_eq!(
        folder.run("trust list --state .").transcript(),
        "status: 0\n"
    );
}
