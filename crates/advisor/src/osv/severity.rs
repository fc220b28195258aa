use super::record::SeverityRecord;

/// How severity may be written, in the order in which one is preferred: a distribution's word says less than a vector.
const KINDS: [&str; 4] = ["CVSS_V4", "CVSS_V3", "CVSS_V2", "Ubuntu"];

/// The severity of a record or a package, as written.
pub(super) fn of(severities: &[SeverityRecord]) -> Option<Box<str>> {
    KINDS.iter().find_map(|kind| {
        let found = severities.iter().find(|severity| &*severity.kind == *kind);
        found.map(|severity| severity.score.clone().into())
    })
}
