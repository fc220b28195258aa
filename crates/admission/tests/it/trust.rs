//! The engine with a real registry, a real trust server, and images that the real client signed.

use std::time::Duration;

use crate::support::{World, answer, cluster_policy, message, response, team_policy};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_admission::{Engine, Hook};
use cise_policy::HostPattern;
use cise_registry::{Channel, Deadline, Egress, RegistrySettings, Security, Tls};
use cise_testkit::authority::Authority;
use cise_testkit::components::{self, NOTARY, NOTARY_SERVER};
use cise_testkit::images::{Format, Image};
use cise_testkit::notary::{NotaryServer, Publisher, SignerKey, Target};
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::recordings;
use cise_testkit::registry::Registry;
use futures::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

/// A registry and its trust server, with an image that `alice` signed as `v1`, and one that nobody signed as `v2`.
struct Peers {
    authority: Authority,
    registry: Registry,
    notary: NotaryServer,
    signed: Image,
    alice: SignerKey,
    bob: SignerKey,
}

impl Peers {
    fn start() -> Option<Self> {
        if !components::require(&[&components::REGISTRY, &NOTARY, &NOTARY_SERVER]) {
            return None;
        }
        let authority = Authority::new("peers").unwrap();
        let (registry, notary) = (
            Registry::open().unwrap(),
            NotaryServer::open(&authority).unwrap(),
        );
        let signed = Image::new(Format::Oci, &[("etc/motd", "signed")]).unwrap();
        let unsigned = Image::new(Format::Oci, &[("etc/motd", "unsigned")]).unwrap();
        registry.push(&signed, "team/app", "v1").unwrap();
        registry.push(&unsigned, "team/app", "v2").unwrap();
        registry.push(&unsigned, "team/cache", "v1").unwrap();
        let gun = format!("{}/team/app", registry.host());
        let owner = Publisher::new(&notary, "owner").unwrap();
        let (alice, bob) = (
            Publisher::new(&notary, "alice").unwrap(),
            Publisher::new(&notary, "bob").unwrap(),
        );
        let (alices_key, bobs_key) = (alice.generate_key().unwrap(), bob.generate_key().unwrap());
        owner.init(&gun).unwrap();
        owner.add_signer(&gun, &alices_key).unwrap();
        owner.add_signer(&gun, &bobs_key).unwrap();
        alice.release(&gun, &Target::new("v1", &signed)).unwrap();
        Some(Self {
            authority,
            registry,
            notary,
            signed,
            alice: alices_key,
            bob: bobs_key,
        })
    }

    fn world(&self, policies: &[&str]) -> World {
        self.world_at(policies, &self.notary.trust().server_url)
    }

    /// A world whose trust server is found at another address, such as that of a proxy.
    fn world_at(&self, policies: &[&str], trust_server: &str) -> World {
        let mut world = World::new(policies);
        let host = || HostPattern::parse(&self.registry.host()).unwrap();
        let tls = Tls::default()
            .with_roots(self.authority.certificate().as_bytes())
            .unwrap();
        let channel =
            Channel::new(&world.outbound, &Security::Https(tls), Egress::NamedHost).unwrap();
        world
            .registries
            .push(RegistrySettings::new(host(), &world.outbound, &Security::PlainHttp).unwrap());
        world.trust_servers = world
            .trust_servers
            .with(host(), trust_server, channel)
            .unwrap();
        for (name, key) in [("alice", &self.alice), ("bob", &self.bob)] {
            for namespace in ["team", "ibm-system"] {
                let entries = [("name", name), ("publicKey", key.public_key.as_str())];
                world = world.with_secret(namespace, name, "Opaque", &entries);
            }
        }
        world
    }

    /// A recorded request whose images of `registry.test` are in this registry.
    fn request(&self, recording: &str) -> Vec<u8> {
        recordings::get(recording)
            .unwrap()
            .body_with(&[("registry.test/", &format!("{}/", self.registry.host()))])
    }

    fn pinned(&self) -> String {
        format!(
            "{}/team/app:v1@{}",
            self.registry.host(),
            self.signed.digest()
        )
    }
}

