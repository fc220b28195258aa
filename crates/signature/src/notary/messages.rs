//! All that this module may say to people, on one page.

use std::fmt::Write as _;
use std::sync::Arc;

use cise_reference::{Digest, Repository};
use cise_registry::{FetchError, FlightError, Reason as FetchReason, Step};

use super::denial::{Denial, Reason};
use super::tuf::{Problem, RoleName};
use crate::store::StoreError;
use crate::{Gun, Refusal};

fn problems() -> Vec<Problem> {
    let (role, by) = (RoleName::signer("alice").unwrap(), RoleName::snapshot());
    vec![
        Problem::Malformed {
            role: role.clone(),
            why: "`targets/alice.signed.version` is zero".into(),
        },
        Problem::TooLarge {
            role: role.clone(),
            limit: 4 << 20,
        },
        Problem::Missing {
            file: "timestamp.json".into(),
        },
        Problem::Signatures {
            role: role.clone(),
            found: 1,
            needed: 2,
        },
        Problem::Expired {
            role: role.clone(),
            at: "2026-11-25T00:00:00Z".parse().unwrap(),
        },
        Problem::RolledBack {
            role: role.clone(),
            seen: 5,
            offered: 4,
        },
        Problem::Vanished {
            role: role.clone(),
            seen: 5,
        },
        Problem::Checksum {
            role: role.clone(),
            by: by.clone(),
        },
        Problem::Unlisted {
            role: RoleName::targets(),
            by,
        },
        Problem::RootVersion {
            expected: 3,
            found: 4,
        },
        Problem::RootTooFar {
            trusted: 1,
            offered: 100,
            most: 64,
        },
        Problem::RootForeign {
            trusted: 1,
            offered: 2,
        },
        Problem::RootReplaced { version: 1 },
        Problem::RootNotPreset,
        Problem::RootOfAnother,
        Problem::RootCertificateExpired,
        Problem::NotDelegated { role: role.clone() },
        Problem::Unpublished { role },
    ]
}

fn reasons() -> Vec<Reason> {
    let digest = |byte| Digest::sha256([byte; 32]);
    let (target, signer): (Box<str>, Box<str>) = ("1.0".into(), "alice".into());
    let fetch = |reason: FetchReason| Reason::Fetch {
        error: Arc::new(FetchError::new(
            "notary.example.com:4443",
            Step::Fetch,
            reason,
        )),
    };
    let mut reasons = vec![
        Reason::NoTrustData,
        Reason::Unsigned {
            target: target.clone(),
        },
        Reason::DigestNotReleased { digest: digest(1) },
        Reason::OtherDigest {
            target: target.clone(),
            released: digest(1),
            asked: digest(2),
        },
        Reason::UnusableTarget {
            target: target.clone(),
        },
        Reason::SignerKey {
            signer: signer.clone(),
            secret: "alice-key".into(),
        },
        Reason::SignerSilent {
            signer: signer.clone(),
            target: target.clone(),
        },
        Reason::SignerOtherDigest {
            signer: signer.clone(),
            target,
            released: digest(1),
            signed: Some(digest(2)),
        },
        fetch(FetchReason::ConnectionRefused),
        fetch(FetchReason::Unauthorized),
        FlightError::HostBusy {
            host: "notary.example.com:4443".into(),
        }
        .into(),
        FlightError::Late(None).into(),
        StoreError::Inaccessible {
            place: "/state/1.json".into(),
            action: "read",
            why: "permission denied".into(),
        }
        .into(),
        StoreError::Damaged {
            place: "/state/1.json".into(),
            why: "EOF at line 1".into(),
        }
        .into(),
        StoreError::Full { most: 10_000 }.into(),
        Reason::Contended,
        Reason::Endless,
        Reason::Server("`ftp://x` is not the URL of a server".into()),
    ];
    let of_signer = |problem| Reason::SignerRole {
        signer: signer.clone(),
        problem,
    };
    reasons.extend(problems().into_iter().rev().take(2).map(of_signer));
    reasons.extend(problems().into_iter().rev().skip(2).rev().map(Reason::from));
    reasons
}

#[test]
fn every_refusal_says_who_was_asked_what_was_found_and_what_to_do() {
    let (server, gun) = (
        "https://notary.example.com:4443/".into(),
        Gun::of(&Repository::parse("icr.io/app").unwrap()),
    );
    let denials = reasons()
        .into_iter()
        .map(|reason| Refusal::from(Denial::new(&server, &gun, reason)));
    let unsupported = Refusal::UnsupportedRegistry {
        registry: "quay.io".into(),
    };
    let mut page = String::new();
    for refusal in [unsupported].into_iter().chain(denials) {
        let text = refusal.to_string();
        assert!(!text.contains('\n') && text.len() < 600, "{text}");
        writeln!(
            page,
            "{} ({:?})\n    {text}",
            refusal.code(),
            refusal.kind()
        )
        .unwrap();
    }
    insta::assert_snapshot!(page);
}

#[test]
fn what_strangers_name_is_shown_bounded_and_on_one_line() {
    let target = format!("a\nb\u{7}{}", "x".repeat(10_000));
    let text = Reason::Unsigned {
        target: target.into(),
    }
    .to_string();
    assert!(
        text.len() < 200 && !text.contains(char::is_control),
        "{text}"
    );
}
