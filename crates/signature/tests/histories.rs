//! What is kept, in memory or on disk, never changes a verdict: it only changes how fast it comes.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cise_policy::HostPattern;
use cise_reference::Reference;
use cise_registry::{
    Channel, Deadline, Egress, FlightBounds, Http, Keyring, Outbound, Proxies, Registries, Retries,
    Security,
};
use cise_signature::notary::{
    Notary, NotarySettings, Presets, Question, Requirement, Signer, SignerSecret, TrustServers,
};
use cise_signature::store::{FolderStore, TrustState};
use cise_signature::{Evidence, SideEffects};
use cise_testkit::fixtures::notary::{Case, Files, case};
use cise_testkit::scripted::Scripted;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// What the trust server has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offer {
    Older,
    Newer,
    /// The newer timestamp before the older files.
    Mixed,
    /// Another repository in the place of this one.
    Foreign,
    Nothing,
    /// Every answer has this status.
    Failure(u16),
    /// The newer files, but each only after a failure that has passed when it is asked for again.
    Flaky,
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Event {
    Serve(Offer),
    Wait(SignedDuration),
    /// All replicas start anew.
    Restart,
    Ask {
        replica: usize,
        image: usize,
        signers: Vec<&'static str>,
        side_effects: SideEffects,
    },
}

const REPLICAS: usize = 2;
/// Tags of the fixture and one that is not there; the digest is that of its `1.0`.
const IMAGES: [&str; 5] = [
    ":1.0",
    ":1.1",
    ":2.0",
    ":9.9",
    "@sha256:eabb9dc6a67251defc03bab369b3ac8040f7cb7eb3bb573572db15a968d634da",
];

