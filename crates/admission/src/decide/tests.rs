use std::fmt::Write as _;

use cise_policy::{Policies, Resolution};
use cise_signature::notary::RoleName;

use super::*;

const D1: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const D2: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

/// What trust servers, advisors and registries say about the image of a case.
#[derive(Clone, Copy, Default)]
struct World {
    /// The tag that content trust vouches for, and its digest.
    signed: Option<(&'static str, &'static str)>,
    /// The digest that the registry gives the tag.
    resolved: Option<&'static str>,
    silent: bool,
}

const NOTHING: World = World {
    signed: None,
    resolved: None,
    silent: false,
};
const SIGNED: World = World {
    signed: Some(("v1", D1)),
    ..NOTHING
};
const RESOLVED: World = World {
    resolved: Some(D1),
    ..NOTHING
};

/// Decides about `image` under a policy with these entries, each given as `name` and the lines of its `policy`.
fn decided(entries: &[(&str, &str)], image: &str, world: World, hook: Hook) -> String {
    decided_with(
        entries,
        image,
        world,
        Duty {
            hook,
            enforcement: Enforcement::Refuse,
        },
    )
}

fn decided_with(entries: &[(&str, &str)], image: &str, world: World, duty: Duty) -> String {
    let policies = Policies::compile(
        [cise_policy::from_yaml(&yaml(entries), "default").unwrap()],
        [],
    );
    let reference = Reference::parse(image).unwrap();
    let Resolution::Matched(found) = policies.resolve("team", &reference) else {
        return "no entry matches".to_owned();
    };
    let binding = if found.needs_tag_binding() {
        TagBinding::Needed
    } else {
        TagBinding::NotNeeded
    };
    let entries = found.iter().map(MatchedEntry::from).collect();
    let mut matched = Matched {
        reference: &reference,
        binding,
        entries,
        resolved: None,
    };
    if !world.silent {
        ask(&mut matched, world, duty);
    }
    told(&decide(Standing::Matched(matched), duty))
}

fn ask(matched: &mut Matched<'_>, world: World, duty: Duty) {
    if matched.needs_resolution(duty) {
        let tag = matched.reference.tag().unwrap();
        let resolution = |digest| Evidence::resolution(matched.reference.repository(), tag, digest);
        matched.resolved = Some(
            world
                .resolved
                .map(digest)
                .map(resolution)
                .ok_or(Reason::DigestUnknown),
        );
    }
    for one in &mut matched.entries {
        let checked =
            Requirement::all_of(&one.entry.requirements).filter(|one| one.is_checked_by(duty.hook));
        one.findings = checked
            .map(|requirement| Finding {
                requirement,
                result: result(requirement, world),
            })
            .collect();
    }
}

fn result(requirement: Requirement, world: World) -> Result<Evidence, Reason> {
    match (requirement, world.signed) {
        (Requirement::Trust, Some((target, digest))) => Ok(content_trust(target, digest)),
        _ => Err(Reason::NotVerifiable(requirement)),
    }
}

fn content_trust(target: &str, text: &str) -> Evidence {
    Evidence::Signature(cise_signature::Evidence::ContentTrust {
        digest: digest(text),
        target: target.into(),
        released_by: RoleName::releases(),
        signers: Vec::new(),
        trust_server: "https://notary.example.com".into(),
        repository: "registry.example.com/team/app".into(),
        root_version: 1,
        checked_at: jiff::Timestamp::UNIX_EPOCH,
    })
}

fn digest(text: &str) -> Digest {
    Digest::parse(text).unwrap()
}

fn yaml(entries: &[(&str, &str)]) -> String {
    let mut yaml = "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ClusterImagePolicy\n\
                    metadata: {name: test}\nspec:\n  repositories:\n"
        .to_owned();
    for (name, policy) in entries {
        writeln!(yaml, "  - name: \"{name}\"\n    policy: {{{policy}}}").unwrap();
    }
    yaml
}

