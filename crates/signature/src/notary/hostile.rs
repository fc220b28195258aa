//! Metadata that is wrong in one thing, beyond what the fixtures have.

use std::collections::BTreeMap;

use bytes::Bytes;
use cise_reference::{Reference, Repository};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::denial::Reason;
use super::forge::{Documents, Forge, ForgedAuthority, ForgedKey, GUN, key_entry, key_id, target};
use super::preset::Presets;
use super::repository::Finding;
use super::tests::Shelf;
use super::tuf::{Problem, RoleName};
use super::workflow::{Outcome, Stop, Task};
use crate::store::TrustState;
use crate::{Gun, PinKey};

const TAG: &str = "registry.example.com/app:1.0";

fn verify(
    files: &BTreeMap<String, Vec<u8>>,
    delegations: &[RoleName],
    trusted: Option<&TrustState>,
) -> Result<Outcome, Stop> {
    verify_against(&Presets::new(), files, delegations, trusted)
}

fn verify_against(
    presets: &Presets,
    files: &BTreeMap<String, Vec<u8>>,
    delegations: &[RoleName],
    trusted: Option<&TrustState>,
) -> Result<Outcome, Stop> {
    let pin = PinKey::shared(Gun::of(&Repository::parse(GUN).unwrap()));
    let task = Task {
        pin: &pin,
        server: "https://notary.example.com/",
        delegations,
        trusted,
        presets: presets.of(pin.gun()),
        now: "2026-11-25T00:00:00Z".parse::<Timestamp>().unwrap(),
    };
    Shelf::serving(|path| files.get(path).map(|bytes| Bytes::copy_from_slice(bytes))).verify(&task)
}

/// What becomes of a requirement of Alice's signature.
fn judge(forge: &Forge, files: &BTreeMap<String, Vec<u8>>) -> Result<Finding, String> {
    let alice = forge.alice.signer("alice");
    let roles = [RoleName::releases(), alice.role().clone()];
    let outcome = verify(files, &roles, None).map_err(|stop| match stop {
        Stop::Problem(problem) => problem.to_string(),
        other => format!("{other:?}"),
    })?;
    let now = "2026-11-25T00:00:00Z".parse().unwrap();
    let image = Reference::parse(TAG).unwrap();
    outcome
        .repository
        .evaluate(&image, &[alice], now)
        .map_err(|reason: Reason| reason.to_string())
}

/// Changes the documents, signs them all anew, and expects a refusal that says `expected`.
#[track_caller]
fn refused(forge: &Forge, what: &str, expected: &str, change: impl Fn(&mut Documents)) {
    let mut documents = forge.documents();
    change(&mut documents);
    let found = judge(forge, &forge.files(&documents));
    assert!(
        found.as_ref().is_err_and(|why| why.contains(expected)),
        "{what}: {found:?}"
    );
}

fn alice(documents: &mut Documents) -> &mut Value {
    &mut documents.get_mut("targets").unwrap()["delegations"]["roles"][0]
}

#[test]
fn where_nothing_is_wrong_the_image_is_admitted() {
    let forge = Forge::new();
    let found = judge(&forge, &forge.files(&forge.documents())).unwrap();
    assert_eq!(found.digest.as_str(), format!("sha256:{}", "01".repeat(32)));
}

#[test]
fn a_threshold_must_be_one_that_can_be_met_and_that_means_something() {
    let forge = Forge::new();
    let huge = json!(9_007_199_254_740_991_u64);
    for (threshold, expected) in [
        (json!(0), "is zero"),
        (json!(-1), "is negative"),
        (json!(2), "more than the role's 1 keys"),
        (huge, "more than the role's 1 keys"),
        (json!("1"), "is no integer"),
        (json!(null), "has no `threshold`"),
    ] {
        refused(
            &forge,
            &format!("delegation {threshold}"),
            expected,
            |documents| {
                alice(documents)["threshold"] = threshold.clone();
            },
        );
        refused(
            &forge,
            &format!("targets {threshold}"),
            expected,
            |documents| {
                documents.get_mut("root").unwrap()["roles"]["targets"]["threshold"] =
                    threshold.clone();
            },
        );
    }
    refused(
        &forge,
        "an id twice does not make two",
        "more than the role's 1 keys",
        |documents| {
            let id = forge.alice.id.clone();
            alice(documents)["keyids"] = json!([id, id]);
            alice(documents)["threshold"] = json!(2);
        },
    );
}

