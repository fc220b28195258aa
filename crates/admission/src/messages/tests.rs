use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use cise_advisor::assessment::{Assessment, Ended, Headline, Issue, Notice, Rules};
use cise_advisor::{Severity, Unadvised};
use cise_reference::{Digest, Host, Reference, Repository, Tag};
use cise_registry::{Amount, FetchError, FlightError, RegistryError, RegistryFailure};
use cise_signature::notary::SignerError;
use cise_signature::{Refusal, RefusalKind};
use jiff::Timestamp;

use super::*;
use crate::image_at::List;
use crate::kind::Kind;
use crate::reason::{Reason, Step};
use crate::requirement::Requirement;
use crate::sources::SourceError;
use crate::verdict::AppliedEntry;

const IMAGE: &str = "registry.example.com/team/app:v1";

fn ended() -> Assessment {
    let ended = Ended {
        release: "debian 10".into(),
        on: jiff::civil::date(2024, 6, 30),
    };
    Assessment {
        ended: [ended].into(),
        ..Assessment::unscanned(Timestamp::UNIX_EPOCH)
    }
}

/// An image with one issue.
fn vulnerable() -> Assessment {
    let issue = Issue {
        id: "CVE-2026-10001".into(),
        severity: Severity::High,
        known_exploited: None,
        exploitation: None,
        exemption: None,
        notices: vec![Notice {
            id: "DSA-6001-1".into(),
            summary: "".into(),
            published: None,
            exemption: None,
            packages: Vec::new(),
        }],
    };
    Assessment {
        issues: vec![issue],
        ..Assessment::unscanned(Timestamp::UNIX_EPOCH)
    }
}

/// One of every reason, in the order in which they are declared.
fn reasons() -> Vec<Reason> {
    let registry = Host::parse("registry.example.com").unwrap();
    let repository = Repository::parse("registry.example.com/team/app").unwrap();
    let tag = Tag::parse("v1").unwrap();
    let one = Digest::sha256([0x11; 32]);
    let other = Digest::sha256([0x22; 32]);
    let fetch =
        |reason| FetchError::new("registry.example.com", cise_registry::Step::Fetch, reason);
    let unresolved = |failure: RegistryFailure| {
        let subject = cise_registry::Subject::Tag(tag.clone());
        Reason::Unresolved(Box::new(RegistryError {
            repository: repository.clone(),
            subject,
            failure,
        }))
    };
    let late = cise_registry::Whereabouts {
        step: cise_registry::Step::Fetch,
        host: "registry.example.com".into(),
    };
    vec![
        Reason::NoPolicies,
        Reason::NoEntryMatches { policies: vec!["ImagePolicy team/web".to_owned(), "ImagePolicy team/db".to_owned()] },
        Reason::PolicyUnreadable {
            policy: "ImagePolicy team/web".to_owned(),
            why: "spec.repositories[0]: unknown field `polcy`, expected `name`, `policy` or `policies`".to_owned(),
        },
        Reason::NoImage,
        Reason::InvalidReference(Reference::parse("Registry/Team/App").unwrap_err()),
        Reason::Trust(Refusal::UnsupportedRegistry { registry: "registry.example.com".into() }),
        Reason::SignerSecret {
            namespace: "team".to_owned(),
            error: SignerError::NoSecret { secret: "alice".into() },
        },
        Reason::AdvisorNotConfigured { registry: registry.clone() },
        Reason::AdvisorElsewhere { registry },
        Reason::AdvisorRules(unreadable_rules()),
        Reason::Unadvised(Unadvised::NoDatabase),
        Reason::Unadvised(Unadvised::NoPlatforms),
        Reason::Unadvised(Unadvised::ManyPlatforms {
            found: 17,
            most: 16,
        }),
        Reason::Unadvised(Unadvised::Indexing(None)),
        Reason::Unadvised(Unadvised::Indexing(Some(Amount {
            done: 300 << 20,
            total: 2 << 30,
        }))),
        Reason::Vulnerable {
            assessment: Arc::new(Assessment::unscanned(Timestamp::UNIX_EPOCH)),
            headline: Headline::Unscanned,
        },
        Reason::Vulnerable {
            assessment: Arc::new(ended()),
            headline: Headline::EndOfLife,
        },
        Reason::NotVerifiable(Requirement::Cosign),
        Reason::SecretsUnreadable(SourceError::new("secret team/registry", "the API server does not answer")),
        unresolved(RegistryFailure::NotFound),
        unresolved(fetch(cise_registry::Reason::Unauthorized).into()),
        unresolved(fetch(cise_registry::Reason::RateLimited(Some(Duration::from_secs(30)))).into()),
        unresolved(FlightError::Late(Some(late)).into()),
        unresolved(FlightError::NamespaceBusy { namespace: "team".into() }.into()),
        Reason::TagMoved { tag, named: one.clone(), found: other.clone() },
        Reason::DigestsDiffer { one, other },
        Reason::NotPinned,
        Reason::Late { step: Step::Secrets, place: Arc::from("team") },
        Reason::NotChecked(Requirement::Trust),
        Reason::DigestUnknown,
        Reason::Internal,
    ]
}

