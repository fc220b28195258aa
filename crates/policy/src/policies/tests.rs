use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::{ApiGroup, Mode, Opaque, Pattern, Pinning, Requirements, Trust, from_yaml};

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// An entry in short: a pattern, and behind a blank `trust` where it requires that.
fn entry(text: &str) -> Entry {
    let (name, required) = text.split_once(' ').unwrap_or((text, ""));
    Entry {
        pattern: Pattern::parse(&name.replace("@D", &format!("@{DIGEST}"))).unwrap(),
        requirements: Requirements {
            trust: (required == "trust").then(Trust::default),
            ..Requirements::default()
        },
        pinning: Pinning::Pin,
        mode: Mode::Enforce,
    }
}

/// `cluster/name`, or `namespace/name`.
fn origin(text: &str) -> Origin {
    let (scope, name) = text.split_once('/').unwrap();
    match scope {
        "cluster" => Origin::cluster(ApiGroup::V1Beta1, name).unwrap(),
        namespace => Origin::namespaced(ApiGroup::V1Beta1, namespace, name).unwrap(),
    }
}

fn policy(name: &str, entries: &[&str]) -> Policy {
    let entries: Vec<Entry> = entries.iter().map(|text| entry(text)).collect();
    Policy::new(origin(name), entries).unwrap()
}

fn unreadable(name: &str) -> Unreadable {
    Unreadable {
        origin: origin(name),
        reason: "line 3: unknown field `polcy`".into(),
    }
}

fn reference(text: &str) -> Reference {
    Reference::parse(&text.replace("@D", &format!("@{DIGEST}"))).unwrap()
}

/// The patterns that apply, with a `?` behind each if the tag is to be proven; or why none does.
fn resolved(policies: &Policies, namespace: &str, image: &str) -> Vec<String> {
    match policies.resolve(namespace, &reference(image)) {
        Resolution::NoPolicies => vec!["no policies".to_owned()],
        Resolution::Unreadable(unreadable) => unreadable
            .iter()
            .map(|one| format!("cannot read {}", one.origin))
            .collect(),
        Resolution::NoMatch => vec!["no match".to_owned()],
        Resolution::Matched(matched) => {
            let mark = if matched.needs_tag_binding() { "?" } else { "" };
            matched
                .iter()
                .map(|applied| format!("{}: {}{mark}", applied.origin, written(applied.entry)))
                .collect()
        }
    }
}

fn written(entry: &Entry) -> String {
    entry.pattern.as_written().replace(DIGEST, "D")
}

#[test]
fn without_any_policy_there_is_no_answer_to_give() {
    let policies = Policies::compile(Vec::<Policy>::new(), []);
    assert_eq!(resolved(&policies, "team", "nginx"), ["no policies"]);
}

#[test]
fn a_namespace_with_a_policy_of_its_own_is_not_under_those_of_the_cluster() {
    let policies = Policies::compile(
        [
            policy("cluster/default", &["*"]),
            policy("cluster/extra", &["icr.io/*"]),
            policy("team/web", &["icr.io/team/*"]),
            policy("other/web", &[]),
        ],
        [],
    );
    for (namespace, image, expected) in [
        (
            "team",
            "icr.io/team/app",
            "ImagePolicy team/web: icr.io/team/*",
        ),
        ("team", "icr.io/other/app", "no match"),
        ("team", "nginx", "no match"),
        ("other", "nginx", "no match"),
        (
            "third",
            "icr.io/team/app",
            "ClusterImagePolicy extra: icr.io/*",
        ),
        ("third", "nginx", "ClusterImagePolicy default: *"),
    ] {
        assert_eq!(
            resolved(&policies, namespace, image),
            [expected],
            "{namespace} {image}"
        );
    }
}

#[test]
fn no_cluster_policy_and_none_in_the_namespace_is_no_policy() {
    let policies = Policies::compile([policy("team/web", &["*"])], []);
    assert_eq!(resolved(&policies, "other", "nginx"), ["no policies"]);
}

#[test]
fn an_empty_list_matches_nothing() {
    let policies = Policies::compile([policy("cluster/default", &[])], []);
    assert_eq!(resolved(&policies, "team", "nginx"), ["no match"]);
}

