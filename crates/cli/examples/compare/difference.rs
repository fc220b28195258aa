//! What one has and the other has not, and by which rule. A rule explains a difference only if it makes CISE's own judgement
//! that of the other.

use std::collections::BTreeMap;

use anyhow::Result;
use cise_advisor::database::Database;
use cise_advisor::inventory::Inventory;
use cise_advisor::matching::{Judgement, judge};
use cise_advisor::osv::{Support, ecosystems};
use cise_advisor::{Affected, Ecosystem, Event, Manager, Package};

use crate::findings::{Finding, Findings, Ours, Theirs, Told};
use crate::inventories::Listed;

/// Who has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Whose {
    Ours,
    Theirs,
}

/// Why one has it and the other has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// Advisories speak of versions of sources; osv-scanner compares those of binaries.
    SourceVersion,
    /// Names in a feed of binary packages may be those of their sources.
    SourceName,
    /// osv-scanner passes over the source package `linux`.
    Kernel,
    /// A package that is unpacked and not configured has its files in place.
    NotConfigured,
    /// Packages of programming languages are not read.
    Language,
    /// A package of another vendor is told as not judged.
    OtherVendor,
    /// A package of a module is held against modular fixes only, and others against others.
    Module,
    /// A bound without an epoch says nothing about the epoch.
    NoEpoch,
}

impl Rule {
    /// The rule, as the table tells it.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::SourceVersion => {
                "the feed's versions are those of source packages: CISE compares the source's version, osv-scanner the binary package's"
            }
            Self::SourceName => {
                "the feed names binary packages, and may mean their sources: CISE takes a name for both, osv-scanner for a binary package"
            }
            Self::Kernel => {
                "CISE names advisories of kernel sources and does not count them, osv-scanner passes over the source `linux`"
            }
            Self::NotConfigured => {
                "CISE judges packages that dpkg has unpacked and not configured, since their files are in place; osv-scanner takes the state `installed` alone"
            }
            Self::Language => "packages of programming languages are not read by CISE",
            Self::OtherVendor => {
                "a package of another vendor is told as not judged by CISE, and held against the distribution's advisories by osv-scanner"
            }
            Self::Module => {
                "CISE holds packages of a module stream against modular fixes only, and others against others"
            }
            Self::NoEpoch => {
                "CISE lets a bound without an epoch say nothing about the epoch, osv-scanner takes it for 0"
            }
        }
    }
}

/// One difference.
pub(crate) struct Difference {
    pub(crate) whose: Whose,
    /// What it is about, for people.
    pub(crate) what: String,
    /// The rule; nothing where nobody has explained it.
    pub(crate) rule: Option<Rule>,
}

/// What CISE's own judgement rests on.
pub(crate) struct Grounds<'a> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) database: &'a Database,
    /// The states of packages that are not plainly installed.
    pub(crate) states: &'a BTreeMap<String, String>,
}