fn unreadable_rules() -> cise_advisor::assessment::RulesError {
    let written = serde_json::json!({ "unsuported": "deny" });
    Rules::default().amended(&written).unwrap_err()
}

fn decision(reasons: Vec<Reason>) -> Decision {
    let place = |list, name: &str| Place {
        list,
        index: 0,
        name: name.to_owned(),
    };
    let entry = AppliedEntry {
        policy: "ImagePolicy team/web".to_owned(),
        pattern: "registry.example.com/team/*".to_owned(),
        mode: Mode::Enforce,
    };
    let is_before_entries = |reason: &Reason| {
        matches!(
            reason,
            Reason::NoPolicies
                | Reason::NoEntryMatches { .. }
                | Reason::PolicyUnreadable { .. }
                | Reason::NoImage
                | Reason::InvalidReference(_)
        )
    };
    let entry = (!reasons.iter().all(is_before_entries)).then_some(entry);
    let complaints = reasons
        .into_iter()
        .map(|reason| Complaint {
            entry: None,
            reason,
        })
        .collect();
    let image = ImageDecision {
        image: IMAGE.to_owned(),
        places: vec![
            place(List::Containers, "app"),
            place(List::Volumes, "models"),
        ],
        applied: entry.into_iter().collect(),
        verdict: Verdict::Refused(complaints),
        evidence: Vec::new(),
        tolerated: Vec::new(),
    };
    Decision {
        kind: Kind::Deployment,
        namespace: "team".to_owned(),
        enforcement: Enforcement::Refuse,
        images: vec![image],
    }
}

#[test]
fn all_messages_read_like_a_page() {
    let mut page = String::new();
    for reason in reasons() {
        let code = reason.code();
        let refused = decision(vec![reason]);
        writeln!(page, "== {code}\n{}\n", denial(&refused)).unwrap();
        let warned = Decision {
            enforcement: Enforcement::Warn,
            ..refused
        };
        for warning in warnings(&warned) {
            writeln!(page, "warning: {warning}").unwrap();
        }
        page.push('\n');
    }
    let until = "2026-11-29T09:00:00Z".parse().unwrap();
    let forgiven = sentences::already_admitted(&vulnerable(), until);
    writeln!(page, "== already-admitted\n{forgiven}\n").unwrap();
    writeln!(page, "== whole requests\n{}\n", internal()).unwrap();
    writeln!(page, "{}\n", unreadable(&ReviewError::NoRequest)).unwrap();
    writeln!(
        page,
        "{}",
        refusal(&RequestError::NoObject { kind: Kind::Pod })
    )
    .unwrap();
    insta::assert_snapshot!(page);
}

#[test]
fn the_products_sentences_are_kept_word_for_word() {
    let about = About {
        image: IMAGE,
        namespace: "team",
    };
    let tagless = About {
        image: "app@sha256:1111111111111111111111111111111111111111111111111111111111111111",
        ..about
    };
    let untrusted =
        |about: About<'_>| sentences::trust_headline(RefusalKind::Untrusted, about.image);
    for (said, promised) in [
        (
            headline(&Reason::NoPolicies, about),
            "Deny, no image policies or cluster polices for registry.example.com/team/app:v1",
        ),
        (
            untrusted(about),
            "Deny, failed to get content trust information: No valid trust data for v1",
        ),
        (
            untrusted(About {
                image: "nginx",
                ..about
            }),
            "Deny, failed to get content trust information: No valid trust data for latest",
        ),
        (
            untrusted(tagless),
            "Deny, failed to get content trust information: No valid trust data for sha256:1111111111111111111111111111111111111111111111111111111111111111",
        ),
        (
            sentences::trust_headline(RefusalKind::Unsupported, IMAGE),
            "Trust is not supported for images from this registry",
        ),
    ] {
        assert_eq!(said, promised);
    }
}

#[test]
fn every_warning_is_one_short_line() {
    let long = format!("registry.example.com/{}:v1", "team/".repeat(40) + "app");
    let mut warned = decision(reasons());
    warned.enforcement = Enforcement::Warn;
    warned.images[0].image = long;
    let warnings = warnings(&warned);
    assert!(warnings.len() > reasons().len() / 2);
    for warning in warnings {
        assert!(
            warning.chars().count() <= MAX_WARNING && !warning.contains('\n'),
            "{warning}"
        );
    }
}

#[test]
fn every_refused_image_is_listed_and_the_first_line_is_the_products() {
    let mut refused = decision(vec![Reason::NoPolicies]);
    let second = ImageDecision {
        image: "nginx".to_owned(),
        ..refused.images[0].clone()
    };
    refused.images.push(second);
    let message = denial(&refused);
    assert!(message.starts_with(
        "Deny, no image policies or cluster polices for registry.example.com/team/app:v1\n"
    ));
    assert!(message.contains("\n\nDeny, no image policies or cluster polices for nginx\n"));
}

#[test]
fn no_two_reasons_share_a_code_unless_they_are_one_kind() {
    let mut codes: Vec<_> = reasons().iter().map(Reason::code).collect();
    codes.sort_unstable();
    codes.dedup();
    // The registry's failures are one reason with several causes, and so are an advisor that gives no assessment and an image that is
    // not scanned yet.
    assert_eq!(codes.len(), reasons().len() - 9);
}