fn offer() -> impl Strategy<Value = Offer> {
    prop_oneof![
        3 => Just(Offer::Older),
        3 => Just(Offer::Newer),
        1 => Just(Offer::Mixed),
        1 => Just(Offer::Foreign),
        1 => Just(Offer::Nothing),
        2 => prop::sample::select(&[400, 429, 500, 502, 503][..]).prop_map(Offer::Failure),
        1 => Just(Offer::Flaky),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let signers = prop_oneof![
        Just(vec![]),
        Just(vec!["alice"]),
        Just(vec!["bob"]),
        Just(vec!["alice", "bob"])
    ];
    let side_effects =
        prop_oneof![3 => Just(SideEffects::Allowed), 1 => Just(SideEffects::Forbidden)];
    // Eleven years are more than the metadata holds.
    let seconds = prop_oneof![4 => 1..90_i64, 1 => Just(11 * 365 * 24 * 3600)];
    prop_oneof![
        3 => offer().prop_map(Event::Serve),
        2 => seconds.prop_map(|seconds| Event::Wait(SignedDuration::from_secs(seconds))),
        1 => Just(Event::Restart),
        8 => (0..REPLICAS, 0..IMAGES.len(), signers, side_effects).prop_map(|(replica, image, signers, side_effects)| {
            Event::Ask { replica, image, signers, side_effects }
        }),
    ]
}

/// The trust server and the repository that it serves.
struct Peer {
    case: Case,
    offer: Arc<Mutex<Offer>>,
    server: Scripted,
    /// Shared, since reading the system's authorities takes longer than a question.
    outbound: Outbound,
}

impl Peer {
    fn start() -> Self {
        let (case, foreign) = (case("forged/rollback"), case("forged/good").files);
        let (newer, older) = (case.files.clone(), case.older_files.clone().unwrap());
        let offer = Arc::new(Mutex::new(Offer::Older));
        let current = Arc::clone(&offer);
        let failed = Mutex::new(BTreeSet::new());
        let fails_now = move |name: &str| {
            let mut failed = failed.lock().unwrap();
            !failed.remove(name) && failed.insert(name.to_owned())
        };
        let server = Scripted::start(move |path| {
            let name = path.split_once("/_trust/tuf/").map_or("", |(_, name)| name);
            let found = |files: &Files| match files.get(name) {
                Some(bytes) => (StatusCode::OK, bytes.to_vec()),
                None => (StatusCode::NOT_FOUND, Vec::new()),
            };
            match *current.lock().unwrap() {
                Offer::Mixed if name == "timestamp.json" => found(&newer),
                Offer::Older | Offer::Mixed => found(&older),
                Offer::Foreign => found(&foreign),
                Offer::Nothing => (StatusCode::NOT_FOUND, Vec::new()),
                Offer::Flaky if fails_now(name) => (StatusCode::SERVICE_UNAVAILABLE, Vec::new()),
                Offer::Newer | Offer::Flaky => found(&newer),
                Offer::Failure(status) => (StatusCode::from_u16(status).unwrap(), Vec::new()),
            }
        });
        Self {
            case,
            offer,
            server: server.unwrap(),
            outbound: Outbound::new(Proxies::new(None, None, None).unwrap()),
        }
    }

    fn serve(&self, offer: Offer) {
        *self.offer.lock().unwrap() = offer;
    }

    fn lost_what_its_timestamp_names(&self) -> bool {
        *self.offer.lock().unwrap() == Offer::Mixed
    }

    fn verifier(&self, state: &TempDir, timestamp_trust: SignedDuration) -> Notary {
        let channel =
            Channel::new(&self.outbound, &Security::PlainHttp, Egress::NamedHost).unwrap();
        let servers = TrustServers::new().with(
            HostPattern::parse("*").unwrap(),
            &self.server.url(),
            channel,
        );
        let http = Http::new(
            Registries::new(&self.outbound, Vec::new()).unwrap(),
            FlightBounds::default(),
        )
        .with_retries(Retries {
            first_pause: Duration::from_millis(1),
            ..Retries::default()
        });
        let store = FolderStore::open(state.path(), 10).unwrap();
        let settings = NotarySettings {
            timestamp_trust,
            ..NotarySettings::default()
        };
        Notary::new(
            http,
            Arc::new(store),
            servers.unwrap(),
            Presets::new(),
            settings,
        )
    }

    fn requirement(&self, signers: &[&'static str]) -> Requirement {
        let signer = |name: &&'static str| {
            let public_key = Some(self.case.signer_keys[*name].as_bytes());
            Signer::from_secret(&SignerSecret {
                secret: name,
                name: Some(name.as_bytes()),
                public_key,
            })
            .unwrap()
        };
        Requirement::new(None, signers.iter().map(signer).collect())
    }
}

/// What a verifier says, but for the moment at which it heard it.
type Verdict = Result<(String, String, String, Vec<String>, u64), &'static str>;

async fn ask(verifier: &Notary, peer: &Peer, event: &Event, now: Timestamp) -> Verdict {
    let Event::Ask {
        image,
        signers,
        side_effects,
        ..
    } = event
    else {
        panic!("nothing is asked")
    };
    let question = Question {
        image: &Reference::parse(&format!("{}{}", peer.case.gun, IMAGES[*image])).unwrap(),
        requirement: &peer.requirement(signers),
        keyring: &Keyring::empty(),
        namespace: "team",
        now,
        deadline: Deadline::after(Duration::from_secs(20)),
        side_effects: *side_effects,
    };
    match verifier.verify(&question).await {
        Ok(Evidence::ContentTrust {
            digest,
            target,
            released_by,
            signers,
            root_version,
            ..
        }) => {
            let signers = signers
                .iter()
                .map(|signer| format!("{} {}", signer.name, signer.key_id))
                .collect();
            Ok((
                digest.to_string(),
                target.to_string(),
                released_by.to_string(),
                signers,
                root_version,
            ))
        }
        Ok(other) => panic!("evidence of another kind: {other:?}"),
        Err(refusal) => Err(refusal.code()),
    }
}

fn records(state: &TempDir) -> Vec<TrustState> {
    let records = FolderStore::open(state.path(), 10).unwrap().list().unwrap();
    records.into_iter().map(Result::unwrap).collect()
}

/// Lives through a history with two replicas that keep what they may and share a store, and beside them with a verifier for
/// each question that knows no more than its own store.
async fn live_through(peer: &Peer, history: &[Event], timestamp_trust: SignedDuration) {
    let (shared, own) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let start = || [(); REPLICAS].map(|()| peer.verifier(&shared, timestamp_trust));
    let mut replicas = start();
    let mut now = peer.case.at;
    peer.serve(Offer::Older);
    for (step, event) in history.iter().enumerate() {
        match event {
            Event::Serve(offer) => {
                peer.serve(*offer);
                // For as long as a timestamp is trusted, a change may go unnoticed: that is what the setting says.
                now += timestamp_trust;
            }
            Event::Wait(time) => now = now.saturating_add(*time).unwrap(),
            Event::Restart => replicas = start(),
            Event::Ask { replica, .. } => {
                let kept = ask(&replicas[*replica], peer, event, now).await;
                let fresh = || peer.verifier(&own, timestamp_trust);
                let mut told = ask(&fresh(), peer, event, now).await;
                if kept != told && peer.lost_what_its_timestamp_names() {
                    // Who has verified those files needs them no more: the signed timestamp says that they are the newest.
                    peer.serve(Offer::Newer);
                    told = ask(&fresh(), peer, event, now).await;
                    peer.serve(Offer::Mixed);
                }
                assert_eq!(kept, told, "in step {step}, kept and fresh");
                assert_eq!(
                    records(&shared),
                    records(&own),
                    "after step {step}, kept and fresh"
                );
            }
        }
    }
}

#[test]
fn kept_and_fresh_verifiers_agree_in_every_history() {
    let (runtime, peer) = (Runtime::new().unwrap(), Peer::start());
    let trust = prop_oneof![
        Just(SignedDuration::ZERO),
        Just(SignedDuration::from_secs(60))
    ];
    let config = ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(history in prop::collection::vec(event(), 1..24), trust in trust)| {
        runtime.block_on(live_through(&peer, &history, trust));
    });
}
