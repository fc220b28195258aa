//! What becomes of an image when those are heard whose word counts.

use cise_reference::{Digest, Reference};
use serde_json::{Value, json};

use super::super::*;
use super::fixture::*;
use crate::exemption::{Exemption, Exemptions, Subject, TagBinding};
use crate::inventory::{Inventories, Inventory};
use crate::report::text::{Detail, Sections, render};
use crate::report::{ImageReport, ScanReport};
use crate::vex::Testimony;
use crate::vex::tests::{
    document, image_url, manifest, root, statement, testimony, testimony_about, with,
};

/// Two vulnerabilities of openssl, which two packages have.
fn source() -> Source {
    let rated = |id: &str, vulnerability: &str| {
        rated(
            advisory(id, &[vulnerability], "openssl", "3.0.11-1"),
            "high",
        )
    };
    Source::of([
        rated("DSA-1-1", "CVE-2026-1"),
        rated("DSA-2-1", "CVE-2026-2"),
    ])
}

fn two_packages() -> Inventory {
    image([
        package("libssl3", "openssl", "3.0.9-1"),
        package("openssl", "openssl", "3.0.9-1"),
    ])
}

/// An image like another, for another platform and with another manifest.
fn on(architecture: &str, number: u8, inventory: &Inventory) -> Inventory {
    let mut other = inventory.clone();
    other.platform = platform(architecture);
    other.manifest = Digest::sha256([number; 32]);
    for package in &mut other.packages {
        package.architecture = architecture.into();
    }
    other
}

fn heard(inventories: &Inventories, testimony: &Testimony) -> Examination {
    let (rules, now) = (Rules::default(), time(NOW));
    let examined = examine(inventories, &source(), &rules, now);
    examined.heeding(testimony, &root(), inventories, now)
}

fn under(examination: &Examination, exempted: impl IntoIterator<Item = Exemption>) -> Assessment {
    let exemptions = Exemptions::compile(exempted);
    let reference = Reference::parse("icr.io/team/app:1").unwrap();
    let subject = Subject::new(&reference, &root(), TagBinding::Proven).unwrap();
    examination.under(exemptions.applying_to(&subject, time(NOW)))
}

fn assessed_with(inventories: &Inventories, statements: &[Value]) -> Assessment {
    under(&heard(inventories, &testimony(&[document(statements)])), [])
}

/// CVE-2026-1 or another in some package, by its URL.
fn of(vulnerability: &str, package: &str) -> Value {
    with(
        statement("not_affected"),
        json!({"vulnerability": {"name": vulnerability}, "products": [{"@id": package}]}),
    )
}

fn in_image(vulnerability: &str) -> Value {
    of(vulnerability, &image_url(&root()))
}

fn statuses(assessment: &Assessment) -> Vec<(&str, ExemptStatus)> {
    let issues = assessment.issues.iter();
    issues
        .map(|issue| (&*issue.id, issue.exempt_status()))
        .collect()
}

#[test]
fn an_image_whose_issues_are_all_forgiven_passes_with_a_warning() {
    let image = only(&two_packages());
    let assessment = assessed_with(&image, &[in_image("CVE-2026-1"), in_image("CVE-2026-2")]);
    assert_eq!(assessment.status, Status::Warn);
    assert_eq!(assessment.gate(&Rules::default()), Gate::Admit);
    let warnings: Vec<_> = assessment
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        warnings,
        [
            "issues of the image are exempted: 2",
            "issues of the image are forgiven by a VEX that is attached to it: 2",
        ]
    );
    assert!(assessment.vex.is_empty());
    assert!(fixes(assessment.active()).is_empty());
}

