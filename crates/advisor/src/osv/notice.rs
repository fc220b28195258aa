use jiff::Timestamp;

/// How the ids of notices begin: what a distribution publishes of several vulnerabilities at once.
const NOTICES: [&str; 9] = [
    "ALSA-",
    "DLA-",
    "DSA-",
    "ELA-",
    "RHSA-",
    "RLSA-",
    "SUSE-SU-",
    "USN-",
    "openSUSE-SU-",
];

/// Is this the id of a notice?
pub(crate) fn is_notice(id: &str) -> bool {
    NOTICES.iter().any(|prefix| id.starts_with(prefix))
}

/// When a record published a fix: a notice is published with the fix, where a record of one vulnerability is published with the
/// vulnerability.
pub(crate) fn fix_published(id: &str, published: Option<Timestamp>) -> Option<Timestamp> {
    published.filter(|_| is_notice(id))
}
