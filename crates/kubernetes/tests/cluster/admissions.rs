//! What was admitted, in `ConfigMap`s.

use cise_admission::{AdmissionRecord, AdmittedImages};
use cise_kubernetes::AdmissionConfigMaps;
use cise_policy::Namespace;
use cise_signature::store::{Revision, Written};

use crate::environment::{Environment, HOME, eventually};

fn namespace(name: &str) -> Namespace {
    Namespace::parse(name).unwrap()
}

/// A namespace that exists.
fn made(environment: &Environment, name: &str) -> Namespace {
    environment.kubectl(&["create", "namespace", name]);
    namespace(name)
}

/// The uid of an object, unless there is none.
fn uid(environment: &Environment, of: &[&str]) -> Option<String> {
    let get = [
        "get",
        "--ignore-not-found",
        "-o",
        "jsonpath={.metadata.uid}",
    ];
    let uid = environment.kubectl(&[&get[..], of].concat());
    Some(uid).filter(|uid| !uid.is_empty())
}

fn admitted(namespace: &Namespace, digit: &str) -> AdmittedImages {
    let json = serde_json::json!({
        "format": 1,
        "namespace": namespace.as_str(),
        "images": [{ "at": "2026-11-26T09:00:00Z", "digest": format!("sha256:{}", digit.repeat(64)), "basis": "sha256:0" }],
    });
    AdmittedImages::from_json(json.to_string().as_bytes(), namespace).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_that_race_one_makes_the_record_and_one_replaces_it() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    let [one, other] = [environment.cluster().await, environment.cluster().await]
        .map(|cluster| AdmissionConfigMaps::new(&cluster));
    let team = made(&environment, "raced");
    assert_eq!(one.load(&team).await, Ok(None));
    let (first, second) = (admitted(&team, "1"), admitted(&team, "2"));
    let (a, b) = tokio::join!(one.create(&first), other.create(&first));
    let mut written = [a.unwrap(), b.unwrap()];
    written.sort_by_key(|written| *written == Written::Conflict);
    assert_eq!(written, [Written::Done, Written::Conflict]);

    let read = one.load(&team).await.unwrap().unwrap();
    assert_eq!(read.images, first);
    let replaced = other.replace(&read.revision, &second).await;
    assert_eq!(replaced, Ok(Written::Done));
    let replaced = one.replace(&read.revision, &first).await;
    assert_eq!(replaced, Ok(Written::Conflict));
    assert_eq!(one.load(&team).await.unwrap().unwrap().images, second);
    assert_eq!(one.load(&namespace("never")).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_damaged_or_gone_is_told_and_never_written_over() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    let records = AdmissionConfigMaps::new(&environment.cluster().await);
    let team = made(&environment, "damaged");
    records.create(&admitted(&team, "1")).await.unwrap();
    let of_other = admitted(&namespace("other"), "1").to_json();
    for (record, why) in [
        ("nonsense", "it is no record"),
        (&*of_other, "it is the record of namespace `other`"),
    ] {
        let patch = serde_json::json!({ "data": { "record": record } }).to_string();
        let name = "cise-admitted-damaged";
        environment.kubectl(&[
            "-n",
            HOME,
            "patch",
            "configmap",
            name,
            "--type=merge",
            "-p",
            &patch,
        ]);
        let error = records.load(&team).await.unwrap_err().to_string();
        let place = format!("ConfigMap {HOME}/{name}");
        assert!(error.contains(&place) && error.contains(why), "{error}");
    }
    let gone = made(&environment, "gone");
    let replaced = records
        .replace(&Revision::new("1"), &admitted(&gone, "1"))
        .await;
    assert_eq!(replaced, Ok(Written::Conflict));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_goes_with_its_namespace_and_says_nothing_of_the_next_one_of_that_name() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    let records = AdmissionConfigMaps::new(&environment.cluster().await);
    let name = "cise-admitted-owner";
    let record = ["-n", HOME, "configmap", name];
    let team = made(&environment, "owner");
    let images = admitted(&team, "1");
    records.create(&images).await.unwrap();
    let read = records.load(&team).await.unwrap().unwrap();
    let replaced = records.replace(&read.revision, &images).await;
    assert_eq!(replaced, Ok(Written::Done));

    // Whoever deletes a namespace may have what it owns left behind.
    environment.kubectl(&["delete", "namespace", "owner", "--cascade=orphan"]);
    assert!(uid(&environment, &record).is_some());
    let unowned = records.load(&team).await.unwrap_err().to_string();
    assert!(
        unowned.contains("namespace owner cannot be read"),
        "{unowned}"
    );
    made(&environment, "owner");
    let left = records.load(&team).await.unwrap().unwrap();
    assert_eq!(left.images, AdmittedImages::of(team.clone()));
    let replaced = records.replace(&left.revision, &images).await;
    assert_eq!(replaced, Ok(Written::Done));
    assert_eq!(records.load(&team).await.unwrap().unwrap().images, images);

    environment.kubectl(&["delete", "namespace", "owner"]);
    eventually("the record is gone", || {
        uid(&environment, &record).is_none()
    })
    .await;
}
