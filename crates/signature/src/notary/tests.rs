//! The workflow against every repository of the fixtures, at the time at which its verdicts hold.

use std::collections::BTreeMap;

use bytes::Bytes;
use cise_reference::Repository;
use cise_testkit::fixtures::notary::{self as fixtures, Case, Expect, Verdict};
use jiff::{SignedDuration, Timestamp};

use super::file::{Answer, FileName, Files};
use super::preset::Anchor;
use super::repository::TrustedRepository;
use super::requirement::{Signer, SignerSecret};
use super::tuf::{Problem, PublicKey, RoleName};
use super::workflow::{self, Outcome, Stop, Task};
use crate::store::TrustState;
use crate::{Gun, PinKey};

type Get<'c> = dyn Fn(&str) -> Option<Bytes> + 'c;

/// A trust server that serves files of the fixtures, and counts.
pub(super) struct Shelf<'c> {
    get: Box<Get<'c>>,
    pub(super) rounds: usize,
}

impl<'c> Shelf<'c> {
    pub(super) fn new(files: &'c fixtures::Files) -> Self {
        Self::serving(|path| files.get(path).map(Bytes::copy_from_slice))
    }

    pub(super) fn serving(get: impl Fn(&str) -> Option<Bytes> + 'c) -> Self {
        Self {
            get: Box::new(get),
            rounds: 0,
        }
    }

    fn serve(&mut self, names: Vec<FileName>) -> Vec<(FileName, Answer)> {
        self.rounds += 1;
        let answer = |name: &FileName| match (self.get)(&name.to_string()) {
            Some(bytes) => Answer::Bytes(bytes),
            None => Answer::NotFound,
        };
        names
            .into_iter()
            .map(|name| (name.clone(), answer(&name)))
            .collect()
    }

    /// Fetches as the client does: what is foreseen comes along.
    pub(super) fn verify(&mut self, task: &Task<'_>) -> Result<Outcome, Stop> {
        let first = workflow::first_files(task.delegations);
        self.go_on(task, first, true)
    }

    /// Fetches each file only when the workflow asks for it, as the specification describes it.
    fn verify_in_plain_order(&mut self, task: &Task<'_>) -> Result<Outcome, Stop> {
        self.go_on(task, Vec::new(), false)
    }

    fn go_on(
        &mut self,
        task: &Task<'_>,
        first: Vec<FileName>,
        ahead: bool,
    ) -> Result<Outcome, Stop> {
        let mut files = Files::default();
        if !first.is_empty() {
            files.extend(self.serve(first));
        }
        loop {
            let mut wanted = match workflow::verify(task, &files) {
                Err(Stop::Needs(wanted)) => wanted,
                end => return end,
            };
            if ahead {
                wanted.extend(workflow::foreseen(task, &files));
            }
            files.extend(self.serve(wanted));
            assert!(self.rounds < 40, "the workflow does not end");
        }
    }
}

pub(super) struct Setting {
    pub(super) pin: PinKey,
    delegations: Vec<RoleName>,
    presets: Vec<Anchor>,
    pub(super) now: Timestamp,
}

impl Setting {
    pub(super) fn of(case: &Case) -> Self {
        let signers = case
            .verdicts
            .iter()
            .filter_map(|verdict| verdict.signer.as_deref());
        let mut delegations: Vec<_> = signers
            .map(|name| RoleName::signer(name).unwrap())
            .collect();
        delegations.push(RoleName::releases());
        delegations.sort();
        delegations.dedup();
        Self {
            pin: pin(&case.gun),
            delegations,
            presets: vec![Anchor::Key(PublicKey::from_pem(&case.root_key).unwrap())],
            now: case.at,
        }
    }

    pub(super) fn task<'t>(&'t self, trusted: Option<&'t TrustState>) -> Task<'t> {
        Task {
            pin: &self.pin,
            server: "https://notary.example.com/",
            delegations: &self.delegations,
            trusted,
            presets: &self.presets,
            now: self.now,
        }
    }
}

fn pin(repository: &str) -> PinKey {
    PinKey::shared(Gun::of(&Repository::parse(repository).unwrap()))
}

fn signers(case: &Case) -> BTreeMap<&str, Signer> {
    let signer = |(name, key): (&'_ String, &String)| {
        let secret = SignerSecret {
            secret: name,
            name: Some(name.as_bytes()),
            public_key: Some(key.as_bytes()),
        };
        Signer::from_secret(&secret).unwrap()
    };
    case.signer_keys
        .iter()
        .map(|(name, key)| (name.as_str(), signer((name, key))))
        .collect()
}

