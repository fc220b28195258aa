//! One assessment of an image with 1,000 packages, of which some have advisories. The budget is 10 ms.

#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot be set up has nothing to measure"
)]

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::Arc;

use cise_advisor::assessment::{AdvisorySource, Rules, assess};
use cise_advisor::database::{Coverage, Feed, FixDates, LifeSpan, Vulnerability};
use cise_advisor::detector::Mark;
use cise_advisor::exemption::{Exemptions, Subject, TagBinding};
use cise_advisor::inventory::{Contents, Inventories, Inventory, Platform, Reading};
use cise_advisor::report::ImageReport;
use cise_advisor::{
    Advisory, Affected, Ecosystem, Event, Manager, Package, Range, Release, SourcePackage,
};
use cise_reference::{Digest, Reference};
use divan::Bencher;
use jiff::Timestamp;

fn main() {
    divan::main();
}

const PACKAGES: usize = 1_000;
/// How many advisories each package has; most of them are of fixes that are installed.
const ADVISORIES: [usize; 3] = [0, 1, 20];

/// Advisories in memory: what the database costs is measured elsewhere.
struct Memory {
    feed: Feed,
    advisories: HashMap<Box<str>, Arc<[Advisory]>>,
}

impl AdvisorySource for Memory {
    type Error = Infallible;

    fn advisories(&self, _: &Ecosystem, package: &str) -> Result<Arc<[Advisory]>, Infallible> {
        Ok(self.advisories.get(package).cloned().unwrap_or_default())
    }

    fn fix_dates(&self, _: &Ecosystem, _: &str) -> Result<FixDates, Infallible> {
        Ok(FixDates::default())
    }

    fn feed(&self, _: &Ecosystem) -> Option<&Feed> {
        Some(&self.feed)
    }

    fn covers(&self, ecosystem: &Ecosystem) -> bool {
        self.feed(ecosystem).is_some()
    }

    fn life_span(&self, _: &Release) -> Option<&LifeSpan> {
        None
    }

    fn vulnerability(&self, _: &str) -> Result<Option<Vulnerability>, Infallible> {
        Ok(None)
    }
}

/// One in ten of the last advisories of a package has a fix that is not installed.
#[divan::bench(args = ADVISORIES)]
fn an_image_of_a_thousand_packages(bencher: Bencher<'_, '_>, advisories: usize) {
    let (inventories, source, exemptions, subject) = question(advisories);
    let now = source.feed.as_of.expect("the feed says how old it is");
    let rules = Rules::default();
    bencher.bench(|| {
        let applicable = exemptions.applying_to(&subject, now);
        assess(&inventories, &source, applicable, &rules, now)
    });
}

#[divan::bench]
fn the_report_of_a_thousand_packages(bencher: Bencher<'_, '_>) {
    let (inventories, source, exemptions, subject) = question(20);
    let now = source.feed.as_of.expect("the feed says how old it is");
    let applicable = exemptions.applying_to(&subject, now);
    let assessment = assess(&inventories, &source, applicable, &Rules::default(), now);
    bencher.bench(|| {
        let report = ImageReport::new("icr.io/team/app:1", None, &assessment);
        serde_json::to_vec(&report).expect("a report is JSON")
    });
}

fn question(advisories: usize) -> (Inventories, Memory, Exemptions, Subject) {
    let now: Timestamp = "2026-11-26T09:00:00Z".parse().expect("it is a time");
    let reference = Reference::parse("icr.io/team/app:1").expect("it is a reference");
    let subject = Subject::new(&reference, &Digest::sha256([0; 32]), TagBinding::Proven)
        .expect("it stays a reference");
    let debian = Ecosystem::new("Debian:12");
    let source = Memory {
        feed: Feed {
            ecosystem: debian.clone(),
            coverage: Coverage::Complete,
            as_of: Some(now),
            newest: None,
            advisories: 1,
            packages: 1,
            rows: 1,
            sources: BTreeSet::new(),
        },
        advisories: (0..PACKAGES)
            .map(|package| {
                let of_package = (0..advisories).map(|number| advisory(package, number, &debian));
                (name(package), of_package.collect::<Vec<_>>().into())
            })
            .collect(),
    };
    (inventories(), source, Exemptions::default(), subject)
}

fn name(package: usize) -> Box<str> {
    format!("package{package}").into()
}

fn fix(package: usize, number: usize) -> &'static str {
    if number == 0 && package.is_multiple_of(10) {
        "1.2.4-1"
    } else {
        "1.2.2-1"
    }
}

fn advisory(package: usize, number: usize, ecosystem: &Ecosystem) -> Advisory {
    let fixed = fix(package, number);
    Advisory {
        id: format!("DSA-{package}-{number}").into(),
        vulnerabilities: vec![format!("CVE-2026-{package}{number:02}").into()],
        published: None,
        modified: None,
        severity: Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".into()),
        summary: "".into(),
        affected: vec![Affected {
            ecosystem: ecosystem.clone(),
            package: name(package),
            ranges: vec![Range {
                events: vec![Event::Introduced("0".into()), Event::Fixed(fixed.into())],
            }],
            versions: Vec::new(),
            binaries: Vec::new(),
            module: None,
            severity: None,
        }],
    }
}

fn inventories() -> Inventories {
    let package = |number| Package {
        manager: Manager::Dpkg,
        name: name(number),
        version: "1.2.3-1+deb12u2".into(),
        architecture: "amd64".into(),
        source: SourcePackage {
            name: name(number),
            version: "1.2.3-1+deb12u2".into(),
        },
        vendor: "Debian Perl Group <pkg-perl-maintainers@lists.alioth.debian.org>".into(),
        module: None,
        recorded_in: "var/lib/dpkg/status".into(),
    };
    let image = Inventory {
        manifest: Digest::sha256([0; 32]),
        platform: Platform::new("linux", "amd64", ""),
        release: Some(Release {
            id: "debian".into(),
            version: "12".into(),
            ..Release::default()
        }),
        packages: (0..PACKAGES).map(package).collect(),
        gaps: BTreeSet::new(),
        contents: Contents {
            marks: [Mark::Release, Mark::PackageDatabase].into(),
            databases: [Manager::Dpkg].into(),
            reading: Reading::Whole,
        },
    };
    Inventories {
        images: vec![image],
        gaps: BTreeSet::new(),
    }
}
