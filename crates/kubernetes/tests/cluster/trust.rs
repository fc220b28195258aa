//! What is remembered of trust, in `ConfigMap`s.

use cise_kubernetes::ConfigMapStore;
use cise_reference::Repository;
use cise_signature::store::{Revision, StoreError, TrustState, Written};
use cise_signature::{Gun, PinKey, TrustStore};

use crate::environment::{Environment, HOME};

fn pin(repository: &str) -> PinKey {
    PinKey::shared(Gun::of(&Repository::parse(repository).unwrap()))
}

fn state(repository: &str, version: u64) -> TrustState {
    let json = format!(
        r#"{{"format":1,"repository":"{}","trustServer":"https://notary.example.com/","pinnedAt":"2026-11-25T00:00:00Z","rootVersion":{version},"versions":{{"timestamp":{version}}},"root":"{{\"a\": 1}}"}}"#,
        pin(repository).gun()
    );
    TrustState::from_json(json.as_bytes()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_that_race_one_makes_the_record_and_one_replaces_it() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    let [one, other] = [environment.cluster().await, environment.cluster().await]
        .map(|cluster| ConfigMapStore::new(&cluster, 1000));
    let app = "registry.example.com/race/app";
    assert_eq!(one.load(&pin(app)).await.unwrap(), None);
    let (pin, first) = (pin(app), state(app, 1));
    let (a, b) = tokio::join!(one.create(&pin, &first), other.create(&pin, &first));
    let mut written = [a.unwrap(), b.unwrap()];
    written.sort_by_key(|written| *written == Written::Conflict);
    assert_eq!(written, [Written::Done, Written::Conflict]);

    let read = one.load(&pin).await.unwrap().unwrap();
    assert_eq!(read.state, first);
    let second = state(app, 2);
    assert_eq!(
        other.replace(&pin, &read.revision, &second).await.unwrap(),
        Written::Done
    );
    assert_eq!(
        one.replace(&pin, &read.revision, &first).await.unwrap(),
        Written::Conflict
    );
    assert_eq!(one.load(&pin).await.unwrap().unwrap().state, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_forgotten_is_neither_read_nor_replaced() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    let store = ConfigMapStore::new(&environment.cluster().await, 1000);
    let app = "registry.example.com/forgotten/app";
    let (pin, state) = (pin(app), state(app, 1));
    store.create(&pin, &state).await.unwrap();
    let revision = store.load(&pin).await.unwrap().unwrap().revision;
    assert!(store.list().await.unwrap().contains(&Ok(state.clone())));
    assert!(store.forget(&pin).await.unwrap());
    assert!(!store.forget(&pin).await.unwrap());
    assert_eq!(store.load(&pin).await.unwrap(), None);
    assert_eq!(
        store.replace(&pin, &revision, &state).await.unwrap(),
        Written::Conflict
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_damaged_or_of_another_repository_is_never_taken_for_none() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    let store = ConfigMapStore::new(&environment.cluster().await, 1000);
    let app = "registry.example.com/damaged/app";
    store.create(&pin(app), &state(app, 1)).await.unwrap();
    let listed = environment.kubectl(&[
        "-n", HOME, "get", "configmaps", "-o",
        r#"jsonpath={range .items[?(@.metadata.annotations.securityenforcement\.admission\.cloud\.ibm\.com/repository=="registry.example.com/damaged/app")]}{.metadata.name}{end}"#,
    ]);
    let other = state("registry.example.com/other/app", 1).to_json();
    for (record, expected) in [
        ("nonsense", "damaged"),
        (&*other, "registry.example.com/other/app"),
    ] {
        let patch = serde_json::json!({ "data": { "record": record } }).to_string();
        environment.kubectl(&[
            "-n",
            HOME,
            "patch",
            "configmap",
            &listed,
            "--type=merge",
            "-p",
            &patch,
        ]);
        let error = store.load(&pin(app)).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(
            error.to_string().contains(expected) && error.to_string().contains(&listed),
            "{error}"
        );
    }
    let stale = Revision::new("1");
    assert_eq!(
        store
            .replace(&pin(app), &stale, &state(app, 2))
            .await
            .unwrap(),
        Written::Conflict
    );
    store.forget(&pin(app)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_bound_no_new_repository_is_recorded() {
    let Some(environment) = Environment::bare() else {
        return;
    };
    let store = ConfigMapStore::new(&environment.cluster().await, 2);
    for (app, expected) in [
        ("icr.io/a", Ok(Written::Done)),
        ("icr.io/a", Ok(Written::Conflict)),
        ("icr.io/b", Ok(Written::Done)),
        ("icr.io/c", Err(StoreError::Full { most: 2 })),
    ] {
        assert_eq!(
            store.create(&pin(app), &state(app, 1)).await,
            expected,
            "{app}"
        );
    }
    let another = ConfigMapStore::new(&environment.cluster().await, 2);
    let full = another
        .create(&pin("icr.io/c"), &state("icr.io/c", 1))
        .await;
    assert_eq!(full, Err(StoreError::Full { most: 2 }));
    assert_eq!(another.list().await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_of_policies_that_name_a_trust_server_is_a_record_of_its_own_that_says_so() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    let store = ConfigMapStore::new(&environment.cluster().await, 1000);
    let app = "registry.example.com/named/app";
    let json = state(app, 1).to_json();
    let by_policy = json.replace(
        "\"pinnedAt\"",
        "\"trustServerChosenBy\": \"policy\", \"pinnedAt\"",
    );
    let theirs = TrustState::from_json(by_policy.as_bytes()).unwrap();
    let (shared, named) = (pin(app), theirs.pin().clone());
    assert_eq!(
        store.create(&named, &theirs).await.unwrap(),
        Written::Done,
        "the policy comes first"
    );
    assert_eq!(store.load(&shared).await.unwrap(), None);
    assert_eq!(
        store.create(&shared, &state(app, 2)).await.unwrap(),
        Written::Done
    );
    assert_eq!(store.load(&named).await.unwrap().unwrap().state, theirs);
    let listed = environment.kubectl(&[
        "-n", HOME, "get", "configmaps", "-o",
        r"jsonpath={range .items[?(@.metadata.annotations.securityenforcement\.admission\.cloud\.ibm\.com/trust-server)]}{.metadata.annotations.securityenforcement\.admission\.cloud\.ibm\.com/trust-server}{end}",
    ]);
    assert_eq!(listed, "https://notary.example.com/");
    assert!(store.forget(&named).await.unwrap());
    assert!(store.load(&shared).await.unwrap().is_some());
}
