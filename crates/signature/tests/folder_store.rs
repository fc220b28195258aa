//! Trust records in a folder: shared by processes that race, and that are killed at any moment.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use cise_reference::Repository;
use cise_signature::store::{FolderStore, Revision, StoreError, TrustState, TrustStore, Written};
use cise_signature::{Gun, PinKey};
use tempfile::TempDir;

const FOLDER: &str = "FOLDER_STORE_TEST_FOLDER";

fn pin(name: &str) -> PinKey {
    let repository = Repository::parse(&format!("registry.example.com/{name}"));
    PinKey::shared(Gun::of(&repository.unwrap()))
}

/// A record whose size depends on the version, so that a mixture of two would show.
fn state(pin: &PinKey, version: u64) -> TrustState {
    let root = "r".repeat(usize::try_from(version % 7 + 1).unwrap() * 10_000);
    let json = serde_json::json!({
        "format": 1, "repository": pin.gun().as_str(), "trustServer": "https://notary.example.com/",
        "pinnedAt": "2026-11-25T00:00:00Z", "rootVersion": version, "versions": {"timestamp": version}, "root": root,
    });
    TrustState::from_json(json.to_string().as_bytes()).unwrap()
}

fn store(folder: &Path) -> FolderStore {
    FolderStore::open(folder, 1000).unwrap()
}

#[tokio::test]
async fn a_record_is_made_once_and_replaced_only_by_who_has_read_it() {
    let folder = TempDir::new().unwrap();
    let (store, pin) = (store(folder.path()), pin("app"));
    assert_eq!(store.load(&pin).await, Ok(None));
    assert_eq!(store.create(&pin, &state(&pin, 1)).await, Ok(Written::Done));
    assert_eq!(
        store.create(&pin, &state(&pin, 9)).await,
        Ok(Written::Conflict)
    );
    let first = store.load(&pin).await.unwrap().unwrap();
    assert_eq!(first.state, state(&pin, 1));
    assert_eq!(
        store.replace(&pin, &first.revision, &state(&pin, 2)).await,
        Ok(Written::Done)
    );
    assert_eq!(
        store.replace(&pin, &first.revision, &state(&pin, 3)).await,
        Ok(Written::Conflict)
    );
    assert_eq!(
        store.load(&pin).await.unwrap().unwrap().state,
        state(&pin, 2)
    );
    assert!(store.forget(&pin).unwrap());
    assert_eq!(
        store
            .replace(&pin, &Revision::new("any"), &state(&pin, 3))
            .await,
        Ok(Written::Conflict)
    );
    assert_eq!(store.load(&pin).await, Ok(None));
}

#[tokio::test]
async fn no_name_of_a_repository_leads_out_of_the_folder() {
    let folder = TempDir::new().unwrap();
    let (inner, name) = (
        folder.path().join("pins"),
        format!("{}x", "deep/".repeat(40)),
    );
    let (store, pin) = (store(&inner), pin(&name));
    store.create(&pin, &state(&pin, 1)).await.unwrap();
    let outside: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(outside, ["pins"]);
    let names: BTreeSet<_> = fs::read_dir(&inner)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "the record and the lock: {names:?}");
}

#[tokio::test]
async fn a_record_in_the_place_of_another_is_damaged() {
    let folder = TempDir::new().unwrap();
    let (store, one, other) = (store(folder.path()), pin("one"), pin("other"));
    store.create(&one, &state(&one, 1)).await.unwrap();
    let records = || {
        fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
    };
    let is_record = |path: &std::path::PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    };
    let first = records().find(is_record).unwrap();
    store.create(&other, &state(&other, 1)).await.unwrap();
    let second = records()
        .filter(is_record)
        .find(|path| *path != first)
        .unwrap();
    fs::copy(&first, &second).unwrap();
    let error = store.load(&other).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Damaged { place, .. } if *place == second.display().to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn a_folder_that_is_gone_is_not_a_folder_without_records() {
    let folder = TempDir::new().unwrap();
    let (store, pin) = (store(&folder.path().join("pins")), pin("app"));
    fs::remove_dir_all(folder.path().join("pins")).unwrap();
    assert!(matches!(
        store.load(&pin).await,
        Err(StoreError::Inaccessible { .. })
    ));
}

#[tokio::test]
async fn of_many_that_race_one_makes_the_record() {
    let folder = TempDir::new().unwrap();
    let pin = pin("app");
    let writers = (1..=16).map(|version| {
        let (store, pin) = (store(folder.path()), pin.clone());
        tokio::spawn(async move {
            (
                version,
                store.create(&pin, &state(&pin, version)).await.unwrap(),
            )
        })
    });
    let results = futures::future::join_all(writers)
        .await
        .into_iter()
        .map(Result::unwrap);
    let made: Vec<_> = results
        .filter(|(_, written)| *written == Written::Done)
        .collect();
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(
        store(folder.path())
            .load(&pin)
            .await
            .unwrap()
            .unwrap()
            .state,
        state(&pin, made[0].0)
    );
}

#[test]
fn killed_between_any_two_writes_a_writer_leaves_a_record_that_is_whole() {
    let folder = TempDir::new().unwrap();
    let pin = pin("app");
    let mut newest = 0;
    for round in 0..25 {
        let mut writer = Command::new(env::current_exe().unwrap())
            .args(["--exact", "a_writer_to_be_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(40 + round * 7));
        writer.kill().unwrap();
        writer.wait().unwrap();
        if let Some(found) = store(folder.path()).show(&pin).unwrap() {
            assert_eq!(found, state(&pin, found.root_version()), "it is whole");
            assert!(
                found.root_version() >= newest,
                "it is not older than before"
            );
            newest = found.root_version();
        }
    }
    assert!(newest > 0, "no writer ever came to write");
    assert!(
        store(folder.path())
            .list()
            .unwrap()
            .iter()
            .all(Result::is_ok)
    );
}

/// Not a test of its own: the process that the test above kills.
#[tokio::test]
async fn a_writer_to_be_killed() {
    let Some(folder) = env::var_os(FOLDER) else {
        return;
    };
    let (store, pin) = (store(Path::new(&folder)), pin("app"));
    loop {
        match store.load(&pin).await.unwrap() {
            None => store.create(&pin, &state(&pin, 1)).await.unwrap(),
            Some(stored) => {
                let next = state(&pin, stored.state.root_version() + 1);
                store.replace(&pin, &stored.revision, &next).await.unwrap()
            }
        };
    }
}
