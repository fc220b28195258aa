//! The report about an image: IBM's `ScanReport`, whose fields are there for every outcome, and what we add.
//!
//! What IBM's clients know keeps its names and types; ours stand beside them and may be ignored.

mod exploitation;
#[cfg(test)]
mod tests;
pub mod text;
mod vex;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::assessment::{
    self, Assessment, ExemptStatus, Issue, NotCounted, Status, Uncounted, Unjudged,
    VulnerablePackage,
};
use crate::exemption::Exemption;
use crate::purl::purl;
use crate::{Release, Severity};

pub use exploitation::{Epss, Kev};
pub use vex::AppliedVex;

/// The report about an image, with the image. `cise va -o json` prints an array of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageReport {
    /// The image, as it was asked for.
    pub image: String,
    /// The report.
    #[serde(flatten)]
    pub report: ScanReport,
}

/// The report about an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScanReport {
    /// The digest of the image; empty where it is not known.
    pub id: String,
    /// The state of the world that it shows, in seconds since 1970: that of the oldest feed, and the time of the assessment
    /// where no feed was asked.
    pub scan_time: i64,
    /// The status.
    pub status: Status,
    /// The vulnerabilities that count, sorted by what matters.
    pub vulnerabilities: Vec<Vulnerability>,
    /// Findings about the configuration.
    pub configuration_issues: Vec<ConfigurationIssue>,
    /// The distribution; empty where it is not known.
    pub os_distribution: OsDistribution,
    /// Ours: the statuses of the platforms.
    #[serde(default)]
    pub platforms: BTreeMap<String, Status>,
    /// Ours: the upgrades that resolve what is not exempted, those that resolve most first.
    #[serde(default)]
    pub fixes: Vec<Fix>,
    /// Ours: what kept the image from being judged.
    #[serde(default)]
    pub gaps: Vec<Remark>,
    /// Ours: packages that nobody's advisories speak of.
    #[serde(default)]
    pub unjudged: Vec<Unjudged>,
    /// Ours: findings that do not count.
    #[serde(default)]
    pub uncounted: Vec<UncountedFinding>,
    /// Ours: why something that is attached to the image, and might have been a VEX, forgives nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unheeded_vex: Vec<Remark>,
    /// Ours: what whoever is told of the status should know too.
    #[serde(default)]
    pub warnings: Vec<Remark>,
    /// Ours: the feeds that were asked, and the state of the world that each shows.
    #[serde(default)]
    pub feeds: BTreeMap<String, Option<Timestamp>>,
}

/// A vulnerability that counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vulnerability {
    /// Its CVE id, else the id of the advisory.
    pub cve_id: String,
    /// One line about it; may be empty.
    pub summary: String,
    /// Whether the vulnerability as a whole is exempted.
    pub cve_exempt: bool,
    /// How much of it is exempted.
    pub exempt_status: ExemptStatus,
    /// How many notices fix it.
    pub total_security_notice_count: usize,
    /// How many of them are not exempted.
    pub security_notice_count: usize,
    /// How many of them are exempted.
    pub exempt_security_notice_count: usize,
    /// The notices.
    pub security_notices: Vec<SecurityNotice>,
    /// Ours: how severe it is.
    #[serde(default)]
    pub severity: Severity,
    /// Ours: its entry in CISA's catalogue of known exploited vulnerabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kev: Option<Kev>,
    /// Ours: its score of the Exploit Prediction Scoring System.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss: Option<Epss>,
    /// Ours: the exemption of the vulnerability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exemption: Option<AppliedExemption>,
}

/// A notice that fixes a vulnerability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecurityNotice {
    /// Its id.
    pub notice_id: String,
    /// Its text, which is not kept: empty.
    pub notice: String,
    /// One line about it; may be empty.
    pub summary: String,
    /// Whether it is exempted.
    pub notice_exempt: bool,
    /// The packages that it has a fix for.
    pub vulnerable_packages: Vec<Affected>,
    /// Ours: when it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
    /// Ours: the exemption of the notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exemption: Option<AppliedExemption>,
}

