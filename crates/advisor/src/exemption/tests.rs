use cise_policy::Namespace;
use cise_reference::{Digest, Host, Reference};
use jiff::Timestamp;
use proptest::prelude::*;
use schemars::generate::SchemaSettings;

use super::*;

const CLUSTER: &str = r#"
apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1
kind: ClusterImageExemption
metadata:
  name: openssl
  labels: {team: web}
spec:
  issueType: cve
  issueID: CVE-2024-5535
  images: ["icr.io/team/*"]
  reason: "the client side is not used"
  owner: web@example.com
  expires: 2026-12-31
"#;

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn exemption(kind: &str, issue: (&str, &str), images: &str, more: &str) -> Exemption {
    let (issue_type, id) = issue;
    let document = format!(
        "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: {kind}\nmetadata: {{name: one}}\nspec: \
         {{issueType: {issue_type}, issueID: '{id}', images: {images}{more}}}"
    );
    from_yaml(&document, "team").unwrap()
}

fn subject(image: &str, tag: TagBinding, namespace: Option<&str>) -> Subject {
    let digest = Digest::parse(&format!("sha256:{HEX}")).unwrap();
    let subject = Subject::new(&Reference::parse(image).unwrap(), &digest, tag).unwrap();
    match namespace {
        Some(namespace) => subject.in_namespace(Namespace::parse(namespace).unwrap()),
        None => subject,
    }
}

#[test]
fn a_document_says_which_issue_of_which_images_and_until_when() {
    let exemption = from_yaml(CLUSTER, "team").unwrap();
    assert_eq!(
        exemption.origin().to_string(),
        "ClusterImageExemption openssl"
    );
    let spec = exemption.spec();
    assert_eq!(spec.issue_type, IssueType::Cve);
    assert_eq!(spec.issue_id.as_str(), "CVE-2024-5535");
    assert_eq!(spec.images[0].as_written(), "icr.io/team/*");
    assert_eq!(spec.owner.as_deref(), Some("web@example.com"));
    assert_eq!(
        spec.expires.as_ref().unwrap().at(),
        time("2027-01-01T00:00:00Z")
    );
}

#[test]
fn what_is_written_can_be_read_again() {
    let of_all = from_yaml(CLUSTER, "team").unwrap();
    let of_team = exemption("ImageExemption", ("sn", "DSA-5532-1"), "[nginx, '*']", "");
    for exemption in [of_all, of_team] {
        let document = serde_json::to_value(&exemption).unwrap();
        assert_eq!(from_value(&document, "other").unwrap(), exemption);
        let bytes = serde_json::to_vec(&exemption).unwrap();
        assert_eq!(from_json(&bytes, "other").unwrap(), exemption);
    }
}

#[test]
fn a_namespaced_one_is_in_its_own_or_in_the_default_namespace() {
    let with = |metadata: &str| {
        let document = CLUSTER
            .replace("ClusterImageExemption", "ImageExemption")
            .replace("  name: openssl", metadata);
        from_yaml(&document, "team").unwrap().origin().to_string()
    };
    assert_eq!(with("  name: openssl"), "ImageExemption team/openssl");
    assert_eq!(
        with("  name: openssl\n  namespace: web"),
        "ImageExemption web/openssl"
    );
}

