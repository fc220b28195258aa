//! What two scanners say of an image, in the same terms.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use cise_advisor::assessment::{NotCounted, Status};
use cise_advisor::report::ImageReport;
use jiff::Timestamp;
use serde::Deserialize;

use crate::images::Made;
use crate::tools::{Tools, answer, run};

/// A vulnerability of an installed package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Its CVE id, else the id of the advisory.
    pub(crate) vulnerability: String,
    pub(crate) package: String,
}

/// What is said of a finding.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) advisory: String,
    pub(crate) version: String,
    /// The ecosystem of the package, where it is told.
    pub(crate) ecosystem: Option<String>,
    /// Why it does not count, where it does not.
    pub(crate) uncounted: Option<NotCounted>,
}

pub(crate) type Findings = BTreeMap<Finding, Told>;

/// What `cise va` says.
pub(crate) struct Ours {
    pub(crate) status: Status,
    pub(crate) findings: Findings,
    /// Packages that it names as not judged.
    pub(crate) unjudged: Vec<String>,
    /// What kept it from judging.
    pub(crate) gaps: Vec<String>,
}

/// Builds the database of the image's archives, and asks `cise va` about the image.
pub(crate) fn ours(tools: &Tools, made: &Made, database: &Path) -> Result<Ours> {
    let mut build = Command::new(&tools.cise);
    build
        .args([
            "db",
            "build",
            "--as-of",
            &Timestamp::now().to_string(),
            "-o",
        ])
        .arg(database);
    run(build.args(made.archives.files()?))?;
    let configuration = database.with_extension("yaml");
    std::fs::write(&configuration, "advisor:\n  platforms: [linux/amd64]\n")?;
    let mut va = Command::new(&tools.cise);
    va.args(["va", "-o", "json", "--db"])
        .arg(database)
        .arg("--config")
        .arg(&configuration);
    // 1 and 2 say that the image is not admitted.
    read_ours(&answer(
        va.arg(format!("oci:{}", made.layout.display())),
        &[0, 1, 2],
    )?)
}

/// What `cise va` has said of one image.
fn read_ours(said: &str) -> Result<Ours> {
    let reports: Vec<ImageReport> =
        serde_json::from_str(said).context("the report of `cise va`")?;
    let report = reports
        .into_iter()
        .next()
        .context("`cise va` reports nothing")?
        .report;
    let mut findings = Findings::new();
    for issue in &report.vulnerabilities {
        for notice in &issue.security_notices {
            for package in &notice.vulnerable_packages {
                let finding = Finding {
                    vulnerability: issue.cve_id.clone(),
                    package: package.package_name.clone(),
                };
                let told = Told {
                    advisory: notice.notice_id.clone(),
                    version: package.installed_version.clone(),
                    ecosystem: None,
                    uncounted: None,
                };
                findings.insert(finding, told);
            }
        }
    }
    for one in report.uncounted {
        let finding = Finding {
            vulnerability: one.cve_id,
            package: one.package_name,
        };
        findings.entry(finding).or_insert(Told {
            advisory: one.notice_id,
            version: one.installed_version,
            ecosystem: None,
            uncounted: Some(one.why),
        });
    }
    Ok(Ours {
        status: report.status,
        findings,
        unjudged: report
            .unjudged
            .iter()
            .map(|one| one.package.to_string())
            .collect(),
        gaps: report.gaps.into_iter().map(|gap| gap.message).collect(),
    })
}

/// The findings that both have, with what CISE says of each.
pub(crate) fn common<'f>(ours: &'f Ours, theirs: &Theirs) -> Vec<(&'f Finding, &'f Told)> {
    let findings = ours.findings.iter();
    findings
        .filter(|(finding, _)| theirs.findings.contains_key(finding))
        .collect()
}

/// What osv-scanner says.
pub(crate) struct Theirs {
    pub(crate) findings: Findings,
    /// The packages that it has looked at.
    pub(crate) packages: Vec<String>,
}