#[test]
fn one_key_under_two_ids_signs_once() {
    let forge = Forge::new();
    let mut documents = forge.documents();
    // The same certificate with a line end after it: another entry, another id, the same key.
    let public = forge.alice.entry["keyval"]["public"].as_str().unwrap();
    let mut bytes =
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, public).unwrap();
    bytes.push(b'\n');
    let entry = key_entry("ecdsa-x509", &bytes);
    let id = key_id(&entry);
    documents.get_mut("targets").unwrap()["delegations"]["keys"][&id] = entry;
    *alice(&mut documents) = json!({
        "name": "targets/alice", "paths": [""], "threshold": 2, "keyids": [forge.alice.id, id],
    });
    let mut files = forge.files(&documents);
    let mut signed: Value = serde_json::from_slice(&files["targets/alice.json"]).unwrap();
    let mut second = signed["signatures"][0].clone();
    second["keyid"] = json!(id);
    signed["signatures"].as_array_mut().unwrap().push(second);
    refresh(
        &forge,
        &documents,
        &mut files,
        "targets/alice",
        signed.to_string().into_bytes(),
    );
    let found = judge(&forge, &files).unwrap_err();
    assert!(
        found.contains("1 valid signatures of its keys, 2 are needed"),
        "{found}"
    );
}

/// Puts other bytes in the place of a role's file, and makes snapshot and timestamp fit.
fn refresh(
    forge: &Forge,
    documents: &Documents,
    files: &mut BTreeMap<String, Vec<u8>>,
    role: &str,
    bytes: Vec<u8>,
) {
    use super::forge::{envelope, file_meta};
    let mut snapshot: Value = serde_json::from_slice(&files["snapshot.json"]).unwrap();
    let mut signed = snapshot["signed"].take();
    signed["meta"][role] = file_meta(&bytes);
    let snapshot = envelope(&signed, &[&forge.owner]);
    let mut timestamp = documents["timestamp"].clone();
    timestamp["meta"] = json!({"snapshot": file_meta(&snapshot)});
    files.insert(
        "timestamp.json".into(),
        envelope(&timestamp, &[&forge.owner]),
    );
    files.insert("snapshot.json".into(), snapshot);
    files.insert(format!("{role}.json"), bytes);
}

#[test]
fn keys_of_unknown_or_lying_types_sign_nothing() {
    let forge = Forge::new();
    let public = forge.alice.entry["keyval"]["public"].clone();
    for kind in [
        "ecdsa",
        "rsa",
        "rsa-x509",
        "ed25519",
        "ECDSA-X509",
        "dsa",
        "",
        "sigstore-oidc",
    ] {
        refused(&forge, kind, "0 valid signatures", |documents| {
            let entry = json!({"keytype": kind, "keyval": {"private": null, "public": public}});
            let delegations = &mut documents.get_mut("targets").unwrap()["delegations"];
            delegations["keys"] = json!({forge.alice.id.clone(): entry});
            delegations["roles"][1]["keyids"] = json!([forge.alice.id]);
        });
    }
}

#[test]
fn a_role_signed_by_another_roles_key_is_not_believed() {
    let forge = Forge::new();
    let documents = forge.documents();
    for role in [
        "root",
        "timestamp",
        "snapshot",
        "targets",
        "targets/alice",
        "targets/releases",
    ] {
        for foreign in [&forge.alice, &forge.owner, &forge.mallory] {
            let right = |role: &str| {
                if role.starts_with("targets/") {
                    &forge.alice
                } else {
                    &forge.owner
                }
            };
            if std::ptr::eq(right(role), foreign) {
                continue;
            }
            let files = Forge::files_signed_by(&documents, |signed| {
                vec![if signed == role {
                    foreign
                } else {
                    right(signed)
                }]
            });
            let found = judge(&forge, &files);
            assert!(
                found
                    .as_ref()
                    .is_err_and(|why| why.contains("0 valid signatures")),
                "{role}: {found:?}"
            );
        }
    }
}

#[test]
fn delegations_go_to_direct_children_and_to_each_once() {
    let forge = Forge::new();
    for name in [
        "targets",
        "root",
        "targets/alice/bob",
        "targets/../alice",
        "alice",
        "targets/Alice",
        "targets/",
        "",
    ] {
        refused(&forge, name, ".delegations.roles.0.name", |documents| {
            alice(documents)["name"] = json!(name);
        });
    }
    refused(&forge, "twice", "delegated to twice", |documents| {
        let twice = alice(documents).clone();
        documents.get_mut("targets").unwrap()["delegations"]["roles"][1] = twice;
    });
}