#[test]
fn what_is_forgiven_of_one_package_is_not_forgiven_of_another() {
    let image = only(&two_packages());
    let (library, program) = (
        "pkg:deb/debian/libssl3@3.0.9-1",
        "pkg:deb/debian/openssl@3.0.9-1",
    );
    let assessment = assessed_with(&image, &[of("CVE-2026-1", library), in_image("CVE-2026-2")]);
    assert_eq!(assessment.status, Status::Fail);
    let expected = [
        ("CVE-2026-1", ExemptStatus::Partial),
        ("CVE-2026-2", ExemptStatus::Exempt),
    ];
    assert_eq!(statuses(&assessment), expected);
    let to_fix: Vec<_> = fixes(assessment.active())
        .iter()
        .map(|fix| fix.package.name.clone())
        .collect();
    assert_eq!(to_fix, ["openssl".into()]);

    let both = [of("CVE-2026-1", library), of("CVE-2026-1", program)];
    let assessment = assessed_with(&image, &both);
    let expected = [
        ("CVE-2026-2", ExemptStatus::Active),
        ("CVE-2026-1", ExemptStatus::Exempt),
    ];
    assert_eq!(statuses(&assessment), expected);
}

#[test]
fn a_statement_counts_on_the_platforms_that_it_is_about() {
    let amd64 = two_packages();
    let arm64 = on("arm64", 2, &amd64);
    let image = all([amd64.clone(), arm64.clone()]);
    let both = |product: &str| [of("CVE-2026-1", product), of("CVE-2026-2", product)];
    let package = |arch: &str| format!("pkg:deb/debian/libssl3@3.0.9-1{arch}");
    let library = image_of(&image, "libssl3");
    for (inventories, product, here, there) in [
        (&image, image_url(&root()), Status::Warn, Status::Warn),
        (
            &image,
            image_url(&amd64.manifest),
            Status::Warn,
            Status::Fail,
        ),
        (
            &image,
            image_url(&arm64.manifest),
            Status::Fail,
            Status::Warn,
        ),
        (
            &image,
            format!("{}?arch=arm64", image_url(&root())),
            Status::Fail,
            Status::Warn,
        ),
        (&library, package(""), Status::Warn, Status::Warn),
        (&library, package("?arch=arm64"), Status::Fail, Status::Warn),
    ] {
        let assessment = assessed_with(inventories, &both(&product));
        let expected = [(platform("amd64"), here), (platform("arm64"), there)];
        assert_eq!(assessment.platforms, expected.into(), "{product}");
        assert_eq!(assessment.status, here.max(there), "{product}");
    }
}

/// The same images with one package each.
fn image_of(inventories: &Inventories, name: &str) -> Inventories {
    let mut narrowed = inventories.clone();
    for image in &mut narrowed.images {
        image.packages.retain(|package| *package.name == *name);
    }
    narrowed
}

#[test]
fn an_attestation_of_one_platforms_image_says_nothing_of_the_others() {
    let amd64 = two_packages();
    let image = all([amd64.clone(), on("arm64", 2, &amd64)]);
    let everywhere = document(&[in_image("CVE-2026-1"), in_image("CVE-2026-2")]);
    let testimony = testimony_about(&[manifest()], &[everywhere]);
    let assessment = under(&heard(&image, &testimony), []);
    let expected = [
        (platform("amd64"), Status::Warn),
        (platform("arm64"), Status::Fail),
    ];
    assert_eq!(assessment.platforms, expected.into());
}

#[test]
fn of_two_images_of_one_platform_both_have_to_be_forgiven() {
    let first = two_packages();
    let image = all([first.clone(), on("amd64", 2, &first)]);
    let forgiven = |products: &[&str]| {
        let products: Vec<_> = products
            .iter()
            .map(|product| json!({"@id": product}))
            .collect();
        let statements = ["CVE-2026-1", "CVE-2026-2"]
            .map(|name| with(in_image(name), json!({"products": products})));
        assessed_with(&image, &statements).status
    };
    let [one, other] = [1, 2].map(|number| image_url(&Digest::sha256([number; 32])));
    assert_eq!(forgiven(&[&one]), Status::Fail);
    assert_eq!(forgiven(&[&other]), Status::Fail);
    assert_eq!(forgiven(&[&one, &other]), Status::Warn);
}

