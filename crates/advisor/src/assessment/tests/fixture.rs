//! An image, advisories about it, and what is asked of them.

use std::collections::HashMap;
use std::sync::Arc;

use cise_reference::{Digest, Reference};
use jiff::civil::date;

use super::super::*;
use crate::database::{
    Coverage, Exploitation, Feed, FixDates, KnownExploited, LifeSpan, Ransomware, Vulnerability,
};
use crate::detector::Mark;
use crate::exemption::{self, Exemption, Exemptions, Subject, TagBinding};
use crate::inventory::{Contents, Inventory, Reading};
use crate::{Advisory, Affected, Event, Manager, Package, Range, SourcePackage};

pub(crate) const NOW: &str = "2026-11-26T09:00:00Z";

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn debian() -> Ecosystem {
    Ecosystem::new("Debian:12")
}

/// A database in memory, whose feed of Debian 12 is whole and an hour old.
pub(crate) struct Source {
    pub(crate) advisories: Vec<Advisory>,
    pub(crate) feeds: Vec<Feed>,
    /// Those without advisories that are covered all the same.
    pub(crate) silent: Vec<Ecosystem>,
    pub(crate) life_spans: Vec<LifeSpan>,
    pub(crate) vulnerabilities: HashMap<&'static str, Vulnerability>,
    pub(crate) fix_dates: FixDates,
    pub(crate) advisories_fault: Option<Unreadable>,
    pub(crate) fix_dates_fault: Option<Unreadable>,
    pub(crate) vulnerabilities_fault: Option<Unreadable>,
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("block 7 does not have its hash")]
pub(crate) struct Unreadable;

impl AdvisorySource for Source {
    type Error = Unreadable;

    fn advisories(
        &self,
        ecosystem: &Ecosystem,
        package: &str,
    ) -> Result<Arc<[Advisory]>, Unreadable> {
        let concerns = |advisory: &&Advisory| {
            let mut affected = advisory.affected.iter();
            affected.any(|one| one.ecosystem == *ecosystem && *one.package == *package)
        };
        match self.advisories_fault {
            Some(fault) => Err(fault),
            None => Ok(self.advisories.iter().filter(concerns).cloned().collect()),
        }
    }

    fn fix_dates(&self, _: &Ecosystem, _: &str) -> Result<FixDates, Unreadable> {
        match self.fix_dates_fault {
            Some(fault) => Err(fault),
            None => Ok(self.fix_dates.clone()),
        }
    }

    fn feed(&self, ecosystem: &Ecosystem) -> Option<&Feed> {
        self.feeds.iter().find(|feed| feed.ecosystem == *ecosystem)
    }

    fn covers(&self, ecosystem: &Ecosystem) -> bool {
        let feed = self.feed(ecosystem);
        self.silent.contains(ecosystem)
            || feed.is_some_and(|feed| feed.coverage == Coverage::Complete)
    }

    fn life_span(&self, release: &Release) -> Option<&LifeSpan> {
        LifeSpan::of(&self.life_spans, release)
    }

    fn vulnerability(&self, name: &str) -> Result<Option<Vulnerability>, Unreadable> {
        match self.vulnerabilities_fault {
            Some(fault) => Err(fault),
            None => Ok(self.vulnerabilities.get(name).cloned()),
        }
    }
}

impl Source {
    pub(crate) fn of(advisories: impl IntoIterator<Item = Advisory>) -> Self {
        Self {
            advisories: advisories.into_iter().collect(),
            feeds: vec![feed(debian(), Some("2026-11-26T08:00:00Z"))],
            silent: Vec::new(),
            life_spans: Vec::new(),
            vulnerabilities: HashMap::new(),
            fix_dates: FixDates::default(),
            advisories_fault: None,
            fix_dates_fault: None,
            vulnerabilities_fault: None,
        }
    }

    pub(crate) fn knowing(mut self, name: &'static str, known: Vulnerability) -> Self {
        self.vulnerabilities.insert(name, known);
        self
    }
}

pub(crate) fn exploited() -> Vulnerability {
    Vulnerability {
        known_exploited: Some(KnownExploited {
            added: date(2026, 1, 2),
            due: Some(date(2026, 1, 23)),
            ransomware: Ransomware::Known,
        }),
        ..Vulnerability::default()
    }
}

/// Of so many hundred-thousandths.
pub(crate) fn scored(probability: u32) -> Vulnerability {
    Vulnerability {
        exploitation: Some(Exploitation {
            probability,
            percentile: 99_000,
        }),
        ..Vulnerability::default()
    }
}

pub(crate) fn feed(ecosystem: Ecosystem, as_of: Option<&str>) -> Feed {
    Feed {
        ecosystem,
        coverage: Coverage::Complete,
        as_of: as_of.map(time),
        newest: None,
        advisories: 1,
        packages: 1,
        rows: 1,
        sources: BTreeSet::new(),
    }
}