fn renamed(case: &Case, name: &str) -> Option<Signer> {
    let key = case.signer_keys.get(name.split('-').next()?)?;
    let secret = SignerSecret {
        secret: name,
        name: Some(name.as_bytes()),
        public_key: Some(key.as_bytes()),
    };
    Some(Signer::from_secret(&secret).unwrap())
}

/// What the repository says in answer to one row of the fixtures.
fn answer(
    case: &Case,
    repository: &TrustedRepository,
    verdict: &Verdict,
    now: Timestamp,
) -> Option<String> {
    match &verdict.signer {
        None => repository.released_digest(&verdict.tag, now),
        Some(name) => {
            let signers = signers(case);
            // `alice-evil` has Alice's key.
            let signer = signers
                .get(name.as_str())
                .cloned()
                .or_else(|| renamed(case, name))?;
            repository.signed_digest(&signer, &verdict.tag, now)
        }
    }
}

fn check(case: &Case, outcome: &Result<Outcome, Stop>, verdict: &Verdict) {
    let found = outcome
        .as_ref()
        .ok()
        .and_then(|outcome| answer(case, &outcome.repository, verdict, case.at));
    let fits = match &verdict.expect {
        Expect::Allow(digest) => found.as_ref() == Some(digest),
        Expect::Deny => found.is_none(),
        Expect::Either(digest) => found.is_none() || found == *digest || digest.is_none(),
    };
    let why = outcome.as_ref().err();
    assert!(
        fits,
        "{}: {verdict:?}, but found {found:?} ({why:?})\n{}",
        case.name, case.what
    );
}

#[test]
fn every_repository_gets_its_verdicts() {
    for case in fixtures::cases() {
        let setting = Setting::of(&case);
        let outcome = Shelf::new(&case.files).verify(&setting.task(None));
        case.verdicts
            .iter()
            .for_each(|verdict| check(&case, &outcome, verdict));
    }
}

#[test]
fn the_order_of_fetching_changes_neither_verdict_nor_state() {
    for case in fixtures::cases() {
        let setting = Setting::of(&case);
        let ahead = Shelf::new(&case.files).verify(&setting.task(None));
        let plain = Shelf::new(&case.files).verify_in_plain_order(&setting.task(None));
        match (ahead, plain) {
            (Ok(ahead), Ok(plain)) => {
                assert_eq!(ahead.repository, plain.repository, "{}", case.name);
                assert_eq!(ahead.state, plain.state, "{}", case.name);
            }
            (ahead, plain) => assert_eq!(ahead.err(), plain.err(), "{}", case.name),
        }
    }
}

#[test]
fn a_repository_with_current_files_takes_one_round_and_one_with_old_roots_two() {
    for case in fixtures::cases() {
        let setting = Setting::of(&case);
        let mut shelf = Shelf::new(&case.files);
        let outcome = shelf.verify(&setting.task(None));
        let current = case.name.starts_with("real/") && case.files.get("2.root.json").is_none();
        let most = if current { 1 } else { 2 };
        assert!(
            outcome.is_err() || shelf.rounds <= most,
            "{}: {} rounds",
            case.name,
            shelf.rounds
        );
    }
}

#[test]
fn what_was_seen_is_not_unseen() {
    let case = fixtures::case("forged/rollback");
    let setting = Setting::of(&case);
    let older = case.older_files.as_ref().unwrap();
    let state = Shelf::new(&case.files)
        .verify(&setting.task(None))
        .unwrap()
        .state;
    let refused = Shelf::new(older)
        .verify(&setting.task(Some(&state)))
        .unwrap_err();
    assert!(
        matches!(refused, Stop::Problem(Problem::RolledBack { .. })),
        "{refused:?}"
    );
    // The other way round it is an update, and the record grows.
    let before = Shelf::new(older).verify(&setting.task(None)).unwrap().state;
    let after = Shelf::new(&case.files)
        .verify(&setting.task(Some(&before)))
        .unwrap()
        .state;
    assert_eq!(
        after.versions().collect::<Vec<_>>(),
        state.versions().collect::<Vec<_>>()
    );
}

#[test]
fn a_foreign_root_is_refused_once_one_is_pinned() {
    let (good, other) = (
        fixtures::case("forged/good"),
        fixtures::case("forged/root-other-key"),
    );
    let mut setting = Setting::of(&good);
    setting.presets.clear();
    let state = Shelf::new(&good.files)
        .verify(&setting.task(None))
        .unwrap()
        .state;
    let mut setting = Setting::of(&other);
    setting.presets.clear();
    assert!(
        Shelf::new(&other.files).verify(&setting.task(None)).is_ok(),
        "it is consistent in itself"
    );
    let refused = Shelf::new(&other.files)
        .verify(&setting.task(Some(&state)))
        .unwrap_err();
    assert_eq!(refused, Stop::Problem(Problem::RootReplaced { version: 1 }));
}