/// Asks osv-scanner about the image, with the image's archives and without a network.
pub(crate) fn theirs(tools: &Tools, made: &Made, archive: &Path) -> Result<Theirs> {
    let mut scan = Command::new(&tools.osv_scanner);
    scan.args([
        "scan",
        "image",
        "--offline",
        "--all-packages",
        "--all-vulns",
        "--format",
        "json",
    ])
    .arg("--local-db-path")
    .arg(made.archives.folder());
    // 1 says that there are vulnerabilities, 128 that there are no packages.
    read_theirs(&answer(scan.arg("--archive").arg(archive), &[0, 1, 128])?)
}

/// What osv-scanner has said.
fn read_theirs(said: &str) -> Result<Theirs> {
    let report: Report = match said.trim() {
        "" => Report::default(),
        said => serde_json::from_str(said).context("the report of osv-scanner")?,
    };
    let mut theirs = Theirs {
        findings: Findings::new(),
        packages: Vec::new(),
    };
    for scanned in report
        .results
        .into_iter()
        .flat_map(|source| source.packages)
    {
        let Package {
            name,
            os_package_name,
            version,
            ecosystem,
        } = scanned.package;
        let package = os_package_name.unwrap_or(name);
        for record in scanned.vulnerabilities {
            let told = Told {
                advisory: record.id.clone(),
                version: version.clone(),
                ecosystem: Some(ecosystem.clone()),
                uncounted: None,
            };
            for vulnerability in record.vulnerabilities() {
                let package = package.clone();
                theirs.findings.insert(
                    Finding {
                        vulnerability,
                        package,
                    },
                    told.clone(),
                );
            }
        }
        theirs.packages.push(package);
    }
    Ok(theirs)
}

#[derive(Default, Deserialize)]
struct Report {
    results: Vec<Source>,
}

#[derive(Deserialize)]
struct Source {
    packages: Vec<Scanned>,
}

#[derive(Deserialize)]
struct Scanned {
    package: Package,
    #[serde(default)]
    vulnerabilities: Vec<Record>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    os_package_name: Option<String>,
    version: String,
    ecosystem: String,
}

#[derive(Deserialize)]
struct Record {
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    upstream: Vec<String>,
    #[serde(default)]
    related: Vec<String>,
}

