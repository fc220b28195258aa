use super::*;
use crate::{Policies, from_yaml};

fn policy(kind: &str, name: &str, repositories: &str) -> Policy {
    let text = format!(
        "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{repositories: [{repositories}]}}"
    );
    from_yaml(&text, "team").unwrap_or_else(|error| panic!("{error}"))
}

/// What is remarkable in a policy `new` of a namespace beside these.
fn lints(repositories: &str, others: &[Policy]) -> Vec<String> {
    let others = Policies::compile(others.iter().cloned(), []);
    let policy = policy("ImagePolicy", "new", repositories);
    let lints = lint(&policy, others.entries());
    lints.iter().map(told).collect()
}

fn told(lint: &Lint<'_>) -> String {
    let written = |entry: &Entry| entry.pattern.as_written().to_owned();
    let placed = |place: &Place<'_>| format!("{} of {}", written(place.entry), place.origin);
    match lint {
        Lint::Tie { entry, other } => format!("{} ties with {}", written(entry), placed(other)),
        Lint::Shadowed { entry, by } => format!("{} gives way to {}", written(entry), placed(by)),
        Lint::LooksLikeHost { entry } => format!("{} looks like a host", written(entry)),
        Lint::VerifiedTagNotPinned { entry } => format!("{} is not pinned", written(entry)),
        Lint::AccountNamed { entry } => format!("{} names an account", written(entry)),
    }
}

const NONE: [&str; 0] = [];
const TRUST: &str = "policy: {trust: {enabled: true}}";
const ADVISOR: &str = "policy: {va: {enabled: true}}";

#[test]
fn an_entry_ties_with_one_of_the_same_pattern_that_requires_something_else() {
    let strict = |name| policy("ImagePolicy", name, &format!("{{name: 'nginx*', {TRUST}}}"));
    let tie = ["docker.io/library/nginx* ties with nginx* of ImagePolicy team/a"];
    for (entry, expected) in [
        ("{name: 'docker.io/library/nginx*'}", &tie[..]),
        (
            &format!("{{name: 'docker.io/library/nginx*', {ADVISOR}}}"),
            &tie,
        ),
        (
            &format!("{{name: 'docker.io/library/nginx*', {TRUST}}}"),
            &NONE,
        ),
        ("{name: nginx}", &NONE),
    ] {
        assert_eq!(lints(entry, &[strict("a")]), expected, "{entry}");
        assert_eq!(lints(entry, &[strict("new")]), NONE, "its former state");
    }
    let lenient = [policy("ImagePolicy", "a", "{name: 'nginx*'}")];
    let entry = format!("{{name: 'nginx*', {TRUST}}}");
    assert_eq!(
        lints(&entry, &lenient),
        ["nginx* ties with nginx* of ImagePolicy team/a"]
    );
}

#[test]
fn an_entry_ties_with_one_that_insists_where_it_does_not() {
    let others = [policy(
        "ImagePolicy",
        "a",
        &format!("{{name: '*', {TRUST}}}"),
    )];
    let entry = "{name: '*', policy: {mode: audit, trust: {enabled: true}}}";
    assert_eq!(
        lints(entry, &others),
        ["* ties with * of ImagePolicy team/a"]
    );
}

#[test]
fn of_several_the_stricter_one_is_named() {
    let others = [
        policy("ImagePolicy", "a", "{name: '*'}"),
        policy("ImagePolicy", "b", &format!("{{name: '*', {ADVISOR}}}")),
    ];
    let entry = format!("{{name: '*', {TRUST}}}");
    assert_eq!(
        lints(&entry, &others),
        ["* ties with * of ImagePolicy team/b"]
    );
}

#[test]
fn entries_of_one_policy_tie_too() {
    let entries = format!("{{name: '*', {TRUST}}}, {{name: '*', {ADVISOR}}}");
    let tie = "* ties with * of ImagePolicy team/new";
    assert_eq!(lints(&entries, &[]), [tie, tie]);
}

#[test]
fn policies_of_another_scope_do_not_count() {
    let strict = format!("{{name: '*', {TRUST}}}, {{name: 'icr.io/*'}}");
    let others = [policy("ClusterImagePolicy", "a", &strict)];
    assert_eq!(lints("{name: '*'}", &others), NONE);
    assert_eq!(lints(&format!("{{name: '*', {ADVISOR}}}"), &others), NONE);
}

#[test]
fn an_entry_gives_way_to_a_more_specific_one_of_another_policy_that_requires_less() {
    let entry = format!("{{name: 'icr.io/team/*', {TRUST}}}");
    let beside = |other: &str| lints(&entry, &[policy("ImagePolicy", "a", other)]);
    for other in [
        "{name: 'icr.io/team/app*'}",
        "{name: 'icr.io/team/app:1.2'}",
        "{name: 'icr.io/team/app', policy: {va: {enabled: true}}}",
        "{name: 'icr.io/team/app', policy: {mode: warn, trust: {enabled: true}}}",
    ] {
        let found = beside(other).concat();
        assert!(
            found.starts_with("icr.io/team/* gives way to icr.io/team/app"),
            "{other} {found}"
        );
    }
    for other in [
        "{name: 'icr.io/*'}",
        "{name: 'icr.io/other/*'}",
        "{name: 'icr.io/te*/app'}",
        "{name: '*'}",
        "{name: 'icr.io/team/app', policy: {trust: {enabled: true}, va: {enabled: true}}}",
    ] {
        assert_eq!(beside(other), NONE, "{other}");
    }
}

#[test]
fn exceptions_within_a_policy_are_no_surprise() {
    let entries = format!("{{name: 'icr.io/*', {TRUST}}}, {{name: 'icr.io/free/*'}}");
    assert_eq!(lints(&entries, &[]), NONE);
}

#[test]
fn a_host_alone_is_a_docker_hub_repository() {
    let entries = "{name: icr.io}, {name: 'localhost:5000'}, {name: icr.io/a}, {name: 'localhost:5000/a/*'}, \
                   {name: 'icr.io:443/a:1'}, {name: nginx}, {name: '*'}, {name: 'nginx:1.2'}";
    assert_eq!(
        lints(entries, &[]),
        [
            "icr.io looks like a host",
            "localhost:5000 looks like a host"
        ]
    );
}

#[test]
fn a_verified_tag_that_is_not_pinned_is_named() {
    let entries = "{name: a, policy: {mutateImage: false, trust: {enabled: true}}}, {name: b, policy: {mutateImage: false}}";
    assert_eq!(lints(entries, &[]), ["a is not pinned"]);
}

#[test]
fn an_account_whose_exemptions_are_not_read_is_named() {
    let text = "apiVersion: portieris.cloud.ibm.com/v1\nkind: ImagePolicy\nmetadata: {name: new}\nspec: {repositories: [\
        {name: a/b, policy: {vulnerability: {ICCRVA: {enabled: true, account: abc}}}}, \
        {name: a/c, policy: {vulnerability: {ICCRVA: {enabled: true}}}}]}";
    let policy = from_yaml(text, "team").unwrap();
    let told: Vec<String> = lint(&policy, []).iter().map(told).collect();
    assert_eq!(told, ["a/b names an account"]);
}

#[test]
fn a_great_many_entries_are_compared_in_bounded_time() {
    let many = |requires: &str| {
        let entry = |number| format!("{{name: 'icr.io/a{number}/*', {requires}}}");
        (0..2000).map(entry).collect::<Vec<_>>().join(", ")
    };
    let others = [policy("ImagePolicy", "a", &many(TRUST))];
    assert!(lints(&many(ADVISOR), &others).len() >= 2000);
}