const TRUST: &str = "{name: \"*\", policy: {trust: {enabled: true}}}";

/// The operations of an answer's patch.
fn patch(response: &Value) -> Value {
    let patch = response["patch"]
        .as_str()
        .map(|patch| STANDARD.decode(patch).unwrap());
    patch.map_or(Value::Null, |patch| serde_json::from_slice(&patch).unwrap())
}

/// The request after its patch, as the API server would send it to the validating pass.
fn patched(body: &[u8], response: &Value) -> Vec<u8> {
    let mut review: Value = serde_json::from_slice(body).unwrap();
    let object = &mut review["request"]["object"];
    for operation in patch(response).as_array().unwrap() {
        let place = object
            .pointer_mut(operation["path"].as_str().unwrap())
            .unwrap();
        match operation["op"].as_str().unwrap() {
            "test" => assert_eq!(*place, operation["value"]),
            "replace" => *place = operation["value"].clone(),
            other => panic!("{other} is no operation of ours"),
        }
    }
    serde_json::to_vec(&review).unwrap()
}

async fn allowed(engine: &Engine, hook: Hook, body: &[u8]) -> bool {
    response(&answer(engine, hook, body).await)["allowed"] == true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_image_is_pinned_and_then_admitted_by_the_validating_pass() {
    let Some(peers) = Peers::start() else { return };
    let engine = peers.world(&[&cluster_policy(&[TRUST])]).engine();
    for recording in [
        "pod-create-one-image",
        "pod-create-by-replicaset",
        "pod-create-generate-name",
    ] {
        let body = peers.request(recording);
        let response = response(&answer(&engine, Hook::Trust, &body).await);
        assert_eq!(patch(&response).as_array().unwrap().len(), 2, "{recording}");
        let patched = patched(&body, &response);
        assert!(
            String::from_utf8_lossy(&patched).contains(&peers.pinned()),
            "{recording}"
        );
        assert!(
            allowed(&engine, Hook::TrustValidate, &patched).await,
            "{recording}"
        );
        assert!(
            !allowed(&engine, Hook::TrustValidate, &body).await,
            "{recording}: unpinned"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_pinned_where_workloads_are_enforced_and_only_there() {
    let Some(peers) = Peers::start() else { return };
    let mut world = peers.world(&[&cluster_policy(&[TRUST])]);
    for (setting, is_pinned) in [
        (cise_admission::Workloads::Enforce, true),
        (cise_admission::Workloads::Warn, false),
    ] {
        world.settings.workloads = setting;
        let engine = world.engine();
        for recording in [
            "deployment-create",
            "replicaset-create",
            "statefulset-create",
            "daemonset-create",
            "replicationcontroller-create",
            "job-create",
            "cronjob-create",
        ] {
            let body = peers.request(recording);
            let response = response(&answer(&engine, Hook::WorkloadsMutate, &body).await);
            assert_eq!(response["allowed"], true, "{recording}");
            assert_eq!(response.get("patch").is_some(), is_pinned, "{recording}");
            if is_pinned {
                let patched = patched(&body, &response);
                assert!(
                    String::from_utf8_lossy(&patched).contains(&peers.pinned()),
                    "{recording}"
                );
                assert!(
                    allowed(&engine, Hook::Workloads, &patched).await,
                    "{recording}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsigned_image_is_refused_in_the_products_words_at_every_place() {
    let Some(peers) = Peers::start() else { return };
    let engine = peers.world(&[&cluster_policy(&[TRUST])]).engine();
    for (recording, tag) in [
        ("pod-update-image", "v2"),
        ("pod-update-terminating-image", "v2"),
        ("pod-create-init-containers", "v1"),
        ("pod-create-image-volume", "v1"),
        ("pod-ephemeralcontainers-update", "v1"),
    ] {
        let denied = answer(&engine, Hook::Trust, &peers.request(recording)).await;
        let first =
            format!("Deny, failed to get content trust information: No valid trust data for {tag}");
        assert_eq!(
            message(&denied).lines().next(),
            Some(first.as_str()),
            "{recording}: {}",
            message(&denied)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_the_object_had_already_is_not_verified_again() {
    let Some(peers) = Peers::start() else { return };
    let engine = peers.world(&[&cluster_policy(&[TRUST])]).engine();
    for recording in [
        "pod-update-label",
        "pod-update-finalizer-added",
        "pod-update-terminating-finalizer-removed",
        "pod-resize-update",
    ] {
        let body = String::from_utf8(peers.request(recording))
            .unwrap()
            .replace("team/app:v1", "team/app:v2");
        for hook in [Hook::Trust, Hook::TrustValidate] {
            let response = response(&answer(&engine, hook, body.as_bytes()).await);
            assert_eq!(response["allowed"], true, "{recording} {hook:?}");
            assert!(response.get("patch").is_none(), "{recording} {hook:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_signers_have_to_have_signed_with_the_keys_of_their_secrets() {
    let Some(peers) = Peers::start() else { return };
    let body = peers.request("pod-create-one-image");
    for (signers, allowed) in [
        ("[{name: alice}]", true),
        ("[{name: alice}, {name: bob}]", false),
        ("[{name: carol}]", false),
    ] {
        let entry = format!(
            "{{name: \"*\", policy: {{trust: {{enabled: true, signerSecrets: {signers}}}}}}}"
        );
        for policy in [cluster_policy(&[&entry]), team_policy(&[&entry])] {
            let answer = answer(&peers.world(&[&policy]).engine(), Hook::Trust, &body).await;
            assert_eq!(
                response(&answer)["allowed"],
                allowed,
                "{signers}: {}",
                message(&answer)
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_of_the_cluster_reads_no_secret_of_the_pods_namespace() {
    let Some(peers) = Peers::start() else { return };
    let entry = "{name: \"*\", policy: {trust: {enabled: true, signerSecrets: [{name: own}]}}}";
    let secret = [
        ("name", "alice"),
        ("publicKey", peers.alice.public_key.as_str()),
    ];
    let body = peers.request("pod-create-one-image");
    for (policy, namespace, allowed) in [
        (cluster_policy(&[entry]), "team", false),
        (cluster_policy(&[entry]), "ibm-system", true),
        (team_policy(&[entry]), "ibm-system", false),
        (team_policy(&[entry]), "team", true),
    ] {
        let world = peers
            .world(&[&policy])
            .with_secret(namespace, "own", "Opaque", &secret);
        let answer = answer(&world.engine(), Hook::Trust, &body).await;
        assert_eq!(
            response(&answer)["allowed"],
            allowed,
            "{policy} {namespace}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_for_the_advisor_alone_is_pinned_to_what_the_registry_has() {
    let Some(peers) = Peers::start() else { return };
    let engine = peers
        .world(&[&cluster_policy(&[
            "{name: \"*\", policy: {va: {enabled: true}}}",
        ])])
        .engine();
    let body = peers.request("pod-create-one-image");
    let response = response(&answer(&engine, Hook::Trust, &body).await);
    assert!(String::from_utf8_lossy(&patched(&body, &response)).contains(&peers.pinned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_keeps_its_tag_is_told_not_to_be_pinned() {
    let Some(peers) = Peers::start() else { return };
    let entry = "{name: \"*\", policy: {mutateImage: false, trust: {enabled: true}}}";
    let engine = peers.world(&[&cluster_policy(&[entry])]).engine();
    for hook in [Hook::Trust, Hook::TrustValidate] {
        let response =
            response(&answer(&engine, hook, &peers.request("pod-create-one-image")).await);
        assert_eq!(
            (response["allowed"].as_bool(), response.get("patch")),
            (Some(true), None)
        );
        assert!(
            response["warnings"][0]
                .as_str()
                .unwrap()
                .starts_with("the policy does not pin localhost:")
        );
        assert!(
            response["auditAnnotations"]["images"]
                .as_str()
                .unwrap()
                .contains(&peers.signed.digest())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_is_decided_in_the_same_way_and_leaves_no_trace() {
    let Some(peers) = Peers::start() else { return };
    let world = peers.world(&[&cluster_policy(&[TRUST])]);
    let engine = world.engine();
    assert!(allowed(&engine, Hook::Trust, &peers.request("pod-create-dry-run")).await);
    assert_eq!(world.trust_records(), 0);
    assert!(allowed(&engine, Hook::Trust, &peers.request("pod-create-one-image")).await);
    assert_eq!(world.trust_records(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trust_server_that_never_answers_is_named_within_the_deadline() {
    let Some(peers) = Peers::start() else { return };
    let proxy = Proxy::tls(peers.notary.upstream(), &peers.authority).unwrap();
    proxy.on("", Fault::Hang);
    let engine = peers
        .world_at(&[&cluster_policy(&[TRUST])], &proxy.url())
        .engine();
    let deadline = Deadline::after(Duration::from_millis(500));
    let body = peers.request("pod-create-one-image");
    let denied = engine
        .answer(Hook::Trust, &body, Timestamp::now(), deadline)
        .await
        .unwrap();
    let message = message(&denied);
    assert!(
        message.starts_with("Deny, failed to get content trust information: No answer about v1\n"),
        "{message}"
    );
    assert!(message.contains(&proxy.host()), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_answers_without_asking_again_and_a_tightened_policy_counts_at_once() {
    let Some(peers) = Peers::start() else { return };
    let proxy = Proxy::tls(peers.notary.upstream(), &peers.authority).unwrap();
    let world = peers.world_at(&[&cluster_policy(&[TRUST])], &proxy.url());
    let body = peers.request("pod-create-one-image");
    let engine = world.engine();
    assert!(allowed(&engine, Hook::Trust, &body).await);
    proxy.forget();
    assert!(allowed(&engine, Hook::Trust, &body).await);
    assert_eq!(proxy.exchanges().len(), 0);
    world.tighten(&[&cluster_policy(&[TRUST]), &team_policy(&[])]);
    assert!(!allowed(&engine, Hook::Trust, &body).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_for_one_new_image_cost_one_verification() {
    let Some(peers) = Peers::start() else { return };
    let proxy = Proxy::tls(peers.notary.upstream(), &peers.authority).unwrap();
    let world = peers.world_at(&[&cluster_policy(&[TRUST])], &proxy.url());
    let body = peers.request("pod-create-one-image");
    assert!(allowed(&world.engine(), Hook::Trust, &body).await);
    let alone = proxy.exchanges().len();
    proxy.forget();
    let engine = peers
        .world_at(&[&cluster_policy(&[TRUST])], &proxy.url())
        .engine();
    let together = join_all((0..50).map(|_| allowed(&engine, Hook::Trust, &body))).await;
    assert!(together.into_iter().all(|allowed| allowed));
    assert_eq!(proxy.exchanges().len(), alone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_moved_is_followed_at_once_and_vouches_for_its_old_digest_no_more() {
    let Some(peers) = Peers::start() else { return };
    let entry = format!(
        "{{name: \"{}/team/app:v1\", policy: {{va: {{enabled: true}}}}}}",
        peers.registry.host()
    );
    let engine = peers.world(&[&cluster_policy(&[&entry])]).engine();
    let moved = Image::new(Format::Oci, &[("etc/motd", "moved")]).unwrap();
    let request = |image: &Image| {
        let recorded = format!("sha256:{}", "0123456789abcdef".repeat(4));
        let body = String::from_utf8(peers.request("pod-create-tag-and-digest")).unwrap();
        body.replace(&recorded, &image.digest()).into_bytes()
    };
    assert!(allowed(&engine, Hook::Trust, &request(&peers.signed)).await);
    assert!(!allowed(&engine, Hook::Trust, &request(&moved)).await);
    peers.registry.push(&moved, "team/app", "v1").unwrap();
    assert!(allowed(&engine, Hook::Trust, &request(&moved)).await);
    let denied = answer(&engine, Hook::Trust, &request(&peers.signed)).await;
    assert!(
        message(&denied).starts_with("Deny, tag v1 does not point to sha256:"),
        "{}",
        message(&denied)
    );
}
