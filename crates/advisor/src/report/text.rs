//! The report for people, in the layout of `ibmcloud cr va`. Plain text: whoever prints it adds colour.

mod printable;
mod table;
mod vex;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Affected, Fix, ImageReport, ScanReport, Vulnerability};
use crate::assessment::{ExemptStatus, NotCounted, Status};
use printable::printable;
use table::Table;

/// Which findings are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sections {
    /// All of them.
    #[default]
    All,
    /// Vulnerabilities only (`-v`).
    Vulnerabilities,
    /// Findings about the configuration only (`-c`).
    Configuration,
}

/// How much is said of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// A row for each vulnerability.
    #[default]
    Brief,
    /// A row for each package and notice (`-e`), and what does not count.
    Extended,
}

/// What is said before an image is looked at.
pub fn checking(image: &str) -> String {
    format!("Checking security issues for '{}'...", printable(image))
}

/// The report about one image, each line with its end.
pub fn render(report: &ImageReport, sections: Sections, detail: Detail) -> String {
    let ImageReport { image, report } = report;
    let mut text = head(&printable(image), report);
    if sections != Sections::Vulnerabilities {
        section(
            &mut text,
            "Configuration Issues Found",
            &configuration(report),
        );
    }
    if sections != Sections::Configuration {
        let vulnerabilities = match detail {
            Detail::Brief => vulnerabilities(report),
            Detail::Extended => packages(report),
        };
        section(&mut text, "Vulnerabilities Found", &vulnerabilities);
        section(&mut text, "Forgiven by VEX", &vex::forgiven(report));
        section(&mut text, "Fixes to Apply", &fixes(report));
        if detail == Detail::Extended {
            section(&mut text, "Findings That Do Not Count", &uncounted(report));
            section(&mut text, "Packages Not Judged", &unjudged(report));
        }
    }
    section(
        &mut text,
        "What Kept the Image from Being Judged",
        &gaps(report),
    );
    remarks(&mut text, report, sections, detail);
    text
}

fn head(image: &str, report: &ScanReport) -> String {
    match (report.status, report.gaps.as_slice()) {
        (Status::Unscanned, []) => {
            return format!("Image '{image}' has not been scanned. Try again later.\n");
        }
        (Status::Unscanned, _) => return format!("Image '{image}' could not be scanned.\n"),
        _ => {}
    }
    let scanned = scanned_on(report.scan_time);
    format!(
        "Image '{image}' was last scanned on {scanned}\n{}\n",
        result(report)
    )
}

/// Never "no issues" where something was not judged.
fn result(report: &ScanReport) -> String {
    let exempt = report.vulnerabilities.iter().filter(|one| is_exempt(one));
    let exempt = exempt.count()
        + report
            .configuration_issues
            .iter()
            .filter(|one| one.exempt)
            .count();
    let all = report.vulnerabilities.len() + report.configuration_issues.len();
    let found = match all {
        0 => "NO ISSUES were found".to_owned(),
        1 => "1 ISSUE was found".to_owned(),
        _ => format!("{all} ISSUES were found"),
    };
    let exempted = match exempt {
        0 => String::new(),
        _ if exempt == all => ", and all are exempted".to_owned(),
        1 => ", of which 1 is exempted".to_owned(),
        _ => format!(", of which {exempt} are exempted"),
    };
    match (report.status, all) {
        (Status::Unsupported, _) => {
            "The image is not supported by Vulnerability Advisor.".to_owned()
        }
        (Status::Incomplete, 0) => {
            "The scan is INCOMPLETE: not everything could be judged.".to_owned()
        }
        (Status::Incomplete, _) => {
            format!("The scan is INCOMPLETE: at least {found} for the image{exempted}.")
        }
        _ => format!("The scan results show that {found} for the image{exempted}."),
    }
}

fn is_exempt(vulnerability: &Vulnerability) -> bool {
    vulnerability.exempt_status == ExemptStatus::Exempt
}

/// As `date` prints it: `Thu Nov 26 09:00:00 UTC 2026`.
fn scanned_on(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    let time = time.to_zoned(TimeZone::UTC);
    time.strftime("%a %b %d %H:%M:%S UTC %Y").to_string()
}

fn section(text: &mut String, title: &str, table: &Table) {
    if table.is_empty() {
        return;
    }
    text.push('\n');
    text.push_str(title);
    text.push('\n');
    text.push_str(&"=".repeat(title.len()));
    text.push('\n');
    table.write(text);
}

fn configuration(report: &ScanReport) -> Table {
    let mut table = Table::new(&[
        "Configuration Issue ID",
        "Policy Status",
        "Security Practice",
        "How to Resolve",
    ]);
    for issue in &report.configuration_issues {
        let status = if issue.exempt { "Exempt" } else { "Active" };
        table.row([
            &*issue.id,
            status,
            &issue.description,
            &issue.corrective_action,
        ]);
    }
    table
}

fn vulnerabilities(report: &ScanReport) -> Table {
    let mut table = Table::new(&[
        "Vulnerability ID",
        "Policy Status",
        "Severity",
        "Affected Packages",
        FIXED_SINCE,
        "How to Resolve",
    ])
    .with_if_known(FIXED_SINCE);
    for one in &report.vulnerabilities {
        let by_fix = by_fix(one);
        let packages = by_fix.values().flatten();
        let names: Vec<_> = packages.map(|one| &*one.package_name).collect();
        table.row([
            &*one.cve_id,
            policy_status(one.exempt_status),
            &severity(one),
            &names.join(", "),
            &fixed_since(affected(one)),
            &upgrades(&by_fix),
        ]);
    }
    table
}

const FIXED_SINCE: &str = "Fixed Since";