/// An installed package with a fix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Affected {
    /// Its name.
    pub package_name: String,
    /// The installed version.
    pub installed_version: String,
    /// The version that is no longer affected.
    pub fix_version: String,
    /// What the package is; its database's description is not kept: empty.
    pub description: String,
    /// What to do.
    pub corrective_action: String,
    /// Ours: since when the fix is there: when the notice that is the fix was published, else when an earlier advisory database
    /// first had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix_date: Option<Timestamp>,
    /// Ours: its package URL.
    #[serde(default)]
    pub purl: String,
    /// Ours: the platforms that have it.
    #[serde(default)]
    pub platforms: Vec<String>,
    /// Ours: what is attached to the image that forgives the vulnerability of this package.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vex: Vec<AppliedVex>,
}

/// A finding about the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationIssue {
    /// Its id, such as `application_configuration:mysql.ssl-ca`.
    #[serde(rename = "type")]
    pub id: String,
    /// The security practice that is not followed.
    pub description: String,
    /// How to follow it.
    pub corrective_action: String,
    /// Whether it is exempted.
    pub exempt: bool,
    /// More about it.
    pub meta: BTreeMap<String, String>,
}

/// A distribution, by its `os-release`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsDistribution {
    /// `ID`.
    pub distribution_id: String,
    /// `VERSION_ID`.
    pub version_id: String,
    /// `VERSION_CODENAME`.
    pub version_code_name: String,
}

/// The exemption that covers a vulnerability or a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedExemption {
    /// The resource.
    pub resource: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// An upgrade that resolves issues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// The package.
    pub package_name: String,
    /// The installed version.
    pub installed_version: String,
    /// The version from which on it has none of the issues; several only where their order is not known.
    pub fix_versions: Vec<String>,
    /// How many issues that resolves.
    pub issues: usize,
    /// The source package whose versions those are, where the package itself has others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_package: Option<String>,
}

/// A finding that does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UncountedFinding {
    /// The vulnerability.
    pub cve_id: String,
    /// The advisory.
    pub notice_id: String,
    /// The package.
    pub package_name: String,
    /// The installed version.
    pub installed_version: String,
    /// The published fix; empty if there is none.
    pub fix_version: String,
    /// Why it does not count.
    pub why: NotCounted,
}

/// A gap or a warning: its name and what belongs to it, and a sentence for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remark {
    /// The sentence.
    pub message: String,
    /// The name, and what belongs to it.
    #[serde(flatten)]
    pub facts: serde_json::Map<String, serde_json::Value>,
}

impl ImageReport {
    /// The report of an assessment. `digest` is that of the image, where it is known.
    pub fn new(image: &str, digest: Option<&str>, assessment: &Assessment) -> Self {
        Self {
            image: image.to_owned(),
            report: ScanReport::new(digest.unwrap_or_default(), assessment),
        }
    }
}

impl ScanReport {
    fn new(id: &str, assessment: &Assessment) -> Self {
        let release = assessment.release.as_ref();
        let vulnerability = |issue| Vulnerability::new(issue, release);
        let oldest = assessment.feeds.values().copied().flatten().min();
        Self {
            id: id.to_owned(),
            scan_time: oldest.unwrap_or(assessment.assessed_at).as_second(),
            status: assessment.status,
            vulnerabilities: assessment.issues.iter().map(vulnerability).collect(),
            configuration_issues: Vec::new(),
            os_distribution: release.map(OsDistribution::from).unwrap_or_default(),
            platforms: named(&assessment.platforms),
            fixes: assessment::fixes(assessment.active())
                .iter()
                .map(Fix::from)
                .collect(),
            gaps: assessment.gaps.iter().map(Remark::new).collect(),
            unjudged: assessment.unjudged.iter().cloned().collect(),
            uncounted: assessment.uncounted.iter().map(Into::into).collect(),
            unheeded_vex: assessment.vex.iter().map(Remark::new).collect(),
            warnings: assessment.warnings.iter().map(Remark::new).collect(),
            feeds: named(&assessment.feeds),
        }
    }
}

