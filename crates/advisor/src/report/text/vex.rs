use super::super::{AppliedVex, ScanReport};
use super::affected;
use super::table::Table;

/// What is forgiven by what is attached to the image, and who answers for that.
pub(super) fn forgiven(report: &ScanReport) -> Table {
    let mut table = Table::new(&[
        "Vulnerability ID",
        "Package",
        "Status",
        "Justification",
        "Document",
        "Author",
        "Key",
    ]);
    for one in &report.vulnerabilities {
        let packages = affected(one);
        let applied =
            packages.flat_map(|package| package.vex.iter().map(move |vex| (package, vex)));
        // Several notices may be about the same package.
        let mut seen: Vec<(&str, &AppliedVex)> = Vec::new();
        for (package, vex) in applied {
            let row = (package.package_name.as_str(), vex);
            if seen.contains(&row) {
                continue;
            }
            seen.push(row);
            table.row([
                &*one.cve_id,
                &package.package_name,
                vex.status.as_str(),
                vex.justification.as_deref().unwrap_or_default(),
                &vex.document,
                &vex.author,
                &vex.key,
            ]);
        }
    }
    table
}
