//! What people read when a registry cannot be asked, on one page.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use cise_reference::{Digest, Repository, Tag};
use cise_registry::{
    AddressKind, BlockedAddress, ByteLimit, ChallengeError, FetchError, FlightError, ManifestError,
    Reason, Refused, RegistryError, RegistryFailure, Step, Subject, TokenError, Whereabouts,
};

fn digest(digit: &str) -> Digest {
    Digest::parse(&format!("sha256:{}", digit.repeat(64))).expect("a digest")
}

fn blocked(address: &str, kind: AddressKind) -> Reason {
    Reason::Blocked(BlockedAddress {
        address: address.parse().expect("an address"),
        kind,
    })
}

fn refused(origin: Option<&str>, step: Step, reason: Reason) -> Refused {
    let host = if step == Step::Token {
        "auth.example.com"
    } else {
        "registry.example.com"
    };
    Refused {
        origin: origin.map(Arc::from),
        error: Box::new(FetchError::new(host, step, reason)),
    }
}

fn reasons() -> Vec<(Step, Reason)> {
    let of_secret = |step, reason| {
        Reason::AllRefused(vec![refused(
            Some("Secret team/pull, registry.example.com"),
            step,
            reason,
        )])
    };
    let foreign = ChallengeError::ForeignRealm {
        realm: "auth.example.org".to_owned(),
    };
    let fetching = [
        Reason::AllRefused(vec![refused(None, Step::Fetch, Reason::Unauthorized)]),
        of_secret(Step::Fetch, Reason::Forbidden),
        of_secret(Step::Token, Reason::Unauthorized),
        of_secret(Step::Fetch, Reason::Challenge(foreign)),
        of_secret(
            Step::Fetch,
            Reason::Challenge(ChallengeError::TokenForBasic),
        ),
        Reason::AllRefused(vec![
            refused(
                Some("Secret team/old, registry.example.com"),
                Step::Token,
                Reason::Unauthorized,
            ),
            refused(
                Some("Secret team/new, registry.example.com/team"),
                Step::Fetch,
                Reason::Forbidden,
            ),
        ]),
        Reason::RateLimited(Some(Duration::from_secs(120))),
        Reason::RateLimited(None),
        Reason::ServerFailed(503),
        Reason::UnexpectedStatus(418),
        Reason::Tls("invalid peer certificate: UnknownIssuer".to_owned()),
        Reason::Dns("failed to lookup address information: Name or service not known".to_owned()),
        Reason::ConnectionRefused,
        Reason::NoConnection("Network is unreachable (os error 101)".to_owned()),
        Reason::Cut,
        Reason::TimedOut,
        Reason::TooLarge(ByteLimit::mebibytes(4)),
        Reason::NoRoom,
        blocked("10.0.0.7", AddressKind::Private),
        blocked("169.254.169.254", AddressKind::Metadata),
        Reason::PlainHttp,
        Reason::TooManyRedirects,
        Reason::BadRedirect,
        Reason::Challenge(ChallengeError::UnknownScheme),
        Reason::Protocol("invalid HTTP version parsed".to_owned()),
    ];
    let token = [
        Reason::ServerFailed(500),
        Reason::Token(TokenError::Missing),
        Reason::TimedOut,
    ];
    let redirect = [
        Reason::Forbidden,
        blocked("127.0.0.1", AddressKind::Loopback),
        Reason::PlainHttp,
    ];
    let fetching = fetching.into_iter().map(|reason| (Step::Fetch, reason));
    let token = token.into_iter().map(|reason| (Step::Token, reason));
    fetching
        .chain(token)
        .chain(redirect.into_iter().map(|reason| (Step::Redirect, reason)))
        .collect()
}

fn failures() -> Vec<RegistryFailure> {
    let host = |step| match step {
        Step::Token => "auth.example.com",
        Step::Redirect => "storage.example.com",
        _ => "registry.example.com",
    };
    let fetches = reasons()
        .into_iter()
        .map(|(step, reason)| FetchError::new(host(step), step, reason).into());
    let place = |step| {
        Some(Whereabouts {
            step,
            host: host(step).into(),
        })
    };
    let others = [
        RegistryFailure::NotFound,
        ManifestError::Schema1.into(),
        ManifestError::Ambiguous.into(),
        RegistryFailure::DigestMismatch {
            host: "registry.example.com".into(),
            found: digest("b"),
        },
        FlightError::Late(place(Step::Token)).into(),
        FlightError::Late(place(Step::Pause)).into(),
        FlightError::Overdue(place(Step::Fetch)).into(),
        FlightError::Late(None).into(),
        FlightError::HostBusy {
            host: "registry.example.com".into(),
        }
        .into(),
        FlightError::NamespaceBusy {
            namespace: "team".into(),
        }
        .into(),
        FlightError::Lost.into(),
    ];
    fetches.chain(others).collect()
}

#[test]
fn every_failure_is_a_sentence_that_names_the_host_and_what_can_be_done() {
    let repository = Repository::parse("registry.example.com/team/app").expect("a repository");
    let error = |subject, failure| RegistryError {
        repository: repository.clone(),
        subject,
        failure,
    };
    let tag = || Subject::Tag(Tag::parse("v1").expect("a tag"));
    let mut errors: Vec<_> = failures()
        .into_iter()
        .map(|failure| error(tag(), failure))
        .collect();
    errors.extend([
        error(Subject::Manifest(digest("a")), RegistryFailure::NotFound),
        error(Subject::Blob(digest("a")), RegistryFailure::NotFound),
        error(
            Subject::Referrers(digest("a")),
            RegistryFailure::TooManyReferrers { limit: 1000 },
        ),
        error(Subject::Blob(digest("a")), RegistryFailure::Damaged),
        error(
            Subject::NewBlob(digest("a")),
            RegistryFailure::NoPlace {
                host: "registry.example.com".into(),
            },
        ),
        error(
            Subject::NewManifest(Tag::parse("v1").expect("a tag")),
            RegistryFailure::NotFound,
        ),
    ]);
    let mut page = String::new();
    for error in errors {
        writeln!(page, "{error}").expect("a string takes everything");
        if let Some(hint) = error.hint() {
            writeln!(page, "  hint: {hint}").expect("a string takes everything");
        }
    }
    insta::assert_snapshot!(page);
}