/// The day from which on all of the packages can be upgraded; empty where that is not known of all.
fn fixed_since<'a>(packages: impl IntoIterator<Item = &'a Affected>) -> String {
    let dates = packages.into_iter().map(|one| one.fix_date);
    let last = dates.reduce(|one, other| one.zip(other).map(|(one, other)| one.max(other)));
    let day = |date: Timestamp| date.strftime("%Y-%m-%d").to_string();
    last.flatten().map(day).unwrap_or_default()
}

/// The packages that have a vulnerability, each name once, by the version that fixes it.
fn by_fix(vulnerability: &Vulnerability) -> BTreeMap<&str, Vec<&Affected>> {
    let mut by_fix: BTreeMap<&str, Vec<&Affected>> = BTreeMap::new();
    for one in affected(vulnerability) {
        let packages = by_fix.entry(&one.fix_version).or_default();
        if !packages
            .iter()
            .any(|known| known.package_name == one.package_name)
        {
            packages.push(one);
        }
    }
    by_fix
}

fn affected(vulnerability: &Vulnerability) -> impl Iterator<Item = &Affected> {
    let notices = vulnerability.security_notices.iter();
    notices.flat_map(|notice| &notice.vulnerable_packages)
}

fn upgrades(by_fix: &BTreeMap<&str, Vec<&Affected>>) -> String {
    let upgrades = by_fix
        .iter()
        .map(|(fix, packages)| match packages.as_slice() {
            [one] => one.corrective_action.clone(),
            several => format!("Upgrade {} packages to >= {fix}", several.len()),
        });
    upgrades.collect::<Vec<_>>().join("; ")
}

fn packages(report: &ScanReport) -> Table {
    let mut table = Table::new(&[
        "Vulnerability ID",
        "Policy Status",
        "Severity",
        "Affected Package",
        "Installed Version",
        "Fixed Version",
        FIXED_SINCE,
        "Security Notice",
        "How to Resolve",
    ])
    .with_if_known(FIXED_SINCE);
    for one in &report.vulnerabilities {
        let severity = severity(one);
        for notice in &one.security_notices {
            for package in &notice.vulnerable_packages {
                table.row([
                    &*one.cve_id,
                    policy_status(one.exempt_status),
                    &severity,
                    &package.package_name,
                    &package.installed_version,
                    &package.fix_version,
                    &fixed_since([package]),
                    &notice.notice_id,
                    &package.corrective_action,
                ]);
            }
        }
    }
    table
}

fn policy_status(status: ExemptStatus) -> &'static str {
    match status {
        ExemptStatus::Active => "Active",
        ExemptStatus::Partial => "Partial",
        ExemptStatus::Exempt => "Exempt",
    }
}

fn severity(vulnerability: &Vulnerability) -> String {
    let exploited = vulnerability.kev.as_ref().map(|_| "exploited".to_owned());
    let score = vulnerability
        .epss
        .map(|score| format!("EPSS {:.2} %", score.probability * 100.0));
    let parts = [Some(vulnerability.severity.to_string()), exploited, score];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn fixes(report: &ScanReport) -> Table {
    let mut table = Table::new(&[
        "Package",
        "Installed Version",
        "Upgrade To",
        "Issues Resolved",
    ]);
    for fix in &report.fixes {
        table.row([
            &*fix.package_name,
            &fix.installed_version,
            &upgrade_to(fix),
            &fix.issues.to_string(),
        ]);
    }
    table
}

fn upgrade_to(fix: &Fix) -> String {
    let versions = fix.fix_versions.join(", ");
    match &fix.source_package {
        None => format!(">= {versions}"),
        Some(source) => format!(">= {versions} (source {source})"),
    }
}

fn uncounted(report: &ScanReport) -> Table {
    let mut table = Table::new(&[
        "Vulnerability ID",
        "Package",
        "Installed Version",
        "Fixed Version",
        "Security Notice",
        "Why",
    ]);
    for one in &report.uncounted {
        table.row([
            &*one.cve_id,
            &one.package_name,
            &one.installed_version,
            &one.fix_version,
            &one.notice_id,
            why_uncounted(one.why),
        ]);
    }
    table
}

fn why_uncounted(why: NotCounted) -> &'static str {
    match why {
        NotCounted::NoFix => "no fix is published",
        NotCounted::Kernel => "a kernel is not run by a container",
        NotCounted::Paid(_) => "the fix is in a paid channel",
        NotCounted::Language => "language packages are not counted",
    }
}

fn unjudged(report: &ScanReport) -> Table {
    let mut table = Table::new(&["Package", "Installed Version", "Why"]);
    for one in &report.unjudged {
        table.row([&*one.package, &one.version, &one.why.to_string()]);
    }
    table
}

fn gaps(report: &ScanReport) -> Table {
    let mut table = Table::untitled();
    for gap in &report.gaps {
        table.row([&*gap.message]);
    }
    table
}

/// What counts nowhere, in a line each at the end.
fn remarks(text: &mut String, report: &ScanReport, sections: Sections, detail: Detail) {
    let mut lines: Vec<String> = report
        .warnings
        .iter()
        .map(|warning| format!("warning: {}", printable(&warning.message)))
        .collect();
    let unheeded = report.unheeded_vex.iter();
    lines.extend(unheeded.map(|one| format!("note: {}", printable(&one.message))));
    let are_passed_over = detail == Detail::Brief && sections != Sections::Configuration;
    if are_passed_over && !report.uncounted.is_empty() {
        lines.push(format!(
            "note: findings that do not count: {}; -e lists them",
            report.uncounted.len()
        ));
    }
    if !lines.is_empty() {
        text.push('\n');
    }
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
}
