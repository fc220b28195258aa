use super::super::*;
use super::fixture::*;
use crate::inventory::{Contents, Inventory};

fn source() -> Source {
    Source::of([advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1")])
}

fn on(architecture: &str, mut inventory: Inventory) -> Inventory {
    for package in &mut inventory.packages {
        package.architecture = architecture.into();
    }
    Inventory {
        platform: platform(architecture),
        ..inventory
    }
}

fn clean() -> Inventory {
    image([package("libssl3", "openssl", "3.0.10-1")])
}

fn bare() -> Inventory {
    Inventory {
        release: None,
        packages: Vec::new(),
        contents: Contents::default(),
        ..clean()
    }
}

#[test]
fn the_worst_of_the_platforms_counts() {
    let (vulnerable, clean, bare) = (
        on("amd64", with_openssl()),
        on("arm64", clean()),
        on("s390x", bare()),
    );
    for (images, gaps, status) in [
        (vec![], vec![], Status::Unscanned),
        (vec![bare.clone()], vec![], Status::Unsupported),
        (vec![clean.clone(), bare.clone()], vec![], Status::Ok),
        (vec![], vec![Gap::NoRelease], Status::Incomplete),
        (
            vec![clean.clone()],
            vec![Gap::NoRelease],
            Status::Incomplete,
        ),
        (
            vec![clean, bare, vulnerable],
            vec![Gap::NoRelease],
            Status::Fail,
        ),
    ] {
        let inventories = Inventories {
            images,
            gaps: gaps.into_iter().collect(),
        };
        let assessment = Question::default().ask(&inventories, &source());
        assert_eq!(assessment.status, status, "{inventories:?}");
    }
    assert_eq!(Assessment::unscanned(time(NOW)).status, Status::Unscanned);
}

#[test]
fn each_platform_has_its_status_and_an_issue_its_platforms() {
    let images = [
        on("amd64", with_openssl()),
        on("arm64", with_openssl()),
        on("s390x", clean()),
    ];
    let assessment = Question::default().ask(&all(images), &source());
    let statuses: Vec<_> = assessment.platforms.values().copied().collect();
    assert_eq!(statuses, [Status::Fail, Status::Fail, Status::Ok]);
    let packages: Vec<_> = assessment.issues[0].packages().collect();
    assert_eq!(packages.len(), 1);
    assert_eq!(fixes(&assessment.issues).len(), 1);
    let platforms = [platform("amd64"), platform("arm64")].into();
    assert_eq!(packages[0].platforms, platforms);
}

#[test]
fn a_platform_passes_by_the_exemption_of_the_notices_that_concern_it() {
    let other = package("libssl1.1", "openssl1.1", "1.1-1");
    let images = [on("amd64", with_openssl()), on("arm64", image([other]))];
    let source = Source::of([
        advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1"),
        advisory("DSA-2-1", &["CVE-2026-1"], "openssl1.1", "1.2-1"),
    ]);
    let question = Question::exempting([exempt("sn", "DSA-1-1")]);
    let assessment = question.ask(&all(images), &source);
    let statuses: Vec<_> = assessment.platforms.values().copied().collect();
    assert_eq!(statuses, [Status::Warn, Status::Fail]);
    assert_eq!(assessment.status, Status::Fail);
    assert_eq!(assessment.issues[0].exempt_status(), ExemptStatus::Partial);
}

#[test]
fn of_two_images_of_one_platform_the_worse_counts() {
    for images in [[with_openssl(), clean()], [clean(), with_openssl()]] {
        let assessment = Question::default().ask(&all(images), &source());
        let statuses: Vec<_> = assessment.platforms.values().copied().collect();
        assert_eq!(statuses, [Status::Fail]);
    }
}
