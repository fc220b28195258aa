//! Images that run, looked at before anybody asks about them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cise_admission::{Advisor, Advisors, Counsel, ExemptionSource, Foreseen, Prospect};
use cise_advisor::assessment::Assessment;
use cise_advisor::exemption::Exemptions;
use cise_advisor::{Advise, Question, Unadvised, Urgency};
use cise_policy::HostPattern;
use cise_registry::{Deadline, DockerConfig, Fingerprint, Freshness, Keyring};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::json;

use crate::support::{HANGS, PANICS, World, cluster_policy, team_policy};

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const ADVISED: &str = "{name: \"registry.test/*\", policy: {va: {enabled: true}}}";
const OPEN: &str = "{name: \"registry.test/*\", policy:}";
const LOGIN: &str = r#"{"auths":{"registry.test":{"auth":"dXNlcjpwYXNz"}}}"#;
const DOCKER_CONFIG: &str = "kubernetes.io/dockerconfigjson";

/// What the advisor was asked.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    image: String,
    namespace: String,
    urgency: Urgency,
    freshness: Freshness,
    credentials: Fingerprint,
}

/// Takes down what it is asked, and is still at it.
#[derive(Default)]
struct Desk(Mutex<Vec<Asked>>);

impl Advise for Desk {
    fn advise<'a>(
        &'a self,
        question: Question<'a>,
    ) -> BoxFuture<'a, Result<Arc<Assessment>, Unadvised>> {
        self.0.lock().unwrap().push(Asked {
            image: question.image.to_string(),
            namespace: question.caller.namespace.to_owned(),
            urgency: question.urgency,
            freshness: question.freshness,
            credentials: fingerprint(question.caller.keyring, &question),
        });
        async { Err(Unadvised::Indexing(None)) }.boxed()
    }
}

impl ExemptionSource for Desk {
    fn exemptions(&self) -> Arc<Exemptions> {
        Arc::default()
    }
}

fn fingerprint(keyring: &Keyring, question: &Question<'_>) -> Fingerprint {
    keyring
        .candidates(question.image.repository())
        .fingerprint()
}

/// What becomes of the image of a pod in the namespace `team`, and what the advisor is asked about it.
async fn foresees(world: &mut World, image: &str, secret: &str) -> (Foreseen, Vec<Asked>) {
    world.settings.advisors = Advisors::new([(
        HostPattern::parse("registry.test").unwrap(),
        Advisor::Builtin,
    )]);
    let desk = Arc::new(Desk::default());
    let engine = world.engine().with_counsel(Counsel {
        advisor: desk.clone(),
        exemptions: desk.clone(),
        admitted: None,
    });
    let pod = json!({
        "metadata": { "namespace": "team" },
        "spec": { "containers": [{ "name": "a", "image": image }], "imagePullSecrets": [{ "name": secret }] },
    });
    let prospect = Prospect::all_of(&pod.to_string()).unwrap().pop_first();
    let deadline = Deadline::after(Duration::from_millis(500));
    let foreseen = engine
        .foresee(&prospect.unwrap(), Timestamp::now(), deadline)
        .await;
    let asked = std::mem::take(&mut *desk.0.lock().unwrap());
    (foreseen, asked)
}

#[tokio::test]
async fn the_advisor_is_asked_as_for_a_pod_with_its_credentials_and_for_nobody_who_waits() {
    let image = format!("registry.test/team/app@{DIGEST}");
    let mut world = World::new(&[&team_policy(&[ADVISED])]).with_secret(
        "team",
        "pull",
        DOCKER_CONFIG,
        &[(".dockerconfigjson", LOGIN)],
    );
    let (foreseen, asked) = foresees(&mut world, &image, "pull").await;
    assert_eq!(foreseen, Foreseen::Pending);
    let [one] = asked.as_slice() else {
        panic!("expected one question, got {asked:?}");
    };
    assert_eq!((&*one.image, &*one.namespace), (&*image, "team"));
    assert_eq!(one.urgency, Urgency::Ahead);
    assert_eq!(one.freshness, Freshness::Fresh);
    let login = DockerConfig::from_config_json("the test", LOGIN.as_bytes()).unwrap();
    let expected = Keyring::new([&login]);
    let repository = cise_reference::Reference::parse(&image).unwrap();
    let expected = expected.candidates(repository.repository()).fingerprint();
    assert_eq!(one.credentials, expected);
    let (_, without) = foresees(&mut world, &image, "other").await;
    assert_ne!(without[0].credentials, expected);
}

#[tokio::test]
async fn nobody_is_asked_about_an_image_whose_policy_demands_no_verdict() {
    let ours = format!("registry.test/team/app@{DIGEST}");
    let theirs = format!("elsewhere.test/team/app@{DIGEST}");
    let everywhere = "{name: \"*\", policy: {va: {enabled: true}}}";
    for (policies, image) in [
        (vec![], &ours),
        (vec![team_policy(&[OPEN])], &ours),
        (vec![team_policy(&[ADVISED])], &theirs),
        // That of the namespace goes before that of the cluster.
        (
            vec![team_policy(&[OPEN]), cluster_policy(&[ADVISED])],
            &ours,
        ),
        // Nobody advises about that registry.
        (vec![team_policy(&[everywhere])], &theirs),
        (vec![team_policy(&[ADVISED])], &"no reference".to_owned()),
    ] {
        let policies: Vec<&str> = policies.iter().map(String::as_str).collect();
        let (foreseen, asked) = foresees(&mut World::new(&policies), image, PANICS).await;
        assert_eq!(
            (foreseen, asked),
            (Foreseen::Unasked, vec![]),
            "{policies:?}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_found_out_is_told_and_harms_nobody() {
    let by_digest = format!("registry.test/team/app@{DIGEST}");
    let mut world =
        World::new(&[&team_policy(&[ADVISED])]).with_unreadable_secret("team", "unreadable");
    for (image, secret, expected) in [
        (&*by_digest, PANICS, "a fault of this program"),
        (&*by_digest, HANGS, "reading secrets of namespace team"),
        (&*by_digest, "unreadable", "the API server does not answer"),
        ("registry.test/team/app:v1", "none", "registry.test"),
    ] {
        let (foreseen, asked) = foresees(&mut world, image, secret).await;
        let Foreseen::Failed(why) = foreseen else {
            panic!("{image} {secret}: {foreseen:?}");
        };
        assert!(why.contains(expected), "{image} {secret}: {why}");
        assert_eq!(asked, [], "{image} {secret}");
    }
    assert_eq!(world.trust_records(), 0);
}