impl Record {
    /// The CVE ids that it names anywhere, else its own id.
    fn vulnerabilities(self) -> Vec<String> {
        let names = [self.aliases, self.upstream, self.related].concat();
        let mut ids: Vec<String> = names
            .into_iter()
            .chain([self.id.clone()])
            .filter(|name| name.starts_with("CVE-"))
            .collect();
        ids.sort();
        ids.dedup();
        if ids.is_empty() {
            ids.push(self.id);
        }
        ids
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn finding(vulnerability: &str, package: &str) -> Finding {
        Finding {
            vulnerability: vulnerability.to_owned(),
            package: package.to_owned(),
        }
    }

    /// A report of `cise va`, of an issue in two packages and of a finding that does not count.
    fn report() -> String {
        let package = |name: &str| {
            json!({
                "package_name": name, "installed_version": "1", "fix_version": "2", "description": "", "corrective_action": "",
            })
        };
        let notice = json!({
            "notice_id": "DSA-1-1", "notice": "", "summary": "", "notice_exempt": false,
            "vulnerable_packages": [package("libssl3"), package("openssl")],
        });
        let uncounted = |package: &str| {
            json!({
                "cve_id": "CVE-2026-1", "notice_id": "DEBIAN-CVE-2026-1", "package_name": package, "installed_version": "1",
                "fix_version": "", "why": "no-fix",
            })
        };
        json!([{
            "image": "oci:layout", "id": "", "scan_time": 0, "status": "INCOMPLETE",
            "vulnerabilities": [{
                "cve_id": "CVE-2026-1", "summary": "", "cve_exempt": false, "exempt_status": "active",
                "total_security_notice_count": 1, "security_notice_count": 1, "exempt_security_notice_count": 0,
                "security_notices": [notice],
            }],
            "configuration_issues": [], "os_distribution": {"distribution_id": "", "version_id": "", "version_code_name": ""},
            "uncounted": [uncounted("openssl"), uncounted("zlib1g")],
            "unjudged": [{"package": "nginx", "version": "1", "reason": "other-vendor", "vendor": "somebody"}],
            "gaps": [{"message": "a layer is encrypted"}],
        }])
        .to_string()
    }

    #[test]
    fn what_cise_says_is_a_finding_for_each_package_and_what_counts_stands_before_what_does_not() {
        let ours = read_ours(&report()).unwrap();
        let told: Vec<_> = ours
            .findings
            .iter()
            .map(|(finding, told)| (&*finding.package, &*told.advisory, told.uncounted))
            .collect();
        assert_eq!(
            told,
            [
                ("libssl3", "DSA-1-1", None),
                ("openssl", "DSA-1-1", None),
                ("zlib1g", "DEBIAN-CVE-2026-1", Some(NotCounted::NoFix)),
            ]
        );
        assert_eq!(
            (ours.status, ours.unjudged),
            (Status::Incomplete, vec!["nginx".to_owned()])
        );
        assert_eq!(ours.gaps, ["a layer is encrypted"]);
        assert!(read_ours("[]").is_err());
    }

    /// A record of osv-scanner by its id, and where it names others.
    fn record(id: &str, field: &str, names: &[&str]) -> serde_json::Value {
        let mut record = json!({ "id": id });
        record[field] = json!(names);
        record
    }

    fn theirs(records: &[serde_json::Value]) -> Theirs {
        let report = json!({"results": [{"packages": [{
            "package": {"name": "openssl", "os_package_name": "libssl3", "version": "1", "ecosystem": "Debian:12"},
            "vulnerabilities": records,
        }]}]});
        read_theirs(&report.to_string()).unwrap()
    }

    #[test]
    fn what_the_other_says_goes_by_the_vulnerabilities_that_a_record_names_wherever_it_does() {
        let table: [(&str, &str, &[&str], &[&str]); 6] = [
            (
                "DSA-1-1",
                "upstream",
                &["CVE-2026-2", "CVE-2026-1"],
                &["CVE-2026-1", "CVE-2026-2"],
            ),
            ("ELA-1-1", "related", &["CVE-2026-1"], &["CVE-2026-1"]),
            (
                "GO-2026-1",
                "aliases",
                &["GHSA-1", "CVE-2026-1", "CVE-2026-1"],
                &["CVE-2026-1"],
            ),
            ("CVE-2026-1", "aliases", &[], &["CVE-2026-1"]),
            ("GO-2026-1", "aliases", &["GHSA-1"], &["GO-2026-1"]),
            ("DSA-1-1", "related", &[], &["DSA-1-1"]),
        ];
        for (id, field, names, expected) in table {
            let theirs = theirs(&[record(id, field, names)]);
            let found: Vec<_> = theirs.findings.keys().cloned().collect();
            let expected: Vec<_> = expected.iter().map(|one| finding(one, "libssl3")).collect();
            assert_eq!(found, expected, "{id}, {field} {names:?}");
        }
    }

    #[test]
    fn a_package_without_vulnerabilities_was_looked_at_and_nothing_said_is_nothing_found() {
        let none = theirs(&[]);
        assert_eq!(
            (none.findings.len(), none.packages),
            (0, vec!["libssl3".to_owned()])
        );
        let silent = read_theirs("\n").unwrap();
        assert!(silent.findings.is_empty() && silent.packages.is_empty());
        assert!(read_theirs("No package sources found").is_err());
    }

    #[test]
    fn findings_are_paired_by_vulnerability_and_package() {
        let ours = read_ours(&report()).unwrap();
        let theirs = theirs(&[record("DSA-1-1", "upstream", &["CVE-2026-1", "CVE-2026-2"])]);
        let common: Vec<_> = common(&ours, &theirs)
            .into_iter()
            .map(|(finding, _)| finding.clone())
            .collect();
        assert_eq!(common, [finding("CVE-2026-1", "libssl3")]);
    }
}