#[test]
fn policies_of_one_scope_are_merged_across_both_groups() {
    let successor = Origin::namespaced(ApiGroup::PortierisV1, "team", "web").unwrap();
    let policies = Policies::compile(
        [
            policy("team/web", &["icr.io/*"]),
            Policy::new(successor, [entry("quay.io/*")]).unwrap(),
        ],
        [],
    );
    assert_eq!(
        resolved(&policies, "team", "icr.io/a"),
        ["ImagePolicy team/web: icr.io/*"]
    );
    assert_eq!(
        resolved(&policies, "team", "quay.io/a"),
        ["ImagePolicy team/web (portieris.cloud.ibm.com): quay.io/*"]
    );
    let in_force = policies.policies("team").iter();
    let origins: Vec<String> = in_force.map(|policy| policy.origin().to_string()).collect();
    assert_eq!(
        origins,
        [
            "ImagePolicy team/web",
            "ImagePolicy team/web (portieris.cloud.ibm.com)"
        ]
    );
}

#[test]
fn the_most_specific_entry_wins() {
    let policies = Policies::compile(
        [policy(
            "team/web",
            &[
                "*",
                "*.io/*",
                "docker.io/*",
                "nginx*",
                "nginx",
                "nginx:1.*",
                "nginx:1.27",
                "icr.io/*",
                "icr.io/*/app",
                "icr.io/team/*",
                "icr.io/team/app",
                "registry*.example.com/*",
                "*.example.com/team/*",
            ],
        )],
        [],
    );
    for (image, expected) in [
        ("localhost:5000/a", "*"),
        ("quay.io/a", "*.io/*"),
        ("redis", "docker.io/*"),
        ("nginx-unprivileged", "nginx*"),
        ("nginx:2", "nginx"),
        ("nginx:1.26", "nginx:1.*"),
        ("index.docker.io/library/nginx:1.27", "nginx:1.27"),
        ("icr.io/a", "icr.io/*"),
        ("icr.io/a/b/app", "icr.io/*/app"),
        ("icr.io/team/other", "icr.io/team/*"),
        ("icr.io/team/app:7", "icr.io/team/app"),
        ("registry1.example.com/a", "registry*.example.com/*"),
        ("eu.example.com/team/a", "*.example.com/team/*"),
        ("eu.example.com/a", "*"),
    ] {
        let expected = format!("ImagePolicy team/web: {expected}");
        assert_eq!(resolved(&policies, "team", image), [expected], "{image}");
    }
}

#[test]
fn all_entries_that_tie_apply_whatever_the_order() {
    let web = policy("team/web", &["nginx", "icr.io/a*b", "*"]);
    let more = policy(
        "team/more",
        &[
            "docker.io/library/nginx trust",
            "icr.io/*ab",
            "*",
            "* trust",
        ],
    );
    for policies in [[web.clone(), more.clone()], [more, web]] {
        let policies = Policies::compile(policies, []);
        assert_eq!(
            resolved(&policies, "team", "nginx"),
            [
                "ImagePolicy team/more: docker.io/library/nginx",
                "ImagePolicy team/web: nginx"
            ]
        );
        assert_eq!(
            resolved(&policies, "team", "icr.io/aab"),
            [
                "ImagePolicy team/more: icr.io/*ab",
                "ImagePolicy team/web: icr.io/a*b"
            ]
        );
        assert_eq!(
            resolved(&policies, "team", "quay.io/a"),
            [
                "ImagePolicy team/more: *",
                "ImagePolicy team/more: *",
                "ImagePolicy team/web: *"
            ]
        );
    }
}

#[test]
fn an_image_is_unverified_only_if_no_entry_that_ties_requires_anything() {
    let policies = Policies::compile(
        [
            policy("team/a", &["nginx", "redis", "busybox trust"]),
            policy("team/b", &["nginx trust", "redis"]),
        ],
        [],
    );
    for (image, expected) in [("nginx", false), ("redis", true), ("busybox", false)] {
        let Resolution::Matched(matched) = policies.resolve("team", &reference(image)) else {
            panic!("{image} matches");
        };
        assert_eq!(matched.is_unverified(), expected, "{image}");
    }
}

