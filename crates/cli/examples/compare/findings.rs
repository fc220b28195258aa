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
    let said = answer(va.arg(format!("oci:{}", made.layout.display())), &[0, 1, 2])?;
    let reports: Vec<ImageReport> =
        serde_json::from_str(&said).context("the report of `cise va`")?;
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
    let said = answer(scan.arg("--archive").arg(archive), &[0, 1, 128])?;
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