#[test]
fn roles_that_name_each_other_or_themselves_end_the_walk() {
    let forge = Forge::new();
    for name in ["targets/alice", "targets/releases", "targets"] {
        refused(&forge, name, ".delegations.roles.0.name", |documents| {
            documents.get_mut("targets/alice").unwrap()["delegations"] = json!({
                "keys": {forge.alice.id.clone(): forge.alice.entry},
                "roles": [{"name": name, "keyids": [forge.alice.id], "threshold": 1, "paths": [""]}],
            });
        });
    }
}

#[test]
fn nesting_is_followed_within_a_bound() {
    let forge = Forge::new();
    let nested = |depth: usize| {
        let names: Vec<String> = (1..=depth)
            .map(|level| format!("targets{}", "/a".repeat(level)))
            .collect();
        let mut documents = forge.documents();
        let delegate = |name: &str| {
            json!({
                "keys": {forge.alice.id.clone(): forge.alice.entry},
                "roles": [{"name": name, "keyids": [forge.alice.id], "threshold": 1, "paths": [""]}],
            })
        };
        let leaf = documents["targets/alice"].clone();
        documents.get_mut("targets").unwrap()["delegations"] = delegate(&names[0]);
        for (level, name) in names.iter().enumerate() {
            let mut document = leaf.clone();
            if let Some(next) = names.get(level + 1) {
                document["delegations"] = delegate(next);
            }
            documents.insert(Box::leak(name.clone().into_boxed_str()), document);
        }
        let wanted = [RoleName::delegation(names.last().unwrap()).unwrap()];
        let outcome = verify(&forge.files(&documents), &wanted, None).unwrap();
        let signer = forge.alice.signer(&"a/".repeat(depth)[..2 * depth - 1]);
        outcome
            .repository
            .signed_digest(&signer, "1.0", "2026-11-25T00:00:00Z".parse().unwrap())
    };
    assert!(nested(1).is_some());
    assert!(nested(8).is_some());
    assert_eq!(nested(9), None);
}

#[test]
fn a_frozen_or_older_file_of_each_role_is_a_rollback() {
    let forge = Forge::new();
    let roles = [RoleName::releases(), RoleName::signer("alice").unwrap()];
    let newer = |role: &'static str| {
        let mut documents = forge.documents();
        documents.get_mut(role).unwrap()["version"] = json!(2);
        forge.files(&documents)
    };
    let older = forge.files(&forge.documents());
    for role in ["timestamp", "snapshot", "targets"] {
        let seen = verify(&newer(role), &roles, None).unwrap().state;
        let refused = verify(&older, &roles, Some(&seen)).unwrap_err();
        let name = [
            RoleName::timestamp(),
            RoleName::snapshot(),
            RoleName::targets(),
        ];
        let name = name.into_iter().find(|name| name.as_str() == role).unwrap();
        assert_eq!(
            refused,
            Stop::Problem(Problem::RolledBack {
                role: name,
                seen: 2,
                offered: 1
            }),
            "{role}"
        );
    }
    for role in ["targets/alice", "targets/releases"] {
        let seen = verify(&newer(role), &roles, None).unwrap().state;
        let outcome = verify(&older, &roles, Some(&seen)).unwrap();
        let now = "2026-11-25T00:00:00Z".parse().unwrap();
        let found = outcome.repository.evaluate(
            &Reference::parse(TAG).unwrap(),
            &[forge.alice.signer("alice")],
            now,
        );
        assert!(
            found.unwrap_err().to_string().contains("a rollback"),
            "{role}"
        );
        assert_eq!(
            outcome.state.version(&RoleName::delegation(role).unwrap()),
            Some(2),
            "{role}"
        );
    }
}

#[test]
fn a_delegation_that_was_seen_cannot_be_left_out_of_the_snapshot() {
    let forge = Forge::new();
    let roles = [RoleName::releases()];
    let seen = verify(&forge.files(&forge.documents()), &roles, None)
        .unwrap()
        .state;
    let mut documents = forge.documents();
    documents.remove("targets/releases");
    // An older statement of the owner, which the releases had overruled.
    documents.get_mut("targets").unwrap()["targets"] = json!({"1.0": target(9)});
    let outcome = verify(&forge.files(&documents), &roles, Some(&seen)).unwrap();
    let now = "2026-11-25T00:00:00Z".parse().unwrap();
    let found = outcome
        .repository
        .evaluate(&Reference::parse(TAG).unwrap(), &[], now);
    assert!(
        found
            .unwrap_err()
            .to_string()
            .contains("does not list role targets/releases any more")
    );
}