fn told(judgement: &Judgement) -> String {
    let codes = |complaints: &[Complaint]| {
        complaints
            .iter()
            .map(|one| one.reason.code())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut told =
        match &judgement.verdict {
            Verdict::Refused(complaints) => format!("refused: {}", codes(complaints)),
            Verdict::Admitted(Admission::Conditional { digest, pin }) => {
                let digest = digest.as_ref().map_or("unknown", |digest| {
                    if digest.as_str() == D1 { "D1" } else { "D2" }
                });
                match pin {
                    Pin::Replaced(image) => format!(
                        "admitted {digest}, becomes {}",
                        image.replace(D1, "D1").replace(D2, "D2")
                    ),
                    pin => format!("admitted {digest}, {pin:?}"),
                }
            }
            Verdict::Admitted(admission) => format!("admitted, {admission:?}"),
        };
    if !judgement.tolerated.is_empty() {
        write!(told, "; tolerated: {}", codes(&judgement.tolerated)).unwrap();
    }
    told
}

const APP: &str = "registry.example.com/team/app";
const TRUST: &str = "trust: {enabled: true}";
const VA: &str = "va: {enabled: true}";

#[test]
fn what_needs_no_look_at_an_entry_is_settled_at_once() {
    let duty = Duty {
        hook: Hook::Trust,
        enforcement: Enforcement::Refuse,
    };
    let invalid = Reference::parse("UPPER").unwrap_err();
    for (standing, expected) in [
        (Standing::Unchanged, "admitted, Unchanged"),
        (Standing::Mirrored, "admitted, Mirrored"),
        (Standing::Blank, "refused: no-image"),
        (Standing::Invalid(invalid), "refused: invalid-reference"),
        (Standing::NoPolicies, "refused: no-policies"),
        (Standing::NoEntryMatches(&[]), "refused: no-entry-matches"),
        (Standing::Faulted, "refused: internal-error"),
    ] {
        assert_eq!(told(&decide(standing, duty)), expected);
    }
}

#[test]
fn an_entry_without_requirements_admits_and_changes_nothing() {
    for hook in Hook::ALL {
        assert_eq!(
            decided(&[("*", "")], "nginx", NOTHING, hook),
            "admitted, Unconditional",
            "{hook:?}"
        );
    }
}

#[test]
fn the_mutating_pass_pins_what_it_verified() {
    let with =
        |policy: &str, image: &str, world| decided(&[("*", policy)], image, world, Hook::Trust);
    let tagged = format!("{APP}:v1");
    let pinned = format!("{APP}:v1@{D1}");
    let becomes = format!("admitted D1, becomes {APP}:v1@D1");
    assert_eq!(with(TRUST, &tagged, SIGNED), becomes);
    assert_eq!(with(TRUST, &pinned, SIGNED), "admitted D1, Named");
    assert_eq!(
        with(TRUST, &tagged, NOTHING),
        "refused: requirement-not-supported"
    );
    // The advisor alone is no verification of this webhook, but the tag is pinned for the one that asks it.
    assert_eq!(with(VA, &tagged, RESOLVED), becomes);
    assert_eq!(with(VA, &tagged, NOTHING), "refused: digest-unknown");
    assert_eq!(with(VA, &pinned, NOTHING), "admitted D1, Named");
    assert_eq!(
        with(&format!("{TRUST}, mutateImage: false"), &tagged, SIGNED),
        "admitted D1, Loose"
    );
    assert_eq!(
        with(&format!("{VA}, mutateImage: false"), &tagged, NOTHING),
        "admitted unknown, Loose"
    );
}

#[test]
fn the_validating_pass_refuses_what_came_unpinned() {
    let with =
        |policy: &str, image: &str| decided(&[("*", policy)], image, SIGNED, Hook::TrustValidate);
    assert_eq!(with(TRUST, &format!("{APP}:v1")), "refused: not-pinned");
    assert_eq!(with(TRUST, &format!("{APP}:v1@{D1}")), "admitted D1, Named");
    assert_eq!(with(VA, &format!("{APP}:v1")), "refused: not-pinned");
    assert_eq!(
        with(
            &format!("{TRUST}, mutateImage: false"),
            &format!("{APP}:v1")
        ),
        "admitted D1, Loose"
    );
}

#[test]
fn templates_that_are_only_warned_about_are_neither_pinned_nor_expected_to_be() {
    for hook in [Hook::Workloads, Hook::WorkloadsMutate] {
        let duty = Duty {
            hook,
            enforcement: Enforcement::Warn,
        };
        let told = decided_with(&[("*", TRUST)], &format!("{APP}:v1"), SIGNED, duty);
        assert_eq!(told, "admitted D1, Elsewhere", "{hook:?}");
    }
}

#[test]
fn each_webhook_checks_its_own_requirements() {
    let image = format!("{APP}:v1@{D1}");
    let policy = format!("{TRUST}, {VA}");
    for (hook, expected) in [
        (Hook::Trust, "admitted D1, Named"),
        (Hook::TrustValidate, "admitted D1, Named"),
        (
            Hook::VulnerabilityAdvisor,
            "refused: requirement-not-supported",
        ),
        (Hook::Workloads, "refused: requirement-not-supported"),
        (Hook::Admit, "refused: requirement-not-supported"),
    ] {
        assert_eq!(
            decided(&[("*", &policy)], &image, SIGNED, hook),
            expected,
            "{hook:?}"
        );
    }
}

#[test]
fn a_requirement_about_which_nothing_was_found_does_not_hold() {
    let silent = World {
        silent: true,
        ..SIGNED
    };
    for hook in Hook::ALL {
        let told = decided(
            &[("*", &format!("{TRUST}, {VA}"))],
            &format!("{APP}:v1@{D1}"),
            silent,
            hook,
        );
        assert!(told.starts_with("refused: not-checked"), "{hook:?}: {told}");
    }
    assert_eq!(
        decided(&[("*", VA)], &format!("{APP}:v1"), silent, Hook::Trust),
        "refused: digest-unknown"
    );
    let tag_pattern = format!("{APP}:v1");
    assert_eq!(
        decided(
            &[(&tag_pattern, VA)],
            &format!("{APP}:v1@{D1}"),
            silent,
            Hook::Trust
        ),
        "refused: digest-unknown"
    );
}

#[test]
fn every_requirement_of_every_kind_denies_until_it_can_be_verified() {
    for policy in [
        "simple: {requirements: []}",
        "cosign: [{}]",
        "notation: {level: strict}",
        "vulnerability: {ICCRVA: {enabled: true}}",
    ] {
        let told = decided(
            &[("*", policy)],
            &format!("{APP}@{D1}"),
            SIGNED,
            Hook::Admit,
        );
        assert_eq!(told, "refused: requirement-not-supported", "{policy}");
    }
}

#[test]
fn a_tag_alone_cannot_vouch_for_a_digest() {
    let pattern = format!("{APP}:v1");
    let image = format!("{APP}:v1@{D1}");
    let moved = World {
        resolved: Some(D2),
        ..NOTHING
    };
    for (policy, world, expected) in [
        ("", NOTHING, "no entry matches"),
        (VA, RESOLVED, "admitted D1, Named"),
        (VA, moved, "refused: tag-moved"),
        (VA, NOTHING, "refused: digest-unknown"),
        (TRUST, SIGNED, "admitted D1, Named"),
        (
            TRUST,
            World {
                signed: Some(("v2", D1)),
                ..NOTHING
            },
            "refused: not-checked",
        ),
        (TRUST, NOTHING, "refused: requirement-not-supported"),
    ] {
        assert_eq!(
            decided(&[(&pattern, policy)], &image, world, Hook::TrustValidate),
            expected,
            "{policy}"
        );
    }
}

#[test]
fn no_mode_tolerates_a_tag_beside_a_foreign_digest() {
    let pattern = format!("{APP}:v1");
    let image = format!("{APP}:v1@{D1}");
    let policy = format!("{TRUST}, mode: warn");
    let moved = World {
        resolved: Some(D2),
        ..NOTHING
    };
    let with = |world| decided(&[(&pattern, &policy)], &image, world, Hook::Trust);
    assert_eq!(
        with(moved),
        "refused: tag-moved; tolerated: requirement-not-supported"
    );
    assert_eq!(
        with(RESOLVED),
        "admitted D1, Named; tolerated: requirement-not-supported"
    );
}

#[test]
fn all_requirements_have_to_agree_on_one_digest() {
    let image = format!("{APP}:v1@{D2}");
    assert_eq!(
        decided(&[("*", TRUST)], &image, SIGNED, Hook::Trust),
        "refused: digests-differ"
    );
}

#[test]
fn what_a_mode_tolerates_is_admitted_and_told() {
    for mode in ["warn", "audit"] {
        let policy = format!("{TRUST}, mode: {mode}");
        let with = |world, hook| decided(&[("*", &policy)], &format!("{APP}:v1"), world, hook);
        assert_eq!(
            with(NOTHING, Hook::Trust),
            "admitted unknown, Elsewhere; tolerated: requirement-not-supported"
        );
        assert_eq!(
            with(SIGNED, Hook::TrustValidate),
            "admitted D1, Elsewhere; tolerated: not-pinned"
        );
        assert_eq!(
            with(SIGNED, Hook::Trust),
            format!("admitted D1, becomes {APP}:v1@D1")
        );
    }
}

#[test]
fn entries_that_tie_are_all_enforced() {
    let image = format!("{APP}:v1@{D1}");
    let pattern = format!("{APP}*");
    let told = decided(
        &[(&pattern, TRUST), (&pattern, "simple: {requirements: []}")],
        &image,
        SIGNED,
        Hook::Trust,
    );
    assert_eq!(told, "refused: requirement-not-supported");
    let told = decided(
        &[(&pattern, TRUST), (&pattern, "")],
        &image,
        NOTHING,
        Hook::Trust,
    );
    assert_eq!(told, "refused: requirement-not-supported");
    let told = decided(
        &[
            (&pattern, "trust: {enabled: true}, mode: warn"),
            (&pattern, TRUST),
        ],
        &image,
        NOTHING,
        Hook::Trust,
    );
    assert_eq!(
        told,
        "refused: requirement-not-supported; tolerated: requirement-not-supported"
    );
}

#[test]
fn a_match_without_entries_admits_nothing() {
    let reference = Reference::parse("nginx").unwrap();
    let matched = Matched {
        reference: &reference,
        binding: TagBinding::NotNeeded,
        entries: Vec::new(),
        resolved: None,
    };
    let duty = Duty {
        hook: Hook::Trust,
        enforcement: Enforcement::Refuse,
    };
    assert_eq!(
        told(&decide(Standing::Matched(matched), duty)),
        "refused: internal-error"
    );
}