#[test]
fn a_tag_vouches_for_a_digest_beside_it_only_where_that_is_going_to_be_proven() {
    let policies = Policies::compile(
        [policy(
            "team/web",
            &[
                "icr.io/a:v1",
                "icr.io/b:v1 trust",
                "icr.io/c:v1",
                "icr.io/c:v1 trust",
                "icr.io/d:v1",
                "icr.io/d",
                "icr.io/e@D",
            ],
        )],
        [],
    );
    for (image, expected) in [
        ("icr.io/a:v1", &["icr.io/a:v1"][..]),
        ("icr.io/a:v1@D", &[]),
        ("icr.io/a@D", &[]),
        ("icr.io/b:v1", &["icr.io/b:v1"]),
        ("icr.io/b:v1@D", &["icr.io/b:v1?"]),
        ("icr.io/b@D", &[]),
        ("icr.io/c:v1", &["icr.io/c:v1", "icr.io/c:v1"]),
        ("icr.io/c:v1@D", &["icr.io/c:v1?"]),
        ("icr.io/d:v1", &["icr.io/d:v1"]),
        ("icr.io/d:v1@D", &["icr.io/d"]),
        ("icr.io/e:v9@D", &["icr.io/e@D"]),
    ] {
        let expected: Vec<String> = match expected {
            [] => vec!["no match".to_owned()],
            some => some
                .iter()
                .map(|pattern| format!("ImagePolicy team/web: {pattern}"))
                .collect(),
        };
        assert_eq!(resolved(&policies, "team", image), expected, "{image}");
    }
}

#[test]
fn a_policy_that_cannot_be_read_denies_its_scope_and_no_other() {
    let policies = Policies::compile(
        [
            policy("cluster/default", &["*"]),
            policy("team/web", &["*"]),
            policy("other/web", &["*"]),
        ],
        [
            unreadable("team/more"),
            unreadable("fresh/only"),
            unreadable("team/less"),
        ],
    );
    for (namespace, expected) in [
        (
            "team",
            &[
                "cannot read ImagePolicy team/less",
                "cannot read ImagePolicy team/more",
            ][..],
        ),
        ("fresh", &["cannot read ImagePolicy fresh/only"]),
        ("other", &["ImagePolicy other/web: *"]),
        ("third", &["ClusterImagePolicy default: *"]),
    ] {
        assert_eq!(
            resolved(&policies, namespace, "nginx"),
            expected,
            "{namespace}"
        );
    }
}

#[test]
fn a_cluster_policy_that_cannot_be_read_denies_every_namespace_without_its_own() {
    let policies = Policies::compile(
        [
            policy("cluster/default", &["*"]),
            policy("team/web", &["*"]),
        ],
        [unreadable("cluster/broken")],
    );
    assert_eq!(
        resolved(&policies, "team", "nginx"),
        ["ImagePolicy team/web: *"]
    );
    assert_eq!(
        resolved(&policies, "other", "nginx"),
        ["cannot read ClusterImagePolicy broken"]
    );
}

#[test]
fn a_policy_that_was_refused_is_unreadable_by_name() {
    let text = "apiVersion: portieris.cloud.ibm.com/v1\nkind: ImagePolicy\nmetadata: {name: web}\nspec: {repos: []}";
    let refused = Unreadable::of(&from_yaml(text, "team").unwrap_err()).unwrap();
    assert_eq!(
        refused.origin,
        Origin::namespaced(ApiGroup::PortierisV1, "team", "web").unwrap()
    );
    assert_eq!(
        &*refused.reason,
        "spec.repos: unknown field `repos`, expected one of repositories (line 4, column 8)"
    );
    assert_eq!(Unreadable::of(&from_yaml("", "team").unwrap_err()), None);
}