#[test]
fn documents_without_what_they_need_are_refused_with_the_place() {
    let forge = Forge::new();
    for (role, member) in [
        ("root", "keys"),
        ("root", "roles"),
        ("root", "version"),
        ("root", "expires"),
        ("root", "_type"),
        ("timestamp", "version"),
        ("snapshot", "expires"),
        ("targets", "targets"),
    ] {
        refused(
            &forge,
            role,
            &format!("`{role}.signed` has no `{member}`"),
            |documents| {
                documents
                    .get_mut(role)
                    .unwrap()
                    .as_object_mut()
                    .unwrap()
                    .remove(member);
            },
        );
    }
    for (role, value) in [
        ("version", json!(0)),
        ("version", json!(-1)),
        ("expires", json!("tomorrow")),
    ] {
        refused(&forge, role, "targets.signed", |documents| {
            documents.get_mut("targets").unwrap()[role] = value.clone();
        });
    }
}

#[test]
fn names_of_targets_are_data_and_never_patterns() {
    let forge = Forge::new();
    for name in [
        "(a+)+$",
        "*",
        "../../etc/passwd",
        "1.0\n",
        "%31%2e%30",
        " 1.0",
        "1.0\0",
    ] {
        refused(&forge, name, "`1.0` is not signed", |documents| {
            for role in ["targets/alice", "targets/releases"] {
                documents.get_mut(role).unwrap()["targets"] = json!({name: target(1)});
            }
        });
    }
}

#[test]
fn a_root_key_that_a_preset_authority_issued_is_trusted_if_it_signed() {
    let (authority, other) = (
        ForgedAuthority::new("authority"),
        ForgedAuthority::new("other"),
    );
    let mut forge = Forge::new();
    forge.owner = ForgedKey::issued_by(&authority, GUN);
    let files = forge.files(&forge.documents());
    let preset = |authority: &ForgedAuthority| {
        Presets::new().with_authority("registry.example.com/*", &authority.pem)
    };
    assert!(verify_against(&preset(&authority).unwrap(), &files, &[], None).is_ok());
    let refused = verify_against(&preset(&other).unwrap(), &files, &[], None).unwrap_err();
    assert_eq!(refused, Stop::Problem(Problem::RootNotPreset));
}

#[test]
fn a_preset_key_that_the_root_only_lists_vouches_for_nothing() {
    let trusted = ForgedKey::new(GUN);
    let forge = Forge::new();
    let mut documents = forge.documents();
    let root = documents.get_mut("root").unwrap();
    root["keys"][&trusted.id] = trusted.entry.clone();
    root["roles"]["root"]["keyids"] = json!([forge.owner.id, trusted.id]);
    let presets = Presets::new().with(GUN, &trusted.public_pem).unwrap();
    let refused = verify_against(&presets, &forge.files(&documents), &[], None).unwrap_err();
    assert_eq!(refused, Stop::Problem(Problem::RootNotPreset));

    let both = Forge::files_signed_by(&documents, |role| match role {
        "root" => vec![&forge.owner, &trusted],
        role if role.starts_with("targets/") => vec![&forge.alice],
        _ => vec![&forge.owner],
    });
    assert!(verify_against(&presets, &both, &[], None).is_ok());
}

#[test]
fn root_keys_without_a_certificate_for_the_repository_do_not_count() {
    for (names, threshold, expected) in [
        (
            &["registry.example.com/other"][..],
            1,
            Some(Problem::RootOfAnother),
        ),
        (
            &["registry.example.com/ap"],
            1,
            Some(Problem::RootOfAnother),
        ),
        (&["registry.example.com/*"], 1, None),
        (
            &["registry.example.com/app", "registry.example.com/other"],
            1,
            None,
        ),
        (
            &["registry.example.com/app", "registry.example.com/other"],
            2,
            Some(Problem::Signatures {
                role: RoleName::root(),
                found: 1,
                needed: 2,
            }),
        ),
    ] {
        let forge = Forge::new();
        let keys: Vec<_> = names.iter().map(|name| ForgedKey::new(name)).collect();
        let mut documents = forge.documents();
        let root = documents.get_mut("root").unwrap();
        for key in &keys {
            root["keys"][&key.id] = key.entry.clone();
        }
        let ids: Vec<_> = keys.iter().map(|key| &key.id).collect();
        root["roles"]["root"] = json!({"keyids": ids, "threshold": threshold});
        let files = Forge::files_signed_by(&documents, |role| match role {
            "root" => keys.iter().collect(),
            role if role.starts_with("targets/") => vec![&forge.alice],
            _ => vec![&forge.owner],
        });
        let found = verify(&files, &[], None).map(drop);
        assert_eq!(
            found,
            expected.map_or(Ok(()), |problem| Err(Stop::Problem(problem))),
            "{names:?} {threshold}"
        );
    }
}