/// An advisory about a source package of Debian 12 that is fixed in a version.
pub(crate) fn advisory(id: &str, vulnerabilities: &[&str], source: &str, fixed: &str) -> Advisory {
    with_events(id, vulnerabilities, source, &[Event::Fixed(fixed.into())])
}

/// An advisory about a source package of Debian 12 without a fix.
pub(crate) fn unfixed(id: &str, vulnerabilities: &[&str], source: &str) -> Advisory {
    with_events(id, vulnerabilities, source, &[])
}

fn with_events(id: &str, vulnerabilities: &[&str], source: &str, more: &[Event]) -> Advisory {
    let from_the_start = [Event::Introduced("0".into())];
    Advisory {
        id: id.into(),
        vulnerabilities: vulnerabilities.iter().map(|&name| name.into()).collect(),
        published: Some(time("2026-11-01T00:00:00Z")),
        modified: None,
        severity: None,
        summary: "".into(),
        affected: vec![Affected {
            ecosystem: debian(),
            package: source.into(),
            ranges: vec![Range {
                events: from_the_start.iter().chain(more).cloned().collect(),
            }],
            versions: Vec::new(),
            binaries: Vec::new(),
            module: None,
            severity: None,
        }],
    }
}

pub(crate) fn rated(mut advisory: Advisory, severity: &str) -> Advisory {
    advisory.severity = Some(severity.into());
    advisory
}

/// A package of Debian, by its own name and version and its source's name.
pub(crate) fn package(name: &str, source: &str, version: &str) -> Package {
    Package {
        manager: Manager::Dpkg,
        name: name.into(),
        version: version.into(),
        architecture: "amd64".into(),
        source: SourcePackage {
            name: source.into(),
            version: version.into(),
        },
        vendor: "OpenSSL Team <openssl@example.com>".into(),
        module: None,
        recorded_in: "var/lib/dpkg/status".into(),
    }
}

pub(crate) fn release(id: &str, version: &str) -> Release {
    Release {
        id: id.into(),
        version: version.into(),
        codename: "bookworm".into(),
        ..Release::default()
    }
}

pub(crate) fn platform(architecture: &str) -> Platform {
    Platform::new("linux", architecture, "")
}

/// An image of Debian 12 for amd64.
pub(crate) fn image(packages: impl IntoIterator<Item = Package>) -> Inventory {
    Inventory {
        manifest: Digest::sha256([1; 32]),
        platform: platform("amd64"),
        release: Some(release("debian", "12")),
        packages: packages.into_iter().collect(),
        gaps: BTreeSet::new(),
        contents: Contents {
            marks: [Mark::Release, Mark::PackageDatabase, Mark::DynamicLoader].into(),
            databases: [Manager::Dpkg].into(),
            reading: Reading::Whole,
        },
    }
}

/// An image of Debian 12 with libssl3 3.0.9-1, built from openssl.
pub(crate) fn with_openssl() -> Inventory {
    image([package("libssl3", "openssl", "3.0.9-1")])
}

/// An exemption for every image everywhere.
pub(crate) fn exempt(issue_type: &str, id: &str) -> Exemption {
    let document = format!(
        "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ClusterImageExemption\nmetadata: {{name: one}}\n\
         spec: {{issueType: {issue_type}, issueID: '{id}', images: ['*'], reason: not reachable, owner: web, expires: 2026-12-31}}"
    );
    exemption::from_yaml(&document, "default").unwrap()
}

pub(crate) fn assessed(inventory: &Inventory, source: &Source) -> Assessment {
    Question::default().ask(&only(inventory), source)
}

pub(crate) fn only(inventory: &Inventory) -> Inventories {
    all([inventory.clone()])
}

pub(crate) fn all(images: impl IntoIterator<Item = Inventory>) -> Inventories {
    Inventories {
        images: images.into_iter().collect(),
        gaps: BTreeSet::new(),
    }
}

/// What may be asked beside the image and the advisories.
#[derive(Default)]
pub(crate) struct Question {
    pub(crate) exemptions: Vec<Exemption>,
    pub(crate) rules: Rules,
}

impl Question {
    pub(crate) fn exempting(exemptions: impl IntoIterator<Item = Exemption>) -> Self {
        Self {
            exemptions: exemptions.into_iter().collect(),
            ..Self::default()
        }
    }

    pub(crate) fn ask(self, inventories: &Inventories, source: &Source) -> Assessment {
        let exemptions = Exemptions::compile(self.exemptions);
        let digest = Digest::parse(&format!("sha256:{}", "0".repeat(64))).unwrap();
        let reference = Reference::parse("icr.io/team/app:1").unwrap();
        let subject = Subject::new(&reference, &digest, TagBinding::Proven).unwrap();
        let now = time(NOW);
        assess(
            inventories,
            source,
            exemptions.applying_to(&subject, now),
            &self.rules,
            now,
        )
    }
}