#[test]
fn a_namespace_is_open_if_its_own_policies_admit_every_image_unverified() {
    for (entries, open) in [
        (&["*"][..], true),
        (&["*", "icr.io/team/*"], true),
        (&["*", "icr.io/team/*", "quay.io/a:1.*"], true),
        (&["*", "*"], true),
        (&["*", "* trust"], false),
        (&["*", "icr.io/team/* trust"], false),
        (&["icr.io/*", "docker.io/*"], false),
        (&[], false),
    ] {
        let own = Policies::compile([policy("cluster/c", &["*"]), policy("team/a", entries)], []);
        let expected: &[&str] = if open { &["team"] } else { &[] };
        assert_eq!(
            own.open_namespaces().collect::<Vec<_>>(),
            expected,
            "{entries:?}"
        );
    }
    let several = [
        policy("a/1", &["*"]),
        policy("a/2", &["icr.io/* trust"]),
        policy("b/1", &["*"]),
    ];
    let unread = Policies::compile(several, [unreadable("c/1")]);
    assert_eq!(unread.open_namespaces().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn every_spelling_of_one_image_gets_one_answer() {
    let spellings = [
        "nginx",
        "library/nginx",
        "docker.io/nginx",
        "index.docker.io/library/nginx",
        "registry-1.docker.io/nginx:latest",
        "DOCKER.io:443/library/nginx",
    ];
    for pattern in spellings {
        let policies = Policies::compile([policy("team/web", &[pattern, "icr.io/*"])], []);
        for image in spellings {
            let expected = format!("ImagePolicy team/web: {pattern}");
            assert_eq!(resolved(&policies, "team", image), [expected], "{image}");
        }
    }
    let policies = Policies::compile([policy("team/web", &["icr.io/*"])], []);
    for image in spellings {
        assert_eq!(resolved(&policies, "team", image), ["no match"], "{image}");
    }
}

#[test]
fn a_host_of_one_label_is_found_at_the_port_of_https() {
    let policies = Policies::compile([policy("team/web", &["*y:443/a", "*x:443/a"])], []);
    for (image, expected) in [
        ("registry:443/a", "ImagePolicy team/web: *y:443/a"),
        ("registry.company/a", "ImagePolicy team/web: *y:443/a"),
        ("registry:5000/a", "no match"),
    ] {
        assert_eq!(resolved(&policies, "team", image), [expected], "{image}");
    }
}

#[test]
fn entries_are_numbered_without_gaps() {
    let policies = Policies::compile(
        [
            policy("team/web", &["a", "b"]),
            policy("cluster/default", &["c"]),
        ],
        [unreadable("other/web")],
    );
    let numbered: Vec<(usize, &str)> = policies
        .entries()
        .map(|applied| (applied.id.index(), applied.entry.pattern.as_written()))
        .collect();
    assert_eq!(numbered, [(0, "c"), (1, "a"), (2, "b")]);
    let Resolution::Matched(matched) = policies.resolve("team", &reference("b")) else {
        panic!("b matches");
    };
    assert_eq!(
        matched
            .iter()
            .map(|applied| applied.id.index())
            .collect::<Vec<_>>(),
        [2]
    );
}

#[test]
fn only_scopes_whose_policies_have_changed_are_compiled_again() {
    let [kept, changed, cluster] = [
        policy("team/kept", &["icr.io/kept/*"]),
        policy("other/changed", &["icr.io/before/*"]),
        policy("cluster/default", &["icr.io/*"]),
    ]
    .map(Arc::new);
    let before = Policies::compile([&kept, &changed, &cluster].map(Arc::clone), []);
    let new = Arc::new(policy("other/changed", &["a", "icr.io/after/*"]));
    let after = before.renewed(
        [Arc::clone(&kept), Arc::clone(&new)],
        [unreadable("cluster/b")],
    );
    let compiled = |policies: &Policies, namespace: &str| {
        let Some(InForce::Readable(scope)) = policies.namespaces.get(namespace) else {
            panic!("no policy in {namespace}");
        };
        Arc::clone(&policies.readable[*scope].compiled)
    };
    let is_shared =
        |namespace| Arc::ptr_eq(&compiled(&before, namespace), &compiled(&after, namespace));
    assert!(is_shared("team") && !is_shared("other"));
    for (namespace, image, expected) in [
        (
            "team",
            "icr.io/kept/a",
            "ImagePolicy team/kept: icr.io/kept/*",
        ),
        (
            "other",
            "icr.io/after/a",
            "ImagePolicy other/changed: icr.io/after/*",
        ),
        ("other", "icr.io/before/a", "no match"),
        ("any", "icr.io/a", "cannot read ClusterImagePolicy b"),
    ] {
        assert_eq!(resolved(&after, namespace, image), [expected], "{image}");
    }
    let numbers: Vec<usize> = after.entries().map(|applied| applied.id.index()).collect();
    assert_eq!(numbers, [0, 1, 2]);
    let again = after.renewed([&changed, &kept].map(Arc::clone), []);
    assert_eq!(
        resolved(&again, "other", "icr.io/before/a"),
        ["ImagePolicy other/changed: icr.io/before/*"]
    );
    assert_eq!(resolved(&again, "any", "icr.io/a"), ["no policies"]);
}

#[test]
fn a_requirement_whose_content_is_opaque_is_a_requirement() {
    let opaque = |text: &str| Some(serde_json::from_str::<Opaque>(text).unwrap());
    for requirements in [
        Requirements {
            simple: opaque("{}"),
            ..Requirements::default()
        },
        Requirements {
            cosign: opaque("[]"),
            ..Requirements::default()
        },
        Requirements {
            notation: opaque("{}"),
            ..Requirements::default()
        },
    ] {
        assert!(!requirements.is_empty(), "{requirements:?}");
    }
    assert!(Requirements::default().is_empty());
}

/// All entries looked at, one after another: the definition.
fn naive(
    policies: &Policies,
    namespace: &str,
    reference: &Reference,
) -> Option<(Vec<usize>, bool)> {
    let in_force = policies.policies(namespace).iter();
    let origins: Vec<&Origin> = in_force.map(|policy| policy.origin()).collect();
    let matching: Vec<_> = policies
        .entries()
        .filter(|applied| origins.contains(&applied.origin))
        .map(|applied| (applied, applied.entry.matches(reference)))
        .filter(|(_, found)| *found != PatternMatch::No)
        .collect();
    let best = matching
        .iter()
        .map(|(applied, _)| applied.entry.pattern.specificity())
        .max()?;
    let tied = matching
        .iter()
        .filter(|(applied, _)| applied.entry.pattern.specificity() == best);
    let numbers = tied
        .clone()
        .map(|(applied, _)| applied.id.index())
        .collect();
    let by_tag = tied
        .clone()
        .any(|(_, found)| *found == PatternMatch::YesIfTagBound);
    Some((numbers, by_tag))
}

fn found(
    policies: &Policies,
    namespace: &str,
    reference: &Reference,
) -> Option<(Vec<usize>, bool)> {
    match policies.resolve(namespace, reference) {
        Resolution::Matched(matched) => Some((
            matched.iter().map(|applied| applied.id.index()).collect(),
            matched.needs_tag_binding(),
        )),
        _ => None,
    }
}

prop_compose! {
    /// Entries from a small alphabet, so that they overlap and tie.
    fn some_entry()(
        host in "([*]?[ab][*]?[.]?[*]?c[*]?(:443)?/|localhost:5000/|docker[.]io/|[*]/)?",
        path in "([ab*]/)?[ab*]{1,4}",
        tag in "(:[1*]{1,2})?(@D)?",
        required in prop::bool::ANY,
    ) -> String {
        format!("{host}{path}{tag}{}", if required { " trust" } else { "" })
    }
}

prop_compose! {
    fn some_image()(
        host in "((a|b)?[.]?[ab]?c[.]c(:443)?/|localhost:5000/|docker[.]io/)?",
        path in "([ab]/)?[ab]{1,4}",
        tag in "(:1{1,2})?(@D)?",
    ) -> String {
        format!("{host}{path}{tag}")
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_looking_at_every_entry_finds(
        cluster in vec(some_entry(), 0..40),
        team in vec(some_entry(), 0..40),
        images in vec(some_image(), 1..20),
    ) {
        let entries = |texts: &[String]| -> Vec<Entry> {
            let parses = |text: &&String| {
                let name = text.split(' ').next().unwrap_or_default();
                Pattern::parse(&name.replace("@D", &format!("@{DIGEST}"))).is_ok()
            };
            texts.iter().filter(parses).map(|text| entry(text)).collect()
        };
        let policies = Policies::compile(
            [
                Policy::new(origin("cluster/default"), entries(&cluster)).unwrap(),
                Policy::new(origin("team/web"), entries(&team)).unwrap(),
            ],
            [],
        );
        for image in images {
            let Ok(image) = Reference::parse(&image.replace("@D", &format!("@{DIGEST}"))) else {
                continue;
            };
            for namespace in ["team", "other"] {
                prop_assert_eq!(
                    found(&policies, namespace, &image),
                    naive(&policies, namespace, &image),
                    "{} in {}", image, namespace
                );
            }
        }
    }
}