impl Grounds<'_> {
    /// The differences between the findings.
    pub(crate) fn findings(&self, ours: &Ours, theirs: &Theirs) -> Result<Vec<Difference>> {
        let mut differences = Vec::new();
        for (whose, own, other) in [
            (Whose::Ours, &ours.findings, &theirs.findings),
            (Whose::Theirs, &theirs.findings, &ours.findings),
        ] {
            for (finding, told) in without(own, other) {
                let rule = match whose {
                    Whose::Ours => self.only_ours(finding, theirs)?,
                    Whose::Theirs => self.only_theirs(finding, told, ours)?,
                };
                let Finding {
                    vulnerability,
                    package,
                } = finding;
                let what = format!(
                    "{vulnerability} ({}) in {package} {}",
                    told.advisory, told.version
                );
                differences.push(Difference { whose, what, rule });
            }
        }
        Ok(differences)
    }

    fn only_ours(&self, finding: &Finding, theirs: &Theirs) -> Result<Option<Rule>> {
        let packages = self.packages(&finding.package);
        if !theirs.packages.contains(&finding.package) {
            if self.is_not_configured(&finding.package) {
                return Ok(Some(Rule::NotConfigured));
            }
            let is_kernel = packages
                .iter()
                .any(|package| *package.source.name == *"linux");
            return Ok(is_kernel.then_some(Rule::Kernel));
        }
        self.flips(&packages, finding, |is_affected| !is_affected)
    }

    fn only_theirs(&self, finding: &Finding, told: &Told, ours: &Ours) -> Result<Option<Rule>> {
        let packages = self.packages(&finding.package);
        if packages.is_empty() {
            let ecosystem = told.ecosystem.as_deref().unwrap_or_default();
            return Ok(LANGUAGES.contains(&ecosystem).then_some(Rule::Language));
        }
        if ours.unjudged.contains(&finding.package) {
            return Ok(Some(Rule::OtherVendor));
        }
        self.flips(&packages, finding, |is_affected| is_affected)
    }

    /// The rule that makes CISE's judgement the other's, if there is one.
    fn flips(
        &self,
        packages: &[&Package],
        finding: &Finding,
        as_theirs: fn(bool) -> bool,
    ) -> Result<Option<Rule>> {
        for (rule, view) in VIEWS {
            let mut is_affected = false;
            for package in packages {
                is_affected |= self.is_affected(package, view, &finding.vulnerability)?;
            }
            if as_theirs(is_affected) {
                return Ok(Some(rule));
            }
        }
        Ok(None)
    }

    /// Whether a package has a vulnerability, if both it and what advisories say of it are seen in some way.
    fn is_affected(&self, package: &Package, view: View, vulnerability: &str) -> Result<bool> {
        for ecosystem in self.ecosystems() {
            for name in [&package.source.name, &package.name] {
                let advisories = self.database.advisories(&ecosystem, name)?;
                let speaking = advisories.iter().filter(|advisory| {
                    advisory
                        .vulnerabilities
                        .iter()
                        .any(|id| **id == *vulnerability)
                });
                let mut concerned = speaking.flat_map(|advisory| &advisory.affected);
                if concerned.any(|affected| {
                    let (package, affected) = view(package, affected);
                    matches!(judge(&package, &affected), Ok(Judgement::Affected { .. }))
                }) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn ecosystems(&self) -> Vec<Ecosystem> {
        match self.inventory.release.as_ref().map(ecosystems) {
            Some(Support::Fed(feeds)) => feeds.all().cloned().collect(),
            _ => Vec::new(),
        }
    }

    fn packages(&self, name: &str) -> Vec<&Package> {
        let packages = self.inventory.packages.iter();
        packages.filter(|package| *package.name == *name).collect()
    }

    fn is_not_configured(&self, package: &str) -> bool {
        self.states
            .get(package)
            .is_some_and(|state| state == "unpacked")
    }

    /// The differences between the lists of packages.
    pub(crate) fn packages_listed<'l>(
        &self,
        ours: impl IntoIterator<Item = &'l Listed>,
        theirs: impl IntoIterator<Item = &'l Listed>,
    ) -> Vec<Difference> {
        let told = |whose, listed: &Listed| Difference {
            whose,
            what: format!(
                "{} {} {} of {}",
                listed.name, listed.version, listed.architecture, listed.source
            ),
            rule: self
                .is_not_configured(&listed.name)
                .then_some(Rule::NotConfigured),
        };
        let ours = ours.into_iter().map(|listed| told(Whose::Ours, listed));
        let theirs = theirs.into_iter().map(|listed| told(Whose::Theirs, listed));
        ours.chain(theirs).collect()
    }
}

/// How osv-scanner sees a package and an advisory of it.
type View = fn(&Package, &Affected) -> (Package, Affected);

const VIEWS: [(Rule, View); 4] = [
    (Rule::SourceVersion, by_binary_version),
    (Rule::SourceName, by_binary_name),
    (Rule::NoEpoch, with_epochs),
    (Rule::Module, without_modules),
];

fn by_binary_version(package: &Package, affected: &Affected) -> (Package, Affected) {
    let mut seen = package.clone();
    if package.manager == Manager::Dpkg {
        seen.source.version.clone_from(&package.version);
    }
    (seen, affected.clone())
}

fn by_binary_name(package: &Package, affected: &Affected) -> (Package, Affected) {
    let mut seen = package.clone();
    if package.manager == Manager::Rpm {
        seen.source.name.clone_from(&package.name);
    }
    (seen, affected.clone())
}

fn with_epochs(package: &Package, affected: &Affected) -> (Package, Affected) {
    let stated = |version: &str| {
        let is_stated = version.contains(':');
        if is_stated {
            version.into()
        } else {
            format!("0:{version}").into()
        }
    };
    let mut seen = affected.clone();
    let ranges = seen.ranges.iter_mut();
    for event in ranges.flat_map(|range| &mut range.events) {
        if let Event::Fixed(version) = event {
            *version = stated(version);
        }
    }
    (package.clone(), seen)
}

/// As if nobody could tell from a version that it is a module's.
fn without_modules(package: &Package, affected: &Affected) -> (Package, Affected) {
    let plain = |version: &str| version.replace("module", "modula").into();
    let mut seen = package.clone();
    seen.module = None;
    seen.version = plain(&seen.version);
    seen.source.version = plain(&seen.source.version);
    (seen, affected.clone())
}

const LANGUAGES: [&str; 8] = [
    "Go",
    "PyPI",
    "npm",
    "crates.io",
    "Maven",
    "RubyGems",
    "Packagist",
    "NuGet",
];

fn without<'f>(
    own: &'f Findings,
    other: &'f Findings,
) -> impl Iterator<Item = (&'f Finding, &'f Told)> {
    own.iter()
        .filter(|(finding, _)| !other.contains_key(finding))
}

#[cfg(test)]
mod tests;