fn named<K: ToString, V: Copy>(map: &BTreeMap<K, V>) -> BTreeMap<String, V> {
    map.iter()
        .map(|(key, value)| (key.to_string(), *value))
        .collect()
}

impl Vulnerability {
    fn new(issue: &Issue, release: Option<&Release>) -> Self {
        let exempt = issue.exempt_notices();
        let summaries = issue.notices.iter().map(|notice| &notice.summary);
        let summary = summaries.into_iter().find(|summary| !summary.is_empty());
        Self {
            cve_id: issue.id.to_string(),
            summary: summary.map(ToString::to_string).unwrap_or_default(),
            cve_exempt: issue.exemption.is_some(),
            exempt_status: issue.exempt_status(),
            total_security_notice_count: issue.notices.len(),
            security_notice_count: issue.notices.len() - exempt,
            exempt_security_notice_count: exempt,
            security_notices: issue
                .notices
                .iter()
                .map(|notice| SecurityNotice::new(notice, release))
                .collect(),
            severity: issue.severity,
            kev: issue.known_exploited.as_ref().map(Kev::from),
            epss: issue.exploitation.map(Epss::from),
            exemption: issue.exemption.as_deref().map(AppliedExemption::from),
        }
    }
}

impl SecurityNotice {
    fn new(notice: &assessment::Notice, release: Option<&Release>) -> Self {
        let packages = notice.packages.iter();
        Self {
            notice_id: notice.id.to_string(),
            notice: String::new(),
            summary: notice.summary.to_string(),
            notice_exempt: notice.is_exempt(),
            vulnerable_packages: packages.map(|one| Affected::new(one, release)).collect(),
            published: notice.published,
            exemption: notice.exemption.as_deref().map(AppliedExemption::from),
        }
    }
}

impl Affected {
    fn new(one: &VulnerablePackage, release: Option<&Release>) -> Self {
        Self {
            package_name: one.package.name.to_string(),
            installed_version: one.package.version.to_string(),
            fix_version: one.fix.to_string(),
            description: String::new(),
            corrective_action: one.corrective_action(),
            fix_date: one.fix_date,
            purl: purl(&one.package, release),
            platforms: one.platforms.iter().map(ToString::to_string).collect(),
            vex: vex::applied(&one.vex),
        }
    }
}

impl From<&Release> for OsDistribution {
    fn from(release: &Release) -> Self {
        Self {
            distribution_id: release.id.to_string(),
            version_id: release.version.to_string(),
            version_code_name: release.codename.to_string(),
        }
    }
}

impl From<&Exemption> for AppliedExemption {
    fn from(exemption: &Exemption) -> Self {
        let spec = exemption.spec();
        Self {
            resource: exemption.origin().to_string(),
            reason: spec.reason.as_deref().map(Into::into),
            owner: spec.owner.as_deref().map(Into::into),
            expires: spec.expires.as_ref().map(ToString::to_string),
        }
    }
}

impl From<&assessment::Fix> for Fix {
    fn from(fix: &assessment::Fix) -> Self {
        Self {
            package_name: fix.package.name.to_string(),
            installed_version: fix.package.version.to_string(),
            fix_versions: fix.versions.iter().map(ToString::to_string).collect(),
            issues: fix.issues,
            source_package: fix
                .package
                .source_of_fixes()
                .map(|source| source.name.to_string()),
        }
    }
}

impl From<&Uncounted> for UncountedFinding {
    fn from(one: &Uncounted) -> Self {
        Self {
            cve_id: one.vulnerability.to_string(),
            notice_id: one.notice.to_string(),
            package_name: one.package.to_string(),
            installed_version: one.version.to_string(),
            fix_version: one.fix.as_deref().unwrap_or_default().to_owned(),
            why: one.why,
        }
    }
}

impl Remark {
    /// What is tagged with its name and displays as a sentence. Whatever cannot be told as an object has its sentence.
    fn new(said: &(impl Serialize + ToString)) -> Self {
        let facts = match serde_json::to_value(said) {
            Ok(serde_json::Value::Object(facts)) => facts,
            _ => serde_json::Map::new(),
        };
        Self {
            message: said.to_string(),
            facts,
        }
    }
}
