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

/// Is this the id of a notice, in whatever case it is written?
pub(crate) fn is_notice(id: &str) -> bool {
    let begins_with = |prefix: &&str| {
        let start = id.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    NOTICES.iter().any(begins_with)
}

/// When a record published a fix: a notice is published with the fix, where a record of one vulnerability is published with the
/// vulnerability.
pub(crate) fn fix_published(id: &str, published: Option<Timestamp>) -> Option<Timestamp> {
    published.filter(|_| is_notice(id))
}