#[test]
fn what_cannot_hold_is_refused_by_name() {
    for (written, instead, said) in [
        ("issueID:", "issueId:", "unknown field `issueId`"),
        (
            "  owner:",
            "  until: 2026-01-01\n  owner:",
            "unknown field `until`",
        ),
        ("spec:", "status: {}\nspec:", "unknown field `status`"),
        ("issueType: cve", "issueType: vex", "unknown variant `vex`"),
        ("v1beta1", "v1", "unknown variant"),
        (
            "ClusterImageExemption",
            "ClusterImagePolicy",
            "unknown variant",
        ),
        (
            "CVE-2024-5535",
            "dsa-5532-1",
            "spec.issueID: `dsa-5532-1` is no id of type cve",
        ),
        (
            "CVE-2024-5535",
            "DSA-5532-1",
            "spec.issueID: `DSA-5532-1` is no id of type cve",
        ),
        ("CVE-2024-5535", "'CVE 2024'", "is no id of an issue"),
        ("CVE-2024-5535", "''", "is no id of an issue"),
        (
            "issueType: cve",
            "issueType: sn\n  issueType: cve",
            "duplicate field `issueType`",
        ),
        (
            "[\"icr.io/team/*\"]",
            "[]",
            "spec.images: no image is named",
        ),
        ("images: [\"icr.io/team/*\"]", "", "missing field `images`"),
        ("icr.io/team/*", "icr.io/team app", "spec.images[0]"),
        ("2026-12-31", "2026-02-30", "is no end"),
        ("2026-12-31", "next week", "is no end"),
        ("name: openssl", "name: Openssl", "is no name of an object"),
        (
            "name: openssl",
            "name: openssl\n  namespace: web",
            "names the namespace `web`",
        ),
        (
            "issueType: cve\n  issueID: CVE-2024-5535",
            "issueType: sn\n  issueID: usn-7012",
            "`usn-7012` names no notice: expected its revision behind the number, as in `usn-7012-1`",
        ),
    ] {
        let document = CLUSTER.replacen(written, instead, 1);
        assert_ne!(document, CLUSTER, "{written}");
        let error = from_yaml(&document, "team").unwrap_err().to_string();
        assert!(error.contains(said), "{instead}: {error}");
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let long = |what: &str, limit: usize| {
        let at_the_limit = format!("{what}: {}", "é".repeat(limit));
        let beyond = format!("{at_the_limit}é");
        let read = |text: &str| {
            let without = CLUSTER
                .lines()
                .filter(|line| !line.trim_start().starts_with(what));
            let document = without.collect::<Vec<_>>().join("\n") + "\n  " + text;
            from_yaml(&document, "team")
        };
        assert!(read(&at_the_limit).is_ok(), "{what}");
        assert!(read(&beyond).is_err(), "{what}");
    };
    long("reason", MAX_REASON);
    long("owner", MAX_OWNER);
    let images = |count: usize| {
        let patterns = vec!["\"a/b\""; count].join(",");
        from_yaml(&CLUSTER.replace("\"icr.io/team/*\"", &patterns), "team")
    };
    assert!(images(MAX_IMAGES).is_ok());
    assert!(images(MAX_IMAGES + 1).is_err());
    assert!(from_yaml(&" ".repeat(cise_policy::MAX_DOCUMENT_BYTES + 1), "team").is_err());
}

#[test]
fn a_date_ends_with_its_day_and_a_time_to_the_second() {
    for (written, last, first_after) in [
        (
            "2026-12-31",
            "2026-12-31T23:59:59.999Z",
            "2027-01-01T00:00:00Z",
        ),
        ("2028-02-28", "2028-02-28T23:59:59Z", "2028-02-29T00:00:00Z"),
        (
            "2026-12-31T18:00:00Z",
            "2026-12-31T17:59:59Z",
            "2026-12-31T18:00:00Z",
        ),
        (
            "2026-12-31T18:00:00+02:00",
            "2026-12-31T15:59:59Z",
            "2026-12-31T16:00:00Z",
        ),
    ] {
        let one = exemption(
            "ClusterImageExemption",
            ("cve", "CVE-2024-1"),
            "['*']",
            &format!(", expires: '{written}'"),
        );
        assert!(!one.is_over(time(last)), "{written}");
        assert!(one.is_over(time(first_after)), "{written}");
    }
    let endless = exemption("ClusterImageExemption", ("cve", "CVE-2024-1"), "['*']", "");
    assert!(!endless.is_over(Timestamp::MAX));
}

#[test]
fn a_namespaced_one_covers_the_pods_of_its_namespace_only() {
    let of_team = exemption("ImageExemption", ("cve", "CVE-2024-1"), "['*']", "");
    let of_all = exemption("ClusterImageExemption", ("cve", "CVE-2024-1"), "['*']", "");
    for (namespace, team_covers) in [(Some("team"), true), (Some("web"), false), (None, false)] {
        let subject = subject("nginx", TagBinding::Proven, namespace);
        assert_eq!(of_team.covers(&subject), team_covers, "{namespace:?}");
        assert!(of_all.covers(&subject), "{namespace:?}");
    }
}

#[test]
fn images_are_matched_as_in_policies_and_a_tag_only_if_it_is_bound() {
    use TagBinding::{Proven, Unproven};
    let digest = format!("icr.io/team/app@sha256:{HEX}");
    let other_digest = format!("icr.io/team/app@sha256:{}", HEX.replace('0', "1"));
    for (pattern, image, tag, covers) in [
        ("*", "nginx", Unproven, true),
        ("nginx", "docker.io/library/nginx:1", Unproven, true),
        ("icr.io/team/*", "icr.io/team/a/b:1", Unproven, true),
        ("icr.io/team/*", "icr.io/teams/a:1", Unproven, false),
        ("icr.io/team/app:1", "icr.io/team/app:1", Proven, true),
        ("icr.io/team/app:1", "icr.io/team/app:1", Unproven, false),
        ("icr.io/team/app:1", "icr.io/team/app:2", Proven, false),
        ("icr.io/team/app:1", &*digest, Proven, false),
        (&*digest, "icr.io/team/app:1", Unproven, true),
        (&*digest, &*digest, Unproven, true),
        (&*other_digest, "icr.io/team/app:1", Proven, false),
    ] {
        let one = exemption(
            "ClusterImageExemption",
            ("cve", "CVE-2024-1"),
            &format!("['{pattern}']"),
            "",
        );
        let subject = subject(image, tag, None);
        assert_eq!(one.covers(&subject), covers, "{pattern} of {image} {tag:?}");
    }
}

#[test]
fn types_have_ids_of_their_own() {
    let exemptions = Exemptions::compile([
        exemption("ClusterImageExemption", ("cve", "CVE-2024-1"), "['*']", ""),
        exemption("ClusterImageExemption", ("sn", "DSA-5532-1"), "['*']", ""),
        exemption(
            "ClusterImageExemption",
            ("configuration", "application_configuration:mysql.ssl-ca"),
            "['*']",
            "",
        ),
    ]);
    let subject = subject("nginx", TagBinding::Unproven, None);
    let applicable = exemptions.applying_to(&subject, time("2026-01-01T00:00:00Z"));
    for (issue_type, id, found) in [
        (IssueType::Cve, "CVE-2024-1", true),
        (IssueType::Cve, "CVE-2024-10", false),
        (IssueType::Cve, "DSA-5532-1", false),
        (IssueType::Sn, "DSA-5532-1", true),
        (IssueType::Sn, "CVE-2024-1", false),
        (
            IssueType::Configuration,
            "application_configuration:mysql.ssl-ca",
            true,
        ),
        (
            IssueType::Configuration,
            "application_configuration:MYSQL.ssl-ca",
            false,
        ),
    ] {
        assert_eq!(
            applicable.find(issue_type, id).is_some(),
            found,
            "{issue_type} {id}"
        );
    }
}

#[test]
fn vulnerabilities_and_notices_are_found_in_whatever_case_they_are_written() {
    for (issue_type, written, asked) in [
        ("cve", "cve-2024-5535", "CVE-2024-5535"),
        ("cve", "Ghsa-4374-P667-p6c8", "GHSA-4374-p667-p6c8"),
        ("sn", "dsa-5532-1", "DSA-5532-1"),
        ("sn", "OPENSUSE-SU-2024:1-1", "openSUSE-SU-2024:1-1"),
    ] {
        let one = exemption("ClusterImageExemption", (issue_type, written), "['*']", "");
        let (issue_type, spec) = (one.spec().issue_type, one.spec());
        assert!(spec.is_about(issue_type, asked), "{written}");
        assert_eq!(spec.issue_id.as_str(), written);
        let exemptions = Exemptions::compile([one]);
        let subject = subject("nginx", TagBinding::Unproven, None);
        let applicable = exemptions.applying_to(&subject, time("2026-01-01T00:00:00Z"));
        assert!(applicable.find(issue_type, asked).is_some(), "{written}");
    }
}

#[test]
fn of_several_the_longest_that_still_holds_is_named() {
    let named = |name: &str, more: &str| {
        let document = CLUSTER
            .replace("name: openssl", &format!("name: {name}"))
            .replace("expires: 2026-12-31", more);
        from_yaml(&document, "team").unwrap()
    };
    let exemptions = Exemptions::compile([
        named("short", "expires: 2026-01-31"),
        named("long", "expires: 2026-06-30"),
        named("elsewhere", "").of_other_images(),
    ]);
    let subject = subject("icr.io/team/app", TagBinding::Unproven, None);
    for (now, name) in [
        ("2026-01-01T00:00:00Z", Some("long")),
        ("2026-03-01T00:00:00Z", Some("long")),
        ("2026-07-01T00:00:00Z", None),
    ] {
        let found = exemptions
            .applying_to(&subject, time(now))
            .find(IssueType::Cve, "CVE-2024-5535");
        assert_eq!(found.map(|one| one.origin().name()), name, "{now}");
    }
}

impl Exemption {
    fn of_other_images(mut self) -> Self {
        self.spec.images = vec![cise_policy::Pattern::parse("icr.io/other/*").unwrap()];
        self
    }
}

#[test]
fn a_scope_of_the_command_line_becomes_patterns() {
    let registry = Host::parse("icr.io").unwrap();
    let digest = format!("ns/repo@sha256:{HEX}");
    for (scope, patterns) in [
        ("*", vec!["*".to_owned()]),
        ("ns", vec!["icr.io/ns".into(), "icr.io/ns/*".into()]),
        ("ns/repo", vec!["icr.io/ns/repo".into()]),
        ("ns/repo:tag", vec!["icr.io/ns/repo:tag".into()]),
        (&*digest, vec![format!("icr.io/{digest}")]),
        (
            "us.icr.io/ns",
            vec!["us.icr.io/ns".into(), "us.icr.io/ns/*".into()],
        ),
        (
            "localhost:5000/ns/repo",
            vec!["localhost:5000/ns/repo".into()],
        ),
    ] {
        let found = images_of_scope(&registry, scope).unwrap();
        let written: Vec<_> = found.iter().map(cise_policy::Pattern::as_written).collect();
        assert_eq!(written, patterns, "{scope}");
    }
    assert!(images_of_scope(&registry, "Not An Image").is_err());
}

#[test]
fn the_schema_of_the_resources_is_as_documented() {
    let settings = SchemaSettings::openapi3().with(|settings| settings.inline_subschemas = true);
    let schema = settings
        .into_generator()
        .into_root_schema_for::<ExemptionSpec>()
        .to_value();
    insta::assert_json_snapshot!(schema);
}

proptest! {
    #[test]
    fn any_text_is_an_end_that_reads_again_or_none(text in "[0-9TZ:+.é-]{0,42}") {
        if let Ok(expiry) = Expiry::parse(&text) {
            prop_assert_eq!(expiry.to_string(), text);
        }
    }

    #[test]
    fn any_document_is_an_exemption_or_an_error_of_one_line(spec in "[ -~\\n]{0,200}") {
        let document = CLUSTER.replace("  issueType: cve\n", &format!("  {spec}\n"));
        if let Err(error) = from_yaml(&document, "team") {
            prop_assert!(!error.to_string().contains('\n'), "{}", error);
        }
    }
}