#[test]
fn a_rotated_root_is_followed_from_the_pin_without_a_preset() {
    for name in [
        "real/rotated",
        "forged/root-rotated",
        "forged/root-rotated-twice",
    ] {
        let case = fixtures::case(name);
        let mut setting = Setting::of(&case);
        let pinned = case.files.get("1.root.json").unwrap().to_vec();
        let pinned = String::from_utf8(pinned).unwrap();
        let state = TrustState::new(
            setting.pin.clone(),
            "https://notary.example.com/",
            case.at,
            pinned,
            1,
        );
        setting.presets.clear();
        let outcome = Shelf::new(&case.files)
            .verify(&setting.task(Some(&state)))
            .unwrap();
        assert!(outcome.state.root_version() > 1, "{name}");
        assert_eq!(
            outcome.state.root().as_bytes(),
            case.files.get("root.json").unwrap(),
            "{name}"
        );
        assert_eq!(outcome.state.pinned_at(), state.pinned_at());
    }
}

#[test]
fn an_older_root_is_a_rollback() {
    let case = fixtures::case("forged/root-rotated");
    let setting = Setting::of(&case);
    let state = Shelf::new(&case.files)
        .verify(&setting.task(None))
        .unwrap()
        .state;
    let mut files = Files::default();
    let old = case.files.get("1.root.json").unwrap();
    files.extend([(
        FileName::Current(RoleName::root()),
        Answer::Bytes(Bytes::copy_from_slice(old)),
    )]);
    let refused = workflow::verify(&setting.task(Some(&state)), &files).unwrap_err();
    assert_eq!(
        refused,
        Stop::Problem(Problem::RolledBack {
            role: RoleName::root(),
            seen: 2,
            offered: 1
        })
    );
}

#[test]
fn metadata_of_another_repository_is_refused() {
    let case = fixtures::case("real/delegated");
    let mut setting = Setting::of(&case);
    setting.pin = pin("localhost:15500/notary/other");
    let refused = Shelf::new(&case.files)
        .verify(&setting.task(None))
        .unwrap_err();
    assert_eq!(refused, Stop::Problem(Problem::RootOfAnother));
}

#[test]
fn metadata_holds_until_it_expires_also_when_it_is_kept() {
    for case in fixtures::cases()
        .into_iter()
        .filter(|case| case.until.is_some())
    {
        let mut setting = Setting::of(&case);
        let Ok(outcome) = Shelf::new(&case.files).verify(&setting.task(None)) else {
            continue;
        };
        let until = case.until.unwrap();
        let allowed = case
            .verdicts
            .iter()
            .filter(|verdict| matches!(verdict.expect, Expect::Allow(_)));
        for verdict in allowed {
            let at = |now| answer(&case, &outcome.repository, verdict, now);
            assert!(
                at(until - SignedDuration::from_secs(2)).is_some(),
                "{}: {verdict:?}",
                case.name
            );
            assert!(
                at(until + SignedDuration::from_secs(2)).is_none(),
                "{}: {verdict:?}",
                case.name
            );
        }
        setting.now = until + SignedDuration::from_secs(2);
        let late = Shelf::new(&case.files).verify(&setting.task(None));
        assert!(late.is_err(), "{}", case.name);
    }
}

#[test]
fn signer_keys_are_read_as_their_owners_have_them() {
    for name in ["alice.pub", "bob.pub", "carol.crt", "dave.crt"] {
        let key = fixtures::signer_key(name);
        assert!(PublicKey::from_pem(&key).is_ok(), "{name}");
        let secret = SignerSecret {
            secret: "s",
            name: Some(b"carol\n"),
            public_key: Some(key.as_bytes()),
        };
        assert_eq!(Signer::from_secret(&secret).unwrap().name(), "carol");
    }
}

#[test]
fn a_small_repository_takes_little_room() {
    for name in ["real/plain", "real/delegated"] {
        let case = fixtures::case(name);
        let setting = Setting::of(&case);
        let repository = Shelf::new(&case.files)
            .verify(&setting.task(None))
            .unwrap()
            .repository;
        assert!(
            repository.weight() <= 2048,
            "{name}: {}",
            repository.weight()
        );
    }
}
