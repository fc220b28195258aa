//! With whose credentials a registry is asked: a real one that lets nobody in without a password.

use crate::support::{World, answer, cluster_policy, message, response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_admission::Hook;
use cise_policy::HostPattern;
use cise_registry::{DockerConfig, Keyring, RegistrySettings, Security, Tls};
use cise_testkit::authority::Authority;
use cise_testkit::components;
use cise_testkit::images::{Format, Image};
use cise_testkit::recordings;
use cise_testkit::registry::Registry;

/// An entry that has tags resolved, and nothing verified by the webhook that is called.
const RESOLVE: &str = "{name: \"*\", policy: {va: {enabled: true}}}";
const DOCKER_CONFIG: &str = "kubernetes.io/dockerconfigjson";

struct Peer {
    authority: Authority,
    registry: Registry,
}

impl Peer {
    fn start() -> Option<Self> {
        if !components::require(&[&components::REGISTRY]) {
            return None;
        }
        let authority = Authority::new("credentials").unwrap();
        let registry = Registry::basic(&authority).unwrap();
        let image = Image::new(Format::Oci, &[("etc/motd", "private")]).unwrap();
        registry.push(&image, "team/app", "v1").unwrap();
        Some(Self {
            authority,
            registry,
        })
    }

    fn world(&self) -> World {
        let mut world = World::new(&[&cluster_policy(&[RESOLVE])]);
        let tls = Tls::default()
            .with_roots(self.authority.certificate().as_bytes())
            .unwrap();
        let host = HostPattern::parse(&self.registry.host()).unwrap();
        let settings = RegistrySettings::new(host, &world.outbound, &Security::Https(tls)).unwrap();
        world.registries.push(settings);
        world
    }

    fn config(&self, password: &str) -> String {
        let auth = STANDARD.encode(format!("{}:{password}", Registry::USER));
        format!(
            "{{\"auths\":{{\"{}\":{{\"auth\":\"{auth}\"}}}}}}",
            self.registry.host()
        )
    }

    async fn allows(&self, world: &World, recording: &str) -> bool {
        let body = recordings::get(recording).unwrap();
        let body = body.body_with(&[("registry.test/", &format!("{}/", self.registry.host()))]);
        let answer = answer(&world.engine(), Hook::Trust, &body).await;
        for secret in [
            Registry::PASSWORD,
            "wrong-password",
            &STANDARD.encode(format!("{}:{}", Registry::USER, Registry::PASSWORD)),
        ] {
            assert!(
                !String::from_utf8_lossy(&answer.body).contains(secret),
                "a secret is told"
            );
        }
        response(&answer)["allowed"] == true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pods_own_pull_secrets_are_used_and_those_that_are_missing_or_odd_passed_over() {
    let Some(peer) = Peer::start() else { return };
    let right = peer.config(Registry::PASSWORD);
    let recording = "pod-create-pull-secrets";
    assert!(
        !peer.allows(&peer.world(), recording).await,
        "no secret exists"
    );
    for (first, kind) in [
        ("{", DOCKER_CONFIG),
        ("", "Opaque"),
        (&peer.config("wrong-password"), DOCKER_CONFIG),
    ] {
        let world = peer
            .world()
            .with_secret(
                "team",
                "registry-team",
                kind,
                &[(".dockerconfigjson", first)],
            )
            .with_secret(
                "team",
                "registry-partner",
                DOCKER_CONFIG,
                &[(".dockerconfigjson", &right)],
            );
        assert!(peer.allows(&world, recording).await, "{first}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_secret_that_was_rotated_is_read_anew_before_anybody_is_refused() {
    let Some(peer) = Peer::start() else { return };
    let (right, wrong) = (
        peer.config(Registry::PASSWORD),
        peer.config("wrong-password"),
    );
    for (kept, now, allowed) in [
        (&wrong, &right, true),
        (&right, &wrong, true),
        (&wrong, &wrong, false),
    ] {
        let world = peer.world().with_rotated_secret(
            "team",
            "registry-team",
            DOCKER_CONFIG,
            [
                &[(".dockerconfigjson", kept)],
                &[(".dockerconfigjson", now)],
            ],
        );
        assert_eq!(
            peer.allows(&world, "pod-create-pull-secrets").await,
            allowed,
            "{kept} {now}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_another_namespace_are_never_used() {
    let Some(peer) = Peer::start() else { return };
    let right = peer.config(Registry::PASSWORD);
    let mut world = peer.world();
    for namespace in ["default", "kube-system", "ibm-system"] {
        world = world.with_secret(
            namespace,
            "registry-team",
            DOCKER_CONFIG,
            &[(".dockerconfigjson", &right)],
        );
    }
    assert!(!peer.allows(&world, "pod-create-pull-secrets").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_names_none_gets_those_of_its_service_account() {
    let Some(peer) = Peer::start() else { return };
    let right = peer.config(Registry::PASSWORD);
    let world = peer.world().with_secret(
        "team",
        "pull",
        "kubernetes.io/dockercfg",
        &[(".dockercfg", &legacy(&right))],
    );
    assert!(
        !peer.allows(&world, "deployment-create").await,
        "the account names no secret"
    );
    let world = world.with_service_account("team", "default", &["pull"]);
    assert!(peer.allows(&world, "deployment-create").await);
    assert!(
        !peer.allows(&world, "pod-create-pull-secrets").await,
        "this one names its own"
    );
}

/// The older form has the registries at the top.
fn legacy(config: &str) -> String {
    let config: serde_json::Value = serde_json::from_str(config).unwrap();
    config["auths"].to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credentials_of_the_configuration_come_after_those_of_the_pod() {
    let Some(peer) = Peer::start() else { return };
    let config = DockerConfig::from_config_json(
        "pull credentials",
        peer.config(Registry::PASSWORD).as_bytes(),
    )
    .unwrap();
    let mut world = peer.world();
    world.settings.pull_credentials = Keyring::new([&config]);
    assert!(peer.allows(&world, "pod-create-one-image").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_cannot_be_read_denies_and_is_named() {
    let Some(peer) = Peer::start() else { return };
    let world = peer.world().with_unreadable_secret("team", "registry-team");
    let body = recordings::get("pod-create-pull-secrets").unwrap().body;
    let denied = answer(&world.engine(), Hook::Trust, &body).await;
    assert!(
        message(&denied).contains("reading secret team/registry-team failed"),
        "{}",
        message(&denied)
    );
}
