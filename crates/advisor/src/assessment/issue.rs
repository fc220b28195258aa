use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Package;
use crate::Severity;
use crate::database::{Exploitation, KnownExploited};
use crate::exemption::Exemption;
use crate::inventory::Platform;
use crate::vex::Grant;

/// A vulnerability that counts: some package of the image has it, and a fix is published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Issue {
    /// The name that feeds share, mostly a CVE id, else the id of the advisory.
    pub id: Arc<str>,
    /// How severe it is: the worst that its notices say, or, where they say nothing, what other feeds do.
    pub severity: Severity,
    /// Its entry in the catalogue of known exploited vulnerabilities.
    pub known_exploited: Option<KnownExploited>,
    /// How probable its exploitation is, where anybody says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exploitation: Option<Exploitation>,
    /// The exemption of the vulnerability as a whole. It is not written: whoever is told of an issue applies exemptions anew.
    #[serde(skip)]
    pub exemption: Option<Arc<Exemption>>,
    /// The advisories that publish the fix, by their ids. There is at least one.
    pub notices: Vec<Notice>,
}

/// An advisory, as far as it concerns the image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notice {
    /// Its id in its feed.
    pub id: Arc<str>,
    /// One line for people; may be empty.
    pub summary: Arc<str>,
    /// When it was published, unless the feed does not say.
    pub published: Option<Timestamp>,
    /// The exemption of this notice. It is not written either.
    #[serde(skip)]
    pub exemption: Option<Arc<Exemption>>,
    /// The packages that it has a fix for. There is at least one.
    pub packages: Vec<VulnerablePackage>,
}

/// An installed package, and the fix that an advisory publishes for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VulnerablePackage {
    /// The package, of one of the architectures that it is installed for.
    pub package: Arc<Package>,
    /// The version that is no longer affected, of the package or of its source, as the feed has it.
    pub fix: Arc<str>,
    /// Since when the fix is there: when the notice that is the fix was published, else when an earlier database first had it.
    /// Nothing where neither is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix_date: Option<Timestamp>,
    /// The platforms of the image that have it.
    pub platforms: BTreeSet<Platform>,
    /// What forgives the vulnerability of this package, on those of the platforms on which something does. Other than exemptions
    /// it is written: it is of the image, and the same for everybody.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vex: BTreeMap<Platform, Arc<Grant>>,
}

/// How much of an issue is exempted. The names are those of IBM's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExemptStatus {
    /// Nothing.
    Active,
    /// Some of the notices that fix it, or of the packages that have it.
    Partial,
    /// The vulnerability, or every notice that fixes it, or every package that has it.
    Exempt,
}

/// What an issue is on one platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnPlatform {
    /// The vulnerability is exempted, or every notice that concerns the platform, or every package there.
    Exempt,
    /// It is not.
    Active,
}

impl Issue {
    /// What it is on a platform; nothing, if no package there has it.
    pub(super) fn exemption_on(&self, platform: &Platform) -> Option<OnPlatform> {
        let has_it = |one: &VulnerablePackage| one.platforms.contains(platform);
        let here = self.notices.iter();
        let mut here = here
            .filter(|notice| notice.packages.iter().any(has_it))
            .peekable();
        here.peek()?;
        if self.exemption.is_some() || here.all(|notice| notice.is_exempt_on(platform)) {
            Some(OnPlatform::Exempt)
        } else {
            Some(OnPlatform::Active)
        }
    }

    /// How much of it is exempted.
    pub fn exempt_status(&self) -> ExemptStatus {
        let exempt = self.exempt_notices();
        let all_are = !self.notices.is_empty() && exempt == self.notices.len();
        if self.exemption.is_some() || all_are {
            ExemptStatus::Exempt
        } else if exempt > 0 || self.packages().any(|one| !one.vex.is_empty()) {
            ExemptStatus::Partial
        } else {
            ExemptStatus::Active
        }
    }

    /// Is it exempted as a whole?
    pub fn is_exempt(&self) -> bool {
        self.exempt_status() == ExemptStatus::Exempt
    }

    /// How many of its notices are exempted apart from it.
    pub fn exempt_notices(&self) -> usize {
        let notices = self.notices.iter();
        notices.filter(|notice| notice.is_exempt()).count()
    }

    /// All packages that have it.
    pub fn packages(&self) -> impl Iterator<Item = &VulnerablePackage> {
        self.notices.iter().flat_map(|notice| &notice.packages)
    }

    /// Sorts by what matters: what is not exempted, then what is known to be exploited, then what is severe, then what is
    /// probably exploited; for a reader, unknown severities come after those that are known to be high.
    pub(super) fn urgency(&self) -> impl Ord + use<> {
        (
            self.is_exempt(),
            self.known_exploited.is_none(),
            Reverse(self.severity.urgency()),
            Reverse(self.exploitation),
            self.id.clone(),
        )
    }
}

impl Notice {
    /// Has it an exemption of its own, or is it forgiven of all of its packages?
    pub fn is_exempt(&self) -> bool {
        self.exemption.is_some() || self.is_forgiven()
    }

    /// A notice that says nothing of a package is forgiven of none.
    fn is_forgiven(&self) -> bool {
        let mut packages = self.packages.iter();
        !self.packages.is_empty() && packages.all(VulnerablePackage::is_forgiven)
    }

    fn is_exempt_on(&self, platform: &Platform) -> bool {
        let mut here = self.packages.iter();
        let is_forgiven = |one: &VulnerablePackage| {
            !one.platforms.contains(platform) || one.vex.contains_key(platform)
        };
        self.exemption.is_some() || here.all(is_forgiven)
    }
}

impl VulnerablePackage {
    /// Is it forgiven on all platforms that have it?
    pub fn is_forgiven(&self) -> bool {
        let mut platforms = self.platforms.iter();
        !self.platforms.is_empty() && platforms.all(|platform| self.vex.contains_key(platform))
    }

    /// What to do about it.
    pub fn corrective_action(&self) -> String {
        let (name, fix) = (&self.package.name, &self.fix);
        match self.package.source_of_fixes() {
            None => format!("Upgrade {name} to >= {fix}"),
            Some(source) => format!("Upgrade {name} to >= {fix} (source {})", source.name),
        }
    }
}