#[test]
fn exemptions_and_statements_add_up() {
    let image = only(&two_packages());
    let library = of("CVE-2026-1", "pkg:deb/debian/libssl3@3.0.9-1");
    let examination = heard(&image, &testimony(&[document(&[library])]));
    for (exempted, status) in [
        (vec![], Status::Fail),
        (vec![("cve", "CVE-2026-2")], Status::Fail),
        (vec![("cve", "CVE-2026-1")], Status::Fail),
        (vec![("cve", "CVE-2026-1"), ("sn", "DSA-2-1")], Status::Warn),
    ] {
        let exemptions = exempted.iter().map(|(kind, id)| exempt(kind, id));
        assert_eq!(
            under(&examination, exemptions).status,
            status,
            "{exempted:?}"
        );
    }
}

#[test]
fn what_is_forgiven_is_written_since_it_is_the_same_for_everybody() {
    let statements = [
        in_image("CVE-2026-1"),
        in_image("CVE-2026-2"),
        statement("affected"),
    ];
    let examination = heard(&only(&two_packages()), &testimony(&[document(&statements)]));
    let json = serde_json::to_vec(&examination).unwrap();
    let read: Examination = serde_json::from_slice(&json).unwrap();
    assert_eq!(read, examination);
    assert_eq!(under(&read, []).status, Status::Fail);
    assert_eq!(under(&read, []).vex.len(), 1);
}

#[test]
fn what_was_heard_leaves_what_was_found_as_it_was() {
    let image = only(&two_packages());
    let (rules, now) = (Rules::default(), time(NOW));
    let examined = examine(&image, &source(), &rules, now);
    let silent = examined.heeding(&Testimony::default(), &root(), &image, now);
    assert_eq!(silent, examined);
    assert!(examined.has_issues());
    assert_eq!(examined.subjects(&root(), &image), [root(), manifest()]);
    let clean = examine(&image, &Source::of([]), &rules, now);
    assert!(!clean.has_issues());
    assert_eq!(clean.subjects(&root(), &image), [root()]);
}

#[test]
fn a_refusal_says_why_a_statement_did_not_count_in_one_line() {
    let image = only(&two_packages());
    let other_version = of("CVE-2026-1", "pkg:deb/debian/libssl3@3.0.8-1");
    let assessment = assessed_with(&image, &[other_version, in_image("CVE-2026-2")]);
    let lines = assessment.lines(Headline::Issues, 10);
    let told: Vec<_> = lines.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "CVE-2026-1 (severity high): upgrade libssl3 3.0.9-1 to 3.0.11-1, upgrade openssl 3.0.9-1 to 3.0.11-1",
            "the VEX of CVE-2026-1 does not count: pkg:deb/debian/libssl3@3.0.8-1 is not this image by digest, nor a package of it \
             in the installed version; document https://example.com/vex/1",
        ]
    );
    assert!(told.iter().all(|line| line.len() <= 200), "{told:?}");
}

#[test]
fn a_report_says_by_whom_an_issue_is_forgiven_and_why_another_is_not() {
    let library = of("CVE-2026-1", "pkg:deb/debian/libssl3@3.0.9-1");
    let program = of("CVE-2026-1", "pkg:deb/debian/openssl@3.0.9-1");
    let late = with(
        statement("affected"),
        json!({"vulnerability": {"name": "CVE-2026-2"}}),
    );
    let image = only(&two_packages());
    let assessment = assessed_with(&image, &[library, program, late]);
    let report = ImageReport::new("icr.io/team/app:1", Some(root().as_str()), &assessment);
    let written = serde_json::to_value(&report).unwrap();
    assert_eq!(
        serde_json::from_value::<ImageReport>(written).unwrap(),
        report
    );
    let ScanReport {
        vulnerabilities,
        unheeded_vex,
        ..
    } = &report.report;
    let forgiven = vulnerabilities
        .iter()
        .find(|one| one.cve_id == "CVE-2026-1");
    insta::assert_json_snapshot!((forgiven, unheeded_vex));
    insta::assert_snapshot!(render(&report, Sections::All, Detail::Brief));
}
