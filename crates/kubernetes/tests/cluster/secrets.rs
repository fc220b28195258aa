//! Secrets and service accounts, read by name.

use std::sync::Arc;

use cise_admission::SecretSource as _;
use cise_kubernetes::{Access, Cluster, ClusterSecrets};

use crate::environment::{Environment, HOME};
use crate::relay::ApiRelay;

#[tokio::test(flavor = "multi_thread")]
async fn a_signers_secret_is_read_as_the_documentation_makes_it() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    environment.namespace("signers");
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pub");
    std::fs::write(&key, "a public key").unwrap();
    let from_file = format!("--from-file=publicKey={}", key.display());
    let create = ["-n", "signers", "create", "secret", "generic", "alice"];
    environment.kubectl(&[&create[..], &["--from-literal=name=alice", &from_file]].concat());

    let secrets = ClusterSecrets::new(&environment.cluster().await);
    let alice = secrets.secret("signers", "alice").await.unwrap().unwrap();
    assert_eq!(alice.get("name"), Some(&b"alice"[..]));
    assert_eq!(alice.get("publicKey"), Some(&b"a public key"[..]));
    assert_eq!(format!("{alice:?}"), "Secret signers/alice of type Opaque");
    let again = secrets.secret("signers", "alice").await.unwrap().unwrap();
    assert!(Arc::ptr_eq(&alice, &again));
    secrets.forget_secret("signers", "alice");
    let unchanged = secrets.secret("signers", "alice").await.unwrap().unwrap();
    assert_eq!(unchanged.get("name"), Some(&b"alice"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_was_refused_is_read_anew() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    environment.namespace("renewed");
    let secret = |value| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: pull, namespace: renewed}}\nstringData: {{a: {value}}}\n"
        )
    };
    let secrets = ClusterSecrets::new(&environment.cluster().await);
    let read = async || secrets.secret("renewed", "pull").await.unwrap();
    assert!(read().await.is_none());
    environment.apply(&secret("old"));
    assert_eq!(
        read().await.unwrap().get("a"),
        Some(&b"old"[..]),
        "an absence is not kept"
    );
    environment.apply(&secret("new"));
    secrets.forget_secret("renewed", "pull");
    assert_eq!(read().await.unwrap().get("a"), Some(&b"new"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_secrets_are_those_of_the_account_in_its_order() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    environment.namespace("accounts");
    environment.apply("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: builder, namespace: accounts}\nimagePullSecrets: [{name: z}, {name: a}]\n");
    let secrets = ClusterSecrets::new(&environment.cluster().await);
    let names = secrets
        .pull_secrets_of("accounts", "builder")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(names[..], ["z", "a"]);
    assert!(
        secrets
            .pull_secrets_of("accounts", "nobody")
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        secrets
            .pull_secrets_of("accounts", "../x")
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn that_the_api_server_does_not_answer_is_no_absence() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    let relay = ApiRelay::start(&environment);
    relay.cut();
    let access = Access::Kubeconfig(relay.kubeconfig());
    let cluster = Cluster::connect(&access, Some(HOME)).await.unwrap();
    let secrets = ClusterSecrets::new(&cluster);
    let error = secrets
        .secret("team", "alice")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("reading secret team/alice failed: "),
        "{error}"
    );
}
